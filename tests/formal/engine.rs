//! One question to the model checker: the sources of a proof, changed as asked, to an and-inverter graph by Yosys, to a
//! verdict by ABC.

use super::proofs::{Defect, Proof};
use super::tools::{repository, run};
use std::fs;
use std::process::Command;

/// What the model checker says.
#[derive(Debug)]
pub enum Verdict {
    /// All properties hold; for how long.
    Holds(String),
    /// One does not; in which cycle.
    Refuted(#[allow(dead_code, reason = "shown where it was not expected")] String),
    /// No answer in time.
    Undecided(#[allow(dead_code, reason = "shown")] String),
}

/// Memories become registers, registers without a first value get any, and what nobody drives is free in every cycle.
const TO_GRAPH: &str = "
memory_nordff
async2sync
chformal -live -fair -cover -remove
opt_clean
formalff -setundef -clk2ff -ff2anyinit
setundef -undriven -anyseq
opt -fast
memory_map -formal
formalff -setundef -clk2ff -ff2anyinit
setattr -unset keep
delete -output
opt -full
techmap
opt -fast
dffunmap
abc -g AND -fast
opt_clean
write_aiger -I -B -zinit -no-startoffset graph.aig
";

/// Seconds after which a question is given up.
const PATIENCE: u32 = 400;

/// Asks whether the properties of a proof hold; with `cover`, whether that cover statement is unreachable; with
/// `defect`, whether they hold for a copy of the leaf with that defect in it.
pub fn check(proof: &Proof, cover: Option<usize>, defect: Option<&Defect>) -> Result<Verdict, String> {
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let read = |path: &str| fs::read_to_string(repository(path)).map_err(|e| format!("{path}: {e}"));
    let mut files: Vec<(String, String)> = Vec::new();
    let setting = &proof.setting;
    for name in setting.sources() {
        files.push((name.to_owned(), read(&format!("hdl/{name}"))?));
    }
    if let Some(Defect { file, change, .. }) = defect {
        let (from, to) = (&change.from, &change.to);
        let (_, text) = files.iter_mut().find(|(n, _)| n == file).ok_or_else(|| format!("no {file}"))?;
        if text.matches(from.as_str()).count() != 1 {
            return Err(format!("`{from}` is not once in {file}: the defect must be planted elsewhere"));
        }
        *text = text.replace(from.as_str(), to);
    }
    let properties = as_assertions(&read(&format!("tests/formal/{}", setting.properties))?);
    match &setting.inside {
        Some(leaf) => {
            let (_, text) = files.iter_mut().find(|(n, _)| n == leaf).ok_or_else(|| format!("no {leaf}"))?;
            let end = text.rfind("endmodule").ok_or("no endmodule")?;
            text.insert_str(end, &properties);
        }
        None => files.push((setting.properties.clone(), properties)),
    }
    for (name, text) in &files {
        fs::write(dir.path().join(name), text).map_err(|e| e.to_string())?;
    }

    let sources: Vec<&str> = files.iter().map(|(n, _)| n.as_str()).filter(|n| !n.ends_with(".vh")).collect();
    let mut script =
        format!("read_verilog -formal -sv -D COVER={} {}\n", cover.unwrap_or(0), sources.join(" "));
    for (name, value) in &proof.parameters {
        script += &format!("chparam -set {name} {value} {}\n", setting.top);
    }
    if cover.is_some() {
        for (name, value) in &proof.cover_parameters {
            script += &format!("chparam -set {name} {value} {}\n", setting.top);
        }
    }
    if let Some(only) = defect.and_then(|d| d.change.only) {
        script += &format!("chparam -set Only {only} {}\n", setting.top);
    }
    script += &format!("prep -top {} -flatten\n{TO_GRAPH}", setting.top);
    fs::write(dir.path().join("graph.ys"), script).map_err(|e| e.to_string())?;
    // A name that nobody declared would be a free input.
    run(Command::new("yosys")
        .args(["-q", "-e", "implicitly declared", "-s", "graph.ys"])
        .current_dir(dir.path()))?;

    let question = match setting.cycles {
        Some(cycles) => format!("bmc3 -F {cycles} -T {PATIENCE}"),
        // Reached or refuted, if at all, in few cycles.
        None if cover.is_some() || defect.is_some() => format!("bmc3 -F 60 -T {PATIENCE}"),
        None => format!("pdr -T {PATIENCE}"),
    };
    let said = run(Command::new("yosys-abc")
        .args(["-c", &format!("read_aiger graph.aig; fold; strash; {question}")])
        .current_dir(dir.path()))?;
    let last = said.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("").to_owned();
    if said.contains("was asserted in frame") {
        return Ok(Verdict::Refuted(last));
    }
    Ok(match setting.cycles {
        None if said.contains("Property proved") => Verdict::Holds("any number of cycles".into()),
        Some(n) if said.contains(&format!("No output asserted in {n} frames")) => {
            Verdict::Holds(setting.depth.clone().unwrap_or_else(|| format!("{n} cycles")))
        }
        _ => Verdict::Undecided(last),
    })
}

/// The nth cover statement becomes an assertion of the contrary, in force where the macro COVER is n.
fn as_assertions(text: &str) -> String {
    let mut covers = 0;
    let mut lines = String::new();
    for line in text.lines() {
        match cover_of(line) {
            Some((before, condition)) => {
                covers += 1;
                lines += &format!("{before}assert (`COVER != {covers} || !({condition}));\n");
            }
            None => {
                lines += line;
                lines.push('\n');
            }
        }
    }
    lines
}

/// What stands before a cover statement on its line, and its condition.
pub fn cover_of(line: &str) -> Option<(&str, &str)> {
    let (before, rest) = line.split_once("cover (")?;
    Some((before, rest.strip_suffix(");")?))
}
