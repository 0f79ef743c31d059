//! The same mail in each flat format: opening it, and showing every envelope, beside c-client.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::Place;
use crate::generate::each_message;
use crate::measure;
use crate::report::Report;

/// A format in which one file holds all mail, and how much of c-client's time Mugo may take.
struct Format {
    name: &'static str,
    /// The part of c-client's time that opening and showing every envelope may take: 4 stands for a quarter.
    part: u32,
    write: fn(&mut dyn Write, u64, &[u8]) -> io::Result<()>,
}

const FORMATS: [Format; 4] = [
    Format {
        name: "mmdf",
        part: 4,
        write: mmdf,
    },
    Format {
        name: "mbx",
        part: 8,
        write: mbx,
    },
    Format {
        name: "mtx",
        part: 8,
        write: mtx,
    },
    Format {
        name: "tenex",
        part: 4,
        write: tenex,
    },
];

/// Measures every format on the messages of the traditional mailbox `source`.
pub(crate) fn measure(place: &Place, source: &str, report: &mut Report) -> io::Result<()> {
    for format in &FORMATS {
        let path = place.path(format.name);
        let size = convert(&place.path(source), &path, place.messages, format)?;
        report.note(
            &format!("{}: size", format.name),
            &format!("{:.0} MB", size as f64 / 1e6),
        );
        place.give_to_peer(&path)?;
        if understood(place, format)? {
            opening(place, format, report);
            if format.name != "mmdf" {
                one_flag(place, format, report)?;
            }
            if format.name == "mbx" {
                expunge(place, format, report)?;
            }
        } else {
            report.failed(&format!("{}: recognised, with all messages", format.name));
        }
        fs::remove_file(&path)?;
    }
    Ok(())
}

/// Whether Mugo finds all messages and knows the format.
fn understood(place: &Place, format: &Format) -> io::Result<bool> {
    let shown = place.path(format.name).display().to_string();
    let told = place.mugo(&["status", &shown]).output()?.stdout;
    let told = String::from_utf8_lossy(&told);
    let count = format!(" {} messages", place.messages);
    Ok(told.contains(&count) && told.contains(&format!("({})", format.name)))
}

fn opening(place: &Place, format: &Format, report: &mut Report) {
    let name = format.name;
    let shown = place.path(name).display().to_string();
    let none = "subject \"no message has this\"";
    let works: [(&str, u32, Vec<&str>, Vec<&str>); 2] = [
        ("opened", 4, vec!["status", &shown], vec!["check", name]),
        (
            "every envelope, flag, date, size",
            format.part,
            vec!["index", &shown],
            vec!["prune", name, none],
        ),
    ];
    for (title, part, ours, theirs) in works {
        let title = format!("{name}: {title}, to c-client");
        let taken = measure::time(3, || place.mugo(&ours));
        // `prune` says by its status that nothing was found.
        let peer = measure::time_whatever(2, || place.peer(&theirs));
        match (taken, peer) {
            (Some(taken), Some(peer)) => report.compare(&title, taken, peer / part, peer),
            (None, _) => report.failed(&title),
            (_, None) => report.missing("mailutil", &title),
        }
    }
}

/// One flag set writes the bytes of that flag: those of the mailbox that differ afterwards are counted.
fn one_flag(place: &Place, format: &Format, report: &mut Report) -> io::Result<()> {
    let path = place.path(format.name);
    let shown = path.display().to_string();
    let title = format!("{}: bytes of the file that one flag changes", format.name);
    // The first opening notes UIDs beside the mailbox, where the format has none.
    let middle = (place.messages / 2).to_string();
    let _noted = place
        .mugo(&["flag", &shown, &middle, "-\\Answered"])
        .status()?;
    let before = fs::read(&path)?;
    if !place
        .mugo(&["flag", &shown, &middle, "+\\Flagged"])
        .stdout(Stdio::null())
        .status()?
        .success()
    {
        report.failed(&title);
        return Ok(());
    }
    let after = fs::read(&path)?;
    let same_length = before.len() == after.len();
    let changed = before.iter().zip(&after).filter(|pair| pair.0 != pair.1);
    let changed = if same_length {
        changed.count() as u64
    } else {
        u64::MAX
    };
    // Whoever writes flags signs the header of an mbx mailbox, so that others look again.
    let signed = if format.name == "mbx" { 8 } else { 0 };
    report.at_most(&title, changed, 2 + signed, "bytes");
    Ok(())
}

