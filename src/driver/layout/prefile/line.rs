//! The line in front of each message: read, written, and its state overwritten in place.

use jiff::tz::TimeZone;

use crate::driver::layout::prefile::format::{Format, State};
use crate::mail::date::InternalDate;

/// The longest line, its end included, in bytes.
pub const LONGEST: usize = 64;

/// `\Seen`.
pub const SEEN: u16 = 0x01;
/// `\Deleted`.
pub const DELETED: u16 = 0x02;
/// `\Flagged`.
pub const FLAGGED: u16 = 0x04;
/// `\Answered`.
pub const ANSWERED: u16 = 0x08;
/// Some session that may write has seen the message, so it is not `\Recent`.
pub const OLD: u16 = 0x10;
/// `\Draft`.
pub const DRAFT: u16 = 0x20;
/// The message is expunged, only its bytes are still there.
pub const HIDDEN: u16 = 0x8000;

/// The state of a message as the line has it. Bits without a meaning are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// Bit n is set for keyword n.
    pub keywords: u32,
    /// `SEEN` to `HIDDEN`.
    pub flags: u16,
    /// 0 where the file has none yet, or never.
    pub uid: u32,
}

/// A line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordLine {
    /// The internal date.
    pub date: InternalDate,
    /// Bytes of the message behind the line.
    pub size: u64,
    /// Its state.
    pub status: Status,
    /// Bytes of the line, its end included.
    pub length: usize,
}

/// What is wrong with a line.
type Wrong = &'static str;

/// Reads the line at the start of `bytes`. `Err` tells what is wrong with it.
pub fn parse(format: &Format, bytes: &[u8], zone: &TimeZone) -> Result<RecordLine, Wrong> {
    let line = split(format, bytes)?;
    let date = InternalDate::parse(line.date, zone).ok_or("the date cannot be read")?;
    let status = parse_status(format, line.state).ok_or("the flags cannot be read")?;
    Ok(RecordLine {
        date,
        size: line.size,
        status,
        length: line.length,
    })
}

/// The bytes of the line at the start of `bytes`, and those of the message that it tells of.
pub fn lengths(format: &Format, bytes: &[u8]) -> Result<(usize, u64), Wrong> {
    let line = split(format, bytes)?;
    parse_status(format, line.state).ok_or("the flags cannot be read")?;
    Ok((line.length, line.size))
}

/// A line whose date and state were not read yet.
struct Split<'b> {
    date: &'b [u8],
    size: u64,
    state: &'b [u8],
    length: usize,
}

fn split<'b>(format: &Format, bytes: &'b [u8]) -> Result<Split<'b>, Wrong> {
    let start = bytes.get(..LONGEST).unwrap_or(bytes);
    let end = memchr::memchr(b'\n', start).ok_or("no line in front of the message")?;
    let whole = start.get(..=end).unwrap_or_default();
    let line = whole
        .strip_suffix(format.line_end())
        .filter(|line| !line.contains(&b'\r'))
        .ok_or("the line in front of the message ends in another way")?;
    let comma = memchr::memchr(b',', line).ok_or("no date in front of the message")?;
    let (date, rest) = line.split_at(comma);
    let rest = rest.get(1..).unwrap_or_default();
    let semicolon = memchr::memchr(b';', rest).ok_or("no size in front of the message")?;
    let (size, state) = rest.split_at(semicolon);
    let size = decimal(size)
        .filter(|&size| size > 0 && size <= format.largest())
        .ok_or("the size cannot be read")?;
    Ok(Split {
        date,
        size,
        state: state.get(1..).unwrap_or_default(),
        length: whole.len(),
    })
}

/// Reads the state of a message, which is all of `text`.
pub fn parse_status(format: &Format, text: &[u8]) -> Option<Status> {
    if text.len() != format.state_length() {
        return None;
    }
    match format.state {
        State::Numbered => {
            let uid = text.get(12..)?.strip_prefix(b"-")?;
            Some(Status {
                keywords: digits(text.get(..8)?, 16)?,
                flags: digits(text.get(8..12)?, 16)? as u16,
                uid: digits(uid, 16)?,
            })
        }
        State::Bare => {
            // Any decimal digit passes, as c-client has it; only its three bits count.
            let keywords = digits_of_octal(text.get(..10)?)?;
            Some(Status {
                keywords: (keywords as u32).reverse_bits() >> 2,
                flags: digits_of_octal(text.get(10..)?)? as u16,
                uid: 0,
            })
        }
    }
}

/// Writes the state of a message.
pub fn write_status(format: &Format, status: Status) -> Vec<u8> {
    match format.state {
        State::Numbered => {
            let (keywords, flags, uid) = (status.keywords, status.flags, status.uid);
            format!("{keywords:08x}{flags:04x}-{uid:08x}").into_bytes()
        }
        State::Bare => {
            let keywords = (status.keywords << 2).reverse_bits();
            format!("{keywords:010o}{:02o}", status.flags & 0o77).into_bytes()
        }
    }
}

/// Writes a line, its end included. A date that could not be read again becomes the nearest one that can.
pub fn write(format: &Format, date: &InternalDate, size: u64, status: Status) -> Vec<u8> {
    let mut line = format!("{},{size};", date.storable().to_fixed()).into_bytes();
    line.extend(write_status(format, status));
    line.extend(format.line_end());
    line
}

fn decimal(text: &[u8]) -> Option<u64> {
    let all_digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| all_digits)?;
    text.parse().ok()
}

fn digits(text: &[u8], base: u32) -> Option<u32> {
    text.iter().try_fold(0u32, |number, &byte| {
        let digit = char::from(byte).to_digit(base)?;
        Some((number << base.trailing_zeros()) | digit)
    })
}

fn digits_of_octal(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0u64, |number, &byte| {
        byte.is_ascii_digit()
            .then(|| (number << 3) | u64::from(byte & 7))
    })
}

#[cfg(test)]
mod tests;
