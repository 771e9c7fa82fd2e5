//! What a Verilog text uses: the modules that it instantiates and the files that it names.
//!
//! Reads eqhdl's own sources, not Verilog at large: a declaration and an instance begin their line.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The module that a line declares or instantiates: `module NAME`, `NAME #(` or `NAME u_instance (`.
pub(super) fn module_of(line: &str) -> Option<Range<usize>> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word = |from: usize| {
        let start = from + line[from..].len() - line[from..].trim_start().len();
        let end = line[start..].find(|c| !is_word(c)).map_or(line.len(), |n| start + n);
        start..end
    };
    let first = word(0);
    if &line[first.clone()] == "module" {
        return Some(word(first.end));
    }
    let rest = line[first.end..].trim_start();
    let instance = rest.starts_with('#') || (rest.starts_with("u_") && rest.contains('('));
    (!first.is_empty() && instance).then_some(first)
}

/// The texts in double quotes on a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

/// Of these files, those that `root` needs: itself, the files of the modules that it instantiates, what it includes and
/// the tables that it reads, and all that these need.
pub(super) fn needed(files: &BTreeMap<String, String>, root: &str) -> BTreeSet<String> {
    let declared = |name: &str, text: &str| -> Vec<(String, String)> {
        let declares = |line: &&str| line.trim_start().starts_with("module ");
        let modules = text.lines().filter(declares).filter_map(|l| Some(l[module_of(l)?].to_owned()));
        modules.map(|module| (module, name.to_owned())).collect()
    };
    let is_verilog = |name: &str| name.ends_with(".v") || name.ends_with(".vh");
    let home: BTreeMap<String, String> =
        files.iter().filter(|(n, _)| is_verilog(n)).flat_map(|(n, t)| declared(n, t)).collect();
    let mut needed = BTreeSet::new();
    let mut open = vec![root.to_owned()];
    while let Some(name) = open.pop() {
        let Some(text) = files.get(&name) else { continue };
        if !needed.insert(name.clone()) || !is_verilog(&name) {
            continue;
        }
        let mut optional = false;
        for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
            // What is there on demand only, such as a probe, is on no list.
            optional = (optional || line.starts_with("`ifdef ")) && !line.starts_with("`endif");
            if optional {
                continue;
            }
            open.extend(module_of(line).and_then(|at| home.get(&line[at])).cloned());
            open.extend(quoted(line).filter(|q| files.contains_key(*q)).map(str::to_owned));
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_and_instances_are_found() {
        let named = |line: &'static str| module_of(line).map(|at| &line[at]);
        assert_eq!(named("module signature #("), Some("signature"));
        assert_eq!(named("module axi_tb;"), Some("axi_tb"));
        assert_eq!(named("  word_memory #(.Width(2)) u_state ("), Some("word_memory"));
        assert_eq!(named("      signature u_signature ("), Some("signature"));
        for line in
            ["", "  wire [31:0] signature;", "  signature <= u_x(1);", "  assign u_a = b;", "// signature"]
        {
            assert_eq!(named(line), None, "{line}");
        }
    }

    #[test]
    fn only_what_is_reached_is_needed() {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let files = BTreeMap::from([
            file("top.v", "module top;\n  a #(.File(\"t.hex\")) u_a ();\n  // c u_c ();\n"),
            file("a.v", "module a #(parameter File = \"none\") ();\n  `include \"b.vh\"\n"),
            file("b.vh", ""),
            file("c.v", "module c;\n"),
            file("t.hex", "0\n"),
            file("u.hex", "0\n"),
        ]);
        assert_eq!(
            needed(&files, "top.v").into_iter().collect::<Vec<_>>(),
            ["a.v", "b.vh", "t.hex", "top.v"]
        );
    }
}
