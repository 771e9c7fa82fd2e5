//! From real inputs to the integers that the reference and the hardware see.

use super::Samples;
use crate::design::{Activation, Design, Dynamics};
use crate::fixed_point::{Format, exact};

/// Labelled samples on the input's number format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantisedSamples {
    /// Values per sample.
    pub inputs: usize,
    /// Raw values in [`Design::input`]: sample after sample, `inputs` each.
    pub raw: Vec<i32>,
    /// One label per sample, counted from 0.
    pub labels: Vec<u16>,
}

impl QuantisedSamples {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The `inputs` raw values of sample `index`.
    ///
    /// # Panics
    /// When `index` is not below [`len`](Self::len).
    pub fn raw_of(&self, index: usize) -> &[i32] {
        &self.raw[index * self.inputs..][..self.inputs]
    }

    /// The label of sample `index`.
    ///
    /// # Panics
    /// When `index` is not below [`len`](Self::len).
    pub fn label(&self, index: usize) -> u16 {
        self.labels[index]
    }
}

/// What the synapses of a design should see of an input `x` in `[0, 1]`, before quantising: `x` itself, or `rho(x)`
/// for energy-based dynamics, where the input passes through the activation like every state (algorithms 1.2).
pub fn input_value(design: &Design, x: f32) -> f64 {
    activity(design.dynamics, design.activation, x)
}

fn activity(dynamics: Dynamics, activation: Activation, x: f32) -> f64 {
    let x = f64::from(x);
    match (dynamics, activation) {
        (Dynamics::Prototypical | Dynamics::Leaky, _) => x,
        (Dynamics::Energy, Activation::HardSigmoid) => x.clamp(0.0, 1.0),
        (Dynamics::Energy, Activation::HalfHardSigmoid) => (x / 2.0).clamp(0.0, 1.0),
        (Dynamics::Energy, Activation::Logistic) => exact::logistic(x).to_real(),
    }
}

/// The samples as the design's input layer holds them: [`input_value`], to the nearest value of
/// [`Design::input`] (ties away from zero), held at the ends of its range.
pub fn quantise(design: &Design, samples: &Samples) -> QuantisedSamples {
    let raw = quantise_values(design.input, &samples.values, |x| input_value(design, x));
    QuantisedSamples { inputs: samples.inputs, raw, labels: samples.labels.clone() }
}

fn quantise_values(input: Format, values: &[f32], activity: impl Fn(f32) -> f64) -> Vec<i32> {
    // A validated design's activities have at most 32 bits, sign included; nothing is lost here.
    let quantise = |x| i32::try_from(input.nearest(activity(x))).unwrap_or(i32::MAX);
    // Most data has at most 256 distinct values: remember one per bucket, exact because the value itself is compared.
    let mut seen = [(0f32, quantise(0.0)); 256];
    values
        .iter()
        .map(|&x| {
            let slot = &mut seen[usize::from((x * 255.0).round() as u8)];
            if slot.0.to_bits() != x.to_bits() {
                *slot = (x, quantise(x));
            }
            slot.1
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw(format: &str, values: &[f32]) -> Vec<i32> {
        quantise_values(format.parse().unwrap(), values, f64::from)
    }

    #[test]
    fn values_go_to_the_nearest_and_stay_in_range() {
        assert_eq!(raw("u8.8", &[0.0, 0.5, 1.0, 1.0 / 255.0, 128.0 / 255.0]), [0, 128, 255, 1, 129]);
        assert_eq!(raw("s8.7", &[0.0, 0.5, 1.0]), [0, 64, 127]);
        assert_eq!(raw("u5.4", &[1.0, 13.0 / 16.0]), [16, 13]);
        // Ties go away from zero.
        assert_eq!(raw("u1.0", &[0.5, 0.49999]), [1, 0]);
        assert_eq!(raw("u4.3", &[1.0 / 16.0, 3.0 / 16.0]), [1, 2]);
        assert_eq!(raw("s32.30", &[1.0]), [1 << 30]);
    }

    #[test]
    fn energy_based_inputs_pass_through_rho() {
        use {Activation::*, Dynamics::*};
        for dynamics in [Prototypical, Leaky] {
            for activation in [HardSigmoid, HalfHardSigmoid, Logistic] {
                assert_eq!(activity(dynamics, activation, 0.25), 0.25);
            }
        }
        assert_eq!(activity(Energy, HardSigmoid, 0.25), 0.25);
        assert_eq!(activity(Energy, HalfHardSigmoid, 0.25), 0.125);
        assert_eq!(activity(Energy, Logistic, 0.5), 0.5);
        // A black pixel contributes 0.119 (algorithms 1.2).
        assert!((activity(Energy, Logistic, 0.0) - 0.119_202_922_022_117_6).abs() < 1e-15);
        assert!((activity(Energy, Logistic, 1.0) - 0.880_797_077_977_882_4).abs() < 1e-15);
    }

    proptest! {
        /// The buckets change nothing.
        #[test]
        fn remembering_is_exact(values in prop::collection::vec(0f32..=1.0, 0..2000), width in 1u32..=31) {
            let format = Format::unsigned(width, width as i32);
            let plain: Vec<i64> = values.iter().map(|&x| format.nearest(f64::from(x).sqrt())).collect();
            let fast = quantise_values(format, &values, |x| f64::from(x).sqrt());
            prop_assert!(fast.iter().map(|&r| i64::from(r)).eq(plain));
        }
    }
}
