//! Commands about the messages of an open mailbox.

use crate::fake::Level;
use crate::fake::fetch::{Item, item, items};
use crate::fake::search::{Candidate, Keys};
use crate::fake::session::{By, Session, done, put};
use crate::fake::store::{Change, Message};
use crate::fake::words::{Outcome, Refusal, Word, Words, check_flags, set_of};

impl Session {
    pub(crate) fn fetch(&mut self, words: &mut Words<'_>, by: By) -> Outcome<String> {
        let set = words.atom()?;
        let mut items = items(words, self.shared.level)?;
        words.end()?;
        let has_uid = items.iter().any(|it| matches!(it, Item::Uid));
        if by == By::Uid && !has_uid {
            items.insert(0, Item::Uid);
        }
        self.tell(set, by, items)?;
        Ok(done("FETCH"))
    }

    /// A piece of something, counted from 1, of one message.
    pub(crate) fn partial(&mut self, words: &mut Words<'_>) -> Outcome<String> {
        let number = words.atom()?;
        let item = item(words, self.shared.level)?;
        let mut count = || -> Outcome<usize> { words.atom()?.parse().map_err(|_| Refusal::Bad) };
        let (first, length) = (count()?, count()?);
        words.end()?;
        let offset = first.checked_sub(1).ok_or(Refusal::Bad)?;
        let piece = item.piece(offset, length)?;
        self.tell(number, By::Number, vec![piece])?;
        Ok(done("PARTIAL"))
    }

    /// Tells items of messages. Reading marks them as read, which is told with it.
    fn tell(&mut self, set: &str, by: By, mut items: Vec<Item>) -> Outcome<()> {
        let Self {
            shared, open, out, ..
        } = self;
        let open = open.as_mut().ok_or(Refusal::Bad)?;
        let places = open.places(set, by)?;
        let mut store = shared.store();
        let mailbox = store.mailbox(&open.name)?;
        let marks = open.may_write().is_ok() && items.iter().any(Item::marks);
        if marks && !items.iter().any(|it| matches!(it, Item::Flags)) {
            items.push(Item::Flags);
        }
        let tells_flags = items.iter().any(|it| matches!(it, Item::Flags));
        let mut is_any_gone = false;
        for place in places {
            let Some(message) = mailbox.message_mut(open.view[place]) else {
                is_any_gone = true;
                continue;
            };
            if marks {
                Change::Add.apply(&mut message.flags, &["\\Seen".to_owned()]);
            }
            if tells_flags {
                open.told.insert(message.uid, message.flags.clone());
            }
            let flags = open.flags_of(message);
            let answers: Vec<Vec<u8>> = items.iter().map(|it| it.answer(message, &flags)).collect();
            out.extend_from_slice(format!("* {} FETCH (", place + 1).as_bytes());
            out.extend_from_slice(&answers.join(&b' '));
            put(out, ")");
        }
        match is_any_gone && by == By::Number {
            true => Err(Refusal::No("Some of the messages are gone".to_owned())),
            false => Ok(()),
        }
    }

    pub(crate) fn store_flags(&mut self, words: &mut Words<'_>, by: By) -> Outcome<String> {
        let level = self.shared.level;
        let set = words.atom()?;
        let verb = words.verb()?;
        let (change, name) = match (verb.strip_prefix('+'), verb.strip_prefix('-')) {
            (Some(name), _) => (Change::Add, name),
            (_, Some(name)) => (Change::Remove, name),
            _ => (Change::Set, verb.as_str()),
        };
        let is_silent = match name {
            "FLAGS" => false,
            "FLAGS.SILENT" if level >= Level::Imap4 => true,
            _ => return Err(Refusal::Bad),
        };
        let flags = flags(words)?;
        check_flags(&flags, level)?;
        let Self {
            shared, open, out, ..
        } = self;
        let open = open.as_mut().ok_or(Refusal::Bad)?;
        let places = open.places(set, by)?;
        open.may_write()?;
        let mut store = shared.store();
        let mailbox = store.mailbox(&open.name)?;
        if change != Change::Remove {
            mailbox.note_keywords(&flags);
        }
        for place in places {
            let Some(message) = mailbox.message_mut(open.view[place]) else {
                continue;
            };
            change.apply(&mut message.flags, &flags);
            if is_silent {
                // The client knows what became of the flags that it knew of.
                change.apply(open.told.entry(message.uid).or_default(), &flags);
                continue;
            }
            open.told.insert(message.uid, message.flags.clone());
            let uid = match by {
                By::Uid => format!("UID {} ", message.uid),
                By::Number => String::new(),
            };
            let now = open.flags_of(message);
            put(out, &format!("* {} FETCH ({uid}FLAGS {now})", place + 1));
        }
        Ok(done("STORE"))
    }

