//! Rules of the drivers `tenex` and `mtx`: UIDs that hold, empty mailboxes that keep their format, bits of others.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;

use mugo::driver::contract::{LocalDriver, Probe};
use mugo::driver::octal::Octal;
use mugo::driver::place::Place;
use mugo::driver::{mtx, tenex};
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::os::environment::Environment;

use crate::common::faults::{Fault, Faults, Op};
use crate::desk::{Desk, Queue, add, fixture, job, keywords, message, open};

const FORMATS: [&str; 2] = ["tenex", "mtx"];

fn driver(environment: &Arc<Environment>, name: &str) -> Octal {
    match name {
        "tenex" => tenex::driver(environment),
        _ => mtx::driver(environment),
    }
}

/// The same world an hour later.
fn later(desk: &Desk) -> Environment {
    let mut environment = desk.world.another(Arc::clone(&desk.environment.files));
    let clock = Arc::clone(&environment.clock);
    environment.clock = Arc::new(move || clock() + 3_600);
    environment
}

fn validity(driver: &dyn LocalDriver, place: &Place) -> u32 {
    let opened = open(driver, place, Access::ReadOnly).expect("open");
    let state = opened.list.state().expect("told").clone();
    state.uid_validity.expect("known").get()
}

/// A message as the format keeps it, with a date of its own where `day` differs.
fn stored(name: &str, day: u32, text: &str) -> String {
    let end = if name == "tenex" { "\n" } else { "\r\n" };
    let text = text.replace('\n', end);
    let size = text.len();
    format!("{day:>2}-Mar-2026 10:20:31 +0100,{size};000000000020{end}{text}")
}

fn texts(opened: &mut crate::desk::Opened) -> Vec<(u32, String)> {
    let uids = opened.uids();
    let mut texts = Vec::new();
    for uid in uids {
        let bytes = opened.read(uid, Part::Text);
        texts.push((uid, String::from_utf8_lossy(&bytes).trim().to_owned()));
    }
    texts
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
        let before = validity(&driver, &place);
        std::fs::write(tables[0].path(), b"MugoUid2 is not this").expect("written");
        let later = Arc::new(later(&desk));
        let driver = self::driver(&later, name);
        let opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [1, 2], "{name}");
        opened.close().expect("closed");
        assert!(validity(&driver, &place) > before, "{name}");
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

#[test]
fn a_message_is_known_by_its_content_not_by_its_place() {
    for name in FORMATS {
        let desk = Desk::new();
        let driver = driver(&desk.environment, name);
        let mail = |text: &str| stored(name, 2, &format!("Subject: x\n\n{text}\n"));
        let place = desk.place("box", (mail("aaaa") + &mail("bbbb")).as_bytes());
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(texts(&mut opened), [(1, "aaaa".into()), (2, "bbbb".into())]);
        opened.close().expect("closed");
        let before = validity(&driver, &place);
        // Another program removes the first and adds one of the same size and date.
        std::fs::write(&place.path, mail("bbbb") + &mail("cccc")).expect("written");
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(texts(&mut opened), [(2, "bbbb".into()), (3, "cccc".into())]);
        opened.close().expect("closed");
        assert_eq!(validity(&driver, &place), before, "{name}");
    }
}

#[test]
fn uids_are_lost_only_with_their_uidvalidity() {
    for name in FORMATS {
        let desk = Desk::new();
        let driver = driver(&desk.environment, name);
        let mail = |day, text: &str| stored(name, day, &format!("Subject: x\n\n{text}\n"));
        let place = desk.place("box", (mail(2, "a") + &mail(3, "b")).as_bytes());
        open(&driver, &place, Access::ReadWrite)
            .expect("open")
            .close()
            .expect("closed");
        let before = validity(&driver, &place);
        // Damaged for a while: what is remembered stays.
        let whole = std::fs::read(&place.path).expect("there");
        std::fs::write(&place.path, [&whole[..], b"junk"].concat()).expect("written");
        let damaged = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(damaged.uids(), [1, 2], "{name}");
        damaged.close().expect("closed");
        std::fs::write(&place.path, &whole).expect("written");
        assert_eq!(validity(&driver, &place), before, "{name}");
        // A message between others cannot have a UID between theirs.
        let inserted = mail(2, "a") + &mail(4, "new") + &mail(3, "b");
        std::fs::write(&place.path, inserted).expect("written");
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        let expected = [(1, "a".into()), (2, "new".into()), (3, "b".into())];
        assert_eq!(texts(&mut opened), expected, "{name}");
        opened.close().expect("closed");
        assert!(validity(&driver, &place) > before, "{name}");
    }
}

