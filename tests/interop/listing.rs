//! Names that are listed, beside those that c-client lists: a home with mailboxes in every format that both know.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::checker;
use crate::home::{Home, finish, open_to};
use crate::peers::have;

/// What c-client's numbers stand for.
const ATTRIBUTES: [(u32, &str); 4] = [
    (1, "\\NoInferiors"),
    (2, "\\NoSelect"),
    (32, "\\HasChildren"),
    (64, "\\HasNoChildren"),
];

/// Names, with the attributes that both tell.
type Names = BTreeMap<String, Vec<&'static str>>;

/// Builds the program that lets c-client list names.
fn built(home: &Home) -> PathBuf {
    home.write("bin/list.c", include_bytes!("list.c"));
    let program = home.path("bin/list");
    let mut gcc = Command::new("gcc");
    gcc.args(["-w", "-o"])
        .arg(&program)
        .arg(home.path("bin/list.c"))
        .arg("-l:libc-client.so.2007e");
    let output = finish(gcc, None);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    open_to(&program, 0o755);
    program
}

fn by_c_client(home: &Home, reference: &str, pattern: &str) -> Names {
    let program = home.path("bin/list").display().to_string();
    let output = finish(home.command(&[&program, reference, pattern]), None);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = told.lines().filter_map(|line| line.split_once(' '));
    names
        .map(|(bits, name)| {
            let bits: u32 = bits.parse().expect("a number");
            let set = ATTRIBUTES.iter().filter(|(bit, _)| bits & bit != 0);
            (name.to_owned(), set.map(|entry| entry.1).collect())
        })
        .collect()
}

fn by_mugo(home: &Home, reference: &str, pattern: &str) -> Names {
    let said = home.mugo_done(&["--json", "list", reference, pattern]);
    let rows = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    rows.map(|row: Value| {
        let told = row["attributes"].as_array().expect("a list").clone();
        let set = ATTRIBUTES
            .iter()
            .filter(|(_, name)| told.iter().any(|it| it == name));
        let name = row["name"].as_str().expect("a name").to_owned();
        (name, set.map(|entry| entry.1).collect())
    })
    .collect()
}

#[test]
fn c_client_lists_the_same_names() {
    if !have(
        "c_client_lists_the_same_names",
        &["mailutil", "gcc", "setpriv"],
    ) {
        return;
    }
    let home = Home::new();
    fs::create_dir_all(home.path("bin")).expect("made");
    built(&home);
    let at = home.path("post").display().to_string();
    home.write(".mh_profile", format!("Path: {at}\n").as_bytes());
    for folder in ["mail", "mail/deep", "mail/deep/er", "mail/empty", "post"] {
        fs::create_dir_all(home.path(folder)).expect("made");
        open_to(&home.path(folder), 0o755);
    }
    home.write("letter", checker::letter(1).as_bytes());
    for (format, name) in [
        ("unix", "mail/unix"),
        ("mmdf", "mail/mmdf"),
        ("mbx", "mail/mbx"),
        ("tenex", "mail/tenex"),
        ("mtx", "mail/mtx"),
        ("mx", "mail/mx"),
        ("mix", "mail/mix"),
        ("mx", "mail/deep/mx"),
        ("unix", "mail/deep/er/unix"),
        ("mix", "mail/mix/below"),
        ("mh", "#mh/inbox"),
        ("mh", "#mh/lists"),
        ("mh", "#mh/lists/rust"),
    ] {
        let made = match name.starts_with('#') {
            true => name.to_owned(),
            false => format!("#driver.{format}/{name}"),
        };
        home.mugo_done(&["create", &made]);
        home.mugo_with(&["append", name], checker::letter(1).as_bytes());
    }
    home.write("mail/text", b"no mailbox at all\n");
    home.write("mail/empty-file", b"");
    for (reference, pattern) in [
        ("", "mail/%"),
        ("", "mail/*"),
        ("mail/", "%"),
        ("mail/", "m*"),
        ("mail/deep/", "%"),
        ("", "mail/%/%"),
        ("", "mail/*x"),
        ("", "mail/mix/%"),
        ("", "mail/mx"),
        ("", "mail/none*"),
        ("", "~/mail/%"),
        ("", "inbox"),
        ("", "i%"),
        ("", "#mhinbox"),
    ] {
        let (ours, theirs) = (
            by_mugo(&home, reference, pattern),
            by_c_client(&home, reference, pattern),
        );
        assert_eq!(ours, theirs, "{reference:?} {pattern:?}");
    }
    // Of mailboxes of MH c-client tells nothing but their names.
    for (reference, pattern) in [
        ("", "#mh/%"),
        ("#mh/", "*"),
        ("", "#mh/lists/%"),
        ("", "#mh/i*"),
    ] {
        let names = |all: Names| all.into_keys().collect::<Vec<_>>();
        let (ours, theirs) = (
            by_mugo(&home, reference, pattern),
            by_c_client(&home, reference, pattern),
        );
        assert_eq!(names(ours), names(theirs), "{reference:?} {pattern:?}");
    }
}
