//! The program is killed, or an operation fails, at every operation of a change; and again while it recovers.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use mugo::os::journal::error::JournalError;
use mugo::os::journal::plan::Plan;
use mugo::os::real_files::RealFiles;

use crate::bench::{Case, Change, expect_whole, recover, set_up};
use crate::common::faults::{Fault, Faults, Op};
use crate::common::random::rounds;

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

fn faults(fault: Fault) -> Faults {
    Faults::over(Arc::new(RealFiles), fault)
}

fn append_foreign(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new()
        .append(true)
        .open(path)
        .expect("the mailbox");
    file.write_all(bytes).expect("room for foreign mail");
}

#[test]
fn a_change_that_nothing_disturbs_is_right() {
    for seed in 0..rounds(400, 20_000) {
        let case = Case::random(seed);
        let (world, path) = set_up(&case);
        let layer = faults(Fault::None);
        case.run(&world.another(Arc::new(layer)), &path)
            .expect("the change");
        assert!(
            fs::read(&path).expect("the mailbox") == case.new,
            "seed {seed}"
        );
        expect_whole(&case, &world, &path, b"", &format!("seed {seed}"));
    }
}

#[test]
fn one_byte_writes_are_completed() {
    for seed in 0..rounds(40, 2000) {
        let case = Case::random(seed);
        let (world, path) = set_up(&case);
        let layer = faults(Fault::None).with_short_writes();
        case.run(&world.another(Arc::new(layer)), &path)
            .expect("the change");
        assert!(
            fs::read(&path).expect("the mailbox") == case.new,
            "seed {seed}"
        );
    }
}

#[test]
fn killed_at_every_operation() {
    for seed in 0..rounds(60, 3000) {
        let case = Case::random(seed);
        for at in 0.. {
            let (world, path) = set_up(&case);
            let layer = faults(Fault::Death(at));
            let result = case.run(&world.another(Arc::new(layer.clone())), &path);
            if !layer.hit() {
                result.expect("the change");
                break;
            }
            // Every third time mail arrives before the next opening.
            let extra: &[u8] = if at % 3 == 2 {
                b"From foreign mail\n"
            } else {
                b""
            };
            append_foreign(&path, extra);
            expect_whole(
                &case,
                &world,
                &path,
                extra,
                &format!("seed {seed}, killed at {at}"),
            );
        }
    }
}

#[test]
fn killed_again_while_recovering() {
    for seed in 0..rounds(25, 500) {
        let case = Case::random(seed);
        for at in 0.. {
            if !killed_twice(&case, at, &format!("seed {seed}, killed at {at}")) {
                break;
            }
        }
    }
}

/// Kills a change at its operation `at`, then each recovery one operation later than the one before; between them mail
/// arrives once.
fn killed_twice(case: &Case, at: u64, what: &str) -> bool {
    let (world, path) = set_up(case);
    let layer = faults(Fault::Death(at));
    let _ = case.run(&world.another(Arc::new(layer.clone())), &path);
    if !layer.hit() {
        return false;
    }
    let mut extra: &[u8] = b"";
    for again in 0.. {
        if again == at % 5 {
            extra = b"From foreign mail between two recoveries\n";
            append_foreign(&path, extra);
        }
        let layer = faults(Fault::Death(again));
        let result = recover(&world, &path, Arc::new(layer.clone()));
        if !layer.hit() {
            result.unwrap_or_else(|error| panic!("{what}, then {again}: {error:?}"));
            break;
        }
    }
    expect_whole(case, &world, &path, extra, what);
    true
}

/// Runs all cases with one kind of failure at each place in turn; checks what the caller is told and what is there.
fn failing(op: Op, errno: i32, lasting: bool, seeds: u64) {
    for seed in 0..seeds {
        let case = Case::random(seed);
        for at in 0.. {
            let what = format!("seed {seed}, {op:?} {at} fails");
            let (world, path) = set_up(&case);
            let layer = faults(Fault::Failure {
                op,
                at,
                errno,
                lasting,
            });
            let result = case.run(&world.another(Arc::new(layer.clone())), &path);
            let found = fs::read(&path).expect("the mailbox");
            match result {
                Ok(()) => assert!(found == case.new, "{what}: called done"),
                Err(JournalError::Untouched { .. }) => {
                    assert!(found == case.old, "{what}: called untouched");
                }
                Err(JournalError::Pending { .. }) => {}
                Err(other) => panic!("{what}: {other:?}"),
            }
            expect_whole(&case, &world, &path, b"", &what);
            if !layer.hit() {
                break;
            }
        }
    }
}

#[test]
fn full_disk_at_every_write() {
    failing(Op::Write, ENOSPC, true, rounds(40, 2000));
}

#[test]
fn one_write_fails() {
    failing(Op::Write, EIO, false, rounds(40, 2000));
}

#[test]
fn a_sync_fails() {
    failing(Op::Sync, EIO, false, rounds(40, 2000));
    failing(Op::SyncDir, EIO, false, rounds(40, 2000));
}

#[test]
fn space_cannot_be_claimed() {
    failing(Op::Reserve, ENOSPC, true, rounds(40, 2000));
    failing(Op::SetLen, ENOSPC, false, rounds(40, 2000));
    failing(Op::Create, ENOSPC, true, rounds(40, 2000));
}

#[test]
fn names_cannot_be_changed() {
    failing(Op::Rename, EIO, true, rounds(40, 2000));
    failing(Op::Remove, EIO, true, rounds(40, 2000));
}

#[test]
fn a_read_fails() {
    failing(Op::Read, EIO, false, rounds(20, 2000));
}

#[test]
fn r9_a_change_that_failed_does_not_happen_later() {
    let old = vec![b'x'; 3000];
    let mut plan = Plan::new(3000);
    plan.keep(0, 1000);
    plan.put(b"some new flags");
    plan.keep(1010, 1990);
    let mut rewritten = old.clone();
    rewritten.splice(1000..1010, *b"some new flags");
    let appended = [&old[..3], b"patch", &old[8..], b"a new message"].concat();
    let patches = vec![(3, b"patch".to_vec())];
    let bytes = b"a new message".to_vec();
    for (change, new) in [
        (Change::Rewrite(plan), rewritten),
        (Change::Append { patches, bytes }, appended),
    ] {
        let case = Case {
            old: old.clone(),
            new,
            change,
            window: 8 << 20,
        };
        for (op, errno) in [(Op::Write, ENOSPC), (Op::Sync, EIO)] {
            for at in 0.. {
                let what = format!("{op:?} {at} fails");
                let (world, path) = set_up(&case);
                let layer = faults(Fault::Failure {
                    op,
                    at,
                    errno,
                    lasting: false,
                });
                let result = case.run(&world.another(Arc::new(layer.clone())), &path);
                if !layer.hit() {
                    break;
                }
                let untouched = matches!(result, Err(JournalError::Untouched { .. }));
                assert!(untouched, "{what}: {result:?}");
                assert!(fs::read(&path).expect("the mailbox") == case.old, "{what}");
                let left = fs::read_dir(world.environment.state.join("journal"));
                assert_eq!(left.map_or(0, Iterator::count), 0, "{what}");
            }
        }
    }
}
