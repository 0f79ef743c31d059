//! Examines the installation and says what it finds: where INBOX is and why, and what could stand in the way of mail.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use crate::backend::context::Context;
use crate::backend::error::{Error, Result};
use crate::backend::event::Finding;
use crate::backend::inbox::{RuleTried, inbox_report};
use crate::backend::move_record::{MoveRecord, Origin};
use crate::backend::resolve::{mail_home, system_inbox};
use crate::driver::job::Job;
use crate::driver::network;
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::reason::in_words;
use crate::mail::text::Foreign;
use crate::os::files::OpenMode;
use crate::os::formats::FormatChoice;
use crate::os::journal::redo::Journal;
use crate::os::naming::Mode;
use crate::os::network::AccountChoice;

/// Tells every finding to `tell`. Changes no file; stops early when the job is cancelled.
pub fn examine(context: &Context, job: &Job, tell: &mut dyn FnMut(Finding)) {
    let checks = [
        names,
        home,
        formats,
        inbox,
        spool,
        file_systems,
        locks,
        journals,
        moves,
        state,
        subscriptions,
    ];
    for check in checks {
        if job.checkpoint().is_err() {
            return;
        }
        for finding in check(context) {
            tell(finding);
        }
    }
    for account in &context.environment.network.accounts {
        if job.checkpoint().is_err() {
            return;
        }
        let (ok, said) = match visited(context, account, job) {
            Ok(said) => (true, said),
            Err(error) => (false, error.to_string()),
        };
        let detail = format!("{} {}: {said}", account.name, account.server);
        finding("account", ok, detail)
            .into_iter()
            .for_each(&mut *tell);
    }
}

/// Logs in to an account, as far as that can be done.
fn visited(context: &Context, account: &AccountChoice, job: &Job) -> Result<String> {
    let name = MailboxName::parse(account.server.as_bytes())?;
    let NameKind::Remote { server, mailbox } = name.kind() else {
        return Err(Error::NotOpen);
    };
    let driver = context.drivers.for_server(server, mailbox)?;
    Ok(driver.visit(server, job)?)
}

fn finding(check: &'static str, ok: bool, detail: impl Into<Arc<str>>) -> Vec<Finding> {
    vec![Finding {
        check,
        ok,
        detail: Foreign::new(detail),
    }]
}

fn home(context: &Context) -> Vec<Finding> {
    let path = mail_home(&context.environment);
    match context.environment.files.metadata(&path) {
        Ok(found) if found.is_dir() => finding("mail home", true, path.to_string_lossy()),
        Ok(_) => finding("mail home", false, not(&path, "is not a folder")),
        Err(error) => finding("mail home", false, reason(&path, &error)),
    }
}

/// What the names of this run mean.
fn names(context: &Context) -> Vec<Finding> {
    let naming = &context.environment.naming;
    let mode = match &naming.mode {
        Mode::Clear => "clear box: the user's own mail".to_owned(),
        Mode::BlackBox { folder, .. } => format!("black box {}", folder.to_string_lossy()),
        Mode::ClosedBox => "closed box: nothing outside it can be named".to_owned(),
        Mode::Anonymous { .. } => "anonymous: public mailboxes only".to_owned(),
    };
    let forbidden = match (
        naming.restrictions.absolute,
        naming.restrictions.other_users,
    ) {
        (false, false) => "",
        (true, false) => "; absolute names are forbidden",
        (false, true) => "; other users' names are forbidden",
        (true, true) => "; absolute names and other users' names are forbidden",
    };
    finding("mode", true, format!("{mode}{forbidden}"))
}

/// The rules for INBOX up to the one that decided; a rule that does not match is no fault.
fn inbox(context: &Context) -> Vec<Finding> {
    let rules = inbox_report(&context.drivers);
    let decided = rules.iter().any(|rule| rule.matched);
    let mut findings: Vec<Finding> = rules.into_iter().map(told).collect();
    if !decided {
        findings.extend(finding("INBOX rule", false, "no rule finds an INBOX"));
    }
    findings
}

