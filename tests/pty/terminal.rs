//! A program in a pseudo-terminal, with a model of its screen: for whole-program tests and for the benches.
//!
//! A thread reads the program's output and stamps each piece with its arrival. The caller takes pieces in, which feeds
//! the raw record (searched for forbidden bytes) and the vt100 model (what a reader would see).

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A running program and what it drew so far.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    output: Receiver<(Instant, Vec<u8>)>,
    model: vt100::Parser,
    raw: Vec<u8>,
    last: Instant,
    ended: bool,
    gone: Arc<AtomicBool>,
}

impl Terminal {
    /// Starts `command` in a terminal of `rows` by `columns`.
    pub(crate) fn start(command: CommandBuilder, rows: u16, columns: u16) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system()
            .openpty(size)
            .expect("a pseudo-terminal can be had");
        let child = pair
            .slave
            .spawn_command(command)
            .expect("the program starts");
        drop(pair.slave);
        let mut reader = pair
            .master
            .try_clone_reader()
            .expect("the terminal can be read");
        let keys = pair
            .master
            .take_writer()
            .expect("the terminal can be written");
        let (send, output) = channel();
        let gone = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&gone);
        std::thread::spawn(move || {
            let mut buffer = [0u8; 65536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let piece = (Instant::now(), buffer[..count].to_vec());
                if stop.load(Ordering::SeqCst) || send.send(piece).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            master: Some(pair.master),
            keys: Some(keys),
            output,
            model: vt100::Parser::new(at_least_one(rows), at_least_one(columns), 0),
            raw: Vec::new(),
            last: Instant::now(),
            ended: false,
            gone,
        }
    }

    /// Types `keys`.
    pub(crate) fn send(&mut self, keys: &str) {
        if let Some(writer) = &mut self.keys {
            // A program that has ended takes no more keys; the caller sees that from its output.
            let _ = writer
                .write_all(keys.as_bytes())
                .and_then(|()| writer.flush());
        }
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        if let Some(master) = &self.master {
            let _ = master.resize(PtySize {
                rows,
                cols: columns,
                pixel_width: 0,
                pixel_height: 0,
            });
        }
        self.model
            .screen_mut()
            .set_size(at_least_one(rows), at_least_one(columns));
    }

    /// Waits until the screen pleases `wanted`, at most `patience`; tells whether it did.
    pub(crate) fn wait_for(&mut self, patience: Duration, wanted: impl Fn(&str) -> bool) -> bool {
        let until = Instant::now() + patience;
        loop {
            if wanted(&self.text()) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.take(left) {
                return wanted(&self.text());
            }
        }
    }

    /// Takes output in until none came for `quiet`; gives the time of the last piece.
    pub(crate) fn settle(&mut self, quiet: Duration) -> Instant {
        while self.take(quiet) {}
        self.last
    }

    /// Takes one piece of output, waiting at most `patience`; tells whether one came.
    pub(crate) fn take(&mut self, patience: Duration) -> bool {
        match self.output.recv_timeout(patience) {
            Ok((at, bytes)) => {
                self.model.process(&bytes);
                self.raw.extend_from_slice(&bytes);
                self.last = at;
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                self.ended = true;
                false
            }
        }
    }

    /// When the last piece of output came.
    pub(crate) fn last(&self) -> Instant {
        self.last
    }

    /// Everything the program sent so far.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The screen as lines of text.
    pub(crate) fn text(&self) -> String {
        self.model.screen().contents()
    }

    /// Whether the program closed its terminal.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// The process id of the program.
    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().unwrap_or(0)
    }

    /// Closes the terminal, as a lost connection does: the program gets SIGHUP.
    pub(crate) fn hang_up(&mut self) {
        self.gone.store(true, Ordering::SeqCst);
        // The reading thread holds the terminal too: what is drawn for this key wakes it, and it lets go.
        self.send("\u{c}");
        self.keys = None;
        self.master = None;
    }

    /// Waits for the program's end, at most `patience`; gives its exit code.
    pub(crate) fn wait(&mut self, patience: Duration) -> Option<u32> {
        let until = Instant::now() + patience;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status.exit_code());
            }
            if Instant::now() >= until {
                return None;
            }
            self.take(Duration::from_millis(10));
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn at_least_one(size: u16) -> NonZero<u16> {
    NonZero::new(size).unwrap_or(NonZero::<u16>::MIN)
}
