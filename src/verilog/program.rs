//! The phase ROM, and what the circuit can do with it.

use crate::design::{Circle, Design, Feedback, NudgeSign};
use crate::rules::{Coefficient, Contrast, Destination, Nudge, Op, Program, StateRef, Update};

/// Why the circuit cannot run a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the circuit cannot run `{op}`: {why}")]
pub struct Inexpressible {
    /// The operation.
    pub op: String,
    /// What it lacks.
    pub why: &'static str,
}

/// Refuses a program that the circuit of a design would run as another one. The ROM holds what each operation is, its nudge,
/// its slot and the post-synaptic operands of a contrast; all the rest is in the circuit.
///
/// # Errors
/// The first operation that is not what the circuit makes of it.
pub fn expressible(program: &Program, design: &Design) -> Result<(), Inexpressible> {
    for (ops, learns) in [(&program.train, true), (&program.last, true), (&program.infer, false)] {
        for op in ops {
            let why = [lacks(op, program, design), (!learns).then(|| learns_anyway(op)).flatten()];
            if let Some(why) = why.into_iter().flatten().next() {
                return Err(Inexpressible { op: format!("{op:?}"), why });
            }
        }
    }
    Ok(())
}

fn learns_anyway(op: &Op) -> Option<&'static str> {
    let learns = matches!(op, Op::Learn { .. } | Op::Apply | Op::Relax { plasticity: Some(_), .. });
    learns.then_some("samples that do not train change no weight")
}

/// What the circuit lacks for an operation.
fn lacks(op: &Op, program: &Program, design: &Design) -> Option<&'static str> {
    let random_sign = design.nudge_sign == NudgeSign::Random;
    match *op {
        Op::Relax { passes, nudge, plasticity } => {
            let steps = if nudge == Nudge::None { design.free_steps } else { design.nudged_steps };
            if program.order != design.order || passes != design.order.passes(steps) {
                return Some("a free phase has T steps, a nudged one K, in the order of the design");
            }
            if nudge == Nudge::BySample && !random_sign {
                return Some("the sign of its nudge is fixed");
            }
            if let (Nudge::Turned(k), points) = (nudge, design.circle.map_or(0, |c| c.points))
                && k >= points
            {
                return Some("its circle has fewer points");
            }
            let update = plasticity?;
            let (now, previous) = (StateRef::Now, StateRef::Previous);
            if (update.forward.post_a, update.forward.post_b) != (now, previous) {
                return Some("between two steps, synapses learn from the present and the previous states");
            }
            if design.is_batched() {
                return Some("a batch's contrasts are added up, and steps learn at once");
            }
            lacks_for_update(&update, design)
        }
        Op::Learn { update, into } => {
            if (into == Destination::Sums) != design.is_batched() {
                return Some("contrasts are added up in batches, and only there");
            }
            lacks_for_update(&update, design)
        }
        Op::Apply if !design.is_batched() => Some("there is no memory of sums"),
        Op::Save { slot } | Op::Load { slot } if slot > 1 => Some("there are two slots"),
        Op::Again { ops, times } => {
            let round = design.circle.and_then(Circle::repeated);
            (round != Some((ops, times))).then_some("what is repeated is the way round the circle")
        }
        Op::Apply | Op::Save { .. } | Op::Load { .. } | Op::Read => None,
    }
}

fn lacks_for_update(update: &Update, design: &Design) -> Option<&'static str> {
    let (a, b) = (update.forward.post_a, update.forward.post_b);
    if let Coefficient::Point(k) = update.coefficient {
        let present =
            Update { coefficient: update.coefficient, ..Update::products(StateRef::Now, StateRef::Now) };
        let visited = design.circle.is_some_and(|c| c.visited().any(|(point, _)| point == k));
        return (!visited || *update != present)
            .then_some("at a point of the circle, present states are looked at");
    }
    if design.is_complex() {
        return Some("complex states teach by the coefficients of their points");
    }
    let (forward, backward) = match design.feedback {
        Feedback::Tied | Feedback::KolenPollack => (Contrast::products(a, b), Contrast::products(a, b)),
        Feedback::VectorField => (Contrast::post_difference(a, b), Contrast::pre_difference(a, b)),
    };
    if (update.forward, update.backward) != (forward, backward) {
        return Some("the operands of its contrasts follow from the feedback of the design");
    }
    let by_sample = design.nudge_sign == NudgeSign::Random;
    if (update.coefficient == Coefficient::SignOfSample) != by_sample {
        return Some("contrasts count with the sign of the sample where the nudge does, and only there");
    }
    None
}

/// One word of the phase ROM.
pub(super) struct ProgramWord {
    pub address: usize,
    pub bits: String,
    pub text: String,
}

/// Where the programs of the phase ROM start; training starts at 0.
pub(super) struct Starts {
    /// A batch's last training sample.
    pub last: usize,
    pub infer: usize,
}

/// The phase ROM: the programs of training, of a batch's last sample (where it differs) and of inference, each with an
/// end.
pub(super) fn words(program: &Program) -> (Vec<ProgramWord>, Starts) {
    let batched = program.last != program.train;
    let programs = [Some(&program.train), Some(&program.last).filter(|_| batched), Some(&program.infer)];
    let mut words: Vec<ProgramWord> = Vec::new();
    for ops in programs.into_iter().flatten() {
        for (bits, text) in ops.iter().map(word).chain([plain(6, 0, "end")]) {
            words.push(ProgramWord { address: words.len(), bits, text });
        }
    }
    let training = program.train.len() + 1;
    let starts = if batched {
        Starts { last: training, infer: training + program.last.len() + 1 }
    } else {
        Starts { last: 0, infer: training }
    };
    (words, starts)
}

