//! What is proven, of which leaf, and the defects with which it must not be: the form of `proofs.toml`.

use super::engine::cover_of;
use super::tools::repository;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    circuit: Vec<Circuit>,
    /// By file of `hdl/`, then by name.
    defects: BTreeMap<String, BTreeMap<String, Change>>,
}

/// Leaves with their properties, and what is proven of them.
#[derive(Deserialize)]
struct Circuit {
    #[serde(flatten)]
    setting: Setting,
    #[serde(default)]
    cover_parameters: BTreeMap<String, i64>,
    proof: Vec<Case>,
}

/// What all proofs of a circuit have in common.
#[derive(Deserialize, Clone)]
pub struct Setting {
    /// Files of `hdl/`.
    pub leaves: Vec<String>,
    /// File of `tests/formal/` with the properties.
    pub properties: String,
    /// The leaf into which they are put before its `endmodule`, as `bind` would; absent: a module around the leaf.
    pub inside: Option<String>,
    /// Top module.
    pub top: String,
    /// Bounded model checking: so many cycles, from any contents of the registers that have no reset. Absent:
    /// property-directed reachability, for any number of cycles.
    pub cycles: Option<u32>,
    /// What these cycles mean, where they mean more than themselves.
    pub depth: Option<String>,
}

/// One proof, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    what: String,
    #[serde(default)]
    parameters: BTreeMap<String, i64>,
    #[serde(default)]
    quick: bool,
    #[serde(default)]
    skipped_covers: Vec<usize>,
    cover_parameters: Option<BTreeMap<String, i64>>,
    defects: Vec<String>,
}

/// What is planted in a leaf.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What stands there once.
    pub from: String,
    /// What takes its place.
    pub to: String,
    /// The only mode in which to look for it (parameter `Only`): a refutation needs no more.
    pub only: Option<i64>,
}

/// A defect.
pub struct Defect {
    /// Its name.
    pub name: String,
    /// File in `hdl/`.
    pub file: String,
    /// What is changed.
    pub change: Change,
}

/// One proof.
pub struct Proof {
    /// Its name.
    pub name: String,
    /// What holds.
    pub what: String,
    /// Of which circuit.
    pub setting: Setting,
    /// The top module's parameters.
    pub parameters: BTreeMap<String, i64>,
    /// Takes seconds.
    pub quick: bool,
    /// Cover statements that do not exist for these parameters.
    skipped_covers: Vec<usize>,
    /// Parameters that differ for cover statements: one reached in a part is reached.
    pub cover_parameters: BTreeMap<String, i64>,
    /// With each of these it must be refuted.
    pub defects: Vec<Defect>,
}

impl Proof {
    /// The numbers of its cover statements, from 1.
    pub fn covers(&self) -> Result<Vec<usize>, String> {
        let text = read(&self.setting.properties)?;
        let count = text.lines().filter(|l| cover_of(l).is_some()).count();
        Ok((1..=count).filter(|n| !self.skipped_covers.contains(n)).collect())
    }
}

/// All proofs, in the order of the file.
///
/// # Errors
/// A file that cannot be read, or a proof with a defect that no leaf of its circuit has.
pub fn all() -> Result<Vec<Proof>, String> {
    let file: File = toml::from_str(&read("proofs.toml")?).map_err(|e| format!("proofs.toml: {e}"))?;
    let mut proofs = Vec::new();
    for Circuit { setting, cover_parameters, proof } in file.circuit {
        for case in proof {
            let defects = case.defects.iter().map(|name| defect(&file.defects, &setting, name));
            proofs.push(Proof {
                defects: defects.collect::<Result<_, _>>().map_err(|e| format!("{}: {e}", case.name))?,
                name: case.name,
                what: case.what,
                setting: setting.clone(),
                parameters: case.parameters,
                quick: case.quick,
                skipped_covers: case.skipped_covers,
                cover_parameters: case.cover_parameters.unwrap_or_else(|| cover_parameters.clone()),
            });
        }
    }
    Ok(proofs)
}

/// The defect of that name in one of a circuit's files.
fn defect(
    defects: &BTreeMap<String, BTreeMap<String, Change>>,
    setting: &Setting,
    name: &str,
) -> Result<Defect, String> {
    setting
        .sources()
        .find_map(|file| Some((file, defects.get(file)?.get(name)?)))
        .map(|(file, change)| Defect { name: name.to_owned(), file: file.to_owned(), change: change.clone() })
        .ok_or_else(|| format!("no defect `{name}` in {}", setting.leaves.join(", ")))
}

impl Setting {
    /// Files of `hdl/`: the leaves and what they include.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        ["requantise.vh", "mixer.vh"].into_iter().chain(self.leaves.iter().map(String::as_str))
    }
}

/// A file beside this one.
fn read(name: &str) -> Result<String, String> {
    let path = repository("tests/formal").join(name);
    std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
}
