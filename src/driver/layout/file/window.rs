//! A view of a file that slides over it in big steps, so that scanning copies each byte once and touches it while it is hot.

use std::io;

use crate::driver::layout::file::read_ahead::{Ahead, BLOCK, ROOM};
use crate::os::files::MailFile;

/// The part of a file that is in memory.
pub struct Window<'a> {
    file: &'a dyn MailFile,
    /// Where blocks come from while they are read ahead.
    ahead: Option<Ahead>,
    buffer: Vec<u8>,
    /// Where the unread bytes start in `buffer`.
    read: usize,
    /// Where they end.
    filled: usize,
    /// Whether a CR may be among the bytes in memory.
    may_hold_cr: bool,
    /// Where in the file `buffer[filled]` is.
    next: u64,
    /// Where the file ends for this view.
    end: u64,
}

/// Bytes in memory. Small enough for a processor's cache, large enough that system calls do not count.
pub const SIZE: usize = 256 * 1024;

impl<'a> Window<'a> {
    /// A view of the bytes from `start` to `end`.
    pub fn new(file: &'a dyn MailFile, start: u64, end: u64) -> Self {
        let wanted = usize::try_from(end.saturating_sub(start)).unwrap_or(SIZE);
        Self {
            file,
            ahead: None,
            buffer: vec![0; wanted.clamp(1, SIZE)],
            read: 0,
            filled: 0,
            may_hold_cr: false,
            next: start,
            end,
        }
    }

    /// A view of the whole file up to `end`, whose blocks another thread reads ahead.
    pub fn ahead(file: &'a dyn MailFile, end: u64, ahead: Ahead) -> Self {
        let buffer = vec![0; ROOM + BLOCK];
        Self {
            ahead: Some(ahead),
            buffer,
            ..Self::new(file, 0, end)
        }
    }

    /// The bytes that are there and were not consumed yet.
    pub fn rest(&self) -> &[u8] {
        self.buffer.get(self.read..self.filled).unwrap_or_default()
    }

    /// How many CRs are among the first `count` bytes of [`Window::rest`]. Costs nothing where the window holds none.
    pub fn crs(&self, count: usize) -> u64 {
        if !self.may_hold_cr {
            return 0;
        }
        count_of(b'\r', self.rest().get(..count).unwrap_or_default())
    }

    /// Whether a CR may be in [`Window::rest`].
    pub fn may_hold_cr(&self) -> bool {
        self.may_hold_cr
    }

    /// Where in the file [`Window::rest`] starts.
    pub fn offset(&self) -> u64 {
        self.next - (self.filled - self.read) as u64
    }

    /// Whether nothing but [`Window::rest`] is left.
    pub fn is_last(&self) -> bool {
        self.next >= self.end
    }

    /// Takes `count` bytes off the front of [`Window::rest`].
    pub fn consume(&mut self, count: usize) {
        self.read = (self.read + count).min(self.filled);
    }

    /// Brings the whole next line into [`Window::rest`], if it is not too long for that.
    pub fn line(&mut self) -> io::Result<Line> {
        let mut searched = 0;
        loop {
            let rest = self.rest();
            let fresh = rest.get(searched..).unwrap_or_default();
            if let Some(place) = memchr::memchr(b'\n', fresh) {
                return Ok(Line::Whole(searched + place + 1));
            }
            searched = rest.len();
            if self.is_last() {
                return Ok(Line::Unended(searched));
            }
            if !self.more()? && !self.is_last() {
                return Ok(Line::Long);
            }
        }
    }

    /// Consumes the rest of a line of any length, LF included.
    pub fn skip_line(&mut self) -> io::Result<Skipped> {
        let mut skipped = Skipped::default();
        loop {
            let rest = self.rest();
            let end = memchr::memchr(b'\n', rest);
            let count = end.map_or(rest.len(), |place| place + 1);
            skipped.length += count as u64;
            let bytes = rest.get(..count).unwrap_or_default();
            skipped.crs += count_of(b'\r', bytes);
            for byte in bytes.get(count.saturating_sub(5)..).unwrap_or_default() {
                skipped.tail.rotate_left(1);
                skipped.tail[4] = *byte;
            }
            skipped.ended = end.is_some();
            self.consume(count);
            if skipped.ended || !self.more()? {
                return Ok(skipped);
            }
        }
    }

    /// Reads on; `false` when there is no more, or no room because nothing was consumed.
    pub fn more(&mut self) -> io::Result<bool> {
        if self.is_last() {
            return Ok(false);
        }
        if let Some(found) = self.more_from_ahead()? {
            return Ok(found);
        }
        self.may_hold_cr &= self.read < self.filled;
        self.buffer.copy_within(self.read..self.filled, 0);
        self.filled -= self.read;
        self.read = 0;
        let left = usize::try_from(self.end - self.next).unwrap_or(SIZE);
        let limit = self.filled.saturating_add(left).min(self.buffer.len());
        let before = self.filled;
        while self.filled < limit {
            let room = self.buffer.get_mut(self.filled..limit).unwrap_or_default();
            match self.file.read_at(room, self.next) {
                Ok(0) => {
                    self.end = self.next;
                    break;
                }
                Ok(count) => {
                    self.filled += count;
                    self.next += count as u64;
                }
                Err(again) if again.kind() == io::ErrorKind::Interrupted => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let fresh = self.buffer.get(before..self.filled).unwrap_or_default();
        self.may_hold_cr |= memchr::memchr(b'\r', fresh).is_some();
        Ok(self.filled > before)
    }

    /// As [`Window::more`], with a block that was read ahead; `None` where none is to be had any longer.
    fn more_from_ahead(&mut self) -> io::Result<Option<bool>> {
        let left = self.filled - self.read;
        let fits = left <= ROOM;
        let Some(ahead) = self.ahead.take().filter(|_| fits) else {
            return Ok(None);
        };
        let Some(block) = ahead.next_block() else {
            return Ok(None);
        };
        let mut block = block?;
        let room = block.buffer.get_mut(ROOM - left..ROOM).unwrap_or_default();
        room.copy_from_slice(self.buffer.get(self.read..self.filled).unwrap_or_default());
        std::mem::swap(&mut self.buffer, &mut block.buffer);
        self.may_hold_cr = block.holds_cr || (left > 0 && self.may_hold_cr);
        self.read = ROOM - left;
        self.filled = ROOM + block.length;
        self.next += block.length as u64;
        if block.length == 0 {
            self.end = self.next;
        }
        ahead.give_back(block.buffer);
        self.ahead = Some(ahead);
        Ok(Some(block.length > 0))
    }
}

/// The next line, as [`Window::line`] found it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// It is in [`Window::rest`] with so many bytes, LF included.
    Whole(usize),
    /// The file ends before the line does; so many bytes are left.
    Unended(usize),
    /// It does not fit; [`Window::rest`] holds its beginning.
    Long,
}

/// What [`Window::skip_line`] went over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Skipped {
    /// Bytes, LF included.
    pub length: u64,
    /// CR bytes among them.
    pub crs: u64,
    /// Whether there was a LF.
    pub ended: bool,
    /// The last five of them, NULs before where there are fewer.
    pub tail: [u8; 5],
}

/// How often a byte occurs.
pub fn count_of(byte: u8, bytes: &[u8]) -> u64 {
    memchr::memchr_iter(byte, bytes).count() as u64
}
