//! What is said to servers and by them, shown as it happens.

use crate::backend::request::Request;
use crate::mail::text::{Foreign, Printable};
use crate::tui::state::job::Job;
use crate::tui::state::pager::{Follows, Pager};
use crate::tui::state::screen::Screen;
use crate::tui::state::state::State;

/// How often more is asked for while the screen is shown, in milliseconds.
const OFTEN: i64 = 300;

/// Shows the screen.
pub fn show(state: &mut State) {
    if state.pager.as_ref().is_some_and(|it| it.follows.is_some()) && state.screen == Screen::Pager
    {
        return;
    }
    state.show_text("TRACE", "");
    if let Some(pager) = &mut state.pager {
        pager.follows = Some(Follows::default());
    }
    follow(state);
}

/// What of it is on the screen.
fn shown(state: &mut State) -> Option<&mut Pager> {
    let pager = state
        .pager
        .as_mut()
        .filter(|_| state.screen == Screen::Pager)?;
    pager.follows.is_some().then_some(pager)
}

/// Asks for what was said since, where it is time to.
pub fn follow(state: &mut State) {
    let now = state.now;
    let is_asked = state.is_busy_with(|job| matches!(job, Job::Trace(_)));
    let Some(follows) = shown(state).and_then(|pager| pager.follows.as_mut()) else {
        return;
    };
    if !is_asked && (now - follows.asked).abs() >= OFTEN {
        follows.asked = now;
        let seen = follows.seen;
        state.ask(Request::Trace(seen), Job::Trace(seen));
    }
}

/// In how many milliseconds more is asked for; `None` where nobody looks.
pub fn waits(state: &State) -> Option<i64> {
    let pager = state
        .pager
        .as_ref()
        .filter(|_| state.screen == Screen::Pager)?;
    let asked = pager.follows?.asked;
    // The answer wakes whoever waits for it.
    if state.is_busy_with(|job| matches!(job, Job::Trace(_))) {
        return None;
    }
    Some((asked + OFTEN - state.now).clamp(1, OFTEN))
}

/// Takes in the lines behind the first `seen`. Who looks at the end goes on doing so.
pub fn told(state: &mut State, seen: u64, lines: &[Foreign], count: u64) {
    let Some(pager) = shown(state) else {
        return;
    };
    // They may have been asked for by a screen that was left.
    if pager.follows.is_none_or(|it| it.seen != seen) {
        return;
    }
    let is_first = seen == 0;
    if let Some(follows) = &mut pager.follows {
        follows.seen = count;
    }
    if lines.is_empty() {
        if is_first && pager.rows.is_empty() {
            let nothing =
                "Nothing was said to a server yet. What is said shows here as it happens.";
            pager.add([Printable::own(nothing)].into_iter());
        }
        return;
    }
    if is_first {
        pager.clear();
    }
    let text = |line: &Foreign| Foreign::new(line.raw().trim_end()).open_line(&[]).0;
    pager.add(lines.iter().map(text));
    if is_first || pager.follows.is_some_and(|it| it.is_at_end) {
        pager.top = usize::MAX;
    }
}
