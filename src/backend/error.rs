//! Why a request failed, and the exit status that stands for it.

/// Why a request failed.
#[derive(Debug)]
pub enum Error {
    /// The driver's reason.
    Driver(crate::driver::error::Error),
}

/// The result of a request.
pub type Result<T> = std::result::Result<T, Error>;
