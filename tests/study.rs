//! `eqhdl study`: points, results by content, interruption, broken points, reports.

use assert_cmd::Command;
use eqhdl::study::engine;
use eqhdl::study::file::{self, Synth, Verify};
use eqhdl::study::plan::{self, Named};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A network that trains in a moment.
fn base() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/digits-cep.toml"))
        .unwrap()
        .replace("[64, 64, 10]", "[64, 12, 10]")
        .replace("lanes = 16", "lanes = 8")
        .replace("seed = 1", "seed = 1\ntrain_samples = 200\ntest_samples = 60")
}

const STUDY: &str = r#"title = "A <small> study"
base = "net.toml"
epochs = 2
seeds = 2

[grid]
formats.weight = ["s12.9", "s16.13"]
rounding.weight = ["RND", "STOCHASTIC"]
"#;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(study: &str) -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        fs::write(place.at("net.toml"), base()).unwrap();
        fs::write(place.at("s.toml"), study).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("eqhdl").unwrap();
        command.current_dir(self.folder.path()).args(["study", "s.toml"]).args(arguments);
        command
    }

    fn points(&self) -> Vec<Named> {
        plan::plan(&file::load(&self.at("s.toml")).unwrap()).unwrap()
    }

    fn refused(&self) -> String {
        let refused = self.command(&[]).assert().code(2);
        String::from_utf8_lossy(&refused.get_output().stderr).into_owned()
    }
}

/// What must not depend on how a study was run.
fn results(out: &Path) -> Vec<Value> {
    let lines = fs::read_to_string(out.join("points.jsonl")).unwrap();
    let mut rows: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for row in &mut rows {
        row["result"]["seconds"] = Value::Null;
        row["command"] = Value::Null;
        row["verified"]["milliseconds"] = Value::Null;
    }
    rows
}

#[test]
fn every_point_is_trained_once_and_stands_in_every_report() {
    let place = Place::new(STUDY);
    let run = place.command(&["--json", "--quiet"]).assert().success();
    let summary: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!((&summary["points"], &summary["trained_now"]), (&Value::from(8), &Value::from(8)));
    let out = place.at("build/studies/s");
    let [html, csv, markdown] =
        ["report.html", "points.csv", "report.md"].map(|f| fs::read_to_string(out.join(f)).unwrap());
    let points = place.points();
    assert_eq!(points.len(), 8);
    for p in &points {
        assert!(html.contains(&format!("<tr id=\"{}\">", p.id)), "{}", p.id);
        assert!(html.contains(&format!("href=\"designs/{}.toml\"", p.id)));
        assert!(csv.contains(&p.id));
        assert_eq!(
            fs::read_to_string(out.join(format!("designs/{}.toml", p.id))).unwrap(),
            p.text.to_string()
        );
    }
    assert!(html.contains("A &#60;small&#62; study") || html.contains("A &lt;small&gt; study"));
    for outside in ["http://", "https://", "@import", "src="] {
        assert!(!html.contains(outside), "the page needs nothing from outside: {outside}");
    }
    assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
    assert_eq!(html.matches("<svg").count(), 4, "over bits, fronts over memory and over cycles, curves");
    assert!(html.contains("The same for all points: 35 multipliers"));
    assert_eq!(csv.lines().count(), 9);
    let columns = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().all(|l| l.contains('"') || l.split(',').count() == columns));
    assert_eq!(markdown.lines().filter(|l| l.contains("STOCHASTIC |")).count(), 2, "{markdown}");

    // The command of a point reproduces it.
    let row = results(&out).remove(3);
    let design = out.join(row["design_file"].as_str().unwrap());
    let train = Command::cargo_bin("eqhdl")
        .unwrap()
        .current_dir(place.folder.path())
        .args(["train", design.to_str().unwrap(), "--json", "--quiet"])
        .assert()
        .success();
    let trained: Value = serde_json::from_slice(&train.get_output().stdout).unwrap();
    assert_eq!(trained["weights_digest"], row["result"]["weights_digest"]);
    assert_eq!(trained["design_digest"], row["design_digest"]);

    // Nothing is trained twice.
    let again = place.command(&["--json", "--quiet"]).assert().success();
    let again: Value = serde_json::from_slice(&again.get_output().stdout).unwrap();
    assert_eq!(again["trained_now"], 0);
}

