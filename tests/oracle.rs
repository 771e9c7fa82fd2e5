//! The oracle against numbers from elsewhere: states, updates and gradients of a small network, computed by the
//! programs that their authors published (Ernoult et al. 2020; Laborieux et al. 2021) in 64-bit floating point.

use eqhdl::design::{Dynamics, NudgePlace, Order};
use eqhdl::network::Network;
use eqhdl::oracle::bptt::{at_fixed_point, gradients, settle};
use eqhdl::oracle::holomorphic::Holomorphic;
use eqhdl::oracle::measure::{Agreement, log_log_slope};
use eqhdl::oracle::{
    FloatNetwork, LayerParameters, Moment, Oracle, Parameters, Places, Record, Squash, Unwatched,
};
use eqhdl::rules::{Coefficient, Contrast, Destination, Lesson, Nudge, Op, Program, StateRef, Update};
use num_complex::Complex64;

/// The printed numbers have nine decimals.
const PRINTED: f64 = 0.6e-9;

const X: [f64; 4] = [0.1, 0.9, 0.4, 0.7];
const Y: [f64; 2] = [0.0, 1.0];
const LABEL: u16 = 1;

fn close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    for (k, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() < PRINTED, "{what}[{k}]: found {f:.9}, expected {e:.9}");
    }
}

/// A network of dense layers: `W_l[o,i] = 0.4 sin(1 + 1.7 o + 0.9 i + 2.3 l)`, `b_l[o] = 0.1 cos(0.5 + o + l)`.
fn parameters_of(sizes: &[usize]) -> Parameters {
    let layer = |l: usize| {
        let mut p = LayerParameters::zero(sizes[l], sizes[l - 1]);
        for o in 0..sizes[l] {
            for i in 0..sizes[l - 1] {
                p.forward[i * sizes[l] + o] =
                    0.4 * (1.0 + 1.7 * o as f64 + 0.9 * i as f64 + 2.3 * l as f64).sin();
            }
            p.bias[o] = 0.1 * (0.5 + o as f64 + l as f64).cos();
        }
        p
    };
    Parameters { layers: (1..sizes.len()).map(layer).collect() }
}

/// Those of the 4-3-2 network.
fn parameters() -> Parameters {
    parameters_of(&[4, 3, 2])
}

fn network(dynamics: Dynamics, nudge_place: NudgePlace, beta: f64, nudge_distance: f64) -> FloatNetwork {
    FloatNetwork {
        network: Network::dense(&[4, 3, 2]),
        dynamics,
        order: Order::Synchronous,
        places: Places::Recorded,
        softmax: false,
        nudge_place,
        squash: Squash::Logistic,
        dt: if dynamics == Dynamics::Prototypical { 1.0 } else { 0.2 },
        beta,
        nudge_distance,
        circle: None,
        batch: 1,
        momentum: None,
        learning_rates: vec![1.0, 1.0],
        noise: 0.0,
        rate_gamma: 1.0,
        vector_field: false,
        weight_decay: 0.0,
    }
}

fn learn(update: Update) -> Op {
    Op::Learn { update, into: Destination::Weights }
}

fn relax(passes: u32, nudge: Nudge) -> Op {
    Op::Relax { passes, nudge, plasticity: None }
}

fn ep(free: u32, nudged: u32) -> Program {
    let update = learn(Update::products(StateRef::Now, StateRef::Slot(0)));
    let train = vec![relax(free, Nudge::None), Op::Save { slot: 0 }, relax(nudged, Nudge::Plus), update];
    Program { order: Order::Synchronous, infer: vec![train[0]], last: train.clone(), train }
}

fn symmetric(free: u32, nudged: u32) -> Program {
    let train = vec![
        relax(free, Nudge::None),
        Op::Save { slot: 0 },
        relax(nudged, Nudge::Plus),
        Op::Save { slot: 1 },
        Op::Load { slot: 0 },
        relax(nudged, Nudge::Minus),
        learn(Update::products(StateRef::Slot(1), StateRef::Now)),
    ];
    Program { order: Order::Synchronous, infer: vec![train[0]], last: train.clone(), train }
}

