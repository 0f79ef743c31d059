//! An open mailbox on an IMAP server.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::driver::contract::{CopiedThere, CopyWish, Portion, RemoteMailbox};
use crate::driver::error::{Error, Result};
use crate::driver::imap::bodies::{Bodies, Body};
use crate::driver::imap::connections::Connections;
use crate::driver::imap::copying;
use crate::driver::imap::missing::{Named, answered};
use crate::driver::imap::session::{LONG_PATIENCE, Nobody, Session, Sink, refused, succeeded};
use crate::driver::imap::view::{View, Watching};
use crate::driver::job::Job;
use crate::driver::message::Content;
use crate::driver::server_error::ServerError;
use crate::mail::criteria::Criteria;
use crate::mail::flags::{FlagChange, SystemFlags};
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::status::Access;
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::switches::Switch;
use crate::mail::uid::{SequenceSet, Uid, UidSet};
use crate::wire::imap::command::{Command, pieces_of_set};
use crate::wire::imap::level::Level;
use crate::wire::imap::names::encoded;
use crate::wire::imap::response::Data;
use crate::wire::imap::search::{self, Numbers};
use crate::wire::imap::status::{Code, Kind, Status};

/// How long an IDLE lasts before it is begun anew: servers hang up after 30 minutes.
const IDLING: Duration = Duration::from_secs(24 * 60);
/// The longest set of messages in one command, in bytes (RFC 7162 asks for 8000 at least).
const LONGEST_SET: usize = 7000;
/// The same for servers before RFC 2683.
const LONGEST_OLD_SET: usize = 900;
/// How many bytes of a message are asked for at first, and later.
const FIRST_PORTION: u64 = 256 << 10;
const PORTION: u64 = 1 << 20;
/// How often messages that were announced are asked for.
const TRIES: u32 = 3;
/// The fields of a header that an envelope is made of.
const FIELDS: &str = "BODY.PEEK[HEADER.FIELDS (DATE SUBJECT FROM SENDER REPLY-TO TO CC BCC \
    MESSAGE-ID IN-REPLY-TO REFERENCES)]";

