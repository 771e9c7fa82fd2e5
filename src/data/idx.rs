//! IDX, the file format of MNIST and Fashion-MNIST: a magic number, the dimensions, then bytes; gzipped or not.
//!
//! A header is never believed: it says how many bytes to expect, and memory grows only with the bytes that come.

use super::npy::MAX_VALUES;
use super::packed::{IMAGES, LABELS, foreign, unpacked, up_to};
use super::{DataError, Form, Samples, first_of};
use crate::network::Shape;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Training and test samples from the four files of a folder.
pub(super) fn read(folder: &Path) -> Result<(Samples, Samples), DataError> {
    Ok((read_part(folder, "train")?, read_part(folder, "t10k")?))
}

fn read_part(folder: &Path, part: &str) -> Result<Samples, DataError> {
    let images_path = find(folder, part, "images", 3)?;
    let labels_path = find(folder, part, "labels", 1)?;
    let (images_file, labels_file) = (open(&images_path)?, open(&labels_path)?);
    assemble(&images_path, images_file, &labels_path, labels_file)
}

/// The first of the usual spellings that is there.
fn find(folder: &Path, part: &str, kind: &str, dimensions: u32) -> Result<PathBuf, DataError> {
    let stem = |joint: char| format!("{part}-{kind}{joint}idx{dimensions}-ubyte");
    first_of(folder, vec![stem('-'), stem('-') + ".gz", stem('.'), stem('.') + ".gz"])
}

fn open(path: &Path) -> Result<BufReader<File>, DataError> {
    Ok(BufReader::with_capacity(1 << 16, super::open(path)?))
}

fn assemble(
    images_path: &Path,
    images_file: impl BufRead,
    labels_path: &Path,
    labels_file: impl BufRead,
) -> Result<Samples, DataError> {
    let images = parse(images_path, images_file, IMAGES)?;
    let labels = parse(labels_path, labels_file, LABELS)?;
    let (count, labels_count) = (images.shape[0], labels.shape[0]);
    if count != labels_count {
        return Err(DataError::Counts {
            images: (images_path.to_owned(), count),
            labels: (labels_path.to_owned(), labels_count),
        });
    }
    let shape = Shape { rows: images.shape[1], columns: images.shape[2], channels: 1 };
    Ok(Samples {
        inputs: shape.neurons(),
        form: Form::Image(shape),
        values: images.bytes.iter().map(|&v| f32::from(v) / 255.0).collect(),
        labels: labels.bytes.iter().map(|&l| u16::from(l)).collect(),
    })
}

