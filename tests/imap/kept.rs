//! Headers that were looked at are kept: what was seen before is not asked for again, and what is kept is never taken for more
//! than it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mugo::driver::imap::kept_headers::{KeptHeader, KeptHeaders};
use mugo::mail::date::InternalDate;
use mugo::mail::uid::{Uid, UidValidity};
use mugo::os::real_files::RealFiles;

use crate::common::world::environment;
use crate::dovecot::{Format, dovecot};
use crate::home::Home;
use crate::proxy::Proxy;

fn header(number: u32, length: usize) -> KeptHeader {
    let front = format!("Subject: letter {number}\r\n");
    KeptHeader {
        internal_date: InternalDate {
            seconds: -i64::from(number),
            offset: -90,
        },
        rfc822_size: u64::from(number) << 33,
        header: front
            .bytes()
            .chain(std::iter::repeat_n(b'x', length))
            .collect(),
    }
}

fn uid(number: u32) -> Uid {
    Uid::new(number).expect("not 0")
}

/// A folder, and headers of one mailbox kept in it.
struct Shelf {
    folder: tempfile::TempDir,
    validity: UidValidity,
}

impl Shelf {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a scratch folder"),
            validity: UidValidity::new(5).expect("not 0"),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state/imap/kept")
    }

    fn open(&self) -> KeptHeaders {
        let mut environment = environment(self.folder.path(), Arc::new(RealFiles));
        environment.state = self.folder.path().join("state");
        KeptHeaders::new(&Arc::new(environment), self.path(), 77)
    }

    fn keep(&self, kept: &mut KeptHeaders, numbers: std::ops::RangeInclusive<u32>, length: usize) {
        let all: Vec<(Uid, KeptHeader)> = numbers.map(|it| (uid(it), header(it, length))).collect();
        kept.keep(self.validity, &all);
    }

    /// Which of these are kept; each as it was given.
    fn found(&self, kept: &mut KeptHeaders, most: u32, length: usize) -> Vec<u32> {
        let found = (1..=most).filter(|&number| {
            let found = kept.find(self.validity, uid(number));
            if let Some(found) = &found {
                assert_eq!(*found, header(number, length));
            }
            found.is_some()
        });
        found.collect()
    }
}

#[test]
fn what_is_kept_is_found_by_the_same_and_the_next() {
    let shelf = Shelf::new();
    let mut kept = shelf.open();
    assert!(shelf.found(&mut kept, 9, 10).is_empty());
    shelf.keep(&mut kept, 1..=3, 10);
    shelf.keep(&mut kept, 7..=8, 10);
    assert_eq!(shelf.found(&mut kept, 9, 10), [1, 2, 3, 7, 8]);
    // Two at once add to it one behind the other.
    let mut other = shelf.open();
    assert_eq!(shelf.found(&mut other, 9, 10), [1, 2, 3, 7, 8]);
    shelf.keep(&mut other, 4..=4, 10);
    shelf.keep(&mut kept, 9..=9, 10);
    shelf.keep(&mut other, 5..=5, 10);
    assert_eq!(shelf.found(&mut kept, 9, 10), [1, 2, 3, 7, 8, 9]);
    assert_eq!(
        shelf.found(&mut shelf.open(), 9, 10),
        [1, 2, 3, 4, 5, 7, 8, 9]
    );
    kept.keep_only(|uid| uid.get() > 7);
    assert_eq!(shelf.found(&mut shelf.open(), 9, 10), [8, 9]);
    // Another UIDVALIDITY is another mailbox.
    let mut another = shelf.open();
    let validity = UidValidity::new(6).expect("not 0");
    assert_eq!(another.find(validity, uid(8)), None);
    another.keep(validity, &[(uid(2), header(2, 1))]);
    assert_eq!(another.find(validity, uid(2)), Some(header(2, 1)));
    assert!(shelf.found(&mut shelf.open(), 9, 10).is_empty());
}