/// Expunging one message of a hundred takes no longer than copying the file, both until they are on disk.
fn expunge(place: &Place, format: &Format, report: &mut Report) -> io::Result<()> {
    let path = place.path(format.name);
    let (shown, copy) = (path.display().to_string(), place.path("copy"));
    let title = format!("{}: expunge of 1 %, to cp and sync", format.name);
    let whole = fs::read(&path)?;
    let mut best: Option<(Duration, Duration)> = None;
    for _ in 0..3 {
        fs::write(&path, &whole)?;
        File::open(&path)?.sync_all()?;
        let _gone = fs::remove_file(&copy);
        let copied = Instant::now();
        fs::copy(&path, &copy)?;
        File::open(&copy)?.sync_all()?;
        let copied = copied.elapsed();
        let numbers: Vec<String> = (1..=place.messages / 100)
            .map(|it| (it * 100).to_string())
            .collect();
        let marked = place
            .mugo(&["flag", &shown, &numbers.join(","), "+\\Deleted"])
            .stdout(Stdio::null())
            .status()?;
        let expunged = Instant::now();
        let done = place
            .mugo(&["expunge", &shown])
            .stdout(Stdio::null())
            .status()?;
        let expunged = expunged.elapsed();
        if !marked.success() || !done.success() {
            report.failed(&title);
            return Ok(());
        }
        let (one, other) = best.unwrap_or((expunged, copied));
        best = Some((one.min(expunged), other.min(copied)));
    }
    let _gone = fs::remove_file(&copy);
    if let Some((expunged, copied)) = best {
        report.compare(&title, expunged, copied, copied);
    }
    Ok(())
}

fn convert(from: &Path, to: &Path, messages: u64, format: &Format) -> io::Result<u64> {
    let mut all = Vec::new();
    BufReader::new(File::open(from)?).read_to_end(&mut all)?;
    let mut out = BufWriter::with_capacity(1 << 20, File::create(to)?);
    if format.name == "mbx" {
        out.write_all(&mbx_header(messages))?;
    }
    let mut number = 0;
    for message in each_message(&all) {
        number += 1;
        (format.write)(&mut out, number, message)?;
    }
    out.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    Ok(fs::metadata(to)?.len())
}

fn mbx_header(last: u64) -> Vec<u8> {
    let mut header = format!("*mbx*\r\n{:08x}{last:08x}\r\n", 1_767_225_600).into_bytes();
    header.extend(b"\r\n".repeat(30));
    header.resize(2038, 0);
    header.extend(b"00000000\r\n");
    header
}

const DATE: &str = " 2-Mar-2026 10:20:31 +0000";

/// Seen by an earlier session, every other message read.
fn bits(number: u64) -> u64 {
    0x10 | (number & 1)
}

fn mmdf(out: &mut dyn Write, number: u64, message: &[u8]) -> io::Result<()> {
    let seen = if number & 1 == 1 { "R" } else { "" };
    let (header, text) = split(message);
    out.write_all(b"\x01\x01\x01\x01\nFrom ann@example.org Mon Mar  2 10:20:31 2026 +0000\n")?;
    out.write_all(header)?;
    if number == 1 {
        writeln!(out, "X-IMAPbase: 1767225600 4294900")?;
    }
    write!(
        out,
        "Status: {seen}O\nX-Status: \nX-Keywords:{:24}\nX-UID: {number}\n\n",
        ""
    )?;
    out.write_all(text)?;
    out.write_all(b"\x01\x01\x01\x01\n")
}

fn mbx(out: &mut dyn Write, number: u64, message: &[u8]) -> io::Result<()> {
    let text = crlf(message);
    write!(
        out,
        "{DATE},{};00000000{:04x}-{number:08x}\r\n",
        text.len(),
        bits(number)
    )?;
    out.write_all(&text)
}

fn mtx(out: &mut dyn Write, number: u64, message: &[u8]) -> io::Result<()> {
    let text = crlf(message);
    write!(
        out,
        "{DATE},{};0000000000{:02o}\r\n",
        text.len(),
        bits(number)
    )?;
    out.write_all(&text)
}

fn tenex(out: &mut dyn Write, number: u64, message: &[u8]) -> io::Result<()> {
    writeln!(
        out,
        "{DATE},{};0000000000{:02o}",
        message.len(),
        bits(number)
    )?;
    out.write_all(message)
}

fn crlf(message: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(message.len() + message.len() / 32);
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        text.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        text.extend_from_slice(b"\r\n");
    }
    text
}

fn split(message: &[u8]) -> (&[u8], &[u8]) {
    let end = message.windows(2).position(|pair| pair == b"\n\n");
    let (header, rest) = message.split_at(end.map_or(message.len(), |end| end + 1));
    (header, rest.strip_prefix(b"\n").unwrap_or(rest))
}
