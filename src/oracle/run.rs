//! Runs phase programs in real numbers.

use super::holomorphic::{self, Holomorphic};
use super::{Drives, FloatNetwork, Moment, Parameters, Stimulus};
use crate::fixed_point::{Gaussian, Purpose, absorb, row_bits, step_key};
use crate::rules::{
    Coefficient, Destination, Learning, Lesson, Machine, Nudge, Pass, Program, StateRef, Update, is_negative,
    run,
};
use num_complex::Complex64;

/// Is told what the oracle does. The methods default to nothing.
pub trait Watch {
    /// False lets the oracle skip what only a watcher needs.
    const WATCHES: bool = true;

    /// A relaxation begins, with this signed nudge, from these states.
    fn begins(&mut self, _nudge: f64, _now: &Moment) {}

    /// A pass has been taken (a time step, or half of one); `drives` are those that made the new states.
    fn steps(&mut self, _drives: &[f64], _now: &Moment) {}

    /// Synapses have learned this much: after a time step, with plasticity, or in a pass of their own.
    fn learns(&mut self, _increment: &Parameters, _with_plasticity: bool) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    const WATCHES: bool = false;
}

/// One relaxation, as it went.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Signed strength of the nudge, zero when free.
    pub nudge: f64,
    /// Before the first step, and after each.
    pub moments: Vec<Moment>,
    /// What synapses learned, step by step (rules with plasticity only).
    pub increments: Vec<Parameters>,
}

/// Everything that happened to a sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The relaxations, in order.
    pub phases: Vec<Phase>,
    /// The sum of all that synapses learned; none if they did not.
    pub learned: Option<Parameters>,
}

impl Record {
    /// The relaxations under a nudge.
    pub fn nudged(&self) -> impl Iterator<Item = &Phase> {
        self.phases.iter().filter(|p| p.nudge != 0.0)
    }
}

impl Watch for Record {
    fn begins(&mut self, nudge: f64, now: &Moment) {
        self.phases.push(Phase { nudge, moments: vec![now.clone()], increments: Vec::new() });
    }

    fn steps(&mut self, _drives: &[f64], now: &Moment) {
        if let Some(phase) = self.phases.last_mut() {
            phase.moments.push(now.clone());
        }
    }

    fn learns(&mut self, increment: &Parameters, with_plasticity: bool) {
        match &mut self.learned {
            Some(sum) => sum.add_scaled(1.0, increment),
            None => self.learned = Some(increment.clone()),
        }
        if let Some(phase) = self.phases.last_mut().filter(|_| with_plasticity) {
            phase.increments.push(increment.clone());
        }
    }
}

/// A network, what it knows, and the rule by which it learns.
#[derive(Clone, Debug)]
pub struct Oracle {
    /// The network.
    pub network: FloatNetwork,
    /// The rule.
    pub program: Program,
    /// What it knows.
    pub parameters: Parameters,
    /// What the samples of a batch have added up so far; none where a batch is one sample.
    sums: Option<Parameters>,
    /// What the last updates left to the next, with momentum.
    pub velocities: Option<Parameters>,
    /// Keys the random sign of a sample.
    pub seed: u32,
    /// Samples seen: keys the random sign, too.
    pub sample: u32,
    /// The noise of the bit-accurate model, on a grid too fine to be seen.
    noise: Option<Gaussian>,
}

/// Fraction bits of the grid of noise.
const NOISE_FRAC: i32 = 40;

/// What one sample goes through.
struct SampleStates {
    drives: Drives,
    now: Moment,
    previous: Moment,
    slots: Vec<Moment>,
    /// Present and saved states as complex numbers, where a nudge goes round a circle; else empty.
    turned: Vec<Complex64>,
    turned_slots: Vec<Vec<Complex64>>,
    /// The set of learning rates.
    rates: usize,
    /// Passes so far: keys the noise.
    step: u32,
}

impl SampleStates {
    fn of(&self, state: StateRef) -> &Moment {
        match state {
            StateRef::Now => &self.now,
            StateRef::Previous => &self.previous,
            StateRef::Slot(k) => &self.slots[k],
        }
    }
}

impl Oracle {
    /// An oracle that has seen nothing.
    pub fn new(network: FloatNetwork, program: Program, parameters: Parameters, seed: u32) -> Oracle {
        let velocities = network.momentum.map(|_| parameters.zero_like());
        let accumulates = network.circle.is_some_and(|circle| circle.accumulates);
        let sums = (network.batch > 1 || accumulates || velocities.is_some()).then(|| parameters.zero_like());
        let noise = (network.noise > 0.0).then(|| Gaussian::of(network.noise, NOISE_FRAC));
        Oracle { network, program, parameters, sums, velocities, seed, sample: 0, noise }
    }

