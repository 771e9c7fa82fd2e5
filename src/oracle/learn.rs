//! What synapses make of two moments.

use super::synapses::{add_biases, add_products, add_scaled, placed};
use super::{FloatNetwork, Moment, Parameters};
use crate::design::Dynamics;
use crate::network::Connection;
use crate::rules::{Coefficient, Contrast, StateRef, Update};

/// One product of a contrast for one layer of synapses: a factor on the map above and one in the layer below.
struct Term {
    post: Vec<f64>,
    pre: Vec<f64>,
}

impl FloatNetwork {
    /// `into += factor_l * (a_post a_pre - b_post b_pre)` for every synapse of every layer `l`, with `states` giving
    /// the moments (algorithms 1.1 to 1.3, 2.1, 2.2).
    ///
    /// Synapses see activities. Only the difference that an energy-based vector field learns from is one of states
    /// (algorithms 2.2).
    pub(super) fn contrast<'s>(
        &self,
        input: &[f64],
        update: Update,
        states: impl Fn(StateRef) -> &'s Moment,
        factors: &[f64],
        into: &mut Parameters,
    ) {
        for ((l, c), &factor) in self.network.connections().zip(factors) {
            let layer = &mut into.layers[l - 1];
            let moved = self.moved_above(c, l, update.forward.post_a, update.forward.post_b, &states);
            add_biases(c, &mut layer.bias, factor, &moved);
            // Layer 1 has one factor that never moves, its input: there the difference is of the other alone.
            let terms = match l {
                1 => vec![Term { post: moved, pre: input.to_vec() }],
                _ => self.terms(c, l, update.forward, &states),
            };
            for Term { post, pre } in &terms {
                add_products(c, &mut layer.forward, factor, post, pre);
            }
            if let Some(lines) = &mut layer.backward {
                for Term { post, pre } in &self.terms(c, l, update.backward, &states) {
                    add_products(c, lines, factor, post, pre);
                }
            }
        }
    }

    /// `into += factor * (a_post a_pre - b_post b_pre)` for every synapse, between two moments whose states are
    /// activities: the products' contrast of an arithmetic that makes its own activities.
    pub fn add_contrast(&self, input: &[f64], a: &Moment, b: &Moment, factor: f64, into: &mut Parameters) {
        let plain = FloatNetwork { dynamics: Dynamics::Prototypical, vector_field: false, ..self.clone() };
        let moments = |r| if r == StateRef::Now { a } else { b };
        let update = Update::products(StateRef::Now, StateRef::Previous);
        plain.contrast(input, update, moments, &vec![factor; self.output_layer()], into);
    }

    /// `into += factor * (a - b) from` for every synapse: a difference of post-synaptic activities (of pre-synaptic ones on
    /// the way back), times the others as they were at `from`. What a vector field learns between two moments of activities.
    pub fn add_differences(
        &self,
        input: &[f64],
        a: &Moment,
        b: &Moment,
        from: &Moment,
        factor: f64,
        into: &mut Parameters,
    ) {
        let plain = FloatNetwork { dynamics: Dynamics::Prototypical, ..self.clone() };
        let (now, then) = (StateRef::Now, StateRef::Previous);
        let still = StateRef::Slot(0);
        let update = Update {
            forward: Contrast { post_a: now, pre_a: still, post_b: then, pre_b: still },
            backward: Contrast { post_a: still, pre_a: now, post_b: still, pre_b: then },
            coefficient: Coefficient::One,
        };
        let moments = |r| match r {
            StateRef::Now => a,
            StateRef::Previous => b,
            StateRef::Slot(_) => from,
        };
        plain.contrast(input, update, moments, &vec![factor; self.output_layer()], into);
    }

    /// How far the activities of a layer (its states, for an energy-based vector field) have moved from `b` to `a`, on the
    /// map below it.
    fn moved_above<'s>(
        &self,
        c: &Connection,
        l: usize,
        a: StateRef,
        b: StateRef,
        states: &impl Fn(StateRef) -> &'s Moment,
    ) -> Vec<f64> {
        let shown = |r| {
            let (moment, span) = (states(r), self.span(l));
            let seen = moment.states[span.clone()].iter().map(|&s| self.seen_moving(s));
            placed(c, &seen.collect::<Vec<_>>(), &moment.corners[span])
        };
        let mut moved = shown(a);
        add_scaled(&mut moved, -1.0, &shown(b));
        moved
    }

    /// As [`moved_above`](Self::moved_above), of the layer below.
    fn moved_below<'s>(
        &self,
        l: usize,
        a: StateRef,
        b: StateRef,
        states: &impl Fn(StateRef) -> &'s Moment,
    ) -> Vec<f64> {
        let span = self.span(l - 1);
        let pairs = states(a).states[span.clone()].iter().zip(&states(b).states[span]);
        pairs.map(|(&a, &b)| self.seen_moving(a) - self.seen_moving(b)).collect()
    }

    fn seen_moving(&self, state: f64) -> f64 {
        if self.vector_field && self.dynamics == Dynamics::Energy { state } else { self.activity(state) }
    }

    /// A contrast of layer `l` (2 to L) as a sum of products of which one factor is a difference: nothing large cancels.
    fn terms<'s>(
        &self,
        connection: &Connection,
        l: usize,
        c: Contrast,
        states: &impl Fn(StateRef) -> &'s Moment,
    ) -> Vec<Term> {
        let above = |r| {
            let (moment, span) = (states(r), self.span(l));
            placed(connection, &self.activities(&moment.states[span.clone()]), &moment.corners[span])
        };
        let below = |r| self.activities(&states(r).states[self.span(l - 1)]);
        let by_post = || Term {
            post: self.moved_above(connection, l, c.post_a, c.post_b, states),
            pre: below(c.pre_a),
        };
        let by_pre = || Term { post: above(c.post_b), pre: self.moved_below(l, c.pre_a, c.pre_b, states) };
        // a_post a_pre - b_post b_pre = (a_post - b_post) a_pre + b_post (a_pre - b_pre).
        match (c.post_a == c.post_b, c.pre_a == c.pre_b) {
            (true, true) => Vec::new(),
            (false, true) => vec![by_post()],
            (true, false) => vec![by_pre()],
            (false, false) => vec![by_post(), by_pre()],
        }
    }
}
