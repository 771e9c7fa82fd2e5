//! Holds the hardware's events against the reference's, step by step, and names the first difference.
//!
//! The waveform may come from any simulator that dumps the scope of the commit port (instance `u_probe` of the module
//! `commit_probe`). Where that scope shows `clk_i`, as an event-driven simulator's dump does, every rising edge is one
//! clock cycle and whatever is valid there is one event. Where it does not, as in what our own harness writes, every
//! time step is one clock cycle. Unknown bits are an error where they are committed, and no event in a valid flag
//! (before the first reset; a committed word that went missing that way is missed).

use super::difference::{At, Difference, Field, Mismatch, When};
use super::signature::Signature;
use super::tally::{ExpectedResult, HardwareResult, Tally};
use super::testbench::SLOTS;
use super::vcd::{Vcd, VcdError};
use crate::design::{Design, Keys};
use crate::network::{Site, Way};
use crate::reference::train::PlannedSample;
use crate::reference::{Observer, SampleEnd, StepView};
use crate::rules::Program;
use crate::schedule::{Cycles, Layout, Visit, WeightWord};
use clap::ValueEnum;
use serde::Serialize;
use std::io::Read;

/// How much of the hardware's work is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Predictions, cycles and the weights at the end; no waveform
    Final,
    /// One signature word per step, predictions and cycles
    Signature,
    /// Every state at every step; weights by signature
    States,
    /// Every state and every weight written
    Events,
    /// Also every neuron's drive
    All,
}

impl Level {
    /// The harness's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Level::Final => "none",
            Level::Signature => "signature",
            Level::States => "states",
            Level::Events => "events",
            Level::All => "all",
        }
    }
}

/// Names of the followed signals; places and data of the slots of states follow, then those of weights.
const SIGNALS: [&str; 13] = [
    "state_full_q",
    "state_pending_q",
    "weight_full_q",
    "weight_pending_q",
    "step_valid_i",
    "signature_i",
    "result_valid_i",
    "result_i",
    "neuron_valid_i",
    "neuron_layer_i",
    "neuron_index_i",
    "neuron_drive_i",
    "neuron_state_i",
];
const STEP: usize = 4;
const RESULT: usize = 6;
const NEURON: usize = 8;

/// A kind of gathered words: its signals `full` and `pending`, and its first slot (place, then data).
#[derive(Clone, Copy)]
struct Gathered {
    full: usize,
    slots: usize,
}

const STATES: Gathered = Gathered { full: 0, slots: SIGNALS.len() };
const WEIGHTS: Gathered = Gathered { full: 2, slots: SIGNALS.len() + 2 * SLOTS };

impl Gathered {
    fn place(self, slot: usize) -> usize {
        self.slots + 2 * slot
    }

    fn data(self, slot: usize) -> usize {
        self.slots + 2 * slot + 1
    }
}

/// Sign-extends the low `width` bits.
fn signed(raw: u32, width: usize) -> i64 {
    let drop = 64 - width;
    (i64::from(raw) << drop) >> drop
}

/// Lane `lane` of a packed word, sign-extended.
#[inline]
fn lane(words: &[u32], lane: usize, width: usize) -> i32 {
    let bit = lane * width;
    let (word, shift) = (bit / 32, bit % 32);
    let low = u64::from(words[word]);
    let high = words.get(word + 1).map_or(0, |&w| u64::from(w));
    let raw = ((high << 32 | low) >> shift) as u32;
    ((raw << (32 - width)) as i32) >> (32 - width)
}

