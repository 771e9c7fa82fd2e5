//! Mutants of small cores: is every defect that Yosys can think of noticed by the cross-check?
//!
//!   cargo test --test mutate                 nothing: it takes minutes
//!   cargo test --test mutate -- --all        all of them (`make mutate`)
//!   ... --core NAME --count N                 of one core, so many
//!   ... --report FILE                        a table of those that are undecided, with their places
//!
//! The core and its leaves are elaborated, trimmed and flattened; `mutate` of Yosys picks places in it (inverted and
//! stuck bits, exchanged and disconnected signals) and builds all mutants into one netlist, chosen by a number that
//! the simulation reads from a file. Mutant 0 has no defect: it must equal the reference in every event. Each other
//! one runs the same samples, and is caught where the comparator names a difference (or the core hangs). What the
//! first samples do not catch sees more of them, with extreme weights and inputs and other numbers of steps. What that
//! does not catch either is compared with the core by a model checker, as a host uses it and memories cut out on both
//! sides alike: where it proves that no input tells the two apart, the mutant is equivalent. Where it has no answer,
//! many more samples are run; a mutant that survives them is undecided, and listed with its place.
//!
//! The run fails where more mutants are undecided than one in ten: then the samples have become too weak.

#[path = "../common/designs.rs"]
mod designs;
mod equivalence;
mod host;
mod netlist;
#[path = "../common/samples.rs"]
mod samples;
#[path = "../common/tools.rs"]
mod tools;

use designs::Case;
use eqhdl::cosim::{
    Builds, Built, CosimError, Effort, Level, Purpose, Request, Through, Tracing, cross_check,
};
use eqhdl::coverage::Looking;
use eqhdl::design::Design;
use eqhdl::reference::Weights;
use eqhdl::reference::train::{PlannedSample, TrainingData};
use eqhdl::schedule::Layout;
use eqhdl::verilog::Sources;
use equivalence::Equivalence;
use netlist::{Mutant, Mutants};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Small cores that between them use every leaf but the table of energy-based states.
const CASES: [Case; 2] = [
    Case {
        name: "mutants_leaky",
        layers: "[64, 6, 10]",
        lanes: 4,
        dynamics: "leaky",
        activation: "hard_sigmoid",
        nudge: "outside",
        rule: "symmetric_ep",
        rounding: ["RND", "RND_CONV", "STOCHASTIC"],
        overflow: ["SAT", "SAT_SYM", "SAT"],
        formats: "weight = \"s10.8\"",
        more: "feedback = \"kolen_pollack\"\nangle = 60\nweight_decay = 0.01\n",
    },
    Case {
        name: "mutants_softmax",
        layers: "[64, 7, 5, 10]",
        lanes: 4,
        dynamics: "prototypical",
        activation: "logistic",
        nudge: "softmax",
        rule: "cep random",
        rounding: ["STOCHASTIC", "RND", "RND"],
        overflow: ["SAT", "WRAP", "SAT_SYM"],
        formats: "weight = \"s12.10\"",
        more: "",
    },
];

/// How many extreme samples are drawn at a time: all of both epochs.
const EXTREME: usize = 40;
/// Steps of the free and of a nudged phase that the cores run with besides their designs' own (a host may choose), and how
/// many extreme samples then.
const STEPS: [(u32, u32, usize); 3] = [(6, 2, EXTREME), (1, 1, EXTREME), (3000, 2100, 4)];
/// How often the extreme samples and weights are drawn.
const ROUNDS: u32 = 4;
/// Seconds of processor time that the model checker has for a mutant.
const PATIENCE: u32 = 240;
/// One in so many mutants that are caught is put to it, too, for so many seconds: an answer would be wrong.
const CONTROL: (usize, u32) = (16, 40);
/// How often more for those mutants that no proof decides.
const LAST_ROUNDS: u32 = 60;

/// Samples and the weights that they meet.
struct Stimuli {
    data: TrainingData,
    samples: Vec<PlannedSample>,
    start: Weights,
}