/// An array of bytes as its header describes it, none of its dimensions 0.
#[derive(Debug)]
struct Array {
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// Parses a file that should begin with `magic`.
fn parse(path: &Path, file: impl BufRead, magic: [u8; 4]) -> Result<Array, DataError> {
    unpacked(path, file, |file, failed| parse_plain(path, file, magic, failed))
}

fn parse_plain(
    path: &Path,
    mut file: impl Read,
    magic: [u8; 4],
    failed: impl Fn(io::Error) -> DataError,
) -> Result<Array, DataError> {
    let header_len = 4 + 4 * usize::from(magic[3]);
    let header = up_to(&mut file, header_len as u64).map_err(&failed)?;
    let truncated =
        |expected: u128, found| DataError::Truncated { path: path.to_owned(), expected, found: found as u64 };
    if header.len() < magic.len() {
        return Err(truncated(header_len as u128, header.len()));
    }
    if header[..4] != magic {
        let expected = if magic == IMAGES { "an IDX file of images" } else { "an IDX file of labels" };
        return Err(DataError::Magic { path: path.to_owned(), expected, found: describe(&header) });
    }
    if header.len() < header_len {
        return Err(truncated(header_len as u128, header.len()));
    }
    let dimensions = header[4..].chunks_exact(4).map(|d| u32::from_be_bytes([d[0], d[1], d[2], d[3]]));
    let shape: Vec<usize> = dimensions.clone().map(|d| d as usize).collect();
    let body = dimensions.map(u128::from).product::<u128>(); // three 32-bit factors at most: below 2^96
    if body == 0 {
        return Err(DataError::Empty { path: path.to_owned(), what: "the array".into(), shape });
    }
    if body > u128::from(MAX_VALUES) {
        return Err(DataError::Large { path: path.to_owned(), shape, most: MAX_VALUES });
    }
    // One byte more than announced, to see whether the file ends there.
    let bytes = up_to(&mut file, u64::try_from(body + 1).unwrap_or(u64::MAX)).map_err(&failed)?;
    let expected = header_len as u128 + body;
    match (bytes.len() as u128).cmp(&body) {
        std::cmp::Ordering::Less => Err(truncated(expected, header_len + bytes.len())),
        std::cmp::Ordering::Equal => Ok(Array { shape, bytes }),
        std::cmp::Ordering::Greater => {
            Err(DataError::TrailingBytes { path: path.to_owned(), expected: expected as u64 })
        }
    }
}

/// What a file is, by its first bytes (at least four).
fn describe(head: &[u8]) -> String {
    if let Some(what) = foreign(head) {
        return what.to_owned();
    }
    if head.starts_with(&[0, 0]) {
        return format!(
            "an IDX file of element type {:#04x} with {} dimensions (needed: type 0x08, unsigned bytes)",
            head[2], head[3]
        );
    }
    let hex: Vec<String> = head.iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!("no IDX file (it begins with the bytes {})", hex.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    fn idx(magic: [u8; 4], shape: &[u32], body: &[u8]) -> Vec<u8> {
        let mut file = magic.to_vec();
        file.extend(shape.iter().flat_map(|d| d.to_be_bytes()));
        file.extend(body);
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn parse_images(file: &[u8]) -> Result<Array, DataError> {
        parse(Path::new("images"), file, IMAGES)
    }

    #[test]
    fn pixels_and_labels_keep_their_places() {
        let images = idx(IMAGES, &[2, 1, 3], &[0, 51, 255, 102, 153, 204]);
        let labels = idx(LABELS, &[2], &[7, 2]);
        let (i, l) = (Path::new("i"), Path::new("l"));
        let samples = assemble(i, &images[..], l, &gzip(&labels)[..]).unwrap();
        assert_eq!(samples, assemble(i, &gzip(&images)[..], l, &labels[..]).unwrap());
        assert_eq!((samples.inputs, samples.form.to_string().as_str()), (3, "1x3x1"));
        assert_eq!(samples.values, [0.0, 0.2, 1.0, 0.4, 0.6, 0.8]);
        assert_eq!(samples.labels, [7, 2]);
        let short = idx(LABELS, &[1], &[7]);
        let error = assemble(i, &images[..], l, &short[..]).unwrap_err();
        assert!(matches!(error, DataError::Counts { images: (_, 2), labels: (_, 1) }), "{error}");
    }

    #[test]
    fn every_cut_and_every_addition_is_noticed() {
        let whole = idx(IMAGES, &[2, 2, 2], &[9; 8]);
        for cut in 0..whole.len() {
            for file in [whole[..cut].to_vec(), gzip(&whole[..cut])] {
                let error = parse_images(&file).unwrap_err();
                assert!(
                    matches!(error, DataError::Truncated { found, .. } if found == cut as u64),
                    "{cut}: {error}"
                );
            }
        }
        let longer = [&whole[..], &[0]].concat();
        for file in [longer.clone(), gzip(&longer)] {
            let error = parse_images(&file).unwrap_err();
            assert!(matches!(error, DataError::TrailingBytes { expected: 24, .. }), "{error}");
        }
        let zipped = gzip(&whole);
        for cut in 2..zipped.len() {
            let error = parse_images(&zipped[..cut]).unwrap_err();
            assert!(matches!(error, DataError::Gzip { .. }), "{cut}: {error}");
        }
        let mut corrupt = zipped.clone();
        let crc = corrupt.len() - 8;
        corrupt[crc] ^= 1;
        assert!(matches!(parse_images(&corrupt).unwrap_err(), DataError::Gzip { .. }));
        assert!(matches!(parse_images(&[&zipped[..], b"x"].concat()).unwrap_err(), DataError::Gzip { .. }));
    }

    #[test]
    fn announced_sizes_are_not_believed() {
        for shape in [[u32::MAX; 3], [u32::MAX, 1, 1], [1 << 31, 1 << 31, 4]] {
            for file in [idx(IMAGES, &shape, &[1, 2, 3]), gzip(&idx(IMAGES, &shape, &[1, 2, 3]))] {
                let error = parse_images(&file).unwrap_err();
                assert!(matches!(error, DataError::Large { .. }), "{error}");
            }
        }
        let shape = [MAX_VALUES as u32, 1, 1];
        for file in [idx(IMAGES, &shape, &[1, 2, 3]), gzip(&idx(IMAGES, &shape, &[1, 2, 3]))] {
            let announced = 16 + u128::from(MAX_VALUES);
            let error = parse_images(&file).unwrap_err();
            assert!(
                matches!(error, DataError::Truncated { expected, found: 19, .. } if expected == announced),
                "{error}"
            );
        }
        for shape in [[0, 28, 28], [1, 0, 28], [u32::MAX, u32::MAX, 0]] {
            assert!(matches!(parse_images(&idx(IMAGES, &shape, &[])).unwrap_err(), DataError::Empty { .. }));
        }
    }

    #[test]
    fn foreign_files_are_called_by_their_name() {
        let cases: [(&[u8], &str); 9] = [
            (&idx(LABELS, &[2], &[1, 2]), "a labels file"),
            (b"\x89PNG\r\n\x1a\n", "PNG"),
            (b"<!DOCTYPE html><html>", "HTML"),
            (b"PK\x03\x04........", "ZIP or NPZ"),
            (b"\x93NUMPY\x01\x00..........", "a NumPy array"),
            (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
            (b"\x00\x00\x0d\x03..............", "element type 0x0d with 3 dimensions"),
            (b"plain text, not much of it", "70 6c 61 69"),
            (&gzip(&gzip(b"twice")), "gzip data inside gzip data"),
        ];
        for (file, expected) in cases {
            let error = parse_images(file).unwrap_err();
            assert!(matches!(error, DataError::Magic { .. }), "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    proptest! {
        /// Damaged files give an error or, where the damage hits pixels only, an array of the announced size.
        #[test]
        fn damaged_files_never_panic(
            zipped: bool,
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = idx(IMAGES, &[3, 2, 2], &[5; 12]);
            let mut file = if zipped { gzip(&whole) } else { whole };
            for (at, byte) in damage {
                let at = at.index(file.len());
                file[at] = byte;
            }
            file.truncate(file.len() - cut.index(3));
            if let Ok(array) = parse_images(&file) {
                prop_assert_eq!(array.bytes.len(), array.shape.iter().product::<usize>());
            }
        }
    }
}
