//! Mugo and c-client's `mailutil` on mailboxes whose state stands in lines: each reads what the other wrote, at every point
//! at which Mugo may be killed too.

use std::collections::BTreeSet;
use std::io::Read;

use crate::alternate::{Random, view};
use crate::checker::{self, Found};
use crate::faults::{Point, points, stopped};
use crate::home::Home;
use crate::peers;

/// Both programs look at the mailbox; what they see must be one thing. Gives it.
fn agreed(home: &Home, name: &str, turn: &str) -> Vec<Found> {
    let found = view(home, name);
    assert_eq!(
        home.mailutil_count(name),
        found.len(),
        "counts after {turn}"
    );
    for message in &found {
        let uid = message.uid.expect("a UID").to_string();
        let text = home.mugo_done(&["read", "--uid", "--raw", name, &uid]);
        let expected = checker::letter(message.serial).replace('\n', "\r\n");
        assert!(
            text.replace("\r\n", "\n") == expected.replace("\r\n", "\n"),
            "{turn}: {uid}"
        );
    }
    let uids: Vec<_> = found.iter().map(|message| message.uid).collect();
    assert!(
        uids.windows(2).all(|pair| pair[0] < pair[1]),
        "UIDs after {turn}: {uids:?}"
    );
    found
}

/// A letter with CRLF, as formats with CRLF store it.
fn letter(serial: u32) -> Vec<u8> {
    checker::letter(serial).replace('\n', "\r\n").into_bytes()
}

#[test]
fn sixty_turns_on_one_mailbox_of_each_format() {
    let test = "sixty_turns_on_one_mailbox_of_each_format";
    if !peers::have(test, &["mailutil", "setpriv"]) {
        return;
    }
    let seeds = if peers::night() { 10 } else { 1 };
    for seed in 1..=seeds {
        std::thread::scope(|threads| {
            for format in ["mbx", "tenex", "mtx", "mx", "mix"] {
                threads.spawn(move || turns(format, seed));
            }
        });
    }
}

fn turns(format: &str, seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let home = Home::new();
    let name = format!("#driver.{format}/box");
    // An empty file is of no format for c-client: in some formats one message is always there.
    let stays = ["mbx", "mx", "mix"].contains(&format);
    if stays && random.below(2) == 0 {
        home.mailutil(&["create", &name]);
    } else {
        home.mugo_done(&["create", &name]);
    }
    let mut next = 1u32;
    if !stays {
        home.mugo_with(&["append", "box"], &letter(next));
        next += 1;
    }
    let first = usize::from(!stays);
    let mut before = agreed(&home, "box", "creation");
    for turn in 0..60 {
        let (title, expected) = one_turn(&home, &mut random, (&before, first), &mut next);
        let turn = format!("{format}, turn {turn} of seed {seed}: {title}");
        let after = agreed(&home, "box", &turn);
        let serials: BTreeSet<_> = checker::serials(&after).into_iter().collect();
        assert_eq!(serials, expected, "{turn}");
        for old in before.iter().filter(|old| expected.contains(&old.serial)) {
            let kept = after.iter().find(|message| message.serial == old.serial);
            assert_eq!(
                kept.and_then(|it| it.uid),
                old.uid,
                "{} after {turn}",
                old.serial
            );
        }
        before = after;
    }
}

