//! `eqhdl cosim`: hardware and reference side by side.

mod handed;
mod inject;
mod verdict;

use super::CliError;
use super::say::note;
use crate::bus;
use crate::cosim::{
    Builds, Built, COMMIT_SIGNALS, CosimError, FAULTS, Fault, Level, Outcome, Purpose, Request, Stress,
    Through, Tracing, bus_difference, cross_check, leading_to, replay, run_to_file, save_files,
};
use crate::coverage::Looking;
use crate::design::Design;
use crate::reference::Weights;
use crate::reference::train::{Plan, PlannedSample, TrainingData};
use crate::schedule::Layout;
use crate::verilog::Sources;
use handed::Handed;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Train in hardware (Verilator) and in the reference, and compare
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  eqhdl cosim designs/digits-cep.toml                       the whole training, every event
  eqhdl cosim designs/mnist-cep.toml --samples 500 --level states
  eqhdl cosim designs/digits-cep.toml --inject lane-swap    build a defect in, see it caught and named
  eqhdl cosim designs/digits-cep.toml --inject all          the table of all defects
  eqhdl generate designs/digits-cep.toml -o rtl && $EDITOR rtl/eqhdl_digits_cep__neuron_unit.v
  eqhdl cosim designs/digits-cep.toml --rtl rtl             check Verilog that you have edited
  eqhdl cosim designs/digits-cep.toml --bus --epochs 1      through the AXI wrapper: what the bus answers, too
  eqhdl cosim designs/digits-cep.toml --waves run.vcd       compare a waveform that a simulator has written

Exit codes: 0 equal, 1 different, 2 bad input, 3 a tool is missing or failed.")]
pub struct CosimArgs {
    /// Design file
    design: PathBuf,
    /// How closely to compare
    #[arg(long, value_enum, default_value = "events")]
    level: Level,
    /// Only the first N samples of the training
    #[arg(long, value_name = "N")]
    samples: Option<usize>,
    /// So many made samples behind the real ones, with weights and inputs at and near their rails, 10000 at most (default:
    /// one for every four real ones, 2 to 64)
    #[arg(long, value_name = "N", conflicts_with_all = ["waves", "bus", "inject"],
          value_parser = clap::value_parser!(u32).range(..=MOST_MADE))]
    stress: Option<u32>,
    /// Instead of the design's number of epochs
    #[arg(long, value_name = "N", conflicts_with = "inject")]
    epochs: Option<u32>,
    /// Simulate the Verilog in this folder (from `eqhdl generate`, perhaps edited) instead of generating it
    #[arg(long, value_name = "DIR", conflicts_with_all = ["inject", "waves"])]
    rtl: Option<PathBuf>,
    /// Train through the generated AXI wrapper, with a master that stalls at random; compares what the bus answers, too
    #[arg(long, conflicts_with = "waves")]
    bus: bool,
    /// Compare this waveform (VCD) of the commit port instead of running Verilator
    #[arg(long, value_name = "FILE")]
    waves: Option<PathBuf>,
    /// Build the hardware with a named defect (docs/defects.md); `all` tries every one and prints a table. Over samples
    /// to learn and to classify in turn, 12 of them or --samples
    #[arg(long, value_name = "FAULT")]
    inject: Option<String>,
    /// Folder for builds, waveforms and the report (default build/NAME)
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print a machine-readable summary on standard output
    #[arg(long)]
    json: bool,
}

/// Made samples, all of which are in memory at once.
const MOST_MADE: i64 = 10_000;

impl CosimArgs {
    fn through(&self) -> Through {
        if self.bus { Through::Bus } else { Through::Core }
    }

    /// How many made samples follow so many real ones: few beside a long run, and some beside a short one.
    fn stress(&self, real: usize) -> u32 {
        match self.stress {
            Some(count) => count,
            None if self.bus || self.waves.is_some() || self.inject.is_some() => 0,
            None => (real as u32 / 4).clamp(2, 64),
        }
    }
}

