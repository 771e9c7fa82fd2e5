//! The trained parameters, in the order in which the hardware's memory holds them.

use super::WeightSource;
use crate::design::Design;
use crate::fixed_point::{Format, Purpose, absorb, exact, row_bits, step_key};
use crate::network::Connection;
use sha2::{Digest, Sha256};
use std::ops::Range;

/// Rows (post-synaptic neurons) are kept in blocks of this many, whatever the hardware's lane count: the width of the
/// model's SIMD kernels.
pub const BLOCK: usize = 16;

/// One layer of synapses: the rows of its [`Connection`], and a column for each tap; the last column is the bias.
///
/// Stored as `[block of rows][column][row in block]`, so a column of a block is contiguous, as a chunk is in the
/// hardware's weight memory. Rows beyond the last hold zero for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerWeights {
    /// Output channels: the post-synaptic neurons of a dense layer.
    pub rows: usize,
    /// Taps, and the bias: the pre-synaptic neurons of a dense layer, plus one.
    pub columns: usize,
    /// Raw values.
    pub raw: Vec<i32>,
}

impl LayerWeights {
    /// All zero.
    pub fn zero(rows: usize, columns: usize) -> Self {
        LayerWeights { rows, columns, raw: vec![0; rows.div_ceil(BLOCK) * columns * BLOCK] }
    }

    /// Position of a synapse in `raw`.
    #[inline]
    pub fn at(&self, row: usize, column: usize) -> usize {
        ((row / BLOCK) * self.columns + column) * BLOCK + row % BLOCK
    }

    /// Raw value of a synapse.
    #[inline]
    pub fn get(&self, row: usize, column: usize) -> i32 {
        self.raw[self.at(row, column)]
    }
}

/// All layers' weights (index 0 is synapse layer 1). Where the way back has weights of its own, those of synapse layers 2
/// to L follow, as layers L + 1 to 2L - 1: in the same rows and columns as the forward ones, their bias column zero. With
/// momentum the velocities of all layers follow, as layers L + 1 to 2L.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Synapse layers 1 to L, then the way back, or velocities.
    pub layers: Vec<LayerWeights>,
}

/// The layer number under which a [`WeightSource`] keeps the velocities of synapse layer `l`, where there is momentum.
pub fn velocity_layer(design: &Design, l: usize) -> usize {
    design.output_layer() + l
}

/// That of what lies beside the weights of synapse layer `l` in the hardware: those of the way back, or velocities.
pub fn beside_layer(design: &Design, l: usize) -> usize {
    if design.momentum.is_some() { velocity_layer(design, l) } else { backward_layer(design, l) }
}

/// The layer number under which a [`WeightSource`] keeps the weights back from layer `l` (2 to L) to layer `l - 1`.
pub fn backward_layer(design: &Design, l: usize) -> usize {
    design.output_layer() + l - 1
}

/// The keys of the random bits of a layer's columns of weights: of a tap, or (behind the last) of the biases. `layer` is that
/// of the synapses, or their [`backward_layer`].
#[inline]
pub fn column_keys(connection: &Connection, key: u32, layer: usize) -> impl Fn(usize) -> u32 + Copy {
    let (key, upper) = match connection.is_dense() {
        true => (key, (layer as u32) << 16),
        // Kernels have more taps than sixteen bits count.
        false => (absorb(key, layer as u32), 0),
    };
    move |column| absorb(key, upper | column as u32)
}

/// Rows and columns of every layer that a design's weights have.
pub fn shapes(design: &Design) -> Vec<(usize, usize)> {
    let shape = |(_, c): (usize, &Connection)| (c.rows(), c.taps() + 1);
    let forward = design.network.connections();
    let backward = design.network.connections().skip(1).filter(|_| design.has_separate_feedback());
    let velocities = design.network.connections().filter(|_| design.momentum.is_some());
    forward.chain(backward).chain(velocities).map(shape).collect()
}

/// A matrix of a design's [`Weights`], or a column of biases, and the name that it has outside the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `w1` and `b1` of synapse layer 1, and so on; `back2` of the way back from layer 2; with momentum `velocity1` of `w1`
    /// and `velocity_b1` of `b1`.
    pub name: String,
    /// Where among [`Weights::layers`] (from 0).
    pub layer: usize,
    /// Whether it is the column of biases, or all the others.
    pub bias: bool,
    /// Format of its values.
    pub format: Format,
}

impl Part {
    /// Its columns in that layer.
    pub fn columns(&self, weights: &Weights) -> Range<usize> {
        let bias = weights.layers[self.layer].columns - 1;
        if self.bias { bias..bias + 1 } else { 0..bias }
    }
}

