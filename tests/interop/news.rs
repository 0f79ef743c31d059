//! Newsgroups beside c-client, which keeps what was read in the same `.newsrc`, and beside INN, which stores articles
//! meanwhile.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::alternate::Random;
use crate::home::{Home, finish, is_root, open_to};
use crate::peers::{self, have};

/// A home with a news spool in it, at places that `local` names.
struct Spool {
    home: Home,
    settings: Vec<String>,
}

impl Spool {
    fn new(spool: &str, active: &str) -> Self {
        let home = Home::new();
        let below = |name: &str| home.path(name).display().to_string();
        let spool = format!("local.news_spool={}", below(spool));
        let active = format!("local.news_active={}", below(active));
        let settings = ["--set", &spool, "--set", &active].map(str::to_owned);
        Self {
            settings: settings.into(),
            home,
        }
    }

    fn mugo(&self, words: &[&str]) -> String {
        let front = self.settings.iter().map(String::as_str);
        let all: Vec<&str> = front.chain(words.iter().copied()).collect();
        self.home.mugo_done(&all)
    }

    fn rows(&self, words: &[&str]) -> Vec<Value> {
        let said = self.mugo(&[&["--json"], words].concat());
        let rows = said.lines();
        rows.map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    /// The UIDs of what Mugo takes for read.
    fn read(&self, group: &str) -> BTreeSet<u64> {
        let rows = self.rows(&["--read-only", "show", group]).into_iter();
        let deleted = |row: &Value| {
            let flags = row["flags"].as_array();
            flags.is_some_and(|flags| flags.iter().any(|flag| flag == "\\Deleted"))
        };
        let read = rows.filter(deleted);
        read.filter_map(|row| row["uid"].as_u64()).collect()
    }

    fn newsrc(&self) -> String {
        String::from_utf8(fs::read(self.home.path(".newsrc")).unwrap_or_default()).expect("text")
    }
}

/// c-client, with its usual places of news below `home`. It cannot be told of others but by a file in `/etc`.
fn c_client(home: &Home, program: &Path, words: &[&str]) -> BTreeSet<u64> {
    let at = home.path("");
    let at = at.display();
    let script = format!(
        "mount --make-rprivate / && mount --bind {at}/lib /var/lib && mount --bind {at}/spool /var/spool && \
         exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$@\""
    );
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-c", &script, "sh"])
        .arg(program)
        .args(words)
        .envs(home.environment())
        .current_dir(home.path(""))
        .stdin(Stdio::null());
    let output = finish(command, None);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    let told = String::from_utf8_lossy(&output.stdout);
    told.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Builds the program that lets c-client mark articles.
fn built(home: &Home) -> PathBuf {
    home.write("newsgroup.c", include_bytes!("newsgroup.c"));
    let program = home.path("newsgroup");
    let mut gcc = Command::new("gcc");
    gcc.args(["-w", "-o"])
        .arg(&program)
        .arg(home.path("newsgroup.c"))
        .arg("-l:libc-client.so.2007e");
    let output = finish(gcc, None);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    open_to(&program, 0o755);
    program
}

/// Gives a directory and all in it to the plain user.
fn give(path: &Path) {
    open_to(path, if path.is_dir() { 0o755 } else { 0o644 });
    if path.is_dir() {
        let all = fs::read_dir(path).expect("a directory");
        all.for_each(|entry| give(&entry.expect("readable").path()));
    }
}

#[test]
fn c_client_and_mugo_take_turns_on_newsrc() {
    let test = "c_client_and_mugo_take_turns_on_newsrc";
    if !have(test, &["mailutil", "gcc", "unshare", "setpriv"]) {
        return;
    }
    let mut unshare = Command::new("unshare");
    unshare.args(["-m", "mount", "--make-rprivate", "/"]);
    if !is_root() || !finish(unshare, None).status.success() {
        return peers::cannot(
            test,
            "only root can show c-client another news spool, where the machine lets him",
        );
    }
    let spool = Spool::new("spool/news", "lib/news/active");
    let home = &spool.home;
    let group = home.path("spool/news/g/x");
    fs::create_dir_all(&group).expect("a spool");
    fs::create_dir_all(home.path("lib/news")).expect("a list");
    fs::write(home.path("lib/news/active"), "h 1 1 y\ng.x 99 1 y\n").expect("written");
    let mut random = Random(11);
    let mut articles: Vec<u32> = Vec::new();
    let add = |articles: &mut Vec<u32>, number: u32| {
        let text = format!("Subject: {number}\nMessage-ID: <{number}@x>\n\ntext\n");
        fs::write(group.join(number.to_string()), text).expect("stored");
        articles.push(number);
    };
    for number in [4, 5, 6, 9, 10, 15] {
        add(&mut articles, number);
    }
    give(&home.path("spool"));
    give(&home.path("lib"));
    home.write(".newsrc", b"h: 1-7\ng.x: 1-4\n");
    let program = built(home);
    let turns = if peers::night() { 600 } else { 60 };
    for turn in 0..turns {
        let place = random.below(articles.len());
        let number = articles[place];
        let unread = random.below(3) == 0;
        let deed = random.below(7);
        let before = spool.newsrc();
        match deed {
            0 if articles.len() < 40 => {
                let last = articles.last().copied().unwrap_or(0);
                add(&mut articles, last + 1 + random.below(3) as u32);
                give(&group);
            }
            1 if articles.len() > 4 => {
                fs::remove_file(group.join(articles.remove(0).to_string())).expect("expired");
            }
            0..=3 => {
                let change = if unread { "-\\Deleted" } else { "+\\Deleted" };
                spool.mugo(&["flag", "--uid", "#news.g.x", &number.to_string(), change]);
            }
            _ => {
                let sign = if unread { "-" } else { "" };
                c_client(
                    home,
                    &program,
                    &["#news.g.x", &format!("{sign}{}", place + 1)],
                );
            }
        }
        let theirs = c_client(home, &program, &["#news.g.x"]);
        let now = spool.newsrc();
        assert_eq!(
            spool.read("#news.g.x"),
            theirs,
            "turn {turn}: deed {deed}: {now}"
        );
        assert!(now.starts_with("h: 1-7\n"), "{now}");
        // What Mugo wrote is what c-client would have written.
        if (2..=3).contains(&deed) && now != before {
            c_client(home, &program, &["#news.g.x", "1", "-1"]);
            let sign = if theirs.contains(&u64::from(articles[0])) {
                "1"
            } else {
                "-1"
            };
            c_client(home, &program, &["#news.g.x", sign]);
            assert_eq!(spool.newsrc(), now, "turn {turn}: {articles:?} {theirs:?}");
        }
    }
}

/// A news server with its files below a home; stopped when dropped.
struct Inn {
    child: Child,
    root: PathBuf,
    port: u16,
}

const INN: &str = "/usr/lib/news/bin";

fn as_news(program: &str, root: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", "news", "--regid", "news", "--clear-groups"])
        .arg(format!("{INN}/{program}"))
        .env("INNCONF", root.join("etc/inn.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

impl Inn {
    fn start(root: &Path, wire: bool) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("its number").port();
        drop(free);
        for folder in [
            "etc",
            "db",
            "articles",
            "overview",
            "incoming/bad",
            "outgoing",
            "archive",
            "log",
            "run",
            "tmp",
            "http",
            "control",
            "filter",
        ] {
            fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        let at = root.display();
        let mut conf = format!(
            "domain: example.test\nmta: \"/bin/true %s\"\novmethod: tradindexed\nhismethod: hisv6\n\
             pathhost: news.example.test\npathnews: /usr/lib/news\npathbin: {INN}\npathdb: {at}/db\n\
             pathspool: {at}\npatharticles: {at}/articles\npathetc: {at}/etc\nartcutoff: 0\n\
             bindaddress: 127.0.0.1\nbindaddress6: \"::1\"\nport: {port}\nwireformat: {wire}\n"
        );
        for folder in [
            "overview", "incoming", "outgoing", "archive", "log", "run", "tmp", "http", "control",
            "filter",
        ] {
            conf += &format!("path{folder}: {at}/{folder}\n");
        }
        let groups = [
            "control",
            "control.cancel",
            "control.newgroup",
            "control.rmgroup",
            "control.checkgroups",
            "junk",
            "test.a",
            "test.b",
        ];
        let active = groups.map(|group| format!("{group} 0000000000 0000000001 y\n"));
        for (name, text) in [
            ("etc/inn.conf", conf.as_str()),
            (
                "etc/storage.conf",
                "method tradspool {\n class: 0\n newsgroups: *\n}\n",
            ),
            ("etc/newsfeeds", "ME:!*::\n"),
            (
                "etc/incoming.conf",
                "peer ME {\n hostname: \"localhost, 127.0.0.1\"\n}\n",
            ),
            ("etc/expire.ctl", "/remember/:10\n*:A:1:never:never\n"),
            ("etc/control.ctl", "all:*:*:drop\n"),
            ("etc/moderators", ""),
            ("etc/readers.conf", ""),
            ("etc/passwd.nntp", ""),
            ("db/active", &active.concat()),
            ("db/newsgroups", ""),
            ("db/active.times", ""),
            ("db/history", ""),
        ] {
            fs::write(root.join(name), text).expect("written");
        }
        let owner = Command::new("chown")
            .args(["-R", "news:news"])
            .arg(root)
            .status();
        assert!(owner.expect("chown runs").success());
        let history = root.join("db/history");
        let made = as_news("makedbz", root)
            .args(["-i", "-o", "-s", "100000", "-f"])
            .arg(history)
            .status();
        assert!(made.expect("makedbz runs").success());
        let child = as_news("innd", root)
            .arg("-f")
            .spawn()
            .expect("innd starts");
        Self {
            child,
            root: root.to_owned(),
            port,
        }
    }

    fn connect(&self) -> BufReader<TcpStream> {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => {
                    let mut stream = BufReader::new(stream);
                    answer(&mut stream, "200");
                    return stream;
                }
                Err(refusal) => assert!(Instant::now() < until, "innd: {refusal}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Inn {
    fn drop(&mut self) {
        let _ = as_news("ctlinnd", &self.root)
            .args(["-t", "5", "shutdown", "the test is over"])
            .status();
        let until = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer(stream: &mut BufReader<TcpStream>, code: &str) {
    let mut line = String::new();
    stream.read_line(&mut line).expect("an answer");
    assert!(line.starts_with(code), "{line}");
}

/// Hands an article to the server.
fn offer(stream: &mut BufReader<TcpStream>, serial: u32, groups: &str) {
    write!(stream.get_mut(), "IHAVE <{serial}@x.test>\r\n").expect("sent");
    answer(stream, "335");
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000");
    let article = format!(
        "Path: x!y\r\nFrom: a@example.org\r\nNewsgroups: {groups}\r\nSubject: s{serial}\r\nDate: {date}\r\n\
         Message-ID: <{serial}@x.test>\r\n\r\nbody {serial}\r\n..one dot\r\n.\r\n"
    );
    stream
        .get_mut()
        .write_all(article.as_bytes())
        .expect("sent");
    answer(stream, "235");
}

#[test]
fn inn_stores_articles_while_a_group_is_open() {
    let test = "inn_stores_articles_while_a_group_is_open";
    if !have(test, &["innd", "setpriv", "chown"]) {
        return;
    }
    if !is_root() {
        return peers::skip(test, "only root can start innd as user news");
    }
    for wire in [false, true] {
        let spool = Spool::new("inn/articles", "inn/db/active");
        let home = &spool.home;
        fs::create_dir(home.path("inn")).expect("a folder");
        let inn = Inn::start(&home.path("inn"), wire);
        let mut server = inn.connect();
        offer(&mut server, 1, "test.a");
        let words: Vec<&str> = spool.settings.iter().map(String::as_str).collect();
        let words = [
            &words,
            &["--json", "watch", "#news.test.a", "--for", "6"][..],
        ]
        .concat();
        let all = home.mugo_words(&words);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let mut watch = home.command(&all);
        let mut watch = watch.stdout(Stdio::piped()).spawn().expect("mugo starts");
        let mut lines = BufReader::new(watch.stdout.take().expect("a pipe")).lines();
        let first = lines.next().expect("a line").expect("text");
        assert!(first.contains("\"messages\":1"), "{first}");
        for serial in 2..=9 {
            let groups = if serial % 2 == 0 {
                "test.a,test.b"
            } else {
                "test.a"
            };
            offer(&mut server, serial, groups);
        }
        let told: Vec<String> = lines.map(|line| line.expect("text")).collect();
        assert!(watch.wait().expect("it ends").success());
        assert!(
            told.last().is_some_and(|it| it.contains("\"messages\":9")),
            "{told:?}"
        );
        let shown = spool.rows(&["--read-only", "show", "#news.test.a"]);
        let subjects: Vec<&str> = shown
            .iter()
            .filter_map(|row| row["envelope"]["subject"].as_str())
            .collect();
        assert_eq!(subjects.len(), 9);
        let serial = subjects[1].trim_start_matches('s').to_owned();
        let text = spool.mugo(&["--read-only", "read", "--raw", "#news.test.a", "2"]);
        assert!(
            text.replace('\r', "")
                .ends_with(&format!("body {serial}\n.one dot\n")),
            "wire {wire}: {text}"
        );
        // What is read in one group is read in the other, if that is known there.
        spool.home.write(".newsrc", b"test.b!\n");
        spool.mugo(&["flag", "#news.test.a", "1:*", "+\\Deleted"]);
        let newsrc = spool.newsrc();
        assert!(
            newsrc.contains("test.a: 1-9\n") && newsrc.contains("test.b! 1-4\n"),
            "{newsrc}"
        );
        assert_eq!(spool.read("#news.test.b").len(), 4);
    }
}
