//! From a name to the place it stands for: a path with its protection, or a server; or why it is forbidden.
//!
//! | name | clear box | black box | anonymous |
//! |---|---|---|---|
//! | `INBOX` | the spool file | `H/INBOX` | `H/INBOX` |
//! | `x`, `~/x` | `H/x` | `H/x` | `H/x`; `~/x` forbidden |
//! | `/a/b` | absolute; restricted: the spool file only | user a's `b` | forbidden |
//! | `~user/x` | below that user's home; restricted: forbidden | user's `x` | forbidden |
//! | `#ftp/x` `#public/x` | below the home of `ftp`, `imappublic` | same | same |
//! | `#shared/x` | below the home of `imapshared` | same | forbidden |
//!
//! `H` is the mail home, in a black box the user's folder in it. `..`, `//` and `/~` are forbidden in a black
//! box, for anonymous users and in restricted mode. Paths are put together as bytes: nothing in a name can
//! replace what stands before it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::backend::error::{Error, Result};
use crate::driver::place::{Place, Protection};
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::server::Server;
use crate::mail::text::Foreign;
use crate::os::accounts::Account;
use crate::os::environment::Environment;

/// What a name stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// A file or folder of this machine.
    Local(Place),
    /// A mailbox on a server.
    Remote(Box<Server>, Vec<u8>),
}

/// Finds the home of a user of this machine.
pub type Homes<'a> = &'a dyn Fn(&OsStr) -> Option<PathBuf>;

/// Finds what `name` stands for. Looks at no mailbox; only `~user` and the shared namespaces need the system's user list.
///
/// `#driver.FORMAT/x` stands for what `x` stands for; whether a format may be named is the business of what is done with it.
pub fn resolve(environment: &Environment, name: &MailboxName) -> Result<Target> {
    resolve_with(environment, name, &|user| {
        Account::named(user.to_str()?).map(|account| account.home)
    })
}

/// The same, with another list of users.
pub fn resolve_with(
    environment: &Environment,
    name: &MailboxName,
    homes: Homes<'_>,
) -> Result<Target> {
    let plain = match name.kind() {
        NameKind::Driver { name, .. } => name,
        _ => name,
    };
    let world = World { environment, homes };
    if let NameKind::Remote { server, mailbox } = plain.kind() {
        return Ok(Target::Remote(server.clone(), mailbox.to_vec()));
    }
    let (path, protection) = world.locate(plain)?;
    Ok(Target::Local(Place {
        name: name.clone(),
        path,
        is_inbox: plain.is_inbox(),
        protection,
    }))
}

/// The user's folder: where relative names live.
pub fn mail_home(environment: &Environment) -> PathBuf {
    match &environment.black_box {
        Some(folder) if !environment.anonymous => folder.join(&environment.user.name),
        _ => environment.home.clone(),
    }
}

/// The file that a name of INBOX means before the formats are asked: the spool, or `INBOX` where there is none.
pub fn system_inbox(environment: &Environment) -> PathBuf {
    if environment.anonymous || environment.black_box.is_some() {
        mail_home(environment).join("INBOX")
    } else {
        environment.spool.clone()
    }
}

/// The user of this machine below whose home a shared namespace lives.
const FTP: &str = "ftp";
const PUBLIC: &str = "imappublic";
const SHARED: &str = "imapshared";

struct World<'a> {
    environment: &'a Environment,
    homes: Homes<'a>,
}

