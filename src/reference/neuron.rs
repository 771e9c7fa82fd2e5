//! The neuron unit: from the exact sum of its inputs to its next state. The twin of `hdl/neuron_unit.v`.

use crate::design::{Activation, Design, Dynamics, NeuronMath, NudgePlace, Tables};
use crate::fixed_point::softmax::PROBABILITY_FRAC;
use crate::fixed_point::{ComplexSoftmax, Format, Requantise, Requantised, Softmax};

/// One layer's neuron arithmetic with every constant resolved.
#[derive(Clone, Debug)]
pub struct NeuronUnit {
    math: NeuronMath,
    dynamics: Dynamics,
    activation: Activation,
    nudge_place: NudgePlace,
    acc_frac: i32,
    drive_frac: i32,
    state_frac: i32,
    nudge_frac: i32,
    one: i64,
    beta: i64,
    dt: i64,
    drive: Requantise,
    state: Requantise,
    tables: Tables,
}

/// What a neuron unit is told besides its sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct NeuronInput {
    /// The exact sum of all inputs, on the accumulators' grid.
    pub total: i64,
    /// Present state.
    pub state: i64,
    /// Target is one (true) or zero; read by nudged output neurons only.
    pub target: bool,
    /// Sign of the nudge: -1, 0 (free phase) or +1.
    pub nudge: i64,
    /// The neuron keeps its state (even/odd order).
    pub rest: bool,
    /// Random bits for the drive requantiser.
    pub drive_random: u32,
    /// Random bits for the state requantiser.
    pub state_random: u32,
}

/// The pull of a softmax read-out on the network, `sign beta (y - p)`. The twin of `hdl/softmax_unit.v`.
#[derive(Clone, Debug)]
pub struct Pull {
    softmax: Softmax,
    beta: i64,
    state: Requantise,
}

impl Pull {
    /// The read-out of a design (of use where it is a softmax).
    pub fn of(design: &Design) -> Pull {
        let n = design.neurons[design.output_layer() - 1];
        Pull {
            softmax: Softmax::of(n.drive),
            beta: design.beta.raw,
            state: Requantise {
                from_frac: PROBABILITY_FRAC + design.beta.format.frac,
                to: n.state,
                rounding: design.state_modes.rounding,
                overflow: design.state_modes.overflow,
            },
        }
    }

    /// New states of all outputs from their drives; all 0 without a nudge. `random` gives an output's random bits.
    pub fn states(
        &self,
        drives: &[i32],
        label: u16,
        sign: i64,
        random: impl Fn(usize) -> u32,
        out: &mut [i32],
    ) {
        if sign == 0 {
            out.fill(0);
            return;
        }
        for ((i, pull), state) in self.pulls(drives, label, sign).enumerate().zip(out) {
            *state = self.state.apply(pull, random(i)) as i32;
        }
    }

    /// What the requantiser of every output's state takes under a nudge.
    pub(super) fn pulls(&self, drives: &[i32], label: u16, sign: i64) -> impl Iterator<Item = i64> {
        self.softmax.probabilities(drives).enumerate().map(move |(i, p)| {
            let target = i64::from(i == usize::from(label)) << PROBABILITY_FRAC;
            sign * self.beta * (target - p)
        })
    }

    /// The requantiser of the outputs' states.
    pub(super) fn requantiser(&self) -> Requantise {
        self.state
    }
}

/// The pull of a softmax read-out of complex drives on the network, `beta (y - p)` with a complex `beta`. The twin of
/// `hdl/complex_softmax.v`.
#[derive(Clone, Debug)]
pub struct ComplexPull {
    softmax: ComplexSoftmax,
    state: Requantise,
}

impl ComplexPull {
    /// The read-out of a design (of use where it is a softmax).
    pub fn of(design: &Design) -> ComplexPull {
        let n = design.neurons[design.output_layer() - 1];
        let Pull { state, .. } = Pull::of(design);
        ComplexPull::new(n.drive, state)
    }

    /// That of a design whose read-out is a softmax of complex drives.
    pub(super) fn needed(design: &Design) -> Option<ComplexPull> {
        (design.is_complex() && design.is_softmax(design.output_layer())).then(|| ComplexPull::of(design))
    }

    /// A read-out of drives of this signed format, with the rule that takes a pull to the states' format.
    pub fn new(drive: Format, state: Requantise) -> ComplexPull {
        ComplexPull { softmax: ComplexSoftmax::of(drive), state }
    }

    /// How many of the drives' imaginary parts are beyond 1 and thus saturated.
    pub fn saturated(&self, imaginary: &[i32]) -> usize {
        self.softmax.saturated(imaginary)
    }

    /// New states of all outputs, real and imaginary, from their drives; all 0 where `beta` is. `beta` is raw, of the
    /// nudge's format in both parts; `random` gives an output's random bits, for the real and for the imaginary part.
    pub fn states(
        &self,
        (real, imaginary): (&[i32], &[i32]),
        label: u16,
        beta: (i64, i64),
        random: impl Fn(usize) -> (u32, u32),
        (out_real, out_imaginary): (&mut [i32], &mut [i32]),
    ) {
        if beta == (0, 0) {
            out_real.fill(0);
            out_imaginary.fill(0);
            return;
        }
        let outputs = out_real.iter_mut().zip(out_imaginary);
        for ((i, pull), (re, im)) in self.pulls((real, imaginary), label, beta).enumerate().zip(outputs) {
            let bits = random(i);
            *re = self.state.apply(pull.0, bits.0) as i32;
            *im = self.state.apply(pull.1, bits.1) as i32;
        }
    }

