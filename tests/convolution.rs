//! The oracle's convolutions against numbers from an independent program of plain loops in 64-bit floating point: a network of
//! two pooled convolutions and a dense layer, `8x8x1 -> 4x4x2 -> 2x2x3 -> 2`.

use eqhdl::design::{Dynamics, NudgePlace, Order};
use eqhdl::network::{Connection, Kernel, Network, Pool, Shape};
use eqhdl::oracle::bptt::{at_fixed_point, gradients, settle};
use eqhdl::oracle::{FloatNetwork, LayerParameters, Moment, Oracle, Parameters, Places, Record, Squash};
use eqhdl::rules::{Destination, Nudge, Op, Program, StateRef, Update};

/// The printed numbers have nine decimals.
const PRINTED: f64 = 0.6e-9;

const TARGET: [f64; 2] = [0.0, 1.0];
const LABEL: u16 = 1;

/// What the other program printed. Gradients are estimates of `dL/dtheta`.
struct Golden {
    /// Output, then layer 2, at the free fixed point; of a softmax read-out its probabilities.
    free: &'static [f64],
    /// Corners of layer 2 there.
    places: [u8; 12],
    /// The first row of layer 1 there.
    first_row: &'static [f64],
    loss: f64,
    /// Output (but of a softmax read-out), then layer 2, under the nudge.
    nudged: &'static [f64],
    kernel_1: &'static [f64],
    bias_1: &'static [f64],
    /// Channel 0.
    kernel_2: &'static [f64],
    bias_2: &'static [f64],
    /// Row 1.
    dense: &'static [f64],
    bias_3: &'static [f64],
    truth: Option<Truth>,
}

/// Central differences of the loss at the free fixed point.
struct Truth {
    bias_1: &'static [f64],
    bias_2: &'static [f64],
    /// Channel 0, channel 0 below, the first three taps of the kernel's diagonal.
    kernel_2: &'static [f64],
}

const INSIDE: Golden = Golden {
    free: &[
        0.044744928,
        0.108036087,
        0.172936646,
        0.102766718,
        0.086337163,
        0.252802998,
        0.351971693,
        0.193619359,
        0.153450034,
        0.100460388,
        0.108095085,
        0.156693972,
        0.214840005,
        0.097968049,
    ],
    places: [2, 0, 3, 2, 3, 1, 2, 0, 1, 0, 1, 2],
    first_row: &[
        0.608891543,
        0.064056105,
        0.297596049,
        0.159215311,
        0.667323493,
        0.276471060,
        0.670423365,
        0.289924701,
    ],
    loss: 0.398800866,
    nudged: &[
        0.042922259,
        0.156820518,
        0.170591481,
        0.096108139,
        0.080690552,
        0.250537062,
        0.365185928,
        0.207432574,
        0.159913671,
        0.098500136,
        0.101101444,
        0.146784227,
        0.211603843,
        0.102836283,
    ],
    kernel_1: &[
        -0.009103135,
        -0.000921322,
        -0.003775681,
        -0.011058840,
        -0.028084677,
        -0.027760526,
        -0.034329235,
        -0.029803728,
        -0.013648956,
        -0.010199731,
        -0.005804178,
        -0.029894524,
        -0.005425250,
        -0.008625289,
        -0.016877057,
        -0.033530175,
        -0.010248684,
        -0.007316028,
    ],
    bias_1: &[-0.050342480, -0.007377462],
    kernel_2: &[
        0.012106357,
        0.004804584,
        0.025801161,
        0.021426446,
        0.052706687,
        0.023231202,
        0.005718032,
        0.002802026,
        0.005978124,
        0.002816338,
        0.039960755,
        0.006976284,
        0.007071380,
        0.010615844,
        0.013334527,
        0.023406060,
        0.028125526,
        0.035634264,
    ],
    bias_2: &[0.073234701, -0.008953838, -0.046327283],
    dense: &[
        -0.070448501,
        -0.036255572,
        -0.030409258,
        -0.104235710,
        -0.162249135,
        -0.095963197,
        -0.071424618,
        -0.040282959,
        -0.038135874,
        -0.055562662,
        -0.087217055,
        -0.046387433,
    ],
    bias_3: &[0.017379330, -0.421774305],
    truth: Some(Truth {
        bias_1: &[-0.049257956, -0.006581192],
        bias_2: &[0.074401480, -0.007567797, -0.043887633],
        kernel_2: &[0.012175434, 0.006194681, 0.028445959],
    }),
};

