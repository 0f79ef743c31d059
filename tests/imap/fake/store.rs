//! The mailboxes of the server, which all sessions share.

use std::collections::{BTreeMap, BTreeSet};

use crate::fake::Level;
use crate::fake::words::{Outcome, Refusal, canonical};

/// All that the server keeps.
pub(crate) struct Store {
    level: Level,
    pub(crate) mailboxes: BTreeMap<String, Mailbox>,
    pub(crate) subscribed: BTreeSet<String>,
    /// Commands as they came.
    pub(crate) log: Vec<String>,
    /// Those that were answered with BAD.
    pub(crate) refused: Vec<String>,
    /// How many mailboxes were ever made.
    made: u32,
}

/// A mailbox.
pub(crate) struct Mailbox {
    pub(crate) validity: u32,
    pub(crate) next_uid: u32,
    /// By UID, ascending.
    pub(crate) messages: Vec<Message>,
    /// Those that any message ever had.
    pub(crate) keywords: Vec<String>,
}

/// A message.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) uid: u32,
    /// Flags and keywords, but not `\Recent`.
    pub(crate) flags: Vec<String>,
    /// Whether no session has opened the mailbox since it came.
    pub(crate) is_recent: bool,
    /// Its internal date, as written.
    pub(crate) date: String,
    pub(crate) bytes: Vec<u8>,
}

/// What is done with flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    Set,
    Add,
    Remove,
}

impl Store {
    /// One with an empty INBOX.
    pub(crate) fn new(level: Level) -> Self {
        let mut store = Self {
            level,
            mailboxes: BTreeMap::new(),
            subscribed: BTreeSet::new(),
            log: Vec::new(),
            refused: Vec::new(),
            made: 0,
        };
        store.make("INBOX");
        store
    }

    /// The mailbox of this name, which is made where it is missing.
    pub(crate) fn make(&mut self, name: &str) -> &mut Mailbox {
        let made = &mut self.made;
        self.mailboxes.entry(canonical(name)).or_insert_with(|| {
            *made += 1;
            Mailbox {
                validity: 1000 + *made,
                next_uid: 1,
                messages: Vec::new(),
                keywords: Vec::new(),
            }
        })
    }

    /// The mailbox of this name, as a command needs it.
    pub(crate) fn mailbox(&mut self, name: &str) -> Outcome<&mut Mailbox> {
        let said = match self.level {
            Level::Rev2 => "[NONEXISTENT] No such mailbox",
            _ => "No such mailbox",
        };
        let found = self.mailboxes.get_mut(name);
        found.ok_or_else(|| Refusal::No(said.to_owned()))
    }

    /// The internal date of what is delivered.
    pub(crate) fn usual_date(&self) -> String {
        let date = match self.level >= Level::Imap4 {
            true => " 2-Mar-2026 10:20:31 +0100",
            false => " 2-Mar-26 10:20:31 EST",
        };
        date.to_owned()
    }
}

impl Mailbox {
    /// Adds a message, which is recent; gives its UID.
    pub(crate) fn add(&mut self, flags: Vec<String>, date: String, bytes: Vec<u8>) -> u32 {
        let uid = self.next_uid;
        self.next_uid += 1;
        self.note_keywords(&flags);
        self.messages.push(Message {
            uid,
            flags,
            is_recent: true,
            date,
            bytes,
        });
        uid
    }

    pub(crate) fn message(&self, uid: u32) -> Option<&Message> {
        self.messages.iter().find(|it| it.uid == uid)
    }

    pub(crate) fn message_mut(&mut self, uid: u32) -> Option<&mut Message> {
        self.messages.iter_mut().find(|it| it.uid == uid)
    }

    /// Remembers the keywords among these flags.
    pub(crate) fn note_keywords(&mut self, flags: &[String]) {
        let keywords: Vec<String> = flags
            .iter()
            .filter(|it| !it.starts_with('\\'))
            .cloned()
            .collect();
        Change::Add.apply(&mut self.keywords, &keywords);
    }
}

impl Message {
    /// Whether it has this flag or keyword, in any letters.
    pub(crate) fn has(&self, flag: &str) -> bool {
        holds(&self.flags, flag)
    }
}

impl Change {
    /// Changes `flags`.
    pub(crate) fn apply(self, flags: &mut Vec<String>, named: &[String]) {
        match self {
            Self::Set => flags.clear(),
            Self::Remove => flags.retain(|it| !holds(named, it)),
            Self::Add => {}
        }
        if self != Self::Remove {
            for flag in named {
                if !holds(flags, flag) {
                    flags.push(flag.clone());
                }
            }
        }
    }
}

fn holds(flags: &[String], flag: &str) -> bool {
    flags.iter().any(|it| it.eq_ignore_ascii_case(flag))
}
