//! Softmax in integers: exponentials and the reciprocal of their sum from two small tables. The twin of
//! `hdl/softmax_unit.v`.
//!
//! ```text
//! E_i = round(2^15 exp(z_i - max z))           table over max z - z_i, so 0 < E_i <= 2^15
//! S   = sum of E_i                             exact
//! n   = floor(log2 S) - 15, k the ten bits below S's leading one
//! R   = round(2^25 / (2^10 + k + 1/2))         table over k
//! P_i = floor(E_i R / 2^(14 + n))              on the grid 2^-16
//! ```
//!
//! The reciprocal is at most 0.053 % off (half a step of k, half a unit of R), an exponential half a unit of 2^-15: for
//! up to `2^10` classes a probability is within [`ERROR`] of the real softmax of the same integers.

use super::{Format, exact};

/// Largest distance of a probability from the real one, for up to 1024 classes whose exponentials are not all lost:
/// 0.053 % of it, half a unit of its exponential, that of all the others in the sum, and the last truncation.
pub const ERROR: f64 = 1.0 / 512.0;

/// Fraction bits of a probability.
pub const PROBABILITY_FRAC: i32 = 16;

/// Index bits of the table of reciprocals.
pub const RECIPROCAL_BITS: u32 = 10;

/// The two tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Softmax {
    /// `2^15 exp(-d)`, `d` on the grid of the logits; one entry for every difference of two of them.
    pub exponential: Vec<u16>,
    /// `2^25 / (2^10 + k + 1/2)`.
    pub reciprocal: Vec<u16>,
}

impl Softmax {
    /// The tables for logits of a format (at most 16 bits).
    pub fn of(logit: Format) -> Softmax {
        let exponential = |d: u32| exact::scaled_exp_minus(logit.to_real(d.into()), 15) as u16;
        // Twice numerator and denominator: an odd one, so that nothing lies in the middle.
        let reciprocal = |k: u32| (((1u32 << 26) + 1024 + k) / (2 * 1024 + 2 * k + 1)) as u16;
        Softmax {
            exponential: (0..1 << logit.width.min(16)).map(exponential).collect(),
            reciprocal: (0..1 << RECIPROCAL_BITS).map(reciprocal).collect(),
        }
    }

    /// Probabilities on the grid `2^-16` of raw logits (at least one).
    pub fn probabilities(&self, logits: &[i32]) -> impl Iterator<Item = i64> {
        let greatest = logits.iter().copied().max().unwrap_or(0);
        let exponential =
            move |z: &i32| u64::from(self.exponential[(i64::from(greatest) - i64::from(*z)) as usize]);
        let sum: u64 = logits.iter().map(exponential).sum();
        // At least one exponential is 2^15.
        let n = sum.max(1 << 15).ilog2() - 15;
        let k = (sum >> (n + 15 - RECIPROCAL_BITS)) as usize & ((1 << RECIPROCAL_BITS) - 1);
        let reciprocal = u64::from(self.reciprocal[k]);
        logits.iter().map(move |z| ((exponential(z) * reciprocal) >> (14 + n)) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed_point::row_bits;

    #[test]
    fn probabilities_are_near_the_real_ones() {
        for (format, classes) in [
            (Format::signed(10, 7), 10),
            (Format::signed(10, 7), 2),
            (Format::signed(12, 8), 100),
            (Format::unsigned(8, 4), 1),
            (Format::signed(16, 10), 1024),
        ] {
            let tables = Softmax::of(format);
            let mut worst = 0f64;
            for case in 0..400u32 {
                // Logits over all of the range, or close together.
                let narrow = case % 3;
                let logit = |i: u32| {
                    let span = (format.max_raw() - format.min_raw() + 1) >> (2 * narrow);
                    (format.min_raw() + i64::from(row_bits(case, i)) % span.max(1)) as i32
                };
                let logits: Vec<i32> = (0..classes).map(logit).collect();
                let real: Vec<f64> = logits.iter().map(|&z| format.to_real(z.into()).exp()).collect();
                let sum: f64 = real.iter().sum();
                for (found, real) in tables.probabilities(&logits).zip(real) {
                    worst = worst.max((found as f64 / 65536.0 - real / sum).abs());
                }
            }
            assert!(worst <= ERROR, "{format}, {classes} classes: {worst}");
            assert!(worst > 0.0, "{format}: nothing was rounded");
        }
    }

    #[test]
    fn the_greatest_logit_has_the_greatest_probability() {
        let tables = Softmax::of(Format::signed(10, 7));
        let p: Vec<i64> = tables.probabilities(&[-512, 100, 511, 100]).collect();
        assert!(p[2] > p[1] && p[1] == p[3] && p[1] > p[0], "{p:?}");
    }
}
