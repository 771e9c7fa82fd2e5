//! `eqhdl synth`: area and clock rate of a design on a device.

use super::CliError;
use super::say::{self, note, tell};
use crate::schedule::Layout;
use crate::synth::{Device, Family, Report, Request, SEEDS, SPEED, SynthError, Tools, synthesise};
use crate::verilog::module_name;
use std::path::PathBuf;
use std::process::ExitCode;

/// Synthesise and place a design on a device: area, memory, clock rate, critical paths
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  eqhdl synth designs/digits-cep.toml --device ecp5-85k
  eqhdl synth designs/mnist-cep-128-p16.toml --device 85k --speed 6 --seeds 9
  eqhdl synth --json mynet.toml --device up5k | jq .fmax.median

`make setup-synth` installs Yosys and nextpnr. Results are kept under build/NAME/synth and not made again where nothing changed;
placements take from seconds (4 lanes) to many minutes (16 lanes and more) each.

Exit codes: 0 done, 2 bad input or a core too large for the device, 3 a tool is missing or failed.")]
pub struct SynthArgs {
    /// Design file
    design: PathBuf,
    /// Device: ecp5-25k, ecp5-45k, ecp5-85k (also 25k, 45k, 85k), up5k
    #[arg(long, value_name = "DEVICE")]
    device: Device,
    /// Speed grade of the ECP5
    #[arg(long, value_name = "GRADE", default_value_t = SPEED, value_parser = clap::value_parser!(u8).range(6..=8))]
    speed: u8,
    /// Placements, each under a seed of its own; the clock rate is their median
    #[arg(long, value_name = "N", default_value_t = SEEDS, value_parser = clap::value_parser!(u32).range(1..))]
    seeds: u32,
    /// Clock rate that the placer aims at, in MHz [default: 100, up5k 24]
    #[arg(long, value_name = "MHZ", value_parser = positive)]
    aim: Option<f64>,
    /// Folder for results [default: build/NAME/synth]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print a machine-readable summary on standard output
    #[arg(long)]
    json: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() && x > 0.0 => Ok(x),
        _ => Err("a positive number of MHz".to_owned()),
    }
}

impl From<SynthError> for CliError {
    fn from(e: SynthError) -> Self {
        CliError::Tool(miette::Report::new(e))
    }
}

/// Synthesises, places, reports.
pub fn run(args: &SynthArgs) -> Result<ExitCode, CliError> {
    let design = super::load_design(&args.design)?;
    let layout = Layout::of(&design);
    let family = args.device.family();
    let tools = Tools::find(family)?;
    let out = args.out.clone().unwrap_or_else(|| {
        let name = module_name(&design);
        PathBuf::from("build").join(name.strip_prefix("eqhdl_").unwrap_or(&name)).join("synth")
    });
    let folder = match family {
        Family::Ecp5 => format!("{}-speed{}", args.device, args.speed),
        Family::Ice40 => args.device.to_string(),
    };
    let usual = Request::on(args.device, out.join(folder));
    let aim_mhz = args.aim.unwrap_or(usual.aim_mhz);
    let request = Request { speed: args.speed, seeds: args.seeds, aim_mhz, ..usual };
    let outcome = synthesise(&design, &layout, &tools, &request, &|line| note!("{line}"))?;
    let report = Report::of(&design, &layout, &request, &tools, &outcome);
    let json = serde_json::to_string_pretty(&report).map_err(CliError::tool_message)?;
    let file = request.dir.join("synth.json");
    crate::whole::write(&file, json.as_bytes()).map_err(|e| SynthError::Io {
        what: "write",
        path: file.clone(),
        source: e,
    })?;
    if args.json {
        tell!("{json}")?;
    } else {
        say::tell_text(&report.text())?;
        tell!("report: {}", file.display())?;
    }
    for warning in &report.warnings {
        note!("warning: {warning}");
    }
    if !report.lacking.is_empty() {
        return Err(CliError::input_message(format!(
            "the core does not fit on {}: {}; a larger device or fewer lanes would do",
            args.device,
            report.lacking.join("; ")
        )));
    }
    Ok(ExitCode::SUCCESS)
}
