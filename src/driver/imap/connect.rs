//! From a server's name to a connection on which the user is logged in.
//!
//! Unless the name says otherwise nothing is sent in clear text, but to this machine itself. Before TLS stands only the greeting,
//! what the server can do and the ends of our own commands are looked at; whatever else came, or was sent along with the leave to
//! begin, ends the connection: it may be somebody on the way who put it there. What was learnt before is forgotten then.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::driver::error::{Error, Result};
use crate::driver::imap::account::Account;
use crate::driver::imap::login::log_in;
use crate::driver::imap::session::{Nobody, Session, Sink};
use crate::driver::job::Job;
use crate::driver::pins::Pins;
use crate::driver::server_error::ServerError;
use crate::mail::question::{About, CertificateShown, Reply};
use crate::mail::reason::in_words;
use crate::mail::switches::{Service, Switch, Tls, TlsVersion};
use crate::mail::text::Foreign;
use crate::net::dial::{bare, dial};
use crate::net::pipe::Pipe;
use crate::net::stream::Stream;
use crate::net::tls::{self, TlsChoices, TlsError, Untrusted, Version};
use crate::wire::imap::capability::Capabilities;
use crate::wire::imap::response::Data;
use crate::wire::imap::status::{Code, Kind, Status};

/// How long the port with TLS has to answer before the plain one is tried beside it (RFC 8314).
const HEAD_START: Duration = Duration::from_millis(250);

/// How a connection is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    /// TLS from the first byte.
    Implicit,
    /// Clear text until STARTTLS, which must follow.
    StartTls,
    /// STARTTLS where it is offered.
    Opportunistic,
    /// Clear text.
    Never,
    /// TLS from the first byte, or on the plain port STARTTLS, which must follow.
    Either,
}

/// What a name asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Way {
    /// How the connection is protected.
    pub protection: Protection,
    /// The port.
    pub port: u16,
}

