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
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::common::random::{Random, rounds};
use crate::desk::{Desk, Opened, Queue, add, fixture, job, keywords, message, open, uid_set};

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

/// What is done to a file, what is told, and the messages that are shown.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    &'static [u32],
);

const DAMAGED: &[Case] = &[
    (
        META,
        "V6b",
        "Vzb",
        Some("its .mixmeta is damaged in line 2"),
        &[1, 2],
    ),
    (
        META,
        "K",
        "X",
        Some("its .mixmeta is damaged in line 5"),
        &[1, 2],
    ),
    (META, "N6b02f782\r\n", "", None, &[1, 2]),
    (META, "\r\n", "\n", None, &[1, 2]),
    (META, "Later\r\n", "Later", None, &[1, 2]),
    (META, "L00000002", "L00000001", None, &[1, 2]),
    (META, "L00000002", "L000000000000ffffffff", None, &[1, 2]),
    (
        INDEX,
        ":00000001:2",
        ":0000000g:2",
        Some("its .mixindex is damaged in line 2"),
        &[2],
    ),
    (
        INDEX,
        ":00000002:2",
        ":00000001:2",
        Some("its .mixindex is damaged in line 3"),
        &[1],
    ),
    (
        INDEX,
        ":00000002:2",
        ":fffffffff:2",
        Some("its .mixindex is damaged in line 3"),
        &[1],
    ),
    (
        INDEX,
        "20260303",
        "20261303",
        Some("its .mixindex is damaged in line 3"),
        &[1],
    ),
    (
        INDEX,
        "107:\r\n",
        "107:",
        Some("its .mixindex is damaged in line 3"),
        &[1],
    ),
    (
        INDEX,
        "107:\r\n",
        "107:\r\n:0000",
        Some("its .mixindex is damaged in line 4"),
        &[1, 2],
    ),
    (INDEX, "107:\r\n", "107:more:\r\n\0\0\0", None, &[1, 2]),
    (INDEX, "\r\n", "\n", None, &[1, 2]),
    (INDEX, ":00000001:2", ":0000000000000001:2", None, &[1, 2]),
    (INDEX, ":00000002:2", ":fffffffe:2", None, &[1, 0xffff_fffe]),
    (STATUS, ":0011", ":z011", None, &[1, 2]),
    (STATUS, "85:\r\n", "85:\r\n\0\0", None, &[1, 2]),
    (STATUS, ":00000001", ":00000007", None, &[1, 2]),
    (STATUS, "S6b02f785", "Sffffffff", None, &[1, 2]),
];

#[test]
fn a_damaged_mailbox_shows_what_is_sound_and_says_which_line_is_not() {
    for &(file, from, to, read_only, uids) in DAMAGED {
        let scene = scene("two");
        scene.change(file, from, to);
        let at = format!("{file}: {from:?} is {to:?}");
        let before = scene.all();
        let opened = scene.open(Access::ReadOnly);
        assert_eq!(opened.uids(), uids, "{at}");
        opened.close().expect("closed");
        let mut opened = scene.open(Access::ReadWrite);
        assert_eq!(why(&opened).as_deref(), read_only, "{at}");
        assert_eq!(opened.uids(), uids, "{at}");
        let stored = opened.store(&uids[..1], &add(FLAGGED));
        let Some(what) = read_only else {
            stored.expect("stored");
            opened.close().expect("closed");
            let again = scene.open(Access::ReadWrite);
            assert_eq!((again.uids(), why(&again)), (uids.to_vec(), None), "{at}");
            assert!(again.list.messages().to_vec()[0].flags.has(FLAGGED), "{at}");
            continue;
        };
        assert!(matches!(stored, Err(Error::ReadOnly)), "{at}: {stored:?}");
        assert!(
            opened.log.notices().iter().any(|it| it.starts_with(what)),
            "{at}"
        );
        opened.close().expect("closed");
        let (job, _log) = job();
        let mut queue = Queue(vec![message(b"Subject: x\r\n\r\n")]);
        let appended = scene.driver.append(&scene.place, &mut queue, &job);
        assert!(
            matches!(appended, Err(Error::Refused(_))),
            "{at}: {appended:?}"
        );
        assert_eq!(scene.all(), before, "{at}");
    }
}

