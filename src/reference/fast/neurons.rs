//! A layer of neurons taking a time step: vectorised where the design allows, else unit by unit.

use super::numbers::Int;
use crate::design::{Design, Dynamics};
use crate::fixed_point::{Gaussian, Overflow, Purpose, Rounding, absorb, row_bits, step_key};
use crate::reference::counters::LayerCounters;
use crate::reference::neuron::{NeuronInput, NeuronUnit};

/// Where in the run a time step happens, and under which nudge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub seed: u32,
    pub sample: u32,
    pub step: u32,
    /// Sign of the nudge.
    pub nudge: i64,
    /// Class that is to be one.
    pub label: u16,
}

/// The vectors of one layer that a step reads and writes.
#[derive(Debug)]
pub(super) struct Layer<'a, S, A> {
    /// Sums of all inputs.
    pub totals: &'a [S],
    /// Drives, written.
    pub drives: &'a mut [i32],
    /// States, read and written.
    pub states: &'a mut [i32],
    /// Activities on the common grid, written.
    pub activities: &'a mut [A],
}

/// One layer's neurons.
#[derive(Clone, Debug)]
pub(super) struct Neurons<A> {
    layer: u32,
    output: bool,
    /// States are made elsewhere.
    softmax: bool,
    unit: NeuronUnit,
    activity_shift: u32,
    quick: Option<Quick<A>>,
}

/// Prototypical neurons whose new state is a function of the drive alone: a vector loop makes the drives, a table the
/// activities.
#[derive(Clone, Debug)]
struct Quick<A> {
    /// Left shift of the total before requantising.
    up: u32,
    shift: u32,
    rounding: Rounding,
    low: i64,
    high: i64,
    /// Activity on the common grid, by the drive in 16 bits: an index that needs no check.
    table: Box<[A; 1 << 16]>,
}

impl<A: Int> Neurons<A> {
    /// The neurons of layer `l` (1 to L).
    pub(super) fn of(design: &Design, l: usize, sum_bits: u32) -> Neurons<A> {
        let unit = NeuronUnit::of(design, l);
        let activity_shift = design.datapath.activity_shift[l];
        let quick = Quick::of(design, l, &unit, activity_shift, sum_bits);
        Neurons {
            layer: l as u32,
            output: l == design.output_layer(),
            softmax: design.is_softmax(l),
            unit,
            activity_shift,
            quick,
        }
    }

    /// What the synapses see of a state of zero.
    pub(super) fn resting_activity(&self) -> A {
        A::wrap(self.unit.activity(0) << self.activity_shift)
    }

    /// One time step of the whole layer.
    pub(super) fn step<S: Int>(&self, m: Moment, layer: Layer<'_, S, A>, count: Option<&mut LayerCounters>) {
        match &self.quick {
            // The nudge depends on the state, so nudged output neurons go unit by unit; they are few.
            Some(quick) if count.is_none() && !(self.output && m.nudge != 0) => quick.step(self, m, layer),
            _ => self.step_units(m, layer, count),
        }
    }

    fn key(&self, m: Moment, purpose: Purpose) -> u32 {
        absorb(step_key(m.seed, purpose, m.sample, m.step), self.layer << 16)
    }

    /// Adds the noise of a step to the sums.
    pub(super) fn add_noise<S: Int>(&self, noise: &Gaussian, m: Moment, totals: &mut [S]) {
        let key = self.key(m, Purpose::Noise);
        for (total, i) in totals.iter_mut().zip(0..) {
            *total = total.plus(S::wrap(noise.at(row_bits(key, i))));
        }
    }

    /// The drives of a layer whose states rest.
    pub(super) fn drives<S: Int>(&self, m: Moment, totals: &[S], states: &[i32], drives: &mut [i32]) {
        let key = self.key(m, Purpose::Drive);
        for (i, (drive, (total, &state))) in drives.iter_mut().zip(totals.iter().zip(states)).enumerate() {
            let input = NeuronInput {
                total: total.wide(),
                state: state.into(),
                target: i == usize::from(m.label),
                nudge: m.nudge,
                rest: true,
                drive_random: row_bits(key, i as u32),
                state_random: 0,
            };
            *drive = self.unit.drive(input).result as i32;
        }
    }

