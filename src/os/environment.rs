//! Where and as whom Mugo runs: one value, made once by `main`, handed down. No globals.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::os::files::FileLayer;
use crate::os::formats::Formats;
use crate::os::guard::Guards;
use crate::os::lock_helper::LockHelper;
use crate::os::naming::Naming;
use crate::os::network::Network;

/// The world as drivers and the backend see it.
pub struct Environment {
    /// The file layer.
    pub files: Arc<dyn FileLayer>,
    /// Who runs this process.
    pub user: User,
    /// This process, as it signs its locks.
    pub process: Process,
    /// The user's home in this mode: in a black box the folder there, for anonymous users that of user ftp.
    /// `.mailboxlist` is here; mailboxes are too, unless `naming` has a subdirectory for them.
    pub home: PathBuf,
    /// The spool file, into which mail is delivered. In every mode but the clear one nobody looks at it.
    pub spool: PathBuf,
    /// Mugo's own state: journals, UID tables. Private, survives restarts.
    pub state: PathBuf,
    /// Where opener locks live: `/tmp`, as c-client has it.
    pub lock_dir: PathBuf,
    /// What names mean, and which are forbidden.
    pub naming: Naming,
    /// Which formats are used, and for what.
    pub formats: Formats,
    /// Whether no file of the user's may be written at all (`--read-only`).
    pub read_only: bool,
    /// Whether names that begin with a dot are left out of lists.
    pub hide_dot_files: bool,
    /// How many directories below its start a list goes.
    pub list_depth: usize,
    /// How long a foreign dot lock is honoured before it counts as stale.
    pub dot_lock_timeout: Duration,
    /// What becomes of a mailbox whose folder refuses lock files.
    pub without_dot_lock: WithoutDotLock,
    /// The programs that are asked to make a dot lock where this one may not, in this order.
    pub lock_helpers: Vec<LockHelper>,
    /// When this machine started, in seconds since 1970; `None` where its clock cannot be trusted for that.
    pub booted: Option<i64>,
    /// How long a busy lock is waited for before the operation gives up.
    pub lock_patience: Duration,
    /// How often open mailboxes look for changes by others.
    pub poll_interval: Duration,
    /// How new mail is moved from the spool into an INBOX of another format.
    pub snarfing: SnarfChoices,
    /// What the user says of servers.
    pub network: Network,
    /// The files this program holds locks on.
    pub guards: Guards,
    /// How often SIGUSR2 ("give up your opener locks") was received so far.
    pub kisses: Arc<AtomicU64>,
    /// The clock, in seconds since 1970.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl Environment {
    /// The mail home: where relative names, `mbox`, `INBOX` and the like live. The home, or its subdirectory for mail.
    pub fn mail_home(&self) -> PathBuf {
        self.in_subdirectory(&self.home)
    }

    /// Where the mail of somebody with this home lives.
    pub fn in_subdirectory(&self, home: &Path) -> PathBuf {
        match &self.naming.subdirectory {
            Some(folder) if !self.naming.mode.is_anonymous() => home.join(folder),
            _ => home.to_owned(),
        }
    }

    /// A UIDVALIDITY for a mailbox that has none: the time, in seconds since 1970 (RFC 3501, 2.3.1.1). Never 0.
    pub fn fresh_uid_validity(&self) -> u32 {
        u32::try_from((self.clock)()).unwrap_or(1).max(1)
    }

    /// The user as an address on this host, for From lines.
    pub fn owner(&self) -> String {
        format!("{}@{}", self.user.name, self.process.host)
    }
}

/// What becomes of a mailbox whose folder refuses lock files, and for which no helper makes one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum WithoutDotLock {
    /// It is not written.
    #[default]
    ReadOnly,
    /// It is written under the kernel's lock alone, which programs that know only dot locks do not see.
    FlockOnly,
}

/// How new mail is moved from the spool into an INBOX of another format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnarfChoices {
    /// Between two moves that nobody asked for.
    pub interval: Duration,
    /// Whether the spool is left as an empty file: without the data that its format keeps there, which some programs show
    /// as a message.
    pub leave_spool_empty: bool,
}

impl Default for SnarfChoices {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            leave_spool_empty: false,
        }
    }
}

/// The user whose mail this is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Numeric id.
    pub uid: u32,
}

/// A process, named so that another one can tell later whether it still lives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Host name.
    pub host: String,
    /// Identity of this boot of the machine.
    pub boot: String,
    /// Start time of the process in clock ticks since boot.
    pub start: u64,
}
