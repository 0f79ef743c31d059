//! From a name to the place it stands for: a path with its protection, or a server; or why it is forbidden.
//!
//! | name | clear box | black box | closed box | anonymous |
//! |---|---|---|---|---|
//! | `INBOX` | the spool file | `H/INBOX` | `H/INBOX` | `H/INBOX` |
//! | `x` | `H/x` | `H/x` | `H/x` | `H/x` |
//! | `~/x` | `H/x` | `H/x` | `H/x` | forbidden |
//! | `/a/b` | absolute | user a's `b` | absolute | forbidden |
//! | `~user/x` | in that user's home | user's `x` | forbidden | forbidden |
//! | `#ftp/x` `#public/x` | where a setting says, or the home of `ftp`, `imappublic` | same | a setting only | as clear box |
//! | `#mh/x` `#mhinbox` | `x` or `inbox` below the folder that `.mh_profile` names | same, in H | same | forbidden |
//! | `#news.a.b` | `a/b` in the news spool | same | same | as clear box |
//! | `#shared/x` | the same with `imapshared` | same | a setting only | forbidden |
//!
//! `H` is the mail home: the home, or its subdirectory for mail, which other users' homes have too. Restrictions forbid
//! absolute names but that of the spool, and names of other users. `..`, `//` and `/~` are forbidden in a black box, for
//! anonymous users and under any restriction. Paths are put together as bytes: nothing in a name can replace what stands
//! before it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::backend::error::{Error, Result};
use crate::driver::error::Error as DriverError;
use crate::driver::mh::folder as mh;
use crate::driver::news::group::{directory_of, spool_path, why_no_group};
use crate::driver::place::{Place, Protection};
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::server::Server;
use crate::mail::text::Foreign;
use crate::os::accounts::Account;
use crate::os::environment::Environment;
use crate::os::naming::{Bits, Mode};

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

/// The mail home: where relative names live.
pub fn mail_home(environment: &Environment) -> PathBuf {
    environment.mail_home()
}

/// The file that a name of INBOX means before the formats are asked: the spool, or `INBOX` where there is none.
pub fn system_inbox(environment: &Environment) -> PathBuf {
    if environment.naming.mode.is_boxed() {
        mail_home(environment).join("INBOX")
    } else {
        environment.spool.clone()
    }
}

/// INBOX where the formats are not asked.
pub fn inbox_place(environment: &Environment) -> Place {
    Place {
        name: MailboxName::inbox(),
        path: system_inbox(environment),
        is_inbox: true,
        protection: asked_for(environment.naming.bits.private, Protection::PRIVATE),
    }
}

