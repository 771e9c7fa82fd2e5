//! Weights that somebody brings: those of an earlier training, or a network's that was trained elsewhere.
//!
//! Arrays named `w1`, `b1`, ... ([`parts`]) are taken as named: integers as raw values on the grid that `w1_frac` says (or the
//! design's), floats as real numbers. Of other names, as PyTorch gives them, those of two or more dimensions are the weights
//! of layer after layer, in the order of the file, and those of one dimension the biases.

use super::Weights;
use super::weights::{Part, parts, shapes};
use crate::data::NamedArray;
use crate::design::{Design, printable};
use crate::fixed_point::Format;
use std::collections::BTreeMap;

/// What became of one matrix, or of a layer's biases.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// As [`parts`] names it.
    pub name: String,
    /// As the file does.
    pub from: String,
    /// Largest distance between what was brought and what its format holds.
    pub error: f64,
    /// The format.
    pub format: Format,
}

/// Why what was brought is no network of a design.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BroughtError {
    /// Arrays that it needs are not there.
    #[error("there is no array {} (the file has {}); name them w1, b1, ... (rows: post-synaptic), or give them layer after layer",
        listed(missing), if found.is_empty() { "none of numbers that could be one".to_owned() } else { listed(found) })]
    Missing {
        /// Of the design.
        missing: Vec<String>,
        /// Of the file.
        found: Vec<String>,
    },
    /// There are more than the design has layers.
    #[error("array `{0}` would be {1}, which this design does not have")]
    Extra(String, String),
    /// One has another shape.
    #[error(
        "array `{from}` has the shape {found:?}, and {name} needs {wanted:?}: a row for each post-synaptic neuron (or channel)"
    )]
    Shape {
        /// In the file.
        from: String,
        /// In the design.
        name: String,
        /// Of the array.
        found: Vec<usize>,
        /// Of the design.
        wanted: Vec<usize>,
    },
    /// A value is none.
    #[error("array `{from}`, value {at}, is {value}: {wanted}")]
    Value {
        /// In the file.
        from: String,
        /// From 0, the last dimension running fastest.
        at: usize,
        /// What is there.
        value: f64,
        /// What should be.
        wanted: String,
    },
}

/// `a, b and 3 more`, as a screen can show it.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| printable(name, 80)).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Most numbers that an array of a design's weights has.
pub fn largest(design: &Design) -> usize {
    shapes(design).into_iter().map(|(rows, columns)| rows * columns).max().unwrap_or(0)
}

/// The weights of a design from what was brought; what nobody brings (velocities, a way back) is as it is at the start.
///
/// # Errors
/// An array is missing, or is no matrix of this design.
pub fn weights(design: &Design, arrays: &[NamedArray]) -> Result<(Weights, Vec<Taken>), BroughtError> {
    let parts = parts(design);
    let given = by_part(arrays, &parts)?;
    let needed = parts.iter().filter(|p| p.layer < design.output_layer());
    let missing: Vec<String> =
        needed.filter(|p| !given.contains_key(&*p.name)).map(|p| p.name.clone()).collect();
    if !missing.is_empty() {
        let found = arrays.iter().map(|a| a.name.clone()).collect();
        return Err(BroughtError::Missing { missing, found });
    }
    let mut weights = Weights::initial(design);
    let mut taken = Vec::new();
    for part in &parts {
        let Some(array) = given.get(&*part.name) else { continue };
        let frac = arrays.iter().find(|a| a.name == format!("{}_frac", part.name));
        let frac = frac.and_then(|a| a.values.first()).map_or(part.format.frac, |&frac| frac as i32);
        let error = take(part, array, frac, &mut weights)?;
        taken.push(Taken { name: part.name.clone(), from: array.name.clone(), error, format: part.format });
    }
    Ok((weights, taken))
}

