//! mix: the library's own mailboxes, what several openers see of each other, what is reclaimed and when, and what may be
//! wrong with the files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mugo::driver::contract::LocalDriver;
use mugo::driver::error::Error;
use mugo::driver::mix::driver::MixDriver;
use mugo::driver::place::Place;
use mugo::mail::change::Change;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::files::{FileLayer, Flock, OpenMode};
use mugo::os::real_files::RealFiles;

use crate::desk::{Desk, Opened, Queue, add, fixture, job, keywords, message, open};

mod appending;
mod crash;
mod damage;
mod reclaiming;

const META: &str = ".mixmeta";
const INDEX: &str = ".mixindex";
const STATUS: &str = ".mixstatus";
const DATA: &str = ".mix6b02f782";

struct Scene {
    desk: Desk,
    driver: MixDriver,
    place: Place,
}

/// Puts a mailbox of the library into a directory.
pub(crate) fn put_fixture(name: &str, path: &Path) {
    let _none = fs::remove_dir_all(path);
    fs::create_dir(path).expect("a directory");
    for file in [META, INDEX, STATUS, DATA] {
        let bytes = fixture(&format!("mix/{name}/{file}"));
        fs::write(path.join(file), bytes).expect("written");
    }
}

fn scene(name: &str) -> Scene {
    let desk = Desk::new();
    let driver = MixDriver::new(&desk.environment);
    let place = desk.at(desk.environment.home.join("box"));
    put_fixture(name, &place.path);
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

    fn text(&self, name: &str) -> String {
        String::from_utf8(fs::read(self.path(name)).expect("there")).expect("text")
    }

    fn change(&self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(self.path(name), text.replace(from, to)).expect("written");
    }

    fn open(&self, access: Access) -> Opened {
        open(&self.driver, &self.place, access).expect("open")
    }

    fn append(&self, texts: &[&[u8]]) {
        let (job, _log) = job();
        let mut queue = Queue(texts.iter().map(|text| message(text)).collect());
        self.driver
            .append(&self.place, &mut queue, &job)
            .expect("appended");
    }

    /// The data files with their lengths.
    fn data(&self) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.place.path).expect("a directory") {
            let entry = entry.expect("readable");
            let name = entry.file_name().into_string().expect("text");
            let own = name.len() == DATA.len() && name.starts_with(".mix") && name != STATUS;
            if own && name != INDEX {
                all.push((name, entry.metadata().expect("there").len()));
            }
        }
        all.sort();
        all
    }

    fn all(&self) -> Vec<Vec<u8>> {
        let bytes = |name: &&str| fs::read(self.path(name)).unwrap_or_default();
        [META, INDEX, STATUS, DATA].iter().map(bytes).collect()
    }
}

fn why(opened: &Opened) -> Option<String> {
    let state = opened.list.state().expect("told");
    state.why_read_only.as_ref().map(|why| why.raw().to_owned())
}

const DELETED: SystemFlags = SystemFlags::DELETED;
const FLAGGED: SystemFlags = SystemFlags::FLAGGED;

#[test]
fn the_librarys_mailboxes_read_as_their_readme_says_and_stay() {
    for (name, uids) in [("two", &[1, 2][..]), ("created-empty", &[])] {
        let scene = scene(name);
        let before = scene.all();
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let mut opened = scene.open(access);
            let state = opened.list.state().expect("told").clone();
            assert_eq!((state.access, why(&opened)), (access, None));
            assert_eq!(state.uid_validity.map(|it| it.get()), Some(1_795_356_546));
            assert_eq!(opened.uids(), uids);
            if name == "two" {
                reads_as_two(&mut opened);
            }
            opened.close().expect("closed");
            assert_eq!(scene.all(), before, "{name} {access:?}");
        }
    }
}

fn reads_as_two(opened: &mut Opened) {
    let state = opened.list.state().expect("told").clone();
    assert_eq!(state.uid_next.map(|it| it.get()), Some(3));
    assert_eq!(state.keywords, keywords(&["Work", "Later"]));
    let messages = opened.list.messages().to_vec();
    let dates = messages.iter().map(|it| it.internal_date.to_fixed());
    let expected = [" 2-Mar-2026 10:20:31 +0100", " 3-Mar-2026 21:02:04 -0500"];
    assert_eq!(dates.collect::<Vec<_>>(), expected);
    assert_eq!(messages[0].flags, Flags::system(SystemFlags::SEEN));
    let system = FLAGGED | SystemFlags::ANSWERED;
    let flags = Flags::new(system, keywords(&["Work", "Later"]));
    assert_eq!(messages[1].flags, flags);
    for (uid, sizes) in [(1, (174, 85, 259)), (2, (263, 28, 291))] {
        let mut length = |part| opened.read(uid, part).len();
        let found = (
            length(Part::Header),
            length(Part::Text),
            length(Part::Whole),
        );
        assert_eq!(found, sizes);
    }
}

