//! The files of the bus: register file, top, C header, Markdown, test bench, and the FuseSoC core file.

use super::{Access, Field, LEAVES, Map, Register, Vectors, rails_of_state, rails_of_weight, slot_width};
use crate::design::limits::STEPS_WIDTH;
use crate::design::{Design, Keys};
use crate::network::Way;
use crate::schedule::{Layout, StoredLayer, bits};
use crate::verilog::{self, Sources, common_drive_width, common_state_width, module_name, rates_width};
use askama::Template;

/// Name of the wrapped core's module.
pub fn top_name(design: &Design) -> String {
    format!("{}_axi", module_name(design))
}

/// The Verilog files of the bus around the core.
pub fn file_names(design: &Design) -> Vec<String> {
    let leaves = LEAVES.iter().map(|(name, _)| (*name).to_owned());
    leaves
        .chain([format!("{}_registers.v", module_name(design)), format!("{}.v", top_name(design))])
        .collect()
}

/// Name of a field's signals in the register file.
fn signal(register: &Register, field: &Field) -> String {
    let mut name = register.name.to_lowercase();
    if !field.name.is_empty() {
        name = format!("{name}_{}", field.name.to_lowercase());
    }
    name
}

fn range(width: u32) -> String {
    if width == 1 { String::new() } else { format!("[{}:0] ", width - 1) }
}

fn slice(low: u32, width: u32) -> String {
    match (low, width) {
        (0, 32) => String::new(),
        (_, 1) => format!("[{low}]"),
        _ => format!("[{}:{low}]", low + width - 1),
    }
}

/// A register as the Verilog wants it.
struct RegisterText {
    name: String,
    index: u32,
    /// Concatenation of its fields.
    value: String,
    /// Response to a write.
    response: &'static str,
    /// Condition beyond the address under which a write happens; none where it never does.
    write: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "axi_registers.v", escape = "none")]
struct RegistersFile {
    depends_on: String,
    module: String,
    index_width: u32,
    ports: Vec<String>,
    declarations: Vec<String>,
    registers: Vec<RegisterText>,
    assigns: Vec<String>,
    resets: Vec<String>,
    updates: Vec<String>,
}

fn registers_file(module: &str, keys: &Keys, map: &Map) -> String {
    let mut file = RegistersFile {
        depends_on: keys.comment(),
        module: module.to_owned(),
        // Of a word in the lower half of the address space.
        index_width: map.address_width - 3,
        ports: Vec::new(),
        declarations: Vec::new(),
        registers: Vec::new(),
        assigns: Vec::new(),
        resets: Vec::new(),
        updates: Vec::new(),
    };
    for r in &map.registers {
        let mut parts = Vec::new();
        let mut bit = 0;
        for f in &r.fields {
            let (name, strobe) = (signal(r, f), format!("write_{}", r.name.to_lowercase()));
            let (range, slice) = (range(f.width), slice(f.low, f.width));
            if f.low > bit {
                parts.push(format!("{}'d0", f.low - bit));
            }
            bit = f.low + f.width;
            match f.access {
                Access::Constant(v) => parts.push(format!("{}'h{v:x}", f.width)),
                Access::Status => {
                    file.ports.push(format!("input  wire {range}{name}_i"));
                    parts.push(format!("{name}_i"));
                }
                Access::Control(reset) => {
                    file.ports.push(format!("output wire {range}{name}_o"));
                    file.declarations.push(format!("reg {range}{name}_q;"));
                    file.assigns.push(format!("assign {name}_o = {name}_q;"));
                    file.resets.push(format!("{name}_q <= {}'h{reset:x};", f.width));
                    file.updates.push(format!(
                        "if ({strobe}) {name}_q <= ({name}_q & ~mask{slice}) | (data_i{slice} & mask{slice});"
                    ));
                    parts.push(format!("{name}_q"));
                }
                Access::Pulse => {
                    file.ports.push(format!("output wire {range}{name}_o"));
                    file.assigns.push(format!("assign {name}_o = {strobe} && data_i{slice} && mask{slice};"));
                    parts.push(format!("{}'d0", f.width));
                }
                Access::Event => {
                    file.ports.push(format!("input  wire {range}{name}_i"));
                    file.ports.push(format!("output wire {range}{name}_o"));
                    file.declarations.push(format!("reg {range}{name}_q;"));
                    file.assigns.push(format!("assign {name}_o = {name}_q;"));
                    file.resets.push(format!("{name}_q <= {}'d0;", f.width));
                    file.updates.push(format!(
                        "{name}_q <= ({name}_q && !({strobe} && data_i{slice} && mask{slice})) || {name}_i;"
                    ));
                    parts.push(format!("{name}_q"));
                }
                Access::Load => {
                    file.ports.push(format!("input  wire {range}{name}_i"));
                    file.ports.push(format!("output wire {range}{name}_o"));
                    file.ports.push(format!("output wire {name}_set_o"));
                    file.assigns.push(format!("assign {name}_set_o = {strobe};"));
                    file.assigns.push(format!(
                        "assign {name}_o = ({name}_i & ~mask{slice}) | (data_i{slice} & mask{slice});"
                    ));
                    parts.push(format!("{name}_i"));
                }
            }
        }
        if bit < 32 {
            parts.push(format!("{}'d0", 32 - bit));
        }
        parts.reverse();
        let (response, write) = match (r.is_writable(), r.idle_only) {
            (false, _) => ("SlvErr", None),
            (true, false) => ("Okay", Some("")),
            (true, true) => ("idle_i ? Okay : SlvErr", Some(" && idle_i")),
        };
        file.registers.push(RegisterText {
            name: r.name.to_lowercase(),
            index: r.offset / 4,
            value: if parts.len() == 1 { parts.concat() } else { format!("{{{}}}", parts.join(", ")) },
            response,
            write,
        });
    }
    file.render().unwrap_or_else(|e| unreachable!("the template is checked at compile time: {e}"))
}

