//! The machine integers an engine works with, chosen by the proven widths of a design.

use super::matrix::{
    Matrix, Reading, combine_16, combine_any, contrasts_16, contrasts_any, dots_16, dots_any,
    dots_of_lines_16, dots_of_lines_any,
};
use crate::design::Design;
use crate::fixed_point::Format;
use std::fmt::Debug;
use std::ops::{Add, Shl, Shr};

/// Values handled together. A multiple of every vector register's lane count; also the padding of every line.
pub(super) const LANES: usize = 16;

/// One register's worth, or two.
pub(super) type Block<T> = [T; LANES];

/// Blocks that hold `n` values.
pub(super) fn blocks<T: Copy + Default>(n: usize) -> Vec<Block<T>> {
    vec![[T::default(); LANES]; n.div_ceil(LANES)]
}

/// An integer of the machine.
pub(super) trait Int:
    Copy
    + Debug
    + Default
    + PartialEq
    + Ord
    + Add<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
    + 'static
{
    /// Keeps the low bits.
    fn wrap(value: i64) -> Self;
    /// Keeps the low bits.
    fn cut(value: i32) -> Self;
    /// Sign extension.
    fn wide(self) -> i64;
    /// Sign extension, or the low half.
    fn word(self) -> i32;
    /// From another integer, kept in its low bits.
    #[inline(always)]
    fn of(other: impl Int) -> Self {
        Self::wrap(other.wide())
    }
    /// Modular product.
    fn product(self, other: Self) -> Self;
    /// Modular negative.
    fn negated(self) -> Self;
    /// Modular sum: a partial sum may leave the range, the whole one is proven not to.
    fn plus(self, other: Self) -> Self;
}

