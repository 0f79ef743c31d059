use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::config::load::load;

fn import(files: &[(Whose, &[u8])]) -> Imported {
    let mut imported = Imported::default();
    for (whose, text) in files {
        imported.add(*whose, Path::new("FILE"), text);
    }
    imported
}

/// The settings, as `key=value` lines.
fn told(imported: &Imported) -> Vec<String> {
    let value = |value: &Value| value.clone().into_string();
    let lines = imported.values().map(|(key, found)| match value(found) {
        Ok(text) => format!("{key}={text}"),
        Err(_) => format!(
            "{key}={:?}",
            found.clone().into_array().map(|list| list.len()).ok()
        ),
    });
    lines.collect()
}

fn complaints(imported: &Imported) -> Vec<&str> {
    let loud = imported.notes.iter().filter(|note| !note.ok);
    loud.map(|note| note.text.raw()).collect()
}

#[test]
fn every_command_names_a_setting_that_exists() {
    for (name, _, meaning) in COMMANDS {
        let key = match meaning {
            Meaning::Text(key)
            | Meaning::Format(key)
            | Meaning::Bits(key)
            | Meaning::Number(key)
            | Meaning::Switch(key)
            | Meaning::Opposite(key) => key,
            _ => continue,
        };
        assert!(kind_of(key).is_some(), "{name}: {key}");
        assert_eq!(*name, name.to_ascii_lowercase());
    }
}

#[test]
fn commands_become_settings() {
    let text = b"set New-Mailbox-Format mbx\nSET empty-folder-format invalid\nset system-inbox /in box\n\
        set keywords a,b  c\nset keywords d\nset mailbox-protection 384\nset hide-dot-files 1\n\
        set disable-automatic-shared-namespaces 1\nset restrict-mailbox-access root\n\
        set restrict-mailbox-access otherusers\nset dot-lock-file-timeout 7\nset list-maximum-level 3\n";
    let imported = import(&[(Whose::System, text)]);
    assert_eq!(
        told(&imported),
        [
            "folders.hide-dot-files=true",
            "folders.list-depth=3",
            "local.dot_lock_timeout=7",
            "local.empty_format=invalid",
            "local.file_mode=384",
            "local.keywords=Some(3)",
            "local.new_format=mbx",
            "local.restrict=all",
            "local.shared_namespaces=false",
            "local.spool=/in box",
        ]
    );
    assert!(complaints(&imported).is_empty());
}

#[test]
fn junk_means_nothing_and_is_told_of() {
    let text = b"set  keywords a\nset keywords\nkeywords a\n\nset nonsense 1\nset new-mailbox-format unicorn\n\
        set mailbox-protection 99999999999999999999\nset mailbox-protection -1\nset hide-dot-files yes\n\
        set system-inbox \nset \xff 1\n# set black-box-directory /x\nset chroot-server x\nset system-inbox /cut off";
    let imported = import(&[(Whose::System, text)]);
    assert!(told(&imported).is_empty(), "{:?}", told(&imported));
    let loud = complaints(&imported);
    assert_eq!(loud.len(), 8, "{loud:?}");
    assert!(loud.contains(&"FILE:6: new-mailbox-format: no such format; passed over"));
    assert!(loud.contains(&"FILE:14: the line has no end; passed over"));
    let long = [&b"x\n"[..]; 5000].concat();
    assert!(import(&[(Whose::System, &long)]).notes.len() < 30);
}

#[test]
fn the_user_may_not_give_what_is_the_systems() {
    let text = b"set black-box-directory /x\nset restrict-mailbox-access all\nset chroot-server 1\n\
        set anonymous-home-directory /x\nset allow-user-config 1\nset hide-dot-files 1\nset keywords u\n";
    let imported = import(&[
        (Whose::System, b"set keywords s\n"),
        (Whose::UserInit, b"set keywords i j\nset hide-dot-files 0\n"),
        (Whose::User, text),
    ]);
    assert_eq!(
        told(&imported),
        ["folders.hide-dot-files=true", "local.keywords=Some(1)"]
    );
    assert_eq!(
        complaints(&imported).len(),
        6,
        "{:?}",
        complaints(&imported)
    );
}

#[test]
fn the_files_lie_between_the_defaults_and_the_settings() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("private");
        path
    };
    let system = write(
        "system",
        "set new-mailbox-format mbx\nset mail-subdirectory Mail\n",
    );
    write(
        ".imaprc",
        "set mail-subdirectory Post\nset hide-dot-files 1\n",
    );
    write(".mminit", "set keywords one two\n");
    let sets = [format!("local.c_client_config={}", system.display())];
    let load = |file: Option<&Path>| load(file, &sets, Some(folder.path())).expect("settings").0;
    let settings = load(None);
    assert_eq!(settings.local.new_format, "mbx");
    assert_eq!(settings.local.mail_subdirectory, Some("Mail".into()));
    assert!(!settings.folders.hide_dot_files && settings.local.keywords.is_empty());
    let own = write("config.toml", "[local]\nnew_format = \"mmdf\"\n");
    assert_eq!(load(Some(&own)).local.new_format, "mmdf");
    write("system", "set allow-user-config 1\n");
    let settings = load(None);
    assert_eq!(settings.local.mail_subdirectory, Some("Post".into()));
    assert!(settings.folders.hide_dot_files);
    assert_eq!(settings.local.keywords, ["one", "two"]);
}

#[test]
fn a_file_that_others_can_write_is_not_honoured() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let system = folder.path().join("system");
    let user = folder.path().join(".imaprc");
    let sets = [format!("local.c_client_config={}", system.display())];
    let notes = || load(None, &sets, Some(folder.path())).map(|loaded| loaded.1);
    let missing = notes().expect("no file, no settings");
    assert!(missing.iter().all(|note| note.ok) && missing.len() == 1);
    fs::write(&system, "set allow-user-config 1\n").expect("written");
    fs::set_permissions(&system, Permissions::from_mode(0o666)).expect("open to all");
    assert!(notes().is_err());
    fs::set_permissions(&system, Permissions::from_mode(0o644)).expect("safe");
    fs::write(&user, "set hide-dot-files 1\n").expect("written");
    fs::set_permissions(&user, Permissions::from_mode(0o666)).expect("open to all");
    let passed = notes().expect("the system's file counts");
    assert_eq!(passed.iter().filter(|note| !note.ok).count(), 1);
}
