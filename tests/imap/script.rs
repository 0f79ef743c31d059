//! A server that plays a dialogue: what it says, what it expects to hear, what it notes.
//!
//! Lines begin with `S: ` (said, with CRLF), `R: ` (said as it is, with `\r`, `\n` and `\x` escapes), `C: ` (expected; `TAG` stands
//! for the tag, which later lines of the server may name). `C: TAG *` takes any command, `C: =` any line; `CLOSE` ends the connection, `STALL` reads nothing more until the client is gone. Each connection plays it from the start.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A server that plays a dialogue.
pub(crate) struct Script {
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    tls: Arc<Mutex<Option<Arc<ServerConfig>>>>,
}

/// What a dialogue is played on.
pub(crate) trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

impl Script {
    /// Plays this in clear text.
    pub(crate) fn play(lines: &str) -> Self {
        Self::play_with(lines, None)
    }

    /// The same; `TLS` alone on a line begins TLS with this certificate.
    pub(crate) fn play_with(lines: &str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let script: Vec<String> = lines
            .lines()
            .map(|line| line.trim_start().to_owned())
            .collect();
        let tls = Arc::new(Mutex::new(tls));
        let (notes, shown) = (Arc::clone(&heard), Arc::clone(&tls));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let tls = shown.lock().expect("whole").clone();
                let (script, notes) = (script.clone(), Arc::clone(&notes));
                let stream = stream.expect("a connection");
                std::thread::spawn(move || serve(stream, &script, &notes, tls));
            }
        });
        Self { port, heard, tls }
    }

    /// Shows another certificate from now on.
    pub(crate) fn present(&self, tls: Arc<ServerConfig>) {
        *self.tls.lock().expect("whole") = Some(tls);
    }

    /// The name of a mailbox there.
    pub(crate) fn name(&self, switches: &str) -> String {
        format!("{{localhost:{}{switches}/user=ann}}INBOX", self.port)
    }

    /// Every line that clients sent, the tag left out.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("whole").clone()
    }
}

fn serve(
    stream: TcpStream,
    script: &[String],
    notes: &Mutex<Vec<String>>,
    tls: Option<Arc<ServerConfig>>,
) {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a limit");
    let mut wire: BufReader<Box<dyn Wire>> =
        BufReader::new(Box::new(stream.try_clone().expect("a handle")));
    let mut tag = String::new();
    for line in script {
        if line == "TLS" {
            let config = tls.clone().expect("a certificate");
            let session = ServerConnection::new(config).expect("a session");
            let socket = stream.try_clone().expect("a handle");
            wire = BufReader::new(Box::new(StreamOwned::new(session, socket)));
            continue;
        }
        if line == "CLOSE" {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        }
        if line == "STALL" {
            notes.lock().expect("whole").push(line.clone());
            // A client that goes while something of it was not read resets the connection.
            while !is_gone(&stream) {
                std::thread::sleep(Duration::from_millis(20));
            }
            return;
        }
        let (kind, text) = line.split_at(line.len().min(3));
        match kind {
            "S: " => {
                let said = format!("{}\r\n", text.replace("TAG", &tag));
                // Who is left alone goes.
                if wire.get_mut().write_all(said.as_bytes()).is_err() {
                    return;
                }
            }
            "R: " => {
                let said = unescaped(&text.replace("TAG", &tag));
                if wire.get_mut().write_all(&said).is_err() {
                    return;
                }
            }
            "C: " => {
                let Some(heard) = listen(&mut wire) else {
                    return;
                };
                let (found, rest) = heard.split_once(' ').unwrap_or((&heard, ""));
                notes.lock().expect("whole").push(rest.to_owned());
                // An answer to a challenge has no tag.
                if text == "=" {
                    continue;
                }
                if let Some(expected) = text.strip_prefix("TAG ") {
                    tag = found.to_owned();
                    if expected != "*" && expected != rest {
                        notes.lock().expect("whole").push(format!("NOT {expected}"));
                        return;
                    }
                }
            }
            _ => {}
        }
        let _ = wire.get_mut().flush();
    }
    // What a client says when the dialogue is over is noted, and not answered.
    while let Some(heard) = listen(&mut wire) {
        let rest = heard.split_once(' ').map_or(heard.as_str(), |it| it.1);
        notes.lock().expect("whole").push(rest.to_owned());
    }
}

/// Whether the client is gone, as far as that shows without reading what it said.
fn is_gone(stream: &TcpStream) -> bool {
    let mut one = [0];
    stream
        .set_read_timeout(Some(Duration::from_millis(20)))
        .expect("a limit");
    match stream.peek(&mut one) {
        Ok(count) => count == 0,
        Err(error) => !matches!(
            error.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        ),
    }
}

fn listen(wire: &mut BufReader<Box<dyn Wire>>) -> Option<String> {
    let mut line = Vec::new();
    match wire.read_until(b'\n', &mut line) {
        Ok(count) if count > 0 => {
            let line = String::from_utf8_lossy(&line);
            Some(line.trim_end_matches(['\r', '\n']).to_owned())
        }
        _ => None,
    }
}

/// `\r`, `\n`, `\0`, `\e`, and `\*N:TEXT;` for N times the text.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (letter, after) = after.split_at(1);
        rest = after;
        match letter {
            "r" => bytes.push(b'\r'),
            "n" => bytes.push(b'\n'),
            "0" => bytes.push(0),
            "e" => bytes.push(0x1b),
            "*" => {
                let (count, after) = rest.split_once(':').expect("a count");
                let (text, after) = after.split_once(';').expect("an end");
                let count: usize = count.parse().expect("a number");
                bytes.extend_from_slice(text.repeat(count).as_bytes());
                rest = after;
            }
            other => bytes.extend_from_slice(other.as_bytes()),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}
