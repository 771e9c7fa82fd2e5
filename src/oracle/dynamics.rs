//! One time step, forwards and (by hand) backwards.

use super::network::Places;
use super::{FloatNetwork, Moment, Parameters, synapses};
use crate::design::{Dynamics, NudgePlace};
use crate::network::Pool;

/// What a network is shown during a step.
#[derive(Clone, Copy, Debug)]
pub struct Stimulus<'a> {
    /// What the synapses see of the input: one value per input neuron.
    pub input: &'a [f64],
    /// One value per output neuron.
    pub target: &'a [f64],
    /// The signed strength of the nudge; zero in the free phase.
    pub nudge: f64,
    /// Noise on the drive of each neuron of layers 1 to L; none in the free phase.
    pub noise: Option<&'a [f64]>,
}

/// What drives the neurons of layers 1 to L, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drives {
    /// One a neuron.
    pub values: Vec<f64>,
    /// The corners of the maxima, likewise ([`Moment::corners`]).
    pub corners: Vec<u8>,
}

impl Drives {
    /// All zero.
    pub fn zero(network: &FloatNetwork) -> Drives {
        let n = network.neuron_count();
        Drives { values: vec![0.0; n], corners: vec![0; n] }
    }
}

impl FloatNetwork {
    /// `W_1 input + b_1`: what a clamped input drives the map of layer 1 with, the same at every step until synapses learn.
    pub fn input_drive(&self, parameters: &Parameters, input: &[f64]) -> Vec<f64> {
        let (c, layer) = (self.network.connection(1), &parameters.layers[0]);
        let mut map = layer.bias.repeat(c.positions());
        synapses::forward_sparse(c, &layer.forward, input, &mut map);
        map
    }

    /// `W_l a_{l-1} + b_l + W_{l+1}^T a_{l+1}` of every neuron (algorithms 1.1 to 1.3; separate weights: 2.2).
    pub fn drives(&self, parameters: &Parameters, input_drive: &[f64], now: &Moment) -> Drives {
        let mut drives = Drives::zero(self);
        self.drive(parameters, input_drive, now, 1..=self.output_layer(), &mut drives);
        drives
    }

    /// [`drives`](Self::drives) of the layers that move in this pass of a relaxation; those of the others stay in `drives`.
    pub fn drives_of_pass(
        &self,
        parameters: &Parameters,
        input_drive: &[f64],
        now: &Moment,
        pass: u32,
        drives: &mut Drives,
    ) {
        let moving = (1..=self.output_layer()).filter(|&l| !self.order.holds(pass, l));
        self.drive(parameters, input_drive, now, moving, drives);
    }

    fn drive(
        &self,
        parameters: &Parameters,
        input_drive: &[f64],
        now: &Moment,
        layers: impl Iterator<Item = usize>,
        drives: &mut Drives,
    ) {
        let activities = self.activities(&now.states);
        for l in layers {
            let span = self.span(l);
            let (mut totals, corners) = self.driven_from_below(parameters, input_drive, &activities, l);
            if l < self.output_layer() {
                let (above, there) = (self.network.connection(l + 1), self.span(l + 1));
                let shown = synapses::placed(above, &activities[there.clone()], &now.corners[there]);
                synapses::back(above, parameters.layers[l].way_back(), &shown, &mut totals);
            }
            drives.values[span.clone()].copy_from_slice(&totals);
            drives.corners[span].copy_from_slice(&corners);
        }
    }

    /// What the layer below and the biases drive layer `l` with, and the corners of the maxima.
    fn driven_from_below(
        &self,
        parameters: &Parameters,
        input_drive: &[f64],
        activities: &[f64],
        l: usize,
    ) -> (Vec<f64>, Vec<u8>) {
        let c = self.network.connection(l);
        if l == 1 {
            return synapses::pooled(c, input_drive);
        }
        let layer = &parameters.layers[l - 1];
        let mut map = layer.bias.repeat(c.positions());
        synapses::forward(c, &layer.forward, &activities[self.span(l - 1)], &mut map);
        synapses::pooled(c, &map)
    }

    /// Before the first step.
    pub fn at_rest(&self, parameters: &Parameters, input_drive: &[f64]) -> Moment {
        let n = self.neuron_count();
        let mut moment = Moment { states: vec![0.0; n], corners: vec![0; n] };
        self.place(parameters, input_drive, &mut moment);
        moment
    }

    /// Where places are those of the present states, looks for them.
    pub fn place(&self, parameters: &Parameters, input_drive: &[f64], moment: &mut Moment) {
        let pools = |l: &usize| self.network.connection(*l).pool() == Pool::Max;
        if self.places == Places::Present {
            let activities = self.activities(&moment.states);
            for l in (1..=self.output_layer()).filter(pools) {
                let (_, corners) = self.driven_from_below(parameters, input_drive, &activities, l);
                moment.corners[self.span(l)].copy_from_slice(&corners);
            }
        }
    }

