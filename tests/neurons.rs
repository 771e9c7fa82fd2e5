//! `hdl/neuron_unit.v` against its Rust twin, to the last bit: every dynamics with every activation, hidden and output
//! layers, the parameters as the generator writes them. Sums sweep the drive's whole range and beyond, with every tie.

mod common;
#[path = "common/designs.rs"]
mod designs;
#[path = "common/text.rs"]
mod text;

use common::{repository, run, scramble, verilate};
use designs::Case;
use eqhdl::design::{Design, Dynamics, Order};
use eqhdl::fixed_point::Format;
use eqhdl::reference::neuron::{NeuronInput, NeuronUnit};
use eqhdl::schedule::{Layout, NeuronStages};
use eqhdl::verilog::Sources;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use text::between;

/// Every dynamics with every activation and every place of the nudge; modes and formats go round.
fn cases() -> Vec<Case> {
    const ROUNDINGS: [&str; 9] = [
        "RND",
        "STOCHASTIC",
        "TRN",
        "RND_CONV",
        "TRN_ZERO",
        "RND_ZERO",
        "RND_INF",
        "RND_MIN_INF",
        "RND_CONV_ODD",
    ];
    const OVERFLOWS: [&str; 4] = ["SAT", "WRAP", "SAT_SYM", "SAT_ZERO"];
    const FORMATS: [&str; 4] = [
        "",
        "state = [\"s11.9\", \"s12.8\"]\ndrive = [\"s9.5\", \"s12.9\"]",
        "state = [\"u6.6\", \"u9.7\"]\ndrive = [\"u8.6\", \"s8.7\"]\nnudge = \"s12.6\"",
        "state = \"u12.12\"\ndrive = \"s10.4\"\nweight = \"s24.20\"",
    ];
    let kinds = [
        ("prototypical", "inside"),
        ("prototypical", "outside"),
        ("leaky", "inside"),
        ("leaky", "outside"),
        ("energy", "outside"),
        ("prototypical even_odd", "outside"),
        ("leaky even_odd", "inside"),
        ("energy even_odd", "outside"),
    ];
    let activations = ["hard_sigmoid", "half_hard_sigmoid", "logistic"];
    let pairs = kinds.iter().flat_map(|k| activations.map(|a| (*k, a)));
    let case =
        |(n, ((dynamics, nudge), activation)): (usize, ((&'static str, &'static str), &'static str))| Case {
            name: "neurons",
            layers: "[64, 5, 10]",
            lanes: 4,
            dynamics,
            activation,
            nudge,
            rule: "ep",
            rounding: [ROUNDINGS[n % 9], ROUNDINGS[(n + 4) % 9], "RND"],
            overflow: [OVERFLOWS[n % 4], OVERFLOWS[(n / 4 + n) % 4], "SAT"],
            formats: FORMATS[(n + n / 4) % 4],
            more: "",
        };
    // The same with noise, in another order of modes.
    let noisy = |(n, kind)| Case { more: "[noise]\nsigma = 0.01", ..case((n + 5, kind)) };
    let noises = pairs.clone().enumerate().step_by(2).map(noisy);
    pairs.enumerate().map(case).chain(noises).collect()
}

/// A layer's neuron unit under test.
struct Unit {
    design: Design,
    layer: usize,
    /// Verilog parameters, as generated.
    parameters: String,
    total_width: u32,
    stimuli: Vec<NeuronInput>,
}

fn stimuli(design: &Design, layer: usize) -> Vec<NeuronInput> {
    let (n, m) = (design.neurons[layer - 1], design.datapath.neuron[layer - 1]);
    let sums = ["forward", "transposed"].map(|kind| format!("layer {layer} {kind} sum"));
    let signals = design.datapath.signals.iter().filter(|s| sums.contains(&s.name));
    let (low, high) = signals.fold((0, 0), |(low, high), s| (low + s.interval.lo, high + s.interval.hi));
    let one = 1i64 << n.state.frac;
    let (smallest, largest) = if design.dynamics == Dynamics::Energy {
        (0, one.min(n.state.max_raw()))
    } else {
        (n.state.min_raw(), n.state.max_raw())
    };
    // From a drive's grid back to the sum's.
    let shift = m.sum_frac - n.drive.frac;
    let to_sum = |raw: i64, eighths: i64| {
        if shift >= 3 {
            (raw << shift) + (eighths << (shift - 3))
        } else {
            (raw << shift.max(0)) >> (-shift).max(0)
        }
    };
    let span = (n.drive.max_raw() - n.drive.min_raw()) / 4;
    let mut all = Vec::new();
    for raw in (n.drive.min_raw() - span)..=(n.drive.max_raw() + span) {
        for (k, eighths) in [0, 4, 1, 7].into_iter().enumerate() {
            for off in -1..=1 {
                let noise = scramble((raw as u64) << 8 | (k as u64) << 4 | (off + 1) as u64);
                let total = to_sum(raw, eighths) + off;
                let corners = [smallest, smallest + 1, 0, 1, one - 1, one, largest - 1, largest];
                let state = match noise >> 40 & 1 {
                    0 => corners[(noise >> 41 & 7) as usize],
                    _ => smallest + (noise >> 44) as i64 % (largest - smallest + 1),
                };
                all.push(NeuronInput {
                    total: i128::from(total).clamp(low, high) as i64,
                    state: state.clamp(smallest, largest),
                    target: noise & 1 == 1,
                    nudge: (noise >> 1) as i64 % 3 - 1,
                    rest: design.order == Order::EvenOdd && noise >> 39 & 1 == 1,
                    drive_random: scramble(noise) as u32,
                    state_random: (scramble(noise) >> 32) as u32,
                });
            }
        }
    }
    // The ends of the range.
    let ends = [low, low + 1, 0, high - 1, high].map(|t| NeuronInput { total: t as i64, ..all[0] });
    all.extend(ends);
    all
}

/// The noise that the test's units get beside these random bits; any of less than its width will do.
fn drawn(design: &Design, state_random: u32) -> i64 {
    match design.datapath.noise_width {
        0 => 0,
        width => i64::from((state_random << (33 - width)) as i32 >> (33 - width)),
    }
}

fn signed(raw: u32, format: Format) -> i64 {
    let raw = i64::from(raw) & ((1i64 << format.width) - 1);
    if format.signed && raw >> (format.width - 1) == 1 { raw - (1i64 << format.width) } else { raw }
}

#[test]
fn neuron_units_equal_their_rust_twin() -> Result<(), Box<dyn std::error::Error>> {
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
        let instances: Vec<&str> = core.split("neuron_unit #(").skip(1).collect();
        assert_eq!(instances.len(), 2, "one unit for each layer");
        for (i, text) in instances.iter().enumerate() {
            let parameters = text
                .split(") u_neuron_")
                .next()
                .unwrap_or_default()
                .replace(".TableFile(\"", &format!(".TableFile(\"case{c}_"));
            let parameters = parameters
                .replace("TotalWidth(TotalWidth)", &format!("TotalWidth({total_width})"))
                .replace(&format!("case{c}_none"), "none");
            let stimuli = stimuli(&design, i + 1);
            units.push(Unit { design: design.clone(), layer: i + 1, parameters, total_width, stimuli });
        }
    }

    let mut top = format!(
        "`default_nettype none\n\nmodule neurons_top (\n  input wire clk_i,\n  /* verilator lint_off UNUSEDSIGNAL */\n  input wire [63:0] total_i,\n  input wire [63:0] state_i,\n  \
         /* verilator lint_on UNUSEDSIGNAL */\n  input wire target_i,\n  input wire [1:0] nudge_i,\n  input wire rest_i,\n  input wire [31:0] drive_random_i,\n  input wire [31:0] state_random_i,\n  \
         output wire [63:0] out_o [0:{}]\n);\n  reg [31:0] drive_random_q [1:5], state_random_q [1:10];\n  integer k;\n  always @(posedge clk_i) begin\n    drive_random_q[1] <= drive_random_i;\n    state_random_q[1] <= state_random_i;\n    for (k = 2; k <= 5; k = k + 1) drive_random_q[k] <= drive_random_q[k-1];\n    for (k = 2; k <= 10; k = k + 1) state_random_q[k] <= state_random_q[k-1];\n  end\n",
        units.len() - 1
    );
    for (k, unit) in units.iter().enumerate() {
        let n = unit.design.neurons[unit.layer - 1];
        let stages = NeuronStages::of(&unit.design);
        let _ = writeln!(
            top,
            "  wire [{}:0] drive_{k};\n  wire [{}:0] state_{k};",
            n.drive.width - 1,
            n.state.width - 1
        );
        let _ = writeln!(
            top,
            "  neuron_unit #(\n    {}\n  ) u_{k} (\n    .clk_i(clk_i), .total_i(total_i[{}:0]), .state_i(state_i[{}:0]), .target_i(target_i),\n    \
             .nudge_i(nudge_i), .rest_i(rest_i), .noise_i({}), .drive_random_i({}), .state_random_i(state_random_q[{}]), .drive_o(drive_{k}), .state_o(state_{k})\n  );",
            unit.parameters.trim(),
            unit.total_width - 1,
            n.state.width,
            match unit.design.datapath.noise_width {
                0 => "1'b0".to_owned(),
                width => format!("{{state_random_q[4][{0}], state_random_q[4][{0}:0]}}", width - 2),
            },
            match stages.drive {
                1 => "drive_random_i".to_owned(),
                stage => format!("drive_random_q[{}]", stage - 1),
            },
            stages.state - 1
        );
        let _ = writeln!(
            top,
            "  assign out_o[{k}] = {{{}'d0, state_{k}, {}'d0, drive_{k}}};",
            32 - n.state.width,
            32 - n.drive.width
        );
    }
    top.push_str("endmodule\n\n`default_nettype wire\n");
    fs::write(at("neurons_top.sv"), top)?;

    let mut words: Vec<u64> = Vec::new();
    for unit in &units {
        words.extend([u64::from(NeuronStages::of(&unit.design).state), unit.stimuli.len() as u64]);
        for s in &unit.stimuli {
            let nudge = [2, 0, 1][(s.nudge + 1) as usize] | u64::from(s.rest) << 2;
            let random = u64::from(s.state_random) << 32 | u64::from(s.drive_random);
            // Noise is among it, drawn from the bits that round the state.
            let total = s.total - drawn(&unit.design, s.state_random);
            words.extend([total as u64, s.state as u64, u64::from(s.target), nudge, random]);
        }
    }
    fs::write(at("stimuli"), words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>())?;
    let leaves =
        ["neuron_unit", "function_table", "requantise"].map(|name| repository(&format!("hdl/{name}.v")));
    let sources = [&[at("neurons_top.sv")][..], &leaves].concat();
    let program = verilate(dir.path(), &sources, "neurons_top", &repository("tests/leaves/neurons.cpp"))?;
    run(Command::new(program).args([at("stimuli"), at("results")]).current_dir(dir.path()))?;

    let results = fs::read(at("results"))?;
    let mut answers = results.as_chunks::<8>().0.iter().map(|w| u64::from_le_bytes(*w));
    let (mut compared, mut moved) = (0, 0);
    for unit in &units {
        let n = unit.design.neurons[unit.layer - 1];
        let twin = NeuronUnit::of(&unit.design, unit.layer);
        let mut seen = std::collections::HashSet::new();
        for s in &unit.stimuli {
            let answer = answers.next().ok_or("the results end early")?;
            let found = (signed(answer as u32, n.drive), signed((answer >> 32) as u32, n.state));
            let d = &unit.design;
            assert_eq!(
                twin.step(*s),
                found,
                "{:?} {:?} {:?}, layer {}: {s:?}",
                d.dynamics,
                d.activation,
                d.nudge_place,
                unit.layer
            );
            seen.insert(found);
            compared += 1;
        }
        moved += usize::from(seen.len() > 100);
    }
    assert!(answers.next().is_none(), "the results are too long");
    assert!(
        compared > 100_000 && moved == units.len(),
        "{compared} compared, {moved} of {} units saw many values",
        units.len()
    );
    Ok(())
}
