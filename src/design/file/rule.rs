//! What the rule's numbers mean: beta, batch, decay, and the angle of separate weights.

use super::formats::{constant, finest, format, not_below_zero};
use super::given::{Given, Result, real, whole};
use super::typed::{At, TypedFormat};
use crate::design::diagnostics::Refusal;
use crate::design::{Constant, Feedback, Rule};
use crate::fixed_point::Format;

/// Beta, in its format.
pub(super) fn nudge(beta: Given<f64>, typed: At<TypedFormat>) -> Result<Constant> {
    if beta.value == 0.0 || !beta.value.is_finite() {
        return Err(Refusal::new(
            "beta-zero",
            format!("`beta` is {}: the nudged phase would teach nothing", beta.value),
            "write a number other than 0, such as `beta = 0.2`",
        )
        .at(beta.at, "no nudge"));
    }
    let nudge_format = format(typed, Format::signed(16, 12));
    not_below_zero(&nudge_format, "nudge", "u8.8")?;
    constant(beta, nudge_format, "nudge", "beta")
}

/// Samples per update.
pub(super) fn batch(
    typed: Option<Given<i64>>,
    rule: &Given<Rule>,
    feedback: &Given<Feedback>,
) -> Result<u32> {
    let given = typed.unwrap_or(Given::default(1));
    let batch = whole(&given, "rule", "batch")? as u32;
    if batch > 1 && rule.value == Rule::Cep {
        return Err(Refusal::new("batch-with-continual-rule", 
            "continual updates change the weights at every step: a chip that runs one sample after the other cannot \
             sum them over a batch",
            "remove `batch`, or write `name = \"ep\"`",
        )
        .at(given.at, "not with this rule")
        .also(rule.at.clone(), "this rule"));
    }
    if batch > 1 && feedback.value == Feedback::VectorField {
        return Err(Refusal::new("batch-with-vector-field", 
            "a vector field has another contrast on the way back, and there is one memory for sums over a batch",
            "remove `batch`, or write `feedback = \"kolen_pollack\"` or \"tied\"",
        )
        .at(given.at, "not with this feedback")
        .also(feedback.at.clone(), "this feedback"));
    }
    Ok(batch)
}

/// Psi, which only separate weights have.
pub(super) fn angle(typed: Option<Given<f64>>, feedback: &Given<Feedback>) -> Result<f64> {
    let Some(angle) = typed else { return Ok(0.0) };
    if feedback.value == Feedback::Tied {
        return Err(Refusal::new(
            "angle-of-tied-weights",
            "tied weights serve both ways: there is no angle between them",
            "remove `angle`, or write `feedback = \"vector_field\"` or \"kolen_pollack\"",
        )
        .at(angle.at, "not used"));
    }
    real(&angle, "rule", "angle")
}

/// The weight decay, zero where none was asked for.
pub(super) fn weight_decay(
    typed: At<f64>,
    format: At<TypedFormat>,
    feedback: &Given<Feedback>,
) -> Result<Constant> {
    let wanted = typed.map_or(Given::default(0.0), Given::from);
    real(&wanted, "rule", "weight_decay")?;
    if wanted.value == 0.0 {
        if feedback.value == Feedback::KolenPollack {
            return Err(Refusal::new("decay-missing", 
                "Kolen-Pollack weights align by decay: without it the two ways keep their first difference for ever",
                "add `weight_decay`, such as `weight_decay = 0.0001`, under [rule]",
            )
            .at(feedback.at.clone(), "needs `weight_decay`"));
        }
        return Ok(Constant::nearest(0.0, Format::unsigned(1, 0)));
    }
    let format = format.map_or(Given::default(finest(wanted.value, false, 8)), Given::from);
    constant(wanted, format, "decay", "weight_decay")
}