#[test]
fn what_a_kill_left_at_the_end_is_written_over() {
    let shelf = Shelf::new();
    shelf.keep(&mut shelf.open(), 1..=5, 10);
    let whole = fs::read(shelf.path()).expect("there");
    for cut in 0..whole.len() {
        fs::write(shelf.path(), &whole[..cut]).expect("written");
        let mut kept = shelf.open();
        let before = shelf.found(&mut kept, 9, 10);
        assert!(before.len() < 5 && before.iter().eq(&[1, 2, 3, 4][..before.len()]));
        shelf.keep(&mut kept, 9..=9, 10);
        assert_eq!(shelf.found(&mut kept, 9, 10).last(), Some(&9), "{cut}");
        let again = shelf.found(&mut shelf.open(), 9, 10);
        assert_eq!(again, [&before[..], &[9]].concat(), "{cut}");
    }
    for place in 0..whole.len() {
        let mut other = whole.clone();
        other[place] ^= 1;
        fs::write(shelf.path(), &other).expect("written");
        assert!(shelf.found(&mut shelf.open(), 9, 10).len() < 5, "{place}");
    }
}

#[test]
fn the_file_does_not_grow_without_end() {
    let shelf = Shelf::new();
    let mut kept = shelf.open();
    for hundred in 0..50 {
        let first = hundred * 100 + 1;
        shelf.keep(&mut kept, first..=first + 99, 5000);
        assert!(fs::metadata(shelf.path()).expect("there").len() < 17 << 20);
    }
    let found = shelf.found(&mut shelf.open(), 5000, 5000);
    assert!(found.len() > 1500 && found.last() == Some(&5000));
    // One that is too long is not kept at all.
    shelf.keep(&mut kept, 6000..=6000, 100_000);
    assert_eq!(kept.find(shelf.validity, uid(6000)), None);
}

fn kept_in(home: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with("-headers") {
                all.extend(fs::read(path).expect("read"));
            }
        }
    }
    all
}

#[test]
fn a_page_that_was_seen_before_is_not_asked_for_again() {
    let Some(server) = dovecot("a_page_that_was_seen_before_is_not_asked_for_again") else {
        return;
    };
    let user = server.user(Format::Maildir);
    let settings = server.settings(&user);
    // As most servers are set up: one step to log in, inside TLS.
    let plain = "disable = [\"AUTH=SCRAM-SHA-256\", \"AUTH=SCRAM-SHA-1\", \"AUTH=CRAM-MD5\"]\n";
    let home = Home::new(&format!("{settings}{plain}"));
    let other = Home::new(&settings);
    let letters: String = (0..1500)
        .map(|number| {
            format!(
                "From a@b Mon Mar  2 10:20:31 2026\nFrom: a@b\nSubject: letter {number}\n\nx\n\n"
            )
        })
        .collect();
    other.write("home/letters", &letters);
    let direct = server.name(&user, "INBOX");
    other.ok(&["transfer", "letters", &direct]);
    let proxy = Proxy::before(server.tls_port, Duration::from_millis(60));
    let name = format!("{{localhost:{}/ssl/user={user}}}INBOX", proxy.port);
    let page = ["index", name.as_str(), "1481:1500"];
    let first = home.ok(&page);
    assert!(first.contains("letter 1499"));
    // The last words are still on their way when the program is over.
    let counted = || {
        std::thread::sleep(Duration::from_millis(300));
        (proxy.received(), proxy.turns())
    };
    let (bytes, turns) = counted();
    assert_eq!(home.ok(&page), first);
    let (bytes_again, turns_again) = counted();
    assert!(bytes_again + 3000 < bytes, "{bytes_again} of {bytes}");
    // Behind the connection and the first words of TLS: the greeting, the login, the opening, and the end. That is not waited
    // for: it counts as one turn or two, as it happens.
    let fits = (5..=6).contains(&turns) && (4..=5).contains(&turns_again);
    assert!(fits, "{turns}, then {turns_again}");
    // With --read-only too, and then nothing is written.
    let before = kept_in(&home.path("home"));
    assert_eq!(home.ok(&["-o", "index", &name, "1481:1500"]), first);
    home.ok(&["-o", "index", &name, "1:100"]);
    assert!(kept_in(&home.path("home")) == before);
    // Of what is gone nothing is kept.
    let has = |word: &[u8]| {
        let kept = kept_in(&home.path("home"));
        kept.windows(word.len()).any(|it| it == word)
    };
    assert!(has(b"letter 1490\r\n"));
    other.ok(&["flag", &direct, "1491", "+\\Deleted"]);
    other.ok(&["expunge", &direct]);
    let after = home.ok(&["index", &name, "1481:1499"]);
    assert!(!after.contains("letter 1490") && after.contains("letter 1491"));
    assert!(!has(b"letter 1490\r\n") && has(b"letter 1491\r\n"));
}
