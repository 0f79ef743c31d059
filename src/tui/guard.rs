//! Contains panics: a programming error ends what it happened in, not the session.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::tui::state::state::State;

/// After this many panics without a frame between them the session ends.
const PANICS: u32 = 3;

/// Counts panics that were contained.
#[derive(Debug, Default)]
pub struct Guard {
    panics: u32,
}

impl Guard {
    /// Does `work`. A panic is told on the status line and gives `None`; one too many goes on, to end the session.
    pub fn run<T>(&mut self, state: &mut State, work: impl FnOnce(&mut State) -> T) -> Option<T> {
        let panic = match catch_unwind(AssertUnwindSafe(|| work(state))) {
            Ok(done) => return Some(done),
            Err(panic) => panic,
        };
        self.panics += 1;
        if self.panics >= PANICS {
            resume_unwind(panic);
        }
        // half of an update may have been done: a question or a sequence of keys would lead on from there
        state.prompt = None;
        state.pending.clear();
        let text = "A programming error was caught; please report it. Your mail is as it was; Mugo goes on";
        state.complain_own(text);
        None
    }

    /// A frame was drawn: what went wrong before is over.
    pub fn all_is_well(&mut self) {
        self.panics = 0;
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::keymap::Keymap;
    use crate::tui::options::Options;

    use super::*;

    #[test]
    fn a_panic_is_told_and_the_next_key_works_but_not_for_ever() {
        let mut state = State::new(Options::default(), Keymap::default());
        let mut guard = Guard::default();
        for _ in 0..2 * PANICS {
            let done = guard.run(&mut state, |_| -> u32 { panic!("a mistake") });
            assert_eq!(done, None);
            let said = state.status.shown().expect("a message");
            assert!(said.is_error && said.text.as_str().contains("Mugo goes on"));
            assert_eq!(guard.run(&mut state, |_| 7), Some(7));
            guard.all_is_well();
        }
        let mut broken = || guard.run(&mut state, |_| -> u32 { panic!("a mistake") });
        assert_eq!([broken(), broken()], [None, None]);
        assert!(catch_unwind(AssertUnwindSafe(broken)).is_err());
    }
}
