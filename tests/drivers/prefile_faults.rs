//! The program is killed, the disk is full or fails, the power goes, at every operation of every change of a mailbox whose
//! state stands in lines: afterwards it holds everything old or everything new, and no lock has to be waited for.

use std::sync::Arc;

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::error::Result;
use mugo::driver::mbx::Mbx;
use mugo::driver::place::Place;
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
use crate::mbx::file;

/// A change that a program makes in one run.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Deed {
    FirstOpening,
    Flag,
    Flags,
    NewKeyword,
    Expunge,
    SharedExpunge,
    Append,
    AppendOne,
    AppendKeyword,
    LargeAppend,
}

const DEEDS: [Deed; 10] = [
    Deed::FirstOpening,
    Deed::Flag,
    Deed::Flags,
    Deed::NewKeyword,
    Deed::Expunge,
    Deed::SharedExpunge,
    Deed::Append,
    Deed::AppendOne,
    Deed::AppendKeyword,
    Deed::LargeAppend,
];

impl Deed {
    fn appends(self) -> bool {
        matches!(
            self,
            Self::Append | Self::AppendOne | Self::AppendKeyword | Self::LargeAppend
        )
    }
}

/// The mailbox as the deed finds it.
fn set_up(desk: &Desk, deed: Deed) -> Place {
    let texts: Vec<String> = (1..=5)
        .map(|serial| {
            format!(
                "Subject: {serial}\r\n\r\n{}",
                "a line\r\n".repeat(serial * 9)
            )
        })
        .collect();
    let flags = |serial: usize| match deed {
        Deed::FirstOpening => 0,
        Deed::Expunge | Deed::SharedExpunge if serial % 2 == 1 => 0x12,
        _ => 0x10,
    };
    let messages: Vec<(u16, u32, &str)> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let uid = if deed == Deed::FirstOpening {
                0
            } else {
                at + 1
            };
            (flags(at + 1), uid as u32, &**text)
        })
        .collect();
    let last = if deed == Deed::FirstOpening { 0 } else { 5 };
    desk.place("box", &file(last, &messages))
}

fn run(environment: Environment, place: &Place, deed: Deed) -> Result<()> {
    let driver = Mbx::new(&Arc::new(environment));
    if deed.appends() {
        let (job, _log) = job();
        let mut first = message(b"Subject: 6\r\n\r\nFrom here\r\n");
        first.flags = Flags::system(SystemFlags::SEEN);
        if deed == Deed::AppendKeyword {
            first.flags = Flags::new(SystemFlags::SEEN, keywords(&["Work", "Later"]));
        }
        let times = if deed == Deed::LargeAppend {
            90_000
        } else {
            50
        };
        let second = message(&b"Subject: 7\r\n\r\nlong\r\n".repeat(times));
        let queue = match deed {
            Deed::AppendOne => vec![second],
            _ => vec![first, second],
        };
        return driver.append(place, &mut Queue(queue), &job).map(drop);
    }
    let mut opened = open(&driver, place, Access::ReadWrite)?;
    let done = match deed {
        Deed::Flag => opened.store(&[2], &add(SystemFlags::FLAGGED)),
        Deed::Flags => opened.store(&[2, 4], &add(SystemFlags::FLAGGED)),
        Deed::NewKeyword => {
            let words = Flags::new(SystemFlags::NONE, keywords(&["Work", "a-long-keyword"]));
            opened.store(&[1, 5], &FlagChange::Add(words))
        }
        Deed::Expunge | Deed::SharedExpunge => opened.expunge(None),
        _ => Ok(()),
    };
    done.and(opened.close())
}

/// Somebody else who has the mailbox open, where the deed wants that.
fn companion(desk: &Desk, place: &Place, deed: Deed) -> Option<crate::desk::Opened> {
    let shared = deed == Deed::SharedExpunge;
    let driver = Mbx::new(&Arc::new(desk.world.another(Arc::new(RealFiles))));
    shared.then(|| open(&driver, place, Access::ReadOnly).expect("open"))
}

/// What a reader finds: of each message its UID, flags and bytes.
type State = Vec<(u32, Flags, Vec<u8>)>;

