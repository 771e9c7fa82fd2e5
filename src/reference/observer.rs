//! What the model lets others see: every committed step, in the terms of the network.

use crate::network::{Records, Visits};
use crate::rules::Spared;

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

/// Receives what the model commits. The methods default to nothing.
pub trait Observer {
    /// False lets the model skip whatever only an observer needs.
    const WATCHES: bool = true;

    /// After every step.
    fn step(&mut self, _view: StepView<'_>) {}

    /// After every sample.
    fn sample_end(&mut self, _end: SampleEnd<'_>) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    const WATCHES: bool = false;
}
