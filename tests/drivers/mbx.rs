//! Rules of the driver `mbx` alone. What the real library does with each of these files was seen by running it.

use std::path::Path;
use std::sync::Arc;

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::error::Error;
use mugo::driver::mbx::Mbx;
use mugo::driver::place::Place;
use mugo::mail::change::Change;
use mugo::mail::date::InternalDate;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::mail::uid::Uid;

use crate::desk::{Desk, Opened, Queue, add, fixture, job, keywords, message, open, place};

pub(crate) const LINE: &str = " 2-Mar-2026 10:20:31 +0100";

/// A mailbox file with UIDVALIDITY 7: of each message its flags, its UID and its text.
pub(crate) fn file(last_uid: u32, messages: &[(u16, u32, &str)]) -> Vec<u8> {
    let mut bytes = format!("*mbx*\r\n00000007{last_uid:08x}\r\n").into_bytes();
    bytes.extend(b"\r\n".repeat(30));
    bytes.resize(2048, 0);
    for (flags, uid, text) in messages {
        let size = text.len();
        bytes.extend(format!("{LINE},{size};00000000{flags:04x}-{uid:08x}\r\n{text}").bytes());
    }
    bytes
}

fn another(desk: &Desk) -> Mbx {
    Mbx::new(&Arc::new(
        desk.world.another(Arc::clone(&desk.environment.files)),
    ))
}

fn opened(desk: &Desk, place: &Place) -> Opened {
    open(&another(desk), place, Access::ReadWrite).expect("open")
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("there")
}

/// The bytes without the id of the last writer.
fn unsigned(path: &Path) -> Vec<u8> {
    let mut bytes = bytes(path);
    bytes[2038..2048].fill(0);
    bytes
}

fn flags_of(opened: &Opened, uid: u32) -> Flags {
    let messages = opened.list.messages().iter();
    let mut found = messages.filter(|message| message.uid.get() == uid);
    found.next().expect("there").flags.clone()
}

#[test]
fn opening_and_closing_changes_no_byte_where_everything_was_seen() {
    let desk = Desk::new();
    for name in ["mbx/two", "mbx/created-empty", "mbx/snarf/before/INBOX"] {
        let before = fixture(name);
        let place = desk.place("box", &before);
        opened(&desk, &place).close().expect("closed");
        assert!(bytes(&place.path) == before, "{name}");
    }
}

#[test]
fn a_lone_opening_reclaims_what_was_hidden_and_keeps_the_uids() {
    let desk = Desk::new();
    let before = fixture("mbx/hidden-expunge");
    let place = desk.place("box", &before);
    let opened = opened(&desk, &place);
    assert_eq!(opened.uids(), [2]);
    opened.close().expect("closed");
    let mut expected = before;
    expected.drain(2048..2048 + 313);
    assert!(bytes(&place.path) == expected);
}

/// The library's `two`, made by this program in the same steps.
#[test]
fn what_is_written_is_what_the_library_writes() {
    let desk = Desk::new();
    let theirs = fixture("mbx/two");
    let mut empty = fixture("mbx/created-empty");
    empty[7..15].copy_from_slice(&theirs[7..15]);
    let box_ = desk.place("box", &empty);
    let (job, _log) = job();
    let driver = another(&desk);
    let mut messages = Vec::new();
    let zone = jiff::tz::TimeZone::UTC;
    for (name, date, flags) in [
        ("m1", "2-Mar-2026 10:20:31 +0100", SystemFlags::SEEN),
        (
            "m2",
            "3-Mar-2026 21:02:04 -0500",
            SystemFlags::FLAGGED | SystemFlags::ANSWERED,
        ),
    ] {
        let whole = theirs_text(&theirs, name);
        let mut new = message(&whole);
        new.internal_date = InternalDate::parse(date.as_bytes(), &zone);
        new.flags = Flags::system(flags);
        messages.push(new);
    }
    let appended = driver
        .append(&box_, &mut Queue(messages), &job)
        .expect("appended");
    assert_eq!(
        appended.uids,
        [Uid::new(1), Uid::new(2)].map(|uid| uid.expect("one"))
    );
    let fresh = fixture("mbx/appended-not-opened");
    let with_uids = |mut file: Vec<u8>| {
        // The library gave no UIDs here, because it was not asked for any.
        file[15..23].copy_from_slice(b"00000002");
        for (uid, end) in [(1, 2103), (2, 2416)] {
            let uid = format!("{uid:08x}");
            let found = memchr::memchr(b'-', &file[end - 12..]).expect("a dash") + end - 11;
            file[found..found + 8].copy_from_slice(uid.as_bytes());
        }
        file[7..15].copy_from_slice(&theirs[7..15]);
        file
    };
    assert!(bytes(&box_.path) == with_uids(fresh));
    let mut opened = opened(&desk, &box_);
    let words = Flags::new(SystemFlags::NONE, keywords(&["Work", "Later"]));
    opened.store(&[2], &FlagChange::Add(words)).expect("stored");
    opened.close().expect("closed");
    let mut theirs = theirs;
    theirs[2038..2048].fill(0);
    assert!(unsigned(&box_.path) == theirs);
}

