//! How often values lie at the ends of their number formats: the twin of `hdl/rail_counter.v`.

use crate::design::Design;
use crate::reference::StepView;
use crate::reference::weights::backward_layer;
use crate::schedule::Layout;
use serde::Serialize;

/// Least and greatest raw state of layer `l` (1 to L).
pub fn rails_of_state(design: &Design, l: usize) -> (i64, i64) {
    design.state_modes.overflow.bounds(design.neurons[l - 1].state)
}

/// Least and greatest raw weight, or bias, of synapse layer `l` (1 to L).
pub fn rails_of_weight(design: &Design, l: usize, bias: bool) -> (i64, i64) {
    let s = &design.synapses[l - 1];
    design.weight_modes.overflow.bounds(if bias { s.bias } else { s.weight })
}

/// The counters; they wrap as the hardware's do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rails {
    /// States committed at the least value of their format.
    pub states_at_least: u32,
    /// States committed at the greatest value of their format.
    pub states_at_greatest: u32,
    /// Weights and biases written at either end of their format.
    pub weights_at_rail: u32,
}

impl Rails {
    /// Takes note of what a step has committed.
    pub fn step(&mut self, design: &Design, layout: &Layout, view: &StepView<'_>) {
        if view.relaxed {
            for (l, layer) in (1..).zip(&layout.layers) {
                let (least, greatest) = rails_of_state(design, l);
                for &state in &view.states[layer.neuron_base..layer.neuron_base + layer.post] {
                    let state = i64::from(state);
                    self.states_at_least = self.states_at_least.wrapping_add((state == least).into());
                    self.states_at_greatest =
                        self.states_at_greatest.wrapping_add((state == greatest).into());
                }
            }
        }
        if view.learned {
            let mut lanes = vec![0; layout.lanes];
            for (l, chunk, column) in layout.columns(view.active_inputs) {
                let layer = layout.layers[l - 1];
                let first = chunk * layout.lanes;
                let used = (layer.post - first).min(layout.lanes);
                let (least, greatest) = rails_of_weight(design, l, column == layer.pre);
                let back = layout.has_backward(l, column).then(|| backward_layer(design, l));
                for from in std::iter::once(l).chain(back) {
                    view.weights.lanes(from, column, first, &mut lanes[..used]);
                    let at_rail = lanes[..used].iter().map(|&w| i64::from(w));
                    let count = at_rail.filter(|&w| w == least || w == greatest).count();
                    self.weights_at_rail = self.weights_at_rail.wrapping_add(count as u32);
                }
            }
        }
    }
}
