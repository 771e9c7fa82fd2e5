//! Builds a simulator of a generated core with Verilator and clang.

use super::CosimError;
use super::builds::{Builds, Built};
use super::testbench;
use crate::design::Design;
use crate::process;
use crate::schedule::Layout;
use crate::verilog::{Sources, module_name};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// Words of a page of `hdl/weight_memory.v`.
const MEMORY_PAGE: usize = 2048;

/// What a simulator can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    /// Nothing: the fastest.
    None,
    /// The commit port.
    Commits,
    /// Every signal.
    Everything,
}

/// What the C++ compiler works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// A fast simulator.
    Speed,
    /// A simulator soon: for netlists, whose flat C++ takes far longer to compile than to run.
    Compile,
}

/// What stands between the bench and the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// Nothing: its ports.
    Core,
    /// The AXI wrapper.
    Bus,
}

impl Through {
    /// The probe's instance in a waveform of commits.
    pub fn probe_scope(self) -> &'static str {
        match self {
            Through::Core => "sim_top.u_probe",
            Through::Bus => "sim_bus_top.u_probe",
        }
    }

    /// The core's instance in a waveform of everything.
    pub(super) fn core_scope(self) -> &'static str {
        match self {
            Through::Core => "sim_top.u_core",
            Through::Bus => "sim_bus_top.u_bus.u_core",
        }
    }

    /// Cycles beyond the predicted ones that a sample may take, where not the usual few: a packet is longer on its way.
    pub fn patience(self, design: &Design) -> Option<u64> {
        match self {
            Through::Core => None,
            Through::Bus => Some(4 * design.network.inputs() as u64 + 1000),
        }
    }

    /// The list of what is built.
    pub fn list(self) -> &'static str {
        self.files().0
    }

    /// The files of the bench.
    pub fn bench(self, design: &Design) -> Vec<String> {
        let (_, top, harness) = self.files();
        let mut files: Vec<String> = ["commit_probe.v", "harness.h", harness].map(String::from).into();
        files.push(format!("{top}.v"));
        if self == Through::Bus {
            files.extend(["bus_registers.h".to_owned(), format!("{}.h", module_name(design))]);
        }
        files
    }

    /// The list of what is built, the bench's top, its harness.
    fn files(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Through::Core => ("files.f", "sim_top", "main.cpp"),
            Through::Bus => ("axi.f", "sim_bus_top", "bus.cpp"),
        }
    }
}

/// What a simulator is made for and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// What it can show.
    pub tracing: Tracing,
    /// What the C++ compiler works for.
    pub effort: Effort,
    /// What stands between the bench and the core.
    pub through: Through,
}

impl From<Through> for Purpose {
    fn from(through: Through) -> Purpose {
        Purpose { through, ..Tracing::Commits.into() }
    }
}

impl From<Tracing> for Purpose {
    fn from(tracing: Tracing) -> Purpose {
        Purpose { tracing, effort: Effort::Speed, through: Through::Core }
    }
}

impl Builds {
    /// The simulator of `sources`: built now, or as an earlier run has left it if not a byte of what it was made of, or
    /// of itself, is another.
    ///
    /// # Errors
    /// When a tool is missing or refuses the sources.
    pub fn simulator(
        &self,
        design: &Design,
        layout: &Layout,
        sources: &Sources,
        purpose: impl Into<Purpose>,
    ) -> Result<Built, CosimError> {
        let purpose = purpose.into();
        // What is built, and nothing that lies beside it: what is listed as built was.
        let mut all = sources.clone();
        testbench::add_to(&mut all, design, layout);
        let mut sources = all.parts(purpose.through.list()).map_err(CosimError::FileList)?;
        for name in purpose.through.bench(design) {
            sources.files.extend(all.files.remove_entry(&name));
        }
        if purpose.tracing == Tracing::Everything
            && let Some(top) = sources.files.get_mut(&format!("{}.v", purpose.through.files().1))
        {
            *top = top.replace("/* verilator tracing_off */", "");
        }
        let verilator = verilator_arguments(design, layout, &sources, purpose)?;
        let make = make_arguments(purpose.effort);
        let recipe = [&verilator[..], &make[..], tools()?].concat();
        self.get(&sources, &recipe, |dir| {
            run(dir, "verilator", &verilator)?;
            run(dir, "make", &make)
        })
    }
}

fn make_arguments(effort: Effort) -> Vec<String> {
    // Verilator's own rules refuse a folder whose name has a blank; they need no more than to be where they are.
    let mut make: Vec<String> =
        ["-C", "obj", "-f", "Vsim_top.mk", "-s", "CURDIR=."].map(String::from).to_vec();
    make.extend(match effort {
        Effort::Speed => ["OPT_FAST=-O3", "OPT_SLOW=-O1", "OPT_GLOBAL=-O2"].map(String::from),
        Effort::Compile => ["OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1"].map(String::from),
    });
    make.push(format!("-j{}", std::thread::available_parallelism().map_or(1, |n| n.get())));
    if which("clang++") {
        make.extend(["CXX=clang++".to_owned(), "LINK=clang++".to_owned()]);
    }
    if which("ccache") {
        make.push("OBJCACHE=ccache".to_owned());
    }
    make
}

