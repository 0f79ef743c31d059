//! The drivers: one per way of keeping mail. Local ones are plain blocking code that knows neither tokio nor the screen.

pub mod answers;
pub mod characteristics;
pub mod contract;
pub mod dummy;
pub mod error;
pub mod floor;
pub mod job;
pub mod layout;
pub mod local_file;
pub mod mark;
pub mod mbox;
pub mod mbx;
pub mod message;
pub mod mmdf;
pub mod mtx;
pub mod network;
pub mod octal;
pub mod phile;
pub mod place;
pub mod remembered;
pub mod repaired;
pub mod snarf;
pub mod table;
pub mod tenex;
pub mod unix;
pub mod waiting;
