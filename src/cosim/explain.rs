//! The operands behind a difference, from the executable specification: what the reference put together to get its
//! value.

use super::{Difference, Field};
use crate::design::Design;
use crate::reference::golden::Golden;
use crate::reference::neuron::NeuronUnit;
use crate::reference::train::{PlannedSample, TrainingData};
use crate::reference::{Observer, SampleEnd, StepView, Weights};
use crate::rules::{Op, Program};

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
    let column = difference.from.unwrap_or(*design.sizes.get(l.checked_sub(1)?)?);
    let synapse = (difference.field == Field::Weight).then_some((l, neuron, column));
    let mut recorder = Recorder { synapse, steps: Vec::new() };
    let mut golden = Golden::new(design, weights.clone());
    golden.sample = sample.number;
    golden.run(input, label, sample.train, &mut recorder);
    let at = difference.step as usize;
    let step = recorder.steps.get(at)?;
    let base = |l: usize| design.sizes[1..l].iter().sum::<usize>();
    match difference.field {
        Field::State | Field::Drive => {
            let i = base(l) + neuron;
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
        Field::Weight => {
            // a is the state the update looks at, b the one it is held against (rules: C-EP one step before, EP the
            // free phase's last).
            let continual = Program::of(design)
                .train
                .iter()
                .any(|op| matches!(op, Op::Relax { plasticity: Some(_), .. }));
            let a = at.checked_sub(1)?;
            let b = if continual { at.checked_sub(2)? } else { design.free_steps as usize - 1 };
            let was = recorder.steps.get(a)?.weight;
            let p = &design.datapath;
            let activity = |step: usize, l: usize, i: usize| -> Option<i64> {
                let raw = if l == 0 {
                    i64::from(*input.get(i)?)
                } else {
                    let state = *recorder.steps.get(step)?.states.get(base(l) + i)?;
                    NeuronUnit::of(design, l).activity(state.into())
                };
                Some(raw << p.activity_shift[l])
            };
            let is_bias = difference.from.is_none();
            let pre = |step| if is_bias { Some(1 << p.activity_frac) } else { activity(step, l - 1, column) };
            let rate = if is_bias { p.bias_rate[l - 1] } else { p.weight_rate[l - 1] };
            let (a_post, a_pre) = (activity(a, l, neuron)?, pre(a)?);
            let (b_post, b_pre) = (activity(b, l, neuron)?, pre(b)?);
            Some(format!(
                "reference: {was} + round({rate} x ({a_post} x {a_pre} - {b_post} x {b_pre}) / 2^{}) = {}; the hardware's increment is {:+} instead of {:+}",
                p.update_shift,
                step.weight,
                difference.found - was,
                step.weight - was
            ))
        }
        _ => None,
    }
}
