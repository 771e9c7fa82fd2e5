//! What a network is, geometrically: layers of neurons, the synapses that join them, where a neuron lies in a vector
//! of all, what it commits, and what a pass visits. It knows no file, no number format and no circuit; everything else
//! asks it.

mod connection;
mod names;
mod pool;
mod record;
mod shape;
mod span;
mod visits;

pub use connection::{Connection, Grid, Kernel, Kind, Run, Unfit, Way};
pub use names::Site;
pub use pool::Pool;
pub use record::{KeptRecords, Part, PartName, Record, Records};
pub use shape::{Place, Shape};
pub use span::Spans;
pub use visits::{Learned, Moved, Visits};

use std::fmt;
use std::ops::{Range, RangeInclusive};

/// Layers of neurons, from the input (layer 0) to the output (layer L), joined by as many connections as there are layers
/// above the input: connection `l` leads to layer `l`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    input: Shape,
    connections: Vec<Connection>,
    spans: Spans,
}

impl Network {
    /// A network of these connections; each begins where the one before ends.
    ///
    /// # Panics
    /// Without a connection, or where they do not join.
    pub fn new(connections: Vec<Connection>) -> Network {
        assert!(!connections.is_empty(), "a network has an input and an output");
        for pair in connections.windows(2) {
            assert_eq!(pair[0].above(), pair[1].below(), "a layer has one shape");
        }
        let spans = Spans::of(connections.iter().map(|c| c.above().neurons()));
        Network { input: connections[0].below(), connections, spans }
    }

    /// Layers of so many neurons, from the input to the output, each joined to all of the next.
    ///
    /// # Panics
    /// With less than two layers.
    pub fn dense(neurons: &[usize]) -> Network {
        let join = |pair: &[usize]| Connection::dense(Shape::flat(pair[0]), pair[1]);
        Network::new(neurons.windows(2).map(join).collect())
    }

    /// L: the layers above the input, and the output layer's number.
    pub fn depth(&self) -> usize {
        self.connections.len()
    }

    /// Layers 1 to L.
    pub fn layers(&self) -> RangeInclusive<usize> {
        1..=self.depth()
    }

    /// Shape of layer `l` (0 to L).
    pub fn shape(&self, l: usize) -> Shape {
        if l == 0 { self.input } else { self.connections[l - 1].above() }
    }

    /// Shapes of all layers, the input first.
    pub fn shapes(&self) -> impl Iterator<Item = Shape> {
        (0..=self.depth()).map(|l| self.shape(l))
    }

    /// The layers as a design file has them: `[784, 512, 10]`.
    pub fn layers_text(&self) -> String {
        let layers = self.connections.iter().map(Connection::to_string);
        format!("[{}]", [self.input_text()].into_iter().chain(layers).collect::<Vec<_>>().join(", "))
    }

    fn input_text(&self) -> String {
        match self.input.places() {
            1 => self.input.to_string(),
            _ => format!("\"{}\"", self.input),
        }
    }

    /// Neurons of layer `l` (0 to L).
    pub fn neurons(&self, l: usize) -> usize {
        self.shape(l).neurons()
    }

    /// Input values.
    pub fn inputs(&self) -> usize {
        self.neurons(0)
    }

    /// Neurons of the output layer.
    pub fn outputs(&self) -> usize {
        self.neurons(self.depth())
    }

    /// The synapses that lead to layer `l` (1 to L).
    pub fn connection(&self, l: usize) -> &Connection {
        &self.connections[l - 1]
    }

    /// The synapses that lead to layers 1 to L, with the layer's number.
    pub fn connections(&self) -> impl DoubleEndedIterator<Item = (usize, &Connection)> + ExactSizeIterator {
        self.connections.iter().enumerate().map(|(i, c)| (i + 1, c))
    }

    /// True where some weights are used at many places.
    pub fn has_kernels(&self) -> bool {
        self.connections.iter().any(|c| !c.is_dense())
    }

    /// True where some layers are pooled to the largest of their sums: a neuron is then its state and a corner.
    pub fn has_corners(&self) -> bool {
        self.connections.iter().any(|c| c.pool() == Pool::Max)
    }

    /// Where layer `l` (1 to L) lies in a state vector.
    pub fn span(&self, l: usize) -> Range<usize> {
        self.spans.layer(l)
    }

    /// Length of a state vector: the neurons of layers 1 to L.
    pub fn states(&self) -> usize {
        self.spans.len()
    }

    /// Weights, biases not counted, of one way.
    pub fn weights(&self) -> usize {
        self.connections.iter().map(Connection::weights).sum()
    }
}

/// `784-512-10`.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shapes: Vec<String> = self.shapes().map(|s| s.to_string()).collect();
        f.write_str(&shapes.join("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dense_network_is_its_layers() {
        let network = Network::dense(&[6, 4, 3]);
        assert_eq!((network.depth(), network.inputs(), network.outputs(), network.states()), (2, 6, 3, 7));
        assert_eq!(network.to_string(), "6-4-3");
        assert_eq!(network.span(2), 4..7);
        assert_eq!(network.weights(), 24 + 12);
        let [first, second] = [1, 2].map(|l| *network.connection(l));
        assert_eq!((first.rows(), first.taps(), second.rows(), second.taps()), (4, 6, 3, 4));
    }
}