fn cep(free: u32, nudged: u32) -> Program {
    let plasticity = Some(Update::products(StateRef::Now, StateRef::Previous));
    let train = vec![relax(free, Nudge::None), Op::Relax { passes: nudged, nudge: Nudge::Plus, plasticity }];
    Program { order: Order::Synchronous, infer: vec![train[0]], last: train.clone(), train }
}

/// Runs the sample and returns what happened, and what was learned.
fn run(network: FloatNetwork, program: Program, input: &[f64]) -> (Record, Parameters) {
    let mut record = Record::default();
    let mut oracle = Oracle::new(network, program, parameters(), 1);
    oracle.run(input, LABEL, true, &mut record);
    let learned = record.learned.clone().expect("the program learns");
    (record, learned)
}

/// Hidden states, then output states, at the end of a phase.
fn end_of(record: &Record, phase: usize) -> &[f64] {
    &record.phases[phase].moments.last().expect("a phase has moments").states
}

fn rows(p: &LayerParameters) -> Vec<f64> {
    (0..p.post).flat_map(|i| (0..p.pre).map(move |j| (i, j))).map(|(i, j)| p.weight(i, j)).collect()
}

/// Every column of layer 1 is the bias' times that input.
fn outer_with_input(p: &LayerParameters, input: &[f64]) {
    for (j, x) in input.iter().enumerate() {
        for i in 0..p.post {
            assert!((p.weight(i, j) - p.bias[i] * x).abs() < 1e-13);
        }
    }
}

const FREE_6_1: [f64; 5] = [0.015721006, 0.211877208, 0.486225986, 0.173037749, 0.143559671];

#[test]
fn prototypical_with_the_nudge_outside() {
    let net = |beta| network(Dynamics::Prototypical, NudgePlace::Outside, beta, beta);
    let (record, learned) = run(net(0.1), ep(200, 5), &X);
    close("free", end_of(&record, 0), &FREE_6_1);
    close("nudged", end_of(&record, 1), &[0.0177856, 0.232217523, 0.491468068, 0.159023978, 0.225619813]);
    let dw2 = [0.001080093, 0.002653993, -0.059802425, 0.017558812, 0.21975852, 0.410824913];
    close("dW_2", &rows(&learned.layers[1]), &dw2);
    close("db_2", &learned.layers[1].bias, &[-0.140137702, 0.820601427]);
    close("db_1", &learned.layers[0].bias, &[0.020645933, 0.20340315, 0.052420819]);
    outer_with_input(&learned.layers[0], &X);

    let (record, learned) = run(net(-0.1), ep(200, 5), &X);
    let nudged = [0.013510625, 0.188690335, 0.479640636, 0.189954388, 0.042951497];
    close("nudged by -beta", end_of(&record, 1), &nudged);
    let dw2 = [0.00153925, 0.008201979, -0.069743938, 0.016766009, 0.223124899, 0.49201159];
    close("dW_2 by -beta", &rows(&learned.layers[1]), &dw2);
    close("db_2 by -beta", &learned.layers[1].bias, &[-0.169166396, 1.006081737]);
    close("db_1 by -beta", &learned.layers[0].bias, &[0.022103814, 0.231868732, 0.065853494]);
    outer_with_input(&learned.layers[0], &X);
}

#[test]
fn bptt_of_the_prototypical_network_step_by_step() {
    let net = network(Dynamics::Prototypical, NudgePlace::Outside, 0.1, 0.1);
    let g = gradients(&net, &parameters(), &X, &Y, 200, 5);
    let minus = |t: usize| g.states[t].iter().map(|v| -v).collect::<Vec<_>>();
    close("t 0", &minus(0), &[0.0, 0.0, 0.0, -0.173037749, 0.856440329]);
    close("t 1", &minus(1), &[0.168290226, 0.149971142, 0.018156888, 0.0, 0.0]);
    close("t 2", &minus(2), &[0.0, 0.0, 0.0, 0.012511524, 0.043553067]);
    close("t 3", &minus(3), &[0.005478057, 0.008676195, 0.005308361, 0.0, 0.0]);
    close("t 4", &minus(4), &[0.0, 0.0, 0.0, 0.002319866, 0.002973067]);
}

