//! Random designs: layers of odd sizes, every mode, every rule.

use eqhdl::design::{
    Activation, Circle, Constant, DataSource, Datapath, Design, Dynamics, Feedback, Milestones, Modes,
    Momentum, Neurons, NudgePlace, NudgeSign, Order, Preparation, Readout, Rule, Synapses,
};
use eqhdl::fixed_point::{Format, Overflow, Rounding};
use eqhdl::network::{Connection, Kernel, Network, Pool, Shape};
use eqhdl::reference::Weights;
use proptest::prelude::*;
use proptest::sample::select;
use std::path::PathBuf;

fn any_format(
    signed: bool,
    width: std::ops::RangeInclusive<u32>,
    frac: std::ops::RangeInclusive<i32>,
) -> impl Strategy<Value = Format> {
    (width, frac).prop_map(move |(width, frac)| Format { signed, width, frac })
}

#[derive(Clone, Debug)]
struct Parts {
    network: Network,
    input: Format,
    neurons: Vec<Neurons>,
    synapses: Vec<Synapses>,
}

/// What joins the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// Every neuron with every neuron.
    Dense,
    /// By kernels, and dense layers above them.
    Kernels,
}

/// Layers of odd sizes, less and more than a kernel's tile of 64 rows.
fn dense() -> impl Strategy<Value = Network> {
    let hidden = prop::collection::vec(prop_oneof![1usize..40, 60usize..150], 1..4);
    (hidden, 1usize..250, 2usize..12).prop_map(|(hidden, inputs, classes)| {
        let sizes: Vec<usize> = [inputs].into_iter().chain(hidden).chain([classes]).collect();
        Network::dense(&sizes)
    })
}

/// Small images, one to three kernels that fit them, of all kinds, and one or two dense layers.
fn kernels() -> impl Strategy<Value = Network> {
    let kernel =
        (1usize..=5, 1usize..=2, 0usize..5, select(vec![Pool::None, Pool::Max, Pool::Max, Pool::Average]))
            .prop_map(|(size, stride, padding, pool)| Kernel { size, stride, padding: padding % size, pool });
    let channels = prop_oneof![1usize..6, 1usize..20];
    (
        (3usize..11, 3usize..11, 1usize..4),
        prop::collection::vec((channels, kernel), 1..9),
        prop_oneof![Just(None), (1usize..20).prop_map(Some)],
        2usize..12,
    )
        .prop_filter_map("no kernel fits", |((rows, columns, channels), kernels, hidden, classes)| {
            let mut below = Shape { rows, columns, channels };
            let mut connections = Vec::new();
            for (channels, kernel) in kernels {
                let fits = Connection::conv(below, channels, kernel).ok();
                let Some(c) = fits.filter(|_| below.places() > 1 && connections.len() < 3) else { continue };
                below = c.above();
                connections.push(c);
            }
            if connections.is_empty() {
                return None;
            }
            for neurons in hidden.into_iter().chain([classes]) {
                let c = Connection::dense(below, neurons);
                below = c.above();
                connections.push(c);
            }
            Some(Network::new(connections))
        })
}

