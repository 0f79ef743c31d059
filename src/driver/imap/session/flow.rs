//! How commands and answers flow: what waits to be sent goes out, what comes in is handed on.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};

use crate::driver::error::{Error, Result};
use crate::driver::imap::session::{
    DONE, LONG_PATIENCE, MOST_ROUNDS, Nobody, Session, Sink, unreadable,
};
use crate::driver::imap::talk::Talk;
use crate::driver::job::Job;
use crate::driver::server_error::ServerError;
use crate::wire::imap::reader::Frame;
use crate::wire::imap::response::{Data, Response};
use crate::wire::imap::status::{Code, Kind, Status};

/// More words for the user are not kept at once.
const MOST_ALERTS: usize = 5;

enum Moved {
    In(usize),
    Out(usize),
    Nothing,
}

impl Session {
    /// Carries a talk to its end. Where it ends early, what was sent of it is abandoned.
    pub(super) async fn converse(
        &mut self,
        mut talk: Talk<'_>,
        sink: &mut dyn Sink,
        job: &Job,
        patience: Duration,
    ) -> Result<Vec<Status>> {
        self.is_unsure = false;
        self.is_creation_advised = false;
        if !self.is_usable() {
            return Err(self.lost("it was closed before"));
        }
        let outcome = self.carry(&mut talk, sink, job, patience).await;
        sink.pause();
        for alert in self.alerts.drain(..) {
            job.notice(alert.raw());
        }
        self.is_broken |= talk.is_torn();
        match outcome {
            Ok(()) => Ok(talk.into_ended()),
            Err(error) => {
                self.is_broken |= talk.is_cut();
                self.is_unsure = talk.is_sent();
                self.abandoned.extend(talk.into_sent());
                Err(error)
            }
        }
    }

    async fn carry(
        &mut self,
        talk: &mut Talk<'_>,
        sink: &mut dyn Sink,
        job: &Job,
        patience: Duration,
    ) -> Result<()> {
        while !self.is_over(talk, sink)? {
            self.transfer(job, Instant::now() + patience).await?;
        }
        Ok(())
    }

    /// Hands on what came, and puts what may be sent of a talk behind what is to be sent; whether the talk is over.
    fn is_over(&mut self, talk: &mut Talk<'_>, sink: &mut dyn Sink) -> Result<bool> {
        self.take_frames(talk, sink)?;
        if talk.is_over() {
            return Ok(true);
        }
        // What still comes for commands that nobody waits for shall not be taken for an answer to these.
        if self.abandoned.is_empty() {
            let before = self.out.len();
            talk.queue(&mut self.out).map_err(scratch)?;
            self.trace_sent(before);
        }
        sink.pause();
        Ok(false)
    }

    pub(super) async fn listen(
        &mut self,
        talk: &mut Talk<'_>,
        end: Instant,
        sink: &mut dyn Sink,
        job: &Job,
    ) -> Result<()> {
        if !self.is_usable() {
            return Err(self.lost("it was closed before"));
        }
        while !self.is_over(talk, sink)? {
            for alert in self.alerts.drain(..) {
                job.notice(alert.raw());
            }
            match self.transfer(job, end).await {
                Err(Error::Server(ServerError::Silent(_))) => return Ok(()),
                other => other?,
            }
        }
        Ok(())
    }

