//! Large messages are read in outline: what is shown comes, what is to be saved comes when it is saved.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;

use crate::dovecot::{Dovecot, Format, dovecot};
use crate::home::Home;
use crate::proxy::Proxy;
use crate::script::Script;

/// Bytes that do not repeat.
fn noise(count: usize, mut seed: u64) -> Vec<u8> {
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as u8
    };
    (0..count).map(|_| next()).collect()
}

fn in_base64(bytes: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(bytes);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).expect("ASCII"))
        .collect();
    lines.join("\r\n") + "\r\n"
}

/// Two texts to choose from, a picture, a message with a picture of its own, a log to be saved, a report, an empty part.
fn letter() -> String {
    let picture = in_base64(&noise(700_000, 1));
    let inner = in_base64(&noise(400_000, 2));
    let log = "a line of a log = with signs\r\n".repeat(9000);
    format!(
        "From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: large\r\n\
         Content-Type: multipart/mixed; boundary=\"out er\"\r\nMIME-Version: 1.0\r\n\r\n\
         Before the parts.\r\n--out er\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n\
         --in\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         Caf=C3=A9 and a long=\r\n line.\r\n\r\n--in\r\nContent-Type: text/html\r\n\r\n<p>Caf&eacute; <b>bold</b>\r\n--in--\r\n\
         --out er\r\nContent-Type: image/png; name=\"a b.png\"\r\nContent-Disposition: attachment;\r\n filename*=utf-8''caf%C3%A9.png\r\n\
         Content-Transfer-Encoding: base64\r\nContent-Description: =?utf-8?q?a_caf=C3=A9?=\r\n\r\n{picture}\r\n--out er\r\n\
         Content-Type: message/rfc822\r\n\r\nFrom: carl@example.org\r\nSubject: =?utf-8?q?inn=C3=A9r?=\r\n\
         Content-Type: multipart/mixed; boundary=deep\r\n\r\n--deep\r\n\r\nInner text.\r\n--deep\r\n\
         Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n{inner}\r\n--deep--\r\n\r\n--out er\r\n\
         Content-Type: text/plain; name=log\r\nContent-Disposition: attachment\r\n\r\n{log}\r\n--out er\r\n\
         Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n--out er\r\n\r\n\r\n--out er--\r\nAfter them.\r\n"
    )
}

/// The same with one part alone, which is no text.
fn picture_alone() -> String {
    let picture = in_base64(&noise(500_000, 3));
    format!(
        "From: ann@example.org\r\nSubject: alone\r\nContent-Type: application/pdf; name=x.pdf\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{picture}"
    )
}

/// A message that is large because of its text.
fn text_alone() -> String {
    let text = "A line of a long text.\r\n".repeat(20_000);
    format!("From: ann@example.org\r\nSubject: text\r\n\r\n{text}")
}

struct World {
    home: Home,
    proxy: Proxy,
    there: String,
}

fn world(server: &Dovecot, format: Format) -> World {
    let user = server.user(format);
    let home = Home::new(&server.settings(&user));
    let proxy = Proxy::before(server.port, Duration::ZERO);
    let there = format!("{{localhost:{}/user={user}}}INBOX", proxy.port);
    for text in [letter(), picture_alone(), text_alone()] {
        for mailbox in ["here", &there] {
            let _made_before = home.run(&["create", mailbox]);
            let ran = home.feed(&["append", mailbox], text.as_bytes());
            assert_eq!(ran.code, 0, "{}", ran.err);
        }
    }
    World { home, proxy, there }
}

/// Sizes of parts that are not there are about what they are.
fn without_sizes(text: &str) -> String {
    let is_size = |word: &&str| {
        let number = word.trim_end_matches(['.', ']', ',']);
        number.parse::<f64>().is_err() && !matches!(number, "KB" | "MB" | "lines" | "bytes")
    };
    let words: Vec<&str> = text.split_whitespace().filter(is_size).collect();
    words.join(" ")
}

#[test]
fn what_is_shown_is_the_same_and_costs_little() {
    let Some(server) = dovecot("what_is_shown_is_the_same_and_costs_little") else {
        return;
    };
    for format in Format::ALL {
        let World { home, proxy, there } = world(server, format);
        for (number, most) in [("1", 30_000), ("2", 20_000), ("3", 600_000)] {
            let here = home.ok(&["read", "here", number]);
            proxy.received();
            let shown = home.ok(&["read", &there, number]);
            let cost = proxy.received();
            assert!(cost < most, "{number}: {cost} bytes");
            assert_eq!(without_sizes(&shown), without_sizes(&here), "{number}");
            let structure = |mailbox: &str| {
                let rows = home.json(&["show", mailbox, number]);
                let mut structure = rows[1]["body"].clone();
                assert!(structure["type"].is_string(), "{structure}");
                forget_lines(&mut structure);
                structure
            };
            assert_eq!(structure(&there), structure("here"), "{number}");
        }
    }
}

/// Lines of parts that are not there are not counted, nor what stands before and behind the parts of a multipart.
fn forget_lines(structure: &mut Value) {
    if let Value::Object(fields) = structure {
        fields.remove("lines");
        if fields.get("type").is_some_and(|it| it == "MULTIPART") {
            fields.remove("size");
        }
        fields.values_mut().for_each(forget_lines);
    }
    if let Value::Array(parts) = structure {
        parts.iter_mut().for_each(forget_lines);
    }
}

