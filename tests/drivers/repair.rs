//! Damaged mailboxes of every format: opened read-only as far as they are sound, told where they break, and repaired into
//! a new one.

use std::sync::Arc;

use mugo::driver::contract::LocalDriver;
use mugo::driver::place::Place;
use mugo::driver::repaired::Repaired;
use mugo::driver::table::local_drivers;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::environment::Environment;

use crate::desk::{Desk, Queue, job, keywords, message, open};

const FORMATS: [&str; 5] = ["unix", "mmdf", "mbx", "tenex", "mtx"];

fn driver(environment: &Arc<Environment>, name: &str) -> Box<dyn LocalDriver> {
    let mut all = local_drivers(environment).into_iter();
    all.find(|driver| driver.characteristics().driver == name)
        .expect("a driver")
}

type Message = (Flags, i64, Vec<u8>);

/// What a reader finds, and why the mailbox is not open for writing.
fn look(desk: &Desk, format: &str, place: &Place) -> (Vec<Message>, Option<String>) {
    let mut opened = open(
        &*driver(&desk.environment, format),
        place,
        Access::ReadWrite,
    )
    .expect("opens");
    let state = opened.list.state().expect("told").clone();
    let mut found = Vec::new();
    for summary in opened.list.messages().to_vec() {
        let mut flags = summary.flags.clone();
        flags.system = flags.system.without(SystemFlags::RECENT);
        let bytes = opened.read(summary.uid.get(), Part::Whole);
        found.push((flags, summary.internal_date.seconds, bytes));
    }
    opened.close().expect("closed");
    let why = state.why_read_only.map(|why| why.raw().to_owned());
    (found, why)
}

/// Four messages with flags and a keyword, in a mailbox that was open once.
fn set_up(desk: &Desk, format: &str) -> Place {
    let place = desk.at(desk.environment.home.join("box"));
    let driver = driver(&desk.environment, format);
    driver.create(&place, &job().0).expect("made");
    let text = |serial: usize| {
        format!(
            "Subject: {serial}\r\n\r\n{}",
            "some text\r\n".repeat(serial * 20)
        )
    };
    let mut queue: Vec<_> = (1..=4)
        .map(|serial| message(text(serial).as_bytes()))
        .collect();
    queue[1].flags = Flags::new(SystemFlags::FLAGGED, keywords(&["work"]));
    driver
        .append(&place, &mut Queue(queue), &job().0)
        .expect("appended");
    let mut opened = open(&*driver, &place, Access::ReadWrite).expect("open");
    let seen = FlagChange::Add(Flags::system(SystemFlags::SEEN));
    opened.store(&[3], &seen).expect("stored");
    opened.close().expect("closed");
    place
}

fn repair(desk: &Desk, format: &str, from: &Place) -> (Place, Repaired) {
    let to = desk.at(desk.environment.home.join("box.repaired"));
    let _none = std::fs::remove_file(&to.path);
    let damaged = std::fs::read(&from.path).expect("there");
    let repaired = driver(&desk.environment, format)
        .repair(from, &to, &job().0)
        .expect("repaired");
    let after = std::fs::read(&from.path).expect("there");
    assert_eq!(after, damaged, "{format}: the damaged one is only read");
    (to, repaired)
}