#[test]
fn a_state_folder_that_is_missing_is_made_with_its_parents() {
    for name in FORMATS {
        let desk = Desk::new();
        let mut environment = desk.world.another(Arc::clone(&desk.environment.files));
        environment.state = desk.environment.home.join("a/b/c/state");
        let driver = driver(&Arc::new(environment), name);
        let place = desk.place("box", &fixture(&format!("{name}/two")));
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        opened
            .store(&[1], &add(SystemFlags::FLAGGED))
            .expect("stored");
        opened.close().expect("closed");
        let fresh = desk.at(desk.environment.home.join("fresh"));
        driver.create(&fresh, &job().0).expect("created");
        assert_eq!(driver.probe(&fresh).expect("seen"), Probe::Mine, "{name}");
    }
}

#[test]
fn without_room_for_the_table_mail_is_shown_and_kept() {
    for name in FORMATS {
        let desk = Desk::new();
        let mail = |text: &str| stored(name, 2, &format!("Subject: x\n\n{text}\n"));
        let place = desk.place("box", (mail("one") + &mail("two two")).as_bytes());
        let failing = Faults::over(Arc::clone(&desk.environment.files), Fault::None);
        let program = Arc::new(desk.world.another(Arc::new(failing.clone())));
        let driver = self::driver(&program, name);
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        // From now on no table can be written.
        failing.set(Fault::Failure {
            op: Op::Rename,
            at: 0,
            errno: 28,
            lasting: true,
        });
        let mut file = OpenOptions::new()
            .append(true)
            .open(&place.path)
            .expect("the mailbox");
        file.write_all(mail("three three").as_bytes())
            .expect("appended");
        opened.poll().expect("goes on");
        assert_eq!(opened.uids(), [1, 2, 3], "{name}");
        let told = opened.log.notices();
        assert!(
            told.iter().any(|it| it.contains("this session only")),
            "{told:?}"
        );
        // As soon as there is room again all of it is remembered.
        failing.set(Fault::None);
        opened
            .store(&[1], &add(SystemFlags::DELETED))
            .expect("stored");
        opened.expunge(None).expect("expunged");
        assert_eq!(opened.uids(), [2, 3], "{name}");
        opened.close().expect("closed");
        let opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [2, 3], "{name}");
    }
}

#[test]
fn nothing_is_expunged_while_a_message_is_not_known() {
    for name in FORMATS {
        let desk = Desk::new();
        let mail = |text: &str| stored(name, 2, &format!("Subject: x\n\n{text}\n"));
        let place = desk.place("box", (mail("one") + &mail("two two")).as_bytes());
        let failing = Faults::over(Arc::clone(&desk.environment.files), Fault::None);
        let program = Arc::new(desk.world.another(Arc::new(failing.clone())));
        let driver = self::driver(&program, name);
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        opened
            .store(&[1], &add(SystemFlags::DELETED))
            .expect("stored");
        let mut file = OpenOptions::new()
            .append(true)
            .open(&place.path)
            .expect("the mailbox");
        file.write_all(mail("three three").as_bytes())
            .expect("appended");
        // Any of the reads of the new message may fail.
        for at in 0..12 {
            failing.set(Fault::Failure {
                op: Op::Read,
                at,
                errno: 5,
                lasting: false,
            });
            let _ = opened.mailbox.poll(&opened.job.clone());
        }
        failing.set(Fault::None);
        opened.log.take();
        opened.mailbox.expunge(None, &opened.job).expect("expunged");
        opened.close().expect("closed");
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        let expected = [(2, "two two".into()), (3, "three three".into())];
        assert_eq!(texts(&mut opened), expected, "{name}");
    }
}