/// Rails and lanes of one layer, as Verilog literals.
struct LayerText {
    layer: usize,
    state_least: String,
    state_greatest: String,
    weight_least: String,
    weight_greatest: String,
    bias_least: String,
    bias_greatest: String,
    bias_column: usize,
    last_chunk: usize,
    last_mask: String,
}

#[derive(Template)]
#[template(path = "axi_top.v", escape = "none")]
struct TopFile {
    depends_on: String,
    digest: u32,
    steps_width: u32,
    batched: bool,
    rate_sets: usize,
    rates_width: u32,
    name: String,
    core: String,
    module: String,
    inputs: usize,
    input_format: String,
    slot_width: u32,
    address_width: u32,
    index_width: u32,
    window_word_width: u32,
    host_width: u32,
    lanes: usize,
    lane_width: u32,
    ways: usize,
    words: usize,
    stored_width: u32,
    state_width: u32,
    input_width: u32,
    label_width: u32,
    classes: usize,
    count_width: u32,
    layers: Vec<LayerText>,
}

impl TopFile {
    /// A class on more bits.
    fn widen(&self, name: &str, to: u32) -> String {
        if to == self.label_width {
            name.to_owned()
        } else {
            format!("{{{}'d0, {name}}}", to - self.label_width)
        }
    }
}

/// Bits of a value, as a Verilog literal.
fn literal(value: i64, width: u32) -> String {
    format!("{width}'h{:x}", value as u64 & (u64::MAX >> (64 - width)))
}

