//! Passes of a phase that would change nothing.

use super::numbers::Int;
use super::{Engine, Numbers};
use crate::design::Design;
use crate::rules::{Contrast, Pass, Shown, StateRef, Stillness};

/// The states of all neurons, whole records.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    states: Vec<i32>,
    imaginary: Vec<i32>,
    corners: Vec<u8>,
}

/// The states that the last passes have made.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    stillness: Stillness,
    /// Of this pass, and of the two before it.
    kept: [Kept; 3],
}

impl Trail {
    pub(super) fn of(design: &Design) -> Trail {
        let neurons = design.neuron_count();
        let seen = design.network.connections().filter(|(_, c)| !c.is_dense());
        let zero = Kept {
            states: vec![0; neurons],
            imaginary: vec![0; if design.is_complex() { neurons } else { 0 }],
            corners: vec![0; seen.map(|(_, c)| c.above().neurons()).sum()],
        };
        Trail { stillness: Stillness::of(design), kept: [zero.clone(), zero.clone(), zero] }
    }

    /// A new sample: all states are zero.
    pub(super) fn begins(&mut self) {
        self.stillness.begins();
        for kept in &mut self.kept {
            kept.states.fill(0);
            kept.imaginary.fill(0);
            kept.corners.fill(0);
        }
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
        if !trail.stillness.skips().any {
            return 0;
        }
        trail.kept.rotate_right(1);
        let [now, last, before] = &mut trail.kept;
        now.states.copy_from_slice(&self.states);
        if let Some(imaginary) = &self.imaginary {
            now.imaginary.copy_from_slice(&imaginary.states);
        }
        now.corners.clear();
        self.now.iter().for_each(|seen| now.corners.extend_from_slice(&seen.corners));
        let left_out = trail.stillness.after(pass, Shown { changed: now != last, differs: now != before });
        self.spared.add(self.step, left_out);
        left_out
    }

    /// Before a pass that learns this contrast, and makes drives too or not: which neurons have moved, where it leaves out
    /// chunks in which none has.
    pub(super) fn note_moved(&mut self, contrast: Contrast, drives: bool) {
        if !self.trail.stillness.skips().leaves_out_chunks(drives, self.network.depth()) {
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
}
