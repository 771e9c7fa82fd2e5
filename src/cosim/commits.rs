//! The commit port as a waveform shows it: what the hardware commits, in which cycle.
//!
//! The waveform may come from any simulator that dumps the scope of the commit port (instance `u_probe` of the module
//! `commit_probe`). Where that scope shows `clk_i`, as an event-driven simulator's dump does, every rising edge is one
//! clock cycle and whatever is valid there is one event. Where it does not, as in what our own harness writes, every
//! time step is one clock cycle. Unknown bits are an error where they are committed, and no event in a valid flag
//! (before the first reset; a committed word that went missing that way is missed).

use super::tally::HardwareResult;
use super::testbench::SLOTS;
use super::vcd::{Vcd, VcdError};
use crate::design::Design;
use crate::network::{Part, Record};
use crate::schedule::{Layout, Visit};
use std::io::Read;

/// Names of the followed signals; the parts of a neuron's record follow, then the imaginary part of its drive where there is
/// one, then places and data of the slots of records, then those of weights.
const SIGNALS: [&str; 12] = [
    "state_full_q",
    "state_pending_q",
    "weight_full_q",
    "weight_pending_q",
    "step_valid_i",
    "signature_i",
    "result_valid_i",
    "result_i",
    "neuron_valid_i",
    "neuron_layer_i",
    "neuron_index_i",
    "neuron_drive_i",
];
const STEP: usize = 4;
const RESULT: usize = 6;
const NEURON: usize = 8;
const DRIVE: usize = 11;
const PARTS: usize = SIGNALS.len();

/// A kind of gathered words: its signals `full` and `pending`, and its first slot (place, then data).
#[derive(Clone, Copy)]
struct Gathered {
    full: usize,
    slots: usize,
}

impl Gathered {
    fn place(self, slot: usize) -> usize {
        self.slots + 2 * slot
    }

    fn data(self, slot: usize) -> usize {
        self.slots + 2 * slot + 1
    }
}

/// Sign-extends the low `width` bits.
fn signed(raw: u32, width: usize) -> i64 {
    let drop = 64 - width;
    (i64::from(raw) << drop) >> drop
}

/// The bits of a packed word from one on, extended by their sign or by zeros.
#[inline]
fn bits_at(words: &[u32], bit: usize, width: usize, signed: bool) -> i32 {
    let (word, shift) = (bit / 32, bit % 32);
    let low = u64::from(words[word]);
    let high = words.get(word + 1).map_or(0, |&w| u64::from(w));
    let raw = (((high << 32 | low) >> shift) as u32) << (32 - width);
    if signed { (raw as i32) >> (32 - width) } else { (raw >> (32 - width)) as i32 }
}

/// Follows a commit port.
pub(super) struct Commits<R> {
    vcd: Vcd<R>,
    /// The constant that says what the hardware was generated from, where there is one.
    mark: Option<usize>,
    records: Gathered,
    weights: Gathered,
    /// Parts of a record, each with its lowest bit.
    parts: Vec<(u32, Part)>,
    /// Bits of a record and of a word of records.
    record_width: usize,
    record_bits: usize,
    /// Bits of a weight and of a word of weights.
    weight_width: usize,
    weight_bits: usize,
}

impl<R: Read> Commits<R> {
    /// Opens the waveform; blocks until its header is there.
    ///
    /// # Errors
    /// When it is no waveform of a commit port.
    pub fn open(design: &Design, layout: &Layout, source: R) -> Result<Self, VcdError> {
        let record: Record = design.record();
        let parts = record.parts().iter().map(|part| format!("neuron_{}_i", part.name));
        let imaginary_drive = record.is_complex().then(|| "neuron_imaginary_drive_i".to_owned());
        let of_neuron: Vec<String> = parts.chain(imaginary_drive).collect();
        let slots_at = PARTS + of_neuron.len();
        let slots = ["state", "weight"]
            .into_iter()
            .flat_map(|kind| (0..SLOTS).map(move |k| (kind, k)))
            .flat_map(|(kind, k)| [format!("{kind}_place{k}_q"), format!("{kind}_data{k}_q")]);
        let names: Vec<String> =
            SIGNALS.map(str::to_owned).into_iter().chain(of_neuron).chain(slots).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let vcd = Vcd::open_clocked(source, "u_probe", &names, Some("clk_i"), &["design_i"])?;
        let (record_width, weight_width) = (record.width() as usize, design.datapath.stored_width as usize);
        Ok(Commits {
            mark: Some(names.len()).filter(|&k| vcd.has(k)),
            vcd,
            records: Gathered { full: 0, slots: slots_at },
            weights: Gathered { full: 2, slots: slots_at + 2 * SLOTS },
            parts: record.placed().collect(),
            record_width,
            record_bits: layout.lanes * record_width,
            weight_width,
            weight_bits: layout.lanes * layout.ways() * weight_width,
        })
    }

