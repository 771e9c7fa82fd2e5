//! The update of a learning rule against the gradient, in real numbers and in fixed point.
//!
//! Ernoult et al. 2019 (arXiv 1905.13633) show that each step of the nudged phase gives what one step of
//! backpropagation through time gives: `(s_{t+1} - s_t) / beta` against `-dL/ds_{T-t}`, and the same for parameters,
//! as `beta` tends to 0; Ernoult et al. 2020 (arXiv 2005.04168) that it stays so while the weights move, as their
//! rates tend to 0. Here both sides are [`Curves`] over the steps `t`: [`compare`] holds a design's own rule, in real
//! numbers and as the bit-accurate model runs it, against BPTT; [`studies`] vary nudge, rates and formats.
//!
//! Signs: everything points where learning goes (`-dL/dtheta`).

pub mod circle;
pub mod compare;
mod curves;
pub mod files;
pub mod studies;
pub mod svg;
mod trace;

pub use curves::{Curves, Quantity};
pub use trace::Trace;

use crate::data::{Samples, quantise};
use crate::design::Design;
use crate::oracle::train::real_input;

/// A sample of a design's data, for both arithmetics.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Its place in the training set; keys its random bits.
    pub number: u32,
    /// What the synapses see of it in real numbers, one value per input neuron.
    pub real: Vec<f64>,
    /// The same in the input's format, raw.
    pub raw: Vec<i32>,
    /// Its class.
    pub label: u16,
}

/// `count` samples from `first` on; fewer where the set ends.
pub fn examples(design: &Design, samples: &Samples, first: usize, count: usize) -> Vec<Example> {
    let last = first.saturating_add(count).min(samples.len());
    let part = Samples {
        inputs: samples.inputs,
        form: samples.form.clone(),
        values: samples.values[first.min(last) * samples.inputs..last * samples.inputs].to_vec(),
        labels: samples.labels[first.min(last)..last].to_vec(),
    };
    let raw = quantise(design, &part);
    (0..part.len())
        .map(|k| Example {
            number: (first + k) as u32,
            real: real_input(design, &part, k),
            raw: raw.raw_of(k).to_vec(),
            label: part.label(k),
        })
        .collect()
}
