//! The terminal face: a pure middle (`update`, `view`) between a loop and a screen.

pub mod command;
pub mod command_menu;
pub mod command_table;
pub mod key;
pub mod keymap;
pub mod options;
pub mod run;
pub mod theme;
pub mod toml_file;
