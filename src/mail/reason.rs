//! The operating system's reasons in words.

use std::io;

/// A reason without the system's number for it: `Permission denied`, not `Permission denied (os error 13)`. What others
/// made of an error passes as it is, so it is foreign text until it was made printable.
pub fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    let numbered = text.rsplit_once(" (os error ");
    match numbered {
        Some((reason, number)) if number.ends_with(')') => reason.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;
    use std::io;

    #[test]
    fn numbers_go_and_words_stay() {
        let denied = io::Error::from_raw_os_error(13);
        assert_eq!(in_words(&denied), "Permission denied");
        let own = io::Error::other("it is a directory (os error unknown) of sorts");
        assert_eq!(
            in_words(&own),
            "it is a directory (os error unknown) of sorts"
        );
    }
}
