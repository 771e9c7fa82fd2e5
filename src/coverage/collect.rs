//! Counts what happens, point by point.

use super::edges::{Edges, Factor, Given, KINDS};
use super::report::{Group, Point, Report, Width};
use crate::design::{Activation, Design, Dynamics, Keys, NudgePlace, Order, Rates, Tables};
use crate::fixed_point::softmax::PROBABILITY_FRAC;
use crate::fixed_point::{ComplexLogistic, Format, Interval, Overflow, Requantise};
use crate::network::{Connection, Pool};
use crate::reference::train::PlannedSample;
use crate::reference::{Inner, Observer, Quantity, Stage, StepView};
use crate::rules::{Lesson, Nudge, Op, Pass, Program, Skips};
use crate::schedule::Layout;

/// All points of a design, and how often each was seen.
#[derive(Debug)]
pub(super) struct Coverage<'d> {
    design: &'d Design,
    layout: &'d Layout,
    skips: Skips,
    stages: Vec<Counted>,
    /// Where among them those of a layer begin, and which quantities they are of.
    folds: Vec<Folds>,
    /// Weights that have changed, by layer and lane.
    lanes: Vec<Vec<u64>>,
    relaxations: Vec<Relaxation>,
    /// No pass of the relaxation at hand has left out others.
    whole: bool,
    /// Chunks of a layer in passes that learn: visited, and left out.
    chunks: Vec<[u64; 2]>,
    maps: Vec<Map>,
    /// What layer 0 holds, where a kernel looks at it: inputs that are not zero.
    input: Vec<bool>,
    trains: bool,
    samples: Samples,
    /// The prediction of one largest output, of several.
    read: [u64; 2],
    /// Samples that were looked into.
    pub looked_into: u64,
}

/// A requantiser.
#[derive(Debug)]
struct Counted {
    stage: Stage,
    format: Format,
    edges: Edges,
    seen: [u64; KINDS],
    /// Values that were not where the proofs have them.
    astray: u64,
    /// Of what came to be brought into range.
    least: i64,
    greatest: i64,
}

/// What an activation does with drives: below its lower bend, between, above the upper one.
#[derive(Debug)]
struct Folds {
    bends: (i64, i64),
    names: [&'static str; 3],
    seen: [u64; 3],
    possible: [bool; 3],
    /// Imaginary parts beyond what it looks at; none where states are real.
    beyond: Option<u64>,
}

/// A relaxation of a program under one nudge, and how it has ended.
#[derive(Debug)]
struct Relaxation {
    trains: bool,
    nudge: Nudge,
    plastic: bool,
    negative: Option<bool>,
    may_skip: bool,
    may_go_to_and_fro: bool,
    whole: u64,
    still: u64,
    to_and_fro: u64,
}

impl Relaxation {
    fn is(&self, trains: bool, pass: &Pass, negative: bool) -> bool {
        (self.trains, self.nudge, self.plastic) == (trains, pass.nudge, pass.plastic)
            && self.negative.is_none_or(|of| of == negative)
    }

    fn name(&self) -> String {
        let nudge = match (self.nudge, self.negative) {
            (Nudge::None, _) => "no nudge".to_owned(),
            (Nudge::Plus, _) | (_, Some(false)) => "nudge +beta".to_owned(),
            (Nudge::Minus, _) | (_, Some(true)) => "nudge -beta".to_owned(),
            (Nudge::Turned(k), _) => format!("point {k} of the circle"),
            (Nudge::BySample, None) => "random nudge".to_owned(),
        };
        let lesson = if self.trains { "learning" } else { "classifying" };
        let plastic = if self.plastic { ", synapses learn in every step" } else { "" };
        format!("{lesson}, {nudge}{plastic}")
    }
}

/// A kernel's map.
#[derive(Debug)]
struct Map {
    layer: usize,
    /// Activities other than zero along the top, bottom, left and right side of what it looks at, where it hangs over.
    sides: [u64; 4],
    /// Maxima by corner; none where no maximum is taken.
    corners: Option<[u64; 4]>,
}

const SIDES: [&str; 4] = ["top", "bottom", "left", "right"];

/// What all samples were, those that were not looked into, too.
#[derive(Debug, Default)]
struct Samples {
    /// To learn, to classify.
    of: [u64; 2],
    /// From one kind to the other: learn to classify, classify to learn.
    turns: [u64; 2],
    last: Option<bool>,
    /// Batches of the whole length, shorter ones.
    batches: [u64; 2],
    in_batch: u32,
    rates: Vec<u64>,
    classes: Vec<u64>,
    /// Inputs all zero, none zero.
    inputs: [u64; 2],
}

impl<'d> Coverage<'d> {
    /// Nothing seen yet.
    pub fn of(design: &'d Design, layout: &'d Layout) -> Coverage<'d> {
        let stages = stages(design);
        let maps = design.network.connections().filter(|(_, c)| !c.is_dense());
        Coverage {
            design,
            layout,
            skips: Skips::of(design),
            folds: design.network.layers().map(|l| folds(design, l)).collect(),
            stages,
            lanes: design.network.connections().map(|(_, c)| vec![0; layout.lanes.min(c.rows())]).collect(),
            relaxations: relaxations(design),
            whole: true,
            chunks: vec![[0; 2]; design.output_layer()],
            maps: maps
                .map(|(layer, c)| Map {
                    layer,
                    sides: [0; 4],
                    corners: (c.pool() == Pool::Max).then_some([0; 4]),
                })
                .collect(),
            input: Vec::new(),
            trains: false,
            samples: Samples {
                rates: vec![0; design.milestones.sets()],
                classes: vec![0; design.classes()],
                ..Samples::default()
            },
            read: [0; 2],
            looked_into: 0,
        }
    }

