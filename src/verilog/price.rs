//! What a design's core takes of a device: every memory and every multiplier, leaf by leaf, as the leaves have them.
//!
//! A chip designer finds here which memory macros the core wants and where they go; `check`, studies and the check of a
//! synthesis go by the same list, and a test holds it against what Yosys finds.

use super::units;
use crate::design::{Constant, Design, Dynamics, Feedback, Tables};
use crate::fixed_point::complex_logistic::Words;
use crate::fixed_point::{ComplexLogistic, ComplexSoftmax, GOLDEN, Rounding, gaussian};
use crate::schedule::{Layout, bits};
use serde::Serialize;

/// A memory of the core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// What it holds.
    pub what: String,
    /// The leaf that has it: where a macro takes its place.
    pub leaf: &'static str,
    /// Instance or register, below the core.
    pub path: String,
    /// Words.
    pub words: usize,
    /// Bits of a word.
    pub width: usize,
    /// Read ports.
    pub reads: u32,
    /// Write ports; none of a table.
    pub writes: u32,
    /// Cycles from an address to its word.
    pub read_latency: u32,
}

impl Memory {
    /// All bits.
    pub fn bits(&self) -> usize {
        self.words * self.width
    }
}

/// Multipliers of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Multipliers {
    /// What they compute.
    pub what: &'static str,
    /// The leaf that has them.
    pub leaf: &'static str,
    /// The register that the product ends in, below the core.
    pub path: String,
    /// Widths of their two operands.
    pub bits: (u32, u32),
    /// How many there are.
    pub count: usize,
    /// One operand is a constant: a few adders may do.
    pub by_constant: bool,
}

/// Memories and multipliers of a core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    /// Memories.
    pub memories: Vec<Memory>,
    /// Multipliers, by kind.
    pub multipliers: Vec<Multipliers>,
}

impl Price {
    /// The price of a design.
    pub fn of(design: &Design, layout: &Layout) -> Price {
        let mut memories = weights(design, layout);
        memories.extend(states(design, layout));
        memories.extend(tables(design));
        let mut multipliers = synapses(design, layout);
        multipliers.extend(neurons(design));
        multipliers.extend(random_bits(design, layout));
        if layout.has_kernels() {
            // Synapses and their walk are a module of their own.
            let paths = memories.iter_mut().map(|m| &mut m.path);
            for path in paths.chain(multipliers.iter_mut().map(|m| &mut m.path)) {
                if !["u_neurons.", "u_samples.", "u_watch."].iter().any(|above| path.starts_with(above)) {
                    *path = format!("u_kernels.{path}");
                }
            }
            multipliers.extend(walk(layout));
        }
        Price { memories, multipliers }
    }

    /// Bits of all memories.
    pub fn memory_bits(&self) -> usize {
        self.memories.iter().map(Memory::bits).sum()
    }

    /// Bits of the memories of weights, those of the way back included.
    pub fn weight_memory_bits(&self) -> usize {
        let weights = |m: &&Memory| m.path.ends_with("u_weights") || m.path.ends_with("u_weights_back");
        self.memories.iter().filter(weights).map(Memory::bits).sum()
    }

    /// Multipliers of two values that vary.
    pub fn multiplier_count(&self) -> usize {
        self.varying().map(|m| m.count).sum()
    }

    /// One-bit products that these form at once (the sum of the products of their operands' widths): what they cost where
    /// no DSP block is used.
    pub fn multiplier_bits(&self) -> usize {
        self.varying().map(|m| m.count * (m.bits.0 * m.bits.1) as usize).sum()
    }

    fn varying(&self) -> impl Iterator<Item = &Multipliers> {
        self.multipliers.iter().filter(|m| !m.by_constant)
    }
}

/// A memory with a write port and a read port, a cycle from address to word.
fn plain(what: &str, leaf: &'static str, path: &str, words: usize, width: u32) -> Memory {
    let (what, path) = (what.to_owned(), path.to_owned());
    Memory { what, leaf, path, words, width: width as usize, reads: 1, writes: 1, read_latency: 1 }
}

