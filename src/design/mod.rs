//! The design file: what was typed, and what it means.
//!
//! [`Design`] is the meaning: validated once, every format, constant and width resolved. Nothing downstream looks at
//! the text again. Layers are numbered from the input: layer 0 is the (clamped) input, layer `L` the output;
//! synapse layer `l` joins layer `l - 1` (pre-synaptic) to layer `l` (post-synaptic).

mod datapath;
mod diagnostics;
mod file;
mod identity;
pub mod limits;
mod milestones;
pub mod name;
mod preparation;
mod tables;
mod template;
mod warnings;

pub use datapath::{Datapath, Misfit, NeuronMath, PointRates, Rates, Signal};
pub use diagnostics::DesignError;
pub(crate) use diagnostics::printable;
pub(crate) use diagnostics::{Refusal, nearest};
pub use file::{Numbers, Shape, fields, load, parse, ranges, shape};
pub use identity::{KeyDifference, Keys};
pub use milestones::Milestones;
pub use preparation::{Fill, Preparation};
pub use tables::{Table, Tables, logistic};
pub use template::commented_example;
pub use warnings::warnings;

use crate::fixed_point::{Format, Gaussian, Overflow, Rounding, exact};
use crate::network::{Network, Part, PartName, Record};
use crate::rules::Nudge;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A constant of the datapath: a wanted real value and the integer that stands for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    /// What the design asked for.
    pub wanted: f64,
    /// Its number format.
    pub format: Format,
    /// What the model and the hardware use.
    pub raw: i64,
}

impl Constant {
    /// The nearest representable value.
    pub fn nearest(wanted: f64, format: Format) -> Self {
        Constant { wanted, format, raw: format.nearest(wanted) }
    }

    /// The real value in use.
    pub fn effective(&self) -> f64 {
        self.format.to_real(self.raw)
    }
}

/// The neuron dynamics (algorithms 1.1, 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dynamics {
    /// `s <- rho(drive)`: prototypical, time step 1.
    Prototypical,
    /// `s <- s + dt (rho(drive) - s)`: prototypical with a leak.
    Leaky,
    /// `s <- clamp(s + dt (rho'(s) drive - s))`, synapses see `rho(s)`: energy-based, real time.
    Energy,
}

/// Which layers move together in a time step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// All of them, each seeing the others' states of the step before.
    #[default]
    Synchronous,
    /// First the layers of even number, then those of odd number, which see the fresh states of the even ones (Scellier
    /// et al. 2023, "asynchronous"). Layer 1 is the first behind the input.
    EvenOdd,
}

impl Order {
    /// Passes over the network that so many time steps take.
    pub fn passes(self, steps: u32) -> u32 {
        match self {
            Order::Synchronous => steps,
            Order::EvenOdd => 2 * steps,
        }
    }

    /// True where layer `layer` (1 to L) keeps its state in a pass of a relaxation, the first being 0.
    pub fn holds(self, pass: u32, layer: usize) -> bool {
        self == Order::EvenOdd && pass % 2 != layer as u32 % 2
    }
}

/// Where the nudge `beta (y - s)` enters the output neuron.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NudgePlace {
    /// `rho(drive + beta (y - s))`.
    Inside,
    /// `rho(drive) + beta (y - s)`.
    Outside,
}

/// The activation function rho.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `clip(x, 0, 1)`.
    HardSigmoid,
    /// `clip(x / 2, 0, 1)`.
    HalfHardSigmoid,
    /// `1 / (1 + exp(-4x + 2))`, as a table.
    Logistic,
}

/// The learning rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Equilibrium Propagation, two phases.
    Ep,
    /// Equilibrium Propagation with symmetric nudging, three phases: free, `+beta`, `-beta`.
    SymmetricEp,
    /// Continual Equilibrium Propagation: synapses learn at every nudged step.
    Cep,
    /// Holomorphic Equilibrium Propagation: the nudge walks round a circle in the complex plane.
    HolomorphicEp,
}

/// The circle on which the nudges of holomorphic EP lie: `beta e^(2 pi i k / N)`. One or two points in phases are the nudges
/// of [`Rule::Ep`] and [`Rule::SymmetricEp`], and have no circle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circle {
    /// N.
    pub points: u32,
    /// Without phases: how often the nudge goes round.
    pub periods: Option<u32>,
    /// Contrasts of all points are summed before the weights take them; else each point's at once.
    pub accumulates: bool,
}

impl Circle {
    /// The nudge at point `k`. In phases real ones stay real: their states are, too.
    pub fn nudge(self, k: u32) -> Nudge {
        match (self.periods, k) {
            (None, 0) => Nudge::Plus,
            (None, k) if 2 * k == self.points => Nudge::Minus,
            _ => Nudge::Turned(k),
        }
    }

