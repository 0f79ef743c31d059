//! Messages found and sorted by the server, where it can.

use std::collections::HashSet;

use crate::driver::error::Result;
use crate::driver::imap::mailbox::ImapMailbox;
use crate::driver::imap::session::{LONG_PATIENCE, Sink, refused};
use crate::driver::imap::view::{View, Watching};
use crate::driver::job::Job;
use crate::mail::criteria::Criteria;
use crate::mail::order::{Order, SortKey};
use crate::mail::switches::Switch;
use crate::mail::uid::{SequenceSet, Uid, UidSet};
use crate::wire::imap::level::Level;
use crate::wire::imap::response::Data;
use crate::wire::imap::search::{self, Numbers};
use crate::wire::imap::status::{Code, Kind};

/// No search finds more.
const MOST_FOUND: usize = 5_000_000;

impl ImapMailbox {
    /// All messages as the server sorts them (RFC 5256).
    pub async fn sorted(&mut self, order: Order, job: &Job) -> Result<Option<Vec<Uid>>> {
        let is_loser = self.connections.account.server.has(Switch::Loser);
        let key = match order.key {
            // That is known here.
            SortKey::Arrival => return Ok(None),
            SortKey::Date => "DATE",
            SortKey::From => "FROM",
            SortKey::Subject => "SUBJECT",
            SortKey::Size => "SIZE",
            SortKey::To => "TO",
            SortKey::Cc => "CC",
        };
        if is_loser || !self.session.has("SORT") || self.level < Level::Imap4rev1 {
            return Ok(None);
        }
        self.ready(job).await?;
        let words = format!("UID SORT ({key}) UTF-8 ALL");
        let command = self.session.command(&words);
        let mut finding = Finding::new(Watching::new(&mut self.view, job));
        let ended = self
            .session
            .run_within(LONG_PATIENCE, command, &mut finding, job)
            .await;
        let found = finding.found;
        if ended?.kind != Kind::Ok {
            return Ok(None);
        }
        self.settle(job).await?;
        // Each message once, whatever the server says; one that came just now stands at the end.
        let all = || self.view.sequence.iter().map(|message| message.uid);
        let mut left: HashSet<Uid> = all().collect();
        let found = found.into_iter().filter_map(Uid::new);
        let mut sorted: Vec<Uid> = found.filter(|uid| left.remove(uid)).collect();
        sorted.extend(all().filter(|uid| left.contains(uid)));
        if order.reverse {
            sorted.reverse();
        }
        Ok(Some(sorted))
    }

    /// What a search finds there; `None` where the server cannot be asked for that.
    pub async fn find(&mut self, criteria: &Criteria, job: &Job) -> Result<Option<UidSet>> {
        if self.connections.account.server.has(Switch::Loser) {
            return Ok(None);
        }
        self.ready(job).await?;
        let by_uid = self.level.has_uids();
        let short = self.session.has("ESEARCH") || self.level == Level::Imap4rev2;
        let words = match (by_uid, short) {
            (true, true) => "UID SEARCH RETURN (ALL)",
            (true, false) => "UID SEARCH",
            (false, _) => "SEARCH",
        };
        let style = self.session.style;
        let Some(command) = search::command(style, words, criteria, &Known(&self.view)) else {
            return Ok(None);
        };
        let mut finding = Finding::new(Watching::new(&mut self.view, job));
        let patience = LONG_PATIENCE;
        let ended = self
            .session
            .run_within(patience, command, &mut finding, job)
            .await;
        let Finding { found, all, .. } = finding;
        let status = ended?;
        match (status.kind, &status.code) {
            (Kind::Ok, _) => {}
            // It does not understand the words, or not their letters.
            (Kind::Bad, _) | (_, Some(Code::BadCharset)) => return Ok(None),
            _ => return Err(refused(&status)),
        }
        let mut set = match by_uid {
            true => all,
            false => UidSet::new(),
        };
        set.extend(found.into_iter().filter_map(|number| match by_uid {
            true => Uid::new(number),
            false => self.view.sequence.at(number).map(|it| it.uid),
        }));
        let set = self.members(&set);
        self.settle(job).await?;
        Ok(Some(set))
    }
}

/// Takes in what a search finds.
struct Finding<'v> {
    inner: Watching<'v>,
    found: Vec<u32>,
    all: UidSet,
}

impl<'v> Finding<'v> {
    fn new(inner: Watching<'v>) -> Self {
        Self {
            inner,
            found: Vec::new(),
            all: UidSet::new(),
        }
    }
}

impl Sink for Finding<'_> {
    fn data(&mut self, data: Data<'_>) {
        match data {
            Data::Search(numbers) if self.found.len() < MOST_FOUND => self.found.extend(numbers),
            Data::Search(_) => {}
            Data::ExtendedSearch(search) => self.all.add(&search.all),
            other => self.inner.data(other),
        }
    }

    fn pause(&mut self) {
        self.inner.pause();
    }
}

/// What numbers stand for in what is known.
struct Known<'v>(&'v View);

impl Numbers for Known<'_> {
    fn at(&self, numbers: &SequenceSet) -> UidSet {
        let length = u32::try_from(self.0.sequence.len()).unwrap_or(u32::MAX);
        let ranges = numbers.resolve(length);
        let mut set = UidSet::new();
        for (index, summary) in self.0.sequence.iter().enumerate() {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            if ranges
                .iter()
                .any(|range| (range.0..=range.1).contains(&number))
            {
                set.insert(summary.uid);
            }
        }
        set
    }

    fn of(&self, uids: &SequenceSet) -> UidSet {
        let ranges = uids.resolve(self.0.sequence.last_uid());
        let all = self.0.sequence.iter().map(|it| it.uid);
        let member = |uid: &Uid| ranges.iter().any(|it| (it.0..=it.1).contains(&uid.get()));
        all.filter(member).collect()
    }
}
