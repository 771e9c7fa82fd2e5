//! The arithmetic inside the neurons.

use super::misfit::limits;
use super::{Datapath, Misfit, NeuronMath, Signal};
use crate::design::{Activation, Design, Dynamics, Modes, NudgePlace};
use crate::fixed_point::{ComplexLogistic, Interval, Rounding};

/// The arithmetic of layer `l`, and its signals. `total` is the drive's interval on the accumulators' grid.
pub(super) fn neuron_math(
    d: &Design,
    p: &Datapath,
    l: usize,
    total: Interval,
) -> Result<(NeuronMath, Vec<Signal>), Misfit> {
    // Every left shift and every intermediate is checked before use: 128 bits then hold what follows.
    let inside_width =
        |width| limits::NEURON.holds_in(format!("a value inside the neurons of layer {l}").into(), width);
    let up = |i: Interval, from: i32, to: i32| {
        let shift = (to - from) as u32; // callers keep from <= to
        inside_width(i.signed_bits() + shift)?;
        Ok::<_, Misfit>(i.aligned(shift))
    };
    let n = d.neurons[l - 1];
    // A softmax read-out's pull is made behind these units (`hdl/softmax_unit.v`).
    let output = l == d.output_layer() && !d.is_softmax(l);
    let zero = Interval::point(0);
    let state = Interval::of(n.state);
    // y is 0 or 1 on the state's grid (a negative fraction has no 1: refused when the file is read).
    let one = Interval::point(1i128 << n.state.frac.max(0));
    let beta = Interval::point(i128::from(d.beta.raw));
    let nudge_frac = n.state.frac + d.beta.format.frac;
    let nudge = if output { (beta * (one.hull(zero) - state)).hull(zero) } else { zero };
    // A turned nudge has a product with either part of the state.
    let nudge = if output && d.is_complex() {
        nudge.hull(-nudge) + (beta * state).hull(-(beta * state))
    } else {
        nudge
    };
    let nudge = nudge.hull(-nudge);
    let inside = output && d.nudge_place == NudgePlace::Inside;
    let outside = output && d.nudge_place == NudgePlace::Outside;

    let sum_frac = if inside { p.acc_frac.max(nudge_frac) } else { p.acc_frac };
    let mut sum = up(total, p.acc_frac, sum_frac)?;
    if inside {
        sum = sum + up(nudge, nudge_frac, sum_frac)?;
    }
    let (f_frac, f) = activation_of(d, l, output);
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
    within_random_bits("drive", d.drive_modes, sum_frac - n.drive.frac, l)?;
    within_random_bits("state", d.state_modes, x_frac - n.state.frac, l)?;
    if d.is_complex() && !d.is_softmax(l) {
        within_random_bits(
            "state",
            d.state_modes,
            ComplexLogistic::frac_for(n.state.frac) - n.state.frac,
            l,
        )?;
    }
    let math = NeuronMath {
        output,
        sum_frac,
        f_frac,
        e_frac,
        x_frac,
        sum,
        sum_width: sum.signed_bits(),
        nudge_width: nudge.signed_bits(),
        f_width: f.signed_bits(),
        e_width: e.signed_bits(),
        x,
        x_width: x.signed_bits(),
    };
    let signals = vec![
        Signal::new(format!("layer {l} whole drive"), sum, sum_frac),
        Signal::new(format!("layer {l} before the state requantiser"), x, x_frac),
    ];
    Ok((math, signals))
}

/// Stochastic rounding draws 32 bits: it can drop as many.
fn within_random_bits(what: &'static str, modes: Modes, shift: i32, l: usize) -> Result<(), Misfit> {
    if modes.rounding == Rounding::Stochastic && shift > 32 {
        let place = format!("the {what} of layer {l}").into();
        return Err(Misfit::StochasticDrops { place, bits: shift, key: what });
    }
    Ok(())
}

/// What the activation of layer `l` hands on: its fraction and its interval.
fn activation_of(d: &Design, l: usize, output: bool) -> (i32, Interval) {
    let (n, zero) = (d.neurons[l - 1], Interval::point(0));
    let (drive, state) = (Interval::of(n.drive), Interval::of(n.state));
    match (d.dynamics == Dynamics::Energy, d.activation_of(l)) {
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
    }
}