/// Where the message with this number starts, its line or delimiter included.
fn start_of(format: &str, bytes: &[u8], serial: usize) -> usize {
    let subject = format!("Subject: {serial}");
    let at = find(bytes, subject.as_bytes());
    let before = &bytes[..at];
    match format {
        "unix" => rfind(before, b"From "),
        "mmdf" => rfind(before, b"\x01\x01\x01\x01\n"),
        // Before the subject is the end of the line in front of the message.
        _ => {
            let line = &before[..at - 2];
            let before = line.iter().rposition(|&byte| byte == b'\n');
            before.map_or(0, |end| end + 1)
        }
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> usize {
    let mut all = bytes.windows(needle.len());
    all.position(|part| part == needle).expect("there")
}

fn rfind(bytes: &[u8], needle: &[u8]) -> usize {
    let mut all = bytes.windows(needle.len());
    all.rposition(|part| part == needle).expect("there")
}

#[test]
fn a_hole_between_messages_hides_none_and_is_left_out() {
    for format in FORMATS {
        let desk = Desk::new();
        let place = set_up(&desk, format);
        let (whole, why) = look(&desk, format, &place);
        assert_eq!((whole.len(), why), (4, None), "{format}");
        let bytes = std::fs::read(&place.path).expect("there");
        let at = start_of(format, &bytes, 3);
        let torn = [&bytes[..at], &[0; 3000], &bytes[at..]].concat();
        std::fs::write(&place.path, &torn).expect("written");
        let (found, why) = look(&desk, format, &place);
        // In the traditional format the NULs end a text, so what follows them is no line's start.
        if format == "unix" {
            assert_eq!((found.len(), why), (3, None));
        } else {
            let why = why.unwrap_or_else(|| panic!("{format}: open for writing"));
            assert!(why.contains("damaged at byte "), "{format}: {why}");
            assert_eq!(found.len(), 4, "{format}");
        }
        let (to, repaired) = repair(&desk, format, &place);
        assert_eq!(repaired.left_out, [(at as u64, 3000)], "{format}");
        let (found, why) = look(&desk, format, &to);
        assert_eq!((found, why), (whole, None), "{format}");
    }
}

#[test]
fn what_nuls_hide_does_not_go_with_the_message_before_it() {
    let desk = Desk::new();
    let place = set_up(&desk, "unix");
    let bytes = std::fs::read(&place.path).expect("there");
    let at = start_of("unix", &bytes, 3);
    let torn = [&bytes[..at], &[0; 3000], &bytes[at..]].concat();
    std::fs::write(&place.path, &torn).expect("written");
    let unix = driver(&desk.environment, "unix");
    let mut opened = open(&*unix, &place, Access::ReadWrite).expect("open");
    let told = opened.log.notices();
    let byte = format!("at byte {}", at + 3000);
    assert!(told.iter().any(|it| it.contains(&byte)), "{told:?}");
    let all = opened.uids();
    let deleted = FlagChange::Add(Flags::system(SystemFlags::DELETED));
    opened.store(&all, &deleted).expect("stored");
    opened.expunge(None).expect("expunged");
    assert_eq!(opened.uids(), [2]);
    let left = std::fs::read(&place.path).expect("there");
    assert!(left.windows(10).any(|part| part == b"Subject: 3"));
    // Who names it means it: a move has a copy of all its bytes.
    opened.expunge(Some(&[2])).expect("expunged");
    assert!(opened.uids().is_empty());
    opened.close().expect("closed");
}

#[test]
fn a_body_of_almost_hidden_messages_takes_no_time() {
    let desk = Desk::new();
    let mut bytes = b"From a@b Mon Mar  2 09:00:01 2026\nSubject: x\n\n".to_vec();
    bytes.extend([0; 600]);
    bytes.extend(b"\0From a@b Mon Mar  2 09:00:01 2026 ".repeat(200_000));
    bytes.extend(b"\0x".repeat(1_000_000));
    let place = desk.place("box", &bytes);
    let begin = std::time::Instant::now();
    let (found, why) = look(&desk, "unix", &place);
    assert_eq!((found.len(), why), (1, None));
    let (to, repaired) = repair(&desk, "unix", &place);
    assert_eq!((repaired.messages, repaired.left_out), (1, vec![]));
    let bytes = |place: &Place| std::fs::read(&place.path).expect("there");
    assert_eq!(bytes(&to), bytes(&place));
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}

#[test]
fn a_tail_of_nuls_is_left_out() {
    for format in FORMATS {
        let desk = Desk::new();
        let place = set_up(&desk, format);
        let (whole, _) = look(&desk, format, &place);
        let bytes = std::fs::read(&place.path).expect("there");
        std::fs::write(&place.path, [&bytes[..], &[0; 700]].concat()).expect("written");
        let (found, why) = look(&desk, format, &place);
        assert_eq!(found.len(), 4, "{format}");
        // In the traditional format they are part of the last text, and in nobody's way.
        assert_eq!(why.is_none(), format == "unix", "{format}: {why:?}");
        let (to, repaired) = repair(&desk, format, &place);
        assert_eq!(repaired.left_out, [(bytes.len() as u64, 700)], "{format}");
        assert_eq!(look(&desk, format, &to), (whole, None), "{format}");
    }
}

#[test]
fn a_size_that_is_a_little_too_large_hides_nothing() {
    let formats = ["mbx", "tenex", "mtx"];
    // The first days of a month have a blank in front.
    for (format, day) in formats
        .into_iter()
        .flat_map(|it| [(it, b" 5"), (it, b"15")])
    {
        let desk = Desk::new();
        let place = set_up(&desk, format);
        let mut bytes = std::fs::read(&place.path).expect("there");
        let line = start_of(format, &bytes, 3);
        bytes[line..line + day.len()].copy_from_slice(day);
        std::fs::write(&place.path, &bytes).expect("written");
        let (whole, _) = look(&desk, format, &place);
        let line = start_of(format, &bytes, 2);
        let comma = line + find(&bytes[line..], b",") + 1;
        let semicolon = line + find(&bytes[line..], b";");
        let size: usize = std::str::from_utf8(&bytes[comma..semicolon])
            .expect("digits")
            .parse()
            .expect("digits");
        for more in [1, 3, 26, 40, 99] {
            let wrong = format!("{:0width$}", size + more, width = semicolon - comma);
            let damaged = [&bytes[..comma], wrong.as_bytes(), &bytes[semicolon..]].concat();
            std::fs::write(&place.path, damaged).expect("written");
            let (found, why) = look(&desk, format, &place);
            assert!(why.is_some(), "{format} {more}");
            let (to, repaired) = repair(&desk, format, &place);
            assert_eq!(repaired.left_out, [], "{format} {more}");
            assert_eq!(found, whole, "{format} {more}");
            assert_eq!(
                look(&desk, format, &to),
                (whole.clone(), None),
                "{format} {more}"
            );
        }
    }
}

#[test]
fn what_lost_its_beginning_is_made_out_all_the_same() {
    for format in ["mbx", "tenex", "mtx"] {
        let desk = Desk::new();
        let place = set_up(&desk, format);
        let (whole, _) = look(&desk, format, &place);
        let bytes = std::fs::read(&place.path).expect("there");
        // The header, or the line of the first message, is noise; or the file begins in the middle of it.
        let second = start_of(format, &bytes, 2);
        for damaged in [
            [b"noise noise noise", &bytes[17..]].concat(),
            bytes[13..].to_vec(),
            [b"junk\n", &bytes[second..]].concat(),
        ] {
            std::fs::write(&place.path, &damaged).expect("written");
            let (to, repaired) = repair(&desk, format, &place);
            let (found, why) = look(&desk, format, &to);
            assert_eq!(why, None, "{format}");
            let texts = |all: &[Message]| -> Vec<Vec<u8>> {
                all.iter().map(|message| message.2.clone()).collect()
            };
            // The first one goes with its line.
            let from = whole.len() - found.len();
            assert!(from <= 1, "{format}: {} messages", found.len());
            assert_eq!(texts(&found), texts(&whole[from..]), "{format}");
            assert!(from == 0 || !repaired.left_out.is_empty(), "{format}");
        }
    }
}

#[test]
fn nuls_in_front_of_the_first_message_are_pointed_out_and_left_out() {
    for format in ["unix", "mmdf"] {
        let desk = Desk::new();
        let place = set_up(&desk, format);
        let (whole, _) = look(&desk, format, &place);
        let bytes = std::fs::read(&place.path).expect("there");
        std::fs::write(&place.path, [&[0; 40], &bytes[..]].concat()).expect("written");
        let phile = driver(&desk.environment, "phile");
        let opened = open(&*phile, &place, Access::ReadOnly).expect("opens");
        let hint = format!("--format {format}");
        let told = opened.log.notices();
        assert!(told.iter().any(|it| it.contains(&hint)), "{told:?}");
        let (to, repaired) = repair(&desk, format, &place);
        assert_eq!((repaired.messages, repaired.left_out), (4, vec![(0, 40)]));
        assert_eq!(look(&desk, format, &to), (whole, None), "{format}");
    }
}

#[test]
fn nothing_that_is_there_is_written_over_and_nothing_is_made_of_no_mailbox() {
    for format in FORMATS {
        let desk = Desk::new();
        let place = set_up(&desk, format);
        let to = desk.place("taken", b"precious");
        let driver = driver(&desk.environment, format);
        assert!(driver.repair(&place, &to, &job().0).is_err(), "{format}");
        assert_eq!(std::fs::read(&to.path).expect("there"), b"precious");
    }
    let desk = Desk::new();
    let place = desk.place("text", b"no mailbox");
    let to = desk.at(desk.environment.home.join("new"));
    let phile = driver(&desk.environment, "phile");
    assert!(phile.repair(&place, &to, &job().0).is_err());
    assert!(!to.path.exists());
}
