//! The model that trains: the integers of [`golden`](super::golden), by vector kernels.
//!
//! What makes it fast, none of which changes a bit: operands as narrow as the interval analysis allows; lines of zero
//! inputs and blocks of resting neurons are not touched; the drive of the clamped input is computed once per change
//! of the weights; activations are read from a table indexed by the drive; passes of a phase that has settled are not
//! made.

mod kernels;
mod learn;
mod matrix;
mod neurons;
mod numbers;
mod relax;
mod short;
mod still;
mod turned;
mod update;
mod work;

pub use work::Work;

use super::counters::Counters;
use super::neuron::Pull;
use super::train::PlannedSample;
use super::weights::{LayerWeights, backward_layer, shapes, velocity_layer};
use super::{Observer, SampleEnd, StepView, WeightSource, Weights};
use crate::design::Design;
use crate::fixed_point::Gaussian;
use crate::network::{Connection, Learned, Network, Records, Visits};
use crate::rules::{Coefficient, Destination, Learning, Lesson, Machine, Nudge, Pass, Program, Spared, run};
use matrix::{Matrix, Reading};
use neurons::Neurons;
use numbers::{Block, Int, Long, Middle, Narrow, Numbers, Wide, Width, blocks, burst};
use still::Trail;
use turned::Imaginary;
use update::{Differences, Rule};

/// The model of one network.
#[derive(Clone, Debug)]
pub struct Fast<'d> {
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

/// As `each`, of two models of one design: their numbers are of one width.
macro_rules! both {
    (($one:expr, $other:expr), ($a:ident, $b:ident) => $body:expr) => {
        match ($one, $other) {
            (Engines::Narrow($a), Engines::Narrow($b)) => $body,
            (Engines::Long($a), Engines::Long($b)) => $body,
            (Engines::Middle($a), Engines::Middle($b)) => $body,
            (Engines::Wide($a), Engines::Wide($b)) => $body,
            _ => unreachable!("models of one design"),
        }
    };
}

impl<'d> Fast<'d> {
    /// A model with these weights.
    pub fn new(design: &'d Design, weights: &Weights) -> Self {
        let engine = match Width::of(design) {
            Width::Narrow => Engines::Narrow(Engine::new(design, weights)),
            Width::Long => Engines::Long(Engine::new(design, weights)),
            Width::Middle => Engines::Middle(Engine::new(design, weights)),
            Width::Wide => Engines::Wide(Engine::new(design, weights)),
        };
        Fast { engine }
    }

