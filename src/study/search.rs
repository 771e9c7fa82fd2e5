//! The narrowest formats that still learn: a search, not a grid.
//!
//! For every setting of the study (its grid, without formats to be searched), the stored weights and the states of all
//! layers are narrowed from below, integer bits kept, until the mean test error over the seeds exceeds that of the
//! float oracle by more than a margin. Errors are taken to fall with every bit, so each search halves an interval;
//! what it ends with is trained, and so is its neighbour one bit below.

use super::file::{Axis, Bundle, Search, Setting, StudyFile, Synth};
use crate::design::Design;
use crate::fixed_point::Format;

/// Bits of stored weights, fraction bits of states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Widths {
    /// Bits of a stored weight of layer 1.
    pub weight: u32,
    /// Fraction bits of a state of layer 1.
    pub state: u32,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Narrowest {
    /// Even the widest formats miss the margin.
    None,
    /// The fewest weight bits with the fewest state bits beside them, and the other way round; often the same.
    Found {
        /// Weights narrowed first.
        weights_first: Widths,
        /// States narrowed first.
        states_first: Widths,
    },
}

impl Search {
    /// The widest formats.
    pub fn widest(&self) -> Widths {
        Widths { weight: *self.weight.end(), state: *self.state.end() }
    }

    /// Finds the narrowest formats; `good` trains and says whether they keep the margin (`Err` where it was stopped).
    ///
    /// # Errors
    /// Those of `good`.
    pub fn narrowest<E>(&self, mut good: impl FnMut(Widths) -> Result<bool, E>) -> Result<Narrowest, E> {
        let widest = self.widest();
        if !good(widest)? {
            return Ok(Narrowest::None);
        }
        let (weight, state) = (*self.weight.start(), *self.state.start());
        let w = least(weight, widest.weight, |weight| good(Widths { weight, ..widest }))?;
        let s = least(state, widest.state, |state| good(Widths { weight: w, state }))?;
        let weights_first = Widths { weight: w, state: s };
        let s = least(state, widest.state, |state| good(Widths { state, ..widest }))?;
        let w = least(weight, widest.weight, |weight| good(Widths { weight, state: s }))?;
        Ok(Narrowest::Found { weights_first, states_first: Widths { weight: w, state: s } })
    }
}

/// The least value from `low` to `high` that is good, where `high` is known to be.
fn least<E>(low: u32, high: u32, mut good: impl FnMut(u32) -> Result<bool, E>) -> Result<u32, E> {
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low + (high - low) / 2;
        if good(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(high)
}

/// The study of one setting: every axis reduced to one of its values. One study where there is no grid.
pub fn settings(study: &StudyFile) -> Vec<StudyFile> {
    let mut all = vec![Vec::new()];
    for axis in &study.grid {
        all = all
            .iter()
            .flat_map(|chosen: &Vec<Axis>| {
                axis.values.iter().map(move |value| {
                    let one = Axis { name: axis.name.clone(), values: vec![value.clone()] };
                    [&chosen[..], &[one]].concat()
                })
            })
            .collect();
    }
    // A study of the base design alone has it as its only point.
    let base = Bundle { label: "base design".to_owned(), settings: Vec::new(), verify: None, synth: None };
    let list = if study.grid.is_empty() { vec![base] } else { Vec::new() };
    let one = |grid| StudyFile { grid, list: list.clone(), random: None, ..study.clone() };
    all.into_iter().map(one).collect()
}

/// What a setting is called.
pub fn label(setting: &StudyFile) -> String {
    let words: Vec<String> =
        setting.grid.iter().map(|axis| format!("{} {}", axis.name, axis.values[0].label)).collect();
    if words.is_empty() { "the base design".to_owned() } else { words.join(", ") }
}

/// The study of one setting at one pair of widths; `design` is what the setting means with the formats it has.
pub fn at_widths(setting: &StudyFile, search: &Search, design: &Design, widths: Widths) -> StudyFile {
    let change = |from: u32, to: u32| to as i32 - from as i32;
    let weight = change(design.synapses[0].weight.width, widths.weight);
    let state = change(design.neurons[0].state.frac as u32, widths.state);
    let resized = |f: Format, by: i32| Format {
        width: f.width.saturating_add_signed(by).max(2),
        frac: f.frac + by,
        ..f
    };
    let read = |weight: Format, read: Format| {
        let width = read.width.min(weight.width);
        Format { width, frac: weight.frac - (weight.width - width) as i32, ..read }
    };
    let formats = |key: &str, list: Vec<Format>| {
        let texts: Vec<String> = list.iter().map(|f| format!("\"{f}\"")).collect();
        Setting {
            section: "formats".to_owned(),
            key: key.to_owned(),
            value: format!("[{}]", texts.join(", ")),
            at: search.at.clone(),
        }
    };
    let synapses = &design.synapses;
    let weights: Vec<Format> = synapses.iter().map(|s| resized(s.weight, weight)).collect();
    let reads = synapses.iter().zip(&weights).map(|(s, &w)| read(w, s.weight_read)).collect();
    let biases = synapses.iter().map(|s| resized(s.bias, weight)).collect();
    let states = design.neurons.iter().map(|n| resized(n.state, state)).collect();
    let axis = |name: &str, label: u32, settings: Vec<Setting>| Axis {
        name: name.to_owned(),
        values: vec![Bundle { label: label.to_string(), settings, verify: None, synth: None }],
    };
    let mut study = setting.clone();
    // What is only tried is not placed: that takes minutes.
    study.synth = Synth::None;
    study.list.clear();
    study.grid.push(axis(
        "weight bits",
        widths.weight,
        vec![formats("weight", weights), formats("weight_read", reads), formats("bias", biases)],
    ));
    study.grid.push(axis("state fraction bits", widths.state, vec![formats("state", states)]));
    study
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search() -> Search {
        Search { margin: 0.5, weight: 6..=20, state: 3..=10, at: 0..0 }
    }

    /// Narrowest of a network that needs `weight` and `state` bits, and together `sum`; and how many were tried.
    fn find(weight: u32, state: u32, sum: u32) -> (Narrowest, usize) {
        let mut tried = 0;
        let good = |w: Widths| {
            tried += 1;
            Ok::<_, ()>(w.weight >= weight && w.state >= state && w.weight + w.state >= sum)
        };
        (search().narrowest(good).expect("nothing stops it"), tried)
    }

    #[test]
    fn the_narrowest_is_found_in_few_steps() {
        let found = |weight, state| {
            let widths = Widths { weight, state };
            Narrowest::Found { weights_first: widths, states_first: widths }
        };
        for (weight, state) in [(6, 3), (20, 10), (11, 7), (13, 3)] {
            let (narrowest, tried) = find(weight, state, 0);
            assert_eq!(narrowest, found(weight, state));
            assert!(tried <= 1 + 2 * (4 + 3), "{tried}");
        }
        assert_eq!(find(21, 3, 0), (Narrowest::None, 1));
        let both = Narrowest::Found {
            weights_first: Widths { weight: 10, state: 10 },
            states_first: Widths { weight: 16, state: 4 },
        };
        assert_eq!(find(8, 4, 20).0, both);
    }
}