impl Stimuli {
    /// Training samples as the design has them, a test sample, and a training sample after that.
    fn plain(design: &Design) -> Result<Self, String> {
        let (data, samples) = samples::samples(design)?;
        let start = Weights::initial(design);
        Ok(Stimuli { data, samples: samples[10..18].to_vec(), start })
    }

    /// All samples of both epochs, numbered from anywhere. Half of the inputs are the largest or zero, some samples
    /// have very few that are not zero, some have no other; weights and biases are the largest, the smallest, or
    /// anything. `round` says which.
    fn extreme(design: &Design, round: u32) -> Result<Self, String> {
        let (mut data, mut samples) = samples::samples(design)?;
        let mut state = 0x2545_F491_4F6C_DD1D_u64.wrapping_mul(2 * u64::from(round) + 1);
        let mut draw = |min: i64, max: i64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let any = min + (state >> 8) as i64 % (max - min + 1);
            [max, min, any, any][(state >> 60) as usize % 4] as i32
        };
        let first = draw(0, i64::from(i32::MAX) - 1000) as u32;
        samples.iter_mut().for_each(|s| s.number += first);
        for part in [&mut data.train, &mut data.test] {
            for (n, sample) in part.raw.chunks_mut(part.inputs).enumerate() {
                for (k, raw) in sample.iter_mut().enumerate() {
                    *raw = match n % 4 {
                        0 if k >= n / 4 % 6 => 0,
                        1 => draw(1, design.input.max_raw()),
                        _ => draw(0, design.input.max_raw()),
                    };
                }
            }
        }
        let mut start = Weights::initial(design);
        let forward = design.synapses.len();
        for (k, layer) in start.layers.iter_mut().enumerate() {
            let back = k >= forward;
            let synapses = &design.synapses[if back { k - forward + 1 } else { k }];
            for column in 0..layer.columns {
                let bias = column + 1 == layer.columns;
                if back && bias {
                    continue;
                }
                let format = if bias { synapses.bias } else { synapses.weight };
                for row in 0..layer.rows {
                    let at = layer.at(row, column);
                    layer.raw[at] = draw(format.min_raw(), format.max_raw());
                }
            }
        }
        Ok(Stimuli { data, samples, start })
    }
}

/// Runs one mutant beside the reference: what was compared, if all of it was equal; `None` if a difference was found.
fn survives(core: &Core, stimuli: &Stimuli, mutant: usize) -> Result<Option<u64>, String> {
    let program = core.folder(mutant)?;
    let steps = u64::from(core.design.free_steps + core.design.nudged_steps);
    let request = Request {
        design: &core.design,
        data: &stimuli.data,
        samples: &stimuli.samples,
        per_epoch: stimuli.samples.len() as u64,
        start: &stimuli.start,
        level: Level::All,
        program: &program,
        work: &program.with_file_name("work"),
        waves: None,
        survey: false,
        looking: Looking::Nowhere,
        patience: Some(2_500 * steps.max(8)),
    };
    let outcome = match cross_check(&request, &core.layout, &mut |_, _| {}) {
        Ok(outcome) if outcome.equal() && outcome.compared > 1000 => Ok(Some(outcome.compared)),
        Ok(outcome) if outcome.equal() => Err("nothing was compared".to_owned()),
        Ok(_) => Ok(None),
        // It hangs, or says what a core cannot say.
        Err(CosimError::Simulation(_) | CosimError::Waveform(_)) => Ok(None),
        Err(other) => Err(other.to_string()),
    };
    let _ = std::fs::remove_dir_all(program.parent().and_then(Path::parent).unwrap_or(&program));
    outcome
}

/// A core with all its mutants, built.
struct Core {
    design: Design,
    layout: Layout,
    /// So many extreme samples at a time.
    samples: usize,
    dir: PathBuf,
    built: Built,
}

impl Core {
    /// Built in a folder.
    fn built(design: Design, mutants: &Sources, samples: usize, dir: PathBuf) -> Result<Self, String> {
        std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let layout = Layout::of(&design);
        let purpose = Purpose { tracing: Tracing::Commits, effort: Effort::Compile, through: Through::Core };
        let builds = Builds::open(&dir).map_err(|e| e.to_string())?;
        let built = builds.simulator(&design, &layout, mutants, purpose).map_err(|e| e.to_string())?;
        Ok(Core { design, layout, samples, dir, built })
    }

