//! mx: the library's own mailbox, what others do to index and directory, and what may be wrong with them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use mugo::driver::contract::LocalDriver;
use mugo::driver::error::Error;
use mugo::driver::mx::driver::MxDriver;
use mugo::driver::mx::kept::KEPT;
use mugo::driver::place::Place;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::desk::{Desk, Opened, Queue, add, fixture, job, keywords, message, open};

struct Scene {
    desk: Desk,
    driver: MxDriver,
    place: Place,
}

/// The library's mailbox of two messages.
fn two() -> Scene {
    let desk = Desk::new();
    let driver = MxDriver::new(&desk.environment);
    let place = desk.at(desk.environment.home.join("box"));
    fs::create_dir(&place.path).expect("a directory");
    for (file, time) in [
        (".mxindex", 1_795_356_546),
        ("1", 1_772_443_231),
        ("2", 1_772_589_724),
    ] {
        let path = place.path.join(file);
        fs::write(&path, fixture(&format!("mx/two/{file}"))).expect("written");
        let file = fs::File::options().write(true).open(&path).expect("open");
        file.set_modified(UNIX_EPOCH + Duration::from_secs(time))
            .expect("its time");
    }
    Scene {
        desk,
        driver,
        place,
    }
}

impl Scene {
    fn path(&self, name: &str) -> PathBuf {
        self.place.path.join(name)
    }

    fn index(&self) -> String {
        fs::read_to_string(self.path(".mxindex")).expect("an index")
    }

    fn open(&self, access: Access) -> Opened {
        open(&self.driver, &self.place, access).expect("open")
    }
}

const SEEN: SystemFlags = SystemFlags::SEEN;
const FLAGGED: SystemFlags = SystemFlags::FLAGGED;

#[test]
fn the_librarys_mailbox_reads_as_its_readme_says_and_stays() {
    let scene = two();
    let before = scene.index();
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let mut opened = scene.open(access);
        let state = opened.list.state().expect("told").clone();
        assert_eq!(state.uid_validity.map(|it| it.get()), Some(1_795_356_546));
        assert_eq!(state.uid_next.map(|it| it.get()), Some(3));
        assert_eq!(state.keywords, keywords(&["Work", "Later"]));
        let messages = opened.list.messages().to_vec();
        let facts = messages
            .iter()
            .map(|it| (it.uid.get(), it.rfc822_size, it.internal_date.to_fixed()));
        assert_eq!(
            facts.collect::<Vec<_>>(),
            [
                (1, 259, " 2-Mar-2026 09:20:31 +0000".to_owned()),
                (2, 291, " 4-Mar-2026 02:02:04 +0000".to_owned()),
            ]
        );
        assert_eq!(messages[0].flags, Flags::system(SEEN));
        let system = FLAGGED | SystemFlags::ANSWERED;
        assert_eq!(
            messages[1].flags,
            Flags::new(system, keywords(&["Work", "Later"]))
        );
        assert_eq!(
            (
                opened.read(1, Part::Header).len(),
                opened.read(1, Part::Text).len()
            ),
            (174, 85)
        );
        assert_eq!(
            (
                opened.read(2, Part::Header).len(),
                opened.read(2, Part::Text).len()
            ),
            (263, 28)
        );
        opened.close().expect("closed");
        assert_eq!(scene.index(), before);
    }
    // As the library makes it: an index without a byte.
    fs::write(scene.path(".mxindex"), "").expect("written");
    for name in ["1", "2"] {
        fs::remove_file(scene.path(name)).expect("removed");
    }
    let opened = scene.open(Access::ReadWrite);
    assert!(opened.list.is_empty());
    let validity = opened
        .list
        .state()
        .expect("told")
        .uid_validity
        .expect("one");
    assert_eq!(scene.index(), format!("V{:08x}L00000000", validity.get()));
}

#[test]
fn one_flag_changes_its_bytes_and_those_of_others_stay() {
    let scene = two();
    let mut opened = scene.open(Access::ReadWrite);
    opened
        .store(&[2], &FlagChange::Remove(Flags::system(FLAGGED)))
        .expect("stored");
    let expected =
        "V6b02f782L00000002KWork\nKLater\nM00000001;00000000.0001M00000002;00000003.0008";
    assert_eq!(scene.index(), expected);
    // Somebody writes more bits, whose names nobody knows, and another flag: all of it stays.
    let theirs = expected.replace("00000003.0008", "40000003.0028");
    fs::write(scene.path(".mxindex"), &theirs).expect("written");
    let new = Flags::new(SystemFlags::DELETED, keywords(&["new"]));
    opened.store(&[1], &FlagChange::Add(new)).expect("stored");
    let index = scene.index();
    assert!(
        index.contains("KWork\nKLater\nKnew\nM00000001;00000004.0003"),
        "{index}"
    );
    assert!(index.ends_with("M00000002;40000003.0028"), "{index}");
    assert!(opened.list.messages()[1].flags.has(SystemFlags::DRAFT));
    assert_eq!(
        opened.list.state().expect("told").keywords,
        keywords(&["Work", "Later", "new"])
    );
}

