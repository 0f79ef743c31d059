//! How the accounts on servers stand, as far as it was told.

use crate::mail::account::{AccountNews, Standing};
use crate::mail::name::{MailboxName, NameKind};
use crate::tui::options::Collection;

/// How the accounts stand.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    told: Vec<AccountNews>,
}

impl Accounts {
    /// Takes news in.
    pub fn take(&mut self, news: AccountNews) {
        let is_same = |old: &AccountNews| old.host == news.host && old.user == news.user;
        self.told.retain(|old| !is_same(old));
        self.told.push(news);
    }

    /// What was told last of the account to which a collection belongs.
    pub fn of(&self, collection: &Collection) -> Option<&AccountNews> {
        let name = MailboxName::parse(collection.prefix.as_bytes()).ok()?;
        let NameKind::Remote { server, .. } = name.kind() else {
            return None;
        };
        self.told.iter().rev().find(|news| {
            let same_user = server.user().is_none_or(|user| user == news.user);
            news.host.eq_ignore_ascii_case(server.host()) && same_user
        })
    }

    /// A word for how the account of a collection stands.
    pub fn word(&self, collection: &Collection) -> Option<&'static str> {
        self.of(collection).map(|news| match news.standing {
            Standing::Connecting => "connecting",
            Standing::Connected => "connected",
            Standing::Away(_) => "offline",
        })
    }
}
