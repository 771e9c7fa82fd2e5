//! What the templates of a core know of a design, group by group.

use super::layer_table::{self, LayerTable};
use super::program::{self, ProgramWord};
use super::units::{self, Unit};
use crate::design::{Circle, Design, Feedback, Keys, NudgeSign, Order, Rule, limits};
use crate::fixed_point::{GOLDEN, Purpose, Rounding, gaussian};
use crate::rules::{Program, Skips};
use crate::schedule::{CHAIN_SLOT, FEW_TAPS, FEW_WAIT, Layout, MIN_SLOT, SETTLE, bits};

/// What the heads of the files say.
pub(super) struct Head {
    pub name: String,
    pub module: String,
    pub version: &'static str,
    pub design_file: String,
    /// What the circuit depends on, as comment lines.
    pub depends_on: String,
    pub sizes_text: String,
    pub rule_text: &'static str,
    pub input_format: String,
}

/// How many there are.
pub(super) struct Counts {
    pub inputs: usize,
    pub layers: usize,
    pub lanes: usize,
    pub neurons: usize,
    /// Places of neurons in a bank of the state memory.
    pub neuron_places: usize,
    /// Of all layers.
    pub chunks: usize,
    /// Weight words a column can have: forward, and back where separate.
    pub ways: usize,
    pub weight_words: usize,
    pub back_base: usize,
    pub back_words: usize,
    pub batch: u32,
    pub rate_sets: usize,
    pub feedback: u32,
    /// How many words of the program are repeated, and how often they run.
    pub again_words: u32,
    pub again_times: u32,
    pub infer_start: usize,
    pub last_start: usize,
}

/// Bits of every signal.
pub(super) struct Widths {
    pub back_width: u32,
    pub host_width: u32,
    pub lane_width: u32,
    pub layer_width: u32,
    pub chunk_width: u32,
    /// Counts the chunks of all layers.
    pub list_width: u32,
    pub count_width: u32,
    pub index_width: u32,
    pub input_index_width: u32,
    pub neuron_width: u32,
    pub word_width: u32,
    pub address_width: u32,
    pub bank_width: u32,
    pub program_width: u32,
    pub steps_width: u32,
    pub pass_width: u32,
    pub step_width: u32,
    pub input_width: u32,
    pub label_width: u32,
    pub activity_width: u32,
    pub wide_state: u32,
    pub state_width: u32,
    /// All that a neuron commits.
    pub record_width: u32,
    pub drive_width: u32,
    pub stored_width: u32,
    pub pre_width: u32,
    pub rate_width: u32,
    pub forward_width: u32,
    pub transposed_width: u32,
    pub total_width: u32,
    pub rated_width: u32,
    pub gradient_width: u32,
    pub rates_width: u32,
    pub batch_width: u32,
    pub noise_width: u32,
    /// Of kernels: a neuron below in memory, or an input; rows and columns; channels; places.
    pub number_width: u32,
    pub side_width: u32,
    pub channel_width: u32,
    pub place_width: u32,
}

/// Constants of the arithmetic.
pub(super) struct Values {
    pub input_shift: u32,
    pub one: String,
    /// Of a circle's nudges, which have both signs.
    pub beta_width: u32,
    pub beta: String,
    pub decay: String,
    /// What is left of a velocity, on the grid of rate times contrast; 0 without momentum.
    pub momentum: String,
    pub velocity_width: u32,
    /// Its fraction bits below the weight's.
    pub velocity_finer: u32,
    pub velocity_purpose: u32,
    pub dropped_bits: u32,
    pub update_shift: i32,
    pub weight_rounding: u32,
    pub weight_overflow: u32,
    pub uniform_width: u32,
    pub chunk_golden: String,
    pub quantile_bits: u32,
    pub noise_file: &'static str,
    pub weight_purpose: u32,
}

/// Waits and latencies, in cycles.
pub(super) struct Timing {
    pub input_slot: usize,
    pub min_slot: u32,
    pub layer_gap: u32,
    pub drain: u32,
    pub settle: u32,
    /// Cycles from a whole drive to the new state.
    pub stages: u32,
    /// From a whole drive until the bits that its rounding is drawn with are asked for.
    pub drive: u32,
    pub few_taps: u64,
    pub few_wait: u64,
    pub chain_slot: u32,
}

