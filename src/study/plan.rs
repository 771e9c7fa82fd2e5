//! A study ready to run: its points with their addresses, and the samples, loaded once and shared.

use super::address::{Identity, sha256};
use super::cost::{Cost, effort};
use super::file::{StudyFile, Synth, Verify};
use super::points::{self, Text};
use crate::data::{Augment, DataError, Dataset, Fit};
use crate::design::{DataSource, Design, DesignError, printable};
use crate::reference::train::{Plan, TrainingData};
use std::collections::HashMap;
use std::sync::Arc;

/// A point that can run.
#[derive(Clone, Debug)]
pub struct Runnable {
    /// Its design, named after the point.
    pub design: Design,
    /// Order of its samples.
    pub plan: Plan,
    /// Its samples.
    pub data: Arc<TrainingData>,
    /// What its result is kept under.
    pub identity: Identity,
    /// What it costs.
    pub cost: Cost,
}

/// A point with its name.
#[derive(Clone, Debug)]
pub struct Named {
    /// Name, from the content of the point.
    pub id: String,
    /// Axis and value.
    pub labels: Vec<(String, String)>,
    /// Seed.
    pub seed: u32,
    /// How much is checked.
    pub verify: Verify,
    /// Where it is placed.
    pub synth: Synth,
    /// Its design file.
    pub text: Text,
    /// How to run it, or why it cannot be run.
    pub run: Result<Runnable, String>,
}

impl Named {
    /// Samples to cross-check.
    pub fn samples_to_verify(&self) -> u64 {
        self.run.as_ref().map_or(0, |r| self.verify.samples(r.plan.total()))
    }

    /// About how many multiply-accumulates the whole point takes.
    pub fn effort(&self) -> u64 {
        self.run.as_ref().map_or(0, |r| effort(&r.design) * r.plan.total())
    }
}

/// Reads every data set once, and quantises it once for every way in which designs look at it.
#[derive(Default)]
struct Shelf {
    read: HashMap<String, Result<Dataset, String>>,
    quantised: HashMap<String, (Plan, Arc<TrainingData>)>,
}

impl Shelf {
    fn data(&mut self, design: &Design) -> Result<(Plan, Arc<TrainingData>), String> {
        let look = format!(
            "{:?}",
            (
                (&design.data, design.train_samples, design.test_samples, &design.preparation),
                // Images that are moved are moved by the seed.
                Augment::of(design, |_| ()).map(|_| design.seed),
                (design.input, design.dynamics, design.activation, design.network.shape(0), design.classes()),
            )
        );
        if let Some((plan, data)) = self.quantised.get(&look) {
            return Ok((Plan { seed: design.seed, epochs: design.epochs, ..*plan }, Arc::clone(data)));
        }
        let source: &DataSource = &design.data;
        let wanted = design.train_samples.filter(|_| source.is_read_in_part());
        let read = self
            .read
            .entry(format!("{:?}", (source, wanted)))
            .or_insert_with(|| Dataset::read_for(source, wanted).map_err(|e| why(&e)));
        let dataset = read.clone()?.fit(Fit::of(design)).map_err(|e| why(&e))?;
        let plan = Plan::new(design, &dataset);
        let data = Arc::new(TrainingData::new(design, &dataset));
        self.quantised.insert(look, (plan, Arc::clone(&data)));
        Ok((plan, data))
    }
}

/// What is wrong with a data set, as a line of a table can show it: names of arrays come from the file.
fn why(e: &DataError) -> String {
    printable(&e.to_string(), 500)
}

/// All points of a study. Two that mean the same are one.
///
/// # Errors
/// Those of [`points::points`].
pub fn plan(study: &StudyFile) -> Result<Vec<Named>, DesignError> {
    let mut shelf = Shelf::default();
    let mut all: Vec<Named> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for point in points::points(study)? {
        let run = point.design.and_then(|mut design| {
            let (plan, data) = shelf.data(&design)?;
            let identity = Identity::of(&design, &data.checksum, plan);
            design.name = identity.point(design.lanes);
            let cost = Cost::of(&design, &data);
            Ok(Runnable { design, plan, data, identity, cost })
        });
        let id = match &run {
            Ok(r) => r.design.name.clone(),
            Err(_) => format!("x{}", &sha256(&point.text.to_string())[..12]),
        };
        let (verify, synth) = (point.verify, point.synth);
        if let Some(&at) = places.get(&id) {
            let same = &mut all[at];
            same.verify = if same.verify == Verify::None { verify } else { same.verify };
            same.synth = if same.synth == Synth::None { synth } else { same.synth };
            continue;
        }
        places.insert(id.clone(), all.len());
        all.push(Named { id, labels: point.labels, seed: point.seed, verify, synth, text: point.text, run });
    }
    Ok(all)
}
