//! A file that is written whole or not at all, and refused when a bit of it has changed.
//!
//! Layout, integers little endian: 8 bytes that say what it is, u32 version, u32 length of a JSON header, the header,
//! values, SHA-256 of all that comes before.

use crate::design::KeyDifference;
use crate::whole;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};

/// What a file says it is.
pub type Magic = [u8; 8];

const VERSION: u32 = 2;
const DIGEST: usize = 32;

/// Why a checkpoint cannot be used or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CheckpointError {
    /// The operating system refused.
    #[error("{}: the checkpoint cannot be {action}: {reason}", .path.display())]
    #[diagnostic(help(
        "check that the folder exists, that you may write there, and that the disk is not full"
    ))]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// What the operating system said.
        reason: io::Error,
    },
    /// Not a checkpoint, or a damaged one.
    #[error("{}: {problem}", .path.display())]
    #[diagnostic(help("delete the file and train from the start (without --resume)"))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Of another training.
    #[error("{}: the checkpoint belongs to another training: other values of {}", .path.display(), told(.differences))]
    #[diagnostic(help(
        "resume with the design, data, --seed and --samples it was made with, give another folder with --out, or train from the start (without --resume)"
    ))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What differs, each there and here.
        differences: Vec<KeyDifference>,
    },
}

/// Differences, one after the other.
fn told(differences: &[KeyDifference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Writes the file, whole or not at all.
///
/// # Errors
/// The operating system refused.
pub fn write(
    path: &Path,
    magic: Magic,
    header: &impl Serialize,
    values: &[u8],
) -> Result<(), CheckpointError> {
    let fail = |reason| CheckpointError::Io { path: path.to_owned(), action: "written", reason };
    let header = serde_json::to_vec(header).map_err(|e| fail(e.into()))?;
    let mut bytes = Vec::with_capacity(16 + header.len() + values.len() + DIGEST);
    bytes.extend_from_slice(&magic);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(values);
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);

    whole::write(path, &bytes).map_err(fail)
}

/// Header and values of a file; `None` when there is none.
///
/// # Errors
/// The file cannot be read, is damaged, something else, or of another version.
pub fn read<H: DeserializeOwned>(path: &Path, magic: Magic) -> Result<Option<(H, Vec<u8>)>, CheckpointError> {
    let bytes = match whole::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(reason) => return Err(CheckpointError::Io { path: path.to_owned(), action: "read", reason }),
    };
    let (header, values) = take_apart(&bytes, magic)
        .map_err(|problem| CheckpointError::Damaged { path: path.to_owned(), problem })?;
    Ok(Some((header, values.to_vec())))
}

/// Takes apart what [`write`] put together; says what is wrong otherwise.
fn take_apart<H: DeserializeOwned>(bytes: &[u8], magic: Magic) -> Result<(H, &[u8]), String> {
    let cut = || format!("the checkpoint is cut off ({} bytes)", bytes.len());
    let (found, rest) = bytes.split_first_chunk::<8>().ok_or_else(cut)?;
    if *found != magic {
        return Err("this is not a checkpoint of eqhdl of this kind".to_owned());
    }
    let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let version = u32::from_le_bytes(*version);
    if version != VERSION {
        return Err(format!(
            "the checkpoint has format version {version}; this eqhdl reads version {VERSION}"
        ));
    }
    let (body, digest) = bytes.split_last_chunk::<DIGEST>().ok_or_else(cut)?;
    if Sha256::digest(body)[..] != digest[..] {
        return Err("the checkpoint is cut off or corrupt: its checksum does not match".to_owned());
    }
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let rest = &rest[..rest.len().checked_sub(DIGEST).ok_or_else(cut)?];
    let (header, values) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut)?;
    let header = serde_json::from_slice(header).map_err(|e| format!("the checkpoint's header: {e}"))?;
    Ok((header, values))
}
