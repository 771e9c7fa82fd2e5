//! The report as one page: no network, pictures inline.

use super::charts::{Mark, Plot, Series, short, svg};
use super::pareto;
use super::table::{Group, Row, Table};
use askama::Template;

/// What the page says above its pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Heading {
    /// Title of the study.
    pub title: String,
    /// What was studied, in a sentence.
    pub summary: String,
    /// The command that makes all of it again.
    pub command: String,
    /// The study file's text.
    pub study: String,
}

struct Picture {
    title: String,
    note: String,
    svg: String,
    legend: Vec<(usize, String)>,
}

struct Line<'a> {
    row: &'a Row,
    error: String,
    error_value: f64,
    verdict: &'static str,
}

impl Line<'_> {
    fn percent(&self, share: &f64) -> String {
        format!("{:.2}", 100.0 * share)
    }
}

#[derive(Template)]
#[template(path = "study.html")]
struct Page<'a> {
    heading: &'a Heading,
    pictures: Vec<Picture>,
    lines: Vec<Line<'a>>,
    broken: Vec<&'a Row>,
    axes: Vec<String>,
    constant: String,
    /// Some point is on a device.
    placed: bool,
}

/// The page.
///
/// # Errors
/// The template failed; this is a bug.
pub fn page(heading: &Heading, table: &Table) -> Result<String, askama::Error> {
    let pictures = plots(table)
        .into_iter()
        .map(|p| Picture {
            svg: svg(&p),
            legend: p
                .series
                .iter()
                .filter(|s| !s.name.is_empty())
                .map(|s| (s.colour % super::charts::COLOURS, s.name.clone()))
                .collect(),
            title: p.title,
            note: p.note,
        })
        .collect();
    let lines = table.rows.iter().filter(|r| r.status != "broken").map(|row| {
        let error = row.result.as_ref().map(|r| r.test_error);
        Line {
            row,
            error: error.map_or_else(|| "not yet".to_owned(), percent),
            error_value: error.unwrap_or(2.0),
            verdict: row.verdict(),
        }
    });
    let mut axes: Vec<String> = Vec::new();
    for (axis, _) in table.rows.iter().flat_map(|r| &r.labels) {
        if !axes.contains(axis) {
            axes.push(axis.clone());
        }
    }
    let broken = table.rows.iter().filter(|r| r.status == "broken").collect();
    let placed = table.rows.iter().any(|r| r.placed.is_some());
    let constant = constant_costs(table);
    Page { heading, pictures, lines: lines.collect(), broken, axes, constant, placed }.render()
}

fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.2}", 100.0 * share) } else { "-".to_owned() }
}

fn plots(table: &Table) -> Vec<Plot> {
    let mut plots = Vec::new();
    if table.groups.is_empty() {
        return plots;
    }
    plots.extend(over_numbers(table));
    plots.extend(COSTS.iter().filter(|c| varies(table, c)).map(|c| front(table, c)));
    plots.push(curves(table));
    plots
}

/// A price by name, a word on it, and how a group has it.
type Kind = (&'static str, &'static str, fn(&Group) -> f64);
const COSTS: &[Kind] = &[
    ("memory bits", "", |g| g.cost.memory_bits as f64),
    ("multipliers", "", |g| g.cost.multipliers as f64),
    ("multiplier bits", " Multiplier bits: the products of the operands' widths, summed.", |g| {
        g.cost.multiplier_bits as f64
    }),
    ("cycles per training sample", "", |g| g.cost.cycles_per_sample),
];

fn varies(table: &Table, (_, _, cost): &Kind) -> bool {
    table.groups.windows(2).any(|w| cost(&w[0]) != cost(&w[1]))
}

/// The prices that are the same for all points, in a sentence; a front over them would be a single point.
fn constant_costs(table: &Table) -> String {
    let Some(first) = table.groups.first() else { return String::new() };
    let same = COSTS.iter().filter(|c| !varies(table, c));
    let words: Vec<String> = same.map(|c| format!("{:.0} {}", c.2(first), c.0)).collect();
    if words.is_empty() { String::new() } else { format!("The same for all points: {}.", words.join(", ")) }
}

fn families(table: &Table) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for g in &table.groups {
        if !all.contains(&g.family) {
            all.push(g.family.clone());
        }
    }
    all
}

fn mark(table: &Table, g: &Group, x: f64) -> Mark {
    let spread = format!("{} to {} % over {} seed(s)", percent(g.least), percent(g.greatest), g.seeds);
    Mark {
        x,
        y: 100.0 * g.mean,
        spread: Some((100.0 * g.least, 100.0 * g.greatest)),
        title: format!(
            "{} ({}): {} %, {spread}; {} bits of memory",
            g.label,
            g.family,
            percent(g.mean),
            short(g.cost.memory_bits as f64)
        ),
        row: table.rows[g.rows[0]].id.clone(),
    }
}

