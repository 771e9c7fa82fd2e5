//! The model that trains: the integers of [`golden`](super::golden), by vector kernels.
//!
//! What makes it fast, none of which changes a bit: operands as narrow as the interval analysis allows; lines of zero
//! inputs and blocks of resting neurons are not touched; the drive of the clamped input is computed once per change
//! of the weights; activations are read from a table indexed by the drive; passes of a phase that has settled are not
//! made.

mod matrix;
mod neurons;
mod numbers;
mod short;
mod update;

use super::counters::{Counters, LayerCounters};
use super::neuron::Pull;
use super::weights::{LayerWeights, backward_layer, shapes};
use super::{Observer, SampleEnd, StepView, WeightSource, Weights};
use crate::design::{Design, Modes};
use crate::fixed_point::{Purpose, Rounding, absorb, lane_bits, row_bits, step_key};
use crate::rules::{Contrast, Lesson, Nudge, Op, Program, StateRef, Update, is_negative};
use matrix::{Matrix, Reading};
use neurons::{Layer, Moment, Neurons};
use numbers::{Block, Int, LANES, Long, Middle, Narrow, Numbers, Wide, Width, blocks, burst};
use short::Forward;
use update::{Differences, Pair, Rule};

/// Multiply-accumulates of the passes so far: those of the hardware, whose zero inputs and padding lanes do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Weight times pre-synaptic activity.
    pub forward: u64,
    /// Weight times post-synaptic activity.
    pub transposed: u64,
    /// Weight updates.
    pub update: u64,
    /// Of all these, products and updates that were not executed: no activity had changed, so nothing else would.
    pub unchanged: u64,
}

impl Work {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.forward + self.transposed + self.update
    }

    /// What came after an earlier reading.
    pub fn since(&self, earlier: Work) -> Work {
        Work {
            forward: self.forward - earlier.forward,
            transposed: self.transposed - earlier.transposed,
            update: self.update - earlier.update,
            unchanged: self.unchanged - earlier.unchanged,
        }
    }

    /// The same so many times, none of it executed.
    fn spared(self, times: u32) -> Work {
        let times = u64::from(times);
        Work {
            forward: self.forward * times,
            transposed: self.transposed * times,
            update: self.update * times,
            unchanged: self.total() * times,
        }
    }

    /// Both together.
    pub fn plus(&self, other: Work) -> Work {
        Work {
            forward: self.forward + other.forward,
            transposed: self.transposed + other.transposed,
            update: self.update + other.update,
            unchanged: self.unchanged + other.unchanged,
        }
    }
}

/// The model of one network.
#[derive(Clone, Debug)]
pub struct Network<'d> {
    engine: Engines<'d>,
}

