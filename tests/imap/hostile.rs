//! Servers that attack, or break the rules: nothing is sent that may not be, nothing is believed that is not proved, no step takes
//! more than its time and memory.

use std::time::{Duration, Instant};

use mugo::backend::event::{Event, Piece};
use mugo::backend::request::Request;
use mugo::driver::imap::session::{Session, Sink};
use mugo::net::stream::Stream;
use mugo::os::network::Network;
use mugo::wire::imap::response::Data;
use mugo::wire::imap::status::Kind;

use crate::contract::job;
use crate::desk::Desk;
use crate::home::{Home, Ran};
use crate::script::Script;

/// A home whose user has a password.
fn home() -> Home {
    Home::new(
        "[accounts.it]\nserver = \"{localhost/user=ann}\"\npassword-command = [\"echo\", \"hunter2\"]\n",
    )
}

/// What comes of opening a mailbox there, within 20 s, without the password in any output.
fn opened(script: &Script, switches: &str) -> Ran {
    let began = Instant::now();
    let ran = home().run(&["show", &script.name(switches)]);
    assert!(began.elapsed() < Duration::from_secs(20), "{ran:?}");
    assert!(
        !ran.out.contains("hunter2") && !ran.err.contains("hunter2"),
        "{ran:?}"
    );
    assert!(
        !ran.err.contains("panicked") && !ran.err.contains("programming error"),
        "{ran:?}"
    );
    ran
}

fn sent_password(script: &Script) -> bool {
    let heard = script.heard();
    heard
        .iter()
        .any(|line| line.starts_with("LOGIN") || line.starts_with("AUTHENTICATE"))
}

#[test]
fn nothing_is_sent_when_encryption_is_demanded_and_not_to_be_had() {
    for (what, dialogue) in [
        (
            "not offered",
            "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi",
        ),
        (
            "not offered when asked",
            "S: * OK hi\nC: TAG CAPABILITY\nS: * CAPABILITY IMAP4rev1\nS: TAG OK",
        ),
        (
            "refused",
            "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi\nC: TAG STARTTLS\nS: TAG NO not now",
        ),
        (
            "not understood",
            "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi\nC: TAG STARTTLS\nS: TAG BAD what",
        ),
        (
            "claimed to be needless",
            "S: * PREAUTH [CAPABILITY IMAP4rev1] welcome ann",
        ),
        ("closed", "S: * BYE go away"),
    ] {
        let script = Script::play(dialogue);
        let ran = opened(&script, "/tls");
        assert!([75, 77].contains(&ran.code), "{what}: {ran:?}");
        assert!(!sent_password(&script), "{what}: {:?}", script.heard());
    }
}

#[test]
fn what_comes_with_the_leave_to_encrypt_ends_the_connection() {
    for (what, dialogue) in [
        (
            "in the same segment",
            "R: TAG OK begin\\r\\n* OK injected\\r\\n",
        ),
        (
            "a command's end",
            "R: TAG OK begin\\r\\n00000001 OK injected\\r\\n",
        ),
        ("a list", "S: * LIST () \"/\" evil\nS: TAG OK begin"),
        (
            "a message",
            "S: * 1 FETCH (FLAGS (\\Seen))\nS: TAG OK begin",
        ),
        ("an alert", "S: * OK [ALERT] call 555-1234\nS: TAG OK begin"),
    ] {
        let front = "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi\nC: TAG STARTTLS\n";
        let script = Script::play(&format!("{front}{dialogue}"));
        let ran = opened(&script, "/tls");
        assert_eq!(ran.code, 77, "{what}: {ran:?}");
        assert!(ran.err.contains("meddles"), "{what}: {ran:?}");
        assert!(!ran.err.contains("555"), "{what}: {ran:?}");
        assert_eq!(script.heard(), ["STARTTLS"], "{what}");
    }
}

#[test]
fn a_greeting_that_is_none_ends_the_connection() {
    for greeting in [
        "S: * BAD no",
        "S: ",
        "R: \\*1000000:x;",
        "R: \\0\\e[31m\\r\\n",
        "S: HTTP/1.1 400 Bad Request",
        "S: 00000000 OK done",
        "R: * 1 FETCH (BODY[] {4000000}\\r\\n",
    ] {
        let script = Script::play(greeting);
        let ran = opened(&script, "");
        assert!([1, 65, 75].contains(&ran.code), "{greeting}: {ran:?}");
        assert!(!ran.err.contains('\u{1b}'));
        assert!(
            script.heard().is_empty(),
            "{greeting}: {:?}",
            script.heard()
        );
    }
}

