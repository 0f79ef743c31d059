//! MH: the library's own mailbox, sequences as nmh keeps them, files that get other numbers, and what may be wrong.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::error::Error;
use mugo::driver::mh::driver::MhDriver;
use mugo::driver::mh::register::KIND;
use mugo::driver::place::Place;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::environment::Environment;
use mugo::os::naming::{MhChoices, Mode, Naming, Restrictions};
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::desk::{Desk, Opened, Queue, add, fixture, job, keywords, message, open};

struct Scene {
    desk: Desk,
    driver: MhDriver,
    place: Place,
}

/// Counts looks at files.
const NEVER: Fault = Fault::Failure {
    op: crate::common::faults::Op::Look,
    at: 1 << 60,
    errno: 5,
    lasting: false,
};
const SEEN: SystemFlags = SystemFlags::SEEN;
const FLAGGED: SystemFlags = SystemFlags::FLAGGED;
const DELETED: SystemFlags = SystemFlags::DELETED;

/// An empty mailbox.
fn scene() -> Scene {
    let desk = Desk::new();
    let place = desk.at(desk.environment.home.join("box"));
    fs::create_dir(&place.path).expect("a directory");
    Scene {
        driver: MhDriver::new(&desk.environment),
        desk,
        place,
    }
}

/// The library's mailbox of two messages.
fn two() -> Scene {
    let scene = scene();
    for (file, time) in [
        (".mh_sequences", 1_795_356_546),
        (",3", 1_772_589_724),
        ("1", 1_772_443_231),
        ("2", 1_772_589_724),
    ] {
        let bytes = fixture(&format!("mh/Mail/box/{file}"));
        fs::write(scene.path(file), bytes).expect("written");
        scene.date(file, time, time + if file == "2" { 100 } else { 0 });
    }
    scene
}

impl Scene {
    fn path(&self, name: &str) -> PathBuf {
        self.place.path.join(name)
    }

    /// A message that nobody has read.
    fn deliver(&self, number: &str, subject: &str) {
        let text = format!("Subject: {subject}\n\ntext of {subject}\n");
        fs::write(self.path(number), text).expect("delivered");
    }

