//! Opening once more, and connections that are lost: what is known stays, only the difference is asked for, nothing is done twice.

use std::time::Duration;

use serde_json::Value;

use crate::dovecot::{Dovecot, Format, dovecot};
use crate::fake::{Fake, Level};
use crate::home::{Home, Watch};
use crate::proxy::Proxy;

/// What `show` says of every message, but for what a session alone knows.
fn shown(home: &Home, mailbox: &str) -> Vec<Value> {
    let mut rows = home.json(&["show", mailbox]);
    for row in &mut rows {
        if let Some(flags) = row.get_mut("flags").and_then(Value::as_array_mut) {
            flags.retain(|flag| flag != "\\Recent");
        }
        if let Some(row) = row.as_object_mut() {
            row.remove("recent");
            // A search cannot tell what nobody has asked for.
            row.remove("keywords")
                .filter(|_| row.contains_key("driver"));
        }
    }
    rows
}

fn many(home: &Home, mailbox: &str, count: usize) {
    let letters: String = (0..count)
        .map(|number| {
            format!(
                "From a@b Mon Mar  2 10:20:31 2026\nFrom: a@b\nSubject: letter {number}\n\nx\n\n"
            )
        })
        .collect();
    home.write("home/letters", &letters);
    home.ok(&["transfer", "letters", mailbox]);
}

/// A name over a proxy.
fn over(proxy: &Proxy, user: &str) -> String {
    format!("{{localhost:{}/user={user}}}INBOX", proxy.port)
}

#[test]
fn a_mailbox_that_is_opened_again_asks_for_what_changed_alone() {
    let Some(server) = dovecot("a_mailbox_that_is_opened_again_asks_for_what_changed_alone") else {
        return;
    };
    for format in Format::ALL {
        for disabled in [
            "",
            "\"QRESYNC\"",
            "\"QRESYNC\", \"CONDSTORE\"",
            "\"QRESYNC\", \"CONDSTORE\", \"ESEARCH\"",
        ] {
            // How mail is kept matters with all that the server can do, what it can do with one way of keeping.
            if disabled.is_empty() || format == Format::Maildir {
                opened_again(server, format, disabled);
            }
        }
    }
}

fn opened_again(server: &Dovecot, format: Format, disabled: &str) {
    let user = server.user(format);
    let settings = server.settings(&user);
    let home = Home::new(&format!("{settings}disable = [{disabled}]\n"));
    let other = Home::new(&settings);
    let proxy = Proxy::before(server.port, Duration::ZERO);
    let (name, direct) = (over(&proxy, &user), server.name(&user, "INBOX"));
    many(&other, &direct, 300);
    home.ok(&["search", &name, "SEEN"]);
    let first = proxy.received();
    home.ok(&["search", &name, "SEEN"]);
    let again = proxy.received();
    assert!(first > 25_000, "{first}");
    // Without counts of changes all flags are asked for.
    let most = if disabled.contains("CONDSTORE") {
        16_000
    } else {
        7_000
    };
    assert!(again < most, "{format:?} {disabled}: {again} of {first}");
    other.ok(&["flag", &direct, "5:7", "+\\Flagged", "+work"]);
    other.ok(&["flag", &direct, "9,200", "+\\Deleted"]);
    other.ok(&["expunge", &direct]);
    many(&other, &direct, 3);
    assert_eq!(
        shown(&home, &name)[1..],
        shown(&other, &direct)[1..],
        "{format:?} {disabled}"
    );
    // What was kept is another mailbox's after this one was made anew.
    other.ok(&["flag", &direct, "1:*", "+\\Deleted"]);
    other.ok(&["expunge", &direct]);
    many(&other, &direct, 60);
    assert_eq!(
        shown(&home, &name)[1..],
        shown(&other, &direct)[1..],
        "{format:?} {disabled}"
    );
}

