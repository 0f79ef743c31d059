//! The base subject: a subject without `Re:`, `Fwd:`, `[list]` and `(fwd)`, for sorting and threading (RFC 5256, 2.1).

/// The base subject of a decoded `subject`. Takes time proportional to its length.
pub fn base_subject(subject: &str) -> String {
    let words: Vec<&str> = subject.split_whitespace().collect();
    let subject = words.join(" ");
    let mut rest = subject.as_str();
    loop {
        rest = without_leader(without_trailer(rest));
        match forwarded(rest) {
            Some(inner) => rest = inner,
            None => return rest.to_owned(),
        }
    }
}

/// Cuts `(fwd)` and blanks off the end, as often as they stand there.
fn without_trailer(mut text: &str) -> &str {
    loop {
        text = text.trim_end_matches(' ');
        match strip_end(text, "(fwd)") {
            Some(shorter) => text = shorter,
            None => return text,
        }
    }
}

/// Cuts `Re:`, `[list] Fwd:`, `[list]` and blanks off the front, as often as they stand there; never the last `[list]`.
fn without_leader(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches(' ');
        let (behind_all, before_last) = blobs(text);
        if let Some(shorter) = reply_mark(behind_all) {
            text = shorter;
            continue;
        }
        return if behind_all.is_empty() {
            before_last
        } else {
            behind_all
        };
    }
}

/// What follows all `[…]` at the front, and what follows all but the last of them.
///
/// They go together: as long as none is followed by a reply mark, taking one off leaves the same question.
fn blobs(text: &str) -> (&str, &str) {
    let (mut rest, mut before) = (text, text);
    while let Some(shorter) = blob(rest) {
        before = rest;
        rest = shorter;
    }
    (rest, before)
}

/// What follows one `[…]` with its blanks.
fn blob(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(['[', ']'])?;
    let rest = inside.get(end..)?.strip_prefix(']')?;
    Some(rest.trim_start_matches(' '))
}

/// What follows `Re:`, `Fw:` or `Fwd:`, also as `Re [2]:`.
fn reply_mark(text: &str) -> Option<&str> {
    let words = ["re", "fwd", "fw"];
    let rest = words.into_iter().find_map(|word| strip_front(text, word))?;
    let rest = rest.trim_start_matches(' ');
    blob(rest).unwrap_or(rest).strip_prefix(':')
}

/// The inside of `[fwd: …]`.
fn forwarded(text: &str) -> Option<&str> {
    strip_front(text, "[fwd:")?.strip_suffix(']')
}

fn strip_front<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let front = text.get(..word.len())?;
    let rest = text.get(word.len()..)?;
    front.eq_ignore_ascii_case(word).then_some(rest)
}

fn strip_end<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let place = text.len().checked_sub(word.len())?;
    let rest = text.get(..place)?;
    text.get(place..)?
        .eq_ignore_ascii_case(word)
        .then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_replies_and_lists_go() {
        for (subject, base) in [
            ("", ""),
            ("lunch", "lunch"),
            ("Re: lunch", "lunch"),
            ("RE : re[2]: Fwd: FW: lunch (fwd) (FWD)", "lunch"),
            ("[mugo] Re: [mugo] lunch", "lunch"),
            ("Re: [a] [b]", "[b]"),
            ("[a][b] lunch", "lunch"),
            ("[only]", "[only]"),
            ("[Fwd: Re: lunch]", "lunch"),
            ("[fwd: [fwd: lunch] (fwd)]", "lunch"),
            ("[unclosed re: x", "[unclosed re: x"),
            ("  many\t\t blanks \n here", "many blanks here"),
            ("Regarding: x", "Regarding: x"),
            ("Re:", ""),
            ("é re: x", "é re: x"),
        ] {
            assert_eq!(base_subject(subject), base, "{subject:?}");
        }
    }

    #[test]
    fn long_subjects_take_linear_time() {
        for pattern in [
            "[a]", "re:", "[fwd:", "(fwd)", "re[x]", "[", "re[", "[fwd:]",
        ] {
            let long = pattern.repeat(100_000);
            let started = std::time::Instant::now();
            let _ = base_subject(&long);
            assert!(started.elapsed().as_secs() < 2, "{pattern}");
        }
    }
}
