//! A connection: reads commands, finds out whether the level has them, carries them out, tells what is new.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use crate::fake::store::{Mailbox, Message};
use crate::fake::words::{Outcome, Piece, Refusal, Word, Words, ranges, split};
use crate::fake::{Level, Shared};

/// How often an IDLE looks for news.
const TICK: Duration = Duration::from_millis(10);

/// The commands of all levels: the first and the last level that has each.
const COMMANDS: [(&str, Level, Level); 26] = [
    ("NOOP", Level::Imap1064, Level::Rev2),
    ("LOGIN", Level::Imap1064, Level::Rev2),
    ("LOGOUT", Level::Imap1064, Level::Rev2),
    ("SELECT", Level::Imap1064, Level::Rev2),
    ("EXPUNGE", Level::Imap1064, Level::Rev2),
    ("COPY", Level::Imap1064, Level::Rev2),
    ("FETCH", Level::Imap1064, Level::Rev2),
    ("STORE", Level::Imap1064, Level::Rev2),
    ("SEARCH", Level::Imap1064, Level::Rev2),
    ("CHECK", Level::Imap1064, Level::Rev1),
    ("FIND", Level::Imap1064, Level::Imap2bis),
    ("CREATE", Level::Imap2bis, Level::Rev2),
    ("DELETE", Level::Imap2bis, Level::Rev2),
    ("RENAME", Level::Imap2bis, Level::Rev2),
    ("SUBSCRIBE", Level::Imap2bis, Level::Rev2),
    ("UNSUBSCRIBE", Level::Imap2bis, Level::Rev2),
    ("APPEND", Level::Imap2bis, Level::Rev2),
    ("EXAMINE", Level::Imap2bis, Level::Rev2),
    ("PARTIAL", Level::Imap2bis, Level::Imap4),
    ("CAPABILITY", Level::Imap4, Level::Rev2),
    ("AUTHENTICATE", Level::Imap4, Level::Rev2),
    ("CLOSE", Level::Imap4, Level::Rev2),
    ("LIST", Level::Imap4, Level::Rev2),
    ("LSUB", Level::Imap4, Level::Rev1),
    ("UID", Level::Imap4, Level::Rev2),
    ("STATUS", Level::Rev1, Level::Rev2),
];

/// Extensions with a command of their own, which has the same name.
const EXTENSIONS: [&str; 5] = ["ENABLE", "IDLE", "MOVE", "NAMESPACE", "UNSELECT"];

/// What is allowed without a login.
const FREE: [&str; 5] = ["AUTHENTICATE", "CAPABILITY", "LOGIN", "LOGOUT", "NOOP"];

/// How a mailbox is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    ReadOnly,
    ReadWrite,
}

/// What numbers in a command are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum By {
    Number,
    Uid,
}

/// A connection.
pub(crate) struct Session {
    pub(crate) shared: Arc<Shared>,
    /// The mailbox that is open.
    pub(crate) open: Option<Open>,
    /// What is to be sent.
    pub(crate) out: Vec<u8>,
    /// The tag of the command that is carried out.
    pub(crate) tag: String,
    reader: BufReader<TcpStream>,
    is_logged_in: bool,
    is_over: bool,
}

/// A command as it came.
struct Command {
    tag: String,
    /// Its text without the tag and the bytes of literals.
    text: String,
    /// `None` where they make no sense.
    words: Option<Vec<Word>>,
}

