//! A design's own rule against BPTT, layer by layer and step by step.

use super::{Curves, Example, Quantity, Trace};
use crate::design::Design;
use crate::oracle::bptt::gradients;
use crate::oracle::measure::{Agreement, rmse};
use crate::oracle::{FloatNetwork, Parameters};
use crate::reference::Weights;
use serde::Serialize;

/// BPTT and the rule's estimates on the same samples, means over them.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Mean loss at the end of the free phase.
    pub loss: f64,
    /// BPTT through the last K of T steps, in real numbers.
    pub bptt: Curves,
    /// The rule in real numbers.
    pub float: Curves,
    /// The rule as the bit-accurate model runs it.
    pub fixed: Curves,
    /// What the bit-accurate model's weights really learned, over the learning rate.
    pub learned: Parameters,
}

impl Comparison {
    /// Runs the samples (at least one) on the design's initial weights.
    pub fn of(design: &Design, examples: &[Example]) -> Comparison {
        let network = FloatNetwork::of(design);
        let weights = Weights::initial(design);
        let parameters = Parameters::real(design, &weights);
        let share = 1.0 / examples.len().max(1) as f64;
        let passes = |steps| design.order.passes(steps) as usize;
        let (free, back) = (passes(design.free_steps), passes(design.nudged_steps));
        let mut total: Option<Comparison> = None;
        for (example, trace) in examples.iter().zip(Trace::fixed(design, &weights, examples)) {
            let g =
                gradients(&network, &parameters, &example.real, &network.target(example.label), free, back);
            let loss = g.loss;
            let float =
                Curves::of_trace(&network, &example.real, &Trace::float(design, &parameters, example));
            let seen: Vec<f64> = example.raw.iter().map(|&r| design.input.to_real(i64::from(r))).collect();
            let mut learned = trace.learned.clone();
            learned.divide_layers(&network.learning_rates);
            let one = Comparison {
                loss,
                bptt: Curves::of_bptt(&network, g),
                float,
                fixed: Curves::of_trace(&network, &seen, &trace),
                learned,
            };
            match &mut total {
                None => {
                    let mut first = one;
                    first.loss *= share;
                    first.learned.scale(share);
                    for curves in [&mut first.bptt, &mut first.float, &mut first.fixed] {
                        curves.scale(share);
                    }
                    total = Some(first);
                }
                Some(sum) => {
                    sum.loss += share * one.loss;
                    sum.bptt.add_scaled(share, &one.bptt);
                    sum.float.add_scaled(share, &one.float);
                    sum.fixed.add_scaled(share, &one.fixed);
                    sum.learned.add_scaled(share, &one.learned);
                }
            }
        }
        let none = || Curves::of_bptt(&network, crate::oracle::bptt::Gradients::default());
        total.unwrap_or_else(|| Comparison {
            loss: 0.0,
            bptt: none(),
            float: none(),
            fixed: none(),
            learned: parameters.zero_like(),
        })
    }

    /// Number of synapse layers, L.
    pub fn layers(&self) -> usize {
        self.learned.layers.len()
    }

    /// Every layer, quantity and step.
    pub fn steps(&self) -> Vec<StepRow> {
        let mut rows = Vec::new();
        for quantity in Quantity::ALL {
            for layer in self.bptt.layers(quantity) {
                for t in 0..self.bptt.len() {
                    let truth = self.bptt.at(quantity, layer, t);
                    let of = |c: &Curves| {
                        Measures::of(&Agreement::of(
                            c.at(quantity, layer, t).iter().copied(),
                            truth.iter().copied(),
                        ))
                    };
                    let norm = truth.iter().map(|g| g * g).sum::<f64>().sqrt();
                    let (float, fixed) = (of(&self.float), of(&self.fixed));
                    rows.push(StepRow { quantity, layer, t, bptt_norm: norm, float, fixed });
                }
            }
        }
        rows
    }

