//! What a netlist is made of: Yosys' `stat -json` for the whole, the netlist's cells for its parts.
//!
//! Yosys names every cell of the flattened netlist after the register or memory it belongs to or feeds, with its path
//! of instances in front. So a LUT is counted with the module whose register it feeds, and a multiplier or a block RAM
//! with the register or memory it holds.

use super::SynthError;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Cells, by what they take up in a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Four-input look-up tables, those of carry chains included.
    pub lut4: usize,
    /// Flip-flops.
    pub ff: usize,
    /// Multiplier blocks.
    pub dsp: usize,
    /// Block RAMs.
    pub block_ram: usize,
    /// LUTs used as memory, in cells of 16 x 4 bits.
    pub lut_ram: usize,
}

impl Counts {
    /// Counts `n` cells of a type; false for a type that takes up none of these.
    fn add(&mut self, kind: &str, n: usize) -> bool {
        match kind {
            // A cell of a carry chain sits on two LUTs.
            "CCU2C" => self.lut4 += 2 * n,
            "LUT4" | "SB_LUT4" => self.lut4 += n,
            "TRELLIS_FF" => self.ff += n,
            // Two LUTs of memory and, as it is packed, two more for its write port.
            "TRELLIS_DPR16X4" => {
                self.lut4 += 4 * n;
                self.lut_ram += n;
            }
            "MULT18X18D" | "SB_MAC16" => self.dsp += n,
            "DP16KD" | "PDPW16KD" => self.block_ram += n,
            k if k.starts_with("SB_DFF") => self.ff += n,
            k if k.starts_with("SB_RAM40_4K") => self.block_ram += n,
            _ => return false,
        }
        true
    }
}

#[derive(Deserialize)]
struct StatFile {
    creator: String,
    design: StatDesign,
}

#[derive(Deserialize)]
struct StatDesign {
    num_cells_by_type: BTreeMap<String, usize>,
}

/// The whole of a netlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Yosys, as it calls itself.
    pub creator: String,
    /// Cells of the types that count.
    pub counts: Counts,
}

/// Reads the output of `stat -json`.
///
/// # Errors
/// When it is not that.
pub fn parse_stat(text: &str) -> Result<Stat, SynthError> {
    let file: StatFile = serde_json::from_str(text)
        .map_err(|e| SynthError::Report { what: "Yosys' stat", why: e.to_string() })?;
    let mut counts = Counts::default();
    for (kind, n) in &file.design.num_cells_by_type {
        counts.add(kind, *n);
    }
    Ok(Stat { creator: file.creator.split(" (").next().unwrap_or_default().to_owned(), counts })
}

#[derive(Deserialize)]
struct NetlistFile {
    modules: BTreeMap<String, NetlistModule>,
}

#[derive(Deserialize)]
struct NetlistModule {
    #[serde(default)]
    cells: BTreeMap<String, NetlistCell>,
}

#[derive(Deserialize)]
struct NetlistCell {
    #[serde(rename = "type")]
    kind: String,
}

/// The parts of a netlist.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parts {
    /// By path of instances; the wrapper's own is "".
    pub modules: BTreeMap<String, Counts>,
    /// By register (multipliers) or memory (block and LUT RAM, flip-flops), path in front, index left out.
    pub signals: BTreeMap<String, Counts>,
}

/// Reads the cells of a netlist in Yosys' JSON.
///
/// # Errors
/// When it is not that, or has no module `top`.
pub fn parse_netlist(text: &str, top: &str) -> Result<Parts, SynthError> {
    let fail = |why| SynthError::Report { what: "Yosys' netlist", why };
    let file: NetlistFile = serde_json::from_str(text).map_err(|e| fail(e.to_string()))?;
    let module = file.modules.get(top).ok_or_else(|| fail(format!("it has no module {top}")))?;
    let scopes: BTreeSet<&str> =
        module.cells.iter().filter(|(_, c)| c.kind == "$scopeinfo").map(|(name, _)| name.as_str()).collect();
    let mut parts = Parts::default();
    for (name, cell) in &module.cells {
        let scope = scope_of(name, &scopes);
        let mut one = Counts::default();
        if one.add(&cell.kind, 1) {
            parts.modules.entry(scope.to_owned()).or_default().add(&cell.kind, 1);
            parts.signals.entry(signal_of(name)).or_default().add(&cell.kind, 1);
        }
    }
    Ok(parts)
}

/// The longest path of instances that a cell's name starts with.
fn scope_of<'a>(name: &'a str, scopes: &BTreeSet<&str>) -> &'a str {
    let dots = name.match_indices('.').map(|(i, _)| i).collect::<Vec<_>>();
    dots.into_iter().rev().map(|i| &name[..i]).find(|s| scopes.contains(s)).unwrap_or("")
}

/// What Yosys and nextpnr append to the name of a register or memory.
const SUFFIXES: &[&str] = &[
    "_TRELLIS_",
    "_LUT4_",
    "_CCU2C_",
    "_PFUMX_",
    "_L6MUX21_",
    "_MULT18X18D_",
    "_DP16KD_",
    "_SB_",
    "$nextpnr",
    "_$nextpnr",
    "$PACKER",
    "$",
    "_ALU54B",
];

/// The register or memory that a cell's name starts with, its bit or lane kept.
pub fn register_of(cell: &str) -> &str {
    let end = SUFFIXES.iter().filter_map(|s| cell.find(s)).filter(|&i| i > 0).min().unwrap_or(cell.len());
    let name = &cell[..end];
    // Blocks of a memory: `words_q.0.17`.
    let mut short = name;
    while let Some((head, tail)) = short.rsplit_once('.') {
        if tail.is_empty() || !tail.bytes().all(|b| b.is_ascii_digit()) {
            break;
        }
        short = head;
    }
    short
}

/// The same without bit or lane.
pub fn signal_of(cell: &str) -> String {
    let register = register_of(cell);
    match register.rfind('[') {
        Some(i) if register.ends_with(']') => register[..i].to_owned(),
        _ => register.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_cells() {
        let cases = [
            (
                "u_core.u_synapses.forward[0]_TRELLIS_FF_Q_17_DI_MULT18X18D_P17",
                "u_core.u_synapses.forward[0]",
            ),
            ("u_core.u_weights.words_q.0.94", "u_core.u_weights.words_q"),
            ("u_core.u_neuron_2.pull_MULT18X18D_P9", "u_core.u_neuron_2.pull"),
            ("u_core.u_sequencer.count_q_SB_DFFSR_Q_3", "u_core.u_sequencer.count_q"),
            ("in_q_TRELLIS_FF_Q_1", "in_q"),
        ];
        for (cell, register) in cases {
            assert_eq!(register_of(cell), register);
        }
        assert_eq!(signal_of(cases[0].0), "u_core.u_synapses.forward");
    }
}
