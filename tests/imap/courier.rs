//! Another kind of server: Courier, whose mailboxes are all below INBOX and parted by dots, that tells of no changes by number,
//! and that says something before it greets.
//!
//! `tests/run` unpacks it without installing it, for it cannot be installed beside Dovecot; here it is spoken with as a program.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::home::Home;
use crate::peers;

/// Where its files were unpacked; `None`, and it is said, where they were not.
fn unpacked(test: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/courier");
    let found = root.join("usr/bin/imapd").exists() && rustix::process::getuid().is_root();
    if !found {
        peers::cannot(test, "Courier is unpacked by tests/run alone, as root");
    }
    found.then_some(root)
}

/// A user's home with an account on a server of that user's own.
fn home(root: &Path) -> Home {
    let home = Home::new("");
    let mail = home.path("mail");
    for folder in ["Maildir/cur", "Maildir/new", "Maildir/tmp"] {
        fs::create_dir_all(mail.join(folder)).expect("made");
    }
    let user = fs::read_to_string("/etc/passwd").expect("users");
    let line = user.lines().find(|line| line.starts_with("mail:"));
    let ids: Vec<u32> = line
        .expect("the user mail")
        .split(':')
        .filter_map(|word| word.parse().ok())
        .collect();
    let own = |path: &Path| chown(path, Some(ids[0]), Some(ids[1])).expect("owned");
    for folder in ["", "Maildir", "Maildir/cur", "Maildir/new", "Maildir/tmp"] {
        own(&mail.join(folder));
    }
    let above = mail.parent().expect("a folder");
    fs::set_permissions(above, fs::Permissions::from_mode(0o755)).expect("open");
    let script = home.write(
        "imapd",
        &format!(
            "#!/bin/sh\ncd {mail}\nexport LD_LIBRARY_PATH={root}/usr/lib:{root}/usr/lib/x86_64-linux-gnu\n\
             export AUTHENTICATED=ann HOME={mail} IMAP_KEYWORDS=1\n\
             export IMAP_CAPABILITY='IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=REFERENCES SORT QUOTA IDLE ACL'\n\
             exec setpriv --reuid=mail --regid=mail --clear-groups {root}/usr/bin/imapd Maildir\n",
            mail = mail.display(),
            root = root.display()
        ),
    );
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).expect("runs");
    home.write(
        "config.toml",
        &format!(
            "[accounts.it]\nserver = \"{{courier/user=ann}}\"\nconnect-command = [\"{}\"]\n",
            script.display()
        ),
    );
    home
}

#[test]
fn courier_keeps_mail_as_dovecot_does() {
    let Some(root) = unpacked("courier_keeps_mail_as_dovecot_does") else {
        return;
    };
    let home = home(&root);
    let inbox = "{courier/user=ann}INBOX";
    let there = "{courier/user=ann}INBOX.there";
    for (number, subject) in ["pears", "apples", "plums"].iter().enumerate() {
        let text = format!(
            "From: ann@example.org\r\nSubject: {subject}\r\n\r\nText {number}\r\n.\r\nFrom x\r\n"
        );
        let ran = home.feed(&["append", inbox], text.as_bytes());
        assert_eq!(ran.code, 0, "{}", ran.err);
        if number == 0 {
            assert_eq!(home.ok(&["read", "--raw", inbox, "1"]), text);
        }
    }
    home.ok(&["create", there]);
    home.ok(&["flag", inbox, "1", "+\\Flagged", "+work"]);
    home.ok(&["flag", inbox, "2", "+\\Deleted"]);
    let rows = home.json(&["show", inbox]);
    assert_eq!(rows[0]["driver"], "imap");
    assert_eq!(rows[1]["flags"], json!(["\\Flagged"]));
    assert_eq!(rows[1]["keywords"], json!(["work"]));
    assert_eq!(rows[2]["flags"], json!(["\\Deleted"]));
    let found = |words: &[&str]| home.ok(&[&["search", inbox], words].concat());
    assert_eq!(found(&["subject", "PLU"]), "3\n");
    assert_eq!(found(&["keyword", "work"]), "1\n");
    let sorted = home.json(&["index", inbox, "--sort", "subject"]);
    let uids: Vec<u64> = sorted
        .iter()
        .filter_map(|row| row["uid"].as_u64())
        .collect();
    assert_eq!(uids, [2, 1, 3]);
    home.ok(&["copy", inbox, "1", there]);
    home.ok(&["move", inbox, "3", there]);
    home.ok(&["expunge", inbox]);
    assert_eq!(home.json(&["status", inbox])[0]["messages"], 1);
    let status = home.json(&["status", there]);
    assert_eq!(status[0]["messages"], 2);
    assert_eq!(home.json(&["show", there])[1]["keywords"], json!(["work"]));
    let names = |pattern: &str| {
        let rows = home.json(&["list", "{courier/user=ann}", pattern]);
        let mut names: Vec<String> = rows.iter().map(|row| row["name"].to_string()).collect();
        names.sort();
        names
    };
    assert_eq!(
        names("*"),
        [
            "\"{courier/user=ann}INBOX\"",
            "\"{courier/user=ann}INBOX.there\""
        ]
    );
    let root = home.json(&["list", "{courier/user=ann}", ""]);
    assert_eq!(root[0]["delimiter"], ".");
    // Whole mailboxes go both ways, and come back as they were.
    home.ok(&["transfer", there, "#driver.mbx/here"]);
    home.ok(&["transfer", "here", "{courier/user=ann}INBOX.back"]);
    let digests = |mailbox: &str| -> Vec<String> {
        let rows = home.json(&["show", mailbox]);
        rows.iter()
            .skip(1)
            .map(|row| row["sha256"].to_string())
            .collect()
    };
    assert_eq!(digests(there), digests("{courier/user=ann}INBOX.back"));
    home.ok(&["delete", "{courier/user=ann}INBOX.back"]);
    home.ok(&["rename", there, "{courier/user=ann}INBOX.elsewhere"]);
    assert_eq!(names("%.%"), ["\"{courier/user=ann}INBOX.elsewhere\""]);
}