/// With sigma in the step, the prototypical rule is no gradient system: EP's states leave BPTT's after the first step.
#[test]
fn states_of_the_prototypical_network_under_a_tiny_nudge() {
    let beta = 1e-5;
    let (record, _) = run(network(Dynamics::Prototypical, NudgePlace::Outside, beta, beta), ep(200, 5), &X);
    let states: Vec<_> = record.phases[1].moments.iter().map(|m| &m.states).collect();
    let expected = [
        [0.0, 0.0, 0.0, -0.173037749, 0.856440329],
        [0.020737112, 0.205313966, 0.047075561, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.016801427, 0.044420022],
        [0.000672694, 0.012130324, 0.011700688, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.002907782, 0.003091887],
    ];
    for (t, expected) in expected.iter().enumerate() {
        for (i, (e, (after, before))) in expected.iter().zip(states[t + 1].iter().zip(states[t])).enumerate()
        {
            let found = (after - before) / beta;
            // "~0": a nudge of second order, not above beta. States have 1e-16, so quotients 1e-11.
            let tolerance = if *e == 0.0 { beta } else { PRINTED };
            assert!((found - e).abs() < tolerance, "t {t} neuron {i}: found {found:.9}, expected {e:.9}");
        }
    }
}

#[test]
fn energy_based() {
    let seen: Vec<f64> = X.iter().map(|&x| Squash::Logistic.at(x)).collect();
    let net = network(Dynamics::Energy, NudgePlace::Outside, 0.1, 0.1);
    let (record, learned) = run(net.clone(), ep(200, 5), &seen);
    close("free", end_of(&record, 0), &[0.0, 0.080862658, 0.461483198, 0.069266019, 0.0651032]);
    close("nudged", end_of(&record, 1), &[0.0, 0.083554046, 0.46285114, 0.064916973, 0.125706244]);
    let dw2 = [-0.002649439, -0.001360999, -0.00822846, 0.039911357, 0.055374021, 0.157025589];
    close("dW_2", &rows(&learned.layers[1]), &dw2);
    close("db_2", &learned.layers[1].bias, &[-0.022226291, 0.334818613]);
    close("db_1", &learned.layers[0].bias, &[0.0, 0.014341849, 0.013601385]);
    close(
        "dW_1 row 2",
        &rows(&learned.layers[0])[4..8],
        &[0.002409167, 0.011932682, 0.005755561, 0.00989551],
    );

    // Continual updates: the weights move while the states do.
    let continual = FloatNetwork { learning_rates: vec![0.1, 0.05], ..net };
    let mut oracle = Oracle::new(continual, cep(200, 5), parameters(), 1);
    let mut record = Record::default();
    oracle.run(&seen, LABEL, true, &mut record);
    close("C-EP", end_of(&record, 1), &[0.0, 0.08433892, 0.464797711, 0.064437713, 0.134414285]);
    let w2 = [-0.252653627, 0.085991919, 0.359159795, 0.34248384, 0.379518745, 0.136890698];
    close("C-EP W_2", &rows(&oracle.parameters.layers[1]), &w2);
    close("C-EP b_2", &oracle.parameters.layers[1].bias, &[-0.081347316, -0.07427373]);
    close("C-EP b_1", &oracle.parameters.layers[0].bias, &[0.00707372, -0.078259944, -0.090349115]);
}

fn check_gradient(name: &str, g: &Parameters, b1: [f64; 3], b2: [f64; 2], w2: [f64; 6]) {
    close(&format!("{name} b_1"), &g.layers[0].bias, &b1);
    close(&format!("{name} b_2"), &g.layers[1].bias, &b2);
    close(&format!("{name} W_2"), &rows(&g.layers[1]), &w2);
    outer_with_input(&g.layers[0], &X);
}

