//! The program is killed, the disk is full or fails, the power goes, at every operation of every change, for every driver
//! that writes: afterwards the mailbox holds everything old or everything new, no message lost, doubled or damaged, and
//! no lock has to be waited for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use mugo::driver::error::Result;
use mugo::driver::table::local_drivers;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::common::power::Disk;
use crate::common::random::{Random, rounds};
use crate::desk::Desk;
use crate::writers::{
    Contents, Deed, Findings, Program, Scene, Writer, all, doomed, lock_is_left, program,
};

#[test]
fn every_driver_of_the_table_is_here() {
    let desk = Desk::new();
    let table = local_drivers(&desk.environment);
    let table = table.iter().map(|driver| driver.characteristics().driver);
    let here: Vec<_> = all().iter().map(|writer| writer.driver).collect();
    assert_eq!(table.collect::<Vec<_>>(), here);
}

/// A deed of a driver, and what is there before and after it when nothing disturbs it.
struct Case {
    writer: Writer,
    deed: Deed,
    old: Findings,
    new: Findings,
    /// How many operations change something.
    operations: u64,
}

/// Does something for each case; tells every case that failed, not only the first.
fn for_each(act: impl Fn(&Case)) {
    let mut failed = Vec::new();
    for case in cases() {
        if catch_unwind(AssertUnwindSafe(|| act(&case))).is_err() {
            failed.push(format!("{} {:?}", case.writer.driver, case.deed));
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for writer in all() {
        for &deed in writer.deeds {
            let scene = Scene::set(writer, deed);
            let layer = Faults::over(Arc::new(RealFiles), Fault::None);
            let environment = program(&scene.desk, Program::Doing, Arc::new(layer.clone()));
            scene.run(environment, deed).expect("undisturbed");
            cases.push(Case {
                writer,
                deed,
                old: Scene::set(writer, deed).look("nothing"),
                new: scene.look("all"),
                operations: layer.count(),
            });
        }
    }
    cases
}

impl Case {
    fn scene(&self) -> Scene {
        Scene::set(self.writer, self.deed)
    }

    /// The mailbox must be as before or as after; as after if the deed was called done.
    fn judge(&self, scene: &Scene, at: &str, done: &Result<()>) {
        let name = format!("{} {:?} {at}, {done:?}", self.writer.driver, self.deed);
        let found = scene.look(&name);
        let is_old = self.deed == Deed::FirstOpening && agrees_but_for_validity(&found, &self.old);
        let fits = same_mail(&found, &self.old) || same_mail(&found, &self.new) || is_old;
        assert!(
            fits,
            "{name}: {found:?}\nold {:?}\nnew {:?}",
            self.old, self.new
        );
        if done.is_ok() && !is_old {
            assert!(found == self.new, "{name}: called done, but {found:?}");
        }
    }
}

/// Whether two findings differ at most in whether a mailbox without mail is there, or is nothing but an empty file: so
/// much may be left of making one.
fn same_mail(found: &Findings, wanted: &Findings) -> bool {
    found.iter().zip(wanted).all(|(found, wanted)| {
        let is_empty =
            |it: &Option<Contents>| it.as_ref().is_none_or(|it| it.messages().is_empty());
        found == wanted || (is_empty(found) && is_empty(wanted))
    })
}

/// A mailbox without a UIDVALIDITY gets one when it is opened, by whoever opens it.
fn agrees_but_for_validity(found: &Findings, old: &Findings) -> bool {
    let [Some(found), None] = found else {
        return false;
    };
    old[0]
        .as_ref()
        .is_some_and(|old| old.messages() == found.messages())
}

#[test]
fn killed_at_any_operation() {
    for_each(|case| {
        for at in 0..=case.operations {
            let scene = case.scene();
            let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
            let environment = doomed(&scene.desk, Arc::new(layer.clone()));
            let done = scene.run(environment, case.deed);
            assert_eq!(layer.hit(), at < case.operations, "{:?} {at}", case.deed);
            case.judge(&scene, &format!("killed at {at}"), &done);
        }
    });
}

#[test]
fn a_mailbox_whose_making_was_interrupted_can_be_used() {
    for_each(|case| {
        if case.deed != Deed::Create {
            return;
        }
        for at in 0..case.operations {
            let scene = case.scene();
            let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
            let done = scene.run(doomed(&scene.desk, Arc::new(layer)), case.deed);
            scene.use_new(&format!("{} killed at {at}, {done:?}", case.writer.driver));
        }
    });
}

#[test]
fn killed_again_while_the_next_program_recovers() {
    for_each(|case| {
        for at in 0..case.operations {
            let scene = case.scene();
            let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
            let done = scene.run(doomed(&scene.desk, Arc::new(layer)), case.deed);
            let mut random = Random::new(at);
            for again in 0..rounds(2, 8) {
                let layer = Faults::over(Arc::new(RealFiles), Fault::Death(random.below(20)));
                let mut environment = doomed(&scene.desk, Arc::new(layer));
                environment.process.pid -= 1 + again as u32;
                scene.glance(environment);
            }
            case.judge(&scene, &format!("killed at {at} and again"), &done);
        }
    });
}

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// What a disk refuses: the operation, why, and whether it goes on refusing.
const REFUSALS: [(Op, i32, bool); 11] = [
    (Op::Write, ENOSPC, true),
    (Op::Write, EIO, false),
    (Op::Reserve, ENOSPC, true),
    (Op::SetLen, EIO, false),
    (Op::Sync, EIO, false),
    (Op::SyncDir, EIO, false),
    (Op::Create, ENOSPC, true),
    (Op::Rename, EIO, false),
    (Op::Remove, EIO, false),
    (Op::Read, EIO, false),
    (Op::Times, EIO, false),
];

#[test]
fn refused_by_the_disk_at_any_operation() {
    for_each(|case| {
        for (op, errno, lasting) in REFUSALS {
            for at in 0.. {
                let scene = case.scene();
                let fault = Fault::Failure {
                    op,
                    at,
                    errno,
                    lasting,
                };
                let layer = Faults::over(Arc::new(RealFiles), fault);
                let done = scene.run(doomed(&scene.desk, Arc::new(layer.clone())), case.deed);
                let at = format!("{op:?} {errno} at {at}");
                // A lock that cannot be read or removed has to stay.
                let may_stay = matches!(op, Op::Read | Op::Remove);
                assert!(
                    may_stay || !lock_is_left(&scene.place),
                    "{at}: a lock is left"
                );
                case.judge(&scene, &at, &done);
                if !layer.hit() {
                    break;
                }
            }
        }
    });
}

#[test]
fn written_byte_by_byte() {
    for_each(|case| {
        let scene = case.scene();
        let layer = Faults::over(Arc::new(RealFiles), Fault::None).with_short_writes();
        let environment = program(&scene.desk, Program::Doing, Arc::new(layer.clone()));
        scene.run(environment, case.deed).expect("completed");
        case.judge(&scene, "byte by byte", &Ok(()));
        // And killed between two bytes.
        let (mut random, most) = (Random::new(1), layer.count());
        for _ in 0..rounds(8, 300) {
            let at = random.below(most);
            let scene = case.scene();
            let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at)).with_short_writes();
            let done = scene.run(doomed(&scene.desk, Arc::new(layer)), case.deed);
            case.judge(&scene, &format!("byte by byte to {at}"), &done);
        }
    });
}

