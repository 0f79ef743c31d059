//! Two Mugos at random on one mailbox (R26): nothing is lost, doubled or damaged, and no stale view is written back.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::alternate::Random;
use crate::checker;
use crate::home::Home;
use crate::peers;

#[test]
fn two_mugos_at_random() {
    if !peers::have("two_mugos_at_random", &["setpriv", "mailutil"]) {
        return;
    }
    let home = Arc::new(Home::new());
    home.write(
        "box",
        &checker::checked(40).replace_all(b"X-Status: D", b"X-Status:  "),
    );
    let rounds = if peers::night() { 600 } else { 25 };
    let workers: Vec<_> = (0..2u32)
        .map(|worker| {
            let home = Arc::clone(&home);
            std::thread::spawn(move || work(&home, worker, rounds))
        })
        .collect();
    let mut appended = BTreeSet::new();
    for worker in workers {
        appended.extend(worker.join().expect("the worker ends"));
    }
    let found = checker::read(&home.read("box")).unwrap_or_else(|why| panic!("{why}"));
    let serials: BTreeSet<u32> = checker::serials(&found).into_iter().collect();
    // Only the messages 31 to 40 were ever marked deleted.
    let must_stay: BTreeSet<u32> = (1..=30).chain(appended).collect();
    let lost: Vec<_> = must_stay.difference(&serials).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert_eq!(home.mailutil_count("box"), found.len());
}

/// Does `rounds` random things; gives the serials of the messages that Mugo said it appended.
fn work(home: &Home, worker: u32, rounds: u32) -> Vec<u32> {
    let mut random = Random(0x5eed + u64::from(worker));
    let mut appended = Vec::new();
    for round in 0..rounds {
        match random.below(5) {
            0 | 1 => {
                let serial = 1_000 * (worker + 1) + round;
                let name = format!("letter-{serial}");
                home.write(&name, checker::letter(serial).as_bytes());
                // "Try again later" is an honest answer; "done" must be true.
                if home.mugo(&["append", "box", &name]).status.success() {
                    appended.push(serial);
                }
            }
            2 => drop(home.mugo(&["flag", "box", "1:5", "+\\Flagged", "+work"])),
            3 => {
                let uid = (31 + random.below(10)).to_string();
                drop(home.mugo(&["flag", "--uid", "box", &uid, "+\\Deleted"]));
            }
            _ => drop(home.mugo(&["expunge", "box"])),
        }
    }
    appended
}

trait ReplaceAll {
    fn replace_all(&self, from: &[u8], to: &[u8]) -> Vec<u8>;
}

impl ReplaceAll for Vec<u8> {
    fn replace_all(&self, from: &[u8], to: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        let mut rest = self.as_slice();
        while let Some(byte) = rest.first() {
            match rest.strip_prefix(from) {
                Some(after) => {
                    out.extend_from_slice(to);
                    rest = after;
                }
                None => {
                    out.push(*byte);
                    rest = &rest[1..];
                }
            }
        }
        out
    }
}
