//! The passes that a program makes: their phases, and what they look at.

use super::run::{Learning, Machine, Pass, run};
use super::{Lesson, Nudge, Program, Spared, StateRef, Update};
use crate::design::Order;
use crate::design::limits::MOST_POINTS;
use std::fmt;

/// The passes in which states were committed; `None` for the reset state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    now: Option<u32>,
    previous: Option<u32>,
    slots: [Option<u32>; 2],
}

impl Moments {
    /// The pass of a state.
    pub fn of(&self, state: StateRef) -> Option<u32> {
        match state {
            StateRef::Now => self.now,
            StateRef::Previous => self.previous,
            StateRef::Slot(k) => self.slots[k],
        }
    }
}

/// Where a pass over the network lies in a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Moment {
    /// The pass, counted from 0 over the whole sample.
    pub pass: u32,
    /// Its phase.
    pub phase: &'static str,
    /// The time step within the phase, from 1.
    pub step: u32,
    /// Time steps of the phase.
    pub steps: u32,
    /// In even/odd order, which layers move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half: Option<&'static str>,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moment { pass, phase, step, steps, half } = self;
        match half {
            Some(half) => write!(f, "{phase}, {half} layers of step {step} of {steps} (pass {pass})"),
            None if *steps == 1 => write!(f, "{phase} (pass {pass})"),
            None => write!(f, "{phase}, step {step} of {steps} (pass {pass})"),
        }
    }
}

/// Phases under a nudge off the real axis.
const POINTS: [&str; MOST_POINTS as usize] = [
    "point 0", "point 1", "point 2", "point 3", "point 4", "point 5", "point 6", "point 7", "point 8",
    "point 9", "point 10", "point 11", "point 12", "point 13", "point 14", "point 15",
];

/// One pass of a sample.
#[derive(Clone, Copy, Debug)]
struct Made {
    phase: &'static str,
    /// Within the phase, from 0, and how many the phase has.
    at: u32,
    of: u32,
    /// Neurons move.
    relaxes: bool,
    /// What synapses learn in it, at once.
    update: Option<Update>,
    /// What they look at.
    moments: Moments,
}

/// Lists the passes of a program, those left out among them.
struct Passes<'a> {
    made: Vec<Made>,
    moments: Moments,
    spared: &'a Spared,
}

impl<'a> Passes<'a> {
    fn of(program: &Program, lesson: Lesson, spared: &'a Spared) -> Vec<Made> {
        let mut passes = Passes { made: Vec::new(), moments: Moments::default(), spared };
        run(program.ops(lesson), &mut passes);
        passes.made
    }

    fn alone(&mut self, phase: &'static str, update: Option<Update>) {
        self.made.push(Made { phase, at: 0, of: 1, relaxes: false, update, moments: self.moments });
    }
}

impl Machine for Passes<'_> {
    fn relax(&mut self, Pass { at, of, nudge, update, .. }: Pass) -> u32 {
        let phase = match nudge {
            Nudge::None => "free phase",
            Nudge::Plus | Nudge::BySample => "nudged phase",
            Nudge::Minus => "negatively nudged phase",
            Nudge::Turned(k) => POINTS[k as usize % POINTS.len()],
        };
        let number = self.made.len() as u32;
        let left_out = self.spared.behind(number);
        let made = |at| Made { phase, at, of, relaxes: true, update, moments: self.moments };
        self.made.extend((at..=at + left_out).map(made));
        self.moments.previous = self.moments.now.replace(number);
        1 + left_out
    }

    fn learn(&mut self, Learning { update, ends_relaxation, .. }: Learning) {
        self.alone(if ends_relaxation { "last update" } else { "update" }, Some(update));
    }

    fn apply(&mut self) {
        self.alone("update of the batch", None);
    }

    fn save(&mut self, slot: usize) {
        self.moments.slots[slot] = self.moments.now;
    }

    fn load(&mut self, slot: usize) {
        self.moments.now = self.moments.slots[slot];
    }

    fn read(&mut self) {}
}

/// Counts the passes of a program.
#[derive(Default)]
struct Count(u32);

impl Machine for Count {
    fn relax(&mut self, pass: Pass) -> u32 {
        let left = pass.of - pass.at;
        self.0 += left;
        left
    }

    fn learn(&mut self, _learning: Learning) {
        self.0 += 1;
    }

    fn apply(&mut self) {
        self.0 += 1;
    }

    fn save(&mut self, _slot: usize) {}

    fn load(&mut self, _slot: usize) {}

    fn read(&mut self) {}
}

impl Program {
    /// Passes over the network of one sample.
    pub fn steps(&self, lesson: Lesson) -> u32 {
        let mut count = Count::default();
        run(self.ops(lesson), &mut count);
        count.0
    }

    /// Where pass `pass` of a sample (from 0) lies.
    pub fn moment(&self, lesson: Lesson, pass: u32) -> Moment {
        let passes = Passes::of(self, lesson, &Spared::default());
        let Some(&Made { phase, at, of, relaxes, .. }) = passes.get(pass as usize) else {
            return Moment { pass, phase: "after the last phase", step: 1, steps: 1, half: None };
        };
        match self.order {
            Order::EvenOdd if relaxes => {
                let half = if at.is_multiple_of(2) { "even" } else { "odd" };
                Moment { pass, phase, step: at / 2 + 1, steps: of / 2, half: Some(half) }
            }
            _ => Moment { pass, phase, step: at + 1, steps: of, half: None },
        }
    }

    /// The update that a pass of a sample makes, and at which passes the states it looks at were committed, where some were
    /// left out.
    pub fn update_at(&self, lesson: Lesson, pass: u32, spared: &Spared) -> Option<(Update, Moments)> {
        let made = *Passes::of(self, lesson, spared).get(pass as usize)?;
        Some((made.update?, made.moments))
    }
}
