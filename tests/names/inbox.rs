//! The INBOX matrix: every kind of home, and the driver that gets INBOX there, with the reasons why not another.

use std::fs;
use std::path::PathBuf;

use mugo::backend::choose::{choose, for_append};
use mugo::backend::drivers::Drivers;
use mugo::backend::inbox::inbox_report;
use mugo::os::formats::{FormatChoice, Formats};
use mugo::os::home::Overrides;
use mugo::os::naming::{MhChoices, Mode, Naming};

use crate::homes::{Home, job, place};

const UNIX: &[u8] =
    b"From alice@mail.example.org Mon Mar  2 10:20:31 2026 +0100\nSubject: x\n\nText.\n";
const MMDF: &[u8] = b"\x01\x01\x01\x01\nSubject: x\n\nText.\n\x01\x01\x01\x01\n";
const TENEX: &[u8] = b" 2-Mar-2026 10:20:31 +0100,19;000000000000\nSubject: x\n\nText.\n";
const MTX: &[u8] = b" 2-Mar-2026 10:20:31 +0100,22;000000000000\r\nSubject: x\r\n\r\nText.\r\n";
const JUNK: &[u8] = b"no mailbox at all\n";

/// A mailbox in mbx format without messages.
fn mbx() -> Vec<u8> {
    let mut header = b"*mbx*\r\n6ab9fb4000000000\r\n".to_vec();
    header.extend(b"\r\n".repeat(30));
    header.resize(2048, 0);
    header
}

/// What stands in a home: the spool as `S`, everything else below the home.
type Files<'f> = &'f [(&'f str, &'f [u8])];

fn fill(home: &Home, files: Files<'_>) {
    for (path, content) in files {
        if *path == "S" {
            fs::write(home.spool(), content).expect("a spool");
        } else {
            home.write(path, content);
        }
    }
}

/// The files of a mailbox in Maildir format.
fn maildir(name: &str) -> [(&str, &[u8]); 3] {
    let file: fn(&str) -> [&str; 3] = |name| match name {
        "INBOX" => ["INBOX/cur/1.x:2,", "INBOX/new/2.x", "INBOX/tmp/3.x"],
        _ => ["Maildir/cur/1.x:2,", "Maildir/new/2.x", "Maildir/tmp/3.x"],
    };
    file(name).map(|file| (file, UNIX))
}

