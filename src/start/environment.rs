//! From arguments and settings to the [`Environment`] of this run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::{Args, Command};
use crate::config::settings::Settings;
use crate::os::environment::{Environment, SnarfChoices, WithoutDotLock};
use crate::os::home::{self, HomeError, Overrides};
use crate::os::real_files::RealFiles;
use crate::start::demo::Demo;
use crate::start::naming::{absolute, expanded, formats, naming};
use crate::start::network::network;
use crate::start::stop::Stop;

const MINUTE: Duration = Duration::from_secs(60);

/// How often `watch` looks at the latest.
const WATCHING: Duration = Duration::from_secs(2);

/// How long `show` waits for a lock before it shows what is there.
const LOOKING: Duration = Duration::from_millis(500);

/// The environment of this run. In a demonstration every place is inside its folder.
pub fn environment(
    args: &Args,
    settings: &Settings,
    demo: Option<&Demo>,
) -> Result<Environment, Stop> {
    let home = args.common.home.as_ref().map(|home| absolute(home));
    if let Some(home) = &home
        && !home.is_dir()
    {
        let reason = format!("--home {}: no such directory", home.to_string_lossy());
        return Err(Stop::new(reason, 1));
    }
    let local = &settings.local;
    let below = |path: &Option<PathBuf>| {
        let path = path.as_ref()?;
        Some(expanded(path, home.as_deref()))
    };
    let mut overrides = Overrides {
        spool: below(&local.spool),
        naming: naming(local, home.as_deref()),
        formats: formats(local),
        home: home.clone(),
        read_only: args.common.read_only,
        hide_dot_files: settings.folders.hide_dot_files,
        list_depth: usize::try_from(settings.folders.list_depth).ok(),
        dot_lock_timeout: Some(MINUTE * local.dot_lock_timeout),
        without_dot_lock: match local.without_dot_lock.as_str() {
            "flock" => WithoutDotLock::FlockOnly,
            _ => WithoutDotLock::ReadOnly,
        },
        poll_interval: Some(poll_interval(args, settings)),
        lock_patience: lock_patience(args),
        snarfing: SnarfChoices {
            interval: Duration::from_secs(settings.inbox.snarf_interval.into()),
            leave_spool_empty: settings.inbox.leave_spool_empty,
        },
        network: network(settings, args.common.trace.as_deref(), home.as_deref())?,
        ..Overrides::default()
    };
    if let Some(demo) = demo {
        demo.redirect(&mut overrides);
    }
    home::environment(&overrides, Arc::new(RealFiles)).map_err(|error| told(&error))
}

/// How often open mailboxes are looked at. Who only watches one wants its news soon, however short the watch.
fn poll_interval(args: &Args, settings: &Settings) -> Duration {
    let interval = Duration::from_secs(settings.check.interval.into());
    match args.command {
        Some(Command::Watch { .. }) => interval.min(WATCHING),
        _ => interval,
    }
}

/// How long busy locks are waited for, where not as long as usual. Who only looks does not wait for those who write,
/// which lasts a moment when mail is delivered.
fn lock_patience(args: &Args) -> Option<Duration> {
    match args.command {
        _ if args.common.no_wait => Some(Duration::ZERO),
        Some(Command::Show { .. }) => Some(LOOKING),
        _ => None,
    }
}

fn told(error: &HomeError) -> Stop {
    let mut sentence = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        sentence.push_str(": ");
        sentence.push_str(&inner.to_string());
        cause = inner.source();
    }
    Stop::new(sentence, 1)
}
