//! The loop nest of a pass, said once: which words of weights are visited, in which order, and where a pass waits.
//!
//! ```text
//! for each layer: for each chunk of P rows: for each tap that is visited, bias last
//! ```

use super::{CHAIN_SLOT, LAYER_GAP, Layout, MIN_SLOT};
use crate::network::{Moved, Visits};
use std::ops::Range;

/// What a pass over the synapses does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk<'a> {
    /// It visits the synapses of the input, whose drives are not known from a pass before.
    pub from_input: bool,
    /// It makes drives; else it only learns.
    pub drives: bool,
    /// Chunks in which nothing has moved are left out.
    pub moved: Option<Moved<'a>>,
}

/// A chunk of rows of one layer, as a pass visits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkVisit {
    /// Synapse layer, from 1.
    pub layer: usize,
    /// P rows each.
    pub chunk: usize,
    /// Words that are visited, the biases' included: a cycle each.
    pub words: usize,
    /// Cycles without a word before the next chunk begins.
    pub wait: usize,
}

/// A word of weights that a pass visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Synapse layer, from 1.
    pub layer: usize,
    /// P rows each.
    pub chunk: usize,
    /// Tap of the connection; as many as there are taps: the bias.
    pub tap: usize,
}

/// A word of records that a pass commits: those of a chunk of rows at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordWord {
    /// Layer, from 1.
    pub layer: usize,
    /// Which of its words.
    pub word: usize,
    /// Its place in a bank of the state memory.
    pub address: usize,
}

impl Layout {
    /// The chunks of a pass, in order, where so many inputs are not zero.
    pub fn chunks<'a>(&'a self, walk: Walk<'a>, active: usize) -> impl Iterator<Item = ChunkVisit> + 'a {
        let all = (1..=self.depth())
            .skip(usize::from(!walk.from_input))
            .flat_map(|layer| (0..self.layer(layer).chunks).map(move |chunk| (layer, chunk)));
        let rows = |(layer, chunk)| self.weights.rows(layer, chunk);
        let mut visited = all
            .filter(move |&at| walk.moved.is_none_or(|moved| moved.visits(&self.network, at.0, rows(at))))
            .peekable();
        std::iter::from_fn(move || {
            let (layer, chunk) = visited.next()?;
            let words = self.network.visited_taps(layer, active) + 1;
            let next = visited.peek().map(|next| next.0);
            let wait = next.map_or(0, |next| self.wait_behind(walk.drives, (layer, chunk), words, next));
            Some(ChunkVisit { layer, chunk, words, wait })
        })
    }

    /// The words of weights that a pass writes, in order.
    pub fn written<'a>(&'a self, visits: Visits<'a>) -> impl Iterator<Item = Visit> + 'a {
        let learn = Walk { from_input: true, drives: false, moved: visits.moved };
        let chunks = visits.learns().then(|| self.chunks(learn, visits.active.len()));
        chunks.into_iter().flatten().flat_map(move |ChunkVisit { layer, chunk, .. }| {
            let bias = self.network.connection(layer).taps();
            let taps = visits.taps(&self.network, layer).chain([bias]);
            taps.map(move |tap| Visit { layer, chunk, tap })
        })
    }

    /// The words of records that a pass commits, in any order.
    pub fn committed(&self, visits: Visits<'_>) -> impl Iterator<Item = RecordWord> + use<'_> {
        let layers = visits.relaxed.then(|| self.network.layers());
        layers.into_iter().flatten().flat_map(move |layer| {
            let l = self.layer(layer);
            (0..l.words()).map(move |word| RecordWord { layer, word, address: l.word_base + word })
        })
    }

    /// The neurons of a word of records, by their numbers in its layer, lane by lane.
    pub fn neurons_of(&self, RecordWord { layer, word, .. }: RecordWord) -> Range<usize> {
        let l = self.layer(layer);
        let rows = self.weights.rows(layer, word % l.chunks);
        let first = word / l.chunks * l.connection.above().channels + rows.start;
        first..first + rows.len()
    }

    /// Cycles between the first words of two chunks of a layer, at least, in a pass with or without drives.
    pub fn slot(&self, layer: usize, drives: bool) -> usize {
        let chain = self.layer(layer).chunks > 1 && drives;
        if chain { self.lanes + CHAIN_SLOT as usize } else { MIN_SLOT as usize }
    }

    /// Behind a chunk of so many words, where the next is one of layer `next`.
    fn wait_behind(&self, drives: bool, (layer, chunk): (usize, usize), words: usize, next: usize) -> usize {
        let mut wait = self.slot(layer, drives).saturating_sub(words);
        // The last outputs leave the drive chain behind all others.
        if drives && layer == self.depth() && chunk + 2 == self.layer(layer).chunks {
            wait += self.lanes;
        }
        if drives && next != layer {
            wait += LAYER_GAP as usize;
        }
        wait
    }
}
