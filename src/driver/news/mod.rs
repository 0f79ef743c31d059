//! The driver `news`: the groups of a news spool on this machine, one file for each article. Articles are only read; which
//! of them were read is in `.newsrc`, every other flag in the state folder.

pub mod active;
pub mod article;
pub mod crosspost;
pub mod driver;
pub mod facts;
pub mod group;
pub mod mailbox;
pub mod marks;
pub mod newsrc;
pub mod newsrc_file;
pub mod newsrc_found;
mod newsrc_put;
pub mod ranges;
pub mod refresh;
pub mod row;
mod status;
pub mod steady;
pub mod store;
