//! Runs the verilated core over a plan beside the reference.

use super::difference::{At, Mismatch, When};
use super::{Comparator, CosimError, Difference, Field, Level};
use crate::design::Design;
use crate::reference::fast::Fast;
use crate::reference::train::{PlannedSample, TrainingData};
use crate::reference::{Silent, Weights};
use crate::rules::{Program, header_marks};
use crate::schedule::Way;
use crate::schedule::{Cycles, Layout, predict};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What to check.
pub struct Request<'a> {
    /// The design.
    pub design: &'a Design,
    /// Its samples.
    pub data: &'a TrainingData,
    /// Which samples, in which order, numbered without gaps.
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
    /// Cycles beyond the predicted ones after which hardware without a result is said to have stopped; a few where none.
    pub patience: Option<u64>,
}

impl Request<'_> {
    /// What a sample takes.
    fn predicted(&self, layout: &Layout, program: &Program, s: PlannedSample) -> Cycles {
        predict(layout, program.ops(s.lesson()), self.data.active(s))
    }

    fn patience(&self) -> u64 {
        self.patience.unwrap_or(PATIENCE)
    }
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Samples compared.
    pub samples: u64,
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
}

impl Outcome {
    /// True when something was compared and nothing differs.
    pub fn equal(&self) -> bool {
        self.differences.is_empty() && self.samples > 0
    }
}

/// The contents of the weight memory, then of that of the way back: word after word, lane 0 first.
pub fn memory_image(layout: &Layout, weights: &Weights) -> Vec<i32> {
    let mut image = Vec::with_capacity(layout.weights.words() * layout.lanes);
    for (at, word) in layout.weights.all() {
        let rows = layout.weights.rows(word.layer, word.chunk);
        let padding = layout.lanes - rows.len();
        image.extend(rows.map(|row| weights.layers[at].get(row, word.tap)));
        image.extend(std::iter::repeat_n(0, padding));
    }
    image
}

/// What the bus has answered, where a run goes through it.
pub(super) const BUS_ANSWERS: &str = "bus.bin";

struct Files {
    samples: PathBuf,
    plan: PathBuf,
    weights_in: PathBuf,
    weights_out: PathBuf,
    results: PathBuf,
    bus: PathBuf,
}

fn write_words(path: &Path, words: impl Iterator<Item = i32>) -> Result<(), CosimError> {
    let write = || -> io::Result<()> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        for w in words {
            file.write_all(&w.to_le_bytes())?;
        }
        file.flush()
    };
    write().map_err(|e| CosimError::io("write", path, e))
}

pub(super) fn read_words(path: &Path) -> Result<Vec<i32>, CosimError> {
    let bytes = std::fs::read(path).map_err(|e| CosimError::io("read", path, e))?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|c| i32::from_le_bytes(*c)).collect())
}

/// Writes what the harness reads. Samples that the plan never shows are left out.
fn write_inputs(request: &Request<'_>, layout: &Layout) -> Result<Files, CosimError> {
    let dir = request.work;
    std::fs::create_dir_all(dir).map_err(|e| CosimError::io("create", dir, e))?;
    let file = |name: &str| dir.join(name);
    let files = Files {
        samples: file("samples.bin"),
        plan: file("plan.bin"),
        weights_in: file("weights_in.bin"),
        weights_out: file("weights_out.bin"),
        results: file("results.bin"),
        bus: file(BUS_ANSWERS),
    };
    // Nothing of an earlier run may be taken for an answer of this one.
    for path in [&files.weights_out, &files.results, &files.bus] {
        match std::fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(CosimError::io("remove", path, e)),
            _ => {}
        }
    }
    let program = Program::of(request.design);
    let train_samples = request.data.train.len();
    let mut used = vec![u32::MAX; train_samples + request.data.test.len()];
    let mut order = Vec::new();
    let mut plan = Vec::new();
    for &s in request.samples {
        let at = s.index as usize + if s.train { 0 } else { train_samples };
        if used[at] == u32::MAX {
            used[at] = order.len() as u32;
            order.push(s);
        }
        let cycles = request.predicted(layout, &program, s).all;
        let entry = used[at] | header_marks(s.train, s.ends_batch, s.rates);
        plan.extend([entry as i32, cycles as i32, (cycles >> 32) as i32]);
    }
    let words = order.iter().flat_map(|&s| {
        let (input, label) = request.data.sample(s);
        std::iter::once(i32::from(label)).chain(input.iter().copied())
    });
    write_words(&files.samples, words)?;
    write_words(&files.plan, plan.into_iter())?;
    write_words(&files.weights_in, memory_image(layout, request.start).into_iter())?;
    Ok(files)
}