    /// What a program repeats without phases: the operations of once round, two a point, and how often.
    pub fn repeated(self) -> Option<(u32, u32)> {
        self.periods.map(|periods| (2 * self.points, periods))
    }

    /// The points that are visited, each with how often it counts: in phases, those off the real axis stand for their
    /// conjugates, too.
    pub fn visited(self) -> impl Iterator<Item = (u32, u32)> {
        let last = if self.periods.is_some() { self.points - 1 } else { self.points / 2 };
        (0..=last).map(move |k| {
            let twice = self.periods.is_none() && matches!(self.nudge(k), Nudge::Turned(_));
            (k, 1 + u32::from(twice))
        })
    }
}

/// The sign of the nudge in two-phase rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NudgeSign {
    /// That of beta, for every sample.
    #[default]
    Fixed,
    /// Plus or minus beta, drawn for every sample.
    Random,
}

/// What the output layer is, and the loss that goes with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readout {
    /// Neurons like all others, nudged towards the target: squared error.
    #[default]
    Squared,
    /// Softmax over the output's drives: cross-entropy (algorithms 3.1). The output's state is its pull on the network,
    /// `beta (y - p)`: 0 in the free phase. It follows the drives in the same step, so the layer below feels it one
    /// step later.
    Softmax,
}

/// What carries a layer's activity back to the layer before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// The forward weights, transposed.
    #[default]
    Tied,
    /// Weights of their own; each direction learns from its own post-synaptic difference times the other neuron's old
    /// activity (vector field, algorithms 2.2).
    VectorField,
    /// Weights of their own that take the same update as the forward ones; weight decay lets the two align
    /// (Kolen-Pollack, algorithms 3.4).
    KolenPollack,
}

/// The number formats and constants of one layer of synapses.
#[derive(Clone, Debug, PartialEq)]
pub struct Synapses {
    /// As stored.
    pub weight: Format,
    /// What the multipliers see: the top `width` bits of the stored weight.
    pub weight_read: Format,
    /// Bias as stored: the weight of a constant input of one. Read with as many dropped bits as the weights.
    pub bias: Format,
    /// Learning rate over the distance of the two nudges, `eta / beta`, or `eta / (2 beta)` for symmetric nudging, and
    /// over the points of a circle, and over the samples of a batch: the coefficient of the contrast, before the first milestone ([`Design::rate`]).
    pub rate: Constant,
    /// Learning rate, as typed: before the first milestone.
    pub learning_rate: f64,
    /// Initial weights and biases are uniform in `[-init, init]`.
    pub init: f64,
}

impl Synapses {
    /// Low bits of the stored weight (and bias) that the multipliers do not see.
    pub fn dropped_bits(&self) -> u32 {
        self.weight.width - self.weight_read.width
    }

    /// Fraction bits of the bias as read.
    pub fn bias_read_frac(&self) -> i32 {
        self.bias.frac - self.dropped_bits() as i32
    }
}

/// The number formats of one layer of neurons (layers 1 to L).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neurons {
    /// The state.
    pub state: Format,
    /// The sum of all inputs, after requantising.
    pub drive: Format,
}

/// Rounding and overflow of one signal class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes {
    /// Rounding.
    pub rounding: Rounding,
    /// Overflow.
    pub overflow: Overflow,
}

/// Momentum: every synapse has a velocity, `v <- sat(round(m v + rate contrast - decay w))`, and follows it,
/// `w <- overflow(w + round(v))`. Both roundings are of the mode of weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Momentum {
    /// m: what is left of a velocity at the next update, 0 to 1.
    pub factor: Constant,
    /// Bits of a velocity.
    pub width: u32,
    /// Of these, fraction bits below the weight's (or the bias's) step; the same in all layers.
    pub finer: u32,
}

impl Momentum {
    /// Fraction bits of m.
    pub const FRAC: u32 = 8;

    /// The velocity's format beside a weight or bias of that one.
    pub fn format(&self, of: Format) -> Format {
        Format::signed(self.width, of.frac + self.finer as i32)
    }
}

/// Where samples come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataSource {
    /// The 8x8 digits embedded in the binary.
    Digits,
    /// A folder with the four IDX files of MNIST or Fashion-MNIST, gzipped or not.
    Idx(PathBuf),
    /// A folder with the binary files of CIFAR-10, or one such file, gzipped or not.
    Cifar10(PathBuf),
    /// The same of CIFAR-100.
    Cifar100(PathBuf),
    /// A folder with the NPZ files of downsampled ImageNet.
    Imagenet32(PathBuf),
    /// An NPZ file with `x_train, y_train, x_test, y_test`.
    Npz(PathBuf),
}

