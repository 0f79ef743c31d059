//! Connections of one account that wait to be used again.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::driver::error::{Error, Result};
use crate::driver::imap::account::Account;
use crate::driver::imap::connect::connect;
use crate::driver::imap::session::{Nobody, Session};
use crate::driver::job::Job;
use crate::mail::account::{AccountNews, Standing};
use crate::mail::text::Foreign;

/// How many connections wait at most.
const KEPT: usize = 2;
/// How long a connection may have been silent before it is tried whether it still is one.
const FRESH: Duration = Duration::from_secs(5);
/// How long that may take.
const TRYING: Duration = Duration::from_secs(10);

/// The connections of one account.
pub struct Connections {
    /// The account.
    pub account: Arc<Account>,
    waiting: Mutex<Vec<Session>>,
    /// How the account stands, as was told last.
    told: std::sync::Mutex<Option<Standing>>,
    /// Whether it was asked how much room there is.
    pub knows_room: AtomicBool,
    /// Held by every connection that there is.
    alive: Arc<()>,
}

impl Connections {
    /// None yet.
    pub fn new(account: Account) -> Self {
        Self {
            account: Arc::new(account),
            waiting: Mutex::default(),
            told: std::sync::Mutex::default(),
            knows_room: AtomicBool::new(false),
            alive: Arc::default(),
        }
    }

    /// A connection on which the user is logged in and no mailbox is open: one that waits, or a new one.
    pub async fn session(&self, job: &Job) -> Result<Session> {
        loop {
            let Some(mut session) = self.waiting.lock().await.pop() else {
                return self.connect(job).await;
            };
            let was_heard = session.heard().elapsed() < FRESH;
            if !session.is_there(job).await {
                job.checkpoint()?;
                continue;
            }
            if was_heard {
                self.stands(Standing::Connected, job);
                return Ok(session);
            }
            let noop = session.command("NOOP");
            let tried = timeout(TRYING, session.run(noop, &mut Nobody, job)).await;
            match tried {
                Ok(Ok(_)) if session.is_usable() => {
                    self.stands(Standing::Connected, job);
                    return Ok(session);
                }
                Ok(Err(Error::Cancelled)) => return Err(Error::Cancelled),
                _ => {}
            }
        }
    }

    async fn connect(&self, job: &Job) -> Result<Session> {
        let before = self.told().clone();
        self.stands(Standing::Connecting, job);
        let connected = connect(&self.account, job).await;
        let others = Arc::strong_count(&self.alive) > 1;
        let standing = match &connected {
            Ok(_) => Standing::Connected,
            // One connection more is not needed to be connected.
            Err(_) if others => Standing::Connected,
            Err(Error::Cancelled) => match before {
                Some(Standing::Away(why)) => Standing::Away(why),
                _ => Standing::Away(Foreign::new("cancelled")),
            },
            Err(error) => Standing::Away(Foreign::new(error.to_string())),
        };
        self.stands(standing, job);
        connected.map(|mut session| {
            session.alive = Some(Arc::clone(&self.alive));
            session
        })
    }

    /// Tells how the account stands now, where that is news.
    pub fn stands(&self, standing: Standing, job: &Job) {
        let before = self.told().replace(standing.clone());
        if before.as_ref() != Some(&standing) {
            job.account(AccountNews {
                host: self.account.server.host().to_owned(),
                user: self.account.user.clone(),
                standing,
            });
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Option<Standing>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says goodbye on every connection that waits.
    pub async fn end(&self, job: &Job) {
        let waiting = std::mem::take(&mut *self.waiting.lock().await);
        join_all(waiting.into_iter().map(|session| session.logout(job))).await;
    }

    /// Keeps a connection on which no mailbox is open for whoever needs one next.
    pub async fn give_back(&self, session: Session, job: &Job) {
        let mut waiting = self.waiting.lock().await;
        if session.is_quiet() && waiting.len() < KEPT {
            return waiting.push(session);
        }
        drop(waiting);
        session.logout(job).await;
    }
}
