//! The order of the samples in an epoch: a function of seed, epoch and number of samples, and of nothing else.

use crate::fixed_point::{Purpose, absorb, row_bits, step_key};

/// A permutation of `0..n`, every one equally likely as far as the mixing function is random.
///
/// Fisher-Yates from the last place to the first; the random numbers are row 0 of the columns 0, 1, 2, ... under the
/// key of (`seed`, shuffle, `epoch`). Columns, because the rows of one column are set apart by too light a mixer to
/// serve as a sequence: the test of independence below fails with them. `n` is below 2^32: what lies beyond has no
/// number.
pub fn epoch_order(seed: u32, epoch: u32, n: usize) -> Vec<u32> {
    let key = step_key(seed, Purpose::Shuffle, epoch, 0);
    let mut column = 0u32;
    let mut draw = || {
        let bits = row_bits(absorb(key, column), 0);
        column = column.wrapping_add(1);
        bits
    };
    let mut order: Vec<u32> = (0..=u32::MAX).take(n).collect();
    for last in (1..order.len()).rev() {
        let other = below(last as u32 + 1, &mut draw);
        order.swap(last, other as usize);
    }
    order
}

/// An unbiased number below `bound` (not 0) by Lemire's method: the high half of `bits * bound`; the few products
/// that would favour some numbers are drawn again (D. Lemire, "Fast random integer generation in an interval", 2019).
pub(super) fn below(bound: u32, mut draw: impl FnMut() -> u32) -> u32 {
    let unfair = bound.wrapping_neg() % bound; // 2^32 modulo bound
    loop {
        let product = u64::from(draw()) * u64::from(bound);
        if product as u32 >= unfair {
            return (product >> 32) as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_order_holds_every_sample_once(seed: u32, epoch: u32, n in 0usize..600) {
            let mut order = epoch_order(seed, epoch, n);
            order.sort_unstable();
            prop_assert!(order.into_iter().eq(0..n as u32));
        }
    }

    #[test]
    fn orders_are_fixed_for_ever() {
        // Checkpoints of earlier versions rely on these.
        assert_eq!(epoch_order(1, 0, 10), [5, 0, 8, 7, 3, 1, 2, 4, 6, 9]);
        assert_eq!(epoch_order(1, 1, 10), [3, 1, 7, 0, 4, 5, 6, 9, 8, 2]);
        assert_eq!(epoch_order(2, 0, 10), [3, 0, 5, 8, 7, 6, 1, 4, 2, 9]);
    }

    #[test]
    fn words_that_would_favour_some_numbers_are_drawn_again() {
        for bound in [1u32, 2, 3, 5, 7, 10, 1 << 31, (1 << 31) + 1, u32::MAX] {
            let unfair = bound.wrapping_neg() % bound;
            assert_eq!((1u64 << 32) % u64::from(bound), u64::from(unfair));
            let mut draws = [0, u32::MAX].into_iter();
            let first = below(bound, || draws.next().unwrap_or(u32::MAX));
            // The word 0 is the first to go: it is drawn again exactly when 2^32 is no multiple of the bound.
            assert_eq!(first, if unfair == 0 { 0 } else { bound - 1 }, "{bound}");
        }
    }

    #[test]
    fn places_and_samples_are_independent() {
        // Chi-square over (place, sample) of 12 samples in 24,000 orders (400 seeds, 60 epochs). Rows and columns of
        // the table have fixed sums, so its mean is 12 * 11 = 132, its standard deviation 12 / 11 * sqrt(2 * 121) = 17.
        // Deterministic: no false alarms.
        const N: usize = 12;
        let mut counts = [[0u32; N]; N];
        for seed in 0..400 {
            for epoch in 0..60 {
                for (place, &sample) in epoch_order(seed, epoch, N).iter().enumerate() {
                    counts[place][sample as usize] += 1;
                }
            }
        }
        let expected = 24_000.0 / N as f64;
        let chi: f64 = counts.iter().flatten().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
        assert!(chi < 132.0 + 4.0 * 17.0, "chi-square {chi}");
    }
}
