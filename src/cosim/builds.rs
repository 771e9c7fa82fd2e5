//! Simulators on disk: each in a folder named by the digest of all that it was made of, whole or not there at all.

use super::CosimError;
use crate::data::hex;
use crate::lock::Lock;
use crate::verilog::Sources;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A folder of simulators, for one process at a time.
#[derive(Debug)]
pub struct Builds {
    root: PathBuf,
    _lock: Lock,
}

/// A simulator.
#[derive(Clone, Debug)]
pub struct Built {
    /// The program; it runs in [`Built::folder`], where it finds its tables.
    pub program: PathBuf,
    /// Where it was built: its sources, as they were read.
    pub folder: PathBuf,
    /// The files that it was made of, with the SHA-256 of each.
    pub files: BTreeMap<String, String>,
}

/// What a finished build says of itself.
#[derive(Serialize, Deserialize)]
struct Seal {
    program: String,
    files: BTreeMap<String, String>,
}

/// Simulators kept: a training, its replay, and what was tried before them.
const KEPT: usize = 6;
const PROGRAM: &str = "obj/Vsim_top";
const SEAL: &str = "built.json";
/// Where a simulator is until it is whole.
const UNFINISHED: &str = "unfinished";

impl Builds {
    /// Takes a folder of simulators, which is made if there is none.
    ///
    /// # Errors
    /// Another process has it, or it cannot be written to.
    pub fn open(root: &Path) -> Result<Builds, CosimError> {
        Ok(Builds { root: root.to_owned(), _lock: Lock::acquire(root)? })
    }

    /// The simulator of these sources by this recipe; `make` builds it in the folder it is given.
    pub(super) fn get(
        &self,
        sources: &Sources,
        recipe: &[String],
        make: impl FnOnce(&Path) -> Result<(), CosimError>,
    ) -> Result<Built, CosimError> {
        let folder = self.root.join(&digest(sources, recipe)[..16]);
        if let Some(built) = reuse(&folder, sources) {
            return Ok(built);
        }
        remove(&folder)?;
        let unfinished = self.root.join(UNFINISHED);
        remove(&unfinished)?;
        sources.write(&unfinished).map_err(|e| CosimError::io("write the hardware to", &unfinished, e))?;
        make(&unfinished)?;
        let read = files_read(&unfinished)?;
        let hash = |name: &String| Some((name.clone(), hex(&Sha256::digest(sources.files.get(name)?))));
        let others = |n: &&String| [".hex", ".cpp", ".h"].iter().any(|end| n.ends_with(end));
        let tables = sources.files.keys().filter(others); // no list of Verilator's has these
        let files: BTreeMap<String, String> = read.iter().chain(tables).filter_map(hash).collect();
        let program = hash_file(&unfinished.join(PROGRAM))?;
        let seal = Seal { program, files: files.clone() };
        let text = serde_json::to_string_pretty(&seal)
            .unwrap_or_else(|e| unreachable!("names and digests are always written: {e}"));
        let path = unfinished.join(SEAL);
        fs::write(&path, text).map_err(|e| CosimError::io("write", &path, e))?;
        fs::rename(&unfinished, &folder).map_err(|e| CosimError::io("finish", &folder, e))?;
        self.keep_the_newest();
        Ok(Built { program: folder.join(PROGRAM), folder, files })
    }

