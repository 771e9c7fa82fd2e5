//! From a study file to its points: one design text each, every value of the study judged by itself first.

use super::edit;
use super::file::{Axis, Bundle, Draw, Random, Setting, StudyFile, Synth, Verify};
use crate::design::{self, Design, DesignError, Refusal, Shape};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The design file of a point: the base, and what is set in it. A study keeps its base once, however many
/// points it has.
#[derive(Clone, Debug)]
pub struct Text {
    base: Arc<str>,
    settings: Vec<Setting>,
    seed: u32,
}

impl Text {
    fn try_text(&self) -> Result<String, Refusal> {
        let mut text = self.base.to_string();
        for setting in &self.settings {
            text = apply(&text, setting)?;
        }
        Ok(edit::set(&text, "training", "seed", &self.seed.to_string()).unwrap_or(text))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // That every setting can be made was seen when the point was.
        f.write_str(&self.try_text().map_err(|_| fmt::Error)?)
    }
}

/// What one point sets, before its design is looked at.
#[derive(Clone, Debug)]
struct Choice {
    labels: Vec<(String, String)>,
    settings: Vec<Setting>,
    verify: Verify,
    synth: Synth,
}

/// One training of a study.
#[derive(Clone, Debug)]
pub struct Point {
    /// What distinguishes it, seeds apart: axis and value.
    pub labels: Vec<(String, String)>,
    /// Its seed.
    pub seed: u32,
    /// How much of it is checked against the hardware.
    pub verify: Verify,
    /// Where it is placed: only with the first seed, area and clock rate do not depend on it.
    pub synth: Synth,
    /// Its design file.
    pub text: Text,
    /// What that means, or why it means nothing.
    pub design: Result<Design, String>,
}

/// The points of a study.
///
/// # Errors
/// The base design cannot be used (the error points into that file), or a value of the study is wrong by itself (the
/// error points into the study). Values that only do not fit together make a broken point instead.
pub fn points(study: &StudyFile) -> Result<Vec<Point>, DesignError> {
    design::load(&study.base)?;
    let refuse = |r: Refusal| r.within(&study.path, &study.text);
    let read = crate::whole::read_text(&study.base);
    let base =
        read.and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other)).map_err(|e| {
            refuse(Refusal::new("base-unreadable", format!("cannot read the base design: {e}"), "try again"))
        })?;
    let base: Arc<str> = match &study.epochs {
        Some(epochs) => apply(&base, epochs).map_err(refuse)?.into(),
        None => base.into(),
    };
    let choices = choices(study).map_err(refuse)?;
    let mut judged = HashSet::new();
    for setting in study.epochs.iter().chain(choices.iter().flat_map(|c| &c.settings)) {
        if judged.insert((setting.at.clone(), &setting.value)) {
            judge(&base, setting).map_err(refuse)?;
        }
    }
    let mut points = Vec::new();
    for choice in &choices {
        for &seed in &study.seeds {
            points.push(point(study, &base, choice, seed).map_err(refuse)?);
        }
    }
    Ok(points)
}

fn apply(text: &str, s: &Setting) -> Result<String, Refusal> {
    edit::set(text, &s.section, &s.key, &s.value).ok_or_else(|| {
        Refusal::new(
            "field-not-settable",
            format!("`{}.{}` cannot be set in the base design", s.section, s.key),
            format!("write `[{}]` on a line of its own in the base design", s.section),
        )
        .at(Some(s.at.clone()), "this value")
    })
}

/// A value is refused when it is wrong whatever the others are: of the wrong type, or, alone in the base design,
/// refused for itself and not for a second value that it does not fit.
fn judge(base: &str, s: &Setting) -> Result<(), Refusal> {
    let text = apply(base, s)?;
    let Err(e) = design::parse(Path::new("point.toml"), &text) else { return Ok(()) };
    let place = edit::place(&text, &s.section, &s.key);
    let here = match (e.span(), place) {
        (Some(found), Some(place)) => found.start >= place.start && found.end <= place.end,
        _ => false,
    };
    if design::shape(&text) == Shape::Bad || (here && !e.involves_two_places()) {
        return Err(
            Refusal::new(e.name().to_owned(), e.message(), e.remedy()).at(Some(s.at.clone()), "this value")
        );
    }
    Ok(())
}

fn point(study: &StudyFile, base: &Arc<str>, choice: &Choice, seed: u32) -> Result<Point, Refusal> {
    let text = Text { base: Arc::clone(base), settings: choice.settings.clone(), seed };
    let file = text.try_text()?;
    let design =
        design::parse(Path::new("point.toml"), &file).map_err(|e| why_broken(study, choice, &file, &e));
    let synth = if study.seeds.first() == Some(&seed) { choice.synth } else { Synth::None };
    Ok(Point { labels: choice.labels.clone(), seed, verify: choice.verify, synth, text, design })
}

