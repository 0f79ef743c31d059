//! A mail home of its own for a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use mugo::driver::job::{Job, Reports};
use mugo::driver::place::Place;
use mugo::mail::change::Change;
use mugo::mail::name::MailboxName;
use mugo::mail::text::Foreign;
use mugo::os::environment::Environment;
use mugo::os::home::{Overrides, environment};
use mugo::os::naming::{Naming, NewsPlaces};
use mugo::os::real_files::RealFiles;
use tokio_util::sync::CancellationToken;

/// A home with a spool and a state folder beside it, removed at the end.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

/// What a job told.
#[derive(Default)]
pub(crate) struct Heard {
    /// Its notices.
    pub(crate) notices: Mutex<Vec<String>>,
}

impl Reports for Heard {
    fn change(&self, _change: Change) {}

    fn progress(&self, _done: u64, _total: u64) {}

    fn notice(&self, notice: Foreign) {
        self.notices
            .lock()
            .expect("whole")
            .push(notice.raw().to_owned());
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("home")).expect("a home");
        Self { folder }
    }

    /// What is called `path` in the home.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("home").join(path)
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    /// Writes a file of the home, with its parents.
    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("parents");
        fs::write(path, content).expect("a file");
    }

    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            home: Some(self.path("")),
            spool: Some(self.spool()),
            state: Some(self.folder.path().join("state")),
            lock_dir: Some(self.folder.path().to_owned()),
            ..Overrides::default()
        }
    }

    /// Names, with a news spool in the home.
    pub(crate) fn with_news(&self) -> Naming {
        Naming {
            news: NewsPlaces {
                spool: Some(self.path("news/spool")),
                active: Some(self.path("news/active")),
                newsrc: None,
            },
            ..Naming::default()
        }
    }

    pub(crate) fn environment(&self) -> Arc<Environment> {
        self.environment_with(self.overrides())
    }

    pub(crate) fn environment_with(&self, overrides: Overrides) -> Arc<Environment> {
        Arc::new(environment(&overrides, Arc::new(RealFiles)).expect("an environment"))
    }

    /// The folder that holds the home.
    pub(crate) fn outside(&self) -> &Path {
        self.folder.path()
    }
}

pub(crate) fn name(text: &str) -> MailboxName {
    MailboxName::parse(text.as_bytes()).expect(text)
}

pub(crate) fn place(environment: &Environment, text: &str) -> Place {
    match mugo::backend::resolve::resolve(environment, &name(text)) {
        Ok(mugo::backend::resolve::Target::Local(place)) => place,
        other => panic!("{text}: {other:?}"),
    }
}

pub(crate) fn job() -> (Job, Arc<Heard>, CancellationToken) {
    let heard = Arc::new(Heard::default());
    let cancel = CancellationToken::new();
    let reports: Arc<dyn Reports> = Arc::clone(&heard) as Arc<dyn Reports>;
    (Job::new(reports, cancel.clone()), heard, cancel)
}
