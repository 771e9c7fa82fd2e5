//! `eqhdl results`: the published MNIST experiments, trained bit by bit as a chip would, beside the published numbers.

use super::CliError;
use super::say::note;
use super::train::{self, TrainArgs};
use crate::whole;
use miette::{IntoDiagnostic, WrapErr};
use serde::Deserialize;
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
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
    /// Only write the table, from the reports that are there (a line without a report stays as it is)
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
        note!("{}", experiment.title);
        let code = train::run(&TrainArgs {
            design: args.designs.join(format!("{}.toml", experiment.name)),
            epochs: None,
            samples: None,
            seed: None,
            float: args.oracle,
            start: None,
            resume: true,
            out: Some(args.out.join(experiment.name)),
            checkpoint_every: 30.0,
            save: None,
            kernels: None,
            json: false,
            profile: false,
            quiet: false,
        })?;
        // Interrupted: the same command goes on from here.
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
    }
    let page = match fs::read_to_string(&args.write) {
        Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
        page => page
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot read {}", args.write.display()))
            .map_err(CliError::Tool)?,
    };
    whole::write(&args.write, with_table(&page, &table(&args.out, &page)?).as_bytes())
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot write {}", args.write.display()))
        .map_err(CliError::Tool)?;
    note!("the table is in {}", args.write.display());
    Ok(ExitCode::SUCCESS)
}

/// Heads of the table's columns.
const COLUMNS: [&str; 9] = [
    "experiment",
    "published test error",
    "fixed point, test error",
    "difference",
    "64-bit floats",
    "best epoch",
    "training error, last epoch",
    "epochs",
    "weights (SHA-256)",
];

/// Columns that a report of its own fills, or is held against.
const FLOATS: usize = 4;
const EPOCHS: usize = 7;

/// One line of the table: the text of each cell.
type Row = [String; COLUMNS.len()];

/// The table of every report there is. What has no report in `out` stays as `page` has it: hours of training on another
/// machine are not undone by an hour on this one.
fn table(out: &Path, page: &str) -> Result<String, CliError> {
    let mut rows = vec![COLUMNS.map(str::to_owned), COLUMNS.map(|_| "---".to_owned())];
    for e in EXPERIMENTS {
        let folder = out.join(e.name);
        let before = row_on(page, e);
        let mut row = match (report::<Report>(&folder.join("train.json"))?, &before) {
            (Some(report), _) => row_of(e, &report),
            (None, Some(before)) => before.clone(),
            (None, None) => continue,
        };
        if let Some(o) = report::<OracleReport>(&folder.join("train-float.json"))? {
            let all = row[EPOCHS] == o.epochs.to_string();
            let epochs = if all { String::new() } else { format!(" ({} epochs)", o.epochs) };
            row[FLOATS] = format!("{:.2} %{epochs}", error(o.test_accuracy));
        } else if let Some(before) = before {
            row[FLOATS] = before[FLOATS].clone();
        }
        rows.push(row);
    }
    Ok(rows.iter().map(|row| format!("| {} |\n", row.join(" | "))).collect())
}

/// The line of an experiment from the report of its training in fixed point.
fn row_of(e: &Experiment, r: &Report) -> Row {
    let test = error(r.test_accuracy);
    let best = r.test_accuracy_per_epoch.iter().copied().fold(0.0, f64::max);
    let train = r.train_accuracy_per_epoch.last().map_or(f64::NAN, |&a| error(a));
    [
        format!("{} (`{}`)", e.title, e.name),
        e.published.map_or("none".to_owned(), |(p, whose)| format!("{p:.2} % ({whose})")),
        format!(
            "**{test:.2} %** (mean of the last {}; last {:.2} %)",
            r.averaged_epochs,
            error(r.last_test_accuracy)
        ),
        e.published.map_or(String::new(), |(p, _)| format!("{:+.2}", test - p)),
        "not run".to_owned(),
        format!("{:.2} %", error(best)),
        format!("{train:.2} %"),
        r.epochs.to_string(),
        format!("`{}`", r.weights_digest.get(..12).unwrap_or_default()),
    ]
}

