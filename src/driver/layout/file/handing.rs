//! Handing a large message on while it is read, although other programs may write the file meanwhile.
//!
//! Bytes are gathered in chunks, and a chunk is handed on only when the file had still the same stamp after it was read.
//! When it had not, the message is read again from its start, where it is by then: what was handed on already must come
//! again, which its digest tells, and only what follows is handed on.

use std::io::{self, Write};

use xxhash_rust::xxh3::Xxh3Default;

/// How many bytes are read between two looks at the stamp.
const CHUNK: usize = 1 << 20;

/// A writer between a message that may have to be read several times and one who gets it once.
pub struct Handing<'w> {
    into: &'w mut dyn Write,
    /// How many bytes were handed on, in all passes, and their digest.
    handed: u64,
    digest: Xxh3Default,
    /// How many bytes of this pass were compared with those, and their digest.
    compared: u64,
    again: Xxh3Default,
    chunk: Vec<u8>,
    steady: Box<dyn Fn() -> bool + 'w>,
    spoilt: bool,
    /// Whether he who gets the message refused some of it: it is not known how much.
    broken: bool,
}

impl<'w> Handing<'w> {
    /// A writer that hands on to `into`.
    pub fn new(into: &'w mut dyn Write) -> Self {
        Self {
            into,
            handed: 0,
            digest: Xxh3Default::new(),
            compared: 0,
            again: Xxh3Default::new(),
            chunk: Vec::new(),
            steady: Box::new(|| false),
            spoilt: false,
            broken: false,
        }
    }

    /// Begins another pass; `steady` tells whether the file is still as it was when that began.
    pub fn begin(&mut self, steady: Box<dyn Fn() -> bool + 'w>) {
        self.steady = steady;
        self.compared = 0;
        self.again = Xxh3Default::new();
        self.chunk.clear();
    }

    /// Ends a pass that has read the whole message: hands the rest on.
    pub fn end(&mut self) -> io::Result<()> {
        self.pass_on()?;
        if self.compared < self.handed {
            return Err(self.spoil());
        }
        Ok(())
    }

    /// Whether something was handed on that is not in the message any more.
    pub fn is_spoilt(&self) -> bool {
        self.spoilt
    }

    fn pass_on(&mut self) -> io::Result<()> {
        if self.broken || !(self.steady)() {
            return Err(io::Error::other("the file was written meanwhile"));
        }
        let before = self.handed - self.compared;
        let known = usize::try_from(before).map_or(self.chunk.len(), |it| it.min(self.chunk.len()));
        let (known, new) = self.chunk.split_at(known);
        self.again.update(known);
        self.compared += known.len() as u64;
        let is_another = self.compared == self.handed
            && !known.is_empty()
            && self.again.digest128() != self.digest.digest128();
        if is_another {
            return Err(self.spoil());
        }
        if let Err(refusal) = self.into.write_all(new) {
            self.broken = true;
            return Err(refusal);
        }
        self.digest.update(new);
        self.again.update(new);
        self.handed += new.len() as u64;
        self.compared += new.len() as u64;
        self.chunk.clear();
        Ok(())
    }

    fn spoil(&mut self) -> io::Error {
        self.spoilt = true;
        io::Error::other("the message is another one by now")
    }
}

impl Write for Handing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.pass_on()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_was_handed_on_is_not_handed_on_again() -> io::Result<()> {
        let text: Vec<u8> = (0..5 * CHUNK).map(|at| (at / 7) as u8).collect();
        let (looks, mut out) = (Cell::new(0), Vec::new());
        let mut handing = Handing::new(&mut out);
        handing.begin(Box::new(|| looks.replace(looks.get() + 1) < 2));
        let stopped = text
            .chunks(1000)
            .try_for_each(|bytes| handing.write_all(bytes));
        assert!(stopped.is_err() && handing.handed > CHUNK as u64);
        handing.begin(Box::new(|| true));
        text.chunks(777)
            .try_for_each(|bytes| handing.write_all(bytes))?;
        handing.end()?;
        assert!(!handing.is_spoilt());
        drop(handing);
        assert!(out == text);
        Ok(())
    }

    #[test]
    fn another_message_is_not_taken_for_the_rest() {
        let text = vec![b'a'; 3 * CHUNK];
        for other in [vec![b'b'; 3 * CHUNK], vec![b'a'; CHUNK / 2]] {
            let (looks, mut out) = (Cell::new(0), Vec::new());
            let mut handing = Handing::new(&mut out);
            handing.begin(Box::new(|| looks.replace(looks.get() + 1) < 1));
            assert!(
                handing
                    .write_all(&text)
                    .and_then(|()| handing.end())
                    .is_err()
                    || handing.handed > 0
            );
            handing.begin(Box::new(|| true));
            let ended = handing.write_all(&other).and_then(|()| handing.end());
            assert!(ended.is_err() && handing.is_spoilt());
            drop(handing);
            assert!(out.iter().all(|byte| *byte == b'a'));
        }
    }
}
