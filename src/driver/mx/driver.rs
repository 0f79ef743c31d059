//! The driver itself: which operation is where.

use crate::driver::layout::folder::driver::{DirectoryDriver, Format, Verbs};
use crate::driver::mx::append::append;
use crate::driver::mx::mailbox::Mx;
use crate::driver::mx::manage;
use crate::driver::mx::row::CHARACTERISTICS;

/// The driver.
pub type MxDriver = DirectoryDriver<MxFormat>;

/// The format.
pub struct MxFormat;

impl Format for MxFormat {
    const VERBS: Verbs = Verbs {
        characteristics: &CHARACTERISTICS,
        is_mailbox: manage::is_mailbox,
        is_made_when_opened: |_| false,
        open: |environment, place, access, job| {
            Ok(Box::new(Mx::open(environment, place, access, job)?))
        },
        status: manage::status,
        create: manage::create,
        delete: manage::delete,
        rename: manage::rename,
        append,
        repair: None,
    };
}
