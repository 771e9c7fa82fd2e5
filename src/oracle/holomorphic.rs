//! Holomorphic Equilibrium Propagation (Laborieux and Zenke 2022; algorithms.md 4): complex states, and nudges that lie on a
//! circle in the complex plane.
//!
//! The products of a settled network are an analytic function of the nudge, whose first coefficient is minus the gradient.
//! The mean over N points of the circle, each divided by its nudge, is that coefficient, up to a term of the order
//! `|beta|^N`: finite nudges give exact gradients. Weights and inputs are real, products have no conjugate.

use super::{FloatNetwork, Parameters};
use crate::design::{Dynamics, NudgePlace};
use crate::fixed_point::exact;
use crate::oracle::Squash;
use num_complex::Complex64;

/// States that move by less than this do not move.
const RESTS: f64 = 1e-16;

/// A sample before a network whose states are an analytic function of the nudge.
#[derive(Clone, Debug)]
pub struct Holomorphic<'a> {
    network: &'a FloatNetwork,
    parameters: &'a Parameters,
    input: &'a [f64],
    target: &'a [f64],
    input_drive: Vec<f64>,
}

/// States at which a relaxation has arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrived {
    /// Of layers 1 to L; a softmax read-out's are its pull, `beta (y - p)`.
    pub states: Vec<Complex64>,
    /// Largest movement in the last step.
    pub moved: f64,
}

/// Why a network's states are no analytic function of its nudge; none if they are.
pub fn hindrance(network: &FloatNetwork) -> Option<&'static str> {
    let outside = network.nudge_place == NudgePlace::Outside && !network.softmax;
    match () {
        () if network.squash != Squash::Logistic => {
            Some("a clip has corners: only the logistic activation is analytic")
        }
        () if network.network.has_kernels() => Some("kernels are not looked at"),
        () if network.vector_field => Some("separate weights have no energy"),
        () if network.dynamics == Dynamics::Energy => Some("energy-based states are clamped"),
        () if outside => Some("the nudge enters outside the activation"),
        () => None,
    }
}

/// `1 / (1 + exp(-4z + 2))`.
fn logistic(z: Complex64) -> Complex64 {
    (Complex64::ONE + (-4.0 * z + 2.0).exp()).inv()
}

/// The probabilities of a softmax. The largest real part is subtracted: it cancels.
fn softmax(logits: &[Complex64]) -> Vec<Complex64> {
    let greatest = logits.iter().map(|z| z.re).fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<Complex64> = logits.iter().map(|z| (z - greatest).exp()).collect();
    let sum: Complex64 = powers.iter().sum();
    powers.iter().map(|e| e / sum).collect()
}

/// Point `k` of `points` on the circle; exactly real where it lies on the axis.
pub fn point(beta: f64, k: u32, points: u32) -> Complex64 {
    let (cosine, sine) = exact::on_circle(k, points);
    beta * Complex64::new(cosine, sine)
}

impl<'a> Holomorphic<'a> {
    /// A sample before a network of dense layers without a [`hindrance`].
    pub fn new(
        network: &'a FloatNetwork,
        parameters: &'a Parameters,
        input: &'a [f64],
        target: &'a [f64],
    ) -> Self {
        let input_drive = network.input_drive(parameters, input);
        Holomorphic { network, parameters, input, target, input_drive }
    }