/// In double precision throughout; the expected numbers are those of a separate plain program.
#[test]
fn nudge_inside_one_sided_and_symmetric() {
    let net = |distance| network(Dynamics::Prototypical, NudgePlace::Inside, 0.1, distance);
    let (record, mut learned) = run(net(0.1), ep(200, 200), &X);
    close("free", end_of(&record, 0), &FREE_6_1);
    close("+beta", end_of(&record, 1), &[0.016895554, 0.223629965, 0.489361232, 0.164817805, 0.191288357]);
    learned.scale(-1.0);
    check_gradient(
        "one-sided",
        &learned,
        [-0.011745475, -0.117527572, -0.031352464],
        [0.082199434, -0.477286863],
        [-0.000643606, -0.00195445, 0.034800056, -0.009750202, -0.123607864, -0.238066637],
    );

    let (record, mut learned) = run(net(0.2), symmetric(200, 200), &X);
    close("-beta", end_of(&record, 2), &[0.014747213, 0.202497695, 0.484710569, 0.183108129, 0.103314777]);
    learned.scale(-1.0);
    check_gradient(
        "symmetric",
        &learned,
        [-0.010741702, -0.105661353, -0.023253315],
        [0.091451619, -0.439867899],
        [-0.000421767, 0.00110387, 0.040495006, -0.008541588, -0.109284022, -0.217656708],
    );
}

/// The program published with Laborieux et al. 2021 computes the nudge in single precision, which reaches the eighth
/// decimal of its gradients. With that rounding the oracle's drives give its numbers to the last digit.
#[test]
fn nudge_inside_with_the_published_programs_single_precision_nudge() {
    let (net, p) = (network(Dynamics::Prototypical, NudgePlace::Inside, 0.1, 0.1), parameters());
    let drive = net.input_drive(&p, &X);
    let relaxed = |mut states: Vec<f64>, beta: f64| {
        for _ in 0..200 {
            let now = Moment { states, corners: vec![0; 5] };
            let (mut u, s) = (net.drives(&p, &drive, &now).values, now.states);
            for k in 0..2 {
                u[3 + k] += f64::from(beta as f32 * (Y[k] as f32 - s[3 + k] as f32));
            }
            states = u.into_iter().map(|u| Squash::Logistic.at(u)).collect();
        }
        states
    };
    let free = relaxed(vec![0.0; 5], 0.0);
    let (plus, minus) = (relaxed(free.clone(), 0.1), relaxed(free.clone(), -0.1));
    close("+beta", &plus, &[0.016895554, 0.223629965, 0.489361232, 0.164817805, 0.191288357]);
    close("-beta", &minus, &[0.014747213, 0.202497694, 0.484710569, 0.183108129, 0.103314775]);
    let g = |a: &[f64], b: &[f64], distance: f64| {
        let bias = (0..5).map(|i| (b[i] - a[i]) / distance);
        let weights = [(3, 0), (3, 1), (3, 2), (4, 0), (4, 1), (4, 2)];
        bias.chain(weights.map(|(i, j)| (b[i] * b[j] - a[i] * a[j]) / distance)).collect::<Vec<_>>()
    };
    let one_sided = [
        -0.011745475,
        -0.117527573,
        -0.031352463,
        0.082199439,
        -0.477286866,
        -0.000643605,
        -0.001954449,
        0.034800059,
        -0.009750202,
        -0.123607865,
        -0.238066638,
    ];
    close("one-sided", &g(&plus, &free, 0.1), &one_sided);
    let symmetric = [
        -0.010741703,
        -0.105661355,
        -0.023253315,
        0.091451622,
        -0.43986791,
        -0.000421767,
        0.00110387,
        0.040495007,
        -0.008541589,
        -0.109284025,
        -0.217656713,
    ];
    close("symmetric", &g(&plus, &minus, 0.2), &symmetric);
}

