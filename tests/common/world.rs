//! A scratch world: a home, a spool, a state folder and a lock folder of its own, gone when dropped.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mugo::os::environment::{Environment, Process, SnarfChoices, User, WithoutDotLock};
use mugo::os::files::FileLayer;
use mugo::os::formats::Formats;
use mugo::os::guard::Guards;
use mugo::os::naming::{MhChoices, Naming, NewsPlaces};
use mugo::os::network::Network;
use mugo::os::real_files::RealFiles;
use tempfile::TempDir;

/// The folders, and the environment of one program that uses them.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) environment: Environment,
}

/// A fresh world on the real file system.
pub(crate) fn world() -> World {
    world_with(Arc::new(RealFiles))
}

/// A fresh world whose program sees files through `files`.
pub(crate) fn world_with(files: Arc<dyn FileLayer>) -> World {
    let dir = tempfile::tempdir().expect("a scratch folder");
    for folder in ["home", "spool", "state", "locks"] {
        std::fs::create_dir(dir.path().join(folder)).expect("a folder in it");
    }
    let environment = environment(dir.path(), files);
    World { dir, environment }
}

impl World {
    /// A file in the home folder, with this content.
    pub(crate) fn mailbox(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.environment.home.join(name);
        std::fs::write(&path, content).expect("a mailbox");
        path
    }

    /// The environment of another program in the same world.
    pub(crate) fn another(&self, files: Arc<dyn FileLayer>) -> Environment {
        environment(self.dir.path(), files)
    }
}

/// The environment of a program that lives in `root`, as [`world_with`] makes it.
pub(crate) fn environment(root: &Path, files: Arc<dyn FileLayer>) -> Environment {
    Environment {
        files,
        user: User {
            name: "bob".into(),
            uid: rustix::process::getuid().as_raw(),
        },
        process: Process::current().expect("a process of its own"),
        home: root.join("home"),
        spool: root.join("spool/bob"),
        state: root.join("state"),
        lock_dir: root.join("locks"),
        // Every directory of the home can be a mailbox of MH.
        naming: Naming {
            mh: MhChoices {
                folder: Some(root.join("home")),
                allow_inbox: false,
            },
            news: NewsPlaces {
                spool: Some(root.join("news/spool")),
                active: Some(root.join("news/active")),
                newsrc: None,
            },
            ..Naming::default()
        },
        formats: Formats::default(),
        read_only: false,
        hide_dot_files: false,
        list_depth: 20,
        dot_lock_timeout: Duration::from_secs(300),
        without_dot_lock: WithoutDotLock::ReadOnly,
        lock_helpers: Vec::new(),
        network: Network::default(),
        snarfing: SnarfChoices::default(),
        booted: None,
        lock_patience: Duration::from_millis(50),
        poll_interval: Duration::from_secs(1),
        guards: Guards::default(),
        kisses: Arc::new(AtomicU64::new(0)),
        clock: Arc::new(|| {
            let since = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            since.as_secs() as i64
        }),
    }
}