/// The usual bits, but for those that were asked for.
fn asked_for(bits: Bits, usual: Protection) -> Protection {
    Protection {
        file: bits.file.unwrap_or(usual.file),
        directory: bits.directory.unwrap_or(usual.directory),
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
        let naming = &self.environment.naming;
        let bits = &naming.bits;
        let private = |path| (path, asked_for(bits.private, Protection::PRIVATE));
        match name.kind() {
            NameKind::Inbox => Ok(private(system_inbox(self.environment))),
            NameKind::Relative => Ok(private(below(&self.mail_home(), name.as_bytes()))),
            NameKind::Home(rest) => {
                self.refuse_anonymous("a name that begins with ~")?;
                Ok(private(below(&self.mail_home(), rest)))
            }
            NameKind::Absolute => Ok(private(self.absolute(name.as_bytes())?)),
            NameKind::User { user, rest } => Ok(private(self.of_user(user, rest)?)),
            NameKind::Ftp(rest) => {
                let home = self.shared_home(naming.shared.ftp.as_deref(), FTP)?;
                Ok((below(&home, rest), asked_for(bits.ftp, Protection::FTP)))
            }
            NameKind::Public(rest) => {
                let home = self.shared_home(naming.shared.public.as_deref(), PUBLIC)?;
                let protection = asked_for(bits.public, Protection::PUBLIC);
                Ok((below(&home, folded(rest)), protection))
            }
            NameKind::Shared(rest) => {
                self.refuse_anonymous("#shared/")?;
                let home = self.shared_home(naming.shared.shared.as_deref(), SHARED)?;
                let protection = asked_for(bits.shared, Protection::SHARED);
                Ok((below(&home, folded(rest)), protection))
            }
            NameKind::Mh(rest) => {
                self.refuse_anonymous("#mh/")?;
                let folder = mh::profile(self.environment)?.folder;
                Ok(private(below(&folder, rest)))
            }
            NameKind::MhInbox => {
                self.refuse_anonymous("#mhinbox")?;
                let folder = mh::profile(self.environment)?.folder;
                Ok(private(below(&folder, b"inbox")))
            }
            NameKind::News(group) => match why_no_group(group) {
                Some(why) => Err(DriverError::Refused(why).into()),
                None => Ok(private(directory_of(&spool_path(self.environment), group))),
            },
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

    fn refuse_escapes(&self, name: &MailboxName) -> Result<()> {
        let naming = &self.environment.naming;
        let strict = match naming.mode {
            Mode::Anonymous { .. } | Mode::BlackBox { .. } => true,
            Mode::Clear | Mode::ClosedBox => naming.restrictions.any(),
        };
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
        if self.environment.naming.mode.is_anonymous() {
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
        if let Mode::BlackBox { folder, .. } = &self.environment.naming.mode {
            let name = name.strip_prefix(b"/").unwrap_or(name);
            let end = name
                .iter()
                .position(|&byte| byte == b'/')
                .unwrap_or(name.len());
            let (user, rest) = name.split_at(end);
            let rest = rest.strip_prefix(b"/").unwrap_or(rest);
            return self.in_black_box(folder, user, rest);
        }
        let is_spool = path.as_os_str() == system_inbox(self.environment).as_os_str();
        if self.environment.naming.restrictions.absolute && !is_spool {
            return Err(Error::Forbidden {
                what: "a name that begins with /",
                why: "is forbidden in restricted mode",
            });
        }
        Ok(path)
    }

    fn of_user(&self, user: &[u8], rest: &[u8]) -> Result<PathBuf> {
        self.refuse_anonymous("a name that begins with ~")?;
        match &self.environment.naming.mode {
            Mode::BlackBox { folder, .. } => return self.in_black_box(folder, user, rest),
            Mode::ClosedBox => {
                return Err(Error::Forbidden {
                    what: "another user's name",
                    why: "is forbidden in a closed box, which has one user",
                });
            }
            Mode::Clear | Mode::Anonymous { .. } => {}
        }
        if self.environment.naming.restrictions.other_users {
            return Err(Error::Forbidden {
                what: "another user's name",
                why: "is forbidden in restricted mode",
            });
        }
        let home = self.environment.in_subdirectory(&self.home_of(user)?);
        Ok(below(&home, folded(rest)))
    }

    /// A mailbox of a user of the black box, who is anybody that could have a folder there.
    fn in_black_box(&self, folder: &Path, user: &[u8], rest: &[u8]) -> Result<PathBuf> {
        if user.is_empty() || user == b"." {
            return Err(Error::NoSuchUser(foreign(user)));
        }
        if user == self.environment.user.name.as_bytes() {
            return Ok(below(&self.mail_home(), folded(rest)));
        }
        if self.environment.naming.restrictions.other_users {
            return Err(Error::Forbidden {
                what: "another user's name",
                why: "is forbidden in restricted mode",
            });
        }
        let home = self.environment.in_subdirectory(&below(folder, user));
        Ok(below(&home, folded(rest)))
    }

    /// The folder of a shared namespace: the one that a setting gives, else the home of a user of this machine.
    fn shared_home(&self, given: Option<&Path>, user: &str) -> Result<PathBuf> {
        let naming = &self.environment.naming;
        match given {
            Some(folder) => Ok(folder.to_owned()),
            None if naming.shared.automatic && naming.mode != Mode::ClosedBox => {
                let home = (self.homes)(OsStr::new(user)).filter(|home| home.is_absolute());
                home.ok_or_else(|| Error::NoSuchUser(Foreign::new(user)))
            }
            None => Err(Error::Forbidden {
                what: "this namespace",
                why: "has no folder here: no setting names one",
            }),
        }
    }

    /// A user's home; the user's own wherever that was put.
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