/// Which array is which part.
fn by_part<'a>(
    arrays: &'a [NamedArray],
    parts: &[Part],
) -> Result<BTreeMap<String, &'a NamedArray>, BroughtError> {
    let known = |name: &str| parts.iter().any(|p| p.name == name);
    if arrays.iter().any(|a| a.name == "w1") {
        return Ok(arrays.iter().filter(|a| known(&a.name)).map(|a| (a.name.clone(), a)).collect());
    }
    let mut given = BTreeMap::new();
    let (mut matrices, mut vectors) = (0, 0);
    for array in arrays {
        let name = match array.shape.len() {
            0 => continue,
            1 => {
                vectors += 1;
                format!("b{vectors}")
            }
            _ => {
                matrices += 1;
                format!("w{matrices}")
            }
        };
        if !known(&name) {
            return Err(BroughtError::Extra(printable(&array.name, 80), name));
        }
        given.insert(name, array);
    }
    Ok(given)
}

/// Puts an array in its place; the largest error that it makes there.
fn take(part: &Part, array: &NamedArray, frac: i32, weights: &mut Weights) -> Result<f64, BroughtError> {
    let columns = part.columns(weights);
    let layer = &mut weights.layers[part.layer];
    let (rows, wide) = (layer.rows, columns.len());
    let shape = |wanted: Vec<usize>| BroughtError::Shape {
        from: array.name.clone(),
        name: part.name.clone(),
        found: array.shape.clone(),
        wanted,
    };
    let there: usize = array.shape.iter().skip(1).product();
    if array.shape.first() != Some(&rows) || there != wide || array.values.len() != rows * wide {
        return Err(shape(if part.bias { vec![rows] } else { vec![rows, wide] }));
    }
    // PyTorch's kernels are (out, in, rows, columns); here channels run fastest.
    let place = |column: usize| match array.shape[..] {
        [_, channels, _, kernel_columns] if channels > 0 && kernel_columns > 0 => {
            let (channel, tap) = (column % channels, column / channels);
            channel * (wide / channels) + tap
        }
        _ => column,
    };
    let raw = array.whole && frac == part.format.frac;
    let mut largest = 0f64;
    for row in 0..rows {
        for column in 0..wide {
            let index = row * wide + place(column);
            let value = array.values[index];
            let real = if array.whole { value * (-f64::from(frac)).exp2() } else { value };
            let wrong =
                |wanted: String| BroughtError::Value { from: array.name.clone(), at: index, value, wanted };
            if !real.is_finite() {
                return Err(wrong("every value must be finite".to_owned()));
            }
            let (min, max) = (part.format.min_raw(), part.format.max_raw());
            let kept = if raw { value as i64 } else { part.format.nearest(real) };
            if raw && !(min..=max).contains(&kept) {
                let format = part.format;
                return Err(wrong(format!("raw values of {format} lie from {min} to {max}")));
            }
            largest = largest.max((part.format.to_real(kept) - real).abs());
            let at = layer.at(row, columns.start + column);
            layer.raw[at] = kept as i32;
        }
    }
    Ok(largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn shipped(name: &str) -> Design {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("designs/{name}.toml"));
        crate::design::load(&path).expect("shipped designs load")
    }

    /// A design's initial weights as a framework has them: real numbers, `of` says under which name and in which shape.
    fn real(design: &Design, of: impl Fn(&Part, usize, usize) -> (String, Vec<usize>)) -> Vec<NamedArray> {
        let weights = Weights::initial(design);
        let array = |part: Part| {
            let (layer, columns) = (&weights.layers[part.layer], part.columns(&weights));
            let (name, shape) = of(&part, layer.rows, columns.len());
            let all = (0..layer.rows).flat_map(|row| columns.clone().map(move |column| (row, column)));
            let values =
                all.map(|(row, column)| part.format.to_real(layer.get(row, column).into())).collect();
            NamedArray { name, shape, values, whole: false }
        };
        parts(design).into_iter().filter(|p| p.layer < design.output_layer()).map(array).collect()
    }

    fn flat(part: &Part, rows: usize, columns: usize) -> (String, Vec<usize>) {
        (part.name.clone(), if part.bias { vec![rows] } else { vec![rows, columns] })
    }

    #[test]
    fn names_of_either_kind_bring_the_same_network() {
        let design = shipped("digits-ep");
        let named = real(&design, flat);
        let torch = real(&design, |part, rows, columns| {
            let kind = if part.bias { "bias" } else { "weight" };
            (format!("{}.{kind}", 2 * part.layer), flat(part, rows, columns).1)
        });
        for arrays in [&named, &torch] {
            let (found, taken) = weights(&design, arrays).expect("it is this design's");
            assert!(found == Weights::initial(&design));
            assert_eq!(
                taken.iter().map(|t| (t.name.as_str(), t.error)).collect::<Vec<_>>(),
                [("w1", 0.0), ("b1", 0.0), ("w2", 0.0), ("b2", 0.0)]
            );
        }
        assert_eq!(weights(&design, &torch).expect("it is").1[2].from, "2.weight");
    }

    #[test]
    fn real_numbers_go_to_the_nearest_and_integers_to_the_grid_that_they_name() {
        let design = shipped("digits-ep");
        let mut arrays = real(&design, flat);
        let format = design.synapses[0].weight;
        let step = (-f64::from(format.frac)).exp2();
        arrays[0].values[0] = 10.4 * step;
        arrays[0].values[1] = 1e9;
        let (found, taken) = weights(&design, &arrays).expect("it is this design's");
        assert_eq!([found.layers[0].get(0, 0), found.layers[0].get(0, 1)], [10, format.max_raw() as i32]);
        assert!((taken[0].error - (1e9 - format.to_real(format.max_raw()))).abs() < 1.0);
        // On a grid of half as many steps.
        arrays[0].values.iter_mut().for_each(|v| *v = 3.0);
        arrays[0].whole = true;
        let frac = f64::from(format.frac - 1);
        arrays.push(NamedArray {
            name: "w1_frac".to_owned(),
            shape: vec![1],
            values: vec![frac],
            whole: true,
        });
        let (found, _) = weights(&design, &arrays).expect("it is this design's");
        assert_eq!(found.layers[0].get(5, 5), 6);
    }

    /// PyTorch counts a kernel's columns fastest, then rows, then channels.
    #[test]
    fn kernels_are_turned() {
        let design = shipped("digits-conv");
        let mut arrays =
            real(&design, |part, rows, columns| match design.network.connection(part.layer + 1) {
                c if !part.bias && !c.is_dense() => {
                    (part.name.clone(), vec![rows, c.below().channels, c.grid().rows, c.grid().columns])
                }
                _ => flat(part, rows, columns),
            });
        for array in arrays.iter_mut().filter(|a| a.shape.len() == 4) {
            let [_, channels, rows, columns] = array.shape[..] else { continue };
            let taps = channels * rows * columns;
            let ours = array.values.clone();
            for (at, value) in array.values.iter_mut().enumerate() {
                let (row, rest) = (at / taps, at % taps);
                let (channel, place) = (rest / (rows * columns), rest % (rows * columns));
                *value = ours[row * taps + place * channels + channel];
            }
        }
        let (found, _) = weights(&design, &arrays).expect("it is this design's");
        assert!(found == Weights::initial(&design));
    }

    #[test]
    fn what_is_no_network_of_the_design_is_refused_by_name() {
        let design = shipped("digits-ep");
        let whole = real(&design, flat);
        let refused = |arrays: &[NamedArray]| match weights(&design, arrays) {
            Err(e) => e.to_string(),
            Ok(_) => "nothing".to_owned(),
        };
        assert!(refused(&[]).contains("no array w1, b1, w2, b2 (the file has none"));
        assert!(refused(&whole[..3]).contains("no array b2 (the file has w1, b1, w2)"));
        let mut narrow = whole.clone();
        narrow[2].shape = vec![10, 63];
        assert!(
            refused(&narrow).contains("`w2` has the shape [10, 63], and w2 needs [10, 64]"),
            "{}",
            refused(&narrow)
        );
        let mut other = whole.clone();
        other[1].values[3] = f64::NAN;
        assert!(refused(&other).contains("`b1`, value 3, is NaN"));
        let mut raw = whole.clone();
        raw[0].whole = true;
        raw[0].values[0] = 40_000.0;
        assert!(refused(&raw).contains("raw values of s16.13 lie from -32768 to 32767"), "{}", refused(&raw));
        let mut many: Vec<NamedArray> =
            whole.iter().map(|a| NamedArray { name: format!("x.{}", a.name), ..a.clone() }).collect();
        many.push(NamedArray { name: "x.w3".to_owned(), ..whole[2].clone() });
        assert!(refused(&many).contains("`x.w3` would be w3"));
    }
}
