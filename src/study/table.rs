//! The results of a study: a row for every point, and groups of rows that differ in their seed only.

use super::cost::Cost;
use super::plan::Named;
use super::store::{Placed, Store, Verified};
use crate::design::Design;
use crate::reference::counters::LayerCounters;
use serde::Serialize;

/// What distinguishes designs in the figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fields {
    /// Learning rule.
    pub rule: String,
    /// Rounding of weight updates.
    pub weight_rounding: String,
    /// Rounding of states.
    pub state_rounding: String,
    /// Widest stored weight.
    pub weight_bits: u32,
    /// Widest weight that multipliers see.
    pub weight_read_bits: u32,
    /// Widest state.
    pub state_bits: u32,
    /// Widest drive.
    pub drive_bits: u32,
    /// Strength of the nudge, in use.
    pub beta: f64,
    /// T.
    pub free_steps: u32,
    /// K.
    pub nudged_steps: u32,
    /// P.
    pub lanes: usize,
}

impl Fields {
    fn of(design: &Design) -> Fields {
        let widest = |w: &mut dyn Iterator<Item = u32>| w.max().unwrap_or(0);
        Fields {
            rule: word(&design.rule),
            weight_rounding: word(&design.weight_modes.rounding),
            state_rounding: word(&design.state_modes.rounding),
            weight_bits: widest(&mut design.synapses.iter().map(|s| s.weight.width)),
            weight_read_bits: widest(&mut design.synapses.iter().map(|s| s.weight_read.width)),
            state_bits: widest(&mut design.neurons.iter().map(|n| n.state.width)),
            drive_bits: widest(&mut design.neurons.iter().map(|n| n.drive.width)),
            beta: design.beta.effective(),
            free_steps: design.free_steps,
            nudged_steps: design.nudged_steps,
            lanes: design.lanes,
        }
    }

    /// The numbers among them, by name.
    pub fn numbers(&self) -> [(&'static str, f64); 8] {
        [
            ("weight bits", self.weight_bits.into()),
            ("weight bits read", self.weight_read_bits.into()),
            ("state bits", self.state_bits.into()),
            ("drive bits", self.drive_bits.into()),
            ("beta", self.beta),
            ("T", self.free_steps.into()),
            ("K", self.nudged_steps.into()),
            ("lanes", self.lanes as f64),
        ]
    }

    /// Rule and rounding of the weights: what curves are told apart by.
    pub fn family(&self) -> String {
        format!("{} {}", self.rule, self.weight_rounding)
    }
}

/// A value by the name it has in design files.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(ToOwned::to_owned)).unwrap_or_default()
}

/// What a training came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Result {
    /// Mean test error of the last fifth of the epochs, 0 to 1.
    pub test_error: f64,
    /// Test error, epoch by epoch.
    pub test_error_per_epoch: Vec<f64>,
    /// Training error, epoch by epoch, each sample before its own update.
    pub train_error_per_epoch: Vec<f64>,
    /// Share of all weight updates that had something to learn and were rounded to nothing (of counted samples).
    pub lost_updates: f64,
    /// Share of weights written that saturated.
    pub weights_saturated: f64,
    /// Share of states that saturated.
    pub states_saturated: f64,
    /// SHA-256 of the final weights.
    pub weights_digest: String,
    /// Seconds on one core (of the last run, where it was interrupted).
    pub seconds: f64,
}

/// One point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub id: String,
    /// `done`, `missing` or `broken`.
    pub status: &'static str,
    /// Why it is broken.
    pub problem: Option<String>,
    /// Axis and value.
    pub labels: Vec<(String, String)>,
    /// Seed.
    pub seed: u32,
    /// Its design file, beside the report.
    pub design_file: String,
    /// What trains it again, alone.
    pub command: String,
    /// Fields of its design.
    pub fields: Option<Fields>,
    /// Its price.
    pub cost: Option<Cost>,
    /// What its training came to.
    pub result: Option<Result>,
    /// Cross-check with the hardware: samples compared, and the first difference.
    pub verified: Option<Verified>,
    /// What it is on a device, where that was asked for.
    pub placed: Option<Placed>,
    /// Digest of its design.
    pub design_digest: String,
    /// Checksum of its data.
    pub data_checksum: String,
    /// Epochs.
    pub epochs: u32,
    /// Version of eqhdl.
    pub version: &'static str,
}

