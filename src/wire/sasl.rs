//! Logging in by SASL (RFC 4422): what a client answers to a server's challenges, mechanism by mechanism.
//!
//! SCRAM is rsasl's (RFC 5802, 7677), bound to the TLS connection where both sides can (RFC 9266). The others are a line each:
//! PLAIN (RFC 4616), LOGIN, EXTERNAL, CRAM-MD5 (RFC 2195), OAUTHBEARER (RFC 7628), XOAUTH2, ANONYMOUS (RFC 4505).

use std::sync::Arc;

use hmac::{Hmac, Mac};
use md5::Md5;
use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::config::SASLConfig;
use rsasl::mechname::Mechname;
use rsasl::prelude::{SASLClient, Session, SessionError, State};
use rsasl::property::{AuthId, AuthzId, ChannelBindings, OverrideCBType, Password};

use crate::mail::secret::Secret;

/// Who logs in, with what.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Whose password it is.
    pub user: String,
    /// For whom, where that is somebody else.
    pub behalf: Option<String>,
    /// The password, or the token.
    pub secret: Secret,
    /// The server, as OAuth wants it told.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What binds the login to this TLS connection (`tls-exporter`), where there is such.
    pub binding: Option<Vec<u8>>,
}

/// What a mechanism needs and guards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// A password, which the server never sees.
    Challenge,
    /// A password, which the server sees.
    Password,
    /// An OAuth token, which the server sees.
    Token,
    /// A client certificate.
    Certificate,
    /// Nothing.
    Nobody,
}

/// A mechanism that this program knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mechanism {
    /// Its name, upper case.
    pub name: &'static str,
    /// What it needs.
    pub needs: Needs,
    /// Whether it can log in on behalf of somebody else.
    pub on_behalf: bool,
}

const fn mechanism(name: &'static str, needs: Needs, on_behalf: bool) -> Mechanism {
    Mechanism {
        name,
        needs,
        on_behalf,
    }
}

/// All of them, the better ones first.
pub const MECHANISMS: [Mechanism; 13] = [
    mechanism("EXTERNAL", Needs::Certificate, true),
    mechanism("OAUTHBEARER", Needs::Token, false),
    mechanism("XOAUTH2", Needs::Token, false),
    mechanism("SCRAM-SHA-512-PLUS", Needs::Challenge, true),
    mechanism("SCRAM-SHA-256-PLUS", Needs::Challenge, true),
    mechanism("SCRAM-SHA-1-PLUS", Needs::Challenge, true),
    mechanism("SCRAM-SHA-512", Needs::Challenge, true),
    mechanism("SCRAM-SHA-256", Needs::Challenge, true),
    mechanism("SCRAM-SHA-1", Needs::Challenge, true),
    mechanism("PLAIN", Needs::Password, true),
    mechanism("LOGIN", Needs::Password, false),
    mechanism("CRAM-MD5", Needs::Challenge, false),
    mechanism("ANONYMOUS", Needs::Nobody, false),
];

/// Why a login cannot go on; nothing that gives the password away was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SaslError {
    /// The mechanism is not known, or the name or password cannot be used with it.
    #[error("this name or password cannot be used with the server's login")]
    Unusable,
    /// The server's part of the exchange is wrong; perhaps it does not know the password.
    #[error("the server could not prove that it knows the password")]
    ServerWrong,
    /// The server wants a number of rounds that protects nothing, or takes too long.
    #[error("the server wants an unreasonable number of rounds")]
    Rounds,
}

/// One login as it goes on.
pub struct Exchange {
    step: Step,
    identity: Identity,
    binding_refused: bool,
}

