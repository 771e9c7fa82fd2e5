//! `eqhdl bench`: speed as ratios inside one run, beside what bounds it.

use super::CliError;
use super::say::tell;
use super::study::watch::Watch;
use crate::cosim::{Builds, CosimError, Level, Outcome, Request, Tracing, cross_check};
use crate::coverage::Looking;
use crate::data::{self, QuantisedSamples};
use crate::design::{Datapath, Design};
use crate::lock::Lock;
use crate::reference::bench::{mac_rate, synthetic};
use crate::reference::fast::Fast;
use crate::reference::train::{Plan, PlannedSample, Trainer, TrainingData};
use crate::reference::{Silent, Weights};
use crate::rules::Program;
use crate::schedule::{Layout, predict};
use crate::study::file;
use crate::study::plan::{self, Named};
use crate::study::run::{Outcome as PointOutcome, run as run_points};
use crate::study::store::Store;
use crate::synth::Spread;
use crate::verilog::Sources;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Measure speed: ratios taken inside one run, printed beside their bars
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  make bench            everything, about ten minutes on two cores\n  eqhdl bench --quick   shorter trainings, no whole-training checks\n  eqhdl bench --only reference --only verilated"
)]
pub struct BenchArgs {
    /// Folder of the shipped designs
    #[arg(long, value_name = "DIR", default_value = "designs")]
    designs: PathBuf,
    /// Folder for builds
    #[arg(short, long, value_name = "DIR", default_value = "build/bench")]
    out: PathBuf,
    /// Shorter: no whole trainings
    #[arg(long)]
    quick: bool,
    /// Only these parts (may be given several times)
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
}

/// A part of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Whole trainings in RTL, every event compared
    Training,
    /// What each level of comparison costs on the digits
    Digits,
    /// The same at the size of MNIST
    Mnist,
    /// The reference against a dot product
    Reference,
    /// Share of cycles that read weights
    Cycles,
    /// How fast the simulated hardware learns
    Verilated,
    /// What a study costs beside its trainings, and how it uses the cores
    Study,
}

/// One line of the table.
fn line(what: &str, bar: &str, measured: &str, met: bool) -> Result<(), CliError> {
    tell!("{:<66} {:<22} {:<34} {}", what, bar, measured, if met { "met" } else { "NOT MET" })
}

/// A built design with its samples.
struct Case {
    design: Design,
    layout: Layout,
    data: TrainingData,
    samples: Vec<PlannedSample>,
    per_epoch: u64,
    folder: PathBuf,
}

impl Case {
    fn load(args: &BenchArgs, name: &str) -> Result<Case, CliError> {
        let design = super::load_design(&args.designs.join(format!("{name}.toml")))?;
        let dataset = data::load(&design).map_err(CliError::input_message)?;
        let plan = Plan::new(&design, &dataset);
        let samples = (0..plan.epochs.min(100)).flat_map(|e| plan.samples(e)).collect();
        let data = TrainingData::new(&design, &dataset);
        Ok(Case::of(args, design, data, samples, plan.samples_per_epoch().into()))
    }

    /// The same network on synthetic samples with as many non-zero inputs as MNIST has.
    fn synthetic(
        args: &BenchArgs,
        name: &str,
        samples: u32,
        edit: impl FnOnce(&mut Design),
    ) -> Result<Case, CliError> {
        let mut design = super::load_design(&args.designs.join(format!("{name}.toml")))?;
        edit(&mut design);
        let data = synthetic_data(&design, samples);
        let samples = (0..samples)
            .map(|n| PlannedSample { number: n, index: n, train: true, ends_batch: true, rates: 0 })
            .collect();
        Ok(Case::of(args, design, data, samples, u64::MAX))
    }

    fn of(
        args: &BenchArgs,
        design: Design,
        data: TrainingData,
        samples: Vec<PlannedSample>,
        per_epoch: u64,
    ) -> Case {
        let folder = args.out.join(&design.name);
        Case { layout: Layout::of(&design), design, data, samples, per_epoch, folder }
    }

    fn build(&self, tracing: Tracing) -> Result<PathBuf, CosimError> {
        let sources = Sources::of(&self.design, &self.layout);
        let builds = Builds::open(&self.folder.join("sim"))?;
        Ok(builds.simulator(&self.design, &self.layout, &sources, tracing)?.program)
    }

    fn run(&self, level: Level, program: &Path, count: usize) -> Result<Outcome, CosimError> {
        self.look(level, program, count, Looking::Nowhere)
    }

