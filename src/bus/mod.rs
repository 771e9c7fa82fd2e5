//! The core on a bus: AXI4-Lite registers and weights, AXI4-Streams of samples and results.
//!
//! One description ([`Map`]) of the registers gives their Verilog, a C header and a page of Markdown. [`Vectors`] are what a
//! test drives into the bus and what the reference says must come out; [`Rails`] is the twin of the wrapper's counters.

mod files;
mod map;
mod rails;
mod vectors;

pub use files::{add_to, add_vectors, file_names, top_name};
pub use map::{Access, Field, Map, Register, Window};
pub use rails::{Rails, rails_of_state, rails_of_weight};
pub use vectors::{ResultWords, SampleWords, Vectors, answers, synthetic_samples};

/// The hand-written leaves between bus and core.
pub const LEAVES: &[(&str, &str)] = &[
    ("bus_reset.v", include_str!("../../hdl/bus_reset.v")),
    ("axi_lite_slave.v", include_str!("../../hdl/axi_lite_slave.v")),
    ("stream_samples.v", include_str!("../../hdl/stream_samples.v")),
    ("stream_results.v", include_str!("../../hdl/stream_results.v")),
    ("weight_window.v", include_str!("../../hdl/weight_window.v")),
    ("rail_counter.v", include_str!("../../hdl/rail_counter.v")),
];

/// Bits of a slot of the sample stream: the narrowest of 8, 16 and 32 that holds an input.
pub fn slot_width(input_width: u32) -> u32 {
    input_width.next_power_of_two().max(8)
}
