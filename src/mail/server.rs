//! The `{host:port/switches}` part of a remote name: reading it, and printing it so that Pine and Alpine read it too.
//!
//! `host *( ":" port / "/" switch [ "=" value ] )`, port and switches in any order, switch names in any
//! letter case, values quoted where they hold `/` or `:`. Stricter than c-client where its laxness is
//! dangerous: a host is made of letters, digits, `-`, `.`, `_`, a port is 1 to 65535, and no value holds
//! control or invisible characters. Hence a [`Server`] may be printed as it is.

use std::fmt;

use crate::mail::switches::{Action, SWITCHES, Service, Switch, Tls, Value};

/// A server, and how to talk to it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Server {
    host: String,
    port: Option<u16>,
    service: Service,
    tls: Tls,
    switches: u16,
    user: Option<String>,
    authuser: Option<String>,
    mechanism: Option<String>,
}

/// What is wrong with the `{…}` part of a name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ServerError {
    /// There is no closing brace.
    #[error("the closing }} is missing")]
    Unclosed,
    /// The part is longer than 1023 bytes.
    #[error(
        "{length} bytes between the braces, at most {} are allowed",
        Server::MAX_LEN
    )]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It holds a closing brace, bytes that are not UTF-8, or control or invisible characters.
    #[error("control, invisible or undecodable characters between the braces")]
    Unprintable,
    /// There is no host, or it cannot be one.
    #[error("{:?} is not a host name", .0.escape_default().to_string())]
    Host(String),
    /// Not a number from 1 to 65535.
    #[error("{:?} is not a port (1 to 65535)", .0.escape_default().to_string())]
    Port(String),
    /// Something is said twice.
    #[error("{0} is given twice")]
    Twice(&'static str),
    /// A switch that does not exist.
    #[error("there is no switch /{}", .0.escape_default())]
    UnknownSwitch(String),
    /// A switch that needs a value has none.
    #[error("/{0} needs a value, as in /{0}=…")]
    NeedsValue(&'static str),
    /// A switch that takes no value has one.
    #[error("/{0} takes no value")]
    TakesNoValue(&'static str),
    /// A value is too long, or its quotes are not closed, or it has forbidden characters.
    #[error("the value of /{0} cannot be used: {1}")]
    BadValue(&'static str, &'static str),
    /// This switch contradicts an earlier one.
    #[error("/{0} contradicts another switch")]
    Conflict(&'static str),
}

impl Server {
    /// The longest text between the braces, in bytes.
    pub const MAX_LEN: usize = 1023;
    /// The longest host, in bytes.
    pub const MAX_HOST: usize = 255;
    /// The longest user name, in bytes.
    pub const MAX_USER: usize = 320;

    /// Reads what stands between the braces; `service` is what a name without such a switch means.
    pub fn parse(text: &[u8], service: Service) -> Result<Self, ServerError> {
        if text.len() > Self::MAX_LEN {
            return Err(ServerError::TooLong { length: text.len() });
        }
        let text = std::str::from_utf8(text).map_err(|_| ServerError::Unprintable)?;
        if text.contains('}') || text.chars().any(is_unprintable) {
            return Err(ServerError::Unprintable);
        }
        let (host, mut rest) = split_host(text)?;
        let mut draft = Draft::new(host);
        while !rest.is_empty() {
            rest = match rest.strip_prefix(':') {
                Some(after) => draft.take_port(after)?,
                None => draft.take_switch(rest)?,
            };
        }
        draft.finish(service)
    }

    /// The host: a name, or an address in square brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where the name says one.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The service.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// What is said of encryption.
    pub fn tls(&self) -> Tls {
        self.tls
    }

    /// Whether this switch is there.
    pub fn has(&self, switch: Switch) -> bool {
        self.switches & switch as u16 != 0
    }

    /// The user who logs in, or for whom somebody else does.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Whose password is used, where it is not the user's own.
    pub fn authuser(&self) -> Option<&str> {
        self.authuser.as_deref()
    }

    /// The SASL mechanism to use and no other, in lower case.
    pub fn mechanism(&self) -> Option<&str> {
        self.mechanism.as_deref()
    }

    /// The name of the driver that serves `mailbox` on this server; `None` when none does.
    pub fn driver_for(&self, mailbox: &[u8]) -> Option<&'static str> {
        match self.service {
            Service::Imap => Some("imap"),
            Service::Pop3 => {
                let takes = mailbox.eq_ignore_ascii_case(b"INBOX") && self.authuser.is_none();
                takes.then_some("pop3")
            }
            Service::Nntp => {
                let group = !mailbox.starts_with(b"#") || mailbox.starts_with(b"#news.");
                (group && !self.has(Switch::Anonymous)).then_some("nntp")
            }
            Service::Smtp | Service::Submit | Service::Other(_) => None,
        }
    }
}

impl fmt::Display for Server {
    /// Writes the part with its braces, in the order of c-client's canonical names. Read again, it gives the same value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match &self.service {
            Service::Other(name) => write_value(f, "service", name)?,
            known => write!(f, "/{}", known.name())?,
        }
        for (name, action) in &SWITCHES {
            let there = match action {
                Action::Flag(switch) => self.has(*switch),
                Action::Tls(tls) => *tls == self.tls && !self.has(Switch::TlsSslV23),
                _ => false,
            };
            if there && !self.is_spelled_before(name, action) {
                write!(f, "/{name}")?;
            }
        }
        for (name, value) in [
            ("auth", &self.mechanism),
            ("authuser", &self.authuser),
            ("user", &self.user),
        ] {
            if let Some(value) = value {
                write_value(f, name, value)?;
            }
        }
        f.write_str("}")
    }
}

