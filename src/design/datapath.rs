//! Interval analysis: from formats and fan-ins to the width of every signal, so that no sum ever loses a bit.
//!
//! All layers share the same lanes, so values meet on common grids: activities on `2^-activity_frac`, weights as read
//! on `2^-read_frac`, sums on the product of both. Alignment to the common grid is an exact left shift.

use super::{Activation, Design, Dynamics, NudgePlace, NudgeSign};
use crate::fixed_point::{Format, Interval, Overflow, Rounding};

/// A named signal with its proven interval and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// What it is.
    pub name: String,
    /// Every value it can take, as raw integers.
    pub interval: Interval,
    /// Bits that hold the interval.
    pub width: u32,
    /// Fraction bits.
    pub frac: i32,
}

impl Signal {
    fn new(name: impl Into<String>, interval: Interval, frac: i32) -> Self {
        Signal { name: name.into(), interval, width: interval.signed_bits(), frac }
    }
}

/// The rate constants of one rate set, aligned so that one shift serves every layer (index 0 is layer 1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Of weights.
    pub weight: Vec<i64>,
    /// Of biases.
    pub bias: Vec<i64>,
}

impl Rates {
    /// That of synapse layer `l`'s biases, or of its weights.
    pub fn of(&self, l: usize, is_bias: bool) -> i64 {
        if is_bias { self.bias[l - 1] } else { self.weight[l - 1] }
    }
}

/// The arithmetic of one layer's neurons, with every alignment resolved.
///
/// `total` (frac `acc_frac`) + nudge (inside) -> drive -> activation -> mix with the old state and nudge (outside) -> state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeuronMath {
    /// Output layer: has a nudge.
    pub output: bool,
    /// Fraction of the sum that enters the drive requantiser (`acc_frac`, or more where an inside nudge needs it).
    pub sum_frac: i32,
    /// Fraction of `f`, what the activation hands on.
    pub f_frac: i32,
    /// Fraction of `e`: `f` plus outside nudge (minus the old state for dynamics with a time step).
    pub e_frac: i32,
    /// Fraction of `x`, the value the state requantiser sees.
    pub x_frac: i32,
    /// Width of the value that enters the drive requantiser.
    pub sum_width: u32,
    /// Width of the nudge product.
    pub nudge_width: u32,
    /// Width of `f`.
    pub f_width: u32,
    /// Width of `e`.
    pub e_width: u32,
    /// Width of `x`.
    pub x_width: u32,
}

/// Widths and alignments of the whole datapath.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Datapath {
    /// Common fraction of activities.
    pub activity_frac: i32,
    /// Common width of activities (two's complement).
    pub activity_width: u32,
    /// Left shift that brings layer `l`'s activity (0 to L) to the common grid.
    pub activity_shift: Vec<u32>,
    /// Stored width of one synapse in the weight memory (the widest of weights and biases).
    pub stored_width: u32,
    /// Common fraction of weights as read.
    pub read_frac: i32,
    /// Width of a weight as read.
    pub read_width: u32,
    /// Low bits of a stored weight that the multipliers do not see.
    pub dropped_bits: u32,
    /// Left shift of synapse layer `l - 1`'s products to the common grid.
    pub weight_shift: Vec<u32>,
    /// The same for the biases.
    pub bias_shift: Vec<u32>,
    /// Width of the pre-synaptic operand of the forward lanes, alignment included.
    pub pre_width: u32,
    /// Fraction of all sums.
    pub acc_frac: i32,
    /// Width of one forward accumulator.
    pub forward_width: u32,
    /// Width of one transposed sum.
    pub transposed_width: u32,
    /// Width of the whole drive before requantising.
    pub total_width: u32,
    /// Width of the contrast `a_post a_pre - b_post b_pre` (fraction `2 activity_frac`).
    pub contrast_width: u32,
    /// Common fraction of the rate constants after alignment.
    pub rate_width: u32,
    /// Width of rate x pre-synaptic operand.
    pub rated_width: u32,
    /// Rate constants of each rate set.
    pub rates: Vec<Rates>,
    /// Right shift from rate x contrast to the weight's grid.
    pub update_shift: i32,
    /// Left shift from weight decay x weight to the grid of rate x contrast.
    pub decay_shift: u32,
    /// Width of rate x contrast, summed over a batch.
    pub batch_width: u32,
    /// Width of rate x contrast, less decay x weight.
    pub gradient_width: u32,
    /// Neurons, layers 1 to L.
    pub neuron: Vec<NeuronMath>,
    /// Everything, for people to read.
    pub signals: Vec<Signal>,
}

