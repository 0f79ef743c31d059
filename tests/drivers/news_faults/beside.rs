use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, mpsc};
use std::thread::{JoinHandle, scope, sleep, spawn};
use std::time::{Duration, SystemTime};

use mugo::driver::error::Error;
use mugo::mail::status::Access;
use mugo::os::real_files::RealFiles;

use super::{AFTER, BEFORE, LATER, mark};
use crate::common::faults::{Fault, Faults, Op};
use crate::desk::{Opened, add};
use crate::news::{DELETED, Scene, scene};

/// The files called `.newsrc` and more, by their names, with what is in them.
pub(super) fn files(scene: &Scene) -> Vec<(String, String)> {
    let home = fs::read_dir(&scene.desk.environment.home).expect("a home");
    let all = home.map(|entry| entry.expect("readable"));
    let all = all.map(|entry| {
        let text = fs::read(entry.path()).unwrap_or_default();
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, String::from_utf8_lossy(&text).into_owned())
    });
    let mut all: Vec<_> = all.filter(|it| it.0.starts_with(".newsrc")).collect();
    all.retain(|it| !it.0.starts_with(".newsrc.lock"));
    all.sort();
    all
}

fn put(scene: &Scene, name: &str, text: &str) {
    let path = scene.desk.environment.home.join(name);
    fs::write(&path, text).expect("written");
    let long_ago = SystemTime::now() - Duration::from_secs(100);
    let file = fs::File::options().write(true).open(path).expect("open");
    file.set_modified(long_ago).expect("its time");
}

/// What a newsreader makes of [`BEFORE`].
fn theirs() -> String {
    BEFORE.replace("alt.test! 1-4", "alt.test: 1-77") + "new.group: 5\r\n"
}

/// The changing operations of marking an article, those on `.newsrc` alone.
fn operations(fault: Fault) -> Vec<(usize, Op, String)> {
    let scene = scene();
    scene.write_newsrc(BEFORE);
    let layer = Faults::over(Arc::new(RealFiles), fault);
    assert!(mark(&scene, Arc::new(layer.clone()), LATER));
    let all = layer.trace().into_iter().enumerate();
    let all = all.map(|(at, (op, path))| (at, op, path.to_string_lossy().into_owned()));
    all.filter(|it| it.2.contains(".newsrc")).collect()
}

fn exchange() -> usize {
    let all = operations(Fault::None);
    let mut found = all
        .iter()
        .filter(|(_, op, path)| *op == Op::Rename && path.ends_with(".newsrc.mugo"));
    found.next().expect("files change places").0
}

/// Empties the file now and fills it in steps after that, as c-client does.
fn write_slowly(scene: &Scene) -> JoinHandle<()> {
    let path = scene.desk.environment.home.join(".newsrc");
    let mut file = fs::File::create(path).expect("open");
    spawn(move || {
        let text = theirs();
        let (front, rest) = text.split_at(27);
        sleep(Duration::from_millis(130));
        file.write_all(front.as_bytes()).expect("written");
        sleep(Duration::from_millis(230));
        file.write_all(rest.as_bytes()).expect("written");
    })
}

#[test]
fn a_file_that_is_emptied_and_filled_again_is_waited_for() {
    let exchange = exchange();
    let one = |at: usize| {
        let scene = scene();
        scene.write_newsrc(BEFORE);
        let (send, receive) = mpsc::channel();
        let layer = Faults::over(Arc::new(RealFiles), Fault::None);
        scope(|threads| {
            let their = &scene;
            let (tell, told) = mpsc::channel();
            let layer = layer.with_intruder(at, move || {
                tell.send(()).expect("heard");
                receive.recv().expect("emptied");
            });
            threads.spawn(move || {
                if told.recv().is_ok() {
                    let writer = write_slowly(their);
                    send.send(()).expect("heard");
                    writer.join().expect("written");
                }
            });
            mark(&scene, Arc::new(layer), 0)
        });
        for (name, text) in files(&scene) {
            let is_whole = text.contains("alt.test: 1-77\r\nnew.group: 5\r\n");
            let is_before = name == ".newsrc.old" && text == BEFORE;
            assert!(is_whole || is_before, "{at}: {name}: {text:?}");
        }
        at > exchange || scene.newsrc().contains("comp.mail.misc: 1-105\r\n")
    };
    let marked = scope(|threads| {
        let all = operations(Fault::None).into_iter();
        let all: Vec<_> = all.map(|(at, ..)| threads.spawn(move || one(at))).collect();
        let marked = all.into_iter().map(|it| it.join().expect("whole"));
        marked.filter(|it| *it).count()
    });
    assert!(marked > 5, "{marked}");
}

fn refused(opened: &mut Opened) {
    let stored = opened.store(&[102], &add(DELETED));
    assert!(matches!(stored, Err(Error::Refused(_))), "{stored:?}");
    let notices = opened.log.notices();
    let told = notices.last().expect("a notice");
    assert!(told.contains("/.newsrc.old"), "{told}");
}

