//! The same mail with a file for each message: opening it beside c-client, and beside reading all those files.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Place;
use crate::measure;
use crate::report::{self, Report};

/// Measures the mailbox of one format.
type Measure = fn(&Place, &mut Report);

/// Measures mailboxes that hold the messages of the traditional mailbox `source`.
pub(crate) fn measure(place: &Place, source: &str, report: &mut Report) -> io::Result<()> {
    // Every folder of this home can be a mailbox of MH.
    let profile = format!("Path: {}\n", place.home.display());
    fs::write(place.home.join(".mh_profile"), profile)?;
    let kinds: [(&str, Measure); 4] = [
        ("mix", |place, report| beside(place, "mix", report)),
        ("mx", |place, report| first_and_again(place, "mx", report)),
        ("mh", |place, report| first_and_again(place, "mh", report)),
        ("maildir", maildir),
    ];
    for (name, measure) in kinds {
        let target = format!("#driver.{name}/{name}");
        let began = Instant::now();
        let made = place
            .mugo(&["transfer", source, &target])
            .stdout(Stdio::null())
            .status()?;
        let title = format!("{name}: copied and compared");
        if made.success() {
            report.note(&title, &report::milliseconds(began.elapsed()));
            measure(place, report);
        } else {
            report.failed(&title);
        }
        fs::remove_dir_all(place.path(name))?;
    }
    Ok(())
}

/// What c-client has to look for to know what an opening tells here: flags, date and size of every message. Its own opening
/// of a directory tells none of them.
const EVERY_SIZE: &str = "larger 4000000000";

/// Measures a mailbox in a format that c-client reads too. In a session that writes nothing nothing is kept, so that each
/// opening in one is the first.
fn beside(place: &Place, name: &str, report: &mut Report) {
    let shown = place.path(name).display().to_string();
    let given = Command::new("chmod").args(["-R", "a+rwX", &shown]).status();
    if !given.is_ok_and(|status| status.success()) {
        return report.failed(&format!("{name}: given to c-client"));
    }
    let none = "subject \"no message has this\"";
    let works: [(&str, Vec<&str>, Vec<&str>); 2] = [
        (
            "opened, every flag, date, size",
            vec!["--read-only", "index", &shown, "1"],
            vec!["prune", name, EVERY_SIZE],
        ),
        (
            "every envelope, flag, date, size",
            vec!["--read-only", "index", &shown],
            vec!["prune", name, none],
        ),
    ];
    for (title, ours, theirs) in works {
        compare(
            place,
            &format!("{name}: {title}"),
            (&ours, &theirs),
            3,
            report,
        );
    }
}

/// Compares with c-client's time, of which Mugo shall take this part.
fn compare(
    place: &Place,
    title: &str,
    (ours, theirs): (&[&str], &[&str]),
    part: u32,
    report: &mut Report,
) {
    let title = format!("{title}, to c-client");
    let taken = measure::time(3, || place.mugo(ours));
    let peer = measure::time_whatever(2, || place.peer(theirs));
    match (taken, peer) {
        (Some(taken), Some(peer)) => report.compare(&title, taken, peer / part, peer),
        (None, _) => report.failed(&title),
        (_, None) => report.missing("mailutil", &title),
    }
}

/// As [`beside`], and once more when it is known.
fn first_and_again(place: &Place, name: &str, report: &mut Report) {
    // What the copying noted goes.
    let _absent = fs::remove_dir_all(place.home.join(".local/state/mugo").join(name));
    beside(place, name, report);
    let shown = place.path(name).display().to_string();
    // From now on UIDs, sizes and dates are known, for a directory that was changed long enough ago.
    std::thread::sleep(Duration::from_secs(3));
    if measure::time(2, || place.mugo(&["expunge", &shown])).is_none() {
        return report.failed(&format!("{name}: what was seen is noted"));
    }
    let theirs: &[&str] = &["prune", name, EVERY_SIZE];
    let works = [
        ("counted again", vec!["status", &shown]),
        ("opened again", vec!["index", &shown, "1"]),
    ];
    for (title, ours) in works {
        compare(
            place,
            &format!("{name}: {title}"),
            (&ours, theirs),
            20,
            report,
        );
    }
}

fn maildir(place: &Place, report: &mut Report) {
    let path = place.path("maildir");
    let shown = path.display().to_string();
    let again = ["index", &shown, "1"];
    let first = ["--read-only", "index", &shown, "1"];
    // A session that writes nothing keeps no UIDs: without the log each opening in one is the first. What the names tell of
    // sizes goes too.
    let renamed = without_sizes(&path.join("cur"));
    let log = place.home.join(".local/state/mugo/maildir");
    let Ok(read) = renamed
        .and_then(|()| fs::remove_dir_all(log))
        .and_then(|()| read_all(&path))
    else {
        return report.failed("maildir: all files read");
    };
    report.note("maildir: all files read", &report::milliseconds(read));
    let mut compare =
        |title: &str, words: &[&str], limit: Duration| match measure::time(3, || place.mugo(words))
        {
            Some(taken) => report.compare(title, taken, limit, read),
            None => report.failed(title),
        };
    compare("maildir: first opening, to reading all files", &first, read);
    compare(
        "maildir: status, to reading all files",
        &["status", &shown],
        read / 4,
    );
    // From now on UIDs, sizes and dates are known.
    compare(
        "maildir: UIDs noted, to reading all files",
        &["expunge", &shown],
        read * 2,
    );
    compare(
        "maildir: opened again, to reading all files",
        &again,
        read / 2,
    );
    compare(
        "maildir: every envelope, to reading all files",
        &["index", &shown],
        read * 2,
    );
}

/// Takes out of the names what they tell of sizes.
fn without_sizes(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let base = name.split(',').next().unwrap_or(&name);
        fs::rename(folder.join(&name), folder.join(format!("{base}:2,")))?;
    }
    Ok(())
}

/// The time that reading all files of a mailbox takes, the best of three.
fn read_all(path: &Path) -> io::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let began = Instant::now();
        for entry in fs::read_dir(path.join("cur"))? {
            fs::read(entry?.path())?;
        }
        best = best.min(began.elapsed());
    }
    Ok(best)
}