    /// The same, which leaves out no pass, whatever the design says: for those who look at every one.
    #[must_use]
    pub fn making_every_pass(mut self) -> Self {
        each!(&mut self.engine, e => e.trail.ignore());
        self
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

    /// Takes the weights of another model of the same design.
    pub fn take_weights(&mut self, other: &Self) {
        both!((&mut self.engine, &other.engine), (own, other) => own.take_weights(other));
    }

    /// Takes over what another model of the same design has added up and executed; nothing of it stays there.
    pub fn take_sums(&mut self, other: &mut Self) {
        both!((&mut self.engine, &mut other.engine), (own, other) => own.take_sums(other));
    }

    /// Ends a batch whose samples have all run without an end: what a batch's last sample does behind its own passes.
    pub fn end_batch(&mut self, last: PlannedSample, counters: Option<&mut Counters>) {
        each!(&mut self.engine, e => e.end_batch(last, counters));
    }

    /// The passes that the last sample has left out.
    pub fn spared(&self) -> &Spared {
        each!(&self.engine, e => &e.spared)
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

/// What synapses see of a layer.
#[derive(Debug)]
struct Seen<A> {
    /// Activities on the common grid; lanes beyond the layer are zero.
    activities: Vec<Block<A>>,
    /// From which corner of its window each neuron's total came when it last moved; empty under dense synapses.
    corners: Vec<u8>,
}

impl<A: Int> Seen<A> {
    /// Of the layer above some synapses, all zero.
    fn zero(connection: &Connection) -> Self {
        let neurons = connection.above().neurons();
        let corners = if connection.is_dense() { 0 } else { neurons };
        Seen { activities: blocks(neurons), corners: vec![0; corners] }
    }
}

impl<A: Clone> Clone for Seen<A> {
    fn clone(&self) -> Self {
        Seen { activities: self.activities.clone(), corners: self.corners.clone() }
    }

    // Layers are saved and loaded in every sample: not into new memory, as a derived one would.
    fn clone_from(&mut self, from: &Self) {
        self.activities.clone_from(&from.activities);
        self.corners.clone_from(&from.corners);
    }
}

/// What synapses see of layers 1 to L.
type Activities<N> = Vec<Seen<<N as Numbers>::Activity>>;

/// A saved state vector.
#[derive(Clone, Debug)]
struct Slot<N: Numbers> {
    states: Vec<i32>,
    activities: Activities<N>,
}

/// What a line of weights is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    /// A line per input: dense synapses of layer 1, so that what a zero input would do is never touched.
    OfInputs,
    /// A line per row, along its taps.
    OfRows,
}

impl Lines {
    /// Line and place in it of a tap's weight, or (`tap` behind the last) of a bias in the line of all biases.
    fn place(self, connection: &Connection, row: usize, tap: usize) -> (usize, usize) {
        match self {
            _ if tap == connection.taps() => (0, row),
            Lines::OfInputs => (tap, row),
            Lines::OfRows => (row, tap),
        }
    }
}

/// A number for each weight, and one for each bias, in the places of the weights and biases.
type Both<T> = (Matrix<T>, Matrix<T>);

/// Synapses below one layer of neurons.
#[derive(Clone, Debug)]
struct Synapses<N: Numbers> {
    connection: Connection,
    lines: Lines,
    weights: Matrix<N::Stored>,
    /// The way back, where it has weights of its own: a line per row.
    backward: Option<Matrix<N::Stored>>,
    /// One line, over the rows.
    bias: Matrix<N::Stored>,
    rule: Rule,
    bias_rule: Rule,
    weight_shift: u32,
    bias_shift: u32,
    /// Contrasts added up over a batch.
    sums: Option<Both<N::Sum>>,
    /// With momentum.
    velocities: Option<Both<i32>>,
    /// What the work of a kernel needs; none where synapses are dense.
    room: Option<kernels::Room<N>>,
}

impl<N: Numbers> Synapses<N> {
    /// Those that lead to layer `l` (from 1).
    fn of(design: &Design, weights: &Weights, l: usize) -> Self {
        let (p, connection) = (&design.datapath, *design.network.connection(l));
        let (rows, taps) = (connection.rows(), connection.taps());
        let lines = if l == 1 && connection.is_dense() { Lines::OfInputs } else { Lines::OfRows };
        let w = &weights.layers[l - 1];
        let sums = || match lines {
            Lines::OfInputs => Matrix::build(taps, rows, |_, _| 0),
            Lines::OfRows => Matrix::build(rows, taps, |_, _| 0),
        };
        Synapses {
            connection,
            lines,
            weights: match lines {
                Lines::OfInputs => Matrix::build(taps, rows, |tap, row| w.get(row, tap)),
                Lines::OfRows => Matrix::build(rows, taps, |row, tap| w.get(row, tap)),
            },
            backward: (l > 1 && design.has_separate_feedback()).then(|| {
                let w = &weights.layers[backward_layer(design, l) - 1];
                Matrix::build(rows, taps, |row, tap| w.get(row, tap))
            }),
            bias: Matrix::build(1, rows, |_, row| w.get(row, taps)),
            rule: Rule::of(design, l, false, 0),
            bias_rule: Rule::of(design, l, true, 0),
            weight_shift: p.weight_shift[l - 1],
            bias_shift: p.activity_frac as u32 + p.bias_shift[l - 1],
            sums: design.is_batched().then(|| (sums(), Matrix::build(1, rows, |_, _| 0))),
            velocities: design.momentum.is_some().then(|| {
                let v = &weights.layers[velocity_layer(design, l) - 1];
                let of_weights = match lines {
                    Lines::OfInputs => Matrix::build(taps, rows, |tap, row| v.get(row, tap)),
                    Lines::OfRows => Matrix::build(rows, taps, |row, tap| v.get(row, tap)),
                };
                (of_weights, Matrix::build(1, rows, |_, row| v.get(row, taps)))
            }),
            room: (!connection.is_dense()).then(|| kernels::Room::of(design, &connection)),
        }
    }

    /// True where kernels made for this kind do the work.
    fn is_dense(&self) -> bool {
        self.connection.is_dense()
    }

    /// A stored weight, or bias (`tap` behind the last), or what lies beside it: a weight of the way back, a velocity.
    fn get(&self, beside: bool, row: usize, tap: usize) -> i32 {
        if row >= self.connection.rows() {
            return 0;
        }
        let is_bias = tap == self.connection.taps();
        let (line, i) = self.lines.place(&self.connection, row, tap);
        match (&self.velocities, &self.backward) {
            (Some((_, biases)), _) if beside && is_bias => biases.get(line, i),
            (Some((weights, _)), _) if beside => weights.get(line, i),
            (None, Some(way_back)) if beside && !is_bias => way_back.get(row, tap),
            _ if beside => 0,
            _ if is_bias => self.bias.get(line, i),
            _ => self.weights.get(line, i),
        }
    }
}

#[derive(Clone, Debug)]
struct Engine<'d, N: Numbers> {
    design: &'d Design,
    program: Program,
    network: &'d Network,
    reading: Reading,
    synapses: Vec<Synapses<N>>,
    neurons: Vec<Neurons<N::Activity>>,
    /// A softmax read-out.
    pull: Option<Pull>,
    /// On the drives of nudged steps.
    noise: Option<Gaussian>,
    sample: u32,
    /// The set of learning rates that the updates' forms are for.
    rates: usize,
    work: Work,
    // The state of a sample; buffers live as long as the engine.
    step: u32,
    active_inputs: Vec<u32>,
    inputs: Vec<(u32, N::Activity)>,
    /// All inputs, where layer 1 is not dense; else empty.
    clamped: Vec<N::Activity>,
    states: Vec<i32>,
    /// For those who watch: corners of all layers, as [`Records`] has them.
    corners: Vec<i32>,
    trail: Trail,
    /// Passes that the sample has left out.
    spared: Spared,
    drives: Vec<i32>,
    now: Activities<N>,
    previous: Activities<N>,
    /// The corners that the present totals come from.
    chosen: Vec<Vec<u8>>,
    slots: [Slot<N>; 2],
    imaginary: Option<Imaginary<N>>,
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
        let (l, beside) = match layer.checked_sub(self.synapses.len()) {
            Some(velocities) if velocities > 0 && self.design.momentum.is_some() => (velocities, true),
            Some(back) if back > 0 => (back + 1, true),
            _ => (layer, false),
        };
        for (row, lane) in (first_row..).zip(out) {
            *lane = self.synapses[l - 1].get(beside, row, column);
        }
    }
}

