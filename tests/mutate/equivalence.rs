//! Can a mutant be told from the core at all?

use super::netlist::{Mutant, planted, yosys};
use super::tools::run;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Proves mutants equivalent.
pub struct Equivalence {
    dir: PathBuf,
    /// The netlist of gates with these mutants in it, and how many bits choose one.
    gates: String,
    bits: u32,
    /// The gates with none chosen.
    core: PathBuf,
}

/// Memories are cut out of core and mutant alike: what goes into them must be the same, what comes out of them is any
/// value, the same for both. So a proof holds for any contents. It is less than equivalence: a mutant that this cannot
/// prove may be equivalent all the same. Only the table of the phase program, which never changes, becomes logic.
const CUT: &str = "expose -evert t:$mem_v2\nmemory_map";

/// Seconds for one question.
const PATIENCE: u32 = 20;

impl Equivalence {
    /// For these mutants, in the folder of the netlist: all of them in one netlist of gates.
    pub fn new(dir: &Path, mutants: &[&Mutant]) -> Result<Self, String> {
        let last = mutants.iter().map(|m| m.number).max().unwrap_or(1);
        let bits = usize::BITS - last.leading_zeros();
        let script = format!(
            "{}{CUT}\nsetundef -undriven -zero\nsetundef -init -zero\ntechmap\nsimplemap\ndffunmap\nopt_clean\n\
             write_blif gates.blif\n",
            planted(bits, mutants)
        );
        yosys(dir, "gates", &script)?;
        let gates = std::fs::read_to_string(dir.join("gates.blif")).map_err(|e| e.to_string())?;
        let mut all = Equivalence { dir: dir.to_owned(), gates, bits, core: PathBuf::new() };
        // Once: questions are asked side by side.
        all.core = all.chosen(0)?;
        Ok(all)
    }

    /// The gates with one mutant chosen: its number's bits are constants instead of inputs.
    fn chosen(&self, number: usize) -> Result<PathBuf, String> {
        let mut text = String::new();
        let mut found = 0;
        for line in self.gates.lines() {
            if line.starts_with(".inputs") {
                let (gone, stay): (Vec<&str>, Vec<&str>) =
                    line.split_whitespace().partition(|word| word.starts_with("mutsel["));
                found += gone.len();
                let _ = writeln!(text, "{}", stay.join(" "));
            } else if line == ".end" {
                for bit in 0..self.bits {
                    let _ = writeln!(text, ".names mutsel[{bit}]");
                    if number >> bit & 1 == 1 {
                        text.push_str("1\n");
                    }
                }
                text.push_str(".end\n");
            } else {
                let _ = writeln!(text, "{line}");
            }
        }
        if found != self.bits as usize {
            return Err(format!("the netlist of gates has {found} bits for the mutant's number"));
        }
        let path = self.dir.join(format!("chosen{number}.blif"));
        std::fs::write(&path, text).map_err(|e| e.to_string())?;
        Ok(path)
    }

    /// The core beside the mutant's logic, which looks at the core's registers instead of its own: one output, true
    /// where any output or any register's next value differs. As long as it never is, mutant and core are in the same
    /// state; so if the core can get into no state in which it is, the two are equivalent.
    fn beside(&self, number: usize) -> Result<PathBuf, String> {
        let words = |line: &'_ str| line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>();
        let of =
            |key: &str| self.gates.lines().filter(|l| l.starts_with(key)).flat_map(words).collect::<Vec<_>>();
        let (inputs, outputs): (Vec<String>, Vec<String>) =
            (of(".inputs").into_iter().filter(|w| !w.starts_with("mutsel[")).collect(), of(".outputs"));
        let latches: Vec<Vec<String>> =
            self.gates.lines().filter(|l| l.starts_with(".latch")).map(words).collect();
        let shared: HashSet<&str> =
            inputs.iter().chain(latches.iter().filter_map(|l| l.get(1))).map(String::as_str).collect();
        let own = |word: &str| if shared.contains(word) { word.to_owned() } else { format!("mutant:{word}") };

        let mut text = format!(".model beside\n.inputs {}\n.outputs bad\n", inputs.join(" "));
        let mut constant = |name: String, value: bool| {
            let _ = writeln!(text, ".names {name}{}", if value { "\n1" } else { "" });
        };
        constant("differs0".to_owned(), false);
        for bit in 0..self.bits {
            constant(format!("mutsel[{bit}]"), false);
            constant(own(&format!("mutsel[{bit}]")), number >> bit & 1 == 1);
        }
        for line in self.gates.lines().filter(|l| l.starts_with(".latch")) {
            let _ = writeln!(text, "{line}");
        }
        for copy in [false, true] {
            for line in self.gates.lines() {
                if let Some(names) = line.strip_prefix(".names ") {
                    let names = names.split_whitespace().map(|w| if copy { own(w) } else { w.to_owned() });
                    let _ = writeln!(text, ".names {}", names.collect::<Vec<_>>().join(" "));
                } else if !line.starts_with(['.', '#']) {
                    let _ = writeln!(text, "{line}");
                }
            }
        }
        let mut compared = 0;
        for signal in outputs.iter().chain(latches.iter().filter_map(|l| l.first())) {
            let twin = own(signal);
            if twin != *signal {
                let (before, after) = (compared, compared + 1);
                let _ = writeln!(
                    text,
                    ".names differs{before} {signal} {twin} differs{after}\n1-- 1\n-10 1\n-01 1"
                );
                compared = after;
            }
        }
        if compared < latches.len() / 2 {
            return Err(format!("only {compared} of {} signals would be compared", latches.len()));
        }
        let _ = writeln!(text, ".names differs{compared} bad\n1 1\n.end");
        let path = self.dir.join(format!("beside{number}.blif"));
        std::fs::write(&path, text).map_err(|e| e.to_string())?;
        Ok(path)
    }

    /// Whether no input tells a mutant from the core: in one cycle from any state of the registers; where that has no
    /// answer, in one cycle from any state that the core can get into, its registers zero at first. If not, what the
    /// model checker said.
    pub fn proven(&self, mutant: &Mutant) -> Result<Result<(), String>, String> {
        let k = mutant.number;
        let changed = self.chosen(k)?;
        let (core, changed) = (self.core.display(), changed.display());
        // Both come from one text, so inputs, outputs and registers are in the same order.
        let step = self.ask(&format!(
            "read_blif {core}; strash; comb; write_aiger core{k}.aig; \
             read_blif {changed}; strash; comb; write_aiger step{k}.aig; \
             cec -n -T {PATIENCE} core{k}.aig step{k}.aig"
        ))?;
        if step.contains("Networks are equivalent") {
            return Ok(Ok(()));
        }
        let beside = self.beside(k)?;
        let reached =
            self.ask(&format!("read_blif {}; strash; zero; pdr -T {PATIENCE}", beside.display()))?;
        if reached.contains("Property proved") {
            return Ok(Ok(()));
        }
        let last = reached.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no answer");
        Ok(Err(last.trim().to_owned()))
    }

    fn ask(&self, question: &str) -> Result<String, String> {
        let said = run(Command::new("yosys-abc").args(["-c", question]).current_dir(&self.dir))?;
        // It goes on after a file that it cannot read, and its exit code is that of success.
        if said.contains("has failed") {
            return Err(format!("`yosys-abc`: {said}"));
        }
        Ok(said)
    }
}
