//! A connection on which IMAP is spoken: commands go out, responses come in, several of both on their way at once.
//!
//! A command that is cancelled is left alone: its tag is remembered, and what still comes for it is read past before anything
//! else is answered. Bytes that were not sent yet stay here, so that stopping anywhere leaves both sides in step; only a
//! command that was sent in part, an upload for instance, costs the connection.

mod flow;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

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
    /// The one of them that leaves a mailbox: what is told before its end is news of that one, which nobody looks at any more.
    leaving: Option<String>,
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
            leaving: None,
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

    /// Sends a command that leaves the mailbox, and waits for nothing: its end comes before those of later commands, and what
    /// is told until then is passed over.
    pub async fn leave(&mut self, words: &str, job: &Job) {
        if !self.is_usable() {
            return;
        }
        let tag = self.tag();
        self.send_line(format!("{tag} {words}").as_bytes());
        self.leaving = Some(tag.clone());
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
        self.leave("LOGOUT", job).await;
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

    /// What the server says, marked where anybody on the way could have said it.
    pub fn marked(&self, said: Foreign) -> Foreign {
        match self.is_trusted || self.stream.is_encrypted() {
            true => said,
            false => Foreign::new(format!("(unauthenticated) {}", said.raw())),
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
