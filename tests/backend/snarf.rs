//! Snarfing as the backend does it: at open, while open, on demand; never read-only; `#move`.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use mugo::backend::event::Event;
use mugo::backend::request::{Ask, MailboxId, Request};
use mugo::mail::change::Change;
use mugo::mail::status::Access;

use crate::face::{Face, Kind, named};

const ONE: &str = "From ann@example.org Mon Jan  5 10:00:00 2026\nSubject: one\n\n1\n\n";
const TWO: &str = "From ann@example.org Mon Jan  5 10:00:01 2026\nSubject: two\n\n2\n\n";

/// A home whose INBOX is `mbox` with one message, and a spool with another.
fn home(read_only: bool) -> Face {
    let face = Face::with(Kind::Real, |environment| environment.read_only = read_only);
    fs::write(face.path("mbox"), ONE).expect("written");
    spool(&face, TWO);
    face
}

fn spool(face: &Face, text: &str) {
    let path = &face.world.environment.spool;
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("delivered");
}

fn open(face: &mut Face, name: &str, access: Access) -> (MailboxId, Vec<Event>) {
    let mailbox = MailboxId(1);
    let name = named(name);
    let outcome = face.done(Request::Open {
        mailbox,
        name,
        access,
    });
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    (mailbox, outcome.events)
}

fn text(face: &Face, name: &str) -> String {
    fs::read_to_string(face.path(name)).expect("a mailbox")
}

fn spooled(face: &Face) -> String {
    fs::read_to_string(&face.world.environment.spool).expect("a spool")
}

fn told(events: &[Event], words: &str) -> bool {
    let mut notices = events.iter().filter_map(|event| match event {
        Event::Notice(_, text) => Some(text.raw()),
        _ => None,
    });
    notices.any(|text| text.contains(words))
}

#[test]
fn what_waits_in_the_spool_comes_at_open_and_on_demand() {
    let mut face = home(false);
    let (mailbox, _) = open(&mut face, "INBOX", Access::ReadWrite);
    let moved = face.served(mailbox, Ask::Snarf);
    assert!(moved.result.is_ok(), "{:?}", moved.result);
    let arrived = moved
        .events
        .iter()
        .any(|event| matches!(event, Event::Change(_, Change::Arrived(_))));
    assert!(arrived, "{:?}", moved.events);
    assert!(
        told(&moved.events, "1 message moved from"),
        "{:?}",
        moved.events
    );
    assert!(!spooled(&face).contains("Subject: two"));
    let three = TWO.replace("two", "three");
    fs::write(&face.world.environment.spool, three).expect("delivered");
    std::thread::sleep(Duration::from_millis(300));
    assert!(
        spooled(&face).contains("three"),
        "only once a minute by itself"
    );
    let checked = face.served(mailbox, Ask::Check);
    assert!(checked.result.is_ok(), "{:?}", checked.result);
    assert!(!spooled(&face).contains("three"));
    assert!(face.shutdown().is_empty());
    for subject in ["one", "two", "three"] {
        assert_eq!(
            text(&face, "mbox")
                .matches(&format!("Subject: {subject}\n"))
                .count(),
            1
        );
    }
}

#[test]
fn what_is_delivered_straight_to_inbox_while_mail_is_moved_is_told() {
    let mut face = Face::with(Kind::Real, |_| {});
    for folder in ["cur", "new", "tmp"] {
        fs::create_dir_all(face.path("INBOX").join(folder)).expect("a folder");
    }
    spool(&face, "");
    let (mailbox, _) = open(&mut face, "INBOX", Access::ReadWrite);
    // A keyword has to be defined in the open mailbox first, which looks at its folders for that.
    spool(
        &face,
        &TWO.replace("\n\n2", "\nStatus: O\nX-Keywords: work\n\n2"),
    );
    fs::write(face.path("INBOX/new/1.x"), "Subject: one\n\n1\n").expect("delivered");
    let moved = face.served(mailbox, Ask::Snarf);
    assert!(moved.result.is_ok(), "{:?}", moved.result);
    let mut arrived = 0;
    for event in &moved.events {
        if let Event::Change(_, Change::Arrived(new)) = event {
            arrived += new.len();
        }
    }
    assert_eq!(arrived, 2, "{:?}", moved.events);
    assert!(!spooled(&face).contains("Subject: two"));
}

#[test]
fn nothing_is_moved_read_only() {
    for (read_only, access) in [(true, Access::ReadWrite), (false, Access::ReadOnly)] {
        let mut face = home(read_only);
        let (mailbox, _) = open(&mut face, "INBOX", access);
        let asked = face.served(mailbox, Ask::Snarf);
        assert!(asked.result.is_ok(), "{:?}", asked.result);
        let checked = face.served(mailbox, Ask::Check);
        assert!(checked.result.is_ok(), "{:?}", checked.result);
        assert!(face.shutdown().is_empty());
        assert_eq!(spooled(&face), TWO);
        assert_eq!(text(&face, "mbox"), ONE);
    }
}

#[test]
fn a_spool_that_dangles_is_told_once_and_stays() {
    let mut face = home(false);
    let path = face.world.environment.spool.clone();
    fs::remove_file(&path).expect("removed");
    symlink("nowhere", &path).expect("a link");
    let (mailbox, _) = open(&mut face, "INBOX", Access::ReadWrite);
    let asked = face.served(mailbox, Ask::Snarf);
    assert!(asked.result.is_ok(), "{:?}", asked.result);
    assert!(told(&asked.events, "mail stays in"), "{:?}", asked.events);
    assert!(face.shutdown().is_empty());
    assert!(fs::symlink_metadata(&path).is_ok());
    assert_eq!(text(&face, "mbox").matches("Subject: ").count(), 1);
}

#[test]
fn a_move_by_name_empties_one_mailbox_into_another() {
    let mut face = Face::new(Kind::Real);
    fs::write(
        face.path("from"),
        format!(
            "{ONE}{}",
            TWO.replace("\n\n2", "\nStatus: RO\nX-Status: D\n\n2")
        ),
    )
    .expect("written");
    fs::write(face.path("to"), TWO.replace("two", "own")).expect("written");
    let (mailbox, _) = open(&mut face, "#move+from+to", Access::ReadWrite);
    let moved = face.served(mailbox, Ask::Snarf);
    assert!(moved.result.is_ok(), "{:?}", moved.result);
    assert!(face.shutdown().is_empty());
    assert_eq!(text(&face, "to").matches("Subject: one\n").count(), 1);
    assert!(text(&face, "to").contains("Subject: own\n"));
    // What is marked as deleted stays where it is.
    assert!(text(&face, "from").contains("Subject: two\n"));
    assert!(!text(&face, "from").contains("Subject: one\n"));
    let mut face = face.next_program();
    let missing = Request::Open {
        mailbox: MailboxId(2),
        name: named("#move+absent+to"),
        access: Access::ReadWrite,
    };
    assert!(face.done(missing).result.is_err());
}
