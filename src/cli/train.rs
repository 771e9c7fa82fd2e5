//! `eqhdl train`: bit-accurate training with the reference.

use super::CliError;
use super::say::{note, tell};
use crate::data::{self, Dataset};
use crate::design::{Design, Keys};
use crate::lock::Lock;
use crate::reference::checkpoint::{Checkpoint, CheckpointError};
use crate::reference::counters::Counters;
use crate::reference::profile::{self, SignalProfile, profile};
use crate::reference::train::{Course, Plan, Progress, Trainer, TrainingData, averaged_epochs};
use crate::reference::{Silent, Weights};
use crate::{signals, whole};
use indicatif::{ProgressBar, ProgressStyle};
use miette::{IntoDiagnostic, WrapErr};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzWriter;
use serde::Serialize;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  eqhdl train designs/digits-ep.toml               the whole training, with a progress bar
  eqhdl train designs/mnist-ep.toml --resume       go on where an interrupted training stopped, bit for bit
  eqhdl train mynet.toml --samples 1000 --epochs 2  a first look
  eqhdl train designs/digits-ep.toml --float       the same training in 64-bit floats (its own checkpoint and report)
  eqhdl train mynet.toml --profile                 how many bits each signal needed, and what would do
  eqhdl train mynet.toml --json --save w.npz       accuracies on stdout, weights in a file

Ctrl-C (as TERM and HUP) stops at the next sample with a checkpoint. The test accuracy reported is the mean over the last fifth of the
epochs (at least one); accuracies are shares of 1 in JSON.";

/// Train the bit-accurate reference of a design.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    /// Design file
    pub design: PathBuf,
    /// Passes over the training set (default: the design's)
    #[arg(long, value_name = "N")]
    pub epochs: Option<u32>,
    /// Use only the first N training samples
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Seed of initial weights, order and stochastic rounding (default: the design's)
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u32>,
    /// Train in 64-bit floats instead: same samples, same order, nothing quantised but the initial weights
    #[arg(long)]
    pub float: bool,
    /// Go on from the checkpoint in the output folder, if there is one
    #[arg(long)]
    pub resume: bool,
    /// Folder for checkpoint and train.json; checkpoint-float and train-float.json of floats (default: build/NAME)
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seconds between checkpoints; one is also written at the end of every epoch
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    pub checkpoint_every: f64,
    /// Write the final weights (raw integers `w1`, `b1`, ... and their fraction bits) to an NPZ file
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Print a machine-readable summary on stdout
    #[arg(long)]
    pub json: bool,
    /// Show how many bits every signal needed, and propose formats
    #[arg(long, conflicts_with = "float")]
    pub profile: bool,
    /// No progress, no tables
    #[arg(long, short)]
    pub quiet: bool,
}

/// How well a training did, whatever its arithmetic.
#[derive(Clone, Debug, Serialize)]
pub struct Accuracies {
    /// Design file.
    pub design: PathBuf,
    /// Seed in use.
    pub seed: u32,
    /// Name of the data set.
    pub data: String,
    /// Checksum of the data set.
    pub data_checksum: String,
    /// Training samples per epoch.
    pub train_samples: u32,
    /// Test samples per epoch.
    pub test_samples: u32,
    /// Epochs done.
    pub epochs: u32,
    /// Mean test accuracy over the last `averaged_epochs` epochs, 0 to 1.
    pub test_accuracy: f64,
    /// Number of epochs averaged: the last fifth, at least one.
    pub averaged_epochs: usize,
    /// Test accuracy after the last epoch.
    pub last_test_accuracy: f64,
    /// Running training accuracy per epoch: predictions at the free phase, each before its own update.
    pub train_accuracy_per_epoch: Vec<f64>,
    /// Test accuracy per epoch.
    pub test_accuracy_per_epoch: Vec<f64>,
    /// Samples (training and test) per second of this run.
    pub samples_per_s: f64,
}

impl Accuracies {
    /// Of a training on this data, from how far it is and its speed.
    pub(super) fn new(
        (args, seed): (&TrainArgs, u32),
        dataset: &Dataset,
        plan: Plan,
        course: &Course,
        samples_per_s: f64,
    ) -> Self {
        let (train, test) = (course.train_accuracies(plan), course.test_accuracies(plan));
        let averaged = averaged_epochs(test.len());
        let last = &test[test.len() - averaged..];
        Accuracies {
            design: args.design.clone(),
            seed,
            data: dataset.name.clone(),
            data_checksum: dataset.checksum.clone(),
            train_samples: plan.train_samples,
            test_samples: plan.test_samples,
            epochs: test.len() as u32,
            test_accuracy: last.iter().sum::<f64>() / last.len().max(1) as f64,
            averaged_epochs: averaged,
            last_test_accuracy: test.last().copied().unwrap_or(0.0),
            train_accuracy_per_epoch: train,
            test_accuracy_per_epoch: test,
            samples_per_s,
        }
    }

