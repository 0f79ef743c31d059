//! The words of mail: plain data that every floor above speaks. No I/O, no clock, no globals.

pub mod address;
pub mod appended;
pub mod base_subject;
pub mod change;
pub mod characters;
pub mod criteria;
pub mod criteria_parser;
pub mod date;
pub mod envelope;
pub mod flags;
pub mod fold;
pub mod listing;
pub mod message_list;
pub mod name;
pub mod order;
pub mod printable;
pub mod question;
pub mod server;
pub mod status;
pub mod structure;
pub mod summary;
pub mod switches;
pub mod text;
pub mod uid;
pub mod visible;