#[test]
fn killed_at_any_moment_it_goes_on_to_the_same_results() {
    let study = STUDY.replace("epochs = 2", "epochs = 12");
    let (whole, cut) = (Place::new(&study), Place::new(&study));
    whole.command(&["--quiet"]).assert().success();
    let out = cut.at("build/studies/s");
    let kept = || {
        let files = fs::read_dir(out.join("results")).into_iter().flatten().flatten();
        files.filter(|f| f.path().extension().is_some_and(|e| e == "json")).count()
    };
    let mut seen = BTreeSet::new();
    for wanted in [1, 3] {
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("eqhdl"))
            .current_dir(cut.folder.path())
            .args(["study", "s.toml", "--quiet", "--jobs", "1"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while kept() < wanted && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_micros(200));
        }
        child.kill().unwrap(); // SIGKILL: a power cut
        child.wait().unwrap();
        seen.insert(kept());
    }
    assert!(seen.iter().any(|&n| 0 < n && n < 8), "never caught under way: {seen:?}");
    cut.command(&["--quiet"]).assert().success();
    assert_eq!(results(&out), results(&whole.at("build/studies/s")));
}

#[cfg(unix)]
#[test]
fn interrupted_it_leaves_a_checkpoint_and_goes_on_from_it() {
    let study = STUDY.replace("epochs = 2", "epochs = 40").replace("seeds = 2", "seeds = 1");
    let whole = Place::new(&study);
    whole.command(&["--quiet"]).assert().success();
    // The signal may come between two points, when nothing is under way: then once more, from the start.
    let mut caught = false;
    for wait in [60, 40, 80, 25, 100, 50, 70, 90].into_iter().cycle().take(24) {
        let cut = Place::new(&study);
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("eqhdl"))
            .current_dir(cut.folder.path())
            .args(["study", "s.toml", "--quiet", "--jobs", "1"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !cut.at("build/studies/s/designs").exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(wait));
        let kill =
            std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let status = child.wait().unwrap();
        assert!(status.success() || status.code() == Some(130), "{status}");
        let files = fs::read_dir(cut.at("build/studies/s/results")).into_iter().flatten().flatten();
        let left = files.filter(|f| f.path().extension().is_some_and(|e| e == "checkpoint")).count();
        assert!(left <= 1, "one job has at most one point under way");
        cut.command(&["--quiet"]).assert().success();
        assert_eq!(results(&cut.at("build/studies/s")), results(&whole.at("build/studies/s")));
        if left == 1 {
            caught = true;
            break;
        }
    }
    assert!(caught, "no interruption left a point under way");
}

#[cfg(unix)]
#[test]
fn a_search_interrupted_in_floats_goes_on_from_their_checkpoint() {
    let study =
        "base = \"net.toml\"\nepochs = 400\n[search]\nmargin = 99\nweight = [15, 16]\nstate = [7, 8]\n";
    let arguments = ["--search", "--quiet", "--json"];
    let place = Place::new(study);
    let results = place.at("build/studies/s/results");
    let of = |ending: &str| -> Vec<PathBuf> {
        let files = fs::read_dir(&results).into_iter().flatten().flatten().map(|f| f.path());
        files.filter(|f| f.to_string_lossy().ends_with(ending)).collect()
    };
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("eqhdl"))
        .current_dir(place.folder.path())
        .args(["study", "s.toml"])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The oracle's turn begins with its lock.
    let begun = Instant::now();
    while of(".oracle.checkpoint.lock").is_empty() && begun.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let kill = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let checkpoint = of(".oracle.checkpoint").pop().expect("a checkpoint in floats");
    let kept = fs::read(&checkpoint).unwrap();

    // It is read: a damaged one is told of, and the training starts anew.
    fs::write(&checkpoint, &kept[..kept.len() - 1]).unwrap();
    let anew = place.command(&arguments).assert().success();
    let said = String::from_utf8_lossy(&anew.get_output().stderr).into_owned();
    assert!(said.contains("warning") && said.contains("from the beginning"), "{said}");
    // Going on comes to the same.
    fs::remove_file(of(".oracle.json").pop().unwrap()).unwrap();
    fs::write(&checkpoint, &kept).unwrap();
    let on = place.command(&arguments).assert().success();
    let said = String::from_utf8_lossy(&on.get_output().stderr).into_owned();
    assert!(!said.contains("warning"), "{said}");
    assert_eq!(on.get_output().stdout, anew.get_output().stdout);
    assert!(of(".oracle.checkpoint").is_empty());
}

