//! Pooling: what lies between the map of a convolution and the layer of neurons above it.
//!
//! Synapses lead to the *map*, the places at which a kernel is used. Where it is pooled, four sums of it make the total of one
//! neuron; on the way back, and to the synapses that learn, the neuron shows an activity at each of the four: its *placed*
//! activity. Without a pool map and layer are the same.

use super::{Connection, Shape};
use std::fmt;

/// How four neighbouring sums of a map (2 x 2) make one total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

impl Connection {
    /// Where a corner of a neuron's window lies in the map.
    fn site(&self, neuron: usize, corner: usize) -> usize {
        let (place, window) = (self.above().place(neuron), self.pool().window());
        let (row, column) = (place.row * window + corner / WINDOW, place.column * window + corner % WINDOW);
        self.map().number(super::Place { row, column, ..place })
    }

    /// The numbers in the map of a neuron's window, its corners in ascending order.
    pub fn window(&self, neuron: usize) -> impl Iterator<Item = usize> + use<'_> {
        let corners = self.pool().window().pow(2);
        (0..corners).map(move |corner| self.site(neuron, corner))
    }

    /// Totals of the neurons from the sums of the map, and the corners that they come from (0 where the pool has none). A
    /// mean is left as the sum of four.
    pub fn pooled<T: Copy + PartialOrd>(&self, sums: &[T], add: impl Fn(T, T) -> T) -> (Vec<T>, Vec<u8>) {
        let of = |neuron| {
            let others = (0u8..).zip(self.window(neuron)).skip(1);
            others.fold((sums[self.site(neuron, 0)], 0), |(total, best), (corner, site)| match self.pool() {
                Pool::Average => (add(total, sums[site]), best),
                _ if sums[site] > total => (sums[site], corner),
                _ => (total, best),
            })
        };
        (0..self.above().neurons()).map(of).unzip()
    }

    /// What the neurons of the layer above show to each place of the map. A mean's four places show the whole activity: it
    /// counts a quarter there.
    pub fn placed<T: Copy + Default>(&self, activities: &[T], corners: &[u8]) -> Vec<T> {
        let mut map = vec![T::default(); self.map().neurons()];
        for (neuron, (&activity, &corner)) in activities.iter().zip(corners).enumerate() {
            match self.pool() {
                Pool::Max => map[self.site(neuron, corner.into())] = activity,
                Pool::None | Pool::Average => self.window(neuron).for_each(|site| map[site] = activity),
            }
        }
        map
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
        assert_eq!(c.window(1).collect::<Vec<_>>(), [1, 3, 5, 7]);
        let (totals, corners) = c.pooled(&SUMS, |a, b| a + b);
        assert_eq!((&totals[..], &corners[..]), (&[7, -5, 0, 3][..], &[1, 0, 0, 1][..]));
        let placed = c.placed(&[10, 20, 30, 40], &corners);
        assert_eq!(placed, [0, 20, 10, 0, 0, 0, 0, 0, 30, 0, 0, 40, 0, 0, 0, 0]);
    }

    #[test]
    fn a_mean_is_the_sum_of_four_and_shows_at_all_of_them() {
        let c = pooled_by(Pool::Average);
        let (totals, corners) = c.pooled(&SUMS, |a, b| a + b);
        assert_eq!((&totals[..], &corners[..]), (&[17, -25, 0, 7][..], &[0; 4][..]));
        let placed = c.placed(&[10, 20, 30, 40], &corners);
        assert_eq!(placed, [10, 20, 10, 20, 10, 20, 10, 20, 30, 40, 30, 40, 30, 40, 30, 40]);
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
