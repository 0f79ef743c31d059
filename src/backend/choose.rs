//! From a place to the driver that serves it: INBOX by its rules, everything else by its content.
//!
//! A place goes to the first driver that calls it its own. A new mailbox gets the format that its name asks for,
//! `#driver.FORMAT/name`, else the usual one.

use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use crate::backend::drivers::{Choice, Drivers};
use crate::backend::error::{Error, Result};
use crate::backend::inbox::{beginning, find_inbox};
use crate::backend::resolve::inbox_place;
use crate::driver::contract::{LocalDriver, Probe};
use crate::driver::error::Error as DriverError;
use crate::driver::place::Place;
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::text::Foreign;
use crate::os::environment::Environment;
use crate::os::formats::FormatChoice;

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
        NameKind::Remote { .. } => return Ok(plain_choice(drivers.imap(&place.name)?, place)),
        NameKind::Driver { format, .. } => in_format(drivers, format)?,
        _ if is_of_mh(&place.name) => in_format(drivers, MH)?,
        _ => usual(drivers, &drivers.environment().formats.new)?,
    };
    let driver = if directory {
        in_format(drivers, "dummy")?
    } else {
        format
    };
    Ok(plain_choice(driver, place))
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
        refuse_unfillable(drivers.environment(), &choice.place)?;
        return if place.is_inbox {
            fill_inbox(drivers, choice, wanted)
        } else {
            let driver = wanted.map_or_else(|| usual_for_file(drivers), Ok)?;
            Ok(plain_choice(driver, &choice.place))
        };
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

/// An INBOX that nobody calls his own takes a format. Unless the name asks for one, mail stays where it is delivered.
fn fill_inbox<'a>(
    drivers: &'a Drivers,
    choice: Choice<'a>,
    wanted: Option<&'a dyn LocalDriver>,
) -> Result<Choice<'a>> {
    let environment = drivers.environment();
    if let Some(driver) = wanted {
        let begins = beginning(environment, driver.characteristics().driver);
        let path = begins.map_or(choice.place.path.clone(), |(path, _)| path);
        let place = Place {
            path,
            ..choice.place
        };
        refuse_unfillable(environment, &place)?;
        return Ok(plain_choice(driver, &place));
    }
    let driver = usual(drivers, &environment.formats.empty)?;
    let delivered = beginning(environment, driver.characteristics().driver);
    let driver = if delivered.is_some_and(|(_, delivered)| delivered) {
        driver
    } else {
        in_format(drivers, FormatChoice::USUAL)?
    };
    Ok(plain_choice(driver, &choice.place))
}

/// The driver that the user's settings come to.
fn usual<'a>(drivers: &'a Drivers, choice: &FormatChoice) -> Result<&'a dyn LocalDriver> {
    let format = match choice {
        FormatChoice::Named(format) => format.as_str(),
        FormatChoice::SameAsInbox => match find_inbox(drivers)?.driver.characteristics().driver {
            "dummy" | "mbox" | "phile" => FormatChoice::USUAL,
            format => format,
        },
        FormatChoice::Refused => {
            let why = "it is empty, and local.empty_format lets no empty file take mail";
            let driver = "dummy";
            return Err(DriverError::NotThisFormat { driver, why }.into());
        }
    };
    in_format(drivers, format)
}

/// The driver that the settings come to for an empty file, which cannot become a directory.
fn usual_for_file(drivers: &Drivers) -> Result<&dyn LocalDriver> {
    let driver = usual(drivers, &drivers.environment().formats.empty)?;
    match Drivers::is_directory(driver.characteristics().driver) {
        true => in_format(drivers, FormatChoice::USUAL),
        false => Ok(driver),
    }
}

fn plain_choice<'a>(driver: &'a dyn LocalDriver, place: &Place) -> Choice<'a> {
    Choice {
        driver,
        place: place.clone(),
        snarf: None,
    }
}

