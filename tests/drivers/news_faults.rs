//! The program is killed, the disk is full or fails, the power goes, another newsreader writes, at every operation of marking
//! an article: no line of `.newsrc` is lost, and what is called done is there.

use std::fs;
use std::sync::Arc;

use mugo::driver::contract::LocalDriver;
use mugo::driver::job::Job;
use mugo::driver::news::driver::NewsDriver;
use mugo::mail::flags::{FlagChange, Flags};
use mugo::mail::status::Access;
use mugo::os::files::FileLayer;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::common::power::Disk;
use crate::common::random::{Random, rounds};
use crate::desk::{add, job, keywords};
use crate::news::{DELETED, FLAGGED, Scene, flags, scene};

/// Articles and flags that are others than they seem.
mod doubt;

/// Other programs that write `.newsrc` in place, and what is left of one that was killed.
mod beside;

/// What a disk refuses: the operation, why, and whether it goes on refusing.
const REFUSALS: [(Op, i32, bool); 8] = [
    (Op::Write, 28, true),
    (Op::Write, 5, false),
    (Op::Sync, 5, false),
    (Op::SyncDir, 5, false),
    (Op::Create, 28, true),
    (Op::Rename, 5, false),
    (Op::Remove, 5, false),
    (Op::Read, 5, false),
];

const BEFORE: &str = "options -x\r\ncomp.mail.misc: 1-101,105\r\nalt.test! 1-4\r\n";
const AFTER: &str = "options -x\r\ncomp.mail.misc: 1-105\r\nalt.test! 1-4\r\n";

/// By so many seconds clocks are ahead where no file shall be too new.
const LATER: i64 = 10;

/// Marks an article as read, through this layer and with a clock that is ahead; whether that was called done.
fn mark(scene: &Scene, files: Arc<dyn FileLayer>, ahead: i64) -> bool {
    let mut program = scene.program(files);
    let environment = Arc::get_mut(&mut program).expect("its own");
    let clock = Arc::clone(&environment.clock);
    environment.clock = Arc::new(move || clock() + ahead);
    let driver = NewsDriver::new(&program);
    let (job, _log): (Job, _) = job();
    let opened = driver.open(&scene.place("comp.mail.misc"), Access::ReadWrite, &job);
    let Ok(mut mailbox) = opened else {
        return false;
    };
    let uids = crate::desk::uid_set(&[102]);
    let change = FlagChange::Add(Flags::new(DELETED | FLAGGED, keywords(&["Work"])));
    mailbox.store(&uids, &change, &job).is_ok()
}

fn judge(scene: &Scene, done: bool, at: &str) {
    let found = scene.newsrc();
    assert!(
        found == AFTER || (!done && found == BEFORE),
        "{at} {done}: {found:?}"
    );
    // The next program goes on.
    let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
    if done {
        let flags = opened.list.messages()[1].flags.clone();
        assert!(
            flags.has(DELETED | FLAGGED) && flags.keywords() == keywords(&["Work"]),
            "{at}"
        );
    }
    opened
        .store(&[102], &add(DELETED | FLAGGED))
        .expect("stored");
    assert_eq!(scene.newsrc(), AFTER, "{at}");
    assert!(flags(&opened, 102).contains(DELETED | FLAGGED), "{at}");
}

/// Nothing is left of what was under way.
fn none_left(scene: &Scene, at: &str) {
    let names: Vec<String> = beside::files(scene).into_iter().map(|it| it.0).collect();
    let none_left = names
        .iter()
        .all(|it| [".newsrc", ".newsrc.old"].contains(&&**it));
    assert!(none_left, "{at}: {names:?}");
}

