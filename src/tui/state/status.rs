//! The status line and the journal of what it said.

use std::collections::VecDeque;

use crate::mail::text::Printable;

/// How long an error stays at least, in milliseconds, before a prompt may cover it.
const ERROR_STAYS: i64 = 3000;
/// How long work may stay at its start before that is told, in milliseconds.
const STALLED: i64 = 3000;
/// The journal forgets what is older than this many messages.
const JOURNAL: usize = 500;

/// A message on the status line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// What it says.
    pub text: Printable,
    /// Whether it tells of a failure.
    pub is_error: bool,
    /// When it was said, in milliseconds since 1970.
    pub at: i64,
}

/// The status line.
#[derive(Clone, Debug, Default)]
pub struct Status {
    shown: Option<Said>,
    hold_until: i64,
    journal: VecDeque<Said>,
    /// Work in progress: what, and per cent.
    pub progress: Option<(Printable, u8)>,
    working_since: i64,
}

impl Status {
    /// Shows `text` from `now` on.
    pub fn say(&mut self, text: Printable, is_error: bool, now: i64) {
        let holds = self.shown.as_ref().is_some_and(|said| said.is_error);
        let said = Said {
            text,
            is_error,
            at: now,
        };
        self.journal.push_back(said.clone());
        if self.journal.len() > JOURNAL {
            self.journal.pop_front();
        }
        if is_error {
            self.hold_until = now + ERROR_STAYS;
        } else if holds && now < self.hold_until {
            return;
        }
        self.shown = Some(said);
    }

    /// Shows from `now` on what is being worked at.
    pub fn work(&mut self, what: Printable, now: i64) {
        self.progress = Some((what, 0));
        self.working_since = now;
    }

    /// When work that does not get on is worth a word about it.
    pub fn stalls_at(&self) -> Option<i64> {
        let idle = self
            .progress
            .as_ref()
            .is_some_and(|(_, percent)| *percent == 0);
        idle.then_some(self.working_since + STALLED)
    }

    /// Whether work does not get on.
    pub fn stalls(&self, now: i64) -> bool {
        self.stalls_at().is_some_and(|at| at <= now)
    }

    /// What is shown.
    pub fn shown(&self) -> Option<&Said> {
        self.shown.as_ref()
    }

    /// Whether what is shown may not be covered yet.
    pub fn holds(&self, now: i64) -> bool {
        self.shown.is_some() && now < self.hold_until
    }

    /// When the hold ends, if it does.
    pub fn hold_ends(&self, now: i64) -> Option<i64> {
        self.holds(now).then_some(self.hold_until)
    }

    /// Takes the message away: a key changed the screen.
    pub fn clear(&mut self) {
        self.shown = None;
        self.hold_until = 0;
    }

    /// Takes the message away, and gives it where it may not be covered yet.
    pub fn lift(&mut self, now: i64) -> Option<(Said, i64)> {
        let held = self.holds(now).then_some(self.hold_until);
        let shown = self.shown.take();
        self.hold_until = 0;
        shown.zip(held)
    }

    /// Shows a message again that was lifted.
    pub fn put_back(&mut self, (said, hold_until): (Said, i64)) {
        self.shown = Some(said);
        self.hold_until = hold_until;
    }

    /// Everything that was said, oldest first.
    pub fn journal(&self) -> impl Iterator<Item = &Said> {
        self.journal.iter()
    }
}
