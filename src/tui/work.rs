//! Files and programs, away from the screen: each on a thread of its own, whose end comes back as a message.
//!
//! Files are private (mode 0600), and there under their names when they are whole and on disk. What exists is written only when it is a regular
//! file with one name: symbolic links, FIFOs and hard links are refused.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::NamedTempFile;
use tokio::sync::mpsc::UnboundedSender;

use crate::backend::request::Ticket;
use crate::mail::reason::in_words;
use crate::tui::effect::{FileJob, Program, WriteMode};
use crate::tui::msg::Outcome;
use crate::tui::state::browser::{FileEntry, FileKind};

/// The most bytes of a program's output that are kept.
const OUTPUT: u64 = 16 << 20;

/// How many files of one directory are shown.
const MOST_FILES: usize = 10_000;

/// Where ends are told.
pub type Ends = UnboundedSender<(Ticket, Outcome)>;

/// Writes a file on a thread of its own.
pub fn write(ticket: Ticket, job: FileJob, ends: Ends) -> io::Result<JoinHandle<()>> {
    let name = "mugo-file".to_owned();
    thread::Builder::new().name(name).spawn(move || {
        let outcome = match write_file(&job) {
            Ok(()) => Outcome::Written,
            Err(error) if job.mode == WriteMode::New && is_there(&error) => Outcome::Exists,
            Err(error) => Outcome::Failed(in_words(&error)),
        };
        // nobody listens once the session is over
        let _ = ends.send((ticket, outcome));
    })
}

/// Lists a directory on a thread of its own.
pub fn list_files(ticket: Ticket, directory: PathBuf, ends: Ends) -> io::Result<JoinHandle<()>> {
    let name = "mugo-files".to_owned();
    thread::Builder::new().name(name).spawn(move || {
        let outcome = match files_in(&directory) {
            Ok(files) => Outcome::Files(files),
            Err(error) => Outcome::Failed(in_words(&error)),
        };
        let _ = ends.send((ticket, outcome));
    })
}

/// The files and directories in a directory, those without a dot in front; what is neither is left out.
pub fn files_in(directory: &Path) -> io::Result<Vec<FileEntry>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)?.take(MOST_FILES) {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        if name.as_os_str().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = match std::fs::metadata(entry.path()) {
            Ok(about) if about.is_dir() => FileKind::Directory,
            Ok(about) if about.is_file() => FileKind::File(about.len()),
            _ => continue,
        };
        found.push(FileEntry { name, kind });
    }
    Ok(found)
}

fn is_there(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AlreadyExists
}

/// Brings the bytes that have arrived under the name that was given, and to disk.
pub fn write_file(job: &FileJob) -> io::Result<()> {
    let mut arrived = job.content.take()?;
    match job.mode {
        WriteMode::New => match place_new(job, arrived) {
            Ok(()) => Ok(()),
            Err((error, arrived)) => {
                if let Some(arrived) = arrived.filter(|_| is_there(&error)) {
                    job.content.put_back(arrived);
                }
                Err(error)
            }
        },
        WriteMode::Overwrite => {
            drop(open_existing(&job.path)?);
            let folder = job.path.parent().unwrap_or(Path::new("/"));
            if arrived.path().parent() == Some(folder) {
                arrived.persist(&job.path).map_err(|error| error.error)?;
                sync_folder(folder);
                return Ok(());
            }
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            io::copy(&mut arrived, &mut file)?;
            file.as_file().sync_all()?;
            file.persist(&job.path).map_err(|error| error.error)?;
            sync_folder(folder);
            Ok(())
        }
        WriteMode::Append => {
            let mut file = open_existing(&job.path)?;
            let before = file.metadata()?.len();
            let mut counted = Counted {
                file: &mut file,
                written: 0,
            };
            let copied = io::copy(&mut arrived, &mut counted);
            let end = before + counted.written;
            let appended = copied.and_then(|_| file.sync_all());
            let is_alone = file.metadata().is_ok_and(|found| found.len() == end);
            if appended.is_err() && is_alone {
                // Half a message behind what was there would pass for a whole one.
                let _ = file.set_len(before);
            }
            appended
        }
    }
}

/// A file, and how much was written into it.
struct Counted<'f> {
    file: &'f mut File,
    written: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Gives the bytes a name that nothing has; they come back where something has it.
