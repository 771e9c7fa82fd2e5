//! A training in real numbers: the plan of the bit-accurate one, sample for sample.

use super::{FloatNetwork, Oracle, Parameters, Unwatched};
use crate::data::{Augment, Dataset, Samples, input_value};
use crate::design::Design;
use crate::reference::checkpoint::{CheckpointError, Identity};
use crate::reference::sealed::{self, Magic};
use crate::reference::train::{Course, Plan, PlannedSample, Walk};
use crate::rules::Program;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the file of a training in real numbers begins with. Its values: every parameter (f64), as
/// [`Parameters::values`] has them.
const MAGIC: Magic = *b"eqhdlflt";

#[derive(Serialize, Deserialize)]
struct Header {
    identity: Identity,
    progress: Course,
}

/// What the synapses of a design see of one sample, one value per input neuron, not quantised.
pub fn real_input(design: &Design, samples: &Samples, index: usize) -> Vec<f64> {
    samples.values_of(index).iter().enumerate().map(|(number, &x)| input_value(design, number, x)).collect()
}

/// Runs a plan, sample by sample, from the real values of the design's initial weights.
#[derive(Debug)]
pub struct FloatTrainer<'a> {
    design: &'a Design,
    data: &'a Dataset,
    augment: Option<Augment<f64>>,
    walk: Walk,
    oracle: Oracle,
    course: Course,
}

impl<'a> FloatTrainer<'a> {
    /// From the start.
    pub fn new(design: &'a Design, data: &'a Dataset) -> Self {
        Self::from(design, data, Parameters::initial(design))
    }

    /// From the start, with these parameters.
    pub fn from(design: &'a Design, data: &'a Dataset, parameters: Parameters) -> Self {
        let oracle = Oracle::new(FloatNetwork::of(design), Program::of(design), parameters, design.seed);
        let walk = Walk::of(Plan::new(design, data));
        let augment = Augment::of(design, |neuron| input_value(design, neuron, 0.0));
        FloatTrainer { design, data, augment, walk, oracle, course: Course::default() }
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
        let count = trainer.values().count();
        let whole = values.len() == count && tail.is_empty();
        if !whole || !header.progress.is_of(trainer.plan()) {
            let problem = "the checkpoint contradicts itself".to_owned();
            return Err(CheckpointError::Damaged { path: path.to_owned(), problem });
        }
        let Oracle { parameters, velocities, .. } = &mut trainer.oracle;
        let all = parameters.values_mut().chain(velocities.iter_mut().flat_map(Parameters::values_mut));
        for (parameter, bytes) in all.zip(values) {
            *parameter = f64::from_le_bytes(*bytes);
        }
        trainer.course = header.progress;
        Ok(Some(trainer))
    }

    /// Leaves a checkpoint, written whole or not at all. Batches half done are not in it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let header = Header { identity: self.identity(), progress: self.course.clone() };
        let values: Vec<u8> = self.values().flat_map(f64::to_le_bytes).collect();
        sealed::write(path, MAGIC, &header, &values)
    }

    /// All that goes on: parameters, then velocities.
    fn values(&self) -> impl Iterator<Item = f64> {
        self.parameters().values().chain(self.oracle.velocities.iter().flat_map(Parameters::values))
    }

    fn identity(&self) -> Identity {
        Identity::of(self.design, &self.data.checksum, self.plan())
    }

    /// The plan it follows.
    pub fn plan(&self) -> Plan {
        self.walk.plan
    }

    /// True where the whole plan has been run.
    pub fn is_done(&self) -> bool {
        self.course.done == self.plan().total()
    }

    /// How far it is.
    pub fn course(&self) -> &Course {
        &self.course
    }

    /// What the network knows by now.
    pub fn parameters(&self) -> &Parameters {
        &self.oracle.parameters
    }

    /// Runs the next sample and says what it was and what the network made of it; `None` when all is done.
    pub fn step(&mut self) -> Option<(PlannedSample, u16)> {
        let planned = self.walk.next(&self.course)?;
        let part = if planned.train { &self.data.train } else { &self.data.test };
        let index = planned.index as usize;
        let (mut input, label) = (real_input(self.design, part, index), part.label(index));
        if let Some(augment) = self.augment.as_ref().filter(|_| planned.train) {
            input = augment.show(planned.number, &input);
        }
        self.oracle.sample = planned.number;
        let prediction = self.oracle.run(&input, label, planned.lesson(), &mut Unwatched);
        self.course.advance(self.plan(), planned, prediction == label);
        Some((planned, prediction))
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
        let (course, plan) = (trainer.course(), trainer.plan());
        assert_eq!(course.done, 1000);
        let (train, test) = (course.train_accuracies(plan), course.test_accuracies(plan));
        assert!(test[1] > 0.7, "{}", test[1]);
        assert!(train[1] > train[0]);
    }

    /// `v <- m v + u`, `w <- w + v`: after two updates, what the first left is in the weights again.
    #[test]
    fn weights_follow_their_velocities() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/digits-momentum.toml");
        let mut with = crate::design::load(&path).unwrap();
        (with.batch, with.epochs, with.train_samples, with.test_samples) = (1, 1, Some(2), Some(1));
        let without = Design { momentum: None, ..with.clone() };
        let data = load(&with).unwrap();
        let run = |design: &Design| -> [Vec<f64>; 3] {
            let mut trainer = FloatTrainer::new(design, &data);
            [(); 3].map(|()| {
                let parameters = trainer.parameters().values().collect();
                trainer.step();
                parameters
            })
        };
        let [plain, following] = [run(&without), run(&with)];
        let mut moved = 0;
        for i in 0..plain[0].len() {
            let left = 0.9 * (plain[1][i] - plain[0][i]);
            assert!((following[1][i] - plain[1][i]).abs() < 1e-12, "no velocity yet, parameter {i}");
            assert!((following[2][i] - plain[2][i] - left).abs() < 1e-9, "parameter {i}");
            moved += u32::from(left != 0.0);
        }
        assert!(moved > 100, "{moved}");
    }
}