    /// Takes note of a sample that is compared, looked into or not, with so many inputs that are not zero.
    pub fn sample(&mut self, s: PlannedSample, label: u16, active: usize) {
        let c = &mut self.samples;
        c.of[usize::from(!s.train)] += 1;
        if c.last.is_some_and(|last| last != s.train) {
            c.turns[usize::from(s.train)] += 1;
        }
        c.last = Some(s.train);
        if s.train {
            c.in_batch += 1;
            c.rates[usize::from(s.rates).min(self.design.milestones.sets() - 1)] += 1;
            if s.ends_batch {
                c.batches[usize::from(c.in_batch < self.design.batch)] += 1;
                c.in_batch = 0;
            }
        }
        if let Some(class) = c.classes.get_mut(usize::from(label)) {
            *class += 1;
        }
        c.inputs[0] += u64::from(active == 0);
        c.inputs[1] += u64::from(active == self.design.network.inputs());
    }

    /// Looks into a sample from here on.
    pub fn look(&mut self, s: PlannedSample, input: &[i32]) {
        self.looked_into += 1;
        self.trains = s.train;
        self.whole = true;
        if !self.maps.is_empty() {
            self.input = input.iter().map(|&x| x != 0).collect();
        }
    }

    #[inline]
    fn at(&mut self, stage: Stage) -> Option<&mut Counted> {
        self.stages.iter_mut().find(|counted| counted.stage == stage)
    }

    fn passed(&mut self, pass: Pass, negative: bool, still: bool, left_out: u32) {
        let trains = self.trains;
        if pass.at == 0 {
            self.whole = true;
        }
        self.whole &= left_out == 0;
        let ends = pass.at + 1 + left_out >= pass.of;
        let whole = self.whole && ends;
        for r in self.relaxations.iter_mut().filter(|r| r.is(trains, &pass, negative)) {
            r.whole += u64::from(whole);
            r.still += u64::from(left_out > 0 && still);
            r.to_and_fro += u64::from(left_out > 0 && !still);
        }
    }

    /// Takes note of what lies along the sides of maps.
    fn see_sides(&mut self, states: &[i32]) {
        let network = &self.design.network;
        for map in &mut self.maps {
            let c = network.connection(map.layer);
            if c.grid().padding == 0 {
                continue;
            }
            let below = c.below();
            let activity = |row: usize, column: usize, channel: usize| {
                let number = below.number(crate::network::Place { row, column, channel });
                match map.layer {
                    1 => self.input.get(number).copied().unwrap_or(false),
                    l => states[network.span(l - 1)][number] != 0,
                }
            };
            let (bottom, right) = (below.rows - 1, below.columns - 1);
            let any = |rows: std::ops::RangeInclusive<usize>, columns: std::ops::RangeInclusive<usize>| {
                rows.into_iter().any(|row| {
                    columns.clone().any(|column| (0..below.channels).any(|k| activity(row, column, k)))
                })
            };
            let sides = [
                any(0..=0, 0..=right),
                any(bottom..=bottom, 0..=right),
                any(0..=bottom, 0..=0),
                any(0..=bottom, right..=right),
            ];
            for (seen, side) in map.sides.iter_mut().zip(sides) {
                *seen += u64::from(side);
            }
        }
    }

