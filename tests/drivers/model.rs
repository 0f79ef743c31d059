//! Random commands on every format of one file against a list in memory, and random bytes against the scan.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use mugo::driver::contract::LocalDriver;
use mugo::driver::place::Place;
use mugo::driver::table::local_drivers;
use mugo::driver::unix::Unix;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::environment::Environment;
use proptest::prelude::*;

use crate::common::random::rounds;
use crate::desk::{Desk, Opened, Queue, job, message, open};

#[derive(Clone, Debug)]
enum Command {
    Append(u8),
    Deliver(u8),
    Flag(u8, bool, u8),
    Expunge,
    Check,
    Reopen,
    Poll,
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => any::<u8>().prop_map(Command::Append),
        2 => any::<u8>().prop_map(Command::Deliver),
        5 => (any::<u8>(), any::<bool>(), 0..3u8).prop_map(|(at, on, flag)| Command::Flag(at, on, flag)),
        2 => Just(Command::Expunge),
        1 => Just(Command::Check),
        2 => Just(Command::Reopen),
        1 => Just(Command::Poll),
    ]
}

const FLAGS: [SystemFlags; 3] = [
    SystemFlags::DELETED,
    SystemFlags::SEEN,
    SystemFlags::FLAGGED,
];

/// A message as the model knows it: its text and its flags.
type Known = (String, SystemFlags);

fn text_of(seed: u8) -> String {
    format!(
        "Subject: {seed}\r\n\r\n{}",
        format!("line {seed}\r\n>From x\r\n").repeat(usize::from(seed % 9))
    )
}

/// How a program that knows no lock puts mail into the file; `None` where there is none.
type Delivery = Option<fn(body: &str) -> String>;

/// The formats, with how mail is delivered into them.
const FORMATS: [(&str, Delivery); 9] = [
    (
        "unix",
        Some(|body| format!("From a@b Mon Mar  2 09:00:00 2026\n{body}\n")),
    ),
    (
        "mmdf",
        Some(|body| {
            format!(
                "\u{1}\u{1}\u{1}\u{1}\nFrom a@b Mon Mar  2 09:00:00 2026\n{body}\u{1}\u{1}\u{1}\u{1}\n"
            )
        }),
    ),
    ("mbx", None),
    ("tenex", None),
    ("mtx", None),
    ("maildir", None),
    ("mx", None),
    ("mh", None),
    ("mix", None),
];

/// The driver of this name.
fn driver(name: &str, environment: &Arc<Environment>) -> Box<dyn LocalDriver> {
    let mut drivers = local_drivers(environment).into_iter();
    let found = drivers.find(|driver| driver.characteristics().driver == name);
    found.unwrap_or_else(|| panic!("no driver {name}"))
}

struct Run {
    name: &'static str,
    delivery: Delivery,
    desk: Desk,
    opened: Option<Opened>,
    model: Vec<Known>,
}

impl Run {
    fn step(&mut self, command: &Command) {
        let place = self.desk.at(self.desk.environment.home.join("box"));
        let opened = self.opened.as_mut().expect("open");
        match command {
            Command::Append(seed) | Command::Deliver(seed) => {
                let text = text_of(*seed);
                match (command, self.delivery) {
                    (Command::Deliver(_), Some(delivered)) => {
                        let mut file = File::options().append(true).open(&place.path);
                        let file = file.as_mut().expect("there");
                        let bytes = delivered(&text.replace('\r', ""));
                        file.write_all(bytes.as_bytes()).expect("delivered");
                    }
                    _ => self.append(&place, &text),
                }
                self.model.push((text, SystemFlags::NONE));
            }
            Command::Flag(at, on, flag) => {
                opened.poll().expect("polled");
                let uids = opened.uids();
                if uids.is_empty() {
                    return;
                }
                let place = usize::from(*at) % uids.len();
                let flag = FLAGS[usize::from(*flag)];
                let change = if *on {
                    FlagChange::Add
                } else {
                    FlagChange::Remove
                };
                opened
                    .store(&[uids[place]], &change(Flags::system(flag)))
                    .expect("stored");
                let known = &mut self.model[place];
                known.1 = if *on {
                    known.1 | flag
                } else {
                    known.1.without(flag)
                };
            }
            Command::Expunge => {
                opened.expunge(None).expect("expunged");
                self.model
                    .retain(|known| !known.1.contains(SystemFlags::DELETED));
            }
            Command::Check => opened.check().expect("checked"),
            Command::Poll => drop(opened.poll().expect("polled")),
            Command::Reopen => {
                self.opened.take().expect("open").close().expect("closed");
                let driver = driver(self.name, &self.desk.environment);
                self.opened = Some(open(&*driver, &place, Access::ReadWrite).expect("open"));
            }
        }
    }

