//! A file layer with faults: the Nth operation fails, or the program dies there, or writes are cut short.
//!
//! Waiting for the disk is counted but not done unless asked for: without a power cut it changes nothing and costs most
//! of the time.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mugo::os::files::{FileLayer, Flock, MailFile, OpenMode};

/// The kinds of operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Open,
    Create,
    Read,
    Write,
    SetLen,
    Reserve,
    Sync,
    Rename,
    Link,
    Remove,
    Folder,
    SyncDir,
    Mode,
    Times,
    Lock,
    Look,
}

impl Op {
    /// Whether it changes something on disk or waits for the disk.
    pub(crate) fn changes(self) -> bool {
        !matches!(self, Self::Open | Self::Read | Self::Lock | Self::Look)
    }
}

/// What shall go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    None,
    /// The changing operation of this number (from 0) is half done, and nothing works after it: the program is dead.
    Death(u64),
    /// The operation of this number among those of kind `op` fails with `errno`; all later ones too if `lasting`.
    Failure {
        op: Op,
        at: u64,
        errno: i32,
        lasting: bool,
    },
}

struct State {
    fault: Fault,
    count: u64,
    dead: bool,
    hit: bool,
    one_byte: bool,
    trace: Vec<(Op, PathBuf)>,
    intruder: Option<Intruder>,
}

/// What another program does right before the changing operation of a number.
type Intruder = (usize, Box<dyn FnOnce() + Send>);

/// The layer. Clones share faults and counts.
#[derive(Clone)]
pub(crate) struct Faults {
    inner: Arc<dyn FileLayer>,
    state: Arc<Mutex<State>>,
    waits: bool,
    shared: bool,
}

impl Faults {
    pub(crate) fn over(inner: Arc<dyn FileLayer>, fault: Fault) -> Self {
        let state = State {
            fault,
            count: 0,
            dead: false,
            hit: false,
            one_byte: false,
            trace: Vec::new(),
            intruder: None,
        };
        Self {
            inner,
            state: Arc::new(Mutex::new(state)),
            waits: false,
            shared: false,
        }
    }

    /// From now on this goes wrong, counted anew.
    pub(crate) fn set(&self, fault: Fault) {
        let mut state = self.lock();
        (state.fault, state.count, state.hit) = (fault, 0, false);
    }

    /// Every write takes one byte.
    pub(crate) fn with_short_writes(self) -> Self {
        self.lock().one_byte = true;
        self
    }

    /// Waiting for the disk is passed on to the layer below.
    pub(crate) fn with_waiting(mut self) -> Self {
        self.waits = true;
        self
    }

    /// Another program does something right before the changing operation of this number (from 0).
    pub(crate) fn with_intruder(self, at: usize, act: impl FnOnce() + Send + 'static) -> Self {
        self.lock().intruder = Some((at, Box::new(act)));
        self
    }

    /// Other machines write to these disks too.
    pub(crate) fn on_a_network(mut self) -> Self {
        self.shared = true;
        self
    }

    /// How many operations that could have been hit have been done.
    pub(crate) fn count(&self) -> u64 {
        self.lock().count
    }

    /// Whether the fault has happened.
    pub(crate) fn hit(&self) -> bool {
        self.lock().hit
    }

