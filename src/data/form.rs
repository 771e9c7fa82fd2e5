//! How the values of a sample lie, and how the input layer's neurons are numbered: channels first, then columns, then
//! rows.

use super::Samples;
use crate::network::{Place, Shape};
use std::fmt;

/// How the values of a sample lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// An image whose values lie as the neurons of such a layer are numbered.
    Image(Shape),
    /// An array of these dimensions, the last running fastest. Which of them are rows, columns and channels is not said
    /// by the file; the design's input layer decides.
    Array(Vec<usize>),
}

/// `32x32x3`, or the dimensions in brackets.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Form::Image(Shape { rows, columns, channels }) => write!(f, "{rows}x{columns}x{channels}"),
            Form::Array(dimensions) => write!(f, "an array of shape {dimensions:?}"),
        }
    }
}

/// What an array is to an input layer of as many neurons.
enum Fits {
    /// It lies as the neurons do.
    AsItLies,
    /// Channel after channel.
    Planes,
    /// Neither.
    Not,
}

impl Form {
    fn fits(&self, input: Shape) -> Fits {
        let Shape { rows, columns, channels } = input;
        match self {
            _ if input.places() == 1 => Fits::AsItLies,
            Form::Image(shape) if *shape == input => Fits::AsItLies,
            Form::Image(_) => Fits::Not,
            Form::Array(dimensions) => match dimensions[..] {
                [_] => Fits::AsItLies,
                [r, c] if (r, c, 1) == (rows, columns, channels) => Fits::AsItLies,
                [r, c, k] if (r, c, k) == (rows, columns, channels) => Fits::AsItLies,
                [k, r, c] if (r, c, k) == (rows, columns, channels) => Fits::Planes,
                _ => Fits::Not,
            },
        }
    }

    /// What to do where a sample of as many values as the input layer has neurons lies otherwise.
    pub(super) fn remedy(&self, input: Shape) -> String {
        let Shape { rows, columns, channels } = input;
        match self {
            Form::Image(shape) => {
                let shape = Form::Image(*shape);
                format!("begin `layers` with \"{shape}\", or with {} for no shape", input.neurons())
            }
            Form::Array(_) => format!(
                "reshape the array to (samples, {rows}, {columns}, {channels}) or (samples, {channels}, {rows}, \
                 {columns}), or begin `layers` with the shape of its images"
            ),
        }
    }
}

/// Turns samples of as many values as the layer has neurons to lie as they are numbered.
///
/// # Errors
/// How the samples lie, where that fits no layer of this shape.
pub(super) fn turn(samples: &mut Samples, input: Shape) -> Result<(), Form> {
    match samples.form.fits(input) {
        Fits::AsItLies => {}
        Fits::Planes => {
            let mut planes = Vec::new();
            for values in samples.values.chunks_exact_mut(input.neurons()) {
                planes.clear();
                planes.extend_from_slice(values);
                values.iter_mut().zip(interleaved(&planes, input)).for_each(|(to, from)| *to = from);
            }
        }
        Fits::Not => return Err(samples.form.clone()),
    }
    if input.places() > 1 {
        samples.form = Form::Image(input);
    }
    Ok(())
}

/// The values of an image that lies channel after channel, in the order of neurons.
pub(super) fn interleaved<T: Copy>(planes: &[T], shape: Shape) -> impl Iterator<Item = T> {
    (0..shape.neurons()).map(move |number| {
        let Place { row, column, channel } = shape.place(number);
        planes[(channel * shape.rows + row) * shape.columns + column]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { rows: 2, columns: 3, channels: 2 };

    /// Two samples; the value of row, column and channel is the number of these digits, and 1000 more in the second.
    fn samples(dimensions: &[usize], order: impl Fn(usize) -> [usize; 3]) -> Samples {
        let value = |at: usize| {
            let [row, column, channel] = order(at % 12);
            (1000 * (at / 12) + 100 * row + 10 * column + channel) as f32
        };
        let values = (0..24).map(value).collect();
        Samples { inputs: 12, form: Form::Array(dimensions.to_vec()), values, labels: vec![0, 1] }
    }

    fn channels_last(at: usize) -> [usize; 3] {
        [at / 6, at / 2 % 3, at % 2]
    }

    fn channels_first(at: usize) -> [usize; 3] {
        [at / 3 % 2, at % 3, at / 6]
    }

    #[test]
    fn arrays_come_to_lie_as_neurons_are_numbered() {
        let mut wanted = samples(&[2, 3, 2], channels_last);
        wanted.form = Form::Image(SHAPE);
        assert_eq!(wanted.values[..4], [0.0, 1.0, 10.0, 11.0]);
        // A flat array lies as it should: nothing else is said of it.
        for dimensions in [&[2, 3, 2][..], &[12]] {
            let mut read = samples(dimensions, channels_last);
            turn(&mut read, SHAPE).unwrap();
            assert_eq!(read, wanted);
        }
        let mut planes = samples(&[2, 2, 3], channels_first);
        turn(&mut planes, SHAPE).unwrap();
        assert_eq!(planes, wanted);
        // A layer without a shape takes anything as it lies.
        let mut planes = samples(&[2, 2, 3], channels_first);
        turn(&mut planes, Shape::flat(12)).unwrap();
        assert_eq!(planes, samples(&[2, 2, 3], channels_first));
    }

    #[test]
    fn one_channel_needs_no_dimension_and_equal_sizes_mean_channels_last() {
        let grey = Shape { rows: 3, columns: 4, channels: 1 };
        for dimensions in [&[3, 4][..], &[3, 4, 1], &[1, 3, 4]] {
            turn(&mut samples(dimensions, channels_last), grey).unwrap();
        }
        let cube = Shape { rows: 2, columns: 2, channels: 2 };
        assert!(matches!(Form::Array(vec![2, 2, 2]).fits(cube), Fits::AsItLies));
    }

    #[test]
    fn what_lies_otherwise_is_refused_with_the_way_out() {
        for dimensions in [&[3, 2, 2][..], &[4, 3], &[2, 6], &[2, 3, 2, 1]] {
            let form = turn(&mut samples(dimensions, channels_last), SHAPE).unwrap_err();
            assert!(form.to_string().contains(&format!("{dimensions:?}")), "{form}");
            let remedy = form.remedy(SHAPE);
            assert!(remedy.contains("(samples, 2, 3, 2) or (samples, 2, 2, 3)"), "{remedy}");
        }
        let mut images = samples(&[12], channels_last);
        images.form = Form::Image(Shape { rows: 3, columns: 4, channels: 1 });
        let form = turn(&mut images, SHAPE).unwrap_err();
        assert!(form.remedy(SHAPE).starts_with("begin `layers` with \"3x4x1\""), "{}", form.remedy(SHAPE));
        turn(&mut images, Shape::flat(12)).unwrap();
    }
}
