//! The driver itself: which operation is where.

use crate::driver::layout::folder::driver::{DirectoryDriver, Format, Verbs};
use crate::driver::mix::append::append;
use crate::driver::mix::mailbox::Mix;
use crate::driver::mix::manage;
use crate::driver::mix::repair::repair;
use crate::driver::mix::row::CHARACTERISTICS;

/// The driver.
pub type MixDriver = DirectoryDriver<MixFormat>;

/// The format.
pub struct MixFormat;

impl Format for MixFormat {
    const VERBS: Verbs = Verbs {
        characteristics: &CHARACTERISTICS,
        is_mailbox: manage::is_mailbox,
        is_made_when_opened: |_| false,
        open: |environment, place, access, job| {
            Ok(Box::new(Mix::open(environment, place, access, job)?))
        },
        status: |environment, place, job| manage::status(environment, place, job),
        create: manage::create,
        delete: |environment, place, only_empty, job| {
            manage::delete(environment, place, only_empty, job)
        },
        rename: |environment, from, to, job| manage::rename(environment, from, to, job),
        append: |environment, place, messages, job| append(environment, place, messages, job),
        repair: Some(|driver, environment, places, job| repair(driver, environment, places, job)),
    };
}
