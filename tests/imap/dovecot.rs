//! A real Dovecot of our own on loopback, with users of its own: one for all tests of this program, a user for each test.
//!
//! It is started by a thread that lives as long as the program does, and ends with it (`setpriv --pdeathsig`).

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{TryRecvError, channel};
use std::time::{Duration, Instant};

use crate::peers;

/// How many users there are of each format.
const USERS: usize = 60;

/// The user of each format who has little room.
const CRAMPED: usize = USERS - 1;
const LITTLE_ROOM: &str = " userdb_quota=dict:User::file:%h/quota userdb_quota_rule=*:storage=100K";

/// How the server keeps a user's mail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Maildir,
    Mbox,
    Sdbox,
}

impl Format {
    pub(crate) const ALL: [Self; 3] = [Self::Maildir, Self::Mbox, Self::Sdbox];

    fn letter(self) -> char {
        match self {
            Self::Maildir => 'm',
            Self::Mbox => 'x',
            Self::Sdbox => 's',
        }
    }

    fn place(self, home: &Path) -> String {
        match self {
            Self::Maildir => "maildir:~/Maildir".to_owned(),
            Self::Mbox => format!("mbox:~/mail:INBOX={}/inbox", home.display()),
            Self::Sdbox => "sdbox:~/sdbox".to_owned(),
        }
    }
}

/// The server.
pub(crate) struct Dovecot {
    root: PathBuf,
    /// The port for clear text and STARTTLS.
    pub(crate) port: u16,
    /// The port for TLS.
    pub(crate) tls_port: u16,
    next: [AtomicUsize; 3],
}

/// The server, started when it is first wanted; `None`, and it is said, where it is not installed.
pub(crate) fn dovecot(test: &str) -> Option<&'static Dovecot> {
    static SERVER: OnceLock<Option<Dovecot>> = OnceLock::new();
    if !peers::have(test, &["dovecot", "openssl", "setpriv"]) {
        return None;
    }
    if !rustix::process::getuid().is_root() {
        peers::cannot(test, "only root can start Dovecot with users of its own");
        return None;
    }
    SERVER.get_or_init(|| Some(Dovecot::start())).as_ref()
}

impl Dovecot {
    /// A user that no other test has; the password is the name with `-pw` behind it.
    pub(crate) fn user(&self, format: Format) -> String {
        let number = self.next[format as usize].fetch_add(1, Ordering::SeqCst);
        assert!(number < CRAMPED, "more users are needed");
        format!("{}{number}", format.letter())
    }

    /// The user with room for 100 KB, of which no more than one test may make use.
    pub(crate) fn cramped(&self, format: Format) -> String {
        format!("{}{CRAMPED}", format.letter())
    }

    /// The home of a user.
    pub(crate) fn home(&self, user: &str) -> PathBuf {
        self.root.join("home").join(user)
    }

