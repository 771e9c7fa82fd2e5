//! One process at a time in a folder. The operating system holds the lock and releases it however the process ends, so
//! that nothing has to be cleaned up after a power cut.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Why something that processes share cannot be had.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LockError {
    /// Another process has it.
    #[error("{} is in use by {}", .what.display(), owner(*.process))]
    #[diagnostic(help("wait until it has ended, end it, or give another folder with --out"))]
    InUse {
        /// The folder or file.
        what: PathBuf,
        /// The other process, where it has left its number.
        process: Option<u32>,
    },
    /// The operating system refused.
    #[error("cannot write {}: {source}", .path.display())]
    #[diagnostic(help("check that you may write there, and that the disk is not full"))]
    Io {
        /// The lock file, or its folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn owner(process: Option<u32>) -> String {
    process.map_or("another process".to_owned(), |p| format!("process {p}"))
}

/// A folder or file that is this process's alone for as long as this lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes a folder, which is made where there is none; its lock file is `.lock`.
    ///
    /// # Errors
    /// Another process (or another lock of this one) has it, or nothing can be written there.
    pub fn acquire(dir: &Path) -> Result<Lock, LockError> {
        Lock::take(dir, &dir.join(".lock"))
    }

    /// Takes a file, which need not exist yet, in a folder with other files; its lock file is `.NAME.lock` beside it.
    ///
    /// # Errors
    /// As [`Lock::acquire`].
    pub fn beside(file: &Path) -> Result<Lock, LockError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Lock::take(file, &file.with_file_name(format!(".{name}.lock")))
    }

    fn take(what: &Path, path: &Path) -> Result<Lock, LockError> {
        let refused = |source| LockError::Io { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(refused)?;
        }
        // The number is written into this very file: never through a link into a file elsewhere.
        if fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink()) {
            fs::remove_file(path).map_err(refused)?;
        }
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(refused)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                return Err(LockError::InUse { what: what.to_owned(), process: text.trim().parse().ok() });
            }
            // A file system without locks is used as it was before there were any.
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(e)) => return Err(refused(e)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(refused)?;
        Ok(Lock { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Said, not left to the closing: a child that another thread is starting just now holds a copy for a moment.
        // The file stays: a new one of its name would be another lock.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_the_owner_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("new");
        let first = Lock::acquire(&folder).expect("free");
        let other = Lock::beside(&folder.join("checkpoint")).expect("free");
        let said = Lock::acquire(&folder).expect_err("taken").to_string();
        assert_eq!(said, format!("{} is in use by process {}", folder.display(), std::process::id()));
        drop((first, other));
        Lock::acquire(&folder).expect("free again");
    }

    #[test]
    fn a_link_in_place_of_the_lock_is_not_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        let elsewhere = dir.path().join("elsewhere");
        fs::write(&elsewhere, "precious").expect("a file");
        std::os::unix::fs::symlink(&elsewhere, dir.path().join(".lock")).expect("a link");
        let _lock = Lock::acquire(dir.path()).expect("free");
        assert_eq!(fs::read_to_string(&elsewhere).expect("a file"), "precious");
    }
}
