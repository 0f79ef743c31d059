//! Articles that stand in several groups: where else an article is, by the Xref field that the news server wrote.
//!
//! What the field says is looked at before it is believed: the other group must be in the list of groups, and what has that
//! number there must be the same file, or have the same Message-ID.

use std::collections::{HashMap, HashSet};

use crate::driver::layout::lines::header_length;
use crate::driver::news::article::{Articles, field, refs_in};
use crate::driver::news::group::{directory_of, why_no_group};
use crate::os::files::MailFile;
use crate::os::guard::FileId;
use crate::os::transfer::read_full_at;

/// Numbers of articles in other groups.
pub type Elsewhere = HashMap<Vec<u8>, Vec<u32>>;

/// So much of an article's beginning is looked at.
const FRONT: usize = 64 << 10;
/// In so many groups one article is looked for.
const MOST_GROUPS: usize = 100;

/// Adds to `elsewhere` where else an article stands, of the groups in `active`. One that cannot be read stands nowhere else.
pub fn find(
    articles: &Articles<'_>,
    number: u32,
    active: &HashSet<&[u8]>,
    elsewhere: &mut Elsewhere,
) {
    let Ok(file) = articles.open(number) else {
        return;
    };
    let front = front(&*file);
    let header = header_of(&front);
    let Some(xref) = field(header, b"xref") else {
        return;
    };
    let message_id = field(header, b"message-id");
    for (other, number) in refs_in(&xref).take(MOST_GROUPS) {
        let known = || why_no_group(other).is_none() && active.contains(other);
        if other == articles.group || !known() {
            continue;
        }
        let there = Articles {
            directory: &directory_of(articles.spool, other),
            group: other,
            ..*articles
        };
        let Ok(found) = there.open(number) else {
            continue;
        };
        if is_same_file(&*file, &*found) || has_id(&*found, message_id.as_deref()) {
            elsewhere.entry(other.to_vec()).or_default().push(number);
        }
    }
}

fn is_same_file(one: &dyn MailFile, other: &dyn MailFile) -> bool {
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => FileId::of(&one) == FileId::of(&other),
        _ => false,
    }
}

fn has_id(file: &dyn MailFile, message_id: Option<&[u8]>) -> bool {
    let front = front(file);
    message_id.is_some() && field(header_of(&front), b"message-id").as_deref() == message_id
}

fn front(file: &dyn MailFile) -> Vec<u8> {
    let mut bytes = vec![0; FRONT];
    let count = read_full_at(file, &mut bytes, 0).unwrap_or(0);
    bytes.truncate(count);
    bytes
}

fn header_of(front: &[u8]) -> &[u8] {
    let length = header_length(front).unwrap_or(front.len());
    front.get(..length).unwrap_or_default()
}
