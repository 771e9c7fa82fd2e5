//! Differences between hardware and reference, in the words of the problem.

use crate::fixed_point::Format;
use crate::rules::Moment;
use crate::schedule::LayerLayout;
use serde::Serialize;

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// A neuron's state after a step.
    State,
    /// A neuron's drive in a step.
    Drive,
    /// A weight or bias after an update.
    Weight,
    /// A weight on the way back after an update.
    WeightBack,
    /// A weight or bias in memory after the last sample.
    FinalWeight,
    /// The running signature of a step.
    Signature,
    /// The class read out.
    Prediction,
    /// The label that came back with the result.
    Label,
    /// Cycles of the sample.
    Cycles,
    /// Cycles of the sample that read weights.
    WeightReads,
    /// Which word was committed (its place, not its contents).
    Place,
    /// The number of things committed in a step.
    Count,
    /// A word that the bus has answered.
    Bus,
    /// That something is committed at all: the hardware has stopped.
    Hang,
}

/// The first thing in which hardware and reference differ, in the words of the problem.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// What differs.
    pub field: Field,
    /// Sample number since the start of the run.
    pub sample: u32,
    /// Pass over the network within the sample, from 0; none of a result, or of the memory after the last sample.
    pub pass: Option<u32>,
    /// Phase of that pass.
    pub phase: String,
    /// Time step within the phase, from 1, as in the text.
    pub step: Option<u32>,
    /// Time steps of the phase.
    pub steps: Option<u32>,
    /// Layer (neurons: 1 to L; synapses: the layer they lead to).
    pub layer: usize,
    /// Neuron, or post-synaptic neuron.
    pub neuron: Option<usize>,
    /// Pre-synaptic neuron; `None` for the bias and for neurons.
    pub from: Option<usize>,
    /// Raw value of the reference.
    pub expected: i64,
    /// Raw value of the hardware.
    pub found: i64,
    /// Number format of both, where they have one.
    pub format: Option<String>,
    /// The same as real numbers.
    pub expected_real: Option<f64>,
    /// The same as real numbers.
    pub found_real: Option<f64>,
    /// Clock cycle of the hardware's event.
    pub cycle: u64,
    /// One sentence.
    pub text: String,
}

/// When hardware and reference differ.
#[derive(Clone, Debug)]
pub(super) struct When {
    /// Sample number since the start of the run.
    pub sample: u32,
    /// Where in the sample.
    pub at: At,
    /// Clock cycle of the hardware's event.
    pub cycle: u64,
}

/// Where in a sample.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    /// In a pass over the network.
    Pass(Moment),
    /// In its result.
    Result,
    /// After the last one, in the weight memory.
    Memory,
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            At::Pass(moment) => moment.fmt(f),
            At::Result => f.write_str("result"),
            At::Memory => f.write_str("after the last sample"),
        }
    }
}

/// Two values that should be one, and what they are of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mismatch {
    /// What differs.
    pub field: Field,
    layer: usize,
    neuron: Option<usize>,
    /// Word and lane, where that holds no neuron.
    padding: Option<(usize, usize)>,
    from: Option<usize>,
    expected: i64,
    found: i64,
    format: Option<Format>,
}

impl Mismatch {
    /// Of numbers that belong to no layer.
    pub fn of(field: Field, expected: impl Into<i64>, found: impl Into<i64>) -> Mismatch {
        let (expected, found) = (expected.into(), found.into());
        Mismatch { field, layer: 0, neuron: None, padding: None, from: None, expected, found, format: None }
    }

    /// In a layer (synapses: the one they lead to).
    pub fn in_layer(self, layer: usize) -> Mismatch {
        Mismatch { layer, ..self }
    }

    /// Of a neuron, or the synapses' post-synaptic neuron.
    pub fn at_neuron(self, neuron: usize) -> Mismatch {
        Mismatch { neuron: Some(neuron), ..self }
    }

    /// In a lane of a chunk of synapses, which may lie beyond the layer's last neuron.
    pub fn at_lane(self, layer: &LayerLayout, lanes: usize, (chunk, lane): (usize, usize)) -> Mismatch {
        match chunk * lanes + lane {
            neuron if neuron < layer.post() => self.at_neuron(neuron),
            _ => Mismatch { padding: Some((chunk, lane)), ..self },
        }
    }

    /// From a pre-synaptic neuron; none for a bias.
    pub fn coming_from(self, from: Option<usize>) -> Mismatch {
        Mismatch { from, ..self }
    }

    /// That no result has come in so many cycles more than the reference predicts: at worst a sample is sent before it runs,
    /// an input a cycle, and not beside the one before.
    pub fn no_result(predicted: u64, inputs: usize, patience: u64) -> Mismatch {
        Mismatch::of(Field::Hang, predicted as i64, (predicted + inputs as u64 + patience) as i64)
    }

