//! The program is killed, the disk is full or fails, the power goes, at every operation of every change: afterwards the mailbox
//! holds everything old or everything new, no message lost, doubled or damaged, and no lock has to be waited for.

use std::sync::Arc;

use mugo::driver::contract::LocalDriver;
use mugo::driver::error::Result;
use mugo::driver::place::Place;
use mugo::driver::unix::Unix;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::environment::Environment;
use mugo::os::files::FileLayer;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::common::power::Disk;
use crate::common::random::{Random, rounds};
use crate::desk::{Desk, Queue, add, job, keywords, message, open};

/// A change that a program makes in one run.
#[derive(Clone, Copy, Debug)]
enum Deed {
    FirstOpening,
    Flag,
    NewKeyword,
    Expunge,
    Append,
    AppendKeyword,
}

const DEEDS: [Deed; 6] = [
    Deed::FirstOpening,
    Deed::Flag,
    Deed::NewKeyword,
    Deed::Expunge,
    Deed::Append,
    Deed::AppendKeyword,
];

/// Five delivered messages, one with a line in its text that looks like a message's first.
fn delivered() -> Vec<u8> {
    let mut file = String::new();
    for serial in 1..=5 {
        let text = "a line of text\n>From somebody\n".repeat(serial * 7);
        file.push_str(&format!(
            "From a@b Mon Mar  2 09:00:0{serial} 2026\nSubject: {serial}\n\n{text}\n"
        ));
    }
    file.into_bytes()
}

/// The mailbox as the deed finds it.
fn set_up(desk: &Desk, deed: Deed) -> Place {
    let place = desk.place("box", &delivered());
    if !matches!(deed, Deed::FirstOpening) {
        let mut opened =
            open(&Unix::new(&desk.environment), &place, Access::ReadWrite).expect("open");
        if matches!(deed, Deed::Expunge) {
            opened
                .store(&[1, 3], &add(SystemFlags::DELETED))
                .expect("stored");
        }
        opened.close().expect("closed");
    }
    place
}

fn run(environment: Environment, place: &Place, deed: Deed) -> Result<()> {
    let driver = Unix::new(&Arc::new(environment));
    if matches!(deed, Deed::Append | Deed::AppendKeyword) {
        let (job, _log) = job();
        let mut first = message(b"Subject: 6\r\n\r\nFrom here\r\n");
        first.flags = Flags::system(SystemFlags::SEEN);
        if matches!(deed, Deed::AppendKeyword) {
            first.flags = Flags::new(SystemFlags::SEEN, keywords(&["Work", "Later"]));
        }
        let second = message(&b"Subject: 7\r\n\r\nlong\r\n".repeat(50));
        return driver
            .append(place, &mut Queue(vec![first, second]), &job)
            .map(drop);
    }
    let mut opened = open(&driver, place, Access::ReadWrite)?;
    let done = match deed {
        Deed::Flag => opened.store(&[2, 4], &add(SystemFlags::FLAGGED)),
        Deed::NewKeyword => {
            let words = Flags::new(
                SystemFlags::NONE,
                keywords(&["Work", "a-much-longer-keyword"]),
            );
            opened.store(&[1, 5], &FlagChange::Add(words))
        }
        Deed::Expunge => opened.expunge(None),
        _ => Ok(()),
    };
    done.and(opened.close())
}

/// What a reader finds: of each message its UID, flags and bytes.
type State = Vec<(u32, Flags, Vec<u8>)>;

fn state(desk: &Desk, place: &Place) -> State {
    let mut opened =
        open(&Unix::new(&desk.environment), place, Access::ReadWrite).expect("opens at once");
    let told = opened.list.state().expect("told");
    assert_eq!(told.access, Access::ReadWrite, "{:?}", told.why_read_only);
    let mut state = State::new();
    for message in opened.list.messages().to_vec() {
        let mut flags = message.flags.clone();
        flags.system = flags.system.without(SystemFlags::RECENT);
        let uid = message.uid.get();
        state.push((uid, flags, opened.read(uid, Part::Whole)));
    }
    state
}

