//! The simulation top and the harness that goes with a generated core.

use crate::design::limits::STEPS_WIDTH;
use crate::design::{Design, Keys};
use crate::network::Record;
use crate::schedule::{Layout, bits};
use crate::verilog::{Sources, common_drive_width, module_name, rates_width, rendered};
use askama::Template;

/// The C++ harness, and what it shares with that of the bus: the same for every design.
const HARNESS: &str = include_str!("../../sim/main.cpp");
const SHARED: &str = include_str!("../../sim/harness.h");

/// The files of the benches, of the core and of the bus: a verdict rests on these and no others.
pub const FILES: [&str; 7] =
    ["commit_probe.v", "harness.h", "sim_top.v", "main.cpp", "sim_bus_top.v", "bus.cpp", "bus_registers.h"];

/// Words of states, and words of weights, that the probe gathers before the waveform takes a time step.
pub const SLOTS: usize = 8;

#[derive(Template)]
#[template(path = "sim_top.v", escape = "none")]
struct SimTop {
    steps_width: u32,
    module: String,
    state_bits: u32,
    weight_bits: u32,
    drive_width: u32,
    /// What a neuron commits.
    record: Record,
    stored_width: u32,
    label_width: u32,
    input_width: u32,
    batched: bool,
    rates_width: u32,
    host_width: u32,
    /// Digest of what the core was generated from.
    digest: u32,
}

impl SimTop {
    fn widen(&self, name: &str, from: &u32) -> String {
        if *from == 32 { name.to_owned() } else { format!("{{{}'d0, {name}}}", 32 - from) }
    }

    fn widen16(&self, name: &str, from: &u32) -> String {
        if *from == 16 { name.to_owned() } else { format!("{{{}'d0, {name}}}", 16 - from) }
    }
}

/// A kind of words that the probe gathers.
struct Kind {
    name: &'static str,
    /// Bits of a word.
    bits: u32,
    place_bits: u32,
    /// What its place is, for people, and the ports that it is made of.
    place: &'static str,
    ports: &'static str,
}

#[derive(Template)]
#[template(path = "commit_probe.v", escape = "none")]
struct CommitProbe {
    slots: usize,
    kinds: [Kind; 2],
    state_bits: u32,
    weight_bits: u32,
    drive_width: u32,
    /// What a neuron commits.
    record: Record,
}

/// Adds `sim_top.v` and the harness to a generated folder.
pub fn add_to(sources: &mut Sources, design: &Design, layout: &Layout) {
    let lanes = layout.lanes as u32;
    let record = design.record();
    let top = SimTop {
        steps_width: STEPS_WIDTH,
        module: module_name(design),
        state_bits: lanes * record.width(),
        weight_bits: lanes * design.datapath.stored_width * layout.ways() as u32,
        drive_width: common_drive_width(design),
        record: record.clone(),
        stored_width: design.datapath.stored_width,
        label_width: bits(design.classes() - 1),
        input_width: design.input.width,
        batched: design.is_batched(),
        rates_width: rates_width(design),
        host_width: layout.host_width(),
        digest: Keys::of_circuit(design).word(),
    };
    let text = rendered(&top);
    let probe = CommitProbe {
        slots: SLOTS,
        kinds: [
            Kind {
                name: "state",
                bits: top.state_bits,
                place_bits: 24,
                place: "layer, word",
                ports: "state_layer_i, state_word_i",
            },
            Kind {
                name: "weight",
                bits: top.weight_bits,
                place_bits: 40,
                place: "layer, chunk, column",
                ports: "weight_layer_i, weight_chunk_i, weight_column_i",
            },
        ],
        state_bits: top.state_bits,
        weight_bits: top.weight_bits,
        drive_width: top.drive_width,
        record,
    };
    let probe = rendered(&probe);
    sources.files.insert("sim_top.v".to_owned(), text);
    sources.files.insert("commit_probe.v".to_owned(), probe);
    sources.files.insert("main.cpp".to_owned(), HARNESS.to_owned());
    sources.files.insert("harness.h".to_owned(), SHARED.to_owned());
}
