//! The cycles that the hardware takes for what the model does.

use super::fast::Fast;
use super::train::PlannedSample;
use crate::design::{Design, Keys};
use crate::rules::Program;
use crate::schedule::{Layout, predict_made};
use serde::{Deserialize, Serialize};

/// Predicts the cycles of samples that the model has run.
#[derive(Debug)]
pub(super) struct Meter {
    layout: Layout,
    program: Program,
}

impl Meter {
    pub fn of(design: &Design) -> Meter {
        Meter { layout: Layout::of(design), program: Program::of(design) }
    }

    /// Of the sample that a network has run last, with so many inputs that are not zero.
    pub fn cycles(&self, network: &Fast<'_>, sample: PlannedSample, active: usize) -> u64 {
        predict_made(&self.layout, self.program.ops(sample.lesson()), active, network.spared()).all
    }
}

/// Cycles of the training samples of the latest epoch. A training goes on with another number of lanes; they do not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Digest of the circuit.
    circuit: String,
    epoch: u32,
    samples: u64,
    cycles: u64,
}

impl Spent {
    /// The same if it is of this design's circuit; else none yet.
    pub(super) fn on(self, design: &Design) -> Spent {
        let circuit = Keys::of_circuit(design).digest();
        if self.circuit == circuit { self } else { Spent { circuit, ..Spent::default() } }
    }

    /// A training sample of an epoch took so many.
    pub(super) fn take(&mut self, epoch: u32, cycles: u64) {
        if self.epoch != epoch {
            (self.epoch, self.samples, self.cycles) = (epoch, 0, 0);
        }
        self.samples += 1;
        self.cycles += cycles;
    }

    /// Mean cycles of a training sample on this design's circuit; `None` where they are of another.
    pub fn mean_on(&self, design: &Design) -> Option<f64> {
        self.clone().on(design).mean()
    }

    /// Mean cycles of a training sample; `None` where none was run.
    pub fn mean(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.cycles as f64 / self.samples as f64)
    }
}
