//! One name for the contents of a data set, whatever file it came in.

use super::Samples;
use sha2::{Digest, Sha256};

/// SHA-256, in hexadecimal, of both parts: number of samples and inputs (64 bits), values (`f32`), labels (16 bits),
/// all little endian.
pub(super) fn of(train: &Samples, test: &Samples) -> String {
    let mut hash = Sha256::new();
    let mut block = Vec::new();
    for part in [train, test] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update((part.inputs as u64).to_le_bytes());
        for values in part.values.chunks(4096) {
            block.clear();
            block.extend(values.iter().flat_map(|v| v.to_le_bytes()));
            hash.update(&block);
        }
        for labels in part.labels.chunks(4096) {
            block.clear();
            block.extend(labels.iter().flat_map(|l| l.to_le_bytes()));
            hash.update(&block);
        }
    }
    hex(&hash.finalize())
}

/// A digest in hexadecimal.
pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Form;

    fn samples() -> Samples {
        let form = Form::Array(vec![2]);
        Samples { inputs: 2, form, values: vec![0.0, 0.25, 0.5, 1.0], labels: vec![0, 1] }
    }

    #[test]
    fn the_encoding_is_the_documented_one() {
        // Python: p = struct.pack("<QQ4f2H", 2, 2, 0, .25, .5, 1, 0, 1); hashlib.sha256(p + p).hexdigest()
        assert_eq!(
            of(&samples(), &samples()),
            "19e9d0e320afbd6d11eb39a570286fc9bc1e2f8cd5be576a62349ef887daecb7"
        );
    }

    #[test]
    fn every_value_label_and_shape_counts() {
        let reference = of(&samples(), &samples());
        let changes: [fn(&mut Samples); 4] =
            [|s| s.values[3] = 0.75, |s| s.labels[1] = 2, |s| s.inputs = 1, |s| s.truncate(1)];
        for change in changes {
            let mut changed = samples();
            change(&mut changed);
            assert_ne!(of(&samples(), &changed), reference);
            assert_ne!(of(&changed, &samples()), reference);
        }
    }
}
