//! Defects planted into the hardware: is each of them noticed, and by which level of comparison?

use super::{Bench, CosimArgs, progress_bar, sources};
use crate::cli::CliError;
use crate::cli::say::tell;
use crate::cosim::{Builds, Difference, FAULTS, Fault, Field, Level, Request, Tracing, cross_check};
use crate::coverage::Looking;
use crate::reference::train::PlannedSample;
use serde::Serialize;
use std::process::ExitCode;

/// Levels at which a survey's differences would have been seen.
fn caught_at(differences: &[Difference]) -> [bool; 4] {
    let any = |fields: &[Field]| differences.iter().any(|d| fields.contains(&d.field));
    let result = [Field::Prediction, Field::Label, Field::Cycles, Field::WeightReads];
    let ports = [Field::TrainFlag, Field::SampleNumber, Field::Ready, Field::Busy, Field::Pace];
    let ports = any(&ports);
    let last = ports || any(&result) || any(&[Field::FinalWeight, Field::Hang, Field::Bus]);
    let signature = ports || any(&[Field::Signature]) || any(&result);
    let states = signature || any(&[Field::State, Field::Place, Field::Count]);
    let events = states || any(&[Field::Weight, Field::WeightBack, Field::Drive]);
    [last, signature, states, events]
}

#[derive(Serialize)]
struct FaultRow {
    fault: &'static str,
    kind: &'static str,
    what: &'static str,
    /// The design has what it breaks.
    applies: bool,
    caught: bool,
    at_final: bool,
    at_signature: bool,
    at_states: bool,
    at_events: bool,
    first: String,
}

/// Cycles beyond the predicted ones: hardware that takes too long is to be told from hardware that has stopped.
const SURVEY_PATIENCE: u64 = 1_000_000;
/// Samples a defect is given to show.
const INJECT_SAMPLES: usize = 12;

/// Training and test samples in turn, two of each: some defects only show after the other kind. The set of learning
/// rates is another behind each pair that trains.
pub(super) fn samples(bench: &Bench<'_>, count: Option<usize>) -> Vec<PlannedSample> {
    let count = count.unwrap_or(INJECT_SAMPLES);
    let (train, test) = (bench.data.train.labels.len() as u32, bench.data.test.labels.len() as u32);
    let place = |n: u32| PlannedSample {
        number: n,
        index: n / 4 * 2 + n % 2,
        train: test == 0 || n % 4 < 2,
        ends_batch: n % 2 == 1,
        rates: ((n as usize + 2) / 4 % bench.design.milestones.sets()) as u8,
    };
    let exists = |s: &PlannedSample| s.index < if s.train { train } else { test };
    (0..count as u32).map(place).take_while(exists).collect()
}

pub(super) fn all(args: &CosimArgs, bench: &Bench<'_>) -> Result<ExitCode, CliError> {
    let samples = samples(bench, args.samples);
    let bar = progress_bar(args.json, FAULTS.len() as u64);
    let mut rows = Vec::new();
    for fault in FAULTS {
        bar.set_message(fault.name);
        rows.push(row(bench, fault, &samples)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    if args.json {
        tell!("{}", serde_json::to_string_pretty(&rows).map_err(CliError::tool_message)?)?;
    } else {
        print(&rows, samples.len())?;
    }
    let missed = rows.iter().any(|r| r.applies && !r.caught);
    Ok(if missed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// What becomes of a defect.
fn row(bench: &Bench<'_>, fault: &'static Fault, samples: &[PlannedSample]) -> Result<FaultRow, CliError> {
    let lacks = fault.lacks(bench.design);
    let (at, first) = if let Some(what) = lacks {
        ([false; 4], format!("not in this design: it has no {what}"))
    } else {
        let folder = bench.out.join("inject").join(fault.name);
        let builds = Builds::open(&folder.join("sim"))?;
        let sources = sources(bench, Some(fault))?;
        let built = builds.simulator(bench.design, &bench.layout, &sources, Tracing::Commits)?;
        let work = folder.join("work");
        let request = Request {
            samples,
            survey: true,
            looking: Looking::Nowhere,
            patience: Some(SURVEY_PATIENCE),
            ..bench.request(Level::All, &built.program, &work)
        };
        let outcome = cross_check(&request, &bench.layout, &mut |_, _| {})?;
        let first = outcome.differences.first().map_or("nothing".to_owned(), |d| d.text.clone());
        (caught_at(&outcome.differences), first)
    };
    Ok(FaultRow {
        fault: fault.name,
        kind: fault.kind,
        what: fault.what,
        applies: lacks.is_none(),
        caught: at.contains(&true),
        at_final: at[0],
        at_signature: at[1],
        at_states: at[2],
        at_events: at[3],
        first,
    })
}

/// The table for people.
fn print(rows: &[FaultRow], samples: usize) -> Result<(), CliError> {
    tell!("{:<22} {:<10} final  signature  states  events  first event", "defect", "kind")?;
    for r in rows {
        let mark = |caught: bool| match (r.applies, caught) {
            (false, _) => "-",
            (true, true) => "x",
            (true, false) => ".",
        };
        tell!(
            "{:<22} {:<10} {:^5}  {:^9}  {:^6}  {:^6}  {}",
            r.fault,
            r.kind,
            mark(r.at_final),
            mark(r.at_signature),
            mark(r.at_states),
            mark(r.at_events),
            r.first
        )?;
    }
    let tried = rows.iter().filter(|r| r.applies).count();
    let caught = rows.iter().filter(|r| r.applies && r.caught).count();
    tell!(
        "\n{tried} defects over {samples} samples, {caught} caught, {} missed; {} are of what this design does not have",
        tried - caught,
        rows.len() - tried
    )
}
