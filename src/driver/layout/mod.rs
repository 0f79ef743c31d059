//! Engines: one per way of laying mail out on disk. What tells their drivers apart is a value.

pub mod file;
pub mod folder;
pub mod lf;
pub mod lines;
pub mod prefile;
