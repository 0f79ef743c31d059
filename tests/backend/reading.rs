//! What a reader sees, and what is found.

use mugo::backend::error::Error;
use mugo::backend::event::{Event, Piece};
use mugo::backend::request::Ask;
use mugo::mail::change::Change;
use mugo::mail::criteria::Criteria;
use mugo::mail::flags::SystemFlags;
use mugo::mail::order::{Order, SortKey};
use mugo::mail::structure::{Part, Section};
use mugo::mail::uid::{Uid, UidSet};

use crate::face::{Face, KINDS, uids};

const MAIL: [&str; 3] = [
    "Subject: Re: cherries\r\nFrom: Zoe <zoe@example.org>\r\n\r\nred\r\n",
    "Subject: apples\r\nFrom: Ann <ann@example.org>\r\n\r\ngreen\r\n",
    "Subject: Bananas\r\nFrom: Bob <bob@example.org>\r\n\r\nyellow and a little green\r\n",
];

#[test]
fn envelopes_come_in_batches_and_skip_what_is_not_there() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let many: Vec<String> = (0..120)
            .map(|number| format!("Subject: number {number}\r\n\r\n"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let mailbox = face.opened("box", &many);
        let all = face.served(mailbox, Ask::Envelopes(UidSet::all()));
        let sizes: Vec<usize> = all
            .pieces()
            .filter_map(|piece| match piece {
                Piece::Envelopes(rows) => Some(rows.len()),
                _ => None,
            })
            .collect();
        assert_eq!(sizes, [50, 70], "{kind:?}");
        let some = face.served(mailbox, Ask::Envelopes(uids(&[7, 500])));
        let Some(Piece::Envelopes(rows)) = some.pieces().next() else {
            panic!("no envelopes");
        };
        assert_eq!(rows.len(), 1);
        let subject = rows[0].1.subject.as_ref().expect("a subject");
        assert_eq!(subject.raw(), "number 6");
    }
}

/// So many that another thread understands the headers, where there may be one.
#[test]
fn envelopes_of_many_messages_come_all_and_in_order() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let many: Vec<String> = (0..2500)
            .map(|number| format!("Subject: number {number}\r\n\r\n"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let mailbox = face.opened("box", &many);
        let all = face.served(mailbox, Ask::Envelopes(UidSet::all()));
        let mut number = 0;
        for piece in all.pieces() {
            let Piece::Envelopes(rows) = piece else {
                continue;
            };
            for (uid, envelope) in rows.iter() {
                let subject = envelope.subject.as_ref().expect("a subject");
                assert_eq!(subject.raw(), format!("number {number}"), "{kind:?}");
                number += 1;
                assert_eq!(uid.get(), number);
            }
        }
        assert_eq!(number, 2500, "{kind:?}");
    }
}

#[test]
fn a_view_marks_the_message_seen_and_a_peek_does_not() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", &MAIL);
        let view = |peek| Ask::View {
            uid: Uid::FIRST,
            width: 80,
            prefer_html: false,
            peek,
        };
        let seen = |event: &Event| {
            matches!(event, Event::Change(_, Change::Flags(flags))
                if flags[0].1.has(SystemFlags::SEEN))
        };
        let peek = face.served(mailbox, view(true));
        assert!(!peek.events.iter().any(seen), "{kind:?}");
        let viewed = face.served(mailbox, view(false));
        assert!(viewed.events.iter().any(seen), "{kind:?}");
        let Some(Piece::View(_, document)) = viewed.pieces().next() else {
            panic!("no view");
        };
        assert_eq!(document.headers.len(), 2);
        let raw = face.served(
            mailbox,
            Ask::Read(uids(&[2]).last().expect("2"), Part::Text),
        );
        assert_eq!(raw.bytes(), b"green\r\n");
        assert!(!raw.events.iter().any(seen));
    }
}

#[test]
fn parts_are_decoded_and_missing_ones_named() {
    let message = "Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n";
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", &[message]);
        let part = |text: &str| Section::parse(text).expect("a section");
        let one = face.served(mailbox, Ask::ReadSection(Uid::FIRST, part("1")));
        assert_eq!(one.bytes(), b"Hello", "{kind:?}");
        let nine = face.served(mailbox, Ask::ReadSection(Uid::FIRST, part("9")));
        assert!(matches!(nine.result, Err(Error::NoSuchPart(_))));
    }
}

#[test]
fn search_reads_no_more_than_it_must() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", &MAIL);
        let parse = |text: &str| Criteria::parse(text).expect("criteria");
        let read = |face: &Face| face.store.read.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!(
            face.served(mailbox, Ask::Search(parse("UNSEEN 2:3")))
                .found(),
            [2, 3]
        );
        assert_eq!(read(&face), 0, "{kind:?}");
        assert_eq!(
            face.served(mailbox, Ask::Search(parse("FROM ann"))).found(),
            [2]
        );
        let headers: usize = MAIL
            .iter()
            .map(|mail| mail.find("\r\n\r\n").expect("a header") + 4)
            .sum();
        assert_eq!(read(&face), headers, "{kind:?}");
        let narrow = face.served(mailbox, Ask::Search(parse("BODY green SUBJECT banana")));
        assert_eq!(narrow.found(), [3]);
        assert_eq!(read(&face), 2 * headers + MAIL[2].len(), "{kind:?}");
        assert!(
            face.served(mailbox, Ask::Search(parse("SEEN")))
                .found()
                .is_empty()
        );
    }
}

#[test]
fn sort_follows_the_key() {
    for kind in KINDS {
        let mut face = Face::new(kind);
        let mailbox = face.opened("box", &MAIL);
        for (key, reverse, expected) in [
            (SortKey::Subject, false, [2, 3, 1]),
            (SortKey::From, true, [1, 3, 2]),
            (SortKey::Arrival, true, [3, 2, 1]),
            (SortKey::Date, false, [3, 2, 1]),
        ] {
            let sorted = face.served(mailbox, Ask::Sort(Order { key, reverse }));
            assert_eq!(sorted.found(), expected, "{kind:?} {key:?}");
        }
    }
}
