//! Headers of messages: from the disk where they were looked at before, from the server else.

use std::collections::HashMap;

use crate::driver::error::Result;
use crate::driver::imap::bodies::Bodies;
use crate::driver::imap::kept_headers::KeptHeader;
use crate::driver::imap::mailbox::ImapMailbox;
use crate::driver::imap::session::succeeded;
use crate::driver::imap::view::Watching;
use crate::driver::job::Job;
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet, UidValidity};
use crate::wire::imap::status::Kind;

/// So many headers are worth a word on how they come.
const MANY_HEADERS: usize = 100;
/// The fields of a header that an envelope is made of.
const FIELDS: &str = "BODY.PEEK[HEADER.FIELDS (DATE SUBJECT FROM SENDER REPLY-TO TO CC BCC \
    MESSAGE-ID IN-REPLY-TO REFERENCES)]";

impl ImapMailbox {
    /// The UIDVALIDITY under which headers can be kept.
    pub fn lasting(&self) -> Option<UidValidity> {
        let state = self.view.state();
        state.uid_validity.filter(|_| state.sticky_uids)
    }

    /// Headers that were looked at before, of messages that are there.
    pub fn known_headers(&mut self, uids: &[Uid]) -> HashMap<Uid, Vec<u8>> {
        let mut known = HashMap::new();
        let Some(validity) = self.lasting() else {
            return known;
        };
        for &uid in uids {
            if self.view.sequence.message(uid).is_none() {
                continue;
            }
            if let Some(kept) = self.kept.find(validity, uid) {
                self.view.learn(uid, kept.internal_date, kept.rfc822_size);
                known.insert(uid, kept.header);
            }
        }
        known
    }

    /// Keeps what is whole of what came.
    pub fn keep_headers(&mut self, headers: &HashMap<Uid, Vec<u8>>) {
        let Some(validity) = self.lasting() else {
            return;
        };
        // A server that has nothing to say of a message may have more the next time.
        let whole = headers.iter().filter(|it| !it.1.is_empty());
        let kept = whole.filter_map(|(uid, header)| {
            let message = self.view.sequence.message(*uid)?;
            let kept = KeptHeader {
                internal_date: message.internal_date,
                rfc822_size: message.rfc822_size,
                header: header.clone(),
            };
            Some((*uid, kept))
        });
        let kept: Vec<(Uid, KeptHeader)> = kept.collect();
        self.kept.keep(validity, &kept);
    }

    /// Headers that the server is asked for, in one turn.
    pub async fn fetch_headers(
        &mut self,
        uids: &[Uid],
        job: &Job,
    ) -> Result<HashMap<Uid, Vec<u8>>> {
        self.ready(job).await?;
        if uids.len() >= MANY_HEADERS {
            self.squeeze(job).await?;
        }
        let wanted: UidSet = uids.iter().copied().collect();
        let has_fields = self.level.has_pieces();
        let item = if has_fields { FIELDS } else { "RFC822.HEADER" };
        let name = if has_fields {
            "BODY[HEADER.FIELDS"
        } else {
            "RFC822.HEADER"
        };
        let is_measured = |uid: &Uid| {
            let message = self.view.sequence.message(*uid);
            message.is_none_or(Summary::is_measured)
        };
        // What is not known of messages that are looked at comes along.
        let items = match uids.iter().all(is_measured) {
            true => format!("({item})"),
            false => format!("(UID FLAGS INTERNALDATE RFC822.SIZE {item})"),
        };
        let commands = self.on(&wanted, "FETCH", &items);
        let mut bodies = Bodies::new(Watching::new(&mut self.view, job), name, None);
        let ended = self.session.run_all(commands, &mut bodies, job).await;
        let headers = bodies.into_bytes();
        // Some refuse all that is asked for because of one that they cannot read; what came is good.
        let refused = ended?.into_iter().find(|status| status.kind != Kind::Ok);
        if let Some(status) = refused.filter(|_| headers.is_empty()) {
            succeeded(status)?;
        }
        self.settle(job).await?;
        Ok(headers)
    }
}
