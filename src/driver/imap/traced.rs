//! What a trace tells of a connection: every line in both directions, but no password, no token, and of mail only how much it was.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::os::trace::Trace;

/// Of a longer line only the beginning is told, in bytes.
const LONGEST: usize = 400;
/// So many answers in a row are told of in memory; of more only how many there were.
const FLOOD: usize = 20;
/// Stands for what is secret.
const HIDDEN: &str = "<suppressed>";

/// Tells of one connection.
pub struct Traced {
    trace: Trace,
    name: String,
    /// How much of a literal that was announced is still to be sent.
    unsent: AtomicUsize,
    /// How many answers came in a row.
    answers: AtomicUsize,
}

impl Traced {
    /// Tells of a new connection to this host.
    pub fn new(trace: &Trace, host: &str) -> Self {
        let name = format!("{host}#{}", trace.connection());
        trace.line(&format!("{name} connected"));
        Self {
            trace: trace.clone(),
            name,
            unsent: AtomicUsize::new(0),
            answers: AtomicUsize::new(0),
        }
    }

    /// What is sent. While the user is logged in only the names of commands and mechanisms are told.
    pub fn sent(&self, bytes: &[u8], is_secret: bool) {
        self.end_flood();
        if is_secret {
            return self.line('C', &without_secrets(bytes));
        }
        let unsent = self.unsent.load(Ordering::Relaxed);
        let (literal, rest) = bytes.split_at(unsent.min(bytes.len()));
        if !literal.is_empty() {
            self.line('C', &format!("({} bytes)", literal.len()));
        }
        let left = unsent - literal.len();
        let more = if rest.is_empty() {
            0
        } else {
            self.lines('C', rest)
        };
        self.unsent.store(left + more, Ordering::Relaxed);
    }

    /// What came. A challenge is as secret as what answers it.
    pub fn came(&self, bytes: &[u8], is_secret: bool) {
        if !bytes.starts_with(b"*") {
            self.end_flood();
        } else if self.answers.fetch_add(1, Ordering::Relaxed) >= FLOOD && !self.trace.is_written()
        {
            return;
        }
        if is_secret && bytes.starts_with(b"+") {
            return self.line('S', &format!("+ {HIDDEN}"));
        }
        // Some repeat what they do not understand.
        let mut words = bytes.splitn(3, |byte| *byte == b' ');
        let (tag, verb) = (words.next().unwrap_or_default(), words.next());
        if is_secret && verb.is_some_and(|verb| verb.eq_ignore_ascii_case(b"BAD")) {
            return self.line('S', &format!("{} BAD {HIDDEN}", printable(tag)));
        }
        // A long literal was left out where it stood.
        self.lines('S', bytes);
    }

    /// Tells how many answers were not told of.
    fn end_flood(&self) {
        let untold = self
            .answers
            .swap(0, Ordering::Relaxed)
            .saturating_sub(FLOOD);
        if untold > 0 && !self.trace.is_written() {
            self.line('S', &format!("({untold} more answers)"));
        }
    }

    /// Something about the connection itself.
    pub fn note(&self, text: &str) {
        self.end_flood();
        self.trace.line(&format!("{} {text}", self.name));
    }

    /// The lines of what was said; literals in it are left out. Gives how much of the last one is still to come.
    fn lines(&self, who: char, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let (line, behind) = rest.split_at(end);
            let shown = without_mail(line.trim_ascii_end());
            self.line(who, &printable(shown));
            // What comes behind is about the message too.
            if shown.len() < line.trim_ascii_end().len() {
                return 0;
            }
            rest = behind;
            if let Some(length) = announced(line) {
                let (literal, behind) = rest.split_at(length.min(rest.len()));
                if !literal.is_empty() {
                    self.line(who, &format!("({} bytes)", literal.len()));
                }
                rest = behind;
                if rest.is_empty() {
                    return length - literal.len();
                }
            }
        }
        0
    }

    fn line(&self, who: char, text: &str) {
        self.trace.line(&format!("{} {who}: {text}", self.name));
    }
}

