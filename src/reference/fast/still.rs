//! Passes of a phase that would change nothing.

use super::numbers::Int;
use super::{Engine, Numbers};
use crate::design::Design;
use crate::network::Moved;
use crate::rules::{Contrast, Pass, Shown, Skips, StateRef, Stillness};

/// The states that the last two passes have made, whole records.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    stillness: Stillness,
    /// Passes that learn leave out chunks without contrast.
    chunks: bool,
    last: Vec<i32>,
    before: Vec<i32>,
}

impl Trail {
    pub(super) fn of(design: &Design) -> Trail {
        let chunks = Skips::of(design).chunks;
        Trail { stillness: Stillness::of(design), chunks, last: Vec::new(), before: Vec::new() }
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
        self.chunks = false;
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
        self.spared.add(self.step, left_out);
        left_out
    }

    /// Before a pass that learns this contrast, and makes drives too or not: which neurons have moved, where it leaves out
    /// chunks in which none has.
    pub(super) fn note_moved(&mut self, contrast: Contrast, drives: bool) {
        if !self.trail.chunks || (drives && self.network.depth() == 1) {
            return;
        }
        let of = |state| match state {
            StateRef::Now => &self.now,
            StateRef::Previous => &self.previous,
            StateRef::Slot(k) => &self.slots[k].activities,
        };
        let (a, b) = (of(contrast.post_a), of(contrast.post_b));
        let moved = (0..).zip(a.iter().zip(b)).flat_map(|(l, (a, b))| {
            let pairs = a.activities.as_flattened().iter().zip(b.activities.as_flattened());
            pairs.take(self.network.neurons(l + 1)).map(|(a, b)| a.wide() != b.wide())
        });
        self.spared.learn(self.step, moved);
    }

    /// What the pass at hand has left out of the synapses.
    pub(super) fn moved(&self, drives: bool) -> Option<Moved<'_>> {
        self.spared.moved(self.step).map(|neurons| Moved { neurons, drives })
    }
}