#[test]
fn the_true_gradient() {
    let net = network(Dynamics::Prototypical, NudgePlace::Inside, 0.1, 0.1);
    let truth = |name: &str, g: &Parameters| {
        check_gradient(
            name,
            g,
            [-0.010765672, -0.106455895, -0.024191753],
            [0.090378838, -0.444218854],
            [-0.000442021, 0.000728328, 0.039758453, -0.008529084, -0.109402624, -0.21946371],
        );
    };
    let g = gradients(&net, &parameters(), &X, &Y, 200, 200);
    assert!((g.loss - 0.38171605).abs() < PRINTED);
    truth("BPTT", &g.sum().expect("there are steps"));
    let point = settle(&net, &parameters(), &X, 1e-15);
    assert!(point.moved <= 1e-15);
    truth("BPTT's limit", &at_fixed_point(&net, &parameters(), &X, &Y, &point.point).0);
}

/// A random sign of the nudge turns the update's sign too, so both signs learn the same to first order.
#[test]
fn a_random_sign_belongs_to_nudge_and_update() {
    let by_sample = |sample: u32| {
        let update = Update {
            coefficient: Coefficient::SignOfSample,
            ..Update::products(StateRef::Now, StateRef::Slot(0))
        };
        let mut program = ep(200, 5);
        program.train[2] = relax(5, Nudge::BySample);
        program.train[3] = learn(update);
        program.last = program.train.clone();
        let net = network(Dynamics::Prototypical, NudgePlace::Outside, 0.1, 0.1);
        let mut oracle = Oracle::new(net, program, parameters(), 7);
        oracle.sample = sample;
        let mut record = Record::default();
        oracle.run(&X, LABEL, true, &mut record);
        (record.phases[1].nudge, record.learned.expect("it learns").layers[1].bias.clone())
    };
    let runs: Vec<_> = (0..16).map(by_sample).collect();
    for (nudge, db2) in &runs {
        let expected = if *nudge > 0.0 { [-0.140137702, 0.820601427] } else { [-0.169166396, 1.006081737] };
        close("db_2", db2, &expected);
    }
    assert!(runs.iter().any(|r| r.0 > 0.0) && runs.iter().any(|r| r.0 < 0.0), "both signs occur");
}

/// Forward and backward weights of their own (Ernoult et al. 2020, C-VF): each learns its post-synaptic neuron's
/// movement times the other's activity before it.
#[test]
fn separate_backward_weights_learn_by_their_own_contrast() {
    use StateRef::{Now, Previous};
    let mut net = network(Dynamics::Prototypical, NudgePlace::Outside, 0.1, 0.1);
    net.vector_field = true;
    net.learning_rates = vec![1e-3, 2e-3];
    let mut start = parameters();
    start.layers[1].backward = Some(start.layers[1].forward.iter().map(|w| 0.5 * w + 0.1).collect());
    let update = Update {
        forward: Contrast::post_difference(Now, Previous),
        backward: Contrast { post_a: Previous, pre_a: Now, post_b: Previous, pre_b: Previous },
        coefficient: Coefficient::One,
    };
    let train =
        vec![relax(50, Nudge::None), Op::Relax { passes: 3, nudge: Nudge::Plus, plasticity: Some(update) }];
    let mut oracle = Oracle::new(
        net,
        Program { order: Order::Synchronous, infer: vec![train[0]], last: train.clone(), train },
        start.clone(),
        1,
    );
    let mut record = Record::default();
    oracle.run(&X, LABEL, true, &mut record);
    let states: Vec<_> = record.phases[1].moments.iter().map(|m| &m.states).collect();
    // F += eta/beta (h_2' - h_2) h_1^T; G += eta/beta (h_1' - h_1) h_2^T.
    let (mut f, mut g) = (start.layers[1].forward.clone(), start.layers[1].backward.clone().unwrap());
    for s in states.windows(2) {
        for (j, i) in (0..3).flat_map(|j| (0..2).map(move |i| (j, i))) {
            f[j * 2 + i] += 2e-3 / 0.1 * (s[1][3 + i] - s[0][3 + i]) * s[0][j];
            g[j * 2 + i] += 2e-3 / 0.1 * (s[1][j] - s[0][j]) * s[0][3 + i];
        }
    }
    let learned = &oracle.parameters.layers[1];
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
    assert!(distance(&learned.forward, &f) < 1e-15);
    assert!(distance(learned.backward.as_deref().unwrap(), &g) < 1e-15);
    assert!(distance(&g, start.layers[1].backward.as_deref().unwrap()) > 1e-7, "the way back learns at all");
}

