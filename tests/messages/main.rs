//! Messages from bytes to rows: structure, text, and everything that hostile mail tries.

mod bombs;
mod printable;
mod robust;
mod screens;
mod spoofs;
mod structures;

use std::fs;

/// The bytes of a message in `tests/fixtures/`.
fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A message with CRLF line ends.
fn message(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}
