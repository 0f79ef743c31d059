//! The terminal, to ask for a password: nothing that is typed is shown, whatever standard input and output are.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::thread;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot::{Receiver, channel};

use crate::mail::secret::Secret;
use crate::mail::text::Printable;

/// The terminal of this process. Dropped, it is as it was before.
pub struct Terminal {
    file: File,
    before: Option<Termios>,
}

impl Terminal {
    /// The terminal, where there is one.
    pub fn open() -> Option<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .ok()?;
        Some(Self { file, before: None })
    }

    /// Asks, and gives the line that is typed, without its end; nothing where the terminal went away. `None` where it cannot be
    /// kept from showing what is typed.
    pub fn ask(&mut self, question: &Printable) -> Option<Receiver<Option<Secret>>> {
        let before = tcgetattr(&self.file).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        // What was typed before the question was no answer to it.
        tcsetattr(&self.file, OptionalActions::Flush, &quiet).ok()?;
        self.before = Some(before);
        write!(self.file, "{}", question.as_str()).ok()?;
        let input = self.file.try_clone().ok()?;
        let (tell, told) = channel();
        let reading = move || {
            let mut line = String::new();
            let read = BufReader::new(input).read_line(&mut line);
            let text = line.trim_end_matches(['\r', '\n']).to_owned();
            let _wiped = Secret::new(line);
            let secret = read
                .ok()
                .filter(|&count| count > 0)
                .map(|_| Secret::new(text));
            let _nobody_waits = tell.send(secret).is_err();
        };
        // A thread that is never joined: where a signal ends the waiting, the process ends soon.
        thread::Builder::new()
            .name("mugo-terminal".to_owned())
            .spawn(reading)
            .ok()?;
        Some(told)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _gone = tcsetattr(&self.file, OptionalActions::Flush, before);
            let _gone = writeln!(self.file);
        }
    }
}