/// The design's error, at the line of the study that brought it about where there is one.
fn why_broken(study: &StudyFile, choice: &Choice, text: &str, e: &DesignError) -> String {
    let within = |s: &&Setting| match (e.span(), edit::place(text, &s.section, &s.key)) {
        (Some(found), Some(place)) => found.start >= place.start && found.end <= place.end,
        _ => false,
    };
    let line = choice.settings.iter().find(within).map(|s| line_of(&study.text, s.at.start));
    let place = line.map(|l| format!("{}:{l}: ", study.path.display())).unwrap_or_default();
    format!("{place}{}; {}", e.message(), e.remedy())
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|&b| b == b'\n').count()
}

fn choices(study: &StudyFile) -> Result<Vec<Choice>, Refusal> {
    let start = Choice { labels: Vec::new(), settings: Vec::new(), verify: study.verify, synth: study.synth };
    let mut all = Vec::new();
    if !study.grid.is_empty() {
        all.extend(grid(&study.grid, &start)?);
    }
    for (n, bundle) in study.list.iter().enumerate() {
        let label = if bundle.label.is_empty() { (n + 1).to_string() } else { bundle.label.clone() };
        all.push(with(&start, "point", &Bundle { label, ..bundle.clone() })?);
    }
    if let Some(random) = &study.random {
        all.extend(sample(random, &start)?);
    }
    Ok(all)
}

fn grid(axes: &[Axis], start: &Choice) -> Result<Vec<Choice>, Refusal> {
    let mut choices = vec![start.clone()];
    for axis in axes {
        let mut next = Vec::new();
        for choice in &choices {
            for value in &axis.values {
                next.push(with(choice, &axis.name, value)?);
            }
        }
        choices = next;
    }
    Ok(choices)
}

fn with(choice: &Choice, name: &str, value: &Bundle) -> Result<Choice, Refusal> {
    let mut next = choice.clone();
    next.labels.push((name.to_owned(), value.label.clone()));
    next.verify = value.verify.unwrap_or(choice.verify);
    next.synth = value.synth.unwrap_or(choice.synth);
    for s in &value.settings {
        if let Some(first) = next.settings.iter().find(|o| (&o.section, &o.key) == (&s.section, &s.key)) {
            return Err(Refusal::new(
                "field-twice",
                format!("`{}.{}` is set twice for one point", s.section, s.key),
                "let only one axis set a field",
            )
            .at(Some(s.at.clone()), "again here")
            .also(Some(first.at.clone()), "set here"));
        }
        next.settings.push(s.clone());
    }
    Ok(next)
}

fn sample(random: &Random, start: &Choice) -> Result<Vec<Choice>, Refusal> {
    let mut choices = Vec::new();
    for n in 0..random.points {
        let mut choice = start.clone();
        for (d, draw) in random.draws.iter().enumerate() {
            let u = uniform(random.seed, n, d);
            let (name, bundle) = drawn(draw, u);
            choice = with(&choice, &name, &bundle)?;
        }
        choices.push(choice);
    }
    Ok(choices)
}

fn drawn(draw: &Draw, u: f64) -> (String, Bundle) {
    match draw {
        Draw::OneOf(axis) => {
            let index = ((u * axis.values.len() as f64) as usize).min(axis.values.len() - 1);
            (axis.name.clone(), axis.values[index].clone())
        }
        Draw::Between { field, from, to, whole, logarithmic } => {
            let to = if *whole { to + 1.0 } else { *to };
            let x = if *logarithmic { from * (to / from).powf(u) } else { from + u * (to - from) };
            let value = if *whole { format!("{}", x.floor() as i64) } else { four_digits(x) };
            let setting = Setting { value: value.clone(), ..field.clone() };
            let name = format!("{}.{}", field.section, field.key);
            (name, Bundle { label: value, settings: vec![setting], verify: None, synth: None })
        }
    }
}

/// Four significant digits, as TOML writes a float.
fn four_digits(x: f64) -> String {
    format!("{:?}", format!("{x:.3e}").parse::<f64>().unwrap_or(x))
}

/// A number from 0 to below 1 that only depends on the seed, the point and the field's place.
fn uniform(seed: u32, point: u32, field: usize) -> f64 {
    let hash = Sha256::digest(format!("study sample {seed} {point} {field}"));
    let bits = hash.iter().take(6).fold(0u64, |n, &b| n << 8 | u64::from(b));
    bits as f64 / (1u64 << 48) as f64
}
