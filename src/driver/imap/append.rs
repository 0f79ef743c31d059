//! Appends messages to a mailbox on a server, all or none as far as the server allows that.
//!
//! Several go in one command where the server takes them so (RFC 3502). What was appended before a failure is taken out again
//! where the server tells the UIDs of new messages (RFC 4315); else the failure says how many stay.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::driver::error::{Error, Result};
use crate::driver::imap::connections::Connections;
use crate::driver::imap::missing::{Named, answered};
use crate::driver::imap::session::{Nobody, Session};
use crate::driver::job::Job;
use crate::driver::message::{Content, Messages, NewMessage};
use crate::driver::server_error::ServerError;
use crate::mail::appended::Appended;
use crate::mail::flags::SystemFlags;
use crate::mail::uid::{UidSet, UidValidity};
use crate::wire::imap::command::Command;
use crate::wire::imap::level::Level;
use crate::wire::imap::response::uid_set;
use crate::wire::imap::status::{Code, Kind, Status};

/// How many messages, and about how many bytes, go in one command.
const MANY: usize = 100;
const MUCH: u64 = 8 << 20;
/// How long it may take to take back what was appended.
const TAKING_BACK: Duration = Duration::from_secs(10);

/// An append on its way. Between its steps nothing is waited for, so that the messages may come from a thread that blocks.
pub struct Appending<'n> {
    connections: Arc<Connections>,
    session: Session,
    named: Named<'n>,
    appended: Appended,
    uids: UidSet,
}

impl<'n> Appending<'n> {
    /// Connects.
    pub async fn begin(connections: Arc<Connections>, named: Named<'n>, job: &Job) -> Result<Self> {
        let session = connections.session(job).await?;
        if !session.style.level.manages() {
            connections.give_back(session, job).await;
            return Err(ServerError::Unable("append messages").into());
        }
        Ok(Self {
            connections,
            session,
            named,
            appended: Appended::default(),
            uids: UidSet::new(),
        })
    }

    /// The next messages, as many as go in one command; none after the last.
    pub fn batch(&self, messages: &mut dyn Messages, job: &Job) -> Result<Vec<NewMessage>> {
        let session = &self.session;
        let takes_many = session.has("MULTIAPPEND");
        let limits = session.capabilities().after("APPENDLIMIT=");
        let limit = limits.filter_map(|it| it.parse::<u64>().ok()).next();
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some(message) = messages.next(job)? {
            if limit.is_some_and(|limit| message.content.len() > limit) {
                return Err(Error::Refused(
                    "the message is larger than the server takes",
                ));
            }
            bytes += message.content.len();
            batch.push(message);
            if !takes_many || batch.len() >= MANY || bytes >= MUCH {
                break;
            }
        }
        Ok(batch)
    }

    /// Appends these.
    pub async fn send(&mut self, batch: Vec<NewMessage>, job: &Job) -> Result<()> {
        let count = batch.len() as u64;
        let sent = send(&mut self.session, self.named, batch, job).await;
        let status = match sent {
            Err(_) if self.session.is_unsure => return Err(ServerError::Unsure.into()),
            other => other?,
        };
        self.appended.count += count;
        note(
            &mut self.appended,
            &mut self.uids,
            status.code.as_ref(),
            count,
        );
        Ok(())
    }

    /// Ends it: where something failed, what was appended before is taken out again.
    pub async fn end(mut self, outcome: Result<()>, job: &Job) -> Result<Appended> {
        let ended = match outcome {
            Ok(()) => Ok(self.appended),
            Err(error) => {
                let (appended, uids) = (&self.appended, &self.uids);
                Err(take_back(&mut self.session, self.named, appended, uids, error, job).await)
            }
        };
        self.connections.give_back(self.session, job).await;
        ended
    }
}

/// So many octets are worth a word on how they go.
const WORTH_SQUEEZING: u64 = 256 << 10;

