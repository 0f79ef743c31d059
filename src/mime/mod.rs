//! Message bytes and their structure. The mail-parser and html2text crates are used here and nowhere else.

pub mod document;
pub mod document_builder;
pub mod filename;
pub mod header;
pub mod structure;
