//! The whole state, and the small things that every part of `update` does with it.
//!
//! What is to be done outside is put into an outbox, which `update` hands over.

use std::collections::{HashMap, VecDeque};

use crate::backend::request::{Ask, MailboxId, Request, Ticket};
use crate::mail::name::MailboxName;
use crate::mail::text::{Foreign, Printable};
use crate::present::rows::HeaderMode;
use crate::tui::effect::Effect;
use crate::tui::key::Key;
use crate::tui::keymap::Keymap;
use crate::tui::layout::{Areas, areas};
use crate::tui::options::{LayoutChoice, Options};
use crate::tui::state::accounts::Accounts;
use crate::tui::state::asking::Asking;
use crate::tui::state::browser::Browser;
use crate::tui::state::flags::FlagScreen;
use crate::tui::state::folders::{Folder, Folders};
use crate::tui::state::job::Job;
use crate::tui::state::mailbox::OpenMailbox;
use crate::tui::state::message::MessageView;
use crate::tui::state::pager::Pager;
use crate::tui::state::prompt::{Leave, Prompt, Topic};
use crate::tui::state::screen::Screen;
use crate::tui::state::status::Status;

/// How many earlier answers are kept for each topic.
const HISTORY: usize = 50;

/// Everything that the screen shows.
pub struct State {
    /// What was chosen outside.
    pub options: Options,
    /// What keys mean.
    pub keymap: Keymap,
    /// Columns and rows.
    pub size: (u16, u16),
    /// The time, in milliseconds since 1970.
    pub now: i64,
    /// The screen, or the pane with the focus.
    pub screen: Screen,
    /// The line under the cursor of the main menu.
    pub menu_line: usize,
    /// The page of the key menu.
    pub menu_page: u8,
    /// Keys of a sequence that is not complete.
    pub pending: Vec<Key>,
    /// The status line.
    pub status: Status,
    /// The open question.
    pub prompt: Option<Prompt>,
    /// A question that waits while its help is read or a folder is chosen, and the screen that it was asked on.
    pub waiting: Option<(Prompt, Screen)>,
    /// Questions of the backend.
    pub questions: Vec<Asking>,
    /// How accounts on servers stand.
    pub accounts: Accounts,
    /// The folder list.
    pub folders: Folders,
    /// The open mailbox.
    pub mailbox: Option<OpenMailbox>,
    /// The message that is being read.
    pub message: Option<MessageView>,
    /// How its header is shown; kept until the index is reached.
    pub headers: HeaderMode,
    /// The files to choose from, where a question asks for one.
    pub browser: Option<Browser>,
    /// The screen of plain text.
    pub pager: Option<Pager>,
    /// The flag screen, and the screen that it was reached from.
    pub flags: Option<(FlagScreen, Screen)>,
    /// The receipt of a transfer that ended while something else was done: shown in the folder list.
    pub receipt: Option<String>,
    /// Requests under way.
    pub jobs: HashMap<Ticket, Job>,
    /// What happens once the open mailbox is closed.
    pub leaving: Option<Leave>,
    /// The mailbox that was open before this one: the default of Goto.
    pub previous: Option<MailboxName>,
    /// Where Save went last.
    pub saved_to: Option<String>,
    /// What was searched last.
    pub searched: String,
    /// Lines for the shell after the end.
    pub farewell: Vec<Printable>,
    /// Whether the session is over.
    pub over: bool,
    /// What has to be done outside.
    pub outbox: Vec<Effect>,
    history: HashMap<Topic, VecDeque<String>>,
    next_id: u64,
}

impl State {
    /// The state before anything happened.
    pub fn new(options: Options, keymap: Keymap) -> Self {
        Self {
            headers: HeaderMode::Normal(options.headers.clone()),
            options,
            keymap,
            size: (80, 24),
            now: 0,
            screen: Screen::Main,
            menu_line: 3,
            menu_page: 0,
            pending: Vec::new(),
            status: Status::default(),
            prompt: None,
            waiting: None,
            questions: Vec::new(),
            accounts: Accounts::default(),
            folders: Folders::default(),
            mailbox: None,
            message: None,
            browser: None,
            pager: None,
            flags: None,
            receipt: None,
            jobs: HashMap::new(),
            leaving: None,
            previous: None,
            saved_to: None,
            searched: String::new(),
            farewell: Vec::new(),
            over: false,
            outbox: Vec::new(),
            history: HashMap::new(),
            next_id: 0,
        }
    }

