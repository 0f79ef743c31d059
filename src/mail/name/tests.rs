use super::*;
use proptest::prelude::*;

fn kind(name: &str) -> NameKind {
    MailboxName::parse(name.as_bytes()).expect(name).kind
}

fn bytes(text: &str) -> Box<[u8]> {
    text.as_bytes().into()
}

#[test]
fn what_a_name_begins_with_says_what_it_is() {
    for (name, expected) in [
        ("INBOX", NameKind::Inbox),
        ("inBox", NameKind::Inbox),
        ("INBOX/x", NameKind::Relative),
        ("foo/bar", NameKind::Relative),
        ("*{h/nntp}x", NameKind::Relative),
        ("/a/b", NameKind::Absolute),
        ("~/inbox", NameKind::Home(bytes("inbox"))),
        ("~/", NameKind::Home(bytes(""))),
        (
            "~fred/a/b",
            NameKind::User {
                user: bytes("fred"),
                rest: bytes("a/b"),
            },
        ),
        (
            "~fred",
            NameKind::User {
                user: bytes("fred"),
                rest: bytes(""),
            },
        ),
        ("#FTP/x", NameKind::Ftp(bytes("x"))),
        ("#public/x", NameKind::Public(bytes("x"))),
        ("#Shared/x", NameKind::Shared(bytes("x"))),
        ("#Mh/x", NameKind::Mh(bytes("x"))),
        ("#MHINBOX", NameKind::MhInbox),
        ("#news.comp.mail", NameKind::News(bytes("comp.mail"))),
    ] {
        assert_eq!(kind(name), expected, "{name}");
    }
}

#[test]
fn names_within_names() {
    let local = |name: &str| Box::new(MailboxName::parse(name.as_bytes()).expect(name));
    for (name, format, inner) in [
        ("#driver.mbx/a/b", "mbx", "a/b"),
        ("#DRIVER.MBX\\a", "mbx", "a"),
        ("#driver.mh:#mh/a", "mh", "#mh/a"),
        ("#driver.unix/INBOX", "unix", "INBOX"),
    ] {
        let expected = NameKind::Driver {
            format: format.into(),
            name: local(inner),
        };
        assert_eq!(kind(name), expected, "{name}");
    }
    let name = "#move+{pop.example.net/pop3/ssl}inbox+mail/in";
    let from = local("{pop.example.net/pop3/ssl}inbox");
    assert_eq!(
        kind(name),
        NameKind::Move {
            from,
            to: local("mail/in")
        }
    );
    let NameKind::Pop { server, to } = kind("#pop{h/ssl/user=x}in") else {
        panic!("a #pop name");
    };
    assert_eq!(
        (server.service(), to.as_bytes()),
        (&Service::Pop3, &b"in"[..])
    );
}

#[test]
fn a_remote_name_ends_its_server_at_the_first_brace() {
    let NameKind::Remote { server, mailbox } = kind("{h}a}b") else {
        panic!("a remote name");
    };
    assert_eq!((server.host(), &*mailbox), ("h", &b"a}b"[..]));
    let NameKind::Remote { mailbox, .. } = kind("{h}") else {
        panic!("a remote name");
    };
    assert_eq!(&*mailbox, b"INBOX");
    let name = MailboxName::remote(&server, b"x/y").expect("valid");
    assert_eq!(name.as_bytes(), b"{h/imap}x/y");
}

#[test]
fn malformed_names_are_refused() {
    for name in [
        "",
        "a\rb",
        "a\nb",
        "a\0b",
        "~",
        "{h",
        "{h/bogus}x",
        "{}",
        "#",
        "#x",
        "#ftp",
        "#mh/",
        "#news.",
        "#news.a/b",
        "#NEWS.a",
        "#news.a..b",
        "#ftp/../x",
        "#shared//x",
        "#public/~x",
        "#mh/a/../b",
        "#driver.",
        "#driver./x",
        "#driver.mbx",
        "#driver.mbx/",
        "#driver.a b/x",
        "#driver.mbx/#driver.mbx/x",
        "#driver.mbx/{h}x",
        "#driver.news/#news.a",
        "#move",
        "#move+",
        "#move+a",
        "#move+a+",
        "#move++a",
        "#move+#move-a-b+c",
        "#pop{h}",
        "#pop{h/imap}x",
        "#pop{h/anonymous}x",
        "#pop{h/readonly}x",
        "#pop{h}#pop{h}x",
        "#popx",
        "#mhinbox/x",
    ] {
        assert!(MailboxName::parse(name.as_bytes()).is_err(), "{name:?}");
    }
    assert!(MailboxName::parse(&[b'a'; 256]).is_ok());
    assert!(MailboxName::parse(&[b'a'; 257]).is_err());
    let remote = |length: usize| [&b"{h}"[..], &vec![b'a'; length]].concat();
    assert!(MailboxName::parse(&remote(1000)).is_ok());
    assert!(MailboxName::parse(&remote(1001)).is_err());
}

#[test]
fn errors_say_what_is_wrong() {
    for (name, message) in [
        ("", "the name is empty"),
        (
            "ab\nc",
            "byte 3 is a line end or NUL, which no name can hold",
        ),
        ("#ftp/..", ".. is forbidden in a name that begins with #"),
        (
            "{h/x\u{1b}}y",
            "the server part is wrong: control, invisible or undecodable characters between the braces",
        ),
        (
            "{h/bogus}y",
            "the server part is wrong: there is no switch /bogus",
        ),
    ] {
        let error = MailboxName::parse(name.as_bytes()).expect_err(name);
        assert_eq!(error.to_string(), message);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = MailboxName::parse(&bytes);
    }

    #[test]
    fn what_parses_is_kept_as_typed(text in "(#driver[.]|#move|#pop|#mh/|#news[.]|~|/|[{]h)?[#a-z{}/~.+\\\\:]{0,30}") {
        if let Ok(name) = MailboxName::parse(text.as_bytes()) {
            prop_assert_eq!(name.as_bytes(), text.as_bytes());
            prop_assert_eq!(MailboxName::parse(name.as_bytes()), Ok(name.clone()));
        }
    }
}
