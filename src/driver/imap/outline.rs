//! Large messages in outline: their headers and texts are asked for, and what is to be saved rather than read is left out.
//!
//! The server says how the message is made; out of that, of the headers and the texts a message is put together that has the
//! same parts, some of them empty. Where its account is not one that can be followed, the message has to be read whole.

use std::collections::HashMap;

use crate::driver::error::{Error, Result};
use crate::driver::imap::mailbox::ImapMailbox;
use crate::driver::imap::session::{Sink, succeeded};
use crate::driver::imap::view::Watching;
use crate::driver::job::Job;
use crate::mail::outline::{Outline, PartKind};
use crate::mail::structure::Section;
use crate::mail::uid::{Uid, UidSet};
use crate::wire::imap::cursor::Text;
use crate::wire::imap::response::Data;
use crate::wire::imap::structure::Structure;

/// A text of more octets is not read at once.
const LONGEST_TEXT: u64 = 8 << 20;
/// More octets are not taken in for one message.
const MOST: usize = 32 << 20;
/// More pieces are not asked for.
const MOST_PIECES: usize = 300;

impl ImapMailbox {
    /// A message in outline; `None` where the server cannot take it apart, or not in a way that holds together.
    pub(super) async fn outlined(&mut self, uid: Uid, job: &Job) -> Result<Option<Outline>> {
        if let Some((of, outline)) = &self.outline
            && *of == uid
        {
            return Ok(Some(outline.clone()));
        }
        self.outline = None;
        if !self.level.has_pieces() {
            return Ok(None);
        }
        let first = self
            .pieces(uid, "(BODYSTRUCTURE BODY.PEEK[HEADER])", job)
            .await?;
        let Some(structure) = first.structure.filter(|_| first.found.contains_key(HEADER)) else {
            return Ok(None);
        };
        let plan = Plan::of(&structure);
        if plan.items.len() > MOST_PIECES {
            return Ok(None);
        }
        let mut found = first.found;
        if !plan.items.is_empty() {
            let items: Vec<String> = plan
                .items
                .iter()
                .map(|it| format!("BODY.PEEK[{it}]"))
                .collect();
            let more = self
                .pieces(uid, &format!("({})", items.join(" ")), job)
                .await?;
            found.extend(more.found);
        }
        let outline = plan.put_together(&structure, &found);
        self.outline = outline.clone().map(|outline| (uid, outline));
        Ok(outline)
    }

    /// What a server tells of one message.
    async fn pieces(&mut self, uid: Uid, items: &str, job: &Job) -> Result<Told> {
        self.ready(job).await?;
        let Some(command) = self.on(&UidSet::one(uid), "FETCH", items).pop() else {
            return Err(Error::NoSuchMessage);
        };
        let mut pieces = Pieces {
            uid,
            told: Told::default(),
            coming: None,
            octets: 0,
            inner: Watching::new(&mut self.view, job),
        };
        let ended = self.session.run(command, &mut pieces, job).await;
        let told = pieces.told;
        // One that it cannot take apart it may still be able to send.
        match succeeded(ended?) {
            Ok(_) => {}
            Err(Error::Server(error)) if !error.ends_connection() => return Ok(Told::default()),
            Err(error) => return Err(error),
        }
        match self.view.sequence.message(uid) {
            Some(_) => Ok(told),
            None => Err(Error::NoSuchMessage),
        }
    }
}

/// What the header of the message itself is called.
const HEADER: &str = "HEADER";

/// What a server told of one message.
#[derive(Default)]
struct Told {
    structure: Option<Structure>,
    /// By what stands between the brackets, in capitals.
    found: HashMap<String, Vec<u8>>,
}

/// Takes in pieces of one message.
struct Pieces<'v> {
    inner: Watching<'v>,
    uid: Uid,
    told: Told,
    /// A long literal that is being taken in, and what it is called.
    coming: Option<(String, Vec<u8>)>,
    octets: usize,
}

impl Pieces<'_> {
    fn keep(&mut self, name: &str, bytes: Vec<u8>) {
        self.octets = self.octets.saturating_add(bytes.len());
        if self.octets <= MOST {
            self.told.found.insert(name.to_owned(), bytes);
        }
    }
}

/// `1.MIME` of `BODY[1.MIME]`.
fn inside(name: &str) -> String {
    let inside = name.split_once('[').map_or("", |it| it.1);
    inside.trim_end_matches(']').to_ascii_uppercase()
}

