//! Random bits are a function, not a stream: `bits = f(seed, what for, step, row, column)`.
//!
//! So they depend on no schedule, any sample can be replayed alone, and a run can be cut into segments. The function
//! uses additions, exclusive-ors and fixed shifts of 32-bit words only: cheap in LUTs, vectorisable in software, the
//! same in `hdl/mixer.vh`. [`absorb`] is one round of Jenkins' one-at-a-time hash over a 32-bit word (scalar, once
//! per column or neuron); [`row_bits`] spreads it over rows, [`lane_bits`] over the lanes of a column of weights.

/// What random bits are used for; part of the key, so uses never share bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Rounding of a weight increment.
    Weight = 1,
    /// Rounding of a neuron's drive.
    Drive = 2,
    /// Rounding of a neuron's state.
    State = 3,
    /// Sign of the nudge.
    Sign = 4,
    /// Order of the samples.
    Shuffle = 5,
    /// Initial weights.
    Init = 6,
    /// How training images are turned and moved.
    Augment = 7,
    /// Rounding of a velocity.
    Velocity = 8,
    /// Noise on a neuron's drive.
    Noise = 9,
    /// Rounding of the imaginary part of a neuron's drive.
    ImaginaryDrive = 10,
    /// Rounding of the imaginary part of a neuron's state.
    ImaginaryState = 11,
}

/// Weyl constant by which rows are set apart: 2^32 / golden ratio, odd.
pub const GOLDEN: u32 = 0x9E37_79B9;

/// Absorbs one word into the key.
#[inline]
pub const fn absorb(key: u32, word: u32) -> u32 {
    let h = key.wrapping_add(word);
    let h = h.wrapping_add(h << 10);
    let h = h ^ (h >> 6);
    let h = h.wrapping_add(h << 3);
    let h = h ^ (h >> 11);
    h.wrapping_add(h << 15)
}

/// The key of one pass of one sample for one purpose: absorbed once per step.
#[inline]
pub const fn step_key(seed: u32, purpose: Purpose, sample: u32, step: u32) -> u32 {
    absorb(absorb(absorb(seed, purpose as u32), sample), step)
}

/// The bits of row `row` under a key.
///
/// Form and shifts are the best of a random search among functions of this cost, in which both halves of a word had to
/// be as good as the other: over row distances 1 to 1150 no correlation of halves and no imbalance of an exclusive-or
/// of their upper bits stands out of the noise at 2^18 keys; the largest at 2^23 keys is
/// 0.0025.
#[inline]
pub const fn row_bits(key: u32, row: u32) -> u32 {
    let z = key.wrapping_add(row.wrapping_mul(GOLDEN));
    let z = z ^ (z >> 14);
    let z = z.wrapping_add(z << 3);
    let z = z ^ (z >> 4) ^ (z << 16);
    let z = z.wrapping_add(z << 10);
    z ^ (z >> 11)
}

