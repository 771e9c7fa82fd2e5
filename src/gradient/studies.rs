//! When does the update equal the gradient? Nudge, rates and formats varied, everything else held.
//!
//! The network studied is the design's with two changes that the theory asks for (algorithms 1.5): the nudge inside
//! the activation, because outside of it the output layer's `rho'` is missing from the update; and leaky instead of
//! energy-based dynamics, whose output layer has no `rho'` either. Phases are as long as they need to settle.

use super::compare::{Measures, mean_rmse};
use super::{Curves, Example, Quantity, Trace};
use crate::design::{
    Constant, Datapath, Design, Dynamics, Misfit, Neurons, NudgePlace, NudgeSign, Order, Readout, Rule,
};
use crate::fixed_point::Format;
use crate::oracle::bptt::{MOST_STEPS, at_fixed_point, gradients, settle};
use crate::oracle::measure::{Agreement, log_log_slope};
use crate::oracle::{FloatNetwork, Parameters};
use crate::reference::Weights;
use serde::Serialize;

/// States that move by less have settled: a few units in the last place of values around one.
const SETTLED: f64 = 1e-15;
/// Most steps of a phase in the bit-accurate model's study.
const MOST_FIXED_STEPS: usize = 400;

/// A design's network as the theory wants it.
#[derive(Clone, Debug)]
pub struct Studied {
    /// With phases long enough to settle.
    pub design: Design,
    /// Steps that the slowest sample took to settle; none if one did not.
    pub settles_in: Option<usize>,
}

impl Studied {
    /// Of a design, for these samples.
    pub fn of(design: &Design, examples: &[Example]) -> Studied {
        let mut design = design.clone();
        design.nudge_place = NudgePlace::Inside;
        design.nudge_sign = NudgeSign::Fixed;
        design.order = Order::Synchronous;
        if design.dynamics == Dynamics::Energy {
            design.dynamics = Dynamics::Leaky;
        }
        let network = FloatNetwork::of(&design);
        let parameters = Parameters::initial(&design);
        let steps = examples
            .iter()
            .map(|e| settle(&network, &parameters, &e.real, SETTLED))
            .map(|p| if p.moved <= SETTLED { p.steps } else { MOST_STEPS })
            .max()
            .unwrap_or(1);
        // Twice as long: what still creeps towards the end of its range has arrived, too.
        design.free_steps = 2 * steps as u32;
        Studied { design, settles_in: (steps < MOST_STEPS).then_some(steps) }
    }

    /// The design under another rule, nudge and length of the nudged phase.
    fn with(&self, rule: Rule, beta: f64, nudged_steps: u32) -> Design {
        let mut design = self.design.clone();
        design.rule = rule;
        // As fine as 16 bits hold it; the oracle takes it as it is.
        let frac = (15 - beta.abs().log2().floor() as i32).clamp(1, 28);
        let format = Format { signed: beta < 0.0, width: 16 + u32::from(beta < 0.0), frac };
        design.beta = Constant::nearest(beta, format);
        design.nudged_steps = nudged_steps;
        design
    }

    /// The mean over the samples of what a rule learns over its learning rate, in real numbers.
    fn estimate(&self, rule: Rule, beta: f64, nudged_steps: u32, examples: &[Example]) -> Parameters {
        let design = self.with(rule, beta, nudged_steps);
        let parameters = Parameters::initial(&design);
        let mut mean = parameters.zero_like();
        for e in examples {
            mean.add_scaled(1.0 / examples.len() as f64, &Trace::float(&design, &parameters, e).learned);
        }
        mean.divide_layers(&FloatNetwork::of(&design).learning_rates);
        mean
    }

    /// The mean over the samples of minus the true gradient.
    pub(super) fn truth(&self, examples: &[Example]) -> Parameters {
        let network = FloatNetwork::of(&self.design);
        let parameters = Parameters::initial(&self.design);
        let mut mean = parameters.zero_like();
        for e in examples {
            let point = settle(&network, &parameters, &e.real, SETTLED);
            let target = network.target(e.label);
            let (g, _) = at_fixed_point(&network, &parameters, &e.real, &target, &point.point);
            mean.add_scaled(-1.0 / examples.len() as f64, &g);
        }
        mean
    }
}

