//! What a pass over the network has visited: the one place that says what it leaves out.

use super::Network;
use std::ops::Range;

/// Which synapses have learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// None.
    Nothing,
    /// Those that a pass visits.
    Visited,
    /// All.
    All,
}

/// Which neurons have moved between the two states that a learning pass looks at. Chunks of rows that have not, above a layer
/// that has not, have no contrast, and are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved<'a> {
    /// Of layers 1 to L, one behind the other.
    pub neurons: &'a [bool],
    /// The pass makes drives, too, and visits all layers above the first: only the sums of the first are kept.
    pub drives: bool,
}

impl Moved<'_> {
    /// True where the pass visits these rows of synapse layer `l` (1 to L), which are neurons of layer `l`.
    pub fn visits(&self, network: &Network, l: usize, rows: Range<usize>) -> bool {
        let of = |l: usize| &self.neurons[network.span(l)];
        let any = |moved: &[bool]| moved.contains(&true);
        (self.drives && l > 1) || any(&of(l)[rows]) || (l > 1 && any(of(l - 1)))
    }
}

/// What a pass has visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visits<'a> {
    /// Inputs that are not zero, ascending.
    pub active: &'a [u32],
    /// Neurons have taken a time step: all have committed their records.
    pub relaxed: bool,
    /// Synapses whose weights were written.
    pub learned: Learned,
    /// Where chunks of them are left out: which neurons have moved.
    pub moved: Option<Moved<'a>>,
}

impl<'a> Visits<'a> {
    /// Of a pass that learns where these inputs are not zero.
    pub fn learning(active: &'a [u32]) -> Visits<'a> {
        Visits { active, relaxed: false, learned: Learned::Visited, moved: None }
    }

    /// True where synapses have learned.
    pub fn learns(&self) -> bool {
        self.learned != Learned::Nothing
    }

    /// The taps of the synapses to layer `l` (1 to L) whose weights were written, the bias not counted.
    pub fn taps(&self, network: &Network, l: usize) -> impl Iterator<Item = usize> + Clone + use<'a> {
        let (some, all) = match self.learned {
            Learned::Nothing => (&[][..], 0),
            Learned::Visited if network.leaves_out_zeros(l) => (self.active, 0),
            Learned::Visited | Learned::All => (&[][..], network.connection(l).taps()),
        };
        some.iter().map(|&j| j as usize).chain(0..all)
    }
}

impl Network {
    /// How many taps a pass visits of the synapses to layer `l` (1 to L), as [`Visits::taps`], where so many inputs are
    /// not zero.
    pub fn visited_taps(&self, l: usize, active: usize) -> usize {
        if self.leaves_out_zeros(l) { active } else { self.connection(l).taps() }
    }

    /// True of the synapses that do not visit inputs of zero, whose products and contrasts are zero: a dense layer's.
    pub fn leaves_out_zeros(&self, l: usize) -> bool {
        l == 1 && self.connection(l).is_dense()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Connection, Kernel, Pool, Shape};

    fn taps(network: &Network, l: usize, active: &[u32], learned: Learned) -> Vec<usize> {
        Visits { active, relaxed: true, learned, moved: None }.taps(network, l).collect()
    }

    #[test]
    fn a_dense_layer_on_the_input_leaves_zeros_out() {
        let network = Network::dense(&[6, 4, 3]);
        let taps = |l, learned| taps(&network, l, &[1, 4], learned);
        assert_eq!(taps(1, Learned::Visited), [1, 4]);
        assert_eq!(taps(2, Learned::Visited), [0, 1, 2, 3]);
        assert_eq!(taps(1, Learned::All), [0, 1, 2, 3, 4, 5]);
        assert!(taps(2, Learned::Nothing).is_empty());
        assert_eq!([1, 2].map(|l| network.visited_taps(l, 2)), [2, 4]);
    }

    #[test]
    fn a_kernel_leaves_nothing_out() {
        let image = Shape { rows: 1, columns: 3, channels: 2 };
        let kernel = Kernel { size: 1, stride: 1, padding: 0, pool: Pool::None };
        let conv = Connection::conv(image, 5, kernel).expect("it fits");
        let network = Network::new(vec![conv]);
        assert_eq!(taps(&network, 1, &[4], Learned::Visited), [0, 1]);
        assert_eq!(network.visited_taps(1, 1), 2);
    }
}
