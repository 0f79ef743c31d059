//! The message that is being read.

use crate::backend::request::Ticket;
use crate::mail::text::Foreign;
use crate::mail::uid::Uid;
use crate::mime::document::Document;
use crate::present::message_text::{links, message_rows};
use crate::present::rows::{HeaderMode, Row, TextOptions, TextRole};

/// A message, wrapped to the width of its pane.
#[derive(Clone, Debug)]
pub struct MessageView {
    /// The message.
    pub uid: Uid,
    /// Its content, once that has come.
    pub document: Option<Box<Document>>,
    /// Whether HTML is preferred.
    pub prefer_html: bool,
    /// The rows.
    pub rows: Vec<Row>,
    /// The first row that is visible.
    pub top: usize,
    /// The link that is selected.
    pub link: Option<usize>,
    /// The row in which something was found.
    pub found: Option<usize>,
    /// The part under the cursor of the attachment index.
    pub part: usize,
    /// The first visible line of the attachment index.
    pub part_top: usize,
    /// The request that is under way.
    pub waiting: Option<Ticket>,
    laid_out: Option<(usize, HeaderMode)>,
    asked_width: usize,
}

impl MessageView {
    /// A message that was asked for at `width`.
    pub fn new(uid: Uid, prefer_html: bool, ticket: Ticket, width: usize) -> Self {
        Self {
            uid,
            document: None,
            prefer_html,
            rows: Vec::new(),
            top: 0,
            link: None,
            found: None,
            part: 0,
            part_top: 0,
            waiting: Some(ticket),
            laid_out: None,
            asked_width: width,
        }
    }

    /// Takes in the content.
    pub fn arrive(&mut self, document: Box<Document>) {
        self.document = Some(document);
        self.laid_out = None;
    }

    /// Notes that the content was asked for again, at `width`.
    pub fn ask_again(&mut self, ticket: Ticket, width: usize) {
        self.waiting = Some(ticket);
        self.asked_width = width;
    }

    /// Whether the content was laid out for another width than `width` and must be asked for again.
    pub fn is_laid_out_wrongly(&self, width: usize) -> bool {
        let depends = self
            .document
            .as_ref()
            .is_some_and(|document| document.depends_on_width);
        depends && self.waiting.is_none() && self.asked_width != width
    }

    /// Wraps the content unless that was done for this width and mode already.
    pub fn lay_out(&mut self, width: usize, headers: &HeaderMode, ascii: bool) {
        let Some(document) = &self.document else {
            return;
        };
        let wanted = (width, headers.clone());
        if self.laid_out.as_ref() == Some(&wanted) {
            return;
        }
        let before = self.rows.len();
        let options = TextOptions {
            width,
            headers: headers.clone(),
            ascii,
        };
        self.rows = message_rows(document, &options);
        // keep about the same place in the text
        let place = (self.top * self.rows.len()).checked_div(before);
        self.top = place.unwrap_or(self.top);
        self.laid_out = Some(wanted);
        self.found = None;
        if self.link.is_none() && !links(document).is_empty() {
            self.link = Some(0);
        }
    }

    /// The target of the selected link.
    pub fn target(&self) -> Option<&Foreign> {
        let document = self.document.as_ref()?;
        links(document).get(self.link?).copied()
    }

    /// How many links there are.
    pub fn link_count(&self) -> usize {
        self.document
            .as_ref()
            .map_or(0, |document| links(document).len())
    }

    /// The row in which link `number` starts.
    pub fn row_of_link(&self, number: usize) -> Option<usize> {
        let has = |row: &Row| {
            row.spans
                .iter()
                .any(|span| span.role == TextRole::Link(number))
        };
        self.rows.iter().position(has)
    }
}
