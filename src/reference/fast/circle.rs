//! Passes of a phase that lead nowhere.

use super::{Engine, Numbers, Work};
use crate::design::{Design, Modes};
use crate::fixed_point::Rounding;
use crate::network::Learned;
use crate::reference::Observer;

/// What a pass began with.
#[derive(Clone, Debug, Default)]
struct Before {
    states: Vec<i32>,
    drives: Vec<i32>,
    work: Work,
}

/// Whether a phase goes in a circle. Two steps bring back the states of a settled network, and those of one that goes to
/// and fro between two; they will do so for ever, while weights and nudge stay as they are and nothing is drawn at
/// random. The hardware makes those passes, the model need not.
#[derive(Clone, Debug)]
pub(super) struct Circle {
    /// States, drives and work before each of the last passes.
    before: Vec<Before>,
    /// Passes since weights and nudge are what they are.
    passes: usize,
}

impl Circle {
    /// None where states or drives are drawn, or where a state is more than its number.
    pub(super) fn of(design: &Design) -> Option<Circle> {
        let drawn = |m: Modes| m.rounding == Rounding::Stochastic;
        let length = design.order.passes(2) as usize;
        let random = drawn(design.state_modes) || drawn(design.drive_modes);
        (!random && !design.network.has_corners())
            .then(|| Circle { before: vec![Before::default(); length], passes: 0 })
    }

    /// A pass begins at these states; the last one had these drives.
    pub(super) fn leave(&mut self, states: &[i32], drives: &[i32], work: Work) {
        let at = self.passes % self.before.len();
        let before = &mut self.before[at];
        for (kept, seen) in [(&mut before.states, states), (&mut before.drives, drives)] {
            kept.clear();
            kept.extend_from_slice(seen);
        }
        before.work = work;
        self.passes += 1;
    }

    /// Passes that lead back to these states, and their work.
    fn closed(&self, states: &[i32], work: Work) -> Option<(u32, Work)> {
        let length = self.before.len();
        let then = &self.before[self.passes % length];
        (self.passes >= length && then.states == states).then(|| (length as u32, work.since(then.work)))
    }
}

impl<N: Numbers> Engine<'_, N> {
    /// Weights or nudge are others now.
    pub(super) fn leave_circle(&mut self) {
        if let Some(circle) = &mut self.circle {
            circle.passes = 0;
        }
    }

    /// Of so many passes to come, those that lead nowhere.
    pub(super) fn skip_circles<O: Observer>(&mut self, passes: u32, observer: &mut O) -> u32 {
        let closed = self.circle.as_ref().and_then(|c| c.closed(&self.states, self.work));
        let Some((length, work)) = closed else { return 0 };
        let rounds = passes / length;
        self.work = self.work.plus(work.spared(rounds));
        if O::WATCHES && rounds > 0 {
            self.show_circle(rounds, observer);
        } else {
            self.step += rounds * length;
        }
        rounds * length
    }

    /// Shows the passes that lead nowhere, so many times round.
    fn show_circle<O: Observer>(&mut self, rounds: u32, observer: &mut O) {
        let Some(circle) = self.circle.take() else { return };
        let (states, drives) = (self.states.clone(), self.drives.clone());
        for _ in 0..rounds {
            for ahead in 1..circle.before.len() {
                let shown = &circle.before[(circle.passes + ahead) % circle.before.len()];
                self.states.clone_from(&shown.states);
                self.drives.clone_from(&shown.drives);
                self.show(observer, true, Learned::Nothing);
            }
            self.states.clone_from(&states);
            self.drives.clone_from(&drives);
            self.show(observer, true, Learned::Nothing);
        }
        self.circle = Some(circle);
    }
}
