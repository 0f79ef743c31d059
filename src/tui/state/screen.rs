//! The screens.

use crate::tui::command::Context;

/// A screen; with panes, the one that has the focus.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Screen {
    /// The main menu.
    Main,
    /// The folder list.
    Folders,
    /// The message index.
    Index,
    /// The message text.
    Text,
    /// The attachment index.
    Attachments,
    /// The flag screen.
    Flags,
    /// A screen of plain text.
    Pager,
    /// Folders, one of which answers a question.
    FolderSelect,
    /// Files, one of which answers a question.
    Browser,
}

impl Screen {
    /// Whose keys work.
    pub fn context(self) -> Context {
        match self {
            Self::Main => Context::Main,
            Self::Folders => Context::Folders,
            Self::Index => Context::Index,
            Self::Text => Context::Text,
            Self::Attachments => Context::Attachments,
            Self::Flags => Context::Flags,
            Self::Pager => Context::Pager,
            Self::FolderSelect => Context::FolderSelect,
            Self::Browser => Context::Browser,
        }
    }

    /// Whether the screen can be one of several panes.
    pub fn is_pane(self) -> bool {
        matches!(self, Self::Folders | Self::Index | Self::Text)
    }
}
