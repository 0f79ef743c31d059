//! The receipt of a transfer, in lines.

use crate::mail::flags::Keyword;
use crate::mail::receipt::{Difference, Receipt, What};
use crate::mail::text::Printable;
use crate::present::wrap::indented;

/// The receipt in lines of at most `width` columns where words allow it; what differs is listed last.
pub fn receipt_lines(receipt: &Receipt, width: usize) -> Vec<Printable> {
    let all = receipt.messages;
    let noun = if all == 1 { "message" } else { "messages" };
    let (bytes, from, to) = (receipt.bytes, receipt.from_format, receipt.to_format);
    let mut lines = own(
        "",
        &format!("{all} {noun}, {bytes} bytes, {from} to {to}."),
        width,
    );
    lines.extend(own(
        "",
        "Compared with the copies as they are on disk:",
        width,
    ));
    for (what, same, verb) in [
        ("content", receipt.same_content, "the same"),
        ("flags", receipt.same_flags, "the same"),
        ("keywords", receipt.same_keywords, "the same"),
        ("dates", receipt.same_dates, "the same"),
        ("UIDs", receipt.same_uids, "kept"),
    ] {
        lines.push(Printable::own(format!(
            "  {what:<9} {same} of {all} {verb}"
        )));
    }
    if !receipt.limits.is_empty() {
        lines.extend(own("", "What the formats do not hold:", width));
        for limit in &receipt.limits {
            lines.extend(own(&format!("  {}: ", limit.of), limit.how, width));
        }
    }
    if receipt.different > 0 {
        lines.extend(own("", "Messages that differ:", width));
    }
    for difference in &receipt.differences {
        let front = format!("  {}  ", difference.msgno);
        lines.extend(own(&front, &in_words(difference), width));
    }
    let listed = receipt.differences.len() as u64;
    if receipt.different > listed {
        let more = format!("and {} more", receipt.different - listed);
        lines.extend(own("  ", &more, width));
    }
    lines
}

fn own(front: &str, text: &str, width: usize) -> Vec<Printable> {
    indented(front, &Printable::own(text), width)
}

/// `keywords: sent work later, found work`.
fn in_words(difference: &Difference) -> String {
    let mark = if difference.expected { "" } else { " (!)" };
    let word = difference.what.word();
    match sent_and_found(&difference.what) {
        Some((sent, found)) => format!(
            "{word}: sent {}, found {}{mark}",
            or_none(sent),
            or_none(found)
        ),
        None => format!("{word}{mark}"),
    }
}

fn or_none(text: String) -> String {
    if text.is_empty() {
        "none".to_owned()
    } else {
        text
    }
}

/// What was sent and what was found, where both can be put in words.
pub fn sent_and_found(what: &What) -> Option<(String, String)> {
    let words = |keywords: &[Keyword]| {
        let words: Vec<&str> = keywords.iter().map(Keyword::as_str).collect();
        words.join(" ")
    };
    match what {
        What::Missing | What::Content => None,
        What::Flags(sent, found) => {
            let names = |flags: &crate::mail::flags::SystemFlags| {
                flags.names().collect::<Vec<_>>().join(" ")
            };
            Some((names(sent), names(found)))
        }
        What::Keywords(sent, found) => Some((words(sent), words(found))),
        What::Date(sent, found) => Some((sent.to_rfc3339(), found.to_rfc3339())),
    }
}
