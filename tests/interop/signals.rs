//! SIGHUP, SIGTERM and SIGINT in the middle of an expunge (R14): the step ends or is rolled back, and locks are released.

use crate::checker;
use crate::faults::{points, stopped};
use crate::home::Home;
use crate::peers;

#[test]
fn signalled_while_expunging() {
    if !peers::have("signalled_while_expunging", &["strace", "setpriv"]) {
        return;
    }
    let home = Home::new();
    let start = checker::checked(200);
    home.write("box", &start);
    let points = points(&home, &["expunge", "box"], 6);
    for (signal, code) in [("HUP", 129), ("TERM", 143), ("INT", 130)] {
        for point in &points {
            home.write("box", &start);
            let output = stopped(&home, &["expunge", "box"], point, signal);
            let found = checker::read(&home.read("box"))
                .unwrap_or_else(|why| panic!("SIG{signal} at {point:?}: {why}"));
            assert!(
                [200, 100].contains(&found.len()),
                "SIG{signal} at {point:?}: {} messages",
                found.len()
            );
            assert!(
                !home.path("box.lock").exists(),
                "SIG{signal} at {point:?}: a lock was left"
            );
            let ended = output.status.code().unwrap_or_default();
            assert!(
                [0, 1, code].contains(&ended),
                "SIG{signal} at {point:?}: ended with {}",
                output.status
            );
        }
    }
}
