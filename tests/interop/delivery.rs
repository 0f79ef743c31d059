//! Mail that arrives while Mugo works on the mailbox: by plain `>>` without any lock (R28), and with the locks of a
//! proper delivery program.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::checker;
use crate::home::Home;
use crate::peers;

const OLD: u32 = 60;

/// Lets `send` deliver messages beside a Mugo that flags and expunges the old ones; every delivered message must be
/// there at the end, whole and in order.
/// Of `deliveries` as many as `lost` may be missing, none damaged.
fn deliver_beside(test: &str, deliveries: u32, lost: usize, send: fn(&Path, u32)) {
    if !peers::have(test, &["setpriv", "mailutil"]) {
        return;
    }
    let home = Home::new();
    home.write("box", &checker::checked(OLD));
    let over = Arc::new(AtomicBool::new(false));
    let deliveries = if peers::night() { 1_000 } else { deliveries };
    let (path, done) = (home.path("box"), Arc::clone(&over));
    let sender = std::thread::spawn(move || {
        for serial in 0..deliveries {
            send(&path, 1_000 + serial);
            std::thread::sleep(Duration::from_millis(5 + u64::from(serial % 7)));
        }
        done.store(true, Ordering::SeqCst);
    });
    let mut round = 0;
    while !over.load(Ordering::SeqCst) {
        let uid = (1 + round % OLD).to_string();
        // "Locked, try again later" is an honest answer here, so the exit status is not looked at.
        home.mugo(&["flag", "--uid", "box", &uid, "+\\Deleted", "+work"]);
        home.mugo(&["expunge", "box"]);
        round += 1;
    }
    sender.join().expect("the delivery thread ends");
    home.mugo_done(&["expunge", "box"]);
    let found = checker::read(&home.read("box"))
        .unwrap_or_else(|why| panic!("after {round} rounds: {why}"));
    let new: Vec<u32> = checker::serials(&found)
        .into_iter()
        .filter(|serial| *serial >= 1_000)
        .collect();
    let mut missing: Vec<u32> = (1_000..1_000 + deliveries).collect();
    missing.retain(|serial| !new.contains(serial));
    println!(
        "{test}: {round} rounds, {} of {deliveries} lost",
        missing.len()
    );
    assert!(
        new.is_sorted_by(|a, b| a < b),
        "after {round} rounds: {new:?}"
    );
    assert!(
        missing.len() <= lost,
        "after {round} rounds {missing:?} are lost"
    );
    assert_eq!(home.mailutil_count("box"), found.len());
    assert!(!home.path("box.lock").exists());
}

#[test]
fn delivered_with_locks_during_expunges() {
    deliver_beside("delivered_with_locks_during_expunges", 100, 0, deliver);
}

#[test]
fn appended_without_locks_during_expunges() {
    // Between the last look at the length and the cut is a moment that only a lock could close; it is so short that one
    // in about fifteen thousand deliveries meets it, on a machine with more to do than it can.
    deliver_beside("appended_without_locks_during_expunges", 100, 1, append);
}

/// Delivers as local delivery programs do: dot lock, kernel lock, one write, release.
fn deliver(path: &Path, serial: u32) {
    let lock = path.with_extension("lock");
    let mut tries = 0;
    while OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&lock)
        .is_err()
    {
        tries += 1;
        assert!(tries < 20_000, "the dot lock was never released");
        std::thread::sleep(Duration::from_millis(1));
    }
    let file = OpenOptions::new()
        .append(true)
        .open(path)
        .expect("the mailbox is there");
    file.lock().expect("the kernel lock is granted");
    (&file)
        .write_all(&checker::delivered(serial, 1))
        .expect("the message is written");
    file.unlock().expect("the kernel lock is released");
    fs::remove_file(&lock).expect("the dot lock is still ours");
}

/// Appends as `>>` in a shell does.
fn append(path: &Path, serial: u32) {
    let mut file = OpenOptions::new()
        .append(true)
        .open(path)
        .expect("the mailbox is there");
    file.write_all(&checker::delivered(serial, 1))
        .expect("the message is written");
}
