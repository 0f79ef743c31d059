use proptest::collection::vec;
use proptest::prelude::any;
use proptest::{prop_assert, proptest};

use super::*;
use crate::wire::imap::status::Code;

fn parse(text: &str) -> Response<'_> {
    Response::parse(Raw::whole(text.as_bytes()))
}

fn data(text: &str) -> Data<'_> {
    match parse(text) {
        Response::Untagged(data) => data,
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_come_with_a_word() {
    assert_eq!(data("* 23 EXISTS "), Data::Exists(23));
    assert_eq!(data("*  5 recent"), Data::Recent(5));
    assert_eq!(data("* 4294967295 EXPUNGE"), Data::Expunge(u32::MAX));
    assert_eq!(data("* 4294967296 EXISTS"), Data::Other);
    assert_eq!(data("* -5 EXISTS"), Data::Other);
    assert_eq!(data("* 5 COPY"), Data::Other);
    for word in ["FETCH", "STORE"] {
        let text = format!("* 5 {word} (FLAGS (\\Seen))");
        let Data::Fetch(5, fetched) = data(&text) else {
            panic!("{word}");
        };
        assert!(fetched.flags.is_some());
    }
}

#[test]
fn status_lines_are_tagged_or_not() {
    let Response::Tagged(tag, status) = parse("a1 OK") else {
        panic!("not tagged");
    };
    assert_eq!((tag, status.kind), (&b"a1"[..], Kind::Ok));
    let Data::Status(status) = data("* NO") else {
        panic!("no status");
    };
    assert_eq!(status.kind, Kind::No);
    for bare in ["* [UIDNEXT 7]", "[UIDNEXT 7] x"] {
        let Data::Status(status) = data(bare) else {
            panic!("{bare}");
        };
        assert_eq!(status.code, Some(Code::UidNext(7)));
    }
    assert_eq!(parse("+"), Response::Continue(b""));
    assert_eq!(parse("+ bmV4dA=="), Response::Continue(b"bmV4dA=="));
    for junk in ["", "*", "x", "* ", "a1 HELLO", "* HELLO x", "\u{1b}[31m"] {
        assert_eq!(data(junk), Data::Other, "{junk:?}");
    }
}

#[test]
fn mailboxes_are_listed_in_many_ways() {
    for (text, delimiter, name) in [
        ("* LIST (\\HasNoChildren) \"/\" INBOX", Some(b'/'), "INBOX"),
        ("* LIST () \"\\\\\" \"a \\\"b\\\"\"", Some(b'\\'), "a \"b\""),
        ("* LSUB () NIL {5}\r\na\r\nbc", None, "a\r\nbc"),
        (
            "* XLIST (\\Inbox) \".\" Sent Items \t",
            Some(b'.'),
            "Sent Items",
        ),
        ("* LIST () \"/\" ~archive", Some(b'/'), "~archive"),
        ("* MAILBOX \"old box\"", None, "old box"),
        ("* MAILBOX old box", None, "old box"),
        ("* LIST NIL NIL nil", None, "nil"),
    ] {
        let Data::List(listed) = data(text) else {
            panic!("{text}");
        };
        let found = (
            listed.delimiter,
            String::from_utf8_lossy(&listed.name).into_owned(),
        );
        assert_eq!(found, (delimiter, name.to_owned()), "{text}");
    }
    let Data::List(listed) = data("* LSUB (\\NoSelect \\x) \"/\" a") else {
        panic!("not listed");
    };
    assert!(listed.subscribed);
    assert_eq!(listed.attributes, ["\\NoSelect", "\\x"]);
    assert_eq!(data("* LIST (\\x"), Data::Other);
}

#[test]
fn counts_skip_what_they_do_not_know() {
    let text = "* STATUS {3}\r\na b (MESSAGES 231 X-GUID (a (b)) MAILBOXID (x) UNSEEN 12.0 HIGHESTMODSEQ 99999999999 Y \"z\")";
    let Data::MailboxStatus(counts) = data(text) else {
        panic!("no counts");
    };
    let expected = Counts {
        name: Cow::Borrowed(b"a b"),
        messages: Some(231),
        unseen: Some(12),
        highest_mod_seq: Some(99_999_999_999),
        ..Counts::default()
    };
    assert_eq!(counts, expected);
    for odd in [
        "* STATUS a",
        "* STATUS a ()",
        "* STATUS a (",
        "* STATUS a (X",
        "* STATUS a ((x) y)",
    ] {
        assert!(matches!(data(odd), Data::MailboxStatus(_)), "{odd}");
    }
}

#[test]
fn searches_are_long_or_short() {
    assert_eq!(data("* SEARCH"), Data::Search(Vec::new()));
    assert_eq!(
        data("* SEARCH 2 4  9 (MODSEQ 7)"),
        Data::Search(vec![2, 4, 9])
    );
    assert_eq!(data("* SORT 9 2"), Data::Search(vec![9, 2]));
    let text = "* ESEARCH (TAG \"a1\") UID COUNT 5 ALL 4:2,9 MODSEQ 3";
    let Data::ExtendedSearch(search) = data(text) else {
        panic!("no search");
    };
    assert_eq!(search.tag.as_deref(), Some(&b"a1"[..]));
    assert!(search.is_uids);
    assert_eq!(search.all.to_string(), "2:4,9");
    assert_eq!(data("* ESEARCH ALL 0"), Data::Other);
    let Data::ExtendedSearch(nothing) = data("* ESEARCH (TAG \"a1\") UID") else {
        panic!("no search");
    };
    assert!(nothing.all.is_empty());
}

#[test]
fn room_is_told() {
    let quota = |resource: &str, used, limit| Quota {
        resource: resource.to_owned(),
        used,
        limit,
    };
    for (said, expected) in [
        (
            "* QUOTA \"User quota\" (STORAGE 95 100 message 3 0)",
            vec![quota("STORAGE", 95, 100), quota("MESSAGE", 3, 0)],
        ),
        ("* QUOTA \"\" ()", Vec::new()),
        ("* QUOTA x (STORAGE -5 100 X 1 2)", vec![quota("X", 1, 2)]),
        ("* QUOTA x (STORAGE", Vec::new()),
        ("* QUOTA x", Vec::new()),
    ] {
        assert_eq!(data(said), Data::Quota(expected), "{said}");
    }
    let rooms = [
        (95, 100, Some(95)),
        (3, 0, None),
        (u64::MAX, 1, Some(u64::MAX)),
        (0, 7, Some(0)),
    ];
    for (used, limit, per_cent) in rooms {
        assert_eq!(quota("X", used, limit).per_cent(), per_cent);
    }
}

#[test]
fn messages_vanish_and_namespaces_are_told() {
    let gone = UidSet::one(Uid::new(41).expect("not 0"));
    assert_eq!(
        data("* VANISHED (EARLIER) 41"),
        Data::Vanished(gone.clone(), Earlier::Yes)
    );
    assert_eq!(data("* VANISHED 41"), Data::Vanished(gone, Earlier::No));
    assert_eq!(data("* VANISHED 41:*"), Data::Other);
    assert_eq!(
        data("* NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"#s.\" \".\"))"),
        Data::Namespace(b"INBOX.".to_vec(), Some(b'.'))
    );
    assert_eq!(
        data("* NAMESPACE NIL NIL NIL"),
        Data::Namespace(Vec::new(), None)
    );
}

proptest! {
    #[test]
    fn no_bytes_break_the_reading(bytes in vec(any::<u8>(), 0..300)) {
        let words: [&[u8]; 8] = [b"* ", b"* 1 FETCH (", b"* LIST (", b"* STATUS ", b"* ESEARCH ", b"a OK [", b"* OK [", b"+"];
        for word in words {
            let whole = [word, &bytes].concat();
            let _response = Response::parse(Raw::whole(&whole));
            let letters: Vec<u8> = bytes.iter().map(|it| b" ()[]{}\"\\<>123*:,NILUDAGS"[usize::from(it % 25)]).collect();
            let whole = [word, &letters].concat();
            let _response = Response::parse(Raw::whole(&whole));
        }
        prop_assert!(true);
    }
}
