//! Progress of a study, and what it cannot write.

use crate::cli::CliError;
use crate::cli::say::note;
use crate::study::plan::Named;
use crate::study::run::{Outcome, Watcher};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Shows progress over all points.
pub(in crate::cli) struct Watch {
    pub(super) bar: ProgressBar,
    quiet: bool,
    ended: AtomicUsize,
    points: usize,
    /// Effort so far, in the bar's units once divided by [`UNIT`].
    effort: AtomicU64,
    fresh: AtomicBool,
}

/// Multiply-accumulates in a unit of the progress bar.
const UNIT: u64 = 1 << 20;

impl Watch {
    pub(in crate::cli) fn new(quiet: bool, points: &[&Named]) -> Watch {
        let total: u64 = points.iter().map(|p| p.effort()).sum();
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(total / UNIT) };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  {eta} left") {
            bar.set_style(style);
        }
        bar.set_message(format!("0 of {} points", points.len()));
        Watch {
            bar,
            quiet,
            ended: AtomicUsize::new(0),
            points: points.len(),
            effort: AtomicU64::new(0),
            fresh: AtomicBool::new(false),
        }
    }
}

impl Watcher for Watch {
    fn advanced(&self, effort: u64, fresh: bool) {
        let all = effort + self.effort.fetch_add(effort, Ordering::Relaxed);
        self.bar.set_position(all / UNIT);
        // The time left is told from work done now, not from results found.
        if fresh && !self.fresh.swap(true, Ordering::Relaxed) {
            self.bar.reset_eta();
        }
    }

    fn ended(&self, point: &Named, outcome: &Outcome) {
        let ended = 1 + self.ended.fetch_add(1, Ordering::Relaxed);
        self.bar.set_message(format!("{ended} of {} points", self.points));
        let said = match outcome {
            Outcome::Done { kept: true, verified: None } => "was there".to_owned(),
            Outcome::Done { kept: true, verified: Some(true) } => "was there, is verified".to_owned(),
            Outcome::Done { verified: Some(false), .. } => "HARDWARE AND MODEL DIFFER".to_owned(),
            Outcome::Done { verified: Some(true), .. } => "trained, verified".to_owned(),
            Outcome::Done { .. } => "trained".to_owned(),
            Outcome::Broken(why) => format!("is broken: {why}"),
            Outcome::Untrained(why) => format!("was not trained: {why}"),
            Outcome::Unverified(why) => format!("trained, could not be verified: {why}"),
            Outcome::Unplaced(why) => format!("trained, could not be placed: {why}"),
            Outcome::Stopped => return,
        };
        let bad = !matches!(outcome, Outcome::Done { verified: None | Some(true), .. });
        if bad || !self.quiet {
            self.bar.suspend(|| {
                note!("{ended:>4}/{} {} ({}) {said}", self.points, point.id, line(point));
            });
        }
    }

    fn warn(&self, text: &str) {
        self.bar.suspend(|| note!("warning: {text}"));
    }
}

pub(super) fn cannot_write(out: &Path, e: &std::io::Error) -> CliError {
    CliError::tool_message(format!("cannot write to {}: {e}", out.display()))
}

pub(super) fn line(p: &Named) -> String {
    let labels: Vec<_> = p.labels.iter().map(|(axis, value)| format!("{axis} {value}")).collect();
    format!("{}, seed {}", labels.join(", "), p.seed)
}
