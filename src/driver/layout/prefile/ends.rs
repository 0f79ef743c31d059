//! The digest of a message's first and last bytes, by which it is known again wherever it stands.

use std::io::{self, Read};

use xxhash_rust::xxh3::Xxh3;

/// Bytes that are digested, at the start and at the end.
const LOOKED_AT: u64 = 512;

/// The digest of a message of `size` bytes; `read` fills a buffer from an offset of it, and says how far.
pub fn digest(
    size: u64,
    mut read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<u64> {
    let mut digest = Xxh3::new();
    let length = size.min(LOOKED_AT);
    let mut bytes = [0; LOOKED_AT as usize];
    let room = bytes.get_mut(..length as usize).unwrap_or_default();
    for offset in [0, size - length] {
        let count = read(room, offset)?;
        digest.update(room.get(..count).unwrap_or_default());
        if size <= LOOKED_AT {
            break;
        }
    }
    Ok(digest.digest())
}

/// The same of the next message of `size` bytes in a stream, which is read to its end.
pub fn digest_of_next(size: u64, stream: &mut dyn Read) -> io::Result<u64> {
    let mut at = 0;
    digest(size, |room, offset| {
        io::copy(
            &mut (&mut *stream).take(offset.saturating_sub(at)),
            &mut io::sink(),
        )?;
        // The ends of a short message overlap: that part is in the buffer still.
        let overlap = usize::try_from(at.saturating_sub(offset)).unwrap_or_default();
        let overlap = overlap.min(room.len());
        room.copy_within(room.len() - overlap.., 0);
        stream.read_exact(room.get_mut(overlap..).unwrap_or_default())?;
        at = offset + room.len() as u64;
        Ok(room.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_gives_what_a_file_gives() {
        let bytes: Vec<u8> = (0..3_000u32).map(|at| (at * at % 251) as u8).collect();
        for size in [1, 511, 512, 513, 700, 1_023, 1_024, 1_025, 2_900] {
            let at_offset = |room: &mut [u8], offset: u64| {
                let from = bytes.get(offset as usize..).unwrap_or_default();
                (&from[..]).read(room)
            };
            let expected = digest(size, at_offset).expect("in memory");
            let mut stream = &bytes[..];
            let found = digest_of_next(size, &mut stream).expect("in memory");
            assert_eq!(found, expected, "{size}");
            assert_eq!(stream.len() as u64, 3_000 - size, "{size}");
        }
    }
}