    fn date(&self, name: &str, modified: u64, accessed: u64) {
        let time = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let times = fs::FileTimes::new()
            .set_modified(time(modified))
            .set_accessed(time(accessed));
        let file = fs::File::options().write(true).open(self.path(name));
        file.expect("there").set_times(times).expect("its times");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    fn sequences(&self) -> String {
        fs::read_to_string(self.path(".mh_sequences")).unwrap_or_default()
    }

    fn set_sequences(&self, text: impl AsRef<[u8]>) {
        fs::write(self.path(".mh_sequences"), text).expect("written");
    }

    fn open(&self, access: Access) -> Opened {
        open(&self.driver, &self.place, access).expect("open")
    }

    /// Another program in the same world.
    fn another(&self) -> MhDriver {
        MhDriver::new(&Arc::new(self.desk.world.another(Arc::new(RealFiles))))
    }

    fn append(&self, messages: Vec<mugo::driver::message::NewMessage>) -> Vec<u32> {
        let (job, _log) = job();
        let appended = self.driver.append(&self.place, &mut Queue(messages), &job);
        let uids = appended.expect("appended").uids;
        uids.iter().map(|uid| uid.get()).collect()
    }
}

/// Subjects by UID.
fn subjects(opened: &mut Opened) -> Vec<(u32, String)> {
    let uids = opened.uids();
    let subject = |uid: u32| {
        let header = opened.read(uid, Part::Header);
        let header = String::from_utf8(header).expect("text");
        let line = header
            .lines()
            .find_map(|line| line.strip_prefix("Subject: "));
        (uid, line.unwrap_or_default().to_owned())
    };
    uids.into_iter().map(subject).collect()
}

/// The flags of each message, in words.
fn flags(opened: &Opened) -> Vec<String> {
    let words = |flags: &Flags| {
        let system = flags.system.names().filter(|name| *name != "\\Recent");
        let keywords = flags.keywords().iter();
        let words = system
            .map(str::to_owned)
            .chain(keywords.map(ToString::to_string));
        words.collect::<Vec<_>>().join(" ")
    };
    opened
        .list
        .messages()
        .iter()
        .map(|it| words(&it.flags))
        .collect()
}

#[test]
fn the_librarys_mailbox_reads_as_its_readme_says_and_stays() {
    let scene = two();
    for access in [Access::ReadOnly, Access::ReadWrite, Access::ReadWrite] {
        let mut opened = scene.open(access);
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
        assert_eq!(opened.read(1, Part::Header).len(), 174);
        assert_eq!(opened.read(2, Part::Text).len(), 28);
        // The sequence of other programs says more than times do.
        assert_eq!(flags(&opened), ["\\Seen", ""]);
        opened.close().expect("closed");
        assert_eq!(scene.sequences(), "cur: 1\nunseen: 2\n");
    }
    let (job, _log) = job();
    let status = scene.driver.status(&scene.place, &job).expect("counted");
    assert_eq!((status.messages, status.unseen, status.recent), (2, 1, 0));
    assert_eq!(status.uid_next.map(|uid| uid.get()), Some(3));
}

#[test]
fn flags_and_keywords_are_sequences() {
    let scene = scene();
    for number in ["1", "2", "3", "7"] {
        scene.deliver(number, number);
    }
    scene.set_sequences("cur: 2\nunseen: 1-3 7\n# a line of somebody's\nWork: 3\nlonely: 9\n");
    let mut opened = scene.open(Access::ReadWrite);
    assert_eq!(flags(&opened), ["", "", "Work", ""]);
    let work = Flags::new(SEEN, keywords(&["work", "$Forwarded"]));
    opened
        .store(&[1, 7], &FlagChange::Add(work))
        .expect("stored");
    let replied = SystemFlags::ANSWERED | FLAGGED;
    opened.store(&[3], &add(replied)).expect("stored");
    opened
        .store(&[2], &add(DELETED | SystemFlags::DRAFT))
        .expect("stored");
    let told = [
        "\\Seen Work $Forwarded",
        "\\Deleted \\Draft",
        "\\Answered \\Flagged Work",
        "\\Seen Work $Forwarded",
    ];
    assert_eq!(flags(&opened), told);
    assert_eq!(
        scene.sequences(),
        "cur: 2\nunseen: 2-3\n# a line of somebody's\nWork: 1 3 7\nlonely: 9\nmugoz24Forwarded: 1 7\nflagged: 3\nreplied: 3\ndeleted: 2\ndraft: 2\n"
    );
    let mut other = open(&scene.another(), &scene.place, Access::ReadWrite).expect("open");
    assert_eq!(flags(&other), told);
    let only = Flags::new(SystemFlags::NONE, keywords(&["later"]));
    other.store(&[3], &FlagChange::Set(only)).expect("stored");
    let none = Flags::new(SEEN, keywords(&["WORK"]));
    other
        .store(&[7], &FlagChange::Remove(none))
        .expect("stored");
    opened.poll().expect("polled");
    let told = [
        "\\Seen Work $Forwarded",
        "\\Deleted \\Draft",
        "later",
        "$Forwarded",
    ];
    assert_eq!(flags(&opened), told);
    // What nmh does to it is seen at the next look.
    scene.set_sequences("unseen: 1\nreplied: 2\n");
    opened.poll().expect("polled");
    assert_eq!(
        flags(&opened),
        ["", "\\Seen \\Answered", "\\Seen", "\\Seen"]
    );
}

#[test]
fn what_was_not_seen_is_known_by_sequences_else_by_times() {
    for (profile, sequences, expected) in [
        ("", "", "unseen: 1 3\n"),
        ("", "unseen: 2\n", "unseen: 2\n"),
        ("Unseen-Sequence: new\n", "", ""),
        ("Unseen-Sequence: new\n", "new: 2\n", "new: 2\n"),
    ] {
        let scene = scene();
        fs::write(scene.desk.environment.home.join(".mh_profile"), profile).expect("written");
        for number in ["1", "2", "3"] {
            scene.deliver(number, number);
            scene.date(
                number,
                1_700_000_000,
                1_700_000_000 + u64::from(number == "2"),
            );
        }
        if !sequences.is_empty() {
            scene.set_sequences(sequences);
        }
        let looked = scene.open(Access::ReadOnly);
        let opened = scene.open(Access::ReadWrite);
        assert_eq!(flags(&looked), flags(&opened));
        assert_eq!(scene.sequences(), expected, "{profile:?} {sequences:?}");
    }
    // What comes later is new wherever no program says of it that it is not seen.
    let scene = two();
    let mut opened = scene.open(Access::ReadWrite);
    scene.deliver("3", "three");
    scene.date("3", 1_700_000_000, 1_700_000_000);
    opened.poll().expect("polled");
    assert_eq!(flags(&opened), ["\\Seen", "", ""]);
    assert!(opened.list.messages()[2].flags.has(SystemFlags::RECENT));
    assert_eq!(scene.sequences(), "cur: 1\nunseen: 2-3\n");
}

#[test]
fn who_only_reads_notes_uids_too() {
    let scene = two();
    let log = |scene: &Scene| KIND.place(&scene.desk.environment, &scene.place.path);
    let mut environment = scene.desk.world.another(Arc::new(RealFiles));
    environment.read_only = true;
    let careful = MhDriver::new(&Arc::new(environment));
    let opened = open(&careful, &scene.place, Access::ReadOnly).expect("open");
    assert!(
        !log(&scene).exists(),
        "nothing is written in such a session"
    );
    opened.close().expect("closed");
    let sequences = scene.sequences();
    assert_eq!(scene.open(Access::ReadOnly).uids(), [1, 2]);
    assert!(log(&scene).exists() && scene.sequences() == sequences);
    scene.rename("1", "7");
    let mut opened = scene.open(Access::ReadOnly);
    assert_eq!(opened.uids(), [1, 2], "found under its new number");
    assert_eq!(opened.read(1, Part::Header).len(), 174);
    // What was not seen, and could not be marked so, is not known the next time.
    let scene = self::scene();
    scene.deliver("1", "a");
    scene.date("1", 1_700_000_000, 1_700_000_000);
    for _ in 0..2 {
        let opened = scene.open(Access::ReadOnly);
        assert_eq!(flags(&opened), [""]);
        opened.close().expect("closed");
        assert_eq!(scene.sequences(), "");
    }
    assert_eq!(flags(&scene.open(Access::ReadWrite)), [""]);
    assert_eq!(scene.sequences(), "unseen: 1\n");
}

#[test]
fn uids_follow_messages_to_other_numbers_and_files() {
    let scene = scene();
    for (number, subject) in [("2", "a"), ("5", "b"), ("6", "c"), ("9", "d")] {
        scene.deliver(number, subject);
    }
    let opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.uids(), [2, 5, 6, 9]);
    let validity = opened.list.state().expect("told").uid_validity;
    opened.close().expect("closed");
    let named = |pairs: &[(u32, &str)]| -> Vec<(u32, String)> {
        pairs
            .iter()
            .map(|(uid, name)| (*uid, (*name).to_owned()))
            .collect()
    };
    // As `folder -pack` and `sortm` do, one gone, and another program's copy in the place of one.
    for (from, to) in [
        ("2", "1"),
        ("5", "2"),
        ("6", "3"),
        ("9", "4"),
        ("1", "x"),
        ("3", "1"),
        ("x", "3"),
    ] {
        scene.rename(from, to);
    }
    fs::copy(scene.path("4"), scene.path("copy")).expect("copied");
    scene.rename("copy", "4");
    fs::remove_file(scene.path("2")).expect("removed");
    scene.deliver("5", "e");
    let mut opened = scene.open(Access::ReadWrite);
    let expected = named(&[(2, "a"), (6, "c"), (9, "d"), (10, "e")]);
    assert_eq!(subjects(&mut opened), expected);
    assert_eq!(opened.list.state().expect("told").uid_validity, validity);
    // The same while it is open, and with flags.
    opened.store(&[6], &add(FLAGGED)).expect("stored");
    for (from, to) in [("1", "x"), ("3", "1"), ("x", "3")] {
        scene.rename(from, to);
    }
    scene.set_sequences("flagged: 3\nunseen: 1\n");
    assert_eq!(opened.poll().expect("polled").len(), 1);
    assert_eq!(subjects(&mut opened), expected);
    assert_eq!(flags(&opened), ["", "\\Seen \\Flagged", "\\Seen", "\\Seen"]);
    opened.close().expect("closed");
    // What is lost is new, under another UIDVALIDITY or not at all.
    fs::remove_file(KIND.place(&scene.desk.environment, &scene.place.path)).expect("removed");
    let opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.uids(), [1, 3, 4, 5]);
}