    /// Goes on to the next cycle in which something happens; false at the end.
    ///
    /// # Errors
    /// When the text is not VCD.
    pub fn advance(&mut self) -> Result<bool, VcdError> {
        self.vcd.advance()
    }

    /// Clock cycle, or time.
    pub fn time(&self) -> u64 {
        self.vcd.time()
    }

    /// Digest of what the hardware was generated from, where it says so.
    pub fn mark(&self) -> Option<u32> {
        self.mark.map(|mark| self.vcd.value(mark))
    }

    /// Whether words are as wide as the design's.
    ///
    /// # Errors
    /// [`VcdError::Width`] of the first that is not.
    pub fn fits(&self) -> Result<(), VcdError> {
        for (signal, here) in
            [(self.records.data(0), self.record_bits), (self.weights.data(0), self.weight_bits)]
        {
            let there = self.vcd.width(signal);
            if there != here {
                return Err(VcdError::Width { signal: self.vcd.name(signal).to_owned(), there, here });
            }
        }
        Ok(())
    }

    /// Slots of words that are new in this cycle: all when the probe is full, the first ones at the end of a step.
    fn new_slots(&self, kind: Gathered) -> Result<Option<usize>, VcdError> {
        let new = if self.vcd.value(kind.full) == 1 {
            SLOTS
        } else if self.vcd.value(STEP) == 1 {
            (self.vcd.value(kind.full + 1) as usize).min(SLOTS)
        } else {
            0
        };
        if new == 0 {
            return Ok(None);
        }
        self.vcd.require(kind.full..kind.full + 2)?;
        self.vcd.require(kind.place(0)..kind.place(new))?;
        Ok(Some(new))
    }

    /// Slots of words of records that are new.
    ///
    /// # Errors
    /// As of all that follow, where bits are unknown.
    pub fn new_records(&self) -> Result<Option<usize>, VcdError> {
        self.new_slots(self.records)
    }

    /// Slots of words of weights that are new.
    pub fn new_weights(&self) -> Result<Option<usize>, VcdError> {
        self.new_slots(self.weights)
    }

    /// Layer and word of a slot of records.
    pub fn record_place(&self, slot: usize) -> (usize, usize) {
        let place = self.vcd.value(self.records.place(slot));
        ((place >> 16) as usize, (place & 0xFFFF) as usize)
    }

    /// A part (the `k`th) of the record in a lane.
    #[inline]
    pub fn record_part(&self, slot: usize, lane: usize, k: usize) -> i32 {
        let (bit, part) = self.parts[k];
        let bit = lane * self.record_width + bit as usize;
        bits_at(self.vcd.words(self.records.data(slot)), bit, part.width as usize, part.signed)
    }

    /// Layer, chunk and column of a slot of weights.
    pub fn weight_place(&self, slot: usize) -> Visit {
        let place = self.vcd.words(self.weights.place(slot));
        let low = place[0];
        Visit { layer: place[1] as usize, chunk: (low >> 16) as usize, tap: (low & 0xFFFF) as usize }
    }

    /// The weight in a lane.
    pub fn weight(&self, slot: usize, lane: usize) -> i32 {
        let words = self.vcd.words(self.weights.data(slot));
        bits_at(words, lane * self.weight_width, self.weight_width, true)
    }

    /// The first lane (or the one before it) that does not hold the weight expected there.
    #[inline]
    pub fn first_other_weight(&self, slot: usize, expected: &[i32]) -> Option<usize> {
        if self.weight_width != 16 {
            return (0..expected.len()).find(|&lane| self.weight(slot, lane) != expected[lane]);
        }
        let words = self.vcd.words(self.weights.data(slot));
        let pairs = expected.chunks(2).zip(words);
        let other = |(pair, &word): (&[i32], &u32)| {
            let high = pair.get(1).map_or(0, |&w| (w as u32) << 16);
            word != (high | (pair[0] as u32 & 0xFFFF))
        };
        pairs.into_iter().position(other).map(|pair| 2 * pair)
    }