    /// Removes all simulators but those used last. What is not a simulator stays.
    fn keep_the_newest(&self) {
        let used = |e: fs::DirEntry| Some((e.path().join(SEAL).metadata().ok()?.modified().ok()?, e.path()));
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut all: Vec<(SystemTime, PathBuf)> = entries.filter_map(used).collect();
        all.sort();
        for (_, folder) in all.iter().rev().skip(KEPT) {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

fn digest(sources: &Sources, recipe: &[String]) -> String {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    for (name, text) in &sources.files {
        part(name);
        part(text);
    }
    recipe.iter().for_each(|word| part(word));
    hex(&hash.finalize())
}

/// A simulator as an earlier run has left it: not one that is unfinished, and none in whose folder anything has changed.
fn reuse(folder: &Path, sources: &Sources) -> Option<Built> {
    let path = folder.join(SEAL);
    let seal: Seal = serde_json::from_str(&fs::read_to_string(&path).ok()?).ok()?;
    let same = |(name, text): (&String, &String)| {
        fs::read(folder.join(name)).is_ok_and(|found| found == text.as_bytes())
    };
    let program = folder.join(PROGRAM);
    let whole = sources.files.iter().all(same) && hash_file(&program).is_ok_and(|h| h == seal.program);
    if !whole {
        return None;
    }
    // So that it counts as used last.
    let _ = File::options().write(true).open(&path).and_then(|f| f.set_modified(SystemTime::now()));
    Some(Built { program, folder: folder.to_owned(), files: seal.files })
}

fn hash_file(path: &Path) -> Result<String, CosimError> {
    let bytes = fs::read(path).map_err(|e| CosimError::io("read", path, e))?;
    Ok(hex(&Sha256::digest(bytes)))
}

fn remove(folder: &Path) -> Result<(), CosimError> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(CosimError::io("remove", folder, e)),
        _ => Ok(()),
    }
}

/// The files that Verilator says it has read, none of which may lie outside the folder.
fn files_read(folder: &Path) -> Result<Vec<String>, CosimError> {
    let path = folder.join("obj/Vsim_top__ver.d");
    let text = fs::read_to_string(&path).map_err(|e| CosimError::io("read", &path, e))?;
    let names = text.split_once(" : ").map_or("", |(_, read)| read).split_whitespace();
    // The tool itself, and the library of SystemVerilog that newer versions bring.
    let own = |name: &str| ["verilator_bin", "verilated_std.sv"].iter().any(|f| name.ends_with(f));
    let mut files = Vec::new();
    for name in names.filter(|n| !own(n)) {
        if Path::new(name).is_absolute() || name.starts_with("..") {
            return Err(CosimError::FileList(format!(
                "`{name}` was read, which is not a file of the folder"
            )));
        }
        files.push(name.to_owned());
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> Sources {
        let mut sources = Sources::default();
        sources.files.insert("a.v".to_owned(), text.to_owned());
        sources
    }

    /// A tool that makes a program out of whatever lies in the folder.
    fn made(builds: &Builds, sources: &Sources, runs: &mut u32) -> Built {
        let make = |dir: &Path| {
            *runs += 1;
            fs::create_dir_all(dir.join("obj")).unwrap();
            fs::write(dir.join("obj/Vsim_top__ver.d"), "obj/x : a.v ").unwrap();
            fs::copy(dir.join("a.v"), dir.join(PROGRAM)).unwrap();
            Ok(())
        };
        builds.get(sources, &["recipe".to_owned()], make).unwrap()
    }

    #[test]
    fn what_was_built_is_used_again_only_as_it_was_left() {
        let root = tempfile::tempdir().unwrap();
        let builds = Builds::open(root.path()).unwrap();
        let (one, two, mut runs) = (sources("one"), sources("two"), 0);
        let first = made(&builds, &one, &mut runs);
        assert_eq!(made(&builds, &one, &mut runs).program, first.program);
        assert_eq!((runs, first.files.len()), (1, 1));
        assert_ne!(made(&builds, &two, &mut runs).program, first.program);
        assert_eq!(runs, 2);
        // A source, the program, the seal: whatever somebody changes, it is made again.
        for file in ["a.v", PROGRAM, SEAL] {
            let before = runs;
            fs::write(first.folder.join(file), "changed").unwrap();
            let again = made(&builds, &one, &mut runs);
            assert_eq!((fs::read_to_string(again.program).unwrap().as_str(), runs), ("one", before + 1));
        }
        // Half a folder is no simulator.
        fs::remove_file(first.folder.join(SEAL)).unwrap();
        let before = runs;
        made(&builds, &one, &mut runs);
        assert_eq!(runs, before + 1);
    }

    #[test]
    fn nothing_of_an_unfinished_build_is_seen_by_the_next() {
        let root = tempfile::tempdir().unwrap();
        let builds = Builds::open(root.path()).unwrap();
        let left = root.path().join(UNFINISHED);
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("leftover.v"), "x").unwrap();
        let built = made(&builds, &sources("one"), &mut 0);
        assert!(!built.folder.join("leftover.v").exists());
    }

    #[test]
    fn old_simulators_go_and_what_is_none_stays() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("mine")).unwrap();
        let builds = Builds::open(root.path()).unwrap();
        for n in 0..KEPT + 3 {
            made(&builds, &sources(&n.to_string()), &mut 0);
        }
        let folders = fs::read_dir(root.path()).unwrap().flatten().filter(|e| e.path().is_dir()).count();
        assert_eq!(folders, KEPT + 1);
        assert!(root.path().join("mine").is_dir());
    }
}
