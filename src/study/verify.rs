//! A point held against its hardware.

use super::file::Verify;
use super::plan::Named;
use super::store::Verified;
use crate::cosim::{Builds, CosimError, Level, Request, Tracing, cross_check};
use crate::coverage::Looking;
use crate::reference::Weights;
use crate::reference::train::PlannedSample;
use crate::schedule::Layout;
use crate::verilog::Sources;
use std::path::Path;
use std::time::Instant;

/// Builds the hardware of a point in a folder and compares every event of the samples asked for. The folder is
/// removed where all agrees. `weights` is the digest of the weights that the study's training ended with.
///
/// # Errors
/// A tool is missing or failed.
pub fn verify(point: &Named, weights: &str, folder: &Path) -> Result<Option<Verified>, CosimError> {
    let (Ok(run), asked) = (&point.run, point.samples_to_verify()) else { return Ok(None) };
    if asked == 0 {
        return Ok(None);
    }
    let begun = Instant::now();
    let layout = Layout::of(&run.design);
    let samples: Vec<PlannedSample> =
        (0..run.plan.epochs).flat_map(|e| run.plan.samples(e)).take(asked as usize).collect();
    let sources = Sources::of(&run.design, &layout);
    let builds = Builds::open(&folder.join("sim"))?;
    let built = builds.simulator(&run.design, &layout, &sources, Tracing::Commits)?;
    let request = Request {
        design: &run.design,
        data: &run.data,
        samples: &samples,
        per_epoch: u64::from(run.plan.samples_per_epoch()),
        start: &Weights::initial(&run.design),
        level: Level::Events,
        program: &built.program,
        work: &folder.join("work"),
        waves: None,
        survey: false,
        looking: Looking::Nowhere,
        patience: None,
    };
    let outcome = cross_check(&request, &layout, &mut |_, _| {})?;
    let other_weights = || {
        (point.verify == Verify::All && outcome.weights_digest != weights)
            .then(|| "the final weights are not those that the study's training ended with".to_owned())
    };
    let difference = outcome.differences.first().map(|d| d.text.clone()).or_else(other_weights);
    if difference.is_none() {
        let _ = std::fs::remove_dir_all(folder);
    }
    Ok(Some(Verified {
        point: point.id.clone(),
        asked,
        samples: outcome.samples,
        compared: outcome.compared,
        difference,
        milliseconds: begun.elapsed().as_millis() as u64,
    }))
}
