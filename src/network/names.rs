//! What neurons and synapses are called.

use super::{Network, Place, Shape, Way};

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

    /// What a row of the synapses to layer `l` leads to: a neuron, or a channel.
    fn row_name(&self, l: usize, row: usize) -> String {
        match self.connection(l).is_dense() {
            true => self.neuron_name(l, row),
            false => format!("layer {l}, channel {row}"),
        }
    }

    /// What a tap of the synapses to layer `l` comes from: a neuron, or a place of the kernel.
    fn tap_name(&self, l: usize, tap: usize) -> String {
        match self.connection(l).tap_place(tap) {
            None => self.neuron_name(l - 1, tap),
            Some(Place { row, column, channel }) => {
                format!("tap row {row}, column {column}, channel {channel}")
            }
        }
    }

    /// What is at a site.
    pub fn name(&self, site: Site) -> String {
        match site {
            Site::Sample => "the sample".to_owned(),
            Site::Layer(layer) => format!("layer {layer}"),
            Site::Neuron { layer, number } => self.neuron_name(layer, number),
            Site::Weight { layer, row, way, tap: None } => {
                let of = if way == Way::Velocity { "velocity of the " } else { "" };
                format!("{of}bias of {}", self.row_name(layer, row))
            }
            Site::Weight { layer, way, row, tap: Some(tap) } => {
                let (pre, post) = (self.tap_name(layer, tap), self.row_name(layer, row));
                match (way, self.connection(layer).is_dense()) {
                    (Way::Forward, true) => format!("weight from {pre} to {post}"),
                    (Way::Back, true) => format!("weight back from {post} to {pre}"),
                    (Way::Forward, false) => format!("kernel of {post}, {pre}"),
                    (Way::Back, false) => format!("kernel back of {post}, {pre}"),
                    (Way::Velocity, true) => format!("velocity of the weight from {pre} to {post}"),
                    (Way::Velocity, false) => format!("velocity of the kernel of {post}, {pre}"),
                }
            }
            Site::Padding { layer, word, lane, tap, .. } => {
                let what =
                    tap.map_or("bias".to_owned(), |tap| format!("weight of {}", self.tap_name(layer, tap)));
                format!("{what} in lane {lane} of word {word} of layer {layer}, which holds no neuron")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Connection, Kernel, Pool};

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
        let image = Shape { rows: 3, columns: 4, channels: 2 };
        let kernel = Kernel { size: 2, stride: 1, padding: 1, pool: Pool::None };
        let conv = Network::new(vec![Connection::conv(image, 6, kernel).unwrap()]);
        assert_eq!(conv.neuron_name(1, 28), "layer 1, channel 4 at row 0, column 4");
        let weight = |way, tap| conv.name(Site::Weight { layer: 1, way, row: 5, tap });
        assert_eq!(
            weight(Way::Forward, Some(7)),
            "kernel of layer 1, channel 5, tap row 1, column 1, channel 1"
        );
        assert_eq!(
            weight(Way::Back, Some(0)),
            "kernel back of layer 1, channel 5, tap row 0, column 0, channel 0"
        );
        assert_eq!(weight(Way::Forward, None), "bias of layer 1, channel 5");
    }
}