    /// For people.
    pub(super) fn sentence(&self) -> String {
        format!(
            "test accuracy {:.2} % (mean of the last {}), {:.2} % after the last epoch; {:.0} samples/s",
            100.0 * self.test_accuracy,
            if self.averaged_epochs == 1 {
                "epoch".to_owned()
            } else {
                format!("{} epochs", self.averaged_epochs)
            },
            100.0 * self.last_test_accuracy,
            self.samples_per_s,
        )
    }
}

/// What a training came to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How well it did.
    #[serde(flatten)]
    pub accuracies: Accuracies,
    /// Everything in the design that decides a bit.
    pub depends_on: Keys,
    /// Its digest.
    pub design_digest: String,
    /// Degrees between the final weights forward and back, synapse layers 2 to L, where they are separate.
    pub feedback_angles: Vec<f64>,
    /// SHA-256 of the final weights.
    pub weights_digest: String,
    /// One training sample in so many was counted.
    pub counted_every: u32,
    /// Ranges, saturations and lost updates, raw integers.
    pub counters: Counters,
    /// What the formats were used for (with `--profile`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profile: Vec<SignalProfile>,
}

/// A training of either arithmetic, sample by sample.
pub(super) trait Training {
    /// What goes on after the epochs, in the progress bar.
    const NOTE: &'static str;
    /// Runs the next sample; false when all is done.
    fn step(&mut self) -> bool;
    /// How far it is.
    fn course(&self) -> &Course;
    /// Leaves a checkpoint.
    fn checkpoint(&self) -> Result<(), CheckpointError>;
}

/// The bit-accurate training, and what its checkpoint needs.
struct Fixed<'a> {
    trainer: Trainer<'a>,
    design: &'a Design,
    checksum: &'a str,
    path: &'a Path,
}

impl Training for Fixed<'_> {
    const NOTE: &'static str = "";

    fn step(&mut self) -> bool {
        self.trainer.step(&mut Silent).is_some()
    }

    fn course(&self) -> &Course {
        &self.trainer.progress().course
    }

    fn checkpoint(&self) -> Result<(), CheckpointError> {
        let checkpoint =
            Checkpoint { progress: self.trainer.progress().clone(), weights: self.trainer.weights() };
        checkpoint.write(self.path, self.design, self.checksum, self.trainer.plan())
    }
}

/// Runs a training to its end, with a progress bar, a line an epoch, and checkpoints; returns its samples per second.
/// `None` where a signal stopped it: it goes on with `--resume`.
pub(super) fn finish<T: Training>(
    args: &TrainArgs,
    plan: Plan,
    training: &mut T,
) -> Result<Option<f64>, CliError> {
    let bar = progress_bar(args, plan);
    // A valid number that no clock reaches is as good as never.
    let every = Duration::try_from_secs_f64(args.checkpoint_every).unwrap_or(Duration::MAX);
    let (begun, done_before) = (Instant::now(), training.course().done);
    let (mut saved, mut epoch) = (Instant::now(), training.course().epoch());
    bar.set_position(done_before);
    bar.reset_eta();
    let rate = |done: u64| (done - done_before) as f64 / begun.elapsed().as_secs_f64().max(1e-9);
    while training.step() {
        let course = training.course();
        let done = course.done;
        if done.is_multiple_of(64) {
            bar.set_position(done);
            let running = 100.0 * course.running_accuracy(plan);
            let epoch = course.epoch() + 1;
            bar.set_message(format!("epoch {epoch}/{}{}  train {running:.2} %", plan.epochs, T::NOTE));
        }
        let ended = course.epoch() != epoch;
        if ended {
            epoch = course.epoch();
            if !args.quiet {
                let line = epoch_line(course, plan, rate(done));
                bar.suspend(|| note!("{line}"));
            }
        }
        let interrupted = signals::stop().load(Ordering::Relaxed);
        if !course.is_between_batches(plan) {
            continue;
        }
        if ended || interrupted || saved.elapsed() >= every {
            match training.checkpoint() {
                // A disk that is full now may not be when it counts; the last checkpoint is still there.
                Err(e) if !interrupted => bar.suspend(|| note!("warning: {e}; the training goes on")),
                kept => kept.map_err(|e| CliError::Tool(e.into()))?,
            }
            saved = Instant::now();
        }
        if interrupted {
            bar.finish_and_clear();
            note!("stopped at sample {done} of {}; go on with --resume", plan.total());
            return Ok(None);
        }
    }
    bar.finish_and_clear();
    Ok(Some(rate(training.course().done)))
}

