//! The laws of `driver::contract` for mailboxes on a server, over each way in which Dovecot keeps mail.

use std::sync::{Arc, Mutex};

use mugo::driver::contract::LocalDriver;
use mugo::driver::error::Error;
use mugo::driver::imap::driver::ImapDriver;
use mugo::driver::job::{Job, Reports};
use mugo::driver::message::{Content, Messages, NewMessage};
use mugo::driver::place::Place;
use mugo::mail::change::Change;
use mugo::mail::date::InternalDate;
use mugo::mail::flags::{FlagChange, Flags, Keyword, SystemFlags};
use mugo::mail::message_list::MessageList;
use mugo::mail::name::MailboxName;
use mugo::mail::status::Access;
use mugo::mail::structure::Part;
use mugo::mail::text::Foreign;
use mugo::mail::uid::{Uid, UidSet};
use mugo::os::network::{AccountChoice, Network};
use mugo::os::real_files::RealFiles;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::common::world::environment;
use crate::dovecot::{Dovecot, Format, dovecot};

/// A user of the server, and a driver that logs in as that one.
struct Desk {
    _folder: TempDir,
    _runtime: Runtime,
    driver: ImapDriver,
    front: String,
}

/// What a job reports.
#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<Change>>);

impl Reports for Log {
    fn change(&self, change: Change) {
        self.0.lock().expect("whole").push(change);
    }

    fn progress(&self, _done: u64, _total: u64) {}

    fn notice(&self, _notice: Foreign) {}
}

impl Log {
    fn take(&self) -> Vec<Change> {
        std::mem::take(&mut *self.0.lock().expect("whole"))
    }
}

pub(crate) fn job() -> (Job, Arc<Log>) {
    let log = Arc::new(Log::default());
    let reports: Arc<dyn Reports> = Arc::clone(&log) as Arc<dyn Reports>;
    (Job::new(reports, CancellationToken::new()), log)
}

fn desk(server: &Dovecot, format: Format) -> Desk {
    let user = server.user(format);
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut environment = environment(folder.path(), Arc::new(RealFiles));
    environment.network = Network {
        accounts: vec![AccountChoice {
            host: "localhost".to_owned(),
            user: Some(user.clone()),
            password_command: vec!["echo".to_owned(), format!("{user}-pw")],
            ..AccountChoice::default()
        }],
        certificates: Some(server.authority()),
        ..Network::default()
    };
    let runtime = Runtime::new().expect("a runtime");
    Desk {
        driver: ImapDriver::new(&Arc::new(environment), runtime.handle().clone()),
        front: server.name(&user, ""),
        _runtime: runtime,
        _folder: folder,
    }
}

impl Desk {
    fn place(&self, mailbox: &str) -> Place {
        let name = MailboxName::parse(format!("{}{mailbox}", self.front).as_bytes());
        ImapDriver::place(&name.expect("a name"))
    }

    fn append(&self, mailbox: &str, texts: &[&str]) -> Result<Vec<Uid>, Error> {
        let (job, _log) = job();
        let mut letters = Letters(texts.iter().map(|text| letter(text)).collect());
        let appended = self
            .driver
            .append(&self.place(mailbox), &mut letters, &job)?;
        assert_eq!(appended.count, texts.len() as u64);
        Ok(appended.uids)
    }
}

struct Letters(Vec<Result<NewMessage, Error>>);

impl Messages for Letters {
    fn next(&mut self, _job: &Job) -> Result<Option<NewMessage>, Error> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.0.remove(0).map(Some)
    }
}

fn letter(text: &str) -> Result<NewMessage, Error> {
    if text == "broken" {
        return Err(Error::Refused("the messages end early"));
    }
    let work = Keyword::new("work").expect("a keyword");
    Ok(NewMessage {
        flags: Flags::new(SystemFlags::FLAGGED, vec![work]),
        internal_date: Some(InternalDate {
            seconds: 1_772_443_231,
            offset: 60,
        }),
        sender: None,
        uid: None,
        content: Content::from_bytes(format!("Subject: {text}\r\n\r\n{text}\r\n").as_bytes())
            .expect("in memory"),
    })
}

/// Runs a test over every format; the server's name of the test is for what is said where it is missing.
fn each(test: &str, run: impl Fn(&Desk, Format)) {
    let Some(server) = dovecot(test) else {
        return;
    };
    for format in Format::ALL {
        run(&desk(server, format), format);
    }
}