#[test]
fn of_a_large_mailbox_only_what_is_looked_at_is_asked_for() {
    let Some(server) = dovecot("of_a_large_mailbox_only_what_is_looked_at_is_asked_for") else {
        return;
    };
    for disabled in ["", "\"ESEARCH\""] {
        let user = server.user(Format::Maildir);
        let settings = server.settings(&user);
        let other = Home::new(&settings);
        let direct = server.name(&user, "INBOX");
        many(&other, &direct, 1500);
        other.ok(&["flag", &direct, "1:1400", "+\\Seen"]);
        other.ok(&["flag", &direct, "7,1490", "+\\Flagged", "+work"]);
        other.ok(&["flag", &direct, "9", "+\\Deleted"]);
        let home = Home::new(&format!("{settings}disable = [{disabled}]\n"));
        let proxy = Proxy::before(server.port, Duration::ZERO);
        let name = over(&proxy, &user);
        let first = home.json(&["show", &name, "1490"]);
        let bytes = proxy.received();
        assert_eq!(bytes < 12_000, disabled.is_empty(), "{disabled}: {bytes}");
        assert_eq!(
            (&first[0]["messages"], &first[0]["unseen"]),
            (&1500.into(), &100.into())
        );
        assert_eq!(first[1]["flags"], serde_json::json!(["\\Flagged"]));
        assert_eq!(first[1]["keywords"], serde_json::json!(["work"]));
        assert!(first[1]["size"].as_u64() > Some(20), "{first:?}");
        // What was not looked at then is known when it is.
        assert_eq!(
            shown(&home, &name)[1..],
            shown(&other, &direct)[1..],
            "{disabled}"
        );
        assert_eq!(
            home.json(&["search", &name, "LARGER 20 DELETED"])[0]["msgno"],
            9
        );
        home.ok(&["transfer", &name, "copy"]);
        assert_eq!(
            home.json(&["show", "copy", "7"])[1]["keywords"],
            serde_json::json!(["work"])
        );
        let sorted = home.json(&["index", "--sort", "size", &name, "1:3"]);
        assert_eq!(sorted.len(), 3);
    }
}

#[test]
fn uids_that_mean_other_messages_are_not_taken_for_the_old_ones() {
    let Some(server) = dovecot("uids_that_mean_other_messages_are_not_taken_for_the_old_ones")
    else {
        return;
    };
    let user = server.user(Format::Maildir);
    let home = Home::new(&server.settings(&user));
    let name = server.name(&user, "box");
    many(&home, &name, 80);
    assert_eq!(
        home.json(&["search", &name, "SUBJECT \"letter 79\""]).len(),
        1
    );
    home.ok(&["delete", &name]);
    many(&home, &name, 70);
    assert_eq!(home.json(&["search", &name, "ALL"]).len(), 70);
    assert!(
        home.json(&["search", &name, "SUBJECT \"letter 79\""])
            .is_empty()
    );
}

#[test]
fn damaged_or_foreign_memory_is_as_good_as_none() {
    let Some(server) = dovecot("damaged_or_foreign_memory_is_as_good_as_none") else {
        return;
    };
    let user = server.user(Format::Maildir);
    let home = Home::new(&server.settings(&user));
    let name = server.name(&user, "INBOX");
    many(&home, &name, 80);
    let rows = shown(&home, &name);
    let folder = home.path("home/.local/state/mugo/imap");
    let file = std::fs::read_dir(&folder)
        .expect("kept")
        .flatten()
        .next()
        .expect("one");
    let bytes = std::fs::read(file.path()).expect("read");
    for damage in [Vec::new(), bytes[..200].to_vec(), vec![7; 5000], {
        let mut changed = bytes.clone();
        changed[300] ^= 1;
        changed
    }] {
        std::fs::write(file.path(), damage).expect("written");
        assert_eq!(shown(&home, &name), rows);
    }
}