/// The bits of the weight in row `row` under its column's key.
///
/// Two neighbours share a word of [`row_bits`]: each sees it with a half of its own uppermost. Rounding takes the
/// uppermost bits, so up to 16 of them are the weight's own, for half the logic; of more, the last are the neighbour's
/// first.
#[inline]
pub const fn lane_bits(column_key: u32, row: u32) -> u32 {
    let word = row_bits(column_key, row >> 1);
    if row & 1 == 0 { word.rotate_left(16) } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words tried in each statistic.
    const WORDS: u32 = 1 << 17;

    /// What random bits are asked for: a weight of some pass of some sample.
    #[derive(Clone, Copy)]
    struct Place {
        seed: u32,
        sample: u32,
        step: u32,
        column: u32,
        row: u32,
    }

    impl Place {
        /// The `i`th of many places that a training visits: a seed of its own, small numbers for all else.
        fn any(i: u32) -> Self {
            let noise = absorb(absorb(0x1234_5678, i), i.rotate_left(16));
            Place { seed: noise, sample: i % 60_000, step: noise % 60, column: i / 7 % 784, row: i / 3 % 512 }
        }

        fn bits(self) -> u32 {
            let key = step_key(self.seed, Purpose::Weight, self.sample, self.step);
            row_bits(absorb(key, self.column), self.row)
        }
    }

    /// To a place some distance away.
    type Move = fn(Place, u32) -> Place;

    /// The upper half as a number of mean 0 and variance 1.
    fn standard(bits: u32) -> f64 {
        (f64::from(bits >> 16) - 32767.5) / 18918.6
    }

    /// How far pairs of words are from independent, in standard deviations: the worst of the correlation of their
    /// upper halves and of the balance of each exclusive-or of their upper bits.
    fn dependence(pairs: impl Iterator<Item = (u32, u32)>) -> f64 {
        let (mut product, mut equal, mut n) = (0.0, [0u32; 16], 0u32);
        for (a, b) in pairs {
            n += 1;
            product += standard(a) * standard(b);
            for (bit, count) in equal.iter_mut().enumerate() {
                *count += !(a ^ b) >> (31 - bit) & 1;
            }
        }
        let sigma = f64::from(n).sqrt();
        let balance = |count: &u32| ((2.0 * f64::from(*count) / f64::from(n) - 1.0) * sigma).abs();
        equal.iter().map(balance).fold((product / sigma).abs(), f64::max)
    }

    #[test]
    fn every_bit_is_fair() {
        let mut ones = [0u32; 32];
        for i in 0..WORDS {
            let bits = Place::any(i).bits();
            for (bit, count) in ones.iter_mut().enumerate() {
                *count += bits >> bit & 1;
            }
        }
        for (bit, &count) in ones.iter().enumerate() {
            let sigmas = (2.0 * f64::from(count) - f64::from(WORDS)) / f64::from(WORDS).sqrt();
            assert!(sigmas.abs() < 5.0, "bit {bit} is off by {sigmas} sigma");
        }
    }

    #[test]
    fn one_weight_and_one_column_are_fair() {
        let here = Place { seed: 42, sample: 0, step: 0, column: 3, row: 7 };
        let in_time: f64 =
            (0..WORDS).map(|i| standard(Place { sample: i / 64, step: i % 64, ..here }.bits())).sum();
        assert!(in_time.abs() < 5.0 * f64::from(WORDS).sqrt(), "mean in time {in_time}");
        for column in 0..784 {
            let sum: f64 = (0..512).map(|row| standard(Place { column, row, ..here }.bits())).sum();
            assert!(sum.abs() < 5.0 * 512f64.sqrt(), "column {column}: {sum}");
        }
    }

    #[test]
    fn rows_of_one_column_are_independent() {
        // Rows are a constant apart before mixing, so every distance is its own trial; those of the Fibonacci numbers
        // are the closest, as the constant is the golden ratio.
        for distance in (1..=300).chain([377, 610, 987]) {
            let pair = |p: Place| (p.bits(), Place { row: p.row + distance, ..p }.bits());
            let sigmas = dependence((0..WORDS).map(Place::any).map(pair));
            assert!(sigmas < 6.0, "rows {distance} apart: {sigmas} sigma");
        }
    }

    #[test]
    fn lanes_are_fair_and_independent() {
        // Of a lane only the 16 uppermost bits are its own: `standard` and `dependence` look at no others.
        let lane = |p: Place, distance: u32| {
            let key = absorb(step_key(p.seed, Purpose::Weight, p.sample, p.step), p.column);
            lane_bits(key, p.row + distance)
        };
        for distance in (1..=64).chain([89, 144, 233, 255, 256, 377]) {
            let sigmas = dependence((0..WORDS).map(Place::any).map(|p| (lane(p, 0), lane(p, distance))));
            assert!(sigmas < 6.0, "lanes {distance} apart: {sigmas} sigma");
        }
        for parity in [0, 1] {
            let even = |p: Place| Place { row: p.row & !1, ..p };
            let sum: f64 = (0..WORDS).map(|i| standard(lane(even(Place::any(i)), parity))).sum();
            assert!(sum.abs() < 5.0 * f64::from(WORDS).sqrt(), "parity {parity}: mean {sum}");
        }
    }

    #[test]
    fn neighbouring_columns_steps_samples_and_purposes_are_independent() {
        for distance in [1, 2, 3, 4, 8, 16, 64, 256] {
            let moves: [(&str, Move); 3] = [
                ("columns", |p, d| Place { column: p.column + d, ..p }),
                ("steps", |p, d| Place { step: p.step + d, ..p }),
                ("samples", |p, d| Place { sample: p.sample + d, ..p }),
            ];
            for (what, moved) in moves {
                let sigmas =
                    dependence((0..WORDS).map(Place::any).map(|p| (p.bits(), moved(p, distance).bits())));
                assert!(sigmas < 5.5, "{what} {distance} apart: {sigmas} sigma");
            }
        }
        let other = |p: Place| {
            let key = step_key(p.seed, Purpose::State, p.sample, p.step);
            (p.bits(), row_bits(absorb(key, p.column), p.row))
        };
        let sigmas = dependence((0..WORDS).map(Place::any).map(other));
        assert!(sigmas < 5.5, "purposes: {sigmas} sigma");
    }
}
