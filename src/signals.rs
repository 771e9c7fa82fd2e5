//! INT, TERM and HUP: work is kept where there is any, programs that were started end too, and the exit code says which
//! signal it was, as shells count: 128 and its number.

use crate::process;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::process::exit;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Signals within this time are one.
const ONE_SIGNAL: Duration = Duration::from_secs(1);

static SIGNAL: AtomicI32 = AtomicI32::new(0);
static STOP: AtomicBool = AtomicBool::new(false);
static HOLDERS: AtomicUsize = AtomicUsize::new(0);

/// Handles the signals from now on. Without this (in a test) they end the process as the system does.
pub fn watch() {
    // What `nohup` has set stays: such a process outlives its terminal.
    let wanted: &[i32] = if is_ignored(SIGHUP) { &[SIGINT, SIGTERM] } else { &[SIGINT, SIGTERM, SIGHUP] };
    let Ok(mut signals) = Signals::new(wanted) else { return };
    std::thread::spawn(move || {
        let mut first: Option<Instant> = None;
        for signal in signals.forever() {
            // `timeout` and schedulers signal a process and then its group: the same signal twice at once is one.
            let again = first.is_some_and(|at| at.elapsed() > ONE_SIGNAL);
            first.get_or_insert_with(Instant::now);
            SIGNAL.store(signal, Ordering::Relaxed);
            STOP.store(true, Ordering::Relaxed);
            // Who holds has work to keep, and ends by itself; a second signal does not wait for that. Programs that were
            // started end with this process, and after it, so that their end is not taken for a failure.
            if again || HOLDERS.load(Ordering::SeqCst) == 0 {
                exit(128 + signal);
            }
            process::end_all();
        }
    });
}

/// True where this process was started with a signal ignored.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:")).map(str::trim);
    mask.and_then(|m| u64::from_str_radix(m, 16).ok()).is_some_and(|m| m >> (signal - 1) & 1 == 1)
}

/// While this lives, a first signal is only noted.
#[derive(Debug)]
pub struct Hold(());

impl Hold {
    /// From now on, whoever asks looks at [`stop`] and keeps its work before it ends.
    pub fn new() -> Hold {
        HOLDERS.fetch_add(1, Ordering::SeqCst);
        Hold(())
    }
}

impl Default for Hold {
    fn default() -> Self {
        Hold::new()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        HOLDERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Set when a signal has come.
pub fn stop() -> &'static AtomicBool {
    &STOP
}

/// The exit code of a process that a signal has stopped.
pub fn exit_code() -> u8 {
    match SIGNAL.load(Ordering::Relaxed) {
        SIGTERM => 143,
        SIGHUP => 129,
        _ => 130,
    }
}
