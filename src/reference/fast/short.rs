//! One pass over the lines of synapse layer 1 in 16-bit lanes: every weight is updated and, in the same visit, adds its
//! product to the next drive. What the hardware's synapse units and forward lanes do in one cycle.

use super::matrix::Matrix;
use super::numbers::{Block, Int, LANES};
use super::update::{Differences, Rule};
use crate::design::Design;
use crate::fixed_point::{GOLDEN, Interval, Rounding};
use bytemuck::cast;
use wide::{i16x16, i32x8, u32x8};

/// Blocks whose sums stay in registers together.
const TILE: usize = 4;

/// How a design's update of the first layer fits 16-bit lanes.
///
/// An increment is `(factor * difference + rounder) >> shift`, where low bits that are zero for every rate, input and
/// activity on their grids have been dropped from factor and difference: the same bits, in fewer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// Dropped from rate times input.
    factor_zeros: u32,
    /// Dropped from differences.
    difference_zeros: u32,
    shift: u32,
    rounding: Rounding,
    /// Left shifts of factor and difference that lead to a shift of 15, at which rounding to nearest is one
    /// instruction, or of 16, at which the dropped bits and a lane's random bits are words of their own.
    scale: Option<(u32, u32)>,
    low: i16,
    high: i16,
}

impl Form {
    /// The form of a design's first layer, whose weights follow `rule`, if all values fit.
    pub(super) fn of(design: &Design, rule: &Rule) -> Option<Form> {
        const MOST: i128 = i16::MAX as i128;
        let p = &design.datapath;
        let (low, high) = (i16::try_from(rule.low).ok()?, i16::try_from(rule.high).ok()?);
        if !rule.is_plain() || rule.rate <= 0 {
            return None;
        }
        let factor_zeros = rule.rate.trailing_zeros() + p.activity_shift[0];
        let difference_zeros = p.activity_shift[1];
        let shift = u32::try_from(rule.shift).ok()?.checked_sub(factor_zeros + difference_zeros)?;
        let input = Interval::of(design.input);
        let factor = input.lo.abs().max(input.hi.abs()) * i128::from(rule.rate >> rule.rate.trailing_zeros());
        let activity = Interval::of(design.activity_format(1));
        let difference = activity.hi - activity.lo;
        let fits = (1..=29).contains(&shift)
            && factor <= MOST
            && difference <= MOST
            && ((factor * difference) >> shift) < MOST;
        if !fits {
            return None;
        }
        let wanted = match rule.rounding {
            Rounding::Rnd => 15u32,
            Rounding::Stochastic => 16,
            _ => 0,
        };
        let scale = wanted.checked_sub(shift).and_then(|spare| {
            let k = (0..=spare).find(|&k| factor << k <= MOST && difference << (spare - k) <= MOST)?;
            Some((k, spare - k))
        });
        Some(Form { factor_zeros, difference_zeros, shift, rounding: rule.rounding, scale, low, high })
    }

    /// The form, for people.
    pub(super) fn describe(&self) -> &'static str {
        match (self.scale, self.rounding) {
            (_, Rounding::Stochastic) => "16-bit lanes, random bits",
            (Some(_), _) => "16-bit lanes, rounding multiply",
            _ => "16-bit lanes, multiply-add",
        }
    }
}

/// One line of a pass.
#[derive(Clone, Copy, Debug)]
struct Line {
    line: u32,
    x: i16,
    factor: i16,
    key: u32,
}

/// Buffers of a pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Pass {
    lines: Vec<Line>,
    live: Vec<Live>,
}

/// A block whose weights a pass can change.
#[derive(Clone, Copy, Debug)]
struct Live {
    block: usize,
    /// Of its post-synaptic activities.
    difference: Block<i16>,
    /// `pair * GOLDEN` of its pairs of rows.
    rows: u32x8,
}

/// Where products go.
#[derive(Debug)]
pub(super) struct Forward<'a, S> {
    /// Low bits of a stored weight that the multipliers do not see.
    pub dropped: u32,
    /// Left shift of the sums.
    pub shift: u32,
    /// Sums of the blocks whose weights change; the others stay as they are.
    pub out: &'a mut [Block<S>],
}

