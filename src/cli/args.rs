//! The command line as one table: parsing, `--help`, completions and the manual page all come from these types.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args as Group, Parser, Subcommand};

use crate::mail::order::SortKey;

/// Read mail in a terminal, with Pine's keys; or, with a command, from scripts.
#[derive(Clone, PartialEq, Eq, Debug, Parser)]
#[command(
    name = "mugo",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "Without a command the screen opens on MAILBOX, or on INBOX.\n\
        Exit status: 0 done, 1 failed, 2 usage, 65 malformed, 75 try again later, 77 not permitted."
)]
pub struct Args {
    /// What holds for every command
    #[command(flatten)]
    pub common: Common,
    /// The mailbox to open: INBOX, a name below the home directory, a path, {host/imap}name, ...
    pub mailbox: Option<OsString>,
    /// The same, as Pine has it
    #[arg(short = 'f', value_name = "MAILBOX", conflicts_with = "mailbox")]
    pub folder: Option<OsString>,
    /// Begin in the message index, as with MAILBOX
    #[arg(short = 'i')]
    pub index: bool,
    /// What to do in place of opening the screen
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that every form takes.
#[derive(Clone, PartialEq, Eq, Debug, Group)]
pub struct Common {
    /// Read this settings file; "none" reads none
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one value for this run, e.g. --set index.sort=date; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Take this directory for the home of all mail
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Use a throw-away home with sample mail
    #[arg(long, global = true)]
    pub demo: bool,
    /// Print one JSON object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// Open every mailbox read-only and write no file
    #[arg(short = 'o', long, global = true)]
    pub read_only: bool,
    /// Wait for no lock: a mailbox that is in use fails at once (exit status 75)
    #[arg(long, global = true)]
    pub no_wait: bool,
    /// Write what is said to servers, and by them, into this file; passwords and mail are left out
    #[arg(long, global = true, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Write more to the log file; twice for everything
    #[arg(short, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Print the settings with their defaults and comments, and end
    #[arg(long)]
    pub print_config: bool,
}

/// A command.
#[derive(Clone, PartialEq, Eq, Debug, Subcommand)]
pub enum Command {
    /// List mailboxes; * matches everything, % everything but a delimiter
    List {
        /// What the pattern is relative to, and the pattern; or the pattern alone
        #[arg(required = true, num_args = 1..=2, value_name = "[REFERENCE] PATTERN")]
        pattern: Vec<OsString>,
        /// Only subscribed mailboxes
        #[arg(long)]
        subscribed: bool,
        /// Only mailboxes in whose file this text stands, in small or capital letters
        #[arg(long, value_name = "TEXT")]
        containing: Option<OsString>,
    },
    /// Count the messages of a mailbox without opening it
    Status {
        /// The mailbox
        mailbox: OsString,
    },
    /// Tell a mailbox's format and what that can do, its size, who has it open; without one, tell of all formats
    About {
        /// The mailbox
        mailbox: Option<OsString>,
    },
    /// Describe a mailbox and its messages: flags, sizes, checksums, envelopes, structures
    Show {
        /// Which messages
        #[command(flatten)]
        messages: Messages,
    },
    /// Print index lines
    Index {
        /// Which messages
        #[command(flatten)]
        messages: Messages,
        /// Sort by this key
        #[arg(long, value_name = "KEY", value_parser = sort_key())]
        sort: Option<SortKey>,
        /// Turn the order round
        #[arg(long)]
        reverse: bool,
        /// Only messages that match these IMAP search criteria
        #[arg(long, value_name = "CRITERIA")]
        search: Option<OsString>,
    },
    /// Find messages by IMAP search criteria, e.g. search INBOX unseen from fred
    Search {
        /// The mailbox
        mailbox: OsString,
        /// The criteria (RFC 3501, 6.4.4)
        #[arg(required = true, allow_hyphen_values = true)]
        criteria: Vec<OsString>,
    },
    /// Print a message as the screen shows it
    Read {
        /// The mailbox
        mailbox: OsString,
        /// The message's number
        message: String,
        /// The number is a UID
        #[arg(long)]
        uid: bool,
        /// The exact bytes, lines ending in CRLF
        #[arg(long, conflicts_with = "part")]
        raw: bool,
        /// All header fields; with --raw the header alone
        #[arg(long)]
        headers: bool,
        /// The decoded content of one part, e.g. 1.2
        #[arg(long, value_name = "PART")]
        part: Option<String>,
    },
    /// Make a mailbox
    Create {
        /// Its name; #driver.FORMAT/NAME chooses the format
        mailbox: OsString,
        /// Its format, one of those that mugo about lists
        #[arg(long, value_name = "FORMAT")]
        format: Option<String>,
    },
    /// Remove a mailbox with all its messages
    Delete {
        /// The mailbox
        mailbox: OsString,
    },
    /// Give a mailbox another name
    Rename {
        /// The mailbox
        from: OsString,
        /// Its new name
        to: OsString,
    },
    /// Add a name to the subscriptions
    Subscribe {
        /// The name
        mailbox: OsString,
    },
    /// Take a name from the subscriptions
    Unsubscribe {
        /// The name
        mailbox: OsString,
    },
    /// Append one message from a file or standard input
    Append {
        /// The mailbox
        mailbox: OsString,
        /// The message; standard input where absent
        file: Option<PathBuf>,
        /// Flags and keywords, separated by blanks, e.g. '\Seen work'
        #[arg(long, value_name = "FLAGS")]
        flags: Option<String>,
        /// The internal date, e.g. '12-Jan-2026 10:00:00 +0100'
        #[arg(long, value_name = "DATE")]
        date: Option<String>,
    },
    /// Set and clear flags and keywords, e.g. flag INBOX 1:3 +\Flagged -work
    Flag {
        /// The messages are named by their UIDs
        #[arg(long)]
        uid: bool,
        /// The mailbox
        mailbox: OsString,
        /// The messages
        sequence: String,
        /// +FLAG sets, -FLAG clears
        #[arg(required = true, allow_hyphen_values = true, trailing_var_arg = true)]
        changes: Vec<String>,
    },
    /// Copy messages to another mailbox
    Copy(Copying),
    /// Copy messages to another mailbox, then remove them here
    Move(Copying),
    /// Remove the messages that are marked as deleted
    Expunge {
        /// Which messages
        #[command(flatten)]
        messages: Messages,
    },
    /// Copy a whole mailbox, with flags and dates, to a new or existing one of any format, and compare every message
    Transfer {
        /// The mailbox to read
        source: OsString,
        /// The mailbox to write; #driver.FORMAT/NAME chooses the format of a new one
        destination: OsString,
        /// The format of a new one, one of those that mugo about lists
        #[arg(long, value_name = "FORMAT")]
        format: Option<String>,
    },
    /// Keep a mailbox open and print what happens in it
    Watch {
        /// The mailbox
        mailbox: OsString,
        /// End after so many seconds
        #[arg(long = "for", value_name = "SECONDS")]
        seconds: Option<u64>,
    },
    /// Examine the installation: INBOX, spool, locks, settings; or repair a damaged mailbox
    Doctor {
        /// Write what can be read of this damaged mailbox into a new one beside it, NAME.repaired
        #[arg(long, value_name = "MAILBOX")]
        repair: Option<OsString>,
        /// Its format, where its beginning does not show it any more
        #[arg(long, value_name = "FORMAT", requires = "repair")]
        format: Option<String>,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// A mailbox and some of its messages.
#[derive(Clone, PartialEq, Eq, Debug, Group)]
pub struct Messages {
    /// The mailbox
    pub mailbox: OsString,
    /// The messages as an IMAP sequence set, e.g. 1:5,9,*; all of them where absent
    pub sequence: Option<String>,
    /// The messages are named by their UIDs
    #[arg(long)]
    pub uid: bool,
}

/// What a copy needs.
#[derive(Clone, PartialEq, Eq, Debug, Group)]
pub struct Copying {
    /// The mailbox
    pub mailbox: OsString,
    /// The messages as an IMAP sequence set, e.g. 1:5,9,*
    pub sequence: String,
    /// Where they go
    pub destination: OsString,
    /// The messages are named by their UIDs
    #[arg(long)]
    pub uid: bool,
    /// Make the destination where it is missing
    #[arg(long)]
    pub create: bool,
}

/// Reads the name of a sort key; the parser lists the names in `--help`.
fn sort_key() -> impl TypedValueParser<Value = SortKey> {
    let names = SortKey::NAMES.map(|entry| entry.1);
    PossibleValuesParser::new(names).map(|name| SortKey::named(&name).unwrap_or(SortKey::Arrival))
}

/// The words of a command line with every `--set` in front: the parser forgets those before a command when there are more
/// behind it.
pub fn with_settings_in_front(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words = words;
    let mut front: Vec<OsString> = words.next().into_iter().collect();
    let mut rest = Vec::new();
    while let Some(word) = words.next() {
        if word == "--" {
            rest.push(word);
            break;
        }
        if word == "--set" {
            match words.next() {
                Some(value) => front.extend([word, value]),
                None => rest.push(word),
            }
        } else if word.as_encoded_bytes().starts_with(b"--set=") {
            front.push(word);
        } else {
            rest.push(word);
        }
    }
    front.extend(rest);
    front.extend(words);
    front
}

impl Args {
    /// The mailbox to open, however it was named.
    pub fn start(&self) -> Option<&OsStr> {
        self.mailbox.as_deref().or(self.folder.as_deref())
    }

    /// Takes long options that were typed behind the changes of `flag`, where the parser sees only changes.
    #[must_use]
    pub fn settled(mut self) -> Self {
        if let Some(Command::Flag { changes, uid, .. }) = &mut self.command {
            let common = &mut self.common;
            changes.retain(|word| {
                match word.as_str() {
                    "--json" => common.json = true,
                    "--read-only" => common.read_only = true,
                    "--uid" => *uid = true,
                    _ => return true,
                }
                false
            });
        }
        self
    }
}

impl Command {
    /// The mailbox that the command is about, as typed.
    pub fn mailbox(&self) -> Option<&OsStr> {
        match self {
            Self::Status { mailbox }
            | Self::Search { mailbox, .. }
            | Self::Read { mailbox, .. }
            | Self::Create { mailbox, .. }
            | Self::Delete { mailbox }
            | Self::Subscribe { mailbox }
            | Self::Unsubscribe { mailbox }
            | Self::Append { mailbox, .. }
            | Self::Flag { mailbox, .. }
            | Self::Watch { mailbox, .. } => Some(mailbox),
            Self::Show { messages } | Self::Index { messages, .. } | Self::Expunge { messages } => {
                Some(&messages.mailbox)
            }
            Self::Copy(copying) | Self::Move(copying) => Some(&copying.mailbox),
            Self::Rename { from, .. } => Some(from),
            Self::Transfer { source, .. } => Some(source),
            Self::About { mailbox } => mailbox.as_deref(),
            Self::Doctor { repair, .. } => repair.as_deref(),
            Self::List { .. } | Self::Completions { .. } | Self::Man => None,
        }
    }
}
