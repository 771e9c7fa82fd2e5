//! What a test drives into the bus, and what the reference says must come out.

use super::map::Map;
use super::{Rails, slot_width};
use crate::cosim::{BusAnswers, Signature, memory_image};
use crate::design::{Design, Keys};
use crate::fixed_point::absorb;
use crate::network::Record;
use crate::reference::fast::Fast;
use crate::reference::train::{PlannedSample, TrainingData};
use crate::reference::{Observer, StepView, Weights};
use crate::rules::{Lesson, Program, header_marks};
use crate::schedule::{Layout, predict_made};
use serde::Serialize;

/// One sample, as the stream carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SampleWords {
    /// Raw inputs.
    pub inputs: Vec<i32>,
    /// Its class.
    pub label: u16,
    /// It is learned, not only classified.
    pub train: bool,
    /// The batch ends with it (where the core learns in batches).
    pub ends_batch: bool,
    /// The set of learning rates it is learned at.
    pub rates: u8,
}

impl SampleWords {
    /// What it is for.
    fn lesson(&self, design: &Design) -> Lesson {
        Lesson::new(self.train, self.ends_batch || !design.is_batched(), self.rates)
    }

    /// The packet: a header, then the inputs in slots, slot 0 of a word first.
    pub fn packet(&self, input_width: u32) -> Vec<u32> {
        let slot = slot_width(input_width);
        let mask = u32::MAX >> (32 - input_width);
        let header = u32::from(self.label) | header_marks(self.train, self.ends_batch, self.rates);
        let word = |values: &[i32]| {
            values.iter().rev().fold(0u64, |w, &x| w << slot | u64::from(x as u32 & mask)) as u32
        };
        std::iter::once(header).chain(self.inputs.chunks((32 / slot) as usize).map(word)).collect()
    }
}

/// What comes back for a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ResultWords {
    /// Class read out.
    pub prediction: u16,
    /// Class that came with the sample.
    pub label: u16,
    /// The sample was learned.
    pub train: bool,
    /// Sample number.
    pub number: u32,
    /// Signature of its last step.
    pub signature: u32,
    /// Cycles it took.
    pub cycles: u32,
    /// Of these, cycles that read weights.
    pub reads: u32,
}

impl ResultWords {
    /// The packet of the result stream.
    pub fn packet(&self) -> [u32; 4] {
        let first = u32::from(self.prediction) | u32::from(self.label) << 16 | u32::from(self.train) << 31;
        [first, self.number, self.signature, self.cycles]
    }
}

/// Samples, and everything that can be seen of them on the bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vectors {
    /// What the circuit was generated from.
    pub depends_on: Keys,
    /// Name of the wrapped core's module.
    pub top: String,
    /// Seed of the random bits.
    pub seed: u32,
    /// Steps of the free phase and of a nudged phase, as the register `STEPS` holds them.
    pub steps: u32,
    /// Number of the first sample.
    pub first_number: u32,
    /// Bits of an input.
    pub input_width: u32,
    /// Classes.
    pub classes: usize,
    /// Sets of learning rates.
    pub rate_sets: usize,
    /// Byte offset of the weight window.
    pub window: u32,
    /// Byte offset of every register.
    pub registers: std::collections::BTreeMap<String, u32>,
    /// Value of every register that is fixed or has a value after reset, in the order of the map.
    pub resets: std::collections::BTreeMap<String, u32>,
    /// Names of registers that refuse to be written.
    pub read_only: Vec<String>,
    /// The window before the first sample.
    pub weights_before: Vec<i32>,
    /// What is sent.
    pub samples: Vec<SampleWords>,
    /// What comes back.
    pub results: Vec<ResultWords>,
    /// The window after the last sample.
    pub weights_after: Vec<i32>,
    /// Saturation counters after the last sample.
    pub rails: Rails,
}

/// Watches one run of the reference.
struct Recorder<'a> {
    design: &'a Design,
    layout: &'a Layout,
    record: Record,
    signature: Signature,
    last: u32,
    rails: Rails,
}

impl Observer for Recorder<'_> {
    fn step(&mut self, view: StepView<'_>) {
        let (design, layout) = (self.design, self.layout);
        self.signature.records(layout, &self.record, &view);
        self.rails.states(design, layout, &view);
        let mut lanes = vec![0; layout.lanes * layout.ways()];
        for place in layout.written(view.visits) {
            self.signature.chunk(design, layout, view.weights, place, &mut lanes);
            self.rails.weights(design, layout, place, &lanes);
        }
        self.last = self.signature.end_step();
    }
}

