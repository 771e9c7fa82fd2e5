//! Softmax of complex drives in integers, for read-outs whose nudge goes round a circle. The twin of
//! `hdl/complex_softmax.v`.
//!
//! Drives are `z_j = x_j + i y_j`, both parts of one signed format with `d` fraction bits. `y_j` beyond 1 is saturated.
//!
//! ```text
//! e_j = round(2^15 exp(x_j - max x))             the table of the real softmax
//! C, N = round(2^15 cos |y|), round(2^15 sin |y|) table over |y|, from 0 to 1
//! E_j = round(e_j C / 2^15), +-round(e_j N / 2^15) on the grid 2^-15; the sign is that of y
//! S   = sum of E_j                               exact
//! Q   = |S|^2                                    exact, on the grid 2^-30
//! n   = floor(log2 Q), h = floor(n / 2), k the ten bits below Q's leading one
//! R   = round(2^25 / (2^10 + k + 1/2))           the table of the real softmax
//! G   = round(Re S R / 2^(h-1)), -+round(|Im S| R / 2^(h-1))
//! P_j = round(E_j G / 2^(n-h))                   a complex product, on the grid 2^-16
//! ```
//!
//! Everything is rounded to nearest, ties towards plus infinity (of `E` and `G`, ties away from zero).
//!
//! No cancellation threatens the quotient. The turns are at most 1, so that the sum of all other `E` lies in the cone of
//! angles from -1 to 1, and the greatest `E` as well, which has length 1: `|S| >= sin 2 = 0.909`, hence `|p| <= 1.1`, and
//! `Re S >= cos 1 = 0.54`, hence `n >= 28`. `G` is `2^15.5` to `2^16.5` units long, so that its rounding is at most `2^-16` of it.

use super::{Format, Softmax, exact};

/// Largest distance of a part of a probability from the exact one: of up to 24 classes whatever their drives, and of up to
/// 1024 unless hundreds of small exponentials are all rounded to the same side, as where they are equal ([`error`] bounds
/// those too).
pub const ERROR: f64 = 1.0 / 512.0;

/// Cycles from the last drive to the last pull of `hdl/complex_softmax.v`, besides two for each output.
pub const PULL_CYCLES: usize = 22;

/// Fraction bits of cosine, sine and exponentials.
const UNIT: u32 = 15;

/// Largest distance of a part of a probability from the exact one, for drives that are not saturated, whatever they are.
///
/// An `E` is off by at most 1/2 (its exponential), `2^-1/2` (its own rounding) and `e / 2^1/2` (its turn) units of `2^-15`. With
/// `A` the sum of all `e` and `|p| <= 1.1`, a probability is off by at most
/// `(1.21 + 0.71 + 1.1 (1.21 classes + 0.71 A)) / |S|` such units where `|S| >= 0.909` and `|S| >= 0.54 A`; then comes what
/// the reciprocal is off, 0.053 %, and 1/2 of a unit of `2^-16`.
pub fn error(classes: usize) -> f64 {
    0.0007 + (3.6 + 1.47 * classes as f64) * 2f64.powi(-15)
}

/// The tables, and what is to be known of the logits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComplexSoftmax {
    /// `2^15 exp(-d)`, `d` on the grid of the logits; one entry for every difference of two of them. As of [`Softmax`].
    pub exponential: Vec<u16>,
    /// `2^15 sin y` in the upper, `2^15 cos y` in the lower 16 bits; those of the greatest angle fill the table up to a power of two.
    pub angle: Vec<u32>,
    /// `2^25 / (2^10 + k + 1/2)`. As of [`Softmax`].
    pub reciprocal: Vec<u16>,
    /// The greatest raw angle: 1, or the greatest that the logits have.
    pub greatest_angle: i32,
}

impl ComplexSoftmax {
    /// The tables for logits of a signed format (at most 16 bits). Without fraction bits for an angle of 1 all angles are
    /// 0.
    pub fn of(logit: Format) -> ComplexSoftmax {
        let Softmax { exponential, reciprocal } = Softmax::of(logit);
        let width = logit.width.min(16);
        let greatest_angle = match u32::try_from(logit.frac) {
            Ok(frac) => 1 << frac.min(width - 1),
            Err(_) => 0,
        };
        let angle_bits = u32::BITS - (greatest_angle as u32 | 1).leading_zeros();
        let unit = Format::unsigned(62, UNIT as i32);
        let word = |raw: i32| {
            let angle = logit.to_real(raw.min(greatest_angle).into());
            let [cos, sin] = [exact::cosine(angle), exact::sine(angle)].map(|part| part.nearest(unit));
            (sin as u32) << 16 | cos as u32
        };
        let angle = (0..1 << angle_bits).map(word).collect();
        ComplexSoftmax { exponential, angle, reciprocal, greatest_angle }
    }

