//! `eqhdl new`: a commented design file to start from.

use super::CliError;
use super::say::note;
use crate::design::commented_example;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write a commented design file to start from
#[derive(clap::Args)]
#[command(after_help = "Example:\n  eqhdl new mynet && eqhdl check mynet.toml && eqhdl cosim mynet.toml")]
pub struct NewArgs {
    /// Name of the design; the file is NAME.toml
    name: PathBuf,
}

/// Writes NAME.toml; an existing file is never overwritten.
pub fn run(args: &NewArgs) -> Result<ExitCode, CliError> {
    let path = args.name.with_extension("toml");
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).open(&path);
    let written =
        file.and_then(|mut f| std::io::Write::write_all(&mut f, commented_example(&stem).as_bytes()));
    match written {
        Ok(()) => {
            note!("wrote {0}; next: eqhdl check {0}", path.display());
            Ok(ExitCode::SUCCESS)
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(CliError::input_message(format!(
            "{} exists already; choose another name or remove it",
            path.display()
        ))),
        Err(e) => Err(CliError::tool_message(format!("cannot write {}: {e}", path.display()))),
    }
}