fn weights(design: &Design, layout: &Layout) -> Vec<Memory> {
    let (p, lanes) = (&design.datapath, layout.lanes as u32);
    let store = |what, path, words, width| Memory {
        read_latency: 2,
        ..plain(what, "weight_memory.v", path, words, lanes * width)
    };
    let (forward, back) = (layout.weights.forward_words(), layout.weights.beside_words());
    let mut all = vec![store("weights", "u_store.u_weights", forward, p.stored_width)];
    if back > 0 {
        let what = if design.momentum.is_some() { "velocities" } else { "weights of the way back" };
        all.push(store(what, "u_store.gen_back.u_weights_back", back, p.stored_width));
    }
    if design.is_batched() {
        all.push(store("sums over a batch", "u_store.gen_sums.u_sums", forward, p.batch_width));
    }
    all
}

fn states(design: &Design, layout: &Layout) -> Vec<Memory> {
    let p = &design.datapath;
    let (inputs, lanes) = (design.network.inputs(), layout.lanes as u32);
    let corners = if design.network.has_corners() { 2 } else { 0 };
    let list = if layout.has_kernels() { "two samples" } else { "two samples, inputs that are not 0" };
    let bank = 1 << bits(layout.banks - 1);
    // A bank begins at a power of two.
    let (neurons, words) = (bank << layout.neuron_width(), bank << bits(layout.state_words));
    let post_width = lanes * (p.activity_width + corners);
    let post = |what, path| Memory { ..plain(what, "post_memory.v", path, words, post_width) };
    let word = |what, path, words, width| plain(what, "word_memory.v", path, words, width);
    let mut all = vec![
        word(list, "u_samples.u_list", 2 << layout.tap_width(), bits(inputs - 1) + design.input.width),
        word("pre-synaptic activities, a", "u_operands.u_pre_a", neurons, p.activity_width),
        word("pre-synaptic activities, b", "u_operands.u_pre_b", neurons, p.activity_width),
        post("post-synaptic activities, a", "u_post.words_a_q"),
        post("post-synaptic activities, b", "u_post.words_b_q"),
        post("post-synaptic activities, way back", "u_post.words_t_q"),
        word("states", "u_neurons.u_state", neurons, design.record().width()),
        word("transposed sums", "u_drives.u_gathered", layout.neuron_places(), p.transposed_width),
        word("forward sums", "u_drives.u_forward", layout.neuron_places(), p.forward_width + corners),
    ];
    if layout.watches {
        let width = 2 * design.record().width();
        all.push(word("the last two states", "u_watch.u_states", layout.neuron_places(), width));
    }
    if layout.lists {
        let chunks = layout.layers.iter().map(|l| l.chunks).sum();
        let width = bits(layout.depth() + 1) + layout.chunk_width() + layout.address_width();
        all.push(word("chunks with a contrast", "u_contrasts.u_list", chunks, width));
    }
    // Complex neurons move to what their drives say: only a nudge of their own asks for their states.
    if design.is_complex() && layout.softmax_outputs > 0 {
        all.retain(|memory| memory.what != "states");
    }
    if design.is_complex() {
        all.push(post("imaginary activities, way back", "u_post.words_i_q"));
        let width = units::common_drive_width(design);
        all.push(word("real drives that wait", "u_neurons.u_waiting", layout.neuron_places(), width));
    }
    if layout.softmax_outputs > 0 {
        let n = design.neurons[design.output_layer() - 1];
        let outputs = layout.softmax_outputs;
        if design.is_complex() {
            let collected = |what, path, width| plain(what, "complex_softmax.v", path, outputs, width);
            let drives = "u_neurons.u_turned_softmax.drives_q";
            all.push(collected("complex drives of the outputs", drives, 2 * n.drive.width));
            let exponentials = "u_neurons.u_turned_softmax.exponentials_q";
            all.push(collected("their exponentials, complex", exponentials, 32));
        }
        let collected = |what, path, width| plain(what, "softmax_unit.v", path, outputs, width);
        all.push(collected("drives of the outputs", "u_neurons.u_softmax.drives_q", n.drive.width));
        all.push(collected("their exponentials", "u_neurons.u_softmax.exponentials_q", 16));
    }
    all
}

