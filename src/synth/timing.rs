//! nextpnr's report: clock rate, utilisation and the critical path, in the words of the design.

use super::SynthError;
use super::stat::register_of;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct ReportFile {
    fmax: BTreeMap<String, FmaxEntry>,
    utilization: BTreeMap<String, Utilization>,
    critical_paths: Vec<PathEntry>,
}

#[derive(Deserialize)]
struct FmaxEntry {
    achieved: f64,
}

/// Cells of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utilization {
    /// The design's.
    pub used: usize,
    /// The device's.
    pub available: usize,
}

#[derive(Deserialize)]
struct PathEntry {
    from: String,
    to: String,
    path: Vec<SegmentEntry>,
}

#[derive(Deserialize)]
struct SegmentEntry {
    delay: f64,
    from: PinEntry,
    to: PinEntry,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct PinEntry {
    cell: String,
    #[serde(default)]
    port: String,
}

/// A path between two registers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CriticalPath {
    /// Register, memory or multiplier that it leaves, with the path of instances.
    pub start: String,
    /// The one that it enters.
    pub end: String,
    /// What it passes on the way, one entry for every signal that a cell is named after.
    pub through: Vec<String>,
    /// Cells between start and end.
    pub levels: usize,
    /// Nanoseconds in all.
    pub ns: f64,
    /// Of these, on wires.
    pub routing_ns: f64,
}

/// One placement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Highest clock rate.
    pub mhz: f64,
    /// The path that allows no more.
    pub worst: Option<CriticalPath>,
    /// Cells by type.
    pub utilization: BTreeMap<String, Utilization>,
}

/// Reads the report of one placement.
///
/// # Errors
/// When it is not that, or has no clock.
pub fn parse(text: &str) -> Result<Timing, SynthError> {
    let fail = |why| SynthError::Report { what: "nextpnr's report", why };
    let file: ReportFile = serde_json::from_str(text).map_err(|e| fail(e.to_string()))?;
    let mhz = file
        .fmax
        .values()
        .map(|f| f.achieved)
        .min_by(f64::total_cmp)
        .ok_or_else(|| fail("it has no clock".to_owned()))?;
    let worst = file
        .critical_paths
        .iter()
        .filter(|p| p.from.starts_with("posedge") && p.to.starts_with("posedge"))
        .map(critical)
        .max_by(|a, b| a.ns.total_cmp(&b.ns));
    Ok(Timing { mhz, worst, utilization: file.utilization })
}

fn critical(entry: &PathEntry) -> CriticalPath {
    let name = |cell: &str| register_of(cell).to_owned();
    let segments = &entry.path;
    let mut through: Vec<String> = Vec::new();
    for s in segments.iter().filter(|s| s.kind == "logic") {
        let here = name(&s.from.cell);
        if through.last() != Some(&here) {
            through.push(here);
        }
    }
    CriticalPath {
        start: segments.first().map(|s| name(&s.from.cell)).unwrap_or_default(),
        end: segments.last().map(|s| name(&s.to.cell)).unwrap_or_default(),
        through,
        // A carry that only runs on is no level of its own.
        levels: segments
            .iter()
            .filter(|s| s.kind == "logic" && !(s.from.port == "FCI" && s.to.port == "FCO"))
            .count(),
        ns: segments.iter().map(|s| s.delay).sum(),
        routing_ns: segments.iter().filter(|s| s.kind == "routing").map(|s| s.delay).sum(),
    }
}

/// Median, lowest and highest of several placements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

impl Spread {
    /// Of some values; nothing of none.
    pub fn of(values: &[f64]) -> Option<Spread> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&lowest, &highest) = (sorted.first()?, sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        Some(Spread { median, lowest, highest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_several() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, lowest: 1.0, highest: 3.0 }));
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]).map(|s| s.median), Some(2.5));
    }
}