/// Compares a waveform with the reference as the reference runs; an [`Observer`] of it.
pub struct Comparator<'d, R> {
    design: &'d Design,
    layout: &'d Layout,
    program: Program,
    level: Level,
    vcd: Vcd<R>,
    /// The constant that says what the hardware was generated from, where there is one.
    mark: Option<usize>,
    checked: bool,
    signature: Signature,
    state_width: usize,
    lanes: Vec<i32>,
    /// Words of states that the step at hand has committed, by their place in a bank.
    seen_words: Vec<bool>,
    seen_neurons: usize,
    pending_result: Option<HardwareResult>,
    /// The result of the sample that has just ended.
    pub last_result: Option<HardwareResult>,
    sample: PlannedSample,
    /// The epoch it lies in.
    epoch: usize,
    /// What it takes.
    predicted: Cycles,
    /// The pass at hand: where the hardware has stopped, if it has.
    pass: u32,
    /// States and weights held against each other one by one.
    pub compared: u64,
    /// Steps whose signature was compared.
    pub steps: u64,
    /// What the results come to.
    pub(super) tally: Tally,
    /// Differences, the first one and (where [`Comparator::survey`] is set) the first of each kind.
    pub differences: Vec<Difference>,
    /// Go on after a difference.
    pub survey: bool,
    /// The waveform ended or could not be read.
    pub failure: Option<VcdError>,
    /// The waveform ended before the reference did.
    pub ended_early: bool,
}

impl<'d, R: Read> Comparator<'d, R> {
    /// Opens the waveform; blocks until its header is there.
    ///
    /// # Errors
    /// When it is no waveform of a commit port.
    pub fn new(design: &'d Design, layout: &'d Layout, level: Level, source: R) -> Result<Self, VcdError> {
        let slots: Vec<String> = ["state", "weight"]
            .into_iter()
            .flat_map(|kind| (0..SLOTS).map(move |k| (kind, k)))
            .flat_map(|(kind, k)| [format!("{kind}_place{k}_q"), format!("{kind}_data{k}_q")])
            .collect();
        let names: Vec<&str> = SIGNALS.iter().copied().chain(slots.iter().map(String::as_str)).collect();
        let vcd = Vcd::open_clocked(source, "u_probe", &names, Some("clk_i"), &["design_i"])?;
        let mark = Some(names.len()).filter(|&k| vcd.has(k));
        let state_width = vcd.width(STATES.data(0)) / layout.lanes;
        Ok(Comparator {
            design,
            layout,
            program: Program::of(design),
            level,
            vcd,
            mark,
            checked: false,
            signature: Signature::default(),
            state_width,
            lanes: vec![0; layout.lanes * layout.ways()],
            seen_words: vec![false; layout.state_words],
            seen_neurons: 0,
            pending_result: None,
            last_result: None,
            sample: PlannedSample { number: 0, index: 0, train: true, ends_batch: true, rates: 0 },
            epoch: 0,
            predicted: Cycles::default(),
            pass: 0,
            compared: 0,
            steps: 0,
            tally: Tally::default(),
            differences: Vec::new(),
            survey: false,
            failure: None,
            ended_early: false,
        })
    }

    /// Announces the next sample, the epoch it lies in, and what it takes.
    pub fn begin_sample(&mut self, sample: PlannedSample, epoch: usize, predicted: Cycles) {
        self.sample = sample;
        self.epoch = epoch;
        self.predicted = predicted;
        self.pass = 0;
        self.last_result = None;
        self.signature = Signature::default();
    }

    /// True when there is nothing more to compare.
    pub fn stopped(&self) -> bool {
        self.failure.is_some() || self.ended_early || (!self.survey && !self.differences.is_empty())
    }

    /// The first difference.
    pub fn first(&self) -> Option<&Difference> {
        self.differences.first()
    }

    /// Reads on without comparing; false at the end.
    pub fn skip(&mut self) -> bool {
        self.vcd.advance().unwrap_or(false)
    }

    fn advance(&mut self) -> bool {
        match self.vcd.advance() {
            Ok(true) => self.checked || self.belongs(),
            Ok(false) => {
                self.ended_early = true;
                false
            }
            Err(e) => {
                self.failure = Some(e);
                false
            }
        }
    }

