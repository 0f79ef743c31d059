//! The log: a file of the user's own (0600) in the state folder, never the screen, and only when asked for with `-v`.
//! A panic is logged too, and told on standard error where the screen is not in use.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Mutex;

use tracing::Level;

use crate::os::environment::Environment;
use crate::os::home::private_folder;

/// Starts logging with `-v` given `verbose` times. Nothing is logged without, or where no file may be written.
pub fn start(verbose: u8, environment: &Environment) {
    log_panics();
    if verbose == 0 || environment.read_only {
        return;
    }
    let path = environment.state.join("mugo.log");
    let folder = private_folder(environment.files.as_ref(), &environment.state);
    let file = match folder.and_then(|()| open(&path)) {
        Ok(file) => file,
        Err(error) => return tracing::warn!(%error, "no log file"),
    };
    let level = if verbose == 1 {
        Level::DEBUG
    } else {
        Level::TRACE
    };
    let started = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .try_init();
    if started.is_ok() {
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    }
}

/// Opens the log to append; a link in its place is not followed, other users never see into it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits();
    let flags = i32::try_from(no_follow).unwrap_or_default();
    options
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags);
    let file = options.open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Lets every panic reach the log before the hook that was there says what it has to say.
fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic: {panic}");
        before(panic);
    }));
}
