//! A streaming reader of value change dumps, for the hot path: one pass, bounded memory, at the speed of the pipe.
//!
//! It knows as much of VCD as simulators write for the signals of one scope: scalar and vector changes. Unknown bits
//! (`x`, `z`) read as zero and are remembered: whoever uses a value asks [`Vcd::require`] first. Anything else is
//! skipped or refused with the place. Held to the crates `vcd` and `wellen` by tests/waveforms.rs.

use std::io::{self, Read};
use std::ops::Range;

/// Why a waveform cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum VcdError {
    /// The pipe or file failed.
    #[error("cannot read the waveform: {0}")]
    Io(#[from] io::Error),
    /// Text that is not VCD.
    #[error("the waveform is not a value change dump: {what}, near byte {offset}")]
    Syntax {
        /// What is wrong.
        what: String,
        /// Where.
        offset: u64,
    },
    /// A signal that the comparison needs is not in the waveform.
    #[error("the waveform has no signal `{0}`; dump the scope of the commit port (module commit_probe)")]
    Missing(String),
    /// A word of other hardware.
    #[error("`{signal}` has {there} bits in the waveform, and {here} in hardware of this design")]
    Width {
        /// Signal name.
        signal: String,
        /// Bits in the waveform.
        there: usize,
        /// Bits that the design's has.
        here: usize,
    },
    /// Of other hardware.
    #[error(
        "the waveform is of hardware that was generated from another design (digest {there:08x}, here {here:08x})"
    )]
    Foreign {
        /// Digest in the waveform.
        there: u32,
        /// Digest of the design at hand.
        here: u32,
    },
    /// An unknown bit.
    #[error("the waveform has unknown bits (x or z) in `{signal}` at time {time}")]
    Unknown {
        /// Signal name.
        signal: String,
        /// Time stamp.
        time: u64,
    },
}

/// A signal that the reader follows.
#[derive(Debug)]
struct Signal {
    name: String,
    width: usize,
    /// Value, least significant word first; unknown bits are zero.
    words: Vec<u32>,
    /// Has unknown bits.
    unknown: bool,
}

/// Follows some signals of a waveform, one time step at a time.
pub struct Vcd<R> {
    source: R,
    buffer: Vec<u8>,
    /// Unread part of the buffer.
    start: usize,
    end: usize,
    offset: u64,
    ended: bool,
    signals: Vec<Signal>,
    /// Name asked for -> signal: names may share one.
    places: Vec<usize>,
    /// Identifier code -> signal, by the code read as a number.
    slots: Vec<u32>,
    /// The clock, where the waveform has it.
    clock: Option<usize>,
    time: u64,
    next_time: Option<u64>,
}

const NONE: u32 = u32::MAX;
/// Codes of up to three printable characters: more signals than any probe has.
const MAX_CODE: usize = 94 + 94 * 94 + 94 * 94 * 94;
/// Widest signal and longest line: far beyond any commit port, far below what a broken file could ask for.
const MAX_WIDTH: usize = 1 << 24;
const MAX_LINE: usize = 1 << 26;

/// The code as a number: bijective base 94 over the printable characters.
fn code_number(code: &[u8]) -> Option<usize> {
    if code.is_empty() || code.len() > 3 {
        return None;
    }
    let mut n = 0;
    for &c in code {
        if !(b'!'..=b'~').contains(&c) {
            return None;
        }
        n = n * 94 + usize::from(c - b'!') + 1;
    }
    Some(n - 1)
}

impl<R: Read> Vcd<R> {
    /// Reads the header and looks up `names` in the scope whose name is `scope`. Signal `k` of the reader is
    /// `names[k]`.
    ///
    /// # Errors
    /// When the text is not VCD or a name is missing.
    pub fn open(source: R, scope: &str, names: &[&str]) -> Result<Self, VcdError> {
        Self::open_clocked(source, scope, names, None, &[])
    }

