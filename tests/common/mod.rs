//! What the hardware tests share: from Verilog and a C++ main to a program.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A path inside the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a tool to its end; its standard output, or what it was, how it ended and what it said.
pub fn run(command: &mut Command) -> Result<String, String> {
    let tool = command.get_program().to_string_lossy().into_owned();
    let Output { status, stdout, stderr } = command.output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("`{tool}` is not installed: run `make setup`"),
        _ => format!("`{tool}` did not start: {error}"),
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match status.success() {
        true => Ok(text(&stdout)),
        false => Err(format!("`{command:?}`: {status}\n{}{}", text(&stdout), text(&stderr))),
    }
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
