//! What `eqhdl synth` reports.

use super::expect::Check;
use super::stat::Counts;
use super::timing::Spread;
use super::{Device, Outcome, Request, Resources, Tools, checks};
use crate::design::Design;
use crate::rules::Program;
use crate::schedule::{Layout, predict_training};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A critical path and the seeds under which it is the worst one.
#[derive(Clone, Debug, Serialize)]
pub struct PathReport {
    /// Where it starts: instance and register.
    pub start: String,
    /// Where it ends.
    pub end: String,
    /// What it passes.
    pub through: Vec<String>,
    /// Cells between them.
    pub levels: usize,
    /// Nanoseconds, under the slowest of the seeds.
    pub ns: f64,
    /// Of these, on wires.
    pub routing_ns: f64,
    /// Seeds.
    pub seeds: Vec<u32>,
}

/// Samples per second at the median clock rate, if every pass is made.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Throughput {
    /// Inputs of the sample that are not zero.
    pub inputs_not_zero: usize,
    /// Cycles of one training sample.
    pub cycles: u64,
    /// Share of them that read a weight word.
    pub weight_read_share: f64,
    /// Training samples per second.
    pub samples_per_s: f64,
}

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The design.
    pub design: String,
    /// Lanes.
    pub lanes: usize,
    /// The device.
    pub device: String,
    /// Its speed grade (ECP5).
    pub speed_grade: Option<u8>,
    /// Yosys and nextpnr, as they call themselves.
    pub tools: [String; 2],
    /// Everything but the wrapper.
    pub core: Counts,
    /// The wrapper's cells.
    pub wrapper: Counts,
    /// What the device has, in the same order.
    pub available: [usize; 4],
    /// By module.
    pub modules: BTreeMap<String, Counts>,
    /// Multipliers and memories.
    pub checks: Vec<Check>,
    /// What the device lacks.
    pub lacking: Vec<String>,
    /// Clock rate under each seed, MHz.
    pub mhz: Vec<(u32, f64)>,
    /// Their median and spread.
    pub fmax: Option<Spread>,
    /// What the placer aimed at, MHz.
    pub aim_mhz: f64,
    /// The worst path of each placement; equal ones together.
    pub paths: Vec<PathReport>,
    /// Training samples per second.
    pub throughput: Vec<Throughput>,
    /// Shortfalls.
    pub warnings: Vec<String>,
    /// Version of eqhdl.
    pub version: &'static str,
}

