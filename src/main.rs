//! The program: everything it does is told in [`mugo::start::run`].

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(mugo::start::run::run())
}