#[test]
fn another_message_under_a_number_is_another_message() {
    let scene = scene();
    for number in ["1", "2", "3"] {
        scene.deliver(number, number);
    }
    let mut opened = scene.open(Access::ReadWrite);
    opened.store(&[3], &add(DELETED | FLAGGED)).expect("stored");
    // A program without locks removes it, and new mail gets its number.
    fs::remove_file(scene.path("3")).expect("removed");
    scene.deliver("3", "new");
    opened.poll().expect("polled");
    assert_eq!(opened.uids(), [1, 2, 4]);
    assert_eq!(flags(&opened)[2], "\\Flagged");
    assert!(scene.sequences().contains("flagged: 3") && !scene.sequences().contains("deleted"));
    opened.expunge(None).expect("nothing to do");
    assert!(scene.path("3").exists());
    // The same number, inode and names: only its content tells.
    opened.store(&[4], &add(DELETED)).expect("stored");
    fs::write(scene.path("3"), "Subject: rewritten\n\nother text\n").expect("written");
    opened.expunge(None).expect("expunged");
    assert!(scene.path("3").exists());
    assert_eq!(subjects(&mut opened)[2], (5, "rewritten".to_owned()));
}

#[test]
fn new_messages_get_the_next_numbers_and_times_that_say_whether_they_were_seen() {
    let scene = two();
    let mut seen = message(b"Subject: seen\r\n\r\na\r\nb\r\n");
    seen.flags = Flags::new(SEEN | DELETED, keywords(&["Work"]));
    let unseen = message(b"Subject: unseen\r\n\r\nlone \r cr\r\n");
    assert_eq!(scene.append(vec![seen, unseen]), [3, 4]);
    assert_eq!(
        fs::read(scene.path("3")).expect("there"),
        b"Subject: seen\n\na\nb\n"
    );
    for (name, was_read) in [("3", true), ("4", false)] {
        let found = fs::metadata(scene.path(name)).expect("there");
        let times = (
            found.accessed().expect("known"),
            found.modified().expect("known"),
        );
        assert_eq!(times.0 > times.1, was_read, "{name}");
    }
    assert_eq!(
        scene.sequences(),
        "cur: 1\nunseen: 2 4\ndeleted: 3\nWork: 3\n"
    );
    let mut opened = scene.open(Access::ReadWrite);
    assert_eq!(flags(&opened), ["\\Seen", "", "\\Seen \\Deleted Work", ""]);
    assert_eq!(opened.read(4, Part::Text), b"lone \r cr\r\n");
    opened.expunge(None).expect("expunged");
    assert_eq!(scene.sequences(), "cur: 1\nunseen: 2 4\n");
    assert!(scene.path(",3").exists(), "what rmm put aside stays");
}

#[test]
fn names_that_are_no_messages_do_not_disturb() {
    let scene = two();
    let outside = scene.desk.environment.home.join("outside");
    fs::write(&outside, "Subject: outside\n\n").expect("written");
    fs::create_dir(scene.path("5")).expect("a directory");
    symlink(&outside, scene.path("6")).expect("a link");
    for name in [
        "007",
        "0",
        "4294967296",
        "99999999999999999999",
        "8x",
        "-9",
        ".10",
        "#11",
    ] {
        fs::write(scene.path(name), "Subject: none\n\n").expect("written");
    }
    let mut opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.uids(), [1, 2]);
    // Nothing is put over what has a number.
    assert_eq!(scene.append(vec![message(b"Subject: x\r\n\r\n")]), [7]);
    assert!(scene.path("7").is_file());
    // What no other program knows is none here either.
    fs::write(scene.path("4294967295"), "Subject: too high\n\n").expect("written");
    fs::write(scene.path("2147483647"), "Subject: last\n\n").expect("written");
    opened.poll().expect("polled");
    assert_eq!(opened.uids(), [1, 2, 7, 2_147_483_647]);
    let (job, _log) = job();
    let refused = scene
        .driver
        .append(&scene.place, &mut Queue(vec![message(b"\r\n")]), &job);
    assert!(matches!(refused, Err(Error::Refused(_))));
}

