//! A training: which sample comes when, and a trainer that can stop and go on at every one of them.

use super::Weights;
use super::counters::Counters;
use super::fast::Fast;
use super::spent::{Meter, Spent};
use super::together::{TESTS_TOGETHER, Together, run_planned};
use crate::data::{Augment, Dataset, QuantisedSamples, epoch_order, quantise, raw_input};
use crate::design::{Design, Milestones};
use crate::rules::Lesson;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::num::NonZero;

/// A sample's place in a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedSample {
    /// Number since the start of the training, training and test samples alike: keys the random bits.
    pub number: u32,
    /// Which sample of the training set, or of the test set.
    pub index: u32,
    /// From the training set, through the training program; otherwise from the test set, through inference.
    pub train: bool,
    /// The batch ends with it (where a batch is one sample, every one does).
    pub ends_batch: bool,
    /// The set of learning rates that its epoch learns at.
    pub rates: u8,
}

impl PlannedSample {
    /// What it is for.
    pub fn lesson(&self) -> Lesson {
        Lesson::new(self.train, self.ends_batch, self.rates)
    }

    /// The same for a sample whose batch is ended by itself.
    pub(super) fn without_end(&self) -> Lesson {
        Lesson::new(self.train, false, self.rates)
    }
}

/// The order of all samples of a training: in every epoch the training samples in the epoch's order, then the test
/// samples as they come. The reference and the cross-check walk the same plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Keys the order.
    pub seed: u32,
    /// Passes over the training set.
    pub epochs: u32,
    /// Training samples.
    pub train_samples: u32,
    /// Test samples.
    pub test_samples: u32,
    /// Training samples of a batch. An epoch's last batch may be shorter.
    pub batch: u32,
    /// When the learning rates fall.
    pub milestones: Milestones,
}

impl Plan {
    /// The plan of a design over a data set (whose sizes fit 32 bits: the loaders hold every value in memory).
    pub fn new(design: &Design, data: &Dataset) -> Plan {
        let (train, test) = (data.train.len() as u32, data.test.len() as u32);
        Plan {
            seed: design.seed,
            epochs: design.epochs,
            train_samples: train,
            test_samples: test,
            batch: design.batch,
            milestones: design.milestones,
        }
    }

    /// Samples of one epoch.
    pub fn samples_per_epoch(&self) -> u32 {
        self.train_samples + self.test_samples
    }

    /// One training sample in so many is counted (ranges, saturations, lost updates): about thirty an epoch, enough for
    /// shares. A counted sample learns one synapse at a time, which is tens of times slower: of a large set one in 64
    /// would double the time of a training.
    pub fn counted_every(&self) -> u32 {
        (self.train_samples / 32).next_power_of_two().clamp(64, 1024)
    }

    /// Samples of the whole training.
    pub fn total(&self) -> u64 {
        u64::from(self.epochs) * u64::from(self.samples_per_epoch())
    }

    /// The samples of the whole training, in order.
    pub fn all(self) -> impl Iterator<Item = PlannedSample> {
        (0..self.epochs).flat_map(move |epoch| self.samples(epoch))
    }

    /// The samples of an epoch, in order.
    pub fn samples(&self, epoch: u32) -> impl Iterator<Item = PlannedSample> + use<> {
        let first = epoch.wrapping_mul(self.samples_per_epoch());
        let train =
            epoch_order(self.seed, epoch, self.train_samples as usize).into_iter().map(|index| (index, true));
        let test = (0..self.test_samples).map(|index| (index, false));
        let (batch, trained) = (self.batch, self.train_samples);
        let rates = self.milestones.set_of(epoch) as u8;
        let place = move |(at, (index, train))| PlannedSample {
            number: first.wrapping_add(at),
            index,
            train,
            ends_batch: (at + 1) % batch == 0 || at + 1 >= trained,
            rates,
        };
        (0u32..).zip(train.chain(test)).map(place)
    }
}

/// Both parts of a data set as the hardware sees them.
#[derive(Clone, Debug)]
pub struct TrainingData {
    /// What is learned.
    pub train: QuantisedSamples,
    /// What is tested.
    pub test: QuantisedSamples,
    /// How training images are turned and moved; none where they are shown as they are.
    pub augment: Option<Augment<i32>>,
    /// The data set's checksum.
    pub checksum: String,
}

impl TrainingData {
    /// Quantises a data set.
    pub fn new(design: &Design, data: &Dataset) -> TrainingData {
        TrainingData {
            train: quantise(design, &data.train),
            test: quantise(design, &data.test),
            augment: Augment::of(design, |neuron| raw_input(design, neuron, 0.0)),
            checksum: data.checksum.clone(),
        }
    }

