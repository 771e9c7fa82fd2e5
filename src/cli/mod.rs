//! The command line: one file per subcommand.
//!
//! Exit codes: 0 done and equal; 1 hardware and reference differ; 2 bad input; 3 a tool is missing or failed, or an output
//! cannot be written or is in use; 130, 143, 129 stopped by INT, TERM, HUP.

mod bench;
pub mod check;
mod cosim;
mod coverage;
pub mod generate;
mod gradient;
mod new;
mod results;
mod say;
mod study;
mod synth;
pub mod train;

use crate::design::printable;
use crate::signals;
use clap::{Parser, Subcommand};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, Report};
use say::note;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// Why a command ends early.
#[derive(Debug)]
pub enum CliError {
    /// What the user gave cannot be used: exit code 2.
    Input(Report),
    /// A tool or the machine failed: exit code 3.
    Tool(Report),
    /// Nobody reads the result any more (`eqhdl ... | head`), which is no failure of ours: a quiet end.
    Unread,
}

impl CliError {
    /// Bad input, told by a diagnostic.
    pub fn input(e: impl Diagnostic + Send + Sync + 'static) -> Self {
        CliError::Input(Report::new(e))
    }

    /// Bad input, told by a sentence.
    pub fn input_message(message: impl fmt::Display) -> Self {
        CliError::Input(miette::miette!("{}", sentence(message)))
    }

    /// A failing tool or machine, told by a sentence.
    pub fn tool_message(message: impl fmt::Display) -> Self {
        CliError::Tool(miette::miette!("{}", sentence(message)))
    }

    /// What the command line says of it where nobody looks at a terminal: no colours, lines of [`PLAIN_WIDTH`]; nothing of
    /// what is not said.
    pub fn plain(&self) -> String {
        let (CliError::Input(report) | CliError::Tool(report)) = self else { return String::new() };
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
        let mut text = String::new();
        match handler.with_width(PLAIN_WIDTH).with_links(false).render_report(&mut text, report.as_ref()) {
            Ok(()) => text,
            Err(fmt::Error) => report.to_string(),
        }
    }
}

/// Characters of a line where there is no terminal.
const PLAIN_WIDTH: usize = 80;

/// Longest sentence: all there is to say, and no file's worth of what was found in a file.
const MAX_SENTENCE: usize = 2000;

/// A sentence as a screen can show it, whatever a file has put into it.
fn sentence(message: impl fmt::Display) -> String {
    printable(&message.to_string(), MAX_SENTENCE)
}

/// Networks trained by Equilibrium Propagation: bit-accurate model, synthesizable Verilog, and the proof that they agree.
#[derive(Parser)]
#[command(name = "eqhdl", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  eqhdl new mynet                       write a commented design file, mynet.toml
  eqhdl check designs/digits-cep.toml   formats, widths, memory, cycles per sample
  eqhdl train designs/digits-cep.toml   train the bit-accurate reference
  eqhdl gradient designs/digits-ep.toml  hold its update against backpropagation through time
  eqhdl cosim designs/digits-cep.toml   train it in hardware (Verilator) as well, and compare every event
  eqhdl study designs/studies/digits-bits.toml   sweep fields of a design: table, Pareto front, report
  eqhdl generate mynet.toml -o rtl      the Verilog alone
  eqhdl synth mynet.toml --device 25k   area and clock rate on an FPGA (Yosys, nextpnr)

Exit codes: 0 done and equal, 1 hardware and reference differ, 2 bad input, 3 a tool is missing or failed,
or an output cannot be written or is in use; 130, 143, 129 stopped by INT, TERM, HUP.";

#[derive(Subcommand)]
enum Command {
    New(new::NewArgs),
    Check(check::CheckArgs),
    Train(train::TrainArgs),
    Gradient(gradient::GradientArgs),
    Generate(generate::GenerateArgs),
    Cosim(cosim::CosimArgs),
    Coverage(coverage::CoverageArgs),
    Study(study::StudyArgs),
    Synth(synth::SynthArgs),
    Bench(bench::BenchArgs),
    Results(results::ResultsArgs),
}

/// Runs a command line, the program's name first, and turns the outcome into an exit code. From here on signals are this
/// process's to handle.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    signals::watch();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let program = arguments.first().map_or("eqhdl".into(), Clone::clone);
    let outcome = match Cli::try_parse_from(&arguments) {
        Ok(cli) => dispatch(cli.command, Path::new(&program)),
        // Help and version are results, too.
        Err(e) => match e.print().and_then(|()| std::io::Write::flush(&mut std::io::stdout())) {
            Err(lost) if !e.use_stderr() => Err(say::lost(&lost)),
            _ => return ExitCode::from(e.exit_code() as u8),
        },
    };
    let (report, code) = match outcome {
        Ok(code) => return code,
        Err(CliError::Input(report)) => (report, 2),
        Err(CliError::Tool(report)) => (report, 3),
        Err(CliError::Unread) => return ExitCode::from(141), // what a shell says of a process that SIGPIPE has ended
    };
    note!("{report:?}");
    ExitCode::from(code)
}

fn dispatch(command: Command, program: &Path) -> Result<ExitCode, CliError> {
    match command {
        Command::New(a) => new::run(&a),
        Command::Check(a) => check::run(&a),
        Command::Train(a) => train::run(&a),
        Command::Gradient(a) => gradient::run(&a),
        Command::Generate(a) => generate::run(&a),
        Command::Cosim(a) => cosim::run(&a),
        Command::Coverage(a) => coverage::run(&a),
        Command::Study(a) => study::run(&a, program),
        Command::Synth(a) => synth::run(&a),
        Command::Bench(a) => bench::run(&a),
        Command::Results(a) => results::run(&a),
    }
}

/// Loads a design or says what is wrong with it.
fn load_design(path: &std::path::Path) -> Result<crate::design::Design, CliError> {
    let design = crate::design::load(path).map_err(CliError::input)?;
    for warning in crate::design::warnings(&design) {
        note!("warning: {warning}");
    }
    Ok(design)
}

/// Loads the samples of a design or says what is wrong with them.
fn load_data(design: &crate::design::Design) -> Result<crate::data::Dataset, CliError> {
    let dataset = crate::data::load(design).map_err(CliError::input_message)?;
    for warning in crate::data::warnings(design, &dataset) {
        note!("warning: {warning}");
    }
    Ok(dataset)
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    /// No two options of a command share a name, and the folder for results is `-o` everywhere.
    #[test]
    fn options_agree() {
        let mut cli = Cli::command();
        cli.build();
        cli.clone().debug_assert();
        let folders = cli.get_subcommands().flat_map(|c| c.get_arguments());
        let letters: Vec<_> =
            folders.filter(|a| a.get_long() == Some("out")).map(|a| a.get_short()).collect();
        assert!(letters.len() > 6 && letters.iter().all(|&l| l == Some('o')), "{letters:?}");
    }
}