impl Server {
    /// Whether an earlier row of the table stands for the same thing: only the first, classic spelling is printed.
    fn is_spelled_before(&self, name: &str, action: &Action) -> bool {
        let mut earlier = SWITCHES.iter().take_while(|entry| entry.0 != name);
        earlier.any(|entry| entry.1 == *action)
    }
}

/// A server being read.
struct Draft {
    server: Server,
    service: Option<Service>,
}

impl Draft {
    fn new(host: &str) -> Self {
        let server = Server {
            host: host.to_owned(),
            port: None,
            service: Service::Imap,
            tls: Tls::Unsaid,
            switches: 0,
            user: None,
            authuser: None,
            mechanism: None,
        };
        Self {
            server,
            service: None,
        }
    }

    fn take_port<'a>(&mut self, text: &'a str) -> Result<&'a str, ServerError> {
        let (digits, rest) = split_before(text, &['/', ':']);
        let decimal = digits.bytes().all(|byte| byte.is_ascii_digit());
        let port = digits
            .parse()
            .ok()
            .filter(|&port: &u16| decimal && port != 0);
        let port = port.ok_or_else(|| ServerError::Port(digits.to_owned()))?;
        if self.server.port.replace(port).is_some() {
            return Err(ServerError::Twice("the port"));
        }
        Ok(rest)
    }

    fn take_switch<'a>(&mut self, text: &'a str) -> Result<&'a str, ServerError> {
        let text = text.strip_prefix('/').unwrap_or(text);
        let (typed, rest) = split_before(text, &['=', '/', ':']);
        let entry = SWITCHES
            .iter()
            .find(|entry| entry.0.eq_ignore_ascii_case(typed));
        let (name, action) = entry.ok_or_else(|| ServerError::UnknownSwitch(typed.to_owned()))?;
        let value = rest.strip_prefix('=');
        if let Action::Value(kind) = action {
            let value = value.ok_or(ServerError::NeedsValue(name))?;
            let (value, rest) = take_value(name, value)?;
            self.set_value(name, *kind, value)?;
            return Ok(rest);
        }
        if value.is_some() {
            return Err(ServerError::TakesNoValue(name));
        }
        self.act(name, action)?;
        Ok(rest)
    }

    fn act(&mut self, name: &'static str, action: &Action) -> Result<(), ServerError> {
        match action {
            Action::Service(service) => self.set_service(service.clone()),
            Action::SecureService(service) => {
                self.set_service(service.clone())?;
                self.set_tls(name, Tls::Implicit(None))
            }
            Action::Tls(tls) => self.set_tls(name, *tls),
            Action::Flag(switch) => {
                self.server.switches |= *switch as u16;
                match switch {
                    Switch::TlsSslV23 => self.set_tls(name, Tls::Required),
                    _ => Ok(()),
                }
            }
            Action::Value(_) | Action::Nothing => Ok(()),
        }
    }

    fn set_service(&mut self, service: Service) -> Result<(), ServerError> {
        match self.service.replace(service) {
            Some(_) => Err(ServerError::Twice("the service")),
            None => Ok(()),
        }
    }

    fn set_tls(&mut self, name: &'static str, wanted: Tls) -> Result<(), ServerError> {
        self.server.tls = match (self.server.tls, wanted) {
            (Tls::Unsaid | Tls::Never, Tls::Implicit(version)) => Tls::Implicit(version),
            (Tls::Implicit(version), Tls::Never | Tls::Implicit(None)) => Tls::Implicit(version),
            (Tls::Implicit(None), Tls::Implicit(version)) => Tls::Implicit(version),
            (Tls::Unsaid, wanted) => wanted,
            (said, wanted) if said == wanted => said,
            _ => return Err(ServerError::Conflict(name)),
        };
        Ok(())
    }

    fn set_value(
        &mut self,
        name: &'static str,
        kind: Value,
        value: String,
    ) -> Result<(), ServerError> {
        let limit = match kind {
            Value::User | Value::AuthUser => Server::MAX_USER,
            Value::Service | Value::Mechanism => 20,
        };
        if value.len() > limit {
            return Err(ServerError::BadValue(name, "it is too long"));
        }
        if value.is_empty() {
            return Ok(());
        }
        let place = match kind {
            Value::Service => return self.set_service(Service::named(&value.to_ascii_lowercase())),
            Value::User => &mut self.server.user,
            Value::AuthUser => &mut self.server.authuser,
            Value::Mechanism => &mut self.server.mechanism,
        };
        if place.is_some() {
            return Err(ServerError::Twice(name));
        }
        let is_mechanism = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        *place = Some(match kind {
            Value::Mechanism if !value.bytes().all(is_mechanism) => {
                return Err(ServerError::BadValue(name, "it is not a mechanism's name"));
            }
            Value::Mechanism => value.to_ascii_lowercase(),
            _ => value,
        });
        Ok(())
    }

    fn finish(self, service: Service) -> Result<Server, ServerError> {
        let mut server = self.server;
        server.service = self.service.unwrap_or(service);
        if server.has(Switch::NoRsh) && server.service != Service::Imap {
            return Err(ServerError::Conflict("norsh"));
        }
        Ok(server)
    }
}

