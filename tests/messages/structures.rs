//! Body structures with exact sizes, and the parts that sections name.

use mugo::mail::structure::{BodyStructure, Content, Section};
use mugo::mail::text::Foreign;
use mugo::mime::header::envelope;
use mugo::mime::structure::{body_structure, section};

use crate::{fixture, message};

/// A structure in the manner of IMAP, short: types, parameters, size and lines.
fn short(body: &BodyStructure) -> String {
    let parameters: Vec<String> = body
        .parameters
        .iter()
        .map(|(name, value)| format!(" {}={}", name.raw(), value.raw()))
        .collect();
    let own = format!(
        "{}/{}{} {} {}{}",
        body.media_type.raw(),
        body.subtype.raw(),
        parameters.concat(),
        body.encoding.raw(),
        body.size,
        body.lines
            .map(|lines| format!(" {lines}"))
            .unwrap_or_default(),
    );
    match &body.content {
        Content::Leaf => format!("({own})"),
        Content::Multipart(parts) => {
            let parts: Vec<String> = parts.iter().map(short).collect();
            format!("[{} {}]", body.subtype.raw(), parts.join(" "))
        }
        Content::Message(envelope, inner) => {
            let subject = envelope.subject.as_ref().map_or("-", Foreign::raw);
            format!("({own} {subject} {})", short(inner))
        }
    }
}

fn part(bytes: &[u8], name: &str) -> Option<String> {
    let section_name = Section::parse(name)?;
    section(bytes, &section_name).map(|content| String::from_utf8_lossy(&content).into_owned())
}

#[test]
fn a_plain_message_has_one_part() {
    let first = fixture("messages/m1.eml");
    let text = "Hello Bob.\r\nFrom here it is quoted.\r\n>From there it was already quoted.\r\nLast line.\r\n";
    assert_eq!(
        short(&body_structure(&first)),
        format!("(TEXT/PLAIN CHARSET=US-ASCII 7BIT {} 4)", text.len())
    );
    assert_eq!(part(&first, "1").as_deref(), Some(text));
    assert_eq!(part(&first, "2"), None);
    assert_eq!(part(&first, "1.1"), None);
    let second = fixture("messages/m2.eml");
    assert_eq!(
        short(&body_structure(&second)),
        "(TEXT/PLAIN CHARSET=UTF-8 8BIT 28 3)"
    );
    assert_eq!(section(&second, &Section::default()), Some(second));
}

#[test]
fn parts_have_exact_sizes() {
    let bytes = fixture("messages-odd/slides.eml");
    let structure = body_structure(&bytes);
    assert_eq!(
        short(&structure),
        "[MIXED (TEXT/PLAIN CHARSET=us-ascii 7BIT 140 8) \
         (APPLICATION/PDF NAME=slides.pdf BASE64 7524) (IMAGE/PNG NAME=venue.png BASE64 102) \
         (TEXT/PLAIN CHARSET=utf-8 NAME=minutes.txt 7BIT 23 4)]"
    );
    assert_eq!(
        part(&bytes, "4").as_deref(),
        Some("one\r\ntwo\r\nthree\r\nfour\r\n")
    );
    let pdf = section(&bytes, &Section(vec![2])).expect("part 2");
    assert!(pdf.starts_with(b"%PDF-1.4\n") && pdf.len() == 5499);
    assert_eq!(part(&bytes, "5"), None);
    assert_eq!(part(&bytes, "0"), None);
}

#[test]
fn enclosed_messages_have_envelope_and_body() {
    let bytes = fixture("messages-odd/enclosed.eml");
    let structure = short(&body_structure(&bytes));
    assert!(
        structure.contains("(MESSAGE/RFC822 7BIT 308 16 inside [MIXED (TEXT/PLAIN"),
        "{structure}"
    );
    assert_eq!(part(&bytes, "2.1").as_deref(), Some("inner text"));
    assert_eq!(part(&bytes, "2.2").as_deref(), Some("data"));
    assert!(part(&bytes, "2").is_some_and(|text| text.starts_with("Date: Thu, 19 Nov 2026")));
    let single = message("Content-Type: message/rfc822\n\nSubject: in\n\ntext\n");
    assert_eq!(part(&single, "1.1").as_deref(), Some("text\r\n"));
}

