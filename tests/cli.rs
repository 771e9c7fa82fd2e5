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

/// Weights go out and come back: a training that begins with what another one left, integers or floats.
#[test]
fn a_training_begins_with_weights_that_are_brought() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("net.toml"), design()).unwrap();
    let train = |arguments: &[&str]| {
        let all =
            [&["train", "net.toml", "--json", "--epochs", "1", "--samples", "200"][..], arguments].concat();
        let assert = eqhdl(dir.path()).args(all).assert().success();
        let said = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        (json(&assert.get_output().stdout), said)
    };
    let save = |arguments: &[&str]| {
        let all = [&["train", "net.toml", "--epochs", "0", "--save"][..], arguments].concat();
        eqhdl(dir.path()).args(all).assert().success();
    };
    save(&["first.npz"]);
    let (plain, _) = train(&["-o", "plain", "--save", "after.npz"]);
    let (same, said) = train(&["-o", "same", "--start", "first.npz"]);
    assert_eq!(plain["weights_digest"], same["weights_digest"]);
    assert!(said.contains("begins with `w1` as w1, s16.13: off by 0.000e0 at most"), "{said}");
    // What is brought arrives as it is.
    save(&["again.npz", "--start", "after.npz"]);
    let [after, again] = ["after.npz", "again.npz"].map(|name| std::fs::read(dir.path().join(name)).unwrap());
    assert_eq!(after, again);
    let (on, _) = train(&["-o", "on", "--start", "after.npz"]);
    assert_ne!(on["weights_digest"], plain["weights_digest"]);
    // Floats begin with integers, and integers with floats.
    train(&["-o", "float", "--float", "--start", "after.npz", "--save", "float.npz"]);
    let (_, said) = train(&["-o", "back", "--start", "float.npz"]);
    assert!(said.contains("begins with `b2` as b2") && !said.contains("off by 0.000e0"), "{said}");

    for (arguments, what) in [
        (&["train", "net.toml", "--epochs", "0"][..], "nothing is trained"),
        (&["train", "net.toml", "--start", "none.npz"], "none.npz: cannot be read"),
        (&["train", "net.toml", "--start", "net.toml"], "cannot be read as NPZ"),
        (&["train", "net.toml", "--start", "first.npz", "--resume"], "cannot be used with"),
    ] {
        let assert = eqhdl(dir.path()).args(arguments).assert().code(2);
        let said = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        let said = said.replace("│ ", "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(what), "{arguments:?}: {said}");
    }
}

/// `check` refuses what `train` would, with the same words, says in a line what is not there, and opens nothing if asked to.
#[test]
fn check_opens_the_data() {
    let dir = tempfile::tempdir().unwrap();
    let digits =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/digits-batch.toml"));
    let digits = digits.unwrap();
    let write = |name: &str, from: &str, to: &str| {
        assert!(digits.contains(from), "{from}");
        std::fs::write(dir.path().join(name), digits.replace(from, to)).unwrap();
    };
    let said = |arguments: &[&str], code: i32| {
        let assert = eqhdl(dir.path()).args(arguments).assert().code(code);
        let output = assert.get_output();
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8(bytes.clone()).unwrap())
    };
    write("good.toml", "batch = 10", "batch = 11");
    let [out, _] = said(&["check", "good.toml"], 0);
    assert!(out.contains("data digits: 1438 samples to learn, 359 to test, 10 classes"), "{out}");
    assert!(
        out.contains("the last batch of an epoch has 8 samples") && out.contains("divided by 11"),
        "{out}"
    );
    let [out, _] = said(&["check", "good.toml", "--json"], 0);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["data"]["opened"]["short_batch"], 8, "{out}");
    let [out, _] = said(&["check", "good.toml", "--no-data"], 0);
    assert!(!out.contains("data digits"), "{out}");

    write("batch.toml", "[training]", "[training]\ntrain_samples = 9");
    let [_, refused] = said(&["check", "batch.toml"], 2);
    assert!(refused.contains("a batch of 10 is larger than the training set"), "{refused}");
    assert_eq!(said(&["train", "batch.toml"], 2)[1], refused);
    said(&["check", "batch.toml", "--no-data"], 0);

    write("npz.toml", "source = \"digits\"", "source = \"npz\"\npath = \"mine.npz\"");
    let [out, _] = said(&["check", "npz.toml"], 0);
    assert!(out.contains("data is not there, and was not checked: mine.npz"), "{out}");
    std::fs::write(dir.path().join("mine.npz"), "no archive").unwrap();
    let [_, refused] = said(&["check", "npz.toml"], 2);
    assert!(refused.contains("mine.npz"), "{refused}");
    assert_eq!(said(&["train", "npz.toml"], 2)[1], refused);
}

