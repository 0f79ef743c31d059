//! The record of a move that is under way: without it, a kill between the copy and the removal would leave every message twice.
//!
//! `STATE/moves/NAME`, mode 0600, is on disk before the destination may commit, and goes when the move is over:
//! ```text
//! mugo-move 3
//! PID HOST BOOT START          the process that moves
//! from PATH-IN-HEX             or: from-server UIDVALIDITY USER-IN-HEX NAME-IN-HEX
//! to NAME-IN-HEX
//! floor UIDVALIDITY UIDNEXT COUNT   the destination before; 0 where unknown
//! UID SIZE LENGTH SHA-256      a message: its size, and its mark
//! end
//! ```

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::backend::error::{Error, Result};
use crate::driver::floor::Floor;
use crate::driver::mark::Mark;
use crate::driver::message::Content;
use crate::mail::identity::Identity;
use crate::mail::name::MailboxName;
use crate::mail::uid::{Uid, UidValidity};
use crate::os::environment::{Environment, Process};
use crate::os::files::{FileLayer, OpenMode};
use crate::os::hex::{hex, unhex};
use crate::os::home::private_folder;
use crate::os::process::Life;
use crate::os::transfer::{read_full_at, write_all_at};

/// The largest record that is read, in bytes.
const LARGEST: u64 = 256 << 20;
/// Seconds that no move takes.
const LONGEST_MOVE: i64 = 24 * 60 * 60;
const FIRST_LINE: &str = "mugo-move 3";

/// A message of a move.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Original {
    /// Octets as the source has it.
    pub size: u64,
    /// The message.
    pub mark: Mark,
}

/// Where the originals of a move are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// In this file or folder.
    File(PathBuf),
    /// In this mailbox on a server.
    Server(Identity),
}

impl Origin {
    fn to_text(&self) -> String {
        match self {
            Self::File(path) => format!("from {}", hex(path.as_os_str().as_bytes())),
            Self::Server(from) => {
                let (name, user) = (hex(from.name.as_bytes()), hex(from.user.as_bytes()));
                format!("from-server {} {user} {name}", from.uid_validity)
            }
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("from ") {
            let path = unhex(path)?;
            return Some(Self::File(PathBuf::from(OsStr::from_bytes(&path))));
        }
        let (validity, rest) = text.strip_prefix("from-server ")?.split_once(' ')?;
        let (user, name) = rest.split_once(' ')?;
        Some(Self::Server(Identity {
            name: MailboxName::parse(&unhex(name)?).ok()?,
            user: String::from_utf8(unhex(user)?).ok()?,
            uid_validity: UidValidity::new(validity.parse().ok()?)?,
        }))
    }
}

/// A move: which messages, from where, to which mailbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MoveRecord {
    /// The source.
    pub from: Origin,
    /// The destination.
    pub to: MailboxName,
    /// The destination before the first copy.
    pub floor: Floor,
    /// The messages.
    pub messages: BTreeMap<Uid, Original>,
}

impl MoveRecord {
    /// Writes the record; on disk when this returns. The path is its name.
    pub fn write(&self, environment: &Environment) -> io::Result<PathBuf> {
        let folder = folder(environment);
        private_folder(environment.files.as_ref(), &folder)?;
        let text = self.to_text(&environment.process);
        let digest = Sha256::digest(text.as_bytes());
        let path = folder.join(hex(digest.get(..16).unwrap_or_default()));
        // The same move of the same process, interrupted by a panic: the new record says the same.
        remove(environment.files.as_ref(), &path)?;
        let mut file = environment.files.open(&path, OpenMode::CreateNew(0o600))?;
        let written = write_all_at(&mut *file, text.as_bytes(), 0)
            .and_then(|()| file.sync())
            .and_then(|()| environment.files.sync_dir(&folder));
        if let Err(refusal) = written {
            // A record of a move that was not begun: a later copy of the same messages must not be taken for it.
            let emptied = file.set_len(0);
            let _stays_empty = remove(environment.files.as_ref(), &path).is_err();
            emptied?;
            return Err(refusal);
        }
        Ok(path)
    }

    /// Every record there is, with the process that wrote it; `None` for one that cannot be understood: it was never complete.
    pub fn all(environment: &Environment) -> Vec<(PathBuf, Option<(Process, Self)>)> {
        let Ok(names) = environment.files.read_dir(&folder(environment)) else {
            return Vec::new();
        };
        let paths = names.into_iter().map(|name| folder(environment).join(name));
        paths
            .map(|path| {
                let text = read(environment.files.as_ref(), &path).ok();
                (path, text.and_then(|text| Self::from_text(&text)))
            })
            .collect()
    }

    /// Whether the process that wrote the record at `path` is gone. Of one that cannot be seen (on another machine that
    /// shares the state folder) that is believed after a day.
    pub fn is_abandoned(environment: &Environment, path: &Path, process: &Process) -> bool {
        let local = environment.files.is_local_disk(path).unwrap_or(false);
        match environment.process.sees(process, local) {
            Life::Alive => false,
            Life::Dead => true,
            Life::Unknown => environment.files.link_metadata(path).is_ok_and(|found| {
                (environment.clock)().saturating_sub(found.mtime()) > LONGEST_MOVE
            }),
        }
    }

