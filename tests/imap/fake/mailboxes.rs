//! Commands about mailboxes: opening, making, naming, listing, counting, appending.

use crate::fake::Level;
use crate::fake::session::{Access, Open, Session, done, put};
use crate::fake::words::{Outcome, Refusal, Word, Words, check_flags, set_of};

/// What `%` stands for in a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Percent {
    /// Anything up to the next level of names, as in LIST.
    Level,
    /// One letter, as in FIND.
    Letter,
}

impl Session {
    pub(crate) fn select(&mut self, words: &mut Words<'_>, access: Access) -> Outcome<String> {
        let name = words.mailbox()?;
        words.end()?;
        let level = self.shared.level;
        if self.open.take().is_some() && level == Level::Rev2 {
            self.put("* OK [CLOSED] That was the one before");
        }
        let Self {
            shared, open, out, ..
        } = self;
        let mut store = shared.store();
        let mailbox = store.mailbox(&name)?;
        *open = Some(Open::new(name.clone(), (access, level), mailbox, out));
        if level >= Level::Imap4 {
            put(
                out,
                &format!("* OK [UIDVALIDITY {}] UIDs hold", mailbox.validity),
            );
        }
        if level >= Level::Rev1 {
            put(
                out,
                &format!("* OK [UIDNEXT {}] It comes next", mailbox.next_uid),
            );
        }
        if level == Level::Rev2 {
            put(out, &format!("* LIST () \"/\" {}", quoted(&name)));
        }
        let code = match access {
            _ if level < Level::Imap2bis => "",
            Access::ReadOnly => "[READ-ONLY] ",
            Access::ReadWrite => "[READ-WRITE] ",
        };
        Ok(format!("{code}The mailbox is open"))
    }

    /// CLOSE, which expunges, and UNSELECT.
    pub(crate) fn close(&mut self, verb: &str, words: &Words<'_>) -> Outcome<String> {
        words.end()?;
        let open = self.open.take().ok_or(Refusal::Bad)?;
        if verb == "CLOSE" && open.access == Access::ReadWrite {
            let mut store = self.shared.store();
            let mailbox = store.mailbox(&open.name)?;
            mailbox.messages.retain(|it| !it.has("\\Deleted"));
        }
        Ok(done(verb))
    }

    pub(crate) fn create(&mut self, words: &mut Words<'_>) -> Outcome<String> {
        let name = words.mailbox()?;
        words.end()?;
        // A name that ends so shall hold others; here every one can.
        let name = name.strip_suffix('/').unwrap_or(&name);
        self.refuse_existing(name)?;
        self.shared.store().make(name);
        Ok(done("CREATE"))
    }

    pub(crate) fn delete(&mut self, words: &mut Words<'_>) -> Outcome<String> {
        let name = words.mailbox()?;
        words.end()?;
        refuse_inbox(&name)?;
        let mut store = self.shared.store();
        store.mailbox(&name)?;
        store.mailboxes.remove(&name);
        Ok(done("DELETE"))
    }

    /// Takes the mailboxes below it along.
    pub(crate) fn rename(&mut self, words: &mut Words<'_>) -> Outcome<String> {
        let (from, to) = (words.mailbox()?, words.mailbox()?);
        words.end()?;
        refuse_inbox(&from)?;
        self.shared.store().mailbox(&from)?;
        self.refuse_existing(&to)?;
        let mut store = self.shared.store();
        let below = format!("{from}/");
        let names = store.mailboxes.keys();
        let moved = names.filter(|it| **it == from || it.starts_with(&below));
        let moved: Vec<String> = moved.cloned().collect();
        for name in moved {
            let new = format!("{to}{}", &name[from.len()..]);
            if let Some(mailbox) = store.mailboxes.remove(&name) {
                store.mailboxes.insert(new, mailbox);
            }
        }
        Ok(done("RENAME"))
    }

