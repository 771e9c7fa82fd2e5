//! `eqhdl cosim`: hardware and reference side by side.

use super::CliError;
use super::say::{note, tell};
use crate::cosim::{
    COMMIT_SIGNALS, CosimError, Difference, FAULTS, Fault, Field, Level, Outcome, Replay, Request, Tracing,
    build, cross_check, operands, replay, run_to_file, save_files,
};
use crate::data;
use crate::design::Design;
use crate::reference::Weights;
use crate::reference::train::{Plan, PlannedSample, TrainingData};
use crate::schedule::Layout;
use crate::verilog::Sources;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
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
  eqhdl generate designs/digits-cep.toml -o rtl && $EDITOR rtl/neuron_unit.v
  eqhdl cosim designs/digits-cep.toml --rtl rtl             check Verilog that you have edited
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
    /// Instead of the design's number of epochs
    #[arg(long, value_name = "N")]
    epochs: Option<u32>,
    /// Simulate the Verilog in this folder (from `eqhdl generate`, perhaps edited) instead of generating it
    #[arg(long, value_name = "DIR", conflicts_with_all = ["inject", "waves"])]
    rtl: Option<PathBuf>,
    /// Compare this waveform (VCD) of the commit port instead of running Verilator
    #[arg(long, value_name = "FILE")]
    waves: Option<PathBuf>,
    /// Build the hardware with a named defect; `all` tries every one and prints a table
    #[arg(long, value_name = "FAULT")]
    inject: Option<String>,
    /// Folder for builds, waveforms and the report (default build/NAME)
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print a machine-readable summary on standard output
    #[arg(long)]
    json: bool,
}

