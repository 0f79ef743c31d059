//! The IMAP driver for those who block: threads that count, make, append and transfer see a server as they see a local format.
//!
//! An open mailbox that the user looks at is served by a task instead. The accounts are the same for both, and so are the
//! connections that wait to be used again.

use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use tokio::runtime::Handle;

use crate::driver::characteristics::{Ability, Characteristics};
use crate::driver::contract::{LocalDriver, LocalMailbox, Portion, Probe, RemoteMailbox};
use crate::driver::error::{Error, Result};
use crate::driver::imap::account::{Account, is_same};
use crate::driver::imap::append::Appending;
use crate::driver::imap::connections::Connections;
use crate::driver::imap::mailbox::ImapMailbox;
use crate::driver::imap::manage::{self, WantedNames};
use crate::driver::imap::missing::Named;
use crate::driver::imap::session::Session;
use crate::driver::job::Job;
use crate::driver::message::Messages;
use crate::driver::place::{Place, Protection};
use crate::mail::appended::Appended;
use crate::mail::flags::FlagChange;
use crate::mail::listing::{ListEntry, Root};
use crate::mail::name::{MailboxName, NameKind};
use crate::mail::server::Server;
use crate::mail::status::{Access, MailboxStatus};
use crate::mail::structure::Part;
use crate::mail::summary::Summary;
use crate::mail::text::Foreign;
use crate::mail::uid::{Uid, UidSet};
use crate::net::stream::Stream;
use crate::os::environment::Environment;
use crate::wire::imap::level::Level;

/// The driver's row.
pub static CHARACTERISTICS: Characteristics = Characteristics {
    driver: "imap",
    concurrent_access: Ability::Yes,
    shared_expunge: Ability::Yes,
    sticky_uids: Ability::Yes,
    keywords: Ability::Limited("where the server keeps them"),
    submailboxes: Ability::Limited("where the server has them"),
    nfs: Ability::Yes,
    performance: "as the network and the server are",
    layout: "on a server",
};

/// The driver.
pub struct ImapDriver {
    environment: Arc<Environment>,
    runtime: Handle,
    accounts: Mutex<Vec<Arc<Connections>>>,
}

impl ImapDriver {
    /// A driver whose connections are served by this runtime.
    pub fn new(environment: &Arc<Environment>, runtime: Handle) -> Self {
        Self {
            environment: Arc::clone(environment),
            runtime,
            accounts: Mutex::default(),
        }
    }

