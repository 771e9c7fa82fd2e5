//! Can a mutant be told from the core at all?

use super::host::host;
use super::netlist::{GOLDEN, Mutant, planted, yosys};
use super::tools::run;
use eqhdl::design::Design;
use eqhdl::verilog::module_name;
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
///
/// What goes into a memory counts while it is enabled ([`masked`]), what goes in and out of the core as a host uses it
/// ([`host`]).
const CUT: &str = "expose -evert t:$mem_v2\nmemory_map";

impl Equivalence {
    /// For these mutants, in the folder of the netlist: all of them in one netlist of gates.
    pub fn new(dir: &Path, design: &Design, mutants: &[&Mutant]) -> Result<Self, String> {
        let last = mutants.iter().map(|m| m.number).max().unwrap_or(1);
        let bits = usize::BITS - last.leading_zeros();
        let core = module_name(design);
        let netlist = std::fs::read_to_string(dir.join(GOLDEN)).map_err(|e| e.to_string())?;
        std::fs::write(dir.join("host.v"), host(&core, &netlist, design, bits)?)
            .map_err(|e| e.to_string())?;
        let script = format!(
            "{}read_verilog host.v\nhierarchy -top host\nproc\nflatten\nopt_clean\n\
             {CUT}\nsetundef -undriven -zero\nsetundef -init -zero\ntechmap\nsimplemap\ndffunmap\nopt_clean\n\
             write_blif gates.blif\n",
            planted(bits, mutants)
        );
        yosys(dir, "gates", &script)?;
        let gates = std::fs::read_to_string(dir.join("gates.blif")).map_err(|e| e.to_string())?;
        let mut all = Equivalence { dir: dir.to_owned(), gates: masked(&gates)?, bits, core: PathBuf::new() };
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

    /// Whether no inputs, from registers at zero, tell a mutant from the core (van Eijk's signal correspondence, as ABC's
    /// `dsec` has it). If not, what the model checker said within these seconds of processor time.
    pub fn proven(&self, mutant: &Mutant, patience: u32) -> Result<Result<(), String>, String> {
        let changed = self.chosen(mutant.number)?;
        let said = self.ask(&format!("dsec {} {}", self.core.display(), changed.display()), patience)?;
        if said.contains("Networks are equivalent") {
            return Ok(Ok(()));
        }
        let why = said.lines().find(|l| l.contains("Networks are") || l.contains("no answer"));
        Ok(Err(why.unwrap_or("no answer").trim().to_owned()))
    }

    fn ask(&self, question: &str, patience: u32) -> Result<String, String> {
        // Its own limits are not kept to.
        let limited =
            format!("ulimit -t {patience}; yosys-abc -c \"$0\" || echo \"no answer in {patience} s\"");
        let said = run(Command::new("sh").args(["-c", &limited, question]).current_dir(&self.dir))?;
        // Its exit code is that of success even where it could not read a file.
        if !said.contains("Networks are") && !said.contains("no answer") {
            return Err(format!("`yosys-abc`: {said}"));
        }
        Ok(said)
    }
}

/// Addresses and data that go into memories count while their enables are high: each of these outputs of the netlist
/// becomes its product with them.
fn masked(gates: &str) -> Result<String, String> {
    let (before, rest) = gates.split_once("\n.outputs ").ok_or("a netlist of gates without outputs")?;
    let (outputs, after) = rest.split_once('\n').ok_or("a netlist of gates without gates")?;
    let outputs: Vec<&str> = outputs.split_whitespace().collect();
    let mut covers = String::new();
    let mut seen = Vec::new();
    for output in &outputs {
        let enable = output.rsplit_once('.').and_then(|(memory, port)| {
            let (port, bit) = port.split_at(port.find('[').unwrap_or(port.len()));
            match port {
                "WR_DATA" => Some(format!("{memory}.WR_EN{bit}")),
                "WR_ADDR" => Some(format!("{memory}.WR_EN")),
                "RD_ADDR" => Some(format!("{memory}.RD_EN")),
                _ => None,
            }
        });
        let Some(enable) = enable else {
            seen.push((*output).to_owned());
            continue;
        };
        let enables: Vec<&str> = outputs
            .iter()
            .filter(|o| **o == enable || o.strip_prefix(&enable).is_some_and(|bit| bit.starts_with('[')))
            .copied()
            .collect();
        if enables.is_empty() {
            return Err(format!("a memory without an enable for {output}"));
        }
        let _ = writeln!(covers, ".names {} {output} {output}.seen", enables.join(" "));
        for at in 0..enables.len() {
            let _ = writeln!(covers, "{}1{}1 1", "-".repeat(at), "-".repeat(enables.len() - at - 1));
        }
        seen.push(format!("{output}.seen"));
    }
    if covers.is_empty() {
        return Err("the netlist of gates has no memory".to_owned());
    }
    Ok(format!("{before}\n.outputs {}\n{covers}{after}", seen.join(" ")))
}
