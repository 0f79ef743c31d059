//! The scripting face, from outside: the real program, its JSON, its exit codes, its manners with bad input.

#[path = "../common/holder.rs"]
mod holder;

mod changes;
mod dir;
mod manners;
mod news;
mod pairs;
mod reading;
mod screen;
mod settings;
mod snarf;
mod transfers;
mod waiting;
mod watching;
