//! The driver itself: which operation is where.

use crate::driver::layout::folder::driver::{DirectoryDriver, Format, Verbs};
use crate::driver::maildir::append::append;
use crate::driver::maildir::folder::is_mailbox;
use crate::driver::maildir::mailbox::Maildir;
use crate::driver::maildir::manage;
use crate::driver::maildir::row::CHARACTERISTICS;

/// The driver.
pub type MaildirDriver = DirectoryDriver<MaildirFormat>;

/// The format.
pub struct MaildirFormat;

impl Format for MaildirFormat {
    const VERBS: Verbs = Verbs {
        characteristics: &CHARACTERISTICS,
        is_mailbox,
        is_made_when_opened: |_| false,
        open: |environment, place, access, job| {
            Ok(Box::new(Maildir::open(environment, place, access, job)?))
        },
        status: |environment, place, _job| manage::status(environment, place),
        create: manage::create,
        delete: |environment, place, only_empty, _job| {
            manage::delete(environment, place, only_empty)
        },
        rename: |environment, from, to, _job| manage::rename(environment, from, to),
        append,
        repair: None,
    };
}
