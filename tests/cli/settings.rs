//! Settings from outside: the file, `--set`, `--config`, and what is said of mistakes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::dir::Dir;

#[test]
fn the_file_in_the_home_is_read_and_can_be_left_out() {
    let dir = Dir::new();
    fs::create_dir_all(dir.path("home/.config/mugo")).expect("a folder");
    dir.write(
        "home/.config/mugo/config.toml",
        "[index]\nsort = \"arrival/reverse\"\n",
    );
    let first = |words: &[&str]| {
        let words = [words, &["index", "INBOX"]].concat();
        dir.json(&words)[0]["msgno"].as_u64()
    };
    assert_eq!(first(&[]), Some(3));
    assert_eq!(first(&["--config", "none"]), Some(1));
    assert_eq!(first(&["--set", "index.sort=arrival"]), Some(1));
}

#[test]
fn settings_before_and_behind_a_command_hold_together() {
    let dir = Dir::new();
    for words in [
        [
            "--set",
            "index.sort=arrival/reverse",
            "index",
            "INBOX",
            "--set",
            "ui.theme=dark",
        ],
        [
            "--set=ui.theme=dark",
            "index",
            "INBOX",
            "--json",
            "--set",
            "index.sort=arrival/reverse",
        ],
    ] {
        assert_eq!(dir.json(&words)[0]["msgno"].as_u64(), Some(3), "{words:?}");
    }
}

#[test]
fn mistakes_tell_file_line_and_the_nearest_word() {
    let dir = Dir::new();
    let path = dir.write("bad.toml", "# mine\n[index]\nsrot = \"date\"\n");
    let name = path.display().to_string();
    let ran = dir.run(&["--config", &name, "status", "INBOX"]);
    assert_eq!(ran.code, 2);
    let expected =
        format!("mugo: {name}:3: unknown key \"index.srot\" (did you mean \"index.sort\"?)\n");
    assert_eq!(ran.err, expected);
    let ran = dir.run(&["--json", "--set", "ui.mouse=perhaps", "status", "INBOX"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.objects()[0]["error"]["message"],
        json!("--set: \"ui.mouse\" must be true or false")
    );
    let missing = dir.run(&["--config", "missing.toml", "status", "INBOX"]);
    assert!(
        missing.code == 2 && missing.err.contains("cannot be read"),
        "{}",
        missing.err
    );
}

#[test]
fn a_file_that_others_can_write_is_not_used_and_the_doctor_says_so() {
    let dir = Dir::new();
    let path = dir.write("open.toml", "");
    fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("changed");
    let ran = dir.run(&["--config", "open.toml", "status", "INBOX"]);
    assert!(
        ran.code == 2 && ran.err.contains("is not used"),
        "{}",
        ran.err
    );
    let findings = dir.json(&["--config", "open.toml", "doctor"]);
    assert_eq!(
        (&findings[0]["check"], &findings[0]["ok"]),
        (&json!("settings"), &json!(false))
    );
}

#[test]
fn the_commented_default_is_printed_and_is_itself_a_right_file() {
    let dir = Dir::new();
    let printed = dir.run(&["--print-config"]);
    assert_eq!(printed.code, 0);
    dir.write("default.toml", &printed.out);
    assert_eq!(
        dir.json(&["--config", "default.toml", "status", "INBOX"])
            .len(),
        1
    );
}

#[test]
fn the_log_is_private_and_only_there_when_asked_for() {
    let dir = Dir::new();
    dir.json(&["status", "INBOX"]);
    let log = dir.path("home/.local/state/mugo/mugo.log");
    assert!(!log.exists());
    dir.json(&["-v", "status", "INBOX"]);
    let about = fs::metadata(&log).expect("a log");
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
}
