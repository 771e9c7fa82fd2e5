//! Two generated cores in one system: nothing that one design's files declare or read meets the other's.
//!
//! Two designs that differ in everything (sizes, lanes, tables, rounding) are written into one folder, as a user would do
//! it, and both of their own benches run in one simulation, under Icarus, under Verilator, and through FuseSoC.

#[path = "common/designs.rs"]
mod designs;

use designs::Case;
use eqhdl::bus;
use eqhdl::cosim::testbench;
use eqhdl::design::Design;
use eqhdl::schedule::Layout;
use eqhdl::verilog::{Sources, module_name, replace_written};
use std::path::Path;
use std::process::Command;

type Failure = Box<dyn std::error::Error>;

/// Both have tables of layers 1 and 2, of other contents; one draws random bits.
const CASES: [Case; 2] = [
    Case {
        name: "twin",
        layers: "[64, 7, 10]",
        lanes: 4,
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "outside",
        rule: "cep",
        rounding: ["RND", "RND", "RND"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "",
        more: "",
    },
    // The beginning of its name is the other's whole name, its end that of a leaf.
    Case {
        name: "twin_signature",
        layers: "[64, 9, 10]",
        lanes: 8,
        dynamics: "leaky",
        activation: "logistic",
        nudge: "outside",
        rule: "ep",
        rounding: ["STOCHASTIC", "RND", "RND_CONV"],
        overflow: ["SAT", "SAT", "SAT_SYM"],
        formats: "drive = \"s9.6\"",
        more: "",
    },
];

/// Everything that `eqhdl generate` writes.
fn generated(design: &Design) -> Sources {
    let layout = Layout::of(design);
    let mut sources = Sources::of(design, &layout);
    testbench::add_to(&mut sources, design, &layout);
    bus::add_to(&mut sources, design, &layout);
    sources
}

/// Runs both benches: each says PASS when it is done instead of ending the simulation.
const TOP: &str = "module side_by_side;
  integer done = 0;
  eqhdl_twin__axi_tb u_first ();
  eqhdl_twin_signature__axi_tb u_second ();
  always @(done) if (done == 2) $finish;
endmodule
";

/// The two designs' files in one folder, with the benches brought together.
fn system(dir: &Path) -> Result<Vec<String>, Failure> {
    let mut verilog = Vec::new();
    for case in &CASES {
        let design = case.design()?;
        let mut sources = generated(&design).delivered(&design);
        let core = module_name(&design);
        let bench = format!("{core}__axi_tb.v");
        let text = sources.files.get_mut(&bench).ok_or("no bench")?;
        assert_eq!(text.matches("$finish;").count(), 1, "the bench ends in one place");
        *text = text.replace("$finish;", "side_by_side.done = side_by_side.done + 1;");
        verilog.extend(sources.files[&format!("{core}_axi.f")].lines().map(str::to_owned));
        verilog.push(bench);
        let written = replace_written(&sources, &design, dir)?;
        assert!(written.removed.is_empty() && written.changed.is_empty(), "{written:?}");
    }
    std::fs::write(dir.join("side_by_side.v"), TOP)?;
    verilog.push("side_by_side.v".to_owned());
    Ok(verilog)
}

/// What a command says, if it succeeds.
fn run(dir: &Path, tool: &str, arguments: &[&str]) -> Result<String, Failure> {
    let output =
        Command::new(tool).args(arguments).current_dir(dir).stdin(std::process::Stdio::null()).output();
    let output = output.map_err(|e| format!("`{tool}`: {e}; run `make setup`"))?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(said.into_owned()) } else { Err(format!("{tool}: {said}").into()) }
}

fn icarus(dir: &Path, verilog: &[String]) -> Result<String, Failure> {
    let mut arguments = vec!["-g2005", "-Wall", "-o", "both", "-s", "side_by_side"];
    arguments.extend(verilog.iter().map(String::as_str));
    let said = run(dir, "iverilog", &arguments)?;
    Ok(said + &run(dir, "vvp", &["-n", "both"])?)
}

fn must_pass(said: &str) {
    assert_eq!(said.matches("PASS: 3 samples").count(), 2, "{said}");
    assert!(!said.contains("FAIL") && !said.contains("cannot"), "{said}");
}

#[test]
fn icarus_simulates_two_cores_at_once() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let verilog = system(dir.path())?;
    must_pass(&icarus(dir.path(), &verilog)?);

    // A table that both call the same, and the check has something to see.
    for case in &CASES {
        let core = module_name(&case.design()?);
        let (own, common) = (format!("{core}__rho_layer1.hex"), "rho_layer1.hex");
        std::fs::rename(dir.path().join(&own), dir.path().join(common))?;
        let file = dir.path().join(format!("{core}__neuron_bank.v"));
        let text = std::fs::read_to_string(&file)?;
        assert!(text.contains(&own), "{own} is not read");
        std::fs::write(file, text.replace(&own, common))?;
    }
    let said = icarus(dir.path(), &verilog).unwrap_or_else(|e| e.to_string());
    assert!(said.contains("FAIL"), "a wrong table goes unnoticed: {said}");
    Ok(())
}

#[test]
fn verilator_simulates_two_cores_at_once() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let verilog = system(dir.path())?;
    let mut arguments = vec!["--binary", "-Wno-fatal", "--timescale", "1ns/1ps", "-O1", "-CFLAGS", "-O0"];
    arguments.extend(["-j", "2", "--Mdir", "obj", "--top-module", "side_by_side"]);
    arguments.extend(verilog.iter().map(String::as_str));
    run(dir.path(), "verilator", &arguments)?;
    must_pass(&run(dir.path(), "obj/Vside_by_side", &[])?);
    Ok(())
}

