//! Where the layers lie in a vector of all neurons.

use std::ops::Range;

/// The places of layers 1 to L in a state vector, one behind the other. The input, layer 0, is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spans {
    /// Where each layer ends; that of the input is 0.
    ends: Vec<usize>,
}

impl Spans {
    /// Of layers of so many neurons each, from layer 1 on.
    pub fn of(neurons: impl IntoIterator<Item = usize>) -> Spans {
        let mut ends = vec![0];
        for n in neurons {
            ends.push(ends[ends.len() - 1] + n);
        }
        Spans { ends }
    }

    /// Where layer `l` (1 to L) lies.
    pub fn layer(&self, l: usize) -> Range<usize> {
        self.ends[l - 1]..self.ends[l]
    }

    /// Length of the vector.
    pub fn len(&self) -> usize {
        self.ends[self.ends.len() - 1]
    }

    /// True where there is no neuron.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_lie_one_behind_the_other() {
        let spans = Spans::of([4, 1, 7]);
        assert_eq!([1, 2, 3].map(|l| spans.layer(l)), [0..4, 4..5, 5..12]);
        assert_eq!(spans.len(), 12);
        assert!(Spans::of([]).is_empty());
    }
}
