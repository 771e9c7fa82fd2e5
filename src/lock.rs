//! A folder that belongs to one process at a time.
//!
//! The operating system holds the lock and lets go of it when the process ends, however it ends: no lock is ever
//! stale. The file says which process that is, for the message only.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The right to use a folder, until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LockError {
    /// Another process has it.
    #[error("{} is in use by process {process}", .folder.display())]
    #[diagnostic(help("wait until it has ended, or give another folder with --out"))]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The number of the other process.
        process: String,
    },
    /// The lock file cannot be made.
    #[error("cannot lock {}: {source}", .folder.display())]
    #[diagnostic(help("check that the folder can be written to"))]
    Io {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Lock {
    /// Takes a folder, which is made if there is none. `what` names the work: several kinds of work may share a folder.
    ///
    /// # Errors
    /// Another process has it, or the lock file cannot be made.
    pub fn of(folder: &Path, what: &str) -> Result<Lock, LockError> {
        let fail = |source| LockError::Io { folder: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(fail)?;
        let path = folder.join(format!(".{what}.lock"));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                let _ = file.read_to_string(&mut process);
                let process = match process.trim() {
                    "" => "(unknown)".to_owned(),
                    number => number.chars().take(20).collect(),
                };
                return Err(LockError::InUse { folder: folder.to_owned(), process });
            }
            Err(TryLockError::Error(e)) => return Err(fail(e)),
        }
        let note = |file: &mut File| -> io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())
        };
        note(&mut file).map_err(fail)?;
        Ok(Lock { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_at_a_time_and_the_message_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::of(folder.path(), "cosim").unwrap();
        let second = Lock::of(folder.path(), "cosim").unwrap_err();
        assert!(
            second.to_string().ends_with(&format!("in use by process {}", std::process::id())),
            "{second}"
        );
        Lock::of(folder.path(), "train").unwrap();
        drop(first);
        Lock::of(folder.path(), "cosim").unwrap();
    }
}
