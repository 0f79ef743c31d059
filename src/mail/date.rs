//! The internal date: when a message arrived in its mailbox (RFC 3501, 2.3.3).
//!
//! Read in the forms that c-client reads, in any letter case: an optional `Www, `, then `mm/dd/yy[yy]`, `yyyy-mm-dd` or
//! `yyyymmdd` alone, or `dd-mmm-yy[yy]` (also with spaces or a full month name) with an optional ` hh:mm[:ss]` and an
//! optional zone ` +hhmm`, ` ZZZ` or `-ZZZ`. A missing or unknown zone follows the local rules of that very date.
//! Years are 1970 to 2097. Day and month are checked apart: 31 February is 3 March.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A moment with the zone in which it was written down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InternalDate {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub seconds: i64,
    /// Offset of local time from UTC, in minutes; east is positive.
    pub offset: i16,
}

/// A date taken apart, as its zone's clocks show it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DateFields {
    /// Year, 1969 to 9999.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
    /// `Sun` to `Sat`.
    pub weekday: &'static str,
    /// `Jan` to `Dec`.
    pub month_name: &'static str,
}

impl InternalDate {
    /// The start of 1970 in UTC: what a date that cannot be read counts as.
    pub const EPOCH: Self = Self {
        seconds: 0,
        offset: 0,
    };

    /// Reads a date in any of the accepted forms; `local` gives the offset where `text` names no known zone.
    pub fn parse(text: &[u8], local: &TimeZone) -> Option<Self> {
        let mut input = Input(text.trim_ascii_start());
        input.skip_weekday();
        let (day, may_go_on) = input.day()?;
        if may_go_on && !input.0.is_empty() {
            let time = input.time()?;
            let zone = input.zone()?;
            return build(day, time, zone, local);
        }
        let rest_is_empty = input.0.is_empty();
        rest_is_empty.then(|| build(day, (0, 0, 0), Zone::Local, local))?
    }

    /// The moment `seconds` as clocks in `zone` show it.
    pub fn in_zone(seconds: i64, zone: &TimeZone) -> Self {
        let offset = jiff::Timestamp::from_second(seconds)
            .map_or(0, |moment| zone.to_offset(moment).seconds() / 60);
        Self {
            seconds,
            offset: i16::try_from(offset).unwrap_or(0),
        }
    }

    /// The date as its zone's clocks show it; moments outside 1969 to 9999 are shown as the nearest one inside.
    pub fn fields(&self) -> DateFields {
        let local = self.seconds.clamp(-DAY, LAST_SECOND) + i64::from(self.offset) * 60;
        let days = local.div_euclid(DAY);
        let rest = local.rem_euclid(DAY);
        let (year, month, day) = civil_from_days(days);
        DateFields {
            year,
            month,
            day,
            hour: (rest / 3600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
            weekday: WEEKDAYS[(days + 4).rem_euclid(7) as usize],
            month_name: MONTHS
                .get(usize::from(month) - 1)
                .map_or("Jan", |name| &name[..3]),
        }
    }

    /// The offset as `+hhmm`.
    pub fn zone(&self) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.unsigned_abs();
        format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
    }

    /// The nearest date that mailbox files can hold: every program reads the years 1970 to 2097, as clocks show them.
    #[must_use]
    pub fn storable(&self) -> Self {
        let shift = i64::from(self.offset) * 60;
        let shown = self.seconds.saturating_add(shift).clamp(0, LAST_STORABLE);
        Self {
            seconds: shown - shift,
            offset: self.offset,
        }
    }

    /// The fixed form of 26 bytes, day padded with a space: ` 2-Mar-2026 10:20:31 +0100`.
    pub fn to_fixed(&self) -> String {
        let at = self.fields();
        format!("{:>2}-{}", at.day, self.after_day(&at))
    }

    /// The same with a zero: `02-Mar-2026 10:20:31 +0100`.
    pub fn to_zero_padded(&self) -> String {
        let at = self.fields();
        format!("{:02}-{}", at.day, self.after_day(&at))
    }

    /// As RFC 3339 has it: `2026-03-02T10:20:31+01:00`.
    pub fn to_rfc3339(&self) -> String {
        let at = self.fields();
        let zone = self.zone();
        let (hours, minutes) = zone.split_at(3);
        let (year, month, day) = (at.year, at.month, at.day);
        let (hour, minute, second) = (at.hour, at.minute, at.second);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{hours}:{minutes}")
    }

