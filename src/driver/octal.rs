//! What the drivers `tenex` and `mtx` do alike: one file, each message behind a line with its size and flags, without
//! UIDs and names of keywords. Those are remembered in the state folder and given by the settings.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::driver::characteristics::Characteristics;
use crate::driver::contract::{LocalDriver, LocalMailbox, Probe};
use crate::driver::error::{Error, Result, writable};
use crate::driver::job::Job;
use crate::driver::layout::file::access;
use crate::driver::layout::prefile::append;
use crate::driver::layout::prefile::format::{Format, Newline};
use crate::driver::layout::prefile::line::LONGEST;
use crate::driver::layout::prefile::mailbox::PrefileMailbox;
use crate::driver::layout::prefile::manage;
use crate::driver::layout::prefile::repair;
use crate::driver::layout::prefile::words::Words;
use crate::driver::local_file;
use crate::driver::message::Messages;
use crate::driver::place::Place;
use crate::driver::remembered::table::{self, FileState, Table};
use crate::driver::remembered::uids::Uids;
use crate::driver::repaired::Repaired;
use crate::mail::appended::Appended;
use crate::mail::flags::Keyword;
use crate::mail::status::{Access, MailboxStatus};
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::journal::redo::Journal;
use crate::os::transfer::read_full_at;

/// A driver of such a format.
pub struct Octal {
    environment: Arc<Environment>,
    format: &'static Format,
    characteristics: &'static Characteristics,
}

impl Octal {
    /// A driver for this environment.
    pub fn new(
        environment: &Arc<Environment>,
        format: &'static Format,
        characteristics: &'static Characteristics,
    ) -> Self {
        Self {
            environment: Arc::clone(environment),
            format,
            characteristics,
        }
    }

    /// Refuses what is not a mailbox of this format. An empty file passes: it is one as soon as it has a message.
    fn admit(&self, place: &Place) -> Result<()> {
        let found = self
            .probe(place)
            .map_err(|refusal| local_file::no_access(place, refusal))?;
        match found {
            Probe::Mine | Probe::Empty => Ok(()),
            Probe::Missing => Err(Error::NoSuchMailbox {
                path: place.path.clone(),
                can_create: true,
            }),
            Probe::Foreign => Err(Error::NotThisFormat {
                driver: self.format.driver,
                why: "it does not start with the line of a message",
            }),
        }
    }

    /// The names of the keyword bits, as the settings have them.
    fn words(&self) -> Words {
        let names = self.environment.formats.keywords.iter();
        Words::in_file(names.map(|name| Keyword::new(name)).collect())
    }

    fn memory(&self, place: &Place, access: Access) -> Uids {
        let driver = self.format.driver;
        Uids::new(&self.environment, driver, &place.path, self.words(), access)
    }

    fn starts_with_line(&self, path: &Path) -> io::Result<bool> {
        let mut file = self.environment.files.open(path, OpenMode::Read)?;
        let before = file.metadata()?;
        let mut bytes = [0; LONGEST];
        let count = read_full_at(&*file, &mut bytes, 0)?;
        access::restore_times(&mut *file, &before);
        let found = recognise(self.format.newline, bytes.get(..count).unwrap_or_default());
        // It may be torn in the middle of a change of ours; opening it completes that change.
        let torn = Journal::new(&self.environment).pending_format(&*file)?;
        Ok(torn.map_or(found, |format| format == self.format.driver))
    }

    /// Whether this very file was a mailbox of this format before it was empty.
    fn was_made_here(&self, path: &Path) -> io::Result<bool> {
        let place = table::place(&self.environment, path);
        let table = Table::read(&self.environment, &place, self.format.driver)?;
        let file = FileState::of(&self.environment, path);
        Ok(table.is_some_and(|table| table.file.id == file.id))
    }

    /// What is remembered of the mailbox at `path`.
    fn remembered(&self, path: &Path) -> Result<Option<Table>> {
        let place = table::place(&self.environment, path);
        Table::read(&self.environment, &place, self.format.driver).map_err(Error::io(&place))
    }

    /// Notes that the mailbox at `path` is of this format, which an empty file does not show.
    fn sign(&self, path: &Path) -> Result<()> {
        let place = table::place(&self.environment, path);
        let table = Table {
            file: FileState::of(&self.environment, path),
            ..table::fresh(&self.environment)
        };
        table
            .write(&self.environment, &place, self.format.driver)
            .map_err(Error::io(&place))
    }

    /// A table without a mailbox is of no use; one that stays behind does no harm.
    fn forget(&self, path: &Path) {
        let place = table::place(&self.environment, path);
        let _ = self.environment.files.remove_file(&place);
    }
}

/// Whether a file starts as one of this format: c-client asks for no more.
fn recognise(newline: Newline, start: &[u8]) -> bool {
    let line = match newline {
        Newline::Lf => {
            let end = memchr::memchr(b'\n', start);
            let line = end.and_then(|end| start.get(..end));
            line.filter(|line| !line.ends_with(b"\r"))
        }
        Newline::CrLf => {
            let end = memchr::memchr(b'\r', start);
            let followed = end.filter(|end| start.get(end + 1) == Some(&b'\n'));
            followed.and_then(|end| start.get(..end))
        }
    };
    let Some(line) = line else {
        return false;
    };
    let hyphens = |at: usize| line.get(at) == Some(&b'-') && line.get(at + 4) == Some(&b'-');
    let comma = line.iter().skip(18).position(|&byte| byte == b',');
    let rest = comma.and_then(|at| line.get(18 + at..));
    let semicolon = rest.and_then(|rest| memchr::memchr(b';', rest));
    (hyphens(2) || hyphens(1)) && semicolon.is_some_and(|at| at >= 2)
}

