//! Panics end what they happened in, nothing else.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

use crate::backend::error::{Error, Result};
use crate::mail::text::Foreign;

/// Runs `work`; a panic becomes [`Error::Panicked`].
pub fn contained<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let outcome = catch_unwind(AssertUnwindSafe(work));
    outcome.unwrap_or_else(|panic| Err(caught(&*panic)))
}

/// Runs an async `work`; a panic becomes [`Error::Panicked`].
pub async fn contained_async<T>(work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    outcome.unwrap_or_else(|panic| Err(caught(&*panic)))
}

fn caught(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    Error::Panicked(Foreign::new(text.unwrap_or_else(|| "no reason".to_owned())))
}
