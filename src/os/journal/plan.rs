//! The plan of a rewrite: the new content of a file as a list over its old content.

use crate::os::journal::bytes::shared;

/// A piece of the new content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece {
    /// Bytes of the old content.
    Keep {
        /// Where they begin there.
        from: u64,
        /// How many.
        length: u64,
    },
    /// New bytes.
    Put {
        /// Where they begin among all the new bytes.
        at: usize,
        /// How many.
        length: usize,
    },
}

/// The new content, piece by piece. Kept ranges must ascend and not overlap.
///
/// Bytes that others appended beyond the length the plan was made for are never dropped: they follow the new content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    old_length: u64,
    new_length: u64,
    kept_to: u64,
    pieces: Vec<Piece>,
    fresh: Vec<u8>,
    /// Bytes that the pieces take in a journal, all but the last new one.
    packed: usize,
    /// The last new bytes but those that may still grow: where they begin, and how many.
    last_put: (usize, usize),
    fault: Option<&'static str>,
}

impl Plan {
    /// An empty plan for a file whose content is known up to `old_length`.
    pub fn new(old_length: u64) -> Self {
        Self {
            old_length,
            new_length: 0,
            kept_to: 0,
            pieces: Vec::new(),
            fresh: Vec::new(),
            packed: 0,
            last_put: (0, 0),
            fault: None,
        }
    }

    /// Adds `length` bytes of the old content, from offset `from` there. Neighbours are joined.
    pub fn keep(&mut self, from: u64, length: u64) {
        if length == 0 {
            return;
        }
        let end = from.checked_add(length);
        match end {
            Some(end) if from >= self.kept_to && end <= self.old_length => self.kept_to = end,
            _ => {
                self.fault = Some("kept ranges overlap, descend or pass the end");
                return;
            }
        }
        self.new_length += length;
        if let Some(Piece::Keep {
            from: last,
            length: held,
        }) = self.pieces.last_mut()
            && *last + *held == from
        {
            *held += length;
            return;
        }
        self.close_put();
        self.packed += KEEP;
        self.pieces.push(Piece::Keep { from, length });
    }

    /// Counts the last new bytes, which cannot grow any more.
    fn close_put(&mut self) {
        if let Some(&Piece::Put { at, length }) = self.pieces.last() {
            self.packed += PUT + self.own_bytes(at, length);
            self.last_put = (at, length);
        }
    }

    /// How many of the new bytes at `at` are not shared with those before them.
    fn own_bytes(&self, at: usize, length: usize) -> usize {
        let text = |at: usize, length: usize| self.fresh.get(at..at + length).unwrap_or_default();
        let (prefix, suffix) = shared(text(self.last_put.0, self.last_put.1), text(at, length));
        length - prefix - suffix
    }

    /// Adds new bytes. Neighbours are joined.
    pub fn put(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let at = self.fresh.len();
        self.fresh.extend_from_slice(bytes);
        self.new_length = self.new_length.saturating_add(bytes.len() as u64);
        if let Some(Piece::Put { length, .. }) = self.pieces.last_mut() {
            *length += bytes.len();
            return;
        }
        self.pieces.push(Piece::Put {
            at,
            length: bytes.len(),
        });
    }

    /// The same plan for a longer file, which keeps what lies beyond the length known so far.
    #[must_use]
    pub(crate) fn extended_to(mut self, length: u64) -> Self {
        let known = self.old_length;
        self.old_length = length.max(known);
        self.keep(known, length.saturating_sub(known));
        self
    }

    /// The length the plan was made for.
    pub fn old_length(&self) -> u64 {
        self.old_length
    }

    /// The length of the new content.
    pub fn new_length(&self) -> u64 {
        self.new_length
    }

    /// Bytes that the plan takes in the journal of a large rewrite, within a few for each piece.
    pub fn cost(&self) -> usize {
        match self.pieces.last() {
            Some(&Piece::Put { at, length }) => self.packed + PUT + self.own_bytes(at, length),
            _ => self.packed,
        }
    }

    /// Bytes of memory that the plan takes.
    pub fn size(&self) -> usize {
        self.pieces.len() * size_of::<Piece>() + self.fresh.len()
    }

    /// The pieces in the order of the new content.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// All new bytes, one after the other.
    pub fn fresh(&self) -> &[u8] {
        &self.fresh
    }

    /// Why the plan cannot be carried out, if it cannot.
    pub fn fault(&self) -> Option<&'static str> {
        self.fault
    }
}

/// About what a piece takes in a journal, its own bytes not counted.
const KEEP: usize = 4;
const PUT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_joined() {
        let mut plan = Plan::new(10);
        plan.keep(0, 2);
        plan.keep(2, 3);
        plan.put(b"ab");
        plan.put(b"");
        plan.put(b"c");
        plan.keep(7, 3);
        let expected = [
            Piece::Keep { from: 0, length: 5 },
            Piece::Put { at: 0, length: 3 },
            Piece::Keep { from: 7, length: 3 },
        ];
        assert_eq!(plan.pieces(), expected);
        assert_eq!(
            (plan.new_length(), plan.fresh(), plan.fault()),
            (11, &b"abc"[..], None)
        );
    }

    #[test]
    fn impossible_keeps_are_a_fault() {
        for (from, length) in [(0, 1), (4, 7), (u64::MAX, 2)] {
            let mut plan = Plan::new(10);
            plan.keep(2, 2);
            plan.keep(from, length);
            assert!(plan.fault().is_some(), "{from} {length}");
        }
    }
}
