//! Signals: SIGINT, SIGTERM and SIGHUP end a command cleanly; SIGUSR2 is c-client's "give up your lock".

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::setup::Interrupt;
use crate::mail::reason::in_words;
use crate::os::environment::Environment;
use crate::start::stop::Stop;

/// A second signal this long after the first ends the program at once: it is stuck, in a pipe nobody reads perhaps.
const STUCK: Duration = Duration::from_secs(1);

/// Watches for signals. The screen watches for those that end it by itself, so `for_command` tells whether we do.
pub fn watch(
    runtime: &Runtime,
    environment: &Arc<Environment>,
    for_command: bool,
) -> Result<Arc<Interrupt>, Stop> {
    let interrupt = Arc::new(Interrupt::default());
    let failed =
        |error: io::Error| Stop::new(format!("cannot watch for signals: {}", in_words(&error)), 1);
    let _inside = runtime.enter();
    let kiss = signal(SignalKind::user_defined2()).map_err(failed)?;
    runtime.spawn(count_kisses(kiss, environment.clone()));
    if for_command {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        for kind in kinds {
            let stream = signal(kind).map_err(failed)?;
            runtime.spawn(raise(stream, kind.as_raw_value(), interrupt.clone()));
        }
    }
    Ok(interrupt)
}

async fn count_kisses(mut kiss: Signal, environment: Arc<Environment>) {
    while kiss.recv().await.is_some() {
        environment.kisses.fetch_add(1, Ordering::SeqCst);
    }
}

async fn raise(mut stream: Signal, number: i32, interrupt: Arc<Interrupt>) {
    let mut first = None;
    while stream.recv().await.is_some() {
        interrupt.raise(number);
        let since = first.get_or_insert_with(Instant::now);
        if since.elapsed() > STUCK {
            std::process::exit(128 + number);
        }
    }
}