    /// The report so far.
    pub fn report(&self) -> Report {
        let mut groups = Vec::new();
        groups.push(self.samples_group());
        groups.extend(self.relaxations.iter().map(Relaxation::group));
        groups.push(Group::of(
            "prediction",
            [
                Point::new("one largest output", self.read[0], "more samples"),
                Point::new(
                    "of several equal outputs, the first",
                    self.read[1],
                    "outputs at a rail: larger weights, --stress",
                ),
            ],
        ));
        for l in self.design.network.layers() {
            groups.extend(self.stages.iter().filter(|c| c.stage.layer == l).map(Counted::group));
            groups.push(self.folds[l - 1].group(l));
            groups.extend(self.chunks_group(l));
            let lanes = (0..).zip(&self.lanes[l - 1]);
            groups.push(Group::of(
                format!("layer {l}, lanes that learn"),
                lanes.map(|(lane, &seen)| {
                    Point::new(
                        format!("lane {lane}"),
                        seen,
                        "a larger learning rate; inputs that are not zero",
                    )
                }),
            ));
            groups.extend(self.maps.iter().filter(|m| m.layer == l).map(|m| m.group(self.design)));
        }
        groups.retain(|g| !g.points.is_empty());
        Report {
            design: self.design.name.clone(),
            circuit: Keys::of_circuit(self.design),
            samples: self.samples.of.iter().sum(),
            looked_into: self.looked_into,
            groups,
        }
    }

    fn samples_group(&self) -> Group {
        let (c, d) = (&self.samples, self.design);
        let more = "more samples: --samples, --stress";
        let mut points = vec![
            Point::new("to learn", c.of[0], more),
            Point::new("to classify", c.of[1], "test samples: --epochs, or --samples beyond the first epoch"),
            Point::new("one to classify behind one to learn", c.turns[0], more),
            Point::new("one to learn behind one to classify", c.turns[1], more),
            Point::new("no input", c.inputs[0], "--stress"),
            Point::new("every input", c.inputs[1], "--stress"),
        ];
        if d.batch > 1 {
            points.push(Point::new("a whole batch", c.batches[0], more));
            points.push(Point::new("a shorter batch", c.batches[1], more));
        }
        if c.rates.len() > 1 {
            let sets = c.rates.iter().enumerate();
            points.extend(
                sets.map(|(k, &n)| Point::new(format!("rate set {k}"), n, "more epochs, or --stress")),
            );
        }
        let classes = c.classes.iter().enumerate();
        points.extend(classes.map(|(k, &n)| Point::new(format!("class {k}"), n, more)));
        Group::of("samples", points)
    }

    fn chunks_group(&self, l: usize) -> Option<Group> {
        let [visited, left_out] = self.chunks[l - 1];
        let d = self.design;
        // In a pass that also makes drives, only the first layer leaves out chunks.
        let learns = |op: &Op| matches!(op, Op::Learn { .. } | Op::Relax { plasticity: Some(_), .. });
        let program = Program::of(d);
        let last = Lesson::TrainLast { rates: 0 };
        (self.skips.leaves_out_chunks(false, d.network.depth()) && program.ops(last).iter().any(learns)).then(
            || {
                Group::of(
                    format!("layer {l}, chunks of synapses"),
                    [
                        Point::new("learned", visited, "a nudge that moves the layer"),
                        Point::new(
                            "left out, since no neuron has moved",
                            left_out,
                            "a sample that the network gets right",
                        ),
                    ],
                )
            },
        )
    }
}