/// A run of the reference, of which everything is kept that the bus tells.
struct Play<'a> {
    network: Fast<'a>,
    program: Program,
    recorder: Recorder<'a>,
}

impl<'a> Play<'a> {
    fn new(design: &'a Design, layout: &'a Layout, start: &Weights, first: u32) -> Play<'a> {
        let mut network = Fast::new(design, start);
        network.set_sample(first);
        let recorder = Recorder {
            design,
            layout,
            record: design.record(),
            signature: Signature::default(),
            last: 0,
            rails: Rails::default(),
        };
        Play { network, program: Program::of(design), recorder }
    }

    /// Runs a sample.
    fn sample(&mut self, inputs: &[i32], label: u16, lesson: Lesson, number: u32) -> ResultWords {
        self.recorder.signature = Signature::default();
        let prediction = self.network.run(inputs, label, lesson, &mut self.recorder);
        let active = inputs.iter().filter(|&&x| x != 0).count();
        let ops = self.program.ops(lesson);
        let spared = self.network.spared();
        let (cycles, reads) = predict_made(self.recorder.layout, ops, active, spared).counted();
        ResultWords {
            prediction,
            label,
            train: lesson != Lesson::Infer,
            number,
            signature: self.recorder.last,
            cycles,
            reads,
        }
    }
}

impl Vectors {
    /// Runs the reference over samples, from the design's initial weights, with the steps that the core has after reset.
    pub fn of(design: &Design, layout: &Layout, samples: Vec<SampleWords>) -> Vectors {
        Vectors::with_steps(design, layout, (design.free_steps, design.nudged_steps), samples)
    }

    /// The same with other numbers of free and nudged steps.
    pub fn with_steps(
        design: &Design,
        layout: &Layout,
        steps: (u32, u32),
        samples: Vec<SampleWords>,
    ) -> Vectors {
        let map = Map::of_design(design, layout);
        let design = &Design { free_steps: steps.0, nudged_steps: steps.1, ..design.clone() };
        let start = Weights::initial(design);
        let first_number = 0;
        let mut play = Play::new(design, layout, &start, first_number);
        let results = (first_number..)
            .zip(&samples)
            .map(|(number, s)| play.sample(&s.inputs, s.label, s.lesson(design), number))
            .collect();
        let offsets = map.registers.iter().map(|r| (r.name.clone(), r.offset));
        let resets = map.registers.iter().filter_map(|r| Some((r.name.clone(), r.reset()?)));
        Vectors {
            depends_on: Keys::of_circuit(design),
            top: super::top_name(design),
            seed: design.seed,
            steps: steps.0 | steps.1 << 16,
            first_number,
            input_width: design.input.width,
            classes: design.classes(),
            rate_sets: design.milestones.sets(),
            window: map.window.base,
            registers: offsets.collect(),
            resets: resets.collect(),
            read_only: map.registers.iter().filter(|r| !r.is_writable()).map(|r| r.name.clone()).collect(),
            weights_before: memory_image(layout, &start),
            samples,
            results,
            weights_after: memory_image(layout, &play.network.weights()),
            rails: play.recorder.rails,
        }
    }
}

/// What the bus must answer over samples of a training.
pub fn answers(
    design: &Design,
    layout: &Layout,
    data: &TrainingData,
    samples: &[PlannedSample],
    start: &Weights,
) -> BusAnswers {
    let mut play = Play::new(design, layout, start, samples.first().map_or(0, |s| s.number));
    let results: Vec<ResultWords> = samples
        .iter()
        .map(|&s| {
            let (inputs, label) = data.sample(s);
            play.sample(&inputs, label, s.lesson(), s.number)
        })
        .collect();
    let weight = memory_image(layout, &play.network.weights()).first().copied().unwrap_or(0);
    let registers = last_words(design, layout, &results, play.recorder.rails, weight);
    BusAnswers { packets: results.iter().map(ResultWords::packet).collect(), registers }
}

