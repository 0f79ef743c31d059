//! news: the library's spool, `.newsrc` beside other newsreaders, flags that are kept, and what may be wrong with articles.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::error::Error;
use mugo::driver::message::Messages;
use mugo::driver::news::driver::NewsDriver;
use mugo::driver::news::facts::KEPT;
use mugo::driver::news::group::directory_of;
use mugo::driver::place::{Place, Protection};
use mugo::mail::change::Change;
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::name::MailboxName;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::environment::Environment;
use mugo::os::files::FileLayer;
use mugo::os::real_files::RealFiles;

use crate::common::faults::{Fault, Faults, Op};
use crate::desk::{Desk, Opened, Queue, add, fixture, job, keywords, message, open};

/// A spool with a list of groups, and a home.
pub(crate) struct Scene {
    pub(crate) desk: Desk,
}

/// The library's own spool.
pub(crate) fn scene() -> Scene {
    let desk = Desk::new();
    let root = desk.world.dir.path().join("news");
    let group = root.join("spool/comp/mail/misc");
    fs::create_dir_all(&group).expect("directories");
    for article in ["101", "102", "105"] {
        let bytes = fixture(&format!("news/comp/mail/misc/{article}"));
        put(&group.join(article), &bytes);
    }
    fs::write(root.join("active"), fixture("news/active")).expect("written");
    fs::write(
        desk.environment.home.join(".newsrc"),
        fixture("news/.newsrc"),
    )
    .expect("written");
    Scene { desk }
}

/// An article that was written long ago.
fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("an article");
    age(path, 1_772_449_200);
}

fn age(path: &Path, time: u64) {
    let file = fs::File::options().write(true).open(path).expect("open");
    file.set_modified(UNIX_EPOCH + Duration::from_secs(time))
        .expect("its time");
}

impl Scene {
    fn root(&self) -> PathBuf {
        self.desk.world.dir.path().join("news")
    }

    pub(crate) fn place(&self, group: &str) -> Place {
        let name = format!("#news.{group}");
        Place {
            name: MailboxName::parse(name.as_bytes()).expect("a name"),
            path: directory_of(&self.root().join("spool"), group.as_bytes()),
            is_inbox: false,
            protection: Protection::PRIVATE,
        }
    }

    fn path(&self, group: &str, name: &str) -> PathBuf {
        self.place(group).path.join(name)
    }

    fn driver(&self) -> NewsDriver {
        NewsDriver::new(&self.desk.environment)
    }

    /// The environment of a program that sees files through this layer.
    pub(crate) fn program(&self, files: Arc<dyn FileLayer>) -> Arc<Environment> {
        let mut environment = self.desk.world.another(files);
        environment.process.pid = 4_000_000;
        Arc::new(environment)
    }

    pub(crate) fn open(&self, group: &str, access: Access) -> Opened {
        open(&self.driver(), &self.place(group), access).expect("open")
    }

    pub(crate) fn newsrc(&self) -> String {
        let path = self.desk.environment.home.join(".newsrc");
        String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
    }

    pub(crate) fn write_newsrc(&self, text: &str) {
        fs::write(self.desk.environment.home.join(".newsrc"), text).expect("written");
    }

    /// A group with these articles, on the list too.
    fn group(&self, group: &str, articles: &[&str]) {
        let place = self.place(group);
        fs::create_dir_all(&place.path).expect("a directory");
        for article in articles {
            let text = format!("Subject: {article}\nMessage-ID: <{article}@{group}>\n\ntext\n");
            put(&place.path.join(article), text.as_bytes());
        }
        let mut active = fs::read(self.root().join("active")).expect("there");
        active.extend(format!("{group} 0000000012 0000000001 y\n").bytes());
        fs::write(self.root().join("active"), active).expect("written");
    }
}

const SEEN: SystemFlags = SystemFlags::SEEN;
pub(crate) const DELETED: SystemFlags = SystemFlags::DELETED;
pub(crate) const FLAGGED: SystemFlags = SystemFlags::FLAGGED;
const RECENT: SystemFlags = SystemFlags::RECENT;

fn remove(flags: SystemFlags) -> FlagChange {
    FlagChange::Remove(Flags::system(flags))
}

