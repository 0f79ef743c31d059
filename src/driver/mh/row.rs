//! What the driver can do.

use crate::driver::characteristics::{Ability, Characteristics};

/// Its row of the table.
pub static CHARACTERISTICS: Characteristics = Characteristics {
    driver: "mh",
    concurrent_access: Ability::Yes,
    shared_expunge: Ability::Yes,
    sticky_uids: Ability::Limited("kept by Mugo, outside of the mailbox"),
    keywords: Ability::Yes,
    submailboxes: Ability::Yes,
    nfs: Ability::Yes,
    performance: "good",
    layout: "directory, one file for each message, called by its number",
};
