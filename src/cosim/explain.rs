//! The operands behind a difference, from the executable specification: what the reference put together to get its
//! value.

use super::{Difference, Field};
use crate::design::Design;
use crate::fixed_point::Format;
use crate::network::{KeptRecords, Part, PartName};
use crate::reference::golden::Golden;
use crate::reference::neuron::NeuronUnit;
use crate::reference::train::{PlannedSample, TrainingData};
use crate::reference::weights::beside_layer;
use crate::reference::{Observer, SampleEnd, StepView, WeightSource, Weights};
use crate::rules::{Coefficient, Moments, Program, Spared, StateRef, is_negative};
use std::fmt::Write as _;

/// Keeps every step of one sample, and one weight.
struct Recorder {
    synapse: Option<(usize, usize, usize)>,
    steps: Vec<Step>,
    spared: Spared,
}

struct Step {
    /// Its number in the sample, those left out counted.
    number: u32,
    records: KeptRecords,
    weight: i64,
}

impl Observer for Recorder {
    fn step(&mut self, view: StepView<'_>) {
        let weight = self.synapse.map_or(0, |(l, row, column)| view.weights.weight(l, row, column).into());
        self.steps.push(Step { number: view.step, records: view.records.keep(), weight });
    }

    fn sample_end(&mut self, end: SampleEnd<'_>) {
        self.spared = end.spared.clone();
    }
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
    let beside = matches!(difference.field, Field::WeightBack | Field::Velocity);
    let memory_layer = if beside { beside_layer(design, l) } else { l };
    let synapse = (beside || difference.field == Field::Weight).then_some((memory_layer, neuron, column));
    let mut recorder = Recorder { synapse, steps: Vec::new(), spared: Spared::default() };
    let mut golden = Golden::new(design, weights.clone());
    golden.sample = sample.number;
    golden.run(&input, label, sample.lesson(), &mut recorder);
    let account = Account { design, sample, input: &input, steps: &recorder.steps, spared: &recorder.spared };
    match difference.field {
        Field::State | Field::Drive => account.neuron(l, neuron, difference.pass?),
        Field::Weight | Field::WeightBack | Field::Velocity => {
            let first = weights.weight(memory_layer, neuron, column).into();
            account.weight(difference, (l, neuron, column), first)
        }
        _ => None,
    }
}

/// What the reference did with a sample.
struct Account<'a> {
    design: &'a Design,
    sample: &'a PlannedSample,
    input: &'a [i32],
    steps: &'a [Step],
    spared: &'a Spared,
}

impl Account<'_> {
    /// The step with that number.
    fn step(&self, number: u32) -> Option<&Step> {
        self.steps.binary_search_by_key(&number, |step| step.number).ok().map(|at| &self.steps[at])
    }

    /// The step that was made before the one with that number.
    fn before(&self, number: u32) -> Option<&Step> {
        self.steps[..self.steps.partition_point(|step| step.number < number)].last()
    }

    fn neuron(&self, l: usize, neuron: usize, pass: u32) -> Option<String> {
        let step = self.step(pass)?.records.view();
        let before = self.before(pass).map(|s| s.records.view());
        let i = self.design.network.span(l).start + neuron;
        let real = |format: Format, raw: i32| format.to_real(raw.into());
        let drive = step.drives[i];
        let mut text =
            format!("reference: drive {drive} ({})", real(self.design.neurons[l - 1].drive, drive));
        for &Part { name, .. } in self.design.record().parts() {
            let (was, is) = (before.map_or(0, |b| b.of(name)[i]), step.of(name)[i]);
            let _ = write!(text, ", {name} {was} -> {is} ({})", real(self.design.format_of(name, l), is));
        }
        Some(text)
    }

    fn weight(
        &self,
        difference: &Difference,
        (l, neuron, column): (usize, usize, usize),
        first: i64,
    ) -> Option<String> {
        let (design, sample) = (self.design, self.sample);
        let pass = difference.pass?;
        let step = self.step(pass)?;
        let was = self.before(pass).map_or(first, |before| before.weight);
        let found = difference.found - was;
        let Some((update, moments)) = Program::of(design).update_at(sample.lesson(), pass, self.spared)
        else {
            return Some(format!(
                "reference: {was}, and {:+} at the batch's end; the hardware's increment is {found:+}; what its \
                 samples added up lies in `u_sums`",
                difference.expected - was,
            ));
        };
        let back = difference.field == Field::WeightBack;
        let contrast = if back { update.backward } else { update.forward };
        let p = &design.datapath;
        let is_bias = difference.from.is_none();
        let of = |part, state, l, i| self.activity(&moments, (part, state), l, i);
        let post = |state| of(PartName::State, state, l, neuron);
        let pre = |state| {
            if is_bias { Some(1 << p.activity_frac) } else { of(PartName::State, state, l - 1, column) }
        };
        let rates = &p.rates[sample.lesson().rates()];
        let learned = if let Coefficient::Point(k) = update.coefficient {
            // Both parts of c pre, and of post.
            let (re, im) = rates.points[k as usize].of(l, is_bias);
            let pre_im = if is_bias { 0 } else { of(PartName::Imaginary, contrast.pre_a, l - 1, column)? };
            let (pre, post_re) = (pre(contrast.pre_a)?, post(contrast.post_a)?);
            let post_im = of(PartName::Imaginary, contrast.post_a, l, neuron)?;
            format!("({} x {post_re} - {} x {post_im}", re * pre - im * pre_im, re * pre_im + im * pre)
        } else {
            let negative = update.coefficient.is_negative(is_negative(design.seed, sample.number));
            let rate = if negative { -rates.of(l, is_bias) } else { rates.of(l, is_bias) };
            let (a_post, a_pre) = (post(contrast.post_a)?, pre(contrast.pre_a)?);
            let (b_post, b_pre) = (post(contrast.post_b)?, pre(contrast.pre_b)?);
            format!("({rate} x ({a_post} x {a_pre} - {b_post} x {b_pre})")
        };
        let decay = match design.weight_decay.raw << p.decay_shift {
            0 => String::new(),
            decay => format!(" - {decay} x {was}"),
        };
        Some(format!(
            "reference: {was} + round({learned}{decay}) / 2^{}) = {}; the hardware's increment is {:+} instead of {:+}",
            p.update_shift,
            step.weight,
            found,
            step.weight - was
        ))
    }

    /// The activity of (a part of) a neuron in a state that an update looks at, on the common grid.
    fn activity(
        &self,
        moments: &Moments,
        (part, state): (PartName, StateRef),
        l: usize,
        i: usize,
    ) -> Option<i64> {
        let raw = if l == 0 {
            // Inputs are real.
            if part == PartName::Imaginary { 0 } else { i64::from(*self.input.get(i)?) }
        } else {
            let state = match moments.of(state) {
                Some(step) => {
                    let states = self.step(step)?.records.view().of(part);
                    *states.get(self.design.network.span(l).start + i)?
                }
                None => 0,
            };
            NeuronUnit::of(self.design, l).activity(state.into())
        };
        Some(raw << self.design.datapath.activity_shift[l])
    }
}
