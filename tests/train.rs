//! `eqhdl train` stops and goes on anywhere, bit for bit, and refuses what does not belong to it.

use eqhdl::data::{self, Augment};
use eqhdl::design::{self, Design, Fill, Milestones};
use eqhdl::oracle::train::{FloatTrainer, real_input};
use eqhdl::oracle::{FloatNetwork, Oracle, Parameters, Unwatched};
use eqhdl::reference::checkpoint::{Checkpoint, CheckpointError};
use eqhdl::reference::golden::Golden;
use eqhdl::reference::train::{Plan, Progress, Trainer, TrainingData, averaged_epochs};
use eqhdl::reference::{Silent, Weights};
use eqhdl::rules::Program;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A small training on the digits, with stochastic rounding: the random bits must survive a restart too.
const DESIGN: &str = r#"
[network]
layers = [64, 24, 10]
activation = "logistic"
dynamics = "prototypical"
nudge = "outside"

[rule]
name = "cep"
T = 8
K = 3
beta = 0.25
learning_rates = [0.02, 0.01]

[formats]
input = "u4.4"
state = ["u8.8", "s10.8"]
weight = "s16.13"
weight_read = "s10.7"
drive = "s10.7"
rate = "u12.12"
nudge = "s8.6"

[rounding]
weight = "STOCHASTIC"

[hardware]
lanes = 16

[training]
epochs = 3
rate_milestones = [1]
rate_gamma = 0.5
seed = 5

[data]
source = "digits"
"#;

fn design_in(folder: &Path) -> (PathBuf, Design) {
    let path = folder.join("trial.toml");
    fs::write(&path, DESIGN).unwrap();
    let design = design::load(&path).unwrap_or_else(|e| panic!("{e:#}"));
    (path, design)
}

struct Setup {
    design: Design,
    data: TrainingData,
    plan: Plan,
}

impl Setup {
    fn new(folder: &Path, samples: usize) -> Setup {
        let (_, mut design) = design_in(folder);
        (design.train_samples, design.test_samples) = (Some(samples), Some(40));
        let set = data::load(&design).unwrap();
        Setup { data: TrainingData::new(&design, &set), plan: Plan::new(&design, &set), design }
    }

    fn trainer(&self) -> Trainer<'_> {
        Trainer::new(&self.design, &self.data, self.plan)
    }

    fn uninterrupted(&self) -> (Weights, Progress) {
        let mut trainer = self.trainer();
        while trainer.step().is_some() {}
        (trainer.weights(), trainer.progress().clone())
    }
}

#[test]
fn the_plan_is_walked_in_order_and_numbers_never_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let s = Setup::new(folder.path(), 100);
    let mut trainer = s.trainer();
    let mut golden = Golden::new(&s.design, Weights::initial(&s.design));
    let mut number = 0;
    for epoch in 0..s.plan.epochs {
        for planned in s.plan.samples(epoch) {
            assert_eq!(planned.number, number);
            let (input, label) = s.data.sample(planned);
            golden.sample = planned.number;
            let expected = golden.run(&input, label, planned.lesson(), &mut Silent);
            assert_eq!(trainer.step(), Some((planned, expected)), "sample {number}");
            number += 1;
        }
    }
    assert_eq!(u64::from(number), s.plan.total());
    assert_eq!(trainer.step(), None);
    assert_eq!(trainer.weights(), golden.weights);
    assert_eq!(trainer.epoch(), 3);
}

#[test]
fn a_training_cut_anywhere_goes_on_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/checkpoint");
    let s = Setup::new(folder.path(), 100);
    let expected = s.uninterrupted();
    for stop in [0, 1, 99, 100, 101, 139, 140, 141, 333, 419, 420] {
        let mut trainer = s.trainer();
        for _ in 0..stop {
            trainer.step();
        }
        let checkpoint = Checkpoint { progress: trainer.progress().clone(), weights: trainer.weights() };
        checkpoint.write(&path, &s.design, &s.data.checksum, s.plan).unwrap();
        let read = Checkpoint::read(&path, &s.design, &s.data.checksum, s.plan).unwrap().unwrap();
        assert_eq!(read, checkpoint);
        let mut trainer = Trainer::resumed(&s.design, &s.data, s.plan, &read.weights, read.progress);
        while trainer.step().is_some() {}
        assert_eq!((trainer.weights(), trainer.progress().clone()), expected, "stopped after {stop}");
    }
}

