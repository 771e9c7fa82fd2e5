//! The trained parameters, in the order in which the hardware's memory holds them.

use super::WeightSource;
use crate::design::Design;
use crate::fixed_point::{Purpose, absorb, row_bits, step_key};
use sha2::{Digest, Sha256};

/// Rows (post-synaptic neurons) are kept in blocks of this many, whatever the hardware's lane count: the width of the
/// model's SIMD kernels.
pub const BLOCK: usize = 16;

/// One layer of synapses: `n_post` rows, `n_pre + 1` columns (the last one is the bias).
///
/// Stored as `[block of rows][column][row in block]`, so a column of a block is contiguous, as a chunk is in the
/// hardware's weight memory. Rows beyond `n_post` hold zero for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerWeights {
    /// Post-synaptic neurons.
    pub rows: usize,
    /// Pre-synaptic neurons plus one.
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

/// All layers' weights (index 0 is synapse layer 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Synapse layers 1 to L.
    pub layers: Vec<LayerWeights>,
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
            let mut w = LayerWeights::zero(design.sizes[l], design.sizes[l - 1] + 1);
            for column in 0..w.columns {
                let format = if column + 1 == w.columns { s.bias } else { s.weight };
                let column_key = absorb(key, (l as u32) << 16 | column as u32);
                for row in 0..w.rows {
                    let unit = f64::from(row_bits(column_key, row as u32)) / f64::from(u32::MAX);
                    let at = w.at(row, column);
                    w.raw[at] = format.nearest((2.0 * unit - 1.0) * s.init) as i32;
                }
            }
            w
        };
        Weights { layers: (1..design.sizes.len()).map(layer).collect() }
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
        hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }
}
