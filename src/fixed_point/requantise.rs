//! Requantise: the only operation that loses bits. Align, then round, then overflow.
//!
//! The names are those of AMD's `ap_fixed` and Siemens' `ac_fixed`.

use super::Format;
use serde::{Deserialize, Serialize};

/// What happens to the bits below the target's least significant one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rounding {
    /// Towards minus infinity: the bits are dropped.
    Trn,
    /// Towards zero.
    TrnZero,
    /// To nearest, ties towards plus infinity.
    Rnd,
    /// To nearest, ties towards zero.
    RndZero,
    /// To nearest, ties away from zero.
    RndInf,
    /// To nearest, ties towards minus infinity.
    RndMinInf,
    /// To nearest, ties to even.
    RndConv,
    /// To nearest, ties to odd.
    RndConvOdd,
    /// Up with a probability equal to the dropped fraction: adds random bits below the target, then drops them.
    Stochastic,
}

impl Rounding {
    /// Every mode, in the order of the Verilog encoding (`hdl/requantise.vh`).
    pub const ALL: [Rounding; 9] = [
        Rounding::Trn,
        Rounding::TrnZero,
        Rounding::Rnd,
        Rounding::RndZero,
        Rounding::RndInf,
        Rounding::RndMinInf,
        Rounding::RndConv,
        Rounding::RndConvOdd,
        Rounding::Stochastic,
    ];

    /// The mode's number in Verilog parameters.
    pub fn code(self) -> u32 {
        self as u32
    }
}

/// What happens to values beyond the target's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Overflow {
    /// The upper bits are dropped.
    Wrap,
    /// To the nearest bound.
    Sat,
    /// To the nearest bound of the symmetric range: a signed minimum becomes minus the maximum.
    SatSym,
    /// To zero.
    SatZero,
}

impl Overflow {
    /// Every mode, in the order of the Verilog encoding (`hdl/requantise.vh`).
    pub const ALL: [Overflow; 4] = [Overflow::Wrap, Overflow::Sat, Overflow::SatSym, Overflow::SatZero];

    /// The mode's number in Verilog parameters.
    pub fn code(self) -> u32 {
        self as u32
    }

    /// Least and greatest raw value of `target` that a value is saturated to.
    pub fn bounds(self, target: Format) -> (i64, i64) {
        let max = target.max_raw();
        (if self == Overflow::SatSym && target.signed { -max } else { target.min_raw() }, max)
    }

    /// Brings `value`, already on the target's grid, into the range of `target`.
    pub fn apply(self, value: i64, target: Format) -> i64 {
        let (min, max) = self.bounds(target);
        match self {
            Overflow::Wrap => {
                let drop = 64 - target.width;
                if target.signed { (value << drop) >> drop } else { ((value as u64) << drop >> drop) as i64 }
            }
            Overflow::Sat | Overflow::SatSym => value.clamp(min, max),
            Overflow::SatZero => {
                if (min..=max).contains(&value) {
                    value
                } else {
                    0
                }
            }
        }
    }
}

impl Rounding {
    /// `value * 2^-shift` on the integer grid; a negative `shift` is exact. `random` holds uniform bits, of which
    /// STOCHASTIC uses the top `shift` (at most 32).
    pub fn apply(self, value: i64, shift: i32, random: u32) -> i64 {
        if shift <= 0 {
            return value << -shift;
        }
        let shift = shift.min(62) as u32;
        let half = 1i64 << (shift - 1);
        let floor = value >> shift;
        let dropped = value & ((1i64 << shift) - 1);
        let up = match self {
            Rounding::Trn => false,
            Rounding::TrnZero => value < 0 && dropped != 0,
            Rounding::Rnd => dropped >= half,
            Rounding::RndMinInf => dropped > half,
            Rounding::RndZero => dropped > half || (dropped == half && value < 0),
            Rounding::RndInf => dropped > half || (dropped == half && value >= 0),
            Rounding::RndConv => dropped > half || (dropped == half && floor & 1 == 1),
            Rounding::RndConvOdd => dropped > half || (dropped == half && floor & 1 == 0),
            Rounding::Stochastic => {
                let bits = if shift <= 32 {
                    u64::from(random >> (32 - shift))
                } else {
                    u64::from(random) << (shift - 32)
                };
                dropped as u64 + bits >= 1u64 << shift
            }
        };
        floor + i64::from(up)
    }
}

/// One requantisation: from values with `from_frac` bits of fraction to a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requantise {
    /// Fraction bits of the source.
    pub from_frac: i32,
    /// Target format.
    pub to: Format,
    /// Applied second.
    pub rounding: Rounding,
    /// Applied last.
    pub overflow: Overflow,
}

