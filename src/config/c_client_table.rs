//! The commands of c-client's configuration files, and the setting that each one stands for.

/// What a command means here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// The value of a setting, as it is.
    Text(&'static str),
    /// A format's name for a setting.
    Format(&'static str),
    /// The keywords; only the first list counts.
    Keywords,
    /// Permission bits, written in decimal.
    Bits(&'static str),
    /// A number for a setting.
    Number(&'static str),
    /// 0 or 1 for a setting.
    Switch(&'static str),
    /// 0 or 1, the other way round.
    Opposite(&'static str),
    /// What is forbidden: it adds to what is forbidden already.
    Restriction,
    /// Whether the user's own files are read.
    UserFiles,
    /// Nothing, for this reason.
    Nothing(&'static str),
}

/// Who may give a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Giver {
    /// The system's file alone.
    System,
    /// The user too.
    User,
}

const ADVERTISING: Meaning = Meaning::Nothing("Mugo is no server, and advertises no namespaces");

/// The commands in lower case.
pub static COMMANDS: &[(&str, Giver, Meaning)] = &[
    ("allow-user-config", Giver::System, Meaning::UserFiles),
    (
        "new-mailbox-format",
        Giver::User,
        Meaning::Format("local.new_format"),
    ),
    (
        "new-folder-format",
        Giver::User,
        Meaning::Format("local.new_format"),
    ),
    (
        "empty-mailbox-format",
        Giver::User,
        Meaning::Format("local.empty_format"),
    ),
    (
        "empty-folder-format",
        Giver::User,
        Meaning::Format("local.empty_format"),
    ),
    ("keywords", Giver::User, Meaning::Keywords),
    (
        "from-widget",
        Giver::User,
        Meaning::Nothing("Mugo quotes every line that begins with From"),
    ),
    (
        "black-box-directory",
        Giver::System,
        Meaning::Text("local.black_box"),
    ),
    (
        "black-box-default-home-directory",
        Giver::System,
        Meaning::Text("local.black_box_default_home"),
    ),
    ("local-host", Giver::User, Meaning::Text("identity.domain")),
    (
        "news-active-file",
        Giver::User,
        Meaning::Text("local.news_active"),
    ),
    (
        "news-spool-directory",
        Giver::User,
        Meaning::Text("local.news_spool"),
    ),
    (
        "news-state-file",
        Giver::User,
        Meaning::Text("local.newsrc"),
    ),
    ("mh-path", Giver::User, Meaning::Text("local.mh_path")),
    (
        "mh-allow-inbox",
        Giver::User,
        Meaning::Switch("local.mh_allow_inbox"),
    ),
    ("system-inbox", Giver::User, Meaning::Text("local.spool")),
    (
        "mail-subdirectory",
        Giver::User,
        Meaning::Text("local.mail_subdirectory"),
    ),
    (
        "ftp-export-directory",
        Giver::User,
        Meaning::Text("local.ftp_home"),
    ),
    (
        "public-home-directory",
        Giver::User,
        Meaning::Text("local.public_home"),
    ),
    (
        "shared-home-directory",
        Giver::User,
        Meaning::Text("local.shared_home"),
    ),
    (
        "anonymous-home-directory",
        Giver::System,
        Meaning::Text("local.anonymous_home"),
    ),
    (
        "mailbox-protection",
        Giver::User,
        Meaning::Bits("local.file_mode"),
    ),
    (
        "directory-protection",
        Giver::User,
        Meaning::Bits("local.directory_mode"),
    ),
    (
        "lock-protection",
        Giver::User,
        Meaning::Nothing("lock files are open to all, or nobody else could lock"),
    ),
    (
        "ftp-protection",
        Giver::User,
        Meaning::Bits("local.ftp_file_mode"),
    ),
    (
        "ftp-directory-protection",
        Giver::User,
        Meaning::Bits("local.ftp_directory_mode"),
    ),
    (
        "public-protection",
        Giver::User,
        Meaning::Bits("local.public_file_mode"),
    ),
    (
        "public-directory-protection",
        Giver::User,
        Meaning::Bits("local.public_directory_mode"),
    ),
    (
        "shared-protection",
        Giver::User,
        Meaning::Bits("local.shared_file_mode"),
    ),
    (
        "shared-directory-protection",
        Giver::User,
        Meaning::Bits("local.shared_directory_mode"),
    ),
    (
        "dot-lock-file-timeout",
        Giver::User,
        Meaning::Number("local.dot_lock_timeout"),
    ),
    (
        "disable-lock-warning",
        Giver::User,
        Meaning::Nothing("Mugo has no such warning; see local.without_dot_lock"),
    ),
    (
        "disable-fcntl-locking",
        Giver::User,
        Meaning::Nothing("it has no effect on Linux"),
    ),
    (
        "disable-unix-uids-and-keywords",
        Giver::User,
        Meaning::Nothing("Mugo always keeps UIDs and keywords"),
    ),
    (
        "hide-dot-files",
        Giver::User,
        Meaning::Switch("folders.hide-dot-files"),
    ),
    (
        "list-maximum-level",
        Giver::User,
        Meaning::Number("folders.list-depth"),
    ),
    (
        "network-filesystem-stat-bug",
        Giver::User,
        Meaning::Nothing("Mugo does not trust sizes and times alone"),
    ),
    (
        "restrict-mailbox-access",
        Giver::System,
        Meaning::Restriction,
    ),
    (
        "chroot-server",
        Giver::System,
        Meaning::Switch("local.closed_box"),
    ),
    ("advertise-the-world", Giver::System, ADVERTISING),
    ("limited-advertise", Giver::System, ADVERTISING),
    (
        "disable-automatic-shared-namespaces",
        Giver::User,
        Meaning::Opposite("local.shared_namespaces"),
    ),
];
