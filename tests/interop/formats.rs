//! Mailboxes that a transfer wrote, as the library reads them, and mailboxes that the library wrote, transferred.

use serde_json::Value;

use crate::checker;
use crate::home::Home;
use crate::peers;

/// What both programs must agree on, of every message.
fn facts(home: &Home, mailbox: &str) -> Vec<[Value; 3]> {
    let shown = home.mugo_done(&["--read-only", "--json", "show", mailbox]);
    let objects = shown
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let facts = objects.skip(1).map(|mut one| {
        let flags = one["flags"].as_array_mut().expect("flags");
        flags.retain(|flag| *flag != "\\Recent");
        ["sha256", "internal_date", "flags"].map(|field| one[field].take())
    });
    facts.collect()
}

fn assert_same(found: &[[Value; 3]], expected: &[[Value; 3]], format: &str) {
    assert_eq!(found.len(), expected.len(), "{format}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{format}");
    }
}

#[test]
fn the_library_reads_and_copies_what_a_transfer_wrote() {
    if !peers::have(
        "the_library_reads_what_a_transfer_wrote",
        &["setpriv", "mailutil"],
    ) {
        return;
    }
    let home = Home::new();
    home.write("box", &checker::checked(40));
    let originals = facts(&home, "box");
    assert_eq!(originals.len(), 40);
    let formats = home.mugo_done(&["--json", "about"]);
    let formats = formats
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    // The library knows all of them but Maildir, and of MH no flags.
    let known = |format: &Value| {
        format["can_be_made"] == true
            && !["maildir", "mh"]
                .map(Value::from)
                .contains(&format["format"])
    };
    for format in formats.filter(known) {
        let name = format["format"].as_str().expect("a name");
        let (ours, back) = (format!("ours-{name}"), format!("back-{name}"));
        home.mugo_done(&["transfer", "box", &ours, "--format", name]);
        assert_eq!(home.mailutil_count(&ours), originals.len(), "{name}");
        home.mailutil(&["copy", &ours, &format!("#driver.unix/{back}")]);
        assert_eq!(
            facts(&home, &back),
            originals,
            "{name}, through the library"
        );
        // The library adds an empty line to every message that it writes in mmdf format: both programs must read that.
        let (theirs, read) = (format!("theirs-{name}"), format!("read-{name}"));
        home.mailutil(&["copy", "box", &format!("#driver.{name}/{theirs}")]);
        home.mailutil(&["copy", &theirs, &format!("#driver.unix/{read}")]);
        let written = facts(&home, &theirs);
        assert_same(&written, &facts(&home, &read), name);
        let again = format!("again-{name}");
        home.mugo_done(&["transfer", &theirs, &again, "--format", "unix"]);
        assert_same(&facts(&home, &again), &written, name);
    }
}
