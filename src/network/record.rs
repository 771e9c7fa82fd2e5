//! What a neuron commits with every time step: its record, made of parts. A part is described here, its format is the
//! design's, and everything that looks at commits goes by the list of parts.

use std::fmt;

/// Which number of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartName {
    /// The state.
    State,
    /// The corner of its window that the neuron shows itself at, `2 row + column` ([`Pool::Max`](super::Pool::Max)); 0 where
    /// the layer keeps no maximum.
    Corner,
    /// The imaginary part of a complex state.
    Imaginary,
}

/// `state`: in sentences, and in the names of signals.
impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PartName::State => "state",
            PartName::Corner => "corner",
            PartName::Imaginary => "imaginary",
        })
    }
}

/// One number of a record, as the circuit commits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which.
    pub name: PartName,
    /// Two's complement.
    pub signed: bool,
    /// Bits, the same in all layers.
    pub width: u32,
}

/// What a neuron commits, its first part in the lowest bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    parts: Vec<Part>,
}

impl Record {
    /// Of these parts.
    pub fn new(parts: Vec<Part>) -> Record {
        Record { parts }
    }

    /// Its parts, from the lowest bits up.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// A part, if it has it.
    pub fn part(&self, name: PartName) -> Option<Part> {
        self.parts.iter().copied().find(|part| part.name == name)
    }

    /// True of complex states: the drive that made one has an imaginary part, too.
    pub fn is_complex(&self) -> bool {
        self.part(PartName::Imaginary).is_some()
    }

    /// Bits.
    pub fn width(&self) -> u32 {
        self.parts.iter().map(|part| part.width).sum()
    }

    /// Its parts, each with its lowest bit.
    pub fn placed(&self) -> impl Iterator<Item = (u32, Part)> {
        self.parts.iter().scan(0, |next, &part| {
            let bit = *next;
            *next += part.width;
            Some((bit, part))
        })
    }

    /// The parts of one neuron as the signature absorbs them: side by side, the last one extended to the word's end.
    #[inline]
    pub fn word(&self, value: impl Fn(PartName) -> i32) -> u32 {
        let mut above = 0;
        for (i, part) in self.parts.iter().enumerate().rev() {
            let raw = value(part.name) as u32;
            above = if i + 1 == self.parts.len() {
                raw
            } else {
                above << part.width | raw & ((1 << part.width) - 1)
            };
        }
        above
    }
}

/// What the neurons of layers 1 to L hold after a pass, and the drives that the last time step made it of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records<'a> {
    /// Raw states of layers 1 to L, one after the other.
    pub states: &'a [i32],
    /// Corners of the windows that the neurons show themselves at ([`Pool::Max`](super::Pool::Max)), likewise; else 0.
    pub corners: &'a [i32],
    /// Raw drives, likewise; no part of a record.
    pub drives: &'a [i32],
    /// Imaginary parts of the states, likewise; none where states are real.
    pub imaginary: &'a [i32],
    /// Imaginary parts of the drives, likewise: of the last step that had some.
    pub imaginary_drives: &'a [i32],
}

impl<'a> Records<'a> {
    /// Raw values of a part, of layers 1 to L, one after the other.
    #[inline]
    pub fn of(&self, part: PartName) -> &'a [i32] {
        match part {
            PartName::State => self.states,
            PartName::Corner => self.corners,
            PartName::Imaginary => self.imaginary,
        }
    }

    /// A copy, to look at later.
    pub fn keep(&self) -> KeptRecords {
        KeptRecords {
            states: self.states.to_vec(),
            corners: self.corners.to_vec(),
            drives: self.drives.to_vec(),
            imaginary: self.imaginary.to_vec(),
            imaginary_drives: self.imaginary_drives.to_vec(),
        }
    }
}

/// A copy of [`Records`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptRecords {
    states: Vec<i32>,
    corners: Vec<i32>,
    drives: Vec<i32>,
    imaginary: Vec<i32>,
    imaginary_drives: Vec<i32>,
}

impl KeptRecords {
    /// What was kept.
    pub fn view(&self) -> Records<'_> {
        Records {
            states: &self.states,
            corners: &self.corners,
            drives: &self.drives,
            imaginary: &self.imaginary,
            imaginary_drives: &self.imaginary_drives,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(signed: bool, width: u32) -> Part {
        Part { name: PartName::State, signed, width }
    }

    #[test]
    fn parts_lie_side_by_side() {
        let record = Record::new(vec![part(true, 10), part(false, 2), part(true, 7)]);
        assert_eq!(record.width(), 19);
        assert_eq!(
            record.placed().map(|(bit, p)| (bit, p.width)).collect::<Vec<_>>(),
            [(0, 10), (10, 2), (12, 7)]
        );
    }

    #[test]
    fn a_word_ends_in_the_sign_of_its_last_part() {
        let one = Record::new(vec![part(true, 10)]);
        assert_eq!(one.word(|_| -3), -3i32 as u32);
        let three = Record::new(vec![part(true, 10), part(false, 2), part(true, 7)]);
        assert_eq!(three.word(|_| -3), (-3i32 as u32) << 12 | 0b01 << 10 | 0x3FD);
    }
}
