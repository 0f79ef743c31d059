//! What is new in all mailboxes of a server, asked at once.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::chown;
use std::time::Duration;

use mugo::backend::event::{Event, Piece};
use mugo::backend::request::Request;
use mugo::mail::account::Standing;
use mugo::mail::listing::{Attribute, SpecialUse};
use mugo::mail::name::MailboxName;
use mugo::os::network::{AccountChoice, Network};

use crate::desk::{Desk, network};
use crate::dovecot::{Dovecot, Format, dovecot};
use crate::fake::{Fake, Level};
use crate::proxy::Proxy;

/// How many mailboxes there are beside INBOX.
const MANY: usize = 500;

/// What became of a request.
#[derive(Default)]
struct Told {
    listed: Vec<(String, Vec<Attribute>)>,
    unseen: BTreeMap<String, u32>,
    standings: Vec<Standing>,
}

fn ask(desk: &mut Desk, request: Request) -> Told {
    let (result, events) = desk.ask(request);
    result.expect("done");
    let mut told = Told::default();
    let name = |bytes: &[u8]| {
        let whole = String::from_utf8_lossy(bytes).into_owned();
        whole
            .split_once('}')
            .map_or(whole.clone(), |it| it.1.to_owned())
    };
    for event in events {
        match event {
            Event::Piece(_, Piece::Listed(entries)) => {
                let entries = entries.into_iter();
                told.listed
                    .extend(entries.map(|it| (name(it.name.as_bytes()), it.attributes)));
            }
            Event::Piece(_, Piece::Unseen(counts)) => {
                let counts = counts.into_iter();
                told.unseen
                    .extend(counts.map(|it| (name(it.0.as_bytes()), it.1)));
            }
            Event::Account(news) => told.standings.push(news.standing),
            _ => {}
        }
    }
    told
}

fn list(desk: &mut Desk, server: &str) -> Told {
    let request = Request::List {
        reference: server.into(),
        pattern: b"%".to_vec(),
        subscribed: false,
        containing: None,
    };
    ask(desk, request)
}

fn unseen(desk: &mut Desk, server: &str) -> Told {
    let request = Request::Unseen {
        reference: server.into(),
        pattern: b"%".to_vec(),
    };
    ask(desk, request)
}

/// A user with many mailboxes, of which each has one new message more than the one before, up to two; and one that was read.
fn user(server: &Dovecot) -> String {
    let user = server.user(Format::Maildir);
    let root = server.home(&user).join("Maildir");
    let owner = rustix::process::getuid();
    assert!(owner.is_root(), "checked when Dovecot was started");
    let mail = fs::metadata(server.home(&user)).expect("there");
    let own = |path: &std::path::Path| {
        use std::os::unix::fs::MetadataExt;
        chown(path, Some(mail.uid()), Some(mail.gid())).expect("owned");
    };
    fs::create_dir(&root).expect("made");
    own(&root);
    for number in 0..MANY {
        let folder = root.join(format!(".box{number:03}"));
        fs::create_dir(&folder).expect("made");
        for inner in ["cur", "new", "tmp"] {
            fs::create_dir(folder.join(inner)).expect("made");
            own(&folder.join(inner));
        }
        own(&folder);
        let file = |name: String| {
            let path = folder.join(name);
            fs::write(&path, "Subject: one\n\none\n").expect("written");
            own(&path);
        };
        file(format!("cur/{number}.read:2,S"));
        for new in 0..number % 3 {
            file(format!("new/{number}.{new}"));
        }
    }
    user
}

#[test]
fn five_hundred_mailboxes_are_listed_and_counted_in_two_round_trips() {
    let test = "five_hundred_mailboxes_are_listed_and_counted_in_two_round_trips";
    let Some(server) = dovecot(test) else {
        return;
    };
    let user = user(server);
    let proxy = Proxy::before(server.port, Duration::ZERO);
    let name = format!("{{localhost:{}/user={user}}}", proxy.port);
    // Two that the server counts at once, and one by one, ten on their way together.
    for (disabled, most) in [(&[][..], 1), (&["LIST-STATUS"][..], 52)] {
        let mut desk = Desk::new(network(server, &user, disabled));
        let connected = list(&mut desk, &name);
        let standings = [Standing::Connecting, Standing::Connected];
        assert_eq!(connected.standings, standings);
        proxy.turns();
        let listed = list(&mut desk, &name);
        assert_eq!(proxy.turns(), 1, "the list");
        assert_eq!(listed.listed.len(), MANY + 1);
        assert!(listed.standings.is_empty());
        let told = unseen(&mut desk, &name);
        let turns = proxy.turns();
        assert!(turns <= most, "{turns} turns for the counts");
        assert_eq!(told.unseen.len(), MANY + 1);
        for number in 0..MANY {
            let expected = u32::try_from(number % 3).expect("small");
            assert_eq!(told.unseen[&format!("box{number:03}")], expected);
        }
        assert_eq!(told.unseen["INBOX"], 0);
    }
}

#[test]
fn servers_of_every_level_are_listed_and_those_that_can_are_counted() {
    for (level, extensions) in [
        (Level::Imap2bis, &[][..]),
        (Level::Imap4, &[]),
        (Level::Rev1, &[]),
        // It says that it can, and refuses.
        (
            Level::Rev1,
            &["LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE"],
        ),
        (Level::Rev2, &[]),
    ] {
        let server = Fake::start(level, extensions);
        server.deliver("INBOX", b"Subject: one\r\n\r\n", &[]);
        server.deliver("Read", b"Subject: two\r\n\r\n", &["\\Seen"]);
        let mut desk = Desk::new(Network {
            accounts: vec![AccountChoice {
                host: "127.0.0.1".to_owned(),
                user: Some("ann".to_owned()),
                password_command: vec!["echo".to_owned(), "secret".to_owned()],
                ..AccountChoice::default()
            }],
            ..Network::default()
        });
        let name = format!("{{127.0.0.1:{}/user=ann}}", server.port());
        let listed = list(&mut desk, &name);
        let mut names: Vec<&str> = listed.listed.iter().map(|it| it.0.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["INBOX", "Read"], "{level:?} {extensions:?}");
        let counted = unseen(&mut desk, &name).unseen;
        let expected = match level {
            Level::Imap2bis | Level::Imap4 => BTreeMap::new(),
            _ => [("INBOX".to_owned(), 1), ("Read".to_owned(), 0)].into(),
        };
        assert_eq!(counted, expected, "{level:?} {extensions:?}");
    }
}

#[test]
fn what_a_mailbox_is_there_for_is_told() {
    let Some(server) = dovecot("what_a_mailbox_is_there_for_is_told") else {
        return;
    };
    let user = server.user(Format::Maildir);
    let mut desk = Desk::new(network(server, &user, &[]));
    let name = format!("{}Sent", server.name(&user, ""));
    let sent = MailboxName::parse(name.as_bytes()).expect("a name");
    ask(&mut desk, Request::Create(sent));
    let listed = list(&mut desk, &server.name(&user, "")).listed;
    let sent = listed.iter().find(|it| it.0 == "Sent");
    let (_, attributes) = sent.expect("made");
    assert!(attributes.contains(&Attribute::Use(SpecialUse::Sent)));
}
