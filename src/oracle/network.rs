//! What a network is, apart from what it has learnt.

use crate::design::{Activation, Circle, Design, Dynamics, Feedback, NudgePlace, Order, Rule, logistic};
use crate::network::Network;
use std::ops::Range;

/// An activation function `rho`, its slope, and the slope's slope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Squash {
    /// `clip(x, 0, 1)`.
    HardSigmoid,
    /// `clip(x / 2, 0, 1)`.
    HalfHardSigmoid,
    /// `1 / (1 + exp(-4x + 2))`.
    Logistic,
}

impl From<Activation> for Squash {
    fn from(activation: Activation) -> Squash {
        match activation {
            Activation::HardSigmoid => Squash::HardSigmoid,
            Activation::HalfHardSigmoid => Squash::HalfHardSigmoid,
            Activation::Logistic => Squash::Logistic,
        }
    }
}

impl Squash {
    /// `rho(x)`.
    pub fn at(self, x: f64) -> f64 {
        match self {
            Squash::HardSigmoid => x.clamp(0.0, 1.0),
            Squash::HalfHardSigmoid => (x / 2.0).clamp(0.0, 1.0),
            Squash::Logistic => logistic(x),
        }
    }

    /// `rho'(x)`. Clips count both of their corners to the ramp, as the published programs do.
    pub fn slope(self, x: f64) -> f64 {
        match self {
            Squash::HardSigmoid => f64::from(u8::from((0.0..=1.0).contains(&x))),
            Squash::HalfHardSigmoid => 0.5 * f64::from(u8::from((0.0..=2.0).contains(&x))),
            Squash::Logistic => 4.0 * logistic(x) * (1.0 - logistic(x)),
        }
    }

    /// `rho''(x)`.
    pub fn curvature(self, x: f64) -> f64 {
        match self {
            Squash::HardSigmoid | Squash::HalfHardSigmoid => 0.0,
            Squash::Logistic => 4.0 * self.slope(x) * (1.0 - 2.0 * logistic(x)),
        }
    }
}

/// Which places pooled neurons show themselves at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Places {
    /// Where the maximum was when the layer last moved, as the bit-accurate model has it.
    #[default]
    Recorded,
    /// Where it is among the present states of the layer below, as published programs have it. In even/odd order
    /// relaxations are the same; the gradient may differ.
    Present,
}

/// What the neurons of layers 1 to L hold between two passes, one layer after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moment {
    /// Their states.
    pub states: Vec<f64>,
    /// The corner of its window that a neuron shows itself at ([`Pool::Max`](crate::network::Pool::Max)); else 0.
    pub corners: Vec<u8>,
}

/// A network's shape, dynamics and learning constants, in real numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatNetwork {
    /// Layers of neurons and what joins them.
    pub network: Network,
    /// Neuron dynamics.
    pub dynamics: Dynamics,
    /// Which layers move together.
    pub order: Order,
    /// Where the neurons of pooled layers show themselves.
    pub places: Places,
    /// The output is a softmax read-out: its state is its pull on the network, `nudge (y - p)` (algorithms 3.1).
    pub softmax: bool,
    /// Where the nudge enters (squared error only).
    pub nudge_place: NudgePlace,
    /// The activation function.
    pub squash: Squash,
    /// Time step; one for prototypical dynamics.
    pub dt: f64,
    /// Nudging strength.
    pub beta: f64,
    /// Distance of the two nudges whose states are contrasted: `beta`, or `2 beta` for symmetric nudging. A contrast
    /// over it estimates minus the gradient.
    pub nudge_distance: f64,
    /// The circle of holomorphic EP's nudges.
    pub circle: Option<Circle>,
    /// Samples per update.
    pub batch: u32,
    /// What is left of a velocity at the next update, with momentum.
    pub momentum: Option<f64>,
    /// Learning rates of synapse layers 1 to L.
    pub learning_rates: Vec<f64>,
    /// What is left of them after a milestone.
    pub rate_gamma: f64,
    /// Synapses follow a vector field, not an energy: the energy-based dynamics then have no factor `rho'` (Ernoult et
    /// al. 2020, "C-VF").
    pub vector_field: bool,
    /// Standard deviation of the noise on the drives of nudged steps; 0 for none.
    pub noise: f64,
    /// The part of itself that a weight (or bias) loses at each update.
    pub weight_decay: f64,
}

