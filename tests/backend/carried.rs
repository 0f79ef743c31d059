//! Whole copies and moves between real mailboxes of every format, with a fault at every operation: afterwards each message
//! is where it was or where it belongs, once, with its flags and date.

use std::sync::Arc;

use mugo::backend::error::Error;
use mugo::backend::event::Event;
use mugo::backend::move_record::MoveRecord;
use mugo::backend::request::{Ask, MailboxId, Request, Submission};
use mugo::mail::date::InternalDate;
use mugo::mail::flags::{FlagChange, Flags, Keyword, SystemFlags};
use mugo::mail::message_list::MessageList;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::mail::summary::Summary;
use mugo::os::files::FileLayer;
use mugo::os::naming::Naming;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::common::power::Disk;
use crate::common::random::{Random, rounds};
use crate::face::{Face, Kind, named, uids};

/// From which format into which. All pairs at night.
fn pairs() -> Vec<(&'static str, &'static str)> {
    let near = [
        ("unix", "unix"),
        ("unix", "mmdf"),
        ("mbx", "unix"),
        ("mmdf", "mbx"),
        ("tenex", "mbx"),
        ("unix", "mtx"),
        ("mbx", "maildir"),
        ("maildir", "unix"),
        ("mx", "mbx"),
        ("unix", "mx"),
        ("mh", "unix"),
        ("mbx", "mh"),
        ("mx", "mix"),
        ("mix", "unix"),
    ];
    let all = FORMATS
        .iter()
        .flat_map(|&from| FORMATS.map(|to| (from, to)));
    match rounds(0, 1) {
        0 => near.to_vec(),
        _ => all.collect(),
    }
}

const FORMATS: [&str; 9] = [
    "unix", "mmdf", "mbx", "tenex", "mtx", "maildir", "mx", "mh", "mix",
];

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Copy,
    Move,
}

const WAYS: [Way; 2] = [Way::Copy, Way::Move];

type Message = (u32, Flags, InternalDate, Vec<u8>);

/// Two mailboxes: where mail comes from and where it goes.
#[derive(Clone, PartialEq, Eq)]
struct Both([Vec<Message>; 2]);

impl std::fmt::Debug for Both {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, messages) in ["from", "to"].iter().zip(&self.0) {
            writeln!(out, "\n{name}:")?;
            for (uid, flags, date, bytes) in messages {
                let text = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]);
                writeln!(out, "  {uid} {flags:?} {date:?} {text:?}")?;
            }
        }
        Ok(())
    }
}

fn letter(serial: i64, flags: Flags) -> Submission {
    let body =
        format!("line {serial}\nFrom here on\n\u{1}\u{1}\u{1}\u{1}\n").repeat(serial as usize * 5);
    Submission {
        flags,
        internal_date: Some(InternalDate {
            seconds: 1_772_000_000 + serial,
            offset: 60,
        }),
        source: Box::new(std::io::Cursor::new(
            format!("Subject: {serial}\n\n{body}").into_bytes(),
        )),
    }
}

fn fill(face: &mut Face, name: &str, format: &str, letters: Vec<Submission>) {
    let made = face.done(Request::Create(named(&format!("#driver.{format}/{name}"))));
    assert!(made.result.is_ok(), "{format}: {:?}", made.result);
    let appended = face.done(Request::Append(named(name), letters));
    assert!(appended.result.is_ok(), "{format}: {:?}", appended.result);
    // The first opening may write; it is over when the move begins.
    open(face, name);
    face.served(looking_at(name), Ask::Close);
}

/// Each mailbox is looked at once by each program.
fn looking_at(name: &str) -> MailboxId {
    MailboxId(if name == "from" { 11 } else { 12 })
}

fn open(face: &mut Face, name: &str) -> Vec<Summary> {
    let outcome = face.done(Request::Open {
        mailbox: looking_at(name),
        name: named(name),
        access: Access::ReadWrite,
    });
    assert!(outcome.result.is_ok(), "{name}: {:?}", outcome.result);
    let mut list = MessageList::new();
    for event in &outcome.events {
        if let Event::Change(_, change) = event {
            list.apply(change);
        }
    }
    list.messages().to_vec()
}

fn contents(face: &mut Face, name: &str) -> Vec<Message> {
    let mut found = Vec::new();
    for summary in open(face, name) {
        let mut flags = summary.flags.clone();
        flags.system = flags.system.without(SystemFlags::RECENT);
        let read = face.served(looking_at(name), Ask::Read(summary.uid, Part::Whole));
        assert!(read.result.is_ok(), "{name}: {:?}", read.result);
        found.push((
            summary.uid.get(),
            flags,
            summary.internal_date,
            read.bytes(),
        ));
    }
    face.served(looking_at(name), Ask::Close);
    found
}

/// What the next program finds. It opens the mailbox where the mail came from first.
fn look(face: &mut Face) -> Both {
    Both(["from", "to"].map(|name| contents(face, name)))
}

