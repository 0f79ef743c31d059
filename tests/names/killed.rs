//! The list of subscriptions when the program dies, or the disk fails, at each operation of a change.

use std::fs;
use std::sync::Arc;

use mugo::backend::error::Result;
use mugo::backend::subscriptions::{follow_rename, subscribe, unsubscribe};
use mugo::driver::job::Job;
use mugo::os::environment::Environment;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::common::world::{World, world};
use crate::homes::{job, name};

const OLD: &str = "INBOX\nold\nold/b\n{h/imap}far\n\x01 not a name\n";

type Change = fn(&Environment, &Job) -> Result<()>;

/// Each change with what it makes of the list.
fn changes() -> [(Change, String); 3] {
    [
        (
            |environment, job| subscribe(environment, &name("new"), job),
            format!("{OLD}new\n"),
        ),
        (
            |environment, job| unsubscribe(environment, &name("old"), job),
            OLD.replace("old\n", ""),
        ),
        (
            |environment, job| follow_rename(environment, &name("old"), &name("x"), job),
            OLD.replace("old", "x"),
        ),
    ]
}

fn start() -> World {
    let world = world();
    world.mailbox("new", b"");
    world.mailbox("later", b"");
    world.mailbox(".mailboxlist", OLD.as_bytes());
    world
}

/// A program that sees files through `layer`, and is dead as soon as another one looks.
fn mortal(world: &World, layer: &Faults) -> Environment {
    let mut environment = world.another(Arc::new(layer.clone()));
    environment.process.pid += 1;
    environment.process.start = 1;
    environment
}

fn stored(world: &World) -> String {
    fs::read_to_string(world.environment.home.join(".mailboxlist")).expect("a list")
}

/// Whether a file beside the list is still there.
fn has_litter(world: &World) -> bool {
    let names = fs::read_dir(&world.environment.home)
        .expect("a home")
        .flatten();
    names
        .map(|entry| entry.file_name())
        .any(|name| name.to_string_lossy().ends_with(".new"))
}

#[test]
fn killed_at_every_operation_the_list_is_the_old_one_or_the_new_one() {
    let (job, ..) = job();
    for (change, new) in changes() {
        for at in 0.. {
            let world = start();
            let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
            let outcome = change(&mortal(&world, &layer), &job);
            let found = stored(&world);
            assert!(found == OLD || found == new, "killed at {at}: {found:?}");
            if !layer.hit() {
                outcome.expect("nothing went wrong");
                assert_eq!(found, new);
                break;
            }
            let next = world.another(Arc::new(RealFiles));
            subscribe(&next, &name("later"), &job).expect("the lock of the dead is seized");
            assert_eq!(stored(&world), format!("{found}later\n"), "killed at {at}");
        }
    }
}

#[test]
fn when_the_disk_fails_the_list_stays_whole() {
    let (job, ..) = job();
    let faults = [
        (Op::Write, 28, true),
        (Op::Write, 5, false),
        (Op::Create, 28, true),
        (Op::Sync, 5, false),
        (Op::Rename, 5, false),
        (Op::Mode, 1, false),
        (Op::Read, 5, false),
    ];
    for (change, new) in changes() {
        for (op, errno, lasting) in faults {
            for at in 0.. {
                let world = start();
                let fault = Fault::Failure {
                    op,
                    at,
                    errno,
                    lasting,
                };
                let layer = Faults::over(Arc::new(RealFiles), fault);
                let outcome = change(&mortal(&world, &layer), &job);
                let found = stored(&world);
                match outcome {
                    Ok(()) => assert_eq!(found, new, "{op:?} {at}"),
                    Err(_) => assert_eq!(found, OLD, "{op:?} {at}"),
                }
                assert!(!has_litter(&world), "{op:?} {at}");
                if !layer.hit() {
                    break;
                }
            }
        }
    }
}

#[test]
fn writes_of_one_byte_are_completed() {
    let (job, ..) = job();
    for (change, new) in changes() {
        let world = start();
        let layer = Faults::over(Arc::new(RealFiles), Fault::None).with_short_writes();
        change(&mortal(&world, &layer), &job).expect("a change");
        assert_eq!(stored(&world), new);
    }
}

#[test]
fn two_programs_do_not_lose_each_others_changes() {
    let world = Arc::new(start());
    for number in 0..40 {
        world.mailbox(&format!("m{number}"), b"");
    }
    let programs: Vec<_> = (0..2)
        .map(|program| {
            let mut environment = world.another(Arc::new(RealFiles));
            environment.lock_patience = std::time::Duration::from_secs(60);
            std::thread::spawn(move || {
                let (job, ..) = job();
                for number in (0..3).map(|round| round * 2 + program) {
                    subscribe(&environment, &name(&format!("m{number}")), &job).expect("room");
                }
            })
        })
        .collect();
    for program in programs {
        program.join().expect("it ends");
    }
    assert_eq!(
        stored(&world)
            .lines()
            .filter(|line| line.starts_with('m'))
            .count(),
        6
    );
}
