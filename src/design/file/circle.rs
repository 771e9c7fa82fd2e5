//! Holomorphic EP: the circle of its nudges, and what has to be analytic for it.

use super::choices::Choices;
use super::given::{Given, Result, Span, whole};
use super::typed::At;
use crate::design::diagnostics::Refusal;
use crate::design::{Activation, Circle, Dynamics, Feedback, NudgePlace, NudgeSign, Order, Readout, Rule};
use crate::fixed_point::{ComplexLogistic, Format};
use crate::network::Network;

/// The keys of a circle, as typed.
pub(super) struct Typed {
    pub points: At<i64>,
    pub periods: At<i64>,
    pub accumulate: At<bool>,
}

/// The circle that was asked for, and what the rule then is: one or two points in phases are EP and symmetric EP.
pub(super) fn circle(typed: Typed, choices: &mut Choices, rule_at: &Span) -> Result<Option<Circle>> {
    let points = typed.points.map(Given::from);
    let periods = typed.periods.map(Given::from);
    let accumulate: Option<Given<bool>> = typed.accumulate.map(Given::from);
    if choices.rule.value != Rule::HolomorphicEp {
        let keys = [
            points.map(|g| ("points", g.at)),
            periods.map(|g| ("periods", g.at)),
            accumulate.map(|g| ("accumulate", g.at)),
        ];
        let Some((key, at)) = keys.into_iter().flatten().next() else { return Ok(None) };
        return Err(Refusal::new(
            format!("{key}-not-used"),
            format!("`{key}` belongs to holomorphic EP, whose nudge walks round a circle"),
            format!("remove `{key}`, or write `name = \"holomorphic_ep\"`"),
        )
        .at(at, "not used")
        .also(choices.rule.at.clone(), "this rule"));
    }
    let points = points.ok_or_else(|| super::keys::missing("rule", "points", rule_at.clone()))?;
    let n = whole(&points, "rule", "points")? as u32;
    let periods = periods.map(|given| Ok(whole(&given, "rule", "periods")? as u32)).transpose()?;
    if let (None, 1 | 2) = (periods, n) {
        choices.rule.value = if n == 1 { Rule::Ep } else { Rule::SymmetricEp };
        return Ok(None);
    }
    if n < 3 {
        let message =
            format!("{n} points do not go round a circle: without phases there is no free state to subtract");
        let help = "write `points = 4` or more, or remove `periods`";
        return Err(Refusal::new("points-do-not-go-round", message, help).at(points.at, "too few"));
    }
    Ok(Some(Circle { points: n, periods, accumulates: accumulate.is_none_or(|given| given.value) }))
}

/// Refuses what is not an analytic function of a complex nudge.
pub(super) fn analytic(
    choices: &Choices,
    activation: &Given<Activation>,
    order: &Given<Order>,
    network: (&Network, &Span),
) -> Result<()> {
    let outside = choices.nudge.value == NudgePlace::Outside && choices.readout.value == Readout::Squared;
    let (layers, layers_at) = network;
    let all = [
        (
            "holomorphic-with-clip",
            activation.value != Activation::Logistic,
            &activation.at,
            "a clip has corners, and is no analytic function",
            "write `activation = \"logistic\"`",
        ),
        (
            "holomorphic-with-nudge-outside",
            outside,
            &choices.nudge.at,
            "a nudge from outside makes the output's state no analytic function of its drive",
            "write `nudge = \"inside\"`, or remove it",
        ),
        (
            "holomorphic-with-dynamics",
            choices.dynamics.value != Dynamics::Prototypical,
            &choices.dynamics.at,
            "complex states take the step of prototypical dynamics, `s <- rho(drive)`",
            "write `dynamics = \"prototypical\"`, or remove it",
        ),
        (
            "holomorphic-with-order",
            order.value != Order::Synchronous,
            &order.at,
            "complex states move all at once",
            "write `order = \"synchronous\"`, or remove it",
        ),
        (
            "holomorphic-with-vector-field",
            choices.feedback.value == Feedback::VectorField,
            &choices.feedback.at,
            "vector-field updates take differences of states; the points of a circle take products",
            "write `feedback = \"tied\"` or \"kolen_pollack\"",
        ),
        (
            "holomorphic-with-sign",
            choices.sign.value == NudgeSign::Random,
            &choices.sign.at,
            "the nudge takes every direction of the circle for every sample: there is no sign to draw",
            "remove `sign`",
        ),
        (
            "holomorphic-with-kernels",
            layers.has_kernels(),
            layers_at,
            "kernels have real states only",
            "choose layers of neurons, such as `layers = [64, 64, 10]`, or another rule",
        ),
    ];
    for (name, excluded, at, message, help) in all {
        if excluded {
            return Err(Refusal::new(name, message, help)
                .at(at.clone(), "not with holomorphic EP")
                .also(choices.rule.at.clone(), "this rule"));
        }
    }
    Ok(())
}

/// Refuses points that are applied one by one where a memory of sums is asked for.
pub(super) fn applied_at_once(
    circle: Option<Circle>,
    summed: bool,
    accumulate_at: &Span,
    what: &str,
    at: Span,
) -> Result<()> {
    match circle {
        Some(Circle { accumulates: false, .. }) if summed => Err(Refusal::new(
            "accumulate-with-sums",
            format!("{what} sums contrasts before the weights take them, and `accumulate = false` does not"),
            "remove `accumulate`",
        )
        .at(accumulate_at.clone(), "takes each point's at once")
        .also(at, "sums them")),
        _ => Ok(()),
    }
}

/// Most bits of a part of a complex state.
const MOST_STATE_BITS: u32 = 16;

/// Formats of complex neurons.
pub(super) fn complex(state: &Given<Format>, drive: &Given<Format>, softmax: bool) -> Result<()> {
    let (s, d) = (state.value, drive.value);
    let refuse = |name: &'static str, message: String, help: &str, at: &Span| {
        Err(Refusal::new(name, message, help).at(at.clone(), "of a complex number"))
    };
    // |rho| reaches 1.1 where the imaginary part of a drive is at its bound.
    if !softmax && (!s.signed || s.width as i32 - s.frac < 2) {
        let message = format!("`state` is {s}: the parts of a complex state have both signs and go beyond 1");
        return refuse(
            "complex-state-range",
            message,
            "write a signed format up to 2, such as `state = \"s12.10\"`",
            &state.at,
        );
    }
    if !d.signed || d.frac < 1 || d.width as i32 - d.frac < 1 {
        let message = format!(
            "`drive` is {d}: the imaginary part of a drive has both signs, and is looked at up to 1/2"
        );
        return refuse(
            "complex-drive-range",
            message,
            "write a signed format, such as `drive = \"s12.8\"`",
            &drive.at,
        );
    }
    if s.width > MOST_STATE_BITS {
        let message = format!("`state` is {s}: both parts of a complex state have to fit a word of 32 bits");
        return refuse(
            "complex-state-too-wide",
            message,
            "write at most 16 bits, such as `state = \"s12.10\"`",
            &state.at,
        );
    }
    if let Some(hindrance) = ComplexLogistic::hindrance(d, s).filter(|_| !softmax) {
        let message = format!("`drive` {d} with `state` {s}: {hindrance}");
        return refuse(
            "complex-table-too-long",
            message,
            "write `drive = \"s12.8\"` and `state = \"s12.10\"`",
            &drive.at,
        );
    }
    Ok(())
}
