//! Journal files in the state folder: making, loading, removing, putting aside.

use std::io;
use std::path::{Path, PathBuf};

use crate::os::environment::Environment;
use crate::os::files::{FileLayer, MailFile, OpenMode};
use crate::os::home::private_folder;
use crate::os::journal::bytes::{SEAL, announced};
use crate::os::journal::header::{self, Header, Identity};
use crate::os::journal::record::{self, Record};
use crate::os::transfer::{read_exact_at, read_full_at, write_all_at};

/// Bytes of header that are believed at most, plan and digests included.
const LARGEST_HEADER: u64 = 48 << 20;
/// Bytes of a slot that are believed at most.
const LARGEST_SLOT: u64 = 64 << 20;

/// The folder of journals.
pub(crate) struct Store<'a> {
    files: &'a dyn FileLayer,
    folder: PathBuf,
}

/// A journal in use.
pub(crate) struct Handle {
    pub(crate) path: PathBuf,
    file: Box<dyn MailFile>,
    checksum: u128,
    base: u64,
    slot: u64,
    sequence: u64,
}

/// A journal that was found, with its newest record.
pub(crate) struct Loaded {
    pub(crate) header: Header,
    pub(crate) handle: Handle,
    pub(crate) record: Record,
}

/// Why a journal was not made.
pub(crate) struct NotMade {
    pub(crate) source: io::Error,
    /// Whether it may be there nevertheless.
    pub(crate) lingers: bool,
}

impl<'a> Store<'a> {
    /// The journals of this user.
    pub(crate) fn new(environment: &'a Environment) -> Self {
        Self {
            files: environment.files.as_ref(),
            folder: environment.state.join("journal"),
        }
    }

    /// Where the journal of a file is, if it has one.
    pub(crate) fn path_of(&self, identity: Identity) -> PathBuf {
        self.folder
            .join(identity.file_name())
            .with_extension("journal")
    }

    /// The first journal of a file that was put aside. No second one comes while it is there.
    pub(crate) fn conflict(&self, identity: Identity) -> io::Result<Option<PathBuf>> {
        let aside = self.path_of(identity).with_extension("conflict-1");
        Ok(self.exists(&aside)?.then_some(aside))
    }

