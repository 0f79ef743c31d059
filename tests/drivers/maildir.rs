//! Maildir: what other programs do to the folders is followed, UIDs hold, and nothing in there surprises.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, SystemTime};

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::error::Error;
use mugo::driver::maildir::driver::MaildirDriver;
use mugo::driver::maildir::uid_log;
use mugo::driver::place::Place;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::desk::{Desk, Opened, Queue, add, job, keywords, message, open};

struct Scene {
    desk: Desk,
    driver: MaildirDriver,
    place: Place,
}

/// An empty mailbox.
fn scene() -> Scene {
    let desk = Desk::new();
    let driver = MaildirDriver::new(&desk.environment);
    let place = desk.at(desk.environment.home.join("box"));
    let (job, _log) = job();
    driver.create(&place, &job).expect("made");
    Scene {
        desk,
        driver,
        place,
    }
}

impl Scene {
    fn path(&self, name: &str) -> PathBuf {
        self.place.path.join(name)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    fn open(&self, access: Access) -> Opened {
        open(&self.driver, &self.place, access).expect("open")
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let names = fs::read_dir(self.path(folder)).expect("a folder");
        let names = names.map(|it| it.expect("readable").file_name());
        let mut names: Vec<String> = names.map(|it| it.into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }
}

fn system(opened: &Opened) -> Vec<SystemFlags> {
    opened
        .list
        .messages()
        .iter()
        .map(|it| it.flags.system)
        .collect()
}

const RECENT: SystemFlags = SystemFlags::RECENT;
const SEEN: SystemFlags = SystemFlags::SEEN;
const FLAGGED: SystemFlags = SystemFlags::FLAGGED;

#[test]
fn what_others_do_is_followed() {
    let scene = scene();
    scene.put("cur/100.a:2,S", "Subject: a\n\na\n");
    scene.put("cur/101.b:2,", "Subject: b\n\nb\n");
    let mut opened = scene.open(Access::ReadWrite);
    assert_eq!(system(&opened), [SEEN, SystemFlags::NONE]);
    scene.put("new/102.c", "Subject: c\n\nc\n");
    scene.rename("cur/101.b:2,", "cur/101.b:2,F");
    fs::remove_file(scene.path("cur/100.a:2,S")).expect("removed");
    opened.poll().expect("polled");
    assert_eq!(opened.uids(), [2, 3]);
    assert_eq!(system(&opened), [FLAGGED, RECENT]);
    assert_eq!(scene.names("cur"), ["101.b:2,F", "102.c:2,"]);
    // Both changes hold when somebody was faster.
    scene.rename("cur/102.c:2,", "cur/102.c:2,R");
    opened.store(&[3], &add(SEEN)).expect("stored");
    assert_eq!(scene.names("cur"), ["101.b:2,F", "102.c:2,RS"]);
    // A name that is not known yet is found for reading too.
    scene.rename("cur/101.b:2,F", "cur/101.b:2,FS");
    assert_eq!(opened.read(2, Part::Text), b"b\r\n");
    opened.hear();
    assert_eq!(system(&opened)[0], FLAGGED | SEEN);
    // What was undeleted by somebody stays.
    opened
        .store(&[2, 3], &add(SystemFlags::DELETED))
        .expect("stored");
    scene.rename("cur/101.b:2,FST", "cur/101.b:2,FS");
    opened.expunge(None).expect("expunged");
    assert_eq!(opened.uids(), [2]);
    fs::remove_file(scene.path("cur/101.b:2,FS")).expect("removed");
    let (job, _log) = job();
    let gone = mugo::mail::uid::Uid::new(2).expect("not 0");
    let read = opened
        .mailbox
        .read(gone, Part::Whole, &mut Vec::new(), &job);
    assert!(matches!(read, Err(Error::NoSuchMessage)), "{read:?}");
}

#[test]
fn uids_hold_until_what_is_known_of_them_is_lost() {
    let scene = scene();
    for serial in [3, 1, 2] {
        scene.put(&format!("new/{serial}.x"), "Subject: x\n\n");
    }
    let opened = scene.open(Access::ReadWrite);
    let first = opened.list.state().expect("told").clone();
    assert!(first.sticky_uids);
    opened.close().expect("closed");
    fs::remove_file(scene.path("cur/1.x:2,")).expect("removed");
    scene.rename("cur/3.x:2,", "cur/3.x:2,RS");
    scene.put("new/0.late", "Subject: late\n\n");
    let mut opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.uids(), [2, 3, 4]);
    assert_eq!(opened.read(3, Part::Text), b"");
    assert_eq!(
        opened.list.state().expect("told").uid_validity,
        first.uid_validity
    );
    opened.close().expect("closed");
    let log = uid_log::KIND.place(&scene.desk.environment, &scene.place.path);
    // What is cut off or written behind it is no harm; one that is broken at its front is none.
    let bytes = fs::read(&log).expect("a log");
    fs::write(&log, [&bytes[..], b"half a batch"].concat()).expect("written");
    let opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.uids(), [2, 3, 4]);
    opened.close().expect("closed");
    fs::write(&log, b"MugoXXX").expect("written");
    let opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.uids(), [1, 2, 3]);
    opened.close().expect("closed");
    // A session in which nothing may be written keeps nothing, and says so.
    fs::remove_file(&log).expect("removed");
    let mut environment = scene.desk.world.another(Arc::new(RealFiles));
    environment.read_only = true;
    let careful = MaildirDriver::new(&Arc::new(environment));
    let opened = open(&careful, &scene.place, Access::ReadOnly).expect("open");
    assert!(!opened.list.state().expect("told").sticky_uids);
    assert_eq!(opened.uids(), [1, 2, 3]);
    assert!(!log.exists());
    // Who only reads messages notes their UIDs all the same: they are no part of the mailbox. But he waits for nobody.
    scene.open(Access::ReadWrite).close().expect("closed");
    scene.put("cur/900.z:2,", "Subject: z\n\n");
    let held = fs::File::open(&log).expect("a log");
    let lock = rustix::fs::FlockOperation::NonBlockingLockExclusive;
    rustix::fs::flock(&held, lock).expect("locked");
    let began = std::time::Instant::now();
    assert_eq!(scene.open(Access::ReadOnly).uids(), [1, 2, 3, 4]);
    assert!(began.elapsed() < Duration::from_secs(5));
    drop(held);
    fs::remove_file(scene.path("cur/900.z:2,")).expect("removed");
    fs::remove_file(&log).expect("removed");
    let before = scene.names("cur");
    let opened = scene.open(Access::ReadOnly);
    assert!(opened.list.state().expect("told").sticky_uids);
    assert!(log.exists() && scene.names("cur") == before);
}

