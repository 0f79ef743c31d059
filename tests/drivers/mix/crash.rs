//! What is left where a change fails, or the program dies, and what others may do then.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use mugo::driver::contract::LocalDriver;
use mugo::driver::mix::driver::MixDriver;
use mugo::mail::flags::SystemFlags;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::real_files::RealFiles;

use super::{DELETED, FLAGGED, INDEX, META, STATUS, Scene, scene, why};
use crate::common::faults::{Fault, Faults, Op};
use crate::desk::{Queue, add, job, message, open, uid_set};

/// A driver over a file layer in which something goes wrong.
fn faulty(scene: &Scene, fault: Fault) -> (MixDriver, Arc<Faults>) {
    let faults = Arc::new(Faults::over(Arc::new(RealFiles), fault));
    let mut environment = scene.desk.world.another(faults.clone());
    // No process has this id.
    environment.process.pid = 999_999_999;
    (MixDriver::new(&Arc::new(environment)), faults)
}

#[test]
fn an_append_that_fails_leaves_no_byte() {
    let large = [
        &b"Subject: x\r\n\r\n"[..],
        &b"a line of text\r\n".repeat(60_000),
    ]
    .concat();
    for op in [Op::Write, Op::Sync] {
        for nth in 0.. {
            let scene = scene("two");
            let (before, data) = (scene.all(), scene.data());
            let fault = Fault::Failure {
                op,
                at: nth,
                errno: 28,
                lasting: false,
            };
            let faults = Arc::new(Faults::over(Arc::new(RealFiles), fault));
            let environment = scene.desk.world.another(faults);
            let driver = MixDriver::new(&Arc::new(environment));
            let (job, _log) = job();
            let mut queue = Queue(vec![message(&large), message(&large)]);
            let appended = driver.append(&scene.place, &mut queue, &job);
            if appended.is_ok() {
                break;
            }
            let after = scene.all();
            assert_eq!(
                (&after[1], &after[3]),
                (&before[1], &before[3]),
                "{op:?} {nth}"
            );
            let mut left = scene.data();
            // One that is empty may be named already as the one that new messages go into.
            left.retain(|file| file.1 > 0);
            assert_eq!(left, data, "{op:?} {nth}");
            let meta = scene.text(META);
            let current = meta.lines().find_map(|line| line.strip_prefix('N'));
            let current = format!(".mix{}", current.expect("told"));
            assert!(scene.path(&current).is_file(), "{op:?} {nth}");
            assert_eq!(scene.open(Access::ReadWrite).uids(), [1, 2], "{op:?} {nth}");
        }
    }
}

/// What c-client makes of a small file at its next change: reserved space goes, and a higher sequence comes.
fn rewritten(scene: &Scene, name: &str) {
    let bytes = fs::read(scene.path(name)).expect("there");
    let end = bytes.iter().rposition(|&byte| byte == b'\n');
    let kept = &bytes[..end.map_or(0, |end| end + 1)];
    let rest = kept.get(9..).expect("a sequence");
    fs::write(scene.path(name), [b"S7ffffff0", rest].concat()).expect("written");
}

#[test]
fn another_program_may_go_on_after_a_crash() {
    let mut ends = BTreeSet::new();
    let mut torn = 0;
    for deed in ["append", "expunge", "flag"] {
        for nth in 0.. {
            let scene = scene("two");
            let mut opened = scene.open(Access::ReadWrite);
            opened.store(&[1], &add(DELETED)).expect("stored");
            opened.close().expect("closed");
            let faults = Arc::new(Faults::over(Arc::new(RealFiles), Fault::Death(nth)));
            let mut environment = scene.desk.world.another(faults.clone());
            // No process has this id.
            environment.process.pid = 999_999_999;
            let driver = MixDriver::new(&Arc::new(environment));
            let (job, _log) = job();
            match deed {
                "append" => {
                    let mut queue = Queue(vec![message(b"Subject: 3\r\n\r\n")]);
                    let _any = driver.append(&scene.place, &mut queue, &job);
                }
                _ => {
                    if let Ok(mut opened) = open(&driver, &scene.place, Access::ReadWrite) {
                        let _any = match deed {
                            "flag" => opened.mailbox.store(&uid_set(&[1, 2]), &add(FLAGGED), &job),
                            _ => opened.mailbox.expunge(None, &job),
                        };
                        drop(opened.mailbox);
                    }
                }
            }
            let at = format!("{deed} {nth}");
            for name in [META, INDEX, STATUS] {
                rewritten(&scene, name);
            }
            let mut opened = scene.open(Access::ReadWrite);
            let uids = opened.uids();
            if let Some(why) = why(&opened) {
                // It made sense of a line that was written by half.
                assert!(why.contains("another program"), "{at}: {why}");
                torn += 1;
                continue;
            }
            for &uid in &uids {
                assert!(!opened.read(uid, Part::Header).is_empty(), "{at}");
            }
            assert!(
                uids.contains(&2) && (deed == "expunge" || uids.contains(&1)),
                "{at}"
            );
            opened
                .store(&[2], &add(SystemFlags::DRAFT))
                .expect("stored");
            opened.close().expect("closed");
            assert_eq!(scene.open(Access::ReadOnly).uids(), uids, "{at}");
            ends.insert((deed, uids));
            if !faults.hit() {
                break;
            }
        }
    }
    assert!(ends.len() == 5 && torn < 5, "{torn} {ends:?}");
}

