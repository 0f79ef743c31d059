//! What may be wrong with the files: what is sound is shown, what is not is told, and nothing is lost by it.

use std::fs;

use mugo::driver::contract::LocalDriver;
use mugo::driver::error::Error;
use mugo::mail::flags::SystemFlags;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;

use super::{DATA, DELETED, FLAGGED, INDEX, META, STATUS, Scene, put_fixture, scene, why};
use crate::common::random::{Random, rounds};
use crate::desk::{Opened, Queue, add, job, message, open};

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
    (
        META,
        "N6b02f782\r\n",
        "",
        Some("its .mixmeta is damaged in line 4"),
        &[1, 2],
    ),
    (
        META,
        "V6b02f782\r\n",
        "",
        Some("its .mixmeta is damaged in line 2"),
        &[1, 2],
    ),
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
    let cases: [(&str, Harm, &[u32]); 9] = [
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
        // The first says that it is so long that the second would be in it.
        (
            "two",
            |it| {
                let data = fs::read(it.path(DATA)).expect("data");
                let longer = data.replace(b":00000103:", b":00000203:");
                fs::write(it.path(DATA), longer).expect("written");
                fs::write(it.path(INDEX), "").expect("written");
            },
            &[1, 2],
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

/// The index with NULs from `start` on.
fn nuls_from(scene: &Scene, start: usize) {
    let mut index = fs::read(scene.path(INDEX)).expect("there");
    index[start..].fill(0);
    fs::write(scene.path(INDEX), index).expect("written");
}

#[test]
fn nuls_where_the_index_had_messages_are_damage_and_no_data_goes() {
    for (start, line) in [(0, 1), (11, 2), (11 + 77, 3)] {
        let scene = scene("two");
        nuls_from(&scene, start);
        let before = scene.all();
        let mut opened = scene.open(Access::ReadWrite);
        let what = format!("its .mixindex is damaged in line {line}");
        assert_eq!(why(&opened), Some(what));
        opened.check().expect("checked");
        opened.close().expect("closed");
        let (job, _log) = job();
        let mut queue = Queue(vec![message(b"Subject: x\r\n\r\n")]);
        let appended = scene.driver.append(&scene.place, &mut queue, &job);
        assert!(matches!(appended, Err(Error::Refused(_))), "{appended:?}");
        assert_eq!(scene.all(), before);
    }
}

#[test]
fn nuls_that_a_killed_expunge_left_are_cut_off() {
    let scene = scene("two");
    nuls_from(&scene, 11 + 77);
    scene.change(INDEX, "S6b02f783", "S6b02f799");
    let mut opened = scene.open(Access::ReadWrite);
    assert_eq!((why(&opened), opened.uids()), (None, vec![1]));
    assert_eq!(scene.text(INDEX).len(), 11 + 77);
    assert_eq!(scene.data()[0].1, 304, "the second is gone");
    assert_eq!(opened.read(1, Part::Whole).len(), 259);
}

#[test]
fn flags_that_are_all_lost_are_told_and_not_written_down_as_none() {
    for text in [&b""[..], b"\0\0\0\0\0\0\0\0\0\0\0\0"] {
        let scene = scene("two");
        fs::write(scene.path(STATUS), text).expect("written");
        let mut opened = scene.open(Access::ReadWrite);
        opened.poll().expect("polled");
        opened.check().expect("checked");
        let told = "its .mixstatus is lost: some flags are not known";
        assert_eq!(opened.log.notices(), [told]);
        assert_eq!(fs::read(scene.path(STATUS)).expect("there"), text);
        opened.store(&[2], &add(FLAGGED)).expect("stored");
        opened.close().expect("closed");
        let opened = scene.open(Access::ReadWrite);
        assert!(opened.list.messages().to_vec()[1].flags.has(FLAGGED));
        assert!(opened.log.notices().is_empty());
    }
    let scene = scene("two");
    let mut opened = scene.open(Access::ReadWrite);
    fs::remove_file(scene.path(STATUS)).expect("removed");
    opened.poll().expect("polled");
    assert_eq!(why(&opened).as_deref(), Some("its .mixstatus is lost"));
}

#[test]
fn a_repair_says_what_is_left_out() {
    let scene = scene("two");
    let data = fs::read(scene.path(DATA)).expect("data");
    let noise = [
        &b"noise\n"[..],
        &data.replace(b":msg:00000001", b":xsg:00000001"),
    ]
    .concat();
    fs::write(scene.path(DATA), noise).expect("written");
    let to = scene.desk.at(scene.desk.environment.home.join("repaired"));
    let (job, log) = job();
    let repaired = scene.driver.repair(&scene.place, &to, &job);
    assert_eq!(repaired.expect("repaired").messages, 1);
    let told = [
        "1 messages of its index are in none of its data files",
        "310 bytes of its data files belong to no message that can be made out",
    ];
    assert_eq!(log.notices(), told);
}
