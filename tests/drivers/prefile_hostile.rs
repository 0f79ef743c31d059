//! Mailboxes of lines and bytes that nobody would write: read as far as they make sense, never a panic, never much time.

use std::time::Instant;

use mugo::driver::contract::LocalDriver;
use mugo::driver::mbx::Mbx;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use proptest::prelude::*;

use crate::common::random::rounds;
use crate::desk::{Desk, Opened, job, open};
use crate::mbx::{LINE, file};

fn opened(desk: &Desk, bytes: &[u8], access: Access) -> Opened {
    let place = desk.place("box", bytes);
    open(&Mbx::new(&desk.environment), &place, access).expect("open")
}

#[test]
fn sizes_past_the_end_and_past_all_numbers_are_damage() {
    let desk = Desk::new();
    let good = file(1, &[(0x10, 1, "a\r\n")]);
    for size in [
        "4",
        "2147483647",
        "2147483648",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "18446744073709551615",
        "18446744073709551616",
        "00",
        "-3",
        "",
    ] {
        let mut bytes = good.clone();
        let line = format!("{LINE},{size};000000000010-00000001\r\nb\r\n");
        bytes.extend(line.bytes());
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let mut opened = opened(&desk, &bytes, access);
            assert_eq!(opened.uids(), [1], "{size}");
            let state = opened.list.state().expect("told").clone();
            assert_eq!(state.access, Access::ReadOnly, "{size}");
            let told = state.why_read_only.map(|why| why.raw().to_owned());
            let why = told.unwrap_or_else(|| opened.log.notices().concat());
            assert!(why.contains(&format!("byte {}", good.len())), "{why}");
            opened.poll().expect("polled");
            opened.close().expect("closed");
        }
    }
}

#[test]
fn headers_that_are_odd_or_cut_off_do_no_harm() {
    let desk = Desk::new();
    let good = file(1, &[(0x10, 1, "a\r\n")]);
    let with = |at: usize, text: &str| {
        let mut bytes = good.clone();
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        bytes
    };
    let long = format!("{}\r\nok\r\n", "x".repeat(51));
    for bytes in [
        with(25, &long),
        with(25, "a b\r\n\u{e9}\r\n\\Seen\r\n"),
        with(25, &"y".repeat(2000)),
        with(25, &"\r".repeat(2000)),
        with(7, "ffffffffffffffff"),
        with(7, "0000000000000000"),
        with(2038, "zzzzzzzz\r\n"),
    ] {
        let opened = opened(&desk, &bytes, Access::ReadWrite);
        assert_eq!(opened.uids(), [1]);
        opened.close().expect("closed");
    }
    let place = desk.place("box", &good[..2000]);
    let refused = Mbx::new(&desk.environment)
        .probe(&place)
        .expect("looked at");
    assert_eq!(refused, mugo::driver::contract::Probe::Foreign);
}

#[test]
fn no_uid_is_left_when_the_last_one_is_the_highest() {
    let desk = Desk::new();
    let bytes = file(u32::MAX, &[(0x10, u32::MAX - 1, "a\r\n"), (0, 0, "b\r\n")]);
    let opened = opened(&desk, &bytes, Access::ReadWrite);
    assert_eq!(opened.uids(), [u32::MAX - 1]);
    assert_eq!(opened.list.state().expect("told").access, Access::ReadOnly);
    opened.close().expect("closed");
    // A repaired copy has new ones.
    let mbx = Mbx::new(&desk.environment);
    let (from, to) = ["box", "new"]
        .map(|name| desk.at(desk.environment.home.join(name)))
        .into();
    mbx.repair(&from, &to, &job().0).expect("repaired");
    let opened = open(&mbx, &to, Access::ReadWrite).expect("open");
    assert_eq!(opened.uids(), [1, 2]);
}

#[test]
fn a_megabyte_of_almost_lines_takes_no_time() {
    let desk = Desk::new();
    let mut bytes = file(0, &[]);
    bytes.extend(b"broken\r\n");
    let almost = format!("{LINE},1;000000000010-00000001\r\n");
    bytes.extend(almost.repeat(40_000).bytes());
    let begin = Instant::now();
    opened(&desk, &bytes, Access::ReadOnly)
        .close()
        .expect("closed");
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(rounds(60, 10_000) as u32))]

    #[test]
    fn no_bytes_make_the_scan_panic_or_lose_what_is_sound(
        pieces in prop::collection::vec(piece(), 0..30),
        cut in 0..200usize,
    ) {
        let desk = Desk::new();
        let mut bytes = file(3, &[(0x10, 1, "first\r\n")]);
        bytes.extend(pieces.concat());
        bytes.truncate((bytes.len() - cut.min(bytes.len())).max(2048 + 59));
        let mut looked = opened(&desk, &bytes, Access::ReadOnly);
        for message in looked.list.messages().to_vec() {
            let whole = looked.read(message.uid.get(), Part::Whole);
            prop_assert_eq!(whole.len() as u64, message.rfc822_size);
        }
        prop_assert_eq!(looked.read(1, Part::Whole), b"first\r\n");
        let count = looked.list.len();
        looked.close().expect("closed");
        let written = opened(&desk, &bytes, Access::ReadWrite);
        prop_assert_eq!(written.list.len(), count);
        written.close().expect("closed");
        let path = desk.environment.home.join("box");
        let once = std::fs::read(&path).expect("there");
        let again = open(&Mbx::new(&desk.environment), &desk.at(path.clone()), Access::ReadWrite);
        again.expect("open").close().expect("closed");
        prop_assert_eq!(std::fs::read(&path).expect("there"), once);
    }
}

/// Pieces that mean something to the scan, and any bytes.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let line = |size: &str, flags: &str, uid: u32| {
        format!("{LINE},{size};00000000{flags}-{uid:08x}\r\n").into_bytes()
    };
    let whole = |flags: &str, uid: u32| {
        let mut bytes = line("5", flags, uid);
        bytes.extend(b"abcde");
        bytes
    };
    let known: Vec<Vec<u8>> = vec![
        whole("0010", 2),
        whole("0010", 3),
        whole("0000", 0),
        whole("8010", 2),
        whole("8000", 0),
        whole("0012", 9),
        line("9", "0010", 2),
        line("0", "0010", 2),
        line("99999999999999999999", "0010", 2),
        line("18446744073709551600", "0010", 2),
        b"\r\n".to_vec(),
        b"\0\0\0".to_vec(),
        LINE.as_bytes().to_vec(),
    ];
    prop_oneof![
        6 => prop::sample::select(known),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}
