//! Header fields as a reader sees them: address fields are written anew from what was understood of them.
//!
//! So the address that is shown is the one that a reply goes to, whatever tricks the field plays.

use crate::mail::address::Address;
use crate::mime::addresses::addresses;
use crate::mime::fields::Field;

/// The fields that hold addresses.
const FIELDS: [&str; 12] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Resent-Cc",
    "Resent-Bcc",
    "Resent-Reply-To",
];

/// The value of a field, decoded.
pub fn readable(field: &Field<'_>) -> String {
    if !FIELDS.iter().any(|name| field.is(name)) {
        return field.decoded();
    }
    let list = addresses(&field.unfolded());
    if list.is_empty() {
        field.unfolded().into_owned()
    } else {
        written(&list)
    }
}

fn written(list: &[Address]) -> String {
    let mut text = String::new();
    let mut comma = "";
    for address in list {
        let is_start = address.is_group_mark() && address.mailbox.is_some();
        let is_end = address.is_group_mark() && address.mailbox.is_none();
        let (before, after) = match (is_start, is_end) {
            (true, _) => (comma, if list.len() > 1 { ": " } else { "" }),
            (_, true) => ("", ";"),
            _ => (comma, ""),
        };
        text.push_str(before);
        push(address, &mut text);
        text.push_str(after);
        comma = if is_start { "" } else { ", " };
    }
    text
}

fn push(address: &Address, text: &mut String) {
    let spec = address.spec().or_else(|| address.mailbox.clone());
    let spec = spec.as_ref().map_or("", |spec| spec.raw());
    let Some(name) = &address.name else {
        return text.push_str(spec);
    };
    let name = name.raw();
    if name.contains(['"', ',', '<', '>', '@', ';', ':', '\\', '(', ')']) {
        text.push('"');
        let escaped = |character| matches!(character, '"' | '\\').then_some('\\');
        text.extend(
            name.chars()
                .flat_map(|character| escaped(character).into_iter().chain([character])),
        );
        text.push('"');
    } else {
        text.push_str(name);
    }
    text.push_str(" <");
    text.push_str(spec);
    text.push('>');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_they_were_understood() {
        let table = [
            ("Ada Fern <ada@home.test>", "Ada Fern <ada@home.test>"),
            (
                "\"Fern, Ada\" <a@b>,c@d (Dee)",
                "\"Fern, Ada\" <a@b>, Dee <c@d>",
            ),
            (
                "=?utf-8?q?boss=40corp?= <x@evil.test>",
                "\"boss@corp\" <x@evil.test>",
            ),
            (
                "=?utf-8?q?boss=40corp?=@evil.test",
                "=?utf-8?q?boss=40corp?=@evil.test",
            ),
            ("club: a@b, c@d;, e@f", "club: a@b, c@d;, e@f"),
            ("undisclosed-recipients:;", "undisclosed-recipients: ;"),
            ("ada", "ada"),
        ];
        for (value, expected) in table {
            let field = Field {
                name: b"From",
                value: value.as_bytes(),
            };
            assert_eq!(readable(&field), expected, "{value}");
        }
    }
}
