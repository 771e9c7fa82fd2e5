//! The only interpreter of phase programs: models, oracle, cycle prediction and the list of passes are machines that it
//! drives.

use super::{Nudge, Op, Update};
use crate::network::Learned;

/// A pass of a relaxation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Number within the relaxation, from 0.
    pub at: u32,
    /// Passes of the relaxation.
    pub of: u32,
    /// The nudge of the output layer.
    pub nudge: Nudge,
    /// The synapses learn after every step of it.
    pub plastic: bool,
    /// What the synapses learn first, from the step before; the new weights then make the drives of this one
    /// (algorithms.md 2.1).
    pub update: Option<Update>,
}

impl Pass {
    /// The synapses that learn in it.
    pub fn learned(&self) -> Learned {
        if self.update.is_some() { Learned::Visited } else { Learned::Nothing }
    }
}

/// Where a contrast goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The weights take it at once.
    Weights,
    /// It is added up until [`Op::Apply`].
    Sums,
}

/// A pass in which synapses learn and no neuron moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learning {
    /// What they learn.
    pub update: Update,
    /// Where it goes.
    pub into: Destination,
    /// It is the last update of a relaxation in which synapses learn after every step.
    pub ends_relaxation: bool,
}

impl Learning {
    /// The synapses whose weights it changes.
    pub fn learned(&self) -> Learned {
        match self.into {
            Destination::Weights => Learned::Visited,
            Destination::Sums => Learned::Nothing,
        }
    }
}

/// What a phase program is run on.
pub trait Machine {
    /// An operation begins.
    fn begin(&mut self) {}

    /// Makes a pass over the network and says how many that is of the phase: more than one where it has shown that the
    /// next ones would change nothing ([`super::Stillness`]).
    fn relax(&mut self, pass: Pass) -> u32;

    /// Makes a pass in which the synapses only learn.
    fn learn(&mut self, learning: Learning);

    /// Makes a pass in which the weights take what has been added up.
    fn apply(&mut self);

    /// Keeps the present state in a slot.
    fn save(&mut self, slot: usize);

    /// Goes back to a saved state.
    fn load(&mut self, slot: usize);

    /// Takes the prediction from the present state.
    fn read(&mut self);
}

/// Runs a program from its first operation to its last.
pub fn run(ops: &[Op], machine: &mut impl Machine) {
    let (mut at, mut rounds) = (0, 0);
    while let Some(op) = ops.get(at) {
        at += 1;
        machine.begin();
        match *op {
            Op::Relax { passes, nudge, plasticity } => {
                let mut at = 0;
                while at < passes {
                    let update = plasticity.filter(|_| at > 0);
                    at +=
                        machine.relax(Pass { at, of: passes, nudge, plastic: plasticity.is_some(), update });
                }
                if let Some(update) = plasticity {
                    machine.learn(Learning { update, into: Destination::Weights, ends_relaxation: true });
                }
            }
            Op::Learn { update, into } => machine.learn(Learning { update, into, ends_relaxation: false }),
            Op::Apply => machine.apply(),
            Op::Save { slot } => machine.save(slot),
            Op::Load { slot } => machine.load(slot),
            Op::Read => machine.read(),
            Op::Again { ops, times } => {
                rounds += 1;
                if rounds < times {
                    at -= ops as usize + 1;
                } else {
                    rounds = 0;
                }
            }
        }
    }
}