/// Two mailboxes in their formats; the program that carries mail has these files, and is dead when others look for it.
fn scene(pair: (&str, &str), files: Arc<dyn FileLayer>) -> Face {
    let mut face = Face::new(Kind::Real);
    let work = Keyword::new("work").expect("a keyword");
    let flags = [
        Flags::new(SystemFlags::FLAGGED, vec![work]),
        Flags::system(SystemFlags::SEEN),
        Flags::system(SystemFlags::ANSWERED),
        Flags::system(SystemFlags::DELETED),
    ];
    let letters = (1..)
        .zip(flags)
        .map(|(serial, flags)| letter(serial, flags));
    fill(&mut face, "from", pair.0, letters.collect());
    fill(&mut face, "to", pair.1, vec![letter(9, Flags::default())]);
    face.next_program_with(|environment| {
        environment.files = files;
        environment.process.start += 1;
    })
}

/// Carries two messages. What came of it, or `None` if the mailbox could not even be opened.
fn carry(face: &mut Face, way: Way) -> Option<Result<(), Error>> {
    let opened = face.done(Request::Open {
        mailbox: MailboxId(1),
        name: named("from"),
        access: Access::ReadWrite,
    });
    opened.result.ok()?;
    let order = Ask::Copy {
        uids: uids(&[1, 3]),
        to: named("to"),
        create: false,
        remove: way == Way::Move,
    };
    let result = face.served(MailboxId(1), order).result;
    face.shutdown();
    Some(result)
}

/// What is to be carried, and what is there before and after.
struct Case {
    pair: (&'static str, &'static str),
    way: Way,
    old: Both,
    new: Both,
    operations: u64,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for pair in pairs() {
            for way in WAYS {
                let old = look(&mut scene(pair, Arc::new(RealFiles)));
                let layer = Faults::over(Arc::new(RealFiles), Fault::None);
                let mut face = scene(pair, Arc::new(layer.clone()));
                let done = carry(&mut face, way);
                assert!(matches!(done, Some(Ok(()))), "{pair:?} {way:?}: {done:?}");
                let new = look(&mut face.next_program());
                let gone = if way == Way::Move { 2 } else { 0 };
                assert_eq!((new.0[0].len(), new.0[1].len()), (4 - gone, 3));
                all.push(Self {
                    pair,
                    way,
                    old,
                    new,
                    operations: layer.count(),
                });
            }
        }
        all
    }

    /// Lets a program carry mail over `files`; `after` comes between it and the next one, which is to find all old or all
    /// new.
    fn run(&self, files: Arc<dyn FileLayer>, after: impl FnOnce(&Face), what: &str) {
        let mut face = scene(self.pair, files);
        let result = carry(&mut face, self.way);
        if face.backend.is_some() {
            face.shutdown();
        }
        after(&face);
        let mut next = face.next_program();
        let found = look(&mut next);
        let name = format!("{:?} {:?} {what}, {result:?}", self.pair, self.way);
        match &result {
            Some(Ok(())) => assert_eq!(found, self.new, "{name}: called done"),
            // Told in words, so that nobody repeats it: the copies are there and the originals too.
            Some(Err(Error::NotRemoved(_))) if found.0[1] == self.new.0[1] => {
                let texts = |both: &Both| -> Vec<_> {
                    both.0[0].iter().map(|message| message.3.clone()).collect()
                };
                let texts_found = texts(&found);
                assert!(
                    texts_found == texts(&self.old) || texts_found == texts(&self.new),
                    "{name}: {found:?}"
                );
            }
            _ => assert!(
                found == self.old || found == self.new,
                "{name}: {found:?}\nold: {:?}\nnew: {:?}",
                self.old,
                self.new
            ),
        }
        // One that was cut off before its end is nobody's.
        let records = MoveRecord::all(&next.world.environment)
            .into_iter()
            .filter(|(_, record)| record.is_some())
            .count();
        assert_eq!(records, 0, "{name}: a record is left");
        next.shutdown();
    }
}

#[test]
fn r10_killed_at_any_operation() {
    for case in Case::all() {
        for at in 0..case.operations + 2 {
            let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
            case.run(Arc::new(layer), |_| {}, &format!("killed at {at}"));
        }
    }
}

#[test]
fn r10_refused_by_the_disk_at_any_operation() {
    const ENOSPC: i32 = 28;
    const EIO: i32 = 5;
    for case in Case::all() {
        for (op, errno, lasting) in [
            (Op::Write, ENOSPC, true),
            (Op::Write, EIO, false),
            (Op::Sync, EIO, false),
            (Op::SetLen, EIO, false),
            (Op::Rename, EIO, false),
        ] {
            for at in 0.. {
                let fault = Fault::Failure {
                    op,
                    at,
                    errno,
                    lasting,
                };
                let layer = Faults::over(Arc::new(RealFiles), fault);
                let files = Arc::new(layer.clone());
                case.run(files, |_| {}, &format!("{op:?} {errno} at {at}"));
                if !layer.hit() {
                    break;
                }
            }
        }
    }
}

