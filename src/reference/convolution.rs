//! Kernels in both models: whatever the kernel, its pool and the rule, they train it bit for bit the same.

use crate::data::{Dataset, Fit};
use crate::design::{Datapath, Design, Order, Rule, parse};
use crate::network::{Connection, Kernel, Network, Pool, Shape};
use crate::reference::fast::Fast;
use crate::reference::golden::Golden;
use crate::reference::train::{Plan, TrainingData};
use crate::reference::{Silent, Weights};
use crate::rules::Lesson;
use std::path::Path;

/// The shipped design with other lines, two kernels between its pixels and its outputs.
fn design(kernels: [Kernel; 2], edits: &[(&str, &str)]) -> Design {
    let text = include_str!("../../designs/digits-ep.toml");
    let text = edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    let mut design = parse(Path::new("digits-ep.toml"), &text).unwrap();
    let hidden = Connection::conv(Shape { rows: 8, columns: 8, channels: 1 }, 3, kernels[0]).unwrap();
    let second = Connection::conv(hidden.above(), 2, kernels[1]).unwrap();
    let output = Connection::dense(second.above(), 10);
    design.network = Network::new(vec![hidden, second, output]);
    // One layer more.
    design.neurons.insert(1, design.neurons[0]);
    design.synapses.insert(1, design.synapses[0].clone());
    design.synapses[0].init = 0.3;
    design.synapses[1].init = 0.3;
    design.datapath = Datapath::derive(&design).unwrap();
    design
}

fn trains(design: &Design) {
    // The samples are fewer than the largest of the batches.
    let all = Dataset::read_for(&design.data, None).unwrap();
    let dataset = all.fit(Fit { batch: 1, ..Fit::of(design) }).unwrap();
    let data = TrainingData::new(design, &dataset);
    let initial = Weights::initial(design);
    let first = design.network.connection(1);
    let weights = initial.layers[0].raw.iter().filter(|&&w| w != 0).count();
    assert_eq!(weights, first.rows() * (first.taps() + 1), "weights are shared");
    let mut golden = Golden::new(design, initial.clone());
    let mut fast = Fast::new(design, &initial);
    for sample in Plan::new(design, &dataset).samples(0).take(8) {
        let (input, label) = data.sample(sample);
        fast.set_sample(sample.number);
        // However many a batch has, the eighth ends it.
        let lesson = Lesson::new(true, sample.ends_batch || sample.number == 7, sample.rates);
        assert_eq!(
            golden.run(&input, label, lesson, &mut Silent),
            fast.run(&input, label, lesson, &mut Silent)
        );
        assert_eq!(golden.weights, fast.weights(), "sample {}", sample.number);
    }
    for (layer, before) in golden.weights.layers.iter().zip(&initial.layers) {
        assert_ne!(layer.raw, before.raw, "every layer learns");
    }
}

const fn kernel(size: usize, stride: usize, padding: usize, pool: Pool) -> Kernel {
    Kernel { size, stride, padding, pool }
}

/// 8 x 8 pixels to 8 x 8 places to 4 x 4, and so on to 2 x 2; the others pool once, or not at all.
const KERNELS: [[Kernel; 2]; 4] = [
    [kernel(3, 1, 1, Pool::Max), kernel(3, 1, 1, Pool::Max)],
    [kernel(3, 1, 1, Pool::Average), kernel(3, 1, 0, Pool::Max)],
    [kernel(2, 2, 0, Pool::None), kernel(2, 1, 1, Pool::None)],
    [kernel(4, 2, 2, Pool::None), kernel(2, 1, 0, Pool::Average)],
];

/// As many samples as make sums of a batch wider than 32 bits.
#[test]
fn sums_of_large_batches_have_room() {
    for kernels in KERNELS {
        let edits = [("name = \"ep\"", "name = \"ep\"\nbatch = 4096"), ("[0.08, 0.04]", "[160.0, 80.0]")];
        let large = design(kernels, &edits);
        assert!(large.datapath.summed_width > 32, "{}", large.datapath.summed_width);
        trains(&large);
    }
}

#[test]
fn both_models_train_every_kernel_under_every_rule() {
    for kernels in KERNELS {
        trains(&design(kernels, &[]));
        trains(&Design { order: Order::EvenOdd, ..design(kernels, &[]) });
        trains(&Design { rule: Rule::SymmetricEp, ..design(kernels, &[]) });
        trains(&design(kernels, &[("name = \"ep\"", "name = \"ep\"\nbatch = 3")]));
        trains(&design(kernels, &[("[training]", "[training]\nmomentum = 0.8")]));
        trains(&design(kernels, &[("name = \"ep\"", "name = \"cep\"\nfeedback = \"vector_field\"")]));
    }
}
