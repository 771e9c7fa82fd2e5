//! The functions behind every table, in 128-bit fixed point and rounded once: a design gives the same integers on every
//! machine, with every maths library.
//!
//! Arguments are exact (values of a format are, in `f64`), results are within `2^-112` of the function. Only where the
//! exponent is 0 can a result lie in the middle between two raw values (`exp` of any other rational number is
//! irrational, by Lindemann, and so are its sine and cosine), and there it is exact. That no other comes within `2^-112` of a middle is what the tests
//! hold, against arbitrary precision.

use super::Format;
use fixed::consts::FRAC_1_SQRT_2PI;
use fixed::types::I8F120;
use std::sync::LazyLock;

/// A number from -128 to below 128 with 120 fraction bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(I8F120);

impl Exact {
    /// The nearest float.
    pub fn to_real(self) -> f64 {
        self.0.to_num()
    }

    /// A number that has no bits beyond those.
    pub fn of(x: f64) -> Exact {
        Exact(I8F120::from_num(x))
    }

    /// The nearest raw value of a format (ties away from zero), clamped to its range.
    pub fn nearest(self, format: Format) -> i64 {
        let drop = 120 - format.frac;
        let bits = self.0.to_bits();
        // A step of 2^8 or more is more than twice any of these; no format has 120 fraction bits.
        let magnitude = if drop < 128 { ((bits.unsigned_abs() >> (drop - 1)) + 1) >> 1 } else { 0 };
        let raw = magnitude.min(i64::MAX as u128) as i64 * if bits < 0 { -1 } else { 1 };
        raw.clamp(format.min_raw(), format.max_raw())
    }
}

/// `1 / (1 + exp(-4x + 2))`, the field's sigmoid (algorithms.md section 0).
pub fn logistic(x: f64) -> Exact {
    let one = I8F120::from_num(1);
    match argument(x) {
        Some((e, true)) => Exact(one / (one + e)),
        Some((e, false)) => Exact(e / (one + e)),
        None => Exact(if x > 0.0 { one } else { I8F120::ZERO }),
    }
}

/// `4 s (1 - s)` with `s = logistic(x)`, its derivative: the same on both sides of `x = 1/2`.
pub fn logistic_slope(x: f64) -> Exact {
    let one = I8F120::from_num(1);
    argument(x).map_or(Exact(I8F120::ZERO), |(e, _)| Exact(4 * e / (one + e) / (one + e)))
}

/// `exp(-|4x - 2|)`, and whether `4x - 2` is not negative; `None` where the exponential is below `2^-126`.
fn argument(x: f64) -> Option<(I8F120, bool)> {
    if !(-21.5..=22.5).contains(&x) {
        return None;
    }
    let u = 4 * I8F120::from_num(x) - I8F120::from_num(2);
    Some((exp_minus(u.abs()), u >= 0))
}

/// `2^scale exp(-t)`, rounded to the nearest integer (ties away from zero), for `t >= 0`.
pub fn scaled_exp_minus(t: f64, scale: u32) -> i64 {
    let integer = Format::unsigned(62, scale as i32);
    if t < 88.0 { Exact(exp_minus(I8F120::from_num(t))).nearest(integer) } else { 0 }
}

/// `exp(-t)` for `t` from 0 to 88: `2^-n exp(-r)`, where `t = n ln 2 + r`, by the Taylor series of `exp(-r)`.
fn exp_minus(t: I8F120) -> I8F120 {
    let n = t.to_bits() / I8F120::LN_2.to_bits();
    let r = I8F120::from_bits(t.to_bits() - n * I8F120::LN_2.to_bits());
    // r < 0.6932: the first term left out is below 2^-139.
    let series = INVERSE_FACTORIALS.iter().rev().fold(I8F120::ZERO, |sum, &term| term - r * sum);
    series >> n as u32
}

/// `1/k!` for `k` from 0 to 32.
static INVERSE_FACTORIALS: LazyLock<[I8F120; 33]> = LazyLock::new(|| {
    let mut terms = [I8F120::from_num(1); 33];
    for k in 1..33 {
        terms[k] = terms[k - 1] / k as i128;
    }
    terms
});

