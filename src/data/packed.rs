//! The bytes of a file that may be gzipped, and what a file is that is not what it should be.

use super::DataError;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, Read};
use std::path::Path;

/// First bytes of an IDX file of images: unsigned bytes, three dimensions.
pub(super) const IMAGES: [u8; 4] = [0, 0, 8, 3];
/// Of labels: unsigned bytes, one dimension.
pub(super) const LABELS: [u8; 4] = [0, 0, 8, 1];

/// Hands on the contents of a file, and how a failure to read them is to be told. Whether they are gzipped is seen in
/// their first bytes, not in the file's name: browsers unpack files and keep the name, or the other way round.
pub(super) fn unpacked<T>(
    path: &Path,
    mut file: impl BufRead,
    then: impl FnOnce(&mut dyn Read, &dyn Fn(io::Error) -> DataError) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let zipped = file.fill_buf().map_err(DataError::read(path))?.starts_with(&[0x1f, 0x8b]);
    if zipped {
        let failed = |reason| DataError::Gzip { path: path.to_owned(), reason };
        then(&mut MultiGzDecoder::new(file), &failed)
    } else {
        then(&mut file, &DataError::read(path))
    }
}

/// The next `limit` bytes, or fewer where the file ends. Memory grows with the bytes that come.
pub(super) fn up_to(file: &mut (impl Read + ?Sized), limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a file is that should be another, by its first bytes (at least four), where they are known.
pub(super) fn foreign(head: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 11] = [
        (&LABELS, "a labels file"),
        (&IMAGES, "an images file"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"<", "HTML or XML, perhaps the error page of a failed download"),
        (b"PK\x03\x04", "a ZIP or NPZ archive"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"\xfd7zXZ", "an xz archive: unpack it first"),
        (b"\x1f\x8b", "gzip data inside gzip data: unpack it once"),
        (b"version https://git-lfs", "a pointer of Git LFS: run `git lfs pull`"),
        (b"\x80\x02}q", "a pickle of Python: take the binary version of the data set"),
    ];
    if head.get(257..262) == Some(b"ustar") {
        return Some("a tar archive: unpack it first");
    }
    let is = |magic: &[u8]| head.starts_with(magic) || magic.starts_with(head);
    known.iter().find(|(magic, _)| is(magic)).map(|(_, what)| *what)
}
