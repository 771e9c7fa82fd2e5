//! A training in real numbers: the plan of the bit-accurate one, sample for sample.

use super::{FloatNetwork, Oracle, Parameters, Unwatched};
use crate::data::{Dataset, Samples, input_value};
use crate::design::Design;
use crate::reference::train::{EpochScore, Plan, PlannedSample};
use crate::rules::Program;

/// What the synapses of a design see of one sample, one value per input neuron, not quantised.
pub fn real_input(design: &Design, samples: &Samples, index: usize) -> Vec<f64> {
    samples.values_of(index).iter().map(|&x| input_value(design, x)).collect()
}

/// Runs a plan, sample by sample, from the real values of the design's initial weights.
#[derive(Debug)]
pub struct FloatTrainer<'a> {
    design: &'a Design,
    data: &'a Dataset,
    plan: Plan,
    oracle: Oracle,
    /// Scores of the epochs done.
    pub epochs: Vec<EpochScore>,
    /// Score of the epoch at hand.
    pub current: EpochScore,
    order: Vec<PlannedSample>,
    at: usize,
}

impl<'a> FloatTrainer<'a> {
    /// From the start.
    pub fn new(design: &'a Design, data: &'a Dataset) -> Self {
        let plan = Plan::new(design, data);
        let oracle = Oracle::new(
            FloatNetwork::of(design),
            Program::of(design),
            Parameters::initial(design),
            design.seed,
        );
        let order = if plan.epochs > 0 { plan.samples(0).collect() } else { Vec::new() };
        let start = EpochScore::default();
        FloatTrainer { design, data, plan, oracle, epochs: Vec::new(), current: start, order, at: 0 }
    }

    /// The plan it follows.
    pub fn plan(&self) -> Plan {
        self.plan
    }

    /// What the network knows by now.
    pub fn parameters(&self) -> &Parameters {
        &self.oracle.parameters
    }

    /// Samples done.
    pub fn done(&self) -> u64 {
        self.epochs.len() as u64 * u64::from(self.plan.samples_per_epoch()) + self.at as u64
    }

    /// Runs the next sample and says what it was and what the network made of it; `None` when all is done.
    pub fn step(&mut self) -> Option<(PlannedSample, u16)> {
        let planned = *self.order.get(self.at)?;
        let part = if planned.train { &self.data.train } else { &self.data.test };
        let index = planned.index as usize;
        let (input, label) = (real_input(self.design, part, index), part.label(index));
        self.oracle.sample = planned.number;
        let prediction = self.oracle.run(&input, label, planned.lesson(), &mut Unwatched);
        let right = u32::from(prediction == label);
        if planned.train {
            self.current.train_correct += right;
        } else {
            self.current.test_correct += right;
        }
        self.at += 1;
        if self.at == self.order.len() {
            self.epochs.push(std::mem::take(&mut self.current));
            self.at = 0;
            let epoch = self.epochs.len() as u32;
            self.order =
                if epoch < self.plan.epochs { self.plan.samples(epoch).collect() } else { Vec::new() };
        }
        Some((planned, prediction))
    }

    /// Test accuracy (0 to 1) of an epoch done; zero without test samples.
    pub fn test_accuracy(&self, epoch: usize) -> f64 {
        f64::from(self.epochs[epoch].test_correct) / f64::from(self.plan.test_samples.max(1))
    }

    /// Running training accuracy (0 to 1) of an epoch done.
    pub fn train_accuracy(&self, epoch: usize) -> f64 {
        f64::from(self.epochs[epoch].train_correct) / f64::from(self.plan.train_samples.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::load;
    use std::path::Path;

    #[test]
    fn the_oracle_learns_the_digits() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/digits-ep.toml");
        let mut design = crate::design::load(&path).unwrap();
        (design.epochs, design.train_samples, design.test_samples) = (2, Some(400), Some(100));
        let data = load(&design).unwrap();
        let mut trainer = FloatTrainer::new(&design, &data);
        while trainer.step().is_some() {}
        assert_eq!(trainer.done(), 1000);
        assert!(trainer.test_accuracy(1) > 0.7, "{}", trainer.test_accuracy(1));
        assert!(trainer.train_accuracy(1) > trainer.train_accuracy(0));
    }
}
