//! The specification, executable: phase programs in plain 64-bit integer loops. Slow and obvious.

use super::neuron::{ComplexPull, NeuronInput, NeuronUnit, Pull};
use super::turned::{Parts, TurnedInput, TurnedUnit};
use super::weights::{backward_layer, column_keys, velocity_layer};
use super::{Inner, Observer, Quantity, SampleEnd, Stage, StepView, Weights};
use crate::design::Design;
use crate::fixed_point::{Gaussian, Overflow, Purpose, Requantised, absorb, lane_bits, row_bits, step_key};
use crate::network::{Connection, Learned, Records, Visits};
use crate::rules::{
    Coefficient, Contrast, Destination, Learning, Lesson, Machine, Nudge, Pass, Program, Shown, Spared,
    StateRef, Stillness, Update, is_negative, run,
};

/// The model of one network: its weights and a sample counter.
#[derive(Clone, Debug)]
pub struct Golden<'d> {
    design: &'d Design,
    program: Program,
    units: Vec<NeuronUnit>,
    /// Those of complex states.
    turned: Vec<TurnedUnit>,
    /// A softmax read-out.
    pull: Option<Pull>,
    /// The same of complex drives.
    turned_pull: Option<ComplexPull>,
    /// On the drives of nudged steps.
    noise: Option<Gaussian>,
    /// The weights.
    pub weights: Weights,
    /// Contrasts added up over a batch or round a circle (there with their coefficients), in the shape of the forward weights; empty where a batch is one sample.
    sums: Vec<Vec<i64>>,
    /// Samples seen: keys the random bits.
    pub sample: u32,
}

/// What the neurons of layers 1 to L hold at a moment; all zero when a sample starts.
#[derive(Clone, PartialEq, Eq)]
struct Moment {
    states: Vec<i32>,
    /// Imaginary parts; none where states are real.
    imaginary: Vec<i32>,
    /// The corner of its window from which a pooled neuron's total came when it last moved.
    corners: Vec<u8>,
}

/// The moments of one sample.
struct SampleStates {
    now: Moment,
    previous: Moment,
    slots: [Moment; 2],
    drives: Vec<i32>,
    imaginary_drives: Vec<i32>,
    step: u32,
    rates: usize,
}

/// What synapses see at a moment, on the common grid.
struct Activities {
    /// Of layers 0 (the clamped input) to L, seen from above.
    pre: Vec<Vec<i64>>,
    /// Of layers 1 to L, seen from below: placed on the map of the synapses that lead there. Nothing of the input.
    post: Vec<Vec<i64>>,
}

/// A weight, or a bias.
#[derive(Clone, Copy)]
struct Synapse {
    l: usize,
    row: usize,
    tap: usize,
    is_bias: bool,
}

/// The moments of a contrast.
struct Terms {
    post_a: Activities,
    pre_a: Activities,
    post_b: Activities,
    pre_b: Activities,
    /// What a bias sees.
    one: i64,
}

impl Terms {
    /// `post_a pre_a - post_b pre_b`, summed over the positions at which the weight is used.
    fn contrast(&self, l: usize, connection: &Connection, row: usize, tap: usize) -> i64 {
        let at = |position: usize| {
            let post = connection.post(position, row);
            let (pre_a, pre_b) = match connection.pre(position, tap) {
                _ if tap == connection.taps() => (self.one, self.one),
                Some(pre) => (self.pre_a.pre[l - 1][pre], self.pre_b.pre[l - 1][pre]),
                None => return 0,
            };
            self.post_a.post[l][post] * pre_a - self.post_b.post[l][post] * pre_b
        };
        (0..connection.positions()).map(at).sum()
    }
}

