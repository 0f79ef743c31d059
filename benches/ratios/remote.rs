//! A mailbox on a server that is 100 ms away: the first screen and the next opening beside mutt and Alpine, keys while much
//! is fetched. A real Dovecot behind a proxy that takes its time; each program says on its screen when it is there.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;

use crate::Place;
use crate::dovecot::{Dovecot, Format, dovecot};
use crate::peers;
use crate::proxy::Proxy;
use crate::report::{Report, milliseconds};
use crate::terminal::Terminal;

const ROWS: u16 = 24;
const COLUMNS: u16 = 80;
/// So many index lines at least are a screen.
const PAGE: usize = 15;
/// A round trip.
const TRIP: Duration = Duration::from_millis(100);
/// How long a program has to show something.
const PATIENCE: Duration = Duration::from_secs(60);
/// The size of the message that is fetched while keys are pressed, in lines of 64 bytes.
const HEAVY: usize = 400_000;
/// How many keys are pressed meanwhile.
const PRESSES: usize = 200;

/// A user whose mailbox is far away.
struct Away<'p> {
    place: &'p Place,
    server: &'static Dovecot,
    proxy: Proxy,
    user: String,
    /// What programs show of it: the number of messages.
    count: u64,
}

/// Measures a mailbox that holds the messages of the traditional mailbox `source`.
pub(crate) fn measure(place: &Place, source: &str, report: &mut Report) -> io::Result<()> {
    let Some(server) = dovecot("the benches of servers") else {
        report.missing("dovecot", "mailboxes on servers");
        return Ok(());
    };
    let user = server.user(Format::Maildir);
    let home = server.home(&user);
    let target = format!("#driver.maildir/{}", home.join("Maildir").display());
    let made = place
        .mugo(&["transfer", source, &target])
        .stdout(Stdio::null())
        .status()?;
    let text = format!(
        "Subject: heavy\n\n{}",
        "some text of 64 bytes, which does not get any shorter than this\n".repeat(HEAVY)
    );
    fs::write(place.path("heavy"), text)?;
    let given = Command::new("chown")
        .args(["-R", "mail:mail"])
        .arg(&home)
        .status()?;
    if !(made.success() && given.success()) {
        report.failed("a mailbox on a server");
        return Ok(());
    }
    let away = Away {
        place,
        server,
        proxy: Proxy::before(server.tls_port, TRIP),
        user,
        count: place.messages + 1,
    };
    fs::write(place.path("away.toml"), away.server.settings(&away.user))?;
    // What the server has to find out once is found out.
    let near = format!(
        "{{localhost:{}/ssl/user={}}}INBOX",
        away.server.tls_port, away.user
    );
    let heavy = fs::File::open(place.path("heavy"))?;
    let is_there = away.run(&["-o", "status", &near], Stdio::null())
        && away.run(&["append", &near], Stdio::from(heavy))
        && away.run(&["-o", "index", &near, "1:20"], Stdio::null());
    if !is_there {
        report.failed("a mailbox on a server, opened");
        return Ok(());
    }
    for state in ["state", "cache", "data"] {
        let _none = fs::remove_dir_all(place.path(state));
    }
    let mutt = mutt(&away, report);
    alpine(&away, report);
    let mugo = openings(&away, report);
    if let (Some(mugo), Some(mutt)) = (mugo, mutt) {
        report.compare(
            "server: first screen, to mutt with its cache",
            mugo,
            mutt / 2,
            mutt,
        );
    }
    keys(&away, report);
    Ok(())
}

