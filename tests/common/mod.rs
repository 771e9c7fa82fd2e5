//! What the hardware tests share: from Verilog and a C++ main to a program.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "tools.rs"]
mod tools;

pub use tools::{repository, run};

/// Words without a pattern: the stimuli are the same in every run.
pub fn scramble(word: u64) -> u64 {
    let z = (word ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn installed(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Translates the Verilog `sources` with the top module `top`, compiles them with the C++ file `main`, and gives the
/// program's path. Files included by either are looked for in `hdl/` and in `dir`, where everything is built.
///
/// Every Verilator warning is an error. Without ccache and clang it works too, but slower.
pub fn verilate(dir: &Path, sources: &[PathBuf], top: &str, main: &Path) -> Result<PathBuf, String> {
    let absolute =
        |path: &Path| std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()));
    let dir = absolute(dir)?;
    let mut include = OsString::from("-I");
    include.push(repository("hdl"));
    let mut own = OsString::from("-I");
    own.push(&dir);
    run(Command::new("verilator")
        .args(["--cc", "--exe", "-Wall", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert"])
        .args(["--unroll-count", "1024", "--unroll-stmts", "200000", "--output-split", "60000"])
        .args(["--top-module", top, "--prefix", "Vtop", "-Mdir"])
        .arg(&dir)
        .args([include, own])
        .args(["-CFLAGS", "-std=c++17"])
        .args(sources)
        .arg(absolute(main)?))?;
    let mut make = Command::new("make");
    make.arg("-C").arg(&dir).args(["-s", "-j2", "-f", "Vtop.mk"]);
    make.args(["OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1"]);
    if installed("clang++") {
        make.args(["CXX=clang++", "LINK=clang++"]);
    }
    if installed("ccache") {
        make.arg("OBJCACHE=ccache");
    }
    run(&mut make)?;
    Ok(dir.join("Vtop"))
}
