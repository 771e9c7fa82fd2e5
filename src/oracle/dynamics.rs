//! One time step, forwards and (by hand) backwards.

use super::{FloatNetwork, Parameters};
use crate::design::{Dynamics, NudgePlace};

/// What a network is shown during a step.
#[derive(Clone, Copy, Debug)]
pub struct Stimulus<'a> {
    /// What the synapses see of the input: one value per input neuron.
    pub input: &'a [f64],
    /// One value per output neuron.
    pub target: &'a [f64],
    /// The signed strength of the nudge; zero in the free phase.
    pub nudge: f64,
}

/// `line += factor * other`.
pub(super) fn add_scaled(line: &mut [f64], factor: f64, other: &[f64]) {
    for (l, o) in line.iter_mut().zip(other) {
        *l += factor * o;
    }
}

/// Lines taken at once.
const AT_ONCE: usize = 4;

/// `sum += factors_j * line_j` over all `lines`, which are as long as `sum`.
fn add_lines(sum: &mut [f64], lines: &[f64], factors: &[f64]) {
    let n = sum.len();
    let (fours, rest) = factors.as_chunks::<AT_ONCE>();
    for (f, lines) in fours.iter().zip(lines.chunks_exact(AT_ONCE * n)) {
        let (a, bcd) = lines.split_at(n);
        let (b, cd) = bcd.split_at(n);
        let (c, d) = cd.split_at(n);
        for i in 0..n {
            sum[i] += f[0] * a[i] + f[1] * b[i] + f[2] * c[i] + f[3] * d[i];
        }
    }
    for (&f, line) in rest.iter().zip(lines[fours.len() * AT_ONCE * n..].chunks_exact(n)) {
        add_scaled(sum, f, line);
    }
}

/// `sums_j += line_j . vector` over all `lines`, which are as long as `vector`.
///
/// From the last to the first: what [`add_lines`] has just read is still in the cache, and it finds there what this
/// leaves.
fn add_dots(sums: &mut [f64], lines: &[f64], vector: &[f64]) {
    for (sum, line) in sums.iter_mut().zip(lines.chunks_exact(vector.len())).rev() {
        *sum += dot(line, vector);
    }
}

/// Sum of products, in as many strands as keep the vector units busy.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (wide, a, b) = strands::<16>(a, b);
    let (narrow, a, b) = strands::<4>(a, b);
    wide + narrow + a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>()
}

/// Sum of products of whole groups of `N`, each place in the group by itself, and what is left of the factors.
fn strands<'a, const N: usize>(a: &'a [f64], b: &'a [f64]) -> (f64, &'a [f64], &'a [f64]) {
    let ((a, a_left), (b, b_left)) = (a.as_chunks::<N>(), b.as_chunks::<N>());
    let mut strands = [0.0; N];
    for (x, y) in a.iter().zip(b) {
        for k in 0..N {
            strands[k] += x[k] * y[k];
        }
    }
    (strands.iter().sum(), a_left, b_left)
}

impl FloatNetwork {
    /// `W_1 input + b_1`: what a clamped input drives layer 1 with, the same at every step until synapses learn.
    pub fn input_drive(&self, parameters: &Parameters, input: &[f64]) -> Vec<f64> {
        let layer = &parameters.layers[0];
        let mut drive = layer.bias.clone();
        for (j, &x) in input.iter().enumerate() {
            if x != 0.0 {
                add_scaled(&mut drive, x, layer.line(j));
            }
        }
        drive
    }

    /// `W_l a_{l-1} + b_l + W_{l+1}^T a_{l+1}` of every neuron (algorithms 1.1, 1.2; separate weights: 2.2).
    pub fn drives(&self, parameters: &Parameters, input_drive: &[f64], states: &[f64]) -> Vec<f64> {
        let mut drives = vec![0.0; states.len()];
        self.drive(parameters, input_drive, states, 1..=self.output_layer(), &mut drives);
        drives
    }

    /// [`drives`](Self::drives) of the layers that move in this pass of a relaxation; those of the others stay in `drives`.
    pub fn drives_of_pass(
        &self,
        parameters: &Parameters,
        input_drive: &[f64],
        states: &[f64],
        pass: u32,
        drives: &mut [f64],
    ) {
        let moving = (1..=self.output_layer()).filter(|&l| !self.order.holds(pass, l));
        self.drive(parameters, input_drive, states, moving, drives);
    }

