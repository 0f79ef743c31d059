//! Rules of the driver `unix` alone.

use std::sync::Arc;

use mugo::driver::contract::LocalDriver;
use mugo::driver::error::Error;
use mugo::driver::place::Place;
use mugo::driver::unix::Unix;
use mugo::mail::date::InternalDate;
use mugo::mail::flags::{FlagChange, Flags, Keyword, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::mail::uid::Uid;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::desk::{Desk, Queue, add, fixture, job, keywords, message, open};

const FROM: &str = "From a@b Mon Mar  2 09:00:00 2026\n";

fn count(content: &[u8]) -> Option<usize> {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    let place = desk.place("box", content);
    open(&driver, &place, Access::ReadOnly)
        .ok()
        .map(|opened| opened.list.len())
}

#[test]
fn messages_are_counted_as_the_library_counts() {
    let one = format!("{FROM}Subject: s\n\nbody\n\n");
    for (name, content, expected) in [
        ("plain", one.repeat(3), Some(3)),
        (
            "no blank line before",
            format!("{FROM}Subject: s\n\nbody\n{one}"),
            Some(2),
        ),
        (
            "prose",
            format!("{FROM}S: s\n\nFrom here on it is text\n\n{one}"),
            Some(2),
        ),
        (
            "a real line in a body",
            format!("{FROM}S: s\n\nx\n{FROM}y\n\n{one}"),
            Some(3),
        ),
        (
            "NUL in a body",
            format!("{FROM}S: s\n\nx\0y\n\n{one}"),
            Some(2),
        ),
        (
            "NULs before",
            format!("{FROM}S: s\n\nx\n{}{one}", "\0".repeat(4096)),
            Some(1),
        ),
        ("CRLF", one.repeat(2).replace('\n', "\r\n"), Some(2)),
        (
            "mixed",
            format!("{one}{}{one}", one.replace('\n', "\r\n")),
            Some(3),
        ),
        ("header cut", format!("{one}{FROM}Subject: s"), Some(2)),
        ("two-digit year", one.replace("2026", "26"), None),
        (
            "no date",
            one.replace(" Mon Mar  2 09:00:00 2026", ""),
            None,
        ),
        ("quoted", one.replace("a@b", "\"a b\"@c").repeat(2), Some(2)),
        ("zone", one.replace(" 2026", " PST 2026").repeat(2), Some(2)),
        (
            "zone behind",
            one.replace(" 2026", " 2026 +0100").repeat(2),
            Some(2),
        ),
        (
            "relay",
            one.replace(" 2026", " 2026 remote from h").repeat(2),
            Some(2),
        ),
        ("BOM", format!("\u{feff}{one}"), None),
        (
            "blank lines first",
            format!("\n\n{}", one.repeat(2)),
            Some(2),
        ),
        ("only newlines", "\n\n\n".to_owned(), None),
        ("only NULs", "\0".repeat(100), None),
    ] {
        assert_eq!(count(content.as_bytes()), expected, "{name}");
    }
}

#[test]
fn flags_are_written_in_place_and_come_back() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    let place = desk.place("box", &fixture("unix/two"));
    let length = std::fs::metadata(&place.path).expect("there").len();
    let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
    let later = Flags::new(SystemFlags::DELETED, keywords(&["Later"]));
    opened.store(&[1], &FlagChange::Add(later)).expect("stored");
    opened.check().expect("written");
    assert_eq!(std::fs::metadata(&place.path).expect("there").len(), length);
    opened.close().expect("closed");
    let again = open(&driver, &place, Access::ReadOnly).expect("open");
    let flags = &again.list.messages()[0].flags;
    assert!(flags.has(SystemFlags::SEEN | SystemFlags::DELETED));
    assert_eq!(flags.keywords(), keywords(&["Later"]));
}

#[test]
fn expunge_removes_only_what_is_chosen_and_keeps_the_last_uid() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    let place = desk.place("box", &fixture("unix/two"));
    let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
    opened
        .store(&[1, 2], &add(SystemFlags::DELETED))
        .expect("stored");
    opened.expunge(Some(&[2])).expect("expunged");
    assert_eq!(opened.uids(), [1]);
    opened.expunge(None).expect("expunged");
    assert!(opened.list.is_empty());
    opened.close().expect("closed");
    let again = open(&driver, &place, Access::ReadWrite).expect("open");
    let state = again.list.state().expect("told");
    assert_eq!(state.uid_next.map(|uid| uid.get()), Some(3));
}

