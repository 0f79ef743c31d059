//! What the terminal face needs to know from outside: plain data, made by `main` from arguments, settings and environment.

use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::mail::name::MailboxName;
use crate::mail::order::{Order, SortKey};
use crate::tui::theme::Colours;
use crate::tui::toml_file::Source;

/// Everything that can be chosen about the face.
#[derive(Clone, Debug)]
pub struct Options {
    /// `0.1.0`.
    pub version: String,
    /// A built-in theme's name or the user's file.
    pub theme: Source,
    /// A built-in keymap's name or the user's file.
    pub keymap: Source,
    /// How many colours may be used; [`Colours::None`] where `NO_COLOR` is set.
    pub colours: Colours,
    /// Whether only ASCII may be shown, as in `LANG=C`.
    pub ascii: bool,
    /// Whether panes are shown where there is room.
    pub layout: LayoutChoice,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// Whether the two rows of keys are shown.
    pub keymenu: bool,
    /// Whether `^Z` suspends.
    pub suspend: bool,
    /// The mailbox to open at the start; INBOX where absent.
    pub start: Option<MailboxName>,
    /// Whether the index is the first screen, instead of the main menu.
    pub start_in_index: bool,
    /// Whether mailboxes are opened read-only.
    pub read_only: bool,
    /// Where Save goes unless told otherwise.
    pub saved: String,
    /// The collections of folders; the first is the default one, of which there always is one.
    pub collections: Vec<Collection>,
    /// The formats in which folders can be made.
    pub formats: Vec<&'static str>,
    /// The one of them that is proposed.
    pub new_format: String,
    /// Header fields that are shown, in this order.
    pub headers: Vec<String>,
    /// The user's addresses, `name@domain`.
    pub me: Vec<String>,
    /// The order in which mailboxes open.
    pub order: Order,
    /// Whether expunging asks.
    pub confirm_expunge: bool,
    /// Whether leaving INBOX for another folder offers to expunge too.
    pub offer_expunge_of_inbox: bool,
    /// Whether quitting asks.
    pub confirm_quit: bool,
    /// Whether HTML is preferred where a message has plain text too.
    pub prefer_html: bool,
    /// Lines of the old page that stay visible on the new one.
    pub overlap: u16,
    /// The program and its arguments that open a link; the link is added as the last argument.
    pub browser: Vec<String>,
    /// The home directory, for `~` and for files named without a directory.
    pub home: PathBuf,
    /// The user's time zone.
    pub zone: TimeZone,
}

/// Folders whose names begin alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collection {
    /// What the list calls it.
    pub name: String,
    /// What the names begin with: `mail/`, `#mh/`; may be empty.
    pub prefix: String,
    /// What parts the levels of the names.
    pub delimiter: char,
}

impl Default for Collection {
    fn default() -> Self {
        Self {
            name: "Mail".to_owned(),
            prefix: String::new(),
            delimiter: '/',
        }
    }
}

impl Options {
    /// What names are relative to that do not say otherwise.
    pub fn default_prefix(&self) -> &str {
        self.collections.first().map_or("", |first| &first.prefix)
    }
}

/// Whether panes are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayoutChoice {
    /// As many as there is room for.
    Auto,
    /// One screen at a time.
    Classic,
}

impl Default for Options {
    /// What holds without any settings.
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            theme: Source::BuiltIn("classic".to_owned()),
            keymap: Source::BuiltIn("pine".to_owned()),
            colours: Colours::Palette,
            ascii: false,
            layout: LayoutChoice::Auto,
            mouse: true,
            keymenu: true,
            suspend: false,
            start: None,
            start_in_index: false,
            read_only: false,
            saved: "saved-messages".to_owned(),
            collections: vec![Collection::default()],
            formats: vec!["unix"],
            new_format: "unix".to_owned(),
            headers: ["Date", "From", "To", "Cc", "Subject"]
                .map(str::to_owned)
                .into(),
            me: Vec::new(),
            order: Order {
                key: SortKey::Arrival,
                reverse: false,
            },
            confirm_expunge: true,
            offer_expunge_of_inbox: false,
            confirm_quit: true,
            prefer_html: false,
            overlap: 2,
            browser: Vec::new(),
            home: PathBuf::from("/"),
            zone: TimeZone::UTC,
        }
    }
}