/// The free phase knows no nudge: it is that of [`INSIDE`].
const OUTSIDE: Golden = Golden {
    nudged: &[
        0.034252567,
        0.283514914,
        0.163261234,
        0.079579972,
        0.067180321,
        0.246656746,
        0.404888293,
        0.249669019,
        0.178093444,
        0.092821445,
        0.083928709,
        0.123016330,
        0.204681946,
        0.117984197,
    ],
    kernel_1: &[
        -0.023813578,
        -0.002816433,
        -0.008064945,
        -0.020714668,
        -0.061006266,
        -0.059124628,
        -0.071711806,
        -0.067707018,
        -0.029821240,
        -0.020134658,
        -0.021926145,
        -0.071857543,
        -0.013043038,
        -0.028334702,
        -0.034900764,
        -0.073523297,
        -0.022672300,
        -0.017325472,
    ],
    bias_1: &[-0.109280928, -0.024903280],
    kernel_2: &[
        0.022585820,
        0.008838849,
        0.047159172,
        0.036829800,
        0.098736076,
        0.044588151,
        0.010985198,
        0.005402996,
        0.006901306,
        -0.003447625,
        0.070982807,
        0.010777459,
        0.013505746,
        0.021375836,
        0.026159705,
        0.044489123,
        0.049471988,
        0.065649422,
    ],
    bias_2: &[0.124279485, -0.059664257, -0.163712947],
    dense: &[
        -0.138017981,
        -0.057297974,
        -0.048595468,
        -0.213095098,
        -0.383831127,
        -0.249335064,
        -0.169570031,
        -0.077314584,
        -0.060584353,
        -0.089741803,
        -0.174099554,
        -0.114330974,
    ],
    bias_3: &[0.052461806, -0.877394137],
    truth: None,
    ..INSIDE
};

const SOFTMAX: Golden = Golden {
    free: &[
        0.445795322,
        0.554204678,
        0.165844382,
        0.114005342,
        0.102846831,
        0.284632386,
        0.351143909,
        0.171826626,
        0.133450267,
        0.098066430,
        0.121865280,
        0.189874006,
        0.241709864,
        0.093963617,
    ],
    places: [2, 0, 3, 2, 3, 1, 2, 0, 1, 0, 1, 2],
    first_row: &[
        0.610973199,
        0.063552171,
        0.290267778,
        0.157880830,
        0.668638597,
        0.281711948,
        0.673443480,
        0.290254231,
    ],
    loss: 0.590221205,
    nudged: &[
        0.119442886,
        0.074959445,
        0.088187897,
        0.391244094,
        0.521838900,
        0.256161003,
        0.131726681,
        0.070366143,
        0.085759065,
        0.181038124,
        0.309935869,
        0.143984658,
    ],
    kernel_1: &[
        -0.125848667,
        0.005233914,
        0.064860828,
        -0.000638552,
        -0.176608735,
        -0.036043714,
        -0.203843123,
        -0.181376925,
        -0.033688633,
        -0.028399422,
        -0.171536220,
        -0.238047177,
        -0.156000497,
        -0.189051454,
        -0.063340077,
        -0.260938595,
        -0.050838428,
        -0.084844636,
    ],
    bias_1: &[-0.239775801, -0.207823483],
    kernel_2: &[
        -0.048488589,
        -0.038309367,
        -0.069448494,
        -0.078539797,
        -0.099933682,
        -0.014422248,
        -0.018627346,
        -0.010948034,
        -0.005741625,
        -0.063436311,
        -0.120664807,
        -0.031240603,
        -0.011758561,
        -0.004908117,
        -0.002183194,
        -0.006322208,
        -0.110833485,
        -0.047828273,
    ],
    bias_2: &[-0.017246382, -0.250956142, -0.081747657],
    dense: &[
        -0.092080712,
        -0.069504095,
        -0.052816609,
        -0.125124593,
        -0.147988697,
        -0.074554408,
        -0.062008282,
        -0.056472243,
        -0.072915059,
        -0.093406948,
        -0.105587915,
        -0.040561767,
    ],
    bias_3: &[0.458198260, -0.458198260],
    truth: Some(Truth {
        bias_1: &[-0.262242017, -0.221593313],
        bias_2: &[-0.043452029, -0.301791792, -0.112589847],
        kernel_2: &[-0.050960454, -0.008779507, -0.117056546],
    }),
};

