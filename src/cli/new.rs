//! `eqhdl new`: a commented design file to start from.

use super::CliError;
use super::say::note;
use crate::design::{commented_example, name};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write a commented design file to start from
#[derive(clap::Args)]
#[command(after_help = "Example:\n  eqhdl new mynet && eqhdl check mynet.toml && eqhdl cosim mynet.toml")]
pub struct NewArgs {
    /// Name of the design; the file is NAME.toml
    name: PathBuf,
}

/// Writes NAME.toml; an existing file is never overwritten, and a name that `check` would refuse is refused.
pub fn run(args: &NewArgs) -> Result<ExitCode, CliError> {
    let refuse =
        |what: String| CliError::input_message(format!("{what}; take a name such as `eqhdl new my_net`"));
    let path = with_toml(&args.name)
        .ok_or_else(|| refuse(format!("`{}` is no name of a file", args.name.display())))?;
    let name = name::of_file(&path).map_err(|e| refuse(e.to_string()))?;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).open(&path);
    let written =
        file.and_then(|mut f| std::io::Write::write_all(&mut f, commented_example(&name).as_bytes()));
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

/// The path with `.toml` behind it, unless that is there: a dot in a name (`net_0.3`) begins no ending.
fn with_toml(path: &Path) -> Option<PathBuf> {
    let mut file = path.file_name()?.to_owned();
    if path.extension().is_none_or(|e| e != "toml") {
        file.push(".toml");
    }
    Some(path.with_file_name(file))
}
