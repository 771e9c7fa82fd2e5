//! What eqhdl has written into a folder, so that a later run can take away what no longer belongs there.

use super::{Sources, module_name};
use crate::design::Design;
use crate::whole;
use sha2::{Digest, Sha256};
use std::io::{self, ErrorKind};
use std::path::Path;

/// What became of the files of an earlier run that this run does not write again.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Were as eqhdl had written them, and are gone.
    pub removed: Vec<String>,
    /// Somebody has changed them: still there.
    pub changed: Vec<String>,
}

/// The list of what was written: a line per file, as `sha256sum -c` reads it.
fn list_name(design: &Design) -> String {
    format!("{}.sha256", module_name(design))
}

fn digest(text: &[u8]) -> String {
    crate::data::hex(&Sha256::digest(text))
}

/// Writes a delivered folder and its list, and removes what an earlier run for a design of this name has written and this
/// one does not write: only files that are as that run left them.
///
/// # Errors
/// Whatever the file system says.
pub fn replace_written(sources: &Sources, design: &Design, dir: &Path) -> io::Result<Written> {
    let list = dir.join(list_name(design));
    let before = match whole::read(&list) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
        Err(e) => return Err(e),
    };
    sources.write(dir)?;
    let own = module_name(design);
    let mut written = Written::default();
    for (was, name) in before.lines().filter_map(|line| line.split_once("  ")) {
        // A list that somebody has written must not reach a file elsewhere, nor one of another design.
        if !name.starts_with(&own) || name.contains(['/', '\\']) || sources.files.contains_key(name) {
            continue;
        }
        let path = dir.join(name);
        match whole::read(&path) {
            Ok(text) if digest(&text) == was => {
                std::fs::remove_file(&path)?;
                written.removed.push(name.to_owned());
            }
            Ok(_) => written.changed.push(name.to_owned()),
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    let line = |(name, text): (&String, &String)| format!("{}  {name}\n", digest(text.as_bytes()));
    whole::write(&list, sources.files.iter().map(line).collect::<String>().as_bytes())?;
    Ok(written)
}
