//! The synapse unit: `w <- overflow(w + round(rate * contrast))`, in the cheapest exact form a design allows.

use super::numbers::{Block, Int, LANES};
use crate::design::Design;
use crate::fixed_point::{Format, Overflow, Rounding, lane_bits};
use crate::reference::counters::LayerCounters;
use std::ops::Range;

/// How increments are computed; all give the same bits where they apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// 32-bit products; round by adding, then shifting.
    Lanes32,
    /// 64-bit products; likewise.
    Lanes64,
    /// Anything, one synapse at a time.
    Any,
}

/// The update of one kind of synapse (weights or biases) of one layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    form: Form,
    pub(super) rate: i64,
    /// Weight decay, on the grid of rate times contrast.
    decay: i64,
    pub(super) shift: i32,
    pub(super) rounding: Rounding,
    overflow: Overflow,
    format: Format,
    pub(super) low: i32,
    pub(super) high: i32,
    momentum: Option<Following>,
}

/// How a velocity is made and followed.
#[derive(Clone, Copy, Debug)]
struct Following {
    /// What is left of it, on the grid of rate times contrast.
    factor: i64,
    /// Fraction bits below the weight's.
    finer: i32,
    format: Format,
}

impl Rule {
    /// The rule of layer `l`'s weights, or of its biases, at a set of rates.
    pub(super) fn of(design: &Design, l: usize, bias: bool, rates: usize) -> Rule {
        let p = &design.datapath;
        let s = &design.synapses[l - 1];
        let (format, rate) = (if bias { s.bias } else { s.weight }, p.rates[rates].of(l, bias));
        // What a circle's points make has its coefficients in it.
        let rate = if design.is_complex() { 1 } else { rate };
        let (rounding, overflow) = (design.weight_modes.rounding, design.weight_modes.overflow);
        let clamps = matches!(overflow, Overflow::Sat | Overflow::SatSym);
        let adds = matches!(rounding, Rounding::Trn | Rounding::Rnd | Rounding::Stochastic);
        let (low, high) = overflow.bounds(format);
        let decay = design.weight_decay.raw << p.decay_shift;
        let plain = decay == 0 && clamps && adds && format.width <= 30 && (1..=32).contains(&p.update_shift);
        let small = plain && p.gradient_width.max(p.contrast_width) <= 30 && p.update_shift <= 29;
        let form = match (small, plain && p.contrast_width <= 32) {
            (true, _) => Form::Lanes32,
            (_, true) => Form::Lanes64,
            _ => Form::Any,
        };
        Rule {
            form,
            rate,
            decay,
            shift: p.update_shift,
            rounding,
            overflow,
            format,
            low: low as i32,
            high: high.min(i64::from(i32::MAX)) as i32,
            momentum: design.momentum.map(|m| Following {
                factor: m.factor.raw << p.momentum_shift,
                finer: m.finer as i32,
                format: m.format(format),
            }),
        }
    }

    /// The form, for people.
    pub(super) fn describe(&self) -> &'static str {
        match self.form {
            Form::Lanes32 => "32-bit lanes",
            Form::Lanes64 => "64-bit lanes",
            Form::Any => "one synapse at a time",
        }
    }

    /// True when clamping and rounding by adding are all that an update does.
    pub(super) fn is_plain(&self) -> bool {
        self.form != Form::Any
    }

    /// True when a visit without a contrast leaves every representable value as it is.
    pub(super) fn rests(&self) -> bool {
        self.overflow != Overflow::SatSym && self.decay == 0
    }

    /// One synapse, by the book.
    #[inline]
    pub(super) fn apply<S: Int>(
        &self,
        w: &mut S,
        contrast: i64,
        random: u32,
        count: Option<&mut LayerCounters>,
    ) {
        let gradient = self.rate * contrast - self.decay * w.wide();
        let increment = self.rounding.apply(gradient, self.shift, random);
        self.take(w, gradient, increment, count);
    }

    /// One synapse and its velocity, by the book; random bits of the velocity, then of the weight.
    pub(super) fn follow<S: Int>(
        &self,
        (w, v): (&mut S, &mut i32),
        contrast: i64,
        random: (u32, u32),
        count: Option<&mut LayerCounters>,
    ) {
        let Some(m) = self.momentum else { return };
        let kept = m.factor * i64::from(*v);
        let gradient = kept + self.rate * contrast - self.decay * w.wide();
        let rounded = self.rounding.apply(gradient, self.shift - m.finer, random.0);
        *v = Overflow::Sat.apply(rounded, m.format) as i32;
        let increment = self.rounding.apply((*v).into(), m.finer, random.1);
        self.take(w, gradient, increment, count);
    }

    /// A weight takes what a gradient has been rounded to.
    #[inline]
    fn take<S: Int>(&self, w: &mut S, gradient: i64, increment: i64, count: Option<&mut LayerCounters>) {
        let wanted = w.wide() + increment;
        let new = self.overflow.apply(wanted, self.format);
        if let Some(count) = count {
            count.weight.see(new, new != wanted);
            count.see_update(gradient, self.shift, increment != 0);
        }
        *w = S::wrap(new);
    }

    /// What is added before the shift: half a unit, nothing, or random bits.
    #[inline(always)]
    fn rounder(&self, random: u32) -> i32 {
        match self.rounding {
            Rounding::Rnd => 1 << (self.shift - 1),
            Rounding::Stochastic => (random >> (32 - self.shift)) as i32,
            _ => 0,
        }
    }

    /// What 64-bit forms add before the shift when rounding is not random.
    fn half64(&self) -> i64 {
        if self.rounding == Rounding::Rnd { 1 << (self.shift - 1) } else { 0 }
    }

    /// 64-bit form of one synapse.
    #[inline(always)]
    fn apply64<S: Int>(&self, w: &mut S, product: i64, rounder: i64) {
        let new =
            (w.wide() + ((product + rounder) >> self.shift)).clamp(i64::from(self.low), i64::from(self.high));
        *w = S::wrap(new);
    }

    /// 32-bit form of one synapse; the caller has made sure that the design allows it.
    #[inline(always)]
    fn apply32<S: Int>(&self, w: &mut S, product: i32, rounder: i32) {
        let new = (w.word() + ((product + rounder) >> self.shift)).clamp(self.low, self.high);
        *w = S::cut(new);
    }
}

