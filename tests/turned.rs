//! `hdl/turned_neuron.v` against its Rust twins, to the last bit: hidden and output layers, the parameters as the generator
//! writes them, real passes and both halves of complex ones. Sums sweep the drive's whole range and beyond.

mod common;
#[path = "common/designs.rs"]
mod designs;
#[path = "common/text.rs"]
mod text;

use common::{repository, run, scramble, verilate};
use designs::Case;
use eqhdl::design::Design;
use eqhdl::reference::neuron::{NeuronInput, NeuronUnit};
use eqhdl::reference::turned::{Parts, TurnedInput, TurnedUnit};
use eqhdl::schedule::{Layout, NeuronStages};
use eqhdl::verilog::Sources;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use text::between;

fn cases() -> Vec<Case> {
    let case = |formats, rounding, overflow| Case {
        name: "turned",
        layers: "[64, 5, 10]",
        lanes: 4,
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "inside",
        rule: "holomorphic_ep",
        rounding,
        overflow,
        formats,
        more: "points = 5",
    };
    vec![
        case("", ["RND", "RND", "RND"], ["SAT", "SAT", "SAT"]),
        case(
            "state = [\"s10.8\", \"s12.9\"]\ndrive = [\"s9.5\", \"s12.9\"]",
            ["STOCHASTIC", "STOCHASTIC", "RND"],
            ["SAT_SYM", "SAT", "SAT"],
        ),
        case(
            "state = [\"s6.4\", \"s14.12\"]\ndrive = [\"s8.6\", \"s8.7\"]\nnudge = \"s12.6\"",
            ["RND_CONV", "TRN", "RND"],
            ["SAT_ZERO", "WRAP", "SAT"],
        ),
        case(
            "state = \"s16.14\"\ndrive = \"s10.4\"",
            ["TRN_ZERO", "RND_INF", "RND"],
            ["WRAP", "SAT_ZERO", "SAT"],
        ),
    ]
}

/// A pass of a neuron, and what its twin makes of it: drive, state.
struct Pass {
    total: i64,
    state: Parts,
    /// What the nudge multiplies what is missing, and the imaginary part, by.
    factor: (i64, i64),
    waiting: i64,
    target: bool,
    turned: bool,
    second: bool,
    random: [u32; 3],
    /// Of the first half of a complex pass, the state is not looked at.
    expected: (Parts, Option<Parts>),
}

struct Unit {
    design: Design,
    layer: usize,
    parameters: String,
    total_width: u32,
    passes: Vec<Pass>,
}

/// Sums that sweep the drive's range and a quarter beyond, each as a real pass and as both halves of a complex one.
fn passes(design: &Design, layer: usize) -> Vec<Pass> {
    let (n, m) = (design.neurons[layer - 1], design.datapath.neuron[layer - 1]);
    let (real, complex) = (NeuronUnit::of(design, layer), TurnedUnit::of(design, layer));
    let shift = design.datapath.acc_frac - n.drive.frac;
    let span = (n.drive.max_raw() - n.drive.min_raw()) / 4;
    let sums = ["forward", "transposed"].map(|kind| format!("layer {layer} {kind} sum"));
    let signals = design.datapath.signals.iter().filter(|s| sums.contains(&s.name));
    let (low, high) = signals.fold((0, 0), |(low, high), s| (low + s.interval.lo, high + s.interval.hi));
    let within = |total: i64| i128::from(total).clamp(low, high) as i64;
    let step = ((n.drive.max_raw() - n.drive.min_raw()) / 1500).max(1) as usize;
    let mut all = Vec::new();
    for raw in ((n.drive.min_raw() - span)..=(n.drive.max_raw() + span)).step_by(step) {
        for turn in 0..6u64 {
            let noise = scramble((raw as u64) << 8 | turn);
            let near = |bits: u64| within((raw << shift) + (bits as i64 & 0xFFF) - 0x800);
            let part = |bits: u64| {
                let range = n.state.max_raw() - n.state.min_raw() + 1;
                n.state.min_raw() + (bits >> 8) as i64 % range
            };
            let state = Parts { re: part(noise), im: part(scramble(noise ^ 1)) };
            let (target, k) = (noise & 1 == 1, (noise >> 1) as u32 % 5);
            let random = [noise, noise ^ 2, noise ^ 3].map(|bits| scramble(bits) as u32);
            let nudge = if m.output { [0, 1, -1][turn as usize % 3] } else { 0 };
            // A real pass.
            let total = near(noise >> 20);
            let input = NeuronInput {
                total,
                state: state.re,
                target,
                nudge,
                rest: false,
                drive_random: random[0],
                state_random: random[1],
            };
            let (drive, next) = real.step(input);
            all.push(Pass {
                total,
                state: Parts { im: 0, ..state },
                factor: (nudge * design.beta.raw, 0),
                waiting: 7,
                target,
                turned: false,
                second: false,
                random,
                expected: (Parts { re: drive, im: 0 }, Some(Parts { re: next, im: 0 })),
            });
            // A complex one: the imaginary sum is small as often as not.
            let far = scramble(noise ^ 5);
            let imaginary = if far & 1 == 0 { near(far) } else { near(far) >> (2 + far % 4) };
            let (re, im) = if m.output { design.nudge_at(k) } else { (0, 0) };
            let imaginary_random = [scramble(noise ^ 6) as u32, random[1], random[2]];
            let told = complex.step(TurnedInput {
                total: Parts { re: total, im: imaginary },
                state,
                target,
                nudge: Parts { re, im },
                drive_random: (random[0], imaginary_random[0]),
                state_random: (random[1], random[2]),
            });
            let pass = |second: bool| Pass {
                total: if second { imaginary } else { total },
                state,
                factor: if second { (im, -re) } else { (re, im) },
                waiting: if second { told.drive.re.result } else { -3 },
                target,
                turned: true,
                second,
                random: if second { imaginary_random } else { random },
                expected: if second {
                    (told.drive.result(), Some(told.state.result()))
                } else {
                    (Parts { re: told.drive.re.result, im: 0 }, None)
                },
            };
            all.extend([pass(false), pass(true)]);
        }
    }
    all
}