fn theirs_text(two: &[u8], name: &str) -> Vec<u8> {
    let (start, size) = if name == "m1" {
        (2048 + 54, 259)
    } else {
        (2048 + 54 + 259 + 54, 291)
    };
    two[start..start + size].to_vec()
}

#[test]
fn created_mailboxes_have_the_librarys_bytes() {
    let desk = Desk::new();
    let place = desk.at(desk.environment.home.join("new"));
    let (job, _log) = job();
    another(&desk).create(&place, &job).expect("created");
    let mut theirs = fixture("mbx/created-empty");
    let ours = bytes(&place.path);
    theirs[7..15].copy_from_slice(&ours[7..15]);
    assert!(ours == theirs);
}

#[test]
fn a_flag_writes_its_bytes_and_keeps_those_without_a_meaning() {
    let desk = Desk::new();
    let mut before = file(2, &[(0x5f50, 1, "a\r\n"), (0x10, 2, "b\r\n")]);
    // Bits of keywords that have no name.
    let state = 2048 + LINE.len() + 3;
    before[state..state + 8].copy_from_slice(b"f0000000");
    let place = desk.place("box", &before);
    let mut opened = opened(&desk, &place);
    opened.store(&[1], &add(SystemFlags::SEEN)).expect("stored");
    let all = FlagChange::Set(Flags::system(SystemFlags::FLAGGED));
    opened.store(&[1], &all).expect("stored");
    opened.close().expect("closed");
    let after = bytes(&place.path);
    let differing: Vec<usize> = (0..after.len())
        .filter(|&at| after[at] != before[at] && !(2038..2048).contains(&at))
        .collect();
    assert_eq!(differing, [state + 11]);
    assert_eq!(after[state + 11], b'4');
}

#[test]
fn keywords_are_defined_in_the_header_up_to_thirty() {
    let desk = Desk::new();
    let place = desk.place("box", &file(1, &[(0x10, 1, "a\r\n")]));
    let mut opened = opened(&desk, &place);
    let names: Vec<String> = (1..=31).map(|number| format!("word{number}")).collect();
    for name in &names {
        let word = Flags::new(SystemFlags::NONE, keywords(&[name]));
        opened.store(&[1], &FlagChange::Add(word)).expect("stored");
    }
    assert_eq!(opened.log.notices().len(), 1);
    assert_eq!(flags_of(&opened, 1).keywords().len(), 30);
    assert!(!opened.list.state().expect("told").new_keywords);
    opened.close().expect("closed");
    let text = String::from_utf8_lossy(&bytes(&place.path)[25..2038]).into_owned();
    let lines: Vec<&str> = text
        .trim_end_matches('\0')
        .split_terminator("\r\n")
        .collect();
    assert_eq!(lines, names[..30].iter().collect::<Vec<_>>());
}

#[test]
fn uids_that_make_no_sense_are_given_anew_under_another_uidvalidity() {
    let desk = Desk::new();
    for (last, uids) in [
        (9, [3, 3, 4]),
        (9, [3, 2, 4]),
        (3, [3, 4, 5]),
        (9, [1, 9, 0]),
    ] {
        let messages = uids.map(|uid| (0x10, uid, "a\r\n"));
        let place = desk.place("box", &file(last, &messages));
        let opened = opened(&desk, &place);
        let state = opened.list.state().expect("told").clone();
        let found = opened.uids();
        assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
        let kept = uids == [1, 9, 0];
        let validity = state.uid_validity.expect("one").get();
        assert_eq!(validity == 7, kept, "{uids:?}");
        assert_eq!(state.uid_next.expect("one").get(), found[2] + 1);
        opened.close().expect("closed");
        let again = open(&another(&desk), &place, Access::ReadOnly).expect("open");
        assert_eq!(again.uids(), found);
        assert_eq!(
            again.list.state().expect("told").uid_validity,
            state.uid_validity
        );
    }
}