    /// Another Mugo appends.
    fn append(&self, place: &Place, text: &str) {
        let (job, _log) = job();
        let mut queue = Queue(vec![message(text.as_bytes())]);
        let files = Arc::clone(&self.desk.environment.files);
        let other = Arc::new(self.desk.world.another(files));
        driver(self.name, &other)
            .append(place, &mut queue, &job)
            .expect("appended");
    }

    fn compare(&mut self) {
        let opened = self.opened.as_mut().expect("open");
        opened.poll().expect("polled");
        let mut found = Vec::new();
        for message in opened.list.messages().to_vec() {
            let bytes = opened.read(message.uid.get(), Part::Whole);
            assert_eq!(bytes.len() as u64, message.rfc822_size);
            let text = String::from_utf8(bytes).expect("UTF-8");
            found.push((text, message.flags.system.without(SystemFlags::RECENT)));
        }
        assert_eq!(found, self.model, "{}", self.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(rounds(80, 10_000) as u32))]

    #[test]
    fn each_driver_equals_a_list_in_memory(
        (name, delivery) in prop::sample::select(FORMATS.to_vec()),
        commands in prop::collection::vec(command(), 1..14),
    ) {
        let desk = Desk::new();
        let place = desk.at(desk.environment.home.join("box"));
        let (job, _log) = job();
        let driver = driver(name, &desk.environment);
        driver.create(&place, &job).expect("created");
        let opened = open(&*driver, &place, Access::ReadWrite).expect("open");
        let mut run = Run { name, delivery, desk, opened: Some(opened), model: Vec::new() };
        for command in &commands {
            run.step(command);
            run.compare();
        }
        run.step(&Command::Reopen);
        run.compare();
    }

    #[test]
    fn no_bytes_make_the_scan_fail_or_lose_any(pieces in prop::collection::vec(piece(), 0..30)) {
        let desk = Desk::new();
        let mut bytes = b"From a@b Mon Mar  2 09:00:00 2026\n".to_vec();
        bytes.extend(pieces.concat());
        let place = desk.place("box", &bytes);
        let driver = Unix::new(&desk.environment);
        let mut opened = open(&driver, &place, Access::ReadOnly).expect("open");
        let mut before = Vec::new();
        for message in opened.list.messages().to_vec() {
            let whole = opened.read(message.uid.get(), Part::Whole);
            prop_assert_eq!(whole.len() as u64, message.rfc822_size);
            before.push(whole);
        }
        opened.close().expect("closed");
        open(&driver, &place, Access::ReadWrite).expect("open").close().expect("closed");
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        prop_assert_eq!(opened.list.len(), before.len());
        for (message, before) in opened.list.messages().to_vec().into_iter().zip(&before) {
            let whole = opened.read(message.uid.get(), Part::Whole);
            prop_assert_eq!(whole.len() as u64, message.rfc822_size);
            // A header or a last line that was cut off by the end of the file is completed.
            prop_assert!(whole.starts_with(before), "{:?} {:?}", before, whole);
        }
        let once = std::fs::read(&place.path).expect("there");
        opened.close().expect("closed");
        prop_assert_eq!(std::fs::read(&place.path).expect("there"), once);
    }
}

/// Pieces that mean something to the scan, and any bytes.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&[u8]> = vec![
        b"\n",
        b"\n\n",
        b"\r\n",
        b"\r",
        b"From a@b Mon Mar  2 09:00:00 2026\n",
        b"From x\n",
        b"\nFrom ",
        b"X-UID: 4294967295\n",
        b"X-UID: 3\n",
        b"X-IMAP: 1 2 a b\n",
        b"X-IMAPbase: 7 4 Work\n",
        b"Status: RO\n",
        b"x-status: D\n",
        b" folded\n",
        b"X-Keywords: Work\n",
        b"\0\0",
        b"Subject: s\n",
    ];
    prop_oneof![
        4 => prop::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}
