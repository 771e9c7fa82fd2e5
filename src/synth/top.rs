//! The synthesis top: the core behind few pins.

use crate::design::Design;
use crate::design::limits::STEPS_WIDTH;
use crate::schedule::{Layout, bits};
use crate::verilog::{Sources, module_name, rates_width, rendered};
use askama::Template;

/// File and module name of the wrapper.
pub const TOP: &str = "synth_top";

/// A port of the core and where it lies in a chain.
struct Port {
    name: &'static str,
    low: u32,
    width: u32,
}

impl Port {
    fn high(&self) -> u32 {
        self.low + self.width - 1
    }
}

#[derive(Template)]
#[template(path = "synth_top.v", escape = "none")]
struct SynthTop {
    module: String,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    open: &'static [&'static str],
    input_bits: u32,
    output_bits: u32,
}

/// Ports that only a checker looks at: unconnected, as in a device.
const OPEN: &[&str] = &[
    "commit_state_valid_o",
    "commit_state_layer_o",
    "commit_state_word_o",
    "commit_state_data_o",
    "commit_weight_valid_o",
    "commit_weight_layer_o",
    "commit_weight_chunk_o",
    "commit_weight_column_o",
    "commit_weight_data_o",
    "commit_step_valid_o",
    "probe_neuron_valid_o",
    "probe_neuron_layer_o",
    "probe_neuron_index_o",
    "probe_neuron_drive_o",
    "probe_neuron_state_o",
];

/// Ports one behind the other in a chain, and how long it is.
fn chain(ports: &[(&'static str, u32)]) -> (Vec<Port>, u32) {
    let mut low = 0;
    let placed = ports
        .iter()
        .map(|&(name, width)| {
            let port = Port { name, low, width };
            low += width;
            port
        })
        .collect();
    (placed, low)
}

/// Adds `synth_top.v` to a generated core; its ports are those of `templates/core.v`.
pub fn add_to(sources: &mut Sources, design: &Design, layout: &Layout) {
    let label = bits(design.classes() - 1);
    let stored = design.datapath.stored_width;
    let mut inputs = vec![
        ("enable_i", 1),
        ("seed_i", 32),
        ("free_steps_i", STEPS_WIDTH),
        ("nudged_steps_i", STEPS_WIDTH),
        ("sample_number_set_i", 1),
        ("sample_number_i", 32),
        ("sample_valid_i", 1),
        ("sample_data_i", design.input.width),
        ("sample_last_i", 1),
        ("sample_drop_i", 1),
        ("sample_label_i", label),
        ("sample_train_i", 1),
        ("result_ready_i", 1),
        ("host_seek_i", 1),
        ("host_address_i", layout.host_width()),
        ("host_shift_i", 1),
        ("host_data_i", stored),
        ("host_store_i", 1),
        ("host_fetch_i", 1),
    ];
    if design.is_batched() {
        inputs.push(("sample_ends_batch_i", 1));
    }
    if rates_width(design) > 0 {
        inputs.push(("sample_rates_i", rates_width(design)));
    }
    let (inputs, input_bits) = chain(&inputs);
    let (outputs, output_bits) = chain(&[
        ("busy_o", 1),
        ("sample_number_o", 32),
        ("sample_ready_o", 1),
        ("result_valid_o", 1),
        ("result_prediction_o", label),
        ("result_label_o", label),
        ("result_train_o", 1),
        ("result_cycles_o", 32),
        ("result_reads_o", 32),
        ("host_data_o", stored),
        ("signature_o", 32),
    ]);
    let top = SynthTop { module: module_name(design), inputs, outputs, open: OPEN, input_bits, output_bits };
    let text = rendered(&top);
    sources.files.insert(format!("{TOP}.v"), text);
}
