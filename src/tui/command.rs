//! What a key can mean. The rows are in `command_table.rs`; keymaps, help screens and the key menu read them.
//!
//! A command has a place in each [`Context`] where it works. A place may name a slot of the two-row key menu:
//! slot = 12 * page + 2 * column + row, so that slots 0 and 1 of each page are `? Help` and `O OTHER CMDS`.

/// A screen or pane with keys of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Context {
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
    /// Help, journal, text attachments, output of programs.
    Pager,
    /// The flag screen.
    Flags,
    /// Folders, one of which answers a question.
    FolderSelect,
    /// Files, one of which answers a question.
    Browser,
}

impl Context {
    /// Every context with its name in keymap files and its name for people.
    pub const NAMES: [(Self, &'static str, &'static str); 9] = [
        (Self::Main, "main", "Main Menu"),
        (Self::Folders, "folders", "Folder List"),
        (Self::Index, "index", "Message Index"),
        (Self::Text, "text", "Message Text"),
        (Self::Attachments, "attachments", "Attachment Index"),
        (Self::Pager, "pager", "Text Screens"),
        (Self::Flags, "flags", "Flag Maintenance"),
        (Self::FolderSelect, "folder-select", "Folder Select"),
        (Self::Browser, "browser", "File Browser"),
    ];

    /// The name for people.
    pub fn title(self) -> &'static str {
        let found = Self::NAMES.iter().find(|entry| entry.0 == self);
        found.map_or("", |entry| entry.2)
    }
}

/// What a key can mean.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(
    missing_docs,
    reason = "the table has a sentence of help for each of them"
)]
pub enum Command {
    Help,
    OtherCommands,
    Quit,
    MainMenu,
    FolderList,
    MessageIndex,
    Goto,
    Repaint,
    Suspend,
    TogglePanes,
    Whereis,
    Back,
    ExitSelect,
    Open,
    Next,
    Previous,
    LineDown,
    LineUp,
    NextPage,
    PreviousPage,
    FirstPage,
    LastPage,
    Journal,
    Trace,
    ReleaseNotes,
    Jump,
    NextNew,
    Delete,
    Undelete,
    Expunge,
    Unexclude,
    CatchUp,
    Flag,
    Save,
    Export,
    Sort,
    Pipe,
    HeaderMode,
    Attachments,
    NextLink,
    PreviousLink,
    PreferHtml,
    AddFolder,
    Subscribe,
    Unsubscribe,
    RenameFolder,
    Transfer,
    AboutFolder,
    ScanFolders,
    AboutPart,
    SetFlag,
    AddKeyword,
    Compose,
    Reply,
    Forward,
    Bounce,
    TakeAddress,
    Print,
    Select,
    SelectCurrent,
    Apply,
    Zoom,
    CollapseThread,
    UseRole,
    AddressBook,
    Setup,
    KeyboardLock,
    External,
}

/// Where a command works, and its cell in the key menu there.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The screen or pane.
    pub context: Context,
    /// Its slot; `None` for a command that the menu does not name.
    pub slot: Option<u8>,
    /// Its label in the menu.
    pub label: &'static str,
}

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// The command.
    pub command: Command,
    /// Its name in keymap files.
    pub name: &'static str,
    /// A sentence for help screens.
    pub help: &'static str,
    /// Where it works.
    pub places: &'static [Place],
}