/// A word without a nudge and without operands.
fn plain(code: u32, slot: usize, text: &str) -> (String, String) {
    (format!("3'd{code}, 2'd0, 1'd0, 1'd{slot}, 3'b000, 3'b000"), text.to_owned())
}

fn word(op: &Op) -> (String, String) {
    let operand = |r: StateRef| match r {
        StateRef::Now => "3'b000".to_owned(),
        StateRef::Previous => "3'b010".to_owned(),
        StateRef::Slot(k) => format!("3'b1{}{}", 0, k & 1),
    };
    match *op {
        // How often is not in the ROM: `free_steps_i` or `nudged_steps_i`.
        Op::Relax { passes: _, nudge, plasticity } => {
            let (n, sign) = match nudge {
                Nudge::None => (0, "free"),
                Nudge::Plus => (1, "+beta"),
                Nudge::Minus => (2, "-beta"),
                Nudge::BySample => (3, "random sign of beta"),
                Nudge::Turned(k) => {
                    return (format!("3'd0, 2'd3, 1'd0, 1'd0, 6'd{k}"), format!("relax, beta at point {k}"));
                }
            };
            let plastic = u32::from(plasticity.is_some());
            let learns = if plastic == 1 { ", learn each step" } else { "" };
            (format!("3'd0, 2'd{n}, 1'd{plastic}, 1'd0, 3'b000, 3'b000"), format!("relax, {sign}{learns}"))
        }
        Op::Learn { update: Update { coefficient: Coefficient::Point(k), .. }, into: _ } => {
            (format!("3'd3, 2'd0, 1'd0, 1'd0, 6'd{k}"), format!("learn at point {k}"))
        }
        Op::Learn { update: Update { forward: c, .. }, into: _ } => (
            format!("3'd3, 2'd0, 1'd0, 1'd0, {}, {}", operand(c.post_a), operand(c.post_b)),
            format!("learn {:?} - {:?}", c.post_a, c.post_b),
        ),
        Op::Save { slot } => plain(1, slot, &format!("save {slot}")),
        Op::Load { slot } => plain(2, slot, &format!("load {slot}")),
        Op::Read => plain(4, 0, "read"),
        Op::Apply => plain(5, 0, "apply"),
        Op::Again { ops, times } => plain(7, 0, &format!("{ops} words back, {times} times in all")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{Order, load};
    use std::path::Path;

    fn shipped(name: &str) -> Design {
        load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("designs/{name}.toml"))).unwrap()
    }

    #[test]
    fn every_rule_of_a_design_can_be_expressed() {
        for name in ["batch", "cep", "cvf", "ep", "even-odd", "kp", "softmax", "symmetric"] {
            let design = shipped(&format!("digits-{name}"));
            assert_eq!(expressible(&Program::of(&design), &design), Ok(()), "{name}");
        }
    }

    #[test]
    fn whatever_the_circuit_would_run_as_another_program_is_refused() {
        use StateRef::{Now, Previous, Slot};
        let refused = |name: &str, edit: &dyn Fn(&mut Program)| {
            let design = shipped(name);
            let mut program = Program::of(&design);
            edit(&mut program);
            expressible(&program, &design).expect_err("it is another program").why
        };
        let learn = |update| Op::Learn { update, into: Destination::Weights };
        let last = |p: &mut Program, op| *p.train.last_mut().unwrap() = op;
        let plain = Update::products(Now, Slot(0));
        let crossed = Contrast { pre_a: Slot(0), ..plain.forward };

        // Operands that the ROM does not hold.
        let why = refused("digits-ep", &|p| last(p, learn(Update { forward: crossed, ..plain })));
        assert!(why.contains("operands"), "{why}");
        let why = refused("digits-ep", &|p| last(p, learn(Update { backward: crossed, ..plain })));
        assert!(why.contains("operands"), "{why}");
        let why = refused("digits-cvf", &|p| {
            let update = Update { coefficient: Coefficient::SignOfSample, ..Update::products(Now, Previous) };
            let Op::Relax { plasticity, .. } = p.train.last_mut().unwrap() else { panic!("it relaxes") };
            *plasticity = Some(update);
        });
        assert!(why.contains("operands"), "{why}");
        let why = refused("digits-cep", &|p| {
            let Op::Relax { plasticity, .. } = p.train.last_mut().unwrap() else { panic!("it relaxes") };
            *plasticity = Some(plain);
        });
        assert!(why.contains("present and the previous"), "{why}");
        // Signs, sums, slots, steps, order.
        let signed = Update { coefficient: Coefficient::SignOfSample, ..plain };
        assert!(refused("digits-ep", &|p| last(p, learn(signed))).contains("sign of the sample"));
        let into = Destination::Sums;
        assert!(refused("digits-ep", &|p| last(p, Op::Learn { update: plain, into })).contains("in batches"));
        assert!(refused("digits-batch", &|p| last(p, learn(plain))).contains("in batches"));
        assert!(refused("digits-ep", &|p| p.train.push(Op::Apply)).contains("memory of sums"));
        assert!(refused("digits-ep", &|p| p.train.insert(2, Op::Save { slot: 2 })).contains("two slots"));
        assert!(refused("digits-ep", &|p| p.infer.push(learn(plain))).contains("do not train"));
        assert!(refused("digits-ep", &|p| p.order = Order::EvenOdd).contains("order"));
        let passes =
            |p: &mut Program| p.infer[0] = Op::Relax { passes: 3, nudge: Nudge::None, plasticity: None };
        assert!(refused("digits-ep", &passes).contains("T steps"));
        let nudge = |p: &mut Program| {
            let Op::Relax { nudge, .. } = &mut p.train[3] else { panic!("it relaxes") };
            *nudge = Nudge::BySample;
        };
        assert!(refused("digits-ep", &nudge).contains("fixed"));
    }
}