#[test]
fn hidden_bytes_are_reclaimed_when_nobody_else_has_it_open() {
    let scene = scene("hidden-expunge");
    let before = scene.all();
    let reader = scene.open(Access::ReadOnly);
    assert_eq!(reader.uids(), [2]);
    // Somebody has it open: all stays where it is.
    scene.open(Access::ReadWrite).close().expect("closed");
    assert_eq!(scene.all(), before);
    reader.close().expect("closed");
    assert_eq!(scene.all(), before, "a reader writes nothing");
    let mut opened = scene.open(Access::ReadWrite);
    let data = scene.data();
    assert_eq!(data.iter().map(|file| file.1).collect::<Vec<_>>(), [336]);
    assert_eq!(
        fs::read(scene.path(&data[0].0)).expect("data"),
        before[3][304..]
    );
    let number = data[0].0.trim_start_matches(".mix");
    assert!(
        scene
            .text(META)
            .contains(&format!("L00000002\r\nN{number}\r\n"))
    );
    assert_eq!(
        (opened.uids(), opened.read(2, Part::Whole).len()),
        (vec![2], 291)
    );
    opened.close().expect("closed");
    scene.append(&[b"Subject: 3\r\n\r\n"]);
    assert_eq!(scene.open(Access::ReadOnly).uids(), [2, 3]);
}

#[test]
fn an_expunge_of_uids_takes_none_that_is_not_deleted() {
    let scene = scene("two");
    scene.append(&[b"Subject: 3\r\n\r\n", b"Subject: 4\r\n\r\n"]);
    let mut opened = scene.open(Access::ReadWrite);
    opened.store(&[1, 3], &add(DELETED)).expect("stored");
    opened.expunge(Some(&[2, 3, 4])).expect("expunged");
    assert_eq!(opened.uids(), [1, 2, 4]);
    opened.expunge(Some(&[2, 4])).expect("expunged");
    opened.expunge(None).expect("expunged");
    assert_eq!(opened.uids(), [2, 4]);
    opened.close().expect("closed");
    assert_eq!(scene.open(Access::ReadOnly).uids(), [2, 4]);
    assert_eq!(scene.text(INDEX).lines().count(), 3);
    assert_eq!(scene.text(STATUS).lines().count(), 3);
}

