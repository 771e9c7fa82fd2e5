//! What a training did to its number formats: ranges seen, saturations, updates lost to rounding.

use crate::design::Design;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

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
}

impl Default for SignalCounter {
    fn default() -> Self {
        SignalCounter { values: 0, saturated: 0, min: i64::MAX, max: i64::MIN }
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
    /// Updates whose contrast was not zero but whose increment was rounded to nothing.
    pub lost_updates: u64,
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
