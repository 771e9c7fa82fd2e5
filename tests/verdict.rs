//! A verdict rests on what was asked for and nothing else: no leftover of an earlier run, no edit that goes unseen, no
//! Verilog or waveform of another design, and no hardware that never answers.

use assert_cmd::Command;
use eqhdl::lock::Lock;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with a small network, and what `generate` makes of it.
struct Folder {
    dir: TempDir,
}

impl Folder {
    fn new() -> Folder {
        let text =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/digits-cep.toml"))
                .unwrap();
        let design = text.replace("[64, 64, 10]", "[64, 6, 10]").replace("lanes = 16", "lanes = 4");
        let folder = Folder { dir: tempfile::tempdir().unwrap() };
        folder.write("net.toml", &design);
        folder.run(&["generate", "net.toml", "-o", "rtl"], 0);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has no `{from}`");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// Standard output and standard error of a command that ends with a code; on one line each.
    fn run(&self, arguments: &[&str], code: i32) -> (String, String) {
        let assert =
            Command::cargo_bin("eqhdl").unwrap().current_dir(self.dir.path()).args(arguments).assert();
        let output = assert.code(code).get_output().clone();
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .unwrap()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .replace("│ ", "")
        };
        (text(output.stdout), text(output.stderr))
    }

    /// The report of a cross-check of six samples.
    fn cosim(&self, arguments: &[&str], code: i32) -> (Value, String) {
        let all = [&["cosim", "net.toml", "--samples", "6", "--json"][..], arguments].concat();
        let (out, err) = self.run(&all, code);
        (serde_json::from_str(&out).unwrap_or(Value::Null), err)
    }
}

#[test]
fn a_file_that_is_gone_is_not_taken_from_an_earlier_build() {
    let folder = Folder::new();
    let args = ["--rtl", "rtl", "-o", "o"];
    let (report, _) = folder.cosim(&args, 0);
    let built = report["built"].as_object().unwrap();
    for file in ["requantise.vh", "neuron_unit.v", "eqhdl_net.v", "sim_top.v", "commit_probe.v", "main.cpp"] {
        assert!(built.contains_key(file), "{file} is not among {:?}", built.keys());
    }
    // What is listed as built was, and nothing that only lies beside it.
    for file in built.keys() {
        let beside = ["axi", "bus", "stream", "sim_bus"].iter().any(|b| file.starts_with(b));
        assert!(!beside && !file.ends_with("net.h"), "{file} was not simulated");
    }
    std::fs::remove_file(folder.path("rtl/eqhdl_net__requantise.vh")).unwrap();
    folder.cosim(&args, 2);
    // A table is read when the simulation begins.
    folder.run(&["generate", "net.toml", "-o", "rtl"], 0);
    folder.cosim(&args, 0);
    std::fs::remove_file(folder.path("rtl/eqhdl_net__rho_layer1.hex")).unwrap();
    folder.cosim(&args, 2);
}

#[test]
fn a_bench_is_eqhdls_own_and_what_was_not_simulated_is_named() {
    let folder = Folder::new();
    folder.edit("rtl/eqhdl_net__stream_samples.v", "assign train_o = ", "assign train_o = 1'b1 || ");
    let (report, err) = folder.cosim(&["--rtl", "rtl"], 0);
    assert_eq!(report["edited"], serde_json::json!(["stream_samples.v"]));
    assert!(report["not_simulated"].as_array().unwrap().iter().any(|f| f == "stream_samples.v"), "{report}");
    assert!(err.contains("not simulated the bus around the core"), "{err}");
    assert!(err.contains("of which stream_samples.v not as generated"), "{err}");
    for (file, from) in
        [("sim_top.v", "watch_i[0]"), ("commit_probe.v", "state_pending_q"), ("main.cpp", "harness")]
    {
        let folder = Folder::new();
        folder.edit(&format!("rtl/eqhdl_net__{file}"), from, "0");
        let (_, err) = folder.cosim(&["--rtl", "rtl"], 2);
        assert!(err.contains(&format!("{file} is not what this eqhdl generates")), "{err}");
    }
    // Nor can the core bring one.
    let text = std::fs::read_to_string(folder.path("rtl/eqhdl_net__signature.v")).unwrap();
    let double = text.replace("eqhdl_net__signature", "eqhdl_net__commit_probe");
    folder.write("rtl/eqhdl_net__signature.v", &(text + &double));
    folder.cosim(&["--rtl", "rtl"], 2);
}