fn place_new(
    job: &FileJob,
    mut arrived: NamedTempFile,
) -> Result<(), (io::Error, Option<NamedTempFile>)> {
    let folder = job.path.parent().unwrap_or(Path::new("/"));
    if arrived.path().parent() == Some(folder) {
        match arrived.persist_noclobber(&job.path) {
            Ok(_file) => {
                sync_folder(folder);
                return Ok(());
            }
            Err(refused) if is_there(&refused.error) => {
                return Err((refused.error, Some(refused.file)));
            }
            // Not every file system has a way to do it in one step.
            Err(refused) => arrived = refused.file,
        }
    }
    let made = options().write(true).create_new(true).open(&job.path);
    let mut file = match made {
        Ok(file) => file,
        Err(error) => return Err((error, Some(arrived))),
    };
    let written = io::copy(&mut arrived, &mut file).and_then(|_| file.sync_all());
    written.map_err(|error| {
        // half a file would pass for a whole one
        let _ = std::fs::remove_file(&job.path);
        (error, None)
    })
}

/// Brings new names to disk, where the system can: the file itself is there already.
fn sync_folder(folder: &Path) {
    let _cannot = File::open(folder).and_then(|folder| folder.sync_all());
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    options.mode(0o600).custom_flags(flags.bits().cast_signed());
    options
}

fn open_existing(path: &Path) -> io::Result<File> {
    let file = options().append(true).open(path).map_err(|error| {
        let looped = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
        if looped {
            io::Error::other("it is a symbolic link; nothing was written")
        } else {
            error
        }
    })?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other(
            "it is not a regular file; nothing was written",
        ));
    }
    if found.nlink() != 1 {
        return Err(io::Error::other(
            "the file has several names; nothing was written",
        ));
    }
    Ok(file)
}

/// The programs that run now and are waited for, each with its group of processes.
#[derive(Clone, Default)]
pub struct Running {
    groups: Arc<Mutex<BTreeMap<Ticket, Group>>>,
}

/// The processes of one program.
#[derive(Clone, Copy)]
enum Group {
    /// They run.
    Runs(Pid),
    /// They were to be stopped before they had been started.
    Unwanted,
}

/// How long a program may take to end by itself when it is stopped.
const GRACE: Duration = Duration::from_millis(500);

impl Running {
    /// Ends a program and what it has started: politely first.
    pub fn stop(&self, ticket: Ticket) {
        let group = *self.groups().entry(ticket).or_insert(Group::Unwanted);
        if let Group::Runs(group) = group {
            send(group, Signal::TERM);
            let running = self.clone();
            thread::spawn(move || {
                thread::sleep(GRACE);
                // An id may have gone to another process, but not while this program has not been waited for.
                if running.groups().contains_key(&ticket) {
                    send(group, Signal::KILL);
                }
            });
        }
    }

    /// Ends all of them at once.
    pub fn stop_all(&self) {
        for group in self.groups().values() {
            if let Group::Runs(group) = group {
                send(*group, Signal::KILL);
            }
        }
    }

    fn started(&self, ticket: Ticket, child: &Child) {
        let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
            return;
        };
        if let Some(Group::Unwanted) = self.groups().insert(ticket, Group::Runs(group)) {
            self.stop(ticket);
        }
    }

    fn groups(&self) -> MutexGuard<'_, BTreeMap<Ticket, Group>> {
        lock(&self.groups)
    }
}

fn send(group: Pid, signal: Signal) {
    let _gone_already = kill_process_group(group, signal).is_err();
}

/// Runs a program on a thread of its own.
pub fn run(
    ticket: Ticket,
    program: Program,
    running: Running,
    ends: Ends,
) -> io::Result<JoinHandle<()>> {
    let name = "mugo-program".to_owned();
    thread::Builder::new().name(name).spawn(move || {
        let tell = |outcome| {
            let _ = ends.send((ticket, outcome));
        };
        let mut child = match start(&program) {
            Ok(child) => child,
            Err(error) => return tell(Outcome::Failed(in_words(&error))),
        };
        if program.detached {
            tell(Outcome::Ran {
                output: String::new(),
                failure: None,
                cut: false,
            });
            let _ = child.wait();
            return;
        }
        running.started(ticket, &child);
        let served = serve(child, program.input);
        running.groups().remove(&ticket);
        tell(served.unwrap_or_else(|error| Outcome::Failed(in_words(&error))));
    })
}

