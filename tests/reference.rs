//! The fast model equals the golden one, bit for bit, over random designs: every state, drive and weight of every step.

#[path = "common/random.rs"]
mod random;

use eqhdl::design::Design;
use eqhdl::fixed_point::Overflow;
use eqhdl::network::{KeptRecords, Network};
use eqhdl::reference::counters::Counters;
use eqhdl::reference::fast::Fast;
use eqhdl::reference::golden::Golden;
use eqhdl::reference::{Observer, SampleEnd, StepView, Weights};
use eqhdl::rules::{Lesson, Spared};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use random::{Joined, complex, design, inputs, weights};
use std::collections::BTreeMap;
use std::path::Path;

/// Everything an observer can see of one step.
#[derive(Debug, PartialEq)]
struct Seen {
    step: u32,
    relaxed: bool,
    /// Taps whose weights were written, layer by layer.
    taps: Vec<Vec<usize>>,
    records: KeptRecords,
    weights: Vec<i32>,
}

#[derive(Default)]
struct Recorder {
    network: Option<Network>,
    steps: Vec<Seen>,
    /// Prediction and passes left out of each sample.
    ends: Vec<(u16, Spared)>,
}

impl Recorder {
    fn of(design: &Design) -> Self {
        Recorder { network: Some(design.network.clone()), ..Recorder::default() }
    }
}

impl Observer for Recorder {
    fn step(&mut self, view: StepView<'_>) {
        let (mut weights, mut taps) = (Vec::new(), Vec::new());
        let Some(network) = &self.network else { return };
        for (l, connection) in network.connections() {
            taps.push(view.visits.taps(network, l).collect());
            for column in 0..=connection.taps() {
                // Two rows beyond the layer: they read zero.
                let mut lanes = vec![-1; connection.rows() + 2];
                view.weights.lanes(l, column, 0, &mut lanes);
                weights.extend(lanes);
            }
        }
        self.steps.push(Seen {
            step: view.step,
            relaxed: view.visits.relaxed,
            taps,
            records: view.records.keep(),
            weights,
        });
    }

    fn sample_end(&mut self, end: SampleEnd<'_>) {
        self.ends.push((end.prediction, end.spared.clone()));
    }
}

fn assert_equal_runs(design: &Design, extreme: u32) -> Result<(), TestCaseError> {
    let weights = weights(design, extreme);
    let mut golden = Golden::new(design, weights.clone());
    let mut fast = Fast::new(design, &weights);
    let mut counted = Fast::new(design, &weights);
    let mut alone = Fast::new(design, &weights);
    // Every pass is made: nothing that can be seen at the end is another.
    let whole = Design { skip_still: false, ..design.clone() };
    let mut constant = Golden::new(&whole, weights.clone());
    let mut counters = Counters::new(design);
    let (mut expected, mut found, mut silent) =
        (Recorder::of(design), Recorder::of(design), eqhdl::reference::Silent);
    for (s, input) in inputs(design, 4, extreme > 0).iter().enumerate() {
        let label = (s % design.classes()) as u16;
        let rates = s % design.milestones.sets();
        let train = [
            Lesson::Train { rates },
            Lesson::TrainLast { rates },
            Lesson::Infer,
            Lesson::TrainLast { rates },
        ][s];
        golden.run(input, label, train, &mut expected);
        let seen = fast.run(input, label, train, &mut found);
        prop_assert_eq!(seen, alone.run(input, label, train, &mut silent), "sample {}", s);
        prop_assert_eq!(fast.work().total(), alone.work().total());
        counted.run_counted(input, label, train, &mut silent, &mut counters);
        for (e, f) in expected.steps.iter().zip(&found.steps) {
            prop_assert_eq!(e, f, "sample {}", s);
        }
        prop_assert_eq!(expected.steps.len(), found.steps.len());
        prop_assert_eq!(&expected.ends, &found.ends);
        prop_assert_eq!(&golden.weights, &fast.weights());
        prop_assert_eq!(&golden.weights, &counted.weights());
        prop_assert_eq!(&golden.weights, &alone.weights());
        let mut all = Recorder::of(design);
        prop_assert_eq!(seen, constant.run(input, label, train, &mut all), "sample {}", s);
        prop_assert_eq!(&golden.weights, &constant.weights);
        let last = |r: &Recorder| r.steps.last().map(|s| s.records.clone());
        prop_assert_eq!(last(&all), last(&expected));
        prop_assert_eq!(all.steps.len(), expected.steps.len() + expected.ends[s].1.count() as usize);
        expected.steps.clear();
        found.steps.clear();
    }
    prop_assert_eq!(golden.weights.digest(), fast.weights().digest());
    Ok(())
}

