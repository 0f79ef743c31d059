//! The namespaces besides the user's own mail that there are on this machine.

use std::path::PathBuf;

use crate::backend::resolve::{Target, resolve};
use crate::driver::news::group::active_path;
use crate::mail::name::MailboxName;
use crate::os::environment::Environment;

/// Mailboxes whose names begin alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Namespace {
    /// What people call it.
    pub title: &'static str,
    /// What the names begin with.
    pub prefix: &'static str,
    /// What parts the levels of the names.
    pub delimiter: char,
}

/// All namespaces, in the order in which they are shown.
static ALL: [Namespace; 5] = [
    below("MH", "#mh/"),
    Namespace {
        title: "News",
        prefix: "#news.",
        delimiter: '.',
    },
    below("Public", "#public/"),
    below("Shared", "#shared/"),
    below("FTP", "#ftp/"),
];

const fn below(title: &'static str, prefix: &'static str) -> Namespace {
    Namespace {
        title,
        prefix,
        delimiter: '/',
    }
}

/// Those that are there: their directories are, and names in them are not forbidden. Of news there is a list of groups.
pub fn present(environment: &Environment) -> Vec<Namespace> {
    let metadata = |path: PathBuf| environment.files.metadata(&path).ok();
    let is_there = |namespace: &&Namespace| match namespace.delimiter {
        '.' => metadata(active_path(environment)).is_some_and(|found| found.is_file()),
        _ => {
            let folder = folder(environment, namespace);
            let metadata = folder.and_then(metadata);
            metadata.is_some_and(|found| found.is_dir())
        }
    };
    ALL.iter().filter(is_there).copied().collect()
}

/// Where the mailboxes of a namespace are.
fn folder(environment: &Environment, namespace: &Namespace) -> Option<PathBuf> {
    let some = format!("{}x", namespace.prefix);
    let name = MailboxName::parse(some.as_bytes()).ok()?;
    match resolve(environment, &name).ok()? {
        Target::Local(place) => place.path.parent().map(ToOwned::to_owned),
        Target::Remote(..) => None,
    }
}
