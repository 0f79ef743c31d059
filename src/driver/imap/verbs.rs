//! What can be asked of an open mailbox on a server.
//!
//! Where the connection is lost under a request that may be made twice, it is made once more on a new one.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::driver::contract::{CopiedThere, CopyWish, Portion, RemoteMailbox};
use crate::driver::error::{Error, Result};
use crate::driver::imap::bodies::Bodies;
use crate::driver::imap::copying;
use crate::driver::imap::kept_headers::KeptHeader;
use crate::driver::imap::mailbox::ImapMailbox;
use crate::driver::imap::session::{LONG_PATIENCE, Nobody, Sink, refused, succeeded};
use crate::driver::imap::view::{View, Watching};
use crate::driver::job::Job;
use crate::driver::server_error::ServerError;
use crate::mail::criteria::Criteria;
use crate::mail::flags::{FlagChange, SystemFlags};
use crate::mail::order::{Order, SortKey};
use crate::mail::outline::Outline;
use crate::mail::structure::{Part, Section};
use crate::mail::summary::Summary;
use crate::mail::switches::Switch;
use crate::mail::uid::{SequenceSet, Uid, UidSet, UidValidity};
use crate::wire::imap::level::Level;
use crate::wire::imap::response::Data;
use crate::wire::imap::search::{self, Numbers};
use crate::wire::imap::status::{Code, Kind};

/// So many messages are looked at one by one.
const FEW: u64 = 1000;
/// How long an IDLE lasts before it is begun anew: servers hang up after 30 minutes.
const IDLING: Duration = Duration::from_secs(24 * 60);
/// So many headers are worth a word on how they come.
const MANY_HEADERS: usize = 100;
/// How long nothing was asked before an IDLE begins.
const LULL: Duration = Duration::from_millis(300);
/// How often a server that tells nothing unasked is asked at most.
const POLITE: Duration = Duration::from_secs(1);
/// How long closing may take.
const CLOSING: Duration = Duration::from_secs(2);
/// The fields of a header that an envelope is made of.
const FIELDS: &str = "BODY.PEEK[HEADER.FIELDS (DATE SUBJECT FROM SENDER REPLY-TO TO CC BCC \
    MESSAGE-ID IN-REPLY-TO REFERENCES)]";

impl RemoteMailbox for ImapMailbox {
    fn uids(&self) -> UidSet {
        self.view.sequence.uids()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        self.view.sequence.message(uid).cloned()
    }

    async fn idle(&mut self, job: &Job) -> Result<()> {
        match self.listen(job).await {
            Err(error) if self.is_cut_off(&error) => self.connect_patiently(&error, job).await,
            other => other,
        }
    }

