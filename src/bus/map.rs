//! The register map: the one description that Verilog, C header and Markdown are made of.

use crate::design::limits::{LABEL_WIDTH, MOST_STEPS, NUMBER_WIDTH, STEPS_WIDTH};
use crate::design::{Design, Feedback, Keys, NudgeSign, Rule};
use crate::schedule::Layout;

/// Who reads and writes a field, and what that does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Fixed when the hardware was generated.
    Constant(u32),
    /// What the hardware shows; read only.
    Status,
    /// Kept as written; the value is that after reset.
    Control(u32),
    /// Writing 1 does something once; reads 0.
    Pulse,
    /// Set by the hardware, cleared by writing 1.
    Event,
    /// Held in the core; read and written there.
    Load,
}

impl Access {
    /// The word of the documentation.
    pub fn word(self) -> &'static str {
        match self {
            Access::Constant(_) => "constant",
            Access::Status => "read",
            Access::Control(_) | Access::Load => "read, write",
            Access::Pulse => "write 1",
            Access::Event => "read, write 1 to clear",
        }
    }

    /// True where a write can do something.
    pub fn is_writable(self) -> bool {
        !matches!(self, Access::Constant(_) | Access::Status)
    }
}

/// Some bits of a register.
#[derive(Clone, Debug)]
pub struct Field {
    /// Upper case; empty where the register is one field.
    pub name: &'static str,
    /// Lowest bit.
    pub low: u32,
    /// Bits.
    pub width: u32,
    /// Who reads and writes it.
    pub access: Access,
    /// What it is.
    pub meaning: String,
}

/// A word of the map.
#[derive(Clone, Debug)]
pub struct Register {
    /// Upper case.
    pub name: String,
    /// Byte offset.
    pub offset: u32,
    /// Can only be written while the core is disabled and idle.
    pub idle_only: bool,
    /// From bit 0 upwards.
    pub fields: Vec<Field>,
}

impl Register {
    /// True where a write can do something; otherwise it is answered by SLVERR.
    pub fn is_writable(&self) -> bool {
        self.fields.iter().any(|f| f.access.is_writable())
    }

    /// Value after reset, where the description knows it.
    pub fn reset(&self) -> Option<u32> {
        let mut value = 0;
        for f in &self.fields {
            match f.access {
                Access::Constant(v) | Access::Control(v) => value |= v << f.low,
                Access::Pulse | Access::Event => {}
                Access::Status | Access::Load => return None,
            }
        }
        Some(value)
    }
}

/// Where the weights lie in the address space: one 32-bit word each, sign-extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Byte offset.
    pub base: u32,
    /// Weights, lanes without a neuron included.
    pub weights: u32,
}

/// The whole address space.
#[derive(Clone, Debug)]
pub struct Map {
    /// Bits of a byte address.
    pub address_width: u32,
    /// Ascending.
    pub registers: Vec<Register>,
    /// The weights.
    pub window: Window,
}

/// "EQHD", in ASCII.
const IDENTITY: u32 = 0x4551_4844;

impl Map {
    /// The register map of a design.
    pub fn of_design(design: &Design, layout: &Layout) -> Map {
        Map::of(design, layout, Keys::of_circuit(design).word())
    }

    /// The map of a design; `digest` tells one generated core from another.
    pub fn of(design: &Design, layout: &Layout, digest: u32) -> Map {
        let window_bits = layout.window_width();
        let window =
            Window { base: 1 << window_bits, weights: (layout.weights.words() * layout.lanes) as u32 };
        Map { address_width: window_bits + 1, registers: registers(design, digest, window), window }
    }
}

fn field(name: &'static str, low: u32, width: u32, access: Access, meaning: impl Into<String>) -> Field {
    Field { name, low, width, access, meaning: meaning.into() }
}

/// Collects registers at ascending offsets.
struct Builder {
    next: u32,
    registers: Vec<Register>,
}

impl Builder {
    fn push(&mut self, name: &str, fields: Vec<Field>) -> &mut Register {
        let register = Register { name: name.to_owned(), offset: self.next, idle_only: false, fields };
        self.next += 4;
        self.registers.push(register);
        self.registers.last_mut().unwrap_or_else(|| unreachable!("one has just been pushed"))
    }

    fn word(&mut self, name: &str, access: Access, meaning: impl Into<String>) -> &mut Register {
        self.push(name, vec![field("", 0, 32, access, meaning)])
    }

