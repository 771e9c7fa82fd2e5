//! Area and clock rate of a core on a device: Yosys synthesises it, nextpnr places it under several seeds, and their
//! reports are read in the words of the design.
//!
//! Everything is kept under one folder for each device; a step is done again only where its sources, its options or
//! its tool changed.

mod absorb;
mod device;
mod expect;
mod report;
mod stat;
mod timing;
mod tools;
mod top;

pub use absorb::absorb_registers;
pub use device::{Device, Family, Resources};
pub use expect::{Check, checks};
pub use report::{PathReport, Report, Throughput};
pub use stat::{Counts, Parts, Stat, parse_netlist, parse_stat, register_of, signal_of};
pub use timing::{CriticalPath, Spread, Timing, Utilization, parse as parse_timing};
pub use tools::{Tool, Tools};
pub use top::{TOP, add_to};

use crate::design::Design;
use crate::lock::{Lock, LockError};
use crate::schedule::Layout;
use crate::verilog::Sources;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of the private Python environment that `make setup-synth` makes, below the repository.
pub const TOOLS_FOLDER: &str = ".tools/synth";

/// Speed grade where none is asked for: the slowest.
pub const SPEED: u8 = 6;

/// Placements where no number is asked for.
pub const SEEDS: u32 = 5;

/// Why a core cannot be synthesised.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SynthError {
    /// A program is not installed.
    #[error("`{tool}` is not installed{unsuitable}")]
    #[diagnostic(help(
        "`make setup-synth` installs Yosys and nextpnr for ECP5 and iCE40 into .tools/synth (it needs python3 with venv, and a \
         network); a native `{tool}` on the path that is new enough is used as well"
    ))]
    MissingTool {
        /// Its name.
        tool: &'static str,
        /// What was found instead, in brackets.
        unsuitable: String,
    },
    /// A program failed.
    #[error("`{tool}` failed; its last lines:\n{last}")]
    #[diagnostic(help("the whole log is {}", log.display()))]
    ToolFailed {
        /// Its name.
        tool: &'static str,
        /// Its whole output.
        log: PathBuf,
        /// The end of it.
        last: String,
    },
    /// A tool's report is not what it should be.
    #[error("cannot read {what}: {why}")]
    #[diagnostic(help(
        "this version of the tool may write another form; `make setup-synth` installs one that is known to work"
    ))]
    Report {
        /// Which report.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Another process works there.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Lock(#[from] LockError),
    /// The machine failed.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl SynthError {
    fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        SynthError::Io { what, path: path.to_owned(), source }
    }
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where to place it.
    pub device: Device,
    /// Speed grade (ECP5).
    pub speed: u8,
    /// Placement seeds: 1 to this.
    pub seeds: u32,
    /// The clock rate that the placer aims at, MHz.
    pub aim_mhz: f64,
    /// Where results are kept.
    pub dir: PathBuf,
}

impl Request {
    /// What is done where nothing else is asked for: five placements for the slowest grade.
    pub fn on(device: Device, dir: PathBuf) -> Request {
        let aim_mhz = if device.family() == Family::Ecp5 { 100.0 } else { 24.0 };
        Request { device, speed: SPEED, seeds: SEEDS, aim_mhz, dir }
    }
}

/// What came out of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The whole netlist.
    pub stat: Stat,
    /// Its parts.
    pub parts: Parts,
    /// One for each seed; none where the netlist is too large for the device.
    pub timings: Vec<(u32, Timing)>,
    /// What the device lacks, in words; empty where the core fits.
    pub lacking: Vec<String>,
}

/// Synthesises the core and places it under every seed, telling `progress` what it does.
///
/// # Errors
/// When a tool fails or its reports cannot be read.
pub fn synthesise(
    design: &Design,
    layout: &Layout,
    tools: &Tools,
    request: &Request,
    progress: &dyn Fn(&str),
) -> Result<Outcome, SynthError> {
    let mut sources = Sources::of(design, layout);
    add_to(&mut sources, design, layout);
    let _ours = Lock::acquire(&request.dir)?;
    let rtl = request.dir.join("rtl");
    sources.write(&rtl).map_err(|e| SynthError::io("write the hardware to", &rtl, e))?;

    let netlist_of = |use_dsp: bool| -> Result<Stat, SynthError> {
        let script = script(&sources, request.device.family(), use_dsp);
        let mut all = vec![tools.yosys.version.as_str(), &script];
        for (name, text) in &sources.files {
            all.extend([name.as_str(), text]);
        }
        let kept = if use_dsp { "synthesis" } else { "synthesis-luts" };
        step(&rtl, kept, &digest(&all), &[&stat_file(use_dsp), &netlist_file(use_dsp)], || {
            progress(&format!("synthesis with {}", tools.yosys.version));
            tools::run(&tools.yosys, &["-p".to_owned(), script.clone()], &rtl, &format!("{kept}.log"))
        })?;
        parse_stat(&read(rtl.join(stat_file(use_dsp)))?)
    };
    let mut use_dsp = true;
    let mut stat = netlist_of(true)?;
    let blocks = request.device.resources().dsp;
    if request.device.family() == Family::Ice40 && stat.counts.dsp > blocks {
        progress(&format!(
            "{} multiplier blocks are needed, {} there: multipliers go to LUTs",
            stat.counts.dsp, blocks
        ));
        use_dsp = false;
        stat = netlist_of(false)?;
    }
    let mut netlist_path = netlist_file(use_dsp);
    let mut netlist = read(rtl.join(&netlist_path))?;
    if request.device.family() == Family::Ecp5 {
        let (registered, absorbed) = absorb_registers(&netlist, TOP)?;
        netlist = registered;
        netlist_path = "registered.json".to_owned();
        let path = rtl.join(&netlist_path);
        crate::whole::write(&path, netlist.as_bytes()).map_err(|e| SynthError::io("write", &path, e))?;
        stat.counts.ff = stat.counts.ff.saturating_sub(absorbed);
    }
    let parts = parse_netlist(&netlist, TOP)?;
    let lacking = lacking(stat.counts, request.device);
    let mut timings = Vec::new();
    if lacking.is_empty() {
        let netlist_digest = digest(&[&netlist]);
        let netlist = (netlist_path.as_str(), netlist_digest.as_str());
        for seed in 1..=request.seeds {
            timings.push((seed, placement(tools, request, netlist, seed, progress)?));
        }
    }
    Ok(Outcome { stat, parts, timings, lacking })
}

