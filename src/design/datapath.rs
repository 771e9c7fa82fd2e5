//! Interval analysis: from formats and fan-ins to the width of every signal, so that no sum ever loses a bit.
//!
//! All layers share the same lanes, so values meet on common grids: activities on `2^-activity_frac`, weights as read
//! on `2^-read_frac`, sums on the product of both. Alignment to the common grid is an exact left shift.

mod derive;
mod misfit;
mod neurons;

pub use misfit::Misfit;

use crate::fixed_point::Interval;

/// A named signal with its proven interval and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// What it is.
    pub name: String,
    /// Every value it can take, as raw integers.
    pub interval: Interval,
    /// Bits that hold the interval.
    pub width: u32,
    /// Fraction bits.
    pub frac: i32,
}

impl Signal {
    pub(self) fn new(name: impl Into<String>, interval: Interval, frac: i32) -> Self {
        Signal { name: name.into(), interval, width: interval.signed_bits(), frac }
    }
}

/// The rate constants of one rate set, aligned so that one shift serves every layer (index 0 is layer 1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Of weights.
    pub weight: Vec<i64>,
    /// Of biases.
    pub bias: Vec<i64>,
    /// At each visited point of a circle: real and imaginary part.
    pub points: Vec<PointRates>,
}

/// The complex coefficients of a point, aligned likewise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointRates {
    /// Of weights.
    pub weight: Vec<(i64, i64)>,
    /// Of biases.
    pub bias: Vec<(i64, i64)>,
}

impl PointRates {
    /// That of synapse layer `l`'s biases, or of its weights.
    pub fn of(&self, l: usize, is_bias: bool) -> (i64, i64) {
        if is_bias { self.bias[l - 1] } else { self.weight[l - 1] }
    }
}

impl Rates {
    /// That of synapse layer `l`'s biases, or of its weights.
    pub fn of(&self, l: usize, is_bias: bool) -> i64 {
        if is_bias { self.bias[l - 1] } else { self.weight[l - 1] }
    }
}

/// The arithmetic of one layer's neurons, with every alignment resolved.
///
/// `total` (frac `acc_frac`) + nudge (inside) -> drive -> activation -> mix with the old state and nudge (outside) -> state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeuronMath {
    /// Output layer: has a nudge.
    pub output: bool,
    /// Fraction of the sum that enters the drive requantiser (`acc_frac`, or more where an inside nudge needs it).
    pub sum_frac: i32,
    /// Fraction of `f`, what the activation hands on.
    pub f_frac: i32,
    /// Fraction of `e`: `f` plus outside nudge (minus the old state for dynamics with a time step).
    pub e_frac: i32,
    /// Fraction of `x`, the value the state requantiser sees.
    pub x_frac: i32,
    /// The values that enter the drive requantiser.
    pub sum: Interval,
    /// Their width.
    pub sum_width: u32,
    /// Width of the nudge product.
    pub nudge_width: u32,
    /// Width of `f`.
    pub f_width: u32,
    /// Width of `e`.
    pub e_width: u32,
    /// The values of `x`.
    pub x: Interval,
    /// Width of `x`.
    pub x_width: u32,
}

/// Widths and alignments of the whole datapath.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Datapath {
    /// Common fraction of activities.
    pub activity_frac: i32,
    /// Common width of activities (two's complement).
    pub activity_width: u32,
    /// Left shift that brings layer `l`'s activity (0 to L) to the common grid.
    pub activity_shift: Vec<u32>,
    /// Stored width of one synapse in the weight memory (the widest of weights and biases).
    pub stored_width: u32,
    /// Common fraction of weights as read.
    pub read_frac: i32,
    /// Width of a weight as read.
    pub read_width: u32,
    /// Low bits of a stored weight that the multipliers do not see.
    pub dropped_bits: u32,
    /// Left shift of synapse layer `l - 1`'s products to the common grid.
    pub weight_shift: Vec<u32>,
    /// The same for the biases.
    pub bias_shift: Vec<u32>,
    /// Width of the pre-synaptic operand of the forward lanes, alignment included.
    pub pre_width: u32,
    /// Width of the noise on whole drives; 0 where there is none.
    pub noise_width: u32,
    /// Fraction of all sums.
    pub acc_frac: i32,
    /// Width of one forward accumulator.
    pub forward_width: u32,
    /// Width of one transposed sum.
    pub transposed_width: u32,
    /// Width of the whole drive before requantising.
    pub total_width: u32,
    /// Width of the contrast `a_post a_pre - b_post b_pre` (fraction `2 activity_frac`).
    pub contrast_width: u32,
    /// Width of the same summed over a batch; 0 where there are no such sums.
    pub summed_width: u32,
    /// Width of the rate constants after alignment.
    pub rate_width: u32,
    /// Width of rate x pre-synaptic operand.
    pub rated_width: u32,
    /// Rate constants of each rate set.
    pub rates: Vec<Rates>,
    /// Right shift from rate x contrast to the weight's grid.
    pub update_shift: i32,
    /// Left shift from weight decay x weight to the grid of rate x contrast.
    pub decay_shift: u32,
    /// Left shift from momentum x velocity to the grid of rate x contrast.
    pub momentum_shift: u32,
    /// Width of rate x contrast, summed over a batch.
    pub batch_width: u32,
    /// What is rounded to a step of a weight: rate x contrast, less decay x weight.
    pub gradient: Interval,
    /// Its width.
    pub gradient_width: u32,
    /// Neurons, layers 1 to L.
    pub neuron: Vec<NeuronMath>,
    /// Everything, for people to read.
    pub signals: Vec<Signal>,
}
