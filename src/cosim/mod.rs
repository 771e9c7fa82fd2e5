//! The cross-check: build and run the verilated core, read its waveform, hold every event against the reference.

mod build;
mod builds;
mod commits;
mod compare;
mod difference;
mod explain;
mod faults;
mod level;
mod ports;
mod replay;
mod run;
mod signature;
mod simulator;
mod stress;
mod tally;
pub mod testbench;
mod through_bus;
mod vcd;

pub use build::{Effort, Purpose, Through, Tracing, which};
pub use builds::{Builds, Built};
pub use compare::Comparator;
pub use difference::{Difference, Field};
pub use explain::operands;
pub use faults::{FAULTS, Fault};
pub use level::Level;
pub use replay::{COMMIT_SIGNALS, Replay, replay, save_files};
pub use run::{Outcome, Request, cross_check, leading_to, run_to_file};
pub use signature::Signature;
pub use simulator::memory_image;
pub use stress::Stress;
pub use tally::HardwareResult;
pub use through_bus::{BusAnswers, bus_difference};
pub use vcd::{Vcd, VcdError};

use std::io;
use std::path::{Path, PathBuf};

/// Why a cross-check cannot be done.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CosimError {
    /// A program is not installed.
    #[error("`{tool}` is not installed")]
    #[diagnostic(help(
        "`make setup` installs what a cross-check needs (on Debian: apt-get install verilator clang ccache make)"
    ))]
    MissingTool {
        /// Its name.
        tool: &'static str,
    },
    /// A program failed.
    #[error("`{tool}` failed in {folder}; its last lines:\n{last}")]
    #[diagnostic(help("the whole log is {tool}.log in that folder"))]
    ToolFailed {
        /// Its name.
        tool: &'static str,
        /// Where it ran.
        folder: PathBuf,
        /// What it said.
        last: String,
    },
    /// A file list, or what is on it, cannot be built.
    #[error("{0}")]
    #[diagnostic(help("write the folder anew with `eqhdl generate`, then edit its Verilog"))]
    FileList(String),
    /// Another process works in the folder.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Lock(#[from] crate::lock::LockError),
    /// The simulation ended without having done its work.
    #[error("the simulation failed: {0}")]
    Simulation(String),
    /// What was compared is not what is specified.
    #[error(transparent)]
    Disagree(#[from] crate::coverage::Disagree),
    /// The waveform holds fewer samples than were to be compared.
    #[error("the waveform ends after {seen} of {total} samples; these are equal")]
    #[diagnostic(help("if it was to hold no more, say so with --samples {seen}"))]
    WaveformEnds {
        /// Samples it holds whole.
        seen: u64,
        /// Samples to compare.
        total: u64,
    },
    /// The waveform cannot be used.
    #[error(transparent)]
    Waveform(#[from] VcdError),
    /// The machine failed.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl CosimError {
    pub(crate) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        CosimError::Io { what, path: path.to_owned(), source }
    }
}
