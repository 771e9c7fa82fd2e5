//! The generated hardware passes three front ends without a single warning: Verilator's strictest lint, Icarus and
//! Yosys' elaboration and checks. Old versions of each, so that new ones do.

#[path = "common/designs.rs"]
mod designs;

use designs::Case;
use eqhdl::bus;
use eqhdl::cosim::testbench;
use eqhdl::design::Design;
use eqhdl::schedule::Layout;
use eqhdl::verilog::{Sources, module_name};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

const CASES: &[Case] = &[
    Case {
        name: "lint_energy_stochastic",
        layers: "[64, 13, 10]",
        lanes: 4,
        dynamics: "energy",
        activation: "logistic",
        nudge: "outside",
        rule: "ep",
        rounding: ["STOCHASTIC", "STOCHASTIC", "STOCHASTIC"],
        overflow: ["SAT_SYM", "SAT", "SAT"],
        formats: "state = \"s10.8\"",
        more: "",
    },
    Case {
        name: "lint_no_hidden_layer",
        layers: "[64, 10]",
        lanes: 2,
        dynamics: "leaky",
        activation: "hard_sigmoid",
        nudge: "inside",
        rule: "cep",
        rounding: ["RND_CONV", "TRN_ZERO", "RND"],
        overflow: ["SAT", "WRAP", "SAT_ZERO"],
        formats: "weight = \"s14.12\"\nweight_read = \"s9.7\"\nbias = \"s11.6\"",
        more: "",
    },
    Case {
        name: "lint_vector_field",
        layers: "[64, 13, 7, 10]",
        lanes: 4,
        dynamics: "leaky",
        activation: "hard_sigmoid",
        nudge: "inside",
        rule: "cep random falling",
        rounding: ["RND", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "input = \"s6.4\"",
        more: "feedback = \"vector_field\"\nangle = 45\n",
    },
    Case {
        name: "lint_softmax",
        layers: "[64, 13, 10]",
        lanes: 4,
        dynamics: "leaky",
        activation: "logistic",
        nudge: "softmax",
        rule: "cep random",
        rounding: ["STOCHASTIC", "RND", "RND"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = [\"u8.8\", \"s10.9\"]",
        more: "",
    },
    Case {
        name: "lint_kernels",
        layers: "[\"8x8x1\", { conv = 5, kernel = 3, padding = 1, pool = \"max\" }, { conv = 9, kernel = 3, padding = 1, pool = \"average\" }, 10]",
        lanes: 4,
        dynamics: "prototypical even_odd",
        activation: "logistic",
        nudge: "softmax",
        rule: "ep random falling",
        rounding: ["STOCHASTIC", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "input = \"s7.5\"",
        more: "batch = 3\nfeedback = \"kolen_pollack\"\nangle = 90\nweight_decay = 0.001\n[noise]\nsigma = 0.1\n",
    },
    Case {
        name: "lint_kernels_without_corners",
        layers: "[\"8x8x1\", { conv = 16, kernel = 2, stride = 2 }, 10]",
        lanes: 16,
        dynamics: "energy",
        activation: "logistic",
        nudge: "outside",
        rule: "cep",
        rounding: ["RND", "RND", "RND"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "drive = \"s8.5\"",
        more: "",
    },
    Case {
        name: "lint_kolen_pollack",
        layers: "[64, 13, 10]",
        lanes: 16,
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "inside",
        rule: "symmetric_ep",
        rounding: ["RND", "RND", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "",
        more: "feedback = \"kolen_pollack\"\nangle = 90\nweight_decay = 0.001\n",
    },
];

/// Weights of a network that fits no device.
const MANY_WEIGHTS: usize = 1_000_000;

/// Runs a tool over a generated folder; its own words where it warns or fails.
fn quiet(design: &Design, tool: &str, arguments: &[&str], dir: &Path) -> Result<(), String> {
    let output = Command::new(tool)
        .args(arguments)
        .current_dir(dir)
        .output()
        .map_err(|error| format!("`{tool}`: {error}; run `make setup`"))?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() && !said.to_lowercase().contains("warning") {
        return Ok(());
    }
    let telling = |line: &&str| ["warning", "error"].iter().any(|word| line.to_lowercase().contains(word));
    let lines: Vec<&str> = said.lines().filter(telling).take(12).collect();
    Err(format!(
        "{}: {tool} {} ({})\n  {}",
        design.name,
        arguments.join(" "),
        output.status,
        lines.join("\n  ")
    ))
}

fn lint(design: &Design) -> Result<(), String> {
    let layout = Layout::of(design);
    let mut sources = Sources::of(design, &layout);
    testbench::add_to(&mut sources, design, &layout);
    bus::add_to(&mut sources, design, &layout);
    let sources = sources.delivered(design);
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    sources.write(dir.path()).map_err(|error| error.to_string())?;
    let core = module_name(design);
    let list = format!("{core}.f");
    let verilog: Vec<&str> = sources.files[&list].lines().collect();
    let elaborate =
        format!("read_verilog -I. {}; hierarchy -check -top {core}; proc; check -assert", verilog.join(" "));
    let [sim_top, axi_tb] = ["sim_top", "axi_tb"].map(|module| format!("{core}__{module}"));
    let [probe_file, sim_file, bench_file] =
        ["commit_probe", "sim_top", "axi_tb"].map(|module| format!("{core}__{module}.v"));
    let simulation = ["--lint-only", "-Wall", "--top-module", &sim_top, "-f", &list, &probe_file, &sim_file];
    let icarus =
        [&["-g2005", "-Wall", "-tnull", "-s", &sim_top][..], &verilog, &[&probe_file, &sim_file]].concat();
    // The same on a bus.
    let top = bus::top_name(design);
    let bus_list = format!("{top}.f");
    let on_bus: Vec<&str> = sources.files[&bus_list].lines().collect();
    let elaborate_bus =
        format!("read_verilog -I. {}; hierarchy -check -top {top}; proc; check -assert", on_bus.join(" "));
    let icarus_bus = [&["-g2005", "-Wall", "-tnull", "-s", &axi_tb][..], &on_bus, &[&bench_file]].concat();
    // The header, in a program that uses it.
    let header = format!("{core}.h");
    let user =
        format!("#include \"{header}\"\nint main(void) {{ return (int){core}_layer1_weight(0, 0); }}\n");
    std::fs::write(dir.path().join("user.c"), user).map_err(|error| error.to_string())?;
    let mut failures = Vec::new();
    // A list names one design's files and nothing else: without being told the top, no tool finds a second one.
    for (tool, arguments) in [
        ("verilator", &["--lint-only", "-Wall", "-f", &list][..]),
        ("verilator", &simulation),
        ("iverilog", &icarus),
        ("yosys", &["-p", &elaborate]),
        ("verilator", &["--lint-only", "-Wall", "-f", &bus_list]),
        ("iverilog", &icarus_bus),
        ("yosys", &["-p", &elaborate_bus]),
        ("cc", &["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-o", "user", "user.c"]),
    ] {
        failures.extend(quiet(design, tool, arguments, dir.path()).err());
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

#[test]
fn no_front_end_warns() -> Result<(), Box<dyn std::error::Error>> {
    // Every shipped design, and the cases above.
    let mut designs = Vec::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("designs"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            let mut design = eqhdl::design::load(&path)?;
            if design.network.weights() > MANY_WEIGHTS {
                // What its tools read is the same loops; they would take a quarter of an hour.
                design.lanes = design.lanes.min(8);
            }
            designs.push(design);
        }
    }
    assert!(designs.len() > 10, "{} shipped designs", designs.len());
    for case in CASES {
        designs.push(case.design()?);
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failures = Vec::new();
        while let Some(design) = designs.get(next.fetch_add(1, Ordering::Relaxed)) {
            failures.extend(lint(design).err());
        }
        failures
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().unwrap_or_else(|_| vec!["the test itself panicked".into()]))
            .collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}
