//! Real files that other programs have locked: who it is gets told, waiting can be ended, and ends by itself.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mugo::backend::error::Error;
use mugo::backend::event::{Event, Piece};
use mugo::backend::request::{Ask, MailboxId, Request, Ticket};
use mugo::driver::error::Error as DriverError;
use mugo::mail::change::Change;
use mugo::mail::question::{About, Answer, LockHeld, Question, Reply};
use mugo::mail::status::Access;

use crate::common::holder::Holder;
use crate::face::{Face, Kind, named};

const MAIL: &str = "From ann@example.org Mon Jan  5 10:00:00 2026\nSubject: one\n\nbody\n\n";

fn face() -> Face {
    let face = Face::with(Kind::Real, |environment| {
        environment.lock_patience = Duration::from_secs(60);
    });
    fs::write(face.path("box"), MAIL).expect("a mailbox");
    face
}

fn open(face: &mut Face, access: Access) -> Ticket {
    face.ask(Request::Open {
        mailbox: MailboxId(1),
        name: named("box"),
        access,
    })
}

fn asked(face: &mut Face) -> (Question, LockHeld) {
    match face.until_event(|event| matches!(event, Event::Question(..))) {
        Event::Question(_, question) => {
            let About::Locked(held) = question.about.clone() else {
                panic!("{question:?}");
            };
            (question, held)
        }
        other => panic!("{other:?}"),
    }
}

/// The state that the events of an opening told last.
fn access_of(events: &[Event]) -> Option<(Access, Option<String>)> {
    let mut states = events.iter().rev().filter_map(|event| match event {
        Event::Change(_, Change::State(state)) => Some(state),
        _ => None,
    });
    let state = states.next()?;
    let why = state.why_read_only.as_ref().map(|why| why.raw().to_owned());
    Some((state.access, why))
}

#[test]
fn who_holds_the_kernel_lock_is_told_and_work_goes_on_when_it_is_free() {
    let mut face = face();
    let holder = Holder::of(&face.path("box"));
    let ticket = open(&mut face, Access::ReadWrite);
    let begin = Instant::now();
    let (_, held) = asked(&mut face);
    assert!(begin.elapsed() >= Duration::from_millis(1900), "too soon");
    assert_eq!(held.mailbox.raw(), "box");
    assert_eq!(held.by.raw(), holder.name());
    assert!(held.may_read);
    let (_, later) = asked(&mut face);
    assert!(later.since > held.since && later.left < held.left);
    drop(holder);
    let freed = Instant::now();
    let outcome = face.until(ticket);
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    assert!(freed.elapsed() < Duration::from_secs(1));
    assert_eq!(access_of(&outcome.events), Some((Access::ReadWrite, None)));
}

#[test]
fn a_locked_mailbox_opens_read_only_when_the_user_likes() {
    let mut face = face();
    let holder = Holder::of(&face.path("box"));
    let ticket = open(&mut face, Access::ReadWrite);
    let (question, _) = asked(&mut face);
    let number = question.number;
    let reply = Reply::ReadOnly;
    face.backend().answer(ticket, Answer { number, reply });
    let answered = Instant::now();
    let outcome = face.until(ticket);
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    assert!(answered.elapsed() < Duration::from_secs(2));
    let why = format!("{} has locked it", holder.name());
    assert_eq!(
        access_of(&outcome.events),
        Some((Access::ReadOnly, Some(why)))
    );
    let arrived =
        |event: &Event| matches!(event, Event::Change(_, Change::Arrived(new)) if new.len() == 1);
    assert!(outcome.events.iter().any(arrived));
    // A change is refused with the reason, and may be tried again.
    let refused = face.served(MailboxId(1), Ask::Expunge(None)).result;
    assert!(matches!(
        refused,
        Err(Error::Driver(DriverError::Locked { .. }))
    ));
    assert!(face.served(MailboxId(1), Ask::Close).result.is_ok());
}

#[test]
fn a_wait_is_cancelled_within_a_tenth_of_a_second() {
    for dot in [false, true] {
        let mut face = face();
        let holder = (!dot).then(|| Holder::of(&face.path("box")));
        if dot {
            fs::write(face.path("box.lock"), "").expect("a lock");
        }
        let ticket = open(&mut face, Access::ReadWrite);
        let (_, held) = asked(&mut face);
        let who = holder
            .as_ref()
            .map_or("another program".to_owned(), Holder::name);
        assert_eq!(held.by.raw(), who);
        face.backend().cancel(ticket);
        let begin = Instant::now();
        let result = face.until(ticket).result;
        assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
        assert!(
            begin.elapsed() < Duration::from_millis(100),
            "{:?}",
            begin.elapsed()
        );
        assert_eq!(face.path("box.lock").exists(), dot);
    }
}

