//! Standard output: JSON Lines or plain lines, never foreign text as it came.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::json;
use crate::mail::text::{Foreign, Printable};

/// How many messages, in words.
pub fn messages(count: u64) -> String {
    match count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    }
}

/// Where a verb prints.
pub struct Output {
    json: bool,
    terminal: bool,
    stdout: BufWriter<StdoutLock<'static>>,
}

impl Output {
    /// Standard output, as JSON or as plain lines.
    pub fn new(json: bool) -> Self {
        let stdout = io::stdout();
        Self {
            json,
            terminal: stdout.is_terminal(),
            stdout: BufWriter::new(stdout.lock()),
        }
    }

    /// Whether output is JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Columns of a line: those of the terminal, else 80.
    pub fn width(&self) -> u16 {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        let columns = size.map(|size| size.ws_col).filter(|&columns| columns > 0);
        columns.filter(|_| self.terminal).unwrap_or(80)
    }

    /// Prints a record: the object itself, or the line that `plain` makes of it.
    pub fn record<R: Serialize>(
        &mut self,
        record: &R,
        plain: impl FnOnce(&R) -> Printable,
    ) -> Result<(), Failure> {
        if self.json {
            json::write_line(&mut self.stdout, record)?;
            return Ok(());
        }
        self.line(&plain(record))
    }

    /// Prints a record: the object itself, or this line in its place.
    pub fn record_or_line<R: Serialize>(
        &mut self,
        record: &R,
        line: &Printable,
    ) -> Result<(), Failure> {
        if self.json {
            json::write_line(&mut self.stdout, record)?;
            return Ok(());
        }
        self.line(line)
    }

    /// Prints a record where people need no answer: nothing, unless output is JSON.
    pub fn record_only<R: Serialize>(&mut self, record: &R) -> Result<(), Failure> {
        if self.json {
            json::write_line(&mut self.stdout, record)?;
        }
        Ok(())
    }

    /// Prints a line.
    pub fn line(&mut self, line: &Printable) -> Result<(), Failure> {
        self.stdout.write_all(line.as_str().as_bytes())?;
        self.stdout.write_all(b"\n")?;
        Ok(())
    }

    /// Prints lines.
    pub fn lines(&mut self, lines: &[Printable]) -> Result<(), Failure> {
        lines.iter().try_for_each(|line| self.line(line))
    }

    /// Brings everything out now, for verbs that take their time.
    pub fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.stdout.flush()?)
    }

    /// Prints bytes exactly; on a terminal, where they could do harm, as printable lines.
    pub fn bytes(&mut self) -> Bytes<'_> {
        Bytes {
            output: self,
            line: Vec::new(),
        }
    }
}

/// Exact bytes on their way out.
pub struct Bytes<'o> {
    output: &'o mut Output,
    line: Vec<u8>,
}

impl Bytes<'_> {
    /// How long a line on a terminal may get before it is cut, in bytes.
    const LONGEST_LINE: usize = 1 << 16;

    /// Prints some of the bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if !self.output.terminal {
            return Ok(self.output.stdout.write_all(bytes)?);
        }
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.line.len() > Self::LONGEST_LINE {
                self.print_line()?;
            }
        }
        Ok(())
    }

    /// Prints what is left.
    pub fn end(mut self) -> Result<(), Failure> {
        if self.line.is_empty() {
            return Ok(());
        }
        self.print_line()
    }

    fn print_line(&mut self) -> Result<(), Failure> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.output
            .line(&Foreign::new(String::from_utf8_lossy(line)).line())
    }
}
