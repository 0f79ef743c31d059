//! The settings as plain values. What each means, and its default, is told in `assets/config.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::mail::order::{Order, SortKey};

/// Everything that can be set.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settings {
    /// Where mail lives on this machine.
    pub local: Local,
    /// INBOX, where it is not the spool itself.
    pub inbox: Inbox,
    /// Names of mailboxes with a purpose.
    pub folders: Folders,
    /// Who the user is.
    pub identity: Identity,
    /// The message index.
    pub index: Index,
    /// The message text.
    pub view: View,
    /// The screen.
    pub ui: Ui,
    /// Expunging.
    pub expunge: Confirmed,
    /// Leaving the program.
    pub quit: Confirmed,
    /// Looking for new mail.
    pub check: Check,
    /// Servers.
    pub network: Network,
    /// The accounts on servers, by what the user calls them.
    #[serde(default)]
    pub accounts: BTreeMap<String, Account>,
}

/// What holds for all servers.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Network {
    /// A file of certificates whose owners vouch for servers, beside the system's.
    pub certificates: Option<PathBuf>,
    /// Hosts to which clear text is sent where a name says `/notls`.
    pub clear_text_hosts: Vec<String>,
}

/// An account on a server.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Account {
    /// The server part of names there, `{imap.example.org/user=ann}`.
    pub server: String,
    /// The program that prints the password, with its arguments.
    pub password_command: Vec<String>,
    /// The file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// The program that prints an OAuth token, with its arguments.
    pub token_command: Vec<String>,
    /// The program that speaks with the server in place of a connection, with its arguments.
    pub connect_command: Vec<String>,
    /// The user's certificate.
    pub certificate: Option<PathBuf>,
    /// Its key, where it is in a file of its own.
    pub key: Option<PathBuf>,
    /// Abilities of the server that are not used.
    pub disable: Vec<String>,
}

/// Where mail lives on this machine.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Local {
    /// The file into which the system delivers; `/var/mail/LOGIN` where absent.
    pub spool: Option<PathBuf>,
    /// Drivers that are not used.
    pub disabled_drivers: Vec<String>,
    /// The format of new mailboxes: a driver's name, or `same-as-inbox`.
    pub new_format: String,
    /// The format that an empty file takes with its first message: the same, or `invalid`.
    pub empty_format: String,
    /// The keywords of formats that keep only bits, in the order of the bits.
    pub keywords: Vec<String>,
    /// Where mailboxes live below a home.
    pub mail_subdirectory: Option<PathBuf>,
    /// Where MH mailboxes are; where `.mh_profile` says, if absent.
    pub mh_path: Option<PathBuf>,
    /// Whether INBOX may be a folder in MH format.
    pub mh_allow_inbox: bool,
    /// The root of the news articles.
    pub news_spool: Option<PathBuf>,
    /// The list of active newsgroups.
    pub news_active: Option<PathBuf>,
    /// Which articles were read; `~/.newsrc` where absent.
    pub newsrc: Option<PathBuf>,
    /// The folder that holds one folder a user.
    pub black_box: Option<PathBuf>,
    /// The home of users that have no folder in the black box.
    pub black_box_default_home: Option<PathBuf>,
    /// Whether this is a changed root, in which the home is `/`.
    pub closed_box: bool,
    /// Whether the user is anonymous.
    pub anonymous: bool,
    /// The mail of anonymous users; the home of user ftp where absent.
    pub anonymous_home: Option<PathBuf>,
    /// Which names are forbidden: `none`, `absolute`, `other-users` or `all`.
    pub restrict: String,
    /// Where `#ftp/` is; the home of user ftp where absent.
    pub ftp_home: Option<PathBuf>,
    /// Where `#public/` is; the home of user imappublic where absent.
    pub public_home: Option<PathBuf>,
    /// Where `#shared/` is; the home of user imapshared where absent.
    pub shared_home: Option<PathBuf>,
    /// Whether those homes stand in for folders that are not set.
    pub shared_namespaces: bool,
    /// Permission bits of new files of mail.
    pub file_mode: u32,
    /// Permission bits of new directories of mail.
    pub directory_mode: u32,
    /// The same below `#ftp/`.
    pub ftp_file_mode: u32,
    /// The same below `#ftp/`.
    pub ftp_directory_mode: u32,
    /// The same below `#public/`.
    pub public_file_mode: u32,
    /// The same below `#public/`.
    pub public_directory_mode: u32,
    /// The same below `#shared/`.
    pub shared_file_mode: u32,
    /// The same below `#shared/`.
    pub shared_directory_mode: u32,
    /// After how many minutes a foreign dot lock counts as stale.
    pub dot_lock_timeout: u32,
    /// What becomes of a mailbox whose folder refuses lock files: `read-only` or `flock`.
    pub without_dot_lock: String,
    /// Whether formats without safe locks on network file systems are written there.
    pub nfs_writes: bool,
    /// c-client's configuration file, where it shall be honoured.
    pub c_client_config: Option<PathBuf>,
}