#[test]
fn the_log_is_written_anew_when_most_of_it_is_void() {
    let scene = scene();
    let (job, _log) = job();
    for round in 0..4 {
        let all: Vec<_> = (0..600).map(|_| message(b"Subject: x\r\n\r\n")).collect();
        scene
            .driver
            .append(&scene.place, &mut Queue(all), &job)
            .expect("appended");
        let mut opened = scene.open(Access::ReadWrite);
        let uids = opened.uids();
        assert_eq!(uids.len(), 600 + usize::from(round > 0), "{round}");
        opened
            .store(&uids[1..], &add(SystemFlags::DELETED))
            .expect("stored");
        opened.expunge(None).expect("expunged");
        opened.close().expect("closed");
    }
    let log = uid_log::KIND.place(&scene.desk.environment, &scene.place.path);
    // Entries of all 2,400 messages would take twice as much.
    let length = fs::metadata(&log).expect("a log").len();
    assert!(length < 70_000, "{length}");
    let opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.uids(), [1]);
    opened.close().expect("closed");
    // No UID is given out twice.
    let one = vec![message(b"Subject: y\r\n\r\n")];
    let appended = scene
        .driver
        .append(&scene.place, &mut Queue(one), &job)
        .expect("appended");
    assert_eq!(appended.uids.first().map(|uid| uid.get()), Some(2401));
}

