//! Weights and biases; also their updates and gradients, which have the same shape.

use crate::design::Design;
use crate::network::Network;
use crate::reference::Weights;
use crate::reference::weights::backward_layer;

/// One layer of synapses.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerParameters {
    /// Rows: post-synaptic neurons, or channels of a kernel.
    pub post: usize,
    /// Taps: pre-synaptic neurons, or places and channels under a kernel.
    pub pre: usize,
    /// Weights, a line of `post` values per tap.
    pub forward: Vec<f64>,
    /// One per row.
    pub bias: Vec<f64>,
    /// Separate weights of the way back, in the same places as `forward`; none where one weight serves both ways, and
    /// none in layer 1 (nothing goes back to the clamped input).
    pub backward: Option<Vec<f64>>,
}

impl LayerParameters {
    /// All zero.
    pub fn zero(post: usize, pre: usize) -> Self {
        LayerParameters { post, pre, forward: vec![0.0; post * pre], bias: vec![0.0; post], backward: None }
    }

    /// The weight from pre-synaptic neuron `j` to post-synaptic neuron `i`.
    pub fn weight(&self, i: usize, j: usize) -> f64 {
        self.forward[j * self.post + i]
    }

    /// The line of pre-synaptic neuron `j`: its weights to all post-synaptic neurons.
    pub fn line(&self, j: usize) -> &[f64] {
        &self.forward[j * self.post..][..self.post]
    }

    /// What the way back from this layer uses: `backward` if there is one, else `forward`.
    pub fn way_back(&self) -> &[f64] {
        self.backward.as_deref().unwrap_or(&self.forward)
    }

    fn parts(&self) -> [&[f64]; 3] {
        [&self.forward, &self.bias, self.backward.as_deref().unwrap_or(&[])]
    }

    fn parts_mut(&mut self) -> [&mut [f64]; 3] {
        [&mut self.forward, &mut self.bias, self.backward.as_deref_mut().unwrap_or(&mut [])]
    }
}

/// All layers' parameters (index 0 is synapse layer 1), or a direction in their space.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// Synapse layers 1 to L.
    pub layers: Vec<LayerParameters>,
}

impl Parameters {
    /// The real values of a design's initial weights.
    pub fn initial(design: &Design) -> Parameters {
        Parameters::real(design, &Weights::initial(design))
    }

    /// The real values of the reference's weights, all stored bits.
    pub fn real(design: &Design, weights: &Weights) -> Parameters {
        let layers = weights.layers.iter().zip(&design.synapses).map(|(w, s)| {
            let (post, pre) = (w.rows, w.columns - 1);
            let mut layer = LayerParameters::zero(post, pre);
            for i in 0..post {
                for j in 0..pre {
                    layer.forward[j * post + i] = s.weight.to_real(i64::from(w.get(i, j)));
                }
                layer.bias[i] = s.bias.to_real(i64::from(w.get(i, pre)));
            }
            layer
        });
        let mut layers: Vec<LayerParameters> = layers.collect();
        if design.has_separate_feedback() {
            for (l, layer) in (1..).zip(&mut layers).skip(1) {
                let back = &weights.layers[backward_layer(design, l) - 1];
                let format = design.synapses[l - 1].weight;
                let places = (0..layer.pre).flat_map(|j| (0..layer.post).map(move |i| (i, j)));
                layer.backward =
                    Some(places.map(|(i, j)| format.to_real(i64::from(back.get(i, j)))).collect());
            }
        }
        Parameters { layers }
    }

    /// All zero, in the same shape.
    pub fn zero_like(&self) -> Parameters {
        let mut zero = self.clone();
        zero.scale(0.0);
        zero
    }

    /// `self += factor * other`. Both have the same shape.
    pub fn add_scaled(&mut self, factor: f64, other: &Parameters) {
        for (mine, theirs) in self.layers.iter_mut().zip(&other.layers) {
            for (m, t) in mine.parts_mut().into_iter().zip(theirs.parts()) {
                for (m, t) in m.iter_mut().zip(t) {
                    *m += factor * t;
                }
            }
        }
    }

    /// `self *= factor`.
    pub fn scale(&mut self, factor: f64) {
        for layer in &mut self.layers {
            for part in layer.parts_mut() {
                part.iter_mut().for_each(|v| *v *= factor);
            }
        }
    }

    /// `self *= visited`, but for the weights that an update does not visit, as the reference does not. Those,
    /// `*= others`.
    pub fn scale_visited(&mut self, network: &Network, input: &[f64], visited: f64, others: f64) {
        for (l, layer) in (1..).zip(&mut self.layers) {
            let (post, leaves_out) = (layer.post, network.leaves_out_zeros(l));
            for (j, line) in layer.forward.chunks_exact_mut(post).enumerate() {
                let factor = if leaves_out && input[j] == 0.0 { others } else { visited };
                if factor != 1.0 {
                    line.iter_mut().for_each(|v| *v *= factor);
                }
            }
            let [_, bias, backward] = layer.parts_mut();
            bias.iter_mut().chain(backward).for_each(|v| *v *= visited);
        }
    }

    /// Every layer over a number of its own.
    pub fn divide_layers(&mut self, divisors: &[f64]) {
        for (layer, divisor) in self.layers.iter_mut().zip(divisors) {
            for part in layer.parts_mut() {
                part.iter_mut().for_each(|v| *v /= divisor);
            }
        }
    }

    /// Every number, layer by layer: forward weights, biases, backward weights.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.layers.iter().flat_map(|l| l.parts().into_iter().flatten().copied())
    }

    /// Every number, in the order of [`values`](Self::values), to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut f64> + '_ {
        self.layers.iter_mut().flat_map(|l| l.parts_mut().into_iter().flatten())
    }
}