#[test]
fn two_openers_see_each_others_flags_mail_and_expunges() {
    let desk = Desk::new();
    let place = desk.place("box", &file(2, &[(0x10, 1, "a\r\n"), (0x10, 2, "b\r\n")]));
    let mut one = opened(&desk, &place);
    let mut two = opened(&desk, &place);
    let mut looker = open(&another(&desk), &place, Access::ReadOnly).expect("open");
    // Twice within a tick of any clock.
    one.store(&[1], &add(SystemFlags::SEEN)).expect("stored");
    two.poll().expect("polled");
    one.store(&[1], &add(SystemFlags::FLAGGED)).expect("stored");
    two.poll().expect("polled");
    let words = Flags::new(SystemFlags::NONE, keywords(&["Work"]));
    two.store(&[1], &FlagChange::Add(words)).expect("stored");
    one.poll().expect("polled");
    looker.poll().expect("polled");
    for opened in [&one, &two, &looker] {
        let flags = flags_of(opened, 1);
        assert!(flags.has(SystemFlags::SEEN | SystemFlags::FLAGGED));
        assert_eq!(flags.keywords(), keywords(&["Work"]));
    }
    let (job, _log) = job();
    let mut queue = Queue(vec![message(b"Subject: c\r\n\r\nc\r\n")]);
    another(&desk)
        .append(&place, &mut queue, &job)
        .expect("appended");
    let length = bytes(&place.path).len();
    two.store(&[1], &add(SystemFlags::DELETED)).expect("stored");
    two.expunge(None).expect("expunged");
    assert_eq!(
        bytes(&place.path).len(),
        length,
        "hidden, because others have it open"
    );
    let told = one.poll().expect("polled");
    assert!(
        told.iter()
            .any(|change| matches!(change, Change::Expunged(_)))
    );
    looker.poll().expect("polled");
    for opened in [&mut one, &mut two, &mut looker] {
        opened.poll().expect("polled");
        assert_eq!(opened.uids(), [2, 3]);
        assert_eq!(opened.read(3, Part::Text), b"c\r\n");
    }
    two.close().expect("closed");
    one.close().expect("closed");
    assert_eq!(
        bytes(&place.path).len(),
        length,
        "the reader still has it open"
    );
    looker.close().expect("closed");
    let last = opened(&desk, &place);
    assert_eq!(last.uids(), [2, 3]);
    last.close().expect("closed");
    assert!(bytes(&place.path).len() < length);
}

#[test]
fn an_expunge_of_some_uids_leaves_the_other_deleted_ones() {
    let desk = Desk::new();
    let messages = [(0x12, 1, "a\r\n"), (0x10, 2, "b\r\n"), (0x12, 3, "c\r\n")];
    let place = desk.place("box", &file(3, &messages));
    let mut opened = opened(&desk, &place);
    opened.expunge(Some(&[2, 3])).expect("expunged");
    assert_eq!(opened.uids(), [1, 2]);
    opened.expunge(None).expect("expunged");
    assert_eq!(opened.read(2, Part::Whole), b"b\r\n");
    opened.close().expect("closed");
    assert!(unsigned(&place.path) == file(3, &[(0x10, 2, "b\r\n")]));
}

#[test]
fn a_mailbox_that_others_have_open_is_neither_deleted_nor_renamed() {
    let desk = Desk::new();
    let place = desk.place("box", &file(0, &[]));
    let to = desk.at(desk.environment.home.join("to"));
    let (job, _log) = job();
    let opened = opened(&desk, &place);
    let driver = another(&desk);
    let in_use = |done| matches!(done, Err(Error::Locked { .. }));
    assert!(in_use(driver.delete(&place, &job)));
    assert!(in_use(driver.delete_empty(&place, &job)));
    assert!(in_use(driver.rename(&place, &to, &job)));
    opened.close().expect("closed");
    driver.rename(&place, &to, &job).expect("renamed");
    driver.delete_empty(&to, &job).expect("deleted");
}

#[test]
fn a_damaged_mailbox_is_read_as_far_as_it_is_sound_and_behind_the_damage() {
    let desk = Desk::new();
    let good = file(
        4,
        &[
            (0x10, 1, "one\r\n"),
            (0x10, 2, "two\r\n"),
            (0x10, 3, "three\r\n"),
            (0x10, 4, "four\r\n"),
        ],
    );
    let second = 2048 + 52 + 5;
    for (at, byte) in [(second, b'x'), (second + 27, b';'), (second + 31, b'g')] {
        let mut bad = good.clone();
        bad[at] = byte;
        let place = desk.place("box", &bad);
        let mut opened = opened(&desk, &place);
        let state = opened.list.state().expect("told").clone();
        assert_eq!(state.access, Access::ReadOnly);
        let why = state.why_read_only.expect("told").raw().to_owned();
        assert!(why.contains(&format!("byte {second}")), "{why}");
        assert_eq!(opened.uids(), [1, 3, 4], "{why}");
        assert_eq!(opened.read(4, Part::Whole), b"four\r\n");
        let refused = opened.store(&[1], &add(SystemFlags::SEEN));
        assert!(matches!(refused, Err(Error::ReadOnly)));
        opened.close().expect("closed");
        assert!(bytes(&place.path) == bad);
        let (job, _log) = job();
        let appended = another(&desk).append(&place, &mut Queue(vec![message(b"x")]), &job);
        assert!(matches!(appended, Err(Error::Damaged { offset, .. }) if offset == second as u64));
    }
    let place = desk.place("box", &good[..good.len() - 1]);
    let opened = opened(&desk, &place);
    assert_eq!(opened.uids(), [1, 2, 3]);
}

