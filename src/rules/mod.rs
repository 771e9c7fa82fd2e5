//! Learning rules as phase programs: short lists of four operations that the reference interprets and the
//! hardware's sequencer holds as a ROM. A new rule is a new program; the circuit does not change.
//!
//! [`run`] is the only interpreter; whoever wants something of a program is a [`Machine`].

mod passes;
mod run;
mod still;

pub use passes::{Moment, Moments};
pub use run::{Destination, Learning, Machine, Pass, run};
pub use still::{Shown, Skips, Spared, Stillness};

use crate::design::{Circle, Design, Feedback, NudgeSign, Order, Rule};
use crate::fixed_point::{Purpose, absorb, row_bits};

/// The nudge during a relaxation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nudge {
    /// Free phase.
    None,
    /// `+beta * (target - state)` on the output layer.
    Plus,
    /// `-beta * (target - state)`.
    Minus,
    /// `+beta` or `-beta`, by the random sign of the sample.
    BySample,
    /// That of point `k` of the circle, `beta e^(2 pi i k / N)`: states become complex.
    Turned(u32),
}

/// A state vector the synapses can look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateRef {
    /// The latest committed state.
    Now,
    /// The state one step before.
    Previous,
    /// A saved one.
    Slot(usize),
}

/// `post_a pre_a - post_b pre_b`: what a synapse learns from the two neurons it joins, at two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contrast {
    /// Post-synaptic activity of the first product.
    pub post_a: StateRef,
    /// Pre-synaptic activity of the first product.
    pub pre_a: StateRef,
    /// Post-synaptic activity of the subtracted product.
    pub post_b: StateRef,
    /// Pre-synaptic activity of the subtracted product.
    pub pre_b: StateRef,
}

impl Contrast {
    /// `a_post a_pre - b_post b_pre`: the difference of two products, as energies give it.
    pub const fn products(a: StateRef, b: StateRef) -> Contrast {
        Contrast { post_a: a, pre_a: a, post_b: b, pre_b: b }
    }

    /// `(post(a) - post(b)) pre(b)`: a post-synaptic difference times the old pre-synaptic activity, as vector fields
    /// have it (algorithms.md 2.2).
    pub const fn post_difference(a: StateRef, b: StateRef) -> Contrast {
        Contrast { post_a: a, pre_a: b, post_b: b, pre_b: b }
    }

    /// `post(b) (pre(a) - pre(b))`: the same seen from the other end.
    pub const fn pre_difference(a: StateRef, b: StateRef) -> Contrast {
        Contrast { post_a: b, pre_a: a, post_b: b, pre_b: b }
    }
}

/// What one pass over the synapses does: `w += requantise(rate * contrast)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// Of the weights from layer `l - 1` to layer `l` (and back, where one weight serves both ways), and of biases.
    pub forward: Contrast,
    /// Of separate weights from layer `l` back to layer `l - 1`; here too post-synaptic is layer `l`'s neuron, so that
    /// both directions of a synapse lie in the same place.
    pub backward: Contrast,
    /// What the contrast counts, beside the learning rate.
    pub coefficient: Coefficient,
}

/// What a contrast counts, beside the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coefficient {
    /// One.
    One,
    /// The random sign of the sample.
    SignOfSample,
    /// That of point `k` of the circle, `c_k`, which is complex: `Re(c_k post pre)` of the present states stands in the place
    /// of the contrast, `Re(c_k pre) Re(post) - Im(c_k pre) Im(post)`, and the learning rate is in it.
    Point(u32),
}

impl Coefficient {
    /// True where a contrast counts negatively, for a sample of this random sign.
    pub fn is_negative(self, negative: bool) -> bool {
        self == Coefficient::SignOfSample && negative
    }
}

impl Update {
    /// The same difference of products for both directions.
    pub const fn products(a: StateRef, b: StateRef) -> Update {
        let contrast = Contrast::products(a, b);
        Update { forward: contrast, backward: contrast, coefficient: Coefficient::One }
    }
}

