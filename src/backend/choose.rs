//! From a place to the driver that serves it; for INBOX by an ordered table of rules, one row a format.
//!
//! Everything else goes to the first driver that calls it its own. A new mailbox gets the format that its
//! name asks for, `#driver.FORMAT/name`, else the usual one.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backend::error::{Error, Result};
use crate::backend::resolve;
use crate::driver::contract::{LocalDriver, Probe};
use crate::driver::error::Error as DriverError;
use crate::driver::place::Place;
use crate::driver::table::local_drivers;
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::text::Foreign;
use crate::os::environment::Environment;

/// The local drivers, in probing order.
pub struct Drivers {
    environment: Arc<Environment>,
    local: Vec<Box<dyn LocalDriver>>,
}

/// A driver with the place that it shall serve: for INBOX not always the one that was asked for.
pub struct Choice<'a> {
    /// The driver.
    pub driver: &'a dyn LocalDriver,
    /// The place.
    pub place: Place,
}

/// One rule of the search for INBOX, and what came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleTried {
    /// What must hold.
    pub rule: &'static str,
    /// The file that was looked at.
    pub path: PathBuf,
    /// Whether it holds: then this rule decides, and no later one is tried.
    pub matched: bool,
    /// What was found.
    pub why: String,
}

impl Drivers {
    /// The format of new mailboxes whose name asks for none.
    pub const NEW_FORMAT: &'static str = "unix";

    /// Whether new mailboxes can be made in this format: not where it only reads, not where there is one place for it.
    pub fn can_be_made(format: &str) -> bool {
        !Self::is_read_only(format) && !["dummy", "mbox"].contains(&format)
    }

    /// Whether files of this format are only read.
    pub fn is_read_only(format: &str) -> bool {
        ["phile", "news"].contains(&format)
    }

    /// These drivers, in probing order.
    pub fn with(environment: &Arc<Environment>, local: Vec<Box<dyn LocalDriver>>) -> Self {
        Self {
            environment: Arc::clone(environment),
            local,
        }
    }

    /// All drivers there are.
    pub fn new(environment: &Arc<Environment>) -> Self {
        Self::with(environment, local_drivers(environment))
    }

    /// The driver of this name.
    pub fn named(&self, name: &str) -> Option<&dyn LocalDriver> {
        self.iter()
            .find(|driver| driver.characteristics().driver == name)
    }

    /// The formats that a new mailbox can have, as a list in words.
    fn names_of_formats(&self) -> String {
        let names = self.iter().map(|driver| driver.characteristics().driver);
        let names: Vec<&str> = names.filter(|name| Self::can_be_made(name)).collect();
        names.join(", ")
    }

    /// All drivers in probing order.
    pub fn iter(&self) -> impl Iterator<Item = &dyn LocalDriver> {
        self.local.iter().map(AsRef::as_ref)
    }
}

/// The driver for an existing mailbox, to be opened, counted, deleted or renamed.
pub fn choose<'a>(drivers: &'a Drivers, place: &Place) -> Result<Choice<'a>> {
    if matches!(place.name.kind(), NameKind::Driver { .. }) {
        return Err(Error::Forbidden {
            what: "#driver.",
            why: "is for new mailboxes only",
        });
    }
    owner(drivers, place)
}

/// The driver that makes a mailbox at `place`: the format that the name asks for, else the usual one. A name ending in `/` makes a directory.
pub fn for_create<'a>(drivers: &'a Drivers, place: &Place) -> Result<Choice<'a>> {
    check_new_name(&place.name)?;
    let directory = place.name.as_bytes().ends_with(b"/");
    let format = match place.name.kind() {
        NameKind::Driver { format, .. } => format,
        _ => Drivers::NEW_FORMAT,
    };
    let format = in_format(drivers, format)?;
    let driver = if directory {
        in_format(drivers, "dummy")?
    } else {
        format
    };
    Ok(Choice {
        driver,
        place: place.clone(),
    })
}

