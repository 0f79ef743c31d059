//! Mailboxes in Maildir format beside Dovecot and mutt: each sees what the other did.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::alternate::Random;
use crate::checker;
use crate::home::{Home, finish};
use crate::peers::{self, have};
use crate::readers::start;

/// A home with a mailbox that Dovecot serves too.
fn home() -> Home {
    let home = Home::new();
    let at = home.path("").display().to_string();
    let settings = format!(
        "mail_location = maildir:{at}/box\nlog_path = /dev/stderr\nssl = no\nbase_dir = {at}/run\n\
         default_internal_user = nobody\ndefault_login_user = nobody\ndefault_internal_group = nogroup\n"
    );
    home.write("dovecot.conf", settings.as_bytes());
    home.mugo_done(&["create", "#driver.maildir/box"]);
    home
}

/// Lets Dovecot do something; gives what it says.
fn dovecot(home: &Home, words: &[&str], text: Option<&[u8]>) -> String {
    let settings = home.path("dovecot.conf").display().to_string();
    let mut all = vec!["env", "USER=nobody", "doveadm", "-c", &settings];
    all.extend(words);
    let output = finish(home.command(&all), text);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Subject, flags and keywords of each message, sorted, as one line.
type Seen = BTreeMap<String, String>;

fn by_dovecot(home: &Home) -> Seen {
    let fetch = [
        "-f",
        "tab",
        "fetch",
        "hdr.subject flags",
        "mailbox",
        "INBOX",
        "all",
    ];
    let said = dovecot(home, &fetch, None);
    let rows = said
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once('\t'));
    rows.map(|(subject, flags)| {
        let flags = flags.split_whitespace().map(str::to_owned).collect();
        (subject.to_owned(), sorted(flags))
    })
    .collect()
}

fn by_mugo(home: &Home) -> Seen {
    let said = home.mugo_done(&["--read-only", "--json", "show", "box"]);
    let rows = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let rows = rows.filter(|row: &Value| row.get("msgno").is_some());
    rows.map(|row| {
        let words = ["flags", "keywords"].map(|key| row[key].as_array().cloned());
        let words = words.into_iter().flatten().flatten();
        let words = words.filter_map(|word| word.as_str().map(str::to_owned));
        let subject = row["envelope"]["subject"].as_str().expect("a subject");
        (subject.to_owned(), sorted(words.collect()))
    })
    .collect()
}

fn sorted(mut flags: Vec<String>) -> String {
    flags.retain(|flag| flag != "\\Recent");
    flags.sort();
    flags.join(" ")
}

/// Puts a message into `new`, as a program that delivers does.
fn deliver(home: &Home, serial: u32) {
    let name = format!("{}.M{serial}.elsewhere", 1_772_000_000 + serial);
    let staged = format!("box/tmp/{name}");
    home.write(&staged, checker::letter(serial).as_bytes());
    let new = home.path(&format!("box/new/{name}"));
    fs::rename(home.path(&staged), new).expect("delivered");
}

#[test]
fn dovecot_and_mugo_take_turns() {
    if !have("dovecot_and_mugo_take_turns", &["doveadm", "setpriv"]) {
        return;
    }
    let home = home();
    let mut random = Random(7);
    let mut serial = 0;
    let mut uids: BTreeMap<String, u64> = BTreeMap::new();
    let turns = if peers::night() { 1500 } else { 80 };
    for turn in 0..turns {
        let subjects: Vec<String> = by_mugo(&home).into_keys().collect();
        let some = (!subjects.is_empty()).then(|| &subjects[random.below(subjects.len())]);
        let flag = [
            "\\Flagged",
            "\\Seen",
            "work",
            "\\Answered",
            "later",
            "\\Deleted",
        ][random.below(6)];
        let sign = ["add", "remove"][random.below(2)];
        let deed = random.below(8);
        match (deed, some) {
            (0, _) => {
                serial += 1;
                home.mugo_with(
                    &["append", "box", "--flags", flag],
                    checker::letter(serial).as_bytes(),
                );
            }
            (1, _) => {
                serial += 1;
                let letter = checker::letter(serial);
                dovecot(&home, &["save", "-m", "INBOX"], Some(letter.as_bytes()));
            }
            (2, _) => {
                serial += 1;
                deliver(&home, serial);
            }
            (3 | 4, Some(subject)) => {
                let words = ["flags", sign, flag, "mailbox", "INBOX", "subject", subject];
                dovecot(&home, &words, None);
            }
            (5 | 6, Some(subject)) => {
                let said = home.mugo_done(&[
                    "--json",
                    "search",
                    "box",
                    "subject",
                    &format!("{subject:?}"),
                ]);
                let row: Value =
                    serde_json::from_str(said.lines().next().expect("one")).expect("JSON");
                let number = row["msgno"].to_string();
                let change = format!("{}{flag}", if sign == "add" { "+" } else { "-" });
                home.mugo_done(&["flag", "box", &number, &change]);
            }
            (7, _) if random.below(2) == 0 => {
                home.mugo_done(&["expunge", "box"]);
            }
            (7, _) => {
                dovecot(&home, &["expunge", "mailbox", "INBOX", "deleted"], None);
            }
            _ => {}
        }
        let (ours, theirs) = (by_mugo(&home), by_dovecot(&home));
        assert_eq!(ours, theirs, "turn {turn}: deed {deed} {sign} {flag}");
        // A message keeps its UID, whoever gave its file another name.
        let said = home.mugo_done(&["--json", "show", "box"]);
        for line in said.lines().skip(1) {
            let row: Value = serde_json::from_str(line).expect("JSON");
            let subject = row["envelope"]["subject"].as_str().expect("one").to_owned();
            let uid = row["uid"].as_u64().expect("a UID");
            assert_eq!(*uids.entry(subject).or_insert(uid), uid, "turn {turn}");
        }
    }
    assert!(serial > 10);
}

#[test]
fn mutt_shows_what_mugo_wrote() {
    if !have("mutt_shows_what_mugo_wrote", &["mutt", "setpriv"]) {
        return;
    }
    let home = home();
    for serial in 1..=5 {
        home.mugo_with(
            &["append", "box", "--flags", "\\Seen"],
            checker::letter(serial).as_bytes(),
        );
    }
    deliver(&home, 6);
    // Without its folder mutt begins with a question.
    let folder = format!("set folder={}", home.path("").display());
    let words = [
        "mutt",
        "-n",
        "-F",
        "/dev/null",
        "-e",
        &folder,
        "-R",
        "-f",
        "box",
    ];
    let mut mutt = start(&home, &words);
    let found = mutt.wait_for(Duration::from_secs(15), |screen| {
        screen.contains("Msgs:6 New:1")
    });
    assert!(found, "{}", mutt.text());
    mutt.send("q");
}
