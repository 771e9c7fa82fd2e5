//! What the results of a run come to, at every level of comparison.

use super::difference::{Field, Mismatch};
use crate::reference::train::{PlannedSample, averaged_epochs};
use crate::schedule::Cycles;

/// A result as the hardware hands it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HardwareResult {
    /// Class read out.
    pub prediction: u32,
    /// Label that came back.
    pub label: u32,
    /// Cycles of the sample.
    pub cycles: u32,
    /// Cycles that read weights.
    pub reads: u32,
}

/// What a result must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpectedResult {
    /// Class that the reference reads out.
    pub prediction: u16,
    /// Label that went in.
    pub label: u16,
    /// What the sample takes.
    pub cycles: Cycles,
}

/// Right ones and all.
type Score = (u32, u32);

/// Counts results, and says what differs in them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Results held against what they must be.
    pub samples: u64,
    /// Cycles of all samples, as the hardware counted them.
    pub cycles: u64,
    /// Of these, cycles that read weights.
    pub reads: u64,
    trained: (u64, u64),
    /// Test samples of each epoch, by the hardware and by the reference.
    hardware: Vec<Score>,
    reference: Vec<Score>,
}

impl Tally {
    /// Takes the result of a sample that lies in an epoch; the numbers in it that differ.
    pub fn take(
        &mut self,
        sample: &PlannedSample,
        epoch: usize,
        expected: ExpectedResult,
        found: HardwareResult,
    ) -> impl Iterator<Item = Mismatch> + use<> {
        self.samples += 1;
        self.cycles += u64::from(found.cycles);
        self.reads += u64::from(found.reads);
        if sample.train {
            self.trained = (self.trained.0 + u64::from(found.cycles), self.trained.1 + 1);
        } else {
            let label = u32::from(expected.label);
            for (scores, prediction) in
                [(&mut self.hardware, found.prediction), (&mut self.reference, expected.prediction.into())]
            {
                scores.resize(epoch + 1, (0, 0));
                scores[epoch].0 += u32::from(prediction == label);
                scores[epoch].1 += 1;
            }
        }
        let (cycles, reads) = expected.cycles.counted();
        let checks = [
            Mismatch::of(Field::Prediction, expected.prediction, found.prediction),
            Mismatch::of(Field::Label, expected.label, found.label),
            Mismatch::of(Field::Cycles, cycles, found.cycles),
            Mismatch::of(Field::WeightReads, reads, found.reads),
        ];
        checks.into_iter().filter(Mismatch::differs)
    }

    /// Samples that were learned.
    pub fn learned(&self) -> u64 {
        self.trained.1
    }

    /// Mean cycles of a training sample.
    pub fn cycles_per_sample(&self) -> f64 {
        self.trained.0 as f64 / self.trained.1.max(1) as f64
    }

    /// Share of all cycles that read weights.
    pub fn read_share(&self) -> f64 {
        self.reads as f64 / self.cycles.max(1) as f64
    }

    /// Accuracy on the test samples by the hardware and by the reference, means over the last epochs; none without test
    /// samples.
    pub fn accuracies(&self) -> [Option<f64>; 2] {
        [&self.hardware, &self.reference].map(|scores| {
            let last = averaged_epochs(scores.len());
            let tail = &scores[scores.len() - last..];
            let sum = tail.iter().map(|&(right, all)| f64::from(right) / f64::from(all)).sum::<f64>();
            (!scores.is_empty()).then(|| sum / last as f64)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_result_is_looked_at() {
        let sample = PlannedSample { number: 3, index: 3, train: false, ends_batch: true, rates: 0 };
        let cycles = Cycles { all: 1000, weight_reads: 800 };
        let expected = ExpectedResult { prediction: 4, label: 4, cycles };
        let right = HardwareResult { prediction: 4, label: 4, cycles: 1000, reads: 800 };
        let mut tally = Tally::default();
        let mut wrong =
            |found| -> Vec<Field> { tally.take(&sample, 0, expected, found).map(|m| m.field).collect() };
        assert_eq!(wrong(right), []);
        assert_eq!(wrong(HardwareResult { prediction: 5, ..right }), [Field::Prediction]);
        assert_eq!(wrong(HardwareResult { label: 5, ..right }), [Field::Label]);
        assert_eq!(wrong(HardwareResult { cycles: 999, ..right }), [Field::Cycles]);
        assert_eq!(wrong(HardwareResult { reads: 801, ..right }), [Field::WeightReads]);
        assert_eq!((tally.samples, tally.cycles, tally.reads), (5, 4999, 4001));
        // A label that came back wrong makes no prediction right.
        assert_eq!(tally.accuracies(), [Some(0.8), Some(1.0)]);
    }
}
