//! The real program against a server of every level: what it can do there, and that it asks for nothing that the level has not.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout};

use serde_json::{Value, json};

use crate::fake::{Fake, Level};
use crate::home::Home;

/// A kind of server: its level and its extensions.
type Kind = (Level, &'static [&'static str]);

/// Each level, rev1 both bare and with what servers of today have.
const KINDS: [Kind; 7] = [
    (Level::Imap1064, &[]),
    (Level::Imap2, &[]),
    (Level::Imap2bis, &[]),
    (Level::Imap4, &[]),
    (Level::Rev1, &[]),
    (
        Level::Rev1,
        &[
            "ESEARCH",
            "IDLE",
            "LITERAL+",
            "MOVE",
            "MULTIAPPEND",
            "UIDPLUS",
            "UNSELECT",
        ],
    ),
    (Level::Rev2, &[]),
];

const SETTINGS: &str = "[accounts.fake]\nserver = \"{127.0.0.1/user=ann}\"\n\
    password-command = [\"echo\", \"secret\"]\n";

const APPLES: &[u8] = b"From: Ann <ann@example.org>\r\nTo: robin@example.org\r\n\
    Subject: apples\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\n\r\nText of apples.\r\n";
const PEARS: &[u8] = b"From: bob@example.org\r\nSubject: pears\r\nX-Odd: (\"\\ {5}\r\n\r\n\
    Text of pears.\r\n.\r\n..\r\nFrom me\r\n\xe9 and {5}\r\n)\r\n* 1 EXISTS";
const PLUMS: &[u8] = b"From: ann@example.org\r\nSubject: plums\r\n\r\n";

/// A server and a home that knows its user.
struct World {
    kind: Kind,
    server: Fake,
    home: Home,
}

impl World {
    /// One with an empty INBOX.
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            server: Fake::start(kind.0, kind.1),
            home: Home::new(SETTINGS),
        }
    }

    /// One with three messages: a new one, one that was read, one with a flag and a keyword.
    fn filled(kind: Kind) -> Self {
        let world = Self::new(kind);
        world.server.deliver("INBOX", APPLES, &[]);
        world.server.deliver("INBOX", PEARS, &["\\Seen"]);
        world.server.deliver("INBOX", PLUMS, &["\\Flagged", "work"]);
        world
    }

    fn level(&self) -> Level {
        self.kind.0
    }

    /// Whether the server has this extension, or has it built in.
    fn has(&self, word: &str) -> bool {
        self.level() == Level::Rev2 || self.kind.1.contains(&word)
    }

    /// The name of a mailbox, as the program has it.
    fn name(&self, mailbox: &str) -> String {
        let port = self.server.port();
        format!("{{127.0.0.1:{port}/notls/user=ann}}{mailbox}")
    }

    /// The exact bytes of a message.
    fn raw(&self, mailbox: &str, number: usize) -> Vec<u8> {
        let number = number.to_string();
        let mut command = self.home.command(&["read", "--raw", mailbox, &number]);
        let output = command.output().expect("mugo runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?}: {said}", self.kind);
        output.stdout
    }

    /// Flags and keywords of the messages in INBOX, sorted.
    fn flags(&self) -> Vec<Vec<String>> {
        let messages = self.server.messages("INBOX").into_iter();
        let sorted = messages.map(|(_, mut flags, _)| {
            flags.sort();
            flags
        });
        sorted.collect()
    }

    /// The UIDs in INBOX.
    fn uids(&self) -> Vec<u32> {
        let messages = self.server.messages("INBOX").into_iter();
        messages.map(|message| message.0).collect()
    }

    /// The bytes of the messages in a mailbox.
    fn bytes(&self, mailbox: &str) -> Vec<Vec<u8>> {
        let messages = self.server.messages(mailbox).into_iter();
        messages.map(|message| message.2).collect()
    }

    /// Runs what must fail, with one sentence that tells of it.
    fn fails(&self, words: &[&str]) -> String {
        let ran = self.home.feed(words, b"Subject: x\n\nbody\n");
        assert_eq!(ran.code, 1, "{:?} {words:?}: {ran:?}", self.kind);
        assert_eq!(ran.err.lines().count(), 1, "{:?}: {}", self.kind, ran.err);
        assert!(ran.err.starts_with("mugo: "), "{}", ran.err);
        ran.err
    }

    /// Fails where the server was asked for what it has not, but for what shows that its level is an old one.
    fn kept_to_its_level(&self) {
        let probes: &[&str] = match self.level() {
            Level::Imap1064 | Level::Imap2 => &["CAPABILITY", "EXAMINE ", "FIND ALL.MAILBOXES "],
            Level::Imap2bis => &["CAPABILITY"],
            _ => &[],
        };
        for command in self.server.refused() {
            let is_probe = probes.iter().any(|probe| command.starts_with(*probe));
            assert!(is_probe, "{:?}: {command}", self.kind);
        }
    }
}

