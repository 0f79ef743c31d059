//! Where new messages go in mailboxes that others left in odd states.

use std::fs;

use mugo::driver::contract::LocalDriver;
use mugo::driver::message::NewMessage;
use mugo::mail::flags::{Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;

use super::{DATA, INDEX, META, scene};
use crate::desk::{Queue, job, keywords, message};

#[test]
fn space_that_was_reserved_hides_no_new_message() {
    let scene = scene("created-empty");
    let reserved = [&b"S6b02f782\r\n"[..], &[0; 77]].concat();
    fs::write(scene.path(INDEX), reserved).expect("written");
    scene.append(&[b"Subject: 1\r\n\r\n"]);
    assert_eq!(scene.open(Access::ReadOnly).uids(), [1]);
    assert_eq!(scene.text(INDEX).len(), 11 + 77);
}

#[test]
fn bytes_that_a_message_misses_are_not_those_of_a_new_one() {
    let scene = scene("two");
    let data = fs::read(scene.path(DATA)).expect("data");
    fs::write(scene.path(DATA), &data[..400]).expect("written");
    scene.append(&[b"Subject: 3\r\n\r\nthree\r\n"]);
    assert_eq!(fs::read(scene.path(DATA)).expect("data"), data[..400]);
    let mut opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.read(2, Part::Whole).len(), 51);
    assert_eq!(opened.read(3, Part::Text), b"three\r\n");
}

#[test]
fn behind_the_highest_number_comes_a_lower_one() {
    let scene = scene("created-empty");
    scene.change(META, "N6b02f782", "Nffffffff");
    fs::write(scene.path(".mixffffffff"), vec![b'x'; 1 << 20]).expect("written");
    scene.append(&[b"Subject: 1\r\n\r\n", b"Subject: 2\r\n\r\n"]);
    assert!(scene.text(META).contains("Nfffffffe"));
    assert_eq!(scene.open(Access::ReadOnly).uids(), [1, 2]);
}

#[test]
fn keywords_for_which_there_is_no_room_are_told() {
    let scene = scene("two");
    let many: Vec<String> = (0..40).map(|number| format!("k{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (words, told) in [(&many[..28], 0), (&many[..], 1)] {
        let (job, log) = job();
        let mut queue = Queue(vec![NewMessage {
            flags: Flags::new(SystemFlags::NONE, keywords(words)),
            ..message(b"Subject: x\r\n\r\n")
        }]);
        let appended = scene.driver.append(&scene.place, &mut queue, &job);
        appended.expect("appended");
        assert_eq!(log.notices().len(), told, "{words:?}");
    }
}
