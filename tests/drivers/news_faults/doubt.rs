use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use mugo::driver::contract::LocalDriver;
use mugo::driver::error::Error;
use mugo::driver::news::driver::NewsDriver;
use mugo::mail::change::Change;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::mail::uid::Uid;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::desk::{add, job, keywords, open};
use crate::news::{DELETED, FLAGGED, Scene, flags, scene};

const GROUP: &str = "comp.mail.misc";
const SEEN: SystemFlags = SystemFlags::SEEN;

/// An article that was written at this time.
fn put(scene: &Scene, group: &str, name: &str, text: &str, time: u64) {
    let directory = scene.place(group).path;
    fs::create_dir_all(&directory).expect("a directory");
    fs::write(directory.join(name), text).expect("an article");
    let file = fs::File::options().write(true).open(directory.join(name));
    let time = UNIX_EPOCH + Duration::from_secs(time);
    file.expect("open").set_modified(time).expect("its time");
}

/// Puts a group on the list.
fn list(scene: &Scene, group: &str) {
    let active = scene.desk.world.dir.path().join("news/active");
    let mut text = fs::read_to_string(&active).expect("there");
    text.push_str(&format!("{group} 9 1 y\n"));
    fs::write(active, text).expect("written");
}

const LONG_AGO: u64 = 1_700_000_000;

#[test]
fn articles_without_message_id_share_no_flags_with_those_of_other_groups() {
    let scene = scene();
    for group in ["a", "b"] {
        list(&scene, group);
        put(&scene, group, "1", "Subject: no number\n\nx\n", LONG_AGO);
    }
    let mut one = scene.open("a", Access::ReadWrite);
    one.store(&[1], &add(FLAGGED)).expect("stored");
    assert!(!flags(&scene.open("b", Access::ReadOnly), 1).contains(FLAGGED));
    assert!(flags(&scene.open("a", Access::ReadOnly), 1).contains(FLAGGED));
}

#[test]
fn what_could_not_be_read_once_is_not_taken_for_a_fact() {
    let scene = scene();
    // So that the directory is settled.
    std::thread::sleep(Duration::from_millis(2100));
    for op in [Op::Read, Op::Open] {
        for at in 0.. {
            let kept = scene.desk.environment.state.join("news");
            let _none = fs::remove_dir_all(&kept);
            let fault = Fault::Failure {
                op,
                at,
                errno: 5,
                lasting: false,
            };
            let layer = Faults::over(Arc::new(RealFiles), fault);
            let driver = NewsDriver::new(&scene.program(Arc::new(layer.clone())));
            let opened = open(&driver, &scene.place(GROUP), Access::ReadWrite);
            drop(opened);
            let opened = scene.open(GROUP, Access::ReadWrite);
            for message in opened.list.messages() {
                assert_eq!(message.rfc822_size, 167, "{op:?} {at}");
            }
            if !layer.hit() {
                break;
            }
        }
    }
}

#[test]
fn flags_go_to_the_article_that_is_there_and_not_to_one_that_was() {
    let scene = scene();
    std::thread::sleep(Duration::from_millis(2100));
    drop(scene.open(GROUP, Access::ReadWrite));
    // Another article is written into the file: no name changes.
    put(
        &scene,
        GROUP,
        "102",
        "Message-ID: <other@x>\n\nx\n",
        LONG_AGO,
    );
    let mut opened = scene.open(GROUP, Access::ReadWrite);
    opened.store(&[102], &add(FLAGGED)).expect("stored");
    assert!(flags(&opened, 102).contains(FLAGGED));
    drop(opened);
    let _none = fs::remove_file(scene.place(GROUP).path.join("102"));
    put(
        &scene,
        GROUP,
        "107",
        "Message-ID: <other@x>\n\nx\n",
        LONG_AGO,
    );
    let opened = scene.open(GROUP, Access::ReadWrite);
    assert!(flags(&opened, 107).contains(FLAGGED));
}

