//! A study file: what was typed, with the place of every value, and what it means.

mod reader;

use crate::design::{DesignError, Refusal};
use crate::synth::Device;
use crate::whole;
use reader::Reader;
use std::io;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

/// One field of a design set to one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Section of the design file.
    pub section: String,
    /// Key under it.
    pub key: String,
    /// The value as TOML text.
    pub value: String,
    /// Where it stands in the study file.
    pub at: Range<usize>,
}

/// Settings that go together: one value of an axis, or one listed point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// What reports call it.
    pub label: String,
    /// The fields that it sets.
    pub settings: Vec<Setting>,
    /// How much of these points is checked against the hardware, where it says so itself.
    pub verify: Option<Verify>,
    /// Where these points are placed, where it says so itself.
    pub synth: Option<Synth>,
}

/// One direction of a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Dotted path of a field, or a name of its own.
    pub name: String,
    /// The values.
    pub values: Vec<Bundle>,
}

/// Where one field of a random sample comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Draw {
    /// One of these.
    OneOf(Axis),
    /// A number between two bounds, both included.
    Between {
        /// The field; its value is to be filled in.
        field: Setting,
        /// Smallest.
        from: f64,
        /// Largest.
        to: f64,
        /// Whole numbers only: both bounds were typed as such.
        whole: bool,
        /// Evenly spread over the logarithm.
        logarithmic: bool,
    },
}

/// A random sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Random {
    /// How many points.
    pub points: u32,
    /// Keys the sample.
    pub seed: u32,
    /// The fields.
    pub draws: Vec<Draw>,
}

/// How much of a point is checked against the hardware.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// Nothing.
    #[default]
    None,
    /// The first samples of the training.
    First(u32),
    /// The whole training.
    All,
}

impl Verify {
    /// Reads `none`, `all` or `first N samples`.
    pub fn parse(text: &str) -> Option<Verify> {
        match text.split_whitespace().collect::<Vec<_>>()[..] {
            ["none"] => Some(Verify::None),
            ["all"] => Some(Verify::All),
            ["first", n, "sample" | "samples"] => n.parse().ok().filter(|&n: &u32| n > 0).map(Verify::First),
            _ => None,
        }
    }

    /// Samples to check of a training of so many.
    pub fn samples(self, all: u64) -> u64 {
        match self {
            Verify::None => 0,
            Verify::First(n) => all.min(n.into()),
            Verify::All => all,
        }
    }
}

/// Whether a point is synthesised and placed for what it costs in a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synth {
    /// It is not.
    #[default]
    None,
    /// On this device.
    On(Device),
}

impl Synth {
    /// Reads `none` or the name of a device.
    pub fn parse(text: &str) -> Option<Synth> {
        if text == "none" { Some(Synth::None) } else { text.parse().ok().map(Synth::On) }
    }

    /// The device, if any.
    pub fn device(self) -> Option<Device> {
        match self {
            Synth::None => None,
            Synth::On(device) => Some(device),
        }
    }
}

/// What `[search]` asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Percentage points by which the test error may exceed the oracle's.
    pub margin: f64,
    /// Bits of a stored weight (that of layer 1; other layers keep their distance to it).
    pub weight: RangeInclusive<u32>,
    /// Fraction bits of the states (those of layer 1; other layers keep their distance to it).
    pub state: RangeInclusive<u32>,
    /// Where it stands in the study file.
    pub at: Range<usize>,
}

/// What a study file asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyFile {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Heading of the report.
    pub title: String,
    /// The base design's file, seen from the working folder.
    pub base: PathBuf,
    /// Epochs instead of the base design's.
    pub epochs: Option<Setting>,
    /// Every point is trained with each of these.
    pub seeds: Vec<u32>,
    /// How much of every point is checked.
    pub verify: Verify,
    /// Where every point is placed.
    pub synth: Synth,
    /// The grid.
    pub grid: Vec<Axis>,
    /// Listed points.
    pub list: Vec<Bundle>,
    /// A random sample.
    pub random: Option<Random>,
    /// The narrowest formats to be searched for.
    pub search: Option<Search>,
}

/// Reads a study file.
///
/// # Errors
/// A file that cannot be read or used; the error points at the offending text and says what would be right.
pub fn load(path: &Path) -> Result<StudyFile, DesignError> {
    let read = whole::read_text(path).and_then(|b| String::from_utf8(b).map_err(io::Error::other));
    let text = read.map_err(|e| {
        Refusal::new(
            "file-unreadable",
            format!("cannot read the study file `{}`: {e}", path.display()),
            "give the path of a study file in UTF-8; docs/studies.md shows one",
        )
        .within(path, "")
    })?;
    parse(path, &text)
}

/// Reads the text of a study file; `path` names it in errors and is where its base design is looked for.
///
/// # Errors
/// As [`load`].
pub fn parse(path: &Path, text: &str) -> Result<StudyFile, DesignError> {
    let study = Reader { text }.study(path);
    // Before anybody makes them: the points, and the settings of a search.
    study.and_then(|s| few_enough(&s).map(|()| s)).map_err(|r| r.within(path, text))
}

/// Most points of a study: each is a design that is looked at before the first one is trained.
pub const MAX_POINTS: u64 = 10_000;

/// Counts the points before any of them is made.
fn few_enough(study: &StudyFile) -> Result<(), Refusal> {
    let times = |n: u64, more: usize| n.saturating_mul(more as u64);
    let grid = match &study.grid[..] {
        [] => 0,
        axes => axes.iter().fold(1, |n, axis| times(n, axis.values.len())),
    };
    let random = study.random.as_ref().map_or(0, |r| u64::from(r.points));
    let choices = grid.saturating_add(study.list.len() as u64).saturating_add(random);
    let points = times(choices, study.seeds.len());
    if points <= MAX_POINTS {
        return Ok(());
    }
    Err(Refusal::new(
        "points-too-many",
        format!("this study has {points} points; a study has at most {MAX_POINTS}"),
        "make several studies of it, give fewer values or seeds, or draw points at `random`",
    ))
}
