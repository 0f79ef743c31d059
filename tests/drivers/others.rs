//! Other programs that do not keep to the rules: strange things where the lock file belongs, mail appended without any
//! lock in the middle of a change.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mugo::driver::contract::LocalDriver;
use mugo::driver::place::Place;
use mugo::driver::unix::Unix;
use mugo::mail::flags::SystemFlags;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::real_files::RealFiles;
use rustix::fs::{Mode, mkfifoat};

use crate::common::faults::{Fault, Faults, Op};
use crate::desk::{Desk, Queue, add, fixture, job, message, open};

fn lock_of(desk: &Desk, place: &Place) -> PathBuf {
    let metadata = fs::metadata(&place.path).expect("the mailbox");
    let name = format!(".{:x}.{:x}", metadata.dev(), metadata.ino());
    desk.environment.lock_dir.join(name)
}

#[test]
fn r24_what_stands_where_the_lock_file_belongs_is_left_alone() {
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    let victim = desk.world.mailbox("victim", b"precious");
    let name = lock_of(&desk, &place);
    let driver = Unix::new(&desk.environment);
    let table: [(&str, &dyn Fn()); 5] = [
        ("link", &|| symlink(&victim, &name).expect("a link")),
        ("second name", &|| {
            fs::hard_link(&victim, &name).expect("a name");
        }),
        ("fifo", &|| {
            mkfifoat(rustix::fs::CWD, &name, Mode::from_raw_mode(0o666)).expect("a FIFO");
        }),
        ("folder", &|| fs::create_dir(&name).expect("a folder")),
        ("other content", &|| {
            fs::write(&name, b"precious").expect("a file");
        }),
    ];
    for (count, (what, put)) in table.into_iter().enumerate() {
        put();
        let begin = Instant::now();
        let opened = open(&driver, &place, Access::ReadWrite).expect("open");
        let state = opened.list.state().expect("told");
        assert_eq!(state.access, Access::ReadOnly, "{what}");
        assert!(state.why_read_only.is_some(), "{what}");
        opened.close().expect("closed");
        // Mail may be added to what another program might have open.
        let (job, _log) = job();
        let mut new = Queue(vec![message(b"Subject: x\n\ny\n")]);
        driver.append(&place, &mut new, &job).expect("appended");
        assert!(begin.elapsed() < Duration::from_secs(1), "{what}");
        assert_eq!(fs::read(&victim).expect("the victim"), b"precious");
        assert!(fs::symlink_metadata(&name).is_ok(), "{what} was removed");
        let _ = fs::remove_file(&name).or_else(|_| fs::remove_dir(&name));
        let opened = open(&driver, &place, Access::ReadOnly).expect("open");
        assert_eq!(opened.list.len(), 3 + count, "{what}");
    }
}

#[test]
fn r24_the_lock_file_of_another_user_is_locked_but_not_written() {
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    let name = lock_of(&desk, &place);
    fs::write(&name, b"4711").expect("a lock file");
    if chown(&name, Some(65534), None).is_err() {
        // Written past the test harness, which would keep it to itself for a test that passes.
        let _ = writeln!(
            std::io::stderr(),
            "not run: drivers r24_the_lock_file_of_another_user: needs the superuser"
        );
        return;
    }
    let driver = Unix::new(&desk.environment);
    let opened = open(&driver, &place, Access::ReadWrite).expect("open");
    let state = opened.list.state().expect("told");
    assert_eq!(state.access, Access::ReadWrite);
    assert_eq!(fs::read(&name).expect("the lock file"), b"4711");
    opened.close().expect("closed");
}

const INTRUDER: &str = "From x@y Mon Mar  2 10:00:00 2026\nSubject: intruder\n\nunasked\n\n";

/// Six messages of different sizes.
fn six() -> Vec<u8> {
    let mut file = String::new();
    for serial in 1..=6 {
        let text = "some text\n".repeat(serial * 40);
        file.push_str(&format!(
            "From a@b Mon Mar  2 09:00:0{serial} 2026\nSubject: {serial}\n\n{text}\n"
        ));
    }
    file.into_bytes()
}

/// Expunges three of six messages while somebody appends without a lock, right before operation `at`. Gives the
/// operation that was met; `None` behind the last one.
fn expunge_beside_an_intruder(at: usize) -> Option<Op> {
    let desk = Desk::new();
    let place = desk.place("box", &six());
    let mut opened = open(&Unix::new(&desk.environment), &place, Access::ReadWrite).expect("open");
    opened
        .store(&[1, 3, 4], &add(SystemFlags::DELETED))
        .expect("stored");
    opened.close().expect("closed");

    let path = place.path.clone();
    let layer = Faults::over(Arc::new(RealFiles), Fault::None).with_intruder(at, move || {
        let mut file = OpenOptions::new()
            .append(true)
            .open(path)
            .expect("the mailbox");
        file.write_all(INTRUDER.as_bytes()).expect("appended");
    });
    let program = Arc::new(desk.world.another(Arc::new(layer.clone())));
    let mut opened = open(&Unix::new(&program), &place, Access::ReadWrite).expect("open");
    // It may find the file longer than a moment ago, and ask to try again.
    let _ = opened.expunge(None);
    let _ = opened.close();
    let met = layer.trace().get(at).map(|(op, _)| *op)?;
    let mut opened = open(&Unix::new(&desk.environment), &place, Access::ReadWrite).expect("open");
    opened.expunge(None).expect("expunged");
    let what = format!("at {at}, {met:?}");
    let texts: Vec<Vec<u8>> = opened
        .uids()
        .iter()
        .map(|&uid| opened.read(uid, Part::Text))
        .collect();
    let expected = [2, 5, 6].map(|serial| "some text\r\n".repeat(serial * 40).into_bytes());
    assert_eq!(texts.get(..3), Some(&expected[..]), "{what}");
    assert_eq!(
        texts.get(3..),
        Some(&[b"unasked\r\n".to_vec()][..]),
        "{what}"
    );
    Some(met)
}

#[test]
fn r28_what_is_appended_without_a_lock_is_kept() {
    let mut met = Vec::new();
    while let Some(op) = expunge_beside_an_intruder(met.len()) {
        met.push(op);
    }
    assert!(
        met.contains(&Op::Write) && met.contains(&Op::SetLen),
        "{met:?}"
    );
}
