//! The real program against real Dovecot, as scripts use it.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::dovecot::{Dovecot, Format, dovecot};
use crate::home::Home;

/// A user's home, and the names of mailboxes of that user.
fn user(server: &Dovecot, format: Format) -> (Home, impl Fn(&str) -> String) {
    let user = server.user(format);
    let home = Home::new(&server.settings(&user));
    let front = server.name(&user, "");
    (home, move |mailbox: &str| format!("{front}{mailbox}"))
}

/// Appends messages with these subjects.
fn fill(home: &Home, mailbox: &str, subjects: &[&str]) {
    for subject in subjects {
        let text = format!("From: ann@example.org\nSubject: {subject}\n\nText of {subject}.\n");
        let ran = home.feed(&["append", mailbox], text.as_bytes());
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
}

fn field(rows: &[Value], name: &str) -> Vec<Value> {
    rows.iter().map(|row| row[name].clone()).collect()
}

#[test]
fn messages_come_back_as_they_were_appended() {
    let Some(server) = dovecot("messages_come_back_as_they_were_appended") else {
        return;
    };
    for format in Format::ALL {
        let (home, name) = user(server, format);
        let inbox = name("INBOX");
        let text = "Subject: one\r\nDate: Mon, 2 Mar 2026 11:00:00 +0000\r\n\r\n\
            a line\r\n.\r\nFrom me\r\n\u{e9} and {5}\r\n";
        let words = [
            "append",
            &inbox,
            "--flags",
            "\\Seen \\Flagged work",
            "--date",
            " 2-Mar-2026 10:20:31 +0100",
        ];
        let ran = home.feed(&[&["--json"], &words[..]].concat(), text.as_bytes());
        assert_eq!(ran.code, 0, "{}", ran.err);
        let appended: Value = serde_json::from_str(ran.out.trim()).expect("JSON");
        let shown = home.json(&["show", &inbox]);
        let [mailbox, message] = shown.as_slice() else {
            panic!("{shown:?}");
        };
        assert_eq!(mailbox["driver"], "imap");
        assert_eq!(mailbox["uid_validity"], appended["uid_validity"]);
        assert_eq!(message["uid"], appended["uid"]);
        assert_eq!(message["size"], text.len());
        assert_eq!(message["keywords"], json!(["work"]));
        // Servers keep the moment, and some of them its zone.
        let date = message["internal_date"].as_str().unwrap_or_default();
        assert!(
            ["2026-03-02T09:20:31+00:00", "2026-03-02T10:20:31+01:00"].contains(&date),
            "{date}"
        );
        assert_eq!(message["envelope"]["subject"], "one");
        assert_eq!(home.ok(&["read", "--raw", &inbox, "1"]), text);
        let status = home.json(&["status", &inbox]);
        assert_eq!(status[0]["messages"], 1);
        assert_eq!(status[0]["unseen"], 0);
    }
}

#[test]
fn flags_keywords_and_expunges_reach_the_server() {
    let Some(server) = dovecot("flags_keywords_and_expunges_reach_the_server") else {
        return;
    };
    for format in Format::ALL {
        let (home, name) = user(server, format);
        let inbox = name("INBOX");
        fill(&home, &inbox, &["a", "b", "c", "d"]);
        home.ok(&["flag", &inbox, "1:3", "+\\Deleted", "+todo"]);
        let told = home.json(&["flag", &inbox, "2", "-\\Deleted", "+\\Answered"]);
        assert_eq!(told[0]["flags"], json!(["\\Answered"]));
        assert_eq!(told[0]["keywords"], json!(["todo"]));
        // Only what is asked for goes, although another one is deleted too.
        assert_eq!(
            field(&home.json(&["expunge", &inbox, "3"]), "expunged"),
            [3]
        );
        assert_eq!(
            field(&home.json(&["show", &inbox, "1:*"])[1..], "uid"),
            [1, 2, 4]
        );
        assert_eq!(field(&home.json(&["expunge", &inbox]), "expunged"), [1]);
        assert_eq!(
            field(&home.json(&["search", &inbox, "KEYWORD todo"]), "uid"),
            [2]
        );
        let deleted = home.run(&["expunge", &inbox, "1"]);
        assert_eq!((deleted.code, deleted.out.as_str()), (0, ""));
    }
}

#[test]
fn searches_find_what_the_program_itself_would_find() {
    let Some(server) = dovecot("searches_find_what_the_program_itself_would_find") else {
        return;
    };
    let (home, name) = user(server, Format::Maildir);
    let inbox = name("INBOX");
    fill(&home, &inbox, &["apples", "pears", "gr\u{fc}n"]);
    home.ok(&["flag", &inbox, "2", "+\\Flagged"]);
    home.ok(&["transfer", &inbox, "here"]);
    for criteria in [
        "ALL",
        "NOT FLAGGED",
        "OR SUBJECT apples SUBJECT pears",
        "SUBJECT gr\u{fc}n",
        "BODY \"Text of pears\"",
        "TEXT \"gr\u{fc}n.\"",
        "LARGER 10 SMALLER 10000",
        "HEADER From ann@",
        "2:*",
        "NOT (UID 1 UNFLAGGED)",
        "SINCE 1-Jan-2020 BEFORE 1-Jan-2097",
        "SUBJECT \"a\\\"b\\\\\"",
    ] {
        let there = field(&home.json(&["search", &inbox, criteria]), "msgno");
        let here = field(&home.json(&["search", "here", criteria]), "msgno");
        assert_eq!(there, here, "{criteria}");
    }
}

#[test]
fn mailboxes_are_made_listed_renamed_and_removed() {
    let Some(server) = dovecot("mailboxes_are_made_listed_renamed_and_removed") else {
        return;
    };
    for format in Format::ALL {
        let (home, name) = user(server, format);
        let list = |pattern: &str| {
            let mut found = field(&home.json(&["list", &name(pattern)]), "name");
            found.sort_by_key(ToString::to_string);
            found
        };
        home.ok(&["create", &name("Entw\u{fc}rfe")]);
        home.ok(&["create", &name("a & b")]);
        assert_eq!(
            list("*"),
            [
                json!(name("Entw\u{fc}rfe")),
                json!(name("INBOX")),
                json!(name("a &- b"))
            ]
        );
        fill(&home, &name("Entw\u{fc}rfe"), &["x"]);
        home.ok(&["rename", &name("Entw\u{fc}rfe"), &name("z \"q\" \\ {5}")]);
        let renamed = home.json(&["status", &name("z \"q\" \\ {5}")]);
        assert_eq!(renamed[0]["messages"], 1);
        home.ok(&["subscribe", &name("a &- b")]);
        let subscribed = home.json(&["list", "--subscribed", &name("*")]);
        assert_eq!(field(&subscribed, "name"), [name("a &- b")]);
        home.ok(&["unsubscribe", &name("a &- b")]);
        assert!(home.json(&["list", "--subscribed", &name("*")]).is_empty());
        home.ok(&["delete", &name("a &- b")]);
        for words in [
            &["delete", &name("nowhere")][..],
            &["show", &name("nowhere")],
            &["status", &name("nowhere")],
            &["copy", &name("z \"q\" \\ {5}"), "1", &name("nowhere")],
        ] {
            let ran = home.run(words);
            assert_eq!(ran.code, 1, "{words:?}");
            assert!(
                ran.err.contains("no such mailbox"),
                "{words:?}: {}",
                ran.err
            );
        }
        let twice = home.run(&["create", &name("z \"q\" \\ {5}")]);
        assert!(twice.err.contains("exists already"), "{}", twice.err);
        let root = home.json(&["list", &name(""), ""]);
        assert_eq!(root[0]["delimiter"], "/");
    }
}

#[test]
fn copies_and_moves_stay_on_the_server_or_go_anywhere() {
    let Some(server) = dovecot("copies_and_moves_stay_on_the_server_or_go_anywhere") else {
        return;
    };
    let (home, name) = user(server, Format::Maildir);
    let (other, there) = user(server, Format::Mbox);
    let inbox = name("INBOX");
    fill(&home, &inbox, &["a", "b", "c"]);
    home.ok(&["flag", &inbox, "2", "+\\Flagged", "+work"]);
    let copied = home.json(&["copy", "--create", &inbox, "2:3", &name("made")]);
    assert_eq!(field(&copied, "uid"), [1, 2]);
    assert_eq!(
        field(&home.json(&["show", &name("made"), "1"])[1..], "keywords"),
        [json!(["work"])]
    );
    home.json(&["move", &inbox, "1", &name("made")]);
    assert_eq!(home.json(&["status", &inbox])[0]["messages"], 2);
    home.ok(&["move", "--create", &inbox, "1", "here"]);
    assert_eq!(home.json(&["show", "here"])[1]["keywords"], json!(["work"]));
    home.ok(&["move", "--create", "here", "1", &name("back")]);
    let back = home.json(&["show", &name("back")]);
    assert_eq!(back[1]["flags"], json!(["\\Flagged", "\\Recent"]));
    assert_eq!(home.json(&["status", "here"])[0]["messages"], 0);
    // To another user, by way of this program: both accounts are in its settings.
    let settings = std::fs::read_to_string(other.path("config.toml")).expect("settings");
    let both = settings.replace("accounts.it", "accounts.other")
        + &std::fs::read_to_string(home.path("config.toml"))
            .expect("settings")
            .lines()
            .skip(2)
            .map(|line| format!("{line}\n"))
            .collect::<String>();
    home.write("config.toml", &both);
    let receipt = home.ok(&["transfer", &name("made"), &there("all")]);
    assert!(receipt.contains("content   3 of 3 the same"), "{receipt}");
    assert!(receipt.contains("keywords  3 of 3 the same"), "{receipt}");
}

#[test]
fn what_others_do_shows_at_once() {
    let Some(server) = dovecot("what_others_do_shows_at_once") else {
        return;
    };
    let (home, name) = user(server, Format::Maildir);
    let inbox = name("INBOX");
    fill(&home, &inbox, &["a", "b"]);
    let mut watch = home.start(&["--json", "watch", &inbox, "--for", "20"]);
    let mut lines = BufReader::new(watch.stdout.take().expect("an output")).lines();
    let mut next = |wanted: &str| -> Value {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(15) {
            let line = lines.next().expect("an event").expect("text");
            let event: Value = serde_json::from_str(&line).expect("JSON");
            if event["event"] == wanted {
                return event;
            }
        }
        panic!("no {wanted}");
    };
    assert_eq!(next("exists")["messages"], 2);
    fill(&home, &inbox, &["c"]);
    assert_eq!(next("exists")["messages"], 3);
    home.ok(&["flag", &inbox, "2", "+\\Deleted"]);
    assert_eq!(next("flags")["uid"], 2);
    home.ok(&["expunge", &inbox]);
    assert_eq!(next("expunged")["msgno"], 2);
    let _ = watch.kill();
    let _ = watch.wait();
}

#[test]
fn a_large_message_is_read_in_pieces() {
    let Some(server) = dovecot("a_large_message_is_read_in_pieces") else {
        return;
    };
    let (home, name) = user(server, Format::Maildir);
    let inbox = name("INBOX");
    let line = "0123456789".repeat(7);
    let body: String = (0..60_000)
        .map(|number| format!("{number} {line}\r\n"))
        .collect();
    let text = format!("Subject: large\r\n\r\n{body}");
    let ran = home.feed(&["append", &inbox], text.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(home.ok(&["read", "--raw", &inbox, "1"]), text);
    home.ok(&["copy", "--create", &inbox, "1", "here"]);
    assert_eq!(home.ok(&["read", "--raw", "here", "1"]), text);
}

#[test]
fn a_wrong_password_is_told_and_tried_once() {
    let Some(server) = dovecot("a_wrong_password_is_told_and_tried_once") else {
        return;
    };
    let user = server.user(Format::Maildir);
    let settings = server.settings(&user).replace("-pw", "-wrong");
    let home = Home::new(&settings);
    let ran = home.run(&["status", &server.name(&user, "INBOX")]);
    assert_eq!(ran.code, 77);
    assert!(ran.err.contains("does not let"), "{}", ran.err);
    assert!(!ran.err.contains("wrong"), "{}", ran.err);
}

#[test]
fn servers_sort_as_we_do() {
    let Some(server) = dovecot("servers_sort_as_we_do") else {
        return;
    };
    let user = server.user(Format::Maildir);
    let settings = server.settings(&user);
    let (home, here) = (
        Home::new(&settings),
        Home::new(&format!("{settings}disable = [\"SORT\"]\n")),
    );
    let inbox = server.name(&user, "INBOX");
    for (from, to, subject, date, lines) in [
        (
            "bob@b",
            "zoe@x",
            "Re: pears",
            "2 Mar 2026 10:00:00 +0000",
            3,
        ),
        ("ann@c", "yan@x", "apples", "1 Mar 2026 10:00:00 +0000", 9),
        (
            "Ann <ann@a>",
            "xia@x",
            "Fwd: apples",
            "3 Mar 2026 10:00:00 +0000",
            1,
        ),
        (
            "carl@a",
            "zoe@y",
            "[list] Re: plums",
            "2 Mar 2026 09:59:00 +0000",
            1,
        ),
    ] {
        let text = format!(
            "From: {from}\nTo: {to}\nSubject: {subject}\nDate: {date}\n\n{}",
            "a line\n".repeat(lines)
        );
        let ran = home.feed(&["append", &inbox], text.as_bytes());
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    for key in ["arrival", "date", "from", "subject", "size", "to"] {
        let forward = ["index", &inbox, "--sort", key];
        let backward = ["index", &inbox, "--sort", key, "--reverse"];
        assert_eq!(home.ok(&forward), here.ok(&forward), "{key}");
        assert_eq!(home.ok(&backward), here.ok(&backward), "{key}");
    }
    let words = ["index", &inbox, "--sort", "size"];
    let sizes = home.ok(&words);
    let first: Vec<&str> = sizes
        .lines()
        .map(|line| line.split_whitespace().nth(1).unwrap_or_default())
        .collect();
    assert_eq!(first.last(), Some(&"2"), "{sizes}");
}

#[test]
fn a_server_that_sorts_oddly_hides_no_message() {
    for (what, sorted, expected) in [
        ("all", "S: * SORT 9 7 8\nS: TAG OK\n", ["9", "7", "8"]),
        (
            "twice and unknown",
            "S: * SORT 9 9 77 7\nS: TAG OK\n",
            ["9", "7", "8"],
        ),
        ("nothing", "S: TAG OK\n", ["7", "8", "9"]),
    ] {
        let message = |number: u32, uid: u32, size: u32| {
            format!(
                "S: * {number} FETCH (UID {uid} FLAGS () INTERNALDATE \" 2-Mar-2026 10:20:31 +0100\" RFC822.SIZE {size})\n"
            )
        };
        let header = |number: u32, uid: u32| {
            format!(
                "R: * {number} FETCH (UID {uid} BODY[HEADER.FIELDS (SUBJECT)] {{14}}\\r\\nSubject: x{uid}\\r\\n\\r\\n)\\r\\n\n"
            )
        };
        let script = crate::script::Script::play(&format!(
            "S: * PREAUTH [CAPABILITY IMAP4rev1 SORT] hi\n\
             C: TAG *\nS: * 3 EXISTS\nS: * OK [UIDVALIDITY 5] x\nS: TAG OK [READ-ONLY] done\n\
             C: TAG *\n{}{}{}S: TAG OK\n\
             C: TAG UID SORT (SUBJECT) UTF-8 ALL\n{sorted}\
             C: TAG *\n{}{}{}S: TAG OK\nC: TAG *\nS: TAG OK\nC: TAG *\nS: TAG OK\n",
            message(1, 7, 20),
            message(2, 8, 30),
            message(3, 9, 10),
            header(1, 7),
            header(2, 8),
            header(3, 9),
        ));
        let home = Home::new("");
        let words = [
            "--json",
            "index",
            "-o",
            &script.name("/notls"),
            "--sort",
            "subject",
        ];
        let ran = home.run(&words);
        assert_eq!(ran.code, 0, "{what}: {ran:?} {:?}", script.heard());
        let uids: Vec<String> = ran
            .out
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter_map(|row| Some(row.get("uid")?.to_string()))
            .collect();
        assert_eq!(uids, expected, "{what}: {ran:?}");
    }
}

#[test]
fn a_trace_tells_what_is_said_and_no_secret() {
    let Some(server) = dovecot("a_trace_tells_what_is_said_and_no_secret") else {
        return;
    };
    let user = server.user(Format::Maildir);
    let home = Home::new(&server.settings(&user));
    let inbox = server.name(&user, "INBOX");
    let text = "From: ann@example.org\n\nnobody else reads this\n";
    home.feed(&["append", &inbox], text.as_bytes());
    let secret = format!("{user}-pw");
    for mechanism in ["plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256"] {
        let name = inbox.replace("/user", &format!("/auth={mechanism}/user"));
        let trace = home.path("trace");
        let file = trace.to_string_lossy().into_owned();
        home.ok(&["--trace", &file, "read", &name, "1"]);
        let told = std::fs::read_to_string(&trace).expect("a trace");
        let verb = format!(
            "AUTHENTICATE {} <suppressed>",
            mechanism.to_ascii_uppercase()
        );
        assert!(told.contains(&verb), "{told}");
        assert!(
            told.contains("EXAMINE INBOX") && told.contains("S: * 1 EXISTS"),
            "{told}"
        );
        let encoded = base64::prelude::Engine::encode(&base64::prelude::BASE64_STANDARD, &secret);
        let plain = format!("\0{user}\0{secret}");
        let plain = base64::prelude::Engine::encode(&base64::prelude::BASE64_STANDARD, plain);
        for hidden in [&secret, &encoded, &plain, "nobody else"] {
            assert!(!told.contains(hidden), "{mechanism}: {hidden} in {told}");
        }
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &trace.metadata().expect("there").permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(&trace).expect("removed");
    }
    let ran = home.run(&["--trace", "/nowhere/at/all", "status", &inbox]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--trace /nowhere/at/all: "), "{}", ran.err);
}

#[test]
fn tokens_open_a_mailbox_and_wrong_ones_do_not() {
    let Some(server) = dovecot("tokens_open_a_mailbox_and_wrong_ones_do_not") else {
        return;
    };
    let user = server.user(Format::Maildir);
    let other = server.user(Format::Maildir);
    let inbox = server.name(&user, "INBOX");
    let settings = |token: &str| {
        server.settings(&user).replace(
            &format!("password-command = [\"echo\", \"{user}-pw\"]"),
            &format!("token-command = [\"echo\", \"{token}\"]"),
        )
    };
    let good = format!("{}{user}", crate::dovecot::TOKEN);
    let home = Home::new(&settings(&good));
    home.feed(&["append", &inbox], b"Subject: one\n\none\n");
    let trace = home.path("trace");
    let file = trace.to_string_lossy().into_owned();
    for mechanism in ["oauthbearer", "xoauth2", ""] {
        let name = match mechanism {
            "" => inbox.clone(),
            name => inbox.replace("/user", &format!("/auth={name}/user")),
        };
        let rows = home.json(&["--trace", &file, "status", &name]);
        assert_eq!(rows[0]["messages"], 1, "{mechanism}");
    }
    let told = std::fs::read_to_string(&trace).expect("a trace");
    for said in [
        "AUTHENTICATE OAUTHBEARER <suppressed>",
        "AUTHENTICATE XOAUTH2 <suppressed>",
    ] {
        assert!(told.contains(said), "{told}");
    }
    assert!(
        !told.contains(&good) && !told.contains("SCRAM-SHA-256 <"),
        "{told}"
    );
    // A token that is not good, one of somebody else, and no encryption.
    for token in ["spoiled", &format!("{}{other}", crate::dovecot::TOKEN)] {
        let home = Home::new(&settings(token));
        for mechanism in ["oauthbearer", "xoauth2"] {
            let name = inbox.replace("/user", &format!("/auth={mechanism}/user"));
            let ran = home.run(&["status", &name]);
            assert_eq!(ran.code, 77, "{mechanism} {token}: {ran:?}");
        }
    }
}

#[test]
fn who_has_little_room_left_is_told() {
    let Some(server) = dovecot("who_has_little_room_left_is_told") else {
        return;
    };
    let user = server.cramped(Format::Maildir);
    let home = Home::new(&server.settings(&user));
    let name = server.name(&user, "INBOX");
    let append = |kilobytes: usize| {
        let line = "some text of 64 bytes, which does not get any shorter than this\n";
        let text = format!("Subject: x\n\n{}", line.repeat(kilobytes * 16));
        home.feed(&["append", &name], text.as_bytes())
    };
    let told = || home.run(&["watch", &name, "--for", "2"]).err;
    assert_eq!(append(50).code, 0);
    assert!(!told().contains("room for your mail"), "{}", told());
    assert_eq!(append(45).code, 0);
    let said = told();
    assert_eq!(
        said.matches("% of the room for your mail is used").count(),
        1,
        "{said}"
    );
    assert!(said.contains("of 100 KB"), "{said}");
    // So is who has to ask for news.
    let settings = format!("{}disable = [\"IDLE\"]\n", server.settings(&user));
    let polling = Home::new(&settings);
    let said = polling.run(&["watch", &name, "--for", "5"]).err;
    assert!(said.contains("of 100 KB"), "{said}");
    // What has no room is refused, and what was there stays.
    let ran = append(20);
    assert!(ran.code != 0 && ran.err.contains("no room"), "{ran:?}");
    assert_eq!(home.json(&["status", &name])[0]["messages"], 2);
}

#[test]
fn the_doctor_visits_every_account() {
    let Some(server) = dovecot("the_doctor_visits_every_account") else {
        return;
    };
    let user = server.user(Format::Maildir);
    let settings = server.settings(&user);
    let here = format!("{{localhost:{}/user={user}}}", server.port);
    let home = Home::new(&format!(
        "{}[accounts.away]\nserver = \"{{localhost:9/user={user}}}\"\n\
         [accounts.wrong]\nserver = \"{{127.0.0.1:{}/novalidate-cert/user={user}}}\"\npassword-command = [\"echo\", \"no\"]\n",
        settings.replace(&format!("{{localhost/user={user}}}"), &here),
        server.port
    ));
    let ran = home.run(&["--json", "doctor"]);
    let rows: Vec<Value> = ran
        .out
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|row: &Value| row["check"] == "account")
        .collect();
    let found: Vec<(bool, &str)> = rows
        .iter()
        .map(|row| {
            (
                row["ok"] == true,
                row["detail"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(found.len(), 3, "{ran:?}");
    assert!(
        !found[0].0 && found[0].1.starts_with("away ") && found[0].1.contains("port 9"),
        "{found:?}"
    );
    let said = format!("logged in as {user}, IMAP4rev1, encrypted; the server tells news");
    assert!(found[1].0 && found[1].1.contains(&said), "{found:?}");
    assert!(
        !found[2].0 && found[2].1.contains("does not let"),
        "{found:?}"
    );
}