    /// COPY and MOVE. Before IMAP2bis a mailbox that is missing is made.
    pub(crate) fn copy(&mut self, verb: &str, words: &mut Words<'_>, by: By) -> Outcome<String> {
        let set = words.atom()?;
        let name = words.mailbox()?;
        words.end()?;
        let open = self.open.as_ref().ok_or(Refusal::Bad)?;
        let source = open.name.clone();
        let places = open.places(set, by)?;
        let wanted: Vec<u32> = places.into_iter().map(|it| open.view[it]).collect();
        if verb == "MOVE" {
            open.may_write()?;
        }
        if self.shared.level >= Level::Imap2bis {
            self.refuse_missing(&name)?;
        }
        let mut store = self.shared.store();
        let from = store.mailbox(&source)?;
        let is_wanted = |it: &&Message| wanted.contains(&it.uid);
        let copied: Vec<Message> = from.messages.iter().filter(is_wanted).cloned().collect();
        if verb == "MOVE" {
            from.messages.retain(|it| !wanted.contains(&it.uid));
        }
        let old: Vec<u32> = copied.iter().map(|it| it.uid).collect();
        let to = store.make(&name);
        let added = copied.into_iter();
        let new: Vec<u32> = added
            .map(|it| to.add(it.flags, it.date, it.bytes))
            .collect();
        let validity = to.validity;
        drop(store);
        let code = match self.shared.has("UIDPLUS") && !new.is_empty() {
            true => format!("[COPYUID {validity} {} {}] ", set_of(&old), set_of(&new)),
            false => String::new(),
        };
        if verb == "COPY" {
            return Ok(format!("{code}The copies are there"));
        }
        self.put(&format!("* OK {code}They are there"));
        Ok(done(verb))
    }

    pub(crate) fn expunge(&mut self, words: &mut Words<'_>, by: By) -> Outcome<String> {
        let open = self.open.as_ref().ok_or(Refusal::Bad)?;
        let among: Option<Vec<u32>> = match by {
            By::Number => None,
            By::Uid => {
                let places = open.places(words.atom()?, by)?;
                Some(places.into_iter().map(|it| open.view[it]).collect())
            }
        };
        words.end()?;
        open.may_write()?;
        let mut store = self.shared.store();
        let mailbox = store.mailbox(&open.name)?;
        mailbox.messages.retain(|it| {
            let is_meant = among.as_ref().is_none_or(|among| among.contains(&it.uid));
            !(is_meant && it.has("\\Deleted"))
        });
        Ok(done("EXPUNGE"))
    }

    pub(crate) fn search(&mut self, words: &mut Words<'_>, by: By) -> Outcome<String> {
        let level = self.shared.level;
        let mut options = None;
        if self.shared.has("ESEARCH") && words.skips("RETURN") {
            options = Some(words.atoms()?);
        }
        if level >= Level::Imap4 && words.skips("CHARSET") {
            let charset = words.text()?.to_ascii_uppercase();
            if !["US-ASCII", "UTF-8"].contains(&charset.as_str()) {
                return Err(Refusal::No("[BADCHARSET] No such charset".to_owned()));
            }
        }
        let open = self.open.as_ref().ok_or(Refusal::Bad)?;
        let keys = Keys {
            level,
            count: u32::try_from(open.view.len()).expect("few messages"),
            last_uid: open.view.last().copied().unwrap_or(0),
        };
        let is_found = keys.all(words)?;
        words.end()?;
        let mut found = Vec::new();
        let mut store = self.shared.store();
        let mailbox = store.mailbox(&open.name)?;
        for (&uid, number) in open.view.iter().zip(1_u32..) {
            let Some(message) = mailbox.message(uid) else {
                continue;
            };
            let candidate = Candidate {
                message,
                number,
                is_recent: open.recent.contains(&uid),
            };
            if is_found(&candidate) {
                found.push(match by {
                    By::Number => number,
                    By::Uid => uid,
                });
            }
        }
        drop(store);
        // Rev2 has no other answer any more.
        let is_short = options.is_some() || level == Level::Rev2;
        let line = match is_short {
            true => short_answer(&self.tag, by, &options.unwrap_or_default(), &found)?,
            false => {
                let numbers: Vec<String> = found.iter().map(|it| format!(" {it}")).collect();
                format!("* SEARCH{}", numbers.concat())
            }
        };
        self.put(&line);
        Ok(done("SEARCH"))
    }
}

/// The answer of RFC 4731.
fn short_answer(tag: &str, by: By, options: &[String], found: &[u32]) -> Outcome<String> {
    let mut line = format!("* ESEARCH (TAG \"{tag}\")");
    if by == By::Uid {
        line.push_str(" UID");
    }
    let names: Vec<String> = match options {
        [] => vec!["ALL".to_owned()],
        options => options.iter().map(|it| it.to_ascii_uppercase()).collect(),
    };
    for name in names {
        let value = match name.as_str() {
            "COUNT" => Some(found.len().to_string()),
            "ALL" => Some(set_of(found)).filter(|it| !it.is_empty()),
            "MIN" => found.first().map(u32::to_string),
            "MAX" => found.last().map(u32::to_string),
            _ => return Err(Refusal::Bad),
        };
        if let Some(value) = value {
            line.push_str(&format!(" {name} {value}"));
        }
    }
    Ok(line)
}

/// The flags at the end of a STORE, in parentheses or not.
fn flags(words: &mut Words<'_>) -> Outcome<Vec<String>> {
    if matches!(words.peek(), Some(Word::Open)) {
        let flags = words.atoms()?;
        words.end()?;
        return Ok(flags);
    }
    let mut flags = vec![words.atom()?.to_owned()];
    while words.end().is_err() {
        flags.push(words.atom()?.to_owned());
    }
    Ok(flags)
}