#[test]
fn a_broken_point_is_reported_and_does_not_stop_the_rest() {
    // The multipliers cannot see more bits than are stored: right alone, wrong together.
    let study = STUDY.replace("\"s16.13\"]", "\"s16.13\", \"s8.5\"]");
    let place = Place::new(&study);
    let run = place.command(&["--json"]).assert().success();
    let summary: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!((&summary["done"], &summary["broken"]), (&Value::from(8), &Value::from(4)));
    let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(said.contains("is broken") && said.contains("weight_read"), "{said}");
    let html = fs::read_to_string(place.at("build/studies/s/report.html")).unwrap();
    assert!(html.contains("Broken points"));
    for p in place.points().iter().filter(|p| p.run.is_err()) {
        assert!(html.contains(&format!("<tr id=\"{}\">", p.id)));
        place.command(&["--point", &p.id]).assert().code(2);
    }
    // Nothing but broken points is bad input.
    let all = Place::new("base = \"net.toml\"\n[grid]\nformats.weight = [\"s8.5\"]\n");
    all.command(&[]).assert().code(2);
}

#[test]
fn an_address_changes_with_every_field_that_decides_a_bit() {
    let ids = |study: &str| -> Vec<(String, String)> {
        let points = Place::new(study).points();
        points.iter().map(|p| (p.id.clone(), p.run.as_ref().unwrap().identity.address())).collect()
    };
    let start = ids(STUDY);
    assert_eq!(start.iter().map(|i| &i.1).collect::<BTreeSet<_>>().len(), 8);
    assert_eq!(start, ids(&STUDY.replace("A <small>", "Another")), "a title decides nothing");
    for (from, to) in [("epochs = 2", "epochs = 3"), ("seeds = 2", "seeds = [8, 9]"), ("RND", "TRN")] {
        let other = ids(&STUDY.replace(from, to));
        assert_ne!(start[0].1, other[0].1, "{to}");
        assert_ne!(start[0].0, other[0].0, "{to}");
    }
    for line in
        ["rule.beta = [0.5]", "rule.T = [5]", "training.train_samples = [100]", "formats.drive = [\"s9.6\"]"]
    {
        assert_ne!(start[0].1, ids(&format!("{STUDY}{line}\n"))[0].1, "{line}");
    }
    // Lanes change the price and the name, not the training.
    let lanes = ids(&format!("{STUDY}hardware.lanes = [8, 16]\n"));
    assert_eq!(lanes.iter().map(|i| &i.1).collect::<BTreeSet<_>>(), start.iter().map(|i| &i.1).collect());
    assert_eq!(lanes.iter().map(|i| &i.0).collect::<BTreeSet<_>>().len(), 16);
}

