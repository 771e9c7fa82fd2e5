//! A layer of synapses: which neurons it joins, and which weights do so.

use super::pool::{self, Pool};
use super::shape::{Place, Shape};
use std::fmt;

/// How a layer of synapses joins its neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every neuron with every neuron, each by a weight of its own.
    Dense,
    /// A kernel that is moved over the layer below: a correlation.
    Conv(Kernel),
}

/// What a convolution does at each place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Rows, and columns, of the kernel: 1 at least.
    pub size: usize,
    /// Places of the layer below from one place of the map to the next: 1 at least.
    pub stride: usize,
    /// Rows and columns of nothing around the layer below.
    pub padding: usize,
    /// How the map becomes a layer of neurons.
    pub pool: Pool,
}

/// Why a kernel cannot be moved over a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// So many rows or columns, padding counted, are fewer than the kernel has.
    Larger {
        /// Rows or columns, padding counted.
        room: usize,
    },
    /// The last step would leave so many rows or columns over.
    Uneven {
        /// Rows or columns, padding counted.
        room: usize,
        /// What is left.
        over: usize,
    },
    /// Some rows or columns of the kernel see nothing from any place of the map: they lie in the padding.
    Idle {
        /// Rows or columns that all see something.
        most: usize,
    },
    /// Some of the layer below is in no place of the map: the kernel has fewer rows and columns than a step.
    Unseen,
    /// A map of so many rows or columns has no whole number of windows.
    Odd {
        /// Rows or columns of the map.
        map: usize,
    },
}

impl Kernel {
    /// The map that it makes of a layer.
    fn map(&self, below: Shape, channels: usize) -> Result<Shape, Unfit> {
        if self.size < self.stride {
            return Err(Unfit::Unseen);
        }
        let along = |places: usize| {
            let room = places + 2 * self.padding;
            let steps = room.checked_sub(self.size).ok_or(Unfit::Larger { room })?;
            if !steps.is_multiple_of(self.stride) {
                return Err(Unfit::Uneven { room, over: steps % self.stride });
            }
            let map = steps / self.stride + 1;
            let sees = |tap: usize| (0..map).any(|at| self.seen(at, tap, places).is_some());
            if !(0..self.size).all(sees) {
                return Err(Unfit::Idle { most: places + self.padding });
            }
            if !map.is_multiple_of(self.pool.window()) {
                return Err(Unfit::Odd { map });
            }
            Ok(map)
        };
        Ok(Shape { rows: along(below.rows)?, columns: along(below.columns)?, channels })
    }

    /// Where a kernel's row (or column) lies in the layer below, seen from a row (or column) of the map.
    fn seen(&self, map: usize, tap: usize, places: usize) -> Option<usize> {
        (map * self.stride + tap).checked_sub(self.padding).filter(|&at| at < places)
    }

    /// From which rows (or columns) of the map a place below is seen, and by which of the kernel's.
    fn uses(self, at: usize, map: usize, places: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
        (0..self.size).filter_map(move |tap| {
            let position = (at + self.padding).checked_sub(tap)? / self.stride;
            (position < map && self.seen(position, tap, places) == Some(at)).then_some((position, tap))
        })
    }

    /// From how many rows (or columns) of the map a place below is seen, at most.
    fn most_uses(self, map: usize, places: usize) -> usize {
        (0..places).map(|at| self.uses(at, map, places).count()).max().unwrap_or(0)
    }

    /// Its taps, as a layer: rows, columns, and the channels below.
    fn square(&self, below: Shape) -> Shape {
        Shape { rows: self.size, columns: self.size, channels: below.channels }
    }
}

/// What a word of a synapse is: the direction in which a weight carries activity, or no weight at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the layer below, and back where one weight serves both ways.
    Forward,
    /// From the layer above, by a weight of its own.
    Back,
    /// The velocity of the weight that serves both ways, under momentum.
    Velocity,
}

