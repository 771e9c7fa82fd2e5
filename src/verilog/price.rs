//! What a design's core takes of a device, as the model knows it: memory bits and multipliers.

use super::common_state_width;
use crate::design::Design;
use crate::schedule::Layout;

/// Multipliers of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multipliers {
    /// What they compute.
    pub what: &'static str,
    /// Widths of their two operands.
    pub bits: (u32, u32),
    /// How many there are.
    pub count: usize,
}

/// Memory and multipliers of a core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Bits of the weight memory, and of that of the weights on the way back where they are separate.
    pub weight_memory_bits: usize,
    /// Bits of the sums over a batch; none where a batch is one sample.
    pub batch_memory_bits: usize,
    /// Bits of the state memory.
    pub state_memory_bits: usize,
    /// Multipliers, by kind.
    pub multipliers: Vec<Multipliers>,
}

impl Price {
    /// The price of a design.
    pub fn of(design: &Design, layout: &Layout) -> Price {
        let (p, lanes) = (&design.datapath, layout.lanes);
        let state_width = common_state_width(design) as usize;
        let kind = |what, a, b, count| Multipliers { what, bits: (a, b), count };
        Price {
            weight_memory_bits: layout.weights.words() * lanes * p.stored_width as usize,
            batch_memory_bits: if design.is_batched() {
                layout.weights.forward_words() * lanes * p.batch_width as usize
            } else {
                0
            },
            state_memory_bits: layout.banks
                * (2 * layout.state_words * lanes * p.activity_width as usize
                    + layout.neurons() * (2 * p.activity_width as usize + state_width)),
            multipliers: vec![
                kind("rate", p.activity_width, p.rate_width, 2),
                kind("contrast", p.activity_width, p.rated_width, 2 * lanes),
                kind("forward", p.read_width, p.pre_width, lanes),
                kind("transposed", p.read_width, p.activity_width, lanes),
            ],
        }
    }

    /// Bits of all memories.
    pub fn memory_bits(&self) -> usize {
        self.weight_memory_bits + self.batch_memory_bits + self.state_memory_bits
    }

    /// Multipliers of all kinds.
    pub fn multiplier_count(&self) -> usize {
        self.multipliers.iter().map(|m| m.count).sum()
    }

    /// One-bit products that all multipliers form at once (the sum of the products of their operands' widths): what
    /// they cost where no DSP block is used.
    pub fn multiplier_bits(&self) -> usize {
        self.multipliers.iter().map(|m| m.count * (m.bits.0 * m.bits.1) as usize).sum()
    }
}
