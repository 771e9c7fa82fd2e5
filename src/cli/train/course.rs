//! What a training in integers and one in floats have in common: how they begin, go on and end.

use super::args::TrainArgs;
use crate::cli::CliError;
use crate::cli::say::note;
use crate::data::Dataset;
use crate::design::Design;
use crate::lock::Lock;
use crate::reference::checkpoint::CheckpointError;
use crate::reference::train::{Course, Plan, averaged_epochs};
use crate::{signals, whole};
use indicatif::{ProgressBar, ProgressStyle};
use miette::{IntoDiagnostic, WrapErr};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

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
    let mut design = crate::cli::load_design(&args.design)?;
    if let Some(epochs) = args.epochs {
        if epochs == 0 && args.save.is_none() {
            return Err(CliError::input_message(
                "--epochs 0: nothing is trained; give --save FILE for the weights that a training begins with",
            ));
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

pub(super) fn write_report(report: &impl Serialize, path: &Path) -> miette::Result<()> {
    let write = || -> Result<(), std::io::Error> {
        whole::write(path, (serde_json::to_string_pretty(report)? + "\n").as_bytes())
    };
    write().into_diagnostic().wrap_err_with(|| format!("cannot write {}", path.display()))
}