    /// The changing operations so far.
    pub(crate) fn trace(&self) -> Vec<(Op, PathBuf)> {
        self.lock().trace.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an operation pass (`Ok`), or fails it; `Err(None)` is death right in this operation.
    fn pass(&self, op: Op, path: &Path) -> Result<(), Option<io::Error>> {
        let mut state = self.lock();
        if state.dead {
            return Err(Some(io::Error::other("the program is dead")));
        }
        if op.changes() {
            let number = state.trace.len();
            state.trace.push((op, path.to_path_buf()));
            if let Some((_, act)) = state.intruder.take_if(|(at, _)| *at == number) {
                act();
            }
        }
        match state.fault {
            Fault::Death(at) if op.changes() => {
                state.count += 1;
                if state.count > at {
                    state.dead = true;
                    state.hit = true;
                    return Err(None);
                }
            }
            Fault::Failure {
                op: wanted,
                at,
                errno,
                lasting,
            } if op == wanted => {
                state.count += 1;
                if state.count == at + 1 || (lasting && state.count > at) {
                    state.hit = true;
                    return Err(Some(io::Error::from_raw_os_error(errno)));
                }
            }
            Fault::None if op.changes() => state.count += 1,
            _ => {}
        }
        Ok(())
    }

    fn gate(&self, op: Op, path: &Path) -> io::Result<()> {
        self.pass(op, path)
            .map_err(|error| error.unwrap_or_else(died))
    }
}

fn died() -> io::Error {
    io::Error::other("the program died here")
}

impl FileLayer for Faults {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn MailFile>> {
        let op = if matches!(mode, OpenMode::CreateNew(_)) {
            Op::Create
        } else {
            Op::Open
        };
        self.gate(op, path)?;
        let inner = self.inner.open(path, mode)?;
        Ok(Box::new(FaultyFile {
            inner,
            layer: self.clone(),
            path: path.to_path_buf(),
        }))
    }
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.gate(Op::Look, path)?;
        self.inner.metadata(path)
    }
    fn link_metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.gate(Op::Look, path)?;
        self.inner.link_metadata(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.gate(Op::Rename, from)?;
        self.inner.rename(from, to)
    }
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.gate(Op::Rename, from)?;
        self.inner.rename_new(from, to)
    }
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.gate(Op::Rename, one)?;
        self.inner.exchange(one, other)
    }
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.gate(Op::Link, to)?;
        self.inner.hard_link(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.gate(Op::Remove, path)?;
        self.inner.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.gate(Op::Folder, path)?;
        self.inner.remove_dir(path)
    }
    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.gate(Op::Folder, path)?;
        self.inner.create_dir(path, mode)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.gate(Op::Look, path)?;
        self.inner.read_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.gate(Op::SyncDir, path)?;
        if self.waits {
            self.inner.sync_dir(path)
        } else {
            Ok(())
        }
    }
    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.gate(Op::Mode, path)?;
        self.inner.set_mode(path, mode)
    }
    fn may_write(&self, path: &Path) -> io::Result<bool> {
        self.gate(Op::Look, path)?;
        self.inner.may_write(path)
    }
    fn is_network(&self, path: &Path) -> io::Result<bool> {
        Ok(self.shared || self.inner.is_network(path)?)
    }

    fn is_local_disk(&self, path: &Path) -> io::Result<bool> {
        Ok(!self.shared && self.inner.is_local_disk(path)?)
    }
}

struct FaultyFile {
    inner: Box<dyn MailFile>,
    layer: Faults,
    path: PathBuf,
}

impl MailFile for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.layer.gate(Op::Read, &self.path)?;
        self.inner.read_at(buffer, offset)
    }
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        match self.layer.pass(Op::Write, &self.path) {
            Err(None) => {
                self.inner.write_at(&bytes[..bytes.len() / 2], offset)?;
                return Err(died());
            }
            Err(Some(error)) => return Err(error),
            Ok(()) => {}
        }
        let take = if self.layer.lock().one_byte {
            bytes.len().min(1)
        } else {
            bytes.len()
        };
        self.inner.write_at(&bytes[..take], offset)
    }
    fn set_len(&mut self, length: u64) -> io::Result<()> {
        self.layer.gate(Op::SetLen, &self.path)?;
        self.inner.set_len(length)
    }
    fn resize(&mut self, expected: u64, length: u64) -> io::Result<bool> {
        self.layer.gate(Op::SetLen, &self.path)?;
        self.inner.resize(expected, length)
    }
    fn reserve(&mut self, length: u64) -> io::Result<()> {
        self.layer.gate(Op::Reserve, &self.path)?;
        self.inner.reserve(length)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.layer.gate(Op::Sync, &self.path)?;
        if self.layer.waits {
            self.inner.sync()
        } else {
            Ok(())
        }
    }
    fn metadata(&self) -> io::Result<Metadata> {
        self.layer.gate(Op::Look, &self.path)?;
        self.inner.metadata()
    }
    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        self.layer.gate(Op::Mode, &self.path)?;
        self.inner.set_mode(mode)
    }
    fn set_times(&mut self, accessed: i64, modified: i64) -> io::Result<()> {
        self.layer.gate(Op::Times, &self.path)?;
        self.inner.set_times(accessed, modified)
    }
    fn try_lock(&mut self, kind: Flock) -> io::Result<bool> {
        self.layer.gate(Op::Lock, &self.path)?;
        self.inner.try_lock(kind)
    }
    fn try_record_lock(&mut self, kind: Flock) -> io::Result<bool> {
        self.layer.gate(Op::Lock, &self.path)?;
        self.inner.try_record_lock(kind)
    }
    fn unlock(&mut self) -> io::Result<()> {
        self.layer.gate(Op::Lock, &self.path)?;
        self.inner.unlock()
    }
}
