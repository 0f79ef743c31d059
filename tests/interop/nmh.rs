//! MH mailboxes beside nmh and c-client: each sees what the other did, and messages keep their UIDs whatever number they get.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::alternate::Random;
use crate::checker;
use crate::home::{Home, finish};
use crate::peers::{self, have};

const NMH: &str = "/usr/bin/mh/";
/// Where programs are that others call.
const LIBRARY: &str = "/usr/lib/mh/";
const NEEDED: [&str; 3] = ["/usr/bin/mh/scan", "mailutil", "setpriv"];
/// Sequences, and what they are in Mugo; the first is the contrary.
const WORDS: [(&str, &str); 5] = [
    ("unseen", "\\Seen"),
    ("flagged", "\\Flagged"),
    ("replied", "\\Answered"),
    ("deleted", "\\Deleted"),
    ("work", "work"),
];

/// Lets nmh do something; gives what it says.
fn nmh(home: &Home, words: &[&str], text: Option<&[u8]>) -> String {
    let folder = if words[0] == "rcvstore" { LIBRARY } else { NMH };
    let program = format!("{folder}{}", words[0]);
    let all = [&[program.as_str()], &words[1..]].concat();
    let output = finish(home.command(&all), text);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Each message by its subject: its number, and the words that are set.
type Seen = BTreeMap<String, (u32, BTreeSet<String>)>;

fn by_nmh(home: &Home) -> Seen {
    let mut all = Seen::new();
    // Of an empty mailbox it complains.
    let words = ["scan", "+box", "-format", "%(msg) %{subject}"];
    let program = format!("{NMH}scan");
    let output = finish(
        home.command(&[&[program.as_str()], &words[1..]].concat()),
        None,
    );
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (number, subject) = line.trim().split_once(' ').expect("a line");
        let seen = BTreeSet::from(["\\Seen".to_owned()]);
        all.insert(
            subject.trim().to_owned(),
            (number.parse().expect("a number"), seen),
        );
    }
    if all.is_empty() {
        return all;
    }
    let listed = nmh(home, &["mark", "+box", "-list"], None);
    for line in listed.lines() {
        let (name, numbers) = line.split_once(':').expect("a sequence");
        let Some((_, word)) = WORDS.iter().find(|(sequence, _)| *sequence == name) else {
            continue;
        };
        let ranges = numbers.split_whitespace().map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let number = |text: &str| text.parse::<u32>().expect("a number");
            number(first)..=number(last)
        });
        let ranges: Vec<_> = ranges.collect();
        for (number, words) in all.values_mut() {
            if ranges.iter().any(|range| range.contains(number)) {
                match name {
                    "unseen" => words.remove("\\Seen"),
                    _ => words.insert((*word).to_owned()),
                };
            }
        }
    }
    all
}

/// The same as Mugo says it; with the UID in place of the number.
fn by_mugo(home: &Home) -> Seen {
    let said = home.mugo_done(&["--json", "show", "box"]);
    let rows = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let rows = rows.filter(|row: &Value| row.get("msgno").is_some());
    rows.map(|row| {
        let words = ["flags", "keywords"].map(|key| row[key].as_array().cloned());
        let words = words.into_iter().flatten().flatten();
        let words = words.filter_map(|word| word.as_str().map(str::to_owned));
        let words = words.filter(|word| word != "\\Recent").collect();
        let subject = row["envelope"]["subject"].as_str().expect("a subject");
        let uid = row["uid"].as_u64().expect("a UID") as u32;
        (subject.to_owned(), (uid, words))
    })
    .collect()
}

fn words_of(all: &Seen) -> BTreeMap<&String, &BTreeSet<String>> {
    all.iter()
        .map(|(subject, (_, words))| (subject, words))
        .collect()
}

#[test]
fn nmh_c_client_and_mugo_take_turns() {
    if !have("nmh_c_client_and_mugo_take_turns", &NEEDED) {
        return;
    }
    let seeds = if peers::night() { 20 } else { 2 };
    std::thread::scope(|threads| {
        for seed in 1..=seeds {
            threads.spawn(move || turns(seed));
        }
    });
}

