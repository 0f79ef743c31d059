//! Box A, and a reader of mailboxes that shares nothing with Mugo's own.
//!
//! Every message made here carries `X-Serial` and `X-Digest`, the SHA-256 of its text. The checker splits a file at
//! its `From ` lines (no text made here has an unquoted one) and tells which messages are whole, doubled or damaged.

use std::collections::BTreeMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

/// One message as the checker finds it in the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub(crate) serial: u32,
    /// Letters of `Status` and `X-Status`, sorted, without `O`.
    pub(crate) letters: String,
    /// The keywords, sorted.
    pub(crate) keywords: Vec<String>,
    pub(crate) uid: Option<u32>,
}

/// A mailbox of `count` messages with serials from `first`, as a delivery program would have left it.
pub(crate) fn delivered(first: u32, count: u32) -> Vec<u8> {
    let mut out = String::new();
    for serial in first..first + count {
        out.push_str(&from_line());
        out.push_str(&letter(serial));
        out.push('\n');
    }
    out.into_bytes()
}

/// The same with metadata: UIDs equal to the serials, every even message marked deleted.
pub(crate) fn checked(count: u32) -> Vec<u8> {
    let mut out = String::new();
    for serial in 1..=count {
        let (head, text) = parts(serial);
        let base = if serial == 1 {
            format!("X-IMAPbase: 1767225600 {count}\n")
        } else {
            String::new()
        };
        let deleted = if serial % 2 == 0 { "D" } else { "" };
        let mut meta = format!("{base}Status: RO\nX-Status: {deleted}\nX-Keywords:");
        let least = if serial == 1 { 80 } else { 50 };
        while meta.len() < least {
            meta.push(' ');
        }
        let _ = write!(
            out,
            "{}{head}{meta}\nX-UID: {serial}\n\n{text}\n",
            from_line()
        );
    }
    out.into_bytes()
}

/// One message as text: header, blank line, body.
pub(crate) fn letter(serial: u32) -> String {
    let (head, text) = parts(serial);
    format!("{head}\n{text}")
}

fn from_line() -> String {
    "From robin@example.org Sat Oct  3 20:45:00 2026 +0000\n".to_owned()
}

fn parts(serial: u32) -> (String, String) {
    let mut text = String::new();
    // Sizes between 1 and 9 KiB, about 5.3 KB on average as box A has it.
    let lines = 18 + (serial.wrapping_mul(2_654_435_761) >> 16) % 135;
    for line in 0..lines {
        let _ = writeln!(
            text,
            "{serial:06} line {line:04} of a text that only has to have a known digest."
        );
    }
    if serial.is_multiple_of(7) {
        text.push_str(">From here on the text is quoted as a mailbox needs it.\n");
    }
    let digest = hexadecimal(&Sha256::digest(text.as_bytes()));
    let head = format!(
        "Date: Sat, 03 Oct 2026 20:45:00 +0000\nFrom: Robin Sample <robin@example.org>\nTo: ana@example.org\n\
         Subject: message {serial}\nMessage-ID: <{serial}@example.org>\nX-Serial: {serial}\nX-Digest: {digest}\n"
    );
    (head, text)
}

/// What a mailbox holds, however broken it is.
#[derive(Debug, Default)]
pub(crate) struct Examined {
    /// The messages that are whole, in the order of the file, those that are there twice too.
    pub(crate) found: Vec<Found>,
    /// What is wrong with the others.
    pub(crate) damages: Vec<String>,
}

/// Looks through a mailbox. The pseudo-message is passed over.
pub(crate) fn examine(bytes: &[u8]) -> Examined {
    let mut examined = Examined::default();
    match split(bytes) {
        Err(why) => examined.damages.push(why),
        Ok(pieces) => {
            for (place, piece) in pieces.into_iter().enumerate() {
                match look_at(place, piece) {
                    Ok(found) => examined.found.extend(found),
                    Err(why) => examined.damages.push(why),
                }
            }
        }
    }
    examined
}

