//! The specification, executable: phase programs in plain 64-bit integer loops. Slow and obvious.

use super::neuron::{NeuronInput, NeuronUnit, Pull};
use super::weights::backward_layer;
use super::{Observer, SampleEnd, StepView, Weights};
use crate::design::Design;
use crate::fixed_point::{Purpose, absorb, lane_bits, row_bits, step_key};
use crate::rules::{Lesson, Nudge, Op, Program, StateRef, Update, is_negative};

/// The model of one network: its weights and a sample counter.
#[derive(Clone, Debug)]
pub struct Golden<'d> {
    design: &'d Design,
    program: Program,
    units: Vec<NeuronUnit>,
    /// A softmax read-out.
    pull: Option<Pull>,
    /// The weights.
    pub weights: Weights,
    /// Contrasts added up over a batch, in the shape of the forward weights; empty where a batch is one sample.
    sums: Vec<Vec<i64>>,
    /// Samples seen: keys the random bits.
    pub sample: u32,
}

/// State vectors of one sample. `None` stands for the reset state, all zero.
struct Bench {
    now: Vec<i32>,
    previous: Vec<i32>,
    slots: [Vec<i32>; 2],
    drives: Vec<i32>,
    step: u32,
    rates: usize,
}

impl<'d> Golden<'d> {
    /// A model with these weights.
    pub fn new(design: &'d Design, weights: Weights) -> Self {
        let units = (1..design.sizes.len()).map(|l| NeuronUnit::of(design, l)).collect();
        Golden {
            design,
            program: Program::of(design),
            pull: design.is_softmax(design.output_layer()).then(|| Pull::of(design)),
            units,
            sums: if design.is_batched() {
                weights.layers[..design.output_layer()].iter().map(|w| vec![0; w.raw.len()]).collect()
            } else {
                Vec::new()
            },
            weights,
            sample: 0,
        }
    }

    /// Runs one sample through the training or the inference program and returns the prediction.
    pub fn run(
        &mut self,
        input: &[i32],
        label: u16,
        lesson: impl Into<Lesson>,
        observer: &mut impl Observer,
    ) -> u16 {
        let lesson = lesson.into();
        let neurons = self.design.neuron_count();
        let mut b = Bench {
            now: vec![0; neurons],
            previous: vec![0; neurons],
            slots: [vec![0; neurons], vec![0; neurons]],
            drives: vec![0; neurons],
            step: 0,
            rates: lesson.rates(),
        };
        let active: Vec<u32> = (0..input.len() as u32).filter(|&j| input[j as usize] != 0).collect();
        let ops = self.program.ops(lesson).to_vec();
        let mut prediction = 0;
        for op in ops {
            match op {
                Op::Relax { passes, nudge, plasticity } => {
                    for t in 0..passes {
                        // The contrast of step t - 1 is applied at the head of step t's pass: synapses first, then
                        // the new weights make the drives (algorithms.md 2.1).
                        let update = plasticity.filter(|_| t > 0);
                        if let Some(update) = update {
                            self.learn(input, &active, &b, update);
                        }
                        self.relax(input, label, nudge, t, &mut b);
                        observer.step(self.view(&b, &active, true, update.is_some()));
                        b.step += 1;
                    }
                    if let Some(update) = plasticity {
                        self.learn_pass(input, &active, &mut b, update, observer);
                    }
                }
                Op::Save { slot } => b.slots[slot] = b.now.clone(),
                Op::Load { slot } => b.now = b.slots[slot].clone(),
                Op::Learn(update) if self.design.is_batched() => {
                    self.add_up(input, &active, &b, update);
                    observer.step(self.view(&b, &active, false, false));
                    b.step += 1;
                }
                Op::Learn(update) => self.learn_pass(input, &active, &mut b, update, observer),
                Op::Apply => {
                    self.apply(&b);
                    let all: Vec<u32> = (0..input.len() as u32).collect();
                    observer.step(self.view(&b, &all, false, true));
                    b.step += 1;
                }
                Op::Read => {
                    let readout = if self.pull.is_some() { &b.drives } else { &b.now };
                    let outputs = &readout[neurons - self.design.classes()..];
                    prediction = (0..outputs.len()).rev().max_by_key(|&i| outputs[i]).unwrap_or(0) as u16;
                }
            }
        }
        observer.sample_end(SampleEnd { sample: self.sample, prediction, label });
        self.sample = self.sample.wrapping_add(1);
        prediction
    }

    fn learn_pass(
        &mut self,
        input: &[i32],
        active: &[u32],
        b: &mut Bench,
        update: Update,
        observer: &mut impl Observer,
    ) {
        self.learn(input, active, b, update);
        observer.step(self.view(b, active, false, true));
        b.step += 1;
    }

