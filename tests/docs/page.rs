//! Where commands stand on a page, and what is shown of their output.

use std::path::Path;

/// A command and what is printed below it.
pub struct Example {
    /// Page and line.
    pub place: String,
    /// As typed, without the remark beside it.
    pub command: String,
    /// Lines of its output.
    pub printed: Vec<String>,
}

/// What commands begin with, where no `$` says that a line is one.
const WORDS: [&str; 11] = [
    "target/release/eqhdl",
    "eqhdl",
    "make",
    "sed",
    "git",
    "cd",
    "iverilog",
    "verilator",
    "parallel",
    "hq",
    "fusesoc",
];

/// Those of README, of docs/, and of the help of every command.
pub fn all(root: &Path, eqhdl: impl Fn(&str) -> String) -> Vec<Example> {
    let mut pages = vec!["README.md".to_owned(), "hdl/README.md".to_owned()];
    let docs = std::fs::read_dir(root.join("docs")).expect("docs/ is there").flatten();
    pages.extend(
        docs.map(|e| format!("docs/{}", e.file_name().to_string_lossy())).filter(|n| n.ends_with(".md")),
    );
    pages[2..].sort();
    let mut examples = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(root.join(&page)).expect("a page");
        examples.extend(of_page(&page, &text));
    }
    let help = eqhdl("--help");
    examples.extend(of_help("eqhdl --help", &help));
    let commands = help.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
    for command in commands.filter_map(|l| l.strip_prefix("  ")?.split_whitespace().next()) {
        if command != "help" {
            examples
                .extend(of_help(&format!("eqhdl {command} --help"), &eqhdl(&format!("{command} --help"))));
        }
    }
    examples
}

/// Indented blocks, and fenced ones without a language of their own.
fn of_page(page: &str, text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut fence: Option<bool> = None;
    // Whether the lines that follow are what the last command prints.
    let mut prints = false;
    for (n, line) in text.lines().enumerate() {
        if let Some(info) = line.strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(["", "sh", "console"].contains(&info)) };
            prints = false;
            continue;
        }
        let inside = match fence {
            Some(commands) => commands.then_some(line),
            None => line.strip_prefix("    "),
        };
        let Some(inside) = inside else {
            prints &= line.is_empty();
            continue;
        };
        let place = format!("{page}:{}", n + 1);
        if let Some(command) = inside.strip_prefix("$ ") {
            examples.push(Example { place, command: without_remark(command), printed: Vec::new() });
            prints = true;
        } else if prints {
            examples.last_mut().expect("it prints").printed.push(inside.to_owned());
        } else if begins_a_command(inside) {
            examples.push(Example { place, command: without_remark(inside), printed: Vec::new() });
        }
    }
    examples
}

/// The lines below `Examples:`.
fn of_help(place: &str, text: &str) -> Vec<Example> {
    let lines =
        text.lines().skip_while(|l| !l.starts_with("Examples:")).skip(1).take_while(|l| !l.is_empty());
    let commands = lines.map(str::trim).filter(|l| begins_a_command(l)).map(without_remark);
    commands.map(|command| Example { place: place.to_owned(), command, printed: Vec::new() }).collect()
}

fn begins_a_command(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next().is_some_and(|w| WORDS.contains(&w)) && !line.starts_with(' ')
}

/// A command ends where two blanks follow each other, or at the end of the line.
fn without_remark(line: &str) -> String {
    let command = line.split("  ").next().unwrap_or(line);
    command.trim().replace("target/release/eqhdl", "eqhdl")
}
