//! The mailboxes that are open in this program: how to reach them, and which files they are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::backend::error::{Error, Result};
use crate::backend::inlet::{Call, Inlet};
use crate::backend::request::MailboxId;
use crate::mail::text::Foreign;

/// All open mailboxes, and those that are being opened.
#[derive(Default)]
pub struct OpenMailboxes {
    table: Mutex<HashMap<MailboxId, Entry>>,
}

struct Entry {
    inlet: Inlet,
    name: Foreign,
    path: Option<PathBuf>,
}

impl OpenMailboxes {
    /// Enters a mailbox; `false` when the id is in use.
    pub fn enter(&self, mailbox: MailboxId, name: Foreign, inlet: Inlet) -> bool {
        let mut table = self.lock();
        if table.contains_key(&mailbox) {
            return false;
        }
        let path = None;
        table.insert(mailbox, Entry { inlet, name, path });
        true
    }

    /// Tells which file or folder the mailbox is.
    pub fn is_at(&self, mailbox: MailboxId, path: &Path) {
        if let Some(entry) = self.lock().get_mut(&mailbox) {
            entry.path = Some(path.to_owned());
        }
    }

    /// Takes a mailbox out: nothing is asked of it any more.
    pub fn leave(&self, mailbox: MailboxId) {
        self.lock().remove(&mailbox);
    }

    /// How to reach a mailbox.
    pub fn inlet(&self, mailbox: MailboxId) -> Option<Inlet> {
        self.lock().get(&mailbox).map(|entry| entry.inlet.clone())
    }

    /// Which file or folder a mailbox is.
    pub fn path(&self, mailbox: MailboxId) -> Option<PathBuf> {
        self.lock()
            .get(&mailbox)
            .and_then(|entry| entry.path.clone())
    }

    /// Fails when the mailbox at `path` is open here.
    pub fn forbid(&self, path: &Path) -> Result<()> {
        let table = self.lock();
        let found = table
            .values()
            .find(|entry| entry.path.as_deref() == Some(path));
        found.map_or(Ok(()), |entry| Err(Error::OpenHere(entry.name.clone())))
    }

    /// Lets every opening of the mailbox at `path` look for new mail.
    pub fn nudge(&self, path: &Path) {
        for entry in self.lock().values() {
            if entry.path.as_deref() == Some(path) {
                entry.inlet.put(Call::Nudge);
            }
        }
    }

    /// Lets all mailboxes close.
    pub fn end_all(&self) {
        for entry in self.lock().values() {
            entry.inlet.put(Call::End);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MailboxId, Entry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
