//! An IMAP server inside the test, on loopback, that speaks one level of the protocol and not a word more.
//!
//! What the level has not is answered with `BAD Command unrecognized` and noted in [`Fake::refused`]. Levels are those of RFC
//! 1064 and 1176 (IMAP2), of IMAP2bis, which never was an RFC, of RFC 1730 (IMAP4), 3501 (rev1) and 9051 (rev2). What a
//! document dropped is gone at its level: rev1 has no `FIND`, `PARTIAL` and `RFC822.PEEK`, rev2 no `LSUB`, `CHECK` and
//! `\Recent`. Not spoken at any level: parts of multipart messages.
//!
//! The user is `ann`, the password `secret`; there is an empty INBOX. Each session counts messages by itself: what another one
//! expunged is told at its next command but FETCH, STORE and SEARCH, all other news at the next command; at once in an IDLE.

mod content;
mod fetch;
mod mailboxes;
mod messages;
mod search;
mod session;
mod store;
mod words;

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use crate::fake::session::Session;
use crate::fake::store::{Mailbox, Store};
use crate::fake::words::canonical;

/// A level of the protocol; later ones are greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    /// RFC 1064.
    Imap1064,
    /// RFC 1176.
    Imap2,
    /// With MIME, APPEND, EXAMINE and making of mailboxes.
    Imap2bis,
    /// RFC 1730.
    Imap4,
    /// RFC 3501.
    Rev1,
    /// RFC 9051, without rev1 beside it.
    Rev2,
}

/// The server; it ends with this value.
pub(crate) struct Fake {
    shared: Arc<Shared>,
    port: u16,
}

impl Fake {
    /// Starts one that offers these extensions, which only rev1 and rev2 can have.
    pub(crate) fn start(level: Level, extensions: &[&str]) -> Self {
        assert!(extensions.is_empty() || level >= Level::Rev1);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let shared = Arc::new(Shared {
            level,
            extensions: extensions.iter().map(|it| (*it).to_owned()).collect(),
            store: Mutex::new(Store::new(level)),
            is_over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &serving));
        Self { shared, port }
    }

    /// Its port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Puts a message, whose lines end in CRLF, into a mailbox, which is made where it is missing; gives its UID.
    pub(crate) fn deliver(&self, mailbox: &str, bytes: &[u8], flags: &[&str]) -> u32 {
        let mut store = self.shared.store();
        let date = store.usual_date();
        store.make(mailbox).add(owned(flags), date, bytes.to_vec())
    }

    /// Takes a message away, as another client would.
    pub(crate) fn expunge_elsewhere(&self, mailbox: &str, uid: u32) {
        self.change(mailbox, |it| it.messages.retain(|it| it.uid != uid));
    }

    /// Gives a message these flags and no others, as another client would.
    pub(crate) fn set_flags_elsewhere(&self, mailbox: &str, uid: u32, flags: &[&str]) {
        let flags = owned(flags);
        self.change(mailbox, |it| {
            it.note_keywords(&flags);
            it.message_mut(uid).expect("a message").flags = flags;
        });
    }

    /// The messages of a mailbox: UID, flags without `\Recent`, bytes.
    pub(crate) fn messages(&self, mailbox: &str) -> Vec<(u32, Vec<String>, Vec<u8>)> {
        let store = self.shared.store();
        let found = store.mailboxes.get(&canonical(mailbox));
        let messages = found.into_iter().flat_map(|it| &it.messages);
        messages
            .map(|it| (it.uid, it.flags.clone(), it.bytes.clone()))
            .collect()
    }

    /// The names of all mailboxes, in order.
    pub(crate) fn mailboxes(&self) -> Vec<String> {
        self.shared.store().mailboxes.keys().cloned().collect()
    }

    /// All commands that clients sent, without tags and without the bytes of literals, which stay announced as they were: `{5}`
    /// or `{5+}`.
    pub(crate) fn log(&self) -> Vec<String> {
        self.shared.store().log.clone()
    }

    /// Those of them that were answered with BAD.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.shared.store().refused.clone()
    }

    fn change(&self, mailbox: &str, change: impl FnOnce(&mut Mailbox)) {
        let mut store = self.shared.store();
        let found = store.mailboxes.get_mut(&canonical(mailbox));
        change(found.expect("a mailbox"));
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _woken = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// What all sessions share.
pub(crate) struct Shared {
    level: Level,
    extensions: Vec<String>,
    store: Mutex<Store>,
    is_over: AtomicBool,
}

/// Extensions of rev1 that rev2 has built in.
const BUILT_IN: [&str; 8] = [
    "ENABLE",
    "ESEARCH",
    "IDLE",
    "LITERAL-",
    "MOVE",
    "NAMESPACE",
    "UIDPLUS",
    "UNSELECT",
];

impl Shared {
    /// Whether this extension is there.
    fn has(&self, word: &str) -> bool {
        let is_built_in = self.level == Level::Rev2 && BUILT_IN.contains(&word);
        is_built_in || self.extensions.iter().any(|it| it == word)
    }

    /// The words of a CAPABILITY answer.
    fn capabilities(&self) -> String {
        let name = match self.level {
            Level::Rev2 => "IMAP4rev2",
            Level::Rev1 => "IMAP4rev1",
            _ => "IMAP4",
        };
        let mut words = vec![name];
        words.extend(self.extensions.iter().map(String::as_str));
        words.join(" ")
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("no session panicked")
    }
}

/// Serves each connection in a thread of its own.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        let shared = Arc::clone(shared);
        let stream = stream.expect("a connection");
        // A client that hangs up ends its session.
        thread::spawn(move || Session::new(stream, shared).serve().is_ok());
    }
}

fn owned(flags: &[&str]) -> Vec<String> {
    flags.iter().map(|it| (*it).to_owned()).collect()
}
