//! What a comparison has exercised, as a file and as sentences.

use crate::design::Keys;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// All points of a design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The design's name.
    pub design: String,
    /// What its circuit depends on.
    pub circuit: Keys,
    /// Samples that were compared.
    pub samples: u64,
    /// Of these, samples whose arithmetic was looked into.
    pub looked_into: u64,
    /// Place by place.
    pub groups: Vec<Group>,
}

/// The points of one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The place.
    pub name: String,
    /// What can happen there.
    pub points: Vec<Point>,
    /// The widest number seen, where the place is a format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<Width>,
}

/// A format, and what was used of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Width {
    /// As a design file has it.
    pub format: String,
    /// Its bits.
    pub given: u32,
    /// Bits that hold all values seen.
    pub used: u32,
}

/// Something that can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// What.
    pub what: String,
    /// How often it was seen.
    pub seen: u64,
    /// Why it cannot happen, if it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<String>,
    /// What would make it happen.
    pub remedy: String,
}

impl Point {
    /// One that can happen.
    pub(super) fn new(what: impl Into<String>, seen: u64, remedy: &'static str) -> Point {
        Point { what: what.into(), seen, unreachable: None, remedy: remedy.to_owned() }
    }

    /// One that cannot, and why. (One that is seen all the same contradicts the proof: it is told as seen.)
    pub(super) fn never(self, proof: String) -> Point {
        Point { unreachable: Some(proof), ..self }
    }

    /// What is known of it.
    pub fn state(&self) -> State {
        match (self.seen, &self.unreachable) {
            (0, None) => State::Never,
            (0, Some(_)) => State::Unreachable,
            (_, None) => State::Exercised,
            (_, Some(_)) => State::Contradicted,
        }
    }
}

/// What is known of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was seen.
    Exercised,
    /// It was not, and could be.
    Never,
    /// It cannot be.
    Unreachable,
    /// It was said that it cannot be, and it was seen: a bug of the proof.
    Contradicted,
}

impl Group {
    pub(super) fn of(name: impl Into<String>, points: impl IntoIterator<Item = Point>) -> Group {
        Group { name: name.into(), points: points.into_iter().collect(), width: None }
    }

    /// Adds up what was seen of the same place. Points that only one of the two has (that of a phase of other length, say) are
    /// kept; what cannot be in one and can in the other can be.
    fn add(&mut self, other: &Group) {
        for theirs in &other.points {
            match self.points.iter_mut().find(|mine| mine.what == theirs.what) {
                Some(mine) => {
                    mine.seen += theirs.seen;
                    mine.unreachable = mine.unreachable.take().filter(|_| theirs.unreachable.is_some());
                }
                None => self.points.push(theirs.clone()),
            }
        }
        if let (Some(mine), Some(theirs)) = (&mut self.width, &other.width) {
            mine.used = mine.used.max(theirs.used);
        }
    }
}

/// Two reports cannot be added up: they are of different circuits, which differ in these keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("they are of different circuits: {0}")]
pub struct Unlike(pub String);

impl Report {
    /// All points with their places.
    pub fn points(&self) -> impl Iterator<Item = (&Group, &Point)> {
        self.groups.iter().flat_map(|group| group.points.iter().map(move |point| (group, point)))
    }

    /// How many points are known to be so.
    pub fn count(&self, state: State) -> usize {
        self.points().filter(|(_, point)| point.state() == state).count()
    }

    /// The points that are known to be so, in words: `layer 1, weight: the least number`.
    pub fn named(&self, state: State) -> impl Iterator<Item = String> {
        let of = self.points().filter(move |(_, point)| point.state() == state);
        of.map(|(group, point)| format!("{}: {}", group.name, point.what))
    }

    /// Adds up what another run of the same circuit has exercised.
    ///
    /// # Errors
    /// It is of another circuit.
    pub fn add(&mut self, other: &Report) -> Result<(), Unlike> {
        if self.circuit != other.circuit {
            let keys = self.circuit.differences(&other.circuit);
            let keys: Vec<String> = keys.iter().take(3).map(|k| format!("{k}")).collect();
            return Err(Unlike(keys.join(", ")));
        }
        self.samples += other.samples;
        self.looked_into += other.looked_into;
        for theirs in &other.groups {
            match self.groups.iter_mut().find(|mine| mine.name == theirs.name) {
                Some(mine) => mine.add(theirs),
                None => self.groups.push(theirs.clone()),
            }
        }
        Ok(())
    }

    /// Three points that were never exercised, and how many more there are; nothing where all were.
    pub fn never_in_short(&self) -> Option<Cow<'static, str>> {
        const SHOWN: usize = 3;
        let all: Vec<String> = self.named(State::Never).collect();
        let more = all.len().saturating_sub(SHOWN);
        let shown = all[..all.len().min(SHOWN)].join("; ");
        match (all.is_empty(), more) {
            (true, _) => None,
            (_, 0) => Some(shown.into()),
            _ => Some(format!("{shown}; {more} more").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seen: [u64; 3]) -> Report {
        let [a, b, c] = seen;
        let mut drive = Group::of(
            "layer 1, drive",
            [
                Point::new("the least number", a, "more"),
                Point::new("beyond it", b, "more").never("interval".to_owned()),
            ],
        );
        drive.width = Some(Width { format: "s8.4".to_owned(), given: 8, used: a as u32 });
        let other = Group::of("prediction", [Point::new("a tie", c, "more")]);
        Report {
            design: "d".to_owned(),
            circuit: Keys::default(),
            samples: 4,
            looked_into: 2,
            groups: vec![drive, other],
        }
    }

    #[test]
    fn points_are_seen_never_seen_or_cannot_be() {
        let r = report([5, 0, 0]);
        assert_eq!(
            [State::Exercised, State::Never, State::Unreachable, State::Contradicted].map(|s| r.count(s)),
            [1, 1, 1, 0]
        );
        assert_eq!(r.never_in_short().as_deref(), Some("prediction: a tie"));
        assert_eq!(
            report([0, 1, 1]).named(State::Contradicted).next().as_deref(),
            Some("layer 1, drive: beyond it")
        );
        assert_eq!(report([1, 0, 1]).never_in_short(), None);
    }

    #[test]
    fn runs_of_one_circuit_add_up_and_others_do_not() {
        let mut sum = report([5, 0, 0]);
        sum.add(&report([7, 0, 2])).expect("the same circuit");
        assert_eq!((sum.samples, sum.count(State::Never)), (8, 0));
        assert_eq!(sum.groups[0].points[0].seen, 12);
        assert_eq!(sum.groups[0].width.as_ref().map(|w| w.used), Some(7));
        let mut other = report([1, 0, 0]);
        other.groups[1].points[0].what = "no tie".to_owned();
        sum.add(&other).expect("the same circuit");
        assert_eq!(sum.named(State::Never).collect::<Vec<_>>(), ["prediction: no tie"]);
        assert_eq!(sum.count(State::Unreachable), 1);
        let design = include_str!("../../designs/digits-cep.toml");
        let design = crate::design::parse(std::path::Path::new("d.toml"), design).expect("it is shipped");
        other.circuit = Keys::of_circuit(&design);
        assert!(sum.add(&other).is_err_and(|e| e.0.contains("network.layers")));
    }
}