    /// Where things are on the screen now.
    pub fn areas(&self) -> Areas {
        areas(
            self.size,
            self.options.layout,
            self.screen,
            self.options.keymenu,
        )
    }

    /// Goes to another screen, with the first page of its key menu.
    pub fn go(&mut self, screen: Screen) {
        if self.screen != screen {
            self.menu_page = 0;
        }
        self.screen = screen;
    }

    /// A number that names nothing yet.
    pub fn mint(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Asks the backend, and remembers what for.
    pub fn ask(&mut self, request: Request, job: Job) -> Ticket {
        let ticket = Ticket(self.mint());
        self.jobs.insert(ticket, job);
        self.outbox.push(Effect::Ask(ticket, request));
        ticket
    }

    /// Asks something of the open mailbox; nothing where none is open.
    pub fn ask_mailbox(&mut self, ask: Ask, job: Job) -> Option<Ticket> {
        let id: MailboxId = self.mailbox.as_ref().filter(|open| open.is_open())?.id;
        Some(self.ask(Request::On(id, ask), job))
    }

    /// Whether a request of this kind is under way.
    pub fn is_busy_with(&self, kind: impl Fn(&Job) -> bool) -> bool {
        self.jobs.values().any(kind)
    }

    /// Says something on the status line.
    pub fn say(&mut self, text: Printable) {
        self.status.say(text, false, self.now);
    }

    /// Says something of Mugo's own words on the status line.
    pub fn say_own(&mut self, text: impl Into<String>) {
        self.say(Printable::own(text));
    }

    /// Tells of a failure on the status line, and rings the bell.
    pub fn complain(&mut self, text: Printable) {
        self.status.say(text, true, self.now);
        self.outbox.push(Effect::Beep);
    }

    /// Tells of a failure in Mugo's own words.
    pub fn complain_own(&mut self, text: impl Into<String>) {
        self.complain(Printable::own(text));
    }

    /// Shows a screen of text; `back` from it leads to where one is now.
    pub fn show_text(&mut self, title: &'static str, text: &str) {
        let back = match (&self.pager, self.screen) {
            (Some(pager), Screen::Pager) => pager.back,
            _ => self.screen,
        };
        self.pager = Some(Pager::new(title, text, back));
        self.go(Screen::Pager);
    }

    /// As [`show_text`](Self::show_text), for text in two columns, the second of which begins at `hang`.
    pub fn show_columns(&mut self, title: &'static str, text: &str, hang: usize) {
        self.show_text(title, text);
        if let Some(pager) = &mut self.pager {
            pager.hang = hang;
        }
    }

    /// Comes back to the question that waits; `false` where none does.
    pub fn resume_question(&mut self) -> bool {
        let Some((prompt, back)) = self.waiting.take() else {
            return false;
        };
        self.go(back);
        self.prompt = Some(prompt);
        true
    }

    /// How many messages of a folder were not read; the open one is counted by itself.
    pub fn unseen_in(&self, folder: &Folder) -> u32 {
        let open = self.mailbox.as_ref();
        let open = open.filter(|open| open.is_open() && open.loaded);
        match open.filter(|open| folder.folder() == Some(&open.name)) {
            Some(open) => u32::try_from(open.unseen()).unwrap_or(u32::MAX),
            None => folder.unseen.unwrap_or(0),
        }
    }

    /// Turns panes on or off.
    pub fn toggle_panes(&mut self) {
        self.options.layout = match self.options.layout {
            LayoutChoice::Auto => LayoutChoice::Classic,
            LayoutChoice::Classic => LayoutChoice::Auto,
        };
    }

    /// Remembers an answer.
    pub fn remember(&mut self, topic: Topic, answer: &str) {
        if matches!(topic, Topic::Nothing | Topic::Password) || answer.is_empty() {
            return;
        }
        let answers = self.history.entry(topic).or_default();
        answers.retain(|old| old != answer);
        answers.push_front(answer.to_owned());
        answers.truncate(HISTORY);
    }

    /// The answer given `back` answers ago, the last one being 1.
    pub fn recall(&self, topic: Topic, back: usize) -> Option<&str> {
        let answers = self.history.get(&topic)?;
        answers.get(back.checked_sub(1)?).map(String::as_str)
    }
}

/// `before` + `foreign` + `after`, with the middle made printable.
pub fn phrase(before: &str, foreign: &Foreign, after: &str) -> Printable {
    Printable::concat(&[
        Printable::own(before),
        foreign.field(),
        Printable::own(after),
    ])
}