#[test]
fn a_login_is_not_believed_without_its_proof() {
    let front =
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256 AUTH=PLAIN] hi\nC: TAG *\n";
    for (what, dialogue) in [
        ("at once", "S: TAG OK welcome"),
        (
            "without rounds",
            "S: + cj14LHM9eQ==\nC: =\nS: TAG OK welcome",
        ),
        (
            "one round",
            "S: + cj14LHM9eSxpPTE=\nC: =\nS: TAG OK welcome",
        ),
        ("no base64", "S: + !!!\nC: =\nS: TAG OK welcome"),
    ] {
        let script = Script::play(&format!("{front}{dialogue}"));
        let ran = opened(&script, "");
        assert!([65, 77].contains(&ran.code), "{what}: {ran:?}");
        assert!(
            !script.heard().iter().any(|line| line.starts_with("SELECT")),
            "{what}"
        );
        // The same password never goes by a way that shows it.
        assert!(
            !script.heard().iter().any(|line| line.contains("PLAIN")),
            "{what}"
        );
    }
}

#[test]
fn a_wrong_password_goes_by_no_second_way() {
    let script = Script::play(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=LOGIN] hi
         C: TAG *
         S: TAG NO [AUTHENTICATIONFAILED] no",
    );
    let ran = opened(&script, "");
    assert_eq!(ran.code, 77, "{ran:?}");
    assert_eq!(script.heard().len(), 1, "{:?}", script.heard());
}

/// A server on which the login is done, and that answers the opening of a mailbox so.
fn selected(answer: &str) -> Script {
    Script::play(&format!(
        "S: * OK [CAPABILITY IMAP4rev1] hi
         C: TAG LOGIN ann \"hunter2\"
         S: TAG OK [CAPABILITY IMAP4rev1] in
         C: TAG *
         {answer}"
    ))
}

#[test]
fn numbers_that_cannot_be_end_the_opening_or_are_left_out() {
    for (what, answer) in [
        (
            "too many messages",
            "S: * 4294967295 EXISTS\nS: TAG OK [READ-ONLY]\nC: TAG *\nS: TAG OK\nC: TAG *\nS: TAG OK\nC: TAG *\nS: TAG OK",
        ),
        (
            "a literal without end",
            "R: * LIST () NIL {2147483648}\\r\\n",
        ),
        (
            "a literal of digits",
            "R: * LIST () NIL {999999999999999999999999}\\r\\n",
        ),
        ("a line without end", "R: * OK \\*17000000:x;"),
        ("another tag", "S: 99999999 OK done"),
        (
            "falling UIDs",
            "S: * 2 EXISTS\nS: TAG OK [READ-ONLY]\nC: TAG *\nS: * 1 FETCH (UID 7 FLAGS () RFC822.SIZE 1)\nS: * 2 FETCH (UID 3 FLAGS () RFC822.SIZE 1)\nS: TAG OK",
        ),
        (
            "UID 0",
            "S: * 1 EXISTS\nS: TAG OK [READ-ONLY]\nC: TAG *\nS: * 1 FETCH (UID 0 FLAGS ())\nS: TAG OK\nC: TAG *\nS: TAG OK\nC: TAG *\nS: TAG OK\nC: TAG *\nS: TAG OK\nC: TAG *\nS: TAG OK\nC: TAG *\nS: TAG OK",
        ),
        (
            "fewer than there were",
            "S: * 1 EXISTS\nS: TAG OK [READ-ONLY]\nC: TAG *\nS: * 1 FETCH (UID 1 FLAGS () RFC822.SIZE 1)\nS: * 0 EXISTS\nS: TAG OK",
        ),
        (
            "a message that is another one",
            "S: * 1 EXISTS\nS: TAG OK [READ-ONLY]\nC: TAG *\nS: * 1 FETCH (UID 1 FLAGS () RFC822.SIZE 1)\nS: * 1 FETCH (UID 2 FLAGS () RFC822.SIZE 1)\nS: TAG OK",
        ),
        ("closed", "CLOSE"),
    ] {
        let script = selected(answer);
        let ran = opened(&script, "");
        assert!([65, 75].contains(&ran.code), "{what}: {ran:?}");
    }
}

