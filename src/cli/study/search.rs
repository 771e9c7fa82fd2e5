//! `eqhdl study --search`: the narrowest formats that keep the test error near the oracle's.

use super::args::StudyArgs;
use super::watch::{Watch, cannot_write};
use crate::cli::CliError;
use crate::cli::say::{self, note, tell};
use crate::data;
use crate::design::Design;
use crate::lock::Lock;
use crate::oracle::train::FloatTrainer;
use crate::study::file::{Search, StudyFile};
use crate::study::plan::{self, Named, Runnable};
use crate::study::report;
use crate::study::run::{self, CHECKPOINT_EVERY, Outcome};
use crate::study::search::{Narrowest, Widths, at_widths, label, settings};
use crate::study::store::{Found, OracleTraining, Store};
use crate::{signals, whole};
use indicatif::ProgressBar;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What a search came to, for machines.
#[derive(Clone, Debug, Serialize)]
struct SearchReport {
    study: PathBuf,
    title: String,
    /// Percentage points above the oracle that were allowed.
    margin: f64,
    seeds: Vec<u32>,
    version: &'static str,
    settings: Vec<Row>,
}

/// One setting.
#[derive(Clone, Debug, Serialize)]
struct Row {
    setting: String,
    /// Mean test error of the float oracle over the seeds, percent.
    oracle: f64,
    /// Test error that was still good, percent.
    limit: f64,
    /// Mean test error with the widest formats, percent.
    widest: f64,
    /// Weights narrowed first, then states; none where even the widest formats missed the limit.
    weights_first: Option<Corner>,
    /// States narrowed first, then weights.
    states_first: Option<Corner>,
    /// Pairs of widths that were trained, each with all seeds.
    tried: usize,
}

/// A pair of widths, and what it came to.
#[derive(Clone, Debug, Serialize)]
struct Corner {
    weight_bits: u32,
    state_fraction_bits: u32,
    /// Mean test error over the seeds, percent.
    error: f64,
    /// Points of the study that it was trained as, one for each seed.
    points: Vec<String>,
}

/// Why a search ended early.
enum Ended {
    Stopped,
    Failed(CliError),
}

impl From<CliError> for Ended {
    fn from(e: CliError) -> Ended {
        Ended::Failed(e)
    }
}

/// Everything that the searches of a study share.
struct Searcher<'a> {
    args: &'a StudyArgs,
    search: &'a Search,
    out: &'a Path,
    store: Store,
    stop: &'a AtomicBool,
    threads: usize,
}

/// Runs the searches and writes `search.md` and `search.json`.
///
/// # Errors
/// A study without `[search]`, a base design that cannot be used, formats that do not fit together, a file that cannot
/// be written.
pub(super) fn run(args: &StudyArgs, study: &StudyFile, out: &Path) -> Result<ExitCode, CliError> {
    let Some(search) = &study.search else {
        return Err(CliError::input_message(format!(
            "{}: --search needs a section [search] with `margin`, `weight` and `state`; docs/studies.md shows one",
            args.study.display()
        )));
    };
    let (_hold, stop) = (signals::Hold::new(), signals::stop());
    let threads = args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
    let store = Store::new(out.join("results"));
    let searcher = Searcher { args, search, out, store, stop, threads };
    let mut rows = Vec::new();
    for setting in settings(study) {
        match searcher.setting(&setting) {
            Ok(row) => {
                if !args.quiet {
                    note!("{}", sentence(&row));
                }
                rows.push(row);
            }
            Err(Ended::Stopped) => {
                note!("stopped at {}; the same command goes on", label(&setting));
                return Ok(ExitCode::from(signals::exit_code()));
            }
            Err(Ended::Failed(e)) => return Err(e),
        }
    }
    let report = SearchReport {
        study: args.study.clone(),
        title: study.title.clone(),
        margin: search.margin,
        seeds: study.seeds.clone(),
        version: env!("CARGO_PKG_VERSION"),
        settings: rows,
    };
    let json = serde_json::to_string_pretty(&report).map_err(CliError::tool_message)?;
    let page = markdown(&report);
    whole::write(&out.join("search.json"), json.as_bytes()).map_err(|e| cannot_write(out, &e))?;
    whole::write(&out.join("search.md"), page.as_bytes()).map_err(|e| cannot_write(out, &e))?;
    if args.json {
        tell!("{json}")?;
    } else {
        say::tell_text(&page)?;
    }
    note!("written to {} and search.json beside it", out.join("search.md").display());
    Ok(ExitCode::SUCCESS)
}

