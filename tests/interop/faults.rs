//! The real program killed from outside at its Nth system call (safety.md's promise: nothing lost, doubled, damaged).
//!
//! strace counts calls per thread and per kind; so a first run counts them, and each pair of kind and number is a point.
//! After the kill Mugo opens the mailbox once more; then the checker and c-client must both find it whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
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

/// Counts the calls that `words` makes and gives at most so many points, evenly spread.
pub(crate) fn points(home: &Home, words: &[&str], most: usize) -> Vec<Point> {
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
    let mut longest: BTreeMap<String, u32> = BTreeMap::new();
    for ((kind, _), count) in counts {
        let entry = longest.entry(kind).or_default();
        *entry = count.max(*entry);
    }
    let all: Vec<Point> = longest
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
    let step = all.len().div_ceil(most);
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
    let mut all = vec!["strace", "-f", "--seccomp-bpf", "-qq"];
    all.extend(options);
    all.extend(mugo.iter().map(String::as_str));
    finish(home.command(&all), None)
}

/// What so many kills did.
#[derive(Default)]
struct Tally {
    tried: usize,
    lost: usize,
    doubled: usize,
    damaged: usize,
    unopenable: usize,
    /// Neither the old state nor the new one, though every message is there.
    mixed: usize,
    complaints: Vec<String>,
}

impl Tally {
    /// Tells the figures, past the test harness, which would keep them to itself; fails unless all is well.
    fn tell(&self, name: &str) {
        let Self {
            tried,
            lost,
            doubled,
            damaged,
            unopenable,
            mixed,
            complaints,
        } = self;
        let figures = format!(
            "{name}: {tried} kills; {lost} messages lost, {doubled} doubled, {damaged} damaged; \
             {unopenable} times a program could not open it, {mixed} times half changed"
        );
        let _ = writeln!(std::io::stderr(), "{figures}");
        assert!(complaints.is_empty(), "{figures}\n{complaints:#?}");
    }

    fn note(&mut self, count: impl Fn(&mut Self) -> &mut usize, by: usize, what: String) {
        if by > 0 {
            *count(self) += by;
            self.complaints.push(what);
        }
    }
}

/// A change of box A in some format, during which the program is killed.
struct Trial<'a> {
    format: &'a str,
    /// The file to begin with, in traditional format.
    start: Vec<u8>,
    words: &'a [&'a str],
    /// The mailboxes to look at afterwards. More than one hold the messages together.
    boxes: &'a [&'a str],
    /// Serials that must be there whatever happens, in this order.
    must: Vec<u32>,
}