impl Observer for Coverage<'_> {
    fn inner(&mut self, inner: Inner) {
        match inner {
            Inner::Requantised(stage, value) => {
                if stage.of == Quantity::Drive {
                    self.folds[stage.layer - 1].see(value.result);
                }
                if let Some(counted) = self.at(stage) {
                    counted.rounds(value.value, value.rounded);
                    counted.limits(value.rounded);
                }
            }
            Inner::Rounded(stage, value, rounded) => {
                if let Some(counted) = self.at(stage) {
                    counted.rounds(value, rounded);
                }
            }
            Inner::Limited(stage, value) => {
                if let Some(counted) = self.at(stage) {
                    counted.limits(value);
                }
            }
            Inner::Learned { layer, row } => {
                let lanes = self.layout.lanes;
                self.lanes[layer - 1][row % lanes] += 1;
            }
            Inner::Beyond(layer) => {
                if let Some(beyond) = &mut self.folds[layer - 1].beyond {
                    *beyond += 1;
                }
            }
            Inner::Passed { pass, negative, still, left_out } => self.passed(pass, negative, still, left_out),
            Inner::Read { tie } => self.read[usize::from(tie)] += 1,
        }
    }

    fn step(&mut self, view: StepView<'_>) {
        if view.visits.learns() {
            for (l, chunks) in (1..).zip(&mut self.chunks) {
                for chunk in 0..self.layout.layer(l).chunks {
                    let rows = self.layout.weights.rows(l, chunk);
                    let visits =
                        |moved: crate::network::Moved<'_>| moved.visits(&self.design.network, l, rows);
                    chunks[usize::from(!view.visits.moved.is_none_or(visits))] += 1;
                }
            }
        }
        if view.visits.relaxed && !self.maps.is_empty() {
            for map in &mut self.maps {
                if let Some(corners) = &mut map.corners {
                    for &corner in &view.records.corners[self.design.network.span(map.layer)] {
                        corners[corner as usize % 4] += 1;
                    }
                }
            }
            self.see_sides(view.records.states);
        }
    }
}

impl Counted {
    fn of(layer: usize, of: Quantity, format: Format, edges: Edges) -> Counted {
        let stage = Stage { layer, of };
        Counted { stage, format, edges, seen: [0; KINDS], astray: 0, least: i64::MAX, greatest: i64::MIN }
    }

    #[inline]
    fn rounds(&mut self, value: i64, rounded: i64) {
        self.astray += u64::from(!self.edges.holds(value));
        if let Some(edge) = self.edges.rounding(value, rounded) {
            self.seen[edge as usize] += 1;
        }
    }

    #[inline]
    fn limits(&mut self, value: i64) {
        self.astray += u64::from(!self.edges.limits(value));
        self.seen[self.edges.range(value) as usize] += 1;
        self.least = self.least.min(value);
        self.greatest = self.greatest.max(value);
    }

    fn group(&self) -> Group {
        let name = match self.stage.of {
            Quantity::Drive => "drive",
            Quantity::ImaginaryDrive => "imaginary part of the drive",
            Quantity::State => "state",
            Quantity::ImaginaryState => "imaginary part of the state",
            Quantity::Weight => "weight",
            Quantity::Bias => "bias",
            Quantity::Back => "weight back",
            Quantity::Velocity => "velocity",
            Quantity::BiasVelocity => "velocity of the bias",
        };
        let points = self.edges.all().map(|(edge, can)| {
            let point = Point::new(edge.says(), self.seen[edge as usize], edge.remedy());
            if can { point } else { point.never(self.edges.proof(edge)) }
        });
        let astray = (self.astray > 0).then(|| {
            Point::new("a value where no proof has it", self.astray, "")
                .never("of the proofs above".to_owned())
        });
        let mut group = Group::of(format!("layer {}, {name}", self.stage.layer), points.chain(astray));
        let seen = (self.least <= self.greatest).then(|| {
            let (least, greatest) = (
                self.least.max(self.format.min_raw()).min(self.format.max_raw()),
                self.greatest.min(self.format.max_raw()).max(self.format.min_raw()),
            );
            let sign = u32::from(!self.format.signed);
            Interval { lo: least.into(), hi: greatest.into() }.signed_bits() - sign
        });
        group.width = Some(Width {
            format: self.format.to_string(),
            given: self.format.width,
            used: seen.unwrap_or(0),
        });
        group
    }
}

impl Folds {
    #[inline]
    fn see(&mut self, drive: i64) {
        let (low, high) = self.bends;
        self.seen[if drive < low { 0 } else { 1 + usize::from(drive > high) }] += 1;
    }

    fn group(&self, l: usize) -> Group {
        let remedy = "larger or smaller weights; --stress";
        let points = (0..3).filter(|&k| !self.names[k].is_empty()).map(|k| {
            let point = Point::new(self.names[k], self.seen[k], remedy);
            if self.possible[k] {
                point
            } else {
                point.never("the drive's format does not reach there".to_owned())
            }
        });
        let beyond =
            self.beyond.map(|n| Point::new("an imaginary part beyond 1 in magnitude", n, "--stress"));
        Group::of(format!("layer {l}, activation"), points.chain(beyond))
    }
}

