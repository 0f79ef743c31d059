//! The wrapper of mail-parser: nothing else calls it. Its panics are caught, its input is bounded.
//!
//! mail-parser decodes dates, base64 and charsets. The MIME tree, addresses, parameters and encoded words are found by our
//! own scanners: IMAP's BODYSTRUCTURE needs exact sizes, hostile nesting a bound, and broken encoded words linear time.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use encoding_rs::WINDOWS_1252;
use mail_parser::DateTime;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;

use crate::mail::date::InternalDate;

/// The most that is handed over, in bytes: mail-parser counts in 32 bits.
const MOST: usize = u32::MAX as usize - 1;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a call whose panic will be caught. A panic hook should then stay silent.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// Runs `work`; `None` when it panics.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    let before = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work)).ok();
    GUARDED.set(before);
    result
}

/// The moment that a Date field names (RFC 5322, 3.3, with the obsolete forms); `None` where it names none.
pub fn date(text: &str) -> Option<InternalDate> {
    const LONGEST: usize = 1000;
    let text = text.get(..text.len().min(LONGEST))?;
    let date = guarded(|| DateTime::parse_rfc822(text)).flatten()?;
    if !date.is_valid() {
        return None;
    }
    let offset = i16::from(date.tz_hour) * 60 + i16::from(date.tz_minute);
    let seconds = guarded(|| date.to_timestamp())?;
    Some(InternalDate {
        seconds,
        offset: if date.tz_before_gmt { -offset } else { offset },
    })
}

/// Decodes base64 (RFC 2045, 6.8). Bytes that are not of its alphabet are skipped.
pub fn base64(bytes: &[u8]) -> Vec<u8> {
    if let Some(Some(decoded)) = guarded(|| base64_decode(bytes)) {
        return decoded;
    }
    let in_alphabet =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let clean: Vec<u8> = bytes.iter().copied().filter(in_alphabet).collect();
    guarded(|| base64_decode(&clean))
        .flatten()
        .unwrap_or_default()
}

/// Text in the charset of this name. An unknown or missing name, and `us-ascii`, mean UTF-8 where that is valid, else windows-1252.
pub fn charset(name: Option<&str>, bytes: &[u8]) -> String {
    let name = name.unwrap_or_default().trim();
    let guess = [
        "",
        "us-ascii",
        "ascii",
        "utf-8",
        "utf8",
        "unknown-8bit",
        "iso-2022-kr",
    ];
    let guess = guess.iter().any(|known| known.eq_ignore_ascii_case(name));
    if name.eq_ignore_ascii_case("iso-2022-kr") {
        return iso_2022_kr(bytes);
    }
    if guess || name.len() > 40 || bytes.len() > MOST {
        return guess_charset(bytes);
    }
    let decoded = guarded(|| Some(charset_decoder(name.as_bytes())?(bytes)));
    decoded.flatten().unwrap_or_else(|| guess_charset(bytes))
}

/// UTF-8 where it is valid, else windows-1252.
fn guess_charset(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    }
}

/// ISO-2022-KR (RFC 1557): between SO and SI every byte lacks the high bit that EUC-KR gives it.
fn iso_2022_kr(bytes: &[u8]) -> String {
    let mut shifted = false;
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            0x0e => shifted = true,
            0x0f => shifted = false,
            0x1b if tail.starts_with(b"$)C") => rest = tail.get(3..).unwrap_or_default(),
            b'!'..=b'~' if shifted => plain.push(byte | 0x80),
            _ => plain.push(byte),
        }
    }
    charset(Some("euc-kr"), &plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_keep_their_zone() {
        let date = |text| date(text).map(|date| (date.seconds, date.offset));
        let written = "Tue, 3 Mar 2026 21:02:03 -0500";
        assert_eq!(date(written), Some((1_772_589_723, -300)));
        assert_eq!(
            date("Mon, 2 Mar 2026 10:20:30 +0100"),
            Some((1_772_443_230, 60))
        );
        assert_eq!(date("yesterday"), None);
        assert_eq!(date("Mon, 99 Mar 2026 77:20:30 +0100"), None);
    }

    #[test]
    fn bad_base64_gives_what_is_good_in_it() {
        assert_eq!(base64(b"SGFs\r\nbG8="), b"Hallo");
        assert_eq!(base64(b"SG%Fs bG\x008="), b"Hallo");
        assert_eq!(base64(b""), b"");
    }

    #[test]
    fn charsets_are_known_by_their_names() {
        let table: [(&str, &[u8], &str); 9] = [
            ("iso-8859-1", b"caf\xe9", "caf\u{e9}"),
            ("ISO-8859-15", b"\xa4", "\u{20ac}"),
            ("koi8-r", b"\xf2", "\u{420}"),
            ("windows-1251", b"\xd0", "\u{420}"),
            ("iso-2022-jp", b"\x1b$B4A\x1b(B", "\u{6f22}"),
            ("gb18030", b"\xba\xba", "\u{6c49}"),
            ("iso-2022-kr", b"\x1b$)C\x0eGQ\x0f", "\u{d55c}"),
            ("utf-7", b"caf+AOk-", "caf\u{e9}"),
            ("x-nonsense", b"caf\xe9 \x80", "caf\u{e9} \u{20ac}"),
        ];
        for (name, bytes, expected) in table {
            assert_eq!(charset(Some(name), bytes), expected, "{name}");
        }
        assert_eq!(charset(None, "Zo\u{eb}".as_bytes()), "Zo\u{eb}");
        assert_eq!(charset(Some("us-ascii"), b"Zo\xeb"), "Zo\u{eb}");
    }

    #[test]
    fn a_caught_panic_leaves_no_mark() {
        assert!(!is_guarded());
        assert_eq!(guarded(is_guarded), Some(true));
        assert!(!is_guarded());
    }
}
