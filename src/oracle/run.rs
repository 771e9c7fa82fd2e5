//! Runs phase programs in real numbers.

use super::{FloatNetwork, Parameters, Stimulus};
use crate::rules::{Lesson, Op, Program, StateRef, Update, is_negative};

/// Is told what the oracle does. The methods default to nothing.
pub trait Watch {
    /// False lets the oracle skip what only a watcher needs.
    const WATCHES: bool = true;

    /// A relaxation begins, with this signed nudge, from these states.
    fn begins(&mut self, _nudge: f64, _states: &[f64]) {}

    /// A pass has been taken (a time step, or half of one); `drives` are those that made the new states.
    fn steps(&mut self, _drives: &[f64], _states: &[f64]) {}

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
    /// State vectors: before the first step, and after each.
    pub states: Vec<Vec<f64>>,
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
    fn begins(&mut self, nudge: f64, states: &[f64]) {
        self.phases.push(Phase { nudge, states: vec![states.to_vec()], increments: Vec::new() });
    }

    fn steps(&mut self, _drives: &[f64], states: &[f64]) {
        if let Some(phase) = self.phases.last_mut() {
            phase.states.push(states.to_vec());
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
    /// Keys the random sign of a sample.
    pub seed: u32,
    /// Samples seen: keys the random sign, too.
    pub sample: u32,
}

/// State vectors of one sample.
struct Bench {
    drives: Vec<f64>,
    now: Vec<f64>,
    previous: Vec<f64>,
    slots: Vec<Vec<f64>>,
    /// The set of learning rates.
    rates: usize,
}

impl Bench {
    fn of(&self, state: StateRef) -> &[f64] {
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
        let sums = (network.batch > 1).then(|| parameters.zero_like());
        Oracle { network, program, parameters, sums, seed, sample: 0 }
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
        let zero = vec![0.0; self.network.neuron_count()];
        let mut b = Bench {
            drives: zero.clone(),
            now: zero.clone(),
            previous: zero,
            slots: Vec::new(),
            rates: lesson.rates(),
        };
        let target = self.network.target(label);
        let negative = is_negative(self.seed, self.sample);
        let ops = self.program.ops(lesson).to_vec();
        let mut input_drive = self.network.input_drive(&self.parameters, input);
        let mut prediction = 0;
        for op in ops {
            match op {
                Op::Relax { passes, nudge, plasticity } => {
                    let nudge = nudge.sign(negative) as f64 * self.network.beta;
                    let stimulus = Stimulus { input, target: &target, nudge };
                    watch.begins(nudge, &b.now);
                    for pass in 0..passes {
                        self.network.drives_of_pass(
                            &self.parameters,
                            &input_drive,
                            &b.now,
                            pass,
                            &mut b.drives,
                        );
                        let next = self.network.next(&b.drives, &b.now, stimulus, pass);
                        b.previous = std::mem::replace(&mut b.now, next);
                        watch.steps(&b.drives, &b.now);
                        if let Some(update) = plasticity {
                            self.learn(input, &b, update, (negative, true), watch);
                            input_drive = self.network.input_drive(&self.parameters, input);
                        }
                    }
                }
                Op::Save { slot } => {
                    if b.slots.len() <= slot {
                        b.slots.resize(slot + 1, Vec::new());
                    }
                    b.slots[slot] = b.now.clone();
                }
                Op::Load { slot } => b.now = b.slots[slot].clone(),
                Op::Learn(update) if self.sums.is_some() => {
                    let factors = self.factors(update, negative, b.rates);
                    if let Some(sums) = &mut self.sums {
                        self.network.contrast(input, update, |r| b.of(r), &factors, sums);
                    }
                }
                Op::Apply => {
                    if let Some(sums) = &mut self.sums {
                        sums.add_scaled(-self.network.weight_decay, &self.parameters);
                        watch.learns(sums, false);
                        self.parameters.add_scaled(1.0, sums);
                        sums.scale(0.0);
                    }
                    input_drive = self.network.input_drive(&self.parameters, input);
                }
                Op::Learn(update) => {
                    self.learn(input, &b, update, (negative, false), watch);
                    input_drive = self.network.input_drive(&self.parameters, input);
                }
                Op::Read => prediction = self.network.prediction(&b.drives, &b.now),
            }
        }
        self.sample = self.sample.wrapping_add(1);
        prediction
    }

    /// What a contrast counts, layer by layer: the learning rate over the distance of the nudges and over the batch.
    fn factors(&self, update: Update, negative: bool, rates: usize) -> Vec<f64> {
        let n = &self.network;
        let sign = if update.by_sample && negative { -1.0 } else { 1.0 };
        let divisor = sign * n.nudge_distance * f64::from(n.batch);
        let left = n.rate_gamma.powi(rates as i32);
        n.learning_rates.iter().map(|eta| eta * left / divisor).collect()
    }

    /// `w += learning rate / distance of the nudges * contrast` over every synapse.
    fn learn<W: Watch>(
        &mut self,
        input: &[f64],
        b: &Bench,
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
            increment.scale_visited(input, -n.weight_decay, 0.0);
            n.contrast(input, update, states, &factors, &mut increment);
            watch.learns(&increment, with_plasticity);
            self.parameters.add_scaled(1.0, &increment);
        } else {
            if n.weight_decay != 0.0 {
                self.parameters.scale_visited(input, 1.0 - n.weight_decay, 1.0);
            }
            n.contrast(input, update, states, &factors, &mut self.parameters);
        }
    }
}