impl Relaxation {
    fn group(&self) -> Group {
        let more = "more samples, or other numbers of steps";
        let mut points = vec![Point::new("every step is made", self.whole, more)];
        if self.may_skip {
            points.push(Point::new("ends early, since nothing moves", self.still, more));
        }
        if self.may_go_to_and_fro {
            points.push(Point::new("steps are left out, since states go to and fro", self.to_and_fro, more));
        }
        Group::of(format!("phase: {}", self.name()), points)
    }
}

impl Map {
    fn group(&self, design: &Design) -> Group {
        let l = self.layer;
        let padded = design.network.connection(l).grid().padding > 0;
        let sides = SIDES.iter().zip(self.sides).filter(|_| padded).map(|(side, n)| {
            Point::new(format!("something lies along the {side}, where the kernel hangs over"), n, "--stress")
        });
        let corners = self.corners.into_iter().flatten().enumerate().map(|(k, n)| {
            let (row, column) = (k / 2, k % 2);
            Point::new(format!("the largest of a window is in row {row}, column {column}"), n, "more samples")
        });
        Group::of(format!("layer {l}, map of the kernel"), sides.chain(corners))
    }
}

/// Where an activation bends, and what lies there.
fn folds(design: &Design, l: usize) -> Folds {
    let drive = design.neurons[l - 1].drive;
    let (low, high) = (drive.min_raw(), drive.max_raw());
    let one = |bits: i32| 1i64 << (drive.frac + bits).max(0);
    let (bends, names) = match design.activation_of(l) {
        _ if design.is_softmax(l) || design.dynamics == Dynamics::Energy => ((low, high), [""; 3]),
        Activation::Logistic => {
            ((low + 1, high - 1), ["the first entry of its table", "between", "the last entry of its table"])
        }
        Activation::HardSigmoid => ((0, one(0)), ["below 0", "between 0 and 1", "above 1"]),
        Activation::HalfHardSigmoid => ((0, one(1)), ["below 0", "between 0 and 2", "above 2"]),
    };
    let possible = [low < bends.0, low.max(bends.0) <= high.min(bends.1), high > bends.1];
    Folds { bends, names, seen: [0; 3], possible, beyond: design.is_complex().then_some(0) }
}

/// The requantisers of a design.
fn stages(design: &Design) -> Vec<Counted> {
    let (d, p) = (design, &design.datapath);
    let mut all = Vec::new();
    for (l, connection) in d.network.connections() {
        let (n, s, math) = (d.neurons[l - 1], &d.synapses[l - 1], p.neuron[l - 1]);
        let drive = Requantise {
            from_frac: math.sum_frac,
            to: n.drive,
            rounding: d.drive_modes.rounding,
            overflow: d.drive_modes.overflow,
        };
        let state = |from_frac| Requantise {
            from_frac,
            to: n.state,
            rounding: d.state_modes.rounding,
            overflow: d.state_modes.overflow,
        };
        let (from_frac, x, imaginary) = state_input(d, l);
        let [state, imaginary_state] = [x, imaginary].map(|given| Edges::of(state(from_frac), given));
        let sum = Given { interval: math.sum, grain: drive_grain(d, l), factor: None };
        let state = match d.dynamics {
            Dynamics::Energy => state.between(0, 1 << n.state.frac),
            _ => state,
        };
        let of = |q, format, edges| Counted::of(l, q, format, edges);
        all.push(of(Quantity::Drive, n.drive, Edges::of(drive, sum)));
        all.push(of(Quantity::State, n.state, state));
        if d.is_complex() {
            all.push(of(Quantity::ImaginaryDrive, n.drive, Edges::of(drive, sum)));
            all.push(of(Quantity::ImaginaryState, n.state, imaginary_state));
        }
        let learned = |is_bias| learned(d, (l, connection), is_bias);
        let of_weights = |format, is_bias| {
            let (shift, update) = learned(is_bias);
            Edges::of_sum(shift, d.weight_modes.rounding, d.weight_modes.overflow, format, update)
        };
        all.push(of(Quantity::Weight, s.weight, of_weights(s.weight, false)));
        all.push(of(Quantity::Bias, s.bias, of_weights(s.bias, true)));
        if l > 1 && d.has_separate_feedback() {
            all.push(of(Quantity::Back, s.weight, of_weights(s.weight, false)));
        }
        if let Some(m) = &d.momentum {
            let velocity = |format| {
                let to = m.format(format);
                let rounding = d.weight_modes.rounding;
                let from_frac = to.frac + p.update_shift - m.finer as i32;
                let given = Given { interval: p.gradient, grain: 0, factor: None };
                (to, Edges::of(Requantise { from_frac, to, rounding, overflow: Overflow::Sat }, given))
            };
            let [weight, bias] = [s.weight, s.bias].map(velocity);
            all.push(of(Quantity::Velocity, weight.0, weight.1));
            all.push(of(Quantity::BiasVelocity, bias.0, bias.1));
        }
    }
    all
}