/// Differences of post-synaptic activities, prepared for the lines of one pass that share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Differences {
    exact: Vec<Block<i32>>,
    /// Runs of blocks that can change a weight.
    live: Vec<Range<usize>>,
    live_blocks: usize,
}

impl Differences {
    /// `a - b`, for updates by `rule` whose pre-synaptic activity is at most `greatest` in magnitude.
    pub(super) fn take<A: Int>(&mut self, rule: &Rule, a: &[Block<A>], b: &[Block<A>], greatest: i64) {
        self.exact.clear();
        self.exact.extend(a.iter().zip(b).map(|(a, b)| std::array::from_fn(|i| a[i].word() - b[i].word())));
        // To nearest, a product below half a unit rounds to zero whatever its sign.
        let dead = match rule.rounding {
            _ if !rule.rests() => -1,
            Rounding::Rnd if rule.shift >= 1 => {
                ((1i64 << (rule.shift.min(62) - 1)) - 1) / (rule.rate.abs() * greatest.abs()).max(1)
            }
            _ => 0,
        };
        let magnitude = |d: &Block<i32>| d.iter().fold(0u32, |m, v| m.max(v.unsigned_abs()));
        self.live.clear();
        self.live_blocks = 0;
        for (at, d) in self.exact.iter().enumerate() {
            if i64::from(magnitude(d)) > dead {
                self.live_blocks += 1;
                match self.live.last_mut() {
                    Some(run) if run.end == at => run.end += 1,
                    _ => self.live.push(at..at + 1),
                }
            }
        }
    }

    /// `a - b`.
    pub(super) fn exact(&self) -> &[Block<i32>] {
        &self.exact
    }

    /// Runs of blocks that can change a weight.
    pub(super) fn live(&self) -> &[Range<usize>] {
        &self.live
    }

    /// Number of blocks that can change a weight.
    pub(super) fn live_blocks(&self) -> usize {
        self.live_blocks
    }
}

/// `w[i] += round(rate * activity * difference[i])` along a line; lane `i` is row `i` under `column_key`.
pub(super) fn learn_by_difference<S: Int>(
    rule: &Rule,
    line: &mut [Block<S>],
    differences: &Differences,
    activity: i64,
    column_key: u32,
    length: usize,
    count: Option<&mut LayerCounters>,
) {
    if let Some(count) = count {
        for i in 0..length {
            let w = &mut line[i / LANES][i % LANES];
            let contrast = activity * i64::from(differences.exact[i / LANES][i % LANES]);
            rule.apply(w, contrast, lane_bits(column_key, i as u32), Some(count));
        }
        return;
    }
    for run in &differences.live {
        let first_row = (run.start * LANES) as u32;
        let weights = line[run.clone()].as_flattened_mut();
        let exact = differences.exact[run.clone()].as_flattened();
        match rule.form {
            Form::Lanes32 => {
                let factor = (rule.rate * activity) as i32;
                if rule.rounding == Rounding::Stochastic {
                    for ((w, &d), row) in weights.iter_mut().zip(exact).zip(first_row..) {
                        rule.apply32(w, factor * d, rule.rounder(lane_bits(column_key, row)));
                    }
                } else {
                    let half = rule.rounder(0);
                    for (w, &d) in weights.iter_mut().zip(exact) {
                        rule.apply32(w, factor * d, half);
                    }
                }
            }
            Form::Lanes64 => {
                let factor = rule.rate * activity;
                if rule.rounding == Rounding::Stochastic {
                    for ((w, &d), row) in weights.iter_mut().zip(exact).zip(first_row..) {
                        let rounder = lane_bits(column_key, row) >> (32 - rule.shift);
                        rule.apply64(w, factor * i64::from(d), i64::from(rounder));
                    }
                } else {
                    let half = rule.half64();
                    for (w, &d) in weights.iter_mut().zip(exact) {
                        rule.apply64(w, factor * i64::from(d), half);
                    }
                }
            }
            Form::Any => {
                for ((w, &d), row) in weights.iter_mut().zip(exact).zip(first_row..) {
                    rule.apply(w, activity * i64::from(d), lane_bits(column_key, row), None);
                }
            }
        }
    }
}