#[test]
fn opening_tells_the_state_and_then_ascending_arrivals() {
    each(
        "opening_tells_the_state_and_then_ascending_arrivals",
        |desk, format| {
            desk.append("INBOX", &["one", "two", "three"])
                .expect("appended");
            for access in [Access::ReadOnly, Access::ReadWrite] {
                let (job, log) = job();
                let mailbox = desk
                    .driver
                    .open(&desk.place("INBOX"), access, &job)
                    .expect("open");
                let changes = log.take();
                let Some(Change::State(state)) = changes.first() else {
                    panic!("{format:?}: {changes:?}");
                };
                assert_eq!((state.driver, state.access), ("imap", access));
                assert!(state.sticky_uids && state.uid_validity.is_some());
                let mut list = MessageList::new();
                changes.iter().for_each(|change| list.apply(change));
                let uids: UidSet = list.messages().iter().map(|it| it.uid).collect();
                assert_eq!(list.len(), 3);
                assert_eq!(mailbox.uids(), uids);
                for message in list.messages() {
                    assert_eq!(mailbox.summary(message.uid).as_ref(), Some(message));
                    assert!(message.flags.has(SystemFlags::FLAGGED));
                    assert_eq!(message.internal_date.seconds, 1_772_443_231);
                }
                mailbox.close(&job).expect("closed");
            }
        },
    );
}

#[test]
fn reading_changes_nothing_and_gives_the_size_that_was_told() {
    each(
        "reading_changes_nothing_and_gives_the_size_that_was_told",
        |desk, _| {
            let uids = desk.append("INBOX", &["one", "two"]).expect("appended");
            let (job, log) = job();
            let mut mailbox = desk
                .driver
                .open(&desk.place("INBOX"), Access::ReadWrite, &job)
                .expect("open");
            log.take();
            for &uid in &uids {
                let mut read = |part| {
                    let mut bytes = Vec::new();
                    mailbox.read(uid, part, &mut bytes, &job).expect("read");
                    bytes
                };
                let (header, text) = (read(Part::Header), read(Part::Text));
                let whole = read(Part::Whole);
                assert_eq!([header, text].concat(), whole);
                let summary = mailbox.summary(uid).expect("there");
                assert_eq!(summary.rfc822_size, whole.len() as u64);
                assert!(!summary.flags.has(SystemFlags::SEEN));
            }
            let unknown = Uid::new(999).expect("not 0");
            let refused = mailbox.read(unknown, Part::Whole, &mut Vec::new(), &job);
            assert!(matches!(refused, Err(Error::NoSuchMessage)));
            let flagged = log
                .take()
                .into_iter()
                .filter(|it| matches!(it, Change::Flags(_)));
            assert_eq!(flagged.count(), 0);
            mailbox.close(&job).expect("closed");
        },
    );
}

#[test]
fn flags_and_expunges_are_told_before_they_return_and_hold() {
    each(
        "flags_and_expunges_are_told_before_they_return_and_hold",
        |desk, _| {
            let uids = desk
                .append("INBOX", &["one", "two", "three"])
                .expect("appended");
            let (job, log) = job();
            let place = desk.place("INBOX");
            let mut mailbox = desk
                .driver
                .open(&place, Access::ReadWrite, &job)
                .expect("open");
            let mut list = MessageList::new();
            let keyword = Keyword::new("later").expect("a keyword");
            let deleted = Flags::new(SystemFlags::DELETED, vec![keyword]);
            let first_two: UidSet = uids.iter().copied().take(2).collect();
            mailbox
                .store(&first_two, &FlagChange::Add(deleted.clone()), &job)
                .expect("stored");
            log.take().iter().for_each(|change| list.apply(change));
            let has =
                |list: &MessageList, at: usize| list.messages()[at].flags.has(SystemFlags::DELETED);
            assert!(has(&list, 0) && has(&list, 1) && !has(&list, 2));
            // Of those that are asked for only the deleted ones go.
            let asked: UidSet = uids.iter().copied().skip(1).collect();
            mailbox.expunge(Some(&asked), &job).expect("expunged");
            log.take().iter().for_each(|change| list.apply(change));
            assert_eq!(list.len(), 2);
            assert_eq!(mailbox.uids().len(), 2);
            mailbox.close(&job).expect("closed");
            let (job, log) = self::job();
            let read_only = desk
                .driver
                .open(&place, Access::ReadOnly, &job)
                .expect("open");
            let mut again = MessageList::new();
            log.take().iter().for_each(|change| again.apply(change));
            assert_eq!(again.messages()[0].flags.keywords().len(), 2);
            assert_eq!(again.messages()[0].uid, uids[0]);
            let mut read_only = read_only;
            let refused = read_only.store(&first_two, &FlagChange::Remove(deleted), &job);
            assert!(matches!(refused, Err(Error::ReadOnly)));
            read_only.close(&job).expect("closed");
        },
    );
}