/// What the circuit has.
pub(super) struct Options {
    pub input_signed: bool,
    pub batched: bool,
    pub momentum: bool,
    pub noise: bool,
    pub random_sign: bool,
    pub even_odd: bool,
    pub softmax: bool,
    /// States are complex.
    pub complex: bool,
    /// Passes that learn leave out chunks without contrast.
    pub lists: bool,
    /// Passes that would change nothing are left out,
    pub still: bool,
    /// also nudged ones,
    pub still_nudged: bool,
    /// also those in which synapses learn.
    pub still_plastic: bool,
    pub stochastic: bool,
    pub stochastic_weight: bool,
    pub stochastic_drive: bool,
    pub stochastic_state: bool,
    pub activity_table: bool,
    /// Weights are used at many places.
    pub kernels: bool,
    /// Some sums are pooled to their maximum.
    pub corners: bool,
}

/// The nudge, and the read-out of a softmax.
pub(super) struct Pull {
    pub nudge_name: &'static str,
    pub pull_parameters: String,
    /// Of the unit for complex drives.
    pub turned_parameters: String,
    pub pull_drive_width: u32,
    pub pull_state_width: u32,
    pub pull_drive_wide: String,
    pub best: &'static str,
    pub best_width: u32,
}

/// What travels with a sample's label, each name with a comma behind it.
#[derive(Default)]
pub(super) struct Marks {
    pub ports: String,
    pub wires: String,
    pub width: u32,
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

/// The key of a pass's random bits for one purpose.
pub(super) struct KeyOfPass {
    pub name: &'static str,
    pub purpose: u32,
    /// Looked at from stage 2 on, by the synapses; else from stage 15 on, by the neurons.
    pub of_synapses: bool,
}

/// Everything that the templates ask for.
pub(super) struct Facts {
    pub head: Head,
    pub n: Counts,
    pub w: Widths,
    pub v: Values,
    pub t: Timing,
    pub has: Options,
    pub pull: Pull,
    pub marks: Marks,
    /// Uses of random bits.
    pub purposes: Vec<KeyOfPass>,
    pub tables: Vec<LayerTable>,
    pub program: Vec<ProgramWord>,
    pub units: Vec<Unit>,
}

impl Facts {
    /// Of a design, its layout, and a program that its circuit can run.
    pub fn of(design: &Design, layout: &Layout, program: &Program) -> Facts {
        let (words, starts) = program::words(program);
        let w = widths(design, layout, words.len());
        Facts {
            head: head(design),
            n: counts(design, layout, &starts),
            v: values(design, layout),
            t: timing(layout),
            has: options(design, layout),
            pull: pull(design, layout),
            marks: Marks::of(design),
            purposes: purposes(design),
            tables: layer_table::tables(design, layout, &w),
            program: words,
            units: units::of(design, w.layer_width),
            w,
        }
    }

    /// An unsigned signal of `from` bits on `to` bits.
    pub fn resize(&self, name: &str, from: &u32, to: &u32) -> String {
        match from.cmp(to) {
            std::cmp::Ordering::Less => format!("{{{}'d0, {name}}}", to - from),
            std::cmp::Ordering::Equal => name.to_owned(),
            std::cmp::Ordering::Greater => format!("{name}[{}:0]", to - 1),
        }
    }

    /// A signed signal of `from` bits on `to` bits; where these are fewer, its value is known to fit.
    pub fn extend(&self, name: &str, from: &u32, to: &u32) -> String {
        match from.cmp(to) {
            std::cmp::Ordering::Less => format!("{{{{{}{{{name}[{}]}}}}, {name}}}", to - from, from - 1),
            std::cmp::Ordering::Equal => name.to_owned(),
            std::cmp::Ordering::Greater => format!("{name}[{}:0]", to - 1),
        }
    }

    /// A width, or that of a signal that is not looked at.
    pub fn at_least_one(&self, width: &u32) -> u32 {
        (*width).max(1)
    }

