//! Why a run ends before it has begun.

use crate::mail::text::{Foreign, Printable};

/// Why there was nothing to run: a sentence and the exit status.
pub struct Stop {
    /// What to tell the user.
    pub sentence: Printable,
    /// The exit status.
    pub exit_code: u8,
}

impl Stop {
    /// With a sentence that may quote what others wrote.
    pub fn new(sentence: impl Into<std::sync::Arc<str>>, exit_code: u8) -> Self {
        Self {
            sentence: Foreign::new(sentence).line(),
            exit_code,
        }
    }
}
