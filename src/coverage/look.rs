//! Looks into samples of a comparison: runs them through the specification, too.

use super::collect::Coverage;
use super::report::{Group, Point, Report};
use crate::design::Design;
use crate::reference::fast::Fast;
use crate::reference::golden::Golden;
use crate::reference::train::PlannedSample;
use crate::schedule::Layout;

/// The first batches, all of which are looked into, and one in so many behind them. What the specification takes is then
/// little beside a simulation, which does far more at a time of a large network than the specification does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    first: u64,
    every: u64,
}

impl Pace {
    /// Of a network with so many products in a pass one way.
    fn of(looking: Looking, products: u64) -> Pace {
        match looking {
            Looking::Nowhere | Looking::Here => {
                let times = products.div_ceil(SMALL);
                Pace { first: (16 / times).max(2), every: 64 * times }
            }
            Looking::Everywhere => Pace { first: 2, every: products.div_ceil(MIDDLE) },
        }
    }

    fn takes(self, batch: u64) -> bool {
        batch < self.first || batch.is_multiple_of(self.every)
    }
}

/// Products that the specification makes in a moment.
const SMALL: u64 = 1 << 15;
/// Products for which one waits, where all samples are to be looked into.
const MIDDLE: u64 = 1 << 18;

/// Into which samples of a comparison to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looking {
    /// None.
    Nowhere,
    /// The first ones, and some behind them: the fewer, the larger the network.
    Here,
    /// All; of a large network one in a few.
    Everywhere,
}

/// What the ports of the core went through: samples given up by a reset; cycles in which a sample waited for enable, enable
/// was low while a sample ran, an input was held back, an input waited for the core; results taken late.
pub type PortsExercised = [u64; 6];

fn ports_group(seen: PortsExercised) -> Group {
    let names = [
        "a sample is given up by a reset in its midst",
        "a sample waits for enable",
        "enable is low while a sample runs",
        "an input comes late",
        "an input waits for the core",
        "a result is taken late",
    ];
    let remedy = "three samples or more: the harness does it from then on";
    Group::of("ports", names.into_iter().zip(seen).map(|(what, seen)| Point::new(what, seen, remedy)))
}

/// Follows a comparison.
#[derive(Debug)]
pub struct Look<'d> {
    design: &'d Design,
    coverage: Coverage<'d>,
    /// The specification, while it runs the samples of a batch.
    golden: Option<Golden<'d>>,
    /// A batch has ended: the two models must hold the same weights.
    ended: bool,
    /// Batches begun.
    batches: u64,
    looking: Looking,
    pace: Pace,
    in_batch: bool,
}

/// The specification and the model that trains do not agree: what was compared was not what is specified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the specification and the model that trains differ before sample {0}: this is a bug of eqhdl, not of the hardware"
)]
pub struct Disagree(pub u32);

impl<'d> Look<'d> {
    /// At the begin of a comparison.
    pub fn new(design: &'d Design, layout: &'d Layout, looking: Looking) -> Look<'d> {
        let products: usize = design.network.connections().map(|(_, c)| c.products()).sum();
        Look {
            design,
            pace: Pace::of(looking, products as u64),
            coverage: Coverage::of(design, layout),
            golden: None,
            ended: false,
            batches: 0,
            looking,
            in_batch: false,
        }
    }

    /// Before the model that trains runs a sample.
    ///
    /// # Errors
    /// The models do not agree.
    pub fn before(
        &mut self,
        network: &Fast<'d>,
        s: PlannedSample,
        (input, label): (&[i32], u16),
    ) -> Result<(), Disagree> {
        if self.looking == Looking::Nowhere {
            return Ok(());
        }
        self.coverage.sample(s, label, input.iter().filter(|&&x| x != 0).count());
        self.settle(network, s.number)?;
        if !self.in_batch {
            // A batch is looked into as a whole: nobody knows what lies in the sums of one that is under way.
            let chosen = self.pace.takes(self.batches);
            self.batches += 1;
            self.golden = chosen.then(|| {
                let mut golden = Golden::new(self.design, network.weights());
                golden.sample = s.number;
                golden
            });
        }
        if let Some(golden) = &mut self.golden {
            self.coverage.look(s, input);
            golden.run(input, label, s.lesson(), &mut self.coverage);
        }
        self.in_batch = if s.train { !s.ends_batch } else { self.in_batch };
        self.ended = !self.in_batch;
        Ok(())
    }

    /// Behind the last sample; `number` is that of the next one. Nothing where nobody has looked. `ports` is what the harness
    /// says of them.
    ///
    /// # Errors
    /// The models do not agree.
    pub fn finish(
        &mut self,
        network: &Fast<'d>,
        number: u32,
        ports: Option<PortsExercised>,
    ) -> Result<Option<Report>, Disagree> {
        self.settle(network, number)?;
        Ok((self.looking != Looking::Nowhere).then(|| {
            let mut report = self.coverage.report();
            report.groups.extend(ports.map(ports_group));
            report
        }))
    }

    fn settle(&mut self, network: &Fast<'d>, number: u32) -> Result<(), Disagree> {
        if !std::mem::take(&mut self.ended) {
            return Ok(());
        }
        match self.golden.take() {
            Some(golden) if golden.weights != network.weights() => Err(Disagree(number)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_networks_are_looked_into_less_often() {
        assert_eq!(Pace::of(Looking::Here, 4736), Pace { first: 16, every: 64 });
        assert_eq!(Pace::of(Looking::Here, 406_528), Pace { first: 2, every: 64 * 13 });
        assert_eq!(Pace::of(Looking::Everywhere, 4736).every, 1);
        let made = Pace::of(Looking::Everywhere, 406_528);
        assert_eq!(
            (0..6).map(|batch| made.takes(batch)).collect::<Vec<_>>(),
            [true, true, true, false, true, false]
        );
    }
}