impl<'d> Golden<'d> {
    /// A model with these weights.
    pub fn new(design: &'d Design, weights: Weights) -> Self {
        let units = design.network.layers().map(|l| NeuronUnit::of(design, l)).collect();
        let turned = design.network.layers().filter(|_| design.is_complex());
        Golden {
            design,
            program: Program::of(design),
            pull: design.is_softmax(design.output_layer()).then(|| Pull::of(design)),
            turned_pull: ComplexPull::needed(design),
            noise: design.gaussian(),
            units,
            turned: turned.map(|l| TurnedUnit::of(design, l)).collect(),
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
        let imaginary = vec![0; if self.design.is_complex() { neurons } else { 0 }];
        let zero =
            Moment { states: vec![0; neurons], imaginary: imaginary.clone(), corners: vec![0; neurons] };
        let states = SampleStates {
            now: zero.clone(),
            previous: zero.clone(),
            slots: [zero.clone(), zero],
            drives: vec![0; neurons],
            imaginary_drives: imaginary,
            step: 0,
            rates: lesson.rates(),
        };
        let active: Vec<u32> = (0..input.len() as u32).filter(|&j| input[j as usize] != 0).collect();
        let ops = self.program.ops(lesson).to_vec();
        let (stillness, spared) = (Stillness::of(self.design), Spared::default());
        let mut sample =
            Sample { golden: self, states, input, active, label, prediction: 0, stillness, spared, observer };
        run(&ops, &mut sample);
        let (prediction, spared) = (sample.prediction, sample.spared);
        observer.sample_end(SampleEnd { sample: self.sample, prediction, label, spared: &spared });
        self.sample = self.sample.wrapping_add(1);
        prediction
    }

    /// What the synapses see at a moment.
    fn activities(&self, input: &[i32], moment: &Moment) -> Activities {
        let d = self.design;
        let seen = |l: usize, raw: i64| raw << d.datapath.activity_shift[l];
        let mut pre = vec![input.iter().map(|&x| seen(0, x.into())).collect::<Vec<_>>()];
        let mut post = vec![Vec::new()];
        for (l, connection) in d.network.connections() {
            let states = moment.states[d.network.span(l)].iter();
            pre.push(states.map(|&s| seen(l, self.units[l - 1].activity(s.into()))).collect());
            post.push(connection.placed(&pre[l], &moment.corners[d.network.span(l)]));
        }
        Activities { pre, post }
    }

    /// One pass: a time step of the layers that move in it (algorithms.md 1.1, 1.2). The others' drives are formed, too,
    /// but change nothing.
    fn relax(
        &self,
        (input, label): (&[i32], u16),
        (nudge, pass): (Nudge, u32),
        b: &mut SampleStates,
        show: &mut impl FnMut(Inner),
    ) {
        let d = self.design;
        let layers = d.output_layer();
        let key = |purpose| step_key(d.seed, purpose, self.sample, b.step);
        let sign = nudge.sign(is_negative(d.seed, self.sample));
        let mut next = b.now.clone();
        next.imaginary.fill(0);
        b.imaginary_drives.fill(0);
        let activities = self.activities(input, &b.now);
        for l in d.network.layers() {
            let column_key = |purpose| absorb(key(purpose), (l as u32) << 16);
            let (totals, corners) = self.totals(&activities, l, true);
            let rest = d.order.holds(pass, l);
            let noise = self.noise.as_ref().filter(|_| sign != 0 && !rest && d.has_noise(l));
            let noise_key = column_key(Purpose::Noise);
            for (i, at) in d.network.span(l).enumerate() {
                let given = NeuronInput {
                    total: totals[i] + noise.map_or(0, |noise| noise.at(row_bits(noise_key, i as u32))),
                    state: i64::from(b.now.states[at]),
                    target: i == usize::from(label),
                    nudge: sign,
                    rest,
                    drive_random: row_bits(column_key(Purpose::Drive), i as u32),
                    state_random: row_bits(column_key(Purpose::State), i as u32),
                };
                let drive = self.units[l - 1].drive(given);
                let state = self.units[l - 1].next_state(drive.result, given);
                b.drives[at] = drive.result as i32;
                next.states[at] = state.result as i32;
                show(requantised(l, Quantity::Drive, drive));
                if !rest {
                    next.corners[at] = corners[i];
                    if !d.is_softmax(l) {
                        show(requantised(l, Quantity::State, state));
                    }
                }
            }
        }
        if let Some(pull) = self.pull.as_ref().filter(|_| !d.order.holds(pass, layers)) {
            let outputs = d.network.span(layers);
            let random = |i: usize| row_bits(absorb(key(Purpose::State), (layers as u32) << 16), i as u32);
            let drives = &b.drives[outputs.clone()];
            pull.states(drives, label, sign, random, &mut next.states[outputs]);
            for (i, value) in pull.pulls(drives, label, sign).enumerate() {
                let state = pull.requantiser().of(value, random(i));
                show(requantised(layers, Quantity::State, state));
            }
        }
        b.previous = std::mem::replace(&mut b.now, next);
    }

    /// One pass of complex states under the nudge of point `k` of the circle (algorithms.md 4.1): products are bilinear, so
    /// the imaginary parts of the drives are what the imaginary parts of the states make. Input and biases are real.
    fn turn(
        &self,
        (input, label): (&[i32], u16),
        k: u32,
        b: &mut SampleStates,
        show: &mut impl FnMut(Inner),
    ) {
        let d = self.design;
        let key =
            |l: usize, purpose| absorb(step_key(d.seed, purpose, self.sample, b.step), (l as u32) << 16);
        let (nudge_re, nudge_im) = d.nudge_at(k);
        let mut next = b.now.clone();
        let real = self.activities(input, &b.now);
        let imaginary = self.imaginary(input, &b.now);
        for l in d.network.layers() {
            let (re, im) = (self.totals(&real, l, true).0, self.totals(&imaginary, l, false).0);
            let noise = self.noise.as_ref().filter(|_| d.has_noise(l));
            for (i, at) in d.network.span(l).enumerate() {
                let random = |purpose| row_bits(key(l, purpose), i as u32);
                let turned = self.turned[l - 1].step(TurnedInput {
                    total: Parts {
                        re: re[i] + noise.map_or(0, |noise| noise.at(random(Purpose::Noise))),
                        im: im[i],
                    },
                    state: Parts { re: b.now.states[at].into(), im: b.now.imaginary[at].into() },
                    target: i == usize::from(label),
                    nudge: Parts { re: nudge_re, im: nudge_im },
                    drive_random: (random(Purpose::Drive), random(Purpose::ImaginaryDrive)),
                    state_random: (random(Purpose::State), random(Purpose::ImaginaryState)),
                });
                let (drive, state) = (turned.drive.result(), turned.state.result());
                (b.drives[at], b.imaginary_drives[at]) = (drive.re as i32, drive.im as i32);
                (next.states[at], next.imaginary[at]) = (state.re as i32, state.im as i32);
                show(requantised(l, Quantity::Drive, turned.drive.re));
                show(requantised(l, Quantity::ImaginaryDrive, turned.drive.im));
                if !d.is_softmax(l) {
                    show(requantised(l, Quantity::State, turned.state.re));
                    show(requantised(l, Quantity::ImaginaryState, turned.state.im));
                }
                if turned.beyond {
                    show(Inner::Beyond(l));
                }
            }
        }
        if let Some(pull) = &self.turned_pull {
            let outputs = d.network.span(d.output_layer());
            let random = |i: usize| {
                let of = |purpose| row_bits(key(d.output_layer(), purpose), i as u32);
                (of(Purpose::State), of(Purpose::ImaginaryState))
            };
            let drives = (&b.drives[outputs.clone()], &b.imaginary_drives[outputs.clone()]);
            let (states, imaginary) = (&mut next.states[outputs.clone()], &mut next.imaginary[outputs]);
            pull.states(drives, label, (nudge_re, nudge_im), random, (states, imaginary));
            for (i, value) in pull.pulls(drives, label, (nudge_re, nudge_im)).enumerate() {
                let (random, layers) = (random(i), d.output_layer());
                let (re, im) =
                    (pull.requantiser().of(value.0, random.0), pull.requantiser().of(value.1, random.1));
                show(requantised(layers, Quantity::State, re));
                show(requantised(layers, Quantity::ImaginaryState, im));
            }
            if pull.saturated(drives.1) > 0 {
                show(Inner::Beyond(d.output_layer()));
            }
        }
        b.previous = std::mem::replace(&mut b.now, next);
    }

    /// What the synapses see of the present states, real and imaginary parts, where a point of a circle is looked at.
    fn both_parts(
        &self,
        input: &[i32],
        b: &SampleStates,
        c: Coefficient,
    ) -> Option<(Activities, Activities)> {
        let is_point = matches!(c, Coefficient::Point(_));
        is_point.then(|| (self.activities(input, &b.now), self.imaginary(input, &b.now)))
    }

    /// What the synapses see of the imaginary parts at a moment.
    fn imaginary(&self, input: &[i32], moment: &Moment) -> Activities {
        let parts = Moment { states: moment.imaginary.clone(), ..moment.clone() };
        self.activities(&vec![0; input.len()], &parts)
    }

    /// All that drives the neurons of layer `l`: biases (or, of imaginary parts, none) and synapses from below, pooled, and
    /// synapses from above. Also the corners that the pool has chosen.
    fn totals(&self, activities: &Activities, l: usize, biased: bool) -> (Vec<i64>, Vec<u8>) {
        let d = self.design;
        let p = &d.datapath;
        let read = |layer: usize, row, tap| {
            i64::from(self.weights.layers[layer - 1].get(row, tap) >> p.dropped_bits)
        };
        let connection = d.network.connection(l);
        let mut sums = vec![0; connection.map().neurons()];
        for position in 0..connection.positions() {
            for row in 0..connection.rows() {
                let sum = &mut sums[connection.post(position, row)];
                let bias = if biased { read(l, row, connection.taps()) } else { 0 };
                *sum = bias << (p.activity_frac as u32 + p.bias_shift[l - 1]);
                for tap in 0..connection.taps() {
                    if let Some(pre) = connection.pre(position, tap) {
                        *sum += (read(l, row, tap) * activities.pre[l - 1][pre]) << p.weight_shift[l - 1];
                    }
                }
            }
        }
        let (mut totals, corners) = connection.pooled(&sums, |a, b| a + b);
        if l < d.output_layer() {
            let way_back = if d.has_separate_feedback() { backward_layer(d, l + 1) } else { l + 1 };
            let above = d.network.connection(l + 1);
            for (pre, total) in totals.iter_mut().enumerate() {
                for (position, tap) in above.uses(pre) {
                    for row in 0..above.rows() {
                        let post = activities.post[l + 1][above.post(position, row)];
                        *total += (read(way_back, row, tap) * post) << p.weight_shift[l];
                    }
                }
            }
        }
        (totals, corners)
    }

    /// `Re(c_k post pre)` of the present states at a synapse, in the place of rate times contrast.
    fn turned_contrast(
        &self,
        (real, imaginary): &(Activities, Activities),
        at: Synapse,
        c: (i64, i64),
    ) -> i64 {
        let Synapse { l, row, tap, is_bias } = at;
        let (pre_re, pre_im) = match is_bias {
            true => (1 << self.design.datapath.activity_frac, 0),
            false => (real.pre[l - 1][tap], imaginary.pre[l - 1][tap]),
        };
        (c.0 * pre_re - c.1 * pre_im) * real.post[l][row]
            - (c.0 * pre_im + c.1 * pre_re) * imaginary.post[l][row]
    }

    /// `w <- w + requantise(rate * contrast - decay * w)` over every synapse, and over those of the way back where they
    /// are separate: they lie beside the forward ones and share their random bits.
    fn learn(
        &mut self,
        seen: (&[i32], &[u32]),
        b: &SampleStates,
        update: Update,
        show: &mut impl FnMut(Inner),
    ) {
        self.learn_one_way(seen, b, (update, false), show);
        if self.design.has_separate_feedback() {
            self.learn_one_way(seen, b, (update, true), show);
        }
    }

    fn learn_one_way(
        &mut self,
        (input, active): (&[i32], &[u32]),
        b: &SampleStates,
        (update, back): (Update, bool),
        show: &mut impl FnMut(Inner),
    ) {
        let d = self.design;
        let p = &d.datapath;
        let terms = self.terms(input, b, if back { update.backward } else { update.forward });
        let turned = self.both_parts(input, b, update.coefficient);
        let key = step_key(d.seed, Purpose::Weight, self.sample, b.step);
        for (l, connection) in d.network.connections().skip(usize::from(back)) {
            // There is no bias on the way back.
            let bias = (!back).then_some(connection.taps());
            let keys = column_keys(connection, key, l);
            for tap in Visits::learning(active).taps(&d.network, l).chain(bias) {
                let is_bias = tap == connection.taps();
                let column_key = keys(tap);
                let format = if is_bias { d.synapses[l - 1].bias } else { d.synapses[l - 1].weight };
                let of = match (back, is_bias) {
                    (true, _) => Quantity::Back,
                    (_, true) => Quantity::Bias,
                    _ => Quantity::Weight,
                };
                for row in 0..connection.rows() {
                    let at = Synapse { l, row, tap, is_bias };
                    let gradient = self.rated(&terms, turned.as_ref(), at, b.rates, update.coefficient);
                    let random = lane_bits(column_key, row as u32);
                    let layer = &mut self.weights.layers[if back { backward_layer(d, l) } else { l } - 1];
                    let at = layer.at(row, tap);
                    let old = layer.raw[at];
                    let decay = (d.weight_decay.raw * i64::from(old)) << p.decay_shift;
                    let increment = d.weight_modes.rounding.apply(gradient - decay, p.update_shift, random);
                    layer.raw[at] = d.weight_modes.overflow.apply(i64::from(old) + increment, format) as i32;
                    let stage = Stage { layer: l, of };
                    show(Inner::Rounded(stage, gradient - decay, increment));
                    show(Inner::Limited(stage, i64::from(old) + increment));
                    if layer.raw[at] != old {
                        show(Inner::Learned { layer: l, row });
                    }
                }
            }
        }
    }

    /// Rate times contrast of a synapse; or, at a point of a circle, what stands in its place.
    fn rated(
        &self,
        terms: &Terms,
        turned: Option<&(Activities, Activities)>,
        at: Synapse,
        rates: usize,
        coefficient: Coefficient,
    ) -> i64 {
        let d = self.design;
        let rates = &d.datapath.rates[rates];
        match (coefficient, turned) {
            (Coefficient::Point(k), Some(parts)) => {
                self.turned_contrast(parts, at, rates.points[k as usize].of(at.l, at.is_bias))
            }
            _ => {
                let contrast = terms.contrast(at.l, d.network.connection(at.l), at.row, at.tap);
                let rate = rates.of(at.l, at.is_bias);
                contrast
                    * if coefficient.is_negative(is_negative(d.seed, self.sample)) { -rate } else { rate }
            }
        }
    }

    /// `sum <- sum + contrast` over every synapse of an active column; both ways back and forth share it.
    fn add_up(&mut self, input: &[i32], active: &[u32], b: &SampleStates, update: Update) {
        let d = self.design;
        let sign = if update.coefficient.is_negative(is_negative(d.seed, self.sample)) { -1 } else { 1 };
        let terms = self.terms(input, b, update.forward);
        let turned = self.both_parts(input, b, update.coefficient);
        for (l, connection) in d.network.connections() {
            for tap in Visits::learning(active).taps(&d.network, l).chain([connection.taps()]) {
                for row in 0..connection.rows() {
                    let at = Synapse { l, row, tap, is_bias: tap == connection.taps() };
                    let contrast = match update.coefficient {
                        Coefficient::Point(_) => {
                            self.rated(&terms, turned.as_ref(), at, b.rates, update.coefficient)
                        }
                        _ => terms.contrast(l, connection, row, tap),
                    };
                    self.sums[l - 1][self.weights.layers[l - 1].at(row, tap)] += sign * contrast;
                }
            }
        }
    }

    /// The activities that a contrast is made of.
    fn terms(&self, input: &[i32], b: &SampleStates, contrast: Contrast) -> Terms {
        let seen = |state| {
            self.activities(
                input,
                match state {
                    StateRef::Now => &b.now,
                    StateRef::Previous => &b.previous,
                    StateRef::Slot(k) => &b.slots[k],
                },
            )
        };
        Terms {
            post_a: seen(contrast.post_a),
            pre_a: seen(contrast.pre_a),
            post_b: seen(contrast.post_b),
            pre_b: seen(contrast.pre_b),
            one: 1 << self.design.datapath.activity_frac,
        }
    }

    /// `w <- w + requantise(rate * sum - decay * w); sum <- 0` over every synapse, those of zero inputs included; with
    /// momentum `v <- requantise(m v + rate * sum - decay * w)`, then `w <- w + requantise(v)`.
    fn apply(&mut self, b: &SampleStates, show: &mut impl FnMut(Inner)) {
        let d = self.design;
        let p = &d.datapath;
        let rates = &p.rates[b.rates];
        let key = |purpose| step_key(d.seed, purpose, self.sample, b.step);
        for (l, connection) in d.network.connections() {
            let keys = column_keys(connection, key(Purpose::Weight), l);
            let velocity_keys = column_keys(connection, key(Purpose::Velocity), l);
            for tap in 0..=connection.taps() {
                let is_bias = tap == connection.taps();
                let (column_key, velocity_key) = (keys(tap), velocity_keys(tap));
                // What a circle's points add up has its coefficients in it.
                let rate = if d.is_complex() { 1 } else { rates.of(l, is_bias) };
                let format = if is_bias { d.synapses[l - 1].bias } else { d.synapses[l - 1].weight };
                for row in 0..connection.rows() {
                    let at = self.weights.layers[l - 1].at(row, tap);
                    let gradient = rate * std::mem::take(&mut self.sums[l - 1][at]);
                    let random = lane_bits(column_key, row as u32);
                    let back = (d.has_separate_feedback() && l > 1 && !is_bias).then(|| backward_layer(d, l));
                    for layer in [Some(l), back].into_iter().flatten() {
                        let (weight, velocity) = match is_bias {
                            true => (Quantity::Bias, Quantity::BiasVelocity),
                            false if layer == l => (Quantity::Weight, Quantity::Velocity),
                            false => (Quantity::Back, Quantity::Velocity),
                        };
                        let [weight, velocity] = [weight, velocity].map(|of| Stage { layer: l, of });
                        let w = i64::from(self.weights.layers[layer - 1].raw[at]);
                        let gradient = gradient - ((d.weight_decay.raw * w) << p.decay_shift);
                        let (value, shift) = if let Some(m) = d.momentum {
                            let v = &mut self.weights.layers[velocity_layer(d, l) - 1].raw[at];
                            let kept = (m.factor.raw * i64::from(*v)) << p.momentum_shift;
                            let random_v = lane_bits(velocity_key, row as u32);
                            let shift = p.update_shift - m.finer as i32;
                            let rounded = d.weight_modes.rounding.apply(kept + gradient, shift, random_v);
                            *v = Overflow::Sat.apply(rounded, m.format(format)) as i32;
                            show(Inner::Rounded(velocity, kept + gradient, rounded));
                            show(Inner::Limited(velocity, rounded));
                            (i64::from(*v), m.finer as i32)
                        } else {
                            (gradient, p.update_shift)
                        };
                        let increment = d.weight_modes.rounding.apply(value, shift, random);
                        let new = d.weight_modes.overflow.apply(w + increment, format);
                        self.weights.layers[layer - 1].raw[at] = new as i32;
                        show(Inner::Rounded(weight, value, increment));
                        show(Inner::Limited(weight, w + increment));
                        if new != w {
                            show(Inner::Learned { layer: l, row });
                        }
                    }
                }
            }
        }
    }
}

fn requantised(layer: usize, of: Quantity, value: Requantised) -> Inner {
    Inner::Requantised(Stage { layer, of }, value)
}

/// A sample on its way through a program.
struct Sample<'a, 'd, O> {
    golden: &'a mut Golden<'d>,
    states: SampleStates,
    input: &'a [i32],
    /// Inputs that are not zero.
    active: Vec<u32>,
    label: u16,
    prediction: u16,
    stillness: Stillness,
    spared: Spared,
    observer: &'a mut O,
}

impl<O: Observer> Sample<'_, '_, O> {
    /// Shows a pass that is done, and goes on to the next.
    fn show(&mut self, relaxed: bool, learned: Learned) {
        let Moment { states, imaginary, corners } = &self.states.now;
        let moved = self.spared.moved(self.states.step, relaxed);
        let corners: &Vec<i32> = &corners.iter().map(|&corner| corner.into()).collect();
        self.observer.step(StepView {
            step: self.states.step,
            visits: Visits { active: &self.active, relaxed, learned, moved },
            records: Records {
                states,
                corners,
                drives: &self.states.drives,
                imaginary,
                imaginary_drives: &self.states.imaginary_drives,
            },
            weights: &self.golden.weights,
        });
        self.states.step += 1;
    }

