//! Where each weight is kept, said once: from layer, row, tap and way to word and lane, and back.
//!
//! A word holds one tap (or the bias, behind the last) of P rows. The words of a chunk of rows lie one behind the other,
//! chunk after chunk, layer after layer; those of the way back, where it has weights of its own, in a memory that the
//! host sees behind the first, as are velocities.

use crate::design::Design;
use crate::network::{Connection, Network, Site, Way};
use std::ops::Range;

/// A word of weights: P rows of one tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightWord {
    /// Synapse layer, from 1.
    pub layer: usize,
    /// Which of its weights.
    pub way: Way,
    /// P rows each.
    pub chunk: usize,
    /// Tap of the connection; as many as there are taps: the bias.
    pub tap: usize,
}

/// What a second memory holds beside the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// The weights of the way back, where it has its own.
    WayBack,
    /// The velocities, with momentum.
    Velocities,
}

impl Beside {
    /// Of a design.
    pub fn of(design: &Design) -> Option<Beside> {
        match (design.has_separate_feedback(), design.momentum) {
            (true, _) => Some(Beside::WayBack),
            (false, Some(_)) => Some(Beside::Velocities),
            (false, None) => None,
        }
    }
}

/// The weights of one layer and way in the memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredLayer {
    /// Synapse layer, from 1.
    pub layer: usize,
    /// Which of its weights.
    pub way: Way,
    /// What they join.
    pub connection: Connection,
    /// First word, as the host counts them.
    pub base: usize,
    /// Chunks of P rows.
    pub chunks: usize,
}

impl StoredLayer {
    /// Words of one chunk: a tap each, and the bias.
    pub fn row_length(&self) -> usize {
        self.connection.taps() + 1
    }

    /// All words.
    pub fn words(&self) -> usize {
        self.chunks * self.row_length()
    }
}

/// The map of all weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightMap {
    lanes: usize,
    beside: Option<Beside>,
    /// In the order of their words; so lie the layers of [`Weights`](crate::reference::Weights), too.
    stored: Vec<StoredLayer>,
    forward_words: usize,
}

impl WeightMap {
    /// Of a network on so many lanes, with something beside the weights or not.
    pub fn of(network: &Network, lanes: usize, beside: Option<Beside>) -> WeightMap {
        let mut stored = Vec::new();
        let mut base = 0;
        let mut store = |(layer, connection): (usize, &Connection), way| {
            let chunks = connection.rows().div_ceil(lanes);
            let kept = StoredLayer { layer, way, connection: *connection, base, chunks };
            base += kept.words();
            stored.push(kept);
            base
        };
        let mut forward_words = 0;
        for connection in network.connections() {
            forward_words = store(connection, Way::Forward);
        }
        match beside {
            // Nothing goes back to the input.
            Some(Beside::WayBack) => {
                network.connections().skip(1).for_each(|connection| {
                    store(connection, Way::Back);
                });
            }
            Some(Beside::Velocities) => network.connections().for_each(|connection| {
                store(connection, Way::Velocity);
            }),
            None => {}
        }
        WeightMap { lanes, beside, stored, forward_words }
    }

    /// The layers, in the order of their words.
    pub fn layers(&self) -> &[StoredLayer] {
        &self.stored
    }

    /// The forward weights of synapse layer `l` (from 1).
    pub fn forward(&self, l: usize) -> &StoredLayer {
        &self.stored[l - 1]
    }

    /// Words of the first memory.
    pub fn forward_words(&self) -> usize {
        self.forward_words
    }

    /// Words of the memory beside; 0 where there is none.
    pub fn beside_words(&self) -> usize {
        self.words() - self.forward_words
    }

    /// Words of both, as the host sees them.
    pub fn words(&self) -> usize {
        self.stored.last().map_or(0, |s| s.base + s.words())
    }

    /// The word at an address.
    pub fn at(&self, address: usize) -> WeightWord {
        let s = &self.stored[self.stored.partition_point(|s| s.base <= address) - 1];
        let (chunk, tap) = ((address - s.base) / s.row_length(), (address - s.base) % s.row_length());
        WeightWord { layer: s.layer, way: s.way, chunk, tap }
    }