fn agreement(estimate: &Parameters, truth: &Parameters) -> Measures {
    Measures::of(&Agreement::of(estimate.values(), truth.values()))
}

/// One cell of the table of continual updates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ContinualRow {
    /// Strength of the nudge.
    pub beta: f64,
    /// Factor on the design's learning rates.
    pub rate_factor: f64,
    /// Mean over all weights and biases of their curves' distance to BPTT's.
    pub rmse: f64,
}

/// Theorem 1 of Ernoult et al. 2020: the curves of continual updates meet those of BPTT as nudge and rates tend to 0,
/// and part from them as the rates grow.
pub fn continual(studied: &Studied, nudged_steps: u32, examples: &[Example]) -> Vec<ContinualRow> {
    let network = FloatNetwork::of(&studied.design);
    let parameters = Parameters::initial(&studied.design);
    let mean = |curves: &dyn Fn(&Example) -> Curves| {
        let mut sum: Option<Curves> = None;
        for e in examples {
            match &mut sum {
                None => sum = Some(curves(e)),
                Some(sum) => sum.add_scaled(1.0, &curves(e)),
            }
        }
        sum
    };
    let steps = studied.design.free_steps as usize;
    let truth = mean(&|e| {
        let target = network.target(e.label);
        let g = gradients(&network, &parameters, &e.real, &target, steps, nudged_steps as usize);
        Curves::of_bptt(&network, g)
    });
    let Some(truth) = truth else { return Vec::new() };
    let own = studied.design.beta.wanted;
    let mut rows = Vec::new();
    for beta in [own, own * 1e-1, own * 1e-2, own * 1e-4] {
        for rate_factor in [1e-9, 1e-6, 1e-3, 1e-2, 1e-1, 1.0, 10.0] {
            let mut design = studied.with(Rule::Cep, beta, nudged_steps);
            design.synapses.iter_mut().for_each(|s| s.learning_rate *= rate_factor);
            let network = FloatNetwork::of(&design);
            let curves =
                mean(&|e| Curves::of_trace(&network, &e.real, &Trace::float(&design, &parameters, e)));
            let Some(curves) = curves else { continue };
            let (mut sum, mut elements) = (0.0, 0);
            for layer in 1..=design.output_layer() {
                for quantity in [Quantity::Weights, Quantity::Biases] {
                    let count = truth.at(quantity, layer, 0).len();
                    sum += count as f64 * mean_rmse(&curves, &truth, quantity, layer);
                    elements += count;
                }
            }
            rows.push(ContinualRow { beta, rate_factor, rmse: sum / elements.max(1) as f64 });
        }
    }
    rows
}

/// Errors at one strength of the nudge, in real numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NudgeRow {
    /// Strength of the nudge.
    pub beta: f64,
    /// Of EP with one nudged phase.
    pub one_sided: Measures,
    /// Of EP with symmetric nudging.
    pub symmetric: Measures,
}

/// How the error depends on the nudge.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NudgeStudy {
    /// Steps of free and nudged phase.
    pub steps: (u32, u32),
    /// Range of beta that the slopes are fitted over.
    pub fitted: (f64, f64),
    /// Exponent of beta in the one-sided error.
    pub one_sided_slope: Option<f64>,
    /// Exponent of beta in the symmetric error.
    pub symmetric_slope: Option<f64>,
    /// The errors.
    pub rows: Vec<NudgeRow>,
}

