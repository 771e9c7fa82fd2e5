//! `eqhdl results`: the published MNIST experiments, trained bit by bit as a chip would, beside the published numbers.

use super::CliError;
use super::train::{self, TrainArgs};
use miette::{IntoDiagnostic, WrapErr};
use serde::Deserialize;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Train the published MNIST experiments in fixed point and write the table of docs/results.md
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  make results                       everything; hours, resumable, Ctrl-C is safe\n  eqhdl results --only mnist-ep-1h   one of them\n  eqhdl results --only mnist-ep-1h --oracle   the same in 64-bit floats\n  eqhdl results --table              the table of what is done, no training"
)]
pub struct ResultsArgs {
    /// Folder of the experiments' designs
    #[arg(long, value_name = "DIR", default_value = "designs/results")]
    designs: PathBuf,
    /// Folder for checkpoints and reports
    #[arg(short, long, value_name = "DIR", default_value = "build/results")]
    out: PathBuf,
    /// File that holds the table, between its two marks
    #[arg(long, value_name = "FILE", default_value = "docs/results.md")]
    write: PathBuf,
    /// Only these designs, by file stem (may be given several times)
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Train in 64-bit floats what has been trained in fixed point, for the oracle's column (many times slower)
    #[arg(long)]
    oracle: bool,
    /// Only write the table, from the reports that are there
    #[arg(long)]
    table: bool,
}