/// Error over every number that the study varies, a curve for each rule and rounding. Groups with the same number
/// and family (they differ in something else) make one curve through their means.
fn over_numbers(table: &Table) -> Vec<Plot> {
    let mut plots = Vec::new();
    for (n, (name, _)) in table.groups[0].fields.numbers().into_iter().enumerate() {
        let number = |g: &Group| g.fields.numbers()[n].1;
        let first = number(&table.groups[0]);
        if table.groups.iter().all(|g| number(g) == first) {
            continue;
        }
        let mut series = Vec::new();
        for (colour, family) in families(table).into_iter().enumerate() {
            let mut marks: Vec<Mark> = table
                .groups
                .iter()
                .filter(|g| g.family == family)
                .map(|g| mark(table, g, number(g)))
                .collect();
            marks.sort_by(|a, b| a.x.total_cmp(&b.x));
            let mut line: Vec<Mark> = Vec::new();
            for same in marks.chunk_by(|a, b| a.x == b.x) {
                let y = same.iter().map(|m| m.y).sum::<f64>() / same.len() as f64;
                line.push(Mark { y, spread: None, ..same[0].clone() });
            }
            let shape = |line, dots, name: &str, marks| Series {
                name: name.to_owned(),
                colour,
                line,
                dots,
                faint: false,
                marks,
            };
            series.push(shape(true, false, "", line));
            series.push(shape(false, true, &family, marks));
        }
        plots.push(Plot {
            title: format!("Test error over {name}"),
            note: "Dots: mean over the seeds; bars: smallest to largest; lines: mean of the dots above each other."
                .to_owned(),
            x_label: name.to_owned(),
            y_label: "test error, %".to_owned(),
            series,
        });
    }
    plots
}

fn front(table: &Table, &(name, word, cost): &Kind) -> Plot {
    let places: Vec<(f64, f64)> = table.groups.iter().map(|g| (cost(g), g.mean)).collect();
    let best = pareto::front(&places);
    let mut series = Vec::new();
    for (colour, family) in families(table).into_iter().enumerate() {
        let of = |in_front: bool| -> Vec<Mark> {
            let mine = table.groups.iter().enumerate().filter(|(_, g)| g.family == family);
            mine.filter(|(i, _)| best.contains(i) == in_front).map(|(_, g)| mark(table, g, cost(g))).collect()
        };
        let dots = |name: &str, faint, marks| Series {
            name: name.to_owned(),
            colour,
            line: false,
            dots: true,
            faint,
            marks,
        };
        series.push(dots("", true, of(false)));
        series.push(dots(&family, false, of(true)));
    }
    let mut steps: Vec<Mark> = Vec::new();
    for &i in &best {
        let corner = Mark { spread: None, ..mark(table, &table.groups[i], places[i].0) };
        if let Some(before) = steps.last() {
            steps.push(Mark { y: before.y, ..corner.clone() });
        }
        steps.push(corner);
    }
    series.insert(
        0,
        Series {
            name: String::new(),
            colour: super::charts::COLOURS - 1,
            line: true,
            dots: false,
            faint: false,
            marks: steps,
        },
    );
    Plot {
        title: format!("Pareto front: test error against {name}"),
        note: format!(
            "Below the stairs lies nothing; what some other point beats on both counts is faint.{word}"
        ),
        x_label: name.to_owned(),
        y_label: "test error, %".to_owned(),
        series,
    }
}

fn curves(table: &Table) -> Plot {
    let families = families(table);
    let mut named: Vec<&str> = Vec::new();
    let mut series = Vec::new();
    for g in &table.groups {
        let colour = families.iter().position(|f| *f == g.family).unwrap_or(0);
        let per_seed: Vec<&Vec<f64>> = g
            .rows
            .iter()
            .filter_map(|&r| table.rows[r].result.as_ref().map(|r| &r.test_error_per_epoch))
            .collect();
        let epochs = per_seed.iter().map(|c| c.len()).min().unwrap_or(0);
        let marks = (0..epochs).map(|e| Mark {
            x: (e + 1) as f64,
            y: 100.0 * per_seed.iter().map(|c| c[e]).sum::<f64>() / per_seed.len().max(1) as f64,
            spread: None,
            title: format!("{} ({}), epoch {}", g.label, g.family, e + 1),
            row: table.rows[g.rows[0]].id.clone(),
        });
        let name = if named.contains(&g.family.as_str()) { "" } else { g.family.as_str() };
        named.push(&g.family);
        series.push(Series {
            name: name.to_owned(),
            colour,
            line: true,
            dots: true,
            faint: false,
            marks: marks.collect(),
        });
    }
    Plot {
        title: "Learning curves".to_owned(),
        note: "Test error after each epoch, mean over the seeds; point at a dot to see whose it is."
            .to_owned(),
        x_label: "epoch".to_owned(),
        y_label: "test error, %".to_owned(),
        series,
    }
}