/// The states before and after a deed that nothing disturbs.
fn old_and_new(deed: Deed) -> (State, State) {
    let desk = Desk::new();
    let place = set_up(&desk, deed);
    let old = state(&desk, &place);
    run(desk.world.another(Arc::new(RealFiles)), &place, deed).expect("undisturbed");
    (old, state(&desk, &place))
}

/// An environment of a program that is dead when others look for it.
fn doomed(desk: &Desk, files: Arc<dyn FileLayer>) -> Environment {
    let mut environment = desk.world.another(files);
    // No process has this id.
    environment.process.pid = 999_999_999;
    environment
}

fn expect_old_or_new(deed: Deed, at: &str, found: &State, both: &(State, State)) {
    let (old, new) = both;
    assert!(
        found == old || found == new,
        "{deed:?} {at}: {:?}",
        found
            .iter()
            .map(|message| (message.0, &message.1))
            .collect::<Vec<_>>()
    );
}

#[test]
fn killed_at_any_operation() {
    for deed in DEEDS {
        let both = old_and_new(deed);
        for at in 0.. {
            let desk = Desk::new();
            let place = set_up(&desk, deed);
            let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
            let done = run(doomed(&desk, Arc::new(layer.clone())), &place, deed);
            if !layer.hit() {
                done.expect("undisturbed");
                assert!(at > 4, "{deed:?} did nothing");
                break;
            }
            let found = state(&desk, &place);
            expect_old_or_new(deed, &format!("killed at {at}"), &found, &both);
        }
    }
}

#[test]
fn refused_by_the_disk_at_any_operation() {
    const ENOSPC: i32 = 28;
    const EIO: i32 = 5;
    for deed in DEEDS {
        let both = old_and_new(deed);
        for (op, errno, lasting) in [
            (Op::Write, ENOSPC, true),
            (Op::Write, EIO, false),
            (Op::Reserve, ENOSPC, true),
            (Op::SetLen, EIO, false),
            (Op::Sync, EIO, false),
        ] {
            for at in 0.. {
                let desk = Desk::new();
                let place = set_up(&desk, deed);
                let fault = Fault::Failure {
                    op,
                    at,
                    errno,
                    lasting,
                };
                let layer = Faults::over(Arc::new(RealFiles), fault);
                let done = run(desk.world.another(Arc::new(layer.clone())), &place, deed);
                let lock = place.path.with_extension("lock");
                assert!(!lock.exists(), "{deed:?} {op:?} {at}: a lock is left");
                let found = state(&desk, &place);
                let what = format!("{op:?} {errno} at {at}, {done:?}");
                expect_old_or_new(deed, &what, &found, &both);
                if done.is_ok() {
                    assert!(found == both.1, "{deed:?} {what}: called done");
                }
                if !layer.hit() {
                    break;
                }
            }
        }
    }
}

#[test]
fn written_byte_by_byte() {
    for deed in DEEDS {
        let both = old_and_new(deed);
        let desk = Desk::new();
        let place = set_up(&desk, deed);
        let layer = Faults::over(Arc::new(RealFiles), Fault::None).with_short_writes();
        run(desk.world.another(Arc::new(layer)), &place, deed).expect("completed");
        assert!(state(&desk, &place) == both.1, "{deed:?}");
    }
}

#[test]
fn without_power_at_any_operation() {
    for deed in DEEDS {
        let both = old_and_new(deed);
        for seed in 0..rounds(12, 1000) {
            let mut random = Random::new(seed);
            let desk = Desk::new();
            let place = set_up(&desk, deed);
            let disk = Disk::default();
            let at = random.below(60);
            let layer = Faults::over(Arc::new(disk.clone()), Fault::Death(at)).with_waiting();
            let done = run(doomed(&desk, Arc::new(layer)), &place, deed);
            disk.cut_power(Some(random));
            // What was in the lock file may be lost too; then it counts as another program's for five minutes.
            let _ = std::fs::remove_file(place.path.with_extension("lock"));
            let found = state(&desk, &place);
            let what = format!("seed {seed} cut at {at}");
            expect_old_or_new(deed, &what, &found, &both);
            if done.is_ok() {
                assert!(found == both.1, "{deed:?} {what}: called done");
            }
        }
    }
}
