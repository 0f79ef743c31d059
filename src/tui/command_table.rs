//! The table of commands: a row each, with help and places. Slots keep their column across screens, as in Pine.

use crate::tui::command::Context::{
    Attachments, Flags, FolderSelect, Folders, Index, Main, Pager, Text,
};
use crate::tui::command::{Command, Context, Place, Row};

const fn at(context: Context, slot: u8, label: &'static str) -> Place {
    Place {
        context,
        slot: Some(slot),
        label,
    }
}

const fn unnamed(context: Context) -> Place {
    Place {
        context,
        slot: None,
        label: "",
    }
}

const fn row(
    command: Command,
    name: &'static str,
    help: &'static str,
    places: &'static [Place],
) -> Row {
    Row {
        command,
        name,
        help,
        places,
    }
}

const EVERYWHERE: &[Place] = &[
    unnamed(Main),
    unnamed(Folders),
    unnamed(Index),
    unnamed(Text),
    unnamed(Attachments),
    unnamed(Pager),
    unnamed(Flags),
    unnamed(FolderSelect),
];

/// Every command.
pub const TABLE: &[Row] = &[
    row(
        Command::Help,
        "help",
        "Show help for this screen.",
        EVERYWHERE,
    ),
    row(
        Command::OtherCommands,
        "other-commands",
        "Show the next page of the key menu; every command works whatever page is shown.",
        EVERYWHERE,
    ),
    row(
        Command::Back,
        "back",
        "Go back to the screen that this one was reached from.",
        &[
            at(Folders, 2, "Main Menu"),
            at(Index, 2, "FldrList"),
            at(Text, 2, "MsgIndex"),
            at(Attachments, 2, "MsgText"),
            at(Pager, 2, "Exit"),
            at(Flags, 2, "Exit Flags"),
            at(FolderSelect, 8, "ParentDir"),
        ],
    ),
    row(
        Command::ExitSelect,
        "exit-select",
        "Go back to the question without a choice.",
        &[at(FolderSelect, 2, "ExitSelect")],
    ),
    row(
        Command::Open,
        "open",
        "Open what the cursor is on; in a message, the selected link.",
        &[
            at(Main, 3, "[Select]"),
            at(Folders, 3, "[View Fldr]"),
            at(FolderSelect, 3, "[Select]"),
            at(Index, 3, "[ViewMsg]"),
            unnamed(Text),
            at(Attachments, 3, "[View]"),
        ],
    ),
    row(
        Command::Attachments,
        "attachments",
        "List the parts of the message.",
        &[at(Text, 3, "ViewAttch")],
    ),
    row(
        Command::SetFlag,
        "set-flag",
        "Set or unset the flag under the cursor.",
        &[at(Flags, 3, "[Set/Unset]")],
    ),
    row(
        Command::Previous,
        "previous",
        "Go to the previous line; in a message, to the previous message.",
        &[
            at(Main, 4, "PrevCmd"),
            at(Folders, 4, "PrevFldr"),
            at(FolderSelect, 4, "PrevFldr"),
            at(Index, 4, "PrevMsg"),
            at(Text, 4, "PrevMsg"),
            at(Attachments, 4, "PrevAttch"),
            at(Flags, 4, "Prev"),
        ],
    ),
    row(
        Command::Next,
        "next",
        "Go to the next line; in a message, to the next message.",
        &[
            at(Main, 5, "NextCmd"),
            at(Folders, 5, "NextFldr"),
            at(FolderSelect, 5, "NextFldr"),
            at(Index, 5, "NextMsg"),
            at(Text, 5, "NextMsg"),
            at(Attachments, 5, "NextAttch"),
            at(Flags, 5, "Next"),
        ],
    ),
    row(
        Command::LineUp,
        "line-up",
        "Scroll one line up.",
        &[at(Text, 38, "PrevLine"), at(Pager, 4, "PrevLine")],
    ),
    row(
        Command::LineDown,
        "line-down",
        "Scroll one line down.",
        &[at(Text, 39, "NextLine"), at(Pager, 5, "NextLine")],
    ),
    row(
        Command::PreviousPage,
        "previous-page",
        "Go one screen up.",
        &[
            at(Folders, 6, "PrevPage"),
            at(FolderSelect, 6, "PrevPage"),
            at(Index, 6, "PrevPage"),
            at(Text, 6, "PrevPage"),
            at(Attachments, 6, "PrevPage"),
            at(Pager, 6, "PrevPage"),
            at(Flags, 6, "PrevPage"),
        ],
    ),
    row(
        Command::NextPage,
        "next-page",
        "Go one screen down.",
        &[
            at(Folders, 7, "NextPage"),
            at(FolderSelect, 7, "NextPage"),
            at(Index, 7, "NextPage"),
            at(Text, 7, "NextPage"),
            at(Attachments, 7, "NextPage"),
            at(Pager, 7, "NextPage"),
            at(Flags, 7, "NextPage"),
        ],
    ),
    row(
        Command::Delete,
        "delete",
        "Mark the message as deleted and go to the next one; in the folder list, delete the folder.",
        &[
            at(Folders, 9, "Delete"),
            at(Index, 8, "Delete"),
            at(Text, 8, "Delete"),
            unnamed(Attachments),
        ],
    ),
    row(
        Command::Undelete,
        "undelete",
        "Take the mark for deletion away.",
        &[
            at(Index, 9, "Undelete"),
            at(Text, 9, "Undelete"),
            unnamed(Attachments),
        ],
    ),
    row(
        Command::Reply,
        "reply",
        "Reply to the message.",
        &[at(Index, 10, "Reply"), at(Text, 10, "Reply")],
    ),
    row(
        Command::Forward,
        "forward",
        "Forward the message.",
        &[
            at(Index, 11, "Forward"),
            at(Text, 11, "Forward"),
            unnamed(Attachments),
        ],
    ),
    row(
        Command::AddFolder,
        "add-folder",
        "Make a new folder.",
        &[at(Folders, 8, "Add")],
    ),
    row(
        Command::RenameFolder,
        "rename-folder",
        "Rename the folder.",
        &[at(Folders, 10, "Rename")],
    ),
    row(
        Command::Transfer,
        "transfer",
        "Copy the whole folder to another one, of any format, and compare every message.",
        &[at(Folders, 26, "Transfer")],
    ),
    row(
        Command::AboutFolder,
        "about-folder",
        "Tell the folder's format and what that can do, its file, who has it open.",
        &[at(Folders, 19, "FldrInfo"), at(Index, 39, "FldrInfo")],
    ),
    row(
        Command::ScanFolders,
        "scan-folders",
        "List only the folders in whose file a text stands.",
        &[at(Folders, 27, "FindText")],
    ),
    row(
        Command::AddKeyword,
        "add-keyword",
        "Add a keyword to the list of flags.",
        &[at(Flags, 8, "Add KW")],
    ),
    row(
        Command::MainMenu,
        "main-menu",
        "Go to the main menu.",
        &[
            unnamed(Main),
            at(Folders, 14, "Main Menu"),
            at(Index, 14, "Main Menu"),
            at(Text, 14, "Main Menu"),
            at(Attachments, 14, "Main Menu"),
            at(Pager, 8, "Main Menu"),
        ],
    ),
    row(
        Command::FolderList,
        "folder-list",
        "Go to the folder list.",
        &[
            at(Main, 16, "ListFldrs"),
            unnamed(Folders),
            at(Index, 16, "FldrList"),
            at(Text, 16, "FldrList"),
            at(Attachments, 16, "FldrList"),
        ],
    ),
    row(
        Command::MessageIndex,
        "message-index",
        "Go to the index of the open folder.",
        &[
            at(Main, 17, "Index"),
            at(Folders, 17, "CurIndex"),
            unnamed(Index),
            at(Text, 17, "Index"),
            at(Attachments, 17, "Index"),
        ],
    ),
    row(
        Command::Goto,
        "goto",
        "Ask for a folder and open it.",
        &[
            at(Main, 18, "GotoFldr"),
            at(Folders, 18, "GotoFldr"),
            at(Index, 18, "GotoFldr"),
            at(Text, 18, "GotoFldr"),
        ],
    ),
    row(
        Command::Quit,
        "quit",
        "Leave Mugo.",
        &[
            at(Main, 15, "Quit"),
            at(Folders, 15, "Quit"),
            at(Index, 15, "Quit"),
            at(Text, 15, "Quit"),
            at(Attachments, 15, "Quit"),
            at(Pager, 9, "Quit"),
        ],
    ),
    row(
        Command::Compose,
        "compose",
        "Write a message.",
        &[
            at(Main, 14, "Compose"),
            at(Folders, 16, "Compose"),
            at(Index, 15 + 4, "Compose"),
            at(Text, 19, "Compose"),
        ],
    ),
    row(
        Command::Whereis,
        "whereis",
        "Search in what this screen shows.",
        &[
            at(Folders, 11, "WhereIs"),
            at(FolderSelect, 11, "WhereIs"),
            at(Index, 21, "WhereIs"),
            at(Text, 21, "WhereIs"),
            at(Attachments, 9, "WhereIs"),
            at(Pager, 11, "WhereIs"),
            unnamed(Flags),
        ],
    ),
    row(
        Command::NextNew,
        "next-new",
        "Go to the next message that is new or important; in the folder list, to the next folder with new mail.",
        &[
            at(Folders, 23, "NextNew"),
            at(Index, 20, "NextNew"),
            at(Text, 20, "NextNew"),
        ],
    ),
    row(
        Command::Print,
        "print",
        "Print the message.",
        &[at(Index, 22, "Print"), at(Text, 22, "Print")],
    ),
    row(
        Command::TakeAddress,
        "take-address",
        "Take addresses of the message into the address book.",
        &[at(Index, 23, "TakeAddr"), at(Text, 23, "TakeAddr")],
    ),
    row(
        Command::Save,
        "save",
        "Copy the message to a folder and mark it as deleted; in the attachment index, save the part to a file.",
        &[
            at(Index, 26, "Save"),
            at(Text, 26, "Save"),
            at(Attachments, 10, "Save"),
        ],
    ),
    row(
        Command::Export,
        "export",
        "Copy the message to a plain file.",
        &[
            at(Index, 27, "Export"),
            at(Text, 27, "Export"),
            unnamed(Attachments),
        ],
    ),
    row(
        Command::Expunge,
        "expunge",
        "Remove the messages that are marked as deleted.",
        &[at(Index, 28, "eXpunge")],
    ),
    row(
        Command::Flag,
        "flag",
        "Set or unset a flag of the message.",
        &[at(Index, 29, "Flag"), at(Text, 29, "Flag")],
    ),
    row(
        Command::Jump,
        "jump",
        "Go to the message with a number; typing the number does it too.",
        &[at(Index, 30, "Jump"), at(Text, 30, "Jump")],
    ),
    row(
        Command::Sort,
        "sort",
        "Change the order of the index.",
        &[at(Index, 31, "Sort")],
    ),
    row(
        Command::Pipe,
        "pipe",
        "Give the message to a program.",
        &[
            at(Index, 32, "Pipe"),
            at(Text, 32, "Pipe"),
            at(Attachments, 20, "Pipe"),
        ],
    ),
    row(
        Command::HeaderMode,
        "header-mode",
        "Show the usual headers, all of them, or the header as it came.",
        &[
            at(Index, 33, "HdrMode"),
            at(Text, 33, "HdrMode"),
            unnamed(Attachments),
        ],
    ),
    row(
        Command::Bounce,
        "bounce",
        "Send the message on as it is.",
        &[at(Index, 34, "Bounce"), at(Text, 34, "Bounce")],
    ),
    row(
        Command::FirstPage,
        "first-page",
        "Go to the start.",
        &[
            unnamed(Main),
            at(Folders, 20, "FirstPage"),
            unnamed(FolderSelect),
            at(Index, 40, "FirstPage"),
            at(Text, 40, "FirstPage"),
            at(Attachments, 18, "FirstPage"),
            at(Pager, 10, "Home"),
            at(Flags, 10, "FirstPage"),
        ],
    ),
    row(
        Command::LastPage,
        "last-page",
        "Go to the end.",
        &[
            unnamed(Main),
            at(Folders, 21, "LastPage"),
            unnamed(FolderSelect),
            at(Index, 41, "LastPage"),
            at(Text, 41, "LastPage"),
            at(Attachments, 19, "LastPage"),
            at(Pager, 3, "End"),
            at(Flags, 11, "LastPage"),
        ],
    ),
    row(
        Command::Select,
        "select",
        "Select messages.",
        &[at(Index, 42, "Select")],
    ),
    row(
        Command::SelectCurrent,
        "select-current",
        "Select the message under the cursor.",
        &[at(Index, 43, "SelectCur"), unnamed(Text), unnamed(Folders)],
    ),
    row(
        Command::Apply,
        "apply",
        "Apply a command to the selected messages.",
        &[at(Index, 44, "Apply")],
    ),
    row(
        Command::Zoom,
        "zoom",
        "Show only the selected messages.",
        &[at(Index, 45, "ZoomMode"), unnamed(Folders)],
    ),
    row(
        Command::CollapseThread,
        "collapse-thread",
        "Collapse or expand the thread under the cursor.",
        &[unnamed(Index)],
    ),
    row(
        Command::NextLink,
        "next-link",
        "Go to the next link.",
        &[at(Text, 43, "NextLink")],
    ),
    row(
        Command::PreviousLink,
        "previous-link",
        "Go to the previous link.",
        &[at(Text, 42, "PrevLink")],
    ),
    row(
        Command::PreferHtml,
        "prefer-html",
        "Show the HTML part of the message instead of its plain text, or the other way round.",
        &[at(Text, 44, "HTML/Text")],
    ),
    row(
        Command::AboutPart,
        "about-part",
        "Tell what is known of the part.",
        &[at(Attachments, 8, "AboutAtt")],
    ),
    row(
        Command::External,
        "external",
        "View the part with another program.",
        &[unnamed(Attachments)],
    ),
    row(
        Command::Journal,
        "journal",
        "Show the messages of the status line again.",
        &[at(Main, 19, "Journal"), unnamed(Folders)],
    ),
    row(
        Command::ReleaseNotes,
        "release-notes",
        "Show what is new in this version.",
        &[at(Main, 10, "RelNotes")],
    ),
    row(
        Command::KeyboardLock,
        "keyboard-lock",
        "Lock the keyboard.",
        &[at(Main, 11, "KBLock")],
    ),
    row(
        Command::AddressBook,
        "address-book",
        "Go to the address book.",
        &[at(Main, 20, "AddrBook")],
    ),
    row(
        Command::Setup,
        "setup",
        "Change settings.",
        &[at(Main, 21, "Setup")],
    ),
    row(
        Command::UseRole,
        "use-role",
        "Write a message in a role.",
        &[
            at(Main, 22, "Role"),
            unnamed(Folders),
            at(Index, 35, "Role"),
            at(Text, 35, "Role"),
        ],
    ),
    row(
        Command::TogglePanes,
        "toggle-panes",
        "Show one screen at a time, or several panes where there is room.",
        &[
            unnamed(Main),
            at(Folders, 22, "Panes"),
            at(Index, 38, "Panes"),
            at(Text, 45, "Panes"),
        ],
    ),
    row(
        Command::Repaint,
        "repaint",
        "Paint the screen again and look for new mail.",
        EVERYWHERE,
    ),
    row(
        Command::Suspend,
        "suspend",
        "Suspend Mugo and go back to the shell.",
        EVERYWHERE,
    ),
];