/// Formats around those of the field, or (`wild`) anything.
fn parts(network: impl Strategy<Value = Network>, wild: bool) -> impl Strategy<Value = Parts> {
    network.prop_flat_map(move |network| {
        let layers = network.depth();
        let spread = if wild { 3 } else { 1 };
        let neurons = (any::<bool>(), any_format(false, 6..=12, 6..=12), any_format(true, 8..=14, 5..=10))
            .prop_map(move |(signed, state, drive)| {
                let state =
                    if signed { Format { signed: true, width: state.width + 2, ..state } } else { state };
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
            Just(network),
            any_format(false, 1..=8, 1..=8),
            prop::collection::vec(neurons, layers),
            prop::collection::vec(synapses, layers),
            0u32..4,
        )
            .prop_map(move |(network, input, neurons, synapses, dropped)| {
                let common = synapses[0].0;
                let synapses = synapses
                    .into_iter()
                    .map(|(width, frac, bias_frac, rate_width, rate_frac, init, (same, learning_rate))| {
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
                    })
                    .collect();
                Parts { network, input, neurons, synapses }
            })
    })
}

fn modes(all: bool) -> impl Strategy<Value = Modes> {
    let rounding =
        if all { Rounding::ALL.to_vec() } else { vec![Rounding::Trn, Rounding::Rnd, Rounding::Stochastic] };
    let overflow = if all { Overflow::ALL.to_vec() } else { vec![Overflow::Sat, Overflow::SatSym] };
    (select(rounding), select(overflow)).prop_map(|(rounding, overflow)| Modes { rounding, overflow })
}

/// A design; its formats are around those of the field, or (`wild`) anything.
pub fn design(joined: Joined, wild: bool) -> impl Strategy<Value = Design> {
    let network = match joined {
        Joined::Dense => dense().boxed(),
        Joined::Kernels => kernels().boxed(),
    };
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
        parts(network, wild),
        choices,
        (modes(wild), modes(wild), modes(wild)),
        (prop_oneof![1u32..5, 12u32..16], 1u32..5),
        any::<u32>(),
        // Behind all others, which then are what they were before there was momentum.
        select(vec![None, None, None, Some((0.9, 16, 4)), Some((0.5, 8, 0)), Some((0.97, 24, 7))]),
        select(vec![0.0, 0.0, 0.0, 0.02, 0.3]),
    )
        .prop_filter_map(
            "a signal too wide to build",
            |(
                parts,
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
                momentum,
                noise,
            )| {
                let dt = if dynamics == Dynamics::Prototypical {
                    Constant::nearest(1.0, Format::unsigned(1, 0))
                } else {
                    Constant::nearest(0.3, Format::unsigned(4, 4))
                };
                // Of what is drawn already: designs that are known by their number stay what they are.
                let Format { width, frac, .. } = parts.input;
                let input = if seed % 4 == 0 { Format::signed(width + 1, frac) } else { parts.input };
                let mut design = Design {
                    name: "random".into(),
                    path: PathBuf::from("random.toml"),
                    network: parts.network,
                    preparation: Preparation::default(),
                    input,
                    neurons: parts.neurons,
                    synapses: parts.synapses,
                    dynamics,
                    order,
                    readout,
                    nudge_place,
                    activation,
                    dt,
                    rule,
                    circle: None,
                    nudge_sign,
                    feedback,
                    angle: 60.0,
                    weight_decay: if decay {
                        Constant::nearest(0.07, Format::unsigned(6, 9))
                    } else {
                        Constant::nearest(0.0, Format::unsigned(1, 0))
                    },
                    batch: if rule == Rule::Cep || feedback == Feedback::VectorField { 1 } else { batch },
                    momentum: momentum.filter(|_| rule != Rule::Cep && feedback == Feedback::Tied).map(
                        |(factor, width, finer)| Momentum {
                            factor: Constant::nearest(factor, Format::unsigned(8, 8)),
                            width,
                            finer,
                        },
                    ),
                    free_steps,
                    nudged_steps,
                    beta: Constant::nearest(0.4, Format::unsigned(4, 4)),
                    noise,
                    drive_modes,
                    state_modes,
                    weight_modes,
                    lanes: 16,
                    skip_still: seed % 16 >= 4,
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
                // Its state is an error, which has both signs.
                if design.readout == Readout::Softmax {
                    let last = design.output_layer() - 1;
                    design.neurons[last].state.signed = true;
                }
                design.datapath = Datapath::derive(&design).ok()?;
                Some(design)
            },
        )
}

/// The nearest format of a complex neuron: states and drives have both signs, states go beyond 1.
fn complex_neurons(n: Neurons) -> Neurons {
    let frac = n.state.frac.clamp(1, 14);
    let state = Format::signed((n.state.width + 2).clamp(frac as u32 + 2, 16), frac);
    let frac = n.drive.frac.clamp(1, 9);
    Neurons { state, drive: Format::signed(n.drive.width.clamp(frac as u32 + 2, 13), frac) }
}

/// A design whose states are complex, of what is drawn for others.
pub fn complex(wild: bool) -> impl Strategy<Value = Design> {
    let circle = (
        prop_oneof![3u32..=6, 3u32..=16],
        select(vec![None, None, None, Some(1), Some(2), Some(3)]),
        select(vec![true, true, false]),
    );
    (design(Joined::Dense, wild), circle, select(vec![0.1, 0.4, 1.0, 1.9])).prop_filter_map(
        "a signal too wide to build",
        |(design, (points, periods, accumulates), beta)| {
            let circle = Circle { points, periods, accumulates };
            let neurons = design.neurons.iter().copied().map(complex_neurons).collect();
            let kolen_pollack = design.feedback == Feedback::KolenPollack;
            let divided = |s: &Synapses| {
                // Twice the coefficient must lie within the rate's format.
                let wanted = (s.rate.wanted / f64::from(points))
                    .min(s.rate.format.to_real(s.rate.format.max_raw()) / 2.0);
                Synapses { rate: Constant::nearest(wanted, s.rate.format), ..s.clone() }
            };
            let mut design = Design {
                neurons,
                synapses: design.synapses.iter().map(divided).collect(),
                dynamics: Dynamics::Prototypical,
                dt: Constant::nearest(1.0, Format::unsigned(1, 0)),
                order: Order::Synchronous,
                nudge_place: NudgePlace::Inside,
                activation: Activation::Logistic,
                rule: Rule::HolomorphicEp,
                circle: Some(circle),
                nudge_sign: NudgeSign::Fixed,
                feedback: if kolen_pollack { Feedback::KolenPollack } else { Feedback::Tied },
                momentum: design.momentum.filter(|_| accumulates && !kolen_pollack),
                batch: if accumulates { design.batch } else { 1 },
                beta: Constant::nearest(beta, Format::unsigned(7, 6)),
                ..design
            };
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

/// Inputs of which about a third is not zero; or most of them at the ends of the range.
pub fn inputs(design: &Design, samples: u32, extreme: bool) -> Vec<Vec<i32>> {
    let (least, greatest) = (design.input.min_raw() as i32, design.input.max_raw() as i32);
    let span = (greatest - least + 1) as u32;
    let value = |s: u32, j: u32| match (noise(s ^ design.seed, j), extreme) {
        (z, true) if z % 8 > 1 => {
            if least < 0 && z >> 8 & 1 == 0 {
                least
            } else {
                greatest
            }
        }
        (z, _) if z.is_multiple_of(3) => least + ((z >> 8) % span) as i32,
        _ => 0,
    };
    (0..samples).map(|s| (0..design.network.inputs() as u32).map(|j| value(s, j)).collect()).collect()
}

/// Initial weights, of which so many sixteenths are put at the ends of their range: few at either, many at the
/// upper one, where sums are largest.
pub fn weights(design: &Design, extreme: u32) -> Weights {
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
