//! From names to places and drivers, on homes made for each test.

#[path = "../common/mod.rs"]
mod common;

mod choosing;
mod homes;
mod inbox;
mod killed;
mod listing;
mod resolving;
mod subscriptions;