#[test]
fn what_c_client_cannot_open_is_mended_and_a_lost_index_takes_no_data_along() {
    let scene = scene("two");
    scene.change(META, "Later\r\n", "Later");
    scene.open(Access::ReadWrite).close().expect("closed");
    assert!(scene.text(META).ends_with("\r\nKWork Later\r\n"));
    let data = fs::read(scene.path(DATA)).expect("data");
    for (file, what) in [
        (INDEX, "its .mixindex is lost"),
        (STATUS, "its .mixstatus is lost"),
        (META, "its .mixmeta is damaged in line 1"),
    ] {
        for is_there in [true, false] {
            put_fixture("two", &scene.place.path);
            match is_there {
                true => fs::write(scene.path(file), b"").expect("written"),
                false => fs::remove_file(scene.path(file)).expect("removed"),
            }
            if file == META && !is_there {
                let (job, _log) = job();
                let opened = scene.driver.open(&scene.place, Access::ReadOnly, &job);
                assert!(matches!(opened, Err(Error::NotThisFormat { .. })));
                continue;
            }
            let opened = scene.open(Access::ReadWrite);
            let is_whole = file == STATUS && is_there;
            let expected = (!is_whole).then_some(what);
            assert_eq!(why(&opened).as_deref(), expected, "{file} {is_there}");
            opened.close().expect("closed");
            assert_eq!(fs::read(scene.path(DATA)).expect("data"), data, "{file}");
        }
    }
}

#[test]
fn messages_that_are_not_where_they_should_be_say_so_and_others_can_be_read() {
    let scene = scene("two");
    let whole = fs::read(scene.path(DATA)).expect("data");
    let headers = |opened: &mut Opened| {
        let mut all = Vec::new();
        let uids: Vec<_> = opened.mailbox.uids().iter().collect();
        let mut found = |_, bytes: &[u8]| all.push(bytes.len());
        let told = opened
            .mailbox
            .headers(&uids, &mut found, &opened.job.clone());
        told.expect("told");
        all
    };
    let read = |opened: &mut Opened, uid| {
        let uid = mugo::mail::uid::Uid::new(uid).expect("one");
        let mut bytes = Vec::new();
        let read = opened
            .mailbox
            .read(uid, Part::Whole, &mut bytes, &opened.job.clone());
        read.map(|()| bytes.len())
    };
    for (change, first, second, seen) in [
        // The second ends early.
        (whole[..400].to_vec(), true, Ok(51), [174, 51]),
        (whole[..310].to_vec(), true, Err(()), [174, 0]),
        (
            whole.replace(b":msg:00000002", b":msg:00000003"),
            true,
            Err(()),
            [174, 0],
        ),
        (
            whole.replace(b":msg:00000001", b":xsg:00000001"),
            false,
            Ok(291),
            [0, 263],
        ),
        (b"".to_vec(), false, Err(()), [0, 0]),
    ] {
        put_fixture("two", &scene.place.path);
        fs::write(scene.path(DATA), &change).expect("written");
        let mut opened = scene.open(Access::ReadWrite);
        assert_eq!(read(&mut opened, 1).is_ok(), first);
        assert_eq!(read(&mut opened, 2).map_err(drop), second);
        assert_eq!(headers(&mut opened), seen);
        opened.close().expect("closed");
        assert_eq!(
            fs::read(scene.path(DATA)).expect("data"),
            change,
            "left alone"
        );
        // Nor is it moved when another goes.
        let mut opened = scene.open(Access::ReadWrite);
        opened.store(&[1], &add(DELETED)).expect("stored");
        opened.expunge(None).expect("expunged");
        opened.close().expect("closed");
        let is_moved = !scene.path(DATA).exists();
        assert_eq!(is_moved, second == Ok(291));
    }
    put_fixture("two", &scene.place.path);
    fs::remove_file(scene.path(DATA)).expect("removed");
    let mut opened = scene.open(Access::ReadWrite);
    assert_eq!(headers(&mut opened), [0, 0]);
    assert!(matches!(read(&mut opened, 2), Err(Error::Io { .. })));
}

