//! What `[data]` says becomes of the samples' values.

use super::given::{Given, Result};
use super::keys::meaning as key_meaning;
use super::typed::{At, Data, OneOrMany};
use crate::design::Preparation;
use crate::design::diagnostics::Refusal;
use crate::network::Shape;

/// Takes its keys from what was typed.
pub(super) fn preparation(data: &mut Data, input: Shape) -> Result<Preparation> {
    let scale = numbers(data.scale.take(), "scale", input, 1.0)?;
    if let Some(zero) = scale.iter().find(|given| given.value == 0.0) {
        return Err(Refusal::new(
            "data-scale-zero",
            "`scale` is 0: every sample would be the same",
            "write a number other than 0, such as `scale = 4.0`",
        )
        .at(zero.at.clone(), "nothing is left"));
    }
    let offset = numbers(data.offset.take(), "offset", input, 0.0)?;
    let values = |list: Vec<Given<f64>>| list.into_iter().map(|given| given.value).collect();
    Ok(Preparation { scale: values(scale), offset: values(offset) })
}

/// One number for all, or as many as channels or values.
fn numbers(typed: At<OneOrMany<f64>>, key: &str, input: Shape, default: f64) -> Result<Vec<Given<f64>>> {
    let Some(typed) = typed else { return Ok(vec![Given::default(default)]) };
    let at = Some(typed.span());
    let list: Vec<Given<f64>> = match typed.into_inner() {
        OneOrMany::One(value) => vec![Given { value, at: at.clone() }],
        OneOrMany::Many(list) => list.into_iter().map(Given::from).collect(),
    };
    if let Some(bad) = list.iter().find(|given| !given.value.is_finite()) {
        return Err(Refusal::new(
            "data-number-not-finite",
            format!("{} is no possible `{key}`", bad.value),
            format!("`{key}` is {}", key_meaning("data", key)),
        )
        .at(bad.at.clone(), "not finite"));
    }
    let (channels, values) = (input.channels, input.neurons());
    if [1, channels, values].contains(&list.len()) {
        return Ok(list);
    }
    let channel = match channels {
        1 => String::new(),
        _ if channels == values => String::new(),
        _ => format!("{channels} (one a channel) or "),
    };
    Err(Refusal::new(
        "values-not-one-per-channel",
        format!("`{key}` has {} values, and a sample {values} ({input})", list.len()),
        format!("write one number, or a list of {channel}{values} (one a value)"),
    )
    .at(at, "of what?"))
}