impl LocalDriver for Octal {
    fn characteristics(&self) -> &'static Characteristics {
        self.characteristics
    }

    fn probe(&self, place: &Place) -> io::Result<Probe> {
        let metadata = match self.environment.files.metadata(&place.path) {
            Ok(metadata) => metadata,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Probe::Missing),
            Err(refusal) => return Err(refusal),
        };
        let mine = match metadata.len() {
            _ if !metadata.is_file() => false,
            0 if self.was_made_here(&place.path)? => true,
            0 => return Ok(Probe::Empty),
            _ => self.starts_with_line(&place.path)?,
        };
        Ok(if mine { Probe::Mine } else { Probe::Foreign })
    }

    fn open(&self, place: &Place, access: Access, job: &Job) -> Result<Box<dyn LocalMailbox>> {
        self.admit(place)?;
        let how = (access, Some(Box::new(self.memory(place, access)) as _));
        let mailbox = PrefileMailbox::open(&self.environment, self.format, place, how, job)?;
        Ok(Box::new(mailbox))
    }

    fn status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        self.admit(place)?;
        let mut uids = self.memory(place, Access::ReadOnly);
        manage::status(
            &self.environment,
            (self.format, Some(&mut uids)),
            place,
            job,
        )
    }

    fn create(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::create(&self.environment, self.format, place, job)?;
        if local_file::names_a_directory(place) {
            return Ok(());
        }
        let signed = self.sign(&place.path);
        if signed.is_err() {
            // Nobody could tell of what format it is.
            let _stays = local_file::delete(&self.environment, place).is_err();
        }
        signed
    }

    fn delete(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::delete(&self.environment, self.format, place, job)?;
        self.forget(&place.path);
        Ok(())
    }

    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        manage::delete_empty(&self.environment, self.format, place, job)?;
        self.forget(&place.path);
        Ok(())
    }

    fn rename(&self, from: &Place, to: &Place, job: &Job) -> Result<()> {
        writable(&self.environment)?;
        let driver = self.format.driver;
        // Before the table of what is there would be written over.
        local_file::refuse_existing(&self.environment, &to.path)?;
        let known = self.remembered(&from.path)?;
        let new = table::place(&self.environment, &to.path);
        // First the copy: a crash in between leaves a table of a mailbox that is not there.
        if let Some(known) = &known {
            known
                .write(&self.environment, &new, driver)
                .map_err(Error::io(&new))?;
        }
        let renamed = manage::rename(&self.environment, self.format, (from, to), job);
        // It may have its new name although that cannot be told to be on disk.
        if renamed.is_err() && self.environment.files.metadata(&to.path).is_err() {
            self.forget(&to.path);
        }
        renamed?;
        // Once more: somebody may have written before the locks were ours.
        if let Ok(Some(known)) = self.remembered(&from.path) {
            let _as_before = known.write(&self.environment, &new, driver).is_err();
        }
        self.forget(&from.path);
        if from.is_inbox {
            self.sign(&from.path)?;
        }
        Ok(())
    }

    fn repair(&self, from: &Place, to: &Place, job: &Job) -> Result<Repaired> {
        writable(&self.environment)?;
        let mut uids = self.memory(from, Access::ReadOnly);
        let how = (self.format, Some(&mut uids as _));
        let (salvage, repaired) = repair::salvage(&self.environment, how, from, job)?;
        repair::fill(self, to, salvage, job)?;
        Ok(repaired)
    }

    fn append(&self, place: &Place, messages: &mut dyn Messages, job: &Job) -> Result<Appended> {
        writable(&self.environment)?;
        match self.admit(place) {
            Err(Error::NoSuchMailbox { .. }) if place.is_inbox => {
                self.create(place, job)?;
            }
            admitted => admitted?,
        }
        let mut uids = self.memory(place, Access::ReadWrite);
        let how = (self.format, Some(&mut uids as _));
        append::append(&self.environment, how, place, messages, job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_recognised_by_its_marks() {
        let lf = b" 2-Mar-2026 10:20:31 +0100,249;000000000021\n";
        let crlf = b"02-Mar-26 10:20:31-EST,249;000000000021\r\nSubject";
        assert!(recognise(Newline::Lf, lf) && !recognise(Newline::CrLf, lf));
        assert!(recognise(Newline::CrLf, crlf) && !recognise(Newline::Lf, crlf));
        for text in [
            &b""[..],
            b"\n",
            b"From ada@example.org Mon Mar  2 10:20:31 2026\n",
            b" 2-Mar-2026 10:20:31 +0100,;000000000021\n",
            b" 2-Mar-2026 10:20:31 +0100 249 000000000021\n",
        ] {
            assert!(!recognise(Newline::Lf, text), "{text:?}");
        }
    }
}