/// One operation of a phase program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `passes` over the network: a time step of the neuron dynamics each, or half of one ([`Order`]). With plasticity,
    /// the synapses take this update after each of them.
    Relax { passes: u32, nudge: Nudge, plasticity: Option<Update> },
    /// Keeps the present state in a slot (a pointer copy: costs no cycle).
    Save { slot: usize },
    /// Goes back to a saved state.
    Load { slot: usize },
    /// One pass over the synapses, which take their contrasts or add them up.
    Learn {
        /// What they learn.
        update: Update,
        /// Where it goes.
        into: Destination,
    },
    /// One pass over all synapses: they take the contrasts added up over a batch.
    Apply,
    /// Prediction (arg max of the output state) and result out.
    Read,
    /// The `ops` operations before this one run `times` times in all.
    Again {
        /// How many operations; there is none of these among them.
        ops: u32,
        /// How often.
        times: u32,
    },
}

/// The random sign of a sample: whether it is minus. Read where a [`Nudge`] or an [`Update`] goes by the sample.
pub fn is_negative(seed: u32, sample: u32) -> bool {
    row_bits(absorb(absorb(seed, Purpose::Sign as u32), sample), 0) >> 31 != 0
}

impl Nudge {
    /// -1, 0 or +1 for a sample of this random sign. A turned nudge has no sign, and counts as none.
    pub fn sign(self, negative: bool) -> i64 {
        match self {
            Nudge::None | Nudge::Turned(_) => 0,
            Nudge::Plus => 1,
            Nudge::Minus => -1,
            Nudge::BySample => 1 - 2 * i64::from(negative),
        }
    }
}

/// What a sample is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// Prediction only.
    Infer,
    /// Training.
    Train {
        /// The set of learning rates, from 0 ([`Design::rate`]).
        rates: usize,
    },
    /// Training; the batch ends with it.
    TrainLast {
        /// The set of learning rates.
        rates: usize,
    },
}

impl Lesson {
    /// Of a sample that trains, or not, ends a batch, or not, and learns at a set of rates.
    pub fn new(train: bool, ends_batch: bool, rates: u8) -> Lesson {
        let rates = rates.into();
        match (train, ends_batch) {
            (false, _) => Lesson::Infer,
            (true, false) => Lesson::Train { rates },
            (true, true) => Lesson::TrainLast { rates },
        }
    }

    /// True of both kinds of training.
    pub fn trains(self) -> bool {
        self != Lesson::Infer
    }

    /// The set of learning rates; the first where nothing is learned.
    pub fn rates(self) -> usize {
        match self {
            Lesson::Infer => 0,
            Lesson::Train { rates } | Lesson::TrainLast { rates } => rates,
        }
    }
}

/// What the header of a sample says beside its label, in a stream's first word as in a simulation's plan: to be trained
/// (bit 31), the end of a batch (bit 30), the set of learning rates (bits 29 to 27).
pub fn header_marks(train: bool, ends_batch: bool, rates: u8) -> u32 {
    u32::from(train) << 31 | u32::from(ends_batch) << 30 | u32::from(rates) << 27
}

impl From<bool> for Lesson {
    /// A lone sample is a batch of itself, at the first rates.
    fn from(train: bool) -> Lesson {
        Lesson::new(train, true, 0)
    }
}

/// Holomorphic EP (Laborieux and Zenke 2022): what is made of each point of the circle. In phases, every point starts at the
/// free state, and those below the real axis are left out: they are the conjugates of others. Without phases, the nudge
/// walks round and round, and nothing is reset.
fn around(circle: Circle, free: Op, at: impl Fn(u32) -> [Op; 2]) -> Vec<Op> {
    if let Some((once, times)) = circle.repeated() {
        let mut ops: Vec<Op> = (0..circle.points).flat_map(at).collect();
        ops.push(Op::Again { ops: once, times });
        ops.push(Op::Read);
        return ops;
    }
    let mut ops = vec![free, Op::Read, Op::Save { slot: 0 }];
    for k in 0..=circle.points / 2 {
        ops.extend((k > 0).then_some(Op::Load { slot: 0 }));
        ops.extend(at(k));
    }
    ops
}

/// A learning rule, ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Which layers move in a pass.
    pub order: Order,
    /// Run for a training sample.
    pub train: Vec<Op>,
    /// Run for the last training sample of a batch.
    pub last: Vec<Op>,
    /// Run for a test sample: the free phase and the read-out.
    pub infer: Vec<Op>,
}

