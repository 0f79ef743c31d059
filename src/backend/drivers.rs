//! The local drivers of this run, and what choosing one among them comes to.

use std::sync::Arc;

use crate::driver::contract::LocalDriver;
use crate::driver::place::Place;
use crate::driver::table::local_drivers;
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
    /// The spool from which new mail is moved to the place, where that is so.
    pub snarf: Option<Place>,
}

impl Drivers {
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
