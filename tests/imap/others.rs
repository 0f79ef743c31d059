//! Mutt and Alpine have the same mailbox on a server open: each program shows what the others do to it.

use std::time::Duration;

use portable_pty::CommandBuilder;

use crate::dovecot::{Dovecot, Format, dovecot};
use crate::home::{Home, Watch};
use crate::peers;
use crate::terminal::Terminal;

/// How long another program has to show something.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many messages there are at first.
const MESSAGES: usize = 20;

fn start(home: &Home, words: &[&str]) -> Terminal {
    let mut command = CommandBuilder::new(words[0]);
    command.args(&words[1..]);
    command.env("HOME", home.path("home"));
    command.env("TERM", "xterm");
    command.cwd(home.path("home"));
    Terminal::start(command, 40, 100)
}

fn mutt(server: &Dovecot, home: &Home, user: &str) -> Terminal {
    let settings = format!(
        "set folder=\"{}\"\nset imap_user={user}\nset imap_pass={user}-pw\nset ssl_starttls=no\nset mail_check=1\n\
         set timeout=1\nset record=\"\"\nset quit=yes\nset delete=yes\n",
        home.path("home").display()
    );
    let settings = home.write("muttrc", &settings).display().to_string();
    let folder = format!("imap://{user}@localhost:{}/INBOX", server.port);
    let mut mutt = start(home, &["mutt", "-n", "-F", &settings, "-f", &folder]);
    shows(&mut mutt, "accept (o)nce");
    mutt.send("o");
    shows(&mut mutt, &format!("Msgs:{MESSAGES}"));
    mutt
}

fn alpine(server: &Dovecot, home: &Home, user: &str) -> Terminal {
    let settings = "last-version-used=9.99\npersonal-name=Robin Sample\nuser-domain=example.org\nmail-check-interval=5\n\
        feature-list=auto-move-read-msgs,no-quit-without-confirm\n";
    let settings = home.write("settings", settings).display().to_string();
    let folder = format!(
        "{{localhost:{}/ssl/novalidate-cert/user={user}}}INBOX",
        server.tls_port
    );
    let mut alpine = start(home, &["alpine", "-p", &settings, "-f", &folder, "-i"]);
    shows(&mut alpine, "PASSWORD");
    alpine.send(&format!("{user}-pw\r"));
    let opened = |screen: &str| screen.contains(&format!("of {MESSAGES}"));
    if !alpine.wait_for(PATIENCE, |screen| {
        opened(screen) || screen.contains("Preserve password")
    }) {
        panic!("{}", alpine.text());
    }
    if !opened(&alpine.text()) {
        alpine.send("n");
    }
    assert!(alpine.wait_for(PATIENCE, opened), "{}", alpine.text());
    alpine
}

fn shows(program: &mut Terminal, text: &str) {
    let shown = program.wait_for(PATIENCE, |screen| screen.contains(text));
    assert!(shown, "no {text}:\n{}", program.text());
}

/// Sends a key again and again until this is shown.
fn comes_to_show(program: &mut Terminal, key: &str, text: &str) {
    for _ in 0..20 {
        if program.wait_for(Duration::from_secs(1), |screen| screen.contains(text)) {
            return;
        }
        program.send(key);
    }
    panic!("no {text}:\n{}", program.text());
}

#[test]
fn mutt_and_alpine_have_the_same_mailbox_open() {
    const TEST: &str = "mutt_and_alpine_have_the_same_mailbox_open";
    if !peers::have(TEST, &["mutt", "alpine"]) {
        return;
    }
    let Some(server) = dovecot(TEST) else {
        return;
    };
    for format in [Format::Maildir, Format::Sdbox] {
        let user = server.user(format);
        let home = Home::new(&server.settings(&user));
        let name = server.name(&user, "INBOX");
        let letters: String = (1..=MESSAGES)
            .map(|number| {
                format!(
                    "From a@b Mon Mar  2 10:20:31 2026\nFrom: a@b\nSubject: letter {number}\n\nx\n\n"
                )
            })
            .collect();
        home.write("home/letters", &letters);
        home.ok(&["transfer", "letters", &name]);
        let mut watch = Watch::start(&home, &name);
        assert_eq!(watch.next("exists")["messages"], MESSAGES as u64);
        let mut mutt = mutt(server, &home, &user);
        let mut alpine = alpine(server, &home, &user);

        // Mutt marks the third as important and brings that to the server.
        mutt.send("3\rF$");
        let flags = watch.next("flags");
        assert_eq!(flags["uid"], 3, "{flags}");
        assert!(flags["flags"].to_string().contains("Flagged"), "{flags}");

        // Alpine expunges the fifth.
        alpine.send("j5\rdxy");
        assert_eq!(watch.next("expunged")["uid"], 5);

        // Mugo flags one, expunges another, and something comes in.
        home.ok(&["flag", "--uid", &name, "7", "+\\Flagged"]);
        home.ok(&["flag", "--uid", &name, "9", "+\\Deleted"]);
        home.ok(&["expunge", &name]);
        let ran = home.feed(&["append", &name], b"From: a@b\nSubject: the newest\n\nx\n");
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(watch.next("expunged")["uid"], 9);
        let left = MESSAGES - 1;
        assert_eq!(watch.next("exists")["messages"], left as u64);
        for (program, key) in [(&mut mutt, "\x0c"), (&mut alpine, "\x0c")] {
            comes_to_show(program, key, "the newest");
            assert!(!program.text().contains("letter 9 "), "{}", program.text());
        }
        comes_to_show(&mut mutt, "\x0c", &format!("Msgs:{left}"));
        comes_to_show(&mut alpine, "\x0c", &format!("of {left}"));
        mutt.send("x");
        alpine.send("qyn");

        let shown = home.json(&["show", &name]);
        let flagged: Vec<u64> = shown
            .iter()
            .filter(|row| row["flags"].to_string().contains("Flagged"))
            .filter_map(|row| row["uid"].as_u64())
            .collect();
        assert_eq!(flagged, [3, 7]);
    }
}
