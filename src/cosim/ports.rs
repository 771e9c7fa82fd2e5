//! What the core's ports show besides results: how it keeps to its handshakes, which the harness watches in every cycle.

use super::difference::{Field, Mismatch};
use super::simulator::RESULT_WORDS;
use super::tally::HardwareResult;
use crate::reference::train::PlannedSample;

/// What the ports have shown of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// Its result.
    pub result: HardwareResult,
    /// It was learned, the core says.
    pub train: bool,
    /// Its number, the core says.
    pub number: u32,
    /// Cycles by which its result was late (negative: too soon), counted from when it could start: there whole, enabled, and
    /// the sample before gone.
    pub late: i32,
    /// Cycles since the last result (of the last sample: and after it) in which the core was ready for an input when it must not be, or the other way round.
    pub odd_ready: u32,
    /// The same of the core saying that it is busy.
    pub odd_busy: u32,
    /// The cycle of the run in which the result came.
    pub cycle: u64,
}

impl Shown {
    /// From the harness's words.
    pub fn of(words: [u32; RESULT_WORDS]) -> Shown {
        let [prediction, label, cycles, reads, train, number, late, odd_ready, odd_busy, low, high] = words;
        Shown {
            result: HardwareResult { prediction, label, cycles, reads },
            train: train != 0,
            number,
            late: late as i32,
            odd_ready,
            odd_busy,
            cycle: u64::from(high) << 32 | u64::from(low),
        }
    }

    /// What must not be so, the likeliest cause first.
    pub fn wrong(&self, sample: &PlannedSample) -> impl Iterator<Item = Mismatch> + use<> {
        let due = i64::from(self.result.cycles);
        let checks = [
            Mismatch::of(Field::TrainFlag, i64::from(sample.train), i64::from(self.train)),
            Mismatch::of(Field::SampleNumber, sample.number, self.number),
            Mismatch::of(Field::Ready, 0, self.odd_ready),
            Mismatch::of(Field::Busy, 0, self.odd_busy),
            Mismatch::of(Field::Pace, due, due + i64::from(self.late)),
        ];
        checks.into_iter().filter(Mismatch::differs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_harness_is_looked_at() {
        let sample = PlannedSample { number: 7, index: 3, train: true, ends_batch: true, rates: 0 };
        let right = [4, 4, 1000, 800, 1, 7, 0, 0, 0, 5, 1];
        let wrong = |at: usize, word: u32| -> Vec<Field> {
            let mut words = right;
            words[at] = word;
            Shown::of(words).wrong(&sample).map(|m| m.field).collect()
        };
        assert_eq!(wrong(0, 4), []);
        assert_eq!(wrong(4, 0), [Field::TrainFlag]);
        assert_eq!(wrong(5, 8), [Field::SampleNumber]);
        assert_eq!(wrong(6, -2i32 as u32), [Field::Pace]);
        assert_eq!(wrong(7, 1), [Field::Ready]);
        assert_eq!(wrong(8, 1), [Field::Busy]);
        assert_eq!(Shown::of(right).cycle, (1 << 32) + 5);
    }
}
