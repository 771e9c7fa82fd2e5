//! Complex states: what a design of this rule is, and that what its synapses learn is the gradient.

use eqhdl::design::{Design, Rule, parse};
use eqhdl::oracle::holomorphic::Holomorphic;
use eqhdl::oracle::{FloatNetwork, Oracle, Parameters, Unwatched};
use eqhdl::reference::fast::Fast;
use eqhdl::reference::{Silent, Weights};
use eqhdl::rules::{Lesson, Program};
use std::path::Path;

/// A design file of the shipped one, some of its lines others.
fn design(edits: &[(&str, &str)]) -> Design {
    let text = include_str!("../designs/digits-holomorphic.toml").to_owned();
    let text = edits.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    parse(Path::new("holomorphic.toml"), &text).unwrap_or_else(|e| panic!("{e:?}"))
}

/// So fine that what is left of an error is the rule's, not the formats'.
const FINE: [(&str, &str); 4] = [
    ("state = \"s12.10\"", "state = \"s16.14\""),
    ("drive = \"s11.8\"", "drive = \"s14.11\""),
    ("weight = \"s16.14\"", "weight = \"s30.28\"\nweight_read = \"s18.16\""),
    ("weight = \"STOCHASTIC\"", "weight = \"RND\""),
];

const SETTLED: [(&str, &str); 3] =
    [("beta = 0.4", "beta = 0.3"), ("T = 20", "T = 100"), ("K = 10", "K = 80")];

#[test]
fn one_and_two_points_are_ep_and_symmetric_ep() {
    let ep = design(&[("points = 4", "points = 1")]);
    let symmetric = design(&[("points = 4", "points = 2")]);
    assert_eq!((ep.rule, symmetric.rule), (Rule::Ep, Rule::SymmetricEp));
    let named = |name: &str| design(&[("\"holomorphic_ep\"\npoints = 4", name), ("[formats]", "[formats]")]);
    let plain = named("\"ep\"");
    assert_eq!(Program::of(&ep), Program::of(&plain));
    assert_eq!(Program::of(&symmetric), Program::of(&named("\"symmetric_ep\"")));
    assert!(ep.circle.is_none() && !ep.is_complex());
}

#[test]
fn coefficients_sum_to_nothing() {
    for points in 3..=16 {
        for periods in ["", "\nperiods = 3"] {
            let d = design(&[("points = 4", &format!("points = {points}{periods}"))]);
            for l in 1..=2 {
                let all = d.coefficients(l, 0);
                assert_eq!(all.iter().map(|c| c.0).sum::<i64>(), 0, "{points}{periods}");
                if !periods.is_empty() {
                    assert_eq!(all.iter().map(|c| c.1).sum::<i64>(), 0, "{points}{periods}");
                }
                assert!(all.iter().any(|c| c.1 != 0));
            }
        }
    }
}

/// What a sample has taught, over the learning rate: minus the gradient.
fn taught(design: &Design, input: &[i32], label: u16) -> Vec<f64> {
    let before = Weights::initial(design);
    let mut network = Fast::new(design, &before);
    network.run(input, label, Lesson::new(true, true, 0), &mut Silent);
    let after = network.weights();
    let mut all = Vec::new();
    for (l, (after, before)) in after.layers.iter().zip(&before.layers).enumerate() {
        let s = &design.synapses[l];
        for row in 0..after.rows {
            for column in 0..after.columns {
                let format = if column + 1 == after.columns { s.bias } else { s.weight };
                let moved = i64::from(after.get(row, column) - before.get(row, column));
                all.push(format.to_real(moved) / s.learning_rate);
            }
        }
    }
    all
}

/// The same order of an oracle's parameters.
fn listed(design: &Design, p: &Parameters, scale: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut all = Vec::new();
    for (l, layer) in (1..).zip(&p.layers) {
        let c = design.network.connection(l);
        for row in 0..c.rows() {
            all.extend((0..c.taps()).map(|tap| layer.line(tap)[row] * scale(l)));
            all.push(layer.bias[row] * scale(l));
        }
    }
    all
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let square = |v: f64| v * v;
    let norm = b.iter().map(|&v| square(v)).sum::<f64>().sqrt();
    a.iter().zip(b).map(|(a, b)| square(a - b)).sum::<f64>().sqrt() / norm
}

/// A digit as the model and as real numbers have it, and its label.
fn example(design: &Design, n: usize) -> (Vec<i32>, Vec<f64>, u16) {
    let data = eqhdl::data::load(design).expect("the digits are built in");
    let values = &data.train.values[64 * n..64 * (n + 1)];
    let raw: Vec<i32> = values.iter().map(|&v| design.input.nearest(v.into()) as i32).collect();
    let real = raw.iter().map(|&v| design.input.to_real(v.into())).collect();
    (raw, real, data.train.labels[n])
}