/// An open mailbox.
pub struct ImapMailbox {
    connections: Arc<Connections>,
    session: Session,
    view: View,
    level: Level,
    /// Whether it was opened by EXAMINE: nothing that is done changes it.
    is_examined: bool,
    /// Whether the server tells news by itself.
    tells_news: bool,
    /// The whole of a message, from a server that gives no pieces.
    whole: Option<(Uid, Part, Content)>,
}

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
        let mut session = connections.session(job).await?;
        let level = session.style.level;
        let access = match server.has(Switch::ReadOnly) {
            true => Access::ReadOnly,
            false => access,
        };
        let mut view = View::new(access, level.has_uids());
        let selected = match select(&mut session, mailbox, access, &mut view, job).await {
            Ok((status, is_examined)) => {
                let named = Named { name, mailbox };
                let answered = answered(&mut session, status, named, job).await;
                answered.map(|status| (status, is_examined))
            }
            Err(error) => Err(error),
        };
        let (status, is_examined) = match selected {
            Ok(selected) => selected,
            Err(error) => {
                connections.give_back(session, job).await;
                return Err(error);
            }
        };
        view.status(status);
        view.tell_state(job);
        let mut opened = Self {
            tells_news: session.has("IDLE") || level == Level::Imap4rev2,
            is_examined,
            connections,
            session,
            view,
            level,
            whole: None,
        };
        opened.settle(job).await?;
        Ok(opened)
    }

    /// Asks for what was announced and is not known, and passes on what is new.
    async fn settle(&mut self, job: &Job) -> Result<()> {
        for round in 1..=TRIES {
            let unknown = self.view.unknown();
            if unknown == 0 {
                break;
            }
            if round > 1 {
                // What went meanwhile may be told only now.
                let noop = self.session.command("NOOP");
                self.ask(noop, job).await?;
            }
            let first = self.view.sequence.len() + 1;
            // A message that the server cannot read has at least a name.
            self.view.takes_bare = round == TRIES && self.level.has_uids();
            let items = match self.view.takes_bare {
                true => "(UID FLAGS)",
                false => self.level.summary(),
            };
            let words = format!("FETCH {first}:{} {items}", self.view.exists);
            let total = (unknown > 1000).then(|| u64::from(self.view.exists));
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
            None => Ok(()),
        }
    }

    /// Waits until what was asked before and given up has ended: messages are numbered anew by then.
    async fn ready(&mut self, job: &Job) -> Result<()> {
        let mut watching = Watching {
            view: &mut self.view,
            job,
            total: None,
        };
        self.session.settle(&mut watching, job).await
    }

    /// Asks something, takes in what is told, and fails where the server refuses.
    async fn ask(&mut self, command: Command, job: &Job) -> Result<Status> {
        self.ask_counting(command, None, job).await
    }

    async fn ask_counting(
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
    fn on(&self, uids: &UidSet, verb: &str, words: &str) -> Vec<Command> {
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
    fn members(&self, uids: &UidSet) -> UidSet {
        let sequence = &self.view.sequence;
        if uids.len() < FEW {
            let there = uids.iter().filter(|&uid| sequence.message(uid).is_some());
            return there.collect();
        }
        let all = sequence.iter().map(|summary| summary.uid);
        all.filter(|&uid| uids.contains(uid)).collect()
    }

    fn may_write(&self) -> Result<()> {
        match self.view.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(Error::ReadOnly),
        }
    }

    /// Fails where a keyword cannot be kept.
    fn can_keep(&mut self, change: &FlagChange) -> Result<()> {
        let state = self.view.state();
        let new = |keyword| !state.keywords.contains(keyword);
        let adds = !matches!(change, FlagChange::Remove(_));
        if adds && !state.new_keywords && change.flags().keywords().iter().any(new) {
            return Err(ServerError::Unable("keep a new keyword in this mailbox").into());
        }
        Ok(())
    }

    /// A part of a message in portions, from a server that gives them.
    async fn portion(&mut self, uid: Uid, part: Part, offset: u64, job: &Job) -> Result<Portion> {
        let length = if offset == 0 { FIRST_PORTION } else { PORTION };
        let item = format!("({}<{offset}.{length}>)", self.level.part(part));
        // What the server thinks the size is; some guess.
        let size = match part {
            Part::Whole => self.size_of(uid),
            Part::Header | Part::Text => 0,
        };
        for again in [true, false] {
            let bytes = match self.body(uid, part, &item, Some(offset), job).await? {
                Body::Bytes(bytes) => bytes,
                Body::Nil if part == Part::Whole => Vec::new(),
                Body::Nil => {
                    return Ok(Portion {
                        bytes: Vec::new(),
                        is_last: true,
                    });
                }
                Body::Long(_) => {
                    return Err(self.session.breaks("it sends more than was asked for"));
                }
            };
            let end = offset + bytes.len() as u64;
            if !bytes.is_empty() {
                // One that is short may have more.
                let is_last = (bytes.len() as u64) < length && end >= size;
                return Ok(Portion { bytes, is_last });
            }
            if offset > 0 || size == 0 {
                return Ok(Portion {
                    bytes,
                    is_last: true,
                });
            }
            if !again {
                break;
            }
        }
        // A copy of nothing must not be taken for a copy of it.
        Err(ServerError::Unable("deliver this message").into())
    }

    /// The whole of a part, from a server that gives no portions.
    async fn fetch_whole(&mut self, uid: Uid, part: Part, job: &Job) -> Result<Content> {
        let seen = SystemFlags::SEEN;
        let was_seen = self.flags_of(uid).contains(seen);
        let marks = !self.level.can_peek() && part != Part::Header && !self.is_examined;
        let item = match marks {
            true => format!("({} FLAGS)", self.level.part(part)),
            false => self.level.part(part).to_owned(),
        };
        let body = self.body(uid, part, &item, None, job).await?;
        let content = match body {
            Body::Bytes(bytes) => Content::from_bytes(&bytes).map_err(scratch)?,
            Body::Nil => Content::new(),
            Body::Long(content) => content,
        };
        if marks && !was_seen {
            // Reading never marks a message as read; who wants that says so.
            for command in self.on(&UidSet::one(uid), "STORE", "-FLAGS (\\Seen)") {
                self.ask(command, job).await?;
            }
        }
        if content.is_empty() && part == Part::Whole && self.size_of(uid) > 0 {
            return Err(ServerError::Unable("deliver this message").into());
        }
        Ok(content)
    }

    fn size_of(&self, uid: Uid) -> u64 {
        let message = self.view.sequence.message(uid);
        message.map_or(0, |it| it.rfc822_size)
    }

    fn flags_of(&self, uid: Uid) -> SystemFlags {
        let message = self.view.sequence.message(uid);
        message.map_or(SystemFlags::NONE, |it| it.flags.system)
    }

    async fn body(
        &mut self,
        uid: Uid,
        part: Part,
        item: &str,
        offset: Option<u64>,
        job: &Job,
    ) -> Result<Body> {
        self.ready(job).await?;
        if self.view.sequence.message(uid).is_none() {
            return Err(Error::NoSuchMessage);
        }
        let Some(command) = self.on(&UidSet::one(uid), "FETCH", item).pop() else {
            return Err(Error::NoSuchMessage);
        };
        let mut bodies = Bodies::new(
            Watching {
                view: &mut self.view,
                job,
                total: None,
            },
            self.level.answer(part),
            offset,
        );
        let ended = self.session.run(command, &mut bodies, job).await;
        let found = bodies.take(uid);
        succeeded(ended?)?;
        if let Some(found) = found? {
            return Ok(found);
        }
        // Some say that all is well and send nothing.
        match self.view.sequence.message(uid) {
            None => Err(Error::NoSuchMessage),
            Some(_) => Err(ServerError::Unable("deliver this message").into()),
        }
    }
}

