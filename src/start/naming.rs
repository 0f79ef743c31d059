//! From settings to what names mean and which formats are used.

use std::path::{Path, PathBuf};

use crate::config::settings::Local;
use crate::os::formats::{FormatChoice, Formats};
use crate::os::naming::{
    Bits, MhChoices, Mode, NamespaceBits, Naming, NewsPlaces, Restrictions, SharedHomes,
};

/// What names mean, and which are forbidden.
pub fn naming(local: &Local, home: Option<&Path>) -> Naming {
    let below = |path: &Option<PathBuf>| path.as_ref().map(|path| expanded(path, home));
    let subdirectory = local.mail_subdirectory.clone();
    Naming {
        mode: mode(local, home),
        subdirectory: subdirectory.filter(|folder| !folder.as_os_str().is_empty()),
        restrictions: Restrictions {
            absolute: matches!(local.restrict.as_str(), "absolute" | "all"),
            other_users: matches!(local.restrict.as_str(), "other-users" | "all"),
        },
        shared: SharedHomes {
            ftp: below(&local.ftp_home),
            public: below(&local.public_home),
            shared: below(&local.shared_home),
            automatic: local.shared_namespaces,
        },
        mh: MhChoices {
            folder: below(&local.mh_path),
            allow_inbox: local.mh_allow_inbox,
        },
        bits: NamespaceBits {
            private: bits(local.file_mode, local.directory_mode),
            ftp: bits(local.ftp_file_mode, local.ftp_directory_mode),
            public: bits(local.public_file_mode, local.public_directory_mode),
            shared: bits(local.shared_file_mode, local.shared_directory_mode),
        },
        news: NewsPlaces {
            spool: below(&local.news_spool),
            active: below(&local.news_active),
            newsrc: below(&local.newsrc),
        },
    }
}

/// Which formats are used, and for what.
pub fn formats(local: &Local) -> Formats {
    let choice = |word: &str| match word {
        "same-as-inbox" => FormatChoice::SameAsInbox,
        "invalid" => FormatChoice::Refused,
        format => FormatChoice::Named(format.to_owned()),
    };
    Formats {
        disabled: local.disabled_drivers.clone(),
        new: choice(&local.new_format),
        empty: choice(&local.empty_format),
        keywords: local.keywords.clone(),
        nfs_writes: local.nfs_writes,
    }
}

/// The mode; the strictest where several are asked for.
fn mode(local: &Local, home: Option<&Path>) -> Mode {
    let below = |path: &Path| expanded(path, home);
    match &local.black_box {
        _ if local.anonymous => Mode::Anonymous {
            home: local.anonymous_home.as_deref().map(below),
        },
        Some(folder) => Mode::BlackBox {
            folder: below(folder),
            default_home: local.black_box_default_home.as_deref().map(below),
        },
        None if local.closed_box => Mode::ClosedBox,
        None => Mode::Clear,
    }
}

fn bits(file: u32, directory: u32) -> Bits {
    Bits {
        file: Some(file),
        directory: Some(directory),
    }
}

/// `~/x` below the mail home, everything else as it is.
pub fn expanded(path: &Path, home: Option<&Path>) -> PathBuf {
    let own_home = || std::env::var_os("HOME").map(PathBuf::from);
    match path.strip_prefix("~") {
        Ok(rest) => {
            let home = home.map(Path::to_owned).or_else(own_home);
            home.map_or_else(|| path.to_owned(), |home| home.join(rest))
        }
        Err(_) => absolute(path),
    }
}

/// A path that does not depend on where the program was started.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
