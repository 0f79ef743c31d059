//! The drivers that write, each with a mailbox of its own format, and what a program does to it in a fault test.
//! A driver joins with one line in `all`.

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::error::{Error, Result};
use mugo::driver::place::Place;
use mugo::driver::table::local_drivers;
use mugo::mail::date::InternalDate;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::environment::Environment;
use mugo::os::files::FileLayer;
use mugo::os::journal::redo::Journal;
use mugo::os::real_files::RealFiles;

use crate::desk::{Desk, Opened, Queue, add, forget_locks, job, keywords, message, open};

/// A driver that writes.
#[derive(Clone, Copy)]
pub(crate) struct Writer {
    pub(crate) driver: &'static str,
    /// Where the mailbox comes from.
    start: Start,
    /// What it can do.
    pub(crate) deeds: &'static [Deed],
}

/// How a mailbox comes to be.
#[derive(Clone, Copy)]
enum Start {
    /// A file as deliveries left it.
    Delivered(fn() -> Vec<u8>),
    /// The driver makes it, and appends to it if it can.
    Made,
}

/// Every driver that writes.
pub(crate) fn all() -> Vec<Writer> {
    vec![
        writer("mbox", Start::Delivered(traditional), INBOX_ALONE),
        writer("mix", Start::Made, DEEDS),
        writer("mx", Start::Made, DEEDS),
        writer("maildir", Start::Made, DEEDS),
        writer("mbx", Start::Made, DEEDS),
        writer("tenex", Start::Made, OCTAL),
        writer("mtx", Start::Made, OCTAL),
        writer("mh", Start::Made, DEEDS),
        writer("mmdf", Start::Delivered(delimited), DEEDS),
        writer("unix", Start::Delivered(traditional), DEEDS),
        writer("news", Start::Made, NOTHING),
        writer("phile", Start::Delivered(plain), WHOLE_FILE),
        writer("dummy", Start::Made, WHOLE_FILE),
    ]
}

impl Writer {
    /// Whether it can write more than whole files.
    fn keeps_state(&self) -> bool {
        self.deeds.contains(&Deed::Flag)
    }
}

fn writer(driver: &'static str, start: Start, deeds: &'static [Deed]) -> Writer {
    Writer {
        driver,
        start,
        deeds,
    }
}

/// A change that a program makes in one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Deed {
    FirstOpening,
    Flag,
    NewKeyword,
    Expunge,
    ExpungeSome,
    AppendOne,
    AppendMany,
    AppendKeyword,
    Create,
    Delete,
    Rename,
}

const DEEDS: &[Deed] = &[
    Deed::FirstOpening,
    Deed::Flag,
    Deed::NewKeyword,
    Deed::Expunge,
    Deed::ExpungeSome,
    Deed::AppendOne,
    Deed::AppendMany,
    Deed::AppendKeyword,
    Deed::Create,
    Deed::Delete,
    Deed::Rename,
];

/// The same where keywords come from the settings.
const OCTAL: &[Deed] = &[
    Deed::FirstOpening,
    Deed::Flag,
    Deed::Expunge,
    Deed::ExpungeSome,
    Deed::AppendOne,
    Deed::AppendMany,
    Deed::Create,
    Deed::Delete,
    Deed::Rename,
];

/// What can be done to INBOX where a driver serves nothing else.
const INBOX_ALONE: &[Deed] = &[
    Deed::FirstOpening,
    Deed::Flag,
    Deed::NewKeyword,
    Deed::Expunge,
    Deed::ExpungeSome,
    Deed::AppendOne,
    Deed::AppendMany,
    Deed::AppendKeyword,
    Deed::Rename,
];

/// Newsgroups are made by others; what is written of them has its own tests.
const NOTHING: &[Deed] = &[];

/// What can be done to a file whatever is in it.
const WHOLE_FILE: &[Deed] = &[Deed::Delete, Deed::Rename];

/// Five delivered messages, one with a line in its text that looks like a message's first.
fn traditional() -> Vec<u8> {
    let mut file = String::new();
    for serial in 1..=5 {
        let text = "a line of text\n>From somebody\n".repeat(serial * 7);
        file.push_str(&format!(
            "From a@b Mon Mar  2 09:00:0{serial} 2026\nSubject: {serial}\n\n{text}\n"
        ));
    }
    file.into_bytes()
}