/// Kinds that can make mailboxes and append to them.
fn managing() -> impl Iterator<Item = Kind> {
    KINDS.into_iter().filter(|kind| kind.0 >= Level::Imap2bis)
}

fn field(rows: &[Value], name: &str) -> Vec<Value> {
    rows.iter().map(|row| row[name].clone()).collect()
}

/// The flags of a row, without the one that the session decides.
fn flags(row: &Value) -> Vec<&str> {
    let flags = row["flags"].as_array().expect("a list").iter();
    let names = flags.map(|flag| flag.as_str().expect("a name"));
    names.filter(|name| *name != "\\Recent").collect()
}

#[test]
fn a_mailbox_opens_at_every_level() {
    for kind in KINDS {
        let world = World::filled(kind);
        let inbox = world.name("INBOX");
        let before = world.server.messages("INBOX");
        let is_new = kind.0 >= Level::Imap4;
        let shown = world.home.json(&["show", &inbox]);
        let [mailbox, messages @ ..] = shown.as_slice() else {
            panic!("{kind:?}: nothing is shown");
        };
        assert_eq!(mailbox["driver"], "imap");
        assert_eq!(mailbox["messages"], 3, "{kind:?}");
        assert_eq!(mailbox["unseen"], 2, "{kind:?}");
        assert_eq!(mailbox["uid_validity"].is_u64(), is_new, "{kind:?}");
        assert_eq!(field(messages, "uid"), [1, 2, 3], "{kind:?}");
        let sizes = [APPLES.len(), PEARS.len(), PLUMS.len()];
        assert_eq!(field(messages, "size"), sizes, "{kind:?}");
        let subjects = messages.iter().map(|row| &row["envelope"]["subject"]);
        let subjects: Vec<&Value> = subjects.collect();
        assert_eq!(subjects, ["apples", "pears", "plums"], "{kind:?}");
        let date = match is_new {
            true => "2026-03-02T10:20:31+01:00",
            false => "2026-03-02T10:20:31-05:00",
        };
        assert_eq!(field(messages, "internal_date"), [date; 3], "{kind:?}");
        assert_eq!(flags(&messages[1]), ["\\Seen"], "{kind:?}");
        assert_eq!(flags(&messages[2]), ["\\Flagged"], "{kind:?}");
        assert_eq!(messages[2]["keywords"], json!(["work"]), "{kind:?}");
        let lines = world.home.json(&["index", &inbox]);
        assert_eq!(field(&lines, "msgno"), [1, 2, 3], "{kind:?}");
        assert!(lines[1]["line"].to_string().contains("pears"), "{kind:?}");
        assert_eq!(world.server.messages("INBOX"), before, "{kind:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn a_mailbox_is_counted_at_every_level() {
    for kind in KINDS {
        let world = World::filled(kind);
        let rows = world.home.json(&["status", &world.name("INBOX")]);
        let row = &rows[0];
        assert_eq!(row["messages"], 3, "{kind:?}");
        assert_eq!(row["unseen"], 2, "{kind:?}");
        let uid_next = (kind.0 >= Level::Rev1).then_some(4);
        assert_eq!(row["uid_next"], json!(uid_next), "{kind:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn a_mailbox_that_is_missing_is_refused_at_every_level() {
    for kind in KINDS {
        let world = World::new(kind);
        let name = world.name("nowhere");
        for words in [&["show", &name][..], &["status", &name]] {
            let said = world.fails(words);
            assert!(said.to_lowercase().contains("no such mailbox"), "{said}");
        }
        assert_eq!(world.server.mailboxes(), ["INBOX"], "{kind:?}");
        // Searches that were sent along with the opening find nothing open.
        for command in world.server.refused() {
            let is_late = command.starts_with("UID SEARCH RETURN (ALL) ");
            assert!(is_late || kind.0 < Level::Rev1, "{kind:?}: {command}");
        }
    }
}

#[test]
fn messages_are_read_as_they_are_and_stay_as_they_were() {
    // More than one piece, where pieces can be asked for.
    let line = b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
    let long = [b"Subject: long\r\n\r\n".to_vec(), line.repeat(6000)].concat();
    for kind in KINDS {
        let world = World::filled(kind);
        world.server.deliver("INBOX", &long, &[]);
        let inbox = world.name("INBOX");
        let before = world.server.messages("INBOX");
        for (place, (_, _, bytes)) in before.iter().enumerate() {
            let read = world.raw(&inbox, place + 1);
            assert!(read == *bytes, "{kind:?}: message {} differs", place + 1);
        }
        let header = world.home.ok(&["read", "--raw", "--headers", &inbox, "3"]);
        assert_eq!(header.as_bytes(), PLUMS, "{kind:?}");
        let text = world.home.ok(&["read", &inbox, "1"]);
        assert!(text.contains("Text of apples."), "{kind:?}: {text}");
        assert_eq!(world.server.messages("INBOX"), before, "{kind:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn nothing_outside_the_level_is_sent() {
    for kind in KINDS {
        let world = World::filled(kind);
        world.server.deliver("Saved", PLUMS, &[]);
        let (inbox, saved) = (world.name("INBOX"), world.name("Saved"));
        for words in [
            &["status", &inbox][..],
            &["show", &inbox],
            &["index", &inbox, "--sort", "subject"],
            &["search", &inbox, "OR UNSEEN (NOT FROM ann LARGER 3)"],
            &["read", &inbox, "1"],
            &["flag", &inbox, "2:3", "+\\Deleted", "-work"],
            &["copy", &inbox, "1", &saved],
            &["move", &saved, "1", &inbox],
            &["expunge", &inbox],
            &["transfer", &inbox, "here"],
            &["list", &world.name("*")],
        ] {
            // Whether each succeeds is asked elsewhere.
            world.home.run(words);
        }
        world.kept_to_its_level();
        let log = world.server.log();
        let by_uid = log.iter().filter(|it| it.starts_with("UID ")).count();
        assert_eq!(by_uid > 0, kind.0 >= Level::Imap4, "{kind:?}: {log:?}");
        let logins: Vec<&String> = log.iter().filter(|it| it.starts_with("LOGIN ")).collect();
        let expected = "LOGIN ann \"secret\"";
        let all_same = logins.iter().all(|login| *login == expected);
        assert!(!logins.is_empty() && all_same, "{kind:?}: {logins:?}");
    }
}

#[test]
fn a_wrong_password_is_told_at_every_level() {
    for kind in KINDS {
        let world = World::new(kind);
        let settings = SETTINGS.replace("secret", "guess");
        world.home.write("config.toml", &settings);
        let ran = world.home.run(&["status", &world.name("INBOX")]);
        assert_eq!(ran.code, 77, "{kind:?}: {}", ran.err);
        assert!(ran.err.contains("Login failed"), "{kind:?}: {}", ran.err);
        let log = world.server.log();
        let logins = log.iter().filter(|it| it.starts_with("LOGIN "));
        assert_eq!(logins.count(), 1, "{kind:?}: {log:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn flags_and_keywords_are_changed_and_told() {
    for kind in KINDS {
        let world = World::filled(kind);
        let inbox = world.name("INBOX");
        let changes = ["+\\Flagged", "+work", "-\\Seen"];
        let words = [&["flag", &inbox, "1:2"][..], &changes].concat();
        let told = world.home.json(&words);
        assert_eq!(field(&told, "msgno"), [1, 2], "{kind:?}");
        for row in &told {
            assert_eq!(flags(row), ["\\Flagged"], "{kind:?}");
            assert_eq!(row["keywords"], json!(["work"]), "{kind:?}");
        }
        assert_eq!(world.flags(), [["\\Flagged", "work"]; 3], "{kind:?}");
        let words = ["flag", &inbox, "3", "-work", "-\\Flagged", "+\\Answered"];
        let told = world.home.json(&words);
        assert_eq!(flags(&told[0]), ["\\Answered"], "{kind:?}");
        assert_eq!(told[0]["keywords"], json!([]), "{kind:?}");
        assert_eq!(world.flags()[2], ["\\Answered"], "{kind:?}");
        // A keyword that nobody used yet goes where the server says that it may.
        let can = kind.0 >= Level::Imap4;
        let ran = world.home.run(&["flag", &inbox, "3", "+later"]);
        assert_eq!(ran.code, i32::from(!can), "{kind:?}: {}", ran.err);
        let is_there = world.flags()[2].iter().any(|flag| flag == "later");
        assert_eq!(is_there, can, "{kind:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn expunging_removes_what_is_deleted_and_nothing_else() {
    for kind in KINDS {
        let world = World::filled(kind);
        world.server.deliver("INBOX", APPLES, &[]);
        let inbox = world.name("INBOX");
        world.home.ok(&["flag", &inbox, "2,4", "+\\Deleted"]);
        // Some of what is deleted, where the server can choose.
        if world.has("UIDPLUS") {
            let gone = world.home.json(&["expunge", &inbox, "1:3"]);
            assert_eq!(field(&gone, "expunged"), [2], "{kind:?}");
            assert_eq!(world.uids(), [1, 3, 4], "{kind:?}");
            let gone = world.home.json(&["expunge", &inbox]);
            assert_eq!(field(&gone, "expunged"), [3], "{kind:?}");
        } else {
            world.fails(&["expunge", &inbox, "1:3"]);
            assert_eq!(world.uids(), [1, 2, 3, 4], "{kind:?}");
            let gone = world.home.json(&["expunge", &inbox]);
            assert_eq!(field(&gone, "expunged"), [2, 3], "{kind:?}");
        }
        assert_eq!(world.uids(), [1, 3], "{kind:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn searches_find_the_same_at_every_level() {
    for kind in KINDS {
        let world = World::filled(kind);
        let inbox = world.name("INBOX");
        let before = world.server.messages("INBOX");
        for (criteria, found) in [
            ("ALL", &[1, 2, 3][..]),
            ("UNSEEN", &[1, 3]),
            ("SEEN UNFLAGGED", &[2]),
            ("FROM bob", &[2]),
            ("NOT (FROM bob)", &[1, 3]),
            ("OR SEEN FLAGGED", &[2, 3]),
            ("KEYWORD work", &[3]),
            ("UNKEYWORD work UNSEEN", &[1]),
            ("SUBJECT APPLES", &[1]),
            ("SUBJECT \"a\\\"b\"", &[]),
            ("HEADER X-Odd {5}", &[2]),
            ("BODY \"text of pears\"", &[2]),
            ("TEXT robin", &[1]),
            ("SINCE 1-Mar-2026 BEFORE 4-Mar-2026", &[1, 2, 3]),
            ("BEFORE 1-Mar-2026", &[]),
            ("SENTON 2-Mar-2026", &[1]),
            ("LARGER 100", &[1, 2]),
            ("2:*", &[2, 3]),
        ] {
            let rows = world.home.json(&["search", &inbox, criteria]);
            assert_eq!(field(&rows, "msgno"), found, "{kind:?}: {criteria}");
        }
        assert_eq!(world.server.messages("INBOX"), before, "{kind:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn appended_messages_keep_what_the_level_has_room_for() {
    for kind in managing() {
        let world = World::new(kind);
        let (inbox, missing) = (world.name("INBOX"), world.name("missing"));
        let marks = [
            "--flags",
            "\\Seen work",
            "--date",
            "12-Jan-2026 10:00:00 +0100",
        ];
        let words = [&["--json", "append", &inbox][..], &marks].concat();
        let ran = world.home.feed(&words, b"Subject: x\n\nbody\n");
        assert_eq!(ran.code, 0, "{kind:?}: {}", ran.err);
        let row: Value = serde_json::from_str(ran.out.trim()).expect("JSON");
        let uid = world.has("UIDPLUS").then_some(1);
        assert_eq!(row["uid"], json!(uid), "{kind:?}");
        let stored = b"Subject: x\r\n\r\nbody\r\n";
        assert_eq!(world.bytes("INBOX"), [stored], "{kind:?}");
        let has_marks = kind.0 >= Level::Imap4;
        let flags: &[&str] = if has_marks { &["\\Seen", "work"] } else { &[] };
        assert_eq!(world.flags(), [flags], "{kind:?}");
        let shown = world.home.json(&["show", &inbox]);
        let date = match has_marks {
            true => "2026-01-12T10:00:00+01:00",
            false => "2026-03-02T10:20:31-05:00",
        };
        assert_eq!(shown[1]["internal_date"], date, "{kind:?}");
        world.fails(&["append", &missing]);
        assert_eq!(world.server.mailboxes(), ["INBOX"], "{kind:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn literals_go_unasked_where_the_server_takes_them() {
    for kind in managing() {
        let world = World::new(kind);
        let inbox = world.name("INBOX");
        let long = [b"Subject: x\r\n\r\n".to_vec(), vec![b'y'; 5000]].concat();
        let short = b"Subject: x\r\n\r\ny\r\n";
        for text in [&short[..], &long] {
            let ran = world.home.feed(&["append", &inbox], text);
            assert_eq!(ran.code, 0, "{kind:?}: {}", ran.err);
        }
        let takes_long = kind.1.contains(&"LITERAL+");
        let takes_short = takes_long || kind.0 == Level::Rev2;
        let log = world.server.log();
        let appends: Vec<&String> = log.iter().filter(|it| it.starts_with("APPEND ")).collect();
        let unasked = appends.iter().map(|it| it.ends_with("+}"));
        let unasked: Vec<bool> = unasked.collect();
        assert_eq!(unasked, [takes_short, takes_long], "{kind:?}: {appends:?}");
        let stored = world.bytes("INBOX");
        assert_eq!(stored[0], short, "{kind:?}");
        assert!(stored[1].starts_with(&long), "{kind:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn mailboxes_are_made_listed_renamed_and_removed() {
    for kind in managing() {
        let world = World::new(kind);
        let name = |mailbox: &str| world.name(mailbox);
        let list = |pattern: &str| {
            let mut found = field(&world.home.json(&["list", &name(pattern)]), "name");
            found.sort_by_key(ToString::to_string);
            found
        };
        let odd = "z \"q\" \\ x";
        world.home.ok(&["create", &name("Drafts")]);
        world.home.ok(&["create", &name("Old letters")]);
        world.fails(&["create", &name("Drafts")]);
        let made = ["Drafts", "INBOX", "Old letters"];
        assert_eq!(world.server.mailboxes(), made, "{kind:?}");
        assert_eq!(list("*"), made.map(name), "{kind:?}");
        assert_eq!(list("%ra%"), [name("Drafts")], "{kind:?}");
        world.server.deliver("Drafts", APPLES, &[]);
        world.home.ok(&["rename", &name("Drafts"), &name(odd)]);
        let rows = world.home.json(&["status", &name(odd)]);
        assert_eq!(rows[0]["messages"], 1, "{kind:?}");
        assert_eq!(list("z*"), [name(odd)], "{kind:?}");
        world.fails(&["rename", &name("Drafts"), &name("x")]);
        world.fails(&["rename", &name(odd), &name("Old letters")]);
        world.home.ok(&["delete", &name("Old letters")]);
        world.fails(&["delete", &name("Old letters")]);
        assert_eq!(world.server.mailboxes(), ["INBOX", odd], "{kind:?}");
        assert_eq!(world.bytes(odd), [APPLES], "{kind:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn subscriptions_are_kept_by_the_server() {
    for kind in managing() {
        let world = World::new(kind);
        world.server.deliver("Saved", APPLES, &[]);
        let (saved, all) = (world.name("Saved"), world.name("*"));
        let list = || field(&world.home.json(&["list", "--subscribed", &all]), "name");
        assert!(list().is_empty(), "{kind:?}");
        world.home.ok(&["subscribe", &saved]);
        assert_eq!(list(), [saved.as_str()], "{kind:?}");
        world.home.ok(&["unsubscribe", &saved]);
        assert!(list().is_empty(), "{kind:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn the_oldest_servers_list_mailboxes_and_change_none() {
    for kind in KINDS.into_iter().filter(|kind| kind.0 < Level::Imap2bis) {
        let world = World::filled(kind);
        world.server.deliver("Saved", APPLES, &[]);
        let (inbox, saved, new) = (world.name("INBOX"), world.name("Saved"), world.name("new"));
        let listed = world.home.json(&["list", &world.name("*")]);
        assert_eq!(field(&listed, "name"), [&*inbox, &saved], "{kind:?}");
        world.kept_to_its_level();
        let before = world.server.messages("INBOX");
        for words in [
            &["create", &new][..],
            &["delete", &saved],
            &["rename", &saved, &new],
            &["subscribe", &saved],
            &["append", &inbox],
            &["append", &new],
        ] {
            let said = world.fails(words);
            let is_clear = said.contains("server cannot") || said.contains("server refused");
            assert!(is_clear, "{kind:?} {words:?}: {said}");
        }
        assert_eq!(world.server.mailboxes(), ["INBOX", "Saved"], "{kind:?}");
        assert_eq!(world.server.messages("INBOX"), before, "{kind:?}");
        assert_eq!(world.bytes("Saved"), [APPLES], "{kind:?}");
    }
}

#[test]
fn copies_and_moves_stay_on_the_server() {
    for kind in KINDS {
        let world = World::filled(kind);
        world.server.deliver("Saved", APPLES, &[]);
        let (inbox, saved) = (world.name("INBOX"), world.name("Saved"));
        let copied = world.home.json(&["copy", &inbox, "2:3", &saved]);
        assert_eq!(field(&copied, "source_uid"), [2, 3], "{kind:?}");
        let uids = [2, 3].map(|uid| json!(world.has("UIDPLUS").then_some(uid)));
        assert_eq!(field(&copied, "uid"), uids, "{kind:?}");
        assert_eq!(world.bytes("Saved"), [APPLES, PEARS, PLUMS], "{kind:?}");
        assert_eq!(world.uids(), [1, 2, 3], "{kind:?}");
        let kept = world.server.messages("Saved").swap_remove(2).1;
        assert_eq!(kept, ["\\Flagged", "work"], "{kind:?}");
        world.home.ok(&["move", &inbox, "2", &saved]);
        assert_eq!(world.uids(), [1, 3], "{kind:?}");
        assert_eq!(world.bytes("Saved")[3], PEARS, "{kind:?}");
        let log = world.server.log();
        let uploads = log.iter().filter(|it| it.starts_with("APPEND "));
        assert_eq!(uploads.count(), 0, "{kind:?}: {log:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn copies_make_their_mailbox_only_where_that_is_asked_for() {
    for kind in KINDS {
        let world = World::filled(kind);
        let (inbox, new) = (world.name("INBOX"), world.name("new"));
        // The oldest servers make it unasked.
        if kind.0 >= Level::Imap2bis {
            world.fails(&["copy", &inbox, "1", &new]);
            assert_eq!(world.server.mailboxes(), ["INBOX"], "{kind:?}");
        }
        world.home.ok(&["copy", "--create", &inbox, "1", &new]);
        assert_eq!(world.bytes("new"), [APPLES], "{kind:?}");
        world.kept_to_its_level();
    }
}

#[test]
fn messages_go_to_local_mailboxes_whole() {
    for kind in KINDS {
        let world = World::filled(kind);
        let inbox = world.name("INBOX");
        let before = world.server.messages("INBOX");
        let words = ["copy", "--create", &inbox, "1,3", "here"];
        world.home.ok(&words);
        assert_eq!(world.raw("here", 1), APPLES, "{kind:?}");
        let shown = world.home.json(&["show", "here", "2"]);
        assert_eq!(flags(&shown[1]), ["\\Flagged"], "{kind:?}");
        assert_eq!(shown[1]["keywords"], json!(["work"]), "{kind:?}");
        assert_eq!(world.server.messages("INBOX"), before, "{kind:?}");
        world.kept_to_its_level();
    }
}

/// A watch, and what it tells.
struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    /// Begins one that ends by itself after half a minute.
    fn begin(world: &World) -> Self {
        let inbox = world.name("INBOX");
        let words = ["--json", "watch", &inbox, "--for", "30"];
        let mut child = world.home.start(&words);
        let output = child.stdout.take().expect("an output");
        let lines = BufReader::new(output).lines();
        Self { child, lines }
    }

    /// The next event of this name.
    fn next(&mut self, wanted: &str) -> Value {
        loop {
            let line = self.lines.next();
            let line = line.unwrap_or_else(|| panic!("it ended without {wanted}"));
            let line = line.expect("text");
            let event: Value = serde_json::from_str(&line).expect("JSON");
            if event["event"] == wanted {
                return event;
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// New mail, foreign flags and foreign expunges reach who watches.
fn news_is_told(kind: Kind) {
    let world = World::filled(kind);
    let mut watch = Watch::begin(&world);
    assert_eq!(watch.next("exists")["messages"], 3);
    world.server.deliver("INBOX", PLUMS, &[]);
    assert_eq!(watch.next("exists")["messages"], 4);
    let marks = ["\\Seen", "\\Answered"];
    world.server.set_flags_elsewhere("INBOX", 2, &marks);
    let event = watch.next("flags");
    assert_eq!(event["msgno"], 2);
    assert_eq!(flags(&event), marks);
    world.server.expunge_elsewhere("INBOX", 1);
    assert_eq!(watch.next("expunged")["msgno"], 1);
    // What comes next is counted rightly.
    world.server.deliver("INBOX", APPLES, &["\\Flagged"]);
    assert_eq!(watch.next("exists")["messages"], 4);
    drop(watch);
    world.kept_to_its_level();
    let idles = world.server.log().iter().any(|it| it == "IDLE");
    assert_eq!(idles, world.has("IDLE"), "{kind:?}");
}

#[test]
fn news_reaches_who_watches_by_idle() {
    news_is_told((Level::Rev1, &["IDLE"]));
}

#[test]
fn news_reaches_who_watches_a_server_of_rev2() {
    news_is_told((Level::Rev2, &[]));
}

#[test]
fn news_reaches_who_watches_without_idle() {
    news_is_told((Level::Rev1, &[]));
}

#[test]
fn news_reaches_who_watches_a_server_of_imap4() {
    news_is_told((Level::Imap4, &[]));
}

#[test]
fn news_reaches_who_watches_an_old_server() {
    news_is_told((Level::Imap2bis, &[]));
}
