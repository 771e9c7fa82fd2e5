//! What can happen to a value in a requantiser: how it is rounded, and where it lies in its range.

use crate::fixed_point::{Format, Interval, Overflow, Requantise, Rounding};

/// One of these happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// Of all bits that are dropped, none is set.
    Whole,
    /// Some is (where the rounding does not ask which).
    Dropped,
    /// The same of a number that is not negative.
    DroppedPositive,
    /// Of a negative one.
    DroppedNegative,
    /// Less than half a step is dropped.
    Below,
    /// Half a step (where the rounding does not ask of what).
    Tie,
    /// Of a number that is not negative.
    TiePositive,
    /// Of a negative one.
    TieNegative,
    /// With an even number below.
    TieEven,
    /// With an odd one.
    TieOdd,
    /// More than half a step.
    Above,
    /// By chance downwards.
    Down,
    /// By chance upwards.
    Up,
    /// Beyond the least number.
    Low,
    /// The least number.
    Least,
    /// Between the ends.
    Inside,
    /// The greatest number.
    Greatest,
    /// Beyond it.
    High,
}

use Edge::{
    Above, Below, Down, Dropped, DroppedNegative, DroppedPositive, Greatest, High, Inside, Least, Low, Tie,
    TieEven, TieNegative, TieOdd, TiePositive, Up, Whole,
};

/// How many kinds there are.
pub(super) const KINDS: usize = High as usize + 1;

/// Where a value lies in its range.
const RANGE: [Edge; 5] = [Low, Least, Inside, Greatest, High];

impl Edge {
    /// As the report says it.
    pub fn says(self) -> &'static str {
        match self {
            Whole => "nothing to round",
            Dropped => "bits are dropped",
            DroppedPositive => "bits of a positive number are dropped",
            DroppedNegative => "bits of a negative number are dropped",
            Below => "less than half a step is rounded",
            Tie => "exactly half a step is rounded",
            TiePositive => "half a step of a positive number is rounded",
            TieNegative => "half a step of a negative number is rounded",
            TieEven => "half a step above an even number is rounded",
            TieOdd => "half a step above an odd number is rounded",
            Above => "more than half a step is rounded",
            Down => "rounded down by chance",
            Up => "rounded up by chance",
            Low => "beyond the least number",
            Least => "the least number",
            Inside => "between the ends of the range",
            Greatest => "the greatest number",
            High => "beyond the greatest number",
        }
    }

    /// What would make it happen.
    pub fn remedy(self) -> &'static str {
        match self {
            Low | Least | Greatest | High => {
                "weights, inputs or rates nearer their rails; a narrower format, if this one is never filled"
            }
            Inside => "smaller weights and rates",
            Tie | TiePositive | TieNegative | TieEven | TieOdd | Whole => "more samples: --samples, --stress",
            Dropped | DroppedPositive | DroppedNegative | Below | Above | Down | Up => {
                "values that are no multiples of a step: more samples, other weights"
            }
        }
    }
}

/// The kinds that a rounding of so many bits tells apart.
fn told_apart(rounding: Rounding, shift: i32) -> &'static [Edge] {
    match rounding {
        _ if shift <= 0 => &[],
        Rounding::Trn => &[Whole, Dropped],
        Rounding::TrnZero => &[Whole, DroppedPositive, DroppedNegative],
        Rounding::Rnd | Rounding::RndMinInf => &[Whole, Below, Tie, Above],
        Rounding::RndZero | Rounding::RndInf => &[Whole, Below, TiePositive, TieNegative, Above],
        Rounding::RndConv | Rounding::RndConvOdd => &[Whole, Below, TieEven, TieOdd, Above],
        Rounding::Stochastic => &[Whole, Down, Up],
    }
}

/// Every value that can come to be rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// They lie in it.
    pub interval: Interval,
    /// They are multiples of two to this power.
    pub grain: u32,
    /// Where each is a constant times a number, what these numbers are beside their powers of two.
    pub factor: Option<Factor>,
}

