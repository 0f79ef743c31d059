//! Makes large mailboxes in traditional UNIX format: the same bytes for the same arguments, in constant memory.
//!
//! A message has about 1.2 KiB of header and a body of 0.3 to 6 KiB, 2.8 KB in all on average, so 100,000 messages
//! are about 280 MB. Nothing in it is taken from real mail.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Which metadata header lines each message carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metadata {
    /// None: the mailbox of a delivery program, never opened yet.
    Absent,
    /// `X-IMAPbase`, `Status`, `X-Status`, `X-Keywords`, `X-UID`: a mailbox that a mail program has checkpointed.
    Complete,
}

/// A small generator of random numbers (SplitMix64): fast, and the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    /// Starts the sequence that belongs to `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Gives the next number of the sequence.
    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Gives a number from 0 up to, not including, `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len() as u64) as usize]
    }
}

const NAMES: [&str; 16] = [
    "Ana Birch",
    "Milo Fenn",
    "Sunniva Reed",
    "Tilda Moss",
    "Oskar Thorn",
    "Ilse Linden",
    "Bruno Hazel",
    "Wanda Rowan",
    "Piet Willow",
    "Greta Sedge",
    "Enno Alder",
    "Vera Heath",
    "Jonas Fern",
    "Lotte Briar",
    "Emil Yarrow",
    "Nora Clover",
];
const HOSTS: [&str; 6] = [
    "example.org",
    "example.net",
    "example.com",
    "mail.example.org",
    "lists.example.net",
    "a.example.com",
];
const WORDS: [&str; 40] = [
    "apple", "branch", "counter", "delivery", "early", "folder", "garden", "harbour", "index",
    "journal", "kernel", "ladder", "message", "number", "orchard", "pane", "question", "reader",
    "screen", "thread", "update", "version", "window", "yearly", "the", "and", "of", "to", "in",
    "a", "is", "that", "for", "with", "on", "this", "not", "from", "which", "patch",
];
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// Writes a mailbox of `messages` messages to `path`; gives its size in bytes.
pub(crate) fn mailbox(
    path: &Path,
    messages: u64,
    seed: u64,
    metadata: Metadata,
) -> io::Result<u64> {
    let mut random = Random::new(seed);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut size = 0u64;
    let mut text = Vec::with_capacity(16384);
    for serial in 1..=messages {
        text.clear();
        message(&mut text, &mut random, serial, messages, metadata)?;
        out.write_all(&text)?;
        size += text.len() as u64;
    }
    out.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    Ok(size)
}

/// Splits such a mailbox into its messages, without their From lines.
pub(crate) fn each_message(mailbox: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = mailbox;
    std::iter::from_fn(move || {
        let start = rest.iter().position(|&byte| byte == b'\n')? + 1;
        let end = memchr::memmem::find(rest, b"\n\nFrom ").map_or(rest.len(), |end| end + 2);
        let message = rest.get(start..end)?;
        rest = rest.get(end..)?;
        Some(message.strip_suffix(b"\n").unwrap_or(message))
    })
}

fn message(
    out: &mut Vec<u8>,
    random: &mut Random,
    serial: u64,
    messages: u64,
    metadata: Metadata,
) -> io::Result<()> {
    let (name, host) = (random.pick(&NAMES), random.pick(&HOSTS));
    let user = name.split(' ').next().unwrap_or("nobody").to_lowercase();
    // 1 January 2026 was a Thursday; the months are kept at 28 days so that no calendar is needed.
    let day = serial * 300 / messages.max(1);
    let (month, date) = (MONTHS[(day / 28) as usize % 12], day % 28 + 1);
    let weekday = DAYS[((day / 28) as usize % 12 * 3 + date as usize - 1) % 7];
    let (hour, minute, second) = (random.below(24), random.below(60), random.below(60));
    writeln!(
        out,
        "From {user}@{host} {weekday} {month} {date:2} {hour:02}:{minute:02}:{second:02} 2026 +0000"
    )?;
    writeln!(out, "Return-Path: <{user}@{host}>")?;
    for hop in 0..3u64 {
        writeln!(
            out,
            "Received: from relay{hop}.{host} (relay{hop}.{host} [192.0.2.{}])",
            random.below(255)
        )?;
        writeln!(
            out,
            "\tby mx{hop}.example.org (Postfix) with ESMTPS id {:016X}",
            random.draw()
        )?;
        writeln!(
            out,
            "\tfor <robin@example.org>; {weekday}, {date} {month} 2026 {hour:02}:{minute:02}:{second:02} +0000 (UTC)"
        )?;
    }
    writeln!(
        out,
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={host}; s=mail;"
    )?;
    for _ in 0..4 {
        writeln!(
            out,
            "\t{:016x}{:016x}{:016x}{:016x}",
            random.draw(),
            random.draw(),
            random.draw(),
            random.draw()
        )?;
    }
    writeln!(
        out,
        "Date: {weekday}, {date} {month} 2026 {hour:02}:{minute:02}:{second:02} +0000"
    )?;
    writeln!(out, "From: {name} <{user}@{host}>")?;
    writeln!(out, "To: Robin Sample <robin@example.org>")?;
    let re = if random.below(100) < 62 { "Re: " } else { "" };
    write!(out, "Subject: {re}")?;
    words(out, random, 3, 9)?;
    writeln!(
        out,
        "\nMessage-ID: <{serial}.{:08x}@{host}>",
        random.draw() as u32
    )?;
    if !re.is_empty() && serial > 9 {
        let parent = serial - 1 - random.below(8);
        writeln!(
            out,
            "In-Reply-To: <{parent}.thread@{host}>\nReferences: <{parent}.thread@{host}>"
        )?;
    }
    writeln!(
        out,
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit"
    )?;
    writeln!(
        out,
        "X-Mailer: Example Mailer {}.{}",
        random.below(9),
        random.below(30)
    )?;
    if metadata == Metadata::Complete {
        status(out, random, serial, messages)?;
    }
    out.push(b'\n');
    let lines = 5 + random.below(12) * random.below(9);
    for _ in 0..lines {
        words(out, random, 6, 11)?;
        out.push(b'\n');
    }
    out.push(b'\n');
    Ok(())
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn status(out: &mut Vec<u8>, random: &mut Random, serial: u64, messages: u64) -> io::Result<()> {
    let start = out.len();
    if serial == 1 {
        writeln!(out, "X-IMAPbase: 1767225600 {messages} list work")?;
    }
    let seen = if random.below(10) < 8 { "R" } else { "" };
    writeln!(out, "Status: {seen}O")?;
    writeln!(
        out,
        "X-Status: {}",
        ["", "", "", "A", "F"][random.below(5) as usize]
    )?;
    write!(
        out,
        "X-Keywords:{}",
        ["", "", " list", " work"][random.below(4) as usize]
    )?;
    let least = if serial == 1 { 80 } else { 50 };
    while out.len() - start < least {
        out.push(b' ');
    }
    writeln!(out, "\nX-UID: {serial}")
}

fn words(out: &mut Vec<u8>, random: &mut Random, least: u64, most: u64) -> io::Result<()> {
    let count = least + random.below(most - least + 1);
    for place in 0..count {
        if place > 0 {
            out.push(b' ');
        }
        out.write_all(random.pick(&WORDS).as_bytes())?;
    }
    Ok(())
}
