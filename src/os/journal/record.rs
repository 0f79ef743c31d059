//! The record in a slot: where a change stands, and the bytes that its present step writes.

use crate::os::journal::bytes::{Reader, begin, put_block, put_u64, put_u128, seal, unseal};

/// Marks a record.
pub(crate) const MAGIC: [u8; 8] = *b"MugoRec1";
/// Bytes that a record takes at most besides its writes and its data.
pub(crate) const OVERHEAD: u64 = 256;
/// Bytes that one write takes besides its data.
pub(crate) const WRITE: usize = 16;

/// The step that a change has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Window `index` of a rewrite is being written.
    Window { index: u64 },
    /// An append has its journal, and nothing else.
    Claimed,
    /// An append has extended the file by NULs and fills them.
    Grown,
    /// All of an append's bytes are on disk, with this digest; its patches are being written.
    Commit { content: u128 },
    /// Bytes that others appended are being moved to the new end; so many were moved before.
    Tail { moved: u64 },
    /// Nothing is left but to cut the file from one length to another, which drops bytes of this digest.
    Cut { from: u64, to: u64, garbage: u128 },
}

/// Bytes of the mailbox that are written: where, and how many of the record's data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Write {
    pub(crate) to: u64,
    pub(crate) length: usize,
}

impl Write {
    /// How many of the bytes lie below `limit`.
    pub(crate) fn below(&self, limit: u64) -> usize {
        let room = usize::try_from(limit.saturating_sub(self.to)).unwrap_or(usize::MAX);
        self.length.min(room)
    }
}

/// The record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub(crate) step: Step,
    pub(crate) writes: Vec<Write>,
    pub(crate) data: Vec<u8>,
    /// What the writes overwrite of the old content; beyond its end they overwrite NULs.
    pub(crate) before: Vec<u8>,
}

impl Record {
    /// A record that writes nothing.
    pub(crate) fn mark(step: Step) -> Self {
        Self {
            step,
            writes: Vec::new(),
            data: Vec::new(),
            before: Vec::new(),
        }
    }

    /// Each write with its bytes.
    pub(crate) fn writes(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut rest = self.data.as_slice();
        self.writes.iter().map_while(move |write| {
            let (bytes, after) = rest.split_at_checked(write.length)?;
            rest = after;
            Some((write.to, bytes))
        })
    }

    /// Each write with what it overwrites below `limit`, which is the old end.
    pub(crate) fn overwritten(&self, limit: u64) -> impl Iterator<Item = (u64, &[u8])> {
        let mut rest = self.before.as_slice();
        self.writes.iter().map_while(move |write| {
            let (bytes, after) = rest.split_at_checked(write.below(limit))?;
            rest = after;
            Some((write.to, bytes))
        })
    }

    /// The sealed block; `journal` is the checksum of the header that the record belongs to.
    pub(crate) fn to_block(&self, journal: u128, sequence: u64) -> Vec<u8> {
        let mut block = begin();
        put_u128(&mut block, journal);
        let (number, one, two, digest) = match self.step {
            Step::Window { index } => (0, index, 0, 0),
            Step::Claimed => (1, 0, 0, 0),
            Step::Grown => (2, 0, 0, 0),
            Step::Commit { content } => (3, 0, 0, content),
            Step::Tail { moved } => (4, moved, 0, 0),
            Step::Cut { from, to, garbage } => (5, from, to, garbage),
        };
        put_u64(&mut block, &[sequence, number, one, two]);
        put_u128(&mut block, digest);
        put_u64(&mut block, &[self.writes.len() as u64]);
        for write in &self.writes {
            put_u64(&mut block, &[write.to, write.length as u64]);
        }
        put_block(&mut block, &self.data);
        put_block(&mut block, &self.before);
        seal(MAGIC, &mut block);
        block
    }

    /// Reads a sealed block with its sequence number; `None` when it is damaged or of another journal.
    pub(crate) fn from_block(block: &[u8], journal: u128) -> Option<(u64, Self)> {
        let (body, _) = unseal(MAGIC, block)?;
        let mut body = Reader::new(body);
        if body.u128()? != journal {
            return None;
        }
        let sequence = body.u64()?;
        let (number, one, two, digest) = (body.u64()?, body.u64()?, body.u64()?, body.u128()?);
        let step = match number {
            0 => Step::Window { index: one },
            1 => Step::Claimed,
            2 => Step::Grown,
            3 => Step::Commit { content: digest },
            4 => Step::Tail { moved: one },
            5 => Step::Cut {
                from: one,
                to: two,
                garbage: digest,
            },
            _ => return None,
        };
        let writes: Vec<Write> = (0..body.count(WRITE)?)
            .map(|_| take_write(&mut body))
            .collect::<Option<_>>()?;
        let data = body.block()?.to_vec();
        let before = body.block()?.to_vec();
        let lengths = writes
            .iter()
            .try_fold(0usize, |sum, write| sum.checked_add(write.length))?;
        let fits = lengths == data.len() && before.len() <= data.len();
        fits.then_some((
            sequence,
            Self {
                step,
                writes,
                data,
                before,
            },
        ))
    }
}

fn take_write(body: &mut Reader<'_>) -> Option<Write> {
    let (to, length) = (body.u64()?, body.u64()?);
    to.checked_add(length)?;
    Some(Write {
        to,
        length: usize::try_from(length).ok()?,
    })
}
