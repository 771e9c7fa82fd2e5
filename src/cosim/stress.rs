//! Made samples that go where a training does not: weights and inputs at and near their rails, empty, full and sparse inputs,
//! training and inference mixed, batches of every length.

use crate::data::QuantisedSamples;
use crate::design::Design;
use crate::fixed_point::{Format, absorb};
use crate::reference::Weights;
use crate::reference::train::{PlannedSample, TrainingData};
use crate::reference::weights::parts;

/// What a run over made samples needs.
pub struct Stress {
    /// The samples.
    pub data: TrainingData,
    /// In which order, and for what.
    pub samples: Vec<PlannedSample>,
    /// The weights that it starts from.
    pub start: Weights,
}

/// Numbers without a pattern, the same on every machine.
struct Draw {
    key: u32,
    drawn: u32,
}

impl Draw {
    fn next(&mut self) -> u32 {
        self.drawn = self.drawn.wrapping_add(1);
        absorb(self.key, self.drawn)
    }

    /// From 0 to `n - 1`; `n` at most 2^32.
    fn below(&mut self, n: u64) -> u64 {
        (u64::from(self.next()) * n) >> 32
    }

    /// A value of a format: either rail or one beside it, zero or one beside it, or anything.
    fn value(&mut self, format: Format) -> i32 {
        let (min, max) = (format.min_raw(), format.max_raw());
        let near = self.below(3) as i64;
        let value = match self.below(5) {
            0 => max - near,
            1 => min + near,
            2 => near - 1,
            _ => min + self.below((max - min + 1) as u64) as i64,
        };
        value.clamp(min, max) as i32
    }
}

/// Kinds of inputs, in turn.
const KINDS: usize = 5;

impl Stress {
    /// So many samples for a design, numbered from `first` on: a function of its seed.
    pub fn of(design: &Design, first: u32, count: u32) -> Stress {
        let mut draw = Draw { key: design.seed ^ 0x57E5_5E57, drawn: 0 };
        let inputs = design.network.inputs();
        let mut raw = Vec::with_capacity(inputs * count as usize);
        for k in 0..count as usize {
            match k % KINDS {
                0 => raw.extend((0..inputs).map(|_| draw.value(design.input))),
                1 => raw.extend((0..inputs).map(|_| design.input.max_raw() as i32)),
                2 => raw.extend((0..inputs).map(|_| 0)),
                3 => {
                    let only = draw.below(inputs as u64) as usize;
                    raw.extend((0..inputs).map(|j| if j == only { draw.value(design.input) } else { 0 }));
                }
                _ => raw.extend((0..inputs).map(|_| match draw.below(4) {
                    0 => draw.value(design.input),
                    _ => 0,
                })),
            }
        }
        let labels = (0..count).map(|k| (k as usize % design.classes()) as u16).collect();
        let shown = QuantisedSamples { inputs, raw, labels };
        let (mut samples, mut in_batch, mut rates) = (Vec::new(), 0, 0);
        for k in 0..count {
            // The last one of each four is classified.
            let train = k % 4 != 3;
            // A batch learns at one set of rates: the hardware sums what they have scaled, the model scales the sum.
            if in_batch == 0 {
                rates = draw.below(design.milestones.sets() as u64) as u8;
            }
            in_batch += u32::from(train);
            let ends_batch = in_batch >= design.batch.max(1) || draw.below(3) == 0;
            if train && ends_batch {
                in_batch = 0;
            }
            samples.push(PlannedSample { number: first.wrapping_add(k), index: k, train, ends_batch, rates });
        }
        let data = TrainingData {
            train: shown.clone(),
            test: shown,
            augment: None,
            checksum: "made samples".to_owned(),
        };
        Stress { data, samples, start: weights(design, &mut draw) }
    }
}

/// Weights, and what lies beside them, anywhere in their formats.
fn weights(design: &Design, draw: &mut Draw) -> Weights {
    let mut weights = Weights::initial(design);
    for part in parts(design) {
        let columns = part.columns(&weights);
        let w = &mut weights.layers[part.layer];
        for column in columns {
            for row in 0..w.rows {
                let at = w.at(row, column);
                w.raw[at] = draw.value(part.format);
            }
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn shipped(name: &str) -> Design {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("designs/{name}.toml"));
        crate::design::load(&path).expect("shipped designs load")
    }

    #[test]
    fn made_samples_are_at_both_rails_and_of_every_kind() {
        for name in ["digits-cep", "digits-cvf", "digits-batch", "digits-momentum", "digits-conv"] {
            let design = shipped(name);
            let stress = Stress::of(&design, 7, 40);
            assert_eq!(stress.samples.iter().filter(|s| !s.train).count(), 10, "{name}");
            assert_eq!(stress.samples[3].number, 10, "{name}");
            let sums: Vec<usize> = stress.samples.iter().map(|&s| stress.data.active(s)).collect();
            let inputs = design.network.inputs();
            assert!(sums.contains(&0) && sums.contains(&inputs) && sums.contains(&1), "{name}: {sums:?}");
            for (l, w) in stress.start.layers[..design.output_layer()].iter().enumerate() {
                let format = design.synapses[l].weight;
                let of_weights = |raw: i64| {
                    (0..w.rows).any(|row| (0..w.columns - 1).any(|c| i64::from(w.get(row, c)) == raw))
                };
                assert!(
                    of_weights(format.min_raw()) && of_weights(format.max_raw()),
                    "{name}, layer {}",
                    l + 1
                );
            }
            let longest = stress.samples.iter().filter(|s| s.train).fold((0, 0), |(run, most), s| {
                let run = run + 1;
                (if s.ends_batch { 0 } else { run }, most.max(run))
            });
            assert!(longest.1 <= design.batch.max(1), "{name}: a batch of {}", longest.1);
        }
    }

    /// The model that trains and the specification go the same way where no training goes.
    #[test]
    fn both_models_agree_over_made_samples() {
        use crate::reference::{Silent, fast::Fast, golden::Golden};
        for name in ["digits-cep", "digits-cvf", "digits-batch", "digits-momentum", "digits-softmax"] {
            let design = shipped(name);
            let stress = Stress::of(&design, 60, 24);
            let mut golden = Golden::new(&design, stress.start.clone());
            let mut fast = Fast::new(&design, &stress.start);
            golden.sample = 60;
            fast.set_sample(60);
            for &s in &stress.samples {
                let (input, label) = stress.data.sample(s);
                let a = golden.run(&input, label, s.lesson(), &mut Silent);
                let b = fast.run(&input, label, s.lesson(), &mut Silent);
                assert_eq!(a, b, "{name}: prediction of sample {s:?}");
                assert!(golden.weights == fast.weights(), "{name}: weights after sample {s:?}");
            }
        }
    }
}