#[test]
fn what_is_appended_comes_back_with_uids() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    let place = desk.at(desk.environment.home.join("new"));
    let (job, _log) = job();
    driver.create(&place, &job).expect("created");
    let date = |seconds, offset| Some(InternalDate { seconds, offset });
    let mut first = message(&fixture("messages/m1.eml"));
    first.flags = Flags::system(SystemFlags::SEEN);
    first.internal_date = date(1_772_443_231, 60);
    first.sender = Some(b"alice@mail.example.org".to_vec());
    let mut second = message(&fixture("messages/m2.eml"));
    second.flags = Flags::system(SystemFlags::FLAGGED | SystemFlags::ANSWERED);
    second.internal_date = date(1_772_589_724, -300);
    second.sender = Some(b"alice@mail.example.org".to_vec());
    let appended = driver
        .append(&place, &mut Queue(vec![first, second]), &job)
        .expect("appended");
    assert_eq!(
        appended
            .uids
            .iter()
            .map(|uid| uid.get())
            .collect::<Vec<_>>(),
        [1, 2]
    );
    let messages = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.split_once("From alice")
            .map(|(_, rest)| rest.to_owned())
            .expect("messages")
    };
    let written = std::fs::read(&place.path).expect("there");
    assert_eq!(
        messages(&written),
        messages(&fixture("unix/appended-not-opened"))
    );
    let opened = open(&driver, &place, Access::ReadWrite).expect("open");
    assert_eq!(opened.uids(), [1, 2]);
    opened.close().expect("closed");
    let written = std::fs::read(&place.path).expect("there");
    let two =
        String::from_utf8_lossy(&fixture("unix/two")).replace("Work Later     ", "               ");
    assert_eq!(messages(&written), messages(two.as_bytes()));
}

#[test]
fn an_empty_file_takes_the_first_message_with_the_mailboxs_data() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    let place = desk.place("box", b"");
    let (job, _log) = job();
    for expected in 1..=11 {
        let mut new = message(b"Subject: x\r\n\r\nFrom here\r\n");
        new.flags = Flags::new(SystemFlags::NONE, keywords(&["Work"]));
        let appended = driver
            .append(&place, &mut Queue(vec![new]), &job)
            .expect("appended");
        assert_eq!(appended.uids[0].get(), expected);
    }
    let mut opened = open(&driver, &place, Access::ReadOnly).expect("open");
    assert_eq!(
        opened.list.messages()[10].flags.keywords(),
        keywords(&["Work"])
    );
    assert_eq!(
        opened.read(11, Part::Whole),
        b"Subject: x\r\n\r\n>From here\r\n"
    );
}

/// Appends a message with these keywords; which ones it has afterwards, and what was told.
fn append_with(desk: &Desk, place: &Place, words: &[&str]) -> (Vec<Keyword>, Vec<String>) {
    let (job, log) = job();
    let mut new = message(b"Subject: kept\r\n\r\ntext\r\n");
    new.flags = Flags::new(SystemFlags::NONE, keywords(words));
    let driver = Unix::new(&desk.environment);
    let appended = driver.append(place, &mut Queue(vec![new]), &job);
    assert_eq!(appended.expect("appended").count, 1);
    let opened = open(&driver, place, Access::ReadOnly).expect("open");
    let last = opened.list.messages().last().expect("a message");
    (last.flags.keywords().to_vec(), log.notices())
}

#[test]
fn keywords_of_appended_messages_are_defined() {
    let desk = Desk::new();
    let one = format!("{FROM}Subject: s\n\nbody\n\n").into_bytes();
    for (name, content) in [
        ("uids", fixture("unix/two")),
        ("none", one.clone()),
        ("empty", Vec::new()),
    ] {
        let place = desk.place(name, &content);
        let (found, told) = append_with(&desk, &place, &["Brand-New", "second"]);
        assert_eq!(found, keywords(&["Brand-New", "second"]), "{name}");
        assert!(told.is_empty(), "{told:?}");
    }
    // Without keywords a file that has no UIDs gets none.
    let place = desk.place("plain", &one);
    append_with(&desk, &place, &[]);
    let text = String::from_utf8(std::fs::read(&place.path).expect("there")).expect("text");
    assert!(text.starts_with(std::str::from_utf8(&one).expect("text")) && !text.contains("X-UID"));
}

#[test]
fn keywords_without_room_are_named() {
    let desk = Desk::new();
    let place = desk.place("box", b"");
    let names: Vec<String> = (1..=29).map(|serial| format!("k{serial}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(append_with(&desk, &place, &names).0.len(), 29);
    let (found, told) = append_with(&desk, &place, &["k7", "fits", "over", "board"]);
    assert_eq!(found, keywords(&["k7", "fits"]));
    assert_eq!(
        told,
        ["a mailbox has room for 30 keywords; not set: over board"]
    );
}

#[test]
fn keywords_that_a_busy_mailbox_lacks_are_named() {
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    let other = std::sync::Arc::new(desk.world.another(desk.environment.files.clone()));
    let holder = open(&Unix::new(&other), &place, Access::ReadWrite).expect("open");
    let (found, told) = append_with(&desk, &place, &["Work", "strange"]);
    assert_eq!(found, keywords(&["Work"]));
    assert_eq!(
        told,
        ["another program has the mailbox open; not set: strange"]
    );
    holder.close().expect("closed");
}

#[test]
fn new_mail_arrives_in_writers_and_readers() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let mut bytes = fixture("unix/two");
        let place = desk.place("box", &bytes);
        let mut opened = open(&driver, &place, access).expect("open");
        bytes.extend(format!("{FROM}Subject: new\n\nx\n\n").bytes());
        std::fs::write(&place.path, &bytes).expect("delivered");
        opened.poll().expect("polled");
        assert_eq!(opened.uids(), [1, 2, 3], "{access:?}");
        opened.close().expect("closed");
    }
}

