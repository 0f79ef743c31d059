use super::*;
use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

struct Rung(Arc<AtomicUsize>);

impl Rung {
    fn bell() -> (Self, Bell) {
        let count = Arc::new(AtomicUsize::new(0));
        let ringing = Arc::clone(&count);
        let bell: Bell = Arc::new(move || {
            ringing.fetch_add(1, Ordering::SeqCst);
        });
        (Self(count), bell)
    }

    fn soon(&self) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(2) {
            if self.0.swap(0, Ordering::SeqCst) > 0 {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Whether nothing more comes, once what is under way has come.
    fn stays_quiet(&self) -> bool {
        std::thread::sleep(Duration::from_millis(500));
        self.0.store(0, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(500));
        self.0.load(Ordering::SeqCst) == 0
    }
}

#[test]
fn what_happens_to_a_mailbox_rings_and_what_happens_beside_it_does_not() -> std::io::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("box");
    fs::write(&path, "")?;
    let watcher = Watcher::default();
    let (rung, bell) = Rung::bell();
    let watch = watcher.watch(&path, bell);
    assert!(watch.is_some());
    let mut file = fs::OpenOptions::new().append(true).open(&path)?;
    file.write_all(b"mail")?;
    assert!(rung.soon(), "written");
    drop(file);
    assert!(rung.stays_quiet());
    fs::write(dir.path().join("other"), "mail")?;
    fs::read(&path)?;
    assert!(rung.stays_quiet(), "beside it, or only read");
    fs::write(dir.path().join("new"), "another file")?;
    fs::rename(dir.path().join("new"), &path)?;
    assert!(rung.soon(), "replaced");
    assert!(rung.stays_quiet());
    fs::OpenOptions::new()
        .append(true)
        .open(&path)?
        .write_all(b"mail")?;
    assert!(rung.soon(), "the new file is written");
    assert!(rung.stays_quiet());
    fs::write(dir.path().join("box.lock"), "")?;
    fs::remove_file(dir.path().join("box.lock"))?;
    assert!(rung.soon(), "unlocked");
    fs::remove_file(&path)?;
    assert!(rung.soon(), "removed");
    fs::write(&path, "again")?;
    assert!(rung.soon(), "made again");
    drop(watch);
    fs::write(&path, "nobody listens")?;
    assert!(rung.stays_quiet());
    Ok(())
}

#[test]
fn a_file_is_watched_through_its_link_and_for_two_at_once() -> std::io::Result<()> {
    let dir = tempfile::tempdir()?;
    fs::create_dir(dir.path().join("far"))?;
    let (link, path) = (dir.path().join("link"), dir.path().join("far/box"));
    fs::write(&path, "")?;
    std::os::unix::fs::symlink(&path, &link)?;
    let watcher = Watcher::default();
    let (one, one_bell) = Rung::bell();
    let (two, two_bell) = Rung::bell();
    let first = watcher.watch(&link, one_bell);
    let _second = watcher.watch(&path, two_bell);
    fs::write(&path, "mail")?;
    assert!(one.soon() && two.soon());
    fs::remove_file(&path)?;
    assert!(one.soon() && two.soon());
    drop(first);
    fs::write(&path, "mail")?;
    assert!(two.soon() && one.stays_quiet());
    Ok(())
}

#[test]
fn a_flood_wakes_five_times_a_second_at_most() -> std::io::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("box");
    let mut file = fs::File::create(&path)?;
    let (rung, bell) = Rung::bell();
    let _watch = Watcher::default().watch(&path, bell);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(1) {
        file.write_all(b"mail")?;
    }
    let count = rung.0.load(Ordering::SeqCst);
    assert!((2..=7).contains(&count), "{count}");
    Ok(())
}

#[test]
fn what_cannot_be_watched_is_not() {
    let (_rung, bell) = Rung::bell();
    let nowhere = Path::new("/nonexistent/folder/box");
    assert!(Watcher::default().watch(nowhere, bell).is_none());
}
