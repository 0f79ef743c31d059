//! Atomic replacement: under every fault the old content or the new, with mode and link.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;

use mugo::os::real_files::RealFiles;
use mugo::os::replace::replace;

use crate::common::faults::{Fault, Faults, Op};
use crate::common::power::Disk;
use crate::common::random::Random;
use crate::common::world::world;

#[test]
fn killed_or_failing_it_is_old_or_new() {
    let faults: [fn(u64) -> Fault; 4] = [
        Fault::Death,
        |at| Fault::Failure {
            op: Op::Write,
            at,
            errno: 28,
            lasting: true,
        },
        |at| Fault::Failure {
            op: Op::Sync,
            at,
            errno: 5,
            lasting: false,
        },
        |at| Fault::Failure {
            op: Op::Rename,
            at,
            errno: 5,
            lasting: false,
        },
    ];
    for fault in faults {
        for at in 0.. {
            let world = world();
            let path = world.mailbox("list", b"old");
            let layer = Faults::over(Arc::new(RealFiles), fault(at));
            let result = replace(&layer, &path, b"new content");
            let found = fs::read(&path).expect("the file");
            assert!(
                found == b"old" || found == b"new content",
                "{:?}",
                fault(at)
            );
            assert!(result.is_err() || found == b"new content");
            if !layer.hit() {
                break;
            }
        }
    }
}

#[test]
fn a_power_cut_never_empties_it() {
    for seed in 0..200 {
        let world = world();
        let path = world.mailbox("list", b"old");
        let disk = Disk::default();
        let layer = Faults::over(Arc::new(disk.clone()), Fault::Death(seed % 8)).with_waiting();
        let done = replace(&layer, &path, b"new content").is_ok();
        disk.cut_power(Some(Random::new(seed)));
        let found = fs::read(&path).expect("the file");
        assert!(
            found == b"new content" || (found == b"old" && !done),
            "seed {seed}"
        );
    }
}

#[test]
fn mode_and_link_stay() {
    let world = world();
    let path = world.mailbox("list", b"old");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("a mode");
    let link = world.environment.home.join("link");
    symlink("list", &link).expect("a link");
    replace(&RealFiles, &link, b"new").expect("the replacement");
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert_eq!(fs::read(&path).expect("the file"), b"new");
    assert_eq!(
        fs::metadata(&path).expect("the file").permissions().mode() & 0o777,
        0o640
    );
    let fresh = world.environment.home.join("fresh");
    replace(&RealFiles, &fresh, b"x").expect("a new file");
    assert_eq!(
        fs::metadata(&fresh).expect("the file").permissions().mode() & 0o777,
        0o600
    );
    assert!(replace(&RealFiles, &world.environment.home, b"x").is_err());
}
