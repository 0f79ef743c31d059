//! Users of this machine: `/etc/passwd`, and `getent` for those that only a directory service knows.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const GETENT: &str = "/usr/bin/getent";

/// A user of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// Numeric id.
    pub uid: u32,
    /// Home folder.
    pub home: PathBuf,
}

impl Account {
    /// The user with this login name.
    pub fn named(name: &str) -> Option<Self> {
        let sane = name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-@\\+$".contains(&b));
        if name.is_empty() || name.starts_with('-') || !sane {
            return None;
        }
        look_up(name, &|account| account.name == name)
    }

    /// The user with this numeric id.
    pub fn with_uid(uid: u32) -> Option<Self> {
        look_up(&uid.to_string(), &|account| account.uid == uid)
    }
}

fn look_up(key: &str, wanted: &dyn Fn(&Account) -> bool) -> Option<Account> {
    let known = fs::read("/etc/passwd").unwrap_or_default();
    find(&known, wanted).or_else(|| {
        let mut getent = Command::new(GETENT);
        getent
            .args(["passwd", key])
            .env_clear()
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        find(&getent.output().ok()?.stdout, wanted)
    })
}

fn find(database: &[u8], wanted: &dyn Fn(&Account) -> bool) -> Option<Account> {
    database
        .split(|&b| b == b'\n')
        .filter_map(account)
        .find(|account| wanted(account))
}

fn account(line: &[u8]) -> Option<Account> {
    let mut fields = line.split(|&b| b == b':');
    let name = String::from_utf8(fields.next()?.to_vec()).ok()?;
    let uid = std::str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?;
    let home = PathBuf::from(OsString::from_vec(fields.nth(2)?.to_vec()));
    (!name.is_empty() && home.is_absolute()).then_some(Account { name, uid, home })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_database() {
        let text =
            b"broken\nbob:x:1000:1000:Bob,,,:/home/bob:/bin/sh\nx:x:y:1::/h:/s\nnohome:x:3:3::::\n";
        let bob = find(text, &|account| account.name == "bob");
        assert_eq!(
            bob,
            Some(Account {
                name: "bob".into(),
                uid: 1000,
                home: "/home/bob".into()
            })
        );
        assert_eq!(find(text, &|account| account.uid == 3), None);
    }

    #[test]
    fn root_is_there_and_options_are_not_names() {
        assert_eq!(
            Account::with_uid(0).map(|root| root.name),
            Some("root".into())
        );
        assert_eq!(Account::named("root").map(|root| root.uid), Some(0));
        assert_eq!(Account::named("-s"), None);
        assert_eq!(Account::named("no-such-user-here"), None);
    }
}
