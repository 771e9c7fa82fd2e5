//! Exact intervals of integers: the proof that no sum loses a bit.

use super::Format;
use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};

/// A closed interval of raw integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Smallest value.
    pub lo: i128,
    /// Largest value.
    pub hi: i128,
}

impl Interval {
    /// The interval of one value.
    pub const fn point(v: i128) -> Self {
        Interval { lo: v, hi: v }
    }

    /// From `-v` to `v`, of a `v` that is not negative.
    pub const fn symmetric(v: i128) -> Self {
        Interval { lo: -v, hi: v }
    }

    /// Everything a format can hold.
    pub fn of(format: Format) -> Self {
        Interval { lo: i128::from(format.min_raw()), hi: i128::from(format.max_raw()) }
    }

    /// The smallest interval that holds both.
    pub fn hull(self, other: Self) -> Self {
        Interval { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// The sum of `n` independent values.
    pub fn times(self, n: usize) -> Self {
        Interval { lo: self.lo * n as i128, hi: self.hi * n as i128 }
    }

    /// Multiplied by `2^bits` (`bits >= 0`).
    pub fn aligned(self, bits: u32) -> Self {
        Interval { lo: self.lo << bits, hi: self.hi << bits }
    }

    /// Divided by `2^bits`, rounded outwards by one: holds the result of every rounding mode.
    pub fn shr_rounded(self, bits: u32) -> Self {
        if bits == 0 { self } else { Interval { lo: self.lo >> bits, hi: (self.hi >> bits) + 1 } }
    }

    /// Width of the smallest two's complement number that holds the interval.
    pub fn signed_bits(self) -> u32 {
        let need = |v: i128| if v < 0 { 129 - (!v).leading_zeros() } else { 129 - v.leading_zeros() };
        need(self.lo).max(need(self.hi))
    }
}

impl Add for Interval {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Interval { lo: self.lo + o.lo, hi: self.hi + o.hi }
    }
}

impl Neg for Interval {
    type Output = Self;
    fn neg(self) -> Self {
        Interval { lo: -self.hi, hi: -self.lo }
    }
}

impl Sub for Interval {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self + -o
    }
}

impl Mul for Interval {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        let p = [self.lo * o.lo, self.lo * o.hi, self.hi * o.lo, self.hi * o.hi];
        Interval { lo: *p.iter().min().unwrap_or(&0), hi: *p.iter().max().unwrap_or(&0) }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", self.lo, self.hi)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_two_complement() {
        for (lo, hi, bits) in
            [(0, 0, 1), (-1, 0, 1), (-1, 1, 2), (-2, 1, 2), (0, 127, 8), (-128, 127, 8), (-129, 0, 9)]
        {
            assert_eq!(Interval { lo, hi }.signed_bits(), bits, "[{lo}, {hi}]");
        }
    }

    #[test]
    fn products_of_signed_ranges_take_the_extreme_corner() {
        let a = Interval::of(Format::signed(8, 0));
        assert_eq!(a * a, Interval { lo: -128 * 127, hi: 128 * 128 });
    }
}
