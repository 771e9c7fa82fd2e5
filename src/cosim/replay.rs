//! After a difference: the sample alone, every signal traced around the spot, and files that open a viewer there.

use super::build::{Effort, Purpose, Through, Tracing};
use super::run::{Request, cross_check, run_to_file};
use super::{Builds, CosimError, Difference};
use crate::coverage::Looking;
use crate::design::Design;
use crate::reference::Weights;
use crate::reference::train::{PlannedSample, TrainingData};
use crate::schedule::Layout;
use crate::verilog::Sources;
use crate::whole;
use std::path::{Path, PathBuf};

/// What a replay left behind.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Samples that were replayed: the last one shows the difference.
    pub samples: usize,
    /// The waveform.
    pub waveform: PathBuf,
    /// Opens it in GTKWave at the spot.
    pub gtkwave: PathBuf,
    /// Opens it in Surfer at the spot.
    pub surfer: PathBuf,
    /// Cycle of the difference in the waveform.
    pub cycle: u64,
    /// What differs first where everything is compared: it may come before what the level at hand has seen.
    pub first: Difference,
}

/// Cycles shown before and after the difference.
const WINDOW: (u64, u64) = (400, 40);

/// Replays the samples in `before`, from as few as show the difference again.
///
/// # Errors
/// When a tool or the machine fails. `Ok(None)` when the difference does not come back.
#[allow(clippy::too_many_arguments)] // the whole context of one run
pub fn replay(
    design: &Design,
    layout: &Layout,
    (builds, sources, through): (&Builds, &Sources, Through),
    data: &TrainingData,
    before: &[(Weights, PlannedSample)],
    dir: &Path,
) -> Result<Option<Replay>, CosimError> {
    let purpose = |tracing| Purpose { tracing, effort: Effort::Speed, through };
    let commits = builds.simulator(design, layout, sources, purpose(Tracing::Commits))?;
    for first in (0..before.len()).rev() {
        let samples: Vec<PlannedSample> = before[first..].iter().map(|(_, s)| *s).collect();
        let request = Request {
            design,
            data,
            samples: &samples,
            per_epoch: u64::MAX,
            start: &before[first].0,
            // Whatever first goes wrong, in the cycle in which it does: lower levels see it at the end of the step.
            level: super::Level::All,
            program: &commits.program,
            work: &dir.join("work"),
            waves: None,
            survey: false,
            looking: Looking::Nowhere,
            patience: through.patience(design),
        };
        let outcome = cross_check(&request, layout, &mut |_, _| {})?;
        let Some(difference) = outcome.differences.first() else { continue };
        let everything = builds.simulator(design, layout, sources, purpose(Tracing::Everything))?;
        let waveform = dir.join("replay.vcd");
        let cycle = difference.cycle;
        let window = (cycle.saturating_sub(WINDOW.0), cycle + WINDOW.1);
        run_to_file(
            &Request { program: &everything.program, ..request },
            layout,
            &waveform,
            "full",
            Some(window),
        )?;
        let (gtkwave, surfer) =
            save_files(&waveform, cycle, &difference.text, through.core_scope(), &CORE_SIGNALS)?;
        let first = difference.clone();
        return Ok(Some(Replay { samples: samples.len(), waveform, gtkwave, surfer, cycle, first }));
    }
    Ok(None)
}

/// Signals that a viewer opens with, for a waveform of everything.
const CORE_SIGNALS: [&str; 24] = [
    "clk_i",
    "u_sequencer.state_q[2:0]",
    "u_sequencer.pc_q",
    "step[15:0]",
    "nudge[1:0]",
    "learn",
    "drive",
    "layer0",
    "chunk0",
    "entry0",
    "pre_a3",
    "pre_b3",
    "rate3_q",
    "u_synapses.gradient(0)[31:0]",
    "u_synapses.weight7(0)[31:0]",
    "u_synapses.weight9(0)[31:0]",
    "write10",
    "address10",
    "transposed13",
    "chain_head",
    "valid15",
    "index15",
    "total15",
    "neuron_state",
];

/// Signals that a viewer opens with, for a waveform of the commit port.
pub const COMMIT_SIGNALS: [&str; 13] = [
    "state_pending_q",
    "state_place0_q",
    "state_data0_q",
    "weight_full_q",
    "weight_pending_q",
    "weight_place0_q",
    "weight_data0_q",
    "step_valid_i",
    "signature_i",
    "neuron_index_i",
    "neuron_drive_i",
    "result_valid_i",
    "result_i",
];

/// Writes save files for GTKWave and Surfer beside a waveform, which open it at a cycle.
///
/// # Errors
/// When they cannot be written.
pub fn save_files(
    waveform: &Path,
    cycle: u64,
    comment: &str,
    scope: &str,
    signals: &[&str],
) -> Result<(PathBuf, PathBuf), CosimError> {
    let ranges = ranges_of(waveform, scope)?;
    let gtkwave = waveform.with_extension("gtkw");
    let surfer = waveform.with_extension("sucl");
    let absolute = std::path::absolute(waveform).unwrap_or_else(|_| waveform.to_owned());
    let mut g = format!(
        "[*] {comment}\n[dumpfile] \"{}\"\n[timestart] {}\n*-5.0 {cycle} -1 -1\n@28\n",
        absolute.display(),
        cycle.saturating_sub(30)
    );
    let mut s = format!("load_file {}\n", absolute.display());
    for signal in signals {
        let base = signal.split('[').next().unwrap_or(signal);
        let Some(full) = ranges.iter().find(|r| r.split('[').next() == Some(base)) else { continue };
        g.push_str(if full.contains('[') { "@24\n" } else { "@28\n" });
        g.push_str(&format!("{scope}.{full}\n"));
        s.push_str(&format!("variable_add {scope}.{base}\n"));
    }
    s.push_str(&format!("cursor_set {cycle}\ngoto_cursor\n"));
    whole::write(&gtkwave, g.as_bytes()).map_err(|e| CosimError::io("write", &gtkwave, e))?;
    whole::write(&surfer, s.as_bytes()).map_err(|e| CosimError::io("write", &surfer, e))?;
    Ok((gtkwave, surfer))
}

/// Names below a scope as the waveform's header writes them, with their ranges.
fn ranges_of(waveform: &Path, scope: &str) -> Result<Vec<String>, CosimError> {
    use std::io::BufRead;
    let file = whole::open_file(waveform).map_err(|e| CosimError::io("open", waveform, e))?;
    let mut names = Vec::new();
    let mut scopes: Vec<String> = Vec::new();
    for line in std::io::BufReader::new(file).lines() {
        let line = line.map_err(|e| CosimError::io("read", waveform, e))?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["$scope", _, name, ..] => scopes.push(name.to_owned()),
            ["$upscope", ..] => {
                scopes.pop();
            }
            ["$var", _, _, _, name, ref rest @ ..] => {
                let path = scopes.join(".");
                if let Some(below) = path.split_once(scope).map(|(_, below)| below) {
                    let range = rest.first().filter(|r| r.starts_with('[')).copied().unwrap_or("");
                    let name = if range.is_empty() || name.contains('[') {
                        name.to_owned()
                    } else {
                        format!("{name}{range}")
                    };
                    names.push(if below.is_empty() {
                        name
                    } else {
                        format!("{}.{name}", below.trim_start_matches('.'))
                    });
                }
            }
            ["$enddefinitions", ..] => break,
            _ => {}
        }
    }
    Ok(names)
}