    /// The authority that signed the server's certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.root.join("ca.pem")
    }

    /// The name of a mailbox over clear text with STARTTLS where it is offered.
    pub(crate) fn name(&self, user: &str, mailbox: &str) -> String {
        format!("{{localhost:{}/user={user}}}{mailbox}", self.port)
    }

    /// The settings of a user's home.
    pub(crate) fn settings(&self, user: &str) -> String {
        format!(
            "[network]\ncertificates = \"{}\"\n[accounts.it]\nserver = \"{{localhost/user={user}}}\"\n\
             password-command = [\"echo\", \"{user}-pw\"]\n",
            self.authority().display()
        )
    }

    fn start() -> Self {
        let root = tempfile::Builder::new()
            .prefix("dc")
            .tempdir_in("/tmp")
            .expect("a scratch folder")
            .keep();
        let sockets: Vec<TcpListener> = (0..2)
            .map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"))
            .collect();
        let ports: Vec<u16> = sockets
            .iter()
            .map(|socket| socket.local_addr().expect("bound").port())
            .collect();
        drop(sockets);
        let server = Self {
            root,
            port: ports[0],
            tls_port: ports[1],
            next: Default::default(),
        };
        server.prepare();
        server.run();
        server
    }

    fn prepare(&self) {
        for folder in ["run", "home", "log"] {
            fs::create_dir(self.root.join(folder)).expect("made");
        }
        certificates(&self.root);
        let mut users = String::new();
        for format in Format::ALL {
            for number in 0..USERS {
                let user = format!("{}{number}", format.letter());
                let home = self.home(&user);
                fs::create_dir(&home).expect("made");
                let room = if number == CRAMPED { LITTLE_ROOM } else { "" };
                users += &format!(
                    "{user}:{{PLAIN}}{user}-pw::::{}::userdb_mail={}{room}\n",
                    home.display(),
                    format.place(&home)
                );
            }
        }
        fs::write(self.root.join("users"), users).expect("written");
        let config = CONFIG
            .replace("ROOT", &self.root.display().to_string())
            .replace("PORT1", &self.port.to_string())
            .replace("PORT2", &self.tls_port.to_string());
        fs::write(self.root.join("dovecot.conf"), config).expect("written");
        let oauth = format!(
            "introspection_url = http://127.0.0.1:{}/introspect\nintrospection_mode = post\n\
             username_attribute = username\nactive_attribute = active\nactive_value = true\n",
            introspection()
        );
        fs::write(self.root.join("oauth2.conf"), oauth).expect("written");
        run(Command::new("chmod").arg("755").arg(&self.root));
        run(Command::new("chown")
            .arg("-R")
            .arg("mail:mail")
            .arg(self.root.join("home")));
    }

    fn run(&self) {
        let root = self.root.clone();
        let (tell, told) = channel::<()>();
        std::thread::spawn(move || {
            let log = || fs::File::create(root.join("log/out")).expect("a log");
            // It takes its files along when it ends.
            let script = "trap 'kill $child' TERM\n/usr/sbin/dovecot -F -c \"$0/dovecot.conf\" & child=$!\n\
                wait $child; wait $child; rm -rf \"$0\"";
            let child = Command::new("setpriv")
                .args(["--pdeathsig", "TERM", "sh", "-c", script])
                .arg(&root)
                .stdin(Stdio::null())
                .stdout(log())
                .stderr(log())
                .spawn();
            // The signal comes when this thread ends, and what waits hears of it then.
            let _ended = child.expect("dovecot starts").wait();
            drop(tell);
        });
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.tls_port)).is_err() {
            let ended = told.try_recv() == Err(TryRecvError::Disconnected);
            let log = fs::read_to_string(self.root.join("log/dovecot.log"));
            assert!(!ended && Instant::now() < until, "dovecot: {log:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// An authority, and a certificate for the server that it signed; and some that nobody should trust.
fn certificates(root: &Path) {
    let script = r#"
set -e
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2>/dev/null; }
sign() { openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -extfile "$1.ext" -out "$1.pem" $2 2>/dev/null; }
key ca
openssl req -x509 -new -key ca.key -subj /CN=Authority -days 30 -out ca.pem 2>/dev/null
key server
openssl req -new -key server.key -subj /CN=server -out server.csr 2>/dev/null
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' > server.ext
sign server "-days 20"
"#;
    run(Command::new("bash").arg("-c").arg(script).current_dir(root));
}

/// What a token that is good begins with; the user's name follows.
pub(crate) const TOKEN: &str = "good-token-of-";

/// Starts one who knows whose tokens are good (RFC 7662), and gives its port.
fn introspection() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || introspect(stream));
        }
    });
    port
}

fn introspect(stream: TcpStream) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        if line.is_empty() {
            return;
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        let token = body.split('&').find_map(|it| it.strip_prefix("token="));
        let user = token.and_then(|token| token.strip_prefix(TOKEN));
        let said = match user {
            Some(user) => format!("{{\"active\":true,\"username\":\"{user}\"}}"),
            None => "{\"active\":false}".to_owned(),
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{said}",
            said.len()
        );
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

pub(crate) fn run(command: &mut Command) {
    let status = command.status().expect("it runs");
    assert!(status.success(), "{command:?}");
}

const CONFIG: &str = "\
base_dir = ROOT/run
state_dir = ROOT/run
log_path = ROOT/log/dovecot.log
listen = 127.0.0.1
protocols = imap
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
default_internal_user = dovecot
default_login_user = dovenull
mail_fsync = never
ssl_cert = <ROOT/server.pem
ssl_key = <ROOT/server.key
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 oauthbearer xoauth2
auth_failure_delay = 0
passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = ROOT/oauth2.conf
}
passdb {
  driver = passwd-file
  args = ROOT/users
}
userdb {
  driver = passwd-file
  args = ROOT/users
}
mailbox_list_index = yes
mail_plugins = zlib quota
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \\Sent
  }
}
protocol imap {
  mail_plugins = zlib imap_zlib quota imap_quota
  imap_idle_notify_interval = 10 s
  mail_max_userip_connections = 200
}
service imap-login {
  inet_listener imap {
    port = PORT1
  }
  inet_listener imaps {
    port = PORT2
    ssl = yes
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
";
