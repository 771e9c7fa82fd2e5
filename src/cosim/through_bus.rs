//! What the bus has answered over a run, held against what it must.

use super::CosimError;
use super::difference::{At, Difference, Field, Mismatch, When};
use super::simulator::{BUS_ANSWERS, read_words};
use std::path::Path;

/// Words of a result's packet.
const PACKET: [&str; 4] = ["prediction, label and train bit", "sample number", "signature", "cycles"];

/// What the bus must answer.
#[derive(Clone, Debug)]
pub struct BusAnswers {
    /// The packet of each sample.
    pub packets: Vec<[u32; 4]>,
    /// What is read after the last sample: names and contents.
    pub registers: Vec<(String, u32)>,
}

impl BusAnswers {
    /// How many words these are.
    pub fn words(&self) -> u64 {
        (4 * self.packets.len() + self.registers.len()) as u64
    }
}

/// The first answer that differs, of the run whose files lie in `work`; `first` is the number of its first sample.
///
/// # Errors
/// The run has left no answers.
pub fn bus_difference(
    expected: &BusAnswers,
    first: u32,
    work: &Path,
) -> Result<Option<Difference>, CosimError> {
    let found = read_words(&work.join(BUS_ANSWERS))?;
    let packets = (first..).zip(&expected.packets).flat_map(|(sample, packet)| {
        PACKET.iter().zip(packet).map(move |(what, &word)| (sample, At::Result, (*what).to_owned(), word))
    });
    let last = first + (expected.packets.len() as u32).saturating_sub(1);
    let registers = expected.registers.iter().map(|(name, word)| (last, At::Memory, name.clone(), *word));
    let all: Vec<_> = packets.chain(registers).collect();
    if found.len() != all.len() {
        let count = format!("the bus gave {} words, {} were expected", found.len(), all.len());
        return Err(CosimError::Simulation(count));
    }
    let differs = all.into_iter().zip(found).find(|((.., word), found)| *word != *found as u32);
    Ok(differs.map(|((sample, at, what, word), found)| {
        let when = When { sample, at, cycle: 0 };
        Mismatch::of(Field::Bus, word, found as u32).called(&what, when)
    }))
}