/// Tables of the neuron units and of a softmax read-out.
fn tables(design: &Design) -> Vec<Memory> {
    let table = |what: &str, path: String, index: u32, width: u32| Memory {
        writes: 0,
        ..plain(what, "function_table.v", &path, 1 << index, width)
    };
    let mut all = Vec::new();
    for layer in units::first_layers(design) {
        let (n, made) = (design.neurons[layer - 1], Tables::of(design, layer));
        if design.is_complex() {
            if !design.is_softmax(layer) {
                let unit = |block: &str| format!("u_neurons.u_neuron_{layer}.gen_activation.{block}");
                let complex = ComplexLogistic::of(n.drive, n.state);
                let logistic = |what, name, words: &Words| {
                    table(what, unit(&format!("u_logistic.{name}")), words.entries.len().ilog2(), words.width)
                };
                all.extend([
                    table("rho of a real drive", unit("u_table"), n.drive.width, n.state.width),
                    logistic("exponential of a drive's real part", "u_exponential", &complex.exponential),
                    logistic("cosine, sine of its imaginary part", "u_trigonometric", &complex.trigonometric),
                    logistic("reciprocal of the denominator", "u_reciprocal", &complex.reciprocal),
                ]);
            }
            continue;
        }
        let unit = |block: &str| format!("u_neurons.u_neuron_{layer}.{block}.u_table");
        if made.rho_of_drive.is_some() {
            all.push(table("rho of the drive", unit("gen_rho"), n.drive.width, n.state.width));
        } else if made.slope_of_state.is_some() {
            all.push(table("slope of rho", unit("gen_slope"), n.state.width, n.state.width));
        }
        if made.rho_of_state.is_some() {
            let path = format!("u_neurons.u_activity_{layer}");
            all.push(table("rho of the state", path, n.state.width, n.state.width));
        }
    }
    if design.noise > 0.0 {
        let path = "u_neurons.u_noise".to_owned();
        all.push(table("quantiles of the noise", path, gaussian::BITS, design.datapath.noise_width));
    }
    if design.is_softmax(design.output_layer()) {
        let drive = design.neurons[design.output_layer() - 1].drive;
        let path = |name: &str| format!("u_neurons.u_softmax.{name}");
        all.push(table("exponential", path("u_exponential"), drive.width, 16));
        all.push(table("reciprocal", path("u_reciprocal"), 10, 16));
        if design.is_complex() {
            let path = |name: &str| format!("u_neurons.u_turned_softmax.{name}");
            let angles = ComplexSoftmax::of(drive).angle_bits();
            all.push(table("exponential, of complex drives", path("u_exponential"), drive.width, 16));
            all.push(table("cosine, sine of an angle", path("u_angle"), angles, 32));
            all.push(table("reciprocal, of complex drives", path("u_reciprocal"), 10, 16));
        }
    }
    all
}

fn kind(
    what: &'static str,
    leaf: &'static str,
    path: &str,
    operands: (u32, u32),
    count: usize,
) -> Multipliers {
    Multipliers { what, leaf, path: path.to_owned(), bits: operands, count, by_constant: false }
}

/// Products by a constant; none by a power of two, which is a shift.
fn by_constant(raw: i64, m: Multipliers) -> Option<Multipliers> {
    let shifts = raw == 0 || raw.unsigned_abs().is_power_of_two();
    (!shifts).then_some(Multipliers { by_constant: true, ..m })
}

