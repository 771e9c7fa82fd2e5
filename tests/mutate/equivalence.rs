//! Can a mutant be told from the core at all?

use super::netlist::{GOLDEN, Mutant, yosys};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Proves mutants equivalent.
pub struct Equivalence {
    dir: PathBuf,
}

/// Memories and multipliers are cut out of core and mutant alike: what goes into them must be the same, what comes out of
/// them is any value, the same for both. So a proof holds for any contents and any number of cycles. It is less than
/// equivalence: a mutant that this cannot prove may be equivalent all the same.
const CUT: &str = "expose -evert t:$mem_v2 t:$mul";

impl Equivalence {
    /// In the folder of the netlist.
    pub fn new(dir: &Path) -> Self {
        Equivalence { dir: dir.to_owned() }
    }

    /// Whether no input in any number of cycles tells a mutant from the core; if not, what the model checker said.
    pub fn proven(&self, mutant: &Mutant) -> Result<Result<(), String>, String> {
        let k = mutant.number;
        let script = format!(
            "read_rtlil {GOLDEN}; {CUT}; rename -top golden; design -stash golden; \
             read_rtlil {GOLDEN}; {}; {CUT}; rename -top mutant; design -stash mutant; \
             design -copy-from golden golden; design -copy-from mutant mutant; \
             miter -equiv -flatten -make_assert -ignore_gold_x golden mutant miter; hierarchy -top miter; \
             setundef -undriven -zero; setundef -init -zero; techmap; simplemap; dffunmap; aigmap; opt_clean; \
             write_aiger -I -B -zinit -no-startoffset equal{k}.aig",
            mutant.command
        );
        // ABC is far quicker than Yosys at making this small.
        yosys(&self.dir, &format!("equal{k}"), &script)?;
        let question = format!("read_aiger equal{k}.aig; strash; scorr; scorr -F 2; print_stats; pdr -T 60");
        let output = Command::new("yosys-abc")
            .args(["-c", &question])
            .current_dir(&self.dir)
            .output()
            .map_err(|e| format!("`yosys-abc`: {e}; run `make setup`"))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.contains("Property proved") {
            return Ok(Ok(()));
        }
        let last = said.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no answer").trim().to_owned();
        Ok(Err(last))
    }
}
