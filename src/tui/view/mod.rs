//! State to frame. Drawing never feeds back into state; foreign text is drawn only as `Printable`.

pub mod alone;
pub mod folders;
pub mod index;
pub mod keymenu;
pub mod painter;
pub mod statusline;
pub mod text;
pub mod title;
#[expect(clippy::module_inception, reason = "it holds the function view")]
pub mod view;
