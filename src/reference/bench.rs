//! How fast the model is, measured beside what the machine can do: multiply-accumulates per second against a plain
//! 16-bit dot product over the same bytes.

use super::fast::{Fast, Work};
use super::{Silent, Weights};
use crate::design::Design;
use crate::fixed_point::{absorb, row_bits};
use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The outcome of [`mac_rate`].
#[derive(Clone, Copy, Debug)]
pub struct MacRate {
    /// Multiply-accumulates per training sample, as the hardware has them: padding and zero inputs do not count.
    pub per_sample: f64,
    /// Of these, forward products.
    pub forward: f64,
    /// Transposed products.
    pub transposed: f64,
    /// Weight updates (each multiplies at least once, rounds, adds and saturates; counted as one).
    pub update: f64,
    /// Share of all these that were not executed, because no activity they depend on had changed.
    pub unchanged: f64,
    /// Training samples per second.
    pub samples_per_s: f64,
    /// Multiply-accumulates per second of the model (median over the rounds).
    pub model: f64,
    /// The same of the dot product.
    pub dot: f64,
    /// Median over the rounds of model over dot.
    pub ratio: f64,
    /// Bytes of weights, and so of the dot product's first operand.
    pub bytes: usize,
    /// Share of the inputs that are not zero.
    pub active: f64,
}

impl fmt::Display for MacRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let giga = |rate: f64| rate * 1e-9;
        writeln!(
            f,
            "{:.0} training samples/s of {:.0} multiply-accumulates each (forward {:.0}, transposed {:.0}, update {:.0}; {:.0} % of the inputs active, {:.0} % of the results unchanged and not computed again)",
            self.samples_per_s,
            self.per_sample,
            self.forward,
            self.transposed,
            self.update,
            100.0 * self.active,
            100.0 * self.unchanged
        )?;
        writeln!(
            f,
            "{:.2}e9 multiply-accumulates/s against {:.2}e9 of a plain 16-bit dot product over the same {} kB: ratio {:.2}",
            giga(self.model),
            giga(self.dot),
            self.bytes / 1000,
            self.ratio
        )?;
        f.write_str(if self.update > self.forward / 8.0 {
            "bounded by the updates: a dozen vector operations per 16 weights, thirty with stochastic rounding (random bits)"
        } else {
            "bounded by the table look-ups of the neurons and by the short rows of the output layer"
        })
    }
}

/// Synthetic inputs in the manner of MNIST: `percent` of the values are not zero, in runs as strokes make them.
pub fn synthetic(design: &Design, samples: u32, percent: u32) -> Vec<Vec<i32>> {
    let span = (design.input.max_raw()).max(1) as u32;
    let n = design.network.inputs();
    (0..samples)
        .map(|s| {
            let mut x = vec![0; n];
            let mut draws = (0u32..).map(|i| row_bits(absorb(s, i), 0));
            let mut left = n * percent as usize / 100;
            while left > 0 {
                let at = draws.next().unwrap_or(0) as usize % n;
                for value in x.iter_mut().skip(at).take(4).filter(|v| **v == 0) {
                    if left > 0 {
                        *value = (draws.next().unwrap_or(0) % span) as i32 + 1;
                        left -= 1;
                    }
                }
            }
            x
        })
        .collect()
}

/// The yardstick: what the compiler makes of the plainest loop.
#[inline(never)]
fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).fold(0i32, |sum, (&a, &b)| sum.wrapping_add(i32::from(a) * i32::from(b)))
}

/// Trains on synthetic samples for about `time`, in rounds that alternate with a dot product of the network's weights,
/// held as 16-bit integers, with one input vector over and over: one multiply-accumulate per weight and pass, one
/// pass over as many bytes as the network's weights have.
pub fn mac_rate(design: &Design, time: Duration) -> MacRate {
    const ROUNDS: u32 = 15;
    let mut network = Fast::new(design, &Weights::initial(design));
    let inputs = synthetic(design, 64, 19);
    let active = inputs.iter().flatten().filter(|&&x| x != 0).count() as f64
        / (inputs.len() * design.network.inputs()) as f64;
    // As long as the longest row of weights.
    let row = design.network.connections().map(|(_, c)| c.taps() + 1).max().unwrap_or(1);
    let count: usize = design.network.connections().map(|(_, c)| c.weights() + c.rows()).sum();
    let weights: Vec<i16> = (0..count as u32).map(|i| row_bits(7, i) as i16).collect();
    let vector: Vec<i16> = (0..row as u32).map(|i| (row_bits(9, i) & 0xff) as i16).collect();

    let slice = time / (2 * ROUNDS);
    let mut rates = Vec::new();
    let (mut work, mut samples, mut busy) = (Work::default(), 0u64, Duration::ZERO);
    for round in 0..=ROUNDS {
        let before = network.work();
        let (start, mut n) = (Instant::now(), 0u64);
        while start.elapsed() < slice {
            for (i, x) in inputs.iter().enumerate() {
                network.run(black_box(x), (i % design.classes()) as u16, true, &mut Silent);
            }
            n += inputs.len() as u64;
        }
        let elapsed = start.elapsed();
        let done = network.work().since(before);
        let (start, mut passes) = (Instant::now(), 0u64);
        while start.elapsed() < slice {
            for _ in 0..8 {
                for w in black_box(&weights[..]).chunks(row) {
                    black_box(dot(w, &vector));
                }
                passes += 1;
            }
        }
        let dot_rate = passes as f64 * count as f64 / start.elapsed().as_secs_f64();
        // The first round warms up.
        if round > 0 {
            rates.push((done.total() as f64 / elapsed.as_secs_f64(), dot_rate));
            work = work.plus(done);
            samples += n;
            busy += elapsed;
        }
    }
    let median = |mut v: Vec<f64>| {
        v.sort_by(f64::total_cmp);
        v[v.len() / 2]
    };
    let each = |n: u64| n as f64 / samples as f64;
    MacRate {
        per_sample: each(work.total()),
        forward: each(work.forward),
        transposed: each(work.transposed),
        update: each(work.update),
        unchanged: work.unchanged as f64 / work.total().max(1) as f64,
        samples_per_s: samples as f64 / busy.as_secs_f64(),
        model: median(rates.iter().map(|r| r.0).collect()),
        dot: median(rates.iter().map(|r| r.1).collect()),
        ratio: median(rates.iter().map(|r| r.0 / r.1).collect()),
        bytes: 2 * count,
        active,
    }
}
