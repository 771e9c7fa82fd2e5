//! `eqhdl generate`: the Verilog of a design.

use super::CliError;
use crate::cosim::testbench;
use crate::schedule::Layout;
use crate::verilog::{Sources, module_name};
use std::path::PathBuf;
use std::process::ExitCode;

/// Write the synthesizable Verilog of a design, with its simulation top
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  eqhdl generate designs/digits-cep.toml -o rtl && verilator --lint-only -Wall -f rtl/files.f"
)]
pub struct GenerateArgs {
    /// Design file
    design: PathBuf,
    /// Folder to write to
    #[arg(short, long, value_name = "DIR", default_value = "rtl")]
    out: PathBuf,
}

/// Writes the folder.
pub fn run(args: &GenerateArgs) -> Result<ExitCode, CliError> {
    let design = super::load_design(&args.design)?;
    let layout = Layout::of(&design);
    let mut sources = Sources::of(&design, &layout);
    testbench::add_to(&mut sources, &design, &layout);
    let fail = |e| CliError::input_message(format!("cannot write to {}: {e}", args.out.display()));
    sources.write(&args.out).map_err(fail)?;
    eprintln!(
        "wrote {} files to {}; the core is {}.v",
        sources.files.len(),
        args.out.display(),
        module_name(&design)
    );
    Ok(ExitCode::SUCCESS)
}