#[test]
fn a_connection_that_is_lost_is_made_again_and_what_happened_meanwhile_is_told() {
    let test = "a_connection_that_is_lost_is_made_again_and_what_happened_meanwhile_is_told";
    let Some(server) = dovecot(test) else {
        return;
    };
    let user = server.user(Format::Maildir);
    let home = Home::new(&server.settings(&user));
    let direct = server.name(&user, "INBOX");
    many(&home, &direct, 60);
    let proxy = Proxy::before(server.port, Duration::ZERO);
    let mut watch = Watch::start(&home, &over(&proxy, &user));
    assert_eq!(watch.next("exists")["messages"], 60);
    proxy.close(true);
    proxy.cut();
    home.ok(&["flag", &direct, "3", "+\\Flagged"]);
    home.ok(&["flag", &direct, "5", "+\\Deleted"]);
    home.ok(&["expunge", &direct]);
    let ran = home.feed(&["append", &direct], b"Subject: new\n\nx\n");
    assert_eq!(ran.code, 0, "{}", ran.err);
    proxy.close(false);
    assert_eq!(watch.next("expunged")["uid"], 5);
    assert_eq!(watch.next("flags")["uid"], 3);
    assert_eq!(watch.next("exists")["messages"], 60);
    assert!(proxy.connections() >= 2);
}

#[test]
fn a_server_without_uids_is_read_anew_after_a_lost_connection() {
    let fake = Fake::start(Level::Imap2bis, &[]);
    fake.deliver("INBOX", b"Subject: a\r\n\r\nx\r\n", &[]);
    let home = Home::new(
        "[accounts.it]\nserver = \"{127.0.0.1/user=ann}\"\npassword-command = [\"echo\", \"secret\"]\n",
    );
    let proxy = Proxy::before(fake.port(), Duration::ZERO);
    let name = format!("{{127.0.0.1:{}/notls/user=ann}}INBOX", proxy.port);
    let mut watch = Watch::start(&home, &name);
    assert_eq!(watch.next("exists")["messages"], 1);
    proxy.cut();
    fake.deliver("INBOX", b"Subject: b\r\n\r\nx\r\n", &[]);
    assert_eq!(watch.next("exists")["messages"], 2);
}

#[test]
fn a_move_that_is_cut_off_loses_and_doubles_nothing() {
    let Some(server) = dovecot("a_move_that_is_cut_off_loses_and_doubles_nothing") else {
        return;
    };
    let user = server.user(Format::Maildir);
    let settings = server.settings(&user);
    let home = Home::new(&settings);
    let direct = server.name(&user, "INBOX");
    let proxy = Proxy::before(server.port, Duration::ZERO);
    let over_proxy = over(&proxy, &user);
    let total = 12;
    many(&home, &direct, total);
    home.ok(&["create", &server.name(&user, "there")]);
    let there = over_proxy.replace("INBOX", "there");
    // Wherever the connection ends, each message is in one of the two, or the program says that it does not know.
    let mut cuts = 0;
    for after in (0..6000).step_by(150) {
        let before = home.json(&["status", &direct])[0]["messages"]
            .as_u64()
            .unwrap_or(0);
        if before == 0 {
            break;
        }
        proxy.cut_after(after);
        let ran = home.run(&["move", &over_proxy, "1", &there]);
        proxy.cut_after(-1);
        proxy.cut();
        cuts += u32::from(ran.code != 0);
        let here = home.json(&["status", &direct])[0]["messages"]
            .as_u64()
            .unwrap_or(0);
        let gone = home.json(&["status", &server.name(&user, "there")]);
        let gone = gone[0]["messages"].as_u64().unwrap_or(0);
        assert_eq!(here + gone, total as u64, "{after}: {ran:?}");
        assert!(!ran.err.contains("panicked"), "{ran:?}");
        if ran.code == 0 {
            assert_eq!(here + 1, before, "{after}");
        }
    }
    assert!(cuts > 5, "{cuts}");
}
