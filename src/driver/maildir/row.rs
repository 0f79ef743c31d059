//! What the driver can do.

use crate::driver::characteristics::{Ability, Characteristics};

/// Its row of the table.
pub static CHARACTERISTICS: Characteristics = Characteristics {
    driver: "maildir",
    concurrent_access: Ability::Yes,
    shared_expunge: Ability::Yes,
    sticky_uids: Ability::Limited("kept in the state folder, by this program alone"),
    keywords: Ability::Limited("26 for each mailbox"),
    submailboxes: Ability::Yes,
    nfs: Ability::Yes,
    performance: "good",
    layout: "directory, one file for each message",
};