    /// As mix has it: `20260302102031+0100`.
    pub fn to_compact(&self) -> String {
        let (at, zone) = (self.fields(), self.zone());
        let (year, month, day) = (at.year, at.month, at.day);
        let (hour, minute, second) = (at.hour, at.minute, at.second);
        format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}{zone}")
    }

    /// Reads what [`to_compact`](Self::to_compact) writes.
    pub fn from_compact(text: &[u8]) -> Option<Self> {
        let (digits, zone) = text.split_at_checked(14)?;
        let (&sign, offset) = zone.split_first()?;
        let valid = digits.iter().all(u8::is_ascii_digit) && matches!(sign, b'+' | b'-');
        let part = |from: usize, to: usize| digits.get(from..to).map(decimal);
        let day = checked_day(part(0, 4)?, part(4, 6)?, part(6, 8)?)?;
        let time = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
        let valid = valid && time.0 <= 23 && time.1 <= 59 && time.2 <= 60;
        let zone = numeric_zone(sign, offset).filter(|_| valid)?;
        build(day, time, zone, &TimeZone::UTC)
    }

    fn after_day(&self, at: &DateFields) -> String {
        let (name, year, zone) = (at.month_name, at.year, self.zone());
        let (hour, minute, second) = (at.hour, at.minute, at.second);
        format!("{name}-{year:04} {hour:02}:{minute:02}:{second:02} {zone}")
    }
}

