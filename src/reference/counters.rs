//! What a training did to its number formats: ranges seen, saturations, updates lost to rounding.

use crate::design::Design;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Entries of a histogram over bit lengths.
pub const LENGTHS: usize = 32;
/// Where updates of half a step to one step stand in [`LayerCounters::updates`].
pub const UPDATE_ORIGIN: i32 = 20;

/// Bits of a number's magnitude in two's complement, sign apart; the last entry of a histogram holds all longer ones.
fn length(raw: i64) -> usize {
    let magnitude = (raw ^ (raw >> 63)) as u64;
    ((u64::BITS - magnitude.leading_zeros()) as usize).min(LENGTHS - 1)
}

/// One signal of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalCounter {
    /// Values seen.
    pub values: u64,
    /// Of these, values that lay beyond the format's range.
    pub saturated: u64,
    /// Smallest raw value after saturation (`i64::MAX` when none was seen).
    pub min: i64,
    /// Largest raw value after saturation (`i64::MIN` when none was seen).
    pub max: i64,
    /// Values by their bit length.
    pub lengths: [u64; LENGTHS],
}

impl Default for SignalCounter {
    fn default() -> Self {
        SignalCounter { values: 0, saturated: 0, min: i64::MAX, max: i64::MIN, lengths: [0; LENGTHS] }
    }
}

impl SignalCounter {
    /// Takes note of one value.
    #[inline]
    pub fn see(&mut self, raw: i64, saturated: bool) {
        self.values += 1;
        self.saturated += u64::from(saturated);
        self.min = self.min.min(raw);
        self.max = self.max.max(raw);
        self.lengths[length(raw)] += 1;
    }

    /// Bits that the longest value needs, sign apart.
    pub fn greatest_length(&self) -> usize {
        self.lengths.iter().rposition(|&n| n > 0).unwrap_or(0)
    }
}

/// One layer of neurons and the synapses below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerCounters {
    /// Drives.
    pub drive: SignalCounter,
    /// States.
    pub state: SignalCounter,
    /// Weights and biases written by updates.
    pub weight: SignalCounter,
    /// Updates that were not zero but were rounded to nothing.
    pub lost_updates: u64,
    /// Updates that were not zero before rounding, by size: entry `k` has those from `2^(e-1)` to below `2^e` steps of the
    /// weight, where `e` is `k` less [`UPDATE_ORIGIN`]; the first and the last entry also what lies beyond them.
    pub updates: [u64; LENGTHS],
}

impl LayerCounters {
    /// Takes note of an update of `gradient / 2^shift` steps; `kept` where it was not rounded to nothing.
    #[inline]
    pub fn see_update(&mut self, gradient: i64, shift: i32, kept: bool) {
        if gradient == 0 {
            return;
        }
        self.lost_updates += u64::from(!kept);
        let bits = (u64::BITS - gradient.unsigned_abs().leading_zeros()) as i32;
        self.updates[(bits - shift + UPDATE_ORIGIN).clamp(0, LENGTHS as i32 - 1) as usize] += 1;
    }
}

/// All layers (index 0 is layer 1), over the samples that were counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Samples counted.
    pub samples: u64,
    /// Layers 1 to L.
    pub layers: Vec<LayerCounters>,
}

impl Counters {
    /// Nothing seen yet.
    pub fn new(design: &Design) -> Counters {
        Counters { samples: 0, layers: vec![LayerCounters::default(); design.output_layer()] }
    }

    /// A table for people: per layer and signal the format, the real range seen, and the share of saturated values.
    pub fn table(&self, design: &Design) -> String {
        let mut text = format!(
            "{:<6} {:<7} {:>8} {:>12} {:>12} {:>11} {:>13}\n",
            "layer", "signal", "format", "least", "greatest", "saturated", "lost updates"
        );
        for (i, layer) in self.layers.iter().enumerate() {
            let (neurons, synapses) = (design.neurons[i], &design.synapses[i]);
            let rows = [
                ("drive", neurons.drive, layer.drive, None),
                ("state", neurons.state, layer.state, None),
                ("weight", synapses.weight, layer.weight, Some(layer.lost_updates)),
            ];
            for (name, format, s, lost) in rows {
                let real = |raw: i64| {
                    if s.values == 0 { "-".to_owned() } else { format!("{:.5}", format.to_real(raw)) }
                };
                let share = |n: u64| {
                    if s.values == 0 {
                        "-".to_owned()
                    } else {
                        format!("{:.3} %", 100.0 * n as f64 / s.values as f64)
                    }
                };
                let _ = writeln!(
                    text,
                    "{:<6} {name:<7} {:>8} {:>12} {:>12} {:>11} {:>13}",
                    i + 1,
                    format.to_string(),
                    real(s.min),
                    real(s.max),
                    share(s.saturated),
                    lost.map(share).unwrap_or_default(),
                );
            }
        }
        text
    }
}
