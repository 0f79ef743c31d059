//! Every pair of formats: what goes from one to the other is the same afterwards, by the receipt and by looking.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::dir::Dir;

/// Every format in which mailboxes can be made, from the program's own table.
fn formats(dir: &Dir) -> Vec<Value> {
    let mut all = dir.json(&["about"]);
    all.retain(|format| format["can_be_made"] == true);
    assert!(all.iter().any(|format| format["format"] == "unix"));
    all
}

fn name(format: &Value) -> &str {
    format["format"].as_str().expect("a name")
}

/// Whether a format has an ability wholly.
fn has(format: &Value, ability: &str) -> bool {
    format["abilities"][ability] == "yes"
}

/// The formats that keep the moment of a date and not its zone, where no zone is kept elsewhere.
const WITHOUT_ZONES: [&str; 2] = ["mx", "mh"];

/// What every format can hold, of each message; dates as moments where zones are not kept.
fn facts(dir: &Dir, mailbox: &str, zones: bool) -> Vec<Value> {
    let shown = dir.json(&["--read-only", "show", mailbox]);
    let facts = shown.iter().skip(1).map(|one| {
        let flags = one["flags"].as_array().expect("flags").iter();
        let flags: Vec<&Value> = flags.filter(|flag| **flag != "\\Recent").collect();
        let date = one["internal_date"].as_str().expect("a date");
        let moment = || date.parse::<Timestamp>().expect("a date").to_string();
        let date = if zones { date.to_owned() } else { moment() };
        json!([one["sha256"], one["size"], flags, date])
    });
    facts.collect()
}

fn of_each(dir: &Dir, mailbox: &str, field: &str) -> Vec<Value> {
    let shown = dir.json(&["--read-only", "show", mailbox]);
    shown.iter().skip(1).map(|one| one[field].clone()).collect()
}

/// A mailbox with all flags, keywords, gaps in its UIDs, zones, 8-bit bytes and a message without a text.
fn originals(dir: &Dir) {
    dir.write("home/.mh_profile", "Path: mail\n");
    dir.json(&["create", "mail/originals"]);
    for (serial, flags, date) in [
        (1, "\\Seen \\Flagged work", "5-Jan-2026 10:00:00 +0000"),
        (2, "", "6-Jan-2026 11:00:00 +0100"),
        (
            3,
            "\\Answered \\Draft later work",
            "7-Jan-2026 23:59:59 -0500",
        ),
        (4, "\\Deleted", "28-Feb-1999 00:00:01 +0530"),
        (5, "\\Seen", "1-Mar-2026 12:00:00 +0000"),
    ] {
        let text = match serial {
            5 => "Subject: no text\n".to_owned(),
            serial => {
                format!("Subject: n{serial} \u{e4}\n\nline {serial}\n\n.\n>From old\n\u{1}\n")
            }
        };
        let marks = ["append", "mail/originals", "--flags", flags, "--date", date];
        let ran = dir.feed(&marks, &text);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    }
    dir.json(&["flag", "mail/originals", "2", "+\\Deleted"]);
    dir.json(&["expunge", "mail/originals", "2"]);
    dir.json(&["flag", "mail/originals", "3", "+\\Deleted"]);
}

#[test]
fn every_pair_of_formats_keeps_what_both_can_hold() {
    let dir = Dir::new();
    originals(&dir);
    let formats = formats(&dir);
    let expected = [false, true].map(|zones| facts(&dir, "mail/originals", zones));
    let (uids, words) = (
        of_each(&dir, "mail/originals", "uid"),
        of_each(&dir, "mail/originals", "keywords"),
    );
    for from in &formats {
        let source = format!("mail/from-{}", name(from));
        let ran = dir.run(&[
            "--json",
            "transfer",
            "mail/originals",
            &source,
            "--format",
            name(from),
        ]);
        assert_eq!(ran.code, 0, "{}: {}", name(from), ran.err);
        for to in &formats {
            let pair = format!("{} to {}", name(from), name(to));
            let target = format!("mail/{}-{}", name(from), name(to));
            let to_name = format!("#driver.{}/{target}", name(to));
            let ran = dir.run(&["--json", "transfer", &source, &to_name]);
            assert_eq!(ran.code, 0, "{pair}: {}", ran.err);
            let receipt = ran.objects().pop().expect("a receipt");
            let zones = ![from, to]
                .iter()
                .any(|it| WITHOUT_ZONES.contains(&name(it)));
            let expected = &expected[usize::from(zones)];
            let same = ["messages", "same_content", "same_flags", "same_dates"];
            for same in &same[..if zones { 4 } else { 3 }] {
                assert_eq!(receipt[same], expected.len(), "{pair}: {same}: {receipt}");
            }
            assert_eq!(receipt["unexplained"], 0, "{pair}: {receipt}");
            assert_eq!(
                (&receipt["source_format"], &receipt["format"]),
                (&from["format"], &to["format"])
            );
            assert_eq!(&facts(&dir, &target, zones), expected, "{pair}");
            if has(from, "Kwd") && has(to, "Kwd") {
                assert_eq!(
                    receipt["same_keywords"],
                    expected.len(),
                    "{pair}: {receipt}"
                );
                assert_eq!(of_each(&dir, &target, "keywords"), words, "{pair}");
            }
            let found = of_each(&dir, &target, "uid");
            let kept = found.iter().zip(&uids);
            let kept = kept.filter(|(one, other)| one == other).count();
            if has(from, "UID") && has(to, "UID") {
                assert_eq!(
                    receipt["same_uids"].as_u64(),
                    Some(kept as u64),
                    "{pair}: {receipt}"
                );
            }
        }
    }
}

#[test]
fn inbox_in_mbox_format_is_a_source_and_a_target_for_every_format() {
    let dir = Dir::new();
    originals(&dir);
    dir.write("spool", "");
    for format in formats(&dir) {
        let source = format!("mail/{}", name(&format));
        // Formats whose keywords come from the settings say that they lack these.
        let made = ["transfer", "mail/originals", &source, "--format"];
        let ran = dir.run(&[&made[..], &[name(&format)]].concat());
        assert_eq!(ran.code, 0, "{}: {}", name(&format), ran.err);
        dir.write("home/mbox", "");
        let filled = dir.run(&["--json", "transfer", &source, "INBOX"]);
        assert_eq!(filled.code, 0, "{}: {}", name(&format), filled.err);
        let receipt = filled.objects().pop().expect("a receipt");
        assert_eq!(receipt["format"], "mbox", "{receipt}");
        assert_eq!(
            (&receipt["unexplained"], &receipt["messages"]),
            (&json!(0), &json!(4))
        );
        let zones = !WITHOUT_ZONES.contains(&name(&format));
        let facts = |mailbox: &str| facts(&dir, mailbox, zones);
        assert_eq!(facts("INBOX"), facts("mail/originals"), "{}", name(&format));
        let out = format!("mail/out-{}", name(&format));
        let ran = dir.run(&["transfer", "INBOX", &out, "--format", name(&format)]);
        assert_eq!(ran.code, 0, "{}: {}", name(&format), ran.err);
        assert_eq!(facts(&out), facts("mail/originals"), "{}", name(&format));
    }
}