    /// True where the waveform does not say what its hardware was generated from.
    pub fn unmarked(&self) -> bool {
        self.mark.is_none()
    }

    /// False, and the end of the comparison, where the hardware was generated from another design.
    fn belongs(&mut self) -> bool {
        self.checked = true;
        let Some(mark) = self.mark else { return true };
        let (there, here) = (self.vcd.value(mark), Keys::of_circuit(self.design).word());
        if there != here {
            self.failure = Some(VcdError::Foreign { there, here });
        }
        there == here
    }

    /// False, and the end of the comparison, where signals `from..to` have unknown bits.
    fn known(&mut self, from: usize, to: usize) -> bool {
        match self.vcd.require(from..to) {
            Ok(()) => true,
            Err(e) => {
                self.failure = Some(e);
                false
            }
        }
    }

    /// Slots of the probe that are new in this event: all when it is full, the first ones at the end of a step.
    fn new_slots(&mut self, kind: Gathered) -> usize {
        let new = if self.vcd.value(kind.full) == 1 {
            SLOTS
        } else if self.vcd.value(STEP) == 1 {
            (self.vcd.value(kind.full + 1) as usize).min(SLOTS)
        } else {
            0
        };
        let known = new == 0
            || self.known(kind.full, kind.full + 2) && self.known(kind.place(0), kind.place(0) + 2 * new);
        if known { new } else { 0 }
    }

    fn take_result(&mut self) {
        if self.vcd.value(RESULT) == 1 && self.known(RESULT, RESULT + 2) {
            let w = self.vcd.words(RESULT + 1);
            self.pending_result = Some(HardwareResult {
                prediction: w[2] >> 16,
                label: w[2] & 0xFFFF,
                cycles: w[1],
                reads: w[0],
            });
        }
    }

    /// Takes note of a mismatch in this step of the sample: the first, or (in a survey) the first of its kind.
    #[cold]
    fn differ(&mut self, step: u32, mismatch: Mismatch) {
        let noted = |d: &Difference| !self.survey || d.field == mismatch.field;
        if self.differences.iter().any(noted) {
            return;
        }
        let at = At::Pass(self.program.moment(self.sample.lesson(), step));
        let when = When { sample: self.sample.number, at, cycle: self.vcd.time() };
        self.differences.push(mismatch.told(when, &self.layout.network));
    }

    /// The difference that nothing more comes where the comparison waits for it: the hardware has not come to a result in
    /// so many cycles more than predicted, or (without them) has handed out all results all the same.
    pub(super) fn stopped_early(&self, patience: Option<u64>) -> Difference {
        let expected = self.predicted.all;
        let at = At::Pass(self.program.moment(self.sample.lesson(), self.pass));
        let when = When { sample: self.sample.number, at, cycle: self.vcd.time() };
        match patience {
            Some(patience) => Mismatch::no_result(expected, self.design.network.inputs(), patience)
                .told(when, &self.layout.network),
            None => Mismatch::of(Field::Count, 1, 0).told(when, &self.layout.network),
        }
    }

    /// Holds a word of states against the reference's: one of the network's, and the first time in this step.
    fn state_word(&mut self, view: &StepView<'_>, slot: usize) {
        let place = self.vcd.value(STATES.place(slot));
        let (layer, word) = ((place >> 16) as usize, (place & 0xFFFF) as usize);
        let layout = self.layout;
        let at =
            layout.layers.get(layer.wrapping_sub(1)).filter(|l| word < l.chunks).map(|l| l.word_base + word);
        let Some(at) = at.filter(|&at| view.relaxed && !self.seen_words[at]) else {
            let found = (layer as i64) << 32 | (word as i64) << 16;
            return self.differ(view.step, Mismatch::of(Field::Place, 0, found).at(Site::Layer(layer)));
        };
        self.seen_words[at] = true;
        let rows = layout.weights.rows(layer, word);
        for (p, number) in rows.clone().enumerate() {
            let found = lane(self.vcd.words(STATES.data(slot)), p, self.state_width);
            let expected = view.states[layout.network.span(layer).start + number];
            if found != expected {
                let site = Site::Neuron { layer, number };
                let format = self.design.neurons[layer - 1].state;
                self.differ(
                    view.step,
                    Mismatch::of(Field::State, expected, found).at(site).in_format(format),
                );
            }
        }
        self.compared += rows.len() as u64;
    }

