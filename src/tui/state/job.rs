//! Requests that are under way, and what is to happen when they end.

use crate::mail::listing::ListEntry;
use crate::mail::name::MailboxName;
use crate::mail::order::Order;
use crate::mail::receipt::Receipt;
use crate::mail::structure::Section;
use crate::mail::text::Printable;
use crate::mail::uid::Uid;
use crate::tui::effect::FileJob;
use std::path::PathBuf;

/// A request that is under way.
#[derive(Debug)]
pub enum Job {
    /// Opens the mailbox.
    Open,
    /// Closes it.
    Close,
    /// Lists folders.
    List,
    /// Lists subscribed folders, which come before the others.
    ListSubscribed,
    /// Subscribes to a folder, or takes that back.
    Subscribe(MailboxName, bool),
    /// Lists what completes a folder name that was begun.
    Complete {
        /// What was typed.
        begun: String,
        /// What is left out of the names that come.
        prefix: String,
        /// Names that came, as they would be typed.
        names: Vec<String>,
    },
    /// Counts a folder.
    Count(MailboxName),
    /// Counts all folders of a server that are shown.
    CountAll,
    /// Gets envelopes.
    Envelopes,
    /// Gets a message to read.
    View(Uid),
    /// Changes flags; says this when done.
    Store(Option<Printable>),
    /// Expunges; so many messages had been removed before.
    Expunge(u64),
    /// Sorts.
    Sort(Order, Vec<Uid>),
    /// Copies a message.
    Save {
        /// The message.
        uid: Uid,
        /// The folder.
        to: MailboxName,
        /// Whether the message is marked deleted then.
        delete: bool,
        /// Whether the folder was to be made.
        create: bool,
    },
    /// Reads bytes.
    Read(Purpose, Vec<u8>),
    /// Makes a folder.
    Create(MailboxName),
    /// Deletes a folder.
    Delete(MailboxName),
    /// Renames a folder.
    Rename(MailboxName, MailboxName),
    /// Brings the flags of the open folder to disk, then transfers it.
    CheckAndTransfer(MailboxName, MailboxName),
    /// Transfers all messages of a folder; what is compared comes before the end.
    Transfer(MailboxName, Option<Box<Receipt>>),
    /// Tells of a folder.
    About(MailboxName),
    /// Gets what was said to servers behind so many lines.
    Trace(u64),
    /// Looks for a text in folders: the text, what was found, and whether only INBOX was looked at so far.
    Scan(String, Vec<ListEntry>, bool),
    /// Searches the index, from this row on.
    Search(usize, Vec<Uid>),
    /// Looks for new mail.
    Check,
    /// Asks the doctor.
    Doctor,
    /// Fetches what goes into a file; says this when it is there.
    Export(FileJob, Printable),
    /// Writes a file.
    Write(FileJob, Printable),
    /// Lists the files of a directory.
    Files(PathBuf),
    /// Runs a program.
    Run {
        /// What the user calls it.
        command: String,
        /// Whether its output is waited for and shown.
        shown: bool,
    },
}

impl Job {
    /// Whether a program is being run that the user waits for: until it ends keys do nothing but stop it.
    pub fn is_program(&self) -> bool {
        matches!(
            self,
            Self::Run { shown: true, .. } | Self::Read(Purpose::Program(_), _)
        )
    }
}

/// What bytes are read for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// They go to a program.
    Program(Vec<String>),
    /// They are shown as text.
    Show(Section),
}
