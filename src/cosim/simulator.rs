//! The verilated core as a process: what it reads, what it leaves, how it ends.

use super::ports::Shown;
use super::{CosimError, Request};
use crate::coverage::PortsExercised;
use crate::reference::Weights;
use crate::rules::{Program, header_marks};
use crate::schedule::Layout;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The contents of the weight memory, then of that of the way back: word after word, lane 0 first.
pub fn memory_image(layout: &Layout, weights: &Weights) -> Vec<i32> {
    let mut image = Vec::with_capacity(layout.weights.words() * layout.lanes);
    for (at, word) in layout.weights.all() {
        let rows = layout.weights.rows(word.layer, word.chunk);
        let padding = layout.lanes - rows.len();
        image.extend(rows.map(|row| weights.layers[at].get(row, word.tap)));
        image.extend(std::iter::repeat_n(0, padding));
    }
    image
}

/// What the bus has answered, where a run goes through it.
pub(super) const BUS_ANSWERS: &str = "bus.bin";

pub(super) struct Files {
    pub samples: PathBuf,
    pub plan: PathBuf,
    pub weights_in: PathBuf,
    pub weights_out: PathBuf,
    pub results: PathBuf,
    pub bus: PathBuf,
}

fn write_words(path: &Path, words: impl Iterator<Item = i32>) -> Result<(), CosimError> {
    let write = || -> io::Result<()> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        for w in words {
            file.write_all(&w.to_le_bytes())?;
        }
        file.flush()
    };
    write().map_err(|e| CosimError::io("write", path, e))
}

/// Words that the harness keeps of a result.
pub(super) const RESULT_WORDS: usize = 11;

/// What the core's ports have shown of each sample, whose results lie in a file.
pub(super) fn read_shown(path: &Path) -> Result<Vec<Shown>, CosimError> {
    let words = read_words(path)?;
    Ok(words.as_chunks::<RESULT_WORDS>().0.iter().map(|w| Shown::of(w.map(|word| word as u32))).collect())
}

pub(super) fn read_words(path: &Path) -> Result<Vec<i32>, CosimError> {
    let bytes = std::fs::read(path).map_err(|e| CosimError::io("read", path, e))?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|c| i32::from_le_bytes(*c)).collect())
}

/// Writes what the harness reads. Samples that the plan never shows are left out; those that it shows more than once are
/// written once, unless they are shown otherwise each time.
pub(super) fn write_inputs(request: &Request<'_>, layout: &Layout) -> Result<Files, CosimError> {
    let dir = request.work;
    std::fs::create_dir_all(dir).map_err(|e| CosimError::io("create", dir, e))?;
    let file = |name: &str| dir.join(name);
    let files = Files {
        samples: file("samples.bin"),
        plan: file("plan.bin"),
        weights_in: file("weights_in.bin"),
        weights_out: file("weights_out.bin"),
        results: file("results.bin"),
        bus: file(BUS_ANSWERS),
    };
    // Nothing of an earlier run may be taken for an answer of this one.
    for path in [&files.weights_out, &files.results, &files.bus] {
        match std::fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(CosimError::io("remove", path, e)),
            _ => {}
        }
    }
    let program = Program::of(request.design);
    let train_samples = request.data.train.len();
    let mut used = vec![u32::MAX; train_samples + request.data.test.len()];
    let mut order = Vec::new();
    let mut plan = Vec::new();
    for &s in request.samples {
        let at = s.index as usize + if s.train { 0 } else { train_samples };
        let moved = s.train && request.data.augment.is_some();
        if moved || used[at] == u32::MAX {
            used[at] = order.len() as u32;
            order.push(s);
        }
        let cycles = request.most_cycles(layout, &program, s).all;
        let entry = used[at] | header_marks(s.train, s.ends_batch, s.rates);
        plan.extend([entry as i32, cycles as i32, (cycles >> 32) as i32]);
    }
    let words = order.iter().flat_map(|&s| {
        let (input, label) = request.data.sample(s);
        std::iter::once(i32::from(label)).chain(input.into_owned())
    });
    write_words(&files.samples, words)?;
    write_words(&files.plan, plan.into_iter())?;
    write_words(&files.weights_in, memory_image(layout, request.start).into_iter())?;
    Ok(files)
}

/// A running simulator; killed when dropped.
pub(super) struct Simulator {
    pub child: Child,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Simulator {
    pub fn start(
        request: &Request<'_>,
        files: &Files,
        first_sample: u32,
        extra: &[String],
    ) -> Result<Self, CosimError> {
        let path = |p: &Path| std::path::absolute(p).unwrap_or_else(|_| p.to_owned());
        let program = path(request.program);
        let mut command = Command::new(&program);
        // Tables are read from the folder of the sources.
        command.current_dir(program.parent().and_then(Path::parent).unwrap_or(Path::new("/")));
        command.arg("--samples").arg(path(&files.samples)).arg("--plan").arg(path(&files.plan));
        command
            .arg("--weights-in")
            .arg(path(&files.weights_in))
            .arg("--weights-out")
            .arg(path(&files.weights_out));
        command.arg("--bus").arg(path(&files.bus));
        command.arg("--results").arg(path(&files.results)).arg("--seed").arg(request.design.seed.to_string());
        command
            .arg("--first-sample")
            .arg(first_sample.to_string())
            .arg("--level")
            .arg(request.level.word())
            .args(extra);
        command.arg("--patience").arg(request.patience().to_string());
        command.arg("--free-steps").arg(request.design.free_steps.to_string());
        command.arg("--nudged-steps").arg(request.design.nudged_steps.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            crate::process::spawn(&mut command).map_err(|e| CosimError::io("start", &program, e))?;
        // Read in a thread of its own, so that a talkative simulator never blocks.
        let log = child.stderr.take().map(|mut e| {
            std::thread::spawn(move || {
                let mut text = String::new();
                let _ = e.read_to_string(&mut text);
                text
            })
        });
        Ok(Simulator { child, log })
    }

    /// Waits for the end.
    pub fn finish(&mut self) -> Result<End, CosimError> {
        let status =
            self.child.wait().map_err(|e| CosimError::io("wait for", Path::new("the simulator"), e))?;
        let log = self.log.take().and_then(|l| l.join().ok()).unwrap_or_default();
        let hangs = status.code() == Some(HANGS);
        if !status.success() && !hangs {
            return Err(CosimError::Simulation(format!("{status}\n{log}")));
        }
        let numbers: Vec<f64> = log.split_whitespace().filter_map(|w| w.parse().ok()).collect();
        let ports = log.lines().find_map(|line| line.strip_prefix("harness: ports ")).and_then(|line| {
            let counts: Vec<u64> = line.split_whitespace().filter_map(|w| w.parse().ok()).collect();
            counts.try_into().ok()
        });
        match numbers[..] {
            [.., cycles, seconds] => Ok(End { hangs, cycles: cycles as u64, seconds, ports }),
            _ => Err(CosimError::Simulation(format!("the harness did not report its time\n{log}"))),
        }
    }
}

/// How a simulation ended.
pub(super) struct End {
    /// No result came in time.
    pub hangs: bool,
    /// Cycles simulated.
    pub cycles: u64,
    /// Time it took.
    pub seconds: f64,
    /// What the core's ports went through, where the harness drives them itself.
    pub ports: Option<PortsExercised>,
}

/// The harness's exit code where no result came in time.
const HANGS: i32 = 5;
/// Cycles beyond the predicted ones: between two samples, and for a result that is taken a cycle late.
pub(super) const PATIENCE: u64 = 64;
