//! The backend: from names to drivers, open mailboxes, requests down and events up.

pub mod backend;
pub mod browse;
pub mod choose;
pub mod error;
pub mod event;
pub mod request;
pub mod resolve;
pub mod stream;