impl Program {
    /// The program of a design's rule: EP and C-EP (Ernoult et al. 2019, 2020), symmetric nudging (Laborieux et al. 2021).
    pub fn of(design: &Design) -> Program {
        let order = design.order;
        let (free_passes, passes) = (order.passes(design.free_steps), order.passes(design.nudged_steps));
        let free = Op::Relax { passes: free_passes, nudge: Nudge::None, plasticity: None };
        let by_sample = design.nudge_sign == NudgeSign::Random;
        let nudge = if by_sample { Nudge::BySample } else { Nudge::Plus };
        let pulled = |nudge| Op::Relax { passes, nudge, plasticity: None };
        let coefficient = if by_sample { Coefficient::SignOfSample } else { Coefficient::One };
        let update = |a, b| match design.feedback {
            Feedback::Tied | Feedback::KolenPollack => Update { coefficient, ..Update::products(a, b) },
            Feedback::VectorField => Update {
                forward: Contrast::post_difference(a, b),
                backward: Contrast::pre_difference(a, b),
                coefficient,
            },
        };
        let into = if design.is_batched() { Destination::Sums } else { Destination::Weights };
        let learn = |a, b| Op::Learn { update: update(a, b), into };
        use StateRef::{Now, Previous, Slot};
        let train = match design.rule {
            Rule::Ep => {
                vec![free, Op::Read, Op::Save { slot: 0 }, pulled(nudge), learn(Now, Slot(0))]
            }
            Rule::SymmetricEp => vec![
                free,
                Op::Read,
                Op::Save { slot: 0 },
                pulled(Nudge::Plus),
                Op::Save { slot: 1 },
                Op::Load { slot: 0 },
                pulled(Nudge::Minus),
                learn(Slot(1), Now),
            ],
            Rule::Cep => {
                let plasticity = Some(update(Now, Previous));
                vec![free, Op::Read, Op::Relax { passes, nudge, plasticity }]
            }
            Rule::HolomorphicEp => {
                let circle = design.circle.unwrap_or_default();
                let at = |k: u32| {
                    let update = Update { coefficient: Coefficient::Point(k), ..Update::products(Now, Now) };
                    [pulled(circle.nudge(k)), Op::Learn { update, into }]
                };
                around(circle, free, at)
            }
        };
        let mut last = train.clone();
        if design.is_batched() {
            last.push(Op::Apply);
        }
        Program { order, train, last, infer: vec![free, Op::Read] }
    }

    /// True where a program looks at its states from points off the real axis.
    pub fn turns(&self) -> bool {
        self.train.iter().any(|op| matches!(op, Op::Relax { nudge: Nudge::Turned(_), .. }))
    }

    /// What runs for a sample that trains (or not), and ends a batch (or not).
    pub fn ops(&self, lesson: Lesson) -> &[Op] {
        match lesson {
            Lesson::Infer => &self.infer,
            Lesson::Train { .. } => &self.train,
            Lesson::TrainLast { .. } => &self.last,
        }
    }

    /// True where a program goes back to a saved state.
    pub fn loads(&self) -> bool {
        self.train.iter().any(|op| matches!(op, Op::Load { .. }))
    }

    /// Slots that the programs save to.
    pub fn slots(&self) -> usize {
        let slot = |op: &Op| if let Op::Save { slot } = op { slot + 1 } else { 0 };
        self.train.iter().chain(&self.infer).map(slot).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_fair_and_independent() {
        const SAMPLES: u32 = 1 << 16;
        let sigmas =
            |agree: u32| (2.0 * f64::from(agree) / f64::from(SAMPLES) - 1.0) * f64::from(SAMPLES).sqrt();
        for seed in [0, 1, 2, 7, 42, u32::MAX] {
            let negative = (0..SAMPLES).filter(|&s| is_negative(seed, s)).count() as u32;
            assert!(sigmas(negative).abs() < 4.5, "seed {seed}: {negative} of {SAMPLES} are negative");
            for distance in (1..=64).chain([100, 1000, 1797]) {
                let same = |&s: &u32| is_negative(seed, s) == is_negative(seed, s + distance);
                let agree = (0..SAMPLES).filter(same).count() as u32;
                assert!(
                    sigmas(agree).abs() < 4.5,
                    "seed {seed}, {distance} apart: {agree} of {SAMPLES} agree"
                );
            }
        }
    }
}
