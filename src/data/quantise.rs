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

/// What the synapses of a design should see of the loaded value `x` of input neuron `number`, before quantising: `x` as
/// the design scales it, or `rho` of that for energy-based dynamics, where the input passes through the activation like
/// every state (algorithms 1.2).
pub fn input_value(design: &Design, number: usize, x: f32) -> f64 {
    activity(design.dynamics, design.activation, design.preparation.value(number, x.into()))
}

/// The same on the design's input format.
pub fn raw_input(design: &Design, number: usize, x: f32) -> i32 {
    nearest(design.input, input_value(design, number, x))
}

/// A validated design's activities have at most 32 bits, sign included; nothing is lost here.
fn nearest(input: Format, activity: f64) -> i32 {
    i32::try_from(input.nearest(activity)).unwrap_or(i32::MAX)
}

fn activity(dynamics: Dynamics, activation: Activation, x: f64) -> f64 {
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
    let period = design.preparation.period();
    let raw = quantise_values(design.input, &samples.values, period, |n, x| input_value(design, n, x));
    QuantisedSamples { inputs: samples.inputs, raw, labels: samples.labels.clone() }
}

/// The values at equal places modulo `period` have the same activity.
fn quantise_values(
    input: Format,
    values: &[f32],
    period: usize,
    activity: impl Fn(usize, f32) -> f64,
) -> Vec<i32> {
    let quantise = |n, x| nearest(input, activity(n, x));
    // Most data has at most 256 distinct values: remember one per bucket, exact because the value itself is compared.
    let mut seen: Vec<_> = (0..period).map(|n| [(0f32, quantise(n, 0.0)); 256]).collect();
    let mut number = 0;
    let mut raw = Vec::with_capacity(values.len());
    for &x in values {
        let slot = &mut seen[number][usize::from((x * 255.0).round() as u8)];
        if slot.0.to_bits() != x.to_bits() {
            *slot = (x, quantise(number, x));
        }
        raw.push(slot.1);
        number = if number + 1 == period { 0 } else { number + 1 };
    }
    raw
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw(format: &str, values: &[f32]) -> Vec<i32> {
        quantise_values(format.parse().unwrap(), values, 1, |_, x| f64::from(x))
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
        // So do those below zero, and the least value is one step further away than the greatest.
        assert_eq!(
            raw("s4.2", &[-0.125, -0.124, -2.0, 2.0, -9.0, 9.0, 1e30, -1e30]),
            [-1, 0, -8, 7, -8, 7, 7, -8]
        );
        assert_eq!(raw("u4.2", &[-0.5, 0.5]), [0, 2]);
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
        fn remembering_is_exact(values in prop::collection::vec(-0.5f32..=1.5, 0..2000), width in 1u32..=31, period in 1usize..5) {
            let format = Format::signed(width + 1, width as i32);
            let activity = |n: usize, x: f32| f64::from(x.abs()).sqrt() * [1.0, -0.5, 0.25, 2.0][n % period];
            let plain: Vec<i64> = values.iter().enumerate().map(|(n, &x)| format.nearest(activity(n, x))).collect();
            let fast = quantise_values(format, &values, period, activity);
            prop_assert!(fast.iter().map(|&r| i64::from(r)).eq(plain));
        }
    }
}