#[test]
fn killed_at_any_operation_or_refused_by_the_disk() {
    for at in 0.. {
        let scene = scene();
        scene.write_newsrc(BEFORE);
        let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
        let done = mark(&scene, Arc::new(layer.clone()), LATER);
        judge(&scene, done, &format!("killed at {at}"));
        none_left(&scene, &format!("killed at {at}"));
        if !layer.hit() {
            assert!(done && at > 10);
            break;
        }
    }
    for (op, errno, lasting) in REFUSALS {
        for at in 0.. {
            let scene = scene();
            scene.write_newsrc(BEFORE);
            let fault = Fault::Failure {
                op,
                at,
                errno,
                lasting,
            };
            let layer = Faults::over(Arc::new(RealFiles), fault);
            let done = mark(&scene, Arc::new(layer.clone()), LATER);
            judge(&scene, done, &format!("{op:?} {errno} at {at}"));
            none_left(&scene, &format!("{op:?} {errno} at {at}"));
            if !layer.hit() {
                break;
            }
        }
    }
    let scene = scene();
    scene.write_newsrc(BEFORE);
    let layer = Faults::over(Arc::new(RealFiles), Fault::None).with_short_writes();
    let done = mark(&scene, Arc::new(layer), LATER);
    assert!(done);
    judge(&scene, done, "short writes");
}

#[test]
fn what_another_newsreader_writes_at_any_moment_stays() {
    for replaces in [false, true] {
        for at in 0.. {
            let scene = scene();
            scene.write_newsrc(BEFORE);
            let home = scene.desk.environment.home.clone();
            let intruder = move || {
                let theirs = BEFORE.replace("alt.test! 1-4", "alt.test: 1-77") + "new.group: 5\r\n";
                let path = home.join(if replaces { ".theirs" } else { ".newsrc" });
                fs::write(&path, theirs).expect("written");
                if replaces {
                    fs::rename(&path, home.join(".newsrc")).expect("renamed");
                }
            };
            let layer = Faults::over(Arc::new(RealFiles), Fault::None);
            let layer = layer.with_intruder(at, intruder);
            assert!(mark(&scene, Arc::new(layer.clone()), LATER), "{at}");
            let found = scene.newsrc();
            let came = layer.trace().len() > at;
            assert_eq!(
                found.contains("alt.test: 1-77\r\nnew.group: 5\r\n"),
                came,
                "{at}: {found}"
            );
            // Who writes after the files changed places overwrites us, if he knows no better.
            let trace = layer.trace();
            let exchange = trace.iter().position(|(op, path)| {
                let name = path.to_string_lossy();
                *op == Op::Rename && name.ends_with("/home/.newsrc.mugo")
            });
            let is_ours = found.contains("comp.mail.misc: 1-105\r\n");
            assert!(
                is_ours || exchange.is_some_and(|exchange| at > exchange),
                "{at}: {found}"
            );
            if !came {
                break;
            }
        }
    }
}

#[test]
fn power_lost_at_any_moment() {
    for seed in 0..rounds(60, 1000) {
        let scene = scene();
        scene.write_newsrc(BEFORE);
        let disk = Disk::default();
        let mut random = Random::new(seed);
        let fault = Fault::Death(random.below(40));
        let layer = Faults::over(Arc::new(disk.clone()), fault).with_waiting();
        let done = mark(&scene, Arc::new(layer), LATER);
        disk.cut_power(Some(random));
        let lock = scene.desk.environment.home.join(".newsrc.lock");
        let _none = fs::remove_file(lock);
        let _none = fs::remove_file(scene.desk.environment.state.join("news/marks.lock"));
        judge(&scene, done, &format!("seed {seed}"));
    }
}

#[test]
fn flags_outlive_what_comes_of_the_end_of_their_file() {
    let scene = scene();
    let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
    let work = FlagChange::Add(Flags::new(FLAGGED, keywords(&["Work"])));
    opened.store(&[102], &work).expect("stored");
    let kept = scene.desk.environment.state.join("news/marks");
    let first = fs::read(&kept).expect("there");
    opened.store(&[101, 105], &add(FLAGGED)).expect("stored");
    drop(opened);
    let whole = fs::read(&kept).expect("there");
    assert!(whole.starts_with(&first));
    for cut in 0..whole.len() {
        for noise in [&b""[..], b"\xff\x00\x00\x00noise"] {
            fs::write(&kept, [&whole[..cut], noise].concat()).expect("written");
            let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
            let words = opened.list.messages()[1].flags.keywords().to_vec();
            assert_eq!(words == keywords(&["Work"]), cut >= first.len(), "{cut}");
            opened.store(&[105], &work).expect("stored");
            let again = scene.open("comp.mail.misc", Access::ReadOnly);
            assert_eq!(again.list.messages(), opened.list.messages(), "{cut}");
            assert_eq!(
                again.list.messages()[2].flags.keywords(),
                keywords(&["Work"])
            );
        }
    }
}