    /// Every word in the order of addresses, with its layer's place in [`layers`](Self::layers).
    pub fn all(&self) -> impl Iterator<Item = (usize, WeightWord)> {
        self.stored.iter().enumerate().flat_map(|(at, s)| {
            let word = |chunk, tap| WeightWord { layer: s.layer, way: s.way, chunk, tap };
            (0..s.chunks).flat_map(move |chunk| (0..s.row_length()).map(move |tap| (at, word(chunk, tap))))
        })
    }

    /// The rows that a chunk of synapse layer `l` holds, in its first lanes.
    pub fn rows(&self, l: usize, chunk: usize) -> Range<usize> {
        let first = chunk * self.lanes;
        first..(first + self.lanes).min(self.forward(l).connection.rows())
    }

    /// What a lane of a word holds.
    pub fn site(&self, word: WeightWord, lane: usize) -> Site {
        let WeightWord { layer, way, chunk, tap } = word;
        let tap = Some(tap).filter(|&tap| tap < self.forward(layer).connection.taps());
        let rows = self.rows(layer, chunk);
        if lane < rows.len() {
            Site::Weight { layer, way, row: rows.start + lane, tap }
        } else {
            Site::Padding { layer, way, word: chunk, lane, tap }
        }
    }

    /// Weights and biases in all words, padding not counted.
    pub fn weights(&self) -> usize {
        let of = |s: &StoredLayer| {
            s.connection.weights() + if s.way == Way::Back { 0 } else { s.connection.rows() }
        };
        self.stored.iter().map(of).sum()
    }

    /// What lies beside the weight of a tap of synapse layer `l`, if anything.
    pub fn beside(&self, l: usize, tap: usize) -> Option<Way> {
        match self.beside? {
            Beside::WayBack => (l > 1 && tap < self.forward(l).connection.taps()).then_some(Way::Back),
            Beside::Velocities => Some(Way::Velocity),
        }
    }

    /// Of the words beside, the one that goes with the first weight: that of synapse layer 2, or 1.
    pub fn beside_base(&self) -> usize {
        match self.beside {
            Some(Beside::WayBack) if self.stored.len() > 1 => self.forward(2).base,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_has_one_place() {
        let network = Network::dense(&[5, 9, 3, 7]);
        let map = WeightMap::of(&network, 4, Some(Beside::WayBack));
        assert_eq!((map.forward_words(), map.beside_words()), (3 * 6 + 10 + 2 * 4, 10 + 2 * 4));
        let all: Vec<_> = map.all().collect();
        assert_eq!(all.len(), map.words());
        for (address, (_, word)) in all.iter().enumerate() {
            assert_eq!(map.at(address), *word);
        }
        let rows = |l| (0..map.forward(l).chunks).flat_map(|c| map.rows(l, c)).collect::<Vec<_>>();
        assert_eq!(rows(1), (0..9).collect::<Vec<_>>());
        assert_eq!(
            [(2, 8), (2, 9), (1, 0)].map(|(l, tap)| map.beside(l, tap)),
            [Some(Way::Back), None, None]
        );
        assert_eq!(WeightMap::of(&network, 4, None).beside_words(), 0);
        let weights = 5 * 9 + 9 + 2 * 9 * 3 + 3 + 2 * 3 * 7 + 7;
        let site = |word, lane| matches!(map.site(word, lane), Site::Weight { .. });
        let held = all.iter().flat_map(|(_, word)| (0..4).filter(|&lane| site(*word, lane))).count();
        // The way back has no biases; their words are there all the same.
        assert_eq!((map.weights(), held), (weights, weights + 3 + 7));
        // Nine rows on four lanes: the third word has three lanes of padding.
        let third = WeightWord { layer: 1, way: Way::Forward, chunk: 2, tap: 5 };
        assert_eq!(map.site(third, 0), Site::Weight { layer: 1, way: Way::Forward, row: 8, tap: None });
        assert_eq!(
            map.site(third, 1),
            Site::Padding { layer: 1, way: Way::Forward, word: 2, lane: 1, tap: None }
        );
    }
}