    /// SUBSCRIBE and UNSUBSCRIBE.
    pub(crate) fn subscribe(&mut self, verb: &str, words: &mut Words<'_>) -> Outcome<String> {
        if self.shared.level < Level::Imap4 {
            words.skips("MAILBOX");
        }
        let name = words.mailbox()?;
        words.end()?;
        let mut store = self.shared.store();
        match verb {
            "SUBSCRIBE" => store.subscribed.insert(name),
            _ => store.subscribed.remove(&name),
        };
        Ok(done(verb))
    }

    /// The lists of those before IMAP4. Only IMAP2bis knows which mailboxes are subscribed.
    pub(crate) fn find(&mut self, words: &mut Words<'_>) -> Outcome<String> {
        let which = words.verb()?;
        let pattern = words.text()?;
        words.end()?;
        let has_both = self.shared.level == Level::Imap2bis;
        let names: Vec<String> = match which.as_str() {
            "MAILBOXES" if has_both => self.shared.store().subscribed.iter().cloned().collect(),
            "ALL.MAILBOXES" if !has_both => return Err(Refusal::Bad),
            "MAILBOXES" | "ALL.MAILBOXES" => {
                self.shared.store().mailboxes.keys().cloned().collect()
            }
            _ => return Err(Refusal::Bad),
        };
        for name in names {
            if is_meant(&pattern, &name, Percent::Letter) {
                self.put(&format!("* MAILBOX {name}"));
            }
        }
        Ok(done("FIND"))
    }

    /// LIST, in rev2 also of subscribed mailboxes, and LSUB.
    pub(crate) fn list(&mut self, verb: &str, words: &mut Words<'_>) -> Outcome<String> {
        let is_extended = self.shared.level == Level::Rev2;
        let selection = match words.peek() {
            Some(Word::Open) if is_extended => words.atoms()?,
            _ => Vec::new(),
        };
        let (reference, pattern) = (words.text()?, words.text()?);
        if is_extended && words.skips("RETURN") {
            words.atoms()?;
        }
        words.end()?;
        if pattern.is_empty() {
            self.put("* LIST (\\NoSelect) \"/\" \"\"");
            return Ok(done(verb));
        }
        let is_subscribed = selection
            .iter()
            .any(|it| it.eq_ignore_ascii_case("SUBSCRIBED"));
        let names: Vec<String> = match is_subscribed || verb == "LSUB" {
            true => self.shared.store().subscribed.iter().cloned().collect(),
            false => self.shared.store().mailboxes.keys().cloned().collect(),
        };
        let attributes = if is_subscribed { "\\Subscribed" } else { "" };
        let pattern = reference + &pattern;
        for name in names {
            if is_meant(&pattern, &name, Percent::Level) {
                self.put(&format!("* {verb} ({attributes}) \"/\" {}", quoted(&name)));
            }
        }
        Ok(done(verb))
    }

    pub(crate) fn status(&mut self, words: &mut Words<'_>) -> Outcome<String> {
        let name = words.mailbox()?;
        let items = words.atoms()?;
        words.end()?;
        let level = self.shared.level;
        let mut store = self.shared.store();
        let mailbox = store.mailbox(&name)?;
        let messages = &mailbox.messages;
        let mut counts = Vec::new();
        for item in items {
            let item = item.to_ascii_uppercase();
            let count = match item.as_str() {
                "MESSAGES" => messages.len(),
                "UNSEEN" => messages.iter().filter(|it| !it.has("\\Seen")).count(),
                "RECENT" if level < Level::Rev2 => {
                    messages.iter().filter(|it| it.is_recent).count()
                }
                "DELETED" if level == Level::Rev2 => {
                    messages.iter().filter(|it| it.has("\\Deleted")).count()
                }
                "SIZE" if level == Level::Rev2 => {
                    messages.iter().map(|it| it.bytes.len()).sum::<usize>()
                }
                "UIDNEXT" => mailbox.next_uid as usize,
                "UIDVALIDITY" => mailbox.validity as usize,
                _ => return Err(Refusal::Bad),
            };
            counts.push(format!("{item} {count}"));
        }
        drop(store);
        let line = format!("* STATUS {} ({})", quoted(&name), counts.join(" "));
        self.put(&line);
        Ok(done("STATUS"))
    }