    /// The same, where [`Vcd::advance`] goes from one rising edge of the scope's signal `clock` to the next, if the
    /// waveform has that signal. A simulator that dumps whenever anything changes writes several time steps per clock
    /// cycle; at a rising edge every signal has its new value. Signals of `optional` come behind `names`; which of them are
    /// there says [`Vcd::has`].
    ///
    /// # Errors
    /// As [`Vcd::open`].
    pub fn open_clocked(
        source: R,
        scope: &str,
        names: &[&str],
        clock: Option<&str>,
        optional: &[&str],
    ) -> Result<Self, VcdError> {
        let followed = names.iter().chain(optional).chain(&clock);
        let clock_at = names.len() + optional.len();
        let mut vcd = Vcd {
            source,
            buffer: vec![0; 1 << 20],
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            signals: followed
                .map(|n| Signal { name: (*n).to_owned(), width: 0, words: Vec::new(), unknown: true })
                .collect(),
            places: (0..clock_at + usize::from(clock.is_some())).collect(),
            clock: None,
            slots: vec![NONE; MAX_CODE],
            time: 0,
            next_time: None,
        };
        vcd.header(scope)?;
        if let Some(s) = vcd.signals[..names.len()].iter().find(|s| s.width == 0) {
            return Err(VcdError::Missing(format!("{scope}.{}", s.name)));
        }
        vcd.clock = clock.map(|_| vcd.places[clock_at]).filter(|&k| vcd.signals[k].width > 0);
        Ok(vcd)
    }

    /// True where the waveform has signal `k`.
    pub fn has(&self, k: usize) -> bool {
        self.signals[self.places[k]].width > 0
    }

    fn header(&mut self, scope: &str) -> Result<(), VcdError> {
        let mut scopes: Vec<String> = Vec::new();
        let mut words: Vec<String> = Vec::new();
        loop {
            let Some((from, to)) = self.line()? else {
                return Err(self.syntax("the header does not end".to_owned()));
            };
            let text = String::from_utf8_lossy(&self.buffer[from..to]).into_owned();
            words.extend(text.split_whitespace().map(str::to_owned));
            // Declarations end with $end and may span lines.
            while let Some(end) = words.iter().position(|w| w == "$end") {
                let declaration: Vec<String> = words.drain(..=end).collect();
                match declaration[0].as_str() {
                    "$scope" => scopes.push(declaration.get(2).cloned().unwrap_or_default()),
                    "$upscope" => {
                        scopes.pop();
                    }
                    "$var" if declaration.len() >= 6 && scopes.last().is_some_and(|s| s == scope) => {
                        self.declare(&declaration)?;
                    }
                    "$enddefinitions" => return Ok(()),
                    _ => {}
                }
            }
        }
    }

    fn declare(&mut self, declaration: &[String]) -> Result<(), VcdError> {
        // Some simulators write the range without a space; of two scopes of one name the first is followed.
        let name = declaration[4].split('[').next().unwrap_or_default();
        let Some(k) = self.signals.iter().position(|s| s.name == name && s.width == 0) else { return Ok(()) };
        let width = declaration[2].parse().ok().filter(|w| (1..=MAX_WIDTH).contains(w));
        let width: usize = width.ok_or_else(|| self.syntax(format!("width `{}`", declaration[2])))?;
        let Some(slot) = code_number(declaration[3].as_bytes()) else {
            return Err(self.syntax(format!("identifier code `{}`", declaration[3])));
        };
        self.signals[k].width = width;
        if self.slots[slot] == NONE {
            self.slots[slot] = k as u32;
            self.signals[k].words = vec![0; width.div_ceil(32)];
            return Ok(());
        }
        // One net under two names.
        let first = self.slots[slot] as usize;
        if self.signals[first].width != width {
            return Err(self.syntax(format!(
                "`{name}` and `{}` share a code but not a width",
                self.signals[first].name
            )));
        }
        self.places[k] = first;
        Ok(())
    }

