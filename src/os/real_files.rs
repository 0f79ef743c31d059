//! The file layer of the program itself: the operating system.
//!
//! Every open is close-on-exec and non-blocking (so a FIFO never hangs), every call is repeated when a signal
//! interrupts it. `flock` does nothing on NFS, as c-client has it: there the dot lock protects.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, FileTimes, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{Access, AtFlags, CWD, FallocateFlags, FlockOperation, OFlags};
#[cfg(target_os = "linux")]
use rustix::fs::{Mode, RawDir, RenameFlags};
use rustix::io::Errno;

use crate::os::files::{FileLayer, Flock, MailFile, OpenMode};

const NFS_MAGIC: u64 = 0x6969;
/// Others on which the kernel's locks do not reach other machines, or not surely: SMB (three), AFS (two), Coda, NCP, 9p,
/// Ceph, Lustre, OrangeFS.
const NETWORK_MAGIC: [u64; 11] = [
    0x517B,
    0xFF53_4D42,
    0xFE53_4D42,
    0x5346_414F,
    0x6B41_4653,
    0x7375_7245,
    0x564C,
    0x0102_1997,
    0x00C3_6400,
    0x0BD0_0BD0,
    0x2003_0528,
];
/// ext2 to ext4, xfs, btrfs, f2fs, bcachefs, zfs, jfs, reiserfs, tmpfs, overlay.
const LOCAL_MAGIC: [u64; 10] = [
    0xEF53,
    0x5846_5342,
    0x9123_683E,
    0xF2F5_2010,
    0xCA45_1A4E,
    0x2FC1_2FC1,
    0x3153_464A,
    0x5265_4973,
    0x0102_1994,
    0x794C_7630,
];

/// Reading leaves the access time alone, to the nanosecond.
#[cfg(target_os = "linux")]
const QUIETLY: OFlags = OFlags::NOATIME;
#[cfg(not(target_os = "linux"))]
const QUIETLY: OFlags = OFlags::empty();

/// Bytes of names that are asked for at once.
#[cfg(target_os = "linux")]
const NAMES_AT_ONCE: usize = 128 * 1024;

/// How long a cut waits for writers that a sync has held up.
const GIVE_WAY: Duration = Duration::from_millis(2);

const NOT_OWNER: i32 = Errno::PERM.raw_os_error();

/// The real file system.
#[derive(Clone, Copy, Default, Debug)]
pub struct RealFiles;

impl FileLayer for RealFiles {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn MailFile>> {
        let mut options = OpenOptions::new();
        let mut flags = OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        options.read(true);
        match mode {
            OpenMode::Read => flags |= QUIETLY,
            OpenMode::ReadNoFollow => flags |= QUIETLY | OFlags::NOFOLLOW,
            OpenMode::ReadWrite => {
                options.write(true);
            }
            OpenMode::ReadWriteNoFollow => {
                options.write(true);
                flags |= OFlags::NOFOLLOW;
            }
            OpenMode::CreateNew(bits) => {
                options.write(true).create_new(true).mode(bits);
            }
        }
        let mut open = |flags: OFlags| {
            options.custom_flags(flags.bits().cast_signed());
            repeat(|| options.open(path))
        };
        let file = match open(flags) {
            // Only a file's owner may read it without trace.
            Err(error) if flags.contains(QUIETLY) && error.raw_os_error() == Some(NOT_OWNER) => {
                open(flags.difference(QUIETLY))?
            }
            opened => opened?,
        };
        Ok(Box::new(RealFile { file }))
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        fs::metadata(path)
    }

