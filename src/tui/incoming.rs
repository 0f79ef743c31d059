//! Bytes on their way into a file, which is not there before all of them are: they wait in a file of another name beside it.
//!
//! The first byte makes that file; whatever becomes of the rest, nothing half is ever seen under the name that the user gave.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::{Builder, NamedTempFile};

/// Bytes on their way into a file. Clones are the same bytes.
#[derive(Clone)]
pub struct Incoming {
    path: PathBuf,
    /// Whether lines shall end as this system has them.
    in_local_lines: bool,
    arrived: Arc<Mutex<Arrived>>,
}

#[derive(Default)]
struct Arrived {
    file: Option<NamedTempFile>,
    /// A CR that ended a piece: what follows decides about it.
    has_return: bool,
}

impl PartialEq for Incoming {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.arrived, &other.arrived)
    }
}

impl Eq for Incoming {}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Incoming").field(&self.path).finish()
    }
}

impl Incoming {
    /// None yet, on their way into this file. CRLF becomes LF where lines shall end as this system has them.
    pub fn new(path: PathBuf, in_local_lines: bool) -> Self {
        Self {
            path,
            in_local_lines,
            arrived: Arc::default(),
        }
    }

    /// What takes them in.
    pub fn writer(&self) -> Box<dyn Write + Send> {
        Box::new(self.clone())
    }

    /// The file that holds all of them, on disk, read from its beginning.
    pub fn take(&self) -> io::Result<NamedTempFile> {
        let mut arrived = self.lock();
        if std::mem::take(&mut arrived.has_return) {
            self.put(&mut arrived, b"\r")?;
        }
        let mut file = match arrived.file.take() {
            Some(file) => file,
            None => self.make()?,
        };
        file.as_file().sync_all()?;
        file.rewind()?;
        Ok(file)
    }

    /// Keeps the file for another attempt.
    pub fn put_back(&self, file: NamedTempFile) {
        self.lock().file = Some(file);
    }

    /// A file beside the one that is meant; where that one is there and nothing can be made beside it, among the scratch files of
    /// the system.
    fn make(&self) -> io::Result<NamedTempFile> {
        let mut builder = Builder::new();
        builder.prefix(".mugo-");
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        match builder.tempfile_in(folder) {
            Err(_) if self.path.exists() => builder.tempfile(),
            made => made,
        }
    }

    fn put(&self, arrived: &mut Arrived, bytes: &[u8]) -> io::Result<()> {
        if arrived.file.is_none() {
            arrived.file = Some(self.make()?);
        }
        let file: Option<&mut File> = arrived.file.as_mut().map(NamedTempFile::as_file_mut);
        file.map_or(Ok(()), |file| file.write_all(bytes))
    }

    fn lock(&self) -> MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut arrived = self.lock();
        if !self.in_local_lines {
            self.put(&mut arrived, bytes)?;
            return Ok(bytes.len());
        }
        let mut clean = Vec::with_capacity(bytes.len() + 1);
        for &byte in bytes {
            let had_return = std::mem::replace(&mut arrived.has_return, byte == b'\r');
            if had_return && byte != b'\n' {
                clean.push(b'\r');
            }
            if byte != b'\r' {
                clean.push(byte);
            }
        }
        self.put(&mut arrived, &clean)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn line_ends_are_those_of_this_system_however_pieces_are_cut() {
        let text = b"a\r\nb\rc\r\r\n\n\r";
        for cut in 0..=text.len() {
            let folder = tempfile::tempdir().expect("a folder");
            for (in_local_lines, expected) in [(true, &b"a\nb\rc\r\n\n\r"[..]), (false, text)] {
                let incoming = Incoming::new(folder.path().join("file"), in_local_lines);
                let mut writer = incoming.writer();
                writer.write_all(&text[..cut]).expect("taken");
                writer.write_all(&text[cut..]).expect("taken");
                let mut read = Vec::new();
                let mut file = incoming.take().expect("all");
                file.read_to_end(&mut read).expect("read");
                assert_eq!(read, expected, "{cut}");
            }
        }
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let incoming = Incoming::new(folder.path().join("file"), false);
        incoming.writer().write_all(b"half").expect("taken");
        let files = || std::fs::read_dir(folder.path()).expect("read").count();
        assert_eq!(files(), 1);
        drop(incoming);
        assert_eq!(files(), 0);
    }
}
