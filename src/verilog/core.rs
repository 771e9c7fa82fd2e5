//! What the templates of a core know of a design.

use super::program::{self, ProgramWord};
use super::units::{self, Unit};
use crate::design::limits;
use crate::design::{Design, Feedback, Keys, NudgeSign, Order, Rates, Rule, Tables};
use crate::fixed_point::{GOLDEN, Purpose, Rounding};
use crate::rules::Program;
use crate::schedule::{LAYER_GAP, LayerLayout, Layout, MIN_SLOT, SETTLE, bits};
use askama::Template;

/// A constant per layer, as a Verilog function.
struct LayerTable {
    name: &'static str,
    meaning: &'static str,
    width: u32,
    /// Its argument: a layer, or a set of learning rates and a layer.
    index: &'static str,
    index_width: u32,
    /// Layer (rate set and layer), constant.
    entries: Vec<(String, String)>,
}

/// What travels with a sample's label, each name with a comma behind it.
#[derive(Default)]
struct Marks {
    ports: String,
    wires: String,
    width: u32,
}

impl Marks {
    fn of(design: &Design) -> Marks {
        let mut all = Marks::default();
        for (port, wire, width) in [
            ("sample_rates_i", "rates", units::rates_width(design)),
            ("sample_ends_batch_i", "sample_last", u32::from(design.is_batched())),
        ] {
            if width > 0 {
                all.ports += &format!("{port}, ");
                all.wires += &format!("{wire}, ");
                all.width += width;
            }
        }
        all
    }
}

/// Everything that the templates ask for.
struct Facts {
    name: String,
    module: String,
    version: &'static str,
    design_file: String,
    /// What the circuit depends on, as comment lines.
    depends_on: String,
    sizes_text: String,
    rule_text: &'static str,
    input_format: String,
    inputs: usize,
    input_signed: bool,
    input_shift: u32,
    one: String,
    layers: usize,
    lanes: usize,
    neurons: usize,
    weight_words: usize,
    /// Weight words a column can have: forward, and back where separate.
    ways: usize,
    back_base: usize,
    back_words: usize,
    back_width: u32,
    host_width: u32,
    feedback: u32,
    decay: String,
    lane_width: u32,
    layer_width: u32,
    chunk_width: u32,
    count_width: u32,
    index_width: u32,
    input_index_width: u32,
    neuron_width: u32,
    word_width: u32,
    address_width: u32,
    bank_width: u32,
    program_width: u32,
    steps_width: u32,
    pass_width: u32,
    step_width: u32,
    input_width: u32,
    label_width: u32,
    activity_width: u32,
    wide_state: u32,
    state_width: u32,
    drive_width: u32,
    stored_width: u32,
    pre_width: u32,
    rate_width: u32,
    forward_width: u32,
    transposed_width: u32,
    total_width: u32,
    rated_width: u32,
    gradient_width: u32,
    dropped_bits: u32,
    update_shift: i32,
    weight_rounding: u32,
    weight_overflow: u32,
    uniform_width: u32,
    input_slot: usize,
    min_slot: u32,
    layer_gap: u32,
    drain: u32,
    settle: u32,
    /// Cycles from a whole drive to the new state.
    stages: u32,
    infer_start: usize,
    last_start: usize,
    batched: bool,
    rate_sets: usize,
    rates_width: u32,
    marks: Marks,
    batch: u32,
    batch_width: u32,
    random_sign: bool,
    even_odd: bool,
    nudge_name: &'static str,
    softmax: bool,
    pull_parameters: String,
    pull_drive_width: u32,
    pull_state_width: u32,
    pull_drive_wide: String,
    best: &'static str,
    best_width: u32,
    stochastic: bool,
    /// Uses of random bits, and their numbers.
    purposes: Vec<(&'static str, u32)>,
    stochastic_weight: bool,
    stochastic_drive: bool,
    stochastic_state: bool,
    chunk_golden: String,
    activity_table: bool,
    tables: Vec<LayerTable>,
    program: Vec<ProgramWord>,
    units: Vec<Unit>,
}

impl Facts {
    /// An unsigned signal of `from` bits on `to` bits.
    fn resize(&self, name: &str, from: &u32, to: &u32) -> String {
        match from.cmp(to) {
            std::cmp::Ordering::Less => format!("{{{}'d0, {name}}}", to - from),
            std::cmp::Ordering::Equal => name.to_owned(),
            std::cmp::Ordering::Greater => format!("{name}[{}:0]", to - 1),
        }
    }

