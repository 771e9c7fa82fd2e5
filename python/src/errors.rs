//! What the library refuses, as exceptions with the command line's words.

use eqhdl::cli::CliError;
use eqhdl::cosim::CosimError;
use eqhdl::data;
use eqhdl::design;
use eqhdl::lock::LockError;
use eqhdl::reference::checkpoint::CheckpointError;
use pyo3::PyErr;
use std::path::PathBuf;

pyo3::import_exception!(eqhdl.errors, DesignError);
pyo3::import_exception!(eqhdl.errors, DataError);
pyo3::import_exception!(eqhdl.errors, ToolError);

/// A design that cannot be used.
pub fn of_design(e: design::DesignError) -> PyErr {
    let place: (PathBuf, Option<usize>) = (e.path().to_owned(), e.line());
    let words = (e.name().to_owned(), e.message().to_owned(), e.remedy().to_owned());
    let text = CliError::input(e).plain();
    DesignError::new_err((text, place.0, place.1, words.0, words.1, words.2))
}

/// A design that is sound by itself, and not for this.
pub fn design_message(message: String) -> PyErr {
    DesignError::new_err(CliError::input_message(message).plain())
}

/// Samples or weights that cannot be used.
pub fn of_data(e: data::DataError) -> PyErr {
    data_message(e.to_string())
}

/// As [`of_data`], told by a sentence.
pub fn data_message(message: String) -> PyErr {
    DataError::new_err(CliError::input_message(message).plain())
}

/// A checkpoint that cannot be used, or not be written.
pub fn of_checkpoint(e: CheckpointError) -> PyErr {
    match e {
        CheckpointError::Io { action: "written", .. } => ToolError::new_err(CliError::Tool(e.into()).plain()),
        _ => DataError::new_err(CliError::Input(e.into()).plain()),
    }
}

/// A folder that another process has.
pub fn of_lock(e: LockError) -> PyErr {
    ToolError::new_err(CliError::Tool(e.into()).plain())
}

/// A tool that is missing or has failed.
pub fn of_cosim(e: CosimError) -> PyErr {
    ToolError::new_err(CliError::from(e).plain())
}

/// As [`of_cosim`], told by a sentence.
pub fn tool_message(message: String) -> PyErr {
    ToolError::new_err(CliError::tool_message(message).plain())
}