/// So many messages are named one by one.
const FEW: u64 = 1000;

impl RemoteMailbox for ImapMailbox {
    fn uids(&self) -> UidSet {
        self.view.sequence.uids()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        self.view.sequence.message(uid).cloned()
    }

    async fn idle(&mut self, job: &Job) -> Result<()> {
        self.ready(job).await?;
        self.settle(job).await?;
        if self.tells_news {
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

    async fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut (dyn FnMut(Uid, &[u8]) + Send),
        job: &Job,
    ) -> Result<()> {
        self.ready(job).await?;
        let wanted: UidSet = uids.iter().copied().collect();
        let has_fields = self.level.has_pieces();
        let item = if has_fields { FIELDS } else { "RFC822.HEADER" };
        let name = if has_fields {
            "BODY[HEADER.FIELDS"
        } else {
            "RFC822.HEADER"
        };
        let commands = self.on(&wanted, "FETCH", &format!("({item})"));
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
        let mut headers: HashMap<Uid, Vec<u8>> = bodies.into_bytes();
        // Some refuse all that is asked for because of one that they cannot read; what came is good.
        let refused = ended?.into_iter().find(|status| status.kind != Kind::Ok);
        if let Some(status) = refused.filter(|_| headers.is_empty()) {
            succeeded(status)?;
        }
        for uid in uids {
            if let Some(header) = headers.remove(uid) {
                found(*uid, &header);
            }
        }
        self.settle(job).await
    }

    async fn read(&mut self, uid: Uid, part: Part, offset: u64, job: &Job) -> Result<Portion> {
        if self.level.has_pieces() {
            return self.portion(uid, part, offset, job).await;
        }
        let known = self.whole.as_ref();
        if known.is_none_or(|(of, which, _)| (*of, *which) != (uid, part)) || offset == 0 {
            self.whole = None;
            let content = self.fetch_whole(uid, part, job).await?;
            self.whole = Some((uid, part, content));
        }
        let Some((_, _, content)) = &mut self.whole else {
            return Err(Error::NoSuchMessage);
        };
        let mut bytes = Vec::new();
        let reader = content.reader_at(offset).map_err(scratch)?;
        let read =
            std::io::Read::read_to_end(&mut std::io::Read::take(reader, FIRST_PORTION), &mut bytes);
        read.map_err(scratch)?;
        let is_last = offset + bytes.len() as u64 >= content.len();
        if is_last {
            self.whole = None;
        }
        Ok(Portion { bytes, is_last })
    }

    async fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
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

    async fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
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
        let mut others = match self.search(&criteria, job).await? {
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

    async fn search(&mut self, criteria: &Criteria, job: &Job) -> Result<Option<UidSet>> {
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
            let command = command.string(&encoded(mailbox));
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
            let error = copying::no_destination(wish.to, &status);
            let is_missing = matches!(error, Error::NoSuchMailbox { .. });
            if !wish.create || created || !is_missing {
                return Err(error);
            }
            let create = self.session.command("CREATE").string(&encoded(mailbox));
            self.ask(create, job).await?;
            created = true;
        }
    }

    async fn check(&mut self, job: &Job) -> Result<()> {
        let noop = self.session.command("NOOP");
        self.ask(noop, job).await?;
        self.settle(job).await
    }

    async fn close(self, job: &Job) -> Result<()> {
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

/// How often a server that tells nothing unasked is asked at most.
const POLITE: Duration = Duration::from_secs(1);
/// How long closing may take.
const CLOSING: Duration = Duration::from_secs(2);

/// Opens a mailbox on a connection; tells whether nothing that is done there changes it.
async fn select(
    session: &mut Session,
    mailbox: &[u8],
    access: Access,
    view: &mut View,
    job: &Job,
) -> Result<(Status, bool)> {
    let level = session.style.level;
    let name = encoded(mailbox);
    if access == Access::ReadOnly && level.manages() {
        let command = session.command("EXAMINE").string(&name);
        let status = session.run(command, &mut Selecting(view), job).await?;
        // Of the servers before IMAP4 some do not know the word.
        if status.kind != Kind::Bad || level >= Level::Imap4 {
            return Ok((status, true));
        }
    }
    let command = session.command("SELECT").string(&name);
    let status = session.run(command, &mut Selecting(view), job).await?;
    Ok((status, false))
}

fn scratch(source: std::io::Error) -> Error {
    Error::Io {
        path: std::env::temp_dir(),
        source,
    }
}

/// Takes in what is told of a mailbox while it opens, without passing anything on.
struct Selecting<'v>(&'v mut View);

impl Sink for Selecting<'_> {
    fn data(&mut self, data: Data<'_>) {
        self.0.take(data);
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