    /// The same where it is known what the input drives layer 1 with.
    pub(super) fn driven(
        network: &'a FloatNetwork,
        parameters: &'a Parameters,
        (input, input_drive): (&'a [f64], &[f64]),
        target: &'a [f64],
    ) -> Self {
        Holomorphic { network, parameters, input, target, input_drive: input_drive.to_vec() }
    }

    /// Before the first step.
    pub fn at_rest(&self) -> Vec<Complex64> {
        vec![Complex64::ZERO; self.network.neuron_count()]
    }

    /// The drives of all neurons, without their nudge.
    fn drives(&self, states: &[Complex64]) -> Vec<Complex64> {
        let n = self.network;
        let mut drives = Vec::with_capacity(states.len());
        for (l, layer) in (1..).zip(&self.parameters.layers) {
            if l == 1 {
                drives.extend(self.input_drive.iter().map(|&u| Complex64::from(u)));
            } else {
                let mut sums: Vec<Complex64> = layer.bias.iter().map(|&b| b.into()).collect();
                for (j, &pre) in states[n.span(l - 1)].iter().enumerate() {
                    sums.iter_mut().zip(layer.line(j)).for_each(|(sum, &w)| *sum += w * pre);
                }
                drives.extend(sums);
            }
            if let Some(above) = self.parameters.layers.get(l) {
                let post = &states[n.span(l + 1)];
                for (j, at) in n.span(l).enumerate() {
                    drives[at] += above.line(j).iter().zip(post).map(|(&w, &s)| w * s).sum::<Complex64>();
                }
            }
        }
        drives
    }

    /// One step of all layers under a nudge.
    pub fn step(&self, states: &[Complex64], nudge: Complex64) -> Vec<Complex64> {
        self.step_of(states, self.drives(states), nudge)
    }

    /// The same in noise, a real number on each drive but those of a softmax read-out; the drives and the new states.
    pub(super) fn noisy_step(
        &self,
        states: &[Complex64],
        nudge: Complex64,
        noise: &[f64],
    ) -> (Vec<Complex64>, Vec<Complex64>) {
        let mut drives = self.drives(states);
        let noisy = if self.network.softmax {
            self.network.span(self.network.output_layer()).start
        } else {
            drives.len()
        };
        drives[..noisy].iter_mut().zip(noise).for_each(|(drive, xi)| *drive += xi);
        let next = self.step_of(states, drives.clone(), nudge);
        (drives, next)
    }

    fn step_of(&self, states: &[Complex64], drives: Vec<Complex64>, nudge: Complex64) -> Vec<Complex64> {
        let n = self.network;
        let outputs = n.span(n.output_layer());
        let mut next = drives.clone();
        if n.softmax {
            let p = softmax(&drives[outputs.clone()]);
            for (at, (p, y)) in outputs.clone().zip(p.iter().zip(self.target)) {
                next[at] = nudge * (y - p);
            }
        } else {
            for (at, y) in outputs.clone().zip(self.target) {
                next[at] += nudge * (y - states[at]);
            }
        }
        let squashed = if n.softmax { outputs.start } else { outputs.end };
        for (next, now) in next[..squashed].iter_mut().zip(states) {
            *next = now + n.dt * (logistic(*next) - now);
        }
        next
    }

    /// So many steps.
    pub fn relax(&self, states: &[Complex64], nudge: Complex64, steps: usize) -> Arrived {
        self.settle(states, nudge, steps, -1.0)
    }

    /// Steps until no state moves by more than `tolerance`, at most so many.
    pub fn settle(&self, states: &[Complex64], nudge: Complex64, most: usize, tolerance: f64) -> Arrived {
        let mut arrived = Arrived { states: states.to_vec(), moved: f64::INFINITY };
        for _ in 0..most {
            let next = self.step(&arrived.states, nudge);
            let moves = next.iter().zip(&arrived.states).map(|(a, b)| (a - b).norm());
            arrived = Arrived { moved: moves.fold(0.0, f64::max), states: next };
            if arrived.moved <= tolerance {
                break;
            }
        }
        arrived
    }

    /// `into += Re(factor dPhi/dtheta)`, the products of these states.
    fn add_products(&self, states: &[Complex64], factor: Complex64, into: &mut Parameters) {
        self.add_products_by(states, |_| factor, into);
    }

    /// The same, by a factor for each synapse layer (1 to L).
    pub(super) fn add_products_by(
        &self,
        states: &[Complex64],
        factor: impl Fn(usize) -> Complex64,
        into: &mut Parameters,
    ) {
        for (l, layer) in (1..).zip(&mut into.layers) {
            let factor = factor(l);
            let turned: Vec<Complex64> =
                states[self.network.span(l)].iter().map(|post| factor * post).collect();
            let rows = layer.post;
            let mut add = |j: usize, pre: Complex64| {
                let line = &mut layer.forward[j * rows..][..rows];
                line.iter_mut().zip(&turned).for_each(|(w, post)| *w += (post * pre).re);
            };
            match l {
                1 => self.input.iter().enumerate().for_each(|(j, &pre)| add(j, pre.into())),
                _ => states[self.network.span(l - 1)].iter().enumerate().for_each(|(j, &pre)| add(j, pre)),
            }
            layer.bias.iter_mut().zip(&turned).for_each(|(b, post)| *b += post.re);
        }
    }

    /// Minus the gradient, as `points` points of the circle estimate it from a settled free state, each after so many
    /// steps of its own. One point is one-sided EP and is held against the free state; two are symmetric nudging.
    pub fn estimate(&self, free: &[Complex64], points: u32, beta: f64, steps: usize) -> Parameters {
        let round: Vec<_> =
            self.upper_half(free, points, beta, steps).into_iter().map(|a| a.states).collect();
        self.mean(free, points, beta, &round.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Where the points of a circle lead that are not below the axis. Those are the conjugates of others.
    pub fn upper_half(&self, free: &[Complex64], points: u32, beta: f64, steps: usize) -> Vec<Arrived> {
        (0..=points / 2).map(|k| self.settle(free, point(beta, k, points), steps, RESTS)).collect()
    }

    /// [`estimate`](Self::estimate) from the states at the points that are not below the axis.
    pub fn mean(&self, free: &[Complex64], points: u32, beta: f64, upper: &[&[Complex64]]) -> Parameters {
        let mut sum = self.parameters.zero_like();
        for (k, states) in (0..).zip(upper) {
            let nudge = point(beta, k, points);
            let weight = if nudge.im == 0.0 { 1.0 } else { 2.0 };
            self.add_products(states, weight / (nudge * f64::from(points)), &mut sum);
        }
        if points == 1 {
            self.add_products(free, Complex64::from(-1.0 / beta), &mut sum);
        }
        sum
    }

    /// The form without phases: from rest, the nudge walks round the circle, `steps` steps at each point, and products add up
    /// all the while. The estimate after each period.
    pub fn oscillate(&self, points: u32, beta: f64, steps: usize, periods: u32) -> Vec<Parameters> {
        let (mut states, mut sum) = (self.at_rest(), self.parameters.zero_like());
        let mut period = |count: u32| {
            for k in 0..points {
                let nudge = point(beta, k, points);
                states = self.relax(&states, nudge, steps).states;
                self.add_products(&states, (nudge * f64::from(points)).inv(), &mut sum);
            }
            let mut mean = sum.clone();
            mean.scale(1.0 / f64::from(count));
            mean
        };
        (1..=periods).map(&mut period).collect()
    }
}