/// Equal forward and backward weights make the same states as shared ones.
#[test]
fn equal_ways_back_change_no_state() {
    let run = |separate: bool| {
        let mut net = network(Dynamics::Leaky, NudgePlace::Inside, 0.1, 0.1);
        net.vector_field = separate;
        let mut p = parameters();
        p.layers[1].backward = separate.then(|| p.layers[1].forward.clone());
        let mut record = Record::default();
        Oracle::new(net, ep(20, 5), p, 1).run(&X, LABEL, true, &mut record);
        record.phases.into_iter().map(|p| p.moments).collect::<Vec<_>>()
    };
    assert_eq!(run(false), run(true));
}

/// Tiny continual updates are EP's, cut into steps (the debugging check of Ernoult et al. 2020).
#[test]
fn continual_updates_tend_to_those_of_ep() {
    let net = network(Dynamics::Prototypical, NudgePlace::Outside, 0.1, 0.1);
    let (record, at_once) = run(net.clone(), ep(200, 5), &X);
    assert!(record.phases.iter().all(|p| p.increments.is_empty()), "one update after the phase, none in it");
    let tiny = FloatNetwork { learning_rates: vec![1e-9; 2], ..net };
    let (record, mut in_steps) = run(tiny, cep(200, 5), &X);
    in_steps.scale(1e9);
    assert_eq!(record.phases[1].increments.len(), 5);
    let worst = at_once.values().zip(in_steps.values()).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
    assert!(worst < 1e-8, "{worst:e}");
}

/// A set of rates behind a milestone counts a part of the contrast.
#[test]
fn learning_rates_fall_with_the_rate_set() {
    let net = network(Dynamics::Prototypical, NudgePlace::Outside, 0.1, 0.1);
    let learned = |rates| {
        let falling = FloatNetwork { rate_gamma: 0.25, ..net.clone() };
        let mut oracle = Oracle::new(falling, ep(30, 5), parameters(), 1);
        oracle.run(&X, LABEL, Lesson::TrainLast { rates }, &mut Unwatched);
        oracle.parameters.values().zip(parameters().values()).map(|(a, b)| a - b).collect::<Vec<_>>()
    };
    for (first, third) in learned(0).into_iter().zip(learned(2)) {
        assert!((first / 16.0 - third).abs() < 1e-12, "{first} {third}");
    }
}

/// Watching changes nothing but the last bits, and leaves alone what decay does: the lines of zero inputs.
#[test]
fn unwatched_runs_learn_the_same() {
    let input = [0.1, 0.0, 0.4, 0.7];
    let decaying =
        FloatNetwork { weight_decay: 0.01, ..network(Dynamics::Prototypical, NudgePlace::Outside, 0.1, 0.1) };
    let mut watched = Oracle::new(decaying, cep(30, 5), parameters(), 1);
    let mut alone = watched.clone();
    let a = watched.run(&input, LABEL, true, &mut Record::default());
    let b = alone.run(&input, LABEL, true, &mut Unwatched);
    assert_eq!((a, watched.sample), (b, alone.sample));
    assert_eq!(alone.parameters.layers[0].line(1), parameters().layers[0].line(1));
    assert_ne!(alone.parameters.layers[0].line(0), parameters().layers[0].line(0));
    for (a, b) in watched.parameters.values().zip(alone.parameters.values()) {
        assert!((a - b).abs() < 1e-12);
    }
}