    /// A signed signal of `from` bits on `to` bits; where these are fewer, its value is known to fit.
    fn extend(&self, name: &str, from: &u32, to: &u32) -> String {
        match from.cmp(to) {
            std::cmp::Ordering::Less => format!("{{{{{}{{{name}[{}]}}}}, {name}}}", to - from, from - 1),
            std::cmp::Ordering::Equal => name.to_owned(),
            std::cmp::Ordering::Greater => format!("{name}[{}:0]", to - 1),
        }
    }

    /// The bits of a signal from bit `low` up, on `to` bits.
    fn resize_high(&self, name: &str, from: &u32, low: &u32, to: &u32) -> String {
        if from <= low {
            return format!("{to}'d0");
        }
        let have = from - low;
        if have >= *to {
            format!("{name}[{}:{low}]", low + to - 1)
        } else {
            format!("{{{}'d0, {name}[{}:{low}]}}", to - have, from - 1)
        }
    }

    /// A signal shifted left by `low` bits, on `to` bits.
    fn resize_low(&self, name: &str, from: &u32, low: &u32, to: &u32) -> String {
        if to <= low {
            return format!("{to}'d0");
        }
        let room = to - low;
        format!("{{{}, {low}'d0}}", self.resize(name, from, &room))
    }
}

/// Two's complement literal.
fn literal(value: i64, width: u32) -> String {
    let mask = if width >= 64 { u64::MAX } else { (1u64 << width) - 1 };
    format!("{width}'h{:x}", value as u64 & mask)
}

/// A template over the facts.
macro_rules! template {
    ($name:ident, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path, escape = "none")]
        struct $name<'a>(&'a Facts);

        impl std::ops::Deref for $name<'_> {
            type Target = Facts;

            fn deref(&self) -> &Facts {
                self.0
            }
        }
    };
}
template!(CoreFile, "core.v");
template!(NeuronBankFile, "neuron_bank.v");
template!(PhaseProgramFile, "phase_program.v");
template!(LayerTableFile, "layer_table.vh");

/// The generated files of a core, with their names.
pub fn render(design: &Design, layout: &Layout, program: &Program) -> Vec<(String, String)> {
    let facts = facts(design, layout, program);
    let text = |t: askama::Result<String>| {
        // askama takes away a template's last end of line.
        t.unwrap_or_else(|e| unreachable!("the template is checked at compile time: {e}")) + "\n"
    };
    vec![
        (format!("{}.v", super::module_name(design)), text(CoreFile(&facts).render())),
        ("neuron_bank.v".to_owned(), text(NeuronBankFile(&facts).render())),
        ("phase_program.v".to_owned(), text(PhaseProgramFile(&facts).render())),
        ("layer_table.vh".to_owned(), text(LayerTableFile(&facts).render())),
    ]
}

