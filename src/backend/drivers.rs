//! The drivers of this run, and what choosing one among them comes to.

use std::sync::Arc;

use crate::backend::error::{Error, Result};
use crate::driver::contract::LocalDriver;
use crate::driver::imap::driver::ImapDriver;
use crate::driver::job::Job;
use crate::driver::place::Place;
use crate::driver::table::local_drivers;
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::server::Server;
use crate::os::environment::Environment;

/// The local drivers, in probing order.
pub struct Drivers {
    environment: Arc<Environment>,
    local: Vec<Box<dyn LocalDriver>>,
    imap: Option<ImapDriver>,
}

/// A driver with the place that it shall serve: for INBOX not always the one that was asked for.
pub struct Choice<'a> {
    /// The driver.
    pub driver: &'a dyn LocalDriver,
    /// The place.
    pub place: Place,
    /// The spool from which new mail is moved to the place, where that is so.
    pub snarf: Option<Place>,
}

impl Drivers {
    /// These drivers, in probing order.
    pub fn with(environment: &Arc<Environment>, local: Vec<Box<dyn LocalDriver>>) -> Self {
        Self {
            environment: Arc::clone(environment),
            local,
            imap: None,
        }
    }

    /// The same, with the one for servers, whose connections this runtime serves.
    #[must_use]
    pub fn with_servers(self, runtime: Option<tokio::runtime::Handle>) -> Self {
        let environment = Arc::clone(&self.environment);
        let imap = runtime.map(|runtime| ImapDriver::new(&environment, runtime));
        Self { imap, ..self }
    }

    /// The driver for IMAP servers, if this is the name of a mailbox on one.
    pub fn imap(&self, name: &MailboxName) -> Result<&ImapDriver> {
        let NameKind::Remote { server, mailbox } = name.kind() else {
            return Err(Error::Unsupported("this is no mailbox on a server"));
        };
        self.for_server(server, mailbox)
    }

    /// Says goodbye to servers.
    pub fn end(&self, job: &Job) {
        if let Some(imap) = &self.imap {
            imap.end(job);
        }
    }

    /// The driver for a mailbox on this server.
    pub fn for_server(&self, server: &Server, mailbox: &[u8]) -> Result<&ImapDriver> {
        match server.driver_for(mailbox) {
            Some("imap") if self.is_disabled("imap") => Err(Error::Forbidden {
                what: "imap",
                why: "is switched off here",
            }),
            Some("imap") => self.imap.as_ref().ok_or(Error::Unsupported(
                "mailboxes on servers need an async runtime",
            )),
            Some("pop3") => Err(Error::NotYet {
                namespace: "{server/pop3}",
            }),
            Some("nntp") => Err(Error::NotYet {
                namespace: "{server/nntp}",
            }),
            _ => Err(Error::Unsupported("no driver serves this kind of server")),
        }
    }

    /// All drivers there are.
    pub fn new(environment: &Arc<Environment>) -> Self {
        Self::with(environment, local_drivers(environment))
    }

    /// Where and as whom the drivers run.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The driver of this name, where it is used.
    pub fn named(&self, name: &str) -> Option<&dyn LocalDriver> {
        self.known(name).filter(|_| !self.is_disabled(name))
    }

    /// The driver of this name, used or not.
    pub fn known(&self, name: &str) -> Option<&dyn LocalDriver> {
        let mut all = self.local.iter().map(AsRef::as_ref);
        all.find(|driver| driver.characteristics().driver == name)
    }

    /// All drivers that are used, in probing order.
    pub fn iter(&self) -> impl Iterator<Item = &dyn LocalDriver> {
        let all = self.local.iter().map(AsRef::as_ref);
        all.filter(|driver| !self.is_disabled(driver.characteristics().driver))
    }

    /// Whether new mailboxes can be made in this format: not where it only reads, not where there is one place for it.
    pub fn can_be_made(format: &str) -> bool {
        !Self::is_read_only(format) && !["dummy", "mbox"].contains(&format)
    }

    /// Whether files of this format are only read.
    pub fn is_read_only(format: &str) -> bool {
        ["phile", "news"].contains(&format)
    }

    /// Whether a mailbox of this format is a directory.
    pub fn is_directory(format: &str) -> bool {
        ["maildir", "mh", "mix", "mx"].contains(&format)
    }

    /// The formats that a new mailbox can have, as a list in words.
    pub fn names_of_formats(&self) -> String {
        let names = self.iter().map(|driver| driver.characteristics().driver);
        let names: Vec<&str> = names.filter(|name| Self::can_be_made(name)).collect();
        names.join(", ")
    }

    /// Whether the user switched a driver off. The one for empty files and folders cannot be.
    pub fn is_disabled(&self, name: &str) -> bool {
        let disabled = &self.environment.formats.disabled;
        name != "dummy" && disabled.iter().any(|word| word == name)
    }
}
