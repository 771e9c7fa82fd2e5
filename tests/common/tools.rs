//! Tools, run from a test.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A path inside the repository; without blanks, which Verilator and the makefiles that it writes cannot take.
pub fn repository(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.to_string_lossy().contains(char::is_whitespace) {
        return root.join(path);
    }
    // One link for each checkout, by a name that every process finds.
    let mut name = DefaultHasher::new();
    root.hash(&mut name);
    let link = std::env::temp_dir().join(format!("eqhdl-repository-{:016x}", name.finish()));
    let _ = std::os::unix::fs::symlink(root, &link); // it may be there
    assert_eq!(std::fs::read_link(&link).ok().as_deref(), Some(root), "{} is something else", link.display());
    link.join(path)
}

/// Runs a tool to its end, with nothing to read; all that it said, or what it was, how it ended and what it said.
pub fn run(command: &mut Command) -> Result<String, String> {
    let tool = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("`{tool}` is not installed: run `make setup`"),
        _ => format!("`{tool}` did not start: {error}"),
    })?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.success() {
        true => Ok(said),
        false => Err(format!("`{command:?}`: {}\n{said}", output.status)),
    }
}
