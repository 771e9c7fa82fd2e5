//! The register map for programs and for people: a C header and a page of Markdown.

use super::{rendered, top_name};
use crate::bus::{Access, Field, Map, slot_width};
use crate::design::{Design, Keys};
use crate::network::Way;
use crate::schedule::{Layout, StoredLayer};
use crate::verilog::module_name;
use askama::Template;

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
            Way::Velocity => format!("{}_velocity", s.layer),
        },
        base: s.base,
        rows: s.connection.rows(),
        columns: s.row_length(),
    };
    layout.weights.layers().iter().map(layer).collect()
}

/// 32-bit words of a sample's packet.
fn packet_words(design: &Design) -> usize {
    1 + design.network.inputs().div_ceil((32 / slot_width(design.input.width)) as usize)
}

/// The C header.
pub(super) fn header(design: &Design, layout: &Layout, map: &Map) -> String {
    let core = module_name(design);
    let file = HeaderFile {
        depends_on: Keys::of_circuit(design).text(),
        batched: design.is_batched(),
        rate_sets: design.milestones.sets(),
        prefix: core.to_uppercase(),
        lower: core,
        map,
        layers: header_layers(layout),
        lanes: layout.lanes,
        inputs: design.network.inputs(),
        slot_width: slot_width(design.input.width),
        packet_words: packet_words(design),
    };
    rendered(&file)
}

/// The page.
pub(super) fn page(design: &Design, layout: &Layout, map: &Map) -> String {
    let file = PageFile {
        depends_on: Keys::of_circuit(design).text(),
        batched: design.is_batched(),
        rate_sets: design.milestones.sets(),
        top: top_name(design),
        map,
        layers: header_layers(layout),
        lanes: layout.lanes,
        inputs: design.network.inputs(),
        input_format: design.input.to_string(),
        slot_width: slot_width(design.input.width),
        packet_words: packet_words(design),
        prefix: module_name(design),
    };
    rendered(&file)
}
