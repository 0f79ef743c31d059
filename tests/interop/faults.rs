//! The real program killed from outside at its Nth system call (safety.md's promise: nothing lost, doubled, damaged).
//!
//! strace counts calls per thread and per kind; so a first run counts them, and each pair of kind and number is a point.
//! After the kill Mugo opens the mailbox once more; then the checker and c-client must both find it whole.

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;

use crate::checker::{self, Found};
use crate::home::{Home, finish};
use crate::peers;

const KINDS: [&str; 16] = [
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "fsync",
    "fdatasync",
    "ftruncate",
    "fallocate",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "link",
    "linkat",
    "copy_file_range",
];

/// A call of some kind, by number, at which the program is stopped.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) kind: String,
    pub(crate) number: u32,
}

/// Counts the calls that `words` makes and gives the points: all at night, else about `few`, evenly spread.
pub(crate) fn points(home: &Home, words: &[&str], few: usize) -> Vec<Point> {
    let log = home.path("state").join("calls");
    let shown = log.display().to_string();
    let trace = format!("trace={}", KINDS.join(","));
    let output = traced(home, &["-o", &shown, "-e", &trace], words);
    assert!(
        output.status.success(),
        "{words:?} under strace: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = fs::read_to_string(&log).expect("strace wrote its log");
    fs::remove_file(&log).expect("the log can be removed");
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(thread), Some(call)) = (words.next(), words.next()) else {
            continue;
        };
        if let Some((kind, _)) = call.split_once('(') {
            *counts
                .entry((kind.to_owned(), thread.to_owned()))
                .or_default() += 1;
        }
    }
    let mut most: BTreeMap<String, u32> = BTreeMap::new();
    for ((kind, _), count) in counts {
        let entry = most.entry(kind).or_default();
        *entry = count.max(*entry);
    }
    let all: Vec<Point> = most
        .into_iter()
        .flat_map(|(kind, count)| {
            (1..=count).map(move |number| Point {
                kind: kind.clone(),
                number,
            })
        })
        .collect();
    assert!(
        !all.is_empty(),
        "{words:?} makes no call at which it could be stopped"
    );
    let step = if peers::night() {
        1
    } else {
        all.len().div_ceil(few)
    };
    all.into_iter().step_by(step).collect()
}

/// Runs `words` and lets strace send `signal` at `point`.
pub(crate) fn stopped(home: &Home, words: &[&str], point: &Point, signal: &str) -> Output {
    let inject = format!(
        "inject={}:signal={signal}:when={}",
        point.kind, point.number
    );
    let trace = format!("trace={}", point.kind);
    traced(
        home,
        &["-o", "/dev/null", "-e", &trace, "-e", &inject],
        words,
    )
}

fn traced(home: &Home, options: &[&str], words: &[&str]) -> Output {
    let mugo = home.mugo_words(words);
    let mut all = vec!["strace", "-f", "-qq"];
    all.extend(options);
    all.extend(mugo.iter().map(String::as_str));
    finish(home.command(&all), None)
}

/// Stops `words` at each point and holds the mailbox against `fine` after Mugo opened it again.
fn kill_everywhere(start: &[u8], words: &[&str], fine: impl Fn(&[Found]) -> Result<(), String>) {
    let home = Home::new();
    home.write("letter", checker::letter(5_000).as_bytes());
    home.write("box", start);
    for point in points(&home, words, 10) {
        home.write("box", start);
        stopped(&home, words, &point, "KILL");
        let again = home.mugo(&["flag", "box", "1", "+\\Flagged"]);
        let complaint = String::from_utf8_lossy(&again.stderr).into_owned();
        assert!(
            again.status.success(),
            "opening after a kill at {point:?}: {complaint}"
        );
        let found = checker::read(&home.read("box"))
            .unwrap_or_else(|why| panic!("kill at {point:?}: {why}"));
        if let Err(why) = fine(&found) {
            panic!("kill at {point:?}: {why}");
        }
        assert_eq!(
            home.mailutil_count("box"),
            found.len(),
            "c-client's view after a kill at {point:?}"
        );
        assert!(
            !home.path("box.lock").exists(),
            "a lock was left after a kill at {point:?}"
        );
    }
}

fn size() -> u32 {
    if peers::night() { 1_000 } else { 300 }
}

fn expect_serials(found: &[Found], choices: &[Vec<u32>]) -> Result<(), String> {
    let serials = checker::serials(found);
    if choices.contains(&serials) {
        return Ok(());
    }
    Err(format!(
        "{} messages, which is neither the old nor the new state",
        serials.len()
    ))
}

#[test]
fn killed_while_appending() {
    if !peers::have("killed_while_appending", &["strace", "setpriv", "mailutil"]) {
        return;
    }
    let old: Vec<u32> = (1..=size()).collect();
    let new: Vec<u32> = old.iter().copied().chain([5_000]).collect();
    kill_everywhere(
        &checker::checked(size()),
        &["append", "box", "letter"],
        |found| expect_serials(found, &[old.clone(), new.clone()]),
    );
}

#[test]
fn killed_while_flagging() {
    if !peers::have("killed_while_flagging", &["strace", "setpriv", "mailutil"]) {
        return;
    }
    let all: Vec<u32> = (1..=size()).collect();
    kill_everywhere(
        &checker::checked(size()),
        &["flag", "box", "2:*", "+\\Answered", "+work"],
        |found| {
            expect_serials(found, std::slice::from_ref(&all))?;
            let answered = found[1..]
                .iter()
                .filter(|message| message.letters.contains('A'))
                .count();
            let uids_kept = found
                .iter()
                .all(|message| message.uid == Some(message.serial));
            match (answered == 0 || answered == found.len() - 1, uids_kept) {
                (true, true) => Ok(()),
                (false, _) => Err(format!(
                    "{answered} of {} messages have the flag",
                    found.len() - 1
                )),
                (true, false) => Err("UIDs changed".to_owned()),
            }
        },
    );
}

#[test]
fn killed_while_expunging() {
    if !peers::have("killed_while_expunging", &["strace", "setpriv", "mailutil"]) {
        return;
    }
    let old: Vec<u32> = (1..=size()).collect();
    let new: Vec<u32> = (1..=size()).step_by(2).collect();
    kill_everywhere(&checker::checked(size()), &["expunge", "box"], |found| {
        expect_serials(found, &[old.clone(), new.clone()])
    });
}

#[test]
fn killed_at_the_first_opening() {
    if !peers::have(
        "killed_at_the_first_opening",
        &["strace", "setpriv", "mailutil"],
    ) {
        return;
    }
    let all: Vec<u32> = (1..=size()).collect();
    // A mailbox without any metadata grows at its first change, and every message moves.
    kill_everywhere(
        &checker::delivered(1, size()),
        &["flag", "box", "3", "+\\Flagged"],
        |found| expect_serials(found, std::slice::from_ref(&all)),
    );
}
