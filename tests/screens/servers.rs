//! Questions of servers: a password is typed unseen and kept nowhere, a certificate is shown whole.

use mugo::backend::event::{Event, Piece};
use mugo::backend::request::Ticket;
use mugo::mail::account::{AccountNews, Standing};
use mugo::mail::listing::{Attribute, ListEntry};
use mugo::mail::name::MailboxName;
use mugo::mail::question::{
    About, Answer, CertificateShown, PasswordWanted, Question, QuestionNumber, Reply,
};
use mugo::mail::secret::Secret;
use mugo::mail::text::Foreign;
use mugo::tui::effect::Effect;
use mugo::tui::key::Key;
use mugo::tui::msg::Msg;
use mugo::tui::options::{Collection, Options};
use mugo::tui::state::job::Job;
use mugo::tui::update::update::update;

use crate::bench::{Bench, bench, bench_with, mail};

const TICKET: Ticket = Ticket(9999);

fn asks(bench: &mut Bench, number: u32, about: About) {
    bench.state.jobs.insert(TICKET, Job::Open);
    let number = QuestionNumber(number);
    bench.send(Msg::Event(Event::Question(
        TICKET,
        Question { number, about },
    )));
}

fn password(refused: Option<&str>) -> About {
    About::Password(PasswordWanted {
        user: Foreign::new("ann"),
        host: Foreign::new("imap.example.org"),
        refused: refused.map(Foreign::new),
    })
}

fn certificate(has_changed: bool) -> About {
    About::Certificate(CertificateShown {
        host: Foreign::new("imap.example.org"),
        why: "nobody that this machine trusts has signed it".to_owned(),
        fingerprint: "C6:41".repeat(16).replace("41C6", "41:C6"),
        has_changed,
    })
}

fn keys(bench: &mut Bench, names: &[&str]) -> Vec<Effect> {
    let key = |name: &&str| Msg::Key(Key::parse(name).expect("a key"));
    let effects = names
        .iter()
        .map(key)
        .map(|msg| update(&mut bench.state, msg));
    effects.flatten().collect()
}

fn answers(effects: &[Effect]) -> Vec<Answer> {
    let answer = |effect: &Effect| match effect {
        Effect::Answer(TICKET, answer) => Some(answer.clone()),
        _ => None,
    };
    effects.iter().filter_map(answer).collect()
}

#[test]
fn a_password_is_typed_unseen_and_kept_nowhere() {
    for (width, height) in [(80, 24), (40, 12)] {
        let mut bench = bench(width, height, &mail());
        asks(&mut bench, 1, password(Some("[AUTHENTICATIONFAILED] no.")));
        let typed = keys(&mut bench, &["s", "3", "c", "r", "e", "t"]);
        assert!(answers(&typed).is_empty());
        let screen = bench.screen();
        assert!(!screen.contains("s3cret"), "{screen}");
        insta::assert_snapshot!(format!("password-{width}x{height}"), screen);
        let given = answers(&keys(&mut bench, &["enter"]));
        let reply = Reply::Password(Secret::new("s3cret".to_owned()));
        let number = QuestionNumber(1);
        assert_eq!(given, [Answer { number, reply }]);
        // The next question knows nothing of it.
        asks(&mut bench, 2, password(None));
        let recalled = answers(&keys(&mut bench, &["up", "enter"]));
        assert!(recalled.is_empty(), "{recalled:?}");
    }
}

#[test]
fn a_certificate_is_shown_whole_and_not_trusted_by_chance() {
    for (width, height) in [(80, 24), (40, 12)] {
        let mut bench = bench(width, height, &mail());
        asks(&mut bench, 1, certificate(false));
        insta::assert_snapshot!(format!("certificate-{width}x{height}"), bench.screen());
        let refused = keys(&mut bench, &["enter"]);
        assert!(answers(&refused).is_empty());
        assert!(
            refused
                .iter()
                .any(|effect| matches!(effect, Effect::Cancel(TICKET)))
        );
        asks(&mut bench, 2, certificate(true));
        assert!(bench.screen().contains("not the one"));
        let given = answers(&keys(&mut bench, &["t"]));
        assert_eq!(given.len(), 1);
        assert_eq!(given[0].reply, Reply::Trust);
    }
}

