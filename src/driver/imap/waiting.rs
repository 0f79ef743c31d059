//! Waiting for news of a mailbox: told by the server (IDLE, RFC 2177), or asked for politely.

use std::time::Duration;

use crate::driver::error::{Error, Result};
use crate::driver::imap::mailbox::ImapMailbox;
use crate::driver::imap::session::Sink;
use crate::driver::imap::view::Watching;
use crate::driver::job::Job;
use crate::wire::imap::response::Data;

/// How long an IDLE lasts before it is begun anew: servers hang up after 30 minutes.
const IDLING: Duration = Duration::from_secs(24 * 60);
/// How long nothing was asked before an IDLE begins.
const LULL: Duration = Duration::from_millis(300);
/// How often a server that tells nothing unasked is asked at most.
const POLITE: Duration = Duration::from_secs(1);

impl ImapMailbox {
    /// Waits for news.
    pub async fn listen(&mut self, job: &Job) -> Result<()> {
        self.ready(job).await?;
        self.settle(job).await?;
        if self.tells_news {
            // Who has just asked for something asks for more, and need not interrupt anything then.
            tokio::select! {
                biased;
                () = job.cancelled().cancelled() => return Ok(()),
                () = tokio::time::sleep(LULL) => {}
            }
            self.look_for_room(job).await?;
            let stop = job.cancelled().child_token();
            let mut idling = Idling {
                inner: Watching::new(&mut self.view, job),
                stop: stop.clone(),
            };
            let quiet = job.stopped_by(stop);
            match self.session.idle(IDLING, &mut idling, &quiet).await {
                Ok(()) => return self.settle(job).await,
                // It says that it can and then cannot.
                Err(Error::Server(error)) if !error.ends_connection() => self.tells_news = false,
                Err(error) => return Err(error),
            }
        }
        let interval = self.connections.account.environment.poll_interval;
        tokio::select! {
            () = job.cancelled().cancelled() => return Ok(()),
            () = tokio::time::sleep(interval.max(POLITE)) => {}
        }
        self.look_for_room(job).await?;
        let noop = self.session.command("NOOP");
        match self.ask(noop, job).await {
            // Perhaps the next time.
            Err(Error::Server(error)) if !error.ends_connection() => Ok(()),
            other => {
                other?;
                self.settle(job).await
            }
        }
    }
}

/// Waits for news; ends the waiting where something is to be asked.
struct Idling<'v> {
    inner: Watching<'v>,
    stop: tokio_util::sync::CancellationToken,
}

impl Sink for Idling<'_> {
    fn data(&mut self, data: Data<'_>) {
        self.inner.data(data);
    }

    fn pause(&mut self) {
        self.inner.pause();
        let view = &self.inner.view;
        if view.unknown() > 0 || view.is_lost.is_some() {
            self.stop.cancel();
        }
    }
}
