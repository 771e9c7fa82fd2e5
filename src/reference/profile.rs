//! What a training needed of its formats, and what would do.

use super::counters::{Counters, LENGTHS, SignalCounter, UPDATE_ORIGIN};
use crate::design::Design;
use crate::fixed_point::{Format, Rounding};
use serde::Serialize;
use std::fmt::Write as _;

/// Share of a weight's updates that a proposed format may round to nothing.
const LOST_AT_MOST: f64 = 0.1;
/// Share of saturated values from which a format is proposed one bit wider.
const SATURATED_AT_MOST: f64 = 1e-6;

/// One signal of one layer over a training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignalProfile {
    /// Layer, 1 to L.
    pub layer: usize,
    /// `drive`, `state` or `weight`.
    pub signal: &'static str,
    /// Its format, as in a design file.
    pub format: String,
    /// The narrowest format that would have held every value seen as exactly (and, for weights, most updates).
    pub proposed: String,
    /// Values seen.
    pub values: u64,
    /// Upper bits that no value needed.
    pub unused_bits: u32,
    /// Share of values beyond the format's range, 0 to 1.
    pub saturated: f64,
    /// Share of values that are zero, 0 to 1.
    pub zero: f64,
    /// Bits that half of the values that are not zero need, sign apart: how far above its step the signal lives.
    pub median_bits: usize,
    /// Values by the bits they need, sign apart: none (zero), one, two, ...
    pub by_bits: Vec<u64>,
    /// What updates were, for weights.
    pub updates: Option<UpdateProfile>,
}

/// The updates of one layer's weights and biases.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UpdateProfile {
    /// Updates that were not zero before rounding.
    pub updates: u64,
    /// Share of these that rounded to nothing, 0 to 1.
    pub lost: f64,
    /// Share that round-to-nearest would lose, 0 to 1; more than `lost` where rounding is stochastic.
    pub lost_by_nearest: f64,
    /// Fraction bits a weight would need so that round-to-nearest loses at most a tenth of the updates.
    pub frac_for_nearest: i32,
    /// Pairs of an exponent `e` and the number of updates from `2^(e-1)` to below `2^e` steps of the weight.
    pub by_exponent: Vec<(i32, u64)>,
}

/// All signals of a training.
pub fn profile(counters: &Counters, design: &Design) -> Vec<SignalProfile> {
    let mut all = Vec::new();
    for (i, c) in counters.layers.iter().enumerate() {
        let (neurons, synapses) = (design.neurons[i], &design.synapses[i]);
        let of = |signal, format, s: &SignalCounter| signal_profile(i + 1, signal, format, s);
        all.push(of("drive", neurons.drive, &c.drive));
        all.push(of("state", neurons.state, &c.state));
        let mut weight = of("weight", synapses.weight, &c.weight);
        let updates: u64 = c.updates.iter().sum();
        let below = |exponent: i32| {
            let end = (exponent + UPDATE_ORIGIN + 1).clamp(0, LENGTHS as i32) as usize;
            c.updates[..end].iter().sum::<u64>() as f64 / updates.max(1) as f64
        };
        // An update below half a step is lost by nearest rounding: exponent -1 and less.
        let more = (0..UPDATE_ORIGIN).find(|&n| below(-1 - n) <= LOST_AT_MOST).unwrap_or(UPDATE_ORIGIN);
        let frac = synapses.weight.frac + more;
        if updates > 0 {
            if design.weight_modes.rounding != Rounding::Stochastic && more > 0 {
                let narrow = narrowed(synapses.weight, &c.weight);
                weight.proposed = Format { width: narrow.width + more as u32, frac, ..narrow }.to_string();
            }
            let exponents = (0i32..).zip(c.updates).filter(|&(_, n)| n > 0);
            weight.updates = Some(UpdateProfile {
                updates,
                lost: c.lost_updates as f64 / updates as f64,
                lost_by_nearest: below(-1),
                frac_for_nearest: frac,
                by_exponent: exponents.map(|(k, n)| (k - UPDATE_ORIGIN, n)).collect(),
            });
        }
        all.push(weight);
    }
    all
}

/// The format with the upper bits that values needed, and one more where some were cut off.
fn narrowed(format: Format, s: &SignalCounter) -> Format {
    if s.values == 0 {
        return format;
    }
    let needed = s.greatest_length() as u32 + u32::from(format.signed);
    let width = if s.saturated as f64 > SATURATED_AT_MOST * s.values as f64 {
        format.width + 1
    } else {
        needed.clamp(2, format.width)
    };
    Format { width, ..format }
}

