//! Where Mugo keeps its own files (XDG, through `directories`), and whether a settings file may be trusted.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::config::error::{ConfigError, Problem};

/// The most that a settings file may hold, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The user's settings file, `~/.config/mugo/config.toml`; `None` for a user without a home.
pub fn config_file() -> Option<PathBuf> {
    project().map(|project| project.config_dir().join("config.toml"))
}

/// Where Mugo's own state lives, `~/.local/state/mugo`; `None` for a user without a home.
pub fn state_dir() -> Option<PathBuf> {
    let project = project()?;
    let state = project
        .state_dir()
        .unwrap_or_else(|| project.data_local_dir());
    Some(state.to_owned())
}

fn project() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "mugo")
}

/// Reads a settings file of UTF-8 text, with the caution of [`read_trusted_bytes`].
pub fn read_trusted(path: &Path) -> Result<String, ConfigError> {
    String::from_utf8(read_trusted_bytes(path)?).map_err(|_| {
        let reason = "it is not UTF-8 text".to_owned();
        ConfigError::in_file(path, Problem::Syntax(reason))
    })
}

/// Reads a settings file.
///
/// Refuses one that somebody else could have written, because settings name programs that are run: it must
/// belong to the user or to root, and neither group nor others may write it.
pub fn read_trusted_bytes(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let refused = |why| ConfigError::in_file(path, Problem::Untrusted(why));
    let unreadable = |error| ConfigError::in_file(path, Problem::Unreadable(error));
    let kind = std::fs::metadata(path).map_err(unreadable)?;
    if !kind.is_file() {
        return Err(refused("it is not a regular file"));
    }
    let file = File::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    let own = rustix::process::geteuid().as_raw();
    if about.uid() != own && about.uid() != 0 {
        return Err(refused("it belongs to another user"));
    }
    if about.mode() & 0o022 != 0 {
        return Err(refused(
            "others than its owner can write it (chmod go-w makes it safe)",
        ));
    }
    let mut text = Vec::new();
    match file.take(MAX_FILE + 1).read_to_end(&mut text) {
        Ok(length) if length as u64 > MAX_FILE => Err(refused("it is larger than 1 MiB")),
        Ok(_) => Ok(text),
        Err(error) => Err(unreadable(error)),
    }
}