/// What the tools and the processor say of themselves: a simulator made by others, or for another processor, is another.
fn tools() -> Result<&'static [String], CosimError> {
    static TOOLS: OnceLock<Vec<String>> = OnceLock::new();
    if let Some(known) = TOOLS.get() {
        return Ok(known);
    }
    let says = |tool: &'static str| {
        let output = process::output(Command::new(tool).arg("--version"));
        output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned())
    };
    let verilator = says("verilator").map_err(|e| failed_to_start("verilator", e))?;
    let compiler = if which("clang++") { "clang++" } else { "g++" };
    let compiler = says(compiler).unwrap_or_default();
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let features = processor.lines().find(|l| l.starts_with("flags") || l.starts_with("Features"));
    Ok(TOOLS.get_or_init(|| vec![verilator, compiler, features.unwrap_or_default().to_owned()]))
}

fn failed_to_start(tool: &'static str, e: std::io::Error) -> CosimError {
    if e.kind() == std::io::ErrorKind::NotFound {
        CosimError::MissingTool { tool }
    } else {
        CosimError::io("run", Path::new(tool), e)
    }
}

fn verilator_arguments(
    design: &Design,
    layout: &Layout,
    sources: &Sources,
    purpose: Purpose,
) -> Result<Vec<String>, CosimError> {
    let tracing = purpose.tracing;
    let (list, top, harness) = purpose.through.files();
    // Loops over lanes (and over groups of eight) stay loops, which the C++ compiler vectorises. Verilator
    // unrolls generate loops up to 16 times this count, of which the one over pages of weights may be long.
    let unroll = (layout.lanes / 16 + 1).max(4).min(layout.lanes.saturating_sub(1).max(1));
    let pages = layout.weights.words().div_ceil(MEMORY_PAGE);
    let unroll = unroll.max(pages / 16 + 1);
    let mut cflags = format!(
        "-O3 -march=native -DEQHDL_INPUTS={} -DEQHDL_LANES={} -DEQHDL_WORDS={} -DEQHDL_STORED_WIDTH={}",
        design.network.inputs(),
        layout.lanes,
        layout.weights.words(),
        design.datapath.stored_width
    );
    let mut a: Vec<String> = [
        "--cc",
        "--exe",
        "-O3",
        "--x-assign",
        "fast",
        "--x-initial",
        "fast",
        "--noassert",
        "-Wno-fatal",
        // Of two modules of one name the first would be taken, and the second forgotten.
        "-Werror-MODDUP",
        "--top-module",
        top,
        "--prefix",
        "Vsim_top",
        "--Mdir",
        "obj",
        "--unroll-stmts",
        "200000",
    ]
    .map(String::from)
    .to_vec();
    a.extend(["--unroll-count".to_owned(), unroll.to_string()]);
    if tracing != Tracing::None {
        cflags.push_str(" -DEQHDL_TRACE");
        a.extend(["--trace", "--trace-max-width", "65536", "--trace-max-array", "4096"].map(String::from));
        if tracing == Tracing::Everything {
            a.push("--trace-structs".to_owned());
        }
    }
    if purpose.effort == Effort::Compile {
        // Many small functions: what an optimiser does to long ones takes minutes.
        a.extend(["--output-split", "20000", "--output-split-cfuncs", "2000"].map(String::from));
    }
    if purpose.through == Through::Bus {
        let core = module_name(design);
        let marks = 1u32 << 31
            | u32::from(design.is_batched()) << 30
            | if design.milestones.sets() > 1 { 7 << 27 } else { 0 };
        cflags += &format!(
            " -include ../{core}.h -include ../bus_registers.h -DEQHDL_PREFIX={} -DEQHDL_MARKS={marks}u",
            core.to_uppercase()
        );
    }
    a.extend(["-CFLAGS".to_owned(), cflags]);
    a.extend(sources.list(list).map_err(CosimError::FileList)?);
    a.extend(["commit_probe.v".to_owned(), format!("{top}.v"), harness.to_owned()]);
    Ok(a)
}

/// True when a program is on the path.
pub fn which(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|p| p.join(program).is_file())
}

/// What the environment could add to a build.
const VARIABLES: [&str; 9] =
    ["MAKEFLAGS", "MFLAGS", "GNUMAKEFLAGS", "CPPFLAGS", "CXXFLAGS", "CFLAGS", "LDFLAGS", "LDLIBS", "OPT"];

fn run(dir: &Path, tool: &'static str, arguments: &[String]) -> Result<(), CosimError> {
    let mut command = Command::new(tool);
    command.args(arguments).current_dir(dir);
    VARIABLES.iter().for_each(|v| {
        command.env_remove(v);
    });
    let output = process::output(&mut command).map_err(|e| failed_to_start(tool, e))?;
    let log =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let _ = std::fs::write(dir.join(format!("{tool}.log")), &log);
    if output.status.success() {
        return Ok(());
    }
    let lines: Vec<&str> = log.lines().collect();
    let last = lines[lines.len().saturating_sub(15)..].join("\n");
    Err(CosimError::ToolFailed { tool, folder: dir.to_owned(), last })
}
