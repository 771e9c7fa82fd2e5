//! From a design's formats to its datapath, group of signals by group.

use super::misfit::limits;
use super::neurons::neuron_math;
use super::{Datapath, Misfit, PointRates, Rates, Signal};
use crate::design::{Design, Momentum, NudgeSign};
use crate::fixed_point::{Format, Interval, Overflow, Rounding};

impl Datapath {
    /// Derives the datapath of a design whose other fields are set.
    ///
    /// # Errors
    /// What cannot be built, and which key decides it.
    pub fn derive(d: &Design) -> Result<Datapath, Misfit> {
        let mut derivation = Derivation { d, p: Datapath::default(), signals: Vec::new() };
        derivation.activities()?;
        derivation.weights()?;
        let totals = derivation.sums()?;
        derivation.constants()?;
        derivation.updates()?;
        derivation.neurons(&totals)
    }
}

/// A datapath under way.
struct Derivation<'a> {
    d: &'a Design,
    p: Datapath,
    signals: Vec<Signal>,
}

/// Real and imaginary part of a coefficient times a complex number, both of whose parts lie in the same interval.
fn turned(of: Interval, (real, imaginary): (i64, i64)) -> (Interval, Interval) {
    let (real, imaginary) = (Interval::point(real.into()), Interval::point(imaginary.into()));
    (of * real + -(of * imaginary), of * imaginary + of * real)
}

const ZERO: Interval = Interval { lo: 0, hi: 0 };

/// Left shift from one fraction to another; callers keep `from <= to`.
fn to(from: i32, to: i32) -> u32 {
    (to - from) as u32
}

