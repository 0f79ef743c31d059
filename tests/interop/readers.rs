//! Alpine and mutt open what Mugo wrote, and show the right count.

use std::time::Duration;

use portable_pty::CommandBuilder;

use crate::checker;
use crate::home::{Home, as_plain_user};
use crate::peers;
use crate::terminal::Terminal;

/// A mailbox that went through every kind of change that Mugo makes: 22 messages are left.
fn written_by_mugo() -> Home {
    let home = Home::new();
    home.write("box", &checker::delivered(1, 30));
    home.mugo_with(
        &["append", "box", "--flags", "\\Seen work"],
        checker::letter(31).as_bytes(),
    );
    home.mugo_with(&["append", "box"], checker::letter(32).as_bytes());
    home.mugo_done(&["flag", "box", "1:10", "+\\Deleted"]);
    home.mugo_done(&["flag", "box", "11:15", "+\\Flagged", "+work", "+later"]);
    home.mugo_done(&["expunge", "box"]);
    home
}

/// Starts a program on a screen of its own.
pub(crate) fn start(home: &Home, words: &[&str]) -> Terminal {
    let words = as_plain_user(words);
    let mut command = CommandBuilder::new(&words[0]);
    command.args(&words[1..]);
    for (name, value) in home.environment() {
        command.env(name, value);
    }
    command.cwd(home.path(""));
    Terminal::start(command, 24, 80)
}

#[test]
fn mutt_shows_the_count() {
    if !peers::have("mutt_shows_the_count", &["mutt", "setpriv"]) {
        return;
    }
    let home = written_by_mugo();
    // Without its folder mutt begins with a question.
    let folder = format!("set folder={}", home.path("").display());
    let mut mutt = start(
        &home,
        &[
            "mutt",
            "-n",
            "-F",
            "/dev/null",
            "-e",
            &folder,
            "-R",
            "-f",
            "box",
        ],
    );
    let shown = mutt.wait_for(Duration::from_secs(15), |screen| screen.contains("Msgs:22"));
    assert!(shown, "{}", mutt.text());
    assert!(mutt.text().contains("message 1"), "{}", mutt.text());
    mutt.send("q");
}

#[test]
fn alpine_shows_the_count() {
    if !peers::have("alpine_shows_the_count", &["alpine", "setpriv"]) {
        return;
    }
    let home = written_by_mugo();
    let settings = "last-version-used=9.99\npersonal-name=Robin Sample\nuser-domain=example.org\n";
    home.write("settings", settings.as_bytes());
    // Relative names would lead to the home that the account list gives this user.
    let file = home.path("box").display().to_string();
    let mut alpine = start(
        &home,
        &["alpine", "-p", "settings", "-f", &file, "-i", "-o"],
    );
    let until = Duration::from_secs(4);
    for _ in 0..4 {
        if alpine.wait_for(until, |screen| {
            screen.contains("of 22") || screen.contains("with 22 messages")
        }) {
            alpine.send("qy");
            return;
        }
        // The first start of a new user shows a greeting, or asks to make a folder.
        alpine.send("\r");
    }
    panic!("{}", alpine.text());
}
