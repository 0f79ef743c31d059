//! Message bytes and their structure. The mail-parser and html2text crates are used here and nowhere else.

pub mod address_text;
pub mod addresses;
pub mod decode;
pub mod document;
pub mod document_builder;
pub mod encoded_words;
pub mod fields;
pub mod filename;
pub mod header;
pub mod html;
pub mod html_strip;
pub mod links;
pub mod paragraphs;
pub mod parameters;
pub mod parse;
pub mod part_line;
pub mod size_words;
pub mod structure;
pub mod suspicion;
pub mod tree;