impl DataSource {
    /// True where the number of training samples decides which files are read at all.
    pub fn is_read_in_part(&self) -> bool {
        matches!(self, DataSource::Imagenet32(_))
    }
}

/// A validated design.
#[derive(Clone, Debug)]
pub struct Design {
    /// Names the build folder, every module and every generated file: `name` under [network], or the file's stem
    /// ([`name`](mod@name)).
    pub name: String,
    /// The file it came from.
    pub path: PathBuf,
    /// Layers of neurons and what joins them.
    pub network: Network,
    /// What becomes of loaded values before that format.
    pub preparation: Preparation,
    /// Format of the input values (layer 0).
    pub input: Format,
    /// Layers 1 to L (index 0 is layer 1).
    pub neurons: Vec<Neurons>,
    /// Synapse layers 1 to L (index 0 joins layer 0 to layer 1).
    pub synapses: Vec<Synapses>,
    /// Neuron dynamics.
    pub dynamics: Dynamics,
    /// Which layers move together.
    pub order: Order,
    /// What the output layer is.
    pub readout: Readout,
    /// Where the nudge enters (squared error only).
    pub nudge_place: NudgePlace,
    /// The activation function.
    pub activation: Activation,
    /// Time step dt (exactly one for prototypical dynamics).
    pub dt: Constant,
    /// Learning rule.
    pub rule: Rule,
    /// The circle of holomorphic EP.
    pub circle: Option<Circle>,
    /// Sign of the nudge.
    pub nudge_sign: NudgeSign,
    /// What carries activity back.
    pub feedback: Feedback,
    /// Psi, in degrees: the angle between forward and backward weights at the start, where they are separate.
    pub angle: f64,
    /// The part of itself that a weight loses at each update; none where zero.
    pub weight_decay: Constant,
    /// What an update leaves to the next, if anything.
    pub momentum: Option<Momentum>,
    /// T: steps of the free phase.
    pub free_steps: u32,
    /// K: steps of the nudged phase.
    pub nudged_steps: u32,
    /// Samples whose contrasts are summed before the weights take them; one of its own for each sample where 1.
    pub batch: u32,
    /// Nudging strength.
    pub beta: Constant,
    /// Standard deviation of the noise on the drives of nudged neurons; 0 for none.
    pub noise: f64,
    /// Modes of the drive requantiser.
    pub drive_modes: Modes,
    /// Modes of the state requantiser.
    pub state_modes: Modes,
    /// Modes of the weight update.
    pub weight_modes: Modes,
    /// P: synapses processed per cycle.
    pub lanes: usize,
    /// Passes that would change nothing are left out ([`crate::rules::Skips`]).
    pub skip_still: bool,
    /// Keys every random bit: initial weights, order of samples, stochastic rounding.
    pub seed: u32,
    /// Samples.
    pub data: DataSource,
    /// Use only the first so many training samples.
    pub train_samples: Option<usize>,
    /// Use only the first so many test samples.
    pub test_samples: Option<usize>,
    /// Passes over the training set.
    pub epochs: u32,
    /// Epochs after which the learning rates fall.
    pub milestones: Milestones,
    /// What is left of the learning rates after a milestone, 0 to 1.
    pub rate_gamma: f64,
    /// Widths and alignments, derived.
    pub datapath: Datapath,
}

impl Design {
    /// Index of the output layer, L.
    pub fn output_layer(&self) -> usize {
        self.network.depth()
    }

    /// Classes.
    pub fn classes(&self) -> usize {
        self.network.outputs()
    }

    /// True where loaded values may lie anywhere; else only from 0 to 1.
    pub fn takes_any_value(&self) -> bool {
        self.input.signed || !self.preparation.is_plain()
    }

    /// Format of what the synapses see of layer `l` (0 to L): the state, except that energy-based dynamics with the
    /// half-slope activation show `s / 2`, the same integer with one more bit of fraction.
    pub fn activity_format(&self, l: usize) -> Format {
        if l == 0 {
            return self.input;
        }
        let state = self.neurons[l - 1].state;
        match (self.dynamics, self.activation) {
            (Dynamics::Energy, Activation::HalfHardSigmoid) => Format { frac: state.frac + 1, ..state },
            _ => state,
        }
    }

    /// The activation of layer `l` (1 to L); a softmax output's is not looked at.
    pub fn activation_of(&self, l: usize) -> Activation {
        if self.is_softmax(l) { Activation::HardSigmoid } else { self.activation }
    }

