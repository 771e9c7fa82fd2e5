//! The neuron with a complex state: from the exact sums of its inputs, real and imaginary, to its next state. The twin of
//! `hdl/turned_neuron.v`.

use super::neuron::NeuronUnit;
use crate::design::Design;
use crate::fixed_point::{ComplexLogistic, Requantise, Requantised};

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

/// A complex number on its way through two requantisers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BothParts {
    /// Real.
    pub re: Requantised,
    /// Imaginary.
    pub im: Requantised,
}

impl BothParts {
    /// What comes out.
    pub fn result(self) -> Parts {
        Parts { re: self.re.result, im: self.im.result }
    }

    /// True where a part had left its range.
    pub fn over(self) -> bool {
        self.re.over() || self.im.over()
    }
}

/// A step's results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turned {
    /// The drive.
    pub drive: BothParts,
    /// The state; zero of a softmax read-out.
    pub state: BothParts,
    /// The imaginary part of the drive is beyond what the activation looks at.
    pub beyond: bool,
}

impl Turned {
    /// True where a part of the state had left its range, or what the activation looks at of the drive's imaginary part.
    pub fn state_over(self) -> bool {
        self.state.over() || self.beyond
    }
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
        let drive = BothParts {
            re: self.unit.drive_under(i.total.re, pull.re, i.drive_random.0),
            im: self.unit.drive_under(i.total.im, pull.im, i.drive_random.1),
        };
        let Some((logistic, requantise)) = &self.activation else {
            return Turned { drive, ..Turned::default() };
        };
        let rho = logistic.at(drive.re.result, drive.im.result);
        let state = BothParts {
            re: requantise.of(rho.real, i.state_random.0),
            im: requantise.of(rho.imaginary, i.state_random.1),
        };
        Turned { drive, state, beyond: rho.saturated }
    }
}
