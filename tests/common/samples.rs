//! The samples of a design.

use eqhdl::design::Design;
use eqhdl::reference::train::{Plan, PlannedSample, TrainingData};

/// A design's samples and the order in which its whole training shows them.
pub fn samples(design: &Design) -> Result<(TrainingData, Vec<PlannedSample>), String> {
    let data = eqhdl::data::load(design).map_err(|error| error.to_string())?;
    let plan = Plan::new(design, &data);
    let samples = (0..plan.epochs).flat_map(|epoch| plan.samples(epoch)).collect();
    Ok((TrainingData::new(design, &data), samples))
}
