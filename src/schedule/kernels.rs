//! The loop nests of a network with kernels, cycle by cycle. The twin of `hdl/kernel_walk.v`, which says them.

use super::{CHAIN_SLOT, FEW_TAPS, FEW_WAIT, Layout};
use crate::network::{Connection, Grid};

/// From the beginning of a pass until its first tap is issued.
const START: u64 = 7;

/// What a walk over the synapses takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Walked {
    /// Cycles from the beginning of the pass to its last tap.
    pub cycles: u64,
    /// Words of weights that are read.
    pub reads: u64,
}

/// All walks of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KernelWalks {
    /// A pass that makes drives, from the input and from layer 2 on.
    pub relax: Walked,
    /// See [`relax`](Self::relax).
    pub relax_above: Walked,
    /// A pass that learns.
    pub learn: Walked,
    /// A pass that applies what a batch has added up.
    pub apply: Walked,
}

impl KernelWalks {
    pub fn of(layout: &Layout) -> KernelWalks {
        KernelWalks {
            relax: layout.walk_to_relax(true),
            relax_above: layout.walk_to_relax(false),
            learn: layout.walk_to_learn(false),
            apply: layout.walk_to_learn(true),
        }
    }
}

impl Layout {
    /// A pass that makes drives.
    fn walk_to_relax(&self, from_input: bool) -> Walked {
        let mut walked = Walked::default();
        self.corners(from_input, |corner| {
            walked.cycles = START + corner.end + 1;
            walked.reads += corner.taps + 1;
        });
        walked
    }

    /// Every corner that a pass visits to make drives, in order.
    fn corners(&self, from_input: bool, mut visit: impl FnMut(Corner)) {
        let lanes = self.lanes as u64;
        // When the next corner may begin, and when the next chunk's sums may reach the drive chain.
        let (mut next, mut chain) = (0, 0);
        for l in (1..=self.depth()).skip(usize::from(!from_input)) {
            let (layer, last_layer) = (self.layer(l), l == self.depth());
            let windows = windows(&layer.connection);
            for (at, corners) in windows.iter().enumerate() {
                for chunk in 0..layer.chunks {
                    for (k, &(position, taps)) in corners.iter().enumerate() {
                        let (closes, last_chunk) = (k + 1 == corners.len(), chunk + 1 == layer.chunks);
                        let mut corner = Corner { layer: l, position, taps, start: next, end: next + taps };
                        if closes {
                            corner.end = corner.end.max(chain);
                            chain = corner.end + lanes + u64::from(CHAIN_SLOT + self.chain_delay());
                        }
                        let gap = if closes && last_chunk && at + 1 == windows.len() {
                            u64::from(self.layer_gap())
                        } else if last_layer && closes && chunk + 2 == layer.chunks {
                            // The output layer's neurons and the last hidden layer's share the neuron unit.
                            lanes
                        } else {
                            0
                        };
                        let few = if taps <= FEW_TAPS { FEW_WAIT } else { 0 };
                        next = corner.end + 1 + few + gap;
                        visit(corner);
                    }
                }
            }
        }
    }

    /// A pass that learns, or (`apply`) one that applies what a batch has added up.
    fn walk_to_learn(&self, apply: bool) -> Walked {
        // A cycle before each further layer, until it is known what the layer is.
        let mut walked = Walked { cycles: START + self.layers.len() as u64 - 1, reads: 0 };
        for layer in &self.layers {
            let c = &layer.connection;
            let Grid { rows, columns, .. } = c.grid();
            let channels = c.below().channels;
            for place in 0..rows * columns {
                let uses = if apply { 1 } else { uses(c, place * channels) };
                walked.visit((layer.chunks * channels) as u64 * uses, layer.chunks);
            }
            let positions = if apply { 1 } else { c.positions() as u64 };
            walked.visit(layer.chunks as u64 * positions, layer.chunks);
        }
        walked
    }
}

impl Walked {
    /// So many words, and a cycle before each change of a kernel's place.
    fn visit(&mut self, reads: u64, changes: usize) {
        self.reads += reads;
        self.cycles += reads + changes as u64;
    }
}

/// From how many places of the map a tap sees a neuron.
fn uses(c: &Connection, tap: usize) -> u64 {
    (0..c.positions()).filter(|&position| c.pre(position, tap).is_some()).count() as u64
}

/// A corner of a window, as a pass visits it for one chunk: its bias, then its taps; it waits before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Corner {
    layer: usize,
    position: usize,
    /// Those that see neurons.
    taps: u64,
    /// Of the bias.
    start: u64,
    /// Of the last tap.
    end: u64,
}

/// Positions, and how many of their taps see neurons, corner by corner, of each window of the map.
fn windows(c: &Connection) -> Vec<Vec<(usize, u64)>> {
    let (map, window) = (c.map(), c.pool().window());
    let corner = |row, column| {
        let position = row * map.columns + column;
        (position, c.runs(position).map(|run| run.len as u64).sum())
    };
    let places = (0..c.above().rows).flat_map(|row| (0..c.above().columns).map(move |column| (row, column)));
    let of = |(row, column): (usize, usize)| {
        let corners = (0..window).flat_map(|r| (0..window).map(move |k| (r, k)));
        corners.map(|(r, k)| corner(row * window + r, column * window + k)).collect()
    };
    places.map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{Design, load};
    use crate::network::{Kernel, Network, Pool, Shape};
    use std::path::Path;

    /// From one use of a neuron's transposed sum to the next there is time to read and to write it (`hdl/drive_path.v`).
    #[test]
    fn no_transposed_sum_is_read_before_it_is_written() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/digits-ep.toml");
        let design = load(&path).unwrap();
        let shapes =
            (1..5).flat_map(|rows| (1..6).flat_map(move |columns| (1..4).map(move |c| (rows, columns, c))));
        let (mut tried, mut nearest) = (0, u64::MAX);
        for (rows, columns, channels) in shapes {
            let below = Shape { rows, columns, channels };
            let sizes = (1..=4).flat_map(|k| [(k, 1), (k, 2)]);
            for (size, stride, padding) in sizes.flat_map(|(k, s)| (0..k).map(move |p| (k, s, p))) {
                for (pool, lanes) in [(Pool::None, 2), (Pool::Max, 2), (Pool::None, 4)] {
                    let kernel = Kernel { size, stride, padding, pool };
                    let Ok(conv) = Connection::conv(below, 3, kernel) else { continue };
                    let network = Network::new(vec![conv, Connection::dense(conv.above(), 2)]);
                    let layout = Layout::of(&Design { network, lanes, ..design.clone() });
                    let mut used = vec![None; below.neurons()];
                    layout.corners(true, |corner| {
                        let mut times =
                            (corner.start + 1..).take(corner.taps as usize - 1).chain([corner.end]);
                        if corner.layer > 1 {
                            return;
                        }
                        for run in conv.runs(corner.position) {
                            for (pre, time) in (run.pre..run.pre + run.len).zip(times.by_ref()) {
                                if let Some(before) = used[pre].replace(time) {
                                    nearest = nearest.min(time - before);
                                }
                            }
                        }
                    });
                    tried += 1;
                }
            }
        }
        assert!(tried > 500, "{tried} kernels");
        assert_eq!(nearest, 4, "no less, and none to spare");
    }
}
