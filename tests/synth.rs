//! `eqhdl synth`: the reports of Yosys and nextpnr, read from samples that the tools themselves wrote, and one small core
//! from end to end where the tools are installed (`make setup-synth`).

use assert_cmd::Command;
use eqhdl::synth::{
    Counts, Device, Family, TOP, Tools, add_to, checks, parse_netlist, parse_stat, parse_timing,
};
use eqhdl::verilog::Sources;
use eqhdl::{design, schedule::Layout};
use std::path::{Path, PathBuf};

const SMALL: &str = "designs/digits-up5k.toml";

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn stat_of_yosys() {
    let stat = parse_stat(&sample("yosys-stat.json")).unwrap();
    assert!(stat.creator.starts_with("Yosys 0.70"), "{}", stat.creator);
    // The digits core with 4 lanes on the ECP5.
    assert_eq!(stat.counts, Counts { lut4: 2982, ff: 2444, dsp: 24, block_ram: 18, lut_ram: 0 });
}

#[test]
fn parts_of_a_netlist() {
    let parts = parse_netlist(&sample("yosys-netlist.json"), TOP).unwrap();
    let dsp = |signal: &str| parts.signals.get(signal).map_or(0, |c| c.dsp);
    assert_eq!(dsp("u_core.u_synapses.contrast"), 8);
    assert_eq!(dsp("u_core.u_synapses.gradient"), 8);
    assert_eq!(dsp("u_core.u_synapses.forward"), 4);
    assert_eq!(parts.signals["u_core.u_store.u_weights.words_q"].block_ram, 6);
    assert_eq!(parts.modules["u_core.u_store.u_weights"].block_ram, 6);
    assert_eq!(parts.modules["u_core.u_neurons.u_neuron_1.gen_rho.u_table"].block_ram, 1);
    // The wrapper's own.
    assert!(parts.modules[""].ff > 0 && parts.modules[""].dsp == 0);
}

#[test]
fn timing_of_nextpnr() {
    let timing = parse_timing(&sample("nextpnr-report.json")).unwrap();
    assert!((20.0..400.0).contains(&timing.mhz), "{}", timing.mhz);
    assert_eq!(timing.utilization["MULT18X18D"].used, 24);
    assert_eq!(timing.utilization["MULT18X18D"].available, Device::Ecp5_25k.resources().dsp);
    assert_eq!(timing.utilization["DP16KD"].available, Device::Ecp5_25k.resources().block_ram);
    let worst = timing.worst.unwrap();
    assert!(worst.start.starts_with("u_core.") && worst.end.starts_with("u_core."), "{worst:?}");
    assert!(!worst.start.contains("TRELLIS") && !worst.end.contains("TRELLIS"), "{worst:?}");
    assert!(worst.levels > 0 && worst.routing_ns < worst.ns);
    assert!((worst.ns - 1000.0 / timing.mhz).abs() < 0.05, "{} ns at {} MHz", worst.ns, timing.mhz);
}

#[test]
fn what_is_no_report_is_refused() {
    for text in ["", "{}", "[1, 2]", "{\"fmax\": {}, \"utilization\": {}, \"critical_paths\": []}"] {
        assert!(parse_stat(text).is_err());
        assert!(parse_timing(text).is_err());
        assert!(parse_netlist(text, TOP).is_err());
    }
}

#[test]
fn shortfalls_name_multiplier_and_memory() {
    let design = design::load(Path::new("designs/digits-cep.toml")).unwrap();
    let layout = Layout::of(&design);
    // 16 lanes asked for, the netlist of 4 lanes found.
    let parts = parse_netlist(&sample("yosys-netlist.json"), TOP).unwrap();
    let found = checks(&design, &layout, Device::Ecp5_25k, &parts);
    let of = |signal: &str| found.iter().find(|c| c.signal.ends_with(signal)).unwrap();
    assert!(of("forward").shortfall.contains("12 of 16 forward products"), "{found:?}");
    assert_eq!(of("u_weights").shortfall, "", "6 blocks hold 325 words of 256 bits");
    let none = checks(&design, &layout, Device::Ecp5_25k, &eqhdl::synth::Parts::default());
    let weights = none.iter().find(|c| c.signal.ends_with("u_weights")).unwrap();
    assert!(
        weights.shortfall.contains("of the weights (325 words of 256 bits) 0 block RAM(s) are made"),
        "{weights:?}"
    );
}

#[test]
fn the_wrapper_connects_every_port() {
    let design = design::load(Path::new("designs/digits-cep.toml")).unwrap();
    let layout = Layout::of(&design);
    let mut sources = Sources::of(&design, &layout);
    add_to(&mut sources, &design, &layout);
    let core = &sources.files["eqhdl_digits_cep.v"];
    let ports = core[core.find("\nmodule ").unwrap()..].split(");").next().unwrap();
    let top = &sources.files["synth_top.v"];
    let mut count = 0;
    for line in ports.lines().map(str::trim).filter(|l| l.starts_with("input") || l.starts_with("output")) {
        let name = line.split(" //").next().unwrap().trim().trim_end_matches(',').rsplit(' ').next().unwrap();
        assert!(top.contains(&format!(".{name}(")), "{name} is not connected");
        count += 1;
    }
    assert!(count > 30, "{count} ports");
}

#[test]
fn a_missing_tool_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Copied away from the repository, so that no environment is found beside it.
    let program = empty.path().join("eqhdl");
    std::fs::copy(env!("CARGO_BIN_EXE_eqhdl"), &program).unwrap();
    let output = Command::new(&program)
        .args(["synth", &root.join("designs/digits-cep.toml").to_string_lossy(), "--device", "25k"])
        .current_dir(empty.path())
        .env("PATH", empty.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("`yosys` is not installed") && said.contains("make setup-synth"), "{said}");
}

#[test]
fn an_unknown_device_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_eqhdl"))
        .args(["synth", "designs/digits-cep.toml", "--device", "artix"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ecp5-25k, ecp5-45k, ecp5-85k, up5k"));
}

#[test]
fn the_smallest_core_from_end_to_end() {
    if let Err(e) = Tools::find(Family::Ice40) {
        println!("SKIPPED: the_smallest_core_from_end_to_end: {e}");
        return;
    }
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("synth");
    let run = || {
        let output = Command::new(env!("CARGO_BIN_EXE_eqhdl"))
            .args(["synth", SMALL, "--device", "up5k", "--seeds", "1", "--json", "--out"])
            .arg(&out)
            .output()
            .unwrap();
        let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{told}");
        (serde_json::from_str::<serde_json::Value>(&said).unwrap(), told.into_owned())
    };
    let (report, _) = run();
    assert!(report["core"]["block_ram"].as_u64().unwrap() > 0);
    assert!(report["fmax"]["median"].as_f64().unwrap() > 5.0);
    assert!(report["throughput"][0]["samples_per_s"].as_f64().unwrap() > 1.0);
    // Nothing changed: nothing is done again.
    let (again, told) = run();
    assert_eq!(again, report);
    assert!(!told.contains("synthesis with"), "{told}");
}