/// A connection on which the user is logged in. Begins once more where the user took so long to answer that the server hung up,
/// or accepted a certificate meanwhile.
pub async fn connect(account: &Arc<Account>, job: &Job) -> Result<Session> {
    for _ in 0..AGAIN {
        let had_untried = account.has_untried();
        match attempt(account, job).await {
            Ok(Some(session)) => return Ok(session),
            Ok(None) => {}
            Err(Error::Server(error)) if error.ends_connection() => {
                // Only a user who took long to answer is a reason to begin once more.
                if had_untried || !account.has_untried() {
                    return Err(error.into());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(ServerError::Lost("it was lost again and again".to_owned()).into())
}

/// How often a connection is begun.
const AGAIN: u32 = 3;

/// A connection, or nothing where a certificate was accepted that was not known before.
async fn attempt(account: &Arc<Account>, job: &Job) -> Result<Option<Session>> {
    let is_piped = account.connect_command().is_some();
    let way = match is_piped {
        // How it is protected is the program's affair.
        true => Way {
            protection: Protection::Never,
            port: account.server.port().unwrap_or(143),
        },
        false => way(account)?,
    };
    let Some((stream, port)) = open(account, way, job).await? else {
        return Ok(None);
    };
    let way = Way { port, ..way };
    let mut session = Session::new(stream, &account.disabled).traced(account.traced());
    let mut greeting = match session.greeting(job).await {
        Err(Error::Server(ServerError::Lost(why))) if is_piped => {
            return Err(no_greeting(account, &session, why).await);
        }
        other => other?,
    };
    // Servers that are just starting may have something to say before they greet.
    while greeting.kind == Kind::Ok && is_no_greeting_yet(&greeting) {
        greeting = session.greeting(job).await?;
    }
    let encrypted = session.stream().is_encrypted();
    if greeting.kind == Kind::Ok && matches!(greeting.code, Some(Code::Alert)) {
        // It may be the greeting, or a word in front of it.
        let next = tokio::time::timeout(MORE_WORDS, session.greeting(job)).await;
        if encrypted {
            job.notice(greeting.text.raw());
        }
        greeting = next.unwrap_or(Ok(greeting))?;
    }
    let in_clear = way.protection == Protection::Never || encrypted;
    match greeting.kind {
        Kind::Ok => {}
        Kind::Preauth if in_clear => {}
        Kind::Preauth => return Err(PREAUTH.into()),
        Kind::Bye => return Err(ServerError::Bye(session.marked(greeting.text)).into()),
        Kind::No | Kind::Bad => {
            let text = session.marked(greeting.text);
            return Err(ServerError::Refused(text).into());
        }
    }
    let is_logged_in = greeting.kind == Kind::Preauth;
    if in_clear {
        learn(&mut session, greeting, job).await?;
    } else {
        match encrypt(account, session, way, greeting, job).await? {
            Some(encrypted) => session = encrypted,
            None => return Ok(None),
        }
    }
    session.is_trusted = true;
    if !is_logged_in {
        log_in(account, &mut session, way.port, job).await?;
    }
    Ok(Some(session))
}

/// The program that should speak with the server ended before it said anything.
async fn no_greeting(account: &Account, session: &Session, why: String) -> Error {
    // What it complains about may come a moment later than its end.
    tokio::time::sleep(COMPLAINING).await;
    let complaint = match session.stream() {
        // The other side may have written it.
        Stream::Piped(pipe) => Foreign::new(pipe.complaint()).field().as_str().to_owned(),
        _ => String::new(),
    };
    let host = account.server.host();
    let program = account.connect_command().and_then(|it| it.first());
    let program = program.map_or("", String::as_str);
    match complaint.is_empty() {
        true => unreachable(host, format!("{program} ended without a greeting ({why})")),
        false => unreachable(host, format!("{program} says: {complaint}")),
    }
}

/// How long the greeting itself may take behind a word of warning.
const MORE_WORDS: Duration = Duration::from_millis(300);

/// How long a program that ended may take to say why.
const COMPLAINING: Duration = Duration::from_millis(50);

const PREAUTH: ServerError = ServerError::Unsafe(
    "the server claims that the login is done, which it cannot be before the encryption",
);

/// What a name asks for, with what holds where it says nothing.
pub fn way(account: &Account) -> Result<Way> {
    let server = &account.server;
    let plain = server
        .port()
        .or(Service::Imap.default_port(false))
        .unwrap_or(143);
    let implicit = server
        .port()
        .or(Service::Imap.default_port(true))
        .unwrap_or(993);
    let is_here = is_loopback(server.host());
    let (protection, port) = match server.tls() {
        Tls::Implicit(Some(TlsVersion::Tls1 | TlsVersion::Tls1_1 | TlsVersion::Dtls1)) => {
            return Err(ServerError::Unsafe(
                "this version of TLS is too old to protect anything; leave it out of the name",
            )
            .into());
        }
        Tls::Implicit(_) => (Protection::Implicit, implicit),
        Tls::Required => (Protection::StartTls, plain),
        Tls::Never if is_here || account.allows_clear_text => (Protection::Never, plain),
        Tls::Never => {
            return Err(ServerError::Unsafe("/notls sends mail and passwords in clear text; if that is meant, name the host in network.clear-text-hosts").into());
        }
        Tls::Unsaid if is_here || server.has(Switch::Opportunistic) => match server.port() {
            Some(993) => (Protection::Implicit, 993),
            _ => (Protection::Opportunistic, plain),
        },
        Tls::Unsaid => match server.port() {
            Some(993) => (Protection::Implicit, 993),
            Some(port) => (Protection::StartTls, port),
            None => (Protection::Either, implicit),
        },
    };
    Ok(Way { protection, port })
}

/// Whether a host is this machine, whoever is asked for its address.
fn is_loopback(host: &str) -> bool {
    let inner = bare(host);
    let address = inner.parse::<std::net::IpAddr>();
    address.is_ok_and(|it| it.is_loopback()) || inner.eq_ignore_ascii_case("localhost")
}

/// The connection, and its port; nothing where a certificate was accepted meanwhile.
async fn open(account: &Arc<Account>, way: Way, job: &Job) -> Result<Option<(Stream, u16)>> {
    if let Some(words) = account.connect_command() {
        let host = account.server.host();
        let pipe = Pipe::start(words).map_err(|error| {
            let program = words.first().map_or("", String::as_str);
            unreachable(host, format!("{program}: {}", in_words(&error)))
        })?;
        return Ok(Some((Stream::Piped(Box::new(pipe)), way.port)));
    }
    match way.protection {
        Protection::Implicit => {
            let socket = dialled(account, way.port, job).await?;
            let stream = secured(account, socket, way.port, job).await?;
            Ok(stream.map(|stream| (stream, way.port)))
        }
        Protection::Either => either(account, way.port, job).await,
        _ => in_clear(account, way.port, job).await.map(Some),
    }
}

async fn in_clear(account: &Account, port: u16, job: &Job) -> Result<(Stream, u16)> {
    let socket = dialled(account, port, job).await?;
    Ok((Stream::Plain(socket), port))
}

/// TLS on its own port, or where that is not to be had the plain port, which must offer it.
async fn either(account: &Arc<Account>, implicit: u16, job: &Job) -> Result<Option<(Stream, u16)>> {
    let plain = Service::Imap.default_port(false).unwrap_or(143);
    let with_tls = dialled(account, implicit, job);
    tokio::pin!(with_tls);
    // A machine that drops what comes to one port shall not make us wait for it.
    let early = tokio::time::timeout(HEAD_START, &mut with_tls).await;
    let found = match early {
        Ok(found) => found,
        Err(_) => {
            tokio::select! {
                biased;
                found = &mut with_tls => found,
                found = in_clear(account, plain, job) => match found {
                    Ok(found) => return Ok(Some(found)),
                    Err(_) => with_tls.await,
                },
            }
        }
    };
    let secured = match found {
        Ok(socket) => secured(account, socket, implicit, job).await,
        Err(error) => Err(error),
    };
    match secured {
        Ok(stream) => Ok(stream.map(|stream| (stream, implicit))),
        // Whoever answers there does not speak TLS. A certificate that is not right is no reason to try the other port.
        Err(Error::Server(ServerError::Unreachable { .. })) => {
            in_clear(account, plain, job).await.map(Some)
        }
        Err(error) => Err(error),
    }
}

async fn dialled(account: &Account, port: u16, job: &Job) -> Result<TcpStream> {
    let host = account.server.host();
    tokio::select! {
        biased;
        () = job.cancelled().cancelled() => Err(Error::Cancelled),
        dialled = dial(host, port) => dialled.map_err(|error| {
            let why = match reason(&error) {
                Some(reason) => format!("{error} (port {port}: {reason})"),
                None => format!("{error} (port {port})"),
            };
            unreachable(host, why)
        }),
    }
}

/// TLS on a connection. A certificate that nobody vouches for is shown to the user, who may accept it for good; the server was
/// left by then, and nothing is given back.
async fn secured(
    account: &Arc<Account>,
    socket: TcpStream,
    port: u16,
    job: &Job,
) -> Result<Option<Stream>> {
    let host = account.server.host();
    let pins = Pins::new(&account.environment);
    let pinned = account.accepted().or(pins.pinned(host, port));
    let choices = TlsChoices {
        roots: account.roots()?,
        pinned,
        // Who accepted a certificate wants that one and no other.
        anything: account.server.has(Switch::NoValidateCert) && pinned.is_none(),
        version: match account.server.tls() {
            Tls::Implicit(Some(TlsVersion::Tls1_2)) => Some(Version::Tls12),
            Tls::Implicit(Some(TlsVersion::Tls1_3)) => Some(Version::Tls13),
            _ => None,
        },
        client: account.client_certificate()?,
    };
    let started = tokio::select! {
        biased;
        () = job.cancelled().cancelled() => return Err(Error::Cancelled),
        started = tls::start(socket, host, &choices) => started,
    };
    let untrusted = match started {
        Ok(stream) => return Ok(Some(stream)),
        Err(TlsError::Certificate(untrusted)) => untrusted,
        Err(error) => {
            let reason = reason(&error).map(|it| format!(": {it}"));
            let why = format!("{error}{}", reason.unwrap_or_default());
            return Err(unreachable(host, why));
        }
    };
    if !is_accepted(account, &untrusted, pinned.is_some(), job).await? {
        return Err(ServerError::Certificate {
            host: Foreign::new(host),
            fingerprint: untrusted.fingerprint(),
            why: untrusted.why,
        }
        .into());
    }
    // Where nothing may be written it holds until the program ends.
    account.accept(untrusted.digest);
    pins.pin(host, port, untrusted.digest)?;
    Ok(None)
}

/// What the system says of an error.
fn reason(error: &dyn std::error::Error) -> Option<String> {
    let source = error.source()?;
    let system = source.downcast_ref::<std::io::Error>();
    Some(system.map_or_else(|| source.to_string(), in_words))
}

fn unreachable(host: &str, why: String) -> Error {
    let host = Foreign::new(host);
    ServerError::Unreachable { host, why }.into()
}

/// Whether the user accepts a certificate; `false` where nobody is there to be asked.
async fn is_accepted(
    account: &Account,
    untrusted: &Untrusted,
    has_changed: bool,
    job: &Job,
) -> Result<bool> {
    let question = job.ask(About::Certificate(CertificateShown {
        host: Foreign::new(account.server.host()),
        why: untrusted.why.clone(),
        fingerprint: untrusted.fingerprint(),
        has_changed,
    }));
    let Some(question) = question else {
        return Ok(false);
    };
    match question.answered().await? {
        Reply::Trust => Ok(true),
        Reply::Cancel => Err(Error::Cancelled),
        _ => Ok(false),
    }
}

/// Takes only what may be taken before the connection is encrypted, and remembers whether there was more.
#[derive(Default)]
struct Wary {
    is_alarmed: bool,
}

impl Sink for Wary {
    fn data(&mut self, data: Data<'_>) {
        let harmless = match &data {
            Data::Capability(_) => true,
            Data::Status(status) => matches!(status.code, None | Some(Code::Capability(_))),
            _ => false,
        };
        self.is_alarmed |= !harmless;
    }
}

const MEDDLED: ServerError = ServerError::Unsafe(
    "something came before the encryption that may not; perhaps somebody meddles",
);

/// Encrypts a connection that began in clear text.
async fn encrypt(
    account: &Arc<Account>,
    mut session: Session,
    way: Way,
    greeting: Status,
    job: &Job,
) -> Result<Option<Session>> {
    let mut wary = Wary::default();
    let offered = match greeting.code {
        Some(Code::Capability(words)) => words,
        _ => {
            let command = session.command("CAPABILITY");
            let status = session.run(command, &mut wary, job).await?;
            match status.kind {
                Kind::Ok => session.capabilities().clone(),
                _ => Capabilities::default(),
            }
        }
    };
    let must = way.protection != Protection::Opportunistic;
    if !offered.has("STARTTLS") && !must {
        session.take_capabilities(offered);
        return Ok(Some(session));
    }
    if !offered.has("STARTTLS") {
        return Err(ServerError::Unsafe("the server offers no encryption on this port; /ssl in the name uses the other one, /notls goes without").into());
    }
    let command = session.command("STARTTLS");
    let status = session.run(command, &mut wary, job).await?;
    if status.kind != Kind::Ok {
        return Err(ServerError::Unsafe(
            "the server offers encryption and then refuses it; perhaps somebody meddles",
        )
        .into());
    }
    let Some(Stream::Plain(socket)) = session.into_stream().filter(|_| !wary.is_alarmed) else {
        return Err(MEDDLED.into());
    };
    let Some(stream) = secured(account, socket, way.port, job).await? else {
        return Ok(None);
    };
    let mut session = Session::new(stream, &account.disabled).traced(account.traced());
    let nothing = Status {
        kind: Kind::Ok,
        code: None,
        text: Foreign::default(),
    };
    learn(&mut session, nothing, job).await?;
    Ok(Some(session))
}

/// Learns what the server can do.
async fn learn(session: &mut Session, greeting: Status, job: &Job) -> Result<()> {
    if let Some(Code::Capability(words)) = greeting.code {
        session.take_capabilities(words);
        return Ok(());
    }
    let command = session.command("CAPABILITY");
    let status = session.run(command, &mut Nobody, job).await?;
    let words = match status.kind {
        Kind::Ok => session.capabilities().clone(),
        // It is too old to know the word.
        _ => Capabilities::default(),
    };
    session.take_capabilities(words);
    Ok(())
}

/// A greeting that only says that the real one follows.
fn is_no_greeting_yet(status: &Status) -> bool {
    status.code.is_none()
        && status
            .text
            .raw()
            .starts_with("Waiting for authentication process")
}