/// The line that a page has of an experiment.
fn row_on(page: &str, e: &Experiment) -> Option<Row> {
    let name = format!("(`{}`) |", e.name);
    let line = page[section(page)?].lines().find(|line| line.contains(&name))?;
    let cells =
        line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(|cell| cell.trim().to_owned());
    cells.collect::<Vec<_>>().try_into().ok()
}

/// Percent of the samples that an accuracy leaves.
fn error(accuracy: f64) -> f64 {
    100.0 * (1.0 - accuracy)
}

/// A training's report; `None` where there is none.
fn report<R: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<R>, CliError> {
    let Ok(json) = whole::read(path) else { return Ok(None) };
    serde_json::from_slice(&json)
        .into_diagnostic()
        .wrap_err_with(|| format!("{} is not a report of `eqhdl train`; delete it", path.display()))
        .map(Some)
        .map_err(CliError::Input)
}

/// Where a page's table lies, between its marks.
fn section(page: &str) -> Option<Range<usize>> {
    let from = page.find(BEGIN)? + BEGIN.len();
    Some(from..from + page[from..].find(END)?)
}

/// A page with the table between its marks; one without marks gets it at its end.
fn with_table(page: &str, table: &str) -> String {
    match section(page) {
        Some(old) => format!("{}\n\n{table}\n{}", &page[..old.start], &page[old.end..]),
        None => format!("{page}\n{BEGIN}\n\n{table}\n{END}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Results\n\nBefore.\n";

    fn put(folder: &Path, name: &str, file: &str, json: &str) {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(file), json).expect("a report");
    }

    const FIXED: &str = r#"{"epochs": 3, "test_accuracy": 0.98, "averaged_epochs": 1, "last_test_accuracy": 0.98,
        "train_accuracy_per_epoch": [0.9, 0.95, 0.99], "test_accuracy_per_epoch": [0.9, 0.985, 0.98],
        "weights_digest": "0123456789abcdef"}"#;

    #[test]
    fn a_line_stays_where_there_is_no_report_of_it() {
        let here = tempfile::tempdir().expect("a folder");
        let there = tempfile::tempdir().expect("a folder");
        put(here.path(), "mnist-ep-1h", "train.json", FIXED);
        let page = with_table(PAGE, &table(here.path(), PAGE).expect("a table"));
        let line = "| EP, 784-512-10 (`mnist-ep-1h`) | 2.00 % (Ernoult et al. 2020) | **2.00 %** (mean of the last 1; last 2.00 %) | +0.00 | not run | 1.50 % | 1.00 % | 3 | `0123456789ab` |\n";
        assert!(page.contains(line), "{page}");
        assert_eq!(page.lines().filter(|l| l.starts_with("| ")).count(), 3, "{page}");

        // Elsewhere: floats of the same experiment, all its epochs, and of another one that is not on the page.
        put(there.path(), "mnist-ep-1h", "train-float.json", r#"{"epochs": 3, "test_accuracy": 0.9812}"#);
        put(there.path(), "mnist-kp-1h", "train-float.json", r#"{"epochs": 3, "test_accuracy": 0.9812}"#);
        let page = with_table(&page, &table(there.path(), &page).expect("a table"));
        assert!(page.contains(&line.replace("not run", "1.88 %")), "{page}");
        assert!(!page.contains("mnist-kp-1h"), "{page}");

        // A new report of the fixed point keeps the floats, and a second writing changes nothing.
        let page = with_table(&page, &table(here.path(), &page).expect("a table"));
        assert!(page.contains(&line.replace("not run", "1.88 %")), "{page}");
        assert_eq!(with_table(&page, &table(there.path(), &page).expect("a table")), page);
        assert!(page.starts_with(PAGE), "{page}");

        put(there.path(), "mnist-ep-1h", "train-float.json", r#"{"epochs": 2, "test_accuracy": 0.9812}"#);
        let page = with_table(&page, &table(there.path(), &page).expect("a table"));
        assert!(page.contains(&line.replace("not run", "1.88 % (2 epochs)")), "{page}");
    }
}
