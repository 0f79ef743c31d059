//! Journals that do not fit their mailbox: never applied, always kept, in nobody's way. And journals left behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mugo::os::files::OpenMode;
use mugo::os::journal::error::{JournalError, Recovered};
use mugo::os::journal::plan::Plan;
use mugo::os::journal::redo::Journal;
use mugo::os::real_files::RealFiles;

use crate::bench::recover;
use crate::common::faults::{Fault, Faults, Op};
use crate::common::world::{World, world};

const LENGTH: usize = 3000;

/// A rewrite of several windows that moves most of the file to the left.
fn plan() -> Plan {
    let mut plan = Plan::new(LENGTH as u64);
    plan.keep(0, 100);
    plan.put(b"some new bytes");
    plan.keep(300, 2700);
    plan
}

fn content() -> Vec<u8> {
    (0..LENGTH).map(|at| (at * 7 + at / 256) as u8).collect()
}

/// A mailbox whose rewrite was interrupted, and its journal.
fn torn(window: usize, dies_in_write: u64) -> (World, PathBuf, PathBuf) {
    let world = world();
    let path = world.mailbox("box", &content());
    let fault = Fault::Failure {
        op: Op::Write,
        at: dies_in_write,
        errno: 5,
        lasting: true,
    };
    let environment = world.another(Arc::new(Faults::over(Arc::new(RealFiles), fault)));
    let mut file = environment
        .files
        .open(&path, OpenMode::ReadWrite)
        .expect("the mailbox");
    let journal = Journal::new(&environment).with_window(window);
    let result = journal.rewrite(&path, file.as_mut(), &plan(), &mut |_, _| {});
    let Err(JournalError::Pending { journal, .. }) = result else {
        panic!("{result:?}")
    };
    (world, path, journal)
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("a file");
    change(&mut bytes);
    fs::write(path, bytes).expect("a file");
}

fn expect_conflict(world: &World, path: &PathBuf, journal: &Path, what: &str) {
    let before = fs::read(path).expect("the mailbox");
    let kept = fs::read(journal).expect("the journal");
    let recovered = recover(world, path, Arc::new(RealFiles));
    let Ok(Recovered::Conflict { journal: aside, .. }) = recovered else {
        panic!("{what}: {recovered:?}")
    };
    assert!(
        fs::read(path).expect("the mailbox") == before,
        "{what}: the mailbox was changed"
    );
    assert!(
        fs::read(&aside).expect("the journal") == kept,
        "{what}: the journal was changed"
    );
    let again = recover(world, path, Arc::new(RealFiles));
    assert!(matches!(again, Ok(Recovered::Nothing)), "{what}: {again:?}");
    let left = Journal::new(&world.environment)
        .left_over()
        .expect("the list");
    assert!(
        left.len() == 1 && !left[0].pending && left[0].journal == aside,
        "{what}: {left:?}"
    );
}

#[test]
fn r2_journals_that_do_not_fit() {
    type Damage = fn(&Path, &Path);
    let table: [(&str, Damage); 13] = [
        ("journal empty", |_, journal| edit(journal, Vec::clear)),
        ("journal cut in its head", |_, journal| {
            edit(journal, |bytes| bytes.truncate(100));
        }),
        ("journal without records", |_, journal| {
            edit(journal, |bytes| {
                let length = u64::from_le_bytes(bytes[8..16].try_into().expect("a number"));
                bytes.truncate(32 + length as usize);
            });
        }),
        ("a bit of the head flipped", |_, journal| {
            edit(journal, |bytes| bytes[60] ^= 4);
        }),
        ("the version of another program", |_, journal| {
            edit(journal, |bytes| bytes[7] = b'9');
        }),
        ("every record damaged", |_, journal| {
            edit(journal, |bytes| {
                let length = u64::from_le_bytes(bytes[8..16].try_into().expect("a number"));
                bytes[32 + length as usize..]
                    .iter_mut()
                    .for_each(|byte| *byte ^= 0x55);
            });
        }),
        ("absurd length in the head", |_, journal| {
            edit(journal, |bytes| bytes[14] = 0xff);
        }),
        ("unchanged start of the mailbox changed", |path, _| {
            edit(path, |bytes| bytes[50] ^= 1);
        }),
        ("what is still to be cut off changed", |path, _| {
            edit(path, |bytes| bytes[2900] ^= 1);
        }),
        ("bytes still to be moved changed", |path, _| {
            edit(path, |bytes| bytes[2000] ^= 1);
        }),
        ("mailbox shorter", |path, _| {
            edit(path, |bytes| bytes.truncate(2500));
        }),
        ("mailbox emptied", |path, _| edit(path, Vec::clear)),
        ("mailbox rewritten", |path, _| {
            edit(path, |bytes| bytes.reverse());
        }),
    ];
    for (what, damage) in table {
        let (world, path, journal) = torn(600, 3);
        damage(&path, &journal);
        expect_conflict(&world, &path, &journal, what);
    }
}