/// How a kernel is moved over the layer below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Of the kernel.
    pub rows: usize,
    /// Of the kernel.
    pub columns: usize,
    /// Places of the layer below from one place of the map to the next.
    pub stride: usize,
    /// Rows and columns of nothing around the layer below.
    pub padding: usize,
}

/// Taps side by side that see neurons side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first tap.
    pub tap: usize,
    /// The first neuron of the layer below.
    pub pre: usize,
    /// How many.
    pub len: usize,
}

/// The synapses from one layer of neurons to the next.
///
/// A *row* is an output channel: the weights that lead to it, one a *tap*, and its bias. A row is used at every
/// *position*, a place of the *map*; [`pool`](super::pool) says how the map becomes the layer above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    kind: Kind,
    below: Shape,
    map: Shape,
    above: Shape,
}

impl Connection {
    /// Joins all neurons of the layer below with so many above.
    pub fn dense(below: Shape, neurons: usize) -> Connection {
        let above = Shape::flat(neurons);
        Connection { kind: Kind::Dense, below, map: above, above }
    }

    /// Moves a kernel over the layer below, once for each of so many channels.
    ///
    /// # Errors
    /// Why it cannot be moved there.
    pub fn conv(below: Shape, channels: usize, kernel: Kernel) -> Result<Connection, Unfit> {
        let map = kernel.map(below, channels)?;
        Ok(Connection { kind: Kind::Conv(kernel), below, map, above: pool::above(map, kernel.pool) })
    }

    /// How the neurons are joined.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// True where every neuron is joined with every neuron.
    pub fn is_dense(&self) -> bool {
        self.kind == Kind::Dense
    }

    /// How a kernel is moved; that of a dense layer is as large as the layer below, and has one place.
    pub fn grid(&self) -> Grid {
        match self.kind {
            Kind::Dense => Grid { rows: self.below.rows, columns: self.below.columns, stride: 1, padding: 0 },
            Kind::Conv(Kernel { size, stride, padding, .. }) => {
                Grid { rows: size, columns: size, stride, padding }
            }
        }
    }

    /// The most rows or columns of the layer below, padding counted.
    pub fn longest_side(&self) -> usize {
        self.below.rows.max(self.below.columns) + 2 * self.grid().padding
    }

    /// The pre-synaptic layer.
    pub fn below(&self) -> Shape {
        self.below
    }

    /// The places to which the synapses lead: those of the layer above, or more where it is pooled.
    pub fn map(&self) -> Shape {
        self.map
    }

    /// The post-synaptic layer.
    pub fn above(&self) -> Shape {
        self.above
    }

    /// How the map becomes the layer above.
    pub fn pool(&self) -> Pool {
        match self.kind {
            Kind::Dense => Pool::None,
            Kind::Conv(kernel) => kernel.pool,
        }
    }

    /// Distinct output channels.
    #[expect(clippy::misnamed_getters, reason = "a row of weights, not of places")]
    pub fn rows(&self) -> usize {
        self.map.channels
    }

    /// Weights of a row, its bias not counted. Those of a kernel are counted channels first, then columns, then rows.
    pub fn taps(&self) -> usize {
        match self.kind {
            Kind::Dense => self.below.neurons(),
            Kind::Conv(kernel) => kernel.size * kernel.size * self.below.channels,
        }
    }

    /// Row, column and channel below of a kernel's tap; `None` where every tap is a neuron.
    pub fn tap_place(&self, tap: usize) -> Option<Place> {
        let Kind::Conv(kernel) = self.kind else { return None };
        Some(kernel.square(self.below).place(tap))
    }

    /// Places at which a row is used.
    pub fn positions(&self) -> usize {
        self.map.places()
    }

    /// Number in the map of a row at a position.
    pub fn post(&self, position: usize, row: usize) -> usize {
        position * self.map.channels + row
    }

