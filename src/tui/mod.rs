//! The terminal face: a pure middle (`update`, `view`) between a loop and a screen.

pub mod command;
pub mod command_menu;
pub mod command_table;
pub mod effect;
pub mod guard;
pub mod incoming;
pub mod input;
pub mod key;
pub mod keyboard;
pub mod keymap;
pub mod layout;
pub mod msg;
pub mod options;
pub mod run;
pub mod signals;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod toml_file;
pub mod update;
pub mod view;
pub mod work;