/// What `--json` prints and `cosim.json` holds.
#[derive(Serialize)]
struct Report<'a> {
    verdict: &'static str,
    design: &'a str,
    level: Level,
    samples: u64,
    compared: u64,
    steps: u64,
    differences: usize,
    first_difference: Option<&'a Difference>,
    cycles_per_sample: f64,
    weight_read_share: f64,
    test_accuracy: Option<f64>,
    reference_test_accuracy: Option<f64>,
    wall_s: f64,
    simulated_cycles_per_s: Option<f64>,
    weights_digest: &'a str,
    data_checksum: &'a str,
    seed: u32,
    injected: Option<&'a str>,
    version: &'static str,
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
    let dataset = data::load(&design).map_err(CliError::input_message)?;
    let plan = Plan::new(&design, &dataset);
    let limit = args.samples.unwrap_or(usize::MAX);
    let samples: Vec<PlannedSample> = (0..plan.epochs).flat_map(|e| plan.samples(e)).take(limit).collect();
    if samples.is_empty() {
        return Err(CliError::input_message(
            "nothing to compare: no samples; give --samples or --epochs of at least 1",
        ));
    }
    let bench = Bench {
        layout: Layout::of(&design),
        data: TrainingData::new(&design, &dataset),
        samples,
        per_epoch: u64::from(plan.samples_per_epoch()),
        start: Weights::initial(&design),
        out: args.out.clone().unwrap_or_else(|| Path::new("build").join(&design.name)),
        design: &design,
    };
    match args.inject.as_deref() {
        Some("all") => return inject_all(args, &bench),
        Some(name) if Fault::named(name).is_none() => {
            let names: Vec<&str> = FAULTS.iter().map(|f| f.name).collect();
            return Err(CliError::input_message(format!(
                "no defect is called `{name}`; there are {}, and `all`",
                names.join(", ")
            )));
        }
        _ => {}
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

/// The Verilog of a folder.
fn read_sources(dir: &Path) -> Result<Sources, CliError> {
    let sources = Sources::read(dir)
        .map_err(|e| CliError::input_message(format!("cannot read {}: {e}", dir.display())))?;
    if !sources.files.contains_key("files.f") {
        return Err(CliError::input_message(format!(
            "{} has no files.f; write the folder with `eqhdl generate`",
            dir.display()
        )));
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

fn check(args: &CosimArgs, bench: &Bench<'_>) -> Result<ExitCode, CliError> {
    let fault = args.inject.as_deref().and_then(Fault::named);
    let (sources, folder) = match (fault, &args.rtl) {
        (Some(f), _) => (sources(bench, fault)?, bench.out.join("inject").join(f.name)),
        (None, Some(dir)) => (read_sources(dir)?, bench.out.join("edited")),
        (None, None) => (sources(bench, None)?, bench.out.clone()),
    };
    let tracing = if args.level == Level::Final { Tracing::None } else { Tracing::Commits };
    let rtl = folder.join(if args.level == Level::Final { "rtl-untraced" } else { "rtl" });
    let program = if args.waves.is_some() {
        PathBuf::new()
    } else {
        note!("building the hardware in {}", rtl.display());
        build(bench.design, &bench.layout, sources.clone(), &rtl, tracing)?
    };
    let work = folder.join("work");
    let mut request = bench.request(args.level, &program, &work);
    request.waves = args.waves.as_deref();
    let bar = progress_bar(args.json, bench.samples.len() as u64);
    let per_epoch = bench.per_epoch;
    let outcome = cross_check(&request, &bench.layout, &mut |_, done| {
        if done.is_multiple_of(64) {
            bar.set_position(done);
            bar.set_message(format!("epoch {}", done / per_epoch + 1));
        }
    })?;
    bar.finish_and_clear();

    let replayed = match (&outcome.differences.first(), args.waves.is_none() && args.level != Level::Final) {
        (Some(_), true) => {
            note!("replaying the sample with every signal traced");
            replay(bench.design, &bench.layout, &sources, &bench.data, &program, &outcome.before, &folder)?
        }
        _ => None,
    };
    let first_sample = if outcome.equal() && args.waves.is_none() && args.level != Level::Final {
        Some(keep_first_sample(bench, &program, &folder)?)
    } else {
        None
    };
    let report_file = folder.join("cosim.json");
    let report = report(args, bench, &outcome);
    let json = serde_json::to_string_pretty(&report).map_err(CliError::tool_message)?;
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&report_file, &json))
        .map_err(|e| CosimError::Io { what: "write", path: report_file.clone(), source: e })?;
    if args.json {
        tell!("{json}")?;
    }
    say(bench, &outcome, args.level, replayed.as_ref(), first_sample.as_deref(), &report_file);
    Ok(if outcome.equal() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Leaves a waveform of the commit port over the first sample, for people to look at.
fn keep_first_sample(bench: &Bench<'_>, program: &Path, folder: &Path) -> Result<PathBuf, CliError> {
    let waveform = folder.join("first_sample.vcd");
    let work = folder.join("work-first");
    let request = Request { samples: &bench.samples[..1], ..bench.request(Level::All, program, &work) };
    run_to_file(&request, &bench.layout, &waveform, Level::All.word(), None)?;
    save_files(&waveform, 0, "the commit port over the first sample", "sim_top.u_probe", &COMMIT_SIGNALS)?;
    Ok(waveform)
}

fn report<'a>(args: &'a CosimArgs, bench: &'a Bench<'_>, o: &'a Outcome) -> Report<'a> {
    Report {
        verdict: if o.equal() { "equal" } else { "different" },
        design: &bench.design.name,
        level: args.level,
        samples: o.samples,
        compared: o.compared,
        steps: o.steps,
        differences: o.differences.len(),
        first_difference: o.differences.first(),
        cycles_per_sample: o.cycles_per_sample,
        weight_read_share: o.read_share,
        test_accuracy: o.test_accuracy,
        reference_test_accuracy: o.reference_accuracy,
        wall_s: o.wall.as_secs_f64(),
        simulated_cycles_per_s: o.simulated.map(|(cycles, seconds)| cycles as f64 / seconds),
        weights_digest: &o.weights_digest,
        data_checksum: &bench.data.checksum,
        seed: bench.design.seed,
        injected: args.inject.as_deref(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

/// 1234567 as 1,234,567.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn say(
    bench: &Bench<'_>,
    o: &Outcome,
    level: Level,
    replayed: Option<&Replay>,
    first_sample: Option<&Path>,
    report: &Path,
) {
    let level = format!("{level:?}").to_lowercase();
    match o.differences.first() {
        None => {
            note!("EQUAL at level {level}: hardware and reference agree in every bit");
            note!("  samples            {}", grouped(o.samples));
            note!(
                "  compared           {} states and weights, {} signatures",
                grouped(o.compared),
                grouped(o.steps)
            );
        }
        Some(d) => {
            note!("DIFFERENT at level {level}; the first difference:");
            note!("  {}", d.text);
            if let Some(why) = o.before.last().and_then(|b| operands(bench.design, &bench.data, b, d)) {
                note!("  {why}");
            }
            // Without a waveform nobody knows the cycle.
            let seen =
                if d.cycle > 0 { format!("seen in cycle {} of the run; ", d.cycle) } else { String::new() };
            note!("  {seen}{}", explain(bench.design, d));
        }
    }
    if let Some(a) = o.test_accuracy {
        let same = if o.test_accuracy == o.reference_accuracy {
            "the same from both"
        } else {
            "the reference's differs"
        };
        note!("  test accuracy      {:.2} % (mean of the last epochs, {same})", 100.0 * a);
    }
    if o.cycles_per_sample > 0.0 {
        note!(
            "  cycles per sample  {:.0} (training), {:.1} % of all cycles read weights",
            o.cycles_per_sample,
            100.0 * o.read_share
        );
    }
    note!("  wall time          {:.1} s", o.wall.as_secs_f64());
    if let Some((cycles, seconds)) = o.simulated {
        note!(
            "  simulated          {} cycles, {:.2} million per second",
            grouped(cycles),
            cycles as f64 / seconds / 1e6
        );
    }
    if let Some(r) = replayed {
        note!("  replay             {} sample(s), cycle {}: {}", r.samples, r.cycle, r.waveform.display());
        note!("  open it            gtkwave {}   or   surfer -c {}", r.gtkwave.display(), r.surfer.display());
    } else if !o.differences.is_empty() && !o.before.is_empty() {
        note!("  replay             the difference does not come back when the last samples run alone");
    }
    if let Some(w) = first_sample {
        note!(
            "  waveform           {} (the commit port over the first sample; gtkwave {})",
            w.display(),
            w.with_extension("gtkw").display()
        );
    }
    note!("  report             {}", report.display());
}

/// Where in the circuit to look.
fn explain(design: &Design, d: &Difference) -> String {
    match d.field {
        Field::Weight | Field::WeightBack | Field::FinalWeight => format!(
            "w' = overflow(w + round(rate x (a_post a_pre - b_post b_pre))), rounding {:?}, overflow {:?}: look at stages 5 to 9 of synapse_lanes",
            design.weight_modes.rounding, design.weight_modes.overflow
        ),
        Field::State | Field::Drive => "drive = requantise(sum of inputs), state = requantise(rho(drive) + nudge): look at neuron_unit, then at the sums in drive_path".to_owned(),
        Field::Signature => "run again at --level events to see which state or weight".to_owned(),
        Field::Cycles | Field::WeightReads | Field::Place | Field::Count => "the order or number of events: look at the sequencer".to_owned(),
        Field::Prediction | Field::Label => "run again at --level events to see which state or weight came first".to_owned(),
    }
}

/// Levels at which a survey's differences would have been seen.
fn caught_at(differences: &[Difference]) -> [bool; 4] {
    let any = |fields: &[Field]| differences.iter().any(|d| fields.contains(&d.field));
    let result = [Field::Prediction, Field::Label, Field::Cycles, Field::WeightReads];
    let last = any(&result) || any(&[Field::FinalWeight]);
    let signature = any(&[Field::Signature]) || any(&result);
    let states = signature || any(&[Field::State, Field::Place, Field::Count]);
    let events = states || any(&[Field::Weight, Field::WeightBack, Field::Drive]);
    [last, signature, states, events]
}

#[derive(Serialize)]
struct FaultRow {
    fault: &'static str,
    kind: &'static str,
    what: &'static str,
    caught: bool,
    at_final: bool,
    at_signature: bool,
    at_states: bool,
    at_events: bool,
    first: String,
}

/// Samples a defect is given to show.
const INJECT_SAMPLES: usize = 12;

/// Training and test samples in turn, two of each: some defects only show after the other kind. The set of learning
/// rates is another behind each pair that trains.
fn mixed_samples(bench: &Bench<'_>, count: usize) -> Vec<PlannedSample> {
    let (train, test) = (bench.data.train.labels.len() as u32, bench.data.test.labels.len() as u32);
    let place = |n: u32| PlannedSample {
        number: n,
        index: n / 4 * 2 + n % 2,
        train: test == 0 || n % 4 < 2,
        ends_batch: n % 2 == 1,
        rates: ((n as usize + 2) / 4 % bench.design.milestones.sets()) as u8,
    };
    let exists = |s: &PlannedSample| s.index < if s.train { train } else { test };
    (0..count as u32).map(place).take_while(exists).collect()
}

fn inject_all(args: &CosimArgs, bench: &Bench<'_>) -> Result<ExitCode, CliError> {
    let faults: Vec<&Fault> = FAULTS.iter().filter(|f| f.applies_to(bench.design)).collect();
    let samples = mixed_samples(bench, args.samples.unwrap_or(INJECT_SAMPLES));
    let bar = progress_bar(args.json, faults.len() as u64);
    let mut rows = Vec::new();
    for fault in &faults {
        bar.set_message(fault.name);
        let folder = bench.out.join("inject").join(fault.name);
        let program = build(
            bench.design,
            &bench.layout,
            sources(bench, Some(fault))?,
            &folder.join("rtl"),
            Tracing::Commits,
        )?;
        let work = folder.join("work");
        let request = Request {
            samples: &samples,
            survey: true,
            patience: Some(1_000_000),
            ..bench.request(Level::All, &program, &work)
        };
        let (at, first) = match cross_check(&request, &bench.layout, &mut |_, _| {}) {
            Ok(o) => {
                let first = o.differences.first().map_or("nothing".to_owned(), |d| d.text.clone());
                (caught_at(&o.differences), first)
            }
            // A core that hangs or stops is caught at any level.
            Err(CosimError::Simulation(text)) => {
                let first = text
                    .lines()
                    .find(|l| l.contains("harness"))
                    .unwrap_or("the simulation failed")
                    .to_owned();
                ([true; 4], first)
            }
            Err(e) => return Err(e.into()),
        };
        rows.push(FaultRow {
            fault: fault.name,
            kind: fault.kind,
            what: fault.what,
            caught: at.contains(&true),
            at_final: at[0],
            at_signature: at[1],
            at_states: at[2],
            at_events: at[3],
            first,
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    let missed = rows.iter().filter(|r| !r.caught).count();
    if args.json {
        tell!("{}", serde_json::to_string_pretty(&rows).map_err(CliError::tool_message)?)?;
    } else {
        tell!("{:<22} {:<10} final  signature  states  events  first event", "defect", "kind")?;
        let mark = |b: bool| if b { "x" } else { "." };
        for r in &rows {
            tell!(
                "{:<22} {:<10} {:^5}  {:^9}  {:^6}  {:^6}  {}",
                r.fault,
                r.kind,
                mark(r.at_final),
                mark(r.at_signature),
                mark(r.at_states),
                mark(r.at_events),
                r.first
            )?;
        }
        tell!(
            "\n{} defects over {} samples, {} caught, {missed} missed",
            rows.len(),
            samples.len(),
            rows.len() - missed
        )?;
    }
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
