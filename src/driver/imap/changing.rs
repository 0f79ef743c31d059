//! Flags changed and messages expunged on a server.

use crate::driver::error::Result;
use crate::driver::imap::mailbox::ImapMailbox;
use crate::driver::job::Job;
use crate::driver::server_error::ServerError;
use crate::mail::criteria::Criteria;
use crate::mail::flags::{FlagChange, SystemFlags};
use crate::mail::summary::Summary;
use crate::mail::uid::UidSet;
use crate::wire::imap::level::Level;

impl ImapMailbox {
    /// Changes flags of messages; done twice it does no more.
    pub async fn change_flags(
        &mut self,
        uids: &UidSet,
        change: &FlagChange,
        job: &Job,
    ) -> Result<()> {
        self.may_write()?;
        self.ready(job).await?;
        let there = self.members(uids);
        self.can_keep(change)?;
        if there.is_empty() {
            return Ok(());
        }
        let silent = if self.level.has_silent() {
            ".SILENT"
        } else {
            ""
        };
        let sign = match change {
            FlagChange::Set(_) => "",
            FlagChange::Add(_) => "+",
            FlagChange::Remove(_) => "-",
        };
        let named = change.flags();
        let system = named.system.only(SystemFlags::SETTABLE);
        let names: Vec<String> = system
            .names()
            .map(str::to_owned)
            .chain(named.keywords().iter().map(ToString::to_string))
            .collect();
        if names.is_empty() && !matches!(change, FlagChange::Set(_)) {
            return Ok(());
        }
        let words = format!("{sign}FLAGS{silent} ({})", names.join(" "));
        let commands = self.on(&there, "STORE", &words);
        // What becomes of it is not known until the server says so; it is asked if that never comes.
        self.view.doubtful.add(&there);
        for command in commands {
            self.ask(command, job).await?;
        }
        self.view.doubtful.remove(&there);
        self.view
            .change_flags(&there, |flags| flags.changed(change));
        self.settle(job).await
    }

    /// Expunges what is marked deleted, of `uids` only where there are some.
    pub async fn remove(&mut self, uids: Option<&UidSet>, job: &Job) -> Result<()> {
        self.may_write()?;
        self.ready(job).await?;
        let is_deleted = |it: &&Summary| it.flags.has(SystemFlags::DELETED);
        let deleted = self.view.sequence.iter().filter(is_deleted);
        let deleted: UidSet = deleted.map(|it| it.uid).collect();
        let Some(uids) = uids else {
            let command = self.session.command("EXPUNGE");
            self.ask(command, job).await?;
            return self.settle(job).await;
        };
        let mut goes = self.members(uids);
        let mut kept = goes.clone();
        kept.remove(&deleted);
        goes.remove(&kept);
        if goes.is_empty() {
            return Ok(());
        }
        let can_choose = self.session.has("UIDPLUS") || self.level == Level::Imap4rev2;
        if can_choose {
            for command in self.on(&goes, "EXPUNGE", "") {
                self.ask(command, job).await?;
            }
            return self.settle(job).await;
        }
        // What others marked as deleted since would go too.
        let criteria = Criteria::Flag(SystemFlags::DELETED);
        let mut others = match self.find(&criteria, job).await? {
            Some(found) => found,
            None => deleted,
        };
        others.remove(&goes);
        if !others.is_empty() {
            return Err(ServerError::Unable(
                "expunge some deleted messages and leave others; expunge all of them",
            )
            .into());
        }
        let command = self.session.command("EXPUNGE");
        self.ask(command, job).await?;
        self.settle(job).await
    }
}