#[test]
fn nothing_outside_the_folder_is_read() {
    let folder = Folder::new();
    folder.edit("rtl/eqhdl_net.f", "eqhdl_net.v", "eqhdl_net.v\n--top-module eqhdl_net");
    let (_, err) = folder.cosim(&["--rtl", "rtl"], 2);
    assert!(err.contains("is not a Verilog file of the folder"), "{err}");
    let folder = Folder::new();
    folder.edit("rtl/eqhdl_net__requantise.v", "`include \"", "`include \"/etc/");
    let (_, err) = folder.cosim(&["--rtl", "rtl"], 2);
    assert!(err.contains("a file outside the folder"), "{err}");
}

#[test]
fn verilog_of_another_design_is_refused_by_the_keys_that_differ() {
    let folder = Folder::new();
    // What a circuit does not depend on is no reason to refuse.
    folder.edit("net.toml", "seed = 1", "seed = 5");
    folder.edit("net.toml", "epochs = 15", "epochs = 3");
    let (report, _) = folder.cosim(&["--rtl", "rtl"], 0);
    // The register file holds the seed after reset.
    assert_eq!(report["edited"], serde_json::json!(["eqhdl_net_registers.v"]));
    folder.edit("net.toml", "T = 12", "T = 9");
    folder.cosim(&["--rtl", "rtl"], 0);
    folder.edit("net.toml", "beta = 0.25", "beta = 0.5");
    let (_, err) = folder.cosim(&["--rtl", "rtl"], 2);
    assert!(err.contains("rule.beta (there 0.25 (s8.6), here 0.5 (s8.6))"), "{err}");
    // So does each file that says what it depends on: a table of another design among the files of this one.
    folder.run(&["generate", "net.toml", "-o", "rtl"], 0);
    folder.cosim(&["--rtl", "rtl"], 0);
    folder.edit("rtl/eqhdl_net__rho_layer1.hex", "rule.beta = 0.5", "rule.beta = 0.25");
    let (_, err) = folder.cosim(&["--rtl", "rtl"], 2);
    assert!(err.contains("rho_layer1.hex was generated from another design"), "{err}");
    // Files of another design beside them are no reason.
    folder.edit("rtl/eqhdl_net__rho_layer1.hex", "rule.beta = 0.25", "rule.beta = 0.5");
    folder.run(&["new", "net_b"], 0);
    folder.run(&["generate", "net_b.toml", "-o", "rtl"], 0);
    folder.cosim(&["--rtl", "rtl"], 0);
    // A waveform carries the digest.
    folder.cosim(&["--level", "all"], 0);
    let waves = ["--waves", "build/net/first_sample.vcd", "--level", "all", "--samples", "1"];
    let of = |code| folder.run(&[&["cosim", "net.toml"][..], &waves].concat(), code).1;
    of(0);
    folder.edit("net.toml", "beta = 0.5", "beta = 0.25");
    let err = of(2);
    assert!(err.contains("generated from another design (digest"), "{err}");
}

#[test]
fn at_every_level_every_number_of_a_result_is_compared() {
    for (from, to, field) in [
        ("assign result_label_o = label;", "assign result_label_o = label ^ 1'b1;", "label"),
        (".reads_o(result_reads_o)", ".reads_o()", "weight_reads"),
        (".cycles_o(result_cycles_o)", ".cycles_o()", "cycles"),
    ] {
        let folder = Folder::new();
        let text = std::fs::read_to_string(folder.path("rtl/eqhdl_net.v")).unwrap();
        assert!(text.contains(from), "{from}");
        let mut text = text.replacen(from, to, 1);
        if field == "weight_reads" {
            text = text.replacen(
                "  assign result_label_o",
                "  assign result_reads_o = 32'd0;\n  assign result_label_o",
                1,
            );
        } else if field == "cycles" {
            text = text.replacen(
                "  assign result_label_o",
                "  assign result_cycles_o = 32'd0;\n  assign result_label_o",
                1,
            );
        }
        folder.write("rtl/eqhdl_net.v", &text);
        for level in ["final", "signature"] {
            let (report, err) = folder.cosim(&["--rtl", "rtl", "--level", level], 1);
            assert_eq!(report["first_difference"]["field"], field, "{level}: {report} {err}");
        }
    }
}