fn turns(seed: u64) {
    let home = Home::new();
    home.be_of_mh();
    home.mugo_done(&["create", "#mh/box"]);
    home.mugo_done(&["create", "#mh/other"]);
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut serial = 0;
    let mut uids: BTreeMap<String, u32> = BTreeMap::new();
    let mut expected: BTreeSet<String> = BTreeSet::new();
    for turn in 0..70 {
        let there = by_nmh(&home);
        let subjects: Vec<&String> = there.keys().collect();
        let some = (!subjects.is_empty()).then(|| subjects[random.below(subjects.len())]);
        let number = some.map(|subject| there[subject].0.to_string());
        let (sequence, word) = WORDS[random.below(WORDS.len())];
        let deed = random.below(12);
        let mut come = |expected: &mut BTreeSet<String>| {
            serial += 1;
            let letter = checker::letter(serial);
            let subject = letter
                .lines()
                .find_map(|line| line.strip_prefix("Subject: "));
            expected.insert(subject.expect("one").to_owned());
            letter
        };
        match (deed, some, &number) {
            (0, ..) => {
                let letter = come(&mut expected);
                let flags = if word == "work" { "" } else { word };
                home.mugo_with(&["append", "box", "--flags", flags], letter.as_bytes());
            }
            (1, ..) => {
                let letter = come(&mut expected);
                nmh(&home, &["rcvstore", "+box"], Some(letter.as_bytes()));
            }
            (2, ..) => {
                let letter = come(&mut expected);
                let delivered = format!("From a@b Mon Mar  2 09:00:00 2026\n{letter}\n");
                home.write("one", delivered.as_bytes());
                match random.below(2) {
                    0 => drop(home.mailutil(&["append", "one", "#mh/box"])),
                    _ => {
                        let one = home.path("one").display().to_string();
                        nmh(&home, &["inc", "+box", "-file", &one, "-silent"], None);
                    }
                }
            }
            (3 | 4, Some(_), Some(number)) => {
                let sign = ["-add", "-delete"][random.below(2)];
                let in_it = there.values().any(|(_, words)| words.contains(word));
                // It complains of a sequence that it has not got.
                if sign == "-add" || (in_it && sequence != "unseen") {
                    nmh(
                        &home,
                        &[
                            "mark",
                            "+box",
                            number,
                            "-sequence",
                            sequence,
                            sign,
                            "-nozero",
                        ],
                        None,
                    );
                }
            }
            (5 | 6, Some(subject), _) => {
                let query = format!("{subject:?}");
                let said = home.mugo_done(&["--json", "search", "box", "subject", &query]);
                let row: Value =
                    serde_json::from_str(said.lines().next().expect("one")).expect("JSON");
                let sign = ["+", "-"][random.below(2)];
                home.mugo_done(&[
                    "flag",
                    "box",
                    &row["msgno"].to_string(),
                    &format!("{sign}{word}"),
                ]);
            }
            (7, Some(subject), Some(number)) => {
                nmh(&home, &["rmm", "+box", number], None);
                expected.remove(subject);
            }
            (8, Some(subject), Some(number)) => {
                nmh(&home, &["refile", number, "-src", "+box", "+other"], None);
                expected.remove(subject);
                if random.below(2) == 0 {
                    nmh(&home, &["refile", "last", "-src", "+other", "+box"], None);
                    expected.insert(subject.clone());
                }
            }
            (9, Some(_), _) => drop(nmh(&home, &["folder", "-pack", "+box"], None)),
            (10, Some(_), _) => drop(nmh(
                &home,
                &["sortm", "+box", "-textfield", "subject"],
                None,
            )),
            (11, ..) => {
                let is_gone = |subject: &String| {
                    let found = there.get(subject);
                    found.is_some_and(|it| it.1.contains("\\Deleted"))
                };
                expected.retain(|subject| !is_gone(subject));
                home.mugo_done(&["expunge", "box"]);
            }
            _ => {}
        }
        let at = format!("seed {seed}, turn {turn}: deed {deed} {sequence}");
        let (ours, theirs) = (by_mugo(&home), by_nmh(&home));
        assert_eq!(words_of(&ours), words_of(&theirs), "{at}");
        assert_eq!(
            ours.keys().cloned().collect::<BTreeSet<_>>(),
            expected,
            "{at}"
        );
        assert_eq!(home.mailutil_count("#mh/box"), expected.len(), "{at}");
        // A message keeps its UID whatever its number is.
        for (subject, (uid, _)) in &ours {
            assert_eq!(
                uids.entry(subject.clone()).or_insert(*uid),
                uid,
                "{at}: {subject}"
            );
        }
    }
    assert!(serial > 8);
}