#[test]
fn more_vectors_than_samples_are_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("net.toml"), design()).unwrap();
    let asked =
        |n: &str| eqhdl(dir.path()).args(["generate", "net.toml", "-o", "rtl", "--vectors", n]).assert();
    let output = asked("99999999").code(2).get_output().clone();
    assert!(String::from_utf8_lossy(&output.stderr).contains("26955 samples"), "{output:?}");
    assert!(!dir.path().join("rtl").exists());
    asked("3").success();
    let text = std::fs::read(dir.path().join("rtl/eqhdl_net__vectors.json")).unwrap();
    assert_eq!(json(&text)["samples"].as_array().map(Vec::len), Some(3));
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
fn training_in_floats_reports_as_the_bit_accurate_one_does() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("net.toml"), design()).unwrap();
    let args = ["train", "net.toml", "--epochs", "2", "--samples", "150", "--json", "--quiet"];
    let exact = json(&eqhdl(dir.path()).args(args).assert().success().get_output().stdout);
    let float = eqhdl(dir.path()).args(args).args(["--float", "--save", "w.npz"]).assert().success();
    let float = json(&float.get_output().stdout);
    for key in ["seed", "data_checksum", "train_samples", "test_samples", "epochs", "averaged_epochs"] {
        assert_eq!(float[key], exact[key], "{key}");
    }
    assert_eq!(float["arithmetic"], "float64");
    // The same samples in the same order from the same weights: the accuracies are not far apart.
    let accuracy = |v: &Value| v["test_accuracy"].as_f64().unwrap();
    assert!((accuracy(&float) - accuracy(&exact)).abs() < 0.2);
    let saved = std::fs::read_to_string(dir.path().join("build/net/train-float.json")).unwrap();
    assert_eq!(json(saved.as_bytes()), float);
    assert!(dir.path().join("w.npz").exists());
    // One epoch, then the other.
    for epochs in ["1", "2"] {
        let more = ["train", "net.toml", "--samples", "150", "--quiet", "--float", "--resume"];
        eqhdl(dir.path()).args(more).args(["--epochs", epochs, "--out", "halves"]).assert().success();
    }
    let halves = json(&std::fs::read(dir.path().join("halves/train-float.json")).unwrap());
    assert_eq!(halves["test_accuracy_per_epoch"], float["test_accuracy_per_epoch"]);
}

#[test]
fn gradient_compares_studies_and_leaves_files() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("net.toml"), design()).unwrap();
    let run = eqhdl(dir.path())
        .args(["gradient", "net.toml", "--sample", "5", "--samples", "2", "--seed", "4", "--json"])
        .assert()
        .success();
    let report = json(&run.get_output().stdout);
    assert_eq!(
        (&report["first_sample"], &report["samples"], &report["seed"]),
        (&5.into(), &2.into(), &4.into())
    );
    assert_eq!(report["totals"].as_array().unwrap().len(), 4);
    // Weights, biases and states of two layers over K = 4 steps.
    assert_eq!(report["steps"].as_array().unwrap().len(), 3 * 2 * 4);
    let slope = |key: &str| report["nudges"][key].as_f64().unwrap();
    assert!((slope("one_sided_slope") - 1.0).abs() < 0.1 && (slope("symmetric_slope") - 2.0).abs() < 0.1);
    for (file, rows) in
        [("totals", 4), ("steps", 24), ("curves", 18 * 4), ("continual", 28), ("nudges", 17 + 8 * 13)]
    {
        let path = dir.path().join("build/net/gradient").join(file).with_extension("csv");
        let csv = std::fs::read_to_string(path).unwrap();
        let columns = |line: &str| line.split(',').count();
        assert_eq!(csv.lines().count(), rows + 1, "{file}");
        assert!(csv.lines().all(|l| columns(l) == columns(csv.lines().next().unwrap())), "{file}");
        assert!(!csv.contains("NaN") && !csv.contains("inf"), "{file}");
    }
    for file in ["curves.svg", "nudges.svg"] {
        let svg = std::fs::read_to_string(dir.path().join("build/net/gradient").join(file)).unwrap();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && !svg.contains("NaN"), "{file}");
    }
    let text = eqhdl(dir.path()).args(["gradient", "net.toml", "--out", "g"]).assert().success();
    let text = String::from_utf8_lossy(&text.get_output().stdout).into_owned();
    for part in ["whole update against BPTT", "continual updates", "error ~ beta^", "where fixed point ends"]
    {
        assert!(text.contains(part), "{part}");
    }
    for wrong in [["--sample", "1797"], ["--samples", "0"], ["--samples", "2000"]] {
        eqhdl(dir.path()).args(["gradient", "net.toml"]).args(wrong).assert().code(2);
    }
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
    let file = dir.path().join("rtl/eqhdl_net__neuron_unit.v");
    let text = std::fs::read_to_string(&file).unwrap();
    let broken = text.replace("pull = goal_q - state_1 *", "pull = goal_q + state_1 *");
    assert_ne!(text, broken);
    std::fs::write(&file, broken).unwrap();
    let broken = run(&["--rtl", "rtl"], 1);
    let first = &broken["first_difference"];
    assert_eq!((&first["field"], &first["layer"]), (&Value::from("state"), &Value::from(2)));
    assert_eq!((&first["phase"], &first["step"]), (&Value::from("nudged phase"), &Value::from(1)));
}

/// `new` takes a name exactly where `check` takes the file, and the file is called as was asked for.
#[test]
fn new_takes_what_check_takes() {
    let dir = tempfile::tempdir().unwrap();
    let text = eqhdl::design::commented_example("net");
    for name in [
        "net_0.3",
        "my net",
        "table",
        "3",
        "größe",
        "日本",
        "net-axi",
        "a\u{7}b",
        ".",
        "..",
        &"n".repeat(150),
    ] {
        let file = format!("{name}.toml");
        let parsed = eqhdl::design::parse(std::path::Path::new(&file), &text).is_ok();
        let new = eqhdl(dir.path()).args(["new", name]).assert();
        if parsed && !name.starts_with('.') {
            new.success();
            eqhdl(dir.path()).args(["check", &file]).assert().success();
        } else {
            new.code(2);
            assert!(!dir.path().join(&file).exists(), "{name}");
        }
    }
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    eqhdl(dir.path()).args(["new", "sub/n.toml"]).assert().success();
    assert!(dir.path().join("sub/n.toml").is_file());
}
