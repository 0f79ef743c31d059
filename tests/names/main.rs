//! From names to places and drivers, on homes made for each test.

mod choosing;
mod homes;
mod listing;
mod resolving;
mod subscriptions;