/// The same, each between two lines of delimiters.
fn delimited() -> Vec<u8> {
    const LINE: &str = "\u{1}\u{1}\u{1}\u{1}\n";
    let mut file = String::new();
    for serial in 1..=5 {
        let text = "a line of text\nFrom somebody\n".repeat(serial * 7);
        file.push_str(&format!(
            "{LINE}From a@b Mon Mar  2 09:00:0{serial} 2026\nSubject: {serial}\n\n{text}{LINE}"
        ));
    }
    file.into_bytes()
}

fn plain() -> Vec<u8> {
    b"no mailbox, a plain text\n".to_vec()
}

/// The programs of a test, one after the other. Each lives some seconds after the one before, so that a UIDVALIDITY
/// that one gave out is not that of another.
#[derive(Clone, Copy)]
pub(crate) enum Program {
    First,
    Doing,
    Looking,
}

/// The environment of one of them.
pub(crate) fn program(desk: &Desk, which: Program, files: Arc<dyn FileLayer>) -> Environment {
    static START: OnceLock<i64> = OnceLock::new();
    let start = *START.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.unwrap_or_default().as_secs() as i64 - 60
    });
    let mut environment = desk.world.another(files);
    let time = start + which as i64;
    environment.clock = Arc::new(move || time);
    environment
}

/// One whose process is no more when others look for it.
pub(crate) fn doomed(desk: &Desk, files: Arc<dyn FileLayer>) -> Environment {
    let mut environment = program(desk, Program::Doing, files);
    // No process has this id.
    environment.process.pid = 999_999_999;
    environment
}

/// A mailbox that a deed can be done to.
pub(crate) struct Scene {
    pub(crate) desk: Desk,
    pub(crate) place: Place,
    new: Place,
    writer: Writer,
}

impl Scene {
    /// The mailbox as `deed` finds it.
    pub(crate) fn set(writer: Writer, deed: Deed) -> Self {
        let desk = Desk::new();
        let home = desk.environment.home.clone();
        let serves_inbox = !writer.deeds.contains(&Deed::Delete);
        let name = if serves_inbox { writer.driver } else { "box" };
        let scene = Self {
            place: Place {
                is_inbox: serves_inbox,
                ..desk.at(home.join(name))
            },
            new: desk.at(home.join("deep/new")),
            desk,
            writer,
        };
        let environment = program(&scene.desk, Program::First, Arc::new(RealFiles));
        let driver = scene.driver(environment);
        match writer.start {
            Start::Delivered(file) => std::fs::write(&scene.place.path, file()).expect("delivered"),
            Start::Made => scene.fill(&*driver),
        }
        if !matches!(deed, Deed::FirstOpening) && writer.keeps_state() {
            let mut opened = open(&*driver, &scene.place, Access::ReadWrite).expect("open");
            if matches!(deed, Deed::Expunge | Deed::ExpungeSome) {
                let uids = pick(&opened, &[0, 2]);
                opened
                    .store(&uids, &add(SystemFlags::DELETED))
                    .expect("stored");
            }
            opened.close().expect("closed");
        }
        scene
    }

    fn driver(&self, environment: Environment) -> Box<dyn LocalDriver> {
        named(self.writer.driver, &Arc::new(environment))
    }

    fn fill(&self, driver: &dyn LocalDriver) {
        let (job, _log) = job();
        driver.create(&self.place, &job).expect("created");
        if !self.writer.keeps_state() {
            return;
        }
        let messages = (1..=5).map(|serial| {
            let text = "a line of text\r\nFrom somebody\r\n".repeat(serial * 7);
            let mut new = message(format!("Subject: {serial}\r\n\r\n{text}").as_bytes());
            new.internal_date = Some(InternalDate {
                seconds: 1_772_000_000 + serial as i64,
                offset: 0,
            });
            new
        });
        let mut queue = Queue(messages.collect());
        driver
            .append(&self.place, &mut queue, &job)
            .expect("appended");
    }

