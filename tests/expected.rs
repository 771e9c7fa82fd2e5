//! The alarm that rings when a text changes: what eqhdl generates, prints and refuses is what `tests/expected/` holds.
//!
//! `UPDATE=1 cargo test --release --test expected` writes the folder anew; what has changed is then for version control
//! to show and for a person to judge.

#[path = "common/designs.rs"]
mod designs;
#[path = "common/expected.rs"]
mod expected;

use assert_cmd::Command;
use designs::Case;
use eqhdl::design::{Design, load};
use eqhdl::schedule::Layout;
use eqhdl::verilog::{Sources, module_name};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Fails with every text that is not the expected one, and with every expected text that nobody asked for.
#[derive(Default)]
struct Texts {
    asked: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Texts {
    fn holds(&mut self, name: String, text: &str) {
        self.wrong.extend(expected::difference(&name, text));
        self.asked.insert(name);
    }

    /// `folder` has no text that is held against nothing.
    fn are_all_of(self, folder: &str, ending: &str) {
        let mut wrong = self.wrong;
        for file in std::fs::read_dir(expected::folder().join(folder)).unwrap() {
            let name = format!("{folder}/{}", file.unwrap().file_name().to_string_lossy());
            if name.ends_with(ending) && !self.asked.contains(&name) {
                wrong.push(format!("tests/expected/{name} is held against nothing"));
            }
        }
        assert!(!self.asked.is_empty(), "nothing was compared");
        assert!(
            wrong.is_empty(),
            "{}\nif that is meant: UPDATE=1 cargo test --release --test expected",
            wrong.join("\n")
        );
    }
}

/// What a command prints, on both streams, and how it ends.
fn said(folder: &Path, arguments: &[&str], code: i32) -> String {
    let mut command = Command::cargo_bin("eqhdl").unwrap();
    command.current_dir(folder).args(arguments).env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8");
    let output = command.assert().code(code).get_output().clone();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The three cores that differ most: beside the plain one, weights of their own on the way back with random roundings,
/// and a batch with a softmax read-out whose layers take turns.
fn cores() -> Vec<(&'static str, Design)> {
    let case = Case {
        name: "core",
        layers: "[64, 20, 12, 10]",
        lanes: 8,
        dynamics: "leaky",
        activation: "hard_sigmoid",
        nudge: "outside",
        rule: "cep random falling",
        rounding: ["STOCHASTIC", "STOCHASTIC", "STOCHASTIC"],
        overflow: ["SAT_SYM", "SAT", "SAT_ZERO"],
        formats: "state = [\"u8.8\", \"s12.10\", \"s11.9\"]",
        more: "feedback = \"vector_field\"\nweight_decay = 0.001",
    };
    let batch = Case {
        dynamics: "leaky even_odd",
        activation: "logistic",
        nudge: "softmax",
        rule: "symmetric_ep",
        rounding: ["RND_CONV", "TRN", "RND"],
        formats: "weight = \"s14.12\"\nweight_read = \"s9.7\"",
        more: "batch = 4",
        ..case
    };
    vec![
        ("digits-cep", load(&root().join("designs/digits-cep.toml")).unwrap()),
        ("vector-field-stochastic", case.design().unwrap()),
        ("softmax-batch-even-odd", batch.design().unwrap()),
    ]
}

#[test]
fn generated_verilog_is_what_it_was() {
    let mut texts = Texts::default();
    for (name, mut design) in cores() {
        // The head of a file names the design file.
        design.path = PathBuf::from(format!("{name}.toml"));
        let layout = Layout::of(&design);
        let mut sources = Sources::of(&design, &layout);
        eqhdl::bus::add_to(&mut sources, &design, &layout);
        let core = module_name(&design);
        for (part, file) in [
            ("core", format!("{core}.v")),
            ("neurons", "neuron_bank.v".to_owned()),
            ("program", "phase_program.v".to_owned()),
            ("layers", "layer_table.vh".to_owned()),
            ("axi", format!("{core}_axi.v")),
        ] {
            texts.holds(format!("verilog/{part}-{name}.v"), &sources.files[&file]);
        }
    }
    texts.are_all_of("verilog", "");
}

#[test]
fn what_check_prints_is_what_it_was() {
    let mut texts = Texts::default();
    for folder in ["designs", "designs/results"] {
        for file in std::fs::read_dir(root().join(folder)).unwrap() {
            let file = file.unwrap().file_name().to_string_lossy().into_owned();
            if let Some(name) = file.strip_suffix(".toml") {
                // With or without the data sets that somebody has fetched.
                let text = said(root(), &["check", "--no-data", &format!("{folder}/{file}")], 0);
                let place = folder.replace('/', "-");
                texts.holds(format!("check/{place}-{name}.txt"), &text);
            }
        }
    }
    texts.are_all_of("check", "");
}

#[test]
fn every_help_is_what_it_was() {
    let mut texts = Texts::default();
    let help = said(root(), &["--help"], 0);
    let commands = help.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
    let names = commands.filter_map(|l| l.split_whitespace().next()).filter(|name| *name != "help");
    let commands: Vec<&str> = names.collect();
    assert!(commands.contains(&"cosim") && commands.contains(&"study"), "{commands:?}");
    for command in commands {
        texts.holds(format!("help/{command}.txt"), &said(root(), &[command, "--help"], 0));
    }
    texts.holds("help/eqhdl.txt".to_owned(), &help);
    texts.are_all_of("help", "");
}

#[test]
fn every_refusal_is_what_it_was() {
    let mut texts = Texts::default();
    let folder = expected::folder().join("refusals");
    for file in std::fs::read_dir(&folder).unwrap() {
        let file = file.unwrap().file_name().to_string_lossy().into_owned();
        if let Some(name) = file.strip_suffix(".toml") {
            texts.holds(format!("refusals/{name}.txt"), &said(&folder, &["check", &file], 2));
        }
    }
    texts.are_all_of("refusals", ".txt");
}

#[test]
fn every_file_of_hardware_says_its_licence() {
    const LINE: &str = "SPDX-License-Identifier: Apache-2.0";
    let mut said = 0;
    for folder in ["hdl", "templates", "sim"] {
        for file in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let ending = path.extension().unwrap().to_string_lossy().into_owned();
            if ["v", "vh", "h", "cpp", "sh", "core"].contains(&ending.as_str()) {
                assert!(text.lines().take(2).any(|l| l.contains(LINE)), "{}", path.display());
                said += 1;
            }
        }
    }
    assert!(said > 40, "{said} files");
    // And so does what is generated.
    for (name, design) in cores() {
        let layout = Layout::of(&design);
        let mut sources = Sources::of(&design, &layout);
        eqhdl::cosim::testbench::add_to(&mut sources, &design, &layout);
        eqhdl::bus::add_to(&mut sources, &design, &layout);
        for (file, text) in &sources.delivered(&design).files {
            if [".v", ".vh", ".h", ".cpp"].iter().any(|e| file.ends_with(e)) {
                assert!(text.lines().next().is_some_and(|l| l.contains(LINE)), "{name}: {file}");
            }
        }
    }
}
