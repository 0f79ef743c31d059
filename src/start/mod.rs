//! What `main` does: from arguments and settings to one of the two faces, and to an exit status.

pub mod demo;
pub mod environment;
pub mod generate;
pub mod identity;
pub mod logging;
pub mod naming;
pub mod network;
pub mod run;
pub mod screen;
pub mod settings;
pub mod signals;
pub mod stop;
pub mod terminal;
