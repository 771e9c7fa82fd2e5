//! Samples that can be trained on but will hardly teach what was meant.

use super::Dataset;
use crate::design::{Design, Dynamics};

/// What one should know of the samples of a design before training, one sentence each; empty for sound ones.
///
/// Nothing is said of energy dynamics, whose inputs pass through the activation.
pub fn warnings(design: &Design, data: &Dataset) -> Vec<String> {
    if design.dynamics == Dynamics::Energy {
        return Vec::new();
    }
    let input = design.input;
    let step = input.to_real(1);
    // The last step is no loss to speak of: u8.8 holds 1 as 255/256.
    let ends = input.to_real(input.min_raw()) - step..=input.to_real(input.max_raw()) + step;
    let (mut all, mut beyond, mut vanished, mut not_zero) = (0u64, 0u64, 0u64, 0u64);
    let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
    for samples in [&data.train, &data.test] {
        for (at, &x) in samples.values.iter().enumerate() {
            let value = design.preparation.value(at % samples.inputs, x.into());
            (least, greatest) = (least.min(value), greatest.max(value));
            all += 1;
            beyond += u64::from(!ends.contains(&value));
            not_zero += u64::from(value != 0.0);
            vanished += u64::from(value != 0.0 && input.nearest(value) == 0);
        }
    }
    let mut found = Vec::new();
    let percent = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
    if beyond > 0 {
        found.push(format!(
            "data set `{}`: {beyond} of {all} values ({:.3} %) lie beyond the input's format {input} and are held at its \
             ends; they go from {least:.4} to {greatest:.4}: change `input` under [formats], or scale and offset under [data]",
            data.name,
            percent(beyond, all)
        ));
    }
    if 2 * vanished > not_zero {
        let some = if vanished == not_zero {
            "all".to_owned()
        } else {
            format!("{:.0} %", percent(vanished, not_zero))
        };
        found.push(format!(
            "data set `{}`: {some} of the values that are not 0 become 0 in the input's format {input}, whose step is {step}; \
             the largest is {greatest:.6}: give `input` under [formats] more fraction bits, or scale the values under [data]",
            data.name
        ));
    }
    found
}