pub(crate) fn flags(opened: &Opened, uid: u32) -> SystemFlags {
    let all = opened.list.messages().iter();
    let mut found = all.filter(|it| it.uid.get() == uid);
    found.next().expect("there").flags.system
}

#[test]
fn the_librarys_spool_reads_as_its_readme_says_and_stays() {
    let scene = scene();
    let kept = scene.desk.environment.state.join("news");
    let mut careful = Arc::into_inner(scene.program(Arc::new(RealFiles))).expect("one");
    careful.read_only = true;
    let driver = NewsDriver::new(&Arc::new(careful));
    let place = scene.place("comp.mail.misc");
    let opened = open(&driver, &place, Access::ReadOnly).expect("open");
    opened.close().expect("closed");
    assert!(!kept.exists(), "nothing may be written");
    for access in [Access::ReadOnly, Access::ReadWrite, Access::ReadWrite] {
        let mut opened = scene.open("comp.mail.misc", access);
        let state = opened.list.state().expect("told").clone();
        assert_eq!(state.uid_validity.map(|it| it.get()), Some(3_203_398_350));
        assert_eq!(state.uid_next.map(|it| it.get()), Some(106));
        assert!(state.access == access && state.sticky_uids);
        for (uid, flags) in [
            (101, DELETED | SEEN),
            (102, SystemFlags::NONE),
            (105, DELETED | SEEN),
        ] {
            let uid = mugo::mail::uid::Uid::new(uid).expect("not 0");
            let found = opened.list.message(uid).expect("there").clone();
            assert_eq!((found.flags.system, found.rfc822_size), (flags, 167));
            let date = found.internal_date.to_fixed();
            assert_eq!(date, " 2-Mar-2026 11:00:00 +0000");
            let text = opened.read(uid.get(), Part::Text);
            // Where the library starts too late.
            assert!(text.starts_with(b"body 10") && text.len() == 17);
            assert_eq!(opened.read(uid.get(), Part::Header).len(), 150);
        }
        assert_eq!(opened.list.len(), 3);
        opened.check().expect("checked");
        opened.close().expect("closed");
        assert_eq!(scene.newsrc().as_bytes(), fixture("news/.newsrc"));
        assert!(kept.exists());
    }
}