/// Network 4-3-3 and a softmax over two classes, by the same formula (algorithms.md 6.4).
fn analytic() -> (FloatNetwork, Parameters) {
    let sizes = [4, 3, 3, 2];
    let net = FloatNetwork {
        network: Network::dense(&sizes),
        softmax: true,
        learning_rates: vec![1.0; 3],
        ..network(Dynamics::Prototypical, NudgePlace::Inside, 0.1, 0.1)
    };
    (net, parameters_of(&sizes))
}

/// Steps after which nothing moves any more.
const LONG: usize = 400;

#[test]
fn complex_states_and_the_gradient_they_tend_to() {
    let (net, parameters) = analytic();
    let sample = Holomorphic::new(&net, &parameters, &X, &Y);
    let free = sample.relax(&sample.at_rest(), 0.0.into(), LONG);
    assert!(free.moved < 1e-15, "{}", free.moved);
    let real: Vec<f64> = free.states.iter().map(|s| s.re).collect();
    assert!(free.states.iter().all(|s| s.im == 0.0), "a real nudge leaves states real");
    close("h1", &real[..3], &[0.016257523, 0.204993528, 0.464786808]);
    close("h2", &real[3..6], &[0.168262926, 0.141048232, 0.049587974]);
    let settled = settle(&net, &parameters, &X, 1e-16);
    close("real oracle", &settled.point.states, &real);
    let (g, _) = at_fixed_point(&net, &parameters, &X, &Y, &settled.point);
    close("b1", &g.layers[0].bias, &[0.001242117, 0.046092374, 0.068147516]);
    let row = |l: usize, o: usize| -> Vec<f64> {
        let layer = &g.layers[l - 1];
        (0..layer.pre).map(|i| layer.weight(o, i)).collect()
    };
    close("W2, row 0", &row(2, 0), &[0.002709471, 0.039284417, 0.082952668]);
    close("W2, row 1", &row(2, 1), &[0.002808993, 0.039711154, 0.084909713]);
    close("W2, row 2", &row(2, 2), &[0.000371553, 0.006193946, 0.012240723]);
    close("b2", &g.layers[1].bias, &[0.153803778, 0.162004655, 0.019065572]);
    close("W3, row 0", &row(3, 0), &[0.088413332, 0.074113439, 0.026055876]);
    close("W3, row 1", &row(3, 1), &[-0.088413332, -0.074113439, -0.026055876]);
    // Of (p - y), so of p, too.
    close("b3", &g.layers[2].bias, &[0.525447489, -0.525447489]);
    let drives = net.drives(&parameters, &net.input_drive(&parameters, &X), &settled.point);
    close("loss", &[net.loss(net.shown(&drives.values, &real), &Y)], &[0.7453830009]);

    let turned = sample.relax(&free.states, Complex64::new(0.0, 0.5), LONG).states;
    let parts = |s: &[Complex64]| -> Vec<f64> { s.iter().flat_map(|s| [s.re, s.im]).collect() };
    let h1 = [0.016030744, -0.000558311, 0.197462176, -0.020980827, 0.455155809, -0.031965032];
    let h2 = [0.149736255, -0.073195561, 0.117450997, -0.075652946, 0.04916996, -0.009659645];
    close("h1 at 0.5i", &parts(&turned[..3]), &h1);
    close("h2 at 0.5i", &parts(&turned[3..6]), &h2);
    // And back at the conjugate nudge: the conjugate states.
    let mirrored = sample.relax(&free.states, Complex64::new(0.0, -0.5), LONG).states;
    let conjugate: Vec<Complex64> = mirrored.iter().map(|s| s.conj()).collect();
    close("at -0.5i", &parts(&conjugate), &parts(&turned));
}