#[test]
fn a_repaired_copy_has_what_can_be_made_out() {
    type Harm = fn(&Scene);
    let cases: [(&str, Harm, &[u32]); 8] = [
        ("two", |_| {}, &[1, 2]),
        (
            "two",
            |it| it.change(INDEX, ":00000002:2", ":0000000g:2"),
            &[1, 2],
        ),
        (
            "two",
            |it| fs::write(it.path(INDEX), "").expect("written"),
            &[1, 2],
        ),
        (
            "two",
            |it| fs::remove_file(it.path(META)).expect("removed"),
            &[1, 2],
        ),
        (
            "two",
            |it| it.change(INDEX, "6b02f782:00000130", "6b02f783:00000130"),
            &[1, 2],
        ),
        // That one was expunged the status tells, too.
        ("hidden-expunge", |_| {}, &[2]),
        (
            "hidden-expunge",
            |it| fs::write(it.path(INDEX), "").expect("written"),
            &[2],
        ),
        (
            "two",
            |it| {
                let data = fs::read(it.path(DATA)).expect("data");
                let noise = [&b"\0noise\n:msg:1:\n"[..], &data[7..]].concat();
                fs::write(it.path(DATA), noise).expect("written");
            },
            &[2],
        ),
    ];
    for (number, (name, harm, uids)) in cases.into_iter().enumerate() {
        let scene = scene(name);
        harm(&scene);
        let before = scene.all();
        let to = scene.desk.at(scene.desk.environment.home.join("repaired"));
        let (job, _log) = job();
        let repaired = scene.driver.repair(&scene.place, &to, &job);
        assert_eq!(
            repaired.expect("repaired").messages,
            uids.len() as u64,
            "{number}"
        );
        assert_eq!(scene.all(), before, "{number}");
        let mut opened = open(&scene.driver, &to, Access::ReadWrite).expect("open");
        assert_eq!(
            (opened.uids(), why(&opened)),
            (uids.to_vec(), None),
            "{number}"
        );
        assert_eq!(opened.read(2, Part::Whole).len(), 291, "{number}");
        let flags = opened.list.messages().to_vec().pop().expect("one").flags;
        assert!(flags.has(FLAGGED | SystemFlags::ANSWERED), "{number}");
    }
}

trait Replace {
    fn replace(&self, from: &[u8], to: &[u8]) -> Vec<u8>;
}

impl Replace for Vec<u8> {
    fn replace(&self, from: &[u8], to: &[u8]) -> Vec<u8> {
        let at = self.windows(from.len()).position(|it| it == from);
        let at = at.expect("there");
        [&self[..at], to, &self[at + from.len()..]].concat()
    }
}

#[test]
fn noise_in_any_file_breaks_nothing() {
    let scene = scene("two");
    for seed in 0..rounds(200, 20_000) {
        let mut random = Random::new(seed);
        put_fixture("two", &scene.place.path);
        let mut below = |limit: usize| random.below(limit as u64) as usize;
        let file = [META, INDEX, STATUS, DATA][below(4)];
        let mut bytes = fs::read(scene.path(file)).expect("there");
        for _ in 0..1 + below(6) {
            let at = below(bytes.len());
            match below(4) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes.insert(at, b"\0\r\n:f0"[below(6)]),
                2 => bytes.splice(at..at, vec![b'0'; 100_000]).for_each(drop),
                _ => bytes[at] = below(256) as u8,
            }
        }
        fs::write(scene.path(file), &bytes).expect("written");
        let (job, _log) = job();
        let _counted = scene.driver.status(&scene.place, &job);
        let Ok(mut opened) = open(&scene.driver, &scene.place, Access::ReadWrite) else {
            continue;
        };
        for uid in opened.mailbox.uids().iter() {
            let job = opened.job.clone();
            for part in [Part::Header, Part::Whole] {
                let _any = opened.mailbox.read(uid, part, &mut Vec::new(), &job);
            }
        }
        let told = opened.list.messages().to_vec();
        let stays = told.iter().filter(|message| !message.flags.has(DELETED));
        let stays: Vec<u32> = stays.map(|message| message.uid.get()).collect();
        let _any = opened.store(&stays, &add(FLAGGED));
        let _any = opened.expunge(Some(&stays));
        let _any = opened.poll();
        let left = opened.uids();
        assert!(
            stays.iter().all(|uid| left.contains(uid)),
            "{seed}: {left:?}"
        );
        let _any = opened.close();
    }
}