    /// Index bits of the table of angles.
    pub fn angle_bits(&self) -> u32 {
        self.angle.len().ilog2()
    }

    /// Whether an imaginary part is beyond 1 and thus saturated.
    pub fn saturates(&self, imaginary: i32) -> bool {
        imaginary.unsigned_abs() > self.greatest_angle.unsigned_abs()
    }

    /// How many imaginary parts are saturated.
    pub fn saturated(&self, imaginary: &[i32]) -> usize {
        imaginary.iter().filter(|y| self.saturates(**y)).count()
    }

    /// Probabilities, real and imaginary part on the grid `2^-16`, of raw logits (at least one; as many imaginary parts as
    /// real ones).
    pub fn probabilities(&self, real: &[i32], imaginary: &[i32]) -> impl Iterator<Item = (i64, i64)> {
        let greatest = real.iter().copied().max().unwrap_or(0);
        let exponential = move |(x, y): (&i32, &i32)| {
            let e = i64::from(self.exponential[(i64::from(greatest) - i64::from(*x)) as usize]);
            let angle = self.angle[y.unsigned_abs().min(self.greatest_angle.unsigned_abs()) as usize];
            let (cos, sin) = (i64::from(angle & 0xFFFF), i64::from(angle >> 16));
            (nearest(e * cos, UNIT), i64::from(y.signum()) * nearest(e * sin, UNIT))
        };
        let pairs = || real.iter().zip(imaginary);
        let sum = pairs().map(exponential).fold((0, 0), |s, e| (s.0 + e.0, s.1 + e.1));
        // The real part is never below that of one exponential of 1.
        let square = (sum.0 * sum.0 + sum.1 * sum.1).max(1 << 28);
        let n = square.ilog2();
        let h = n / 2;
        let k = (square >> (n - 10)) as usize & 1023;
        let reciprocal = i64::from(self.reciprocal[k]);
        let inverse = |part: i64| part.signum() * nearest(part.abs() * reciprocal, h - 1);
        let g = (inverse(sum.0), -inverse(sum.1));
        pairs().map(exponential).map(move |e| {
            let product = (e.0 * g.0 - e.1 * g.1, e.0 * g.1 + e.1 * g.0);
            (nearest(product.0, n - h), nearest(product.1, n - h))
        })
    }
}

