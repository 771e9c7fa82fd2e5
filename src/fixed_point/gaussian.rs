//! Gaussian noise from random bits: a table of quantiles, indexed by the top bits of a word.
//!
//! Entry `i` of `2^n` is `sigma Q((i + 1/2) / 2^n)`, rounded to the nearest integer (ties away from zero), with `Q` the
//! inverse of the normal distribution function: each entry stands for an equal part of the distribution, at its middle.
//! With [`BITS`] = 11 the tail ends at 3.49 sigma, the deviation is 0.9997 sigma and the kurtosis 2.985 (a Gaussian's: 3);
//! mean and skewness are exactly 0, as entries come in pairs.

use super::exact::{Exact, normal_part};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Random bits that choose an entry: the uppermost of a word.
pub const BITS: u32 = 11;

/// Entries of the table.
pub const ENTRIES: usize = 1 << BITS;

/// Noise of one strength on one grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gaussian {
    /// As integers of the grid, from the smallest.
    pub entries: Arc<[i64]>,
}

/// Tables made so far, by the bits of sigma and the grid: a study makes hundreds of networks of the same noise.
static MADE: LazyLock<Mutex<HashMap<(u64, i32), Gaussian>>> = LazyLock::new(Mutex::default);

/// Most tables that are kept.
const KEPT: usize = 64;

impl Gaussian {
    /// Of standard deviation `sigma`, on a grid of `frac` fraction bits.
    pub fn of(sigma: f64, frac: i32) -> Gaussian {
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= KEPT {
            made.clear();
        }
        made.entry((sigma.to_bits(), frac)).or_insert_with(|| Gaussian::made(sigma, frac)).clone()
    }