#[test]
fn a_file_that_was_cut_off_is_no_ground_to_write_on() {
    let whole = "a: 1\nb! 1-4\ncomp.mail.misc: 1-101\nd: 1-9\ne: 3\n";
    let there = |text: &str| (".newsrc".to_owned(), text.to_owned());
    let old = || (".newsrc.old".to_owned(), whole.to_owned());
    for cut in [0, 3, 5, 15, 20, 36, whole.len() - 1] {
        // A killed program left it so.
        let scene = scene();
        put(&scene, ".newsrc", &whole[..cut]);
        put(&scene, ".newsrc.old", whole);
        let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
        refused(&mut opened);
        assert_eq!(files(&scene), [there(&whole[..cut]), old()]);
        // It is so while a group is open.
        fs::remove_file(scene.desk.environment.home.join(".newsrc.old")).expect("removed");
        put(&scene, ".newsrc", whole);
        let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
        put(&scene, ".newsrc", &whole[..cut]);
        opened.poll().expect("polled");
        refused(&mut opened);
        assert_eq!(files(&scene), [there(&whole[..cut])]);
        // The user wants it so.
        let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
        opened.store(&[102], &add(DELETED)).expect("stored");
        assert!(scene.newsrc().starts_with(&whole[..cut.min(30)]));
        opened.store(&[105], &add(DELETED)).expect("stored");
    }
}

#[test]
fn who_reads_the_old_file_does_not_write_over_it() {
    let scene = scene();
    scene.write_newsrc(BEFORE);
    let home = &scene.desk.environment.home;
    let inode = |name: &str| fs::metadata(home.join(name)).expect("there").ino();
    let before = inode(".newsrc");
    let reader = fs::File::open(home.join(".newsrc")).expect("open");
    let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
    opened.store(&[102], &add(DELETED)).expect("stored");
    assert_ne!(inode(".newsrc.old"), before);
    fs::write(home.join(".newsrc.old"), "").expect("emptied");
    let text = std::io::read_to_string(reader).expect("readable");
    assert_eq!(text, BEFORE);
}

#[test]
fn what_another_newsreader_wrote_outlives_what_the_disk_refuses() {
    let exchange = exchange();
    for (op, lasting) in [
        (Op::Read, false),
        (Op::Read, true),
        (Op::Open, false),
        (Op::Open, true),
        (Op::Rename, false),
        (Op::Rename, true),
        (Op::SyncDir, false),
    ] {
        for at in 0.. {
            let scene = scene();
            scene.write_newsrc(BEFORE);
            let fault = Fault::Failure {
                op,
                at,
                errno: 5,
                lasting,
            };
            let path = scene.desk.environment.home.join(".newsrc");
            let layer = Faults::over(Arc::new(RealFiles), fault);
            let layer = layer.with_intruder(exchange, move || {
                fs::write(&path, theirs()).expect("written");
            });
            mark(&scene, Arc::new(layer.clone()), LATER);
            let came = layer.trace().len() > exchange;
            let all = files(&scene);
            let new = |it: &(String, String)| it.1.contains("alt.test: 1-77\r\nnew.group: 5\r\n");
            assert!(!came || all.iter().any(new), "{op:?} {at}: {all:?}");
            if !layer.hit() {
                break;
            }
        }
    }
}

#[test]
fn what_a_killed_program_left_is_removed_unless_it_is_nowhere_else() {
    for (left, kept) in [
        (BEFORE, false),
        (AFTER, false),
        ("", false),
        ("other: 1-3\n", true),
    ] {
        let scene = scene();
        put(&scene, ".newsrc", BEFORE);
        let old = if kept { AFTER } else { BEFORE };
        put(&scene, ".newsrc.old", old);
        put(&scene, ".newsrc.kept", "older");
        put(&scene, ".newsrc.mugo", left);
        let mut opened = scene.open("comp.mail.misc", Access::ReadWrite);
        opened.store(&[102], &add(DELETED)).expect("stored");
        let mut expected = vec![
            (".newsrc", AFTER),
            (".newsrc.kept", "older"),
            (".newsrc.old", BEFORE),
        ];
        if kept {
            expected.insert(2, (".newsrc.kept.1", left));
        }
        let found = files(&scene);
        let found: Vec<_> = found.iter().map(|it| (&*it.0, &*it.1)).collect();
        assert_eq!(found, expected);
        let told = opened.log.notices();
        assert_eq!(told.iter().any(|it| it.contains(".newsrc.kept.1")), kept);
    }
}

#[test]
fn where_nothing_is_renamed_without_writing_over_a_link_does_it() {
    for at in 0.. {
        let scene = scene();
        let path = scene.desk.environment.home.join(".newsrc");
        fs::remove_file(&path).expect("removed");
        let fault = Fault::Failure {
            op: Op::Rename,
            at: 0,
            errno: 38,
            lasting: true,
        };
        let layer = Faults::over(Arc::new(RealFiles), fault);
        let layer = layer.with_intruder(at, move || {
            fs::write(&path, "a: 1\n").expect("written");
        });
        mark(&scene, Arc::new(layer.clone()), 0);
        let came = layer.trace().len() > at;
        assert_eq!(scene.newsrc().contains("a: 1\n"), came, "{at}");
        if !came {
            assert_eq!(scene.newsrc(), "comp.mail.misc: 1-100,102-104\n");
            break;
        }
    }
}