impl Report {
    /// Puts an outcome into the words of the design.
    pub fn of(
        design: &Design,
        layout: &Layout,
        request: &Request,
        tools: &Tools,
        outcome: &Outcome,
    ) -> Report {
        let checks = checks(design, layout, request.device, &outcome.parts);
        let wrapper = outcome.parts.modules.get("").copied().unwrap_or_default();
        let whole = outcome.stat.counts;
        let core = Counts {
            lut4: whole.lut4.saturating_sub(wrapper.lut4),
            ff: whole.ff.saturating_sub(wrapper.ff),
            dsp: whole.dsp.saturating_sub(wrapper.dsp),
            block_ram: whole.block_ram.saturating_sub(wrapper.block_ram),
            lut_ram: whole.lut_ram.saturating_sub(wrapper.lut_ram),
        };
        let mhz: Vec<(u32, f64)> = outcome.timings.iter().map(|(s, t)| (*s, t.mhz)).collect();
        let fmax = Spread::of(&mhz.iter().map(|(_, f)| *f).collect::<Vec<_>>());
        let warnings =
            checks.iter().filter(|c| !c.shortfall.is_empty()).map(|c| c.shortfall.clone()).collect();
        let Resources { lut4, ff, dsp, block_ram } = request.device.resources();
        Report {
            design: design.name.clone(),
            lanes: layout.lanes,
            device: request.device.to_string(),
            speed_grade: (request.device != Device::Up5k).then_some(request.speed),
            tools: [tools.yosys.version.clone(), tools.nextpnr.version.clone()],
            core,
            wrapper,
            available: [lut4, ff, dsp, block_ram],
            modules: outcome
                .parts
                .modules
                .iter()
                .filter(|(name, _)| !name.is_empty())
                .map(|(name, c)| (in_words(name), *c))
                .collect(),
            checks,
            lacking: outcome.lacking.clone(),
            mhz,
            fmax,
            aim_mhz: request.aim_mhz,
            paths: paths(outcome),
            throughput: fmax.map(|f| throughput(design, layout, f.median)).unwrap_or_default(),
            warnings,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = self.write_text(&mut out);
        out
    }

    fn write_text(&self, out: &mut String) -> std::fmt::Result {
        let grade = self.speed_grade.map(|g| format!(", speed grade {g}")).unwrap_or_default();
        writeln!(out, "{} with {} lanes on {}{grade}", self.design, self.lanes, self.device)?;
        writeln!(out, "{}; {}\n", self.tools[0], self.tools[1])?;

        writeln!(out, "{:<42} {:>7} {:>7} {:>5} {:>9}", "", "LUT4", "FF", "DSP", "block RAM")?;
        let mut row = |name: &str, c: [usize; 4]| {
            writeln!(out, "{name:<42} {:>7} {:>7} {:>5} {:>9}", c[0], c[1], c[2], c[3])
        };
        let numbers = |c: &Counts| [c.lut4, c.ff, c.dsp, c.block_ram];
        for (name, c) in &self.modules {
            row(&format!("  {name}"), numbers(c))?;
        }
        row("the core", numbers(&self.core))?;
        row("the device has", self.available)?;
        row("besides: the wrapper, pins to registers", numbers(&self.wrapper))?;

        writeln!(out, "\n{:<58} {:>9} {:>6}", "blocks for multipliers and memories", "at least", "found")?;
        for c in &self.checks {
            let note = if c.shortfall.is_empty() { c.note.as_str() } else { "SHORTFALL" };
            writeln!(
                out,
                "{}",
                format!("  {:<56} {:>9} {:>6}  {note}", c.what, c.expected, c.found).trim_end()
            )?;
        }
        for lack in &self.lacking {
            writeln!(out, "\nDOES NOT FIT: {lack}")?;
        }
        let Some(fmax) = self.fmax else { return Ok(()) };
        writeln!(
            out,
            "\nclock rate: {:.1} MHz, the median of {} placements ({:.1} to {:.1})",
            fmax.median,
            self.mhz.len(),
            fmax.lowest,
            fmax.highest
        )?;
        for p in &self.paths {
            let seeds: Vec<String> = p.seeds.iter().map(ToString::to_string).collect();
            writeln!(
                out,
                "  worst path with seed {}: {:.1} ns, {:.1} of them wires, {} levels",
                seeds.join(", "),
                p.ns,
                p.routing_ns,
                p.levels
            )?;
            writeln!(out, "    from {}\n    to   {}", p.start, p.end)?;
            if !p.through.is_empty() {
                writeln!(out, "    through {}", p.through.join(", "))?;
            }
        }
        writeln!(out, "training, every pass made       cycles a sample  (weight reads)   samples/s")?;
        for t in &self.throughput {
            writeln!(
                out,
                "  {:>4} inputs not 0            {:>15}       ({:>5.1} %)  {:>10.0}",
                t.inputs_not_zero,
                t.cycles,
                100.0 * t.weight_read_share,
                t.samples_per_s
            )?;
        }
        Ok(())
    }
}

/// A path of instances without the wrapper's own.
fn in_words(name: &str) -> String {
    name.strip_prefix("u_core.").unwrap_or(name).to_owned()
}

fn paths(outcome: &Outcome) -> Vec<PathReport> {
    let mut all: Vec<PathReport> = Vec::new();
    for (seed, timing) in &outcome.timings {
        let Some(worst) = &timing.worst else { continue };
        let (start, end) = (in_words(&worst.start), in_words(&worst.end));
        let same = |p: &&mut PathReport| {
            without_index(&p.start) == without_index(&start) && without_index(&p.end) == without_index(&end)
        };
        let found = PathReport {
            through: through(&worst.through, &worst.start, &worst.end),
            start: start.clone(),
            end: end.clone(),
            levels: worst.levels,
            ns: worst.ns,
            routing_ns: worst.routing_ns,
            seeds: vec![*seed],
        };
        match all.iter_mut().find(same) {
            Some(p) => {
                let mut seeds = std::mem::take(&mut p.seeds);
                seeds.push(*seed);
                if found.ns > p.ns {
                    *p = found;
                }
                p.seeds = seeds;
            }
            None => all.push(found),
        }
    }
    all.sort_by(|a, b| b.ns.total_cmp(&a.ns));
    all
}

fn through(names: &[String], start: &str, end: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in names.iter().filter(|n| *n != start && *n != end) {
        let name = in_words(name);
        if !out.contains(&name) {
            out.push(name);
        }
    }
    out
}

fn without_index(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

fn throughput(design: &Design, layout: &Layout, mhz: f64) -> Vec<Throughput> {
    let program = Program::of(design);
    let inputs = design.network.inputs();
    [inputs.div_ceil(5), inputs / 2, inputs]
        .into_iter()
        .map(|active| {
            let cycles = predict_training(layout, &program, design.batch, active);
            Throughput {
                inputs_not_zero: active,
                cycles: cycles.all,
                weight_read_share: cycles.weight_reads as f64 / cycles.all as f64,
                samples_per_s: mhz * 1e6 / cycles.all as f64,
            }
        })
        .collect()
}
