//! Learning rules as phase programs: short lists of four operations that the reference interprets and the
//! hardware's sequencer holds as a ROM. A new rule is a new program; the circuit does not change.

use crate::design::{Design, Rule};

/// The nudge during a relaxation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nudge {
    /// Free phase.
    None,
    /// `+beta * (target - state)` on the output layer.
    Plus,
    /// `-beta * (target - state)`.
    Minus,
}

/// What the synapses do during a relaxation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plasticity {
    /// Weights are frozen.
    None,
    /// After each step, the contrast (state now - state one step before).
    EachStep,
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

/// One operation of a phase program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `steps` time steps of the neuron dynamics.
    Relax { steps: u32, nudge: Nudge, plasticity: Plasticity },
    /// Keeps the present state in a slot (a pointer copy: costs no cycle).
    Save { slot: usize },
    /// Goes back to a saved state.
    Load { slot: usize },
    /// One pass over the synapses: `w += requantise(rate * (a_post a_pre - b_post b_pre))`.
    Learn { a: StateRef, b: StateRef },
    /// Prediction (arg max of the output state) and result out.
    Read,
}

/// A learning rule, ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Run for a training sample.
    pub train: Vec<Op>,
    /// Run for a test sample: the free phase and the read-out.
    pub infer: Vec<Op>,
}

impl Program {
    /// The program of a design's rule (algorithms: EP and C-EP, Ernoult et al. 2019, 2020).
    pub fn of(design: &Design) -> Program {
        let free = Op::Relax { steps: design.free_steps, nudge: Nudge::None, plasticity: Plasticity::None };
        let nudged = |plasticity| Op::Relax { steps: design.nudged_steps, nudge: Nudge::Plus, plasticity };
        let train = match design.rule {
            Rule::Ep => vec![
                free,
                Op::Read,
                Op::Save { slot: 0 },
                nudged(Plasticity::None),
                Op::Learn { a: StateRef::Now, b: StateRef::Slot(0) },
            ],
            Rule::Cep => vec![free, Op::Read, nudged(Plasticity::EachStep)],
        };
        Program { train, infer: vec![free, Op::Read] }
    }

    /// Passes over the network of one sample.
    pub fn steps(&self, train: bool) -> u32 {
        self.passes(train).iter().map(|p| p.1).sum()
    }

    /// Where pass `step` of a sample lies, in words.
    pub fn phase(&self, train: bool, step: u32) -> String {
        let mut first = 0;
        for (name, steps) in self.passes(train) {
            if step < first + steps {
                return if steps == 1 {
                    format!("{name} (pass {step})")
                } else {
                    format!("{name}, step {} of {steps} (pass {step})", step - first + 1)
                };
            }
            first += steps;
        }
        format!("pass {step}")
    }

    /// Phases and their numbers of passes.
    fn passes(&self, train: bool) -> Vec<(&'static str, u32)> {
        let mut passes = Vec::new();
        for op in if train { &self.train } else { &self.infer } {
            match *op {
                Op::Relax { steps, nudge, plasticity } => {
                    passes.push((if nudge == Nudge::None { "free phase" } else { "nudged phase" }, steps));
                    if plasticity == Plasticity::EachStep {
                        passes.push(("last update", 1));
                    }
                }
                Op::Learn { .. } => passes.push(("update", 1)),
                Op::Save { .. } | Op::Load { .. } | Op::Read => {}
            }
        }
        passes
    }

    /// Slots that the programs save to.
    pub fn slots(&self) -> usize {
        let slot = |op: &Op| if let Op::Save { slot } = op { slot + 1 } else { 0 };
        self.train.iter().chain(&self.infer).map(slot).max().unwrap_or(0)
    }
}
