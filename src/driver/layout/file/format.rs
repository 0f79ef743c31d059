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
}

impl Format {
    /// The name of its driver.
    pub fn driver(&self) -> &'static str {
        self.characteristics.driver
    }
}