    /// Says so where a step has not committed all words of states, or some where it should not.
    fn all_words(&mut self, view: &StepView<'_>) {
        for (layer, l) in (1..).zip(&self.layout.layers) {
            let seen = self.seen_words[l.word_base..][..l.chunks].iter().filter(|&&seen| seen).count();
            let expected = if view.relaxed { l.chunks } else { 0 };
            if seen != expected {
                let count = Mismatch::of(Field::Count, expected as i64, seen as i64);
                self.differ(view.step, count.at(Site::Layer(layer)));
            }
        }
        self.seen_words.fill(false);
    }

    /// Fetches a chunk of the reference's weights (those of the way back behind the forward ones), and signs it.
    fn expect_weights(&mut self, view: &StepView<'_>, visit: Visit) {
        self.signature.chunk(self.design, self.layout, view.weights, visit, &mut self.lanes);
    }

    fn weight_word(&mut self, view: &StepView<'_>, slot: usize, expected: Option<Visit>) {
        let (place, data) = (WEIGHTS.place(slot), WEIGHTS.data(slot));
        let low = self.vcd.words(place)[0];
        let found = Visit {
            layer: self.vcd.words(place)[1] as usize,
            chunk: (low >> 16) as usize,
            tap: (low & 0xFFFF) as usize,
        };
        let key = |v: Visit| (v.layer as i64) << 32 | (v.chunk as i64) << 16 | v.tap as i64;
        let Some(visit) = expected.filter(|&e| e == found) else {
            let place = Mismatch::of(Field::Place, expected.map_or(0, key), key(found));
            return self.differ(view.step, place.at(Site::Layer(found.layer)));
        };
        let Visit { layer, chunk, tap } = visit;
        self.expect_weights(view, visit);
        let width = self.design.datapath.stored_width;
        let words = self.vcd.words(data);
        let mut bad = None;
        if width == 16 {
            for (p, pair) in self.lanes.chunks(2).enumerate() {
                let high = pair.get(1).map_or(0, |&w| (w as u32) << 16);
                if words[p] != (high | (pair[0] as u32 & 0xFFFF)) {
                    bad = Some(p * 2);
                    break;
                }
            }
        } else {
            bad = (0..self.lanes.len()).find(|&p| lane(words, p, width as usize) != self.lanes[p]);
        }
        let ways = if self.layout.weights.has_back(layer, tap) { 2 } else { 1 };
        self.compared += ways * self.layout.weights.rows(layer, chunk).len() as u64;
        if let Some(from) = bad {
            for p in from..self.lanes.len() {
                let (expected, found) = (self.lanes[p], lane(self.vcd.words(data), p, width as usize));
                if expected != found {
                    let (way, lane) = match p.checked_sub(self.layout.lanes) {
                        Some(lane) => (Way::Back, lane),
                        None => (Way::Forward, p),
                    };
                    let site = self.layout.weights.site(WeightWord { layer, way, chunk, tap }, lane);
                    self.differ(view.step, Mismatch::of_weight(self.design, site, expected, found));
                }
            }
        }
    }

