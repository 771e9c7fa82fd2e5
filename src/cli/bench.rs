//! `eqhdl bench`.

use super::CliError;
use std::process::ExitCode;

/// Measure speed, as ratios inside one run
#[derive(clap::Args)]
pub struct BenchArgs {}

/// Runs the command.
pub fn run(_args: &BenchArgs) -> Result<ExitCode, CliError> {
    Ok(ExitCode::SUCCESS)
}
