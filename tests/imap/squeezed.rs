//! Servers that squeeze what is said (COMPRESS, RFC 4978): where much is fetched, and never to this machine itself.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use crate::dovecot::{Format, dovecot};
use crate::home::Home;
use crate::proxy::Proxy;

/// What a trace tells where squeezing was asked for.
const ASKED: &str = " COMPRESS DEFLATE\n";

/// An address of this machine that is not loopback, where it has one.
fn address(test: &str) -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    // Nothing is sent: this only asks for the way there.
    let found = socket
        .connect("192.0.2.1:9")
        .and_then(|()| socket.local_addr());
    let address = found.ok().map(|found| found.ip());
    let address = address.filter(|it| !it.is_loopback() && !it.is_unspecified());
    if address.is_none() {
        eprintln!("{test}: not run; this machine has no address but loopback");
    }
    address
}

#[test]
fn much_is_squeezed_and_comes_as_it_is() {
    let test = "much_is_squeezed_and_comes_as_it_is";
    let (Some(server), Some(address)) = (dovecot(test), address(test)) else {
        return;
    };
    let user = server.user(Format::Maildir);
    let settings = server.settings(&user);
    let account = settings.replace("localhost", &address.to_string());
    let home = Home::new(&account);
    let without = Home::new(&format!("{account}disable = [\"COMPRESS=DEFLATE\"]\n"));
    let proxy = Proxy::at(address, server.port, Duration::ZERO);
    let name = |mailbox: &str| {
        format!(
            "{{{address}:{}/tls/novalidate-cert/user={user}}}{mailbox}",
            proxy.port
        )
    };
    let text: String = (0..40_000)
        .map(|number| format!("Line {number} of a long letter.\r\n"))
        .collect();
    let letter = format!("From: ann@example.org\r\nSubject: long\r\n\r\n{text}");
    let inbox = name("INBOX");
    let trace = home.path("trace");
    let file = trace.to_string_lossy().into_owned();
    let ran = home.feed(&["--trace", &file, "append", &inbox], letter.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told = std::fs::read_to_string(&trace).expect("a trace");
    assert!(told.contains(ASKED), "{told}");
    proxy.received();
    assert!(home.bytes(&["read", "--raw", &inbox, "1"]) == letter.as_bytes());
    let squeezed = proxy.received();
    assert!(without.bytes(&["read", "--raw", &inbox, "1"]) == letter.as_bytes());
    let plain = proxy.received();
    assert!(
        plain > 1_000_000 && squeezed * 3 < plain,
        "{squeezed} of {plain}"
    );
    // Of little nothing is made.
    let ran = home.feed(&["append", &inbox], b"Subject: short\n\nx\n");
    assert_eq!(ran.code, 0, "{}", ran.err);
    std::fs::remove_file(&trace).expect("removed");
    home.ok(&["--trace", &file, "read", &inbox, "2"]);
    let told = std::fs::read_to_string(&trace).expect("a trace");
    assert!(!told.contains(ASKED), "{told}");
    // And nothing to this machine itself.
    let home = Home::new(&settings);
    std::fs::remove_file(&trace).expect("removed");
    home.ok(&["--trace", &file, "read", &server.name(&user, "INBOX"), "1"]);
    let told = std::fs::read_to_string(&trace).expect("a trace");
    assert!(!told.contains(ASKED), "{told}");
}

#[test]
fn many_are_copied_over_a_squeezed_connection() {
    let test = "many_are_copied_over_a_squeezed_connection";
    let (Some(server), Some(address)) = (dovecot(test), address(test)) else {
        return;
    };
    let user = server.user(Format::Maildir);
    let account = server
        .settings(&user)
        .replace("localhost", &address.to_string());
    let home = Home::new(&account);
    let proxy = Proxy::at(address, server.port, Duration::ZERO);
    let inbox = format!(
        "{{{address}:{}/tls/novalidate-cert/user={user}}}INBOX",
        proxy.port
    );
    let letters: String = (0..1200)
        .map(|number| {
            format!(
                "From a@b Mon Mar  2 10:20:31 2026\nFrom: a@b\nSubject: letter {number}\n\n{}\n\n",
                "Words of it. ".repeat(30)
            )
        })
        .collect();
    home.write("home/letters", &letters);
    home.ok(&["transfer", "letters", &inbox]);
    home.ok(&["transfer", &inbox, "back"]);
    let digests = |mailbox: &str| -> Vec<String> {
        let rows = home.json(&["show", mailbox]);
        let digests = rows.iter().skip(1).map(|row| row["sha256"].to_string());
        digests.collect()
    };
    let (letters, back) = (digests("letters"), digests("back"));
    assert_eq!(letters.len(), 1200);
    assert_eq!(letters, back);
}
