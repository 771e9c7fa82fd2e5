//! All mutants of a core in one netlist.

use super::tools::run;
use eqhdl::design::Design;
use eqhdl::schedule::Layout;
use eqhdl::verilog::{Sources, module_name};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// One of them.
pub struct Mutant {
    /// From 1.
    pub number: usize,
    /// What Yosys is told to do.
    pub command: String,
    /// inv, const0, const1, cnot0, cnot1.
    pub mode: String,
    /// Cell, with the instance it stems from.
    pub cell: String,
    /// Port and bit.
    pub port: String,
    /// Source file and line.
    pub source: String,
}

/// All of them.
pub struct Mutants {
    /// In order.
    pub mutants: Vec<Mutant>,
    /// The core with all of them, as a folder of hardware.
    pub sources: Sources,
}

/// File of the trimmed, flattened core without a mutant.
pub const GOLDEN: &str = "golden.il";

/// Makes `count` mutants of a core in `dir`.
pub fn mutants(design: &Design, layout: &Layout, dir: &Path, count: usize) -> Result<Mutants, String> {
    let rtl = Sources::of(design, layout);
    rtl.write(dir).map_err(|e| e.to_string())?;
    let top = module_name(design);
    let files = rtl.files.get("files.f").map(|f| f.replace('\n', " ")).ok_or("no file list")?;
    // Trimmed as for synthesis: in what nobody needs, a mutant says nothing.
    // What was made from the same text is still good.
    let texts =
        rtl.files.iter().filter(|(name, _)| *name != "files.f").map(|(name, text)| format!("{name}\n{text}"));
    let stamp = format!("{count}\n{}", texts.collect::<String>());
    let made = ["list.txt", "all.v", GOLDEN].iter().all(|f| dir.join(f).is_file())
        && std::fs::read_to_string(dir.join("mutants.stamp")).is_ok_and(|s| s == stamp);
    let trim = "proc; flatten; opt -full; wreduce; opt -full; wreduce; opt_clean -purge; memory_collect; opt_clean -purge";
    if !made {
        yosys(
            dir,
            "list",
            &format!(
                "read_verilog {files}; hierarchy -top {top}; {trim}; write_rtlil {GOLDEN}; mutate -list {count} -seed 1 -o list.txt"
            ),
        )?;
    }
    let list = std::fs::read_to_string(dir.join("list.txt")).map_err(|e| e.to_string())?;
    let mutants: Vec<Mutant> = list.lines().enumerate().filter_map(|(k, line)| parse(k + 1, line)).collect();
    if mutants.len() != count {
        return Err(format!("{} mutants were asked for, {} came", count, mutants.len()));
    }
    let bits = usize::BITS - count.leading_zeros();
    if !made {
        let planted = planted(bits, &mutants.iter().collect::<Vec<_>>());
        yosys(dir, "mutants", &format!("{planted}write_verilog -noattr all.v\n"))?;
        std::fs::write(dir.join("mutants.stamp"), &stamp).map_err(|e| e.to_string())?;
    }

    // The number comes from a file, so that the ports stay those of the core.
    let text = std::fs::read_to_string(dir.join("all.v")).map_err(|e| e.to_string())?;
    let port = format!("  input [{}:0] mutsel;", bits - 1);
    let number = format!(
        "  reg [{0}:0] mutant_number [0:0];\n  initial $readmemh(\"mutant.hex\", mutant_number);",
        bits - 1
    );
    let wire = format!("  wire [{}:0] mutsel;", bits - 1);
    if text.matches(&port).count() != 1 || text.matches(&wire).count() != 1 {
        return Err("the netlist of the mutants has another form than expected".to_owned());
    }
    let text = text
        .replace(", mutsel", "")
        .replace(&port, &number)
        .replace(&wire, &format!("  wire [{}:0] mutsel = mutant_number[0];", bits - 1));
    let mut sources = Sources::default();
    sources.files.insert("mutants.v".to_owned(), text);
    sources.files.insert("files.f".to_owned(), "mutants.v\n".to_owned());
    Ok(Mutants { mutants, sources })
}

fn parse(number: usize, line: &str) -> Option<Mutant> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |key: &str| {
        words.iter().position(|w| *w == key).and_then(|at| words.get(at + 1)).map_or("?", |w| *w).to_owned()
    };
    (words.first() == Some(&"mutate")).then(|| Mutant {
        number,
        command: line.to_owned(),
        mode: after("-mode"),
        cell: after("-cell"),
        port: format!("{}[{}]", after("-port"), after("-portbit")),
        source: words
            .windows(2)
            .filter(|w| w[0] == "-src" && !w[1].contains("eqhdl_"))
            .map(|w| w[1])
            .next()
            .unwrap_or("the core")
            .to_owned(),
    })
}

/// Yosys' commands that make the core with these mutants in it, a number of so many bits choosing one.
pub fn planted(bits: u32, mutants: &[&Mutant]) -> String {
    let mut script = format!("read_rtlil {GOLDEN}\n");
    for m in mutants {
        let options = m.command.strip_prefix("mutate").unwrap_or(&m.command);
        let _ = writeln!(script, "mutate -ctrl mutsel {bits} {} {options}", m.number);
    }
    script
}

/// Runs Yosys in a folder; its commands and what it said are kept there.
pub fn yosys(dir: &Path, name: &str, commands: &str) -> Result<String, String> {
    let (script, log) = (format!("{name}.ys"), format!("{name}.log"));
    let keep =
        |file: &str, text: &str| std::fs::write(dir.join(file), text).map_err(|e| format!("{file}: {e}"));
    keep(&script, commands)?;
    let said = run(Command::new("yosys").args(["-s", &script]).current_dir(dir))?;
    keep(&log, &said)?;
    Ok(said)
}