#[test]
fn without_power_at_any_operation() {
    for_each(|case| {
        for seed in 0..rounds(20, 1000) {
            let mut random = Random::new(seed);
            let scene = case.scene();
            let disk = Disk::default();
            let at = random.below(case.operations + 1);
            let layer = Faults::over(Arc::new(disk.clone()), Fault::Death(at)).with_waiting();
            let done = scene.run(doomed(&scene.desk, Arc::new(layer)), case.deed);
            disk.cut_power(Some(random));
            scene.forget_locks();
            case.judge(&scene, &format!("seed {seed} cut at {at}"), &done);
        }
    });
}

#[test]
fn r5_what_the_disk_refused_to_sync_is_not_called_saved() {
    for_each(|case| {
        for op in [Op::Sync, Op::SyncDir] {
            for at in 0.. {
                let scene = case.scene();
                let disk = Disk::default();
                let fault = Fault::Failure {
                    op,
                    at,
                    errno: EIO,
                    lasting: true,
                };
                let layer = Faults::over(Arc::new(disk.clone()), fault).with_waiting();
                let done = scene.run(doomed(&scene.desk, Arc::new(layer.clone())), case.deed);
                disk.cut_power(Some(Random::new(at)));
                scene.forget_locks();
                case.judge(&scene, &format!("no {op:?} from {at}"), &done);
                if !layer.hit() {
                    break;
                }
            }
        }
    });
}
