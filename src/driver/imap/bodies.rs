//! Takes parts of messages out of what a server tells: those that were asked for, by UID, name and offset, and no others.

use std::collections::HashMap;
use std::io::Write;

use crate::driver::error::{Error, Result};
use crate::driver::imap::session::Sink;
use crate::driver::imap::view::Watching;
use crate::driver::message::Content;
use crate::mail::uid::Uid;
use crate::wire::imap::cursor::Text;
use crate::wire::imap::fetch::{Body as Fetched, Fetched as Attributes};
use crate::wire::imap::response::Data;

/// A part of a message.
pub enum Body {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// There is none.
    Nil,
    /// It was too long to be kept in memory.
    Long(Content),
}

/// Collects parts.
pub struct Bodies<'v> {
    inner: Watching<'v>,
    /// What the part is called; what it begins with where it names header fields.
    name: String,
    offset: Option<u64>,
    found: HashMap<Uid, Body>,
    /// A long literal that is being taken in.
    coming: Option<Content>,
    failure: Option<std::io::Error>,
}

impl<'v> Bodies<'v> {
    /// Collects parts of this name, which begin at this offset of the whole part.
    pub fn new(inner: Watching<'v>, name: &str, offset: Option<u64>) -> Self {
        Self {
            inner,
            name: name.to_owned(),
            offset,
            found: HashMap::new(),
            coming: None,
            failure: None,
        }
    }

    /// The part of this message, if it came.
    pub fn take(mut self, uid: Uid) -> Result<Option<Body>> {
        if let Some(source) = self.failure.take() {
            let path = std::env::temp_dir();
            return Err(Error::Io { path, source });
        }
        Ok(self.found.remove(&uid))
    }

    /// All parts that came.
    pub fn into_bytes(self) -> HashMap<Uid, Vec<u8>> {
        let found = self.found.into_iter();
        let bytes = found.filter_map(|(uid, body)| match body {
            Body::Bytes(bytes) => Some((uid, bytes)),
            Body::Nil => Some((uid, Vec::new())),
            Body::Long(_) => None,
        });
        bytes.collect()
    }

    fn is_wanted(&self, body: &Fetched<'_>) -> bool {
        let front = body.name.get(..self.name.len());
        let same_name = front.is_some_and(|front| front.eq_ignore_ascii_case(&self.name));
        let is_exact = self.name.ends_with("FIELDS") || body.name.len() == self.name.len();
        // One that leaves the offset out sends from the beginning.
        let same_place = body.offset.unwrap_or(0) == self.offset.unwrap_or(0);
        same_name && is_exact && same_place
    }

    fn keep(&mut self, number: u32, attributes: &Attributes<'_>) {
        let wanted = attributes.bodies.iter().find(|body| self.is_wanted(body));
        let Some(body) = wanted else {
            return;
        };
        let told = attributes.uid.and_then(Uid::new);
        let by_number = self.inner.view.sequence.at(number).map(|it| it.uid);
        let Some(uid) = by_number.filter(|uid| told.is_none_or(|told| told == *uid)) else {
            return;
        };
        let kept = match &body.text {
            Text::Bytes(bytes) => Body::Bytes(bytes.to_vec()),
            Text::Nil => Body::Nil,
            Text::HandedOut(_) => match self.coming.take() {
                Some(content) => Body::Long(content),
                None => return,
            },
        };
        self.found.insert(uid, kept);
    }
}

impl Sink for Bodies<'_> {
    fn data(&mut self, data: Data<'_>) {
        if let Data::Fetch(number, attributes) = &data {
            self.keep(*number, attributes);
        }
        self.coming = None;
        self.inner.data(data);
    }

    fn begins(&mut self, so_far: Data<'_>) {
        let Data::Fetch(_, attributes) = so_far else {
            return;
        };
        let is_wanted = attributes
            .bodies
            .last()
            .is_some_and(|body| self.is_wanted(body));
        self.coming = is_wanted.then(Content::new);
    }

    fn piece(&mut self, bytes: &[u8]) {
        if let Some(content) = &mut self.coming
            && let Err(error) = content.write_all(bytes)
        {
            self.failure = Some(error);
            self.coming = None;
        }
    }

    fn pause(&mut self) {
        self.inner.pause();
    }
}
