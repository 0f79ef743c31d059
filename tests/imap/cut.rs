//! Connections that end at any byte, in either direction, while something is being done: nothing is lost, nothing doubled, and
//! where nobody can know what became of it the error says so.
//!
//! What there is is looked up in Dovecot's files, not asked of anybody. `MUGO_NIGHT=1` cuts a thousand times.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mugo::backend::event::{Event, Piece};
use mugo::backend::request::{Ask, MailboxId, Request, Submission};
use mugo::mail::flags::{FlagChange, Flags, SystemFlags};
use mugo::mail::name::MailboxName;
use mugo::mail::structure::Part;
use mugo::mail::uid::{Uid, UidSet};

use crate::common::random::{Random, rounds};
use crate::desk::{Desk, is_closed, network};
use crate::dovecot::{Dovecot, Format, dovecot};
use crate::proxy::Proxy;

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    Flag,
    Move,
    Append,
    Fetch,
}

const DEEDS: [Deed; 4] = [Deed::Flag, Deed::Move, Deed::Append, Deed::Fetch];

/// The error of a deed of which nobody knows whether it was done.
const UNSURE: &str = "nobody heard whether the server did it";

/// The mail of a user, as files.
struct Files {
    root: PathBuf,
}

impl Files {
    fn folder(&self, mailbox: &str) -> PathBuf {
        match mailbox {
            "INBOX" => self.root.clone(),
            other => self.root.join(format!(".{other}")),
        }
    }

    /// The files of a mailbox that hold this word, with their names.
    fn with(&self, mailbox: &str, word: &str) -> Vec<String> {
        let mut found = Vec::new();
        for inner in ["cur", "new"] {
            let Ok(entries) = fs::read_dir(self.folder(mailbox).join(inner)) else {
                continue;
            };
            for entry in entries.flatten() {
                let text = fs::read_to_string(entry.path()).unwrap_or_default();
                if text.contains(word) {
                    found.push(entry.file_name().to_string_lossy().into_owned());
                }
            }
        }
        found
    }
}

fn letter(number: usize) -> String {
    let lines = "A line that is the same in every letter.\r\n".repeat(40);
    format!("From: ann@example.org\r\nSubject: letter-{number}-\r\n\r\n{lines}")
}

/// A user with so many letters, and an empty mailbox beside INBOX.
fn user(server: &Dovecot, count: usize) -> (String, Files) {
    let user = server.user(Format::Maildir);
    let files = Files {
        root: server.home(&user).join("Maildir"),
    };
    let owner = fs::metadata(server.home(&user)).expect("there");
    let own = |path: &Path| chown(path, Some(owner.uid()), Some(owner.gid())).expect("owned");
    for mailbox in ["INBOX", "there"] {
        let folder = files.folder(mailbox);
        fs::create_dir(&folder).expect("made");
        own(&folder);
        for inner in ["cur", "new", "tmp"] {
            fs::create_dir(folder.join(inner)).expect("made");
            own(&folder.join(inner));
        }
    }
    for number in 0..count {
        let path = files
            .root
            .join(format!("cur/{}.letter:2,", 1_700_000_000 + number));
        fs::write(&path, letter(number)).expect("written");
        own(&path);
    }
    (user, files)
}

#[test]
fn connections_may_end_at_any_byte() {
    let Some(server) = dovecot("connections_may_end_at_any_byte") else {
        return;
    };
    let count = usize::try_from(rounds(80, 1000)).expect("small");
    // A server that moves in one step, and one on which a move is a copy, a mark and an expunge.
    for disabled in [&[][..], &["MOVE"]] {
        cut(server, count / 2, disabled);
    }
}

