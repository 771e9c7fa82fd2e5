//! Every command that README, docs/ and `--help` show is run as it is shown, and what they show of its output is compared.
//!
//!     cargo test --release --test docs               all but those of `left_out.rs`
//!     cargo test --release --test docs -- --all      those that take minutes, too (`make docs-check`)
//!     cargo test --release --test docs -- --list     what there is, and what is left out why
//!
//! The commands run in one folder, in the order in which they stand: README, docs/, the helps. The exit code is 0, or 1
//! where a defect is built in. Of a printed output each line must come, in this order; `...` stands for lines in between,
//! and of times and rates, which no two runs share, only the unit is compared.

mod left_out;
mod page;

use left_out::{LEFT_OUT, Reason};
use page::Example;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

/// What the pages take for granted: files of the reader's own.
const STUDY: &str = r#"base = "designs/digits-cep.toml"
epochs = 1
seeds = [1]

[grid]
rule.K = [3, 4]

[search]
margin = 90.0
weight = [12, 13]
state = [8, 9]
"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (all, list) = (arguments.iter().any(|a| a == "--all"), arguments.iter().any(|a| a == "--list"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder");
    prepare(root, folder.path());
    let examples = page::all(root, |arguments| said(&run(folder.path(), &format!("eqhdl {arguments}"))));
    // The same command twice does the same twice: once is enough, and where its output is shown.
    let mut done: BTreeSet<&str> =
        examples.iter().filter(|e| !e.printed.is_empty()).map(|e| e.command.as_str()).collect();
    let (mut passed, mut left) = (0, BTreeSet::new());
    let mut bad = Vec::new();
    for example in &examples {
        let Example { place, command, printed } = example;
        if let Some((pattern, reason)) = LEFT_OUT.iter().find(|(p, _)| command.contains(p)) {
            left.insert(*pattern);
            if list {
                println!("{place}: {command}\n    left out: {}", reason.why());
            }
            if !(all && matches!(reason, Reason::Minutes(_))) {
                continue;
            }
        } else if list {
            println!("{place}: {command}");
        }
        if list || (printed.is_empty() && !done.insert(command)) {
            continue;
        }
        let begin = Instant::now();
        print!("{place}: {command} ... ");
        let _ = std::io::stdout().flush();
        match judge(example, folder.path()) {
            Ok(()) => {
                passed += 1;
                println!("ok ({:.1} s)", begin.elapsed().as_secs_f64());
            }
            Err(why) => {
                println!("FAILED");
                bad.push(format!("{place}: {command}\n{why}"));
            }
        }
    }
    for (pattern, _) in LEFT_OUT.iter().filter(|(p, _)| !left.contains(p)) {
        bad.push(format!("`{pattern}` is left out, but stands on no page"));
    }
    if passed == 0 && !list {
        bad.push("no command was found".to_owned());
    }
    for line in &bad {
        println!("\n{line}");
    }
    println!("{passed} passed, {} failed", bad.len());
    if !bad.is_empty() {
        std::process::exit(1);
    }
}

/// A folder as a reader has it: the shipped designs, the program as it lies after a build and in the path.
fn prepare(root: &Path, folder: &Path) {
    let make = "mkdir -p target/release bin && cp -r \"$0/designs\" . && ln -s \"$1\" target/release/eqhdl && ln -s \"$1\" bin/eqhdl";
    let program = env!("CARGO_BIN_EXE_eqhdl");
    let made = Command::new("bash").args(["-ec", make]).arg(root).arg(program).current_dir(folder).status();
    assert!(made.expect("bash is there").success());
    std::fs::write(folder.join("mystudy.toml"), STUDY).expect("a study");
    std::fs::write(folder.join("S.toml"), STUDY).expect("a study");
}

/// What `make run` does when it has installed the tools and built the program.
const MAKE_RUN: (&str, &str) = ("make run", "eqhdl cosim designs/digits-cep.toml --level events");

fn run(folder: &Path, command: &str) -> Output {
    let command = &command.replace(MAKE_RUN.0, MAKE_RUN.1);
    let path = std::env::var("PATH").unwrap_or_default();
    let mut bash = Command::new("bash");
    bash.args(["-c", command]).current_dir(folder).env("EDITOR", "true").env("COLUMNS", "120");
    bash.env("PATH", format!("{}:{path}", folder.join("bin").display()));
    bash.output().expect("bash is there")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// Runs an example and compares.
fn judge(example: &Example, folder: &Path) -> Result<(), String> {
    // What comes in which order is only known where both go to one place.
    let output = run(folder, &format!("set -o pipefail; {{ {}\n}} 2>&1", example.command));
    let text = said(&output);
    let defect = example.command.contains("--inject ") && !example.command.contains("--inject all");
    let expected = i32::from(defect);
    let code = output.status.code();
    if code != Some(expected) {
        return Err(format!("    exit code {code:?} instead of {expected}:\n{text}"));
    }
    let mut lines = text.lines().map(masked);
    for line in example.printed.iter().filter(|l| l.trim() != "...") {
        let wanted = masked(line);
        if !lines.any(|l| l == wanted) {
            return Err(format!(
                "    this line does not come (in this place):\n    {line}\n    what comes is:\n{text}"
            ));
        }
    }
    Ok(())
}

/// A line with single blanks, without the numbers of times and rates.
fn masked(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let timed = |next: Option<&&str>| {
        next.is_some_and(|n| {
            ["s", "ms", "min", "million"].contains(&n.trim_end_matches([',', '.', ')', ';']))
        })
    };
    let number = |w: &str| w.trim_start_matches('(').parse::<f64>().is_ok();
    let one = |(n, w): (usize, &&str)| {
        if number(w) && timed(words.get(n + 1)) { "#".to_owned() } else { (*w).to_owned() }
    };
    words.iter().enumerate().map(one).collect::<Vec<_>>().join(" ")
}