enum Step {
    /// What is sent first, or as the only answer.
    Once(Vec<u8>),
    Cram,
    /// The user is asked for, then the password.
    LoginUser,
    LoginPassword,
    Scram(Box<Session<rsasl::validate::NoValidation>>, ScramStage),
    /// All was said: to whatever comes the mechanism has this answer.
    Over(&'static [u8]),
    /// The server said that it does not let the user in.
    Refused,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ScramStage {
    First,
    Rounds,
    Proof,
    Done,
}

impl Exchange {
    /// Begins to log in by the mechanism of this name.
    pub fn begin(name: &str, identity: Identity) -> Result<Self, SaslError> {
        let Identity {
            user,
            behalf,
            secret,
            ..
        } = &identity;
        let secret = secret.reveal();
        let behalf = behalf.as_deref().unwrap_or_default();
        let holds_nul = [user, behalf, secret]
            .iter()
            .any(|text| text.contains('\0'));
        let step = match name {
            "PLAIN" if !holds_nul => Step::Once(format!("{behalf}\0{user}\0{secret}").into()),
            "EXTERNAL" => Step::Once(behalf.into()),
            "ANONYMOUS" => Step::Once(b"mugo".to_vec()),
            "XOAUTH2" if !holds_control(user) && !holds_control(secret) => {
                let text = format!("user={user}\x01auth=Bearer {secret}\x01\x01");
                Step::Once(text.into())
            }
            "OAUTHBEARER" if !holds_control(secret) => Step::Once(bearer(&identity)),
            "LOGIN" => Step::LoginUser,
            "CRAM-MD5" => Step::Cram,
            _ if name.starts_with("SCRAM-") => {
                Step::Scram(Box::new(scram(name, &identity)?), ScramStage::First)
            }
            _ => return Err(SaslError::Unusable),
        };
        Ok(Self {
            step,
            identity,
            binding_refused: false,
        })
    }

    /// Whether the client speaks first, so that its words can go with the command.
    pub fn is_first(&self) -> bool {
        matches!(self.step, Step::Once(_) | Step::Scram(_, ScramStage::First))
    }

    /// The answer to a challenge; the first one of a client that speaks first is empty.
    pub fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SaslError> {
        let (answer, next) = match &mut self.step {
            // What these are told then is an error in JSON, and the server waits for leave to say no.
            Step::Once(text) => {
                let last: &[u8] = if text.starts_with(b"n,") {
                    b"\x01"
                } else {
                    b""
                };
                (std::mem::take(text), Step::Over(last))
            }
            Step::Over(text) => return Ok(text.to_vec()),
            Step::Refused => return Err(SaslError::ServerWrong),
            Step::Cram => (self.cram(challenge)?, Step::Over(b"")),
            // Whatever the server calls it.
            Step::LoginUser => (self.identity.user.clone().into_bytes(), Step::LoginPassword),
            Step::LoginPassword => (
                self.identity.secret.reveal().as_bytes().to_vec(),
                Step::Over(b""),
            ),
            Step::Scram(session, stage) => {
                let input = match *stage {
                    ScramStage::First => None,
                    ScramStage::Rounds => {
                        check_rounds(challenge)?;
                        Some(challenge)
                    }
                    ScramStage::Proof => Some(challenge),
                    ScramStage::Done => return Err(SaslError::ServerWrong),
                };
                // What a server says that does not let the user in; its refusal follows.
                if *stage == ScramStage::Proof && challenge.starts_with(b"e=") {
                    self.binding_refused = challenge.windows(15).any(|it| it == b"channel-binding");
                    self.step = Step::Refused;
                    return Ok(Vec::new());
                }
                let mut out = Vec::new();
                let stepped = session.step(input, &mut out);
                let state = stepped.map_err(|_| match *stage {
                    ScramStage::First => SaslError::Unusable,
                    _ => SaslError::ServerWrong,
                })?;
                *stage = match (*stage, state) {
                    (_, State::Finished(_)) => ScramStage::Done,
                    (ScramStage::First, _) => ScramStage::Rounds,
                    _ => ScramStage::Proof,
                };
                return Ok(out);
            }
        };
        self.step = next;
        Ok(answer)
    }

    /// Whether the server may say now that the login succeeded. One that proves nothing where it has to is not believed.
    pub fn may_succeed(&self) -> bool {
        match &self.step {
            Step::Scram(_, stage) => *stage == ScramStage::Done,
            Step::Refused => false,
            _ => true,
        }
    }

    /// Whether it was refused because the two ends do not agree on the connection: the password was not looked at.
    pub fn is_binding_refused(&self) -> bool {
        self.binding_refused
    }

    fn cram(&self, challenge: &[u8]) -> Result<Vec<u8>, SaslError> {
        let Identity { user, secret, .. } = &self.identity;
        let keyed = Hmac::<Md5>::new_from_slice(secret.reveal().as_bytes());
        let mut keyed = keyed.map_err(|_| SaslError::Unusable)?;
        keyed.update(challenge);
        let digest = keyed.finalize().into_bytes();
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{user} {digest}").into_bytes())
    }
}

fn holds_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// The first words of OAUTHBEARER.
fn bearer(identity: &Identity) -> Vec<u8> {
    let user = identity.user.replace('=', "=3D").replace(',', "=2C");
    let (host, port, token) = (&identity.host, identity.port, identity.secret.reveal());
    format!("n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01").into()
}

/// Fewer rounds than RFC 7677 wants protect too little, more of them keep us busy for nothing.
fn check_rounds(challenge: &[u8]) -> Result<(), SaslError> {
    let field = challenge
        .split(|&byte| byte == b',')
        .find_map(|field| field.strip_prefix(b"i="));
    let rounds = field.and_then(|field| std::str::from_utf8(field).ok()?.parse::<u32>().ok());
    match rounds {
        Some(4096..=1_000_000) => Ok(()),
        _ => Err(SaslError::Rounds),
    }
}

/// Answers what the mechanism asks for.
struct Told(Identity);

impl SessionCallback for Told {
    fn callback(
        &self,
        _session: &SessionData,
        _context: &Context<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), SessionError> {
        let identity = &self.0;
        request.satisfy::<AuthId>(&identity.user)?;
        request.satisfy::<Password>(identity.secret.reveal().as_bytes())?;
        if let Some(behalf) = &identity.behalf {
            request.satisfy::<AuthzId>(behalf)?;
        }
        if let Some(binding) = &identity.binding {
            request.satisfy::<OverrideCBType>("tls-exporter")?;
            request.satisfy::<ChannelBindings>(binding)?;
        }
        Ok(())
    }

    fn enable_channel_binding(&self) -> bool {
        self.0.binding.is_some()
    }
}

fn scram(name: &str, identity: &Identity) -> Result<Session, SaslError> {
    let config = SASLConfig::builder()
        .with_defaults()
        .with_callback(Told(identity.clone()))
        .map_err(|_| SaslError::Unusable)?;
    let config: Arc<SASLConfig> = config;
    let name = Mechname::parse(name.as_bytes()).map_err(|_| SaslError::Unusable)?;
    let begun = SASLClient::new(config).start_suggested(&[name]);
    begun.map_err(|_| SaslError::Unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(user: &str, secret: &str) -> Identity {
        Identity {
            user: user.to_owned(),
            behalf: None,
            secret: Secret::new(secret.to_owned()),
            host: "imap.example.org".to_owned(),
            port: 993,
            binding: None,
        }
    }

    fn begin(name: &str, identity: Identity) -> Exchange {
        Exchange::begin(name, identity).expect("usable")
    }

    #[test]
    fn what_is_said_once_is_what_the_rfcs_show() {
        let tim = identity("tim", "tanstaaftanstaaf");
        let mut cram = begin("CRAM-MD5", tim.clone());
        assert!(!cram.is_first());
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        let answer = cram.answer(challenge).expect("an answer");
        assert_eq!(answer, b"tim b913a602c7eda7a495b4e6e7334d3890");
        let behalf = Identity {
            behalf: Some("Ursel".to_owned()),
            ..identity("Kurt", "xipj3plmq")
        };
        let mut plain = begin("PLAIN", behalf);
        assert!(plain.is_first());
        assert_eq!(plain.answer(b"").expect("words"), b"Ursel\0Kurt\0xipj3plmq");
        let token = identity(
            "user@example.com",
            "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
        );
        let mut bearer = begin("OAUTHBEARER", Identity { port: 143, ..token });
        let expected = "n,a=user@example.com,\x01host=imap.example.org\x01port=143\x01\
            auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
        assert_eq!(bearer.answer(b"").expect("words"), expected.as_bytes());
        assert_eq!(
            bearer.answer(b"{\"status\":\"401\"}").expect("leave"),
            b"\x01"
        );
        let mut login = begin("LOGIN", tim);
        assert_eq!(login.answer(b"Username:").expect("a name"), b"tim");
        assert_eq!(
            login.answer(b"User Name\0").expect("words"),
            b"tanstaaftanstaaf"
        );
    }

    #[test]
    fn names_that_would_mean_something_else_are_refused() {
        for (name, user, secret) in [
            ("PLAIN", "a\0b", "c"),
            ("PLAIN", "a", "b\0c"),
            ("XOAUTH2", "a\x01b", "c"),
            ("OAUTHBEARER", "a", "b\x01c"),
            ("NTLM", "a", "b"),
        ] {
            let refused = Exchange::begin(name, identity(user, secret)).err();
            assert_eq!(refused, Some(SaslError::Unusable), "{name}");
        }
        let mut bearer = begin("OAUTHBEARER", identity("a,b=c", "t"));
        let words = bearer.answer(b"").expect("words");
        assert!(words.starts_with(b"n,a=a=2Cb=3Dc,\x01"));
    }

    #[test]
    fn scram_wants_reasonable_rounds_and_a_proof() {
        for (rounds, expected) in [
            ("4095", Err(SaslError::Rounds)),
            ("1000001", Err(SaslError::Rounds)),
            ("4294967296", Err(SaslError::Rounds)),
            ("4096", Ok(())),
        ] {
            let mut scram = begin("SCRAM-SHA-256", identity("user", "pencil"));
            let first = scram.answer(b"").expect("words");
            let first = String::from_utf8(first).expect("ASCII");
            let nonce = first.split("r=").nth(1).expect("a nonce");
            let challenge = format!("r={nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i={rounds}");
            let proved = scram.answer(challenge.as_bytes()).map(|proof| {
                assert!(proof.starts_with(b"c=biws,r="));
            });
            assert_eq!(proved, expected, "{rounds}");
            assert!(!scram.may_succeed());
            if expected.is_ok() {
                let wrong = scram.answer(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
                assert_eq!(wrong, Err(SaslError::ServerWrong));
                assert!(!scram.may_succeed());
            }
        }
    }
}