impl Sink for Pieces<'_> {
    fn data(&mut self, mut data: Data<'_>) {
        if let Data::Fetch(number, attributes) = &mut data {
            let by_number = self.inner.view.sequence.at(*number).map(|it| it.uid);
            let told = attributes.uid.is_none_or(|told| told == self.uid.get());
            if by_number == Some(self.uid) && told {
                if let Some(structure) = attributes.structure.take() {
                    self.told.structure = Some(structure);
                }
                for body in attributes.bodies.iter().filter(|it| it.offset.is_none()) {
                    if let Text::Bytes(bytes) = &body.text {
                        self.keep(&inside(&body.name), bytes.to_vec());
                    }
                }
                if let Some((name, bytes)) = self.coming.take() {
                    self.keep(&name, bytes);
                }
            }
        }
        self.inner.data(data);
    }

    fn begins(&mut self, so_far: Data<'_>) {
        let Data::Fetch(_, attributes) = so_far else {
            return;
        };
        // Another one may have come before it in the same answer.
        if let Some((name, bytes)) = self.coming.take() {
            self.keep(&name, bytes);
        }
        let last = attributes.bodies.last();
        self.coming = last.map(|body| (inside(&body.name), Vec::new()));
    }

    fn piece(&mut self, bytes: &[u8]) {
        let octets = self.octets;
        if let Some((_, coming)) = &mut self.coming {
            match octets + coming.len() + bytes.len() <= MOST {
                true => coming.extend_from_slice(bytes),
                false => self.coming = None,
            }
        }
    }

    fn pause(&mut self) {
        self.inner.pause();
    }
}

/// What has to be asked for, and what is left out.
#[derive(Default)]
struct Plan {
    items: Vec<String>,
    left_out: Vec<(Section, u64)>,
    messages: Vec<(Section, u64)>,
    parts: Vec<PartKind>,
}

impl Plan {
    fn of(structure: &Structure) -> Self {
        let mut plan = Self::default();
        plan.message(structure, &Section::default());
        plan
    }

    /// The body of a message: a single part of it is number 1.
    fn message(&mut self, structure: &Structure, section: &Section) {
        if structure.is_multipart() {
            return self.part(structure, section);
        }
        self.part(structure, &section.part(1));
    }

    /// Recursion is bounded by how deep structures are read.
    fn part(&mut self, structure: &Structure, section: &Section) {
        self.parts.push(if structure.is_multipart() {
            PartKind::Parts
        } else if structure.is_message() {
            PartKind::Message
        } else {
            PartKind::Data
        });
        if structure.is_multipart() {
            for (child, number) in structure.children.iter().zip(1..) {
                let section = section.part(number);
                self.items.push(format!("{section}.MIME"));
                self.part(child, &section);
            }
        } else if structure.is_message() {
            self.items.push(format!("{section}.HEADER"));
            self.messages.push((section.clone(), structure.octets));
            for inner in &structure.children {
                self.message(inner, section);
            }
        } else if is_read(structure) {
            self.items.push(section.to_string());
        } else {
            self.left_out.push((section.clone(), structure.octets));
        }
    }

    fn put_together(
        self,
        structure: &Structure,
        found: &HashMap<String, Vec<u8>>,
    ) -> Option<Outline> {
        let mut message = Vec::new();
        put_header(found.get(HEADER)?, &mut message);
        put_message(structure, &Section::default(), found, &mut message)?;
        Some(Outline {
            message,
            left_out: self.left_out,
            messages: self.messages,
            parts: self.parts,
        })
    }
}

/// Whether the content of a part is read at once: texts, and reports, which are messages by name alone.
fn is_read(structure: &Structure) -> bool {
    let is_text = matches!(structure.media_type.as_str(), "TEXT" | "MESSAGE");
    is_text && !structure.is_attachment && structure.octets <= LONGEST_TEXT
}

fn put_message(
    structure: &Structure,
    section: &Section,
    found: &HashMap<String, Vec<u8>>,
    into: &mut Vec<u8>,
) -> Option<()> {
    match structure.is_multipart() {
        true => put(structure, section, found, into),
        false => put(structure, &section.part(1), found, into),
    }
}

fn put(
    structure: &Structure,
    section: &Section,
    found: &HashMap<String, Vec<u8>>,
    into: &mut Vec<u8>,
) -> Option<()> {
    if structure.is_multipart() {
        let boundary = structure.boundary.as_ref()?;
        for (child, number) in structure.children.iter().zip(1..) {
            let section = section.part(number);
            into.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
            put_header(found.get(&format!("{section}.MIME"))?, into);
            put(child, &section, found, into)?;
        }
        into.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    } else if structure.is_message() {
        put_header(found.get(&format!("{section}.HEADER"))?, into);
        for inner in &structure.children {
            put_message(inner, section, found, into)?;
        }
    } else if is_read(structure) {
        into.extend_from_slice(found.get(&section.to_string())?);
    }
    Some(())
}

/// A header, and the blank line that some leave out at its end.
fn put_header(header: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(header);
    if !header.ends_with(b"\r\n\r\n") && header != b"\r\n" {
        into.extend_from_slice(match header.is_empty() || header.ends_with(b"\n") {
            true => b"\r\n",
            false => b"\r\n\r\n",
        });
    }
}
