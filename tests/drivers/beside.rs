//! Beside other programs: what they change is noticed before anything is read or written, locks are given back in order.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use mugo::driver::contract::LocalDriver;
use mugo::driver::error::Error;
use mugo::driver::unix::Unix;
use mugo::mail::flags::SystemFlags;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::desk::{Desk, add, fixture, job, open};

const FROM: &str = "From a@b Mon Mar  2 09:00:00 2026\n";

fn lock_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".lock");
    name.into()
}

/// Leaves a mailbox of two messages with an expunge of the first one begun.
fn torn(desk: &Desk, path: &Path) {
    let place = desk.at(path.to_owned());
    let mut opened = open(&Unix::new(&desk.environment), &place, Access::ReadWrite).expect("open");
    opened
        .store(&[1], &add(SystemFlags::DELETED))
        .expect("stored");
    opened.close().expect("closed");
    let marked = fs::read(path).expect("there");
    for death in 0..200 {
        fs::write(path, &marked).expect("as before");
        fs::remove_dir_all(&desk.environment.state).expect("no journals");
        fs::create_dir(&desk.environment.state).expect("room for them");
        let layer = Faults::over(Arc::new(RealFiles), Fault::Death(death));
        let dying = Arc::new(desk.world.another(Arc::new(layer.clone())));
        let expunged = open(&Unix::new(&dying), &place, Access::ReadWrite)
            .and_then(|mut opened| opened.expunge(None));
        let torn = layer
            .trace()
            .last()
            .is_some_and(|(op, at)| *op == Op::Write && at == path);
        // This process lives on, and with it the lock.
        let _ = fs::remove_file(lock_of(path));
        if torn {
            return;
        }
        assert!(expunged.is_err(), "no write to die in");
    }
    panic!("no write to die in");
}

#[test]
fn a_message_that_another_program_moved_is_read_whole() {
    let text = "the text\n".repeat(20);
    let before = format!("{FROM}Subject: s\n\n{text}\n{FROM}Subject: t\n\n{text}\n");
    let after = before.replace("Subject: s\n", "Subject: s\nStatus: RO\n");
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let desk = Desk::new();
        let place = desk.place("box", before.as_bytes());
        let mut opened = open(&Unix::new(&desk.environment), &place, access).expect("open");
        fs::write(&place.path, &after).expect("written");
        let crlf = text.replace('\n', "\r\n");
        assert_eq!(opened.read(1, Part::Text), crlf.as_bytes(), "{access:?}");
        opened.hear();
    }
}

#[test]
fn while_somebody_holds_the_lock_a_message_is_read_where_it_stands() {
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    let mut opened = open(&Unix::new(&desk.environment), &place, Access::ReadWrite).expect("open");
    let text = opened.read(1, Part::Whole);
    fs::write(lock_of(&place.path), b"").expect("a lock");
    let mut more = fixture("unix/two");
    more.extend_from_slice(FROM.as_bytes());
    fs::write(&place.path, more).expect("half delivered");
    assert_eq!(opened.read(1, Part::Whole), text);
}

#[test]
fn a_mailbox_is_read_and_its_times_are_set_before_it_is_unlocked() {
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    let layer = Faults::over(Arc::new(RealFiles), Fault::None);
    let environment = Arc::new(desk.world.another(Arc::new(layer.clone())));
    let mut opened = open(&Unix::new(&environment), &place, Access::ReadWrite).expect("open");
    let in_order = |what: &str| {
        let trace = layer.trace();
        let last = |op: Op, path: &Path| {
            let found = trace
                .iter()
                .rposition(|step| step.0 == op && step.1 == path);
            found.unwrap_or_else(|| panic!("{what}: {op:?} is missing"))
        };
        assert!(
            last(Op::Times, &place.path) < last(Op::Remove, &lock_of(&place.path)),
            "{what}: {trace:?}"
        );
    };
    in_order("opening");
    let mut more = fixture("unix/two");
    more.extend(format!("{FROM}Subject: new\n\nx\n\n").bytes());
    fs::write(&place.path, more).expect("delivered");
    opened.poll().expect("polled");
    in_order("new mail");
}

#[test]
fn readers_keep_writers_off_and_a_count_leaves_no_trace() {
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    let layer = Faults::over(Arc::new(RealFiles), Fault::None);
    let environment = Arc::new(desk.world.another(Arc::new(layer.clone())));
    let driver = Unix::new(&environment);
    let (job, _log) = job();
    assert_eq!(driver.status(&place, &job).expect("counted").messages, 2);
    assert!(layer.trace().is_empty(), "{:?}", layer.trace());
    open(&driver, &place, Access::ReadOnly).expect("open");
    let lock = lock_of(&place.path);
    assert!(layer.trace().contains(&(Op::Link, lock)));
}

#[test]
fn a_reader_completes_what_a_writer_died_of() {
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    let other = Arc::new(desk.world.another(Arc::new(RealFiles)));
    let mut reader = open(&Unix::new(&other), &place, Access::ReadOnly).expect("open");
    let text = reader.read(2, Part::Text);
    torn(&desk, &place.path);
    assert_eq!(reader.read(2, Part::Text), text);
    reader.hear();
    assert_eq!(reader.uids(), [2]);
}

