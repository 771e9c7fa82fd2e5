//! The shape of a layer of neurons.

use std::fmt;

/// Rows and columns of places, with so many neurons (channels) at each. A dense layer has one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Rows of places.
    pub rows: usize,
    /// Places in a row.
    pub columns: usize,
    /// Neurons at a place.
    pub channels: usize,
}

/// A neuron by where it is. Its number counts channels first, then columns, then rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// From 0.
    pub row: usize,
    /// From 0.
    pub column: usize,
    /// From 0.
    pub channel: usize,
}

impl Shape {
    /// So many neurons at one place.
    pub const fn flat(neurons: usize) -> Shape {
        Shape { rows: 1, columns: 1, channels: neurons }
    }

    /// Places of the layer.
    pub const fn places(self) -> usize {
        self.rows * self.columns
    }

    /// Neurons of the layer.
    pub const fn neurons(self) -> usize {
        self.places() * self.channels
    }

    /// The number of the neuron at a place.
    pub const fn number(self, place: Place) -> usize {
        (place.row * self.columns + place.column) * self.channels + place.channel
    }

    /// Where the neuron of a number is.
    pub const fn place(self, number: usize) -> Place {
        let at = number / self.channels;
        Place { row: at / self.columns, column: at % self.columns, channel: number % self.channels }
    }
}

/// As the design file has it: the number of neurons of a layer with one place; else rows, columns and channels.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.rows, self.columns) {
            (1, 1) => write!(f, "{}", self.channels),
            (rows, columns) => write!(f, "{rows}x{columns}x{}", self.channels),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_innermost_and_numbers_come_back() {
        let shape = Shape { rows: 3, columns: 4, channels: 5 };
        assert_eq!(shape.neurons(), 60);
        assert_eq!(shape.number(Place { row: 0, column: 1, channel: 0 }), 5);
        assert_eq!(shape.number(Place { row: 1, column: 0, channel: 2 }), 22);
        assert!((0..60).all(|n| shape.number(shape.place(n)) == n));
        assert_eq!((shape.to_string(), Shape::flat(7).to_string()), ("3x4x5".to_owned(), "7".to_owned()));
    }
}
