//! Random designs in RTL: each is generated, built and trained beside the reference, every state and weight compared.
//!
//!     cargo test --release --test fuzz_rtl                         a few (with every test run)
//!     cargo test --release --test fuzz_rtl -- --count 600          many (`make fuzz N=600`)
//!     cargo test --release --test fuzz_rtl -- --from 17 --count 1  one of them again
//!
//! A design is a function of its number; from a million on they have kernels, from two million on complex states.

#[path = "../common/random.rs"]
mod random;

use eqhdl::cosim::{Builds, Level, Request, Tracing, cross_check};
use eqhdl::coverage::Looking;
use eqhdl::data::QuantisedSamples;
use eqhdl::design::Design;
use eqhdl::reference::train::{PlannedSample, TrainingData};
use eqhdl::schedule::Layout;
use eqhdl::verilog::Sources;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use random::Joined;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Designs that were not equal once: many pages of memory beside loops that the simulator does not unroll.
const ONCE_WRONG: [u32; 1] = [170];

/// The first design with kernels.
const KERNELS: u32 = 1_000_000;

/// The first design whose states are complex.
const COMPLEX: u32 = 2_000_000;

/// Designs with kernels, and with complex states, for one that is dense, in a run of a few.
const MORE: u32 = 10;

/// Samples of a design: three that train, one that does not.
const SAMPLES: u32 = 4;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut from, mut count) = (0, 2);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().and_then(|v| v.parse().ok()).expect("a number");
        match argument.as_str() {
            "--from" => from = value(),
            "--count" => count = value(),
            // What a test runner hands on.
            _ => {}
        }
    }
    let numbers: Vec<u32> = if from == 0 {
        let more = |first: u32| first..first + MORE * count;
        ONCE_WRONG.into_iter().chain(0..count).chain(more(KERNELS)).chain(more(COMPLEX)).collect()
    } else {
        (from..from + count).collect()
    };
    let (next, bad, words) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(0));
    let worker = || {
        while let Some(&number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
            match equal(number) {
                Ok(compared) => {
                    *words.lock().unwrap() += compared;
                    let input = design(number).input;
                    println!("design {number}, inputs of {input}: equal in {compared} words");
                }
                Err(why) => {
                    println!("design {number}: {why}");
                    bad.lock().unwrap().push(number);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(worker);
        scope.spawn(worker);
    });
    let (bad, words) = (bad.into_inner().unwrap(), words.into_inner().unwrap());
    let count = numbers.len();
    println!("{} of {count} equal, {words} words", count - bad.len());
    if !bad.is_empty() || count == 0 {
        println!("not equal: {bad:?}");
        std::process::exit(1);
    }
}

/// Design number so and so.
fn design(number: u32) -> Design {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let wild = number % 4 == 3;
    let drawn = match number {
        0..KERNELS => random::design(Joined::Dense, wild).boxed(),
        KERNELS..COMPLEX => random::design(Joined::Kernels, wild).boxed(),
        _ => random::complex(wild).boxed(),
    };
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let design = drawn.new_tree(&mut runner).expect("a design").current();
    // Two to thirty-two lanes: more than a layer has neurons, and fewer.
    Design { lanes: 2 << (number % 5), name: format!("random_{number}"), ..design }
}

/// Words compared, where all of them are equal.
fn equal(number: u32) -> Result<u64, String> {
    let design = design(number);
    let layout = Layout::of(&design);
    let inputs = random::inputs(&design, SAMPLES, number % 3 == 1);
    let labels: Vec<u16> = (0..SAMPLES).map(|s| (s as usize % design.classes()) as u16).collect();
    let part = |samples: &[Vec<i32>], labels: &[u16]| QuantisedSamples {
        inputs: design.network.inputs(),
        raw: samples.concat(),
        labels: labels.to_vec(),
    };
    let data = TrainingData {
        train: part(&inputs[..3], &labels[..3]),
        test: part(&inputs[3..], &labels[3..]),
        augment: None,
        checksum: String::new(),
    };
    let sets = design.milestones.sets() as u32;
    let planned: Vec<PlannedSample> = (0..SAMPLES)
        .map(|n| PlannedSample {
            number: n,
            index: n % 3,
            train: n < 3,
            ends_batch: n % 2 == 1,
            // A set is an epoch's, and so a whole batch's.
            rates: (n / 2 % sets) as u8,
        })
        .collect();
    let start = random::weights(&design, number % 3);
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let builds = Builds::open(dir.path()).map_err(|e| e.to_string())?;
    let sources = Sources::of(&design, &layout);
    let built = builds.simulator(&design, &layout, &sources, Tracing::Commits).map_err(|e| e.to_string())?;
    let request = Request {
        design: &design,
        data: &data,
        samples: &planned,
        per_epoch: SAMPLES.into(),
        start: &start,
        level: Level::All,
        program: &built.program,
        work: &dir.path().join("work"),
        waves: None,
        survey: false,
        looking: Looking::Nowhere,
        patience: Some(1_000_000),
    };
    let outcome = cross_check(&request, &layout, &mut |_, _| {}).map_err(|e| e.to_string())?;
    match outcome.differences.first() {
        Some(difference) => Err(format!("{}\n{design:?}", difference.text)),
        None if !outcome.equal() || outcome.samples != u64::from(SAMPLES) => {
            Err("not all was compared".to_owned())
        }
        None => Ok(outcome.compared),
    }
}