    /// Raw inputs and label of a planned sample.
    pub fn sample(&self, s: PlannedSample) -> (Cow<'_, [i32]>, u16) {
        let raw = self.part(s).raw_of(s.index as usize);
        let shown = match &self.augment {
            Some(augment) if s.train => Cow::Owned(augment.show(s.number, raw)),
            _ => Cow::Borrowed(raw),
        };
        (shown, self.label(s))
    }

    /// The label of a planned sample.
    pub fn label(&self, s: PlannedSample) -> u16 {
        self.part(s).label(s.index as usize)
    }

    fn part(&self, s: PlannedSample) -> &QuantisedSamples {
        if s.train { &self.train } else { &self.test }
    }

    /// How many of its inputs are not zero: what its cycles depend on.
    pub fn active(&self, s: PlannedSample) -> usize {
        self.sample(s).0.iter().filter(|&&x| x != 0).count()
    }
}

/// Right predictions of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochScore {
    /// Of the training samples seen, at the free phase, each before its own update.
    pub train_correct: u32,
    /// Of the test samples seen.
    pub test_correct: u32,
}

/// How far a training has come along its plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Samples done.
    pub done: u64,
    /// Scores of the epochs done.
    pub epochs: Vec<EpochScore>,
    /// Score of the epoch at hand.
    pub current: EpochScore,
}

impl Course {
    /// Number of the epoch at hand, from 0; the number of epochs when all is done.
    pub fn epoch(&self) -> u32 {
        self.epochs.len() as u32
    }

    /// Samples done of the epoch at hand.
    fn at(&self, plan: Plan) -> u64 {
        self.done % u64::from(plan.samples_per_epoch().max(1))
    }

    /// The next sample is done, with this prediction right or not.
    pub(crate) fn advance(&mut self, plan: Plan, planned: PlannedSample, right: bool) {
        let score = &mut self.current;
        *(if planned.train { &mut score.train_correct } else { &mut score.test_correct }) += u32::from(right);
        self.done += 1;
        if self.at(plan) == 0 {
            self.epochs.push(std::mem::take(&mut self.current));
        }
    }

    /// True where the samples done make whole epochs as counted: a course that contradicts itself is of no plan.
    pub(crate) fn is_of(&self, plan: Plan) -> bool {
        self.epochs.len() as u64 == self.done.checked_div(u64::from(plan.samples_per_epoch())).unwrap_or(0)
    }

    /// True where no batch is half done: only there does a checkpoint hold all there is.
    pub fn is_between_batches(&self, plan: Plan) -> bool {
        let at = self.at(plan);
        at >= u64::from(plan.train_samples) || at.is_multiple_of(plan.batch.into())
    }

    /// Running training accuracy (0 to 1) of the epoch at hand.
    pub fn running_accuracy(&self, plan: Plan) -> f64 {
        let seen = self.at(plan).min(u64::from(plan.train_samples)).max(1);
        f64::from(self.current.train_correct) / seen as f64
    }

    /// Running training accuracy (0 to 1) of each epoch done.
    pub fn train_accuracies(&self, plan: Plan) -> Vec<f64> {
        self.epochs.iter().map(|e| share(e.train_correct, plan.train_samples)).collect()
    }

    /// Test accuracy (0 to 1) of each epoch done; zero without test samples.
    pub fn test_accuracies(&self, plan: Plan) -> Vec<f64> {
        self.epochs.iter().map(|e| share(e.test_correct, plan.test_samples)).collect()
    }
}

/// A plan with the epoch at hand ready to be indexed.
#[derive(Debug)]
pub(crate) struct Walk {
    pub plan: Plan,
    order: Option<(u32, Vec<PlannedSample>)>,
}

impl Walk {
    pub fn of(plan: Plan) -> Walk {
        Walk { plan, order: None }
    }

    /// The next sample; `None` when all is done.
    pub fn next(&mut self, course: &Course) -> Option<PlannedSample> {
        let epoch = course.epoch();
        if epoch >= self.plan.epochs {
            return None;
        }
        if self.order.as_ref().is_none_or(|o| o.0 != epoch) {
            self.order = Some((epoch, self.plan.samples(epoch).collect()));
        }
        self.order.as_ref()?.1.get(course.at(self.plan) as usize).copied()
    }

    /// The next sample and those after it before the weights change; of tests no more than `tests`.
    fn until_weights_change(&mut self, course: &Course, tests: usize) -> &[PlannedSample] {
        let (Some(next), Some((_, order))) = (self.next(course), &self.order) else { return &[] };
        let left = &order[course.at(self.plan) as usize..];
        let more = match next.train {
            true => left.iter().take_while(|s| !s.ends_batch).count() + 1,
            false => tests,
        };
        &left[..more.min(left.len())]
    }
}