    /// The angle Psi between the whole update and minus the gradient, over all weights, biases left out (Ernoult et al.
    /// 2020, figure 5).
    pub fn angles(&self) -> Angles {
        let all = |p: &Parameters| -> Vec<f64> {
            let layers = 1..=p.layers.len();
            layers
                .flat_map(|l| Quantity::SYNAPSES.map(|q| q.of(p, l)))
                .flat_map(|v| v.iter().copied())
                .collect()
        };
        let truth = self.bptt.sum();
        let angle = |estimate: Option<&Parameters>| {
            let cosine = Agreement::of(all(estimate?), all(truth.as_ref()?)).cosine()?;
            Some(cosine.acos().to_degrees())
        };
        Angles {
            float: angle(self.float.sum().as_ref()),
            fixed_states: angle(self.fixed.sum().as_ref()),
            fixed_learned: angle(Some(&self.learned)),
        }
    }

    /// Every layer's whole update, and how far apart the curves are.
    pub fn totals(&self) -> Vec<TotalRow> {
        let (Some(truth), Some(float), Some(fixed)) = (self.bptt.sum(), self.float.sum(), self.fixed.sum())
        else {
            return Vec::new();
        };
        let mut rows = Vec::new();
        for quantity in Quantity::LEARNED {
            for layer in self.bptt.layers(quantity) {
                let part = |p: &Parameters| quantity.of(p, layer).to_vec();
                let of = |p: &Parameters| Measures::of(&Agreement::of(part(p), part(&truth)));
                rows.push(TotalRow {
                    quantity,
                    layer,
                    float: of(&float),
                    fixed_states: of(&fixed),
                    fixed_learned: of(&self.learned),
                    rmse_float: mean_rmse(&self.float, &self.bptt, quantity, layer),
                    rmse_fixed: mean_rmse(&self.fixed, &self.bptt, quantity, layer),
                });
            }
        }
        rows
    }
}

/// The mean over a layer of [`rmse`] of its neurons' or synapses' curves.
pub fn mean_rmse(estimate: &Curves, truth: &Curves, quantity: Quantity, layer: usize) -> f64 {
    if truth.is_empty() {
        return 0.0;
    }
    let elements = truth.at(quantity, layer, 0).len();
    let one = |k| rmse(estimate.over_time(quantity, layer, k), truth.over_time(quantity, layer, k));
    (0..elements).map(one).sum::<f64>() / elements.max(1) as f64
}

/// How an estimate agrees with BPTT; nothing where there is nothing to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measures {
    /// `|estimate - BPTT| / |BPTT|`.
    pub relative_error: Option<f64>,
    /// Cosine of the angle between them.
    pub cosine: Option<f64>,
    /// Share of elements without opposite signs, 0 to 1.
    pub sign_agreement: Option<f64>,
}

impl Measures {
    /// Of gathered pairs.
    pub fn of(a: &Agreement) -> Measures {
        Measures {
            relative_error: a.relative_error(),
            cosine: a.cosine(),
            sign_agreement: a.sign_agreement(),
        }
    }
}

/// Degrees between an update and the way down; none where one of them vanishes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Angles {
    /// Real numbers.
    pub float: Option<f64>,
    /// What the fixed-point states ask for, before the update is rounded.
    pub fixed_states: Option<f64>,
    /// What the fixed-point weights really learned.
    pub fixed_learned: Option<f64>,
}

/// One quantity of one layer at one step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepRow {
    /// What is compared.
    pub quantity: Quantity,
    /// Layer, 1 to L.
    pub layer: usize,
    /// Steps since the nudge began, and steps back from the end of the free phase.
    pub t: usize,
    /// Norm of BPTT's.
    pub bptt_norm: f64,
    /// Real numbers.
    pub float: Measures,
    /// Fixed point.
    pub fixed: Measures,
}

/// The whole update of one layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TotalRow {
    /// Weights, those of the way back, or biases.
    pub quantity: Quantity,
    /// Layer, 1 to L.
    pub layer: usize,
    /// Real numbers.
    pub float: Measures,
    /// What the fixed-point states ask for, before the update is rounded.
    pub fixed_states: Measures,
    /// What the fixed-point weights really learned.
    pub fixed_learned: Measures,
    /// Mean RMSE of the curves of real numbers.
    pub rmse_float: f64,
    /// Mean RMSE of the fixed-point curves.
    pub rmse_fixed: f64,
}
