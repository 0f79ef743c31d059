//! The words behind the slashes of a remote name, and what they mean.
//!
//! c-client's and Alpine's words, and the plain ones that people expect (`/imaps`, `/submissions`).

/// What a server offers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Service {
    /// IMAP of any age.
    Imap,
    /// POP3.
    Pop3,
    /// NNTP.
    Nntp,
    /// SMTP between servers.
    Smtp,
    /// Message submission.
    Submit,
    /// A service that no driver knows, in lower case.
    Other(String),
}

/// What the name says about encryption.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Tls {
    /// Nothing.
    Unsaid,
    /// STARTTLS or fail (`/tls`).
    Required,
    /// No STARTTLS, even if offered (`/notls`).
    Never,
    /// TLS from the first byte or fail (`/ssl`), with one version only where it is given.
    Implicit(Option<TlsVersion>),
}

/// A version of TLS, as Alpine's switches name them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TlsVersion {
    /// TLS 1.0; too old to be used.
    Tls1,
    /// TLS 1.1; too old to be used.
    Tls1_1,
    /// TLS 1.2.
    Tls1_2,
    /// TLS 1.3.
    Tls1_3,
    /// DTLS 1.0; not to be used.
    Dtls1,
}

/// A switch that is there or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Switch {
    /// A lax handshake for very old servers was asked for: means `/tls`, with a warning.
    TlsSslV23 = 1,
    /// Implicit TLS first, then the plain port.
    TryTls = 2,
    /// Clear text is accepted where the server offers nothing better.
    Opportunistic = 4,
    /// Any certificate is accepted.
    NoValidateCert = 8,
    /// The server is defective.
    Loser = 16,
    /// Never send a password in plain text.
    Secure = 32,
    /// Never write.
    ReadOnly = 64,
    /// No attempt through a remote shell.
    NoRsh = 128,
    /// Trace the protocol.
    Debug = 256,
    /// Log in anonymously.
    Anonymous = 512,
}

impl Service {
    /// The word for it in names.
    pub fn name(&self) -> &str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Nntp => "nntp",
            Self::Smtp => "smtp",
            Self::Submit => "submit",
            Self::Other(name) => name,
        }
    }

    /// The port where nothing else is said: the plain one, or the one with TLS from the first byte.
    pub fn default_port(&self, implicit_tls: bool) -> Option<u16> {
        let (plain, implicit) = match self {
            Self::Imap => (143, 993),
            Self::Pop3 => (110, 995),
            Self::Nntp => (119, 563),
            Self::Smtp => (25, 465),
            Self::Submit => (587, 465),
            Self::Other(_) => return None,
        };
        Some(if implicit_tls { implicit } else { plain })
    }

    /// The service of this name, which is in lower case.
    pub fn named(name: &str) -> Self {
        let known = [Self::Imap, Self::Pop3, Self::Nntp, Self::Smtp, Self::Submit];
        let found = known.into_iter().find(|service| service.name() == name);
        found.unwrap_or_else(|| Self::Other(name.to_owned()))
    }
}

/// What a switch does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Names the service.
    Service(Service),
    /// Names the service, with TLS from the first byte.
    SecureService(Service),
    /// Says something of encryption.
    Tls(Tls),
    /// Is there.
    Flag(Switch),
    /// Takes a value.
    Value(Value),
    /// Nothing: what it asks for is so anyway.
    Nothing,
}

/// What a switch with a value sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// The service.
    Service,
    /// The user.
    User,
    /// Whose password is used.
    AuthUser,
    /// The SASL mechanism.
    Mechanism,
}

/// Every switch. Of several spellings of one thing the first is the one that Pine reads, and the one that is printed;
/// the flags stand in the order of c-client's canonical names.
pub static SWITCHES: [(&str, Action); 41] = [
    ("imap", Action::Service(Service::Imap)),
    ("imap2", Action::Service(Service::Imap)),
    ("imap2bis", Action::Service(Service::Imap)),
    ("imap4", Action::Service(Service::Imap)),
    ("imap4rev1", Action::Service(Service::Imap)),
    ("imap4rev2", Action::Service(Service::Imap)),
    ("pop3", Action::Service(Service::Pop3)),
    ("pop", Action::Service(Service::Pop3)),
    ("nntp", Action::Service(Service::Nntp)),
    ("smtp", Action::Service(Service::Smtp)),
    ("submit", Action::Service(Service::Submit)),
    ("imaps", Action::SecureService(Service::Imap)),
    ("pop3s", Action::SecureService(Service::Pop3)),
    ("nntps", Action::SecureService(Service::Nntp)),
    ("smtps", Action::SecureService(Service::Smtp)),
    ("submissions", Action::SecureService(Service::Submit)),
    ("tls", Action::Tls(Tls::Required)),
    ("starttls", Action::Tls(Tls::Required)),
    ("tls-sslv23", Action::Flag(Switch::TlsSslV23)),
    ("notls", Action::Tls(Tls::Never)),
    ("nostarttls", Action::Tls(Tls::Never)),
    ("ssl", Action::Tls(Tls::Implicit(None))),
    ("tls1", Action::Tls(Tls::Implicit(Some(TlsVersion::Tls1)))),
    (
        "tls1_1",
        Action::Tls(Tls::Implicit(Some(TlsVersion::Tls1_1))),
    ),
    (
        "tls1_2",
        Action::Tls(Tls::Implicit(Some(TlsVersion::Tls1_2))),
    ),
    (
        "tls1_3",
        Action::Tls(Tls::Implicit(Some(TlsVersion::Tls1_3))),
    ),
    ("dtls1", Action::Tls(Tls::Implicit(Some(TlsVersion::Dtls1)))),
    ("tryssl", Action::Flag(Switch::TryTls)),
    ("opportunistic", Action::Flag(Switch::Opportunistic)),
    ("novalidate-cert", Action::Flag(Switch::NoValidateCert)),
    ("validate-cert", Action::Nothing),
    ("loser", Action::Flag(Switch::Loser)),
    ("secure", Action::Flag(Switch::Secure)),
    ("readonly", Action::Flag(Switch::ReadOnly)),
    ("norsh", Action::Flag(Switch::NoRsh)),
    ("debug", Action::Flag(Switch::Debug)),
    ("anonymous", Action::Flag(Switch::Anonymous)),
    ("service", Action::Value(Value::Service)),
    ("user", Action::Value(Value::User)),
    ("authuser", Action::Value(Value::AuthUser)),
    ("auth", Action::Value(Value::Mechanism)),
];