#[test]
fn fusesoc_builds_a_system_of_two_cores() -> Result<(), Failure> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/axi/bin");
    if !tools.join("fusesoc").is_file() {
        eprintln!("skipped: FuseSoC is not installed (`make setup-axi`)");
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    system(dir.path())?;
    let core = "CAPI=2:
name: user:systems:side_by_side:1.0
filesets:
  system:
    depend: [\"eqhdl:cores:twin\", \"eqhdl:cores:twin_signature\"]
    files:
      - eqhdl_twin__axi_tb.v
      - eqhdl_twin_signature__axi_tb.v
      - side_by_side.v
    file_type: verilogSource-2005
  data:
    files: [DATA]
    file_type: user
targets:
  default:
    filesets: [system, data]
    default_tool: icarus
    toplevel: side_by_side
    tools: {icarus: {iverilog_options: [-g2005]}}
";
    let data: Vec<String> = ["twin", "twin_signature"]
        .iter()
        .flat_map(|name| {
            ["before", "after", "packets", "results"].map(|data| format!("eqhdl_{name}__axi_tb_{data}.hex"))
        })
        .map(|file| format!("{file}: {{copyto: {file}}}"))
        .collect();
    std::fs::write(dir.path().join("system.core"), core.replace("DATA", &data.join(", ")))?;
    let output = Command::new(tools.join("fusesoc"))
        .args(["--cores-root", ".", "run", "--target", "default", "user:systems:side_by_side"])
        .current_dir(dir.path())
        .env("PATH", format!("{}:{}", tools.display(), std::env::var("PATH")?))
        .envs(["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"].map(|key| (key, dir.path())))
        .stdin(std::process::Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    must_pass(&said);
    Ok(())
}

/// Names that carry the prefix, and the way back, on every shipped design.
#[test]
fn every_name_is_the_designs_own_and_comes_back() -> Result<(), Failure> {
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("designs"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let design = eqhdl::design::load(&path)?;
        let (plain, core) = (generated(&design), module_name(&design));
        let delivered = plain.delivered(&design);
        for (name, text) in &delivered.files {
            assert!(name.starts_with(&core), "{name}");
            for line in text.lines().filter(|line| line.starts_with("module ") && name.ends_with(".v")) {
                assert!(line["module ".len()..].starts_with(&core), "{name}: {line}");
            }
        }
        let back = delivered.plain(&design)?;
        assert!(back == plain, "{core}: the plain names do not come back");
        // Under both names: which one is meant?
        let mut both = delivered.clone();
        both.files.insert("sequencer.v".to_owned(), String::new());
        let clash = both.plain(&design).expect_err("two files of one name").to_string();
        assert!(clash.contains(&format!("{core}__sequencer.v")), "{clash}");
    }
    Ok(())
}

/// A folder that is written again holds what this run writes, and what others have put there.
#[test]
fn nothing_of_an_earlier_run_stays() -> Result<(), Failure> {
    let [design, other] = [CASES[0].design()?, CASES[1].design()?];
    let dir = tempfile::tempdir()?;
    let exists = |name: &str| dir.path().join(name).exists();
    let mut sources = generated(&design).delivered(&design);
    for name in ["eqhdl_twin__vectors.json", "eqhdl_twin__old_leaf.v", "eqhdl_twin__edited.v"] {
        sources.files.insert(name.to_owned(), "of an earlier run\n".to_owned());
    }
    replace_written(&sources, &design, dir.path())?;
    replace_written(&generated(&other).delivered(&other), &other, dir.path())?;
    std::fs::write(dir.path().join("eqhdl_twin__edited.v"), "edited\n")?;
    std::fs::write(dir.path().join("eqhdl_twin__mine.v"), "of an earlier run\n")?;
    std::fs::write(dir.path().join("notes.txt"), "mine\n")?;
    let count = std::fs::read_dir(dir.path())?.count();

    let written = replace_written(&generated(&design).delivered(&design), &design, dir.path())?;
    assert_eq!(written.removed, ["eqhdl_twin__old_leaf.v", "eqhdl_twin__vectors.json"]);
    assert_eq!(written.changed, ["eqhdl_twin__edited.v"]);
    assert!(exists("eqhdl_twin__edited.v") && exists("eqhdl_twin__mine.v") && exists("notes.txt"));
    assert_eq!(std::fs::read_dir(dir.path())?.count(), count - 2);
    // The list is one that everybody's tools read.
    run(dir.path(), "sha256sum", &["--check", "--strict", "--quiet", "eqhdl_twin.sha256"])?;

    // A list that points elsewhere reaches nothing.
    let outside = tempfile::NamedTempFile::new()?;
    std::fs::write(outside.path(), "of an earlier run\n")?;
    let hash = "0".repeat(64);
    let line = format!("{hash}  eqhdl_twin/../{}\n{hash}  ../x\n", outside.path().display());
    std::fs::write(dir.path().join("eqhdl_twin.sha256"), line)?;
    let written = replace_written(&generated(&design).delivered(&design), &design, dir.path())?;
    assert!(written.removed.is_empty() && outside.path().exists(), "{written:?}");
    Ok(())
}