#[test]
fn a_message_that_vanishes_or_cannot_be_read_harms_no_other() {
    let scene = two();
    scene.deliver("3", "three");
    let mut opened = scene.open(Access::ReadWrite);
    fs::remove_file(scene.path("2")).expect("removed");
    let mut none = Vec::new();
    let uid = mugo::mail::uid::Uid::new(2).expect("not 0");
    let gone = opened
        .mailbox
        .read(uid, Part::Whole, &mut none, &opened.job.clone());
    assert!(matches!(gone, Err(Error::NoSuchMessage)));
    opened.hear();
    assert_eq!(opened.uids(), [1, 3]);
    fs::write(scene.path("3"), "Subject: three\n\ngrown by a line\n\n").expect("written");
    opened.poll().expect("polled");
    assert_eq!(opened.list.messages().len(), 2);
    // The disk refuses one; it keeps its UID until it can be read.
    for at in 0..200 {
        let fault = Fault::Failure {
            op: crate::common::faults::Op::Read,
            at,
            errno: 5,
            lasting: false,
        };
        let layer = Faults::over(Arc::new(RealFiles), fault);
        let environment = Arc::new(scene.desk.world.another(Arc::new(layer.clone())));
        scene.deliver("9", &format!("try {at}"));
        let refused = open(
            &MhDriver::new(&environment),
            &scene.place,
            Access::ReadWrite,
        );
        let sticky = |opened: &Opened| opened.list.state().is_some_and(|it| it.sticky_uids);
        let uids = refused.ok().filter(sticky).map(|opened| opened.uids());
        let now = scene.open(Access::ReadWrite);
        if let Some(uids) = uids {
            assert_eq!(uids, now.uids(), "{at}");
        }
        for message in now.list.messages() {
            let path = match message.uid.get() {
                1 => scene.path("1"),
                uid if uid == *now.uids().last().expect("some") => scene.path("9"),
                _ => scene.path("3"),
            };
            let text = fs::read_to_string(path).expect("readable");
            let lines = text.matches('\n').count();
            assert_eq!(message.rfc822_size, (text.len() + lines) as u64, "{at}");
        }
        if !layer.hit() {
            return;
        }
    }
    panic!("it never ends");
}

#[test]
fn where_nothing_can_be_written_it_opens_read_only_and_says_so() {
    let scene = two();
    if rustix::process::geteuid().is_root() {
        // Nobody refuses root anything; the session does.
        let mut environment = scene.desk.world.another(Arc::new(RealFiles));
        environment.read_only = true;
        let opened = open(
            &MhDriver::new(&Arc::new(environment)),
            &scene.place,
            Access::ReadWrite,
        );
        let state = opened.expect("open").list.state().expect("told").clone();
        assert_eq!(state.access, Access::ReadOnly);
        assert!(state.why_read_only.is_some());
        return;
    }
    for (path, mode) in [
        (scene.place.path.clone(), 0o500),
        (scene.path(".mh_sequences"), 0o400),
    ] {
        let before = fs::metadata(&path).expect("there").permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        let mut opened = scene.open(Access::ReadWrite);
        let state = opened.list.state().expect("told").clone();
        assert_eq!(state.access, Access::ReadOnly);
        let why = state.why_read_only.expect("said").raw().to_owned();
        assert!(why.ends_with("may not be written"), "{why}");
        assert!(matches!(
            opened.store(&[1], &add(SEEN)),
            Err(Error::ReadOnly)
        ));
        fs::set_permissions(&path, before).expect("set");
    }
}

#[test]
fn damaged_sequences_are_told_and_stay_but_for_what_is_changed() {
    let scene = two();
    let long = "7 ".repeat(50_000);
    let noise =
        format!("cur: 1\r\nunseen: 2 x\0y\r\nWork: {long}\n\u{1b}[31m: 1\nflagged: 9-2 1\n");
    scene.set_sequences(&noise);
    let mut opened = scene.open(Access::ReadWrite);
    let notices = opened.log.notices();
    assert_eq!(
        notices,
        ["its file .mh_sequences holds noise at byte 18, which is passed over"]
    );
    assert_eq!(flags(&opened), ["\\Seen \\Flagged", ""]);
    opened.store(&[2], &add(FLAGGED)).expect("stored");
    let after = noise.replace("flagged: 9-2 1", "flagged: 1-2");
    assert_eq!(scene.sequences(), after);
    // A directory, and a link to nowhere, in the place of the file: the mail can be read.
    drop(opened);
    fs::remove_file(scene.path(".mh_sequences")).expect("removed");
    fs::create_dir(scene.path(".mh_sequences")).expect("made");
    let opened = open(&scene.driver, &scene.place, Access::ReadOnly).expect("open");
    assert_eq!(opened.uids(), [1, 2]);
}

