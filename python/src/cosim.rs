//! Hardware and reference side by side, as `eqhdl cosim` has them.

use crate::errors;
use crate::signals::Listener;
use eqhdl::cosim::{
    Builds, Fault, Level, Purpose, Request, Through, Tracing, cross_check, leading_to, operands,
};
use eqhdl::coverage::Looking;
use eqhdl::data::Dataset;
use eqhdl::design::Design;
use eqhdl::process;
use eqhdl::reference::Weights;
use eqhdl::reference::train::{Plan, PlannedSample, TrainingData};
use eqhdl::schedule::Layout;
use eqhdl::verilog::Sources;
use pyo3::prelude::*;
use serde_json::json;
use std::path::PathBuf;

/// What is asked of a cross-check.
pub struct Asked<'a> {
    pub samples: Option<usize>,
    pub epochs: Option<u32>,
    pub level: &'a str,
    pub folder: PathBuf,
    pub inject: Option<String>,
}

const LEVELS: [Level; 5] = [Level::Final, Level::Signature, Level::States, Level::Events, Level::All];

fn level(name: &str) -> PyResult<Level> {
    let word = |level: &Level| format!("{level:?}").to_lowercase();
    LEVELS.into_iter().find(|l| word(l) == name).ok_or_else(|| {
        let all: Vec<String> = LEVELS.iter().map(word).collect();
        errors::design_message(format!("`{name}` is no level of comparison; there are {}", all.join(", ")))
    })
}

/// Runs it; the report in JSON.
pub fn run(py: Python<'_>, design: &Design, dataset: &Dataset, asked: &Asked<'_>) -> PyResult<String> {
    let mut design = design.clone();
    design.epochs = asked.epochs.unwrap_or(design.epochs);
    let (design, level) = (&design, level(asked.level)?);
    py.detach(|| {
        let plan = Plan::new(design, dataset);
        let limit = asked.samples.unwrap_or(usize::MAX);
        let samples: Vec<PlannedSample> = plan.all().take(limit).collect();
        if samples.is_empty() {
            return Err(errors::data_message("nothing to compare: no samples".to_owned()));
        }
        let layout = Layout::of(design);
        let (data, start) = (TrainingData::new(design, dataset), Weights::initial(design));
        let mut sources = Sources::of(design, &layout);
        if let Some(name) = &asked.inject {
            let fault = Fault::named(name).filter(|f| f.applies_to(design) && f.apply(&mut sources, design));
            if fault.is_none() {
                return Err(errors::design_message(format!("no defect of this design is called `{name}`")));
            }
        }
        let builds = Builds::open(&asked.folder.join("sim")).map_err(errors::of_cosim)?;
        let tracing = if level == Level::Final { Tracing::None } else { Tracing::Commits };
        let purpose = Purpose { tracing, ..Through::Core.into() };
        let built = builds.simulator(design, &layout, &sources, purpose).map_err(errors::of_cosim)?;
        let request = Request {
            design,
            data: &data,
            samples: &samples,
            per_epoch: u64::from(plan.samples_per_epoch()),
            start: &start,
            level,
            program: &built.program,
            work: &asked.folder.join("work"),
            waves: None,
            survey: false,
            looking: Looking::Here,
            patience: Through::Core.patience(design),
        };
        let (mut listener, mut stopped) = (Listener::new(), None);
        let mut progress = |_: &PlannedSample, _: u64| {
            if stopped.is_none() {
                stopped = listener.hear();
                if stopped.is_some() {
                    process::end_all();
                }
            }
        };
        let outcome = cross_check(&request, &layout, &mut progress);
        if let Some(stopped) = stopped {
            return Err(stopped);
        }
        let mut outcome = outcome.map_err(errors::of_cosim)?;
        let first = outcome.differences.first();
        if let Some(first) = first.filter(|d| outcome.before.is_empty() && d.pass.is_some()) {
            outcome.before = leading_to(&request, first.sample);
        }
        let reason = outcome.differences.first().and_then(|d| {
            let before = outcome.before.iter().find(|b| b.1.number == d.sample)?;
            operands(design, &data, before, d)
        });
        let report = json!({
            "equal": outcome.equal(),
            "level": asked.level,
            "samples": outcome.samples,
            "compared": outcome.compared,
            "signatures": outcome.steps,
            "difference": outcome.differences.first(),
            "reason": reason,
            "cycles_per_sample": outcome.cycles_per_sample,
            "weight_read_share": outcome.read_share,
            "test_accuracy": outcome.test_accuracy,
            "coverage": outcome.coverage.as_ref().filter(|_| outcome.equal()),
            "wall_s": outcome.wall.as_secs_f64(),
            "weights_digest": outcome.weights_digest,
        });
        Ok(report.to_string())
    })
}
