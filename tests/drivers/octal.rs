//! Rules of the drivers `tenex` and `mtx`: UIDs that hold, empty mailboxes that keep their format, bits of others.

use std::sync::Arc;

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::octal::Octal;
use mugo::driver::place::Place;
use mugo::driver::{mtx, tenex};
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::os::environment::Environment;

use crate::desk::{Desk, Queue, add, fixture, job, keywords, message, open};

const FORMATS: [&str; 2] = ["tenex", "mtx"];

fn driver(environment: &Arc<Environment>, name: &str) -> Octal {
    match name {
        "tenex" => tenex::driver(environment),
        _ => mtx::driver(environment),
    }
}

/// Appends as another session does.
fn append(driver: &dyn LocalDriver, place: &Place, text: &str) {
    let mut messages = Queue(vec![message(text.as_bytes())]);
    let (job, _) = job();
    driver.append(place, &mut messages, &job).expect("appended");
}

#[test]
fn uids_outlive_what_other_programs_remove() {
    for name in FORMATS {
        let desk = Desk::new();
        let driver = driver(&desk.environment, name);
        let bytes = fixture(&format!("{name}/two"));
        let place = desk.place("box", &bytes);
        append(&driver, &place, "Subject: third\r\n\r\nThree.\r\n");
        let opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [1, 2, 3], "{name}");
        let validity = opened.list.state().expect("told").uid_validity;
        opened.close().expect("closed");

        // Another program expunges the first message.
        let all = std::fs::read(&place.path).expect("there");
        let needle = b" 3-Mar-2026";
        let second = all.windows(needle.len()).position(|part| part == needle);
        std::fs::write(&place.path, &all[second.expect("there")..]).expect("written");
        let opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [2, 3], "{name}");
        assert_eq!(opened.list.state().expect("told").uid_validity, validity);
        opened.close().expect("closed");

        // The UID of a message that is gone is never given out again.
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        opened
            .store(&[3], &add(SystemFlags::DELETED))
            .expect("stored");
        opened.expunge(None).expect("expunged");
        opened.close().expect("closed");
        append(&driver, &place, "Subject: fourth\r\n\r\nFour.\r\n");
        let opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [2, 4], "{name}");
        opened.close().expect("closed");
    }
}

#[test]
fn a_damaged_table_is_a_new_uidvalidity() {
    for name in FORMATS {
        let desk = Desk::new();
        let driver = driver(&desk.environment, name);
        let place = desk.place("box", &fixture(&format!("{name}/two")));
        open(&driver, &place, Access::ReadWrite)
            .expect("open")
            .close()
            .expect("closed");
        let folder = desk.environment.state.join("remembered");
        let tables: Vec<_> = std::fs::read_dir(&folder)
            .expect("there")
            .flatten()
            .collect();
        assert_eq!(tables.len(), 1);
        std::fs::write(tables[0].path(), b"MugoUid1 is not this").expect("written");
        let opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [1, 2], "{name}");
        opened.close().expect("closed");
    }
}

#[test]
fn an_empty_mailbox_keeps_its_format() {
    for name in FORMATS {
        let desk = Desk::new();
        let (ours, other) = match name {
            "tenex" => (
                tenex::driver(&desk.environment),
                mtx::driver(&desk.environment),
            ),
            _ => (
                mtx::driver(&desk.environment),
                tenex::driver(&desk.environment),
            ),
        };
        let place = desk.at(desk.environment.home.join("fresh"));
        ours.create(&place, &job().0).expect("created");
        assert_eq!(std::fs::read(&place.path).expect("there"), b"");
        assert_eq!(ours.probe(&place).expect("seen"), Probe::Mine, "{name}");
        assert_eq!(other.probe(&place).expect("seen"), Probe::Empty, "{name}");
        let moved = desk.at(desk.environment.home.join("moved"));
        ours.rename(&place, &moved, &job().0).expect("renamed");
        assert_eq!(ours.probe(&moved).expect("seen"), Probe::Mine, "{name}");
        append(&ours, &moved, "Subject: one\r\n\r\nOne.\r\n");
        let opened = open(&ours, &moved, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [1], "{name}");
        opened.close().expect("closed");
        ours.delete(&moved, &job().0).expect("deleted");
        let left = std::fs::read_dir(desk.environment.state.join("remembered"));
        assert_eq!(left.expect("there").count(), 0, "{name}");
    }
}

#[test]
fn keywords_have_the_names_of_the_settings_and_bits_of_others_stay() {
    for name in FORMATS {
        let desk = Desk::new();
        let mut environment = desk.world.another(Arc::clone(&desk.environment.files));
        environment.formats.keywords = vec!["Work".to_owned(), "Later".to_owned()];
        let driver = driver(&Arc::new(environment), name);
        let before = fixture(&format!("{name}/two"));
        let place = desk.place("box", &before);
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        let named = |words: &[&str]| Flags::new(SystemFlags::NONE, keywords(words));
        let second = opened.list.messages()[1].clone();
        assert_eq!(second.flags.keywords(), keywords(&["Work"]), "{name}");
        opened
            .store(&[2], &FlagChange::Add(named(&["Later"])))
            .expect("stored");
        opened
            .store(&[2], &FlagChange::Remove(named(&["Work"])))
            .expect("stored");
        opened.close().expect("closed");
        // Work and a third keyword without a name were 5000000000; Later and that one are 3000000000.
        let wanted = String::from_utf8_lossy(&before).replace(";5000000000", ";3000000000");
        let after = std::fs::read(&place.path).expect("there");
        assert_eq!(String::from_utf8_lossy(&after), wanted, "{name}");
    }
}

#[test]
fn a_refused_rename_leaves_the_uids_of_what_is_there() {
    for name in FORMATS {
        let desk = Desk::new();
        let driver = driver(&desk.environment, name);
        let fresh = desk.at(desk.environment.home.join("fresh"));
        driver.create(&fresh, &job().0).expect("created");
        let place = desk.place("box", &fixture(&format!("{name}/two")));
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        opened
            .store(&[1], &add(SystemFlags::DELETED))
            .expect("stored");
        opened.expunge(None).expect("expunged");
        opened.close().expect("closed");
        assert!(driver.rename(&fresh, &place, &job().0).is_err(), "{name}");
        let opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [2], "{name}");
        opened.close().expect("closed");
    }
}
