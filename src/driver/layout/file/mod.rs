//! The engine of the traditional formats: messages one behind the other in a text file, state kept in their headers.

pub mod from_line;
pub mod metadata;
pub mod record;
pub mod scan;
pub mod window;