async fn send(
    session: &mut Session,
    named: Named<'_>,
    mut batch: Vec<NewMessage>,
    job: &Job,
) -> Result<Status> {
    let octets: u64 = batch.iter().map(|message| message.content.len()).sum();
    if octets >= WORTH_SQUEEZING {
        session.squeeze(&mut Nobody, job).await?;
    }
    let mut command = session
        .command("APPEND")
        .string(&session.name_of(named.mailbox));
    for message in &mut batch {
        let has_nul = holds_nul(&mut message.content).map_err(scratch)?;
        let mark = if has_nul && session.has("BINARY") {
            "~"
        } else {
            ""
        };
        if has_nul && mark.is_empty() {
            job.notice("the server takes no NUL; each was replaced by a byte 128");
            message.content = without_nul(&mut message.content).map_err(scratch)?;
        }
        command = described(command, session.style.level, message);
        command = command.announced(message.content.len(), mark);
    }
    let contents = batch.iter_mut().map(|message| &mut message.content);
    let status = session
        .upload(command, contents.collect(), &mut Nobody, job)
        .await?;
    if status.kind == Kind::Bad && session.style.level < Level::Imap4 {
        // IMAP2 knows no APPEND, and does not say that it is IMAP2.
        return Err(ServerError::Unable("append messages").into());
    }
    answered(session, status, named, job).await
}

/// Flags and date of a message, where the server's level has room for them.
fn described(command: Command, level: Level, message: &NewMessage) -> Command {
    if level < Level::Imap4 {
        return command;
    }
    let system = message.flags.system.only(SystemFlags::SETTABLE);
    let system = system.names().map(str::to_owned);
    let keywords = message.flags.keywords().iter().map(ToString::to_string);
    let names: Vec<String> = system.chain(keywords).collect();
    let command = match names.is_empty() {
        true => command,
        false => command.word(&format!("({})", names.join(" "))),
    };
    match message.internal_date {
        Some(date) => command.word(&format!("\"{}\"", date.storable().to_fixed())),
        None => command,
    }
}

/// Notes where messages went.
fn note(appended: &mut Appended, uids: &mut UidSet, code: Option<&Code>, count: u64) {
    let Some(Code::AppendUid(validity, set)) = code else {
        return;
    };
    let Some(set) = uid_set(set.as_bytes()).filter(|set| set.len() == count) else {
        return;
    };
    appended.uid_validity = UidValidity::new(*validity);
    appended.uids.extend(set.iter());
    uids.add(&set);
}

/// Takes out what was appended before a failure, and tells of what stays.
async fn take_back(
    session: &mut Session,
    named: Named<'_>,
    appended: &Appended,
    uids: &UidSet,
    error: Error,
    job: &Job,
) -> Error {
    if appended.count == 0 {
        return error;
    }
    let job = job.uncancelled();
    let all_known = uids.len() == appended.count;
    if all_known && session.is_quiet() {
        let removing = timeout(TAKING_BACK, remove(session, named, uids, &job)).await;
        if removing.is_ok_and(|removed| removed) {
            return error;
        }
    }
    let count = appended.count;
    job.notice(format!(
        "{count} of the messages are in the destination already and stay there"
    ));
    error
}

async fn remove(session: &mut Session, named: Named<'_>, uids: &UidSet, job: &Job) -> bool {
    let set = uids.to_string();
    let select = session
        .command("SELECT")
        .string(&session.name_of(named.mailbox));
    let store = session.command(&format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)"));
    let expunge = session.command(&format!("UID EXPUNGE {set}"));
    for command in [select, store, expunge] {
        match session.run(command, &mut Nobody, job).await {
            Ok(status) if status.kind == Kind::Ok => {}
            _ => {
                session.retire();
                return false;
            }
        }
    }
    // Whoever uses the connection next expects it without a mailbox.
    session.retire();
    true
}

fn holds_nul(content: &mut Content) -> io::Result<bool> {
    let mut found = false;
    in_pieces(content, |piece| {
        found |= memchr::memchr(0, piece).is_some();
        Ok(())
    })?;
    Ok(found)
}

fn without_nul(content: &mut Content) -> io::Result<Content> {
    let mut clean = Content::new();
    in_pieces(content, |piece| {
        for byte in piece.iter_mut().filter(|byte| **byte == 0) {
            *byte = 0x80;
        }
        clean.write_all(piece)
    })?;
    Ok(clean)
}

fn in_pieces(
    content: &mut Content,
    mut each: impl FnMut(&mut [u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut reader = content.reader()?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        each(buffer.get_mut(..count).unwrap_or_default())?;
    }
}

fn scratch(source: io::Error) -> Error {
    Error::Io {
        path: std::env::temp_dir(),
        source,
    }
}