#[test]
fn two_openers_and_files_that_come_and_go() {
    let scene = two();
    let another = scene.desk.world.another(Arc::new(RealFiles));
    let other = MxDriver::new(&Arc::new(another));
    let mut one = scene.open(Access::ReadWrite);
    let mut two = open(&other, &scene.place, Access::ReadWrite).expect("open");
    one.store(&[1], &add(FLAGGED)).expect("stored");
    two.store(&[1], &add(SystemFlags::ANSWERED))
        .expect("stored");
    one.poll().expect("polled");
    let both = SEEN | FLAGGED | SystemFlags::ANSWERED;
    assert_eq!(one.list.messages()[0].flags.system, both);
    assert_eq!(two.list.messages()[0].flags.system, both);
    // What somebody puts there without the index is a message, for both.
    fs::write(scene.path("7"), "Subject: seven\r\n\r\n7\r\n").expect("written");
    one.poll().expect("polled");
    two.poll().expect("polled");
    assert_eq!((one.uids(), two.uids()), (vec![1, 2, 7], vec![1, 2, 7]));
    assert!(one.list.messages()[2].flags.has(SystemFlags::RECENT));
    assert!(scene.index().contains("L00000007"));
    let (job, _log) = job();
    let mut queue = Queue(vec![message(b"Subject: eight\r\n\r\n")]);
    let appended = scene
        .driver
        .append(&scene.place, &mut queue, &job)
        .expect("appended");
    assert_eq!(appended.uids.first().map(|uid| uid.get()), Some(8));
    two.store(&[1, 2], &add(SystemFlags::DELETED))
        .expect("stored");
    two.expunge(Some(&[2, 7])).expect("expunged");
    assert_eq!(two.uids(), [1, 7, 8]);
    assert!(!scene.index().contains("M00000002"), "{}", scene.index());
    let gone = mugo::mail::uid::Uid::new(2).expect("not 0");
    let read = one
        .mailbox
        .read(gone, Part::Whole, &mut Vec::new(), &one.job.clone());
    assert!(matches!(read, Err(Error::NoSuchMessage)), "{read:?}");
    one.hear();
    assert_eq!(one.uids(), [1, 7, 8]);
    fs::remove_file(scene.path("8")).expect("removed");
    one.poll().expect("polled");
    // Its UID is not given out again.
    let mut queue = Queue(vec![message(b"Subject: nine\r\n\r\n")]);
    scene
        .driver
        .append(&scene.place, &mut queue, &job)
        .expect("appended");
    one.poll().expect("polled");
    assert_eq!(one.uids(), [1, 7, 9]);
    fs::remove_file(scene.path(".mxindex")).expect("removed");
    assert!(matches!(one.poll(), Err(Error::Changed(_))));
}

#[test]
fn odd_names_and_damage_harm_nobody() {
    let scene = two();
    for name in ["01", "0", "4294967296", "99999999999999999999", "x7"] {
        fs::write(scene.path(name), "Subject: odd\r\n\r\n").expect("written");
    }
    fs::create_dir(scene.path("5")).expect("a directory");
    symlink("/etc/passwd", scene.path("6")).expect("a link");
    let opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.uids(), [1, 2]);
    opened.close().expect("closed");
    let damaged = scene.index() + "Mzz";
    for (text, flags) in [
        (damaged.as_str(), SEEN),
        ("V6b02f782L00000002M00000001;00000000.0001?", SEEN),
        ("noise", SystemFlags::NONE),
    ] {
        fs::write(scene.path(".mxindex"), text).expect("written");
        let mut opened = scene.open(Access::ReadWrite);
        let state = opened.list.state().expect("told").clone();
        assert_eq!(state.access, Access::ReadOnly, "{text}");
        let why = state.why_read_only.expect("a reason");
        assert!(why.raw().contains("damaged at byte"), "{}", why.raw());
        assert_eq!(opened.uids(), [1, 2]);
        assert_eq!(opened.list.messages()[0].flags.system, flags, "{text}");
        assert!(matches!(
            opened.store(&[1], &add(FLAGGED)),
            Err(Error::ReadOnly)
        ));
        opened.close().expect("closed");
        let (job, _log) = job();
        let mut queue = Queue(vec![message(b"Subject: x\r\n\r\n")]);
        let refused = scene.driver.append(&scene.place, &mut queue, &job);
        assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
        assert_eq!(scene.index(), text);
    }
}

