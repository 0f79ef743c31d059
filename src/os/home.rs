//! Makes the [`Environment`]: who the user is, where mail, spool and state are.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use directories::ProjectDirs;
use thiserror::Error;

use crate::os::accounts::Account;
use crate::os::environment::{Environment, Process, SnarfChoices, User, WithoutDotLock};
use crate::os::files::FileLayer;
use crate::os::formats::Formats;
use crate::os::guard::Guards;
use crate::os::lock_helper;
use crate::os::naming::{Mode, Naming};
use crate::os::network::Network;
use crate::os::process;

const SPOOL: &str = "/var/mail";
const LIST_DEPTH: usize = 20;
const MINUTE: Duration = Duration::from_secs(60);

/// What the user asks to be different from what the machine says. The default changes nothing.
#[derive(Clone, Default, Debug)]
pub struct Overrides {
    /// Another mail home; the state folder follows it unless it is given too.
    pub home: Option<PathBuf>,
    /// Another system INBOX.
    pub spool: Option<PathBuf>,
    /// Another state folder.
    pub state: Option<PathBuf>,
    /// Another folder for opener locks.
    pub lock_dir: Option<PathBuf>,
    /// What names mean, and which are forbidden.
    pub naming: Naming,
    /// Which formats are used, and for what.
    pub formats: Formats,
    /// Write no file of the user's.
    pub read_only: bool,
    /// Leave names that begin with a dot out of lists.
    pub hide_dot_files: bool,
    /// How many directories below its start a list goes.
    pub list_depth: Option<usize>,
    /// How long a foreign dot lock is honoured.
    pub dot_lock_timeout: Option<Duration>,
    /// What becomes of a mailbox whose folder refuses lock files.
    pub without_dot_lock: WithoutDotLock,
    /// How long a busy lock is waited for.
    pub lock_patience: Option<Duration>,
    /// How often open mailboxes look for changes by others.
    pub poll_interval: Option<Duration>,
    /// How new mail is moved from the spool.
    pub snarfing: SnarfChoices,
    /// What the user says of servers.
    pub network: Network,
}

/// Why there is no environment.
#[derive(Debug, Error)]
pub enum HomeError {
    /// Neither the user database nor `$HOME` names a home folder.
    #[error("user {0} has no home folder")]
    NoHome(u32),
    /// The user is anonymous, and nobody says where public mail is.
    #[error(
        "this machine has no user ftp whose mail anonymous users could read; local.anonymous_home can name another folder"
    )]
    NoAnonymousHome,
    /// The process cannot find out about itself.
    #[error("the system does not tell about this process")]
    Process(#[source] io::Error),
}

/// The environment of this process. Makes nothing: a missing state folder is made by whoever first writes into it.
pub fn environment(
    overrides: &Overrides,
    files: Arc<dyn FileLayer>,
) -> Result<Environment, HomeError> {
    let uid = rustix::process::getuid().as_raw();
    let account = Account::with_uid(uid);
    let user = User {
        name: account
            .as_ref()
            .map_or_else(login_name, |account| account.name.clone()),
        uid,
    };
    let own_home = absolute_variable("HOME").or_else(|| account.map(|account| account.home));
    let own_home = overrides
        .home
        .clone()
        .or(own_home)
        .ok_or(HomeError::NoHome(uid))?;
    let state = overrides
        .state
        .clone()
        .unwrap_or_else(|| state_folder(overrides, &own_home));
    let home = home_in_mode(overrides, own_home, &user)?;
    let lock_dir = match overrides.naming.mode {
        Mode::ClosedBox => "/",
        _ => "/tmp",
    };
    Ok(Environment {
        files,
        process: Process::current().map_err(HomeError::Process)?,
        spool: overrides
            .spool
            .clone()
            .unwrap_or_else(|| Path::new(SPOOL).join(&user.name)),
        user,
        home,
        state,
        lock_dir: overrides
            .lock_dir
            .clone()
            .unwrap_or_else(|| lock_dir.into()),
        naming: overrides.naming.clone(),
        formats: overrides.formats.clone(),
        read_only: overrides.read_only,
        hide_dot_files: overrides.hide_dot_files,
        list_depth: overrides.list_depth.unwrap_or(LIST_DEPTH),
        dot_lock_timeout: overrides.dot_lock_timeout.unwrap_or(5 * MINUTE),
        without_dot_lock: overrides.without_dot_lock,
        lock_helpers: lock_helper::usual(),
        booted: process::booted(),
        lock_patience: overrides.lock_patience.unwrap_or(5 * MINUTE),
        snarfing: overrides.snarfing,
        network: overrides.network.clone(),
        poll_interval: overrides.poll_interval.unwrap_or(Duration::from_secs(15)),
        guards: Guards::default(),
        kisses: Arc::new(AtomicU64::new(0)),
        clock: Arc::new(now),
    })
}

/// Where the user is at home in this mode.
fn home_in_mode(overrides: &Overrides, own: PathBuf, user: &User) -> Result<PathBuf, HomeError> {
    match &overrides.naming.mode {
        Mode::Clear => Ok(own),
        Mode::ClosedBox => Ok(overrides.home.clone().unwrap_or_else(|| "/".into())),
        Mode::BlackBox {
            folder,
            default_home,
        } => {
            let in_box = folder.join(&user.name);
            let instead = default_home.clone().filter(|_| !in_box.is_dir());
            Ok(instead.unwrap_or(in_box))
        }
        Mode::Anonymous { home } => {
            let given = home.clone().or_else(|| overrides.home.clone());
            let of_ftp = || Account::named("ftp").map(|account| account.home);
            given.or_else(of_ftp).ok_or(HomeError::NoAnonymousHome)
        }
    }
}

/// Makes a folder that only its owner may enter, with its parents; an existing one is taken as it is. Those that are
/// made survive a power loss: what is synced inside is of no use when the folder itself is gone.
pub fn private_folder(files: &dyn FileLayer, path: &Path) -> io::Result<()> {
    if files.metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        return Ok(());
    }
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        private_folder(files, parent)?;
    }
    match files.create_dir(path, 0o700) {
        Ok(()) => files.sync_dir(path.parent().unwrap_or(Path::new("."))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let made_meanwhile = files.metadata(path)?.is_dir();
            if made_meanwhile { Ok(()) } else { Err(error) }
        }
        other => other,
    }
}

fn state_folder(overrides: &Overrides, home: &Path) -> PathBuf {
    let usual = home.join(".local/state/mugo");
    if overrides.home.is_some() {
        return usual;
    }
    ProjectDirs::from("", "", "mugo")
        .and_then(|dirs| dirs.state_dir().map(Path::to_path_buf))
        .unwrap_or(usual)
}

fn login_name() -> String {
    env::var("LOGNAME")
        .or_else(|_| env::var("USER"))
        .unwrap_or_else(|_| "user".into())
}

fn absolute_variable(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute() && fs::metadata(path).is_ok())
}

fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
