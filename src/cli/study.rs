//! `eqhdl study`: a sweep over fields of a design, and its report.

mod args;
mod search;
pub(super) mod watch;

pub use args::StudyArgs;

use super::CliError;
use super::say::{note, tell};
use crate::signals;
use crate::study::engine;
use crate::study::file::{self, StudyFile};
use crate::study::html::Heading;
use crate::study::plan::{self, Named};
use crate::study::report;
use crate::study::run::{self, Outcome};
use crate::study::store::Store;
use crate::study::table::{self, Table};
use args::Engine;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use watch::{Watch, cannot_write, line};

/// What `--json` prints.
#[derive(Serialize)]
struct Summary<'a> {
    study: &'a Path,
    title: &'a str,
    points: usize,
    done: usize,
    missing: usize,
    broken: usize,
    trained_now: usize,
    verified: usize,
    different: usize,
    report: Option<PathBuf>,
    version: &'static str,
    table: &'a Table,
}

/// Runs the command; `program` is what other machines start for a point.
///
/// # Errors
/// A study or base design that cannot be used; a point that does not exist; a file that cannot be written; an engine
/// that failed.
pub fn run(args: &StudyArgs, program: &Path) -> Result<ExitCode, CliError> {
    let study = file::load(&args.study).map_err(CliError::input)?;
    if args.jobs == Some(0) {
        return Err(CliError::input_message("--jobs 0: at least one point runs at a time"));
    }
    let name = args.study.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let out = args.out.clone().unwrap_or_else(|| Path::new("build/studies").join(&name));
    if args.search {
        return search::run(args, &study, &out);
    }
    if study.grid.is_empty() && study.list.is_empty() && study.random.is_none() {
        return Err(CliError::input_message(format!(
            "{} only has a [search]: call it with --search",
            args.study.display()
        )));
    }
    let points = plan::plan(&study).map_err(CliError::input)?;
    let store = Store::new(out.join("results"));
    let chosen = chosen(args, &points)?;
    let pending: Vec<&Named> = chosen.iter().copied().filter(|p| is_pending(p, &store)).collect();
    report::write_designs(&out, &points).map_err(|e| cannot_write(&out, &e))?;
    let commands = || -> Vec<String> {
        pending.iter().map(|p| engine::command(program, &args.study, &out, &p.id)).collect()
    };
    let mut outcomes = Vec::new();
    match args.engine {
        _ if args.gather => {}
        Engine::List => {
            commands().iter().try_for_each(|c| tell!("{c}"))?;
            report_broken(&points);
            return Ok(ExitCode::SUCCESS);
        }
        Engine::Slurm => {
            let submitted = commands();
            note!("submitting {} point(s) to Slurm and waiting for them", submitted.len());
            let folder = std::path::absolute(out.join("slurm")).map_err(|e| cannot_write(&out, &e))?;
            let done = engine::slurm(&folder, &name, &submitted, &args.sbatch);
            // What did finish is gathered even where some tasks failed.
            finish(args, &study, &out, &points, &store, 0)?;
            done.map_err(|e| CliError::Tool(miette::Report::new(e)))?;
            return Ok(verdict(&table(&points, &store, &out), &[]));
        }
        Engine::Local => {
            let (_hold, stop) = (signals::Hold::new(), signals::stop());
            let threads =
                args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
            let watch = Watch::new(args.quiet, &chosen);
            outcomes = run::run(&chosen, &store, &out, threads, stop, &watch);
            watch.bar.finish_and_clear();
            if stop.load(Ordering::Relaxed) && outcomes.contains(&Outcome::Stopped) {
                let left = outcomes.iter().filter(|o| **o == Outcome::Stopped).count();
                note!("stopped with {left} of {} points to go; the same command goes on", chosen.len());
                return Ok(ExitCode::from(signals::exit_code()));
            }
        }
    }
    if !args.point.is_empty() {
        return Ok(point_verdict(&outcomes));
    }
    let trained = outcomes.iter().filter(|o| matches!(o, Outcome::Done { kept: false, .. })).count();
    let table = finish(args, &study, &out, &points, &store, trained)?;
    Ok(verdict(&table, &outcomes))
}