#[test]
fn names_of_digits_are_refused_and_mailboxes_below_stay() {
    let scene = two();
    let (job, _log) = job();
    let digits = scene.desk.at(scene.path("123"));
    assert!(matches!(
        scene.driver.create(&digits, &job),
        Err(Error::Refused(_))
    ));
    let below = scene.desk.at(scene.path("below"));
    scene.driver.create(&below, &job).expect("made");
    assert!(matches!(
        scene.driver.rename(&below, &digits, &job),
        Err(Error::Refused(_))
    ));
    let refused = scene.driver.delete_empty(&scene.place, &job);
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    scene.driver.delete(&scene.place, &job).expect("deleted");
    let left = fs::read_dir(&scene.place.path)
        .expect("a directory")
        .count();
    assert_eq!(left, 1);
    scene.driver.delete_empty(&below, &job).expect("deleted");
    assert!(!below.path.exists());
}

/// A mailbox with two deleted messages, and a program that was killed right before the first of them went.
fn cut_off() -> Scene {
    for at in 0.. {
        let scene = two();
        let mut opened = scene.open(Access::ReadWrite);
        opened
            .store(&[1, 2], &add(SystemFlags::DELETED))
            .expect("stored");
        opened.close().expect("closed");
        let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
        let mut environment = scene.desk.world.another(Arc::new(layer.clone()));
        environment.process.pid = 3_999_999;
        let driver = MxDriver::new(&Arc::new(environment));
        if let Ok(mut opened) = open(&driver, &scene.place, Access::ReadWrite) {
            let _dead = opened.expunge(None);
        }
        let trace = layer.trace();
        if trace
            .last()
            .is_some_and(|(op, path)| *op == Op::Rename && path.ends_with("1"))
        {
            return scene;
        }
        assert!(layer.hit(), "no such moment");
    }
    unreachable!()
}

#[test]
fn an_expunge_that_was_cut_off_takes_nothing_that_was_undeleted_or_is_elsewhere() {
    for (from, to, expected) in [
        ("M", "M", &[][..]),
        ("00000001;00000000.0003", "00000001;00000000.0001", &[1]),
        // Another mailbox took its place, whose messages are deleted too.
        ("V6b02f782", "V6b02f783", &[1, 2]),
    ] {
        let scene = cut_off();
        let index = scene.index();
        assert!(index.contains(from), "{index}");
        fs::write(scene.path(".mxindex"), index.replace(from, to)).expect("written");
        let opened = scene.open(Access::ReadWrite);
        assert_eq!(opened.uids(), expected, "{to}");
    }
}

#[test]
fn an_open_session_changes_no_mailbox_but_its_own() {
    let scene = two();
    let mut opened = scene.open(Access::ReadWrite);
    let index = scene.index();
    let other = index
        .replace("V6b02f782", "V6b02f799")
        .replace(".0001", ".0003");
    fs::write(scene.path(".mxindex"), &other).expect("written");
    assert!(matches!(
        opened.store(&[2], &add(SEEN)),
        Err(Error::Changed(_))
    ));
    assert!(matches!(opened.expunge(None), Err(Error::Changed(_))));
    assert!(scene.path("1").exists());
    assert_eq!(scene.index(), other);
}

#[test]
fn keyword_names_of_others_stay_and_flags_that_were_dropped_come_back() {
    let scene = two();
    let odd = format!(
        "V6b02f782L00000002KWork\nK{}\nM00000001;00000003.0001",
        "x".repeat(80)
    );
    fs::write(scene.path(".mxindex"), &odd).expect("written");
    let mut opened = scene.open(Access::ReadWrite);
    let change = Flags::new(SystemFlags::NONE, keywords(&["new"]));
    opened
        .store(&[2], &FlagChange::Add(change))
        .expect("stored");
    let expected = odd.replace("M00000001", "Knew\nM00000001") + "M00000002;00000004.0000";
    assert_eq!(scene.index(), expected);
    // A program of the library that does not know message 2 drops it.
    fs::write(
        scene.path(".mxindex"),
        expected.replace("M00000002;00000004.0000", ""),
    )
    .expect("written");
    opened.store(&[1], &add(FLAGGED)).expect("stored");
    assert_eq!(scene.index(), expected.replace(".0001", ".0005"));
    assert_eq!(
        opened.list.messages()[1].flags.keywords(),
        keywords(&["new"])
    );
}

