//! `eqhdl gradient`: the update of a learning rule against backpropagation through time.

use super::CliError;
use super::say::{self, note, tell};
use crate::data;
use crate::design::{Constant, Datapath, Design, Dynamics, Misfit, NudgePlace, Order, Readout, Rule};
use crate::fixed_point::Format;
use crate::gradient::circle::{self, CircleStudy};
use crate::gradient::compare::{Angles, Comparison, Measures, StepRow, TotalRow};
use crate::gradient::studies::{ContinualRow, FormatRow, NudgeStudy, Studied, continual, formats, nudges};
use crate::gradient::{Example, examples, files};
use crate::schedule::bits;
use crate::whole;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  eqhdl gradient designs/digits-cep.toml               one sample; tables, and files in build/digits_cep/gradient
  eqhdl gradient designs/digits-ep.toml --samples 20   the gradient of the mean loss of 20 samples
  eqhdl gradient designs/results/mnist-cep-1h.toml --samples 20 --no-studies   seconds, not minutes
  eqhdl gradient mynet.toml --json | jq .nudges        the studies for machines

Each estimate points where learning goes and is held against -dL/dtheta of L = 1/2 |output - target|^2, by BPTT
through the last K of the T free steps, in 64-bit floats. Files: totals.csv, steps.csv (every layer and step),
curves.csv and curves.svg (the largest gradients over time), continual.csv, nudges.csv and nudges.svg, circle.csv and
circle.svg (the studies; the last where nudges may be complex numbers).";

/// Hold the update of the design's rule against BPTT, in real numbers and in fixed point
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct GradientArgs {
    /// Design file
    design: PathBuf,
    /// First training sample, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    sample: usize,
    /// Take the mean gradient of this many samples
    #[arg(long, value_name = "N", default_value_t = 1)]
    samples: usize,
    /// Seed of the initial weights and random bits (default: the design's)
    #[arg(long, value_name = "SEED")]
    seed: Option<u32>,
    /// Folder for tables and pictures (default: build/NAME/gradient)
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only the comparison; the studies of nudge, rates and formats take minutes on a large network
    #[arg(long)]
    no_studies: bool,
    /// Print a machine-readable summary on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    design: PathBuf,
    data: String,
    first_sample: usize,
    samples: usize,
    seed: u32,
    free_steps: u32,
    nudged_steps: u32,
    beta: f64,
    loss: f64,
    totals: Vec<TotalRow>,
    /// Degrees between the whole update of all weights and minus the gradient.
    angles: Angles,
    steps: Vec<StepRow>,
    /// What the studies changed in the network.
    studied: Vec<&'static str>,
    /// Steps to settle; the studies need that and are left out without it.
    settles_in: Option<usize>,
    continual: Vec<ContinualRow>,
    nudges: Option<NudgeStudy>,
    /// Nudges on a circle in the complex plane; none where states are no analytic function of the nudge.
    circle: Option<CircleStudy>,
    #[serde(skip)]
    no_circle: Option<&'static str>,
    formats: Vec<FormatRow>,
    out: PathBuf,
}

/// The network of a design whose nudge goes round a circle, as one-sided EP has it: its states are real, and the report
/// shows the circle in real numbers beside it.
fn one_sided(design: Design) -> Result<Design, Misfit> {
    let round = design.circle.map_or(1, |c| c.points * c.periods.unwrap_or(1));
    let mut design = Design { rule: Rule::Ep, circle: None, ..design };
    for s in &mut design.synapses {
        // The coefficients of the points come to so much more.
        let format = Format { width: s.rate.format.width + bits(round as usize), ..s.rate.format };
        s.rate = Constant::nearest(s.rate.wanted * f64::from(round), format);
    }
    design.datapath = Datapath::derive(&design)?;
    Ok(design)
}