#[test]
fn a_training_in_floats_cut_anywhere_goes_on_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint-float");
    let (_, mut design) = design_in(folder.path());
    (design.train_samples, design.test_samples, design.epochs) = (Some(30), Some(10), 2);
    let data = data::load(&design).unwrap();
    let finish = |mut trainer: FloatTrainer<'_>| {
        while trainer.step().is_some() {}
        let bits: Vec<u64> = trainer.parameters().values().map(f64::to_bits).collect();
        (bits, trainer.course().epochs.clone())
    };
    assert!(FloatTrainer::resumed(&design, &data, &path).unwrap().is_none(), "no file is no error");
    let expected = finish(FloatTrainer::new(&design, &data));
    for stop in [0, 1, 29, 30, 40, 41, 80] {
        let mut trainer = FloatTrainer::new(&design, &data);
        for _ in 0..stop {
            trainer.step();
        }
        trainer.write(&path).unwrap();
        let resumed = FloatTrainer::resumed(&design, &data, &path).unwrap().unwrap();
        assert_eq!(resumed.course().done, stop);
        assert!(finish(resumed) == expected, "stopped after {stop}");
    }
    let mut other = design.clone();
    other.seed += 1;
    let foreign = FloatTrainer::resumed(&other, &data, &path);
    let Err(CheckpointError::Foreign { differences, .. }) = foreign else { panic!("{foreign:?}") };
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].key, "training.seed");
    // The checkpoint of the bit-accurate training is no start for this one, nor the other way round.
    let exact = TrainingData::new(&design, &data);
    let plan = Plan::new(&design, &data);
    let mixed = Checkpoint::read(&path, &design, &exact.checksum, plan);
    assert!(matches!(mixed, Err(CheckpointError::Damaged { .. })), "{mixed:?}");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let damaged = FloatTrainer::resumed(&design, &data, &path);
    assert!(matches!(damaged, Err(CheckpointError::Damaged { .. })));
}

#[test]
fn learning_rates_fall_after_a_milestone() {
    let folder = tempfile::tempdir().unwrap();
    let s = Setup::new(folder.path(), 50);
    assert_eq!(
        [0, 1].map(|set| s.design.rate(1, set).raw),
        [328, 164],
        "0.02 / 0.25 and half of it, of 4096"
    );
    let rates = |epoch| s.plan.samples(epoch).map(|p| p.rates).collect::<std::collections::BTreeSet<_>>();
    assert_eq!([0, 1, 2].map(rates), [[0].into(), [1].into(), [1].into()]);
    // The first epoch knows nothing of them.
    let constant = Design { milestones: Milestones::default(), ..s.design.clone() };
    let plan = Plan { milestones: constant.milestones, ..s.plan };
    let epochs = |design, plan, count| {
        let mut trainer = Trainer::new(design, &s.data, Plan { epochs: count, ..plan });
        while trainer.step().is_some() {}
        trainer.weights()
    };
    assert_eq!(epochs(&s.design, s.plan, 1), epochs(&constant, plan, 1));
    assert_ne!(epochs(&s.design, s.plan, 2), epochs(&constant, plan, 2));
}

#[test]
fn foreign_and_damaged_checkpoints_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let s = Setup::new(folder.path(), 50);
    let trainer = s.trainer();
    let sum = &s.data.checksum;
    assert!(Checkpoint::read(&path, &s.design, sum, s.plan).unwrap().is_none(), "no file is no error");
    let checkpoint = Checkpoint { progress: trainer.progress().clone(), weights: trainer.weights() };
    checkpoint.write(&path, &s.design, sum, s.plan).unwrap();

    let foreign = |design: &Design, sum: &str, plan: Plan| match Checkpoint::read(&path, design, sum, plan) {
        Err(CheckpointError::Foreign { differences, .. }) => {
            differences.iter().map(|d| d.key.as_str()).collect::<Vec<_>>().join(", ")
        }
        other => panic!("{other:?}"),
    };
    let mut other = s.design.clone();
    other.seed += 1;
    assert_eq!(foreign(&other, sum, s.plan), "training.seed");
    let mut other = s.design.clone();
    other.synapses[1].rate.raw += 1;
    assert_eq!(foreign(&other, sum, s.plan), "rule.learning_rates");
    let mut other = s.design.clone();
    other.milestones = Milestones::new(&[2]).unwrap();
    assert_eq!(foreign(&other, sum, s.plan), "training.rate_milestones");
    assert_eq!(foreign(&s.design, "0000", s.plan), "the data set");
    assert_eq!(foreign(&s.design, sum, Plan { train_samples: 49, ..s.plan }), "the number of samples");
    // More epochs, other lanes: the same bits.
    let mut same = s.design.clone();
    (same.epochs, same.lanes) = (99, 64);
    assert!(Checkpoint::read(&path, &same, sum, Plan { epochs: 99, ..s.plan }).unwrap().is_some());

    let whole = fs::read(&path).unwrap();
    let damaged = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        match Checkpoint::read(&path, &s.design, sum, s.plan) {
            Err(CheckpointError::Damaged { problem, .. }) => problem,
            other => panic!("{} bytes: {other:?}", bytes.len()),
        }
    };
    for length in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        damaged(&whole[..length]);
    }
    for at in (0..whole.len()).step_by(101) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        damaged(&bytes);
    }
    let mut newer = whole.clone();
    newer[8] += 1;
    assert!(damaged(&newer).contains("version 2"));
    assert!(damaged(b"PK\x03\x04 something else").contains("not a checkpoint"));
}