fn synapses(design: &Design, layout: &Layout) -> Vec<Multipliers> {
    let (p, lanes) = (&design.datapath, layout.lanes);
    let (a, r, back) = (
        p.activity_width,
        p.rated_width,
        design.has_separate_feedback() && layout.weights.beside_words() > 0,
    );
    let of = |what, register: &str, operands, count| {
        kind(what, "synapse_lanes.v", &format!("u_synapses.{register}"), operands, count)
    };
    let mut all = vec![
        of("rate", "rated", (a, p.rate_width), 2),
        of("contrast, first term", "product_a", (a, r), lanes),
        of("contrast, second term", "product_b", (a, r), lanes),
    ];
    if design.is_complex() {
        all.push(of("rate, imaginary part", "turned", (a, p.rate_width), 2));
    }
    if back && design.feedback == Feedback::VectorField {
        all.push(of("contrast of the way back", "product_c", (a, r), lanes));
    }
    all.push(of("forward", "forward", (p.read_width, p.pre_width), lanes));
    all.push(of("transposed", "transposed", (p.read_width, a), lanes));
    let decay = design.weight_decay.raw << p.decay_shift;
    let ways = if back { 2 } else { 1 };
    let width = 64 - decay.unsigned_abs().leading_zeros();
    let products = of("weight decay", "gradient", (p.stored_width, width), ways * lanes);
    all.extend(by_constant(decay, products));
    if let Some(m) = design.momentum {
        let kept = m.factor.raw << p.momentum_shift;
        let width = 64 - kept.unsigned_abs().leading_zeros();
        all.extend(by_constant(kept, of("momentum", "gradient", (p.stored_width, width), lanes)));
    }
    all
}

/// Where the walk over kernels is, in addresses: by what a layer has of each.
fn walk(layout: &Layout) -> Vec<Multipliers> {
    let (side, channels, place) = (layout.side_width(), layout.channel_width(), layout.place_width());
    let (chunk, number) = (layout.chunk_width(), layout.number_width());
    let of = |what, register: &str, operands| {
        kind(what, "kernel_walk.v", &format!("u_kernels.u_walk.{register}"), operands, 1)
    };
    vec![
        of("place below", "below_b_q", (side, side)),
        of("place above", "above_b_q", (side, side)),
        of("tap of a kernel's row", "kernel_place_b_q", (side, layout.tap_width())),
        of("tap of its column", "kernel_place_b_q", (side, channels)),
        of("words of a chunk", "row_base_b_q", (chunk, layout.address_width())),
        of("neuron in memory", "number0_o", (place, number)),
        of("neuron", "index0_o", (place, channels)),
        of("word of states", "word0_o", (place, chunk + 1)),
        of("neuron above", "chunk_index0_o", (place, layout.index_width() + 1)),
    ]
}

fn neurons(design: &Design) -> Vec<Multipliers> {
    let width = |c: &Constant| c.format.width + 1;
    let mut all = Vec::new();
    for layer in units::first_layers(design) {
        let (n, m) = (design.neurons[layer - 1], design.datapath.neuron[layer - 1]);
        if design.is_complex() {
            all.extend(turned(design, layer));
            continue;
        }
        let of = |what, register: &str, operands| {
            let path = format!("u_neurons.u_neuron_{layer}.{register}");
            kind(what, "neuron_unit.v", &path, operands, 1)
        };
        if m.output {
            all.push(of("nudge", "pull", (n.state.width + 1, width(&design.beta))));
        }
        if Tables::of(design, layer).slope_of_state.is_some() {
            all.push(of("slope times drive", "gen_slope.f_q", (n.state.width + 1, n.drive.width + 1)));
        }
        if design.dynamics != Dynamics::Prototypical {
            let step = of("step", "gen_step.x_q", (m.e_width, width(&design.dt)));
            all.extend(by_constant(design.dt.raw, step));
        }
    }
    if design.is_complex() && design.is_softmax(design.output_layer()) {
        all.extend(turned_softmax(design));
    }
    if design.is_softmax(design.output_layer()) {
        let of = |what, register: &str, operands| {
            kind(what, "softmax_unit.v", &format!("u_neurons.u_softmax.{register}"), operands, 1)
        };
        all.push(of("probability", "product2_q", (16, 16)));
        all.extend(by_constant(design.beta.raw, of("pull", "scaled3", (18, width(&design.beta)))));
    }
    all
}