#[test]
fn status_agrees_with_opening_and_appends_are_all_or_nothing() {
    each(
        "status_agrees_with_opening_and_appends_are_all_or_nothing",
        |desk, _| {
            let place = desk.place("INBOX");
            let many: Vec<String> = (0..250).map(|number| format!("letter {number}")).collect();
            let texts: Vec<&str> = many.iter().map(String::as_str).collect();
            let uids = desk.append("INBOX", &texts).expect("appended");
            assert!(uids.is_sorted() && uids.len() == 250);
            let (job, log) = job();
            let status = desk.driver.status(&place, &job).expect("counted");
            assert_eq!((status.messages, status.unseen), (250, 250));
            let broken: Vec<&str> = texts.iter().copied().take(150).chain(["broken"]).collect();
            assert!(desk.append("INBOX", &broken).is_err());
            let after = desk.driver.status(&place, &job).expect("counted");
            assert_eq!(
                after.messages, 250,
                "what was appended before the failure is gone again"
            );
            let mailbox = desk
                .driver
                .open(&place, Access::ReadOnly, &job)
                .expect("open");
            assert_eq!(mailbox.uids().len(), 250);
            mailbox.close(&job).expect("closed");
            log.take();
        },
    );
}

#[test]
fn cancelled_work_ends_at_once_and_the_mailbox_stays_usable() {
    each(
        "cancelled_work_ends_at_once_and_the_mailbox_stays_usable",
        |desk, _| {
            let uids = desk.append("INBOX", &["one"]).expect("appended");
            let place = desk.place("INBOX");
            let (cancelled, _log) = job();
            cancelled.cancelled().cancel();
            let refused = desk.driver.open(&place, Access::ReadOnly, &cancelled);
            assert!(matches!(refused.err(), Some(Error::Cancelled)));
            let (job, _log) = job();
            let mut mailbox = desk
                .driver
                .open(&place, Access::ReadWrite, &job)
                .expect("open");
            let refused = mailbox.read(uids[0], Part::Whole, &mut Vec::new(), &cancelled);
            assert!(matches!(refused, Err(Error::Cancelled)));
            let seen = FlagChange::Add(Flags::system(SystemFlags::SEEN));
            let refused = mailbox.store(&UidSet::one(uids[0]), &seen, &cancelled);
            assert!(matches!(refused, Err(Error::Cancelled)));
            let mut bytes = Vec::new();
            mailbox
                .read(uids[0], Part::Whole, &mut bytes, &job)
                .expect("read");
            assert_eq!(bytes, b"Subject: one\r\n\r\none\r\n");
            mailbox.close(&job).expect("closed");
        },
    );
}

#[test]
fn what_is_created_can_be_renamed_and_deleted_but_nothing_is_overwritten() {
    let test = "what_is_created_can_be_renamed_and_deleted_but_nothing_is_overwritten";
    each(test, |desk, _| {
        let (job, _log) = job();
        let (first, second) = (desk.place("first"), desk.place("second"));
        desk.driver.create(&first, &job).expect("created");
        let again = desk.driver.create(&first, &job);
        assert!(matches!(again, Err(Error::AlreadyExists(_))), "{again:?}");
        desk.driver
            .create(&desk.place("taken"), &job)
            .expect("created");
        let taken = desk.driver.rename(&first, &desk.place("taken"), &job);
        assert!(matches!(taken, Err(Error::AlreadyExists(_))), "{taken:?}");
        desk.driver.rename(&first, &second, &job).expect("renamed");
        for gone in [
            desk.driver.delete(&first, &job).err(),
            desk.driver.open(&first, Access::ReadOnly, &job).err(),
            desk.driver.status(&first, &job).err(),
        ] {
            assert!(
                matches!(
                    gone,
                    Some(Error::NoSuchMailbox {
                        can_create: true,
                        ..
                    })
                ),
                "{gone:?}"
            );
        }
        desk.driver.delete(&second, &job).expect("deleted");
    });
}