#[test]
fn uids_that_were_told_are_not_given_out_again() {
    let scene = two();
    let mut opened = scene.open(Access::ReadWrite);
    opened
        .store(&[2], &add(SystemFlags::DELETED))
        .expect("stored");
    opened.expunge(None).expect("expunged");
    // Somebody puts an older index in its place.
    fs::write(
        scene.path(".mxindex"),
        "V6b02f782L00000001M00000001;00000000.0001",
    )
    .expect("written");
    opened.poll().expect("polled");
    let (job, _log) = job();
    let mut queue = Queue(vec![message(b"Subject: three\r\n\r\n")]);
    let appended = scene
        .driver
        .append(&scene.place, &mut queue, &job)
        .expect("appended");
    assert_eq!(appended.uids.first().map(|uid| uid.get()), Some(3));
    opened.poll().expect("polled");
    assert_eq!(opened.uids(), [1, 3]);
}

#[test]
fn the_highest_message_goes_and_its_uid_with_it_also_where_the_index_is_behind() {
    let scene = two();
    fs::write(scene.path("9"), "Subject: nine\r\n\r\n").expect("written");
    let mut opened = scene.open(Access::ReadWrite);
    // Another program knows the message and not its number.
    let index = scene.index().replace("L00000009", "L00000002");
    let index = index.replace("M00000009;00000000.0000", "M00000009;00000000.0002");
    assert!(
        index.contains("L00000002") && index.contains(".0002"),
        "{index}"
    );
    fs::write(scene.path(".mxindex"), index).expect("written");
    opened.expunge(None).expect("expunged");
    opened.close().expect("closed");
    let (job, _log) = job();
    let mut queue = Queue(vec![message(b"Subject: ten\r\n\r\n")]);
    let appended = scene.driver.append(&scene.place, &mut queue, &job);
    let uids = appended.expect("appended").uids;
    assert_eq!(uids.first().map(|uid| uid.get()), Some(10));
}

#[test]
fn what_is_kept_spares_looks_and_is_never_the_truth() {
    let scene = two();
    let (job, _log) = job();
    let many = (0..150).map(|_| message(b"Subject: x\r\n\r\nx\r\n"));
    scene
        .driver
        .append(&scene.place, &mut Queue(many.collect()), &job)
        .expect("appended");
    // Names that came a moment ago may not be all: an hour later they are.
    let later = |layer: Arc<dyn mugo::os::files::FileLayer>| {
        let mut environment = scene.desk.world.another(layer);
        let clock = Arc::clone(&environment.clock);
        environment.clock = Arc::new(move || clock() + 3_600);
        environment
    };
    let open_later = |layer| {
        let driver = MxDriver::new(&Arc::new(later(layer)));
        open(&driver, &scene.place, Access::ReadOnly).expect("open")
    };
    let kept = KEPT.place(&scene.desk.environment, &scene.place.path);
    let opened = scene.open(Access::ReadOnly);
    let expected = opened.list.messages().to_vec();
    opened.close().expect("closed");
    assert!(!kept.exists(), "the directory was changed a moment ago");
    let mut careful = later(Arc::new(RealFiles));
    careful.read_only = true;
    let driver = MxDriver::new(&Arc::new(careful));
    let opened = open(&driver, &scene.place, Access::ReadOnly).expect("open");
    opened.close().expect("closed");
    assert!(!kept.exists(), "nothing may be written");
    open_later(Arc::new(RealFiles)).close().expect("closed");
    let whole = fs::read(&kept).expect("kept");
    let counted = Fault::Failure {
        op: Op::Look,
        at: 1_000_000,
        errno: 5,
        lasting: false,
    };
    let layer = Faults::over(Arc::new(RealFiles), counted);
    let opened = open_later(Arc::new(layer.clone()));
    assert_eq!(opened.list.messages(), expected);
    assert!(layer.count() < 30, "{}", layer.count());
    opened.close().expect("closed");
    for at in (0..whole.len()).step_by(101) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x21;
        fs::write(&kept, &damaged).expect("written");
        let opened = open_later(Arc::new(RealFiles));
        assert_eq!(opened.list.messages(), expected, "{at}");
    }
    fs::write(&kept, &whole).expect("written");
    fs::remove_file(scene.path("7")).expect("removed");
    fs::write(scene.path("900"), "Subject: y\r\n\r\n").expect("delivered");
    let mut opened = open_later(Arc::new(RealFiles));
    assert!(!opened.uids().contains(&7) && opened.uids().ends_with(&[152, 900]));
    // One that comes back under a number that was passed over is not told in this session, and not lost for the next one.
    fs::write(scene.path("7"), "Subject: z\r\n\r\n").expect("restored");
    opened.poll().expect("polled");
    assert!(!opened.uids().contains(&7));
    opened.close().expect("closed");
    assert!(open_later(Arc::new(RealFiles)).uids().contains(&7));
    scene.driver.delete(&scene.place, &job).expect("deleted");
    assert!(!kept.exists());
}