    fn view<'a>(&'a self, b: &'a Bench, active: &'a [u32], relaxed: bool, learned: bool) -> StepView<'a> {
        StepView {
            step: b.step,
            relaxed,
            learned,
            states: &b.now,
            drives: &b.drives,
            weights: &self.weights,
            active_inputs: active,
        }
    }

    /// First index of layer `l` in a state vector.
    fn base(&self, l: usize) -> usize {
        self.design.sizes[1..l].iter().sum()
    }

    /// Activity of neuron `i` of layer `l` on the common grid; layer 0 is the clamped input.
    fn activity(&self, input: &[i32], states: &[i32], l: usize, i: usize) -> i64 {
        let raw = if l == 0 {
            i64::from(input[i])
        } else {
            self.units[l - 1].activity(i64::from(states[self.base(l) + i]))
        };
        raw << self.design.datapath.activity_shift[l]
    }

    /// One pass: a time step of the layers that move in it (algorithms.md 1.1, 1.2). The others' drives are formed, too,
    /// but change nothing.
    fn relax(&self, input: &[i32], label: u16, nudge: Nudge, pass: u32, b: &mut Bench) {
        let d = self.design;
        let p = &d.datapath;
        let layers = d.output_layer();
        let key = |purpose| step_key(d.seed, purpose, self.sample, b.step);
        let sign = nudge.sign(is_negative(d.seed, self.sample));
        let mut next = vec![0; b.now.len()];
        for l in 1..=layers {
            let w = &self.weights.layers[l - 1];
            let column_key = |purpose| absorb(key(purpose), (l as u32) << 16);
            for i in 0..d.sizes[l] {
                let bias = i64::from(w.get(i, d.sizes[l - 1]) >> p.dropped_bits);
                let mut total = bias << (p.activity_frac as u32 + p.bias_shift[l - 1]);
                for j in 0..d.sizes[l - 1] {
                    let read = i64::from(w.get(i, j) >> p.dropped_bits);
                    total += (read * self.activity(input, &b.now, l - 1, j)) << p.weight_shift[l - 1];
                }
                if l < layers {
                    let way_back = if d.has_separate_feedback() { backward_layer(d, l + 1) } else { l + 1 };
                    let up = &self.weights.layers[way_back - 1];
                    for k in 0..d.sizes[l + 1] {
                        let read = i64::from(up.get(k, i) >> p.dropped_bits);
                        total += (read * self.activity(input, &b.now, l + 1, k)) << p.weight_shift[l];
                    }
                }
                let at = self.base(l) + i;
                let (drive, state) = self.units[l - 1].step(NeuronInput {
                    total,
                    state: i64::from(b.now[at]),
                    target: i == usize::from(label),
                    nudge: sign,
                    rest: d.order.holds(pass, l),
                    drive_random: row_bits(column_key(Purpose::Drive), i as u32),
                    state_random: row_bits(column_key(Purpose::State), i as u32),
                });
                b.drives[at] = drive as i32;
                next[at] = state as i32;
            }
        }
        if let Some(pull) = self.pull.as_ref().filter(|_| !d.order.holds(pass, layers)) {
            let outputs = self.base(layers)..b.now.len();
            let random = |i: usize| row_bits(absorb(key(Purpose::State), (layers as u32) << 16), i as u32);
            pull.states(&b.drives[outputs.clone()], label, sign, random, &mut next[outputs]);
        }
        b.previous = std::mem::replace(&mut b.now, next);
    }

    /// `w <- w + requantise(rate * contrast - decay * w)` over every synapse, and over those of the way back where they
    /// are separate: they lie beside the forward ones and share their random bits.
    fn learn(&mut self, input: &[i32], active: &[u32], b: &Bench, update: Update) {
        self.learn_one_way(input, active, b, update, false);
        if self.design.has_separate_feedback() {
            self.learn_one_way(input, active, b, update, true);
        }
    }

    fn learn_one_way(&mut self, input: &[i32], active: &[u32], b: &Bench, update: Update, back: bool) {
        let d = self.design;
        let p = &d.datapath;
        let states = |r| match r {
            StateRef::Now => &b.now,
            StateRef::Previous => &b.previous,
            StateRef::Slot(k) => &b.slots[k],
        };
        let negative = update.by_sample && is_negative(d.seed, self.sample);
        let c = if back { update.backward } else { update.forward };
        let rates = &p.rates[b.rates];
        let key = step_key(d.seed, Purpose::Weight, self.sample, b.step);
        for l in if back { 2 } else { 1 }..=d.output_layer() {
            let (n_post, n_pre) = (d.sizes[l], d.sizes[l - 1]);
            // The column of a zero input is not visited: its contrast is zero. (Nor does it decay.)
            let columns: Vec<usize> =
                if l == 1 { active.iter().map(|&j| j as usize).collect() } else { (0..n_pre).collect() };
            // There is no bias on the way back.
            for j in columns.into_iter().chain((!back).then_some(n_pre)) {
                let is_bias = j == n_pre;
                let column_key = absorb(key, (l as u32) << 16 | j as u32);
                let pre = |s: &[i32]| {
                    if is_bias { 1 << p.activity_frac } else { self.activity(input, s, l - 1, j) }
                };
                let (pre_a, pre_b) = (pre(states(c.pre_a)), pre(states(c.pre_b)));
                let rate = rates.of(l, is_bias);
                let rate = if negative { -rate } else { rate };
                let format = if is_bias { d.synapses[l - 1].bias } else { d.synapses[l - 1].weight };
                for i in 0..n_post {
                    let contrast = self.activity(input, states(c.post_a), l, i) * pre_a
                        - self.activity(input, states(c.post_b), l, i) * pre_b;
                    let random = lane_bits(column_key, i as u32);
                    let layer = &mut self.weights.layers[if back { backward_layer(d, l) } else { l } - 1];
                    let at = layer.at(i, j);
                    let decay = (d.weight_decay.raw * i64::from(layer.raw[at])) << p.decay_shift;
                    let increment =
                        d.weight_modes.rounding.apply(rate * contrast - decay, p.update_shift, random);
                    layer.raw[at] =
                        d.weight_modes.overflow.apply(i64::from(layer.raw[at]) + increment, format) as i32;
                }
            }
        }
    }

    /// `sum <- sum + contrast` over every synapse of an active column; both ways back and forth share it.
    fn add_up(&mut self, input: &[i32], active: &[u32], b: &Bench, update: Update) {
        let d = self.design;
        let states = |r| match r {
            StateRef::Now => &b.now,
            StateRef::Previous => &b.previous,
            StateRef::Slot(k) => &b.slots[k],
        };
        let sign = if update.by_sample && is_negative(d.seed, self.sample) { -1 } else { 1 };
        let c = update.forward;
        for l in 1..=d.output_layer() {
            let n_pre = d.sizes[l - 1];
            let columns: Vec<usize> =
                if l == 1 { active.iter().map(|&j| j as usize).collect() } else { (0..n_pre).collect() };
            for j in columns.into_iter().chain([n_pre]) {
                let pre = |s: &[i32]| {
                    if j == n_pre { 1 << d.datapath.activity_frac } else { self.activity(input, s, l - 1, j) }
                };
                let (pre_a, pre_b) = (pre(states(c.pre_a)), pre(states(c.pre_b)));
                for i in 0..d.sizes[l] {
                    let contrast = self.activity(input, states(c.post_a), l, i) * pre_a
                        - self.activity(input, states(c.post_b), l, i) * pre_b;
                    self.sums[l - 1][self.weights.layers[l - 1].at(i, j)] += sign * contrast;
                }
            }
        }
    }

    /// `w <- w + requantise(rate * sum - decay * w); sum <- 0` over every synapse, those of zero inputs included.
    fn apply(&mut self, b: &Bench) {
        let d = self.design;
        let p = &d.datapath;
        let rates = &p.rates[b.rates];
        let key = step_key(d.seed, Purpose::Weight, self.sample, b.step);
        for l in 1..=d.output_layer() {
            let n_pre = d.sizes[l - 1];
            for j in 0..=n_pre {
                let is_bias = j == n_pre;
                let column_key = absorb(key, (l as u32) << 16 | j as u32);
                let rate = rates.of(l, is_bias);
                let format = if is_bias { d.synapses[l - 1].bias } else { d.synapses[l - 1].weight };
                for i in 0..d.sizes[l] {
                    let at = self.weights.layers[l - 1].at(i, j);
                    let gradient = rate * std::mem::take(&mut self.sums[l - 1][at]);
                    let random = lane_bits(column_key, i as u32);
                    let back = (d.has_separate_feedback() && l > 1 && !is_bias).then(|| backward_layer(d, l));
                    for layer in [Some(l), back].into_iter().flatten() {
                        let w = &mut self.weights.layers[layer - 1].raw[at];
                        let decay = (d.weight_decay.raw * i64::from(*w)) << p.decay_shift;
                        let increment =
                            d.weight_modes.rounding.apply(gradient - decay, p.update_shift, random);
                        *w = d.weight_modes.overflow.apply(i64::from(*w) + increment, format) as i32;
                    }
                }
            }
        }
    }
}