#[test]
fn parts_are_saved_as_they_are() {
    let Some(server) = dovecot("parts_are_saved_as_they_are") else {
        return;
    };
    let World { home, there, .. } = world(server, Format::Maildir);
    for (number, parts) in [
        (
            "1",
            &["1.1", "1.2", "2", "3", "3.1", "3.2", "4", "5", "6"][..],
        ),
        ("2", &["1"]),
        ("3", &["1"]),
    ] {
        for part in parts {
            let words = |mailbox| ["read", mailbox, number, "--part", part];
            let here = home.bytes(&words("here"));
            let saved = home.bytes(&words(&there));
            assert!(
                saved == here,
                "{number} {part}: {} {}",
                saved.len(),
                here.len()
            );
        }
        let ran = home.run(&["read", &there, number, "--part", "9"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains("no part 9"), "{ran:?}");
    }
}

#[test]
fn a_server_that_takes_messages_apart_wrongly_is_not_followed() {
    let text = "From: ann@example.org\\r\\nSubject: odd\\r\\nContent-Type: multipart/mixed; boundary=b\\r\\n\\r\\n\
         --b\\r\\n\\r\\nthe text\\r\\n--b\\r\\nContent-Type: image/png\\r\\n\\r\\nPICTURE\\r\\n--b--\\r\\n";
    let length = text.replace("\\r\\n", "..").len();
    let header = "Subject: odd\\r\\nContent-Type: multipart/mixed; boundary=b\\r\\n\\r\\n";
    let header = format!(
        "BODY[HEADER] {{{}}}\\r\\n{header}",
        header.replace("\\r\\n", "..").len()
    );
    let right = "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 8 0)(\"image\" \"png\" NIL NIL NIL \"7bit\" 7) \"mixed\" (\"boundary\" \"b\"))";
    let parts = "BODY[1.MIME] {2}\\r\\n\\r\\n BODY[1] {8}\\r\\nthe text";
    let image = "BODY[2.MIME] {27}\\r\\nContent-Type: image/png\\r\\n\\r\\n";
    for (what, first, second) in [
        ("no answer", String::new(), None),
        ("no structure", header.clone(), None),
        ("nonsense", format!("{header} BODYSTRUCTURE (x"), None),
        (
            "one part only",
            format!("{header} BODYSTRUCTURE (\"text\" \"plain\" NIL NIL NIL \"7bit\" 8 0)"),
            Some("BODY[1] {8}\\r\\nthe text".to_owned()),
        ),
        (
            "another boundary",
            format!("{header} BODYSTRUCTURE {}", right.replace("\"b\"", "\"c\"")),
            Some(format!("{parts} {image}")),
        ),
        (
            "no header of a part",
            format!("{header} BODYSTRUCTURE {right}"),
            Some(parts.to_owned()),
        ),
        (
            "a header that begins a part",
            format!("{header} BODYSTRUCTURE {right}"),
            Some(format!(
                "{parts} BODY[2.MIME] {{11}}\\r\\n\\r\\n--b\\r\\n\\r\\nx"
            )),
        ),
        (
            "more than was said",
            format!("{header} BODYSTRUCTURE {right}"),
            Some(format!(
                "{parts} BODY[2.MIME] {{31}}\\r\\nContent-Type: image/png\\r\\n\\r\\nmore"
            )),
        ),
        (
            "a whole account",
            format!("{header} BODYSTRUCTURE {right}"),
            Some(format!("{parts} {image}")),
        ),
    ] {
        let said = |items: &str| match items {
            "" => "C: TAG *\n".to_owned(),
            items => format!("C: TAG *\nR: * 1 FETCH (UID 7 {items})\\r\\n\n"),
        };
        let second = second.map(|items| format!("{}S: TAG OK\n", said(&items)));
        let script = Script::play(&format!(
            "S: * PREAUTH [CAPABILITY IMAP4rev1] hi\n\
             C: TAG *\nS: * 1 EXISTS\nS: * OK [UIDVALIDITY 5] x\nS: TAG OK [READ-ONLY] done\n\
             C: TAG *\nS: * 1 FETCH (UID 7 FLAGS (\\Seen) INTERNALDATE \" 2-Mar-2026 10:20:31 +0100\" RFC822.SIZE 200000)\nS: TAG OK\n\
             {}S: TAG OK\n{}\
             C: TAG *\nR: * 1 FETCH (UID 7 BODY[]<0> {{{length}}}\\r\\n{text})\\r\\n\nS: TAG OK\n\
             C: TAG *\nS: * 1 FETCH (UID 7 BODY[]<{length}> NIL)\nS: TAG OK\n\
             C: TAG *\nS: TAG OK\nC: TAG *\nS: TAG OK\n",
            said(&first),
            second.unwrap_or_default(),
        ));
        let home = Home::new("");
        let ran = home.run(&["read", "-o", &script.name("/notls"), "1"]);
        assert_eq!(ran.code, 0, "{what}: {ran:?}");
        assert!(ran.out.contains("the text"), "{what}: {ran:?}");
        assert!(ran.out.contains("Image/PNG"), "{what}: {ran:?}");
        // Only what does not hold together is read whole.
        let heard = script.heard();
        let read_whole = heard.iter().any(|line| line.contains("BODY.PEEK[]"));
        assert_eq!(read_whole, what != "a whole account", "{what}: {heard:?}");
    }
}