    /// Runs one sample through the training or the inference program, from states of zero, and returns the
    /// prediction. `input` holds what the synapses see of the input, one value per input neuron.
    pub fn run(
        &mut self,
        input: &[f64],
        label: u16,
        lesson: impl Into<Lesson>,
        watch: &mut impl Watch,
    ) -> u16 {
        let lesson = lesson.into();
        let input_drive = self.network.input_drive(&self.parameters, input);
        let rest = self.network.at_rest(&self.parameters, &input_drive);
        let states = SampleStates {
            drives: Drives::zero(&self.network),
            now: rest.clone(),
            previous: rest,
            slots: Vec::new(),
            turned: match self.network.circle {
                Some(_) => vec![Complex64::ZERO; self.network.neuron_count()],
                None => Vec::new(),
            },
            turned_slots: Vec::new(),
            rates: lesson.rates(),
            step: 0,
        };
        let negative = is_negative(self.seed, self.sample);
        let target = self.network.target(label);
        let ops = self.program.ops(lesson).to_vec();
        let mut sample =
            Sample { oracle: self, states, input, input_drive, target, negative, prediction: 0, watch };
        run(&ops, &mut sample);
        let prediction = sample.prediction;
        self.sample = self.sample.wrapping_add(1);
        prediction
    }

    /// Noise on the drives of a step, neuron by neuron.
    fn noise(&self, step: u32) -> Option<Vec<f64>> {
        let table = self.noise.as_ref()?;
        let key = step_key(self.seed, Purpose::Noise, self.sample, step);
        let layer = |l: usize| {
            let key = absorb(key, (l as u32) << 16);
            let one = move |i: usize| table.at(row_bits(key, i as u32)) as f64 / 2f64.powi(NOISE_FRAC);
            (0..self.network.span(l).len()).map(one)
        };
        Some((1..=self.network.output_layer()).flat_map(layer).collect())
    }

    /// What a contrast counts, layer by layer: the learning rate over the distance of the nudges and over the batch.
    fn factors(&self, update: Update, negative: bool, rates: usize) -> Vec<f64> {
        let n = &self.network;
        let sign = if update.coefficient.is_negative(negative) { -1.0 } else { 1.0 };
        let divisor = sign * n.nudge_distance * f64::from(n.batch);
        let left = n.rate_gamma.powi(rates as i32);
        n.learning_rates.iter().map(|eta| eta * left / divisor).collect()
    }

    /// `into += learning rate / beta_k * Re(dPhi/dtheta) / N` at point `k` of the circle, as often as it counts.
    fn add_point(
        &self,
        input: (&[f64], &[f64]),
        target: &[f64],
        b: &SampleStates,
        k: u32,
        into: &mut Parameters,
    ) {
        let n = &self.network;
        let Some(circle) = n.circle else { return };
        let counts = circle.visited().find(|(point, _)| *point == k).map_or(0, |(_, counts)| counts);
        let round = f64::from(circle.points * circle.periods.unwrap_or(1) * n.batch);
        let common = f64::from(counts) / (holomorphic::point(n.beta, k, circle.points) * round);
        let left = n.rate_gamma.powi(b.rates as i32);
        let states = Holomorphic::driven(n, &self.parameters, input, target);
        states.add_products_by(&b.turned, |l| common * n.learning_rates[l - 1] * left, into);
    }

    /// `w += learning rate / distance of the nudges * contrast` over every synapse.
    fn learn<W: Watch>(
        &mut self,
        input: &[f64],
        b: &SampleStates,
        update: Update,
        (negative, with_plasticity): (bool, bool),
        watch: &mut W,
    ) {
        let factors = self.factors(update, negative, b.rates);
        let n = &self.network;
        let states = |r| b.of(r);
        if W::WATCHES {
            // The increment by itself: smaller ones than the weights can resolve are still seen.
            let mut increment = self.parameters.clone();
            increment.scale_visited(&n.network, input, -n.weight_decay, 0.0);
            n.contrast(input, update, states, &factors, &mut increment);
            watch.learns(&increment, with_plasticity);
            self.parameters.add_scaled(1.0, &increment);
        } else {
            if n.weight_decay != 0.0 {
                self.parameters.scale_visited(&n.network, input, 1.0 - n.weight_decay, 1.0);
            }
            n.contrast(input, update, states, &factors, &mut self.parameters);
        }
    }
}

/// A sample on its way through a program.
struct Sample<'a, W> {
    oracle: &'a mut Oracle,
    states: SampleStates,
    input: &'a [f64],
    /// What the input drives layer 1 with.
    input_drive: Vec<f64>,
    target: Vec<f64>,
    /// The random sign of the sample is minus.
    negative: bool,
    prediction: u16,
    watch: &'a mut W,
}

