//! Finds INBOX by its table of rules, and reports which rule decided and why those before it did not.

use std::io;
use std::path::{Path, PathBuf};

use crate::backend::drivers::{Choice, Drivers};
use crate::backend::error::Result;
use crate::backend::inbox_table::{BOXED, CLEAR_BOX, Holds, InboxFile, Rule, Spool};
use crate::backend::resolve::{inbox_place, mail_home, system_inbox};
use crate::driver::contract::{LocalDriver, Probe};
use crate::driver::error::Error as DriverError;
use crate::driver::mh::folder as mh;
use crate::driver::place::Place;
use crate::os::environment::Environment;
use crate::os::guard::FileId;

/// One rule of the search for INBOX, and what came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleTried {
    /// What must hold.
    pub rule: String,
    /// The driver it is for.
    pub driver: &'static str,
    /// The file that was looked at.
    pub path: PathBuf,
    /// Whether it holds: then this rule decides, and no later one is tried.
    pub matched: bool,
    /// What was found.
    pub why: String,
    /// Whether somebody should look into it: mail may be there that Mugo does not read.
    pub alarming: bool,
}

/// Finds INBOX.
pub fn find_inbox(drivers: &Drivers) -> Result<Choice<'_>> {
    try_rules(drivers).0
}

/// Tells how INBOX is found: every rule up to the one that holds.
pub fn inbox_report(drivers: &Drivers) -> Vec<RuleTried> {
    try_rules(drivers).1
}

/// Where an INBOX begins that shall be in the format of `driver`, and whether mail is delivered to that very file.
pub fn beginning(environment: &Environment, driver: &str) -> Option<(PathBuf, bool)> {
    let rule = rules(environment).iter().rev();
    let rule = rule.into_iter().find(|rule| rule.driver == driver)?;
    let path = path_of(environment, rule.file);
    Some((path, rule.file == InboxFile::System))
}

fn rules(environment: &Environment) -> &'static [Rule] {
    if environment.naming.mode.is_boxed() {
        &BOXED
    } else {
        &CLEAR_BOX
    }
}

fn try_rules(drivers: &Drivers) -> (Result<Choice<'_>>, Vec<RuleTried>) {
    let environment = drivers.environment();
    let inbox = inbox_place(environment);
    let mut tried = Vec::new();
    for rule in rules(environment) {
        let place = Place {
            path: path_of(environment, rule.file),
            ..inbox.clone()
        };
        let outcome = try_rule(drivers, rule, &place);
        let matched = matches!(outcome, Outcome::Holds(..));
        tried.push(RuleTried {
            rule: words(environment, rule),
            driver: rule.driver,
            path: place.path.clone(),
            matched,
            why: outcome.why(),
            alarming: matches!(outcome, Outcome::Unread(_) | Outcome::Failed(..)),
        });
        match outcome {
            Outcome::Holds(driver, _) => {
                let spool = || Place {
                    path: system_inbox(environment),
                    ..inbox.clone()
                };
                let snarfs = rule.snarfs && !is_spool(environment, &place.path);
                let snarf = snarfs.then(spool);
                let choice = Choice {
                    driver,
                    place,
                    snarf,
                };
                return (Ok(choice), tried);
            }
            Outcome::Failed(path, refusal) => {
                return (Err(DriverError::io(&path)(refusal).into()), tried);
            }
            Outcome::HoldsNot(_) | Outcome::Unread(_) => {}
        }
    }
    let missing = DriverError::NoSuchMailbox {
        path: inbox.path,
        can_create: false,
    };
    (Err(missing.into()), tried)
}

/// What came of a rule.
enum Outcome<'d> {
    Holds(&'d dyn LocalDriver, String),
    HoldsNot(String),
    /// The format is not to be had, but there may be mail in it.
    Unread(String),
    Failed(PathBuf, io::Error),
}

impl Outcome<'_> {
    fn why(&self) -> String {
        match self {
            Self::Holds(_, why) | Self::HoldsNot(why) | Self::Unread(why) => why.clone(),
            Self::Failed(path, refusal) => {
                let shown = path.to_string_lossy();
                format!("{shown} cannot be read: {}", refusal.kind())
            }
        }
    }
}

