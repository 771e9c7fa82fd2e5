//! Builds a simulator of a generated core with Verilator and clang.

use super::CosimError;
use super::testbench;
use crate::design::Design;
use crate::schedule::Layout;
use crate::verilog::Sources;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Builds the simulator of `sources` in `dir` (kept between runs: nothing is done where nothing changed) and returns
/// the program.
///
/// # Errors
/// When a tool is missing or refuses the sources.
pub fn build(
    design: &Design,
    layout: &Layout,
    sources: Sources,
    dir: &Path,
    tracing: Tracing,
) -> Result<PathBuf, CosimError> {
    build_with(design, layout, sources, dir, tracing, Effort::Speed)
}

/// The same, with a choice of what the C++ compiler works for.
///
/// # Errors
/// When a tool is missing or refuses the sources.
pub fn build_with(
    design: &Design,
    layout: &Layout,
    mut sources: Sources,
    dir: &Path,
    tracing: Tracing,
    effort: Effort,
) -> Result<PathBuf, CosimError> {
    testbench::add_to(&mut sources, design, layout);
    if tracing == Tracing::Everything
        && let Some(top) = sources.files.get_mut("sim_top.v")
    {
        *top = top.replace("/* verilator tracing_off */", "");
    }
    sources.write(dir).map_err(|e| CosimError::io("write the hardware to", dir, e))?;
    let program = dir.join("obj").join("Vsim_top");
    let stamp_file = dir.join("built");
    let mut arguments = verilator_arguments(design, layout, tracing);
    if effort == Effort::Compile {
        // Many small functions: what an optimiser does to long ones takes minutes.
        arguments.extend(["--output-split", "20000", "--output-split-cfuncs", "2000"].map(String::from));
    }
    let stamp = stamp(&sources, &arguments);
    if program.exists() && std::fs::read_to_string(&stamp_file).is_ok_and(|s| s == stamp) {
        return Ok(program);
    }
    let _ = std::fs::remove_dir_all(dir.join("obj"));
    run(dir, "verilator", &arguments)?;
    let clang = which("clang++");
    // Verilator's makefile refuses a CURDIR with blanks, though it names all files from there.
    let mut make: Vec<String> =
        ["-C", "obj", "-f", "Vsim_top.mk", "-s", "CURDIR=."].map(String::from).to_vec();
    make.extend(match effort {
        Effort::Speed => ["OPT_FAST=-O3", "OPT_SLOW=-O1", "OPT_GLOBAL=-O2"].map(String::from),
        Effort::Compile => ["OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1"].map(String::from),
    });
    make.push(format!("-j{}", std::thread::available_parallelism().map_or(1, |n| n.get())));
    if clang {
        make.extend(["CXX=clang++".to_owned(), "LINK=clang++".to_owned()]);
    }
    if which("ccache") {
        make.push("OBJCACHE=ccache".to_owned());
    }
    run(dir, "make", &make)?;
    std::fs::write(&stamp_file, &stamp).map_err(|e| CosimError::io("write", &stamp_file, e))?;
    Ok(program)
}

fn verilator_arguments(design: &Design, layout: &Layout, tracing: Tracing) -> Vec<String> {
    // Loops over lanes (and over groups of eight) stay loops, which the C++ compiler vectorises. Verilator
    // unrolls generate loops up to 16 times this count.
    let unroll = (layout.lanes / 16 + 1).max(4).min(layout.lanes.saturating_sub(1).max(1));
    let mut cflags = format!(
        "-O3 -march=native -DEQHDL_INPUTS={} -DEQHDL_LANES={} -DEQHDL_WORDS={} -DEQHDL_STORED_WIDTH={}",
        design.sizes[0],
        layout.lanes,
        layout.memory_words(),
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
        "--top-module",
        "sim_top",
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
    a.extend([
        "-CFLAGS".to_owned(),
        cflags,
        "-f".to_owned(),
        "files.f".to_owned(),
        "commit_probe.v".to_owned(),
        "sim_top.v".to_owned(),
        "main.cpp".to_owned(),
    ]);
    a
}

fn stamp(sources: &Sources, arguments: &[String]) -> String {
    let mut hash = Sha256::new();
    for (name, text) in &sources.files {
        hash.update(name);
        hash.update(text);
    }
    for a in arguments {
        hash.update(a);
    }
    crate::data::hex(&hash.finalize())
}

/// True when a program is on the path.
pub fn which(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|p| p.join(program).is_file())
}

fn run(dir: &Path, tool: &'static str, arguments: &[String]) -> Result<(), CosimError> {
    let output = crate::process::output(Command::new(tool).args(arguments).current_dir(dir));
    let output = output.map_err(|e| {
        if e.kind() == std::io::ErrorKind::NotFound {
            CosimError::MissingTool { tool }
        } else {
            CosimError::io("run", Path::new(tool), e)
        }
    })?;
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