    /// Number of the pre-synaptic neuron that a tap sees from a position; `None` in the padding.
    pub fn pre(&self, position: usize, tap: usize) -> Option<usize> {
        let Kind::Conv(kernel) = self.kind else { return (position == 0).then_some(tap) };
        let (tap, columns) = (kernel.square(self.below).place(tap), self.map.columns);
        let row = kernel.seen(position / columns, tap.row, self.below.rows)?;
        let column = kernel.seen(position % columns, tap.column, self.below.columns)?;
        Some(self.below.number(Place { row, column, channel: tap.channel }))
    }

    /// Where a pre-synaptic neuron is seen from: positions and taps.
    pub fn uses(&self, pre: usize) -> Vec<(usize, usize)> {
        let Kind::Conv(kernel) = self.kind else { return vec![(0, pre)] };
        let (at, below, map) = (self.below.place(pre), self.below, self.map);
        let across = kernel.uses(at.column, map.columns, below.columns);
        let down = kernel.uses(at.row, map.rows, below.rows);
        let both = down.flat_map(|row| across.clone().map(move |column| (row, column)));
        both.map(|((row, tap_row), (column, tap_column))| {
            let tap = Place { row: tap_row, column: tap_column, channel: at.channel };
            (row * map.columns + column, kernel.square(below).number(tap))
        })
        .collect()
    }

    /// What a row sees from a position: taps side by side that see neurons side by side, in ascending order. Taps in the
    /// padding are in none of them.
    pub fn runs(&self, position: usize) -> impl Iterator<Item = Run> + use<> {
        let Connection { kind, below, map, .. } = *self;
        // One run of all taps, or one a row of the kernel.
        let rows = if let Kind::Conv(kernel) = kind { kernel.size } else { 1 };
        (0..rows).filter_map(move |tap_row| {
            let Kind::Conv(kernel) = kind else {
                return (position == 0).then_some(Run { tap: 0, pre: 0, len: below.neurons() });
            };
            let row = kernel.seen(position / map.columns, tap_row, below.rows)?;
            let from = position % map.columns * kernel.stride;
            let first = kernel.padding.saturating_sub(from);
            let end = kernel.size.min(below.columns + kernel.padding - from);
            let square = kernel.square(below);
            Some(Run {
                tap: square.number(Place { row: tap_row, column: first, channel: 0 }),
                pre: below.number(Place { row, column: from + first - kernel.padding, channel: 0 }),
                len: (end - first) * below.channels,
            })
        })
    }

    /// Most synapses that lead to one place of the map.
    pub fn fan_in(&self) -> usize {
        self.taps()
    }

    /// Most synapses that leave one neuron.
    pub fn fan_out(&self) -> usize {
        match self.kind {
            Kind::Dense => self.above.neurons(),
            Kind::Conv(kernel) => {
                let (map, below) = (self.map, self.below);
                let uses =
                    kernel.most_uses(map.rows, below.rows) * kernel.most_uses(map.columns, below.columns);
                uses * self.rows()
            }
        }
    }

    /// Positions at which a row has a post-synaptic activity other than zero, at most.
    pub fn active_positions(&self) -> usize {
        match self.pool() {
            Pool::Max => self.above.places(),
            Pool::None | Pool::Average => self.positions(),
        }
    }

    /// Weights, biases not counted.
    pub fn weights(&self) -> usize {
        self.rows() * self.taps()
    }

    /// Products of one pass over all synapses, one way, taps in the padding counted.
    pub fn products(&self) -> usize {
        self.weights() * self.positions()
    }
}

