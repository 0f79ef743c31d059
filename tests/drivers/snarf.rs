//! Moving mail from a spool into mailboxes of every format: nothing is lost or doubled, whatever fails and whenever.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use mugo::driver::contract::LocalDriver;
use mugo::driver::error::Error;
use mugo::driver::place::Place;
use mugo::driver::snarf::mover::snarf;
use mugo::driver::snarf::route::{Deleted, End, NoHost, Route, Snarfed};
use mugo::driver::table::local_drivers;
use mugo::mail::flags::SystemFlags;
use mugo::mail::status::Access;
use mugo::os::environment::Environment;
use mugo::os::files::FileLayer;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::common::power::Disk;
use crate::common::random::{Random, rounds};
use crate::desk::{Desk, forget_locks, job, open};

const TARGETS: [&str; 10] = [
    "unix", "mmdf", "mbx", "tenex", "mtx", "mbox", "maildir", "mx", "mh", "mix",
];
const COUNT: usize = 4;

/// A spool with four messages, the first two of them with the same text.
fn spool() -> String {
    let message = |serial: usize| {
        let subject = serial.max(2);
        format!(
            "From a@b Mon Mar  2 09:00:0{serial} 2026\nSubject: new {subject}\nStatus: RO\nX-Status: F\n\ntext\n>From here\n\n"
        )
    };
    (1..=COUNT).map(message).collect()
}

fn driver(environment: &Arc<Environment>, name: &str) -> Box<dyn LocalDriver> {
    let mut all = local_drivers(environment).into_iter();
    all.find(|driver| driver.characteristics().driver == name)
        .expect("a driver")
}

/// A spool, and a mailbox in this format with one message of its own, which says the same as a message of the spool.
fn set_up(desk: &Desk, format: &str) -> (Place, Place) {
    let from = desk.at(desk.environment.spool.clone());
    fs::write(&from.path, spool()).expect("a spool");
    let mut to = desk.at(desk.environment.home.join("box"));
    if format == "mbox" {
        // It serves INBOX, which counts what waits in the spool too.
        to = desk.at(desk.environment.home.join("mbox"));
        to.is_inbox = true;
    }
    let target = driver(&desk.environment, format);
    let (job, _log) = job();
    target.create(&to, &job).expect("made");
    let own = desk.place(
        "own",
        spool()
            .split_inclusive("\n\n")
            .take(2)
            .collect::<String>()
            .as_bytes(),
    );
    let moved = run(&desk.environment, format, &own, &to, Deleted::Moved);
    moved.ended.expect("moved");
    assert_eq!(moved.moved, 1);
    // Now its message is not recent any more.
    open(&*target, &to, Access::ReadWrite)
        .and_then(crate::desk::Opened::close)
        .expect("looked at");
    (from, to)
}

fn run(
    environment: &Arc<Environment>,
    format: &str,
    from: &Place,
    to: &Place,
    deleted: Deleted,
) -> Snarfed {
    let source = driver(environment, "unix");
    let target = driver(environment, format);
    let route = Route {
        from: End {
            driver: &*source,
            place: from,
        },
        to: End {
            driver: &*target,
            place: to,
        },
        deleted,
        leave_empty: false,
    };
    let (job, _log) = job();
    snarf(environment, &route, &mut NoHost, &job)
}

fn with(desk: &Desk, files: Arc<dyn FileLayer>) -> Arc<Environment> {
    let mut environment = desk.world.another(files);
    // Its locks are those of a program that is gone when the next one runs.
    environment.process.pid = 3_999_999;
    Arc::new(environment)
}

/// How many messages there are, and how many of them are flagged.
fn count(desk: &Desk, format: &str, place: &Place) -> (usize, usize) {
    if fs::metadata(&place.path).is_ok_and(|found| found.len() == 0) {
        return (0, 0);
    }
    let opened = open(&*driver(&desk.environment, format), place, Access::ReadOnly).expect("opens");
    let all = opened.list.messages();
    let flagged = all.iter().filter(|it| it.flags.has(SystemFlags::FLAGGED));
    (all.len(), flagged.count())
}