#[test]
fn what_is_written_is_what_the_library_writes() {
    for (before, articles, change, after) in [
        ("", &["5", "6", "8", "12"][..], (true, &[5][..]), "g: 1-5\n"),
        ("", &["5", "6", "8", "12"], (true, &[6]), "g: 1-4,6-7\n"),
        ("", &["5", "6", "8", "12"], (true, &[8]), "g: 1-4,8-11\n"),
        ("", &["5", "6", "8", "12"], (true, &[12]), "g: 1-4,12\n"),
        ("", &["5", "6", "8", "12"], (true, &[5, 8]), "g: 1-5,8-11\n"),
        (
            "",
            &["5", "6", "8", "12"],
            (true, &[5, 6, 8, 12]),
            "g: 1-12\n",
        ),
        ("", &["1", "2", "8", "12"], (true, &[2]), "g: 2-7\n"),
        (
            "g: 1-20\n",
            &["5", "6", "8", "12"],
            (false, &[6]),
            "g: 1-5,8-12\n",
        ),
        (
            "g: 1-20\n",
            &["5", "6", "8", "12"],
            (false, &[12]),
            "g: 1-11\n",
        ),
        (
            "g: 1-3,6,30-40\n",
            &["5", "6", "8", "12"],
            (true, &[5]),
            "g: 1-7\n",
        ),
        (
            "g! 1-3,6\r\nh: 4\r\n",
            &["5", "6", "8", "12"],
            (true, &[5]),
            "g! 1-7\r\nh: 4\r\n",
        ),
        ("h: 1\ng", &["5", "6"], (true, &[5]), "h: 1\ng\ng: 1-5\n"),
        (
            "h: 1\n\n# c\ng:6\n",
            &["5", "6", "8", "12"],
            (false, &[6]),
            "h: 1\n\n# c\ng: 1-4\n",
        ),
        (
            "h: 1\ng:6\ng: 8\n",
            &["5", "6", "8", "12"],
            (true, &[5]),
            "h: 1\ng: 1-7\ng: 8\n",
        ),
        (
            "g: 1-2\nh: 3\n",
            &["1", "2"],
            (false, &[1, 2]),
            "g:\nh: 3\n",
        ),
        ("h:\n\ng: 1", &["1", "2"], (true, &[2]), "h:\n\ng: 1-2"),
        // Here the library writes nothing, or loses what stood there.
        ("h: 1", &["5", "6"], (true, &[5]), "h: 1\ng: 1-5\n"),
        (
            "g! 1-3,6\rh: 4\r",
            &["5", "6"],
            (true, &[5]),
            "g! 1-6\rh: 4\r",
        ),
        (
            "options -s\ng: 12\n",
            &["5", "6"],
            (true, &[5]),
            "options -s\ng: 1-5,12\n",
        ),
    ] {
        let scene = scene();
        scene.group("g", articles);
        scene.write_newsrc(before);
        let mut opened = scene.open("g", Access::ReadWrite);
        let (read, uids) = change;
        let change = if read { add(DELETED) } else { remove(DELETED) };
        opened.store(uids, &change).expect("stored");
        assert_eq!(scene.newsrc(), after, "{before:?} {uids:?}");
        let old = scene.desk.environment.home.join(".newsrc.old");
        let old = fs::read(old).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&old), before);
        // Once more changes nothing.
        fs::write(scene.desk.environment.home.join(".newsrc.old"), "x").expect("written");
        opened.store(uids, &change).expect("stored");
        let old = fs::read(scene.desk.environment.home.join(".newsrc.old"));
        assert_eq!(old.expect("there"), b"x");
        let again = scene.open("g", Access::ReadOnly);
        assert_eq!(again.list.messages().len(), opened.list.messages().len());
        for uid in opened.uids() {
            let recent = |flags: SystemFlags| flags.without(RECENT);
            assert_eq!(recent(flags(&again, uid)), recent(flags(&opened, uid)));
        }
    }
}

#[test]
fn other_newsreaders_and_this_one_see_each_others_changes() {
    let scene = scene();
    let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
    scene.write_newsrc("alt.test! 1-9\ncomp.mail.misc: 1-102\n");
    let changes = opened.poll().expect("polled");
    assert!(matches!(&changes[..], [Change::Flags(flags)] if flags.len() == 2));
    assert_eq!(flags(&opened, 105), SystemFlags::NONE);
    scene.write_newsrc("alt.test! 1-11\nnew.one:\ncomp.mail.misc: 1-101\n");
    opened.store(&[105], &add(DELETED)).expect("stored");
    assert_eq!(
        scene.newsrc(),
        "alt.test! 1-11\nnew.one:\ncomp.mail.misc: 1-101,105\n"
    );
    assert_eq!(flags(&opened, 102), SystemFlags::NONE);
    // Undeleted is unread.
    opened.store(&[101, 105], &remove(DELETED)).expect("stored");
    assert_eq!(flags(&opened, 101), SystemFlags::NONE);
    fs::remove_file(scene.desk.environment.home.join(".newsrc")).expect("removed");
    opened.poll().expect("polled");
    opened.store(&[101], &add(DELETED)).expect("stored");
    assert_eq!(scene.newsrc(), "comp.mail.misc: 1-101\n");
}

