//! What the comparison and the studies leave behind: CSV tables and pictures.

use super::circle::{CircleStudy, POINTS, Path};
use super::compare::{Comparison, Measures, StepRow, TotalRow};
use super::studies::{ContinualRow, FormatRow, NudgeStudy};
use super::svg::{Chart, Line, picture};
use super::{Curves, Quantity};
use std::fmt::Write as _;

/// How many synapses of a layer are drawn.
const DRAWN: usize = 3;

/// A number for a table; empty where there is none.
fn cell(v: Option<f64>) -> String {
    v.map_or_else(String::new, |v| format!("{v:e}"))
}

fn cells(m: &Measures) -> String {
    [m.relative_error, m.cosine, m.sign_agreement].map(cell).join(",")
}

/// The whole update of every layer.
pub fn totals_csv(rows: &[TotalRow]) -> String {
    let mut csv = String::from("quantity,layer");
    for arithmetic in ["float", "fixed_states", "fixed_learned"] {
        for measure in ["relative_error", "cosine", "sign_agreement"] {
            let _ = write!(csv, ",{arithmetic}_{measure}");
        }
    }
    csv.push_str(",float_rmse,fixed_rmse\n");
    for r in rows {
        let measures = [&r.float, &r.fixed_states, &r.fixed_learned].map(cells).join(",");
        let _ = writeln!(csv, "{},{},{measures},{:e},{:e}", r.quantity, r.layer, r.rmse_float, r.rmse_fixed);
    }
    csv
}

/// Every quantity, layer and step: norms and agreement.
pub fn steps_csv(rows: &[StepRow]) -> String {
    let mut csv = String::from(
        "quantity,layer,t,bptt_norm,float_relative_error,float_cosine,float_sign_agreement,\
         fixed_relative_error,fixed_cosine,fixed_sign_agreement\n",
    );
    for r in rows {
        let (float, fixed) = (cells(&r.float), cells(&r.fixed));
        let _ = writeln!(csv, "{},{},{},{:e},{float},{fixed}", r.quantity, r.layer, r.t, r.bptt_norm);
    }
    csv
}

/// The elements of a layer whose BPTT curves are largest, largest first.
fn largest(bptt: &Curves, quantity: Quantity, layer: usize) -> Vec<usize> {
    if bptt.is_empty() {
        return Vec::new();
    }
    let size = |k| bptt.over_time(quantity, layer, k).map(|v| v * v).sum::<f64>();
    let mut sizes: Vec<(f64, usize)> = (0..bptt.at(quantity, layer, 0).len()).map(|k| (size(k), k)).collect();
    sizes.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    sizes.into_iter().take(DRAWN).map(|s| s.1).collect()
}

/// Row (post-synaptic) and column (pre-synaptic) of an element; biases and states have no column.
fn place(c: &Comparison, quantity: Quantity, layer: usize, k: usize) -> (usize, Option<usize>) {
    let post = c.learned.layers[layer - 1].post;
    if Quantity::SYNAPSES.contains(&quantity) { (k % post, Some(k / post)) } else { (k, None) }
}

/// The curves of each layer's largest gradients: what `curves.svg` draws.
pub fn curves_csv(c: &Comparison) -> String {
    let mut csv = String::from("quantity,layer,post,pre,t,bptt,float,fixed\n");
    for quantity in Quantity::ALL {
        for layer in c.bptt.layers(quantity) {
            for k in largest(&c.bptt, quantity, layer) {
                let (post, pre) = place(c, quantity, layer, k);
                let pre = pre.map_or_else(String::new, |p| p.to_string());
                for t in 0..c.bptt.len() {
                    let [bptt, float, fixed] =
                        [&c.bptt, &c.float, &c.fixed].map(|curves| curves.at(quantity, layer, t)[k]);
                    let _ = writeln!(csv, "{quantity},{layer},{post},{pre},{t},{bptt:e},{float:e},{fixed:e}");
                }
            }
        }
    }
    csv
}

/// Weights and states of every layer over the steps: BPTT, real numbers, fixed point.
pub fn curves_svg(c: &Comparison) -> String {
    let mut charts = Vec::new();
    for quantity in [Quantity::Weights, Quantity::States] {
        for layer in 1..=c.layers() {
            let mut lines = Vec::new();
            for (n, k) in largest(&c.bptt, quantity, layer).into_iter().enumerate() {
                let all = [
                    (&c.bptt, "BPTT", "black", true),
                    (&c.float, "real numbers", "#1f77b4", false),
                    (&c.fixed, "fixed point", "#d62728", false),
                ];
                lines.extend(all.map(|(curves, name, colour, dashed)| Line {
                    name: if n == 0 { name.into() } else { String::new() },
                    colour,
                    dashed,
                    points: (0..).map(f64::from).zip(curves.over_time(quantity, layer, k)).collect(),
                }));
            }
            charts.push(Chart {
                title: format!("{quantity} of layer {layer}: the {DRAWN} largest gradients"),
                x_label: "t (steps nudged, and steps back in time)".into(),
                y_label: "update per step".into(),
                logarithmic: false,
                lines,
            });
        }
    }
    picture(&charts, c.layers())
}

