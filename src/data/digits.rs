//! The 8x8 digits, embedded: 1797 handwritten digits of 64 pixels (see `LICENSE-digits.md`).

use super::{Form, Samples};
use crate::network::Shape;
use flate2::read::GzDecoder;
use std::io::Read;

const SHAPE: Shape = Shape { rows: 8, columns: 8, channels: 1 };
/// Values per sample.
const INPUTS: usize = SHAPE.neurons();
/// The largest pixel value: a pixel counts the ink in a block of 4x4.
const WHITE: f32 = 16.0;

/// Training and test samples.
///
/// Every fifth sample (index modulo 5 is 4) is a test sample: 359 of 1797, the other 1438 are for training. The usual
/// split, by position, would test on other writers than those of the training samples; this one does not, so it is
/// easier. The digits are not equally frequent in the test samples (21 ones, 52 threes).
pub(super) fn read() -> (Samples, Samples) {
    let mut text = String::new();
    GzDecoder::new(&include_bytes!("digits.csv.gz")[..])
        .read_to_string(&mut text)
        .expect("the embedded digits unpack: they are part of the program, and a test reads them");
    let mut train =
        Samples { inputs: INPUTS, form: Form::Image(SHAPE), values: Vec::new(), labels: Vec::new() };
    let mut test = train.clone();
    for (index, line) in text.lines().enumerate() {
        let to = if index % 5 == 4 { &mut test } else { &mut train };
        let numbers =
            line.split(',').map(|n| n.parse::<u8>().expect("the embedded digits are numbers, tested"));
        for (column, number) in numbers.enumerate() {
            if column < INPUTS {
                to.values.push(f32::from(number) / WHITE);
            } else {
                to.labels.push(u16::from(number));
            }
        }
    }
    (train, test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_are_whole_and_split_one_in_five() {
        let (train, test) = read();
        assert_eq!((train.len(), test.len()), (1438, 359));
        for part in [&train, &test] {
            assert_eq!(part.values.len(), part.len() * 64);
            assert!(part.values.iter().all(|v| (0.0..=1.0).contains(v) && (v * 16.0).fract() == 0.0));
            assert!((0..10).all(|d| part.labels.iter().filter(|&&l| l == d).count() > 20));
        }
        // The first sample of the file, a zero: its second row is 0 0 13 15 10 15 5 0.
        assert_eq!(train.label(0), 0);
        assert_eq!(
            train.values_of(0)[8..16],
            [0.0, 0.0, 13.0, 15.0, 10.0, 15.0, 5.0, 0.0].map(|v: f32| v / 16.0)
        );
        // The file counts 0 to 9, so its fifth sample, the first of the test set, is a four.
        assert_eq!(test.label(0), 4);
        assert_eq!(train.labels[..8], [0, 1, 2, 3, 5, 6, 7, 8]);
    }
}