#[test]
fn a_dot_lock_tells_its_process_and_is_noticed_to_go() {
    let mut face = face();
    let mut other = Command::new("sleep").arg("60").spawn().expect("a process");
    fs::write(face.path("box.lock"), format!("{}\n", other.id())).expect("a lock");
    let ticket = open(&mut face, Access::ReadWrite);
    let (_, held) = asked(&mut face);
    assert_eq!(held.by.raw(), format!("sleep (pid {})", other.id()));
    fs::remove_file(face.path("box.lock")).expect("unlocked");
    let freed = Instant::now();
    assert!(face.until(ticket).result.is_ok());
    assert!(
        freed.elapsed() < Duration::from_millis(900),
        "{:?}",
        freed.elapsed()
    );
    other.kill().expect("killed");
    other.wait().expect("dead");
}

#[test]
fn looking_waits_for_nobody() {
    let mut face = face();
    let _holder = Holder::of(&face.path("box"));
    let begin = Instant::now();
    let counted = face.done(Request::Status(named("box")));
    assert!(counted.result.is_ok(), "{:?}", counted.result);
    let found = |piece: &Piece| matches!(piece, Piece::Status(status) if status.messages == 1);
    assert!(counted.pieces().any(found));
    let ticket = open(&mut face, Access::ReadOnly);
    let outcome = face.until(ticket);
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    let told = |event: &Event| matches!(event, Event::Notice(_, text) if text.raw().contains("flock (pid"));
    assert!(outcome.events.iter().any(told));
}

/// Another program that has `box` open as c-client programs have: it holds the name lock, with its id in it.
fn opener(face: &Face, trap: &str) -> Child {
    use std::os::unix::fs::MetadataExt;
    let found = fs::metadata(face.path("box")).expect("there");
    let name = format!(".{:x}.{:x}", found.dev(), found.ino());
    let lock = face.world.environment.lock_dir.join(name);
    let script = format!(
        "exec 9>>'{0}'; flock 9; {trap} printf %s $$ >'{0}'; echo locked; \
         for i in $(seq 600); do sleep 0.1 9>&-; done",
        lock.display()
    );
    let mut command = Command::new("bash");
    command.args(["-c", &script]).stdout(Stdio::piped());
    let mut child = command.spawn().expect("bash");
    let mut line = [0; 7];
    let stdout = child.stdout.as_mut().expect("piped");
    stdout.read_exact(&mut line).expect("locked");
    child
}

#[test]
fn only_who_holds_a_mailbox_and_listens_is_asked_to_give_it_up() {
    let mut face = face();
    let mut deaf = opener(&face, "");
    let ticket = open(&mut face, Access::ReadWrite);
    let outcome = face.until(ticket);
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    let why = format!("bash (pid {}) has it open", deaf.id());
    assert_eq!(
        access_of(&outcome.events),
        Some((Access::ReadOnly, Some(why)))
    );
    // The signal would have ended it.
    assert!(deaf.try_wait().expect("ours").is_none());
    assert!(face.served(MailboxId(1), Ask::Close).result.is_ok());
    deaf.kill().expect("killed");
    deaf.wait().expect("dead");

    let mut polite = opener(&face, "trap 'exit 0' USR2;");
    let ticket = face.ask(Request::Open {
        mailbox: MailboxId(2),
        name: named("box"),
        access: Access::ReadWrite,
    });
    let outcome = face.until(ticket);
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    assert_eq!(access_of(&outcome.events), Some((Access::ReadWrite, None)));
    assert!(polite.wait().expect("ours").success());
}

#[test]
fn lock_files_of_other_programs_are_waited_for() {
    for program in ["dotlockfile", "mutt_dotlock"] {
        let mut face = face();
        let path = face.path("box");
        let locked = match program {
            "dotlockfile" => Command::new(program)
                .arg("-l")
                .arg(face.path("box.lock"))
                .status(),
            _ => Command::new(program).arg(&path).status(),
        };
        match locked {
            Ok(status) if status.success() => {}
            other => {
                eprintln!("not run with {program}: {other:?}");
                continue;
            }
        }
        assert!(face.path("box.lock").exists(), "{program}");
        let ticket = open(&mut face, Access::ReadWrite);
        asked(&mut face);
        fs::remove_file(face.path("box.lock")).expect("unlocked");
        let outcome = face.until(ticket);
        assert!(outcome.result.is_ok(), "{program}: {:?}", outcome.result);
        assert_eq!(access_of(&outcome.events), Some((Access::ReadWrite, None)));
    }
}
