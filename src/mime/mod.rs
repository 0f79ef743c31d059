//! Message bytes and their structure. The mail-parser and html2text crates are used here and nowhere else.

pub mod document;
