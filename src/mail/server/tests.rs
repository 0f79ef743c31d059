use super::*;
use proptest::prelude::*;

/// Reads the part of a `{…}mailbox` name between the braces, as names do.
fn read(name: &str) -> Result<Server, ServerError> {
    let inside = name.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let (text, _) = inside.ok_or(ServerError::Unclosed)?;
    Server::parse(text.as_bytes(), Service::Imap)
}

fn driver(name: &str) -> Option<&'static str> {
    let mailbox = name.split_once('}').map_or("", |parts| parts.1);
    let mailbox = if mailbox.is_empty() { "INBOX" } else { mailbox };
    read(name).expect(name).driver_for(mailbox.as_bytes())
}

#[test]
fn golden_names_that_are_valid_print_canonically() {
    for (name, printed) in [
        ("{h}", "{h/imap}"),
        ("{H/IMAP}x", "{H/imap}"),
        ("{h:143}x", "{h:143/imap}"),
        ("{h/imap:143}x", "{h:143/imap}"),
        ("{h/user=joe:99}x", "{h:99/imap/user=\"joe\"}"),
        ("{h/user=\"jo e/:x\"}x", "{h/imap/user=\"jo e/:x\"}"),
        ("{h/user=\"jo\\\"e\"}x", "{h/imap/user=\"jo\\\"e\"}"),
        ("{h/user=}x", "{h/imap}"),
        ("{h/service=IMAP}x", "{h/imap}"),
        ("{h/service=imap4}x", "{h/service=\"imap4\"}"),
        ("{h/imap2}x", "{h/imap}"),
        ("{h/imap2bis}x", "{h/imap}"),
        ("{h/imap4rev1}x", "{h/imap}"),
        ("{h/imap4rev2}x", "{h/imap}"),
        ("{h/imaps}x", "{h/imap/ssl}"),
        ("{h/nntps}x", "{h/nntp/ssl}"),
        ("{h/submissions}x", "{h/submit/ssl}"),
        ("{h/starttls}x", "{h/imap/tls}"),
        ("{h/nostarttls}x", "{h/imap/notls}"),
        ("{h/auth=PLAIN}x", "{h/imap/auth=\"plain\"}"),
        ("{h/tls1_2}x", "{h/imap/tls1_2}"),
        ("{h/ssl}x", "{h/imap/ssl}"),
        ("{h/ssl/notls}x", "{h/imap/ssl}"),
        ("{h/notls/ssl}x", "{h/imap/ssl}"),
        ("{h/ssl/ssl}x", "{h/imap/ssl}"),
        ("{h/tls-sslv23}x", "{h/imap/tls-sslv23}"),
        (
            "{h/novalidate-cert/validate-cert}x",
            "{h/imap/novalidate-cert}",
        ),
        ("{[127.0.0.1]:143}x", "{[127.0.0.1]:143/imap}"),
        ("{[::1]:993/ssl}x", "{[::1]:993/imap/ssl}"),
        ("{[IPv6:::1]}x", "{[IPv6:::1]/imap}"),
        (
            "{h/user=u/authuser=a/readonly/norsh/tryssl/secure}x",
            "{h/imap/tryssl/secure/readonly/norsh/authuser=\"a\"/user=\"u\"}",
        ),
    ] {
        let server = read(name).expect(name);
        assert_eq!(server.to_string(), printed, "{name}");
        assert_eq!(read(printed).as_ref(), Ok(&server), "{name}");
    }
}

#[test]
fn golden_names_that_are_invalid_are_refused() {
    for name in [
        "{h:0}x",
        "{h:}x",
        "{h:143abc}x",
        "{h:1:2}x",
        "{h:70000}x",
        "{h:+5}x",
        "{h/user=\"a}b\"}x",
        "{h/user=a/user=b}x",
        "{h/imap3}x",
        "{h/bogus}x",
        "{h/}x",
        "{h//imap}x",
        "{h/debug=1}x",
        "{h/user}x",
        "{h/ssl/tls}x",
        "{h/tls/ssl}x",
        "{h/notls/tls}x",
        "{h/tls/notls}x",
        "{h/tls1_2/tls1_3}x",
        "{h/norsh/pop3}INBOX",
        "{h/pop3/norsh}INBOX",
        "{h/imap/pop3}x",
        "{h/imap/service=imap}x",
        "{[127.0.0.1}x",
        "{[127.0.0.1]x}y",
        "{[]}x",
        "{}x",
        "{h",
        "*{h/nntp}x",
        "{h x}y",
        "{-oProxyCommand=x}INBOX",
        "{[-x]}y",
        "{h/user=\"a\"b}x",
        "{h/user=\"a\\\"}x",
        "{h/user=\u{202e}a}x",
        "{h/auth=a b}x",
        "{caf\u{e9}}x",
    ] {
        assert!(read(name).is_err(), "{name}");
    }
    let long = "u".repeat(Server::MAX_USER + 1);
    assert!(read(&format!("{{h/user={long}}}x")).is_err());
    assert!(read(&format!("{{{}}}x", "h".repeat(Server::MAX_HOST + 1))).is_err());
    assert!(Server::parse(b"h\xff", Service::Imap).is_err());
}

#[test]
fn services_go_to_the_drivers_that_take_them() {
    for (name, expected) in [
        ("{h}", Some("imap")),
        ("{h/service=imap4}x", None),
        ("{h/service=foo}x", None),
        ("{h/smtp}x", None),
        ("{h/submit}x", None),
        ("{h/pop}INBOX", Some("pop3")),
        ("{h/pop3}", Some("pop3")),
        ("{h/service=pop3}inbox", Some("pop3")),
        ("{h/pop3}foo", None),
        ("{h/pop3/authuser=x}INBOX", None),
        ("{h/nntp}", Some("nntp")),
        ("{h/nntp}comp.x", Some("nntp")),
        ("{h/nntp}#news.comp.x", Some("nntp")),
        ("{h/nntp}#NEWS.comp.x", None),
        ("{h/nntp}#mh/x", None),
        ("{h/nntp/anonymous}x", None),
    ] {
        assert_eq!(driver(name), expected, "{name}");
    }
}

#[test]
fn every_switch_is_in_the_table_once() {
    for (place, (name, _)) in SWITCHES.iter().enumerate() {
        let again = SWITCHES
            .iter()
            .skip(place + 1)
            .any(|entry| entry.0 == *name);
        assert!(!again, "{name}");
    }
    assert_eq!(Service::Imap.default_port(true), Some(993));
}

proptest! {
    #[test]
    fn what_parses_prints_and_parses_again(text in "[a-z\\[\\]:/=\"\\\\ 0-9.-]{0,40}|h(:[0-9]{1,5})?(/(tls|ssl|notls|imap|pop3|user=[a-z\"]{0,5}|user=\"[a-z /\\\\]{0,5}\"|debug|loser|tls1_3|service=[a-z]{0,4})){0,5}") {
        if let Ok(server) = Server::parse(text.as_bytes(), Service::Imap) {
            let printed = server.to_string();
            prop_assert_eq!(read(&printed), Ok(server), "{} {}", text, printed);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = Server::parse(&bytes, Service::Imap);
    }
}
