//! What a format without UIDs and keyword names in its file has elsewhere.

use crate::driver::error::Result;
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::record::{Base, Record};
use crate::driver::layout::prefile::words::Words;

/// Remembers UIDs and keyword names of one mailbox. Without it messages are counted from 1 in each session.
pub trait Memory: Send {
    /// The names of the keyword bits.
    fn words(&self) -> Words;

    /// Whether UIDs hold beyond the session.
    fn is_sticky(&self) -> bool;

    /// Gives UIDs, ascending, to the `records` from place `known` on, which were just found behind the others, and
    /// their UIDVALIDITY and last UID to `base`. The parse lock is held, unless the mailbox is only looked at.
    fn number(
        &mut self,
        source: Source<'_>,
        base: &mut Base,
        records: &mut [Record],
        known: usize,
    ) -> Result<()>;

    /// Keeps what is known of all messages, after some were expunged. The parse lock is held.
    fn keep(&mut self, source: Source<'_>, base: &Base, records: &[Record]) -> Result<()>;
}