/// The driver that appends at `place`. An empty mailbox takes the format that the name asks for, else the usual one; so does a missing INBOX.
/// Any other mailbox that is missing is refused with `can_create`.
pub fn for_append<'a>(drivers: &'a Drivers, place: &Place) -> Result<Choice<'a>> {
    let choice = owner(drivers, place)?;
    let wanted = match place.name.kind() {
        NameKind::Driver { format, .. } => Some(in_format(drivers, format)?),
        _ => None,
    };
    let has = choice.driver.characteristics().driver;
    if has == "dummy" {
        refuse_unfillable(&drivers.environment, &choice.place)?;
        let usual = in_format(drivers, Drivers::NEW_FORMAT)?;
        return Ok(Choice {
            driver: wanted.unwrap_or(usual),
            place: choice.place,
        });
    }
    match wanted {
        Some(wanted) if wanted.characteristics().driver != has => {
            let driver = wanted.characteristics().driver;
            Err(DriverError::NotThisFormat {
                driver,
                why: "it holds mail in another format",
            }
            .into())
        }
        _ => Ok(choice),
    }
}

/// Whether a mailbox of this name can be made, or another one be renamed to it (RFC 3501, 5.1.3).
pub fn check_new_name(name: &MailboxName) -> Result<()> {
    let bytes = match name.kind() {
        NameKind::Driver { name, .. } => return check_new_name(name),
        NameKind::Inbox => return Err(Error::BadNewName("INBOX is always there")),
        NameKind::Remote { mailbox, .. } => mailbox,
        _ => name.as_bytes(),
    };
    if !bytes.is_ascii() {
        let why = "characters beyond ASCII are written in modified UTF-7, as in Entw&APw-rfe";
        return Err(Error::BadNewName(why));
    }
    if !is_modified_utf7(bytes) {
        return Err(Error::BadNewName(
            "& begins modified UTF-7; for itself it is written &-",
        ));
    }
    Ok(())
}

/// Tells how INBOX is found: every rule up to the one that holds.
pub fn inbox_report(drivers: &Drivers) -> Vec<RuleTried> {
    let Ok(name) = resolve::resolve(&drivers.environment, &MailboxName::inbox()) else {
        return Vec::new();
    };
    match name {
        resolve::Target::Local(place) => try_rules(drivers, &place).1,
        resolve::Target::Remote(..) => Vec::new(),
    }
}

/// Refuses what nobody else wants but is no empty file: a directory, a spool with junk.
fn refuse_unfillable(environment: &Environment, place: &Place) -> Result<()> {
    let why = match environment.files.metadata(&place.path) {
        Ok(metadata) if metadata.is_dir() => "it is a directory",
        Ok(metadata) if metadata.len() > 0 || !metadata.is_file() => "its format is not known",
        _ => return Ok(()),
    };
    let driver = "dummy";
    Err(DriverError::NotThisFormat { driver, why }.into())
}

fn owner<'a>(drivers: &'a Drivers, place: &Place) -> Result<Choice<'a>> {
    if place.is_inbox {
        return try_rules(drivers, place).0;
    }
    let mut missing = true;
    for driver in drivers.iter() {
        match driver.probe(place) {
            Ok(Probe::Mine) => {
                return Ok(Choice {
                    driver,
                    place: place.clone(),
                });
            }
            Ok(Probe::Missing) => {}
            Ok(Probe::Empty | Probe::Foreign) => missing = false,
            Err(refusal) => return Err(DriverError::io(&place.path)(refusal).into()),
        }
    }
    let dangling = || drivers.environment.files.link_metadata(&place.path).is_ok();
    Err(Error::from(if missing && dangling() {
        DriverError::NotThisFormat {
            driver: "dummy",
            why: "it is a symbolic link to a file that is not there",
        }
    } else if missing {
        DriverError::NoSuchMailbox {
            path: place.path.clone(),
            can_create: true,
        }
    } else {
        DriverError::NotThisFormat {
            driver: "dummy",
            why: kind_of(&drivers.environment, &place.path),
        }
    }))
}

/// What stands at a path that no driver wants.
fn kind_of(environment: &Environment, path: &Path) -> &'static str {
    let Ok(metadata) = environment.files.metadata(path) else {
        return "it is no file of any known format";
    };
    let kind = metadata.file_type();
    if kind.is_fifo() {
        "it is a pipe"
    } else if kind.is_socket() {
        "it is a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "it is a device"
    } else {
        "it is no file of any known format"
    }
}

fn in_format<'a>(drivers: &'a Drivers, format: &str) -> Result<&'a dyn LocalDriver> {
    drivers.named(format).ok_or_else(|| Error::UnknownFormat {
        named: Foreign::new(format),
        known: drivers.names_of_formats(),
    })
}

