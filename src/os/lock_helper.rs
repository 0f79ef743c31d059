//! Helper programs that make lock files where the user may not: on many systems only the group `mail` may write into
//! the folder of the INBOXes, and these programs are installed with that group's rights.
//!
//! Each is called by an absolute path, without a shell, with an empty environment, in a process group of its own (keys
//! typed at the terminal do not reach it), and gets no open file but those told here. Two are known: `mlock` keeps the
//! lock for as long as its standard input is open, so that the lock of a killed program goes by itself; `dotlockfile`
//! ends at once and is called again to unlock.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal};

/// How often it is asked whether to wait on.
const LISTENING: Duration = Duration::from_millis(40);
/// How long a helper that has no reason to wait may take.
const LONGEST: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// A program that makes lock files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LockHelper {
    /// `mlock FD MAILBOX` of the c-client library.
    Mlock(PathBuf),
    /// `dotlockfile -l LOCK` of liblockfile.
    Dotlockfile(PathBuf),
}

/// The helpers where systems install them, the better ones first.
pub fn usual() -> Vec<LockHelper> {
    let mlock = [
        "/usr/libexec/mlock",
        "/usr/sbin/mlock",
        "/etc/mlock",
        "/usr/bin/mlock",
    ];
    let mlock = mlock.map(|path| LockHelper::Mlock(path.into()));
    let other = LockHelper::Dotlockfile("/usr/bin/dotlockfile".into());
    mlock.into_iter().chain([other]).collect()
}

/// What came of asking.
pub enum Answer {
    /// The lock is ours.
    Locked(HelperLock),
    /// Somebody else holds it.
    Busy,
    /// No helper will lock this file.
    Refused,
    /// No helper is installed.
    Missing,
}

/// A lock that a helper made. Dropped without [`HelperLock::release`], that of `mlock` goes, that of `dotlockfile` stays.
pub enum HelperLock {
    /// Kept by a running helper.
    Kept(Keeper),
    /// To be removed by calling the helper again.
    Left(PathBuf),
}

impl LockHelper {
    /// Whether the program is there.
    pub fn is_installed(&self) -> bool {
        let (Self::Mlock(path) | Self::Dotlockfile(path)) = self;
        path.metadata().is_ok_and(|metadata| metadata.is_file())
    }

    fn ask(&self, mailbox: &Path, lock: &Path, keep_on: &mut dyn FnMut() -> bool) -> Answer {
        let asked = match self {
            Self::Mlock(program) => Keeper::ask(program, mailbox, lock, keep_on),
            Self::Dotlockfile(program) => make_and_leave(program, lock),
        };
        asked.unwrap_or(Answer::Refused)
    }
}

/// Asks one helper after the other for the lock file `lock` of `mailbox`; both paths are absolute. While one of them
/// waits, `keep_on` is asked again and again; `false` ends the waiting.
pub fn ask(
    helpers: &[LockHelper],
    mailbox: &Path,
    lock: &Path,
    keep_on: &mut dyn FnMut() -> bool,
) -> Answer {
    let mut found = Answer::Missing;
    for helper in helpers.iter().filter(|helper| helper.is_installed()) {
        found = helper.ask(mailbox, lock, keep_on);
        if !matches!(found, Answer::Refused) {
            break;
        }
    }
    found
}

impl HelperLock {
    /// Gives the lock `lock` back. With `is_ours` false it was taken over by somebody, and that one's file stays.
    pub fn release(self, lock: &Path, is_ours: bool) -> io::Result<()> {
        match self {
            Self::Kept(keeper) => keeper.end(is_ours),
            Self::Left(_) if !is_ours => Ok(()),
            Self::Left(program) => {
                let mut command = quiet(&program);
                command.arg("-u").arg(lock).stdout(Stdio::null());
                let status = finish(command.stderr(Stdio::null()).spawn()?)?;
                if status.success() {
                    Ok(())
                } else {
                    Err(io::Error::other("the lock helper does not unlock"))
                }
            }
        }
    }
}

/// A running `mlock`.
pub struct Keeper {
    pid: Option<Pid>,
    stdin: ChildStdin,
    events: Receiver<Event>,
}

enum Event {
    Answer(Option<u8>),
    Ended,
}

impl Keeper {
    /// `mlock` wants an open descriptor of the mailbox. It gets one that can only be read, as its standard error: so
    /// nothing that it may print there reaches the mailbox.
    fn ask(
        program: &Path,
        mailbox: &Path,
        lock: &Path,
        keep_on: &mut dyn FnMut() -> bool,
    ) -> io::Result<Answer> {
        let mut command = quiet(program);
        command.arg("2").arg(mailbox);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::from(open_to_read(mailbox)?));
        let mut child = command.spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (tell, events) = sync_channel(2);
        thread::spawn(move || {
            let mut stdout = stdout;
            let mut answer = [0];
            let count = stdout.read(&mut answer).unwrap_or(0);
            let _ = tell.send(Event::Answer(
                answer.first().copied().filter(|_| count == 1),
            ));
            let _ = child.wait();
            let _ = tell.send(Event::Ended);
        });
        let keeper = Self { pid, stdin, events };
        loop {
            match keeper.events.recv_timeout(LISTENING) {
                Ok(Event::Answer(Some(b'+'))) => {
                    return Ok(Answer::Locked(HelperLock::Kept(keeper)));
                }
                // Without anybody at its other end it gives the lock back as soon as it has got it: it is not killed,
                // which could leave a lock behind.
                Err(RecvTimeoutError::Timeout) if !keep_on() => return Ok(Answer::Busy),
                Err(RecvTimeoutError::Timeout) => {}
                // It says so of a lock that is held, after long waiting, and of a folder that refuses it too.
                Ok(Event::Answer(Some(b'-'))) if lock.exists() => return Ok(Answer::Busy),
                _ => return Ok(Answer::Refused),
            }
        }
    }

    fn end(mut self, is_ours: bool) -> io::Result<()> {
        if is_ours {
            self.stdin.write_all(b"+")?;
        } else if let Some(pid) = self.pid {
            // Asked to unlock it would remove the lock of somebody else.
            rustix::process::kill_process(pid, Signal::KILL)?;
        }
        drop(self.stdin);
        match self.events.recv_timeout(LONGEST) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// `dotlockfile` writes the id of the process that calls it into the lock, and seizes the lock of a dead one.
fn make_and_leave(program: &Path, lock: &Path) -> io::Result<Answer> {
    let mut command = quiet(program);
    command.args(["-r", "0", "-l", "-p"]).arg(lock);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let status = finish(command.spawn()?)?;
    Ok(match status.code() {
        Some(0) => Answer::Locked(HelperLock::Left(program.to_owned())),
        Some(HELD) => Answer::Busy,
        _ => Answer::Refused,
    })
}

/// The exit code of `dotlockfile` for a lock that somebody holds.
const HELD: i32 = 4;

fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().process_group(0).stdin(Stdio::null());
    command
}

fn open_to_read(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    options.open(path)
}

/// Waits for a program that ends at once.
fn finish(mut child: Child) -> io::Result<ExitStatus> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if begin.elapsed() > LONGEST {
            child.kill()?;
            child.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(PAUSE);
    }
}