impl Pass {
    /// Learns on every listed line `(line, activity, column key)`, and takes the products of the new weights if asked
    /// to; the number of blocks per line that were visited. At most as many lines as a 32-bit sum of products holds.
    pub(super) fn run<S: Int>(
        &mut self,
        form: &Form,
        rule: &Rule,
        m: &mut Matrix<i16>,
        lines: impl Iterator<Item = (u32, i16, u32)>,
        differences: &Differences,
        mut forward: Option<Forward<'_, S>>,
    ) -> usize {
        let (factor_scale, difference_scale) = form.scale.unwrap_or((0, 0));
        self.lines.clear();
        self.lines.extend(lines.map(|(line, x, key)| {
            let factor = ((rule.rate * i64::from(x)) >> form.factor_zeros << factor_scale) as i16;
            Line { line, x, factor, key }
        }));
        let scaled = |d: i32| (d >> form.difference_zeros << difference_scale) as i16;
        let multiple = |block: usize, i: usize| ((block * LANES / 2 + i) as u32).wrapping_mul(GOLDEN);
        self.live.clear();
        self.live.extend(differences.live().iter().cloned().flatten().map(|block| Live {
            block,
            difference: differences.exact()[block].map(scaled),
            rows: u32x8::new(std::array::from_fn(|i| multiple(block, i))),
        }));
        let dropped = forward.as_ref().map_or(0, |f| f.dropped);
        for tile in self.live.chunks(TILE) {
            let mut sums = [[i32x8::ZERO; 2]; TILE];
            let place = Place { lines: &self.lines, tile, dropped };
            match &forward {
                None => place.learn::<false>(form, m, &mut sums),
                Some(_) => place.learn::<true>(form, m, &mut sums),
            }
            if let Some(f) = &mut forward {
                for (live, [even, odd]) in tile.iter().zip(sums) {
                    let out = &mut f.out[live.block];
                    for (i, (even, odd)) in even.to_array().into_iter().zip(odd.to_array()).enumerate() {
                        out[2 * i] = S::of(even) << f.shift;
                        out[2 * i + 1] = S::of(odd) << f.shift;
                    }
                }
            }
        }
        self.live.len()
    }
}

/// The update of one block: from weights, differences, rows, the line's factor and its key to new weights.
trait Learn: Fn(i16x16, i16x16, u32x8, i16, u32) -> i16x16 + Copy {}

impl<F: Fn(i16x16, i16x16, u32x8, i16, u32) -> i16x16 + Copy> Learn for F {}

/// Some blocks of a pass: of all its lines.
#[derive(Clone, Copy)]
struct Place<'a> {
    lines: &'a [Line],
    tile: &'a [Live],
    dropped: u32,
}

impl Place<'_> {
    /// Learns and, if `FORWARD`, gives the products of the new weights.
    fn learn<const FORWARD: bool>(self, form: &Form, m: &mut Matrix<i16>, sums: &mut [[i32x8; 2]; TILE]) {
        match (form.scale, form.rounding) {
            (Some(_), Rounding::Stochastic) => self.visit_all::<FORWARD>(m, sums, carried(form)),
            (Some(_), _) => self.visit_all::<FORWARD>(m, sums, scaled(form)),
            (_, Rounding::Stochastic) => self.visit_all::<FORWARD>(m, sums, random(form)),
            _ => self.visit_all::<FORWARD>(m, sums, rounded(form)),
        }
    }

    #[inline(always)]
    fn visit_all<const FORWARD: bool>(
        self,
        m: &mut Matrix<i16>,
        sums: &mut [[i32x8; 2]; TILE],
        learn: impl Learn,
    ) {
        match self.tile {
            [a, b, c, d] => self.visit::<4, FORWARD>([a, b, c, d], m, sums, learn),
            tile => {
                for (live, sums) in tile.iter().zip(sums.chunks_mut(1)) {
                    self.visit::<1, FORWARD>([live], m, sums, learn);
                }
            }
        }
    }

    #[inline(always)]
    fn visit<const BLOCKS: usize, const FORWARD: bool>(
        self,
        live: [&Live; BLOCKS],
        m: &mut Matrix<i16>,
        sums: &mut [[i32x8; 2]],
        learn: impl Learn,
    ) {
        let differences = live.map(|l| i16x16::new(l.difference));
        let rows = live.map(|l| l.rows);
        let at = live.map(|l| l.block);
        let mut acc = [[i32x8::ZERO; 2]; BLOCKS];
        for &Line { line, x, factor, key } in self.lines {
            let line = &mut m.raw[line as usize * m.stride..][..m.stride];
            for b in 0..BLOCKS {
                let weights = &mut line[at[b]];
                let w = learn(i16x16::new(*weights), differences[b], rows[b], factor, key);
                *weights = w.to_array();
                if FORWARD {
                    let read = w.unbounded_shr_scalar(self.dropped);
                    acc[b][0] += read.dot(even(x));
                    acc[b][1] += read.dot(odd(x));
                }
            }
        }
        sums[..BLOCKS].copy_from_slice(&acc);
    }
}

