//! Mugo and c-client's `mailutil` taking turns on one mailbox: after each turn both see the same, and so does the checker.

use std::collections::BTreeSet;

use crate::checker::{self, Found};
use crate::home::Home;
use crate::peers;

/// Random numbers that are the same in each run (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Gives a number from 0 up to, not including, `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// One row of `mugo show --json`, in the checker's terms.
pub(crate) fn view(home: &Home, name: &str) -> Vec<Found> {
    let said = home.mugo_done(&["--json", "show", name]);
    let rows = said
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON object"));
    rows.filter(|row| row.get("msgno").is_some())
        .map(|row| found(home, name, &row))
        .collect()
}

fn found(home: &Home, name: &str, row: &serde_json::Value) -> Found {
    let words = |key: &str| -> Vec<String> {
        let list = row[key].as_array().cloned().unwrap_or_default();
        list.iter()
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect()
    };
    let mut letters: Vec<char> = words("flags")
        .iter()
        .filter_map(|flag| letter_of(flag))
        .collect();
    letters.sort_unstable();
    let mut keywords = words("keywords");
    keywords.sort();
    let subject = row["envelope"]["subject"].as_str().unwrap_or_default();
    let serial = subject
        .strip_prefix("message ")
        .and_then(|text| text.parse().ok());
    let serial = serial
        .unwrap_or_else(|| panic!("{name} in {}: subject {subject:?}", home.path("").display()));
    Found {
        serial,
        letters: letters.into_iter().collect(),
        keywords,
        uid: row["uid"].as_u64().map(|uid| uid as u32),
    }
}

fn letter_of(flag: &str) -> Option<char> {
    match flag {
        "\\Seen" => Some('R'),
        "\\Answered" => Some('A'),
        "\\Flagged" => Some('F'),
        "\\Deleted" => Some('D'),
        "\\Draft" => Some('T'),
        _ => None,
    }
}

/// Both programs and the checker look at the mailbox; what they see must be one thing. Gives it.
fn agreed(home: &Home, name: &str, turn: &str) -> Vec<Found> {
    let mugo = view(home, name);
    let file = checker::read(&home.read(name)).unwrap_or_else(|why| panic!("after {turn}: {why}"));
    assert_eq!(home.mailutil_count(name), mugo.len(), "counts after {turn}");
    assert_eq!(mugo.len(), file.len(), "Mugo and the checker after {turn}");
    for (seen, there) in mugo.iter().zip(&file) {
        // What was delivered and not yet written back has no UID in the file.
        let uid = there.uid.or(seen.uid);
        assert_eq!(
            *seen,
            Found {
                uid,
                ..there.clone()
            },
            "after {turn}"
        );
    }
    let uids: Vec<_> = mugo.iter().map(|message| message.uid).collect();
    assert!(
        uids.windows(2).all(|pair| pair[0] < pair[1]),
        "UIDs after {turn}: {uids:?}"
    );
    mugo
}

#[test]
fn each_reads_what_the_other_wrote() {
    if !peers::have("each_reads_what_the_other_wrote", &["mailutil", "setpriv"]) {
        return;
    }
    let home = Home::new();
    home.mailutil(&["create", "theirs"]);
    assert_eq!(agreed(&home, "theirs", "mailutil create").len(), 0);
    home.mugo_done(&["create", "ours"]);
    assert_eq!(home.mailutil_count("ours"), 0);
    for serial in 1..=5 {
        home.mugo_with(
            &["append", "ours", "--flags", "\\Seen work"],
            checker::letter(serial).as_bytes(),
        );
    }
    home.mugo_done(&[
        "flag",
        "ours",
        "2:3",
        "+\\Flagged",
        "+\\Deleted",
        "-work",
        "+later",
    ]);
    let ours = agreed(&home, "ours", "mugo append and flag");
    assert_eq!(
        (
            ours[1].letters.as_str(),
            ours[1].keywords.join(" ").as_str()
        ),
        ("DFR", "later")
    );
    home.mailutil(&["append", "ours", "theirs"]);
    let theirs = agreed(&home, "theirs", "mailutil append");
    assert_eq!(checker::serials(&theirs), [1, 2, 3, 4, 5]);
    assert_eq!(theirs[0].letters, "R");
    home.mailutil(&["copy", "ours", "copied"]);
    assert_eq!(agreed(&home, "copied", "mailutil copy").len(), 5);
    home.mugo_done(&["expunge", "ours"]);
    assert_eq!(
        checker::serials(&agreed(&home, "ours", "mugo expunge")),
        [1, 4, 5]
    );
    home.mailutil_prune("theirs");
    assert_eq!(
        checker::serials(&agreed(&home, "theirs", "mailutil prune")),
        [1, 4, 5]
    );
    home.mailutil(&["rename", "theirs", "renamed"]);
    home.mugo_done(&["delete", "renamed"]);
    assert!(!home.path("renamed").exists());
}

