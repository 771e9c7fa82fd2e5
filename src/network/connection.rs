//! A layer of synapses: which neurons it joins, and which weights do so.

use super::shape::Shape;

/// How a layer of synapses joins its neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every neuron with every neuron, each by a weight of its own.
    Dense,
    /// A kernel of so many taps that is moved along the layer below, one place for each place above: the kind that a
    /// test makes up, to see that a kind is described in one place.
    #[cfg(test)]
    Line {
        /// Taps of the kernel.
        taps: usize,
    },
}

/// The direction in which a weight carries activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the layer below, and back where one weight serves both ways.
    Forward,
    /// From the layer above, by a weight of its own.
    Back,
}

/// The synapses from one layer of neurons to the next.
///
/// A *row* is an output channel: the weights that lead to it, one a *tap*, and its bias. A row is used at every
/// *position* of the layer above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    kind: Kind,
    below: Shape,
    above: Shape,
}

impl Connection {
    /// Joins all neurons of the layer below with so many above.
    pub fn dense(below: Shape, neurons: usize) -> Connection {
        Connection { kind: Kind::Dense, below, above: Shape::flat(neurons) }
    }

    /// How the neurons are joined.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The pre-synaptic layer.
    pub fn below(&self) -> Shape {
        self.below
    }

    /// The post-synaptic layer.
    pub fn above(&self) -> Shape {
        self.above
    }

    /// Distinct output channels.
    #[expect(clippy::misnamed_getters, reason = "a row of weights, not of places")]
    pub fn rows(&self) -> usize {
        self.above.channels
    }

    /// Weights of a row, its bias not counted.
    pub fn taps(&self) -> usize {
        match self.kind {
            Kind::Dense => self.below.neurons(),
            #[cfg(test)]
            Kind::Line { taps } => taps * self.below.channels,
        }
    }

    /// Places at which a row is used.
    pub fn positions(&self) -> usize {
        self.above.places()
    }

    /// Number of the post-synaptic neuron of a row at a position.
    pub fn post(&self, position: usize, row: usize) -> usize {
        position * self.above.channels + row
    }

    /// Number of the pre-synaptic neuron that a tap sees from a position; `None` in the padding.
    pub fn pre(&self, position: usize, tap: usize) -> Option<usize> {
        match self.kind {
            Kind::Dense => (position == 0).then_some(tap),
            #[cfg(test)]
            Kind::Line { .. } => {
                let pre = position * self.below.channels + tap;
                (pre < self.below.neurons()).then_some(pre)
            }
        }
    }

    /// Where a pre-synaptic neuron is seen from: positions and taps.
    pub fn uses(&self, pre: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let connection = *self;
        let dense = (self.kind == Kind::Dense).then_some((0, pre));
        // Whatever is not joined to all is looked for.
        let others = if dense.is_some() { 0 } else { self.positions() };
        let seen = (0..others).flat_map(move |position| {
            let taps = 0..connection.taps();
            taps.filter(move |&tap| connection.pre(position, tap) == Some(pre))
                .map(move |tap| (position, tap))
        });
        dense.into_iter().chain(seen)
    }

    /// Most synapses that lead to one neuron.
    pub fn fan_in(&self) -> usize {
        self.taps()
    }

    /// Most synapses that leave one neuron.
    pub fn fan_out(&self) -> usize {
        match self.kind {
            Kind::Dense => self.above.neurons(),
            #[cfg(test)]
            Kind::Line { taps } => taps * self.above.channels,
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

#[cfg(test)]
impl Connection {
    /// The made-up kind.
    pub fn line(below: Shape, taps: usize, channels: usize) -> Connection {
        Connection { kind: Kind::Line { taps }, below, above: Shape { channels, ..below } }
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
        forward.sort_unstable();
        let pre = 0..c.below().neurons();
        let mut back: Vec<_> = pre.flat_map(|pre| c.uses(pre).map(move |(p, tap)| (pre, p, tap))).collect();
        back.sort_unstable();
        assert_eq!(forward, back);
        let most = (0..c.below().neurons()).map(|pre| c.uses(pre).count() * c.rows()).max();
        assert_eq!(most, Some(c.fan_out()));
        assert_eq!(c.post(c.positions() - 1, c.rows() - 1) + 1, c.above().neurons());
    }

    #[test]
    fn seen_from_both_ends_it_is_the_same() {
        agrees(Connection::dense(Shape::flat(7), 3));
        agrees(Connection::dense(Shape { rows: 2, columns: 2, channels: 3 }, 4));
        agrees(Connection::line(Shape { rows: 1, columns: 9, channels: 2 }, 3, 5));
    }
}