impl Session {
    /// One on which nothing was said yet.
    pub(crate) fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        Self {
            shared,
            open: None,
            out: Vec::new(),
            tag: String::new(),
            reader: BufReader::new(stream),
            is_logged_in: false,
            is_over: false,
        }
    }

    /// Talks until either side has enough.
    pub(crate) fn serve(mut self) -> io::Result<()> {
        self.reader.get_ref().set_nodelay(true)?;
        self.put("* OK ready");
        self.flush()?;
        while !self.is_over {
            let Some(command) = self.read()? else {
                break;
            };
            self.answer(command)?;
        }
        Ok(())
    }

    /// Adds a line to what is to be sent.
    pub(crate) fn put(&mut self, line: &str) {
        put(&mut self.out, line);
    }

    fn flush(&mut self) -> io::Result<()> {
        self.reader.get_mut().write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// The next command; `None` at the end.
    fn read(&mut self) -> io::Result<Option<Command>> {
        let mut text = String::new();
        let mut pieces = Vec::new();
        let mut is_sound = true;
        loop {
            let mut line = Vec::new();
            if self.reader.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            let ended = line.strip_suffix(b"\r\n");
            is_sound &= ended.is_some();
            let line = ended.unwrap_or(&line);
            text.push_str(&String::from_utf8_lossy(line));
            let Some(announced) = Announced::at_end(line) else {
                pieces.push(Piece::Text(line.to_vec()));
                break;
            };
            pieces.push(Piece::Text(line[..announced.start].to_vec()));
            if announced.is_unasked {
                is_sound &= self.takes_unasked(announced.length);
            } else if !self.has_command(text.split(' ').nth(1).unwrap_or_default()) {
                // It is refused before its literal comes.
                is_sound = false;
                break;
            } else {
                self.put("+ go ahead");
                self.flush()?;
            }
            let mut literal = vec![0; announced.length];
            self.reader.read_exact(&mut literal)?;
            pieces.push(Piece::Literal(literal));
        }
        let (tag, text) = text.split_once(' ').unwrap_or((text.as_str(), ""));
        let words = split(pieces, self.shared.level).filter(|_| is_sound);
        Ok(Some(Command {
            tag: tag.to_owned(),
            text: text.to_owned(),
            words,
        }))
    }

    fn takes_unasked(&self, length: usize) -> bool {
        let takes_short = self.shared.has("LITERAL-") && length <= 4096;
        takes_short || self.shared.has("LITERAL+")
    }

    /// Whether the level, or an extension, has this command.
    fn has_command(&self, verb: &str) -> bool {
        let verb = verb.to_ascii_uppercase();
        let level = self.shared.level;
        let known = COMMANDS.iter().find(|it| it.0 == verb);
        let has_level = known.is_some_and(|it| it.1 <= level && level <= it.2);
        has_level || (EXTENSIONS.contains(&verb.as_str()) && self.shared.has(&verb))
    }

    /// Carries a command out and says what it came to.
    fn answer(&mut self, command: Command) -> io::Result<()> {
        self.shared.store().log.push(command.text.clone());
        self.tag = command.tag;
        // The first word is the tag.
        let words = command.words.as_ref().and_then(|words| words.get(1..));
        let outcome = match words {
            None => Err(Refusal::Bad),
            Some(words) if self.begins_idle(words) => self.idle()?,
            Some(words) => self.perform(Words::new(words)),
        };
        let said = match outcome {
            Ok(said) => format!("OK {said}"),
            Err(Refusal::No(said)) => format!("NO {said}"),
            Err(Refusal::Bad) => {
                self.shared.store().refused.push(command.text);
                "BAD Command unrecognized".to_owned()
            }
        };
        let line = format!("{} {said}", self.tag);
        self.put(&line);
        self.flush()
    }

    fn perform(&mut self, mut words: Words<'_>) -> Outcome<String> {
        let verb = words.verb()?;
        let is_allowed = self.is_logged_in || FREE.contains(&verb.as_str());
        if !is_allowed || !self.has_command(&verb) {
            return Err(Refusal::Bad);
        }
        let outcome = self.carry_out(&verb, &mut words);
        let moves_no_numbers = ["FETCH", "STORE", "SEARCH"].contains(&verb.as_str());
        if !matches!(outcome, Err(Refusal::Bad)) {
            self.tell_news(moves_no_numbers);
        }
        outcome
    }

    fn carry_out(&mut self, verb: &str, words: &mut Words<'_>) -> Outcome<String> {
        match verb {
            "CAPABILITY" => self.tell_capabilities(words),
            "NOOP" => words.end().map(|()| done(verb)),
            "LOGIN" => self.log_in(words),
            "LOGOUT" => self.log_out(words),
            "AUTHENTICATE" => Err(Refusal::No("No such mechanism".to_owned())),
            "ENABLE" => {
                self.put("* ENABLED");
                Ok(done(verb))
            }
            "NAMESPACE" => self.tell_namespace(words),
            "SELECT" => self.select(words, Access::ReadWrite),
            "EXAMINE" => self.select(words, Access::ReadOnly),
            "CREATE" => self.create(words),
            "DELETE" => self.delete(words),
            "RENAME" => self.rename(words),
            "SUBSCRIBE" | "UNSUBSCRIBE" => self.subscribe(verb, words),
            "FIND" => self.find(words),
            "LIST" | "LSUB" => self.list(verb, words),
            "STATUS" => self.status(words),
            "APPEND" => self.append(words),
            "UID" => {
                let verb = words.verb()?;
                self.on_messages(&verb, words, By::Uid)
            }
            verb => self.on_messages(verb, words, By::Number),
        }
    }

    /// What needs an open mailbox.
    fn on_messages(&mut self, verb: &str, words: &mut Words<'_>, by: By) -> Outcome<String> {
        if self.open.is_none() {
            return Err(Refusal::Bad);
        }
        match (verb, by) {
            ("FETCH", _) => self.fetch(words, by),
            ("STORE", _) => self.store_flags(words, by),
            ("SEARCH", _) => self.search(words, by),
            ("COPY", _) => self.copy(verb, words, by),
            ("MOVE", _) if self.shared.has("MOVE") => self.copy(verb, words, by),
            ("EXPUNGE", By::Number) => self.expunge(words, by),
            ("EXPUNGE", By::Uid) if self.shared.has("UIDPLUS") => self.expunge(words, by),
            ("PARTIAL", By::Number) => self.partial(words),
            ("CHECK", By::Number) => words.end().map(|()| done(verb)),
            ("CLOSE" | "UNSELECT", By::Number) => self.close(verb, words),
            _ => Err(Refusal::Bad),
        }
    }

    fn tell_capabilities(&mut self, words: &Words<'_>) -> Outcome<String> {
        words.end()?;
        let line = format!("* CAPABILITY {}", self.shared.capabilities());
        self.put(&line);
        Ok(done("CAPABILITY"))
    }

    fn log_in(&mut self, words: &mut Words<'_>) -> Outcome<String> {
        let (user, password) = (words.string()?, words.string()?);
        words.end()?;
        if self.is_logged_in {
            return Err(Refusal::Bad);
        }
        if user != b"ann" || password != b"secret" {
            return Err(Refusal::No("Login failed".to_owned()));
        }
        self.is_logged_in = true;
        Ok(done("LOGIN"))
    }

    fn log_out(&mut self, words: &Words<'_>) -> Outcome<String> {
        words.end()?;
        self.open = None;
        self.is_over = true;
        self.put("* BYE until next time");
        Ok(done("LOGOUT"))
    }

    fn begins_idle(&self, words: &[Word]) -> bool {
        let is_named = matches!(words, [Word::Atom(verb)] if verb.eq_ignore_ascii_case("IDLE"));
        is_named && self.is_logged_in && self.has_command("IDLE")
    }

    /// Tells news until the client has enough of them.
    fn idle(&mut self) -> io::Result<Outcome<String>> {
        self.put("+ idling");
        self.flush()?;
        self.reader.get_ref().set_read_timeout(Some(TICK))?;
        let mut line = Vec::new();
        loop {
            match self.reader.read_until(b'\n', &mut line) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => break,
                Err(error) if is_silence(&error) => {
                    self.tell_news(false);
                    self.flush()?;
                }
                Err(error) => return Err(error),
            }
        }
        self.reader.get_ref().set_read_timeout(None)?;
        Ok(match line.eq_ignore_ascii_case(b"DONE\r\n") {
            true => Ok(done("IDLE")),
            false => Err(Refusal::Bad),
        })
    }

    /// Tells what changed in the open mailbox; what was expunged only where numbers may move.
    fn tell_news(&mut self, moves_no_numbers: bool) {
        let Self {
            shared, open, out, ..
        } = self;
        let Some(open) = open else {
            return;
        };
        let mut store = shared.store();
        let Some(mailbox) = store.mailboxes.get_mut(&open.name) else {
            return;
        };
        if !moves_no_numbers {
            open.tell_expunges(mailbox, out);
        }
        open.tell_flags(mailbox, out);
        open.tell_arrivals(mailbox, out);
    }
}

