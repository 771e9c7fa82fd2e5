//! Which numbers a key takes: what is accepted, and what refusals, helps and the commented example say of it.

use crate::design::limits::{MOST_LANES, MOST_PERIODS, MOST_POINTS, MOST_STEPS};
use std::fmt;

/// The numbers that a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Numbers {
    /// Whole ones, both ends included.
    Whole {
        /// The least.
        from: i64,
        /// The greatest.
        to: i64,
        /// The least is what is taken where none is given.
        least_by_default: bool,
    },
    /// Powers of two, both ends included.
    PowerOfTwo {
        /// The least.
        from: i64,
        /// The greatest.
        to: i64,
    },
    /// Real ones.
    Real {
        /// The least, and whether it is one of them.
        from: (f64, bool),
        /// The greatest, and whether it is one of them; none: whatever is finite.
        to: Option<(f64, bool)>,
    },
}

use Numbers::{PowerOfTwo, Real, Whole};

const fn whole(from: i64, to: i64) -> Numbers {
    Whole { from, to, least_by_default: false }
}

/// Largest number of samples, epochs and of a seed.
const WORD: i64 = u32::MAX as i64;

/// Section, key, range: every key that takes a number.
const RANGES: &[(&str, &str, Numbers)] = &[
    ("network", "dt", Real { from: (0.0, false), to: Some((1.0, true)) }),
    ("network", "initial_scale", Real { from: (0.0, false), to: None }),
    ("rule", "T", whole(1, MOST_STEPS as i64)),
    ("rule", "K", whole(1, MOST_STEPS as i64)),
    ("rule", "batch", Whole { from: 1, to: 4096, least_by_default: true }),
    ("rule", "angle", Real { from: (0.0, true), to: Some((180.0, true)) }),
    ("rule", "weight_decay", Real { from: (0.0, true), to: Some((1.0, false)) }),
    ("rule", "points", whole(1, MOST_POINTS as i64)),
    ("rule", "periods", whole(1, MOST_PERIODS as i64)),
    ("hardware", "lanes", PowerOfTwo { from: 2, to: MOST_LANES as i64 }),
    ("training", "epochs", whole(1, WORD)),
    ("training", "momentum", Real { from: (0.0, false), to: Some((1.0, false)) }),
    ("training", "rate_gamma", Real { from: (0.0, false), to: Some((1.0, false)) }),
    ("training", "seed", whole(0, WORD)),
    ("training", "train_samples", whole(1, WORD)),
    ("training", "test_samples", whole(1, WORD)),
    ("noise", "sigma", Real { from: (0.0, true), to: Some((1.0, true)) }),
    ("data", "crop", Whole { from: 0, to: 31, least_by_default: true }),
];

/// Section, key and range of every key that takes a number.
pub fn ranges() -> impl Iterator<Item = (&'static str, &'static str, Numbers)> {
    RANGES.iter().copied()
}

/// The range of a key.
///
/// # Panics
/// For a key that takes no number.
pub(super) fn range(section: &str, key: &str) -> Numbers {
    let found = RANGES.iter().find(|(s, k, _)| (*s, *k) == (section, key));
    found.map_or_else(|| panic!("{section}.{key} has no range"), |(_, _, range)| *range)
}

impl Numbers {
    /// True of a number that the key takes.
    pub fn has(self, number: f64) -> bool {
        let whole = |from: i64, to: i64| number.fract() == 0.0 && (from as f64..=to as f64).contains(&number);
        match self {
            Whole { from, to, .. } => whole(from, to),
            PowerOfTwo { from, to } => whole(from, to) && (number as i64 as u64).is_power_of_two(),
            Real { from: (from, from_too), to } => {
                let high = to.is_none_or(|(to, to_too)| number < to || to_too && number == to);
                number.is_finite() && (number > from || from_too && number == from) && high
            }
        }
    }

    /// A word on a number outside.
    pub(super) fn bounds(self) -> String {
        match self {
            Whole { from, to, .. } | PowerOfTwo { from, to } => format!("from {from} to {to}"),
            Real { .. } => self.to_string().replace(" and at most", ", at most"),
        }
    }
}

/// As a sentence goes on: `from 1 to 65535`.
impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Whole { from, to, least_by_default: true } => write!(f, "from {from} (default) to {to}"),
            Whole { from, to, .. } => write!(f, "from {from} to {to}"),
            PowerOfTwo { from, to } => write!(f, "a power of two from {from} to {to}"),
            Real { from: (from, false), to: None } => write!(f, "above {from}"),
            Real { from: (from, true), to: None } => write!(f, "from {from}"),
            Real { from: (from, false), to: Some((to, true)) } => write!(f, "above {from} and at most {to}"),
            Real { from: (from, false), to: Some((to, false)) } => write!(f, "above {from} and below {to}"),
            Real { from: (from, true), to: Some((to, true)) } => write!(f, "from {from} to {to}"),
            Real { from: (from, true), to: Some((to, false)) } => write!(f, "from {from} to below {to}"),
        }
    }
}