#[test]
fn r2_a_small_change_notices_foreign_bytes_in_its_place() {
    let world = world();
    let path = world.mailbox("box", &content());
    let fault = Fault::Failure {
        op: Op::Write,
        at: 1,
        errno: 5,
        lasting: true,
    };
    let environment = world.another(Arc::new(Faults::over(Arc::new(RealFiles), fault)));
    let mut plan = Plan::new(LENGTH as u64);
    plan.keep(0, 1500);
    plan.put(b"FLAGS");
    plan.keep(1505, LENGTH as u64 - 1505);
    let mut file = environment
        .files
        .open(&path, OpenMode::ReadWrite)
        .expect("the mailbox");
    let result = Journal::new(&environment).rewrite(&path, file.as_mut(), &plan, &mut |_, _| {});
    let Err(JournalError::Pending { journal, .. }) = result else {
        panic!("{result:?}")
    };
    edit(&path, |bytes| bytes[1502] = !bytes[1502]);
    expect_conflict(&world, &path, &journal, "foreign flags");
}

#[test]
fn r2_a_journal_of_another_file_is_never_used() {
    let (world, path, journal) = torn(600, 3);
    let other = world.mailbox("other", &content());
    let environment = &world.environment;
    let file = environment
        .files
        .open(&other, OpenMode::ReadWrite)
        .expect("a file");
    assert!(
        !Journal::new(environment)
            .is_pending(file.as_ref())
            .expect("an answer")
    );
    // The other mailbox takes the name, then even the journal's name is made to fit it.
    fs::rename(&other, &path).expect("a swap");
    assert!(matches!(
        recover(&world, &path, Arc::new(RealFiles)),
        Ok(Recovered::Nothing)
    ));
    let left = Journal::new(environment).left_over().expect("the list");
    assert!(
        left.len() == 1 && left[0].pending && left[0].mailbox == Some(path.clone()),
        "{left:?}"
    );
    let (_keep, _, others_journal) = {
        let mut file = environment
            .files
            .open(&path, OpenMode::ReadWrite)
            .expect("a file");
        let fault = Fault::Failure {
            op: Op::Write,
            at: 3,
            errno: 5,
            lasting: true,
        };
        let faulty = world.another(Arc::new(Faults::over(Arc::new(RealFiles), fault)));
        let mut torn = faulty
            .files
            .open(&path, OpenMode::ReadWrite)
            .expect("a file");
        let result = Journal::new(&faulty).with_window(600).rewrite(
            &path,
            torn.as_mut(),
            &plan(),
            &mut |_, _| {},
        );
        let Err(JournalError::Pending { journal, .. }) = result else {
            panic!("{result:?}")
        };
        (
            file.metadata().is_ok(),
            file.set_times(0, 0).is_ok(),
            journal,
        )
    };
    fs::rename(&journal, &others_journal).expect("a journal under a wrong name");
    expect_conflict(&world, &path, &others_journal, "journal of another inode");
}

#[test]
fn a_change_is_refused_while_another_is_pending() {
    let (world, path, _) = torn(600, 3);
    let environment = &world.environment;
    let mut file = environment
        .files
        .open(&path, OpenMode::ReadWrite)
        .expect("the mailbox");
    let journal = Journal::new(environment);
    assert!(journal.is_pending(file.as_ref()).expect("an answer"));
    let mut appended = &b"x"[..];
    let result = journal.append(&path, file.as_mut(), &[], &mut appended, 1, &mut |_, _| {});
    assert!(
        matches!(result, Err(JournalError::Unrecovered { .. })),
        "{result:?}"
    );
    let recovered = journal.recover(&path, file.as_mut());
    assert!(
        matches!(recovered, Ok(Recovered::Finished)),
        "{recovered:?}"
    );
    assert!(!journal.is_pending(file.as_ref()).expect("an answer"));
}