    /// Extreme samples for it.
    fn extreme(&self, round: u32) -> Result<Stimuli, String> {
        let mut stimuli = Stimuli::extreme(&self.design, round)?;
        stimuli.samples.truncate(self.samples);
        Ok(stimuli)
    }

    /// A folder in which the simulator is mutant number `mutant`; the program in it.
    fn folder(&self, mutant: usize) -> Result<PathBuf, String> {
        let main = &self.dir;
        let own = main.join(format!("mutant{mutant}"));
        let say = |e: std::io::Error| format!("{}: {e}", own.display());
        std::fs::create_dir_all(own.join("bin")).map_err(say)?;
        std::fs::write(own.join("mutant.hex"), format!("{mutant:x}\n")).map_err(say)?;
        std::os::unix::fs::symlink(&self.built.program, own.join("bin/Vsim_top")).map_err(say)?;
        Ok(own.join("bin/Vsim_top"))
    }
}

/// Does something with each of many, two at a time or more; the answers in order, or the first problem.
fn each<T: Sync, A: Send>(
    many: &[T],
    ask: impl Fn(&T) -> Result<A, String> + Sync,
) -> Result<Vec<A>, String> {
    let next = AtomicUsize::new(0);
    let answers = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |n| n.get()) {
            scope.spawn(|| {
                loop {
                    let k = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = many.get(k) else { break };
                    let answer = ask(one);
                    if let Ok(mut all) = answers.lock() {
                        all.push((k, answer));
                    }
                }
            });
        }
    });
    let mut answers = answers.into_inner().map_err(|_| "a thread panicked")?;
    if answers.len() != many.len() {
        return Err("one was left out".to_owned());
    }
    answers.sort_by_key(|(k, _)| *k);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn examine(case: &Case, count: usize, report: &mut String) -> Result<[usize; 3], String> {
    let begin = Instant::now();
    let design = case.design()?;
    // Kept between runs: nothing is made twice from the same text.
    let dir = tools::repository("target/mutate").join(case.name);
    std::fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
    let Mutants { mutants, sources } = netlist::mutants(&design, &Layout::of(&design), &dir, count)?;
    let own = (design.free_steps, design.nudged_steps, EXTREME);
    let build = |(free, nudged, samples)| {
        let design = Design { free_steps: free, nudged_steps: nudged, ..design.clone() };
        Core::built(design, &sources, samples, dir.join(format!("steps-{free}-{nudged}")))
    };
    let cores: Vec<Core> = std::iter::once(own).chain(STEPS).map(build).collect::<Result<_, _>>()?;
    let mut survivors: Vec<&Mutant> = mutants.iter().collect();
    let mut all = vec![("plain", &cores[0], Stimuli::plain(&design)?)];
    for round in 0..ROUNDS {
        all.push(("extreme", &cores[0], cores[0].extreme(round)?));
    }
    for other in &cores[1..] {
        all.push(("extreme", other, other.extreme(0)?));
    }
    for (name, core, stimuli) in all {
        let compared =
            survives(core, &stimuli, 0)?.ok_or("the netlist without a mutant differs from the reference")?;
        let alive = each(&survivors, |mutant| survives(core, &stimuli, mutant.number).map(|s| s.is_some()))?;
        let before = survivors.len();
        survivors = survivors.into_iter().zip(alive).filter_map(|(m, alive)| alive.then_some(m)).collect();
        println!(
            "{}: {} {name} samples, {} and {} steps: without a mutant {compared} states and weights equal the reference; \
             of {before} mutants {} survive ({:.0} s)",
            case.name,
            stimuli.samples.len(),
            core.design.free_steps,
            core.design.nudged_steps,
            survivors.len(),
            begin.elapsed().as_secs_f64()
        );
    }
    // What the samples have told from the core must not be proven equal to it.
    let caught: Vec<&Mutant> = mutants
        .iter()
        .filter(|m| survivors.iter().all(|s| s.number != m.number))
        .step_by(CONTROL.0)
        .collect();
    let asked: Vec<&Mutant> = survivors.iter().chain(&caught).copied().collect();
    let equivalence = Equivalence::new(&dir, &design, &asked)?;
    for (mutant, answer) in caught.iter().zip(each(&caught, |mutant| equivalence.proven(mutant, CONTROL.1))?)
    {
        if answer.is_ok() {
            return Err(format!("{} is caught, and proven equivalent", mutant.place()));
        }
    }
    let answers = each(&survivors, |mutant| equivalence.proven(mutant, PATIENCE))?;
    let open: Vec<_> = survivors.iter().zip(answers).filter_map(|(m, a)| Some((m, a.err()?))).collect();
    let last: Vec<(&Core, Stimuli)> = (ROUNDS..ROUNDS + LAST_ROUNDS)
        .zip(cores.iter().cycle())
        .map(|(round, core)| Ok((core, core.extreme(round)?)))
        .collect::<Result<_, String>>()?;
    for (core, stimuli) in &last {
        survives(core, stimuli, 0)?.ok_or("the netlist without a mutant differs from the reference")?;
    }
    let survives_all = |mutant: &Mutant| {
        let mut rounds = last.iter();
        rounds.try_fold(true, |alive, (core, s)| Ok(alive && survives(core, s, mutant.number)?.is_some()))
    };
    let alive = each(&open, |(mutant, _)| survives_all(mutant))?;
    let mut counts = [mutants.len() - survivors.len(), survivors.len() - open.len(), 0];
    for ((mutant, why), alive) in open.into_iter().zip(alive) {
        match alive {
            false => counts[0] += 1,
            true => {
                counts[2] += 1;
                println!("OPEN    {}: {} ({why})", case.name, mutant.place());
                let _ = writeln!(report, "| {} | {} | {why} |", case.name, mutant.place());
            }
        }
    }
    println!(
        "{}: {} caught, {} equivalent, {} undecided ({:.0} s)",
        case.name,
        counts[0],
        counts[1],
        counts[2],
        begin.elapsed().as_secs_f64()
    );
    Ok(counts)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|a| a == "--list") || arguments.first().is_some_and(|a| !a.starts_with("--")) {
        return ExitCode::SUCCESS; // a look for other tests
    }
    let all = arguments.iter().any(|a| a == "--all");
    let after = |key: &str| arguments.iter().position(|a| a == key).and_then(|at| arguments.get(at + 1));
    let (file, core) = (after("--report"), after("--core"));
    let count = match after("--count").map(|n| n.parse()) {
        None if !all => {
            println!("mutants: see `make mutate`");
            return ExitCode::SUCCESS;
        }
        None => 160,
        Some(Ok(n)) => n,
        Some(Err(_)) => {
            println!("--count takes a number");
            return ExitCode::from(2);
        }
    };
    let mut report = String::from("| core | place | why not equivalent |\n|---|---|---|\n");
    let mut sum = [0; 3];
    for case in CASES.iter().filter(|c| core.is_none_or(|name| name == c.name)) {
        match examine(case, count, &mut report) {
            Ok(counts) => sum = [0, 1, 2].map(|k| sum[k] + counts[k]),
            Err(problem) => {
                println!("{}: {problem}", case.name);
                return ExitCode::from(3);
            }
        }
    }
    println!("in all: {} caught, {} equivalent, {} undecided", sum[0], sum[1], sum[2]);
    if let Some(Err(problem)) = file.map(|f| std::fs::write(f, &report)) {
        println!("{}: {problem}", file.map_or("", String::as_str));
        return ExitCode::from(3);
    }
    if 10 * sum[2] <= sum.iter().sum::<usize>() && sum[0] > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A mutant's place in words.
impl Mutant {
    fn place(&self) -> String {
        format!("{} of {} port {} ({})", self.mode, self.cell, self.port, self.source)
    }
}
