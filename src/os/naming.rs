//! What settles the meaning of mailbox names besides the names themselves: the mode of the run, what is forbidden in it,
//! where the shared namespaces are, and the permission bits of what is made.

use std::path::PathBuf;

/// How names become places.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Naming {
    /// The mode of this run.
    pub mode: Mode,
    /// Where mailboxes live below a home; the home itself where absent. Means nothing to anonymous users.
    pub subdirectory: Option<PathBuf>,
    /// Which names are forbidden.
    pub restrictions: Restrictions,
    /// Where the shared namespaces are.
    pub shared: SharedHomes,
    /// Where MH mailboxes are.
    pub mh: MhChoices,
    /// Permission bits of what is made, where they are not the usual ones.
    pub bits: NamespaceBits,
    /// Where `#news.` is.
    pub news: NewsPlaces,
}

/// Where news are, as far as it was said; the usual places where absent.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct NewsPlaces {
    /// The root of the articles.
    pub spool: Option<PathBuf>,
    /// The list of groups.
    pub active: Option<PathBuf>,
    /// Which articles the user has read.
    pub newsrc: Option<PathBuf>,
}

/// What is said of MH mailboxes beside what `.mh_profile` says.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct MhChoices {
    /// Where they are, whatever `.mh_profile` says.
    pub folder: Option<PathBuf>,
    /// Whether INBOX may be the one called `inbox`.
    pub allow_inbox: bool,
}

/// Whose mail a run sees.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Mode {
    /// The user's own, in a home among other homes; mail is delivered to a spool.
    #[default]
    Clear,
    /// A box in which every user has a folder; nothing outside it can be named.
    BlackBox {
        /// The folder that holds one folder a user.
        folder: PathBuf,
        /// The home of users that have no folder there.
        default_home: Option<PathBuf>,
    },
    /// A changed root: everything that can be reached is the user's, who alone is in it. The home is `/`.
    ClosedBox,
    /// Nobody's in particular: the public mailboxes of user ftp.
    Anonymous {
        /// Where they are; in the home of user ftp where absent.
        home: Option<PathBuf>,
    },
}

impl Mode {
    /// Whether INBOX is the file `INBOX` in the mail home, whatever its format, and no spool exists.
    pub fn is_boxed(&self) -> bool {
        *self != Self::Clear
    }

    /// Whether the user is anonymous.
    pub fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous { .. })
    }
}

/// Which names are forbidden. Either one also forbids `..`, `//` and `/~` in all names.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Restrictions {
    /// Absolute names, all but that of the spool.
    pub absolute: bool,
    /// Names of other users' mailboxes.
    pub other_users: bool,
}

impl Restrictions {
    /// Everything that can be forbidden.
    pub const ALL: Self = Self {
        absolute: true,
        other_users: true,
    };

    /// Whether anything is forbidden.
    pub fn any(self) -> bool {
        self.absolute || self.other_users
    }
}

/// Where the shared namespaces are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharedHomes {
    /// `#ftp/`.
    pub ftp: Option<PathBuf>,
    /// `#public/`.
    pub public: Option<PathBuf>,
    /// `#shared/`.
    pub shared: Option<PathBuf>,
    /// Whether the homes of the users ftp, imappublic and imapshared stand in for folders that are not given.
    pub automatic: bool,
}

impl Default for SharedHomes {
    fn default() -> Self {
        Self {
            ftp: None,
            public: None,
            shared: None,
            automatic: true,
        }
    }
}

/// Permission bits asked for in each namespace.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct NamespaceBits {
    /// The user's own mail.
    pub private: Bits,
    /// `#ftp/`.
    pub ftp: Bits,
    /// `#public/`.
    pub public: Bits,
    /// `#shared/`.
    pub shared: Bits,
}

/// Permission bits that were asked for; `None` leaves the usual ones.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Bits {
    /// Of new files.
    pub file: Option<u32>,
    /// Of new directories.
    pub directory: Option<u32>,
}