#[test]
fn a_writer_that_dies_while_it_is_waited_for_is_noticed() {
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    torn(&desk, &place.path);
    let away = desk.environment.home.join("away");
    fs::rename(&desk.environment.state, &away).expect("the journal is hidden");
    let writer = File::open(&place.path).expect("there");
    writer.lock().expect("locked");
    let mut environment = desk.world.another(Arc::new(RealFiles));
    environment.lock_patience = Duration::from_secs(10);
    let counting = thread::spawn({
        let place = place.clone();
        move || {
            let (job, _log) = job();
            Unix::new(&Arc::new(environment)).status(&place, &job)
        }
    });
    thread::sleep(Duration::from_millis(300));
    fs::rename(&away, &desk.environment.state).expect("the journal is there");
    drop(writer);
    let counted = counting.join().expect("it ends").expect("counted");
    assert_eq!(counted.messages, 1);
    let (job, _log) = job();
    let again = Unix::new(&desk.environment).status(&place, &job);
    assert_eq!(again.expect("counted").messages, 1);
}

#[test]
fn what_is_pending_is_written_before_the_mailbox_is_given_up() {
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    let driver = Unix::new(&desk.environment);
    let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
    opened
        .store(&[1], &add(SystemFlags::ANSWERED))
        .expect("stored");
    fs::write(lock_of(&place.path), b"").expect("a lock");
    desk.environment.kisses.fetch_add(1, Ordering::Relaxed);
    assert!(matches!(opened.poll(), Err(Error::Locked { .. })));
    assert_eq!(opened.list.state().expect("told").access, Access::ReadWrite);
    let locks = fs::read_dir(&desk.environment.lock_dir).expect("a folder");
    assert_eq!(locks.count(), 1, "the opener lock is kept");
    fs::remove_file(lock_of(&place.path)).expect("unlocked");
    opened.poll().expect("polled");
    assert_eq!(opened.list.state().expect("told").access, Access::ReadOnly);
    let written = fs::read_to_string(&place.path).expect("there");
    assert!(written.contains("X-Status: A"), "{written}");
    let refused = opened.store(&[1], &add(SystemFlags::DELETED));
    assert!(matches!(refused, Err(Error::ReadOnly)));
}

#[test]
fn a_file_that_another_program_has_open_is_not_taken_with_its_new_name() {
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    let new = desk.place("new", &fixture("unix/two"));
    let other = Arc::new(desk.world.another(Arc::new(RealFiles)));
    let mut opened = open(&Unix::new(&desk.environment), &place, Access::ReadWrite).expect("open");
    let _theirs = open(&Unix::new(&other), &new, Access::ReadWrite).expect("open");
    fs::rename(&new.path, &place.path).expect("replaced");
    let before = fs::read(&place.path).expect("there");
    opened
        .store(&[1], &add(SystemFlags::ANSWERED))
        .expect("stored");
    assert!(matches!(opened.check(), Err(Error::ReadOnly) | Ok(())));
    opened.hear();
    assert_eq!(opened.list.state().expect("told").access, Access::ReadOnly);
    assert_eq!(fs::read(&place.path).expect("there"), before);
}

#[test]
fn an_expunge_by_number_does_not_reach_messages_that_got_these_numbers_since() {
    let desk = Desk::new();
    let two = String::from_utf8(fixture("unix/two")).expect("text");
    let place = desk.place("box", two.as_bytes());
    let mut opened = open(&Unix::new(&desk.environment), &place, Access::ReadWrite).expect("open");
    opened
        .store(&[1], &add(SystemFlags::DELETED))
        .expect("stored");
    let mail = |status: &str| format!("{FROM}{status}Subject: other\n\nother\n\n");
    let base = "X-IMAPbase: 4 2\nX-Status: D\nX-UID: 1\n";
    let others = mail(base) + &mail("X-UID: 2\n");
    fs::write(&place.path, &others).expect("rewritten");
    let refused = opened.expunge(Some(&[1]));
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    opened.hear();
    assert_eq!(opened.uids(), [1, 2]);
    assert_eq!(fs::read_to_string(&place.path).expect("there"), others);
}

#[test]
fn mail_that_came_in_as_deleted_is_not_removed_before_it_was_seen() {
    let desk = Desk::new();
    let mut mail = fixture("unix/two");
    let place = desk.place("box", &mail);
    let mut opened = open(&Unix::new(&desk.environment), &place, Access::ReadWrite).expect("open");
    mail.extend(format!("{FROM}X-Status: D\nSubject: new\n\nx\n\n").bytes());
    fs::write(&place.path, mail).expect("delivered");
    opened.expunge(None).expect("expunged");
    assert_eq!(opened.uids(), [1, 2, 3]);
}

#[test]
fn a_mailbox_that_is_gone_for_a_moment_is_not_lost() {
    let desk = Desk::new();
    let place = desk.place("box", &fixture("unix/two"));
    let mut opened = open(&Unix::new(&desk.environment), &place, Access::ReadWrite).expect("open");
    let away = desk.environment.home.join("away");
    fs::rename(&place.path, &away).expect("gone");
    opened.poll().expect("polled");
    fs::rename(&away, &place.path).expect("back");
    opened.poll().expect("polled");
    opened
        .store(&[1], &add(SystemFlags::ANSWERED))
        .expect("stored");
    opened.check().expect("written");
    fs::rename(&place.path, &away).expect("gone");
    opened.poll().expect("polled");
    opened.poll().expect("polled");
    thread::sleep(Duration::from_millis(2100));
    assert!(matches!(opened.poll(), Err(Error::Changed(_))));
}
