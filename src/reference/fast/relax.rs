//! One pass of a relaxation: drives, and the states that they make.

use super::kernels;
use super::matrix::{Matrix, Reading};
use super::neurons::{Layer, Moment};
use super::numbers::{Block, Int, Numbers};
use super::{Engine, Synapses};
use crate::fixed_point::{Purpose, absorb, row_bits, step_key};
use crate::reference::Observer;
use crate::reference::counters::Counters;
use crate::rules::{Nudge, is_negative};

impl<N: Numbers> Engine<'_, N> {
    /// One pass: a time step of the layers that move in it.
    pub(super) fn relax<O: Observer>(
        &mut self,
        nudge: Nudge,
        label: u16,
        pass: u32,
        mut count: Option<&mut Counters>,
    ) {
        self.drive_from_input();
        let order = self.design.order;
        // Drives of resting layers change nothing; a softmax reads its own.
        let (depth, reads) = (self.network.depth(), self.pull.is_some());
        let shown = |l: usize| O::WATCHES || (reads && l == depth);
        self.sum_inputs(|l| shown(l) || !order.holds(pass, l));
        std::mem::swap(&mut self.now, &mut self.previous);
        if let Some(imaginary) = &mut self.imaginary {
            imaginary.clear();
        }
        let moment = Moment {
            seed: self.design.seed,
            sample: self.sample,
            step: self.step,
            nudge: nudge.sign(is_negative(self.design.seed, self.sample)),
            label,
        };
        let mut at = 0;
        for (l, neurons) in self.neurons.iter().enumerate() {
            let n = self.network.neurons(l + 1);
            if order.holds(pass, l + 1) {
                if shown(l + 1) {
                    let totals = &self.totals[l].as_flattened()[..n];
                    neurons.drives(moment, totals, &self.states[at..at + n], &mut self.drives[at..at + n]);
                }
                self.now[l].clone_from(&self.previous[l]);
                at += n;
                continue;
            }
            if let Some(noise) =
                self.noise.as_ref().filter(|_| moment.nudge != 0 && self.design.has_noise(l + 1))
            {
                let totals = &mut self.totals[l].as_flattened_mut()[..n];
                neurons.add_noise(noise, moment, totals);
            }
            let seen = &mut self.now[l];
            seen.corners.clone_from(&self.chosen[l]);
            let layer = Layer {
                totals: &self.totals[l].as_flattened()[..n],
                drives: &mut self.drives[at..at + n],
                states: &mut self.states[at..at + n],
                activities: &mut seen.activities.as_flattened_mut()[..n],
            };
            neurons.step(moment, layer, count.as_deref_mut().map(|c| &mut c.layers[l]));
            at += n;
        }
        let l = self.network.depth();
        if let Some(pull) = self.pull.as_ref().filter(|_| !order.holds(pass, l)) {
            let outputs = at - self.network.neurons(l)..at;
            let key = step_key(moment.seed, Purpose::State, moment.sample, moment.step);
            let random = |i: usize| row_bits(absorb(key, (l as u32) << 16), i as u32);
            let states = &mut self.states[outputs.clone()];
            pull.states(&self.drives[outputs], label, moment.nudge, random, states);
            if let Some(count) = count {
                states.iter().for_each(|&s| count.layers[l - 1].state.see(s.into(), false));
            }
            let shift = self.design.datapath.activity_shift[l];
            for (activity, &state) in self.now[l - 1].activities.as_flattened_mut().iter_mut().zip(&*states) {
                *activity = N::Activity::wrap(i64::from(state) << shift);
            }
        }
    }

    /// What the clamped input drives layer 1 with, if weights have changed.
    pub(super) fn drive_from_input(&mut self) {
        if self.base_valid {
            return;
        }
        let s = &mut self.synapses[0];
        let products = if s.is_dense() {
            self.input_drive.as_flattened_mut().fill(N::Sum::default());
            N::combine(&s.weights, self.reading, &self.inputs, s.weight_shift, &mut self.input_drive);
            set_base(s, self.reading, &self.input_drive, &mut self.base);
            self.inputs.len() * self.network.neurons(1)
        } else {
            let base = self.base.as_flattened_mut();
            kernels::forward(s, self.reading, &self.clamped, base, &mut self.chosen[0]);
            s.connection.products()
        };
        self.work.forward += products as u64;
        self.base_valid = true;
    }

    /// `totals` from `now`: biases, forward and transposed products of the layers (from 1) whose drives are needed.
    pub(super) fn sum_inputs(&mut self, needed: impl Fn(usize) -> bool) {
        self.totals[0].copy_from_slice(&self.base);
        self.sum_layers(needed, true);
    }

    /// The same of imaginary parts in the place of activities: there is neither an input nor a bias in them.
    pub(super) fn sum_imaginary(&mut self) {
        self.totals[0].as_flattened_mut().fill(N::Sum::default());
        self.sum_layers(|_| true, false);
    }

    fn sum_layers(&mut self, needed: impl Fn(usize) -> bool, biased: bool) {
        for l in 1..self.synapses.len() {
            let s = &mut self.synapses[l];
            let (below, above) = self.totals.split_at_mut(l);
            if !s.is_dense() {
                let products = s.connection.products();
                let mut unchanged = 2 * products;
                if needed(l + 1) {
                    let (pre, corners) = (self.now[l - 1].activities.as_flattened(), &mut self.chosen[l]);
                    kernels::forward(s, self.reading, pre, above[0].as_flattened_mut(), corners);
                    unchanged -= products;
                }
                if needed(l) {
                    let totals = below[l - 1].as_flattened_mut();
                    let zeros = kernels::transposed(s, self.reading, &self.now[l], totals);
                    unchanged -= products - zeros;
                }
                self.work.forward += products as u64;
                self.work.transposed += products as u64;
                self.work.unchanged += unchanged as u64;
                continue;
            }
            if needed(l + 1) {
                match biased {
                    true => set_biases(&s.bias, s.bias_shift, self.reading.dropped, &mut above[0]),
                    false => above[0].as_flattened_mut().fill(N::Sum::default()),
                }
                let sums = above[0].as_flattened_mut();
                N::dots(&s.weights, self.reading, &self.now[l - 1].activities, s.weight_shift, sums);
            } else {
                self.work.unchanged += (self.network.neurons(l) * self.network.neurons(l + 1)) as u64;
            }
            self.rows.clear();
            let activities = self.now[l].activities.as_flattened()[..self.network.neurons(l + 1)].iter();
            self.rows.extend(
                (0..).zip(activities).filter(|&(_, &a)| a != N::Activity::default()).map(|(k, &a)| (k, a)),
            );
            if needed(l) {
                let way_back = s.backward.as_ref().unwrap_or(&s.weights);
                N::combine(way_back, self.reading, &self.rows, s.weight_shift, &mut below[l - 1]);
            } else {
                self.work.unchanged += (self.network.neurons(l) * self.rows.len()) as u64;
            }
            self.work.forward += (self.network.neurons(l) * self.network.neurons(l + 1)) as u64;
            self.work.transposed += (self.network.neurons(l) * self.rows.len()) as u64;
        }
    }
}

/// Biases plus the drive of the clamped input.
pub(super) fn set_base<N: Numbers>(
    s: &Synapses<N>,
    reading: Reading,
    drive: &[Block<N::Sum>],
    base: &mut [Block<N::Sum>],
) {
    set_biases(&s.bias, s.bias_shift, reading.dropped, base);
    for (base, &drive) in base.as_flattened_mut().iter_mut().zip(drive.as_flattened()) {
        *base = base.plus(drive);
    }
}

/// Every bias, as read, on the grid of the sums.
fn set_biases<S: Int, T: Int>(bias: &Matrix<S>, shift: u32, dropped: u32, out: &mut [Block<T>]) {
    for (out, bias) in out.as_flattened_mut().iter_mut().zip(bias.line(0).as_flattened()) {
        *out = T::wrap(bias.wide() >> dropped) << shift;
    }
}
