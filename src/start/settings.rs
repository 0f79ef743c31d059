//! Which settings file is read, and what the doctor says of it.

use std::path::{Path, PathBuf};

use crate::backend::event::Finding;
use crate::cli::args::{Args, Command};
use crate::cli::failure::USAGE;
use crate::config::c_client::Note;
use crate::config::error::ConfigError;
use crate::config::load as config;
use crate::config::paths;
use crate::config::settings::Settings;
use crate::mail::text::Foreign;
use crate::start::stop::Stop;

/// The settings, and where they came from.
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The file that was read, if one was.
    pub file: Option<PathBuf>,
    /// Why the user's settings are not used; only the doctor goes on then.
    pub mistake: Option<Foreign>,
    /// What came of c-client's files, where they are honoured.
    pub notes: Vec<Note>,
}

impl Loaded {
    /// What the doctor says of the settings.
    pub fn findings(&self) -> Vec<Finding> {
        let notes = self.notes.iter().map(|note| Finding {
            check: "c-client settings",
            ok: note.ok,
            detail: note.text.clone(),
        });
        std::iter::once(self.finding()).chain(notes).collect()
    }

    fn finding(&self) -> Finding {
        let read = || match &self.file {
            Some(path) => Foreign::new(format!("read from {}", path.to_string_lossy())),
            None => Foreign::new("no file was read, the defaults hold"),
        };
        Finding {
            check: "settings",
            ok: self.mistake.is_none(),
            detail: self.mistake.clone().unwrap_or_else(read),
        }
    }
}

/// Loads the settings. A demonstration reads no file unless one is named, so that nothing of the user's shows in it.
pub fn load(args: &Args) -> Result<Loaded, Stop> {
    let file = match &args.common.config {
        Some(path) if path == Path::new("none") => None,
        Some(path) => Some(path.clone()),
        None if args.common.demo => None,
        None => paths::config_file().filter(|path| path.symlink_metadata().is_ok()),
    };
    let loaded = |(settings, notes), mistake| Loaded {
        settings,
        file: file.clone(),
        mistake,
        notes,
    };
    let own_home = std::env::var_os("HOME").map(PathBuf::from);
    let home = args.common.home.clone().or(own_home);
    match config::load(file.as_deref(), &args.common.set, home.as_deref()) {
        Ok(settings) => Ok(loaded(settings, None)),
        Err(error) if matches!(args.command, Some(Command::Doctor { repair: None, .. })) => {
            let defaults = config::load(None, &[], None).map_err(|error| stop(&error))?;
            Ok(loaded(defaults, Some(error.sentence())))
        }
        Err(error) => Err(stop(&error)),
    }
}

fn stop(error: &ConfigError) -> Stop {
    Stop {
        sentence: error.sentence().line(),
        exit_code: USAGE,
    }
}
