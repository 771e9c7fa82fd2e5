//! `eqhdl check`: what a design means, before anything is built.

use super::CliError;
use super::say::{note, tell};
use crate::data;
use crate::design::Design;
use crate::fixed_point::Interval;
use crate::network::Connection;
use crate::rules::Program;
use crate::schedule::{Cycles, Layout, predict, predict_training};
use crate::verilog::Price;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Validate a design; print formats, intervals, widths, memory, multipliers and cycles per sample
#[derive(clap::Args)]
#[command(after_help = "\
The design's data is opened, if it is there, and refused for the same reasons as by `eqhdl train`.

Example:
  eqhdl check designs/digits-cep.toml
  eqhdl check designs/mnist-cep.toml --no-data
  eqhdl check --json designs/mnist-cep.toml | jq .cycles_per_sample")]
pub struct CheckArgs {
    /// Design file
    design: PathBuf,
    /// Do not open the design's data
    #[arg(long)]
    no_data: bool,
    /// Print a machine-readable summary on standard output
    #[arg(long)]
    json: bool,
}

/// What was found of a design's data.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum DataReport {
    /// It can be trained on.
    Opened {
        name: String,
        train_samples: usize,
        test_samples: usize,
        classes: usize,
        /// SHA-256 of the samples.
        checksum: String,
        warnings: Vec<String>,
        /// The training samples of an epoch's last batch, where it is shorter than the others.
        short_batch: Option<usize>,
    },
    /// It is not there, and why one thinks so.
    Missing(String),
}

/// What `--json` prints.
#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    report: &'a CheckReport,
    /// None where it was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<DataReport>,
}

#[derive(Serialize)]
struct SignalReport {
    name: String,
    lowest: String,
    highest: String,
    width: u32,
    frac: i32,
}

#[derive(Serialize)]
struct CycleReport {
    inputs_not_zero: usize,
    train: Cycles,
    infer: Cycles,
    weight_read_share: f64,
}

/// The synapses to a layer, and the layer.
#[derive(Serialize)]
struct LayerReport {
    /// As a design file has it.
    typed: String,
    /// Rows, columns and channels of its neurons, or how many there are.
    shape: String,
    /// Weights that lead to one place, the bias not counted.
    taps: usize,
    /// Weights and biases, one way.
    weights: usize,
    /// Products of one pass, one way.
    products: usize,
}

/// All that is said of a design; serialised, what `--json` prints.
#[derive(Serialize)]
pub struct CheckReport {
    design: String,
    signals: Vec<SignalReport>,
    lanes: usize,
    layers: Vec<LayerReport>,
    /// Bits of all memories.
    memory_bits: usize,
    #[serde(flatten)]
    price: Price,
    cycles_per_sample: Vec<CycleReport>,
    /// They are the most: what would change nothing is left out (`skip_still`).
    leaves_out: bool,
    constants: Vec<(String, f64, f64)>,
    warnings: Vec<String>,
}