#[test]
fn flags_and_keywords_are_kept_by_message_id() {
    let scene = scene();
    let group = "comp.mail.misc";
    let mut opened = scene.open(group, Access::ReadWrite);
    let mut second = scene.open(group, Access::ReadWrite);
    let before = scene.newsrc();
    let work = FlagChange::Add(Flags::new(FLAGGED | SEEN, keywords(&["Work", "later"])));
    opened.store(&[102], &work).expect("stored");
    opened.store(&[101], &add(FLAGGED)).expect("stored");
    assert_eq!(scene.newsrc(), before);
    let changes = second.poll().expect("polled");
    assert!(matches!(&changes[..], [Change::State(_), Change::Flags(flags)] if flags.len() == 2));
    second
        .store(
            &[102],
            &FlagChange::Remove(Flags::new(SEEN, keywords(&["later"]))),
        )
        .expect("stored");
    drop((opened, second));
    // The spool is built anew, with other numbers.
    let numbers = [("101", "7"), ("102", "9")];
    for (old, new) in numbers {
        fs::rename(scene.path(group, old), scene.path(group, new)).expect("renamed");
    }
    let opened = scene.open(group, Access::ReadOnly);
    let found = opened.list.messages();
    assert_eq!(
        found[1].flags,
        Flags::new(FLAGGED | DELETED | SEEN, keywords(&["Work"]))
    );
    assert_eq!(flags(&opened, 7), FLAGGED | DELETED | SEEN);
    let state = opened.list.state().expect("told");
    assert_eq!(state.keywords, keywords(&["Work", "later"]));
}

#[test]
fn an_expunge_hides_and_removes_nothing() {
    let scene = scene();
    let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
    opened.expunge(Some(&[102, 105])).expect("hidden");
    assert_eq!(opened.uids(), [101, 102]);
    opened.expunge(None).expect("hidden");
    assert_eq!(opened.uids(), [102]);
    let before = scene.newsrc();
    opened.store(&[101, 105], &remove(DELETED)).expect("stored");
    assert_eq!(scene.newsrc(), before);
    opened.store(&[102], &add(DELETED)).expect("stored");
    assert_eq!(scene.newsrc(), "comp.mail.misc: 1-105\nalt.test! 1-4\n");
    opened.check().expect("checked");
    assert_eq!(opened.uids(), [102]);
    assert_eq!(opened.log.notices().len(), 1);
    drop(opened);
    let again = scene.open("comp.mail.misc", Access::ReadWrite);
    assert_eq!(again.uids(), [101, 102, 105]);
    assert!(scene.path("comp.mail.misc", "101").exists());
}

#[test]
fn articles_come_and_go_while_a_group_is_open() {
    let scene = scene();
    let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
    fs::remove_file(scene.path("comp.mail.misc", "101")).expect("expired");
    put(
        &scene.path("comp.mail.misc", "110"),
        b"Subject: new\n\ntext\n",
    );
    put(
        &scene.path("comp.mail.misc", "103"),
        b"Subject: late\n\ntext\n",
    );
    opened.poll().expect("polled");
    // One that comes with a lower number is told when the group is opened again.
    assert_eq!(opened.uids(), [102, 105, 110]);
    assert_eq!(flags(&opened, 110), RECENT);
    opened.store(&[110], &add(DELETED)).expect("stored");
    assert_eq!(
        scene.newsrc(),
        "comp.mail.misc: 1-101,105-110\nalt.test! 1-4\n"
    );
    drop(opened);
    let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
    assert_eq!(opened.uids(), [102, 103, 105, 110]);
    fs::remove_dir_all(&scene.place("comp.mail.misc").path).expect("expired");
    opened.poll().expect("polled");
    assert!(opened.list.is_empty());
    fs::remove_dir_all(scene.root().join("spool")).expect("removed");
    assert!(matches!(opened.poll(), Err(Error::Changed(_))));
}

#[test]
fn a_group_without_articles_is_empty_until_one_comes() {
    let scene = scene();
    let mut opened = scene.open("comp.mail.elm", Access::ReadWrite);
    assert!(opened.list.is_empty());
    fs::create_dir(&scene.place("comp.mail.elm").path).expect("made");
    put(
        &scene.path("comp.mail.elm", "1"),
        b"Subject: first\n\ntext\n",
    );
    opened.poll().expect("polled");
    assert_eq!(opened.uids(), [1]);
}