fn top_file(design: &Design, layout: &Layout, keys: &Keys, map: &Map) -> String {
    let stored = design.datapath.stored_width;
    let state = common_state_width(design);
    let lane_width = bits(layout.lanes - 1);
    let layers = (1..)
        .zip(&layout.layers)
        .map(|(l, x)| {
            let (states, weights, biases) = (
                rails_of_state(design, l),
                rails_of_weight(design, l, false),
                rails_of_weight(design, l, true),
            );
            let last = layout.weights.rows(l, x.chunks - 1).len();
            LayerText {
                layer: l,
                state_least: literal(states.0, state),
                state_greatest: literal(states.1, state),
                weight_least: literal(weights.0, stored),
                weight_greatest: literal(weights.1, stored),
                bias_least: literal(biases.0, stored),
                bias_greatest: literal(biases.1, stored),
                bias_column: x.connection.taps(),
                last_chunk: x.chunks - 1,
                last_mask: format!("{{{{{}{{1'b0}}}}, {{{last}{{1'b1}}}}}}", layout.lanes - last)
                    .replace("{{0{1'b0}}, ", "{"),
            }
        })
        .collect();
    let top = TopFile {
        depends_on: keys.comment(),
        digest: keys.word(),
        steps_width: STEPS_WIDTH,
        batched: design.is_batched(),
        rate_sets: design.milestones.sets(),
        rates_width: rates_width(design),
        name: design.name.clone(),
        core: module_name(design),
        module: top_name(design),
        inputs: design.network.inputs(),
        input_format: design.input.to_string(),
        slot_width: slot_width(design.input.width),
        address_width: map.address_width,
        index_width: map.address_width - 3,
        window_word_width: map.address_width - 3 - lane_width,
        host_width: layout.host_width(),
        lanes: layout.lanes,
        lane_width,
        ways: layout.ways(),
        words: layout.weights.words(),
        stored_width: stored,
        state_width: state,
        input_width: design.input.width,
        label_width: bits(design.classes() - 1),
        classes: design.classes(),
        count_width: bits(design.network.inputs()),
        layers,
    };
    top.render().unwrap_or_else(|e| unreachable!("the template is checked at compile time: {e}"))
}

/// A synapse layer in the weight window, for the header.
struct HeaderLayer {
    name: String,
    base: usize,
    rows: usize,
    columns: usize,
}

#[derive(Template)]
#[template(path = "registers.h", escape = "none")]
struct HeaderFile<'a> {
    depends_on: String,
    batched: bool,
    rate_sets: usize,
    prefix: String,
    lower: String,
    map: &'a Map,
    layers: Vec<HeaderLayer>,
    lanes: usize,
    inputs: usize,
    slot_width: u32,
    packet_words: usize,
}

#[derive(Template)]
#[template(path = "registers.md", escape = "none")]
struct PageFile<'a> {
    depends_on: String,
    batched: bool,
    rate_sets: usize,
    top: String,
    map: &'a Map,
    layers: Vec<HeaderLayer>,
    lanes: usize,
    inputs: usize,
    input_format: String,
    slot_width: u32,
    packet_words: usize,
    prefix: String,
}

impl HeaderFile<'_> {
    /// Bits of a field in place.
    fn mask(&self, f: &Field) -> String {
        format!("0x{:08x}", (u32::MAX >> (32 - f.width)) << f.low)
    }
}

impl PageFile<'_> {
    fn bits(&self, f: &Field) -> String {
        if f.width == 1 { f.low.to_string() } else { format!("{}:{}", f.low + f.width - 1, f.low) }
    }

    fn value(&self, f: &Field) -> String {
        match f.access {
            Access::Constant(v) | Access::Control(v) => format!("{v:#x}"),
            Access::Pulse | Access::Event => "0x0".to_owned(),
            Access::Status | Access::Load => String::new(),
        }
    }

    fn name(&self, f: &Field) -> String {
        if f.name.is_empty() { "-".to_owned() } else { format!("`{}`", f.name) }
    }
}

fn header_layers(layout: &Layout) -> Vec<HeaderLayer> {
    let layer = |s: &StoredLayer| HeaderLayer {
        name: match s.way {
            Way::Forward => s.layer.to_string(),
            Way::Back => format!("{}_back", s.layer),
        },
        base: s.base,
        rows: s.connection.rows(),
        columns: s.row_length(),
    };
    layout.weights.layers().iter().map(layer).collect()
}

#[derive(Template)]
#[template(path = "axi_tb.v", escape = "none")]
struct BenchFile {
    top: String,
    address_width: u32,
    window: u32,
    weights: u32,
    packets: usize,
    results: usize,
    control: u32,
    seed_offset: u32,
    seed: u32,
    counters: usize,
    counters_offset: u32,
    /// Those that the core opens.
    core_tables: Vec<String>,
    /// After which it gives up.
    most_cycles: u64,
}