/// Continual updates: distance to BPTT per nudge and rate.
pub fn continual_csv(rows: &[ContinualRow]) -> String {
    let mut csv = String::from("beta,rate_factor,rmse\n");
    for r in rows {
        let _ = writeln!(csv, "{:e},{:e},{:e}", r.beta, r.rate_factor, r.rmse);
    }
    csv
}

/// Errors over the nudge: real numbers first (no fraction), then each format; `own` are the design's own formats.
pub fn nudges_csv(study: &NudgeStudy, formats: &[FormatRow]) -> String {
    let mut csv = String::from(
        "arithmetic,beta,one_sided_relative_error,one_sided_cosine,one_sided_sign_agreement,\
         symmetric_relative_error,symmetric_cosine,symmetric_sign_agreement\n",
    );
    for r in &study.rows {
        let _ = writeln!(csv, "float64,{:e},{},{}", r.beta, cells(&r.one_sided), cells(&r.symmetric));
    }
    for r in formats {
        let name = r.frac.map_or_else(|| "own".to_owned(), |f| format!("frac{f}"));
        let _ = writeln!(csv, "{name},{:e},{},{}", r.beta, cells(&r.one_sided), cells(&r.symmetric));
    }
    csv
}

/// Errors over the nudge, one-sided and symmetric side by side.
pub fn nudges_svg(study: &NudgeStudy, formats: &[FormatRow]) -> String {
    const COLOURS: [&str; 8] =
        ["#d62728", "#ff7f0e", "#bcbd22", "#2ca02c", "#17becf", "#1f77b4", "#9467bd", "#7f7f7f"];
    let mut names: Vec<Option<i32>> = formats.iter().map(|r| r.frac).collect();
    names.dedup();
    let chart = |symmetric: bool| {
        let pick = |a: &Measures, b: &Measures| if symmetric { b.relative_error } else { a.relative_error };
        let float = study.rows.iter().filter_map(|r| Some((r.beta, pick(&r.one_sided, &r.symmetric)?)));
        let mut lines =
            vec![Line { name: "float64".into(), colour: "black", dashed: true, points: float.collect() }];
        for (k, &frac) in names.iter().enumerate() {
            let rows = formats.iter().filter(|r| r.frac == frac);
            let points = rows.filter_map(|r| Some((r.beta, pick(&r.one_sided, &r.symmetric)?))).collect();
            let name = frac.map_or_else(|| "the design's own".to_owned(), |f| format!("{f} bits"));
            lines.push(Line { name, colour: COLOURS[k % COLOURS.len()], dashed: false, points });
        }
        Chart {
            title: if symmetric { "symmetric nudging" } else { "one nudged phase" }.into(),
            x_label: "beta".into(),
            y_label: "relative error of the update".into(),
            logarithmic: true,
            lines,
        }
    };
    picture(&[chart(false), chart(true)], 2)
}

/// Errors of points on a circle over the size of the nudge.
pub fn circle_csv(study: &CircleStudy) -> String {
    let errors: String = POINTS.iter().map(|n| format!(",error_{n}")).collect();
    let mut csv = format!("beta,settled{errors}\n");
    for r in &study.rows {
        let errors: String = r.errors.iter().map(|&e| format!(",{}", cell(e))).collect();
        let _ = writeln!(csv, "{:e},{}{errors}", r.beta, r.settled);
    }
    csv
}

/// The same errors, and a neuron's way round.
pub fn circle_charts(study: &CircleStudy) -> Vec<Chart> {
    const COLOURS: [&str; 4] = ["#d62728", "#ff7f0e", "#2ca02c", "#1f77b4"];
    let line = |(n, name, points)| Line { name, colour: COLOURS[n % COLOURS.len()], dashed: false, points };
    let errors = POINTS.iter().enumerate().map(|(n, points)| {
        let name = format!("{points} point{}", if *points == 1 { "" } else { "s" });
        line((n, name, study.rows.iter().filter_map(|r| Some((r.beta, r.errors[n]?))).collect()))
    });
    let Path { layer, neuron, circles } = &study.path;
    let ways = circles.iter().enumerate();
    let ways = ways.map(|(n, (beta, states))| line((n, format!("|beta| {beta}"), states.clone())));
    vec![
        Chart {
            title: "points on a circle".into(),
            x_label: "|beta|".into(),
            y_label: "relative error of the update".into(),
            logarithmic: true,
            lines: errors.collect(),
        },
        Chart {
            title: format!("neuron {neuron} of layer {layer}, as its nudge walks round"),
            x_label: "real part of its state".into(),
            y_label: "imaginary part".into(),
            logarithmic: false,
            lines: ways.collect(),
        },
    ]
}

/// Both as a picture.
pub fn circle_svg(study: &CircleStudy) -> String {
    picture(&circle_charts(study), 2)
}
