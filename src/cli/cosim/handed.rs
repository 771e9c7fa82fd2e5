//! Verilog that somebody hands over: it belongs to the design at hand, and the bench around it is eqhdl's own.

use crate::cosim::{Through, testbench};
use crate::design::{Design, KeyDifference, Keys};
use crate::schedule::Layout;
use crate::verilog::{Sources, module_name};
use std::io;
use std::path::{Path, PathBuf};

/// A folder from `eqhdl generate`, perhaps edited.
#[derive(Clone, Debug)]
pub struct Handed {
    /// What is built of it: the files on its list, includes and tables.
    pub sources: Sources,
    /// Files that differ (in more than comments) from what eqhdl would generate, or that it would not.
    pub edited: Vec<String>,
    /// The core says nothing of what it was generated from.
    pub unmarked: bool,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum HandedError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", .dir.display())]
    #[diagnostic(help("give a folder that `eqhdl generate` has written"))]
    Unreadable {
        /// The folder.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It lacks a file, or its list names one that is none of its own.
    #[error("{}: {problem}", .dir.display())]
    #[diagnostic(help("write the folder anew with `eqhdl generate`, then edit its Verilog"))]
    List {
        /// The folder.
        dir: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// One of its files was generated from another design.
    #[error("{}: {file} was generated from another design: other values of {}", .dir.display(), .keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    #[diagnostic(help("generate the folder anew, or give the design file that it was generated from"))]
    OtherDesign {
        /// The folder.
        dir: PathBuf,
        /// The file.
        file: String,
        /// Keys that differ.
        keys: Vec<KeyDifference>,
    },
    /// A file of the bench is not eqhdl's.
    #[error("{}: {file} is not what this eqhdl generates; a verdict rests on its own bench only", .dir.display())]
    #[diagnostic(help(
        "delete {file} from the folder, or generate it anew; edit the core and its leaves only"
    ))]
    Bench {
        /// The folder.
        dir: PathBuf,
        /// The file.
        file: String,
    },
}

impl Handed {
    /// Reads a folder and holds it against the design.
    ///
    /// # Errors
    /// It cannot be read, is incomplete, belongs to another design, or has a bench of its own.
    pub fn read(
        dir: &Path,
        design: &Design,
        layout: &Layout,
        through: Through,
    ) -> Result<Handed, HandedError> {
        let found =
            Sources::read(dir).map_err(|source| HandedError::Unreadable { dir: dir.to_owned(), source })?;
        let list_error = |problem| HandedError::List { dir: dir.to_owned(), problem };
        // Under the names that eqhdl uses inside.
        let found = found.plain(design).map_err(|e| list_error(e.to_string()))?;
        let core = format!("{}.v", module_name(design));
        let text = found
            .files
            .get(&core)
            .ok_or_else(|| list_error(format!("there is no {core}, the core of this design")))?;
        let unmarked = Keys::in_comment(text).is_none();
        belongs(design, dir, &found)?;
        let mut generated = Sources::of(design, layout);
        testbench::add_to(&mut generated, design, layout);
        crate::bus::add_to(&mut generated, design, layout);
        for file in testbench::FILES {
            if found.files.get(file).is_some_and(|text| Some(text) != generated.files.get(file)) {
                return Err(HandedError::Bench { dir: dir.to_owned(), file: file.to_owned() });
            }
        }
        let mut sources = found.parts(through.list()).map_err(list_error)?;
        stays_inside(&sources, &found).map_err(list_error)?;
        // The bench is eqhdl's own, and so is the header by which that of the bus finds the registers.
        let bench = through.bench(design);
        sources.files.extend(bench.iter().filter_map(|name| {
            generated.files.get_key_value(name).map(|(name, text)| (name.clone(), text.clone()))
        }));
        let edited = |(name, text): &(&String, &String)| {
            let verilog = [".v", ".vh", ".hex", ".f"].iter().any(|end| name.ends_with(end));
            verilog
                && !name.starts_with("axi_tb")
                && generated.files.get(*name).is_none_or(|own| code(own) != code(text))
        };
        let edited = found.files.iter().filter(edited).map(|(name, _)| name.clone()).collect();
        Ok(Handed { sources, edited, unmarked })
    }
}

/// Every file that says what it depends on says what this design says; the core, which says most, first. What the bench
/// of the bus sends and expects depends on the training too, and is not simulated here.
fn belongs(design: &Design, dir: &Path, found: &Sources) -> Result<(), HandedError> {
    let here = Keys::of_circuit(design);
    let module = module_name(design);
    let called = ["", "_axi", "_registers"].map(|part| format!("{module}{part}.v"));
    // Another design's files may lie beside this one's: they have its name in theirs.
    let own = |name: &str| {
        !name.starts_with("axi_tb") && (!name.starts_with("eqhdl_") || called.iter().any(|own| own == name))
    };
    let mut texts: Vec<_> = found.files.iter().filter(|(name, _)| own(name)).collect();
    texts.sort_by_key(|(name, _)| **name != called[0]);
    for (name, text) in texts {
        let keys = Keys::in_comment(text).map_or(Vec::new(), |there| here.differences(&there));
        if !keys.is_empty() {
            return Err(HandedError::OtherDesign { dir: dir.to_owned(), file: name.clone(), keys });
        }
    }
    Ok(())
}

/// No text of a build may reach for a file outside the folder, or for one that is not there: Verilator would read zeros
/// for a table.
fn stays_inside(sources: &Sources, found: &Sources) -> Result<(), String> {
    for (name, text) in &sources.files {
        for literal in text.lines().flat_map(|line| line.split('"').skip(1).step_by(2)) {
            if literal.starts_with('/') || literal.starts_with("..") {
                return Err(format!("{name} names `{literal}`, a file outside the folder"));
            }
            let file = literal.ends_with(".hex") || literal.ends_with(".vh");
            if file && !found.files.contains_key(literal) {
                return Err(format!("{name} needs `{literal}`, which is not there"));
            }
        }
    }
    Ok(())
}

/// A text without its comment lines.
fn code(text: &str) -> Vec<&str> {
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect()
}
