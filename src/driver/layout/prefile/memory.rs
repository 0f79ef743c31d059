//! What a format without UIDs and keyword names in its file has elsewhere.

use crate::driver::error::{Error, Result};
use crate::driver::layout::file::content::Source;
use crate::driver::layout::prefile::record::{Base, Record};
use crate::driver::layout::prefile::words::Words;
use crate::mail::status::Access;

/// Remembers UIDs and keyword names of one mailbox. Without it messages are counted from 1 in each session.
pub trait Memory: Send {
    /// The names of the keyword bits in the file.
    fn words_in_file(&self) -> Words;

    /// Whether UIDs hold beyond the session.
    fn is_sticky(&self) -> bool;

    /// Gives UIDs, ascending, to the records from the place that comes with them on, which were just found behind the others, and the
    /// keywords that are not in the file; UIDVALIDITY, last UID and names of keywords to `base`. With access to write the parse lock is held; else nothing is kept.
    fn number(
        &mut self,
        source: Source<'_>,
        base: &mut Base,
        found: (&mut [Record], usize),
        access: Access,
    ) -> Result<()>;

    /// Keeps what is known of all messages, after some were expunged, or what is not in the file changed. The parse lock is
    /// held.
    fn keep(&mut self, source: Source<'_>, base: &Base, records: &[Record]) -> Result<()>;

    /// Remembers messages that are about to be appended behind `records`, each with the digest of its bytes, and gives them
    /// UIDs. On disk on return; those that do not come after all do no harm. The parse lock is held.
    fn foresee(
        &mut self,
        source: Source<'_>,
        base: &mut Base,
        records: &[Record],
        new: &mut [(Record, u64)],
    ) -> Result<()>;

    /// Takes over what other programs of ours keep of known messages now: keywords, and what they put off to expunge. Gives
    /// the places of messages that have other keywords than before, and whether something kept holds no more.
    fn look_again(&mut self, base: &mut Base, records: &mut [Record]) -> (Vec<usize>, bool);

    /// Why what was to be kept will be known in this session only; told once.
    fn trouble(&mut self) -> Option<Error>;
}