    async fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut (dyn FnMut(Uid, &[u8]) + Send),
        job: &Job,
    ) -> Result<()> {
        let known = self.known_headers(uids);
        if !known.is_empty() {
            self.view.tell(job);
        }
        // They are there, whatever becomes of the others.
        for uid in uids {
            if let Some(header) = known.get(uid) {
                found(*uid, header);
            }
        }
        let is_missing = |uid: &&Uid| !known.contains_key(uid);
        let missing: Vec<Uid> = uids.iter().filter(is_missing).copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let fetched = match self.fetch_headers(&missing, job).await {
            Err(error) if self.is_cut_off(&error) => self.fetch_headers(&missing, job).await,
            other => other,
        };
        let fetched = fetched?;
        self.keep_headers(&fetched);
        for uid in &missing {
            if let Some(header) = fetched.get(uid) {
                found(*uid, header);
            }
        }
        Ok(())
    }

    async fn read(&mut self, uid: Uid, part: Part, offset: u64, job: &Job) -> Result<Portion> {
        match self.read_portion(uid, part, offset, job).await {
            Err(error) if self.is_cut_off(&error) => {
                self.ready(job).await?;
                self.read_portion(uid, part, offset, job).await
            }
            other => other,
        }
    }

    async fn outline(&mut self, uid: Uid, job: &Job) -> Result<Option<Outline>> {
        match self.outlined(uid, job).await {
            Err(error) if self.is_cut_off(&error) => {
                self.ready(job).await?;
                self.outlined(uid, job).await
            }
            other => other,
        }
    }

    async fn read_section(
        &mut self,
        uid: Uid,
        section: &Section,
        offset: u64,
        job: &Job,
    ) -> Result<Portion> {
        match self.section_portion(uid, section, offset, job).await {
            Err(error) if self.is_cut_off(&error) => {
                self.ready(job).await?;
                self.section_portion(uid, section, offset, job).await
            }
            other => other,
        }
    }

    async fn measure(&mut self, uids: &UidSet, job: &Job) -> Result<()> {
        let unknown = |it: &&Summary| !it.is_measured() && uids.contains(it.uid);
        let unknown: UidSet = match uids.len() {
            0..=FEW => {
                let there = uids
                    .iter()
                    .filter_map(|uid| self.view.sequence.message(uid));
                there.filter(unknown).map(|it| it.uid).collect()
            }
            _ => self
                .view
                .sequence
                .iter()
                .filter(unknown)
                .map(|it| it.uid)
                .collect(),
        };
        if unknown.is_empty() {
            return Ok(());
        }
        self.ready(job).await?;
        let total = unknown.len();
        if total > FEW {
            self.squeeze(job).await?;
        }
        for (done, command) in self
            .on(&unknown, "FETCH", self.level.summary())
            .into_iter()
            .enumerate()
        {
            self.ask(command, job).await?;
            job.progress(done as u64, total);
        }
        self.settle(job).await
    }

    async fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        match self.change_flags(uids, change, job).await {
            // Doing it twice does no more.
            Err(error) if self.is_cut_off(&error) => self.change_flags(uids, change, job).await,
            other => other,
        }
    }

    async fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        match self.remove(uids, job).await {
            // UIDs name no other messages when it is done once more.
            Err(error) if uids.is_some() && self.is_cut_off(&error) => self.remove(uids, job).await,
            other => other,
        }
    }

    async fn search(&mut self, criteria: &Criteria, job: &Job) -> Result<Option<UidSet>> {
        match self.find(criteria, job).await {
            Err(error) if self.is_cut_off(&error) => self.find(criteria, job).await,
            other => other,
        }
    }

    async fn sort(&mut self, order: Order, job: &Job) -> Result<Option<Vec<Uid>>> {
        match self.sorted(order, job).await {
            Err(error) if self.is_cut_off(&error) => self.sorted(order, job).await,
            other => other,
        }
    }

    async fn copy(&mut self, wish: &CopyWish<'_>, job: &Job) -> Result<Option<CopiedThere>> {
        let server = &self.connections.account.server;
        let Some(mailbox) = copying::same_server(server, wish.to) else {
            return Ok(None);
        };
        self.ready(job).await?;
        let wanted = self.members(wish.uids);
        let is_moved = wish.remove && (self.session.has("MOVE") || self.level == Level::Imap4rev2);
        let verb = if is_moved { "MOVE" } else { "COPY" };
        let mut created = false;
        loop {
            let mut commands = self.on(&wanted, verb, "");
            // Several commands would not be all or nothing.
            let (Some(command), true) = (commands.pop(), commands.is_empty()) else {
                return Ok(None);
            };
            let command = command.string(&self.session.name_of(mailbox));
            self.view.copied = None;
            let mut watching = Watching {
                view: &mut self.view,
                job,
                total: None,
            };
            let patience = LONG_PATIENCE;
            let ended = self
                .session
                .run_within(patience, command, &mut watching, job)
                .await;
            let status = match ended {
                Err(_) if self.session.is_unsure => return Err(ServerError::Unsure.into()),
                other => other?,
            };
            if status.kind == Kind::Ok {
                self.view.status(status);
                let appended = copying::copied(self.view.copied.as_ref(), &wanted);
                self.settle(job).await?;
                return Ok(Some(CopiedThere { appended, is_moved }));
            }
            let advised = self.session.is_creation_advised;
            let error = copying::no_destination(wish.to, &status, advised);
            let is_missing = matches!(error, Error::NoSuchMailbox { .. });
            if !wish.create || created || !is_missing {
                return Err(error);
            }
            let create = self
                .session
                .command("CREATE")
                .string(&self.session.name_of(mailbox));
            self.ask(create, job).await?;
            created = true;
        }
    }

    async fn check(&mut self, job: &Job) -> Result<()> {
        let noop = self.session.command("NOOP");
        self.ask(noop, job).await?;
        self.settle(job).await
    }

    async fn close(mut self, job: &Job) -> Result<()> {
        self.remember();
        let sequence = &self.view.sequence;
        if !self.view.by_uid && !sequence.is_empty() {
            self.kept.keep_only(|uid| sequence.message(uid).is_some());
        }
        let Self {
            connections,
            mut session,
            level,
            is_examined,
            ..
        } = self;
        // CLOSE would expunge what is marked deleted, but where the mailbox may not be written.
        let words = if session.has("UNSELECT") || level == Level::Imap4rev2 {
            Some("UNSELECT")
        } else {
            (is_examined && level >= Level::Imap4).then_some("CLOSE")
        };
        let Some(words) = words.filter(|_| session.is_usable()) else {
            session.logout(job).await;
            return Ok(());
        };
        let command = session.command(words);
        let job = job.uncancelled();
        let mut nobody = Nobody;
        let closing = session.run(command, &mut nobody, &job);
        let closed = tokio::time::timeout(CLOSING, closing).await;
        match closed {
            Ok(Ok(status)) if status.kind == Kind::Ok => connections.give_back(session, &job).await,
            _ => session.logout(&job).await,
        }
        Ok(())
    }
}

