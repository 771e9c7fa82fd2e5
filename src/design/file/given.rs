//! What was typed, with its place, and the judgements that need no other value.

use super::keys::{meaning as key_meaning, missing};
use super::ranges::{Numbers, range};
use super::typed::{At, OneOrMany, TypedFormat};
use crate::design::diagnostics::Refusal;
use crate::fixed_point::Format;
use std::ops::Range;
use toml::Spanned;

pub(super) type Span = Option<Range<usize>>;
pub(super) type Result<T> = std::result::Result<T, Refusal>;

/// A value and where it was typed; nowhere for a default.
#[derive(Clone)]
pub(super) struct Given<T> {
    pub value: T,
    pub at: Span,
}

impl<T> Given<T> {
    pub fn default(value: T) -> Self {
        Given { value, at: None }
    }
}

impl<T> From<Spanned<T>> for Given<T> {
    fn from(typed: Spanned<T>) -> Self {
        Given { at: Some(typed.span()), value: typed.into_inner() }
    }
}

impl From<Spanned<TypedFormat>> for Given<Format> {
    fn from(typed: Spanned<TypedFormat>) -> Self {
        Given { at: Some(typed.span()), value: typed.into_inner().0 }
    }
}

/// A section that must be there, and the place of its header.
pub(super) fn section<T>(typed: At<T>, name: &str, first_key: &str) -> Result<(T, Span)> {
    let found: Given<T> = typed.ok_or_else(|| missing(name, first_key, None))?.into();
    Ok((found.value, found.at))
}

/// A value that must be there.
pub(super) fn required<T>(typed: At<T>, section: &str, key: &str, header: &Span) -> Result<Given<T>> {
    typed.map(Given::from).ok_or_else(|| missing(section, key, header.clone()))
}

/// A section that may be absent.
pub(super) fn optional<T: Default>(typed: At<T>) -> (T, Span) {
    match typed.map(Given::from) {
        Some(found) => (found.value, found.at),
        None => (T::default(), None),
    }
}

/// A whole number within bounds.
pub(super) fn whole(given: &Given<i64>, section: &str, key: &str) -> Result<i64> {
    let range = range(section, key);
    let inside = match range {
        // Another refusal names the powers beside a number that is none.
        Numbers::PowerOfTwo { from, to } => (from..=to).contains(&given.value),
        _ => range.has(given.value as f64),
    };
    if inside { Ok(given.value) } else { Err(outside(given.value, &given.at, section, key)) }
}

/// A number that its key takes.
pub(super) fn real(given: &Given<f64>, section: &str, key: &str) -> Result<f64> {
    let inside = range(section, key).has(given.value);
    if inside { Ok(given.value) } else { Err(outside(given.value, &given.at, section, key)) }
}

fn outside(value: impl std::fmt::Display, at: &Span, section: &str, key: &str) -> Refusal {
    Refusal::new(
        format!("{}-out-of-range", key.to_lowercase().replace('_', "-")),
        format!("{value} is no possible `{key}`"),
        format!("`{key}` is {}", key_meaning(section, key)),
    )
    .at(at.clone(), range(section, key).bounds())
}

/// A number above zero; not infinite, not NaN.
pub(super) fn positive(given: &Given<f64>, section: &str, key: &str) -> Result<f64> {
    if given.value > 0.0 && given.value.is_finite() {
        return Ok(given.value);
    }
    Err(Refusal::new(
        format!("{}-out-of-range", key.to_lowercase().replace('_', "-")),
        format!("{} is no possible `{key}`", given.value),
        format!("write a number above 0; `{key}` is {}", key_meaning(section, key)),
    )
    .at(given.at.clone(), "not above 0"))
}

/// One value for each of `count` layers.
pub(super) fn per_layer<T: Copy, U>(
    typed: Spanned<OneOrMany<T>>,
    count: usize,
    key: &str,
    into: impl Fn(T) -> U,
) -> Result<Vec<Given<U>>> {
    let at = Some(typed.span());
    match typed.into_inner() {
        OneOrMany::One(value) => Ok((0..count).map(|_| Given { value: into(value), at: at.clone() }).collect()),
        OneOrMany::Many(list) if list.len() == count => {
            Ok(list.into_iter().map(|v| Given { at: Some(v.span()), value: into(v.into_inner()) }).collect())
        }
        OneOrMany::Many(list) => Err(Refusal::new("values-not-one-per-layer", 
            format!("`{key}` has {} values, but the network has {count} layers behind the input", list.len()),
            format!("write {count} values, from the input towards the output, or one value without brackets for all of them"),
        )
        .at(at, format!("{count} values needed"))),
    }
}

/// A real number for people: four significant digits.
pub(super) fn short(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-12 {
        return format!("{value:e}");
    }
    let digits = (3 - value.abs().max(1e-12).log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