/// After four free steps in either order, with places of the present states and with recorded ones: output, then layer 2.
const FOUR_STEPS: [(Order, Places, [f64; 5]); 4] = [
    (Order::Synchronous, Places::Present, [0.069159660, 0.098753007, 0.187976095, 0.106416836, 0.081415913]),
    (Order::EvenOdd, Places::Present, [0.056948896, 0.102609316, 0.185674689, 0.106898855, 0.080992390]),
    (Order::Synchronous, Places::Recorded, [0.072052854, 0.101505336, 0.192777945, 0.107553065, 0.086016639]),
    (Order::EvenOdd, Places::Recorded, [0.056948896, 0.102609316, 0.185674689, 0.106898855, 0.080992390]),
];

fn close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    for (k, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() < PRINTED, "{what}[{k}]: found {f:.9}, expected {e:.9}");
    }
}

/// `x[r][c] = 0.5 + 0.5 sin(0.7 r + 1.3 c + 0.2 r c)`.
fn image() -> Vec<f64> {
    let at = |r: f64, c: f64| 0.5 + 0.5 * (0.7 * r + 1.3 * c + 0.2 * r * c).sin();
    (0..64).map(|i| at(f64::from(i / 8), f64::from(i % 8))).collect()
}

/// `W_l[o][i] = scale_l 0.4 sin(1 + 1.7 o + 0.9 i + 2.3 l)`, `b_l[o] = 0.1 cos(0.5 + o + l)`.
fn parameters(network: &Network) -> Parameters {
    let layer = |(l, c): (usize, &Connection)| {
        let mut p = LayerParameters::zero(c.rows(), c.taps());
        let scale = if l == 2 { 0.2 } else { 0.4 };
        for o in 0..c.rows() {
            for i in 0..c.taps() {
                let angle = 1.0 + 1.7 * o as f64 + 0.9 * i as f64 + 2.3 * l as f64;
                p.forward[i * c.rows() + o] = scale * angle.sin();
            }
            p.bias[o] = 0.1 * (0.5 + o as f64 + l as f64).cos();
        }
        p
    };
    Parameters { layers: network.connections().map(layer).collect() }
}

fn network(pool: Pool) -> Network {
    let kernel = Kernel { size: 3, stride: 1, padding: 1, pool };
    let input = Shape { rows: 8, columns: 8, channels: 1 };
    let first = Connection::conv(input, 2, kernel).expect("it fits");
    let second = Connection::conv(first.above(), 3, kernel).expect("it fits");
    let last = Connection::dense(second.above(), 2);
    Network::new(vec![first, second, last])
}

fn float(nudge_place: NudgePlace, order: Order, beta: f64, nudge_distance: f64) -> FloatNetwork {
    FloatNetwork {
        network: network(Pool::Max),
        dynamics: Dynamics::Prototypical,
        order,
        places: Places::Present,
        softmax: false,
        nudge_place,
        squash: Squash::Logistic,
        dt: 1.0,
        beta,
        nudge_distance,
        circle: None,
        batch: 1,
        momentum: None,
        learning_rates: vec![1.0; 3],
        noise: 0.0,
        rate_gamma: 1.0,
        vector_field: false,
        weight_decay: 0.0,
    }
}

fn program(order: Order, steps: u32, nudged: u32, symmetric: bool) -> Program {
    let relax = |steps, nudge| Op::Relax { passes: order.passes(steps), nudge, plasticity: None };
    let (free, now) = (StateRef::Slot(0), StateRef::Now);
    let learn = |a, b| Op::Learn { update: Update::products(a, b), into: Destination::Weights };
    let mut train = vec![relax(steps, Nudge::None), Op::Save { slot: 0 }, relax(nudged, Nudge::Plus)];
    if symmetric {
        let other = [
            Op::Save { slot: 1 },
            Op::Load { slot: 0 },
            relax(nudged, Nudge::Minus),
            learn(StateRef::Slot(1), now),
        ];
        train.extend(other);
    } else {
        train.push(learn(now, free));
    }
    Program { order, infer: vec![train[0]], last: train.clone(), train }
}

/// Output, then layer 2.
fn shown(net: &FloatNetwork, moment: &Moment) -> Vec<f64> {
    [3, 2].into_iter().flat_map(|l| moment.states[net.span(l)].iter().copied()).collect()
}

