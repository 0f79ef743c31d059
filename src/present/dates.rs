//! Dates as the index shows them: the nearer, the more exact.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};

/// Half a year, beyond which a date of another year is shown with its year.
const HALF_A_YEAR: SignedDuration = SignedDuration::from_hours(24 * 183);

/// The date `seconds` (since 1970) as seen at `now` in `zone`, at most 9 columns:
/// `13:52` today, `Yesterday`, `Monday` two to six days ago, `Nov 15` before that and for dates to come,
/// `12/27/25` in another year and more than about six months away. Empty for moments beyond the calendar.
pub fn smart_date(seconds: i64, now: i64, zone: &TimeZone) -> String {
    let (Some(then), Some(today)) = (civil(seconds, zone), civil(now, zone)) else {
        return String::new();
    };
    let (day, today) = (then.date(), today.date());
    let distance = SignedDuration::from_secs(now.saturating_sub(seconds));
    if day.year() != today.year() && distance.abs() > HALF_A_YEAR {
        return then.strftime("%m/%d/%y").to_string();
    }
    match days_between(day, today) {
        Some(0) => then.strftime("%H:%M").to_string(),
        Some(1) => "Yesterday".to_owned(),
        Some(2..=6) => then.strftime("%A").to_string(),
        _ => then.strftime("%b %e").to_string(),
    }
}

fn civil(seconds: i64, zone: &TimeZone) -> Option<DateTime> {
    let moment = Timestamp::from_second(seconds).ok()?;
    Some(zone.to_datetime(moment))
}

fn days_between(day: Date, today: Date) -> Option<i32> {
    day.until((Unit::Day, today))
        .ok()
        .map(|span| span.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("a timestamp").as_second()
    }

    #[test]
    fn nearer_dates_are_more_exact() {
        let now = at("2026-11-22T21:30:00Z");
        let table = [
            ("2026-11-22T13:52:10Z", "13:52"),
            ("2026-11-21T23:59:59Z", "Yesterday"),
            ("2026-11-20T08:00:00Z", "Friday"),
            ("2026-11-16T08:00:00Z", "Monday"),
            ("2026-11-15T08:00:00Z", "Nov 15"),
            ("2026-05-06T08:00:00Z", "May  6"),
            ("2025-12-27T08:00:00Z", "12/27/25"),
            ("2026-11-23T08:00:00Z", "Nov 23"),
            ("2031-01-02T08:00:00Z", "01/02/31"),
        ];
        for (then, expected) in table {
            assert_eq!(
                smart_date(at(then), now, &TimeZone::UTC),
                expected,
                "{then}"
            );
        }
        assert_eq!(smart_date(i64::MAX, now, &TimeZone::UTC), "");
    }

    #[test]
    fn a_day_is_one_of_the_readers_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let now = at("2026-11-22T22:30:00Z");
        assert_eq!(
            smart_date(at("2026-11-22T21:00:00Z"), now, &zone),
            "Yesterday"
        );
    }

    #[test]
    fn last_years_autumn_needs_no_year_in_winter() {
        let now = at("2026-02-01T00:00:00Z");
        assert_eq!(
            smart_date(at("2025-10-05T00:00:00Z"), now, &TimeZone::UTC),
            "Oct  5"
        );
    }
}
