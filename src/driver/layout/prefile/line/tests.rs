//! Lines as the real library writes them, and lines that are none.

use jiff::tz::TimeZone;

use super::*;
use crate::driver::layout::prefile::format::Newline;

const MBX: Format = Format {
    driver: "mbx",
    newline: Newline::CrLf,
    state: State::Numbered,
};
const TENEX: Format = Format {
    driver: "tenex",
    newline: Newline::Lf,
    state: State::Bare,
};

fn read(format: &Format, text: &[u8]) -> std::result::Result<RecordLine, &'static str> {
    parse(format, text, &TimeZone::UTC)
}

#[test]
fn lines_of_the_library_are_read_and_written_alike() {
    let numbered: &[u8] = b" 3-Mar-2026 21:02:04 -0500,291;00000003001c-00000002\r\n";
    let bare: &[u8] = b" 3-Mar-2026 21:02:04 -0500,279;700000000034\n";
    for (format, text, keywords, uid) in [(&MBX, numbered, 3, 2), (&TENEX, bare, 7, 0)] {
        let line = read(format, text).expect("a line");
        assert_eq!(line.status.keywords, keywords);
        assert_eq!(line.status.uid, uid);
        assert_eq!(line.status.flags, OLD | ANSWERED | FLAGGED);
        assert_eq!(line.length, text.len());
        assert_eq!(write(format, &line.date, line.size, line.status), text);
    }
    let second = read(&TENEX, b" 3-Mar-2026 21:02:04 -0500,279;500000000034\n").expect("a line");
    assert_eq!(second.status.keywords, 0b101);
}

#[test]
fn bits_without_a_meaning_are_kept() {
    for status in ["ffffffffffff-ffffffff", "800000007fc0-00000000"] {
        let read = parse_status(&MBX, status.as_bytes()).expect("a state");
        assert_eq!(write_status(&MBX, read), status.as_bytes());
    }
    let read = parse_status(&TENEX, b"777777777777").expect("a state");
    assert_eq!(write_status(&TENEX, read), b"777777777777");
}

#[test]
fn what_is_no_line_is_none() {
    let date = " 3-Mar-2026 21:02:04 -0500";
    let status = "00000003001c-00000002";
    let long = "9".repeat(30);
    for bad in [
        format!("{date},291;{status}\n"),
        format!("{date},291;{status}\r"),
        format!("{date},291;{status}\r\r\n"),
        format!("{date},0;{status}\r\n"),
        format!("{date},;{status}\r\n"),
        format!("{date},-1;{status}\r\n"),
        format!("{date},0x10;{status}\r\n"),
        format!("{date},18446744073709551616;{status}\r\n"),
        format!("{date},{long};{status}\r\n"),
        format!("{date},291;{status}0\r\n"),
        format!("{date},291;0000000300gc-00000002\r\n"),
        format!("{date},291;00000003001c+00000002\r\n"),
        format!("31-Foo-2026 21:02:04 -0500,291;{status}\r\n"),
        format!("291;{status}\r\n"),
        String::new(),
        "\0".repeat(80),
    ] {
        assert!(read(&MBX, bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert!(
        read(
            &TENEX,
            b" 3-Mar-2026 21:02:04 -0500,10000000000;500000000034\n"
        )
        .is_err()
    );
}
