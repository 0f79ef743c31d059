//! Any bytes whatsoever: reading them never panics, and what is shown fits.

use mugo::mail::structure::{BodyStructure, Content};
use mugo::mime::document_builder::{ViewOptions, document};
use mugo::mime::filename::safe_name;
use mugo::mime::header::envelope;
use mugo::mime::structure::{body_structure, section};
use mugo::present::attachments::attachment_lines;
use mugo::present::message_text::{HeaderMode, TextOptions, message_rows};
use proptest::prelude::*;

use crate::fixture;

fn read_all(bytes: &[u8], width: u16) {
    let _ = envelope(bytes);
    let structure = body_structure(bytes);
    assert!(inside(&structure, bytes.len() as u64));
    for prefer_html in [false, true] {
        let shown = document(bytes, &ViewOptions { width, prefer_html });
        for part in &shown.parts {
            assert!(section(bytes, &part.section).is_some(), "{}", part.section);
        }
        let _ = attachment_lines(&shown, usize::from(width));
        for headers in [HeaderMode::normal(), HeaderMode::Full, HeaderMode::Raw] {
            let options = TextOptions {
                width: usize::from(width),
                headers,
                ascii: prefer_html,
            };
            for row in message_rows(&shown, &options) {
                let text = row.text();
                assert!(text.width() <= usize::from(width).max(2), "{text:?}");
                assert!(!text.as_str().contains(char::is_control));
                assert!(!prefer_html || text.as_str().is_ascii(), "{text:?}");
            }
        }
    }
}

/// Whether no part is larger than the whole.
fn inside(structure: &BodyStructure, size: u64) -> bool {
    let children = match &structure.content {
        Content::Leaf => true,
        Content::Multipart(parts) => {
            !parts.is_empty() && parts.iter().all(|part| inside(part, size))
        }
        Content::Message(_, inner) => inside(inner, size),
    };
    structure.size <= size && children
}

fn sample() -> impl Strategy<Value = Vec<u8>> {
    let names = [
        "slides.eml",
        "alternative.eml",
        "enclosed.eml",
        "hostile.eml",
        "bare.eml",
    ];
    prop::sample::select(names.to_vec()).prop_map(|name| fixture(&format!("messages-odd/{name}")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400), width in 1u16..100) {
        read_all(&bytes, width);
    }

    #[test]
    fn mutated_messages(mut bytes in sample(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20), cut in any::<prop::sample::Index>(), width in 1u16..100) {
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let cut = cut.index(bytes.len());
        read_all(&bytes, width);
        bytes.truncate(cut);
        read_all(&bytes, width);
    }

    #[test]
    fn words_of_mime(words in prop::collection::vec(prop::sample::select(vec![
        "Content-Type: multipart/mixed; boundary=b\r\n", "Content-Type: text/html\r\n", "Content-Type: message/rfc822\r\n",
        "\r\n", "--b\r\n", "--b--\r\n", "Content-Transfer-Encoding: base64\r\n", "QUJD\r\n", "<a href=x>\r\n", "=?utf-8?q?=ff?=",
        "Subject: ", "From: ", "\"(<@>,;:\r\n", "name*0*=utf-8''%e2", " ;", "Content-Disposition: attachment;", "\t",
    ]), 0..40), width in 1u16..60) {
        read_all(words.concat().as_bytes(), width);
    }

    #[test]
    fn names_stay_names(given in any::<String>()) {
        let name = safe_name(&given);
        prop_assert!((1..=200).contains(&name.len()));
        prop_assert!(!name.contains(['/', '\\', '\0']) && !name.contains(char::is_control));
        prop_assert!(!name.starts_with(['.', '-', '~']) && !name.ends_with(['.', ' ']));
        prop_assert_eq!(safe_name(&name), name.clone());
    }
}