    /// The connections to this server, for this user.
    pub fn connections(&self, server: &Server) -> Arc<Connections> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = accounts
            .iter()
            .find(|it| is_same(&it.account.server, server));
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let account = Account::new(&self.environment, server);
        let connections = Arc::new(Connections::new(account));
        accounts.push(Arc::clone(&connections));
        connections
    }

    /// Says goodbye to all servers.
    pub fn end(&self, job: &Job) {
        let accounts = self
            .accounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        self.wait(join_all(accounts.iter().map(|it| it.end(job))));
    }

    /// The place that stands for a mailbox on a server.
    pub fn place(name: &MailboxName) -> Place {
        Place {
            name: name.clone(),
            path: PathBuf::from(String::from_utf8_lossy(name.as_bytes()).into_owned()),
            is_inbox: false,
            protection: Protection::PRIVATE,
        }
    }

    /// Tells the mailboxes of a server that match, or those that are subscribed.
    pub fn list(
        &self,
        server: &Server,
        wanted: &WantedNames<'_>,
        job: &Job,
    ) -> Result<Vec<ListEntry>> {
        let connections = self.connections(server);
        self.wait(manage::list(&connections, wanted, job))
    }

    /// Tells how many messages were not read in each mailbox of a server that matches.
    pub fn unseen(
        &self,
        server: &Server,
        wanted: &WantedNames<'_>,
        found: &mut (dyn FnMut(Vec<(MailboxName, u32)>) + Send),
        job: &Job,
    ) -> Result<()> {
        let connections = self.connections(server);
        self.wait(manage::unseen(&connections, wanted, found, job))
    }

    /// Logs in on a server, and tells in words how that went and what the server can do.
    pub fn visit(&self, server: &Server, job: &Job) -> Result<String> {
        let connections = self.connections(server);
        let visiting = async {
            let session = connections.session(job).await?;
            let said = described(&connections, &session);
            connections.give_back(session, job).await;
            Ok(said)
        };
        self.wait(visiting)
    }

    /// What parts the levels of names on a server; `typed` is its part of the names.
    pub fn root(&self, server: &Server, typed: &[u8], job: &Job) -> Result<Root> {
        let connections = self.connections(server);
        self.wait(manage::root(&connections, typed, job))
    }

    /// Adds to or takes from the subscriptions that the server keeps.
    pub fn subscribe(&self, name: &MailboxName, is_wanted: bool, job: &Job) -> Result<()> {
        let (connections, mailbox) = self.target(name)?;
        let named = Named { name, mailbox };
        self.wait(manage::subscribe(&connections, named, is_wanted, job))
    }

    fn target<'n>(&self, name: &'n MailboxName) -> Result<(Arc<Connections>, &'n [u8])> {
        match name.kind() {
            NameKind::Remote { server, mailbox } => Ok((self.connections(server), mailbox)),
            _ => Err(Error::Refused("it is no mailbox on a server")),
        }
    }

    fn wait<F: Future>(&self, future: F) -> F::Output {
        wait(&self.runtime, future)
    }
}

/// What matters of a server's abilities, each with its word, and whether IMAP4rev2 holds it
/// unsaid (RFC 9051 appendix E).
const ABILITIES: [(&str, &str, bool); 6] = [
    ("IDLE", "tells news", true),
    ("MOVE", "moves", true),
    ("UIDPLUS", "expunges single messages", true),
    ("LIST-STATUS", "counts all at once", true),
    ("QRESYNC", "tells what changed", false),
    ("SORT", "sorts", false),
];

/// A connection in words.
fn described(connections: &Connections, session: &Session) -> String {
    let level = session.style.level;
    let is_newest = level == Level::Imap4rev2;
    let protection = match session.stream() {
        Stream::Piped(_) => "through a program",
        stream if stream.is_encrypted() => "encrypted",
        _ => "not encrypted",
    };
    let has = |it: &&(&str, &str, bool)| session.has(it.0) || (is_newest && it.2);
    let abilities = ABILITIES.iter().filter(has).map(|it| it.1);
    let abilities: Vec<&str> = abilities.collect();
    let user = Foreign::new(connections.account.user.as_str()).field();
    let abilities = match abilities.is_empty() {
        true => String::new(),
        false => format!("; the server {}", abilities.join(", ")),
    };
    let (user, level) = (user.as_str(), level.name());
    format!("logged in as {user}, {level}, {protection}{abilities}")
}

/// Waits for a future, on whatever kind of thread this is.
fn wait<F: Future>(runtime: &Handle, future: F) -> F::Output {
    match Handle::try_current() {
        Ok(_) => tokio::task::block_in_place(|| runtime.block_on(future)),
        Err(_) => runtime.block_on(future),
    }
}

