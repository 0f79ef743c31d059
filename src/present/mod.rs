//! Mail as lines of plain text, for both faces.

pub mod about;
pub mod attachments;
pub mod dates;
pub mod header_block;
pub mod index_line;
pub mod message_text;
pub mod receipt;
pub mod rows;
pub mod sizes;
pub mod wrap;
