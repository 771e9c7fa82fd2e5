//! Runs the verilated core over a plan beside the reference.

use super::{Comparator, CosimError, Difference, Field, Level};
use crate::design::Design;
use crate::reference::train::{Plan, PlannedSample, Trainer, TrainingData};
use crate::reference::{Silent, Weights};
use crate::rules::Program;
use crate::schedule::{Layout, predict};
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
    /// Which samples, in which order.
    pub plan: Plan,
    /// Only so many of them.
    pub limit: Option<u64>,
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
    /// Weights of the reference before the sample in which the first difference lies.
    pub weights_before: Option<(Weights, PlannedSample)>,
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
}

impl Outcome {
    /// True when something was compared and nothing differs.
    pub fn equal(&self) -> bool {
        self.differences.is_empty() && self.samples > 0
    }
}

/// The contents of the weight memory: word after word, lane 0 first.
pub fn memory_image(layout: &Layout, weights: &Weights) -> Vec<i32> {
    let mut image = Vec::with_capacity(layout.weight_words * layout.lanes);
    for (layer, w) in layout.layers.iter().zip(&weights.layers) {
        for chunk in 0..layer.chunks {
            for column in 0..=layer.pre {
                let first = chunk * layout.lanes;
                image.extend((first..first + layout.lanes).map(|row| if row < layer.post { w.get(row, column) } else { 0 }));
            }
        }
    }
    image
}

/// The planned samples of a request, in order.
fn planned(request: &Request<'_>) -> impl Iterator<Item = PlannedSample> {
    let plan = request.plan;
    (0..plan.epochs).flat_map(move |e| plan.samples(e)).take(request.limit.unwrap_or(u64::MAX) as usize)
}

struct Files {
    samples: PathBuf,
    plan: PathBuf,
    weights_in: PathBuf,
    weights_out: PathBuf,
    results: PathBuf,
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

fn read_words(path: &Path) -> Result<Vec<i32>, CosimError> {
    let bytes = std::fs::read(path).map_err(|e| CosimError::io("read", path, e))?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|c| i32::from_le_bytes(*c)).collect())
}