#[test]
fn articles_in_several_groups_are_read_in_all() {
    let scene = scene();
    scene.group("a.one", &[]);
    scene.group("b.two", &["5"]);
    scene.group("c.three", &[]);
    let text = b"Subject: x\nMessage-ID: <x@y>\nXref: host a.one:3 b.two:7 c.three:9 \
        comp.mail.misc:102 no.group:1 ../../x:1 b.two:5\n\ntext\n";
    put(&scene.path("a.one", "3"), text);
    fs::hard_link(scene.path("a.one", "3"), scene.path("b.two", "7")).expect("linked");
    put(&scene.path("c.three", "9"), text);
    scene.write_newsrc("z: 1\nb.two: 1-4\na.one:\n");
    let mut opened = scene.open("a.one", Access::ReadWrite);
    let mut other = scene.open("b.two", Access::ReadWrite);
    opened.store(&[3], &add(DELETED)).expect("stored");
    // Not in the group where that number is another article, nor in one that there is not, or that the user does not have.
    let expected = "z: 1\nb.two: 1-4,7\na.one: 1-3\n";
    assert_eq!(scene.newsrc(), expected);
    other.poll().expect("polled");
    assert_eq!(flags(&other, 7), DELETED | SEEN | RECENT);
    other.store(&[7], &add(FLAGGED)).expect("stored");
    opened.poll().expect("polled");
    assert!(flags(&opened, 3).contains(FLAGGED));
    other.store(&[7], &remove(DELETED)).expect("stored");
    assert_eq!(scene.newsrc(), "z: 1\nb.two: 1-4\na.one: 1-2\n");
}

#[test]
fn odd_files_are_no_articles() {
    let scene = scene();
    let group = "comp.mail.misc";
    let outside = scene.root().join("secret");
    put(&outside, b"Subject: secret\n\n");
    symlink(&outside, scene.path(group, "1")).expect("linked");
    symlink("nowhere", scene.path(group, "2")).expect("linked");
    symlink("../../mail/misc/102", scene.path(group, "4")).expect("linked");
    fs::create_dir(scene.path(group, "3")).expect("made");
    let fifo = std::process::Command::new("mkfifo")
        .arg(scene.path(group, "6"))
        .status();
    assert!(fifo.expect("mkfifo runs").success());
    for name in [
        "0",
        "007",
        "7x",
        "-8",
        "+9",
        ".overview",
        "4294967296",
        "99999999999999999999",
    ] {
        put(&scene.path(group, name), b"Subject: no\n\n");
    }
    put(&scene.path(group, "2147483648"), b"Subject: large\n\nx\n");
    put(&scene.path(group, "4294967295"), b"no header at all");
    put(&scene.path(group, "200"), b"");
    put(&scene.path(group, "201"), &vec![b'x'; 200_000]);
    let mut opened = scene.open(group, Access::ReadWrite);
    let expected = [4, 101, 102, 105, 200, 201, 2_147_483_648, 4_294_967_295];
    assert_eq!(opened.uids(), expected);
    for uid in expected {
        let whole = opened.read(uid, Part::Whole);
        let found = opened
            .list
            .message(mugo::mail::uid::Uid::new(uid).expect("not 0"));
        assert_eq!(found.expect("there").rfc822_size, whole.len() as u64);
    }
    let told = opened.log.notices();
    assert!(
        told.iter()
            .any(|it| it.starts_with("2 articles have numbers above")),
        "{told:?}"
    );
    // A file that leaves the tree while the group is open is not read either.
    fs::remove_file(scene.path(group, "105")).expect("removed");
    symlink(&outside, scene.path(group, "105")).expect("linked");
    let uid = mugo::mail::uid::Uid::new(105).expect("not 0");
    let read = opened
        .mailbox
        .read(uid, Part::Whole, &mut Vec::new(), &opened.job);
    assert!(matches!(read, Err(Error::NoSuchMessage)));
    opened
        .store(&[4_294_967_295], &add(DELETED))
        .expect("stored");
    assert!(
        scene
            .newsrc()
            .starts_with("comp.mail.misc: 1-101,4294967295\n")
    );
}