    /// The bits of a signal from bit `low` up, on `to` bits.
    pub fn resize_high(&self, name: &str, from: &u32, low: &u32, to: &u32) -> String {
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
    pub fn resize_low(&self, name: &str, from: &u32, low: &u32, to: &u32) -> String {
        if to <= low {
            return format!("{to}'d0");
        }
        let room = to - low;
        format!("{{{}, {low}'d0}}", self.resize(name, from, &room))
    }
}

/// Which of weights, drives and states are rounded at random.
fn stochastic(design: &Design) -> [bool; 3] {
    [design.weight_modes, design.drive_modes, design.state_modes].map(|m| m.rounding == Rounding::Stochastic)
}

fn purposes(design: &Design) -> Vec<KeyOfPass> {
    let [weight, drive, state] = stochastic(design);
    let all = [
        ("weight", Purpose::Weight, weight),
        ("velocity", Purpose::Velocity, weight && design.momentum.is_some()),
        ("drive", Purpose::Drive, drive),
        ("state", Purpose::State, state),
        ("noise", Purpose::Noise, design.noise > 0.0),
        ("imaginary_drive", Purpose::ImaginaryDrive, drive && design.is_complex()),
        ("imaginary_state", Purpose::ImaginaryState, state && design.is_complex()),
    ];
    let used = all.into_iter().filter(|&(_, _, used)| used);
    used.map(|(name, purpose, _)| KeyOfPass {
        name,
        purpose: purpose as u32,
        of_synapses: matches!(purpose, Purpose::Weight | Purpose::Velocity),
    })
    .collect()
}

fn head(design: &Design) -> Head {
    Head {
        name: design.name.clone(),
        module: super::module_name(design),
        version: env!("CARGO_PKG_VERSION"),
        design_file: design.path.file_name().map(|f| f.to_string_lossy().into_owned()).unwrap_or_default(),
        depends_on: Keys::of_circuit(design).comment(),
        sizes_text: design.network.to_string(),
        rule_text: match design.rule {
            Rule::Ep => "Equilibrium Propagation (free phase, nudged phase, one update)",
            Rule::SymmetricEp => {
                "Equilibrium Propagation with symmetric nudging (free, +beta, -beta, one update)"
            }
            Rule::Cep => "continual Equilibrium Propagation (an update at every nudged step)",
            Rule::HolomorphicEp => "holomorphic Equilibrium Propagation (complex states, nudges on a circle)",
        },
        input_format: design.input.to_string(),
    }
}

fn counts(design: &Design, layout: &Layout, starts: &program::Starts) -> Counts {
    let again = design.circle.and_then(Circle::repeated).unwrap_or((0, 1));
    Counts {
        inputs: design.network.inputs(),
        layers: layout.depth(),
        lanes: layout.lanes,
        neurons: layout.neurons(),
        neuron_places: layout.neuron_places(),
        chunks: layout.layers.iter().map(|l| l.chunks).sum(),
        ways: layout.ways(),
        weight_words: layout.weights.forward_words(),
        back_base: layout.weights.beside_base(),
        back_words: layout.weights.beside_words(),
        batch: design.batch,
        rate_sets: design.milestones.sets(),
        feedback: match design.feedback {
            _ if layout.weights.beside_words() == 0 => 0,
            Feedback::Tied => 0,
            Feedback::VectorField => 1,
            Feedback::KolenPollack => 2,
        },
        again_words: again.0,
        again_times: again.1,
        infer_start: starts.infer,
        last_start: starts.last,
    }
}

fn widths(design: &Design, layout: &Layout, words: usize) -> Widths {
    let p = &design.datapath;
    let state_width = units::common_state_width(design);
    Widths {
        back_width: bits(layout.weights.beside_words()),
        host_width: layout.host_width(),
        lane_width: bits(layout.lanes - 1),
        layer_width: bits(layout.depth() + 1),
        chunk_width: layout.chunk_width(),
        list_width: bits(layout.layers.iter().map(|l| l.chunks).sum()),
        count_width: layout.tap_width(),
        index_width: layout.index_width(),
        input_index_width: bits(design.network.inputs() - 1),
        neuron_width: layout.neuron_width(),
        word_width: bits(layout.state_words),
        address_width: layout.address_width(),
        bank_width: bits(layout.banks - 1),
        program_width: bits(words),
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
        rate_width: p.rate_width,
        forward_width: p.forward_width,
        transposed_width: p.transposed_width,
        total_width: p.total_width.max(p.forward_width + 1).max(p.transposed_width + 1),
        rated_width: p.rated_width,
        gradient_width: p.gradient_width,
        rates_width: units::rates_width(design),
        batch_width: p.batch_width,
        noise_width: p.noise_width,
        record_width: design.record().width(),
        number_width: layout.number_width(),
        side_width: layout.side_width(),
        channel_width: layout.channel_width(),
        place_width: layout.place_width(),
    }
}

fn values(design: &Design, layout: &Layout) -> Values {
    let p = &design.datapath;
    let uniform =
        design.synapses.iter().all(|s| s.weight.width == p.stored_width && s.bias.width == p.stored_width);
    Values {
        input_shift: p.activity_shift[0],
        one: literal(1 << p.activity_frac, p.activity_width),
        beta_width: units::beta_width(design),
        beta: literal(design.beta.raw, units::beta_width(design)),
        decay: match design.weight_decay.raw << p.decay_shift {
            0 => "0".to_owned(),
            decay => literal(decay, 64),
        },
        momentum: match design.momentum {
            Some(m) => literal(m.factor.raw << p.momentum_shift, 64),
            None => "0".to_owned(),
        },
        velocity_width: design.momentum.map_or(1, |m| m.width),
        velocity_finer: design.momentum.map_or(0, |m| m.finer),
        velocity_purpose: Purpose::Velocity as u32,
        dropped_bits: p.dropped_bits,
        update_shift: p.update_shift,
        weight_rounding: design.weight_modes.rounding.code(),
        weight_overflow: design.weight_modes.overflow.code(),
        uniform_width: u32::from(uniform),
        chunk_golden: format!("32'h{:08X}", GOLDEN.wrapping_mul(layout.lanes as u32 / 2)),
        weight_purpose: Purpose::Weight as u32,
        quantile_bits: gaussian::BITS,
        noise_file: super::NOISE_FILE,
    }
}

fn timing(layout: &Layout) -> Timing {
    Timing {
        input_slot: layout.slot(1, true),
        min_slot: MIN_SLOT,
        layer_gap: layout.layer_gap(),
        drain: layout.drain(),
        settle: SETTLE,
        stages: layout.neuron.state,
        drive: layout.neuron.drive.saturating_sub(4),
        few_taps: FEW_TAPS,
        few_wait: FEW_WAIT,
        chain_slot: CHAIN_SLOT + layout.chain_delay(),
    }
}

fn options(design: &Design, layout: &Layout) -> Options {
    let skips = Skips::of(design);
    Options {
        input_signed: design.input.signed,
        batched: design.is_batched(),
        momentum: design.momentum.is_some(),
        noise: design.noise > 0.0,
        random_sign: design.nudge_sign == NudgeSign::Random,
        even_odd: design.order == Order::EvenOdd,
        softmax: layout.softmax_outputs > 0,
        complex: design.is_complex(),
        lists: skips.chunks,
        still: skips.any,
        still_nudged: skips.nudged,
        still_plastic: skips.plastic,
        stochastic: stochastic(design).contains(&true) || design.noise > 0.0,
        stochastic_weight: stochastic(design)[0],
        stochastic_drive: stochastic(design)[1],
        stochastic_state: stochastic(design)[2],
        activity_table: layout.activity_latency > 0,
        kernels: layout.has_kernels(),
        corners: design.network.has_corners(),
    }
}

fn pull(design: &Design, layout: &Layout) -> Pull {
    let output = design.neurons[layout.depth() - 1];
    let state_width = units::common_state_width(design);
    Pull {
        nudge_name: if design.nudge_sign == NudgeSign::Random { "nudge_signed" } else { "nudge" },
        pull_parameters: units::pull_parameters(design),
        turned_parameters: match design.is_complex() && layout.softmax_outputs > 0 {
            true => units::turned_pull_parameters(design),
            false => String::new(),
        },
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
    }
}

/// Two's complement literal.
pub(super) fn literal(value: i64, width: u32) -> String {
    let mask = if width >= 64 { u64::MAX } else { (1u64 << width) - 1 };
    format!("{width}'h{:x}", value as u64 & mask)
}
