//! An open mailbox on an IMAP server: what it is made of, and how it asks.

use std::sync::Arc;

use crate::driver::error::{Error, Result};
use crate::driver::imap::connections::Connections;
use crate::driver::imap::kept_headers::KeptHeaders;
use crate::driver::imap::memory::Memory;
use crate::driver::imap::session::{Session, succeeded};
use crate::driver::imap::view::{View, Watching};
use crate::driver::job::Job;
use crate::driver::message::Content;
use crate::driver::server_error::ServerError;
use crate::mail::flags::FlagChange;
use crate::mail::name::MailboxName;
use crate::mail::outline::Outline;
use crate::mail::status::Access;
use crate::mail::structure::Part;
use crate::mail::uid::{Uid, UidSet};
use crate::wire::imap::command::{Command, pieces_of_set};
use crate::wire::imap::level::Level;
use crate::wire::imap::status::Status;

/// The longest set of messages in one command, in bytes (RFC 7162 asks for 8000 at least).
const LONGEST_SET: usize = 7000;
/// The same for servers before RFC 2683.
const LONGEST_OLD_SET: usize = 900;
/// How often messages that were announced are asked for.
const TRIES: u32 = 3;

/// An open mailbox.
pub struct ImapMailbox {
    pub(super) connections: Arc<Connections>,
    pub(super) session: Session,
    pub(super) view: View,
    pub(super) level: Level,
    pub(super) name: MailboxName,
    pub(super) access: Access,
    /// What is kept of it for the next opening.
    pub(super) memory: Memory,
    /// The headers that were looked at.
    pub(super) kept: KeptHeaders,
    /// What was counted while it was selected: which search found which messages.
    pub(super) counted: Vec<(usize, UidSet)>,
    /// Whether it was opened by EXAMINE: nothing that is done changes it.
    pub(super) is_examined: bool,
    /// Whether the server tells news by itself.
    pub(super) tells_news: bool,
    /// The message that was read in outline last.
    pub(super) outline: Option<(Uid, Outline)>,
    /// The whole of a message, from a server that gives no pieces.
    pub(super) whole: Option<(Uid, Part, Content)>,
}

impl ImapMailbox {
    /// Asks for what was announced and is not known, and passes on what is new.
    pub(super) async fn settle(&mut self, job: &Job) -> Result<()> {
        for round in 1..=TRIES {
            if self.view.unknown() == 0 {
                break;
            }
            // Messages are asked for by their numbers, which must be those of this moment.
            self.catch_up_with_news(job).await?;
            if self.view.unknown() == 0 {
                break;
            }
            if round > 1 {
                // What went meanwhile may be told only now.
                let noop = self.session.command("NOOP");
                self.ask(noop, job).await?;
            }
            if self.view.unknown() > FEW as u32 {
                self.squeeze(job).await?;
            }
            let first = self.view.sequence.len() + 1;
            // A message that the server cannot read has at least a name.
            self.view.takes_bare = round == TRIES && self.level.has_uids();
            let items = match self.view.takes_bare {
                true => "(UID FLAGS)",
                false => self.level.summary(),
            };
            let words = format!("FETCH {first}:{} {items}", self.view.exists);
            let total = (self.view.unknown() > 1000).then(|| u64::from(self.view.exists));
            let command = self.session.command(&words);
            match self.ask_counting(command, total, job).await {
                Err(Error::Server(error)) if !error.ends_connection() && round < TRIES => {}
                other => {
                    other?;
                }
            }
        }
        self.view.takes_bare = false;
        if self.view.unknown() > 0 {
            return Err(ServerError::Protocol("it does not tell of all messages").into());
        }
        if !self.view.doubtful.is_empty() {
            let doubtful = std::mem::take(&mut self.view.doubtful);
            for command in self.on(&doubtful, "FETCH", "(FLAGS)") {
                self.ask(command, job).await?;
            }
        }
        self.view.tell(job);
        match self.view.is_lost {
            Some(why) => Err(Error::Changed(why)),
            None if self.view.has_other_uids => {
                Err(Error::Changed("its UIDs mean other messages now"))
            }
            None => Ok(()),
        }
    }

