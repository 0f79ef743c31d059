//! Logging in: the best way that both sides have, and never the same wrong password by a weaker one.
//!
//! A way that the server does not understand is left for the next one; a refusal means that the password is wrong, and the user
//! is asked again, three times at most. In clear text, but to this machine itself, only ways are used that do not show the
//! password.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::driver::error::{Error, Result};
use crate::driver::imap::account::Account;
use crate::driver::imap::session::{Asked, Nobody, Session, refused};
use crate::driver::job::Job;
use crate::driver::server_error::ServerError;
use crate::mail::secret::Secret;
use crate::mail::switches::Switch;
use crate::mail::text::Foreign;
use crate::wire::imap::capability::Capabilities;
use crate::wire::imap::status::{Code, Kind, Status};
use crate::wire::sasl::{Exchange, Identity, MECHANISMS, Mechanism, Needs};

/// How often a password is asked for.
const TRIALS: u32 = 3;

/// A way to log in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Sasl(Mechanism),
    /// The LOGIN command.
    Command,
}

impl Way {
    fn needs(self) -> Needs {
        match self {
            Self::Sasl(mechanism) => mechanism.needs,
            Self::Command => Needs::Password,
        }
    }
}

/// Logs the user in. What the server can do is known afterwards as it is for this user.
pub async fn log_in(
    account: &Arc<Account>,
    session: &mut Session,
    port: u16,
    job: &Job,
) -> Result<()> {
    let offered = session.capabilities().clone();
    let mut tried: Vec<Way> = Vec::new();
    let mut trials = 0;
    let mut said: Option<Foreign> = None;
    loop {
        let way = choose(account, session, &offered, &tried)?;
        let secret = match way.needs() {
            Needs::Challenge | Needs::Password => account.password(said.take(), job).await?,
            Needs::Token => account.token(job).await?,
            Needs::Certificate | Needs::Nobody => Secret::default(),
        };
        session.forget_capabilities();
        let login = Login {
            way,
            secret: &secret,
            port,
            offered: &offered,
        };
        session.is_secret = true;
        let attempted = attempt(account, session, &login, job).await;
        session.is_secret = false;
        let (status, binding_refused) = attempted?;
        match (status.kind, &status.code) {
            (Kind::Ok, _) => {
                if matches!(way.needs(), Needs::Challenge | Needs::Password) {
                    account.remember(&secret);
                }
                return learn_anew(session, status, job).await;
            }
            // What is not understood, here and now, may be said otherwise.
            (Kind::Bad, _) => tried.push(way),
            _ if binding_refused => tried.push(way),
            (_, Some(Code::TryLater | Code::Forbidden)) => return Err(refused(&status)),
            _ => {
                trials += 1;
                let user = Foreign::new(account.user.as_str());
                let has_password = matches!(way.needs(), Needs::Challenge | Needs::Password);
                if has_password {
                    account.forget();
                }
                if trials >= TRIALS || !has_password {
                    let said = status.text;
                    return Err(ServerError::Login { user, said }.into());
                }
                said = Some(status.text);
            }
        }
    }
}

/// The best way that is left.
fn choose(
    account: &Account,
    session: &Session,
    offered: &Capabilities,
    tried: &[Way],
) -> Result<Way> {
    let server = &account.server;
    let stream = session.stream();
    let is_safe = stream.is_encrypted() || stream.is_loopback() || account.allows_clear_text;
    let is_bound = stream.binding().is_some();
    // A token opens more than mail.
    let is_checked = stream.is_encrypted() && !server.has(Switch::NoValidateCert);
    let is_certain = stream.is_loopback() || is_checked;
    let secure_only = server.has(Switch::Secure);
    let asked_for = server.mechanism();
    let fits = |mechanism: &Mechanism| {
        let is_named = asked_for.is_some_and(|name| name.eq_ignore_ascii_case(mechanism.name));
        let possible = match mechanism.needs {
            Needs::Certificate => account.has_certificate(),
            Needs::Token => account.has_tokens(),
            Needs::Nobody => server.has(Switch::Anonymous),
            Needs::Password | Needs::Challenge => {
                !account.has_tokens() && !server.has(Switch::Anonymous)
            }
        };
        let shows = matches!(mechanism.needs, Needs::Password | Needs::Token);
        // Its digest can be tried against a dictionary by whoever saw it.
        let is_weak = mechanism.name == "CRAM-MD5";
        offered.has(&format!("AUTH={}", mechanism.name))
            && (possible || is_named)
            && (asked_for.is_none() || is_named)
            && (!shows || (is_safe && !secure_only))
            && (mechanism.needs != Needs::Token || is_certain)
            && (!is_weak || is_named || secure_only)
            && (!mechanism.name.ends_with("-PLUS") || is_bound)
            && (server.authuser().is_none() || mechanism.on_behalf)
            && !tried.contains(&Way::Sasl(*mechanism))
    };
    if let Some(mechanism) = MECHANISMS.iter().find(|it| fits(it)) {
        return Ok(Way::Sasl(*mechanism));
    }
    let why = if server.has(Switch::Anonymous) {
        "the server lets nobody in who is anonymous"
    } else if asked_for.is_some() {
        "the server does not offer the one that /auth names, or it would show the password"
    } else if secure_only {
        "the server offers none that keeps the password secret, as /secure asks for"
    } else if account.has_tokens() {
        "the server takes no tokens"
    } else if server.authuser().is_some() {
        "the server offers none on behalf of somebody else"
    } else if offered.has("LOGINDISABLED") {
        "the server takes no password on this connection"
    } else if !is_safe {
        "the connection is not encrypted, and the password would be seen"
    } else if tried.contains(&Way::Command) {
        "the server understands none that this program knows"
    } else {
        return Ok(Way::Command);
    };
    Err(ServerError::NoWayIn(why).into())
}