const DAY: i64 = 86_400;
/// One day before the end of 9999, so that no offset leaves the four digits.
const LAST_SECOND: i64 = 253_402_214_400;
/// 31-Dec-2097 23:59:59: years have seven bits in c-client.
const LAST_STORABLE: i64 = 4_039_372_799;
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Zone names with their offset in minutes. Those after `YST` c-client does not know; they name one offset all the same.
const ZONES: [(&str, i16); 41] = [
    ("UT", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("MET", 60),
    ("EET", 120),
    ("JST", 540),
    ("ADT", -180),
    ("AST", -240),
    ("EDT", -240),
    ("EST", -300),
    ("CDT", -300),
    ("CST", -360),
    ("MDT", -360),
    ("MST", -420),
    ("PDT", -420),
    ("PST", -480),
    ("YDT", -480),
    ("HST", -600),
    ("YST", -540),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("MEZ", 60),
    ("CEST", 120),
    ("MEST", 120),
    ("MESZ", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("MSD", 240),
    ("PKT", 300),
    ("SGT", 480),
    ("HKT", 480),
    ("AWST", 480),
    ("KST", 540),
    ("AEST", 600),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
    ("AKST", -540),
    ("AKDT", -480),
];

enum Zone {
    Minutes(i16),
    Local,
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn skip_weekday(&mut self) {
        if let [a, b, c, b',', b' ', rest @ ..] = self.0
            && [a, b, c].iter().all(|byte| byte.is_ascii_alphabetic())
        {
            self.0 = rest.trim_ascii_start();
        }
    }

    /// The day as year, month, day; and whether a time may follow its form.
    fn day(&mut self) -> Option<((i64, u8, u8), bool)> {
        let (first, digits) = self.number(8)?;
        if digits == 8 {
            let (month, day) = (first / 100 % 100, first % 100);
            return Some((checked_day(first / 10_000, month, day)?, false));
        }
        let separator = self.byte()?;
        if separator == b'/' {
            let day = self.number(2)?.0;
            self.exactly(b'/')?;
            let year = self.year()?;
            return Some((checked_day(year, first, day)?, false));
        }
        if separator == b'-' && digits == 4 {
            let month = self.number(2)?.0;
            self.exactly(b'-')?;
            let day = self.number(2)?.0;
            return Some((checked_day(first, month, day)?, false));
        }
        if !matches!(separator, b'-' | b' ') || digits > 2 {
            return None;
        }
        let month = self.month()?;
        self.exactly(separator)?;
        let year = self.year()?;
        Some((checked_day(year, month, first)?, true))
    }

    fn month(&mut self) -> Option<i64> {
        let word = self.word();
        let place = MONTHS.iter().position(|name| {
            let short = name.get(..3).unwrap_or(name);
            word.eq_ignore_ascii_case(short.as_bytes())
                || word.eq_ignore_ascii_case(name.as_bytes())
        })?;
        Some(place as i64 + 1)
    }

    fn year(&mut self) -> Option<i64> {
        let (year, _) = self.number(4)?;
        Some(match year {
            0..=48 => 2000 + year,
            49..=998 => 1900 + year,
            full => full,
        })
    }

    /// ` hh:mm[:ss]`, where there is one.
    fn time(&mut self) -> Option<(i64, i64, i64)> {
        let spaced = self.0.trim_ascii_start();
        if !spaced.first().is_some_and(u8::is_ascii_digit) {
            return Some((0, 0, 0));
        }
        self.exactly(b' ')?;
        self.0 = spaced;
        let hour = self.number(2)?.0;
        self.exactly(b':')?;
        let minute = self.number(2)?.0;
        let mut second = 0;
        if self.0.first() == Some(&b':') {
            self.0 = &self.0[1..];
            second = self.number(2)?.0;
        }
        (hour <= 23 && minute <= 59 && second <= 60).then_some((hour, minute, second))
    }

    fn zone(&mut self) -> Option<Zone> {
        match self.0 {
            [] => Some(Zone::Local),
            [b' ', sign @ (b'+' | b'-'), digits @ ..] => numeric_zone(*sign, digits),
            [b' ' | b'-', name @ ..]
                if !name.is_empty() && name.iter().all(u8::is_ascii_alphabetic) =>
            {
                Some(named_zone(name))
            }
            _ => None,
        }
    }

    /// A number of at most `most` digits, with how many it has.
    fn number(&mut self, most: usize) -> Option<(i64, usize)> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        if digits == 0 || digits > most {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        Some((decimal(number), digits))
    }

    fn word(&mut self) -> &[u8] {
        let letters = self.0.iter().take_while(|byte| byte.is_ascii_alphabetic());
        let (word, rest) = self.0.split_at(letters.count());
        self.0 = rest;
        word
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn exactly(&mut self, expected: u8) -> Option<()> {
        (self.byte()? == expected).then_some(())
    }
}

fn decimal(digits: &[u8]) -> i64 {
    let step = |number: i64, digit: &u8| number * 10 + i64::from(digit & 0x0f);
    digits.iter().fold(0, step)
}

fn checked_day(year: i64, month: i64, day: i64) -> Option<(i64, u8, u8)> {
    let valid =
        (1970..=2097).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    valid.then_some((year, month as u8, day as u8))
}

fn numeric_zone(sign: u8, digits: &[u8]) -> Option<Zone> {
    if digits.len() != 4 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = decimal(digits);
    let (hours, minutes) = (number / 100, number % 100);
    let total = i16::try_from(hours * 60 + minutes).ok()?;
    let valid = hours <= 23 && minutes <= 59;
    valid.then_some(Zone::Minutes(if sign == b'-' { -total } else { total }))
}

fn named_zone(name: &[u8]) -> Zone {
    if let &[letter] = name {
        return military_zone(letter.to_ascii_uppercase());
    }
    let known = ZONES
        .iter()
        .find(|entry| entry.0.as_bytes().eq_ignore_ascii_case(name));
    known.map_or(Zone::Local, |entry| Zone::Minutes(entry.1))
}

fn military_zone(letter: u8) -> Zone {
    let hours = match letter {
        b'A'..=b'I' => i16::from(letter - b'A') + 1,
        b'K'..=b'M' => i16::from(letter - b'K') + 10,
        b'N'..=b'Y' => -i16::from(letter - b'N') - 1,
        b'Z' => 0,
        _ => return Zone::Local,
    };
    Zone::Minutes(hours * 60)
}

fn build(
    (year, month, day): (i64, u8, u8),
    (hour, minute, second): (i64, i64, i64),
    zone: Zone,
    local: &TimeZone,
) -> Option<InternalDate> {
    let days = days_from_civil(year, month) + i64::from(day) - 1;
    let shown = days * DAY + hour * 3600 + minute * 60 + second;
    let offset = match zone {
        Zone::Minutes(minutes) => minutes,
        Zone::Local => local_offset(shown, local),
    };
    Some(InternalDate {
        seconds: shown - i64::from(offset) * 60,
        offset,
    })
}

/// The offset in force when local clocks show `shown`, in minutes.
fn local_offset(shown: i64, local: &TimeZone) -> i16 {
    let clock: Option<DateTime> = jiff::Timestamp::from_second(shown)
        .ok()
        .map(|moment| TimeZone::UTC.to_datetime(moment));
    let moment = clock.and_then(|clock| local.to_timestamp(clock).ok());
    let offset = moment.map_or(0, |moment| local.to_offset(moment).seconds() / 60);
    i16::try_from(offset).unwrap_or(0)
}

/// Days from 1970-01-01 to the first of a month of the Gregorian calendar.
fn days_from_civil(year: i64, month: u8) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month as u8, day as u8)
}

#[cfg(test)]
mod tests;
