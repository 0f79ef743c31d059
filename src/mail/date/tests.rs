use jiff::tz::TimeZone;

use super::InternalDate;

fn fixed(text: &str) -> Option<String> {
    let date = InternalDate::parse(text.as_bytes(), &TimeZone::UTC);
    date.map(|date| date.to_fixed())
}

#[test]
fn every_accepted_form_is_read() {
    for (text, expected) in [
        (" 2-Mar-2026 10:20:31 +0100", " 2-Mar-2026 10:20:31 +0100"),
        ("Mon, 2 Mar 2026 10:20 -0500", " 2-Mar-2026 10:20:00 -0500"),
        ("02-MARCH-26 5:00 pst", " 2-Mar-2026 05:00:00 -0800"),
        ("2-Mar-70", " 2-Mar-1970 00:00:00 +0000"),
        ("3/2/98", " 2-Mar-1998 00:00:00 +0000"),
        ("2026-03-02", " 2-Mar-2026 00:00:00 +0000"),
        ("20260302", " 2-Mar-2026 00:00:00 +0000"),
        ("2-Mar-2026 10:20:31-EST", " 2-Mar-2026 10:20:31 -0500"),
        ("2-Mar-2026 10:20:31 K", " 2-Mar-2026 10:20:31 +1000"),
        ("2-Mar-2026 10:20:31 cest", " 2-Mar-2026 10:20:31 +0200"),
        ("31-Feb-2026 23:59:60 Z", " 4-Mar-2026 00:00:00 +0000"),
        ("31-Dec-97 00:00 +0000", "31-Dec-1997 00:00:00 +0000"),
    ] {
        assert_eq!(fixed(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn everything_else_is_refused() {
    for text in [
        "",
        "2",
        "2-",
        "2-Mar",
        "2-Mar-",
        "0-Mar-2026",
        "32-Mar-2026",
        "2-Mer-2026",
        "2-Mar-1969",
        "2-Mar-2098",
        "2-Mar-2026 24:00",
        "2-Mar-2026 10:60",
        "2-Mar-2026 10:20:61",
        "2-Mar-2026 10:20 +1",
        "2-Mar-2026 10:20 +05:30",
        "2026-03-02 10:20",
        "20260302 10:20",
        "3/2/98 10:20",
        "13/2/98",
        "2 Mar-2026",
        "2-Mar-2026 10:20:31 +0100 x",
        "99999999999999999999-Mar-2026",
    ] {
        assert_eq!(fixed(text), None, "{text}");
    }
}

#[test]
fn an_unknown_zone_follows_the_local_rules_of_that_date() {
    let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a valid rule");
    for (text, expected) in [
        ("2-Jan-2026 12:00", " 2-Jan-2026 12:00:00 +0100"),
        ("2-Jul-2026 12:00 QQQ", " 2-Jul-2026 12:00:00 +0200"),
    ] {
        let date = InternalDate::parse(text.as_bytes(), &berlin).expect("valid");
        assert_eq!(date.to_fixed(), expected);
    }
    let noon = InternalDate::in_zone(1_767_614_400, &berlin);
    assert_eq!(noon.to_rfc3339(), "2026-01-05T13:00:00+01:00");
}

#[test]
fn written_forms_are_fixed() {
    let date = InternalDate {
        seconds: 1_767_607_200,
        offset: -90,
    };
    assert_eq!(date.to_rfc3339(), "2026-01-05T08:30:00-01:30");
    assert_eq!(date.to_zero_padded(), "05-Jan-2026 08:30:00 -0130");
    assert_eq!(date.fields().weekday, "Mon");
    for seconds in [i64::MIN, -1, i64::MAX] {
        let extreme = InternalDate { seconds, offset: 0 };
        assert_eq!(extreme.to_fixed().len(), 26);
    }
}

#[test]
fn every_day_comes_back() {
    for day in (0..46_000).step_by(13) {
        let date = InternalDate {
            seconds: day * 86_400 + 3_723,
            offset: 330,
        };
        let again = InternalDate::parse(date.to_fixed().as_bytes(), &TimeZone::UTC);
        assert_eq!(again, Some(date));
    }
}

#[test]
fn what_mailbox_files_cannot_hold_becomes_the_nearest_date_that_they_can() {
    for (seconds, offset, expected) in [
        (i64::MIN, 0, " 1-Jan-1970 00:00:00 +0000"),
        (3_600, -120, " 1-Jan-1970 00:00:00 -0200"),
        (i64::from(u32::MAX), 0, "31-Dec-2097 23:59:59 +0000"),
        (4_039_372_800 - 60, 60, "31-Dec-2097 23:59:59 +0100"),
        (4_039_372_799, 0, "31-Dec-2097 23:59:59 +0000"),
        (i64::MAX, -720, "31-Dec-2097 23:59:59 -1200"),
    ] {
        let date = InternalDate { seconds, offset }.storable();
        assert_eq!(date.to_fixed(), expected, "{seconds}");
        let again = InternalDate::parse(expected.as_bytes(), &TimeZone::UTC);
        assert_eq!(again, Some(date), "{seconds}");
    }
}