/// The length of the literal that a line announces at its end.
fn announced(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\n")?;
    let line = line
        .strip_suffix(b"\r")
        .unwrap_or(line)
        .strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', line)?;
    let digits = line.get(open + 1..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// `00000001 AUTHENTICATE PLAIN <suppressed>`; of an answer to a challenge nothing.
fn without_secrets(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    match words.as_slice() {
        [tag, verb, mechanism, ..] if verb.eq_ignore_ascii_case("AUTHENTICATE") => {
            format!("{tag} {verb} {mechanism} {HIDDEN}")
        }
        [tag, verb, ..] if verb.eq_ignore_ascii_case("LOGIN") => format!("{tag} {verb} {HIDDEN}"),
        _ => HIDDEN.to_owned(),
    }
}

/// A line up to where it tells what a message is about: names of files, and subjects of messages in it.
fn without_mail(line: &[u8]) -> &[u8] {
    /// What stands in front of it: of a structure, of an envelope, of a text in quotes.
    const FRONTS: [&[u8]; 6] = [
        b"BODYSTRUCTURE (",
        b"ENVELOPE (",
        b"] \"",
        b"> \"",
        b"RFC822.TEXT \"",
        b"RFC822.HEADER \"",
    ];
    if memchr::memmem::find(line, b" FETCH (").is_none() {
        return line;
    }
    let end = |front: &&[u8]| Some(memchr::memmem::find(line, front)? + front.len());
    let first = FRONTS.iter().filter_map(end).min();
    first.and_then(|end| line.get(..end)).unwrap_or(line)
}

/// Text that a terminal can show: what is not of ASCII's letters and signs is told by its number.
fn printable(bytes: &[u8]) -> String {
    let shown = bytes.get(..LONGEST).unwrap_or(bytes);
    let mut text = String::with_capacity(shown.len());
    for byte in shown {
        match byte {
            b' '..=b'~' => text.push(char::from(*byte)),
            other => text.push_str(&format!("\\x{other:02x}")),
        }
    }
    if shown.len() < bytes.len() {
        text.push_str(&format!(" ... ({} bytes)", bytes.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(tell: impl Fn(&Traced)) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("trace");
        let trace = Trace::into_file(&path).expect("a file");
        tell(&Traced::new(&trace, "host"));
        let text = std::fs::read_to_string(path).expect("text");
        let line = |line: &str| line.split_once(' ').map_or("", |it| it.1).to_owned();
        text.lines().skip(1).map(line).collect()
    }

    #[test]
    fn of_many_answers_in_a_row_only_the_first_are_kept_in_memory() {
        let trace = Trace::default();
        let traced = Traced::new(&trace, "host");
        for number in 0..1000 {
            traced.came(format!("* {number} FETCH (UID 3)").as_bytes(), false);
        }
        traced.came(b"00000001 OK", false);
        let (lines, _) = trace.since(0);
        assert_eq!(lines.len(), 1 + FLOOD + 2);
        assert!(lines[FLOOD + 1].ends_with("S: (980 more answers)\n"));
    }

    #[test]
    fn secrets_and_mail_are_not_told() {
        let lines = told(|traced| {
            traced.sent(b"00000001 LOGIN ann \"hunter2\"\r\n", true);
            traced.sent(b"00000001 AUTHENTICATE PLAIN aHVudGVyMg==\r\n", true);
            traced.came(b"+ aHVudGVyMg==", true);
            traced.sent(b"aHVudGVyMg==\r\n", true);
            traced.came(b"00000001 BAD what is hunter2?", true);
            traced.came(b"00000001 OK [CAPABILITY X] in", true);
            traced.came(b"* 1 FETCH (BODY[] {7}\r\nhunter2 UID 3)", false);
            traced.sent(b"00000002 APPEND x {7+}\r\nhunter2\r\n", false);
            // Sent when the server said that it may, and not at once.
            traced.sent(b"00000003 APPEND x {9}\r\n", false);
            traced.sent(b"hunter", false);
            traced.sent(b"2\r\n\r\n", false);
            traced.came(b"* 1 FETCH (UID 3 BODYSTRUCTURE (\"hunter2\"))", false);
            traced.came(b"* 1 FETCH (BODYSTRUCTURE ({3}\r\nabc \"hunter2\"))", false);
            traced.came(b"* 1 FETCH (UID 3 BODY[1]<0> \"hunter2\")", false);
            traced.came(b"* OK \x1b[2J \"q\" \xe9", false);
            traced.came(&[b'x'; 1000], false);
        });
        let expected = [
            "host#1 C: 00000001 LOGIN <suppressed>",
            "host#1 C: 00000001 AUTHENTICATE PLAIN <suppressed>",
            "host#1 S: + <suppressed>",
            "host#1 C: <suppressed>",
            "host#1 S: 00000001 BAD <suppressed>",
            "host#1 S: 00000001 OK [CAPABILITY X] in",
            "host#1 S: * 1 FETCH (BODY[] {7}",
            "host#1 S: (7 bytes)",
            "host#1 S:  UID 3)",
            "host#1 C: 00000002 APPEND x {7+}",
            "host#1 C: (7 bytes)",
            "host#1 C: ",
            "host#1 C: 00000003 APPEND x {9}",
            "host#1 C: (6 bytes)",
            "host#1 C: (3 bytes)",
            "host#1 C: ",
            "host#1 S: * 1 FETCH (UID 3 BODYSTRUCTURE (",
            "host#1 S: * 1 FETCH (BODYSTRUCTURE (",
            "host#1 S: * 1 FETCH (UID 3 BODY[1]<0> \"",
            "host#1 S: * OK \\x1b[2J \"q\" \\xe9",
        ];
        let (last, others) = lines.split_last().expect("lines");
        assert_eq!(others, expected);
        assert!(last.ends_with("xxx ... (1000 bytes)") && last.len() < 500);
    }
}