/// Every register's address, for the harness of a cross-check through the bus.
fn register_list(map: &Map) -> String {
    let offsets: Vec<String> = map.registers.iter().map(|r| format!("{:#x}", r.offset)).collect();
    format!(
        "// SPDX-License-Identifier: Apache-2.0\n// Addresses of all registers. Generated by eqhdl from the register map.\n\n#include <cstdint>\n\nnamespace {{\nconstexpr uint32_t Registers[] = {{{}}};\n}}\n",
        offsets.join(", ")
    )
}

/// The bench of a cross-check through the bus.
#[derive(Template)]
#[template(path = "sim_bus_top.v", escape = "none")]
struct SimTop {
    bus: String,
    address_width: u32,
    digest: u32,
    label_width: u32,
    drive_width: u32,
    state_width: u32,
}

impl SimTop {
    fn widen16(&self, name: &str, from: &u32) -> String {
        if *from == 16 { name.to_owned() } else { format!("{{{}'d0, {name}}}", 16 - from) }
    }
}

#[derive(Template)]
#[template(path = "fusesoc.core", escape = "none")]
struct CoreFile {
    depends_on: String,
    version: &'static str,
    name: String,
    top: String,
    sources: Vec<String>,
    includes: Vec<String>,
    data: Vec<String>,
    bench: Vec<String>,
}

