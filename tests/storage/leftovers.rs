//! Files that a program leaves beside a mailbox when it is killed while it makes a dot lock.

use std::fs;
use std::sync::Arc;

use mugo::os::environment::Process;
use mugo::os::lock_names::{clean, helper_of, lock_of};
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults};
use crate::common::world::world;

#[test]
fn helpers_of_the_dead_go_and_all_others_stay() {
    let mut world = world();
    let path = world.mailbox("box", b"");
    let lock = lock_of(&path);
    let me = world.environment.process.clone();
    let dead = Process {
        start: me.start + 1,
        ..me.clone()
    };
    let elsewhere = Process {
        host: "another.example".into(),
        ..me.clone()
    };
    world.environment.booted = Some(1);
    let name = |pid: u32, host: &str| {
        let mut name = lock.clone().into_os_string();
        name.push(format!(".1.{pid}.7.{host}"));
        std::path::PathBuf::from(name)
    };
    const NOBODY: u32 = 4_194_305;
    let gone = [(name(me.pid, &me.host), dead.to_line())];
    let young = (name(NOBODY, &me.host), String::new());
    let mut stay = vec![
        (helper_of(&world.environment, &lock), me.to_line()),
        (name(NOBODY, "another.example"), elsewhere.to_line()),
        (
            world.environment.home.join("box.lock.1.2.host"),
            dead.to_line(),
        ),
        (world.environment.home.join("box.lockx"), dead.to_line()),
        (
            world.environment.home.join("other.lock.1.2.3.host"),
            dead.to_line(),
        ),
        (lock.clone(), dead.to_line()),
        young.clone(),
    ];
    for (path, text) in gone.iter().chain(&stay) {
        fs::write(path, text).expect("a file");
    }
    // Where other machines may write, and where nothing may be written, nothing goes.
    let shared = Faults::over(Arc::new(RealFiles), Fault::None).on_a_network();
    clean(&world.another(Arc::new(shared)), &path).expect("looked");
    let mut looking = world.another(Arc::new(RealFiles));
    looking.read_only = true;
    clean(&looking, &path).expect("looked");
    assert!(gone[0].0.exists());

    clean(&world.environment, &path).expect("cleaned");
    assert!(!gone[0].0.exists());
    for (path, _) in &stay {
        assert!(path.exists(), "{}", path.display());
    }
    // One that was killed before it could sign: gone once it is old, and nobody has the number.
    stay.retain(|one| one.0 != young.0);
    world.environment.dot_lock_timeout = std::time::Duration::ZERO;
    clean(&world.environment, &path).expect("cleaned");
    assert!(!young.0.exists());
    for (path, _) in &stay {
        assert!(path.exists(), "{}", path.display());
    }
}