/// One-sided errors go as `beta`, symmetric ones as `beta^2` (Laborieux et al. 2021): fitted over three decades.
pub fn nudges(studied: &Studied, examples: &[Example]) -> NudgeStudy {
    // A nudged network settles about as fast as a free one.
    let nudged = studied.design.free_steps;
    let truth = studied.truth(examples);
    let fitted = (1e-4, 1e-1);
    let betas = (0..=16).map(|k| 1e-4 * 10f64.powf(f64::from(k) / 4.0));
    let rows: Vec<NudgeRow> = betas
        .map(|beta| NudgeRow {
            beta,
            one_sided: agreement(&studied.estimate(Rule::Ep, beta, nudged, examples), &truth),
            symmetric: agreement(&studied.estimate(Rule::SymmetricEp, beta, nudged, examples), &truth),
        })
        .collect();
    let slope = |of: &dyn Fn(&NudgeRow) -> Option<f64>| {
        let within = rows.iter().filter(|r| fitted.0 * 0.999 < r.beta && r.beta < fitted.1 * 1.001);
        let points: Vec<_> = within.filter_map(|r| of(r).map(|e| (r.beta, e))).collect();
        log_log_slope(&points)
    };
    NudgeStudy {
        steps: (studied.design.free_steps, nudged),
        fitted,
        one_sided_slope: slope(&|r| r.one_sided.relative_error),
        symmetric_slope: slope(&|r| r.symmetric.relative_error),
        rows,
    }
}

/// Errors of a number format at one strength of the nudge.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FormatRow {
    /// Fraction bits of states and drives; none for the design's own formats.
    pub frac: Option<i32>,
    /// Strength of the nudge.
    pub beta: f64,
    /// Of EP with one nudged phase.
    pub one_sided: Measures,
    /// Of EP with symmetric nudging.
    pub symmetric: Measures,
}

/// How far a smaller nudge helps in fixed point: errors of the bit-accurate model's states, per format and nudge.
///
/// States and drives have the format's fraction bits and room enough not to saturate; weights are the design's,
/// read with all their bits; the truth is that of the inputs as quantised. The design's own formats come last.
pub fn formats(studied: &Studied, examples: &[Example]) -> Result<Vec<FormatRow>, Misfit> {
    let quantised: Vec<Example> = examples
        .iter()
        .map(|e| {
            let real = e.raw.iter().map(|&r| studied.design.input.to_real(i64::from(r))).collect();
            Example { real, ..e.clone() }
        })
        .collect();
    let truth = studied.truth(&quantised);
    let mut rows = Vec::new();
    for frac in [4, 6, 8, 10, 12, 14, 16].into_iter().map(Some).chain([None]) {
        for beta in (0..=12).map(|k| 2f64.powi(-k)) {
            let measure = |rule| -> Result<Measures, Misfit> {
                let steps = studied.design.free_steps.min(MOST_FIXED_STEPS as u32);
                let mut design = studied.with(rule, beta, steps);
                design.free_steps = steps;
                if let Some(frac) = frac {
                    widen(&mut design, frac);
                }
                design.datapath = Datapath::derive(&design)?;
                let network = FloatNetwork::of(&design);
                let weights = Weights::initial(&design);
                let mut mean = Parameters::real(&design, &weights).zero_like();
                for (e, trace) in quantised.iter().zip(Trace::fixed(&design, &weights, &quantised)) {
                    if let Some(sum) = Curves::of_trace(&network, &e.real, &trace).sum() {
                        mean.add_scaled(1.0 / quantised.len() as f64, &sum);
                    }
                }
                Ok(agreement(&mean, &truth))
            };
            let (one_sided, symmetric) = (measure(Rule::Ep)?, measure(Rule::SymmetricEp)?);
            rows.push(FormatRow { frac, beta, one_sided, symmetric });
        }
    }
    Ok(rows)
}

/// States and drives of so many fraction bits, weights read whole.
fn widen(design: &mut Design, frac: i32) {
    let state = Format::signed((frac + 2) as u32, frac);
    let drive = Format::signed((frac + 4) as u32, frac);
    let widened = design.neurons.len() - usize::from(design.readout == Readout::Softmax);
    design.neurons[..widened].iter_mut().for_each(|n| *n = Neurons { state, drive });
    // The drives of a softmax read-out index a table of exponentials: they keep their format.
    design.neurons[widened..].iter_mut().for_each(|n| n.state = state);
    design.synapses.iter_mut().for_each(|s| s.weight_read = s.weight);
}
