//! Can a mutant be told from the core at all?

use super::netlist::{GOLDEN, Mutant, yosys};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Proves mutants equivalent.
pub struct Equivalence {
    dir: PathBuf,
    /// The netlist of gates with these mutants in it, and how many bits choose one.
    gates: String,
    bits: u32,
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
        let mut script = format!("read_rtlil {GOLDEN}\n");
        for m in mutants {
            let options = m.command.strip_prefix("mutate").unwrap_or(&m.command);
            let _ = writeln!(script, "mutate -ctrl mutsel {bits} {} {options}", m.number);
        }
        let _ = writeln!(
            script,
            "{CUT}\nsetundef -undriven -zero\nsetundef -init -zero\ntechmap\nsimplemap\ndffunmap\nopt_clean\n\
             write_blif gates.blif"
        );
        yosys(dir, "gates", &script.replace('\n', "; "))?;
        let gates = std::fs::read_to_string(dir.join("gates.blif")).map_err(|e| e.to_string())?;
        Ok(Equivalence { dir: dir.to_owned(), gates, bits })
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

    /// Whether no input tells a mutant from the core: in one cycle from any state of the registers; where that has no
    /// answer and `deep` asks for it, in any number of cycles from registers at zero. If not, what the model checker
    /// said.
    pub fn proven(&self, mutant: &Mutant, deep: bool) -> Result<Result<(), String>, String> {
        let (core, changed) = (self.chosen(0)?, self.chosen(mutant.number)?);
        let (core, changed) = (core.display(), changed.display());
        let k = mutant.number;
        // Both come from one text, so inputs, outputs and registers are in the same order.
        let step = self.ask(&format!(
            "read_blif {core}; strash; comb; write_aiger core{k}.aig; \
             read_blif {changed}; strash; comb; write_aiger step{k}.aig; \
             cec -n -T {PATIENCE} core{k}.aig step{k}.aig"
        ))?;
        if step.contains("Networks are equivalent") {
            return Ok(Ok(()));
        }
        let last = |said: &str| {
            said.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no answer").trim().to_owned()
        };
        if !deep {
            return Ok(Err(last(&step)));
        }
        let run = self.ask(&format!(
            "read_blif {core}; strash; zero; write_aiger core{k}.aig; \
             read_blif {changed}; strash; zero; write_aiger run{k}.aig; \
             miter core{k}.aig run{k}.aig; orpos; strash; scorr; scorr -F 2; print_stats; pdr -T {PATIENCE}"
        ))?;
        if run.contains("Property proved") {
            return Ok(Ok(()));
        }
        Ok(Err(format!("{}; {}", last(&step), last(&run))))
    }

    fn ask(&self, question: &str) -> Result<String, String> {
        let output = Command::new("yosys-abc")
            .args(["-c", question])
            .current_dir(&self.dir)
            .output()
            .map_err(|e| format!("`yosys-abc`: {e}; run `make setup`"))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