impl Trial<'_> {
    /// Kills at most `most` times. `fine` tells whether what is left is one of the states there may be.
    fn kill(&self, most: usize, fine: impl Fn(&[Vec<Found>]) -> Result<(), String>) {
        let home = Home::new();
        home.write("letter", checker::letter(5_000).as_bytes());
        let starts = self.set_up(&home);
        let points = points(&home, self.words, most);
        let mut tally = Tally::default();
        for point in points {
            for (name, start) in self.boxes.iter().zip(&starts) {
                start.restore(&home, name);
            }
            stopped(&home, self.words, &point, "KILL");
            tally.tried += 1;
            let found = self.look(&home, &format!("{point:?}"), &mut tally);
            if let Err(why) = fine(&found) {
                tally.note(|it| &mut it.mixed, 1, format!("{point:?}: {why}"));
            }
        }
        tally.tell(&format!("{} {}", self.format, self.words.join(" ")));
    }

    /// Makes the mailboxes; gives what they are at the start.
    fn set_up(&self, home: &Home) -> Vec<Start> {
        if self.format == "mh" {
            home.be_of_mh();
        }
        let first = checker::delivered(9_000, 1);
        let mut starts = Vec::new();
        for (name, bytes) in self.boxes.iter().zip([&self.start, &first]) {
            if self.format == "unix" {
                home.write(name, bytes);
            } else {
                home.write("delivered", bytes);
                let made = format!("#driver.{}/{name}", self.format);
                home.mugo_done(&["transfer", "delivered", &made]);
            }
            starts.push(Start::of(home, name));
        }
        starts
    }

    /// Opens what a kill left: Mugo first, then c-client; the checker reads it.
    fn look(&self, home: &Home, at: &str, tally: &mut Tally) -> Vec<Vec<Found>> {
        let mut all = Vec::new();
        let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
        for name in self.boxes {
            let again = home.mugo(&["flag", name, "1", "+\\Flagged"]);
            if !again.status.success() {
                let why = String::from_utf8_lossy(&again.stderr).into_owned();
                tally.note(|it| &mut it.unopenable, 1, format!("{at}, {name}: {why}"));
            }
            let locked = home.path(&format!("{name}.lock")).exists();
            assert!(!locked, "a lock was left at {at}");
            let examined = checker::examine(&self.as_unix(home, name));
            for why in examined.damages {
                tally.note(|it| &mut it.damaged, 1, format!("{at}, {name}: {why}"));
            }
            let counted = self.count(home, name);
            if counted != examined.found.len() {
                let why = format!("{at}, {name}: another program counts {counted}");
                tally.note(|it| &mut it.unopenable, 1, why);
            }
            for message in &examined.found {
                *seen.entry(message.serial).or_default() += 1;
            }
            all.push(examined.found);
        }
        let lost = self.must.iter().filter(|one| !seen.contains_key(one));
        let (lost, doubled) = (
            lost.count(),
            seen.values().filter(|&&many| many > 1).count(),
        );
        tally.note(|it| &mut it.lost, lost, format!("{at}: {lost} lost"));
        tally.note(
            |it| &mut it.doubled,
            doubled,
            format!("{at}: {doubled} doubled"),
        );
        all
    }

    /// The mailbox in traditional format; of others c-client makes a copy.
    fn as_unix(&self, home: &Home, name: &str) -> Vec<u8> {
        if self.format == "unix" {
            return home.read(name);
        }
        let copy = home.path("copy");
        if copy.exists() {
            fs::remove_file(&copy).expect("the last copy is removed");
        }
        if ["maildir", "mh"].contains(&self.format) {
            // What it says of flags c-client does not know.
            home.mugo_done(&["transfer", name, "#driver.unix/copy"]);
        } else {
            home.mailutil(&["copy", name, "#driver.unix/copy"]);
        }
        home.read("copy")
    }

    /// The messages that another program counts.
    fn count(&self, home: &Home, name: &str) -> usize {
        if self.format != "maildir" {
            return home.mailutil_count(name);
        }
        let folders = ["cur", "new"].map(|folder| home.path(name).join(folder));
        let files = folders
            .iter()
            .map(|path| fs::read_dir(path).expect("a folder").count());
        files.sum()
    }
}

/// A mailbox as it is at the start of a trial.
enum Start {
    File(Vec<u8>),
    /// A folder: where its copy is.
    Folder(String),
}

impl Start {
    fn of(home: &Home, name: &str) -> Self {
        if home.path(name).is_file() {
            return Self::File(home.read(name));
        }
        let copy = format!("start-{name}");
        finish(home.command(&["cp", "-a", name, &copy]), None);
        Self::Folder(copy)
    }

    fn restore(&self, home: &Home, name: &str) {
        match self {
            Self::File(bytes) => home.write(name, bytes),
            Self::Folder(copy) => {
                fs::remove_dir_all(home.path(name)).expect("removed");
                // Messages that went and came back would be new ones.
                let _none = fs::remove_dir_all(home.path(".local/state/mugo/mh"));
                let copied = finish(home.command(&["cp", "-a", copy, name]), None);
                assert!(copied.status.success(), "{copied:?}");
            }
        }
    }
}

/// The formats besides the traditional one: there is less of each.
const OTHERS: [&str; 8] = ["mmdf", "mbx", "tenex", "mtx", "maildir", "mx", "mh", "mix"];

/// Messages in box A, and kills in one test.
fn sizes(format: &str) -> (u32, usize) {
    match (format, peers::night()) {
        ("unix", false) => (1_000, 40),
        ("unix", true) => (1_000, 250),
        (_, false) => (300, 10),
        (_, true) => (1_000, 60),
    }
}

fn formats() -> impl Iterator<Item = &'static str> {
    std::iter::once("unix").chain(OTHERS)
}

