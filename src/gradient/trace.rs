//! What a learning rule did to one sample, as real numbers, whichever arithmetic did it.

use super::Example;
use crate::design::Design;
use crate::network::Records;
use crate::oracle::{FloatNetwork, Moment, Oracle, Parameters, Phase, Record};
use crate::reference::fast::Fast;
use crate::reference::neuron::NeuronUnit;
use crate::reference::weights::backward_layer;
use crate::reference::{Observer, StepView, Weights};
use crate::rules::{Learning, Machine, Pass, Program, is_negative, run};

/// One sample's way through the training program.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The relaxations under a nudge, in order.
    pub phases: Vec<Phase>,
    /// What the synapses saw during each of them: as [`Phase::moments`], states through the activation where it comes after
    /// them.
    pub activities: Vec<Vec<Moment>>,
    /// All that was learned.
    pub learned: Parameters,
}

impl Trace {
    /// One sample by the oracle.
    pub fn float(design: &Design, parameters: &Parameters, example: &Example) -> Trace {
        let network = FloatNetwork::of(design);
        let mut oracle = Oracle::new(network, Program::of(design), parameters.clone(), design.seed);
        oracle.sample = example.number;
        let mut record = Record::default();
        oracle.run(&example.real, example.label, true, &mut record);
        let learned = record.learned.take().unwrap_or_else(|| parameters.zero_like());
        let phases: Vec<Phase> = record.phases.into_iter().filter(|p| p.nudge != 0.0).collect();
        let seen = |p: &Phase| p.moments.iter().map(|m| oracle.network.seen(m)).collect();
        let activities = phases.iter().map(seen).collect();
        Trace { phases, activities, learned }
    }

    /// Samples by the bit-accurate model, each from these weights. Nudges are those in use, `beta` as its format holds
    /// it (a validated design's is not zero).
    pub fn fixed<'a>(
        design: &'a Design,
        weights: &'a Weights,
        examples: &'a [Example],
    ) -> impl Iterator<Item = Trace> + 'a {
        // Tables are made once for all samples.
        let fresh = Fast::new(design, weights).making_every_pass();
        let units: Vec<NeuronUnit> = design.network.layers().map(|l| NeuronUnit::of(design, l)).collect();
        let initial = Parameters::real(design, weights);
        examples.iter().map(move |example| {
            let mut network = fresh.clone();
            network.set_sample(example.number);
            let mut seen = Seen::of(design, &units, initial.clone());
            network.run(&example.raw, example.label, true, &mut seen);
            Trace::of_seen(design, &initial, example, seen)
        })
    }

    /// Puts what was seen into the phases of the program.
    fn of_seen(design: &Design, initial: &Parameters, example: &Example, seen: Seen<'_>) -> Trace {
        let mut learned = seen.weights;
        learned.add_scaled(-1.0, initial);

        let zero = seen.resting.clone();
        let program = Program::of(design);
        let mut sorter = Sorter {
            states: seen.states.into_iter(),
            increments: seen.increments.into_iter(),
            slots: vec![zero.clone(); program.slots()],
            now: zero,
            phases: Vec::new(),
            beta: design.beta.effective(),
            negative: is_negative(design.seed, example.number),
        };
        run(&program.train, &mut sorter);
        let mut trace = Trace { phases: Vec::new(), activities: Vec::new(), learned };
        for Relaxation { nudge, moments, increments } in sorter.phases {
            if nudge != 0.0 {
                let (moments, activities) = moments.into_iter().unzip();
                trace.phases.push(Phase { nudge, moments, increments });
                trace.activities.push(activities);
            }
        }
        trace
    }
}

/// States and activities.
type At = (Moment, Moment);

/// A relaxation: before the first step, and after each.
struct Relaxation {
    nudge: f64,
    moments: Vec<At>,
    increments: Vec<Parameters>,
}

/// Puts what was seen, in order, where the program has made it.
struct Sorter {
    states: std::vec::IntoIter<At>,
    increments: std::vec::IntoIter<Parameters>,
    now: At,
    slots: Vec<At>,
    phases: Vec<Relaxation>,
    beta: f64,
    negative: bool,
}