    /// Whether something has this name.
    pub(crate) fn exists(&self, path: &Path) -> io::Result<bool> {
        match self.files.link_metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The names in the folder.
    pub(crate) fn list(&self) -> io::Result<Vec<PathBuf>> {
        match self.files.read_dir(&self.folder) {
            Ok(names) => Ok(names
                .into_iter()
                .map(|name| self.folder.join(name))
                .collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Makes the journal with its first record: when this returns it is on disk under its final name.
    pub(crate) fn create(&self, header: &Header, first: &Record) -> Result<Handle, NotMade> {
        let path = self.path_of(header.identity);
        let infant = path.with_extension("new");
        let made = self.write_infant(header, first, &infant);
        let handle = made.and_then(|handle| {
            self.files.rename(&infant, &path)?;
            Ok(handle)
        });
        let synced = match handle {
            Ok(handle) => self.files.sync_dir(&self.folder).map(|()| handle),
            Err(source) => {
                let _ = self.files.remove_file(&infant);
                let lingers = self.exists(&path).unwrap_or(true);
                return Err(NotMade { source, lingers });
            }
        };
        match synced {
            Ok(handle) => Ok(Handle { path, ..handle }),
            Err(source) => Err(NotMade {
                source,
                lingers: self.remove(&path).is_err(),
            }),
        }
    }

    fn write_infant(&self, header: &Header, first: &Record, infant: &Path) -> io::Result<Handle> {
        private_folder(self.files, &self.folder)?;
        let file = match self.files.open(infant, OpenMode::CreateNew(0o600)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.files.remove_file(infant)?;
                self.files.open(infant, OpenMode::CreateNew(0o600))?
            }
            other => other?,
        };
        let (mut block, checksum) = header.to_block();
        let base = block.len() as u64;
        let path = infant.to_path_buf();
        let mut handle = Handle {
            path,
            file,
            checksum,
            base,
            slot: header.slot,
            sequence: 0,
        };
        block.extend_from_slice(&first.to_block(checksum, 0));
        let slots = if header.windows() > 1 {
            2 * header.slot
        } else {
            0
        };
        match handle.file.reserve((base + slots).max(block.len() as u64)) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            other => other?,
        }
        write_all_at(handle.file.as_mut(), &block, 0)?;
        handle.file.sync()?;
        Ok(handle)
    }

    /// Reads a journal; the inner error says what is wrong with its content.
    pub(crate) fn load(&self, path: &Path) -> io::Result<Result<Loaded, &'static str>> {
        let file = self.files.open(path, OpenMode::ReadWriteNoFollow)?;
        let Some((header, checksum, base)) = read_header(file.as_ref())? else {
            return Ok(Err("the head of the journal is damaged"));
        };
        let slot = header.slot.min(LARGEST_SLOT);
        let mut newest: Option<(u64, Record)> = None;
        for number in 0..2 {
            let block = read_block(file.as_ref(), record::MAGIC, base + number * slot, slot)?;
            let found = block.and_then(|block| Record::from_block(&block, checksum));
            if let Some((sequence, record)) = found
                && newest.as_ref().is_none_or(|(other, _)| *other < sequence)
            {
                newest = Some((sequence, record));
            }
        }
        let Some((sequence, record)) = newest else {
            return Ok(Err("the records of the journal are damaged"));
        };
        let handle = Handle {
            path: path.to_path_buf(),
            file,
            checksum,
            base,
            slot,
            sequence,
        };
        Ok(Ok(Loaded {
            header,
            handle,
            record,
        }))
    }

    /// What a journal is for; `None` when it cannot be read.
    pub(crate) fn header_of(&self, path: &Path) -> Option<Header> {
        let file = self.files.open(path, OpenMode::ReadWriteNoFollow).ok()?;
        read_header(file.as_ref())
            .ok()?
            .map(|(header, _, _)| header)
    }

    /// How long the mailbox was before the change of a journal, and will be after it; `None` where that cannot be told.
    pub(crate) fn lengths(&self, path: &Path) -> io::Result<Option<(u64, u64)>> {
        let file = self.files.open(path, OpenMode::ReadWriteNoFollow)?;
        let header = read_header(file.as_ref())?;
        Ok(header.map(|(header, _, _)| (header.old_length, header.new_length)))
    }

    /// Removes a journal for good.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        self.files.remove_file(path)?;
        self.files.sync_dir(&self.folder)
    }

    /// Removes what a crash left of a journal that never was complete.
    pub(crate) fn sweep(&self, path: &Path) -> io::Result<()> {
        match self.files.remove_file(&path.with_extension("new")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Renames a journal so that it is kept but in nobody's way; returns its new name.
    pub(crate) fn set_aside(&self, path: &Path) -> io::Result<PathBuf> {
        for number in 1..1000 {
            let aside = path.with_extension(format!("conflict-{number}"));
            if !self.exists(&aside)? {
                self.files.rename(path, &aside)?;
                self.files.sync_dir(&self.folder)?;
                return Ok(aside);
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Handle {
    /// Puts the next record on disk; the one before it stays in the other slot.
    pub(crate) fn write(&mut self, record: &Record) -> io::Result<()> {
        let sequence = self.sequence + 1;
        let block = record.to_block(self.checksum, sequence);
        if block.len() as u64 > self.slot {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        write_all_at(
            self.file.as_mut(),
            &block,
            self.base + (sequence % 2) * self.slot,
        )?;
        self.file.sync()?;
        self.sequence = sequence;
        Ok(())
    }
}

fn read_header(file: &dyn MailFile) -> io::Result<Option<(Header, u128, u64)>> {
    let Some(block) = read_block(file, header::MAGIC, 0, LARGEST_HEADER)? else {
        return Ok(None);
    };
    let base = block.len() as u64;
    Ok(Header::from_block(&block).map(|(header, checksum)| (header, checksum, base)))
}

/// The sealed block at `offset`, not yet verified; `None` when none of at most `limit` bytes is there.
fn read_block(
    file: &dyn MailFile,
    magic: [u8; 8],
    offset: u64,
    limit: u64,
) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; SEAL];
    if read_full_at(file, &mut head, offset)? < SEAL {
        return Ok(None);
    }
    let available = file.metadata()?.len().saturating_sub(offset).min(limit);
    let length = announced(magic, &head).and_then(|body| body.checked_add(SEAL as u64));
    let Some(length) = length.filter(|length| *length <= available) else {
        return Ok(None);
    };
    let mut block = vec![0; usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?];
    read_exact_at(file, &mut block, offset)?;
    Ok(Some(block))
}
