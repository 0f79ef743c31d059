//! Open mailboxes are watched: what others do shows at once, without waiting for the timed look, and nothing is left behind.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use mugo::backend::event::Event;
use mugo::backend::request::{Ask, MailboxId, Request};
use mugo::mail::change::Change;
use mugo::mail::status::Access;

use crate::face::{Face, Kind, named};

const MAIL: &str = "From ann@example.org Mon Jan  5 10:00:00 2026\nSubject: one\n\nbody\n\n";

/// A face whose mailboxes are looked at by the clock once an hour.
fn face() -> Face {
    Face::with(Kind::Real, |environment| {
        environment.poll_interval = Duration::from_secs(3600);
        environment.lock_patience = Duration::from_secs(10);
    })
}

fn open(face: &mut Face, id: u64, name: &str) -> MailboxId {
    let mailbox = MailboxId(id);
    let opened = face.done(Request::Open {
        mailbox,
        name: named(name),
        access: Access::ReadWrite,
    });
    assert!(opened.result.is_ok(), "{:?}", opened.result);
    mailbox
}

fn deliver(path: &Path) {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .append(true)
        .create(true)
        .open(path)
        .expect("the mailbox");
    file.write_all(MAIL.as_bytes()).expect("delivered");
}

fn arrives(face: &mut Face, mailbox: MailboxId, count: usize) {
    let begin = Instant::now();
    face.until_event(|event| matches!(event, Event::Change(id, Change::Arrived(new)) if *id == mailbox && new.len() == count));
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
}

/// How many watches of inotify this process has on files in `folder` or on that folder.
fn watches(folder: &Path) -> usize {
    use std::os::unix::fs::MetadataExt;
    let mut files = vec![folder.to_owned()];
    files.extend(
        fs::read_dir(folder)
            .expect("a folder")
            .flatten()
            .map(|entry| entry.path()),
    );
    let inodes = files.iter().filter_map(|path| fs::metadata(path).ok());
    let inodes: Vec<String> = inodes.map(|it| format!("ino:{:x} ", it.ino())).collect();
    let infos = fs::read_dir("/proc/self/fdinfo")
        .expect("a process")
        .flatten();
    let infos = infos.filter_map(|info| fs::read_to_string(info.path()).ok());
    let lines: Vec<String> = infos
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let ours = |line: &&String| {
        line.starts_with("inotify") && inodes.iter().any(|inode| line.contains(inode))
    };
    lines.iter().filter(ours).count()
}

#[test]
fn new_mail_shows_at_once() {
    let mut face = face();
    let path = face.path("box");
    deliver(&path);
    let mailbox = open(&mut face, 1, "box");
    for _ in 0..3 {
        deliver(&path);
        arrives(&mut face, mailbox, 1);
    }
    // Replaced by renaming, as some programs do; then the new file is followed.
    let new = face.path("new");
    fs::write(&new, MAIL.repeat(2)).expect("a file");
    fs::rename(&new, &path).expect("renamed");
    face.until_event(|event| {
        matches!(event, Event::Change(_, Change::Expunged(_) | Change::Reset))
    });
    deliver(&path);
    arrives(&mut face, mailbox, 1);
    assert!(face.served(mailbox, Ask::Close).result.is_ok());
}

#[test]
fn mail_behind_a_lock_shows_when_the_lock_goes() {
    let mut face = face();
    let path = face.path("box");
    deliver(&path);
    let mailbox = open(&mut face, 1, "box");
    let lock = face.path("box.lock");
    fs::write(&lock, "").expect("a lock");
    deliver(&path);
    std::thread::sleep(Duration::from_millis(600));
    fs::remove_file(&lock).expect("unlocked");
    arrives(&mut face, mailbox, 1);
}

#[test]
fn an_inbox_that_is_not_there_yet_is_noticed_to_come() {
    let mut face = face();
    let spool = face.world.environment.spool.clone();
    let inbox = open(&mut face, 1, "INBOX");
    deliver(&spool);
    arrives(&mut face, inbox, 1);
}

#[test]
fn closing_and_ending_leave_no_watch() {
    let mut face = face();
    let folder = face.world.environment.home.clone();
    deliver(&face.path("box"));
    deliver(&face.path("other"));
    assert_eq!(watches(&folder), 0);
    let mailbox = open(&mut face, 1, "box");
    open(&mut face, 2, "other");
    // Two files and their folder, as soon as nothing else is to be done.
    wait_for_watches(&folder, 3);
    assert!(face.served(mailbox, Ask::Close).result.is_ok());
    assert_eq!(watches(&folder), 2);
    assert!(face.shutdown().is_empty());
    wait_for_watches(&folder, 0);
}

fn wait_for_watches(folder: &Path, count: usize) {
    let begin = Instant::now();
    while watches(folder) != count {
        assert!(begin.elapsed() < Duration::from_secs(2), "{count}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
