//! The line that starts a message: `From USER Www Mmm dd hh:mm[:ss] [ZONE] yyyy`, or the zone behind the year.
//!
//! It is checked from the right, because the user part may hold anything; letters and digits themselves are not
//! checked. ` remote from HOST` at the end is ignored. Any line that passes starts a message, wherever it stands.

use jiff::tz::TimeZone;

use crate::mail::date::InternalDate;

/// A valid line, with where its pieces are.
#[derive(Clone, Copy, Debug)]
pub struct FromLine<'a> {
    line: &'a [u8],
    /// Where the space before the weekday is.
    user_end: usize,
    /// Where the space before the time is.
    time_start: usize,
    /// Where the space behind the time is.
    time_end: usize,
    year: &'a [u8],
    zone: &'a [u8],
}

/// The longest line that is looked at, in bytes; a longer one is text.
pub const LONGEST: usize = 32 * 1024;

/// What every such line starts with.
pub const START: &[u8] = b"From ";

impl<'a> FromLine<'a> {
    /// Reads a line, which comes without its LF; one CR at its end is ignored.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        if !line.starts_with(START) || line.len() > LONGEST {
            return None;
        }
        let line = without_relay(line.strip_suffix(b"\r").unwrap_or(line));
        let end = line.len();
        if end < 27 {
            return None;
        }
        let from_end = |back: usize| end.checked_sub(back).and_then(|at| line.get(at).copied());
        let is = |back: usize, byte: u8| from_end(back) == Some(byte);
        let sign = |back: usize| is(back, b'+') || is(back, b'-');
        let part = |from: usize, to: usize| line.get(end - from..end - to).unwrap_or_default();
        let (time_end, year, zone) = if is(5, b' ') {
            let year = part(4, 0);
            if is(8, b':') {
                (end - 5, year, part(0, 0))
            } else if is(9, b' ') {
                (end - 9, year, part(8, 5))
            } else if is(11, b' ') && sign(10) {
                (end - 11, year, part(10, 5))
            } else {
                return None;
            }
        } else if is(4, b' ') && is(9, b' ') {
            (end - 9, part(8, 4), part(3, 0))
        } else if is(6, b' ') && is(11, b' ') && sign(5) {
            (end - 11, part(10, 6), part(5, 0))
        } else {
            return None;
        };
        let time_start = time_start(line, time_end)?;
        Some(Self {
            line,
            user_end: time_start.checked_sub(11)?,
            time_start,
            time_end,
            year,
            zone,
        })
    }

    /// Who sent the message; may be empty.
    pub fn user(&self) -> &'a [u8] {
        let user = self.line.get(START.len()..self.user_end);
        user.unwrap_or_default().trim_ascii()
    }

    /// When it was delivered; the start of 1970 where that cannot be read.
    pub fn date(&self, local: &TimeZone) -> InternalDate {
        let mut text = [b' '; 40];
        let mut length = 0;
        let mut add = |piece: &[u8]| {
            if let Some(room) = text.get_mut(length..length + piece.len()) {
                room.copy_from_slice(piece);
                length += piece.len();
            }
        };
        let day = self.line.get(self.time_start - 2..self.time_start);
        let month = self.line.get(self.time_start - 6..self.time_start - 3);
        let time = self.line.get(self.time_start..self.time_end);
        add(day.unwrap_or_default().trim_ascii_start());
        add(b"-");
        add(month.unwrap_or_default());
        add(b"-");
        add(self.year);
        add(time.unwrap_or_default());
        if !self.zone.is_empty() {
            add(b" ");
            add(self.zone);
        }
        let text = text.get(..length).unwrap_or_default();
        InternalDate::parse(text, local).unwrap_or(InternalDate::EPOCH)
    }
}

/// Writes the line, LF included. Of `user` only visible ASCII and 8-bit bytes are taken; `other` stands in for an empty one.
pub fn write(user: &[u8], other: &str, date: &InternalDate) -> Vec<u8> {
    let visible = |byte: &u8| *byte > b' ' && *byte != 0x7f;
    let mut line = START.to_vec();
    line.extend(user.iter().copied().filter(visible).take(LONGEST_USER));
    if line.len() == START.len() {
        line.extend(other.bytes().filter(visible));
    }
    line.push(b' ');
    line.extend(ctime(&date.storable()).bytes());
    line.push(b' ');
    line.extend(date.zone().bytes());
    line.push(b'\n');
    line
}

/// `Mon Mar  2 10:20:31 2026`.
pub fn ctime(date: &InternalDate) -> String {
    let at = date.fields();
    format!(
        "{} {} {:>2} {:02}:{:02}:{:02} {:04}",
        at.weekday, at.month_name, at.day, at.hour, at.minute, at.second, at.year
    )
}

const LONGEST_USER: usize = 1000;

/// The line without a ` remote from HOST` at its end.
fn without_relay(line: &[u8]) -> &[u8] {
    if line.len() < 41 {
        return line;
    }
    let before = memchr::memrchr(b' ', line).and_then(|space| line.get(..space));
    before
        .and_then(|before| before.strip_suffix(b" remote from"))
        .unwrap_or(line)
}

/// Where the space before the time is, when time, day, month and weekday have their places.
fn time_start(line: &[u8], time_end: usize) -> Option<usize> {
    let byte = |at: usize, back: usize| at.checked_sub(back).and_then(|at| line.get(at).copied());
    if byte(time_end, 3) != Some(b':') {
        return None;
    }
    let length = if byte(time_end, 6) == Some(b':') {
        9
    } else {
        6
    };
    let start = time_end.checked_sub(length)?;
    let spaced = [0, 3, 7, 11]
        .iter()
        .all(|&back| byte(start, back) == Some(b' '));
    spaced.then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(line: &str) -> bool {
        FromLine::parse(line.as_bytes()).is_some()
    }

    #[test]
    fn the_grammar_is_exact() {
        for line in [
            "From Wed Dec  2 05:53:22 1992",
            "From user Wed Dec  2 05:53 1992\r",
            "From \"a b\"@c Wed Dec 02 05:53:22 -0700 1992",
            "From user Wed Dec  2 05:53 1992 PST",
            "From user Wed Dec  2 05:53:22 1992 remote from foo",
            "From user Xxx Xxx xx xx:xx xxxx",
        ] {
            assert!(valid(line), "{line}");
        }
        for line in [
            "From here on it gets better, says the text",
            "From Wed Dec  2 05:53 1992",
            "from user Wed Dec  2 05:53:22 1992",
            "From user Wed Dec  2 05:53:22 92",
            "From user Wed Dec 2 05:53:22 1992",
            "From user Wed Dec  2 05:53:22 CEST 1992",
            "From user Wed Dec  2 05:53:22 1992 ",
            "From user\tWed Dec  2 05:53:22 1992",
            "From user Wed Dec  2 05:53:22 +05:30 1992",
            "From user Wed, 2 Dec 1992 05:53:22 +0000",
            "From user Wed December  2 05:53:22 1992",
        ] {
            assert!(!valid(line), "{line}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let date = InternalDate {
            seconds: 1_772_443_231,
            offset: 60,
        };
        for (user, read) in [(&b"ada\n@x"[..], &b"ada@x"[..]), (b" \r\n", b"me@here")] {
            let line = write(user, "me@here", &date);
            let line = FromLine::parse(line.trim_ascii_end()).expect("valid");
            assert_eq!(line.user(), read);
            assert_eq!(line.date(&TimeZone::UTC), date);
        }
    }
}
