//! Reading a file whole.

use std::io;
use std::path::Path;

use crate::driver::layout::file::access::Stamp;
use crate::os::files::{FileLayer, OpenMode};
use crate::os::transfer::read_full_at;

/// The bytes of a plain file of at most `largest` bytes, and its stamp.
pub fn read_whole(
    files: &dyn FileLayer,
    path: &Path,
    largest: u64,
) -> io::Result<(Vec<u8>, Stamp)> {
    let file = files.open(path, OpenMode::Read)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > largest {
        let why = "it is no plain file of sane size";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let room = usize::try_from(metadata.len()).unwrap_or(0);
    let mut bytes = vec![0; room];
    let count = read_full_at(&*file, &mut bytes, 0)?;
    bytes.truncate(count);
    Ok((bytes, Stamp::of(&metadata)))
}