#[test]
fn points_of_a_large_circle_teach_the_gradient_and_one_nudge_does_not() {
    const SAMPLES: usize = 24;
    let with = |points: &str| design(&[&FINE[..], &SETTLED[..], &[("points = 4", points)]].concat());
    let holomorphic = with("points = 4");
    let network = FloatNetwork::of(&holomorphic);
    let examples: Vec<_> = (0..SAMPLES).map(|n| example(&holomorphic, n)).collect();
    let parameters = Parameters::initial(&holomorphic);
    let add = |sum: Vec<f64>, one: Vec<f64>| match sum.is_empty() {
        true => one,
        false => sum.iter().zip(one).map(|(a, b)| a + b).collect(),
    };
    // Eight points are the gradient to nine digits.
    let truth = examples.iter().fold(Vec::new(), |sum, (_, input, label)| {
        let target = network.target(*label);
        let oracle = Holomorphic::new(&network, &parameters, input, &target);
        let free = oracle.settle(&oracle.at_rest(), 0.0.into(), 1000, 0.0).states;
        add(sum, listed(&holomorphic, &oracle.estimate(&free, 8, 0.1, 1000), |_| 1.0))
    });
    let in_floats = |points| {
        let all = examples.iter().fold(Vec::new(), |sum, (_, input, label)| {
            let target = network.target(*label);
            let oracle = Holomorphic::new(&network, &parameters, input, &target);
            let free = oracle.settle(&oracle.at_rest(), 0.0.into(), 1000, 0.0).states;
            add(sum, listed(&holomorphic, &oracle.estimate(&free, points, 0.3, 80), |_| 1.0))
        });
        distance(&all, &truth)
    };
    let of = |points: &str| {
        let design = with(points);
        let all =
            examples.iter().fold(Vec::new(), |sum, (raw, _, label)| add(sum, taught(&design, raw, *label)));
        distance(&all, &truth)
    };
    let errors = [1, 2, 4, 10].map(|n| (of(&format!("points = {n}")), in_floats(n)));
    let [one, two, four, ten] = errors.map(|(_, floats)| floats);
    assert!(one > 0.5 && two < one / 2.0 && four < two / 10.0 && ten < 0.001, "{errors:?}");
    for (fixed, floats) in errors {
        assert!((fixed - floats).abs() < 0.006, "{errors:?}");
    }
    let without_phases = of("points = 4\nperiods = 8");
    assert!((without_phases - four).abs() < 0.01, "{without_phases} {errors:?}");
}

#[test]
fn the_oracle_learns_by_the_same_points() {
    for (points, periods) in [(4, None), (5, None), (10, None), (4, Some(2)), (7, Some(3))] {
        let text =
            format!("points = {points}{}", periods.map_or(String::new(), |p| format!("\nperiods = {p}")));
        let d = design(&[&SETTLED[..], &[("points = 4", text.as_str())]].concat());
        let (_, input, label) = example(&d, 0);
        let parameters = Parameters::initial(&d);
        let network = FloatNetwork::of(&d);
        let target = network.target(label);
        let beta = d.beta.wanted;
        let (free, steps) = (d.free_steps as usize, d.nudged_steps as usize);
        let expected = {
            let oracle = Holomorphic::new(&network, &parameters, &input, &target);
            match periods {
                Some(periods) => oracle.oscillate(points, beta, steps, periods).pop().expect("periods"),
                None => {
                    let free = oracle.relax(&oracle.at_rest(), 0.0.into(), free).states;
                    let at = |k| {
                        oracle.relax(&free, eqhdl::oracle::holomorphic::point(beta, k, points), steps).states
                    };
                    let upper: Vec<_> = (0..=points / 2).map(at).collect();
                    let upper: Vec<_> = upper.iter().map(Vec::as_slice).collect();
                    oracle.mean(&free, points, beta, &upper)
                }
            }
        };
        let expected = listed(&d, &expected, |l| d.synapses[l - 1].learning_rate);
        let before = listed(&d, &parameters, |_| 1.0);
        let mut oracle = Oracle::new(network, Program::of(&d), parameters, d.seed);
        oracle.run(&input, label, Lesson::new(true, true, 0), &mut Unwatched);
        let after = listed(&d, &oracle.parameters, |_| 1.0);
        let learned: Vec<f64> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
        assert!(distance(&learned, &expected) < 1e-9, "{text}: {}", distance(&learned, &expected));
    }
}