/// A running simulator; killed when dropped.
struct Simulator {
    child: Child,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Simulator {
    fn start(
        request: &Request<'_>,
        files: &Files,
        first_sample: u32,
        extra: &[String],
    ) -> Result<Self, CosimError> {
        let path = |p: &Path| std::path::absolute(p).unwrap_or_else(|_| p.to_owned());
        let program = path(request.program);
        let mut command = Command::new(&program);
        // Tables are read from the folder of the sources.
        command.current_dir(program.parent().and_then(Path::parent).unwrap_or(Path::new("/")));
        command.arg("--samples").arg(path(&files.samples)).arg("--plan").arg(path(&files.plan));
        command
            .arg("--weights-in")
            .arg(path(&files.weights_in))
            .arg("--weights-out")
            .arg(path(&files.weights_out));
        command.arg("--bus").arg(path(&files.bus));
        command.arg("--results").arg(path(&files.results)).arg("--seed").arg(request.design.seed.to_string());
        command
            .arg("--first-sample")
            .arg(first_sample.to_string())
            .arg("--level")
            .arg(request.level.word())
            .args(extra);
        command.arg("--patience").arg(request.patience().to_string());
        command.arg("--free-steps").arg(request.design.free_steps.to_string());
        command.arg("--nudged-steps").arg(request.design.nudged_steps.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            crate::process::spawn(&mut command).map_err(|e| CosimError::io("start", &program, e))?;
        // Read in a thread of its own, so that a talkative simulator never blocks.
        let log = child.stderr.take().map(|mut e| {
            std::thread::spawn(move || {
                let mut text = String::new();
                let _ = e.read_to_string(&mut text);
                text
            })
        });
        Ok(Simulator { child, log })
    }

    /// Waits for the end.
    fn finish(&mut self) -> Result<End, CosimError> {
        let status =
            self.child.wait().map_err(|e| CosimError::io("wait for", Path::new("the simulator"), e))?;
        let log = self.log.take().and_then(|l| l.join().ok()).unwrap_or_default();
        let hangs = status.code() == Some(HANGS);
        if !status.success() && !hangs {
            return Err(CosimError::Simulation(format!("{status}\n{log}")));
        }
        let numbers: Vec<f64> = log.split_whitespace().filter_map(|w| w.parse().ok()).collect();
        match numbers[..] {
            [.., cycles, seconds] => Ok(End { hangs, cycles: cycles as u64, seconds }),
            _ => Err(CosimError::Simulation(format!("the harness did not report its time\n{log}"))),
        }
    }
}

/// How a simulation ended.
struct End {
    /// No result came in time.
    hangs: bool,
    /// Cycles simulated.
    cycles: u64,
    /// Time it took.
    seconds: f64,
}

/// The harness's exit code where no result came in time.
const HANGS: i32 = 5;
/// Cycles beyond the predicted ones: between two samples, and for a result that is taken a cycle late.
const PATIENCE: u64 = 64;

/// Test results of each epoch, from two sides.
#[derive(Default)]
struct Scores {
    hardware: Vec<(u32, u32)>,
    reference: Vec<(u32, u32)>,
}

impl Scores {
    fn note(&mut self, epoch: usize, label: u32, hardware: u32, reference: u32) {
        self.hardware.resize(epoch + 1, (0, 0));
        self.reference.resize(epoch + 1, (0, 0));
        self.hardware[epoch].0 += u32::from(hardware == label);
        self.hardware[epoch].1 += 1;
        self.reference[epoch].0 += u32::from(reference == label);
        self.reference[epoch].1 += 1;
    }

    /// Mean over the last epochs.
    fn mean(scores: &[(u32, u32)]) -> Option<f64> {
        if scores.is_empty() {
            return None;
        }
        let last = crate::reference::train::averaged_epochs(scores.len());
        let tail = &scores[scores.len() - last..];
        Some(tail.iter().map(|&(right, all)| f64::from(right) / f64::from(all)).sum::<f64>() / last as f64)
    }
}

/// Runs hardware and reference side by side.
///
/// # Errors
/// When a tool or the machine fails; a difference is not an error.
pub fn cross_check(
    request: &Request<'_>,
    layout: &Layout,
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

    let mut simulator = None;
    let source: Box<dyn Read> = match request.waves {
        Some(path) => Box::new(File::open(path).map_err(|e| CosimError::io("open", path, e))?),
        None => {
            let mut s = Simulator::start(request, &files, first_number, &[])?;
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
    let mut scores = Scores::default();
    let mut before: VecDeque<(Fast<'_>, PlannedSample)> = VecDeque::new();
    let (mut train_cycles, mut train_count) = (0u64, 0u64);
    for (done, &s) in request.samples.iter().enumerate() {
        if comparator.stopped() {
            break;
        }
        let (input, label) = request.data.sample(s);
        comparator.begin_sample(s.number, s.lesson(), request.data.active(s));
        if comparator.differences.is_empty() {
            if before.len() == REPLAYED {
                before.pop_front();
            }
            before.push_back((network.clone(), s));
        }
        let cycles = comparator.cycles;
        let reference = network.run(input, label, s.lesson(), &mut comparator);
        if let Some(h) = comparator.last_result {
            if s.train {
                train_cycles += comparator.cycles - cycles;
                train_count += 1;
            } else {
                scores.note(done / request.per_epoch as usize, h.label, h.prediction, u32::from(reference));
            }
        }
        progress(&s, done as u64);
    }
    if let Some(e) = comparator.failure.take() {
        return Err(e.into());
    }
    let mut differences = std::mem::take(&mut comparator.differences);
    let mut simulated = None;
    if let Some(mut s) = simulator
        && (differences.is_empty() || request.survey)
    {
        while comparator.skip() {}
        let end = s.finish()?;
        simulated = Some((end.cycles, end.seconds));
        if comparator.ended_early || end.hangs {
            differences.push(comparator.stopped_early(end.hangs.then_some(request.patience())));
        } else {
            final_weights(request, layout, &files, &network.weights(), &mut differences)?;
        }
    } else if comparator.ended_early && differences.is_empty() {
        let (seen, total) = (comparator.samples, request.samples.len() as u64);
        return Err(CosimError::WaveformEnds { seen, total });
    }
    let replay = !differences.is_empty();
    Ok(Outcome {
        samples: comparator.samples,
        compared: comparator.compared,
        steps: comparator.steps,
        differences,
        before: before.into_iter().filter(|_| replay).map(|(n, s)| (n.weights(), s)).collect(),
        cycles_per_sample: train_cycles as f64 / (train_count.max(1)) as f64,
        read_share: comparator.reads as f64 / comparator.cycles.max(1) as f64,
        test_accuracy: Scores::mean(&scores.hardware),
        reference_accuracy: Scores::mean(&scores.reference),
        wall: begin.elapsed(),
        simulated,
        weights_digest: network.weights().digest(),
        unmarked: comparator.unmarked(),
    })
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
        network.run(input, label, s.lesson(), &mut Silent);
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
        let (s, is_bias) = (
            &request.design.synapses[word.layer - 1],
            word.tap == layout.network.connection(word.layer).taps(),
        );
        let (from, format) = if is_bias { (None, s.bias) } else { (Some(word.tap), s.weight) };
        let field = match word.way {
            Way::Forward => Field::Weight,
            Way::Back => Field::WeightBack,
        };
        let weight = Mismatch::of(field, expected[at], hardware[at]).in_layer(word.layer).at_lane(
            layout.layer(word.layer),
            layout.lanes,
            (word.chunk, lane),
        );
        differences.push(weight.coming_from(from).in_format(format).left_in_memory());
    }
    Ok(())
}

/// The verdict without a waveform: results of every sample, and the weights at the end.
fn without_waveform(
    request: &Request<'_>,
    layout: &Layout,
    files: &Files,
    mut network: Fast<'_>,
    begin: Instant,
    progress: &mut dyn FnMut(&PlannedSample, u64),
) -> Result<Outcome, CosimError> {
    let first_number = request.samples.first().map_or(0, |s| s.number);
    let mut simulator = Simulator::start(request, files, first_number, &[])?;
    let mut predictions = Vec::with_capacity(request.samples.len());
    for (done, &s) in request.samples.iter().enumerate() {
        let (input, label) = request.data.sample(s);
        predictions.push(network.run(input, label, s.lesson(), &mut Silent));
        progress(&s, done as u64);
    }
    let end = simulator.finish()?;
    let wall = begin.elapsed();
    let results = read_words(&files.results)?;
    if results.len() != predictions.len() * 4 && !end.hangs {
        return Err(CosimError::Simulation(format!(
            "{} results came back, {} were expected",
            results.len() / 4,
            predictions.len()
        )));
    }
    let program = Program::of(request.design);
    let mut differences = Vec::new();
    let mut scores = Scores::default();
    let (mut cycles, mut reads, mut train_cycles, mut train_count) = (0u64, 0u64, 0u64, 0u64);
    for (k, &[prediction, label, c, r]) in results.as_chunks::<4>().0.iter().enumerate() {
        let (s, reference) = (request.samples[k], predictions[k]);
        let (predicted, _) = request.predicted(layout, &program, s).counted();
        cycles += u64::from(c as u32);
        reads += u64::from(r as u32);
        if s.train {
            train_cycles += u64::from(c as u32);
            train_count += 1;
        } else {
            scores.note(
                k / request.per_epoch as usize,
                label as u32,
                prediction as u32,
                u32::from(reference),
            );
        }
        let checks = [
            Mismatch::of(Field::Prediction, reference, prediction),
            Mismatch::of(Field::Cycles, predicted, c as u32),
        ];
        if let Some(first) = checks.into_iter().find(Mismatch::differs).filter(|_| differences.is_empty()) {
            let when = When { sample: s.number, at: At::Result, cycle: 0 };
            differences.push(first.told(when));
        }
    }
    if end.hangs {
        let s = request.samples[results.len() / 4];
        let predicted = request.predicted(layout, &program, s).all;
        let hang = Mismatch::no_result(predicted, request.design.network.inputs(), request.patience());
        differences.push(hang.told(When { sample: s.number, at: At::Result, cycle: 0 }));
    } else if differences.is_empty() || request.survey {
        final_weights(request, layout, files, &network.weights(), &mut differences)?;
    }
    Ok(Outcome {
        samples: results.len() as u64 / 4,
        compared: layout.layers.iter().map(|l| (l.post() * l.row_length()) as u64).sum(),
        steps: 0,
        differences,
        before: Vec::new(),
        cycles_per_sample: train_cycles as f64 / train_count.max(1) as f64,
        read_share: reads as f64 / cycles.max(1) as f64,
        test_accuracy: Scores::mean(&scores.hardware),
        reference_accuracy: Scores::mean(&scores.reference),
        wall,
        simulated: Some((end.cycles, end.seconds)),
        weights_digest: network.weights().digest(),
        unmarked: false,
    })
}