/// A mailbox as a session sees it.
pub(crate) struct Open {
    pub(crate) name: String,
    pub(crate) access: Access,
    pub(crate) level: Level,
    /// The UIDs of its messages, by their numbers.
    pub(crate) view: Vec<u32>,
    /// The flags of each that the client knows.
    pub(crate) told: HashMap<u32, Vec<String>>,
    /// Those that came since the session before.
    pub(crate) recent: HashSet<u32>,
    /// How many keywords the client knows.
    keywords: usize,
}

impl Open {
    /// Opens it, and tells all that is told of it.
    pub(crate) fn new(
        name: String,
        (access, level): (Access, Level),
        mailbox: &mut Mailbox,
        out: &mut Vec<u8>,
    ) -> Self {
        let mut open = Self {
            name,
            access,
            level,
            view: Vec::new(),
            told: HashMap::new(),
            recent: HashSet::new(),
            keywords: 0,
        };
        open.tell_keywords(mailbox, out);
        for message in &mut mailbox.messages {
            open.take(message);
        }
        open.tell_counts(out);
        open
    }

    /// The places of these messages in the view.
    pub(crate) fn places(&self, set: &str, by: By) -> Outcome<Vec<usize>> {
        let count = u32::try_from(self.view.len()).expect("few messages");
        let last = match by {
            By::Number => count,
            By::Uid => self.view.last().copied().unwrap_or(0),
        };
        let ranges = ranges(set, self.level, last)?;
        if by == By::Number && ranges.iter().any(|it| it.0 == 0 || it.1 > count) {
            return Err(Refusal::Bad);
        }
        let is_wanted = |number: u32| ranges.iter().any(|it| (it.0..=it.1).contains(&number));
        let numbered = self.view.iter().zip(1_u32..).enumerate();
        let wanted = numbered.filter(|(_, (uid, number))| match by {
            By::Number => is_wanted(*number),
            By::Uid => is_wanted(**uid),
        });
        Ok(wanted.map(|(place, _)| place).collect())
    }

