//! Sealed blocks: magic (8), length of the body (8), xxh3 checksum of the body (16), body. All numbers little endian.

use xxhash_rust::xxh3::xxh3_128;

/// Bytes before the body.
pub(crate) const SEAL: usize = 32;

/// Starts a block: room for the seal.
pub(crate) fn begin() -> Vec<u8> {
    vec![0; SEAL]
}

/// Writes the seal of a block begun with [`begin`]; returns the checksum.
pub(crate) fn seal(magic: [u8; 8], block: &mut [u8]) -> u128 {
    let Some((head, body)) = block.split_at_mut_checked(SEAL) else {
        return 0;
    };
    let checksum = xxh3_128(body);
    let length = (body.len() as u64).to_le_bytes();
    let bytes = magic
        .into_iter()
        .chain(length)
        .chain(checksum.to_le_bytes());
    for (to, from) in head.iter_mut().zip(bytes) {
        *to = from;
    }
    checksum
}

/// The length of the body that a seal announces; `None` when it is no seal of this kind.
pub(crate) fn announced(magic: [u8; 8], head: &[u8]) -> Option<u64> {
    let mut reader = Reader::new(head);
    (reader.take(8)? == magic).then(|| reader.u64())?
}

/// The body of a sealed block and its checksum; `None` when the block is damaged.
pub(crate) fn unseal(magic: [u8; 8], block: &[u8]) -> Option<(&[u8], u128)> {
    let length = usize::try_from(announced(magic, block)?).ok()?;
    let mut reader = Reader::new(block.get(16..)?);
    let checksum = reader.u128()?;
    let body = reader.take(length)?;
    (xxh3_128(body) == checksum).then_some((body, checksum))
}

/// Takes numbers and bytes off the front of a body; `None` past its end.
pub(crate) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    /// A reader at the start of `bytes`.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `length` bytes.
    pub(crate) fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// The next bytes, after their number.
    pub(crate) fn block(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.u64()?).ok()?;
        self.take(length)
    }

    /// A number that counts what follows, each at least `size` bytes long.
    pub(crate) fn count(&mut self, size: usize) -> Option<usize> {
        let count = usize::try_from(self.u64()?).ok()?;
        (count.checked_mul(size)? <= self.rest.len()).then_some(count)
    }

    /// A small number.
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number.
    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    /// A number in the short form of [`put_short`].
    pub(crate) fn short(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = u64::from(self.u8()?);
            number |= (byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A digest.
    pub(crate) fn u128(&mut self) -> Option<u128> {
        Some(u128::from_le_bytes(self.take(16)?.try_into().ok()?))
    }
}

/// Appends numbers to a body.
pub(crate) fn put_u64(block: &mut Vec<u8>, numbers: &[u64]) {
    for number in numbers {
        block.extend_from_slice(&number.to_le_bytes());
    }
}

/// Appends a number in as few bytes as it needs: seven bits a byte, lowest first, the eighth set where more follow.
pub(crate) fn put_short(block: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        block.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    block.push(number as u8);
}

/// Appends a digest to a body.
pub(crate) fn put_u128(block: &mut Vec<u8>, number: u128) {
    block.extend_from_slice(&number.to_le_bytes());
}

/// Appends bytes after their number.
pub(crate) fn put_block(block: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(block, &[bytes.len() as u64]);
    block.extend_from_slice(bytes);
}

/// How many bytes at the beginning, and how many of the others at the end, two texts have in common.
pub(crate) fn shared(last: &[u8], next: &[u8]) -> (usize, usize) {
    let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
    let prefix = last.iter().zip(next).take_while(same).count();
    let rest = |text: &[u8]| text.len() - prefix;
    let most = rest(last).min(rest(next));
    let backward = last.iter().rev().zip(next.iter().rev());
    (prefix, backward.take(most).take_while(same).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_come_back() {
        for number in [0, 1, 127, 128, 16_383, 16_384, 1 << 40, u64::MAX] {
            let mut block = Vec::new();
            put_short(&mut block, number);
            assert_eq!(Reader::new(&block).short(), Some(number));
            assert_eq!(Reader::new(&block[1..]).short().is_some(), block.len() > 1);
        }
        assert_eq!(Reader::new(&[0xff; 11]).short(), None);
    }

    #[test]
    fn any_changed_byte_breaks_the_seal() {
        let mut block = begin();
        put_block(&mut block, b"content");
        seal(*b"testtest", &mut block);
        assert!(unseal(*b"testtest", &block).is_some());
        assert!(unseal(*b"othermag", &block).is_none());
        for at in 0..block.len() {
            let mut damaged = block.clone();
            damaged[at] ^= 1;
            assert!(unseal(*b"testtest", &damaged).is_none(), "{at}");
            assert!(unseal(*b"testtest", &block[..at]).is_none(), "{at}");
        }
    }
}
