//! Tools, run from a test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A path inside the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
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
