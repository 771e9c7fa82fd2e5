//! Leaves that are pipelines and memories, cycle by cycle, beside their Rust twins.
//!
//! A twin says what a leaf shows after a clock edge, as a function of what it was shown before: `ago(port, n)` is what
//! stood at a port n edges ago, so that "a port of stage n follows n cycles after" is written as it is said. All leaves
//! are built into one program; a second one, in which every leaf has a defect, must differ in every leaf.

mod common;
#[path = "stages/twins.rs"]
mod twins;

use common::{repository, run, verilate};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use twins::Leaf;

/// Clock edges that are compared.
const CYCLES: usize = 4000;

/// A module with all leaves in it, and a program that shows it a row of words in every cycle and writes down the other.
fn bench(leaves: &[Leaf]) -> (String, String) {
    let (mut ports, mut instances, mut set, mut get) =
        (vec!["input wire clk_i".to_owned()], String::new(), String::new(), String::new());
    let range = |width: u32| if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) };
    let (mut inputs, mut outputs) = (0, 0);
    for (k, leaf) in leaves.iter().enumerate() {
        let mut wired = vec![".clk_i(clk_i)".to_owned()];
        for &(name, width) in &leaf.inputs {
            let port = format!("leaf{k}_{name}_i");
            ports.push(format!("input wire {}{port}", range(width)));
            wired.push(format!(".{name}_i({port})"));
            writeln!(set, "    top.{port} = in[{inputs}];").unwrap();
            inputs += 1;
        }
        if leaf.resets {
            wired.push(format!(".rst_ni(leaf{k}_rst_ni)"));
            ports.push(format!("input wire leaf{k}_rst_ni"));
            writeln!(set, "    top.leaf{k}_rst_ni = cycle > 1;").unwrap();
        }
        for &(name, width) in &leaf.outputs {
            let port = format!("leaf{k}_{name}_o");
            ports.push(format!("output wire {}{port}", range(width)));
            wired.push(format!(".{name}_o({port})"));
            writeln!(get, "    out[{outputs}] = top.{port};").unwrap();
            outputs += 1;
        }
        let parameters: Vec<_> =
            leaf.parameters.iter().map(|(name, value)| format!(".{name}({value})")).collect();
        writeln!(
            instances,
            "  {} #({}) u_leaf{k} ({});",
            leaf.module,
            parameters.join(", "),
            wired.join(", ")
        )
        .unwrap();
    }
    let module = format!(
        "`default_nettype none\nmodule stages ({});\n{instances}endmodule\n`default_nettype wire\n",
        ports.join(", ")
    );
    let main = format!(
        "#include \"Vtop.h\"\n#include <cstdint>\n#include <cstdio>\n\nint main(int, char** argv) {{\n  Vtop top;\n  \
         std::FILE* from = std::fopen(argv[1], \"rb\");\n  std::FILE* to = std::fopen(argv[2], \"wb\");\n  \
         std::uint64_t in[{inputs}], out[{outputs}];\n  for (int cycle = 0; std::fread(in, sizeof in, 1, from) == 1; ++cycle) {{\n\
         {set}    top.clk_i = 0;\n    top.eval();\n    top.clk_i = 1;\n    top.eval();\n{get}    \
         if (std::fwrite(out, sizeof out, 1, to) != 1) return 1;\n  }}\n  return std::fclose(to) ? 1 : 0;\n}}\n"
    );
    (module, main)
}

