//! An account on a server: who the user is there, and where passwords, tokens and certificates come from.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::driver::error::{Error, Result};
use crate::driver::imap::traced::Traced;
use crate::driver::job::Job;
use crate::driver::server_error::ServerError;
use crate::mail::question::{About, PasswordWanted, Reply};
use crate::mail::secret::Secret;
use crate::mail::server::Server;
use crate::mail::switches::Switch;
use crate::mail::text::Foreign;
use crate::net::tls::{Certificate, ClientCertificate, certificates};
use crate::os::environment::Environment;
use crate::os::network::AccountChoice;

/// How long a program may think about a password.
const THINKING: Duration = Duration::from_secs(120);
/// The longest password, in bytes.
const LONGEST: u64 = 64 << 10;

/// An account.
pub struct Account {
    /// Where and as whom we run.
    pub environment: Arc<Environment>,
    /// The server, as names have it.
    pub server: Server,
    /// The user there.
    pub user: String,
    /// Abilities of the server that are not used.
    pub disabled: Vec<String>,
    /// Whether passwords may be sent in clear text.
    pub allows_clear_text: bool,
    choice: AccountChoice,
    /// The password that was right.
    secret: Mutex<Option<Secret>>,
    /// The one that was typed last, until it is known whether it is right: good for one more try.
    unproved: Mutex<Option<Secret>>,
    /// The certificate that was accepted in this run.
    accepted: Mutex<Option<[u8; 32]>>,
    /// Whether what a program or file says was refused: it is not tried again.
    is_stored_refused: AtomicBool,
}

impl Account {
    /// The account that a name of a mailbox is about.
    pub fn new(environment: &Arc<Environment>, server: &Server) -> Self {
        let network = &environment.network;
        let found = network.account(server.host(), server.port(), server.user());
        let choice = found.cloned().unwrap_or_default();
        let user = server.user().or(choice.user.as_deref());
        let clear = &network.clear_text_hosts;
        Self {
            user: user.unwrap_or(&environment.user.name).to_owned(),
            disabled: choice.disabled.clone(),
            allows_clear_text: clear
                .iter()
                .any(|it| it.eq_ignore_ascii_case(server.host())),
            environment: Arc::clone(environment),
            server: server.clone(),
            choice,
            secret: Mutex::default(),
            unproved: Mutex::default(),
            accepted: Mutex::default(),
            is_stored_refused: AtomicBool::new(false),
        }
    }

    /// Whether tokens are used in place of a password.
    pub fn has_tokens(&self) -> bool {
        !self.choice.token_command.is_empty()
    }

    /// Who tells of a new connection.
    pub fn traced(&self) -> Option<Traced> {
        let trace = &self.environment.network.trace;
        Some(Traced::new(trace, self.server.host()))
    }

    /// The program that speaks with the server, unless the name says that none shall.
    pub fn connect_command(&self) -> Option<&[String]> {
        let words = self.choice.connect_command.as_slice();
        let is_meant = !words.is_empty() && !self.server.has(Switch::NoRsh);
        is_meant.then_some(words)
    }

    /// Whether the user has a certificate.
    pub fn has_certificate(&self) -> bool {
        self.choice.certificate.is_some()
    }

    /// A new token.
    pub async fn token(&self, job: &Job) -> Result<Secret> {
        said_by(&self.choice.token_command, job).await
    }

    /// The password: one that was used before, what a program or a file says, or what the user answers. `refused` is what
    /// the server said to the last one.
    pub async fn password(&self, refused: Option<Foreign>, job: &Job) -> Result<Secret> {
        if let Some(known) = lock(&self.secret).clone() {
            return Ok(known);
        }
        if let Some(typed) = lock(&self.unproved).take() {
            return Ok(typed);
        }
        if !self.is_stored_refused.load(Ordering::Relaxed) {
            let stored = self.stored(job).await?;
            if let Some(stored) = stored {
                return Ok(stored);
            }
        }
        let question = job.ask(About::Password(PasswordWanted {
            user: Foreign::new(self.server.authuser().unwrap_or(&self.user)),
            host: Foreign::new(self.server.host()),
            refused: refused.clone(),
        }));
        let reply = match question {
            Some(question) => question.answered().await?,
            None => Reply::Nobody,
        };
        match reply {
            Reply::Password(secret) => {
                *lock(&self.unproved) = Some(secret.clone());
                Ok(secret)
            }
            Reply::Nobody => Err(self.nobody_knows(refused).into()),
            _ => Err(Error::Cancelled),
        }
    }

    fn nobody_knows(&self, refused: Option<Foreign>) -> ServerError {
        let user = Foreign::new(self.user.as_str());
        match refused {
            Some(said) => ServerError::Login { user, said },
            None => ServerError::NoWayIn(
                "there is no password and nobody to be asked; the settings of an account can name a password-command",
            ),
        }
    }