impl From<CosimError> for CliError {
    fn from(e: CosimError) -> Self {
        CliError::Tool(miette::Report::new(e))
    }
}

struct Bench<'a> {
    design: &'a Design,
    layout: Layout,
    data: TrainingData,
    samples: Vec<PlannedSample>,
    per_epoch: u64,
    start: Weights,
    out: PathBuf,
}

impl Bench<'_> {
    /// The same hardware over made samples.
    fn stressed<'d>(
        &self,
        design: &'d Design,
        data: TrainingData,
        samples: Vec<PlannedSample>,
        start: Weights,
    ) -> Bench<'d> {
        let (layout, out) = (self.layout.clone(), self.out.clone());
        Bench { design, layout, data, samples, per_epoch: u64::MAX, start, out }
    }

    fn request<'b>(&'b self, level: Level, program: &'b Path, work: &'b Path) -> Request<'b> {
        Request {
            design: self.design,
            data: &self.data,
            samples: &self.samples,
            per_epoch: self.per_epoch,
            start: &self.start,
            level,
            program,
            work,
            waves: None,
            survey: false,
            looking: Looking::Here,
            patience: None,
        }
    }
}

/// Runs the command.
pub fn run(args: &CosimArgs) -> Result<ExitCode, CliError> {
    let mut design = super::load_design(&args.design)?;
    if let Some(epochs) = args.epochs {
        design.epochs = epochs;
    }
    let dataset = super::load_data(&design)?;
    let plan = Plan::new(&design, &dataset);
    let limit = args.samples.unwrap_or(usize::MAX);
    let samples: Vec<PlannedSample> = plan.all().take(limit).collect();
    if samples.is_empty() {
        return Err(CliError::input_message(
            "nothing to compare: no samples; give --samples or --epochs of at least 1",
        ));
    }
    let mut bench = Bench {
        layout: Layout::of(&design),
        data: TrainingData::new(&design, &dataset),
        samples,
        per_epoch: u64::from(plan.samples_per_epoch()),
        start: Weights::initial(&design),
        out: args.out.clone().unwrap_or_else(|| Path::new("build").join(&design.name)),
        design: &design,
    };
    match args.inject.as_deref() {
        Some("all") => return inject::all(args, &bench),
        Some(name) if Fault::named(name).is_none() => {
            let names: Vec<&str> = FAULTS.iter().map(|f| f.name).collect();
            return Err(CliError::input_message(format!(
                "no defect is called `{name}`; there are {}, and `all`",
                names.join(", ")
            )));
        }
        _ => {}
    }
    if args.inject.is_some() {
        bench.samples = inject::samples(&bench, args.samples);
        bench.per_epoch = u64::MAX;
    }
    check(args, &bench)
}

/// The sources of the design, with a defect where one was asked for.
fn sources(bench: &Bench<'_>, fault: Option<&Fault>) -> Result<Sources, CliError> {
    let mut sources = Sources::of(bench.design, &bench.layout);
    if let Some(f) = fault {
        if !f.applies_to(bench.design) {
            return Err(CliError::input_message(format!(
                "`{}` breaks what this design does not have ({})",
                f.name, f.what
            )));
        }
        if !f.apply(&mut sources, bench.design) {
            return Err(CliError::tool_message(format!(
                "the place to edit for `{}` was not found; this is a bug of eqhdl",
                f.name
            )));
        }
    }
    Ok(sources)
}

