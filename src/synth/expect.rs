//! What a design must become: which products go into multiplier blocks, which memories into block RAM. Derived from
//! the design, held against what the tools made of it.

use super::device::Device;
use super::stat::{Counts, Parts};
use crate::design::Design;
use crate::schedule::Layout;
use crate::verilog::{Memory, Multipliers, Price};
use serde::Serialize;

/// Expected and found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The memory or the products, in words.
    pub what: String,
    /// Register or memory, with its path of instances.
    pub signal: String,
    /// Blocks that it takes at least.
    pub expected: usize,
    /// Blocks found.
    pub found: usize,
    /// Empty where all is well; else what is wrong.
    pub shortfall: String,
    /// What can be said although nothing is wrong.
    pub note: String,
}

/// Memories of fewer bits may lie in LUTs or flip-flops: a block would be mostly empty.
const SMALL: usize = 4096;

/// Compares the products of the lanes and the memories.
pub fn checks(design: &Design, layout: &Layout, device: Device, parts: &Parts) -> Vec<Check> {
    let price = Price::of(design, layout);
    let mut all = multipliers(&price, device, parts);
    all.extend(memories(&price, device, parts));
    all
}

/// The products of the lanes: a multiplier block each.
fn multipliers(price: &Price, device: Device, parts: &Parts) -> Vec<Check> {
    let of_lanes = |m: &&Multipliers| m.leaf == "synapse_lanes.v" && m.what != "rate" && !m.by_constant;
    price
        .multipliers
        .iter()
        .filter(of_lanes)
        .map(|m| {
            let (what, expected, (a, b)) = (format!("{} products", m.what), m.count, m.bits);
            let signal = format!("u_core.{}", m.path);
            let found = parts.signals.get(&signal).map_or(0, |c| c.dsp);
            let shortfall = if found < expected {
                format!(
                    "{} of {expected} {what} ({a} x {b} bits) are not in multiplier blocks but in LUTs",
                    expected - found
                )
            } else {
                String::new()
            };
            let note = if found > expected && a.max(b) > device.dsp_width() {
                format!("a block multiplies {0} x {0} bits", device.dsp_width())
            } else if found > expected {
                "more than these widths need".to_owned()
            } else {
                String::new()
            };
            Check { what: format!("{what}, {a} x {b} bits"), signal, expected, found, shortfall, note }
        })
        .collect()
}

/// The memories that a block is for.
fn memories(price: &Price, device: Device, parts: &Parts) -> Vec<Check> {
    let of_blocks = |m: &&Memory| ["weight_memory.v", "post_memory.v"].contains(&m.leaf);
    price
        .memories
        .iter()
        .filter(of_blocks)
        .map(|m| {
            let (what, signal, depth, width) = (&m.what, format!("u_core.{}", m.path), m.words, m.width);
            let bits = depth * width;
            // The weight memory is made of pages, each a memory of its own.
            let of = |prefix: &str, count: fn(&Counts) -> usize| -> usize {
                let below = format!("{prefix}.");
                let mine = |name: &str| name == prefix || name.starts_with(&below);
                parts.signals.iter().filter(|(name, _)| mine(name)).map(|(_, c)| count(c)).sum()
            };
            let found = of(&signal, |c| c.block_ram);
            let owner = signal.find(".u_post.").map_or(&signal[..], |at| &signal[..at + ".u_post".len()]);
            let elsewhere = of(owner, |c| 64 * c.lut_ram);
            let expected = if bits < SMALL { 0 } else { bits.div_ceil(device.block_ram_bits()) };
            let shortfall = if found < expected {
                format!(
                    "of the {what} ({depth} words of {width} bits) {found} block RAM(s) are made where its bits need {expected}; \
                     {elsewhere} bits are in LUT RAM, the rest in flip-flops"
                )
            } else {
                String::new()
            };
            let note = match (expected, found) {
                (0, 0) => "small: in LUTs".to_owned(),
                (0, _) => String::new(),
                (e, f) if 4 * f > 5 * e => format!("{:.0} % of the blocks' bits are used", 100.0 * e as f64 / f as f64),
                _ => String::new(),
            };
            Check { what: format!("{what}, {depth} x {width} bits"), signal, expected, found, shortfall, note }
        })
        .collect()
}
