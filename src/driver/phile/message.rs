//! The one message that a file appears as: its header is made up, its text is the file, as text or in base64.

use std::io::{self, Write};
use std::path::Path;

use crate::driver::error::{Error, Result};
use crate::driver::job::Job;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::file::window::Window;
use crate::driver::phile::sniff::{Kind, Sniffed};
use crate::mail::date::InternalDate;

/// A file as a message.
pub struct FileMessage {
    /// The header with its blank line.
    pub header: Vec<u8>,
    /// What the file holds.
    pub sniffed: Sniffed,
    /// When it was last changed.
    pub date: InternalDate,
}

impl FileMessage {
    /// The message of the file at `path`.
    pub fn new(path: &Path, owner: &str, host: &str, date: InternalDate, sniffed: Sniffed) -> Self {
        let at = date.fields();
        let mut header = format!(
            "Date: {}, {} {} {:04} {:02}:{:02}:{:02} {}\r\nFrom: {}@{}\r\nSubject: {}\r\nMIME-Version: 1.0\r\n",
            at.weekday,
            at.day,
            at.month_name,
            at.year,
            at.hour,
            at.minute,
            at.second,
            date.zone(),
            clean(owner),
            clean(host),
            clean(&path.to_string_lossy()),
        );
        match sniffed.kind {
            Kind::Text {
                charset, eight_bit, ..
            } => {
                header.push_str(&format!("Content-Type: TEXT/PLAIN; charset={charset}\r\n"));
                if eight_bit {
                    header.push_str("Content-Transfer-Encoding: 8BIT\r\n");
                }
            }
            Kind::Binary => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                header.push_str(&format!(
                    "Content-Type: APPLICATION/OCTET-STREAM; name={}\r\nContent-Transfer-Encoding: BASE64\r\n",
                    parameter(&clean(&name))
                ));
            }
        }
        header.push_str("\r\n");
        Self {
            header: header.into_bytes(),
            sniffed,
            date,
        }
    }

    /// Bytes of header and text.
    pub fn size(&self) -> u64 {
        let length = self.sniffed.length;
        let text = match self.sniffed.kind {
            Kind::Text { bare_lf: true, .. } => length + self.sniffed.lfs,
            Kind::Text { .. } => length,
            Kind::Binary => length.div_ceil(3) * 4 + length.div_ceil(GROUP as u64) * 2,
        };
        self.header.len() as u64 + text
    }

    /// Writes the text.
    pub fn write_text(&self, source: Source<'_>, into: &mut dyn Write, job: &Job) -> Result<()> {
        let mut window = Window::new(source.file, 0, self.sniffed.length);
        let failed = Error::io(source.path);
        while window.more().map_err(&failed)? {
            job.checkpoint()?;
            let bytes = window.rest();
            let mut count = bytes.len();
            let written = match self.sniffed.kind {
                Kind::Text { bare_lf: true, .. } => write_crlf(bytes, into),
                Kind::Text { .. } => into.write_all(bytes),
                Kind::Binary => {
                    if !window.is_last() {
                        count -= count % GROUP;
                    }
                    write_base64(bytes.get(..count).unwrap_or(bytes), into)
                }
            };
            written.map_err(&failed)?;
            window.consume(count);
        }
        Ok(())
    }
}

/// Bytes that make one line of base64, 60 letters.
const GROUP: usize = 45;

fn write_crlf(bytes: &[u8], into: &mut dyn Write) -> io::Result<()> {
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                into.write_all(line)?;
                into.write_all(b"\r\n")?;
            }
            None => into.write_all(line)?,
        }
    }
    Ok(())
}

fn write_base64(bytes: &[u8], into: &mut dyn Write) -> io::Result<()> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(GROUP) {
        let mut line = Vec::with_capacity(GROUP / 3 * 4 + 2);
        for triple in group.chunks(3) {
            let byte = |at: usize| u32::from(triple.get(at).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for place in 0..4 {
                let letter = bits >> (18 - 6 * place) & 0x3f;
                let padding = place as usize > triple.len();
                let letter = LETTERS.get(letter as usize).copied().unwrap_or(b'=');
                line.push(if padding { b'=' } else { letter });
            }
        }
        line.extend_from_slice(b"\r\n");
        into.write_all(&line)?;
    }
    Ok(())
}

/// Text for one header line: nothing in it ends the line.
fn clean(text: &str) -> String {
    let visible = |letter: char| if letter.is_control() { '?' } else { letter };
    text.chars().map(visible).collect()
}

/// A parameter's value, quoted where it has to be.
fn parameter(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&+-^_.{}~".contains(&byte);
    if !value.is_empty() && value.bytes().all(plain) {
        return value.to_owned();
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}