impl LocalDriver for ImapDriver {
    fn characteristics(&self) -> &'static Characteristics {
        &CHARACTERISTICS
    }

    fn probe(&self, place: &Place) -> io::Result<Probe> {
        Ok(match place.name.is_remote() {
            true => Probe::Mine,
            false => Probe::Foreign,
        })
    }

    fn open(&self, place: &Place, access: Access, job: &Job) -> Result<Box<dyn LocalMailbox>> {
        let (connections, _) = self.target(&place.name)?;
        let opening = async {
            let mut mailbox = ImapMailbox::open(connections, &place.name, access, job).await?;
            // Those who block look at all of them.
            let all = mailbox.uids();
            mailbox.measure(&all, job).await?;
            Ok::<_, Error>(mailbox)
        };
        Ok(Box::new(Blocking {
            mailbox: self.wait(opening)?,
            runtime: self.runtime.clone(),
        }))
    }

    fn status(&self, place: &Place, job: &Job) -> Result<MailboxStatus> {
        let (connections, mailbox) = self.target(&place.name)?;
        let name = &place.name;
        self.wait(manage::status(&connections, Named { name, mailbox }, job))
    }

    fn create(&self, place: &Place, job: &Job) -> Result<()> {
        let (connections, mailbox) = self.target(&place.name)?;
        let name = &place.name;
        self.wait(manage::create(&connections, Named { name, mailbox }, job))
    }

    fn delete(&self, place: &Place, job: &Job) -> Result<()> {
        let (connections, mailbox) = self.target(&place.name)?;
        let name = &place.name;
        self.wait(manage::delete(&connections, Named { name, mailbox }, job))
    }

    fn delete_empty(&self, place: &Place, job: &Job) -> Result<()> {
        // There is no way to ask for both at once.
        match self.status(place, job)?.messages {
            0 => self.delete(place, job),
            _ => Err(Error::Refused("it is no longer empty")),
        }
    }

    fn rename(&self, from: &Place, to: &Place, job: &Job) -> Result<()> {
        let (connections, mailbox) = self.target(&from.name)?;
        let (others, new) = self.target(&to.name)?;
        if !Arc::ptr_eq(&connections, &others) {
            return Err(Error::Refused(
                "a mailbox keeps to its server; transfer its messages instead",
            ));
        }
        let name = &from.name;
        self.wait(manage::rename(
            &connections,
            Named { name, mailbox },
            new,
            job,
        ))
    }

    fn append(&self, place: &Place, messages: &mut dyn Messages, job: &Job) -> Result<Appended> {
        let (connections, mailbox) = self.target(&place.name)?;
        let name = &place.name;
        let named = Named { name, mailbox };
        let mut appending = self.wait(Appending::begin(connections, named, job))?;
        let outcome = loop {
            match appending.batch(messages, job) {
                Ok(batch) if batch.is_empty() => break Ok(()),
                Ok(batch) => {
                    if let Err(error) = self.wait(appending.send(batch, job)) {
                        break Err(error);
                    }
                }
                Err(error) => break Err(error),
            }
        };
        self.wait(appending.end(outcome, job))
    }
}

/// An open mailbox for those who block.
struct Blocking {
    mailbox: ImapMailbox,
    runtime: Handle,
}

impl LocalMailbox for Blocking {
    fn uids(&self) -> UidSet {
        self.mailbox.uids()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        self.mailbox.summary(uid)
    }

    fn poll(&mut self, job: &Job) -> Result<()> {
        wait(&self.runtime, self.mailbox.check(job))
    }

    fn read(&mut self, uid: Uid, part: Part, into: &mut dyn Write, job: &Job) -> Result<()> {
        let mut offset = 0;
        loop {
            let reading = self.mailbox.read(uid, part, offset, job);
            let Portion { bytes, is_last } = wait(&self.runtime, reading)?;
            offset += bytes.len() as u64;
            into.write_all(&bytes).map_err(|source| Error::Io {
                path: std::env::temp_dir(),
                source,
            })?;
            if is_last || bytes.is_empty() {
                return Ok(());
            }
        }
    }

    fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        wait(&self.runtime, self.mailbox.store(uids, change, job))
    }

    fn check(&mut self, job: &Job) -> Result<()> {
        wait(&self.runtime, self.mailbox.check(job))
    }

    fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        wait(&self.runtime, self.mailbox.expunge(uids, job))
    }

    fn sender(&mut self, _uid: Uid, _job: &Job) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn close(self: Box<Self>, job: &Job) -> Result<()> {
        wait(&self.runtime, self.mailbox.close(job))
    }
}