#[test]
fn a_reader_follows_a_writer() {
    let desk = Desk::new();
    let other = std::sync::Arc::new(desk.world.another(desk.environment.files.clone()));
    let driver = Unix::new(&desk.environment);
    let place = desk.place("box", &fixture("unix/two"));
    let mut reader = open(&Unix::new(&other), &place, Access::ReadOnly).expect("open");
    let mut writer = open(&driver, &place, Access::ReadWrite).expect("open");
    writer
        .store(&[1], &add(SystemFlags::DELETED))
        .expect("stored");
    writer
        .store(
            &[2],
            &FlagChange::Remove(Flags::system(SystemFlags::FLAGGED)),
        )
        .expect("stored");
    writer.expunge(None).expect("expunged");
    let text = reader.read(2, Part::Text);
    assert_eq!(text, writer.read(2, Part::Text));
    reader.hear();
    assert_eq!(reader.uids(), [2]);
    assert!(!reader.list.messages()[0].flags.has(SystemFlags::FLAGGED));
}

#[test]
fn a_second_writer_reads_only_and_is_told_why() {
    let desk = Desk::new();
    let other = std::sync::Arc::new(desk.world.another(desk.environment.files.clone()));
    let place = desk.place("box", &fixture("unix/two"));
    let first = open(&Unix::new(&desk.environment), &place, Access::ReadWrite).expect("open");
    let mut second = open(&Unix::new(&other), &place, Access::ReadWrite).expect("open");
    let state = second.list.state().expect("told");
    assert_eq!(state.access, Access::ReadOnly);
    assert!(state.why_read_only.is_some());
    let refused = second.store(&[1], &add(SystemFlags::FLAGGED));
    assert!(matches!(refused, Err(Error::Locked { .. })));
    let (job, _log) = job();
    let mut queue = Queue(vec![message(b"Subject: x\n\ny\n")]);
    let appended = Unix::new(&other)
        .append(&place, &mut queue, &job)
        .expect("appended");
    assert!(appended.uids.is_empty() && appended.count == 1);
    first.close().expect("closed");
    second.close().expect("closed");
}

#[test]
fn messages_keep_the_uids_that_they_wish_for_where_these_are_free() {
    let desk = Desk::new();
    let driver = Unix::new(&desk.environment);
    let created = desk.at(desk.world.mailbox("x", b"").with_file_name("created"));
    driver.create(&created, &job().0).expect("created");
    let wishes = |list: &[u32]| {
        let wished = |&uid| {
            let mut new = message(b"Subject: kept\r\n\r\ntext\r\n");
            new.uid = Uid::new(uid);
            new
        };
        Queue(list.iter().map(wished).collect())
    };
    for place in [created, desk.place("empty", b"")] {
        for (list, expected) in [
            (&[4, 9, 0][..], &[4, 9, 10][..]),
            (&[7, 20], &[4, 9, 10, 11, 20]),
        ] {
            let appended = driver.append(&place, &mut wishes(list), &job().0);
            let uids = appended.expect("appended").uids;
            let told: Vec<u32> = uids.iter().map(|uid| uid.get()).collect();
            assert!(expected.ends_with(&told), "{told:?}");
            let opened = open(&driver, &place, Access::ReadOnly).expect("open");
            assert_eq!(opened.uids(), expected);
        }
    }
}

#[test]
fn what_cannot_be_written_is_not_said_to_be_in_use() {
    const READ_ONLY_FILE_SYSTEM: i32 = 30;
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    let fault = Fault::Failure {
        op: Op::Open,
        at: 0,
        errno: READ_ONLY_FILE_SYSTEM,
        lasting: true,
    };
    let files = Arc::new(Faults::over(Arc::new(RealFiles), fault));
    let environment = Arc::new(desk.world.another(files));
    let driver = Unix::new(&environment);
    for refused in [
        driver.delete(&place, &job().0),
        driver.rename(&place, &desk.at(place.path.with_extension("new")), &job().0),
    ] {
        let Err(Error::Io { source, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(source.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    }
    assert!(place.path.exists());
}