/// As a design file has it: `64`, or `{ conv = 16, kernel = 3, stride = 1, padding = 1, pool = "max" }`.
impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kind::Conv(Kernel { size, stride, padding, pool }) = self.kind else {
            return write!(f, "{}", self.above);
        };
        let channels = self.rows();
        write!(
            f,
            "{{ conv = {channels}, kernel = {size}, stride = {stride}, padding = {padding}, pool = \"{pool}\" }}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways of looking at a connection are the same synapses.
    fn agrees(c: Connection) {
        let mut forward = Vec::new();
        for position in 0..c.positions() {
            for tap in 0..c.taps() {
                forward.extend(c.pre(position, tap).map(|pre| (pre, position, tap)));
            }
        }
        let in_runs = (0..c.positions()).flat_map(|position| {
            let runs = c.runs(position);
            runs.flat_map(move |Run { tap, pre, len }| (0..len).map(move |i| (pre + i, position, tap + i)))
        });
        assert_eq!(forward, in_runs.collect::<Vec<_>>(), "{c:?}");
        forward.sort_unstable();
        let pre = 0..c.below().neurons();
        let mut back: Vec<_> =
            pre.flat_map(|pre| c.uses(pre).into_iter().map(move |(p, tap)| (pre, p, tap))).collect();
        back.sort_unstable();
        assert_eq!(forward, back, "{c:?}");
        let most = (0..c.below().neurons()).map(|pre| c.uses(pre).len() * c.rows()).max();
        assert_eq!(most, Some(c.fan_out()), "{c:?}");
        assert_eq!(c.post(c.positions() - 1, c.rows() - 1) + 1, c.map().neurons());
    }

    const BELOW: Shape = Shape { rows: 7, columns: 9, channels: 2 };

    #[test]
    fn seen_from_both_ends_it_is_the_same() {
        agrees(Connection::dense(Shape::flat(7), 3));
        agrees(Connection::dense(Shape { rows: 2, columns: 2, channels: 3 }, 4));
        let mut made = 0;
        for (size, stride, padding) in (1..=5)
            .flat_map(|k| [(k, 1), (k, 2)])
            .flat_map(|(k, s)| (0..k).map(move |padding| (k, s, padding)))
        {
            for pool in [Pool::None, Pool::Max, Pool::Average] {
                if let Ok(c) = Connection::conv(BELOW, 3, Kernel { size, stride, padding, pool }) {
                    agrees(c);
                    made += 1;
                }
            }
        }
        assert!(made > 20, "{made} kernels fit");
    }

    #[test]
    fn a_tap_sees_the_place_that_a_correlation_says() {
        let c =
            Connection::conv(BELOW, 3, Kernel { size: 3, stride: 2, padding: 1, pool: Pool::None }).unwrap();
        assert_eq!(c.map(), Shape { rows: 4, columns: 5, channels: 3 });
        assert_eq!((c.taps(), c.rows(), c.positions(), c.weights()), (18, 3, 20, 54));
        // Row 1, column 2 of the map: rows 1 to 3, columns 3 to 5 below.
        let position = 5 + 2;
        let at = |row, column, channel| Some(BELOW.number(Place { row, column, channel }));
        assert_eq!(c.pre(position, 0), at(1, 3, 0));
        assert_eq!(c.pre(position, 17), at(3, 5, 1));
        assert_eq!((c.pre(0, 0), c.pre(0, 8)), (None, at(0, 0, 0)));
        assert_eq!(c.tap_place(17), Some(Place { row: 2, column: 2, channel: 1 }));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let of = |size, stride, padding, pool| {
            Connection::conv(BELOW, 1, Kernel { size, stride, padding, pool }).map(|c| c.above())
        };
        assert_eq!(of(10, 1, 0, Pool::None), Err(Unfit::Larger { room: 7 }));
        assert_eq!(of(4, 2, 0, Pool::None), Err(Unfit::Uneven { room: 7, over: 1 }));
        assert_eq!(of(3, 1, 0, Pool::Max), Err(Unfit::Odd { map: 5 }));
        assert_eq!(of(1, 2, 0, Pool::None), Err(Unfit::Unseen));
        assert_eq!(of(2, 1, 0, Pool::Max), Ok(Shape { rows: 3, columns: 4, channels: 1 }));
    }
}