/// Three messages, of which the first is gone and its bytes are still there.
fn with_waste() -> Scene {
    let scene = scene("two");
    scene.append(&[b"Subject: 3\r\n\r\nthree\r\n"]);
    let reader = scene.open(Access::ReadOnly);
    let mut opened = scene.open(Access::ReadWrite);
    opened.store(&[1], &add(DELETED)).expect("stored");
    opened.expunge(None).expect("expunged");
    opened.close().expect("closed");
    reader.close().expect("closed");
    assert_eq!(scene.data()[0].1, 640 + 45 + 21);
    scene
}

fn is_all_there(scene: &Scene, at: &str) {
    let mut opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.uids(), [2, 3], "{at}");
    assert_eq!(opened.read(2, Part::Whole).len(), 291, "{at}");
    assert_eq!(opened.read(3, Part::Text), b"three\r\n", "{at}");
    opened.close().expect("closed");
    let left: u64 = scene.data().iter().map(|file| file.1).sum();
    assert_eq!(left, 336 + 45 + 21, "{at}: all is reclaimed");
}

fn sequence(scene: &Scene, name: &str) -> u32 {
    let bytes = fs::read(scene.path(name)).expect("there");
    let digits = String::from_utf8_lossy(&bytes[1..9]).into_owned();
    u32::from_str_radix(&digits, 16).expect("digits")
}

/// Another program removes the data files that the index does not name, and may give this the next sequence.
fn another_tidies(scene: &Scene, next: Option<u32>) {
    let index = scene.text(INDEX);
    let named: BTreeSet<&str> = index.lines().skip(1).map(|line| &line[39..47]).collect();
    for (name, _) in scene.data() {
        if !named.contains(&name[4..]) {
            fs::remove_file(scene.path(&name)).expect("removed");
        }
    }
    let Some(next) = next else {
        return;
    };
    let next = next.max(sequence(scene, INDEX) + 1);
    let changed = format!("S{next:08x}{}", &index[9..]);
    fs::write(scene.path(INDEX), changed).expect("written");
}

#[test]
fn copies_that_another_program_removed_after_a_crash_are_not_named() {
    for writes in [true, false] {
        let mut torn = 0;
        for nth in 0.. {
            let scene = with_waste();
            let names = [META, INDEX, STATUS];
            let last = names.map(|name| sequence(&scene, name)).into_iter().max();
            let now = u32::try_from((scene.desk.environment.clock)()).expect("a time");
            let next = now.max(last.expect("three") + 1);
            let (driver, faults) = faulty(&scene, Fault::Death(nth));
            drop(open(&driver, &scene.place, Access::ReadWrite));
            another_tidies(&scene, writes.then_some(next));
            let mut opened = scene.open(Access::ReadWrite);
            let at = format!("{writes} {nth}");
            if why(&opened).is_some() {
                // It made sense of a place that was written by half.
                torn += 1;
                continue;
            }
            assert_eq!(opened.read(3, Part::Text), b"three\r\n", "{at}");
            opened.close().expect("closed");
            is_all_there(&scene, &at);
            if !faults.hit() {
                break;
            }
        }
        assert!(torn <= 2, "{torn}");
    }
}

#[test]
fn a_reclaim_that_fails_anywhere_leaves_each_message_where_the_index_says() {
    let mut hits = 0;
    for op in [
        Op::Create,
        Op::Write,
        Op::Sync,
        Op::Rename,
        Op::Remove,
        Op::SyncDir,
    ] {
        for nth in 0.. {
            let scene = with_waste();
            let fault = Fault::Failure {
                op,
                at: nth,
                errno: 28,
                lasting: true,
            };
            let (driver, faults) = faulty(&scene, fault);
            drop(open(&driver, &scene.place, Access::ReadWrite));
            // As another user sees it, who has not the journal.
            let index = scene.text(INDEX);
            for line in index.lines().skip(1) {
                let data = format!(".mix{}", &line[39..47]);
                assert!(scene.path(&data).is_file(), "{op:?} {nth}");
            }
            is_all_there(&scene, &format!("{op:?} {nth}"));
            if !faults.hit() {
                break;
            }
            hits += 1;
        }
    }
    assert!(hits > 15, "{hits}");
}

#[test]
fn a_mailbox_with_a_change_that_does_not_fit_can_be_removed() {
    let mut refused = 0;
    for nth in 0.. {
        let scene = with_waste();
        let (driver, faults) = faulty(&scene, Fault::Death(nth));
        drop(open(&driver, &scene.place, Access::ReadWrite));
        fs::write(scene.path(INDEX), b"S7ffffff0\r\nnoise\r\n").expect("written");
        let opened = scene.open(Access::ReadWrite);
        let what = why(&opened).expect("told");
        refused += u32::from(!what.contains("damaged in line"));
        opened.close().expect("closed");
        let (job, _log) = job();
        scene.driver.delete(&scene.place, &job).expect("deleted");
        assert!(!scene.place.path.exists(), "{nth}");
        if !faults.hit() {
            break;
        }
    }
    assert!(refused > 0);
}