    /// This password is the right one.
    pub fn remember(&self, secret: &Secret) {
        *lock(&self.secret) = Some(secret.clone());
        *lock(&self.unproved) = None;
    }

    /// The last password was wrong. What is stored is never tried a second time, so that nobody is locked out by it.
    pub fn forget(&self) {
        let was_typed = lock(&self.unproved).take().is_some();
        let was_right = lock(&self.secret).take().is_some();
        if !was_typed && !was_right {
            self.is_stored_refused.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a password was typed that was not tried to the end.
    pub fn has_untried(&self) -> bool {
        lock(&self.unproved).is_some()
    }

    /// The certificate that was accepted in this run.
    pub fn accepted(&self) -> Option<[u8; 32]> {
        *lock(&self.accepted)
    }

    /// Accepts a certificate.
    pub fn accept(&self, digest: [u8; 32]) {
        *lock(&self.accepted) = Some(digest);
    }

    /// Certificates whose owners vouch for servers, beside the system's.
    pub fn roots(&self) -> Result<Vec<Certificate>> {
        match &self.environment.network.certificates {
            Some(path) => certificates(path).map_err(Error::io(path)),
            None => Ok(Vec::new()),
        }
    }

    /// The certificate that this side shows.
    pub fn client_certificate(&self) -> Result<Option<Arc<ClientCertificate>>> {
        let Some(path) = &self.choice.certificate else {
            return Ok(None);
        };
        let key = self.choice.key.as_ref().unwrap_or(path);
        private(key)?;
        let chain = certificates(path).map_err(Error::io(path))?;
        let read = ClientCertificate::read(chain, key);
        Ok(Some(Arc::new(read.map_err(Error::io(key))?)))
    }

    /// What a program or a file says the password is.
    async fn stored(&self, job: &Job) -> Result<Option<Secret>> {
        if !self.choice.password_command.is_empty() {
            return said_by(&self.choice.password_command, job).await.map(Some);
        }
        let Some(path) = &self.choice.password_file else {
            return Ok(None);
        };
        private(path)?;
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(Error::io(path))?;
        let read = file.take(LONGEST).read_to_string(&mut text);
        read.map_err(Error::io(path))?;
        let line = text.lines().next().unwrap_or_default().to_owned();
        let text = Secret::new(text);
        drop(text);
        Ok(Some(Secret::new(line)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fails where others may read a file that holds a secret.
fn private(path: &Path) -> Result<()> {
    let metadata = std::fs::metadata(path).map_err(Error::io(path))?;
    if metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    let source = std::io::Error::other("others may read it; chmod 600 keeps it to you");
    Err(Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// The first line that a program prints. It gets no shell, no input and no terminal.
async fn said_by(words: &[String], job: &Job) -> Result<Secret> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(ServerError::NoWayIn("no program is named that could say it").into());
    };
    let failed = |source| Error::Io {
        path: program.into(),
        source,
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let output = child.stdout.take();
    let saying = async {
        let mut text = String::new();
        if let Some(output) = output {
            output.take(LONGEST).read_to_string(&mut text).await?;
        }
        Ok((text, child.wait().await?))
    };
    let said = tokio::select! {
        biased;
        () = job.cancelled().cancelled() => return Err(Error::Cancelled),
        said = timeout(THINKING, saying) => said,
    };
    let late = || failed(std::io::ErrorKind::TimedOut.into());
    let (text, status) = said.map_err(|_| late())?.map_err(failed)?;
    let line = text.lines().next().unwrap_or_default().to_owned();
    let _wiped = Secret::new(text);
    if !status.success() || line.is_empty() {
        let why = match status.success() {
            true => "it says nothing",
            false => "it failed",
        };
        return Err(failed(std::io::Error::other(why)));
    }
    Ok(Secret::new(line))
}

/// Whether a server does whatever is asked of it by these two names: the switches that only say how a mailbox is opened do
/// not count.
pub fn is_same(one: &Server, other: &Server) -> bool {
    let same_switches = [
        Switch::TlsSslV23,
        Switch::TryTls,
        Switch::Opportunistic,
        Switch::NoValidateCert,
        Switch::Loser,
        Switch::Secure,
        Switch::Anonymous,
    ]
    .into_iter()
    .all(|switch| one.has(switch) == other.has(switch));
    one.host().eq_ignore_ascii_case(other.host())
        && one.port() == other.port()
        && one.service() == other.service()
        && one.tls() == other.tls()
        && one.user() == other.user()
        && one.authuser() == other.authuser()
        && one.mechanism() == other.mechanism()
        && same_switches
}
