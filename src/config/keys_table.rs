//! Every key that a configuration may hold, with what its value must be. The settings file, `--set` and the
//! commented default are all checked against this table.

/// What a value must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number within bounds, both included.
    Number(i64, i64),
    /// A list of texts.
    List,
    /// A list of some of these words.
    Words(&'static [&'static str]),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A sort key, perhaps with `/reverse`.
    Order,
}

/// The formats that new and empty mailboxes can get, or how to find one.
const NEW: &[&str] = &[
    "unix",
    "mmdf",
    "mbx",
    "tenex",
    "mtx",
    "mx",
    "mix",
    "mh",
    "maildir",
    "same-as-inbox",
];
const EMPTY: &[&str] = &[
    "unix",
    "mmdf",
    "mbx",
    "tenex",
    "mtx",
    "mx",
    "mix",
    "mh",
    "same-as-inbox",
    "invalid",
];

/// The drivers that can be switched off.
const DRIVERS: &[&str] = &[
    "mbox", "mix", "mx", "maildir", "mbx", "tenex", "mtx", "mh", "mmdf", "unix", "news", "phile",
    "imap",
];

/// What permission bits may be.
const BITS: Kind = Kind::Number(0, 0o7777);

/// The keys, grouped as in `assets/config.toml`.
pub const KEYS: &[(&str, Kind)] = &[
    ("local.spool", Kind::Text),
    ("local.disabled_drivers", Kind::Words(DRIVERS)),
    ("local.new_format", Kind::Choice(NEW)),
    ("local.empty_format", Kind::Choice(EMPTY)),
    ("local.keywords", Kind::List),
    ("local.mail_subdirectory", Kind::Text),
    ("local.mh_path", Kind::Text),
    ("local.mh_allow_inbox", Kind::Flag),
    ("local.news_spool", Kind::Text),
    ("local.news_active", Kind::Text),
    ("local.newsrc", Kind::Text),
    ("local.black_box", Kind::Text),
    ("local.black_box_default_home", Kind::Text),
    ("local.closed_box", Kind::Flag),
    ("local.anonymous", Kind::Flag),
    ("local.anonymous_home", Kind::Text),
    (
        "local.restrict",
        Kind::Choice(&["none", "absolute", "other-users", "all"]),
    ),
    ("local.ftp_home", Kind::Text),
    ("local.public_home", Kind::Text),
    ("local.shared_home", Kind::Text),
    ("local.shared_namespaces", Kind::Flag),
    ("local.file_mode", BITS),
    ("local.directory_mode", BITS),
    ("local.ftp_file_mode", BITS),
    ("local.ftp_directory_mode", BITS),
    ("local.public_file_mode", BITS),
    ("local.public_directory_mode", BITS),
    ("local.shared_file_mode", BITS),
    ("local.shared_directory_mode", BITS),
    ("local.dot_lock_timeout", Kind::Number(1, 1440)),
    (
        "local.without_dot_lock",
        Kind::Choice(&["read-only", "flock"]),
    ),
    ("local.nfs_writes", Kind::Flag),
    ("local.c_client_config", Kind::Text),
    ("folders.inbox", Kind::Text),
    ("folders.collections", Kind::List),
    ("folders.saved", Kind::Text),
    ("folders.hide-dot-files", Kind::Flag),
    ("folders.list-depth", Kind::Number(1, 100)),
    ("identity.name", Kind::Text),
    ("identity.domain", Kind::Text),
    ("identity.from", Kind::Text),
    ("identity.alternates", Kind::List),
    ("index.sort", Kind::Order),
    ("view.headers", Kind::List),
    ("view.prefer-plain", Kind::Flag),
    ("view.overlap", Kind::Number(0, 100)),
    ("view.browser", Kind::List),
    ("ui.theme", Kind::Text),
    ("ui.keymap", Kind::Text),
    ("ui.layout", Kind::Choice(&["auto", "classic"])),
    ("ui.mouse", Kind::Flag),
    ("ui.keymenu", Kind::Flag),
    ("ui.suspend", Kind::Flag),
    ("expunge.confirm", Kind::Flag),
    ("quit.confirm", Kind::Flag),
    ("check.interval", Kind::Number(1, 86_400)),
    ("inbox.snarf_interval", Kind::Number(1, 86_400)),
    ("inbox.leave_spool_empty", Kind::Flag),
    ("network.certificates", Kind::Text),
    ("network.clear-text-hosts", Kind::List),
];