fn at_work(options: &mut Options) {
    options.collections.push(Collection {
        name: "Work".to_owned(),
        prefix: WORK.to_owned(),
        delimiter: '/',
    });
}

const WORK: &str = "{imap.example.org/user=ann}";

fn stands(bench: &mut Bench, standing: Standing) {
    bench.send(Msg::Event(Event::Account(AccountNews {
        host: "imap.example.org".to_owned(),
        user: "ann".to_owned(),
        standing,
    })));
}

/// Answers the list that the bench asked for, which no server answers here.
fn lists(bench: &mut Bench, names: &[(&str, Attribute)]) {
    bench.state.jobs.insert(TICKET, Job::List);
    let entry = |(name, attribute): &(&str, Attribute)| ListEntry {
        name: MailboxName::parse(format!("{WORK}{name}").as_bytes()).expect("a name"),
        delimiter: Some('.'),
        attributes: vec![*attribute],
        description: None,
    };
    let entries = names.iter().map(entry).collect();
    bench.send(Msg::Event(Event::Piece(TICKET, Piece::Listed(entries))));
    bench.send(Msg::Event(Event::Finished(TICKET, Ok(()))));
}

#[test]
fn accounts_stand_in_the_folder_list_with_how_they_are() {
    for (width, height) in [(80, 24), (40, 12)] {
        let size = format!("{width}x{height}");
        let mut bench = bench_with(width, height, &mail(), at_work);
        bench.keys("l");
        assert!(bench.screen().contains("Work/"), "{}", bench.screen());
        let away = Standing::Away(Foreign::new("no answer"));
        for (standing, word) in [
            (Standing::Connecting, "Work/ (connecting)"),
            (away, "Work/ (offline)"),
            (Standing::Connected, "Work/ (connected)"),
        ] {
            stands(&mut bench, standing);
            assert!(bench.screen().contains(word), "{}", bench.screen());
        }
        insta::assert_snapshot!(format!("account-{size}"), bench.screen());
        // Nobody answers there: the list says so, and asks again.
        bench.keys("end enter");
        assert!(
            bench
                .screen()
                .contains("[Folders not listed; Enter tries again]")
        );
        insta::assert_snapshot!(format!("account-not-listed-{size}"), bench.screen());
        stands(&mut bench, Standing::Connecting);
        bench.send(Msg::Key(Key::parse("enter").expect("a key")));
        assert!(bench.screen().contains("[Connecting to imap.example.org]"));
        bench.settle();
        let names = [
            ("Trash", Attribute::HasNoChildren),
            ("Lists", Attribute::HasChildren),
            ("INBOX", Attribute::HasNoChildren),
        ];
        lists(&mut bench, &names);
        bench.state.jobs.insert(TICKET, Job::CountAll);
        let name = MailboxName::parse(format!("{WORK}Trash").as_bytes()).expect("a name");
        let counts = Piece::Unseen(vec![(name, 7)]);
        bench.send(Msg::Event(Event::Piece(TICKET, counts)));
        bench.send(Msg::Event(Event::Finished(TICKET, Ok(()))));
        bench.settle();
        insta::assert_snapshot!(format!("account-listed-{size}"), bench.screen());
        // Its levels are parted by dots, and it is no newsgroup.
        bench.keys("down down enter");
        assert_eq!(bench.state.folders.directory, "Lists.");
        lists(&mut bench, &[("Lists.rust", Attribute::HasNoChildren)]);
        let labels: Vec<&str> = bench
            .state
            .folders
            .entries
            .iter()
            .map(|it| it.label.raw())
            .collect();
        assert_eq!(labels, ["rust"]);
        bench.keys("<");
        assert_eq!(bench.state.folders.directory, "");
    }
}

