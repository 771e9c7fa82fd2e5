//! Runs the verilated core over a plan beside the reference.

use super::difference::{At, Mismatch, When};
use super::ports::Shown;
use super::simulator::{Files, PATIENCE, Simulator, memory_image, read_shown, read_words, write_inputs};
use super::tally::{ExpectedResult, Tally};
use super::{Comparator, CosimError, Difference, Level};
use crate::coverage::{self, Look, Looking};
use crate::design::Design;
use crate::reference::fast::Fast;
use crate::reference::train::{PlannedSample, TrainingData};
use crate::reference::{Silent, Weights};
use crate::rules::Program;
use crate::schedule::{Cycles, Layout, predict, predict_made};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

/// What to check.
pub struct Request<'a> {
    /// The design.
    pub design: &'a Design,
    /// Its samples.
    pub data: &'a TrainingData,
    /// Which samples, in which order, numbered without spared.
    pub samples: &'a [PlannedSample],
    /// Samples of one epoch.
    pub per_epoch: u64,
    /// Weights to start from.
    pub start: &'a Weights,
    /// How closely.
    pub level: Level,
    /// The simulator.
    pub program: &'a Path,
    /// Folder for the files between the two.
    pub work: &'a Path,
    /// A waveform file written by a simulator, instead of running one.
    pub waves: Option<&'a Path>,
    /// Go on after the first difference, to find the first of each kind.
    pub survey: bool,
    /// Into which samples to look for what they exercise.
    pub looking: Looking,
    /// Cycles beyond the predicted ones after which hardware without a result is said to have stopped; a few where none.
    pub patience: Option<u64>,
}

impl Request<'_> {
    /// The epoch in which the n-th of the samples lies.
    fn epoch(&self, n: usize) -> usize {
        n / self.per_epoch as usize
    }

    /// What a sample takes at most.
    pub(super) fn most_cycles(&self, layout: &Layout, program: &Program, s: PlannedSample) -> Cycles {
        predict(layout, program.ops(s.lesson()), self.data.active(s))
    }

    pub(super) fn patience(&self) -> u64 {
        self.patience.unwrap_or(PATIENCE)
    }
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Samples compared.
    pub samples: u64,
    /// Of these, samples that were learned.
    pub learned: u64,
    /// States and weights compared one by one.
    pub compared: u64,
    /// Steps whose signature was compared.
    pub steps: u64,
    /// The first difference, then (for a survey) the first of each other kind.
    pub differences: Vec<Difference>,
    /// Where to replay from: weights of the reference before each of the last samples up to the one in which the first
    /// difference lies (that one last).
    pub before: Vec<(Weights, PlannedSample)>,
    /// Mean cycles per training sample, as the hardware counted them.
    pub cycles_per_sample: f64,
    /// Share of all cycles that read weights.
    pub read_share: f64,
    /// Accuracy on the test samples, mean over the last epochs, from the hardware's predictions; `None` without test
    /// samples.
    pub test_accuracy: Option<f64>,
    /// The same from the reference.
    pub reference_accuracy: Option<f64>,
    /// Wall time from the start of the simulator to the verdict.
    pub wall: Duration,
    /// The simulator's own clock: cycles and seconds.
    pub simulated: Option<(u64, f64)>,
    /// SHA-256 of the final weights.
    pub weights_digest: String,
    /// The waveform does not say what its hardware was generated from.
    pub unmarked: bool,
    /// What the samples have exercised, where it was asked for.
    pub coverage: Option<coverage::Report>,
}

impl Outcome {
    /// True when something was compared and nothing differs.
    pub fn equal(&self) -> bool {
        self.differences.is_empty() && self.samples > 0
    }
}

/// Runs hardware and reference side by side.
///
/// # Errors
/// When a tool or the machine fails; a difference is not an error.
pub fn cross_check<'a>(
    request: &Request<'a>,
    layout: &'a Layout,
    progress: &mut dyn FnMut(&PlannedSample, u64),
) -> Result<Outcome, CosimError> {
    let files = write_inputs(request, layout)?;
    let begin = Instant::now();
    let first_number = request.samples.first().map_or(0, |s| s.number);
    let mut network = Fast::new(request.design, request.start);
    network.set_sample(first_number);
    if request.level == Level::Final && request.waves.is_none() {
        return without_waveform(request, layout, &files, network, begin, progress);
    }

    let (simulator, mut comparator) = watched(request, layout, &files, first_number)?;
    let mut look = Look::new(request.design, layout, request.looking);
    let before = walk(request, &mut network, &mut comparator, &mut look, progress)?;
    if let Some(e) = comparator.failure.take() {
        return Err(e.into());
    }
    let mut differences = std::mem::take(&mut comparator.differences);
    let (mut simulated, mut ports) = (None, None);
    if let Some(mut s) = simulator
        && (differences.is_empty() || request.survey)
    {
        while comparator.skip() {}
        let end = s.finish()?;
        simulated = Some((end.cycles, end.seconds));
        ports = end.ports;
        if comparator.ended_early || end.hangs {
            differences.push(comparator.stopped_early(end.hangs.then_some(request.patience())));
        } else {
            let shown = shown(request, &files, false)?;
            differences.extend(wrong_at_the_ports(request, layout, &shown));
            final_weights(request, layout, &files, &network.weights(), &mut differences)?;
        }
    } else if comparator.ended_early && differences.is_empty() {
        let (seen, total) = (comparator.tally.samples, request.samples.len() as u64);
        return Err(CosimError::WaveformEnds { seen, total });
    }
    let replay = !differences.is_empty();
    let tally = &comparator.tally;
    let [test_accuracy, reference_accuracy] = tally.accuracies();
    Ok(Outcome {
        samples: tally.samples,
        learned: tally.learned(),
        compared: comparator.compared,
        steps: comparator.steps,
        differences,
        before: before.into_iter().filter(|_| replay).map(|(n, s)| (n.weights(), s)).collect(),
        cycles_per_sample: tally.cycles_per_sample(),
        read_share: tally.read_share(),
        test_accuracy,
        reference_accuracy,
        wall: begin.elapsed(),
        simulated,
        weights_digest: network.weights().digest(),
        unmarked: comparator.unmarked(),
        coverage: look.finish(&network, next_number(request), ports)?,
    })
}

