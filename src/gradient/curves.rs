//! Estimates over the steps of the nudged phase.

use super::Trace;
use crate::network::Network;
use crate::oracle::bptt::Gradients;
use crate::oracle::{FloatNetwork, Parameters};
use serde::Serialize;
use std::fmt;

/// What a curve is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantity {
    /// Neurons' states.
    States,
    /// Forward weights.
    Weights,
    /// Weights of the way back, where they are separate: layers 2 to L.
    Back,
    /// Biases.
    Biases,
}

impl Quantity {
    /// All of them.
    pub const ALL: [Quantity; 4] = [Quantity::Weights, Quantity::Back, Quantity::Biases, Quantity::States];
    /// What is learned.
    pub const LEARNED: [Quantity; 3] = [Quantity::Weights, Quantity::Back, Quantity::Biases];
    /// What joins two neurons.
    pub const SYNAPSES: [Quantity; 2] = [Quantity::Weights, Quantity::Back];

    /// A layer's values among parameters (of states there are none, nor of a way back that is not separate).
    pub fn of(self, parameters: &Parameters, l: usize) -> &[f64] {
        let layer = &parameters.layers[l - 1];
        match self {
            Quantity::States => &[],
            Quantity::Weights => &layer.forward,
            Quantity::Back => layer.backward.as_deref().unwrap_or(&[]),
            Quantity::Biases => &layer.bias,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Quantity::States => "states",
            Quantity::Weights => "weights",
            Quantity::Back => "back",
            Quantity::Biases => "biases",
        })
    }
}

/// A direction of learning, step by step: for every `t` a vector of all neurons and one of all parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    network: Network,
    /// `states[t]`: layers 1 to L, one after the other.
    pub states: Vec<Vec<f64>>,
    /// `parameters[t]`.
    pub parameters: Vec<Parameters>,
}

impl Curves {
    /// `-dL/ds` and `-dL/dtheta`, from the end of the free phase backwards.
    pub fn of_bptt(network: &FloatNetwork, g: Gradients) -> Curves {
        let mut curves =
            Curves { network: network.network.clone(), states: g.states, parameters: g.parameters };
        curves.states.truncate(curves.parameters.len());
        curves.scale(-1.0);
        curves
    }

    /// `(s_{t+1} - s_t) / beta` and the parameters' part of the update, from the first nudged step on; the mean of
    /// all nudged phases. Where synapses learn at every step, their increments over the learning rate; elsewhere
    /// what that step adds to the contrast (the sum over `t` is the contrast after the last step; under a vector field
    /// the other factor is that of the phase's beginning).
    pub fn of_trace(network: &FloatNetwork, input: &[f64], trace: &Trace) -> Curves {
        let steps = trace.phases.iter().map(|p| p.moments.len() - 1).min().unwrap_or(0);
        let mut curves = Curves {
            network: network.network.clone(),
            states: vec![vec![0.0; network.neuron_count()]; steps],
            parameters: vec![trace.learned.zero_like(); steps],
        };
        let share = 1.0 / trace.phases.len().max(1) as f64;
        for (phase, activities) in trace.phases.iter().zip(&trace.activities) {
            let factor = share / phase.nudge;
            for t in 0..steps {
                let (after, before) = (&phase.moments[t + 1].states, &phase.moments[t].states);
                let moved = after.iter().zip(before).map(|(a, b)| factor * (a - b));
                curves.states[t].iter_mut().zip(moved).for_each(|(c, m)| *c += m);
                let into = &mut curves.parameters[t];
                match phase.increments.get(t) {
                    Some(increment) => {
                        let mut estimate = increment.clone();
                        estimate.divide_layers(&network.learning_rates);
                        into.add_scaled(share, &estimate);
                    }
                    None if network.vector_field => {
                        let (a, b, from) = (&activities[t + 1], &activities[t], &activities[0]);
                        network.add_differences(input, a, b, from, factor, into);
                    }
                    None => {
                        network.add_contrast(input, &activities[t + 1], &activities[t], factor, into);
                    }
                }
            }
        }
        curves
    }

    /// Steps.
    pub fn len(&self) -> usize {
        self.parameters.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty()
    }

    /// `self += factor * other`, for means over samples.
    pub fn add_scaled(&mut self, factor: f64, other: &Curves) {
        for (mine, theirs) in self.states.iter_mut().zip(&other.states) {
            mine.iter_mut().zip(theirs).for_each(|(m, t)| *m += factor * t);
        }
        for (mine, theirs) in self.parameters.iter_mut().zip(&other.parameters) {
            mine.add_scaled(factor, theirs);
        }
    }

    /// `self *= factor`.
    pub fn scale(&mut self, factor: f64) {
        self.states.iter_mut().flatten().for_each(|s| *s *= factor);
        self.parameters.iter_mut().for_each(|p| p.scale(factor));
    }

    /// One quantity of layer `l` (1 to L) at step `t`.
    pub fn at(&self, quantity: Quantity, l: usize, t: usize) -> &[f64] {
        match quantity {
            Quantity::States => &self.states[t][self.network.span(l)],
            _ => quantity.of(&self.parameters[t], l),
        }
    }

    /// The layers that have a quantity.
    pub fn layers(&self, quantity: Quantity) -> impl Iterator<Item = usize> + use<> {
        let there = |l| !self.is_empty() && !self.at(quantity, l, 0).is_empty();
        self.network.layers().filter(|&l| there(l)).collect::<Vec<_>>().into_iter()
    }

    /// Element `k` of a quantity, over all steps.
    pub fn over_time(&self, quantity: Quantity, l: usize, k: usize) -> impl Iterator<Item = f64> + '_ {
        (0..self.len()).map(move |t| self.at(quantity, l, t)[k])
    }

    /// The whole update: all steps' sum; none without steps.
    pub fn sum(&self) -> Option<Parameters> {
        let (first, others) = self.parameters.split_first()?;
        let mut sum = first.clone();
        others.iter().for_each(|p| sum.add_scaled(1.0, p));
        Some(sum)
    }
}
