//! What stands still costs nothing: which passes of a phase are left out, because they would change nothing.
//!
//! **Still.** When one pass (of all layers), or two in succession (one of the even, one of the odd layers), has changed no
//! state, the next ones will not either: the phase ends.
//!
//! **To and fro.** When the states are those of two passes ago, they will go on so: an even number of the passes left is
//! not made. Not in even/odd order, and not while synapses learn.
//!
//! States are whole records, imaginary parts and corners included. Passes that show stillness are made and committed, so
//! the states, the states before, the drives and the prediction are those of the whole phase. The hardware compares a new
//! state with the last two that were made (`hdl/still_watch.v`), so none is known just after a saved state was loaded.

use super::{Nudge, Pass};
use crate::design::{Design, Order};
use crate::fixed_point::{Overflow, Rounding};
use crate::network::Moved;

/// Which phases of a design may leave out passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skips {
    /// Any at all: what is asked for, and nothing is drawn at random for drives and states.
    pub any: bool,
    /// Also nudged ones: there is no noise.
    pub nudged: bool,
    /// Also those in which synapses learn: a weight without contrast stays what it is.
    pub plastic: bool,
    /// Passes in which synapses learn leave out chunks without contrast.
    pub chunks: bool,
}

impl Skips {
    /// Those of a design.
    pub fn of(design: &Design) -> Skips {
        let drawn =
            [design.drive_modes, design.state_modes].iter().any(|m| m.rounding == Rounding::Stochastic);
        Skips {
            any: design.skip_still && !drawn,
            nudged: design.noise == 0.0,
            plastic: visits_keep_weights(design),
            chunks: skips_chunks(design),
        }
    }

    /// In a pass that learns, and makes drives too or not, through so many layers of synapses: where there is one, the drives
    /// of all its chunks are made, whose sums are not kept.
    pub fn leaves_out_chunks(self, drives: bool, depth: usize) -> bool {
        self.chunks && !(drives && depth == 1)
    }

    /// In a phase under this nudge.
    pub fn allowed(self, nudge: Nudge, plastic: bool) -> bool {
        self.any && (self.nudged || nudge == Nudge::None) && (self.plastic || !plastic)
    }
}

/// True where chunks without contrast are left out: what they add to a batch's sums is nothing, and weights that take
/// contrasts at once stay what they are. Contrasts at a point of a circle are of one state; kernels are walked in another
/// order.
fn skips_chunks(design: &Design) -> bool {
    let unmoved = design.is_batched() || visits_keep_weights(design);
    design.skip_still && unmoved && !design.is_complex() && !design.network.has_kernels()
}

/// True where a weight whose contrast is zero stays what it is: it does not decay, has no velocity, and is not moved from
/// the smallest number to the smallest that a symmetric format has.
fn visits_keep_weights(design: &Design) -> bool {
    design.weight_decay.raw == 0
        && design.momentum.is_none()
        && design.weight_modes.overflow != Overflow::SatSym
}

/// Follows the passes of a sample.
#[derive(Clone, Copy, Debug)]
pub struct Stillness {
    skips: Skips,
    order: Order,
    /// Passes since a saved state was loaded, as far as it matters.
    known: u32,
    /// The last pass of this phase has changed nothing.
    quiet: bool,
}

/// What a pass has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Some state is not what it was before the pass.
    pub changed: bool,
    /// Some state is not what it was before the last pass but one.
    pub differs: bool,
}

impl Stillness {
    /// At the beginning of a sample: its states are zero, and so were those before.
    pub fn of(design: &Design) -> Stillness {
        Stillness { skips: Skips::of(design), order: design.order, known: 2, quiet: false }
    }

    /// From now on, every pass is made, and whole.
    pub fn ignore(&mut self) {
        (self.skips.any, self.skips.chunks) = (false, false);
    }

    /// What may be left out.
    pub fn skips(&self) -> Skips {
        self.skips
    }

    /// A new sample.
    pub fn begins(&mut self) {
        self.known = 2;
    }

    /// A saved state is loaded.
    pub fn loads(&mut self) {
        self.known = 0;
    }

    /// How many of the passes that come after this one are left out.
    pub fn after(&mut self, pass: Pass, shown: Shown) -> u32 {
        let still = !shown.changed && self.known > 0;
        let back = !shown.differs && self.known > 1 && pass.at > 0;
        let quiet = pass.at > 0 && self.quiet;
        self.quiet = still;
        self.known = (self.known + 1).min(2);
        if !self.skips.allowed(pass.nudge, pass.plastic) {
            return 0;
        }
        let left = pass.of - pass.at - 1;
        match self.order {
            Order::EvenOdd if still && quiet => left,
            Order::Synchronous if still => left,
            Order::Synchronous if back && !pass.plastic => left & !1,
            _ => 0,
        }
    }
}

