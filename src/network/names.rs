//! What neurons and synapses are called.

use super::{Network, Shape, Way};

/// A place in a network, as a difference or an explanation names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// No place: a number of the whole sample.
    Sample,
    /// A layer (1 to L).
    Layer(usize),
    /// A neuron, by its number in its layer.
    Neuron {
        /// 1 to L.
        layer: usize,
        /// From 0.
        number: usize,
    },
    /// A weight or bias.
    Weight {
        /// The layer that the synapses lead to, 1 to L.
        layer: usize,
        /// Which of the two.
        way: Way,
        /// Output channel: the post-synaptic neuron of a dense layer.
        row: usize,
        /// The pre-synaptic neuron of a dense layer; none: the bias.
        tap: Option<usize>,
    },
    /// A lane of a word of weights that holds none.
    Padding {
        /// The layer that the synapses lead to, 1 to L.
        layer: usize,
        /// Which of the two.
        way: Way,
        /// Which of its words of this tap.
        word: usize,
        /// Which of its lanes.
        lane: usize,
        /// As of a weight.
        tap: Option<usize>,
    },
}

impl Site {
    /// The layer (synapses: the one that they lead to); 0 of none.
    pub fn layer(self) -> usize {
        match self {
            Site::Sample => 0,
            Site::Layer(layer)
            | Site::Neuron { layer, .. }
            | Site::Weight { layer, .. }
            | Site::Padding { layer, .. } => layer,
        }
    }

    /// The neuron, or the row of a weight.
    pub fn neuron(self) -> Option<usize> {
        match self {
            Site::Neuron { number, .. } => Some(number),
            Site::Weight { row, .. } => Some(row),
            Site::Sample | Site::Layer(_) | Site::Padding { .. } => None,
        }
    }

    /// The tap of a weight; none of a bias, and of all else.
    pub fn tap(self) -> Option<usize> {
        match self {
            Site::Weight { tap, .. } | Site::Padding { tap, .. } => tap,
            Site::Sample | Site::Layer(_) | Site::Neuron { .. } => None,
        }
    }
}

impl Network {
    /// What a neuron of layer `l` (0 to L) is called.
    pub fn neuron_name(&self, l: usize, number: usize) -> String {
        let shape = self.shape(l);
        if shape == Shape::flat(shape.channels) {
            return format!("neuron {number} of layer {l}");
        }
        let place = shape.place(number);
        format!("layer {l}, channel {} at row {}, column {}", place.channel, place.row, place.column)
    }

    /// What is at a site.
    pub fn name(&self, site: Site) -> String {
        match site {
            Site::Sample => "the sample".to_owned(),
            Site::Layer(layer) => format!("layer {layer}"),
            Site::Neuron { layer, number } => self.neuron_name(layer, number),
            Site::Weight { layer, row, tap: None, .. } => format!("bias of {}", self.neuron_name(layer, row)),
            Site::Weight { layer, way, row, tap: Some(tap) } => {
                let (pre, post) = (self.neuron_name(layer - 1, tap), self.neuron_name(layer, row));
                match way {
                    Way::Forward => format!("weight from {pre} to {post}"),
                    Way::Back => format!("weight back from {post} to {pre}"),
                }
            }
            Site::Padding { layer, word, lane, tap, .. } => {
                let what = tap
                    .map_or("bias".to_owned(), |j| format!("weight of {}", self.neuron_name(layer - 1, j)));
                format!("{what} in lane {lane} of word {word} of layer {layer}, which holds no neuron")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Connection;

    #[test]
    fn neurons_and_synapses_are_called_by_where_they_are() {
        let network = Network::dense(&[3, 6, 2]);
        let weight = |way, tap| network.name(Site::Weight { layer: 2, way, row: 1, tap });
        assert_eq!(weight(Way::Forward, Some(5)), "weight from neuron 5 of layer 1 to neuron 1 of layer 2");
        assert_eq!(weight(Way::Back, Some(5)), "weight back from neuron 1 of layer 2 to neuron 5 of layer 1");
        assert_eq!(weight(Way::Forward, None), "bias of neuron 1 of layer 2");
        let padding =
            network.name(Site::Padding { layer: 1, way: Way::Back, word: 1, lane: 2, tap: Some(2) });
        assert_eq!(
            padding,
            "weight of neuron 2 of layer 0 in lane 2 of word 1 of layer 1, which holds no neuron"
        );
        let image = Shape { rows: 1, columns: 9, channels: 2 };
        let line = Network::new(vec![Connection::line(image, 3, 5)]);
        assert_eq!(line.neuron_name(1, 22), "layer 1, channel 2 at row 0, column 4");
    }
}
