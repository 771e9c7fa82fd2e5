//! The commands as a user types them: exit codes, JSON, and a defect by hand in a generated file.

use assert_cmd::Command;
use serde_json::Value;
use std::path::Path;

fn eqhdl(dir: &Path) -> Command {
    let mut command = Command::cargo_bin("eqhdl").expect("cargo builds the binary before its tests");
    command.current_dir(dir);
    command
}

fn design() -> String {
    // A small network, so that its simulator builds in seconds.
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/digits-cep.toml"));
    text.expect("the repository ships it")
        .replace("[64, 64, 10]", "[64, 12, 10]")
        .replace("lanes = 16", "lanes = 8")
}

fn json(output: &[u8]) -> Value {
    serde_json::from_slice(output).expect("--json prints JSON and nothing else on standard output")
}

#[test]
fn new_check_and_train_work_from_nothing() {
    let dir = tempfile::tempdir().unwrap();
    eqhdl(dir.path()).args(["new", "mynet"]).assert().success();
    eqhdl(dir.path()).args(["new", "mynet"]).assert().code(2);
    let check = eqhdl(dir.path()).args(["check", "mynet.toml", "--json"]).assert().success();
    assert!(json(&check.get_output().stdout)["cycles_per_sample"].is_array());
    let train = eqhdl(dir.path())
        .args(["train", "mynet.toml", "--epochs", "1", "--samples", "50", "--json", "--quiet"])
        .assert();
    let summary = json(&train.success().get_output().stdout);
    for key in ["test_accuracy", "epochs", "samples_per_s", "weights_digest"] {
        assert!(!summary[key].is_null(), "{key}");
    }
    eqhdl(dir.path()).args(["check", "nothing.toml"]).assert().code(2);
    std::fs::write(dir.path().join("bad.toml"), design().replace("lanes = 8", "lanes = 7")).unwrap();
    let bad = eqhdl(dir.path()).args(["check", "bad.toml"]).assert().code(2);
    assert!(String::from_utf8_lossy(&bad.get_output().stderr).contains("power of two"));
}

#[test]
fn cosim_says_equal_and_different() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("net.toml"), design()).unwrap();
    let run = |args: &[&str], code: i32| {
        let mut all = vec!["cosim", "net.toml", "--samples", "6", "--json"];
        all.extend(args);
        json(&eqhdl(dir.path()).args(&all).assert().code(code).get_output().stdout)
    };
    let equal = run(&[], 0);
    let keys = [
        "verdict",
        "level",
        "samples",
        "compared",
        "differences",
        "first_difference",
        "cycles_per_sample",
        "test_accuracy",
        "wall_s",
    ];
    for key in keys {
        assert!(equal.get(key).is_some(), "{key}");
    }
    assert_eq!((&equal["verdict"], &equal["samples"]), (&Value::from("equal"), &Value::from(6)));
    assert!(equal["compared"].as_u64().is_some_and(|n| n > 0));
    assert!(dir.path().join("build/net/first_sample.vcd").exists());

    // The waveform it leaves can be compared by itself.
    let again = eqhdl(dir.path())
        .args([
            "cosim",
            "net.toml",
            "--samples",
            "1",
            "--level",
            "all",
            "--json",
            "--waves",
            "build/net/first_sample.vcd",
        ])
        .assert()
        .success();
    assert_eq!(json(&again.get_output().stdout)["samples"], 1);

    // A defect by name.
    let swapped = run(&["--inject", "lane-swap"], 1);
    assert_eq!(swapped["first_difference"]["field"], "weight");
    assert!(dir.path().join("build/net/inject/lane-swap/replay.gtkw").exists());
    eqhdl(dir.path()).args(["cosim", "net.toml", "--inject", "no-such"]).assert().code(2);

    // A defect by hand.
    eqhdl(dir.path()).args(["generate", "net.toml", "-o", "rtl"]).assert().success();
    let file = dir.path().join("rtl/neuron_unit.v");
    let text = std::fs::read_to_string(&file).unwrap();
    let broken = text.replace("error = target - state_i", "error = target + state_i");
    assert_ne!(text, broken);
    std::fs::write(&file, broken).unwrap();
    let broken = run(&["--rtl", "rtl"], 1);
    let first = &broken["first_difference"];
    assert_eq!((&first["field"], &first["layer"]), (&Value::from("state"), &Value::from(2)));
    assert!(first["phase"].as_str().is_some_and(|p| p.starts_with("nudged phase, step 1")));
}
