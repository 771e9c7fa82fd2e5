//! `eqhdl coverage`: adds up what several cross-checks have exercised.

use super::CliError;
use super::say::{note, tell};
use crate::cosim::CosimError;
use crate::coverage::{Report, State};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Add up what cross-checks have exercised, as a list and as a map
#[derive(clap::Args)]
#[command(after_help = "\
Every `eqhdl cosim` that ends EQUAL leaves coverage.json and coverage.html in its folder: what its samples made the
hardware do, what they never did, and what cannot happen.

Examples:
  eqhdl coverage build/digits_cep                     what the last cross-check has exercised
  eqhdl cosim designs/digits-cep.toml --samples 9 -o build/few && eqhdl coverage build/digits_cep build/few -o build/both
                                                      two runs of one circuit (other samples, seeds, data) together
  eqhdl coverage build/digits_cep --json              for machines

Exit codes: 0 done, 2 bad input, 3 an output cannot be written.")]
pub struct CoverageArgs {
    /// Folders of cross-checks (`-o` of `eqhdl cosim`), or their coverage.json
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Folder for coverage.json and coverage.html of the sum
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the sum as JSON
    #[arg(long)]
    json: bool,
}

/// Name of the file that a cross-check leaves.
const FILE: &str = "coverage.json";
/// And of the page.
const PAGE: &str = "coverage.html";

/// No report of a design has more bytes: a thousand layers of a thousand points.
const LARGEST: u64 = 1 << 28;

/// Runs the command.
pub fn run(args: &CoverageArgs) -> Result<ExitCode, CliError> {
    let mut sum: Option<Report> = None;
    for path in &args.runs {
        let report = read(path)?;
        match &mut sum {
            None => sum = Some(report),
            Some(sum) => sum.add(&report).map_err(|e| {
                let (first, this) = (args.runs[0].display(), path.display());
                CliError::input_message(format!("{first} and {this} cannot be added up: {e}"))
            })?,
        }
    }
    let Some(sum) = sum else { return Err(CliError::input_message("no run is given")) };
    let map = args.out.as_ref().map(|folder| write(&sum, folder)).transpose()?;
    if args.json {
        let json = serde_json::to_string_pretty(&sum).map_err(CliError::tool_message)?;
        tell!("{json}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let counts = [State::Exercised, State::Never, State::Unreachable].map(|state| sum.count(state));
    let [exercised, never, unreachable] = counts;
    tell!("{}: {exercised} points exercised, {never} never, {unreachable} cannot happen", sum.design)?;
    tell!("{} samples, {} of them looked into", sum.samples, sum.looked_into)?;
    for (title, state) in
        [("never exercised", State::Never), ("proven impossible, and seen", State::Contradicted)]
    {
        for point in sum.named(state) {
            tell!("  {title}: {point}")?;
        }
    }
    let widest = sum.groups.iter().filter_map(|g| g.width.as_ref().map(|w| (g, w)));
    for (group, width) in widest.filter(|(_, w)| w.used + 1 < w.given) {
        tell!("  wider than anything seen: {}, {}: {} bits used", group.name, width.format, width.used)?;
    }
    if let Some(map) = map {
        note!("map: {}", map.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Report, CliError> {
    let file = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
    let bad = |e: &dyn std::fmt::Display| {
        let file = file.display();
        CliError::input_message(format!(
            "cannot read {file}: {e}; `eqhdl cosim` writes it when it ends EQUAL"
        ))
    };
    let about = std::fs::metadata(&file).map_err(|e| bad(&e))?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(bad(&"it is no report of a cross-check"));
    }
    let text = std::fs::read(&file).map_err(|e| bad(&e))?;
    serde_json::from_slice(&text).map_err(|e| bad(&e))
}

/// Leaves a report and its page in a folder; where the page lies.
pub(super) fn write(report: &Report, folder: &Path) -> Result<PathBuf, CliError> {
    let json = serde_json::to_string_pretty(report).map_err(CliError::tool_message)?;
    let page = report.html().map_err(CliError::tool_message)?;
    std::fs::create_dir_all(folder).map_err(|e| CosimError::Io {
        what: "create",
        path: folder.to_owned(),
        source: e,
    })?;
    for (name, text) in [(FILE, json), (PAGE, page)] {
        let path = folder.join(name);
        crate::whole::write(&path, text.as_bytes()).map_err(|e| CosimError::Io {
            what: "write",
            path,
            source: e,
        })?;
    }
    Ok(folder.join(PAGE))
}

/// Says beside a verdict what it has seen, and what it has not.
pub(super) fn say(report: &Report, map: &Path) {
    let counts = [State::Exercised, State::Never, State::Unreachable].map(|state| report.count(state));
    let [exercised, never, unreachable] = counts;
    let all = exercised + never;
    note!(
        "  exercised          {exercised} of {all} points; {unreachable} more cannot happen ({})",
        map.display()
    );
    note!("  looked into        {} samples", report.looked_into);
    note!("  never exercised    {}", report.never_in_short().unwrap_or("nothing".into()));
    if report.count(State::Contradicted) > 0 {
        let points: Vec<String> = report.named(State::Contradicted).collect();
        note!("  proofs are wrong   seen, though proven impossible: {}", points.join("; "));
    }
}
