//! The face on a bench: state, a real backend, a drawing in memory.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mugo::backend::backend::{Backend, BackendOptions};
use mugo::backend::request::{Request, Ticket};
use mugo::mail::text::Foreign;
use mugo::tui::effect::Effect;
use mugo::tui::key::Key;
use mugo::tui::keymap::Keymap;
use mugo::tui::msg::{Msg, Outcome};
use mugo::tui::options::Options;
use mugo::tui::state::state::State;
use mugo::tui::theme::Theme;
use mugo::tui::update::update::{start, update};
use mugo::tui::view::view::view;
use mugo::tui::work::{files_in, write_file};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::common::world::{World, environment, world};

/// 2026-11-22 21:30 UTC.
pub(crate) const NOW: i64 = 1_795_383_000_000;

pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) state: State,
    pub(crate) theme: Theme,
    /// Effects that the bench does not do itself, by name.
    pub(crate) effects: Vec<&'static str>,
    /// Programs that were to be run.
    pub(crate) programs: Vec<Vec<String>>,
    /// Whether programs run until they are stopped.
    pub(crate) holds_programs: bool,
    held: Vec<(Ticket, Outcome)>,
    backend: Backend,
}

/// A bench of this size over a spool with this content.
pub(crate) fn bench(width: u16, height: u16, spool: &[u8]) -> Bench {
    bench_with(width, height, spool, |_| {})
}

/// As [`bench`], with other options than usual.
pub(crate) fn bench_with(
    width: u16,
    height: u16,
    spool: &[u8],
    choose: impl FnOnce(&mut Options),
) -> Bench {
    let world = world();
    if !spool.is_empty() {
        fs::write(&world.environment.spool, spool).expect("a spool");
    }
    let mut options = Options {
        version: "1.0".to_owned(),
        home: world.environment.home.clone(),
        me: vec!["ada@home.test".to_owned()],
        ..Options::default()
    };
    choose(&mut options);
    let files = Arc::clone(&world.environment.files);
    let mut environment = environment(world.dir.path(), files);
    environment.naming.mh.folder = Some(world.environment.home.join("mh"));
    let backend = Backend::new(Arc::new(environment), BackendOptions::default());
    let keymap = Keymap::load(&options.keymap).expect("a keymap");
    let theme = Theme::load(&options.theme, options.colours).expect("a theme");
    let mut bench = Bench {
        world,
        state: State::new(options, keymap),
        theme,
        effects: Vec::new(),
        programs: Vec::new(),
        holds_programs: false,
        held: Vec::new(),
        backend,
    };
    bench.send(Msg::Tick(NOW));
    bench.send(Msg::Resize(width, height));
    let effects = start(&mut bench.state);
    bench.perform(effects);
    bench.settle();
    bench
}

impl Bench {
    /// Types keys by name, and waits until everything that they asked for has come.
    pub(crate) fn keys(&mut self, names: &str) -> &mut Self {
        for name in names.split_whitespace() {
            let key = Key::parse(name).unwrap_or_else(|| panic!("{name} is no key"));
            self.send(Msg::Key(key));
            self.settle();
        }
        self
    }

    /// Types `text` letter by letter.
    pub(crate) fn types(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            let name = if letter == ' ' {
                "space".to_owned()
            } else {
                letter.to_string()
            };
            self.send(Msg::Key(Key::parse(&name).expect("a key")));
        }
        self
    }

    /// Takes in one message without waiting for what it asks for.
    pub(crate) fn send(&mut self, msg: Msg) {
        let effects = update(&mut self.state, msg);
        self.perform(effects);
    }

    /// Asks the backend.
    pub(crate) fn ask(&mut self, ticket: Ticket, request: Request) {
        self.backend.ask(ticket, request);
    }

    /// Waits until nothing is under way.
    pub(crate) fn settle(&mut self) {
        while self.state.jobs.len() > self.held.len() {
            let event = self.backend.next_blocking(Some(Duration::from_secs(20)));
            let event = event.unwrap_or_else(|| panic!("no answer for {:?}", self.state.jobs));
            self.send(Msg::Event(event));
        }
        while let Some(event) = self.backend.try_next() {
            self.send(Msg::Event(event));
        }
    }

    /// Lets the programs that were held end.
    pub(crate) fn release(&mut self) {
        for (ticket, outcome) in std::mem::take(&mut self.held) {
            self.send(Msg::Done(ticket, outcome));
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(ticket, request) => self.backend.ask(ticket, request),
                Effect::Cancel(ticket) => self.backend.cancel(ticket),
                Effect::Answer(ticket, answer) => self.backend.answer(ticket, answer),
                Effect::Write(ticket, job) => {
                    let outcome = match write_file(&job) {
                        Ok(()) => Outcome::Written,
                        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                            Outcome::Exists
                        }
                        Err(error) => Outcome::Failed(error.to_string()),
                    };
                    self.send(Msg::Done(ticket, outcome));
                }
                Effect::ListFiles(ticket, directory) => {
                    let outcome = match files_in(&directory) {
                        Ok(files) => Outcome::Files(files),
                        Err(error) => Outcome::Failed(error.to_string()),
                    };
                    self.send(Msg::Done(ticket, outcome));
                }
                Effect::Run(ticket, program) => {
                    self.programs.push(program.argv);
                    let output = String::from_utf8_lossy(&program.input).into_owned();
                    let ran = Outcome::Ran {
                        output,
                        failure: None,
                        cut: false,
                    };
                    if self.holds_programs {
                        self.held.push((ticket, ran));
                    } else {
                        self.send(Msg::Done(ticket, ran));
                    }
                }
                Effect::Stop(_) => {
                    self.effects.push("stop");
                    self.release();
                }
                Effect::Beep => self.effects.push("beep"),
                Effect::Repaint => self.effects.push("repaint"),
                Effect::Suspend => self.effects.push("suspend"),
                Effect::Quit => self.effects.push("quit"),
            }
        }
    }

    /// The screen as lines of text.
    pub(crate) fn screen(&self) -> String {
        let (width, height) = self.state.size;
        if width == 0 || height == 0 {
            return String::new();
        }
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("in memory");
        let drawn = terminal.draw(|frame| view(&self.state, &self.theme, frame));
        drawn.expect("in memory");
        let buffer = terminal.backend().buffer();
        let rows = buffer.content.chunks(usize::from(width));
        let line = |row: &[ratatui::buffer::Cell]| {
            let mut text = String::new();
            let mut skip = 0;
            for cell in row {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                text.push_str(cell.symbol());
                let printable = Foreign::new(cell.symbol()).field();
                skip = printable.width().saturating_sub(1);
            }
            text.trim_end().to_owned()
        };
        let lines: Vec<String> = rows.map(line).collect();
        lines.join("\n")
    }

    /// A file in the home folder.
    pub(crate) fn home(&self, name: &str) -> PathBuf {
        self.world.environment.home.join(name)
    }

    /// What is shown on the status line, as text.
    pub(crate) fn said(&self) -> String {
        let said = self.state.status.shown();
        said.map(|said| said.text.as_str().to_owned())
            .unwrap_or_default()
    }
}