/// Prints the report.
pub fn run(args: &CheckArgs) -> Result<ExitCode, CliError> {
    let design = super::load_design(&args.design)?;
    let report = &report(&design);
    let data = if args.no_data { None } else { Some(open(&design)?) };
    if args.json {
        let checked = Checked { report, data };
        tell!("{}", serde_json::to_string_pretty(&checked).map_err(CliError::tool_message)?)?;
    } else {
        print(&design, report)?;
        if let Some(data) = data {
            print_data(&design, &data)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens the data of a design as a training does. What is not there is no error: a design can be checked without.
fn open(design: &Design) -> Result<DataReport, CliError> {
    let dataset = match data::load(design) {
        Ok(dataset) => dataset,
        Err(e) if e.is_missing() => return Ok(DataReport::Missing(e.to_string())),
        Err(e) => return Err(CliError::input_message(e)),
    };
    let rest = dataset.train.len() % design.batch as usize;
    Ok(DataReport::Opened {
        train_samples: dataset.train.len(),
        test_samples: dataset.test.len(),
        classes: dataset.classes,
        warnings: data::warnings(design, &dataset),
        short_batch: Some(rest).filter(|&rest| rest > 0),
        name: dataset.name,
        checksum: dataset.checksum,
    })
}

fn print_data(design: &Design, data: &DataReport) -> Result<(), CliError> {
    match data {
        DataReport::Missing(why) => tell!("data is not there, and was not checked: {why}"),
        DataReport::Opened { name, train_samples, test_samples, classes, warnings, short_batch, .. } => {
            tell!(
                "data {name}: {train_samples} samples to learn, {test_samples} to test, {classes} classes"
            )?;
            if let Some(rest) = short_batch {
                let batch = design.batch;
                tell!(
                    "  the last batch of an epoch has {rest} samples; what they teach is divided by {batch} like that of any other,\n  since the divisor lies in the rate constants"
                )?;
            }
            for warning in warnings {
                note!("warning: {warning}");
            }
            Ok(())
        }
    }
}

fn layers(design: &Design) -> Vec<LayerReport> {
    let of = |(_, c): (usize, &Connection)| LayerReport {
        typed: c.to_string(),
        shape: c.above().to_string(),
        taps: c.taps(),
        weights: c.weights() + c.rows(),
        products: c.products(),
    };
    design.network.connections().map(of).collect()
}

/// What a design means.
pub fn report(design: &Design) -> CheckReport {
    let layout = Layout::of(design);
    let p = &design.datapath;
    let program = Program::of(design);
    let inputs = design.network.inputs();
    let cycles = |active: usize| {
        let (train, infer) = (
            predict_training(&layout, &program, design.batch, active),
            predict(&layout, &program.infer, active),
        );
        CycleReport {
            inputs_not_zero: active,
            train,
            infer,
            weight_read_share: train.weight_reads as f64 / train.all as f64,
        }
    };
    let price = Price::of(design, &layout);
    let mut constants = vec![("beta".to_owned(), design.beta.wanted, design.beta.effective())];
    for l in 1..=design.output_layer() {
        for (set, after) in
            (0..).zip(std::iter::once(None).chain(design.milestones.epochs().iter().map(Some)))
        {
            let rate = design.rate(l, set);
            let what = match after {
                None => format!("rate of layer {l} (what a contrast counts)"),
                Some(epoch) => format!("rate of layer {l} after epoch {epoch}"),
            };
            constants.push((what, rate.wanted, rate.effective()));
        }
    }
    if let Some(noise) = design.gaussian() {
        let step = 2f64.powi(-design.datapath.acc_frac);
        constants.push(("sigma of the noise".to_owned(), design.noise, noise.deviation() * step));
    }
    if let Some(m) = design.momentum {
        constants.push(("momentum".to_owned(), m.factor.wanted, m.factor.effective()));
    }
    CheckReport {
        design: design.name.clone(),
        signals: p
            .signals
            .iter()
            .map(|s| SignalReport {
                name: s.name.clone(),
                lowest: s.interval.lo.to_string(),
                highest: s.interval.hi.to_string(),
                width: s.width,
                frac: s.frac,
            })
            .collect(),
        lanes: layout.lanes,
        layers: layers(design),
        memory_bits: price.memory_bits(),
        price,
        leaves_out: layout.watches || layout.lists,
        cycles_per_sample: vec![cycles(inputs.div_ceil(5)), cycles(inputs / 2), cycles(inputs)],
        constants,
        warnings: crate::design::warnings(design),
    }
}

/// The report for people.
fn print(design: &Design, r: &CheckReport) -> Result<(), CliError> {
    tell!("{}: {} neurons, {:?}, {} lanes\n", r.design, design.network, design.rule, r.lanes)?;
    if design.network.has_kernels() {
        tell!("layers                       taps    weights   products of a pass, one way")?;
        for (l, r) in (1..).zip(&r.layers) {
            tell!("  {l}  {:<18} {:>10} {:>10} {:>12}", r.shape, r.taps, r.weights, r.products)?;
            tell!("     {}", r.typed)?;
        }
        tell!("")?;
    }
    tell!("formats        stored      as read     bias        drive       state")?;
    for (l, (s, n)) in design.synapses.iter().zip(&design.neurons).enumerate() {
        tell!(
            "  layer {:<6} {:<11} {:<11} {:<11} {:<11} {}",
            l + 1,
            s.weight.to_string(),
            s.weight_read.to_string(),
            s.bias.to_string(),
            n.drive.to_string(),
            n.state
        )?;
    }
    tell!("  input: {}", design.input)?;
    if let Some(m) = design.momentum {
        let formats: Vec<_> = design.synapses.iter().map(|s| m.format(s.weight).to_string()).collect();
        tell!("  velocities of layers 1 to {}: {}", formats.len(), formats.join(", "))?;
    }
    tell!("")?;
    tell!("constants                                       asked      in use")?;
    for (name, wanted, effective) in &r.constants {
        tell!("  {name:<42} {wanted:>10.6} {effective:>11.6}")?;
    }
    tell!("\nno sum loses a bit (raw intervals)                 width  fraction  interval")?;
    for s in &design.datapath.signals {
        let Interval { lo, hi } = s.interval;
        tell!("  {:<48} {:>5}  {:>8}  [{lo}, {hi}]", s.name, s.width, s.frac)?;
    }
    tell!(
        "\nmemory                                        words    bits    all bits  ports, cycles to read"
    )?;
    for m in &r.price.memories {
        let ports = if m.writes == 0 { "table".to_owned() } else { format!("{} + {}", m.reads, m.writes) };
        let line = (&m.what, m.words, m.width, m.bits(), ports, m.read_latency);
        tell!("  {:<38} {:>10} x {:<5} {:>10}  {}, {}", line.0, line.1, line.2, line.3, line.4, line.5)?;
    }
    tell!("  {:<38} {:>29}", "all", r.memory_bits)?;
    tell!("multipliers")?;
    for m in &r.price.multipliers {
        let constant = if m.by_constant { ", by a constant" } else { "" };
        tell!("  {:>4} {}, {} x {} bits{constant}", m.count, m.what, m.bits.0, m.bits.1)?;
    }
    let most = if r.leaves_out { ", at most" } else { "" };
    tell!("cycles per sample   training  (weight reads)   inference{most}")?;
    for c in &r.cycles_per_sample {
        tell!(
            "  {:>4} inputs not 0  {:>8}  ({:>5.1} %)        {:>8}",
            c.inputs_not_zero,
            c.train.all,
            100.0 * c.weight_read_share,
            c.infer.all
        )?;
    }
    Ok(())
}
