//! The commands that are shown and not run with every test, with the reason.

/// Why a command is not run.
pub enum Reason {
    /// It takes more than half a minute: `make docs-check` runs it.
    Minutes(&'static str),
    /// It cannot be run here: what holds it instead.
    Never(&'static str),
}

impl Reason {
    /// In words.
    pub fn why(&self) -> String {
        match self {
            Reason::Minutes(why) => format!("{why}; `make docs-check` runs it"),
            Reason::Never(why) => (*why).to_owned(),
        }
    }
}

use Reason::{Minutes, Never};

/// What a command contains that is left out, and why.
pub const LEFT_OUT: [(&str, Reason); 19] = [
    ("make test", Never("runs this test")),
    ("make setup-synth", Never("needs a network")),
    ("make results", Never("hours")),
    ("eqhdl results", Never("hours, and needs MNIST")),
    (
        "sed -i 's/product_a",
        Never("edits the source that eqhdl is built from; planted defects do the same (defects.rs)"),
    ),
    ("git checkout hdl", Never("undoes the line above it")),
    ("eqhdl synth", Never("needs Yosys with nextpnr, and minutes; synth.rs")),
    ("mnist", Never("needs MNIST, and up to hours")),
    ("fusesoc", Never("needs FuseSoC; side_by_side.rs runs it where it is installed")),
    ("my_bench.v", Never("a bench of the reader's; icarus.rs has one")),
    ("my.vcd", Never("a waveform of the reader's; waveforms.rs makes some")),
    ("run.vcd", Never("a waveform of the reader's; waveforms.rs makes some")),
    ("| parallel", Never("needs GNU parallel")),
    ("parallel < commands", Never("needs GNU parallel")),
    ("hq submit", Never("needs HyperQueue")),
    ("slurm", Never("needs a scheduler; study.rs has one that is made up")),
    ("--point p0123456789ab", Never("a name that only stands for one")),
    ("--search", Minutes("many trainings, one after the other")),
    ("--inject all", Minutes("each defect is built in and simulated")),
];