#[test]
fn what_is_wrong_is_refused_at_its_line() {
    for (from, to, line, says) in [
        ("formats.weight", "formats.wieght", 7, "did you mean `formats.weight`"),
        ("formats.weight", "weight", 7, "did you mean `formats.weight`"),
        ("formats.weight", "formats.colour", 7, "`formats.state`"),
        ("formats.weight", "colour", 7, "section and key"),
        ("\"STOCHASTIC\"", "\"STOCHASTICK\"", 8, "did you mean \"STOCHASTIC\""),
        ("\"s12.9\"", "\"12.9\"", 7, "such as"),
        ("formats.weight = [\"s12.9\", \"s16.13\"]", "hardware.lanes = [7]", 7, "power of two"),
        ("formats.weight = [\"s12.9\", \"s16.13\"]", "training.seed = [7]", 7, "seeds = 3"),
        ("formats.weight = [\"s12.9\", \"s16.13\"]", "rule.T = 4", 7, "in brackets"),
        ("seeds = 2", "seeds = 0", 4, "how often"),
        ("seeds = 2", "seed = 2", 4, "did you mean `seeds`"),
        ("epochs = 2", "epochs = \"many\"", 3, "epochs = 4"),
        ("epochs = 2", "verify = \"some\"", 3, "first 200 samples"),
        ("epochs = 2", "synth = \"artix\"", 3, "ecp5-25k"),
    ] {
        let said = Place::new(&STUDY.replacen(from, to, 1)).refused();
        assert!(said.contains(&format!("s.toml:{line}:")), "{to} is not pointed at: {said}");
        let flat = said.replace(['\n', '│'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(says), "{to}: {said}");
    }
    let missing = Place::new(&STUDY.replace("net.toml", "other.toml")).refused();
    assert!(missing.contains("other.toml"), "{missing}");
    let nothing = Place::new("base = \"net.toml\"\n").refused();
    assert!(nothing.contains("varies nothing"), "{nothing}");
}

#[test]
fn a_changed_result_is_noticed_and_made_again() {
    let place = Place::new(&STUDY.replace("seeds = 2", "seeds = 1"));
    place.command(&["--quiet"]).assert().success();
    let out = place.at("build/studies/s");
    let good = results(&out);
    let first = &place.points()[0];
    let store = eqhdl::study::store::Store::new(out.join("results"));
    let identity = &first.run.as_ref().unwrap().identity;
    let path = store.training_file(identity);
    let text = fs::read_to_string(&path).unwrap();
    let other = store.training_file(&place.points()[1].run.as_ref().unwrap().identity);
    let weights = good[0]["result"]["weights_digest"].as_str().unwrap();
    for (what, planted) in [
        ("seal", text.replace(&identity.design, &"0".repeat(64))),
        ("seal", text.replace(weights, &"1".repeat(64))),
        ("cut off", text[..text.len() / 2].to_owned()),
        ("another training", fs::read_to_string(other).unwrap()),
    ] {
        assert_ne!(planted, text);
        fs::write(&path, planted).unwrap();
        let run = place.command(&["--json"]).assert().success();
        let summary: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
        let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(said.contains("warning") && said.contains(what), "{what}: {said}");
        assert_eq!(summary["trained_now"], 1, "{what}");
        assert_eq!(results(&out), good, "{what}");
    }
}

#[test]
fn the_list_engine_names_every_point_and_each_command_runs_alone() {
    let place = Place::new(&STUDY.replace("seeds = 2", "seeds = 1"));
    let list = |place: &Place| -> Vec<String> {
        let run = place.command(&["--engine", "list"]).assert().success();
        String::from_utf8(run.get_output().stdout.clone()).unwrap().lines().map(str::to_owned).collect()
    };
    let commands = list(&place);
    assert_eq!(commands.len(), 4);
    for command in &commands {
        let run = std::process::Command::new("sh")
            .current_dir(place.folder.path())
            .args(["-c", command])
            .stderr(Stdio::null())
            .status();
        assert!(run.unwrap().success(), "{command}");
    }
    assert!(list(&place).is_empty(), "all are done");
    place.command(&["--gather"]).assert().success();
    let local = Place::new(&STUDY.replace("seeds = 2", "seeds = 1"));
    local.command(&["--quiet"]).assert().success();
    assert_eq!(results(&place.at("build/studies/s")), results(&local.at("build/studies/s")));
    place.command(&["--point", "p000000000000"]).assert().code(2);
    assert_eq!(engine::quoted("it's"), r"'it'\''s'");
}

/// A stand-in for Slurm that runs the tasks of an array one after the other: it shows that script, array and commands
/// fit together, not that Slurm takes them.
#[cfg(unix)]
#[test]
fn the_slurm_engine_submits_one_array_and_gathers() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new(&STUDY.replace("seeds = 2", "seeds = 1"));
    let sbatch = place.at("bin/sbatch");
    fs::create_dir(place.at("bin")).unwrap();
    fs::write(
        &sbatch,
        "#!/bin/sh\nset -e\necho \"$@\" > asked\n[ \"$1\" = --wait ]\nfor script; do :; done\n\
         last=$(sed -n 's/#SBATCH --array=0-//p' \"$script\")\nfor n in $(seq 0 \"$last\"); do SLURM_ARRAY_TASK_ID=$n sh \"$script\"; done\n",
    )
    .unwrap();
    fs::set_permissions(&sbatch, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", place.at("bin").display(), std::env::var("PATH").unwrap());
    let arguments = ["--engine", "slurm", "--sbatch=--partition=day", "--json"];
    let run = place.command(&arguments).env("PATH", path).assert().success();
    let summary: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!((&summary["done"], &summary["missing"]), (&Value::from(4), &Value::from(0)));
    assert!(fs::read_to_string(place.at("asked")).unwrap().contains("--partition=day"));
    let bare = Place::new(STUDY);
    bare.command(&["--engine", "slurm"]).env("PATH", bare.at("bin")).assert().code(3);
}

#[test]
fn lists_and_random_samples_stand_beside_a_grid() {
    let study = r#"base = "net.toml"
[[point]]
label = "coarse"
formats.weight = "s8.5"
formats.weight_read = "s8.5"
[[point]]
"rule.T" = 6
verify = "first 20 samples"
synth = "up5k"
[random]
points = 30
seed = 4
[random.fields]
rule.beta = { from = 0.2, to = 1.0, scale = "log" }
rule.K = { from = 2, to = 4 }
rounding.weight = ["RND", "TRN"]
"#;
    let place = Place::new(study);
    let points = place.points();
    let broken: Vec<_> = points.iter().filter_map(|p| p.run.as_ref().err()).collect();
    assert!(broken.is_empty(), "{broken:?}");
    assert_eq!(points.iter().map(|p| p.id.clone()).collect::<Vec<_>>(), {
        place.points().into_iter().map(|p| p.id).collect::<Vec<_>>()
    });
    assert_eq!(points[0].labels, [("point".to_owned(), "coarse".to_owned())]);
    assert_eq!(points[1].verify, Verify::First(20));
    assert_eq!(points[1].synth, Synth::On(eqhdl::synth::Device::Up5k));
    assert!(points[2..].iter().all(|p| p.synth == Synth::None));
    let random = &points[2..];
    assert!(random.len() > 25);
    let designs = || random.iter().map(|p| &p.run.as_ref().unwrap().design);
    assert_eq!(designs().map(|d| d.nudged_steps).collect::<BTreeSet<_>>(), BTreeSet::from([2, 3, 4]));
    assert!(designs().all(|d| (0.2..=1.0).contains(&d.beta.wanted)));
    assert!(designs().any(|d| d.beta.wanted < 0.35) && designs().any(|d| d.beta.wanted > 0.5));
}

#[test]
fn a_point_is_verified_against_its_hardware() {
    let study = "base = \"net.toml\"\nepochs = 1\nverify = \"first 12 samples\"\n[grid]\nrounding.weight = [\"STOCHASTIC\"]\n";
    let place = Place::new(study);
    let run = place.command(&["--json"]).assert().success();
    let summary: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!((&summary["verified"], &summary["different"]), (&Value::from(1), &Value::from(0)));
    let row = &summary["table"]["rows"][0];
    assert_eq!(row["verified"]["samples"], 12);
    assert!(row["verified"]["compared"].as_u64().unwrap() > 1000);
    let html = fs::read_to_string(place.at("build/studies/s/report.html")).unwrap();
    assert!(html.contains("equal, 12 samples"));
}

#[test]
fn a_point_that_differs_from_its_hardware_is_marked_and_ends_in_exit_code_1() {
    use eqhdl::study::store::{Store, Verified};
    let study = "base = \"net.toml\"\nepochs = 1\nverify = \"first 9 samples\"\n[grid]\nrule.T = [4]\n";
    let place = Place::new(study);
    let point = place.points().remove(0).id;
    let verified = Verified {
        point,
        asked: 9,
        samples: 3,
        compared: 100,
        difference: Some("sample 2, free phase: planted".to_owned()),
        milliseconds: 1,
    };
    Store::new(place.at("build/studies/s/results")).keep_verified(&verified).unwrap();
    let run = place.command(&["--json"]).assert().code(1);
    let summary: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!((&summary["verified"], &summary["different"]), (&Value::from(0), &Value::from(1)));
    let out = place.at("build/studies/s");
    assert!(fs::read_to_string(out.join("report.html")).unwrap().contains("different, 3 samples"));
    assert!(fs::read_to_string(out.join("report.md")).unwrap().contains("| different |"));
    place.command(&["--gather"]).assert().code(1);
}

#[test]
fn what_a_point_is_on_a_device_stands_in_every_report() {
    use eqhdl::study::store::{Placed, Store};
    use eqhdl::synth::Counts;
    let study = "base = \"net.toml\"\nepochs = 1\nseeds = 2\nsynth = \"up5k\"\n[grid]\nrule.T = [4, 5]\n";
    let place = Place::new(study);
    let points = place.points();
    // Area and clock rate do not depend on the seed: one of both is placed.
    let placed: Vec<&Named> = points.iter().filter(|p| p.synth != Synth::None).collect();
    assert_eq!(placed.iter().map(|p| p.seed).collect::<Vec<_>>(), [1, 1]);

    // Without the tools they are named, the trainings are kept, and the exit code says so.
    let bare = tempfile::tempdir().unwrap();
    let program = bare.path().join("eqhdl");
    fs::copy(env!("CARGO_BIN_EXE_eqhdl"), &program).unwrap();
    let run = Command::new(&program)
        .current_dir(place.at(""))
        .env("PATH", bare.path())
        .args(["study", "s.toml"])
        .assert()
        .code(3);
    let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(said.contains("could not be placed: `yosys` is not installed"), "{said}");
    assert!(said.contains("4 trained"), "{said}");

    let store = Store::new(place.at("build/studies/s/results"));
    let cells = Counts { lut4: 4321, ff: 1234, dsp: 7, block_ram: 21, lut_ram: 0 };
    let fits = Placed {
        point: placed[0].id.clone(),
        device: "up5k".to_owned(),
        cells,
        lacking: Vec::new(),
        khz: vec![31_000, 35_500, 33_000],
        tools: ["Yosys".to_owned(), "nextpnr".to_owned()],
        milliseconds: 1,
    };
    store.keep_placed(&fits).unwrap();
    let lacking = vec!["9 multiplier blocks are needed, up5k has 8".to_owned()];
    let large = Placed { point: placed[1].id.clone(), khz: Vec::new(), lacking, ..fits };
    store.keep_placed(&large).unwrap();
    let run = place.command(&["--json"]).assert().success();
    let summary: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!(summary["table"]["rows"][0]["placed"]["khz"][1], 35_500);
    let out = place.at("build/studies/s");
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let cycles = summary["table"]["rows"][0]["cost"]["cycles_per_sample"].as_f64().unwrap();
    let samples = format!("{:.0}", 33e6 / cycles);
    let markdown = read("report.md");
    let line = format!("up5k: 4321 LUT4, 7 DSP, 21 block RAM, 33.0 MHz (31.0 to 35.5), {samples} samples/s");
    assert!(markdown.contains(&line), "{markdown}");
    assert!(markdown.contains("does not fit: 9 multiplier blocks"), "{markdown}");
    let html = read("report.html");
    assert!(html.contains(">33.0</td>") && html.contains(&format!("<td>{samples}</td>")), "{html}");
    assert!(html.contains("does not fit"), "{html}");
    let csv = read("points.csv");
    assert!(csv.contains(",up5k,4321,1234,7,21,33,31,35.5,"), "{csv}");
    let columns: BTreeSet<usize> = csv.lines().map(|l| l.split(',').count()).collect();
    assert_eq!(columns.len(), 1, "{csv}");

    // What was kept for another point is not taken for this one's.
    let other = place.at("build/studies/s/results").join(format!("{}-up5k.placed.json", placed[0].id));
    fs::copy(other.with_file_name(format!("{}-up5k.placed.json", placed[1].id)), &other).unwrap();
    let list = place.command(&["--engine", "list"]).assert().success();
    assert!(String::from_utf8_lossy(&list.get_output().stdout).contains(&placed[0].id));
}

#[test]
fn the_study_that_comes_along_is_sound() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/studies/digits-bits.toml");
    let points = plan::plan(&file::load(&path).unwrap()).unwrap();
    assert_eq!(points.len(), 30);
    assert!(points.iter().all(|p| p.run.is_ok()));
    assert_eq!(points.iter().filter(|p| p.samples_to_verify() == 50).count(), 2);
}

