//! Questions on the status line: texts to type, and choices of one key.

use std::path::PathBuf;

use crate::backend::request::Ticket;
use crate::mail::name::MailboxName;
use crate::mail::question::QuestionNumber;
use crate::mail::structure::Section;
use crate::mail::text::Printable;
use crate::mail::uid::Uid;
use crate::tui::effect::FileJob;
use crate::tui::state::folders::Target;
use crate::tui::state::line_edit::LineEdit;

/// A question.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What is asked.
    pub question: Printable,
    /// What kind of answer is wanted.
    pub kind: Kind,
    /// What the answer is for.
    pub purpose: Purpose,
    /// What stands instead of the key menu after `^G` or `?`.
    pub help: &'static str,
    /// Whether it does.
    pub help_shown: bool,
}

/// What kind of answer is wanted.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A text.
    Text(TextPrompt),
    /// One key.
    Choice(Vec<Choice>),
}

/// A text being typed.
#[derive(Clone, Debug)]
pub struct TextPrompt {
    /// What was typed.
    pub edit: LineEdit,
    /// What an empty line stands for.
    pub default: Option<String>,
    /// Whose earlier answers the arrows recall.
    pub topic: Topic,
    /// How far back the arrows went.
    pub recalled: usize,
    /// Keys with Control that this question knows beside the common ones, with labels.
    pub extra: Vec<(char, &'static str)>,
}

/// What earlier answers are kept for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Topic {
    /// Folder names.
    Folder,
    /// File names.
    File,
    /// Commands.
    Program,
    /// Words that were searched.
    Search,
    /// Message numbers, keywords: nothing is kept.
    Nothing,
    /// Passwords: nothing is kept, and nothing shown.
    Password,
}

/// One key that answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The key, lower case.
    pub key: char,
    /// Its label in the key menu.
    pub label: &'static str,
    /// Whether Return stands for it.
    pub is_default: bool,
}

/// What an answer is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Really quit?
    Quit,
    /// Expunge the open mailbox?
    Expunge,
    /// Expunge it before it is left?
    ExpungeAndLeave(Leave),
    /// Which folder to go to?
    Goto,
    /// Where to save a message to?
    Save {
        /// The message.
        uid: Uid,
        /// Whether it is marked deleted afterwards.
        delete: bool,
    },
    /// The folder does not exist: make it?
    CreateAndSave {
        /// The message.
        uid: Uid,
        /// Whether it is marked deleted afterwards.
        delete: bool,
        /// The folder.
        to: MailboxName,
    },
    /// Which file to export a message to?
    Export(Uid),
    /// Which file to save a part to?
    SavePart(Uid, Section),
    /// The file exists: what now?
    FileExists(FileJob),
    /// Which order?
    Sort,
    /// Which flag?
    Flag {
        /// The message.
        uid: Uid,
        /// Whether the flag is taken away.
        not: bool,
    },
    /// Which message number?
    Jump,
    /// Which command gets the message?
    Pipe(Uid),
    /// Which command gets the part?
    PipePart(Uid, Section),
    /// What to search? With the entry of the folder list under the cursor, to which it comes back.
    Whereis(Option<Target>),
    /// The name of a new folder?
    AddFolder,
    /// Mark all of a newsgroup as read?
    CatchUp,
    /// Go to this newsgroup?
    NextGroup(MailboxName),
    /// Which newsgroup to subscribe to?
    SubscribeGroup,
    /// Really end this subscription?
    Unsubscribe(MailboxName),
    /// The format of a new folder?
    Format {
        /// The folder.
        name: MailboxName,
        /// Whose messages go into it; none for an empty one.
        from: Option<MailboxName>,
    },
    /// Where to transfer all messages of a folder?
    Transfer(MailboxName),
    /// The folder exists: add all messages of the first one to it?
    AddTo(MailboxName, MailboxName),
    /// Which text do folders hold?
    ScanFolders,
    /// Really delete this folder?
    DeleteFolder(MailboxName),
    /// Its new name?
    RenameFolder(MailboxName),
    /// Really open this link?
    FollowLink(String),
    /// Which keyword?
    AddKeyword,
    /// Wait for a lock?
    Locked(Ticket, QuestionNumber),
    /// Which password?
    Password(Ticket, QuestionNumber),
    /// Trust this certificate?
    Certificate(Ticket, QuestionNumber),
}

/// What happens once the open mailbox is left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Leave {
    /// Another one is opened.
    Open(MailboxName),
    /// The session ends.
    Quit,
}

impl Prompt {
    /// A question that is answered with a text.
    pub fn text(question: Printable, purpose: Purpose, topic: Topic, help: &'static str) -> Self {
        Self {
            question,
            purpose,
            help,
            help_shown: false,
            kind: Kind::Text(TextPrompt {
                edit: LineEdit::default(),
                default: None,
                topic,
                recalled: 0,
                extra: Vec::new(),
            }),
        }
    }

    /// A question that is answered with one key.
    pub fn choice(
        question: Printable,
        purpose: Purpose,
        choices: &[Choice],
        help: &'static str,
    ) -> Self {
        Self {
            question,
            purpose,
            help,
            help_shown: false,
            kind: Kind::Choice(choices.to_vec()),
        }
    }

    /// A question that is answered with yes or no; `default` is what Return stands for.
    pub fn yes_no(
        question: Printable,
        purpose: Purpose,
        default: Answer,
        help: &'static str,
    ) -> Self {
        let choice = |key, label, answer| Choice {
            key,
            label,
            is_default: answer == default,
        };
        let choices = [
            choice('y', "Yes", Answer::Yes),
            choice('n', "No", Answer::No),
        ];
        Self::choice(question, purpose, &choices, help)
    }

    /// Whether every word of the question has to be seen, however many rows it takes.
    pub fn is_shown_whole(&self) -> bool {
        matches!(self.purpose, Purpose::Certificate(..))
    }

    /// The same question with something typed already.
    #[must_use]
    pub fn typed(mut self, text: &str) -> Self {
        if let Kind::Text(typed) = &mut self.kind {
            typed.edit.insert(text);
        }
        self
    }

    /// The same question with a default, shown in brackets.
    #[must_use]
    pub fn with_default(mut self, default: Option<String>) -> Self {
        if let Kind::Text(typed) = &mut self.kind {
            typed.default = default.filter(|text| !text.is_empty());
        }
        self
    }

    /// The same question with a key of its own.
    #[must_use]
    pub fn with_key(mut self, letter: char, label: &'static str) -> Self {
        if let Kind::Text(typed) = &mut self.kind {
            typed.extra.push((letter, label));
        }
        self
    }
}

/// Yes or no.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// `~/name`, `name` and `/name` as paths: names without a directory are found in the home directory.
pub fn path_typed(text: &str, home: &std::path::Path) -> PathBuf {
    match text.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => home.join(text),
    }
}
