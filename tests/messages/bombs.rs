//! Hostile sizes (safety.md R39, R40, S31): no recursion on the input's depth, nothing lost that must be shown.

use mugo::mail::structure::{BodyStructure, Content, Section};
use mugo::mail::text::Foreign;
use mugo::mime::document_builder::{ViewOptions, document};
use mugo::mime::header::envelope;
use mugo::mime::structure::{body_structure, section};
use mugo::present::message_text::{HeaderMode, TextOptions, message_rows};

const VIEW: ViewOptions = ViewOptions {
    width: 80,
    prefer_html: false,
};

fn options() -> TextOptions {
    TextOptions {
        width: 80,
        headers: HeaderMode::normal(),
        ascii: false,
    }
}

fn depth(structure: &BodyStructure) -> usize {
    let (mut depth, mut body) = (0, structure);
    loop {
        body = match &body.content {
            Content::Leaf => return depth,
            Content::Multipart(parts) => &parts[0],
            Content::Message(_, inner) => inner,
        };
        depth += 1;
    }
}

#[test]
fn nested_multiparts_end_in_one_opaque_part() {
    let level = |number: usize| {
        format!("Content-Type: multipart/mixed; boundary=b{number}\r\n\r\n--b{number}\r\n")
    };
    let bytes: String = (0..20_000).map(level).collect();
    let structure = body_structure(bytes.as_bytes());
    assert_eq!(depth(&structure), 100);
    let shown = document(bytes.as_bytes(), &VIEW);
    assert_eq!(shown.parts.len(), 1);
    assert!(
        shown
            .warnings
            .iter()
            .any(|warning| warning.contains("too deeply"))
    );
    assert_eq!(section(bytes.as_bytes(), &Section(vec![1; 20_000])), None);
}

#[test]
fn nested_messages_end_in_one_opaque_part() {
    let bytes = "Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
    assert_eq!(depth(&body_structure(bytes.as_bytes())), 100);
    let shown = document(bytes.as_bytes(), &VIEW);
    assert!(shown.parts.len() <= 101, "{}", shown.parts.len());
    assert!(!message_rows(&shown, &options()).is_empty());
}

#[test]
fn a_hundred_thousand_parts_are_listed() {
    let parts = "--b\r\nContent-Type: a/b\r\n\r\nx\r\n".repeat(100_000);
    let bytes = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n");
    let shown = document(bytes.as_bytes(), &VIEW);
    assert_eq!(shown.parts.len(), 100_000);
    assert!(message_rows(&shown, &options()).len() > 100_000);
    assert_eq!(
        section(bytes.as_bytes(), &Section(vec![100_000])).as_deref(),
        Some(&b"x"[..])
    );
}

#[test]
fn comments_groups_and_references_without_end() {
    let comments = format!(
        "From: {}x{} a@b\r\n\r\n",
        "(".repeat(200_000),
        ")".repeat(200_000)
    );
    let read = envelope(comments.as_bytes());
    assert_eq!(
        read.from.first().and_then(|from| from.spec()),
        Some(Foreign::new("a@b"))
    );
    let open = envelope(format!("From: {}\r\n\r\n", "(".repeat(200_000)).as_bytes());
    assert!(open.from.is_empty());
    let groups = envelope(format!("To: {}\r\n\r\n", "g:;, ".repeat(100_000)).as_bytes());
    assert_eq!(groups.to.len(), 200_000);
    let unended = envelope(format!("To: {}\r\n\r\n", "g:".repeat(100_000)).as_bytes());
    assert!(unended.to.len() <= 3, "{}", unended.to.len());
    let at_signs = envelope(format!("To: {}\r\n\r\n", "x @ ".repeat(100_000)).as_bytes());
    assert_eq!(at_signs.to.len(), 1);
    let ids: String = (0..300_000)
        .map(|number| format!("<{number}@x> "))
        .collect();
    let references = envelope(format!("References: {ids}\r\n\r\n").as_bytes()).references();
    assert_eq!(references.len(), 300_000);
    let people: String = (0..100_000)
        .map(|number| format!("p{number}@x, "))
        .collect();
    assert_eq!(
        envelope(format!("To: {people}\r\n\r\n").as_bytes())
            .to
            .len(),
        100_000
    );
    let words = "=?utf-8?q?w?= ".repeat(200_000);
    let subject = envelope(format!("Subject: {words}\r\n\r\n").as_bytes()).subject;
    assert_eq!(subject.map(|subject| subject.raw().len()), Some(200_000));
}

#[test]
fn parameters_without_end() {
    let many: String = (0..100_000)
        .map(|number| format!("; a{number}*0*=x''%41"))
        .collect();
    let structure = body_structure(format!("Content-Type: a/b{many}\r\n\r\n").as_bytes());
    assert!(!structure.parameters.is_empty());
    let pieces: String = (0..100_000)
        .map(|number| format!("; n*{number}=x"))
        .collect();
    let structure = body_structure(format!("Content-Type: a/b{pieces}\r\n\r\n").as_bytes());
    assert_eq!(structure.parameters.len(), 1);
}

#[test]
fn a_line_of_eight_megabytes_is_shown_whole() {
    let mut bytes = b"Subject: s\r\n\r\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 8 << 20));
    let shown = document(&bytes, &VIEW);
    drop(bytes);
    let rows = message_rows(&shown, &options());
    let letters: usize = rows.iter().skip(3).map(|row| row.text().width()).sum();
    assert_eq!(letters, 8 << 20);
}

#[test]
fn headers_without_end() {
    let fields = "X: y\r\n".repeat(400_000);
    let shown = document(format!("{fields}\r\ntext").as_bytes(), &VIEW);
    assert_eq!(shown.headers.len(), 400_000);
    let long = format!("Subject: {}\r\n\r\ntext", "x".repeat(4 << 20));
    let rows = message_rows(&document(long.as_bytes(), &VIEW), &options());
    assert!(rows.len() > 50_000);
}

#[test]
fn references_and_addresses_that_never_end() {
    for piece in ["<", "<<a", "<a ", "\"", "(", "a@b <"] {
        let long = piece.repeat(2 << 20);
        let header = format!("References: {long}\r\nTo: {long}\r\n\r\n");
        assert!(
            envelope(header.as_bytes()).references().is_empty(),
            "{piece}"
        );
    }
}

#[test]
fn lines_of_links_and_of_escapes() {
    let links = format!("\r\n{}\r\n", "http://a.test/x ".repeat(20_000));
    let shown = document(links.as_bytes(), &VIEW);
    assert_eq!(shown.body[0].links.len(), 20_000);
    let rows = message_rows(&shown, &options());
    assert_eq!(rows.iter().map(|row| row.spans.len()).max(), Some(10));
    let escapes = format!("\r\n{}\r\n", "\u{1b}[31m\u{202e}\u{301}".repeat(50_000));
    let rows = message_rows(&document(escapes.as_bytes(), &VIEW), &options());
    assert!(rows.iter().all(|row| row.text().width() <= 80));
}
