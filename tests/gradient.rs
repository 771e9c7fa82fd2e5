//! Updates against gradients on the embedded digits: where theory says they meet they do, and where not, not.

use eqhdl::data;
use eqhdl::design::{Activation, Constant, Datapath, Design, Feedback, NudgePlace, Rule, load};
use eqhdl::fixed_point::Format;
use eqhdl::gradient::circle;
use eqhdl::gradient::compare::Comparison;
use eqhdl::gradient::files;
use eqhdl::gradient::studies::{Studied, continual, formats, nudges};
use eqhdl::gradient::{Curves, Example, Quantity, Trace, examples};
use eqhdl::oracle::measure::Agreement;
use eqhdl::oracle::{FloatNetwork, Parameters};
use eqhdl::reference::Weights;
use std::path::Path;

fn digits(name: &str, samples: usize) -> (Design, Vec<Example>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("designs").join(name);
    let design = load(&path).expect("the repository ships it");
    let data = data::load(&design).expect("embedded");
    let found = examples(&design, &data.train, 3, samples);
    (design, found)
}

fn with_beta(design: &mut Design, beta: f64) {
    design.beta = Constant::nearest(beta, Format::unsigned(16, 28));
}

/// Error of the summed curves of all parameters.
fn error(estimate: &Curves, truth: &Curves) -> f64 {
    let (e, t) = (estimate.sum().unwrap(), truth.sum().unwrap());
    Agreement::of(e.values(), t.values()).relative_error().unwrap()
}

