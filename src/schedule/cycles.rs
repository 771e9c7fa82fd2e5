//! The hardware's cycle counter, predicted exactly. The twin of `hdl/sequencer.v`.

use super::{LAYER_GAP, Layout};
use crate::rules::{Nudge, Op, Program};

/// Cycles of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
pub struct Cycles {
    /// From the first operation to the result.
    pub all: u64,
    /// Of these, cycles that read a weight word.
    pub weight_reads: u64,
}

impl Cycles {
    fn spend(&mut self, cycles: u64) {
        self.all += cycles;
    }
}

/// From the last column's issue until three cycles before the last state is written, less the neurons of the last chunk.
const DRAIN: u64 = 20;
/// From the last column's issue to its write.
const WRITE: u64 = 10;
/// From the end of a step's drives to the last pull of a softmax read-out, less two cycles an output.
const SOFTMAX: u64 = 13;
/// From the last operation until the prediction is out.
const SETTLE: u64 = 8;

/// Cycles of a training sample, the mean over a batch.
pub fn predict_training(layout: &Layout, program: &Program, batch: u32, active: usize) -> Cycles {
    let (one, last) = (predict(layout, &program.train, active), predict(layout, &program.last, active));
    let batch = u64::from(batch);
    let mean = |one: u64, last: u64| (one * (batch - 1) + last) / batch;
    Cycles { all: mean(one.all, last.all), weight_reads: mean(one.weight_reads, last.weight_reads) }
}

/// Predicts the cycles of one sample with `active` non-zero inputs under a phase program.
pub fn predict(layout: &Layout, program: &[Op], active: usize) -> Cycles {
    let mut c = Cycles::default();
    let mut input_valid = false;
    let depth = layout.depth();
    for &op in program {
        c.spend(1); // decode
        match op {
            Op::Relax { passes, nudge, plasticity } => {
                let plastic = plasticity.is_some();
                for t in 0..passes {
                    let learn = plastic && t > 0;
                    let from_input = !input_valid || learn || depth == 1;
                    pass(layout, active, from_input, true, &mut c);
                    let pulls = layout.softmax_outputs > 0 && !layout.order.holds(t, depth);
                    if nudge != Nudge::None && pulls {
                        c.spend(SOFTMAX + 2 * layout.softmax_outputs as u64);
                    }
                    input_valid = true;
                }
                if plastic {
                    pass(layout, active, true, false, &mut c);
                    input_valid = false;
                }
            }
            Op::Learn(_) => {
                pass(layout, active, true, false, &mut c);
                input_valid = false;
            }
            Op::Apply => {
                pass(layout, layout.layers[0].pre, true, false, &mut c);
                input_valid = false;
            }
            Op::Save { .. } | Op::Load { .. } | Op::Read => {}
        }
    }
    c.spend(1 + SETTLE); // the end operation
    c
}

/// One pass over the synapses, from layer 1 or from layer 2, with or without drives.
fn pass(layout: &Layout, active: usize, from_input: bool, drive: bool, c: &mut Cycles) {
    let depth = layout.depth();
    let lanes = layout.lanes as u64;
    for (i, layer) in layout.layers.iter().enumerate().skip(usize::from(!from_input)) {
        let columns = 1 + if i == 0 { active } else { layer.pre } as u64;
        for chunk in 0..layer.chunks {
            c.spend(columns);
            c.weight_reads += columns;
            let (last_chunk, last_layer) = (chunk + 1 == layer.chunks, i + 1 == depth);
            if last_chunk && last_layer {
                break;
            }
            c.spend((layout.slot(layer, drive) as u64).saturating_sub(columns));
            if drive && last_layer && chunk + 2 == layer.chunks {
                c.spend(lanes);
            }
            if drive && last_chunk {
                c.spend(u64::from(LAYER_GAP));
            }
        }
    }
    let output = &layout.layers[depth - 1];
    let last_lanes = (output.post - (output.chunks - 1) * layout.lanes) as u64;
    c.spend(if drive { DRAIN + last_lanes + u64::from(layout.activity_latency) } else { WRITE });
    c.spend(1); // advance
}