/// INBOX, where it is not the spool itself.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Inbox {
    /// Seconds between two moves of new mail from the spool.
    pub snarf_interval: u32,
    /// Whether the spool is left truly empty after that.
    pub leave_spool_empty: bool,
}

/// Names of mailboxes with a purpose.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Folders {
    /// The mailbox that opens at the start; INBOX where absent.
    pub inbox: Option<String>,
    /// Where mailboxes live, `name path/[pattern]` as in Pine; the first is the default one.
    pub collections: Vec<String>,
    /// Where Save goes unless told otherwise.
    pub saved: String,
    /// Whether names that begin with a dot are left out of lists.
    #[serde(rename = "hide-dot-files")]
    pub hide_dot_files: bool,
    /// How many directories below its start a list goes.
    #[serde(rename = "list-depth")]
    pub list_depth: u32,
}

/// Who the user is.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Identity {
    /// The personal name, for mail that is written.
    pub name: Option<String>,
    /// The domain of addresses without one; the host's name where absent.
    pub domain: Option<String>,
    /// The own address, `name@domain`; login name and domain where absent.
    pub from: Option<String>,
    /// Other addresses of the user.
    pub alternates: Vec<String>,
}

/// The message index.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Index {
    /// The order in which mailboxes open, `date` or `date/reverse`; known to be readable.
    pub sort: String,
}

impl Index {
    /// The order in which mailboxes open.
    pub fn order(&self) -> Order {
        parse_order(&self.sort).unwrap_or(Order {
            key: SortKey::Arrival,
            reverse: false,
        })
    }
}

/// The message text.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct View {
    /// Header fields that are shown, in this order.
    pub headers: Vec<String>,
    /// Whether plain text is preferred where a message has HTML too.
    pub prefer_plain: bool,
    /// Lines of the old page that stay visible on the new one.
    pub overlap: u16,
    /// The program and its arguments that open a link; the link is added as the last argument.
    pub browser: Vec<String>,
}

/// The screen.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Ui {
    /// A theme's name or file.
    pub theme: String,
    /// A keymap's name or file.
    pub keymap: String,
    /// How panes are laid out: `auto` or `classic`.
    pub layout: String,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// Whether the two rows of keys are shown.
    pub keymenu: bool,
    /// Whether `^Z` suspends.
    pub suspend: bool,
}

/// Something that may ask before it happens.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Confirmed {
    /// Whether it asks.
    pub confirm: bool,
}

/// Looking for new mail.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Check {
    /// Seconds between two looks.
    pub interval: u32,
}

/// Reads `date` or `date/reverse`; `None` when it is not an order.
pub fn parse_order(text: &str) -> Option<Order> {
    let (key, reverse) = match text.split_once('/') {
        Some((key, "reverse")) => (key, true),
        Some(_) => return None,
        None => (text, false),
    };
    SortKey::named(key).map(|key| Order { key, reverse })
}
