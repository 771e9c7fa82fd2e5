//! How large what is counted can become, and how many bits that takes: the one place that the check of a design file,
//! the generated Verilog, the register map and the model go by. docs/verification.md lists every counter and its edge.

use super::{Design, Order};
use crate::rules::{Lesson, Program};

/// Most layers, input and output included.
pub const MOST_LAYERS: usize = 16;

/// Bits of a neuron's, column's or chunk's number where its field is the same in every design: commit port, probe, tags
/// of the signature, keys of random bits (`layer << 16 | column`).
pub const NUMBER_WIDTH: u32 = 16;

/// Most neurons in a layer: its bias is the column of this number.
pub const MOST_NEURONS: usize = (1 << NUMBER_WIDTH) - 1;

/// Bits of a label in the register `RESULT` and in a result's first word, where bit 31 says whether it was learned.
pub const LABEL_WIDTH: u32 = 15;

/// Most outputs.
pub const MOST_CLASSES: usize = 1 << LABEL_WIDTH;

/// Bits of T and of K in the register `STEPS`.
pub const STEPS_WIDTH: u32 = 16;

/// Most steps of a phase, in a design file and in the register.
pub const MOST_STEPS: u32 = (1 << STEPS_WIDTH) - 1;

/// Most synapses processed in a cycle.
pub const MOST_LANES: u32 = 256;

/// Bits of a byte's offset in the window of the weights, at most: window and registers share 2 GiB.
pub const WINDOW_WIDTH: u32 = 30;

/// Bits of the passes of one phase, which the sequencer counts down.
pub fn pass_width(order: Order) -> u32 {
    u32::BITS - order.passes(MOST_STEPS).leading_zeros()
}

/// Bits of a pass's number within its sample, which keys its random bits: enough for whatever `STEPS` is written.
pub fn step_width(design: &Design) -> u32 {
    let longest = Design { free_steps: MOST_STEPS, nudged_steps: MOST_STEPS, ..design.clone() };
    u32::BITS - Program::of(&longest).steps(Lesson::TrainLast { rates: 0 }).leading_zeros()
}

/// Most points of a circle of nudges.
pub const MOST_POINTS: u32 = 16;

/// Most turns round it in one sample.
pub const MOST_PERIODS: u32 = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn design(changes: &[(&str, &str)]) -> Design {
        let text =
            changes.iter().fold(include_str!("../../designs/digits-ep.toml").to_owned(), |t, (from, to)| {
                t.replace(from, to)
            });
        crate::design::parse(Path::new("limits.toml"), &text).expect("the design is sound")
    }

    #[test]
    fn passes_of_the_longest_program_fit() {
        // T + K + one update.
        assert_eq!(step_width(&design(&[])), 17);
        assert_eq!(pass_width(Order::Synchronous), 16);
        // Twice T + K.
        assert_eq!(step_width(&design(&[("[rule]", "order = \"even_odd\"\n[rule]")])), 18);
        assert_eq!(pass_width(Order::EvenOdd), 17);
    }
}