impl ImapMailbox {
    /// Whether it failed because the connection is gone.
    fn is_cut_off(&self, error: &Error) -> bool {
        let lost = matches!(error, Error::Server(error) if error.ends_connection());
        lost && !matches!(error, Error::Server(ServerError::Unsure)) && !self.session.is_usable()
    }

    /// Waits for news.
    async fn listen(&mut self, job: &Job) -> Result<()> {
        self.ready(job).await?;
        self.settle(job).await?;
        if self.tells_news {
            // Who has just asked for something asks for more, and need not interrupt anything then.
            tokio::select! {
                biased;
                () = job.cancelled().cancelled() => return Ok(()),
                () = tokio::time::sleep(LULL) => {}
            }
            let stop = job.cancelled().child_token();
            let mut idling = Idling {
                inner: Watching {
                    view: &mut self.view,
                    job,
                    total: None,
                },
                stop: stop.clone(),
            };
            let quiet = job.stopped_by(stop);
            match self.session.idle(IDLING, &mut idling, &quiet).await {
                Ok(()) => return self.settle(job).await,
                // It says that it can and then cannot.
                Err(Error::Server(error)) if !error.ends_connection() => self.tells_news = false,
                Err(error) => return Err(error),
            }
        }
        let interval = self.connections.account.environment.poll_interval;
        tokio::select! {
            () = job.cancelled().cancelled() => return Ok(()),
            () = tokio::time::sleep(interval.max(POLITE)) => {}
        }
        let noop = self.session.command("NOOP");
        match self.ask(noop, job).await {
            // Perhaps the next time.
            Err(Error::Server(error)) if !error.ends_connection() => Ok(()),
            other => {
                other?;
                self.settle(job).await
            }
        }
    }

    /// The UIDVALIDITY under which headers can be kept.
    fn lasting(&self) -> Option<UidValidity> {
        let state = self.view.state();
        state.uid_validity.filter(|_| state.sticky_uids)
    }

    /// Headers that were looked at before, of messages that are there.
    fn known_headers(&mut self, uids: &[Uid]) -> HashMap<Uid, Vec<u8>> {
        let mut known = HashMap::new();
        let Some(validity) = self.lasting() else {
            return known;
        };
        for &uid in uids {
            if self.view.sequence.message(uid).is_none() {
                continue;
            }
            if let Some(kept) = self.kept.find(validity, uid) {
                self.view.learn(uid, kept.internal_date, kept.rfc822_size);
                known.insert(uid, kept.header);
            }
        }
        known
    }

    fn keep_headers(&mut self, headers: &HashMap<Uid, Vec<u8>>) {
        let Some(validity) = self.lasting() else {
            return;
        };
        // A server that has nothing to say of a message may have more the next time.
        let whole = headers.iter().filter(|it| !it.1.is_empty());
        let kept = whole.filter_map(|(uid, header)| {
            let message = self.view.sequence.message(*uid)?;
            let kept = KeptHeader {
                internal_date: message.internal_date,
                rfc822_size: message.rfc822_size,
                header: header.clone(),
            };
            Some((*uid, kept))
        });
        let kept: Vec<(Uid, KeptHeader)> = kept.collect();
        self.kept.keep(validity, &kept);
    }

    async fn fetch_headers(&mut self, uids: &[Uid], job: &Job) -> Result<HashMap<Uid, Vec<u8>>> {
        self.ready(job).await?;
        if uids.len() >= MANY_HEADERS {
            self.squeeze(job).await?;
        }
        let wanted: UidSet = uids.iter().copied().collect();
        let has_fields = self.level.has_pieces();
        let item = if has_fields { FIELDS } else { "RFC822.HEADER" };
        let name = if has_fields {
            "BODY[HEADER.FIELDS"
        } else {
            "RFC822.HEADER"
        };
        let is_measured = |uid: &Uid| {
            let message = self.view.sequence.message(*uid);
            message.is_none_or(Summary::is_measured)
        };
        // What is not known of messages that are looked at comes along.
        let items = match uids.iter().all(is_measured) {
            true => format!("({item})"),
            false => format!("(UID FLAGS INTERNALDATE RFC822.SIZE {item})"),
        };
        let commands = self.on(&wanted, "FETCH", &items);
        let mut bodies = Bodies::new(
            Watching {
                view: &mut self.view,
                job,
                total: None,
            },
            name,
            None,
        );
        let ended = self.session.run_all(commands, &mut bodies, job).await;
        let headers = bodies.into_bytes();
        // Some refuse all that is asked for because of one that they cannot read; what came is good.
        let refused = ended?.into_iter().find(|status| status.kind != Kind::Ok);
        if let Some(status) = refused.filter(|_| headers.is_empty()) {
            succeeded(status)?;
        }
        self.settle(job).await?;
        Ok(headers)
    }