/// One try.
struct Login<'l> {
    way: Way,
    secret: &'l Secret,
    port: u16,
    offered: &'l Capabilities,
}

/// How a try ended, and whether that was for the connection and not for the password.
async fn attempt(
    account: &Account,
    session: &mut Session,
    login: &Login<'_>,
    job: &Job,
) -> Result<(Status, bool)> {
    let server = &account.server;
    let secret = login.secret;
    let Way::Sasl(mechanism) = login.way else {
        // Its characters would be part of the command; SASL is there for such.
        let command = session
            .command("LOGIN")
            .string(account.user.as_bytes())
            .quoted(secret.reveal().as_bytes());
        let status = session.run(command, &mut Nobody, job).await?;
        return Ok((status, false));
    };
    let is_bound = mechanism.name.ends_with("-PLUS");
    let offers_binding = login
        .offered
        .after("AUTH=")
        .any(|name| name.ends_with("-PLUS"));
    let identity = Identity {
        user: server.authuser().unwrap_or(&account.user).to_owned(),
        behalf: match (server.authuser(), mechanism.needs) {
            (Some(_), _) => Some(account.user.clone()),
            (None, Needs::Certificate) => server.user().map(str::to_owned),
            _ => None,
        },
        secret: secret.clone(),
        host: server.host().to_owned(),
        port: login.port,
        // One that offers to bind and is not asked to would take it for meddling to be told that we could.
        binding: match is_bound || !offers_binding {
            true => session.stream().binding(),
            false => None,
        },
    };
    let mut exchange = match Exchange::begin(mechanism.name, identity) {
        Ok(exchange) => exchange,
        Err(error) => return Err(unusable(error)),
    };
    let is_short = login.offered.has("SASL-IR");
    let status = authenticate(session, mechanism.name, is_short, &mut exchange, job).await?;
    Ok((status, exchange.is_binding_refused()))
}

/// Carries an exchange to its end.
async fn authenticate(
    session: &mut Session,
    name: &str,
    is_short: bool,
    exchange: &mut Exchange,
    job: &Job,
) -> Result<Status> {
    let tag = session.tag();
    let mut line = format!("{tag} AUTHENTICATE {name}");
    let mut is_first = exchange.is_first();
    if is_first && is_short {
        let words = exchange.answer(b"").map_err(unusable)?;
        line.push(' ');
        // Nothing is something that has to be said.
        line.push_str(&if words.is_empty() {
            "=".to_owned()
        } else {
            STANDARD.encode(words)
        });
        is_first = false;
    }
    session.send_line(line.as_bytes());
    let mut failure = None;
    loop {
        let challenge = match session.asked(&tag, job).await? {
            Asked::Ended(status) => {
                if let Some(error) = failure {
                    return Err(error);
                }
                if status.kind == Kind::Ok && !exchange.may_succeed() {
                    // It says so without having proved that it knows the password.
                    return Err(unusable(crate::wire::sasl::SaslError::ServerWrong));
                }
                return Ok(status);
            }
            Asked::For(_) if failure.is_some() => {
                return Err(session.breaks("a login does not end"));
            }
            Asked::For(challenge) => challenge,
        };
        let answer = match STANDARD.decode(challenge.trim_ascii()) {
            Ok(challenge) if is_first && challenge.is_empty() => {
                exchange.answer(b"").map_err(unusable)
            }
            Ok(_) if is_first => {
                Err(ServerError::Protocol("a login began with the wrong words").into())
            }
            Ok(challenge) => exchange.answer(&challenge).map_err(unusable),
            Err(_) => Err(ServerError::Protocol("a login is not written in base64").into()),
        };
        is_first = false;
        match answer {
            Ok(answer) => session.send_line(STANDARD.encode(answer).as_bytes()),
            Err(error) => {
                session.send_line(b"*");
                failure = Some(error);
            }
        }
    }
}

fn unusable(error: crate::wire::sasl::SaslError) -> Error {
    use crate::wire::sasl::SaslError;
    let why = match error {
        SaslError::Unusable => {
            "this name or password cannot be said in the way that the server wants"
        }
        SaslError::ServerWrong => {
            "the server could not prove that it knows the password; perhaps it is another one"
        }
        SaslError::Rounds => "the server wants an unreasonable amount of work for the login",
    };
    ServerError::NoWayIn(why).into()
}

/// What the server can do for this user: from its last words, or asked for.
async fn learn_anew(session: &mut Session, status: Status, job: &Job) -> Result<()> {
    if let Some(Code::Capability(words)) = status.code {
        session.take_capabilities(words);
        return Ok(());
    }
    if session.capabilities().is_empty() {
        let command = session.command("CAPABILITY");
        let status = session.run(command, &mut Nobody, job).await?;
        if status.kind != Kind::Ok {
            session.forget_capabilities();
        }
    }
    let words = session.capabilities().clone();
    session.take_capabilities(words);
    Ok(())
}