#[test]
fn what_means_nothing_is_read_past() {
    let script = selected(
        "S: * 0 FETCH (FLAGS (\\Seen))
         S: * 1 EXISTS
         S: * 9 EXPUNGE
         S: * 0 EXPUNGE
         S: * 5 FETCH (UID 5 FLAGS ())
         S: * STATUS x (
         S: * NOVELTY (a (b \"c)\"))
         R: * 1 FETCH (\\*200000:(;\\r\\n
         S: * OK [UNHEARD-OF (\"]\")] fine
         S: * SEARCH 1 2 3
         S: TAG OK [READ-ONLY] {5}
         C: TAG FETCH 1:1 (UID FLAGS INTERNALDATE RFC822.SIZE)
         S: * 1 FETCH (FLAGS (\\Seen a]b $Label) NEW-ITEM (x {3}
         R: )))) INTERNALDATE \"00-Jan-0000 00:00:00 +0000\" RFC822.SIZE 5.0 UID 3)\\r\\n
         S: TAG OK
         C: TAG UID FETCH 3 (BODY.PEEK[HEADER.FIELDS (DATE SUBJECT FROM SENDER REPLY-TO TO CC BCC MESSAGE-ID IN-REPLY-TO REFERENCES)])
         S: * 2 FETCH (UID 4 BODY[HEADER.FIELDS (DATE)] \"Subject: other\")
         S: * 1 FETCH (UID 3 BODY[TEXT] \"Subject: text\")
         R: * 1 FETCH (UID 3 BODY[HEADER.FIELDS (DATE SUBJECT)] {16}\\r\\nSubject: mine\\r\\n\\0)\\r\\n
         S: TAG OK",
    );
    let ran = home().run(&["index", &script.name("")]);
    assert_eq!(ran.code, 0, "{ran:?} {:?}", script.heard());
    assert!(ran.out.contains("mine"), "{ran:?}");
    assert!(!ran.out.contains("other"), "{ran:?}");
}

#[test]
fn words_of_a_server_obey_no_terminal() {
    let script = selected("R: TAG NO \\e]0;title\\e\\ no \\e[31msuch\\r\\n\nC: TAG *\nS: TAG NO");
    let ran = opened(&script, "");
    assert_ne!(ran.code, 0);
    assert!(!ran.err.contains('\u{1b}'), "{ran:?}");
    assert!(ran.err.contains("such"), "{ran:?} {:?}", script.heard());
}

/// What was told, without what it means.
#[derive(Default)]
struct Told(Vec<String>);

impl Sink for Told {
    fn data(&mut self, data: Data<'_>) {
        self.0.push(format!("{data:?}"));
    }
}

#[test]
fn late_news_of_a_mailbox_that_was_left_are_not_taken_for_those_of_the_next() {
    // It answers both commands at once, after news of the mailbox that is being left.
    let script = Script::play(
        "S: * OK hi\nC: =\nC: =\n\
         R: * 3 EXISTS\\r\\n* 1 FETCH (UID 8 FLAGS (\\\\Deleted))\\r\\n* 1 EXPUNGE\\r\\n* VANISHED 8\\r\\n\n\
         S: 00000000 OK left\nS: * 5 EXISTS\nS: 00000001 OK open\n",
    );
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (told, status) = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", script.port)).await;
        let mut session = Session::new(Stream::Plain(stream.expect("a connection")), &[]);
        let (job, _log) = job();
        session.greeting(&job).await.expect("a greeting");
        session.leave("UNSELECT", &job).await;
        let mut told = Told::default();
        let select = session.command("SELECT other");
        let status = session.run(select, &mut told, &job).await.expect("an end");
        assert!(session.is_quiet());
        (told.0, status)
    });
    assert_eq!(status.kind, Kind::Ok);
    assert_eq!(told, ["Exists(5)"], "{:?}", script.heard());
}

#[test]
fn a_trace_is_told_while_all_else_waits_for_a_server() {
    let script = Script::play("STALL");
    let mut desk = Desk::new(Network::default());
    let server = script.name("/notls").replace("INBOX", "");
    // More than there are threads for.
    for number in 0..8 {
        desk.begin(Request::List {
            reference: server.replace("ann", &format!("ann{number}")).into_bytes(),
            pattern: b"%".to_vec(),
            subscribed: false,
            containing: None,
        });
    }
    let until = Instant::now() + Duration::from_secs(20);
    while !script.heard().iter().any(|line| line == "STALL") {
        assert!(Instant::now() < until, "nobody connects");
        std::thread::sleep(Duration::from_millis(5));
    }
    let (result, told) = desk.ask(Request::Trace(0));
    assert!(result.is_ok(), "{result:?}");
    let lines = told.iter().find_map(|event| match event {
        Event::Piece(_, Piece::Traced(lines, _)) => Some(format!("{lines:?}")),
        _ => None,
    });
    assert!(
        lines.is_some_and(|lines| lines.contains("connected")),
        "{told:?}"
    );
}
