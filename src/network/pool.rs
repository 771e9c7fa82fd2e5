//! Pooling: what lies between the map of a convolution and the layer of neurons above it.
//!
//! Synapses lead to the *map*, the places at which a kernel is used. Where it is pooled, four sums of it make the total of one
//! neuron; on the way back, and to the synapses that learn, the neuron shows an activity at each of the four: its *placed*
//! activity. Without a pool map and layer are the same.

use super::{Connection, Place, Shape};
use serde::Deserialize;
use std::fmt;
use std::ops::Range;

/// How four neighbouring sums of a map (2 x 2) make one total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// They do not: each is one.
    #[default]
    None,
    /// The largest; of equal ones that of the lowest row, then column. Which it was, its *corner* `2 row + column`, is part
    /// of the neuron's state.
    Max,
    /// Their mean.
    Average,
}

/// Rows and columns of a window.
const WINDOW: usize = 2;

impl Pool {
    /// Rows (and columns) of the map for each of the layer.
    pub fn window(self) -> usize {
        if self == Pool::None { 1 } else { WINDOW }
    }

    /// More fraction bits than the map's of a total, and of a placed activity than a neuron's: a mean of four is their sum
    /// on a finer grid.
    pub fn frac(self) -> u32 {
        if self == Pool::Average { 2 } else { 0 }
    }
}

/// As a design file has it.
impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pool::None => "none",
            Pool::Max => "max",
            Pool::Average => "average",
        })
    }
}

/// The neurons at one place of a layer, and the corners of their windows in the map: numbers of their first channels.
struct Window {
    neurons: Range<usize>,
    corners: [usize; WINDOW * WINDOW],
}

impl Window {
    /// The neurons' places in the map at a corner.
    fn at(&self, corner: usize) -> Range<usize> {
        let from = self.corners[corner];
        from..from + self.neurons.len()
    }
}

impl Connection {
    fn windows(&self) -> impl Iterator<Item = Window> + use<> {
        let (map, above, window) = (self.map(), self.above(), self.pool().window());
        (0..above.places()).map(move |place| {
            let (row, column) = (place / above.columns * window, place % above.columns * window);
            let corner = |at: usize| {
                map.number(Place { row: row + at / WINDOW, column: column + at % WINDOW, channel: 0 })
            };
            let first = place * above.channels;
            Window { neurons: first..first + above.channels, corners: std::array::from_fn(corner) }
        })
    }

    /// Totals of the neurons from the sums of the map, and the corners that they come from (0 where the pool has none). A
    /// mean is left as the sum of four.
    pub fn pooled<T: Copy + PartialOrd>(&self, sums: &[T], add: impl Fn(T, T) -> T) -> (Vec<T>, Vec<u8>) {
        if self.pool() == Pool::None {
            return (sums.to_vec(), vec![0; sums.len()]);
        }
        let mut totals = Vec::with_capacity(self.above().neurons());
        let mut corners = vec![0; self.above().neurons()];
        for window in self.windows() {
            totals.extend_from_slice(&sums[window.at(0)]);
            let totals = &mut totals[window.neurons.clone()];
            for corner in 1..WINDOW * WINDOW {
                let (sums, best) = (&sums[window.at(corner)], &mut corners[window.neurons.clone()]);
                for ((total, best), &sum) in totals.iter_mut().zip(best).zip(sums) {
                    if self.pool() == Pool::Average {
                        *total = add(*total, sum);
                    } else if sum > *total {
                        (*total, *best) = (sum, corner as u8);
                    }
                }
            }
        }
        (totals, corners)
    }