impl Derivation<'_> {
    /// The constant one of the bias column, on the common grid of activities.
    fn one(&self) -> Interval {
        Interval::point(1 << self.p.activity_frac)
    }

    /// Activities of layer `l` (0 to L) on their common grid.
    fn activity(&self, l: usize) -> Interval {
        Interval::of(self.d.activity_format(l)).aligned(self.p.activity_shift[l])
    }

    /// What the multipliers see of a stored format.
    fn read_of(&self, f: Format) -> Interval {
        Interval {
            lo: i128::from(f.min_raw() >> self.p.dropped_bits),
            hi: i128::from(f.max_raw() >> self.p.dropped_bits),
        }
    }

    fn signal(&mut self, name: impl Into<String>, interval: Interval, frac: i32) {
        self.signals.push(Signal::new(name, interval, frac));
    }

    /// Activities on a common grid; the constant one of the bias column must fit too.
    fn activities(&mut self) -> Result<(), Misfit> {
        let (d, layers) = (self.d, self.d.output_layer());
        let frac = |l: usize| d.activity_format(l).frac;
        self.p.activity_frac = (0..=layers).map(frac).max().unwrap_or(0).max(0);
        self.p.activity_shift = (0..=layers).map(|l| to(frac(l), self.p.activity_frac)).collect();
        // Checked before they are used: shifts and products of the intervals below stay within 128 bits.
        let shifts = self.p.activity_shift.iter().copied();
        limits::ACTIVITY.holds(shifts.fold(self.p.activity_frac as u32, u32::max))?;
        let any = (0..=layers).map(|l| self.activity(l)).fold(self.one(), Interval::hull);
        self.p.activity_width = any.signed_bits();
        limits::ACTIVITY.holds(self.p.activity_width)?;
        self.signal("activity (common grid)", any, self.p.activity_frac);
        Ok(())
    }

    /// Weights as read, and the pre-synaptic operands that meet them.
    fn weights(&mut self) -> Result<(), Misfit> {
        let (d, synapses) = (self.d, &self.d.synapses);
        let p = &mut self.p;
        let velocity = d.momentum.map(|m| m.width);
        let weights = synapses.iter().flat_map(|s| [s.weight.width, s.bias.width]);
        p.stored_width = weights.chain(velocity).max().unwrap_or(1);
        p.dropped_bits = synapses[0].dropped_bits();
        if synapses.iter().any(|s| s.dropped_bits() != p.dropped_bits) {
            return Err(Misfit::DroppedBitsDiffer);
        }
        let reads = synapses.iter().flat_map(|s| [s.weight_read.frac, s.bias_read_frac()]);
        p.read_frac = reads.max().unwrap_or(0);
        let widest = synapses.iter().flat_map(|s| [s.weight.width, s.bias.width]).max().unwrap_or(1);
        p.read_width = widest - p.dropped_bits;
        // A pool of means has a finer grid than the others' sums.
        let pools = || d.network.connections().map(|(_, c)| c.pool().frac());
        let finest = pools().max().unwrap_or(0);
        let shift = |(frac, pool): (i32, u32)| to(frac, p.read_frac) + finest - pool;
        p.weight_shift = synapses.iter().map(|s| s.weight_read.frac).zip(pools()).map(shift).collect();
        p.bias_shift = synapses.iter().map(|s| s.bias_read_frac()).zip(pools()).map(shift).collect();
        limits::PRE.holds(p.weight_shift.iter().chain(&p.bias_shift).copied().max().unwrap_or(0))?;
        p.acc_frac = p.activity_frac + p.read_frac + finest as i32;
        let read = |s: &crate::design::Synapses| self.read_of(s.weight).hull(self.read_of(s.bias));
        let any_read = synapses.iter().map(read).fold(ZERO, Interval::hull);
        self.signal("weight as read", any_read, self.p.read_frac);
        let aligned = |l: usize| {
            let weight = self.activity(l - 1).aligned(self.p.weight_shift[l - 1]);
            weight.hull(self.one().aligned(self.p.bias_shift[l - 1]))
        };
        self.p.pre_width = d.network.layers().map(aligned).fold(ZERO, Interval::hull).signed_bits();
        limits::PRE.holds(self.p.pre_width)
    }

    /// Forward and transposed sums, and the whole drives that they make, layer by layer.
    fn sums(&mut self) -> Result<Vec<Interval>, Misfit> {
        let (d, layers) = (self.d, self.d.output_layer());
        let (mut any_forward, mut any_transposed) = (ZERO, ZERO);
        let mut totals = Vec::new();
        for (l, connection) in d.network.connections() {
            let (s, shift) = (&d.synapses[l - 1], self.p.weight_shift[l - 1]);
            let products = self.read_of(s.weight) * self.activity(l - 1).hull(ZERO).aligned(shift);
            let bias = self.read_of(s.bias) * self.one().aligned(self.p.bias_shift[l - 1]);
            // A mean is left as the sum of a window.
            let window = (products.times(connection.fan_in()) + bias).aligned(connection.pool().frac());
            let forward = window.hull(ZERO);
            self.signal(format!("layer {l} forward sum"), forward, self.p.acc_frac);
            let mut transposed = ZERO;
            if l < layers {
                let (up, shift) = (&d.synapses[l], self.p.weight_shift[l]);
                let products = self.read_of(up.weight) * self.activity(l + 1).hull(ZERO).aligned(shift);
                transposed = products.times(d.network.connection(l + 1).fan_out()).hull(ZERO);
                self.signal(format!("layer {l} transposed sum"), transposed, self.p.acc_frac);
            }
            any_forward = any_forward.hull(forward);
            any_transposed = any_transposed.hull(transposed);
            totals.push(forward + transposed);
        }
        // The table ends below four sigma; it is made only where it has the bits for that.
        limits::NOISE.holds(((4.0 * d.noise).log2().ceil() as i32 + self.p.acc_frac + 1).max(0) as u32)?;
        if let Some(noise) = d.gaussian_on(self.p.acc_frac) {
            let noise = Interval::symmetric(noise.greatest().into());
            self.p.noise_width = noise.signed_bits();
            self.signal("noise", noise, self.p.acc_frac);
            for (total, _) in totals.iter_mut().zip(d.network.layers()).filter(|(_, l)| d.has_noise(*l)) {
                *total = *total + noise;
            }
        }
        self.p.forward_width = any_forward.signed_bits();
        self.p.transposed_width = any_transposed.signed_bits();
        self.p.total_width = totals.iter().copied().fold(ZERO, Interval::hull).signed_bits();
        limits::FORWARD.holds(self.p.forward_width)?;
        limits::TOTAL.holds(self.p.total_width)?;
        Ok(totals)
    }

    /// What a point of the circle, or all points of a sample together, make of a weight: over all layers, the coefficients
    /// in it.
    fn turned_contrast(&self, points: &[PointRates]) -> Interval {
        let of = |l: usize| {
            let post = self.activity(l).hull(ZERO);
            let at = |point: &PointRates| {
                let made = |pre: Interval, c| {
                    let (real, imaginary) = turned(pre, c);
                    real * post + -(imaginary * post)
                };
                made(self.activity(l - 1).hull(ZERO), point.weight[l - 1])
                    .hull(made(self.one().hull(ZERO), point.bias[l - 1]))
            };
            points.iter().map(at).fold(ZERO, |sum, one| sum + one.hull(ZERO))
        };
        self.d.network.layers().map(of).fold(ZERO, Interval::hull)
    }

    /// The contrast of a sample, over all layers.
    fn contrast(&self) -> Interval {
        let of = |(l, connection): (usize, &crate::network::Connection)| {
            let product = (self.activity(l) * self.activity(l - 1).hull(self.one())).hull(ZERO);
            // Two independent products at each position where a weight is used.
            (product + -product).times(connection.active_positions())
        };
        self.d.network.connections().map(of).fold(ZERO, Interval::hull)
    }

    /// The constants of an update, aligned so that one shift serves every layer: `w_lsb = 2^-weight.frac`, and rate times
    /// contrast has fraction `rate.frac + 2 activity_frac`. The shift to the weight's grid differs per layer; a left shift
    /// of the constant makes it the largest one everywhere.
    fn constants(&mut self) -> Result<(), Misfit> {
        let d = self.d;
        let products_frac = 2 * self.p.activity_frac;
        let contrast_frac = |l| products_frac + d.network.connection(l).pool().frac() as i32;
        let shift_of = |l, rate_frac: i32, frac: i32| rate_frac + contrast_frac(l) - frac;
        let shifts = (1..).zip(&d.synapses).flat_map(|(l, s)| {
            [s.weight.frac, s.bias.frac].map(|frac| shift_of(l, s.rate.format.frac, frac))
        });
        let mut update_shift = shifts.max().unwrap_or(0).max(0);
        if d.weight_decay.raw != 0 {
            update_shift = update_shift.max(d.weight_decay.format.frac);
        }
        if let Some(m) = d.momentum {
            // m v must lie on the grid, and what is dropped of v has no more bits than what is dropped on the way to it.
            update_shift = update_shift.max((m.finer + Momentum::FRAC.max(m.finer)) as i32);
            self.p.momentum_shift = update_shift as u32 - m.finer - Momentum::FRAC;
        }
        if d.weight_decay.raw != 0 {
            self.p.decay_shift = to(d.weight_decay.format.frac, update_shift);
        }
        self.p.update_shift = update_shift;
        for set in 0..d.milestones.sets() {
            let mut rates = Rates::default();
            for (l, s) in (1..).zip(&d.synapses) {
                let rate = d.rate(l, set);
                let aligned = |raw: i64, frac: i32| {
                    let shift = to(shift_of(l, rate.format.frac, frac), update_shift);
                    limits::RATE.holds(Interval::point(i128::from(raw)).signed_bits() + shift)?;
                    Ok::<_, Misfit>(raw << shift)
                };
                rates.weight.push(aligned(rate.raw, s.weight.frac)?);
                rates.bias.push(aligned(rate.raw, s.bias.frac)?);
                let coefficients = d.coefficients(l, set);
                rates.points.resize(coefficients.len(), PointRates::default());
                for (point, (real, imaginary)) in rates.points.iter_mut().zip(coefficients) {
                    let both = |frac| Ok::<_, Misfit>((aligned(real, frac)?, aligned(imaginary, frac)?));
                    point.weight.push(both(s.weight.frac)?);
                    point.bias.push(both(s.bias.frac)?);
                }
            }
            self.p.rates.push(rates);
        }
        Ok(())
    }

    /// What is left of a velocity, on the grid of rate times contrast.
    fn momentum(&self) -> Interval {
        let Some(m) = self.d.momentum else { return ZERO };
        let factor = i128::from(m.factor.raw) << self.p.momentum_shift;
        Interval::of(Format::signed(m.width, 0)) * Interval::point(factor)
    }

    /// A velocity where its bits below the weight's step are dropped in the place of those that it was rounded by.
    fn followed(&self) -> Interval {
        let Some(m) = self.d.momentum else { return ZERO };
        Interval::of(Format::signed(m.width, 0)).aligned(self.p.update_shift as u32 - 2 * m.finer)
    }

    /// Contrasts, rates and what they make of a weight.
    fn updates(&mut self) -> Result<(), Misfit> {
        let d = self.d;
        // The coefficients of a circle's points are in what they make; they only fall.
        let Rates { weight, bias, points } = self.p.rates[0].clone();
        let contrast = match d.circle {
            Some(_) => points
                .iter()
                .map(|p| self.turned_contrast(std::slice::from_ref(p)))
                .fold(ZERO, Interval::hull),
            None => self.contrast(),
        };
        self.p.contrast_width = contrast.signed_bits();
        self.signal("contrast", contrast, 2 * self.p.activity_frac);
        let contrast = match d.circle {
            Some(circle) if circle.accumulates => {
                self.turned_contrast(&points).times(circle.periods.unwrap_or(1) as usize)
            }
            _ => contrast,
        };
        let contrast = contrast * Interval::point(i128::from(d.batch));
        if d.is_batched() {
            self.p.summed_width = contrast.signed_bits();
            limits::BATCH.holds(self.p.summed_width)?;
            self.signal("contrast, summed over a batch", contrast, 2 * self.p.activity_frac);
        }
        // They only fall: the first set's are the largest. A random sign of the nudge turns the rate's sign.
        let signed = |i: Interval| if d.nudge_sign == NudgeSign::Random { i.hull(-i) } else { i };
        let constant = |r: i64| Interval::point(i128::from(r)).hull(ZERO);
        let parts = points.iter().flat_map(|p| p.weight.iter().chain(&p.bias)).flat_map(|&(re, im)| [re, im]);
        let all = weight.iter().chain(&bias).copied().chain(parts);
        let any_rate = signed(all.fold(ZERO, |i, r| i.hull(constant(r))));
        self.p.rate_width = any_rate.signed_bits();
        self.signal("rate constants (aligned)", any_rate, 0);
        let rated = |l: usize| {
            (self.activity(l - 1) * constant(weight[l - 1])).hull(self.one() * constant(bias[l - 1]))
        };
        let rated_at = |(l, point): (usize, &PointRates)| {
            let parts = |(re, im): (Interval, Interval)| re.hull(im);
            let weight = parts(turned(self.activity(l - 1).hull(ZERO), point.weight[l - 1]));
            weight.hull(parts(turned(self.one().hull(ZERO), point.bias[l - 1])))
        };
        let points = d.network.layers().flat_map(|l| points.iter().map(move |p| (l, p)));
        let rated = d.network.layers().map(rated).chain(points.map(rated_at)).fold(ZERO, Interval::hull);
        let rated = signed(rated);
        self.p.rated_width = rated.signed_bits();
        self.signal("rate x pre-synaptic activity", rated, self.p.activity_frac);
        limits::DECAY.holds(self.p.decay_shift + self.p.stored_width + d.weight_decay.format.width)?;
        let decay = Interval::point(i128::from(d.weight_decay.raw) << self.p.decay_shift);
        let stored = d.synapses.iter().flat_map(|s| [Interval::of(s.weight), Interval::of(s.bias)]);
        let gradient = if d.is_complex() { contrast } else { any_rate * contrast };
        self.p.batch_width = gradient.signed_bits();
        let gradient = gradient - decay * stored.fold(ZERO, Interval::hull) + self.momentum();
        let gradient = gradient.hull(self.followed());
        if d.momentum.is_some() {
            let kept = self.momentum();
            self.signal("momentum x velocity", kept, 2 * self.p.activity_frac);
        }
        self.p.gradient = gradient;
        self.p.gradient_width = gradient.signed_bits();
        limits::UPDATE.holds(self.p.gradient_width)?;
        self.signal("update before rounding (rate x contrast)", gradient, 2 * self.p.activity_frac);
        let width = self.p.stored_width;
        let other = |s: &crate::design::Synapses| {
            s.weight.width != width || s.bias.width != width || d.momentum.is_some_and(|m| m.width != width)
        };
        if d.weight_modes.overflow == Overflow::Wrap && d.synapses.iter().any(other) {
            return Err(Misfit::WrapNeedsOneWidth);
        }
        Ok(())
    }

    /// The neurons of every layer; the datapath is then whole.
    fn neurons(mut self, totals: &[Interval]) -> Result<Datapath, Misfit> {
        for (l, &total) in (1..).zip(totals) {
            let (math, mut signals) = neuron_math(self.d, &self.p, l, total)?;
            self.p.neuron.push(math);
            self.signals.append(&mut signals);
        }
        self.p.signals = self.signals;
        let finer = self.d.momentum.map_or(0, |m| m.finer as i32);
        if self.d.weight_modes.rounding == Rounding::Stochastic && self.p.update_shift - finer > 32 {
            let place = "a weight update".into();
            return Err(Misfit::StochasticDrops { place, bits: self.p.update_shift, key: "rate" });
        }
        Ok(self.p)
    }
}
