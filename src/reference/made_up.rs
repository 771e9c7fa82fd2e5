//! A kind of connection that only a test knows: both models train it, bit for bit the same, though nothing but
//! `network/connection.rs` says what it is.

use crate::design::{Datapath, Design, Order, Rule, parse};
use crate::network::{Connection, Network, Shape};
use crate::reference::fast::Fast;
use crate::reference::golden::Golden;
use crate::reference::train::{Plan, TrainingData};
use crate::reference::{Silent, Weights};
use crate::rules::Lesson;
use std::path::Path;

/// The shipped design with other lines, its hidden layer a kernel of nine taps that is moved along the 64 pixels.
fn design(edits: &[(&str, &str)]) -> Design {
    let text = include_str!("../../designs/digits-ep.toml");
    let text = edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    let mut design = parse(Path::new("digits-ep.toml"), &text).unwrap();
    let hidden = Connection::line(Shape { rows: 1, columns: 64, channels: 1 }, 9, 3);
    let second = Connection::line(hidden.above(), 2, 2);
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
    let dataset = crate::data::load(design).unwrap();
    let data = TrainingData::new(design, &dataset);
    let initial = Weights::initial(design);
    assert_eq!(initial.layers[0].raw.iter().filter(|&&w| w != 0).count(), 3 * 10, "weights are shared");
    let mut golden = Golden::new(design, initial.clone());
    let mut fast = Fast::new(design, &initial);
    for sample in Plan::new(design, &dataset).samples(0).take(8) {
        let (input, label) = data.sample(sample);
        fast.set_sample(sample.number);
        let lesson: Lesson = sample.lesson();
        assert_eq!(
            golden.run(input, label, lesson, &mut Silent),
            fast.run(input, label, lesson, &mut Silent)
        );
        assert_eq!(golden.weights, fast.weights(), "sample {}", sample.number);
    }
    for (layer, before) in golden.weights.layers.iter().zip(&initial.layers) {
        assert_ne!(layer.raw, before.raw, "every layer learns");
    }
}

#[test]
fn a_kind_of_connection_is_described_in_one_place() {
    trains(&design(&[]));
    trains(&Design { order: Order::EvenOdd, ..design(&[]) });
    trains(&Design { rule: Rule::SymmetricEp, ..design(&[]) });
    trains(&design(&[("name = \"ep\"", "name = \"ep\"\nbatch = 3")]));
    trains(&design(&[("name = \"ep\"", "name = \"cep\"\nfeedback = \"vector_field\"")]));
}
