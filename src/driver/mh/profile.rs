//! `.mh_profile`: where MH mailboxes are, and what sequences of messages are called there (mh-profile(5)).

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::driver::layout::folder::numbers::is_digits;
use crate::driver::local_file::is_missing;
use crate::driver::mh::sequences::is_name;
use crate::os::environment::Environment;
use crate::os::files::OpenMode;
use crate::os::naming::Mode;
use crate::os::transfer::read_full_at;

/// What the profile says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// The folder of all MH mailboxes.
    pub folder: PathBuf,
    /// The sequences of messages that were not seen; the first is the one to show.
    pub unseen: Vec<String>,
    /// Whether other programs put what comes into those sequences.
    pub keeps_unseen: bool,
    /// The file of a mailbox in which its sequences are.
    pub sequences: PathBuf,
}

/// The largest profile that is read, in bytes.
const LARGEST: usize = 1 << 20;
const UNSEEN: &str = "unseen";
/// The usual file of the sequences.
pub const SEQUENCES: &str = ".mh_sequences";
/// Where mailboxes are when the profile does not say it.
const FOLDER: &str = "Mail";

impl Profile {
    /// The user's profile; `None` where there is none, and no setting names a folder: then there are no MH mailboxes.
    pub fn read(environment: &Environment) -> io::Result<Option<Self>> {
        let given = &environment.naming.mh.folder;
        if environment.naming.mode.is_anonymous() {
            return Ok(None);
        }
        let path = environment.home.join(".mh_profile");
        let text = match environment.files.open(&path, OpenMode::Read) {
            Err(missing) if is_missing(&missing) && given.is_none() => return Ok(None),
            Err(missing) if is_missing(&missing) => Vec::new(),
            Err(refusal) => return Err(refusal),
            Ok(file) => {
                let mut text = vec![0; LARGEST];
                let count = read_full_at(&*file, &mut text, 0)?;
                text.truncate(count);
                text
            }
        };
        let mut profile = Self::parse(&text);
        if let Some(given) = given {
            profile.folder.clone_from(given);
        }
        profile.folder = environment.home.join(profile.folder);
        match is_allowed(environment, &profile.folder) {
            true => Ok(Some(profile)),
            false => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "its Path leads out of the mail home, which is forbidden here",
            )),
        }
    }

    /// What this text says; the folder as it is written there.
    fn parse(text: &[u8]) -> Self {
        let mut profile = Self {
            folder: FOLDER.into(),
            unseen: vec![UNSEEN.to_owned()],
            keeps_unseen: false,
            sequences: SEQUENCES.into(),
        };
        for line in text.split(|byte| b"\r\n".contains(byte)) {
            if let Some(value) = value(line, b"Path:") {
                // Blanks behind it belong to the name.
                let name = value.trim_ascii_start();
                if !name.is_empty() && name.len() != value.len() {
                    profile.folder = Path::new(std::ffi::OsStr::from_bytes(name)).to_owned();
                }
            } else if let Some(value) = value(line, b"Unseen-Sequence:") {
                let words = value.split(u8::is_ascii_whitespace);
                let words = words.filter_map(|word| std::str::from_utf8(word).ok());
                let words = words.filter(|word| is_name(word)).map(str::to_owned);
                let words: Vec<String> = words.collect();
                if !words.is_empty() {
                    (profile.unseen, profile.keeps_unseen) = (words, true);
                }
            } else if let Some(value) = value(line, b"mh-sequences:") {
                let name = Path::new(std::ffi::OsStr::from_bytes(value.trim_ascii()));
                let mut parts = name.components();
                if let (Some(Component::Normal(_)), None) = (parts.next(), parts.next()) {
                    profile.sequences = name.to_owned();
                }
            }
        }
        profile
    }

    /// Whether a mailbox could be at `path`: it is below the folder.
    pub fn covers(&self, path: &Path) -> bool {
        let mut below = match path.strip_prefix(&self.folder) {
            Ok(below) => below.components(),
            Err(_) => return false,
        };
        let is_plain = |part: &Component<'_>| matches!(part, Component::Normal(_));
        // No messages are in the folder itself, hence a year may be a mailbox there.
        let is_first = below.next().is_some_and(|first| is_plain(&first));
        is_first && below.all(|part| is_plain(&part) && !is_digits(part.as_os_str().as_bytes()))
    }
}

/// What stands behind a name at the start of a line.
fn value<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (front, value) = line.split_at_checked(name.len())?;
    front.eq_ignore_ascii_case(name).then_some(value)
}

/// Whether mailboxes may be in `folder`: anywhere, unless names are restricted.
fn is_allowed(environment: &Environment, folder: &Path) -> bool {
    let naming = &environment.naming;
    let free = match naming.mode {
        Mode::Clear => !naming.restrictions.any(),
        _ => false,
    };
    let below = folder.strip_prefix(&environment.home);
    let is_plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    free || below.is_ok_and(|below| below.components().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_as_the_library_and_nmh_read_it() {
        let read = |text: &str| Profile::parse(text.as_bytes());
        let usual = read("");
        assert_eq!(usual.folder, Path::new("Mail"));
        assert_eq!(
            (usual.unseen, usual.keeps_unseen),
            (vec!["unseen".to_owned()], false)
        );
        assert_eq!(usual.sequences, Path::new(".mh_sequences"));
        for (text, folder) in [
            ("Path: mail\n", "mail"),
            ("x: y\r\npATH:\t  a b \r\nz", "a b "),
            ("Path:mail\n", "Mail"),
            ("Path: \n", "Mail"),
            ("Path: a\nPath: /b", "/b"),
            (" Path: a", "Mail"),
        ] {
            assert_eq!(read(text).folder, Path::new(folder), "{text:?}");
        }
        let more = read("Unseen-Sequence: new unread \nmh-sequences: seqs\nUNSEEN-SEQUENCE:\n");
        assert_eq!(more.unseen, ["new", "unread"]);
        assert!(more.keeps_unseen);
        assert_eq!(more.sequences, Path::new("seqs"));
        for hostile in ["../x", "/etc/passwd", "a/b", "..", "."] {
            let name = read(&format!("mh-sequences: {hostile}")).sequences;
            assert_eq!(name, Path::new(SEQUENCES), "{hostile}");
        }
    }

    #[test]
    fn only_what_is_below_the_folder_is_covered() {
        let mut profile = Profile::parse(b"");
        profile.folder = "/home/ann/Mail".into();
        for (path, covered) in [
            ("/home/ann/Mail/x", true),
            ("/home/ann/Mail/x/y", true),
            ("/home/ann/Mail", false),
            ("/home/ann/Mailbox", false),
            ("/home/ann/Mail/../x", false),
            ("/home/ann/x", false),
        ] {
            assert_eq!(profile.covers(Path::new(path)), covered, "{path}");
        }
    }
}