/// The weights of a row, tap by tap.
fn row(p: &LayerParameters, row: usize) -> Vec<f64> {
    (0..p.pre).map(|tap| p.weight(row, tap)).collect()
}

/// Runs the sample, holds what happened against the other program, and returns it.
fn holds(net: FloatNetwork, program: Program, golden: &Golden) -> Record {
    let (image, start) = (image(), parameters(&net.network));
    let mut oracle = Oracle::new(net.clone(), program, start.clone(), 1);
    let mut record = Record::default();
    oracle.run(&image, LABEL, true, &mut record);
    let [free, nudged] = [0, 1].map(|phase| record.phases[phase].moments.last().expect("there are steps"));

    let input_drive = net.input_drive(&start, &image);
    let drives = net.drives(&start, &input_drive, free);
    let point = settle(&net, &start, &image, 1e-15);
    assert!(point.moved <= 1e-15);
    let outputs = if net.softmax { 2..14 } else { 0..14 };
    if net.softmax {
        let logits = &drives.values[net.span(3)];
        let powers: Vec<f64> = logits.iter().map(|u| u.exp()).collect();
        let p: Vec<f64> = powers.iter().map(|e| e / powers.iter().sum::<f64>()).collect();
        close("free probabilities", &p, &golden.free[..2]);
    }
    close("free", &shown(&net, free)[outputs.clone()], &golden.free[outputs.clone()]);
    assert_eq!(free.corners[net.span(2)], golden.places);
    close("first row of layer 1", &free.states[..8], golden.first_row);
    close("loss", &[net.loss(net.shown(&drives.values, &free.states), &TARGET)], &[golden.loss]);
    close("nudged", &shown(&net, nudged)[outputs], golden.nudged);

    let mut g = record.learned.clone().expect("it learns");
    g.scale(-1.0);
    let kernel_1: Vec<f64> = (0..2).flat_map(|channel| row(&g.layers[0], channel)).collect();
    close("kernel 1", &kernel_1, golden.kernel_1);
    close("bias 1", &g.layers[0].bias, golden.bias_1);
    close("kernel 2", &row(&g.layers[1], 0), golden.kernel_2);
    close("bias 2", &g.layers[1].bias, golden.bias_2);
    close("dense", &row(&g.layers[2], 1), golden.dense);
    close("bias 3", &g.layers[2].bias, golden.bias_3);

    if let Some(truth) = &golden.truth {
        let (limit, _) = at_fixed_point(&net, &start, &image, &TARGET, &point.point);
        let long = gradients(&net, &start, &image, &TARGET, 400, 200).sum().expect("there are steps");
        for g in [limit, long] {
            close("true bias 1", &g.layers[0].bias, truth.bias_1);
            close("true bias 2", &g.layers[1].bias, truth.bias_2);
            let diagonal: Vec<f64> = (0..3).map(|k| g.layers[1].weight(0, (3 * k + k) * 2)).collect();
            close("true kernel 2", &diagonal, truth.kernel_2);
        }
    }
    record
}

#[test]
fn nudge_inside_symmetric() {
    let net = float(NudgePlace::Inside, Order::Synchronous, 0.1, 0.2);
    holds(net, program(Order::Synchronous, 300, 300, true), &INSIDE);
}

#[test]
fn nudge_outside_one_sided_of_six_steps() {
    let net = float(NudgePlace::Outside, Order::Synchronous, 0.2, 0.2);
    holds(net, program(Order::Synchronous, 300, 6, false), &OUTSIDE);
}

#[test]
fn softmax_in_even_odd_order() {
    let net = FloatNetwork { softmax: true, ..float(NudgePlace::Outside, Order::EvenOdd, 0.5, 1.0) };
    holds(net, program(Order::EvenOdd, 300, 300, true), &SOFTMAX);
}

/// In even/odd order recorded places are those of the present states; in synchronous order they are a step old.
#[test]
fn places_of_the_record_are_a_step_old_in_synchronous_order() {
    for (order, places, expected) in FOUR_STEPS {
        let net = FloatNetwork { places, ..float(NudgePlace::Outside, order, 0.1, 0.1) };
        let mut record = Record::default();
        let mut oracle = Oracle::new(net.clone(), program(order, 4, 1, false), parameters(&net.network), 1);
        oracle.run(&image(), LABEL, false, &mut record);
        let moment = record.phases[0].moments.last().expect("there are steps");
        close(&format!("{order:?} {places:?}"), &shown(&net, moment)[..5], &expected);
    }
}
