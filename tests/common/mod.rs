//! What integration tests share: a scratch world, a file layer with faults, a disk that loses power, generated mailboxes.
#![allow(dead_code)]

pub(crate) mod faults;
pub(crate) mod generated;
pub(crate) mod holder;
pub(crate) mod power;
pub(crate) mod random;
pub(crate) mod world;
