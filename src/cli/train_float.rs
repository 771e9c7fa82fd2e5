//! `eqhdl train --float`: the same training in 64-bit floats, to set beside the bit-accurate one.

use super::CliError;
use super::train::{Accuracies, TrainArgs, changed_design, epoch_line, progress_bar, write_report};
use crate::data;
use crate::oracle::Parameters;
use crate::oracle::train::FloatTrainer;
use miette::{IntoDiagnostic, WrapErr};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzWriter;
use serde::Serialize;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// What a training in real numbers came to; the keys are those of the bit-accurate training's report.
#[derive(Clone, Debug, Serialize)]
pub struct FloatReport {
    /// How well it did.
    #[serde(flatten)]
    pub accuracies: Accuracies,
    /// `float64`.
    pub arithmetic: &'static str,
}

/// Trains the oracle.
///
/// # Errors
/// A design or data set that cannot be used; a file that cannot be written.
pub fn run(args: &TrainArgs) -> Result<ExitCode, CliError> {
    let design = changed_design(args)?;
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
                let accuracies = (trainer.train_accuracy(epoch - 1), trainer.test_accuracy(epoch - 1));
                let line = epoch_line(epoch, plan, accuracies, done as f64 / begun.elapsed().as_secs_f64());
                bar.suspend(|| eprintln!("{line}"));
            }
        }
    }
    bar.finish_and_clear();

    let train = (0..epoch).map(|e| trainer.train_accuracy(e)).collect();
    let test = (0..epoch).map(|e| trainer.test_accuracy(e)).collect();
    let rate = trainer.done() as f64 / begun.elapsed().as_secs_f64().max(1e-9);
    let accuracies = Accuracies::new((args, design.seed), &dataset, plan, (train, test), rate);
    let report = FloatReport { accuracies, arithmetic: "float64" };
    write_report(&report, &out.join("train-float.json")).map_err(CliError::Tool)?;
    if let Some(file) = &args.save {
        save(trainer.parameters(), file).map_err(CliError::Tool)?;
    }
    if !args.quiet {
        eprintln!("\n64-bit floats: {}", report.accuracies.sentence());
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