/// A value in the even lanes, zero in the others: a multiply-add then gives the products of the even lanes alone.
#[inline(always)]
pub(super) fn even(x: i16) -> i16x16 {
    cast(i32x8::splat(i32::from(x as u16)))
}

/// The same for the odd lanes.
#[inline(always)]
pub(super) fn odd(x: i16) -> i16x16 {
    cast(i32x8::splat(i32::from(x) << 16))
}

#[inline(always)]
fn settle(form: &Form, w: i16x16, increment: i16x16) -> i16x16 {
    w.saturating_add(increment).max(i16x16::splat(form.low)).min(i16x16::splat(form.high))
}

/// To nearest, at a shift of 15.
#[inline(always)]
fn scaled(form: &Form) -> impl Learn {
    |w, d, _, factor, _| settle(form, w, d.mul_scale_round(i16x16::splat(factor)))
}

/// Puts 32-bit increments of even and odd lanes, which fit 16 bits, in their places.
#[inline(always)]
fn weave(even: i32x8, odd: i32x8) -> i16x16 {
    cast((even & i32x8::splat(0xffff)) | (odd << 16u32))
}

/// By adding a constant.
#[inline(always)]
fn rounded(form: &Form) -> impl Learn {
    let half = i32x8::splat(if form.rounding == Rounding::Rnd { 1 << (form.shift - 1) } else { 0 });
    move |w, d, _, factor, _| {
        let increment = |x: i16x16| (d.dot(x) + half) >> form.shift;
        settle(form, w, weave(increment(even(factor)), increment(odd(factor))))
    }
}

/// By adding random bits, at a shift of 16: what the dropped half of the product and the bits carry is the rounding.
#[inline(always)]
fn carried(form: &Form) -> impl Learn {
    move |w, d, rows, factor, key| {
        let bits: i16x16 = cast(pair_bits(rows + u32x8::splat(key)));
        let (low, high) = d.mul_keep_low_high(i16x16::splat(factor));
        let low: i16x16 = cast(low);
        // The sum carries where `bits > !low`; compared without a sign by turning the sign bits.
        let carry = (bits ^ i16x16::splat(i16::MIN)).simd_gt(low ^ i16x16::splat(i16::MAX));
        settle(form, w, high - carry)
    }
}

/// By adding random bits, at any shift.
#[inline(always)]
fn random(form: &Form) -> impl Learn {
    let spare = 32 - form.shift;
    move |w, d, rows, factor, key| {
        let pairs = pair_bits(rows + u32x8::splat(key));
        let increment =
            |x: i16x16, bits: u32x8| (d.dot(x) + cast::<u32x8, i32x8>(bits >> spare)) >> form.shift;
        let own = [(pairs << 16u32) | (pairs >> 16u32), pairs];
        settle(form, w, weave(increment(even(factor), own[0]), increment(odd(factor), own[1])))
    }
}

