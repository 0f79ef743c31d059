//! Messages, attachment lists and index lines as they look, at 40, 80 and 100 columns.

use jiff::tz::TimeZone;
use mugo::mail::date::InternalDate;
use mugo::mail::flags::{Flags, Keyword, SystemFlags};
use mugo::mail::summary::Summary;
use mugo::mail::uid::{MsgNo, Uid};
use mugo::mime::document_builder::{ViewOptions, document};
use mugo::mime::header::envelope;
use mugo::present::attachments::attachment_lines;
use mugo::present::index_line::{
    Column, IndexContext, IndexRow, index_cells, index_line, number_width,
};
use mugo::present::message_text::{
    HeaderMode, TextOptions, TextRole, links, message_rows, text_lines,
};

use crate::{fixture, message};

fn screen(name: &str, width: u16, prefer_html: bool) -> String {
    let document = document(&fixture(name), &ViewOptions { width, prefer_html });
    let options = TextOptions {
        width: usize::from(width),
        headers: HeaderMode::normal(),
        ascii: false,
    };
    let lines = text_lines(&document, &options);
    lines.iter().map(|line| format!("|{line}\n")).collect()
}

#[test]
fn a_message_with_attachments_looks_like_pines() {
    insta::assert_snapshot!(screen("messages-odd/slides.eml", 80, false));
}

