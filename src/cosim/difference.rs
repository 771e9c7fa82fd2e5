//! Differences between hardware and reference, in the words of the problem.

use crate::design::Design;
use crate::fixed_point::Format;
use crate::network::{Network, PartName, Site, Way};
use crate::rules::Moment;
use serde::Serialize;

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// A neuron's state after a step.
    State,
    /// The corner of its window that a neuron shows itself at.
    Corner,
    /// The imaginary part of a neuron's state after a step.
    Imaginary,
    /// A neuron's drive in a step.
    Drive,
    /// Its imaginary part, where states are complex.
    ImaginaryDrive,
    /// A weight or bias after an update.
    Weight,
    /// A weight on the way back after an update.
    WeightBack,
    /// The velocity of a weight or bias after an update.
    Velocity,
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
    /// Whether the sample was learned, as the result says.
    TrainFlag,
    /// The number that the core gives the sample.
    SampleNumber,
    /// That the core is ready for an input where its buffers have room, and only there.
    Ready,
    /// That the core says that it is busy while a sample is in it, and only then.
    Busy,
    /// Cycles from when a sample could start to its result.
    Pace,
    /// Which word was committed (its place, not its contents).
    Place,
    /// The number of things committed in a step.
    Count,
    /// A word that the bus has answered.
    Bus,
    /// That something is committed at all: the hardware has stopped.
    Hang,
}

/// What differs where a part of a record does.
impl From<PartName> for Field {
    fn from(part: PartName) -> Field {
        match part {
            PartName::State => Field::State,
            PartName::Corner => Field::Corner,
            PartName::Imaginary => Field::Imaginary,
        }
    }
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
    at: Site,
    expected: i64,
    found: i64,
    format: Option<Format>,
}

impl Mismatch {
    /// Of numbers that belong to no layer.
    pub fn of(field: Field, expected: impl Into<i64>, found: impl Into<i64>) -> Mismatch {
        let (expected, found) = (expected.into(), found.into());
        Mismatch { field, at: Site::Sample, expected, found, format: None }
    }

    /// Of a place in the network.
    pub fn at(self, at: Site) -> Mismatch {
        Mismatch { at, ..self }
    }

    /// Of a word of weights, in the field and format of what lies at this place.
    pub fn of_weight(design: &Design, at: Site, expected: i32, found: i32) -> Mismatch {
        let field = match at {
            Site::Weight { way: Way::Back, .. } | Site::Padding { way: Way::Back, .. } => Field::WeightBack,
            Site::Weight { way: Way::Velocity, .. } | Site::Padding { way: Way::Velocity, .. } => {
                Field::Velocity
            }
            _ => Field::Weight,
        };
        let s = &design.synapses[at.layer() - 1];
        let format = if at.tap().is_none() { s.bias } else { s.weight };
        let velocity = design.momentum.filter(|_| field == Field::Velocity);
        let format = velocity.map_or(format, |m| m.format(format));
        Mismatch::of(field, expected, found).at(at).in_format(format)
    }

    /// Of a part of a neuron's record.
    pub fn of_part(
        design: &Design,
        part: PartName,
        at: Site,
        expected: i32,
        found: impl Into<i64>,
    ) -> Mismatch {
        let format = design.format_of(part, at.layer());
        Mismatch::of(part.into(), expected, found).at(at).in_format(format)
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

    fn what(&self, network: &Network) -> String {
        let name = || network.name(self.at);
        match self.field {
            Field::State => format!("state of {}", name()),
            Field::Corner => format!("corner of the window (2 row + column) of {}", name()),
            Field::Imaginary => format!("imaginary part of the state of {}", name()),
            Field::Drive => format!("drive of {}", name()),
            Field::ImaginaryDrive => format!("imaginary part of the drive of {}", name()),
            Field::Weight | Field::WeightBack | Field::Velocity | Field::FinalWeight => name(),
            Field::Signature => "signature".to_owned(),
            Field::Prediction => "prediction".to_owned(),
            Field::Label => "label".to_owned(),
            Field::Cycles => "number of cycles".to_owned(),
            Field::WeightReads => "number of cycles that read weights".to_owned(),
            Field::TrainFlag => "train flag".to_owned(),
            Field::SampleNumber => "sample number".to_owned(),
            Field::Ready => "cycles in which `sample_ready_o` is not what the buffers have room for".to_owned(),
            Field::Busy => "cycles in which `busy_o` is not whether a sample is in the core".to_owned(),
            Field::Pace => {
                "cycles from when the sample could start (there whole, enabled, the one before gone) to its result"
                    .to_owned()
            }
            Field::Place => format!(
                "place of a committed word of layer {} (layer, word or chunk, column: 16 bits each)",
                self.at.layer()
            ),
            Field::Count | Field::Bus | Field::Hang => {
                format!("number of committed words, layer {}", self.at.layer())
            }
        }
    }

    /// In a sample of a network.
    pub fn told(self, when: When, network: &Network) -> Difference {
        let intro = format!("sample {}, {}", when.sample, when.at);
        self.sentence(&intro, &self.what(network), when)
    }

    /// In the memory that the last sample leaves.
    pub fn left_in_memory(self, network: &Network) -> Difference {
        let when = When { sample: 0, at: At::Memory, cycle: 0 };
        let told = self.sentence(&when.at.to_string(), &self.what(network), when);
        Difference { field: Field::FinalWeight, ..told }
    }

    fn sentence(self, intro: &str, what: &str, when: When) -> Difference {
        let Mismatch { field, at, expected, found, format } = self;
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
            layer: at.layer(),
            neuron: at.neuron(),
            from: at.tap(),
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