    /// Removes a record whose move is over.
    pub fn forget(environment: &Environment, path: &Path) -> io::Result<()> {
        remove(environment.files.as_ref(), path)?;
        environment.files.sync_dir(&folder(environment))
    }

    fn to_text(&self, process: &Process) -> String {
        let mut text = format!("{FIRST_LINE}\n{}", process.to_line());
        text.push_str(&format!("{}\n", self.from.to_text()));
        text.push_str(&format!("to {}\n", hex(self.to.as_bytes())));
        text.push_str(&format!("floor {}\n", self.floor.to_text()));
        for (uid, Original { size, mark }) in &self.messages {
            text.push_str(&format!("{uid} {size} {}\n", mark.to_text()));
        }
        text.push_str("end\n");
        text
    }

    fn from_text(text: &str) -> Option<(Process, Self)> {
        let mut lines = text.strip_suffix("end\n")?.lines();
        if lines.next()? != FIRST_LINE {
            return None;
        }
        let process = Process::from_line(format!("{}\n", lines.next()?).as_bytes())?;
        let from = Origin::from_text(lines.next()?)?;
        let to = unhex(lines.next()?.strip_prefix("to ")?)?;
        let floor = Floor::from_text(lines.next()?.strip_prefix("floor ")?)?;
        let record = Self {
            from,
            to: MailboxName::parse(&to).ok()?,
            floor,
            messages: lines.map(message).collect::<Option<_>>()?,
        };
        Some((process, record))
    }
}

/// What is noted while messages are on their way; nothing for a mere copy.
pub struct Ledger {
    record: Option<MoveRecord>,
    file: Option<PathBuf>,
}

impl Ledger {
    /// The ledger of a move from here to a mailbox with this floor.
    pub fn of_move(from: Origin, to: &MailboxName, floor: Floor) -> Self {
        let record = Some(MoveRecord {
            from,
            to: to.clone(),
            floor,
            messages: BTreeMap::new(),
        });
        Self { record, file: None }
    }

    /// The ledger of a mere copy: nothing is noted.
    pub fn of_copy() -> Self {
        Self {
            record: None,
            file: None,
        }
    }

    /// Notes a message.
    pub fn note(&mut self, uid: Uid, content: &mut Content) -> Result<()> {
        if let Some(record) = &mut self.record {
            let mark = Mark::of(content).map_err(refused)?;
            let size = content.len();
            record.messages.insert(uid, Original { size, mark });
        }
        Ok(())
    }

    /// Brings the record to disk: from now on a kill cannot double anything.
    pub fn write(&mut self, environment: &Environment) -> Result<()> {
        if let Some(record) = &self.record {
            self.file = Some(record.write(environment).map_err(refused)?);
        }
        Ok(())
    }

    /// The move is over, or nothing of it happened.
    pub fn close(&mut self, environment: &Environment) {
        if let Some(file) = self.file.take() {
            // One that stays is looked at once this process is gone, and only finishes what was asked for.
            let _stays = MoveRecord::forget(environment, &file).is_err();
        }
    }
}

fn refused(source: io::Error) -> Error {
    Error::System {
        what: "cannot write the record of the move; nothing was moved",
        source,
    }
}

fn message(line: &str) -> Option<(Uid, Original)> {
    let (uid, rest) = line.split_once(' ')?;
    let (size, mark) = rest.split_once(' ')?;
    let uid = Uid::new(uid.parse().ok()?)?;
    let size = size.parse().ok()?;
    let mark = Mark::from_text(mark)?;
    Some((uid, Original { size, mark }))
}

fn folder(environment: &Environment) -> PathBuf {
    environment.state.join("moves")
}

fn remove(files: &dyn FileLayer, path: &Path) -> io::Result<()> {
    match files.remove_file(path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn read(files: &dyn FileLayer, path: &Path) -> io::Result<String> {
    let file = files.open(path, OpenMode::Read)?;
    let length = file.metadata()?.len();
    if length > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    let got = read_full_at(&*file, &mut bytes, 0)?;
    bytes.truncate(got);
    String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn original(bytes: &[u8]) -> Original {
        let mut content = Content::from_bytes(bytes).expect("in memory");
        let mark = Mark::of(&mut content).expect("in memory");
        let size = content.len();
        Original { size, mark }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let file = Origin::File(PathBuf::from(OsStr::from_bytes(b"/home/b\xffb\n/x")));
        let server = Origin::Server(Identity {
            name: MailboxName::parse(b"{host/user=ann}a b").expect("a name"),
            user: "ann".to_owned(),
            uid_validity: UidValidity::new(7).expect("not 0"),
        });
        for from in [file, server] {
            is_read_as_written(from);
        }
    }

    fn is_read_as_written(from: Origin) {
        let record = MoveRecord {
            from,
            to: MailboxName::parse(b"saved mail").expect("a name"),
            floor: Floor {
                messages: 3,
                ..Floor::default()
            },
            messages: [(Uid::FIRST, original(b"one")), (Uid::LAST, original(b""))].into(),
        };
        let process = Process::current().expect("a process");
        let text = record.to_text(&process);
        assert_eq!(MoveRecord::from_text(&text), Some((process, record)));
        for end in 0..text.len() {
            let cut = text.get(..end).expect("ASCII");
            assert!(MoveRecord::from_text(cut).is_none(), "{end}");
        }
    }
}