    fn step_units<S: Int>(&self, m: Moment, layer: Layer<'_, S, A>, mut count: Option<&mut LayerCounters>) {
        let (drive_key, state_key) = (self.key(m, Purpose::Drive), self.key(m, Purpose::State));
        for (i, &total) in layer.totals.iter().enumerate().take(layer.states.len()) {
            let input = NeuronInput {
                total: total.wide(),
                state: i64::from(layer.states[i]),
                target: i == usize::from(m.label),
                nudge: m.nudge,
                rest: false,
                drive_random: row_bits(drive_key, i as u32),
                state_random: row_bits(state_key, i as u32),
            };
            let drive = self.unit.drive(input);
            let state = self.unit.next_state(drive.result, input);
            if let Some(count) = count.as_deref_mut() {
                count.drive.see(drive.result, drive.over());
                if !self.softmax {
                    count.state.see(state.result, state.over());
                }
            }
            layer.drives[i] = drive.result as i32;
            layer.states[i] = state.result as i32;
            layer.activities[i] = A::wrap(self.unit.activity(state.result) << self.activity_shift);
        }
    }
}

impl<A: Int> Quick<A> {
    fn of(
        design: &Design,
        l: usize,
        unit: &NeuronUnit,
        activity_shift: u32,
        sum_bits: u32,
    ) -> Option<Quick<A>> {
        let (p, n, modes) = (&design.datapath, design.neurons[l - 1], design.drive_modes);
        let math = p.neuron[l - 1];
        let shift = math.sum_frac - n.drive.frac;
        let applies = design.dynamics == Dynamics::Prototypical
            && design.state_modes.rounding != Rounding::Stochastic
            && matches!(modes.rounding, Rounding::Trn | Rounding::Rnd | Rounding::Stochastic)
            && matches!(modes.overflow, Overflow::Sat | Overflow::SatSym)
            && n.drive.width <= 16
            && math.sum_width < sum_bits
            && (1..=sum_bits.min(32) as i32 - 3).contains(&shift);
        if !applies {
            return None;
        }
        let mut table = Box::new([A::default(); 1 << 16]);
        for drive in n.drive.min_raw()..=n.drive.max_raw() {
            let state = unit.next_state(drive, NeuronInput::default()).result;
            table[usize::from(drive as u16)] = A::wrap(unit.activity(state) << activity_shift);
        }
        let (low, high) = modes.overflow.bounds(n.drive);
        Some(Quick {
            up: (math.sum_frac - p.acc_frac) as u32,
            shift: shift as u32,
            rounding: modes.rounding,
            low,
            high,
            table,
        })
    }

    fn step<S: Int>(&self, neurons: &Neurons<A>, m: Moment, layer: Layer<'_, S, A>) {
        let (low, high) = (S::wrap(self.low), S::wrap(self.high));
        let requantise =
            |total: S, rounder: S| ((total << self.up).plus(rounder) >> self.shift).clamp(low, high).word();
        let drives = layer.drives.iter_mut().zip(layer.totals);
        if self.rounding == Rounding::Stochastic {
            let key = neurons.key(m, Purpose::Drive);
            for ((drive, &total), i) in drives.zip(0u32..) {
                *drive = requantise(total, S::wrap(i64::from(row_bits(key, i) >> (32 - self.shift))));
            }
        } else {
            let half = S::wrap(if self.rounding == Rounding::Rnd { 1 << (self.shift - 1) } else { 0 });
            for (drive, &total) in drives {
                *drive = requantise(total, half);
            }
        }
        for (activity, &drive) in layer.activities.iter_mut().zip(layer.drives.iter()) {
            *activity = self.table[usize::from(drive as u16)];
        }
        for (state, activity) in layer.states.iter_mut().zip(layer.activities.iter()) {
            *state = activity.word() >> neurons.activity_shift;
        }
    }
}
