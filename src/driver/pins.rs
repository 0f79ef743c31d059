//! Certificates that the user looked at and accepted, by host and port, in the state folder: a line each,
//! `HOST PORT SHA-256`. Only the one that was accepted is known again; another one of the same host is asked about as a change.

use std::io;
use std::path::PathBuf;

use crate::driver::error::{Error, Result};
use crate::driver::layout::folder::whole_file::read_whole;
use crate::os::environment::Environment;
use crate::os::hex::{hex, unhex};
use crate::os::home::private_folder;
use crate::os::replace::replace;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The certificates that were accepted.
pub struct Pins<'e> {
    environment: &'e Environment,
    path: PathBuf,
}

impl<'e> Pins<'e> {
    /// Those of this user.
    pub fn new(environment: &'e Environment) -> Self {
        Self {
            environment,
            path: environment.state.join("certificates"),
        }
    }

    /// The SHA-256 of the certificate that was accepted for this host and port.
    pub fn pinned(&self, host: &str, port: u16) -> Option<[u8; 32]> {
        let lines = self.lines().unwrap_or_default();
        let found = lines.iter().rev().find(|line| is_of(line, host, port))?;
        unhex(found.split(' ').nth(2)?)?.try_into().ok()
    }

    /// Accepts a certificate in place of the one before. Where nothing may be written it holds for nothing but this moment.
    pub fn pin(&self, host: &str, port: u16, digest: [u8; 32]) -> Result<()> {
        if self.environment.read_only {
            return Ok(());
        }
        let mut lines = self.lines()?;
        lines.retain(|line| !is_of(line, host, port));
        lines.push(format!(
            "{} {port} {}",
            host.to_ascii_lowercase(),
            hex(&digest)
        ));
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let files = &*self.environment.files;
        let written = private_folder(files, &self.environment.state)
            .and_then(|()| replace(files, &self.path, text.as_bytes()));
        written.map_err(Error::io(&self.path))
    }

    fn lines(&self) -> Result<Vec<String>> {
        let bytes = match read_whole(&*self.environment.files, &self.path, LARGEST) {
            Ok((bytes, _)) => bytes,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(refusal) => return Err(Error::io(&self.path)(refusal)),
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(text.lines().map(str::to_owned).collect())
    }
}

fn is_of(line: &str, host: &str, port: u16) -> bool {
    let mut words = line.split(' ');
    let same_host = words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case(host));
    same_host && words.next() == Some(&port.to_string())
}