const MH: &str = "mh";

/// Whether a name is one of the namespace that belongs to MH alone.
fn is_of_mh(name: &MailboxName) -> bool {
    matches!(name.kind(), NameKind::Mh(_) | NameKind::MhInbox)
}

/// The spool, where new mail is moved from it into the mailbox of this name, which is not INBOX: MH has such a mailbox.
fn snarfed_into(environment: &Environment, name: &MailboxName) -> Option<Place> {
    let is_inbox = match name.kind() {
        NameKind::MhInbox => true,
        NameKind::Mh(name) => **name == *b"inbox",
        _ => false,
    };
    let boxed = environment.naming.mode.is_boxed();
    (is_inbox && !boxed).then(|| inbox_place(environment))
}

/// Whether a mailbox of this name can be made, or another one be renamed to it (RFC 3501, 5.1.3).
pub fn check_new_name(name: &MailboxName) -> Result<()> {
    let bytes = match name.kind() {
        NameKind::Driver { name, .. } => return check_new_name(name),
        NameKind::Inbox => return Err(Error::BadNewName("INBOX is always there")),
        NameKind::News(_) => {
            let why = "newsgroups are made by a news server";
            return Err(Error::BadNewName(why));
        }
        // They are encoded on their way to the server.
        NameKind::Remote { mailbox, .. } => {
            return match mailbox.iter().any(u8::is_ascii_control) {
                true => Err(Error::BadNewName("control characters cannot be in it")),
                false => Ok(()),
            };
        }
        _ => name.as_bytes(),
    };
    if bytes.iter().any(u8::is_ascii_control) {
        return Err(Error::BadNewName("control characters cannot be in it"));
    }
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
    if place.name.is_remote() {
        return Ok(plain_choice(drivers.imap(&place.name)?, place));
    }
    if matches!(place.name.kind(), NameKind::News(_)) {
        return newsgroup(drivers, place);
    }
    if place.is_inbox {
        let mut choice = find_inbox(drivers)?;
        choice.place.name = place.name.clone();
        return Ok(choice);
    }
    let mut missing = true;
    let of_mh = is_of_mh(&place.name);
    let all = drivers.iter();
    for driver in all.filter(|driver| !of_mh || driver.characteristics().driver == MH) {
        match driver.probe(place) {
            Ok(Probe::Mine) => {
                return Ok(Choice {
                    snarf: snarfed_into(drivers.environment(), &place.name),
                    ..plain_choice(driver, place)
                });
            }
            Ok(Probe::Missing) => {}
            Ok(Probe::Empty | Probe::Foreign) => missing = false,
            Err(refusal) => return Err(DriverError::io(&place.path)(refusal).into()),
        }
    }
    let dangling = || {
        drivers
            .environment()
            .files
            .link_metadata(&place.path)
            .is_ok()
    };
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
            why: kind_of(drivers.environment(), &place.path),
        }
    }))
}

/// A newsgroup is one by its name, whatever is in its directory.
fn newsgroup<'a>(drivers: &'a Drivers, place: &Place) -> Result<Choice<'a>> {
    let driver = drivers.named("news").ok_or(Error::Forbidden {
        what: "#news.",
        why: "is switched off here",
    })?;
    match driver.probe(place) {
        Ok(Probe::Mine) => Ok(plain_choice(driver, place)),
        Ok(_) => Err(Error::from(DriverError::NoSuchMailbox {
            path: place.path.clone(),
            can_create: false,
        })),
        Err(refusal) => Err(DriverError::io(&place.path)(refusal).into()),
    }
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

/// The driver of a format that the user named.
pub fn in_format<'a>(drivers: &'a Drivers, format: &str) -> Result<&'a dyn LocalDriver> {
    drivers.named(format).ok_or_else(|| Error::UnknownFormat {
        named: Foreign::new(format),
        known: drivers.names_of_formats(),
    })
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