    /// Fails where the mailbox may not be changed.
    pub(crate) fn may_write(&self) -> Outcome<()> {
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(Refusal::No("The mailbox is read-only".to_owned())),
        }
    }

    /// The flags of a message, as they are told.
    pub(crate) fn flags_of(&self, message: &Message) -> String {
        let mut flags = message.flags.clone();
        if self.level < Level::Rev2 && self.recent.contains(&message.uid) {
            flags.push("\\Recent".to_owned());
        }
        format!("({})", flags.join(" "))
    }

    /// Takes a message into the view.
    fn take(&mut self, message: &mut Message) {
        self.view.push(message.uid);
        self.told.insert(message.uid, message.flags.clone());
        if message.is_recent {
            self.recent.insert(message.uid);
        }
        if self.access == Access::ReadWrite {
            message.is_recent = false;
        }
    }

    fn tell_keywords(&mut self, mailbox: &Mailbox, out: &mut Vec<u8>) {
        self.keywords = mailbox.keywords.len();
        let mut flags = vec!["\\Answered", "\\Flagged", "\\Deleted", "\\Seen"];
        if self.level >= Level::Imap4 {
            flags.push("\\Draft");
        }
        flags.extend(mailbox.keywords.iter().map(String::as_str));
        let flags = flags.join(" ");
        put(out, &format!("* FLAGS ({flags})"));
        if self.level >= Level::Imap4 {
            let permanent = match self.access {
                Access::ReadWrite => format!("{flags} \\*"),
                Access::ReadOnly => String::new(),
            };
            put(
                out,
                &format!("* OK [PERMANENTFLAGS ({permanent})] These stay"),
            );
        }
    }

    fn tell_counts(&self, out: &mut Vec<u8>) {
        put(out, &format!("* {} EXISTS", self.view.len()));
        if self.level < Level::Rev2 {
            put(out, &format!("* {} RECENT", self.recent.len()));
        }
    }

    fn tell_expunges(&mut self, mailbox: &Mailbox, out: &mut Vec<u8>) {
        let mut place = 0;
        while let Some(&uid) = self.view.get(place) {
            if mailbox.message(uid).is_some() {
                place += 1;
                continue;
            }
            self.view.remove(place);
            self.told.remove(&uid);
            self.recent.remove(&uid);
            put(out, &format!("* {} EXPUNGE", place + 1));
        }
    }

    fn tell_flags(&mut self, mailbox: &Mailbox, out: &mut Vec<u8>) {
        if mailbox.keywords.len() > self.keywords {
            self.tell_keywords(mailbox, out);
        }
        for (place, uid) in self.view.iter().enumerate() {
            let Some(message) = mailbox.message(*uid) else {
                continue;
            };
            if self.told.get(uid) != Some(&message.flags) {
                let flags = self.flags_of(message);
                put(out, &format!("* {} FETCH (FLAGS {flags})", place + 1));
                self.told.insert(*uid, message.flags.clone());
            }
        }
    }

    fn tell_arrivals(&mut self, mailbox: &mut Mailbox, out: &mut Vec<u8>) {
        let before = self.view.len();
        for message in &mut mailbox.messages {
            if !self.view.contains(&message.uid) {
                self.take(message);
            }
        }
        if self.view.len() > before {
            self.tell_counts(out);
        }
    }
}

/// A literal that a line announces at its end.
struct Announced {
    /// Where its mark begins.
    start: usize,
    length: usize,
    is_unasked: bool,
}

impl Announced {
    fn at_end(line: &[u8]) -> Option<Self> {
        let inside = line.strip_suffix(b"}")?;
        let (inside, is_unasked) = match inside.strip_suffix(b"+") {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let start = inside.iter().rposition(|&it| it == b'{')?;
        let digits = std::str::from_utf8(&inside[start + 1..]).ok()?;
        Some(Self {
            start,
            length: digits.parse().ok()?,
            is_unasked,
        })
    }
}

/// Adds a line.
pub(crate) fn put(out: &mut Vec<u8>, line: &str) {
    out.extend_from_slice(line.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// What is said of a command that succeeded.
pub(crate) fn done(verb: &str) -> String {
    format!("{verb} completed")
}

fn is_silence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
