//! `eqhdl generate`: the Verilog of a design, alone and on a bus.

use super::CliError;
use super::say::note;
use crate::bus::{self, SampleWords, Vectors};
use crate::cosim::testbench;
use crate::design::Design;
use crate::reference::train::{Plan, TrainingData};
use crate::schedule::Layout;
use crate::verilog::{Sources, Written, module_name, replace_written};
use std::path::PathBuf;
use std::process::ExitCode;

/// Write the synthesizable Verilog of a design: the core, its AXI wrapper with register map and C header, test benches
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct GenerateArgs {
    /// Design file
    design: PathBuf,
    /// Folder to write to
    #[arg(short, long, value_name = "DIR", default_value = "rtl")]
    out: PathBuf,
    /// Also write eqhdl_NAME__vectors.json: N samples of the data set (a third of them only classified), and what the
    /// reference makes of them (results, signatures, counters, weights)
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    vectors: Option<usize>,
    /// Free and nudged steps of these vectors, where not the design's: what a driver would write to the register STEPS
    #[arg(long, value_name = "T,K", requires = "vectors", value_parser = parse_steps)]
    steps: Option<(u16, u16)>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "write a whole number from 1 up".to_owned())
}

fn parse_steps(text: &str) -> Result<(u16, u16), String> {
    let count = |text: &str| text.parse().ok().filter(|&n: &u16| n > 0);
    text.split_once(',')
        .and_then(|(free, nudged)| Some((count(free)?, count(nudged)?)))
        .ok_or_else(|| "write two numbers from 1 to 65535, such as 20,4".to_owned())
}

const EXAMPLES: &str = "\
Examples:
  eqhdl generate designs/digits-cep.toml -o rtl       everything a design needs
  cd rtl && verilator --lint-only -Wall -f eqhdl_digits_cep.f        the core alone
  cd rtl && verilator --lint-only -Wall -f eqhdl_digits_cep_axi.f    the core on a bus
  cd rtl && fusesoc --cores-root . run --target sim eqhdl:cores:digits_cep
  eqhdl generate designs/digits-cep.toml -o rtl --vectors 12    with stimuli for a test of your own";

/// Everything a design needs: the core with its bench, and the core on a bus.
pub fn sources(design: &Design, layout: &Layout) -> Sources {
    let mut sources = Sources::of(design, layout);
    testbench::add_to(&mut sources, design, layout);
    bus::add_to(&mut sources, design, layout);
    sources
}

/// Writes the folder.
pub fn run(args: &GenerateArgs) -> Result<ExitCode, CliError> {
    let design = super::load_design(&args.design)?;
    let layout = Layout::of(&design);
    let mut sources = sources(&design, &layout);
    if let Some(count) = args.vectors {
        let samples = data_set_samples(&design, count)?;
        let steps =
            args.steps.map_or((design.free_steps, design.nudged_steps), |(t, k)| (t.into(), k.into()));
        bus::add_vectors(&mut sources, &Vectors::with_steps(&design, &layout, steps, samples));
    }
    let fail = |e| CliError::tool_message(format!("cannot write to {}: {e}", args.out.display()));
    let sources = sources.delivered(&design);
    let written = replace_written(&sources, &design, &args.out).map_err(fail)?;
    note!(
        "wrote {} files to {}; the core is {}.v, on a bus {}.v",
        sources.files.len(),
        args.out.display(),
        module_name(&design),
        bus::top_name(&design)
    );
    report(&written);
    Ok(ExitCode::SUCCESS)
}

/// Says what became of an earlier run's files.
fn report(written: &Written) {
    if !written.removed.is_empty() {
        note!("removed what an earlier run had written: {}", written.removed.join(", "));
    }
    if !written.changed.is_empty() {
        note!(
            "left there: {}, which an earlier run had written and somebody has changed; remove what is not wanted",
            written.changed.join(", ")
        );
    }
}

/// The first samples of the training as the hardware would see them, every third only classified.
fn data_set_samples(design: &Design, count: usize) -> Result<Vec<SampleWords>, CliError> {
    let data = crate::data::load(design).map_err(CliError::input_message)?;
    let plan = Plan::new(design, &data);
    let data = TrainingData::new(design, &data);
    let sample = |(at, planned)| {
        let (inputs, label) = data.sample(planned);
        let train = at % 3 != 2;
        SampleWords {
            inputs: inputs.to_vec(),
            label,
            train,
            ends_batch: train && design.is_batched(),
            rates: (at % design.milestones.sets()) as u8,
        }
    };
    let all = (0..design.epochs).flat_map(|epoch| plan.samples(epoch));
    let samples: Vec<_> = all.enumerate().map(sample).take(count).collect();
    if samples.len() < count {
        return Err(CliError::input_message(format!(
            "--vectors {count}: the training of this design has {} samples; ask for at most so many, or raise `epochs`",
            samples.len()
        )));
    }
    Ok(samples)
}