#[test]
fn more_points_on_the_circle_raise_the_order_of_the_error() {
    let (net, parameters) = analytic();
    let sample = Holomorphic::new(&net, &parameters, &X, &Y);
    let free = sample.relax(&sample.at_rest(), 0.0.into(), LONG).states;
    let settled = settle(&net, &parameters, &X, 1e-16);
    let (mut truth, _) = at_fixed_point(&net, &parameters, &X, &Y, &settled.point);
    truth.scale(-1.0);
    let error = |points: u32, beta: f64| {
        let estimate = sample.estimate(&free, points, beta, LONG);
        Agreement::of(estimate.values(), truth.values()).relative_error().expect("there is a gradient")
    };
    let slope = |points: u32, from: f64, to: f64| {
        let betas = (0..=16).map(|k| from * (to / from).powf(f64::from(k) / 16.0));
        let points: Vec<(f64, f64)> = betas.map(|beta| (beta, error(points, beta))).collect();
        (log_log_slope(&points).expect("errors above zero"), points)
    };
    for (points, from, to) in [(1, 0.0005, 0.05), (2, 0.005, 0.5), (4, 0.005, 0.5)] {
        let (slope, _) = slope(points, from, to);
        let order = f64::from(points);
        assert!((slope / order - 1.0).abs() < 0.05, "{points} points: {slope}");
    }
    // Eight points: from where floats end, six decades of the error.
    let (slope, errors) = slope(8, 0.06, 0.34);
    assert!((slope / 8.0 - 1.0).abs() < 0.05, "8 points: {slope}");
    let span = errors[16].1 / errors[0].1;
    assert!(span > 0.99e6, "{span:e}");
    let least = (1..40).map(|k| error(8, 0.005 * f64::from(k))).fold(1.0, f64::min);
    assert!(least < 5e-12, "floats end at {least:e}");
    // One and two points are what EP and symmetric nudging learn.
    for (points, program) in [(1, ep(LONG as u32, LONG as u32)), (2, symmetric(LONG as u32, LONG as u32))] {
        let distance = if points == 1 { 0.3 } else { 0.6 };
        let nudged = FloatNetwork { beta: 0.3, nudge_distance: distance, ..net.clone() };
        let mut record = Record::default();
        Oracle::new(nudged, program, parameters.clone(), 1).run(&X, LABEL, true, &mut record);
        let learned = record.learned.expect("the program learns");
        let estimate = sample.estimate(&free, points, 0.3, LONG);
        let (found, expected): (Vec<f64>, Vec<f64>) =
            (estimate.values().collect(), learned.values().collect());
        close("as the real rule", &found, &expected);
    }
}

#[test]
fn a_nudge_that_walks_round_needs_no_phases() {
    let (net, parameters) = analytic();
    let sample = Holomorphic::new(&net, &parameters, &X, &Y);
    let settled = settle(&net, &parameters, &X, 1e-16);
    let (mut truth, _) = at_fixed_point(&net, &parameters, &X, &Y, &settled.point);
    truth.scale(-1.0);
    let error = |steps: usize, periods: u32| {
        let last = sample.oscillate(10, 0.4, steps, periods).pop().expect("a period");
        Agreement::of(last.values(), truth.values()).relative_error().expect("there is a gradient")
    };
    // Only the first period has the way from rest in it: what each of them adds by itself.
    let sums = sample.oscillate(10, 0.4, 5, 8);
    let own = |p: usize| {
        let mut own = sums[p].clone();
        own.scale(p as f64 + 1.0);
        own.add_scaled(-(p as f64), &sums[p - 1]);
        Agreement::of(own.values(), sums[7].values()).estimate_norm()
    };
    assert!((own(6) / own(3) - 1.0).abs() < 1e-9, "{} {}", own(6), own(3));
    let first = Agreement::of(sums[0].values(), truth.values()).estimate_norm();
    assert!((first / own(3) - 1.0).abs() > 1e-5, "{first} {}", own(3));
    assert!(error(40, 3) < 1e-4, "{}", error(40, 3));
    assert!(error(40, 3) < 0.01 * error(5, 3), "{}", error(5, 3));
}
