//! The logistic activation of a complex drive in integers, by three small tables. The twin of `hdl/complex_logistic.v`.
//!
//! For a drive `z = x + iy`, and a state of `f` fraction bits, `F = f + 5`:
//!
//! ```text
//! t = 4 min(|y|, 1/2)                   whether |y| was more is told
//! q = exp(-|4x - 2|)                    table over x, F fraction bits
//! cos t, sin t                          table over |y|, F fraction bits
//! D = 1 + q^2 + 2 q cos t               exact
//! r = 1 / D                             table over D cut to f + 1 fraction bits, in the middle of its step
//! a = 1 - q^2,  b = q sin t             rounded to F fraction bits
//! real part      1/2 + a r / 2          minus where 4x < 2
//! imaginary part b r                    minus where y < 0
//! ```
//!
//! Both are exact sums and products of these, on a grid of `2F + 1` fraction bits. That is the function itself: with
//! `e = q exp(-it)`, `1 / (1 + e) = (1 + e*) / |1 + e|^2`, and what it lacks to 1 where `4x < 2`.
//!
//! Poles lie at `x = 1/2, y = pi/4 (1 + 2k)`; up to `|y| = 1/2`, `D` is 0.82 or more. There `r` is at most half a step of `D`
//! off, `2^-(f + 2) / D^2`, which is a fifth of the state's step in either part; the tables and `a` and `b` are off by
//! half a unit of `2^-F` each.
//! What is rounded to a state is within [`ERROR`] of the real function.

use super::{Format, Interval, exact};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

/// Largest distance of either part from the real function, in steps of the state, after rounding to the nearest state;
/// before it, half a step less. Measured over all drives of eleven formats with `|y| <= 1/2`: 0.71 and 0.22.
pub const ERROR: f64 = 0.75;

/// Cycles of the hardware from a drive to its activation, one neuron per cycle.
pub const CYCLES: u32 = 9;

/// Most bits of a drive.
pub const MAX_DRIVE_WIDTH: u32 = 14;

/// Most fraction bits of a state.
pub const MAX_STATE_FRAC: i32 = 14;

/// Fraction bits inside, beyond those of the state.
const GUARD: i32 = 5;

/// A read-only memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// An unsigned word for each address.
    pub entries: Arc<[u64]>,
    /// Bits of a word, at most 64.
    pub width: u32,
}

impl Words {
    /// One word a line, for `$readmemh`.
    pub fn hex(&self) -> String {
        let digits = self.width.div_ceil(4) as usize;
        self.entries.iter().fold(String::new(), |mut text, entry| {
            let _ = writeln!(text, "{entry:0digits$x}");
            text
        })
    }
}

/// The activation for one format of drives and one of states. A clone shares the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComplexLogistic {
    /// Format of both parts of a drive.
    pub drive: Format,
    /// `q` of every pattern of `x`: `F + 1` bits.
    pub exponential: Words,
    /// `cos t` (signed, `F + 2` bits) above `sin t` (`F + 1` bits) of every `|y|` below 1; those beyond 1/2 are that of 1/2.
    pub trigonometric: Words,
    /// `1 / D` of every `D` from 0 to 4 on a grid of `f + 1` fraction bits, in the middle of its step: `F + 1` bits, into
    /// which those of 1/2 and less do not fit and never come.
    pub reciprocal: Words,
    state_frac: i32,
}

/// An activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ComplexValue {
    /// On a grid of [`ComplexLogistic::frac`] fraction bits.
    pub real: i64,
    /// On the same grid.
    pub imaginary: i64,
    /// The drive's imaginary part was beyond 1/2, and taken for that.
    pub saturated: bool,
}

/// Units made so far: a study makes hundreds of networks of the same few formats.
static MADE: Mutex<Vec<ComplexLogistic>> = Mutex::new(Vec::new());

/// Most units that are kept.
const KEPT: usize = 16;