#[test]
fn keywords_have_letters_and_those_of_others_stay() {
    let scene = scene();
    scene.put("dovecot-keywords", "0 Work\n1 Later\n");
    scene.put("cur/1.x:2,abzQ", "Subject: x\n\n");
    let mut opened = scene.open(Access::ReadWrite);
    let words = |opened: &Opened| opened.list.messages()[0].flags.keywords().to_vec();
    assert_eq!(words(&opened), keywords(&["Work", "Later"]));
    let change = Flags::new(SystemFlags::NONE, keywords(&["new", "$Forwarded"]));
    opened
        .store(&[1], &FlagChange::Add(change))
        .expect("stored");
    assert_eq!(scene.names("cur"), ["1.x:2,PQabcz"]);
    assert_eq!(
        fs::read(scene.path("dovecot-keywords")).expect("there"),
        b"0 Work\n1 Later\n2 new\n"
    );
    // Somebody gives a letter a name: it is seen with the next change.
    scene.put("dovecot-keywords", "0 Work\n1 Later\n2 new\n25 last\n");
    scene.put("new/2.y", "Subject: y\n\n");
    opened.poll().expect("polled");
    assert!(words(&opened).contains(&keywords(&["last"])[0]));
    let many: Vec<String> = (0..30).map(|number| format!("k{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let change = Flags::new(SystemFlags::NONE, keywords(&many));
    opened
        .store(&[2], &FlagChange::Set(change))
        .expect("stored");
    assert_eq!(opened.list.messages()[1].flags.keywords().len(), 22);
    assert!(
        opened
            .log
            .notices()
            .iter()
            .any(|it| it.contains("26 keywords"))
    );
}

#[test]
fn odd_files_do_not_disturb() {
    let scene = scene();
    let long = format!("cur/{}:2,S", "x".repeat(251));
    scene.put(&long, "Subject: long\n\n");
    scene.put("cur/.hidden:2,", "no message");
    scene.put("cur/7.\u{1b}[31m:2,", "Subject: odd\n\n");
    scene.put("cur/5.x:2,S", "Subject: twice\n\n");
    scene.put("cur/5.x:2,", "Subject: twice\n\n");
    scene.put("cur/6.x,W=99999999999999999999:2,", "");
    fs::create_dir(scene.path("cur/8.folder:2,")).expect("a folder");
    symlink("/etc/passwd", scene.path("cur/9.link:2,")).expect("a link");
    symlink("nowhere", scene.path("cur/10.dangling:2,")).expect("a link");
    let mut opened = scene.open(Access::ReadWrite);
    for message in opened.list.messages().to_vec() {
        let whole = opened.read(message.uid.get(), Part::Whole);
        assert_eq!(whole.len() as u64, message.rfc822_size);
    }
    // What is no plain file is no message.
    assert_eq!(opened.uids().len(), 4);
    let uids = opened.uids();
    opened.store(&uids, &add(FLAGGED)).expect("stored");
    // No file was written over by a name that was there already.
    let twice = scene
        .names("cur")
        .into_iter()
        .filter(|name| name.starts_with("5.x"));
    assert_eq!(twice.count(), 2);
    opened
        .store(&uids, &add(SystemFlags::DELETED))
        .expect("stored");
    opened.expunge(None).expect("expunged");
    assert!(Path::new("/etc/passwd").exists() && scene.path("cur/8.folder:2,").exists());
    fs::remove_dir_all(scene.path("new")).expect("removed");
    let lost = opened.poll();
    assert!(matches!(lost, Err(Error::Changed(_))), "{lost:?}");
    assert_eq!(
        scene.driver.probe(&scene.place).expect("looked at"),
        Probe::Foreign
    );
}

#[test]
fn what_was_left_in_tmp_long_ago_goes() {
    let scene = scene();
    scene.put("tmp/old", "half");
    scene.put("tmp/young", "half");
    let long_ago = SystemTime::now() - Duration::from_secs(48 * 3600);
    let old = fs::File::options()
        .write(true)
        .open(scene.path("tmp/old"))
        .expect("open");
    old.set_times(
        fs::FileTimes::new()
            .set_accessed(long_ago)
            .set_modified(long_ago),
    )
    .expect("set");
    drop(old);
    scene.open(Access::ReadWrite).close().expect("closed");
    // Its inode was changed just now, so it is young still.
    assert_eq!(scene.names("tmp"), ["old", "young"]);
    let later = scene.desk.world.another(Arc::new(RealFiles));
    let now = (later.clock)();
    let later = mugo::os::environment::Environment {
        clock: Arc::new(move || now + 48 * 3600),
        ..later
    };
    let driver = MaildirDriver::new(&Arc::new(later));
    open(&driver, &scene.place, Access::ReadWrite)
        .expect("open")
        .close()
        .expect("closed");
    assert_eq!(scene.names("tmp"), Vec::<String>::new());
}

#[test]
fn where_nothing_can_be_written_it_opens_read_only_and_says_so() {
    let scene = scene();
    scene.put("new/1.x", "Subject: x\n\n");
    let fault = Fault::Failure {
        op: Op::Create,
        at: 0,
        errno: 13,
        lasting: true,
    };
    let layer = Faults::over(Arc::new(RealFiles), fault);
    let environment = Arc::new(scene.desk.world.another(Arc::new(layer)));
    let driver = MaildirDriver::new(&environment);
    let mut opened = open(&driver, &scene.place, Access::ReadWrite).expect("open");
    let state = opened.list.state().expect("told");
    assert_eq!(state.access, Access::ReadOnly);
    let why = state.why_read_only.as_ref().expect("a reason").raw();
    assert!(why.contains("may not be written"), "{why}");
    assert!(matches!(
        opened.store(&[1], &add(SEEN)),
        Err(Error::ReadOnly)
    ));
    assert_eq!(scene.names("new"), ["1.x"]);
}

#[test]
fn mailboxes_below_stay_when_it_is_deleted_and_uids_follow_its_name() {
    let scene = scene();
    let (job, _log) = job();
    let below = scene.desk.at(scene.path(".Below"));
    scene.driver.create(&below, &job).expect("made");
    scene.put("new/5.x", "Subject: x\n\n");
    let opened = scene.open(Access::ReadWrite);
    let validity = opened.list.state().expect("told").uid_validity;
    opened.close().expect("closed");
    let new = scene.desk.at(scene.desk.environment.home.join("deep/new"));
    scene
        .driver
        .rename(&scene.place, &new, &job)
        .expect("renamed");
    let opened = open(&scene.driver, &new, Access::ReadWrite).expect("open");
    assert_eq!(opened.list.state().expect("told").uid_validity, validity);
    opened.close().expect("closed");
    let refused = scene.driver.delete_empty(&new, &job);
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    scene.driver.delete(&new, &job).expect("deleted");
    assert_eq!(scene.driver.probe(&new).expect("looked at"), Probe::Foreign);
    let below = scene.desk.at(new.path.join(".Below"));
    assert_eq!(scene.driver.probe(&below).expect("looked at"), Probe::Mine);
    scene.driver.delete_empty(&below, &job).expect("deleted");
    assert!(!below.path.exists());
}

#[test]
fn no_message_is_missed_while_names_change() {
    const MANY: usize = 6_000;
    let scene = scene();
    for number in 0..MANY {
        scene.put(&format!("cur/{number}.x:2,"), "Subject: x\n\n");
    }
    let ended = AtomicBool::new(false);
    let (mut counts, mut listed) = (Vec::new(), 0);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            // No name changes twice while the folder is read twice.
            for round in 0.. {
                let letters = if round % 2 == 0 { ["", "S"] } else { ["S", ""] };
                for number in 0..MANY {
                    if ended.load(Ordering::SeqCst) {
                        return;
                    }
                    let [from, to] = letters.map(|it| format!("cur/{number}.x:2,{it}"));
                    scene.rename(&from, &to);
                    std::thread::sleep(Duration::from_micros(50));
                }
            }
        });
        let (job, _log) = job();
        for _ in 0..60 {
            counts.push(
                scene
                    .driver
                    .status(&scene.place, &job)
                    .map(|it| it.messages),
            );
        }
        listed = open(&scene.driver, &scene.place, Access::ReadOnly).map_or(0, |it| it.list.len());
        ended.store(true, Ordering::SeqCst);
    });
    let is_whole = |count: &mugo::driver::error::Result<u32>| matches!(count, Ok(6_000));
    assert!(counts.iter().all(is_whole), "{counts:?}");
    assert_eq!(listed, MANY);
}