/// What the harness (`sim/bus.cpp`) reads behind the last sample: a weight that it has written in part, twice; the
/// interrupt line; every register; the line again; and what the bus did wrong, each time counted.
fn last_words(
    design: &Design,
    layout: &Layout,
    results: &[ResultWords],
    rails: Rails,
    weight: i32,
) -> Vec<(String, u32)> {
    let width = design.datapath.stored_width;
    let stored = |raw: u32| ((raw << (32 - width)) as i32 >> (32 - width)) as u32;
    let once = stored(weight as u32 & 0xFFFF_FF00 | 0xA5);
    let twice = stored(once & 0xFF | 0x5A5A_5A00);
    let mut words = vec![
        ("first weight after a write of its lowest byte".to_owned(), once),
        ("first weight after a write of its other bytes".to_owned(), twice),
        ("interrupt line with an event".to_owned(), 1),
    ];
    let counted = counters(results, rails);
    let last = results.last();
    let first = results.first().map_or(0, |r| r.number);
    let packet = last.map_or([0; 4], ResultWords::packet);
    for r in &Map::of_design(design, layout).registers {
        let is_constant = r.fields.iter().all(|f| matches!(f.access, super::Access::Constant(_)));
        let value = match r.name.as_str() {
            _ if is_constant => r.reset().unwrap_or(0),
            "CONTROL" => 0,
            "STATUS" => 0b0110,          // open, and room for a sample
            "ERRORS" => 0b1111,          // three bad packets and a write that was refused
            "INTERRUPT" | "EVENTS" => 1, // results
            "SEED" => design.seed & 0xFF00_00FF | !design.seed & 0x00FF_FF00,
            "SAMPLE_NUMBER" => first.wrapping_add(results.len() as u32),
            "STEPS" => design.free_steps | design.nudged_steps << 16,
            "RESULT" => packet[0],
            "RESULT_NUMBER" => packet[1],
            "SIGNATURE" => packet[2],
            "CYCLES" => packet[3],
            "READS" => last.map_or(0, |r| r.reads),
            "DROPPED" => 3,
            name => {
                let counter = counted.iter().find(|(counter, _)| *counter == name);
                counter.unwrap_or_else(|| unreachable!("{name} has an expected value")).1
            }
        };
        words.push((r.name.clone(), value));
    }
    words.push(("interrupt line without an event".to_owned(), 0));
    words.push(("count of result words with a wrong end or strobe".to_owned(), 0));
    words.push(("count of wrong responses".to_owned(), 0));
    words.push(("count of cycles with an interrupt that nobody asked for".to_owned(), 0));
    words
}

/// The registers from `TRAINED` to `WEIGHTS_AT_RAIL` after these results.
pub(super) fn counters(results: &[ResultWords], rails: Rails) -> [(&'static str, u32); 8] {
    let count = |which: &dyn Fn(&ResultWords) -> bool| results.iter().filter(|r| which(r)).count() as u32;
    let right = |r: &ResultWords| r.prediction == r.label;
    [
        ("TRAINED", count(&|r| r.train)),
        ("TRAINED_RIGHT", count(&|r| r.train && right(r))),
        ("INFERRED", count(&|r| !r.train)),
        ("INFERRED_RIGHT", count(&|r| !r.train && right(r))),
        ("DROPPED", 0),
        ("STATES_AT_LEAST", rails.states_at_least),
        ("STATES_AT_GREATEST", rails.states_at_greatest),
        ("WEIGHTS_AT_RAIL", rails.weights_at_rail),
    ]
}

/// Samples without a data set: two to learn and one to classify, half of their inputs zero, but not the first one: its
/// weights are the first that the core reads.
pub fn synthetic_samples(design: &Design) -> Vec<SampleWords> {
    let format = design.input;
    let sample = |n: u32| {
        let key = absorb(design.seed, n);
        let input = |i: usize| {
            let random = absorb(key, i as u32);
            let raw = i64::from(random >> 1) & format.max_raw();
            let raw = if random >> 31 == 0 { raw } else { raw + format.min_raw() };
            if random & 1 == 0 && i > 0 { 0 } else { raw as i32 }
        };
        SampleWords {
            inputs: (0..design.network.inputs()).map(input).collect(),
            label: (key as usize % design.classes()) as u16,
            train: n < 2,
            ends_batch: n < 2 && design.is_batched(),
            rates: (n as usize % design.milestones.sets()) as u8,
        }
    };
    (0..3).map(sample).collect()
}