fn progress_bar(json: bool, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    if json {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} samples  {per_sec}  {eta} left  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// The hardware to check.
struct Hardware {
    sources: Sources,
    /// Where its builds, waveforms and report go.
    folder: PathBuf,
    /// Files that eqhdl would generate otherwise.
    edited: Vec<String>,
}

/// The design's own hardware, that with a defect, or what somebody hands over.
fn hardware(args: &CosimArgs, bench: &Bench<'_>) -> Result<Hardware, CliError> {
    if let Some(dir) = &args.rtl {
        let handed =
            Handed::read(dir, bench.design, &bench.layout, args.through()).map_err(CliError::input)?;
        if handed.unmarked {
            note!(
                "warning: {} does not say which design it was generated from; it is compared all the same",
                dir.display()
            );
        }
        let Handed { sources, edited, .. } = handed;
        return Ok(Hardware { sources, folder: bench.out.join("edited"), edited });
    }
    let fault = args.inject.as_deref().and_then(Fault::named);
    let mut sources = sources(bench, fault)?;
    if args.bus {
        bus::add_to(&mut sources, bench.design, &bench.layout);
    }
    let folder = match (fault, &args.waves) {
        (Some(f), _) => bench.out.join("inject").join(f.name),
        // Not where the waveform of an earlier run may lie.
        (None, Some(_)) => bench.out.join("waves"),
        (None, None) => bench.out.clone(),
    };
    Ok(Hardware { sources, folder, edited: Vec::new() })
}

/// Results of an earlier run in a folder: beside a new verdict they would be taken for its own.
const RESULTS: [&str; 9] = [
    "replay.vcd",
    "replay.gtkw",
    "replay.sucl",
    "first_sample.vcd",
    "first_sample.gtkw",
    "first_sample.sucl",
    "cosim.json",
    "coverage.json",
    "coverage.html",
];

fn clear(folder: &Path) -> Result<(), CosimError> {
    for path in RESULTS.map(|name| folder.join(name)) {
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(CosimError::Io { what: "remove", path, source: e });
            }
            _ => {}
        }
    }
    Ok(())
}

fn check(args: &CosimArgs, bench: &Bench<'_>) -> Result<ExitCode, CliError> {
    let hardware = hardware(args, bench)?;
    let folder = &hardware.folder;
    // The folder is this process's from here to the verdict.
    let builds = Builds::open(&folder.join("sim"))?;
    clear(folder)?;
    let tracing = if args.level == Level::Final { Tracing::None } else { Tracing::Commits };
    let built = match args.waves {
        Some(_) => None,
        None => {
            note!("building the hardware in {}", folder.join("sim").display());
            let purpose = Purpose { tracing, ..args.through().into() };
            let built = builds.simulator(bench.design, &bench.layout, &hardware.sources, purpose);
            Some(built.map_err(|e| match e {
                // Verilog that somebody has edited, and Verilator cannot read.
                e @ CosimError::ToolFailed { tool: "verilator", .. } if args.rtl.is_some() => {
                    CliError::input(e)
                }
                e => e.into(),
            })?)
        }
    };
    let program = built.as_ref().map(|b| b.program.clone()).unwrap_or_default();
    let work = folder.join("work");
    let mut request = bench.request(args.level, &program, &work);
    request.waves = args.waves.as_deref();
    request.patience = args.through().patience(bench.design);
    let mut outcome = compare(args, bench, &request)?;
    let mut bus_words = None;
    if args.bus && outcome.equal() {
        let expected = bus::answers(bench.design, &bench.layout, &bench.data, &bench.samples, &bench.start);
        bus_words = Some(expected.words());
        outcome.differences.extend(bus_difference(&expected, bench.samples[0].number, &work)?);
    }
    let mut made = 0;
    if outcome.equal() && args.stress(bench.samples.len()) > 0 {
        let real = bench.samples.len();
        for round in Stress::rounds(bench.design, real as u32, args.stress(real)) {
            let Stress { design, data, samples, start } = round;
            let stressed = bench.stressed(&design, data, samples, start);
            let of_made = compare_made(args, &stressed, &request)?;
            if !of_made.equal() {
                note!("the {} samples of the training are equal; a made sample differs", outcome.samples);
                return conclude(args, &stressed, of_made, 0, None, &hardware, &builds, built);
            }
            made += of_made.samples;
            if let (Some(sum), Some(of_made)) = (&mut outcome.coverage, &of_made.coverage) {
                sum.add(of_made).map_err(CliError::tool_message)?;
            }
        }
    }
    conclude(args, bench, outcome, made, bus_words, &hardware, &builds, built)
}