    fn link_metadata(&self, path: &Path) -> io::Result<Metadata> {
        fs::symlink_metadata(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    #[cfg(target_os = "linux")]
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS) => Err(io::ErrorKind::Unsupported.into()),
            other => Ok(other?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn rename_new(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    #[cfg(target_os = "linux")]
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        match rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS) => Err(io::ErrorKind::Unsupported.into()),
            other => Ok(other?),
        }
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        DirBuilder::new().mode(mode).create(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.file_name().into()))
            .collect()
    }

    #[cfg(target_os = "linux")]
    fn visit_dir(&self, path: &Path, visit: &mut dyn FnMut(&OsStr)) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = repeat(|| Ok(rustix::fs::open(path, flags, Mode::empty())?))?;
        let mut room = Vec::with_capacity(NAMES_AT_ONCE);
        let mut names = RawDir::new(folder, room.spare_capacity_mut());
        while let Some(entry) = names.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                visit(OsStr::from_bytes(name));
            }
        }
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let folder = repeat(|| File::open(path))?;
        repeat(|| folder.sync_all())
    }

    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        fs::set_permissions(path, Permissions::from_mode(mode))
    }

    fn may_write(&self, path: &Path) -> io::Result<bool> {
        let wanted = match fs::metadata(path)?.is_dir() {
            true => Access::WRITE_OK | Access::EXEC_OK,
            false => Access::WRITE_OK,
        };
        match rustix::fs::accessat(CWD, path, wanted, AtFlags::EACCESS) {
            Ok(()) => Ok(true),
            Err(Errno::ACCESS | Errno::ROFS | Errno::PERM) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn is_network(&self, path: &Path) -> io::Result<bool> {
        Ok(is_network(rustix::fs::statfs(path)?.f_type))
    }

    fn is_local_disk(&self, path: &Path) -> io::Result<bool> {
        Ok(is_local(rustix::fs::statfs(path)?.f_type))
    }
}

struct RealFile {
    file: File,
}

impl MailFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        repeat(|| self.file.read_at(buffer, offset))
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        repeat(|| self.file.write_at(bytes, offset))
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        repeat(|| self.file.set_len(length))
    }

    fn resize(&mut self, expected: u64, length: u64) -> io::Result<bool> {
        // A write that others have begun shows in the size only when it is over, and a sync of ours may have held it up.
        // Changing nothing of the owner waits for the inode's lock, hence for that write; the pause lets those go first
        // that wait for the lock as well. Best effort: what begins between the look and the cut is beyond help.
        let _ = rustix::fs::fchown(&self.file, None, None);
        std::thread::sleep(GIVE_WAY);
        let _ = rustix::fs::fchown(&self.file, None, None);
        if self.file.metadata()?.len() != expected {
            return Ok(false);
        }
        self.set_len(length)?;
        Ok(true)
    }

    fn reserve(&mut self, length: u64) -> io::Result<()> {
        let size = self.file.metadata()?.len();
        if length <= size {
            return Ok(());
        }
        let claim =
            || rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, size, length - size);
        match rustix::io::retry_on_intr(claim) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Err(io::ErrorKind::Unsupported.into()),
            other => Ok(other?),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        repeat(|| self.file.sync_all())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        self.file.set_permissions(Permissions::from_mode(mode))
    }

    fn set_times(&mut self, accessed: i64, modified: i64) -> io::Result<()> {
        let times = FileTimes::new()
            .set_accessed(time(accessed))
            .set_modified(time(modified));
        self.file.set_times(times)
    }

    fn try_lock(&mut self, kind: Flock) -> io::Result<bool> {
        if is_nfs(rustix::fs::fstatfs(&self.file)?.f_type) {
            return Ok(true);
        }
        let operation = operation(kind);
        match rustix::io::retry_on_intr(|| rustix::fs::flock(&self.file, operation)) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn try_record_lock(&mut self, kind: Flock) -> io::Result<bool> {
        let operation = operation(kind);
        match rustix::io::retry_on_intr(|| rustix::fs::fcntl_lock(&self.file, operation)) {
            Ok(()) => Ok(true),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn unlock(&mut self) -> io::Result<()> {
        let unlock = || rustix::fs::flock(&self.file, FlockOperation::Unlock);
        Ok(rustix::io::retry_on_intr(unlock)?)
    }
}

fn operation(kind: Flock) -> FlockOperation {
    match kind {
        Flock::Shared => FlockOperation::NonBlockingLockShared,
        Flock::Exclusive => FlockOperation::NonBlockingLockExclusive,
    }
}

fn is_nfs(magic: impl TryInto<u64>) -> bool {
    magic.try_into().is_ok_and(|magic| magic == NFS_MAGIC)
}

fn is_network(magic: impl TryInto<u64>) -> bool {
    let known = |magic: u64| magic == NFS_MAGIC || NETWORK_MAGIC.contains(&magic);
    magic.try_into().is_ok_and(known)
}

fn is_local(magic: impl TryInto<u64>) -> bool {
    magic
        .try_into()
        .is_ok_and(|magic| LOCAL_MAGIC.contains(&magic))
}

fn time(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}

fn repeat<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
