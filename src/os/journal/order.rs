//! The order in which the pieces of a plan are written, and their cut into windows.
//!
//! Pieces keep their order, so each moves left, moves right or stays. Left movers done in ascending, right movers in
//! descending order never overwrite what a later one still reads. New bytes may cover the old place of a right
//! mover behind them or of a left mover before them: they are written after either. Pieces that stay are not written.

use std::io;

use crate::os::files::MailFile;
use crate::os::journal::plan::{Piece, Plan};
use crate::os::journal::record::{WRITE, Write};
use crate::os::transfer::read_exact_at;

/// Where bytes come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    Old(u64),
    Fresh(usize),
}

/// One move or one insertion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Move {
    to: u64,
    source: Source,
    length: u64,
    backward: bool,
}

impl Move {
    fn part(self, done: u64, length: u64) -> Self {
        let skip = if self.backward {
            self.length - done - length
        } else {
            done
        };
        let source = match self.source {
            Source::Old(from) => Source::Old(from + skip),
            Source::Fresh(at) => Source::Fresh(at + usize::try_from(skip).unwrap_or(usize::MAX)),
        };
        Self {
            to: self.to + skip,
            source,
            length,
            backward: self.backward,
        }
    }
}

/// All moves of a plan in a safe order.
pub(crate) fn moves(plan: &Plan) -> Vec<Move> {
    let mut leftward = Vec::new();
    let mut to = 0;
    let mut pieces = plan.pieces().iter().peekable();
    while let Some(piece) = pieces.next() {
        let length = length_of(piece);
        let held_back =
            matches!(pieces.peek(), Some(Piece::Keep { from, .. }) if to + length > *from);
        match *piece {
            Piece::Keep { from, .. } if to < from => {
                leftward.push(Move {
                    to,
                    source: Source::Old(from),
                    length,
                    backward: false,
                });
            }
            Piece::Put { at, .. } if !held_back => {
                leftward.push(Move {
                    to,
                    source: Source::Fresh(at),
                    length,
                    backward: false,
                });
            }
            _ => {}
        }
        to += length;
    }
    add_rightward(plan, &mut leftward);
    leftward
}

fn add_rightward(plan: &Plan, moves: &mut Vec<Move>) {
    let mut to = plan.new_length();
    let mut held_back = false;
    for piece in plan.pieces().iter().rev() {
        let length = length_of(piece);
        to -= length;
        let source = match *piece {
            Piece::Keep { from, .. } => {
                held_back = to > from;
                Source::Old(from)
            }
            Piece::Put { at, .. } => Source::Fresh(at),
        };
        if held_back {
            moves.push(Move {
                to,
                source,
                length,
                backward: true,
            });
        }
    }
}

/// Ranges of the file (offset, length) that the plan leaves where they are.
pub(crate) fn unmoved(plan: &Plan) -> Vec<(u64, u64)> {
    let mut to = 0;
    let mut found = Vec::new();
    for piece in plan.pieces() {
        if let Piece::Keep { from, length } = *piece
            && from == to
        {
            found.push((from, length));
        }
        to += length_of(piece);
    }
    found
}

fn length_of(piece: &Piece) -> u64 {
    match *piece {
        Piece::Keep { length, .. } => length,
        Piece::Put { length, .. } => length as u64,
    }
}

/// Cuts moves into windows of at most `budget` bytes, their own overhead counted.
pub(crate) struct Windows<'m> {
    moves: &'m [Move],
    budget: usize,
    at: usize,
    done: u64,
}

impl<'m> Windows<'m> {
    /// The windows of `moves`, from the first.
    pub(crate) fn new(moves: &'m [Move], budget: usize) -> Self {
        Self {
            moves,
            budget: budget.max(WRITE + 1),
            at: 0,
            done: 0,
        }
    }
}

impl Iterator for Windows<'_> {
    type Item = Vec<Move>;

    fn next(&mut self) -> Option<Vec<Move>> {
        let mut room = self.budget;
        let mut window = Vec::new();
        while let Some(next) = self.moves.get(self.at)
            && room > WRITE
        {
            let length = (next.length - self.done).min((room - WRITE) as u64);
            window.push(next.part(self.done, length));
            room -= WRITE + usize::try_from(length).unwrap_or(room - WRITE);
            self.done += length;
            if self.done == next.length {
                self.at += 1;
                self.done = 0;
            }
        }
        window.sort_unstable_by_key(|part| part.to);
        (!window.is_empty()).then_some(window)
    }
}

/// The bytes of a window, read before any of them is overwritten.
pub(crate) fn fill(
    window: &[Move],
    file: &dyn MailFile,
    fresh: &[u8],
) -> io::Result<(Vec<Write>, Vec<u8>)> {
    let mut writes: Vec<Write> = Vec::new();
    let mut data = Vec::new();
    for part in window {
        let length = usize::try_from(part.length).map_err(|_| io::ErrorKind::InvalidInput)?;
        let begin = data.len();
        match part.source {
            Source::Old(from) => {
                data.resize(begin + length, 0);
                read_exact_at(file, data.get_mut(begin..).unwrap_or_default(), from)?;
            }
            Source::Fresh(at) => {
                let bytes = fresh.get(at..).and_then(|bytes| bytes.get(..length));
                data.extend_from_slice(bytes.ok_or(io::ErrorKind::InvalidInput)?);
            }
        }
        match writes.last_mut() {
            Some(last) if last.to + last.length as u64 == part.to => last.length += length,
            _ => writes.push(Write {
                to: part.to,
                length,
            }),
        }
    }
    Ok((writes, data))
}
