//! Box A through the journal: an expunge of every other message, killed, with mail that arrives without a lock.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use mugo::os::files::OpenMode;
use mugo::os::journal::plan::Plan;
use mugo::os::journal::redo::Journal;
use mugo::os::real_files::RealFiles;

use crate::bench::recover;
use crate::common::faults::{Fault, Faults};
use crate::common::generated::{check, mailbox};
use crate::common::random::rounds;
use crate::common::world::world;

const COUNT: u64 = 60;

#[test]
fn the_checker_finds_what_is_lost_doubled_or_damaged() {
    let whole = mailbox(1, 0, 20);
    let findings = check(&whole);
    assert_eq!(findings.good, (0..20).collect::<Vec<_>>());
    assert_eq!((findings.duplicate.len(), findings.damaged), (0, 0));
    let mut doubled = whole.clone();
    doubled.extend_from_slice(&mailbox(9, 3, 1));
    assert_eq!(check(&doubled).duplicate, [3]);
    let mut damaged = whole.clone();
    let at = damaged.len() - 40;
    damaged[at] ^= 1;
    assert_eq!(
        (check(&damaged).damaged, check(&damaged).lost(20)),
        (1, vec![19])
    );
    assert_eq!(check(&whole[mailbox(1, 0, 1).len()..]).lost(20), [0]);
}

/// Removes the even serials.
fn expunge(content: &[u8]) -> Plan {
    let mut plan = Plan::new(content.len() as u64);
    let mut begin = 0;
    let starts: Vec<usize> = content
        .windows(6)
        .enumerate()
        .filter(|(_, pair)| *pair == b"\nFrom ")
        .map(|(at, _)| at + 1)
        .chain([content.len()])
        .collect();
    for (serial, end) in starts.into_iter().enumerate() {
        if serial % 2 == 1 {
            plan.keep(begin as u64, (end - begin) as u64);
        }
        begin = end;
    }
    plan
}

fn deliver(path: &Path, serial: u64) {
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(path)
        .expect("the mailbox");
    file.write_all(&mailbox(serial, serial, 1))
        .expect("a delivery");
}

#[test]
fn r1_box_a_survives_a_kill_at_every_operation_of_an_expunge() {
    let content = mailbox(7, 0, COUNT);
    let all: Vec<u64> = (0..COUNT).collect();
    let odd: Vec<u64> = (0..COUNT).filter(|serial| serial % 2 == 1).collect();
    let step = if rounds(0, 1) == 1 { 1 } else { 3 };
    for at in (0..).step_by(step) {
        let world = world();
        let path = world.mailbox("box", &content);
        let layer = Faults::over(Arc::new(RealFiles), Fault::Death(at));
        let environment = world.another(Arc::new(layer.clone()));
        let mut file = environment
            .files
            .open(&path, OpenMode::ReadWrite)
            .expect("the mailbox");
        let journal = Journal::new(&environment).with_window(20_000);
        let plan = expunge(&content);
        // Mail arrives without a lock while the expunge goes on, and again after the crash.
        let mut delivered = false;
        let result = journal.rewrite(&path, file.as_mut(), &plan, &mut |_, _| {
            if !std::mem::replace(&mut delivered, true) {
                deliver(&path, COUNT);
            }
        });
        assert_eq!(result.is_ok(), !layer.hit(), "{result:?}");
        deliver(&path, COUNT + 1);
        let recovered = recover(
            &world,
            &path,
            Arc::new(Faults::over(Arc::new(RealFiles), Fault::None)),
        );
        let findings = check(&fs::read(&path).expect("the mailbox"));
        let news: &[u64] = if delivered {
            &[COUNT, COUNT + 1]
        } else {
            &[COUNT + 1]
        };
        let old = [&all[..], news].concat();
        let new = [&odd[..], news].concat();
        assert_eq!(
            (findings.damaged, findings.duplicate.len()),
            (0, 0),
            "killed at {at}"
        );
        let fits = findings.good == old || findings.good == new;
        assert!(fits, "killed at {at}: {recovered:?}, {:?}", findings.good);
        if !layer.hit() {
            assert_eq!(findings.good, new);
            break;
        }
    }
}