impl Requantise {
    /// Bits dropped by the alignment; negative where bits are gained.
    pub fn shift(&self) -> i32 {
        self.from_frac - self.to.frac
    }

    /// The whole operation. `random` is used by STOCHASTIC only.
    pub fn apply(&self, value: i64, random: u32) -> i64 {
        self.of(value, random).result
    }

    /// The same, with what lies between its two steps.
    #[inline]
    pub fn of(&self, value: i64, random: u32) -> Requantised {
        let rounded = self.rounding.apply(value, self.shift(), random);
        Requantised { value, rounded, result: self.overflow.apply(rounded, self.to) }
    }
}

/// A value on its way through a requantiser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requantised {
    /// As it came.
    pub value: i64,
    /// On the grid of the target.
    pub rounded: i64,
    /// Within its range.
    pub result: i64,
}

impl Requantised {
    /// True where it had left the range.
    pub fn over(self) -> bool {
        self.result != self.rounded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixed::types::{I16F16, I20F12};
    use proptest::prelude::*;

    /// The definition in exact rational arithmetic: `value / 2^shift` lies between two neighbours, and the mode says
    /// which one is taken.
    fn rounded_by_definition(rounding: Rounding, value: i64, shift: i32, random: u32) -> i128 {
        let value = i128::from(value);
        if shift <= 0 {
            return value * (1i128 << -shift);
        }
        let unit = 1i128 << shift;
        let below = value.div_euclid(unit);
        let above = -(-value).div_euclid(unit);
        let (to_below, to_above) = (value - below * unit, above * unit - value);
        let nearest = |tie| match to_below.cmp(&to_above) {
            std::cmp::Ordering::Less => below,
            std::cmp::Ordering::Greater => above,
            std::cmp::Ordering::Equal => tie,
        };
        let towards_zero = if value < 0 { above } else { below };
        let even = if below % 2 == 0 { below } else { above };
        match rounding {
            Rounding::Trn => below,
            Rounding::TrnZero => towards_zero,
            Rounding::Rnd => nearest(above),
            Rounding::RndZero => nearest(towards_zero),
            Rounding::RndInf => nearest(below + above - towards_zero),
            Rounding::RndMinInf => nearest(below),
            Rounding::RndConv => nearest(even),
            Rounding::RndConvOdd => nearest(below + above - even),
            Rounding::Stochastic => {
                // The random word is a fraction of 32 bits, of which the bits below the value's grid are cut off.
                let noise = (i128::from(random) << shift) >> 32;
                (value + noise).div_euclid(unit)
            }
        }
    }

    /// The definition: the only representable value congruent to it, the nearest one, or zero.
    fn limited_by_definition(overflow: Overflow, value: i128, target: Format) -> i128 {
        let (min, max) = (i128::from(target.min_raw()), i128::from(target.max_raw()));
        let symmetric = if target.signed { -max } else { min };
        match overflow {
            Overflow::Wrap => (value - min).rem_euclid(1i128 << target.width) + min,
            Overflow::Sat => min.max(max.min(value)),
            Overflow::SatSym => symmetric.max(max.min(value)),
            Overflow::SatZero if value < min || value > max => 0,
            Overflow::SatZero => value,
        }
    }

    fn any_format() -> impl Strategy<Value = Format> {
        (any::<bool>(), 1..=32u32).prop_map(|(signed, width)| Format { signed, width, frac: 0 })
    }

    fn any_rounding() -> impl Strategy<Value = Rounding> {
        prop::sample::select(Rounding::ALL.to_vec())
    }

    fn any_overflow() -> impl Strategy<Value = Overflow> {
        prop::sample::select(Overflow::ALL.to_vec())
    }

    /// Values of up to 62 bits: noise of every magnitude, and neighbours of ties and of grid points.
    fn any_value(shift: i32) -> impl Strategy<Value = i64> {
        let grid = shift.clamp(1, 40) as u32;
        prop_oneof![
            (any::<i64>(), 2..64u32).prop_map(|(noise, drop)| noise >> drop),
            (-300_000i64..300_000, -1i64..=1).prop_map(
                move |(halves, off)| (i128::from(halves) << (grid - 1)).clamp(-1 << 60, 1 << 60) as i64 + off
            ),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn rounding_is_its_definition(
            (shift, value) in (1..=62i32).prop_flat_map(|shift| (Just(shift), any_value(shift))),
            rounding in any_rounding(),
            random in any::<u32>(),
        ) {
            let found = rounding.apply(value, shift, random);
            prop_assert_eq!(i128::from(found), rounded_by_definition(rounding, value, shift, random));
        }

        #[test]
        fn gained_bits_are_exact(value in -(1i64 << 40)..1 << 40, gain in 0..=20i32, rounding in any_rounding()) {
            prop_assert_eq!(rounding.apply(value, -gain, u32::MAX), value * (1 << gain));
        }

        #[test]
        fn overflow_is_its_definition(value in any_value(1), target in any_format(), overflow in any_overflow()) {
            let found = overflow.apply(value, target);
            prop_assert!(target.contains(found));
            prop_assert_eq!(i128::from(found), limited_by_definition(overflow, i128::from(value), target));
        }

        #[test]
        fn bounds_and_their_neighbours_overflow_by_definition(
            target in any_format(),
            overflow in any_overflow(),
            at_max in any::<bool>(),
            off in -2i64..=2,
        ) {
            let value = if at_max { target.max_raw() } else { target.min_raw() } + off;
            let found = overflow.apply(value, target);
            prop_assert_eq!(i128::from(found), limited_by_definition(overflow, i128::from(value), target));
        }

        #[test]
        fn the_crate_fixed_agrees(raw in any::<i32>()) {
            let value = I16F16::from_bits(raw);
            let to = |format, rounding, overflow| {
                Requantise { from_frac: 16, to: format, rounding, overflow }.apply(i64::from(raw), 0)
            };
            let s32 = Format::signed(32, 12);
            let floor = i64::from(I20F12::saturating_from_num(value).to_bits());
            prop_assert_eq!(to(s32, Rounding::Trn, Overflow::Sat), floor);
            prop_assert_eq!(to(Format::signed(16, 12), Rounding::Trn, Overflow::Sat),
                i64::from(fixed::types::I4F12::saturating_from_num(value).to_bits()));
            prop_assert_eq!(to(Format::signed(16, 12), Rounding::Trn, Overflow::Wrap),
                i64::from(fixed::types::I4F12::wrapping_from_num(value).to_bits()));
            prop_assert_eq!(to(Format::unsigned(8, 4), Rounding::Trn, Overflow::Sat),
                i64::from(fixed::types::U4F4::saturating_from_num(value).to_bits()));
            prop_assert_eq!(to(Format::unsigned(8, 4), Rounding::Trn, Overflow::Wrap),
                i64::from(fixed::types::U4F4::wrapping_from_num(value).to_bits()));
            // Gained bits, and the overflow they bring.
            prop_assert_eq!(to(Format::signed(32, 24), Rounding::Rnd, Overflow::Sat),
                i64::from(fixed::types::I8F24::saturating_from_num(value).to_bits()));
            // Whole numbers: the crate rounds in four of the modes.
            let wide = fixed::types::I48F16::from_num(value);
            let whole = Format::signed(17, 0);
            for (rounding, expected) in [
                (Rounding::Trn, wide.floor()),
                (Rounding::TrnZero, wide.round_to_zero()),
                (Rounding::RndInf, wide.round()),
                (Rounding::RndConv, wide.round_ties_even()),
            ] {
                prop_assert_eq!(to(whole, rounding, Overflow::Sat), expected.to_num::<i64>());
            }
        }
    }

    #[test]
    fn stochastic_rounds_up_in_exact_proportion_to_the_dropped_fraction() {
        for shift in 1..=10 {
            let unit = 1i64 << shift;
            for value in -2 * unit..2 * unit {
                let ups: i64 = (0..1u32 << shift)
                    .map(|random| Rounding::Stochastic.apply(value, shift, random << (32 - shift)))
                    .map(|rounded| rounded - value.div_euclid(unit))
                    .sum();
                assert_eq!(ups, value.rem_euclid(unit), "{value} >> {shift}");
            }
        }
    }

    #[test]
    fn ties_go_where_the_name_says() {
        let halves = [-5, -3, -1, 1, 3, 5];
        for (rounding, expected) in [
            (Rounding::Trn, [-3, -2, -1, 0, 1, 2]),
            (Rounding::TrnZero, [-2, -1, 0, 0, 1, 2]),
            (Rounding::Rnd, [-2, -1, 0, 1, 2, 3]),
            (Rounding::RndZero, [-2, -1, 0, 0, 1, 2]),
            (Rounding::RndInf, [-3, -2, -1, 1, 2, 3]),
            (Rounding::RndMinInf, [-3, -2, -1, 0, 1, 2]),
            (Rounding::RndConv, [-2, -2, 0, 0, 2, 2]),
            (Rounding::RndConvOdd, [-3, -1, -1, 1, 1, 3]),
        ] {
            assert_eq!(halves.map(|half| rounding.apply(half, 1, u32::MAX)), expected, "{rounding:?}");
        }
    }
}
