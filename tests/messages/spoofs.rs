//! Senders that pose as others (Mailsploit): what is shown is what is used, and the reader is warned.

use mugo::mail::text::Foreign;
use mugo::mime::document_builder::{ViewOptions, document};
use mugo::mime::header::envelope;
use mugo::present::message_text::{HeaderMode, TextOptions, text_lines};

use crate::message;

const VIEW: ViewOptions = ViewOptions {
    width: 80,
    prefer_html: false,
};

/// From fields, the address that a reply would go to, and whether a warning is due.
const FORMS: [(&str, &str, bool); 16] = [
    ("Ada Fern <ada@home.test>", "ada@home.test", false),
    ("ada@home.test <ada@home.test>", "ada@home.test", false),
    ("\"boss@corp.example\" <x@evil.test>", "x@evil.test", true),
    ("boss@corp.example <x@evil.test>", "x@evil.test", true),
    (
        "=?utf-8?Q?boss=40corp.example?= <x@evil.test>",
        "x@evil.test",
        true,
    ),
    (
        "=?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?= <x@evil.test>",
        "x@evil.test",
        true,
    ),
    (
        "=?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?=@evil.test",
        "=?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?=@evil.test",
        true,
    ),
    (
        "=?utf-8?Q?=42=45=47=49=4E=00=0A?= <x@evil.test>",
        "x@evil.test",
        true,
    ),
    (
        "=?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3YA?==?utf-8?Q?=0A?= <x@evil.test>",
        "x@evil.test",
        true,
    ),
    (
        "=?utf-8?Q?=3Cboss=40corp.example=3E?= <x@evil.test>",
        "x@evil.test",
        true,
    ),
    (
        "\"boss@corp.example\" (comment) <x@evil.test>",
        "x@evil.test",
        true,
    ),
    ("(boss@corp.example) x@evil.test", "x@evil.test", true),
    (
        "\"boss\u{ff20}corp.example\" <x@evil.test>",
        "x@evil.test",
        true,
    ),
    (
        "<boss@corp.example@evil.test>",
        "boss@corp.example@evil.test",
        true,
    ),
    ("boss@corp.example\0 <x@evil.test>", "x@evil.test", true),
    ("\"x\\\"@\\\"\" <x@evil.test>", "x@evil.test", true),
];

#[test]
fn the_address_in_use_is_visible_and_poses_are_named() {
    for (from, address, warned) in FORMS {
        let bytes = message(&format!("From: {from}\nSubject: s\n\ntext\n"));
        let envelope = envelope(&bytes);
        let reply = envelope.reply_to().first().and_then(|reply| reply.spec());
        assert_eq!(reply.as_ref().map(Foreign::raw), Some(address), "{from}");
        let document = document(&bytes, &VIEW);
        assert_eq!(
            !document.warnings.is_empty(),
            warned,
            "{from}: {:?}",
            document.warnings
        );
        let options = TextOptions {
            width: 200,
            headers: HeaderMode::normal(),
            ascii: false,
        };
        let lines: Vec<String> = text_lines(&document, &options)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(!lines.concat().contains(char::is_control), "{from}");
        assert!(lines[1].starts_with("Subject: s"), "{from}: {lines:?}");
    }
}

#[test]
fn several_from_fields_and_types_are_named() {
    let bytes = message(
        "From: a@b\nFrom: c@d\nContent-Type: text/plain\nContent-Type: text/html\n\n<b>x</b>\n",
    );
    let document = document(&bytes, &VIEW);
    assert_eq!(document.warnings.len(), 2, "{:?}", document.warnings);
    assert_eq!(document.body[0].text.raw(), "<b>x</b>");
}