/// Who compares a waveform, a file's or a simulator's.
type Watcher<'a> = Comparator<'a, Box<dyn Read>>;

/// The waveform of a request, a file's or a simulator's, and who compares it.
fn watched<'a>(
    request: &Request<'a>,
    layout: &'a Layout,
    files: &Files,
    first_number: u32,
) -> Result<(Option<Simulator>, Watcher<'a>), CosimError> {
    let mut simulator = None;
    let source: Box<dyn Read> = match request.waves {
        Some(path) => Box::new(File::open(path).map_err(|e| CosimError::io("open", path, e))?),
        None => {
            let mut s = Simulator::start(request, files, first_number, &[])?;
            let stdout = s.child.stdout.take();
            simulator = Some(s);
            Box::new(stdout.ok_or_else(|| CosimError::Simulation("no output to read".to_owned()))?)
        }
    };
    let mut comparator = match Comparator::new(request.design, layout, request.level, source) {
        Ok(c) => c,
        Err(e) => {
            // A simulator that died says why.
            if let Some(mut s) = simulator {
                s.finish()?;
            }
            return Err(e.into());
        }
    };
    comparator.survey = request.survey;
    Ok((simulator, comparator))
}

/// Trains the reference beside the waveform; the networks before the last samples that were equal.
fn walk<'a>(
    request: &Request<'a>,
    network: &mut Fast<'a>,
    comparator: &mut Watcher<'a>,
    look: &mut Look<'a>,
    progress: &mut dyn FnMut(&PlannedSample, u64),
) -> Result<VecDeque<(Fast<'a>, PlannedSample)>, CosimError> {
    let mut before: VecDeque<(Fast<'a>, PlannedSample)> = VecDeque::new();
    for (done, &s) in request.samples.iter().enumerate() {
        if comparator.stopped() {
            break;
        }
        let (input, label) = request.data.sample(s);
        comparator.begin_sample(s, request.epoch(done), request.data.active(s));
        if comparator.differences.is_empty() {
            if before.len() == REPLAYED {
                before.pop_front();
            }
            before.push_back((network.clone(), s));
        }
        look.before(network, s, (&input, label))?;
        network.run(&input, label, s.lesson(), comparator);
        progress(&s, done as u64);
    }
    Ok(before)
}

/// The number behind that of the last sample.
fn next_number(request: &Request<'_>) -> u32 {
    request.samples.last().map_or(0, |s| s.number.wrapping_add(1))
}

/// Runs the simulator over a request's samples and leaves its waveform in a file.
///
/// # Errors
/// When the simulator or the machine fails.
pub fn run_to_file(
    request: &Request<'_>,
    layout: &Layout,
    waveform: &Path,
    level: &str,
    window: Option<(u64, u64)>,
) -> Result<(), CosimError> {
    let files = write_inputs(request, layout)?;
    let first = request.samples.first().map_or(0, |s| s.number);
    let path = std::path::absolute(waveform).unwrap_or_else(|_| waveform.to_owned());
    let mut extra =
        vec!["--vcd".to_owned(), path.to_string_lossy().into_owned(), "--level".to_owned(), level.to_owned()];
    if let Some((from, to)) = window {
        extra.extend([
            "--window-from".to_owned(),
            from.to_string(),
            "--window-to".to_owned(),
            to.to_string(),
        ]);
    }
    Simulator::start(request, &files, first, &extra)?.finish().map(|_| ())
}

/// Where to replay a sample from: weights of the reference before it and before the samples that lead to it, as far as a
/// replay goes back.
pub fn leading_to(request: &Request<'_>, sample: u32) -> Vec<(Weights, PlannedSample)> {
    let Some(at) = request.samples.iter().position(|s| s.number == sample) else { return Vec::new() };
    let mut network = Fast::new(request.design, request.start);
    network.set_sample(request.samples[0].number);
    let mut before = Vec::new();
    for (k, &s) in request.samples[..=at].iter().enumerate() {
        if k + REPLAYED > at {
            before.push((network.weights(), s));
        }
        let (input, label) = request.data.sample(s);
        network.run(&input, label, s.lesson(), &mut Silent);
    }
    before
}

/// Samples kept for a replay: a fault may need the sample before to show.
const REPLAYED: usize = 2;

/// Compares the final weight memory.
fn final_weights(
    request: &Request<'_>,
    layout: &Layout,
    files: &Files,
    weights: &Weights,
    differences: &mut Vec<Difference>,
) -> Result<(), CosimError> {
    let hardware = read_words(&files.weights_out)?;
    let expected = memory_image(layout, weights);
    if hardware.len() != expected.len() {
        return Err(CosimError::Simulation(format!(
            "{} weights came back, {} were expected",
            hardware.len(),
            expected.len()
        )));
    }
    if let Some(at) = (0..expected.len()).find(|&i| expected[i] != hardware[i]) {
        let (word, lane) = (layout.weights.at(at / layout.lanes), at % layout.lanes);
        let site = layout.weights.site(word, lane);
        let weight = Mismatch::of_weight(request.design, site, expected[at], hardware[at]);
        differences.push(weight.left_in_memory(&layout.network));
    }
    Ok(())
}

/// What the ports have shown of every sample, or (of hardware that has stopped) of those that came to a result.
fn shown(request: &Request<'_>, files: &Files, hangs: bool) -> Result<Vec<Shown>, CosimError> {
    let shown = read_shown(&files.results)?;
    let due = request.samples.len();
    if shown.len() != due && !hangs {
        let came = shown.len();
        return Err(CosimError::Simulation(format!("{came} results came back, {due} were expected")));
    }
    Ok(shown)
}

/// The first thing that the ports have shown and must not, if any.
fn wrong_at_the_ports(request: &Request<'_>, layout: &Layout, shown: &[Shown]) -> Option<Difference> {
    request.samples.iter().zip(shown).find_map(|(s, shown)| {
        let when = When { sample: s.number, at: At::Result, cycle: shown.cycle };
        shown.wrong(s).next().map(|mismatch| mismatch.told(when, &layout.network))
    })
}

/// The verdict without a waveform: results of every sample, and the weights at the end.
fn without_waveform<'a>(
    request: &Request<'a>,
    layout: &'a Layout,
    files: &Files,
    mut network: Fast<'a>,
    begin: Instant,
    progress: &mut dyn FnMut(&PlannedSample, u64),
) -> Result<Outcome, CosimError> {
    let first_number = request.samples.first().map_or(0, |s| s.number);
    let mut simulator = Simulator::start(request, files, first_number, &[])?;
    let mut look = Look::new(request.design, layout, request.looking);
    let program = Program::of(request.design);
    let mut predictions = Vec::with_capacity(request.samples.len());
    for (done, &s) in request.samples.iter().enumerate() {
        let (input, label) = request.data.sample(s);
        look.before(&network, s, (&input, label))?;
        let prediction = network.run(&input, label, s.lesson(), &mut Silent);
        let ops = program.ops(s.lesson());
        let cycles = predict_made(layout, ops, request.data.active(s), network.spared());
        predictions.push(ExpectedResult { prediction, label, cycles });
        progress(&s, done as u64);
    }
    let end = simulator.finish()?;
    let wall = begin.elapsed();
    let shown = shown(request, files, end.hangs)?;
    let (mut differences, mut tally) = (Vec::new(), Tally::default());
    for (k, (s, shown)) in request.samples.iter().zip(&shown).enumerate() {
        let wrong = tally.take(s, request.epoch(k), predictions[k], shown.result).next();
        if let Some(first) = wrong.filter(|_| differences.is_empty()) {
            let when = When { sample: s.number, at: At::Result, cycle: shown.cycle };
            differences.push(first.told(when, &layout.network));
        }
    }
    if differences.is_empty() || request.survey {
        differences.extend(wrong_at_the_ports(request, layout, &shown));
    }
    if end.hangs {
        let s = request.samples[shown.len()];
        let predicted = request.most_cycles(layout, &program, s).all;
        let hang = Mismatch::no_result(predicted, request.design.network.inputs(), request.patience());
        differences.push(hang.told(When { sample: s.number, at: At::Result, cycle: 0 }, &layout.network));
    } else if differences.is_empty() || request.survey {
        final_weights(request, layout, files, &network.weights(), &mut differences)?;
    }
    let [test_accuracy, reference_accuracy] = tally.accuracies();
    Ok(Outcome {
        samples: tally.samples,
        learned: tally.learned(),
        compared: layout.weights.weights() as u64,
        steps: 0,
        differences,
        before: Vec::new(),
        cycles_per_sample: tally.cycles_per_sample(),
        read_share: tally.read_share(),
        test_accuracy,
        reference_accuracy,
        wall,
        simulated: Some((end.cycles, end.seconds)),
        weights_digest: network.weights().digest(),
        unmarked: false,
        coverage: look.finish(&network, next_number(request), end.ports)?,
    })
}