impl Searcher<'_> {
    fn setting(&self, setting: &StudyFile) -> Result<Row, Ended> {
        let plain = plan::plan(setting).map_err(CliError::input)?;
        let design = plain.iter().find_map(|p| p.run.as_ref().ok()).map(|r| r.design.clone());
        let Some(design) = design else {
            let why = plain.iter().find_map(|p| p.run.as_ref().err()).cloned().unwrap_or_default();
            return Err(CliError::input_message(format!("{}: {why}", label(setting))).into());
        };
        let widest = self.points(setting, &design, self.search.widest())?;
        let oracle = self.oracle(&widest)?;
        let limit = oracle + self.search.margin;
        let mut tried: Vec<(Widths, f64, Vec<String>)> = Vec::new();
        let narrowest = self.search.narrowest(|widths| -> Result<bool, Ended> {
            if let Some((_, error, _)) = tried.iter().find(|t| t.0 == widths) {
                return Ok(*error <= limit);
            }
            let (error, points) = self.error(setting, &design, widths)?;
            if !self.args.quiet {
                note!(
                    "  {}: {} weight bits, {} state fraction bits: {error:.2} % ({} {limit:.2} %)",
                    label(setting),
                    widths.weight,
                    widths.state,
                    if error <= limit { "within" } else { "above" }
                );
            }
            tried.push((widths, error, points));
            Ok(error <= limit)
        })?;
        let corner = |widths: Widths| {
            let (_, error, points) = tried.iter().find(|t| t.0 == widths)?;
            Some(Corner {
                weight_bits: widths.weight,
                state_fraction_bits: widths.state,
                error: *error,
                points: points.clone(),
            })
        };
        let (weights_first, states_first) = match narrowest {
            Narrowest::None => (None, None),
            Narrowest::Found { weights_first, states_first } => (corner(weights_first), corner(states_first)),
        };
        let widest = tried.first().map_or(f64::NAN, |t| t.1);
        let setting = label(setting);
        Ok(Row { setting, oracle, limit, widest, weights_first, states_first, tried: tried.len() })
    }

    fn points(&self, setting: &StudyFile, design: &Design, widths: Widths) -> Result<Vec<Named>, Ended> {
        let points = plan::plan(&at_widths(setting, self.search, design, widths)).map_err(CliError::input)?;
        if let Some(why) = points.iter().find_map(|p| p.run.as_ref().err()) {
            return Err(CliError::input_message(format!(
                "{}, {} weight bits, {} state fraction bits: {why}",
                label(setting),
                widths.weight,
                widths.state
            ))
            .into());
        }
        Ok(points)
    }

    /// Mean test error over the seeds in percent, and the points that gave it.
    fn error(
        &self,
        setting: &StudyFile,
        design: &Design,
        widths: Widths,
    ) -> Result<(f64, Vec<String>), Ended> {
        let points = self.points(setting, design, widths)?;
        report::write_designs(self.out, &points).map_err(|e| cannot_write(self.out, &e))?;
        let chosen: Vec<&Named> = points.iter().collect();
        let watch = Watch::new(true, &chosen);
        let outcomes = run::run(&chosen, &self.store, self.out, self.threads, self.stop, &watch);
        for (point, outcome) in points.iter().zip(outcomes) {
            match outcome {
                Outcome::Stopped => return Err(Ended::Stopped),
                Outcome::Broken(why)
                | Outcome::Untrained(why)
                | Outcome::Unverified(why)
                | Outcome::Unplaced(why) => {
                    return Err(CliError::tool_message(format!("{}: {why}", point.id)).into());
                }
                Outcome::Done { .. } => {}
            }
        }
        let trainings =
            points.iter().filter_map(|p| self.store.training(&p.run.as_ref().ok()?.identity).good());
        let errors: Vec<f64> = trainings.map(|t| 100.0 * t.final_test_error()).collect();
        if errors.len() < points.len() {
            return Err(CliError::tool_message("a result that was just kept is not there").into());
        }
        Ok((mean(&errors), points.iter().map(|p| p.id.clone()).collect()))
    }

    /// Mean test error of the float oracle over the same seeds, in percent; kept like a training.
    fn oracle(&self, points: &[Named]) -> Result<f64, Ended> {
        let mut errors = Vec::new();
        for point in points {
            let Ok(run) = &point.run else { continue };
            let kept = match self.store.oracle(&run.identity) {
                Found::Good(kept) => kept,
                _ => self.train_oracle(run)?,
            };
            errors.push(100.0 * kept.final_test_error());
        }
        Ok(mean(&errors))
    }

    /// Trains the oracle, from its checkpoint where there is one, and keeps what it came to.
    fn train_oracle(&self, run: &Runnable) -> Result<OracleTraining, Ended> {
        let path = self.store.oracle_checkpoint_file(&run.identity);
        let _ours = Lock::beside(&path).map_err(CliError::tool_message)?;
        let data = data::load(&run.design).map_err(CliError::input_message)?;
        let resumed = FloatTrainer::resumed(&run.design, &data, &path).unwrap_or_else(|e| {
            note!("warning: {e}; starting from the beginning");
            None
        });
        let mut trainer = resumed.unwrap_or_else(|| FloatTrainer::new(&run.design, &data));
        let total = trainer.plan().total();
        let bar = if self.args.quiet { ProgressBar::hidden() } else { ProgressBar::new(total) };
        bar.set_message("64-bit floats");
        bar.set_position(trainer.course().done);
        let mut saved = Instant::now();
        while trainer.step().is_some() {
            bar.inc(1);
            if !trainer.course().is_between_batches(trainer.plan()) {
                continue;
            }
            let stopped = self.stop.load(Ordering::Relaxed);
            if stopped || saved.elapsed() >= CHECKPOINT_EVERY {
                trainer.write(&path).map_err(CliError::tool_message)?;
                saved = Instant::now();
            }
            if stopped {
                bar.finish_and_clear();
                return Err(Ended::Stopped);
            }
        }
        bar.finish_and_clear();
        let (identity, epochs) = (run.identity.clone(), trainer.course().epochs.clone());
        let kept = OracleTraining { identity, epochs };
        self.store.keep_oracle(&kept).map_err(|e| cannot_write(self.out, &e))?;
        let _ = std::fs::remove_file(&path);
        Ok(kept)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn words(corner: Option<&Corner>) -> String {
    corner.map_or_else(
        || "-".to_owned(),
        |c| format!("{} and {} ({:.2} %)", c.weight_bits, c.state_fraction_bits, c.error),
    )
}

fn sentence(row: &Row) -> String {
    match &row.weights_first {
        Some(c) => format!(
            "{}: {} weight bits and {} state fraction bits do ({:.2} %, oracle {:.2} %)",
            row.setting, c.weight_bits, c.state_fraction_bits, c.error, row.oracle
        ),
        None => format!(
            "{}: even the widest formats come to {:.2} %, above {:.2} % (oracle {:.2} %)",
            row.setting, row.widest, row.limit, row.oracle
        ),
    }
}

fn markdown(report: &SearchReport) -> String {
    let seeds: Vec<String> = report.seeds.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "# {}\n\nThe narrowest formats whose mean test error (seeds {}) is at most {} percentage points above the float \
         oracle's.\nEvery pair of widths was trained bit by bit as the hardware would; integer bits stay as in the base \
         design.\n\n| setting | oracle | limit | widest | weight bits and state fraction bits, weights narrowed first | states narrowed first | \
         pairs trained |\n|---|---|---|---|---|---|---|\n",
        report.title,
        seeds.join(", "),
        report.margin
    );
    for row in &report.settings {
        let _ = writeln!(
            text,
            "| {} | {:.2} % | {:.2} % | {:.2} % | {} | {} | {} |",
            row.setting,
            row.oracle,
            row.limit,
            row.widest,
            words(row.weights_first.as_ref()),
            words(row.states_first.as_ref()),
            row.tried
        );
    }
    text
}
