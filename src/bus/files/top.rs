//! The top of the bus in Verilog: registers, streams and weight window around the core.

use super::{rendered, top_name};
use crate::bus::{Map, rails_of_state, rails_of_weight, slot_width};
use crate::design::limits::STEPS_WIDTH;
use crate::design::{Design, Keys};
use crate::network::Record;
use crate::schedule::{Layout, bits};
use crate::verilog::{common_state_width, module_name, rates_width};
use askama::Template;

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
    /// What lies beside the weights are velocities.
    velocities: bool,
    words: usize,
    stored_width: u32,
    state_width: u32,
    /// What a neuron commits.
    record: Record,
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

fn layer_text(design: &Design, layout: &Layout, l: usize) -> LayerText {
    let stored = design.datapath.stored_width;
    let state = common_state_width(design);
    let states = rails_of_state(design, l);
    let weights = rails_of_weight(design, l, false);
    let biases = rails_of_weight(design, l, true);
    let x = &layout.layers[l - 1];
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
}

/// The core with its bus.
pub(super) fn top_file(design: &Design, layout: &Layout, keys: &Keys, map: &Map) -> String {
    let lane_width = bits(layout.lanes - 1);
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
        velocities: design.momentum.is_some(),
        words: layout.weights.words(),
        stored_width: design.datapath.stored_width,
        state_width: common_state_width(design),
        record: design.record(),
        input_width: design.input.width,
        label_width: bits(design.classes() - 1),
        classes: design.classes(),
        count_width: bits(design.network.inputs()),
        layers: (1..=layout.depth()).map(|l| layer_text(design, layout, l)).collect(),
    };
    rendered(&top)
}
