//! `eqhdl study`: a sweep over fields of a design, and its report.

use super::CliError;
use super::say::{note, tell};
use crate::signals;
use crate::study::engine;
use crate::study::file::{self, StudyFile};
use crate::study::html::Heading;
use crate::study::plan::{self, Named};
use crate::study::report;
use crate::study::run::{self, Outcome, Watcher};
use crate::study::store::Store;
use crate::study::table::{self, Table};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

const EXAMPLES: &str = "\
Examples:
  eqhdl study designs/studies/digits-bits.toml         every point, on all cores; then open the report
  eqhdl study mystudy.toml                             again: goes on where it stopped
  eqhdl study mystudy.toml --engine list | parallel    one command for each point that is not done
  eqhdl study mystudy.toml --engine slurm --sbatch=--partition=day
  eqhdl study mystudy.toml --gather                    the report of what is there, nothing is run
  eqhdl study mystudy.toml --point p0123456789ab       one point
  eqhdl study mystudy.toml --search                    the narrowest formats that still learn

Results are kept under the digest of design, data, samples, epochs, seed and version: a point that has been trained
is never trained again, in whichever study it stands, as long as --out is the same. docs/studies.md explains the file.

Exit codes: 0 done (broken points are reported), 1 hardware and model differ at a verified point, 2 bad input or no
point can run, 3 a tool is missing or failed, or a file cannot be\
written; 130, 143, 129 stopped by INT, TERM, HUP.";

/// Sweep fields of a design: bit-accurate trainings, their price, and a report
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct StudyArgs {
    /// Study file
    pub(super) study: PathBuf,
    /// Folder for results and reports (default: build/studies/NAME)
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Who runs the points
    #[arg(long, value_enum, default_value = "local")]
    engine: Engine,
    /// An option for sbatch (may be given several times)
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    sbatch: Vec<String>,
    /// Points that run at once (default: one for each core)
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<usize>,
    /// Run only this point, and write no report (may be given several times)
    #[arg(long, value_name = "ID", conflicts_with = "engine")]
    point: Vec<String>,
    /// Run nothing: report what is there
    #[arg(long, conflicts_with_all = ["point", "engine"])]
    gather: bool,
    /// Search for the narrowest formats that keep the test error near the float oracle's, as [search] says
    #[arg(long, conflicts_with_all = ["point", "engine", "gather"])]
    search: bool,
    /// Print a machine-readable summary on standard output
    #[arg(long)]
    pub(super) json: bool,
    /// No progress, no line for every point
    #[arg(long, short)]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Engine {
    /// Threads of this process
    Local,
    /// Nobody: one shell command for each point that is not done, on standard output
    List,
    /// Slurm: one job array, then the report
    Slurm,
}

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

/// Runs the command.
///
/// # Errors
/// A study or base design that cannot be used; a point that does not exist; a file that cannot be written; an engine
/// that failed.
pub fn run(args: &StudyArgs) -> Result<ExitCode, CliError> {
    let study = file::load(&args.study).map_err(CliError::input)?;
    if args.jobs == Some(0) {
        return Err(CliError::input_message("--jobs 0: at least one point runs at a time"));
    }
    let name = args.study.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let out = args.out.clone().unwrap_or_else(|| Path::new("build/studies").join(&name));
    if args.search {
        return super::study_search::run(args, &study, &out);
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
    let program = PathBuf::from(std::env::args_os().next().unwrap_or_else(|| "eqhdl".into()));
    let commands = || -> Vec<String> {
        pending.iter().map(|p| engine::command(&program, &args.study, &out, &p.id)).collect()
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

pub(super) fn cannot_write(out: &Path, e: &std::io::Error) -> CliError {
    CliError::tool_message(format!("cannot write to {}: {e}", out.display()))
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

fn line(p: &Named) -> String {
    let labels: Vec<_> = p.labels.iter().map(|(axis, value)| format!("{axis} {value}")).collect();
    format!("{}, seed {}", labels.join(", "), p.seed)
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

/// Shows progress over all points.
pub(super) struct Watch {
    bar: ProgressBar,
    quiet: bool,
    ended: AtomicUsize,
    points: usize,
    /// Effort so far, in the bar's units once divided by [`UNIT`].
    effort: AtomicU64,
    fresh: AtomicBool,
}

/// Multiply-accumulates in a unit of the progress bar.
const UNIT: u64 = 1 << 20;

impl Watch {
    pub(super) fn new(quiet: bool, points: &[&Named]) -> Watch {
        let total: u64 = points.iter().map(|p| p.effort()).sum();
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(total / UNIT) };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  {eta} left") {
            bar.set_style(style);
        }
        bar.set_message(format!("0 of {} points", points.len()));
        Watch {
            bar,
            quiet,
            ended: AtomicUsize::new(0),
            points: points.len(),
            effort: AtomicU64::new(0),
            fresh: AtomicBool::new(false),
        }
    }
}

impl Watcher for Watch {
    fn advanced(&self, effort: u64, fresh: bool) {
        let all = effort + self.effort.fetch_add(effort, Ordering::Relaxed);
        self.bar.set_position(all / UNIT);
        // The time left is told from work done now, not from results found.
        if fresh && !self.fresh.swap(true, Ordering::Relaxed) {
            self.bar.reset_eta();
        }
    }

    fn ended(&self, point: &Named, outcome: &Outcome) {
        let ended = 1 + self.ended.fetch_add(1, Ordering::Relaxed);
        self.bar.set_message(format!("{ended} of {} points", self.points));
        let said = match outcome {
            Outcome::Done { kept: true, verified: None } => "was there".to_owned(),
            Outcome::Done { kept: true, verified: Some(true) } => "was there, is verified".to_owned(),
            Outcome::Done { verified: Some(false), .. } => "HARDWARE AND MODEL DIFFER".to_owned(),
            Outcome::Done { verified: Some(true), .. } => "trained, verified".to_owned(),
            Outcome::Done { .. } => "trained".to_owned(),
            Outcome::Broken(why) => format!("is broken: {why}"),
            Outcome::Untrained(why) => format!("was not trained: {why}"),
            Outcome::Unverified(why) => format!("trained, could not be verified: {why}"),
            Outcome::Unplaced(why) => format!("trained, could not be placed: {why}"),
            Outcome::Stopped => return,
        };
        let bad = !matches!(outcome, Outcome::Done { verified: None | Some(true), .. });
        if bad || !self.quiet {
            self.bar.suspend(|| {
                note!("{ended:>4}/{} {} ({}) {said}", self.points, point.id, line(point));
            });
        }
    }

    fn warn(&self, text: &str) {
        self.bar.suspend(|| note!("warning: {text}"));
    }
}