fn try_rule<'d>(drivers: &'d Drivers, rule: &Rule, place: &Place) -> Outcome<'d> {
    let environment = drivers.environment();
    if rule.file == InboxFile::Mh && !environment.naming.mh.allow_inbox {
        return Outcome::HoldsNot("it is not set".to_owned());
    }
    let marked = match rule.holds {
        Holds::Folder(marker) => match is_file(environment, &place.path.join(marker)) {
            Ok(is_there) => Some(is_there),
            Err(refusal) => return Outcome::Failed(place.path.join(marker), refusal),
        },
        _ => None,
    };
    let Some(driver) = drivers.named(rule.driver) else {
        let why = if drivers.is_disabled(rule.driver) {
            format!("the {} driver is switched off", rule.driver)
        } else {
            format!("format not built in: {}", rule.driver)
        };
        return match marked {
            Some(true) => Outcome::Unread(format!("{why}, and there is mail in it")),
            _ => Outcome::HoldsNot(why),
        };
    };
    let holds = match (marked, probe(driver, place)) {
        (Some(is_there), _) => is_there,
        (None, Err(refusal)) => return Outcome::Failed(place.path.clone(), refusal),
        (None, Ok(probe)) => match rule.holds {
            Holds::FormatOrEmpty(_) => matches!(probe, Probe::Mine | Probe::Empty),
            Holds::Anything => true,
            _ => probe == Probe::Mine,
        },
    };
    if holds && rule.spool == Spool::UnixOrNothing {
        match spool_is_unix(drivers) {
            Err(refusal) => return Outcome::Failed(system_inbox(environment), refusal),
            Ok(false) => {
                let why = "but the spool is in another format, which could not be moved there";
                return Outcome::HoldsNot(format!(
                    "{}, {why}",
                    found(environment, rule, place, holds)
                ));
            }
            Ok(true) => {}
        }
    }
    let why = found(environment, rule, place, holds);
    if holds {
        Outcome::Holds(driver, why)
    } else {
        Outcome::HoldsNot(why)
    }
}

/// What the driver says; where a file stands in place of a folder, there is nothing.
fn probe(driver: &dyn LocalDriver, place: &Place) -> io::Result<Probe> {
    match driver.probe(place) {
        Err(refusal) if refusal.kind() == io::ErrorKind::NotADirectory => Ok(Probe::Missing),
        other => other,
    }
}

fn spool_is_unix(drivers: &Drivers) -> io::Result<bool> {
    let Some(unix) = drivers.known("unix") else {
        return Ok(false);
    };
    let spool = inbox_place(drivers.environment());
    Ok(probe(unix, &spool)? != Probe::Foreign)
}

/// Whether a rule's file is the spool itself, under another name: nothing can be moved from a file to itself.
fn is_spool(environment: &Environment, path: &Path) -> bool {
    let files = &environment.files;
    let spool = system_inbox(environment);
    match (files.metadata(path), files.metadata(&spool)) {
        (Ok(one), Ok(other)) => FileId::of(&one) == FileId::of(&other),
        _ => path == spool,
    }
}

fn is_file(environment: &Environment, path: &Path) -> io::Result<bool> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match environment.files.metadata(path) {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(missing) if matches!(missing.kind(), NotFound | NotADirectory) => Ok(false),
        Err(refusal) => Err(refusal),
    }
}

fn path_of(environment: &Environment, file: InboxFile) -> PathBuf {
    match file {
        InboxFile::System => system_inbox(environment),
        InboxFile::InHome(name) => mail_home(environment).join(name),
        InboxFile::Mh => match mh::profile(environment) {
            Ok(profile) => profile.folder.join("inbox"),
            Err(_) => environment.home.join(".mh_profile"),
        },
    }
}

/// The rule as a sentence.
fn words(environment: &Environment, rule: &Rule) -> String {
    let file = match rule.file {
        InboxFile::System if environment.naming.mode.is_boxed() => "INBOX in the mail home",
        InboxFile::System => "the spool file",
        InboxFile::InHome(name) => &format!("{name} in the mail home"),
        InboxFile::Mh => "local.mh_allow_inbox is set, and the mailbox inbox of MH",
    };
    let spool = match rule.spool {
        Spool::Any => "",
        Spool::UnixOrNothing => ", and the spool is in unix format, empty or absent",
    };
    match rule.holds {
        Holds::Format(format) => format!("{file} is in {format} format{spool}"),
        Holds::FormatOrEmpty(format) => {
            format!("{file} is in {format} format or empty{spool}")
        }
        Holds::Folder(marker) => format!("{file} is a folder with {marker} in it{spool}"),
        Holds::SomeFile => format!("{file} is some other file{spool}"),
        Holds::Anything => "no rule before holds: INBOX is empty, or of no known format".to_owned(),
    }
}

/// What stands in the place of a rule.
fn found(environment: &Environment, rule: &Rule, place: &Place, holds: bool) -> String {
    let metadata = match environment.files.metadata(&place.path) {
        Err(_) => return "it is not there".to_owned(),
        Ok(metadata) => metadata,
    };
    match rule.holds {
        Holds::Folder(marker) if metadata.is_dir() && !holds => {
            format!("it is a folder without {marker}")
        }
        Holds::Folder(_) if metadata.is_dir() => "it is such a folder".to_owned(),
        Holds::Format(format) if holds => format!("it is in {format} format"),
        _ if metadata.is_dir() => "it is a directory".to_owned(),
        _ if !metadata.is_file() => "it is not a regular file".to_owned(),
        _ if metadata.len() == 0 => "it is empty".to_owned(),
        Holds::Format(format) | Holds::FormatOrEmpty(format) if holds => {
            format!("it is in {format} format")
        }
        Holds::SomeFile if holds => "it is a file".to_owned(),
        Holds::Folder(_) => "it is a file".to_owned(),
        _ => "it is in another format".to_owned(),
    }
}
