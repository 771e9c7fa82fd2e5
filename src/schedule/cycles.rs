//! The hardware's cycle counter, predicted exactly. The twin of `hdl/sequencer.v`.

use super::{Layout, Walk};
use crate::fixed_point::complex_softmax;
use crate::network::Moved;
use crate::rules::{Learning, Machine, Nudge, Op, Pass, Program, Spared, run};

/// Cycles of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
pub struct Cycles {
    /// From the first operation to the result.
    pub all: u64,
    /// Of these, cycles that read a weight word.
    pub weight_reads: u64,
}

impl Cycles {
    /// As the hardware's registers of 32 bits count them: all, and weight reads, modulo 2^32.
    pub fn counted(self) -> (u32, u32) {
        (self.all as u32, self.weight_reads as u32)
    }

    fn spend(&mut self, cycles: u64) {
        self.all += cycles;
    }
}

/// From the last column's issue to its write.
const WRITE: u64 = 10;
/// From the last column's issue to the last pull of a softmax read-out, less a cycle for each output of the last chunk,
/// two for each output, and a neuron's stages: 14 to the head of the drive chain, 10 in the read-out.
const PULLS: u64 = 24;
/// From the last chunk that is scanned for a contrast until the first is visited (`hdl/contrast_list.v`).
const SEEK: u64 = 8;
/// From the last new state until the sequencer knows whether any has changed (`hdl/still_watch.v`).
const WATCH: u64 = 2;
/// By so much a softmax of complex drives takes longer than a real one.
const MORE_PULLS: u64 = complex_softmax::PULL_CYCLES as u64 - 10;
/// From the last operation until the prediction is out, and with it the last step's signature.
pub const SETTLE: u32 = 12;

/// Cycles of a training sample, the mean over a batch.
pub fn predict_training(layout: &Layout, program: &Program, batch: u32, active: usize) -> Cycles {
    let (one, last) = (predict(layout, &program.train, active), predict(layout, &program.last, active));
    let batch = u64::from(batch);
    let mean = |one: u64, last: u64| (one * (batch - 1) + last) / batch;
    Cycles { all: mean(one.all, last.all), weight_reads: mean(one.weight_reads, last.weight_reads) }
}

/// Predicts the cycles of one sample with `active` non-zero inputs under a phase program, if it makes every pass.
pub fn predict(layout: &Layout, program: &[Op], active: usize) -> Cycles {
    predict_made(layout, program, active, &Spared::default())
}

/// The same of a sample that has left out some passes.
pub fn predict_made(layout: &Layout, program: &[Op], active: usize, spared: &Spared) -> Cycles {
    let mut clock = Clock {
        layout,
        active,
        spared,
        pass: 0,
        cycles: Cycles::default(),
        input_valid: false,
        known: Vec::new(),
    };
    run(program, &mut clock);
    clock.cycles.spend(1 + u64::from(SETTLE)); // the end operation
    clock.cycles
}

/// Counts the cycles of a program.
struct Clock<'a> {
    layout: &'a Layout,
    active: usize,
    spared: &'a Spared,
    /// The pass of the sample, from 0, those left out counted.
    pass: u32,
    cycles: Cycles,
    /// What the input drives layer 1 with is known from an earlier pass.
    input_valid: bool,
    /// What passes take that begin with the input or not, and end so: most are like one before.
    known: Vec<((bool, End), Cycles)>,
}

impl Clock<'_> {
    /// A pass of its own in which synapses learn.
    fn learned(&mut self, apply: bool) {
        let moved = self.spared.moved(self.pass, false).filter(|_| !apply);
        self.walk(true, moved, End::Weights { apply });
        self.input_valid = false;
    }

    /// One pass over the synapses, from layer 1 or from layer 2.
    fn walk(&mut self, from_input: bool, moved: Option<Moved<'_>>, end: End) {
        let key = (from_input, end);
        // A pass that leaves out chunks is like no other.
        let like = self.known.iter().find(|(pass, _)| *pass == key && moved.is_none());
        let walk = Walk { from_input, drives: end.drives(), moved };
        let cost = like.map_or_else(|| pass(self.layout, self.active, walk, end), |&(_, cost)| cost);
        if like.is_none() && moved.is_none() {
            self.known.push((key, cost));
        }
        self.cycles.all += cost.all;
        self.cycles.weight_reads += cost.weight_reads;
    }
}