/// Reads a mailbox; every message in it must be whole, and none there twice.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Found>, String> {
    let examined = examine(bytes);
    if let Some(damage) = examined.damages.into_iter().next() {
        return Err(damage);
    }
    let mut seen = BTreeMap::new();
    for (place, message) in examined.found.iter().enumerate() {
        let serial = message.serial;
        if let Some(other) = seen.insert(serial, place) {
            return Err(format!(
                "serial {serial} is there twice, at {other} and {place}"
            ));
        }
    }
    Ok(examined.found)
}

/// One message; `None` for the pseudo-message.
fn look_at(place: usize, piece: &[u8]) -> Result<Option<Found>, String> {
    let Some(end) = position(piece, b"\n\n") else {
        return Err(format!(
            "message {place} has no end of header: {}",
            start_of(piece)
        ));
    };
    let head = String::from_utf8_lossy(&piece[..end]).into_owned();
    if head.starts_with("From MAILER-DAEMON ") && head.contains("FOLDER INTERNAL DATA") {
        return Ok(None);
    }
    let text = &piece[end + 2..];
    let Some(text) = text.strip_suffix(b"\n") else {
        return Err(format!("message {place} ends without its separator"));
    };
    let serial = field(&head, "X-Serial").and_then(|value| value.parse().ok());
    let Some(serial) = serial else {
        return Err(format!("message {place} lost its serial:\n{head}"));
    };
    if field(&head, "X-Digest").unwrap_or_default() != hexadecimal(&Sha256::digest(text)) {
        return Err(format!("message {place}, serial {serial}, is damaged"));
    }
    Ok(Some(describe(&head, serial)))
}

fn describe(head: &str, serial: u32) -> Found {
    let mut letters: Vec<char> = ["Status", "X-Status"]
        .iter()
        .filter_map(|name| field(head, name))
        .flat_map(|value| value.chars().collect::<Vec<_>>())
        .filter(|letter| *letter != 'O')
        .collect();
    letters.sort_unstable();
    let words = field(head, "X-Keywords").unwrap_or_default();
    let mut keywords: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    keywords.sort();
    let uid = field(head, "X-UID").and_then(|value| value.parse().ok());
    Found {
        serial,
        letters: letters.into_iter().collect(),
        keywords,
        uid,
    }
}

fn split(bytes: &[u8]) -> Result<Vec<&[u8]>, String> {
    let mut starts = Vec::new();
    let mut place = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"From ") {
            starts.push(place);
        }
        place += line.len();
    }
    if !bytes.is_empty() && starts.first() != Some(&0) {
        return Err(format!(
            "the file does not start with a From line: {}",
            start_of(bytes)
        ));
    }
    starts.push(bytes.len());
    Ok(starts
        .windows(2)
        .map(|pair| &bytes[pair[0]..pair[1]])
        .collect())
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn field(head: &str, name: &str) -> Option<String> {
    let lead = format!("{name}:");
    head.lines()
        .find_map(|line| line.strip_prefix(&lead))
        .map(|value| value.trim().to_owned())
}

fn start_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(60)])
        .escape_debug()
        .to_string()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The serials of what was found, in the order of the file.
pub(crate) fn serials(found: &[Found]) -> Vec<u32> {
    found.iter().map(|message| message.serial).collect()
}

#[test]
fn the_checker_itself_finds_damage_loss_and_doubles() {
    let whole = checked(20);
    assert_eq!(
        serials(&read(&whole).unwrap()),
        (1..=20).collect::<Vec<_>>()
    );
    assert_eq!(read(&whole).unwrap()[1].letters, "DR");
    let mut damaged = whole.clone();
    let place = position(&damaged, b"line 0003").unwrap();
    damaged[place] = b'x';
    assert!(read(&damaged).unwrap_err().contains("damaged"));
    let doubled = [whole.clone(), delivered(7, 1)].concat();
    assert!(read(&doubled).unwrap_err().contains("twice"));
    assert!(read(&whole[..whole.len() - 40]).is_err());
    assert!(read(&[b"junk\n".to_vec(), whole].concat()).is_err());
}