    /// Layer and number of a neuron that leaves its unit.
    pub fn neuron(&self) -> Result<Option<(usize, usize)>, VcdError> {
        if self.vcd.value(NEURON) != 1 {
            return Ok(None);
        }
        self.vcd.require(NEURON..self.records.slots)?;
        Ok(Some((self.vcd.value(NEURON + 1) as usize, self.vcd.value(NEURON + 2) as usize)))
    }

    /// Its drive.
    pub fn neuron_drive(&self) -> i64 {
        signed(self.vcd.value(DRIVE), self.vcd.width(DRIVE))
    }

    /// The imaginary part of its drive, where states are complex.
    pub fn neuron_imaginary_drive(&self) -> Option<i64> {
        let signal = PARTS + self.parts.len();
        (signal < self.records.slots).then(|| signed(self.vcd.value(signal), self.vcd.width(signal)))
    }

    /// A part (the `k`th) of its record.
    pub fn neuron_part(&self, k: usize) -> i64 {
        let (signal, part) = (PARTS + k, self.parts[k].1);
        let raw = self.vcd.value(signal);
        if part.signed { signed(raw, self.vcd.width(signal)) } else { raw.into() }
    }

    /// The signature, at the end of a step.
    pub fn step_end(&self) -> Result<Option<u32>, VcdError> {
        if self.vcd.value(STEP) != 1 {
            return Ok(None);
        }
        self.vcd.require(STEP..STEP + 2)?;
        Ok(Some(self.vcd.value(STEP + 1)))
    }

    /// A sample's result.
    pub fn result(&self) -> Result<Option<HardwareResult>, VcdError> {
        if self.vcd.value(RESULT) != 1 {
            return Ok(None);
        }
        self.vcd.require(RESULT..RESULT + 2)?;
        let w = self.vcd.words(RESULT + 1);
        Ok(Some(HardwareResult { prediction: w[2] >> 16, label: w[2] & 0xFFFF, cycles: w[1], reads: w[0] }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use std::path::Path;

    #[test]
    fn parts_are_cut_out_with_or_without_their_sign() {
        // Twelve bits a record: a state of 10 and, above it, two bits without a sign; the third crosses a word's end.
        let records = [(-3, 2u64), (511, 3), (-512, 1)];
        let packed = records
            .iter()
            .rev()
            .fold(0, |word, &(state, place)| word << 12 | place << 10 | (state as u64 & 0x3FF));
        let words = [packed as u32, (packed >> 32) as u32];
        for (lane, (state, place)) in records.into_iter().enumerate() {
            assert_eq!(bits_at(&words, 12 * lane, 10, true), state);
            assert_eq!(bits_at(&words, 12 * lane + 10, 2, false), place as i32);
        }
    }

    /// The head of a waveform of a design's commit port, and one cycle; words of records have so many bits more.
    fn waveform(layout: &Layout, design: &Design, more: usize) -> String {
        let record = layout.lanes * design.record().width() as usize + more;
        let weights = layout.lanes * layout.ways() * design.datapath.stored_width as usize;
        let slots = (0..SLOTS).flat_map(|k| {
            [("state", 24, record), ("weight", 40, weights)].map(|(kind, place, data)| {
                [(format!("{kind}_place{k}_q"), place), (format!("{kind}_data{k}_q"), data)]
            })
        });
        let others = SIGNALS.iter().map(|&name| (name.to_owned(), 32));
        let signals = others.chain([("neuron_state_i".to_owned(), 32)]).chain(slots.flatten());
        let mut text = "$scope module u_probe $end\n".to_owned();
        for (k, (name, width)) in signals.enumerate() {
            let _ = writeln!(text, "$var wire {width} {} {name} $end", (b'!' + k as u8) as char);
        }
        text + "$upscope $end\n$enddefinitions $end\n#0\n"
    }

    #[test]
    fn words_of_another_width_are_refused() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/digits-cep.toml");
        let design = crate::design::load(&path).expect("shipped designs load");
        let layout = Layout::of(&design);
        let fits = |more| {
            let text = waveform(&layout, &design, more);
            Commits::open(&design, &layout, text.as_bytes()).expect("the port is there").fits()
        };
        assert!(fits(0).is_ok());
        assert!(matches!(fits(2), Err(VcdError::Width { signal, .. }) if signal == "state_data0_q"));
    }
}