/// Ernoult et al. 2019, with the nudge inside: every parameter's update equals BPTT's gradient at every single step.
#[test]
fn a_tiny_nudge_inside_gives_bptts_gradient_step_by_step() {
    let (mut design, found) = digits("digits-ep.toml", 2);
    (design.nudge_place, design.free_steps, design.nudged_steps) = (NudgePlace::Inside, 60, 8);
    for rule in [Rule::Ep, Rule::SymmetricEp] {
        design.rule = rule;
        with_beta(&mut design, 1e-5);
        design.datapath = Datapath::derive(&design).unwrap();
        let c = Comparison::of(&design, &found);
        let mut compared = 0;
        for quantity in [Quantity::Weights, Quantity::Biases] {
            for (layer, t) in (1..=2).flat_map(|l| (0..8).map(move |t| (l, t))) {
                let [e, b] = [&c.float, &c.bptt].map(|c| c.at(quantity, layer, t).iter().copied());
                let agreement = Agreement::of(e, b);
                let Some(error) = agreement.relative_error() else { continue };
                // Deep in the past the gradient is small against the resolution of the states over beta.
                if agreement.truth_norm() > 1e-6 {
                    assert!(error < 1e-3, "{rule:?} {quantity} of layer {layer} at {t}: {error:e}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 12, "{compared}");
    }
}

/// A softmax read-out's pull is minus the slope of the cross-entropy, and what it makes of the layers below is BPTT's
/// gradient, step by step; its own drives feed nothing back.
#[test]
fn a_softmax_gives_the_gradient_of_the_cross_entropy() {
    let (mut design, found) = digits("digits-softmax.toml", 2);
    (design.free_steps, design.nudged_steps) = (60, 6);
    for rule in [Rule::Ep, Rule::SymmetricEp, Rule::Cep] {
        design.rule = rule;
        with_beta(&mut design, 1e-5);
        if rule == Rule::Cep {
            design.synapses.iter_mut().for_each(|s| s.learning_rate *= 1e-9);
        }
        design.datapath = Datapath::derive(&design).unwrap();
        let c = Comparison::of(&design, &found);
        assert!(error(&c.float, &c.bptt) < 1e-3, "{rule:?}: {:e}", error(&c.float, &c.bptt));
        // The read-out learns in the first step, the layer below in the second.
        for (layer, t) in [(2, 0), (1, 1)] {
            for quantity in [Quantity::Weights, Quantity::Biases] {
                let [e, b] = [&c.float, &c.bptt].map(|c| c.at(quantity, layer, t).iter().copied());
                let agreement = Agreement::of(e, b);
                assert!(agreement.truth_norm() > 1e-2, "{rule:?} {quantity} of layer {layer}");
                let error = agreement.relative_error().unwrap();
                assert!(error < 1e-3, "{rule:?} {quantity} of layer {layer}: {error:e}");
            }
        }
    }
}

/// Weights of their own on the way back have gradients of their own; where both ways begin equal, a vector field learns
/// both, and where they do not, neither.
#[test]
fn a_vector_field_follows_both_gradients_while_its_ways_are_equal() {
    let (mut design, found) = digits("digits-cvf.toml", 2);
    (design.nudge_place, design.free_steps, design.nudged_steps) = (NudgePlace::Inside, 60, 8);
    with_beta(&mut design, 1e-5);
    design.synapses.iter_mut().for_each(|s| s.learning_rate *= 1e-9);
    design.datapath = Datapath::derive(&design).unwrap();
    for rule in [Rule::Ep, Rule::Cep] {
        design.rule = rule;
        design.angle = 0.0;
        let c = Comparison::of(&design, &found);
        let mut compared = 0;
        for quantity in Quantity::LEARNED {
            for layer in c.bptt.layers(quantity) {
                for t in 0..8 {
                    let [e, b] = [&c.float, &c.bptt].map(|c| c.at(quantity, layer, t).iter().copied());
                    let agreement = Agreement::of(e, b);
                    if agreement.truth_norm() > 1e-6 {
                        let error = agreement.relative_error().unwrap();
                        assert!(error < 2e-3, "{rule:?} {quantity} of layer {layer} at {t}: {error:e}");
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 16, "{compared}");
        assert_eq!(c.bptt.layers(Quantity::Back).collect::<Vec<_>>(), [2]);
        let same = c.angles().float.unwrap();
        design.angle = 90.0;
        let apart = Comparison::of(&design, &found).angles().float.unwrap();
        assert!(same < 0.2 && apart > 20.0, "{rule:?}: {same} and {apart} degrees");
    }
}

/// The states' steps are those of BPTT times the slope of their neuron: a step is `rho` of a gradient, not a gradient.
#[test]
fn states_differ_from_bptts_by_the_slope_of_their_neuron() {
    let (mut design, found) = digits("digits-ep.toml", 1);
    (design.nudge_place, design.free_steps, design.nudged_steps) = (NudgePlace::Inside, 60, 6);
    with_beta(&mut design, 1e-5);
    design.datapath = Datapath::derive(&design).unwrap();
    let c = Comparison::of(&design, &found);
    let (network, parameters) = (FloatNetwork::of(&design), Parameters::initial(&design));
    let input_drive = network.input_drive(&parameters, &found[0].real);
    let settled = eqhdl::oracle::bptt::settle(&network, &parameters, &found[0].real, 1e-15).point;
    let slopes: Vec<f64> = network
        .drives(&parameters, &input_drive, &settled)
        .values
        .into_iter()
        .map(|u| network.squash.slope(u))
        .collect();
    for t in 0..6 {
        let expected = c.bptt.states[t].iter().zip(&slopes).map(|(g, slope)| g * slope);
        let error = Agreement::of(c.float.states[t].iter().copied(), expected).relative_error().unwrap();
        assert!(error < 1e-3, "t {t}: {error:e}");
        let plain = Agreement::of(c.float.states[t].iter().copied(), c.bptt.states[t].iter().copied());
        assert!(plain.relative_error().unwrap() > 0.1, "the slope matters");
    }
}

/// Outside the activation, the output's slope is missing from the update, however small the nudge.
#[test]
fn a_tiny_nudge_outside_does_not() {
    let (mut design, found) = digits("digits-ep.toml", 1);
    (design.free_steps, design.nudged_steps) = (60, 60);
    with_beta(&mut design, 1e-5);
    design.datapath = Datapath::derive(&design).unwrap();
    let c = Comparison::of(&design, &found);
    assert!(error(&c.float, &c.bptt) > 0.1);
    let output = [&c.float, &c.bptt].map(|c| c.at(Quantity::States, 2, 0).to_vec());
    assert!(
        Agreement::of(output[0].clone(), output[1].clone()).relative_error().unwrap() < 1e-4,
        "t = 0 is right"
    );
}

#[test]
fn errors_go_as_beta_and_as_its_square() {
    for name in ["digits-cep.toml", "digits-softmax.toml"] {
        let (design, found) = digits(name, 2);
        let studied = Studied::of(&design, &found);
        assert!(studied.settles_in.is_some());
        let study = nudges(&studied, &found);
        let (one, two) = (study.one_sided_slope.unwrap(), study.symmetric_slope.unwrap());
        assert!((one - 1.0).abs() < 0.05, "{name}: one-sided {one}");
        assert!((two - 2.0).abs() < 0.02, "{name}: symmetric {two}");
        assert!((study.fitted.1 / study.fitted.0).log10() > 2.999, "three decades");
        assert_eq!(study.rows.iter().filter(|r| r.beta < 0.101).count(), 13);
    }
}

/// Ernoult et al. 2020, theorem 1: first the rates go to 0, then beta.
#[test]
fn continual_curves_meet_bptts_and_part_as_rates_grow() {
    let (design, found) = digits("digits-cep.toml", 1);
    let rows = continual(&Studied::of(&design, &found), 6, &found);
    let mut betas: Vec<f64> = rows.iter().map(|r| r.beta).collect();
    betas.dedup();
    let at = |beta: f64| rows.iter().filter(|r| r.beta == beta).map(|r| r.rmse).collect::<Vec<_>>();
    let limits: Vec<f64> = betas.iter().map(|&b| at(b)[0]).collect();
    assert!(limits.windows(2).all(|w| w[1] < w[0] / 3.0), "{limits:?}");
    assert!(limits[limits.len() - 1] < 1e-3, "{limits:?}");
    for beta in &betas[1..] {
        let row = at(*beta);
        assert!(row[row.len() - 1] > 10.0 * row[0], "beta {beta}: {row:?}");
    }
}

#[test]
fn finer_formats_allow_smaller_nudges() {
    let (design, found) = digits("digits-ep.toml", 1);
    let rows = formats(&Studied::of(&design, &found), &found).unwrap();
    let of = |frac| {
        rows.iter().filter(move |r| r.frac == frac).map(|r| (r.symmetric.relative_error.unwrap(), r.beta))
    };
    let best = |frac| of(frac).min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    for (coarse, fine) in [(6, 10), (8, 12), (10, 14), (12, 16)] {
        let (coarse, fine) = (best(Some(coarse)), best(Some(fine)));
        assert!(fine.0 < coarse.0 / 2.0 && fine.1 <= coarse.1, "{coarse:?} {fine:?}");
    }
    // Below its best nudge a format gets worse again: the difference of states drowns in their rounding.
    let smallest = of(Some(8)).next_back().unwrap();
    assert!(smallest.0 > 2.0 * best(Some(8)).0, "{smallest:?}");
}

/// The two arithmetics run the same programs: with fine formats the bit-accurate model's curves are the oracle's.
#[test]
fn fine_fixed_point_is_the_oracle() {
    use Feedback::{KolenPollack, Tied, VectorField};
    for (rule, name, feedback) in [
        (Rule::Ep, "digits-ep.toml", Tied),
        (Rule::SymmetricEp, "digits-ep.toml", Tied),
        (Rule::Cep, "digits-cep.toml", Tied),
        (Rule::Ep, "digits-ep.toml", KolenPollack),
        (Rule::Ep, "digits-ep.toml", VectorField),
        (Rule::Cep, "digits-cep.toml", VectorField),
    ] {
        for place in [NudgePlace::Inside, NudgePlace::Outside] {
            let (mut design, found) = digits(name, 1);
            (design.rule, design.nudge_place) = (rule, place);
            (design.feedback, design.angle) = (feedback, 45.0);
            if feedback != Tied {
                design.weight_decay = Constant::nearest(1.0 / 1024.0, Format::unsigned(12, 12));
            }
            for n in &mut design.neurons {
                (n.state, n.drive) = (Format::signed(18, 16), Format::signed(20, 16));
            }
            let distance = if rule == Rule::SymmetricEp { 0.5 } else { 0.25 };
            for s in &mut design.synapses {
                (s.weight, s.weight_read, s.bias) =
                    (Format::signed(28, 25), Format::signed(28, 25), Format::signed(28, 25));
                s.rate = Constant::nearest(s.learning_rate / distance, Format::unsigned(14, 14));
            }
            design.datapath = Datapath::derive(&design).unwrap();
            let weights = Weights::initial(&design);
            let parameters = Parameters::real(&design, &weights);
            let network = FloatNetwork::of(&design);
            let float = Trace::float(&design, &parameters, &found[0]);
            let fixed = Trace::fixed(&design, &weights, &found).next().unwrap();
            assert_eq!(float.phases.len(), fixed.phases.len());
            for (a, b) in float.phases.iter().zip(&fixed.phases) {
                assert_eq!(
                    (a.nudge, a.moments.len(), a.increments.len()),
                    (b.nudge, b.moments.len(), b.increments.len())
                );
                let [a, b] = [a, b].map(|p| p.moments.iter().flat_map(|m| &m.states));
                let states = a.zip(b);
                let worst = states.fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
                assert!(worst < 2e-4, "{rule:?} {place:?}: states {worst:e}");
            }
            let [f, x] = [&float, &fixed].map(|t| Curves::of_trace(&network, &found[0].real, t));
            assert!(error(&x, &f) < 0.01, "{rule:?} {place:?}: {}", error(&x, &f));
            let learned = Agreement::of(fixed.learned.values(), float.learned.values());
            assert!(learned.relative_error().unwrap() < 0.01, "{rule:?} {place:?}: {learned:?}");
        }
    }
}

/// What is learned step by step adds up to what is learned.
#[test]
fn continual_increments_add_up() {
    let (design, found) = digits("digits-cep.toml", 1);
    let weights = Weights::initial(&design);
    let trace = Trace::fixed(&design, &weights, &found).next().unwrap();
    let mut sum = trace.learned.zero_like();
    trace.phases[0].increments.iter().for_each(|i| sum.add_scaled(1.0, i));
    assert_eq!(trace.phases[0].increments.len(), design.nudged_steps as usize);
    assert_eq!(sum, trace.learned, "exact: all are multiples of the weights' step");
    assert!(sum.values().any(|v| v != 0.0));
}

/// Laborieux and Zenke 2022: N points on a circle leave an error of the order `|beta|^N`, inside a radius.
#[test]
fn points_on_a_circle_make_finite_nudges_exact() {
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
    let mut compared = 0;
    for (name, radius) in [("digits-symmetric.toml", 0.3..1.0), ("digits-softmax.toml", 0.8..8.0)] {
        let (design, found) = digits(name, 2);
        let studied = Studied::of(&design, &found);
        assert_eq!(circle::missing(&studied), None);
        let study = circle::circle(&studied, &found);
        for (points, slope) in circle::POINTS.iter().zip(&study.slopes) {
            let relative = slope.expect("there are errors to fit") / f64::from(*points);
            assert!((relative - 1.0).abs() < 0.06, "{name}: {points} points: {slope:?}");
        }
        let radius_found = study.radius.expect("it can be told");
        assert!(radius.contains(&radius_found), "{name}: {radius_found}");
        // One and two points are the rules that need no complex numbers.
        let rules = nudges(&studied, &found);
        for (row, rule) in
            study.rows.iter().filter_map(|r| Some((r, rules.rows.iter().find(|n| near(n.beta, r.beta))?)))
        {
            for (circle, rule) in [(row.errors[0], rule.one_sided), (row.errors[1], rule.symmetric)] {
                let (a, b) = (circle.unwrap(), rule.relative_error.unwrap());
                assert!(row.beta > 0.3 || (a / b - 1.0).abs() < 1e-3, "{name} at {}: {a} {b}", row.beta);
                compared += 1;
            }
        }
        // Without phases the lag behind the nudge is left, which goes away with the steps, and what the points do not cancel.
        let last = |row: usize| study.walk[row].after[circle::PERIODS.len() - 1].relative_error.unwrap();
        let cancelled = (0.4 / radius_found).powi(10);
        assert!(last(4) < 1e-4 + 2.0 * cancelled, "{name}: {} {cancelled}", last(4));
        assert!(last(0) > 10.0 * last(4) || cancelled > 1e-3, "{name}: {} {}", last(0), last(4));
        let charts = files::circle_charts(&study);
        assert!(charts[1].lines.iter().all(|l| l.points.len() == 49), "closed curves");
        assert_eq!(files::circle_csv(&study).lines().count(), 1 + study.rows.len());
    }
    assert!(compared > 20, "{compared}");
    let (design, found) = digits("digits-even-odd.toml", 1);
    let mut clipped = design;
    clipped.activation = Activation::HardSigmoid;
    assert!(circle::missing(&Studied::of(&clipped, &found)).is_some());
}