#[test]
fn a_server_that_does_not_answer_holds_up_no_other_list() {
    let mut bench = bench_with(80, 24, &mail(), at_work);
    bench.keys("l a").types("barns").keys("enter end enter");
    // A list that hangs, in place of the one that failed at once.
    bench.state.folders.loaded = false;
    bench.state.jobs.insert(TICKET, Job::List);
    let gave_up = keys(&mut bench, &["<"]);
    assert!(
        gave_up
            .iter()
            .any(|effect| matches!(effect, Effect::Cancel(TICKET)))
    );
    let mut asked = gave_up.into_iter();
    let request = asked.find_map(|effect| match effect {
        Effect::Ask(ticket, request) => Some((ticket, request)),
        _ => None,
    });
    let (ticket, request) = request.expect("the folders here are asked for");
    bench.ask(ticket, request);
    // What comes late belongs to no list.
    let name = MailboxName::parse(format!("{WORK}Trash").as_bytes()).expect("a name");
    let late = ListEntry {
        name,
        delimiter: Some('/'),
        attributes: vec![Attribute::HasNoChildren],
        description: None,
    };
    bench.send(Msg::Event(Event::Piece(TICKET, Piece::Listed(vec![late]))));
    bench.send(Msg::Event(Event::Finished(TICKET, Ok(()))));
    bench.settle();
    let labels: Vec<&str> = bench
        .state
        .folders
        .entries
        .iter()
        .map(|it| it.label.raw())
        .collect();
    assert_eq!(labels, ["INBOX", "barns", "Work"]);
}

/// Tells the trace that is shown of lines, of which there were so many in all.
fn traces(bench: &mut Bench, lines: &[&str], count: u64) {
    let follows = bench.state.pager.as_ref().and_then(|it| it.follows);
    let seen = follows.expect("it goes on").seen;
    bench.state.jobs.insert(TICKET, Job::Trace(seen));
    let lines = lines.iter().map(|line| Foreign::new(*line)).collect();
    let traced = Piece::Traced(lines, count);
    bench.send(Msg::Event(Event::Piece(TICKET, traced)));
    bench.send(Msg::Event(Event::Finished(TICKET, Ok(()))));
}

#[test]
fn what_is_said_to_servers_is_shown_as_it_happens() {
    const SAID: [&str; 5] = [
        "10:20:31.123 imap.example.org#1 connected\n",
        "10:20:31.223 imap.example.org#1 S: * OK [CAPABILITY IMAP4rev1 IDLE AUTH=PLAIN] ready\n",
        "10:20:31.224 imap.example.org#1 C: 00000000 AUTHENTICATE PLAIN <suppressed>\n",
        "10:20:31.324 imap.example.org#1 S: 00000000 OK in\n",
        "10:20:31.325 imap.example.org#1 C: 00000001 SELECT INBOX\n",
    ];
    for (width, height) in [(80, 24), (40, 12)] {
        let size = format!("{width}x{height}");
        let mut bench = bench_with(width, height, &mail(), |_| {});
        bench.keys("l !");
        assert!(
            bench.screen().contains("Nothing was said"),
            "{}",
            bench.screen()
        );
        traces(&mut bench, &SAID, 5);
        insta::assert_snapshot!(format!("trace-{size}"), bench.screen());
        // Who looks at the end sees what comes; who looks further up stays there.
        let more: Vec<String> = (0..60)
            .map(|number| format!("10:20:32.000 S: * {number} EXISTS\n"))
            .collect();
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        traces(&mut bench, &more, 65);
        assert!(bench.screen().contains("* 59 EXISTS"), "{}", bench.screen());
        bench.keys("home");
        traces(&mut bench, &["10:20:33.000 S: * 99 \x1b[2JEXISTS\n"], 66);
        assert!(!bench.screen().contains("* 99"), "{}", bench.screen());
        bench.keys("end");
        assert!(bench.screen().contains("* 99 "), "{}", bench.screen());
        assert!(!bench.screen().contains('\x1b'));
        bench.send(Msg::Resize(width - 7, height - 1));
        assert!(bench.screen().contains("* 99 "), "{}", bench.screen());
        // It asks for more by itself, and no longer once it is left.
        let asked = bench
            .state
            .pager
            .as_ref()
            .and_then(|it| it.follows)
            .expect("it goes on")
            .asked;
        bench.send(Msg::Tick(asked + 1_000));
        assert!(
            bench
                .state
                .jobs
                .values()
                .any(|job| matches!(job, Job::Trace(_)))
        );
        bench.settle();
        bench.keys("e");
        bench.send(Msg::Tick(asked + 5_000));
        assert!(
            !bench
                .state
                .jobs
                .values()
                .any(|job| matches!(job, Job::Trace(_)))
        );
    }
}
