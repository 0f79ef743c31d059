//! Whole transfers from single calls: loops over short reads, short writes, interruptions.

use std::io;
use std::thread;
use std::time::Duration;

use crate::os::files::MailFile;

const PATIENCE: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// Fills `buffer` from `offset`. An end of the file before that is [`io::ErrorKind::UnexpectedEof`].
pub fn read_exact_at(file: &dyn MailFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    if read_full_at(file, buffer, offset)? == buffer.len() {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the file ended before the bytes wanted",
        ))
    }
}

/// Fills `buffer` from `offset` as far as the file goes; returns how many bytes that were.
pub fn read_full_at(file: &dyn MailFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    let mut refusals = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) => bear(error, &mut refusals)?,
        }
    }
    Ok(done)
}

/// Writes all of `bytes` at `offset`. A call that takes nothing is [`io::ErrorKind::WriteZero`].
pub fn write_all_at(file: &mut dyn MailFile, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    let mut refusals = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match file.write_at(rest, offset + done as u64) {
            Ok(0) => {
                return Err(io::Error::new(
                    io::ErrorKind::WriteZero,
                    "the file takes no more bytes",
                ));
            }
            Ok(count) => done += count,
            Err(error) => bear(error, &mut refusals)?,
        }
    }
    Ok(())
}

/// Passes over an interruption, waits a little for a file that would block, gives any other error back.
fn bear(error: io::Error, refusals: &mut u32) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock if *refusals < PATIENCE => {
            *refusals += 1;
            thread::sleep(PAUSE);
            Ok(())
        }
        _ => Err(error),
    }
}
