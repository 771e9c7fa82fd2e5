//! `eqhdl train`: bit-accurate training with the reference.

mod args;
mod course;
mod float;
mod kernels;

pub use args::TrainArgs;

use super::CliError;
use super::say::{note, tell};
use crate::data::{self, Dataset};
use crate::design::{Design, Keys, printable};
use crate::reference::Weights;
use crate::reference::brought::{self, Taken};
use crate::reference::checkpoint::{Checkpoint, CheckpointError};
use crate::reference::counters::Counters;
use crate::reference::profile::{self, SignalProfile, profile};
use crate::reference::train::{Course, Plan, Progress, Trainer, TrainingData};
use crate::reference::weights::parts;
use crate::{signals, whole};
use course::{Accuracies, Training, announce, changed_design, finish, prepare, write_report};
use miette::{IntoDiagnostic, WrapErr};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzWriter;
use serde::Serialize;
use std::io::Cursor;
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;

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
    /// Clock cycles that the hardware takes for a training sample, the mean over the last epoch.
    pub cycles_per_sample: Option<f64>,
    /// What the formats were used for (with `--profile`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profile: Vec<SignalProfile>,
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
        self.trainer.step().is_some()
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

/// Trains.
///
/// # Errors
/// A design, data set or checkpoint that cannot be used; a file that cannot be written.
pub fn run(args: &TrainArgs) -> Result<ExitCode, CliError> {
    if args.float {
        return float::run(args);
    }
    let design = changed_design(args)?;
    if args.kernels.is_some() {
        kernels::expected(&design)?;
    }
    if let (Some(0), Some(file)) = (args.epochs, &args.save) {
        save_weights(&first(args, &design)?, &design, file).map_err(CliError::Tool)?;
        return Ok(ExitCode::SUCCESS);
    }
    let dataset = crate::cli::load_data(&design)?;
    let training_data = TrainingData::new(&design, &dataset);
    let plan = Plan::new(&design, &dataset);
    let out = args.out.clone().unwrap_or_else(|| Path::new("build").join(&design.name));
    let path = out.join("checkpoint");
    let _ours = prepare(args, &path)?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let trainer = start(args, &design, &training_data, plan, &path)?.on(cores);
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
    if let Some(file) = &args.kernels {
        kernels::draw(&design, &dataset, &trainer.weights(), &out, file)?;
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
    Ok(Trainer::from(design, data, plan, &first(args, design)?))
}

/// The weights that a training begins with: the design's, or those of a file, of which it says what became of them.
fn first(args: &TrainArgs, design: &Design) -> Result<Weights, CliError> {
    let Some(file) = &args.start else { return Ok(Weights::initial(design)) };
    let arrays = data::read_arrays(file, brought::largest(design)).map_err(CliError::input_message)?;
    let (weights, taken) = brought::weights(design, &arrays)
        .map_err(|e| CliError::input_message(format!("{}: {e}", file.display())))?;
    if !args.quiet {
        for Taken { name, from, error, format } in &taken {
            let step = (-f64::from(format.frac)).exp2();
            let from = printable(from, 80);
            note!(
                "begins with `{from}` as {name}, {format}: off by {error:.3e} at most ({:.2} steps)",
                error / step
            );
        }
    }
    Ok(weights)
}

fn report(args: &TrainArgs, design: &Design, dataset: &Dataset, trainer: &Trainer<'_>, rate: f64) -> Report {
    let Progress { course, counters, spent } = trainer.progress();
    let (weights, keys) = (trainer.weights(), Keys::of_training(design));
    Report {
        accuracies: Accuracies::new((args, design.seed), dataset, trainer.plan(), course, rate),
        design_digest: keys.digest(),
        depends_on: keys,
        feedback_angles: weights.angles(design),
        weights_digest: weights.digest(),
        counted_every: trainer.plan().counted_every(),
        counters: counters.clone(),
        cycles_per_sample: spent.mean(),
        profile: if args.profile { profile(counters, design) } else { Vec::new() },
    }
}

fn summary(r: &Report, design: &Design) -> String {
    format!(
        "\n{}\ncounted on one training sample in {} ({} samples)\n\n{}\n{}{}weights sha256 {}\n",
        r.counters.table(design).trim_end(),
        r.counted_every,
        r.counters.samples,
        r.accuracies.sentence(),
        angles(&r.feedback_angles),
        cycles(r.cycles_per_sample),
        r.weights_digest,
    )
}

/// A line on what the hardware would take.
fn cycles(per_sample: Option<f64>) -> String {
    per_sample.map_or_else(String::new, |c| {
        format!("the hardware takes {c:.0} cycles a training sample (mean over the last epoch)\n")
    })
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

/// The raw values of all [`parts`] (rows: post-synaptic) by name, and their fraction bits, such as `w1_frac`; the design's
/// keys that they depend on as bytes of text, `design`.
fn save_weights(weights: &Weights, design: &Design, path: &Path) -> miette::Result<()> {
    let write = || -> miette::Result<()> {
        let mut bytes = Cursor::new(Vec::new());
        let mut npz = NpzWriter::new_compressed(&mut bytes);
        for part in parts(design) {
            let (layer, columns) = (&weights.layers[part.layer], part.columns(weights));
            let raw = Array2::from_shape_fn((layer.rows, columns.len()), |(row, column)| {
                layer.get(row, columns.start + column)
            });
            match part.bias {
                true => npz.add_array(&part.name, &raw.column(0)),
                false => npz.add_array(&part.name, &raw),
            }
            .into_diagnostic()?;
            let frac = Array1::from_elem(1, part.format.frac);
            npz.add_array(format!("{}_frac", part.name), &frac).into_diagnostic()?;
        }
        // What the weights belong to: text as bytes, which is what every reader of NPZ takes.
        let keys = Array1::from(Keys::of_training(design).text().into_bytes());
        npz.add_array("design", &keys).into_diagnostic()?;
        npz.finish().into_diagnostic()?;
        whole::write(path, bytes.get_ref()).into_diagnostic()
    };
    write().wrap_err_with(|| format!("cannot write the weights to {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design;
    use ndarray_npy::NpzReader;
    use std::fs::File;

    /// Every raw value of a design's weights arrives once, under the name of what it is.
    #[test]
    fn saved_weights_are_named_for_what_they_are() {
        let layer = ["w1", "b1", "w2", "b2"];
        for (name, more) in [
            ("digits-ep", vec![]),
            ("digits-kp", vec![("back2", 2, false)]),
            (
                "digits-momentum",
                vec![
                    ("velocity1", 2, false),
                    ("velocity_b1", 2, true),
                    ("velocity2", 3, false),
                    ("velocity_b2", 3, true),
                ],
            ),
        ] {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let design = design::load(&root.join(format!("designs/{name}.toml"))).unwrap();
            let mut weights = Weights::initial(&design);
            // No two alike.
            let mut next = 0..;
            weights.layers.iter_mut().flat_map(|l| &mut l.raw).for_each(|raw| *raw = next.next().unwrap());
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("w.npz");
            save_weights(&weights, &design, &path).unwrap();

            let mut file = NpzReader::new(File::open(&path).unwrap()).unwrap();
            let forward = layer.iter().enumerate().map(|(i, &name)| (name, i / 2, i % 2 == 1));
            let parts: Vec<_> = forward.chain(more).collect();
            let mut names = vec!["design".to_owned()];
            for &(part, at, bias) in &parts {
                let layer = &weights.layers[at];
                names.extend([part.to_owned(), format!("{part}_frac")]);
                if bias {
                    let found: Array1<i32> = file.by_name(part).unwrap();
                    let raw = (0..layer.rows).map(|row| layer.get(row, layer.columns - 1));
                    assert_eq!(found, Array1::from_iter(raw), "{name}: {part}");
                } else {
                    let found: Array2<i32> = file.by_name(part).unwrap();
                    let shape = (layer.rows, layer.columns - 1);
                    let raw = Array2::from_shape_fn(shape, |(row, column)| layer.get(row, column));
                    assert_eq!(found, raw, "{name}: {part}");
                }
            }
            let mut found = file.names().unwrap();
            found.sort();
            names.sort();
            assert_eq!(found, names, "{name}");
            if design.momentum.is_some() {
                let frac: Array1<i32> = file.by_name("velocity1_frac").unwrap();
                assert_eq!(frac[0], 17, "[formats] velocity = \"s16.17\"");
            }
        }
    }
}