    /// Which core this is.
    fn identity(&mut self, digest: u32) {
        use Access::Constant;
        self.word("ID", Constant(IDENTITY), "`EQHD` in ASCII: this is a core made by eqhdl");
        self.word(
            "VERSION",
            Constant(version()),
            "of eqhdl: major in bits 23:16, minor in 15:8, patch in 7:0",
        );
        self.word("DESIGN", Constant(digest), "digest of the generated core: another design, another number");
    }

    /// What runs the core, and what it tells of itself.
    fn control(&mut self) {
        use Access::{Control, Event, Pulse, Status};
        self.push(
            "CONTROL",
            vec![
                field(
                    "ENABLE",
                    0,
                    1,
                    Control(0),
                    "samples may start; a sample under way is finished in any case",
                ),
                field("CLEAR", 1, 1, Pulse, "sets all counters (`TRAINED` to `WEIGHTS_AT_RAIL`) to zero"),
            ],
        );
        self.push(
            "STATUS",
            vec![
                field("BUSY", 0, 1, Status, "a sample is under way"),
                field(
                    "OPEN",
                    1,
                    1,
                    Status,
                    "disabled and idle: weights can be read, and they, `SEED`, `SAMPLE_NUMBER` and `STEPS` written",
                ),
                field("ROOM", 2, 1, Status, "the sample buffer takes another sample"),
                field("RESULT", 3, 1, Status, "results wait to leave by their stream"),
            ],
        );
        self.push(
            "ERRORS",
            vec![
                field(
                    "SHORT",
                    0,
                    1,
                    Event,
                    "a sample's packet ended early, or left out bytes, and was dropped",
                ),
                field(
                    "LONG",
                    1,
                    1,
                    Event,
                    "a sample's packet did not end with its last input, and was dropped",
                ),
                field("LABEL", 2, 1, Event, "a sample's header had no valid label; the packet was dropped"),
                field("REFUSED", 3, 1, Event, "an access was answered by SLVERR"),
            ],
        );
        self.push(
            "INTERRUPT",
            vec![
                field("RESULT", 0, 1, Control(0), "`EVENTS.RESULT` raises the interrupt line"),
                field("ERROR", 1, 1, Control(0), "any bit of `ERRORS` raises the interrupt line"),
            ],
        );
        self.push("EVENTS", vec![field("RESULT", 0, 1, Event, "a sample has ended")]);
    }

    /// What a sample depends on beside its inputs and the weights.
    fn settings(&mut self, design: &Design) {
        use Access::{Control, Load};
        self.word("SEED", Control(design.seed), "keys all random bits").idle_only = true;
        self.word("SAMPLE_NUMBER", Load, "of the present sample, or of the next; keys its random bits")
            .idle_only = true;
        let steps = format!("1 to {MOST_STEPS}; 0 counts as 1");
        self.push(
            "STEPS",
            vec![
                field(
                    "FREE",
                    0,
                    STEPS_WIDTH,
                    Control(design.free_steps),
                    format!("T: steps of the free phase, {steps}"),
                ),
                field(
                    "NUDGED",
                    STEPS_WIDTH,
                    STEPS_WIDTH,
                    Control(design.nudged_steps),
                    format!("K: steps of a nudged phase, {steps}"),
                ),
            ],
        )
        .idle_only = true;
    }

    /// The last sample's result.
    fn result(&mut self) {
        use Access::Status;
        self.push(
            "RESULT",
            vec![
                field("PREDICTION", 0, NUMBER_WIDTH, Status, "class read out at the end of the free phase"),
                field("LABEL", NUMBER_WIDTH, LABEL_WIDTH, Status, "as it came with the sample"),
                field("TRAIN", 31, 1, Status, "the sample was learned, not only classified"),
            ],
        );
        self.word("RESULT_NUMBER", Status, "sample number of that result");
        self.word("SIGNATURE", Status, "running word over all states and weights that the sample committed");
        self.word("CYCLES", Status, "cycles that the sample took");
        self.word("READS", Status, "of these, cycles that read weights");
    }

    /// Counters.
    fn counters(&mut self) {
        use Access::Status;
        self.word("TRAINED", Status, "training samples done");
        self.word("TRAINED_RIGHT", Status, "of these, predicted right (before they were learned)");
        self.word("INFERRED", Status, "other samples done");
        self.word("INFERRED_RIGHT", Status, "of these, predicted right");
        self.word("DROPPED", Status, "packets dropped");
        self.word("STATES_AT_LEAST", Status, "states committed at the least value of their format");
        self.word("STATES_AT_GREATEST", Status, "states committed at the greatest value of their format");
        self.word("WEIGHTS_AT_RAIL", Status, "weights and biases written at either end of their format");
    }

