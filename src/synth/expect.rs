//! What a design must become: which products go into multiplier blocks, which memories into block RAM. Derived from
//! the design, held against what the tools made of it.

use super::device::Device;
use super::stat::{Counts, Parts};
use crate::design::{Design, Feedback};
use crate::schedule::Layout;
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
    let mut all = multipliers(design, layout, device, parts);
    all.extend(memories(design, layout, device, parts));
    all
}

fn multipliers(design: &Design, layout: &Layout, device: Device, parts: &Parts) -> Vec<Check> {
    let p = &design.datapath;
    let separate = design.feedback == Feedback::VectorField && layout.weights.back_words() > 0;
    // What, the register they end in, how many a lane has, and the widths of their operands.
    let (a, r) = (p.activity_width, p.rated_width);
    let mut products = vec![
        ("contrast products, first term", "product_a", 1, a, r),
        ("contrast products, second term", "product_b", 1, a, r),
        ("forward products", "forward", 1, p.read_width, p.pre_width),
        ("transposed products", "transposed", 1, p.read_width, a),
    ];
    if separate {
        products.push(("contrast products of the way back", "product_c", 1, a, r));
    }
    products
        .into_iter()
        .map(|(what, register, per_lane, a, b)| {
            let signal = format!("u_core.u_synapses.{register}");
            let found = parts.signals.get(&signal).map_or(0, |c| c.dsp);
            let expected = per_lane * layout.lanes;
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

fn memories(design: &Design, layout: &Layout, device: Device, parts: &Parts) -> Vec<Check> {
    let p = &design.datapath;
    let word = layout.lanes * p.stored_width as usize;
    let mut memories =
        vec![("weight memory", "u_core.u_store.u_weights", layout.weights.forward_words(), word)];
    if layout.weights.back_words() > 0 {
        memories.push((
            "weight memory of the way back",
            "u_core.u_store.gen_back.u_weights_back",
            layout.weights.back_words(),
            word,
        ));
    }
    let state_words = layout.banks * layout.state_words.next_power_of_two();
    let state_word = layout.lanes * p.activity_width as usize;
    for (what, signal) in [
        ("post-synaptic activities, slot a", "u_core.u_post.words_a_q"),
        ("post-synaptic activities, slot b", "u_core.u_post.words_b_q"),
        ("post-synaptic activities for the way back", "u_core.u_post.words_t_q"),
    ] {
        memories.push((what, signal, state_words, state_word));
    }
    memories
        .into_iter()
        .map(|(what, signal, depth, width)| {
            let bits = depth * width;
            // The weight memory is made of pages, each a memory of its own.
            let of = |prefix: &str, count: fn(&Counts) -> usize| -> usize {
                let below = format!("{prefix}.");
                let mine = |name: &str| name == prefix || name.starts_with(&below);
                parts.signals.iter().filter(|(name, _)| mine(name)).map(|(_, c)| count(c)).sum()
            };
            let found = of(signal, |c| c.block_ram);
            let owner = if signal.starts_with("u_core.u_post.") { "u_core.u_post" } else { signal };
            let elsewhere = of(owner, |c| 64 * c.lut_ram);
            let expected = if bits < SMALL { 0 } else { bits.div_ceil(device.block_ram_bits()) };
            let shortfall = if found < expected {
                format!(
                    "the {what} ({depth} words of {width} bits) has {found} block RAM(s) where its bits need {expected}; \
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
            Check { what: format!("{what}, {depth} x {width} bits"), signal: signal.to_owned(), expected, found, shortfall, note }
        })
        .collect()
}
