//! The gradient by backpropagation through time, written out by hand: reverse mode through the same step function.
//!
//! Time runs backwards: entry `t` belongs to `t` steps before the end of the free phase, as in Ernoult et al. 2019.
//! `L` is that of what the read-out shows after the last step ([`FloatNetwork::loss`]). A softmax read-out shows its drives:
//! they stand where others have their output states, which is how its pull, one step behind them, lines up with them.

use super::{Drives, FloatNetwork, Moment, Parameters};
use crate::design::Order;

/// Most steps taken in search of a fixed point.
pub const MOST_STEPS: usize = 20_000;

/// States that no longer move.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// Where they are.
    pub point: Moment,
    /// Steps it took from states of zero.
    pub steps: usize,
    /// Largest movement of a state in the last step.
    pub moved: f64,
}

/// Gradients of one sample's loss, step by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gradients {
    /// The loss.
    pub loss: f64,
    /// `states[t]`: `dL/ds` of the states `t` passes before the end, one value per neuron (of a softmax read-out's drives);
    /// `t` from 0 to K.
    pub states: Vec<Vec<f64>>,
    /// `parameters[t]`: `dL/dtheta` of the pass that made the states `t` passes before the end; `t` from 0 to K - 1.
    pub parameters: Vec<Parameters>,
}

impl Gradients {
    /// The whole gradient: all steps' sum.
    pub fn sum(&self) -> Option<Parameters> {
        let (first, others) = self.parameters.split_first()?;
        let mut sum = first.clone();
        for p in others {
            sum.add_scaled(1.0, p);
        }
        Some(sum)
    }
}

/// The gradient through the last `back` of `passes` free passes from states of zero (`back` is at most `passes`). A pass
/// is a time step, or half of one ([`Order`]).
pub fn gradients(
    network: &FloatNetwork,
    parameters: &Parameters,
    input: &[f64],
    target: &[f64],
    passes: usize,
    back: usize,
) -> Gradients {
    let back = back.min(passes);
    let input_drive = network.input_drive(parameters, input);
    let stimulus = super::Stimulus { input, target, nudge: 0.0, noise: None };
    let mut now = network.at_rest(parameters, &input_drive);
    let mut drives = Drives::zero(network);
    let mut shown = vec![0.0; target.len()];
    let mut tape = Vec::with_capacity(back);
    for pass in 0..passes {
        let next = network.step(parameters, &input_drive, (&now, &mut drives), stimulus, pass as u32);
        if !network.order.holds(pass as u32, network.output_layer()) {
            shown.copy_from_slice(network.shown(&drives.values, &next.states));
        }
        let before = std::mem::replace(&mut now, next);
        if pass + back >= passes {
            tape.push((before, drives.clone(), pass as u32));
        }
    }
    let mut g = Gradients {
        loss: network.loss(&shown, target),
        states: vec![error(network, &shown, target)],
        parameters: Vec::with_capacity(back),
    };
    let mut after = g.states[0].clone();
    for (before, drives, pass) in tape.iter().rev() {
        let (by_state, by_drive) = network.backwards(parameters, before, drives, &after, *pass);
        let mut by_parameters = parameters.zero_like();
        network.by_parameters(input, before, (&by_drive, &drives.corners), &mut by_parameters);
        g.parameters.push(by_parameters);
        g.states.push(by_state.clone());
        after = by_state;
    }
    g
}

/// Free steps until no state moves by more than `tolerance`, at most [`MOST_STEPS`]. All layers move at once: the fixed
/// point does not depend on the order.
pub fn settle(network: &FloatNetwork, parameters: &Parameters, input: &[f64], tolerance: f64) -> Settled {
    let network = &FloatNetwork { order: Order::Synchronous, ..network.clone() };
    let input_drive = network.input_drive(parameters, input);
    let target = vec![0.0; network.network.outputs()];
    let stimulus = super::Stimulus { input, target: &target, nudge: 0.0, noise: None };
    let point = network.at_rest(parameters, &input_drive);
    let mut settled = Settled { point, steps: 0, moved: f64::INFINITY };
    let mut drives = Drives::zero(network);
    while settled.moved > tolerance && settled.steps < MOST_STEPS {
        let now = &settled.point;
        let next = network.step(parameters, &input_drive, (now, &mut drives), stimulus, 0);
        settled.moved = largest(next.states.iter().zip(&now.states).map(|(a, b)| a - b));
        settled.point = next;
        settled.steps += 1;
    }
    settled
}

