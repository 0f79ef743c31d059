//! What is inside of messages: header and text, fields, the envelope.

/// The header with the empty line behind it, and the text.
pub(crate) fn parts(message: &[u8]) -> (&[u8], &[u8]) {
    let end = match message.starts_with(b"\r\n") {
        true => Some(2),
        false => {
            let found = message.windows(4).position(|it| it == b"\r\n\r\n");
            found.map(|at| at + 4)
        }
    };
    message.split_at(end.unwrap_or(message.len()))
}

/// The fields of a message's header: the name in lower case, and all lines of the field.
pub(crate) fn fields(message: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    let lines = parts(message).0.split_inclusive(|&it| it == b'\n');
    for line in lines.filter(|line| *line != b"\r\n") {
        match fields.last_mut() {
            Some(field) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                field.1.extend_from_slice(line);
            }
            _ => {
                let name = line.split(|&it| it == b':').next().unwrap_or_default();
                let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
                fields.push((name, line.to_vec()));
            }
        }
    }
    fields
}

/// What stands in the fields of this name, which is in lower case.
pub(crate) fn values(message: &[u8], name: &str) -> Vec<String> {
    let fields = fields(message).into_iter().filter(|field| field.0 == name);
    let values = fields.map(|(_, lines)| {
        let text = String::from_utf8_lossy(&lines).replace("\r\n", "");
        let value = text.split_once(':').map_or("", |parts| parts.1);
        value.trim().to_owned()
    });
    values.collect()
}

/// The fields of these names, or all but these, with an empty line behind them.
pub(crate) fn chosen_fields(message: &[u8], names: &[String], others: bool) -> Vec<u8> {
    let fields = fields(message).into_iter();
    let chosen = fields.filter(|field| names.contains(&field.0) != others);
    let lines: Vec<Vec<u8>> = chosen.map(|field| field.1).collect();
    [lines.concat(), b"\r\n".to_vec()].concat()
}

/// Bytes as a literal.
pub(crate) fn literal(bytes: &[u8]) -> Vec<u8> {
    let length = format!("{{{}}}\r\n", bytes.len());
    [length.as_bytes(), bytes].concat()
}

/// The ENVELOPE of a message.
pub(crate) fn envelope(message: &[u8]) -> Vec<u8> {
    let value = |name: &str| values(message, name).into_iter().next();
    let mut parts = vec![nstring(value("date")), nstring(value("subject"))];
    for (name, otherwise) in [
        ("from", "from"),
        ("sender", "from"),
        ("reply-to", "from"),
        ("to", "to"),
        ("cc", "cc"),
        ("bcc", "bcc"),
    ] {
        parts.push(addresses(value(name).or_else(|| value(otherwise))));
    }
    parts.extend([nstring(value("in-reply-to")), nstring(value("message-id"))]);
    [b"(".to_vec(), parts.join(&b' '), b")".to_vec()].concat()
}

/// The BODY of a message, which is taken for plain text.
pub(crate) fn structure(message: &[u8]) -> Vec<u8> {
    let text = parts(message).1;
    let lines = text.iter().filter(|&&it| it == b'\n').count();
    let words = format!(
        "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" {} {lines})",
        text.len()
    );
    words.into_bytes()
}

fn nstring(value: Option<String>) -> Vec<u8> {
    let Some(text) = value else {
        return b"NIL".to_vec();
    };
    let is_plain = |it: u8| (b' '..=b'~').contains(&it) && it != b'"' && it != b'\\';
    match text.bytes().all(is_plain) {
        true => format!("\"{text}\"").into_bytes(),
        false => literal(text.as_bytes()),
    }
}

fn addresses(value: Option<String>) -> Vec<u8> {
    let Some(value) = value else {
        return b"NIL".to_vec();
    };
    let all: Vec<Vec<u8>> = value.split(',').map(address).collect();
    [b"(".to_vec(), all.concat(), b")".to_vec()].concat()
}

fn address(text: &str) -> Vec<u8> {
    let text = text.trim();
    let (name, address) = match text.split_once('<') {
        Some((name, rest)) => (name.trim().trim_matches('"'), rest.trim_end_matches('>')),
        None => ("", text),
    };
    let (mailbox, host) = address.split_once('@').unwrap_or((address, ""));
    let name = Some(name.to_owned()).filter(|it| !it.is_empty());
    let parts = [
        nstring(name),
        b"NIL".to_vec(),
        nstring(Some(mailbox.to_owned())),
        nstring(Some(host.to_owned())),
    ];
    [b"(".to_vec(), parts.join(&b' '), b")".to_vec()].concat()
}
