//! A second simulator, with four-state logic: Icarus runs a generated core, its waveform of the commit port's scope (all
//! changes, a time step for each edge of the clock) is compared like our own harness' one. Nothing committed may depend on
//! a register that was never set: it would be unknown here.

#[path = "common/designs.rs"]
mod designs;
#[path = "common/samples.rs"]
mod samples;

use designs::Case;
use eqhdl::cosim::{
    CosimError, Field, Level, Outcome, Request, VcdError, cross_check, memory_image, testbench,
};
use eqhdl::coverage::Looking;
use eqhdl::data::QuantisedSamples;
use eqhdl::design::Design;
use eqhdl::reference::Weights;
use eqhdl::reference::train::{PlannedSample, TrainingData};
use eqhdl::schedule::Layout;
use eqhdl::verilog::Sources;
use samples::samples;
use std::path::Path;
use std::process::Command;

/// Loads weights, feeds samples, and dumps the probe.
fn test_bench(design: &Design, layout: &Layout, samples: &[PlannedSample]) -> String {
    let weights = layout.weights.words() * layout.lanes;
    let (count, first, seed) = (samples.len(), samples[0].number, design.seed);
    let (free, nudged) = (design.free_steps, design.nudged_steps);
    let (inputs, words, lanes) = (design.network.inputs(), layout.weights.words(), layout.lanes);
    format!(
        "`timescale 1ns/1ps
module tb;
  reg clk = 0, rst_n = 0, enable = 0, number_set = 0, valid = 0, last = 0, train = 0, rewind = 0, shift = 0, store = 0;
  reg [31:0] data = 0, label = 0, host_data = 0;
  wire ready, result_valid;
  reg [31:0] weights [0:{weights}-1];
  reg [31:0] samples [0:{count}*({inputs}+2)-1];  // inputs, label, train
  integer i, k, results = 0;
  always #5 clk = !clk;
  sim_top u_top (
    .clk_i(clk), .rst_ni(rst_n), .enable_i(enable), .seed_i(32'd{seed}), .free_steps_i(16'd{free}), .nudged_steps_i(16'd{nudged}), .sample_number_set_i(number_set),
    .sample_number_i(32'd{first}), .busy_o(), .sample_valid_i(valid), .sample_ready_o(ready), .sample_data_i(data),
    .sample_last_i(last), .sample_label_i(label), .sample_train_i(train), .result_valid_o(result_valid),
    .result_prediction_o(), .result_label_o(), .result_cycles_o(), .result_reads_o(), .result_train_o(), .sample_number_o(),
    .host_seek_i(rewind), .host_address_i(32'd0),
    .host_shift_i(shift), .host_data_i(host_data), .host_data_o(), .host_store_i(store), .host_fetch_i(1'b0), .watch_i(3'b111),
    .gathered_o(), .step_valid_o(), .neuron_valid_o()
  );
  always @(negedge clk) if (result_valid) results = results + 1;
  // Inputs change at the falling edge.
  initial begin
    $readmemh(\"weights.hex\", weights);
    $readmemh(\"samples.hex\", samples);
    $dumpfile(\"probe.vcd\");
    $dumpvars(1, tb.u_top.u_probe);
    repeat (4) @(negedge clk);
    rst_n = 1;
    rewind = 1; @(negedge clk); rewind = 0;
    for (k = 0; k < {words}; k = k + 1) begin
      shift = 1;
      for (i = 0; i < {lanes}; i = i + 1) begin host_data = weights[k * {lanes} + i]; @(negedge clk); end
      shift = 0;
      store = 1; @(negedge clk); store = 0;
    end
    number_set = 1; @(negedge clk); number_set = 0;
    enable = 1;
    for (k = 0; k < {count}; k = k + 1)
      for (i = 0; i < {inputs}; i = i + 1) begin
        valid = 1;
        data = samples[k * ({inputs} + 2) + i];
        last = (i == {inputs} - 1);
        label = samples[k * ({inputs} + 2) + {inputs}];
        train = samples[k * ({inputs} + 2) + {inputs} + 1];
        while (!ready) @(negedge clk);
        @(negedge clk);
      end
    valid = 0;
    while (results < {count}) @(negedge clk);
    repeat (20) @(negedge clk);
    $finish;
  end
endmodule
"
    )
}

fn tool(name: &str, arguments: &[&str], dir: &Path) -> Result<(), String> {
    let output = Command::new(name)
        .args(arguments)
        .current_dir(dir)
        .output()
        .map_err(|e| format!("`{name}`: {e}; run `make setup`"))?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(format!("`{name}`: {}\n{said}", output.status)) }
}

/// Leaves `probe.vcd` in the folder.
fn simulate(
    design: &Design,
    sources: Sources,
    data: &TrainingData,
    samples: &[PlannedSample],
    dir: &Path,
) -> Result<(), String> {
    let layout = Layout::of(design);
    let mut sources = sources;
    testbench::add_to(&mut sources, design, &layout);
    let hex =
        |values: &mut dyn Iterator<Item = i32>| values.map(|v| format!("{v:08x}\n")).collect::<String>();
    let weights = memory_image(&layout, &Weights::initial(design));
    let words = samples.iter().flat_map(|&s| {
        let (input, label) = data.sample(s);
        input.into_owned().into_iter().chain([i32::from(label), i32::from(s.train)])
    });
    sources.files.insert("weights.hex".into(), hex(&mut weights.into_iter()));
    sources.files.insert("samples.hex".into(), hex(&mut words.into_iter()));
    sources.files.insert("tb.v".into(), test_bench(design, &layout, samples));
    sources.write(dir).map_err(|e| e.to_string())?;
    tool(
        "iverilog",
        &["-g2005", "-o", "tb", "-s", "tb", "-f", "files.f", "commit_probe.v", "sim_top.v", "tb.v"],
        dir,
    )?;
    tool("vvp", &["-N", "tb"], dir)
}

fn compare(
    design: &Design,
    data: &TrainingData,
    samples: &[PlannedSample],
    dir: &Path,
) -> Result<Outcome, CosimError> {
    let request = Request {
        design,
        data,
        samples,
        per_epoch: samples.len() as u64,
        start: &Weights::initial(design),
        level: Level::All,
        program: Path::new("none"),
        work: &dir.join("work"),
        waves: Some(&dir.join("probe.vcd")),
        survey: false,
        looking: Looking::Nowhere,
        patience: None,
    };
    cross_check(&request, &Layout::of(design), &mut |_, _| {})
}

const CASES: [Case; 2] = [
    Case {
        name: "icarus_leaky",
        layers: "[64, 7, 10]",
        lanes: 4,
        dynamics: "leaky",
        activation: "hard_sigmoid",
        nudge: "outside",
        rule: "cep",
        rounding: ["RND", "TRN", "STOCHASTIC"],
        overflow: ["SAT", "SAT", "SAT"],
        formats: "weight = \"s14.12\"",
        more: "",
    },
    Case {
        name: "icarus_energy",
        layers: "[64, 9, 10]",
        lanes: 8,
        dynamics: "energy",
        activation: "logistic",
        nudge: "outside",
        rule: "ep",
        rounding: ["STOCHASTIC", "RND", "RND_CONV"],
        overflow: ["SAT", "WRAP", "SAT_SYM"],
        formats: "state = \"s10.8\"",
        more: "",
    },
];

#[test]
fn an_event_driven_simulators_waveform_equals_the_reference() -> Result<(), Box<dyn std::error::Error>> {
    for case in &CASES {
        let design = case.design()?;
        let (data, samples) = samples(&design)?;
        // Two training samples and the first test sample after them.
        let samples = &samples[14..17];
        assert!(samples[1].train && !samples[2].train);
        let dir = tempfile::tempdir()?;
        simulate(&design, Sources::of(&design, &Layout::of(&design)), &data, samples, dir.path())?;
        let outcome = compare(&design, &data, samples, dir.path())?;
        assert!(outcome.equal(), "{}: {:?}", case.name, outcome.differences.first());
        assert_eq!(outcome.samples, 3);
        assert!(outcome.compared > 1000, "{}", outcome.compared);
    }
    Ok(())
}

#[test]
fn unknown_bits_in_a_commit_are_refused() -> Result<(), Box<dyn std::error::Error>> {
    let design = CASES[0].design()?;
    let (data, samples) = samples(&design)?;
    let samples = &samples[..1];
    let mut sources = Sources::of(&design, &Layout::of(&design));
    // The bias operand is never given.
    let leaf = sources.files.get_mut("operand_fetch.v").ok_or("no leaf")?;
    let (given, never) = ("clamped2 = bias2_i ? One :", "clamped2 = bias2_i ? {ActivityWidth{1'bx}} :");
    assert!(leaf.contains(given), "the defect must be planted elsewhere");
    *leaf = leaf.replace(given, never);
    let dir = tempfile::tempdir()?;
    simulate(&design, sources, &data, samples, dir.path())?;
    match compare(&design, &data, samples, dir.path()) {
        Err(CosimError::Waveform(VcdError::Unknown { signal, time })) => {
            assert!(signal == "neuron_drive_i" && time > 0, "{signal} at {time}");
            Ok(())
        }
        other => Err(format!("unknown bits were not refused: {other:?}").into()),
    }
}

#[test]
fn a_word_of_states_lost_misplaced_or_repeated_is_a_difference() -> Result<(), Box<dyn std::error::Error>> {
    let design = CASES[0].design()?;
    let (data, samples) = samples(&design)?;
    let (port, post) = ("commit_port.v", "post_memory.v");
    let (word, commit) = ("state_word_o <= state_word_i;", "commit_o <= valid_i && last_i;");
    for (file, from, to, field) in [
        (post, commit, "commit_o <= valid_i && last_i && !address_i[0];", Field::Count),
        (port, word, "state_word_o <= state_word_i ^ 16'd512;", Field::Place),
        (port, word, "state_word_o <= state_word_i == 16'd1 ? 16'd0 : state_word_i;", Field::Place),
    ] {
        let mut sources = Sources::of(&design, &Layout::of(&design));
        let text = sources.files.get_mut(file).ok_or("no such file")?;
        assert!(text.contains(from), "{file}: {from}");
        *text = text.replace(from, to);
        let dir = tempfile::tempdir()?;
        simulate(&design, sources, &data, &samples[..1], dir.path())?;
        let outcome = compare(&design, &data, &samples[..1], dir.path())?;
        let first = outcome.differences.first().ok_or(to)?;
        assert!(first.field == field && first.pass == Some(0), "{to}: {}", first.text);
    }
    Ok(())
}

/// The option for a bench of one's own: the AXI top brings the probe, and its waveform is compared like any other.
#[test]
fn the_probe_in_the_axi_top_shows_what_the_core_commits() -> Result<(), Box<dyn std::error::Error>> {
    let case = &CASES[0];
    let design = case.design()?;
    let layout = Layout::of(&design);
    let mut sources = Sources::of(&design, &layout);
    testbench::add_to(&mut sources, &design, &layout);
    eqhdl::bus::add_to(&mut sources, &design, &layout);
    assert!(!sources.files["axi.f"].contains("commit_probe.v"), "only who asks for the probe needs its file");
    let dump = "module dump; initial begin $dumpfile(\"probe.vcd\"); $dumpvars(1, axi_tb.u_dut.u_probe); end endmodule\n";
    sources.files.insert("dump.v".to_owned(), dump.to_owned());
    let dir = tempfile::tempdir()?;
    sources.write(dir.path())?;
    let flags =
        ["-g2005", "-DEQHDL_ICARUS_LEAKY_PROBE", "-o", "tb", "-s", "axi_tb", "-s", "dump", "-f", "axi.f"];
    let files = ["commit_probe.v", "axi_tb.v", "dump.v"];
    tool("iverilog", &[&flags[..], &files].concat(), dir.path())?;
    tool("vvp", &["-N", "tb"], dir.path())?;

    // The samples that the generated bench sends.
    let sent = eqhdl::bus::synthetic_samples(&design);
    let part = |samples: &[eqhdl::bus::SampleWords]| QuantisedSamples {
        inputs: design.network.inputs(),
        raw: samples.iter().flat_map(|s| s.inputs.clone()).collect(),
        labels: samples.iter().map(|s| s.label).collect(),
    };
    let data = TrainingData {
        train: part(&sent[..2]),
        test: part(&sent[2..]),
        augment: None,
        checksum: "sent".to_owned(),
    };
    let planned: Vec<PlannedSample> = (0..3)
        .map(|n| PlannedSample { number: n, index: n % 2, train: n < 2, ends_batch: true, rates: 0 })
        .collect();
    let outcome = compare(&design, &data, &planned, dir.path())?;
    assert!(outcome.equal() && !outcome.unmarked, "{:?}", outcome.differences.first());
    assert!(outcome.samples == 3 && outcome.compared > 1000, "{}", outcome.compared);
    Ok(())
}