    /// One pass: the moment behind it. `drives` become those of the layers that have moved.
    pub fn step(
        &self,
        parameters: &Parameters,
        input_drive: &[f64],
        (now, drives): (&Moment, &mut Drives),
        stimulus: Stimulus<'_>,
        pass: u32,
    ) -> Moment {
        self.drives_of_pass(parameters, input_drive, now, pass, drives);
        if let Some(noise) = stimulus.noise {
            let quiet = |l: usize| self.order.holds(pass, l) || (self.softmax && l == self.output_layer());
            for at in (1..=self.output_layer()).filter(|&l| !quiet(l)).flat_map(|l| self.span(l)) {
                drives.values[at] += noise[at];
            }
        }
        let mut next = self.next(drives, now, stimulus, pass);
        self.place(parameters, input_drive, &mut next);
        next
    }

    /// The states one pass later, from the drives they make now. Energy-based states are held in `[0, 1]`. Layers that
    /// do not move in this pass of a relaxation (the first is 0) keep theirs.
    fn next(&self, drives: &Drives, now: &Moment, stimulus: Stimulus<'_>, pass: u32) -> Moment {
        let output = self.span(self.output_layer());
        let first = output.start;
        let one = |at: usize| {
            let is_output = at >= first && !self.softmax;
            let (s, mut u) = (now.states[at], drives.values[at]);
            let nudge = if is_output { stimulus.nudge * (stimulus.target[at - first] - s) } else { 0.0 };
            if self.nudge_place == NudgePlace::Inside {
                u += nudge;
            }
            let mut f = match self.dynamics {
                Dynamics::Prototypical | Dynamics::Leaky => self.squash.at(u),
                Dynamics::Energy => self.factor(s, is_output) * u,
            };
            if self.nudge_place == NudgePlace::Outside {
                f += nudge;
            }
            match self.dynamics {
                Dynamics::Prototypical => f,
                Dynamics::Leaky => s + self.dt * (f - s),
                Dynamics::Energy => (s + self.dt * (f - s)).clamp(0.0, 1.0),
            }
        };
        let mut next = now.clone();
        for l in (1..=self.output_layer()).filter(|&l| !self.order.holds(pass, l)) {
            self.span(l).for_each(|at| next.states[at] = one(at));
            next.corners[self.span(l)].copy_from_slice(&drives.corners[self.span(l)]);
        }
        if self.softmax && !self.order.holds(pass, self.output_layer()) {
            let slope = self.loss_slope(&drives.values[output.clone()], stimulus.target);
            next.states[output].iter_mut().zip(slope).for_each(|(s, e)| *s = -stimulus.nudge * e);
        }
        next
    }

    /// The factor before the drive in energy-based dynamics: `rho'`, which neither the output layer nor a vector
    /// field has.
    fn factor(&self, state: f64, is_output: bool) -> f64 {
        if is_output || self.vector_field { 1.0 } else { self.squash.slope(state) }
    }

    /// Backwards through one free pass: given `dL/ds'` for the states after it, `dL/ds` for the states before it and
    /// `dL/du` for the drives. A softmax read-out, which shows its drives and pulls at nothing in the free phase, has
    /// them in the place of states.
    pub(super) fn backwards(
        &self,
        parameters: &Parameters,
        before: &Moment,
        drives: &Drives,
        after: &[f64],
        pass: u32,
    ) -> (Vec<f64>, Vec<f64>) {
        let n = before.states.len();
        let outputs = self.span(self.output_layer());
        let (mut by_state, mut by_drive) = (vec![0.0; n], vec![0.0; n]);
        let moving = |l: &usize| !self.order.holds(pass, *l);
        for l in (1..=self.output_layer()).filter(|l| !moving(l)) {
            by_state[self.span(l)].copy_from_slice(&after[self.span(l)]);
        }
        for at in (1..=self.output_layer()).filter(moving).flat_map(|l| self.span(l)) {
            let (s, u, g) = (before.states[at], drives.values[at], after[at]);
            if self.softmax && outputs.contains(&at) {
                by_drive[at] = g;
                continue;
            }
            match self.dynamics {
                Dynamics::Prototypical => by_drive[at] = self.squash.slope(u) * g,
                Dynamics::Leaky => {
                    by_drive[at] = self.dt * self.squash.slope(u) * g;
                    by_state[at] = (1.0 - self.dt) * g;
                }
                Dynamics::Energy => {
                    let is_output = outputs.contains(&at);
                    let factor = self.factor(s, is_output);
                    // Where the clamp holds the state, nothing passes.
                    if !(0.0..=1.0).contains(&(s + self.dt * (factor * u - s))) {
                        continue;
                    }
                    by_drive[at] = self.dt * factor * g;
                    let bend = if is_output || self.vector_field { 0.0 } else { self.squash.curvature(s) };
                    by_state[at] = (1.0 - self.dt + self.dt * bend * u) * g;
                }
            }
        }
        // Every drive of layer l comes from the activities of layers l - 1 and l + 1. A maximum stays where it is.
        let mut by_activity = vec![0.0; n];
        for l in 2..=self.output_layer() {
            let (c, layer) = (self.network.connection(l), &parameters.layers[l - 1]);
            let (above, below) = (self.span(l), self.span(l - 1));
            let by_map = synapses::placed(c, &by_drive[above.clone()], &drives.corners[above.clone()]);
            synapses::back(c, &layer.forward, &by_map, &mut by_activity[below.clone()]);
            if !(self.softmax && l == self.output_layer()) {
                let mut shown = vec![0.0; c.map().neurons()];
                synapses::forward(c, layer.way_back(), &by_drive[below], &mut shown);
                let seen = synapses::picked(c, &shown, &before.corners[above.clone()]);
                synapses::add_scaled(&mut by_activity[above], 1.0, &seen);
            }
        }
        for at in 0..n {
            let s = before.states[at];
            let slope = if self.dynamics == Dynamics::Energy { self.squash.slope(s) } else { 1.0 };
            by_state[at] += slope * by_activity[at];
        }
        (by_state, by_drive)
    }

