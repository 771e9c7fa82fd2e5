//! What the model lets others see: every committed step, in the terms of the network.

use crate::fixed_point::Requantised;
use crate::network::{Records, Visits};
use crate::rules::{Pass, Spared};

/// Weights as the hardware's memory shows them, whatever form a model keeps them in.
pub trait WeightSource: std::fmt::Debug {
    /// Stored raw values of the rows (post-synaptic neurons) `first_row..first_row + out.len()` of one column of
    /// synapse layer `layer` (1 to L); the column after the last pre-synaptic neuron holds the biases. Rows beyond
    /// the layer read zero. Weights of their own on the way back are further layers
    /// ([`backward_layer`](super::weights::backward_layer)), and so are velocities
    /// ([`velocity_layer`](super::weights::velocity_layer)).
    fn lanes(&self, layer: usize, column: usize, first_row: usize, out: &mut [i32]);

    /// One stored raw value.
    fn weight(&self, layer: usize, row: usize, column: usize) -> i32 {
        let mut lane = [0];
        self.lanes(layer, column, row, &mut lane);
        lane[0]
    }
}

/// What one step (one pass over the network) has committed.
#[derive(Clone, Copy, Debug)]
pub struct StepView<'a> {
    /// Number of this step within the sample, from 0. A learn-only pass is a step of its own. Those left out count, and are
    /// not shown.
    pub step: u32,
    /// Which neurons and which synapses.
    pub visits: Visits<'a>,
    /// What the neurons hold after the step; new where it has relaxed them.
    pub records: Records<'a>,
    /// Weights after the step.
    pub weights: &'a dyn WeightSource,
}

/// What a sample ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleEnd<'a> {
    /// Sample number since the start of the run (training and test samples count alike).
    pub sample: u32,
    /// Arg max of the output state at the `read` operation; the lowest index wins a tie.
    pub prediction: u16,
    /// The label that came with the sample.
    pub label: u16,
    /// The passes that it has left out.
    pub spared: &'a Spared,
}

/// A requantiser of the network: which quantity of which layer (1 to L; synapses: the one that they lead to).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stage {
    /// Whose.
    pub layer: usize,
    /// Of what.
    pub of: Quantity,
}

/// What a requantiser brings into its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// The sum of a neuron's inputs.
    Drive,
    /// The same of imaginary parts.
    ImaginaryDrive,
    /// A neuron's next state.
    State,
    /// Its imaginary part.
    ImaginaryState,
    /// A weight's update is rounded, then the weight brought into range.
    Weight,
    /// The same of a bias.
    Bias,
    /// The same of a weight of its own on the way back.
    Back,
    /// The velocity of a weight.
    Velocity,
    /// The velocity of a bias.
    BiasVelocity,
}

/// What happens between two commits, as far as nobody sees it at the commit port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inner {
    /// A value has passed a requantiser.
    Requantised(Stage, Requantised),
    /// The update of a weight has been rounded, from the first number to the second.
    Rounded(Stage, i64, i64),
    /// A weight with its update, or a velocity, comes to be brought into range.
    Limited(Stage, i64),
    /// A weight of a row of this layer has changed.
    Learned {
        /// The layer that it leads to.
        layer: usize,
        /// Its row.
        row: usize,
    },
    /// What the activation of this layer looks at of a drive's imaginary part has left its range.
    Beyond(usize),
    /// A pass is done.
    Passed {
        /// Which.
        pass: Pass,
        /// The random sign of the sample is minus.
        negative: bool,
        /// No state has changed.
        still: bool,
        /// How many of the passes that come after it are left out.
        left_out: u32,
    },
    /// The prediction is taken, of several equal largest outputs or not.
    Read {
        /// Of several.
        tie: bool,
    },
}

/// Receives what the model commits. The methods default to nothing.
pub trait Observer {
    /// False lets the model skip whatever only an observer needs.
    const WATCHES: bool = true;

    /// After every step.
    fn step(&mut self, _view: StepView<'_>) {}

    /// What happens inside; only the specification ([`Golden`](super::golden::Golden)) tells it.
    fn inner(&mut self, _inner: Inner) {}

    /// After every sample.
    fn sample_end(&mut self, _end: SampleEnd<'_>) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    const WATCHES: bool = false;
}