/// `value / 2^shift` to nearest, ties towards plus infinity.
fn nearest(value: i64, shift: u32) -> i64 {
    (value + (1 << (shift - 1))) >> shift
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed_point::row_bits;
    use num_complex::Complex;

    /// Largest distance of a part of a probability from the exact one.
    fn distance(format: Format, tables: &ComplexSoftmax, real: &[i32], imaginary: &[i32]) -> f64 {
        let greatest = real.iter().copied().max().expect("a class");
        let exponential = |(x, y): (&i32, &i32)| {
            Complex::new(format.to_real((x - greatest).into()), format.to_real((*y).into())).exp()
        };
        let exact: Vec<_> = real.iter().zip(imaginary).map(exponential).collect();
        let sum: Complex<f64> = exact.iter().sum();
        let found = tables.probabilities(real, imaginary);
        let mut worst = 0f64;
        let mut seen = 0;
        for (found, exact) in found.zip(&exact) {
            let off = Complex::new(found.0 as f64, found.1 as f64) / 65536.0 - exact / sum;
            worst = worst.max(off.re.abs()).max(off.im.abs());
            seen += 1;
        }
        assert_eq!(seen, real.len());
        worst
    }

    const FORMATS: [Format; 5] = [
        Format::signed(10, 7),
        Format::signed(12, 8),
        Format::signed(12, 6),
        Format::signed(13, 9),
        Format::signed(13, 11),
    ];

    #[test]
    fn probabilities_are_near_the_exact_ones() {
        for format in FORMATS {
            let tables = ComplexSoftmax::of(format);
            for classes in [1, 2, 3, 10, 24, 100, 1024u32] {
                let mut worst = 0f64;
                for case in 0..if classes > 100 { 100 } else { 600u32 } {
                    let bits = |i: u32| i64::from(row_bits(case, i));
                    // Logits over all of the range or close together, angles of either sign, of one sign, or at the ends.
                    let span = ((format.max_raw() - format.min_raw() + 1) >> (2 * (case % 4))).max(1);
                    let real: Vec<i32> =
                        (0..classes).map(|i| (format.min_raw() + bits(i) % span) as i32).collect();
                    let one = i64::from(tables.greatest_angle);
                    let angle = |i: u32| {
                        let b = bits(classes + i);
                        match case / 4 % 4 {
                            0 => b % (2 * one + 1) - one,
                            1 => b % (one + 1),
                            2 => (b & 1) * 2 * one - one,
                            _ => b % (one / 2 + 1) - one,
                        }
                    };
                    let imaginary: Vec<i32> = (0..classes).map(|i| angle(i) as i32).collect();
                    assert_eq!(tables.saturated(&imaginary), 0);
                    worst = worst.max(distance(format, &tables, &real, &imaginary));
                }
                assert!(worst <= ERROR, "{format}, {classes} classes: {worst}");
                assert!(worst > 0.0, "{format}, {classes} classes: nothing was rounded");
            }
        }
    }

    /// One output before many that share a drive: what each is off has the same sign.
    #[test]
    fn errors_of_one_sign_stay_below_their_bound() {
        for classes in [2, 10, 24, 100, 1024] {
            let mut worst = 0f64;
            for format in FORMATS {
                let tables = ComplexSoftmax::of(format);
                let one = tables.greatest_angle;
                let mut real = vec![format.max_raw() as i32; classes];
                let mut imaginary = vec![0; classes];
                for below in 0..1 << (format.width - 1) {
                    // Not all of them, where one takes long.
                    if classes > 100 && below % 37 != 0 {
                        continue;
                    }
                    for (first, others) in [(0, 0), (one, -one), (one, one), (one / 2, -one), (0, one / 3)] {
                        real[1..].fill(format.max_raw() as i32 - below);
                        imaginary[0] = first;
                        imaginary[1..].fill(others);
                        worst = worst.max(distance(format, &tables, &real, &imaginary));
                    }
                }
            }
            assert!(worst <= error(classes), "{classes} classes: {worst}");
            assert!(worst > error(classes) / 8.0, "{classes} classes: {worst} is far below the bound");
        }
        assert!(error(24) <= ERROR);
    }

    #[test]
    fn without_imaginary_parts_it_is_the_real_softmax() {
        let format = Format::signed(10, 7);
        let (real, complex) = (Softmax::of(format), ComplexSoftmax::of(format));
        for case in 0..200 {
            let logits: Vec<i32> = (0..10).map(|i| (row_bits(case, i) % 1024) as i32 - 512).collect();
            let pairs = real.probabilities(&logits).zip(complex.probabilities(&logits, &[0; 10]));
            for (real, (re, im)) in pairs {
                // Both reciprocals are 0.053 % off, of a sum and of its square.
                assert!((real - re).abs() <= 80 && im == 0, "{logits:?}: {real}, {re}, {im}");
            }
        }
    }

    #[test]
    fn probabilities_sum_to_one_and_conjugate_with_their_drives() {
        let format = Format::signed(12, 8);
        let tables = ComplexSoftmax::of(format);
        for case in 0..200u32 {
            let part = |from: u32, span: u32| -> Vec<i32> {
                (0..10).map(|i| (row_bits(case, from + i) % span) as i32 - span as i32 / 2).collect()
            };
            let (real, imaginary) = (part(0, 1 << (6 + case % 7)), part(10, 1023));
            assert!(case > 0 || tables.saturated(&imaginary) > 0);
            let conjugate: Vec<i32> = imaginary.iter().map(|y| -y).collect();
            let found: Vec<_> = tables.probabilities(&real, &imaginary).collect();
            for (p, q) in found.iter().zip(tables.probabilities(&real, &conjugate)) {
                // Ties go up.
                assert!(p.0 == q.0 && (p.1 + q.1 == 0 || p.1 + q.1 == 1), "{p:?}, {q:?}");
            }
            let (re, im) = found.iter().fold((0, 0), |s, p| (s.0 + p.0, s.1 + p.1));
            assert!((re - 65536).abs() < 60 && im.abs() < 60, "{re}, {im}");
        }
    }

    #[test]
    fn angles_beyond_one_are_saturated() {
        for (format, greatest, bits) in [
            (Format::signed(12, 8), 256, 9),
            (Format::signed(10, 9), 512, 10),
            (Format::signed(8, 12), 128, 8),
            (Format::signed(8, 0), 1, 1),
            (Format::signed(8, -2), 0, 1),
        ] {
            let tables = ComplexSoftmax::of(format);
            assert_eq!((tables.greatest_angle, tables.angle_bits()), (greatest, bits), "{format}");
            for raw in format.min_raw()..=format.max_raw() {
                let (x, y) = (vec![0, 0, 1], vec![raw as i32, 0, -raw as i32]);
                let inside = |y: &i32| (*y).clamp(-greatest, greatest);
                let saturated: Vec<i32> = y.iter().map(inside).collect();
                assert_eq!(tables.saturated(&y), y.iter().zip(&saturated).filter(|(a, b)| a != b).count());
                assert!(
                    tables.probabilities(&x, &y).eq(tables.probabilities(&x, &saturated)),
                    "{format}: {raw}"
                );
            }
        }
    }
}
