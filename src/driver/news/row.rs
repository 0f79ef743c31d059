//! What the driver can do.

use crate::driver::characteristics::{Ability, Characteristics};

/// Its row of the table.
pub static CHARACTERISTICS: Characteristics = Characteristics {
    driver: "news",
    concurrent_access: Ability::Yes,
    shared_expunge: Ability::Limited("hides what was read; articles are never removed"),
    sticky_uids: Ability::Yes,
    keywords: Ability::Limited("kept in the state folder, by this program alone"),
    submailboxes: Ability::Yes,
    nfs: Ability::Yes,
    performance: "good",
    layout: "directory of the news spool, one file for each article",
};