fn cut(server: &Dovecot, count: usize, disabled: &[&str]) {
    let (user, files) = user(server, count);
    let proxy = Proxy::before(server.port, Duration::ZERO);
    let here = format!("{{localhost:{}/user={user}}}INBOX", proxy.port);
    let there = here.replace("INBOX", "there");
    let there = MailboxName::parse(there.as_bytes()).expect("a name");
    let mut desk = Desk::new(network(server, &user, disabled));
    let mut random = Random::new(0x5eed);
    let mut open: Option<MailboxId> = None;
    let (mut cuts, mut unsure, mut failed) = (0, 0, 0);
    for number in 0..count {
        let deed = DEEDS[number % DEEDS.len()];
        let mailbox = *open.get_or_insert_with(|| {
            let (opened, mailbox) = desk.open(&here);
            opened.expect("opened");
            mailbox
        });
        let before = proxy.connections();
        // About as much as goes over it; an append logs in first where no connection waits.
        let (to_client, to_server) = match deed {
            Deed::Flag => (200, 120),
            Deed::Move => (400, 150),
            Deed::Append => (4500, 3500),
            Deed::Fetch => (2500, 120),
        };
        let is_back = random.below(2) == 0;
        let most = if is_back { to_client } else { to_server };
        let bytes = i64::try_from(random.below(most)).expect("small");
        match is_back {
            true => proxy.cut_after(bytes),
            false => proxy.cut_before(bytes),
        }
        let uid = Uid::new(u32::try_from(number + 1).expect("small")).expect("not 0");
        let uids = UidSet::one(uid);
        let (result, events) = match deed {
            Deed::Flag => {
                let flagged = Flags::system(SystemFlags::FLAGGED);
                desk.on(mailbox, Ask::Store(uids, FlagChange::Add(flagged)))
            }
            Deed::Move => {
                let to = there.clone();
                let (create, remove) = (false, true);
                let copy = Ask::Copy {
                    uids,
                    to,
                    create,
                    remove,
                };
                desk.on(mailbox, copy)
            }
            Deed::Append => {
                let text = letter(count + number);
                let submission = Submission {
                    flags: Flags::default(),
                    internal_date: None,
                    source: Box::new(Cursor::new(text.into_bytes())),
                };
                desk.ask(Request::Append(there.clone(), vec![submission]))
            }
            Deed::Fetch => desk.on(mailbox, Ask::Read(uid, Part::Whole)),
        };
        proxy.cut_after(-1);
        proxy.cut_before(-1);
        let said = result
            .as_ref()
            .err()
            .map_or(String::new(), ToString::to_string);
        let what = format!("{disabled:?} {number} {deed:?} {is_back} {bytes}: {result:?} {said}");
        assert!(!said.contains("programming"), "{what}");
        cuts += usize::from(proxy.connections() > before || result.is_err());
        failed += usize::from(result.is_err());
        let is_unsure = said.contains(UNSURE);
        unsure += usize::from(is_unsure);
        if is_closed(&events) || result.is_err() {
            // Whatever the face knows now: the next deed begins with what is there.
            let _closed = desk.on(mailbox, Ask::Close);
            open = None;
        }
        let word = format!("letter-{number}-");
        let kept = files.with("INBOX", &word);
        let moved = files.with("there", &word).len();
        match deed {
            Deed::Flag => {
                assert_eq!((kept.len(), moved), (1, 0), "{what}");
                let is_flagged = kept[0]
                    .split_once(":2,")
                    .is_some_and(|it| it.1.contains('F'));
                assert!(is_flagged || result.is_err(), "{what}");
            }
            Deed::Move => {
                let all = kept.len() + moved;
                assert!(all >= 1, "lost: {what}");
                assert!(
                    all == 1 || is_unsure || !disabled.is_empty(),
                    "doubled: {what}"
                );
                if result.is_ok() {
                    assert_eq!((kept.len(), moved), (0, 1), "{what}");
                } else if !is_unsure {
                    assert_eq!((kept.len(), moved), (1, 0), "{what}");
                }
                assert!(moved <= 1, "doubled: {what}");
            }
            Deed::Append => {
                let word = format!("letter-{}-", count + number);
                let appended = files.with("there", &word).len();
                match (result.is_ok(), is_unsure) {
                    (true, _) => assert_eq!(appended, 1, "{what}"),
                    (false, true) => assert!(appended <= 1, "{what}"),
                    (false, false) => assert_eq!(appended, 0, "{what}"),
                }
            }
            Deed::Fetch => {
                assert_eq!((kept.len(), moved), (1, 0), "{what}");
                let bytes: Vec<u8> = events
                    .iter()
                    .filter_map(|event| match event {
                        Event::Piece(_, Piece::Bytes(bytes)) => Some(bytes.clone()),
                        _ => None,
                    })
                    .flatten()
                    .collect();
                let is_whole = bytes == letter(number).as_bytes();
                assert!(is_whole || result.is_err(), "{what}");
            }
        }
    }
    eprintln!(
        "{count} deeds, {disabled:?}: {cuts} connections cut, {failed} told as failed, {unsure} of these as unsure"
    );
    assert!(cuts * 3 > count, "{cuts} of {count} were cut");
}