    /// True of an output layer that is a softmax read-out.
    pub fn is_softmax(&self, l: usize) -> bool {
        self.readout == Readout::Softmax && l == self.output_layer()
    }

    /// True where the ways forward and back have weights of their own.
    pub fn has_separate_feedback(&self) -> bool {
        self.feedback != Feedback::Tied
    }

    /// The coefficient of the contrast of synapse layer `l` (1 to L) in a rate set.
    pub fn rate(&self, l: usize, set: usize) -> Constant {
        let first = self.synapses[l - 1].rate;
        match set {
            0 => first,
            _ => Constant::nearest(first.wanted * self.rate_factor(set), first.format),
        }
    }

    /// What is left of the learning rates in a rate set.
    pub fn rate_factor(&self, set: usize) -> f64 {
        // Not powi, which may be computed in another way elsewhere.
        (0..set).fold(1.0, |factor, _| factor * self.rate_gamma)
    }

    /// The noise on the drives of a nudged relaxation, on the accumulators' grid, if there is any.
    pub fn gaussian(&self) -> Option<Gaussian> {
        self.gaussian_on(self.datapath.acc_frac)
    }

    /// The same on a grid of so many fraction bits.
    pub fn gaussian_on(&self, frac: i32) -> Option<Gaussian> {
        (self.noise > 0.0).then(|| Gaussian::of(self.noise, frac))
    }

    /// True of a layer (1 to L) whose drives noise comes upon: not of a softmax read-out's, which are no neurons.
    pub fn has_noise(&self, l: usize) -> bool {
        self.noise > 0.0 && !self.is_softmax(l)
    }

    /// True where contrasts are added up in a memory and applied by a pass of its own: over a batch, over the points of a
    /// circle, or with momentum, which moves every weight, whether or not it had a contrast.
    pub fn is_batched(&self) -> bool {
        self.batch > 1 || self.momentum.is_some() || self.circle.is_some_and(|c| c.accumulates)
    }

    /// True where states are complex.
    pub fn is_complex(&self) -> bool {
        self.circle.is_some()
    }

    /// The nudge at point `k` of the circle, real and imaginary part, raw values of beta's format.
    pub fn nudge_at(&self, k: u32) -> (i64, i64) {
        let (cosine, sine) = exact::on_circle(k, self.circle.map_or(1, |c| c.points));
        let of = |part: f64| self.beta.format.nearest(self.beta.wanted * part);
        (of(cosine), of(sine))
    }

    /// The coefficients of synapse layer `l` (1 to L) at each visited point of the circle in a rate set, raw values of the
    /// rate's format with a sign: rate times how often the point counts times `e^(-2 pi i k / N)`, to nearest. The first
    /// one's real part is such that they sum to nothing: else the product itself would leak in.
    pub fn coefficients(&self, l: usize, set: usize) -> Vec<(i64, i64)> {
        let Some(circle) = self.circle else { return Vec::new() };
        let rate = self.rate(l, set);
        let of = |part: f64| {
            let magnitude = rate.format.nearest(rate.wanted.abs() * part.abs());
            if (rate.wanted < 0.0) != (part < 0.0) { -magnitude } else { magnitude }
        };
        let at = |(k, counts): (u32, u32)| {
            let (cosine, sine) = exact::on_circle(k, circle.points);
            (of(f64::from(counts) * cosine), of(-f64::from(counts) * sine))
        };
        let mut all: Vec<_> = circle.visited().map(at).collect();
        all[0].0 = -all[1..].iter().map(|c| c.0).sum::<i64>();
        all
    }

    /// What every neuron commits: the widest of all layers, in two's complement where it is a state.
    pub fn record(&self) -> Record {
        let state =
            self.neurons.iter().map(|n| n.state.width + u32::from(!n.state.signed)).max().unwrap_or(1);
        let mut parts = vec![Part { name: PartName::State, signed: true, width: state }];
        if self.network.has_corners() {
            parts.push(Part { name: PartName::Corner, signed: false, width: 2 });
        }
        if self.is_complex() {
            parts.push(Part { name: PartName::Imaginary, signed: true, width: state });
        }
        Record::new(parts)
    }

    /// The number format of a part in layer `l` (1 to L).
    pub fn format_of(&self, part: PartName, l: usize) -> Format {
        match part {
            PartName::State | PartName::Imaginary => self.neurons[l - 1].state,
            PartName::Corner => Format::unsigned(2, 0),
        }
    }

    /// Neurons of layers 1 to L.
    pub fn neuron_count(&self) -> usize {
        self.network.states()
    }
}
