//! Opening a mailbox on a server, anew or once more: what is known from before is compared with what is there now, and only the
//! difference goes over the network.
//!
//! With QRESYNC (RFC 7162) the server tells all that changed in its answer to the opening; with CONDSTORE it tells the flags that
//! changed, and a search tells what is gone; without both all flags are asked for. Where the UIDs mean other messages now,
//! nothing of before holds.

use std::sync::Arc;
use std::time::Duration;

use crate::driver::error::{Error, Result};
use crate::driver::imap::connections::Connections;
use crate::driver::imap::mailbox::ImapMailbox;
use crate::driver::imap::memory::Memory;
use crate::driver::imap::missing::{Named, answered};
use crate::driver::imap::session::{LONG_PATIENCE, Sink, succeeded};
use crate::driver::imap::view::View;
use crate::driver::job::Job;
use crate::driver::server_error::ServerError;
use crate::mail::account::Standing;
use crate::mail::flags::SystemFlags;
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::status::Access;
use crate::mail::switches::Switch;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet};
use crate::wire::imap::command::Command;
use crate::wire::imap::level::Level;
use crate::wire::imap::response::Data;
use crate::wire::imap::status::{Kind, Status};

/// The longest pause between two attempts to connect again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl ImapMailbox {
    /// Opens a mailbox, and tells what is in it.
    pub async fn open(
        connections: Arc<Connections>,
        name: &MailboxName,
        access: Access,
        job: &Job,
    ) -> Result<Self> {
        let NameKind::Remote { server, mailbox } = name.kind() else {
            return Err(Error::Refused("it is no mailbox on a server"));
        };
        let session = connections.session(job).await?;
        let level = session.style.level;
        let access = match server.has(Switch::ReadOnly) {
            true => Access::ReadOnly,
            false => access,
        };
        let account = &connections.account;
        let memory = Memory::of(
            &account.environment,
            &account.server,
            &account.user,
            mailbox,
        );
        let mut view = View::new(access, level.has_uids());
        if let Some(known) = memory.recall().filter(|_| level.has_uids()) {
            view.recall(known);
        }
        view.is_quiet = true;
        let mut opened = Self {
            tells_news: session.has("IDLE") || level == Level::Imap4rev2,
            is_examined: false,
            name: name.clone(),
            access,
            kept: memory.headers(),
            memory,
            connections,
            session,
            view,
            level,
            counted: Vec::new(),
            outline: None,
            whole: None,
        };
        match opened.begin(job).await {
            Ok(()) => {
                opened.remember();
                Ok(opened)
            }
            Err(error) => {
                let Self {
                    connections,
                    session,
                    ..
                } = opened;
                connections.give_back(session, job).await;
                Err(error)
            }
        }
    }

    /// Opens the mailbox on a connection that was made, and finds out what changed.
    async fn begin(&mut self, job: &Job) -> Result<()> {
        self.catch_up(job).await?;
        if self.view.is_quiet {
            // The first screen shall not wait for the last message.
            self.view.tell_all(job);
        }
        self.settle(job).await
    }

    /// A new connection in place of one that is lost.
    pub(super) async fn connect_again(&mut self, job: &Job) -> Result<()> {
        let mut session = self.connections.session(job).await?;
        if session.style.level != self.level {
            session.retire();
            return Err(Error::Changed("the server speaks another protocol now"));
        }
        self.session = session;
        self.whole = None;
        self.outline = None;
        let caught_up = match self.catch_up(job).await {
            Ok(()) => self.settle(job).await,
            failed => failed,
        };
        if caught_up.is_err() {
            // What is known fits to no connection: the next one begins anew.
            self.session.retire();
        }
        caught_up
    }

    /// The same, as often as it takes. What is known stays on the screen meanwhile.
    pub(super) async fn connect_patiently(&mut self, why: &Error, job: &Job) -> Result<()> {
        let host = self.connections.account.server.host().to_owned();
        job.notice(format!(
            "The connection to {host} is lost ({why}); what was shown stays, and it is tried again"
        ));
        let lost = Standing::Away(Foreign::new(why.to_string()));
        self.connections.stands(lost, job);
        let mut pause = Duration::from_secs(1);
        loop {
            match self.connect_again(job).await {
                Ok(()) => {
                    job.notice(format!("Connected to {host} again"));
                    return Ok(());
                }
                Err(Error::Cancelled) => return Ok(()),
                Err(Error::Server(error)) if may_pass(&error) => {}
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = job.cancelled().cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Brings what is kept for the next opening to disk. Without it that one takes longer.
    pub(super) fn remember(&mut self) {
        // In the middle of an opening what is known is not yet what is there.
        if self.level.has_uids() && !self.view.by_uid {
            self.memory.keep(&mut self.view);
        }
    }

    /// Selects the mailbox, and brings what is known to what is there.
    async fn catch_up(&mut self, job: &Job) -> Result<()> {
        let before = (self.view.uid_next, self.view.mod_seq);
        let caught_up = self.catch_up_since(before, job).await;
        if caught_up.is_err() {
            // The server said up to where it would tell, and not all of it came.
            (self.view.uid_next, self.view.mod_seq) = before;
        }
        caught_up
    }

    async fn catch_up_since(&mut self, before: (Option<Uid>, u64), job: &Job) -> Result<()> {
        let last = self.view.sequence.last_uid();
        let is_told = self.select(job).await?;
        if let Some(why) = self.view.is_lost {
            return Err(Error::Changed(why));
        }
        if self.view.has_other_uids || (last > 0 && !self.level.has_uids()) {
            // No UID of before means the same message.
            let exists = self.view.exists;
            self.view.reset(job);
            self.view.exists = exists;
        } else if last > 0 && !is_told {
            self.compare(before, last, job).await?;
        }
        self.fill();
        if self.view.sequence.len() > self.view.exists as usize {
            // What is known and what is there do not fit together.
            let exists = self.view.exists;
            self.view.reset(job);
            self.view.exists = exists;
        }
        self.view.by_uid = false;
        Ok(())
    }

    /// Takes in what was counted of a large mailbox, where it is all that there is.
    fn fill(&mut self) {
        let counted = std::mem::take(&mut self.counted);
        let of = |place: usize| {
            counted
                .iter()
                .find(|it| it.0 == place)
                .map(|it| it.1.clone())
        };
        let sets: Option<Vec<UidSet>> = (0..SEARCHES.len()).map(of).collect();
        let (Some(sets), true) = (sets, self.view.sequence.is_empty()) else {
            return;
        };
        let Some((all, rest)) = sets.split_first() else {
            return;
        };
        if self.view.exists <= FEW || all.len() != u64::from(self.view.exists) {
            return;
        }
        let flags = SEARCHES.iter().skip(1).map(|search| search.1);
        let flagged: Vec<(SystemFlags, UidSet)> = flags.zip(rest.iter().cloned()).collect();
        self.view.fill(all, &flagged);
    }

    /// Selects the mailbox; `true` where the server told all that changed in what is known.
    async fn select(&mut self, job: &Job) -> Result<bool> {
        let NameKind::Remote { mailbox, .. } = self.name.clone().kind().clone() else {
            return Err(Error::Refused("it is no mailbox on a server"));
        };
        let known = self
            .view
            .uid_validity
            .map(|it| (it.get(), self.view.mod_seq));
        self.view.begin_again();
        let mut commands = Vec::new();
        let quick = self.session.has("QRESYNC") && self.session.has("ENABLE");
        let counting = quick || self.session.has("CONDSTORE");
        if quick && !self.session.is_enabled {
            commands.push(self.session.command("ENABLE QRESYNC"));
            self.session.is_enabled = true;
        }
        let parameter = match known {
            Some((validity, mod_seq)) if quick && mod_seq > 0 && !self.view.sequence.is_empty() => {
                Some(format!("(QRESYNC ({validity} {mod_seq}))"))
            }
            _ => counting.then(|| "(CONDSTORE)".to_owned()),
        };
        let is_quick = parameter.as_ref().is_some_and(|it| it.starts_with("(Q"));
        commands.push(self.opening(&mailbox, parameter.as_deref()));
        // Of a large mailbox nobody looks at every message: which there are and which were read is told in few words.
        let place = commands.len() - 1;
        let short = self.session.has("ESEARCH") || self.level == Level::Imap4rev2;
        if self.view.sequence.is_empty() && short {
            let search = |words: &str| {
                let words = format!("UID SEARCH RETURN (ALL) {words}");
                self.session.command(&words)
            };
            commands.extend(SEARCHES.iter().map(|(words, _)| search(words)));
        }
        let tags = self.session.coming_tags(commands.len());
        let mut counting = Counting {
            inner: Selecting(&mut self.view),
            tags: tags.into_iter().skip(place + 1).collect(),
            found: Vec::new(),
        };
        let ended = self.session.run_all(commands, &mut counting, job).await?;
        self.counted = counting.found;
        let mut status = ended.into_iter().nth(place);
        if status.as_ref().is_none_or(|it| it.kind == Kind::Bad) {
            // It says that it can and then cannot.
            status = Some(self.select_simply(&mailbox, job).await?);
        }
        let Some(status) = status else {
            return Ok(false);
        };
        let (name, mailbox) = (self.name.clone(), mailbox.clone());
        let named = Named {
            name: &name,
            mailbox: &mailbox,
        };
        let status = answered(&mut self.session, status, named, job).await?;
        self.view.status(status);
        Ok(is_quick)
    }

    /// The command that opens the mailbox.
    fn opening(&mut self, mailbox: &[u8], parameter: Option<&str>) -> Command {
        self.is_examined = self.access == Access::ReadOnly && self.level.manages();
        let verb = if self.is_examined {
            "EXAMINE"
        } else {
            "SELECT"
        };
        let command = self
            .session
            .command(verb)
            .string(&self.session.name_of(mailbox));
        match parameter {
            Some(parameter) => command.word(parameter),
            None => command,
        }
    }

    /// Opens it without anything that a server may not know; of those before IMAP4 some do not even know EXAMINE.
    async fn select_simply(&mut self, mailbox: &[u8], job: &Job) -> Result<Status> {
        let command = self.opening(mailbox, None);
        let status = self
            .session
            .run(command, &mut Selecting(&mut self.view), job)
            .await?;
        if status.kind != Kind::Bad || !self.is_examined || self.level >= Level::Imap4 {
            return Ok(status);
        }
        self.is_examined = false;
        let command = self
            .session
            .command("SELECT")
            .string(&self.session.name_of(mailbox));
        self.session
            .run(command, &mut Selecting(&mut self.view), job)
            .await
    }

    /// Finds out by asking what changed in what is known, up to the message with the last UID.
    async fn compare(&mut self, before: (Option<Uid>, u64), last: u32, job: &Job) -> Result<()> {
        let (uid_next, mod_seq) = before;
        let same_count = self.view.exists as usize == self.view.sequence.len();
        let counts = mod_seq > 0 && self.view.mod_seq > 0;
        if same_count && counts && self.view.uid_next == uid_next && self.view.mod_seq == mod_seq {
            return Ok(());
        }
        let there = self.all_uids(job).await?;
        self.view.keep_only(&there);
        let since = match counts {
            true => format!(" (CHANGEDSINCE {mod_seq})"),
            false => String::new(),
        };
        let words = format!("UID FETCH 1:{last} (UID FLAGS){since}");
        let command = self.session.command(&words);
        let status = self
            .session
            .run(command, &mut Selecting(&mut self.view), job)
            .await?;
        succeeded(status).map(|_ended| ())
    }

    /// The UIDs of all messages, in the shortest form that the server knows.
    async fn all_uids(&mut self, job: &Job) -> Result<UidSet> {
        let short = self.session.has("ESEARCH") || self.level == Level::Imap4rev2;
        let words = match short {
            true => "UID SEARCH RETURN (ALL) ALL",
            false => "UID SEARCH ALL",
        };
        let command = self.session.command(words);
        let mut listing = Listing(UidSet::new());
        let status = self
            .session
            .run_within(LONG_PATIENCE, command, &mut listing, job)
            .await?;
        succeeded(status)?;
        Ok(listing.0)
    }
}

/// So many messages are asked for one by one.
const FEW: u32 = 500;

/// What is asked of a large mailbox: which messages there are, then which of them have these flags.
const SEARCHES: [(&str, SystemFlags); 6] = [
    ("ALL", SystemFlags::NONE),
    ("SEEN", SystemFlags::SEEN),
    ("ANSWERED", SystemFlags::ANSWERED),
    ("FLAGGED", SystemFlags::FLAGGED),
    ("DELETED", SystemFlags::DELETED),
    ("DRAFT", SystemFlags::DRAFT),
];

/// Whether trying again later may help.
fn may_pass(error: &ServerError) -> bool {
    let busy = matches!(
        error,
        ServerError::Unreachable { .. } | ServerError::TryLater(_)
    );
    busy || error.ends_connection()
}

/// Takes in what is told of a mailbox while it opens, without passing anything on.
struct Selecting<'v>(&'v mut View);

impl Sink for Selecting<'_> {
    fn data(&mut self, data: Data<'_>) {
        self.0.take(data);
    }
}

/// Takes in what is told of a mailbox, and what searches find that were sent along.
struct Counting<'v> {
    inner: Selecting<'v>,
    /// The tags of the searches.
    tags: Vec<String>,
    /// Which search found what.
    found: Vec<(usize, UidSet)>,
}

impl Sink for Counting<'_> {
    fn data(&mut self, data: Data<'_>) {
        let Data::ExtendedSearch(search) = data else {
            return self.inner.data(data);
        };
        let place = search.tag.as_deref().and_then(|tag| {
            let mut tags = self.tags.iter();
            tags.position(|known| known.as_bytes() == tag)
        });
        if let Some(place) = place {
            self.found.push((place, search.all));
        }
    }
}

/// Takes in which messages there are.
struct Listing(UidSet);

impl Sink for Listing {
    fn data(&mut self, data: Data<'_>) {
        match data {
            Data::Search(numbers) => self.0.extend(numbers.into_iter().filter_map(Uid::new)),
            Data::ExtendedSearch(search) => self.0.add(&search.all),
            _ => {}
        }
    }
}
