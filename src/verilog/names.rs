//! The names under which a core goes out into a system, where other cores are.
//!
//! Inside eqhdl a leaf has its plain name, the one of its file under `hdl/`: so speak defects, proofs and reports. What
//! `eqhdl generate` writes has a prefix on every module and every file, made of the design's name, and so have all
//! references to them: `neuron_unit` in `neuron_unit.v` becomes `eqhdl_NAME__neuron_unit` in
//! `eqhdl_NAME__neuron_unit.v`. No design's name holds two underscores in a row ([`crate::design::name`]), so the prefix
//! of one is never the beginning of another's, and taking it away gives back what was there.

use super::uses::module_of;
use super::{Sources, module_name};
use crate::design::Design;
use std::collections::{BTreeMap, BTreeSet};

/// File lists; outside they are called as the module that they list.
const LISTS: [(&str, &str); 2] = [("files.f", ".f"), ("axi.f", "_axi.f")];

/// Texts in which files and modules are named; tables and vectors are numbers.
const TEXTS: [&str; 7] = [".v", ".vh", ".f", ".core", ".h", ".md", ".cpp"];

/// Two files of a folder are the same one under its two names.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("both {plain} and {prefixed} are there; remove the one that is not meant")]
pub struct NameClash {
    /// As eqhdl calls it inside.
    pub plain: String,
    /// As `generate` writes it.
    pub prefixed: String,
}

/// What stands before the name of every leaf and every file that is not called after the design anyway.
fn prefix(design: &Design) -> String {
    format!("{}__", module_name(design))
}

/// The name of a file of these sources as `eqhdl generate` writes it.
fn delivered_name(design: &Design, plain: &str) -> String {
    let core = module_name(design);
    match LISTS.iter().find(|(list, _)| *list == plain) {
        Some((_, ending)) => format!("{core}{ending}"),
        None if plain.starts_with(&core) => plain.to_owned(),
        None => format!("{core}__{plain}"),
    }
}

impl Sources {
    /// The same with every name safe beside another design's.
    #[must_use]
    pub fn delivered(&self, design: &Design) -> Sources {
        let renaming = Renaming::of(self, design);
        let renamed = |(name, text): (&String, &String)| {
            let text = if is_text(name) { renaming.text(text) } else { text.clone() };
            (delivered_name(design, name), text)
        };
        Sources { files: self.files.iter().map(renamed).collect() }
    }

    /// What was delivered, as eqhdl calls it inside; files of other names stay what they are.
    ///
    /// # Errors
    /// When a file is there under both of its names.
    pub fn plain(&self, design: &Design) -> Result<Sources, NameClash> {
        let (core, prefix) = (module_name(design), prefix(design));
        let mut files = BTreeMap::new();
        for (name, text) in &self.files {
            let list = LISTS.iter().find(|(_, ending)| *name == format!("{core}{ending}"));
            let plain = list.map_or_else(|| name.strip_prefix(&prefix).unwrap_or(name), |(plain, _)| plain);
            if plain != name && self.files.contains_key(plain) {
                return Err(NameClash { plain: plain.to_owned(), prefixed: name.clone() });
            }
            files.insert(plain.to_owned(), text.replace(&prefix, ""));
        }
        Ok(Sources { files })
    }
}

fn is_text(name: &str) -> bool {
    TEXTS.iter().any(|ending| name.ends_with(ending))
}

/// Old names and new ones.
struct Renaming {
    prefix: String,
    modules: BTreeSet<String>,
    files: BTreeMap<String, String>,
}

impl Renaming {
    fn of(sources: &Sources, design: &Design) -> Renaming {
        let declared = |line: &str| {
            line.starts_with("module ").then(|| module_of(line).map(|at| line[at].to_owned())).flatten()
        };
        let core = module_name(design);
        let verilog = sources.files.iter().filter(|(name, _)| name.ends_with(".v"));
        let modules = verilog.flat_map(|(_, text)| text.lines().filter_map(declared));
        Renaming {
            prefix: prefix(design),
            modules: modules.filter(|module| !module.starts_with(&core)).collect(),
            files: sources.files.keys().map(|n| (n.clone(), delivered_name(design, n))).collect(),
        }
    }

    fn text(&self, text: &str) -> String {
        let mut renamed = String::with_capacity(text.len() + text.len() / 8);
        for line in text.split_inclusive('\n') {
            self.line(line, &mut renamed);
        }
        renamed
    }

    fn line(&self, line: &str, to: &mut String) {
        let top = line.find("toplevel: ").map(|at| at + "toplevel: ".len()..line.trim_end().len());
        let module = top.or_else(|| module_of(line)).filter(|at| self.modules.contains(&line[at.clone()]));
        let Some(at) = module else { return self.files(line, to) };
        self.files(&line[..at.start], to);
        to.push_str(&self.prefix);
        to.push_str(&line[at.clone()]);
        self.files(&line[at.end..], to);
    }

    /// Renames the files that a piece of text names.
    fn files(&self, piece: &str, to: &mut String) {
        let in_name = |c: char| c.is_ascii_alphanumeric() || "_.".contains(c);
        let mut rest = piece;
        while let Some(start) = rest.find(in_name) {
            let (before, from) = rest.split_at(start);
            let (run, after) = from.split_at(from.find(|c| !in_name(c)).unwrap_or(from.len()));
            // The dot of a sentence is no part of a name.
            let name = run.trim_end_matches('.');
            to.push_str(before);
            to.push_str(self.files.get(name).map_or(name, String::as_str));
            to.push_str(&run[name.len()..]);
            rest = after;
        }
        to.push_str(rest);
    }
}
