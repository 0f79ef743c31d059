//! Whether there is room for more mail on a server (RFC 9208).

use std::sync::atomic::Ordering;

use crate::driver::error::{Error, Result};
use crate::driver::imap::copying::same_server;
use crate::driver::imap::mailbox::ImapMailbox;
use crate::driver::imap::session::Sink;
use crate::driver::imap::view::Watching;
use crate::driver::job::Job;
use crate::wire::imap::quota::Quota;
use crate::wire::imap::response::Data;

/// From here on it is said how full it is, in per cent.
const NEARLY: u64 = 90;

/// More kinds of room are not told of.
const MOST: usize = 20;

impl ImapMailbox {
    /// Asks once in a run of the program how much room there is, and says so where there is little.
    pub async fn look_for_room(&mut self, job: &Job) -> Result<()> {
        if !self.session.has("QUOTA") || self.connections.knows_room.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let server = &self.connections.account.server;
        let Some(mailbox) = same_server(server, &self.name) else {
            return Ok(());
        };
        let command = self.session.command("GETQUOTAROOT");
        let command = command.string(&self.session.name_of(mailbox));
        let mut rooms = Rooms {
            inner: Watching::new(&mut self.view, job),
            found: Vec::new(),
        };
        let ended = self.session.run(command, &mut rooms, job).await;
        let found = rooms.found;
        if ended.is_err() {
            // It may be asked again.
            self.connections.knows_room.store(false, Ordering::Relaxed);
        }
        match ended {
            // It need not be known.
            Err(Error::Server(error)) if !error.ends_connection() => return Ok(()),
            other => other?,
        };
        for quota in found {
            if let Some(per_cent) = quota.per_cent().filter(|it| *it >= NEARLY) {
                let amount = amount(&quota);
                let host = self.connections.account.server.host();
                job.notice(format!(
                    "{host}: {per_cent} % of the room for your mail is used ({amount}); expunge some before new mail is refused"
                ));
            }
        }
        self.settle(job).await
    }
}

fn amount(quota: &Quota) -> String {
    const MEGA: u64 = 1024;
    let (used, limit) = (quota.used, quota.limit);
    match quota.resource.as_str() {
        "STORAGE" if limit >= 10 * MEGA => format!("{} of {} MB", used / MEGA, limit / MEGA),
        "STORAGE" => format!("{used} of {limit} KB"),
        "MESSAGE" => format!("{used} of {limit} messages"),
        other => format!("{used} of {limit}, {other}"),
    }
}

/// Takes in how much room there is.
struct Rooms<'v> {
    inner: Watching<'v>,
    found: Vec<Quota>,
}

impl Sink for Rooms<'_> {
    fn data(&mut self, data: Data<'_>) {
        match data {
            Data::Quota(_) if self.found.len() >= MOST => {}
            Data::Quota(mut quotas) => self.found.append(&mut quotas),
            other => self.inner.data(other),
        }
    }

    fn pause(&mut self) {
        self.inner.pause();
    }
}
