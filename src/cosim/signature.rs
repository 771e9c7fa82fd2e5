//! The running signature of everything committed: the twin of `hdl/signature.v` and of the fold in
//! `hdl/synapse_lanes.v`.

use crate::design::Design;
use crate::design::limits::NUMBER_WIDTH;
use crate::fixed_point::absorb;
use crate::network::Record;
use crate::reference::weights::beside_layer;
use crate::reference::{StepView, WeightSource};
use crate::schedule::{Layout, Visit};

const STATE_KEY: u32 = 0x5EED_57A7;
const WEIGHT_KEY: u32 = 0x5EED_3E16;
/// Chunks that a tag tells apart.
const CHUNKS_IN_TAG: u32 = 1 << 10;

/// The signature of one sample, step by step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signature {
    running: u32,
    sum: u32,
}

impl Signature {
    /// Adds a committed neuron of layer `layer` (1 to L), the parts of its record in one word.
    #[inline]
    fn neuron(&mut self, layer: usize, index: usize, record: u32) {
        let tag = (layer as u32) << 26 | index as u32 & 0xFFFF;
        self.sum = self.sum.wrapping_add(absorb(absorb(STATE_KEY, tag), record));
    }

    /// Adds a written chunk of weights, raw values of `width` bits; `backward` holds what lies beside them, if anything.
    #[inline]
    pub fn weights(&mut self, visit: Visit, forward: &[i32], backward: &[i32], width: u32) {
        let fold = fold(forward, width) ^ fold(backward, width).rotate_left(16);
        self.sum = self.sum.wrapping_add(absorb(weight_key(visit.layer, visit.chunk, visit.tap), fold));
    }

    /// Adds all records that a step has committed.
    pub fn records(&mut self, layout: &Layout, record: &Record, view: &StepView<'_>) {
        for word in layout.committed(view.visits) {
            let first = layout.network.span(word.layer).start;
            for number in layout.neurons_of(word) {
                let committed = record.word(|part| view.records.of(part)[first + number]);
                self.neuron(word.layer, number, committed);
            }
        }
    }

    /// Fetches a chunk as the hardware writes it and adds it. `lanes` becomes its weights, and behind them what lies
    /// beside (where the layout has anything there; 0 where this column has nothing).
    pub fn chunk(
        &mut self,
        design: &Design,
        layout: &Layout,
        source: &dyn WeightSource,
        visit: Visit,
        lanes: &mut [i32],
    ) {
        let Visit { layer, chunk, tap } = visit;
        let (forward, backward) = lanes.split_at_mut(layout.lanes);
        source.lanes(layer, tap, chunk * layout.lanes, forward);
        if layout.weights.beside(layer, tap).is_some() {
            source.lanes(beside_layer(design, layer), tap, chunk * layout.lanes, backward);
        } else {
            backward.fill(0);
        }
        self.weights(visit, forward, backward, design.datapath.stored_width);
    }

    /// Ends a step and returns the running word.
    #[inline]
    pub fn end_step(&mut self) -> u32 {
        self.running = self.running.rotate_left(1) ^ self.sum;
        self.sum = 0;
        self.running
    }
}

/// The key of a written chunk. A tag has room for ten bits of the chunk's number; those above turn the uppermost bits of
/// the absorbed tag over, so that no two chunks of a column share a key.
#[inline]
fn weight_key(layer: usize, chunk: usize, column: usize) -> u32 {
    let (low, high) = (chunk as u32 % CHUNKS_IN_TAG, chunk as u32 / CHUNKS_IN_TAG);
    absorb(WEIGHT_KEY, (layer as u32) << 26 | low << NUMBER_WIDTH | column as u32) ^ high << 26
}

/// One word of all lanes of a chunk; 0 of none.
#[inline]
fn fold(lanes: &[i32], width: u32) -> u32 {
    if lanes.is_empty() {
        return 0;
    }
    let mask = if width == 32 { u32::MAX } else { (1 << width) - 1 };
    // Two lanes make a pair, the odd one with its halves exchanged. Pair 8g + k turns by 5 for every later group and
    // by 4 for every later pair of its group.
    let group = (lanes.len() / 2).min(8);
    let mut folded = [0u32; 8];
    for pairs in lanes.chunks_exact(2 * group) {
        for (f, pair) in folded.iter_mut().zip(pairs.chunks_exact(2)) {
            *f = f.rotate_left(5) ^ (pair[1] as u32 & mask).rotate_left(16) ^ (pair[0] as u32 & mask);
        }
    }
    folded[..group].iter().fold(0u32, |fold, &f| fold.rotate_left(4) ^ f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::limits::{MOST_LAYERS, MOST_NEURONS};
    use std::collections::HashSet;

    #[test]
    fn no_two_chunks_of_a_column_share_a_key() {
        // The narrowest core, two lanes, has the most chunks.
        let chunks = MOST_NEURONS.div_ceil(2);
        for (layer, column) in [(1, 0), (MOST_LAYERS - 1, MOST_NEURONS)] {
            let keys: HashSet<u32> = (0..chunks).map(|chunk| weight_key(layer, chunk, column)).collect();
            assert_eq!(keys.len(), chunks, "layer {layer}, column {column}");
        }
    }

    #[test]
    fn a_chunk_that_the_tag_holds_has_the_key_it_always_had() {
        for (layer, chunk, column) in [(1, 0, 0), (2, 7, 64), (15, 1023, 65535)] {
            let tag = (layer << 26 | chunk << 16 | column) as u32;
            assert_eq!(weight_key(layer, chunk, column), absorb(WEIGHT_KEY, tag));
        }
    }
}
