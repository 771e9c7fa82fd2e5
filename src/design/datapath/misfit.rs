//! Why formats cannot be built together: what does not fit, by how much, and whose key is to be changed.

use std::borrow::Cow;

/// A design whose formats are good by themselves and cannot be built together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A signal is wider than this version builds.
    #[error("{signal} needs {bits} bits, more than the {limit} this version builds")]
    TooWide {
        /// What it is called.
        name: &'static str,
        /// The signal.
        signal: Cow<'static, str>,
        /// Bits that it needs.
        bits: u32,
        /// Bits that there are.
        limit: u32,
        /// Section and key that decide it most.
        key: (&'static str, &'static str),
    },
    /// One number of bits is dropped on the way to the multipliers, for all layers.
    #[error("weight_read drops a different number of bits in different layers")]
    DroppedBitsDiffer,
    /// Words wrap at one place.
    #[error("overflow WRAP of weights needs one width for all weights and biases")]
    WrapNeedsOneWidth,
    /// There are 32 random bits.
    #[error("stochastic rounding drops {bits} bits at {place}, more than the 32 random ones")]
    StochasticDrops {
        /// Where it rounds.
        place: Cow<'static, str>,
        /// Bits that it drops.
        bits: i32,
        /// The key of its format.
        key: &'static str,
    },
}

impl Misfit {
    /// The refusal's name.
    pub fn name(&self) -> &'static str {
        match self {
            Misfit::TooWide { name, .. } => name,
            Misfit::DroppedBitsDiffer => "dropped-bits-differ",
            Misfit::WrapNeedsOneWidth => "wrap-needs-one-width",
            Misfit::StochasticDrops { .. } => "stochastic-drops-too-many",
        }
    }

    /// Section and key that decide it.
    pub fn key(&self) -> (&'static str, &'static str) {
        match self {
            Misfit::TooWide { key, .. } => *key,
            Misfit::DroppedBitsDiffer => ("formats", "weight_read"),
            Misfit::WrapNeedsOneWidth => ("overflow", "weight"),
            Misfit::StochasticDrops { key, .. } => ("formats", key),
        }
    }

    /// What would be right.
    pub fn remedy(&self) -> String {
        match self {
            Misfit::TooWide { key: (_, "batch"), .. } => {
                "write a smaller batch, or formats with fewer fraction bits".to_owned()
            }
            Misfit::TooWide { .. } => {
                "use fewer fraction bits, or formats whose fractions lie closer together".to_owned()
            }
            Misfit::DroppedBitsDiffer => "make `weight` minus `weight_read` widths equal".to_owned(),
            Misfit::WrapNeedsOneWidth => "use SAT, or equal widths".to_owned(),
            Misfit::StochasticDrops { key: "rate", .. } => {
                "use a rate format with fewer fraction bits".to_owned()
            }
            Misfit::StochasticDrops { key, .. } => format!("use a {key} format with more fraction bits"),
        }
    }
}

/// A signal to be built: what it is, how wide it may be, and which key decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub name: &'static str,
    pub signal: &'static str,
    pub limit: u32,
    pub key: (&'static str, &'static str),
}

impl Limit {
    /// Refuses so many bits where they are too many.
    pub fn holds(self, bits: u32) -> Result<(), Misfit> {
        self.holds_in(self.signal.into(), bits)
    }

    /// The same for a signal of another name.
    pub fn holds_in(self, signal: Cow<'static, str>, bits: u32) -> Result<(), Misfit> {
        let Limit { name, limit, key, .. } = self;
        if bits <= limit { Ok(()) } else { Err(Misfit::TooWide { name, signal, bits, limit, key }) }
    }
}

/// Every signal that can be too wide.
pub(super) mod limits {
    use super::Limit;

    const fn limit(
        name: &'static str,
        signal: &'static str,
        limit: u32,
        key: (&'static str, &'static str),
    ) -> Limit {
        Limit { name, signal, limit, key }
    }

    pub const ACTIVITY: Limit = limit("activity-too-wide", "activity", 32, ("formats", "state"));
    pub const PRE: Limit = limit("operand-too-wide", "aligned pre-synaptic operand", 40, ("formats", "bias"));
    pub const FORWARD: Limit = limit("sum-too-wide", "forward sum", 62, ("formats", "weight"));
    pub const TOTAL: Limit = limit("drive-too-wide", "whole drive", 62, ("formats", "weight"));
    pub const NOISE: Limit = limit("noise-too-wide", "noise", 48, ("formats", "weight"));
    pub const BATCH: Limit = limit("batch-too-wide", "a contrast summed over a batch", 62, ("rule", "batch"));
    pub const RATE: Limit = limit("rate-too-wide", "rate constant, aligned", 62, ("formats", "rate"));
    pub const DECAY: Limit = limit("decay-too-wide", "weight decay, aligned", 62, ("formats", "decay"));
    pub const UPDATE: Limit = limit("update-too-wide", "update before rounding", 62, ("formats", "rate"));
    pub const NEURON: Limit =
        limit("neuron-too-wide", "a value inside the neurons", 62, ("formats", "drive"));
}
