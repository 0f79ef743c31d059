//! Rules of the driver `phile`.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant, UNIX_EPOCH};

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::error::Error;
use mugo::driver::phile::driver::Phile;
use mugo::driver::place::Place;
use mugo::driver::table::local_drivers;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;

use crate::desk::{Desk, fixture, job, open};

fn dated(desk: &Desk, name: &str, content: &[u8]) -> Place {
    let place = desk.place(name, content);
    let time = UNIX_EPOCH + Duration::from_secs(1_772_449_200);
    let file = std::fs::File::options()
        .append(true)
        .open(&place.path)
        .expect("there");
    file.set_modified(time).expect("dated");
    place
}

#[test]
fn every_fixture_is_one_message() {
    let desk = Desk::new();
    let driver = Phile::new(&desk.environment);
    for (name, kind, text) in [
        ("ascii", "TEXT/PLAIN; charset=US-ASCII", 14),
        (
            "utf8",
            "TEXT/PLAIN; charset=UTF-8\r\nContent-Transfer-Encoding: 8BIT",
            6,
        ),
        (
            "binary",
            "APPLICATION/OCTET-STREAM; name=binary\r\nContent-Transfer-Encoding: BASE64",
            10,
        ),
        ("crlf", "TEXT/PLAIN; charset=US-ASCII", 6),
        ("iso2022jp", "TEXT/PLAIN; charset=ISO-2022-JP", 10),
        ("iso2022kr", "TEXT/PLAIN; charset=ISO-2022-KR", 10),
        ("iso2022cn", "TEXT/PLAIN; charset=ISO-2022-CN", 10),
    ] {
        let place = dated(&desk, name, &fixture(&format!("phile/{name}")));
        let mut opened = open(&driver, &place, Access::ReadWrite).expect(name);
        assert_eq!(opened.uids(), [1]);
        let header = String::from_utf8(opened.read(1, Part::Header)).expect("UTF-8");
        let end = format!("MIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n");
        assert!(header.ends_with(&end), "{header}");
        assert_eq!(opened.read(1, Part::Text).len(), text, "{name}");
        let size = opened.list.messages()[0].rfc822_size;
        assert_eq!(opened.read(1, Part::Whole).len() as u64, size, "{name}");
        let state = opened.list.state().expect("told").clone();
        assert_eq!(state.access, Access::ReadOnly);
        assert_eq!(
            state.uid_validity.map(|number| number.get()),
            Some(1_772_449_200)
        );
        assert_eq!(state.uid_next.map(|uid| uid.get()), Some(2));
    }
}

#[test]
fn long_files_are_streamed_and_sized_right() {
    let desk = Desk::new();
    let driver = Phile::new(&desk.environment);
    let mut binary: Vec<u8> = (0..700_001u32).map(|number| (number % 251) as u8).collect();
    for length in [1, 2, 3, 44, 45, 46, 262_143, 262_144, 700_001] {
        binary[0] = 0;
        let place = desk.place("binary", &binary[..length]);
        let mut opened = open(&driver, &place, Access::ReadOnly).expect("open");
        let size = opened.list.messages()[0].rfc822_size;
        assert_eq!(opened.read(1, Part::Whole).len() as u64, size, "{length}");
    }
    let text = "gr\u{fc}n ".repeat(100_000);
    let place = desk.place("text", text.as_bytes());
    let mut opened = open(&driver, &place, Access::ReadOnly).expect("open");
    let header = String::from_utf8(opened.read(1, Part::Header)).expect("UTF-8");
    assert!(header.contains("charset=UTF-8"), "{header}");
    assert_eq!(opened.read(1, Part::Text), text.as_bytes());
}

#[test]
fn a_changed_file_is_told_anew() {
    let desk = Desk::new();
    let driver = Phile::new(&desk.environment);
    let place = desk.place("file", b"one\n");
    let mut opened = open(&driver, &place, Access::ReadOnly).expect("open");
    std::fs::write(&place.path, b"another\n").expect("written");
    opened.poll().expect("polled");
    assert_eq!(opened.read(1, Part::Text), b"another\r\n");
    std::fs::remove_file(&place.path).expect("removed");
    assert!(matches!(opened.poll(), Err(Error::Changed(_))));
}