#[test]
fn several_openers_see_what_each_does() {
    let scene = scene("two");
    let mut one = scene.open(Access::ReadWrite);
    let mut two = scene.open(Access::ReadWrite);
    let mut reader = scene.open(Access::ReadOnly);
    let flags = Flags::new(FLAGGED | DELETED, keywords(&["New"]));
    one.store(&[1], &FlagChange::Add(flags)).expect("stored");
    for other in [&mut two, &mut reader] {
        other.poll().expect("polled");
        let messages = other.list.messages().to_vec();
        assert!(messages[0].flags.has(FLAGGED | DELETED));
        assert_eq!(messages[0].flags.keywords(), keywords(&["New"]));
        let words = &other.list.state().expect("told").keywords;
        assert_eq!(words, &keywords(&["Work", "Later", "New"]));
    }
    scene.append(&[b"Subject: 3\r\n\r\nthree\r\n"]);
    let arrived = two.poll().expect("polled");
    assert!(
        matches!(&arrived[..], [Change::State(_), Change::Arrived(_)]),
        "{arrived:?}"
    );
    assert!(
        two.list.messages().to_vec()[2]
            .flags
            .has(SystemFlags::RECENT)
    );
    // The second that may write is not the first to see it; the first one is told that it is there all the same.
    one.poll().expect("polled");
    assert!(
        !one.list.messages().to_vec()[2]
            .flags
            .has(SystemFlags::RECENT)
    );
    one.expunge(None).expect("expunged");
    // Not told yet, and its bytes are still there.
    assert!(
        reader
            .read(1, Part::Whole)
            .starts_with(b"Date: Mon, 2 Mar 2026")
    );
    let changes = reader.poll().expect("polled");
    assert!(matches!(changes[1], Change::Expunged(_)), "{changes:?}");
    assert_eq!((reader.uids(), two.uids()), (vec![2, 3], vec![1, 2, 3]));
    assert_eq!(scene.data()[0].1, 640 + 45 + 21, "others have it open");
    two.poll().expect("polled");
    for other in [one, two] {
        other.close().expect("closed");
    }
    assert_eq!(scene.data()[0].1, 640 + 45 + 21, "somebody still has");
    reader.close().expect("closed");
    let mut last = scene.open(Access::ReadWrite);
    assert_eq!(
        scene.data().iter().map(|it| it.1).sum::<u64>(),
        336 + 45 + 21
    );
    assert_eq!(last.read(3, Part::Text), b"three\r\n");
    // A check does the same, once the others are gone.
    last.store(&[2], &add(DELETED)).expect("stored");
    let reader = scene.open(Access::ReadOnly);
    last.expunge(None).expect("expunged");
    reader.close().expect("closed");
    last.check().expect("checked");
    assert_eq!(scene.data().iter().map(|it| it.1).sum::<u64>(), 45 + 21);
    last.store(&[3], &add(DELETED)).expect("stored");
    last.expunge(None).expect("expunged");
    assert_eq!(scene.data().iter().map(|it| it.1).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_change_of_flags_touches_their_bytes_alone() {
    let scene = scene("two");
    let before = scene.all();
    let mut opened = scene.open(Access::ReadWrite);
    let gone = FlagChange::Remove(Flags::system(FLAGGED));
    opened.store(&[2], &gone).expect("stored");
    let status = scene.text(STATUS);
    let lines: Vec<&str> = status.split("\r\n").collect();
    assert_eq!(lines[1], ":00000001:00000000:0011:6b02f784:");
    let sequence = &lines[0][1..];
    assert!(sequence > "6b02f785", "{sequence}");
    assert_eq!(lines[2], format!(":00000002:00000003:0018:{sequence}:"));
    let after = scene.all();
    assert_eq!((&before[..2], &before[3]), (&after[..2], &after[3]));
    // Bits and flags that nobody here can name stay.
    scene.change(STATUS, "00000003:0018", "40000003:4018");
    opened
        .store(&[2], &FlagChange::Set(Flags::default()))
        .expect("stored");
    assert!(scene.text(STATUS).contains(":00000002:40000000:4010:"));
    let many: Vec<String> = (0..40).map(|number| format!("k{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let flags = Flags::new(SystemFlags::NONE, keywords(&many));
    opened.store(&[1], &FlagChange::Add(flags)).expect("stored");
    assert_eq!(opened.list.state().expect("told").keywords.len(), 30);
    assert!(scene.text(STATUS).contains(":00000001:3ffffffc:0011:"));
    assert!(scene.text(META).ends_with(" k26 k27\r\n"));
}

#[test]
fn data_files_are_begun_anew_when_they_are_full() {
    let scene = scene("created-empty");
    let large = [
        &b"Subject: x\r\n\r\n"[..],
        &b"a line of text\r\n".repeat(25_000),
    ]
    .concat();
    scene.append(&[&large[..]; 5]);
    let sizes: Vec<u64> = scene.data().iter().map(|file| file.1).collect();
    assert_eq!((sizes.len(), sizes[0], sizes[2]), (3, 2 * 400_059, 400_059));
    let huge = [
        &b"Subject: y\r\n\r\n"[..],
        &b"a line of text\r\n".repeat(125_000),
    ]
    .concat();
    scene.append(&[&huge, b"Subject: z\r\n\r\n"]);
    let data = scene.data();
    assert_eq!(data[3].1, 2_000_014 + 45, "one that is larger has its own");
    let mut opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.read(6, Part::Whole), huge);
    assert_eq!(opened.read(7, Part::Header), b"Subject: z\r\n\r\n");
    // One goes from each: the files are copied or removed, and each message is still what it was.
    opened.store(&[1, 3, 6], &add(DELETED)).expect("stored");
    opened.expunge(None).expect("expunged");
    let sizes: Vec<u64> = scene.data().iter().map(|file| file.1).collect();
    assert_eq!(
        sizes.iter().sum::<u64>(),
        3 * 400_059 + 45 + 14,
        "{sizes:?}"
    );
    for uid in [2, 4, 5] {
        assert_eq!(opened.read(uid, Part::Whole), large, "{uid}");
    }
    opened.close().expect("closed");
    scene.append(&[b"Subject: 8\r\n\r\n"]);
    assert_eq!(scene.open(Access::ReadOnly).uids(), [2, 4, 5, 7, 8]);
    assert_eq!(scene.data().len(), sizes.len());
}

#[test]
fn mailboxes_are_made_removed_and_renamed_whole() {
    let scene = scene("two");
    let (job, _log) = job();
    let home = scene.desk.environment.home.clone();
    for name in ["box/.mixture", "box/.mix", ".mixmeta"] {
        let made = scene.driver.create(&scene.desk.at(home.join(name)), &job);
        assert!(matches!(made, Err(Error::Refused(_))), "{name}: {made:?}");
    }
    let below = scene.desk.at(home.join("box/below"));
    scene.driver.create(&below, &job).expect("made");
    for name in [META, INDEX, STATUS] {
        assert!(below.path.join(name).is_file(), "{name}");
    }
    let opened = scene.open(Access::ReadOnly);
    let other = scene.desk.at(home.join("other"));
    let in_use = [
        scene.driver.delete(&scene.place, &job),
        scene.driver.rename(&scene.place, &other, &job),
    ];
    for refused in in_use {
        assert!(matches!(refused, Err(Error::Locked { .. })), "{refused:?}");
    }
    opened.close().expect("closed");
    let kept = scene.driver.delete_empty(&scene.place, &job);
    assert!(matches!(kept, Err(Error::Refused(_))), "{kept:?}");
    scene
        .driver
        .rename(&scene.place, &other, &job)
        .expect("renamed");
    assert_eq!(
        open(&scene.driver, &other, Access::ReadOnly)
            .expect("open")
            .uids(),
        [1, 2]
    );
    // What is below it stays.
    scene.driver.delete(&other, &job).expect("deleted");
    let left: Vec<_> = fs::read_dir(&other.path).expect("there").collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let mut inbox = scene.desk.at(home.join("INBOX"));
    inbox.is_inbox = true;
    put_fixture("two", &inbox.path);
    let old = scene.desk.at(home.join("old"));
    scene.driver.rename(&inbox, &old, &job).expect("renamed");
    assert!(
        open(&scene.driver, &inbox, Access::ReadWrite)
            .expect("open")
            .list
            .is_empty()
    );
    assert_eq!(
        open(&scene.driver, &old, Access::ReadWrite)
            .expect("open")
            .uids(),
        [1, 2]
    );
}

#[test]
fn who_removes_a_mailbox_waits_for_who_moves_data_in_it_with_a_shared_lock() {
    let scene = scene("two");
    let mut patient = scene.desk.world.another(Arc::new(RealFiles));
    patient.lock_patience = std::time::Duration::from_secs(20);
    let driver = MixDriver::new(&Arc::new(patient));
    let index = RealFiles.open(&scene.path(INDEX), OpenMode::ReadWrite);
    let mut index = index.expect("there");
    assert!(index.try_lock(Flock::Exclusive).expect("locked"));
    std::thread::scope(|threads| {
        let removes = threads.spawn(|| driver.delete(&scene.place, &job().0));
        std::thread::sleep(std::time::Duration::from_millis(300));
        // The one that moves data takes its lock back.
        let meta = RealFiles.open(&scene.path(META), OpenMode::Read);
        let mut meta = meta.expect("there");
        let shared = meta.try_lock(Flock::Shared).expect("asked");
        index.unlock().expect("unlocked");
        let removed = removes.join().expect("ended");
        assert!(shared, "it is not alone yet");
        assert!(matches!(removed, Err(Error::Locked { .. })), "{removed:?}");
    });
    assert_eq!(scene.open(Access::ReadOnly).uids(), [1, 2]);
}

#[test]
fn a_mailbox_that_lost_its_index_is_not_empty() {
    let scene = scene("two");
    let (job, _log) = job();
    for is_there in [true, false] {
        match is_there {
            true => fs::write(scene.path(INDEX), b"").expect("written"),
            false => fs::remove_file(scene.path(INDEX)).expect("removed"),
        }
        let kept = scene.driver.delete_empty(&scene.place, &job);
        assert!(matches!(kept, Err(Error::Refused(_))), "{kept:?}");
    }
    fs::write(scene.path(DATA), b"").expect("written");
    scene.driver.delete_empty(&scene.place, &job).expect("gone");
}