#[derive(Clone, Debug)]
enum Engines<'d> {
    Narrow(Engine<'d, Narrow>),
    Long(Engine<'d, Long>),
    Middle(Engine<'d, Middle>),
    Wide(Engine<'d, Wide>),
}

macro_rules! each {
    ($self:expr, $engine:ident => $body:expr) => {
        match $self {
            Engines::Narrow($engine) => $body,
            Engines::Long($engine) => $body,
            Engines::Middle($engine) => $body,
            Engines::Wide($engine) => $body,
        }
    };
}

impl<'d> Network<'d> {
    /// A model with these weights.
    pub fn new(design: &'d Design, weights: &Weights) -> Self {
        let engine = match Width::of(design) {
            Width::Narrow => Engines::Narrow(Engine::new(design, weights)),
            Width::Long => Engines::Long(Engine::new(design, weights)),
            Width::Middle => Engines::Middle(Engine::new(design, weights)),
            Width::Wide => Engines::Wide(Engine::new(design, weights)),
        };
        Network { engine }
    }

    /// Runs one sample through the training or the inference program and returns the prediction.
    ///
    /// `input` holds one raw value of the design's input format per input neuron.
    pub fn run(
        &mut self,
        input: &[i32],
        label: u16,
        lesson: impl Into<Lesson>,
        observer: &mut impl Observer,
    ) -> u16 {
        let lesson = lesson.into();
        each!(&mut self.engine, e => e.run(input, label, lesson, observer, None))
    }

    /// As [`run`](Self::run), and takes note of ranges and saturations; same bits, several times slower.
    pub fn run_counted(
        &mut self,
        input: &[i32],
        label: u16,
        lesson: impl Into<Lesson>,
        observer: &mut impl Observer,
        counters: &mut Counters,
    ) -> u16 {
        let lesson = lesson.into();
        counters.samples += 1;
        each!(&mut self.engine, e => e.run(input, label, lesson, observer, Some(counters)))
    }

    /// The weights, in the exchange form.
    pub fn weights(&self) -> Weights {
        each!(&self.engine, e => e.weights())
    }

    /// Samples seen: keys the random bits.
    pub fn sample(&self) -> u32 {
        each!(&self.engine, e => e.sample)
    }

    /// Sets the number of the next sample.
    pub fn set_sample(&mut self, sample: u32) {
        each!(&mut self.engine, e => e.sample = sample);
    }

    /// What has been executed since the model was made.
    pub fn work(&self) -> Work {
        each!(&self.engine, e => e.work)
    }

    /// The kernels in use, for people: operands and sums, and how the first layer learns.
    pub fn kernels(&self) -> (&'static str, &'static str) {
        let arithmetic = match &self.engine {
            Engines::Narrow(_) => "16-bit operands, 32-bit sums",
            Engines::Long(_) => "16-bit operands, 64-bit sums of 32-bit bursts",
            Engines::Middle(_) => "32-bit operands, 32-bit sums",
            Engines::Wide(_) => "32-bit operands, 64-bit sums",
        };
        (arithmetic, each!(&self.engine, e => e.first_update()))
    }
}

/// Activities of layers 1 to L on the common grid; lanes beyond a layer are zero.
type Activities<N> = Vec<Vec<Block<<N as Numbers>::Activity>>>;

/// One term of a contrast: post-synaptic activities, pre-synaptic activities.
type Term<'a, N> = (&'a Activities<N>, &'a Activities<N>);

/// A saved state vector.
#[derive(Clone, Debug)]
struct Slot<N: Numbers> {
    states: Vec<i32>,
    activities: Activities<N>,
}

/// Synapses below one layer of neurons.
#[derive(Clone, Debug)]
struct Synapses<N: Numbers> {
    /// Layer 1: a line per input. Others: a line per post-synaptic neuron.
    weights: Matrix<N::Stored>,
    /// The way back, where it has weights of its own: a line per post-synaptic neuron.
    backward: Option<Matrix<N::Stored>>,
    /// One line, over the post-synaptic neurons.
    bias: Matrix<N::Stored>,
    rule: Rule,
    bias_rule: Rule,
    weight_shift: u32,
    bias_shift: u32,
    /// Contrasts added up over a batch: of the weights, of the biases.
    sums: Option<(Matrix<i32>, Matrix<i32>)>,
}

/// What a pass began with.
#[derive(Clone, Debug, Default)]
struct Before {
    states: Vec<i32>,
    drives: Vec<i32>,
    work: Work,
}

/// Whether a phase goes in a circle. Two steps bring back the states of a settled network, and those of one that goes to
/// and fro between two; they will do so for ever, while weights and nudge stay as they are and nothing is drawn at
/// random. The hardware makes those passes, the model need not.
#[derive(Clone, Debug)]
struct Circle {
    /// States, drives and work before each of the last passes.
    before: Vec<Before>,
    /// Passes since weights and nudge are what they are.
    passes: usize,
}

impl Circle {
    /// None where states or drives are drawn.
    fn of(design: &Design) -> Option<Circle> {
        let drawn = |m: Modes| m.rounding == Rounding::Stochastic;
        let length = design.order.passes(2) as usize;
        let random = drawn(design.state_modes) || drawn(design.drive_modes);
        (!random).then(|| Circle { before: vec![Before::default(); length], passes: 0 })
    }

    /// A pass begins at these states; the last one had these drives.
    fn leave(&mut self, states: &[i32], drives: &[i32], work: Work) {
        let at = self.passes % self.before.len();
        let before = &mut self.before[at];
        for (kept, seen) in [(&mut before.states, states), (&mut before.drives, drives)] {
            kept.clear();
            kept.extend_from_slice(seen);
        }
        before.work = work;
        self.passes += 1;
    }

    /// Passes that lead back to these states, and their work.
    fn closed(&self, states: &[i32], work: Work) -> Option<(u32, Work)> {
        let length = self.before.len();
        let then = &self.before[self.passes % length];
        (self.passes >= length && then.states == states).then(|| (length as u32, work.since(then.work)))
    }
}

#[derive(Clone, Debug)]
struct Engine<'d, N: Numbers> {
    design: &'d Design,
    program: Program,
    sizes: &'d [usize],
    reading: Reading,
    synapses: Vec<Synapses<N>>,
    neurons: Vec<Neurons<N::Activity>>,
    /// A softmax read-out.
    pull: Option<Pull>,
    sample: u32,
    /// The set of learning rates that the updates' forms are for.
    rates: usize,
    work: Work,
    // The state of a sample; buffers live as long as the engine.
    step: u32,
    active_inputs: Vec<u32>,
    inputs: Vec<(u32, N::Activity)>,
    states: Vec<i32>,
    circle: Option<Circle>,
    drives: Vec<i32>,
    now: Activities<N>,
    previous: Activities<N>,
    slots: [Slot<N>; 2],
    totals: Vec<Vec<Block<N::Sum>>>,
    /// Drive of the clamped input, and the same plus biases; valid while `base_valid`.
    input_drive: Vec<Block<N::Sum>>,
    base: Vec<Block<N::Sum>>,
    base_valid: bool,
    rows: Vec<(u32, N::Activity)>,
    differences: Differences,
    /// How the first layer learns in 16-bit lanes, if it can.
    short: Option<short::Form>,
    pass: short::Pass,
    column_keys: Vec<Block<u32>>,
}

impl<'d, N: Numbers> WeightSource for Engine<'d, N> {
    fn lanes(&self, layer: usize, column: usize, first_row: usize, out: &mut [i32]) {
        let (l, back) = match layer.checked_sub(self.synapses.len()) {
            Some(back) if back > 0 => (back + 1, true),
            _ => (layer, false),
        };
        let s = &self.synapses[l - 1];
        for (row, lane) in (first_row..).zip(out) {
            *lane = if row >= self.sizes[l] {
                0
            } else if back {
                let way_back = s.backward.as_ref().filter(|_| column < self.sizes[l - 1]);
                way_back.map_or(0, |w| w.get(row, column))
            } else if column == self.sizes[l - 1] {
                s.bias.get(0, row)
            } else if l == 1 {
                s.weights.get(column, row)
            } else {
                s.weights.get(row, column)
            };
        }
    }
}

impl<'d, N: Numbers> Engine<'d, N> {
    fn new(design: &'d Design, weights: &Weights) -> Self {
        let sizes = &design.sizes[..];
        let p = &design.datapath;
        let synapses = (1..sizes.len()).map(|l| {
            let w = &weights.layers[l - 1];
            Synapses {
                weights: if l == 1 {
                    Matrix::build(sizes[0], sizes[1], |column, row| w.get(row, column))
                } else {
                    Matrix::build(sizes[l], sizes[l - 1], |row, column| w.get(row, column))
                },
                backward: (l > 1 && design.has_separate_feedback()).then(|| {
                    let w = &weights.layers[backward_layer(design, l) - 1];
                    Matrix::build(sizes[l], sizes[l - 1], |row, column| w.get(row, column))
                }),
                bias: Matrix::build(1, sizes[l], |_, row| w.get(row, sizes[l - 1])),
                rule: Rule::of(design, l, false, 0),
                bias_rule: Rule::of(design, l, true, 0),
                weight_shift: p.weight_shift[l - 1],
                bias_shift: p.activity_frac as u32 + p.bias_shift[l - 1],
                sums: design.is_batched().then(|| {
                    let (lines, length) =
                        if l == 1 { (sizes[0], sizes[1]) } else { (sizes[l], sizes[l - 1]) };
                    (Matrix::build(lines, length, |_, _| 0), Matrix::build(1, sizes[l], |_, _| 0))
                }),
            }
        });
        let synapses: Vec<Synapses<N>> = synapses.collect();
        let short = short::Form::of(design, &synapses[0].rule);
        let sum_bits = 8 * size_of::<N::Sum>() as u32;
        let activities: Activities<N> = sizes[1..].iter().map(|&n| blocks(n)).collect();
        let states = vec![0; design.neuron_count()];
        let slot = Slot { states: states.clone(), activities: activities.clone() };
        let widest = sizes.iter().copied().max().unwrap_or(0);
        Engine {
            design,
            program: Program::of(design),
            sizes,
            reading: Reading { dropped: p.dropped_bits, burst: burst(design) },
            synapses,
            neurons: (1..sizes.len()).map(|l| Neurons::of(design, l, sum_bits)).collect(),
            pull: design.is_softmax(design.output_layer()).then(|| Pull::of(design)),
            rates: 0,
            sample: 0,
            work: Work::default(),
            step: 0,
            active_inputs: Vec::new(),
            inputs: Vec::new(),
            drives: states.clone(),
            circle: Circle::of(design),
            states,
            now: activities.clone(),
            previous: activities,
            slots: [slot.clone(), slot],
            totals: sizes[1..].iter().map(|&n| blocks(n)).collect(),
            input_drive: blocks(sizes[1]),
            base: blocks(sizes[1]),
            base_valid: false,
            rows: Vec::new(),
            differences: Differences::default(),
            short,
            pass: short::Pass::default(),
            column_keys: blocks(widest),
        }
    }

    fn first_update(&self) -> &'static str {
        let short = self.short.as_ref().filter(|_| N::SHORT);
        short.map_or_else(|| self.synapses[0].rule.describe(), short::Form::describe)
    }

    fn weights(&self) -> Weights {
        let layer = |(l, (rows, columns)): (usize, (usize, usize))| {
            let mut w = LayerWeights::zero(rows, columns);
            for column in 0..w.columns {
                for row in 0..w.rows {
                    let at = w.at(row, column);
                    w.raw[at] = self.weight(l, row, column);
                }
            }
            w
        };
        Weights { layers: (1..).zip(shapes(self.design)).map(layer).collect() }
    }

    fn run<O: Observer>(
        &mut self,
        input: &[i32],
        label: u16,
        lesson: Lesson,
        observer: &mut O,
        mut count: Option<&mut Counters>,
    ) -> u16 {
        self.learn_at(lesson.rates());
        self.reset(input);
        let ops = self.program.ops(lesson).to_vec();
        let mut prediction = 0;
        for &op in &ops {
            match op {
                Op::Relax { passes, nudge, plasticity } => {
                    self.leave_circle();
                    let mut t = 0;
                    while t < passes {
                        let update = plasticity.filter(|_| t > 0);
                        if let Some(update) = update {
                            self.learn(update, true, count.as_deref_mut());
                        }
                        self.relax::<O>(nudge, label, t, count.as_deref_mut());
                        self.show(observer, true, update.is_some());
                        t += 1 + self.skip_circles(passes - t - 1, observer);
                    }
                    if let Some(update) = plasticity {
                        self.learn(update, false, count.as_deref_mut());
                        self.show(observer, false, true);
                    }
                }
                Op::Save { slot } => {
                    self.slots[slot].states.clone_from(&self.states);
                    self.slots[slot].activities.clone_from(&self.now);
                }
                Op::Load { slot } => {
                    self.states.clone_from(&self.slots[slot].states);
                    self.now.clone_from(&self.slots[slot].activities);
                }
                Op::Learn(update) if self.design.is_batched() => {
                    self.add_up(update);
                    self.show(observer, false, false);
                }
                Op::Apply => {
                    self.apply(count.as_deref_mut());
                    self.active_inputs = (0..self.sizes[0] as u32).collect();
                    self.show(observer, false, true);
                }
                Op::Learn(update) => {
                    self.learn(update, false, count.as_deref_mut());
                    self.show(observer, false, true);
                }
                Op::Read => {
                    let readout = if self.pull.is_some() { &self.drives } else { &self.states };
                    let outputs = &readout[readout.len() - self.design.classes()..];
                    prediction = (0..outputs.len()).rev().max_by_key(|&i| outputs[i]).unwrap_or(0) as u16;
                }
            }
        }
        observer.sample_end(SampleEnd { sample: self.sample, prediction, label });
        self.sample = self.sample.wrapping_add(1);
        prediction
    }

    /// Weights or nudge are others now.
    fn leave_circle(&mut self) {
        if let Some(circle) = &mut self.circle {
            circle.passes = 0;
        }
    }

    /// Of so many passes to come, those that lead nowhere.
    fn skip_circles<O: Observer>(&mut self, passes: u32, observer: &mut O) -> u32 {
        let closed = self.circle.as_ref().and_then(|c| c.closed(&self.states, self.work));
        let Some((length, work)) = closed else { return 0 };
        let rounds = passes / length;
        self.work = self.work.plus(work.spared(rounds));
        if O::WATCHES && rounds > 0 {
            self.show_circle(rounds, observer);
        } else {
            self.step += rounds * length;
        }
        rounds * length
    }

    /// Shows the passes that lead nowhere, so many times round.
    fn show_circle<O: Observer>(&mut self, rounds: u32, observer: &mut O) {
        let Some(circle) = self.circle.take() else { return };
        let (states, drives) = (self.states.clone(), self.drives.clone());
        for _ in 0..rounds {
            for ahead in 1..circle.before.len() {
                let shown = &circle.before[(circle.passes + ahead) % circle.before.len()];
                self.states.clone_from(&shown.states);
                self.drives.clone_from(&shown.drives);
                self.show(observer, true, false);
            }
            self.states.clone_from(&states);
            self.drives.clone_from(&drives);
            self.show(observer, true, false);
        }
        self.circle = Some(circle);
    }

    /// Takes the updates' forms of a set of rates.
    fn learn_at(&mut self, rates: usize) {
        if rates == self.rates {
            return;
        }
        self.rates = rates;
        for (l, synapses) in (1..).zip(&mut self.synapses) {
            synapses.rule = Rule::of(self.design, l, false, rates);
            synapses.bias_rule = Rule::of(self.design, l, true, rates);
        }
        self.short = short::Form::of(self.design, &self.synapses[0].rule);
    }

    /// All states zero, a new input.
    fn reset(&mut self, input: &[i32]) {
        self.step = 0;
        self.base_valid = false;
        self.active_inputs.clear();
        self.active_inputs.extend((0..).zip(input).filter(|&(_, &x)| x != 0).map(|(j, _)| j));
        let shift = self.design.datapath.activity_shift[0];
        self.inputs.clear();
        self.inputs.extend(
            self.active_inputs.iter().map(|&j| (j, N::Activity::wrap(i64::from(input[j as usize]) << shift))),
        );
        self.states.fill(0);
        self.drives.fill(0);
        // At reset the states are zero, yet what synapses see of them is `rho(0)` under energy-based dynamics.
        for (l, neurons) in self.neurons.iter().enumerate() {
            let rest = neurons.resting_activity();
            let fill = |v: &mut Vec<Block<N::Activity>>| v.as_flattened_mut()[..self.sizes[l + 1]].fill(rest);
            fill(&mut self.now[l]);
            fill(&mut self.previous[l]);
            self.slots.iter_mut().for_each(|s| fill(&mut s.activities[l]));
        }
        self.slots.iter_mut().for_each(|s| s.states.fill(0));
    }

    /// Shows a finished step and begins the next one.
    fn show<O: Observer>(&mut self, observer: &mut O, relaxed: bool, learned: bool) {
        if O::WATCHES {
            observer.step(StepView {
                step: self.step,
                relaxed,
                learned,
                states: &self.states,
                drives: &self.drives,
                weights: &*self,
                active_inputs: &self.active_inputs,
            });
        }
        self.step += 1;
    }

    /// One pass: a time step of the layers that move in it.
    fn relax<O: Observer>(&mut self, nudge: Nudge, label: u16, pass: u32, mut count: Option<&mut Counters>) {
        self.drive_from_input();
        if let Some(circle) = self.circle.as_mut().filter(|_| count.is_none()) {
            circle.leave(&self.states, &self.drives, self.work);
        }
        let order = self.design.order;
        // Drives of resting layers change nothing; a softmax reads its own.
        let all = O::WATCHES || self.pull.is_some();
        self.sum_inputs(|l| all || !order.holds(pass, l));
        std::mem::swap(&mut self.now, &mut self.previous);
        let moment = Moment {
            seed: self.design.seed,
            sample: self.sample,
            step: self.step,
            nudge: nudge.sign(is_negative(self.design.seed, self.sample)),
            label,
        };
        let mut at = 0;
        for (l, neurons) in self.neurons.iter().enumerate() {
            let n = self.sizes[l + 1];
            if order.holds(pass, l + 1) {
                if all {
                    let totals = &self.totals[l].as_flattened()[..n];
                    neurons.drives(moment, totals, &self.states[at..at + n], &mut self.drives[at..at + n]);
                }
                self.now[l].clone_from(&self.previous[l]);
                at += n;
                continue;
            }
            let layer = Layer {
                totals: &self.totals[l].as_flattened()[..n],
                drives: &mut self.drives[at..at + n],
                states: &mut self.states[at..at + n],
                activities: &mut self.now[l].as_flattened_mut()[..n],
            };
            neurons.step(moment, layer, count.as_deref_mut().map(|c| &mut c.layers[l]));
            at += n;
        }
        let l = self.sizes.len() - 1;
        if let Some(pull) = self.pull.as_ref().filter(|_| !order.holds(pass, l)) {
            let outputs = at - self.sizes[l]..at;
            let key = step_key(moment.seed, Purpose::State, moment.sample, moment.step);
            let random = |i: usize| row_bits(absorb(key, (l as u32) << 16), i as u32);
            let states = &mut self.states[outputs.clone()];
            pull.states(&self.drives[outputs], label, moment.nudge, random, states);
            if let Some(count) = count {
                states.iter().for_each(|&s| count.layers[l - 1].state.see(s.into(), false));
            }
            let shift = self.design.datapath.activity_shift[l];
            for (activity, &state) in self.now[l - 1].as_flattened_mut().iter_mut().zip(&*states) {
                *activity = N::Activity::wrap(i64::from(state) << shift);
            }
        }
    }

    /// What the clamped input drives layer 1 with, if weights have changed.
    fn drive_from_input(&mut self) {
        if self.base_valid {
            return;
        }
        let s = &self.synapses[0];
        self.input_drive.as_flattened_mut().fill(N::Sum::default());
        N::combine(&s.weights, self.reading, &self.inputs, s.weight_shift, &mut self.input_drive);
        set_base(s, self.reading.dropped, &self.input_drive, &mut self.base);
        self.work.forward += (self.inputs.len() * self.sizes[1]) as u64;
        self.base_valid = true;
    }

    /// `totals` from `now`: biases, forward and transposed products of the layers (from 1) whose drives are needed.
    fn sum_inputs(&mut self, needed: impl Fn(usize) -> bool) {
        self.totals[0].copy_from_slice(&self.base);
        for l in 1..self.synapses.len() {
            let s = &self.synapses[l];
            let (below, above) = self.totals.split_at_mut(l);
            if needed(l + 1) {
                set_biases(&s.bias, s.bias_shift, self.reading.dropped, &mut above[0]);
                let sums = above[0].as_flattened_mut();
                N::dots(&s.weights, self.reading, &self.now[l - 1], s.weight_shift, sums);
            } else {
                self.work.unchanged += (self.sizes[l] * self.sizes[l + 1]) as u64;
            }
            self.rows.clear();
            let activities = self.now[l].as_flattened()[..self.sizes[l + 1]].iter();
            self.rows.extend(
                (0..).zip(activities).filter(|&(_, &a)| a != N::Activity::default()).map(|(k, &a)| (k, a)),
            );
            if needed(l) {
                let way_back = s.backward.as_ref().unwrap_or(&s.weights);
                N::combine(way_back, self.reading, &self.rows, s.weight_shift, &mut below[l - 1]);
            } else {
                self.work.unchanged += (self.sizes[l] * self.rows.len()) as u64;
            }
            self.work.forward += (self.sizes[l] * self.sizes[l + 1]) as u64;
            self.work.transposed += (self.sizes[l] * self.rows.len()) as u64;
        }
    }

    /// One pass over the synapses of every active column; `drives_follow` when a time step comes next, whose first
    /// products can be taken on the way.
    fn learn(&mut self, update: Update, drives_follow: bool, mut count: Option<&mut Counters>) {
        self.leave_circle();
        let drives_valid = std::mem::replace(&mut self.base_valid, false);
        let key = step_key(self.design.seed, Purpose::Weight, self.sample, self.step);
        let of = |r| match r {
            StateRef::Now => &self.now,
            StateRef::Previous => &self.previous,
            StateRef::Slot(k) => &self.slots[k].activities,
        };
        // The contrast with its terms exchanged is the contrast times minus one, to the bit.
        let negative = update.by_sample && is_negative(self.design.seed, self.sample);
        let operands = |c: Contrast| {
            let (a, b) = ((of(c.post_a), of(c.pre_a)), (of(c.post_b), of(c.pre_b)));
            if negative { [b, a] } else { [a, b] }
        };
        let [(a, pre_a), (b, pre_b)] = operands(update.forward);
        let one = 1i64 << self.design.datapath.activity_frac;
        let greatest_input = self.inputs.iter().map(|(_, x)| x.wide().abs()).max().unwrap_or(0);
        for (l, s) in self.synapses.iter_mut().enumerate() {
            let (n_pre, n_post) = (self.sizes[l], self.sizes[l + 1]);
            let layer_key = |column: usize| absorb(key, (l as u32 + 1) << 16 | column as u32);
            let mut count = count.as_deref_mut().map(|c| &mut c.layers[l]);
            self.differences.take(&s.bias_rule, &a[l], &b[l], one);
            let bias_key = layer_key(n_pre);
            update::learn_by_difference(
                &s.bias_rule,
                s.bias.line_mut(0),
                &self.differences,
                one,
                bias_key,
                n_post,
                count.as_deref_mut(),
            );
            if l == 0 {
                self.differences.take(&s.rule, &a[0], &b[0], greatest_input);
                let form = self.short.filter(|_| count.is_none() && self.inputs.len() <= self.reading.burst);
                // Where no weight changes, the input's drive stays as it is.
                let drives_follow = drives_follow && drives_valid;
                let lines = self.inputs.len();
                let spared = |visited: usize| (lines * n_post.saturating_sub(visited * LANES)) as u64;
                let visited = match (form, N::short(&mut s.weights, &self.inputs)) {
                    (Some(form), Some((matrix, inputs))) => {
                        let lines = inputs.iter().map(|&(j, x)| (j, x, layer_key(j as usize)));
                        let forward = drives_follow.then_some(Forward {
                            dropped: self.reading.dropped,
                            shift: s.weight_shift,
                            out: &mut self.input_drive,
                        });
                        let visited =
                            self.pass.run(&form, &s.rule, matrix, lines, &self.differences, forward);
                        if drives_follow {
                            set_base(s, self.reading.dropped, &self.input_drive, &mut self.base);
                            self.base_valid = true;
                            self.work.forward += (self.inputs.len() * n_post) as u64;
                            self.work.unchanged += spared(visited);
                        }
                        visited
                    }
                    _ => {
                        for &(j, x) in &self.inputs {
                            let (line, key) = (s.weights.line_mut(j as usize), layer_key(j as usize));
                            let count = count.as_deref_mut();
                            update::learn_by_difference(
                                &s.rule,
                                line,
                                &self.differences,
                                x.wide(),
                                key,
                                n_post,
                                count,
                            );
                        }
                        self.differences.live_blocks()
                    }
                };
                self.work.update += (self.inputs.len() * n_post) as u64;
                self.work.unchanged += spared(visited);
            } else {
                for (j, key) in self.column_keys.as_flattened_mut()[..n_pre].iter_mut().enumerate() {
                    *key = layer_key(j);
                }
                let keys = &self.column_keys[..];
                let mut visit = |weights: &mut Matrix<N::Stored>,
                                 contrast: [Term<'_, N>; 2],
                                 mut count: Option<&mut LayerCounters>| {
                    let [(a, pre_a), (b, pre_b)] = contrast;
                    for k in 0..n_post {
                        let (at, lane) = (k / LANES, k % LANES);
                        let post = Pair { a: a[l][at][lane], b: b[l][at][lane] };
                        let still = post.a == N::Activity::default() && post.b == N::Activity::default();
                        self.work.update += n_pre as u64;
                        if still && s.rule.rests() && count.is_none() {
                            self.work.unchanged += n_pre as u64;
                            continue;
                        }
                        let pre = (&pre_a[l - 1][..], &pre_b[l - 1][..]);
                        update::learn_by_contrast(
                            &s.rule,
                            weights.line_mut(k),
                            pre,
                            post,
                            (keys, k as u32),
                            n_pre,
                            count.as_deref_mut(),
                        );
                    }
                };
                visit(&mut s.weights, [(a, pre_a), (b, pre_b)], count.as_deref_mut());
                if let Some(way_back) = &mut s.backward {
                    visit(way_back, operands(update.backward), count);
                }
            }
        }
    }
}

impl<N: Numbers> Engine<'_, N> {
    /// One pass over the synapses of every active column that only adds up their contrasts.
    fn add_up(&mut self, update: Update) {
        let of = |r| match r {
            StateRef::Now => &self.now,
            StateRef::Previous => &self.previous,
            StateRef::Slot(k) => &self.slots[k].activities,
        };
        let c = update.forward;
        let terms = ((of(c.post_a), of(c.pre_a)), (of(c.post_b), of(c.pre_b)));
        let negative = update.by_sample && is_negative(self.design.seed, self.sample);
        let ((a, pre_a), (b, pre_b)) = if negative { (terms.1, terms.0) } else { terms };
        let one = 1 << self.design.datapath.activity_frac;
        for (l, s) in self.synapses.iter_mut().enumerate() {
            let Some((weights, bias)) = &mut s.sums else { continue };
            let (n_pre, n_post) = (self.sizes[l], self.sizes[l + 1]);
            let (a, b) = (a[l].as_flattened(), b[l].as_flattened());
            // What synapses see fits 31 bits, and the sums are proven to fit 32.
            let add = |line: &mut [Block<i32>], x: i32| {
                for (sum, (a, b)) in line.as_flattened_mut().iter_mut().zip(a.iter().zip(b)) {
                    *sum = sum.wrapping_add((a.word() - b.word()).wrapping_mul(x));
                }
            };
            add(bias.line_mut(0), one);
            if l == 0 {
                for &(j, x) in &self.inputs {
                    add(weights.line_mut(j as usize), x.word());
                }
                self.work.update += (self.inputs.len() * n_post) as u64;
                continue;
            }
            let pre = pre_a[l - 1].as_flattened().iter().zip(pre_b[l - 1].as_flattened());
            for k in 0..n_post {
                let (post_a, post_b) = (a[k].word(), b[k].word());
                for (sum, (a, b)) in weights.line_mut(k).as_flattened_mut().iter_mut().zip(pre.clone()) {
                    let (a, b) = (post_a.wrapping_mul(a.word()), post_b.wrapping_mul(b.word()));
                    *sum = sum.wrapping_add(a.wrapping_sub(b));
                }
            }
            self.work.update += (n_pre * n_post) as u64;
        }
    }

    /// One pass over all synapses: they take what has been added up.
    fn apply(&mut self, mut count: Option<&mut Counters>) {
        self.base_valid = false;
        let key = step_key(self.design.seed, Purpose::Weight, self.sample, self.step);
        for (l, s) in self.synapses.iter_mut().enumerate() {
            let Some((sums, bias_sums)) = &mut s.sums else { continue };
            let (n_pre, n_post) = (self.sizes[l], self.sizes[l + 1]);
            let column_key = |column: usize| absorb(key, (l as u32 + 1) << 16 | column as u32);
            let mut count = count.as_deref_mut().map(|c| &mut c.layers[l]);
            let bias_key = column_key(n_pre);
            for row in 0..n_post {
                let (at, lane) = (row / LANES, row % LANES);
                let sum = i64::from(std::mem::take(&mut bias_sums.raw[at][lane]));
                let random = lane_bits(bias_key, row as u32);
                s.bias_rule.apply(&mut s.bias.raw[at][lane], sum, random, count.as_deref_mut());
            }
            for column in 0..n_pre {
                let key = column_key(column);
                for row in 0..n_post {
                    // Layer 1 holds a line per input, the others a line per post-synaptic neuron.
                    let (line, i) = if l == 0 { (column, row) } else { (row, column) };
                    let (at, lane) = (line * sums.stride + i / LANES, i % LANES);
                    let sum = i64::from(std::mem::take(&mut sums.raw[at][lane]));
                    let random = lane_bits(key, row as u32);
                    s.rule.apply(&mut s.weights.raw[at][lane], sum, random, count.as_deref_mut());
                    if let Some(way_back) = &mut s.backward {
                        s.rule.apply(&mut way_back.raw[at][lane], sum, random, count.as_deref_mut());
                    }
                }
            }
            self.work.update += (n_pre * n_post) as u64;
        }
    }
}

/// Biases plus the drive of the clamped input.
fn set_base<N: Numbers>(s: &Synapses<N>, dropped: u32, drive: &[Block<N::Sum>], base: &mut [Block<N::Sum>]) {
    set_biases(&s.bias, s.bias_shift, dropped, base);
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
