//! Which driver serves a place: INBOX by its rules, everything else by its content, new mailboxes by their names.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use mugo::backend::choose::{check_new_name, choose, for_append, for_create};
use mugo::backend::drivers::Drivers;
use mugo::backend::error::Error;
use mugo::driver::error::Error as DriverError;
use mugo::mail::status::Access;

use crate::homes::{Home, job, name, place};

const UNIX: &[u8] =
    b"From alice@mail.example.org Mon Mar  2 10:20:31 2026 +0100\nSubject: x\n\nText.\n";

#[test]
fn a_spool_with_junk_is_not_opened_as_an_empty_inbox() {
    let home = Home::new();
    fs::write(home.spool(), b"junk\n").expect("a spool");
    let environment = home.environment();
    let drivers = Drivers::new(&environment);
    let choice = choose(&drivers, &place(&environment, "INBOX")).expect("a driver");
    let (job, ..) = job();
    let opened = choice.driver.open(&choice.place, Access::ReadWrite, &job);
    assert!(matches!(
        opened.err(),
        Some(DriverError::NotThisFormat { .. })
    ));
}

/// The driver of a name, or what is said instead.
fn driver_of(home: &Home, text: &str) -> String {
    let environment = home.environment();
    let drivers = Drivers::new(&environment);
    match choose(&drivers, &place(&environment, text)) {
        Ok(choice) => choice.driver.characteristics().driver.to_owned(),
        Err(Error::Driver(DriverError::NoSuchMailbox {
            can_create: true, ..
        })) => "missing".into(),
        Err(Error::Driver(DriverError::NotThisFormat { .. })) => "no format".into(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn other_names_go_by_their_content() {
    let home = Home::new();
    home.write("mail", UNIX);
    home.write("empty", b"");
    home.write("folder/note", b"some text\n");
    let fifo = Command::new("mkfifo").arg(home.path("fifo")).status();
    assert!(
        fifo.is_ok_and(|status| status.success()),
        "mkfifo makes a FIFO"
    );
    for (text, driver) in [
        ("mail", "unix"),
        ("~/mail", "unix"),
        ("empty", "dummy"),
        ("folder", "dummy"),
        ("folder/note", "phile"),
        ("nothing", "missing"),
        ("folder/nothing", "missing"),
        ("fifo", "no format"),
        ("#driver.unix/mail", "#driver. is for new mailboxes only"),
    ] {
        assert_eq!(driver_of(&home, text), driver, "{text}");
    }
}

/// The driver that makes, or appends to, a name.
fn new_driver(home: &Home, text: &str, append: bool) -> Result<String, Error> {
    let environment = home.environment();
    let drivers = Drivers::new(&environment);
    let place = place(&environment, text);
    let choice = if append {
        for_append(&drivers, &place)
    } else {
        for_create(&drivers, &place)
    };
    choice.map(|choice| choice.driver.characteristics().driver.to_owned())
}

#[test]
fn new_mailboxes_get_the_format_of_their_name_or_the_usual_one() {
    let home = Home::new();
    for (text, driver) in [
        ("new", "unix"),
        ("new/", "dummy"),
        ("#driver.unix/new/", "dummy"),
        ("#driver.phile/new", "phile"),
        ("#DRIVER.unix:a/b", "unix"),
    ] {
        let found = new_driver(&home, text, false);
        assert_eq!(found.expect(text), driver, "{text}");
    }
    let unknown = new_driver(&home, "#driver.nothing/new", false);
    assert!(matches!(unknown, Err(Error::UnknownFormat { .. })));
}

#[test]
fn append_takes_the_format_that_is_there() {
    let home = Home::new();
    home.write("mail", UNIX);
    home.write("empty", b"");
    home.write("note", b"text\n");
    for (text, driver) in [
        ("mail", "unix"),
        ("empty", "unix"),
        ("INBOX", "unix"),
        ("#driver.unix/mail", "unix"),
        ("#driver.phile/empty", "phile"),
        ("note", "phile"),
    ] {
        let found = new_driver(&home, text, true);
        assert_eq!(found.expect(text), driver, "{text}");
    }
    fs::create_dir(home.path("folder")).expect("a folder");
    fs::write(home.spool(), b"junk").expect("a spool");
    for text in ["folder", "INBOX", "#driver.unix/INBOX"] {
        let refused = new_driver(&home, text, true);
        let format = matches!(
            refused,
            Err(Error::Driver(DriverError::NotThisFormat { .. }))
        );
        assert!(format, "{text}");
    }
    let missing = new_driver(&home, "missing", true);
    let create = Error::from(DriverError::NoSuchMailbox {
        path: PathBuf::new(),
        can_create: true,
    });
    assert_eq!(
        missing.map_err(|error| error.exit_code()),
        Err(create.exit_code())
    );
    let other = new_driver(&home, "#driver.unix/note", true);
    assert!(matches!(
        other,
        Err(Error::Driver(DriverError::NotThisFormat { .. }))
    ));
}

#[test]
fn names_that_no_new_mailbox_can_have() {
    for text in [
        "INBOX",
        "inbox",
        "#driver.unix/INBOX",
        "Entw\u{fc}rfe",
        "a&b",
        "a&b c-",
        "a&",
        "&-&x",
        "{h}a\u{7f}b",
        "x&\u{e9}-",
    ] {
        assert!(check_new_name(&name(text)).is_err(), "{text}");
    }
    for text in [
        "a",
        "a/b/",
        "Entw&APw-rfe",
        "a&-b",
        "&AOk-&AOk-",
        "{h}Entw&APw-rfe",
        "{h}Entw\u{fc}rfe",
        "{h}R&D",
        "~/x",
    ] {
        assert!(check_new_name(&name(text)).is_ok(), "{text}");
    }
}