#[test]
fn r8_written_byte_by_byte_and_killed_there() {
    for case in Case::all() {
        let layer = Faults::over(Arc::new(RealFiles), Fault::None).with_short_writes();
        case.run(Arc::new(layer.clone()), |_| {}, "byte by byte");
        let mut random = Random::new(3);
        for _ in 0..rounds(6, 100) {
            let at = random.below(layer.count());
            let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at)).with_short_writes();
            case.run(Arc::new(layer), |_| {}, &format!("byte by byte to {at}"));
        }
    }
}

#[test]
fn r4_without_power_at_any_operation() {
    for case in Case::all() {
        for seed in 0..rounds(25, 1000) {
            let mut random = Random::new(seed);
            let disk = Disk::default();
            let at = random.below(case.operations + 1);
            let layer = Faults::over(Arc::new(disk.clone()), Fault::Death(at)).with_waiting();
            let cut = |face: &Face| {
                disk.cut_power(Some(random));
                // What was in a lock file may be lost too; then it counts as another program's for five minutes.
                for name in ["from.lock", "to.lock"] {
                    let _none = std::fs::remove_file(face.path(name));
                }
            };
            case.run(Arc::new(layer), cut, &format!("seed {seed} cut at {at}"));
        }
    }
}

#[test]
fn what_takes_no_mail_refuses_it_and_all_stays() {
    for (name, content) in [("plain", "a text, no mailbox\n"), ("folder/", "")] {
        let mut face = Face::with(Kind::Real, |environment| {
            environment.naming = Naming::default();
        });
        fill(&mut face, "from", "unix", vec![letter(1, Flags::default())]);
        if name.ends_with('/') {
            std::fs::create_dir(face.path(name)).expect("a folder");
        } else {
            std::fs::write(face.path(name), content).expect("a file");
        }
        let before = std::fs::read(face.path("from")).expect("the mailbox");
        let opened = face.done(Request::Open {
            mailbox: MailboxId(1),
            name: named("from"),
            access: Access::ReadWrite,
        });
        assert!(opened.result.is_ok());
        let order = Ask::Copy {
            uids: uids(&[1]),
            to: named(name.trim_end_matches('/')),
            create: true,
            remove: true,
        };
        let refused = face.served(MailboxId(1), order).result;
        assert!(refused.is_err(), "{name}");
        face.shutdown();
        assert_eq!(
            std::fs::read(face.path("from")).expect("the mailbox"),
            before
        );
        if !content.is_empty() {
            let after = std::fs::read_to_string(face.path(name)).expect("the file");
            assert_eq!(after, content);
        }
    }
}

#[test]
fn r10_killed_again_while_the_move_is_being_finished() {
    for case in Case::all() {
        if case.way == Way::Copy {
            continue;
        }
        let step = rounds(5, 1) as usize;
        for at in (0..case.operations).step_by(step) {
            let again = Random::new(at).below(60);
            let what = format!("killed at {at}, then at {again}");
            let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
            let second = |face: &Face| {
                let mut environment = face.world.another(Arc::new(Faults::over(
                    Arc::new(RealFiles),
                    Fault::Death(again),
                )));
                environment.process.start += 2;
                open_and_die(environment);
            };
            case.run(Arc::new(layer), second, &what);
        }
    }
}

/// A program that opens the mailbox and dies in the middle of that.
fn open_and_die(environment: mugo::os::environment::Environment) {
    use mugo::backend::backend::{Backend, BackendOptions};
    use mugo::backend::request::Ticket;
    use std::time::Duration;
    let mut backend = Backend::new(Arc::new(environment), BackendOptions::default());
    let request = Request::Open {
        mailbox: MailboxId(1),
        name: named("from"),
        access: Access::ReadWrite,
    };
    backend.ask(Ticket(1), request);
    while let Some(event) = backend.next_blocking(Some(Duration::from_secs(5))) {
        if matches!(event, Event::Finished(..)) {
            break;
        }
    }
    backend.shutdown(Duration::from_secs(5));
}

#[test]
fn flags_of_the_source_are_not_lost_with_the_move() {
    // What was set but not yet written when the move began is in the copies too.
    let mut face = scene(("unix", "unix"), Arc::new(RealFiles));
    let opened = face.done(Request::Open {
        mailbox: MailboxId(1),
        name: named("from"),
        access: Access::ReadWrite,
    });
    assert!(opened.result.is_ok());
    let drafts = FlagChange::Add(Flags::system(SystemFlags::DRAFT));
    face.served(MailboxId(1), Ask::Store(uids(&[1]), drafts));
    let order = Ask::Copy {
        uids: uids(&[1]),
        to: named("to"),
        create: false,
        remove: true,
    };
    assert!(face.served(MailboxId(1), order).result.is_ok());
    face.shutdown();
    let found = look(&mut face.next_program());
    let moved = &found.0[1][1];
    assert!(
        moved
            .1
            .system
            .contains(SystemFlags::DRAFT | SystemFlags::FLAGGED)
    );
}