impl ComplexLogistic {
    /// Why there is no such unit; none if there is.
    pub fn hindrance(drive: Format, state: Format) -> Option<&'static str> {
        match () {
            () if !drive.signed => Some("a complex drive is signed"),
            () if drive.width > MAX_DRIVE_WIDTH => Some("a complex drive has at most 14 bits"),
            () if drive.frac < 1 => Some("a complex drive has at least one fraction bit"),
            () if drive.frac > drive.width as i32 => {
                Some("a complex drive has no more fraction bits than bits")
            }
            () if !(1..=MAX_STATE_FRAC).contains(&state.frac) => {
                Some("a complex state has 1 to 14 fraction bits")
            }
            () => None,
        }
    }

    /// The tables for these formats; of the state only its fraction counts.
    ///
    /// # Panics
    /// There is a [`hindrance`](Self::hindrance).
    pub fn of(drive: Format, state: Format) -> ComplexLogistic {
        if let Some(hindrance) = Self::hindrance(drive, state) {
            panic!("{drive}, {state}: {hindrance}");
        }
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of = |unit: &&ComplexLogistic| unit.drive == drive && unit.state_frac == state.frac;
        if let Some(unit) = made.iter().find(is_of) {
            return unit.clone();
        }
        if made.len() >= KEPT {
            made.clear();
        }
        let unit = Self::make(drive, state);
        made.push(unit.clone());
        unit
    }

    fn make(drive: Format, state: Format) -> ComplexLogistic {
        let inner = (state.frac + GUARD) as u32;
        let size = 1i64 << drive.width;
        let value = |pattern: i64| if pattern > drive.max_raw() { pattern - size } else { pattern };
        let exponential = |pattern: i64| {
            exact::scaled_exp_minus((4.0 * drive.to_real(value(pattern)) - 2.0).abs(), inner) as u64
        };
        let grid = Format::signed(inner + 2, inner as i32);
        let trigonometric = |k: i64| {
            let t = (4.0 * drive.to_real(k)).min(2.0);
            let cosine = exact::cosine(t).nearest(grid) as u64 & ((1 << (inner + 2)) - 1);
            cosine << (inner + 1) | exact::sine(t).nearest(grid) as u64
        };
        let frac = (state.frac + 1) as u32;
        let greatest = (1u64 << (inner + 1)) - 1;
        let reciprocal = |k: u32| exact::scaled_reciprocal(k, frac, inner).min(greatest);
        ComplexLogistic {
            drive,
            exponential: Words { entries: (0..size).map(exponential).collect(), width: inner + 1 },
            trigonometric: Words {
                entries: (0..1i64 << drive.frac).map(trigonometric).collect(),
                width: 2 * inner + 3,
            },
            reciprocal: Words { entries: (0..4u32 << frac).map(reciprocal).collect(), width: inner + 1 },
            state_frac: state.frac,
        }
    }

    /// `f`, the fraction bits of the state for which this is made; the parameter `StateFrac`.
    pub fn state_frac(&self) -> i32 {
        self.state_frac
    }

    /// `F`, the fraction bits of tables and factors.
    pub fn inner_frac(&self) -> i32 {
        self.state_frac + GUARD
    }

    /// Fraction bits of a value.
    pub fn frac(&self) -> i32 {
        Self::frac_for(self.state_frac)
    }

    /// The same of any states of so many fraction bits.
    pub fn frac_for(state_frac: i32) -> i32 {
        2 * (state_frac + GUARD) + 1
    }

    /// Bits of either part of a value, sign included: both are from -2 to 2.
    pub fn width(&self) -> u32 {
        self.frac() as u32 + 2
    }

    /// Where the real and the imaginary parts of its values lie, raw, for states of this format: lines of equal imaginary part
    /// become arcs of circles through 0 and 1, the outermost of which, that of `4y = 2`, has the radius `1 / (2 sin 2)`; and no
    /// value is further from the function than [`ERROR`].
    pub fn bounds(state: Format) -> (Interval, Interval) {
        let (radius, error) = (0.5 / 2f64.sin(), ERROR * (-f64::from(state.frac)).exp2());
        let end = |v: f64| (v * f64::from(Self::frac_for(state.frac)).exp2()) as i128;
        let real = Interval { lo: end(0.5 - radius - error) - 1, hi: end(0.5 + radius + error) + 1 };
        let highest = radius - 0.5 / 2f64.tan() + error;
        (real, Interval::symmetric(end(highest) + 1))
    }

    /// The activation of a raw drive, whose parts are of the drive's format.
    #[inline]
    pub fn at(&self, real: i64, imaginary: i64) -> ComplexValue {
        let inner = self.inner_frac() as u32;
        let half = 1i64 << (self.drive.frac - 1);
        let unit = 1i64 << inner;
        let saturated = imaginary.abs() > half;
        let q = self.exponential.entries[real as usize & (self.exponential.entries.len() - 1)] as i64;
        let turned = self.trigonometric.entries[imaginary.abs().min(half) as usize];
        let sine = (turned & ((2 << inner) - 1)) as i64;
        // The upper F + 2 of 2F + 3 bits.
        let cosine =
            (turned << (64 - self.trigonometric.width)) as i64 >> (64 - self.trigonometric.width + inner + 1);
        let denominator = unit * unit + q * q + 2 * q * cosine;
        // D = 4 is the only one beyond the table; a = 0 with it.
        let index = (denominator >> (2 * inner as i32 - self.state_frac - 1)) as usize;
        let r = self.reciprocal.entries[index.min(self.reciprocal.entries.len() - 1)] as i64;
        let a = (unit * unit - q * q + unit / 2) >> inner;
        let b = (q * sine + unit / 2) >> inner;
        let signed = |negative: bool, value: i64| if negative { -value } else { value };
        ComplexValue {
            real: unit * unit + signed(real < half, a * r),
            imaginary: signed(imaginary < 0, 2 * b * r),
            saturated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed_point::{Overflow, Requantise, Rounding};
    use num_complex::Complex64;

    /// Greatest distance of either part from the real function, in steps: of the value itself, and of the nearest state.
    /// Every drive whose imaginary part is from 0 to 1/2; that of the others is turned round.
    fn worst(drive: Format, frac: i32) -> (f64, f64) {
        let state = Format::signed(frac as u32 + 2, frac);
        let unit = ComplexLogistic::of(drive, state);
        let rule = Requantise {
            from_frac: unit.frac(),
            to: state,
            rounding: Rounding::Rnd,
            overflow: Overflow::Sat,
        };
        let (mut before, mut after) = (0f64, 0f64);
        let (step, grid) = (2f64.powi(frac), 2f64.powi(-unit.frac()));
        let half = 1i64 << (drive.frac - 1);
        let (of_real, of_imaginary) = ComplexLogistic::bounds(state);
        let within = |i: Interval, v: i64| (i.lo..=i.hi).contains(&i128::from(v));
        for y in 0..=half.min(drive.max_raw()) {
            // exp(-4z + 2) is exp(-4x + 2) times this.
            let turned = Complex64::cis(-4.0 * drive.to_real(y));
            for x in drive.min_raw()..=drive.max_raw() {
                let real = (Complex64::ONE + (2.0 - 4.0 * drive.to_real(x)).exp() * turned).inv();
                let found = unit.at(x, y);
                assert!(!found.saturated, "{drive}: {x}, {y}");
                assert!(
                    within(of_real, found.real) && within(of_imaginary, found.imaginary),
                    "{drive}: {x}, {y}"
                );
                for (found, real) in [(found.real, real.re), (found.imaginary, real.im)] {
                    assert!(found.unsigned_abs() < 1 << (unit.width() - 1));
                    before = before.max((found as f64 * grid - real).abs() * step);
                    after = after.max((state.to_real(rule.apply(found, 0)) - real).abs() * step);
                }
            }
        }
        (before, after)
    }

    #[test]
    fn states_are_within_a_step_of_the_real_function() {
        let mut cases = Vec::new();
        for drive in [(4, 1), (6, 6), (7, 4), (8, 4), (8, 5), (9, 2), (10, 7), (10, 9), (12, 8)] {
            cases.extend([1, 2, 3, 4, 6, 8, 10, 12, 14].map(|frac| (drive, frac)));
        }
        for drive in [(12, 9), (13, 10)] {
            cases.extend([8, 10, 12].map(|frac| (drive, frac)));
        }
        let (mut before, mut after) = (0f64, 0f64);
        for ((width, frac), state) in cases {
            let drive = Format::signed(width, frac);
            let found = worst(drive, state);
            assert!(found.0 > 0.0, "{drive}, {state}: nothing was rounded");
            assert!(found.0 <= ERROR - 0.5 && found.1 <= ERROR, "{drive}, {state}: {found:?} steps");
            (before, after) = (before.max(found.0), after.max(found.1));
        }
        // As the comment of ERROR says.
        assert_eq!(format!("{after:.2} and {before:.2}"), "0.71 and 0.22");
    }

    #[test]
    fn conjugates_mirror_images_and_drives_beyond_agree() {
        for (drive, frac) in
            [(Format::signed(10, 7), 8), (Format::signed(12, 9), 10), (Format::signed(6, 2), 5)]
        {
            let unit = ComplexLogistic::of(drive, Format::signed(16, frac));
            let half = 1i64 << (drive.frac - 1);
            let (mut beyond, mut mirrored) = (0, 0);
            for x in drive.min_raw()..=drive.max_raw() {
                for y in (0..=drive.max_raw()).step_by(if drive.width > 10 { 5 } else { 1 }) {
                    let (above, below) = (unit.at(x, y), unit.at(x, -y));
                    assert_eq!(ComplexValue { imaginary: -below.imaginary, ..below }, above, "{x}, {y}");
                    assert_eq!(above.saturated, y > half);
                    if above.saturated {
                        assert_eq!(ComplexValue { saturated: false, ..above }, unit.at(x, half), "{x}, {y}");
                        beyond += 1;
                    }
                    if drive.contains(2 * half - x) {
                        let image = unit.at(2 * half - x, y);
                        assert_eq!(image.real + above.real, 1 << unit.frac());
                        assert_eq!(image.imaginary, above.imaginary);
                        mirrored += 1;
                    }
                }
                assert_eq!(unit.at(x, 0).imaginary, 0);
            }
            assert!(beyond > 100 && mirrored > 100);
            let end = unit.at(drive.min_raw(), drive.min_raw());
            assert!(end.saturated && end.real == unit.at(drive.min_raw(), -half).real);
            assert_eq!(unit.at(half, 0).real, 1 << (unit.frac() - 1));
        }
    }

    #[test]
    fn tables_fit_their_words() {
        let unit = ComplexLogistic::of(Format::signed(10, 7), Format::signed(10, 8));
        assert_eq!((unit.state_frac(), unit.inner_frac(), unit.frac(), unit.width()), (8, 13, 27, 29));
        for (words, entries, width) in
            [(&unit.exponential, 1024, 14), (&unit.trigonometric, 128, 29), (&unit.reciprocal, 2048, 14)]
        {
            assert_eq!((words.entries.len(), words.width), (entries, width));
            assert!(words.entries.iter().all(|&entry| entry < 1 << width));
            let read = words.hex().lines().map(|line| u64::from_str_radix(line, 16).ok()).collect::<Vec<_>>();
            assert!(read.iter().zip(words.entries.iter()).all(|(read, entry)| *read == Some(*entry)));
            assert_eq!(read.len(), entries);
        }
        // x = 1/2; y = 0; from y = 1/2 on all are equal; the least 1 / D is 1/4.
        assert_eq!(unit.exponential.entries[64], 1 << 13);
        assert_eq!(unit.trigonometric.entries[0], 1 << 27);
        assert!(unit.trigonometric.entries[64..].iter().all(|&e| e == unit.trigonometric.entries[64]));
        assert_ne!(unit.trigonometric.entries[63], unit.trigonometric.entries[64]);
        assert_eq!(unit.reciprocal.entries[2047], 2049);
    }

    #[test]
    fn what_has_no_unit_is_told() {
        let state = Format::signed(10, 8);
        for (drive, state) in [
            (Format::unsigned(10, 7), state),
            (Format::signed(15, 7), state),
            (Format::signed(10, 0), state),
            (Format::signed(10, 11), state),
            (Format::signed(10, 7), Format::signed(10, 0)),
            (Format::signed(10, 7), Format::signed(17, 15)),
        ] {
            assert!(ComplexLogistic::hindrance(drive, state).is_some(), "{drive}, {state}");
        }
        assert_eq!(ComplexLogistic::hindrance(Format::signed(14, 14), Format::signed(16, 14)), None);
        assert_eq!(ComplexLogistic::hindrance(Format::signed(2, 1), Format::signed(3, 1)), None);
    }
}
