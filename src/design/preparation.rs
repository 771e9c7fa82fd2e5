//! What becomes of a sample between a file and the input's number format.

use serde::{Deserialize, Serialize};
use std::iter::repeat_n;

/// What comes in where a window reaches over the edge of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// Loaded values of 0.
    #[default]
    Zeros,
    /// The nearest place of the image.
    Edge,
}

/// How samples are shown to the input.
///
/// The value that an input neuron is given for a loaded `x` (0 to 1 for bytes): `(x + offset) * scale`.
///
/// Either list has one number for all neurons, one for each channel, or one for each neuron. Channels are innermost, so
/// the number of a neuron modulo the list's length finds its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Preparation {
    /// Multiplied by.
    pub scale: Vec<f64>,
    /// Added first.
    pub offset: Vec<f64>,
    /// Training images are turned left for right, each with a probability of one half.
    pub flip: bool,
    /// Training images are padded by so many places, and a random window of their own size is cut out.
    pub crop: usize,
    /// With what they are padded.
    pub fill: Fill,
}

impl Default for Preparation {
    fn default() -> Self {
        Preparation { scale: vec![1.0], offset: vec![0.0], flip: false, crop: 0, fill: Fill::Zeros }
    }
}

impl Preparation {
    /// The value of neuron `number`.
    pub fn value(&self, number: usize, x: f64) -> f64 {
        (x + self.offset[number % self.offset.len()]) * self.scale[number % self.scale.len()]
    }

    /// Neurons whose numbers are equal modulo this are given the same value for the same `x`.
    pub fn period(&self) -> usize {
        // One divides the other: 1, the channels, the neurons.
        self.scale.len().max(self.offset.len())
    }

    /// True where values are taken as they are, wherever they are shown.
    pub fn is_plain(&self) -> bool {
        let all = |list: &[f64], value| list.iter().copied().eq(repeat_n(value, list.len()));
        all(&self.scale, 1.0) && all(&self.offset, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_of_all_of_a_channel_or_of_a_neuron() {
        let (scale, offset) = (vec![2.0], vec![-0.5, 0.0, 0.25]);
        let p = Preparation { scale, offset, ..Preparation::default() };
        let values: Vec<f64> = (0..6).map(|number| p.value(number, 0.5)).collect();
        assert_eq!(values, [0.0, 1.0, 1.5, 0.0, 1.0, 1.5]);
        assert_eq!((p.period(), p.is_plain()), (3, false));
        assert_eq!(Preparation::default().value(7, 0.3), 0.3);
        assert!(Preparation::default().is_plain());
        assert!(!Preparation { scale: vec![1.0, 2.0], ..Preparation::default() }.is_plain());
    }
}