/// All that a design's weights consist of, by name: what `eqhdl train --save` writes.
pub fn parts(design: &Design) -> Vec<Part> {
    let part = |name: String, layer: usize, bias, format| Part { name, layer: layer - 1, bias, format };
    let mut all = Vec::new();
    for (l, s) in (1..).zip(&design.synapses) {
        all.push(part(format!("w{l}"), l, false, s.weight));
        all.push(part(format!("b{l}"), l, true, s.bias));
        if l > 1 && design.has_separate_feedback() {
            all.push(part(format!("back{l}"), backward_layer(design, l), false, s.weight));
        }
        if let Some(m) = &design.momentum {
            let layer = velocity_layer(design, l);
            all.push(part(format!("velocity{l}"), layer, false, m.format(s.weight)));
            all.push(part(format!("velocity_b{l}"), layer, true, m.format(s.bias)));
        }
    }
    all
}

impl WeightSource for Weights {
    fn lanes(&self, layer: usize, column: usize, first_row: usize, out: &mut [i32]) {
        let w = &self.layers[layer - 1];
        for (row, lane) in (first_row..).zip(out) {
            *lane = if row < w.rows { w.get(row, column) } else { 0 };
        }
    }
}

impl Weights {
    /// Initial weights and biases, uniform in `[-init, init]`: a function of the seed.
    pub fn initial(design: &Design) -> Weights {
        let key = step_key(design.seed, Purpose::Init, 0, 0);
        let layer = |l: usize| {
            let s = &design.synapses[l - 1];
            let connection = design.network.connection(l);
            let mut w = LayerWeights::zero(connection.rows(), connection.taps() + 1);
            let keys = column_keys(connection, key, l);
            for column in 0..w.columns {
                let format = if column + 1 == w.columns { s.bias } else { s.weight };
                let column_key = keys(column);
                for row in 0..w.rows {
                    let unit = f64::from(row_bits(column_key, row as u32)) / f64::from(u32::MAX);
                    let at = w.at(row, column);
                    w.raw[at] = format.nearest((2.0 * unit - 1.0) * s.init) as i32;
                }
            }
            w
        };
        let mut layers: Vec<LayerWeights> = design.network.layers().map(layer).collect();
        if design.has_separate_feedback() {
            // A weight back is the one forward, its sign turned as often as the angle asks for (algorithms 2.2).
            let turned = exact::turned(design.angle);
            for l in 2..=design.output_layer() {
                let mut w = layers[l - 1].clone();
                let keys = column_keys(design.network.connection(l), key, backward_layer(design, l));
                for column in 0..w.columns {
                    let column_key = keys(column);
                    for row in 0..w.rows {
                        let bits = u64::from(row_bits(column_key, row as u32));
                        let at = w.at(row, column);
                        if column + 1 == w.columns {
                            w.raw[at] = 0;
                        } else if bits < turned {
                            // The most negative number has no counterpart.
                            w.raw[at] = (-w.raw[at]).min(design.synapses[l - 1].weight.max_raw() as i32);
                        }
                    }
                }
                layers.push(w);
            }
        }
        if design.momentum.is_some() {
            let still = layers.iter().map(|w| LayerWeights::zero(w.rows, w.columns));
            layers.extend(still.collect::<Vec<_>>());
        }
        Weights { layers }
    }

    /// Degrees between the weights forward and back of each of synapse layers 2 to L, where they are separate: 0 where
    /// they are the same, 90 where they have nothing to do with each other (algorithms 3.4).
    pub fn angles(&self, design: &Design) -> Vec<f64> {
        if !design.has_separate_feedback() {
            return Vec::new();
        }
        let angle = |l: usize| {
            let (forward, back) = (&self.layers[l - 1], &self.layers[backward_layer(design, l) - 1]);
            let (mut product, mut forward_square, mut back_square) = (0.0, 0.0, 0.0);
            for row in 0..forward.rows {
                for column in 0..forward.columns - 1 {
                    let (f, b) = (f64::from(forward.get(row, column)), f64::from(back.get(row, column)));
                    product += f * b;
                    forward_square += f * f;
                    back_square += b * b;
                }
            }
            // Nothing has no direction: at right angles with everything.
            let cosine = product / (forward_square * back_square).sqrt().max(f64::MIN_POSITIVE);
            cosine.clamp(-1.0, 1.0).acos().to_degrees()
        };
        (2..=design.output_layer()).map(angle).collect()
    }

    /// SHA-256 of every weight in the order layer, row, column (so independent of any memory layout), in hex.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for layer in &self.layers {
            for row in 0..layer.rows {
                for column in 0..layer.columns {
                    hash.update(layer.get(row, column).to_le_bytes());
                }
            }
        }
        crate::data::hex(&hash.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn separate_weights_start_at_the_angle_that_was_asked_for() {
        for angle in [0.0, 45.0, 90.0, 135.0, 180.0] {
            let text = include_str!("../../designs/digits-cvf.toml")
                .replace("angle = 45", &format!("angle = {angle}"));
            let design = crate::design::parse(Path::new("angle.toml"), &text).expect("the design is sound");
            let weights = Weights::initial(&design);
            // 640 signs are drawn: within three standard deviations.
            let found = weights.angles(&design);
            assert!(found.len() == 1 && (found[0] - angle).abs() < 7.0, "{angle}: {found:?}");
        }
    }
}
