//! Questions that work under way asks the user, and the answers to them.
//!
//! A question has a number, and an answer names it: one that comes too late never answers another question. A question
//! that is asked again under its number has not changed, only its facts have. It is over when it is withdrawn, or when
//! the request that asked it has finished.

use std::time::Duration;

use crate::mail::secret::Secret;
use crate::mail::text::Foreign;

/// Names one question of one request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct QuestionNumber(pub u32);

/// A question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// Its number, which the answer names.
    pub number: QuestionNumber,
    /// What it is about.
    pub about: About,
}

/// What a question is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum About {
    /// Somebody holds a lock that the work waits for. It goes on by itself when the lock is free or the patience is over,
    /// so that nobody has to answer. May be answered with every [`Reply`].
    Locked(LockHeld),
    /// A server wants a password, and nobody else knows it. The work waits for the answer. May be answered with
    /// [`Reply::Password`] and [`Reply::Cancel`].
    Password(PasswordWanted),
    /// Nobody vouches for a server's certificate. The work waits for the answer. May be answered with [`Reply::Trust`] and
    /// [`Reply::Cancel`].
    Certificate(CertificateShown),
}

/// A password that is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PasswordWanted {
    /// Whose it is.
    pub user: Foreign,
    /// The host that wants it.
    pub host: Foreign,
    /// What the host said to the last one.
    pub refused: Option<Foreign>,
}

/// A certificate that is to be judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateShown {
    /// The host that shows it.
    pub host: Foreign,
    /// What is wrong with it.
    pub why: String,
    /// The SHA-256 of its bytes, `3A:F0:…`.
    pub fingerprint: String,
    /// Whether this host showed another one before that was accepted.
    pub has_changed: bool,
}

/// A lock that is waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockHeld {
    /// The mailbox, as the user calls it.
    pub mailbox: Foreign,
    /// Who holds it, as far as known: `pine (pid 123)`, `another program`.
    pub by: Foreign,
    /// How long it has been waited for, or, where that is known, how long it has been held.
    pub since: Duration,
    /// How long it will be waited for at most.
    pub left: Duration,
    /// Whether the mailbox can be opened read-only instead.
    pub may_read: bool,
}

/// An answer to one question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Which question it answers.
    pub number: QuestionNumber,
    /// What was chosen.
    pub reply: Reply,
}

/// What can be answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// Waits on. The question stays, with new facts, and may be answered otherwise later.
    Wait,
    /// Opens the mailbox read-only, at once.
    ReadOnly,
    /// This is the password.
    Password(Secret),
    /// The certificate is the right one, from now on.
    Trust,
    /// Nobody is there who could answer.
    Nobody,
    /// Gives up: the request ends as a cancelled one.
    Cancel,
}