impl FloatNetwork {
    /// The network of a design: every constant as it was asked for, nothing quantised.
    pub fn of(design: &Design) -> FloatNetwork {
        let beta = design.beta.wanted;
        FloatNetwork {
            network: design.network.clone(),
            dynamics: design.dynamics,
            order: design.order,
            places: Places::Recorded,
            softmax: design.is_softmax(design.output_layer()),
            nudge_place: design.nudge_place,
            squash: design.activation.into(),
            dt: design.dt.wanted,
            noise: design.noise,
            beta,
            nudge_distance: if design.rule == Rule::SymmetricEp { 2.0 * beta } else { beta },
            circle: design.circle,
            batch: design.batch,
            momentum: design.momentum.map(|m| m.factor.wanted),
            learning_rates: design.synapses.iter().map(|s| s.learning_rate).collect(),
            rate_gamma: design.rate_gamma,
            vector_field: design.feedback == Feedback::VectorField,
            weight_decay: design.weight_decay.wanted,
        }
    }

    /// Index of the output layer, L.
    pub fn output_layer(&self) -> usize {
        self.network.depth()
    }

    /// Length of a state vector: the neurons of layers 1 to L.
    pub fn neuron_count(&self) -> usize {
        self.network.states()
    }

    /// Where layer `l` (1 to L) lies in a state vector.
    pub fn span(&self, l: usize) -> Range<usize> {
        self.network.span(l)
    }

    /// What the synapses see of a state: the state, or `rho(state)` for energy-based dynamics.
    pub fn activity(&self, state: f64) -> f64 {
        if self.dynamics == Dynamics::Energy { self.squash.at(state) } else { state }
    }

    /// [`activity`](Self::activity) of a whole state vector.
    pub fn activities(&self, states: &[f64]) -> Vec<f64> {
        states.iter().map(|&s| self.activity(s)).collect()
    }

    /// What the synapses see of a moment: its activities, where they are.
    pub fn seen(&self, moment: &Moment) -> Moment {
        Moment { states: self.activities(&moment.states), corners: moment.corners.clone() }
    }

    /// The one-hot target of a label.
    pub fn target(&self, label: u16) -> Vec<f64> {
        let classes = self.network.outputs();
        (0..classes).map(|i| f64::from(u8::from(i == usize::from(label)))).collect()
    }

    /// What the read-out shows: the output states, or the drives of a softmax read-out.
    pub fn shown<'s>(&self, drives: &'s [f64], states: &'s [f64]) -> &'s [f64] {
        let shown = if self.softmax { drives } else { states };
        &shown[self.span(self.output_layer())]
    }

    /// The loss of what the read-out shows: `1/2 |output - target|^2`, or the cross-entropy of a softmax.
    pub fn loss(&self, shown: &[f64], target: &[f64]) -> f64 {
        if self.softmax {
            return probabilities(shown).iter().zip(target).map(|(p, y)| -y * p.ln()).sum();
        }
        0.5 * shown.iter().zip(target).map(|(o, y)| (o - y).powi(2)).sum::<f64>()
    }

    /// The slope of the loss: `output - target`, or `p - target` of a softmax, whatever it shows.
    pub fn loss_slope(&self, shown: &[f64], target: &[f64]) -> Vec<f64> {
        let outputs = if self.softmax { probabilities(shown) } else { shown.to_vec() };
        outputs.iter().zip(target).map(|(o, y)| o - y).collect()
    }

    /// Arg max of the output state, or of the drive of a softmax read-out; the lowest index wins a tie.
    pub fn prediction(&self, drives: &[f64], states: &[f64]) -> u16 {
        let outputs = self.shown(drives, states);
        let best = (0..outputs.len()).rev().max_by(|&a, &b| outputs[a].total_cmp(&outputs[b]));
        best.unwrap_or(0) as u16
    }
}

/// The probabilities that a softmax read-out makes of its drives.
pub(super) fn probabilities(logits: &[f64]) -> Vec<f64> {
    let greatest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|u| (u - greatest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|e| e / sum).collect()
}