impl<'d, N: Numbers> Engine<'d, N> {
    fn new(design: &'d Design, weights: &Weights) -> Self {
        let network = &design.network;
        let p = &design.datapath;
        let synapses: Vec<Synapses<N>> = network.layers().map(|l| Synapses::of(design, weights, l)).collect();
        let short = short::Form::of(design, &synapses[0].rule);
        let sum_bits = 8 * size_of::<N::Sum>() as u32;
        let activities: Activities<N> = network.connections().map(|(_, c)| Seen::zero(c)).collect();
        let states = vec![0; design.neuron_count()];
        let slot = Slot { states: states.clone(), activities: activities.clone() };
        let totals: Vec<_> = network.layers().map(|l| blocks(network.neurons(l))).collect();
        let imaginary = Imaginary::of(design, &activities, &totals);
        // The columns of the widest synapse layer, its biases among them.
        let widest = network.connections().map(|(_, c)| c.taps() + 1).max().unwrap_or(0);
        Engine {
            design,
            program: Program::of(design),
            network,
            reading: Reading { dropped: p.dropped_bits, burst: burst(design) },
            synapses,
            neurons: network.layers().map(|l| Neurons::of(design, l, sum_bits)).collect(),
            pull: design.is_softmax(design.output_layer()).then(|| Pull::of(design)),
            noise: design.gaussian(),
            rates: 0,
            sample: 0,
            work: Work::default(),
            step: 0,
            active_inputs: Vec::new(),
            inputs: Vec::new(),
            clamped: Vec::new(),
            drives: states.clone(),
            corners: vec![0; states.len()],
            trail: Trail::of(design),
            spared: Spared::default(),
            states,
            chosen: activities.iter().map(|seen| seen.corners.clone()).collect(),
            now: activities.clone(),
            previous: activities,
            slots: [slot.clone(), slot],
            imaginary,
            totals,
            input_drive: blocks(network.neurons(1)),
            base: blocks(network.neurons(1)),
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
        count: Option<&mut Counters>,
    ) -> u16 {
        self.learn_at(lesson.rates());
        self.reset(input);
        let ops = self.program.ops(lesson).to_vec();
        let mut sample = Sample { engine: self, label, prediction: 0, observer, count };
        run(&ops, &mut sample);
        let prediction = sample.prediction;
        observer.sample_end(SampleEnd { sample: self.sample, prediction, label, spared: &self.spared });
        self.sample = self.sample.wrapping_add(1);
        prediction
    }

    fn take_weights(&mut self, other: &Self) {
        for (own, other) in self.synapses.iter_mut().zip(&other.synapses) {
            own.weights.raw.clone_from(&other.weights.raw);
            own.bias.raw.clone_from(&other.bias.raw);
            if let (Some(own), Some(other)) = (&mut own.backward, &other.backward) {
                own.raw.clone_from(&other.raw);
            }
        }
        self.base_valid = false;
    }

    fn take_sums(&mut self, other: &mut Self) {
        let take = |own: &mut Matrix<N::Sum>, other: &mut Matrix<N::Sum>| {
            for (own, other) in own.raw.as_flattened_mut().iter_mut().zip(other.raw.as_flattened_mut()) {
                *own = own.plus(std::mem::take(other));
            }
        };
        for (own, other) in self.synapses.iter_mut().zip(&mut other.synapses) {
            if let (Some(own), Some(other)) = (&mut own.sums, &mut other.sums) {
                take(&mut own.0, &mut other.0);
                take(&mut own.1, &mut other.1);
            }
        }
        self.work = self.work.plus(std::mem::take(&mut other.work));
    }

    fn end_batch(&mut self, last: PlannedSample, count: Option<&mut Counters>) {
        self.learn_at(last.lesson().rates());
        self.sample = last.number;
        self.step = self.program.steps(last.without_end());
        self.apply(count);
        self.sample = self.sample.wrapping_add(1);
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
        if !self.synapses[0].is_dense() {
            self.clamped.clear();
            self.clamped.extend(input.iter().map(|&x| N::Activity::wrap(i64::from(x) << shift)));
        }
        self.spared.clear();
        self.trail.begins();
        self.states.fill(0);
        self.drives.fill(0);
        // At reset the states are zero, yet what synapses see of them is `rho(0)` under energy-based dynamics.
        for (l, neurons) in self.neurons.iter().enumerate() {
            let rest = neurons.resting_activity();
            let fill = |seen: &mut Seen<N::Activity>| {
                seen.activities.as_flattened_mut()[..self.network.neurons(l + 1)].fill(rest);
                seen.corners.fill(0);
            };
            fill(&mut self.now[l]);
            fill(&mut self.previous[l]);
            self.slots.iter_mut().for_each(|s| fill(&mut s.activities[l]));
        }
        self.slots.iter_mut().for_each(|s| s.states.fill(0));
        if let Some(imaginary) = &mut self.imaginary {
            imaginary.clear();
            (0..2).for_each(|slot| imaginary.save(slot));
        }
    }

    /// Shows a finished step and begins the next one.
    fn show<O: Observer>(&mut self, observer: &mut O, relaxed: bool, learned: Learned) {
        if O::WATCHES {
            for (l, seen) in self.network.layers().zip(&self.now).filter(|(_, seen)| !seen.corners.is_empty())
            {
                let corners = seen.corners.iter().map(|&corner| i32::from(corner));
                self.corners[self.network.span(l)].iter_mut().zip(corners).for_each(|(to, from)| *to = from);
            }
            observer.step(StepView {
                step: self.step,
                visits: Visits {
                    active: &self.active_inputs,
                    relaxed,
                    learned,
                    moved: self.spared.moved(self.step, relaxed),
                },
                records: Records {
                    states: &self.states,
                    corners: &self.corners,
                    drives: &self.drives,
                    imaginary: self.imaginary.as_ref().map_or(&[], |i| &i.states),
                    imaginary_drives: self.imaginary.as_ref().map_or(&[], |i| &i.drives),
                },
                weights: &*self,
            });
        }
        self.step += 1;
    }
}

/// A sample on its way through a program.
struct Sample<'a, 'd, N: Numbers, O> {
    engine: &'a mut Engine<'d, N>,
    label: u16,
    prediction: u16,
    observer: &'a mut O,
    count: Option<&'a mut Counters>,
}

impl<N: Numbers, O: Observer> Machine for Sample<'_, '_, N, O> {
    fn relax(&mut self, pass: Pass) -> u32 {
        let engine = &mut *self.engine;
        if let Some(update) = pass.update {
            engine.note_moved(update.forward, true);
            engine.learn(update, true, self.count.as_deref_mut());
        }
        if let Nudge::Turned(k) = pass.nudge {
            engine.turn(k, self.label, self.count.as_deref_mut());
        } else {
            engine.relax::<O>(pass.nudge, self.label, pass.at, self.count.as_deref_mut());
        }
        let left_out = engine.left_out(pass);
        engine.show(self.observer, true, pass.learned());
        engine.step += left_out;
        1 + left_out
    }

