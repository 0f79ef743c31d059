//! Mailboxes that another program has locked: who only looks waits for nobody, who writes waits, or fails at once.

use std::time::{Duration, Instant};

use crate::dir::{Dir, Ran};
use crate::holder::Holder;

#[test]
fn looking_shows_what_is_there_and_says_who_has_it_locked() {
    let dir = Dir::new();
    let holder = Holder::of(&dir.path("spool"));
    for words in [
        ["status", "INBOX"].as_slice(),
        &["index", "INBOX"],
        &["show", "INBOX"],
        &["search", "INBOX", "all"],
        &["read", "INBOX", "1"],
    ] {
        let began = Instant::now();
        let ran = dir.run(words);
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.err);
        assert!(!ran.out.is_empty(), "{words:?}");
        assert!(ran.err.contains(&holder.name()), "{words:?}: {}", ran.err);
        assert!(began.elapsed() < Duration::from_secs(3), "{words:?}");
    }
}

#[test]
fn a_change_fails_at_once_where_waiting_is_not_wanted() {
    let dir = Dir::new();
    let message = dir.write("message", "Subject: new\n\nbody\n");
    let before = dir.read("spool");
    let holder = Holder::of(&dir.path("spool"));
    for words in [
        ["flag", "INBOX", "1", "+\\Answered"].as_slice(),
        &["expunge", "INBOX"],
        &["append", "INBOX", message.to_str().expect("UTF-8")],
        &["move", "INBOX", "1", "other", "--create"],
    ] {
        let began = Instant::now();
        let ran = dir.run(&[&["--no-wait"], words].concat());
        assert_eq!(ran.code, 75, "{words:?}: {} {}", ran.out, ran.err);
        assert!(ran.err.contains(&holder.name()), "{words:?}: {}", ran.err);
        assert!(began.elapsed() < Duration::from_secs(2), "{words:?}");
        assert_eq!(dir.read("spool"), before, "{words:?}");
    }
}

#[test]
fn a_change_waits_until_the_lock_is_free() {
    let dir = Dir::new();
    let holder = Holder::of(&dir.path("spool"));
    let child = dir.spawn(&["flag", "INBOX", "1", "+\\Answered"]);
    std::thread::sleep(Duration::from_millis(2500));
    assert!(!dir.read("spool").contains("X-Status: FA"));
    drop(holder);
    let began = Instant::now();
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(began.elapsed() < Duration::from_secs(2));
    let spool = dir.read("spool");
    assert!(spool.contains("X-Status: FA"), "{spool}");
}

#[test]
fn a_copy_does_not_take_what_is_locked() {
    let dir = Dir::new();
    let holder = Holder::of(&dir.path("spool"));
    let copy = ["copy", "INBOX", "1", "other", "--create"];
    let ran = dir.run(&[&["--no-wait"], copy.as_slice()].concat());
    assert_eq!(ran.code, 75, "{} {}", ran.out, ran.err);
    let child = dir.spawn(&copy);
    std::thread::sleep(Duration::from_millis(1500));
    drop(holder);
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    assert!(dir.run(&["status", "other"]).out.contains("1 message"));
}