    /// What the neurons of the layer above show to each place of the map. A mean's four places show the whole activity: it
    /// counts a quarter there.
    pub fn placed<T: Copy + Default>(&self, activities: &[T], corners: &[u8]) -> Vec<T> {
        if self.pool() == Pool::None {
            return activities.to_vec();
        }
        let mut map = vec![T::default(); self.map().neurons()];
        for window in self.windows() {
            for corner in 0..WINDOW * WINDOW {
                let here = window.neurons.clone();
                let places = map[window.at(corner)].iter_mut();
                for ((place, &activity), &at) in places.zip(&activities[here.clone()]).zip(&corners[here]) {
                    if self.pool() == Pool::Average || usize::from(at) == corner {
                        *place = activity;
                    }
                }
            }
        }
        map
    }

    /// What the neurons of the layer above see of the map, at the places where they show themselves: the transpose of
    /// [`placed`](Self::placed).
    pub fn picked<T: Copy>(&self, map: &[T], corners: &[u8], add: impl Fn(T, T) -> T) -> Vec<T> {
        if self.pool() == Pool::None {
            return map.to_vec();
        }
        let of = |window: Window| {
            let seen = window.neurons.clone().enumerate().map(|(channel, neuron)| {
                let at = |corner: usize| map[window.corners[corner] + channel];
                match self.pool() {
                    Pool::Average => (1..WINDOW * WINDOW).map(at).fold(at(0), &add),
                    Pool::None | Pool::Max => at(corners[neuron].into()),
                }
            });
            seen.collect::<Vec<_>>()
        };
        self.windows().flat_map(of).collect()
    }
}

/// The layer of neurons above a map.
pub(super) fn above(map: Shape, pool: Pool) -> Shape {
    let window = pool.window();
    Shape { rows: map.rows / window, columns: map.columns / window, ..map }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Kernel;

    /// A map of 4 x 2 places and two channels, made by a kernel of one tap.
    fn pooled_by(pool: Pool) -> Connection {
        let below = Shape { rows: 4, columns: 2, channels: 1 };
        Connection::conv(below, 2, Kernel { size: 1, stride: 1, padding: 0, pool }).unwrap()
    }

    const SUMS: [i64; 16] = [1, -5, 7, -5, 7, -6, 2, -9, 0, 0, 0, 3, 0, 3, 0, 1];

    #[test]
    fn the_first_of_the_largest_sums_makes_the_total() {
        let c = pooled_by(Pool::Max);
        assert_eq!(c.above(), Shape { rows: 2, columns: 1, channels: 2 });
        let (totals, corners) = c.pooled(&SUMS, |a, b| a + b);
        assert_eq!((&totals[..], &corners[..]), (&[7, -5, 0, 3][..], &[1, 0, 0, 1][..]));
        let placed = c.placed(&[10, 20, 30, 40], &corners);
        assert_eq!(placed, [0, 20, 10, 0, 0, 0, 0, 0, 30, 0, 0, 40, 0, 0, 0, 0]);
        assert_eq!(c.picked(&SUMS, &corners, |a, b| a + b), totals);
    }

    #[test]
    fn a_mean_is_the_sum_of_four_and_shows_at_all_of_them() {
        let c = pooled_by(Pool::Average);
        let (totals, corners) = c.pooled(&SUMS, |a, b| a + b);
        assert_eq!((&totals[..], &corners[..]), (&[17, -25, 0, 7][..], &[0; 4][..]));
        let placed = c.placed(&[10, 20, 30, 40], &corners);
        assert_eq!(placed, [10, 20, 10, 20, 10, 20, 10, 20, 30, 40, 30, 40, 30, 40, 30, 40]);
        assert_eq!(c.picked(&SUMS, &corners, |a, b| a + b), totals);
    }

    #[test]
    fn without_a_pool_map_and_layer_are_the_same() {
        let c = pooled_by(Pool::None);
        assert_eq!(c.pooled(&SUMS, |a, b| a + b), (SUMS.to_vec(), vec![0; 16]));
        assert_eq!(c.placed(&SUMS, &[0; 16]), SUMS);
        let dense = Connection::dense(Shape::flat(3), 4);
        assert_eq!(dense.pooled(&SUMS[..4], |a, b| a + b), (SUMS[..4].to_vec(), vec![0; 4]));
    }
}
