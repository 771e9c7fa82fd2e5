//! What `[data]` says becomes of the samples' values.

use super::given::{Given, Result, Span, whole};
use super::keys::meaning as key_meaning;
use super::typed::{At, Data, OneOrMany};
use crate::design::diagnostics::Refusal;
use crate::design::{Fill, Preparation};
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
    let flip = data.flip.take().map_or(Given::default(false), Given::from);
    let crop = crop(data, input)?;
    if flip.value {
        has_places(input, &flip.at)?;
    }
    let fill = fill(data, crop)?;
    Ok(Preparation { scale: values(scale), offset: values(offset), flip: flip.value, crop, fill })
}

/// The places by which images are padded: fewer than an image has.
fn crop(data: &mut Data, input: Shape) -> Result<usize> {
    let given = data.crop.take().map_or(Given::default(0), Given::from);
    let crop = whole(&given, "data", "crop")? as usize;
    if crop > 0 {
        has_places(input, &given.at)?;
    }
    let least = input.rows.min(input.columns);
    if crop > 0 && crop >= least {
        return Err(Refusal::new(
            "crop-beyond-image",
            format!("a window moved by {crop} places can lie beside an image of {input}"),
            format!("write `crop = {}` or less", least - 1),
        )
        .at(given.at, format!("below {least}")));
    }
    Ok(crop)
}

/// What images are padded with, where they are.
fn fill(data: &mut Data, crop: usize) -> Result<Fill> {
    let Some(given) = data.crop_fill.take().map(Given::from) else { return Ok(Fill::default()) };
    if crop > 0 {
        return Ok(given.value);
    }
    Err(Refusal::new(
        "crop-fill-not-used",
        "`crop_fill` is what cropped images are padded with, and none are cropped",
        "remove `crop_fill`, or add `crop`, such as `crop = 4`",
    )
    .at(given.at, "not used"))
}

/// Refuses to turn or move what is no image.
fn has_places(input: Shape, at: &Span) -> Result<()> {
    if input.places() > 1 {
        return Ok(());
    }
    Err(Refusal::new(
        "augmentation-of-no-image",
        format!(
            "only images can be turned and moved, and the input is {input} values without rows and columns"
        ),
        "begin `layers` with the images' rows, columns and channels, such as \"28x28x1\", or remove this",
    )
    .at(at.clone(), "not of an image"))
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
