//! Flags and keywords as sequences. `unseen` (or what the profile calls it), `flagged` and `replied` are those of other
//! programs, `deleted` and `draft` are called alike; the others are keywords of the same name. A keyword that cannot be the
//! name of a sequence is written as `mugo` and its letters and digits, each other character, and `z`, as `z` and two
//! hexadecimal digits.

use crate::driver::layout::prefile::line::{ANSWERED, DELETED, DRAFT, FLAGGED};
use crate::driver::mh::sequences::{CURRENT, is_name};
use crate::mail::flags::Keyword;

/// Flags that are sequences, but for the one that says what was not seen.
pub const FLAGS: [(u16, &str); 4] = [
    (FLAGGED, "flagged"),
    (ANSWERED, "replied"),
    (DELETED, "deleted"),
    (DRAFT, "draft"),
];

/// Names that mean something else in a list of messages.
const RESERVED: [&str; 7] = [CURRENT, "all", "first", "last", "new", "next", "prev"];
const FRONT: &str = "mugo";

/// The keyword that a sequence stands for; `None` where it stands for something else.
pub fn keyword_of(sequence: &str, unseen: &[String]) -> Option<Keyword> {
    if is_taken(sequence, unseen) {
        return None;
    }
    match sequence.strip_prefix(FRONT) {
        Some(written) => Keyword::new(&decoded(written)?),
        None => Keyword::new(sequence),
    }
}

/// The sequence that stands for a keyword.
pub fn sequence_of(keyword: &Keyword, unseen: &[String]) -> String {
    let name = keyword.as_str();
    match is_name(name) && !name.starts_with(FRONT) && !is_taken(name, unseen) {
        true => name.to_owned(),
        false => format!("{FRONT}{}", encoded(name)),
    }
}

fn is_taken(name: &str, unseen: &[String]) -> bool {
    let flag = FLAGS.iter().any(|(_, sequence)| name == *sequence);
    flag || RESERVED.contains(&name) || unseen.iter().any(|word| word == name)
}

fn encoded(name: &str) -> String {
    let letter = |byte: u8| match byte.is_ascii_alphanumeric() && byte != b'z' {
        true => char::from(byte).to_string(),
        false => format!("z{byte:02x}"),
    };
    name.bytes().map(letter).collect()
}

fn decoded(written: &str) -> Option<String> {
    let mut parts = written.split('z');
    let mut name = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        name.push(char::from(u8::from_str_radix(digits, 16).ok()?));
        name.push_str(rest);
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_keyword_has_a_sequence_of_its_own() {
        let unseen = ["unseen".to_owned(), "fresh".to_owned()];
        for name in [
            "Work",
            "$Forwarded",
            "a-z",
            "z",
            "cur",
            "unseen",
            "fresh",
            "flagged",
            "mugo",
            "mugoz24",
            "1",
            "Unseen",
        ] {
            let keyword = Keyword::new(name).expect("a keyword");
            let sequence = sequence_of(&keyword, &unseen);
            assert!(is_name(&sequence), "{sequence}");
            let again = keyword_of(&sequence, &unseen).expect("a keyword");
            assert_eq!(again.as_str(), name);
        }
        let sequence = |name| sequence_of(&Keyword::new(name).expect("a keyword"), &unseen);
        assert_eq!(sequence("$Forwarded"), "mugoz24Forwarded");
        for none in ["cur", "fresh", "deleted", "mugoz2", "mugozzz", "mugo"] {
            assert_eq!(keyword_of(none, &unseen), None, "{none}");
        }
    }
}
