//! A point on a device: what `eqhdl synth` says of its area and clock rate.

use super::plan::Named;
use super::store::Placed;
use crate::schedule::Layout;
use crate::synth::{Device, Report, Request, SynthError, Tools, synthesise};
use std::path::Path;
use std::time::Instant;

/// Synthesises a point and places it under the seeds that `eqhdl synth` takes by itself, in a folder that is removed
/// afterwards; `None` for a point that cannot run.
///
/// # Errors
/// A tool is missing or failed.
pub fn place(point: &Named, device: Device, folder: &Path) -> Result<Option<Placed>, SynthError> {
    let Ok(run) = &point.run else { return Ok(None) };
    let begun = Instant::now();
    let layout = Layout::of(&run.design);
    let tools = Tools::find(device.family())?;
    let request = Request::on(device, folder.to_owned());
    let outcome = synthesise(&run.design, &layout, &tools, &request, &|_| {})?;
    let report = Report::of(&run.design, &layout, &request, &tools, &outcome);
    let _ = std::fs::remove_dir_all(folder);
    Ok(Some(Placed {
        point: point.id.clone(),
        device: report.device,
        cells: report.core,
        lacking: report.lacking,
        khz: report.mhz.iter().map(|(_, mhz)| (1e3 * mhz).round() as u64).collect(),
        tools: report.tools,
        milliseconds: begun.elapsed().as_millis() as u64,
    }))
}
