//! Downsampled ImageNet, 32x32 pixels (Chrabaszcz et al., 2017, arXiv 1707.08819), in its NPZ version: ten files to
//! learn and one to test, each with arrays `data` (3072 bytes an image, channel after channel) and `labels` (from 1).

use super::npz::{Batch, read_batch};
use super::records::SHAPE;
use super::{DataError, Samples, first_of};
use std::path::Path;

/// Files of training samples.
const FILES: u32 = 10;

/// Training samples, whole files of them until there are as many as are wanted (none: all), and test samples.
pub(super) fn read(folder: &Path, wanted: Option<usize>) -> Result<(Samples, Samples), DataError> {
    let (mut train, mut test) = (Samples::none(SHAPE), Samples::none(SHAPE));
    for number in 1..=FILES {
        if wanted.is_some_and(|wanted| train.len() >= wanted) {
            break;
        }
        append(folder, &format!("train_data_batch_{number}.npz"), &mut train)?;
    }
    append(folder, "val_data.npz", &mut test)?;
    Ok((train, test))
}

fn append(folder: &Path, name: &str, to: &mut Samples) -> Result<(), DataError> {
    let path = first_of(folder, vec![name.to_owned()])?;
    let Batch { bytes, labels } = read_batch(&path, SHAPE.neurons())?;
    let images = bytes.chunks_exact(SHAPE.neurons()).zip(labels);
    images.for_each(|(image, label)| to.push_planes(image, SHAPE, label));
    Ok(())
}