#[test]
fn a_deliverer_a_renamer_and_two_readers_at_once() {
    const COUNT: usize = 1500;
    let scene = scene();
    let done = AtomicBool::new(false);
    let quiet = Barrier::new(3);
    let mut counts = [0, 0];
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for serial in 0..COUNT {
                let name = format!("{serial}.M{serial}.x");
                scene.put(&format!("tmp/{name}"), &format!("Subject: {serial}\n\n"));
                scene.rename(&format!("tmp/{name}"), &format!("new/{name}"));
            }
            done.store(true, Ordering::SeqCst);
        });
        threads.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                for name in scene
                    .names("cur")
                    .iter()
                    .filter(|name| name.ends_with(":2,"))
                {
                    // Somebody may be faster.
                    let _ = fs::rename(
                        scene.path(&format!("cur/{name}")),
                        scene.path(&format!("cur/{name}R")),
                    );
                }
            }
            quiet.wait();
        });
        for (number, count) in counts.iter_mut().enumerate() {
            let (scene, done, quiet) = (&scene, &done, &quiet);
            threads.spawn(move || {
                let another = scene.desk.world.another(Arc::new(RealFiles));
                let driver = MaildirDriver::new(&Arc::new(another));
                let mut opened = open(&driver, &scene.place, Access::ReadWrite).expect("open");
                let mut ended = false;
                // Whoever looks while names change may miss some until the next look.
                while !ended {
                    ended = done.load(Ordering::SeqCst);
                    opened.poll().expect("polled");
                    let uids = opened.uids();
                    let some: Vec<u32> = uids.iter().copied().skip(number).step_by(7).collect();
                    let change = add(if number == 0 { SEEN } else { FLAGGED });
                    opened.store(&some, &change).expect("stored");
                }
                quiet.wait();
                opened.poll().expect("polled");
                *count = opened.mailbox.uids().len();
            });
        }
    });
    assert_eq!(counts, [COUNT as u64, COUNT as u64]);
    assert_eq!(scene.names("new").len(), 0);
    let opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.uids().len(), COUNT);
    opened.close().expect("closed");
}