    /// `into += dL/dtheta` of a step from this moment, given `dL/du` for its drives and the corners that they come from.
    pub(super) fn by_parameters(
        &self,
        input: &[f64],
        before: &Moment,
        (by_drive, corners): (&[f64], &[u8]),
        into: &mut Parameters,
    ) {
        let activities = self.activities(&before.states);
        for (l, c) in self.network.connections() {
            let above = self.span(l);
            let layer = &mut into.layers[l - 1];
            let by_map = synapses::placed(c, &by_drive[above.clone()], &corners[above.clone()]);
            synapses::add_biases(c, &mut layer.bias, 1.0, &by_map);
            let pre = if l == 1 { input } else { &activities[self.span(l - 1)] };
            synapses::add_products(c, &mut layer.forward, 1.0, &by_map, pre);
            if l > 1 {
                // The same weight, or one of its own, on the way back.
                let back = layer.backward.as_mut().unwrap_or(&mut layer.forward);
                let shown = synapses::placed(c, &activities[above.clone()], &before.corners[above]);
                synapses::add_products(c, back, 1.0, &shown, &by_drive[self.span(l - 1)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{Order, load};
    use crate::network::Network;
    use crate::oracle::LayerParameters;
    use std::path::Path;

    /// Layers wide enough for whole groups of lines, and none a multiple of one.
    #[test]
    fn drives_are_sums_over_both_neighbours() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/digits-even-odd.toml");
        let sizes = vec![4, 9, 11, 5];
        let net = FloatNetwork { network: Network::dense(&sizes), ..FloatNetwork::of(&load(&path).unwrap()) };
        assert_eq!(net.order, Order::EvenOdd);
        let layers = sizes.windows(2).map(|s| LayerParameters::zero(s[1], s[0])).collect();
        let mut known = Parameters { layers };
        known.values_mut().enumerate().for_each(|(i, v)| *v = (0.7 * i as f64).sin());
        let states: Vec<f64> = (0..net.neuron_count()).map(|i| (i as f64).sin().abs()).collect();
        let now = Moment { states: states.clone(), corners: vec![0; states.len()] };
        let input_drive: Vec<f64> = (0..9).map(|i| (i as f64).cos()).collect();
        let found = net.drives(&known, &input_drive, &now).values;
        for l in 1..=3 {
            for (i, at) in net.span(l).enumerate() {
                let (below, here) = (&known.layers[l - 1], known.layers.get(l));
                let mut sum = if l == 1 { input_drive[i] } else { below.bias[i] };
                if l > 1 {
                    let from = net.span(l - 1).enumerate();
                    sum += from.map(|(j, from)| below.weight(i, j) * states[from]).sum::<f64>();
                }
                if let Some(above) = here {
                    let from = net.span(l + 1).enumerate();
                    sum += from.map(|(k, from)| above.weight(k, i) * states[from]).sum::<f64>();
                }
                assert!((found[at] - sum).abs() < 1e-12, "layer {l}, neuron {i}: {} {sum}", found[at]);
            }
        }
        for pass in 0..2 {
            let mut drives = Drives::zero(&net);
            drives.values.fill(f64::NAN);
            net.drives_of_pass(&known, &input_drive, &now, pass, &mut drives);
            let drives = drives.values;
            for l in 1..=3 {
                let same = drives[net.span(l)] == found[net.span(l)];
                let rests = drives[net.span(l)].iter().all(|d| d.is_nan());
                assert_eq!((same, rests), (l % 2 == pass as usize % 2, l % 2 != pass as usize % 2));
            }
        }
    }
}
