//! Addresses, as IMAP's ENVELOPE gives them (RFC 3501, 7.4.2).

use crate::mail::text::Foreign;

/// One address, or one end of a group: a group starts with a mailbox (its name) and no host, and ends with neither.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Address {
    /// The display name, decoded.
    pub name: Option<Foreign>,
    /// What stands before the `@`.
    pub mailbox: Option<Foreign>,
    /// What stands behind it.
    pub host: Option<Foreign>,
}

impl Address {
    /// Whether this marks the start or the end of a group.
    pub fn is_group_mark(&self) -> bool {
        self.host.is_none() && self.name.is_none()
    }

    /// `mailbox@host`, as far as there; `None` for group marks.
    pub fn spec(&self) -> Option<Foreign> {
        let mailbox = self.mailbox.as_ref()?;
        let host = self.host.as_ref()?;
        let mut text = mailbox.raw().to_owned();
        text.push('@');
        text.push_str(host.raw());
        Some(Foreign::new(text))
    }
}