    fn look(
        &self,
        level: Level,
        program: &Path,
        count: usize,
        looking: Looking,
    ) -> Result<Outcome, CosimError> {
        let work = self.folder.join("work");
        let start = Weights::initial(&self.design);
        let request = Request {
            design: &self.design,
            data: &self.data,
            samples: &self.samples[..count.min(self.samples.len())],
            per_epoch: self.per_epoch,
            start: &start,
            level,
            program,
            work: &work,
            waves: None,
            survey: false,
            looking,
            patience: None,
        };
        cross_check(&request, &self.layout, &mut |_, _| {})
    }

    /// Wall time of a comparison that collects coverage over one that does not: median of paired rounds.
    fn coverage_ratio(&self, count: usize, rounds: usize) -> Result<(f64, bool), CosimError> {
        let program = self.build(Tracing::Commits)?;
        let (mut ratios, mut equal) = (Vec::new(), true);
        for _ in 0..rounds {
            let [without, with] = [Looking::Nowhere, Looking::Here]
                .map(|looking| self.look(Level::Events, &program, count, looking));
            let (without, with) = (without?, with?);
            equal &= without.equal() && with.equal() && with.coverage.is_some();
            ratios.push(with.wall.as_secs_f64() / without.wall.as_secs_f64());
        }
        Ok((median(&ratios), equal))
    }

    /// Wall time of a level over the simulator's own time without tracing: median of paired rounds.
    fn ratio(&self, level: Level, count: usize, rounds: usize) -> Result<(f64, bool), CosimError> {
        let (plain, traced) = (self.build(Tracing::None)?, self.build(Tracing::Commits)?);
        let mut ratios = Vec::new();
        let mut equal = true;
        for _ in 0..rounds {
            let base = self.run(Level::Final, &plain, count)?;
            let with = self.run(level, &traced, count)?;
            equal &= base.equal() && with.equal();
            ratios.push(with.wall.as_secs_f64() / base.simulated.map_or(f64::NAN, |s| s.1));
        }
        Ok((median(&ratios), equal))
    }
}