/// Places and routes a netlist, its file in `rtl/` and its digest, from one seed.
fn placement(
    tools: &Tools,
    request: &Request,
    (netlist, netlist_digest): (&str, &str),
    seed: u32,
    progress: &dyn Fn(&str),
) -> Result<Timing, SynthError> {
    let name = format!("seed{seed}");
    let report = format!("{name}.json");
    let netlist = format!("rtl/{netlist}");
    let (seed_text, aim) = (seed.to_string(), request.aim_mhz.to_string());
    let mut arguments = request.device.arguments(request.speed);
    arguments.extend(["-q", "--timing-allow-fail", "--json", &netlist].map(String::from));
    arguments.extend(["--report", &report, "--seed", &seed_text, "--freq", &aim].map(String::from));
    let mut all = vec![tools.nextpnr.version.as_str(), netlist_digest];
    all.extend(arguments.iter().map(String::as_str));
    step(&request.dir, &name, &digest(&all), &[&report], || {
        progress(&format!("placement {seed} of {} with {}", request.seeds, tools.nextpnr.version));
        tools::run(&tools.nextpnr, &arguments, &request.dir, &format!("{name}.log"))
    })?;
    let timing = parse_timing(&read(request.dir.join(&report))?)?;
    progress(&format!("placement {seed} of {}: {:.1} MHz", request.seeds, timing.mhz));
    Ok(timing)
}

fn read(path: PathBuf) -> Result<String, SynthError> {
    std::fs::read_to_string(&path).map_err(|e| SynthError::io("read", &path, e))
}

/// Does a step unless its stamp says that it has been done and its results are there.
fn step(
    dir: &Path,
    name: &str,
    stamp: &str,
    results: &[&str],
    work: impl FnOnce() -> Result<(), SynthError>,
) -> Result<(), SynthError> {
    let file = dir.join(format!("{name}.done"));
    let there = results.iter().all(|r| dir.join(r).is_file());
    if there && std::fs::read_to_string(&file).is_ok_and(|s| s == stamp) {
        return Ok(());
    }
    let _ = std::fs::remove_file(&file);
    work()?;
    crate::whole::write(&file, stamp.as_bytes()).map_err(|e| SynthError::io("write", &file, e))
}

fn stat_file(use_dsp: bool) -> String {
    if use_dsp { "stat.json" } else { "stat-luts.json" }.to_owned()
}

fn netlist_file(use_dsp: bool) -> String {
    if use_dsp { "netlist.json" } else { "netlist-luts.json" }.to_owned()
}

/// Yosys' commands, in the folder of the sources: the core in its wrapper, its counts and its netlist.
fn script(sources: &Sources, family: Family, use_dsp: bool) -> String {
    let list = sources.files.get("files.f").map_or("", String::as_str).replace('\n', " ");
    let synth = synthesis(&format!("{list}{TOP}.v"), TOP, family, use_dsp);
    let (stat, netlist) = (stat_file(use_dsp), netlist_file(use_dsp));
    format!("{synth}; tee -q -o {stat} stat -json; write_json {netlist}")
}

/// Yosys' commands from Verilog files to the cells of a device family.
pub fn synthesis(files: &str, top: &str, family: Family, use_dsp: bool) -> String {
    // Lane registers are machine words. Their copies of the sign go before multipliers are cut to the size of a block, or
    // products would take two blocks for one.
    let trim =
        format!("hierarchy -top {top}; proc; flatten; opt -full; wreduce; opt -full; wreduce; opt_clean");
    // No memory is read where it is written in the same cycle, so the bypass that keeps this case is left out
    // (hdl/word_memory.v; the cross-check would find it).
    let synth = match family {
        Family::Ecp5 => format!("synth_ecp5 -top {top} -no-rw-check"),
        Family::Ice40 => {
            let synth = format!(
                "synth_ice40 -top {top} -device u{} -no-rw-check",
                if use_dsp { " -dsp" } else { "" }
            );
            // Eight multiplier blocks are for the lanes. What a rate makes of the two pre-synaptic operands is made once
            // for all lanes: to LUTs, under the name that synth_ice40 itself has for a product that got no block.
            let once = "select -set once w:*rated_a4_q w:*rated_b4_q %u %ci3 t:$mul %i";
            format!(
                "{synth} -run begin:coarse; {once}; chtype -set $__soft_mul @once; {synth} -run coarse:; autoname"
            )
        }
    };
    format!("read_verilog {files}; {trim}; {synth}")
}

/// What a device has too few of.
fn lacking(counts: Counts, device: Device) -> Vec<String> {
    let has = device.resources();
    [
        ("LUT4", counts.lut4, has.lut4),
        ("flip-flops", counts.ff, has.ff),
        ("multiplier blocks", counts.dsp, has.dsp),
        ("block RAMs", counts.block_ram, has.block_ram),
    ]
    .into_iter()
    .filter(|(_, needs, has)| needs > has)
    .map(|(what, needs, has)| format!("{needs} {what} are needed, {device} has {has}"))
    .collect()
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    crate::data::hex(&hash.finalize())
}
