//! Learning rates that fall during a training: after each milestone, to a fixed part of what they were.

/// Epochs after which the learning rates fall; the rates between two milestones are a *rate set*, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milestones {
    epochs: [u32; Milestones::MOST],
    count: usize,
}

impl Milestones {
    /// A sample's header has three bits for its rate set.
    pub const MOST: usize = 7;

    /// From epochs that rise, at most [`MOST`](Self::MOST) of them; `None` otherwise. `[20]`: epochs 1 to 20 learn at
    /// the first rates, epoch 21 at the second.
    pub fn new(epochs: &[u32]) -> Option<Milestones> {
        let mut all = Milestones { count: epochs.len(), ..Milestones::default() };
        all.epochs.get_mut(..epochs.len())?.copy_from_slice(epochs);
        epochs.is_sorted_by(|a, b| a < b).then_some(all)
    }

    /// The milestones.
    pub fn epochs(&self) -> &[u32] {
        &self.epochs[..self.count]
    }

    /// Rate sets of a training: one more than there are milestones.
    pub fn sets(&self) -> usize {
        self.count + 1
    }

    /// The rate set of an epoch, the first epoch being 0.
    pub fn set_of(&self, epoch: u32) -> usize {
        self.epochs().iter().filter(|&&milestone| milestone <= epoch).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_learns_at_the_rates_of_the_milestones_before_it() {
        let m = Milestones::new(&[2, 5]).unwrap();
        assert_eq!((0..7).map(|e| m.set_of(e)).collect::<Vec<_>>(), [0, 0, 1, 1, 1, 2, 2]);
        assert_eq!((m.sets(), Milestones::default().sets()), (3, 1));
        assert_eq!(Milestones::default().set_of(u32::MAX), 0);
    }

    #[test]
    fn milestones_rise_and_are_few() {
        assert_eq!(Milestones::new(&[2, 2]), None);
        assert_eq!(Milestones::new(&[3, 2]), None);
        assert!(Milestones::new(&[1, 2, 3, 4, 5, 6, 7]).is_some());
        assert_eq!(Milestones::new(&[1, 2, 3, 4, 5, 6, 7, 8]), None);
    }
}