#[test]
fn mailboxes_are_directories_below_the_one_of_the_profile() {
    let scene = scene();
    let home = scene.desk.environment.home.clone();
    let with = |profile: Option<&str>, naming: Naming| {
        let path = home.join(".mh_profile");
        match profile {
            Some(text) => fs::write(&path, text).expect("written"),
            None => drop(fs::remove_file(&path)),
        }
        let mut environment = scene.desk.world.another(Arc::new(RealFiles));
        environment.naming = naming;
        MhDriver::new(&Arc::new(environment))
    };
    for folder in ["Mail/a/b", "Mail/2020/5", "other/x"] {
        fs::create_dir_all(home.join(folder)).expect("made");
    }
    fs::write(home.join("Mail/file"), "").expect("written");
    let probe = |driver: &MhDriver, path: &str| {
        let place = scene.desk.at(home.join(path));
        driver.probe(&place).expect("looked at") == Probe::Mine
    };
    let strict = || Naming {
        restrictions: Restrictions::ALL,
        ..Naming::default()
    };
    let given = || Naming {
        mh: MhChoices {
            folder: Some("other".into()),
            allow_inbox: false,
        },
        ..Naming::default()
    };
    for (profile, naming, mine) in [
        (None, Naming::default(), &[][..]),
        (
            Some(""),
            Naming::default(),
            &["Mail/a", "Mail/a/b", "Mail/2020"][..],
        ),
        (Some("Path: other\n"), Naming::default(), &["other/x"][..]),
        (Some("Path: ./Mail/a/..\n"), strict(), &[][..]),
        (Some("Path: ..\n"), strict(), &[][..]),
        (Some("Path: /\n"), strict(), &[][..]),
        (None, given(), &["other/x"][..]),
        (
            Some("Path: Mail\n"),
            Naming {
                mode: Mode::Anonymous { home: None },
                ..Naming::default()
            },
            &[][..],
        ),
    ] {
        let driver = with(profile, naming);
        let all = [
            "Mail",
            "Mail/a",
            "Mail/a/b",
            "Mail/2020",
            "Mail/2020/5",
            "Mail/file",
            "other",
            "other/x",
        ];
        let found: Vec<&str> = all
            .into_iter()
            .filter(|path| probe(&driver, path))
            .collect();
        assert_eq!(found, mine, "{profile:?}");
    }
    let driver = with(Some("Path: Mail\n"), Naming::default());
    let (job, _log) = job();
    for (path, made) in [
        ("Mail/new", true),
        ("Mail/new/5", false),
        ("Mail/5", false),
        ("elsewhere", false),
    ] {
        let place = scene.desk.at(home.join(path));
        assert_eq!(driver.create(&place, &job).is_ok(), made, "{path}");
    }
    let (from, out) = (
        scene.desk.at(home.join("Mail/new")),
        scene.desk.at(home.join("out")),
    );
    assert!(driver.rename(&from, &out, &job).is_err());
    assert!(from.path.is_dir());
}

#[test]
fn mailboxes_below_stay_and_uids_follow_its_name() {
    let scene = two();
    let opened = scene.open(Access::ReadWrite);
    let validity = opened.list.state().expect("told").uid_validity;
    opened.close().expect("closed");
    fs::rename(scene.path("1"), scene.path("4")).expect("renamed");
    let (job, _log) = job();
    let to = scene.desk.at(scene.desk.environment.home.join("moved"));
    scene
        .driver
        .rename(&scene.place, &to, &job)
        .expect("renamed");
    let opened = open(&scene.driver, &to, Access::ReadWrite).expect("open");
    assert_eq!(opened.uids(), [1, 2]);
    assert_eq!(opened.list.state().expect("told").uid_validity, validity);
    opened.close().expect("closed");
    fs::create_dir(to.path.join("below")).expect("made");
    fs::write(to.path.join("below/1"), "Subject: below\n\n").expect("written");
    scene.driver.delete(&to, &job).expect("deleted");
    assert_eq!(fs::read_dir(&to.path).expect("there").count(), 1);
    assert!(to.path.join("below/1").exists());
    fs::remove_dir_all(to.path.join("below")).expect("removed");
    scene.driver.delete(&to, &job).expect("deleted");
    assert!(!to.path.exists());
}

#[test]
fn who_only_reads_takes_nothing_from_what_is_new_and_waits_for_nobody() {
    let scene = scene();
    for number in ["1", "5"] {
        scene.deliver(number, number);
    }
    scene.set_sequences("unseen: 1 5\n");
    scene.open(Access::ReadWrite).close().expect("closed");
    // Its number is given to new mail; what was said of the old one is not meant of it.
    fs::remove_file(scene.path("5")).expect("removed");
    scene.deliver("5", "new");
    scene.set_sequences("unseen: 1\ndeleted: 5\n");
    scene.open(Access::ReadOnly).close().expect("closed");
    let log = KIND.place(&scene.desk.environment, &scene.place.path);
    let held = fs::File::open(&log).expect("a log");
    let lock = rustix::fs::FlockOperation::NonBlockingLockExclusive;
    rustix::fs::flock(&held, lock).expect("locked");
    let began = std::time::Instant::now();
    let opened = scene.open(Access::ReadOnly);
    assert_eq!(opened.list.len(), 2);
    assert!(began.elapsed() < Duration::from_secs(5));
    opened.close().expect("closed");
    drop(held);
    let opened = scene.open(Access::ReadWrite);
    let new = opened.list.messages().last().expect("there").clone();
    assert!(new.flags.has(SystemFlags::RECENT) && !new.flags.has(DELETED));
    opened.close().expect("closed");
    // The same of mail of which others said already that it is not seen.
    scene.deliver("6", "newer");
    scene.set_sequences("unseen: 1 5-6\n");
    scene.open(Access::ReadOnly).close().expect("closed");
    let opened = scene.open(Access::ReadWrite);
    let new = opened.list.messages().last().expect("there").clone();
    assert!(new.flags.has(SystemFlags::RECENT) && !new.flags.has(SystemFlags::SEEN));
}

