//! Holds the hardware's events against the reference's, step by step, and names the first difference.

use super::commits::Commits;
use super::difference::{At, Difference, Field, Mismatch, When};
use super::level::Level;
use super::signature::Signature;
use super::tally::{ExpectedResult, HardwareResult, Tally};
use super::vcd::VcdError;
use crate::design::{Design, Keys};
use crate::network::{Record, Site, Way};
use crate::reference::train::PlannedSample;
use crate::reference::{Observer, SampleEnd, StepView};
use crate::rules::Program;
use crate::schedule::{Layout, RecordWord, Visit, WeightWord, predict, predict_made};
use std::io::Read;

/// Compares a waveform with the reference as the reference runs; an [`Observer`] of it.
pub struct Comparator<'d, R> {
    design: &'d Design,
    layout: &'d Layout,
    program: Program,
    level: Level,
    port: Commits<R>,
    /// The hardware is known to be of this design, or not to say.
    checked: bool,
    signature: Signature,
    record: Record,
    lanes: Vec<i32>,
    /// Words of records that are still to come in the step at hand, by their place in a bank.
    due: Vec<bool>,
    /// How many.
    missing: usize,
    seen_neurons: usize,
    pending_result: Option<HardwareResult>,
    /// The result of the sample that has just ended.
    pub last_result: Option<HardwareResult>,
    sample: PlannedSample,
    /// The epoch it lies in.
    epoch: usize,
    /// How many of its inputs are not zero.
    active: usize,
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
        Ok(Comparator {
            design,
            layout,
            program: Program::of(design),
            level,
            port: Commits::open(design, layout, source)?,
            checked: false,
            signature: Signature::default(),
            record: design.record(),
            lanes: vec![0; layout.lanes * layout.ways()],
            due: vec![false; layout.state_words],
            missing: 0,
            seen_neurons: 0,
            pending_result: None,
            last_result: None,
            sample: PlannedSample { number: 0, index: 0, train: true, ends_batch: true, rates: 0 },
            epoch: 0,
            active: 0,
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

    /// Announces the next sample, the epoch it lies in, and how many of its inputs are not zero.
    pub fn begin_sample(&mut self, sample: PlannedSample, epoch: usize, active: usize) {
        self.sample = sample;
        self.epoch = epoch;
        self.active = active;
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
        self.port.advance().unwrap_or(false)
    }

    fn advance(&mut self) -> bool {
        match self.port.advance() {
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
        self.port.mark().is_none()
    }

    /// False, and the end of the comparison, where the hardware was generated from another design.
    fn belongs(&mut self) -> bool {
        self.checked = true;
        let here = Keys::of_circuit(self.design).word();
        match self.port.mark() {
            Some(there) if there != here => self.failure = Some(VcdError::Foreign { there, here }),
            _ => self.failure = self.port.fits().err(),
        }
        self.failure.is_none()
    }

    /// What the port has committed; nothing, and the end of the comparison, where it has unknown bits.
    fn known<T>(&mut self, read: Result<Option<T>, VcdError>) -> Option<T> {
        read.unwrap_or_else(|e| {
            self.failure = Some(e);
            None
        })
    }

    fn take_result(&mut self) {
        let result = self.port.result();
        if let Some(result) = self.known(result) {
            self.pending_result = Some(result);
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
        let when = When { sample: self.sample.number, at, cycle: self.port.time() };
        self.differences.push(mismatch.told(when, &self.layout.network));
    }

    /// The difference that nothing more comes where the comparison waits for it: the hardware has not come to a result in
    /// so many cycles more than predicted, or (without them) has handed out all results all the same.
    pub(super) fn stopped_early(&self, patience: Option<u64>) -> Difference {
        let expected = predict(self.layout, self.program.ops(self.sample.lesson()), self.active).all;
        let at = At::Pass(self.program.moment(self.sample.lesson(), self.pass));
        let when = When { sample: self.sample.number, at, cycle: self.port.time() };
        match patience {
            Some(patience) => Mismatch::no_result(expected, self.design.network.inputs(), patience)
                .told(when, &self.layout.network),
            None => Mismatch::of(Field::Count, 1, 0).told(when, &self.layout.network),
        }
    }

    /// Holds a word of records against the reference's: one that is to come in this step, and the first time.
    fn record_word(&mut self, view: &StepView<'_>, slot: usize) {
        let layout = self.layout;
        let (layer, word) = self.port.record_place(slot);
        let known = layout.layers.get(layer.wrapping_sub(1)).filter(|l| word < l.words());
        let address = known.map(|l| l.word_base + word).filter(|&address| self.due[address]);
        let Some(address) = address else {
            let found = (layer as i64) << 32 | (word as i64) << 16;
            return self.differ(view.step, Mismatch::of(Field::Place, 0, found).at(Site::Layer(layer)));
        };
        self.due[address] = false;
        self.missing -= 1;
        let neurons = layout.neurons_of(RecordWord { layer, word, address });
        let parts = self.record.parts().len();
        for k in 0..parts {
            let part = self.record.parts()[k];
            let expected = &view.records.of(part.name)[layout.network.span(layer)];
            for (lane, number) in neurons.clone().enumerate() {
                let (expected, found) = (expected[number], self.port.record_part(slot, lane, k));
                if found != expected {
                    let site = Site::Neuron { layer, number };
                    let mismatch = Mismatch::of_part(self.design, part.name, site, expected, found);
                    self.differ(view.step, mismatch);
                }
            }
        }
        self.compared += (neurons.len() * parts) as u64;
    }

    /// Takes note of the words of records that a step commits.
    fn expect_records(&mut self, view: &StepView<'_>) {
        let layout = self.layout;
        if self.missing > 0 {
            self.due.fill(false);
            self.missing = 0;
        }
        for word in layout.committed(view.visits) {
            self.due[word.address] = true;
            self.missing += 1;
        }
    }

    /// Says so where a step has not committed all words of records.
    #[cold]
    fn missing_words(&mut self, view: &StepView<'_>) {
        let layout = self.layout;
        for layer in layout.network.layers() {
            let words = layout.committed(view.visits).filter(|word| word.layer == layer);
            let (all, missing) = words.fold((0i64, 0i64), |(all, missing), word| {
                (all + 1, missing + i64::from(self.due[word.address]))
            });
            if missing > 0 {
                let count = Mismatch::of(Field::Count, all, all - missing);
                self.differ(view.step, count.at(Site::Layer(layer)));
            }
        }
    }

    /// Fetches a chunk of the reference's weights (what lies beside them behind), and signs it.
    fn expect_weights(&mut self, view: &StepView<'_>, visit: Visit) {
        self.signature.chunk(self.design, self.layout, view.weights, visit, &mut self.lanes);
    }

    fn weight_word(&mut self, view: &StepView<'_>, slot: usize, expected: Option<Visit>) {
        let found = self.port.weight_place(slot);
        let key = |v: Visit| (v.layer as i64) << 32 | (v.chunk as i64) << 16 | v.tap as i64;
        let Some(visit) = expected.filter(|&e| e == found) else {
            let place = Mismatch::of(Field::Place, expected.map_or(0, key), key(found));
            return self.differ(view.step, place.at(Site::Layer(found.layer)));
        };
        let Visit { layer, chunk, tap } = visit;
        self.expect_weights(view, visit);
        let beside = self.layout.weights.beside(layer, tap);
        let ways = 1 + u64::from(beside.is_some());
        self.compared += ways * self.layout.weights.rows(layer, chunk).len() as u64;
        if let Some(from) = self.port.first_other_weight(slot, &self.lanes) {
            for p in from..self.lanes.len() {
                let (expected, found) = (self.lanes[p], self.port.weight(slot, p));
                if expected != found {
                    let (way, lane) = match p.checked_sub(self.layout.lanes) {
                        Some(lane) => (beside.unwrap_or(Way::Back), lane),
                        None => (Way::Forward, p),
                    };
                    let site = self.layout.weights.site(WeightWord { layer, way, chunk, tap }, lane);
                    self.differ(view.step, Mismatch::of_weight(self.design, site, expected, found));
                }
            }
        }
    }

    /// Holds a neuron's drive and record against the reference's, as it leaves its unit.
    fn neuron(&mut self, view: &StepView<'_>, (layer, number): (usize, usize)) {
        let site = Site::Neuron { layer, number };
        let layers = &self.layout.layers;
        let exists = layers.get(layer.wrapping_sub(1)).is_some_and(|l| number < l.post());
        if !exists || !view.visits.relaxed {
            return self.differ(view.step, Mismatch::of(Field::Place, 0, number as i64).at(site));
        }
        self.seen_neurons += 1;
        let at = self.layout.network.span(layer).start + number;
        let real = Some((Field::Drive, view.records.drives, self.port.neuron_drive()));
        let imaginary = self.port.neuron_imaginary_drive();
        let imaginary = imaginary.map(|found| (Field::ImaginaryDrive, view.records.imaginary_drives, found));
        for (field, expected, found) in real.into_iter().chain(imaginary) {
            if found != i64::from(expected[at]) {
                let mismatch = Mismatch::of(field, expected[at], found).at(site);
                self.differ(view.step, mismatch.in_format(self.design.neurons[layer - 1].drive));
            }
            self.compared += 1;
        }
        let parts = self.record.parts().len();
        for k in 0..parts {
            let part = self.record.parts()[k].name;
            let (expected, found) = (view.records.of(part)[at], self.port.neuron_part(k));
            if found != i64::from(expected) {
                self.differ(view.step, Mismatch::of_part(self.design, part, site, expected, found));
            }
        }
        self.compared += parts as u64;
    }

    /// Takes all events of a step; false where the waveform has come to no end of it.
    fn events(&mut self, view: &StepView<'_>, written: &mut impl Iterator<Item = Visit>) -> Option<Step> {
        let mut step = Step { words: 0, signature: None };
        while step.signature.is_none() && (self.survey || !self.stopped()) {
            if !self.advance() {
                return None;
            }
            if self.level >= Level::States {
                let new = self.port.new_records();
                for slot in 0..self.known(new).unwrap_or(0) {
                    self.record_word(view, slot);
                }
            }
            if self.level >= Level::Events {
                let new = self.port.new_weights();
                for slot in 0..self.known(new).unwrap_or(0) {
                    self.weight_word(view, slot, written.next());
                    step.words += 1;
                }
            }
            if self.level >= Level::All {
                let neuron = self.port.neuron();
                if let Some(neuron) = self.known(neuron) {
                    self.neuron(view, neuron);
                }
            }
            self.take_result();
            let end = self.port.step_end();
            step.signature = self.known(end);
            if self.failure.is_some() {
                return None;
            }
        }
        Some(step)
    }
}

/// What a step has shown.
struct Step {
    /// Words of weights.
    words: usize,
    /// The signature at its end, if it has come to that.
    signature: Option<u32>,
}

impl<R: Read> Observer for Comparator<'_, R> {
    fn step(&mut self, view: StepView<'_>) {
        if self.stopped() {
            return;
        }
        self.pass = view.step;
        let layout = self.layout;
        self.signature.records(layout, &self.record, &view);
        if self.level >= Level::States {
            self.expect_records(&view);
        }
        let watch_weights = self.level >= Level::Events;
        if !watch_weights {
            for place in layout.written(view.visits) {
                self.expect_weights(&view, place);
            }
        }
        self.seen_neurons = 0;
        let mut written = layout.written(view.visits);
        let Some(step) = self.events(&view, &mut written) else { return };
        if self.stopped() && !self.survey {
            return;
        }
        if self.level >= Level::States && self.missing > 0 {
            self.missing_words(&view);
        }
        let neurons = if view.visits.relaxed { layout.neurons() } else { 0 };
        if self.level >= Level::All && self.seen_neurons != neurons {
            let count = Mismatch::of(Field::Count, neurons as i64, self.seen_neurons as i64);
            self.differ(view.step, count);
        }
        let left = if watch_weights { written.count() } else { 0 };
        if left != 0 {
            let count = Mismatch::of(Field::Count, (step.words + left) as i64, step.words as i64);
            self.differ(view.step, count);
        }
        let expected = self.signature.end_step();
        if let Some(found) = step.signature.filter(|&found| found != expected) {
            self.differ(view.step, Mismatch::of(Field::Signature, expected, found));
        }
        self.steps += 1;
    }

    fn sample_end(&mut self, end: SampleEnd<'_>) {
        while !self.stopped() && self.pending_result.is_none() {
            if !self.advance() {
                return;
            }
            self.take_result();
        }
        self.last_result = self.pending_result.take();
        let Some(found) = self.last_result else { return };
        let ops = self.program.ops(self.sample.lesson());
        let cycles = predict_made(self.layout, ops, self.active, end.spared);
        let expected = ExpectedResult { prediction: end.prediction, label: end.label, cycles };
        let wrong = self.tally.take(&self.sample, self.epoch, expected, found);
        let last = self.program.steps(self.sample.lesson()).saturating_sub(1);
        for mismatch in wrong {
            self.differ(last, mismatch);
        }
    }
}
