//! What `main` hands to the scripting face: the parts of arguments and settings that every verb needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use tokio::sync::Notify;

use crate::backend::event::Finding;
use crate::mail::order::Order;
use crate::mail::status::Access;

/// How the face shall behave.
pub struct Setup {
    /// Whether output is JSON.
    pub json: bool,
    /// Whether nothing may be written.
    pub read_only: bool,
    /// The order of index lines where none is asked for.
    pub order: Order,
    /// Header fields that `read` shows.
    pub headers: Vec<String>,
    /// Whether HTML is preferred to plain text.
    pub prefer_html: bool,
    /// The user's own addresses.
    pub me: Vec<String>,
    /// What `main` found out that the doctor should tell: settings.
    pub findings: Vec<Finding>,
    /// Tells of signals.
    pub interrupt: Arc<Interrupt>,
}

impl Setup {
    /// Read-write, unless the whole run is read-only.
    pub fn access(&self) -> Access {
        if self.read_only {
            Access::ReadOnly
        } else {
            Access::ReadWrite
        }
    }
}

/// Remembers that a signal came, and wakes whoever waits for events.
#[derive(Default)]
pub struct Interrupt {
    signal: AtomicI32,
    wake: Notify,
}

impl Interrupt {
    /// Notes signal `number`.
    pub fn raise(&self, number: i32) {
        self.signal.store(number, Ordering::SeqCst);
        self.wake.notify_one();
    }

    /// The signal that came last; `None` while there was none.
    pub fn signal(&self) -> Option<i32> {
        Some(self.signal.load(Ordering::SeqCst)).filter(|&number| number != 0)
    }

    /// Returns once a signal has come since the last return.
    pub async fn raised(&self) {
        self.wake.notified().await;
    }
}
