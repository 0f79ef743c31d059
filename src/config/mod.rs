//! Settings: plain values read from the compiled-in defaults, the user's file and the command line.

pub mod c_client;
pub mod c_client_table;
pub mod check;
pub mod error;
pub mod keys_table;
pub mod load;
pub mod paths;
pub mod settings;
