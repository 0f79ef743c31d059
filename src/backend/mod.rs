//! The backend: from names to drivers, open mailboxes, requests down and events up.

pub mod ask;
#[expect(clippy::module_inception, reason = "it holds the struct Backend")]
pub mod backend;
pub mod browse;
pub mod choose;
pub mod contained;
pub mod context;
pub mod describe;
pub mod doctor;
pub mod errand;
pub mod error;
pub mod event;
pub mod find;
pub mod inlet;
pub mod jobs;
pub mod listing;
pub mod local;
pub mod manifest;
pub mod move_record;
pub mod move_recovery;
pub mod open_mailboxes;
pub mod outlet;
pub mod pipe;
pub mod pool;
pub mod reading;
pub mod remote;
pub mod request;
pub mod resolve;
pub mod source;
pub mod staged;
pub mod stream;
pub mod submissions;
pub mod subscriptions;
pub mod transfer;
pub mod whole;