    fn made(sigma: f64, frac: i32) -> Gaussian {
        let step = 2f64.powi(-frac);
        // The part of the distribution between its middle and where an integer, not 0, begins: half a step below it.
        let below = |integer: i64| normal_part((integer as f64 - 0.5) * step, sigma);
        let half = ENTRIES / 2;
        let mut upper = Vec::with_capacity(half);
        let mut least = 0i64;
        for i in half..ENTRIES {
            // The part of the distribution between its middle and this entry's, exact in a float.
            let part = Exact::of((i as f64 + 0.5) / ENTRIES as f64 - 0.5);
            // The largest integer that begins below it.
            let (mut low, mut high) = (least, least + 1);
            while below(high) <= part {
                low = high;
                high = least + 2 * (high - least);
            }
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if below(middle) <= part { low = middle } else { high = middle }
            }
            least = low;
            upper.push(low);
        }
        let entries = upper.iter().rev().map(|&e| -e).chain(upper.iter().copied()).collect();
        Gaussian { entries }
    }

    /// The noise that a word of random bits gives.
    #[inline]
    pub fn at(&self, random: u32) -> i64 {
        self.entries[(random >> (32 - BITS)) as usize]
    }

    /// The standard deviation of all entries alike, in steps of the grid.
    pub fn deviation(&self) -> f64 {
        let squares = self.entries.iter().map(|&e| (e as f64).powi(2));
        (squares.sum::<f64>() / ENTRIES as f64).sqrt()
    }

    /// The largest of all.
    pub fn greatest(&self) -> i64 {
        self.entries[ENTRIES - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed_point::{Purpose, absorb, row_bits, step_key};

    /// Mean, deviation, skewness, kurtosis.
    fn moments(values: impl Iterator<Item = f64> + Clone) -> [f64; 4] {
        let n = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / n;
        let power = |k| values.clone().map(|v| (v - mean).powi(k)).sum::<f64>() / n;
        let deviation = power(2).sqrt();
        [mean, deviation, power(3) / deviation.powi(3), power(4) / power(2).powi(2)]
    }

    #[test]
    fn the_table_has_the_moments_of_a_gaussian() {
        for (sigma, frac) in [(0.04, 17), (0.01, 16), (1.0, 20), (0.1, 30)] {
            let table = Gaussian::of(sigma, frac);
            let unit = sigma * 2f64.powi(frac);
            let [mean, deviation, skewness, kurtosis] =
                moments(table.entries.iter().map(|&e| e as f64 / unit));
            assert_eq!(mean, 0.0, "entries come in pairs");
            assert!((deviation - 0.9997).abs() < 1e-4, "{sigma}: {deviation}");
            assert!(skewness.abs() < 1e-12, "{skewness}");
            assert!((kurtosis - 2.985).abs() < 0.001, "{kurtosis}");
            let tail = table.greatest() as f64 / unit;
            assert!((tail - 3.49).abs() < 0.005, "{tail}");
            assert!(table.entries.is_sorted());
        }
    }

    #[test]
    fn an_entry_is_its_quantile_rounded() {
        let (coarse, fine) = (Gaussian::of(0.04, 10), Gaussian::of(0.04, 40));
        for (c, f) in coarse.entries.iter().zip(fine.entries.iter()) {
            assert_eq!(*c, (*f as f64 / 2f64.powi(30)).round() as i64);
        }
        // Known quantiles: 0.674490 sigma at 3/4 (between entries 1535 and 1536), 1.959964 at 0.975.
        let at = |i: usize| fine.entries[i] as f64 / 2f64.powi(40) / 0.04;
        assert!(at(1535) < 0.674490 && 0.674490 < at(1536));
        assert!((at(1996) - 1.9599).abs() < 0.005, "{}", at(1996));
        assert!(Gaussian::of(1e-9, 10).entries.iter().all(|&e| e == 0), "too weak for the grid");
    }

    /// Of a neuron at a step of a sample, in deviations.
    fn noise(table: &Gaussian, unit: f64, [sample, step, layer, neuron]: [u32; 4]) -> f64 {
        let key = absorb(step_key(7, Purpose::Noise, sample, step), layer << 16);
        table.at(row_bits(key, neuron)) as f64 / unit
    }

    #[test]
    fn drawn_noise_is_gaussian_and_of_no_other_neuron_step_or_sample() {
        let table = Gaussian::of(0.04, 17);
        let unit = 0.04 * 2f64.powi(17);
        let all = || {
            let places = (0..40).flat_map(|sample| (20..45).map(move |step| (sample, step)));
            places.flat_map(|(sample, step)| {
                (1..3).flat_map(move |layer| (0..100).map(move |neuron| [sample, step, layer, neuron]))
            })
        };
        let drawn = || all().map(|place| noise(&table, unit, place));
        let n = all().count() as f64;
        assert_eq!(n, 200_000.0);
        let [mean, deviation, skewness, kurtosis] = moments(drawn());
        assert!(mean.abs() < 4.5 / n.sqrt(), "mean {mean}");
        assert!((deviation - 0.9997).abs() < 4.5 / (2.0 * n).sqrt(), "deviation {deviation}");
        assert!(skewness.abs() < 4.5 * (6.0 / n).sqrt(), "skewness {skewness}");
        assert!((kurtosis - 2.985).abs() < 4.5 * (24.0 / n).sqrt(), "kurtosis {kurtosis}");
        // 0.27 % of a Gaussian lie beyond three deviations.
        let beyond = drawn().filter(|v| v.abs() > 3.0).count() as f64;
        assert!((beyond - 0.0027 * n).abs() < 4.5 * (0.0027 * n).sqrt(), "{beyond}");
        for (what, at) in [("sample", 0), ("step", 1), ("layer", 2), ("neuron", 3)] {
            for distance in [1, 2, 3, 5, 8, 16] {
                let moved = |mut place: [u32; 4]| {
                    place[at] += distance;
                    place
                };
                let product: f64 =
                    all().map(|place| noise(&table, unit, place) * noise(&table, unit, moved(place))).sum();
                let sigmas = product / n.sqrt();
                assert!(sigmas.abs() < 4.5, "{what}s {distance} apart: {sigmas} sigma");
            }
        }
    }
}