fn signal_profile(layer: usize, signal: &'static str, format: Format, s: &SignalCounter) -> SignalProfile {
    let share = |n: u64| n as f64 / s.values.max(1) as f64;
    let moving: u64 = s.lengths[1..].iter().sum();
    let mut seen = 0;
    let median_bits = (1..LENGTHS).find(|&k| {
        seen += s.lengths[k];
        2 * seen >= moving
    });
    let greatest = s.greatest_length();
    SignalProfile {
        layer,
        signal,
        format: format.to_string(),
        proposed: narrowed(format, s).to_string(),
        values: s.values,
        unused_bits: format.width.saturating_sub(greatest as u32 + u32::from(format.signed)),
        saturated: share(s.saturated),
        zero: share(s.lengths[0]),
        median_bits: if moving == 0 { 0 } else { median_bits.unwrap_or(0) },
        by_bits: s.lengths[..=greatest].to_vec(),
        updates: None,
    }
}

/// For people: one line for each signal, with a picture of how many bits its values need.
pub fn table(profile: &[SignalProfile]) -> String {
    let mut text = format!(
        "{:<6}{:<8}{:<9}{:<10}{:>7}{:>12}{:>9}{:>8}  bits that values need: 0, 1, 2, ...\n",
        "layer", "signal", "format", "would do", "unused", "saturated", "zero", "median"
    );
    for p in profile {
        let _ = writeln!(
            text,
            "{:<6}{:<8}{:<9}{:<10}{:>7}{:>10.4} %{:>7.1} %{:>8}  {}",
            p.layer,
            p.signal,
            p.format,
            p.proposed,
            p.unused_bits,
            100.0 * p.saturated,
            100.0 * p.zero,
            p.median_bits,
            picture(&p.by_bits)
        );
    }
    for p in profile {
        let Some(u) = &p.updates else { continue };
        let range = u.by_exponent.first().zip(u.by_exponent.last());
        let (first, last) = range.map_or((0, 0), |(first, last)| (first.0, last.0));
        let dense: Vec<u64> = (first..=last)
            .map(|e| u.by_exponent.iter().find(|(k, _)| *k == e).map_or(0, |(_, n)| *n))
            .collect();
        let _ = writeln!(
            text,
            "layer {}: {:.1} % of the updates were rounded to nothing ({:.1} % would be by RND; {} fraction bits would keep \
             nine of ten)\n         sizes from 2^{} to 2^{} steps of the weight: {}",
            p.layer,
            100.0 * u.lost,
            100.0 * u.lost_by_nearest,
            u.frac_for_nearest,
            first - 1,
            last,
            picture(&dense)
        );
    }
    text
}

/// Bars, on a logarithmic scale: each step of height is a factor of eight.
fn picture(counts: &[u64]) -> String {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let bar = |&n: &u64| {
        if n == 0 {
            return BARS[0];
        }
        let below = (most / n as f64).log2() / 3.0;
        BARS[(8.0 - below).clamp(1.0, 8.0) as usize]
    };
    counts.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn design() -> Design {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/digits-ep.toml");
        crate::design::load(&path).expect("shipped designs load")
    }

    #[test]
    fn bits_are_those_of_two_s_complement() {
        let design = design();
        let mut counters = Counters::new(&design);
        let drive = &mut counters.layers[0].drive; // s10.7
        for raw in [0, 0, 1, -1, 5, -8] {
            drive.see(raw, false);
        }
        let all = profile(&counters, &design);
        let p = &all[0];
        assert_eq!((p.by_bits.clone(), p.unused_bits, p.median_bits), (vec![3, 1, 0, 2], 6, 3));
        assert_eq!((p.format.as_str(), p.proposed.as_str()), ("s10.7", "s4.7"));
        counters.layers[0].drive.see(511, true);
        let p = &profile(&counters, &design)[0];
        assert_eq!((p.unused_bits, p.proposed.as_str()), (0, "s11.7"));
        assert!((p.saturated - 1.0 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn lost_updates_ask_for_fraction_bits() {
        let design = design(); // weights s16.13, RND
        let mut counters = Counters::new(&design);
        let layer = &mut counters.layers[1];
        layer.weight.see(-4096, false);
        // Of ten updates nine lie around 2^-3.5 steps, one at 2^2.5.
        for k in 0..10 {
            layer.see_update(if k == 0 { 6 << 10 } else { 90 }, 10, k == 0);
        }
        let all = profile(&counters, &design);
        let u = all[5].updates.as_ref().expect("there were updates");
        assert_eq!(u.by_exponent, [(-3, 9), (3, 1)]);
        assert_eq!((u.updates, u.lost, u.lost_by_nearest, u.frac_for_nearest), (10, 0.9, 0.9, 16));
        assert_eq!(all[5].proposed, "s16.16");
        assert!(table(&all).contains("90.0 % of the updates were rounded to nothing"));
    }
}