/// A mailbox as the examples of the workflow have it.
pub(crate) fn mail() -> Vec<u8> {
    let plain = |from: &str, to: &str, date: &str, subject: &str, status: &str, text: &str| {
        format!(
            "From x@y.test {envelope}\nDate: {date}\nFrom: {from}\nTo: {to}\nSubject: {subject}\n\
             Message-ID: <{subject_id}@club.test>\nStatus: {status}\nX-Status: {flags}\n\n{text}\n\n",
            envelope = "Thu Nov 19 12:13:48 2026",
            subject_id = subject.len(),
            flags = if subject.contains("Invoice") { "F" } else { "" },
        )
    };
    let me = "Ada Fern <ada@home.test>";
    let mut mail = [
        plain("Boris Lind <boris@club.test>", me, "Wed, 06 May 2026 09:00:00 +0000", "Allotment rota for spring", "RO", "Dear Ada,\n\nthe rota is ready.\n\n> And the shed?\n>> What of it?\n\nBoris\n-- \nBoris Lind, Club"),
        plain("Dana Ortiz <dana@press.test>", "all@press.test", "Wed, 23 Sep 2026 09:00:00 +0000", "Invoice 2023-114", "RO", "See https://press.test/invoice for it\nand http://press.test/two too."),
    ]
    .concat();
    mail.push_str(concat!(
        "From dana@press.test Thu Nov 19 12:13:48 2026\n",
        "Date: Thu, 19 Nov 2026 12:13:48 +0000\nFrom: Dana Ortiz <dana@press.test>\n",
        "To: Ada Fern <ada@home.test>\nSubject: Slides and venue for the reading\n",
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n",
        "--b\nContent-Type: text/plain\n\nDear Ada,\n\nthe slides and the minutes are attached.\n",
        "--b\nContent-Type: application/pdf; name=\"../../slides.pdf\"\n",
        "Content-Transfer-Encoding: base64\n\naGVsbG8=\n",
        "--b\nContent-Type: text/plain; name=\"minutes.txt\"\n",
        "Content-Description: minutes of October\n\nPresent: everybody\n--b--\n\n",
    ));
    mail.push_str(&plain(
        "=?utf-8?q?Emeka_Obi?= <emeka@club.test>",
        me,
        "Fri, 20 Nov 2026 10:00:00 +0000",
        "=?utf-8?q?Caf=C3=A9_meeting_=E2=80=94_=E6=97=A5=E6=9C=AC_trip?=",
        "O",
        "At noon.",
    ));
    mail.push_str(&plain(
        "\"\u{1b}]0;owned\u{7}\" <x@evil.test>",
        me,
        "Sat, 21 Nov 2026 10:00:00 +0000",
        "=?utf-8?q?=1B[31mred=1B[0m_=E2=80=AEfdp.exe?=",
        "O",
        "\u{1b}[2J\u{1b}]52;c;ZXZpbA==\u{7} \u{9b}31m and \u{202e}back",
    ));
    mail.push_str(&plain(
        "Gus Hale <gus@club.test>",
        me,
        "Sun, 22 Nov 2026 14:13:00 +0000",
        "Rehearsal moved to 8pm",
        "",
        "See you.",
    ));
    mail.into_bytes()
}