/// Writes what the harness reads. Samples that the plan never shows are left out.
fn write_inputs(request: &Request<'_>, layout: &Layout, start: &Weights) -> Result<Files, CosimError> {
    let dir = request.work;
    std::fs::create_dir_all(dir).map_err(|e| CosimError::io("create", dir, e))?;
    let file = |name: &str| dir.join(name);
    let files = Files {
        samples: file("samples.bin"),
        plan: file("plan.bin"),
        weights_in: file("weights_in.bin"),
        weights_out: file("weights_out.bin"),
        results: file("results.bin"),
    };
    let train_samples = request.plan.train_samples;
    let mut used = vec![u32::MAX; request.plan.samples_per_epoch() as usize];
    let mut order = Vec::new();
    let mut plan = Vec::new();
    for s in planned(request) {
        let at = if s.train { s.index } else { train_samples + s.index } as usize;
        if used[at] == u32::MAX {
            used[at] = order.len() as u32;
            order.push(s);
        }
        plan.push((used[at] | u32::from(s.train) << 31) as i32);
    }
    let words = order.iter().flat_map(|&s| {
        let (input, label) = request.data.sample(s);
        std::iter::once(i32::from(label)).chain(input.iter().copied())
    });
    write_words(&files.samples, words)?;
    write_words(&files.plan, plan.into_iter())?;
    write_words(&files.weights_in, memory_image(layout, start).into_iter())?;
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
    fn start(request: &Request<'_>, files: &Files, first_sample: u32, extra: &[String]) -> Result<Self, CosimError> {
        let mut command = Command::new(request.program);
        command.current_dir(request.program.parent().and_then(Path::parent).unwrap_or(Path::new(".")));
        let path = |p: &Path| std::path::absolute(p).unwrap_or_else(|_| p.to_owned());
        command.arg("--samples").arg(path(&files.samples)).arg("--plan").arg(path(&files.plan));
        command.arg("--weights-in").arg(path(&files.weights_in)).arg("--weights-out").arg(path(&files.weights_out));
        command.arg("--results").arg(path(&files.results)).arg("--seed").arg(request.design.seed.to_string());
        command.arg("--first-sample").arg(first_sample.to_string()).arg("--level").arg(request.level.word()).args(extra);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = path(request.program);
        let mut child = command.spawn().map_err(|e| CosimError::io("start", &program, e))?;
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

    /// Waits for a regular end; returns cycles and seconds.
    fn finish(&mut self) -> Result<(u64, f64), CosimError> {
        let status = self.child.wait().map_err(|e| CosimError::io("wait for", Path::new("the simulator"), e))?;
        let log = self.log.take().and_then(|l| l.join().ok()).unwrap_or_default();
        if !status.success() {
            return Err(CosimError::Simulation(format!("{status}\n{log}")));
        }
        let numbers: Vec<f64> = log.split_whitespace().filter_map(|w| w.parse().ok()).collect();
        match numbers[..] {
            [.., cycles, seconds] => Ok((cycles as u64, seconds)),
            _ => Err(CosimError::Simulation(format!("the harness did not report its time\n{log}"))),
        }
    }
}

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
pub fn cross_check(request: &Request<'_>, layout: &Layout, start: &Weights, progress: &mut dyn FnMut(&PlannedSample, u64)) -> Result<Outcome, CosimError> {
    let files = write_inputs(request, layout, start)?;
    let begin = Instant::now();
    let first_number = planned(request).next().map_or(0, |s| s.number);
    let mut trainer = Trainer::new(request.design, request.data, request.plan);
    let program = Program::of(request.design);
    let mut scores = Scores::default();
    let total = request.limit.unwrap_or(u64::MAX).min(request.plan.total());
    let per_epoch = u64::from(request.plan.samples_per_epoch());

    if request.level == Level::Final && request.waves.is_none() {
        let mut simulator = Simulator::start(request, &files, first_number, &[])?;
        let mut predictions = Vec::new();
        let mut done = 0;
        while done < total {
            let Some((s, prediction)) = trainer.step(&mut Silent) else { break };
            predictions.push((s, prediction));
            progress(&s, done);
            done += 1;
        }
        let simulated = simulator.finish()?;
        let wall = begin.elapsed();
        return final_outcome(request, layout, &files, &trainer, &predictions, &program, simulated, wall);
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
    let mut weights_before = None;
    let (mut done, mut train_cycles, mut train_count) = (0u64, 0u64, 0u64);
    let mut upcoming = planned(request);
    while done < total && !comparator.stopped() {
        let Some(next) = upcoming.next() else { break };
        let (input, _) = request.data.sample(next);
        let active = input.iter().filter(|&&x| x != 0).count();
        comparator.begin_sample(next.number, next.train, active);
        let before = if weights_before.is_none() { Some(trainer.network().clone()) } else { None };
        let cycles = comparator.cycles;
        let Some((s, reference)) = trainer.step(&mut comparator) else { break };
        if !comparator.differences.is_empty() && weights_before.is_none() {
            weights_before = before.map(|n| (n.weights(), s));
        }
        if let Some(h) = comparator.last_result {
            if !s.train {
                scores.note((done / per_epoch) as usize, h.label, h.prediction, u32::from(reference));
            } else {
                train_cycles += comparator.cycles - cycles;
                train_count += 1;
            }
        }
        progress(&s, done);
        done += 1;
    }
    if let Some(e) = comparator.failure.take() {
        return Err(e.into());
    }
    let mut differences = std::mem::take(&mut comparator.differences);
    let mut simulated = None;
    if let Some(mut s) = simulator {
        if comparator.ended_early {
            s.finish()?;
        }
        if differences.is_empty() {
            drain(&mut comparator);
            simulated = Some(s.finish()?);
            final_weights(request, layout, &files, &trainer.weights(), &mut differences)?;
        }
    }
    if comparator.ended_early && differences.is_empty() {
        return Err(CosimError::Simulation(format!("the waveform ended in sample {} of {total}", comparator.samples)));
    }
    Ok(Outcome {
        samples: comparator.samples,
        compared: comparator.compared,
        steps: comparator.steps,
        differences,
        weights_before,
        cycles_per_sample: train_cycles as f64 / (train_count.max(1)) as f64,
        read_share: comparator.reads as f64 / comparator.cycles.max(1) as f64,
        test_accuracy: Scores::mean(&scores.hardware),
        reference_accuracy: Scores::mean(&scores.reference),
        wall: begin.elapsed(),
        simulated,
        weights_digest: trainer.weights().digest(),
    })
}

/// Reads the rest of the waveform, so that the simulator can end.
fn drain<R: Read>(comparator: &mut Comparator<'_, R>) {
    while comparator.skip() {}
}

/// Compares the final weight memory.
fn final_weights(request: &Request<'_>, layout: &Layout, files: &Files, weights: &Weights, differences: &mut Vec<Difference>) -> Result<(), CosimError> {
    let hardware = read_words(&files.weights_out)?;
    let expected = memory_image(layout, weights);
    if hardware.len() != expected.len() {
        return Err(CosimError::Simulation(format!("{} weights came back, {} were expected", hardware.len(), expected.len())));
    }
    if let Some(at) = (0..expected.len()).find(|&i| expected[i] != hardware[i]) {
        let (word, lane) = (at / layout.lanes, at % layout.lanes);
        let l = layout.layers.iter().rposition(|l| l.weight_base <= word).unwrap_or(0);
        let x = layout.layers[l];
        let (chunk, column) = ((word - x.weight_base) / x.row_length(), (word - x.weight_base) % x.row_length());
        let s = &request.design.synapses[l];
        let (from, format) = if column == x.pre { (None, s.bias) } else { (Some(column), s.weight) };
        let neuron = chunk * layout.lanes + lane;
        let source = from.map_or("bias".to_owned(), |j| format!("weight from neuron {j} of layer {l}"));
        differences.push(Difference {
            field: Field::Weight,
            sample: 0,
            step: 0,
            phase: "after the last sample".to_owned(),
            layer: l + 1,
            neuron: Some(neuron),
            from,
            expected: expected[at].into(),
            found: hardware[at].into(),
            format: Some(format.to_string()),
            expected_real: Some(format.to_real(expected[at].into())),
            found_real: Some(format.to_real(hardware[at].into())),
            cycle: 0,
            text: format!(
                "after the last sample: {source} to neuron {neuron} of layer {}: reference {} ({}), hardware {} ({})",
                l + 1,
                expected[at],
                format.to_real(expected[at].into()),
                hardware[at],
                format.to_real(hardware[at].into())
            ),
        });
    }
    Ok(())
}

/// The verdict without a waveform: results of every sample, and the weights at the end.
#[allow(clippy::too_many_arguments)] // called once, with everything at hand
fn final_outcome(
    request: &Request<'_>,
    layout: &Layout,
    files: &Files,
    trainer: &Trainer<'_>,
    predictions: &[(PlannedSample, u16)],
    program: &Program,
    simulated: (u64, f64),
    wall: Duration,
) -> Result<Outcome, CosimError> {
    let results = read_words(&files.results)?;
    let mut differences = Vec::new();
    let mut scores = Scores::default();
    let (mut cycles, mut reads, mut train_cycles, mut train_count) = (0u64, 0u64, 0u64, 0u64);
    let per_epoch = request.plan.samples_per_epoch() as usize;
    if results.len() != predictions.len() * 4 {
        return Err(CosimError::Simulation(format!("{} results came back, {} were expected", results.len() / 4, predictions.len())));
    }
    for (k, (&[prediction, label, c, r], &(s, reference))) in results.as_chunks::<4>().0.iter().zip(predictions).enumerate() {
        let (input, _) = request.data.sample(s);
        let active = input.iter().filter(|&&x| x != 0).count();
        let expected = predict(layout, if s.train { &program.train } else { &program.infer }, active);
        cycles += c as u64;
        reads += r as u64;
        if s.train {
            train_cycles += c as u64;
            train_count += 1;
        } else {
            scores.note(k / per_epoch, label as u32, prediction as u32, u32::from(reference));
        }
        let checks = [(Field::Prediction, i64::from(reference), i64::from(prediction)), (Field::Cycles, expected.all as i64, i64::from(c))];
        for (field, expected, found) in checks {
            if expected != found && differences.is_empty() {
                let text = format!("sample {}: {field:?}: reference {expected}, hardware {found}", s.number);
                differences.push(Difference {
                    field,
                    sample: s.number,
                    step: 0,
                    phase: "result".to_owned(),
                    layer: 0,
                    neuron: None,
                    from: None,
                    expected,
                    found,
                    format: None,
                    expected_real: None,
                    found_real: None,
                    cycle: 0,
                    text,
                });
            }
        }
    }
    if differences.is_empty() || request.survey {
        final_weights(request, layout, files, &trainer.weights(), &mut differences)?;
    }
    Ok(Outcome {
        samples: predictions.len() as u64,
        compared: (layout.weight_words * layout.lanes) as u64,
        steps: 0,
        differences,
        weights_before: None,
        cycles_per_sample: train_cycles as f64 / train_count.max(1) as f64,
        read_share: reads as f64 / cycles.max(1) as f64,
        test_accuracy: Scores::mean(&scores.hardware),
        reference_accuracy: Scores::mean(&scores.reference),
        wall,
        simulated: Some(simulated),
        weights_digest: trainer.weights().digest(),
    })
}
