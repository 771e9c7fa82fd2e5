//! A study's table as files: HTML, CSV, JSON lines, Markdown, and every design.

use super::html::{Heading, page};
use super::pareto;
use super::plan::Named;
use super::table::{Row, Table};
use crate::whole;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// Writes `report.html`, `report.md`, `points.csv`, `points.jsonl` and `designs/` into a folder.
///
/// # Errors
/// The operating system refused.
pub fn write(folder: &Path, heading: &Heading, points: &[Named], table: &Table) -> io::Result<()> {
    write_designs(folder, points)?;
    let html = page(heading, table).map_err(io::Error::other)?;
    whole::write(&folder.join("report.html"), html.as_bytes())?;
    whole::write(&folder.join("report.md"), markdown(heading, table).as_bytes())?;
    whole::write(&folder.join("points.csv"), csv(table).as_bytes())?;
    let mut lines = String::new();
    for row in &table.rows {
        lines += &serde_json::to_string(row)?;
        lines.push('\n');
    }
    whole::write(&folder.join("points.jsonl"), lines.as_bytes())
}

/// Writes every point's design file, as far as it is not there yet.
///
/// # Errors
/// The operating system refused.
pub fn write_designs(folder: &Path, points: &[Named]) -> io::Result<()> {
    for p in points {
        let path = folder.join("designs").join(format!("{}.toml", p.id));
        let text = p.text.to_string();
        if whole::read(&path).is_ok_and(|found| found == text.as_bytes()) {
            continue;
        }
        whole::write(&path, text.as_bytes())?;
    }
    Ok(())
}

fn csv_word(word: &str) -> String {
    if word.contains([',', '"', '\n']) {
        format!("\"{}\"", word.replace('"', "\"\""))
    } else {
        word.to_owned()
    }
}