/// One pair of activities that a contrast is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<A> {
    /// In the first term.
    pub a: A,
    /// In the subtracted one.
    pub b: A,
}

/// `w[i] += round(rate * (post.a * pre_a[i] - post.b * pre_b[i]))` along a line; lane `i` is column `i` with key
/// `column_keys[i]`.
pub(super) fn learn_by_contrast<S: Int, A: Int>(
    rule: &Rule,
    line: &mut [Block<S>],
    (pre_a, pre_b): (&[Block<A>], &[Block<A>]),
    post: Pair<A>,
    (column_keys, row): (&[Block<u32>], u32),
    length: usize,
    mut count: Option<&mut LayerCounters>,
) {
    let by_the_book = count.is_some() || rule.form == Form::Any;
    if by_the_book {
        for i in 0..length {
            let (at, lane) = (i / LANES, i % LANES);
            let contrast = post.a.wide() * pre_a[at][lane].wide() - post.b.wide() * pre_b[at][lane].wide();
            rule.apply(
                &mut line[at][lane],
                contrast,
                lane_bits(column_keys[at][lane], row),
                count.as_deref_mut(),
            );
        }
        return;
    }
    let pre = pre_a.as_flattened().iter().zip(pre_b.as_flattened());
    let contrasts = pre.map(|(a, b)| post.a.word() * a.word() - post.b.word() * b.word());
    learn_line(rule, line.as_flattened_mut(), contrasts, (Keys(column_keys.as_flattened()), row));
}

/// Keys of the random bits of columns, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys<'a>(pub &'a [u32]);

/// `w[i] += round(rate * contrasts[i])` along a line; lane `i` is column `i` with key `keys[i]`.
pub(super) fn learn_by_sums<S: Int>(
    rule: &Rule,
    line: &mut [S],
    contrasts: &[i64],
    (keys, row): (Keys<'_>, u32),
    mut count: Option<&mut LayerCounters>,
) {
    if count.is_some() || rule.form == Form::Any {
        for ((w, &contrast), &key) in line.iter_mut().zip(contrasts).zip(keys.0) {
            rule.apply(w, contrast, lane_bits(key, row), count.as_deref_mut());
        }
        return;
    }
    // The other forms are for contrasts that fit.
    learn_line(rule, line, contrasts.iter().map(|&contrast| contrast as i32), (keys, row));
}

/// The same in lanes.
#[inline(always)]
fn learn_line<S: Int>(
    rule: &Rule,
    line: &mut [S],
    contrasts: impl Iterator<Item = i32>,
    (keys, row): (Keys<'_>, u32),
) {
    let synapses = line.iter_mut().zip(contrasts);
    match (rule.form, rule.rounding) {
        (Form::Lanes32, Rounding::Stochastic) => {
            let rate = rule.rate as i32;
            for ((w, contrast), &key) in synapses.zip(keys.0) {
                rule.apply32(w, rate * contrast, rule.rounder(lane_bits(key, row)));
            }
        }
        (Form::Lanes32, _) => {
            let (rate, half) = (rule.rate as i32, rule.rounder(0));
            for (w, contrast) in synapses {
                rule.apply32(w, rate * contrast, half);
            }
        }
        (Form::Lanes64 | Form::Any, Rounding::Stochastic) => {
            for ((w, contrast), &key) in synapses.zip(keys.0) {
                let rounder = lane_bits(key, row) >> (32 - rule.shift);
                rule.apply64(w, rule.rate * i64::from(contrast), i64::from(rounder));
            }
        }
        (Form::Lanes64 | Form::Any, _) => {
            let half = rule.half64();
            for (w, contrast) in synapses {
                rule.apply64(w, rule.rate * i64::from(contrast), half);
            }
        }
    }
}
