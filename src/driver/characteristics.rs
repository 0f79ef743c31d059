//! What a driver can do: a row of c-client's characteristics table, with what Mugo made better.

/// One row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Characteristics {
    /// The driver's name, as in `#driver.NAME/`.
    pub driver: &'static str,
    /// Concurrent read-write access.
    pub concurrent_access: Ability,
    /// Expunge while others have the mailbox open.
    pub shared_expunge: Ability,
    /// UIDs that hold beyond a session.
    pub sticky_uids: Ability,
    /// Keywords.
    pub keywords: Ability,
    /// Mailboxes below mailboxes.
    pub submailboxes: Ability,
    /// Safe use over a network file system.
    pub nfs: Ability,
    /// Speed, relative among the drivers, for typical work.
    pub performance: &'static str,
    /// How mail is laid out on disk.
    pub layout: &'static str,
}

/// How far an ability goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ability {
    /// Not at all.
    No,
    /// In part; the text says how far.
    Limited(&'static str),
    /// Wholly.
    Yes,
}