/// [`row_bits`](crate::fixed_point::row_bits) of eight pairs of rows, whose column key and number are already added up.
#[inline(always)]
fn pair_bits(z: u32x8) -> u32x8 {
    let z = z ^ (z >> 14u32);
    let z = z + (z << 3u32);
    let z = z ^ (z >> 4u32) ^ (z << 16u32);
    let z = z + (z << 10u32);
    z ^ (z >> 11u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed_point::{Format, Overflow, lane_bits, row_bits};

    #[test]
    fn eight_rows_are_mixed_like_one() {
        for key in [0, 1, 0xDEAD_BEEF, u32::MAX] {
            let rows = u32x8::new(std::array::from_fn(|i| (i as u32 + 40).wrapping_mul(GOLDEN)));
            let found = pair_bits(rows + u32x8::splat(key)).to_array();
            assert_eq!(found, std::array::from_fn(|i| row_bits(key, i as u32 + 40)));
        }
    }

    /// One block by a kernel and by the book, at the ends of every range and at ties.
    #[test]
    fn kernels_do_what_the_book_says() {
        let word = |a: u32, b: u32| row_bits(a.wrapping_mul(0x85EB_CA6B), b);
        let pick = |z: u32, most: i16| match z % 5 {
            0 => most,
            1 => -most,
            2 => (z >> 8) as i16 % 3,
            _ => ((z >> 8) as i16) % most.max(2),
        };
        for shift in 1..=29u32 {
            for case in 0..400 {
                let rounding = [Rounding::Trn, Rounding::Rnd, Rounding::Stochastic][case as usize % 3];
                // Increments must fit 16 bits, as `Form::of` makes sure.
                let most = (15 + shift).min(30) / 2;
                let (most_factor, most_difference) =
                    ((1i32 << (most + case % 2).min(15)) - 1, (1i32 << (most - case % 2).min(15)) - 1);
                let format = Format::signed(16 - case / 3 % 4, 12);
                let overflow = if case % 2 == 0 { Overflow::Sat } else { Overflow::SatSym };
                let low = if case % 2 == 0 { format.min_raw() } else { -format.max_raw() };
                let wanted = match rounding {
                    Rounding::Rnd => 15,
                    Rounding::Stochastic => 16,
                    _ => 0,
                };
                let scale = (shift <= wanted && most_difference << (wanted - shift) <= 32767)
                    .then(|| (0, wanted - shift));
                let form = Form {
                    factor_zeros: 0,
                    difference_zeros: 0,
                    shift,
                    rounding,
                    scale,
                    low: low as i16,
                    high: format.max_raw() as i16,
                };
                let (factor, key) = (pick(word(case, shift), most_factor as i16), word(case, 77));
                let difference: Block<i16> =
                    std::array::from_fn(|i| pick(word(case, 100 + i as u32), most_difference as i16));
                let before: Block<i16> = std::array::from_fn(|i| match word(case, 200 + i as u32) {
                    z if z % 3 == 0 => format.max_raw() as i16,
                    z if z % 3 == 1 => low as i16,
                    z => ((z >> 4) as i16) >> (16 - format.width),
                });
                let rows = u32x8::new(std::array::from_fn(|i| (i as u32).wrapping_mul(GOLDEN)));
                let (w, d) = (i16x16::new(before), i16x16::new(difference));
                let found = match (scale, rounding) {
                    (Some((_, k)), Rounding::Stochastic) => {
                        carried(&form)(w, i16x16::new(difference.map(|d| d << k)), rows, factor, key)
                    }
                    (Some((_, k)), _) => {
                        scaled(&form)(w, i16x16::new(difference.map(|d| d << k)), rows, factor, key)
                    }
                    (_, Rounding::Stochastic) => random(&form)(w, d, rows, factor, key),
                    _ => rounded(&form)(w, d, rows, factor, key),
                };
                let expected = std::array::from_fn(|i| {
                    let product = i64::from(factor) * i64::from(difference[i]);
                    let increment = rounding.apply(product, shift as i32, lane_bits(key, i as u32));
                    overflow.apply(i64::from(before[i]) + increment, format) as i16
                });
                assert_eq!(
                    found.to_array(),
                    expected,
                    "{form:?}, factor {factor}, differences {difference:?}"
                );
            }
        }
    }

    #[test]
    fn lanes_are_woven_in_order() {
        let even = i32x8::new([0, -2, 4, 6, 8, 10, 12, i32::from(i16::MIN)]);
        let odd = i32x8::new([1, 3, -5, 7, 9, 11, 13, i32::from(i16::MAX)]);
        assert_eq!(
            weave(even, odd).to_array(),
            [0, 1, -2, 3, 4, -5, 6, 7, 8, 9, 10, 11, 12, 13, i16::MIN, i16::MAX]
        );
    }
}