#[test]
fn a_waveform_without_a_digest_is_compared_with_a_warning_and_one_that_is_cut_is_refused() {
    let folder = Folder::new();
    folder.cosim(&["--level", "all"], 0);
    let text = std::fs::read_to_string(folder.path("build/net/first_sample.vcd")).unwrap();
    folder.write("old.vcd", &text.replace("design_i", "other"));
    let of = |file: &str, samples: &str, code| {
        let args = ["cosim", "net.toml", "--level", "all", "--samples", samples, "--waves", file];
        folder.run(&args, code).1
    };
    let err = of("old.vcd", "1", 0);
    assert!(err.contains("warning: the waveform does not say which design"), "{err}");
    let err = of("old.vcd", "2", 2);
    assert!(err.contains("the waveform ends after 1 of 2 samples"), "{err}");
    folder.write("bad.vcd", "not a waveform");
    of("bad.vcd", "1", 2);
    of("missing.vcd", "1", 2);
    // A difference in a waveform: nothing ran that could be replayed.
    folder.edit("net.toml", "seed = 1", "seed = 2");
    let err = of("old.vcd", "1", 1);
    assert!(err.contains("replay none: the waveform was given"), "{err}");
}

#[test]
fn hardware_that_never_answers_is_a_difference_with_its_place_and_a_replay() {
    let folder = Folder::new();
    // Passes that only learn do not end.
    folder.edit(
        "rtl/eqhdl_net__sequencer.v",
        "pad_q == 1) state_q <= StAdvance",
        "pad_q == 1 && drive_o) state_q <= StAdvance",
    );
    for level in ["events", "final"] {
        let (report, err) = folder.cosim(&["--rtl", "rtl", "--level", level], 1);
        let first = &report["first_difference"];
        assert_eq!(first["field"], "hang", "{err}");
        assert_eq!(report["replay"]["first_difference"]["field"], "hang", "{err}");
        assert_eq!(report["replay"]["first_difference"]["phase"], "last update", "{err}");
        assert!(folder.path("build/net/edited/replay.vcd").exists());
    }
    // Nothing at all: not even the first step.
    folder.edit("rtl/eqhdl_net__sequencer.v", "pad_q == 1 && drive_o) state_q", "1'b0) state_q");
    let (report, err) = folder.cosim(&["--rtl", "rtl"], 1);
    assert_eq!(report["first_difference"]["field"], "hang", "{err}");
}

#[test]
fn a_sharper_cause_and_the_step_are_told_alike_to_people_and_machines() {
    let folder = Folder::new();
    let (report, err) = folder.cosim(&["--inject", "drive-truncated", "--level", "states"], 1);
    let (first, sharper) = (&report["first_difference"], &report["replay"]["first_difference"]);
    assert_eq!((&first["field"], &sharper["field"]), (&"state".into(), &"drive".into()));
    assert!(err.contains(sharper["text"].as_str().unwrap()), "{err}");
    let step = format!("step {} of {} (pass {})", first["step"], first["steps"], first["pass"]);
    assert!(first["text"].as_str().unwrap().contains(&step), "{first}");
}

