//! `eqhdl train --float`: the same training in 64-bit floats, to set beside the bit-accurate one.

use super::CliError;
use super::train::{TrainArgs, changed_design, progress_bar, write_report};
use crate::data;
use crate::design::{Design, Readout};
use crate::oracle::Parameters;
use crate::oracle::train::FloatTrainer;
use crate::reference::train::averaged_epochs;
use miette::{IntoDiagnostic, WrapErr};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzWriter;
use serde::Serialize;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// What a training in real numbers came to; the keys are those of the bit-accurate training's report.
#[derive(Clone, Debug, Serialize)]
pub struct FloatReport {
    /// Design file.
    pub design: PathBuf,
    /// `float64`.
    pub arithmetic: &'static str,
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
    /// Samples (training and test) per second.
    pub samples_per_s: f64,
}

/// Trains the oracle.
///
/// # Errors
/// A design or data set that cannot be used; a file that cannot be written.
pub fn run(args: &TrainArgs) -> Result<ExitCode, CliError> {
    let design = changed_design(args)?;
    has_float_form(&design)?;
    let dataset = data::load(&design).map_err(CliError::input_message)?;
    let out = args.out.clone().unwrap_or_else(|| Path::new("build").join(&design.name));
    let mut trainer = FloatTrainer::new(&design, &dataset);
    let plan = trainer.plan();
    let bar = progress_bar(args, plan);
    let begun = Instant::now();
    let mut epoch = 0;
    while trainer.step().is_some() {
        let done = trainer.done();
        if done.is_multiple_of(64) {
            bar.set_position(done);
            bar.set_message(format!("epoch {}/{}  64-bit floats", epoch + 1, plan.epochs));
        }
        if trainer.epochs.len() > epoch {
            epoch = trainer.epochs.len();
            if !args.quiet {
                let line = format!(
                    "epoch {epoch:>3}/{}  train {:6.2} %  test {:6.2} %  {:.0} samples/s",
                    plan.epochs,
                    100.0 * trainer.train_accuracy(epoch - 1),
                    100.0 * trainer.test_accuracy(epoch - 1),
                    done as f64 / begun.elapsed().as_secs_f64()
                );
                bar.suspend(|| eprintln!("{line}"));
            }
        }
    }
    bar.finish_and_clear();

    let test: Vec<f64> = (0..epoch).map(|e| trainer.test_accuracy(e)).collect();
    let averaged = averaged_epochs(epoch);
    let report = FloatReport {
        design: args.design.clone(),
        arithmetic: "float64",
        seed: design.seed,
        data: dataset.name.clone(),
        data_checksum: dataset.checksum.clone(),
        train_samples: plan.train_samples,
        test_samples: plan.test_samples,
        epochs: epoch as u32,
        test_accuracy: test[epoch - averaged..].iter().sum::<f64>() / averaged.max(1) as f64,
        averaged_epochs: averaged,
        last_test_accuracy: test.last().copied().unwrap_or(0.0),
        train_accuracy_per_epoch: (0..epoch).map(|e| trainer.train_accuracy(e)).collect(),
        test_accuracy_per_epoch: test,
        samples_per_s: trainer.done() as f64 / begun.elapsed().as_secs_f64().max(1e-9),
    };
    write_report(&report, &out.join("train-float.json")).map_err(CliError::Tool)?;
    if let Some(file) = &args.save {
        save(trainer.parameters(), file).map_err(CliError::Tool)?;
    }
    if !args.quiet {
        eprintln!(
            "\n64-bit floats: test accuracy {:.2} % (mean of the last {}), {:.2} % after the last epoch; {:.0} samples/s",
            100.0 * report.test_accuracy,
            if averaged == 1 { "epoch".to_owned() } else { format!("{averaged} epochs") },
            100.0 * report.last_test_accuracy,
            report.samples_per_s
        );
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report).into_diagnostic().map_err(CliError::Tool)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// Weights `w1` (rows: post-synaptic), biases `b1`, and so on, as they are.
fn save(parameters: &Parameters, path: &Path) -> miette::Result<()> {
    let write = || -> miette::Result<()> {
        let mut npz = NpzWriter::new_compressed(File::create(path).into_diagnostic()?);
        for (l, layer) in (1..).zip(&parameters.layers) {
            let w = Array2::from_shape_fn((layer.post, layer.pre), |(i, j)| layer.weight(i, j));
            npz.add_array(format!("w{l}"), &w).into_diagnostic()?;
            npz.add_array(format!("b{l}"), &Array1::from(layer.bias.clone())).into_diagnostic()?;
        }
        npz.finish().into_diagnostic()?;
        Ok(())
    };
    write().wrap_err_with(|| format!("cannot write the weights to {}", path.display()))
}

/// Refuses designs that the float oracle cannot run.
pub(super) fn has_float_form(design: &Design) -> Result<(), CliError> {
    if design.readout == Readout::Softmax {
        return Err(CliError::input_message(
            "the float oracle has no softmax read-out yet; write `readout = \"squared\"`, or train in fixed point",
        ));
    }
    Ok(())
}