/// How far a bit-accurate training has come, and what it has counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Samples and scores.
    #[serde(flatten)]
    pub course: Course,
    /// Ranges and saturations so far.
    pub counters: Counters,
    /// What the hardware takes for it.
    #[serde(default)]
    pub spent: Spent,
}

/// Runs a plan, sample by sample.
#[derive(Debug)]
pub struct Trainer<'a> {
    data: &'a TrainingData,
    walk: Walk,
    network: Fast<'a>,
    progress: Progress,
    together: Together<'a>,
    meter: Meter,
    /// Predictions and cycles of the next samples, which have been run together.
    ready: VecDeque<(u16, Option<u64>)>,
}

impl<'a> Trainer<'a> {
    /// From the start.
    pub fn new(design: &'a Design, data: &'a TrainingData, plan: Plan) -> Self {
        Self::from(design, data, plan, &Weights::initial(design))
    }

    /// From the start, with these weights.
    pub fn from(design: &'a Design, data: &'a TrainingData, plan: Plan, weights: &Weights) -> Self {
        let progress =
            Progress { course: Course::default(), counters: Counters::new(design), spent: Spent::default() };
        Self::resumed(design, data, plan, weights, progress)
    }

    /// From where an earlier one stood.
    pub fn resumed(
        design: &'a Design,
        data: &'a TrainingData,
        plan: Plan,
        weights: &Weights,
        progress: Progress,
    ) -> Self {
        let progress = Progress { spent: progress.spent.on(design), ..progress };
        Trainer {
            data,
            walk: Walk::of(plan),
            network: Fast::new(design, weights),
            progress,
            together: Together::of(design),
            meter: Meter::of(design),
            ready: VecDeque::new(),
        }
    }

    /// The same on so many cores (on one, unless this is asked for), bit for bit.
    pub fn on(mut self, cores: NonZero<usize>) -> Self {
        self.together.use_cores(cores);
        self
    }

    /// Samples run side by side wherever they can, were it for nothing.
    #[cfg(test)]
    pub(super) fn together_whatever_it_costs(&mut self) {
        self.together.use_always();
    }

    /// Number of the epoch at hand, from 0; the number of epochs when all is done.
    pub fn epoch(&self) -> u32 {
        self.progress.course.epoch()
    }

    /// How far it is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The plan it follows.
    pub fn plan(&self) -> Plan {
        self.walk.plan
    }

    /// The weights as they stand.
    pub fn weights(&self) -> Weights {
        self.network.weights()
    }

    /// The model.
    pub fn network(&self) -> &Fast<'a> {
        &self.network
    }

    /// Runs the next sample and says what it was and what the network made of it; `None` when all is done.
    pub fn step(&mut self) -> Option<(PlannedSample, u16)> {
        let planned = self.walk.next(&self.progress.course)?;
        let plan = self.plan();
        let counted = |s: &PlannedSample| s.train && s.number.is_multiple_of(plan.counted_every());
        if self.ready.is_empty() && self.together.has_cores() {
            let samples = self.walk.until_weights_change(&self.progress.course, TESTS_TOGETHER);
            if self.together.helps(samples.len()) {
                let counters = &mut self.progress.counters;
                self.ready = self
                    .together
                    .run(&mut self.network, self.data, &self.meter, samples, counted, counters)
                    .into();
            }
        }
        let counters = counted(&planned).then_some(&mut self.progress.counters);
        let (prediction, cycles) = match self.ready.pop_front() {
            Some(made) => {
                if planned.train && planned.ends_batch {
                    self.network.end_batch(planned, counters);
                }
                made
            }
            None => {
                run_planned(&mut self.network, self.data, &self.meter, planned, planned.lesson(), counters)
            }
        };
        if let Some(cycles) = cycles {
            self.progress.spent.take(self.progress.course.epoch(), cycles);
        }
        self.progress.course.advance(plan, planned, prediction == self.data.label(planned));
        Some((planned, prediction))
    }

    /// True where no batch is half done: only there does a checkpoint hold all there is.
    pub fn is_between_batches(&self) -> bool {
        self.progress.course.is_between_batches(self.plan())
    }
}

/// How many of the last epochs the reported test accuracy is the mean of: the last fifth, at least one.
pub fn averaged_epochs(epochs: usize) -> usize {
    (epochs / 5).max(1).min(epochs)
}

fn share(part: u32, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) }
}
