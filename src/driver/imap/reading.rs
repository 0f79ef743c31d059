//! Reading a message from a server, in portions where it gives them.

use crate::driver::contract::Portion;
use crate::driver::error::{Error, Result};
use crate::driver::imap::bodies::{Bodies, Body};
use crate::driver::imap::mailbox::ImapMailbox;
use crate::driver::imap::session::succeeded;
use crate::driver::imap::view::Watching;
use crate::driver::job::Job;
use crate::driver::message::Content;
use crate::driver::server_error::ServerError;
use crate::mail::flags::SystemFlags;
use crate::mail::structure::{Part, Section};
use crate::mail::uid::{Uid, UidSet};

/// How many bytes of a message are asked for at first, and later.
const FIRST_PORTION: u64 = 256 << 10;
const PORTION: u64 = 1 << 20;

/// What shall be read, as both sides call it.
struct Named<'n> {
    item: &'n str,
    answer: &'n str,
    /// Its octets, as far as they are known.
    size: u64,
}

impl ImapMailbox {
    /// A portion of a message from `offset` on.
    pub(super) async fn read_portion(
        &mut self,
        uid: Uid,
        part: Part,
        offset: u64,
        job: &Job,
    ) -> Result<Portion> {
        if self.level.has_pieces() {
            // What the server thinks the size is; some guess.
            let size = match part {
                Part::Whole => self.size_of(uid),
                Part::Header | Part::Text => 0,
            };
            let named = Named {
                item: self.level.part(part),
                answer: self.level.answer(part),
                size,
            };
            return self.portion(uid, &named, offset, job).await;
        }
        let known = self.whole.as_ref();
        if known.is_none_or(|(of, which, _)| (*of, *which) != (uid, part)) || offset == 0 {
            self.whole = None;
            let content = self.fetch_whole(uid, part, job).await?;
            self.whole = Some((uid, part, content));
        }
        let Some((_, _, content)) = &mut self.whole else {
            return Err(Error::NoSuchMessage);
        };
        let mut bytes = Vec::new();
        let reader = content.reader_at(offset).map_err(scratch)?;
        std::io::Read::read_to_end(&mut std::io::Read::take(reader, FIRST_PORTION), &mut bytes)
            .map_err(scratch)?;
        let is_last = offset + bytes.len() as u64 >= content.len();
        if is_last {
            self.whole = None;
        }
        Ok(Portion { bytes, is_last })
    }

    /// A portion of the content of one part, as it is stored, from `offset` on.
    pub(super) async fn section_portion(
        &mut self,
        uid: Uid,
        section: &Section,
        offset: u64,
        job: &Job,
    ) -> Result<Portion> {
        let known = self.outline.as_ref().filter(|it| it.0 == uid);
        let size = known.and_then(|it| it.1.octets_left_out(section));
        let named = Named {
            item: &format!("BODY.PEEK[{section}]"),
            answer: &format!("BODY[{section}]"),
            size: size.unwrap_or(0),
        };
        self.portion(uid, &named, offset, job).await
    }

    /// A portion of a message, from a server that gives them.
    async fn portion(
        &mut self,
        uid: Uid,
        named: &Named<'_>,
        offset: u64,
        job: &Job,
    ) -> Result<Portion> {
        if named.size > FIRST_PORTION && offset == 0 {
            self.ready(job).await?;
            self.squeeze(job).await?;
        }
        let length = if offset == 0 { FIRST_PORTION } else { PORTION };
        let item = format!("({}<{offset}.{length}>)", named.item);
        let size = named.size;
        for again in [true, false] {
            let body = self
                .body(uid, named.answer, &item, Some(offset), job)
                .await?;
            let bytes = match body {
                Body::Bytes(bytes) => bytes,
                Body::Nil if size > 0 => Vec::new(),
                Body::Nil => {
                    return Ok(Portion {
                        bytes: Vec::new(),
                        is_last: true,
                    });
                }
                Body::Long(_) => {
                    return Err(self.session.breaks("it sends more than was asked for"));
                }
            };
            let end = offset + bytes.len() as u64;
            if !bytes.is_empty() {
                // One that is short may have more.
                let is_last = (bytes.len() as u64) < length && end >= size;
                return Ok(Portion { bytes, is_last });
            }
            if offset > 0 || size == 0 {
                return Ok(Portion {
                    bytes,
                    is_last: true,
                });
            }
            if !again {
                break;
            }
        }
        // A copy of nothing must not be taken for a copy of it.
        Err(ServerError::Unable("deliver this message").into())
    }

    /// The whole of a part, from a server that gives no portions.
    async fn fetch_whole(&mut self, uid: Uid, part: Part, job: &Job) -> Result<Content> {
        let seen = SystemFlags::SEEN;
        let was_seen = self.flags_of(uid).contains(seen);
        let marks = !self.level.can_peek() && part != Part::Header && !self.is_examined;
        let item = match marks {
            true => format!("({} FLAGS)", self.level.part(part)),
            false => self.level.part(part).to_owned(),
        };
        let answer = self.level.answer(part);
        let body = self.body(uid, answer, &item, None, job).await?;
        let content = match body {
            Body::Bytes(bytes) => Content::from_bytes(&bytes).map_err(scratch)?,
            Body::Nil => Content::new(),
            Body::Long(content) => content,
        };
        if marks && !was_seen {
            // Reading never marks a message as read; who wants that says so.
            for command in self.on(&UidSet::one(uid), "STORE", "-FLAGS (\\Seen)") {
                self.ask(command, job).await?;
            }
        }
        if content.is_empty() && part == Part::Whole && self.size_of(uid) > 0 {
            return Err(ServerError::Unable("deliver this message").into());
        }
        Ok(content)
    }

    fn size_of(&self, uid: Uid) -> u64 {
        let message = self.view.sequence.message(uid);
        message.map_or(0, |it| it.rfc822_size)
    }

    fn flags_of(&self, uid: Uid) -> SystemFlags {
        let message = self.view.sequence.message(uid);
        message.map_or(SystemFlags::NONE, |it| it.flags.system)
    }

    async fn body(
        &mut self,
        uid: Uid,
        answer: &str,
        item: &str,
        offset: Option<u64>,
        job: &Job,
    ) -> Result<Body> {
        self.ready(job).await?;
        if self.view.sequence.message(uid).is_none() {
            return Err(Error::NoSuchMessage);
        }
        let Some(command) = self.on(&UidSet::one(uid), "FETCH", item).pop() else {
            return Err(Error::NoSuchMessage);
        };
        let mut bodies = Bodies::new(Watching::new(&mut self.view, job), answer, offset);
        let ended = self.session.run(command, &mut bodies, job).await;
        let found = bodies.take(uid);
        succeeded(ended?)?;
        if let Some(found) = found? {
            return Ok(found);
        }
        // Some say that all is well and send nothing.
        match self.view.sequence.message(uid) {
            None => Err(Error::NoSuchMessage),
            Some(_) => Err(ServerError::Unable("deliver this message").into()),
        }
    }
}

fn scratch(source: std::io::Error) -> Error {
    Error::Io {
        path: std::env::temp_dir(),
        source,
    }
}