/// The points asked for: those named, or all.
fn chosen<'p>(args: &StudyArgs, points: &'p [Named]) -> Result<Vec<&'p Named>, CliError> {
    if args.point.is_empty() {
        return Ok(points.iter().collect());
    }
    args.point
        .iter()
        .map(|id| {
            points.iter().find(|p| p.id == *id).ok_or_else(|| {
                CliError::input_message(format!(
                    "{} has no point `{id}`; `--engine list` names those it has (a point's name changes with its design, its data and the version of eqhdl)",
                    args.study.display()
                ))
            })
        })
        .collect()
}

/// True for a point with something left to do.
fn is_pending(p: &Named, store: &Store) -> bool {
    let Ok(run) = &p.run else { return false };
    let verify = p.samples_to_verify();
    store.training(&run.identity).good().is_none()
        || (verify > 0 && store.verified(&p.id, verify).good().is_none())
        || p.synth.device().is_some_and(|d| store.placed(&p.id, d).good().is_none())
}

fn report_broken(points: &[Named]) {
    for p in points {
        if let Err(why) = &p.run {
            note!("{} is broken ({}): {why}", p.id, line(p));
        }
    }
}

fn table(points: &[Named], store: &Store, out: &Path) -> Table {
    table::gather(points, store, &|id| {
        let design = out.join("designs").join(format!("{id}.toml"));
        format!("eqhdl train {}", engine::quoted(&design.display().to_string()))
    })
}

/// Writes the report and says what there is.
fn finish(
    args: &StudyArgs,
    study: &StudyFile,
    out: &Path,
    points: &[Named],
    store: &Store,
    trained_now: usize,
) -> Result<Table, CliError> {
    let table = table(points, store, out);
    let count = |status: &str| table.rows.iter().filter(|r| r.status == status).count();
    let (done, missing, broken) = (count("done"), count("missing"), count("broken"));
    let verdicts = |v: &str| table.rows.iter().filter(|r| r.verdict() == v).count();
    let (equal, different) = (verdicts("equal"), verdicts("different"));
    let summary = format!(
        "{} points from {}: {done} trained, {missing} missing, {broken} broken; {equal} verified against the hardware, {different} differ. eqhdl {}.",
        points.len(),
        study.base.display(),
        env!("CARGO_PKG_VERSION")
    );
    let heading = Heading {
        title: study.title.clone(),
        summary: summary.clone(),
        command: format!("eqhdl study {}", engine::quoted(&args.study.display().to_string())),
        study: study.text.clone(),
    };
    report::write(out, &heading, points, &table).map_err(|e| cannot_write(out, &e))?;
    let page = out.join("report.html");
    if args.json {
        let summary = Summary {
            study: &args.study,
            title: &study.title,
            points: points.len(),
            done,
            missing,
            broken,
            trained_now,
            verified: equal,
            different,
            report: Some(page.clone()),
            version: env!("CARGO_PKG_VERSION"),
            table: &table,
        };
        tell!("{}", serde_json::to_string_pretty(&summary).map_err(CliError::tool_message)?)?;
    }
    note!("{summary}\nreport  {} (also report.md, points.csv, points.jsonl)", page.display());
    Ok(table)
}

fn verdict(table: &Table, outcomes: &[Outcome]) -> ExitCode {
    if table.rows.iter().any(|r| r.verdict() == "different") {
        return ExitCode::from(1);
    }
    let failed =
        |o: &Outcome| matches!(o, Outcome::Untrained(_) | Outcome::Unverified(_) | Outcome::Unplaced(_));
    if table.rows.iter().all(|r| r.status == "broken") {
        return ExitCode::from(2);
    }
    if outcomes.iter().any(failed) {
        return ExitCode::from(3);
    }
    ExitCode::SUCCESS
}

/// The exit code where single points were asked for: the worst of them.
fn point_verdict(outcomes: &[Outcome]) -> ExitCode {
    let code = |o: &Outcome| match o {
        Outcome::Done { verified: Some(false), .. } => 1,
        Outcome::Done { .. } => 0,
        Outcome::Broken(_) => 2,
        Outcome::Untrained(_) | Outcome::Unverified(_) | Outcome::Unplaced(_) => 3,
        Outcome::Stopped => signals::exit_code(),
    };
    ExitCode::from(outcomes.iter().map(code).max().unwrap_or(0))
}