/// Values that are an odd constant, or one of several with up to so many factors of two more, times any number of an
/// interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Factor {
    /// Of the number.
    pub of: Interval,
    /// Most factors of two of the constants, beyond those of the grain.
    pub twos: u32,
}

impl Given {
    /// Any value of an interval.
    #[cfg(test)]
    pub fn any(interval: Interval) -> Given {
        Given { interval, grain: 0, factor: None }
    }
}

/// A requantiser, and what it is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edges {
    shift: i32,
    rounding: Rounding,
    value: Given,
    /// Every value that can come to be brought into range.
    limited: Interval,
    /// They are multiples of two to this power.
    limited_grain: u32,
    bounds: (i64, i64),
}

impl Edges {
    /// Of a requantiser that is given these values.
    pub fn of(r: Requantise, value: Given) -> Edges {
        let rounded = rounded(r.rounding, r.shift(), value.interval);
        let bounds = r.overflow.bounds(r.to);
        // Where bits are gained, or none of those that are dropped is set.
        let limited_grain = (value.grain as i32 - r.shift()).clamp(0, 64) as u32;
        Edges { shift: r.shift(), rounding: r.rounding, value, limited: rounded, limited_grain, bounds }
    }

    /// Of one whose results are kept between these bounds, too.
    pub fn between(self, low: i64, high: i64) -> Edges {
        Edges { bounds: (self.bounds.0.max(low), self.bounds.1.min(high)), ..self }
    }

    /// Of an update, one of these, that is rounded, added to a number of this format, and the sum brought into range.
    pub fn of_sum(shift: i32, rounding: Rounding, overflow: Overflow, to: Format, update: Given) -> Edges {
        let limited = Interval::of(to) + rounded(rounding, shift, update.interval);
        Edges { shift, rounding, value: update, limited, limited_grain: 0, bounds: overflow.bounds(to) }
    }

    /// All kinds that it tells apart, each with whether it can happen.
    pub fn all(&self) -> impl Iterator<Item = (Edge, bool)> {
        let rounding = told_apart(self.rounding, self.shift).iter();
        rounding.map(|&edge| (edge, self.can_round(edge))).chain(RANGE.map(|edge| (edge, self.can_be(edge))))
    }

    /// From what it follows that one cannot happen.
    pub fn proof(&self, edge: Edge) -> String {
        if RANGE.contains(&edge) {
            let grain = match self.limited_grain {
                0 => String::new(),
                grain => format!(", of which only multiples of {} occur", 1i128 << grain),
            };
            return format!("it comes from the interval {}, raw{grain}", self.limited);
        }
        let Given { interval, grain, factor } = self.value;
        let mut proof = format!("it comes from the interval {interval}, raw");
        if grain > 0 {
            proof += &format!(", of which only multiples of {} occur", 1i128 << grain);
        }
        if let Some(Factor { of, .. }) = factor {
            proof += &format!(", each a constant times a number in {of}");
        }
        proof
    }

    /// True of a value that comes to be rounded, and what came of it, where the proofs have them.
    #[inline]
    pub fn holds(&self, value: i64) -> bool {
        let Given { interval, grain, .. } = self.value;
        (interval.lo..=interval.hi).contains(&i128::from(value)) && value.trailing_zeros() >= grain.min(64)
    }

    /// The same of one that comes to be brought into range.
    #[inline]
    pub fn limits(&self, value: i64) -> bool {
        (self.limited.lo..=self.limited.hi).contains(&i128::from(value))
            && value.trailing_zeros() >= self.limited_grain.min(64)
    }

    /// What happened to a value that was rounded; nothing where no bits are dropped.
    #[inline]
    pub fn rounding(&self, value: i64, rounded: i64) -> Option<Edge> {
        if self.shift <= 0 {
            return None;
        }
        let shift = self.shift.min(62) as u32;
        let (floor, half) = (value >> shift, 1i64 << (shift - 1));
        let dropped = value & ((1i64 << shift) - 1);
        if dropped == 0 {
            return Some(Whole);
        }
        let by_sign = |positive, negative| if value < 0 { negative } else { positive };
        Some(match self.rounding {
            Rounding::Trn => Dropped,
            Rounding::TrnZero => by_sign(DroppedPositive, DroppedNegative),
            Rounding::Stochastic if rounded == floor => Down,
            Rounding::Stochastic => Up,
            _ if dropped < half => Below,
            _ if dropped > half => Above,
            Rounding::Rnd | Rounding::RndMinInf => Tie,
            Rounding::RndZero | Rounding::RndInf => by_sign(TiePositive, TieNegative),
            Rounding::RndConv | Rounding::RndConvOdd if floor & 1 == 0 => TieEven,
            Rounding::RndConv | Rounding::RndConvOdd => TieOdd,
        })
    }