/// The table that holds a table for each account.
pub const ACCOUNTS: &str = "accounts";

/// The keys of an account, in its own table.
pub const ACCOUNT_KEYS: &[(&str, Kind)] = &[
    ("server", Kind::Text),
    ("password-command", Kind::List),
    ("password-file", Kind::Text),
    ("token-command", Kind::List),
    ("connect-command", Kind::List),
    ("certificate", Kind::Text),
    ("key", Kind::Text),
    ("disable", Kind::List),
];

/// What the value of `key` must be; `None` for a key that does not exist.
pub fn kind_of(key: &str) -> Option<Kind> {
    let (keys, key) = match of_account(key) {
        Some(word) => (ACCOUNT_KEYS, word),
        None => (KEYS, key),
    };
    let found = keys.iter().find(|entry| entry.0 == key);
    found.map(|entry| entry.1)
}

/// The key of an account, without the account, where it is one.
fn of_account(key: &str) -> Option<&str> {
    let (account, word) = key
        .strip_prefix(ACCOUNTS)?
        .strip_prefix('.')?
        .rsplit_once('.')?;
    (!account.is_empty() && !account.contains('.')).then_some(word)
}

/// Whether `name` is a table that holds keys.
pub fn is_table(name: &str) -> bool {
    KEYS.iter().any(|entry| {
        entry
            .0
            .split_once('.')
            .is_some_and(|(table, _)| table == name)
    })
}

/// The key that comes nearest to `wrong`, where one is near enough to be what was meant.
///
/// A key that was typed without its table, or under another one, counts as near.
pub fn nearest(wrong: &str) -> Option<&'static str> {
    if let Some(word) = of_account(wrong) {
        return nearest_word(word, ACCOUNT_KEYS.iter().map(|entry| entry.0));
    }
    let last = |key: &str| key.rsplit('.').next().map(str::to_owned);
    let same_word = KEYS.iter().find(|entry| last(entry.0) == last(wrong));
    let by_distance = KEYS
        .iter()
        .map(|entry| (strsim::damerau_levenshtein(entry.0, wrong), entry.0))
        .min()
        .filter(|found| found.0 <= 3 && found.0 < wrong.chars().count());
    by_distance
        .map(|found| found.1)
        .or(same_word.map(|entry| entry.0))
}

/// The word of `words` that comes nearest to `wrong`, where one is near enough to be what was meant.
pub fn nearest_word<'w>(wrong: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    words
        .map(|word| (strsim::damerau_levenshtein(word, wrong), word))
        .min()
        .filter(|found| found.0 <= 2 && found.0 < wrong.chars().count())
        .map(|found| found.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_key() {
        assert_eq!(nearest("index.srot"), Some("index.sort"));
        assert_eq!(nearest("sort"), Some("index.sort"));
        assert_eq!(nearest("view.theme"), Some("ui.theme"));
        assert_eq!(nearest("xyz"), None);
        assert_eq!(nearest("accounts.work.sever"), Some("server"));
    }

    #[test]
    fn an_account_has_keys_of_its_own() {
        assert_eq!(kind_of("accounts.work.server"), Some(Kind::Text));
        for none in [
            "accounts.server",
            "accounts..server",
            "accounts.a.b.server",
            "accounts.a.x",
        ] {
            assert_eq!(kind_of(none), None, "{none}");
        }
    }
}
