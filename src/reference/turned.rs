//! The neuron with a complex state: from the exact sums of its inputs, real and imaginary, to its next state. The twin of
//! `hdl/turned_neuron.v`.

use super::neuron::NeuronUnit;
use crate::design::Design;
use crate::fixed_point::{ComplexLogistic, Requantise};

/// A complex number, raw values of one grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Real.
    pub re: i64,
    /// Imaginary.
    pub im: i64,
}

/// One layer's neurons where states are complex.
#[derive(Clone, Debug)]
pub struct TurnedUnit {
    unit: NeuronUnit,
    /// None of a softmax read-out, whose states are made elsewhere.
    activation: Option<(ComplexLogistic, Requantise)>,
}

/// What a neuron is told besides its sums.
#[derive(Clone, Copy, Debug, Default)]
pub struct TurnedInput {
    /// The exact sums of all inputs, on the accumulators' grid.
    pub total: Parts,
    /// Present state.
    pub state: Parts,
    /// Target is one (true) or zero; read by output neurons only.
    pub target: bool,
    /// The nudge, on the grid of beta.
    pub nudge: Parts,
    /// Random bits for the drive requantiser, of either part.
    pub drive_random: (u32, u32),
    /// Random bits for the state requantiser, of either part.
    pub state_random: (u32, u32),
}

/// A step's results, and whether they went beyond their range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turned {
    /// Requantised.
    pub drive: Parts,
    /// Requantised.
    pub state: Parts,
    /// A part of the drive did.
    pub drive_over: bool,
    /// A part of the state did, or what the activation looks at of the drive's imaginary part.
    pub state_over: bool,
}

impl TurnedUnit {
    /// The neurons of layer `l` (1 to L) of a design whose states are complex.
    pub fn of(design: &Design, l: usize) -> TurnedUnit {
        let n = design.neurons[l - 1];
        let activation = (!design.is_softmax(l)).then(|| {
            let logistic = ComplexLogistic::of(n.drive, n.state);
            let state = Requantise {
                from_frac: logistic.frac(),
                to: n.state,
                rounding: design.state_modes.rounding,
                overflow: design.state_modes.overflow,
            };
            (logistic, state)
        });
        TurnedUnit { unit: NeuronUnit::of(design, l), activation }
    }

    /// One time step. The nudge `beta (y - s)` is a product of complex numbers, `y` is real.
    #[inline]
    pub fn step(&self, i: TurnedInput) -> Turned {
        let missing = self.unit.goal(i.target) - i.state.re;
        let pull = Parts {
            re: i.nudge.re * missing + i.nudge.im * i.state.im,
            im: i.nudge.im * missing - i.nudge.re * i.state.im,
        };
        let (re, re_over) = self.unit.drive_under(i.total.re, pull.re, i.drive_random.0);
        let (im, im_over) = self.unit.drive_under(i.total.im, pull.im, i.drive_random.1);
        let drive_over = re_over || im_over;
        let Some((logistic, requantise)) = &self.activation else {
            return Turned { drive: Parts { re, im }, drive_over, ..Turned::default() };
        };
        let rho = logistic.at(re, im);
        let requantise = |x, random| {
            let rounded = requantise.rounding.apply(x, requantise.shift(), random);
            let state = requantise.overflow.apply(rounded, requantise.to);
            (state, state != rounded)
        };
        let (state_re, over_re) = requantise(rho.real, i.state_random.0);
        let (state_im, over_im) = requantise(rho.imaginary, i.state_random.1);
        Turned {
            drive: Parts { re, im },
            state: Parts { re: state_re, im: state_im },
            drive_over,
            state_over: over_re || over_im || rho.saturated,
        }
    }
}