#[test]
fn articles_in_wire_format_are_read_without_it() {
    let scene = scene();
    let group = "comp.mail.misc";
    let long = "..dots and so on\r\n".repeat(10_000);
    let text = format!("Message-ID: <w@x>\r\nSubject: wire\r\n\r\n..one\r\ntwo.\r\n{long}.\r\n");
    put(&scene.path(group, "300"), text.as_bytes());
    put(
        &scene.path(group, "301"),
        b"Subject: short\r\n\r\n..\r\n.\r\n",
    );
    put(&scene.path(group, "302"), b"Subject: no wire\n\n..one\n.\n");
    let mut opened = scene.open(group, Access::ReadOnly);
    let long = ".dots and so on\r\n".repeat(10_000);
    for (uid, expected) in [
        (300, format!(".one\r\ntwo.\r\n{long}")),
        (301, ".\r\n".to_owned()),
        (302, "..one\r\n.\r\n".to_owned()),
    ] {
        let whole = opened.read(uid, Part::Whole);
        let text = opened.read(uid, Part::Text);
        assert_eq!(String::from_utf8_lossy(&text), expected);
        let header = opened.read(uid, Part::Header);
        assert_eq!(whole, [header, text].concat());
        let uid = mugo::mail::uid::Uid::new(uid).expect("not 0");
        let told = opened.list.message(uid).expect("there").rfc822_size;
        assert_eq!(told, whole.len() as u64);
    }
}

#[test]
fn an_article_that_grows_is_told_anew() {
    let scene = scene();
    let path = scene.path("comp.mail.misc", "102");
    drop(scene.open("comp.mail.misc", Access::ReadWrite));
    fs::write(&path, b"Subject: longer\n\nmore text\nand more\n").expect("written");
    let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
    let whole = opened.read(102, Part::Whole);
    assert_eq!(whole.len(), 40);
    opened.poll().expect("polled");
    let found = opened.list.messages()[1].clone();
    assert_eq!((found.uid.get(), found.rfc822_size), (102, 40));
    assert_eq!(opened.list.len(), 3);
}

#[test]
fn damaged_lists_and_states_harm_nobody() {
    let scene = scene();
    let active = scene.root().join("active");
    let long = "x".repeat(100 << 10);
    for text in [
        format!("{long} 1 1 y\ncomp.mail.misc"),
        format!("comp.mail.misc 99999999999999999999 {long}\r\n\0\0\n"),
        format!("\n\n\u{1}\u{2}\ncomp.mail.misc\t5\r\n{long}"),
    ] {
        fs::write(&active, text).expect("written");
        assert_eq!(scene.open("comp.mail.misc", Access::ReadOnly).list.len(), 3);
    }
    fs::write(&active, fixture("news/active")).expect("written");
    let many: Vec<String> = (1..20_000u32).map(|it| (it * 3).to_string()).collect();
    for (line, read) in [
        (
            format!("comp.mail.misc: {}", many.join(",")),
            &[102, 105][..],
        ),
        (format!("{long}: 1\ncomp.mail.misc! 101-"), &[]),
        (
            format!("comp.mail.misc: 1-101\u{0},102,{long},105"),
            &[102, 105],
        ),
        (
            "comp.mail.misc: 101,102-99999999999999999999999".to_owned(),
            &[101, 102, 105],
        ),
        ("comp.mail.misc".to_owned(), &[]),
        (format!("{long}\r{long}"), &[]),
    ] {
        scene.write_newsrc(&line);
        let _none = fs::remove_file(scene.desk.environment.home.join(".newsrc.old"));
        let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
        let found = opened.list.messages().iter();
        let found = found.filter(|it| it.flags.has(DELETED));
        let found: Vec<u32> = found.map(|it| it.uid.get()).collect();
        assert_eq!(found, read, "{}", &line[..line.len().min(40)]);
        opened.store(&[102], &add(DELETED)).expect("stored");
        let again = scene.open("comp.mail.misc", Access::ReadOnly);
        assert!(flags(&again, 102).contains(DELETED));
    }
}

