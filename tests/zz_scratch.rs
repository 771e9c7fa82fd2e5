//! The generated hardware equals the reference, to the last bit of every state, drive and weight and to the last
//! cycle, over designs that together visit every mode; and hardware that differs is found out, at the right place.

#[path = "common/designs.rs"]
mod designs;
#[path = "common/samples.rs"]
mod samples;

use designs::Case;
use eqhdl::cosim::{Field, Level, Outcome, Request, Tracing, build, cross_check};
use eqhdl::design::{Activation, Design, Dynamics, NudgePlace, Rule};
use eqhdl::fixed_point::{Overflow, Rounding};
use eqhdl::reference::Weights;
use eqhdl::reference::fast::Network;
use eqhdl::reference::train::{PlannedSample, TrainingData};
use eqhdl::rules::Program;
use eqhdl::schedule::Layout;
use eqhdl::verilog::Sources;
use samples::samples;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Designs that together visit every mode. Layers of odd sizes; outputs in one chunk or several; formats that differ
/// between layers; sums on both sides of 32 bits.
const CASES: &[Case] = &[
    Case {
        name: "v_lanes4",
        layers: "[64, 10]",
        lanes: 4,
        overflow: ["SAT_SYM", "SAT_ZERO", "SAT"],
        formats: "weight = \"s14.12\"\nweight_read = \"s9.7\"\nbias = \"s11.6\"",
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "outside",
        rule: "cep",
        rounding: ["RND_CONV", "RND", "STOCHASTIC"],
    },
    Case {
        name: "v_plain",
        layers: "[64, 10]",
        lanes: 2,
        overflow: ["SAT", "SAT", "SAT"],
        formats: "",
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "outside",
        rule: "cep",
        rounding: ["RND_CONV", "RND", "STOCHASTIC"],
    },
    Case {
        name: "v_hidden",
        layers: "[64, 12, 10]",
        lanes: 2,
        overflow: ["SAT", "SAT", "SAT"],
        formats: "",
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "outside",
        rule: "cep",
        rounding: ["RND_CONV", "RND", "STOCHASTIC"],
    },
];

/// What a test leaves behind stays: an unchanged simulator is not built again.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cosim").join(name)
}

/// Runs two jobs at a time; everything that went wrong.
fn two_at_a_time<T: Sync>(jobs: &[T], run: impl Fn(&T) -> Result<(), String> + Sync) -> Vec<String> {
    let (next, failures) = (Mutex::new(jobs.iter()), Mutex::new(Vec::new()));
    let worker = || {
        while let Some(job) = { next.lock().unwrap().next() } {
            if let Err(text) = run(job) {
                failures.lock().unwrap().push(text);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(worker);
        scope.spawn(worker);
    });
    failures.into_inner().unwrap()
}

/// Builds `sources` and compares with the reference of `design`.
fn check(
    design: &Design,
    sources: Sources,
    dir: &Path,
    samples: &[PlannedSample],
    data: &TrainingData,
) -> Result<Outcome, String> {
    let layout = Layout::of(design);
    let program =
        build(design, &layout, sources, dir, Tracing::Commits).map_err(|error| error.to_string())?;
    let request = Request {
        design,
        data,
        samples,
        per_epoch: samples.len() as u64 / 2,
        start: &Weights::initial(design),
        level: Level::All,
        program: &program,
        work: &dir.join("work"),
        waves: None,
        survey: false,
        patience: Some(1_000_000),
    };
    cross_check(&request, &layout, &mut |_, _| {}).map_err(|error| error.to_string())
}

fn equal(case: &Case) -> Result<(), String> {
    let design = case.design()?;
    let layout = Layout::of(&design);
    let (data, samples) = samples(&design)?;
    let sources = Sources::of(&design, &layout);
    let outcome = check(&design, sources, &folder(case.name), &samples, &data)
        .map_err(|e| format!("{}: {e}", case.name))?;
    if let Some(first) = outcome.differences.first() {
        return Err(format!("{}: {}\n  {first:?}", case.name, first.text));
    }
    // Equal means that all of it was compared.
    let program = Program::of(&design);
    let steps: u64 = samples.iter().map(|s| u64::from(program.steps(s.train))).sum();
    let relaxed: u64 = samples
        .iter()
        .map(|s| u64::from(design.free_steps + if s.train { design.nudged_steps } else { 0 }))
        .sum();
    // Each neuron's state and drive, and its state once more in its word; the weights come on top.
    let neurons = relaxed * layout.neurons as u64 * 3;
    let expected = (samples.len() as u64, steps);
    if !outcome.equal() || (outcome.samples, outcome.steps) != expected || outcome.compared <= neurons {
        return Err(format!(
            "{}: compared {} samples, {} steps, {} values",
            case.name, outcome.samples, outcome.steps, outcome.compared
        ));
    }
    Ok(())
}

#[test]
fn hardware_equals_the_reference_over_designs_that_visit_every_mode() {
    let failures = two_at_a_time(CASES, equal);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