    fn drive(
        &self,
        parameters: &Parameters,
        input_drive: &[f64],
        states: &[f64],
        layers: impl Iterator<Item = usize>,
        drives: &mut [f64],
    ) {
        let activities = self.activities(states);
        for l in layers {
            let drive = &mut drives[self.span(l)];
            if l == 1 {
                drive.copy_from_slice(input_drive);
            } else {
                let layer = &parameters.layers[l - 1];
                drive.copy_from_slice(&layer.bias);
                add_lines(drive, &layer.forward, &activities[self.span(l - 1)]);
            }
            if l < self.output_layer() {
                add_dots(drive, parameters.layers[l].way_back(), &activities[self.span(l + 1)]);
            }
        }
    }

    /// The states one pass later, from the drives they make now. Energy-based states are held in `[0, 1]`. Layers that
    /// do not move in this pass of a relaxation (the first is 0) keep theirs.
    pub fn next(&self, drives: &[f64], states: &[f64], stimulus: Stimulus<'_>, pass: u32) -> Vec<f64> {
        let output = self.span(self.output_layer());
        let first = output.start;
        let one = |at: usize| {
            let is_output = at >= first && !self.softmax;
            let (s, mut u) = (states[at], drives[at]);
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
        let mut next = states.to_vec();
        for l in (1..=self.output_layer()).filter(|&l| !self.order.holds(pass, l)) {
            self.span(l).for_each(|at| next[at] = one(at));
        }
        if self.softmax && !self.order.holds(pass, self.output_layer()) {
            let slope = self.loss_slope(&drives[output.clone()], stimulus.target);
            next[output].iter_mut().zip(slope).for_each(|(s, e)| *s = -stimulus.nudge * e);
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
        states: &[f64],
        drives: &[f64],
        after: &[f64],
        pass: u32,
    ) -> (Vec<f64>, Vec<f64>) {
        let n = states.len();
        let outputs = self.span(self.output_layer());
        let (mut by_state, mut by_drive) = (vec![0.0; n], vec![0.0; n]);
        let moving = |l: &usize| !self.order.holds(pass, *l);
        for l in (1..=self.output_layer()).filter(|l| !moving(l)) {
            by_state[self.span(l)].copy_from_slice(&after[self.span(l)]);
        }
        for at in (1..=self.output_layer()).filter(moving).flat_map(|l| self.span(l)) {
            let (s, u, g) = (states[at], drives[at], after[at]);
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
        // Every drive of layer l comes from the activities of layers l - 1 and l + 1.
        let mut by_activity = vec![0.0; n];
        for l in 2..=self.output_layer() {
            let layer = &parameters.layers[l - 1];
            let (above, below) = (self.span(l), self.span(l - 1));
            for (j, (down, up)) in layer
                .way_back()
                .chunks_exact(layer.post)
                .zip(layer.forward.chunks_exact(layer.post))
                .enumerate()
            {
                by_activity[below.start + j] += dot(up, &by_drive[above.clone()]);
                if !(self.softmax && l == self.output_layer()) {
                    add_scaled(&mut by_activity[above.clone()], by_drive[below.start + j], down);
                }
            }
        }
        for at in 0..n {
            let slope = if self.dynamics == Dynamics::Energy { self.squash.slope(states[at]) } else { 1.0 };
            by_state[at] += slope * by_activity[at];
        }
        (by_state, by_drive)
    }

    /// `into += dL/dtheta` of a step with these states before it, given `dL/du` for its drives.
    pub(super) fn by_parameters(
        &self,
        input: &[f64],
        states: &[f64],
        by_drive: &[f64],
        into: &mut Parameters,
    ) {
        let activities = self.activities(states);
        for l in 1..=self.output_layer() {
            let above = self.span(l);
            let layer = &mut into.layers[l - 1];
            let post = layer.post;
            add_scaled(&mut layer.bias, 1.0, &by_drive[above.clone()]);
            let pre = if l == 1 { input } else { &activities[self.span(l - 1)] };
            for (line, &a) in layer.forward.chunks_exact_mut(post).zip(pre) {
                add_scaled(line, a, &by_drive[above.clone()]);
            }
            if l > 1 {
                // The same weight, or one of its own, on the way back.
                let back = layer.backward.as_mut().unwrap_or(&mut layer.forward);
                for (line, &g) in back.chunks_exact_mut(post).zip(&by_drive[self.span(l - 1)]) {
                    add_scaled(line, g, &activities[above.clone()]);
                }
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
        let input_drive: Vec<f64> = (0..9).map(|i| (i as f64).cos()).collect();
        let found = net.drives(&known, &input_drive, &states);
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
            let mut drives = vec![f64::NAN; states.len()];
            net.drives_of_pass(&known, &input_drive, &states, pass, &mut drives);
            for l in 1..=3 {
                let same = drives[net.span(l)] == found[net.span(l)];
                let rests = drives[net.span(l)].iter().all(|d| d.is_nan());
                assert_eq!((same, rests), (l % 2 == pass as usize % 2, l % 2 != pass as usize % 2));
            }
        }
    }
}