fn told(rule: RuleTried) -> Finding {
    let path = rule.path.to_string_lossy();
    let (why, wanted) = (rule.why, rule.rule);
    let detail = match rule.matched {
        true => format!("{path}: {why}: chosen, driver {} ({wanted})", rule.driver),
        false => format!("{path}: {why}: not chosen (the rule: {wanted})"),
    };
    Finding {
        check: "INBOX rule",
        ok: !rule.alarming,
        detail: Foreign::new(detail),
    }
}

/// A format that the settings name but that is not to be had.
fn formats(context: &Context) -> Vec<Finding> {
    let formats = &context.environment.formats;
    let missing = |what, choice: &FormatChoice| match choice {
        FormatChoice::Named(format) if context.drivers.named(format).is_none() => {
            let text = format!("{what} is {format}, which is not built in or switched off");
            finding("formats", false, text)
        }
        _ => Vec::new(),
    };
    let mut findings = missing("local.new_format", &formats.new);
    findings.extend(missing("local.empty_format", &formats.empty));
    if !formats.disabled.is_empty() {
        let text = format!("switched off: {}", formats.disabled.join(", "));
        findings.extend(finding("formats", true, text));
    }
    findings
}

fn spool(context: &Context) -> Vec<Finding> {
    let path = system_inbox(&context.environment);
    let files = &context.environment.files;
    let found = match files.metadata(&path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let detail = not(&path, "is not there; it comes with the first mail");
            return finding("spool", true, detail);
        }
        Err(error) => return finding("spool", false, reason(&path, &error)),
    };
    if !found.is_file() {
        return finding("spool", false, not(&path, "is not a regular file"));
    }
    let size = found.len();
    let writable = files.open(&path, OpenMode::ReadWrite).is_ok();
    let detail = format!(
        "{}: {size} bytes, {}",
        path.to_string_lossy(),
        if writable {
            "writable"
        } else {
            "not writable: it opens read-only"
        }
    );
    finding("spool", writable, detail)
}

/// Places of mail on network file systems, where locks are weaker. Nothing is told of local ones.
fn file_systems(context: &Context) -> Vec<Finding> {
    let environment = &context.environment;
    let remedy = match environment.formats.nfs_writes {
        true => "are written all the same, as local.nfs_writes says",
        false => "open read-only; local.nfs_writes = true writes them all the same",
    };
    let places = [mail_home(environment), system_inbox(environment)];
    let found = places
        .iter()
        .filter(|path| network::is_on_network(environment, path));
    let told = found.flat_map(|path| {
        let text = format!(
            "is on a network file system: only lock files keep programs on other machines away; \
             mailboxes in mbx, tenex and mtx format {remedy}"
        );
        finding("file system", true, not(path, &text))
    });
    told.collect()
}

/// Locks on the spool: others' dot lock, the opener's name lock, and whether new ones can be made.
fn locks(context: &Context) -> Vec<Finding> {
    let files = &context.environment.files;
    let spool = system_inbox(&context.environment);
    let mut findings = Vec::new();
    let mut dot = spool.clone().into_os_string();
    dot.push(".lock");
    let dot = Path::new(&dot);
    if let Ok(found) = files.link_metadata(dot) {
        let age = (context.environment.clock)().saturating_sub(found.ctime());
        let detail = not(dot, &format!("is there, {} s old", age.max(0)));
        findings.extend(finding("dot lock", false, detail));
    } else {
        findings.extend(finding("dot lock", true, "nobody holds one on the spool"));
    }
    if let Ok(found) = files.metadata(&spool) {
        let name = format!(".{:x}.{:x}", found.dev(), found.ino());
        let path = context.environment.lock_dir.join(name);
        let detail = match files.link_metadata(&path) {
            Ok(_) => not(&path, "is there: some program may have the spool open"),
            Err(_) => "nobody has the spool open for writing".to_owned(),
        };
        findings.extend(finding("opener lock", true, detail));
    }
    findings.extend(lock_folder(context));
    findings
}

