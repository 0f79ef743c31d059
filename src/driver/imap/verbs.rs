//! What can be asked of an open mailbox on a server.
//!
//! Where the connection is lost under a request that may be made twice, it is made once more on a new one.

use crate::driver::contract::{CopiedThere, CopyWish, Portion, RemoteMailbox};
use crate::driver::error::{Error, Result};
use crate::driver::imap::copying::{self, same_server};
use crate::driver::imap::mailbox::ImapMailbox;
use crate::driver::imap::session::LONG_PATIENCE;
use crate::driver::imap::view::Watching;
use crate::driver::job::Job;
use crate::driver::server_error::ServerError;
use crate::mail::criteria::Criteria;
use crate::mail::flags::FlagChange;
use crate::mail::identity::Identity;
use crate::mail::order::Order;
use crate::mail::outline::Outline;
use crate::mail::structure::{Part, Section};
use crate::mail::summary::Summary;
use crate::mail::uid::{Uid, UidSet};
use crate::wire::imap::level::Level;
use crate::wire::imap::status::Kind;

/// So many messages are looked at one by one.
const FEW: u64 = 1000;

impl RemoteMailbox for ImapMailbox {
    fn uids(&self) -> UidSet {
        self.view.sequence.uids()
    }

    fn summary(&self, uid: Uid) -> Option<Summary> {
        self.view.sequence.message(uid).cloned()
    }

    fn identity(&self) -> Option<Identity> {
        let name = self.name.clone();
        let uid_validity = self.lasting()?;
        Some(Identity {
            name,
            user: self.connections.account.user.clone(),
            uid_validity,
        })
    }

    fn is(&self, identity: &Identity) -> bool {
        let server = &self.connections.account.server;
        let here = same_server(server, &self.name);
        let is_here = same_server(server, &identity.name).is_some_and(|it| Some(it) == here);
        let is_user = identity.user == self.connections.account.user;
        is_here && is_user && self.lasting() == Some(identity.uid_validity)
    }

    async fn idle(&mut self, job: &Job) -> Result<()> {
        match self.listen(job).await {
            Err(error) if self.is_cut_off(&error) => self.connect_patiently(&error, job).await,
            other => other,
        }
    }

    async fn headers(
        &mut self,
        uids: &[Uid],
        found: &mut (dyn FnMut(Uid, &[u8]) + Send),
        job: &Job,
    ) -> Result<()> {
        let known = self.known_headers(uids);
        if !known.is_empty() {
            self.view.tell(job);
        }
        // They are there, whatever becomes of the others.
        for uid in uids {
            if let Some(header) = known.get(uid) {
                found(*uid, header);
            }
        }
        let is_missing = |uid: &&Uid| !known.contains_key(uid);
        let missing: Vec<Uid> = uids.iter().filter(is_missing).copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let fetched = match self.fetch_headers(&missing, job).await {
            Err(error) if self.is_cut_off(&error) => self.fetch_headers(&missing, job).await,
            other => other,
        };
        let fetched = fetched?;
        self.keep_headers(&fetched);
        for uid in &missing {
            if let Some(header) = fetched.get(uid) {
                found(*uid, header);
            }
        }
        Ok(())
    }

    async fn read(&mut self, uid: Uid, part: Part, offset: u64, job: &Job) -> Result<Portion> {
        match self.read_portion(uid, part, offset, job).await {
            Err(error) if self.is_cut_off(&error) => {
                self.ready(job).await?;
                self.read_portion(uid, part, offset, job).await
            }
            other => other,
        }
    }

    async fn outline(&mut self, uid: Uid, job: &Job) -> Result<Option<Outline>> {
        match self.outlined(uid, job).await {
            Err(error) if self.is_cut_off(&error) => {
                self.ready(job).await?;
                self.outlined(uid, job).await
            }
            other => other,
        }
    }

    async fn read_section(
        &mut self,
        uid: Uid,
        section: &Section,
        offset: u64,
        job: &Job,
    ) -> Result<Portion> {
        match self.section_portion(uid, section, offset, job).await {
            Err(error) if self.is_cut_off(&error) => {
                self.ready(job).await?;
                self.section_portion(uid, section, offset, job).await
            }
            other => other,
        }
    }

    async fn measure(&mut self, uids: &UidSet, job: &Job) -> Result<()> {
        let unknown = |it: &&Summary| !it.is_measured() && uids.contains(it.uid);
        let unknown: UidSet = match uids.len() {
            0..=FEW => {
                let there = uids
                    .iter()
                    .filter_map(|uid| self.view.sequence.message(uid));
                there.filter(unknown).map(|it| it.uid).collect()
            }
            _ => self
                .view
                .sequence
                .iter()
                .filter(unknown)
                .map(|it| it.uid)
                .collect(),
        };
        if unknown.is_empty() {
            return Ok(());
        }
        self.ready(job).await?;
        let total = unknown.len();
        if total > FEW {
            self.squeeze(job).await?;
        }
        for (done, command) in self
            .on(&unknown, "FETCH", self.level.summary())
            .into_iter()
            .enumerate()
        {
            self.ask(command, job).await?;
            job.progress(done as u64, total);
        }
        self.settle(job).await
    }