/// What the rules chose.
struct Chosen {
    driver: &'static str,
    path: PathBuf,
    snarfs: bool,
    /// The driver of each rule that was tried, with the reason.
    tried: Vec<(&'static str, String)>,
}

fn chosen(home: &Home, overrides: Overrides) -> Chosen {
    let environment = home.environment_with(overrides);
    let drivers = Drivers::new(&environment);
    let choice = choose(&drivers, &place(&environment, "INBOX")).expect("a driver");
    let report = inbox_report(&drivers);
    let held = report.iter().filter(|rule| rule.matched).count();
    assert_eq!(held, 1, "one rule decides");
    assert!(
        report.last().is_some_and(|rule| rule.matched),
        "and is the last one tried"
    );
    let tried = report.into_iter().map(|rule| (rule.driver, rule.why));
    Chosen {
        driver: choice.driver.characteristics().driver,
        path: choice.place.path,
        snarfs: choice.snarf.is_some(),
        tried: tried.collect(),
    }
}

/// Whether Mugo has this driver: rows of formats to come are passed over.
fn is_built_in(driver: &str) -> bool {
    Drivers::new(&Home::new().environment())
        .known(driver)
        .is_some()
}

#[test]
fn in_a_clear_box_the_first_rule_that_holds_decides() {
    let mbx = mbx();
    let matrix: &[(Files<'_>, &str, &str)] = &[
        (&[], "dummy", "S"),
        (&[("S", b"")], "dummy", "S"),
        (&[("S", UNIX)], "unix", "S"),
        (&[("S", MMDF)], "mmdf", "S"),
        (&[("S", JUNK)], "dummy", "S"),
        (&[("S", &mbx)], "dummy", "S"),
        (&[("S", TENEX)], "dummy", "S"),
        (&[("mbox", b"")], "mbox", "mbox"),
        (&[("mbox", b""), ("S", b"")], "mbox", "mbox"),
        (&[("mbox", b""), ("S", UNIX)], "mbox", "mbox"),
        (&[("mbox", UNIX), ("S", UNIX)], "mbox", "mbox"),
        (&[("mbox", UNIX), ("S", MMDF)], "mmdf", "S"),
        (&[("mbox", UNIX), ("S", JUNK)], "dummy", "S"),
        (&[("mbox", JUNK), ("S", UNIX)], "unix", "S"),
        (&[("mbox", MMDF), ("S", UNIX)], "unix", "S"),
        (&[("mbox", b""), ("INBOX", &mbx)], "mbox", "mbox"),
        (&[("INBOX", &mbx)], "mbx", "INBOX"),
        (&[("INBOX", &mbx), ("S", UNIX)], "mbx", "INBOX"),
        (&[("INBOX", &mbx), ("mail.txt", b"")], "mbx", "INBOX"),
        (&[("INBOX", TENEX)], "tenex", "INBOX"),
        (&[("mail.txt", TENEX), ("S", UNIX)], "tenex", "mail.txt"),
        (&[("mail.txt", b"")], "tenex", "mail.txt"),
        (&[("mail.txt", UNIX)], "dummy", "S"),
        (&[("INBOX", TENEX), ("mail.txt", TENEX)], "tenex", "INBOX"),
        (&[("INBOX", MTX)], "mtx", "INBOX"),
        (&[("INBOX.MTX", MTX), ("S", UNIX)], "mtx", "INBOX.MTX"),
        (&[("INBOX.MTX", b"")], "mtx", "INBOX.MTX"),
        (&[("INBOX", MTX), ("INBOX.MTX", MTX)], "mtx", "INBOX"),
        (&[("INBOX", MTX), ("mail.txt", b"")], "tenex", "mail.txt"),
        (&[("INBOX", UNIX)], "dummy", "S"),
        (&[("INBOX", MMDF)], "dummy", "S"),
        (&[("INBOX", b"")], "dummy", "S"),
        (&[("INBOX", UNIX), ("S", UNIX)], "unix", "S"),
        (&[("INBOX/x", UNIX), ("S", UNIX)], "unix", "S"),
        (&maildir("INBOX"), "maildir", "INBOX"),
        (
            &[&maildir("INBOX")[..], &[("S", UNIX)]].concat(),
            "maildir",
            "INBOX",
        ),
        (&maildir("INBOX")[..2], "dummy", "S"),
        (
            &[&maildir("INBOX")[..], &[("mbox", b"")]].concat(),
            "mbox",
            "mbox",
        ),
        (
            &[&maildir("Maildir")[..], &[("S", UNIX)]].concat(),
            "unix",
            "S",
        ),
        (&[("INBOX/.mixmeta", b""), ("S", UNIX)], "mix", "INBOX"),
        (&[("INBOX/.mxindex", b""), ("S", UNIX)], "mx", "INBOX"),
        (&[("INBOX/.mxindex/x", b""), ("S", UNIX)], "unix", "S"),
    ];
    for (files, driver, file) in matrix {
        let names: Vec<_> = files.iter().map(|file| file.0).collect();
        if !is_built_in(driver) {
            continue;
        }
        let home = Home::new();
        fill(&home, files);
        let chosen = chosen(&home, home.overrides());
        let path = if *file == "S" {
            home.spool()
        } else {
            home.path(file)
        };
        assert_eq!((chosen.driver, &chosen.path), (*driver, &path), "{names:?}");
        assert_eq!(chosen.snarfs, *file != "S", "{names:?}: {driver} snarfs");
    }
}

#[test]
fn in_every_box_inbox_is_one_file_and_nothing_is_moved_there() {
    let mbx = mbx();
    let matrix: &[(Option<&[u8]>, &str)] = &[
        (None, "dummy"),
        (Some(b""), "dummy"),
        (Some(&mbx), "mbx"),
        (Some(TENEX), "tenex"),
        (Some(MTX), "mtx"),
        (Some(MMDF), "mmdf"),
        (Some(UNIX), "unix"),
        (Some(JUNK), "phile"),
    ];
    for (content, driver) in matrix.iter().filter(|row| is_built_in(row.1)) {
        let home = Home::new();
        let black_box = home.outside().join("box");
        let user = home.environment().user.name.clone();
        let in_box = black_box.join(user);
        let modes = [
            Mode::BlackBox {
                folder: black_box,
                default_home: None,
            },
            Mode::ClosedBox,
            Mode::Anonymous { home: None },
            Mode::Anonymous {
                home: Some(in_box.clone()),
            },
        ];
        // None of these files is looked at.
        fill(
            &home,
            &[
                ("S", UNIX),
                ("mbox", UNIX),
                ("mail.txt", TENEX),
                ("INBOX.MTX", b""),
            ],
        );
        fs::create_dir_all(&in_box).expect("a folder");
        if let Some(content) = content {
            home.write("INBOX", content);
            fs::write(in_box.join("INBOX"), content).expect("a file");
        }
        for mode in modes {
            let naming = Naming {
                mode: mode.clone(),
                ..Naming::default()
            };
            let chosen = chosen(
                &home,
                Overrides {
                    naming,
                    ..home.overrides()
                },
            );
            assert_eq!(chosen.driver, *driver, "{mode:?}");
            assert!(chosen.path.ends_with("INBOX") && !chosen.snarfs, "{mode:?}");
        }
    }
}

#[test]
fn the_inbox_of_mh_is_one_only_where_that_is_wanted() {
    let wanted = Naming {
        mh: MhChoices {
            allow_inbox: true,
            folder: None,
        },
        ..Naming::default()
    };
    let profile = (".mh_profile", &b"Path: post\n"[..]);
    let mail = ("post/inbox/1", &b"Subject: x\n\n"[..]);
    for (files, naming, driver) in [
        (&[profile, mail, ("S", UNIX)][..], &wanted, "mh"),
        (&[profile, mail, ("S", MMDF)], &wanted, "mh"),
        (&[profile, mail, ("mbox", b"")], &wanted, "mbox"),
        (&[profile, mail, ("INBOX", &mbx())], &wanted, "mbx"),
        (&[profile, ("S", UNIX)], &wanted, "unix"),
        (&[mail, ("S", UNIX)], &wanted, "unix"),
        (
            &[profile, ("post/inbox", b""), ("S", UNIX)],
            &wanted,
            "unix",
        ),
        (&[profile, mail, ("S", UNIX)], &Naming::default(), "unix"),
    ] {
        let home = Home::new();
        fill(&home, files);
        let overrides = Overrides {
            naming: naming.clone(),
            ..home.overrides()
        };
        let chosen = chosen(&home, overrides);
        let names: Vec<_> = files.iter().map(|file| file.0).collect();
        assert_eq!(chosen.driver, driver, "{names:?}");
        if driver == "mh" {
            assert_eq!(chosen.path, home.path("post/inbox"));
            assert!(chosen.snarfs);
        }
    }
    // By its own names it is there in any case, also before it is made, and new mail is moved there.
    let home = Home::new();
    fill(&home, &[profile]);
    let environment = home.environment();
    let drivers = Drivers::new(&environment);
    for (name, snarfs) in [
        ("#mhinbox", true),
        ("#mh/inbox", true),
        ("#mh/other", false),
    ] {
        fs::create_dir_all(home.path("post/other")).expect("made");
        let choice = choose(&drivers, &place(&environment, name)).expect(name);
        assert_eq!(choice.driver.characteristics().driver, "mh");
        assert_eq!(choice.snarf.is_some(), snarfs, "{name}");
    }
    let missing = choose(&drivers, &place(&environment, "#mh/none"));
    assert!(missing.is_err());
}

#[test]
fn the_report_says_why_not() {
    let home = Home::new();
    fill(&home, &[("mbox", MMDF), ("INBOX/x", b""), ("S", UNIX)]);
    let tried = chosen(&home, home.overrides()).tried;
    let why = |driver: &str| {
        let found = tried.iter().find(|rule| rule.0 == driver);
        found.map(|rule| rule.1.as_str()).expect(driver)
    };
    assert_eq!(why("unix"), "it is in unix format");
    for (driver, expected) in [
        ("mbox", "it is in another format"),
        ("mix", "it is a folder without .mixmeta"),
        ("maildir", "it is a directory"),
        ("mbx", "it is a directory"),
        ("tenex", "it is a directory"),
        ("mtx", "it is a directory"),
        ("mmdf", "it is in another format"),
    ] {
        let missing = format!("format not built in: {driver}");
        let expected = if is_built_in(driver) {
            expected
        } else {
            &missing
        };
        assert_eq!(why(driver), expected);
    }
}

#[test]
fn a_spool_of_another_format_keeps_mbox_out_and_the_report_says_so() {
    if !is_built_in("mbox") {
        return;
    }
    let home = Home::new();
    fill(&home, &[("mbox", UNIX), ("S", JUNK)]);
    let tried = chosen(&home, home.overrides()).tried;
    let why =
        "it is in unix format, but the spool is in another format, which could not be moved there";
    assert_eq!(tried.first().map(|rule| rule.1.as_str()), Some(why));
}

#[test]
fn mail_in_a_format_that_is_not_read_is_an_alarm() {
    let home = Home::new();
    fill(&home, &[("INBOX/.mixmeta", b""), ("S", UNIX)]);
    let formats = Formats {
        disabled: vec!["mix".to_owned()],
        ..Formats::default()
    };
    let environment = home.environment_with(Overrides {
        formats,
        ..home.overrides()
    });
    let report = inbox_report(&Drivers::new(&environment));
    let mix = report
        .iter()
        .find(|rule| rule.driver == "mix")
        .expect("a rule");
    assert!(mix.alarming && !mix.matched, "{}", mix.why);
    assert!(
        report
            .iter()
            .filter(|rule| rule.driver != "mix")
            .all(|rule| !rule.alarming)
    );
}

#[test]
fn a_driver_that_is_switched_off_gets_nothing() {
    let home = Home::new();
    fill(&home, &[("S", UNIX), ("mbox", UNIX)]);
    let without = |name: &str| {
        let formats = Formats {
            disabled: vec![name.to_owned()],
            ..Formats::default()
        };
        Overrides {
            formats,
            ..home.overrides()
        }
    };
    assert_eq!(chosen(&home, without("mbox")).driver, "unix");
    let mut overrides = without("unix");
    overrides.formats.disabled.push("mbox".to_owned());
    assert_eq!(chosen(&home, overrides).driver, "dummy");
    assert_eq!(
        chosen(&home, without("dummy")).driver,
        chosen(&home, home.overrides()).driver
    );
}

#[test]
fn nothing_is_moved_from_the_spool_to_itself() {
    if !is_built_in("mbox") {
        return;
    }
    let home = Home::new();
    fill(&home, &[("S", UNIX)]);
    std::os::unix::fs::symlink(home.spool(), home.path("mbox")).expect("a link");
    let through_link = chosen(&home, home.overrides());
    assert_eq!((through_link.driver, through_link.snarfs), ("mbox", false));
    fs::remove_file(home.path("mbox")).expect("removed");
    fs::hard_link(home.spool(), home.path("mbox")).expect("a second name");
    assert!(!chosen(&home, home.overrides()).snarfs);
}

#[test]
fn what_cannot_be_read_is_told_and_not_passed_over() {
    let home = Home::new();
    std::os::unix::fs::symlink("spool", home.spool()).expect("a link to itself");
    let environment = home.environment();
    let drivers = Drivers::new(&environment);
    assert!(choose(&drivers, &place(&environment, "INBOX")).is_err());
    let report = inbox_report(&drivers);
    assert!(
        report
            .last()
            .is_some_and(|rule| rule.alarming && !rule.matched)
    );
}

/// Where the first message of an empty INBOX goes.
fn first_message(home: &Home, name: &str, empty: FormatChoice) -> Option<(String, PathBuf)> {
    let formats = Formats {
        empty,
        ..Formats::default()
    };
    let environment = home.environment_with(Overrides {
        formats,
        ..home.overrides()
    });
    let drivers = Drivers::new(&environment);
    let choice = for_append(&drivers, &place(&environment, name)).ok()?;
    let driver = choice.driver.characteristics().driver.to_owned();
    Some((driver, choice.place.path))
}

#[test]
fn an_empty_inbox_takes_its_first_message_where_the_format_begins() {
    let home = Home::new();
    let usual = || FormatChoice::Named("unix".to_owned());
    for (name, driver, path) in [
        ("INBOX", "unix", home.spool()),
        ("#driver.unix/INBOX", "unix", home.spool()),
        ("#driver.mmdf/inbox", "mmdf", home.spool()),
        ("#driver.mbox/INBOX", "mbox", home.path("mbox")),
        ("#driver.mbx/INBOX", "mbx", home.path("INBOX")),
        ("#driver.tenex/INBOX", "tenex", home.path("mail.txt")),
        ("#driver.mtx/INBOX", "mtx", home.path("INBOX.MTX")),
    ] {
        if is_built_in(driver) {
            let expected = Some((driver.to_owned(), path));
            assert_eq!(first_message(&home, name, usual()), expected, "{name}");
        }
    }
    // Mail stays where it is delivered unless the name asks for something else.
    if is_built_in("mbx") {
        let mbx = FormatChoice::Named("mbx".to_owned());
        let expected = Some(("unix".to_owned(), home.spool()));
        assert_eq!(first_message(&home, "INBOX", mbx), expected);
    }
    assert_eq!(first_message(&home, "INBOX", FormatChoice::Refused), None);
}

#[test]
fn in_a_subdirectory_for_mail_the_rules_look_there() {
    for (file, driver) in [("mbox", "mbox"), ("INBOX", "mbx")] {
        let home = Home::new();
        let content = if driver == "mbx" {
            mbx()
        } else {
            UNIX.to_vec()
        };
        // One in the home itself is not looked at.
        home.write("mbox", JUNK);
        home.write(&format!("Mail/{file}"), &content);
        let naming = Naming {
            subdirectory: Some("Mail".into()),
            ..Naming::default()
        };
        let overrides = Overrides {
            naming,
            ..home.overrides()
        };
        let environment = home.environment_with(overrides.clone());
        let chosen = chosen(&home, overrides);
        assert_eq!(chosen.driver, driver);
        assert_eq!(chosen.path, home.path("Mail").join(file));
        let drivers = Drivers::new(&environment);
        let choice = choose(&drivers, &place(&environment, "INBOX")).expect("a driver");
        let (job, ..) = job();
        let status = choice.driver.status(&choice.place, &job).expect("counted");
        assert_eq!(status.messages, u32::from(driver == "mbox"));
    }
}