/// One line for every point, a first line of names.
pub fn csv(table: &Table) -> String {
    let mut out = "point,status,values,seed,rule,weight_rounding,state_rounding,weight_bits,weight_read_bits,state_bits,drive_bits,beta,T,K,lanes,epochs,test_error,lost_updates,weights_saturated,states_saturated,cycles_per_sample,inference_cycles,memory_bits,weight_memory_bits,multipliers,multiplier_bits,hardware,samples_verified,device,lut4,flip_flops,dsp,block_ram,fmax_mhz,fmax_lowest,fmax_highest,samples_per_s,seconds,weights_digest,design_digest,data_checksum,version,design_file,command,problem\n".to_owned();
    for r in &table.rows {
        let mut words = vec![r.id.clone(), r.status.to_owned(), r.label(), r.seed.to_string()];
        match &r.fields {
            Some(f) => words.extend([
                f.rule.clone(),
                f.weight_rounding.clone(),
                f.state_rounding.clone(),
                f.weight_bits.to_string(),
                f.weight_read_bits.to_string(),
                f.state_bits.to_string(),
                f.drive_bits.to_string(),
                f.beta.to_string(),
                f.free_steps.to_string(),
                f.nudged_steps.to_string(),
                f.lanes.to_string(),
            ]),
            None => words.extend(std::iter::repeat_n(String::new(), 11)),
        }
        words.push(r.epochs.to_string());
        match &r.result {
            Some(t) => words.extend(
                [t.test_error, t.lost_updates, t.weights_saturated, t.states_saturated]
                    .map(|v| v.to_string()),
            ),
            None => words.extend(std::iter::repeat_n(String::new(), 4)),
        }
        match &r.cost {
            Some(c) => words.extend([
                c.cycles_per_sample.to_string(),
                c.inference_cycles.to_string(),
                c.memory_bits.to_string(),
                c.weight_memory_bits.to_string(),
                c.multipliers.to_string(),
                c.multiplier_bits.to_string(),
            ]),
            None => words.extend(std::iter::repeat_n(String::new(), 6)),
        }
        words.push(r.verdict().to_owned());
        words.push(r.verified.as_ref().map(|v| v.samples.to_string()).unwrap_or_default());
        match &r.placed {
            Some(p) => {
                let c = p.cells;
                words.push(p.device.clone());
                words.extend([c.lut4, c.ff, c.dsp, c.block_ram].map(|n| n.to_string()));
                let f = p.fmax();
                let numbers = [
                    f.map(|f| f.median),
                    f.map(|f| f.lowest),
                    f.map(|f| f.highest),
                    r.speed().map(|(_, samples)| samples),
                ];
                words.extend(numbers.map(|n| n.map(|n| n.to_string()).unwrap_or_default()));
            }
            None => words.extend(std::iter::repeat_n(String::new(), 9)),
        }
        words.push(r.result.as_ref().map(|t| t.seconds.to_string()).unwrap_or_default());
        words.push(r.result.as_ref().map(|t| t.weights_digest.clone()).unwrap_or_default());
        words.extend([
            r.design_digest.clone(),
            r.data_checksum.clone(),
            r.version.to_owned(),
            r.design_file.clone(),
            r.command.clone(),
            r.problem.clone().unwrap_or_default(),
        ]);
        out += &words.iter().map(|w| csv_word(w)).collect::<Vec<_>>().join(",");
        out.push('\n');
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// A table of the groups and the broken points.
pub fn markdown(heading: &Heading, table: &Table) -> String {
    let mut out = format!("# {}\n\n{}\n\nMade by `{}`.\n\n", heading.title, heading.summary, heading.command);
    out += "| values | rule, rounding | test error, % | smallest to largest | seeds | updates lost, % | cycles per sample | multipliers | memory, bits | on the front | hardware |\n";
    out += "|---|---|--:|--:|--:|--:|--:|--:|--:|---|---|\n";
    let on = |cost: &dyn Fn(usize) -> f64| {
        let places: Vec<_> = table.groups.iter().enumerate().map(|(i, g)| (cost(i), g.mean)).collect();
        pareto::front(&places)
    };
    let memory = on(&|i| table.groups[i].cost.memory_bits as f64);
    let multipliers = on(&|i| table.groups[i].cost.multiplier_bits as f64);
    let cycles = on(&|i| table.groups[i].cost.cycles_per_sample);
    for (i, g) in table.groups.iter().enumerate() {
        let fronts = [("memory", &memory), ("multiplier bits", &multipliers), ("cycles", &cycles)];
        let fronts: Vec<_> = fronts.iter().filter(|f| f.1.contains(&i)).map(|f| f.0).collect();
        let mut verdicts: Vec<&str> = g.rows.iter().map(|&r| table.rows[r].verdict()).collect();
        verdicts.retain(|v| !v.is_empty());
        verdicts.dedup();
        let _ = writeln!(
            out,
            "| {} | {} | {:.2} | {:.2} to {:.2} | {} | {:.2} | {:.0} | {} | {} | {} | {} |",
            cell(&g.label),
            cell(&g.family),
            100.0 * g.mean,
            100.0 * g.least,
            100.0 * g.greatest,
            g.seeds,
            100.0 * g.lost_updates,
            g.cost.cycles_per_sample,
            g.cost.multipliers,
            g.cost.memory_bits,
            fronts.join(", "),
            verdicts.join(", "),
        );
    }
    let placed: Vec<&Row> = table.rows.iter().filter(|r| r.placed.is_some()).collect();
    if !placed.is_empty() {
        out += "\n| point | values | on a device (clock rate: median, lowest and highest placement) |\n|---|---|---|\n";
        for r in placed {
            let _ = writeln!(out, "| {} | {} | {} |", r.id, cell(&r.label()), cell(&r.on_device()));
        }
    }
    let broken: Vec<&Row> = table.rows.iter().filter(|r| r.status == "broken").collect();
    if !broken.is_empty() {
        out += "\n| broken point | values | seed | what is wrong |\n|---|---|--:|---|\n";
        for r in broken {
            let why = r.problem.as_deref().unwrap_or_default();
            let _ = writeln!(out, "| {} | {} | {} | {} |", r.id, cell(&r.label()), r.seed, cell(why));
        }
    }
    out
}