impl Datapath {
    /// Derives the datapath of a design whose other fields are set.
    ///
    /// # Errors
    /// A sentence that says which signal cannot be built and what would help.
    pub fn derive(d: &Design) -> Result<Datapath, String> {
        let layers = d.output_layer();
        let mut p = Datapath::default();
        let mut signals = Vec::new();
        let state = |l: usize| d.activity_format(l);
        let to = |from: i32, to: i32| (to - from) as u32; // callers keep from <= to

        // Activities on a common grid; the constant one of the bias column must fit too.
        p.activity_frac = (0..=layers).map(|l| state(l).frac).max().unwrap_or(0).max(0);
        p.activity_shift = (0..=layers).map(|l| to(state(l).frac, p.activity_frac)).collect();
        // Checked before they are used: shifts and products of the intervals below stay within 128 bits.
        fits("activity", p.activity_shift.iter().copied().fold(p.activity_frac as u32, u32::max), 32)?;
        let one = Interval::point(1 << p.activity_frac);
        let activity = |l: usize| Interval::of(state(l)).aligned(p.activity_shift[l]);
        let any_activity = (0..=layers).map(activity).fold(one, Interval::hull);
        p.activity_width = any_activity.signed_bits();
        fits("activity", p.activity_width, 32)?;
        signals.push(Signal::new("activity (common grid)", any_activity, p.activity_frac));

        // Weights as read.
        p.stored_width = d.synapses.iter().flat_map(|s| [s.weight.width, s.bias.width]).max().unwrap_or(1);
        p.dropped_bits = d.synapses[0].dropped_bits();
        if d.synapses.iter().any(|s| s.dropped_bits() != p.dropped_bits) {
            return Err("weight_read drops a different number of bits in different layers; make `weight` minus `weight_read` widths equal".into());
        }
        let reads = || d.synapses.iter().flat_map(|s| [s.weight_read.frac, s.bias_read_frac()]);
        p.read_frac = reads().max().unwrap_or(0);
        p.read_width = p.stored_width - p.dropped_bits;
        p.weight_shift = d.synapses.iter().map(|s| to(s.weight_read.frac, p.read_frac)).collect();
        p.bias_shift = d.synapses.iter().map(|s| to(s.bias_read_frac(), p.read_frac)).collect();
        let alignment = p.weight_shift.iter().chain(&p.bias_shift).copied().max().unwrap_or(0);
        fits("aligned pre-synaptic operand", alignment, 40)?;
        let read_of = |f: Format| Interval {
            lo: i128::from(f.min_raw() >> p.dropped_bits),
            hi: i128::from(f.max_raw() >> p.dropped_bits),
        };
        let any_read = d
            .synapses
            .iter()
            .flat_map(|s| [read_of(s.weight), read_of(s.bias)])
            .fold(Interval::point(0), Interval::hull);
        signals.push(Signal::new("weight as read", any_read, p.read_frac));

        let aligned_pre = (1..=layers)
            .map(|l| (activity(l - 1).aligned(p.weight_shift[l - 1])).hull(one.aligned(p.bias_shift[l - 1])))
            .fold(Interval::point(0), Interval::hull);
        p.pre_width = aligned_pre.signed_bits();
        fits("aligned pre-synaptic operand", p.pre_width, 40)?;

        // Sums.
        p.acc_frac = p.activity_frac + p.read_frac;
        let zero = Interval::point(0);
        let (mut any_forward, mut any_transposed, mut any_total) = (zero, zero, zero);
        let mut totals = Vec::new();
        for l in 1..=layers {
            let s = &d.synapses[l - 1];
            let forward = (read_of(s.weight) * activity(l - 1).hull(zero).aligned(p.weight_shift[l - 1]))
                .times(d.network.connection(l).fan_in())
                + read_of(s.bias) * one.aligned(p.bias_shift[l - 1]);
            let forward = forward.hull(zero);
            let transposed = if l < layers {
                let up = &d.synapses[l];
                (read_of(up.weight) * activity(l + 1).hull(zero).aligned(p.weight_shift[l]))
                    .times(d.network.connection(l + 1).fan_out())
                    .hull(zero)
            } else {
                zero
            };
            let total = forward + transposed;
            signals.push(Signal::new(format!("layer {l} forward sum"), forward, p.acc_frac));
            if l < layers {
                signals.push(Signal::new(format!("layer {l} transposed sum"), transposed, p.acc_frac));
            }
            any_forward = any_forward.hull(forward);
            any_transposed = any_transposed.hull(transposed);
            any_total = any_total.hull(total);
            totals.push(total);
        }
        p.forward_width = any_forward.signed_bits();
        p.transposed_width = any_transposed.signed_bits();
        p.total_width = any_total.signed_bits();
        fits("forward sum", p.forward_width, 62)?;
        fits("whole drive", p.total_width, 62)?;

        // Learning.
        let contrasts = (1..=layers).map(|l| {
            let product = (activity(l) * activity(l - 1).hull(one)).hull(zero);
            // Two independent products at each position where a weight is used.
            (product + -product).times(d.network.connection(l).positions())
        });
        let contrast = contrasts.fold(zero, Interval::hull);
        p.contrast_width = contrast.signed_bits();
        signals.push(Signal::new("contrast", contrast, 2 * p.activity_frac));
        let contrast = contrast * Interval::point(i128::from(d.batch));
        if d.is_batched() {
            fits("a contrast summed over a batch", contrast.signed_bits(), 32)?;
            signals.push(Signal::new("contrast, summed over a batch", contrast, 2 * p.activity_frac));
        }
        // w_lsb = 2^-weight.frac; rate * contrast has fraction rate.frac + 2 activity_frac. The shift to the weight's
        // grid differs per layer; a left shift of the constant makes it the largest one everywhere.
        let shift_of = |rate_frac: i32, frac: i32| rate_frac + 2 * p.activity_frac - frac;
        let shifts = || {
            d.synapses.iter().flat_map(|s| {
                [shift_of(s.rate.format.frac, s.weight.frac), shift_of(s.rate.format.frac, s.bias.frac)]
            })
        };
        p.update_shift = shifts().max().unwrap_or(0).max(0);
        if d.weight_decay.raw != 0 {
            p.update_shift = p.update_shift.max(d.weight_decay.format.frac);
            p.decay_shift = (p.update_shift - d.weight_decay.format.frac) as u32;
        }
        for set in 0..d.milestones.sets() {
            let mut rates = Rates::default();
            for (l, s) in (1..).zip(&d.synapses) {
                let rate = d.rate(l, set);
                let aligned = |frac: i32| {
                    let shift = (p.update_shift - shift_of(rate.format.frac, frac)) as u32;
                    let bits = Interval::point(i128::from(rate.raw)).signed_bits() + shift;
                    fits("rate constant, aligned", bits, 62)?;
                    Ok::<_, String>(rate.raw << shift)
                };
                rates.weight.push(aligned(s.weight.frac)?);
                rates.bias.push(aligned(s.bias.frac)?);
            }
            p.rates.push(rates);
        }
        // They only fall: the first set's are the largest.
        let Rates { weight: weight_rate, bias: bias_rate } = &p.rates[0];
        let any_rate =
            weight_rate.iter().chain(bias_rate).fold(zero, |i, &r| i.hull(Interval::point(i128::from(r))));
        // A random sign of the nudge turns the rate's sign.
        let any_rate = if d.nudge_sign == NudgeSign::Random { any_rate.hull(-any_rate) } else { any_rate };
        p.rate_width = any_rate.signed_bits();
        signals.push(Signal::new("rate constants (aligned)", any_rate, 0));
        let rated = (1..=layers)
            .map(|l| {
                let constant = |r: i64| Interval::point(i128::from(r)).hull(zero);
                (activity(l - 1) * constant(weight_rate[l - 1])).hull(one * constant(bias_rate[l - 1]))
            })
            .fold(zero, Interval::hull);
        let rated = if d.nudge_sign == NudgeSign::Random { rated.hull(-rated) } else { rated };
        p.rated_width = rated.signed_bits();
        signals.push(Signal::new("rate x pre-synaptic activity", rated, p.activity_frac));
        fits("weight decay, aligned", p.decay_shift + p.stored_width + d.weight_decay.format.width, 62)?;
        let decay = Interval::point(i128::from(d.weight_decay.raw) << p.decay_shift);
        let any_stored = d
            .synapses
            .iter()
            .flat_map(|s| [Interval::of(s.weight), Interval::of(s.bias)])
            .fold(zero, Interval::hull);
        let gradient = any_rate * contrast;
        p.batch_width = gradient.signed_bits();
        let gradient = gradient - decay * any_stored;
        p.gradient_width = gradient.signed_bits();
        fits("update before rounding", p.gradient_width, 62)?;
        signals.push(Signal::new("update before rounding (rate x contrast)", gradient, 2 * p.activity_frac));
        if d.weight_modes.overflow == Overflow::Wrap
            && d.synapses.iter().any(|s| s.weight.width != p.stored_width || s.bias.width != p.stored_width)
        {
            return Err("overflow WRAP of weights needs one width for all weights and biases; use SAT, or equal widths".into());
        }

        // Neurons.
        for l in 1..=layers {
            let (math, mut s) = neuron_math(d, &p, l, totals[l - 1])?;
            p.neuron.push(math);
            signals.append(&mut s);
        }
        p.signals = signals;
        if d.weight_modes.rounding == Rounding::Stochastic && p.update_shift > 32 {
            return Err(format!(
                "stochastic rounding drops {} bits at a weight update, more than the 32 random ones; use a rate format with fewer fraction bits",
                p.update_shift
            ));
        }
        Ok(p)
    }
}