/// The random designs must reach every kernel, or the equalities below prove nothing about it.
#[test]
fn random_designs_reach_every_kernel() {
    let mut seen = BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    for wild in [false, true] {
        for _ in 0..2400 {
            let design = design(Joined::Dense, wild).new_tree(&mut runner).unwrap().current();
            let (arithmetic, update) = Fast::new(&design, &Weights::initial(&design)).kernels();
            *seen.entry(arithmetic).or_insert(0) += 1;
            *seen.entry(update).or_insert(0) += 1;
        }
    }
    let kernels = [
        "16-bit operands, 32-bit sums",
        "16-bit operands, 64-bit sums of 32-bit bursts",
        "32-bit operands, 32-bit sums",
        "32-bit operands, 64-bit sums",
        "16-bit lanes, rounding multiply",
        "16-bit lanes, random bits",
        "16-bit lanes, multiply-add",
        "32-bit lanes",
        "64-bit lanes",
        "one synapse at a time",
    ];
    for kernel in kernels {
        assert!(seen.get(kernel).is_some_and(|&n| n >= 5), "{kernel}: {seen:?}");
    }
}

/// Counting sees every value, and saturation where there is some.
#[test]
fn counters_hold_what_the_steps_show() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..50 {
        let design = design(Joined::Dense, false).new_tree(&mut runner).unwrap().current();
        let weights = Weights::initial(&design);
        let mut network = Fast::new(&design, &weights);
        let (mut counters, mut seen) = (Counters::new(&design), Recorder::of(&design));
        for input in inputs(&design, 3, false) {
            network.run_counted(&input, 0, true, &mut seen, &mut counters);
        }
        assert_eq!(counters.samples, 3);
        let mut base = 0;
        for (l, c) in counters.layers.iter().enumerate() {
            let n = design.network.neurons(l + 1);
            // Every relaxation begins with an even pass, those left out counted, and nothing else comes before it. Layers
            // that rest are not counted.
            let relaxed = || seen.steps.iter().filter(|s| s.relaxed && !design.order.holds(s.step, l + 1));
            let states: Vec<i64> = relaxed()
                .flat_map(|s| &s.records.view().states[base..base + n])
                .map(|&v| i64::from(v))
                .collect();
            let drives: Vec<i64> = relaxed()
                .flat_map(|s| &s.records.view().drives[base..base + n])
                .map(|&v| i64::from(v))
                .collect();
            for (signal, values, format) in
                [(c.state, states, design.neurons[l].state), (c.drive, drives, design.neurons[l].drive)]
            {
                assert_eq!(signal.values, values.len() as u64);
                assert_eq!(Some(&signal.min), values.iter().min());
                assert_eq!(Some(&signal.max), values.iter().max());
                let inside = |v: i64| format.min_raw() < v && v < format.max_raw();
                let at_the_ends = values.iter().filter(|&&v| !inside(v)).count() as u64;
                if matches!(design.drive_modes.overflow, Overflow::Sat) && signal == c.drive {
                    assert!(signal.saturated <= at_the_ends, "saturated values lie at the ends");
                }
            }
            base += n;
        }
        let text = counters.table(&design);
        assert_eq!(text.lines().count(), 1 + 3 * design.output_layer());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn fast_equals_golden_on_common_formats(design in design(Joined::Dense, false)) {
        assert_equal_runs(&design, 0)?;
    }

    #[test]
    fn fast_equals_golden_on_any_format(design in design(Joined::Dense, true)) {
        assert_equal_runs(&design, 0)?;
    }

    #[test]
    fn fast_equals_golden_with_kernels(wild in any::<bool>(), extreme in select(vec![0, 0, 2, 13]), common in design(Joined::Kernels, false), any in design(Joined::Kernels, true)) {
        assert_equal_runs(if wild { &any } else { &common }, extreme)?;
    }

    #[test]
    fn fast_equals_golden_with_complex_states(wild in any::<bool>(), extreme in select(vec![0, 0, 2, 13]), common in complex(false), any in complex(true)) {
        assert_equal_runs(if wild { &any } else { &common }, extreme)?;
    }

    #[test]
    fn fast_equals_golden_at_the_ends_of_all_ranges(wild in any::<bool>(), extreme in select(vec![1, 2, 13]), common in design(Joined::Dense, false), any in design(Joined::Dense, true)) {
        assert_equal_runs(if wild { &any } else { &common }, extreme)?;
    }
}

/// Once nothing changes, no more passes are made, in either order of the layers, unless a constant latency is asked for.
#[test]
fn a_settled_phase_costs_nothing_more() {
    for name in ["digits-ep", "digits-even-odd"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("designs/{name}.toml"));
        let design = eqhdl::design::load(&path).unwrap();
        let run = |free_steps, skip_still| {
            let design = Design { free_steps, skip_still, ..design.clone() };
            let mut network = Fast::new(&design, &Weights::initial(&design));
            for (s, input) in inputs(&design, 8, false).iter().enumerate() {
                network.run(input, s as u16, s % 2 == 0, &mut eqhdl::reference::Silent);
            }
            (network.work(), network.weights())
        };
        let [(soon, weights), (late, same), (all, constant)] =
            [run(60, true), run(600, true), run(600, false)];
        assert_eq!(weights, same, "{name}");
        assert_eq!(weights, constant, "{name}");
        assert_eq!(soon, late, "{name}");
        assert!(all.total() > 5 * late.total(), "{name}");
    }
}