    fn learn(&mut self, learning: Learning) {
        self.engine.note_moved(learning.update.forward, false);
        match (learning.into, learning.update.coefficient) {
            (Destination::Weights, Coefficient::Point(k)) => {
                self.engine.learn_turned(k, self.count.as_deref_mut());
            }
            (Destination::Sums, Coefficient::Point(k)) => self.engine.add_up_turned(k),
            (Destination::Weights, _) => self.engine.learn(learning.update, false, self.count.as_deref_mut()),
            (Destination::Sums, _) => self.engine.add_up(learning.update),
        }
        self.engine.show(self.observer, false, learning.learned());
    }

    fn apply(&mut self) {
        self.engine.apply(self.count.as_deref_mut());
        self.engine.show(self.observer, false, Learned::All);
    }

    fn save(&mut self, slot: usize) {
        let engine = &mut *self.engine;
        engine.slots[slot].states.clone_from(&engine.states);
        engine.slots[slot].activities.clone_from(&engine.now);
        if let Some(imaginary) = &mut engine.imaginary {
            imaginary.save(slot);
        }
    }

    fn load(&mut self, slot: usize) {
        let engine = &mut *self.engine;
        engine.states.clone_from(&engine.slots[slot].states);
        engine.now.clone_from(&engine.slots[slot].activities);
        if let Some(imaginary) = &mut engine.imaginary {
            imaginary.load(slot);
        }
        engine.trail.loads();
    }

    fn read(&mut self) {
        let engine = &*self.engine;
        let readout = if engine.pull.is_some() { &engine.drives } else { &engine.states };
        let outputs = &readout[engine.network.span(engine.network.depth())];
        self.prediction = (0..outputs.len()).rev().max_by_key(|&i| outputs[i]).unwrap_or(0) as u16;
    }
}
