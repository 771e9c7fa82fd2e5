//! A training in real numbers: the plan of the bit-accurate one, sample for sample.

use super::{FloatNetwork, Oracle, Parameters, Unwatched};
use crate::data::{Dataset, Samples, input_value};
use crate::design::Design;
use crate::reference::checkpoint::{CheckpointError, Identity};
use crate::reference::sealed::{self, Magic};
use crate::reference::train::{EpochScore, Plan, PlannedSample, is_between_batches};
use crate::rules::Program;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the file of a training in real numbers begins with. Its values: every parameter (f64), as
/// [`Parameters::values`] has them.
const MAGIC: Magic = *b"eqhdlflt";

/// How far a training has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct FloatProgress {
    /// Samples done.
    done: u64,
    /// Scores of the epochs done.
    epochs: Vec<EpochScore>,
    /// Score of the epoch at hand.
    current: EpochScore,
}

#[derive(Serialize, Deserialize)]
struct Header {
    identity: Identity,
    progress: FloatProgress,
}

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
    progress: FloatProgress,
    /// The epoch at hand, ready to be indexed, and its number.
    order: (u32, Vec<PlannedSample>),
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
        let progress = FloatProgress::default();
        FloatTrainer { design, data, plan, oracle, progress, order: (0, plan.samples(0).collect()) }
    }

    /// From where the checkpoint at `path` stands; `None` when there is none.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, or belongs to another design, data set or version.
    pub fn resumed(
        design: &'a Design,
        data: &'a Dataset,
        path: &Path,
    ) -> Result<Option<Self>, CheckpointError> {
        let Some((header, values)) = sealed::read::<Header>(path, MAGIC)? else { return Ok(None) };
        let mut trainer = FloatTrainer::new(design, data);
        trainer.identity().expect(&header.identity, path)?;
        let (values, tail) = values.as_chunks::<8>();
        let count = trainer.oracle.parameters.values().count();
        let per_epoch = u64::from(trainer.plan.samples_per_epoch());
        let p = header.progress;
        let whole = values.len() == count && tail.is_empty();
        if !whole || p.epochs.len() as u64 != p.done.checked_div(per_epoch).unwrap_or(0) {
            let problem = "the checkpoint contradicts itself".to_owned();
            return Err(CheckpointError::Damaged { path: path.to_owned(), problem });
        }
        for (parameter, bytes) in trainer.oracle.parameters.values_mut().zip(values) {
            *parameter = f64::from_le_bytes(*bytes);
        }
        trainer.progress = p;
        Ok(Some(trainer))
    }

    /// Leaves a checkpoint, written whole or not at all. Batches half done are not in it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let header = Header { identity: self.identity(), progress: self.progress.clone() };
        let values: Vec<u8> = self.parameters().values().flat_map(f64::to_le_bytes).collect();
        sealed::write(path, MAGIC, &header, &values)
    }

    fn identity(&self) -> Identity {
        Identity::of(self.design, &self.data.checksum, self.plan)
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
        self.progress.done
    }

    /// Number of the epoch at hand, from 0; the number of epochs when all is done.
    pub fn epoch(&self) -> u32 {
        self.progress.epochs.len() as u32
    }

    /// Scores of the epochs done.
    pub fn epochs(&self) -> &[EpochScore] {
        &self.progress.epochs
    }

    /// Right predictions of the epoch at hand.
    pub fn current(&self) -> EpochScore {
        self.progress.current
    }

    /// True where no batch is half done: only there does a checkpoint hold all there is.
    pub fn is_between_batches(&self) -> bool {
        is_between_batches(self.plan, self.progress.done)
    }

    /// Runs the next sample and says what it was and what the network made of it; `None` when all is done.
    pub fn step(&mut self) -> Option<(PlannedSample, u16)> {
        let epoch = self.epoch();
        if epoch >= self.plan.epochs {
            return None;
        }
        if self.order.0 != epoch {
            self.order = (epoch, self.plan.samples(epoch).collect());
        }
        let at = (self.progress.done % u64::from(self.plan.samples_per_epoch().max(1))) as usize;
        let planned = *self.order.1.get(at)?;
        let part = if planned.train { &self.data.train } else { &self.data.test };
        let index = planned.index as usize;
        let (input, label) = (real_input(self.design, part, index), part.label(index));
        self.oracle.sample = planned.number;
        let prediction = self.oracle.run(&input, label, planned.lesson(), &mut Unwatched);
        let right = u32::from(prediction == label);
        let p = &mut self.progress;
        if planned.train {
            p.current.train_correct += right;
        } else {
            p.current.test_correct += right;
        }
        p.done += 1;
        if at + 1 == self.order.1.len() {
            p.epochs.push(std::mem::take(&mut p.current));
        }
        Some((planned, prediction))
    }

    /// Test accuracy (0 to 1) of an epoch done; zero without test samples.
    pub fn test_accuracy(&self, epoch: usize) -> f64 {
        f64::from(self.progress.epochs[epoch].test_correct) / f64::from(self.plan.test_samples.max(1))
    }

    /// Running training accuracy (0 to 1) of an epoch done.
    pub fn train_accuracy(&self, epoch: usize) -> f64 {
        f64::from(self.progress.epochs[epoch].train_correct) / f64::from(self.plan.train_samples.max(1))
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
