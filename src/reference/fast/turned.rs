//! Complex states: passes under a nudge off the real axis, and what synapses make of a point of the circle.

use super::numbers::{Block, Int, Numbers};
use super::{Engine, Seen, Synapses};
use crate::design::Design;
use crate::fixed_point::{Purpose, absorb, lane_bits, row_bits, step_key};
use crate::reference::counters::Counters;
use crate::reference::neuron::ComplexPull;
use crate::reference::turned::{Parts, TurnedInput, TurnedUnit};
use crate::reference::weights::column_keys;

/// Imaginary parts of the states, and what synapses see of them.
type Slot<N> = (Vec<i32>, Vec<Seen<<N as Numbers>::Activity>>);

/// What there is of the imaginary parts.
#[derive(Clone, Debug)]
pub(super) struct Imaginary<N: Numbers> {
    units: Vec<TurnedUnit>,
    pull: Option<ComplexPull>,
    /// States and drives of layers 1 to L.
    pub(super) states: Vec<i32>,
    pub(super) drives: Vec<i32>,
    /// What synapses see of the states.
    pub(super) now: Vec<Seen<N::Activity>>,
    slots: [Slot<N>; 2],
    /// Sums of the real parts, while those of the imaginary ones are made.
    totals: Vec<Vec<Block<N::Sum>>>,
}

impl<N: Numbers> Imaginary<N> {
    /// Of a design whose states are complex.
    pub(super) fn of(
        design: &Design,
        now: &[Seen<N::Activity>],
        totals: &[Vec<Block<N::Sum>>],
    ) -> Option<Self> {
        let neurons = design.neuron_count();
        design.is_complex().then(|| Imaginary {
            units: design.network.layers().map(|l| TurnedUnit::of(design, l)).collect(),
            pull: ComplexPull::needed(design),
            states: vec![0; neurons],
            drives: vec![0; neurons],
            now: now.to_vec(),
            slots: std::array::from_fn(|_| (vec![0; neurons], now.to_vec())),
            totals: totals.to_vec(),
        })
    }

    /// Keeps the present states.
    pub(super) fn save(&mut self, slot: usize) {
        self.slots[slot].0.clone_from(&self.states);
        self.slots[slot].1.clone_from(&self.now);
    }

    /// Goes back to saved ones.
    pub(super) fn load(&mut self, slot: usize) {
        self.states.clone_from(&self.slots[slot].0);
        self.now.clone_from(&self.slots[slot].1);
    }

    /// All of it zero, but for what is saved.
    pub(super) fn clear(&mut self) {
        self.states.fill(0);
        self.drives.fill(0);
        self.now.iter_mut().for_each(|seen| seen.activities.as_flattened_mut().fill(N::Activity::default()));
    }
}

