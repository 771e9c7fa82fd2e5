//! Passes of a phase that would change nothing.

use super::{Engine, Numbers};
use crate::design::Design;
use crate::rules::{Pass, Shown, Stillness};

/// The states that the last two passes have made, whole records.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    stillness: Stillness,
    last: Vec<i32>,
    before: Vec<i32>,
}

impl Trail {
    pub(super) fn of(design: &Design) -> Trail {
        Trail { stillness: Stillness::of(design), last: Vec::new(), before: Vec::new() }
    }

    /// A new sample: all states are zero.
    pub(super) fn begins(&mut self) {
        self.stillness.begins();
        self.last.fill(0);
        self.before.fill(0);
    }

    /// Passes are made whatever they show.
    pub(super) fn ignore(&mut self) {
        self.stillness.ignore();
    }

    /// A saved state is loaded.
    pub(super) fn loads(&mut self) {
        self.stillness.loads();
    }
}

impl<N: Numbers> Engine<'_, N> {
    /// After a pass: how many of the next ones are left out.
    pub(super) fn left_out(&mut self, pass: Pass) -> u32 {
        let trail = &mut self.trail;
        if !trail.stillness.matters() {
            return 0;
        }
        std::mem::swap(&mut trail.last, &mut trail.before);
        // What is in `last` now is of two passes ago.
        let imaginary = self.imaginary.iter().flat_map(|i| &i.states);
        let corners = self.now.iter().flat_map(|seen| &seen.corners).map(|&corner| corner.into());
        let record = self.states.iter().chain(imaginary).copied().chain(corners);
        let (mut changed, mut differs) = (false, false);
        if trail.last.is_empty() {
            let length = record.clone().count();
            trail.last.resize(length, 0);
            trail.before.resize(length, 0);
        }
        for ((last, before), new) in trail.last.iter_mut().zip(&trail.before).zip(record) {
            changed |= *before != new;
            differs |= *last != new;
            *last = new;
        }
        let left_out = trail.stillness.after(pass, Shown { changed, differs });
        self.gaps.add(self.step, left_out);
        left_out
    }
}
