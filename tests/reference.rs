//! The fast model equals the golden one, bit for bit, over random designs: every state, drive and weight of every step.

use eqhdl::design::{
    Activation, Constant, DataSource, Datapath, Design, Dynamics, Feedback, Milestones, Modes, Neurons,
    NudgePlace, NudgeSign, Order, Readout, Rule, Synapses,
};
use eqhdl::fixed_point::{Format, Overflow, Rounding};
use eqhdl::network::Network;
use eqhdl::reference::counters::Counters;
use eqhdl::reference::fast::Fast;
use eqhdl::reference::golden::Golden;
use eqhdl::reference::{Observer, SampleEnd, StepView, Weights};
use eqhdl::rules::Lesson;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything an observer can see of one step.
#[derive(Debug, PartialEq)]
struct Seen {
    step: u32,
    flags: (bool, bool),
    states: Vec<i32>,
    drives: Vec<i32>,
    active: Vec<u32>,
    weights: Vec<i32>,
}

#[derive(Default)]
struct Recorder {
    network: Option<Network>,
    steps: Vec<Seen>,
    ends: Vec<SampleEnd>,
}

impl Recorder {
    fn of(design: &Design) -> Self {
        Recorder { network: Some(design.network.clone()), ..Recorder::default() }
    }
}

impl Observer for Recorder {
    fn step(&mut self, view: StepView<'_>) {
        let mut weights = Vec::new();
        for (l, connection) in self.network.iter().flat_map(Network::connections) {
            for column in 0..=connection.taps() {
                // Two rows beyond the layer: they read zero.
                let mut lanes = vec![-1; connection.rows() + 2];
                view.weights.lanes(l, column, 0, &mut lanes);
                weights.extend(lanes);
            }
        }
        self.steps.push(Seen {
            step: view.step,
            flags: (view.relaxed, view.learned),
            states: view.states.to_vec(),
            drives: view.drives.to_vec(),
            active: view.active_inputs.to_vec(),
            weights,
        });
    }

    fn sample_end(&mut self, end: SampleEnd) {
        self.ends.push(end);
    }
}

fn any_format(
    signed: bool,
    width: std::ops::RangeInclusive<u32>,
    frac: std::ops::RangeInclusive<i32>,
) -> impl Strategy<Value = Format> {
    (width, frac).prop_map(move |(width, frac)| Format { signed, width, frac })
}

#[derive(Clone, Debug)]
struct Shape {
    sizes: Vec<usize>,
    input: Format,
    neurons: Vec<Neurons>,
    synapses: Vec<Synapses>,
}

/// Layers of odd sizes, less and more than a kernel's tile of 64 rows; formats around those of the field, or (`wild`) anything.
fn shape(wild: bool) -> impl Strategy<Value = Shape> {
    (prop::collection::vec(prop_oneof![1usize..40, 60usize..150], 1..4), 1usize..250, 2usize..12)
        .prop_flat_map(move |(hidden, inputs, classes)| {
            let mut sizes = vec![inputs];
            sizes.extend(hidden);
            sizes.push(classes);
            let layers = sizes.len() - 1;
            let spread = if wild { 3 } else { 1 };
            let neurons =
                (any::<bool>(), any_format(false, 6..=12, 6..=12), any_format(true, 8..=14, 5..=10))
                    .prop_map(move |(signed, state, drive)| {
                        let state = if signed {
                            Format { signed: true, width: state.width + 2, ..state }
                        } else {
                            state
                        };
                        Neurons { state, drive }
                    });
            let width = if wild { 6u32..=24 } else { 10..=16 };
            let synapses = (
                width,
                6i32..=14,
                -1i32..=1,
                1u32..=14,
                2i32..=8,
                0.02f64..0.8,
                (any::<bool>(), select(vec![0.3, 0.3, 5.0, 100.0])),
            );
            (
                Just(sizes),
                any_format(false, 1..=8, 1..=8),
                prop::collection::vec(neurons, layers),
                prop::collection::vec(synapses, layers),
                0u32..4,
            )
                .prop_map(move |(sizes, input, neurons, synapses, dropped)| {
                    let common = synapses[0].0;
                    let synapses = synapses
                        .into_iter()
                        .map(
                            |(width, frac, bias_frac, rate_width, rate_frac, init, (same, learning_rate))| {
                                let width = if same { common } else { width.min(common + spread).max(5) };
                                let weight = Format::signed(width, frac);
                                Synapses {
                                    weight,
                                    weight_read: Format::signed(width - dropped, frac - dropped as i32),
                                    bias: Format::signed(width, frac + bias_frac),
                                    rate: Constant::nearest(
                                        learning_rate / 0.4,
                                        Format::unsigned(rate_width, rate_frac),
                                    ),
                                    learning_rate,
                                    init,
                                }
                            },
                        )
                        .collect();
                    Shape { sizes, input, neurons, synapses }
                })
        })
}