    async fn store(&mut self, uids: &UidSet, change: &FlagChange, job: &Job) -> Result<()> {
        match self.change_flags(uids, change, job).await {
            // Doing it twice does no more.
            Err(error) if self.is_cut_off(&error) => self.change_flags(uids, change, job).await,
            other => other,
        }
    }

    async fn expunge(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        match self.remove(uids, job).await {
            // UIDs name no other messages when it is done once more.
            Err(error) if uids.is_some() && self.is_cut_off(&error) => self.remove(uids, job).await,
            other => other,
        }
    }

    async fn search(&mut self, criteria: &Criteria, job: &Job) -> Result<Option<UidSet>> {
        match self.find(criteria, job).await {
            Err(error) if self.is_cut_off(&error) => self.find(criteria, job).await,
            other => other,
        }
    }

    async fn sort(&mut self, order: Order, job: &Job) -> Result<Option<Vec<Uid>>> {
        match self.sorted(order, job).await {
            Err(error) if self.is_cut_off(&error) => self.sorted(order, job).await,
            other => other,
        }
    }

    async fn copy(&mut self, wish: &CopyWish<'_>, job: &Job) -> Result<Option<CopiedThere>> {
        let server = &self.connections.account.server;
        let Some(mailbox) = copying::same_server(server, wish.to) else {
            return Ok(None);
        };
        self.ready(job).await?;
        let wanted = self.members(wish.uids);
        let is_moved = wish.remove && (self.session.has("MOVE") || self.level == Level::Imap4rev2);
        let verb = if is_moved { "MOVE" } else { "COPY" };
        let mut created = false;
        loop {
            let mut commands = self.on(&wanted, verb, "");
            // Several commands would not be all or nothing.
            let (Some(command), true) = (commands.pop(), commands.is_empty()) else {
                return Ok(None);
            };
            let command = command.string(&self.session.name_of(mailbox));
            self.view.copied = None;
            let mut watching = Watching::new(&mut self.view, job);
            let patience = LONG_PATIENCE;
            let ended = self
                .session
                .run_within(patience, command, &mut watching, job)
                .await;
            let status = match ended {
                Err(_) if self.session.is_unsure => return Err(ServerError::Unsure.into()),
                other => other?,
            };
            if status.kind == Kind::Ok {
                self.view.status(status);
                let appended = copying::copied(self.view.copied.as_ref(), &wanted);
                self.settle(job).await?;
                return Ok(Some(CopiedThere { appended, is_moved }));
            }
            let advised = self.session.is_creation_advised;
            let error = copying::no_destination(wish.to, &status, advised);
            let is_missing = matches!(error, Error::NoSuchMailbox { .. });
            if !wish.create || created || !is_missing {
                return Err(error);
            }
            let create = self
                .session
                .command("CREATE")
                .string(&self.session.name_of(mailbox));
            self.ask(create, job).await?;
            created = true;
        }
    }

    async fn check(&mut self, job: &Job) -> Result<()> {
        let noop = self.session.command("NOOP");
        self.ask(noop, job).await?;
        self.settle(job).await
    }

    async fn close(mut self, job: &Job) -> Result<()> {
        self.remember();
        let sequence = &self.view.sequence;
        if !self.view.by_uid && !sequence.is_empty() {
            self.kept.keep_only(|uid| sequence.message(uid).is_some());
        }
        let Self {
            connections,
            mut session,
            level,
            is_examined,
            ..
        } = self;
        // CLOSE would expunge what is marked deleted, but where the mailbox may not be written.
        let words = if session.has("UNSELECT") || level == Level::Imap4rev2 {
            Some("UNSELECT")
        } else {
            (is_examined && level >= Level::Imap4).then_some("CLOSE")
        };
        let Some(words) = words.filter(|_| session.is_usable()) else {
            session.logout(job).await;
            return Ok(());
        };
        session.leave(words, job).await;
        connections.give_back(session, job).await;
        Ok(())
    }
}

impl ImapMailbox {
    /// Whether it failed because the connection is gone.
    fn is_cut_off(&self, error: &Error) -> bool {
        let lost = matches!(error, Error::Server(error) if error.ends_connection());
        lost && !matches!(error, Error::Server(ServerError::Unsure)) && !self.session.is_usable()
    }
}
