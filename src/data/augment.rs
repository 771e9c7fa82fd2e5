//! Training images turned and moved at random: a function of the design's seed and of the sample's number in the
//! training, so that the model, the oracle and the Verilog see the same, and any sample can be shown again alone.

use super::order::below;
use crate::design::{Design, Fill};
use crate::fixed_point::{Purpose, absorb, row_bits, step_key};
use crate::network::{Place, Shape};

/// Shows images of one design turned and moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Augment<T> {
    shape: Shape,
    seed: u32,
    flip: bool,
    crop: usize,
    fill: Fill,
    /// What each neuron is given outside of the image: a loaded value of 0.
    zero: Vec<T>,
}

/// How an image is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct View {
    /// Left for right.
    flipped: bool,
    /// First row and column of the window in the padded image.
    corner: (usize, usize),
}

impl<T: Copy> Augment<T> {
    /// That of a design, whose neurons are given `zero` for a loaded value of 0; none where images stay as they are.
    pub fn of(design: &Design, zero: impl Fn(usize) -> T) -> Option<Augment<T>> {
        let (p, shape) = (&design.preparation, design.network.shape(0));
        (p.flip || p.crop > 0).then(|| Augment {
            shape,
            seed: design.seed,
            flip: p.flip,
            crop: p.crop,
            fill: p.fill,
            zero: (0..shape.neurons()).map(zero).collect(),
        })
    }

    /// The values of a sample as number `number` of the training sees them.
    ///
    /// # Panics
    /// When the values are not as many as the neurons.
    pub fn show(&self, number: u32, values: &[T]) -> Vec<T> {
        let View { flipped, corner } = self.view(number);
        let Shape { rows, columns, .. } = self.shape;
        // From a place of the window to one of the image, or to none.
        let source = |at: usize, corner: usize, size: usize| match (at + corner).checked_sub(self.crop) {
            Some(inside) if inside < size => Some(inside),
            _ if self.fill == Fill::Zeros => None,
            Some(_) => Some(size - 1),
            None => Some(0),
        };
        (0..self.shape.neurons())
            .map(|neuron| {
                let Place { row, column, channel } = self.shape.place(neuron);
                let column = if flipped { columns - 1 - column } else { column };
                match (source(row, corner.0, rows), source(column, corner.1, columns)) {
                    (Some(row), Some(column)) => values[self.shape.number(Place { row, column, channel })],
                    _ => self.zero[neuron],
                }
            })
            .collect()
    }

    /// The random numbers are row 0 of the columns 0, 1, 2, ... under the key of (seed, augment, number): whether to
    /// turn, first row, first column.
    fn view(&self, number: u32) -> View {
        let key = step_key(self.seed, Purpose::Augment, number, 0);
        let mut column = 0u32;
        let mut draw = || {
            let bits = row_bits(absorb(key, column), 0);
            column = column.wrapping_add(1);
            bits
        };
        // Drawn even where nothing is turned: the windows do not depend on it.
        let flipped = draw() >> 31 == 1 && self.flip;
        let places = 2 * self.crop as u32 + 1;
        let row = below(places, &mut draw) as usize;
        View { flipped, corner: (row, below(places, &mut draw) as usize) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images of 3x4 places and two channels, 0 to 23, with 100 and 101 outside.
    fn augment(flip: bool, crop: usize, fill: Fill) -> Augment<i32> {
        let shape = Shape { rows: 3, columns: 4, channels: 2 };
        Augment { shape, seed: 7, flip, crop, fill, zero: (0..24).map(|n| 100 + n % 2).collect() }
    }

    fn image() -> Vec<i32> {
        (0..24).collect()
    }

    /// What is shown, by the definition: pad, cut, turn.
    fn by_definition(a: &Augment<i32>, view: View) -> Vec<i32> {
        let (crop, values) = (a.crop as i32, image());
        let padded = |row: i32, column: i32, channel: i32| {
            let (r, c) = (row - crop, column - crop);
            match a.fill {
                Fill::Zeros if !(0..3).contains(&r) || !(0..4).contains(&c) => 100 + channel,
                _ => values[((r.clamp(0, 2) * 4 + c.clamp(0, 3)) * 2 + channel) as usize],
            }
        };
        let mut shown = Vec::new();
        for row in 0..3 {
            for column in 0..4 {
                let column = if view.flipped { 3 - column } else { column };
                for channel in 0..2 {
                    let (down, right) = (view.corner.0 as i32, view.corner.1 as i32);
                    shown.push(padded(row + down, column + right, channel));
                }
            }
        }
        shown
    }

    #[test]
    fn what_is_shown_is_padded_cut_and_turned() {
        for fill in [Fill::Zeros, Fill::Edge] {
            for (flip, crop) in [(true, 0), (false, 1), (true, 2)] {
                let a = augment(flip, crop, fill);
                let mut views = Vec::new();
                for number in 0..400 {
                    let view = a.view(number);
                    assert_eq!(a.show(number, &image()), by_definition(&a, view), "{view:?}");
                    views.push((view.flipped, view.corner));
                }
                views.sort_unstable();
                views.dedup();
                let turns = if flip { 2 } else { 1 };
                assert_eq!(views.len(), turns * (2 * crop + 1).pow(2), "every view is seen: {views:?}");
            }
        }
        // An image turned and not moved, as a person would write it.
        let a = augment(true, 0, Fill::Zeros);
        let turned = (0..99).find(|&n| a.view(n).flipped).unwrap();
        assert_eq!(a.show(turned, &image())[..8], [6, 7, 4, 5, 2, 3, 0, 1]);
    }

    #[test]
    fn views_are_fair_and_depend_on_seed_and_number_alone() {
        let (a, other) =
            (augment(true, 1, Fill::Zeros), Augment { seed: 8, ..augment(true, 1, Fill::Zeros) });
        const N: u32 = 18_000;
        let mut counts = [0u32; 18];
        for number in 0..N {
            let View { flipped, corner } = a.view(number);
            assert_eq!(a.view(number), a.view(number));
            counts[usize::from(flipped) * 9 + corner.0 * 3 + corner.1] += 1;
        }
        // Chi-square with 17 degrees of freedom: 17 in the mean, 5.8 in deviation. Deterministic: no false alarms.
        let expected = f64::from(N) / 18.0;
        let chi: f64 = counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
        assert!(chi < 17.0 + 4.0 * 5.8, "chi-square {chi}: {counts:?}");
        let same = (0..N).filter(|&n| a.view(n) == other.view(n)).count();
        assert!((same as f64 - expected).abs() < 200.0, "{same}");
        // The windows are the same whether images are turned or not.
        let still = augment(false, 1, Fill::Zeros);
        assert!((0..99).all(|n| still.view(n) == View { flipped: false, ..a.view(n) }));
    }

    #[test]
    fn views_are_fixed_for_ever() {
        // Checkpoints rely on these. Computed independently, in Python.
        let a = augment(true, 4, Fill::Zeros);
        let views: Vec<_> = (0..4).map(|n| a.view(n)).map(|v| (v.flipped, v.corner)).collect();
        assert_eq!(views, [(true, (2, 0)), (false, (1, 5)), (true, (1, 8)), (true, (6, 2))]);
    }
}