#[test]
fn r3_journals_are_private_and_bounded() {
    let (world, path, journal) = torn(600, 3);
    let mode = |path: &Path| fs::metadata(path).expect("it").permissions().mode() & 0o777;
    assert_eq!(mode(&journal), 0o600);
    assert_eq!(mode(journal.parent().expect("a folder")), 0o700);
    let name = journal
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    assert!(!name.contains("box"), "{name}");
    // The plan and two windows, whatever the mailbox's length.
    assert!(fs::metadata(&journal).expect("it").len() < 4 * 600 + 1000);
    fs::write(journal.with_extension("new"), b"never complete").expect("a torso");
    assert!(recover(&world, &path, Arc::new(RealFiles)).is_ok());
    let left = fs::read_dir(journal.parent().expect("a folder"))
        .expect("the folder")
        .count();
    assert_eq!(left, 0);
}

#[test]
fn plans_that_cannot_be_are_refused_before_anything_is_touched() {
    let world = world();
    let path = world.mailbox("box", &content());
    let environment = &world.environment;
    let mut file = environment
        .files
        .open(&path, OpenMode::ReadWrite)
        .expect("the mailbox");
    let journal = Journal::new(environment).with_window(600);
    let mut backward = Plan::new(LENGTH as u64);
    backward.keep(10, 10);
    backward.keep(0, 5);
    let mut large = Plan::new(LENGTH as u64);
    large.put(&vec![1; 33 << 20]);
    let longer = Plan::new(LENGTH as u64 + 1);
    for (plan, expected) in [
        (backward, "impossible"),
        (large, "takes"),
        (longer, "changed"),
    ] {
        let result = journal.rewrite(&path, file.as_mut(), &plan, &mut |_, _| {});
        let told = result.expect_err("a refusal").to_string();
        assert!(told.contains(expected), "{told}");
        assert!(fs::read(&path).expect("the mailbox") == content());
        assert!(!journal.is_pending(file.as_ref()).expect("an answer"));
    }
}

#[test]
fn a_small_change_costs_few_calls() {
    let world = world();
    let path = world.mailbox("box", &content());
    fs::create_dir(world.environment.state.join("journal")).expect("the folder");
    let layer = Faults::over(Arc::new(RealFiles), Fault::None);
    let environment = world.another(Arc::new(layer.clone()));
    let mut plan = Plan::new(LENGTH as u64);
    plan.keep(0, 1500);
    plan.put(b"RO");
    plan.keep(1502, LENGTH as u64 - 1502);
    let mut file = environment
        .files
        .open(&path, OpenMode::ReadWrite)
        .expect("the mailbox");
    Journal::new(&environment)
        .rewrite(&path, file.as_mut(), &plan, &mut |_, _| {})
        .expect("the change");
    let trace = layer.trace();
    let ops: Vec<Op> = trace.iter().map(|(op, _)| *op).collect();
    let expected = [
        Op::Sync,
        Op::Create,
        Op::Reserve,
        Op::Write,
        Op::Sync,
        Op::Rename,
        Op::SyncDir,
        Op::Write,
        Op::Sync,
        Op::Remove,
        Op::SyncDir,
    ];
    assert_eq!(ops, expected);
}

#[test]
fn r2_a_large_change_notices_one_foreign_byte() {
    const LARGE: usize = 300_000;
    let old: Vec<u8> = (0..LARGE).map(|at| (at * 7 + at / 256) as u8).collect();
    let mut plan = Plan::new(LARGE as u64);
    plan.keep(0, 100);
    plan.keep(290, 50_000);
    plan.keep(220_000, 80_000);
    let fault = Fault::Failure {
        op: Op::Write,
        at: 1,
        errno: 5,
        lasting: true,
    };
    for window in [8 << 20, 40_000] {
        // The first lie where bytes are overwritten, the others where the file is cut.
        for at in [
            100, 1000, 45_000, 90_000, 129_000, 131_000, 200_000, 219_999, 299_000,
        ] {
            let world = world();
            let path = world.mailbox("box", &old);
            let faulty = world.another(Arc::new(Faults::over(Arc::new(RealFiles), fault)));
            let mut file = faulty
                .files
                .open(&path, OpenMode::ReadWrite)
                .expect("the mailbox");
            let journal = Journal::new(&faulty).with_window(window);
            let result = journal.rewrite(&path, file.as_mut(), &plan, &mut |_, _| {});
            let Err(JournalError::Pending { journal, .. }) = result else {
                panic!("{result:?}")
            };
            edit(&path, |bytes| bytes[at] ^= 1);
            let what = format!("foreign byte at {at}, windows of {window}");
            expect_conflict(&world, &path, &journal, &what);
        }
    }
}
