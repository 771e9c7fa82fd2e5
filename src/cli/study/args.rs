//! What `eqhdl study` is asked.

use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  eqhdl study designs/studies/digits-bits.toml         every point, on all cores; then open the report
  eqhdl study mystudy.toml                             again: goes on where it stopped
  eqhdl study mystudy.toml --engine list | parallel    one command for each point that is not done
  eqhdl study mystudy.toml --engine slurm --sbatch=--partition=day
  eqhdl study mystudy.toml --gather                    the report of what is there, nothing is run
  eqhdl study mystudy.toml --point p0123456789ab       one point
  eqhdl study mystudy.toml --search                    the narrowest formats that still learn

Results are kept under the digest of design, data, samples, epochs, seed and version: a point that has been trained
is never trained again, in whichever study it stands, as long as --out is the same. docs/studies.md explains the file.

Exit codes: 0 done (broken points are reported), 1 hardware and model differ at a verified point, 2 bad input or no
point can run, 3 a tool is missing or failed, or a file cannot be\
written; 130, 143, 129 stopped by INT, TERM, HUP.";

/// Sweep fields of a design: bit-accurate trainings, their price, and a report
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct StudyArgs {
    /// Study file
    pub(super) study: PathBuf,
    /// Folder for results and reports (default: build/studies/NAME)
    #[arg(short, long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Who runs the points
    #[arg(long, value_enum, default_value = "local")]
    pub(super) engine: Engine,
    /// An option for sbatch (may be given several times)
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub(super) sbatch: Vec<String>,
    /// Points that run at once (default: one for each core)
    #[arg(long, value_name = "N")]
    pub(super) jobs: Option<usize>,
    /// Run only this point, and write no report (may be given several times)
    #[arg(long, value_name = "ID", conflicts_with = "engine")]
    pub(super) point: Vec<String>,
    /// Run nothing: report what is there
    #[arg(long, conflicts_with_all = ["point", "engine"])]
    pub(super) gather: bool,
    /// Search for the narrowest formats that keep the test error near the float oracle's, as [search] says
    #[arg(long, conflicts_with_all = ["point", "engine", "gather"])]
    pub(super) search: bool,
    /// Print a machine-readable summary on standard output
    #[arg(long)]
    pub(super) json: bool,
    /// No progress, no line for every point
    #[arg(long, short)]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Engine {
    /// Threads of this process
    Local,
    /// Nobody: one shell command for each point that is not done, on standard output
    List,
    /// Slurm: one job array, then the report
    Slurm,
}