impl<W: Watch> Sample<'_, W> {
    fn nudge(&self, nudge: Nudge) -> f64 {
        nudge.sign(self.negative) as f64 * self.oracle.network.beta
    }

    fn learns(&mut self, update: Update, with_plasticity: bool) {
        let how = (self.negative, with_plasticity);
        self.oracle.learn(self.input, &self.states, update, how, self.watch);
        self.weights_changed();
    }

    /// What synapses learn at point `k` of the circle.
    fn learns_at(&mut self, k: u32, into: Destination) {
        let oracle = &mut *self.oracle;
        let driven = (self.input, &self.input_drive[..]);
        let mut increment = oracle.parameters.zero_like();
        oracle.add_point(driven, &self.target, &self.states, k, &mut increment);
        if let (Destination::Sums, Some(sums)) = (into, &mut oracle.sums) {
            return sums.add_scaled(1.0, &increment);
        }
        let mut decay = oracle.parameters.clone();
        decay.scale_visited(&oracle.network.network, self.input, -oracle.network.weight_decay, 0.0);
        increment.add_scaled(1.0, &decay);
        self.watch.learns(&increment, false);
        oracle.parameters.add_scaled(1.0, &increment);
        self.weights_changed();
    }

    fn weights_changed(&mut self) {
        let Oracle { network, parameters, .. } = &*self.oracle;
        self.input_drive = network.input_drive(parameters, self.input);
        network.place(parameters, &self.input_drive, &mut self.states.now);
    }
}

impl<W: Watch> Machine for Sample<'_, W> {
    fn relax(&mut self, Pass { at, nudge, update, .. }: Pass) -> u32 {
        if at == 0 {
            self.watch.begins(self.nudge(nudge), &self.states.now);
        }
        if let Some(update) = update {
            self.learns(update, true);
        }
        let noise = self.oracle.noise(self.states.step).filter(|_| nudge != Nudge::None);
        let stimulus = Stimulus {
            input: self.input,
            target: &self.target,
            nudge: self.nudge(nudge),
            noise: noise.as_deref(),
        };
        let (oracle, s) = (&*self.oracle, &mut self.states);
        if let (Nudge::Turned(k), Some(circle)) = (nudge, oracle.network.circle) {
            let driven = (self.input, &self.input_drive[..]);
            let turning = Holomorphic::driven(&oracle.network, &oracle.parameters, driven, &self.target);
            let nudge = holomorphic::point(oracle.network.beta, k, circle.points);
            let (drives, next) = turning.noisy_step(&s.turned, nudge, noise.as_deref().unwrap_or(&[]));
            s.drives.values.iter_mut().zip(drives).for_each(|(to, drive)| *to = drive.re);
            s.now.states.iter_mut().zip(&next).for_each(|(to, state)| *to = state.re);
            s.turned = next;
            s.step += 1;
            self.watch.steps(&s.drives.values, &s.now);
            return 1;
        }
        let before = (&s.now, &mut s.drives);
        let next = oracle.network.step(&oracle.parameters, &self.input_drive, before, stimulus, at);
        s.previous = std::mem::replace(&mut s.now, next);
        s.turned.iter_mut().zip(&s.now.states).for_each(|(to, &state)| *to = state.into());
        s.step += 1;
        self.watch.steps(&s.drives.values, &s.now);
        1
    }

    fn learn(&mut self, Learning { update, into, ends_relaxation }: Learning) {
        self.states.step += 1;
        if let Coefficient::Point(k) = update.coefficient {
            return self.learns_at(k, into);
        }
        if into == Destination::Weights {
            return self.learns(update, ends_relaxation);
        }
        let (oracle, s) = (&mut *self.oracle, &self.states);
        let factors = oracle.factors(update, self.negative, s.rates);
        if let Some(sums) = &mut oracle.sums {
            oracle.network.contrast(self.input, update, |r| s.of(r), &factors, sums);
        }
    }

    fn apply(&mut self) {
        self.states.step += 1;
        let oracle = &mut *self.oracle;
        if let Some(sums) = &mut oracle.sums {
            sums.add_scaled(-oracle.network.weight_decay, &oracle.parameters);
            self.watch.learns(sums, false);
            match (&mut oracle.velocities, oracle.network.momentum) {
                (Some(velocities), Some(left)) => {
                    velocities.scale(left);
                    velocities.add_scaled(1.0, sums);
                    oracle.parameters.add_scaled(1.0, velocities);
                }
                _ => oracle.parameters.add_scaled(1.0, sums),
            }
            sums.scale(0.0);
        }
        self.weights_changed();
    }

    fn save(&mut self, slot: usize) {
        let slots = &mut self.states.slots;
        if slots.len() <= slot {
            slots.resize(slot + 1, Moment::default());
        }
        slots[slot] = self.states.now.clone();
        let slots = &mut self.states.turned_slots;
        if slots.len() <= slot {
            slots.resize(slot + 1, Vec::new());
        }
        slots[slot].clone_from(&self.states.turned);
    }

    fn load(&mut self, slot: usize) {
        self.states.now = self.states.slots[slot].clone();
        self.states.turned = self.states.turned_slots[slot].clone();
    }

    fn read(&mut self) {
        self.prediction = self.oracle.network.prediction(&self.states.drives.values, &self.states.now.states);
    }
}
