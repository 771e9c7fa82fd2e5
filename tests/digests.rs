//! The alarm that rings when a bit changes: what the weights of every shipped design are after its first samples.
//!
//! Golden model, fast model and `tests/expected/digests.txt` say the same. Designs over MNIST learn samples made from
//! their seed, so that no data set is needed. `UPDATE=1 cargo test --release --test digests` writes the file anew.

#[path = "common/expected.rs"]
mod expected;

use eqhdl::data::{Dataset, Form, Samples};
use eqhdl::design::{DataSource, Design, load};
use eqhdl::fixed_point::{Purpose, row_bits, step_key};
use eqhdl::reference::fast::Fast;
use eqhdl::reference::golden::Golden;
use eqhdl::reference::train::{Plan, PlannedSample, TrainingData};
use eqhdl::reference::{Silent, Weights};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Samples of a digest, and those that the golden model does of a large network.
const SAMPLES: usize = 50;
const FIRST: usize = 5;

/// Products of a pass of a network of MNIST's size: the golden model takes a second a sample.
const LARGE: usize = 100_000;

/// Designs that are shipped, in order.
fn shipped() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("designs");
    let mut designs = Vec::new();
    for folder in [root.clone(), root.join("results")] {
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        designs.extend(files.filter(|file| file.extension().is_some_and(|e| e == "toml")));
    }
    designs.sort();
    designs
}

/// What the executable specification would take hours over. Kernels of this kind are in `tests/fuzz_rtl`; what was simulated
/// of it stands in docs/results.md.
const TOO_LARGE: [&str; 1] = ["cifar10_published"];

/// Samples of which a fifth is not black, as those of MNIST are: a function of the seed.
fn made(design: &Design) -> Dataset {
    let (inputs, classes) = (design.network.inputs(), design.classes());
    let samples = |from: u32, count: u32| {
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for sample in from..from + count {
            let key = step_key(design.seed, Purpose::Shuffle, sample, 1);
            let value = |bits: u32| if bits.is_multiple_of(5) { (bits >> 24) as f32 / 255.0 } else { 0.0 };
            values.extend((0..inputs as u32).map(|input| value(row_bits(key, input))));
            labels.push((row_bits(key, inputs as u32) % classes as u32) as u16);
        }
        Samples { inputs, form: Form::Array(vec![inputs]), values, labels }
    };
    let count = SAMPLES as u32;
    let (train, test) = (samples(0, count), samples(count, 1));
    Dataset { name: "made".to_owned(), classes, train, test, checksum: String::new() }
}

fn dataset(design: &Design) -> Dataset {
    match design.data {
        DataSource::Digits => eqhdl::data::load(design).unwrap(),
        _ => made(design),
    }
}

#[test]
fn the_weights_of_every_shipped_design_are_what_they_were() {
    let mut text = String::from("# design, SHA-256 of its weights after 5 and after 50 training samples\n");
    for path in shipped() {
        let design = load(&path).unwrap();
        if TOO_LARGE.contains(&design.name.as_str()) {
            continue;
        }
        let dataset = dataset(&design);
        let data = TrainingData::new(&design, &dataset);
        let samples: Vec<PlannedSample> = Plan::new(&design, &dataset).samples(0).take(SAMPLES).collect();
        assert!(samples.len() == SAMPLES && samples.iter().all(|s| s.train));
        let products: usize = design.network.connections().map(|(_, c)| c.products()).sum();
        let shown_to_golden = if products > LARGE { FIRST } else { SAMPLES };

        let initial = Weights::initial(&design);
        let mut golden = Golden::new(&design, initial.clone());
        let mut fast = Fast::new(&design, &initial);
        let mut kept = Vec::new();
        for (at, &sample) in samples.iter().enumerate() {
            let (input, label) = data.sample(sample);
            fast.set_sample(sample.number);
            golden.sample = sample.number;
            let said = fast.run(&input, label, sample.lesson(), &mut Silent);
            if at < shown_to_golden {
                assert_eq!(golden.run(&input, label, sample.lesson(), &mut Silent), said);
            }
            if at + 1 == FIRST || at + 1 == SAMPLES {
                let digest = fast.weights().digest();
                if at < shown_to_golden {
                    assert_eq!(golden.weights.digest(), digest, "{}", path.display());
                }
                kept.push(digest);
            }
        }
        assert_ne!(kept[0], kept[1], "{} learns nothing", path.display());
        assert_ne!(kept[1], initial.digest());
        let _ = writeln!(text, "{} {} {}", design.name, kept[0], kept[1]);
    }
    let difference = expected::difference("digests.txt", &text);
    assert_eq!(difference, None, "if that is meant: UPDATE=1 cargo test --release --test digests");
}

/// SHA-256 of the weights of `designs/mnist-cep.toml` after an epoch of MNIST, which docs/mnist-epoch.md prints.
const MNIST_EPOCH: &str = "9259187002a7207eae9e00f07f6c2122a92d8ab155b0436dfe1c19c34a47d3fb";

#[test]
fn the_page_of_an_epoch_prints_its_digest() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mnist-epoch.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.lines().any(|l| l.trim() == format!("weights_digest  {MNIST_EPOCH}")));
}

#[test]
#[ignore = "needs MNIST in data/mnist: cargo test --release --test digests -- --ignored"]
fn an_epoch_of_mnist_comes_to_the_printed_digest() {
    let design = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/mnist-cep.toml")).unwrap();
    let dataset = eqhdl::data::load(&design).unwrap();
    let data = TrainingData::new(&design, &dataset);
    let mut network = Fast::new(&design, &Weights::initial(&design));
    for sample in Plan::new(&design, &dataset).samples(0).filter(|s| s.train) {
        let (input, label) = data.sample(sample);
        network.set_sample(sample.number);
        network.run(&input, label, sample.lesson(), &mut Silent);
    }
    assert_eq!(network.weights().digest(), MNIST_EPOCH);
}
