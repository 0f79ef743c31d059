//! Rules of the driver `mmdf` alone. What the real library does with each of these files was seen by running it.

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::mmdf::Mmdf;
use mugo::mail::date::InternalDate;
use mugo::mail::flags::{Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;

use crate::desk::{Desk, Queue, add, fixture, job, keywords, message, open};

const D: &str = "\x01\x01\x01\x01\n";
const FROM: &str = "From a@b Mon Mar  2 09:00:00 2026\n";

/// What is read of each message of a file.
fn texts(content: &str) -> Vec<String> {
    let desk = Desk::new();
    let driver = Mmdf::new(&desk.environment);
    let place = desk.place("box", content.as_bytes());
    let mut opened = open(&driver, &place, Access::ReadOnly).expect("open");
    let uids = opened.uids();
    let mut texts = Vec::new();
    for uid in uids {
        let text = opened.read(uid, Part::Whole);
        let summary = &opened.list.messages()[texts.len()];
        assert_eq!(text.len() as u64, summary.rfc822_size, "{content:?}");
        texts.push(String::from_utf8(text).expect("ASCII"));
    }
    texts
}

#[test]
fn messages_are_divided_as_the_library_divides_them() {
    let b = format!("{D}{FROM}Subject: b\n\nx\n{D}");
    let second = "Subject: b\r\n\r\nx\r\n";
    for (name, content, expected) in [
        (
            "glued to a line of text",
            format!("{D}{FROM}Subject: a\n\nbody{D}{b}"),
            vec!["Subject: a\r\n\r\nbody", second],
        ),
        (
            "shared",
            format!("{D}{FROM}Subject: a\n\nbody\n{b}"),
            vec!["Subject: a\r\n\r\nbody\r\n", second],
        ),
        (
            "ends a header",
            format!("{D}{FROM}Subject: a\n{D}{b}"),
            vec!["Subject: a\r\n", second],
        ),
        (
            "glued to a header line",
            format!("{D}{FROM}Subject: a{D}{b}"),
            vec!["Subject: a", second],
        ),
        (
            "a From line with CR",
            format!("{D}From a@b Mon Mar  2 09:00:00 2026\r\nS: a\r\n\r\nx\r\n{D}"),
            vec!["From a@b Mon Mar  2 09:00:00 2026\r\nS: a\r\n\r\nx\r\n"],
        ),
        (
            "not ended, not even the line",
            format!("{b}{D}{FROM}Subject: c\n\nline"),
            vec![second, "Subject: c\r\n\r\nline"],
        ),
        (
            "not ended",
            format!("{b}{D}{FROM}Subject: c\n\nline\n\n"),
            vec![second, "Subject: c\r\n\r\nline\r\n\r\n"],
        ),
        (
            "cut in the header",
            format!("{b}{D}{FROM}Subject: c"),
            vec![second, "Subject: c"],
        ),
        (
            "behind a delimiter anything is mail",
            format!("{b}junk here\n{b}"),
            vec![second, "junk here\r\n", second],
        ),
        (
            "five bytes",
            format!("{D}{FROM}Subject: a\n\nbody\x01{D}more\n{D}"),
            vec!["Subject: a\r\n\r\nbody\x01", "more\r\n"],
        ),
        (
            "a CR between",
            format!("{D}{FROM}Subject: a\n\nbody\n\x01\x01\x01\x01\r\nmore\n{D}"),
            vec!["Subject: a\r\n\r\nbody\r\n\x01\x01\x01\x01\r\nmore\r\n"],
        ),
        ("nothing between", format!("{D}{D}{b}"), vec!["", second]),
        (
            "From lines in a text",
            format!("{D}{FROM}Subject: a\n\n{FROM}x\n{D}"),
            vec!["Subject: a\r\n\r\nFrom a@b Mon Mar  2 09:00:00 2026\r\nx\r\n"],
        ),
    ] {
        assert_eq!(texts(&content), expected, "{name}");
    }
}

#[test]
fn only_a_delimiter_at_the_very_start_makes_a_mailbox() {
    let desk = Desk::new();
    let driver = Mmdf::new(&desk.environment);
    for (content, expected) in [
        (format!("{D}{FROM}"), Probe::Mine),
        (D.to_owned(), Probe::Mine),
        (format!("\n{D}"), Probe::Foreign),
        (D.trim_end().to_owned(), Probe::Foreign),
        (FROM.to_owned(), Probe::Foreign),
        (String::new(), Probe::Empty),
    ] {
        let place = desk.place("box", content.as_bytes());
        assert_eq!(
            driver.probe(&place).expect("looked at"),
            expected,
            "{content:?}"
        );
    }
}

/// Flags every message of each odd file, then reads it again: the same messages, flagged, and the bytes well framed.
#[test]
fn what_is_odd_is_put_right_when_it_is_written() {
    let b = format!("{D}{FROM}Subject: b\n\nx\n{D}");
    for content in [
        format!("{D}{FROM}Subject: a\n\nbody{D}{b}"),
        format!("{D}{FROM}Subject: a\n\nbody\n{b}junk\n{D}"),
        format!("{D}{FROM}Subject: a\n{D}{b}"),
        format!("{D}{FROM}Subject: a{D}{b}"),
        format!("{b}{D}Subject: c\n\nline"),
        format!("{b}{D}Subject: c"),
        format!("{D}{D}{b}"),
        format!("{D}S: a\r\n\r\nx\r\n\x01\x01\x01\x01\r\ny\n{D}{b}"),
    ] {
        let desk = Desk::new();
        let driver = Mmdf::new(&desk.environment);
        let place = desk.place("box", content.as_bytes());
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        let (uids, before) = (opened.uids(), opened.list.messages().to_vec());
        opened
            .store(&uids, &add(SystemFlags::FLAGGED))
            .expect("stored");
        opened.close().expect("closed");
        let mut again = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(again.uids(), uids, "{content:?}");
        for (old, new) in before.iter().zip(again.list.messages().to_vec()) {
            assert!(new.flags.has(SystemFlags::FLAGGED), "{content:?}");
            assert_eq!(new.internal_date, old.internal_date, "{content:?}");
            let whole = again.read(new.uid.get(), Part::Whole);
            assert_eq!(whole.len() as u64, new.rfc822_size, "{content:?}");
        }
        again.close().expect("closed");
        let bytes = std::fs::read(&place.path).expect("there");
        let text = String::from_utf8(bytes).expect("ASCII");
        assert!(text.starts_with(D) && text.ends_with(D), "{text:?}");
        assert_eq!(text.matches(D).count(), 2 * uids.len(), "{text:?}");
    }
}

#[test]
fn what_follows_a_removed_message_keeps_a_delimiter() {
    let content = format!("{D}{FROM}Subject: a\n\nx\n{D}{FROM}Subject: b\n\nx\n{D}");
    let desk = Desk::new();
    let driver = Mmdf::new(&desk.environment);
    let place = desk.place("box", content.as_bytes());
    let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
    opened
        .store(&[1], &add(SystemFlags::DELETED))
        .expect("stored");
    opened.expunge(None).expect("expunged");
    assert_eq!(opened.uids(), [2]);
    assert_eq!(opened.read(2, Part::Text), b"x\r\n");
    opened.close().expect("closed");
    let again = open(&driver, &place, Access::ReadOnly).expect("open");
    assert_eq!(again.uids(), [2]);
}

#[test]
fn appending_writes_the_exact_text_and_no_line_of_it_divides() {
    let desk = Desk::new();
    let driver = Mmdf::new(&desk.environment);
    let place = desk.place("box", &fixture("mmdf/two"));
    let mail = format!("Subject: c\r\n\r\nFrom {FROM}\x01one\r\n{D}last\r\n");
    let mut new = message(mail.as_bytes());
    new.flags = Flags::new(SystemFlags::SEEN, keywords(&["Work"]));
    new.internal_date = Some(InternalDate {
        seconds: 1_772_443_231,
        offset: 60,
    });
    let (job, _log) = job();
    let appended = driver
        .append(&place, &mut Queue(vec![new]), &job)
        .expect("appended");
    assert_eq!(
        appended
            .uids
            .iter()
            .map(|uid| uid.get())
            .collect::<Vec<_>>(),
        [3]
    );
    let mut opened = open(&driver, &place, Access::ReadOnly).expect("open");
    assert_eq!(opened.uids(), [1, 2, 3]);
    // A space stands behind the line that would have ended the message; nothing of it is lost.
    let expected = mail
        .replace("\x01\n", "\x01 \n")
        .replace("\r\n", "\n")
        .replace('\n', "\r\n");
    assert_eq!(
        String::from_utf8(opened.read(3, Part::Whole)).expect("ASCII"),
        expected
    );
    let found = &opened.list.messages()[2];
    assert_eq!(found.internal_date.seconds, 1_772_443_231);
    assert_eq!(found.flags.keywords(), keywords(&["Work"]));
}

#[test]
fn an_unended_file_is_ended_before_mail_is_appended() {
    for tail in ["line", "line\n", ""] {
        let desk = Desk::new();
        let driver = Mmdf::new(&desk.environment);
        let place = desk.place("box", format!("{D}{FROM}Subject: a\n\n{tail}").as_bytes());
        let (job, _log) = job();
        let mut queue = Queue(vec![message(b"Subject: new\r\n\r\nx\r\n")]);
        driver.append(&place, &mut queue, &job).expect("appended");
        let mut opened = open(&driver, &place, Access::ReadOnly).expect("open");
        assert_eq!(opened.uids(), [1, 2], "{tail:?}");
        assert_eq!(opened.read(2, Part::Text), b"x\r\n");
    }
}

#[test]
fn a_message_without_from_line_has_the_files_date_until_it_is_written() {
    let desk = Desk::new();
    let driver = Mmdf::new(&desk.environment);
    let place = desk.place("box", format!("{D}Subject: a\n\nx\n{D}").as_bytes());
    let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_769_997_722);
    let file = std::fs::File::options().write(true).open(&place.path);
    file.and_then(|file| file.set_modified(then))
        .expect("its time");
    for round in 0..3 {
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        let date = opened.list.messages()[0].internal_date;
        assert_eq!(date.seconds, 1_769_997_722, "{round}");
        opened
            .store(&[1], &add(SystemFlags::FLAGGED))
            .expect("stored");
        opened.close().expect("closed");
    }
}

#[test]
fn what_is_created_is_what_the_library_creates() {
    let desk = Desk::new();
    let driver = Mmdf::new(&desk.environment);
    let place = desk.at(desk.environment.home.join("new"));
    let (job, _log) = job();
    driver.create(&place, &job).expect("created");
    let ours = std::fs::read_to_string(&place.path).expect("there");
    let theirs = String::from_utf8(fixture("mmdf/created-empty")).expect("ASCII");
    let shape = |text: &str| -> Vec<String> {
        let digits = |line: &str| line.replace(|sign: char| sign.is_ascii_digit(), "9");
        let lines = text.lines().map(|line| match line.split_once(": ") {
            Some((name, value)) if name != "Date" && name != "From" => {
                digits(&format!("{name}: {value}"))
            }
            Some((name, value)) => format!("{name} {}", value.split_whitespace().count()),
            None => line
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned(),
        });
        lines.collect()
    };
    assert_eq!(shape(&ours), shape(&theirs));
    let opened = open(&driver, &place, Access::ReadOnly).expect("open");
    assert!(opened.list.is_empty());
}
