//! The operands behind a difference, from the executable specification: what the reference put together to get its
//! value.

use super::{Difference, Field};
use crate::design::Design;
use crate::reference::golden::Golden;
use crate::reference::neuron::NeuronUnit;
use crate::reference::train::{PlannedSample, TrainingData};
use crate::reference::weights::backward_layer;
use crate::reference::{Observer, SampleEnd, StepView, WeightSource, Weights};
use crate::rules::{Program, StateRef, is_negative};

/// Keeps every step of one sample, and one weight.
struct Recorder {
    synapse: Option<(usize, usize, usize)>,
    steps: Vec<Step>,
}

struct Step {
    states: Vec<i32>,
    drives: Vec<i32>,
    weight: i64,
}

impl Observer for Recorder {
    fn step(&mut self, view: StepView<'_>) {
        let weight = self.synapse.map_or(0, |(l, row, column)| view.weights.weight(l, row, column).into());
        self.steps.push(Step { states: view.states.to_vec(), drives: view.drives.to_vec(), weight });
    }

    fn sample_end(&mut self, _end: SampleEnd) {}
}

/// One sentence on how the reference came to its value; `None` where there is nothing to add.
pub fn operands(
    design: &Design,
    data: &TrainingData,
    before: &(Weights, PlannedSample),
    difference: &Difference,
) -> Option<String> {
    let (weights, sample) = before;
    let (input, label) = data.sample(*sample);
    let (l, neuron) = (difference.layer, difference.neuron?);
    if !design.network.layers().contains(&l) {
        return None;
    }
    let column = difference.from.unwrap_or(design.network.connection(l).taps());
    let back = difference.field == Field::WeightBack;
    let memory_layer = if back { backward_layer(design, l) } else { l };
    let synapse = (back || difference.field == Field::Weight).then_some((memory_layer, neuron, column));
    let mut recorder = Recorder { synapse, steps: Vec::new() };
    let mut golden = Golden::new(design, weights.clone());
    golden.sample = sample.number;
    golden.run(input, label, sample.lesson(), &mut recorder);
    let pass = difference.pass?;
    let at = pass as usize;
    let step = recorder.steps.get(at)?;
    match difference.field {
        Field::State | Field::Drive => {
            let i = design.network.span(l).start + neuron;
            let was = at.checked_sub(1).and_then(|a| recorder.steps.get(a)).map_or(0, |s| s.states[i]);
            let n = design.neurons[l - 1];
            Some(format!(
                "reference: drive {} ({}), state {was} -> {} ({})",
                step.drives[i],
                n.drive.to_real(step.drives[i].into()),
                step.states[i],
                n.state.to_real(step.states[i].into())
            ))
        }
        Field::Weight | Field::WeightBack => {
            let was = match at.checked_sub(1) {
                Some(before) => recorder.steps.get(before)?.weight,
                None => weights.weight(memory_layer, neuron, column).into(),
            };
            let found = difference.found - was;
            let Some((update, moments)) = Program::of(design).update_at(sample.lesson(), pass) else {
                return Some(format!(
                    "reference: {was}, and {:+} at the batch's end; the hardware's increment is {found:+}; what its \
                     samples added up lies in `u_sums`",
                    difference.expected - was,
                ));
            };
            let contrast = if back { update.backward } else { update.forward };
            let p = &design.datapath;
            let activity = |state: StateRef, l: usize, i: usize| -> Option<i64> {
                let raw = if l == 0 {
                    i64::from(*input.get(i)?)
                } else {
                    let state = match moments.of(state) {
                        Some(step) => *recorder
                            .steps
                            .get(step as usize)?
                            .states
                            .get(design.network.span(l).start + i)?,
                        None => 0,
                    };
                    NeuronUnit::of(design, l).activity(state.into())
                };
                Some(raw << p.activity_shift[l])
            };
            let is_bias = difference.from.is_none();
            let pre =
                |state| if is_bias { Some(1 << p.activity_frac) } else { activity(state, l - 1, column) };
            let rate = p.rates[sample.lesson().rates()].of(l, is_bias);
            let negative = update.coefficient.is_negative(is_negative(design.seed, sample.number));
            let rate = if negative { -rate } else { rate };
            let (a_post, a_pre) = (activity(contrast.post_a, l, neuron)?, pre(contrast.pre_a)?);
            let (b_post, b_pre) = (activity(contrast.post_b, l, neuron)?, pre(contrast.pre_b)?);
            let decay = match design.weight_decay.raw << p.decay_shift {
                0 => String::new(),
                decay => format!(" - {decay} x {was}"),
            };
            Some(format!(
                "reference: {was} + round(({rate} x ({a_post} x {a_pre} - {b_post} x {b_pre}){decay}) / 2^{}) = {}; the hardware's increment is {:+} instead of {:+}",
                p.update_shift,
                step.weight,
                found,
                step.weight - was
            ))
        }
        _ => None,
    }
}