fn lock_folder(context: &Context) -> Vec<Finding> {
    const EVERYBODY_STICKY: u32 = 0o1777;
    let path = &context.environment.lock_dir;
    match context.environment.files.metadata(path) {
        Ok(found) if found.mode() & 0o7777 == EVERYBODY_STICKY => {
            finding("lock folder", true, path.to_string_lossy())
        }
        Ok(found) => {
            let mode = found.mode() & 0o7777;
            let text = format!("has mode {mode:04o}; programs of other users need 1777");
            finding("lock folder", false, not(path, &text))
        }
        Err(error) => finding("lock folder", false, reason(path, &error)),
    }
}

fn journals(context: &Context) -> Vec<Finding> {
    let left = match Journal::new(&context.environment).left_over() {
        Ok(left) => left,
        Err(error) => return finding("journals", false, in_words(&error)),
    };
    if left.is_empty() {
        return finding("journals", true, "no interrupted change awaits recovery");
    }
    left.into_iter()
        .flat_map(|one| {
            let mailbox = one.mailbox.as_ref().unwrap_or(&one.journal);
            let what = if one.pending {
                "has an interrupted change; it is finished at the next opening".to_owned()
            } else {
                let journal = one.journal.to_string_lossy();
                format!(
                    "stays read-only, because an interrupted change does not fit it any more; look whether mail is \
                     missing or doubled, then remove {journal} to write to it again"
                )
            };
            finding("journals", false, not(mailbox, &what))
        })
        .collect()
}

fn moves(context: &Context) -> Vec<Finding> {
    let environment = &context.environment;
    let cut_off: Vec<Finding> = MoveRecord::all(environment)
        .into_iter()
        .filter_map(|(path, record)| record.map(|(process, record)| (path, process, record)))
        .filter(|(path, process, _)| MoveRecord::is_abandoned(environment, path, process))
        .flat_map(|(_, _, record)| {
            let what = "was the source of an interrupted move; it is finished at the next opening";
            let detail = match &record.from {
                Origin::File(path) => not(path, what),
                Origin::Server(from) => format!("{} {what}", from.name.to_foreign().raw()),
            };
            finding("moves", false, detail)
        })
        .collect();
    if cut_off.is_empty() {
        return finding("moves", true, "no interrupted move awaits recovery");
    }
    cut_off
}

fn state(context: &Context) -> Vec<Finding> {
    let path = &context.environment.state;
    match context.environment.files.metadata(path) {
        Ok(found) if !found.is_dir() => finding("state", false, not(path, "is not a folder")),
        Ok(found) if is_open_to_others(&found) => {
            let text = format!("has mode {:04o}; it should be 0700", found.mode() & 0o7777);
            finding("state", false, not(path, &text))
        }
        Ok(found) if found.uid() != context.environment.user.uid => {
            finding("state", false, not(path, "belongs to somebody else"))
        }
        Ok(_) => finding("state", true, path.to_string_lossy()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            finding("state", true, not(path, "is made when it is first needed"))
        }
        Err(error) => finding("state", false, reason(path, &error)),
    }
}

fn is_open_to_others(found: &Metadata) -> bool {
    found.mode() & 0o077 != 0
}

fn subscriptions(context: &Context) -> Vec<Finding> {
    let path = context.environment.home.join(".mailboxlist");
    match context.environment.files.open(&path, OpenMode::Read) {
        Ok(_) => finding("subscriptions", true, path.to_string_lossy()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            finding("subscriptions", true, "nothing is subscribed yet")
        }
        Err(error) => finding("subscriptions", false, reason(&path, &error)),
    }
}

fn not(path: &Path, what: &str) -> String {
    format!("{} {what}", path.to_string_lossy())
}

fn reason(path: &Path, error: &io::Error) -> String {
    format!("{}: {}", path.to_string_lossy(), in_words(error))
}
