//! Nudges on a circle in the complex plane (holomorphic EP, algorithms.md 4): how exact N points make the update, how large
//! their nudges may be, and what the form without phases needs.

use super::Example;
use super::compare::Measures;
use super::studies::Studied;
use crate::oracle::holomorphic::{Arrived, Holomorphic, hindrance, point};
use crate::oracle::measure::{Agreement, log_log_slope};
use crate::oracle::{FloatNetwork, Parameters};
use serde::Serialize;

/// Points on the circle.
pub const POINTS: [u32; 4] = [1, 2, 4, 8];
/// Steps at each point of the form without phases, and the periods after which it is looked at.
pub const STEPS: [usize; 5] = [5, 10, 20, 30, 40];
/// See [`STEPS`].
pub const PERIODS: [u32; 4] = [1, 2, 5, 10];
/// The published setting of the form without phases: points, strength of the nudge.
pub const WALK: (u32, f64) = (10, 0.4);
/// Errors that a slope is fitted to: neither where floats end nor where higher orders join.
const FITTED: (f64, f64) = (1e-11, 3e-2);
/// Steps of a phase, at least.
const LEAST_STEPS: usize = 80;
/// States that move by more after a whole phase have not settled.
const SETTLED: f64 = 1e-9;

/// Errors at one strength of the nudge.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PointsRow {
    /// Its magnitude, `|beta|`.
    pub beta: f64,
    /// Relative error of the whole update, for each of [`POINTS`].
    pub errors: Vec<Option<f64>>,
    /// The states have settled at every point.
    pub settled: bool,
}

/// The form without phases, so many steps at each point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WalkRow {
    /// Steps at each point.
    pub steps: usize,
    /// Agreement with the gradient after each of [`PERIODS`].
    pub after: Vec<Measures>,
}

/// How error, nudge and points belong together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CircleStudy {
    /// Errors over the nudge.
    pub rows: Vec<PointsRow>,
    /// Fitted exponents of `|beta|`, for each of [`POINTS`].
    pub slopes: Vec<Option<f64>>,
    /// The radius of convergence: where the errors of four and of eight points would meet.
    pub radius: Option<f64>,
    /// The form without phases.
    pub walk: Vec<WalkRow>,
    /// The neuron whose path is drawn (its number, and its layer), and its states round circles of these sizes.
    #[serde(skip)]
    pub path: Path,
}

/// A neuron's way round in the complex plane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// Its layer.
    pub layer: usize,
    /// Its number there.
    pub neuron: usize,
    /// Size of the nudge, and its states round the circle.
    pub circles: Vec<(f64, Vec<(f64, f64)>)>,
}

/// Why there is no such study of a design, if there is none.
pub fn missing(studied: &Studied) -> Option<&'static str> {
    hindrance(&FloatNetwork::of(&studied.design))
}