/// Two to this power divides every sum of layer `l`.
fn drive_grain(d: &Design, l: usize) -> u32 {
    let (p, math) = (&d.datapath, d.datapath.neuron[l - 1]);
    if d.has_noise(l) {
        return 0;
    }
    let to_sum = (math.sum_frac - p.acc_frac) as u32;
    let forward = p.weight_shift[l - 1] + p.activity_shift[l - 1];
    let bias = p.bias_shift[l - 1] + p.activity_frac as u32;
    let back = p.weight_shift.get(l).map_or(u32::MAX, |shift| shift + p.activity_shift[l + 1]);
    let nudge_frac = d.neurons[l - 1].state.frac + d.beta.format.frac;
    let inside = math.output && d.nudge_place == NudgePlace::Inside;
    let nudge = if inside { (math.sum_frac - nudge_frac) as u32 } else { u32::MAX };
    (forward.min(bias).min(back).saturating_add(to_sum)).min(nudge)
}

/// What the requantiser of layer `l`'s states is given: fraction bits, and real and imaginary parts.
fn state_input(d: &Design, l: usize) -> (i32, Given, Given) {
    let (n, math) = (d.neurons[l - 1], d.datapath.neuron[l - 1]);
    let any = |interval| Given { interval, grain: 0, factor: None };
    if d.is_softmax(l) {
        let frac = PROBABILITY_FRAC + d.beta.format.frac;
        // Both parts of beta (y - p): y - p lies between -1 and 1 in either.
        let beta = if d.is_complex() { 2 * d.beta.raw.abs() } else { d.beta.raw.abs() };
        let pull = any(Interval::symmetric(i128::from(beta) << PROBABILITY_FRAC));
        return (frac, pull, pull);
    }
    if d.is_complex() {
        let (frac, (real, imaginary)) =
            (ComplexLogistic::frac_for(n.state.frac), ComplexLogistic::bounds(n.state));
        return (frac, any(real), any(imaginary));
    }
    let zero = any(Interval::point(0));
    if d.dynamics != Dynamics::Prototypical {
        return (math.x_frac, any(math.x), zero);
    }
    let outside = math.output && d.nudge_place == NudgePlace::Outside;
    let nudge_frac = n.state.frac + d.beta.format.frac;
    let nudge = if outside { (math.e_frac - nudge_frac) as u32 } else { u32::MAX };
    let grain = nudge.min((math.e_frac - math.f_frac) as u32);
    let interval = if outside { settled(d, l).unwrap_or(math.x) } else { math.x };
    (math.x_frac, Given { interval, grain, factor: None }, zero)
}

/// What comes to the state requantiser of nudged outputs, by induction: a state begins at zero, and what an interval of
/// states makes, nudged, is an interval of states again. Nothing where that does not come to an end soon.
fn settled(d: &Design, l: usize) -> Option<Interval> {
    const ROUNDS: usize = 256;
    let (n, math) = (d.neurons[l - 1], d.datapath.neuron[l - 1]);
    let modes = d.state_modes;
    let requantise = Requantise {
        from_frac: math.x_frac,
        to: n.state,
        rounding: modes.rounding,
        overflow: modes.overflow,
    };
    if modes.overflow == Overflow::Wrap || modes.overflow == Overflow::SatZero {
        return None;
    }
    let nudge_frac = n.state.frac + d.beta.format.frac;
    let up = |i: Interval, from: i32| i.aligned((math.e_frac - from) as u32);
    let rho = match Tables::of(d, l).rho_of_drive {
        Some(table) => {
            let entries = || (n.drive.min_raw()..=n.drive.max_raw()).map(|drive| i128::from(table.at(drive)));
            Interval { lo: entries().min()?, hi: entries().max()? }
        }
        // Clamped to [0, 1], or (at half the slope) to [0, 2] on a grid of one bit more.
        None => Interval { lo: 0, hi: 1 << math.f_frac },
    };
    let target = Interval { lo: 0, hi: 1i128 << n.state.frac.max(0) };
    let zero = Interval::point(0);
    let mut states = zero;
    for _ in 0..ROUNDS {
        let pull = (Interval::point(d.beta.raw.into()) * (target - states)).hull(zero);
        let x = up(rho, math.f_frac) + up(pull.hull(-pull), nudge_frac);
        let end = |v: i128, random| i64::try_from(v).ok().map(|v| i128::from(requantise.apply(v, random)));
        let next = states.hull(Interval { lo: end(x.lo, 0)?, hi: end(x.hi, u32::MAX)? });
        if next == states {
            return Some(x);
        }
        states = next;
    }
    None
}

