//! Box A: a mailbox in traditional UNIX format made from a seed, and a checker that knows nothing of Mugo's parser.
//!
//! Every message carries a serial and the digest of its body in its header; every seventh body holds a quoted
//! From line. The checker splits at From lines and counts by serial and digest.

use std::collections::BTreeMap;
use std::fmt::Write;

use xxhash_rust::xxh3::xxh3_128;

use crate::common::random::Random;

/// What the checker found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Findings {
    /// Serials found once and whole, in the order of the file.
    pub(crate) good: Vec<u64>,
    /// Serials found more than once.
    pub(crate) duplicate: Vec<u64>,
    /// Messages whose body does not have its digest, or that carry no serial.
    pub(crate) damaged: usize,
}

impl Findings {
    /// Serials below `count` that were not found.
    pub(crate) fn lost(&self, count: u64) -> Vec<u64> {
        (0..count)
            .filter(|serial| !self.good.contains(serial))
            .collect()
    }
}

/// A mailbox of `count` messages, about 5.3 KB each, with serials from `first`.
pub(crate) fn mailbox(seed: u64, first: u64, count: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut text = String::new();
    for serial in first..first + count {
        text.push_str(&message(&mut random, serial));
    }
    text.into_bytes()
}

/// One message with its From line and the empty line that ends it.
fn message(random: &mut Random, serial: u64) -> String {
    let mut body = String::new();
    let size = 4000 + random.below(2400) as usize;
    while body.len() < size {
        let length = 20 + random.below(50);
        for _ in 0..length {
            let letter = b' ' + 1 + random.below(90) as u8;
            body.push(char::from(letter));
        }
        body.push('\n');
        if body.starts_with("From ") || body.contains("\nFrom ") {
            body.clear();
        }
    }
    if serial.is_multiple_of(7) {
        body.push_str("\n>From here on it is quoted.\n");
    }
    let digest = xxh3_128(body.as_bytes());
    let (minute, second) = (serial / 60 % 60, serial % 60);
    let mut message = String::new();
    write!(
        message,
        "From alice@mail.example.org Mon Mar  2 10:{minute:02}:{second:02} 2026 +0000\n\
         From: Alice <alice@mail.example.org>\nTo: Bob <bob@mail.example.org>\n\
         Subject: number {serial}\nMessage-ID: <{serial}@mail.example.org>\n\
         X-Serial: {serial}\nX-Digest: {digest:032x}\n\n{body}\n"
    )
    .expect("room for a message");
    message
}

/// Looks through a mailbox. The pseudo message of the format is passed over.
pub(crate) fn check(mailbox: &[u8]) -> Findings {
    let mut found: BTreeMap<u64, usize> = BTreeMap::new();
    let mut findings = Findings::default();
    for message in split(mailbox) {
        let end = message
            .windows(2)
            .position(|pair| pair == b"\n\n")
            .unwrap_or(message.len());
        let (head, rest) = message.split_at(end);
        if field(head, "Subject:").is_some_and(|subject| subject.contains("FOLDER INTERNAL DATA")) {
            continue;
        }
        let body = rest.get(2..).unwrap_or_default();
        let body = body.strip_suffix(b"\n").unwrap_or(body);
        let digest = format!("{:032x}", xxh3_128(body));
        let serial = field(head, "X-Serial:").and_then(|serial| serial.parse().ok());
        match serial {
            Some(serial) if field(head, "X-Digest:") == Some(digest) => {
                *found.entry(serial).or_default() += 1;
                findings.good.push(serial);
            }
            _ => findings.damaged += 1,
        }
    }
    findings.duplicate = found
        .iter()
        .filter(|(_, times)| **times > 1)
        .map(|(s, _)| *s)
        .collect();
    let duplicate = findings.duplicate.clone();
    findings.good.retain(|serial| !duplicate.contains(serial));
    findings
}

/// The messages of a mailbox: each begins with a From line. What stands before the first is one too.
fn split(mailbox: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    let mut begin = 0;
    for (at, pair) in mailbox.windows(6).enumerate() {
        if pair == b"\nFrom " {
            messages.push(&mailbox[begin..=at]);
            begin = at + 1;
        }
    }
    if begin < mailbox.len() {
        messages.push(&mailbox[begin..]);
    }
    messages
}

fn field(head: &[u8], name: &str) -> Option<String> {
    let head = String::from_utf8_lossy(head);
    head.lines()
        .find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
}