impl<N: Numbers> Engine<'_, N> {
    /// One pass of complex states under the nudge of point `k`.
    pub(super) fn turn(&mut self, k: u32, label: u16, mut count: Option<&mut Counters>) {
        self.drive_from_input();
        self.sum_inputs(|_| true);
        let Some(mut parts) = self.imaginary.take() else { return };
        std::mem::swap(&mut self.totals, &mut parts.totals);
        std::mem::swap(&mut self.now, &mut parts.now);
        self.sum_imaginary();
        std::mem::swap(&mut self.now, &mut parts.now);
        let d = self.design;
        let (nudge_re, nudge_im) = d.nudge_at(k);
        for l in self.network.layers() {
            let key = |purpose| absorb(step_key(d.seed, purpose, self.sample, self.step), (l as u32) << 16);
            let [noise_key, drive, drive_im, state, state_im] = [
                Purpose::Noise,
                Purpose::Drive,
                Purpose::ImaginaryDrive,
                Purpose::State,
                Purpose::ImaginaryState,
            ]
            .map(key);
            let noise = self.noise.as_ref().filter(|_| d.has_noise(l));
            let shift = d.datapath.activity_shift[l];
            let re = parts.totals[l - 1].as_flattened();
            let im = self.totals[l - 1].as_flattened();
            for (i, at) in self.network.span(l).enumerate() {
                let random = |key| row_bits(key, i as u32);
                let turned = parts.units[l - 1].step(TurnedInput {
                    total: Parts {
                        re: re[i].wide() + noise.map_or(0, |noise| noise.at(random(noise_key))),
                        im: im[i].wide(),
                    },
                    state: Parts { re: self.states[at].into(), im: parts.states[at].into() },
                    target: i == usize::from(label),
                    nudge: Parts { re: nudge_re, im: nudge_im },
                    drive_random: (random(drive), random(drive_im)),
                    state_random: (random(state), random(state_im)),
                });
                let (drive, next) = (turned.drive.result(), turned.state.result());
                if let Some(count) = count.as_deref_mut().map(|c| &mut c.layers[l - 1]) {
                    for (of_drive, of_state) in [(drive.re, next.re), (drive.im, next.im)] {
                        count.drive.see(of_drive, turned.drive.over());
                        if !d.is_softmax(l) {
                            count.state.see(of_state, turned.state_over());
                        }
                    }
                }
                [self.drives[at], parts.drives[at]] = [drive.re, drive.im].map(|v| v as i32);
                if d.is_softmax(l) {
                    continue;
                }
                [self.states[at], parts.states[at]] = [next.re, next.im].map(|v| v as i32);
                let seen = |state: i64| N::Activity::wrap(state << shift);
                self.now[l - 1].activities.as_flattened_mut()[i] = seen(next.re);
                parts.now[l - 1].activities.as_flattened_mut()[i] = seen(next.im);
            }
        }
        self.pull_turned(&mut parts, label, (nudge_re, nudge_im), count);
        self.imaginary = Some(parts);
    }

    /// The pulls of a softmax read-out of complex drives, if there is one.
    fn pull_turned(
        &mut self,
        parts: &mut Imaginary<N>,
        label: u16,
        nudge: (i64, i64),
        count: Option<&mut Counters>,
    ) {
        let Some(pull) = &parts.pull else { return };
        let (d, l) = (self.design, self.network.depth());
        let outputs = self.network.span(l);
        let key = |purpose| absorb(step_key(d.seed, purpose, self.sample, self.step), (l as u32) << 16);
        let keys = (key(Purpose::State), key(Purpose::ImaginaryState));
        pull.states(
            (&self.drives[outputs.clone()], &parts.drives[outputs.clone()]),
            label,
            nudge,
            |i| (row_bits(keys.0, i as u32), row_bits(keys.1, i as u32)),
            (&mut self.states[outputs.clone()], &mut parts.states[outputs.clone()]),
        );
        let shift = d.datapath.activity_shift[l];
        let (re, im) = (&self.states[outputs.clone()], &parts.states[outputs]);
        if let Some(count) = count {
            re.iter().chain(im).for_each(|&s| count.layers[l - 1].state.see(s.into(), false));
        }
        for (states, seen) in [(re, &mut self.now[l - 1]), (im, &mut parts.now[l - 1])] {
            for (activity, &state) in seen.activities.as_flattened_mut().iter_mut().zip(states) {
                *activity = N::Activity::wrap(i64::from(state) << shift);
            }
        }
    }

    /// `Re(c_k post pre)` of every synapse of an active column is added up.
    pub(super) fn add_up_turned(&mut self, k: u32) {
        let Some(parts) = &self.imaginary else { return };
        let point = &self.design.datapath.rates[self.rates].points[k as usize];
        let one = 1i64 << self.design.datapath.activity_frac;
        for (l, s) in self.synapses.iter_mut().enumerate() {
            let Some((weights, bias)) = &mut s.sums else { continue };
            let (n_pre, n_post) = (self.network.neurons(l), self.network.neurons(l + 1));
            let (re, im) = (self.now[l].activities.as_flattened(), parts.now[l].activities.as_flattened());
            // The sums are proven to fit: whatever is beyond their bits comes to nothing.
            let add = |line: &mut [Block<N::Sum>], (c_re, c_im): (i64, i64), x: i64| {
                let (x_re, x_im) = (N::Sum::wrap(c_re * x), N::Sum::wrap(c_im * x));
                for (sum, (re, im)) in line.as_flattened_mut().iter_mut().zip(re.iter().zip(im)) {
                    *sum =
                        sum.plus(x_re.product(N::Sum::of(*re))).plus(x_im.product(N::Sum::of(*im)).negated());
                }
            };
            add(bias.line_mut(0), point.of(l + 1, true), one);
            let c = point.of(l + 1, false);
            if l == 0 {
                self.inputs.iter().for_each(|&(j, x)| add(weights.line_mut(j as usize), c, x.wide()));
                self.work.update += (self.inputs.len() * n_post) as u64;
                continue;
            }
            let pre = turned::<N>(c, &self.now[l - 1], &parts.now[l - 1]);
            for k in 0..n_post {
                let (post_re, post_im) = (N::Sum::of(re[k]), N::Sum::of(im[k]));
                for (sum, (re, im)) in weights.line_mut(k).as_flattened_mut().iter_mut().zip(&pre) {
                    let (re, im) = (N::Sum::wrap(*re), N::Sum::wrap(*im));
                    *sum = sum.plus(post_re.product(re)).plus(post_im.product(im).negated());
                }
            }
            self.work.update += (n_pre * n_post) as u64;
        }
    }

    /// `w <- w + requantise(Re(c_k post pre) - decay * w)` over every synapse of an active column.
    pub(super) fn learn_turned(&mut self, k: u32, mut count: Option<&mut Counters>) {
        self.base_valid = false;
        let Some(parts) = &self.imaginary else { return };
        let point = &self.design.datapath.rates[self.rates].points[k as usize];
        let one = 1i64 << self.design.datapath.activity_frac;
        let key = step_key(self.design.seed, Purpose::Weight, self.sample, self.step);
        for (l, s) in self.synapses.iter_mut().enumerate() {
            let connection = s.connection;
            let keys = column_keys(&connection, key, l + 1);
            let (re, im) = (self.now[l].activities.as_flattened(), parts.now[l].activities.as_flattened());
            let mut count = count.as_deref_mut().map(|c| &mut c.layers[l]);
            let mut learn = |s: &mut Synapses<N>, tap: usize, (x_re, x_im): (i64, i64)| {
                let (key, is_bias) = (keys(tap), tap == connection.taps());
                for row in 0..connection.rows() {
                    let contrast = x_re * re[row].wide() - x_im * im[row].wide();
                    let random = lane_bits(key, row as u32);
                    let (line, i) = s.lines.place(&connection, row, tap);
                    let (rule, weights) =
                        if is_bias { (&s.bias_rule, &mut s.bias) } else { (&s.rule, &mut s.weights) };
                    let weight = &mut weights.line_mut(line).as_flattened_mut()[i];
                    rule.apply(weight, contrast, random, count.as_deref_mut());
                    if let Some(way_back) = s.backward.as_mut().filter(|_| !is_bias) {
                        let weight = &mut way_back.line_mut(row).as_flattened_mut()[tap];
                        s.rule.apply(weight, contrast, random, count.as_deref_mut());
                    }
                }
            };
            let c = point.of(l + 1, false);
            if l == 0 {
                for &(j, x) in &self.inputs {
                    learn(s, j as usize, (c.0 * x.wide(), c.1 * x.wide()));
                }
            } else {
                let pre = turned::<N>(c, &self.now[l - 1], &parts.now[l - 1]);
                for (tap, &x) in pre[..connection.taps()].iter().enumerate() {
                    learn(s, tap, x);
                }
            }
            let c = point.of(l + 1, true);
            learn(s, connection.taps(), (c.0 * one, c.1 * one));
            self.work.update +=
                (self.network.visited_taps(l + 1, self.inputs.len()) * connection.rows()) as u64;
        }
    }
}

/// `c pre` of a layer.
fn turned<N: Numbers>(
    c: (i64, i64),
    real: &Seen<N::Activity>,
    imaginary: &Seen<N::Activity>,
) -> Vec<(i64, i64)> {
    let parts = real.activities.as_flattened().iter().zip(imaginary.activities.as_flattened());
    parts
        .map(|(re, im)| (re.wide(), im.wide()))
        .map(|(re, im)| (c.0 * re - c.1 * im, c.0 * im + c.1 * re))
        .collect()
}
