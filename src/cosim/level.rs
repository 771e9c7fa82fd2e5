//! The levels of comparison.

use clap::ValueEnum;
use serde::Serialize;

/// How much of the hardware's work is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Predictions, cycles and the weights at the end; no waveform
    Final,
    /// One signature word per step, predictions and cycles
    Signature,
    /// Every state at every step; weights by signature
    States,
    /// Every state and every weight written
    Events,
    /// Also every neuron's drive
    All,
}

impl Level {
    /// The harness's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Level::Final => "none",
            Level::Signature => "signature",
            Level::States => "states",
            Level::Events => "events",
            Level::All => "all",
        }
    }
}