#[test]
fn flags_in_front_of_and_behind_something_damaged_are_kept() {
    let scene = scene();
    let kept = scene.desk.environment.state.join("news/marks");
    let mut opened = scene.open(GROUP, Access::ReadWrite);
    let length = || fs::metadata(&kept).map_or(16, |it| it.len() as usize);
    let mut ends = Vec::new();
    for (uid, word) in [(101, "One"), (102, "Two"), (105, "Three")] {
        let change = FlagChange::Add(Flags::new(FLAGGED, keywords(&[word])));
        opened.store(&[uid], &change).expect("stored");
        ends.push(length());
    }
    drop(opened);
    let whole = fs::read(&kept).expect("there");
    for at in ends[0]..ends[1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x41;
        fs::write(&kept, &damaged).expect("written");
        let mut opened = scene.open(GROUP, Access::ReadWrite);
        let work = FlagChange::Add(Flags::new(FLAGGED, keywords(&["Four"])));
        for round in 0..2 {
            for (uid, word) in [(101, "One"), (105, "Three")] {
                let message = opened.list.message(Uid::new(uid).expect("not 0"));
                let flags = &message.expect("there").flags;
                assert!(flags.has(FLAGGED), "{at} {round}");
                assert_eq!(flags.keywords(), keywords(&[word]), "{at} {round}");
            }
            opened.store(&[102], &work).expect("stored");
            opened = scene.open(GROUP, Access::ReadWrite);
            let message = opened.list.message(Uid::new(102).expect("not 0"));
            let flags = &message.expect("there").flags;
            assert_eq!(flags.keywords(), keywords(&["Four"]), "{at}");
        }
    }
}

#[test]
fn another_file_of_flags_in_the_same_inode_is_read_from_its_beginning() {
    let scene = scene();
    let kept = scene.desk.environment.state.join("news/marks");
    let mut opened = scene.open(GROUP, Access::ReadWrite);
    opened.store(&[102], &add(FLAGGED)).expect("stored");
    let first = fs::read(&kept).expect("there");
    let _none = fs::remove_file(&kept);
    let mut other = scene.open(GROUP, Access::ReadWrite);
    other.store(&[101, 105], &add(SEEN)).expect("stored");
    drop(other);
    let second = fs::read(&kept).expect("there");
    assert!(second.len() > first.len());
    // As if its inode had been the first one's.
    fs::write(&kept, &first).expect("written");
    opened.poll().expect("polled");
    assert!(flags(&opened, 102).contains(FLAGGED));
    fs::write(&kept, &second).expect("written");
    opened.poll().expect("polled");
    assert!(!flags(&opened, 102).contains(FLAGGED));
    assert!(flags(&opened, 101).contains(SEEN));
}

#[test]
fn a_file_of_flags_that_is_too_large_is_refused_in_words() {
    let scene = scene();
    let kept = scene.desk.environment.state.join("news/marks");
    let mut opened = scene.open(GROUP, Access::ReadWrite);
    opened.store(&[102], &add(FLAGGED)).expect("stored");
    let file = fs::File::options().write(true).open(&kept).expect("open");
    file.set_len((1 << 30) + 1).expect("large");
    let stored = opened.store(&[101], &add(FLAGGED));
    assert!(matches!(stored, Err(Error::Refused(_))), "{stored:?}");
    let told = opened.log.notices();
    assert!(told.iter().any(|it| it.contains("news/marks")), "{told:?}");
}

#[test]
fn counting_opens_no_article_unless_flags_make_it() {
    let scene = scene();
    list(&scene, "comp");
    fs::create_dir(scene.place(GROUP).path.join("2600")).expect("made");
    list(&scene, "comp.mail.misc.2600");
    let count = || {
        let fault = Fault::Failure {
            op: Op::Open,
            at: 1_000_000,
            errno: 5,
            lasting: false,
        };
        let layer = Faults::over(Arc::new(RealFiles), fault);
        let driver = NewsDriver::new(&scene.program(Arc::new(layer.clone())));
        let (job, _log) = job();
        let status = driver.status(&scene.place(GROUP), &job).expect("counted");
        let counts = (status.messages, status.recent, status.unseen);
        let next = status.uid_next.map(|it| it.get());
        (counts, next, layer.count())
    };
    let (counts, next, opens) = count();
    assert_eq!((counts, next), ((3, 0, 1), Some(106)));
    assert!(opens <= 6, "{opens}");
    let mut opened = scene.open(GROUP, Access::ReadWrite);
    opened.store(&[102], &add(SEEN)).expect("stored");
    opened.close().expect("closed");
    for kept in [true, false] {
        assert_eq!(count().0, (3, 0, 0), "{kept}");
        for entry in fs::read_dir(scene.desk.environment.state.join("news")).expect("there") {
            let entry = entry.expect("readable");
            if entry.file_name() != "marks" {
                fs::remove_file(entry.path()).expect("removed");
            }
        }
    }
}

#[test]
fn an_article_that_becomes_something_else_is_told_as_gone() {
    let scene = scene();
    let mut opened = scene.open(GROUP, Access::ReadWrite);
    let path = scene.place(GROUP).path.join("102");
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("made");
    let uid = Uid::new(102).expect("not 0");
    let read = opened
        .mailbox
        .read(uid, Part::Whole, &mut Vec::new(), &opened.job);
    assert!(matches!(read, Err(Error::NoSuchMessage)));
    let changes = opened.hear();
    assert!(matches!(&changes[..], [Change::Expunged(_)]), "{changes:?}");
    assert_eq!(opened.uids(), [101, 105]);
}

