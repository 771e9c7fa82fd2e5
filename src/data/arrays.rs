//! The arrays of numbers of an NPZ file, by their names: weights, which are called otherwise in every framework.

use super::npy::{Header, NpyError};
use super::npz::{Number, Stop, numbers};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// An array of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArray {
    /// Its name in the file, `.npy` not counted.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its elements, the last dimension running fastest.
    pub values: Vec<f64>,
    /// They are integers.
    pub whole: bool,
}

/// Why a file's arrays cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArraysError {
    /// It cannot be opened.
    #[error("{}: cannot be read: {reason}", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It is no NPZ file, or a damaged one.
    #[error("{}: cannot be read as NPZ: {reason}; write it with numpy.savez(file, w1=..., b1=..., ...)", .path.display())]
    Npz {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// An array in it is damaged.
    #[error("{}: array `{array}`: {reason}", .path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// Its name.
        array: String,
        /// Why.
        reason: String,
    },
}

/// All arrays of numbers that have at most so many elements, in the order of the file. What has more, or other elements than
/// numbers, is left out.
///
/// # Errors
/// The file cannot be read.
pub fn read_arrays(path: &Path, most: usize) -> Result<Vec<NamedArray>, ArraysError> {
    let open = |e: std::io::Error| ArraysError::Open { path: path.to_owned(), reason: e.to_string() };
    let file = crate::whole::open_file(path).map_err(open)?;
    let npz = |e: zip::result::ZipError| ArraysError::Npz { path: path.to_owned(), reason: e.to_string() };
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(npz)?;
    let mut arrays = Vec::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(npz)?;
        let Some(name) = entry.name().strip_suffix(".npy").map(str::to_owned) else { continue };
        let failed = |e: NpyError| {
            let array = crate::design::printable(&name, LONGEST_NAME);
            ArraysError::Array { path: path.to_owned(), array, reason: e.to_string() }
        };
        let header = Header::read(&mut entry).map_err(failed)?;
        if header.count().map_err(failed)? > most as u64 {
            continue;
        }
        let (mut values, mut whole) = (Vec::new(), true);
        let read = numbers(&header, &mut entry, |number| {
            values.push(match number {
                Number::Byte(byte) => byte.into(),
                Number::Whole(value) => value as f64,
                Number::Float(value) => {
                    whole = false;
                    value
                }
            });
            Ok(())
        });
        match read {
            None => continue,
            Some(Err(Stop::Npy(e))) => return Err(failed(e)),
            // Nothing else ends it: every number is taken.
            Some(_) => {}
        }
        let values = header.in_order(values);
        arrays.push(NamedArray { name, shape: header.shape, values, whole });
    }
    Ok(arrays)
}

/// Of a name that is shown.
const LONGEST_NAME: usize = 80;