fn is_one_of(found: &[Found], choices: &[&[u32]]) -> Result<(), String> {
    let serials = checker::serials(found);
    if choices.contains(&&serials[..]) {
        return Ok(());
    }
    let count = serials.len();
    Err(format!(
        "{count} messages, neither the old nor the new state"
    ))
}

fn have(test: &str) -> bool {
    peers::have(test, &["strace", "setpriv", "mailutil"])
}

#[test]
fn killed_while_appending() {
    if !have("killed_while_appending") {
        return;
    }
    for format in formats() {
        let (size, most) = sizes(format);
        let old: Vec<u32> = (1..=size).collect();
        let new = [&old[..], &[5_000]].concat();
        let trial = Trial {
            format,
            start: checker::checked(size),
            words: &["append", "box", "letter"],
            boxes: &["box"],
            must: old.clone(),
        };
        trial.kill(most, |found| is_one_of(&found[0], &[&old, &new]));
    }
}

#[test]
fn killed_while_flagging() {
    if !have("killed_while_flagging") {
        return;
    }
    for format in formats() {
        let (size, most) = sizes(format);
        let all: Vec<u32> = (1..=size).collect();
        let trial = Trial {
            format,
            start: checker::checked(size),
            words: &["flag", "box", "2:*", "+\\Answered", "+work"],
            boxes: &["box"],
            must: all.clone(),
        };
        trial.kill(most, |found| {
            is_one_of(&found[0], &[&all])?;
            flags_are_old_or_new(&found[0], format == "unix")
        });
    }
}

/// All messages but the first have the flag, or none has; and UIDs stay, where the checker sees them.
fn flags_are_old_or_new(found: &[Found], shows_uids: bool) -> Result<(), String> {
    let with = |message: &&Found| message.letters.contains('A');
    let answered = found[1..].iter().filter(with).count();
    if answered != 0 && answered != found.len() - 1 {
        let of = found.len() - 1;
        return Err(format!("{answered} of {of} messages have the flag"));
    }
    let kept = |message: &Found| message.uid == Some(message.serial);
    if shows_uids && !found.iter().all(kept) {
        return Err("UIDs changed".to_owned());
    }
    Ok(())
}

#[test]
fn killed_while_expunging() {
    if !have("killed_while_expunging") {
        return;
    }
    for format in formats() {
        let (size, most) = sizes(format);
        let old: Vec<u32> = (1..=size).collect();
        let new: Vec<u32> = (1..=size).step_by(2).collect();
        let trial = Trial {
            format,
            start: checker::checked(size),
            words: &["expunge", "box"],
            boxes: &["box"],
            must: new.clone(),
        };
        trial.kill(most, |found| is_one_of(&found[0], &[&old, &new]));
    }
}

#[test]
fn killed_at_the_first_opening() {
    if !have("killed_at_the_first_opening") {
        return;
    }
    let (size, most) = sizes("unix");
    let all: Vec<u32> = (1..=size).collect();
    // A mailbox without any metadata grows at its first change, and every message moves.
    let trial = Trial {
        format: "unix",
        start: checker::delivered(1, size),
        words: &["flag", "box", "3", "+\\Flagged"],
        boxes: &["box"],
        must: all.clone(),
    };
    trial.kill(most, |found| is_one_of(&found[0], &[&all]));
}

#[test]
fn killed_while_copying_and_while_moving() {
    if !have("killed_while_copying_and_while_moving") {
        return;
    }
    for format in formats() {
        let (size, most) = sizes(format);
        let old: Vec<u32> = (1..=size).collect();
        let carried: Vec<u32> = (2..=40).collect();
        let rest: Vec<u32> = old
            .iter()
            .copied()
            .filter(|one| !carried.contains(one))
            .collect();
        let there = [&[9_000], &carried[..]].concat();
        let trial = Trial {
            format,
            start: checker::checked(size),
            words: &["move", "box", "2:40", "other"],
            boxes: &["box", "other"],
            must: [&old[..], &[9_000]].concat(),
        };
        trial.kill(most, |found| {
            let before = is_one_of(&found[0], &[&old]).and(is_one_of(&found[1], &[&[9_000]]));
            before.or_else(|_| {
                is_one_of(&found[0], &[&rest])?;
                is_one_of(&found[1], &[&there])
            })
        });
    }
}