impl Row {
    /// Axis values in one line.
    pub fn label(&self) -> String {
        self.labels.iter().map(|l| l.1.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// `equal`, `different`, or nothing.
    pub fn verdict(&self) -> &'static str {
        match &self.verified {
            Some(v) if v.equal() => "equal",
            Some(_) => "different",
            None => "",
        }
    }

    /// Clock rate on its device, MHz, the median of its placements, and training samples per second at that.
    pub fn speed(&self) -> Option<(f64, f64)> {
        let mhz = self.placed.as_ref()?.fmax()?.median;
        Some((mhz, 1e6 * mhz / self.cost?.cycles_per_sample))
    }

    /// What it is on its device, in one line; empty where that was not asked for.
    pub fn on_device(&self) -> String {
        let Some(p) = &self.placed else { return String::new() };
        let c = p.cells;
        let cells = format!("{}: {} LUT4, {} DSP, {} block RAM", p.device, c.lut4, c.dsp, c.block_ram);
        match (self.speed(), p.fmax()) {
            (Some((mhz, samples)), Some(spread)) => format!(
                "{cells}, {mhz:.1} MHz ({:.1} to {:.1}), {samples:.0} samples/s",
                spread.lowest, spread.highest
            ),
            _ => format!("{cells}; does not fit: {}", p.lacking.join("; ")),
        }
    }
}

/// Rows that differ in their seed only.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Axis values.
    pub label: String,
    /// Rule and rounding.
    pub family: String,
    /// Which rows.
    #[serde(skip)]
    pub rows: Vec<usize>,
    /// Fields of their designs.
    pub fields: Fields,
    /// Their price.
    pub cost: Cost,
    /// Mean test error.
    pub mean: f64,
    /// Smallest test error.
    pub least: f64,
    /// Largest test error.
    pub greatest: f64,
    /// Number of seeds with a result.
    pub seeds: usize,
    /// Mean share of updates rounded to nothing.
    pub lost_updates: f64,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Every point.
    pub rows: Vec<Row>,
    /// Points by group, in the order of the rows.
    pub groups: Vec<Group>,
}

/// Gathers what the store holds; `command` makes the command of a point from its name.
pub fn gather(points: &[Named], store: &Store, command: &dyn Fn(&str) -> String) -> Table {
    let rows: Vec<Row> = points.iter().map(|p| row(p, store, command)).collect();
    let mut groups: Vec<Group> = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let (Some(fields), Some(cost), Some(result)) = (&row.fields, row.cost, &row.result) else { continue };
        let e = result.test_error;
        match groups.iter_mut().find(|g| rows[g.rows[0]].labels == row.labels) {
            Some(g) => {
                let n_before = g.seeds as f64;
                g.rows.push(n);
                g.mean = (g.mean * n_before + e) / (n_before + 1.0);
                g.lost_updates = (g.lost_updates * n_before + result.lost_updates) / (n_before + 1.0);
                (g.least, g.greatest) = (g.least.min(e), g.greatest.max(e));
                g.seeds += 1;
            }
            None => groups.push(Group {
                label: row.label(),
                family: fields.family(),
                rows: vec![n],
                fields: fields.clone(),
                cost,
                mean: e,
                least: e,
                greatest: e,
                seeds: 1,
                lost_updates: result.lost_updates,
            }),
        }
    }
    Table { rows, groups }
}

fn row(point: &Named, store: &Store, command: &dyn Fn(&str) -> String) -> Row {
    let mut row = Row {
        id: point.id.clone(),
        status: "broken",
        problem: None,
        labels: point.labels.clone(),
        seed: point.seed,
        design_file: format!("designs/{}.toml", point.id),
        command: command(&point.id),
        fields: None,
        cost: None,
        result: None,
        verified: None,
        placed: None,
        design_digest: String::new(),
        data_checksum: String::new(),
        epochs: 0,
        version: env!("CARGO_PKG_VERSION"),
    };
    let run = match &point.run {
        Ok(run) => run,
        Err(why) => return Row { problem: Some(why.clone()), ..row },
    };
    row.status = "missing";
    row.fields = Some(Fields::of(&run.design));
    row.cost = Some(run.cost);
    row.design_digest = run.identity.design.clone();
    row.data_checksum = run.identity.data.clone();
    row.epochs = run.identity.epochs;
    row.verified = store.verified(&point.id, point.samples_to_verify()).good();
    row.placed = point.synth.device().and_then(|d| store.placed(&point.id, d).good());
    if let Some(t) = store.training(&run.identity).good() {
        row.status = "done";
        if let (Some(cost), Some(cycles)) = (&mut row.cost, t.spent.mean_on(&run.design)) {
            cost.cycles_per_sample = cycles;
        }
        let layers = &t.counters.layers;
        row.result = Some(Result {
            test_error: t.final_test_error(),
            test_error_per_epoch: (0..t.epochs.len()).map(|e| t.test_error(e)).collect(),
            train_error_per_epoch: (0..t.epochs.len()).map(|e| t.train_error(e)).collect(),
            lost_updates: share(layers, |l| (l.lost_updates, l.weight.values)),
            weights_saturated: share(layers, |l| (l.weight.saturated, l.weight.values)),
            states_saturated: share(layers, |l| (l.state.saturated, l.state.values)),
            weights_digest: t.weights_digest,
            seconds: t.milliseconds as f64 / 1e3,
        });
    }
    row
}

fn share(layers: &[LayerCounters], of: impl Fn(&LayerCounters) -> (u64, u64)) -> f64 {
    let (part, whole) = layers.iter().map(of).fold((0, 0), |s, l| (s.0 + l.0, s.1 + l.1));
    part as f64 / whole.max(1) as f64
}