#[test]
fn the_accuracy_reported_is_the_mean_of_the_last_fifth() {
    assert_eq!([0, 1, 4, 5, 9, 10, 30].map(averaged_epochs), [0, 1, 1, 1, 1, 2, 6]);
}

fn eqhdl() -> Command {
    Command::new(env!("CARGO_BIN_EXE_eqhdl"))
}

/// Runs to the end and returns the summary.
fn summary(design: &Path, out: &Path, more: &[&str]) -> Value {
    let run = eqhdl()
        .arg("train")
        .arg(design)
        .arg("--out")
        .arg(out)
        .args(["--json", "--quiet"])
        .args(more)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).unwrap()
}

/// What must not depend on how a training was cut.
fn outcome(v: &Value) -> Value {
    let keys =
        ["weights_digest", "test_accuracy_per_epoch", "train_accuracy_per_epoch", "counters", "epochs"];
    keys.iter().map(|k| v[k].clone()).collect()
}

#[test]
fn killed_at_any_moment_it_resumes_to_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let (design, meaning) = design_in(folder.path());
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    let expected = summary(&design, &whole, &[]);
    let data = data::load(&meaning).unwrap();
    let plan = Plan::new(&meaning, &data);
    let path = cut.join("checkpoint");
    let written = || fs::metadata(&path).and_then(|m| m.modified()).ok();
    let mut stops = Vec::new();
    for pause in [0, 1, 3, 5, 8] {
        let before = written();
        let mut child = eqhdl()
            .arg("train")
            .arg(&design)
            .arg("--out")
            .arg(&cut)
            .args(["--resume", "--quiet", "--checkpoint-every", "0.002"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Killed some time after its first checkpoint, unless it ends before.
        while written() == before && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        let checkpoint = Checkpoint::read(&path, &meaning, &data.checksum, plan).unwrap();
        stops.push(checkpoint.map_or(0, |c| c.progress.course.done));
    }
    assert!(stops.is_sorted(), "{stops:?}");
    assert!(stops.iter().any(|&s| 0 < s && s < plan.total()), "never caught under way: {stops:?}");
    let found = summary(&design, &cut, &["--resume"]);
    assert_eq!(outcome(&found), outcome(&expected));
    let saved: Value = serde_json::from_slice(&fs::read(cut.join("train.json")).unwrap()).unwrap();
    assert_eq!(outcome(&saved), outcome(&expected));
}

#[test]
fn json_alone_goes_to_stdout_and_bad_input_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let (design, _) = design_in(folder.path());
    let out = folder.path().join("out");
    let weights = folder.path().join("w.npz");
    let v =
        summary(&design, &out, &["--epochs", "1", "--samples", "64", "--save", weights.to_str().unwrap()]);
    for key in [
        "test_accuracy",
        "epochs",
        "samples_per_s",
        "weights_digest",
        "seed",
        "data_checksum",
        "design_digest",
    ] {
        assert!(!v[key].is_null(), "{key}");
    }
    assert_eq!((&v["epochs"], &v["train_samples"]), (&Value::from(1), &Value::from(64)));
    let mut npz = ndarray_npy::NpzReader::new(fs::File::open(weights).unwrap()).unwrap();
    let w1: ndarray::Array2<i32> = npz.by_name("w1").unwrap();
    assert_eq!(w1.dim(), (24, 64));

    fs::write(out.join("checkpoint"), "nonsense").unwrap();
    let refused =
        [vec!["--resume"], vec!["--epochs", "0"], vec!["--samples", "0"], vec!["--samples", "99999999"]];
    for arguments in refused {
        let run = eqhdl().arg("train").arg(&design).arg("--out").arg(&out).args(&arguments).output().unwrap();
        assert_eq!(run.status.code(), Some(2), "{arguments:?}");
        assert!(run.stdout.is_empty());
        assert!(!run.stderr.is_empty());
    }
}

