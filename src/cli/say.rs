//! The only place that writes to standard output and standard error.
//!
//! Results go to standard output, and a command whose result is lost has failed. Progress and prose go to standard
//! error; where they cannot be written (a full disk under a log, a reader that has gone), the work goes on.

use super::CliError;
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};

/// A line of prose.
macro_rules! note {
    ($($text:tt)*) => { $crate::cli::say::note_line(format_args!($($text)*)) };
}
/// A line of a result; an error where it cannot be written.
macro_rules! tell {
    ($($text:tt)*) => { $crate::cli::say::tell_text(&format!("{}\n", format_args!($($text)*))) };
}
pub(super) use {note, tell};

/// Writes a line of prose, if that can be done.
pub(super) fn note_line(line: Arguments<'_>) {
    // At once, so that lines of several threads stay whole.
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Writes (a part of) a result as it is.
///
/// # Errors
/// It cannot be written, or its reader has gone.
pub(super) fn tell_text(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| lost(&e))
}

/// What is to be said of a result that could not be written.
pub(super) fn lost(e: &io::Error) -> CliError {
    match e.kind() {
        ErrorKind::BrokenPipe => CliError::Unread,
        _ => CliError::tool_message(format!("cannot write the result to standard output: {e}")),
    }
}