/// Refuses a signal that is wider than this version builds.
fn fits(name: &str, width: u32, limit: u32) -> Result<(), String> {
    if width <= limit {
        return Ok(());
    }
    Err(format!(
        "{name} needs {width} bits, more than the {limit} this version builds; use fewer fraction bits, or formats whose fractions lie closer together"
    ))
}

/// The arithmetic of layer `l`, and its signals. `total` is the drive's interval on the accumulators' grid.
fn neuron_math(
    d: &Design,
    p: &Datapath,
    l: usize,
    total: Interval,
) -> Result<(NeuronMath, Vec<Signal>), String> {
    // Every left shift and every intermediate is checked before use: 128 bits then hold what follows.
    let inside_width = |width| fits(&format!("a value inside the neurons of layer {l}"), width, 62);
    let up = |i: Interval, from: i32, to: i32| {
        let shift = (to - from) as u32; // callers keep from <= to
        inside_width(i.signed_bits() + shift)?;
        Ok::<_, String>(i.aligned(shift))
    };
    let n = d.neurons[l - 1];
    // A softmax read-out's pull is made behind these units (`hdl/softmax_unit.v`).
    let output = l == d.output_layer() && !d.is_softmax(l);
    let activation = d.activation_of(l);
    let zero = Interval::point(0);
    let state = Interval::of(n.state);
    // y is 0 or 1 on the state's grid (a negative fraction has no 1: refused when the file is read).
    let one = Interval::point(1i128 << n.state.frac.max(0));
    let beta = Interval::point(i128::from(d.beta.raw));
    let nudge_frac = n.state.frac + d.beta.format.frac;
    let nudge = if output { (beta * (one.hull(zero) - state)).hull(zero) } else { zero };
    let nudge = nudge.hull(-nudge);
    let inside = output && d.nudge_place == NudgePlace::Inside;
    let outside = output && d.nudge_place == NudgePlace::Outside;

    let sum_frac = if inside { p.acc_frac.max(nudge_frac) } else { p.acc_frac };
    let mut sum = up(total, p.acc_frac, sum_frac)?;
    if inside {
        sum = sum + up(nudge, nudge_frac, sum_frac)?;
    }
    let drive = Interval::of(n.drive);
    let energy = d.dynamics == Dynamics::Energy;
    let (f_frac, f) = match (energy, activation) {
        (true, _) if output => (n.drive.frac, drive),
        (true, Activation::HardSigmoid) => (n.drive.frac, drive),
        (true, Activation::HalfHardSigmoid) => (n.drive.frac + 1, drive),
        (true, Activation::Logistic) => (n.drive.frac + n.state.frac, drive * state.hull(zero)),
        (false, Activation::Logistic) => (n.state.frac, state),
        (false, Activation::HardSigmoid) => {
            (n.drive.frac, Interval { lo: 0, hi: 1i128 << n.drive.frac.max(0) })
        }
        (false, Activation::HalfHardSigmoid) => {
            (n.drive.frac + 1, Interval { lo: 0, hi: 1i128 << (n.drive.frac + 1).max(0) })
        }
    };
    let stepped = d.dynamics != Dynamics::Prototypical;
    let mut e_frac = f_frac;
    if outside {
        e_frac = e_frac.max(nudge_frac);
    }
    if stepped {
        e_frac = e_frac.max(n.state.frac);
    }
    let mut e = up(f, f_frac, e_frac)?;
    if outside {
        e = e + up(nudge, nudge_frac, e_frac)?;
    }
    let (x_frac, x) = if stepped {
        e = e - up(state, n.state.frac, e_frac)?;
        let x_frac = e_frac + d.dt.format.frac;
        let x = up(state, n.state.frac, x_frac)? + e * Interval::point(i128::from(d.dt.raw)).hull(zero);
        (x_frac, x)
    } else {
        (e_frac, e)
    };
    inside_width(e.signed_bits())?;
    // Requantising to a finer grid shifts left: that must fit as well.
    inside_width(sum.signed_bits() + (n.drive.frac - sum_frac).max(0) as u32)?;
    inside_width(x.signed_bits() + (n.state.frac - x_frac).max(0) as u32)?;
    for (what, modes, shift) in
        [("drive", d.drive_modes, sum_frac - n.drive.frac), ("state", d.state_modes, x_frac - n.state.frac)]
    {
        if modes.rounding == Rounding::Stochastic && shift > 32 {
            return Err(format!(
                "stochastic rounding drops {shift} bits at the {what} of layer {l}, more than the 32 random ones; use a {what} format with more fraction bits"
            ));
        }
    }
    let math = NeuronMath {
        output,
        sum_frac,
        f_frac,
        e_frac,
        x_frac,
        sum_width: sum.signed_bits(),
        nudge_width: nudge.signed_bits(),
        f_width: f.signed_bits(),
        e_width: e.signed_bits(),
        x_width: x.signed_bits(),
    };
    let signals = vec![
        Signal::new(format!("layer {l} whole drive"), sum, sum_frac),
        Signal::new(format!("layer {l} before the state requantiser"), x, x_frac),
    ];
    Ok((math, signals))
}