fn state(desk: &Desk, place: &Place) -> State {
    let mut opened =
        open(&Mbx::new(&desk.environment), place, Access::ReadWrite).expect("opens at once");
    let told = opened.list.state().expect("told");
    assert_eq!(told.access, Access::ReadWrite, "{:?}", told.why_read_only);
    let mut state = State::new();
    for message in opened.list.messages().to_vec() {
        let mut flags = message.flags.clone();
        flags.system = flags.system.without(SystemFlags::RECENT);
        let uid = message.uid.get();
        state.push((uid, flags, opened.read(uid, Part::Whole)));
    }
    opened.close().expect("closed");
    state
}

/// The states before and after a deed that nothing disturbs.
fn old_and_new(deed: Deed) -> (State, State) {
    let desk = Desk::new();
    let place = set_up(&desk, deed);
    let old = state(&desk, &place);
    let place = set_up(&desk, deed);
    let companion = companion(&desk, &place, deed);
    run(desk.world.another(Arc::new(RealFiles)), &place, deed).expect("undisturbed");
    drop(companion);
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
            .map(|message| (message.0, &message.1, message.2.len()))
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
            let companion = companion(&desk, &place, deed);
            let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
            let done = run(doomed(&desk, Arc::new(layer.clone())), &place, deed);
            drop(companion);
            if !layer.hit() {
                done.expect("undisturbed");
                assert!(at > 3, "{deed:?} did nothing");
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
                let companion = companion(&desk, &place, deed);
                let fault = Fault::Failure {
                    op,
                    at,
                    errno,
                    lasting,
                };
                let layer = Faults::over(Arc::new(RealFiles), fault);
                let done = run(desk.world.another(Arc::new(layer.clone())), &place, deed);
                drop(companion);
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
    for deed in DEEDS.into_iter().filter(|deed| *deed != Deed::LargeAppend) {
        let both = old_and_new(deed);
        let desk = Desk::new();
        let place = set_up(&desk, deed);
        let companion = companion(&desk, &place, deed);
        let layer = Faults::over(Arc::new(RealFiles), Fault::None).with_short_writes();
        run(desk.world.another(Arc::new(layer)), &place, deed).expect("completed");
        drop(companion);
        assert!(state(&desk, &place) == both.1, "{deed:?}");
    }
}

/// How many operations a deed takes that nothing disturbs.
fn operations(deed: Deed) -> u64 {
    let desk = Desk::new();
    let place = set_up(&desk, deed);
    let layer = Faults::over(Arc::new(RealFiles), Fault::None);
    let files = Arc::new(layer.clone());
    run(desk.world.another(files), &place, deed).expect("undisturbed");
    layer.count()
}

#[test]
fn without_power_at_any_operation() {
    for deed in DEEDS
        .into_iter()
        .filter(|deed| *deed != Deed::SharedExpunge)
    {
        let both = old_and_new(deed);
        let operations = operations(deed);
        let rounds = match deed {
            Deed::LargeAppend => 4,
            Deed::AppendOne => 96,
            _ => 12,
        };
        for seed in 0..self::rounds(rounds, 1000) {
            let random = Random::new(seed);
            let desk = Desk::new();
            let place = set_up(&desk, deed);
            let disk = Disk::default();
            // The last ones matter most: there what is new begins to count.
            let at = operations - 1 - seed % operations.min(if seed % 24 < 16 { 8 } else { 60 });
            let layer = Faults::over(Arc::new(disk.clone()), Fault::Death(at)).with_waiting();
            let done = run(doomed(&desk, Arc::new(layer)), &place, deed);
            disk.cut_power(Some(random));
            let found = state(&desk, &place);
            let what = format!("seed {seed} cut at {at}");
            expect_old_or_new(deed, &what, &found, &both);
            if done.is_ok() {
                assert!(found == both.1, "{deed:?} {what}: called done");
            }
        }
    }
}

#[test]
fn a_creation_that_was_killed_leaves_nothing_or_a_mailbox() {
    for at in 0.. {
        let desk = Desk::new();
        let place = desk.at(desk.environment.home.join("new"));
        let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
        let (job, _log) = job();
        let done = Mbx::new(&Arc::new(doomed(&desk, Arc::new(layer.clone())))).create(&place, &job);
        let driver = Mbx::new(&desk.environment);
        match driver.probe(&place).expect("looked at") {
            Probe::Missing | Probe::Empty => assert!(done.is_err()),
            Probe::Mine => assert!(state(&desk, &place).is_empty()),
            Probe::Foreign => panic!("killed at {at}"),
        }
        if !layer.hit() {
            done.expect("undisturbed");
            break;
        }
    }
}

/// A message as mailboxes in mbx format hold it, with its line.
fn appended(uid: u32, size: usize, text: &str) -> Vec<u8> {
    let line = format!(" 2-Mar-2026 10:20:31 +0100,{size};000000000000-{uid:08x}\r\n");
    [line.as_bytes(), text.as_bytes()].concat()
}

#[test]
fn a_note_that_stayed_cuts_off_nothing_that_was_told_as_done() {
    let desk = Desk::new();
    let place = set_up(&desk, Deed::AppendOne);
    // The note of a complete append cannot be removed.
    let layer = Faults::over(
        Arc::new(RealFiles),
        Fault::Failure {
            op: Op::Remove,
            at: 0,
            errno: 5,
            lasting: true,
        },
    );
    run(desk.world.another(Arc::new(layer)), &place, Deed::AppendOne).expect("appended");
    let before = std::fs::read(&place.path).expect("there");
    // Another program appends one whole message, and is killed in the middle of a second one.
    let whole = appended(7, 20, "Subject: 7\r\n\r\nwhole\r");
    let half = appended(8, 2_000, "Subject: 8\r\n\r\nhalf");
    std::fs::write(&place.path, [&before[..], &whole, &half].concat()).expect("written");
    let mut opened =
        open(&Mbx::new(&desk.environment), &place, Access::ReadWrite).expect("opens at once");
    assert_eq!(opened.uids()[5..], [6, 7]);
    assert!(opened.read(6, Part::Whole).starts_with(b"Subject: 7"));
    let after = std::fs::read(&place.path).expect("there");
    assert!(after.len() >= before.len() + whole.len() + half.len());
}

#[test]
fn a_line_that_was_torn_is_written_whole() {
    let both = old_and_new(Deed::Append);
    let at_noon = |mut environment: Environment| {
        environment.clock = Arc::new(|| 1_790_000_000);
        environment
    };
    let desk = Desk::new();
    let place = set_up(&desk, Deed::Append);
    let start = std::fs::metadata(&place.path).expect("there").len() as usize;
    let program = at_noon(desk.world.another(Arc::new(RealFiles)));
    run(program, &place, Deed::Append).expect("undisturbed");
    let new = std::fs::read(&place.path).expect("there");
    let width = new[start..]
        .iter()
        .position(|&byte| byte == b'\n')
        .expect("a line")
        + 1;
    let (file, head) = (&new[..start], &new[start..start + width]);
    let size = new.len() - start - width;
    let digits = width - " 1-Jan-1970 00:00:00,;000000008013-00000000\r\n".len();
    let cover = format!(" 1-Jan-1970 00:00:00,{size:0digits$};000000008013-00000000\r\n");
    let dies_at = |desk: &Desk, at| {
        let place = set_up(desk, Deed::Append);
        let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
        let program = at_noon(doomed(desk, Arc::new(layer.clone())));
        let _ = run(program, &place, Deed::Append);
        assert!(layer.hit());
        let found = std::fs::read(&place.path).expect("there");
        found.len() == new.len() && found[start + width..] == new[start + width..]
    };
    // The first death that finds all there but the first line.
    let at = (0..).find(|&at| dies_at(&Desk::new(), at)).expect("one");
    for cut in 0..=width {
        for (first, second) in [(head, cover.as_bytes()), (cover.as_bytes(), head)] {
            let desk = Desk::new();
            assert!(dies_at(&desk, at));
            let place = desk.at(desk.environment.home.join("box"));
            let torn = [file, &first[..cut], &second[cut..], &new[start + width..]].concat();
            std::fs::write(&place.path, &torn).expect("written");
            let found = state(&desk, &place);
            expect_old_or_new(Deed::Append, &format!("torn at {cut}"), &found, &both);
            let is_cover = torn[start..start + width] == *cover.as_bytes();
            assert_eq!(found == both.1, !is_cover, "torn at {cut}");
        }
    }
}
