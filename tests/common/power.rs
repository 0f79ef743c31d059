//! A disk that loses power: what was not waited for is kept or lost at random, in whole or in part.
//!
//! The model knows, for each file, the content that is surely on disk and the changes since; the same for names. After
//! a power cut it puts one possible state of the disk into the real files. A file that exists before and after keeps
//! its inode.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use mugo::os::files::{FileLayer, Flock, MailFile, OpenMode};
use mugo::os::real_files::RealFiles;

use crate::common::random::Random;

/// Bytes that reach the disk together: a small sector, as the files are small.
const SECTOR: usize = 64;

type Number = u64;

enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

struct Content {
    durable: Vec<u8>,
    pending: Vec<Change>,
    /// When it was changed, where somebody said so.
    modified: Option<i64>,
}

enum Naming {
    Add(PathBuf, Number),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

#[derive(Default)]
struct Model {
    files: BTreeMap<Number, Content>,
    live: BTreeMap<PathBuf, Number>,
    durable: BTreeMap<PathBuf, Number>,
    pending: Vec<Naming>,
    seen: BTreeSet<PathBuf>,
}

/// The disk, as a file layer. Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    model: Arc<Mutex<Model>>,
}

/// What happens to a change that was not waited for.
enum Fate {
    Kept,
    Lost,
    Torn,
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts the power. Everything not waited for is kept when `random` is `None`.
    pub(crate) fn cut_power(&self, mut random: Option<Random>) {
        let mut model = self.lock();
        let model = &mut *model;
        let mut names = model.durable.clone();
        let pending = std::mem::take(&mut model.pending);
        for naming in pending {
            if random.as_mut().is_none_or(|random| random.chance(2)) {
                naming.apply(&mut names);
            }
        }
        for path in &model.seen {
            match names
                .get(path)
                .and_then(|number| model.files.get_mut(number))
            {
                // Directories are never lost; what is in one that was removed is gone with it.
                Some(_) if !path.parent().is_some_and(Path::is_dir) => {}
                Some(content) => content.write(path, &mut random),
                None => {
                    let _ = fs::remove_file(path);
                }
            }
        }
        *model = Model::default();
    }
}

impl Content {
    /// Makes a file what is left of it; its times are those that were set, or stay.
    fn write(&mut self, path: &Path, random: &mut Option<Random>) {
        let before = fs::metadata(path).and_then(|found| found.modified()).ok();
        let set = self
            .modified
            .and_then(|seconds| u64::try_from(seconds).ok());
        let set = set.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
        fs::write(path, self.after(random)).expect("a scratch file");
        if let Some(time) = set.or(before) {
            let file = fs::File::options()
                .write(true)
                .open(path)
                .expect("a scratch file");
            file.set_modified(time).expect("its time");
        }
    }

    fn after(&mut self, random: &mut Option<Random>) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for change in &self.pending {
            let fate = match random.as_mut().map(|random| random.below(5)) {
                None | Some(0 | 1) => Fate::Kept,
                Some(2) => Fate::Torn,
                _ => Fate::Lost,
            };
            match (fate, change) {
                (Fate::Lost, _) => {}
                (Fate::Torn, Change::Write(at, data)) => {
                    let mut done = 0;
                    while done < data.len() {
                        let end = ((at + done) / SECTOR + 1) * SECTOR - at;
                        let part = &data[done..end.min(data.len())];
                        if random.as_mut().is_some_and(|random| random.chance(2)) {
                            write(&mut bytes, at + done, part);
                        }
                        done += part.len();
                    }
                }
                (_, change) => change.apply(&mut bytes),
            }
        }
        bytes
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(at, data) => write(bytes, *at, data),
            Self::Length(length) => bytes.resize(*length, 0),
        }
    }
}

fn write(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
    if bytes.len() < at + data.len() {
        bytes.resize(at + data.len(), 0);
    }
    bytes[at..at + data.len()].copy_from_slice(data);
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<PathBuf, Number>) {
        match self {
            Self::Add(path, number) => {
                names.insert(path.clone(), *number);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
            Self::Rename(from, to) => {
                if let Some(number) = names.remove(from) {
                    names.insert(to.clone(), number);
                }
            }
        }
    }

    fn folder(&self) -> Option<&Path> {
        match self {
            Self::Add(path, _) | Self::Remove(path) | Self::Rename(_, path) => path.parent(),
        }
    }
}

impl Model {
    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.live);
        self.pending.push(naming);
    }

    fn number(&mut self, path: &Path, content: Vec<u8>) -> Number {
        let number = self.files.len() as Number;
        self.files.insert(
            number,
            Content {
                durable: content,
                pending: Vec::new(),
                modified: None,
            },
        );
        self.seen.insert(path.to_path_buf());
        number
    }

    /// Gives all files in a directory their new paths, at once and for good.
    fn move_directory(&mut self, from: &Path, to: &Path) {
        let moved = |path: &Path| match path.strip_prefix(from) {
            Ok(inside) => to.join(inside),
            Err(_) => path.to_path_buf(),
        };
        self.seen = self.seen.iter().map(|path| moved(path)).collect();
        for names in [&mut self.live, &mut self.durable] {
            let all = std::mem::take(names).into_iter();
            *names = all.map(|(path, number)| (moved(&path), number)).collect();
        }
        for naming in &mut self.pending {
            match naming {
                Naming::Add(path, _) | Naming::Remove(path) => *path = moved(path),
                Naming::Rename(one, other) => {
                    *one = moved(one);
                    *other = moved(other);
                }
            }
        }
    }

    /// Takes a file into the model that was there before.
    fn meet(&mut self, path: &Path) -> io::Result<Number> {
        if let Some(number) = self.live.get(path) {
            return Ok(*number);
        }
        let number = self.number(path, fs::read(path)?);
        self.live.insert(path.to_path_buf(), number);
        self.durable.insert(path.to_path_buf(), number);
        Ok(number)
    }
}