    /// Sizes and formats.
    fn shape(&mut self, design: &Design, window: Window) {
        use Access::Constant;
        let input = design.input;
        self.word("WINDOW", Constant(window.base), "byte offset of the weights");
        self.word("WEIGHTS", Constant(window.weights), "32-bit words there, lanes without a neuron included");
        self.word("LANES", Constant(design.lanes as u32), "P: weights of one word of the core's memory");
        self.word("WEIGHT_WIDTH", Constant(design.datapath.stored_width), "bits of a stored weight");
        self.push(
            "INPUT",
            vec![
                field("WIDTH", 0, 8, Constant(input.width), "bits of an input"),
                field(
                    "FRACTION",
                    8,
                    8,
                    Constant(input.frac as u32 & 0xFF),
                    "of these, fraction (two's complement)",
                ),
                field("SIGNED", 16, 1, Constant(input.signed.into()), "inputs have a sign"),
                field(
                    "SLOT",
                    24,
                    8,
                    Constant(super::slot_width(input.width)),
                    "bits of the stream that an input takes",
                ),
            ],
        );
    }

    /// The rule.
    fn rule(&mut self, design: &Design) {
        use Access::Constant;
        self.push(
            "RULE",
            vec![
                field(
                    "NAME",
                    0,
                    4,
                    Constant(match design.rule {
                        Rule::Ep => 0,
                        Rule::SymmetricEp => 1,
                        Rule::Cep => 2,
                        Rule::HolomorphicEp => 3,
                    }),
                    "0 EP, 1 symmetric EP, 2 continual EP, 3 holomorphic EP; fixed at generation",
                ),
                field(
                    "RANDOM_SIGN",
                    4,
                    1,
                    Constant((design.nudge_sign == NudgeSign::Random).into()),
                    "the nudge's sign is drawn for every sample",
                ),
                field(
                    "FEEDBACK",
                    5,
                    2,
                    Constant(match design.feedback {
                        Feedback::Tied => 0,
                        Feedback::VectorField => 1,
                        Feedback::KolenPollack => 2,
                    }),
                    "0 tied, 1 vector field, 2 Kolen-Pollack",
                ),
            ],
        );
    }

    /// Neurons of every layer.
    fn layers(&mut self, design: &Design) {
        use Access::Constant;
        self.word(
            "LAYERS",
            Constant(design.network.depth() as u32 + 1),
            "layers of neurons, the input included",
        );
        for (l, size) in design.network.shapes().map(|s| s.neurons()).enumerate() {
            self.word(&format!("SIZE{l}"), Constant(size as u32), format!("neurons of layer {l}"));
        }
    }
}

fn version() -> u32 {
    let part = |text: &str| text.parse::<u32>().unwrap_or(0) & 0xFF;
    part(env!("CARGO_PKG_VERSION_MAJOR")) << 16
        | part(env!("CARGO_PKG_VERSION_MINOR")) << 8
        | part(env!("CARGO_PKG_VERSION_PATCH"))
}

fn registers(design: &Design, digest: u32, window: Window) -> Vec<Register> {
    let mut b = Builder { next: 0, registers: Vec::new() };
    b.identity(digest);
    b.control();
    b.settings(design);
    b.next = 0x40;
    b.result();
    b.next = 0x80;
    b.counters();
    b.next = 0xC0;
    b.shape(design, window);
    b.rule(design);
    b.layers(design);
    b.registers
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn registers_and_fields_do_not_overlap() {
        for name in ["digits-cep", "digits-cvf", "mnist-cep", "digits-softmax"] {
            let path = format!("{}/designs/{name}.toml", env!("CARGO_MANIFEST_DIR"));
            let design = crate::design::load(Path::new(&path)).expect("a shipped design");
            let layout = Layout::of(&design);
            let map = Map::of(&design, &layout, 0);
            let mut end = 0;
            for r in &map.registers {
                assert!(r.offset >= end && r.offset.is_multiple_of(4), "{name}: {}", r.name);
                end = r.offset + 4;
                let mut bit = 0;
                for f in &r.fields {
                    assert!(f.low >= bit && f.low + f.width <= 32, "{name}: {}.{}", r.name, f.name);
                    bit = f.low + f.width;
                    if let Access::Constant(v) | Access::Control(v) = f.access {
                        assert!(f.width == 32 || v >> f.width == 0, "{name}: {}.{} = {v}", r.name, f.name);
                    }
                }
            }
            assert!(end <= map.window.base);
            assert!(map.window.base + 4 * map.window.weights <= 1 << map.address_width);
        }
    }
}