    /// The next line, as a range of the buffer, without its end; `None` at the end of the waveform.
    fn line(&mut self) -> Result<Option<(usize, usize)>, VcdError> {
        let mut searched = self.start;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[searched..self.end]) {
                let from = self.start;
                let to = searched + at;
                self.offset += (to + 1 - from) as u64;
                self.start = to + 1;
                return Ok(Some((from, to)));
            }
            if self.ended {
                let (from, to) = (self.start, self.end);
                self.start = self.end;
                return Ok((from < to).then_some((from, to)));
            }
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.end == self.buffer.len() {
                if self.end >= MAX_LINE {
                    return Err(self.syntax("a line without an end".to_owned()));
                }
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            searched = self.end;
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    fn syntax(&self, what: String) -> VcdError {
        VcdError::Syntax { what, offset: self.offset }
    }

    /// Applies all changes of the next time step, or all up to the next rising edge of the clock where one is
    /// followed. False at the end of the waveform.
    ///
    /// # Errors
    /// When the text is not VCD.
    pub fn advance(&mut self) -> Result<bool, VcdError> {
        let Some(clock) = self.clock else { return self.time_step() };
        loop {
            let before = self.signals[clock].words[0];
            if !self.time_step()? {
                return Ok(false);
            }
            if before == 0 && self.signals[clock].words[0] == 1 {
                return Ok(true);
            }
        }
    }

    fn time_step(&mut self) -> Result<bool, VcdError> {
        let mut any = false;
        if let Some(t) = self.next_time.take() {
            self.time = t;
            any = true;
        }
        while let Some((from, to)) = self.line()? {
            let to = from + self.buffer[from..to].trim_ascii_end().len();
            if from == to {
                continue;
            }
            match self.buffer[from] {
                b'#' => {
                    let text = &self.buffer[from + 1..to];
                    let t = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
                    let Some(t) = t else { return Err(self.syntax("a time stamp".to_owned())) };
                    if t < self.time {
                        return Err(self.syntax(format!("time runs backwards from {} to {t}", self.time)));
                    }
                    if any && t > self.time {
                        self.next_time = Some(t);
                        return Ok(true);
                    }
                    self.time = t;
                    any = true;
                }
                b'b' | b'B' => self.vector(from + 1, to)?,
                b'0' | b'1' | b'x' | b'X' | b'z' | b'Z' => {
                    let value = self.buffer[from];
                    if let Some(k) = self.followed(from + 1, to) {
                        let signal = &mut self.signals[k];
                        signal.words.fill(0);
                        signal.words[0] = u32::from(value == b'1');
                        signal.unknown = !matches!(value, b'0' | b'1');
                    }
                }
                b'$' => self.command(from, to)?,
                b'r' | b'R' | b's' | b'S' => {} // reals and strings are never followed
                _ => {
                    let text = String::from_utf8_lossy(&self.buffer[from..to.min(from + 40)]).into_owned();
                    return Err(self.syntax(format!("line `{text}`")));
                }
            }
        }
        Ok(any)
    }

    /// `$dumpvars` and its like stand alone: the changes that follow count. A comment is skipped to its end.
    fn command(&mut self, from: usize, to: usize) -> Result<(), VcdError> {
        let ended = |text: &[u8]| text.ends_with(b"$end");
        if !self.buffer[from..to].starts_with(b"$comment") || ended(&self.buffer[from..to]) {
            return Ok(());
        }
        while let Some((from, to)) = self.line()? {
            if ended(self.buffer[from..to].trim_ascii_end()) {
                return Ok(());
            }
        }
        Err(self.syntax("a comment without an end".to_owned()))
    }

    fn followed(&self, from: usize, to: usize) -> Option<usize> {
        let slot = self.slots[code_number(&self.buffer[from..to])?];
        (slot != NONE).then_some(slot as usize)
    }

    /// A vector change: bits, a space, a code.
    fn vector(&mut self, from: usize, to: usize) -> Result<(), VcdError> {
        let Some(space) = memchr::memrchr(b' ', &self.buffer[from..to]) else {
            return Err(self.syntax("a vector change without a code".to_owned()));
        };
        let Some(k) = self.followed(from + space + 1, to) else { return Ok(()) };
        let bits = &self.buffer[from..from + space];
        let signal = &mut self.signals[k];
        if bits.len() > signal.width {
            return Err(VcdError::Syntax {
                what: format!("`{}` has more bits than declared", signal.name),
                offset: self.offset,
            });
        }
        // Leading bits may be left out; two-state values extend with zero.
        let mut words = signal.words.iter_mut();
        let mut rest = bits;
        let mut foreign = 0u8;
        while rest.len() >= 32 {
            let (head, tail) = rest.split_at(rest.len() - 32);
            let (word, bad) = word_of(tail);
            foreign |= bad;
            if let Some(w) = words.next() {
                *w = word;
            }
            rest = head;
        }
        if !rest.is_empty() {
            let mut word = 0u32;
            for &c in rest {
                foreign |= (c ^ b'0') & !1;
                word = word << 1 | u32::from(c & 1);
            }
            if let Some(w) = words.next() {
                *w = word;
            }
        }
        for w in words {
            *w = 0;
        }
        signal.unknown = foreign != 0;
        if signal.unknown {
            let offset = self.offset;
            mask_unknown(signal, &self.buffer[from..from + space], offset)?;
        }
        Ok(())
    }

    /// Refuses unknown bits in any of these signals.
    ///
    /// # Errors
    /// [`VcdError::Unknown`], with the name of the first.
    #[inline]
    pub fn require(&self, signals: Range<usize>) -> Result<(), VcdError> {
        match self.places[signals].iter().find(|&&k| self.signals[k].unknown) {
            None => Ok(()),
            Some(&k) => Err(VcdError::Unknown { signal: self.signals[k].name.clone(), time: self.time }),
        }
    }

    /// Time stamp of the present step.
    pub fn time(&self) -> u64 {
        self.time
    }

    /// The low 32 bits of a signal, where unknown bits are zero.
    #[inline]
    pub fn value(&self, signal: usize) -> u32 {
        self.signals[self.places[signal]].words[0]
    }

    /// A signal's value, least significant word first.
    #[inline]
    pub fn words(&self, signal: usize) -> &[u32] {
        &self.signals[self.places[signal]].words
    }

    /// Name, as it was asked for.
    pub fn name(&self, signal: usize) -> &str {
        &self.signals[signal].name
    }

    /// Width in bits.
    pub fn width(&self, signal: usize) -> usize {
        self.signals[signal].width
    }
}

/// The rare case: sets a signal to the bits that are `1`, and refuses characters that are no bits. A leading `x` or `z`
/// would go on in the bits left out; they read as zero like all unknown ones.
#[cold]
fn mask_unknown(signal: &mut Signal, bits: &[u8], offset: u64) -> Result<(), VcdError> {
    if let Some(&c) = bits.iter().find(|c| !b"01xXzZ".contains(c)) {
        return Err(VcdError::Syntax {
            what: format!("a bit `{}` in `{}`", c.escape_ascii(), signal.name),
            offset,
        });
    }
    signal.words.fill(0);
    for (i, _) in bits.iter().rev().enumerate().filter(|(_, c)| **c == b'1') {
        signal.words[i / 32] |= 1 << (i % 32);
    }
    Ok(())
}

/// Packs 32 characters `0`/`1`, most significant first; the second value is not zero where a character is neither.
#[inline]
fn word_of(chars: &[u8]) -> (u32, u8) {
    let mut word = 0u32;
    let mut foreign = 0u64;
    for (i, eight) in chars.chunks_exact(8).enumerate() {
        let mut bytes = [0u8; 8];
        bytes.copy_from_slice(eight);
        let x = u64::from_le_bytes(bytes);
        foreign |= (x ^ 0x3030_3030_3030_3030) & !0x0101_0101_0101_0101;
        // Byte i (first character = most significant bit) moves to bit 63 - i; the product gathers all eight on top.
        let byte = (x & 0x0101_0101_0101_0101).wrapping_mul(0x8040_2010_0804_0201) >> 56;
        word |= (byte as u32) << (24 - 8 * i);
    }
    (word, u8::from(foreign != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "$version x $end\n$timescale 1ns $end\n$scope module top $end\n$var wire 1 # other $end\n\
        $scope module probe $end\n$var wire 1 ! valid $end\n$var wire 40 \" data [39:0] $end\n$upscope $end\n$upscope $end\n\
        $enddefinitions $end\n#1\n1!\nb1000000000000000000000000000000000000001 \"\n1#\n#5\n0!\nb101 \"\n#9\n";

    #[test]
    fn changes_are_applied_per_time_step() {
        let mut v = Vcd::open(SMALL.as_bytes(), "probe", &["data", "valid"]).unwrap();
        assert!(v.advance().unwrap());
        assert_eq!((v.time(), v.value(1), v.words(0)), (1, 1, &[1, 128][..]));
        assert!(v.advance().unwrap());
        assert_eq!((v.time(), v.value(1), v.words(0)), (5, 0, &[5, 0][..]));
        assert!(v.advance().unwrap());
        assert_eq!(v.time(), 9);
        assert!(!v.advance().unwrap());
    }

    #[test]
    fn missing_signals_and_unknown_bits_are_named() {
        assert!(
            matches!(Vcd::open(SMALL.as_bytes(), "probe", &["nothing"]), Err(VcdError::Missing(n)) if n == "probe.nothing")
        );
        let unknown = SMALL.replace("b101", "b1x1");
        let mut v = Vcd::open(unknown.as_bytes(), "probe", &["data"]).unwrap();
        assert!(v.advance().unwrap());
        v.require(0..1).unwrap();
        assert!(v.advance().unwrap());
        assert_eq!(v.words(0), [5, 0], "unknown bits read as zero");
        assert!(matches!(v.require(0..1), Err(VcdError::Unknown { signal, time: 5 }) if signal == "data"));
    }

    #[test]
    fn codes_of_all_lengths_are_distinct() {
        let mut seen = std::collections::HashSet::new();
        let printable: Vec<u8> = (b'!'..=b'~').collect();
        for &a in &printable {
            assert!(seen.insert(code_number(&[a]).unwrap()));
            for &b in &printable {
                assert!(seen.insert(code_number(&[a, b]).unwrap()));
            }
        }
        for &a in &printable[..3] {
            for &b in &printable {
                for &c in &printable {
                    let n = code_number(&[a, b, c]).unwrap();
                    assert!(n < MAX_CODE && seen.insert(n));
                }
            }
        }
    }
}