#[test]
fn a_keyword_defined_by_an_append_is_known_to_the_other() {
    let name = "a_keyword_defined_by_an_append_is_known_to_the_other";
    if !peers::have(name, &["mailutil", "setpriv"]) {
        return;
    }
    let home = Home::new();
    let append = |name: &str, serial| {
        let message = checker::letter(serial);
        home.mugo_with(&["append", name, "--flags", "brandnew"], message.as_bytes());
    };
    // Delivered mail, without UIDs: the append brings the keyword and the line that defines it.
    home.write("ours", &checker::delivered(1, 2));
    append("ours", 3);
    home.mugo_done(&["create", "theirs"]);
    append("theirs", 9);
    // c-client hands over the keywords that it has read, and that the other mailbox defines.
    home.mailutil(&["append", "ours", "theirs"]);
    let theirs = agreed(&home, "theirs", "mailutil append");
    assert_eq!(checker::serials(&theirs), [9, 1, 2, 3]);
    assert!(theirs[1].keywords.is_empty() && theirs[2].keywords.is_empty());
    assert_eq!(theirs[3].keywords, ["brandnew"]);
}

#[test]
fn sixty_turns_on_one_mailbox() {
    if !peers::have("sixty_turns_on_one_mailbox", &["mailutil", "setpriv"]) {
        return;
    }
    let seeds: &[u64] = if peers::night() {
        &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    } else {
        &[1]
    };
    for seed in seeds {
        turns(*seed);
    }
}

fn turns(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let home = Home::new();
    home.mailutil(&["create", "box"]);
    let mut next = 1u32;
    let mut before = agreed(&home, "box", "creation");
    for turn in 0..60 {
        let (title, expected) = one_turn(&home, &mut random, &before, &mut next);
        let turn = format!("turn {turn} of seed {seed}: {title}");
        let after = agreed(&home, "box", &turn);
        let serials: BTreeSet<_> = checker::serials(&after).into_iter().collect();
        assert_eq!(serials, expected, "{turn}");
        for old in before.iter().filter(|old| expected.contains(&old.serial)) {
            let kept = after.iter().find(|message| message.serial == old.serial);
            assert_eq!(
                kept.and_then(|message| message.uid),
                old.uid,
                "the UID of {} after {turn}",
                old.serial
            );
        }
        before = after;
    }
}

fn one_turn(
    home: &Home,
    random: &mut Random,
    before: &[Found],
    next: &mut u32,
) -> (String, BTreeSet<u32>) {
    let mut expected: BTreeSet<u32> = before.iter().map(|message| message.serial).collect();
    let deleted = |letter: char| {
        before
            .iter()
            .filter(move |message| message.letters.contains(letter))
    };
    let title = match random.below(8) {
        0 | 1 => {
            let flags = [
                "\\Seen",
                "\\Flagged work",
                "",
                "\\Draft later",
                "\\Answered \\Seen",
            ][random.below(5)];
            home.mugo_with(
                &["append", "box", "--flags", flags],
                checker::letter(*next).as_bytes(),
            );
            expected.insert(*next);
            *next += 1;
            "mugo append"
        }
        2 => {
            let count = 1 + random.below(4) as u32;
            home.write("other", &checker::delivered(*next, count));
            home.mailutil(&["append", "other", "box"]);
            expected.extend(*next..*next + count);
            *next += count;
            "mailutil append"
        }
        3 => {
            let mut bytes = home.read("box");
            bytes.extend(checker::delivered(*next, 1));
            home.write("box", &bytes);
            expected.insert(*next);
            *next += 1;
            "a delivery"
        }
        4 | 5 if !before.is_empty() => {
            let number = (1 + random.below(before.len())).to_string();
            let change = [
                "+\\Deleted",
                "+\\Flagged",
                "-\\Flagged",
                "+work",
                "-work",
                "+\\Seen",
            ][random.below(6)];
            home.mugo_done(&["flag", "box", &number, change]);
            "mugo flag"
        }
        6 => {
            deleted('D').for_each(|message| {
                expected.remove(&message.serial);
            });
            home.mugo_done(&["expunge", "box"]);
            "mugo expunge"
        }
        _ if deleted('D').next().is_some() => {
            deleted('D').for_each(|message| {
                expected.remove(&message.serial);
            });
            home.mailutil_prune("box");
            "mailutil prune"
        }
        _ => {
            home.mailutil(&["check", "box"]);
            "mailutil check"
        }
    };
    (title.to_owned(), expected)
}