fn facts(design: &Design, layout: &Layout, program: &Program) -> Facts {
    let p = &design.datapath;
    let depth = layout.depth();
    let layer_width = bits(depth + 1);
    let inputs = design.network.inputs();
    let largest_pre = layout.layers.iter().map(LayerLayout::pre).max().unwrap_or(1);
    let largest_post = layout.layers.iter().map(LayerLayout::post).max().unwrap_or(1);
    let largest_chunks = layout.layers.iter().map(|l| l.chunks).max().unwrap_or(1);
    let words = program::words(program);
    let rate_width = p.rate_width;
    let count_width = bits(largest_pre);
    let address_width = bits(layout.weights.forward_words());
    let neuron_width = bits(layout.neurons());
    let word_width = bits(layout.state_words);
    let chunk_width = bits(largest_chunks);
    let wait = |l, drive| layout.slot(l, drive).saturating_sub(layout.layer(l).row_length()) as i64;
    let layer_label = |l: usize| format!("{layer_width}'d{l}");
    let pre_base = |l: usize| if l < 2 { 0 } else { layout.network.span(l - 1).start as i64 };
    let per_layer = |name, meaning, width: u32, f: &dyn Fn(usize) -> i64| LayerTable {
        name,
        meaning,
        width,
        index: "layer",
        index_width: layer_width,
        entries: (1..=depth).map(|l| (layer_label(l), literal(f(l), width))).collect(),
    };
    let rate_sets = design.milestones.sets();
    let rates_width = units::rates_width(design);
    let per_rates = |name, meaning, is_bias| {
        if rate_sets == 1 {
            return per_layer(name, meaning, rate_width, &|l| p.rates[0].of(l, is_bias));
        }
        let of_set = |(set, rates): (usize, &Rates)| {
            let entry = |l| {
                let at = format!("{{{rates_width}'d{set}, {}}}", layer_label(l));
                (at, literal(rates.of(l, is_bias), rate_width))
            };
            (1..=depth).map(entry).collect::<Vec<_>>()
        };
        let entries = p.rates.iter().enumerate().flat_map(of_set).collect();
        LayerTable {
            name,
            meaning,
            width: rate_width,
            index: "rates_layer",
            index_width: rates_width + layer_width,
            entries,
        }
    };
    let tables = vec![
        per_layer("columns_of", "pre-synaptic neurons", count_width, &|l| {
            layout.layer(l).connection.taps() as i64
        }),
        per_layer("last_chunk_of", "chunks less one", chunk_width, &|l| layout.layer(l).chunks as i64 - 1),
        per_layer("last_lanes_of", "neurons in the last chunk", bits(layout.lanes - 1) + 1, &|l| {
            layout.weights.rows(l, layout.layer(l).chunks - 1).len() as i64
        }),
        per_layer("last_index_of", "neurons less one", 32, &|l| layout.layer(l).post() as i64 - 1),
        per_layer("weight_base_of", "first word in the weight memory", address_width, &|l| {
            layout.weights.forward(l).base as i64
        }),
        per_layer("row_length_of", "weight words of one chunk", address_width, &|l| {
            layout.layer(l).row_length() as i64
        }),
        per_layer(
            "drive_wait_of",
            "cycles to wait after a chunk (of layer 2 and up) that makes drives",
            10,
            &|l| wait(l, true),
        ),
        per_layer("learn_wait_of", "the same in a pass that only learns", 10, &|l| wait(l, false)),
        LayerTable {
            // One entry more: the output layer's own neurons.
            entries: (1..=depth + 1).map(|l| (layer_label(l), literal(pre_base(l), neuron_width))).collect(),
            ..per_layer("pre_base_of", "first pre-synaptic neuron among all neurons", neuron_width, &pre_base)
        },
        per_layer("word_base_of", "first post-synaptic state word of a bank", word_width, &|l| {
            layout.layer(l).word_base as i64
        }),
        per_layer("weight_shift_of", "alignment of weights", 6, &|l| i64::from(p.weight_shift[l - 1])),
        per_layer("bias_shift_of", "alignment of biases", 6, &|l| i64::from(p.bias_shift[l - 1])),
        per_layer("activity_shift_of", "alignment of activities", 6, &|l| i64::from(p.activity_shift[l])),
        per_rates("weight_rate_of", "learning rate over beta, aligned", false),
        per_rates("bias_rate_of", "the same for biases", true),
        per_layer("weight_width_of", "stored width of weights", 6, &|l| {
            i64::from(design.synapses[l - 1].weight.width)
        }),
        per_layer("bias_width_of", "stored width of biases", 6, &|l| {
            i64::from(design.synapses[l - 1].bias.width)
        }),
        per_layer("reset_activity_of", "activity of the state zero", p.activity_width, &|l| {
            Tables::of(design, l).rho_of_state.map_or(0, |t| t.at(0)) << p.activity_shift[l]
        }),
    ];
    let modes = [design.weight_modes, design.drive_modes, design.state_modes]
        .map(|m| m.rounding == Rounding::Stochastic);
    let uniform =
        design.synapses.iter().all(|s| s.weight.width == p.stored_width && s.bias.width == p.stored_width);
    let state_width = units::common_state_width(design);
    let output = design.neurons[depth - 1];
    Facts {
        name: design.name.clone(),
        module: super::module_name(design),
        version: env!("CARGO_PKG_VERSION"),
        depends_on: Keys::of_circuit(design).comment(),
        design_file: design.path.file_name().map(|f| f.to_string_lossy().into_owned()).unwrap_or_default(),
        sizes_text: design.network.to_string(),
        rule_text: match design.rule {
            Rule::Ep => "Equilibrium Propagation (free phase, nudged phase, one update)",
            Rule::SymmetricEp => {
                "Equilibrium Propagation with symmetric nudging (free, +beta, -beta, one update)"
            }
            Rule::Cep => "continual Equilibrium Propagation (an update at every nudged step)",
        },
        input_format: design.input.to_string(),
        inputs,
        input_signed: design.input.signed,
        input_shift: p.activity_shift[0],
        one: literal(1 << p.activity_frac, p.activity_width),
        layers: depth,
        lanes: layout.lanes,
        neurons: layout.neurons(),
        weight_words: layout.weights.forward_words(),
        ways: layout.ways(),
        back_base: if depth > 1 { layout.weights.forward(2).base } else { 0 },
        back_words: layout.weights.back_words(),
        back_width: bits(layout.weights.back_words()),
        host_width: layout.host_width(),
        feedback: match design.feedback {
            _ if layout.weights.back_words() == 0 => 0,
            Feedback::Tied => 0,
            Feedback::VectorField => 1,
            Feedback::KolenPollack => 2,
        },
        decay: match design.weight_decay.raw << p.decay_shift {
            0 => "0".to_owned(),
            decay => literal(decay, 64),
        },
        lane_width: bits(layout.lanes - 1),
        layer_width,
        chunk_width,
        count_width,
        index_width: bits(largest_post - 1),
        input_index_width: bits(inputs - 1),
        neuron_width,
        word_width,
        address_width,
        bank_width: bits(layout.banks - 1),
        program_width: bits(words.0.len()),
        steps_width: limits::STEPS_WIDTH,
        pass_width: limits::pass_width(design.order),
        step_width: limits::step_width(design),
        input_width: design.input.width,
        label_width: bits(design.classes() - 1),
        activity_width: p.activity_width,
        wide_state: state_width + p.activity_width,
        state_width,
        drive_width: units::common_drive_width(design),
        stored_width: p.stored_width,
        pre_width: p.pre_width,
        rate_width,
        forward_width: p.forward_width,
        transposed_width: p.transposed_width,
        total_width: p.total_width.max(p.forward_width + 1).max(p.transposed_width + 1),
        rated_width: p.rated_width,
        gradient_width: p.gradient_width,
        dropped_bits: p.dropped_bits,
        update_shift: p.update_shift,
        weight_rounding: design.weight_modes.rounding.code(),
        weight_overflow: design.weight_modes.overflow.code(),
        uniform_width: u32::from(uniform),
        input_slot: layout.slot(1, true),
        min_slot: MIN_SLOT,
        layer_gap: LAYER_GAP,
        drain: layout.drain(),
        settle: SETTLE,
        stages: layout.neuron.state,
        infer_start: words.1.infer,
        last_start: words.1.last,
        batched: design.is_batched(),
        rate_sets,
        rates_width,
        marks: Marks::of(design),
        batch: design.batch,
        batch_width: p.batch_width,
        nudge_name: if design.nudge_sign == NudgeSign::Random { "nudge_signed" } else { "nudge" },
        softmax: layout.softmax_outputs > 0,
        pull_parameters: units::pull_parameters(design),
        pull_drive_width: output.drive.width,
        pull_state_width: output.state.width,
        pull_drive_wide: units::widen(
            "pull_drive",
            output.drive.signed,
            output.drive.width,
            units::common_drive_width(design),
        ),
        best: if layout.softmax_outputs > 0 { "drive" } else { "state" },
        best_width: if layout.softmax_outputs > 0 { units::common_drive_width(design) } else { state_width },
        random_sign: design.nudge_sign == NudgeSign::Random,
        even_odd: design.order == Order::EvenOdd,
        stochastic: modes.contains(&true),
        purposes: [("weight", Purpose::Weight), ("drive", Purpose::Drive), ("state", Purpose::State)]
            .into_iter()
            .zip(modes)
            .filter(|&(_, used)| used)
            .map(|((name, purpose), _)| (name, purpose as u32))
            .collect(),
        stochastic_weight: modes[0],
        stochastic_drive: modes[1],
        stochastic_state: modes[2],
        chunk_golden: format!("32'h{:08X}", GOLDEN.wrapping_mul(layout.lanes as u32 / 2)),
        activity_table: layout.activity_latency > 0,
        tables,
        program: words.0,
        units: units::of(design, layer_width),
    }
}
