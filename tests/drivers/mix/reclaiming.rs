//! Reclaiming space: in which order, on a full disk, and where it is better not done.

use std::fs;
use std::sync::Arc;

use mugo::driver::contract::LocalDriver;
use mugo::driver::mix::driver::MixDriver;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::real_files::RealFiles;

use super::{DATA, DELETED, INDEX, Scene, scene};
use crate::common::faults::{Fault, Faults, Op};
use crate::desk::{add, job, open};

const UNUSED: &str = ".mix00000005";

fn open_through(scene: &Scene, fault: Fault) -> Arc<Faults> {
    let faults = Arc::new(Faults::over(Arc::new(RealFiles), fault));
    let environment = scene.desk.world.another(faults.clone());
    let driver = MixDriver::new(&Arc::new(environment));
    drop(open(&driver, &scene.place, Access::ReadWrite).expect("open"));
    faults
}

#[test]
fn the_index_is_on_disk_before_a_data_file_goes_that_it_does_not_name() {
    let scene = scene("two");
    fs::write(scene.path(UNUSED), b"junk").expect("written");
    let faults = open_through(&scene, Fault::None);
    let trace = faults.trace();
    let at = |wanted: Op, name: &str| {
        let is_it = |(op, path): &(Op, _)| *op == wanted && *path == scene.path(name);
        trace.iter().position(is_it).expect(name)
    };
    assert!(at(Op::Sync, INDEX) < at(Op::Remove, UNUSED));
}

#[test]
fn nothing_goes_while_a_data_file_is_missing() {
    let scene = scene("two");
    fs::write(scene.path(UNUSED), b"junk").expect("written");
    fs::rename(scene.path(DATA), scene.path(".mix6b02f700")).expect("renamed");
    let mut opened = scene.open(Access::ReadWrite);
    opened.check().expect("checked");
    opened.close().expect("closed");
    assert_eq!(scene.data().len(), 2);
    fs::rename(scene.path(".mix6b02f700"), scene.path(DATA)).expect("renamed");
    scene.open(Access::ReadWrite).close().expect("closed");
    assert_eq!(scene.data().len(), 1);
}

#[test]
fn on_a_full_disk_what_was_copied_gives_its_space_back_first() {
    let large = [
        &b"Subject: x\r\n\r\n"[..],
        &b"a line of text\r\n".repeat(25_000),
    ]
    .concat();
    let mut went_on = 0;
    for nth in 0.. {
        let scene = scene("created-empty");
        scene.append(&[&large[..]; 6]);
        let reader = scene.open(Access::ReadOnly);
        let mut opened = scene.open(Access::ReadWrite);
        opened.store(&[1, 3, 5], &add(DELETED)).expect("stored");
        opened.expunge(None).expect("expunged");
        opened.close().expect("closed");
        reader.close().expect("closed");
        let before: u64 = scene.data().iter().map(|file| file.1).sum();
        let fault = Fault::Failure {
            op: Op::Write,
            at: nth,
            errno: 28,
            lasting: false,
        };
        let faults = open_through(&scene, fault);
        let after: u64 = scene.data().iter().map(|file| file.1).sum();
        went_on += u32::from(faults.hit() && after == before / 2);
        let mut opened = scene.open(Access::ReadWrite);
        for uid in [2, 4, 6] {
            assert_eq!(opened.read(uid, Part::Whole), large, "{nth} {uid}");
        }
        let (job, _log) = job();
        assert_eq!(
            scene
                .driver
                .status(&scene.place, &job)
                .expect("counted")
                .messages,
            3
        );
        if !faults.hit() {
            break;
        }
    }
    assert!(went_on > 5, "{went_on}");
}
