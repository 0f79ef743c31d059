//! The driver itself: which operation is where.

use crate::driver::layout::folder::driver::{DirectoryDriver, Format, Verbs};
use crate::driver::mh::append::append;
use crate::driver::mh::folder::is_mailbox;
use crate::driver::mh::mailbox::Mh;
use crate::driver::mh::manage;
use crate::driver::mh::row::CHARACTERISTICS;
use crate::driver::place::Place;
use crate::mail::name::NameKind;

/// The driver.
pub type MhDriver = DirectoryDriver<MhFormat>;

/// The format.
pub struct MhFormat;

impl Format for MhFormat {
    const VERBS: Verbs = Verbs {
        characteristics: &CHARACTERISTICS,
        is_mailbox,
        is_made_when_opened: is_called_inbox,
        open: |environment, place, access, job| {
            Ok(Box::new(Mh::open(environment, place, access, job)?))
        },
        status: manage::status,
        create: manage::create,
        delete: manage::delete,
        rename: manage::rename,
        append,
        repair: None,
    };
}

/// Whether a name is that of the mailbox into which MH programs put new mail.
fn is_called_inbox(place: &Place) -> bool {
    match place.name.kind() {
        NameKind::MhInbox => true,
        NameKind::Mh(name) => **name == *b"inbox",
        _ => false,
    }
}
