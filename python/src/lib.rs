//! The Python package's native module, `eqhdl._eqhdl`: the library's types as Python sees them. No arithmetic and no
//! defaults of its own; what people use is written in Python beside it (`python/eqhdl`).

mod cosim;
mod data;
mod design;
mod errors;
mod float;
mod model;
mod signals;
mod toml_text;
mod trace;

use pyo3::prelude::*;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs a command line, the program's name first, and returns its exit code. Takes the process's signal handlers: for the
/// command `eqhdl`, not for libraries.
#[pyfunction]
fn run_command_line(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    let code = py.detach(|| eqhdl::cli::main(arguments));
    (0..=u8::MAX).find(|&number| ExitCode::from(number) == code).unwrap_or(1)
}

#[pymodule]
mod _eqhdl {
    #[pymodule_export]
    use super::data::Data;
    #[pymodule_export]
    use super::design::Design;
    #[pymodule_export]
    use super::float::FloatModel;
    #[pymodule_export]
    use super::model::Model;
    #[pymodule_export]
    use super::run_command_line;
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
