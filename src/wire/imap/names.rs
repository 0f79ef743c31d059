//! Names of mailboxes on servers: modified UTF-7 (RFC 3501, 5.1.3), and what a user types or sees for it.
//!
//! A name of ASCII letters is sent as it was typed, so that what Pine has in its files goes on to work. One with other
//! letters, or with an `&` that begins nothing, is encoded. What a server tells is shown decoded only where encoding it gives
//! the same bytes again; else it is shown and sent back as it came.

use std::borrow::Cow;

/// A name as the server has it, from one as the user has it.
pub fn encoded(name: &[u8]) -> Cow<'_, [u8]> {
    let Ok(text) = std::str::from_utf8(name) else {
        return Cow::Borrowed(name);
    };
    if name.is_ascii() && decode(name).is_some() {
        return Cow::Borrowed(name);
    }
    Cow::Owned(encode(text))
}

/// A name as the user has it, from one as the server has it.
pub fn decoded(name: &[u8]) -> Cow<'_, [u8]> {
    let plain = decode(name).filter(|plain| !plain.is_ascii());
    match plain {
        Some(plain) if !plain.contains(char::is_control) && encode(&plain) == name => {
            Cow::Owned(plain.into_bytes())
        }
        _ => Cow::Borrowed(name),
    }
}

fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut run: Vec<u16> = Vec::new();
    for character in text.chars() {
        match character {
            ' '..='~' => {
                end_run(&mut run, &mut out);
                out.push(character as u8);
                if character == '&' {
                    out.push(b'-');
                }
            }
            _ => run.extend_from_slice(character.encode_utf16(&mut [0; 2])),
        }
    }
    end_run(&mut run, &mut out);
    out
}

/// Writes the letters of `run` between `&` and `-`.
fn end_run(run: &mut Vec<u16>, out: &mut Vec<u8>) {
    if run.is_empty() {
        return;
    }
    out.push(b'&');
    let (mut bits, mut count) = (0_u32, 0);
    for unit in run.drain(..) {
        bits = bits << 16 | u32::from(unit);
        count += 16;
        while count >= 6 {
            count -= 6;
            out.push(letter(bits >> count));
            bits &= (1 << count) - 1;
        }
    }
    if count > 0 {
        out.push(letter(bits << (6 - count)));
    }
    out.push(b'-');
}

/// `None` where the name is not well-formed.
fn decode(name: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'&' => {
                let end = rest.iter().position(|&byte| byte == b'-')?;
                let (inside, after) = rest.split_at(end);
                rest = after.get(1..)?;
                match inside {
                    [] => out.push('&'),
                    _ => decode_run(inside, &mut out)?,
                }
            }
            b' '..=b'~' => out.push(char::from(byte)),
            _ => return None,
        }
    }
    Some(out)
}

fn decode_run(letters: &[u8], out: &mut String) -> Option<()> {
    let (mut bits, mut count) = (0_u32, 0);
    let mut units = Vec::with_capacity(letters.len() / 2);
    for &byte in letters {
        let value = LETTERS.iter().position(|&letter| letter == byte)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push(u16::try_from(bits >> count).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    if bits != 0 || count >= 6 {
        return None;
    }
    out.push_str(&String::from_utf16(&units).ok()?);
    Some(())
}

/// Base64 with a comma in place of the slash.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

fn letter(bits: u32) -> u8 {
    LETTERS.get((bits & 63) as usize).copied().unwrap_or(b'A')
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    fn seen(name: &str) -> String {
        String::from_utf8_lossy(&decoded(name.as_bytes())).into_owned()
    }

    fn sent(name: &str) -> String {
        String::from_utf8_lossy(&encoded(name.as_bytes())).into_owned()
    }

    #[test]
    fn names_are_decoded_where_that_can_be_undone() {
        for (server, user) in [
            ("Entw&APw-rfe", "Entw\u{fc}rfe"),
            (
                "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
                "~peter/mail/\u{53f0}\u{5317}/\u{65e5}\u{672c}\u{8a9e}",
            ),
            ("R&-D &APw-", "R&D \u{fc}"),
            ("&2D3cAA-", "\u{1f400}"),
        ] {
            assert_eq!(seen(server), user);
            assert_eq!(sent(user), server);
        }
        // Plain ones, and those that no encoder writes, stay.
        for name in [
            "INBOX.a",
            "R&-D",
            "&AGE-",
            "&APw",
            "&APw-&APw-",
            "a&b",
            "&AAo-",
            "&2D0-",
            "&!-",
            "",
        ] {
            assert_eq!(seen(name), name);
        }
        assert_eq!(sent("R&D"), "R&-D");
        assert_eq!(sent("R&-D"), "R&-D");
        assert_eq!(&*encoded(b"\xff"), b"\xff");
        assert_eq!(&*decoded(b"\xc3\xbc"), b"\xc3\xbc");
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in "\\PC{0,12}") {
            let encoded = encode(&name);
            prop_assert_eq!(decode(&encoded), Some(name));
        }

        #[test]
        fn what_is_shown_is_sent_back_as_it_came(name in "[ab&+,A-]{0,9}") {
            let well_formed = decode(name.as_bytes()).is_some();
            let back = encoded(&decoded(name.as_bytes())).into_owned();
            prop_assert_eq!(back == name.as_bytes(), well_formed);
        }
    }
}