    /// Does the deed as a program with this environment.
    pub(crate) fn run(&self, environment: Environment, deed: Deed) -> Result<()> {
        let driver = self.driver(environment);
        let (job, _log) = job();
        match deed {
            Deed::Create => return driver.create(&self.new, &job),
            Deed::Delete => return driver.delete(&self.place, &job),
            Deed::Rename => return driver.rename(&self.place, &self.new, &job),
            Deed::AppendOne | Deed::AppendMany | Deed::AppendKeyword => {
                let mut queue = Queue(letters(deed));
                return driver.append(&self.place, &mut queue, &job).map(drop);
            }
            _ => {}
        }
        let mut opened = open(&*driver, &self.place, Access::ReadWrite)?;
        let done = match deed {
            Deed::Flag => {
                let uids = pick(&opened, &[1, 3]);
                opened.store(&uids, &add(SystemFlags::FLAGGED))
            }
            Deed::NewKeyword => {
                let uids = pick(&opened, &[0, 4]);
                let words = keywords(&["Work", "a-much-longer-keyword"]);
                let words = Flags::new(SystemFlags::NONE, words);
                opened.store(&uids, &FlagChange::Add(words))
            }
            Deed::Expunge => opened.expunge(None),
            Deed::ExpungeSome => {
                let uids = pick(&opened, &[2, 3]);
                opened.expunge(Some(&uids))
            }
            _ => Ok(()),
        };
        done.and(opened.close())
    }

    /// What the next program finds: it opens for writing, at once, and a further look shows the same. `after` tells
    /// what happened before.
    pub(crate) fn look(&self, after: &str) -> Findings {
        let environment = program(&self.desk, Program::Looking, Arc::new(RealFiles));
        let first = self.look_with(environment, after);
        let environment = program(&self.desk, Program::Looking, Arc::new(RealFiles));
        let left = Journal::new(&environment).left_over().expect("the list");
        let again = self.look_with(environment, after);
        assert!(first == again, "{after}: looking changes it");
        // What was interrupted before there was a mailbox is looked at when there is one.
        if self.writer.keeps_state() && !first.iter().flatten().any(|found| found.is_bare) {
            assert!(left.is_empty(), "{after}: {left:?}");
            for (place, found) in [&self.place, &self.new].into_iter().zip(&first) {
                assert!(
                    found.is_none() || !lock_is_left(place),
                    "{after}: a lock is left"
                );
            }
        }
        first
    }

    /// What is made of a mailbox whose making was interrupted: it is made if need be, and takes a message.
    pub(crate) fn use_new(&self, after: &str) {
        let environment = program(&self.desk, Program::Looking, Arc::new(RealFiles));
        let driver = self.driver(environment);
        let (job, _log) = job();
        if driver.probe(&self.new).expect("looked at") == Probe::Missing {
            driver
                .create(&self.new, &job)
                .unwrap_or_else(|why| panic!("{after}: cannot be made again: {why:?}"));
        }
        let mut queue = Queue(letters(Deed::AppendOne));
        match driver.append(&self.new, &mut queue, &job) {
            Ok(_) => {}
            // An empty file is nobody's where the format has no empty files: it goes, and is made again.
            Err(Error::NotThisFormat { .. })
                if driver.probe(&self.new).expect("looked at") == Probe::Empty =>
            {
                driver.delete(&self.new, &job).expect("deleted");
                return self.use_new(after);
            }
            Err(why) => panic!("{after}: takes no message: {why:?}"),
        }
        let found = self.look(after);
        let count = found[1].as_ref().map(|found| found.messages.len());
        assert_eq!(count, Some(1), "{after}");
    }

    /// Opens the mailbox and closes it again; the program may die there.
    pub(crate) fn glance(&self, environment: Environment) {
        let driver = self.driver(environment);
        if let Ok(opened) = open(&*driver, &self.place, Access::ReadWrite) {
            let _dead = opened.close();
        }
    }

    /// What was in a lock file may be lost when the power goes; then it counts as another program's for five minutes.
    pub(crate) fn forget_locks(&self) {
        forget_locks(&[&self.place, &self.new]);
    }