#[test]
fn leftovers_do_not_stand_beside_a_verdict_and_a_folder_has_one_user() {
    let folder = Folder::new();
    folder.cosim(&["-o", "o"], 0);
    assert!(folder.path("o/first_sample.vcd").exists());
    folder.edit("net.toml", "seed = 1", "seed = 2");
    folder.edit("rtl/eqhdl_net__neuron_unit.v", "pull = goal_q - state_1", "pull = goal_q + state_1");
    folder.run(&["cosim", "net.toml", "--samples", "6", "--rtl", "rtl", "-o", "o"], 1);
    folder.run(&["cosim", "net.toml", "--samples", "6", "-o", "o/edited"], 0);
    assert!(folder.path("o/edited/first_sample.vcd").exists());
    assert!(!folder.path("o/edited/replay.vcd").exists());
    let lock = Lock::acquire(&folder.path("o/sim")).unwrap();
    let (_, err) = folder.cosim(&["-o", "o"], 3);
    assert!(err.contains(&format!("in use by process {}", std::process::id())), "{err}");
    drop(lock);
    folder.cosim(&["-o", "o"], 0);
}

#[test]
fn through_the_bus_edits_of_the_bus_are_differences() {
    let folder = Folder::new();
    // Samples of both kinds, and random bits.
    folder.edit("net.toml", "[training]", "[training]\ntrain_samples = 4\ntest_samples = 2");
    folder.edit("net.toml", "weight = \"RND\"", "weight = \"STOCHASTIC\"");
    for level in ["final", "signature", "states", "events", "all"] {
        let (report, err) = folder.cosim(&["--bus", "--level", level], 0);
        assert_eq!(report["not_simulated"], serde_json::json!([]), "{err}");
        let built = report["built"].as_object().unwrap();
        for file in ["bus.cpp", "sim_bus_top.v", "eqhdl_net_axi.v", "stream_samples.v"] {
            assert!(built.contains_key(file), "{file} is not among {:?}", built.keys());
        }
        let other = built.keys().find(|f| *f == "main.cpp" || *f == "sim_top.v" || f.starts_with("axi_tb"));
        assert_eq!(other, None, "was not simulated");
        // Four words a sample, every register, and more.
        assert!(report["bus_words"].as_u64().is_some_and(|n| n > 6 * 4 + 30), "{report}");
    }
    let edits = [
        ("eqhdl_net__stream_samples.v", "assign train_o = train_q", "assign train_o = 1'b1", ""),
        (
            "eqhdl_net__stream_results.v",
            "{cycles_i, signature_i,",
            "{cycles_i, cycles_i,",
            "the bus's signature",
        ),
        (
            "eqhdl_net__rail_counter.v",
            "states_least_o <= 32'd0",
            "states_least_o <= 32'd7",
            "STATES_AT_LEAST",
        ),
        ("eqhdl_net__weight_window.v", "replace ? merged", "replace ? ~merged", ""),
        ("eqhdl_net_registers.v", "seed_q <= (seed_q & ~mask) | (data_i & mask)", "seed_q <= 32'd0", ""),
        (
            "eqhdl_net__axi_lite_slave.v",
            "assign bresp_o = b_response_q",
            "assign bresp_o = 2'b10",
            "wrong responses",
        ),
        (
            "eqhdl_net__axi_lite_slave.v",
            "assign rresp_o = r_response_q",
            "assign rresp_o = 2'b10",
            "wrong responses",
        ),
        ("eqhdl_net_axi.v", "result_reads_q <= reads", "result_reads_q <= cycles", "READS"),
        ("eqhdl_net_axi.v", "result_number_q <= sample_number", "result_number_q <= cycles", "RESULT_NUMBER"),
        ("eqhdl_net_axi.v", "assign irq_o = ", "assign irq_o = 1'b1 || ", "interrupt"),
        ("eqhdl_net__weight_window.v", "strobe_i[0] ? data_i[7:0]", "1'b1 ? data_i[7:0]", "first weight"),
        (
            "eqhdl_net__stream_results.v",
            "assign tlast_o = (left_q == 3'd1)",
            "assign tlast_o = (left_q == 3'd2)",
            "wrong end",
        ),
        ("eqhdl_net_registers.v", "8'h8", "8'h0", "INPUT"),
        ("eqhdl_net__stream_samples.v", "(tlast_i && !final_beat) || !whole", "1'b0", ""),
        ("eqhdl_net_axi.v", "trained_q <= trained_q + 32'd1", "trained_q <= trained_q + 32'd2", "TRAINED"),
    ];
    for (file, from, to, word) in edits {
        folder.run(&["generate", "net.toml", "-o", "rtl"], 0);
        folder.edit(&format!("rtl/{file}"), from, to);
        let (report, err) = folder.cosim(&["--bus", "--rtl", "rtl"], 1);
        assert!(err.contains("DIFFERENT") && err.contains(word), "{file}: {err}");
        assert_eq!(report["edited"].as_array().map(Vec::len), Some(1), "{file}: {err}");
    }
    // A bus that does not answer, and one that swallows samples.
    for (file, from, to) in [
        ("eqhdl_net__axi_lite_slave.v", "assign bvalid_o = b_q", "assign bvalid_o = 1'b0"),
        ("eqhdl_net__stream_results.v", "assign tvalid_o = (left_q != 3'd0)", "assign tvalid_o = 1'b0"),
    ] {
        folder.run(&["generate", "net.toml", "-o", "rtl"], 0);
        folder.edit(&format!("rtl/{file}"), from, to);
        let (report, err) = folder.cosim(&["--bus", "--rtl", "rtl"], 1);
        assert_eq!(report["first_difference"]["field"], "hang", "{file}: {err}");
    }
}