/// What is rounded to a step of a weight, or of a bias: the bits dropped, and the values.
fn learned(d: &Design, (l, connection): (usize, &Connection), is_bias: bool) -> (i32, Given) {
    let p = &d.datapath;
    let any = |interval| Given { interval, grain: 0, factor: None };
    if let Some(m) = &d.momentum {
        return (m.finer as i32, any(Interval::of(m.format(d.synapses[l - 1].weight))));
    }
    let coefficients = |set: &Rates| match d.is_complex() {
        true => set.points.iter().flat_map(|c| <[i64; 2]>::from(c.of(l, is_bias))).collect(),
        false => vec![set.of(l, is_bias)],
    };
    let rates: Vec<i64> = p.rates.iter().flat_map(coefficients).filter(|&rate| rate != 0).collect();
    let decays = d.weight_decay.raw != 0;
    let Some(twos) = rates.iter().map(|rate| rate.trailing_zeros()).min() else {
        return (p.update_shift, any(if decays { p.gradient } else { Interval::point(0) }));
    };
    if decays {
        return (p.update_shift, any(p.gradient));
    }
    let below = if is_bias { p.activity_frac as u32 } else { p.activity_shift[l - 1] };
    let products = p.activity_shift[l] + below;
    if d.is_complex() {
        return (p.update_shift, Given { interval: p.gradient, grain: twos + products, factor: None });
    }
    // Two products at each place where the weight is used, of each sample of a batch.
    let activity = |l: usize| Interval::of(d.activity_format(l));
    let pre = if is_bias { Interval::point(1) } else { activity(l - 1) };
    let product = (activity(l) * pre).hull(Interval::point(0));
    let contrast = (product + -product).times(connection.active_positions() * d.batch as usize);
    let largest = rates.iter().map(|rate| rate.abs()).max().unwrap_or(0);
    let most = rates.iter().map(|rate| rate.trailing_zeros() - twos).max().unwrap_or(0);
    let interval = contrast * Interval::symmetric(largest.into());
    let given = Given {
        interval: interval.aligned(products),
        grain: twos + products,
        factor: Some(Factor { of: contrast, twos: most }),
    };
    (p.update_shift, given)
}

/// The relaxations of the programs, each nudge once.
fn relaxations(design: &Design) -> Vec<Relaxation> {
    let (program, skips) = (Program::of(design), Skips::of(design));
    let mut all: Vec<Relaxation> = Vec::new();
    for lesson in [Lesson::TrainLast { rates: 0 }, Lesson::Infer] {
        for op in program.ops(lesson) {
            let Op::Relax { passes, nudge, plasticity } = *op else { continue };
            let plastic = plasticity.is_some();
            let may_skip = skips.allowed(nudge, plastic) && passes > 1;
            let signs: &[Option<bool>] =
                if nudge == Nudge::BySample { &[Some(false), Some(true)] } else { &[None] };
            for &negative in signs {
                let known = |r: &Relaxation| {
                    (r.trains, r.nudge, r.plastic, r.negative) == (lesson.trains(), nudge, plastic, negative)
                };
                if all.iter().any(known) {
                    continue;
                }
                all.push(Relaxation {
                    trains: lesson.trains(),
                    nudge,
                    plastic,
                    negative,
                    may_skip,
                    may_go_to_and_fro: may_skip
                        && !plastic
                        && passes > 3
                        && design.order == Order::Synchronous,
                    whole: 0,
                    still: 0,
                    to_and_fro: 0,
                });
            }
        }
    }
    all
}