#[test]
fn the_narrowest_formats_are_searched_for_and_the_search_goes_on() {
    let search = STUDY.replace("formats.weight = [\"s12.9\", \"s16.13\"]\n", "")
        + "\n[search]\nmargin = 8.0\nweight = [6, 16]\nstate = [2, 8]\n";
    let place = Place::new(&search);
    let run = place.command(&["--search", "--json", "--quiet"]).assert().success();
    let report: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    let settings = report["settings"].as_array().unwrap();
    assert_eq!(settings.len(), 2);
    for row in settings {
        let limit = row["limit"].as_f64().unwrap();
        assert!((limit - row["oracle"].as_f64().unwrap() - 8.0).abs() < 1e-9, "{row}");
        for corner in ["weights_first", "states_first"].map(|c| &row[c]).into_iter().filter(|c| !c.is_null())
        {
            assert!(corner["error"].as_f64().unwrap() <= limit, "{row}");
            assert_eq!(corner["points"].as_array().unwrap().len(), 2, "a point for each seed: {row}");
            for point in corner["points"].as_array().unwrap() {
                let design =
                    place.at("build/studies/s/designs").join(format!("{}.toml", point.as_str().unwrap()));
                let design = eqhdl::design::load(&design).unwrap();
                assert_eq!(Value::from(design.synapses[0].weight.width), corner["weight_bits"]);
                assert_eq!(Value::from(design.neurons[0].state.frac), corner["state_fraction_bits"]);
                assert_eq!(design.synapses[0].weight.width as i32 - design.synapses[0].weight.frac, 3);
            }
        }
    }
    // Stochastic rounding learns with fewer bits than rounding to nearest, if that learns at all.
    let bits = |row: &Value| row["weights_first"]["weight_bits"].as_u64().unwrap_or(99);
    assert!(bits(&settings[1]) < bits(&settings[0]), "{report:#}");
    let page = fs::read_to_string(place.at("build/studies/s/search.md")).unwrap();
    assert!(page.contains("rounding.weight STOCHASTIC"));

    // Nothing is trained twice.
    let results = || fs::read_dir(place.at("build/studies/s/results")).unwrap().count();
    let before = results();
    let again = place.command(&["--search", "--json", "--quiet"]).assert().success();
    assert_eq!(serde_json::from_slice::<Value>(&again.get_output().stdout).unwrap(), report);
    assert_eq!(results(), before);

    // A study that only searches, and one that does not.
    let only = Place::new("base = \"net.toml\"\n[search]\nmargin = 5\nweight = [8, 16]\nstate = [4, 8]\n");
    assert!(only.refused().contains("--search"));
    let none = Place::new(STUDY);
    none.command(&["--search"]).assert().code(2);
    let bad = Place::new("base = \"net.toml\"\n[search]\nmargin = 5\nweight = [16, 8]\nstate = [4, 8]\n");
    assert!(bad.refused().contains("smaller one first"));
}