    /// Hands on all that was read.
    /// What comes behind the end of the last command is left for later: nobody asked for it yet.
    pub(super) fn take_frames(&mut self, talk: &mut Talk<'_>, sink: &mut dyn Sink) -> Result<()> {
        while !talk.is_over() || !self.abandoned.is_empty() || !self.ending.is_empty() {
            let frame = match self.reader.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(()),
                Err(why) => {
                    self.is_broken = true;
                    return Err(unreadable(why));
                }
            };
            let raw = match frame {
                Frame::Piece(bytes) => {
                    sink.piece(bytes);
                    continue;
                }
                Frame::Begins(raw, _) => {
                    if let Response::Untagged(data) = Response::parse(raw) {
                        sink.begins(data);
                    }
                    continue;
                }
                Frame::Response(raw) => {
                    if let Some(traced) = &self.traced {
                        traced.came(raw.bytes, self.is_secret);
                    }
                    raw
                }
            };
            match Response::parse(raw) {
                Response::Continue(_) => talk.allow(),
                Response::Tagged(tag, status) => {
                    if let Some(Code::Capability(words)) = &status.code {
                        self.capabilities = words.clone();
                    }
                    let tag = String::from_utf8_lossy(tag);
                    let before = self.abandoned.len() + self.ending.len();
                    self.abandoned.retain(|one| *one != tag);
                    self.ending.retain(|one| *one != tag);
                    if self.ending.is_empty() {
                        self.ends_by = None;
                    }
                    if self.leaving.as_deref() == Some(&*tag) {
                        self.leaving = None;
                        // Whoever is still told of that mailbox cannot look at another one.
                        self.is_broken |= status.kind != Kind::Ok;
                    }
                    let was_expected = before > self.abandoned.len() + self.ending.len();
                    if !was_expected && !talk.end(&tag, status) {
                        self.is_broken = true;
                        return Err(ServerError::Protocol("it answers what was not asked").into());
                    }
                }
                Response::Untagged(data) => {
                    if let Data::Status(status) = &data {
                        match (status.kind, &status.code) {
                            (Kind::Bye, _) => self.bye = Some(status.text.clone()),
                            (_, Some(Code::TryCreate)) => self.is_creation_advised = true,
                            (_, Some(Code::Alert)) | (Kind::No | Kind::Bad, None)
                                if self.is_trusted && self.alerts.len() < MOST_ALERTS =>
                            {
                                self.alerts.push(status.text.clone());
                            }
                            _ => {}
                        }
                    }
                    if let Data::Capability(words) = &data {
                        self.capabilities = words.clone();
                    }
                    let is_state = !matches!(
                        data,
                        Data::Search(_)
                            | Data::ExtendedSearch(_)
                            | Data::List(_)
                            | Data::MailboxStatus(_)
                            | Data::Namespace(..)
                            | Data::Quota(_)
                    );
                    let is_wanted = is_state || self.abandoned.is_empty();
                    if is_wanted && self.leaving.is_none() {
                        sink.data(data);
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends and receives something, whatever comes first. May be stopped anywhere.
    pub(super) async fn transfer(&mut self, job: &Job, end: Instant) -> Result<()> {
        let ends_by = self.ends_by;
        let end = ends_by.map_or(end, |by| by.min(end));
        let (mut from, mut to) = tokio::io::split(&mut self.stream);
        let room = self.reader.room();
        let unsent = self.out.get(self.sent..).unwrap_or_default();
        let is_unsent = !unsent.is_empty();
        let outgoing = async {
            match is_unsent {
                true => to.write(unsent).await,
                false => to.flush().await.map(|()| 0),
            }
        };
        let done = tokio::select! {
            biased;
            () = job.cancelled().cancelled() => return Err(Error::Cancelled),
            read = from.read_buf(room) => read.map(Moved::In),
            written = outgoing, if is_unsent || self.unflushed => written.map(Moved::Out),
            () = sleep_until(end) => Ok(Moved::Nothing),
        };
        match done {
            Ok(Moved::In(0)) => Err(self.lost("the server closed it")),
            Ok(Moved::In(_)) => {
                self.heard = Instant::now();
                Ok(())
            }
            Ok(Moved::Out(count)) => {
                self.sent += count;
                self.unflushed = is_unsent;
                if self.sent == self.out.len() {
                    self.out.clear();
                    self.sent = 0;
                    // What leaves a mailbox may take as long as what comes behind it.
                    let leaving = self.leaving.as_ref();
                    let is_ending = self.ending.iter().any(|tag| Some(tag) != leaving);
                    if is_ending && self.ends_by.is_none() {
                        self.ends_by = Some(Instant::now() + DONE);
                    }
                }
                Ok(())
            }
            Ok(Moved::Nothing) => {
                // A server that does not even stop when it is told to is not there any more.
                self.is_broken |= ends_by == Some(end);
                let silent = Instant::now().duration_since(self.heard).as_secs();
                Err(ServerError::Silent(silent).into())
            }
            Err(error) => {
                let words = error.to_string();
                Err(self.lost(&words))
            }
        }
    }

    /// Whether the other side is still there, as far as can be told without asking: what it said since is taken in.
    pub async fn is_there(&mut self, job: &Job) -> bool {
        for _ in 0..MOST_ROUNDS {
            match self.transfer(job, Instant::now()).await {
                Ok(()) => {}
                Err(Error::Server(ServerError::Silent(_))) => return self.is_usable(),
                Err(_) => return false,
            }
            // A command that has not ended has all that was said read.
            let mut talk = Talk::default();
            talk.add(String::new(), self.command("NOOP"));
            if self.take_frames(&mut talk, &mut Nobody).is_err() || !self.is_usable() {
                return false;
            }
        }
        // It talks without end.
        false
    }

    /// Waits until nothing is on its way any more that nobody waits for.
    pub async fn settle(&mut self, sink: &mut dyn Sink, job: &Job) -> Result<()> {
        while self.has_unanswered() || !self.ending.is_empty() {
            self.take_frames(&mut Talk::default(), sink)?;
            if self.has_unanswered() || !self.ending.is_empty() {
                self.transfer(job, Instant::now() + LONG_PATIENCE).await?;
            }
        }
        sink.pause();
        Ok(())
    }

    /// The connection is gone.
    pub(super) fn lost(&mut self, why: &str) -> Error {
        if let Some(traced) = &self.traced {
            traced.note(&format!("lost: {why}"));
        }
        self.is_broken = true;
        match self.bye.clone() {
            Some(said) => ServerError::Bye(self.marked(said)).into(),
            None => ServerError::Lost(why.to_owned()).into(),
        }
    }
}

fn scratch(source: io::Error) -> Error {
    Error::Io {
        path: std::env::temp_dir(),
        source,
    }
}
