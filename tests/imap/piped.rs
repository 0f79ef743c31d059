//! A program in place of a connection, as ssh is one: the real server logged in already, one that is to be logged in to, and
//! programs that fail.

use std::time::{Duration, Instant};

use crate::dovecot::{Format, dovecot};
use crate::home::Home;

fn account(user: &str, words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|it| format!("{it:?}")).collect();
    format!(
        "[accounts.it]\nserver = \"{{mail.example.org/user={user}}}\"\nconnect-command = [{}]\n\
         password-command = [\"echo\", \"{user}-pw\"]\n",
        words.join(", ")
    )
}

#[test]
fn a_server_behind_a_program_is_a_server() {
    let Some(server) = dovecot("a_server_behind_a_program_is_a_server") else {
        return;
    };
    let user = server.user(Format::Maildir);
    let config = server.home(&user).join("../../dovecot.conf");
    let mail = format!(
        "mail_location=maildir:{}/Maildir",
        server.home(&user).display()
    );
    let home_of = format!("HOME={}", server.home(&user).display());
    let config = config.canonicalize().expect("there");
    let config = config.to_string_lossy().into_owned();
    let logged_in = [
        "setpriv",
        "--reuid=mail",
        "--regid=mail",
        "--clear-groups",
        "env",
        &home_of,
        "USER=somebody",
        "/usr/lib/dovecot/imap",
        "-c",
        &config,
        "-o",
        &mail,
    ];
    let to_port = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{}; cat <&3 & cat >&3",
        server.port
    );
    let to_log_in = ["bash", "-c", &to_port];
    let inbox = format!("{{mail.example.org/user={user}}}INBOX");
    for (words, expected) in [(&logged_in[..], 1), (&to_log_in, 2)] {
        let home = Home::new(&account(&user, words));
        let text = format!(
            "From: ann@example.org\nSubject: letter {expected}\n\n{}",
            "a line\n".repeat(60_000)
        );
        let ran = home.feed(&["append", &inbox], text.as_bytes());
        assert_eq!(ran.code, 0, "{}", ran.err);
        let rows = home.json(&["status", &inbox]);
        assert_eq!(rows[0]["messages"], expected);
        let read = home.ok(&["read", "--raw", &inbox, &expected.to_string()]);
        assert_eq!(read.replace('\r', ""), text);
        // With the switch of old no program is started.
        let direct = inbox.replace("/user", "/norsh/user");
        let ran = home.run(&["status", &direct]);
        assert_ne!(ran.code, 0, "{ran:?}");
    }
}

#[test]
fn a_program_that_fails_says_why() {
    let inbox = "{mail.example.org/user=ann}INBOX";
    for (words, expected) in [
        (&["/nowhere/ssh"][..], "/nowhere/ssh: No such file"),
        (&["false"], "false ended without a greeting"),
        (
            &["sh", "-c", r"printf 'x\n\033[2Jno route\n' >&2; exit 255"],
            "[2Jno route",
        ),
        (
            &["echo", "* BYE not today"],
            "the server ended the connection",
        ),
        (
            &["echo", "Welcome to this machine"],
            "does not greet as an IMAP server",
        ),
    ] {
        let home = Home::new(&account("ann", words));
        let began = Instant::now();
        let ran = home.run(&["status", inbox]);
        assert_ne!(ran.code, 0, "{ran:?}");
        assert!(ran.err.contains(expected), "{words:?}: {ran:?}");
        assert!(!ran.err.contains('\x1b'), "{ran:?}");
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