impl World<'_> {
    fn locate(&self, name: &MailboxName) -> Result<(PathBuf, Protection)> {
        self.refuse_escapes(name)?;
        let private = |path: PathBuf| Ok((path, Protection::PRIVATE));
        match name.kind() {
            NameKind::Inbox => private(system_inbox(self.environment)),
            NameKind::Relative => private(below(&self.mail_home(), name.as_bytes())),
            NameKind::Home(rest) => {
                self.refuse_anonymous("a name that begins with ~")?;
                private(below(&self.mail_home(), rest))
            }
            NameKind::Absolute => private(self.absolute(name.as_bytes())?),
            NameKind::User { user, rest } => private(self.of_user(user, rest)?),
            NameKind::Ftp(rest) => {
                Ok((below(&self.home_of(FTP.as_bytes())?, rest), Protection::FTP))
            }
            NameKind::Public(rest) => {
                let home = self.home_of(PUBLIC.as_bytes())?;
                Ok((below(&home, folded(rest)), Protection::PUBLIC))
            }
            NameKind::Shared(rest) => {
                self.refuse_anonymous("#shared/")?;
                let home = self.home_of(SHARED.as_bytes())?;
                Ok((below(&home, folded(rest)), Protection::SHARED))
            }
            NameKind::Mh(_) => Err(Error::NotYet { namespace: "#mh/" }),
            NameKind::MhInbox => Err(Error::NotYet {
                namespace: "#mhinbox",
            }),
            NameKind::News(_) => Err(Error::NotYet {
                namespace: "#news.",
            }),
            NameKind::Move { .. } => Err(Error::NotYet { namespace: "#move" }),
            NameKind::Pop { .. } => Err(Error::NotYet { namespace: "#pop" }),
            NameKind::Remote { .. } => Err(Error::NotYet {
                namespace: "{server}",
            }),
            NameKind::Driver { .. } => Err(Error::NotYet {
                namespace: "#driver. in #driver.",
            }),
        }
    }

    fn mail_home(&self) -> PathBuf {
        mail_home(self.environment)
    }

    fn is_black_box(&self) -> bool {
        self.environment.black_box.is_some() && !self.environment.anonymous
    }

    fn refuse_escapes(&self, name: &MailboxName) -> Result<()> {
        let environment = self.environment;
        let strict = environment.anonymous || environment.restricted || self.is_black_box();
        let why = match MailboxName::escaping_part(name.as_bytes()).filter(|_| strict) {
            None => return Ok(()),
            Some("..") => "must not hold .. here",
            Some("//") => "must not hold // here",
            Some(_) => "must not hold /~ here",
        };
        Err(Error::Forbidden {
            what: "the name",
            why,
        })
    }

    fn refuse_anonymous(&self, what: &'static str) -> Result<()> {
        if self.environment.anonymous {
            return Err(Error::Forbidden {
                what,
                why: "is not open to anonymous users",
            });
        }
        Ok(())
    }

    fn absolute(&self, name: &[u8]) -> Result<PathBuf> {
        self.refuse_anonymous("a name that begins with /")?;
        let path = PathBuf::from(OsStr::from_bytes(name));
        if self.is_black_box() {
            let name = name.strip_prefix(b"/").unwrap_or(name);
            let end = name
                .iter()
                .position(|&byte| byte == b'/')
                .unwrap_or(name.len());
            let (user, rest) = name.split_at(end);
            return self.in_black_box(user, rest.strip_prefix(b"/").unwrap_or(rest));
        }
        let is_spool = path.as_os_str() == self.environment.spool.as_os_str();
        if self.environment.restricted && !is_spool {
            return Err(Error::Forbidden {
                what: "a name that begins with /",
                why: "is forbidden in restricted mode",
            });
        }
        Ok(path)
    }

    fn of_user(&self, user: &[u8], rest: &[u8]) -> Result<PathBuf> {
        self.refuse_anonymous("a name that begins with ~")?;
        if self.is_black_box() {
            return self.in_black_box(user, rest);
        }
        if self.environment.restricted {
            return Err(Error::Forbidden {
                what: "another user's name",
                why: "is forbidden in restricted mode",
            });
        }
        Ok(below(&self.home_of(user)?, folded(rest)))
    }

    /// A mailbox of a user of the black box, who is anybody that could have a folder there.
    fn in_black_box(&self, user: &[u8], rest: &[u8]) -> Result<PathBuf> {
        let Some(folder) = &self.environment.black_box else {
            return Err(Error::NoSuchUser(foreign(user)));
        };
        if user.is_empty() || user == b"." {
            return Err(Error::NoSuchUser(foreign(user)));
        }
        if self.environment.restricted && user != self.environment.user.name.as_bytes() {
            return Err(Error::Forbidden {
                what: "another user's name",
                why: "is forbidden in restricted mode",
            });
        }
        Ok(below(&below(folder, user), folded(rest)))
    }

    /// A user's home; the user's own is the mail home, wherever that was put.
    fn home_of(&self, user: &[u8]) -> Result<PathBuf> {
        if user == self.environment.user.name.as_bytes() {
            return Ok(self.environment.home.clone());
        }
        let home = (self.homes)(OsStr::from_bytes(user)).filter(|home| home.is_absolute());
        home.ok_or_else(|| Error::NoSuchUser(foreign(user)))
    }
}

/// `rest` below `base`; unlike a join of paths, an absolute `rest` does not replace `base`.
fn below(base: &Path, rest: &[u8]) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    if !rest.is_empty() && !path.as_bytes().ends_with(b"/") {
        path.push("/");
    }
    if !rest.is_empty() {
        path.push(OsStr::from_bytes(rest));
    }
    PathBuf::from(path)
}

/// INBOX is upper case on disk, however it was typed.
fn folded(rest: &[u8]) -> &[u8] {
    if rest.eq_ignore_ascii_case(b"INBOX") {
        b"INBOX"
    } else {
        rest
    }
}

fn foreign(bytes: &[u8]) -> Foreign {
    Foreign::new(String::from_utf8_lossy(bytes))
}
