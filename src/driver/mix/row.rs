//! What the driver can do.

use crate::driver::characteristics::{Ability, Characteristics};
use crate::driver::network::READ_ONLY;

/// Its row of the table.
pub static CHARACTERISTICS: Characteristics = Characteristics {
    driver: "mix",
    concurrent_access: Ability::Yes,
    shared_expunge: Ability::Yes,
    sticky_uids: Ability::Yes,
    keywords: Ability::Yes,
    submailboxes: Ability::Yes,
    nfs: READ_ONLY,
    performance: "excellent",
    layout: "directory with index, many messages in a file",
};
