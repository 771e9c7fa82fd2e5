//! What synapses make of two moments.

use super::dynamics::add_scaled;
use super::{FloatNetwork, Parameters};
use crate::design::Dynamics;
use crate::rules::{Coefficient, Contrast, StateRef, Update};

/// One product of a contrast: post-synaptic and pre-synaptic factors, as vectors over all neurons.
struct Term {
    post: Vec<f64>,
    pre: Vec<f64>,
}

impl FloatNetwork {
    /// `into += factor_l * (a_post a_pre - b_post b_pre)` for every synapse of every layer `l`, with `states` giving
    /// the moments' state vectors (algorithms 1.1, 1.2, 2.1, 2.2).
    ///
    /// Synapses see activities. Only the difference that an energy-based vector field learns from is one of states
    /// (algorithms 2.2).
    pub(super) fn contrast<'s>(
        &self,
        input: &[f64],
        update: Update,
        states: impl Fn(StateRef) -> &'s [f64],
        factors: &[f64],
        into: &mut Parameters,
    ) {
        let forward = self.terms(update.forward, &states);
        let bias = self.moved(update.forward.post_a, update.forward.post_b, &states);
        for (l, &factor) in (1..).zip(factors) {
            let layer = &mut into.layers[l - 1];
            let (above, post) = (self.span(l), layer.post);
            add_scaled(&mut layer.bias, factor, &bias[above.clone()]);
            let pre = |term: &Term| if l == 1 { input.to_vec() } else { term.pre[self.span(l - 1)].to_vec() };
            // Layer 1 has one factor that never moves, its input: there the difference is of the other alone.
            let terms = if l == 1 { &[Term { post: bias.clone(), pre: Vec::new() }][..] } else { &forward };
            for term in terms.iter().filter(|term| term.post[above.clone()].iter().any(|&p| p != 0.0)) {
                for (line, a) in layer.forward.chunks_exact_mut(post).zip(pre(term)) {
                    if a != 0.0 {
                        add_scaled(line, factor * a, &term.post[above.clone()]);
                    }
                }
            }
        }
        if into.layers.iter().all(|layer| layer.backward.is_none()) {
            return;
        }
        let backward = self.terms(update.backward, &states);
        for (l, &factor) in (1..).zip(factors) {
            let layer = &mut into.layers[l - 1];
            let Some(lines) = layer.backward.as_mut() else { continue };
            for term in &backward {
                for (line, &a) in lines.chunks_exact_mut(layer.post).zip(&term.pre[self.span(l - 1)]) {
                    add_scaled(line, factor * a, &term.post[self.span(l)]);
                }
            }
        }
    }

    /// `into += factor * (a_post a_pre - b_post b_pre)` for every synapse, between two vectors of activities (layers 1
    /// to L): the products' contrast of an arithmetic that makes its own activities.
    pub fn add_products(&self, input: &[f64], a: &[f64], b: &[f64], factor: f64, into: &mut Parameters) {
        let plain = FloatNetwork { dynamics: Dynamics::Prototypical, vector_field: false, ..self.clone() };
        let moments = |r| if r == StateRef::Now { a } else { b };
        let update = Update::products(StateRef::Now, StateRef::Previous);
        plain.contrast(input, update, moments, &vec![factor; self.output_layer()], into);
    }

    /// `into += factor * (a - b) from` for every synapse: a difference of post-synaptic activities (of pre-synaptic ones on
    /// the way back), times the others as they were at `from`. What a vector field learns between two vectors of activities.
    pub fn add_differences(
        &self,
        input: &[f64],
        a: &[f64],
        b: &[f64],
        from: &[f64],
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

    /// How far activities (states, for an energy-based vector field) have moved from `b` to `a`.
    fn moved<'s>(&self, a: StateRef, b: StateRef, states: &impl Fn(StateRef) -> &'s [f64]) -> Vec<f64> {
        let raw = self.vector_field && self.dynamics == Dynamics::Energy;
        let seen = |s: f64| if raw { s } else { self.activity(s) };
        states(a).iter().zip(states(b)).map(|(&a, &b)| seen(a) - seen(b)).collect()
    }

    /// A contrast as a sum of products of which one factor is a difference: nothing large cancels.
    fn terms<'s>(&self, c: Contrast, states: &impl Fn(StateRef) -> &'s [f64]) -> Vec<Term> {
        let seen = |r| self.activities(states(r));
        let by_post = || Term { post: self.moved(c.post_a, c.post_b, states), pre: seen(c.pre_a) };
        let by_pre = || Term { post: seen(c.post_b), pre: self.moved(c.pre_a, c.pre_b, states) };
        // a_post a_pre - b_post b_pre = (a_post - b_post) a_pre + b_post (a_pre - b_pre).
        match (c.post_a == c.post_b, c.pre_a == c.pre_b) {
            (true, true) => Vec::new(),
            (false, true) => vec![by_post()],
            (true, false) => vec![by_pre()],
            (false, false) => vec![by_post(), by_pre()],
        }
    }
}