#[test]
fn keywords_without_a_bit_in_the_file_are_remembered() {
    for name in FORMATS {
        let desk = Desk::new();
        let mut environment = desk.world.another(Arc::clone(&desk.environment.files));
        environment.formats.keywords = vec!["Work".to_owned()];
        let driver = driver(&Arc::new(environment), name);
        let mail = |text: &str| stored(name, 2, &format!("Subject: x\n\n{text}\n"));
        let before = mail("one") + &mail("two two");
        let place = desk.place("box", before.as_bytes());
        let mut writer = open(&driver, &place, Access::ReadWrite).expect("open");
        let mut reader = open(&driver, &place, Access::ReadWrite).expect("open");
        let named = |words: &[&str]| Flags::new(SystemFlags::NONE, keywords(words));
        assert!(writer.list.state().expect("told").new_keywords, "{name}");
        writer
            .store(&[2], &FlagChange::Add(named(&["urgent", "Work"])))
            .expect("stored");
        writer
            .store(&[1], &FlagChange::Add(named(&["later"])))
            .expect("stored");
        let after = std::fs::read(&place.path).expect("there");
        let second = before.rfind(";0000000000").expect("a line");
        let wanted = format!("{};4{}", &before[..second], &before[second + 2..]);
        assert_eq!(String::from_utf8_lossy(&after), wanted, "{name}");
        // Whoever else has it open sees them.
        reader.poll().expect("looked");
        let seen: Vec<_> = reader
            .list
            .messages()
            .iter()
            .map(|it| it.flags.clone())
            .collect();
        assert_eq!(seen[0].keywords(), keywords(&["later"]), "{name}");
        assert_eq!(seen[1].keywords(), keywords(&["Work", "urgent"]), "{name}");
        reader.close().expect("closed");
        writer
            .store(&[1], &FlagChange::Remove(named(&["later"])))
            .expect("stored");
        writer.close().expect("closed");
        // A program that knows nothing of them writes flags over and removes the first message.
        let all = String::from_utf8_lossy(&std::fs::read(&place.path).expect("there")).into_owned();
        let second = all.rfind(" 2-Mar").expect("a line");
        std::fs::write(&place.path, all[second..].replace(";400", ";000")).expect("written");
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        let flags = opened.list.messages()[0].flags.clone();
        assert_eq!(
            (opened.uids(), flags.keywords()),
            (vec![2], &keywords(&["urgent"])[..])
        );
        // A copy has them too.
        let mut messages = Queue(vec![message(b"Subject: y\r\n\r\nthree\r\n")]);
        messages.0[0].flags = named(&["Work", "urgent", "new"]);
        driver
            .append(&place, &mut messages, &job().0)
            .expect("appended");
        opened.poll().expect("looked");
        let flags = opened.list.messages()[1].flags.clone();
        assert_eq!(
            flags.keywords(),
            keywords(&["Work", "urgent", "new"]),
            "{name}"
        );
        opened.close().expect("closed");
    }
}

#[test]
fn an_expunge_is_put_off_until_nobody_else_has_the_mailbox() {
    for name in FORMATS {
        let desk = Desk::new();
        let driver = driver(&desk.environment, name);
        let mail = |text: &str| stored(name, 2, &format!("Subject: x\n\n{text}\n"));
        let place = desk.place(
            "box",
            (mail("one") + &mail("two") + &mail("three")).as_bytes(),
        );
        let mut writer = open(&driver, &place, Access::ReadWrite).expect("open");
        let other = open(&driver, &place, Access::ReadOnly).expect("open");
        let deleted = add(SystemFlags::DELETED);
        writer.store(&[1, 2], &deleted).expect("stored");
        writer.expunge(None).expect("put off");
        assert_eq!(writer.uids(), [1, 2, 3], "{name}");
        let told = writer.log.notices();
        assert!(told.iter().any(|it| it.contains("nobody else")), "{told:?}");
        // Who changes the mind keeps the message, also for later.
        let undelete = FlagChange::Remove(Flags::system(SystemFlags::DELETED));
        writer.store(&[2], &undelete).expect("stored");
        writer.store(&[2], &deleted).expect("stored");
        writer.poll().expect("looked");
        assert_eq!(writer.uids(), [1, 2, 3], "{name}");
        writer.close().expect("closed");
        drop(other);
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(
            texts(&mut opened),
            [(2, "two".into()), (3, "three".into())],
            "{name}"
        );
        // And while it is open, at the next look.
        let other = open(&driver, &place, Access::ReadOnly).expect("open");
        opened.expunge(None).expect("put off");
        assert_eq!(opened.uids(), [2, 3], "{name}");
        drop(other);
        opened.poll().expect("looked");
        assert_eq!(opened.uids(), [3], "{name}");
        opened.close().expect("closed");
    }
}

#[test]
fn an_empty_file_of_others_is_not_taken_for_what_was_there_before() {
    for name in FORMATS {
        let desk = Desk::new();
        let driver = driver(&desk.environment, name);
        let place = desk.at(desk.environment.home.join("lists"));
        driver.create(&place, &job().0).expect("created");
        assert_eq!(driver.probe(&place).expect("seen"), Probe::Mine, "{name}");
        // Kept by another name, so that its inode is not given to the new file.
        std::fs::rename(&place.path, desk.environment.home.join("old")).expect("renamed");
        std::fs::write(&place.path, b"").expect("written");
        assert_eq!(driver.probe(&place).expect("seen"), Probe::Empty, "{name}");
    }
}