    /// Of a word of the bus, by its name.
    pub fn called(self, word: &str, when: When) -> Difference {
        let intro = format!("sample {}, {}", when.sample, when.at);
        self.sentence(&intro, &format!("the bus's {word}"), when)
    }

    /// Raw values of a format.
    pub fn in_format(self, format: Format) -> Mismatch {
        Mismatch { format: Some(format), ..self }
    }

    /// Whether the two values are two.
    pub fn differs(&self) -> bool {
        self.expected != self.found
    }

    fn what(&self) -> String {
        let (layer, below) = (self.layer, self.layer.saturating_sub(1));
        if let Some((word, lane)) = self.padding {
            let column =
                self.from.map_or("bias".to_owned(), |j| format!("weight of neuron {j} of layer {below}"));
            return format!("{column} in lane {lane} of word {word} of layer {layer}, which holds no neuron");
        }
        match (self.field, self.neuron, self.from) {
            (Field::State, Some(i), _) => format!("state of neuron {i} of layer {layer}"),
            (Field::Drive, Some(i), _) => format!("drive of neuron {i} of layer {layer}"),
            (Field::Weight, Some(i), Some(j)) => {
                format!("weight from neuron {j} of layer {below} to neuron {i} of layer {layer}")
            }
            (Field::WeightBack, Some(i), Some(j)) => {
                format!("weight back from neuron {i} of layer {layer} to neuron {j} of layer {below}")
            }
            (Field::Weight, Some(i), None) => format!("bias of neuron {i} of layer {layer}"),
            (Field::Signature, ..) => "signature".to_owned(),
            (Field::Prediction, ..) => "prediction".to_owned(),
            (Field::Label, ..) => "label".to_owned(),
            (Field::Cycles, ..) => "number of cycles".to_owned(),
            (Field::WeightReads, ..) => "number of cycles that read weights".to_owned(),
            (Field::Place, ..) => {
                format!(
                    "place of a committed word of layer {layer} (layer, word or chunk, column: 16 bits each)"
                )
            }
            _ => format!("number of committed words, layer {layer}"),
        }
    }

    /// In a sample.
    pub fn told(self, when: When) -> Difference {
        let intro = format!("sample {}, {}", when.sample, when.at);
        self.sentence(&intro, &self.what(), when)
    }

    /// In the memory that the last sample leaves.
    pub fn left_in_memory(self) -> Difference {
        let when = When { sample: 0, at: At::Memory, cycle: 0 };
        let told = self.sentence(&when.at.to_string(), &self.what(), when);
        Difference { field: Field::FinalWeight, ..told }
    }

    fn sentence(self, intro: &str, what: &str, when: When) -> Difference {
        let Mismatch { field, layer, neuron, from, expected, found, format, .. } = self;
        let real = |raw: i64| format.map(|f| f.to_real(raw));
        let show = |raw: i64| match real(raw) {
            Some(r) => format!("{raw} ({r})"),
            None if matches!(field, Field::Signature | Field::Place | Field::Bus) => format!("{raw:#010x}"),
            None => raw.to_string(),
        };
        let text = match field {
            Field::Hang => format!(
                "{intro}: the hardware has stopped: no result {found} cycles after the one before, where the reference predicts {expected}"
            ),
            _ => format!("{intro}: {what}: reference {}, hardware {}", show(expected), show(found)),
        };
        let moment = if let At::Pass(moment) = when.at { Some(moment) } else { None };
        Difference {
            field,
            sample: when.sample,
            pass: moment.map(|m| m.pass),
            phase: moment.map_or(when.at.to_string(), |m| m.phase.to_owned()),
            step: moment.map(|m| m.step),
            steps: moment.map(|m| m.steps),
            layer,
            neuron,
            from,
            expected,
            found,
            format: format.map(|f| f.to_string()),
            expected_real: real(expected),
            found_real: real(found),
            cycle: when.cycle,
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Connection, Shape};

    #[test]
    fn a_lane_without_a_neuron_is_called_so() {
        // Six neurons on four lanes: the second word has two lanes of padding.
        let connection = Connection::dense(Shape::flat(3), 6);
        let layer = LayerLayout { connection, chunks: 2, word_base: 0 };
        let at = |lane, from| {
            let weight = Mismatch::of(Field::Weight, 0, 1).in_layer(1).at_lane(&layer, 4, (1, lane));
            weight.coming_from(from).left_in_memory()
        };
        let (neuron, padding) = (at(1, Some(2)), at(2, Some(2)));
        assert_eq!(neuron.neuron, Some(5));
        assert!(neuron.text.contains("to neuron 5 of layer 1"), "{}", neuron.text);
        assert_eq!(padding.neuron, None);
        let told = "weight of neuron 2 of layer 0 in lane 2 of word 1 of layer 1, which holds no neuron";
        assert!(padding.text.contains(told), "{}", padding.text);
        assert!(at(3, None).text.contains("bias in lane 3 of word 1 of layer 1"));
    }
}