impl Machine for Clock<'_> {
    fn begin(&mut self) {
        self.cycles.spend(1); // decode
    }

    fn relax(&mut self, Pass { at, nudge, update, .. }: Pass) -> u32 {
        let layout = self.layout;
        if layout.has_kernels() && update.is_some() {
            // What learns makes no drives: the same step's come in a pass of their own.
            self.learned(false);
        }
        let from_input = !self.input_valid || update.is_some() || layout.depth() == 1;
        let outputs_move = !layout.order.holds(at, layout.depth());
        let pulls = layout.softmax_outputs > 0 && nudge != Nudge::None && outputs_move;
        let turned = matches!(nudge, Nudge::Turned(_));
        let end = if pulls { End::Pulls { turned } } else { End::Drives };
        let mut from_input = from_input;
        if turned {
            // The real drives first, which wait for the imaginary ones.
            self.walk(from_input, None, End::Drives);
            from_input = layout.depth() == 1;
        }
        let moved = update.and_then(|_| self.spared.moved(self.pass, true));
        self.walk(from_input, moved, end);
        self.input_valid = true;
        let passes = 1 + self.spared.behind(self.pass);
        self.pass += passes;
        passes
    }

    fn learn(&mut self, _learning: Learning) {
        self.learned(false);
        self.pass += 1;
    }

    fn apply(&mut self) {
        self.learned(true);
        self.pass += 1;
    }

    fn save(&mut self, _slot: usize) {}

    fn load(&mut self, _slot: usize) {}

    fn read(&mut self) {}
}

/// What ends a pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Its drives.
    Drives,
    /// The pulls of a softmax read-out, of its drives.
    Pulls {
        /// Of complex drives.
        turned: bool,
    },
    /// Its last weight: it only learns.
    Weights {
        /// It applies what a batch has added up.
        apply: bool,
    },
}

impl End {
    fn drives(self) -> bool {
        !matches!(self, End::Weights { .. })
    }
}

/// What a pass takes.
fn pass(layout: &Layout, active: usize, walk: Walk<'_>, end: End) -> Cycles {
    let mut c = Cycles::default();
    if walk.moved.is_some() {
        let scanned = layout.layers.iter().take(if walk.drives { 1 } else { layout.depth() });
        c.spend(scanned.map(|l| l.chunks as u64).sum::<u64>() + SEEK);
    }
    if let Some(walks) = &layout.kernel_walks {
        let walked = match end {
            End::Weights { apply: false } => walks.learn,
            End::Weights { apply: true } => walks.apply,
            _ if walk.from_input => walks.relax,
            _ => walks.relax_above,
        };
        c.spend(walked.cycles);
        c.weight_reads += walked.reads;
    } else {
        let active = if end == (End::Weights { apply: true }) { layout.network.inputs() } else { active };
        for chunk in layout.chunks(walk, active) {
            c.spend((chunk.words + chunk.wait) as u64);
            c.weight_reads += chunk.words as u64;
        }
    }
    c.spend(match end {
        End::Drives => u64::from(layout.drain()),
        End::Pulls { turned } => {
            let outputs = 2 * layout.softmax_outputs + layout.last_neurons();
            (if turned { PULLS + MORE_PULLS } else { PULLS })
                + u64::from(layout.neuron.state + layout.neuron_delay())
                + outputs as u64
                + if layout.watches { WATCH } else { 0 }
        }
        // Where there was nothing to learn, nothing is waited for.
        End::Weights { .. } if c.weight_reads == 0 => 0,
        End::Weights { .. } => WRITE,
    });
    c.spend(1); // advance
    c
}