#[test]
fn a_rename_that_is_refused_leaves_no_log_under_the_new_name() {
    let scene = two();
    let sub = scene.desk.at(scene.path("sub"));
    fs::create_dir(&sub.path).expect("made");
    fs::write(sub.path.join("1"), "Subject: x\n\n").expect("delivered");
    for place in [&scene.place, &sub] {
        let opened = open(&scene.driver, place, Access::ReadWrite).expect("open");
        opened.close().expect("closed");
    }
    let to = scene.desk.at(scene.desk.environment.home.join("moved"));
    let logs = [
        (&scene.place.path, &to.path),
        (&sub.path, &to.path.join("sub")),
    ]
    .map(|(from, to)| [from, to].map(|path| KIND.place(&scene.desk.environment, path)));
    let (job, _log) = job();
    for at in 0..2 {
        let fault = Fault::Failure {
            op: Op::Link,
            at,
            errno: 28,
            lasting: true,
        };
        let layer = Faults::over(Arc::new(RealFiles), fault);
        let environment = scene.desk.world.another(Arc::new(layer));
        let driver = MhDriver::new(&Arc::new(environment));
        let refused = driver.rename(&scene.place, &to, &job);
        assert!(matches!(refused, Err(Error::Io { .. })), "{refused:?}");
        assert!(scene.place.path.exists() && !to.path.exists());
        for [old, new] in &logs {
            assert!(old.exists() && !new.exists(), "{at}");
        }
    }
}

#[test]
fn uids_below_a_link_stay_when_the_link_gets_another_name() {
    let scene = two();
    let home = scene.desk.environment.home.clone();
    let sub = scene.desk.at(scene.path("sub"));
    fs::create_dir(&sub.path).expect("made");
    for number in ["1", "5"] {
        let text = format!("Subject: {number}\n\n");
        fs::write(sub.path.join(number), text).expect("delivered");
    }
    let link = scene.desk.at(home.join("link"));
    symlink(&scene.place.path, &link.path).expect("linked");
    let through = |name: &str| scene.desk.at(home.join(name).join("sub"));
    let opened = open(&scene.driver, &through("link"), Access::ReadWrite).expect("open");
    opened.close().expect("closed");
    fs::rename(sub.path.join("5"), sub.path.join("2")).expect("renamed");
    let (job, _log) = job();
    let to = scene.desk.at(home.join("other"));
    scene.driver.rename(&link, &to, &job).expect("renamed");
    for place in [through("other"), sub] {
        let opened = open(&scene.driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [1, 5]);
    }
}

#[test]
fn uids_follow_mailboxes_whose_parent_gets_another_name() {
    let scene = two();
    let deep = scene.desk.at(scene.path("below/deep"));
    fs::create_dir_all(&deep.path).expect("made");
    // A link is no mailbox below: its log is that of what it leads to.
    symlink(&scene.desk.environment.home, scene.path("link")).expect("linked");
    for (number, subject) in [("1", "a"), ("5", "b")] {
        let text = format!("Subject: {subject}\n\n");
        fs::write(deep.path.join(number), text).expect("delivered");
    }
    let opened = open(&scene.driver, &deep, Access::ReadWrite).expect("open");
    let validity = opened.list.state().expect("told").uid_validity;
    assert_eq!(opened.uids(), [1, 5]);
    opened.close().expect("closed");
    // Found by its inode under a number that it would not get as UID.
    fs::rename(deep.path.join("5"), deep.path.join("2")).expect("renamed");
    let (job, _log) = job();
    let old = KIND.place(&scene.desk.environment, &deep.path);
    let to = scene.desk.at(scene.desk.environment.home.join("moved"));
    scene
        .driver
        .rename(&scene.place, &to, &job)
        .expect("renamed");
    assert!(!old.exists());
    let deep = scene.desk.at(to.path.join("below/deep"));
    let opened = open(&scene.driver, &deep, Access::ReadWrite).expect("open");
    assert_eq!(opened.uids(), [1, 5]);
    assert_eq!(opened.list.state().expect("told").uid_validity, validity);
}

#[test]
fn messages_with_the_same_content_go_all_and_keep_nothing_of_each_other() {
    let scene = scene();
    for number in ["1", "2", "3", "4"] {
        scene.deliver(number, "same");
    }
    scene.set_sequences("deleted: 1-3\nwork: 1-4\nunseen: 4\n");
    let mut opened = scene.open(Access::ReadWrite);
    opened.expunge(Some(&[1, 2])).expect("expunged");
    assert_eq!(flags(&opened), ["\\Seen \\Deleted work", "work"]);
    opened.expunge(None).expect("expunged");
    assert_eq!(opened.uids(), [4]);
    assert_eq!(scene.sequences(), "work: 4\nunseen: 4\n");
}

#[test]
fn mail_that_comes_in_the_last_moment_of_an_expunge_stays() {
    // At each operation of an expunge a program without locks puts another message under the number.
    let mut came_late = 0;
    for at in 0.. {
        let scene = scene();
        for number in ["1", "2"] {
            scene.deliver(number, number);
        }
        let mut opened = scene.open(Access::ReadWrite);
        opened.store(&[2], &add(DELETED | FLAGGED)).expect("stored");
        opened.close().expect("closed");
        let (path, new) = (scene.path("2"), scene.path("new"));
        let notes = scene.path(".mh_sequences");
        let (taken_out, was_taken_out) = std::sync::mpsc::channel();
        let act = move || {
            if path.exists() {
                let notes = fs::read_to_string(&notes).expect("read");
                taken_out.send(!notes.contains("flagged")).expect("told");
                fs::write(&new, "Subject: in the last moment\n\nx\n").expect("written");
                fs::rename(&new, &path).expect("put there");
            }
        };
        let layer = Faults::over(Arc::new(RealFiles), Fault::None).with_intruder(at, act);
        let environment = Arc::new(scene.desk.world.another(Arc::new(layer.clone())));
        let mut opened = open(
            &MhDriver::new(&environment),
            &scene.place,
            Access::ReadWrite,
        )
        .expect("open");
        let _refused = opened.expunge(None);
        drop(opened);
        let count = layer.trace().len();
        let mut after = scene.open(Access::ReadWrite);
        let there = subjects(&mut after);
        let names: Vec<&str> = there.iter().map(|(_, name)| name.as_str()).collect();
        let kept = ["1", "in the last moment"];
        assert!(names == kept || names == ["1"], "{at}: {names:?}");
        if was_taken_out.try_recv() == Ok(true) {
            // It is not flagged because what was under the number before was.
            came_late += 1;
            assert_eq!(flags(&after)[1], "", "{at}");
        }
        let all: Vec<_> = fs::read_dir(&scene.place.path)
            .expect("there")
            .flatten()
            .collect();
        let apart = all
            .iter()
            .filter(|it| it.file_name().to_string_lossy().starts_with(".mugo"));
        assert_eq!(apart.count(), 0, "{at}");
        if at >= count {
            assert!(at > 5 && came_late > 0, "{came_late}");
            return;
        }
    }
}

