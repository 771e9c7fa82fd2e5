//! The simulation top and the harness that goes with a generated core.

use crate::design::limits::STEPS_WIDTH;
use crate::design::{Design, Keys};
use crate::schedule::{Layout, bits};
use crate::verilog::{Sources, common_drive_width, common_state_width, module_name, rates_width};
use askama::Template;

/// The C++ harness, and what it shares with that of the bus: the same for every design.
const HARNESS: &str = include_str!("../../sim/main.cpp");
const SHARED: &str = include_str!("../../sim/harness.h");

/// The files of the benches, of the core and of the bus: a verdict rests on these and no others.
pub const FILES: [&str; 7] =
    ["commit_probe.v", "harness.h", "sim_top.v", "main.cpp", "sim_bus_top.v", "bus.cpp", "bus_registers.h"];

/// Weight chunks that the probe gathers before the waveform takes a time step.
pub const WEIGHT_SLOTS: usize = 8;

#[derive(Template)]
#[template(path = "sim_top.v", escape = "none")]
struct SimTop {
    steps_width: u32,
    module: String,
    state_bits: u32,
    weight_bits: u32,
    drive_width: u32,
    state_width: u32,
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

/// A word of states as the probe keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateWord {
    /// Layer, 1 to L.
    pub layer: usize,
    /// Word within the layer.
    pub word: usize,
}

impl StateWord {
    /// All of a layout, in the order of their places in the state memory.
    pub fn all(layout: &Layout) -> Vec<StateWord> {
        let of_layer = |(layer, chunks)| (0..chunks).map(move |word| StateWord { layer, word });
        (1..).zip(layout.layers.iter().map(|l| l.chunks)).flat_map(of_layer).collect()
    }

    /// The probe's register.
    pub fn name(&self) -> String {
        format!("state_layer{}_word{}_q", self.layer, self.word)
    }
}

#[derive(Template)]
#[template(path = "commit_probe.v", escape = "none")]
struct CommitProbe {
    slots: usize,
    depth: usize,
    state_words: Vec<StateWord>,
    state_bits: u32,
    weight_bits: u32,
    drive_width: u32,
    state_width: u32,
}

/// Adds `sim_top.v` and the harness to a generated folder.
pub fn add_to(sources: &mut Sources, design: &Design, layout: &Layout) {
    let lanes = layout.lanes as u32;
    let state_width = common_state_width(design);
    let top = SimTop {
        steps_width: STEPS_WIDTH,
        module: module_name(design),
        state_bits: lanes * state_width,
        weight_bits: lanes * design.datapath.stored_width * layout.ways() as u32,
        drive_width: common_drive_width(design),
        state_width,
        stored_width: design.datapath.stored_width,
        label_width: bits(design.classes() - 1),
        input_width: design.input.width,
        batched: design.is_batched(),
        rates_width: rates_width(design),
        host_width: layout.host_width(),
        digest: Keys::of_circuit(design).word(),
    };
    let text = top.render().unwrap_or_else(|e| unreachable!("the template is checked at compile time: {e}"));
    let probe = CommitProbe {
        slots: WEIGHT_SLOTS,
        depth: layout.depth(),
        state_words: StateWord::all(layout),
        state_bits: top.state_bits,
        weight_bits: top.weight_bits,
        drive_width: top.drive_width,
        state_width: top.state_width,
    };
    let probe =
        probe.render().unwrap_or_else(|e| unreachable!("the template is checked at compile time: {e}"));
    sources.files.insert("sim_top.v".to_owned(), text);
    sources.files.insert("commit_probe.v".to_owned(), probe);
    sources.files.insert("main.cpp".to_owned(), HARNESS.to_owned());
    sources.files.insert("harness.h".to_owned(), SHARED.to_owned());
}