/// The small training with images that are scaled, turned and moved.
fn moved(fill: &str) -> Design {
    let more = format!("[data]\nscale = 2\noffset = -0.5\nflip = true\ncrop = 1\ncrop_fill = \"{fill}\"");
    let text = DESIGN
        .replacen("[64, 24, 10]", "[\"8x8x1\", 24, 10]", 1)
        .replacen("\"u4.4\"", "\"s7.4\"", 1)
        .replacen("[data]", &more, 1);
    let mut design = design::parse(Path::new("moved.toml"), &text).unwrap_or_else(|e| panic!("{e:#}"));
    (design.train_samples, design.test_samples, design.epochs) = (Some(12), Some(4), 3);
    design
}

/// The trainers are given what the data shows, and show the same image otherwise in every epoch.
#[test]
fn images_are_moved_alike_for_the_model_and_the_oracle() {
    for fill in ["zeros", "edge"] {
        moved_alike(&moved(fill));
    }
}

fn moved_alike(design: &Design) {
    let set = data::load(design).unwrap();
    let (seen, plan) = (TrainingData::new(design, &set), Plan::new(design, &set));
    let augment = Augment::of(design, |neuron| data::input_value(design, neuron, 0.0)).unwrap();
    let (mut trainer, mut float) = (Trainer::new(design, &seen, plan), FloatTrainer::new(design, &set));
    let mut golden = Golden::new(design, Weights::initial(design));
    let parameters = Parameters::initial(design);
    let mut oracle = Oracle::new(FloatNetwork::of(design), Program::of(design), parameters, design.seed);
    let mut shown = std::collections::BTreeSet::new();
    for s in (0..3).flat_map(|epoch| plan.samples(epoch)) {
        let (input, label) = seen.sample(s);
        let part = if s.train { &set.train } else { &set.test };
        let mut real = real_input(design, part, s.index as usize);
        if s.train {
            real = augment.show(s.number, &real);
            if s.index == 3 {
                shown.insert(input.to_vec());
            }
        }
        assert!(real.iter().zip(&*input).all(|(&real, &raw)| design.input.nearest(real) == i64::from(raw)));
        golden.sample = s.number;
        oracle.sample = s.number;
        let expected = golden.run(&input, label, s.lesson(), &mut Silent);
        assert_eq!(trainer.step(), Some((s, expected)));
        let expected = oracle.run(&real, label, s.lesson(), &mut Unwatched);
        assert_eq!(float.step(), Some((s, expected)));
    }
    assert_eq!(trainer.weights(), golden.weights);
    assert!(float.parameters().values().eq(oracle.parameters.values()));
    assert!(shown.len() > 1, "every epoch shows the image alike");
}

/// A checkpoint of one training is none of another whose images are moved otherwise.
#[test]
fn a_checkpoint_knows_how_its_images_were_moved() {
    let design = moved("edge");
    let set = data::load(&design).unwrap();
    let (seen, plan) = (TrainingData::new(&design, &set), Plan::new(&design, &set));
    let trainer = Trainer::new(&design, &seen, plan);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let whole = Checkpoint { progress: trainer.progress().clone(), weights: trainer.weights() };
    whole.write(&path, &design, &seen.checksum, plan).unwrap();
    assert!(Checkpoint::read(&path, &design, &seen.checksum, plan).unwrap().is_some());
    type Change = fn(&mut Design);
    let changes: [(&str, Change); 5] = [
        ("data.scale", |d| d.preparation.scale = vec![2.5]),
        ("data.offset", |d| d.preparation.offset = vec![0.0]),
        ("data.flip", |d| d.preparation.flip = false),
        ("data.crop", |d| d.preparation.crop = 2),
        ("data.crop_fill", |d| d.preparation.fill = Fill::Zeros),
    ];
    for (key, change) in changes {
        let mut other = design.clone();
        change(&mut other);
        let read = Checkpoint::read(&path, &other, &seen.checksum, plan);
        let Err(CheckpointError::Foreign { differences, .. }) = read else { panic!("{key}: {read:?}") };
        assert!(differences.iter().map(|d| d.key.as_str()).eq([key]), "{differences:?}");
    }
}