/// After the next run every message is in the mailbox once, and the spool holds none.
fn expect_whole(desk: &Desk, format: &str, (from, to): (&Place, &Place), what: &str) {
    let again = run(&desk.environment, format, from, to, Deleted::Moved);
    assert!(again.ended.is_ok(), "{what}: {again:?}");
    assert_eq!(count(desk, format, to), (COUNT + 1, COUNT + 1), "{what}");
    assert_eq!(count(desk, "unix", from), (0, 0), "{what}");
}

/// What is in a mailbox, a file or a directory, or one with `cur` in it.
fn text_of(path: &Path) -> String {
    let files = fs::read_dir(path.join("cur")).or_else(|_| fs::read_dir(path));
    let files: Vec<_> = match files {
        Ok(files) => files.map(|file| file.expect("readable").path()).collect(),
        Err(_) => vec![path.to_owned()],
    };
    let text = files.iter().map(|file| fs::read(file).expect("a mailbox"));
    let text: Vec<u8> = text.flatten().collect();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn every_message_goes_over_with_its_flags() {
    for format in TARGETS {
        let desk = Desk::new();
        let (from, to) = set_up(&desk, format);
        let moved = run(&desk.environment, format, &from, &to, Deleted::Moved);
        assert!(moved.ended.is_ok(), "{format}: {moved:?}");
        assert_eq!(moved.moved, COUNT as u64);
        assert_eq!(count(&desk, format, &to), (COUNT + 1, COUNT + 1));
        let text = text_of(&to.path);
        assert!(!text.contains("X-Original-"), "{format}: {text}");
        expect_whole(&desk, format, (&from, &to), format);
    }
}

#[test]
fn killed_at_every_operation() {
    for format in TARGETS {
        for at in 0.. {
            let desk = Desk::new();
            let (from, to) = set_up(&desk, format);
            let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
            let environment = with(&desk, Arc::new(layer.clone()));
            let _dead = run(&environment, format, &from, &to, Deleted::Moved);
            drop(environment);
            if !layer.hit() {
                break;
            }
            expect_whole(
                &desk,
                format,
                (&from, &to),
                &format!("{format}, killed at {at}"),
            );
        }
    }
}

#[test]
fn failing_at_every_operation() {
    for format in TARGETS {
        for (op, errno) in [
            (Op::Write, 28),
            (Op::Sync, 5),
            (Op::Read, 5),
            (Op::SetLen, 5),
            (Op::Create, 28),
            (Op::Open, 24),
            (Op::Link, 1),
            (Op::Rename, 5),
            (Op::Remove, 13),
            (Op::SyncDir, 5),
        ] {
            for at in 0.. {
                let desk = Desk::new();
                let (from, to) = set_up(&desk, format);
                let lasting = at % 2 == 0;
                let fault = Fault::Failure {
                    op,
                    at,
                    errno,
                    lasting,
                };
                let layer = Faults::over(Arc::new(RealFiles), fault);
                let environment = with(&desk, Arc::new(layer.clone()));
                let _failed = run(&environment, format, &from, &to, Deleted::Moved);
                drop(environment);
                let what = format!("{format}, {op:?} {at} fails");
                expect_whole(&desk, format, (&from, &to), &what);
                if !layer.hit() {
                    break;
                }
            }
        }
    }
}

#[test]
fn without_power_at_any_operation() {
    for format in TARGETS {
        let desk = Desk::new();
        let (from, to) = set_up(&desk, format);
        let counting = Faults::over(Arc::new(RealFiles), Fault::Death(u64::MAX));
        let environment = with(&desk, Arc::new(counting.clone()));
        let moved = run(&environment, format, &from, &to, Deleted::Moved);
        assert!(moved.ended.is_ok(), "{format}: {moved:?}");
        let operations = counting.count();
        for seed in 0..rounds(60, 2000) {
            let desk = Desk::new();
            let (from, to) = set_up(&desk, format);
            let disk = Disk::default();
            let at = seed % operations;
            let layer = Faults::over(Arc::new(disk.clone()), Fault::Death(at)).with_waiting();
            let environment = with(&desk, Arc::new(layer));
            let _dead = run(&environment, format, &from, &to, Deleted::Moved);
            drop(environment);
            disk.cut_power(Some(Random::new(seed)));
            forget_locks(&[&from, &to]);
            let what = format!("{format}, seed {seed}, no power at {at}");
            expect_whole(&desk, format, (&from, &to), &what);
        }
    }
}

#[test]
fn short_writes_are_completed() {
    for format in TARGETS {
        let desk = Desk::new();
        let (from, to) = set_up(&desk, format);
        let layer = Faults::over(Arc::new(RealFiles), Fault::None).with_short_writes();
        let environment = with(&desk, Arc::new(layer));
        let moved = run(&environment, format, &from, &to, Deleted::Moved);
        assert!(moved.ended.is_ok(), "{moved:?}");
        expect_whole(&desk, format, (&from, &to), format);
    }
}

#[test]
fn mail_that_comes_meanwhile_stays_and_goes_over_next_time() {
    let late =
        "From a@b Mon Mar  2 10:00:00 2026\nSubject: late\nStatus: R\nX-Status: F\n\nlate\n\n";
    for format in TARGETS {
        for at in 0..60 {
            let desk = Desk::new();
            let (from, to) = set_up(&desk, format);
            let path = from.path.clone();
            let layer = Faults::over(Arc::new(RealFiles), Fault::None);
            let layer = layer.with_intruder(at, move || append(&path, late));
            let environment = with(&desk, Arc::new(layer.clone()));
            let _moved = run(&environment, format, &from, &to, Deleted::Moved);
            drop(environment);
            let came = usize::from(layer.trace().len() > at);
            let again = run(&desk.environment, format, &from, &to, Deleted::Moved);
            assert!(again.ended.is_ok(), "{format} at {at}: {again:?}");
            let all = COUNT + 1 + came;
            assert_eq!(
                count(&desk, format, &to),
                (all, all),
                "{format} at {at}: {:?}",
                layer.trace().get(at)
            );
            assert_eq!(count(&desk, "unix", &from), (0, 0), "{format} at {at}");
            if came == 0 {
                break;
            }
        }
    }
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new()
        .append(true)
        .open(path)
        .expect("the spool");
    file.write_all(text.as_bytes()).expect("room");
}

#[test]
fn a_spool_that_others_have_open_or_that_is_the_mailbox_itself_is_left_alone() {
    let desk = Desk::new();
    let (from, to) = set_up(&desk, "unix");
    let before = fs::read(&from.path).expect("a spool");
    let other = with(&desk, Arc::new(RealFiles));
    let held = open(&*driver(&other, "unix"), &from, Access::ReadWrite).expect("opens");
    let moved = run(&desk.environment, "unix", &from, &to, Deleted::Moved);
    assert!(
        matches!(moved.ended, Err(Error::Locked { .. })),
        "{moved:?}"
    );
    drop(held);
    assert_eq!(fs::read(&from.path).expect("a spool"), before);
    let moved = run(&desk.environment, "unix", &from, &from, Deleted::Moved);
    assert!(matches!(moved.ended, Err(Error::Refused(_))), "{moved:?}");
    assert_eq!(fs::read(&from.path).expect("a spool"), before);
    let mut looking = desk.world.another(Arc::new(RealFiles));
    looking.read_only = true;
    let moved = run(&Arc::new(looking), "unix", &from, &to, Deleted::Moved);
    assert!(matches!(moved.ended, Err(Error::ReadOnly)), "{moved:?}");
    expect_whole(&desk, "unix", (&from, &to), "free again");
}