/// Of a unit of complex neurons.
fn turned(design: &Design, layer: usize) -> Vec<Multipliers> {
    let n = design.neurons[layer - 1];
    let path = |register: &str| format!("u_neurons.u_neuron_{layer}.{register}");
    let mut all = Vec::new();
    if design.datapath.neuron[layer - 1].output {
        let operands = (n.state.width, design.beta.format.width + 1);
        let of = |what, register: &str| {
            kind(what, "turned_neuron.v", &path(&format!("gen_nudge.{register}")), operands, 1)
        };
        all.extend([
            of("nudge of the real part", "of_real2_q"),
            of("of the imaginary part", "of_imaginary2_q"),
        ]);
    }
    if !design.is_softmax(layer) {
        let inner = ComplexLogistic::of(n.drive, n.state).inner_frac() as u32;
        let of = |what, register: &str, more: u32| {
            let path = path(&format!("gen_activation.u_logistic.{register}"));
            kind(what, "complex_logistic.v", &path, (inner + 1, inner + 1 + more), 1)
        };
        all.extend([
            of("square of the exponential", "square4_q", 0),
            of("exponential times cosine", "cos4_q", 1),
            of("exponential times sine", "sin4_q", 0),
            of("quotient, real part", "a8_q", 0),
            of("quotient, imaginary part", "b8_q", 0),
        ]);
    }
    all
}

/// Of a softmax of complex drives.
fn turned_softmax(design: &Design) -> Vec<Multipliers> {
    let sum = 16 + bits(design.classes());
    let of = |what, register: &str, operands, count| {
        kind(what, "complex_softmax.v", &format!("u_neurons.u_turned_softmax.{register}"), operands, count)
    };
    vec![
        of("exponential of an angle, cosine and sine", "cosine4_q", (16, 16), 2),
        of("square of the sum", "square_q", (sum, sum), 1),
        of("inverse of the sum", "inverse_q", (sum, 16), 1),
        of("probability, complex", "rr2_q", (17, 18), 4),
        of("pull, complex", "rr6_q", (design.beta.format.width + 1, 19), 4),
    ]
}

fn random_bits(design: &Design, layout: &Layout) -> Vec<Multipliers> {
    let drawn = |rounding| rounding == Rounding::Stochastic;
    let golden = |instance: &str| {
        let path = format!("u_neurons.{instance}.row");
        kind("row of random bits", "neuron_bits.v", &path, (32, 32), 1)
    };
    let mut all = Vec::new();
    if drawn(design.weight_modes.rounding) {
        let offset = GOLDEN.wrapping_mul(layout.lanes as u32 / 2);
        for (half, register) in [(offset & 0xFFFF, "chunk_low3_q"), (offset >> 16, "chunk_high3_q")] {
            let path = format!("u_column_key.{register}");
            let product = kind("rows of a chunk", "column_key.v", &path, (32, 16), 1);
            all.extend(by_constant(half.into(), product));
        }
    }
    if design.noise > 0.0 {
        all.extend(by_constant(GOLDEN.into(), golden("u_noise_bits")));
    }
    if drawn(design.drive_modes.rounding) {
        all.extend(by_constant(GOLDEN.into(), golden("u_drive_bits")));
    }
    if drawn(design.state_modes.rounding) {
        all.extend(by_constant(GOLDEN.into(), golden("u_state_bits")));
        if design.is_complex() {
            all.extend(by_constant(GOLDEN.into(), golden("u_imaginary_bits")));
        }
        if design.is_softmax(design.output_layer()) {
            all.extend(by_constant(GOLDEN.into(), golden("u_pull_bits")));
            if design.is_complex() {
                all.extend(by_constant(GOLDEN.into(), golden("u_turned_bits")));
                all.extend(by_constant(GOLDEN.into(), golden("u_turned_imaginary_bits")));
            }
        }
    }
    all
}