    async fn change_flags(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        self.may_write()?;
        self.ready(job).await?;
        let there = self.members(uids);
        self.can_keep(change)?;
        if there.is_empty() {
            return Ok(());
        }
        let silent = if self.level.has_silent() {
            ".SILENT"
        } else {
            ""
        };
        let sign = match change {
            FlagChange::Set(_) => "",
            FlagChange::Add(_) => "+",
            FlagChange::Remove(_) => "-",
        };
        let named = change.flags();
        let system = named.system.only(SystemFlags::SETTABLE);
        let names: Vec<String> = system
            .names()
            .map(str::to_owned)
            .chain(named.keywords().iter().map(ToString::to_string))
            .collect();
        if names.is_empty() && !matches!(change, FlagChange::Set(_)) {
            return Ok(());
        }
        let words = format!("{sign}FLAGS{silent} ({})", names.join(" "));
        let commands = self.on(&there, "STORE", &words);
        // What becomes of it is not known until the server says so; it is asked if that never comes.
        self.view.doubtful.add(&there);
        for command in commands {
            self.ask(command, job).await?;
        }
        self.view.doubtful.remove(&there);
        self.view
            .change_flags(&there, |flags| flags.changed(change));
        self.settle(job).await
    }

    async fn remove(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        self.may_write()?;
        self.ready(job).await?;
        let is_deleted = |it: &&Summary| it.flags.has(SystemFlags::DELETED);
        let deleted = self.view.sequence.iter().filter(is_deleted);
        let deleted: UidSet = deleted.map(|it| it.uid).collect();
        let Some(uids) = uids else {
            let command = self.session.command("EXPUNGE");
            self.ask(command, job).await?;
            return self.settle(job).await;
        };
        let mut goes = self.members(uids);
        let mut kept = goes.clone();
        kept.remove(&deleted);
        goes.remove(&kept);
        if goes.is_empty() {
            return Ok(());
        }
        let can_choose = self.session.has("UIDPLUS") || self.level == Level::Imap4rev2;
        if can_choose {
            for command in self.on(&goes, "EXPUNGE", "") {
                self.ask(command, job).await?;
            }
            return self.settle(job).await;
        }
        // What others marked as deleted since would go too.
        let criteria = Criteria::Flag(SystemFlags::DELETED);
        let mut others = match self.find(&criteria, job).await? {
            Some(found) => found,
            None => deleted,
        };
        others.remove(&goes);
        if !others.is_empty() {
            return Err(ServerError::Unable(
                "expunge some deleted messages and leave others; expunge all of them",
            )
            .into());
        }
        let command = self.session.command("EXPUNGE");
        self.ask(command, job).await?;
        self.settle(job).await
    }

    /// All messages as the server sorts them (RFC 5256).
    async fn sorted(&mut self, order: Order, job: &Job) -> Result<Option<Vec<Uid>>> {
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
        let mut finding = Finding {
            inner: Watching {
                view: &mut self.view,
                job,
                total: None,
            },
            found: Vec::new(),
            all: UidSet::new(),
        };
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

    async fn find(&mut self, criteria: &Criteria, job: &Job) -> Result<Option<UidSet>> {
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
        let mut finding = Finding {
            inner: Watching {
                view: &mut self.view,
                job,
                total: None,
            },
            found: Vec::new(),
            all: UidSet::new(),
        };
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

/// Waits for news; ends the waiting where something is to be asked.
struct Idling<'v> {
    inner: Watching<'v>,
    stop: tokio_util::sync::CancellationToken,
}

impl Sink for Idling<'_> {
    fn data(&mut self, data: Data<'_>) {
        self.inner.data(data);
    }

    fn pause(&mut self) {
        self.inner.pause();
        let view = &self.inner.view;
        if view.unknown() > 0 || view.is_lost.is_some() {
            self.stop.cancel();
        }
    }
}

/// No search finds more.
const MOST_FOUND: usize = 5_000_000;

/// Takes in what a search finds.
struct Finding<'v> {
    inner: Watching<'v>,
    found: Vec<u32>,
    all: UidSet,
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