/// `(1 - cos(angle)) / 2` of an angle from 0 to 180 degrees, as a number of 32 fraction bits: what part of all 32-bit
/// numbers lies below it.
pub fn turned(degrees: f64) -> u64 {
    // sin(angle / 2) squared.
    let sine = sine_of(I8F120::from_num(degrees.clamp(0.0, 180.0) / 2.0) / 90 * I8F120::FRAC_PI_2);
    Exact(sine * sine).nearest(Format::unsigned(62, 32)).unsigned_abs()
}

/// Cosine and sine of `2 pi k / points`: the nearest floats, and exactly those of the other quarters and eighths of the
/// circle with their signs.
pub fn on_circle(k: u32, points: u32) -> (f64, f64) {
    let (k, points) = (u64::from(k % points), u64::from(points));
    let (quarter, rest) = (4 * k / points, 4 * k % points);
    // A quarter's second half is the first one's mirror image.
    let mirrored = 2 * rest > points;
    let eighth = if mirrored { points - rest } else { rest };
    let angle = I8F120::FRAC_PI_2 * eighth as i128 / points as i128;
    let (cosine, sine) = (Exact(cosine_of(angle)).to_real(), Exact(sine_of(angle)).to_real());
    let (x, y) = if mirrored { (sine, cosine) } else { (cosine, sine) };
    match quarter {
        0 => (x, y),
        1 => (-y, x),
        2 => (-x, -y),
        _ => (y, -x),
    }
}

/// `sin t` of an angle from 0 to 2 (beyond: of the nearer end).
pub fn sine(t: f64) -> Exact {
    Exact(sine_of(I8F120::from_num(t.clamp(0.0, 2.0))))
}

/// `cos t` of an angle from 0 to 2 (beyond: of the nearer end).
pub fn cosine(t: f64) -> Exact {
    Exact(cosine_of(I8F120::from_num(t.clamp(0.0, 2.0))))
}

/// `cos t` for `t` from 0 to 2.
fn cosine_of(t: I8F120) -> I8F120 {
    let square = t * t;
    let one = I8F120::from_num(1);
    // The first term left out is below 2^-123.
    (1..=21).rev().fold(one, |sum, k| one - square * sum / (2 * k * (2 * k - 1)))
}

/// `sin t` for `t` from 0 to 2.
fn sine_of(t: I8F120) -> I8F120 {
    let square = t * t;
    let one = I8F120::from_num(1);
    // The first term left out is below 2^-131.
    t * (1..=20).rev().fold(one, |sum, k| one - square * sum / (2 * k * (2 * k + 1)))
}

/// `2^scale / ((k + 1/2) 2^-frac)`, rounded to the nearest integer: the reciprocal in the middle of a step. The quotient
/// of a power of two by an odd number lies in the middle of no two integers. `scale + frac` is at most 60.
pub fn scaled_reciprocal(k: u32, frac: u32, scale: u32) -> u64 {
    let odd = 2 * u64::from(k) + 1;
    ((1 << (scale + frac + 2)) + odd) / (2 * odd)
}