    /// Makes sure that there is a connection on which nothing is on its way any more: messages are numbered anew by then.
    pub(super) async fn ready(&mut self, job: &Job) -> Result<()> {
        if !self.session.is_usable() {
            self.connect_again(job).await?;
        }
        // What comes before the answer to the next command is taken in before that; UIDs stay what they are.
        if self.level.has_uids() && !self.session.has_unanswered() {
            return Ok(());
        }
        self.catch_up_with_news(job).await
    }

    /// Prepares for much that will come.
    pub(super) async fn squeeze(&mut self, job: &Job) -> Result<()> {
        let mut watching = Watching::new(&mut self.view, job);
        self.session.squeeze(&mut watching, job).await
    }

    /// Waits for all that is on its way.
    async fn catch_up_with_news(&mut self, job: &Job) -> Result<()> {
        let mut watching = Watching::new(&mut self.view, job);
        self.session.settle(&mut watching, job).await
    }

    /// Asks something, takes in what is told, and fails where the server refuses.
    pub(super) async fn ask(&mut self, command: Command, job: &Job) -> Result<Status> {
        self.ask_counting(command, None, job).await
    }

    pub(super) async fn ask_counting(
        &mut self,
        command: Command,
        total: Option<u64>,
        job: &Job,
    ) -> Result<Status> {
        let mut watching = Watching {
            view: &mut self.view,
            job,
            total,
        };
        let status = self.session.run(command, &mut watching, job).await?;
        if let Some(why) = self.view.is_lost {
            return Err(Error::Changed(why));
        }
        let status = succeeded(status)?;
        self.view.status(status.clone());
        Ok(status)
    }

    /// Commands that do something to these messages, as many as their set is too long for one.
    pub(super) fn on(&self, uids: &UidSet, verb: &str, words: &str) -> Vec<Command> {
        let set = self.set(uids);
        if set.is_empty() {
            return Vec::new();
        }
        let prefix = if self.level.has_uids() { "UID " } else { "" };
        let longest = match self.level >= Level::Imap4rev1 {
            true => LONGEST_SET,
            false => LONGEST_OLD_SET,
        };
        let pieces = pieces_of_set(&set, longest).into_iter();
        let commands = pieces.map(|piece| {
            let command = self.session.command(&format!("{prefix}{verb} {piece}"));
            match words {
                "" => command,
                words => command.word(words),
            }
        });
        commands.collect()
    }

    /// These messages as the server names them, short: a range goes over what is not there.
    fn set(&self, uids: &UidSet) -> String {
        let there = self.members(uids);
        if !self.level.has_uids() {
            let numbers = there
                .iter()
                .filter_map(|uid| self.view.sequence.number(uid));
            let numbers: UidSet = numbers.filter_map(Uid::new).collect();
            return numbers.to_string();
        }
        let few = there.len() < FEW;
        if few {
            return there.to_string();
        }
        let mut ranges: Vec<(Uid, Uid)> = Vec::new();
        let mut open = false;
        for summary in self.view.sequence.iter() {
            let uid = summary.uid;
            match (there.contains(uid), ranges.last_mut().filter(|_| open)) {
                (true, Some(range)) => range.1 = uid,
                (true, None) => {
                    ranges.push((uid, uid));
                    open = true;
                }
                (false, _) => open = false,
            }
        }
        let mut set = UidSet::new();
        for (first, last) in ranges {
            set.insert_range(first, last);
        }
        set.to_string()
    }

    /// Those of `uids` that are there.
    pub(super) fn members(&self, uids: &UidSet) -> UidSet {
        let sequence = &self.view.sequence;
        if uids.len() < FEW {
            let there = uids.iter().filter(|&uid| sequence.message(uid).is_some());
            return there.collect();
        }
        let all = sequence.iter().map(|summary| summary.uid);
        all.filter(|&uid| uids.contains(uid)).collect()
    }

    pub(super) fn may_write(&self) -> Result<()> {
        match self.view.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(Error::ReadOnly),
        }
    }

    /// Fails where a keyword cannot be kept.
    pub(super) fn can_keep(&mut self, change: &FlagChange) -> Result<()> {
        let state = self.view.state();
        let new = |keyword| !state.keywords.contains(keyword);
        let adds = !matches!(change, FlagChange::Remove(_));
        if adds && !state.new_keywords && change.flags().keywords().iter().any(new) {
            return Err(ServerError::Unable("keep a new keyword in this mailbox").into());
        }
        Ok(())
    }
}

/// So many messages are named one by one.
const FEW: u64 = 1000;
