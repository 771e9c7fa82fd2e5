//! What `eqhdl train` is asked.

use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  eqhdl train designs/digits-ep.toml               the whole training, with a progress bar
  eqhdl train designs/mnist-ep.toml --resume       go on where an interrupted training stopped, bit for bit
  eqhdl train mynet.toml --samples 1000 --epochs 2  a first look
  eqhdl train designs/digits-ep.toml --float       the same training in 64-bit floats (its own checkpoint and report)
  eqhdl train mynet.toml --profile                 how many bits each signal needed, and what would do
  eqhdl train mynet.toml --json --save w.npz       accuracies on stdout, weights in a file
  eqhdl train mynet.toml --start w.npz             the same network learns on
  eqhdl train mynet.toml --epochs 0 --save w0.npz  the weights that it begins with
  eqhdl train designs/digits-conv.toml --kernels kernels.svg  a picture of what the first kernels have become

Ctrl-C (as TERM and HUP) stops at the next sample with a checkpoint. The test accuracy reported is the mean over the last fifth of the
epochs (at least one); accuracies are shares of 1 in JSON.";

/// Train the bit-accurate reference of a design.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    /// Design file
    pub design: PathBuf,
    /// Passes over the training set (default: the design's); with 0 and --save, the weights that it would begin with
    #[arg(long, value_name = "N")]
    pub epochs: Option<u32>,
    /// Use only the first N training samples
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Seed of initial weights, order and stochastic rounding (default: the design's)
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u32>,
    /// Train in 64-bit floats instead: same samples, same order, nothing quantised but the initial weights
    #[arg(long)]
    pub float: bool,
    /// Begin with the weights of an NPZ file: those of --save, or (real numbers, layer after layer) those of a PyTorch
    /// state_dict; they go to the nearest of their formats
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub start: Option<PathBuf>,
    /// Go on from the checkpoint in the output folder, if there is one
    #[arg(long)]
    pub resume: bool,
    /// Folder for checkpoint and train.json; checkpoint-float and train-float.json of floats (default: build/NAME)
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seconds between checkpoints; one is also written at the end of every epoch
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    pub checkpoint_every: f64,
    /// Write the final weights (raw integers `w1`, `b1`, ...; `back2`, ... of a way back, `velocity1`, `velocity_b1`, ... of
    /// momentum; and their fraction bits) to an NPZ file
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Draw the kernels of layer 1, as learnt, and what the multipliers do not see of them; beside those that floats have
    /// learnt where their training (--float) is done in the same folder (SVG)
    #[arg(long, value_name = "FILE", conflicts_with = "float")]
    pub kernels: Option<PathBuf>,
    /// Print a machine-readable summary on stdout
    #[arg(long)]
    pub json: bool,
    /// Show how many bits every signal needed, and propose formats
    #[arg(long, conflicts_with = "float")]
    pub profile: bool,
    /// No progress, no tables
    #[arg(long, short)]
    pub quiet: bool,
}
