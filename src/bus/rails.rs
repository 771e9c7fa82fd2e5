//! How often values lie at the ends of their number formats: the twin of `hdl/rail_counter.v`.

use crate::design::Design;
use crate::network::{PartName, Way};
use crate::reference::StepView;
use crate::schedule::{Layout, Visit};
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
    /// Takes note of the states that a step has committed.
    pub fn states(&mut self, design: &Design, layout: &Layout, view: &StepView<'_>) {
        for word in layout.committed(view.visits) {
            let (least, greatest) = rails_of_state(design, word.layer);
            let states = &view.records.of(PartName::State)[layout.network.span(word.layer)];
            for &state in &states[layout.neurons_of(word)] {
                let state = i64::from(state);
                self.states_at_least = self.states_at_least.wrapping_add((state == least).into());
                self.states_at_greatest = self.states_at_greatest.wrapping_add((state == greatest).into());
            }
        }
    }

    /// Takes note of a written chunk, its lanes as [`Signature::chunk`](crate::cosim::Signature::chunk) leaves them.
    pub fn weights(
        &mut self,
        design: &Design,
        layout: &Layout,
        Visit { layer: l, chunk, tap }: Visit,
        lanes: &[i32],
    ) {
        // Lanes beyond the layer's last neuron have no weight.
        let used = layout.weights.rows(l, chunk).len();
        let (least, greatest) = rails_of_weight(design, l, tap == layout.network.connection(l).taps());
        // A velocity is no weight.
        let ways = 1 + usize::from(layout.weights.beside(l, tap) == Some(Way::Back));
        for way in lanes.chunks_exact(layout.lanes).take(ways) {
            let at_rail = way[..used].iter().filter(|&&w| i64::from(w) == least || i64::from(w) == greatest);
            self.weights_at_rail = self.weights_at_rail.wrapping_add(at_rail.count() as u32);
        }
    }
}