    /// Before IMAP4 a message has neither flags nor a date of its own.
    pub(crate) fn append(&mut self, words: &mut Words<'_>) -> Outcome<String> {
        let level = self.shared.level;
        let has_marks = level >= Level::Imap4;
        let name = words.mailbox()?;
        let usual_date = self.shared.store().usual_date();
        let mut messages = Vec::new();
        loop {
            let flags = match words.peek() {
                Some(Word::Open) if has_marks => words.atoms()?,
                _ => Vec::new(),
            };
            check_flags(&flags, level)?;
            let date = match words.peek() {
                Some(Word::Quoted(_)) if has_marks => words.text()?,
                _ => usual_date.clone(),
            };
            let Word::Literal(bytes) = words.take()? else {
                return Err(Refusal::Bad);
            };
            messages.push((flags, date, bytes.clone()));
            if words.end().is_ok() {
                break;
            }
            if !self.shared.has("MULTIAPPEND") {
                return Err(Refusal::Bad);
            }
        }
        self.refuse_missing(&name)?;
        let mut store = self.shared.store();
        let mailbox = store.mailbox(&name)?;
        let added = messages.into_iter();
        let added = added.map(|(flags, date, bytes)| mailbox.add(flags, date, bytes));
        let uids: Vec<u32> = added.collect();
        let set = set_of(&uids);
        Ok(match self.shared.has("UIDPLUS") {
            true => format!("[APPENDUID {} {set}] It is there", mailbox.validity),
            false => done("APPEND"),
        })
    }

    /// RFC 2342.
    pub(crate) fn tell_namespace(&mut self, words: &Words<'_>) -> Outcome<String> {
        words.end()?;
        self.put("* NAMESPACE ((\"\" \"/\")) NIL NIL");
        Ok(done("NAMESPACE"))
    }

    /// Fails where messages are to go to a mailbox that is not there; IMAP2bis says apart that it could be made.
    pub(crate) fn refuse_missing(&mut self, name: &str) -> Outcome<()> {
        if self.shared.store().mailboxes.contains_key(name) {
            return Ok(());
        }
        if self.shared.level == Level::Imap2bis {
            self.put("* OK [TRYCREATE] It has to be made first");
            return Err(Refusal::No("No such mailbox".to_owned()));
        }
        Err(Refusal::No("[TRYCREATE] No such mailbox".to_owned()))
    }

    fn refuse_existing(&self, name: &str) -> Outcome<()> {
        if !self.shared.store().mailboxes.contains_key(name) {
            return Ok(());
        }
        let said = match self.shared.level {
            Level::Rev2 => "[ALREADYEXISTS] There is one",
            _ => "There is one",
        };
        Err(Refusal::No(said.to_owned()))
    }
}

fn refuse_inbox(name: &str) -> Outcome<()> {
    match name {
        "INBOX" => Err(Refusal::No("INBOX stays".to_owned())),
        _ => Ok(()),
    }
}

/// A name as a quoted string.
fn quoted(name: &str) -> String {
    let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// Whether a pattern means this mailbox; INBOX in any letters.
fn is_meant(pattern: &str, name: &str, percent: Percent) -> bool {
    let fits = |pattern: &str| fits(pattern.as_bytes(), name.as_bytes(), percent);
    fits(pattern) || (name == "INBOX" && fits(&pattern.to_ascii_uppercase()))
}

fn fits(pattern: &[u8], name: &[u8], percent: Percent) -> bool {
    let Some((&first, rest)) = pattern.split_first() else {
        return name.is_empty();
    };
    let mut ends = 0..=name.len();
    match (first, percent) {
        (b'*', _) => ends.any(|end| fits(rest, &name[end..], percent)),
        (b'%', Percent::Level) => ends
            .take_while(|&end| !name[..end].contains(&b'/'))
            .any(|end| fits(rest, &name[end..], percent)),
        (b'%' | b'?', Percent::Letter) => !name.is_empty() && fits(rest, &name[1..], percent),
        _ => name.first() == Some(&first) && fits(rest, &name[1..], percent),
    }
}
