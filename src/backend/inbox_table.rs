//! Where INBOX is, as tables: one row a format and file, the first row that holds decides. A new format joins by a row.
//!
//! In clear box mode each format has a file of its own, and formats other than those of the spool get new mail by moving
//! it from there (snarfing). In every other mode INBOX is the one file `INBOX`, in whatever format, and nothing is moved.

/// One row: where INBOX may be, in which format, and what else must hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// The driver that serves INBOX where the row holds.
    pub driver: &'static str,
    /// The file or folder.
    pub file: InboxFile,
    /// What it must be.
    pub holds: Holds,
    /// What must hold of the spool besides.
    pub spool: Spool,
    /// Whether new mail is moved here from the spool.
    pub snarfs: bool,
}

/// Where INBOX may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InboxFile {
    /// Where mail is delivered: the spool, in a box the file `INBOX` in the mail home.
    System,
    /// A file or folder in the mail home.
    InHome(&'static str),
    /// The mailbox `inbox` of MH, where a setting allows it.
    Mh,
}

/// What must be found there. The driver says what is its own; the words are for the report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    /// A mailbox of this format.
    Format(&'static str),
    /// A mailbox of this format, or a file of zero length.
    FormatOrEmpty(&'static str),
    /// A folder with this regular file in it.
    Folder(&'static str),
    /// Any file that is not empty.
    SomeFile,
    /// Anything or nothing.
    Anything,
}

/// What must hold of the spool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spool {
    /// Nothing.
    Any,
    /// It is absent, empty, or in unix format: all of it can be moved.
    UnixOrNothing,
}

/// In a home among other homes.
pub static CLEAR_BOX: [Rule; 14] = [
    Rule {
        spool: Spool::UnixOrNothing,
        ..filled("mbox", "mbox", Holds::FormatOrEmpty("unix"))
    },
    filled("mix", "INBOX", Holds::Folder(".mixmeta")),
    filled("mx", "INBOX", Holds::Folder(".mxindex")),
    filled("maildir", "INBOX", Holds::Format("maildir")),
    filled("mbx", "INBOX", Holds::Format("mbx")),
    filled("tenex", "INBOX", Holds::Format("tenex")),
    filled("tenex", "mail.txt", Holds::FormatOrEmpty("tenex")),
    filled("mtx", "INBOX", Holds::Format("mtx")),
    filled("mtx", "INBOX.MTX", Holds::FormatOrEmpty("mtx")),
    Rule {
        file: InboxFile::Mh,
        ..filled("mh", "inbox", Holds::Format("mh"))
    },
    delivered("mmdf", Holds::Format("mmdf")),
    delivered("unix", Holds::Format("unix")),
    // c-client knows no Maildir: one that mail is delivered to counts where no mail is in the spool.
    Rule {
        snarfs: false,
        ..filled("maildir", "Maildir", Holds::Format("maildir"))
    },
    delivered("dummy", Holds::Anything),
];

/// In a black box, in a closed one, and for anonymous users: all on one file.
pub static BOXED: [Rule; 10] = [
    delivered("mix", Holds::Folder(".mixmeta")),
    delivered("mx", Holds::Folder(".mxindex")),
    delivered("maildir", Holds::Format("maildir")),
    delivered("mbx", Holds::Format("mbx")),
    delivered("tenex", Holds::Format("tenex")),
    delivered("mtx", Holds::Format("mtx")),
    delivered("mmdf", Holds::Format("mmdf")),
    delivered("unix", Holds::Format("unix")),
    delivered("phile", Holds::SomeFile),
    delivered("dummy", Holds::Anything),
];

/// A file of the user's, into which mail is moved from the spool.
const fn filled(driver: &'static str, file: &'static str, holds: Holds) -> Rule {
    Rule {
        driver,
        file: InboxFile::InHome(file),
        holds,
        spool: Spool::Any,
        snarfs: true,
    }
}

/// The file into which mail is delivered.
const fn delivered(driver: &'static str, holds: Holds) -> Rule {
    Rule {
        driver,
        file: InboxFile::System,
        holds,
        spool: Spool::Any,
        snarfs: false,
    }
}