impl FileLayer for Disk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn MailFile>> {
        let inner = RealFiles.open(path, mode)?;
        let mut model = self.lock();
        let number = if matches!(mode, OpenMode::CreateNew(_)) {
            let number = model.number(path, Vec::new());
            model.name(Naming::Add(path.to_path_buf(), number));
            number
        } else {
            model.meet(path)?
        };
        drop(model);
        Ok(Box::new(DiskFile {
            inner,
            disk: self.clone(),
            number,
        }))
    }
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        RealFiles.metadata(path)
    }
    fn link_metadata(&self, path: &Path) -> io::Result<Metadata> {
        RealFiles.link_metadata(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if from.is_dir() {
            RealFiles.rename(from, to)?;
            self.lock().move_directory(from, to);
            return Ok(());
        }
        self.lock().meet(from)?;
        if to.exists() {
            self.lock().meet(to)?;
        }
        RealFiles.rename(from, to)?;
        let mut model = self.lock();
        model.seen.insert(to.to_path_buf());
        model.name(Naming::Rename(from.to_path_buf(), to.to_path_buf()));
        Ok(())
    }
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        if from.is_dir() {
            RealFiles.rename_new(from, to)?;
            self.lock().move_directory(from, to);
            return Ok(());
        }
        self.lock().meet(from)?;
        RealFiles.rename_new(from, to)?;
        let mut model = self.lock();
        model.seen.insert(to.to_path_buf());
        model.name(Naming::Rename(from.to_path_buf(), to.to_path_buf()));
        Ok(())
    }
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealFiles.hard_link(from, to)?;
        let mut model = self.lock();
        let number = model.meet(from)?;
        model.seen.insert(to.to_path_buf());
        model.name(Naming::Add(to.to_path_buf(), number));
        Ok(())
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        if path.exists() {
            self.lock().meet(path)?;
        }
        RealFiles.remove_file(path)?;
        self.lock().name(Naming::Remove(path.to_path_buf()));
        Ok(())
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        RealFiles.remove_dir(path)
    }
    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        RealFiles.create_dir(path, mode)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        RealFiles.read_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut model = self.lock();
        let model = &mut *model;
        let pending = std::mem::take(&mut model.pending);
        for naming in pending {
            if naming.folder() == Some(path) {
                naming.apply(&mut model.durable);
            } else {
                model.pending.push(naming);
            }
        }
        Ok(())
    }
    fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        RealFiles.set_mode(path, mode)
    }
    fn may_write(&self, path: &Path) -> io::Result<bool> {
        RealFiles.may_write(path)
    }
    fn is_network(&self, _path: &Path) -> io::Result<bool> {
        Ok(false)
    }

    fn is_local_disk(&self, _path: &Path) -> io::Result<bool> {
        Ok(true)
    }
}

struct DiskFile {
    inner: Box<dyn MailFile>,
    disk: Disk,
    number: Number,
}

impl DiskFile {
    fn change(&self, change: Change) {
        if let Some(content) = self.disk.lock().files.get_mut(&self.number) {
            content.pending.push(change);
        }
    }
}

impl MailFile for DiskFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let count = self.inner.write_at(bytes, offset)?;
        self.change(Change::Write(offset as usize, bytes[..count].to_vec()));
        Ok(count)
    }
    fn set_len(&mut self, length: u64) -> io::Result<()> {
        self.inner.set_len(length)?;
        self.change(Change::Length(length as usize));
        Ok(())
    }
    fn reserve(&mut self, length: u64) -> io::Result<()> {
        self.inner.reserve(length)
    }
    fn sync(&mut self) -> io::Result<()> {
        if let Some(content) = self.disk.lock().files.get_mut(&self.number) {
            for change in std::mem::take(&mut content.pending) {
                change.apply(&mut content.durable);
            }
        }
        Ok(())
    }
    fn metadata(&self) -> io::Result<Metadata> {
        self.inner.metadata()
    }
    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        self.inner.set_mode(mode)
    }
    fn set_times(&mut self, accessed: i64, modified: i64) -> io::Result<()> {
        if let Some(content) = self.disk.lock().files.get_mut(&self.number) {
            content.modified = Some(modified);
        }
        self.inner.set_times(accessed, modified)
    }
    fn try_lock(&mut self, kind: Flock) -> io::Result<bool> {
        self.inner.try_lock(kind)
    }
    fn try_record_lock(&mut self, kind: Flock) -> io::Result<bool> {
        self.inner.try_record_lock(kind)
    }
    fn unlock(&mut self) -> io::Result<()> {
        self.inner.unlock()
    }
}