#[test]
fn a_link_leads_to_the_same_uids_and_a_count_tells_the_next_one() {
    for name in FORMATS {
        let desk = Desk::new();
        let driver = driver(&desk.environment, name);
        let mail = |day, text: &str| stored(name, day, &format!("Subject: x\n\n{text}\n"));
        let place = desk.place("box", (mail(2, "a") + &mail(3, "b")).as_bytes());
        let link = desk.environment.home.join("link");
        std::os::unix::fs::symlink(&place.path, &link).expect("a link");
        let link = desk.at(link);
        open(&driver, &link, Access::ReadWrite)
            .expect("open")
            .close()
            .expect("closed");
        let validity = validity(&driver, &place);
        std::fs::write(&place.path, mail(3, "b") + &mail(4, "c") + &mail(5, "d")).expect("written");
        let status = driver.status(&place, &job().0).expect("counted");
        assert_eq!(
            status.uid_validity.map(|it| it.get()),
            Some(validity),
            "{name}"
        );
        assert_eq!(status.uid_next.map(|it| it.get()), Some(5), "{name}");
        let opened = open(&driver, &link, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [2, 3, 4], "{name}");
        opened.close().expect("closed");
    }
}

/// An environment whose settings name these keywords.
fn naming(desk: &Desk, names: &[&str]) -> Arc<Environment> {
    let mut environment = desk.world.another(Arc::clone(&desk.environment.files));
    environment.formats.keywords = names.iter().map(|name| (*name).to_owned()).collect();
    Arc::new(environment)
}

fn named(words: &[&str]) -> Flags {
    Flags::new(SystemFlags::NONE, keywords(words))
}

#[test]
fn new_mail_keeps_the_bits_of_others_and_gets_none_that_is_kept_elsewhere() {
    for name in FORMATS {
        let desk = Desk::new();
        let driver = driver(&naming(&desk, &["Work"]), name);
        let mail = |text: &str| stored(name, 2, &format!("Subject: x\n\n{text}\n"));
        // A new message of another program, with a bit that has no name here.
        let before = mail("one").replace(";000000000020", ";100000000000");
        let place = desk.place("box", before.as_bytes());
        let mut messages = Queue(vec![message(b"Subject: y\r\n\r\ntwo\r\n")]);
        messages.0[0].flags = named(&["urgent"]);
        driver
            .append(&place, &mut messages, &job().0)
            .expect("appended");
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        opened.poll().expect("looked");
        let flags = opened.list.messages()[1].flags.clone();
        assert_eq!(flags.keywords(), keywords(&["urgent"]), "{name}");
        opened.close().expect("closed");
        let after =
            String::from_utf8_lossy(&std::fs::read(&place.path).expect("there")).into_owned();
        assert!(after.contains(";100000000020"), "{name}: {after}");
        assert!(after.contains(";000000000020"), "{name}: {after}");
    }
}

#[test]
fn a_kept_keyword_that_gets_a_bit_can_be_taken_away() {
    for name in FORMATS {
        let desk = Desk::new();
        let mail = |text: &str| stored(name, 2, &format!("Subject: x\n\n{text}\n"));
        let place = desk.place("box", (mail("one") + &mail("two two")).as_bytes());
        let before = driver(&naming(&desk, &["Work"]), name);
        let mut opened = open(&before, &place, Access::ReadWrite).expect("open");
        opened
            .store(&[1, 2], &FlagChange::Add(named(&["x"])))
            .expect("stored");
        opened.close().expect("closed");
        let after = driver(&naming(&desk, &["Work", "x"]), name);
        let mut opened = open(&after, &place, Access::ReadWrite).expect("open");
        let has = |opened: &crate::desk::Opened, at: usize| {
            let flags = opened.list.messages()[at].flags.clone();
            flags.keywords().to_vec()
        };
        assert_eq!(has(&opened, 0), keywords(&["x"]), "{name}");
        // Another flag leaves it alone; taken away it is gone.
        opened
            .store(&[1], &add(SystemFlags::FLAGGED))
            .expect("stored");
        assert_eq!(has(&opened, 0), keywords(&["x"]), "{name}");
        opened
            .store(&[1], &FlagChange::Remove(named(&["x"])))
            .expect("stored");
        opened.close().expect("closed");
        let opened = open(&after, &place, Access::ReadWrite).expect("open");
        assert_eq!(
            (has(&opened, 0), has(&opened, 1)),
            (Vec::new(), keywords(&["x"])),
            "{name}"
        );
    }
}