#[test]
fn where_newsrc_cannot_be_written_the_group_is_read_only() {
    let scene = scene();
    let home = scene.desk.environment.home.clone();
    fs::remove_file(home.join(".newsrc")).expect("removed");
    fs::create_dir(home.join(".newsrc")).expect("made");
    let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
    let state = opened.list.state().expect("told").clone();
    assert!(state.access == Access::ReadOnly && state.why_read_only.is_some());
    assert!(matches!(
        opened.store(&[102], &add(DELETED)),
        Err(Error::ReadOnly)
    ));
    fs::remove_dir(home.join(".newsrc")).expect("removed");
    // A link stays one, and a mode is kept.
    let elsewhere = scene.root().join("elsewhere");
    fs::write(&elsewhere, "x: 1\n").expect("written");
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o640)).expect("a mode");
    symlink(&elsewhere, home.join(".newsrc")).expect("linked");
    let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
    opened.store(&[102], &add(DELETED)).expect("stored");
    assert!(home.join(".newsrc").is_symlink());
    let metadata = fs::metadata(&elsewhere).expect("there");
    assert_eq!(metadata.mode() & 0o777, 0o640);
    assert_eq!(scene.newsrc(), "x: 1\ncomp.mail.misc: 1-100,102-104\n");
}

#[test]
fn only_groups_on_the_list_are_opened() {
    let scene = scene();
    let driver = scene.driver();
    let (job, _log) = job();
    fs::create_dir_all(scene.place("comp.lang").path).expect("made");
    for group in [
        "comp.lang",
        "comp",
        "comp.mail.mis",
        "COMP.mail.misc",
        "mail.misc",
    ] {
        let place = scene.place(group);
        assert_eq!(
            driver.probe(&place).expect("looked at"),
            Probe::Missing,
            "{group}"
        );
        let refused = driver.open(&place, Access::ReadWrite, &job);
        assert!(matches!(
            refused,
            Err(Error::NoSuchMailbox {
                can_create: false,
                ..
            })
        ));
    }
    let place = scene.place("comp.mail.misc");
    assert!(matches!(
        driver.create(&place, &job),
        Err(Error::Unsupported { .. })
    ));
    assert!(matches!(
        driver.delete(&place, &job),
        Err(Error::Unsupported { .. })
    ));
    let refused = driver.rename(&place, &scene.place("x"), &job);
    assert!(matches!(refused, Err(Error::Unsupported { .. })));
    let mut one = Queue(vec![message(b"Subject: x\r\n\r\n")]);
    let refused = driver.append(&place, &mut one, &job);
    assert!(matches!(refused, Err(Error::Unsupported { .. })));
    assert!(one.next(&job).expect("there").is_some());
}

#[test]
fn what_is_kept_for_a_faster_opening_is_never_the_truth() {
    let scene = scene();
    let group = "comp.mail.misc";
    let place = scene.place(group);
    age_directory();
    drop(scene.open(group, Access::ReadWrite));
    let kept = KEPT.place(&scene.desk.environment, &place.path);
    let whole = fs::read(&kept).expect("kept");
    let expected: Vec<_> = scene.open(group, Access::ReadOnly).list.messages().to_vec();
    for at in (0..whole.len()).step_by(3) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x21;
        fs::write(&kept, &damaged).expect("written");
        let opened = scene.open(group, Access::ReadOnly);
        assert_eq!(opened.list.messages(), expected, "{at}");
    }
    // That of another group is not believed.
    scene.group("g", &["101", "102", "105", "106"]);
    let other = KEPT.place(&scene.desk.environment, &scene.place("g").path);
    fs::write(&other, &whole).expect("written");
    assert_eq!(scene.open("g", Access::ReadOnly).list.len(), 4);
}

/// Names that came a moment ago may not be all: lets them be older.
fn age_directory() {
    std::thread::sleep(Duration::from_millis(2100));
}

#[test]
fn a_second_opening_looks_at_no_article() {
    let scene = scene();
    let articles: Vec<String> = (1..=40).map(|number| number.to_string()).collect();
    let articles: Vec<&str> = articles.iter().map(String::as_str).collect();
    scene.group("g", &articles);
    age_directory();
    drop(scene.open("g", Access::ReadWrite));
    for op in [Op::Open, Op::Look] {
        let counted = Fault::Failure {
            op,
            at: 1_000_000,
            errno: 5,
            lasting: false,
        };
        let layer = Faults::over(Arc::new(RealFiles), counted);
        let driver = NewsDriver::new(&scene.program(Arc::new(layer.clone())));
        let opened = open(&driver, &scene.place("g"), Access::ReadOnly).expect("open");
        assert_eq!(opened.list.len(), 40);
        assert!(layer.count() < 20, "{op:?}: {}", layer.count());
    }
}
