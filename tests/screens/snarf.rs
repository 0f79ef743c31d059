//! New mail that is moved from the spool into INBOX: one line says what came, and the messages are there.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::bench::{Bench, bench_with, mail};

/// A bench whose INBOX is an mbox that was empty, with mail in the spool; what is moved at the start has come.
fn moved(width: u16, height: u16) -> Bench {
    let mut bench = bench_with(width, height, &mail(), |options| {
        fs::write(options.home.join("mbox"), b"").expect("an INBOX");
    });
    let begun = Instant::now();
    while !bench.said().contains("moved") {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{}",
            bench.screen()
        );
        sleep(Duration::from_millis(5));
        bench.settle();
    }
    bench
}

#[test]
fn one_line_says_what_came() {
    for (width, height) in [(80, 24), (40, 12)] {
        let bench = moved(width, height);
        insta::assert_snapshot!(format!("moved-{width}x{height}"), bench.screen());
        let spool = fs::read_to_string(&bench.world.environment.spool).expect("a spool");
        assert!(!spool.contains("Allotment"), "{spool}");
    }
}
