//! What a host that keeps to the headers of core and leaves sends, and what it looks at.

use eqhdl::design::Design;
use std::fmt::Write as _;

/// A port of the core.
struct Port {
    name: String,
    width: usize,
    input: bool,
}

/// Data of a port that means something only while its valid is high.
const SEEN_WITH: [&str; 4] = ["result_", "commit_state_", "commit_weight_", "probe_neuron_"];
/// What may move only while the core is idle.
const WHILE_IDLE: [&str; 5] =
    ["sample_number_set_i", "host_seek_i", "host_shift_i", "host_store_i", "host_fetch_i"];
/// What must hold still while it is busy.
const STEADY: [&str; 2] = ["free_steps_i", "nudged_steps_i"];

/// A module `host` around the module `core` with the ports of this netlist, of which `select` bits choose the mutant.
/// Whatever comes in, the core sees samples of at most as many values as the network has inputs, numbers of steps that
/// hold still while it is busy, and a host port that rests while it is busy. Data goes out only while its valid is high.
pub fn host(core: &str, netlist: &str, design: &Design, select: u32) -> Result<String, String> {
    let mut ports: Vec<Port> = netlist.lines().filter_map(port).collect();
    ports.push(Port { name: "mutsel".to_owned(), width: select as usize, input: true });
    let known = |name: &str| ports.iter().any(|p| p.name == name);
    let valids = SEEN_WITH.map(|group| format!("{group}valid_o"));
    let named = ["clk_i", "rst_ni", "busy_o", "sample_valid_i", "sample_ready_o", "sample_last_i"];
    let all =
        named.iter().chain(&WHILE_IDLE).chain(&STEADY).copied().chain(valids.iter().map(String::as_str));
    if let Some(gone) = all.into_iter().find(|name| !known(name)) {
        return Err(format!("the core has no port `{gone}`"));
    }

    let names: Vec<&str> = ports.iter().map(|p| p.name.as_str()).collect();
    let mut text = format!("module host({});\n", names.join(", "));
    let mut pins = Vec::new();
    for Port { name, width, input } in &ports {
        let range = format!("[{}:0]", width - 1);
        if *input {
            let seen = match name.as_str() {
                "sample_last_i" => "sample_last_i || last_beat".to_owned(),
                steady if STEADY.contains(&steady) => {
                    let _ = writeln!(
                        text,
                        "  reg {range} {name}_q;\n  always @(posedge clk_i) if (!busy_o) {name}_q <= {name};"
                    );
                    format!("{name}_q")
                }
                idle if WHILE_IDLE.contains(&idle) => format!("{name} && !busy_o"),
                other => other.to_owned(),
            };
            let _ = writeln!(text, "  input {range} {name};");
            pins.push(format!(".{name}({seen})"));
        } else {
            let valid = SEEN_WITH.iter().find(|g| name.starts_with(**g)).map(|g| format!("core_{g}valid_o"));
            let mask = valid.map_or(String::new(), |v| format!(" & {{{width}{{{v}}}}}"));
            let _ = writeln!(
                text,
                "  output {range} {name};\n  wire {range} core_{name};\n  assign {name} = core_{name}{mask};"
            );
            pins.push(format!(".{name}(core_{name})"));
        }
    }
    let last = design.network.inputs() - 1;
    let _ = write!(
        text,
        "  reg [15:0] beats_q;\n  wire last_beat = (beats_q == {last});\n  always @(posedge clk_i)\n    \
         if (!rst_ni) beats_q <= 0;\n    else if (sample_valid_i && sample_ready_o)\n      \
         beats_q <= (sample_last_i || last_beat) ? 0 : beats_q + 1;\n  {core} core({});\nendmodule\n",
        pins.join(", ")
    );
    Ok(text)
}

/// A port in a line of Yosys' RTLIL: `wire width 8 input 26 \host_address_i`.
fn port(line: &str) -> Option<Port> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let input = words.contains(&"input");
    if words.first() != Some(&"wire") || !(input || words.contains(&"output")) {
        return None;
    }
    let width =
        words.iter().position(|w| *w == "width").map_or(Some(1), |at| words.get(at + 1)?.parse().ok())?;
    let name = words.last()?.strip_prefix('\\')?.to_owned();
    Some(Port { name, width, input })
}