impl Machine for Sorter {
    fn relax(&mut self, Pass { at, nudge, update, .. }: Pass) -> u32 {
        if at == 0 {
            let nudge = nudge.sign(self.negative) as f64 * self.beta;
            self.phases.push(Relaxation { nudge, moments: vec![self.now.clone()], increments: Vec::new() });
        }
        let increment = update.and_then(|_| self.increments.next());
        if let (Some(phase), Some(now)) = (self.phases.last_mut(), self.states.next()) {
            phase.increments.extend(increment);
            phase.moments.push(now.clone());
            self.now = now;
        }
        1
    }

    fn learn(&mut self, learning: Learning) {
        let increment = self.increments.next();
        if let Some(phase) = self.phases.last_mut().filter(|_| learning.ends_relaxation) {
            phase.increments.extend(increment);
        }
    }

    fn apply(&mut self) {}

    fn save(&mut self, slot: usize) {
        self.slots[slot] = self.now.clone();
    }

    fn load(&mut self, slot: usize) {
        self.now = self.slots[slot].clone();
    }

    fn read(&mut self) {}
}

/// Takes down every committed state and weight as real numbers.
struct Seen<'d> {
    design: &'d Design,
    units: &'d [NeuronUnit],
    /// Of the reset state.
    resting: At,
    /// States and activities after every time step.
    states: Vec<At>,
    weights: Parameters,
    /// Of every pass that learned.
    increments: Vec<Parameters>,
}

impl<'d> Seen<'d> {
    fn of(design: &'d Design, units: &'d [NeuronUnit], weights: Parameters) -> Self {
        let rest = vec![0; design.neuron_count()];
        let corners = vec![0; design.neuron_count()];
        let resting = real(
            design,
            units,
            Records {
                states: &rest,
                corners: &corners,
                drives: &rest,
                imaginary: &[],
                imaginary_drives: &[],
            },
        );
        Seen { design, units, resting, states: Vec::new(), weights, increments: Vec::new() }
    }
}

fn real(design: &Design, units: &[NeuronUnit], records: Records<'_>) -> At {
    let corners: Vec<u8> = records.corners.iter().map(|&corner| corner as u8).collect();
    let (mut states, mut activities) = (Vec::new(), Vec::new());
    let mut raw = records.states.iter().map(|&r| i64::from(r));
    for (l, unit) in (1..).zip(units) {
        for r in raw.by_ref().take(design.network.neurons(l)) {
            states.push(design.neurons[l - 1].state.to_real(r));
            activities.push(design.activity_format(l).to_real(unit.activity(r)));
        }
    }
    [states, activities].map(|states| Moment { states, corners: corners.clone() }).into()
}

impl Observer for Seen<'_> {
    fn step(&mut self, view: StepView<'_>) {
        if view.visits.relaxed {
            self.states.push(real(self.design, self.units, view.records));
        }
        if view.visits.learns() {
            let mut now = self.weights.zero_like();
            for (l, (layer, s)) in (1..).zip(now.layers.iter_mut().zip(&self.design.synapses)) {
                let mut lanes = vec![0; layer.post];
                for j in 0..=layer.pre {
                    view.weights.lanes(l, j, 0, &mut lanes);
                    let (line, format) = if j < layer.pre {
                        (&mut layer.forward[j * layer.post..][..layer.post], s.weight)
                    } else {
                        (&mut layer.bias[..], s.bias)
                    };
                    for (v, &raw) in line.iter_mut().zip(&lanes) {
                        *v = format.to_real(i64::from(raw));
                    }
                }
            }
            for (l, (layer, s)) in (1..).zip(now.layers.iter_mut().zip(&self.design.synapses)) {
                let Some(lines) = layer.backward.as_mut() else { continue };
                let mut lanes = vec![0; layer.post];
                for (j, line) in lines.chunks_exact_mut(layer.post).enumerate() {
                    view.weights.lanes(backward_layer(self.design, l), j, 0, &mut lanes);
                    line.iter_mut().zip(&lanes).for_each(|(v, &raw)| *v = s.weight.to_real(i64::from(raw)));
                }
            }
            let mut increment = now.clone();
            increment.add_scaled(-1.0, &self.weights);
            self.increments.push(increment);
            self.weights = now;
        }
    }
}