    /// Before a pass that learns this contrast, and makes drives too or not: which neurons have moved, where it leaves out
    /// chunks in which none has. Learning those, too, changes nothing.
    fn note_moved(&mut self, contrast: Contrast, drives: bool) {
        let golden = &*self.golden;
        let network = &golden.design.network;
        if !self.stillness.skips().leaves_out_chunks(drives, network.depth()) {
            return;
        }
        let Terms { post_a, post_b, .. } = golden.terms(self.input, &self.states, contrast);
        let moved =
            network.layers().flat_map(|l| post_a.post[l].iter().zip(&post_b.post[l]).map(|(a, b)| a != b));
        self.spared.learn(self.states.step, moved);
    }
}

impl<O: Observer> Machine for Sample<'_, '_, O> {
    fn relax(&mut self, pass: Pass) -> u32 {
        if let Some(update) = pass.update {
            self.note_moved(update.forward, true);
            let seen = (self.input, &self.active[..]);
            self.golden.learn(seen, &self.states, update, &mut |inner| self.observer.inner(inner));
        }
        let before = self.states.previous.clone();
        let (given, show) = ((self.input, self.label), &mut |inner| self.observer.inner(inner));
        match pass.nudge {
            Nudge::Turned(k) => self.golden.turn(given, k, &mut self.states, show),
            nudge => self.golden.relax(given, (nudge, pass.at), &mut self.states, show),
        }
        let number = self.states.step;
        self.show(true, pass.learned());
        let SampleStates { now, previous, .. } = &self.states;
        let still = now == previous;
        let left_out = self.stillness.after(pass, Shown { changed: !still, differs: *now != before });
        let negative = is_negative(self.golden.design.seed, self.golden.sample);
        self.observer.inner(Inner::Passed { pass, negative, still, left_out });
        self.states.step += left_out;
        self.spared.add(number, left_out);
        1 + left_out
    }