#[test]
fn what_could_not_be_marked_as_unseen_is_so_again_the_next_time() {
    let scene = scene();
    for number in ["1", "2"] {
        scene.deliver(number, number);
        scene.date(number, 1_700_000_000, 1_700_000_000);
    }
    let fault = Fault::Failure {
        op: crate::common::faults::Op::Write,
        at: 0,
        errno: 28,
        lasting: true,
    };
    let layer = Faults::over(Arc::new(RealFiles), fault);
    let environment = Arc::new(scene.desk.world.another(Arc::new(layer.clone())));
    let mut opened = open(
        &MhDriver::new(&environment),
        &scene.place,
        Access::ReadWrite,
    )
    .expect("open");
    assert_eq!(flags(&opened), ["", ""]);
    // One that fails as well takes nothing away.
    let full = opened.store(&[1], &add(FLAGGED));
    full.expect_err("the disk is full");
    layer.set(Fault::None);
    // A change of another flag marks it as well.
    opened.store(&[1], &add(FLAGGED)).expect("stored");
    assert_eq!(flags(&opened), ["\\Flagged", ""]);
    drop(opened);
    let again = scene.open(Access::ReadWrite);
    assert_eq!(flags(&again), ["\\Flagged", ""]);
    assert_eq!(scene.sequences(), "unseen: 1-2\nflagged: 1\n");
}

#[test]
fn a_mark_of_another_program_on_new_mail_counts_and_a_stale_one_does_not() {
    let scene = scene();
    scene.deliver("1", "one");
    scene.deliver("2", "two");
    let mut opened = scene.open(Access::ReadWrite);
    fs::remove_file(scene.path("2")).expect("removed");
    opened.poll().expect("polled");
    scene.set_sequences("deleted: 2-3\n");
    scene.deliver("2", "a number that was there before");
    scene.deliver("3", "marked by nmh");
    opened.poll().expect("polled");
    let told = flags(&opened);
    assert!(
        !told[1].contains("Deleted") && told[2].contains("Deleted"),
        "{told:?}"
    );
}

#[test]
fn odd_notes_links_and_sequences_keep_nobody_from_the_mail() {
    let scene = two();
    let (job, _log) = job();
    let settled = scene.open(Access::ReadWrite);
    settled.close().expect("closed");
    // A note that a later version wrote.
    let pending = scene.desk.environment.state.join("pending");
    fs::create_dir_all(&pending).expect("made");
    let log = KIND.place(&scene.desk.environment, &scene.place.path);
    let name = log
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    fs::write(pending.join(format!("{name}.1.2.3")), "unknown\n").expect("written");
    let opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.uids(), [1, 2]);
    drop(opened);
    fs::remove_dir_all(&pending).expect("removed");
    let outside = scene.desk.environment.home.join("outside");
    fs::write(&outside, "flagged: 1\n").expect("written");
    for kind in ["dangling", "link", "directory", "large"] {
        let path = scene.path(".mh_sequences");
        if path.is_dir() {
            fs::remove_dir(&path).expect("removed");
        } else {
            fs::remove_file(&path).expect("removed");
        }
        match kind {
            "dangling" => symlink("nowhere", &path).expect("linked"),
            "link" => symlink(&outside, &path).expect("linked"),
            "directory" => fs::create_dir(&path).expect("made"),
            _ => {
                let file = fs::File::create(&path).expect("made");
                file.set_len(17 << 20).expect("long");
            }
        }
        let mut opened = scene.open(Access::ReadWrite);
        assert_eq!(opened.uids(), [1, 2], "{kind}");
        let state = opened.list.state().expect("told").clone();
        assert_eq!(state.access, Access::ReadOnly, "{kind}");
        assert!(state.why_read_only.is_some(), "{kind}");
        assert!(matches!(
            opened.store(&[1], &add(SEEN)),
            Err(Error::ReadOnly)
        ));
        if kind == "dangling" {
            let to = scene.desk.at(scene.desk.environment.home.join("x"));
            assert!(scene.driver.rename(&scene.place, &to, &job).is_err());
            assert!(scene.driver.delete(&scene.place, &job).is_err());
        }
    }
    assert_eq!(fs::read(&outside).expect("there"), b"flagged: 1\n");
}