/// The true gradient of the loss at a fixed point: BPTT through as many steps as still add to it (the limit of
/// infinitely many; Ernoult et al. 2019). Also the number of those steps, [`MOST_STEPS`] if they never ended.
pub fn at_fixed_point(
    network: &FloatNetwork,
    parameters: &Parameters,
    input: &[f64],
    target: &[f64],
    point: &Moment,
) -> (Parameters, usize) {
    let network = &FloatNetwork { order: Order::Synchronous, ..network.clone() };
    let input_drive = network.input_drive(parameters, input);
    let drives = network.drives(parameters, &input_drive, point);
    let mut after = error(network, network.shown(&drives.values, &point.states), target);
    let mut sum = vec![0.0; after.len()];
    let mut steps = 0;
    // The steps' states are all the same, so their drives' gradients can be added up first.
    while steps < MOST_STEPS {
        let (by_state, by_drive) = network.backwards(parameters, point, &drives, &after, 0);
        super::synapses::add_scaled(&mut sum, 1.0, &by_drive);
        after = by_state;
        steps += 1;
        if largest(after.iter().copied()) <= 1e-18 * largest(sum.iter().copied()) {
            break;
        }
    }
    let mut gradient = parameters.zero_like();
    network.by_parameters(input, point, (&sum, &drives.corners), &mut gradient);
    (gradient, steps)
}