/// Parts a host from what follows it.
fn split_host(text: &str) -> Result<(&str, &str), ServerError> {
    let refused = || ServerError::Host(text.to_owned());
    if !text.starts_with('[') {
        let (host, rest) = split_before(text, &['/', ':']);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let valid = (1..=Server::MAX_HOST).contains(&host.len())
            && !host.starts_with('-')
            && host.bytes().all(allowed);
        return if valid {
            Ok((host, rest))
        } else {
            Err(ServerError::Host(host.to_owned()))
        };
    }
    let end = text.find(']').ok_or_else(refused)? + 1;
    let (host, rest) = text.split_at(end);
    let inner = host.trim_matches(['[', ']']);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte);
    let valid = (1..=Server::MAX_HOST - 2).contains(&inner.len())
        && !inner.starts_with('-')
        && inner.bytes().all(allowed)
        && (rest.is_empty() || rest.starts_with(['/', ':']));
    if valid {
        Ok((host, rest))
    } else {
        Err(refused())
    }
}

/// Splits in front of the first of `marks`, or at the end.
fn split_before<'a>(text: &'a str, marks: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(marks).unwrap_or(text.len()))
}

/// Takes a value, quoted or bare, from the front of `text`.
fn take_value<'a>(name: &'static str, text: &'a str) -> Result<(String, &'a str), ServerError> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = split_before(text, &['/', ':']);
        return Ok((value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => {
                let rest = quoted.split_at(place + 1).1;
                let ended = rest.is_empty() || rest.starts_with(['/', ':']);
                let refused = ServerError::BadValue(name, "something follows the quotes");
                return if ended {
                    Ok((value, rest))
                } else {
                    Err(refused)
                };
            }
            '\\' => value.extend(characters.next().map(|next| next.1)),
            plain => value.push(plain),
        }
    }
    Err(ServerError::BadValue(name, "the quotes are not closed"))
}

fn write_value(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    write!(f, "/{name}=\"")?;
    for character in value.chars() {
        if matches!(character, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{character}")?;
    }
    f.write_str("\"")
}

/// Control characters, and invisible ones that change how a line looks.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests;
