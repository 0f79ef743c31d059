//! The name of a message's file: `BASE:2,LETTERS`. The base names the message for good, the letters are its flags.
//!
//! Bases begin with the second of the delivery. Some programs write the size into them, as `,S=` (bytes in the file) and
//! `,W=` (octets with CRLF).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The name of a message's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    whole: Box<[u8]>,
    /// Bytes of the base.
    base: u8,
}

/// Where names in a mailbox stand: by time of delivery, then as bytes.
pub type Order<'a> = (u64, u64, &'a [u8]);

const INFO: &[u8] = b":2,";
/// No file system has longer names, in bytes.
const LONGEST: usize = 255;

impl Name {
    /// The name of a file in `cur` or `new`; `None` where it is none of a message.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let end = memchr::memchr(b':', name).unwrap_or(name.len());
        let is_message = end > 0 && name.len() <= LONGEST && !name.starts_with(b".");
        is_message.then(|| Self {
            whole: name.into(),
            base: end as u8,
        })
    }

    /// The name as a file has it.
    pub fn file(&self) -> &OsStr {
        OsStr::from_bytes(&self.whole)
    }

    /// What names the message, whatever its flags are.
    pub fn base(&self) -> &[u8] {
        self.parts().0
    }

    /// The letters of its flags and keywords.
    pub fn letters(&self) -> &[u8] {
        self.info().0
    }

    /// The same message with other letters; what stands behind them stays. `None` where that is too long for a name.
    pub fn with_letters(&self, letters: &[u8]) -> Option<Self> {
        let mut letters = letters.to_vec();
        letters.sort_unstable();
        letters.dedup();
        let whole = [self.base(), INFO, &letters, self.info().1].concat();
        (whole.len() <= LONGEST).then(|| Self {
            whole: whole.into(),
            base: self.base,
        })
    }

    /// The octets with CRLF line ends, where the name tells them.
    pub fn told_size(&self) -> Option<u64> {
        let mut fields = self.base().split(|&byte| byte == b',').skip(1);
        fields.find_map(|field| number(field.strip_prefix(b"W=")?))
    }

    /// Where the message stands among others.
    pub fn order(&self) -> Order<'_> {
        let base = self.base();
        let digits = base.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (seconds, rest) = base.split_at(digits);
        let micros = rest.strip_prefix(b".M").unwrap_or_default();
        let digits = micros.iter().take_while(|byte| byte.is_ascii_digit());
        let micros = micros.get(..digits.count()).unwrap_or_default();
        let value = |digits: &[u8]| number(digits).unwrap_or(u64::MAX);
        (value(seconds), number(micros).unwrap_or(0), base)
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        let base = usize::from(self.base).min(self.whole.len());
        self.whole.split_at(base)
    }

    /// The letters, and what other programs put behind them.
    fn info(&self) -> (&[u8], &[u8]) {
        let info = self.parts().1.strip_prefix(INFO).unwrap_or_default();
        let end = memchr::memchr(b',', info).unwrap_or(info.len());
        info.split_at(end)
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let all = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits)
        .ok()
        .filter(|_| all)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text.as_bytes()).expect("a name")
    }

    #[test]
    fn names_are_taken_apart_and_put_together() {
        let plain = name("1772000000.M5P1.host,S=3,W=4:2,FS");
        assert_eq!(plain.base(), b"1772000000.M5P1.host,S=3,W=4");
        assert_eq!((plain.letters(), plain.told_size()), (&b"FS"[..], Some(4)));
        let other = plain.with_letters(b"TaSS").expect("short");
        assert_eq!(other, name("1772000000.M5P1.host,S=3,W=4:2,STa"));
        let new = name("17.x");
        assert_eq!((new.letters(), new.told_size()), (&b""[..], None));
        assert_eq!(new.with_letters(b"").expect("short"), name("17.x:2,"));
        let odd = name("17.x:2,S,more");
        assert_eq!(
            odd.with_letters(b"RS").expect("short"),
            name("17.x:2,RS,more")
        );
        assert_eq!(name("17.x:1,odd").letters(), b"");
        for wrong in ["", ".17.x", ":2,S", &"x".repeat(256)] {
            assert_eq!(Name::parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(name(&"x".repeat(253)).with_letters(b"S"), None);
    }

    #[test]
    fn names_stand_by_time_and_numbers_never_overflow() {
        let names = [
            "9.x",
            "10.M2P1.x",
            "10.M10P1.x",
            "10.M10P1.y",
            "99999999999999999999999.x",
            "no-number",
        ];
        assert!(
            names
                .map(name)
                .windows(2)
                .all(|pair| pair[0].order() < pair[1].order())
        );
        assert_eq!(name("1.x,W=99999999999999999999999:2,").told_size(), None);
        assert_eq!(name("1.x,W=:2,").told_size(), None);
    }
}