/// `dL/ds` of the last states: that of the outputs, from what the read-out shows; zero elsewhere.
fn error(network: &FloatNetwork, shown: &[f64], target: &[f64]) -> Vec<f64> {
    let mut error = vec![0.0; network.neuron_count()];
    error[network.span(network.output_layer())].copy_from_slice(&network.loss_slope(shown, target));
    error
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |m, v| m.max(v.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{Dynamics, NudgePlace};
    use crate::network::{Connection, Kernel, Network, Pool, Shape};
    use crate::oracle::{LayerParameters, Places, Squash, Stimulus};

    #[derive(Clone, Copy, Debug)]
    struct Setting {
        dynamics: Dynamics,
        squash: Squash,
        vector_field: bool,
        order: Order,
        softmax: bool,
        /// Two layers of synapses are convolutions, pooled so.
        pool: Option<(Pool, Places)>,
    }

    /// Layers without symmetry: three values, 4 and 3 neurons, 2 outputs; or an image, two maps, 2 outputs.
    fn layers(pool: Option<Pool>) -> Network {
        let Some(pool) = pool else { return Network::dense(&[3, 4, 3, 2]) };
        let kernel = Kernel { size: 3, stride: 1, padding: 1, pool };
        let first = Connection::conv(Shape { rows: 4, columns: 4, channels: 1 }, 2, kernel).unwrap();
        let second = Connection::conv(first.above(), 2, kernel).unwrap();
        Network::new(vec![first, second, Connection::dense(second.above(), 2)])
    }

    fn input(network: &FloatNetwork) -> Vec<f64> {
        let wave = |i: usize| 0.5 + 0.45 * (2.0 + 1.7 * i as f64).sin();
        (0..network.network.inputs()).map(wave).collect()
    }

    /// A network, and its parameters.
    fn example(setting: Setting) -> (FloatNetwork, Parameters) {
        let Setting { dynamics, squash, vector_field, order, softmax, pool } = setting;
        let dt = if dynamics == Dynamics::Prototypical { 1.0 } else { 0.3 };
        let network = FloatNetwork {
            network: layers(pool.map(|(pool, _)| pool)),
            dynamics,
            order,
            places: pool.map_or(Places::Recorded, |(_, places)| places),
            softmax,
            nudge_place: NudgePlace::Inside,
            squash,
            dt,
            beta: 0.1,
            nudge_distance: 0.1,
            circle: None,
            batch: 1,
            momentum: None,
            noise: 0.0,
            learning_rates: vec![1.0; 3],
            rate_gamma: 1.0,
            vector_field,
            weight_decay: 0.0,
        };
        let joined = network.network.connections();
        let mut layers: Vec<_> = joined.map(|(_, c)| LayerParameters::zero(c.rows(), c.taps())).collect();
        if vector_field {
            for layer in &mut layers[1..] {
                layer.backward = Some(layer.forward.clone());
            }
        }
        let mut parameters = Parameters { layers };
        for (k, v) in parameters.values_mut().enumerate() {
            // A kernel is used many times: well inside the ramps all the same.
            let scale = if pool.is_some() { 0.1 } else { 0.35 };
            *v = scale * (1.0 + 2.1 * k as f64).sin();
        }
        for layer in &mut parameters.layers {
            // Well inside the ramps of the hard sigmoids, most of the time.
            layer.bias.iter_mut().for_each(|b| *b += 0.5);
        }
        (network, parameters)
    }

    const TARGET: [f64; 2] = [0.0, 1.0];

    fn loss(network: &FloatNetwork, parameters: &Parameters, steps: usize) -> f64 {
        gradients(network, parameters, &input(network), &TARGET, steps, 0).loss
    }

    /// Largest difference of a gradient to central differences of the loss, over the largest component.
    fn error_of(gradient: &Parameters, network: &FloatNetwork, parameters: &Parameters, steps: usize) -> f64 {
        let h = 1e-6;
        let (mut worst, mut size) = (0.0f64, 0.0f64);
        for (k, g) in gradient.values().enumerate() {
            let shifted = |by: f64| {
                let mut p = parameters.clone();
                if let Some(v) = p.values_mut().nth(k) {
                    *v += by;
                }
                loss(network, &p, steps)
            };
            let difference = (shifted(h) - shifted(-h)) / (2.0 * h);
            worst = worst.max((difference - g).abs());
            size = size.max(g.abs());
        }
        assert!(
            size > 1e-4,
            "a gradient to speak of: {:?} {:?} {} {steps}: {size:e}",
            network.dynamics,
            network.squash,
            network.vector_field
        );
        worst / size
    }

    const PLAIN: Setting = Setting {
        dynamics: Dynamics::Prototypical,
        squash: Squash::Logistic,
        vector_field: false,
        order: Order::Synchronous,
        softmax: false,
        pool: None,
    };

    fn all() -> Vec<Setting> {
        let mut all = Vec::new();
        for dynamics in [Dynamics::Prototypical, Dynamics::Leaky, Dynamics::Energy] {
            for squash in [Squash::HardSigmoid, Squash::HalfHardSigmoid, Squash::Logistic] {
                for vector_field in [false, true] {
                    for order in [Order::Synchronous, Order::EvenOdd] {
                        let pools = [
                            None,
                            Some((Pool::None, Places::Recorded)),
                            Some((Pool::Average, Places::Recorded)),
                            Some((Pool::Max, Places::Recorded)),
                            Some((Pool::Max, Places::Present)),
                        ];
                        for pool in pools {
                            let of =
                                |softmax| Setting { dynamics, squash, vector_field, order, softmax, pool };
                            all.push(of(false));
                            // Energy-based dynamics have no softmax.
                            all.extend((dynamics != Dynamics::Energy).then(|| of(true)));
                        }
                    }
                }
            }
        }
        all
    }

    #[test]
    fn the_gradient_through_all_steps_is_that_of_finite_differences() {
        for setting in all() {
            let (network, parameters) = example(setting);
            for steps in [1, 2, 7].map(|s| setting.order.passes(s) as usize) {
                let g =
                    gradients(&network, &parameters, &input(&network), &TARGET, steps, steps).sum().unwrap();
                let error = error_of(&g, &network, &parameters, steps);
                assert!(error < 1e-7, "{setting:?} {steps}: {error:e}");
            }
        }
    }

    #[test]
    fn state_gradients_are_those_of_finite_differences() {
        for setting in all() {
            let (network, parameters) = example(setting);
            let (steps, back) = (9, 5);
            let g = gradients(&network, &parameters, &input(&network), &TARGET, steps, back);
            let shown_input = input(&network);
            let drive = network.input_drive(&parameters, &shown_input);
            let stimulus = Stimulus { input: &shown_input, target: &TARGET, nudge: 0.0, noise: None };
            let outputs = network.span(network.output_layer());
            // Some of all passes: the states after them, and what the read-out shows.
            let run = |passes: std::ops::Range<usize>, mut now: Moment, mut shown: Vec<f64>| {
                let mut u = Drives::zero(&network);
                for pass in passes {
                    now = network.step(&parameters, &drive, (&now, &mut u), stimulus, pass as u32);
                    if !setting.order.holds(pass as u32, network.output_layer()) {
                        shown = network.shown(&u.values, &now.states).to_vec();
                    }
                }
                (now, shown)
            };
            for (t, by_state) in g.states.iter().enumerate() {
                let rest = network.at_rest(&parameters, &drive);
                let (start, shown) = run(0..steps - t, rest, vec![0.0; outputs.len()]);
                for (i, &expected) in by_state.iter().enumerate() {
                    // A softmax read-out has no states.
                    let skip = setting.softmax && outputs.contains(&i);
                    let shifted = |by: f64| {
                        let (mut s, mut shown) = (start.clone(), shown.clone());
                        s.states[i] += by;
                        network.place(&parameters, &drive, &mut s);
                        if let Some(at) = i.checked_sub(outputs.start) {
                            shown[at] += by;
                        }
                        network.loss(&run(steps - t..steps, s, shown).1, &TARGET)
                    };
                    let found = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
                    // A state at the end of its range may have a kink there.
                    if skip || start.states[i] <= 0.0 || start.states[i] >= 1.0 {
                        continue;
                    }
                    assert!((found - expected).abs() < 1e-8, "{setting:?} t {t} neuron {i}");
                }
            }
        }
    }

    #[test]
    fn truncation_keeps_the_last_steps() {
        let (network, parameters) = example(Setting { dynamics: Dynamics::Leaky, ..PLAIN });
        let whole = gradients(&network, &parameters, &input(&network), &TARGET, 8, 8);
        let last = gradients(&network, &parameters, &input(&network), &TARGET, 8, 3);
        assert_eq!(last.parameters[..], whole.parameters[..3]);
        assert_eq!(last.states[..], whole.states[..4]);
    }

    #[test]
    fn many_steps_tend_to_the_gradient_at_the_fixed_point() {
        let mut settled = 0;
        for setting in all() {
            let (network, parameters) = example(setting);
            let point = settle(&network, &parameters, &input(&network), 1e-15);
            if point.moved > 1e-15 {
                continue;
            }
            settled += 1;
            let (limit, _) = at_fixed_point(&network, &parameters, &input(&network), &TARGET, &point.point);
            let long = gradients(&network, &parameters, &input(&network), &TARGET, 1200, 600).sum().unwrap();
            let error = limit.values().zip(long.values()).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
            assert!(error < 1e-11, "{setting:?}: {error:e}");
        }
        assert!(settled >= 24, "most networks settle, {settled} did");
    }

    /// The differences above can fail: each planted defect is seen by them.
    #[test]
    fn finite_differences_notice_planted_defects() {
        let (network, parameters) = example(PLAIN);
        let (steps, shown_input) = (6, input(&network));
        let reverse = |slope: &dyn Fn(f64) -> f64, feedback: f64| {
            // BPTT once more, with a slope and a factor on what comes back from below to break.
            let drive = network.input_drive(&parameters, &shown_input);
            let stimulus = Stimulus { input: &shown_input, target: &TARGET, nudge: 0.0, noise: None };
            let mut tape = vec![];
            let mut s = network.at_rest(&parameters, &drive);
            let mut u = Drives::zero(&network);
            for _ in 0..steps {
                let next = network.step(&parameters, &drive, (&s, &mut u), stimulus, 0);
                tape.push((std::mem::replace(&mut s, next), u.clone()));
            }
            let mut after = error(&network, network.shown(&[], &s.states), &TARGET);
            let mut sum = parameters.zero_like();
            for (before, u) in tape.iter().rev() {
                let (by_state, right) = network.backwards(&parameters, before, u, &after, 0);
                let wrong: Vec<f64> = u.values.iter().zip(&after).map(|(&u, g)| slope(u) * g).collect();
                assert!(right.len() == wrong.len());
                network.by_parameters(&shown_input, before, (&wrong, &u.corners), &mut sum);
                after = by_state.iter().map(|g| feedback * g).collect();
            }
            error_of(&sum, &network, &parameters, steps)
        };
        let slope = |u: f64| Squash::Logistic.slope(u);
        assert!(reverse(&slope, 1.0) < 1e-7, "no defect");
        assert!(reverse(&|_| 1.0, 1.0) > 0.1, "without sigma'");
        assert!(reverse(&slope, -1.0) > 0.1, "wrong sign through time");
    }
}
