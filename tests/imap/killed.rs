//! Moves off a server by a program that is killed between the copies and the removal.

use std::time::Duration;

use crate::dovecot::{Format, dovecot};
use crate::home::Home;
use crate::proxy::Proxy;

/// Messages in a mailbox.
fn count(home: &Home, name: &str) -> u64 {
    let told = home.json(&["status", name]);
    told[0]["messages"].as_u64().expect("a number")
}

fn many(home: &Home, name: &str, total: usize) {
    for number in 1..=total {
        let text = format!("Subject: {number}\nMessage-ID: <{number}@here>\n\nx\n");
        let ran = home.feed(&["append", name], text.as_bytes());
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
}

#[test]
fn a_killed_move_off_a_server_is_finished_where_the_copies_are_there() {
    let Some(server) = dovecot("a_killed_move_off_a_server_is_finished_where_the_copies_are_there")
    else {
        return;
    };
    // Whether the copies are still there when the next program looks.
    for are_there in [true, false] {
        let user = server.user(Format::Maildir);
        let home = Home::new(&server.settings(&user));
        let direct = server.name(&user, "INBOX");
        many(&home, &direct, 5);
        let proxy = Proxy::before(server.port, Duration::ZERO);
        let over = format!("{{127.0.0.1:{}/notls/user={user}}}INBOX", proxy.port);
        home.write(
            "config.toml",
            &format!(
                "{}[accounts.over]\nserver = \"{{127.0.0.1/user={user}}}\"\npassword-command = [\"echo\", \"{user}-pw\"]\n",
                server.settings(&user)
            ),
        );
        home.ok(&["create", "saved"]);
        proxy.halt_at(b" STORE ");
        let mut child = home.start(&["move", &over, "2:4", "saved"]);
        proxy.wait_for_halt();
        child.kill().expect("killed");
        child.wait().expect("gone");
        assert_eq!(count(&home, &direct), 5);
        assert_eq!(count(&home, "saved"), 3);
        let doctor = home.run(&["doctor"]).out;
        assert!(doctor.contains("interrupted move"), "{doctor}");
        if !are_there {
            home.ok(&["delete", "saved"]);
        }
        // Another mailbox does not finish it, and one who only looks neither.
        home.ok(&["create", &server.name(&user, "other")]);
        home.ok(&["list", &over]);
        assert_eq!(count(&home, &direct), 5);
        let ran = home.run(&["flag", &over, "1", "+\\Flagged"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let left = if are_there { 2 } else { 5 };
        assert_eq!(count(&home, &direct), left, "{}", ran.err);
        assert_eq!(ran.err.contains("of 3 messages"), are_there, "{}", ran.err);
        let doctor = home.run(&["doctor"]).out;
        assert!(
            !doctor.contains("is finished at the next opening"),
            "{doctor}"
        );
        if are_there {
            assert_eq!(count(&home, "saved"), 3);
        }
    }
}