/// Trains.
///
/// # Errors
/// A design, data set or checkpoint that cannot be used; a file that cannot be written.
pub fn run(args: &TrainArgs) -> Result<ExitCode, CliError> {
    if args.float {
        return super::train_float::run(args);
    }
    let design = changed_design(args)?;
    let dataset = data::load(&design).map_err(CliError::input_message)?;
    let training_data = TrainingData::new(&design, &dataset);
    let plan = Plan::new(&design, &dataset);
    let out = args.out.clone().unwrap_or_else(|| Path::new("build").join(&design.name));
    let path = out.join("checkpoint");
    let _ours = prepare(args, &path)?;
    let trainer = start(args, &design, &training_data, plan, &path)?;
    let mut training = Fixed { trainer, design: &design, checksum: &training_data.checksum, path: &path };
    let Some(rate) = finish(args, plan, &mut training)? else {
        return Ok(ExitCode::from(signals::exit_code()));
    };

    let trainer = training.trainer;
    let report = report(args, &design, &dataset, &trainer, rate);
    write_report(&report, &out.join("train.json")).map_err(CliError::Tool)?;
    if let Some(file) = &args.save {
        save_weights(&trainer.weights(), &design, file).map_err(CliError::Tool)?;
    }
    if !args.quiet {
        note!("{}", summary(&report, &design).trim_end());
        if args.profile {
            note!("\n{}", profile::table(&report.profile).trim_end());
        }
    }
    if args.json {
        tell!("{}", serde_json::to_string_pretty(&report).into_diagnostic().map_err(CliError::Tool)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What has to be so before hours of work: the training is this process's alone, and its results can be kept. From here
/// on a signal waits for a checkpoint.
pub(super) fn prepare(args: &TrainArgs, checkpoint: &Path) -> Result<(Lock, signals::Hold), CliError> {
    let every = args.checkpoint_every;
    if !every.is_finite() || every < 0.0 {
        return Err(CliError::input_message(format!(
            "--checkpoint-every {every}: seconds, 0 or more, for instance 30; 0 is after every sample"
        )));
    }
    let lock = Lock::beside(checkpoint).map_err(|e| CliError::Tool(e.into()))?;
    if let Some(folder) = checkpoint.parent() {
        whole::sweep(folder);
    }
    if let Some(file) = &args.save {
        whole::try_write(file)
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot write the weights to {}", file.display()))
            .map_err(CliError::Tool)?;
    }
    Ok((lock, signals::Hold::new()))
}

/// The design with what the command line changes.
pub(super) fn changed_design(args: &TrainArgs) -> Result<Design, CliError> {
    let mut design = super::load_design(&args.design)?;
    if let Some(epochs) = args.epochs {
        if epochs == 0 {
            return Err(CliError::input_message("--epochs 0: a training has at least one epoch"));
        }
        design.epochs = epochs;
    }
    if let Some(seed) = args.seed {
        design.seed = seed;
    }
    if let Some(samples) = args.samples {
        if samples == 0 {
            return Err(CliError::input_message("--samples 0: a training has at least one sample"));
        }
        design.train_samples = Some(samples);
    }
    Ok(design)
}

/// A trainer at the start, or where the checkpoint stands.
fn start<'a>(
    args: &TrainArgs,
    design: &'a Design,
    data: &'a TrainingData,
    plan: Plan,
    path: &Path,
) -> Result<Trainer<'a>, CliError> {
    if args.resume {
        let found =
            Checkpoint::read(path, design, &data.checksum, plan).map_err(|e| CliError::Input(e.into()))?;
        announce(args, plan, path, found.as_ref().map(|c| &c.progress.course))?;
        if let Some(c) = found {
            return Ok(Trainer::resumed(design, data, plan, &c.weights, c.progress));
        }
    }
    Ok(Trainer::new(design, data, plan))
}

/// Says where a training goes on: at so many samples and epochs, or at the beginning where there is no checkpoint.
///
/// # Errors
/// More epochs are done than were asked for.
pub(super) fn announce(
    args: &TrainArgs,
    plan: Plan,
    path: &Path,
    at: Option<&Course>,
) -> Result<(), CliError> {
    match at {
        Some(course) if course.epoch() > plan.epochs => {
            return Err(CliError::input_message(format!(
                "{}: {} epochs are done, more than the {} asked for; give a larger --epochs, or train from the start (without --resume)",
                path.display(),
                course.epoch(),
                plan.epochs
            )));
        }
        _ if args.quiet => {}
        Some(course) => {
            note!("resuming at sample {} of {} ({})", course.done, plan.total(), path.display());
        }
        None => note!("no checkpoint at {}: starting from the beginning", path.display()),
    }
    Ok(())
}

fn progress_bar(args: &TrainArgs, plan: Plan) -> ProgressBar {
    if args.quiet {
        return ProgressBar::hidden();
    }
    // Draws on stderr, and only where that is a terminal.
    let bar = ProgressBar::new(plan.total());
    let style = "{bar:30} {percent:>3} %  {msg}  {per_sec}  {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

/// The epoch just done: its number from 1, its accuracies on training and test samples, samples per second.
fn epoch_line(course: &Course, plan: Plan, rate: f64) -> String {
    let last = |accuracies: Vec<f64>| 100.0 * accuracies.last().copied().unwrap_or(0.0);
    let (train, test) = (last(course.train_accuracies(plan)), last(course.test_accuracies(plan)));
    let epoch = course.epoch();
    format!("epoch {epoch:>3}/{}  train {train:6.2} %  test {test:6.2} %  {rate:.0} samples/s", plan.epochs)
}

fn report(args: &TrainArgs, design: &Design, dataset: &Dataset, trainer: &Trainer<'_>, rate: f64) -> Report {
    let Progress { course, counters } = trainer.progress();
    let (weights, keys) = (trainer.weights(), Keys::of_training(design));
    Report {
        accuracies: Accuracies::new((args, design.seed), dataset, trainer.plan(), course, rate),
        design_digest: keys.digest(),
        depends_on: keys,
        feedback_angles: weights.angles(design),
        weights_digest: weights.digest(),
        counted_every: trainer.plan().counted_every(),
        counters: counters.clone(),
        profile: if args.profile { profile(counters, design) } else { Vec::new() },
    }
}

fn summary(r: &Report, design: &Design) -> String {
    format!(
        "\n{}\ncounted on one training sample in {} ({} samples)\n\n{}\n{}weights sha256 {}\n",
        r.counters.table(design).trim_end(),
        r.counted_every,
        r.counters.samples,
        r.accuracies.sentence(),
        angles(&r.feedback_angles),
        r.weights_digest,
    )
}

/// A line on how far apart the ways forward and back are; nothing where they are the same.
fn angles(degrees: &[f64]) -> String {
    if degrees.is_empty() {
        return String::new();
    }
    let layers: Vec<String> =
        (2..).zip(degrees).map(|(l, a)| format!("{a:.1} degrees (synapse layer {l})")).collect();
    format!("angle between weights forward and back: {}\n", layers.join(", "))
}

pub(super) fn write_report(report: &impl Serialize, path: &Path) -> miette::Result<()> {
    let write = || -> Result<(), std::io::Error> {
        whole::write(path, (serde_json::to_string_pretty(report)? + "\n").as_bytes())
    };
    write().into_diagnostic().wrap_err_with(|| format!("cannot write {}", path.display()))
}

/// Raw weights `w1` (rows: post-synaptic), raw biases `b1`, and their fraction bits `w1_frac`, `b1_frac`; and so on;
/// the design's keys that they depend on as bytes of text, `design`.
fn save_weights(weights: &Weights, design: &Design, path: &Path) -> miette::Result<()> {
    let write = || -> miette::Result<()> {
        let mut bytes = Cursor::new(Vec::new());
        let mut npz = NpzWriter::new_compressed(&mut bytes);
        for (i, (layer, s)) in weights.layers.iter().zip(&design.synapses).enumerate() {
            let (l, pre) = (i + 1, layer.columns - 1);
            let w = Array2::from_shape_fn((layer.rows, pre), |(row, column)| layer.get(row, column));
            let b = Array1::from_shape_fn(layer.rows, |row| layer.get(row, pre));
            npz.add_array(format!("w{l}"), &w).into_diagnostic()?;
            npz.add_array(format!("b{l}"), &b).into_diagnostic()?;
            npz.add_array(format!("w{l}_frac"), &Array1::from_elem(1, s.weight.frac)).into_diagnostic()?;
            npz.add_array(format!("b{l}_frac"), &Array1::from_elem(1, s.bias.frac)).into_diagnostic()?;
        }
        // The way back, where it has weights of its own: `back2` joins layer 2 to layer 1, in the shape of `w2`.
        for (l, layer) in (2..).zip(weights.layers.iter().skip(design.output_layer())) {
            let w = Array2::from_shape_fn((layer.rows, layer.columns - 1), |(row, column)| {
                layer.get(row, column)
            });
            npz.add_array(format!("back{l}"), &w).into_diagnostic()?;
        }
        // What the weights belong to: text as bytes, which is what every reader of NPZ takes.
        let keys = Array1::from(Keys::of_training(design).text().into_bytes());
        npz.add_array("design", &keys).into_diagnostic()?;
        npz.finish().into_diagnostic()?;
        whole::write(path, bytes.get_ref()).into_diagnostic()
    };
    write().wrap_err_with(|| format!("cannot write the weights to {}", path.display()))
}