#[test]
fn made_samples_reach_a_rail_that_a_training_does_not() {
    let folder = Folder::new();
    let (report, err) = folder.cosim(&["--rtl", "rtl"], 0);
    assert_eq!([&report["samples"], &report["learned"], &report["classified"]], [6, 6, 0], "{report}");
    assert_eq!(report["made"], 2, "{report}");
    assert!(err.contains("6 to learn, none to classify"), "{err}");
    folder.edit("rtl/eqhdl_net__synapse_lanes.v", "$signed(Lower) : $signed(Largest)", "$signed(Lower) : -1");
    let (report, _) = folder.cosim(&["--rtl", "rtl", "--stress", "0"], 0);
    assert_eq!(report["made"], 0, "{report}");
    let (report, err) = folder.cosim(&["--rtl", "rtl", "--stress", "40"], 1);
    assert!(err.contains("the 6 samples of the training are equal; a made sample differs"), "{err}");
    assert_eq!(report["first_difference"]["field"], "weight", "{report}");
    assert!(report["first_difference"]["sample"].as_u64() >= Some(6), "{report}");
    assert!(!report["replay"].is_null(), "a made sample is replayed, too: {report}");
}

/// A training writes each register once. Made samples write them again: a core in which a value is built in is told.
#[test]
fn made_samples_tell_a_register_that_is_built_in() {
    let steps = "rtl/eqhdl_net__phase_program.v";
    for (file, from, to) in [
        ("rtl/eqhdl_net.v", ".seed_i(seed_i)", ".seed_i(32'd1)"),
        (steps, "? free_steps_i : nudged_steps_i", "? 16'd12 : nudged_steps_i"),
        (steps, "? free_steps_i : nudged_steps_i", "? free_steps_i : 16'd4"),
    ] {
        let folder = Folder::new();
        // Where nothing is drawn at random, the circuit does not read its seed.
        folder.edit("net.toml", "weight = \"RND\"", "weight = \"STOCHASTIC\"");
        folder.run(&["generate", "net.toml", "-o", "rtl"], 0);
        folder.edit(file, from, to);
        folder.cosim(&["--rtl", "rtl", "--stress", "0"], 0);
        let (report, err) = folder.cosim(&["--rtl", "rtl", "--stress", "10"], 1);
        assert!(err.contains("a made sample differs"), "{to}: {err}");
        assert!(!report["replay"].is_null(), "{to}: {report}");
    }
}

/// What no state and no weight shows: what the ports say, and when.
#[test]
fn the_ports_are_held_against_what_they_must_say() {
    let folder = Folder::new();
    for (defect, field) in [
        ("late-start", "busy"),
        ("late-ready", "ready"),
        ("sample-not-waited-for", "busy"),
        ("train-inverted", "train_flag"),
        ("number-outlives-reset", "sample_number"),
    ] {
        for level in ["events", "final"] {
            let (report, err) = folder.cosim(&["--inject", defect, "--level", level], 1);
            assert_eq!(report["first_difference"]["field"], field, "{defect} at level {level}: {err}");
        }
    }
}