/// The part of a normal distribution that lies between its middle and `x`, for an `x = y / deviation` that is not negative:
/// from 0 to 1/2, within `2^-100`.
///
/// The series is `x phi(x) (1 + x^2/3 (1 + x^2/5 (1 + ...)))` with `phi` the density: no term is negative, and none above 1/2.
pub fn normal_part(y: f64, deviation: f64) -> Exact {
    // Beyond, less than 2^-75 is left: nobody asks for so little.
    if y / deviation > 10.0 {
        return Exact(I8F120::from_num(0.5));
    }
    let x = I8F120::from_num(y) / I8F120::from_num(deviation);
    let square = x * x;
    let mut term = x * exp_minus(square / 2) * I8F120::from_num(FRAC_1_SQRT_2PI);
    let mut sum = I8F120::ZERO;
    let mut odd = 1;
    while term > I8F120::ZERO {
        sum += term;
        odd += 2;
        term = term * square / odd;
    }
    Exact(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dashu_float::ops::SquareRoot;
    use dashu_float::{FBig, round::mode::HalfAway};

    type Big = FBig<HalfAway, 2>;

    fn big(x: f64) -> Big {
        Big::try_from(x).expect("finite").with_precision(300).value()
    }

    /// A real number of arbitrary precision on a format's grid.
    fn rounded(y: &Big, format: Format) -> i64 {
        let scaled = y * big(2f64.powi(format.frac));
        let raw = i64::try_from(scaled.round().to_int().value()).expect("a small number");
        raw.clamp(format.min_raw(), format.max_raw())
    }

    #[test]
    fn points_lie_on_the_circle() {
        for points in 1..=16 {
            for k in 0..points {
                let (x, y) = on_circle(k, points);
                let angle = std::f64::consts::TAU * f64::from(k) / f64::from(points);
                assert!(
                    (x - angle.cos()).abs() < 4e-15 && (y - angle.sin()).abs() < 4e-15,
                    "{k} of {points}"
                );
                let (conjugate, below) = on_circle((points - k) % points, points);
                assert!(x == conjugate && y == -below, "{k} of {points}");
            }
        }
        assert_eq!(
            [on_circle(0, 4), on_circle(1, 4), on_circle(4, 8)],
            [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)]
        );
    }

    #[test]
    fn every_entry_is_the_real_one_rounded_once() {
        let mut seen = 0;
        let formats = [
            (Format::signed(10, 7), Format::unsigned(8, 8)),
            (Format::signed(12, 8), Format::signed(16, 13)),
            (Format::signed(12, 5), Format::unsigned(30, 30)),
            (Format::signed(9, 0), Format::signed(24, 20)),
            (Format::signed(6, -3), Format::unsigned(8, 8)),
            (Format::unsigned(10, 10), Format::unsigned(16, 16)),
            (Format::signed(4, 2), Format::signed(6, 0)),
        ];
        for (from, to) in formats {
            for raw in from.min_raw()..=from.max_raw() {
                let x = from.to_real(raw);
                let s = big(1.0) / (big(1.0) + (big(2.0) - big(4.0) * big(x)).exp());
                assert_eq!(logistic(x).nearest(to), rounded(&s, to), "logistic({x}) in {to}");
                let slope = big(4.0) * &s * (big(1.0) - &s);
                assert_eq!(logistic_slope(x).nearest(to), rounded(&slope, to), "slope({x}) in {to}");
                seen += 1;
            }
        }
        assert_eq!(seen, 1024 + 4096 + 4096 + 512 + 64 + 1024 + 16);
        for d in 0..4096 {
            let t = f64::from(d) / 64.0;
            let real = (-big(t)).exp();
            assert_eq!(scaled_exp_minus(t, 15), rounded(&real, Format::unsigned(40, 15)), "exp(-{t})");
        }
    }

    #[test]
    fn sines_and_cosines_are_the_real_ones_rounded_once() {
        let (mut seen, mut worst) = (0, 0.0f64);
        for frac in [4, 7, 10] {
            for k in 0..=2i64 << frac {
                let t = Format::signed(20, frac).to_real(k);
                let square = big(t) * big(t);
                // Terms of the two series, each from the one before; 100 of them are far below 2^-300.
                let series = |first: Big, from: i32| {
                    let (mut term, mut sum) = (first.clone(), first);
                    for n in 0..50 {
                        let k = f64::from(from + 2 * n);
                        term = -term * &square / big((k + 1.0) * (k + 2.0));
                        sum += &term;
                    }
                    sum
                };
                for (found, real) in [(sine(t), series(big(t), 1)), (cosine(t), series(big(1.0), 0))] {
                    for to in [6, 13, 17, 24, 40] {
                        let to = Format::signed(to + 2, to as i32);
                        assert_eq!(found.nearest(to), rounded(&real, to), "{t} in {to}");
                    }
                    let error = (real - big_of(found)) * big(2f64.powi(112));
                    worst = worst.max(error.to_f64().value().abs());
                    seen += 1;
                }
            }
        }
        assert_eq!(seen, 2 * (33 + 257 + 2049));
        assert!(worst < 1.0, "{worst} of 2^-112");
        assert_eq!((sine(0.0), cosine(0.0)), (Exact::of(0.0), Exact::of(1.0)));
        assert_eq!((sine(7.0), cosine(-7.0)), (sine(2.0), Exact::of(1.0)));
    }

    #[test]
    fn reciprocals_are_the_real_ones_rounded_once() {
        for (frac, scale) in [(9, 13), (13, 17), (1, 0)] {
            for k in 0..4u32 << frac {
                let real = big(2f64.powi((scale + frac) as i32)) / (big(f64::from(k)) + big(0.5));
                let found = scaled_reciprocal(k, frac, scale) as i64;
                assert_eq!(found, rounded(&real, Format::unsigned(62, 0)), "{k}");
            }
        }
    }

    #[test]
    fn parts_of_the_normal_distribution_are_the_real_ones() {
        let (mut seen, mut worst) = (0, 0.0f64);
        // 1 / sqrt(2 pi), to 300 bits, by its square: pi = 16 atan(1/5) - 4 atan(1/239).
        let atan = |n: f64| {
            let (x, mut sum) = (big(1.0) / big(n), big(0.0));
            let mut power = x.clone();
            for k in 0..140 {
                let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
                sum += big(sign) * &power / big(f64::from(2 * k + 1));
                power = power * &x * &x;
            }
            sum
        };
        let pi = big(16.0) * atan(5.0) - big(4.0) * atan(239.0);
        let density = big(1.0) / (big(2.0) * pi).sqrt();
        for (deviation, steps) in [(1.0, 64), (0.04, 512), (0.3, 100)] {
            for k in 0..=5 * steps {
                let y = f64::from(k) / f64::from(steps) * deviation;
                let x = big(y) / big(deviation);
                let square = &x * &x;
                let mut term = &x * &density * (-(&square / big(2.0))).exp();
                let mut sum = big(0.0);
                for n in 1..300 {
                    sum += &term;
                    term = term * &square / big(f64::from(2 * n + 1));
                }
                let exact = big_of(normal_part(y, deviation));
                let error = (sum - exact) * big(2f64.powi(100));
                worst = worst.max(error.to_f64().value().abs());
                seen += 1;
            }
        }
        assert_eq!(seen, 5 * (64 + 512 + 100) + 3);
        assert!(worst < 1.0, "{worst} of 2^-100");
        assert_eq!(normal_part(0.0, 0.1), Exact::of(0.0));
        assert_eq!(normal_part(2.0, 0.1), Exact::of(0.5));
    }

    fn big_of(x: Exact) -> Big {
        let bits = x.0.to_bits();
        let (high, low) = (bits >> 60, bits & ((1 << 60) - 1));
        let word = |w: i128| Big::from(w as i64).with_precision(300).value();
        word(high) * big(2f64.powi(-60)) + word(low) * big(2f64.powi(-120))
    }

    #[test]
    fn far_out_the_sigmoid_is_at_its_ends() {
        let state = Format::unsigned(30, 30);
        for far in [21.4, 22.5, 23.0, 1e9, f64::MAX] {
            assert_eq!(logistic(far).nearest(state), state.max_raw());
            assert_eq!(logistic(-far).nearest(state), 0);
            assert_eq!(logistic_slope(far).nearest(state), 0);
        }
        assert_eq!(logistic(0.5).nearest(Format::unsigned(8, 8)), 128);
        assert_eq!(logistic(1e-40).nearest(state), logistic(0.0).nearest(state));
        assert_eq!(scaled_exp_minus(0.0, 15), 1 << 15);
        assert_eq!(scaled_exp_minus(1e6, 15), 0);
    }

    #[test]
    fn an_angle_turns_its_part() {
        assert_eq!([0.0, 60.0, 90.0, 120.0, 180.0].map(turned), [0, 1 << 30, 1 << 31, 3 << 30, 1 << 32]);
        for tenths in 0..=1800 {
            let degrees = f64::from(tenths) / 10.0;
            let real = (1.0 - degrees.to_radians().cos()) / 2.0 * 2f64.powi(32);
            assert!((turned(degrees) as f64 - real).abs() <= 0.51, "{degrees}");
        }
    }
}
