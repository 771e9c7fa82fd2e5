//! Ctrl-C, for what runs without Python's lock.

use pyo3::prelude::*;
use std::time::{Duration, Instant};

/// How often Python is asked whether it wants to stop.
const EVERY: Duration = Duration::from_millis(50);

/// Knows when Python is to be asked.
pub struct Listener {
    heard: Instant,
}

impl Listener {
    /// The first question comes a while from now.
    pub fn new() -> Listener {
        Listener { heard: Instant::now() }
    }

    /// True where it is time to ask.
    pub fn is_due(&mut self) -> bool {
        let due = self.heard.elapsed() >= EVERY;
        if due {
            self.heard = Instant::now();
        }
        due
    }

    /// What a handler of a signal has raised, where it is time to ask.
    pub fn hear(&mut self) -> Option<PyErr> {
        if self.is_due() { Python::attach(|py| py.check_signals()).err() } else { None }
    }
}