/// Starts a program; words that are no program may be the shell's own.
fn start(program: &Program) -> io::Result<Child> {
    let started = start_words(&program.argv, program);
    let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    if program.detached || !started.as_ref().is_err_and(missing) {
        return started;
    }
    let words = ["sh".to_owned(), "-c".to_owned(), program.argv.join(" ")];
    start_words(&words, program)
}

fn start_words(argv: &[String], program: &Program) -> io::Result<Child> {
    let (name, arguments) = argv
        .split_first()
        .ok_or_else(|| io::Error::other("no command was given"))?;
    let pipe = || {
        if program.detached {
            Stdio::null()
        } else {
            Stdio::piped()
        }
    };
    // a group of its own: keys of the terminal are for Mugo
    Command::new(name)
        .args(arguments)
        .stdin(pipe())
        .stdout(pipe())
        .stderr(pipe())
        .process_group(0)
        .spawn()
}

fn serve(mut child: Child, input: Vec<u8>) -> io::Result<Outcome> {
    let stdin = child.stdin.take();
    let feeder = thread::spawn(move || {
        // a program need not read all that it gets
        stdin.map(|mut stdin| stdin.write_all(&input))
    });
    let errors = Listener::start(child.stderr.take());
    let output = Listener::start(child.stdout.take());
    let status = child.wait()?;
    // What it has started may go on, with its output open.
    let until = Instant::now() + GRACE;
    let (mut output, errors) = (output.heard(until), errors.heard(until));
    let is_full = |bytes: &[u8]| bytes.len() as u64 >= OUTPUT;
    let cut = is_full(&output) || is_full(&errors);
    output.extend(errors);
    // Whoever reads no more ends the feeder; it is not waited for.
    drop(feeder);
    Ok(Outcome::Ran {
        output: String::from_utf8_lossy(&output).into_owned(),
        failure: (!status.success()).then(|| status.to_string()),
        cut,
    })
}

/// Reads what a program writes, to the end, or as much as there is room for: who writes on then finds nobody reading.
struct Listener {
    heard: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Listener {
    fn start(from: Option<impl Read + Send + 'static>) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&heard);
        let reader = thread::spawn(move || {
            let Some(from) = from else {
                return;
            };
            let mut from = from.take(OUTPUT);
            let mut block = vec![0; BLOCK];
            while let Ok(count @ 1..) = from.read(&mut block) {
                let bytes = block.get(..count).unwrap_or_default();
                lock(&into).extend_from_slice(bytes);
            }
        });
        Self { heard, reader }
    }

    /// All of it, or what has come until then.
    fn heard(self, until: Instant) -> Vec<u8> {
        while !self.reader.is_finished() && Instant::now() < until {
            thread::sleep(PAUSE);
        }
        std::mem::take(&mut *lock(&self.heard))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const BLOCK: usize = 64 * 1024;
/// Between two looks whether a program's output has ended.
const PAUSE: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::tui::incoming::Incoming;

    fn job(path: &Path, mode: WriteMode) -> FileJob {
        let content = Incoming::new(path.to_owned(), false);
        content.writer().write_all(b"new").expect("taken");
        FileJob {
            path: path.to_owned(),
            mode,
            content,
        }
    }

    #[test]
    fn links_and_fifos_are_never_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let victim = folder.path().join("victim");
        let link = folder.path().join("link");
        let hard = folder.path().join("hard");
        std::fs::write(&victim, "old").expect("written");
        symlink(&victim, &link).expect("linked");
        for mode in [WriteMode::New, WriteMode::Overwrite, WriteMode::Append] {
            assert!(write_file(&job(&link, mode)).is_err(), "{mode:?}");
        }
        std::fs::hard_link(&victim, &hard).expect("linked");
        for mode in [WriteMode::New, WriteMode::Overwrite, WriteMode::Append] {
            assert!(write_file(&job(&hard, mode)).is_err(), "{mode:?}");
        }
        assert_eq!(std::fs::read(&victim).expect("read"), b"old");
    }

    #[test]
    fn new_files_are_private_and_old_ones_are_kept_unless_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        write_file(&job(&path, WriteMode::New)).expect("written");
        let mode = path.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = write_file(&job(&path, WriteMode::New)).expect_err("is there");
        assert!(is_there(&again));
        write_file(&job(&path, WriteMode::Append)).expect("written");
        assert_eq!(std::fs::read(&path).expect("read"), b"newnew");
        write_file(&job(&path, WriteMode::Overwrite)).expect("written");
        assert_eq!(std::fs::read(&path).expect("read"), b"new");
    }
}