macro_rules! int {
    ($($t:ty),*) => {$(
        impl Int for $t {
            #[inline(always)]
            fn wrap(value: i64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn cut(value: i32) -> Self {
                value as $t
            }
            #[inline(always)]
            fn wide(self) -> i64 {
                i64::from(self)
            }
            #[inline(always)]
            fn word(self) -> i32 {
                self as i32
            }
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn product(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn negated(self) -> Self {
                self.wrapping_neg()
            }
        }
    )*};
}
int!(i16, i32, i64);

/// A choice of machine integers.
pub(super) trait Numbers: Copy + Debug + Default + 'static {
    /// True where [`short`](Self::short) gives something.
    const SHORT: bool = false;

    /// A stored weight or bias.
    type Stored: Int;
    /// An activity on the common grid.
    type Activity: Int;
    /// A sum of a burst of products.
    type Partial: Int;
    /// A sum of products.
    type Sum: Int;

    /// Weight as read times activity.
    fn product(read: Self::Stored, activity: Self::Activity) -> Self::Partial;

    /// `out[i] += (sum over the listed lines of read(w[line][i]) * activity) << shift`.
    fn combine(
        m: &Matrix<Self::Stored>,
        reading: Reading,
        list: &[(u32, Self::Activity)],
        shift: u32,
        out: &mut [Block<Self::Sum>],
    ) {
        combine_any::<Self>(m, reading, list, shift, out);
    }

    /// `out[line] += (sum over i of read(w[line][i]) * activity[i]) << shift`.
    fn dots(
        m: &Matrix<Self::Stored>,
        reading: Reading,
        activity: &[Block<Self::Activity>],
        shift: u32,
        out: &mut [Self::Sum],
    ) {
        dots_any::<Self>(m, reading, activity, shift, out);
    }

    /// `out[line][row] += (sum over i of read(w[row][i]) * x[line][i]) << shift`, of as many lines as `out` has.
    fn dots_of_lines(
        m: &Matrix<Self::Stored>,
        reading: Reading,
        x: &Matrix<Self::Activity>,
        shift: u32,
        out: &mut [Self::Sum],
    ) {
        dots_of_lines_any::<Self>(m, reading, x, shift, out);
    }

    /// `out[i] += sum over the listed lines of line[i] * x`, over the blocks of `out`, which begin at the `first` of a
    /// line; 32 bits hold a burst of the products.
    fn contrasts(
        m: &Matrix<Self::Activity>,
        first: usize,
        _burst: usize,
        list: &[(u32, Self::Activity)],
        out: &mut [Block<i64>],
    ) {
        contrasts_any(m, first, list, out);
    }

    /// The matrix and a list of lines as the 16-bit kernels take them, where this is a choice of 16-bit operands.
    fn short<'a>(_: &'a mut Matrix<Self::Stored>, _: &'a [(u32, Self::Activity)]) -> Option<Short<'a>> {
        None
    }
}

/// A matrix and a list of its lines with their activities, in 16-bit integers.
pub(super) type Short<'a> = (&'a mut Matrix<i16>, &'a [(u32, i16)]);

/// 16-bit operands, 32-bit sums: the common case, and the form that vector units multiply-add at full rate.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Narrow;

/// 16-bit operands, 64-bit sums, taken in bursts that 32 bits are proven to hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Long;

/// 32-bit operands, 32-bit sums.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Middle;

/// 32-bit operands, 64-bit sums: holds every design there is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wide;

impl Numbers for Narrow {
    const SHORT: bool = true;
    type Stored = i16;
    type Activity = i16;
    type Partial = i32;
    type Sum = i32;
    #[inline(always)]
    fn product(read: i16, activity: i16) -> i32 {
        i32::from(read) * i32::from(activity)
    }
    fn combine(m: &Matrix<i16>, reading: Reading, list: &[(u32, i16)], shift: u32, out: &mut [Block<i32>]) {
        combine_16(m, reading, list, shift, out);
    }
    fn dots(m: &Matrix<i16>, reading: Reading, activity: &[Block<i16>], shift: u32, out: &mut [i32]) {
        dots_16(m, reading, activity, shift, out);
    }
    fn dots_of_lines(m: &Matrix<i16>, reading: Reading, x: &Matrix<i16>, shift: u32, out: &mut [i32]) {
        dots_of_lines_16(m, reading, x, shift, out);
    }
    fn contrasts(m: &Matrix<i16>, first: usize, burst: usize, list: &[(u32, i16)], out: &mut [Block<i64>]) {
        contrasts_16(m, first, burst, list, out);
    }
    fn short<'a>(m: &'a mut Matrix<i16>, list: &'a [(u32, i16)]) -> Option<Short<'a>> {
        Some((m, list))
    }
}

impl Numbers for Long {
    const SHORT: bool = true;
    type Stored = i16;
    type Activity = i16;
    type Partial = i32;
    type Sum = i64;
    #[inline(always)]
    fn product(read: i16, activity: i16) -> i32 {
        i32::from(read) * i32::from(activity)
    }
    fn combine(m: &Matrix<i16>, reading: Reading, list: &[(u32, i16)], shift: u32, out: &mut [Block<i64>]) {
        combine_16(m, reading, list, shift, out);
    }
    fn dots(m: &Matrix<i16>, reading: Reading, activity: &[Block<i16>], shift: u32, out: &mut [i64]) {
        dots_16(m, reading, activity, shift, out);
    }
    fn dots_of_lines(m: &Matrix<i16>, reading: Reading, x: &Matrix<i16>, shift: u32, out: &mut [i64]) {
        dots_of_lines_16(m, reading, x, shift, out);
    }
    fn contrasts(m: &Matrix<i16>, first: usize, burst: usize, list: &[(u32, i16)], out: &mut [Block<i64>]) {
        contrasts_16(m, first, burst, list, out);
    }
    fn short<'a>(m: &'a mut Matrix<i16>, list: &'a [(u32, i16)]) -> Option<Short<'a>> {
        Some((m, list))
    }
}

impl Numbers for Middle {
    type Stored = i32;
    type Activity = i32;
    type Partial = i32;
    type Sum = i32;
    #[inline(always)]
    fn product(read: i32, activity: i32) -> i32 {
        read.wrapping_mul(activity)
    }
}

impl Numbers for Wide {
    type Stored = i32;
    type Activity = i32;
    type Partial = i64;
    type Sum = i64;
    #[inline(always)]
    fn product(read: i32, activity: i32) -> i64 {
        i64::from(read) * i64::from(activity)
    }
}

/// Which of them a design needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Narrow,
    Long,
    Middle,
    Wide,
}

impl Width {
    /// The narrowest that holds every value the interval analysis allows.
    pub(super) fn of(design: &Design) -> Width {
        let p = &design.datapath;
        let (low, high) = (i64::from(i16::MIN), i64::from(i16::MAX));
        let fits = |f: Format| low <= f.min_raw() && f.max_raw() <= high;
        let short = p.activity_width <= 16 && design.synapses.iter().all(|s| fits(s.weight) && fits(s.bias));
        match (short, p.total_width.max(p.summed_width) <= 32) {
            (true, true) => Width::Narrow,
            (true, false) if burst(design) >= 16 => Width::Long,
            (_, false) => Width::Wide,
            (false, true) => Width::Middle,
        }
    }
}

/// How many products of a weight as read and an activity a signed 32-bit integer is sure to hold.
pub(super) fn burst(design: &Design) -> usize {
    burst_of(design.datapath.read_width, design.datapath.activity_width)
}

/// How many products of signed integers of these widths a signed 32-bit integer is sure to hold.
pub(super) fn burst_of(a: u32, b: u32) -> usize {
    // Magnitudes of two's complement numbers: at most 2^(width - 1).
    1usize << 31u32.saturating_sub(a + b - 1).min(31)
}
