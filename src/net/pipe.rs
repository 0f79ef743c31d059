//! A program in place of a connection: what it prints comes, what it reads goes.
//!
//! It is started as its words say, without a shell, in a group of its own, and without a terminal to ask on: ssh has to find its
//! keys with an agent. It ends when the connection does.

use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// Of what it complains about this much is kept, in bytes.
const LONGEST: usize = 300;

/// A program that is spoken with.
pub struct Pipe {
    /// Killed when it is dropped.
    _child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    complaint: Arc<Mutex<String>>,
}

impl Pipe {
    /// Starts a program.
    pub fn start(words: &[String]) -> io::Result<Self> {
        let none = || io::Error::other("no program is named");
        let (program, arguments) = words.split_first().ok_or_else(none)?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // The terminal is the screen's.
            .env("SSH_ASKPASS", "/bin/false")
            .env("SSH_ASKPASS_REQUIRE", "force")
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(none());
        };
        let complaint = Arc::new(Mutex::new(String::new()));
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(listen(stderr, Arc::clone(&complaint)));
        }
        Ok(Self {
            _child: child,
            stdin,
            stdout,
            complaint,
        })
    }

    /// What it complained about last; empty where it did not.
    pub fn complaint(&self) -> String {
        let complaint = self.complaint.lock();
        complaint.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Keeps the last line of what a program complains about.
async fn listen(stderr: ChildStderr, complaint: Arc<Mutex<String>>) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(bytes) = reader.fill_buf().await {
        if bytes.is_empty() {
            break;
        }
        for &byte in bytes {
            match byte {
                b'\n' if line.is_empty() => {}
                b'\n' => {
                    let text = String::from_utf8_lossy(&line).trim().to_owned();
                    line.clear();
                    *complaint.lock().unwrap_or_else(PoisonError::into_inner) = text;
                }
                _ if line.len() < LONGEST => line.push(byte),
                _ => {}
            }
        }
        let count = bytes.len();
        reader.consume(count);
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stdout).poll_read(context, buffer)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stdin).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stdin).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stdin).poll_shutdown(context)
    }
}