    fn look_with(&self, environment: Environment, after: &str) -> Findings {
        let environment = Arc::new(environment);
        let driver = named(self.writer.driver, &environment);
        // What was INBOX is an ordinary file under its new name.
        let other = match self.writer.driver {
            "mbox" => "unix",
            same => same,
        };
        let other = named(other, &environment);
        [
            contents(&*driver, &self.place, self.writer, after),
            contents(&*other, &self.new, self.writer, after),
        ]
    }
}

fn named(name: &str, environment: &Arc<Environment>) -> Box<dyn LocalDriver> {
    local_drivers(environment)
        .into_iter()
        .find(|driver| driver.characteristics().driver == name)
        .unwrap_or_else(|| panic!("no driver {name}"))
}

/// Whether a dot lock stands beside a mailbox.
pub(crate) fn lock_is_left(place: &Place) -> bool {
    place.path.with_extension("lock").exists()
}

/// The messages to append.
fn letters(deed: Deed) -> Vec<mugo::driver::message::NewMessage> {
    let mut first = message(b"Subject: 6\r\n\r\nFrom here\r\n");
    first.flags = Flags::system(SystemFlags::SEEN);
    if deed == Deed::AppendKeyword {
        first.flags = Flags::new(SystemFlags::SEEN, keywords(&["Work", "Later"]));
    }
    let mut all = vec![first];
    if deed != Deed::AppendOne {
        all.push(message(&b"Subject: 7\r\n\r\nlong\r\n".repeat(50)));
        all.push(message(b"Subject: 8\r\n\r\n"));
    }
    all
}

/// The UIDs of the messages at these places.
fn pick(opened: &Opened, places: &[usize]) -> Vec<u32> {
    let uids = opened.uids();
    places.iter().map(|&place| uids[place]).collect()
}

/// What is at the two places of a scene; `None` where nothing is.
pub(crate) type Findings = [Option<Contents>; 2];

/// What a mailbox holds.
#[derive(PartialEq, Eq)]
pub(crate) struct Contents {
    /// Without a byte: not even its format is told.
    is_bare: bool,
    uid_validity: Option<u32>,
    messages: Vec<(u32, Flags, InternalDate, Vec<u8>)>,
}

impl Contents {
    pub(crate) fn messages(&self) -> &[(u32, Flags, InternalDate, Vec<u8>)] {
        &self.messages
    }
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:?}", self.uid_validity)?;
        for (uid, flags, date, bytes) in &self.messages {
            let length = bytes.len();
            write!(out, "\n  {uid} {flags:?} {date:?} {length} bytes")?;
        }
        Ok(())
    }
}

fn contents(
    driver: &dyn LocalDriver,
    place: &Place,
    writer: Writer,
    after: &str,
) -> Option<Contents> {
    let mut found = Contents {
        is_bare: false,
        uid_validity: None,
        messages: Vec::new(),
    };
    match driver.probe(place).expect("looked at") {
        Probe::Missing => return None,
        Probe::Empty => {
            found.is_bare = true;
            return Some(found);
        }
        Probe::Mine if !writer.keeps_state() => {
            let bytes = std::fs::read(&place.path).expect("readable");
            let never = InternalDate {
                seconds: 0,
                offset: 0,
            };
            found.messages.push((1, Flags::default(), never, bytes));
            return Some(found);
        }
        Probe::Mine => {}
        Probe::Foreign => panic!("{after}: no longer of the driver {}", writer.driver),
    }
    let mut opened = open(driver, place, Access::ReadWrite)
        .unwrap_or_else(|why| panic!("{after}: does not open: {why:?}"));
    let told = opened.list.state().expect("told").clone();
    let why = &told.why_read_only;
    assert_eq!(told.access, Access::ReadWrite, "{after}: {why:?}");
    for message in opened.list.messages().to_vec() {
        let mut flags = message.flags.clone();
        flags.system = flags.system.without(SystemFlags::RECENT);
        let uid = message.uid.get();
        let bytes = opened.read(uid, Part::Whole);
        assert_eq!(bytes.len() as u64, message.rfc822_size);
        found
            .messages
            .push((uid, flags, message.internal_date, bytes));
    }
    if !found.messages.is_empty() {
        found.uid_validity = told.uid_validity.map(|validity| validity.get());
    }
    opened.close().expect("closed");
    Some(found)
}
