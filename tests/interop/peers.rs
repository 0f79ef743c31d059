//! Which other programs are here, and what to say when one is not.

use std::io::Write;
use std::path::Path;

/// Tells whether all `programs` are installed. Where one is not: a line on standard error, or a failure
/// when peers were demanded.
pub(crate) fn have(test: &str, programs: &[&str]) -> bool {
    let missing: Vec<_> = programs
        .iter()
        .copied()
        .filter(|name| !installed(name))
        .collect();
    if missing.is_empty() {
        return true;
    }
    skip(test, &format!("needs {}", missing.join(", ")));
    false
}

/// Says that `test` was not run and why; fails when peers were demanded.
pub(crate) fn skip(test: &str, why: &str) {
    assert!(!demanded(), "{test}: {why}");
    // Written past the test harness, which would keep it to itself for a test that passes.
    let _ = writeln!(std::io::stderr(), "not run: interop {test}: {why}");
}

/// Says that this machine does not let `test` do what it needs: no program is missing, so that is no failure.
pub(crate) fn cannot(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "not run: interop {test}: {why}");
}

/// Whether a missing peer is a failure.
pub(crate) fn demanded() -> bool {
    std::env::var_os("MUGO_PEERS").is_some_and(|value| value == "1")
}

/// Whether the long loops are wanted.
pub(crate) fn night() -> bool {
    std::env::var_os("MUGO_NIGHT").is_some_and(|value| value == "1")
}

fn installed(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path);
    places
        .chain([
            "/usr/sbin".into(),
            "/sbin".into(),
            "/usr/lib/news/bin".into(),
        ])
        .any(|place| is_file(&place.join(name)))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| data.is_file())
}