#[test]
fn links_that_lead_round_are_no_articles() {
    let scene = scene();
    let directory = scene.place(GROUP).path;
    symlink("300", directory.join("301")).expect("linked");
    symlink("301", directory.join("300")).expect("linked");
    let opened = scene.open(GROUP, Access::ReadOnly);
    assert_eq!(opened.uids(), [101, 102, 105]);
}

#[test]
fn what_is_not_seen_any_more_is_not_read_any_more() {
    let scene = scene();
    let mut opened = scene.open(GROUP, Access::ReadWrite);
    let unseen = FlagChange::Remove(Flags::system(SEEN));
    opened.store(&[105], &unseen).expect("stored");
    assert_eq!(flags(&opened, 105), SystemFlags::NONE);
    assert!(scene.newsrc().starts_with("comp.mail.misc: 1-101\n"));
}

#[test]
fn what_cannot_be_read_in_another_groups_line_is_told() {
    let scene = scene();
    list(&scene, "a.one");
    list(&scene, "b.two");
    let text = "Message-ID: <x@y>\nXref: host a.one:3 b.two:7\n\ntext\n";
    put(&scene, "a.one", "3", text, LONG_AGO);
    put(&scene, "b.two", "7", text, LONG_AGO);
    scene.write_newsrc("a.one:\nb.two! 1-4,x\n");
    let mut opened = scene.open("a.one", Access::ReadWrite);
    opened.store(&[3], &add(DELETED)).expect("stored");
    assert_eq!(scene.newsrc(), "a.one: 1-3\nb.two! 1-4,7\n");
    let told = opened.log.notices();
    assert!(told.iter().any(|it| it.contains("b.two")), "{told:?}");
}

#[test]
fn a_large_article_is_told_without_being_read_to_its_end() {
    let scene = scene();
    put(&scene, GROUP, "300", "Subject: large\n\n", LONG_AGO);
    let path = scene.place(GROUP).path.join("300");
    let file = fs::File::options().write(true).open(path).expect("open");
    file.set_len(8 << 30).expect("large");
    let begin = Instant::now();
    let opened = scene.open(GROUP, Access::ReadOnly);
    assert!(begin.elapsed() < Duration::from_secs(3));
    let message = opened.list.message(Uid::new(300).expect("not 0"));
    assert_eq!(message.expect("there").rfc822_size, 8 << 30);
}

#[test]
fn headers_are_those_that_are_read() {
    let scene = scene();
    for (name, text) in [
        ("300", "Subject: no text\r\n..dot: x\r\n.\r\n"),
        ("301", "..dot: x\r\n\r\ntext\r\n.\r\n"),
        ("302", "Subject: no wire\n.dot: x\n\ntext\n"),
        ("303", "Subject: none\n"),
        ("304", ""),
    ] {
        put(&scene, GROUP, name, text, LONG_AGO);
    }
    let mut opened = scene.open(GROUP, Access::ReadOnly);
    let uids: Vec<Uid> = opened.uids().into_iter().filter_map(Uid::new).collect();
    let mut found = Vec::new();
    let (job, _log) = job();
    let mut take = |uid: Uid, header: &[u8]| found.push((uid, header.to_vec()));
    opened
        .mailbox
        .headers(&uids, &mut take, &job)
        .expect("read");
    assert_eq!(found.len(), 8);
    for (uid, header) in found {
        let read = opened.read(uid.get(), Part::Header);
        assert_eq!(
            String::from_utf8_lossy(&header),
            String::from_utf8_lossy(&read),
            "{uid:?}"
        );
    }
}

#[test]
fn a_file_that_may_not_be_written_is_not_replaced() {
    if rustix::process::geteuid().is_root() {
        return;
    }
    let scene = scene();
    let path = scene.desk.environment.home.join(".newsrc");
    let mut permissions = fs::metadata(&path).expect("there").permissions();
    permissions.set_readonly(true);
    let mut before = scene.open(GROUP, Access::ReadWrite);
    fs::set_permissions(&path, permissions).expect("a mode");
    let stored = before.store(&[102], &add(DELETED));
    assert!(matches!(stored, Err(Error::Io { .. })), "{stored:?}");
    let opened = scene.open(GROUP, Access::ReadWrite);
    let state = opened.list.state().expect("told");
    assert!(state.access == Access::ReadOnly && state.why_read_only.is_some());
}