/// Studies a network that [`missing`] has nothing to say of.
pub fn circle(studied: &Studied, examples: &[Example]) -> CircleStudy {
    let truth = &studied.truth(examples);
    let network = FloatNetwork::of(&studied.design);
    let parameters = Parameters::initial(&studied.design);
    // Free, a hidden layer below a softmax read-out settles at once; nudged, it goes round a loop.
    let steps = (studied.design.free_steps as usize).max(LEAST_STEPS);
    let targets: Vec<Vec<f64>> = examples.iter().map(|e| network.target(e.label)).collect();
    let samples: Vec<Holomorphic> = examples
        .iter()
        .zip(&targets)
        .map(|(e, target)| Holomorphic::new(&network, &parameters, &e.real, target))
        .collect();
    let free: Vec<_> = samples.iter().map(|s| s.relax(&s.at_rest(), 0.0.into(), steps).states).collect();
    let share = 1.0 / samples.len().max(1) as f64;
    let mean = |of: &dyn Fn(usize) -> Parameters| {
        let mut sum = parameters.zero_like();
        (0..samples.len()).for_each(|k| sum.add_scaled(share, &of(k)));
        sum
    };
    let agreement = |found: &Parameters| Measures::of(&Agreement::of(found.values(), truth.values()));
    // The points of fewer are among those of the most.
    let most = POINTS[POINTS.len() - 1];
    let row = |beta: f64| {
        let round: Vec<Vec<Arrived>> =
            samples.iter().zip(&free).map(|(s, free)| s.upper_half(free, most, beta, steps)).collect();
        let error = |&points: &u32| {
            let estimate = mean(&|k| {
                let every = round[k].iter().step_by((most / points) as usize);
                let upper: Vec<_> =
                    every.take(points as usize / 2 + 1).map(|a| a.states.as_slice()).collect();
                samples[k].mean(&free[k], points, beta, &upper)
            });
            agreement(&estimate).relative_error
        };
        let settled = round.iter().flatten().all(|a| a.moved <= SETTLED);
        PointsRow { beta, errors: POINTS.iter().map(error).collect(), settled }
    };
    let rows: Vec<PointsRow> = (0..=14).map(|k| row(1e-3 * 10f64.powf(f64::from(k) / 4.0))).collect();
    let fits = |e: &f64| (FITTED.0..FITTED.1).contains(e);
    let slope = |n: usize| {
        let points: Vec<_> = rows.iter().filter_map(|r| Some((r.beta, r.errors[n].filter(fits)?))).collect();
        log_log_slope(&points)
    };
    let walk = STEPS.iter().map(|&steps| {
        let most = PERIODS[PERIODS.len() - 1];
        let mut sums = vec![parameters.zero_like(); PERIODS.len()];
        for sample in &samples {
            let after = sample.oscillate(WALK.0, WALK.1, steps, most);
            for (sum, periods) in sums.iter_mut().zip(PERIODS) {
                sum.add_scaled(share, &after[periods as usize - 1]);
            }
        }
        WalkRow { steps, after: sums.iter().map(agreement).collect() }
    });
    CircleStudy {
        slopes: (0..POINTS.len()).map(slope).collect(),
        radius: radius(&rows),
        walk: walk.collect(),
        path: path(&network, &samples[0], &free[0], steps),
        rows,
    }
}

/// The error of N points is the first coefficient that they do not cancel, `a_(N+1) |beta|^N`: four and eight points tell
/// `a_5` and `a_9`, and the radius of convergence by the ratio of the two. The median of those that tell.
fn radius(rows: &[PointsRow]) -> Option<f64> {
    let four = POINTS.iter().position(|&n| n == 4)?;
    let eight = POINTS.iter().position(|&n| n == 8)?;
    let of = |r: &PointsRow| {
        let (e4, e8) = (r.errors[four]?, r.errors[eight]?);
        (FITTED.0..FITTED.1).contains(&e8).then(|| r.beta * (e4 / e8).powf(0.25))
    };
    let mut all: Vec<f64> = rows.iter().filter_map(of).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

/// The way of that hidden neuron which goes furthest.
fn path(network: &FloatNetwork, sample: &Holomorphic, free: &[num_complex::Complex64], steps: usize) -> Path {
    const ROUND: u32 = 48;
    let round = |beta: f64| -> Vec<Vec<num_complex::Complex64>> {
        (0..ROUND).map(|k| sample.relax(free, point(beta, k, ROUND), steps).states).collect()
    };
    let circles: Vec<_> = [0.2, 0.4, 0.8].map(|beta| (beta, round(beta))).into_iter().collect();
    let hidden = 0..network.span(network.output_layer()).start;
    let reach = |at: &usize| circles[2].1.iter().map(|s| (s[*at] - free[*at]).norm()).fold(0.0, f64::max);
    let Some(at) = hidden.max_by(|a, b| reach(a).total_cmp(&reach(b))) else { return Path::default() };
    let layer = (1..=network.output_layer()).find(|&l| network.span(l).contains(&at)).unwrap_or(1);
    let closed = |states: &[Vec<num_complex::Complex64>]| {
        states.iter().chain(states.first()).map(|s| (s[at].re, s[at].im)).collect()
    };
    Path {
        layer,
        neuron: at - network.span(layer).start,
        circles: circles.iter().map(|(beta, states)| (*beta, closed(states))).collect(),
    }
}