#[test]
fn attachments_look_like_pines() {
    let document = document(
        &fixture("messages-odd/slides.eml"),
        &ViewOptions {
            width: 80,
            prefer_html: false,
        },
    );
    let lines: Vec<String> = attachment_lines(&document, 80)
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        "   1      8 lines   Text/PLAIN",
        "   2    5.5 KB      Application/PDF (Name: \"slides.pdf\")",
        "   3     73 bytes   Image/PNG (Name: \"venue.png\")",
        "   4      4 lines   Text/PLAIN (Name: \"minutes.txt\"), \"minutes of October\"",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn flowed_text_fits_every_width() {
    insta::assert_snapshot!(
        "flowed_40",
        screen("messages-odd/alternative.eml", 40, false)
    );
    insta::assert_snapshot!(
        "flowed_100",
        screen("messages-odd/alternative.eml", 100, false)
    );
}

#[test]
fn html_shows_where_links_lead() {
    insta::assert_snapshot!("html_80", screen("messages-odd/alternative.eml", 80, true));
}

#[test]
fn enclosed_messages_show_their_header() {
    insta::assert_snapshot!(
        "enclosed_80",
        screen("messages-odd/enclosed.eml", 80, false)
    );
}

#[test]
fn hostile_text_is_made_harmless() {
    insta::assert_snapshot!("hostile_80", screen("messages-odd/hostile.eml", 80, false));
}

#[test]
fn header_modes() {
    let document = document(
        &fixture("messages/m2.eml"),
        &ViewOptions {
            width: 80,
            prefer_html: false,
        },
    );
    let mut options = TextOptions {
        width: 80,
        headers: HeaderMode::Full,
        ascii: true,
    };
    let full = text_lines(&document, &options);
    assert_eq!(full[1].as_str(), "From: Zoe <zoe@example.org>");
    options.headers = HeaderMode::Raw;
    let raw = text_lines(&document, &options);
    assert_eq!(
        raw[1].as_str(),
        "From: =?UTF-8?Q?Zo=C3=AB?= <zoe@example.org>"
    );
    assert_eq!(raw.len(), full.len());
    assert_eq!(raw.last().map(|line| line.as_str()), Some("Zoe"));
}

#[test]
fn rows_know_their_links_and_quotes() {
    let bytes = message("Subject: s\n\nsee https://a.test/x and\n> said <https://b.test> once\n");
    let document = document(
        &bytes,
        &ViewOptions {
            width: 80,
            prefer_html: false,
        },
    );
    let options = TextOptions {
        width: 80,
        headers: HeaderMode::normal(),
        ascii: false,
    };
    let targets: Vec<&str> = links(&document).iter().map(|link| link.raw()).collect();
    assert_eq!(targets, ["https://a.test/x", "https://b.test"]);
    let rows = message_rows(&document, &options);
    let spans = |row: usize| -> Vec<(String, TextRole)> {
        rows[row]
            .spans
            .iter()
            .map(|span| (span.text.to_string(), span.role))
            .collect()
    };
    let (body, quote) = (TextRole::Body, TextRole::Quote(1));
    let span = |text: &str, role| (text.to_owned(), role);
    assert_eq!(
        spans(3),
        [
            span("see ", body),
            span("https://a.test/x", TextRole::Link(0)),
            span(" and", body)
        ]
    );
    assert_eq!(
        spans(4),
        [
            span("> ", quote),
            span("said <", quote),
            span("https://b.test", TextRole::Link(1)),
            span("> once", quote)
        ]
    );
}

const NOW: i64 = 1_795_359_600; // Sunday, 22 November 2026, 15:00 UTC

fn line(number: u32, flags: Flags, size: u64, header: &str, width: usize) -> String {
    let summary = Summary {
        uid: Uid::FIRST,
        flags,
        internal_date: InternalDate {
            seconds: NOW,
            offset: 0,
        },
        rfc822_size: size,
    };
    let envelope = envelope(&message(header));
    let row = IndexRow {
        msgno: MsgNo::new(number).expect("not 0"),
        summary: &summary,
        envelope: Some(&envelope),
        selected: false,
    };
    let me = ["ada@home.test".to_owned()];
    let context = IndexContext {
        now: NOW,
        zone: &TimeZone::UTC,
        me: &me,
        width,
        number_width: number_width(11),
    };
    let line = index_line(row, context);
    assert_eq!(line.width(), width, "{line}");
    let cells = index_cells(row, context);
    assert_eq!(
        cells.iter().map(|cell| cell.text.width()).sum::<usize>(),
        width
    );
    assert!(
        cells
            .iter()
            .all(|cell| cell.column != Column::From || cell.text.width() > 0)
    );
    line.as_str().trim_end().to_owned()
}

/// The messages of the index in pine-workflow.md, 13.3.
fn index(width: usize) -> String {
    let seen = || Flags::system(SystemFlags::SEEN);
    let to_me = "To: ada@home.test\n";
    let table = [
        (
            1,
            seen(),
            416,
            "Wed, 6 May 2026 10:00:00 +0000",
            "Boris Lind <boris@club.test>",
            to_me,
            "Allotment rota for spring",
        ),
        (
            2,
            seen(),
            408,
            "Thu, 7 May 2026 10:00:00 +0000",
            "Chen Wu <chen@club.test>",
            to_me,
            "Re: Allotment rota for spring",
        ),
        (
            3,
            Flags::system(SystemFlags::SEEN | SystemFlags::ANSWERED),
            323,
            "Fri, 8 May 2026 10:00:00 +0000",
            "ADA@home.test",
            "To: Boris Lind <boris@club.test>\n",
            "Re: Allotment rota for spring",
        ),
        (
            4,
            Flags::system(SystemFlags::SEEN | SystemFlags::FLAGGED),
            272,
            "Wed, 23 Sep 2026 10:00:00 +0000",
            "Dana Ortiz <dana@press.test>",
            to_me,
            "Invoice 2023-114",
        ),
        (
            5,
            Flags::default(),
            8200,
            "Thu, 19 Nov 2026 12:13:48 +0000",
            "Dana Ortiz <dana@press.test>",
            to_me,
            "Slides and venue for the reading",
        ),
        (
            6,
            Flags::default(),
            338,
            "Fri, 20 Nov 2026 10:00:00 +0000",
            "Emeka Obi <e@x.test>",
            to_me,
            "=?utf-8?q?Caf=C3=A9_meeting_=E2=80=94_=E6=97=A5=E6=9C=AC_trip?=",
        ),
        (
            10,
            Flags::default(),
            364,
            "Sun, 22 Nov 2026 13:13:00 +0000",
            "Chen Wu <chen@club.test>",
            "To: b@c\nCc: ada@home.test\n",
            "Re: Water butt delivery",
        ),
        (
            11,
            Flags::new(
                SystemFlags::DELETED,
                vec![Keyword::new("work").expect("valid")],
            ),
            12_000_000,
            "Sat, 27 Dec 2025 13:13:00 +0000",
            "someone@with.a.very.long.name.test",
            "",
            "\u{1b}[31mpainted, and a subject that goes on and on until no column can hold it",
        ),
    ];
    let shown = table.map(|(number, flags, size, date, from, to, subject)| {
        let header = format!("Date: {date}\nFrom: {from}\n{to}Subject: {subject}\n");
        line(number, flags, size, &header, width)
    });
    shown.join("\n")
}

#[test]
fn the_index_has_pines_columns() {
    let shown = index(100);
    let expected = [
        "+     1 May  6    Boris Lind                (416) Allotment rota for spring",
        "+     2 May  7    Chen Wu                   (408) Re: Allotment rota for spring",
        "  A   3 May  8    To: Boris Lind            (323) Re: Allotment rota for spring",
        "*     4 Sep 23    Dana Ortiz                (272) Invoice 2023-114",
        "+ N   5 Thursday  Dana Ortiz                 (8K) Slides and venue for the reading",
        "+ N   6 Friday    Emeka Obi                 (338) Caf\u{e9} meeting \u{2014} \u{65e5}\u{672c} trip",
        "- N  10 13:13     Chen Wu                   (364) Re: Water butt delivery",
    ];
    let shown: Vec<&str> = shown.lines().collect();
    assert_eq!(shown[..7], expected);
}

#[test]
fn the_index_fits_every_width() {
    insta::assert_snapshot!("index_100", index(100));
    insta::assert_snapshot!("index_80", index(80));
    insta::assert_snapshot!("index_40", index(40));
    insta::assert_snapshot!("index_20", index(20));
    for width in 1..20 {
        let _ = index(width);
    }
}

#[test]
fn an_index_line_without_envelope_is_blank_where_it_must() {
    let summary = Summary {
        uid: Uid::FIRST,
        flags: Flags::system(SystemFlags::SEEN),
        internal_date: InternalDate {
            seconds: NOW,
            offset: 0,
        },
        rfc822_size: 934,
    };
    let row = IndexRow {
        msgno: MsgNo::FIRST,
        summary: &summary,
        envelope: None,
        selected: true,
    };
    let context = IndexContext {
        now: NOW,
        zone: &TimeZone::UTC,
        me: &[],
        width: 80,
        number_width: 3,
    };
    let line = index_line(row, context);
    assert_eq!(
        line.as_str().split_whitespace().collect::<Vec<_>>(),
        ["X", "1", "(934)"]
    );
    assert_eq!(line.width(), 80);
}
