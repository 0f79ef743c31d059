//! What the drivers of this engine differ in, as a value.

use crate::driver::characteristics::Characteristics;
use crate::driver::layout::file::framing::Framing;

/// A format that is served by this engine.
#[derive(Debug)]
pub struct Format {
    /// Its row of the table of drivers.
    pub characteristics: &'static Characteristics,
    /// How its messages are told apart.
    pub framing: &'static Framing,
    /// Whether a file of no bytes can be opened.
    pub empty: EmptyFile,
}

/// What becomes of a file of no bytes: it is room for a mailbox of any format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EmptyFile {
    /// It is opened as a mailbox without messages.
    Opens,
    /// It is left to the driver of empty files, until something is appended.
    IsNobodys,
}

impl Format {
    /// The name of its driver.
    pub fn driver(&self) -> &'static str {
        self.characteristics.driver
    }
}