/// Adds the bus to a generated core: `NAME_axi.v`, its registers and leaves, a C header, a page of Markdown, a test bench
/// with vectors from the reference, and a FuseSoC core file.
pub fn add_to(sources: &mut Sources, design: &Design, layout: &Layout) {
    let (core, top) = (module_name(design), top_name(design));
    let (map, keys) = (Map::of_design(design, layout), Keys::of_circuit(design));
    let registers = format!("{core}_registers");
    let data: Vec<String> = sources.files.keys().filter(|n| n.ends_with(".hex")).cloned().collect();
    let includes: Vec<String> = sources.files.keys().filter(|n| n.ends_with(".vh")).cloned().collect();
    for (name, text) in LEAVES {
        sources.files.insert((*name).to_owned(), (*text).to_owned());
    }
    sources.files.insert(format!("{registers}.v"), registers_file(&registers, &keys, &map));
    sources.files.insert(format!("{top}.v"), top_file(design, layout, &keys, &map));
    let names = sources.verilog(&format!("{top}.v"), &[verilog::LEAVES, LEAVES].concat());
    sources.files.insert("axi.f".to_owned(), names.join("\n") + "\n");

    let slot = slot_width(design.input.width);
    let packet_words = 1 + design.network.inputs().div_ceil((32 / slot) as usize);
    let header = HeaderFile {
        depends_on: keys.text(),
        batched: design.is_batched(),
        rate_sets: design.milestones.sets(),
        prefix: core.to_uppercase(),
        lower: core.clone(),
        map: &map,
        layers: header_layers(layout),
        lanes: layout.lanes,
        inputs: design.network.inputs(),
        slot_width: slot,
        packet_words,
    };
    let page = PageFile {
        depends_on: keys.text(),
        batched: design.is_batched(),
        rate_sets: design.milestones.sets(),
        top: top.clone(),
        map: &map,
        layers: header_layers(layout),
        lanes: layout.lanes,
        inputs: design.network.inputs(),
        input_format: design.input.to_string(),
        slot_width: slot,
        packet_words,
        prefix: core.clone(),
    };
    let rendered = |text: askama::Result<String>| {
        text.unwrap_or_else(|e| unreachable!("the template is checked at compile time: {e}"))
    };
    sources.files.insert(format!("{core}.h"), rendered(header.render()));
    sources.files.insert(format!("{core}.md"), rendered(page.render()));

    // Three samples through the bus, with the reference's results beside them: the simulation that FuseSoC starts.
    let vectors = Vectors::of(design, layout, super::synthetic_samples(design));
    let offset = |name: &str| map.registers.iter().find(|r| r.name == name).map_or(0, |r| r.offset);
    let packets: Vec<Vec<u32>> = vectors.samples.iter().map(|s| s.packet(design.input.width)).collect();
    let beat = |(last, word): (bool, &u32)| format!("{}{word:08x}\n", u8::from(last));
    let beats: String = packets
        .iter()
        .flat_map(|p| p.iter().enumerate().map(|(i, w)| (i + 1 == p.len(), w)))
        .map(beat)
        .collect();
    // The registers from TRAINED on.
    let counters = super::vectors::counters(&vectors.results, vectors.rails).map(|(_, count)| count);
    let words =
        |words: &mut dyn Iterator<Item = u32>| words.map(|w| format!("{w:08x}\n")).collect::<String>();
    let packets_out = vectors.results.iter().flat_map(super::ResultWords::packet);
    let results = words(&mut packets_out.chain(counters));
    let bench = BenchFile {
        top: top.clone(),
        address_width: map.address_width,
        window: map.window.base,
        weights: map.window.weights,
        packets: packets.iter().map(Vec::len).sum(),
        results: vectors.results.len(),
        control: offset("CONTROL"),
        seed_offset: offset("SEED"),
        seed: design.seed,
        counters: counters.len(),
        counters_offset: offset("TRAINED"),
        core_tables: data.clone(),
        most_cycles: most_cycles(layout, &vectors, beats.lines().count()),
    };
    let mut put = |name: &str, text: String| sources.files.insert(name.to_owned(), text);
    let sim = SimTop {
        bus: top.clone(),
        address_width: map.address_width,
        digest: keys.word(),
        label_width: bits(design.classes() - 1),
        drive_width: common_drive_width(design),
        state_width: common_state_width(design),
    };
    put("sim_bus_top.v", rendered(sim.render()));
    put("bus.cpp", include_str!("../../sim/bus.cpp").to_owned());
    put("bus_registers.h", register_list(&map));
    put("axi_tb.v", rendered(bench.render()));
    let data_of_bench = [
        (
            "before",
            "Weights before the samples",
            words(&mut vectors.weights_before.iter().map(|&w| w as u32)),
        ),
        ("after", "Weights after the samples", words(&mut vectors.weights_after.iter().map(|&w| w as u32))),
        ("packets", "Beats of the samples: last, then data", beats),
        ("results", "Words of the results, then the counters", results),
    ];
    let depends_on = Keys::of_training(design).comment();
    let mut bench_names = Vec::new();
    for (name, what, entries) in data_of_bench {
        let name = format!("axi_tb_{name}.hex");
        put(&name, format!("// {what}, an entry a line.\n{depends_on}\n{entries}"));
        bench_names.push(name);
    }
    let file = CoreFile {
        depends_on: keys.text(),
        version: env!("CARGO_PKG_VERSION"),
        name: design.name.replace('-', "_"),
        top,
        sources: names,
        includes,
        data,
        bench: bench_names,
    };
    put(&format!("{core}.core"), rendered(file.render()));
}

/// Twice the cycles that the bench takes: each weight goes in and out, each beat waits for its slots, each sample for its
/// result.
fn most_cycles(layout: &Layout, vectors: &Vectors, beats: usize) -> u64 {
    // From a request's first cycle to the next one's, and the slowest weight (hdl/weight_window.v).
    const REQUEST: u64 = 10;
    let weight = REQUEST + 3 * layout.lanes as u64 + 8;
    let weights = 2 * vectors.weights_before.len() as u64;
    let samples: u64 = vectors.results.iter().map(|r| u64::from(r.cycles) + REQUEST).sum();
    2 * (weights * weight + beats as u64 * REQUEST + samples + 100 * REQUEST)
}

/// Adds `vectors.json`: samples of the design's data set, and what the reference makes of them.
pub fn add_vectors(sources: &mut Sources, vectors: &Vectors) {
    let text = serde_json::to_string(vectors)
        .unwrap_or_else(|e| unreachable!("numbers and texts are always written: {e}"));
    sources.files.insert("vectors.json".to_owned(), text);
}
