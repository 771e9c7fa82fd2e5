//! How much a model has computed.

/// Multiply-accumulates of the passes so far: those of the hardware, whose zero inputs and padding lanes do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Weight times pre-synaptic activity.
    pub forward: u64,
    /// Weight times post-synaptic activity.
    pub transposed: u64,
    /// Weight updates.
    pub update: u64,
    /// Of all these, products and updates that were not executed: no activity had changed, so nothing else would.
    pub unchanged: u64,
}

impl Work {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.forward + self.transposed + self.update
    }

    /// What came after an earlier reading.
    pub fn since(&self, earlier: Work) -> Work {
        Work {
            forward: self.forward - earlier.forward,
            transposed: self.transposed - earlier.transposed,
            update: self.update - earlier.update,
            unchanged: self.unchanged - earlier.unchanged,
        }
    }

    /// Both together.
    pub fn plus(&self, other: Work) -> Work {
        Work {
            forward: self.forward + other.forward,
            transposed: self.transposed + other.transposed,
            update: self.update + other.update,
            unchanged: self.unchanged + other.unchanged,
        }
    }
}