/// Compares, studies, writes the files and prints.
///
/// # Errors
/// A design or data set that cannot be used, samples that are not there, a file that cannot be written.
pub fn run(args: &GradientArgs) -> Result<ExitCode, CliError> {
    let mut design = super::load_design(&args.design)?;
    if let Some(seed) = args.seed {
        design.seed = seed;
    }
    if design.momentum.is_some() {
        return Err(CliError::input_message(
            "what earlier updates left is no part of a gradient: remove `momentum` to study the rule",
        ));
    }
    if design.is_complex() {
        note!("states are complex: shown are one-sided EP of this network, and its circle in real numbers");
        design = one_sided(design).map_err(|misfit| CliError::input_message(misfit.to_string()))?;
    }
    if design.is_batched() {
        return Err(CliError::input_message(
            "a gradient is held against the update of single samples (their mean is shown): write `batch = 1`",
        ));
    }
    if design.weight_decay.wanted != 0.0 {
        return Err(CliError::input_message(
            "weight decay is no part of a gradient: remove `weight_decay` to study the rest of the rule",
        ));
    }
    let dataset = data::load(&design).map_err(CliError::input_message)?;
    let there = dataset.train.len();
    if args.samples == 0 {
        return Err(CliError::input_message("--samples 0: a gradient needs at least one sample"));
    }
    if args.sample.checked_add(args.samples).is_none_or(|end| end > there) {
        return Err(CliError::input_message(format!(
            "--sample {} --samples {}: {} has {there} training samples, 0 to {}",
            args.sample,
            args.samples,
            dataset.name,
            there.saturating_sub(1)
        )));
    }
    let samples = examples(&design, &dataset.train, args.sample, args.samples);
    let comparison = Comparison::of(&design, &samples);
    let out = args.out.clone().unwrap_or_else(|| Path::new("build").join(&design.name).join("gradient"));
    let report = report(args, &design, dataset.name, &samples, &comparison, out)?;
    write_files(&report, &comparison)?;
    if args.json {
        tell!("{}", serde_json::to_string_pretty(&report).map_err(CliError::tool_message)?)?;
    } else {
        say::tell_text(&text(&report, &design, !args.no_studies))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report(
    args: &GradientArgs,
    design: &Design,
    data: String,
    samples: &[Example],
    comparison: &Comparison,
    out: PathBuf,
) -> Result<Report, CliError> {
    let mut changes = Vec::new();
    if design.nudge_place == NudgePlace::Outside && design.readout == Readout::Squared {
        changes.push("nudge inside");
    }
    if design.order != Order::Synchronous {
        changes.push("all layers at once");
    }
    if design.dynamics == Dynamics::Energy {
        changes.push("leaky dynamics");
    }
    let mut report = Report {
        design: args.design.clone(),
        data,
        first_sample: args.sample,
        samples: samples.len(),
        seed: design.seed,
        free_steps: design.free_steps,
        nudged_steps: design.nudged_steps,
        beta: design.beta.wanted,
        loss: comparison.loss,
        totals: comparison.totals(),
        angles: comparison.angles(),
        steps: comparison.steps(),
        studied: changes,
        settles_in: None,
        continual: Vec::new(),
        nudges: None,
        circle: None,
        no_circle: None,
        formats: Vec::new(),
        out,
    };
    // Weights of their own on the way back have no loss whose gradient they tend to.
    if args.no_studies || design.has_separate_feedback() {
        return Ok(report);
    }
    let bar = ProgressBar::new(5).with_finish(ProgressFinish::AndClear).with_style(
        ProgressStyle::with_template("{spinner} {pos} of {len}: {msg}  {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    bar.enable_steady_tick(Duration::from_millis(200));
    let next = |what: &'static str| {
        bar.inc(1);
        bar.set_message(what);
    };
    next("how long the network takes to settle");
    let studied = Studied::of(design, samples);
    report.settles_in = studied.settles_in;
    if studied.settles_in.is_some() {
        next("continual updates");
        report.continual = continual(&studied, design.nudged_steps, samples);
        next("strength of the nudge");
        report.nudges = Some(nudges(&studied, samples));
        report.no_circle = circle::missing(&studied);
        if report.no_circle.is_none() {
            next("nudges on a circle");
            report.circle = Some(circle::circle(&studied, samples));
        }
        next("number formats");
        report.formats = formats(&studied, samples).map_err(CliError::input_message)?;
    }
    Ok(report)
}

fn write_files(r: &Report, c: &Comparison) -> Result<(), CliError> {
    let mut contents = vec![
        ("totals.csv", files::totals_csv(&r.totals)),
        ("steps.csv", files::steps_csv(&r.steps)),
        ("curves.csv", files::curves_csv(c)),
        ("curves.svg", files::curves_svg(c)),
    ];
    if let Some(study) = &r.nudges {
        contents.push(("continual.csv", files::continual_csv(&r.continual)));
        contents.push(("nudges.csv", files::nudges_csv(study, &r.formats)));
        contents.push(("nudges.svg", files::nudges_svg(study, &r.formats)));
    }
    if let Some(study) = &r.circle {
        contents.push(("circle.csv", files::circle_csv(study)));
        contents.push(("circle.svg", files::circle_svg(study)));
    }
    let failed = |path: &Path, e: std::io::Error| {
        CliError::tool_message(format!("cannot write {}: {e}", path.display()))
    };
    for (name, content) in contents {
        let path = r.out.join(name);
        whole::write(&path, content.as_bytes()).map_err(|e| failed(&path, e))?;
    }
    Ok(())
}

/// A number of any size in nine columns.
fn number(v: Option<f64>) -> String {
    match v {
        None => "-".into(),
        Some(0.0) => "0".into(),
        Some(v) if (1e-3..1e3).contains(&v.abs()) => format!("{v:.4}"),
        Some(v) => format!("{v:.1e}"),
    }
}

/// Relative error, cosine, share of same signs.
fn measures(m: &Measures) -> String {
    let signs = m.sign_agreement.map_or_else(|| "-".into(), |s| format!("{:.1} %", 100.0 * s));
    format!("{:>8} {:>8} {signs:>8}", number(m.relative_error), number(m.cosine))
}

fn text(r: &Report, design: &Design, studies: bool) -> String {
    let mut t = String::new();
    let which = if r.samples == 1 {
        format!("training sample {}", r.first_sample)
    } else {
        format!("mean of training samples {} to {}", r.first_sample, r.first_sample + r.samples - 1)
    };
    let how = match (design.readout, design.nudge_place) {
        (Readout::Softmax, _) => "softmax read-out",
        (_, NudgePlace::Inside) => "nudge inside",
        (_, NudgePlace::Outside) => "nudge outside",
    };
    let _ = writeln!(
        t,
        "{}: {:?}, {:?} dynamics, {how}, T {}, K {}, beta {}; {which} of {}, loss {:.6}\n",
        design.name, design.rule, design.dynamics, r.free_steps, r.nudged_steps, r.beta, r.data, r.loss
    );
    let columns = "   error   cosine    signs";
    let _ = writeln!(t, "whole update against BPTT through the last K steps");
    let heads = ["real numbers", "fixed point, its states", "fixed point, as learned"];
    let _ = writeln!(t, "{:20}  {:26}  {:26}  {:26}  curves' RMSE", "", heads[0], heads[1], heads[2]);
    let _ = writeln!(t, "{:20}  {columns}  {columns}  {columns}    real   fixed", "");
    for row in &r.totals {
        let _ = writeln!(
            t,
            "  {:<7} of layer {}  {}  {}  {}  {:>6} {:>7}",
            row.quantity,
            row.layer,
            measures(&row.float),
            measures(&row.fixed_states),
            measures(&row.fixed_learned),
            number(Some(row.rmse_float)),
            number(Some(row.rmse_fixed))
        );
    }
    let degrees = |a: Option<f64>| a.map_or_else(|| "-".into(), |a| format!("{a:.1} degrees"));
    let a = &r.angles;
    let _ = writeln!(
        t,
        "  {:18}  {:26}  {:26}  {}",
        "angle, all weights",
        degrees(a.float),
        degrees(a.fixed_states),
        degrees(a.fixed_learned)
    );
    let _ = writeln!(t, "\nstep by step (t steps after the nudge began, t steps back in time)");
    let _ = writeln!(
        t,
        "{:20}    t  |BPTT|    {:26}  {:26}\n{:34}{columns}  {columns}",
        "", heads[0], heads[1], ""
    );
    for s in r.steps.iter().filter(|s| s.bptt_norm > 0.0) {
        let _ = writeln!(
            t,
            "  {:<7} of layer {} {:>4}  {:>8}  {}  {}",
            s.quantity,
            s.layer,
            s.t,
            number(Some(s.bptt_norm)),
            measures(&s.float),
            measures(&s.fixed)
        );
    }
    if studies {
        studies_text(r, design, &mut t);
    }
    let _ = writeln!(t, "\ntables and pictures: {}", r.out.display());
    t
}

fn studies_text(r: &Report, design: &Design, t: &mut String) {
    if design.has_separate_feedback() {
        let _ = writeln!(
            t,
            "\nno studies: with weights of their own on the way back the update tends to no gradient, however small nudge and rates"
        );
        return;
    }
    let changed =
        if r.studied.is_empty() { String::new() } else { format!(" with {}", r.studied.join(" and ")) };
    let Some(study) = &r.nudges else {
        let _ = writeln!(
            t,
            "\nno studies: in real numbers that network{changed} does not settle, so there is no gradient to tend to"
        );
        return;
    };
    let _ = writeln!(
        t,
        "\nstudies on that network{changed}; {} free steps: twice as many as until no state moves\n\n\
         continual updates: mean RMSE of the parameters' curves to BPTT's, over {} nudged steps",
        study.steps.0, r.nudged_steps
    );
    let mut betas: Vec<f64> = r.continual.iter().map(|c| c.beta).collect();
    betas.dedup();
    let _ = write!(t, "  {:<22}", "rates, times the design's");
    for row in r.continual.iter().filter(|c| c.beta == betas[0]) {
        let _ = write!(t, " {:>9}", number(Some(row.rate_factor)));
    }
    for beta in betas {
        let _ = write!(t, "\n  {:<24}", format!("beta {}", number(Some(beta))));
        for row in r.continual.iter().filter(|c| c.beta == beta) {
            let _ = write!(t, " {:>9}", number(Some(row.rmse)));
        }
    }
    let _ = writeln!(
        t,
        "\n\nrelative error of the whole update over beta, real numbers, {} nudged steps",
        study.steps.1
    );
    let _ = writeln!(t, "       beta  one-sided  symmetric");
    for row in &study.rows {
        let _ = writeln!(
            t,
            "  {:>9.2e}  {:>9}  {:>9}",
            row.beta,
            number(row.one_sided.relative_error),
            number(row.symmetric.relative_error)
        );
    }
    let slope = |s: Option<f64>| s.map_or_else(|| "-".into(), |s| format!("{s:.4}"));
    let _ = writeln!(
        t,
        "  error ~ beta^{} one-sided, beta^{} symmetric (fitted from beta {} to {})",
        slope(study.one_sided_slope),
        slope(study.symmetric_slope),
        study.fitted.0,
        study.fitted.1
    );
    circle_text(r, t);
    let _ = writeln!(
        t,
        "\nwhere fixed point ends the improvement: the best beta of each format, and the error there\n  \
         states and drives      one-sided: beta     error    symmetric: beta     error"
    );
    let mut formats: Vec<Option<i32>> = r.formats.iter().map(|f| f.frac).collect();
    formats.dedup();
    for frac in formats {
        let rows = || r.formats.iter().filter(|f| f.frac == frac);
        let best = |of: &dyn Fn(&FormatRow) -> Option<f64>| {
            rows().filter_map(|row| Some((of(row)?, row.beta))).min_by(|a, b| a.0.total_cmp(&b.0))
        };
        let name = frac.map_or_else(|| "the design's own".into(), |f| format!("{f} fraction bits"));
        let shown = |b: Option<(f64, f64)>| (number(b.map(|b| b.1)), number(b.map(|b| b.0)));
        let (one, two) = (
            shown(best(&|row| row.one_sided.relative_error)),
            shown(best(&|row| row.symmetric.relative_error)),
        );
        let _ = writeln!(t, "  {name:<20}  {:>16}  {:>8}   {:>16}  {:>8}", one.0, one.1, two.0, two.1);
    }
}

/// Nudges on a circle, or why there are none.
fn circle_text(r: &Report, t: &mut String) {
    let Some(study) = &r.circle else {
        if let Some(why) = r.no_circle {
            let _ = writeln!(t, "\nno study of nudges on a circle in the complex plane: {why}");
        }
        return;
    };
    let _ = writeln!(
        t,
        "\nholomorphic EP: relative error of the whole update from N points on a circle of radius |beta|, real numbers"
    );
    let columns = |cells: &mut dyn Iterator<Item = String>| -> String {
        cells.map(|cell| format!("  {cell:>10}")).collect()
    };
    let heads = columns(&mut circle::POINTS.iter().map(|n| format!("N = {n}")));
    let _ = writeln!(t, "     |beta|{heads}");
    for row in &study.rows {
        let errors = columns(&mut row.errors.iter().map(|e| number(*e)));
        let settled = if row.settled { "" } else { "  does not settle" };
        let _ = writeln!(t, "  {:>8.2e}{errors}{settled}", row.beta);
    }
    let slope = |s: &Option<f64>| s.map_or_else(|| "-".into(), |s| format!("{s:.3}"));
    let slopes: Vec<String> = study.slopes.iter().map(slope).collect();
    let _ = writeln!(t, "  error ~ |beta|^{} (fitted)", slopes.join(", "));
    if let Some(radius) = study.radius {
        let _ = writeln!(
            t,
            "  radius of convergence about {radius:.2}: beyond it more points do not help, below it the error falls as (|beta| / {radius:.2})^N"
        );
    }
    let periods = |p: &u32| format!("{p} period{}", if *p == 1 { "" } else { "s" });
    let heads = columns(&mut circle::PERIODS.iter().map(periods));
    let _ = writeln!(
        t,
        "\nthe same without phases: the nudge walks round {} points of radius {} and the states follow; relative error\n  steps a point{heads}",
        circle::WALK.0,
        circle::WALK.1
    );
    for row in &study.walk {
        let errors = columns(&mut row.after.iter().map(|m| number(m.relative_error)));
        let _ = writeln!(t, "  {:>13}{errors}", row.steps);
    }
}
