//! `eqhdl train --float`: the same training in 64-bit floats, to set beside the bit-accurate one.

use super::args::TrainArgs;
use super::course::{Accuracies, Training, announce, changed_design, finish, prepare, write_report};
use crate::cli::CliError;
use crate::cli::say::{note, tell};
use crate::data::{self, Dataset};
use crate::design::Design;
use crate::oracle::Parameters;
use crate::oracle::train::FloatTrainer;
use crate::reference::checkpoint::CheckpointError;
use crate::reference::train::{Course, Plan};
use crate::{signals, whole};
use miette::{IntoDiagnostic, WrapErr};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzWriter;
use serde::Serialize;
use std::io::Cursor;
use std::path::Path;
use std::process::ExitCode;

/// What a training in real numbers came to; the keys are those of the bit-accurate training's report.
#[derive(Clone, Debug, Serialize)]
pub struct FloatReport {
    /// How well it did.
    #[serde(flatten)]
    pub accuracies: Accuracies,
    /// `float64`.
    pub arithmetic: &'static str,
}

/// The oracle's training, and where its checkpoint lies.
struct Float<'a> {
    trainer: FloatTrainer<'a>,
    path: &'a Path,
}

impl Training for Float<'_> {
    const NOTE: &'static str = "  64-bit floats";

    fn step(&mut self) -> bool {
        self.trainer.step().is_some()
    }

    fn course(&self) -> &Course {
        self.trainer.course()
    }

    fn checkpoint(&self) -> Result<(), CheckpointError> {
        self.trainer.write(self.path)
    }
}

/// A trainer at the start, or where the checkpoint stands.
fn start<'a>(
    args: &TrainArgs,
    design: &'a Design,
    data: &'a Dataset,
    plan: Plan,
    path: &Path,
) -> Result<FloatTrainer<'a>, CliError> {
    if args.resume {
        let found = FloatTrainer::resumed(design, data, path).map_err(|e| CliError::Input(e.into()))?;
        announce(args, plan, path, found.as_ref().map(FloatTrainer::course))?;
        if let Some(trainer) = found {
            return Ok(trainer);
        }
    }
    Ok(FloatTrainer::from(design, data, Parameters::real(design, &super::first(args, design)?)))
}

/// Trains the oracle.
///
/// # Errors
/// A design or data set that cannot be used; a file that cannot be written.
pub fn run(args: &TrainArgs) -> Result<ExitCode, CliError> {
    let design = changed_design(args)?;
    if let (Some(0), Some(file)) = (args.epochs, &args.save) {
        save(&Parameters::real(&design, &super::first(args, &design)?), file).map_err(CliError::Tool)?;
        return Ok(ExitCode::SUCCESS);
    }
    let dataset = data::load(&design).map_err(CliError::input_message)?;
    let out = args.out.clone().unwrap_or_else(|| Path::new("build").join(&design.name));
    let plan = Plan::new(&design, &dataset);
    let path = out.join("checkpoint-float");
    let _ours = prepare(args, &path)?;
    let trainer = start(args, &design, &dataset, plan, &path)?;
    let mut training = Float { trainer, path: &path };
    let Some(rate) = finish(args, plan, &mut training)? else {
        return Ok(ExitCode::from(signals::exit_code()));
    };

    let trainer = training.trainer;
    let accuracies = Accuracies::new((args, design.seed), &dataset, plan, trainer.course(), rate);
    let report = FloatReport { accuracies, arithmetic: "float64" };
    write_report(&report, &out.join("train-float.json")).map_err(CliError::Tool)?;
    if let Some(file) = &args.save {
        save(trainer.parameters(), file).map_err(CliError::Tool)?;
    }
    if !args.quiet {
        note!("\n64-bit floats: {}", report.accuracies.sentence());
    }
    if args.json {
        tell!("{}", serde_json::to_string_pretty(&report).into_diagnostic().map_err(CliError::Tool)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Weights `w1` (rows: post-synaptic), biases `b1`, and so on, as they are.
fn save(parameters: &Parameters, path: &Path) -> miette::Result<()> {
    let write = || -> miette::Result<()> {
        let mut bytes = Cursor::new(Vec::new());
        let mut npz = NpzWriter::new_compressed(&mut bytes);
        for (l, layer) in (1..).zip(&parameters.layers) {
            let w = Array2::from_shape_fn((layer.post, layer.pre), |(i, j)| layer.weight(i, j));
            npz.add_array(format!("w{l}"), &w).into_diagnostic()?;
            npz.add_array(format!("b{l}"), &Array1::from(layer.bias.clone())).into_diagnostic()?;
        }
        npz.finish().into_diagnostic()?;
        whole::write(path, bytes.get_ref()).into_diagnostic()
    };
    write().wrap_err_with(|| format!("cannot write the weights to {}", path.display()))
}