    fn neuron(&mut self, view: &StepView<'_>) {
        let (layer, index) = (self.vcd.value(NEURON + 1) as usize, self.vcd.value(NEURON + 2) as usize);
        let layers = &self.layout.layers;
        let exists = layers.get(layer.wrapping_sub(1)).is_some_and(|l| index < l.post());
        if !exists || !view.relaxed {
            let place = Mismatch::of(Field::Place, 0, index as i64);
            return self.differ(view.step, place.at(Site::Neuron { layer, number: index }));
        }
        self.seen_neurons += 1;
        self.compared += 2;
        let (n, site) = (self.design.neurons[layer - 1], Site::Neuron { layer, number: index });
        let at = self.layout.network.span(layer).start + index;
        let drive = signed(self.vcd.value(NEURON + 3), self.vcd.width(NEURON + 3));
        if drive != i64::from(view.drives[at]) {
            let mismatch = Mismatch::of(Field::Drive, view.drives[at], drive).at(site);
            self.differ(view.step, mismatch.in_format(n.drive));
        }
        let state = signed(self.vcd.value(NEURON + 4), self.vcd.width(NEURON + 4));
        if state != i64::from(view.states[at]) {
            let mismatch = Mismatch::of(Field::State, view.states[at], state).at(site);
            self.differ(view.step, mismatch.in_format(n.state));
        }
    }
}

impl<R: Read> Observer for Comparator<'_, R> {
    fn step(&mut self, view: StepView<'_>) {
        if self.stopped() {
            return;
        }
        self.pass = view.step;
        let layout = self.layout;
        let watch_weights = self.level >= Level::Events;
        if view.relaxed {
            self.signature.states(layout, view.states);
        }
        if view.learned && !watch_weights {
            for place in layout.visits(view.active_inputs) {
                self.expect_weights(&view, place);
            }
        }
        self.seen_neurons = 0;
        let mut columns = layout.visits(if view.learned { view.active_inputs } else { &[] });
        let mut written = 0usize;
        loop {
            if !self.advance() {
                return;
            }
            if self.level >= Level::States {
                for slot in 0..self.new_slots(STATES) {
                    self.state_word(&view, slot);
                }
            }
            if watch_weights {
                for slot in 0..self.new_slots(WEIGHTS) {
                    let place = if view.learned { columns.next() } else { None };
                    self.weight_word(&view, slot, place);
                    written += 1;
                }
            }
            if self.level >= Level::All && self.vcd.value(NEURON) == 1 && self.known(NEURON, NEURON + 5) {
                self.neuron(&view);
            }
            self.take_result();
            let step_end = self.vcd.value(STEP) == 1 && self.known(STEP, STEP + 2);
            if self.failure.is_some() {
                return;
            }
            if step_end || (self.stopped() && !self.survey) {
                break;
            }
        }
        if !self.stopped() || self.survey {
            if self.level >= Level::States {
                self.all_words(&view);
            }
            if self.level >= Level::All && view.relaxed && self.seen_neurons != layout.neurons() {
                let count = Mismatch::of(Field::Count, layout.neurons() as i64, self.seen_neurons as i64);
                self.differ(view.step, count);
            }
            if watch_weights && view.learned {
                let left = columns.count();
                if left != 0 {
                    let count = Mismatch::of(Field::Count, (written + left) as i64, written as i64);
                    self.differ(view.step, count);
                }
            }
            let expected = self.signature.end_step();
            let found = self.vcd.value(STEP + 1);
            if expected != found {
                self.differ(view.step, Mismatch::of(Field::Signature, expected, found));
            }
            self.steps += 1;
        }
    }

    fn sample_end(&mut self, end: SampleEnd) {
        while !self.stopped() && self.pending_result.is_none() {
            if !self.advance() {
                return;
            }
            self.take_result();
        }
        self.last_result = self.pending_result.take();
        let Some(found) = self.last_result else { return };
        let expected =
            ExpectedResult { prediction: end.prediction, label: end.label, cycles: self.predicted };
        let wrong = self.tally.take(&self.sample, self.epoch, expected, found);
        let last = self.program.steps(self.sample.lesson()).saturating_sub(1);
        for mismatch in wrong {
            self.differ(last, mismatch);
        }
    }
}
