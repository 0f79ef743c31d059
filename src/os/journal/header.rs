//! The header of a journal: which mailbox, what is to become of it, and what must still be true to go on.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use xxhash_rust::xxh3::xxh3_128;

use crate::os::journal::bytes::{Reader, begin, put_block, put_u64, put_u128, seal, unseal};
use crate::os::journal::packed::{put_plan, take_plan};
use crate::os::journal::plan::Plan;

/// Marks a journal and the version of its format.
pub(crate) const MAGIC: [u8; 8] = *b"MugoJnl3";

/// Which file, whatever its name: the inode, and when it was made.
///
/// Device numbers of many file systems change from boot to boot, so the device stands in only where the
/// file system does not know when a file was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    inode: u64,
    born: u64,
    device: u64,
}

impl Identity {
    /// The identity of the file that `metadata` describes.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let born = metadata
            .created()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let born = born
            .and_then(|age| u64::try_from(age.as_nanos()).ok())
            .unwrap_or(0);
        let device = if born == 0 { metadata.dev() } else { 0 };
        Self {
            inode: metadata.ino(),
            born,
            device,
        }
    }

    /// A file name made of it, without text of the user's.
    pub(crate) fn file_name(self) -> String {
        let mut bytes = Vec::new();
        put_u64(&mut bytes, &[self.inode, self.born, self.device]);
        format!("{:032x}", xxh3_128(&bytes))
    }
}

/// What kind of change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Goes forward after a crash.
    Rewrite,
    /// A stream of new bytes at the end: goes back after a crash, unless all of them had arrived.
    Append,
}

/// A range of the mailbox that the change leaves alone, and its digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Guard {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) digest: u128,
}

/// The header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) identity: Identity,
    /// Length before the change.
    pub(crate) old_length: u64,
    /// Length after it.
    pub(crate) new_length: u64,
    /// Bytes of a window.
    pub(crate) window: u64,
    /// Bytes of a slot.
    pub(crate) slot: u64,
    /// Unchanged ranges.
    pub(crate) guards: Vec<Guard>,
    /// Digest of samples of what a shrinking change leaves behind its new end until it is cut off.
    pub(crate) garbage: u128,
    /// Digest of all of that.
    pub(crate) dropped: u128,
    /// Digest of what each window writes and overwrites; empty when there is but one window.
    pub(crate) digests: Vec<u128>,
    /// The plan, when there is more than one window.
    pub(crate) plan: Option<Plan>,
    /// The mailbox, for messages.
    pub(crate) path: PathBuf,
    /// The mailbox's format, as its driver names it.
    pub(crate) format: String,
}

impl Header {
    /// How many windows the change has.
    pub(crate) fn windows(&self) -> u64 {
        (self.digests.len() as u64).max(1)
    }

    /// The sealed block and its checksum.
    pub(crate) fn to_block(&self) -> (Vec<u8>, u128) {
        let mut block = begin();
        block.push(u8::from(self.kind == Kind::Append));
        let Identity {
            inode,
            born,
            device,
        } = self.identity;
        put_u64(
            &mut block,
            &[inode, born, device, self.old_length, self.new_length],
        );
        put_u64(
            &mut block,
            &[self.window, self.slot, self.guards.len() as u64],
        );
        for guard in &self.guards {
            put_u64(&mut block, &[guard.offset, guard.length]);
            put_u128(&mut block, guard.digest);
        }
        put_u128(&mut block, self.garbage);
        put_u128(&mut block, self.dropped);
        put_u64(&mut block, &[self.digests.len() as u64]);
        for digest in &self.digests {
            put_u128(&mut block, *digest);
        }
        put_block(&mut block, self.path.as_os_str().as_bytes());
        put_block(&mut block, self.format.as_bytes());
        block.push(u8::from(self.plan.is_some()));
        if let Some(plan) = &self.plan {
            put_plan(&mut block, plan);
        }
        let checksum = seal(MAGIC, &mut block);
        (block, checksum)
    }

    /// Reads a sealed block; `None` when it is damaged.
    pub(crate) fn from_block(block: &[u8]) -> Option<(Self, u128)> {
        let (body, checksum) = unseal(MAGIC, block)?;
        let mut body = Reader::new(body);
        let kind = if body.u8()? == 0 {
            Kind::Rewrite
        } else {
            Kind::Append
        };
        let identity = Identity {
            inode: body.u64()?,
            born: body.u64()?,
            device: body.u64()?,
        };
        let (old_length, new_length) = (body.u64()?, body.u64()?);
        let (window, slot) = (body.u64()?, body.u64()?);
        let guards = (0..body.count(32)?)
            .map(|_| take_guard(&mut body))
            .collect::<Option<_>>()?;
        let (garbage, dropped) = (body.u128()?, body.u128()?);
        let digests = (0..body.count(16)?)
            .map(|_| body.u128())
            .collect::<Option<_>>()?;
        let path = Path::new(OsStr::from_bytes(body.block()?)).to_path_buf();
        let format = String::from_utf8(body.block()?.to_vec()).ok()?;
        let plan = match body.u8()? {
            0 => None,
            _ => Some(take_plan(&mut body, old_length)?),
        };
        let header = Self {
            kind,
            identity,
            old_length,
            new_length,
            window,
            slot,
            guards,
            garbage,
            dropped,
            digests,
            plan,
            path,
            format,
        };
        Some((header, checksum))
    }
}

fn take_guard(body: &mut Reader<'_>) -> Option<Guard> {
    Some(Guard {
        offset: body.u64()?,
        length: body.u64()?,
        digest: body.u128()?,
    })
}
