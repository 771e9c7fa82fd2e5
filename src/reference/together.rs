//! Samples between two changes of the weights, side by side on several cores. The bits are those of one after the other:
//! a batch's contrasts are summed exactly, in whatever order.

use super::Silent;
use super::counters::Counters;
use super::fast::Fast;
use super::spent::Meter;
use super::train::{PlannedSample, TrainingData};
use crate::design::Design;
use crate::rules::{Lesson, Program};
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Products below which threads cost more than they bring: about a millisecond's.
const WORTH: usize = 20_000_000;

/// Test samples that run side by side, at most: predictions are handed out one by one, and a signal waits for them.
pub(super) const TESTS_TOGETHER: usize = 64;

/// Models that help another.
#[derive(Debug)]
pub(super) struct Together<'d> {
    cores: usize,
    /// Products of a sample, about.
    products: usize,
    /// Products of samples that are worth threads.
    worth: usize,
    helpers: Vec<Fast<'d>>,
}

impl<'d> Together<'d> {
    /// None yet: on one core.
    pub fn of(design: &Design) -> Together<'d> {
        let steps = Program::of(design).steps(Lesson::from(true)) as usize;
        let pass: usize = design.network.connections().map(|(_, c)| c.products()).sum();
        Together { cores: 1, products: pass * steps, worth: WORTH, helpers: Vec::new() }
    }

    /// No more threads than so many cores.
    pub fn use_cores(&mut self, cores: NonZero<usize>) {
        self.cores = cores.get();
    }

    /// Also where it costs more than it brings.
    #[cfg(test)]
    pub fn use_always(&mut self) {
        self.worth = 0;
    }

    /// True where there is more than one core.
    pub fn has_cores(&self) -> bool {
        self.cores > 1
    }

    /// True where so many samples are worth it.
    pub fn helps(&self, samples: usize) -> bool {
        self.has_cores() && samples > 1 && samples * self.products >= self.worth
    }

    /// Runs samples between which no weight changes: what they teach is added up in `network`, yet not learned. Returns
    /// their predictions, and what the hardware takes for each that trains. Those that are `counted` are.
    pub fn run(
        &mut self,
        network: &mut Fast<'d>,
        data: &TrainingData,
        meter: &Meter,
        samples: &[PlannedSample],
        counted: impl Fn(&PlannedSample) -> bool,
        counters: &mut Counters,
    ) -> Vec<(u16, Option<u64>)> {
        let helpers = self.cores.min(samples.len()) - 1;
        self.helpers.resize_with(helpers, || network.clone());
        let (first, rest): (Vec<usize>, Vec<usize>) = (0..samples.len()).partition(|&i| counted(&samples[i]));
        let next = AtomicUsize::new(0);
        let work = |network: &mut Fast<'d>| {
            let mut made = Vec::new();
            while let Some(&i) = rest.get(next.fetch_add(1, Ordering::Relaxed)) {
                made.push((i, run_planned(network, data, meter, samples[i], samples[i].without_end(), None)));
            }
            made
        };
        let mut predictions = vec![(0, None); samples.len()];
        let model = &*network;
        self.helpers.iter_mut().for_each(|helper| helper.take_weights(model));
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                self.helpers.iter_mut().map(|helper| scope.spawn(|| work(helper))).collect();
            for i in first {
                let (sample, counters) = (samples[i], &mut *counters);
                predictions[i] =
                    run_planned(network, data, meter, sample, sample.without_end(), Some(counters));
            }
            let mut made = work(network);
            for thread in threads {
                match thread.join() {
                    Ok(more) => made.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            made.into_iter().for_each(|(i, prediction)| predictions[i] = prediction);
        });
        self.helpers.iter_mut().for_each(|helper| network.take_sums(helper));
        predictions
    }
}

/// Runs a planned sample, counted where there are counters, and returns its prediction and, where it trains, the hardware's
/// cycles, those of a batch's end included.
pub(super) fn run_planned(
    network: &mut Fast<'_>,
    data: &TrainingData,
    meter: &Meter,
    sample: PlannedSample,
    lesson: Lesson,
    counters: Option<&mut Counters>,
) -> (u16, Option<u64>) {
    let (input, label) = data.sample(sample);
    network.set_sample(sample.number);
    let prediction = match counters {
        Some(counters) => network.run_counted(&input, label, lesson, &mut Silent, counters),
        None => network.run(&input, label, lesson, &mut Silent),
    };
    let active = || input.iter().filter(|&&x| x != 0).count();
    (prediction, sample.train.then(|| meter.cycles(network, sample, active())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::load;
    use crate::design::{Rule, parse};
    use crate::reference::Weights;
    use crate::reference::train::{Plan, Trainer};
    use std::path::Path;

    /// Batches of several kinds, of which the last is shorter, and rates that fall in between.
    fn design(name: &str, text: &str, rule: Rule) -> Design {
        let mut design = parse(Path::new(name), text).unwrap();
        (design.rule, design.batch) = (rule, 7);
        (design.epochs, design.train_samples, design.test_samples) = (2, Some(80), Some(30));
        design.datapath = crate::design::Datapath::derive(&design).unwrap();
        design
    }

    fn trains_the_same(design: &Design) {
        let set = load(design).unwrap();
        let (data, plan) = (TrainingData::new(design, &set), Plan::new(design, &set));
        let mut one = Trainer::new(design, &data, plan);
        let mut many = Trainer::new(design, &data, plan).on(NonZero::new(3).unwrap());
        many.together_whatever_it_costs();
        loop {
            let (step, other) = (one.step(), many.step());
            assert_eq!(step, other);
            // Between batches there is nothing but weights, counts and scores.
            if one.is_between_batches() {
                assert_eq!(one.weights(), many.weights(), "after {step:?}");
                assert_eq!(one.progress(), many.progress(), "after {step:?}");
            }
            if step.is_none() {
                break;
            }
        }
        assert_eq!(one.network().work(), many.network().work());
        assert_ne!(one.weights(), Weights::initial(design));
        assert!(one.progress().counters.samples > 0);
    }

    #[test]
    fn samples_side_by_side_teach_what_samples_in_turn_teach() {
        let designs = [
            ("digits-batch.toml", include_str!("../../designs/digits-batch.toml")),
            ("digits-momentum.toml", include_str!("../../designs/digits-momentum.toml")),
            ("digits-conv.toml", include_str!("../../designs/digits-conv.toml")),
        ];
        for (name, text) in designs {
            for rule in [Rule::Ep, Rule::SymmetricEp] {
                trains_the_same(&design(name, text, rule));
            }
        }
    }
}
