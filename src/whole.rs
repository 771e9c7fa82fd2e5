//! Files that appear whole or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File, FileType};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// What the names of unfinished files begin with; the last two are those of earlier versions.
const UNFINISHED: [&str; 3] = [".unfinished-", ".checkpoint-", ".result-"];

/// Unfinished files this old, whose process has ended, are removed.
const STALE: Duration = Duration::from_secs(60);

/// Longest text that is read as a design or a study: 4 MiB.
pub const MAX_TEXT: u64 = 4 << 20;

/// Opens a file to read: neither a folder, nor a pipe or device, which may never end.
///
/// # Errors
/// The operating system refused, or it is no file.
pub fn open_file(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?.file_type();
    if !kind.is_file() {
        let what = if kind.is_dir() { "a folder" } else { "a pipe or device" };
        return Err(io::Error::other(format!("it is {what}, not a file")));
    }
    File::open(path)
}

/// The bytes of a file.
///
/// # Errors
/// As [`open_file`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The bytes of a file that should be a short text.
///
/// # Errors
/// As [`open_file`]; or it is longer than [`MAX_TEXT`].
pub fn read_text(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path)?.take(MAX_TEXT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(io::Error::other(format!("it is longer than {MAX_TEXT} bytes")));
    }
    Ok(bytes)
}

/// Writes a file: a new one beside it, flushed to the disk, takes its name. A link of that name is replaced, so that
/// what it points to stays as it is; a device or pipe is written to.
///
/// # Errors
/// The operating system refused.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if is_stream(path) {
        return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    sweep_once(folder);
    let mut file = create(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    // The rename itself lives in the folder. Not every file system lets a folder be flushed.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Whether [`write`] would do, before the work whose result it is to keep; leaves nothing.
///
/// # Errors
/// The operating system refuses.
pub fn try_write(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    if is_stream(path) {
        return fs::OpenOptions::new().write(true).open(path).map(drop);
    }
    fs::create_dir_all(folder_of(path))?;
    create(folder_of(path)).map(drop)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Devices and pipes, and what the system keeps under names of its own (`/dev/stdout`), keep their names.
fn is_stream(path: &Path) -> bool {
    let special = |t: FileType| t.is_char_device() || t.is_block_device() || t.is_fifo() || t.is_socket();
    path.starts_with("/dev/fd")
        || path.starts_with("/proc")
        || ["/dev/stdout", "/dev/stderr"].iter().any(|p| path == Path::new(p))
        || fs::metadata(path).is_ok_and(|m| special(m.file_type()))
}

/// A new file that is locked for as long as it is unfinished.
fn create(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut new = tempfile::Builder::new();
    // Temporary files are private by default; these are as readable as any other.
    new.permissions(fs::Permissions::from_mode(0o666));
    let file = new.prefix(UNFINISHED[0]).tempfile_in(folder)?;
    // Where there are no locks, age alone says what is stale.
    let _ = file.as_file().try_lock();
    Ok(file)
}

/// Removes what earlier processes have left unfinished in a folder; once in a process.
fn sweep_once(folder: &Path) {
    static SWEPT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    if SWEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned()) {
        sweep(folder);
    }
}

/// Removes what earlier processes have left unfinished in a folder. What cannot be removed stays.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|n| UNFINISHED.iter().any(|u| n.starts_with(u)));
        if ours && entry.file_type().is_ok_and(|t| t.is_file()) && is_stale(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_stale(path: &Path) -> bool {
    let old = |m: fs::Metadata| SystemTime::now().duration_since(m.modified()?).map_err(io::Error::other);
    let age = fs::metadata(path).and_then(old);
    age.is_ok_and(|age| age > STALE) && File::open(path).is_ok_and(|f| f.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<_> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_link_is_replaced_and_a_device_is_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let (elsewhere, link) = (dir.path().join("elsewhere"), dir.path().join("link"));
        fs::write(&elsewhere, "precious").expect("a file");
        std::os::unix::fs::symlink(&elsewhere, &link).expect("a link");
        write(&link, b"new").expect("written");
        assert_eq!(fs::read_to_string(&elsewhere).expect("a file"), "precious");
        assert_eq!(fs::read_to_string(&link).expect("a file"), "new");
        assert!(write(Path::new("/dev/full"), b"new").is_err());
        write(Path::new("/dev/null"), b"new").expect("written");
        assert!(fs::metadata("/dev/null").expect("a device").file_type().is_char_device());
        try_write(&dir.path().join("later")).expect("it would do");
        assert_eq!(names(dir.path()), ["elsewhere", "link"]);
    }

    #[test]
    fn what_a_dead_process_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        let long_ago = SystemTime::now() - 2 * STALE;
        let put = |name: &str| {
            let file = File::create(dir.path().join(name)).expect("a file");
            file.set_modified(long_ago).expect("an old file");
            file
        };
        for name in [".checkpoint-aBc123", ".result-aBc123", ".unfinished-aBc123", "result.json"] {
            put(name);
        }
        let held = put(".unfinished-held");
        held.try_lock().expect("free");
        File::create(dir.path().join(".unfinished-young")).expect("a file");
        sweep(dir.path());
        assert_eq!(names(dir.path()), [".unfinished-held", ".unfinished-young", "result.json"]);
    }
}