fn modes(all: bool) -> impl Strategy<Value = Modes> {
    let rounding =
        if all { Rounding::ALL.to_vec() } else { vec![Rounding::Trn, Rounding::Rnd, Rounding::Stochastic] };
    let overflow = if all { Overflow::ALL.to_vec() } else { vec![Overflow::Sat, Overflow::SatSym] };
    (select(rounding), select(overflow)).prop_map(|(rounding, overflow)| Modes { rounding, overflow })
}

fn design(wild: bool) -> impl Strategy<Value = Design> {
    let choices = (
        select(vec![Dynamics::Prototypical, Dynamics::Prototypical, Dynamics::Leaky, Dynamics::Energy]),
        select(vec![NudgePlace::Inside, NudgePlace::Outside]),
        select(vec![Activation::HardSigmoid, Activation::HalfHardSigmoid, Activation::Logistic]),
        select(vec![
            (Rule::Ep, NudgeSign::Fixed),
            (Rule::Ep, NudgeSign::Random),
            (Rule::SymmetricEp, NudgeSign::Fixed),
            (Rule::Cep, NudgeSign::Fixed),
            (Rule::Cep, NudgeSign::Random),
        ]),
        (
            select(vec![Feedback::Tied, Feedback::VectorField, Feedback::KolenPollack]),
            select(vec![false, false, false, true]),
            select(vec![Readout::Squared, Readout::Squared, Readout::Softmax]),
            select(vec![Order::Synchronous, Order::Synchronous, Order::EvenOdd]),
            (select(vec![1, 1, 1, 3]), select(vec![vec![], vec![], vec![1], vec![2, 5]])),
        ),
    );
    (
        shape(wild),
        choices,
        (modes(wild), modes(wild), modes(wild)),
        (prop_oneof![1u32..5, 12u32..16], 1u32..5),
        any::<u32>(),
    )
        .prop_filter_map(
            "a signal too wide to build",
            |(
                shape,
                (
                    dynamics,
                    nudge_place,
                    activation,
                    (rule, nudge_sign),
                    (feedback, decay, readout, order, (batch, milestones)),
                ),
                (drive_modes, state_modes, weight_modes),
                (free_steps, nudged_steps),
                seed,
            )| {
                let dt = if dynamics == Dynamics::Prototypical {
                    Constant::nearest(1.0, Format::unsigned(1, 0))
                } else {
                    Constant::nearest(0.3, Format::unsigned(4, 4))
                };
                let mut design = Design {
                    name: "random".into(),
                    path: PathBuf::from("random.toml"),
                    network: Network::dense(&shape.sizes),
                    input: shape.input,
                    neurons: shape.neurons,
                    synapses: shape.synapses,
                    dynamics,
                    order,
                    readout,
                    nudge_place,
                    activation,
                    dt,
                    rule,
                    nudge_sign,
                    feedback,
                    angle: 60.0,
                    weight_decay: if decay {
                        Constant::nearest(0.07, Format::unsigned(6, 9))
                    } else {
                        Constant::nearest(0.0, Format::unsigned(1, 0))
                    },
                    batch: if rule == Rule::Cep || feedback == Feedback::VectorField { 1 } else { batch },
                    free_steps,
                    nudged_steps,
                    beta: Constant::nearest(0.4, Format::unsigned(4, 4)),
                    drive_modes,
                    state_modes,
                    weight_modes,
                    lanes: 16,
                    seed,
                    data: DataSource::Digits,
                    train_samples: None,
                    test_samples: None,
                    epochs: 1,
                    milestones: Milestones::new(&milestones)?,
                    rate_gamma: 0.5,
                    datapath: Datapath::default(),
                };
                // What the design file refuses: no rho of an error, no table over more than 16 bits.
                let drive = design.neurons[design.output_layer() - 1].drive;
                if readout == Readout::Softmax && (dynamics == Dynamics::Energy || drive.width > 16) {
                    design.readout = Readout::Squared;
                }
                design.datapath = Datapath::derive(&design).ok()?;
                Some(design)
            },
        )
}