#[test]
fn a_mailbox_whose_sequences_have_another_name_goes_whole() {
    let scene = two();
    let home = scene.desk.environment.home.clone();
    let profile = "mh-sequences: seqs\nUnseen-Sequence: not-a-name fresh\n";
    fs::write(home.join(".mh_profile"), profile).expect("written");
    let mut opened = scene.open(Access::ReadWrite);
    opened
        .store(&[1], &FlagChange::Remove(Flags::system(SEEN)))
        .expect("stored");
    opened.close().expect("closed");
    assert_eq!(fs::read(scene.path("seqs")).expect("there"), b"fresh: 1\n");
    let (job, log) = job();
    scene.driver.delete(&scene.place, &job).expect("deleted");
    assert!(!scene.place.path.exists());
    assert_eq!(log.notices(), [""; 0]);
    // With something of somebody's in it that is told.
    let scene = two();
    fs::write(scene.path("README"), "x").expect("written");
    scene.driver.delete(&scene.place, &job).expect("deleted");
    assert_eq!(log.notices().len(), 1);
    assert!(scene.path("README").exists() && !scene.path("1").exists());
}

#[test]
fn a_log_that_is_written_anew_still_knows_that_it_is_not_the_first() {
    let scene = scene();
    scene.deliver("1", "kept");
    let opened = scene.open(Access::ReadWrite);
    opened.close().expect("closed");
    // Enough that came and went.
    for round in 0..14_u32 {
        for number in 2..=60_u32 {
            scene.deliver(&number.to_string(), &format!("{round} {number}"));
        }
        let mut opened = scene.open(Access::ReadWrite);
        assert_eq!(opened.uids().len(), 60);
        for number in 2..=60_u32 {
            fs::remove_file(scene.path(&number.to_string())).expect("removed");
        }
        opened.poll().expect("polled");
        assert_eq!(opened.uids(), [1]);
    }
    scene.deliver("2", "new");
    let opened = scene.open(Access::ReadWrite);
    let new = opened.list.messages()[1].clone();
    assert!(new.flags.has(SystemFlags::RECENT));
    assert_eq!(new.uid.get(), 60 + 59 * 13 + 1);
    // A look that writes nothing keeps the UIDs that are known.
    fs::File::create(scene.path(".touched")).expect("touched");
    let looked = scene.open(Access::ReadOnly);
    assert!(looked.list.state().expect("told").sticky_uids);
}

/// Holds a record lock, as nmh does, in a process of its own: run by [`Nmh`].
#[test]
#[ignore = "a part of another test"]
fn a_program_with_a_record_lock() {
    let path = std::env::var_os("MUGO_TEST_LOCK").expect("a path");
    let file = fs::File::options().read(true).write(true).open(path);
    let file = file.expect("there");
    let lock = rustix::fs::FlockOperation::NonBlockingLockExclusive;
    rustix::fs::fcntl_lock(&file, lock).expect("locked");
    println!("locked");
    std::thread::sleep(Duration::from_secs(60));
}

struct Nmh(Child);

impl Nmh {
    fn holding(path: &std::path::Path) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .args([
                "--ignored",
                "--exact",
                "--nocapture",
                "mh::a_program_with_a_record_lock",
            ])
            .env("MUGO_TEST_LOCK", path)
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let mut stdout = child.stdout.take().expect("piped");
        let (mut all, mut byte) = (Vec::new(), [0]);
        while !all.ends_with(b"locked\n") {
            stdout.read_exact(&mut byte).expect("it goes on");
            all.push(byte[0]);
        }
        Self(child)
    }
}

impl Drop for Nmh {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_lock_of_nmh_is_waited_for_and_taken() {
    let scene = two();
    let mut opened = scene.open(Access::ReadWrite);
    let nmh = Nmh::holding(&scene.path(".mh_sequences"));
    let refused = opened.store(&[1], &add(FLAGGED));
    assert!(matches!(refused, Err(Error::Locked { .. })), "{refused:?}");
    let (job, _log) = job();
    let refused = scene
        .driver
        .append(&scene.place, &mut Queue(vec![message(b"\r\n")]), &job);
    assert!(matches!(refused, Err(Error::Locked { .. })));
    let mut seen = Vec::new();
    let uid = mugo::mail::uid::Uid::FIRST;
    opened
        .mailbox
        .read(uid, Part::Whole, &mut seen, &opened.job.clone())
        .expect("readable");
    assert_eq!(scene.sequences(), "cur: 1\nunseen: 2\n");
    drop(nmh);
    opened.store(&[1], &add(FLAGGED)).expect("stored");
    assert_eq!(scene.sequences(), "cur: 1\nunseen: 2\nflagged: 1\n");
    let left: Vec<_> = fs::read_dir(&scene.place.path)
        .expect("there")
        .flatten()
        .collect();
    assert_eq!(left.len(), 4, "{left:?}");
}

#[test]
fn an_unchanged_mailbox_is_opened_without_a_look_at_its_files() {
    let scene = scene();
    for number in 1..=300 {
        scene.deliver(&number.to_string(), "x");
    }
    let environment = |clock: i64, layer: &Faults| -> Arc<Environment> {
        let mut environment = scene.desk.world.another(Arc::new(layer.clone()));
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after")
            .as_secs() as i64;
        environment.clock = Arc::new(move || now + clock);
        Arc::new(environment)
    };
    let looks = |later: i64| {
        let layer = Faults::over(Arc::new(RealFiles), NEVER);
        let driver = MhDriver::new(&environment(later, &layer));
        let opened = open(&driver, &scene.place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids().len(), 300);
        opened.close().expect("closed");
        layer.count()
    };
    assert!(looks(0) > 600);
    // The directory may change once more within the same tick of its clock.
    assert!(looks(0) > 300);
    assert!(looks(10) > 300);
    assert!(looks(10) < 60);
    scene.deliver("301", "y");
    fs::remove_file(scene.path("7")).expect("removed");
    assert!(looks(20) > 300);
}