/// An experiment and what its authors report.
struct Experiment {
    /// File stem of its design.
    name: &'static str,
    /// What it is, in the words of the papers.
    title: &'static str,
    /// Published test error, percent, and whose.
    published: Option<(f64, &'static str)>,
}

const CEP: &str = "Ernoult et al. 2020";

/// The experiments, in the order of the table.
const EXPERIMENTS: &[Experiment] = &[
    Experiment { name: "mnist-ep-1h", title: "EP, 784-512-10", published: Some((2.00, CEP)) },
    Experiment { name: "mnist-ep-2h", title: "EP, 784-512-512-10", published: Some((1.95, CEP)) },
    Experiment { name: "mnist-symmetric-1h", title: "symmetric EP, 784-512-10", published: None },
    Experiment { name: "mnist-cep-1h", title: "C-EP, 784-512-10", published: Some((2.28, CEP)) },
    Experiment { name: "mnist-cep-2h", title: "C-EP, 784-512-512-10", published: Some((2.44, CEP)) },
    Experiment { name: "mnist-cvf-1h-0", title: "C-VF, 784-512-10, Psi 0", published: Some((2.43, CEP)) },
    Experiment { name: "mnist-cvf-1h-45", title: "C-VF, 784-512-10, Psi 45", published: None },
    Experiment { name: "mnist-kp-1h", title: "Kolen-Pollack, 784-512-10, Psi 90", published: None },
];

/// What the table needs of a training's report.
#[derive(Deserialize)]
struct Report {
    epochs: u32,
    test_accuracy: f64,
    averaged_epochs: usize,
    last_test_accuracy: f64,
    train_accuracy_per_epoch: Vec<f64>,
    test_accuracy_per_epoch: Vec<f64>,
    weights_digest: String,
}

/// What the table needs of an oracle's report.
#[derive(Deserialize)]
struct OracleReport {
    epochs: u32,
    test_accuracy: f64,
}

const BEGIN: &str = "<!-- results: written by `eqhdl results`, do not edit between the marks -->";
const END: &str = "<!-- end of results -->";

/// Trains what is wanted and writes the table.
///
/// # Errors
/// A design or data set that cannot be used; a file that cannot be written.
pub fn run(args: &ResultsArgs) -> Result<ExitCode, CliError> {
    if let Some(unknown) = args.only.iter().find(|n| EXPERIMENTS.iter().all(|e| e.name != **n)) {
        let known: Vec<_> = EXPERIMENTS.iter().map(|e| e.name).collect();
        return Err(CliError::input_message(format!(
            "there is no experiment `{unknown}`; there are {}",
            known.join(", ")
        )));
    }
    let wanted = |e: &&Experiment| args.only.is_empty() || args.only.iter().any(|n| n == e.name);
    for experiment in EXPERIMENTS.iter().filter(wanted).filter(|_| !args.table) {
        eprintln!("{}", experiment.title);
        let code = train::run(&TrainArgs {
            design: args.designs.join(format!("{}.toml", experiment.name)),
            epochs: None,
            samples: None,
            seed: None,
            float: args.oracle,
            resume: true,
            out: Some(args.out.join(experiment.name)),
            checkpoint_every: 30.0,
            save: None,
            json: false,
            profile: false,
            quiet: false,
        })?;
        // Interrupted: the same command goes on from here.
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
    }
    write_table(&args.write, &table(&args.out)?).map_err(CliError::Tool)?;
    eprintln!("the table is in {}", args.write.display());
    Ok(ExitCode::SUCCESS)
}

/// The table of every report there is.
fn table(out: &Path) -> Result<String, CliError> {
    let mut text = "| experiment | published test error | fixed point, test error | difference | 64-bit floats | best epoch | training error, last epoch | epochs | weights (SHA-256) |\n|---|---|---|---|---|---|---|---|---|\n".to_owned();
    for e in EXPERIMENTS {
        let folder = out.join(e.name);
        let Some(r) = report::<Report>(&folder.join("train.json"))? else { continue };
        let oracle = report::<OracleReport>(&folder.join("train-float.json"))?;
        let error = |accuracy: f64| 100.0 * (1.0 - accuracy);
        let test = error(r.test_accuracy);
        let published = e.published.map_or("none".to_owned(), |(p, whose)| format!("{p:.2} % ({whose})"));
        let difference = e.published.map_or(String::new(), |(p, _)| format!("{:+.2}", test - p));
        let floats = oracle.map_or("not run".to_owned(), |o| {
            let epochs = if o.epochs == r.epochs { String::new() } else { format!(" ({} epochs)", o.epochs) };
            format!("{:.2} %{epochs}", error(o.test_accuracy))
        });
        let best = r.test_accuracy_per_epoch.iter().copied().fold(0.0, f64::max);
        let train = r.train_accuracy_per_epoch.last().map_or(f64::NAN, |&a| error(a));
        let _ = writeln!(
            text,
            "| {} (`{}`) | {published} | **{test:.2} %** (mean of the last {}; last {:.2} %) | {difference} | {floats} | {:.2} % | {train:.2} % | {} | `{}` |",
            e.title,
            e.name,
            r.averaged_epochs,
            error(r.last_test_accuracy),
            error(best),
            r.epochs,
            r.weights_digest.get(..12).unwrap_or_default(),
        );
    }
    Ok(text)
}

/// A training's report; `None` where there is none.
fn report<R: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<R>, CliError> {
    let Ok(json) = fs::read_to_string(path) else { return Ok(None) };
    serde_json::from_str(&json)
        .into_diagnostic()
        .wrap_err_with(|| format!("{} is not a report of `eqhdl train`; delete it", path.display()))
        .map(Some)
        .map_err(CliError::Input)
}

/// Puts the table between the marks of a page; a page without marks gets it at its end.
fn write_table(path: &Path, table: &str) -> miette::Result<()> {
    let page = fs::read_to_string(path).unwrap_or_default();
    let section = format!("{BEGIN}\n\n{table}\n{END}");
    let page = match (page.find(BEGIN), page.find(END)) {
        (Some(begin), Some(end)) if begin < end => {
            format!("{}{section}{}", &page[..begin], &page[end + END.len()..])
        }
        _ => format!("{page}\n{section}\n"),
    };
    fs::write(path, page).into_diagnostic().wrap_err_with(|| format!("cannot write {}", path.display()))
}
