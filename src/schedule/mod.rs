//! The loop nest, described once: which weight word is read in which cycle.
//!
//! ```text
//! for each step: for each layer: for each chunk of P post-synaptic neurons: for each pre-synaptic column, bias last
//! ```
//!
//! [`Layout`] gives the generator its addresses and widths; [`cycles`] predicts the hardware's cycle counter exactly;
//! the comparator walks [`Layout::columns`] in the order in which the hardware writes.

mod cycles;

pub use cycles::{Cycles, predict, predict_training};

use crate::design::{Design, Order};

/// Cycles between the first columns of two chunks, at least: the lanes' operands must have moved on.
pub const MIN_SLOT: u32 = 4;
/// The same, less the lanes, for chunks whose accumulators leave one by one through the drive chain.
pub const CHAIN_SLOT: u32 = 2;
/// Idle cycles between two layers of one pass: a hidden neuron's forward sum must be in memory when its transposed
/// sum completes.
pub const LAYER_GAP: u32 = 2;

/// Number of bits of `value` (at least one).
pub fn bits(value: usize) -> u32 {
    (usize::BITS - value.leading_zeros()).max(1)
}

/// One layer of synapses in the weight memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerLayout {
    /// Pre-synaptic neurons; column `pre` is the bias.
    pub pre: usize,
    /// Post-synaptic neurons.
    pub post: usize,
    /// Chunks of P post-synaptic neurons.
    pub chunks: usize,
    /// First word of the layer in the weight memory.
    pub weight_base: usize,
    /// First post-synaptic neuron among all neurons of layers 1 to L.
    pub neuron_base: usize,
    /// First word of its post-synaptic states in a bank of the state memory.
    pub word_base: usize,
}

impl LayerLayout {
    /// Words of one chunk: one per column, bias included.
    pub fn row_length(&self) -> usize {
        self.pre + 1
    }

    /// Weight memory address of a column of a chunk.
    pub fn address(&self, chunk: usize, column: usize) -> usize {
        self.weight_base + chunk * self.row_length() + column
    }
}

/// The memory map and the widths of all counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// P.
    pub lanes: usize,
    /// Synapse layers 1 to L (index 0 is layer 1).
    pub layers: Vec<LayerLayout>,
    /// Words of the weight memory.
    pub weight_words: usize,
    /// Words of the memory of weights on the way back, where they are separate: those of synapse layers 2 to L, at their
    /// address in the weight memory less that of layer 2.
    pub backward_words: usize,
    /// Outputs of a softmax read-out; 0 of any other.
    pub softmax_outputs: usize,
    /// Which layers move in a pass: outputs that rest cost a softmax read-out no cycle.
    pub order: Order,
    /// Neurons of layers 1 to L.
    pub neurons: usize,
    /// State words of one bank.
    pub state_words: usize,
    /// Banks of the state memory: present, next, previous and saved states.
    pub banks: usize,
    /// Extra cycles from a neuron's state to its activity (a table, for energy-based dynamics).
    pub activity_latency: u32,
}

impl Layout {
    /// The layout of a design.
    pub fn of(design: &Design) -> Layout {
        let lanes = design.lanes;
        let (mut weight_base, mut neuron_base, mut word_base) = (0, 0, 0);
        let mut layers = Vec::new();
        for l in 1..design.sizes.len() {
            let (pre, post) = (design.sizes[l - 1], design.sizes[l]);
            let layer =
                LayerLayout { pre, post, chunks: post.div_ceil(lanes), weight_base, neuron_base, word_base };
            weight_base += layer.chunks * layer.row_length();
            neuron_base += post;
            word_base += layer.chunks;
            layers.push(layer);
        }
        let backward_words = match layers.get(1) {
            Some(second) if design.has_separate_feedback() => weight_base - second.weight_base,
            _ => 0,
        };
        let slots = crate::rules::Program::of(design).slots();
        Layout {
            lanes,
            layers,
            weight_words: weight_base,
            backward_words,
            softmax_outputs: if design.is_softmax(design.output_layer()) { design.classes() } else { 0 },
            order: design.order,
            neurons: neuron_base,
            state_words: word_base,
            banks: (3 + slots).next_power_of_two(),
            activity_latency: u32::from(crate::design::Tables::of(design, 1).rho_of_state.is_some()),
        }
    }

    /// The weight words that a learning pass writes, in order: (layer from 1, chunk, column).
    pub fn columns<'a>(
        &'a self,
        active_inputs: &'a [u32],
    ) -> impl Iterator<Item = (usize, usize, usize)> + 'a {
        self.layers.iter().enumerate().flat_map(move |(i, layer)| {
            let visited = if i == 0 { active_inputs.len() } else { layer.pre };
            (0..layer.chunks).flat_map(move |chunk| {
                (0..=visited).map(move |k| {
                    let column = if k == visited {
                        layer.pre
                    } else if i == 0 {
                        active_inputs[k] as usize
                    } else {
                        k
                    };
                    (i + 1, chunk, column)
                })
            })
        })
    }

    /// Words of both weight memories, as the host port shows them one behind the other.
    pub fn memory_words(&self) -> usize {
        self.weight_words + self.backward_words
    }

    /// Bits of a word's number, as the host port counts it.
    pub fn host_width(&self) -> u32 {
        bits(self.memory_words())
    }

    /// Weight words of a column, forward and (where there are such) of the way back.
    pub fn ways(&self) -> usize {
        if self.backward_words > 0 { 2 } else { 1 }
    }

    /// True where a column of a synapse layer (from 1) has weights on the way back.
    pub fn has_backward(&self, layer: usize, column: usize) -> bool {
        self.ways() == 2 && layer > 1 && column < self.layers[layer - 1].pre
    }

    /// Cycles between the first columns of two chunks of a layer, at least, in a pass with or without drives.
    pub fn slot(&self, layer: &LayerLayout, drive: bool) -> usize {
        if layer.chunks > 1 && drive { self.lanes + CHAIN_SLOT as usize } else { MIN_SLOT as usize }
    }

    /// Layers of synapses.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }
}