#[test]
fn a_message_that_was_rescued_does_not_go_when_it_is_deleted_again() {
    for name in FORMATS {
        let desk = Desk::new();
        let driver = driver(&desk.environment, name);
        let mail = |text: &str| stored(name, 2, &format!("Subject: x\n\n{text}\n"));
        let place = desk.place("box", (mail("one") + &mail("two two")).as_bytes());
        let mut first = open(&driver, &place, Access::ReadWrite).expect("open");
        let mut second = open(&driver, &place, Access::ReadWrite).expect("open");
        let deleted = add(SystemFlags::DELETED);
        let rescued = FlagChange::Remove(Flags::system(SystemFlags::DELETED));
        first.store(&[1], &deleted).expect("stored");
        first.expunge(None).expect("put off");
        // The other one saves it, and has a keyword kept for another message.
        second
            .store(&[2], &FlagChange::Add(named(&["later"])))
            .expect("stored");
        second.store(&[1], &rescued).expect("stored");
        second.store(&[1], &deleted).expect("stored");
        second.close().expect("closed");
        first.poll().expect("looked");
        assert_eq!(first.uids(), [1, 2], "{name}");
        first.close().expect("closed");
        let opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [1, 2], "{name}");
        let flags = opened.list.messages()[1].flags.clone();
        assert_eq!(flags.keywords(), keywords(&["later"]), "{name}");
        opened.close().expect("closed");
        // What other programs did meanwhile may mean anything.
        let mut first = open(&driver, &place, Access::ReadWrite).expect("open");
        let other = open(&driver, &place, Access::ReadOnly).expect("open");
        first.expunge(None).expect("put off");
        first.close().expect("closed");
        drop(other);
        let bytes = std::fs::read(&place.path).expect("there");
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::write(&place.path, &bytes).expect("written");
        let opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [1, 2], "{name}");
    }
}

#[test]
fn what_a_session_knows_survives_the_loss_of_the_table() {
    for name in FORMATS {
        let desk = Desk::new();
        let driver = driver(&naming(&desk, &["Work"]), name);
        let mail = |text: &str| stored(name, 2, &format!("Subject: x\n\n{text}\n"));
        let place = desk.place("box", (mail("one") + &mail("two two")).as_bytes());
        let mut opened = open(&driver, &place, Access::ReadWrite).expect("open");
        opened
            .store(&[2], &FlagChange::Add(named(&["urgent"])))
            .expect("stored");
        let folder = desk.environment.state.join("remembered");
        for table in std::fs::read_dir(&folder).expect("there").flatten() {
            std::fs::remove_file(table.path()).expect("removed");
        }
        let mut file = OpenOptions::new()
            .append(true)
            .open(&place.path)
            .expect("there");
        file.write_all(mail("three three").as_bytes())
            .expect("appended");
        opened.poll().expect("looked");
        opened
            .store(&[3], &FlagChange::Add(named(&["x"])))
            .expect("stored");
        opened.close().expect("closed");
        let opened = open(&driver, &place, Access::ReadWrite).expect("open");
        assert_eq!(opened.uids(), [1, 2, 3], "{name}");
        let words: Vec<Vec<_>> = opened
            .list
            .messages()
            .iter()
            .map(|it| it.flags.keywords().to_vec())
            .collect();
        assert_eq!(
            words,
            [vec![], keywords(&["urgent"]), keywords(&["x"])],
            "{name}"
        );
    }
}

#[test]
fn many_twins_are_told_apart_in_little_time() {
    let desk = Desk::new();
    let driver = driver(&desk.environment, "tenex");
    let mail = |text: &str| stored("tenex", 2, &format!("Subject: x\n\n{text}\n"));
    let twins = mail("one").repeat(60_000);
    let place = desk.place("box", twins.as_bytes());
    open(&driver, &place, Access::ReadWrite)
        .expect("open")
        .close()
        .expect("closed");
    // The first one is another one now, so each has to be looked for.
    std::fs::write(&place.path, mail("two") + &twins).expect("written");
    let begin = std::time::Instant::now();
    let opened = open(&driver, &place, Access::ReadWrite).expect("open");
    assert_eq!(opened.uids().len(), 60_001);
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}