#[test]
fn an_append_that_fails_leaves_no_byte() {
    let large = [
        &b"Subject: x\r\n\r\n"[..],
        &b"a line of text\r\n".repeat(60_000),
    ]
    .concat();
    for op in [Op::Write, Op::Sync] {
        for nth in 0.. {
            let scene = scene("two");
            let (before, data) = (scene.all(), scene.data());
            let fault = Fault::Failure {
                op,
                at: nth,
                errno: 28,
                lasting: false,
            };
            let faults = Arc::new(Faults::over(Arc::new(RealFiles), fault));
            let environment = scene.desk.world.another(faults);
            let driver = MixDriver::new(&Arc::new(environment));
            let (job, _log) = job();
            let mut queue = Queue(vec![message(&large), message(&large)]);
            let appended = driver.append(&scene.place, &mut queue, &job);
            if appended.is_ok() {
                break;
            }
            let after = scene.all();
            assert_eq!(
                (&after[1], &after[3]),
                (&before[1], &before[3]),
                "{op:?} {nth}"
            );
            assert_eq!(scene.data(), data, "{op:?} {nth}");
            assert_eq!(scene.open(Access::ReadWrite).uids(), [1, 2], "{op:?} {nth}");
        }
    }
}

/// What c-client makes of a small file at its next change: reserved space goes, and a higher sequence comes.
fn rewritten(scene: &Scene, name: &str) {
    let bytes = fs::read(scene.path(name)).expect("there");
    let end = bytes.iter().rposition(|&byte| byte == b'\n');
    let kept = &bytes[..end.map_or(0, |end| end + 1)];
    let rest = kept.get(9..).expect("a sequence");
    fs::write(scene.path(name), [b"S7ffffff0", rest].concat()).expect("written");
}

#[test]
fn another_program_may_go_on_after_a_crash() {
    let mut ends = std::collections::BTreeSet::new();
    let mut torn = 0;
    for deed in ["append", "expunge", "flag"] {
        for nth in 0.. {
            let scene = scene("two");
            let mut opened = scene.open(Access::ReadWrite);
            opened.store(&[1], &add(DELETED)).expect("stored");
            opened.close().expect("closed");
            let faults = Arc::new(Faults::over(Arc::new(RealFiles), Fault::Death(nth)));
            let mut environment = scene.desk.world.another(faults.clone());
            // No process has this id.
            environment.process.pid = 999_999_999;
            let driver = MixDriver::new(&Arc::new(environment));
            let (job, _log) = job();
            match deed {
                "append" => {
                    let mut queue = Queue(vec![message(b"Subject: 3\r\n\r\n")]);
                    let _any = driver.append(&scene.place, &mut queue, &job);
                }
                _ => {
                    if let Ok(mut opened) = open(&driver, &scene.place, Access::ReadWrite) {
                        let _any = match deed {
                            "flag" => opened.mailbox.store(&uid_set(&[1, 2]), &add(FLAGGED), &job),
                            _ => opened.mailbox.expunge(None, &job),
                        };
                        drop(opened.mailbox);
                    }
                }
            }
            let at = format!("{deed} {nth}");
            for name in [META, INDEX, STATUS] {
                rewritten(&scene, name);
            }
            let mut opened = scene.open(Access::ReadWrite);
            let uids = opened.uids();
            if let Some(why) = why(&opened) {
                // It made sense of a line that was written by half.
                assert!(why.contains("another program"), "{at}: {why}");
                torn += 1;
                continue;
            }
            for &uid in &uids {
                assert!(!opened.read(uid, Part::Header).is_empty(), "{at}");
            }
            assert!(
                uids.contains(&2) && (deed == "expunge" || uids.contains(&1)),
                "{at}"
            );
            opened
                .store(&[2], &add(SystemFlags::DRAFT))
                .expect("stored");
            opened.close().expect("closed");
            assert_eq!(scene.open(Access::ReadOnly).uids(), uids, "{at}");
            ends.insert((deed, uids));
            if !faults.hit() {
                break;
            }
        }
    }
    assert!(ends.len() == 5 && torn < 5, "{torn} {ends:?}");
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