#[test]
fn another_file_of_that_name_ends_the_opening() {
    let desk = Desk::new();
    let place = desk.place("box", &file(0, &[]));
    let mut opened = opened(&desk, &place);
    std::fs::rename(&place.path, place.path.with_extension("old")).expect("renamed");
    opened.poll().expect("gone for a moment");
    desk.place("box", &file(0, &[]));
    assert!(matches!(opened.poll(), Err(Error::Changed(_))));
}

#[test]
fn only_a_header_as_the_library_knows_it_is_recognised() {
    let desk = Desk::new();
    let driver = another(&desk);
    let good = file(0, &[]);
    let probe = |content: &[u8]| {
        driver
            .probe(&desk.place("box", content))
            .expect("looked at")
    };
    assert_eq!(probe(&good), Probe::Mine);
    assert_eq!(probe(b""), Probe::Empty);
    assert_eq!(probe(&good[..2047]), Probe::Foreign);
    assert_eq!(probe(&[0; 2048]), Probe::Foreign);
    assert_eq!(probe(&good.to_ascii_uppercase()), Probe::Foreign);
    let folder = place(desk.environment.home.clone());
    assert_eq!(driver.probe(&folder).expect("looked at"), Probe::Foreign);
}

#[test]
fn headers_are_the_same_however_they_are_read() {
    let desk = Desk::new();
    let long = format!("Subject: {}\r\n\r\ntext\r\n", "x".repeat(5000));
    let messages = [
        (0x10, 1, "Subject: a\r\nFrom: b\r\n\r\ntext\r\n"),
        (0x10, 2, &*long),
        (0x10, 3, "\r\nno header"),
        (0x10, 4, "Subject: cut off"),
        (0x10, 5, "Subject: bare\n\ntext"),
    ];
    let place = desk.place("box", &file(5, &messages));
    let mut opened = opened(&desk, &place);
    let uids: Vec<Uid> = (1..=6).filter_map(Uid::new).collect();
    let mut found = Vec::new();
    let job = opened.job.clone();
    let mut take = |uid: Uid, header: &[u8]| found.push((uid.get(), header.to_vec()));
    opened
        .mailbox
        .headers(&uids, &mut take, &job)
        .expect("read");
    let one_by_one: Vec<_> = (1..=5)
        .map(|uid| (uid, opened.read(uid, Part::Header)))
        .collect();
    assert_eq!(found, one_by_one);
    assert_eq!(found[4].1, b"Subject: bare\n\n");
}

/// So many that headers are read by the stretch, which ends within some of them.
#[test]
fn headers_of_many_messages_are_those_of_each() {
    let desk = Desk::new();
    let texts: Vec<String> = (0..400usize)
        .map(|number| {
            let (header, body) = (number * 37 % 3000, number * 91 % 2500);
            let (header, body) = ("x".repeat(header), "y".repeat(body));
            format!("Subject: {number} {header}\r\n\r\n{body}\r\n")
        })
        .collect();
    let messages: Vec<(u16, u32, &str)> = (1..)
        .zip(&texts)
        .map(|(uid, text)| (0x10, uid, text.as_str()))
        .collect();
    let place = desk.place("box", &file(400, &messages));
    let mut opened = opened(&desk, &place);
    let job = opened.job.clone();
    let mut backwards: Vec<Uid> = opened.mailbox.uids().iter().collect();
    backwards.reverse();
    let few = backwards.iter().copied().filter(|uid| uid.get() % 7 == 3);
    for uids in [
        opened.mailbox.uids().iter().collect(),
        few.collect(),
        backwards.clone(),
    ] {
        let uids: Vec<Uid> = uids;
        let mut seen = 0;
        let mut take = |uid: Uid, header: &[u8]| {
            assert_eq!(uid, uids[seen]);
            let text = texts[uid.get() as usize - 1].as_bytes();
            assert!(text.starts_with(header) && header.ends_with(b"\r\n\r\n"));
            seen += 1;
        };
        opened
            .mailbox
            .headers(&uids, &mut take, &job)
            .expect("read");
        assert_eq!(seen, uids.len());
    }
}
