//! Power cuts: each write, length and name that was not waited for is kept, lost or torn.

use std::fs;
use std::sync::Arc;

use mugo::os::files::OpenMode;
use mugo::os::home::private_folder;
use mugo::os::journal::error::Recovered;
use mugo::os::real_files::RealFiles;

use crate::bench::{Case, expect_whole, recover, set_up};
use crate::common::faults::{Fault, Faults, Op};
use crate::common::power::Disk;
use crate::common::random::{Random, rounds};
use crate::common::world::world;

#[test]
fn a_disk_that_loses_nothing_equals_the_real_files() {
    for seed in 0..rounds(60, 2000) {
        let case = Case::random(seed);
        let (world, path) = set_up(&case);
        let disk = Disk::default();
        case.run(&world.another(Arc::new(disk.clone())), &path)
            .expect("the change");
        let real = fs::read(&path).expect("the mailbox");
        disk.cut_power(None);
        assert!(fs::read(&path).expect("the mailbox") == real, "seed {seed}");
    }
}

#[test]
fn a_change_called_done_is_on_disk() {
    for seed in 0..rounds(300, 10_000) {
        let case = Case::random(seed);
        let (world, path) = set_up(&case);
        let disk = Disk::default();
        case.run(&world.another(Arc::new(disk.clone())), &path)
            .expect("the change");
        disk.cut_power(Some(Random::new(seed)));
        assert!(
            fs::read(&path).expect("the mailbox") == case.new,
            "seed {seed}"
        );
        expect_whole(&case, &world, &path, b"", &format!("seed {seed}"));
    }
}

#[test]
fn a_power_cut_at_any_operation_leaves_old_or_new() {
    for seed in 0..rounds(700, 60_000) {
        let case = Case::random(seed);
        let mut random = Random::new(seed ^ 0xabcd);
        let (world, path) = set_up(&case);
        let disk = Disk::default();
        let at = random.below(45);
        let layer = Faults::over(Arc::new(disk.clone()), Fault::Death(at)).with_waiting();
        let _ = case.run(&world.another(Arc::new(layer)), &path);
        disk.cut_power(Some(Random::new(random.next())));
        let mut what = format!("seed {seed}, cut at {at}");
        while random.chance(2) {
            // The power is cut again while the next opening recovers.
            let at = random.below(12);
            what.push_str(&format!(", then {at}"));
            let disk = Disk::default();
            let layer = Faults::over(Arc::new(disk.clone()), Fault::Death(at)).with_waiting();
            let _ = recover(&world, &path, Arc::new(layer));
            disk.cut_power(Some(Random::new(random.next())));
        }
        expect_whole(&case, &world, &path, b"", &what);
    }
}

#[test]
fn an_old_journal_does_not_come_back() {
    for seed in 0..rounds(200, 5000) {
        let first = Case {
            window: 8 << 20,
            ..Case::random(seed * 3 + 1)
        };
        let (world, path) = set_up(&first);
        let disk = Disk::default();
        let environment = world.another(Arc::new(disk.clone()));
        first.run(&environment, &path).expect("the change");
        // Another program writes into the mailbox and waits for the disk; then the power fails.
        let mut file = environment
            .files
            .open(&path, OpenMode::ReadWrite)
            .expect("the mailbox");
        file.set_len(0).expect("a cut");
        file.write_at(&first.old, 0).expect("a write");
        file.sync().expect("the disk");
        disk.cut_power(Some(Random::new(seed)));
        let recovered = recover(&world, &path, Arc::new(RealFiles)).expect("an answer");
        assert_eq!(recovered, Recovered::Nothing, "seed {seed}");
        assert!(
            fs::read(&path).expect("the mailbox") == first.old,
            "seed {seed}"
        );
    }
}

#[test]
fn r12_a_new_folder_is_made_durable_with_its_parents() {
    let world = world();
    let layer = Faults::over(Arc::new(RealFiles), Fault::None);
    let root = world.dir.path();
    let inner = root.join("a/b");
    for _ in 0..2 {
        private_folder(&layer, &inner).expect("made");
    }
    let expected = [
        (Op::Folder, root.join("a")),
        (Op::SyncDir, root.to_path_buf()),
        (Op::Folder, inner),
        (Op::SyncDir, root.join("a")),
    ];
    assert_eq!(layer.trace(), expected);
}
