//! A mailbox and its format, in lines.

use crate::mail::format::{About, Format};
use crate::mail::text::{Foreign, Printable};
use crate::present::wrap::indented;

/// What is known of one mailbox, in lines of at most `width` columns where words allow it.
pub fn about_lines(about: &About, width: usize) -> Vec<Printable> {
    let status = &about.status;
    let path = about.path.as_ref();
    let path = path.map_or_else(
        || Foreign::new("none yet"),
        |path| Foreign::new(path.to_string_lossy()),
    );
    let counts = format!(
        "{}, {} unseen, {} recent",
        status.messages, status.unseen, status.recent
    );
    let validity = status
        .uid_validity
        .map_or_else(|| "none".to_owned(), |it| it.get().to_string());
    let next = status
        .uid_next
        .map_or_else(|| "not known".to_owned(), |uid| uid.get().to_string());
    let access = match &about.why_read_only {
        None => Foreign::new("can be written"),
        Some(why) => Foreign::new(format!("read-only: {}", why.raw())),
    };
    let openers: Vec<&str> = about.openers.iter().map(Foreign::raw).collect();
    let openers = match openers.as_slice() {
        [] => Foreign::new("nobody, as far as can be seen"),
        some => Foreign::new(some.join(", ")),
    };
    let mut lines = Vec::new();
    for (name, value) in [
        ("Name", about.name.clone()),
        ("Format", Foreign::new(about.format.name)),
        ("File", path),
        ("Size", Foreign::new(format!("{} bytes", about.size))),
        ("Messages", Foreign::new(counts)),
        ("UIDVALIDITY", Foreign::new(validity)),
        ("Next UID", Foreign::new(next)),
        ("Access", access),
        ("Open by", openers),
    ] {
        lines.extend(indented(
            &format!("{name:<12} "),
            &value.open_field(),
            width,
        ));
    }
    lines.push(Printable::default());
    lines.extend(format_lines(&about.format, width));
    lines
}

/// One row of the table of formats: each ability, with a sentence where it is limited.
pub fn format_lines(format: &Format, width: usize) -> Vec<Printable> {
    let head = format!("What the {} format can do", format.name);
    let mut lines = own("", &head, width);
    for ability in &format.abilities {
        let degree = ability.degree;
        let how = degree
            .limit()
            .map_or_else(String::new, |how| format!(": {how}"));
        let front = format!("  {:<4}", ability.head);
        let text = format!("{} - {}{how}", ability.words, degree.word());
        lines.extend(own(&front, &text, width));
    }
    lines.extend(own("  Performance: ", format.performance, width));
    lines.extend(own("  Layout: ", format.layout, width));
    lines
}

fn own(front: &str, text: &str, width: usize) -> Vec<Printable> {
    indented(front, &Printable::own(text), width)
}