/// What a sample has left out: passes, and chunks of those in which synapses learn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spared {
    /// Passes, each with how many are left out behind it.
    gaps: Vec<(u32, u32)>,
    /// Passes that leave out chunks.
    learned: Vec<u32>,
    /// Which neurons had moved in each of them, one pass behind the other.
    moved: Vec<bool>,
}

impl Spared {
    /// A new sample.
    pub fn clear(&mut self) {
        self.gaps.clear();
        self.learned.clear();
        self.moved.clear();
    }

    /// Behind pass `pass` of the sample (from 0), so many are left out.
    pub fn add(&mut self, pass: u32, count: u32) {
        if count > 0 {
            self.gaps.push((pass, count));
        }
    }

    /// How many are left out behind pass `pass`.
    pub fn behind(&self, pass: u32) -> u32 {
        self.gaps.binary_search_by_key(&pass, |gap| gap.0).map_or(0, |at| self.gaps[at].1)
    }

    /// Pass `pass` visits chunks only where one of these neurons has moved, or one of the layer below.
    pub fn learn(&mut self, pass: u32, moved: impl Iterator<Item = bool>) {
        self.learned.push(pass);
        self.moved.extend(moved);
    }

    /// The neurons that had moved in pass `pass`, which makes drives too or not, if it has left out chunks where none had.
    pub fn moved(&self, pass: u32, drives: bool) -> Option<Moved<'_>> {
        let at = self.learned.binary_search(&pass).ok()?;
        let count = self.moved.len() / self.learned.len();
        Some(Moved { neurons: &self.moved[at * count..][..count], drives })
    }

    /// All of them.
    pub fn count(&self) -> u32 {
        self.gaps.iter().map(|gap| gap.1).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stillness(order: Order) -> Stillness {
        Stillness {
            skips: Skips { any: true, nudged: true, plastic: true, chunks: true },
            order,
            known: 2,
            quiet: false,
        }
    }

    fn pass(at: u32, of: u32) -> Pass {
        Pass { at, of, nudge: Nudge::None, plastic: false, update: None }
    }

    const STILL: Shown = Shown { changed: false, differs: true };
    const BACK: Shown = Shown { changed: true, differs: false };
    const MOVES: Shown = Shown { changed: true, differs: true };

    #[test]
    fn one_pass_of_all_layers_shows_that_they_are_still() {
        let mut s = stillness(Order::Synchronous);
        assert_eq!(s.after(pass(0, 9), MOVES), 0);
        assert_eq!(s.after(pass(1, 9), STILL), 7);
    }

    #[test]
    fn of_even_and_odd_layers_it_takes_one_each_of_the_same_phase() {
        let mut s = stillness(Order::EvenOdd);
        assert_eq!(s.after(pass(7, 8), STILL), 0);
        assert_eq!(s.after(pass(0, 8), STILL), 0, "the last one was of another phase");
        assert_eq!(s.after(pass(1, 8), STILL), 6);
        assert_eq!(stillness(Order::EvenOdd).after(pass(4, 8), BACK), 0);
    }

    #[test]
    fn to_and_fro_leaves_out_an_even_number() {
        for (of, left_out) in [(3, 0), (4, 0), (5, 2), (6, 2), (7, 4)] {
            assert_eq!(stillness(Order::Synchronous).after(pass(2, of), BACK), left_out, "of {of}");
        }
        assert_eq!(
            stillness(Order::Synchronous).after(pass(0, 7), BACK),
            0,
            "two passes ago was another phase"
        );
        let learning = Pass { plastic: true, ..pass(2, 7) };
        assert_eq!(stillness(Order::Synchronous).after(learning, BACK), 0);
        assert_eq!(stillness(Order::Synchronous).after(learning, STILL), 4);
    }

    #[test]
    fn a_loaded_state_is_not_compared_with() {
        let mut s = stillness(Order::Synchronous);
        s.loads();
        assert_eq!(s.after(pass(0, 9), STILL), 0);
        assert_eq!(s.after(pass(1, 9), BACK), 0);
        assert_eq!(s.after(pass(2, 9), BACK), 6);
        s.loads();
        s.after(pass(0, 9), STILL);
        assert_eq!(s.after(pass(1, 9), STILL), 7);
    }

    #[test]
    fn gaps_are_found_by_the_pass_before_them() {
        let mut spared = Spared::default();
        spared.add(3, 4);
        spared.add(5, 0);
        spared.add(9, 2);
        assert_eq!([3, 4, 5, 9].map(|p| spared.behind(p)), [4, 0, 0, 2]);
        assert_eq!(spared.count(), 6);
    }

    #[test]
    fn what_had_moved_is_found_by_its_pass() {
        let mut spared = Spared::default();
        spared.learn(3, [true, false].into_iter());
        spared.learn(7, [false, true].into_iter());
        assert_eq!(spared.moved(7, true), Some(Moved { neurons: &[false, true], drives: true }));
        assert_eq!(spared.moved(4, true), None);
    }
}
