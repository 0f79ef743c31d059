//! Whole mailboxes, compared after they were copied: over a driver that does not keep what it was given.

use std::time::Duration;

use mugo::backend::error::Error;
use mugo::backend::event::Piece;
use mugo::backend::request::Request;
use mugo::mail::flags::{Flags, Keyword, SystemFlags};
use mugo::mail::receipt::Receipt;

use crate::face::{Face, Kind, Outcome, named};

fn all_of(from: &str, to: &str) -> Request {
    Request::Transfer {
        from: named(from),
        to: named(to),
    }
}

/// A store whose mailbox `from` holds two good messages and between them this one, which has a flag and a keyword.
fn face(odd: &str) -> Face {
    let face = Face::new(Kind::Local);
    let from = face.path("from");
    let work = Keyword::new("work").expect("a keyword");
    face.store.fill(&from, &["one\r\n\r\n"]);
    let flags = Flags::new(SystemFlags::FLAGGED, vec![work]);
    face.store.deliver(&from, odd.as_bytes(), flags);
    face.store.fill(&from, &["three\r\n\r\n"]);
    face
}

fn receipt(outcome: &Outcome) -> &Receipt {
    let mut receipts = outcome.pieces().filter_map(|piece| match piece {
        Piece::Receipt(receipt) => Some(receipt),
        _ => None,
    });
    receipts.next().expect("a receipt")
}

#[test]
fn a_difference_that_nothing_explains_takes_the_new_mailbox_back() {
    for (odd, word, same) in [
        ("two loses-bytes", "content", [2, 3, 3, 3]),
        ("two loses-flags", "flags", [3, 2, 3, 3]),
        ("two loses-keywords", "keywords", [3, 3, 2, 3]),
        ("two loses-date", "date", [3, 3, 3, 2]),
    ] {
        let mut face = face(odd);
        let outcome = face.done(all_of("from", "to"));
        let result = &outcome.result;
        assert!(
            matches!(
                result,
                Err(Error::NotTheSame {
                    count: 1,
                    gone: true
                })
            ),
            "{odd}: {result:?}"
        );
        let receipt = receipt(&outcome);
        let counted = [
            receipt.same_content,
            receipt.same_flags,
            receipt.same_keywords,
            receipt.same_dates,
        ];
        assert_eq!((counted, receipt.unexplained), (same, 1), "{odd}");
        let difference = &receipt.differences[0];
        assert_eq!((difference.what.word(), difference.msgno), (word, 2));
        let boxes = face.store.lock();
        assert!(
            !boxes.contains_key(&face.path("to")),
            "{odd}: it goes again"
        );
        assert_eq!(boxes[&face.path("from")].messages.len(), 3);
    }
}

#[test]
fn what_was_there_before_stays() {
    let mut face = face("two loses-flags");
    let to = face.path("to");
    face.store.fill(&to, &["zero\r\n\r\n"]);
    let outcome = face.done(all_of("from", "to"));
    let result = &outcome.result;
    assert!(
        matches!(
            result,
            Err(Error::NotTheSame {
                count: 1,
                gone: false
            })
        ),
        "{result:?}"
    );
    assert_eq!(receipt(&outcome).same_uids, 0);
    assert_eq!(face.store.texts(&to).len(), 4);
}

#[test]
fn a_zone_that_is_lost_is_told_and_is_no_failure() {
    let mut face = face("two loses-zone");
    let outcome = face.done(all_of("from", "to"));
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    let receipt = receipt(&outcome);
    assert_eq!((receipt.different, receipt.unexplained), (1, 0));
    assert_eq!(receipt.limits[0].of, "date");
}

#[test]
fn a_comparison_that_is_cancelled_takes_the_new_mailbox_back() {
    for (there_before, left) in [(false, None), (true, Some(4))] {
        let mut face = face("two turns-slow");
        let to = face.path("to");
        if there_before {
            face.store.fill(&to, &["zero\r\n\r\n"]);
        }
        let ticket = face.ask(all_of("from", "to"));
        // All are appended, and the second copy takes long to read.
        let all = 3 + usize::from(there_before);
        let count = |face: &Face| {
            face.store
                .lock()
                .get(&to)
                .map_or(0, |found| found.messages.len())
        };
        while count(&face) < all {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(100));
        face.backend().cancel(ticket);
        let outcome = face.until(ticket);
        match left {
            None => assert!(matches!(outcome.result, Err(Error::Cancelled))),
            Some(_) => assert!(matches!(outcome.result, Err(Error::NotCompared(_)))),
        }
        let found = face.store.lock().get(&to).map(|found| found.messages.len());
        assert_eq!(found, left);
    }
}