/// A cheap hash of small numbers.
fn noise(a: u32, b: u32) -> u32 {
    let z = a.wrapping_mul(7919).wrapping_add(b).wrapping_mul(0x9E37_79B9).rotate_left(11);
    (z ^ (z >> 15)).wrapping_mul(0x85EB_CA6B)
}

/// Inputs of which about a third is not zero; or most of them at the end of the range.
fn inputs(design: &Design, samples: u32, extreme: bool) -> Vec<Vec<i32>> {
    let span = (design.input.max_raw() + 1) as u32;
    let value = |s: u32, j: u32| match (noise(s ^ design.seed, j), extreme) {
        (z, true) if z % 8 > 1 => design.input.max_raw() as i32,
        (z, _) if z.is_multiple_of(3) => ((z >> 8) % span) as i32,
        _ => 0,
    };
    (0..samples).map(|s| (0..design.network.inputs() as u32).map(|j| value(s, j)).collect()).collect()
}

/// Initial weights, of which so many sixteenths are put at the ends of their range: few at either, many at the
/// upper one, where sums are largest.
fn weights(design: &Design, extreme: u32) -> Weights {
    let mut weights = Weights::initial(design);
    for (l, (layer, s)) in weights.layers.iter_mut().zip(&design.synapses).enumerate() {
        for column in 0..layer.columns {
            let format = if column + 1 == layer.columns { s.bias } else { s.weight };
            for row in 0..layer.rows {
                let at = layer.at(row, column);
                let z = noise(design.seed ^ l as u32, (column * 1000 + row) as u32);
                if z % 16 < extreme {
                    layer.raw[at] = if extreme > 8 || !(z >> 8).is_multiple_of(3) {
                        format.max_raw()
                    } else {
                        format.min_raw()
                    } as i32;
                }
            }
        }
    }
    weights
}

fn assert_equal_runs(design: &Design, extreme: u32) -> Result<(), TestCaseError> {
    let weights = weights(design, extreme);
    let mut golden = Golden::new(design, weights.clone());
    let mut fast = Fast::new(design, &weights);
    let mut counted = Fast::new(design, &weights);
    // Unwatched, it leaves out passes that lead nowhere.
    let mut alone = Fast::new(design, &weights);
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
        for _ in 0..600 {
            let design = design(wild).new_tree(&mut runner).unwrap().current();
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
        let design = design(false).new_tree(&mut runner).unwrap().current();
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
            // Every relaxation begins with an even pass. Layers that rest are not counted.
            let relaxed = || {
                let passes = (0..).zip(seen.steps.iter().filter(|s| s.flags.0));
                passes.filter(|&(pass, _)| !design.order.holds(pass, l + 1)).map(|(_, s)| s)
            };
            let states: Vec<i64> =
                relaxed().flat_map(|s| &s.states[base..base + n]).map(|&v| i64::from(v)).collect();
            let drives: Vec<i64> =
                relaxed().flat_map(|s| &s.drives[base..base + n]).map(|&v| i64::from(v)).collect();
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
    fn fast_equals_golden_on_common_formats(design in design(false)) {
        assert_equal_runs(&design, 0)?;
    }

    #[test]
    fn fast_equals_golden_on_any_format(design in design(true)) {
        assert_equal_runs(&design, 0)?;
    }

    #[test]
    fn fast_equals_golden_at_the_ends_of_all_ranges(wild in any::<bool>(), extreme in select(vec![1, 2, 13]), common in design(false), any in design(true)) {
        assert_equal_runs(if wild { &any } else { &common }, extreme)?;
    }
}

/// Once states come back, the model makes no more passes, in either order of the layers; the hardware's are counted all
/// the same.
#[test]
fn a_settled_phase_costs_nothing_more() {
    for name in ["digits-ep", "digits-even-odd"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("designs/{name}.toml"));
        let design = eqhdl::design::load(&path).unwrap();
        let run = |free_steps| {
            let design = Design { free_steps, ..design.clone() };
            let mut network = Fast::new(&design, &Weights::initial(&design));
            for (s, input) in inputs(&design, 8, false).iter().enumerate() {
                network.run(input, s as u16, s % 2 == 0, &mut eqhdl::reference::Silent);
            }
            (network.work(), network.weights())
        };
        let [(soon, weights), (late, same)] = [run(60), run(600)];
        assert_eq!(weights, same, "{name}");
        let executed = |w: eqhdl::reference::fast::Work| w.total() - w.unchanged;
        assert!(late.total() > 5 * soon.total(), "{name}");
        assert_eq!(executed(soon), executed(late), "{name}");
    }
}