#[test]
fn what_is_no_file_is_refused_at_once_by_every_driver() {
    let desk = Desk::new();
    let home = desk.environment.home.clone();
    std::fs::create_dir(home.join("folder")).expect("made");
    let status = std::process::Command::new("mkfifo")
        .arg(home.join("fifo"))
        .status();
    assert!(status.expect("mkfifo runs").success());
    let _socket = std::os::unix::net::UnixListener::bind(home.join("socket")).expect("bound");
    symlink("nowhere", home.join("dangling")).expect("linked");
    let start = Instant::now();
    for driver in local_drivers(&desk.environment) {
        let (job, _log) = job();
        for name in ["folder", "fifo", "socket", "dangling"] {
            let place = desk.at(home.join(name));
            let at = format!("{} {name}", driver.characteristics().driver);
            if at == "mh folder" {
                // Any folder of this home is a mailbox of its.
                continue;
            }
            assert!(
                driver.open(&place, Access::ReadWrite, &job).is_err(),
                "{at}"
            );
            assert!(driver.status(&place, &job).is_err(), "{at}");
            let probe = driver.probe(&place).expect("looked at");
            assert_eq!(probe == Probe::Missing, name == "dangling", "{at}");
        }
        let device = desk.at("/dev/zero".into());
        assert!(driver.open(&device, Access::ReadOnly, &job).is_err());
    }
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn the_uid_follows_the_content_and_not_the_times() {
    let desk = Desk::new();
    let phile = Phile::new(&desk.environment);
    let place = desk.place("note", b"hello\n");
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_577_836_800);
    let date = |place: &Place| {
        let file = std::fs::File::options().append(true).open(&place.path);
        file.and_then(|file| file.set_modified(old)).expect("dated");
    };
    let whose = |access| {
        let opened = open(&phile, &place, access).expect("open");
        let state = opened.list.state().expect("told").clone();
        let validity = state.uid_validity.map(|number| number.get());
        (opened.uids(), validity, state.sticky_uids)
    };
    date(&place);
    // Looking only remembers nothing.
    assert_eq!(
        whose(Access::ReadOnly),
        (vec![1], Some(1_577_836_800), false)
    );
    assert!(!desk.environment.state.join("remembered").exists());
    assert_eq!(
        whose(Access::ReadWrite),
        (vec![1], Some(1_577_836_800), true)
    );
    // Touched: the same message.
    std::fs::write(&place.path, b"hello\n").expect("written");
    assert_eq!(
        whose(Access::ReadOnly),
        (vec![1], Some(1_577_836_800), true)
    );
    // Another content, also with the old date: another message.
    std::fs::write(&place.path, b"other\n").expect("written");
    date(&place);
    assert_eq!(
        whose(Access::ReadOnly),
        (vec![2], Some(1_577_836_800), true)
    );
    assert_eq!(
        whose(Access::ReadWrite),
        (vec![2], Some(1_577_836_800), true)
    );
    assert_eq!(
        whose(Access::ReadWrite),
        (vec![2], Some(1_577_836_800), true)
    );
    let status = phile.status(&place, &job().0).expect("counted");
    assert_eq!(status.uid_next.map(|uid| uid.get()), Some(3));
}

#[test]
fn a_mailbox_that_lost_its_beginning_is_pointed_out() {
    let desk = Desk::new();
    let phile = Phile::new(&desk.environment);
    for format in ["mbx", "tenex", "mtx"] {
        let whole = fixture(&format!("{format}/two"));
        let place = desk.place("box", &[b"?", &whole[1..]].concat());
        let opened = open(&phile, &place, Access::ReadOnly).expect("open");
        let told = opened.log.notices();
        let hint = format!("--format {format}");
        assert!(
            told.iter().any(|it| it.contains(&hint)),
            "{format}: {told:?}"
        );
    }
    let place = desk.place("text", &b"some prose,249;000000000021\n".repeat(5_000));
    let opened = open(&phile, &place, Access::ReadOnly).expect("open");
    assert!(opened.log.notices().is_empty());
}
