//! A connection on which IMAP is spoken: commands go out, responses come in, several of both on their way at once.
//!
//! A command that is cancelled is left alone: its tag is remembered, and what still comes for it is read past before anything
//! else is answered. Bytes that were not sent yet stay here, so that stopping anywhere leaves both sides in step; only a
//! command that was sent in part, an upload for instance, costs the connection.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use crate::driver::error::{Error, Result};
use crate::driver::imap::talk::Talk;
use crate::driver::imap::traced::Traced;
use crate::driver::job::Job;
use crate::driver::message::Content;
use crate::driver::server_error::ServerError;
use crate::mail::text::Foreign;
use crate::net::stream::Stream;
use crate::wire::imap::capability::Capabilities;
use crate::wire::imap::command::{Command, Literals, Style};
use crate::wire::imap::level::Level;
use crate::wire::imap::names::encoded;
use crate::wire::imap::reader::{Frame, Reader, Unreadable};
use crate::wire::imap::response::{Data, Response};
use crate::wire::imap::status::{Code, Kind, Status};

/// How long the server may be silent while something is asked of it.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// The same for what takes a server long: searches, uploads.
pub const LONG_PATIENCE: Duration = Duration::from_secs(600);
/// The same for its first words.
const GREETING: Duration = Duration::from_secs(30);
/// The same for its answer to the end of an IDLE.
const DONE: Duration = Duration::from_secs(10);
/// The longest first words, in bytes.
const LONGEST_GREETING: usize = 64 << 10;
/// How much is read of what a server said that was not asked anything.
const MOST_ROUNDS: usize = 20;
/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Who takes in what a server tells beside the ends of commands.
pub trait Sink: Send {
    /// Something was told.
    fn data(&mut self, data: Data<'_>);
    /// A long literal begins inside of what will be told; this is known of it so far.
    fn begins(&mut self, _so_far: Data<'_>) {}
    /// The next piece of it.
    fn piece(&mut self, _bytes: &[u8]) {}
    /// Nothing else is here yet: a good moment to pass on what was told.
    fn pause(&mut self) {}
}

/// Takes nothing in.
pub struct Nobody;

impl Sink for Nobody {
    fn data(&mut self, _data: Data<'_>) {}
}

/// A connection.
pub struct Session {
    stream: Stream,
    reader: Reader,
    out: Vec<u8>,
    sent: usize,
    unflushed: bool,
    next_tag: u32,
    /// Commands that were sent and whose ends nobody waits for.
    abandoned: Vec<String>,
    /// Commands that were told to end, and whose ends come before those of later ones.
    ending: Vec<String>,
    /// When their ends have to be there.
    ends_by: Option<Instant>,
    /// What the server can do.
    capabilities: Capabilities,
    /// What of it is not used.
    disabled: Vec<String>,
    /// How commands are written to it.
    pub style: Style,
    /// What it said when it ended the connection.
    bye: Option<Foreign>,
    /// Whether the two sides are out of step.
    is_broken: bool,
    heard: Instant,
    /// Whether what the server says to the user can be believed to be the server's.
    pub is_trusted: bool,
    /// Whether the server said that what was asked would succeed once a mailbox was made.
    pub is_creation_advised: bool,
    /// Whether the server was told that we know of changes since a time (ENABLE, RFC 5161).
    pub is_enabled: bool,
    /// Whether what was asked last was sent whole, although nobody heard how it ended.
    pub is_unsure: bool,
    alerts: Vec<Foreign>,
    /// Who tells what is said.
    traced: Option<Traced>,
    /// Whether what is said now logs the user in.
    pub is_secret: bool,
    /// Whether it was asked for that both sides squeeze what they say.
    was_squeezed: bool,
    /// Tells by being held that there is this connection.
    pub alive: Option<Arc<()>>,
}

impl Session {
    /// A session over a connection on which nothing was said. What is disabled is not used even if the server can do it.
    pub fn new(stream: Stream, disabled: &[String]) -> Self {
        Self {
            disabled: disabled.to_vec(),
            is_enabled: false,
            is_creation_advised: false,
            is_unsure: false,
            stream,
            reader: Reader::new(),
            out: Vec::new(),
            sent: 0,
            unflushed: false,
            next_tag: 0,
            abandoned: Vec::new(),
            ending: Vec::new(),
            ends_by: None,
            capabilities: Capabilities::default(),
            style: Style {
                level: Level::Imap2bis,
                literals: Literals::Asked,
            },
            bye: None,
            is_broken: false,
            heard: Instant::now(),
            is_trusted: false,
            alerts: Vec::new(),
            traced: None,
            is_secret: false,
            was_squeezed: false,
            alive: None,
        }
    }

    /// The same session, of which this tells.
    #[must_use]
    pub fn traced(self, traced: Option<Traced>) -> Self {
        Self { traced, ..self }
    }

    /// Tells what was put behind the first so many bytes of what is to be sent.
    fn trace_sent(&self, before: usize) {
        if let (Some(traced), Some(new)) = (&self.traced, self.out.get(before..))
            && !new.is_empty()
        {
            traced.sent(new, self.is_secret);
        }
    }

    /// The connection itself, where nothing came on it that was not read; `None` otherwise.
    pub fn into_stream(self) -> Option<Stream> {
        let is_quiet = self.reader.is_empty() && self.out.is_empty();
        is_quiet.then_some(self.stream)
    }

    /// The connection.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Whether commands can still be sent.
    pub fn is_usable(&self) -> bool {
        !self.is_broken && self.bye.is_none()
    }

    /// Whether nothing is on its way that somebody else asked for, but for ends that come before those of later commands.
    pub fn is_quiet(&self) -> bool {
        self.is_usable() && self.abandoned.is_empty() && self.out.is_empty()
    }

    /// Whether answers are on their way that nobody waits for.
    pub fn has_unanswered(&self) -> bool {
        !self.abandoned.is_empty()
    }

    /// When the server was last heard.
    pub fn heard(&self) -> Instant {
        self.heard
    }

    /// Whether the server offers this.
    pub fn has(&self, word: &str) -> bool {
        self.capabilities.has(word)
    }

    /// What the server can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Forgets what the server can do: it will say so anew.
    pub fn forget_capabilities(&mut self) {
        self.capabilities = Capabilities::default();
    }

    /// A command that begins with these words, which are the program's own.
    pub fn command(&self, words: &str) -> Command {
        Command::new(self.style, words)
    }

    /// The name of a mailbox as the server has it: UTF-8 since RFC 9051, before that in an encoding of its own.
    pub fn name_of<'n>(&self, mailbox: &'n [u8]) -> Cow<'n, [u8]> {
        match self.style.level {
            Level::Imap4rev2 => Cow::Borrowed(mailbox),
            _ => encoded(mailbox),
        }
    }

    /// Takes in what the server can do, and what that means for how it is spoken to.
    pub fn take_capabilities(&mut self, mut capabilities: Capabilities) {
        capabilities.disable(&self.disabled);
        let literals = if capabilities.has("LITERAL+") {
            Literals::Unasked
        } else if capabilities.has("LITERAL-") || capabilities.has("IMAP4REV2") {
            Literals::ShortUnasked
        } else {
            Literals::Asked
        };
        self.style = Style {
            level: capabilities.level(),
            literals,
        };
        self.capabilities = capabilities;
    }

    /// The first words of the server.
    pub async fn greeting(&mut self, job: &Job) -> Result<Status> {
        loop {
            let frame = self.reader.next_frame().map_err(unreadable)?;
            let Some(frame) = frame else {
                if self.reader.waiting() > LONGEST_GREETING {
                    return Err(self.breaks("it does not greet as an IMAP server does"));
                }
                self.transfer(job, Instant::now() + GREETING).await?;
                continue;
            };
            if let (Some(traced), Frame::Response(raw)) = (&self.traced, &frame) {
                traced.came(raw.bytes, false);
            }
            if let Frame::Response(raw) = frame
                && let Response::Untagged(Data::Status(status)) = Response::parse(raw)
            {
                return Ok(status);
            }
            return Err(self.breaks("it does not greet as an IMAP server does"));
        }
    }

    /// Sends a command and waits for its end.
    pub async fn run(
        &mut self,
        command: Command,
        sink: &mut dyn Sink,
        job: &Job,
    ) -> Result<Status> {
        self.run_within(PATIENCE, command, sink, job).await
    }

    /// The same with another patience.
    pub async fn run_within(
        &mut self,
        patience: Duration,
        command: Command,
        sink: &mut dyn Sink,
        job: &Job,
    ) -> Result<Status> {
        let mut talk = Talk::default();
        talk.add(self.tag(), command);
        let ended = self.converse(talk, sink, job, patience).await?;
        let first = ended.into_iter().next();
        first.ok_or_else(|| self.breaks("a command did not end"))
    }

    /// Sends commands at once and waits for the ends of all.
    pub async fn run_all(
        &mut self,
        commands: Vec<Command>,
        sink: &mut dyn Sink,
        job: &Job,
    ) -> Result<Vec<Status>> {
        let mut talk = Talk::default();
        for command in commands {
            talk.add(self.tag(), command);
        }
        self.converse(talk, sink, job, PATIENCE).await
    }

    /// Sends a command whose announced literals are `contents`.
    pub async fn upload(
        &mut self,
        command: Command,
        contents: Vec<&mut Content>,
        sink: &mut dyn Sink,
        job: &Job,
    ) -> Result<Status> {
        let mut talk = Talk::default();
        talk.add(self.tag(), command);
        talk.uploads = contents.into();
        let ended = self.converse(talk, sink, job, LONG_PATIENCE).await?;
        let first = ended.into_iter().next();
        first.ok_or_else(|| self.breaks("a command did not end"))
    }

    /// Asks for news and passes them on until the job is cancelled or `limit` is over; both end it in good order. The server is not
    /// waited for: its word that it stopped comes before what it answers to the next command.
    pub async fn idle(&mut self, limit: Duration, sink: &mut dyn Sink, job: &Job) -> Result<()> {
        let mut talk = Talk::default();
        talk.add(self.tag(), self.command("IDLE"));
        let end = Instant::now() + limit;
        let listened = self.listen(&mut talk, end, sink, job).await;
        match listened {
            Err(Error::Cancelled) | Ok(()) => {}
            Err(error) => return Err(error),
        }
        if talk.is_listened_to() {
            self.send_line(b"DONE");
            self.ending.extend(talk.into_sent());
            return Ok(());
        }
        talk.add_done();
        let calm = job.uncancelled();
        let ended = timeout(DONE, self.converse(talk, sink, &calm, DONE)).await;
        let Ok(ended) = ended else {
            self.is_broken = true;
            return Err(ServerError::Silent(DONE.as_secs()).into());
        };
        match ended?.first() {
            Some(status) if status.kind != Kind::Ok => Err(refused(status)),
            _ => Ok(()),
        }
    }

    /// Sends a command without literals whose end nobody has to wait for: it comes before those of later commands.
    pub async fn say(&mut self, words: &str, job: &Job) {
        if !self.is_usable() {
            return;
        }
        let tag = self.tag();
        self.send_line(format!("{tag} {words}").as_bytes());
        self.ending.push(tag);
        let job = job.uncancelled();
        let end = Instant::now() + GOODBYE;
        for _ in 0..MOST_ROUNDS {
            let is_sent = self.out.is_empty() && !self.unflushed;
            if is_sent || self.transfer(&job, end).await.is_err() {
                return;
            }
        }
    }

    /// Says goodbye, and waits for no answer: all that matters was answered before.
    pub async fn logout(mut self, job: &Job) {
        self.say("LOGOUT", job).await;
        // Whatever becomes of it, the connection ends.
        let _closed = timeout(GOODBYE, self.stream.shutdown()).await;
    }

    /// The next line of an exchange in which the server asks and this side answers: what it asks, or how it ended.
    pub async fn asked(&mut self, tag: &str, job: &Job) -> Result<Asked> {
        loop {
            let Some(frame) = self.reader.next_frame().map_err(unreadable)? else {
                self.transfer(job, Instant::now() + PATIENCE).await?;
                continue;
            };
            let Frame::Response(raw) = frame else {
                return Err(self.breaks("it sends a message before the login"));
            };
            if let Some(traced) = &self.traced {
                traced.came(raw.bytes, true);
            }
            match Response::parse(raw) {
                Response::Continue(challenge) => return Ok(Asked::For(challenge.to_vec())),
                Response::Tagged(found, status) if found == tag.as_bytes() => {
                    return Ok(Asked::Ended(status));
                }
                Response::Tagged(..) => return Err(self.breaks("it answers what was not asked")),
                Response::Untagged(Data::Capability(words)) => self.capabilities = words,
                Response::Untagged(Data::Status(status)) if status.kind == Kind::Bye => {
                    self.bye = Some(status.text);
                }
                Response::Untagged(_) => {}
            }
        }
    }

    /// Sends a line as it is.
    pub fn send_line(&mut self, line: &[u8]) {
        let before = self.out.len();
        self.out.extend_from_slice(line);
        self.out.extend_from_slice(b"\r\n");
        self.trace_sent(before);
    }

    /// The tags that the next commands will have.
    pub fn coming_tags(&self, count: usize) -> Vec<String> {
        let next = self.next_tag;
        let numbers = (0..u32::try_from(count).unwrap_or(0)).map(|it| next.wrapping_add(it));
        numbers.map(|number| format!("{number:08x}")).collect()
    }

    /// A tag that was not used before.
    pub fn tag(&mut self) -> String {
        let tag = format!("{:08x}", self.next_tag);
        self.next_tag = self.next_tag.wrapping_add(1);
        tag
    }

    /// Nobody shall use the connection any more.
    pub fn retire(&mut self) {
        self.is_broken = true;
    }

    /// The two sides are out of step: nothing can be asked any more.
    pub fn breaks(&mut self, what: &'static str) -> Error {
        self.is_broken = true;
        ServerError::Protocol(what).into()
    }

    /// Carries a talk to its end. Where it ends early, what was sent of it is abandoned.
    async fn converse(
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
        loop {
            self.take_frames(talk, sink)?;
            if talk.is_over() {
                return Ok(());
            }
            // What still comes for commands that nobody waits for shall not be taken for an answer to these.
            if self.abandoned.is_empty() {
                let before = self.out.len();
                talk.queue(&mut self.out).map_err(scratch)?;
                self.trace_sent(before);
            }
            sink.pause();
            self.transfer(job, Instant::now() + patience).await?;
        }
    }

    async fn listen(
        &mut self,
        talk: &mut Talk<'_>,
        end: Instant,
        sink: &mut dyn Sink,
        job: &Job,
    ) -> Result<()> {
        if !self.is_usable() {
            return Err(self.lost("it was closed before"));
        }
        loop {
            self.take_frames(talk, sink)?;
            if talk.is_over() {
                return Ok(());
            }
            if self.abandoned.is_empty() {
                let before = self.out.len();
                talk.queue(&mut self.out).map_err(scratch)?;
                self.trace_sent(before);
            }
            sink.pause();
            for alert in self.alerts.drain(..) {
                job.notice(alert.raw());
            }
            match self.transfer(job, end).await {
                Err(Error::Server(ServerError::Silent(_))) => return Ok(()),
                other => other?,
            }
        }
    }

    /// Hands on all that was read.
    /// What comes behind the end of the last command is left for later: nobody asked for it yet.
    fn take_frames(&mut self, talk: &mut Talk<'_>, sink: &mut dyn Sink) -> Result<()> {
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
                    if is_state || self.abandoned.is_empty() {
                        sink.data(data);
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends and receives something, whatever comes first. May be stopped anywhere.
    async fn transfer(&mut self, job: &Job, end: Instant) -> Result<()> {
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
                    let is_ending = !self.ending.is_empty() && self.ends_by.is_none();
                    if is_ending {
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

    /// Has both sides squeeze what they say from now on (COMPRESS, RFC 4978), where that was not done and spares anything: it
    /// costs a round trip, so who has much to fetch asks for it. What cannot be squeezed goes as it is.
    pub async fn squeeze(&mut self, sink: &mut dyn Sink, job: &Job) -> Result<()> {
        if self.was_squeezed || !self.has("COMPRESS=DEFLATE") || self.stream.is_loopback() {
            return Ok(());
        }
        self.was_squeezed = true;
        self.settle(sink, job).await?;
        let command = self.command("COMPRESS DEFLATE");
        let status = self.run(command, sink, job).await;
        // Where nobody knows whether the other side squeezes, nothing that it says can be read.
        self.is_broken |= status.is_err();
        if status?.kind == Kind::Ok {
            self.stream.deflate(self.reader.take_rest());
        }
        Ok(())
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

    /// What the server says, marked where anybody on the way could have said it.
    pub fn marked(&self, said: Foreign) -> Foreign {
        match self.is_trusted || self.stream.is_encrypted() {
            true => said,
            false => Foreign::new(format!("(unauthenticated) {}", said.raw())),
        }
    }

    /// The connection is gone.
    fn lost(&mut self, why: &str) -> Error {
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

/// What the server wants in an exchange.
pub enum Asked {
    /// An answer to this.
    For(Vec<u8>),
    /// Nothing more.
    Ended(Status),
}

/// More words for the user are not kept at once.
const MOST_ALERTS: usize = 5;

enum Moved {
    In(usize),
    Out(usize),
    Nothing,
}

/// What a command's end means where it is no success.
pub fn refused(status: &Status) -> Error {
    let said = status.text.clone();
    let error = match &status.code {
        Some(Code::TryLater) => ServerError::TryLater(said),
        Some(Code::OverQuota) => ServerError::NoRoom(said),
        Some(Code::Forbidden | Code::AuthenticationFailed) => ServerError::Forbidden(said),
        _ => ServerError::Refused(said),
    };
    error.into()
}

/// Fails where a command ended in anything but success.
pub fn succeeded(status: Status) -> Result<Status> {
    match status.kind {
        Kind::Ok => Ok(status),
        _ => Err(refused(&status)),
    }
}

fn unreadable(why: Unreadable) -> Error {
    let what = match why {
        Unreadable::TooLong => "a response does not end",
        Unreadable::Literal => "an impossible length was announced",
    };
    ServerError::Protocol(what).into()
}

fn scratch(source: io::Error) -> Error {
    Error::Io {
        path: std::env::temp_dir(),
        source,
    }
}