fn one_turn(
    home: &Home,
    random: &mut Random,
    (before, first): (&[Found], usize),
    next: &mut u32,
) -> (String, BTreeSet<u32>) {
    let mut expected: BTreeSet<u32> = before.iter().map(|message| message.serial).collect();
    let deleted: Vec<u32> = before
        .iter()
        .filter(|message| message.letters.contains('D'))
        .map(|message| message.serial)
        .collect();
    let title = match random.below(7) {
        0 | 1 => {
            let flags = ["\\Seen", "\\Flagged work", "", "\\Draft later", "\\Deleted"];
            let flags = flags[random.below(5)];
            home.mugo_with(&["append", "box", "--flags", flags], &letter(*next));
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
        3 | 4 if before.len() > first => {
            let number = (1 + first + random.below(before.len() - first)).to_string();
            let changes = [
                "+\\Deleted",
                "+\\Flagged",
                "-\\Flagged",
                "+work",
                "-work",
                "+\\Seen",
            ];
            home.mugo_done(&["flag", "box", &number, changes[random.below(6)]]);
            "mugo flag"
        }
        5 => {
            expected.retain(|serial| !deleted.contains(serial));
            home.mugo_done(&["expunge", "box"]);
            "mugo expunge"
        }
        _ if !deleted.is_empty() => {
            expected.retain(|serial| !deleted.contains(serial));
            home.mailutil_prune("box");
            "mailutil prune"
        }
        _ => "nothing",
    };
    (title.to_owned(), expected)
}

#[test]
fn a_killed_append_leaves_what_c_client_opens() {
    let name = "a_killed_append_leaves_what_c_client_opens";
    if !peers::have(name, &["mailutil", "setpriv", "strace"]) {
        return;
    }
    std::thread::scope(|threads| {
        for format in ["mbx", "mix"] {
            threads.spawn(move || killed_appends(format));
        }
    });
}

fn killed_appends(format: &str) {
    let make = || {
        let home = Home::new();
        home.mugo_done(&["create", &format!("#driver.{format}/box")]);
        for serial in 1..=3 {
            home.mugo_with(&["append", "box"], &letter(serial));
        }
        home.write("src", &checker::delivered(4, 3));
        home
    };
    let words = ["copy", "src", "1:3", "box"];
    let few = if peers::night() { 1000 } else { 12 };
    let all: Vec<Point> = points(&make(), &words, few);
    let mut counts = BTreeSet::new();
    for point in all {
        let home = make();
        stopped(&home, &words, &point, "KILL");
        let count = home.mailutil_count("box");
        let found = agreed(&home, "box", &format!("{format} {point:?}"));
        assert!(
            count == found.len() && [3, 6].contains(&count),
            "{format} {point:?}: {count}"
        );
        counts.insert(count);
        home.mugo_with(&["append", "box"], &letter(7));
        let then = format!("{format} {point:?}, and an append");
        assert_eq!(agreed(&home, "box", &then).len(), count + 1);
    }
    assert!(counts.contains(&3));
}

/// In mix c-client may even write before Mugo comes back to what it left.
#[test]
fn c_client_goes_on_after_a_killed_mugo() {
    let name = "c_client_goes_on_after_a_killed_mugo";
    if !peers::have(name, &["mailutil", "setpriv", "strace"]) {
        return;
    }
    let make = || {
        let home = Home::new();
        home.mugo_done(&["create", "#driver.mix/box"]);
        home.write("src", &checker::delivered(1, 5));
        home.mugo_done(&["copy", "src", "1:5", "box"]);
        home.mugo_done(&["flag", "box", "1,3", "+\\Deleted"]);
        home.write("more", &checker::delivered(6, 3));
        home.write("other", &checker::delivered(9, 1));
        home
    };
    let few = if peers::night() { 1000 } else { 12 };
    for (words, old, new) in [
        (
            &["copy", "more", "1:3", "box"][..],
            &[1, 2, 3, 4, 5][..],
            &[1, 2, 3, 4, 5, 6, 7, 8][..],
        ),
        (
            &["flag", "box", "2:5", "+\\Flagged", "+work"],
            &[1, 2, 3, 4, 5],
            &[1, 2, 3, 4, 5],
        ),
        (&["expunge", "box"], &[1, 2, 3, 4, 5], &[2, 4, 5]),
    ] {
        for point in points(&make(), words, few) {
            let home = make();
            stopped(&home, words, &point, "KILL");
            home.mailutil(&["append", "other", "box"]);
            let then = format!("{words:?} {point:?}");
            let mut serials = checker::serials(&agreed(&home, "box", &then));
            assert_eq!(serials.pop(), Some(9), "{then}");
            assert!(serials == old || serials == new, "{then}: {serials:?}");
            home.mugo_done(&["flag", "box", "1", "+\\Draft"]);
            home.mailutil(&["append", "other", "box"]);
            assert_eq!(
                agreed(&home, "box", &then).len(),
                serials.len() + 2,
                "{then}"
            );
        }
    }
}

/// Two Mugos and c-client at once: what each did is there in the end, and the watching Mugo saw it happen.
#[test]
fn three_programs_at_once_on_one_mbx_mailbox() {
    let name = "three_programs_at_once_on_one_mbx_mailbox";
    if !peers::have(name, &["mailutil", "setpriv"]) {
        return;
    }
    let home = Home::new();
    home.mugo_done(&["create", "#driver.mbx/box"]);
    for serial in 1..=4 {
        home.mugo_with(&["append", "box"], &letter(serial));
    }
    let all = home.mugo_words(&["--json", "watch", "box"]);
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let mut watching = home.command(&all);
    watching.stdout(std::process::Stdio::piped());
    let mut watching = watching.spawn().expect("started");
    let pause = || std::thread::sleep(std::time::Duration::from_millis(2500));
    pause();
    home.mugo_done(&["flag", "box", "1", "+\\Flagged", "+work"]);
    home.write("other", &checker::delivered(5, 2));
    home.mailutil(&["append", "other", "box"]);
    pause();
    let before = home.read("box").len();
    home.mugo_done(&["flag", "box", "2", "+\\Deleted"]);
    home.mugo_done(&["expunge", "box"]);
    assert_eq!(
        home.read("box").len(),
        before,
        "hidden while somebody has it open"
    );
    assert_eq!(home.mailutil_count("box"), 5);
    home.mugo_done(&["flag", "box", "2", "+\\Deleted"]);
    home.mailutil_prune("box");
    assert_eq!(
        checker::serials(&agreed(&home, "box", "prune")),
        [1, 4, 5, 6]
    );
    pause();
    let _ = watching.kill();
    let mut told = String::new();
    let mut pipe = watching.stdout.take().expect("piped");
    pipe.read_to_string(&mut told).expect("read");
    let _ = watching.wait();
    for wanted in ["Flagged", "work", "\"messages\":6", "xpunged"] {
        assert!(told.contains(wanted), "{wanted} is not in {told}");
    }
    home.mugo_done(&["expunge", "box"]);
    assert!(
        home.read("box").len() < before,
        "the last one reclaims the space"
    );
}