/// Compares a round of made samples.
fn compare_made(args: &CosimArgs, stressed: &Bench<'_>, request: &Request<'_>) -> Result<Outcome, CliError> {
    let work = request.work.with_file_name("work-stress");
    let mut request = stressed.request(request.level, request.program, &work);
    request.looking = Looking::Everywhere;
    let mut outcome = compare(args, stressed, &request)?;
    // What made samples are taken for says nothing of the network.
    (outcome.test_accuracy, outcome.reference_accuracy) = (None, None);
    Ok(outcome)
}

/// Says what a comparison came to; where something differs, replays it.
#[allow(clippy::too_many_arguments)] // all that a verdict is of
fn conclude(
    args: &CosimArgs,
    bench: &Bench<'_>,
    mut outcome: Outcome,
    made: u64,
    bus_words: Option<u64>,
    hardware: &Hardware,
    builds: &Builds,
    built: Option<Built>,
) -> Result<ExitCode, CliError> {
    let folder = &hardware.folder;
    let (mut replayed, mut first_sample) = (None, None);
    match (outcome.differences.first(), &built) {
        (Some(first), Some(built)) => {
            if outcome.before.is_empty() && first.pass.is_some() | (first.phase == "result") {
                let work = folder.join("work");
                outcome.before = leading_to(&bench.request(args.level, &built.program, &work), first.sample);
            }
            note!("replaying the sample with every signal traced");
            let made = (builds, &hardware.sources, args.through());
            replayed = replay(bench.design, &bench.layout, made, &bench.data, &outcome.before, folder)?;
        }
        (None, Some(built)) if args.level != Level::Final => {
            first_sample = Some(keep_first_sample(bench, built, folder, args.through())?);
        }
        _ => {}
    }
    let verdict = verdict::Verdict {
        args,
        bench,
        outcome: &outcome,
        replayed,
        first_sample,
        made,
        bus_words,
        hardware,
        built,
    };
    verdict.give()?;
    Ok(if outcome.equal() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Runs the comparison, with a progress bar. A waveform that cannot be used is bad input.
fn compare(args: &CosimArgs, bench: &Bench<'_>, request: &Request<'_>) -> Result<Outcome, CliError> {
    let bar = progress_bar(args.json, bench.samples.len() as u64);
    let outcome = cross_check(request, &bench.layout, &mut |_, done| {
        if done.is_multiple_of(64) {
            bar.set_position(done);
            bar.set_message(format!("epoch {}", done / bench.per_epoch + 1));
        }
    });
    bar.finish_and_clear();
    let outcome = outcome.map_err(|e| match (&args.waves, e) {
        (Some(_), e @ (CosimError::Waveform(_) | CosimError::WaveformEnds { .. })) => CliError::input(e),
        (Some(path), CosimError::Io { what: "open", path: which, source }) if *path == which => {
            CliError::input_message(format!("cannot open the waveform {}: {source}", which.display()))
        }
        (_, e) => e.into(),
    })?;
    if args.waves.is_some() && outcome.unmarked {
        note!("warning: the waveform does not say which design its hardware was generated from");
    }
    Ok(outcome)
}

/// Leaves a waveform of the commit port over the first sample, for people to look at.
fn keep_first_sample(
    bench: &Bench<'_>,
    built: &Built,
    folder: &Path,
    through: Through,
) -> Result<PathBuf, CliError> {
    let waveform = folder.join("first_sample.vcd");
    let work = folder.join("work-first");
    let request = Request {
        samples: &bench.samples[..1],
        looking: Looking::Nowhere,
        patience: through.patience(bench.design),
        ..bench.request(Level::All, &built.program, &work)
    };
    run_to_file(&request, &bench.layout, &waveform, Level::All.word(), None)?;
    save_files(
        &waveform,
        0,
        "the commit port over the first sample",
        through.probe_scope(),
        &COMMIT_SIGNALS,
    )?;
    Ok(waveform)
}