    fn learn(&mut self, learning: Learning) {
        let update = learning.update;
        self.note_moved(update.forward, false);
        match learning.into {
            Destination::Weights => {
                let seen = (self.input, &self.active[..]);
                self.golden.learn(seen, &self.states, update, &mut |inner| self.observer.inner(inner));
            }
            Destination::Sums => self.golden.add_up(self.input, &self.active, &self.states, update),
        }
        self.show(false, learning.learned());
    }

    fn apply(&mut self) {
        self.golden.apply(&self.states, &mut |inner| self.observer.inner(inner));
        self.show(false, Learned::All);
    }

    fn save(&mut self, slot: usize) {
        self.states.slots[slot] = self.states.now.clone();
    }

    fn load(&mut self, slot: usize) {
        self.states.now = self.states.slots[slot].clone();
        self.stillness.loads();
    }

    fn read(&mut self) {
        let SampleStates { now, drives, .. } = &self.states;
        let design = self.golden.design;
        let readout = if self.golden.pull.is_some() { drives } else { &now.states };
        let outputs = &readout[design.network.span(design.output_layer())];
        let best = (0..outputs.len()).rev().max_by_key(|&i| outputs[i]).unwrap_or(0);
        self.prediction = best as u16;
        let tie = outputs.iter().filter(|&&output| output == outputs[best]).count() > 1;
        self.observer.inner(Inner::Read { tie });
    }
}