    /// What the requantisers of every output's state take under a nudge, real and imaginary part.
    pub(super) fn pulls(
        &self,
        (real, imaginary): (&[i32], &[i32]),
        label: u16,
        beta: (i64, i64),
    ) -> impl Iterator<Item = (i64, i64)> {
        self.softmax.probabilities(real, imaginary).enumerate().map(move |(i, p)| {
            let target = i64::from(i == usize::from(label)) << PROBABILITY_FRAC;
            let error = (target - p.0, -p.1);
            (beta.0 * error.0 - beta.1 * error.1, beta.1 * error.0 + beta.0 * error.1)
        })
    }

    /// The requantiser of the outputs' states.
    pub(super) fn requantiser(&self) -> Requantise {
        self.state
    }
}

impl NeuronUnit {
    /// The neuron unit of layer `l` (1 to L).
    pub fn of(design: &Design, l: usize) -> NeuronUnit {
        let math = design.datapath.neuron[l - 1];
        let n = design.neurons[l - 1];
        NeuronUnit {
            math,
            dynamics: design.dynamics,
            activation: design.activation_of(l),
            nudge_place: design.nudge_place,
            acc_frac: design.datapath.acc_frac,
            drive_frac: n.drive.frac,
            state_frac: n.state.frac,
            nudge_frac: n.state.frac + design.beta.format.frac,
            one: 1 << n.state.frac,
            beta: design.beta.raw,
            dt: design.dt.raw,
            drive: Requantise {
                from_frac: math.sum_frac,
                to: n.drive,
                rounding: design.drive_modes.rounding,
                overflow: design.drive_modes.overflow,
            },
            state: Requantise {
                from_frac: math.x_frac,
                to: n.state,
                rounding: design.state_modes.rounding,
                overflow: design.state_modes.overflow,
            },
            tables: Tables::of(design, l),
        }
    }

    /// One time step: the requantised drive and the new state.
    #[inline]
    pub fn step(&self, i: NeuronInput) -> (i64, i64) {
        let drive = self.drive(i).result;
        (drive, self.next_state(drive, i).result)
    }

    /// `beta (y - s)` of a nudged output neuron, on the grid `nudge_frac`.
    #[inline]
    fn nudge(&self, i: NeuronInput) -> i64 {
        if self.math.output { i.nudge * self.beta * (i64::from(i.target) * self.one - i.state) } else { 0 }
    }

    /// First half of a step: the requantised drive.
    #[inline]
    pub fn drive(&self, i: NeuronInput) -> Requantised {
        self.drive_under(i.total, self.nudge(i), i.drive_random)
    }

    /// A target on the grid of states.
    pub(super) fn goal(&self, target: bool) -> i64 {
        i64::from(target) * self.one
    }

    /// The same of a sum, and a nudge on the grid `nudge_frac`, which counts where it enters inside.
    #[inline]
    pub(super) fn drive_under(&self, total: i64, nudge: i64, random: u32) -> Requantised {
        let m = &self.math;
        let mut sum = total << (m.sum_frac - self.acc_frac);
        if m.output && self.nudge_place == NudgePlace::Inside {
            sum += nudge << (m.sum_frac - self.nudge_frac);
        }
        self.drive.of(sum, random)
    }

    /// Second half of a step: the new state (`i.total` plays no part any more). That of a neuron that keeps its state is in
    /// range.
    #[inline]
    pub fn next_state(&self, drive: i64, i: NeuronInput) -> Requantised {
        if i.rest {
            return Requantised { value: i.state, rounded: i.state, result: i.state };
        }
        let m = &self.math;
        let f = self.activated(drive, i.state);
        let mut e = f << (m.e_frac - m.f_frac);
        if m.output && self.nudge_place == NudgePlace::Outside {
            e += self.nudge(i) << (m.e_frac - self.nudge_frac);
        }
        let x = if self.dynamics == Dynamics::Prototypical {
            e
        } else {
            e -= i.state << (m.e_frac - self.state_frac);
            (i.state << (m.x_frac - self.state_frac)) + self.dt * e
        };
        let mut state = self.state.of(x, i.state_random);
        // Energy-based states live in [0, 1] (algorithms.md 1.2).
        if self.dynamics == Dynamics::Energy {
            state.result = state.result.clamp(0, self.one);
        }
        state
    }

    /// `rho(drive)`, or `rho'(state) drive` for energy-based dynamics, on the grid `f_frac`.
    #[inline]
    fn activated(&self, drive: i64, state: i64) -> i64 {
        if self.dynamics == Dynamics::Energy {
            // rho' is 1 or 1/2 on the states' range [0, 1] (the half is in f_frac); the output layer has none.
            return match &self.tables.slope_of_state {
                Some(slope) => slope.at(state) * drive,
                None => drive,
            };
        }
        match (self.activation, &self.tables.rho_of_drive) {
            (Activation::HardSigmoid, _) => drive.clamp(0, 1 << self.drive_frac.max(0)),
            (Activation::HalfHardSigmoid, _) => drive.clamp(0, 1 << (self.drive_frac + 1).max(0)),
            (Activation::Logistic, Some(rho)) => rho.at(drive),
            (Activation::Logistic, None) => unreachable!("logistic layers carry their table"),
        }
    }

    /// What the synapses see of a state, as a raw integer of [`Design::activity_format`].
    #[inline]
    pub fn activity(&self, state: i64) -> i64 {
        match &self.tables.rho_of_state {
            Some(rho) => rho.at(state),
            None => state,
        }
    }
}