/// One row: where INBOX may be, and for which driver.
struct Rule {
    /// What must hold, in words.
    rule: &'static str,
    /// The driver.
    driver: &'static str,
    /// The file.
    file: InboxFile,
    /// What the driver's probe must say.
    holds: &'static [Probe],
}

/// Where INBOX may be.
#[derive(Clone, Copy)]
enum InboxFile {
    /// Where mail is delivered: the spool file, in a black box and for anonymous users `INBOX` in the mail home.
    System,
    /// The same file, served as any other file would be.
    SystemAsFile,
}

const ANY: &[Probe] = &[Probe::Mine, Probe::Empty, Probe::Missing, Probe::Foreign];

/// First match wins. Formats to come stand in front of `unix`, each with its own file.
static CLEAR_BOX: [Rule; 2] = [
    Rule {
        rule: "the spool file is in unix format",
        driver: "unix",
        file: InboxFile::System,
        holds: &[Probe::Mine],
    },
    Rule {
        rule: "no rule before holds: INBOX is empty, or of no known format",
        driver: "dummy",
        file: InboxFile::System,
        holds: ANY,
    },
];

/// The same for a black box and for anonymous users, all on one file.
static BLACK_BOX: [Rule; 3] = [
    Rule {
        rule: "INBOX in the mail home is in unix format",
        driver: "unix",
        file: InboxFile::System,
        holds: &[Probe::Mine],
    },
    Rule {
        rule: "INBOX in the mail home is some other file",
        driver: "phile",
        file: InboxFile::SystemAsFile,
        holds: &[Probe::Mine],
    },
    Rule {
        rule: "no rule before holds: INBOX is empty, or of no known format",
        driver: "dummy",
        file: InboxFile::System,
        holds: ANY,
    },
];

fn try_rules<'a>(drivers: &'a Drivers, place: &Place) -> (Result<Choice<'a>>, Vec<RuleTried>) {
    let environment = &drivers.environment;
    let boxed = environment.black_box.is_some() || environment.anonymous;
    let rules: &[Rule] = if boxed { &BLACK_BOX } else { &CLEAR_BOX };
    let mut tried = Vec::new();
    for rule in rules {
        let Some(driver) = drivers.named(rule.driver) else {
            continue;
        };
        let is_inbox = matches!(rule.file, InboxFile::System);
        let place = Place {
            is_inbox,
            ..place.clone()
        };
        let found = driver.probe(&place);
        let matched = found.as_ref().is_ok_and(|probe| rule.holds.contains(probe));
        tried.push(RuleTried {
            rule: rule.rule,
            path: place.path.clone(),
            matched,
            why: what_was_found(environment, &place, &found),
        });
        if matched {
            return (Ok(Choice { driver, place }), tried);
        }
        if let Err(refusal) = found {
            return (Err(DriverError::io(&place.path)(refusal).into()), tried);
        }
    }
    let missing = DriverError::NoSuchMailbox {
        path: place.path.clone(),
        can_create: false,
    };
    (Err(missing.into()), tried)
}

fn what_was_found(environment: &Environment, place: &Place, found: &io::Result<Probe>) -> String {
    let probe = match found {
        Ok(probe) => probe,
        Err(refusal) => return format!("it cannot be read: {}", refusal.kind()),
    };
    let text = match environment.files.metadata(&place.path) {
        Err(_) => "it is not there",
        Ok(metadata) if metadata.is_dir() => "it is a directory",
        Ok(metadata) if !metadata.is_file() => "it is not a regular file",
        Ok(metadata) if metadata.len() == 0 => "it is empty",
        Ok(_) if *probe == Probe::Mine && place.name.is_inbox() => "it holds something",
        Ok(_) => "it is in another format",
    };
    text.to_owned()
}

/// Whether every `&` begins modified UTF-7 and ends with `-` (RFC 3501, 5.1.3), or is `&-`.
fn is_modified_utf7(bytes: &[u8]) -> bool {
    let mut parts = bytes.split(|&byte| byte == b'&');
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+,".contains(byte);
    let closed = |part: &[u8]| match part.iter().position(|&byte| byte == b'-') {
        Some(end) => part.iter().take(end).all(base64),
        None => false,
    };
    parts.next();
    parts.all(closed)
}
