//! What a point costs, from the model: cycles, memory, multipliers.

use crate::design::Design;
use crate::reference::train::{PlannedSample, TrainingData};
use crate::rules::Program;
use crate::schedule::{Layout, predict, predict_training};
use crate::verilog::Price;
use serde::Serialize;
use std::collections::BTreeMap;

/// The price of a point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Mean clock cycles to learn a training sample; once it is trained, as its samples were, before that at most.
    pub cycles_per_sample: f64,
    /// Mean clock cycles to recognise one of them, at most.
    pub inference_cycles: f64,
    /// Bits of the weight memory.
    pub weight_memory_bits: usize,
    /// Bits of all memories.
    pub memory_bits: usize,
    /// Multipliers of two values that vary.
    pub multipliers: usize,
    /// One-bit products that they form at once.
    pub multiplier_bits: usize,
}

impl Cost {
    /// Of a design on its training samples.
    pub fn of(design: &Design, data: &TrainingData) -> Cost {
        let layout = Layout::of(design);
        let program = Program::of(design);
        let price = Price::of(design, &layout);
        let mut active: BTreeMap<usize, u64> = BTreeMap::new();
        for n in 0..data.train.len() {
            // As an epoch without shuffling would show it.
            let n = n as u32;
            let first = PlannedSample { number: n, index: n, train: true, ends_batch: true, rates: 0 };
            *active.entry(data.active(first)).or_default() += 1;
        }
        let mean = |cycles: &dyn Fn(usize) -> u64| {
            let all: u64 = active.iter().map(|(&a, &n)| n * cycles(a)).sum();
            all as f64 / data.train.len().max(1) as f64
        };
        Cost {
            cycles_per_sample: mean(&|a| predict_training(&layout, &program, design.batch, a).all),
            inference_cycles: mean(&|a| predict(&layout, &program.infer, a).all),
            weight_memory_bits: price.weight_memory_bits(),
            memory_bits: price.memory_bits(),
            multipliers: price.multiplier_count(),
            multiplier_bits: price.multiplier_bits(),
        }
    }
}

/// Multiply-accumulates of one training sample, about: what its training takes of a processor.
pub fn effort(design: &Design) -> u64 {
    let synapses: u64 = design.network.connections().map(|(_, c)| c.products() as u64).sum();
    synapses * u64::from(design.free_steps + 4 * design.nudged_steps)
}