#[test]
fn complex_neurons_equal_their_rust_twins() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name);
    let mut units = Vec::new();
    for (c, case) in cases().iter().enumerate() {
        let design = case.design()?;
        let sources = Sources::of(&design, &Layout::of(&design));
        let core = &sources.files["neuron_bank.v"];
        let total_width = between(core, "localparam TotalWidth = ", ";").ok_or("no TotalWidth")?.parse()?;
        for (name, text) in sources.files.iter().filter(|(name, _)| name.ends_with(".hex")) {
            fs::write(at(&format!("case{c}_{name}")), text)?;
        }
        let instances: Vec<&str> = core.split("turned_neuron #(").skip(1).collect();
        assert_eq!(instances.len(), 2, "one unit for each layer");
        for (i, text) in instances.iter().enumerate() {
            let parameters = text.split(") u_neuron_").next().unwrap_or_default();
            let parameters = parameters
                .replace("File(\"", &format!("File(\"case{c}_"))
                .replace("TotalWidth(TotalWidth)", &format!("TotalWidth({total_width})"));
            let passes = passes(&design, i + 1);
            units.push(Unit { design: design.clone(), layer: i + 1, parameters, total_width, passes });
        }
    }

    let ports = ["total", "real", "imaginary", "factor", "cross", "waiting"];
    let words: String = ports.iter().map(|p| format!("  input wire [63:0] {p}_i,\n")).collect();
    let mut top = format!(
        "`default_nettype none\n\nmodule turned_top (\n  input wire clk_i,\n  /* verilator lint_off UNUSEDSIGNAL */\n{words}  /* verilator lint_on UNUSEDSIGNAL */\n  \
         input wire target_i,\n  input wire turned_i,\n  input wire second_i,\n  input wire [31:0] drive_random_i,\n  input wire [31:0] real_random_i,\n  input wire [31:0] imaginary_random_i,\n  \
         output wire [63:0] drives_o [0:{0}],\n  output wire [63:0] states_o [0:{0}]\n);\n  \
         /* verilator lint_off UNUSEDSIGNAL */\n  reg [63:0] waiting_q [1:6];\n  /* verilator lint_on UNUSEDSIGNAL */\n  reg [31:0] drive_random_q [1:5], real_random_q [1:15], imaginary_random_q [1:15];\n  integer k;\n  \
         always @(posedge clk_i) begin\n    waiting_q[1] <= waiting_i;\n    drive_random_q[1] <= drive_random_i;\n    real_random_q[1] <= real_random_i;\n    imaginary_random_q[1] <= imaginary_random_i;\n    \
         for (k = 2; k <= 6; k = k + 1) waiting_q[k] <= waiting_q[k-1];\n    for (k = 2; k <= 5; k = k + 1) drive_random_q[k] <= drive_random_q[k-1];\n    \
         for (k = 2; k <= 15; k = k + 1) begin\n      real_random_q[k] <= real_random_q[k-1];\n      imaginary_random_q[k] <= imaginary_random_q[k-1];\n    end\n  end\n",
        units.len() - 1
    );
    for (k, unit) in units.iter().enumerate() {
        let (d, n) = (&unit.design, unit.design.neurons[unit.layer - 1]);
        let (drive, state, beta) = (n.drive.width, n.state.width, d.beta.format.width + 1);
        let _ = writeln!(
            top,
            "  wire [{0}:0] drive_{k}, imaginary_drive_{k};\n  wire [{1}:0] state_{k}, imaginary_{k};",
            drive - 1,
            state - 1
        );
        let _ = writeln!(
            top,
            "  turned_neuron #(\n    {}\n  ) u_{k} (\n    .clk_i(clk_i), .total_i(total_i[{}:0]), .real_i(real_i[{s}:0]), .imaginary_i(imaginary_i[{s}:0]), .target_i(target_i),\n    \
             .factor_i(factor_i[{b}:0]), .cross_i(cross_i[{b}:0]), .turned_i(turned_i), .second_i(second_i), .noise_i(1'b0), .waiting_i(waiting_q[6][{}:0]),\n    \
             .drive_random_i(drive_random_q[5]), .real_random_i(real_random_q[15]), .imaginary_random_i(imaginary_random_q[15]),\n    \
             .drive_o(drive_{k}), .imaginary_drive_o(imaginary_drive_{k}), .real_o(state_{k}), .imaginary_o(imaginary_{k})\n  );",
            unit.parameters.trim(),
            unit.total_width - 1,
            drive - 1,
            s = state - 1,
            b = beta - 1,
        );
        let extended = |name: &str, width: u32| {
            format!("{{{{{}{{{name}_{k}[{}]}}}}, {name}_{k}}}", 32 - width, width - 1)
        };
        let _ = writeln!(
            top,
            "  assign drives_o[{k}] = {{{}, {}}};\n  assign states_o[{k}] = {{{}, {}}};",
            extended("imaginary_drive", drive),
            extended("drive", drive),
            extended("imaginary", state),
            extended("state", state)
        );
    }
    top.push_str("endmodule\n\n`default_nettype wire\n");
    fs::write(at("turned_top.sv"), top)?;

    let mut words = vec![u64::from(NeuronStages::of(&units[0].design).state)];
    for unit in &units {
        words.push(unit.passes.len() as u64);
        for p in &unit.passes {
            let flags = u64::from(p.target) | u64::from(p.turned) << 1 | u64::from(p.second) << 2;
            let numbers = [p.total, p.state.re, p.state.im, p.factor.0, p.factor.1, p.waiting];
            words.extend(numbers.map(|number| number as u64));
            words.extend([flags, u64::from(p.random[0]) | u64::from(p.random[1]) << 32, p.random[2].into()]);
        }
    }
    fs::write(at("stimuli"), words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>())?;
    let leaves = ["turned_neuron", "complex_logistic", "function_table", "requantise"];
    let leaves = leaves.map(|name| repository(&format!("hdl/{name}.v")));
    let sources = [&[at("turned_top.sv")][..], &leaves].concat();
    let program = verilate(dir.path(), &sources, "turned_top", &repository("tests/leaves/turned.cpp"))?;
    run(Command::new(program).args([at("stimuli"), at("results")]).current_dir(dir.path()))?;

    let results = fs::read(at("results"))?;
    let parts = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        Parts { re: (word as i32).into(), im: ((word >> 32) as i32).into() }
    };
    let mut answers = results.as_chunks::<8>().0.iter().map(parts);
    let mut compared = 0;
    for unit in &units {
        let mut seen = std::collections::HashSet::new();
        for (i, p) in unit.passes.iter().enumerate() {
            let (drive, state) = (answers.next().ok_or("early")?, answers.next().ok_or("early")?);
            assert_eq!(drive, p.expected.0, "drive {i} of layer {}, {:?}", unit.layer, unit.design.neurons);
            if let Some(expected) = p.expected.1 {
                assert_eq!(state, expected, "state {i} of layer {}, {:?}", unit.layer, unit.design.neurons);
                seen.insert((state.re, state.im));
            }
            compared += 1;
        }
        assert!(seen.len() > 50, "{} states", seen.len());
    }
    assert!(answers.next().is_none(), "the results are too long");
    assert!(compared > 50_000, "{compared} compared");
    Ok(())
}