    /// Where a value lies that comes to be brought into range.
    #[inline]
    pub fn range(&self, value: i64) -> Edge {
        let (low, high) = self.bounds;
        match value {
            v if v < low => Low,
            v if v > high => High,
            v if v == high => Greatest,
            v if v == low => Least,
            _ => Inside,
        }
    }

    fn can_be(&self, edge: Edge) -> bool {
        let (low, high) = (i128::from(self.bounds.0), i128::from(self.bounds.1));
        let Interval { lo, hi } = self.limited;
        let between = |from: i128, to: i128| {
            holds(Interval { lo: lo.max(from), hi: hi.min(to) }, 0, 0, 1 << self.limited_grain)
        };
        match edge {
            Low => between(lo, low - 1),
            Least => low < high && between(low, low),
            Inside => between(low + 1, high - 1),
            Greatest => between(high, high),
            _ => between(high + 1, hi),
        }
    }

    fn can_round(&self, edge: Edge) -> bool {
        let Given { interval, grain, factor } = self.value;
        // In units of the grain.
        let (lo, hi) = (-(-interval.lo >> grain), interval.hi >> grain);
        let value = Interval { lo, hi };
        let Some(shift) = (self.shift as u32).checked_sub(grain).filter(|&shift| shift > 0) else {
            return edge == Whole && lo <= hi;
        };
        let (step, half) = (1i128 << shift, 1i128 << (shift - 1));
        let positive = Interval { lo: lo.max(0), hi };
        let negative = Interval { lo, hi: hi.min(-1) };
        // An odd constant times a number is half a step, and perhaps whole ones, where the number is.
        let is_tie = matches!(edge, Tie | TiePositive | TieNegative | TieEven | TieOdd);
        if let Some(Factor { of, twos }) = factor.filter(|_| is_tie) {
            let tie =
                |twos: u32| half >> twos > 0 && holds(of, half >> twos, half >> twos, 2 * (half >> twos));
            if !(0..=twos).any(tie) {
                return false;
            }
        }
        match edge {
            Whole => holds(value, 0, 0, step),
            DroppedPositive => holds(positive, 1, step - 1, step),
            DroppedNegative => holds(negative, 1, step - 1, step),
            Below => holds(value, 1, half - 1, step),
            Tie => holds(value, half, half, step),
            TiePositive => holds(positive, half, half, step),
            TieNegative => holds(negative, half, half, step),
            TieEven => holds(value, half, half, 2 * step),
            TieOdd => holds(value, half + step, half + step, 2 * step),
            Above => holds(value, half + 1, step - 1, step),
            _ => holds(value, 1, step - 1, step),
        }
    }
}

/// True where an interval holds a number that leaves a rest from `least` to `most` when divided by `by`.
fn holds(i: Interval, least: i128, most: i128, by: i128) -> bool {
    if least > most {
        return false;
    }
    let rest = i.lo.rem_euclid(by);
    let first = if rest <= most { i.lo + (least - rest).max(0) } else { i.lo + least - rest + by };
    first <= i.hi
}