#[test]
fn a_staged_message_that_is_taken_away_is_not_called_delivered() {
    let scene = scene();
    let place = scene.place.path.clone();
    // Right before the name is given away: what a program that clears up does, or a mailbox that is replaced.
    for at in 0..40 {
        let tmp = place.join("tmp");
        let clear = move || {
            for file in fs::read_dir(&tmp).expect("a folder") {
                fs::remove_file(file.expect("readable").path()).expect("removed");
            }
        };
        let layer = Faults::over(Arc::new(RealFiles), Fault::None).with_intruder(at, clear);
        let another = scene.desk.world.another(Arc::new(layer.clone()));
        let driver = MaildirDriver::new(&Arc::new(another));
        let (job, _log) = job();
        let before = scene.names("cur").len();
        let mut queue = Queue(vec![
            message(b"Subject: 1\r\n\r\n"),
            message(b"Subject: 2\r\n\r\n"),
        ]);
        let done = driver.append(&scene.place, &mut queue, &job);
        let after = scene.names("cur").len() - before;
        assert_eq!(after, if done.is_ok() { 2 } else { 0 }, "{at}: {done:?}");
        if layer.trace().len() <= at {
            assert!(done.is_ok());
            break;
        }
    }
}

#[test]
fn a_mailbox_below_keeps_its_mail_whatever_its_name() {
    let scene = scene();
    let (job, _log) = job();
    let below = scene.desk.at(scene.path("dovecot-users"));
    scene.driver.create(&below, &job).expect("made");
    fs::write(below.path.join("new/1.x"), "Subject: x\n\n").expect("delivered");
    scene.put("dovecot-uidlist", "1");
    scene
        .driver
        .delete_empty(&scene.place, &job)
        .expect("deleted");
    assert!(below.path.join("new/1.x").exists() && !scene.path("dovecot-uidlist").exists());
}

