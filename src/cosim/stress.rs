//! Made samples that go where a training does not: weights and inputs at and near their rails, empty, full and sparse inputs,
//! training and inference mixed, batches of every length.

use crate::data::QuantisedSamples;
use crate::design::Design;
use crate::design::limits::MOST_STEPS;
use crate::fixed_point::{Format, absorb};
use crate::reference::Weights;
use crate::reference::train::{PlannedSample, TrainingData};
use crate::reference::weights::parts;

/// What a run over made samples needs.
pub struct Stress {
    /// The same circuit, in most rounds with other registers: seed and numbers of steps.
    pub design: Design,
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

/// The weights of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// At and near their rails: sums leave their ranges.
    Rails,
    /// Of middle size: drives lie where activations have a slope, imaginary parts do not vanish.
    Middle,
    /// All positive: neurons are full, and outputs equal.
    Positive,
    /// Zero or a step of it: hidden neurons move little, and outputs are equal.
    Still,
    /// Zero, but for biases of the outputs that say the first class: what is nudged towards it does not move.
    Right,
}

impl Round {
    const ALL: [Round; 5] = [Round::Rails, Round::Middle, Round::Positive, Round::Still, Round::Right];

    /// One of those that lead to a row with so many columns.
    fn weight(self, draw: &mut Draw, format: Format, columns: usize) -> i32 {
        let any = draw.value(format);
        match self {
            Round::Rails => any,
            Round::Middle => any / columns.isqrt().max(4) as i32,
            Round::Positive => any.checked_abs().unwrap_or(i32::MAX).min(format.max_raw() as i32),
            Round::Still => any.signum() * (draw.below(2) as i32),
            Round::Right => 0,
        }
    }

    /// All weights, and what lies beside them.
    fn weights(self, design: &Design, draw: &mut Draw) -> Weights {
        let mut weights = Weights::initial(design);
        for part in parts(design) {
            let columns = part.columns(&weights);
            let w = &mut weights.layers[part.layer];
            for column in columns {
                for row in 0..w.rows {
                    let at = w.at(row, column);
                    w.raw[at] = self.weight(draw, part.format, w.columns);
                }
            }
        }
        if self == Round::Right {
            let outputs = design.output_layer();
            let format = design.synapses[outputs - 1].bias;
            let w = &mut weights.layers[outputs - 1];
            for row in 0..w.rows {
                let at = w.at(row, w.columns - 1);
                w.raw[at] = if row == 0 { format.max_raw() } else { format.min_raw() } as i32;
            }
        }
        weights
    }

    /// The label of the k-th sample.
    fn label(self, k: usize, classes: usize) -> u16 {
        match self {
            Round::Right if !k.is_multiple_of(8) => 0,
            _ => (k % classes) as u16,
        }
    }

    /// The registers that it runs with: passes of another number, by one more or less, and other random bits.
    fn design(self, design: &Design) -> Design {
        let near = |steps: u32, turn: bool| match (self, turn) {
            (Round::Rails, _) => steps,
            (Round::Middle, _) | (Round::Positive, false) => (steps + 1).min(MOST_STEPS),
            (Round::Positive, true) | (Round::Still | Round::Right, _) => steps.saturating_sub(1).max(1),
        };
        Design {
            free_steps: near(design.free_steps, false),
            nudged_steps: near(design.nudged_steps, true),
            seed: design.seed ^ (absorb(0x0DD5_EED5, self as u32) * u32::from(self != Round::Rails)),
            ..design.clone()
        }
    }
}

impl Stress {
    /// So many samples for a design, numbered from `first` on, in up to five rounds: a function of its seed.
    pub fn rounds(design: &Design, first: u32, count: u32) -> Vec<Stress> {
        let mut rounds = Vec::new();
        let mut made = 0;
        for (k, round) in (0..).zip(Round::ALL) {
            let here = (count + 4 - k) / 5;
            if here > 0 {
                rounds.push(Stress::of(round, design, first.wrapping_add(made), here));
            }
            made += here;
        }
        rounds
    }

    fn of(round: Round, design: &Design, first: u32, count: u32) -> Stress {
        let design = round.design(design);
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
                    let value = Some(draw.value(design.input)).filter(|&v| v != 0);
                    let value = value.unwrap_or(design.input.max_raw() as i32);
                    raw.extend((0..inputs).map(|j| if j == only { value } else { 0 }));
                }
                _ => raw.extend((0..inputs).map(|_| match draw.below(4) {
                    0 => draw.value(design.input),
                    _ => 0,
                })),
            }
        }
        let labels = (0..count as usize).map(|k| round.label(k, design.classes())).collect();
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
        let start = round.weights(&design, &mut draw);
        Stress { design, data, samples, start }
    }
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
            let rounds = Stress::rounds(&design, 7, 40);
            let numbers: Vec<u32> = rounds.iter().flat_map(|r| r.samples.iter().map(|s| s.number)).collect();
            assert_eq!(numbers, (7..47).collect::<Vec<_>>(), "{name}");
            for stress in &rounds {
                assert_eq!(stress.samples.iter().filter(|s| !s.train).count(), 2, "{name}");
                let sums: Vec<usize> = stress.samples.iter().map(|&s| stress.data.active(s)).collect();
                let inputs = design.network.inputs();
                assert!(sums.contains(&0) && sums.contains(&inputs) && sums.contains(&1), "{name}: {sums:?}");
                let longest = stress.samples.iter().filter(|s| s.train).fold((0, 0), |(run, most), s| {
                    let run = run + 1;
                    (if s.ends_batch { 0 } else { run }, most.max(run))
                });
                assert!(longest.1 <= design.batch.max(1), "{name}: a batch of {}", longest.1);
            }
            for (l, w) in rounds[0].start.layers[..design.output_layer()].iter().enumerate() {
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
            let registers = |r: &Stress| (r.design.seed, r.design.free_steps, r.design.nudged_steps);
            assert_eq!(registers(&rounds[0]), (design.seed, design.free_steps, design.nudged_steps));
            let others = &rounds[1..];
            assert!(others.iter().all(|r| r.design.seed != design.seed), "{name}");
            let steps = |of: fn(&Design) -> u32| others.iter().map(|r| of(&r.design)).collect::<Vec<_>>();
            assert!(steps(|d| d.free_steps).contains(&(design.free_steps + 1)), "{name}");
            assert!(steps(|d| d.nudged_steps).contains(&(design.nudged_steps - 1).max(1)), "{name}");
        }
        let few = Stress::rounds(&shipped("digits-cep"), 0, 2);
        assert_eq!(few.iter().map(|r| r.samples.len()).collect::<Vec<_>>(), [1, 1]);
        assert!(Stress::rounds(&shipped("digits-cep"), 0, 0).is_empty());
    }

    /// The model that trains and the specification go the same way where no training goes.
    #[test]
    fn both_models_agree_over_made_samples() {
        use crate::reference::{Silent, fast::Fast, golden::Golden};
        for name in ["digits-cep", "digits-cvf", "digits-batch", "digits-momentum", "digits-softmax"] {
            let design = shipped(name);
            for stress in Stress::rounds(&design, 60, 24) {
                let mut golden = Golden::new(&stress.design, stress.start.clone());
                let mut fast = Fast::new(&stress.design, &stress.start);
                let first = stress.samples[0].number;
                golden.sample = first;
                fast.set_sample(first);
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
}