/// What comes of an interval that is rounded.
fn rounded(rounding: Rounding, shift: i32, i: Interval) -> Interval {
    // Intervals were proven to fit 63 bits when the design was read; one that does not is taken whole.
    let end = |v: i128, random| i64::try_from(v).map_or(v, |v| rounding.apply(v, shift, random).into());
    Interval { lo: end(i.lo, 0), hi: end(i.hi, u32::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Over all values of small intervals, in every mode: what is said to be possible happens, and nothing else does.
    #[test]
    fn what_can_happen_is_what_happens() {
        let mut compared = 0;
        for rounding in Rounding::ALL {
            for overflow in Overflow::ALL {
                for (shift, lo, hi) in [
                    (1, -5, 3),
                    (2, -3, 14),
                    (3, 0, 3),
                    (3, -40, 41),
                    (3, 9, 9),
                    (2, -30, -1),
                    (0, -9, 2),
                    (-2, -3, 3),
                ] {
                    let to = Format::signed(4, 0);
                    let r = Requantise { from_frac: shift, to, rounding, overflow };
                    let edges = Edges::of(r, Given::any(Interval { lo: lo.into(), hi: hi.into() }));
                    let mut seen = [false; KINDS];
                    for value in lo..=hi {
                        for random in [0, 1 << 30, 1 << 31, 3 << 30, u32::MAX] {
                            let value = r.of(value.into(), random);
                            seen[edges.range(value.rounded) as usize] = true;
                            if let Some(edge) = edges.rounding(value.value, value.rounded) {
                                seen[edge as usize] = true;
                            }
                        }
                    }
                    let mut told = [false; KINDS];
                    for (edge, can) in edges.all() {
                        told[edge as usize] = true;
                        assert_eq!(
                            can, seen[edge as usize],
                            "{rounding:?} {overflow:?} {shift} {lo} {hi} {edge:?}"
                        );
                        compared += 1;
                    }
                    assert!((0..KINDS).all(|k| told[k] || !seen[k]), "{rounding:?}: one that nobody tells");
                }
            }
        }
        assert!(compared > 1000);
    }

    /// The same of values that are constants times numbers: none is said to be impossible that happens, and those of an odd
    /// constant are told exactly.
    #[test]
    fn multiples_reach_fewer_kinds() {
        let mut impossible = 0;
        for rounding in Rounding::ALL {
            for (constants, grain, twos) in [(vec![3], 0, 0), (vec![12], 2, 0), (vec![20, 12, 24], 2, 1)] {
                for (shift, most) in [(2, 5), (3, 1), (5, 3), (6, 31)] {
                    let to = Format::signed(4, 0);
                    let r = Requantise { from_frac: shift, to, rounding, overflow: Overflow::Sat };
                    let of = Interval::symmetric(most);
                    let widest = *constants.iter().max().expect("some");
                    let interval = of * Interval::point(widest);
                    let given = Given { interval, grain, factor: Some(Factor { of, twos }) };
                    let edges = Edges::of(r, given);
                    let mut seen = [false; KINDS];
                    for constant in &constants {
                        for number in -most..=most {
                            for random in [0, 1 << 30, 1 << 31, 3 << 30, u32::MAX] {
                                let value = r.of((constant * number) as i64, random);
                                seen[edges.range(value.rounded) as usize] = true;
                                if let Some(edge) = edges.rounding(value.value, value.rounded) {
                                    seen[edge as usize] = true;
                                }
                            }
                        }
                    }
                    for (edge, can) in edges.all() {
                        let at = format!("{rounding:?} {constants:?} {shift} {most} {edge:?}");
                        assert!(can || !seen[edge as usize], "{at}: proven impossible, and happens");
                        let is_tie = [Tie, TiePositive, TieNegative].contains(&edge);
                        if is_tie && constants.len() == 1 {
                            assert_eq!(can, seen[edge as usize], "{at}");
                        }
                        impossible += usize::from(!can);
                    }
                }
            }
        }
        assert!(impossible > 50, "{impossible}");
    }

    #[test]
    fn rests_are_found_in_intervals() {
        for by in 1..6i128 {
            for (least, most) in [(0, 0), (1, by - 1), (by / 2, by / 2)] {
                for lo in -7..7i128 {
                    for hi in lo..9 {
                        let found = (lo..=hi).any(|v| (least..=most).contains(&v.rem_euclid(by)));
                        let i = Interval { lo, hi };
                        assert_eq!(holds(i, least, most, by), found, "{lo}..{hi}: {least}..{most} of {by}");
                    }
                }
            }
        }
    }
}