#[test]
fn keyword_names_that_cannot_be_read_are_not_written_over() {
    let scene = scene();
    let long = format!("0 Work\n1 {}\n2 work\n3 two words\n", "x".repeat(80));
    scene.put("dovecot-keywords", &long);
    scene.put("cur/1.x:2,", "Subject: x\n\n");
    let mut opened = scene.open(Access::ReadWrite);
    let change = FlagChange::Add(Flags::new(SystemFlags::NONE, keywords(&["new"])));
    opened.store(&[1], &change).expect("stored");
    assert_eq!(scene.names("cur"), ["1.x:2,e"]);
    let names = fs::read_to_string(scene.path("dovecot-keywords")).expect("there");
    assert_eq!(names, format!("{long}4 new\n"));
    opened.close().expect("closed");
    fs::remove_file(scene.path("dovecot-keywords")).expect("removed");
    let outside = scene.desk.environment.home.join("precious");
    fs::write(&outside, "precious\n").expect("written");
    symlink(&outside, scene.path("dovecot-keywords")).expect("a link");
    let mut opened = scene.open(Access::ReadWrite);
    let change = FlagChange::Add(Flags::new(SystemFlags::NONE, keywords(&["other"])));
    assert!(matches!(
        opened.store(&[1], &change),
        Err(Error::Refused(_))
    ));
    assert_eq!(fs::read(&outside).expect("there"), b"precious\n");
}

#[test]
fn a_log_that_is_broken_in_its_middle_gives_no_uid_twice() {
    let scene = scene();
    let (job, _log) = job();
    for _ in 0..3 {
        let one = vec![message(b"Subject: x\r\n\r\n")];
        scene
            .driver
            .append(&scene.place, &mut Queue(one), &job)
            .expect("appended");
    }
    let opened = scene.open(Access::ReadWrite);
    let before = opened.list.state().expect("told").uid_validity;
    opened.close().expect("closed");
    let log = uid_log::KIND.place(&scene.desk.environment, &scene.place.path);
    let mut bytes = fs::read(&log).expect("a log");
    bytes[40] ^= 1;
    fs::write(&log, &bytes).expect("written");
    let opened = scene.open(Access::ReadWrite);
    let after = opened.list.state().expect("told").uid_validity;
    assert!(
        after > before && opened.list.len() == 3,
        "{before:?} {after:?}"
    );
    assert!(opened.log.notices().iter().any(|it| it.contains("damaged")));
}

#[test]
fn copies_come_behind_what_was_delivered_and_not_numbered_yet() {
    let scene = scene();
    let (job, _log) = job();
    for serial in 0..5 {
        scene.put(&format!("new/177200000{serial}.x"), "Subject: x\n\n");
    }
    let promised = scene
        .driver
        .status(&scene.place, &job)
        .expect("counted")
        .uid_next;
    let one = vec![message(b"Subject: copy\r\n\r\n")];
    let appended = scene
        .driver
        .append(&scene.place, &mut Queue(one), &job)
        .expect("appended");
    assert_eq!(appended.uids.first().copied(), promised);
    let opened = scene.open(Access::ReadWrite);
    assert_eq!(opened.uids(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        opened.list.state().expect("told").uid_validity,
        appended.uid_validity
    );
}

#[test]
fn another_mailbox_in_its_place_is_not_taken_for_it() {
    let scene = scene();
    scene.put("new/1.x", "Subject: x\n\n");
    let mut opened = scene.open(Access::ReadWrite);
    let (job, _log) = job();
    scene.driver.delete(&scene.place, &job).expect("deleted");
    scene.driver.create(&scene.place, &job).expect("made");
    scene.put("new/2.x", "Subject: y\n\n");
    assert!(matches!(opened.poll(), Err(Error::Changed(_))));
}

#[test]
fn inbox_with_mailboxes_below_it_stays_where_it_is() {
    let scene = scene();
    let (job, _log) = job();
    let inbox = Place {
        is_inbox: true,
        ..scene.place.clone()
    };
    let new = scene.desk.at(scene.desk.environment.home.join("new"));
    let below = scene.desk.at(scene.path(".Sent"));
    scene.driver.create(&below, &job).expect("made");
    let refused = scene.driver.rename(&inbox, &new, &job);
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    scene.driver.delete(&below, &job).expect("deleted");
    scene.driver.rename(&inbox, &new, &job).expect("renamed");
    assert_eq!(
        scene.driver.probe(&scene.place).expect("looked at"),
        Probe::Mine
    );
    assert_eq!(scene.driver.probe(&new).expect("looked at"), Probe::Mine);
}
