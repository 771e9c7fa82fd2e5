//! Momentum, and the formats of velocities.

use super::formats::{constant, formats, signed};
use super::given::{Given, Result, real};
use super::typed::{At, OneOrMany, TypedFormat};
use crate::design::diagnostics::Refusal;
use crate::design::{Feedback, Momentum, Rule, Synapses};
use crate::fixed_point::Format;

/// Most fraction bits of a velocity below its weight's.
const MOST_FINER: i32 = 16;

/// Momentum, if it was asked for.
pub(super) fn momentum(
    typed: Option<Given<f64>>,
    velocity: At<OneOrMany<TypedFormat>>,
    synapses: &[Synapses],
    (rule, feedback): (&Given<Rule>, &Given<Feedback>),
) -> Result<Option<Momentum>> {
    let Some(typed) = typed else {
        return match velocity.map(Given::from) {
            None => Ok(None),
            Some(Given { at, .. }) => Err(Refusal::new(
                "velocity-not-used",
                "without momentum there are no velocities",
                "remove `velocity`, or add `momentum`, such as `momentum = 0.9`, under [training]",
            )
            .at(at, "not used")),
        };
    };
    real(&typed, "training", "momentum")?;
    if rule.value == Rule::Cep {
        return Err(Refusal::new(
            "momentum-with-continual-rule",
            "continual updates change the weights at every step: a velocity belongs to the update of a sample or a batch",
            "remove `momentum`, or write `name = \"ep\"` or \"symmetric_ep\"",
        )
        .at(typed.at, "not with this rule")
        .also(rule.at.clone(), "this rule"));
    }
    if feedback.value != Feedback::Tied {
        return Err(Refusal::new(
            "momentum-with-separate-weights",
            "the memory beside the weights holds those of the way back, and velocities would lie there",
            "remove `momentum`, or write `feedback = \"tied\"`",
        )
        .at(typed.at, "not with this feedback")
        .also(feedback.at.clone(), "this feedback"));
    }
    let (width, finer) = velocities(velocity, synapses)?;
    let format = Format::unsigned(Momentum::FRAC, Momentum::FRAC as i32);
    let as_typed = Given { value: format, at: typed.at.clone() };
    let factor = constant(typed, as_typed, "momentum", "momentum")?;
    Ok(Some(Momentum { factor, width, finer }))
}

/// Bits of velocities, and of these the fraction bits below the weights'.
fn velocities(typed: At<OneOrMany<TypedFormat>>, synapses: &[Synapses]) -> Result<(u32, u32)> {
    let usual = |s: &Synapses| Format::signed(16, s.weight.frac + 4);
    let formats = formats(typed, synapses.len(), "velocity", |l| usual(&synapses[l]))?;
    let beside = |(f, s): (&Given<Format>, &Synapses)| (f.value.width, f.value.frac - s.weight.frac);
    let (width, finer) = beside((&formats[0], &synapses[0]));
    for (l, (format, s)) in (1..).zip(formats.iter().zip(synapses)) {
        signed(format, "velocity")?;
        if beside((format, s)) == (width, finer) && (0..=MOST_FINER).contains(&finer) {
            continue;
        }
        let lists = synapses.iter().map(|s| format!("\"{}\"", usual(s)));
        return Err(Refusal::new(
            "velocity-not-beside-weight",
            format!(
                "velocities are as wide in all layers and have as many fraction bits below the weight's (0 to {MOST_FINER}); {} does not lie so beside the weight {}",
                format.value, s.weight
            ),
            format!("write `velocity = [{}]`, or remove it", lists.collect::<Vec<_>>().join(", ")),
        )
        .at(format.at.clone(), format!("of synapse layer {l}")));
    }
    Ok((width, finer as u32))
}
