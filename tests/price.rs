//! The price of a core is what Yosys finds in it: the bits of all memories, and every multiplier.

#[path = "common/designs.rs"]
mod designs;

use designs::Case;
use eqhdl::design::{Design, load};
use eqhdl::schedule::Layout;
use eqhdl::verilog::{Price, Sources, module_name};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Beside shipped designs one in which everything is drawn, steps and slopes are multiplied, and weights decay.
fn all() -> Vec<Design> {
    let shipped = |name: &str| {
        load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("designs/{name}.toml"))).unwrap()
    };
    let energy = Case {
        name: "price_energy",
        layers: "[64, 20, 12, 10]",
        lanes: 4,
        dynamics: "energy",
        activation: "logistic",
        nudge: "outside",
        rule: "ep random",
        rounding: ["STOCHASTIC", "STOCHASTIC", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "state = \"s10.8\"",
        more: "feedback = \"kolen_pollack\"\nweight_decay = 0.0011",
    };
    let mut designs = [
        "digits-cep",
        "digits-cvf",
        "digits-batch",
        "digits-momentum",
        "digits-noise",
        "digits-softmax",
        "digits-holomorphic",
        "digits-holomorphic-softmax",
    ]
    .map(shipped)
    .to_vec();
    designs.push(energy.design().unwrap());
    designs
}

/// What Yosys finds: bits of memories, multipliers of two values that vary, multipliers by a constant.
fn found(design: &Design) -> (usize, usize, usize) {
    let dir = tempfile::tempdir().unwrap();
    let sources = Sources::of(design, &Layout::of(design));
    sources.write(dir.path()).unwrap();
    let (top, files) = (module_name(design), sources.files["files.f"].replace('\n', " "));
    let script = format!(
        "read_verilog -I. {files}; hierarchy -top {top}; proc; flatten; opt_expr; opt_merge; opt_muxtree; opt_clean; \
         opt_expr; opt_merge; opt_muxtree; opt_clean; tee -o stat.json stat -json; write_json core.json"
    );
    let run = Command::new("yosys").args(["-q", "-p", &script]).current_dir(dir.path()).output();
    let run = run.expect("Yosys is there: make setup");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let read = |name: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(dir.path().join(name)).unwrap()).unwrap()
    };
    let bits = read("stat.json")["design"]["num_memory_bits"].as_u64().unwrap() as usize;
    let core = read("core.json");
    let cells = core["modules"][&top]["cells"].as_object().unwrap();
    let products = cells.values().filter(|cell| cell["type"] == "$mul");
    let constant = |cell: &Value, port: &str| {
        cell["connections"][port].as_array().unwrap().iter().all(|bit| bit.is_string())
    };
    let (by_constant, varying): (Vec<_>, Vec<_>) =
        products.partition(|cell| constant(cell, "A") || constant(cell, "B"));
    (bits, varying.len(), by_constant.len())
}

#[test]
fn memories_and_multipliers_are_those_that_yosys_finds() {
    for design in all() {
        let price = Price::of(&design, &Layout::of(&design));
        let (bits, varying, by_constant) = found(&design);
        let constants: usize = price.multipliers.iter().filter(|m| m.by_constant).map(|m| m.count).sum();
        assert_eq!(price.multiplier_count(), varying, "{}: {:#?}", design.name, price.multipliers);
        assert_eq!(constants, by_constant, "{}: {:#?}", design.name, price.multipliers);
        let said = price.memory_bits();
        assert!(
            bits > 0 && said.abs_diff(bits) * 100 <= bits,
            "{}: {said} for {bits}, {:#?}",
            design.name,
            price.memories
        );
    }
}
