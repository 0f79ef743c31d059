//! How much room a server gives, and how much of it is used (RFC 9208, RFC 2087).

use crate::wire::imap::cursor::Cursor;

/// More resources than this are not taken in.
const MOST: usize = 20;

/// One kind of room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quota {
    /// What is limited, in capitals: `STORAGE`, in units of 1024 bytes, or `MESSAGE`.
    pub resource: String,
    /// How much is used.
    pub used: u64,
    /// How much may be.
    pub limit: u64,
}

impl Quota {
    /// What stands behind `QUOTA`: the name of the root, and a list. Numbers that are none (old servers tell negative ones)
    /// leave their resource out.
    pub fn parse(mut cursor: Cursor<'_>) -> Option<Vec<Self>> {
        cursor.blanks();
        cursor.text()?;
        cursor.blanks();
        let mut found = Vec::new();
        if !cursor.enter() {
            return Some(found);
        }
        while !cursor.leaves() && !cursor.is_at_end() && found.len() < MOST {
            let resource = String::from_utf8_lossy(cursor.word()).to_ascii_uppercase();
            let mut amount = || {
                cursor.blanks();
                let digits = cursor.word();
                std::str::from_utf8(digits).ok()?.parse::<u64>().ok()
            };
            let (used, limit) = (amount(), amount());
            cursor.blanks();
            if resource.is_empty() {
                return Some(found);
            }
            if let (Some(used), Some(limit)) = (used, limit) {
                found.push(Self {
                    resource,
                    used,
                    limit,
                });
            }
        }
        Some(found)
    }

    /// How much of it is used, in per cent; `None` where nothing is allowed at all, which means that it is not limited.
    pub fn per_cent(&self) -> Option<u64> {
        let used = u128::from(self.used) * 100;
        let per_cent = used.checked_div(u128::from(self.limit))?;
        Some(u64::try_from(per_cent).unwrap_or(u64::MAX))
    }
}
