//! Programs that end when this one does, and all they have started with them.
//!
//! They share a process group, led by a shell that waits for the end of its input, which this process holds open: when
//! this process ends, in whatever way (SIGKILL too), the shell ends its whole group, compilers of a `make` of Verilator
//! included.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

/// The leader of the group that runs now.
static GUARD: Mutex<Option<Child>> = Mutex::new(None);

/// Starts a program; use this where [`Command::spawn`] would do.
///
/// # Errors
/// It, or the shell that guards it, cannot be started.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    let alive = match guard.as_mut() {
        Some(shell) => shell.try_wait()?.is_none(),
        None => false,
    };
    if !alive {
        *guard = Some(start_guard()?);
    }
    if let Some(shell) = guard.as_ref() {
        command.process_group(shell.id().cast_signed());
    }
    command.spawn()
}

/// Runs a program to its end and gives what it said; use this where [`Command::output`] would do. It reads nothing.
///
/// # Errors
/// As [`spawn`].
pub fn output(command: &mut Command) -> io::Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    spawn(command)?.wait_with_output()
}

/// Ends every program that [`spawn`] has started, and what they have started.
pub fn end_all() {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(mut shell) = guard.take() {
        drop(shell.stdin.take());
        let _ = shell.wait();
    }
}

fn start_guard() -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", "trap '' HUP INT TERM; read -r _; kill -KILL 0"])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grandchildren_end_too_and_programs_can_be_started_again() {
        // The grandchild holds the pipe open for as long as it lives.
        let mut nested = Command::new("sh");
        let mut child =
            spawn(nested.args(["-c", "sleep 1000 & sleep 1000"]).stdout(Stdio::piped())).expect("sh");
        let mut pipe = child.stdout.take().expect("a pipe");
        end_all();
        assert!(!child.wait().expect("ended").success());
        assert_eq!(io::copy(&mut pipe, &mut io::sink()).expect("the end"), 0);
        assert_eq!(output(Command::new("echo").arg("again")).expect("echo").stdout, b"again\n");
    }
}
