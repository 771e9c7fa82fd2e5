//! Points as independent commands, for machines other than this one.

use crate::{process, whole};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A word as a POSIX shell reads it back.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The command of one point.
pub fn command(program: &Path, study: &Path, out: &Path, point: &str) -> String {
    let words = [
        program.display().to_string(),
        "study".to_owned(),
        study.display().to_string(),
        "--out".to_owned(),
        out.display().to_string(),
        "--point".to_owned(),
        point.to_owned(),
    ];
    words.map(|w| quoted(&w)).join(" ")
}

/// Why an engine did not do its work.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum EngineError {
    /// A program is not installed.
    #[error("`sbatch` is not installed or not on the path")]
    #[diagnostic(help(
        "run this where Slurm's commands are, or use `--engine list` with GNU parallel or HyperQueue"
    ))]
    NoSlurm,
    /// Slurm refused, or some of its tasks failed.
    #[error("`sbatch` ended with {status}; it said:\n{said}")]
    #[diagnostic(help(
        "the logs of the tasks are in {folder}; finished points are kept, the same command submits only the others"
    ))]
    Failed {
        /// Its exit status.
        status: String,
        /// Its last lines.
        said: String,
        /// Where the tasks' logs are.
        folder: String,
    },
    /// The machine failed.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// The job script of an array: task N runs line N + 1 of the file of commands.
pub fn slurm_script(folder: &Path, commands: usize) -> String {
    format!(
        "#!/bin/sh\n#SBATCH --array=0-{}\n#SBATCH --ntasks=1\n#SBATCH --cpus-per-task=1\nset -eu\n\
         line=$((SLURM_ARRAY_TASK_ID + 1))\nexec sh -c \"$(sed -n \"${{line}}p\" {})\"\n",
        commands.saturating_sub(1),
        quoted(&folder.join("commands.txt").display().to_string()),
    )
}

/// Writes commands and job script, submits them as one array, and waits until all tasks have ended.
///
/// # Errors
/// Slurm is missing or refused, a task failed, or a file cannot be written.
pub fn slurm(folder: &Path, name: &str, commands: &[String], options: &[String]) -> Result<(), EngineError> {
    if commands.is_empty() {
        return Ok(());
    }
    let write = |file: &str, text: &str| {
        let path = folder.join(file);
        whole::write(&path, text.as_bytes()).map_err(|source| EngineError::Io { path, source })
    };
    write("commands.txt", &(commands.join("\n") + "\n"))?;
    write("job.sh", &slurm_script(folder, commands.len()))?;
    let log = format!("--output={}", folder.join("task-%a.log").display());
    let mut command = Command::new("sbatch");
    command.args(["--wait", &format!("--job-name={name}"), &log]).args(options).arg(folder.join("job.sh"));
    let run = process::output(&mut command);
    let output = run.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => EngineError::NoSlurm,
        _ => EngineError::Io { path: PathBuf::from("sbatch"), source: e },
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = said.lines().collect();
    Err(EngineError::Failed {
        status: output.status.to_string(),
        said: lines[lines.len().saturating_sub(15)..].join("\n"),
        folder: folder.display().to_string(),
    })
}
