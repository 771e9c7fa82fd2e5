//! The command line of eqhdl; see [`eqhdl::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    eqhdl::cli::main(std::env::args_os())
}
