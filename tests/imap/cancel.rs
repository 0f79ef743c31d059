//! `^C` while a server is waited for, in every phase: the wait ends, whatever the server does or does not do.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::home::Home;
use crate::peers;
use crate::script::Script;

/// Nobody waits longer: what a server is given by itself is minutes.
const SOON: Duration = Duration::from_secs(3);

/// Sends the signal of `^C` once `is_waiting`, and waits for the end. Says how long that took.
fn interrupted(
    phase: &str,
    mut command: Command,
    is_waiting: impl Fn() -> bool,
    heard: impl Fn() -> String,
) {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("it starts");
    let until = Instant::now() + Duration::from_secs(20);
    while !is_waiting() {
        assert!(
            Instant::now() < until,
            "{phase}: it never came so far: {}",
            heard()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    // It shall be in the middle of its wait.
    std::thread::sleep(Duration::from_millis(200));
    let sent = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    let took = sent.elapsed();
    println!("{phase}: {} ms", took.as_millis());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{phase}: {said}");
    assert!(took < SOON, "{phase}: {took:?}");
    assert!(!said.contains("panicked"), "{phase}: {said}");
}

fn home() -> Home {
    let home = Home::new(
        "[accounts.it]\nserver = \"{localhost/user=ann}\"\npassword-command = [\"echo\", \"secret\"]\n",
    );
    // Noise, so that squeezing it spares nothing.
    let lines: String = (0..1_000_000u64)
        .map(|number| format!("{:x}\n", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    home.write("home/large", &format!("Subject: large\n\n{lines}"));
    home
}

const GREETING: &str = "S: * OK [CAPABILITY IMAP4rev1] hello\n";
const LOGIN: &str = "C: TAG *\nS: TAG OK [CAPABILITY IMAP4rev1 LITERAL+ UNSELECT] in\n";
const OPEN: &str = "C: TAG *\nS: * 1 EXISTS\nS: * FLAGS (\\Seen)\nS: * OK [UIDVALIDITY 1] x\nS: * OK [UIDNEXT 8] x\n\
    S: TAG OK [READ-WRITE] open\n";
const KNOWN: &str = "C: TAG *\nS: * 1 FETCH (UID 7 FLAGS () INTERNALDATE \"02-Mar-2026 10:20:31 +0000\" RFC822.SIZE 9000)\n\
     S: TAG OK done\n";

#[test]
fn a_wait_for_a_server_ends_in_every_phase() {
    let home = home();
    let logged_in = format!("{GREETING}{LOGIN}");
    let opened = format!("{logged_in}{OPEN}{KNOWN}");
    let cases: Vec<(&str, &[&str], String, &str)> = vec![
        ("greeting", &["status", "BOX"], "STALL".into(), ""),
        ("TLS", &["status", "SSLBOX"], "STALL".into(), ""),
        (
            "login",
            &["status", "BOX"],
            format!("{GREETING}C: TAG *\nSTALL"),
            "",
        ),
        (
            "opening",
            &["index", "BOX"],
            format!("{logged_in}C: TAG *\nS: * 5 EXISTS\nSTALL"),
            "",
        ),
        (
            "a list of 100,000 names",
            &["list", "SERVER", "*"],
            format!(
                "{logged_in}C: TAG *\nR: \\*100000:* LIST () \"/\" some/long/name/of/a/mailbox\\r\\n;\nSTALL"
            ),
            "",
        ),
        (
            "the text of a message of 1 GB",
            &["read", "-o", "BOX", "1"],
            format!(
                "{opened}C: TAG *\nR: * 1 FETCH (UID 7 BODY[] {{1000000000}}\\r\\n\\*20000:{};\nSTALL",
                "some text of it, and more of it "
            ),
            "",
        ),
        (
            "a search",
            &["search", "BOX", "body", "x"],
            format!("{opened}C: TAG *\nSTALL"),
            "",
        ),
        (
            "an upload",
            &["append", "BOX"],
            format!("{logged_in}C: TAG *\nSTALL"),
            "home/large",
        ),
    ];
    for (phase, words, dialogue, input) in cases {
        let script = Script::play(&dialogue);
        let words: Vec<String> = words
            .iter()
            .map(|word| match *word {
                "BOX" => script.name("/notls"),
                "SSLBOX" => script.name("/ssl"),
                "SERVER" => script.name("/notls").replace("INBOX", ""),
                other => other.to_owned(),
            })
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = home.command(&words);
        if !input.is_empty() {
            let input = fs::File::open(home.path(input)).expect("there");
            command.stdin(Stdio::from(input));
        }
        interrupted(
            phase,
            command,
            || script.heard().iter().any(|line| line == "STALL"),
            || format!("{:?}", script.heard()),
        );
    }
}

#[test]
fn a_wait_for_a_host_that_takes_no_more_connections_ends() {
    let home = home();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(any).expect("an address");
        socket.listen(1).expect("a listener")
    });
    let address = listener.local_addr().expect("bound");
    let limit = Duration::from_millis(200);
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, limit) {
        waiting.push(stream);
        assert!(waiting.len() < 100, "the system takes them all");
    }
    let name = format!("{{127.0.0.1:{}/notls/user=ann}}INBOX", address.port());
    interrupted(
        "connecting",
        home.command(&["status", &name]),
        || true,
        String::new,
    );
}

#[test]
fn a_wait_for_the_name_of_a_host_ends() {
    const TEST: &str = "a_wait_for_the_name_of_a_host_ends";
    if !peers::have(TEST, &["unshare"]) {
        return;
    }
    // A server of names that never answers.
    let Ok(silent) = UdpSocket::bind("127.0.0.77:53") else {
        return peers::cannot(TEST, "only root can stand in for a server of names");
    };
    silent
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a limit");
    let home = home();
    let resolver = home.write("resolv.conf", "nameserver 127.0.0.77\n");
    let mugo = home.command(&["status", "{no.such.host.example/user=ann}INBOX"]);
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-c"])
        .arg("mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"")
        .arg(&resolver)
        .arg(mugo.get_program())
        .args(mugo.get_args());
    for (name, value) in mugo.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    interrupted(
        "looking up a name",
        command,
        || silent.recv(&mut [0; 512]).is_ok(),
        String::new,
    );
}

#[test]
fn the_end_waits_for_no_server() {
    let home = home();
    // It never answers what is said at the end.
    let script = Script::play(&format!(
        "{GREETING}{LOGIN}{OPEN}{KNOWN}C: TAG *\nS: TAG OK done\n"
    ));
    let begun = Instant::now();
    let ran = home.run(&["index", &script.name("/notls")]);
    assert_eq!(ran.code, 0, "{ran:?}, {:?}", script.heard());
    let told = ran.out;
    println!("the end: {} ms", begun.elapsed().as_millis());
    assert!(!told.is_empty());
    assert!(begun.elapsed() < SOON);
    let until = Instant::now() + SOON;
    while !script.heard().iter().any(|line| line == "LOGOUT") {
        assert!(Instant::now() < until, "{:?}", script.heard());
        std::thread::sleep(Duration::from_millis(5));
    }
}