/// Runs the benchmarks.
pub fn run(args: &BenchArgs) -> Result<ExitCode, CliError> {
    let _ours = Lock::acquire(&args.out).map_err(|e| CliError::Tool(e.into()))?;
    tell!("{:<66} {:<22} measured", "what", "bar")?;
    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    for (part, measure) in [
        (Part::Training, trainings as fn(&BenchArgs) -> Result<(), CliError>),
        (Part::Digits, digits_levels),
        (Part::Mnist, mnist_states),
        (Part::Reference, reference_rates),
        (Part::Cycles, weight_read_shares),
        (Part::Verilated, verilated_rate),
        (Part::Study, study_rates),
    ] {
        if wanted(part) && !(args.quick && part == Part::Training) {
            measure(args)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whole trainings in RTL, every event compared.
fn trainings(args: &BenchArgs) -> Result<(), CliError> {
    for name in ["digits-ep", "digits-cep"] {
        let case = Case::load(args, name)?;
        let o = case.run(Level::Events, &case.build(Tracing::Commits)?, usize::MAX)?;
        let (hardware, reference) = (o.test_accuracy.unwrap_or(0.0), o.reference_accuracy.unwrap_or(0.0));
        line(
            &format!("{name}: whole training in RTL at level events"),
            "0 differences, >= 95 %",
            &format!(
                "{} differences, {:.2} %, {:.1} s",
                o.differences.len(),
                100.0 * hardware,
                o.wall.as_secs_f64()
            ),
            o.equal() && hardware >= 0.95 && hardware == reference,
        )?;
    }
    Ok(())
}

/// What each level of comparison costs.
fn digits_levels(args: &BenchArgs) -> Result<(), CliError> {
    let digits = Case::load(args, "digits-cep")?;
    let count = 2 * digits.per_epoch as usize;
    for (level, bar) in [(Level::Signature, 1.1), (Level::States, 1.2), (Level::Events, 1.5)] {
        let (ratio, equal) = digits.ratio(level, count, 5)?;
        line(
            &format!("digits-cep: wall time at level {} over no tracing", level.word()),
            &format!("<= {bar}"),
            &format!("{ratio:.2} (median of 5 pairs)"),
            equal && ratio <= bar,
        )?;
    }
    let (ratio, equal) = digits.coverage_ratio(count, 5)?;
    line(
        "digits-cep: collecting coverage over not collecting, level events",
        "<= 1.1",
        &format!("{ratio:.2} (median of 5 pairs)"),
        equal && ratio <= 1.1,
    )
}

/// The same at the size of MNIST.
fn mnist_states(args: &BenchArgs) -> Result<(), CliError> {
    let mnist = match Case::load(args, "mnist-cep") {
        Ok(case) => case,
        Err(_) => {
            tell!(
                "(no MNIST in data/mnist, `make data` brings it; synthetic samples of the same density instead)"
            )?;
            Case::synthetic(args, "mnist-cep", 500, |_| ())?
        }
    };
    let (ratio, equal) = mnist.ratio(Level::States, 500, 3)?;
    line(
        "mnist-cep 784-512-10: 500 samples at level states over no tracing",
        "0 differences, <= 1.3",
        &format!("{ratio:.2}"),
        equal && ratio <= 1.3,
    )?;
    let (ratio, equal) = mnist.coverage_ratio(500, 3)?;
    line(
        "mnist-cep 784-512-10: collecting coverage over not collecting",
        "<= 1.1",
        &format!("{ratio:.2} (median of 3 pairs of 500 samples)"),
        equal && ratio <= 1.1,
    )?;
    let peak = peak_memory_mib();
    line(
        "  peak memory of this process (all of MNIST is loaded)",
        "< 1024 MiB",
        &format!("{peak} MiB"),
        peak < 1024,
    )?;
    Ok(())
}

/// The reference against a dot product.
fn reference_rates(args: &BenchArgs) -> Result<(), CliError> {
    for (name, bar) in [("mnist-ep", 0.5), ("mnist-cep", 0.5), ("mnist-conv", 0.6)] {
        let design = super::load_design(&args.designs.join(format!("{name}.toml")))?;
        let r = mac_rate(&design, Duration::from_secs(if args.quick { 2 } else { 6 }));
        line(
            &format!("{name}: reference's multiply-accumulates over an int16 dot product's"),
            &format!(">= {bar}"),
            &format!(
                "{:.2} ({:.1} of {:.1} G/s; {:.0} % known unchanged), {:.0} samples/s",
                r.ratio,
                r.model / 1e9,
                r.dot / 1e9,
                100.0 * r.unchanged,
                r.samples_per_s
            ),
            r.ratio >= bar,
        )?;
    }
    batch_rates(args)
}

/// So many training samples with as many non-zero inputs as MNIST has, and no tests.
fn synthetic_data(design: &Design, samples: u32) -> TrainingData {
    let part = |samples: u32| QuantisedSamples {
        inputs: design.network.inputs(),
        raw: synthetic(design, samples, 19).concat(),
        labels: (0..samples as u16).map(|l| l % design.classes() as u16).collect(),
    };
    TrainingData { train: part(samples), test: part(0), augment: None, checksum: "synthetic".to_owned() }
}

/// The samples of a batch on one core and on all, in turn.
fn batch_rates(args: &BenchArgs) -> Result<(), CliError> {
    let cores = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let mut design = super::load_design(&args.designs.join("mnist-conv.toml"))?;
    design.batch = 20;
    design.datapath =
        Datapath::derive(&design).map_err(|misfit| CliError::tool_message(misfit.to_string()))?;
    let samples = if args.quick { 60 } else { 200 };
    let data = synthetic_data(&design, samples);
    let plan = Plan {
        seed: design.seed,
        epochs: 1,
        train_samples: samples,
        test_samples: 0,
        batch: design.batch,
        milestones: design.milestones,
    };
    let time = |cores| {
        let mut trainer = Trainer::new(&design, &data, plan).on(cores);
        let start = Instant::now();
        while trainer.step().is_some() {}
        start.elapsed().as_secs_f64()
    };
    let gains: Vec<f64> = (0..5).map(|_| time(NonZero::<usize>::MIN) / time(cores)).collect();
    let (gain, bar) = (median(&gains), 0.9 * cores.get() as f64);
    line(
        &format!("mnist-conv: a batch of 20 on {cores} cores over one"),
        &format!(">= {bar:.1}"),
        &format!("{gain:.2} (median of 5 pairs)"),
        gain >= bar,
    )
}

/// How near the hardware is to its memory bandwidth, where it makes every pass.
fn weight_read_shares(args: &BenchArgs) -> Result<(), CliError> {
    for name in ["mnist-cep-128-p16", "mnist-cep-128-p64"] {
        let case = Case::synthetic(args, name, 40, |d| d.skip_still = false)?;
        let o = case.run(Level::Final, &case.build(Tracing::None)?, 40)?;
        let c = predict(&case.layout, &Program::of(&case.design).train, 150);
        line(
            &format!("{name}: share of cycles that read weights"),
            ">= 90 %",
            &format!("{:.1} % ({} cycles/sample at 150 inputs)", 100.0 * o.read_share, c.all),
            o.equal() && o.read_share >= 0.9,
        )?;
    }
    Ok(())
}

/// How fast the simulated hardware learns.
fn verilated_rate(args: &BenchArgs) -> Result<(), CliError> {
    // A training that is nearly all learning passes, in hardware and in the reference, each of them made.
    let learning = Case::synthetic(args, "mnist-cep-128-p64", 60, |d| {
        d.skip_still = false;
        d.free_steps = 1;
        d.nudged_steps = 60;
        d.name.push_str("_learning");
    })?;
    let program = learning.build(Tracing::None)?;
    let mut rates = Vec::new();
    for _ in 0..5 {
        let o = learning.run(Level::Final, &program, usize::MAX)?;
        let (cycles, seconds) = o.simulated.unwrap_or((0, f64::NAN));
        rates.push((
            cycles as f64 * o.read_share * learning.layout.lanes as f64 / seconds,
            cycles as f64 / seconds,
        ));
    }
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (lane_ops, cycles_per_s) = rates[2];
    let native = native_rate(&learning);
    line(
        "verilated core, P = 64, learning pass: lane operations per second",
        ">= 5e8",
        &format!("{lane_ops:.2e} ({:.1} M cycles/s)", cycles_per_s / 1e6),
        lane_ops >= 5e8,
    )?;
    tell!("  the native loop (the reference on the same samples): {native:.2e} per second")?;
    Ok(())
}

/// What a study costs beside its trainings, and how it uses the cores: the same points trained by themselves, as a
/// study on one core, and as a study on all, five times in turn.
fn study_rates(args: &BenchArgs) -> Result<(), CliError> {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let seeds: Vec<usize> = (1..=4 * cores).collect();
    let text = format!(
        "title = \"bench\"\nbase = \"digits-cep.toml\"\nepochs = 5\nseeds = {seeds:?}\n[[point]]\nrounding.weight = \"STOCHASTIC\"\n"
    );
    let study = file::parse(&args.designs.join("bench.toml"), &text).map_err(CliError::input)?;
    let points = plan::plan(&study).map_err(CliError::input)?;
    let points: Vec<&Named> = points.iter().collect();
    let (mut costs, mut gains) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let alone = Instant::now();
        for run in points.iter().filter_map(|p| p.run.as_ref().ok()) {
            let mut trainer = Trainer::new(&run.design, &run.data, run.plan);
            while trainer.step().is_some() {}
        }
        let alone = alone.elapsed();
        let (one, all) = (study_time(args, &points, 1)?, study_time(args, &points, cores)?);
        costs.push(one.as_secs_f64() / alone.as_secs_f64());
        gains.push(one.as_secs_f64() / all.as_secs_f64());
    }
    let (cost, gain) = (median(&costs), median(&gains));
    line(
        &format!("digits-cep: study of {} points on one core over its trainings", points.len()),
        "<= 1.05",
        &format!("{cost:.3} (median of 5 pairs)"),
        cost <= 1.05,
    )?;
    let bar = 0.9 * cores as f64;
    line(
        &format!("digits-cep: points per second on {cores} cores over one"),
        &format!(">= {bar:.1}"),
        &format!("{gain:.2} (median of 5 pairs)"),
        gain >= bar,
    )?;
    Ok(())
}

/// Wall time of a study from nothing, with so many threads.
fn study_time(args: &BenchArgs, points: &[&Named], threads: usize) -> Result<Duration, CliError> {
    let folder = args.out.join("study");
    let _ = std::fs::remove_dir_all(&folder);
    let begin = Instant::now();
    let watch = Watch::new(true, points);
    let stop = AtomicBool::new(false);
    let outcomes = run_points(points, &Store::new(folder.join("results")), &folder, threads, &stop, &watch);
    let wall = begin.elapsed();
    match outcomes.iter().find(|o| !matches!(o, PointOutcome::Done { kept: false, .. })) {
        Some(other) => Err(CliError::tool_message(format!("a point of the study did not train: {other:?}"))),
        None => Ok(wall),
    }
}

fn median(values: &[f64]) -> f64 {
    Spread::of(values).map_or(f64::NAN, |s| s.median)
}

/// Lane operations per second of the reference on a case: the hardware's weight reads times its lanes, over the
/// reference's time for the same samples.
fn native_rate(case: &Case) -> f64 {
    let mut network = Fast::new(&case.design, &Weights::initial(&case.design));
    let program = Program::of(&case.design);
    let begin = Instant::now();
    let mut reads = 0;
    for &s in &case.samples {
        let (input, label) = case.data.sample(s);
        network.run(&input, label, s.train, &mut Silent);
        reads +=
            predict(&case.layout, &program.train, input.iter().filter(|&&x| x != 0).count()).weight_reads;
    }
    reads as f64 * case.layout.lanes as f64 / begin.elapsed().as_secs_f64()
}

/// Largest resident memory of this process so far.
fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