impl Away<'_> {
    fn name(&self) -> String {
        format!(
            "{{localhost:{}/ssl/user={}}}INBOX",
            self.proxy.port, self.user
        )
    }

    fn options(&self) -> [String; 4] {
        let settings = self.place.path("away.toml").display().to_string();
        let home = self.place.path("").display().to_string();
        ["--config".to_owned(), settings, "--home".to_owned(), home]
    }

    fn run(&self, words: &[&str], input: Stdio) -> bool {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mugo"));
        command.args(self.options()).args(words);
        command.envs(self.place.environment());
        command.stdin(input).stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn start(&self, words: &[String]) -> Terminal {
        let mut command = CommandBuilder::new(&words[0]);
        command.args(&words[1..]);
        for (key, value) in self.place.environment() {
            command.env(key, value);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.cwd(self.place.path(""));
        Terminal::start(command, ROWS, COLUMNS)
    }

    fn mugo(&self) -> Terminal {
        let program = env!("CARGO_BIN_EXE_mugo").to_owned();
        let words = [program].into_iter().chain(self.options());
        let words: Vec<String> = words.chain([self.name()]).collect();
        self.start(&words)
    }
}

/// The time until a screen shows the whole count, the bytes from the server and the round trips; `None` where it never does.
fn opened(
    away: &Away<'_>,
    terminal: &mut Terminal,
    begun: Instant,
) -> Option<(Duration, u64, usize)> {
    let count = format!("of {}", away.count);
    let shown = terminal.wait_for(PATIENCE, |screen| {
        screen.contains(&count) && screen.matches("K) ").count() >= PAGE
    });
    if !shown {
        println!("{}", terminal.text());
        return None;
    }
    let taken = terminal.last().duration_since(begun);
    Some((taken, away.proxy.received(), away.proxy.turns()))
}

/// The first opening and the next one, nothing changed meanwhile; gives the time of the first.
fn openings(away: &Away<'_>, report: &mut Report) -> Option<Duration> {
    let mut first = None;
    // Behind the connection itself there are the two turns of TLS that the limits of round trips leave out.
    for (title, trips, bytes) in [
        ("server: first screen, nothing kept", 8, 200_000),
        ("server: first screen, nothing changed", 6, 8_000),
    ] {
        away.proxy.received();
        away.proxy.turns();
        let begun = Instant::now();
        let mut terminal = away.mugo();
        let Some((taken, received, turns)) = opened(away, &mut terminal, begun) else {
            report.failed(title);
            return None;
        };
        report.note(title, &milliseconds(taken));
        report.at_most(
            &format!("{title}, round trips"),
            turns as u64,
            trips,
            "turns",
        );
        report.at_most(&format!("{title}, received"), received, bytes, "bytes");
        first.get_or_insert(taken);
        terminal.send("qy");
        terminal.wait(Duration::from_secs(5));
    }
    first
}

/// Mutt's first screen with an empty header cache, which spares it the second fetch of each header.
fn mutt(away: &Away<'_>, report: &mut Report) -> Option<Duration> {
    let title = "server: mutt's first screen with its header cache";
    if !peers::have(title, &["mutt"]) {
        report.missing("mutt", title);
        return None;
    }
    let folder: PathBuf = away.place.path("mutt");
    fs::create_dir_all(folder.join("cache")).ok()?;
    let settings = format!(
        "set imap_user={user}\nset imap_pass={user}-pw\nset imap_authenticators=plain\nset ssl_ca_certificates_file={ca}\n\
         set ssl_verify_host=no\nset folder={folder}\nset record=\"\"\nset header_cache={folder}/cache\nset quit=yes\n",
        user = away.user,
        ca = away.server.authority().display(),
        folder = folder.display(),
    );
    fs::write(folder.join("rc"), settings).ok()?;
    let place = format!("imaps://{}@localhost:{}/INBOX", away.user, away.proxy.port);
    let settings = folder.join("rc").display().to_string();
    let words = ["mutt", "-n", "-F", &settings, "-f", &place].map(str::to_owned);
    let count = format!("Msgs:{}", away.count);
    let mut last = None;
    for title in [title, "server: mutt's next screen, nothing changed"] {
        away.proxy.received();
        let begun = Instant::now();
        let mut terminal = away.start(&words);
        if !terminal.wait_for(PATIENCE, |screen| screen.contains(&count)) {
            println!("{}", terminal.text());
            report.missing("a mutt that opens it", title);
            return last;
        }
        let taken = terminal.last().duration_since(begun);
        report.note(title, &milliseconds(taken));
        report.note(
            &format!("{title}, received"),
            &format!("{} bytes", away.proxy.received()),
        );
        last.get_or_insert(taken);
        terminal.send("x");
        terminal.wait(Duration::from_secs(5));
    }
    last
}

/// Alpine's first screen, from the moment when its password is typed: connection and TLS are there by then.
fn alpine(away: &Away<'_>, report: &mut Report) {
    let title = "server: Alpine's first screen, from the password on";
    if !peers::have(title, &["alpine"]) {
        return report.missing("alpine", title);
    }
    let settings = "last-version-used=9.99\npersonal-name=Robin Sample\nuser-domain=example.org\n";
    let path = away.place.path("alpine").display().to_string();
    if fs::write(&path, settings).is_err() {
        return report.failed(title);
    }
    let name = away.name().replace("/ssl", "/ssl/novalidate-cert");
    let words = ["alpine", "-p", &path, "-f", &name, "-i"].map(str::to_owned);
    away.proxy.received();
    let mut terminal = away.start(&words);
    let asked = terminal.wait_for(PATIENCE, |screen| screen.contains("PASSWORD"));
    let begun = Instant::now();
    terminal.send(&format!("{}-pw\r", away.user));
    let count = format!("of {}", away.count);
    let shown = |screen: &str| screen.replace(',', "").contains(&count);
    let _either = terminal.wait_for(PATIENCE, |screen| {
        shown(screen) || screen.contains("Preserve password")
    });
    if !shown(&terminal.text()) {
        terminal.send("n");
    }
    if !asked || !terminal.wait_for(PATIENCE, shown) {
        println!("{}", terminal.text());
        return report.missing("an alpine that opens it", title);
    }
    let taken = terminal.last().duration_since(begun);
    report.note(title, &milliseconds(taken));
    report.note(
        &format!("{title}, received"),
        &format!("{} bytes", away.proxy.received()),
    );
    terminal.send("qyn");
    terminal.wait(Duration::from_secs(5));
}

/// Letters typed into a question while the heavy message is saved to a file.
fn keys(away: &Away<'_>, report: &mut Report) {
    let title = "server: letter to screen while a message comes, 99th percentile";
    let mut terminal = away.mugo();
    if opened(away, &mut terminal, Instant::now()).is_none() {
        return report.failed(title);
    }
    let target = away.place.path("saved").display().to_string();
    terminal.send("G");
    terminal.settle(Duration::from_millis(300));
    terminal.send("\u{3}");
    // The last message is the heavy one.
    terminal.send("j");
    terminal.send(&format!("{}\r", away.count));
    terminal.settle(Duration::from_millis(500));
    terminal.send("e");
    terminal.settle(Duration::from_millis(300));
    terminal.send(&format!("\u{15}{target}\r"));
    // The status line tells how far it is.
    let is_saving = |screen: &str| {
        let status = screen.lines().rev().take(4);
        status.into_iter().any(|line| line.contains('%'))
    };
    if !terminal.wait_for(Duration::from_secs(20), is_saving) {
        println!("{}", terminal.text());
        return report.failed(title);
    }
    terminal.send("w");
    terminal.settle(Duration::from_millis(50));
    let mut delays = Vec::new();
    let mut typed = String::new();
    for press in 0..PRESSES {
        let letter = char::from(b'a' + (press % 26) as u8);
        if typed.len() == 40 {
            terminal.send("\u{15}");
            typed.clear();
            std::thread::sleep(Duration::from_millis(30));
        }
        typed.push(letter);
        let end: String = typed
            .chars()
            .rev()
            .take(6)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        let sent = Instant::now();
        terminal.send(&letter.to_string());
        if terminal.wait_for(Duration::from_secs(2), |screen| screen.contains(&end)) {
            delays.push(sent.elapsed());
        }
    }
    delays.sort();
    if fs::exists(&target).is_ok_and(|exists| exists) {
        report.failed("server: the message was saved before the keys were pressed");
    }
    terminal.send("\u{3}\u{3}");
    terminal.settle(Duration::from_millis(200));
    terminal.send("qy");
    terminal.wait(Duration::from_secs(5));
    match delays.get(delays.len() * 99 / 100) {
        Some(last) if delays.len() == PRESSES => {
            let limit = Duration::from_millis(16);
            report.compare(title, *last, limit, limit);
        }
        _ => report.failed(&format!("{title}: {} of {PRESSES} showed", delays.len())),
    }
}