/// Builds and runs the leaves whose sources lie in `hdl`; for every leaf what differed first, or how many words did not.
fn compare(
    leaves: &[Leaf],
    hdl: &Path,
    dir: &Path,
) -> Result<Vec<Result<usize, String>>, Box<dyn std::error::Error>> {
    let (module, main) = bench(leaves);
    fs::write(dir.join("stages.v"), module)?;
    fs::write(dir.join("main.cpp"), main)?;
    let mut sources = vec![dir.join("stages.v")];
    let mut names: Vec<&str> =
        leaves.iter().flat_map(|l| [l.module].into_iter().chain(l.parts.iter().copied())).collect();
    names.sort_unstable();
    names.dedup();
    sources.extend(names.iter().map(|name| hdl.join(format!("{name}.v"))));
    let program = verilate(dir, &sources, "stages", &dir.join("main.cpp"))?;
    let rows = (0..CYCLES).flat_map(|cycle| leaves.iter().flat_map(move |l| l.stimuli[cycle].iter()));
    fs::write(dir.join("in"), rows.flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>())?;
    run(Command::new(program).args([dir.join("in"), dir.join("out")]))?;
    let found: Vec<u64> = fs::read(dir.join("out"))?
        .chunks_exact(8)
        .map(|b| u64::from_le_bytes(b.try_into().expect("eight bytes")))
        .collect();
    let width: usize = leaves.iter().map(|l| l.outputs.len()).sum();
    assert_eq!(found.len(), CYCLES * width, "the program wrote another number of words");
    let mut first = 0;
    let mut verdicts = Vec::new();
    for leaf in leaves {
        let mut compared = vec![0usize; leaf.outputs.len()];
        let mut verdict = Ok(0);
        'cycles: for cycle in 0..CYCLES {
            let row = &found[cycle * width + first..][..leaf.outputs.len()];
            for (o, (&found, expected)) in row.iter().zip(leaf.expected(cycle)).enumerate() {
                let Some(expected) = expected else { continue };
                compared[o] += 1;
                if found != expected {
                    let name = leaf.outputs[o].0;
                    verdict = Err(format!(
                        "{}: {name}_o after edge {cycle}: twin {expected:#x}, hardware {found:#x}",
                        leaf.module
                    ));
                    break 'cycles;
                }
            }
        }
        if verdict.is_ok() {
            if let Some(o) = compared.iter().position(|&n| n < CYCLES / 100) {
                panic!(
                    "{}: {}_o was compared in {} cycles only",
                    leaf.module, leaf.outputs[o].0, compared[o]
                );
            }
            verdict = Ok(compared.iter().sum());
        }
        verdicts.push(verdict);
        first += leaf.outputs.len();
    }
    Ok(verdicts)
}

#[test]
fn stages_equal_their_rust_twins_in_every_cycle() -> Result<(), Box<dyn std::error::Error>> {
    let leaves = twins::leaves(CYCLES);
    let dir = tempfile::tempdir()?;
    for verdict in compare(&leaves, &repository("hdl"), dir.path())? {
        assert!(verdict? > CYCLES);
    }
    Ok(())
}

#[test]
fn a_defect_in_every_leaf_is_seen_in_every_leaf() -> Result<(), Box<dyn std::error::Error>> {
    let leaves = twins::leaves(CYCLES);
    let dir = tempfile::tempdir()?;
    let hdl = dir.path().join("hdl");
    fs::create_dir(&hdl)?;
    for entry in fs::read_dir(repository("hdl"))? {
        let path = entry?.path();
        let name = path.file_name().expect("an entry has a name").to_owned();
        if path.is_file() {
            fs::copy(&path, hdl.join(name))?;
        }
    }
    let mut planted = HashSet::new();
    // A leaf of several parameters has its defect once.
    for leaf in leaves.iter().filter(|leaf| planted.insert(leaf.module)) {
        let path = hdl.join(format!("{}.v", leaf.module));
        let text = fs::read_to_string(&path)?;
        let (from, to) = leaf.defect;
        assert_eq!(text.matches(from).count(), 1, "{}: the defect's place, `{from}`", leaf.module);
        fs::write(&path, text.replace(from, to))?;
    }
    for (leaf, verdict) in leaves.iter().zip(compare(&leaves, &hdl, dir.path())?) {
        let why = verdict.expect_err(leaf.module);
        println!("{why}");
    }
    Ok(())
}