#[test]
fn odd_multiparts() {
    let table = [
        ("no header at all", "(TEXT/PLAIN CHARSET=US-ASCII 7BIT 0 0)"),
        ("\nbody\nmore", "(TEXT/PLAIN CHARSET=US-ASCII 7BIT 10 1)"),
        (
            "Content-Type: text\n\n",
            "(TEXT/PLAIN CHARSET=US-ASCII 7BIT 0 0)",
        ),
        ("Content-Type: image; x=y\n\n", "(IMAGE/UNKNOWN X=y 7BIT 0)"),
        (
            "Content-Type: multipart/mixed; boundary=b\n\nnothing",
            "[MIXED (TEXT/PLAIN CHARSET=US-ASCII 7BIT 0 0)]",
        ),
        (
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b  \n\ntwo",
            "[MIXED (TEXT/PLAIN CHARSET=US-ASCII 7BIT 3 0) (TEXT/PLAIN CHARSET=US-ASCII 7BIT 3 0)]",
        ),
        (
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\nX: y\n--b--\n--b\n\nno",
            "[MIXED (TEXT/PLAIN CHARSET=US-ASCII 7BIT 0 0) (TEXT/PLAIN CHARSET=US-ASCII 7BIT 0 0)]",
        ),
        (
            "Content-Type: multipart/mixed; boundary=b\n\n--bb\n--b\n\n--b-\n--bx--\nt\n--b--",
            "[MIXED (TEXT/PLAIN CHARSET=US-ASCII 7BIT 15 2)]",
        ),
        (
            "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: s\n\nt\n--b--",
            "[DIGEST (MESSAGE/RFC822 7BIT 15 2 s (TEXT/PLAIN CHARSET=US-ASCII 7BIT 1 0))]",
        ),
        (
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeA==",
            "(MESSAGE/RFC822 BASE64 16)",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(short(&body_structure(&message(text))), expected, "{text}");
    }
}

#[test]
fn an_outer_boundary_ends_inner_parts() {
    let nested = "Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/mixed; boundary=in\n\n\
                  --in\n\nfirst\n--out\n\nsecond\n--in\n\n--out--\n";
    let structure = short(&body_structure(&message(nested)));
    let text = |size: u32, lines: u32| format!("(TEXT/PLAIN CHARSET=US-ASCII 7BIT {size} {lines})");
    assert_eq!(
        structure,
        format!("[MIXED [MIXED {}] {}]", text(5, 0), text(14, 2))
    );
    let twins = nested.replace("=in", "=out").replace("--in", "--out");
    let structure = short(&body_structure(&message(&twins)));
    assert!(
        structure.starts_with("[MIXED [MIXED (TEXT/PLAIN CHARSET=US-ASCII 7BIT 0 0)] "),
        "{structure}"
    );
}

#[test]
fn envelopes_are_decoded() {
    let envelope = envelope(&fixture("messages/m2.eml"));
    let from = envelope.from.first().expect("a sender");
    assert_eq!(from.name.as_ref().map(Foreign::raw), Some("Zo\u{eb}"));
    assert_eq!(
        from.spec().as_ref().map(Foreign::raw),
        Some("zoe@example.org")
    );
    assert_eq!(
        envelope.sent.map(|date| (date.seconds, date.offset)),
        Some((1_772_589_723, -300))
    );
    assert_eq!(
        envelope.message_id.as_ref().map(Foreign::raw),
        Some("<m2@example.org>")
    );
    assert_eq!(
        envelope.date.as_ref().map(Foreign::raw),
        Some("Tue, 3 Mar 2026 21:02:03 -0500")
    );
    assert!(envelope.in_reply_to.is_none() && envelope.cc.is_empty());
}
